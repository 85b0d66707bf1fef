//! The two faces of Cầu Nối: `field` in the browser, `office` rendered by the server.

pub mod api;
pub mod icon;
pub mod text;

/// The phone's adapters: storage, sealing, the way to the office.
#[cfg(feature = "csr")]
pub mod device;

/// The offline app: one document, mounted by `/boot.js`.
#[cfg(feature = "csr")]
pub mod field;

/// The pages of a commune's or province's desk; rendered by the server.
#[cfg(feature = "ssr")]
pub mod office;
