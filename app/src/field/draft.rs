//! Keeping what is being typed: every form writes itself down as it grows and comes back after a crash or a dead battery.
//! It knows forms as JSON, not their questions.

use std::{rc::Rc, sync::Arc, time::Duration};

use domain::{WorkerId, json, notebook::Draft};
use gloo_timers::future::TimeoutFuture;
use leptos::{ev, prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    app_state,
    state::{AppState, Opening},
    ui::{ConfirmDialog, IconWord, If},
    words,
};
use crate::icon::Icon;

/// A pause in typing after which the draft is written down.
const PAUSE: Duration = Duration::from_millis(300);

/// A pause before a store that failed is asked again.
const AGAIN_MS: u32 = 1_000;

/// Asks every open form to write itself down now.
const KEEP: &str = "cn-keep";

/// Has every open form write itself down now.
pub fn keep_now() {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new(KEEP)) {
        window.dispatch_event(&event).ok();
    }
}

/// Gives the form as it stands, tracked.
type Content = Arc<dyn Fn() -> String + Send + Sync>;

/// Whether what stands in the form is written down.
#[derive(Clone, Copy)]
pub struct DraftState {
    /// The form stands as it was left, or anew.
    pub loaded: RwSignal<bool>,
    pub kept: RwSignal<bool>,
    ended: StoredValue<bool>,
    content: StoredValue<Content>,
    /// What was written down last; at first the form as nobody has touched it.
    last: StoredValue<String>,
    /// Whose form it is: it is never written into anybody else's notebook.
    writer: StoredValue<Option<WorkerId>>,
}

impl std::fmt::Debug for DraftState {
    /// What somebody types does not belong in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DraftState(…)")
    }
}

impl DraftState {
    /// What stood in the form was saved for good, or dropped: nothing of it is written down any more.
    pub fn end(self) {
        self.ended.set_value(true);
    }
    /// Fills in what nobody typed, such as the first village: a form with nothing else is still no draft.
    pub fn by_default(self, fill: impl FnOnce()) {
        let untouched = self.now() == self.last.get_value();
        fill();
        if untouched {
            self.last.set_value(self.now());
        }
    }
    fn now(self) -> String {
        let content = self.content.get_value();
        untrack(|| content())
    }
}

/// Loads the draft called `name` into the form by `write` and from then on writes the form down as `read` gives it.
/// A form nobody has typed into is no draft.
pub fn keep_draft<T, R, W>(name: String, read: R, write: W) -> DraftState
where
    T: Serialize + DeserializeOwned,
    R: Fn() -> T + Copy + Send + Sync + 'static,
    W: Fn(T) + 'static,
{
    let content = Arc::new(move || json::write_text(&read()).unwrap_or_default());
    keep(name, content, Box::new(move |value| json::read(value.as_bytes()).map(&write).is_ok()))
}

fn keep(name: String, content: Content, write: Box<dyn Fn(&str) -> bool>) -> DraftState {
    let state = app_state();
    let pristine = untrack(|| content());
    let draft = DraftState {
        loaded: RwSignal::new(false),
        kept: RwSignal::new(false),
        ended: StoredValue::new(false),
        content: StoredValue::new(Arc::clone(&content)),
        last: StoredValue::new(pristine),
        writer: StoredValue::new(None),
    };
    let name = StoredValue::new(name);
    let write = Rc::new(write);
    // A page opened by its address stands before the notebook does.
    Effect::new(move |asked: Option<bool>| {
        if asked == Some(true) || state.opening.get() != Opening::Ready {
            return asked == Some(true);
        }
        draft.writer.set_value(state.me());
        let (keeper, write) = (state.keeper(), Rc::clone(&write));
        spawn_local(async move {
            let found = loop {
                match keeper.drafts().await {
                    Ok(all) => break all.into_iter().find(|d| name.try_with_value(|n| d.name == *n) == Some(true)),
                    // A store that cannot be asked may hold a draft: nothing is written over it.
                    Err(_) => TimeoutFuture::new(AGAIN_MS).await,
                }
                if draft.loaded.is_disposed() {
                    return;
                }
            };
            let Some(true) = draft.loaded.try_with_untracked(|_| true) else { return };
            if let Some(found) = found {
                let untouched = draft.now() == draft.last.get_value();
                if untouched && write(&found.content) {
                    draft.last.set_value(found.content);
                    draft.kept.set(true);
                } else {
                    // What this version cannot read, or somebody who typed faster than the store opened has not seen,
                    // is kept beside the new draft.
                    let name = format!("{}:{}", found.name, found.at.0);
                    while keeper.put_draft(Draft { name: name.clone(), ..found.clone() }).await.is_err() {
                        if draft.loaded.is_disposed() {
                            return;
                        }
                        TimeoutFuture::new(AGAIN_MS).await;
                    }
                }
            }
            let _ = draft.loaded.try_set(true);
        });
        true
    });
    let turn = StoredValue::new(0_u32);
    let put = move || {
        let is_standing = draft.ended.try_get_value() == Some(false) && draft.loaded.try_get_untracked() == Some(true);
        if !is_standing || state.is_ending(&name.get_value()) {
            return;
        }
        let writer = draft.writer.get_value();
        if writer.is_none() || writer != untrack(|| state.me()) {
            return;
        }
        let now = draft.now();
        if now != draft.last.get_value() {
            draft.last.set_value(now.clone());
            write_down(state, name.get_value(), now, draft);
        }
    };
    Effect::new(move |_| {
        let now = content();
        if !draft.loaded.get() {
            return;
        }
        if now != draft.last.get_value() {
            draft.kept.set(false);
        }
        turn.update_value(|t| *t += 1);
        let mine = turn.get_value();
        set_timeout(
            move || {
                if turn.try_get_value() == Some(mine) {
                    put();
                }
            },
            PAUSE,
        );
    });
    // A phone that is locked or whose battery dies gives one last moment.
    let hidden = window_event_listener(ev::Custom::<web_sys::Event>::new("visibilitychange"), move |_| put());
    let asked = window_event_listener(ev::Custom::<web_sys::Event>::new(KEEP), move |_| put());
    on_cleanup(move || {
        hidden.remove();
        asked.remove();
        put();
    });
    draft
}

fn write_down(state: AppState, name: String, content: String, draft: DraftState) {
    let keeper = state.keeper();
    let saving = keeper.put_draft(Draft { name: name.clone(), at: keeper.now(), content: content.clone() });
    spawn_local(async move {
        let done = saving.await.is_ok();
        if draft.ended.try_get_value() == Some(true) {
            // Saved for good while this was on its way to the disk: the draft must not come back.
            let _ = keeper.delete_draft(name).await;
        } else {
            // Of what was typed meanwhile nothing is said yet.
            let is_last = draft.last.try_with_value(|last| *last == content) == Some(true);
            if is_last {
                let _ = draft.kept.try_set(done && draft.now() == content);
            }
            if !done {
                // The next moment to keep what stands here tries again, though nothing more is typed.
                let _ = draft.last.try_set_value(String::new());
            }
        }
    });
}

/// Says that the draft is written down.
#[component]
pub fn DraftLine(draft: DraftState) -> AnyView {
    view! {
        <div role="status" class="draft-line">
            <If when=move || draft.kept.get()>
                <IconWord icon=Icon::Tick said=words().frame.draft_saved />
            </If>
        </div>
    }
    .into_any()
}

/// The question before a form that was begun is thrown away.
#[component]
pub fn DropDraft(open: RwSignal<bool>, #[prop(into)] act: Callback<()>) -> AnyView {
    let w = &words().new_case;
    view! {
        <ConfirmDialog
            open
            title=w.drop_title
            text=Signal::stored(w.drop_text.to_owned())
            act_label=w.drop_yes
            act
        />
    }
    .into_any()
}

/// A form: its fields as signals to type into, and as a value to write down.
macro_rules! form {
    ($(#[$doc:meta])* $form:ident as $written:ident { $($field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $form { $(pub $field: leptos::prelude::RwSignal<$ty>,)* }

        /// The form as a draft keeps it. Fields are only ever added.
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $written { $(pub $field: $ty,)* }

        impl $form {
            #[must_use]
            pub fn new(written: $written) -> Self {
                Self { $($field: leptos::prelude::RwSignal::new(written.$field),)* }
            }
            #[must_use]
            pub fn read(self) -> $written {
                use leptos::prelude::Get;
                $written { $($field: self.$field.get(),)* }
            }
            pub fn write(self, written: $written) {
                use leptos::prelude::Set;
                $(self.$field.set(written.$field);)*
            }
        }
    };
}
pub(super) use form;
