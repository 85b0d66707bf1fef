//! The office: an axum server over SQLite or PostgreSQL that signs people in, answers the field app and renders the office's pages.
//!
//! # Layout
//! - [`config`]: what the command line and the environment can say
//! - [`routes`]: the one table of routes that builds the router
//! - [`shell`], [`assets`]: the field app's document and files
//! - [`login`], [`session`]: who is asking
//! - [`api`], [`office`]: what stands behind the server functions and the office's pages
//! - [`photo`]: the doors for sealed photos
//! - [`tally`]: how often somebody calls who has no session
//! - [`letters`]: how many letters somebody may bring, what comes in a file, and the office's word for what it has
//! - [`headers`], [`observe`], [`health`]: what every answer carries, and how the office is doing
//! - [`registry`]: changes, parts and logs; [`staff`]: people, rights and places
//! - [`seal`], [`audit`]: what a stolen database does not tell, and who read what; [`keys`]: the office's key pairs
//! - [`duty`], [`outgoing`]: an emergency that nobody has seen goes to whoever is on duty
//! - [`serve`], [`database`]: start, stop, storage; [`defect`]: what a panic ends; [`demo`]: a fictional installation
//! - [`user`], [`import`], [`backup`], [`check`], [`promises`], [`openapi`]: the other verbs of the command line

pub mod api;
pub mod assets;
pub mod audit;
pub mod backup;
pub mod check;
pub mod config;
pub mod database;
pub mod defect;
pub mod demo;
pub mod duty;
pub mod headers;
pub mod health;
pub mod import;
pub mod keys;
pub mod letters;
pub mod login;
pub mod observe;
pub mod office;
pub mod openapi;
pub mod outgoing;
pub mod photo;
pub mod promises;
pub mod registry;
pub mod routes;
pub mod seal;
pub mod serve;
pub mod session;
pub mod shell;
pub mod staff;
pub mod tally;
pub mod user;

pub use serve::AppState;
