//! What stands under the bar of a main page when something is not as usual: session ended, old version, new version.

use leptos::{ev, prelude::*, task::spawn_local};

use super::{
    app_state,
    route::Route,
    state::{AppState, Loading, Opening, SyncState},
    ui::{Banner, If, moment},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, grouped},
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
        let kept = state.keeper().keep_drafts();
        spawn_local(async move {
            kept.await;
            if let Ok(event) = web_sys::Event::new("cn-update-agreed") {
                let _ = window().dispatch_event(&event);
            }
        });
    };
    // Whoever has no role left is told why nothing is here, and that nothing of theirs was thrown away.
    let revoked = move || state.worker.with(|worker| worker.as_ref().is_some_and(|worker| worker.grants.is_empty()));
    view! {
        <If when=revoked>
            <Banner icon=Icon::Lock said=words.frame.revoked />
        </If>
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
        <If when=move || state.evicted.get()>
            <Banner icon=Icon::Warning said=words.sync.evicted>
                <a class="button" href=Route::Sync.path()>{words.sync.title}</a>
            </Banner>
        </If>
        {move || state.loading.get().map(|loading| view! { <LoadingBar loading /> })}
        <If when=move || update.get()>
            <Banner icon=Icon::Download said=words.frame.update calm=true>
                <button class="button" type="button" on:click=agree>{words.frame.update_button}</button>
            </Banner>
        </If>
    }
    .into_any()
}

/// How much of the office's content is here, and about how long the rest takes. Nobody has to wait for it.
#[component]
fn LoadingBar(loading: Loading) -> AnyView {
    let words = words();
    let Loading { here, of, left_ms } = loading;
    let part = (here * 100 / of.max(1)).min(99);
    let figure = (words.frame.loading)(&grouped(here as u64), &grouped(of as u64));
    let left = left_ms.map(|ms| (words.frame.loading_left)(ms)).unwrap_or_default();
    view! {
        <div class="banner" data-tone="calm">
            <div class="stack" data-gap="s">
                <p>{sized(Icon::Download, Some("s"))}<span>{figure} " " {left}</span></p>
                <span
                    class="bar"
                    role="progressbar"
                    aria-label=words.frame.loading_label
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=part.to_string()
                >
                    <i style:--part=format!("{part}%")></i>
                </span>
            </div>
        </div>
    }
    .into_any()
}

/// In the place of an empty list while the office's content has not come to its end: nobody has looked whether it is empty.
#[component]
pub fn StillFilling() -> AnyView {
    let state = app_state();
    let words = words();
    let title = move || match state.sync.get() {
        SyncState::Running | SyncState::Idle => words.frame.filling,
        _ => words.frame.not_filled,
    };
    let text = move || match state.sync.get() {
        SyncState::Running | SyncState::Idle => words.frame.filling_long,
        _ => words.frame.not_filled_long,
    };
    view! {
        <div class="empty">
            {sized(Icon::Download, Some("l"))}
            <strong>{title}</strong>
            <p>{text}</p>
        </div>
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
