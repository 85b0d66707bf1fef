//! Phân công: who is named on a case. Being named lets somebody see it; being taken off may take it from their phone.

use domain::{Body, CaseId, Field, LogId, Role, Subject, WorkerId, change::ElementEdit, members};
use leptos::prelude::*;

use super::{case_frame, field_colleagues, header_now, to_choose};
use crate::{
    field::{
        app_state, naming,
        saving::{SaveFailure, Saving},
        state::Loaded,
        ui::{CollectAny, ConfirmDialog, If, Note, Notice, Section, Select},
        words,
    },
    icon::{Icon, sized},
};

#[component]
pub fn AssignPage(case: CaseId) -> AnyView {
    let saving = Saving::new();
    let chosen = RwSignal::new(String::new());
    let asked = RwSignal::new(None::<(WorkerId, bool)>);
    let words = words();
    case_frame(
        case,
        words.moving.assign,
        move || {
            view! {
                <button
                    class="button"
                    data-kind="main"
                    data-size="l"
                    type="button"
                    disabled=move || saving.busy.get() || chosen.with(String::is_empty)
                    on:click=move |_| asked.set(chosen.get_untracked().parse().ok().map(|id| (id, true)))
                >
                    {words.moving.assign_now}
                </button>
            }
            .into_any()
        },
        move |parts| view! { <Content case parts saving chosen asked /> }.into_any(),
    )
}

#[component]
fn Content(
    case: CaseId,
    parts: RwSignal<Loaded>,
    saving: Saving,
    chosen: RwSignal<String>,
    asked: RwSignal<Option<(WorkerId, bool)>>,
) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let named = Memo::new(move |_| {
        header_now(parts, |h| members(&h.assignees, true).copied().collect::<Vec<WorkerId>>()).unwrap_or_default()
    });
    let excluded = Memo::new(move |_| {
        header_now(parts, |h| members(&h.excluded_workers, true).copied().collect::<Vec<WorkerId>>())
            .unwrap_or_default()
    });
    let options = Signal::derive(move || {
        let (named, excluded) = (named.get(), excluded.get());
        let mut all = field_colleagues(state, words);
        if let Some(me) = state.me() {
            all.push((me, words.trail.me.to_owned()));
        }
        let free = all.into_iter().filter(|(id, _)| !named.contains(id) && !excluded.contains(id));
        to_choose(words.moving.choose_person, free.map(|(id, name)| (id.to_string(), name)))
    });
    let full = move |id: WorkerId| naming::colleague_full(id, &state.colleagues(), words);
    let rows = move || {
        let named = named.get();
        if named.is_empty() {
            return view! { <p class="soft">{words.moving.nobody_assigned}</p> }.into_any();
        }
        let rows = named
            .into_iter()
            .map(|id| {
                let name = full(id);
                let label = (words.moving.unassign_of)(&name);
                let may = state.has(Role::Supervisor) || state.me() == Some(id);
                view! {
                    <li>
                        <div class="row">{Icon::Person} <div><span class="row-title">{name}</span></div></div>
                        {may
                            .then(|| {
                                view! {
                                    <div class="row-foot">
                                        <button
                                            class="button"
                                            type="button"
                                            aria-label=label
                                            on:click=move |_| asked.set(Some((id, false)))
                                        >
                                            {sized(Icon::Close, Some("s"))} {words.moving.unassign}
                                        </button>
                                    </div>
                                }
                            })}
                    </li>
                }
            })
            .collect_any();
        view! { <ul class="rows">{rows}</ul> }.into_any()
    };
    let others = move || !state.has(Role::Supervisor) && named.with(|all| all.iter().any(|id| state.me() != Some(*id)));
    let open = RwSignal::new(false);
    Effect::new(move || open.set(asked.with(Option::is_some)));
    let edit = move || -> Option<(LogId, Body)> {
        let (element, now) = asked.get_untracked()?;
        untrack(|| {
            header_now(parts, |header| {
                let saw = header.assignees.get(&element).map(Field::seen).unwrap_or_default();
                (header.log.clone(), Body::AssigneeEdited(ElementEdit { saw, element, now }))
            })
        })
    };
    let act = move |()| {
        let Some((log, body)) = edit() else { return };
        saving.save(log, Subject::Case(case), vec![body], None, None, move |_| {
            chosen.set(String::new());
            notice.say(words.frame.saved);
        });
    };
    let dialog = move || {
        let (title, text, label) = match asked.get() {
            Some((id, true)) => {
                let who = full(id);
                ((words.moving.assign_sure)(&who), (words.moving.assign_sure_text)(&who), words.moving.assign_now)
            }
            Some((id, false)) => {
                let who = full(id);
                ((words.moving.unassign_sure)(&who), (words.moving.unassign_sure_text)(&who), words.moving.unassign)
            }
            None => return ().into_any(),
        };
        view! { <ConfirmDialog open title text=Signal::stored(text) act_label=label act=Callback::new(act) /> }
            .into_any()
    };
    view! {
        <div class="stack" data-gap="l">
            <Section title=words.moving.assigned>{rows}</Section>
            <If when=others>
                <Note icon=Icon::People said=Signal::stored(words.moving.only_supervisor.to_owned()) />
            </If>
            <Select label=words.moving.assign_whom options value=chosen />
            <SaveFailure saving />
        </div>
        {dialog}
    }
    .into_any()
}
