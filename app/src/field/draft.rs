//! Keeping what is being typed: every form writes itself down as it grows and comes back after a crash or a dead battery.
//! It knows forms as JSON, not their questions.

use std::time::Duration;

use domain::notebook::Draft;
use leptos::{ev, prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{app_state, state::AppState, ui::IconWord, words};
use crate::icon::Icon;

/// A pause in typing after which the draft is written down.
const PAUSE: Duration = Duration::from_millis(300);

/// Whether what stands in the form is written down.
#[derive(Debug, Clone, Copy)]
pub struct DraftState {
    /// The form stands as it was left, or anew.
    pub loaded: RwSignal<bool>,
    pub kept: RwSignal<bool>,
    ended: StoredValue<bool>,
}

impl DraftState {
    /// What stood in the form was saved for good, or dropped: nothing of it is written down any more.
    pub fn end(self) {
        self.ended.set_value(true);
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
    let content = move || serde_json::to_value(read()).unwrap_or_default();
    keep(name, content, move |value| {
        if let Ok(form) = serde_json::from_value(value) {
            write(form);
        }
    })
}

fn keep(
    name: String,
    content: impl Fn() -> Value + Copy + Send + Sync + 'static,
    write: impl Fn(Value) + 'static,
) -> DraftState {
    let state = app_state();
    let draft = DraftState { loaded: RwSignal::new(false), kept: RwSignal::new(false), ended: StoredValue::new(false) };
    let pristine = untrack(content);
    let last = StoredValue::new(pristine.clone());
    let name = StoredValue::new(name);
    let drafts = state.keeper().drafts();
    spawn_local(async move {
        let found = drafts
            .await
            .ok()
            .and_then(|all| all.into_iter().find(|d| name.try_with_value(|n| d.name == *n) == Some(true)));
        let Some(true) = draft.loaded.try_with_untracked(|_| true) else { return };
        // Somebody who types faster than the store opens keeps what they typed.
        if let Some(found) = found.filter(|_| untrack(content) == pristine) {
            last.set_value(found.content.clone());
            write(found.content);
            draft.kept.set(true);
        }
        draft.loaded.set(true);
    });
    let turn = StoredValue::new(0_u32);
    let put = move || {
        let Some(value) = last.try_get_value() else { return };
        let now = untrack(content);
        if now == value || draft.ended.get_value() {
            return;
        }
        last.set_value(now.clone());
        write_down(state, name.get_value(), now, draft.kept);
    };
    Effect::new(move |_| {
        let _ = content();
        if !draft.loaded.get() {
            return;
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
    on_cleanup(move || {
        hidden.remove();
        put();
    });
    draft
}

fn write_down(state: AppState, name: String, content: Value, kept: RwSignal<bool>) {
    let keeper = state.keeper();
    let saving = keeper.put_draft(Draft { name, at: keeper.now(), content });
    spawn_local(async move {
        let done = saving.await.is_ok();
        let _ = kept.try_set(done);
    });
}

/// Says that the draft is written down.
#[component]
pub fn DraftLine(draft: DraftState) -> AnyView {
    view! {
        <div role="status">
            <Show when=move || draft.kept.get()>
                <IconWord icon=Icon::Tick said=words().frame.draft_saved />
            </Show>
        </div>
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
