//! The office's pages, rendered by the server: each is a function of what was loaded for it; none loads anything itself.

mod aside;
mod frame;
mod home;
mod log_in;

pub use aside::{AsidePage, AsideRow, GivenUpRow, REASON_CHARS, Said, aside, reading};
pub use frame::Assets;
pub use home::{Home, home};
pub use log_in::{LogIn, log_in};
