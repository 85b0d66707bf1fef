//! The office: an axum server over SQLite that signs people in, answers the field app and renders the office's pages.
//!
//! # Layout
//! - [`config`]: what the command line and the environment can say
//! - [`routes`]: the one table of routes that builds the router
//! - [`shell`], [`assets`]: the field app's document and files
//! - [`login`], [`session`]: who is asking
//! - [`api`], [`office`]: what stands behind the server functions and the office's pages
//! - [`headers`], [`observe`], [`health`]: what every answer carries, and how the office is doing
//! - [`serve`], [`database`]: start, stop, storage; [`demo`]: a fictional installation

pub mod api;
pub mod assets;
pub mod config;
pub mod database;
pub mod demo;
pub mod headers;
pub mod health;
pub mod login;
pub mod observe;
pub mod office;
pub mod routes;
pub mod serve;
pub mod session;
pub mod shell;

pub use serve::AppState;
