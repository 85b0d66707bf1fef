//! Phones and an office under every accident, from a seed.
//!
//! # Layout
//! - `world`: who is there, what time it is, what happens next; `task`: several things at once, killed between two steps
//! - `office`, `network`, `disk`, `phone`, `post`: the machines and what lies on them; `deeds`: what people do with them;
//!   `areas`: what lies where, and how areas are merged
//! - `invariant`: what must hold, by name; `judge`: looks whether it does; `fault`: deliberately wrong adapters

mod areas;
mod chance;
mod deeds;
mod disk;
mod fault;
mod invariant;
mod judge;
mod network;
mod office;
mod phone;
mod post;
mod task;
mod world;

pub use fault::Fault;
pub use invariant::{Broken, Invariant};
pub use world::{Counts, find, run};
