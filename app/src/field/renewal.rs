//! Another tab has opened a newer app: this one opens anew, with what was being typed. It knows neither build nor store.

use leptos::prelude::*;

use super::{
    app_state,
    ui::{Banner, If, Notice},
    words,
};
use crate::{device::browser, icon::Icon};

/// Left for the next start: why it was one.
const RENEWED: &str = "cn.renewed";

/// Says so, and opens the app anew as soon as nobody is in the middle of something.
#[component]
pub fn Renewal() -> AnyView {
    let state = app_state();
    let words = words();
    if browser::told::<bool>(RENEWED) == Some(true) {
        expect_context::<Notice>().say(words.frame.renewed);
    }
    Effect::new(move |_| {
        if state.superseded.get() && !is_busy() {
            reopen();
        }
    });
    view! {
        <If when=move || state.superseded.get()>
            <div class="renewal">
                <Banner icon=Icon::Download said=words.frame.superseded>
                    <button class="button" type="button" on:click=move |_| reopen()>{words.frame.reopen}</button>
                </Banner>
            </div>
        </If>
    }
    .into_any()
}

/// Whether somebody types or answers a question: a page must not go away under their hands.
fn is_busy() -> bool {
    let document = document();
    let types = document.active_element().is_some_and(|at| matches!(&*at.tag_name(), "INPUT" | "TEXTAREA" | "SELECT"));
    types || document.query_selector("dialog[open]").ok().flatten().is_some()
}

fn reopen() {
    browser::tell_next(RENEWED, true);
    let _ = window().location().reload();
}
