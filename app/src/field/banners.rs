//! What stands under the bar of a main page when something is not as usual: session ended, old version, new version.

use leptos::{ev, prelude::*};

use super::{
    app_state,
    route::Route,
    state::SyncState,
    ui::{Banner, If, moment},
    words,
};
use crate::icon::{Icon, sized};

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

/// Above the four places: what waits and when the commune last received. Always there.
#[component]
pub fn SyncLine() -> AnyView {
    let state = app_state();
    let words = words();
    let counts = Memo::new(move |_| state.unsent());
    let running = move || state.sync.get() == SyncState::Running;
    let line = move || {
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
        Some(at) => (words.frame.last_received)(&moment(at, state.now.get())),
        None => words.frame.never_received.to_owned(),
    };
    let icon = move || match (counts.get(), state.sync.get()) {
        ((0, 0), SyncState::Offline) => Icon::Offline,
        ((0, 0), _) => Icon::Tick,
        ((_, 1..), _) => Icon::Warning,
        _ => Icon::Outbox,
    };
    view! {
        <a class="sync-line" href=Route::Sync.path() data-sync=move || (counts.get() == (0, 0)).then_some("done")>
            {move || sized(icon(), Some("s"))} <strong>{line}</strong> <span>{contact}</span>
        </a>
    }
    .into_any()
}
