//! Đã bỏ: what somebody gave up on this phone, with when and why. All of it can be read, copied, and taken up again.

use domain::DroppedItem;
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state,
    held_item::{copy, reading, whole_title},
    lang,
    ui::{CollectAny, FactList, If, Notice, Section},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{as_text, date_time},
};

/// The section; nothing while nothing was given up.
#[component]
pub fn DroppedItems() -> AnyView {
    let state = app_state();
    let words = words();
    let all = RwSignal::new(Vec::<DroppedItem>::new());
    Effect::new(move |_| {
        // Whatever is given up or taken up changes what waits.
        state.outbox.track();
        let asked = state.keeper().dropped();
        spawn_local(async move {
            // What stands on the screen stays, should the store not answer.
            if let Ok(found) = asked.await
                && all.try_with_untracked(|known| *known != found) == Some(true)
            {
                all.set(found);
            }
        });
    });
    view! {
        <If when=move || !all.with(Vec::is_empty)>
            <Section title=words.sync.dropped_title>
                <p class="soft">{words.sync.dropped_text}</p>
                <ul class="rows">{move || all.get().into_iter().map(|item| view! { <DroppedRow item /> }).collect_any()}</ul>
            </Section>
        </If>
    }
    .into_any()
}

#[component]
fn DroppedRow(item: DroppedItem) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let id = item.change.id;
    let title = untrack(|| whole_title(state, &item.change, words));
    let mut pairs = vec![(words.sync.drop_reason, item.reason.clone())];
    pairs.extend(untrack(|| reading(state, &item.change, words, lang())));
    let text = StoredValue::new(as_text(&title, &pairs));
    let take_up = move |_| {
        let taking = state.keeper().take_up(id);
        spawn_local(async move {
            match taking.await {
                Ok(()) => notice.say(words.sync.taken_up),
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    view! {
        <li>
            <details class="fold">
                <summary class="row" data-plain>
                    <div>
                        <span class="row-title">{title}</span>
                        <span class="row-text">{(words.sync.dropped_at)(&date_time(item.at))}</span>
                    </div>
                    {sized(Icon::Down, Some("s"))}
                </summary>
                <div class="fold-body stack">
                    <FactList pairs />
                    <div class="pair">
                        <button class="button" type="button" on:click=take_up>
                            {sized(Icon::Retry, Some("s"))} {words.sync.take_up}
                        </button>
                        <button
                            class="button"
                            data-kind="quiet"
                            type="button"
                            on:click=move |_| copy(text.get_value(), words, notice)
                        >
                            {sized(Icon::Page, Some("s"))} {words.sync.copy}
                        </button>
                    </div>
                </div>
            </details>
        </li>
    }
    .into_any()
}
