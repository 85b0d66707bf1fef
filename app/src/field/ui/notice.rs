//! What the app says on its own: a passing notice, a question before something is lost. It knows no page.

use leptos::{html, prelude::*};

use crate::{
    field::words,
    icon::{Icon, sized},
};

/// Long enough to be read twice by somebody who reads slowly.
const NOTICE_MS: u64 = 7_000;

/// The one line that passes by above the dock. In the context of the app.
#[derive(Debug, Clone, Copy)]
pub struct Notice {
    said: RwSignal<Option<(u32, Icon, String)>>,
}

impl Notice {
    #[must_use]
    pub fn new() -> Self {
        Self { said: RwSignal::new(None) }
    }
    /// Something was done.
    pub fn say(self, line: impl Into<String>) {
        self.show(Icon::Tick, line.into());
    }
    /// Something could not be done.
    pub fn warn(self, line: impl Into<String>) {
        self.show(Icon::Warning, line.into());
    }
    fn show(self, icon: Icon, line: String) {
        let turn = self.said.with_untracked(|s| s.as_ref().map_or(0, |(turn, ..)| turn + 1));
        self.said.set(Some((turn, icon, line)));
        set_timeout(
            move || {
                // A newer line keeps its own time.
                if self.said.try_with_untracked(|s| s.as_ref().is_some_and(|(t, ..)| *t == turn)) == Some(true) {
                    self.said.set(None);
                }
            },
            std::time::Duration::from_millis(NOTICE_MS),
        );
    }
}

impl Default for Notice {
    fn default() -> Self {
        Self::new()
    }
}

/// The place where [`Notice`] speaks; it stands in the page from the start, or screen readers would not hear it.
#[component]
pub fn NoticeRegion() -> AnyView {
    let notice = expect_context::<Notice>();
    view! {
        <div class="notice" role="status" aria-live="polite">
            {move || notice.said.get().map(|(_, icon, line)| view! { <p>{icon}<span>{line}</span></p> })}
        </div>
    }
    .into_any()
}

/// A dialog that stands there only while it is wanted, and so opens at once.
pub fn standing_dialog() -> NodeRef<html::Dialog> {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            let _ = dialog.show_modal();
        }
    });
    dialog
}

/// Asks before something cannot be undone. Opens while `open` is true; `act` runs on the button that names the act.
#[component]
pub fn ConfirmDialog(
    open: RwSignal<bool>,
    #[prop(into)] title: String,
    #[prop(into)] text: Signal<String>,
    #[prop(into)] act_label: String,
    #[prop(into)] act: Callback<()>,
    /// Whether all that was asked for is there; until then the question stays.
    #[prop(optional, into)]
    ready: Option<Callback<(), bool>>,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let id = super::fresh_id();
    let label_id = id.clone();
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby=label_id on:close=move |_| open.set(false)>
            <form
                on:submit=move |event| {
                    event.prevent_default();
                    if ready.is_some_and(|ready| !ready.run(())) {
                        return super::focus_first_error();
                    }
                    act.run(());
                    open.set(false);
                }
            >
                <h2 id=id>{title}</h2>
                <p>{text}</p>
                {children.map(|children| children())}
                <div class="pair">
                    <button class="button" type="button" on:click=move |_| open.set(false)>{words().frame.cancel}</button>
                    <button class="button" data-kind="main">{act_label}</button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

/// What a page says when it has nothing to show.
#[component]
pub fn EmptyState(
    icon: Icon,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    view! {
        <div class="empty">
            {sized(icon, Some("l"))}
            <strong>{title}</strong>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}

/// Rows that stand while the real ones are being opened.
#[component]
pub fn SkeletonRows() -> AnyView {
    let row = |part: &'static str| {
        view! { <li><i style:--part=part></i><i style:--part="40%"></i></li> }
    };
    view! {
        <ul class="rows skeleton" aria-hidden="true">{row("70%")}{row("55%")}{row("62%")}</ul>
        <p class="hidden-label" role="status">{words().frame.opening}</p>
    }
    .into_any()
}

/// A strip below the top bar: no network, session ended, a new version.
#[component]
pub fn Banner(
    icon: Icon,
    #[prop(into)] said: String,
    #[prop(optional)] calm: bool,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    view! {
        <div class="banner" role="status" data-tone=calm.then_some("calm")>
            <div>
                <p>{sized(icon, Some("s"))}<span>{said}</span></p>
                {children.map(|children| children())}
            </div>
        </div>
    }
    .into_any()
}
