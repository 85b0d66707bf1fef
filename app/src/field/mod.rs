//! The offline app in the browser: its pages, the pieces they are made of, and how it is started. It knows no storage.

mod clock;
mod naming;
mod route;
mod state;
mod ui;

use leptos::prelude::*;

use crate::text::{Lang, Words};

/// The sentences of the language in use. Only within the body of a component, where the context is.
fn words() -> &'static Words {
    lang().words()
}

fn lang() -> Lang {
    use_context::<Lang>().unwrap_or_default()
}
