//! Letters that somebody carries, for themselves or for others, and the office's receipts. It knows how many there are and
//! how a file comes and goes; nobody here reads one.

use domain::{StoreError, limits};
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::{
    app_state,
    state::{AppState, Paper, Standing},
    ui::{If, Note, Notice, Section, fresh_id},
    words,
};
use crate::{
    device::browser::{self, Left},
    icon::{Icon, sized},
    text::Words,
};

/// Begins the name of every rescue file. Phones hand over texts, and not every kind of file.
const RESCUE_NAME: &str = "cau-noi-cuu-ho";
const SLIPS_NAME: &str = "cau-noi-bien-nhan";

/// The part of Đồng bộ.
#[component]
pub fn Rescue() -> AnyView {
    let words = words();
    view! {
        <Section title=words.rescue.title>
            <Carried />
            <div class="stack" data-gap="xl">
                <SaveRescue />
                <TakeRescue />
                <SaveSlips />
            </div>
        </Section>
    }
    .into_any()
}

/// What whoever finds the phone signed out may know: how many things wait, and how they get away.
#[component]
pub fn RescueSignedOut() -> AnyView {
    let state = app_state();
    let words = words();
    let own = move || state.post.get().own;
    view! {
        <If when=move || own() != Standing::default()>
            <div class="stack">
                <If when=move || { own().waiting > 0 }>
                    <Note icon=Icon::Outbox said=Signal::derive(move || (words.rescue.waiting)(own().waiting)) tone="wait" />
                    <p class="soft">{words.rescue.waiting_text}</p>
                    <TurnedAway count=Signal::derive(move || own().turned_away) />
                    <SaveRescue />
                </If>
                <If when=move || { own().arrived > 0 }>
                    <Note icon=Icon::Tick said=Signal::derive(move || (words.rescue.arrived)(own().arrived)) />
                    <p class="soft">{words.rescue.arrived_text}</p>
                </If>
            </div>
        </If>
    }
    .into_any()
}

/// How what is carried for others stands.
#[component]
fn Carried() -> AnyView {
    let state = app_state();
    let words = words();
    let carried = move || state.post.get().carried;
    view! {
        <If when=move || { carried().waiting > 0 }>
            <Note icon=Icon::Outbox said=Signal::derive(move || (words.rescue.carried)(carried().waiting)) tone="wait" />
        </If>
        <TurnedAway count=Signal::derive(move || carried().turned_away) />
        <If when=move || { carried().arrived > 0 }>
            <Note icon=Icon::Tick said=Signal::derive(move || (words.rescue.carried_arrived)(carried().arrived)) />
        </If>
    }
    .into_any()
}

/// Letters that the office was brought and did not take.
#[component]
fn TurnedAway(count: Signal<usize>) -> AnyView {
    let words = words();
    view! {
        <If when=move || { count.get() > 0 }>
            <Note icon=Icon::Warning said=Signal::derive(move || (words.rescue.turned_away)(count.get())) tone="wait" />
        </If>
    }
    .into_any()
}

#[component]
fn SaveRescue() -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let left_out = RwSignal::new(0);
    let save = move |_| {
        let asked = state.keeper().save_rescue();
        spawn_local(async move {
            let saved = asked.await;
            let _ = left_out.try_set(saved.as_ref().map_or(0, |paper| paper.left_out));
            match saved {
                Ok(Paper { count: 0, left_out: 0, .. }) => notice.warn(words.rescue.nothing),
                // The sentence below the button says it.
                Ok(Paper { count: 0, .. }) => {}
                Ok(Paper { text, count, .. }) => {
                    match browser::hand_over(&file_name(state, RESCUE_NAME), &text).await {
                        Left::Shared => notice.say((words.rescue.shared)(count)),
                        Left::Saved => notice.say((words.rescue.saved)(count)),
                        Left::No => {}
                    }
                }
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    view! {
        {explained(
            view! {
                <button class="button" type="button" on:click=save>{sized(Icon::Download, Some("s"))} {words.rescue.save}</button>
            },
            words.rescue.save_text,
        )}
        <div role="alert">
            <If when=move || { left_out.get() > 0 }>
                <Note icon=Icon::Warning said=Signal::derive(move || (words.rescue.left_out)(left_out.get())) tone="wait" />
            </If>
        </div>
    }
    .into_any()
}

#[component]
fn TakeRescue() -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let chosen = NodeRef::<leptos::html::Input>::new();
    let take = move |_| {
        let Some(input) = chosen.get_untracked() else { return };
        let Some(file) = input.files().and_then(|files| files.get(0)) else { return };
        // The same file may be chosen twice.
        let reading = file.array_buffer();
        let too_large = file.size() > limits::RESCUE_BYTES as f64;
        input.set_value("");
        spawn_local(async move {
            if too_large {
                return notice.warn(words.rescue.no_rescue);
            }
            let Ok(buffer) = JsFuture::from(reading).await else { return notice.warn(words.rescue.no_rescue) };
            let bytes = Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec();
            match state.keeper().take_rescue(bytes).await {
                Ok(0) => notice.warn(words.rescue.no_rescue),
                Ok(taken) => notice.say((words.rescue.taken)(taken)),
                Err(error) => notice.warn(taking(error, words)),
            }
        });
    };
    let id = fresh_id();
    explained(
        view! {
            <input
                class="file"
                type="file"
                accept="text/plain,.txt"
                id=id.clone()
                node_ref=chosen
                on:change=take
            />
            <label class="button" for=id>{sized(Icon::Folder, Some("s"))} {words.rescue.take}</label>
        },
        words.rescue.take_text,
    )
}

fn taking(error: StoreError, words: &'static Words) -> &'static str {
    match error {
        StoreError::Damaged => words.rescue.no_rescue,
        StoreError::Newer => words.rescue.newer,
        other => (words.errors.store)(&other),
    }
}

#[component]
fn SaveSlips() -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let save = move |_| {
        let asked = state.keeper().save_slips();
        spawn_local(async move {
            match asked.await {
                Ok(Paper { count: 0, .. }) => notice.warn(words.rescue.no_slips),
                Ok(Paper { text, count, .. }) => match browser::hand_over(&file_name(state, SLIPS_NAME), &text).await {
                    Left::Shared | Left::Saved => notice.say((words.rescue.slips_saved)(count)),
                    Left::No => {}
                },
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    explained(
        view! {
            <button class="button" type="button" on:click=save>{sized(Icon::Page, Some("s"))} {words.rescue.slips}</button>
        },
        words.rescue.slips_text,
    )
}

fn explained(button: impl IntoView + 'static, text: &'static str) -> AnyView {
    view! { <div class="stack" data-gap="xs">{button} <p class="soft">{text}</p></div> }.into_any()
}

fn file_name(state: AppState, what: &str) -> String {
    format!("{what}-{}.txt", state.keeper().now().day())
}
