//! Saving what a form holds: one change or several in a row, and what is said when the phone could not keep it.

use domain::{Body, ChangeId, LogId, StoreError, Subject};
use futures::future::LocalBoxFuture;
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state, keep_now,
    state::AppState,
    ui::{Note, Notice},
    words,
};
use crate::{icon::Icon, text::Words};

/// The state of one form's button.
#[derive(Debug, Clone, Copy)]
pub struct Saving {
    state: AppState,
    pub busy: RwSignal<bool>,
    failed: RwSignal<Option<StoreError>>,
}

impl Saving {
    #[must_use]
    pub fn new() -> Self {
        Self { state: app_state(), busy: RwSignal::new(false), failed: RwSignal::new(None) }
    }
    /// Saves the bodies about one subject, all or none; the first may replace a held change, and all end the draft. `then`
    /// runs once they are on the disk, with the id of the first.
    pub fn save(
        self,
        log: LogId,
        subject: Subject,
        bodies: Vec<Body>,
        draft: Option<String>,
        replaces: Option<ChangeId>,
        then: impl FnOnce(ChangeId) + 'static,
    ) {
        if self.busy.get_untracked() || self.state.shrinking.get_untracked() > 0 {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        if let Some(draft) = &draft {
            self.state.begin_ending(draft);
        }
        let saved = self.state.keeper().save(log, subject, bodies, draft.clone(), replaces);
        self.wait(saved, draft, Box::new(then));
    }
    fn wait(
        self,
        saved: LocalBoxFuture<'static, Result<ChangeId, StoreError>>,
        draft: Option<String>,
        then: Box<dyn FnOnce(ChangeId)>,
    ) {
        spawn_local(async move {
            let error = saved.await.map(then).err();
            // A form whose draft has ended is saved once: a second tap may come before its page has gone.
            if error.is_some() || draft.is_none() {
                let _ = self.busy.try_set(false);
            }
            if let Some(draft) = draft {
                self.state.stop_ending(&draft);
            }
            if let Some(error) = error {
                let _ = self.failed.try_set(Some(error));
                keep_now();
            }
        });
    }
}

/// Saves what somebody has just confirmed in a dialog, and says in passing how that went.
pub fn save_at_once(state: AppState, words: &'static Words, notice: Notice, log: LogId, subject: Subject, body: Body) {
    let saving = state.keeper().save(log, subject, vec![body], None, None);
    spawn_local(async move {
        match saving.await {
            Ok(_) => notice.say(words.frame.saved),
            Err(error) => notice.warn((words.errors.store)(&error)),
        }
    });
}

/// Above the button: that the phone could not save, that nothing typed is lost, what to do.
#[component]
pub fn SaveFailure(saving: Saving) -> AnyView {
    let words = words();
    view! {
        <div role="alert">
            {move || {
                saving
                    .failed
                    .get()
                    .map(|error| {
                        let said = (words.errors.store)(&error).to_owned();
                        view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }
                    })
            }}
        </div>
    }
    .into_any()
}

/// The one filled button of a form.
#[component]
pub fn SaveButton(
    saving: Saving,
    #[prop(into)] label: Signal<String>,
    #[prop(optional)] form: Option<&'static str>,
    #[prop(optional)] emergency: bool,
) -> AnyView {
    let kind = if emergency { "emergency" } else { "main" };
    let words = words();
    let shrinking = move || saving.state.shrinking.get() > 0;
    // A photo that is not ready yet would stay behind.
    let said = move || if shrinking() { words.photos.shrinking.to_owned() } else { label.get() };
    view! {
        <button class="button" data-kind=kind data-size="l" form=form disabled=move || saving.busy.get() || shrinking()>
            {said}
        </button>
    }
    .into_any()
}
