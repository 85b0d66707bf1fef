//! Ghi khác nhau: every question on which people disagree, with all answers, who gave them, and the tap that settles it.
//! It decides nothing by itself and knows no storage.

use domain::{
    Body, Candidate, CaseId, ChangeId, DeviceId, ElementEdit, ElementSet, Fact, FactName, Field, FieldEdit, GroupCode,
    Header, LogId, Parts, Subject, TaskPart, WorkerId,
};
use leptos::prelude::*;

use super::{
    app_state, lang, naming,
    saving::save_at_once,
    state::AppState,
    trouble::check_body,
    ui::{CollectAny, ConfirmDialog, Note, Notice, Section, moment},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, fact_said},
};

/// One question with more than one answer.
struct Dispute {
    label: String,
    /// The answer that holds until somebody chooses, where one protects the person better.
    meanwhile: Option<String>,
    answers: Vec<Answer>,
}

struct Answer {
    said: String,
    /// Who wrote it, a line each: several may have written the same.
    by: Vec<String>,
    /// The change that chooses it.
    choice: Body,
}

/// A choice that stands to be confirmed: where, what it says, the change that makes it.
pub type Choice = (LogId, String, Body);

/// A card for each question on which people disagree; nothing when all agree.
pub fn conflicts(state: AppState, parts: &Parts, asked: RwSignal<Option<Choice>>) -> AnyView {
    let words = words();
    let is_disputed = |h: &&Header| h.is_disputed() || parts.tasks().any(|t| t.given.is_conflict());
    let Some(header) = parts.header().filter(is_disputed) else { return ().into_any() };
    let (log, subject) = (header.log.clone(), Subject::Case(header.case));
    let cards = disputes(state, header, parts, words).into_iter().map(move |dispute| {
        let log = log.clone();
        let answers = dispute.answers.into_iter().map(move |Answer { said, by, choice }| {
            let label = (words.conflict.choose)(&said);
            // An answer that the office would refuse is not offered.
            let is_theirs = check_body(state, parts, &log, subject, &choice, state.now.get()).is_ok();
            let asks = (log.clone(), said.clone(), choice);
            let button = is_theirs.then(|| {
                view! {
                    <button
                        class="button"
                        type="button"
                        aria-label=label
                        on:click=move |_| asked.set(Some(asks.clone()))
                    >
                        {sized(Icon::Tick, Some("s"))} {words.conflict.choose_short}
                    </button>
                }
            });
            let others = (!is_theirs).then(|| view! { <p class="soft">{words.conflict.others_choose}</p> });
            view! {
                <li>
                    <div>
                        <strong class="lines">{said}</strong>
                        {by.into_iter().map(|line| view! { <p class="soft">{line}</p> }).collect_any()}
                    </div>
                    {button}
                    {others}
                </li>
            }
        });
        let answers = answers.collect_any();
        view! {
            <article class="panel" data-tone="wait">
                <h3>{dispute.label}</h3>
                {dispute.meanwhile.map(|said| view! { <p class="soft">{said}</p> })}
                <ul class="answers">{answers}</ul>
            </article>
        }
    });
    let cards = cards.collect_any();
    view! {
        <Section title=words.conflict.title>
            <Note icon=Icon::People said=Signal::stored(words.conflict.nothing_lost.to_owned()) />
            {cards}
        </Section>
    }
    .into_any()
}

/// Whether this is really the right answer.
#[component]
pub fn ChooseDialog(subject: Subject, asked: RwSignal<Option<Choice>>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let open = RwSignal::new(false);
    Effect::new(move || open.set(asked.with(Option::is_some)));
    let text = Signal::derive(move || {
        asked.with(|a| a.as_ref().map(|(_, said, _)| (words.conflict.sure)(said)).unwrap_or_default())
    });
    let choose = move |()| {
        let Some((log, _, body)) = asked.get_untracked() else { return };
        save_at_once(state, words, notice, log, subject, body);
    };
    view! {
        <ConfirmDialog
            open
            title=words.conflict.sure_title
            text
            act_label=words.conflict.choose_short
            act=Callback::new(choose)
        />
    }
    .into_any()
}

fn disputes(state: AppState, header: &Header, parts: &Parts, words: &'static Words) -> Vec<Dispute> {
    let language = lang();
    let colleagues = state.colleagues();
    let person = |id: &WorkerId| naming::colleague_full(*id, &colleagues, words);
    let by = |change: ChangeId| writer(state, header, parts, change, words);
    let mut all: Vec<Dispute> =
        header.facts.conflicts().into_iter().map(|name| of_fact(state, header, name, words, &by)).collect();
    let group = |code: &GroupCode| {
        let name = code.row().map_or_else(|| code.to_string(), |row| language.of(row.name).to_owned());
        format!("{}: {name}", words.case_page.groups)
    };
    let named = |id: &WorkerId| (words.trail.named)(&person(id));
    let excluded = |id: &WorkerId| (words.trail.excluded)(&person(id));
    all.extend(of_set(&header.groups, &group, Body::GroupEdited, words, &by));
    all.extend(of_set(&header.assignees, &named, Body::AssigneeEdited, words, &by));
    all.extend(of_set(&header.excluded_workers, &excluded, Body::ExcludedEdited, words, &by));
    let links = header.links.iter().filter(|(_, field)| field.is_conflict());
    all.extend(links.map(|(other, field)| of_link(state, *other, field, words, &by)));
    let tasks = parts.tasks().filter(|task| task.given.is_conflict());
    all.extend(tasks.map(|task| of_task(state, task, words, &person, &by)));
    all
}

/// The answers of a field, each once, with all who gave it.
fn answers_of<T: PartialEq + Clone>(
    field: &Field<T>,
    said: &dyn Fn(&T) -> String,
    choice: &dyn Fn(&T) -> Body,
    by: &dyn Fn(ChangeId) -> String,
) -> Vec<Answer> {
    let mut answers: Vec<(T, Answer)> = vec![];
    for Candidate { change, value, .. } in field.candidates() {
        match answers.iter_mut().find(|(known, _)| known == value) {
            Some((_, answer)) => answer.by.push(by(*change)),
            None => {
                let answer = Answer { said: said(value), by: vec![by(*change)], choice: choice(value) };
                answers.push((value.clone(), answer));
            }
        }
    }
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Whether another case is of the same person, and which of the two is in front.
fn of_link(
    state: AppState,
    other: CaseId,
    field: &Field<Option<CaseId>>,
    words: &'static Words,
    by: &dyn Fn(ChangeId) -> String,
) -> Dispute {
    let code = |case: CaseId| naming::case_code(case, state, words);
    let said = |front: &Option<CaseId>| match front {
        Some(front) => (words.moving.link_front)(&code(*front)),
        None => words.moving.link_none.to_owned(),
    };
    let choice = |front: &Option<CaseId>| Body::CaseLinked { saw: field.seen(), other, front: *front };
    Dispute {
        label: (words.moving.link)(&code(other)),
        meanwhile: None,
        answers: answers_of(field, &said, &choice, by),
    }
}

/// A task that was handed to two people at once.
fn of_task(
    state: AppState,
    task: &TaskPart,
    words: &'static Words,
    person: &dyn Fn(&WorkerId) -> String,
    by: &dyn Fn(ChangeId) -> String,
) -> Dispute {
    let me = state.me();
    let choice = |to: &WorkerId| {
        // Whoever chooses hands it on; who chooses themselves takes it from the other.
        let others = task.given.candidates().iter().map(|c| c.value).find(|other| other != to);
        let from = me.filter(|me| me != to).or(others).unwrap_or(*to);
        let tasks = vec![task.written.id];
        Body::HandedOver { saw: task.given.seen(), from, to: *to, leaves: false, tasks, note: String::new() }
    };
    Dispute {
        label: (words.moving.task_given)(&task.task.what),
        meanwhile: None,
        answers: answers_of(&task.given, person, &choice, by),
    }
}

fn of_fact(
    state: AppState,
    header: &Header,
    name: FactName,
    words: &'static Words,
    by: &dyn Fn(ChangeId) -> String,
) -> Dispute {
    let saw = header.facts.seen(name);
    let places = state.rules().places.clone();
    let said = |fact: &Fact| match fact_said(fact, &places, words, lang()) {
        said if said.is_empty() => words.conflict.empty.to_owned(),
        said => said,
    };
    let mut answers: Vec<(Fact, Answer)> = vec![];
    for Candidate { change, value: fact, .. } in header.facts.candidates(name) {
        match answers.iter_mut().find(|(known, _)| *known == fact) {
            Some((_, answer)) => answer.by.push(by(change)),
            None => {
                let edit = FieldEdit { saw: saw.clone(), fact: fact.clone(), cleared: false };
                let choice = Body::FactsEdited { edits: vec![edit] };
                answers.push((fact.clone(), Answer { said: said(&fact), by: vec![by(change)], choice }));
            }
        }
    }
    let protects = answers.iter().any(|(fact, _)| fact.protection() != answers[0].0.protection());
    let standing = header.facts.standing(name).filter(|_| protects);
    Dispute {
        label: (words.errors.fact)(name).to_owned(),
        meanwhile: standing.map(|fact| (words.conflict.meanwhile)(&said(&fact))),
        answers: answers.into_iter().map(|(_, answer)| answer).collect(),
    }
}

/// The elements of a set that some put in and others took out.
fn of_set<T: Ord + Clone>(
    set: &ElementSet<T>,
    label: &dyn Fn(&T) -> String,
    body: fn(ElementEdit<T>) -> Body,
    words: &'static Words,
    by: &dyn Fn(ChangeId) -> String,
) -> Vec<Dispute> {
    let disputed = set.iter().filter(|(_, field)| field.is_conflict());
    let one = |(element, field): (&T, &domain::Field<bool>)| {
        let answer = |now: bool| {
            let of = field.candidates().iter().filter(|c| c.value == now);
            Answer {
                said: if now { words.speech.yes } else { words.speech.no }.to_owned(),
                by: of.map(|c| by(c.change)).collect(),
                choice: body(ElementEdit { saw: field.seen(), element: element.clone(), now }),
            }
        };
        Dispute { label: label(element), meanwhile: None, answers: vec![answer(true), answer(false)] }
    };
    disputed.map(one).collect()
}

/// Who wrote a value, when, on which device, and where it is on its way.
fn writer(state: AppState, header: &Header, parts: &Parts, change: ChangeId, words: &Words) -> String {
    let now = state.now.get();
    let entry = parts.trail().and_then(|t| t.entries.iter().find(|e| e.written.id == change));
    let (by, at, device, received_at) = match entry {
        Some(e) => (e.written.by, e.written.recorded_at, Some(e.device), e.written.received_at),
        // The opening may have left the last steps of the history.
        None if header.opened == change => (header.author, header.recorded_at, None, header.received_at),
        None => return words.conflict.long_ago.to_owned(),
    };
    let who = naming::colleague_full(by, &state.colleagues(), words);
    let travelled = match received_at {
        Some(at) => (words.case_page.wrote)(&moment(at, now)),
        None => words.case_page.on_this_phone.to_owned(),
    };
    let line = format!("{who}, {}", moment(at, now));
    let line = device.map_or(line.clone(), |device| format!("{line}, {}", device_said(device, words)));
    format!("{line} · {travelled}")
}

/// A device as people tell it from another: by the last four characters of its id.
#[must_use]
pub fn device_said(device: DeviceId, words: &Words) -> String {
    let id = device.0.simple().to_string();
    (words.conflict.device)(&id[id.len() - 4..].to_uppercase())
}
