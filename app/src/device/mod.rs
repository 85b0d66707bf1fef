//! The phone's adapters: storage, sealing, the way to the office, and when to take it. No screen and no rule is known here.
//!
//! # Layout
//! - [`phone`]: the one object that screens use.
//! - [`notebook`]: the storage of one person, over [`idb`], [`vault`], [`shelf`] and [`pack`].
//! - [`photos`]: sealed photos on this phone and on their way; [`picture`]: how one is made small.
//! - [`roster`]: the people of this phone and their keys.
//! - [`letters`]: sealing changes to the office. [`post`]: bringing them, for oneself and for others.
//! - [`line`]: requests to the office. [`rounds`]: when a sync run is due.
//! - [`ring`]: being called when an emergency waits.
//! - [`browser`]: clock, chance, locks between tabs, settings.

pub mod browser;
pub mod idb;
pub mod letters;
pub mod line;
pub mod notebook;
pub mod pack;
pub mod phone;
pub mod photos;
pub mod picture;
pub mod post;
pub mod ring;
pub mod roster;
pub mod rounds;
pub mod shelf;
pub mod vault;
