//! Bàn giao: chosen or all cases of one worker, with their tasks, to a colleague. Each case is one change, saved by itself.

use std::sync::Arc;

use domain::{Body, Card, CaseId, CaseStatus, Field, Parts, Role, Subject, TaskFor, WorkerId, check::check};
use leptos::{prelude::*, task::spawn_local};

use super::{field_colleagues, to_choose};
use crate::{
    field::{
        app_state, naming, navigator,
        route::Route,
        state::{AppState, Opening},
        trouble::unsaved,
        ui::{
            CollectAny, ConfirmDialog, DockActions, Field as TextField, FieldError, If, Notice, Screen, Section,
            Select, SkeletonRows, Toggle, Top, Typing, fresh_id,
        },
        words,
    },
    text::Words,
};

/// `case`: the one from whose page somebody came.
#[component]
pub fn HandOverPage(case: Option<CaseId>) -> AnyView {
    let state = app_state();
    let words = words();
    let to = case.map_or(Route::More, Route::Case);
    let opening = Memo::new(move |_| matches!(state.opening.get(), Opening::Busy | Opening::Known));
    let busy = RwSignal::new(false);
    view! {
        <Screen
            top=Top::BackTitle { to, title: words.moving.hand_over.to_owned() }
            title=words.moving.hand_over
            dock=move || {
                view! {
                    // A tap before the form is there would be lost.
                    <If when=move || !opening.get()>
                        <DockActions>
                            <button
                                class="button"
                                data-kind="main"
                                data-size="l"
                                form="hand-over"
                                disabled=move || busy.get()
                            >
                                {words.moving.hand_over_now}
                            </button>
                        </DockActions>
                    </If>
                }
            }
        >
            {move || match opening.get() {
                true => view! { <SkeletonRows /> }.into_any(),
                false => view! { <Form case busy /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

/// The tasks of a case that are `of`'s own.
fn tasks_of(card: &Card, of: WorkerId) -> usize {
    card.tasks.iter().filter(|t| t.whose().any(|whom| *whom == TaskFor::Worker(of))).count()
}

/// The cases that somebody has to hand over: recorded by them, naming them, or with a task of theirs.
fn cases_of(state: AppState, of: WorkerId, beside: Option<CaseId>) -> Vec<Arc<Card>> {
    let is_theirs = |card: &Card| {
        card.author == of || card.named.contains(&of) || tasks_of(card, of) > 0 || card.subject.case() == beside
    };
    let mut all: Vec<Arc<Card>> = state.cards.with(|cards| {
        let open = cards.iter().filter(|c| !c.is_sheet && c.status != CaseStatus::Closed);
        open.filter(|c| c.subject.case().is_some() && is_theirs(c)).cloned().collect()
    });
    domain::order::sort_by_key(&mut all, |card| (card.subject.case() != beside, std::cmp::Reverse(card.changed_at)));
    all
}

#[component]
fn Form(case: Option<CaseId>, busy: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let me = untrack(|| state.me());
    let from = RwSignal::new(me.map(|me| me.to_string()).unwrap_or_default());
    let to = RwSignal::new(String::new());
    let note = RwSignal::new(String::new());
    let leaves = RwSignal::new(true);
    let chosen = RwSignal::new(case.into_iter().collect::<Vec<CaseId>>());
    let tried = RwSignal::new(false);
    let giver = Memo::new(move |_| from.get().parse::<WorkerId>().ok());
    let taker = Memo::new(move |_| to.get().parse::<WorkerId>().ok().filter(|to| Some(*to) != giver.get()));
    let cards = Memo::new(move |_| giver.get().map(|of| cases_of(state, of, case)).unwrap_or_default());
    // What is no longer on the list is no longer chosen.
    Effect::new(move |_| {
        let there: Vec<CaseId> = cards.get().iter().filter_map(|c| c.subject.case()).collect();
        chosen.update(|chosen| chosen.retain(|case| there.contains(case)));
    });
    let people = move |without: Option<WorkerId>| {
        let mut all = field_colleagues(state, words);
        if let Some(me) = state.me() {
            all.insert(0, (me, words.trail.me.to_owned()));
        }
        all.into_iter().filter(move |(id, _)| Some(*id) != without).map(|(id, name)| (id.to_string(), name))
    };
    let from_options = Signal::derive(move || people(None).collect());
    let to_options = Signal::derive(move || to_choose(words.moving.choose_person, people(giver.get())));
    let full = move |id: Option<WorkerId>| match id {
        Some(id) if Some(id) == state.me() => words.trail.me.to_owned(),
        Some(id) => naming::colleague_full(id, &state.colleagues(), words),
        None => String::new(),
    };
    let to_error =
        Signal::derive(move || (tried.get() && taker.get().is_none()).then(|| words.moving.to_missing.to_owned()));
    let which_error = Signal::derive(move || {
        (tried.get() && chosen.with(Vec::is_empty)).then(|| words.moving.which_missing.to_owned())
    });
    let asks = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        tried.set(true);
        if taker.get_untracked().is_none() || chosen.with_untracked(Vec::is_empty) {
            crate::field::ui::focus_first_error();
        } else {
            asks.set(true);
        }
    };
    let tasks = move || {
        let of = giver.get();
        let is_chosen = |card: &Card| card.subject.case().is_some_and(|case| chosen.with(|c| c.contains(&case)));
        cards.get().iter().filter(|c| is_chosen(c)).map(|c| of.map_or(0, |of| tasks_of(c, of))).sum::<usize>()
    };
    let text = Signal::derive(move || {
        let who = full(taker.get());
        (words.moving.hand_over_sure_text)(chosen.with(Vec::len), tasks(), &who, leaves.get())
    });
    let act = move |()| {
        let (Some(giver), Some(taker)) = (giver.get_untracked(), taker.get_untracked()) else { return };
        let all = chosen.get_untracked();
        let over = Over {
            giver,
            taker,
            leaves: leaves.get_untracked(),
            note: note.with_untracked(|n| n.trim().chars().take(domain::limits::TEXT_CHARS).collect()),
        };
        busy.set(true);
        spawn_local(async move {
            let mut done = 0;
            for case in &all {
                if hand_over(state, *case, &over).await {
                    done += 1;
                    let _ = chosen.try_update(|chosen| chosen.retain(|c| c != case));
                }
            }
            let _ = busy.try_set(false);
            if done == all.len() {
                notice.say((words.moving.handed_over)(done));
                navigator.back(case.map_or(Route::More, Route::Case));
            } else {
                notice.warn((words.moving.not_all_handed_over)(done, all.len()));
            }
        });
    };
    let error_id = fresh_id();
    let list = move || {
        let cards = cards.get();
        if cards.is_empty() {
            return view! { <p class="soft">{(words.moving.none_of)(&full(giver.get()))}</p> }.into_any();
        }
        let all: Vec<CaseId> = cards.iter().filter_map(|c| c.subject.case()).collect();
        let every = all.clone();
        let count = all.len();
        let of = giver.get();
        let rows = cards.into_iter().map(|card| row(&card, of, chosen, state, words)).collect_any();
        view! {
            <label class="answer">
                <input
                    type="checkbox"
                    prop:checked=move || chosen.with(|c| every.iter().all(|case| c.contains(case)))
                    on:change:target=move |event| {
                        chosen.set(if event.target().checked() { all.clone() } else { vec![] });
                    }
                />
                <strong>{(words.moving.choose_all)(count)}</strong>
            </label>
            {rows}
        }
        .into_any()
    };
    let supervises = state.has(Role::Supervisor);
    view! {
        <form class="stack" data-gap="l" id="hand-over" novalidate on:submit=submit>
            {supervises.then(|| view! { <Select label=words.moving.from options=from_options value=from /> })}
            <Select label=words.moving.to options=to_options value=to error=to_error />
            <Section title=words.moving.which>
                <fieldset class="field stack" data-invalid=move || which_error.with(Option::is_some).then_some("")>
                    <legend class="hidden-label">{words.moving.which}</legend>
                    {list}
                    <FieldError id=error_id error=which_error />
                </fieldset>
            </Section>
            <Toggle
                label=words.moving.leaves
                hint=Signal::stored(words.moving.leaves_hint.to_owned())
                on=leaves
            />
            <TextField label=words.moving.note value=note typing=Typing::Long />
        </form>
        {move || {
            let title = (words.moving.hand_over_sure)(&full(taker.get()));
            view! {
                <ConfirmDialog open=asks title text act_label=words.moving.hand_over_now act=Callback::new(act) />
            }
        }}
    }
    .into_any()
}

fn row(
    card: &Card,
    of: Option<WorkerId>,
    chosen: RwSignal<Vec<CaseId>>,
    state: AppState,
    words: &'static Words,
) -> AnyView {
    let Some(case) = card.subject.case() else { return ().into_any() };
    let today = state.now.get_untracked().day();
    let title = naming::card_title_aged(card, today, words);
    let tasks = of.map_or(0, |of| tasks_of(card, of));
    let parts = [
        Some(card.code.to_string()),
        Some(naming::card_line(card, &state.rules().places, today, words)),
        (tasks > 0).then(|| (words.moving.tasks)(tasks)),
    ];
    let line = parts.into_iter().flatten().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ");
    view! {
        <label class="answer">
            <input
                type="checkbox"
                prop:checked=move || chosen.with(|c| c.contains(&case))
                on:change:target=move |event| {
                    let on = event.target().checked();
                    chosen.update(|chosen| {
                        chosen.retain(|c| *c != case);
                        if on {
                            chosen.push(case);
                        }
                    });
                }
            />
            <strong>{title}</strong>
            <small>{line}</small>
        </label>
    }
    .into_any()
}

/// Who hands over to whom, and how.
struct Over {
    giver: WorkerId,
    taker: WorkerId,
    leaves: bool,
    note: String,
}

/// Saves the hand-over of one case. False when the phone could not, or the rules do not let it.
async fn hand_over(state: AppState, case: CaseId, over: &Over) -> bool {
    let subject = Subject::Case(case);
    let Ok(parts) = state.keeper().parts(subject).await else { return false };
    let Some(body) = body(&parts, over) else { return false };
    let Some(header) = parts.header() else { return false };
    let Some(worker) = state.worker.get_untracked() else { return false };
    let rules = untrack(|| state.rules());
    let actor = domain::Actor { worker: worker.id, grants: &worker.grants };
    let now = state.keeper().now();
    if check(&parts, &unsaved(&header.log, subject, actor, body.clone(), now), actor, &rules, now).is_err() {
        return false;
    }
    state.keeper().save(header.log.clone(), subject, vec![body], None, None).await.is_ok()
}

fn body(parts: &Parts, over: &Over) -> Option<Body> {
    let header = parts.header()?;
    let open = parts.tasks().filter(|t| t.done.is_empty());
    let theirs: Vec<_> = open.filter(|t| t.whose().contains(&TaskFor::Worker(over.giver))).collect();
    let names = [over.giver, over.taker];
    let seen = names.iter().filter_map(|worker| header.assignees.get(worker)).flat_map(Field::seen);
    let mut saw: Vec<_> = seen.chain(theirs.iter().flat_map(|t| t.given.seen())).collect();
    saw.sort_unstable();
    saw.dedup();
    Some(Body::HandedOver {
        saw,
        from: over.giver,
        to: over.taker,
        leaves: over.leaves,
        tasks: theirs.iter().map(|t| t.written.id).collect(),
        note: over.note.clone(),
    })
}
