//! Who holds the phone, at the end of every bar; two taps hand it to somebody else. It knows people, no cases.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{
    app_state,
    person::OtherPeople,
    route::Route,
    ui::{If, fresh_id, standing_dialog},
    words,
};
use crate::icon::{Icon, sized};

/// The first letter of whoever holds the phone.
#[component]
pub fn Avatar() -> AnyView {
    let state = app_state();
    let words = words();
    let open = RwSignal::new(false);
    let name = Memo::new(move |_| state.worker.with(|w| w.as_ref().map(|w| w.name.clone())));
    let initial = move || name.with(|n| n.as_ref().and_then(|n| n.given().chars().next()).map(String::from));
    let said = move || name.with(|n| n.as_ref().map(|n| (words.person.holder)(n.as_str())));
    view! {
        <If when=move || name.with(Option::is_some)>
            <button class="avatar" type="button" aria-haspopup="dialog" aria-label=said on:click=move |_| open.set(true)>
                <span aria-hidden="true">{initial}</span>
            </button>
            <If when=move || open.get()>
                <SwitchDialog open />
            </If>
        </If>
    }
    .into_any()
}

#[component]
fn SwitchDialog(open: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let dialog = standing_dialog();
    let heading = fresh_id();
    let labelled = heading.clone();
    let name = move || state.worker.with(|w| w.as_ref().map(|w| w.name.to_string()));
    // A tap beside the list closes it, as it does everywhere on a phone.
    let beside = move |event: leptos::ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if dialog.get_untracked().is_some_and(|dialog| dialog.is_same_node(target.as_ref())) {
            open.set(false);
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby=labelled on:close=move |_| open.set(false) on:click=beside>
            <form method="dialog">
                <h2 id=heading>{words.person.who}</h2>
                <ul class="rows menu">
                    <li>
                        <a class="row" href=Route::Person.path() aria-current="true">
                            {Icon::Tick}
                            <div>
                                <span class="row-title">{name}</span>
                                <span class="row-text">{words.person.now}</span>
                            </div>
                            {sized(Icon::Forward, Some("s"))}
                        </a>
                    </li>
                </ul>
                <OtherPeople />
                <div class="pair">
                    <a class="button" href=Route::Login.path()>{sized(Icon::Plus, Some("s"))} {words.person.add}</a>
                    <button class="button" type="button" on:click=move |_| open.set(false)>{words.person.stay}</button>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}
