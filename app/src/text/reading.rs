//! What a change says, as label and value, so that it can be read on a page, told on the phone or copied. It is given how
//! places and people are called, and knows nothing else of them.

use domain::{
    Act, Activity, Body, Change, Confidentiality, Consent, FacilityId, Fact, FactName, PartialDate, PlaceId, Places,
    Receiver, ServiceCode, Sharing, Spot, TaskFor, Visit, WorkerId, catalogue::ETHNIC_GROUPS,
};

use super::{Lang, Words, capital, change_title, date, date_time, phone};

/// A label and what stands beside it.
pub type Pair = (&'static str, String);

/// How places and people are called where a change is read.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    pub places: &'a Places,
    pub person: &'a dyn Fn(WorkerId) -> String,
    /// `None` for a facility nobody here knows.
    pub facility: &'a dyn Fn(FacilityId) -> Option<String>,
}

impl std::fmt::Debug for Names<'_> {
    /// Nobody's name belongs in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names(…)")
    }
}

impl Names<'_> {
    fn place(&self, id: &PlaceId) -> String {
        self.places.find(id).map_or_else(|| id.to_string(), |place| place.name.clone())
    }
    fn place_said(&self, id: &PlaceId, words: &Words) -> String {
        self.places.find(id).map_or_else(|| id.to_string(), |place| (words.speech.place)(place.kind, &place.name))
    }
    fn receiver(&self, receiver: &Receiver, words: &Words) -> String {
        match receiver {
            Receiver::Facility(id) => (self.facility)(*id).unwrap_or_else(|| words.referral.to.to_owned()),
            Receiver::Team(place) => format!("{}, {}", words.referral.receiver_team, self.place_said(place, words)),
            Receiver::Desk(place) => capital(&self.place_said(place, words)),
            Receiver::Household(name) => name.clone(),
        }
    }
}

/// Everything a change says; what was left empty is left out.
#[must_use]
pub fn reading(change: &Change, names: Names<'_>, words: &'static Words, lang: Lang) -> Vec<Pair> {
    let mut pairs = vec![(words.sync.recorded_at, date_time(change.recorded_at))];
    let label = words.errors.fact;
    let fact = |fact: &Fact| (label(fact.name()), fact_said(fact, names.places, words, lang));
    let whether = |who: WorkerId, yes: bool| format!("{}: {}", (names.person)(who), yes_no(yes, words));
    match &change.body {
        Body::CaseOpened { code, facts } => {
            pairs.push((words.frame.code, code.to_string()));
            pairs.extend(facts.iter().map(fact));
        }
        Body::FactsEdited { edits } => pairs.extend(edits.iter().map(|edit| match fact(&edit.fact) {
            // To leave a field empty is something that was said.
            (label, said) if edit.cleared || said.is_empty() => (label, words.conflict.empty.to_owned()),
            said => said,
        })),
        Body::GroupEdited(edit) => {
            let row = edit.element.row();
            let name = row.map_or_else(|| edit.element.to_string(), |row| lang.of(row.name).to_owned());
            pairs.push((words.case_page.groups, format!("{name}: {}", yes_no(edit.now, words))));
        }
        Body::AssigneeEdited(edit) => {
            pairs.push(((words.errors.spot)(Spot::Worker), whether(edit.element, edit.now)));
        }
        Body::ExcludedEdited(edit) => {
            pairs.push((label(FactName::Confidentiality), whether(edit.element, !edit.now)));
        }
        Body::VisitRecorded(visit) => pairs.extend(visit_pairs(visit, words, lang)),
        Body::TaskWritten(task) => {
            let whom = match &task.for_whom {
                TaskFor::Village(place) => (words.visit.task_village)(&names.place(place)),
                TaskFor::Worker(worker) => (names.person)(*worker),
            };
            pairs.extend([
                (words.visit.task_what, task.what.clone()),
                (words.visit.task_due, task.due.map(date).unwrap_or_default()),
                (words.visit.task_for, whom),
            ]);
        }
        Body::TaskDone { note, .. } => pairs.push((words.visit.done_note, note.clone())),
        Body::ReferralAsked(ask) => pairs.extend([
            (words.referral.asked, (words.referral.kind)(ask.kind).to_owned()),
            (words.referral.what, services(ask.service.as_slice(), lang)),
            (words.referral.to, names.receiver(&ask.receiver, words)),
            (words.referral.why, ask.reason.clone()),
            (words.case_page.consent, sharing_line(&ask.sharing, change.recorded_at.day(), words)),
        ]),
        Body::ReferralActed { act, .. } => {
            pairs.push((words.sync.acted, (words.referral.act)(act).to_owned()));
            pairs.extend(act_pairs(act, names, words));
        }
        Body::Told(told) => pairs.extend([
            (words.sync.told, told.whom.clone()),
            (label(FactName::Phone), phone(&told.phone)),
            (words.emergency.at, date_time(told.at)),
        ]),
        Body::PlacesCounted { free, .. } => pairs.push((words.inbox.free_now, free.free.to_string())),
        Body::ActivityRecorded(activity) => {
            let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = activity;
            pairs.push((words.cases.village, names.place(place)));
            if let Activity::GroupSession { on, people, topic, .. } = activity {
                pairs.push((words.sync.activity, format!("{}, {people}: {topic}", date(*on))));
            }
        }
        Body::FacilityOpened(facts) => pairs.push((words.referral.to, facts.name.clone())),
        Body::Dropped(dropped) => {
            pairs.push((words.sync.drop_reason, dropped.reason.clone()));
            if let Some(given_up) = dropped.read() {
                pairs.push((words.sync.dropped_what, change_title(&given_up, words)));
                // Nothing that was dropped drops another thing.
                if !matches!(given_up.body, Body::Dropped(_)) {
                    pairs.extend(reading(&given_up, names, words, lang));
                }
            }
        }
        Body::PhotoAdded(photo) => pairs.push((words.visit.done_note, photo.caption.clone())),
        Body::CaseTransferred { to, reason, .. } => {
            pairs.extend([(words.moving.transfer, names.place(to)), (words.moving.reason, reason.clone())]);
        }
        Body::HandedOver { from, to, note, .. } => pairs.extend([
            (words.moving.from, (names.person)(*from)),
            (words.moving.to, (names.person)(*to)),
            (words.moving.note, note.clone()),
        ]),
        // The other case may be one that the reader does not see: it is not named.
        Body::CaseLinked { front, .. } => {
            pairs.push((words.moving.same_person, yes_no(front.is_some(), words).to_owned()));
        }
        Body::PhotoRemoved { .. } | Body::Looked | Body::Seen { .. } | Body::DutyAlerted { .. } => {}
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

/// A reading as plain text, a line each under a heading.
#[must_use]
pub fn as_text(title: &str, pairs: &[Pair]) -> String {
    let lines = pairs.iter().map(|(label, value)| format!("\n{label}: {value}"));
    std::iter::once(title.to_owned()).chain(lines).collect()
}

/// What a visit says.
#[must_use]
pub fn visit_pairs(visit: &Visit, words: &'static Words, lang: Lang) -> Vec<Pair> {
    vec![
        (words.visit.on, date(visit.on)),
        (words.visit.met, visit.met.clone()),
        (words.visit.place, visit.place.clone()),
        (words.visit.seen, visit.seen.clone()),
        (words.visit.services, services(&visit.services, lang)),
        (words.visit.next, visit.next.map(date).unwrap_or_default()),
        (words.visit.next_what, visit.next_what.clone()),
    ]
}

fn act_pairs(act: &Act, names: Names<'_>, words: &'static Words) -> Vec<Pair> {
    match act {
        Act::Look | Act::Forward | Act::Accept | Act::ComeBack => vec![],
        Act::Approve { document } => document
            .iter()
            .flat_map(|d| {
                let on = d.on.map(date).unwrap_or_default();
                [
                    (words.queue.number, d.number.clone()),
                    (words.queue.signed_on, on),
                    (words.queue.signer, d.signer.clone()),
                ]
            })
            .collect(),
        Act::Return { question } => vec![(words.referral.question, question.clone())],
        Act::Answer { text } => vec![(words.referral.answer, text.clone())],
        Act::Refuse { reason, alternative } => vec![
            (words.referral.refused_because, reason.clone()),
            (words.referral.instead, alternative.as_ref().map(|r| names.receiver(r, words)).unwrap_or_default()),
        ],
        Act::Waitlist { note } => vec![(words.inbox.waitlist_note, note.clone())],
        Act::Receive { note, follow_up } => vec![
            (words.inbox.receive_note, note.clone()),
            (words.inbox.follow_up, follow_up.map(date).unwrap_or_default()),
        ],
        Act::Leave { to, back_on } => vec![(words.inbox.leave_to, to.clone()), (words.inbox.back_on, date(*back_on))],
        Act::Complete { outcome } => vec![(words.inbox.outcome, outcome.clone())],
        Act::Cancel { reason } => vec![(words.referral.take_back_reason, reason.clone())],
    }
}

/// One fact as a page shows it.
#[must_use]
pub fn fact_said(fact: &Fact, places: &Places, words: &Words, lang: Lang) -> String {
    match fact {
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
        Fact::Birth(birth) => birth_said(birth, words),
        Fact::ApproximateAge(age) => (words.speech.age)(u16::from(*age)),
        Fact::Found(found) => match found.at {
            Some(at) if found.place.is_empty() => date_time(at),
            Some(at) => format!("{}\n{}", found.place, date_time(at)),
            None => found.place.clone(),
        },
        Fact::Document(d) => format!("{} {}", (words.case_page.document_kind)(d.kind), d.number).trim().to_owned(),
        Fact::Phone(number) => phone(number),
        Fact::HandledIn(id) => places.find(id).map_or_else(|| id.to_string(), |place| place.name.clone()),
        Fact::Home(home) => home.text.clone(),
        Fact::Tile(tile) => lang.of(tile.row().name).to_owned(),
        Fact::Urgency(urgency) => (words.marks.urgency)(*urgency).to_owned(),
        Fact::Consent(consent) => match consent_said(consent, words) {
            (answer, giver) if giver.is_empty() => answer,
            (answer, giver) => format!("{answer}. {giver}"),
        },
        Fact::Status(status) => (words.marks.case_status)(*status).to_owned(),
        Fact::NeedsInterpreter(yes) | Fact::HasCarer(yes) => yes_no(*yes, words).to_owned(),
        Fact::Source(source) => (words.case_page.source_of)(*source).to_owned(),
        Fact::Confidentiality(Confidentiality::Normal) => words.case_page.everyone_in_area.to_owned(),
        Fact::Confidentiality(Confidentiality::Restricted) => words.case_page.named_only.to_owned(),
        Fact::EthnicGroup(code) => {
            let found = ETHNIC_GROUPS.iter().find(|(known, _)| known == code);
            found.map_or_else(|| code.to_string(), |(_, name)| lang.of(*name).to_owned())
        }
        // A place on the map is no sentence.
        Fact::Point(_) => String::new(),
    }
}

/// The known parts of a birth date, and whether they are a guess.
#[must_use]
pub fn birth_said(birth: &PartialDate, words: &Words) -> String {
    let day = birth.day.map(|day| format!("{day:02}"));
    let month = birth.month.map(|month| format!("{month:02}"));
    let written = [day, month, birth.year.map(|year| year.to_string())];
    let written = written.into_iter().flatten().collect::<Vec<_>>().join("/");
    if birth.estimated {
        format!("{written} ({})", domain::search::lower(words.new_case.birth_estimated))
    } else {
        written
    }
}

/// What was answered on which day, and who answered in which form.
#[must_use]
pub fn consent_said(consent: &Consent, words: &Words) -> (String, String) {
    let day = consent.on.map(|d| format!(", {}", date(d))).unwrap_or_default();
    let answer = match consent.withdrawn {
        Some(day) => (words.consent.withdrawn)(&date(day)),
        None => format!("{}{day}", (words.consent.answer)(consent.answer)),
    };
    let mut giver = consent.given_by.map(|g| (words.consent.giver)(g).to_owned()).unwrap_or_default();
    if !consent.relation.is_empty() {
        giver = format!("{giver}: {}", consent.relation);
    }
    if let Some(form) = consent.form {
        giver = format!("{giver}, {}", domain::search::lower((words.consent.form)(form)));
    }
    (answer, giver)
}

/// What the person agreed to share, or why they were not asked.
#[must_use]
pub fn sharing_line(sharing: &Sharing, on: domain::Day, words: &Words) -> String {
    use domain::{ConsentAnswer, Giver};
    let items = sharing.items.iter().map(|item| (words.consent.item)(*item)).collect::<Vec<_>>().join(", ");
    let said = match sharing.answer {
        ConsentAnswer::Agreed => format!("{}, {}", (words.referral.shared_list)(&items), date(on)),
        answer => format!("{}: {items}", (words.consent.answer)(answer)),
    };
    match sharing.given_by {
        Some(Giver::Representative) if !sharing.relation.is_empty() => format!("{said} ({})", sharing.relation),
        Some(Giver::Representative) => {
            format!("{said} ({})", domain::search::lower((words.consent.giver)(Giver::Representative)))
        }
        _ => said,
    }
}

fn services(codes: &[ServiceCode], lang: Lang) -> String {
    codes.iter().filter_map(ServiceCode::row).map(|row| lang.of(row.name)).collect::<Vec<_>>().join(", ")
}

fn yes_no(yes: bool, words: &Words) -> &'static str {
    if yes { words.speech.yes } else { words.speech.no }
}
