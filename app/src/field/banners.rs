//! What stands under the bar of a main page when something is not as usual: session ended, old version, new version.

use leptos::{ev, prelude::*};

use super::{
    app_state,
    route::Route,
    state::{AppState, Opening, SyncState},
    ui::{Banner, If, moment},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::Words,
};

/// The strips under the bar. None of them stops anybody from recording.
#[component]
pub fn Banners() -> AnyView {
    let state = app_state();
    let words = words();
    let root = document().document_element();
    let update = RwSignal::new(root.is_some_and(|r| r.get_attribute("data-update").is_some()));
    // `/boot.js` tells when a new build waits and takes over once it is told to.
    let listener =
        window_event_listener(ev::Custom::<web_sys::Event>::new("cn-update-ready"), move |_| update.set(true));
    on_cleanup(move || listener.remove());
    let agree = move |_| {
        if let Ok(event) = web_sys::Event::new("cn-update-agreed") {
            let _ = window().dispatch_event(&event);
        }
    };
    view! {
        {move || match state.sync.get() {
            SyncState::SignedOut => Some(view! {
                <Banner icon=Icon::Lock said=words.frame.log_in_again>
                    <a class="button" href=Route::Login.path()>{words.frame.log_in_button}</a>
                </Banner>
            }.into_any()),
            SyncState::UpdateNeeded => Some(view! { <Banner icon=Icon::Warning said=words.frame.old_version /> }.into_any()),
            SyncState::Phone(error) => {
                Some(view! { <Banner icon=Icon::Warning said=(words.sync.phone)(&error) /> }.into_any())
            }
            _ => None,
        }}
        <If when=move || update.get()>
            <Banner icon=Icon::Download said=words.frame.update calm=true>
                <button class="button" type="button" on:click=agree>{words.frame.update_button}</button>
            </Banner>
        </If>
    }
    .into_any()
}

/// Said in the place of what waits while that is not known: the notebook is on its way, or cannot be opened. An outbox that
/// nobody has read yet must not look as if all were sent.
pub fn unknown_yet(state: AppState, words: &'static Words) -> Option<&'static str> {
    match state.opening.get() {
        Opening::Ready => None,
        Opening::Failed(_) => Some(words.marks.held),
        Opening::Busy | Opening::Known | Opening::Nobody => Some(words.frame.opening),
    }
}

/// Above the four places: what waits and when the commune last received. Always there.
#[component]
pub fn SyncLine() -> AnyView {
    let state = app_state();
    let words = words();
    let counts = Memo::new(move |_| state.unsent());
    let running = move || state.sync.get() == SyncState::Running;
    let line = move || {
        if let Some(said) = unknown_yet(state, words) {
            return said.to_owned();
        }
        let (queued, held) = counts.get();
        let mut said = match queued {
            0 if held == 0 => words.frame.all_sent.to_owned(),
            0 => String::new(),
            n if running() => format!("{} {n}", words.frame.sending),
            n => (words.frame.waiting)(n),
        };
        if held > 0 {
            if !said.is_empty() {
                said.push_str(" · ");
            }
            said.push_str(&(words.frame.held)(held));
        }
        said
    };
    let contact = move || match state.contact.get() {
        _ if unknown_yet(state, words).is_some() => String::new(),
        Some(at) => (words.frame.last_received)(&moment(at, state.now.get())),
        None => words.frame.never_received.to_owned(),
    };
    let all_sent = move || unknown_yet(state, words).is_none() && counts.get() == (0, 0);
    let icon = move || match (counts.get(), state.sync.get()) {
        _ if matches!(state.opening.get(), Opening::Failed(_)) => Icon::Warning,
        _ if unknown_yet(state, words).is_some() => Icon::Outbox,
        ((0, 0), SyncState::Offline) => Icon::Offline,
        ((0, 0), _) => Icon::Tick,
        ((_, 1..), _) => Icon::Warning,
        _ => Icon::Outbox,
    };
    view! {
        <a class="sync-line" href=Route::Sync.path() data-sync=move || all_sent().then_some("done")>
            {move || sized(icon(), Some("s"))} <strong>{line}</strong> <span>{contact}</span>
        </a>
    }
    .into_any()
}
