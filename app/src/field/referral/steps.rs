//! What is asked and how far it has come: facts in pairs, the acts so far with who and when, the steps still open.

use domain::{
    Act, ActRecord, ChainStep, Colleague, ConsentAnswer, Day, DecisionDocument, Facility, Papers, Places, Progress,
    Receiver, ReferralAsk, ReferralKind, ReferralStatus, ServiceCode, ShareItem, Sheet, Timestamp, WorkerId,
};
use leptos::prelude::*;

use crate::{
    field::{
        clock, lang, naming,
        state::AppState,
        ui::{ClockMark, CollectAny, Section, moment},
        words,
    },
    text::{Words, date, date_time, sharing_line},
};

/// `Vào cơ sở: Chăm sóc dài hạn`; only the service where it says the same.
pub fn asked(kind: ReferralKind, service: Option<&ServiceCode>, words: &Words) -> String {
    let kind = (words.referral.kind)(kind);
    match service.and_then(ServiceCode::row).map(|row| lang().of(row.name)) {
        Some(service) if service.eq_ignore_ascii_case(kind) => service.to_owned(),
        Some(service) => format!("{kind}: {}", lower_first(service)),
        None => kind.to_owned(),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| std::iter::once(domain::search::small(first)).chain(letters).collect())
        .unwrap_or_default()
}

/// `Hết chỗ, 0/90 trống, lúc 18:00`: free places never stand without when they were counted.
pub fn places_line(facility: &Facility, now: Timestamp, words: &Words) -> String {
    if facility.facts.places == 0 {
        return words.referral.uncounted.to_owned();
    }
    match facility.free.shown() {
        Some(free) => {
            let figure = (words.referral.free)(free.free, facility.facts.places);
            format!("{figure}, {}", (words.referral.as_of)(&moment(free.as_of, now)))
        }
        None => String::new(),
    }
}

pub fn items_line(items: &[ShareItem], words: &Words) -> String {
    items.iter().map(|item| (words.consent.item)(*item)).collect::<Vec<_>>().join(", ")
}

/// What a receiver may read, and by whose word.
pub fn sheet_line(sheet: &Sheet, words: &Words) -> String {
    let items = items_line(&sheet.items, words);
    match sheet.answer {
        None | Some(ConsentAnswer::Agreed) => (words.inbox.consent_covers)(&items),
        Some(answer) => format!("{}: {items}", (words.consent.answer)(answer)),
    }
}

pub fn receiver_name(state: AppState, receiver: &Receiver, words: &Words) -> String {
    let rules = state.rules();
    state.facilities.with(|facilities| naming::receiver(receiver, facilities, &rules.places, words))
}

pub fn papers_word(papers: Papers, words: &Words) -> &'static str {
    match papers {
        Papers::Due => words.marks.papers_due,
        Papers::Approved => words.marks.papers_approved,
        Papers::Refused => words.marks.papers_refused,
    }
}

/// The way a referral of `kind` will go, before it is sent.
pub fn path(kind: ReferralKind, today: Day, words: &Words) -> Vec<String> {
    domain::referral::chain(kind, today)
        .iter()
        .map(|step| match step.limit {
            Some(limit) => format!("{}: {}", (words.referral.step)(step.level, step.action), (words.time.limit)(limit)),
            None => (words.referral.step)(step.level, step.action).to_owned(),
        })
        .collect()
}

/// Who wrote it and when; the first of its steps.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    pub by: WorkerId,
    pub at: Timestamp,
    pub received_at: Option<Timestamp>,
}

/// Everything done so far and what is still to do. Nobody edits a step afterwards.
pub fn steps(
    state: AppState,
    begun: Option<Begun>,
    kind: ReferralKind,
    progress: &Progress,
    places: &Places,
) -> AnyView {
    let words = words();
    let now = state.now.get();
    let colleagues = state.colleagues();
    let facilities = state.facilities.get();
    let first = begun.map(|begun| {
        let who = naming::colleague_full(begun.by, &colleagues, words);
        step_row(begun.at, begun.received_at, format!("{who} {}.", words.referral.wrote), vec![], now, words)
    });
    let done = progress
        .acts
        .iter()
        .enumerate()
        .map(|(n, record)| {
            let received = |a: &ActRecord| matches!(a.act, Act::Receive { .. }) && a.moved_to.is_some();
            let did_step = progress.chain.iter().flatten().any(|step| step.done == Some(record.change));
            let counted = did_step || progress.acts[..n].iter().any(received);
            act_row(record, counted, &colleagues, &facilities, places, now, words)
        })
        .collect_any();
    let open = open_steps(kind, progress, now.day())
        .into_iter()
        .map(|step| {
            let due = progress.dues.iter().find(|d| d.action == step.action && d.level == step.level);
            let clock = due.map(|due| clock::of_due(due, now, words));
            let limit = step.limit.filter(|_| clock.is_none()).map(|limit| (words.time.limit)(limit));
            view! {
                <li data-step="open">
                    {(words.referral.step)(step.level, step.action)}
                    {limit.map(|limit| view! { <span class="soft">{format!(", {limit}")}</span> })}
                    {clock.map(|clock| view! { <br /><ClockMark clock /> })}
                </li>
            }
        })
        .collect_any();
    view! {
        <Section title=words.referral.steps>
            <ol class="history">{first} {done} {open}</ol>
        </Section>
    }
    .into_any()
}

/// The steps that somebody must still do; none once it has ended or while the writer is asked. Before the office has
/// fixed the chain, the one it will most likely fix.
fn open_steps(kind: ReferralKind, progress: &Progress, today: Day) -> Vec<ChainStep> {
    let over =
        matches!(progress.status, ReferralStatus::Refused | ReferralStatus::Cancelled | ReferralStatus::Returned);
    let in_service = matches!(
        progress.status,
        ReferralStatus::InService | ReferralStatus::TemporaryLeave | ReferralStatus::Completed
    );
    if over || (in_service && progress.papers != Some(Papers::Due)) {
        return vec![];
    }
    let still = |step: &&ChainStep| step.done.is_none() && (!in_service || step.action == domain::Action::Approve);
    let chain = progress.chain.clone().unwrap_or_else(|| domain::referral::chain(kind, today));
    chain.into_iter().filter(|step| still(&step)).collect()
}

fn act_row(
    record: &ActRecord,
    counted: bool,
    colleagues: &[Colleague],
    facilities: &[Facility],
    places: &Places,
    now: Timestamp,
    words: &Words,
) -> AnyView {
    let who = naming::colleague_full(record.by, colleagues, words);
    let said = format!("{who} {}.", (words.referral.act)(&record.act));
    let quote = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let mut lines: Vec<Option<String>> = Vec::new();
    match &record.act {
        Act::Return { question: text }
        | Act::Answer { text }
        | Act::Cancel { reason: text }
        | Act::Waitlist { note: text }
        | Act::Complete { outcome: text } => lines.push(quote(text)),
        Act::Refuse { reason, alternative } => {
            lines.push(quote(reason));
            lines.push(alternative.as_ref().map(|instead| {
                format!("{}: {}", words.referral.instead, naming::receiver(instead, facilities, places, words))
            }));
        }
        Act::Receive { note, follow_up } => {
            lines.push(quote(note));
            lines.push(follow_up.map(|day| (words.referral.follow_up)(&date(day))));
        }
        Act::Leave { to, back_on } => {
            lines.push(quote(to).map(|to| (words.referral.goes_home_with)(&to)));
            lines.push(Some((words.referral.back_on)(&date(*back_on))));
        }
        Act::Approve { document: Some(document) } => lines.push(Some(document_line(document, words))),
        Act::Approve { document: None } | Act::Look | Act::Forward | Act::Accept | Act::ComeBack => {}
    }
    let is_decision = matches!(record.act, Act::Approve { .. } | Act::Return { .. } | Act::Refuse { .. });
    // After the reception a decision is about the papers and moves nothing else.
    let late = is_decision && record.moved_to.is_none() && !counted;
    if late {
        lines.push(Some(words.referral.too_late.to_owned()));
    }
    step_row(record.recorded_at, record.received_at, said, lines.into_iter().flatten().collect(), now, words)
}

fn document_line(document: &DecisionDocument, words: &Words) -> String {
    let day = document.on.map(date);
    let signer = Some(document.signer.clone()).filter(|s| !s.is_empty());
    let number = (words.referral.document)(&document.number);
    [Some(number), day, signer].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn step_row(
    at: Timestamp,
    received_at: Option<Timestamp>,
    said: String,
    lines: Vec<String>,
    now: Timestamp,
    words: &Words,
) -> AnyView {
    let travelled = match received_at {
        Some(at) => (words.case_page.wrote)(&moment(at, now)),
        None => words.case_page.on_this_phone.to_owned(),
    };
    view! {
        <li>
            <time>{date_time(at)}</time>
            {said}
            {lines.into_iter().map(|line| view! { <span class="quote lines">{line}</span> }).collect_any()}
            <span class="soft travelled">{travelled}</span>
        </li>
    }
    .into_any()
}

/// What is asked, of whom, why, and what may be shared.
pub fn ask_facts(state: AppState, ask: &ReferralAsk, written_on: Day, words: &'static Words) -> AnyView {
    let now = state.now.get();
    let receiver = receiver_name(state, &ask.receiver, words);
    let places = match &ask.receiver {
        Receiver::Facility(id) => {
            state.facilities.with(|all| all.iter().find(|f| f.id == *id).map(|f| places_line(f, now, words)))
        }
        _ => None,
    };
    let places = places.filter(|line| !line.is_empty());
    view! {
        <dl class="facts panel">
            <dt>{words.referral.asked}</dt>
            <dd>{asked(ask.kind, ask.service.as_ref(), words)}</dd>
            <dt>{words.referral.to}</dt>
            <dd>
                <strong>{receiver}</strong>
                {places.map(|line| view! { <br />{line} })}
            </dd>
            <dt>{words.referral.why}</dt>
            <dd class="lines">{ask.reason.clone()}</dd>
            <dt>{words.case_page.consent}</dt>
            <dd>{sharing_line(&ask.sharing, written_on, words)}</dd>
        </dl>
    }
    .into_any()
}
