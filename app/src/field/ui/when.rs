//! What is there only while something holds. It knows neither the condition nor the content.

use leptos::prelude::*;

/// A question that a page asks again whenever what it reads changes.
pub struct Condition(Box<dyn Fn() -> bool + Send + Sync>);

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition(…)")
    }
}

impl<F: Fn() -> bool + Send + Sync + 'static> From<F> for Condition {
    fn from(ask: F) -> Self {
        Self(Box::new(ask))
    }
}

/// The children while `when` holds, else `fallback`; neither is drawn anew before the answer changes. Leptos' own `Show`
/// is compiled once for each of its uses, and every phone downloads them all; this is one for all.
#[component]
pub fn If(#[prop(into)] when: Condition, children: ChildrenFn, #[prop(optional, into)] fallback: ViewFn) -> AnyView {
    let holds = Memo::new(move |_| (when.0)());
    (move || if holds.get() { children() } else { fallback.run() }).into_any()
}
