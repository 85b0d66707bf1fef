//! What was set aside: each with what it says, why it stands here, and the two ways on. It decides nothing.

use domain::{
    Activity, Body, Change, ChangeId, Fact, FactName, Places, ServiceCode, Spot, TaskFor, Timestamp, Worker, WorkerId,
};
use leptos::prelude::*;

use super::frame::{Assets, document, frame};
use crate::text::{Lang, Words, change_title, date, date_time, phone};

/// What the page shows.
#[derive(Debug)]
pub struct AsidePage {
    pub worker: Worker,
    pub rows: Vec<AsideRow>,
    /// There are more than these.
    pub more: bool,
    /// What came of the decision before.
    pub said: Option<Said>,
}

/// One thing that was set aside.
#[derive(Debug)]
pub struct AsideRow {
    pub id: ChangeId,
    pub author: String,
    pub received_at: Timestamp,
    /// Why it stands here, as a sentence.
    pub why: String,
    pub restricted: bool,
    /// Of the case it is about, once that is opened.
    pub code: Option<String>,
    /// Whether it may be put into its case.
    pub may_take: bool,
    /// What it is and what it says; `None` while nothing of it can be read.
    pub content: Option<(String, Vec<(&'static str, String)>)>,
}

/// What the page says about a decision.
#[derive(Debug)]
pub struct Said {
    pub sentence: String,
    /// The reason that was typed, when it is about that.
    pub about: Option<(ChangeId, String)>,
}

/// Most characters of a reason.
pub const REASON_CHARS: usize = domain::limits::TEXT_CHARS;

#[must_use]
pub fn aside(assets: &Assets, page: AsidePage) -> String {
    let AsidePage { worker, rows, more, said } = page;
    let (sentence, about) = said.map(|said| (said.sentence, said.about)).unzip();
    let about = about.flatten();
    let beside = about.as_ref().map(|(id, _)| *id);
    let said = sentence.clone().filter(|_| beside.is_none());
    let empty = rows.is_empty().then(|| {
        view! {
            <div class="empty">
                <strong>"Không có gì để riêng"</strong>
                <p>"Không có gì đang chờ anh/chị quyết định."</p>
            </div>
        }
    });
    let rows = rows
        .into_iter()
        .map(|row| {
            let typed = about.as_ref().filter(|(id, _)| *id == row.id).map(|(_, typed)| typed.clone());
            let wrong = sentence.clone().filter(|_| typed.is_some());
            article(row, typed.unwrap_or_default(), wrong)
        })
        .collect_view();
    let main = view! {
        <header class="wide-head">
            <div>
                <h1>"Để riêng"</h1>
                <p class="soft">
                    "Xã đã nhận những điều này nhưng chưa đưa vào hồ sơ. Không điều nào bị xóa. Xin anh/chị đọc và quyết định."
                </p>
            </div>
        </header>
        {said.map(|said| view! { <p class="note" role="status">{said}</p> })}
        {empty}
        {rows}
        {more.then(|| view! { <p class="soft">"Còn nữa. Xong những mục này sẽ thấy tiếp."</p> })}
    };
    document(assets, "Để riêng", frame(&worker, "/office/set-aside", main))
}

fn article(row: AsideRow, typed: String, wrong: Option<String>) -> impl IntoView {
    let id = row.id.to_string();
    let (reason_id, said_id) = (format!("reason-{id}"), format!("said-{id}"));
    let (readable, may_take) = (row.content.is_some(), row.content.is_some() && row.may_take);
    // What stands in a text area is the one child that is written as it is.
    let typed = typed.replace('&', "&amp;").replace('<', "&lt;");
    let (title, lines) = row.content.unwrap_or_else(|| ("Chưa đọc được".to_owned(), vec![]));
    let lines = lines.into_iter().map(|(label, said)| view! { <dt>{label}</dt><dd class="lines">{said}</dd> });
    let (take_id, away_id) = (id.clone(), id);
    let is_wrong = wrong.is_some();
    view! {
        <article class="panel" data-tone="wait">
            <div>
                <h2>{title}</h2>
                <p class="soft">{format!("{} ghi · xã nhận {}", row.author, date_time(row.received_at))}</p>
                {row.code.map(|code| view! { <p>"Hồ sơ " <strong class="code">{code}</strong></p> })}
                {row.restricted.then(|| view! { <p class="soft">"Hồ sơ bảo mật. Việc đọc được ghi lại."</p> })}
            </div>
            <p>{row.why}</p>
            <dl class="facts">{lines.collect_view()}</dl>
            {may_take
                .then(|| {
                    view! {
                        <form method="post" action="/office/set-aside">
                            <input type="hidden" name="id" value=take_id />
                            <button class="button" data-kind="main" name="act" value="take">
                                "Đưa vào hồ sơ"
                            </button>
                        </form>
                    }
                })}
            {readable.then(|| view! {
            <details open=is_wrong>
                <summary>"Không đưa vào hồ sơ"</summary>
                <form class="stack" method="post" action="/office/set-aside">
                    <input type="hidden" name="id" value=away_id />
                    <div class="field" data-invalid=is_wrong.then_some("")>
                        <label for=reason_id.clone()>"Vì sao?"</label>
                        <textarea
                            id=reason_id
                            name="reason"
                            rows="3"
                            maxlength=REASON_CHARS
                            required
                            aria-invalid=is_wrong.then_some("true")
                            aria-describedby=is_wrong.then(|| said_id.clone())
                        >
                            {typed}
                        </textarea>
                        {wrong.map(|said| view! { <p class="error" id=said_id role="alert">{said}</p> })}
                    </div>
                    <button class="button" name="act" value="put_away">
                        "Cất đi, giữ nguyên nội dung"
                    </button>
                </form>
            </details>
            })}
        </article>
    }
}

/// What a change is and what it says, as label and value.
#[must_use]
pub fn reading(
    change: &Change,
    places: &Places,
    person: &dyn Fn(WorkerId) -> String,
) -> (String, Vec<(&'static str, String)>) {
    let words = Lang::Vi.words();
    let name_of = |id: &domain::PlaceId| places.find(id).map_or_else(|| id.to_string(), |place| place.name.clone());
    let mut lines = vec![(words.sync.recorded_at, date_time(change.recorded_at))];
    match &change.body {
        Body::CaseOpened { code, facts } => {
            lines.push((words.frame.code, code.to_string()));
            lines.extend(facts.iter().filter_map(|fact| fact_line(fact, places, words)));
        }
        Body::FactsEdited { edits } => {
            lines.extend(edits.iter().filter_map(|edit| fact_line(&edit.fact, places, words)));
        }
        Body::VisitRecorded(visit) => lines.extend([
            (words.visit.place, visit.place.clone()),
            (words.visit.met, visit.met.clone()),
            (words.visit.seen, visit.seen.clone()),
            (words.visit.services, services(&visit.services)),
            (words.visit.next, visit.next.map(date).unwrap_or_default()),
            (words.visit.next_what, visit.next_what.clone()),
        ]),
        Body::TaskWritten(task) => lines.extend([
            (words.visit.task_what, task.what.clone()),
            (words.visit.task_due, task.due.map(date).unwrap_or_default()),
            (
                words.visit.task_for,
                match &task.for_whom {
                    TaskFor::Village(place) => (words.visit.task_village)(&name_of(place)),
                    TaskFor::Worker(worker) => person(*worker),
                },
            ),
        ]),
        Body::TaskDone { note, .. } => lines.push((words.visit.done_note, note.clone())),
        Body::ReferralAsked(ask) => lines.extend([
            (words.referral.asked, (words.referral.kind)(ask.kind).to_owned()),
            (words.referral.what, services(ask.service.as_slice())),
            (words.referral.why, ask.reason.clone()),
        ]),
        Body::Told(told) => lines.extend([
            (words.sync.told, told.whom.clone()),
            ((words.errors.fact)(FactName::Phone), phone(&told.phone)),
            (words.emergency.at, date_time(told.at)),
        ]),
        Body::ActivityRecorded(activity) => {
            let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = activity;
            lines.push((words.cases.village, name_of(place)));
            if let Activity::GroupSession { on, people, topic, .. } = activity {
                lines.push((words.sync.activity, format!("{}, {people}: {topic}", date(*on))));
            }
        }
        Body::PlacesCounted { free, .. } => lines.push((words.inbox.free_now, free.free.to_string())),
        Body::FacilityOpened(facts) => lines.push((words.referral.to, facts.name.clone())),
        Body::GroupEdited(edit) => {
            let name = edit.element.row().map_or_else(|| edit.element.to_string(), |row| row.name.vi.to_owned());
            lines.push((words.case_page.groups, format!("{name}: {}", yes_no(edit.now, words))));
        }
        Body::ReferralActed { act, .. } => lines.push((words.sync.acted, (words.referral.act)(act).to_owned())),
        Body::AssigneeEdited(edit) => {
            let said = format!("{}: {}", person(edit.element), yes_no(edit.now, words));
            lines.push(((words.errors.spot)(Spot::Worker), said));
        }
        Body::ExcludedEdited(edit) => {
            let said = format!("{}: {}", person(edit.element), yes_no(!edit.now, words));
            lines.push(((words.errors.fact)(FactName::Confidentiality), said));
        }
        Body::PhotoAdded(photo) => lines.push((words.visit.done_note, photo.caption.clone())),
        Body::PhotoRemoved { .. } | Body::Looked => {}
    }
    lines.retain(|(_, said)| !said.is_empty());
    (change_title(change, words), lines)
}

fn services(codes: &[ServiceCode]) -> String {
    let names: Vec<&str> = codes.iter().filter_map(|code| code.row()).map(|row| row.name.vi).collect();
    names.join(", ")
}

fn yes_no(yes: bool, words: &Words) -> &'static str {
    if yes { words.speech.yes } else { words.speech.no }
}

fn fact_line(fact: &Fact, places: &Places, words: &Words) -> Option<(&'static str, String)> {
    let said = match fact {
        Fact::FullName(Some(name)) => name.to_string(),
        Fact::FullName(None) => words.new_case.name_unknown.to_owned(),
        Fact::OtherNames(text)
        | Fact::Alias(text)
        | Fact::Marks(text)
        | Fact::Nationality(text)
        | Fact::Language(text)
        | Fact::Insurance(text)
        | Fact::WhatHappened(text)
        | Fact::Health(text)
        | Fact::Household(text) => text.clone(),
        Fact::Sex(sex) => (words.speech.sex)(*sex).to_owned(),
        Fact::Birth(birth) => {
            let parts = [birth.day.map(u32::from), birth.month.map(u32::from), birth.year.map(|year| year as u32)];
            parts.into_iter().flatten().map(|n| n.to_string()).collect::<Vec<_>>().join("/")
        }
        Fact::ApproximateAge(age) => (words.speech.age)(u16::from(*age)),
        Fact::Found(found) => found.place.clone(),
        Fact::Document(document) => document.number.clone(),
        Fact::Phone(number) => phone(number),
        Fact::HandledIn(id) => places.find(id).map_or_else(|| id.to_string(), |place| place.name.clone()),
        Fact::Home(home) => home.text.clone(),
        Fact::Tile(tile) => tile.row().name.vi.to_owned(),
        Fact::Urgency(urgency) => (words.marks.urgency)(*urgency).to_owned(),
        Fact::Consent(consent) => match consent.withdrawn {
            Some(day) => (words.consent.withdrawn)(&date(day)),
            None => (words.consent.answer)(consent.answer).to_owned(),
        },
        Fact::Status(status) => (words.marks.case_status)(*status).to_owned(),
        Fact::NeedsInterpreter(yes) | Fact::HasCarer(yes) => yes_no(*yes, words).to_owned(),
        Fact::Source(source) => (words.case_page.source_of)(*source).to_owned(),
        Fact::Confidentiality(domain::Confidentiality::Normal) => words.case_page.everyone_in_area.to_owned(),
        Fact::Confidentiality(domain::Confidentiality::Restricted) => words.case_page.named_only.to_owned(),
        Fact::EthnicGroup(code) => {
            let found = domain::catalogue::ETHNIC_GROUPS.iter().find(|(known, _)| known == code);
            found.map(|(_, name)| name.vi.to_owned())?
        }
        Fact::Point(_) => return None,
    };
    Some(((words.errors.fact)(fact.name()), said))
}
