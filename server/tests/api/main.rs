//! The office from outside: black-box tests over HTTP and the command line, each on a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod areas;
mod aside;
mod command_line;
mod demo;
mod duty;
mod facility;
mod laws;
mod letters;
mod log_in;
mod moving;
mod photos;
mod postgres;
mod pull;
mod push;
mod revoked;
mod rights;
mod support;
mod together;
