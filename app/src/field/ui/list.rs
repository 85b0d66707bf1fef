//! Lists and panels: rows that lead somewhere, facts in pairs, things with actions. They know layout, not content.

use std::sync::Arc;

use leptos::prelude::*;

use super::If;

use crate::{
    field::words,
    icon::{Icon, sized},
};

/// Views of a list as views of one kind: how a list is drawn is compiled once for each kind.
pub trait CollectAny: Iterator<Item: IntoAny> + Sized {
    fn collect_any(self) -> Vec<AnyView> {
        let mut views = vec![];
        for view in self {
            views.push(view.into_any());
        }
        views
    }
}
impl<I: Iterator<Item: IntoAny>> CollectAny for I {}

/// A heading with an optional soft remark at its end, and what stands below.
#[component]
pub fn Section(
    #[prop(into)] title: String,
    #[prop(optional, into)] remark: Signal<String>,
    children: Children,
) -> AnyView {
    let id = super::fresh_id();
    let label_id = id.clone();
    view! {
        <section class="stack" aria-labelledby=label_id>
            <div class="section-head">
                <h2 id=id>{title}</h2>
                <span>{remark}</span>
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// A row that leads to a page: name, one soft line, then marks. `code` stands at the end of the soft line.
#[component]
pub fn Row(
    #[prop(into)] href: String,
    #[prop(optional)] icon: Option<Icon>,
    #[prop(into)] title: String,
    #[prop(optional, into)] text: String,
    #[prop(optional, into)] code: String,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    let plain = icon.is_none().then_some("");
    let soft = (!text.is_empty() || !code.is_empty()).then(|| {
        view! {
            <span class="row-text">
                <span>{text}</span>
                {(!code.is_empty()).then(|| view! { <span class="code">{code}</span> })}
            </span>
        }
    });
    view! {
        <a class="row" href=href data-plain=plain>
            {icon.map(|icon| sized(icon, None))}
            <div>
                <span class="row-title">{title}</span>
                {soft}
                {children.map(|children| view! { <span class="marks">{children()}</span> })}
            </div>
        </a>
    }
    .into_any()
}

/// A line of a menu: icon, words, an arrow.
#[component]
pub fn MenuRow(
    #[prop(into)] href: String,
    icon: Icon,
    #[prop(into)] title: String,
    #[prop(optional, into)] text: Signal<String>,
) -> AnyView {
    view! {
        <li>
            <a class="row" href=href>
                {icon}
                <div>
                    <span class="row-title">{title}</span>
                    <span class="row-text">{text}</span>
                </div>
                {sized(Icon::Forward, Some("s"))}
            </a>
        </li>
    }
    .into_any()
}

/// Label and value pairs; pairs without a value are left out.
#[component]
pub fn FactList(pairs: Vec<(&'static str, String)>) -> AnyView {
    let pairs = pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| view! { <dt>{label}</dt><dd class="lines">{value}</dd> })
        .collect_any();
    view! { <dl class="facts panel">{pairs}</dl> }.into_any()
}

/// One sentence of advice.
#[component]
pub fn Note(icon: Icon, #[prop(into)] said: Signal<String>, #[prop(optional)] tone: Option<&'static str>) -> AnyView {
    view! { <p class="note" data-tone=tone>{icon}<span>{said}</span></p> }.into_any()
}

/// Words to be spoken, larger and calm.
#[component]
pub fn ReadAloud(#[prop(into)] lines: Signal<Vec<String>>) -> AnyView {
    view! {
        <blockquote class="read-aloud">
            {move || lines.get().into_iter().map(|line| view! { <p>{line}</p> }).collect_any()}
        </blockquote>
    }
    .into_any()
}

/// How far a form of several questions has come.
#[component]
pub fn Progress(#[prop(into)] at: Signal<usize>, of: usize) -> AnyView {
    view! {
        <div class="progress" role="img" aria-label=move || (words().new_case.question_long)(at.get())>
            {(1..=of).map(|n| view! { <i data-done=move || (n <= at.get()).then_some("")></i> }).collect_any()}
        </div>
    }
    .into_any()
}

/// A list that draws its first rows at once and the rest as the reader comes near: a thousand cases stay fluid.
#[component]
pub fn LongList<T: Clone + PartialEq + Send + Sync + 'static>(
    #[prop(into)] items: Signal<Vec<T>>,
    row: fn(T) -> AnyView,
    /// How many rows are drawn; kept by a page that is come back to.
    #[prop(optional)]
    shown: Option<RwSignal<usize>>,
    /// How many rows come at a time.
    #[prop(default = 40)]
    window: usize,
) -> AnyView {
    let shown = shown.unwrap_or_else(|| RwSignal::new(0));
    shown.update(|n| *n = (*n).max(window));
    let part = move |n: usize| {
        // Rows that stay as they were are not drawn anew because others changed.
        let part = Memo::new(move |_| {
            items.with(|items| items.iter().skip(n * window).take(window).cloned().collect::<Vec<T>>())
        });
        (move || part.get().into_iter().map(row).collect_any()).into_any()
    };
    parts_of(Signal::derive(move || items.with(Vec::len)), Arc::new(part), shown, window)
}

/// A long list of which only the length is known, and how to draw its n-th part.
fn parts_of(
    length: Signal<usize>,
    part: Arc<dyn Fn(usize) -> AnyView + Send + Sync>,
    shown: RwSignal<usize>,
    window: usize,
) -> AnyView {
    let end = NodeRef::<leptos::html::Div>::new();
    let near_end = move || {
        let Some(end) = end.get_untracked() else { return };
        let height = leptos::prelude::window().inner_height().ok().and_then(|h| h.as_f64()).unwrap_or(800.0);
        // What ends above the reader grows no more: it would push away what they look at.
        let top = end.get_bounding_client_rect().top();
        if shown.get_untracked() < length.get_untracked() && (0.0..2.5 * height).contains(&top) {
            shown.update(|n| *n += window);
        }
    };
    let listener = window_event_listener(leptos::ev::scroll, move |_| near_end());
    on_cleanup(move || listener.remove());
    let chunks = move || 0..length.get().min(shown.get()).div_ceil(window);
    view! {
        <ul class="rows" data-windowed="">
            <For each=chunks key=|n| *n let:n>
                {part(n)}
            </For>
        </ul>
        <div node_ref=end>
            <If when=move || shown.get() < length.get()>
                <button class="button" type="button" on:click=move |_| shown.update(|n| *n += window)>
                    {words().frame.show_more}
                </button>
            </If>
        </div>
    }
    .into_any()
}

/// In the place of a list whose notebook could not be opened.
pub fn unopened(error: &domain::StoreError) -> AnyView {
    let said = (words().errors.opening)(error).to_owned();
    view! { <div role="alert"><Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /></div> }.into_any()
}

/// An error that stands beside no field.
#[component]
pub fn WholeError(#[prop(into)] error: Signal<Option<String>>) -> AnyView {
    view! {
        <div role="alert">
            {move || {
                error.get().map(|said| view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> })
            }}
        </div>
    }
    .into_any()
}
