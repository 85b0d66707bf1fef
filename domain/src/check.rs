//! Whether a change may be accepted. It may grow stricter over time; what was accepted is applied for ever.

use serde::{Deserialize, Serialize};

use crate::{
    access::{self, Reach},
    case::{Confidentiality, Fact, FactName, Header, Task, TaskFor, Visit, members},
    change::{Body, Change},
    consent::ConsentAnswer,
    field::Field,
    id::{PlaceId, Subject, WorkerId},
    limits,
    map::{Map, Set},
    part::{Activity, Part, PartKey, Parts},
    person::{Invalid, text},
    photo::{Photo, PhotoConsent},
    place::{PlaceKind, Places},
    referral::{Act, DecideError, Level, Receiver, ReferralAsk, Side},
    time::{Day, Timestamp},
    worker::{self, Grant, Role, covers, has_role},
};

/// What the rules read besides the parts: places and who supervises where. The office has all of it, a phone its own
/// surroundings.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub places: Places,
    /// Officer and deputy for restricted cases of each commune, and of the province for communes without.
    pub officers: Map<PlaceId, Vec<WorkerId>>,
    /// Everybody with a grant.
    pub staff: Map<WorkerId, Vec<Grant>>,
}

impl Rules {
    /// Whether a worker with these grants sees a case as things stand today: by the case itself ([`Reach::is_seen_by`]), or
    /// as an officer for restricted cases of its place who came after it. A case is not left to nobody because whoever was
    /// named on it has gone.
    #[must_use]
    pub fn sees(&self, worker: WorkerId, grants: &[Grant], reach: &Reach) -> bool {
        let is_officer = || {
            let allowed = worker::is_field_worker(grants) && !reach.excluded.contains(&worker);
            allowed && self.officers_for(reach).contains(&worker)
        };
        reach.is_seen_by(worker, grants, &self.places) || (reach.restricted && is_officer())
    }

    /// [`Rules::sees`] for asking of many people about one case: what does not depend on them is found once.
    pub fn who_sees<'a>(&'a self, reach: &'a Reach) -> impl Fn(WorkerId, &[Grant]) -> bool + 'a {
        let officers = if reach.restricted { self.officers_for(reach) } else { vec![] };
        let named = reach.places().chain(reach.desks.iter()).chain(reach.teams.iter());
        let over: Vec<(&PlaceId, Vec<PlaceId>)> = named.map(|place| (place, self.places.areas_over(place))).collect();
        move |worker, grants| {
            let covers = |area: &PlaceId, place: &PlaceId| {
                over.iter().any(|(known, areas)| *known == place && areas.contains(area))
            };
            let is_officer = || {
                let allowed = worker::is_field_worker(grants) && !reach.excluded.contains(&worker);
                allowed && officers.contains(&worker)
            };
            reach.is_seen_where(worker, grants, &covers) || (reach.restricted && is_officer())
        }
    }

    /// The officers to be named on a restricted case handled in `place`; none eligible there: the province's.
    #[must_use]
    pub fn officers_for(&self, reach: &Reach) -> Vec<WorkerId> {
        let mut officers: Vec<WorkerId> = vec![];
        for officer in reach.places().flat_map(|place| self.officers_of(place, &reach.excluded)) {
            if !officers.contains(&officer) {
                officers.push(officer);
            }
        }
        officers
    }

    /// The same of one place, but for who must never see the case.
    #[must_use]
    pub fn officers_of(&self, place: &PlaceId, excluded: &Set<WorkerId>) -> Vec<WorkerId> {
        let works_here =
            |worker: &WorkerId| self.staff.get(worker).is_some_and(|grants| worker::is_field_worker(grants));
        let eligible = |place: &PlaceId| -> Vec<WorkerId> {
            let named = self.officers.get(place).into_iter().flatten();
            named.filter(|w| !excluded.contains(w) && works_here(w)).copied().collect()
        };
        let desk = self.places.desk_of(place).map_or(place, |desk| &desk.id);
        let levels = self.places.ancestors(desk).filter(|p| p.kind != PlaceKind::Village);
        levels.map(|p| eligible(&p.id)).find(|officers| !officers.is_empty()).unwrap_or_default()
    }
}

impl Rules {
    /// Who at the department may read a restricted case handled in `reach`: its officers, else its supervisors.
    #[must_use]
    pub fn department_for(&self, reach: &Reach) -> Vec<WorkerId> {
        let Some(province) = self.places.province_of(&reach.handled_in) else { return vec![] };
        let allowed = |worker: &&WorkerId| !reach.excluded.contains(*worker) && self.staff.contains_key(*worker);
        let officers: Vec<WorkerId> =
            self.officers.get(&province.id).into_iter().flatten().filter(allowed).copied().collect();
        if !officers.is_empty() {
            return officers;
        }
        let seated = |grants: &Vec<Grant>| {
            grants.iter().any(|g| g.role == Role::Supervisor && g.area.as_ref() == Some(&province.id))
        };
        let seats = self.staff.iter().filter(|(_, grants)| seated(grants)).map(|(worker, _)| worker);
        seats.filter(allowed).copied().collect()
    }
}

/// Whose change it is and what they may do.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    pub worker: WorkerId,
    pub grants: &'a [Grant],
}

/// What on a form an error stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    Fact(FactName),
    VisitDay,
    NextVisit,
    VisitText,
    TaskText,
    TaskDue,
    Reason,
    Receiver,
    Service,
    Question,
    FollowUp,
    Outcome,
    Whom,
    FreePlaces,
    Group,
    Worker,
    Note,
    Photo,
}

/// Why a change cannot be accepted as it is. Each has a sentence that says what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("the body is not what its kind promises")]
    Broken,
    #[error("larger than a change may be")]
    TooLarge,
    #[error("the same id was used for something else")]
    OtherBody,
    #[error("{spot:?}: {why}")]
    Field { spot: Spot, why: Invalid },
    #[error("the person did not agree to this being shared")]
    NoConsent,
    #[error(transparent)]
    Decide(DecideError),
    #[error("this person may not do that here")]
    NotAllowed,
    #[error("already there")]
    Twice,
    /// A restricted case goes only to people named on it, never to a whole team or desk.
    #[error("a restricted case is not sent to a whole team or desk")]
    RestrictedReceiver,
    /// The person refused to be recorded, or took their consent back.
    #[error("the person does not want to be photographed")]
    NoPhotoConsent,
    #[error("the case has as many photos as it may have")]
    TooManyPhotos,
    /// Its writer has dropped what this builds on.
    #[error("what it builds on was dropped by its writer")]
    Dropped,
    /// The office has it and somebody there read it, and left it out of its case. Said on the phone, never by the office: it
    /// says [`crate::Verdict::Quarantined`].
    #[error("left out of its case: {reason}")]
    PutAway { reason: String },
    /// A reason of a newer office that this version has no words for.
    #[error("a reason this version does not know")]
    #[serde(other)]
    Newer,
}

impl Refusal {
    fn field(spot: Spot, why: Invalid) -> Self {
        Self::Field { spot, why }
    }
}
impl From<DecideError> for Refusal {
    fn from(decide: DecideError) -> Self {
        Self::Decide(decide)
    }
}

/// Whether the actor may touch this subject at all. Content from somebody who may not is set aside, not refused.
#[must_use]
pub fn may_write(parts: &Parts, change: &Change, actor: Actor<'_>, rules: &Rules) -> bool {
    let is_field_worker = worker::is_field_worker(actor.grants);
    match (&change.body, change.subject) {
        (Body::CaseOpened { .. } | Body::ActivityRecorded(_), _) => is_field_worker,
        (Body::FacilityOpened(_), _) => has_role(actor.grants, Role::Admin),
        (Body::PlacesCounted { .. }, Subject::Facility(id)) => actor.grants.iter().any(|g| g.facility == Some(id)),
        (Body::ReferralActed { side: Side::Receiver, referral, .. }, Subject::Case(_)) => {
            parts.progress(*referral).is_some()
        }
        (_, Subject::Case(_)) => match Reach::of(parts) {
            Some(reach) => is_field_worker && rules.sees(actor.worker, actor.grants, &reach),
            None => is_field_worker,
        },
        _ => false,
    }
}

/// Whether `change` is lawful on `parts`. `now` is the clock of whoever checks; `recorded_at` is never judged.
///
/// # Errors
/// The first [`Refusal`] found.
pub fn check(parts: &Parts, change: &Change, actor: Actor<'_>, rules: &Rules, now: Timestamp) -> Result<(), Refusal> {
    // A date is in the future only if it lies after today both here and by the clock it was typed under.
    let today = now.day().max(change.recorded_at.day());
    match &change.body {
        Body::CaseOpened { facts, .. } => {
            if parts.header().is_some() {
                return Err(Refusal::Twice);
            }
            if facts.len() > limits::EDITS {
                return Err(Refusal::TooLarge);
            }
            // Of two answers in one change the later would decide in silence.
            let names: Set<FactName> = facts.iter().map(Fact::name).collect();
            if names.len() != facts.len() {
                return Err(Refusal::Twice);
            }
            for fact in facts {
                check_fact(fact, rules, today)?;
            }
            check_opening(facts)
        }
        Body::FactsEdited { edits } => {
            if edits.is_empty() || edits.len() > limits::EDITS {
                return Err(Refusal::TooLarge);
            }
            let names: Set<FactName> = edits.iter().map(|e| e.fact.name()).collect();
            if names.len() != edits.len() {
                return Err(Refusal::Twice);
            }
            let restricted = parts.header().is_some_and(Header::is_restricted);
            for edit in edits {
                let opens_up = matches!(edit.fact, Fact::Confidentiality(Confidentiality::Normal));
                if opens_up && restricted && !has_role(actor.grants, Role::Supervisor) {
                    return Err(Refusal::NotAllowed);
                }
                // Where a restricted case goes decides who is named on it, by whatever kind of change.
                if let (Fact::HandledIn(place), Some(header)) = (&edit.fact, parts.header())
                    && restricted
                    && header.handled_places().any(|standing| standing != place)
                    && !has_role(actor.grants, Role::Supervisor)
                {
                    return Err(Refusal::NotAllowed);
                }
                if edit.cleared {
                    let name = edit.fact.name();
                    if !name.may_be_cleared() {
                        return Err(Refusal::field(Spot::Fact(name), Invalid::Missing));
                    }
                } else {
                    // What was there before it was emptied needs to fit no rule of today.
                    check_fact(&edit.fact, rules, today)?;
                }
                let standing = parts.header().map(|h| h.facts.seen(edit.fact.name())).unwrap_or_default();
                check_room(&standing, &edit.saw)?;
            }
            Ok(())
        }
        Body::GroupEdited(edit) => {
            if edit.element.row().is_none() {
                return Err(Refusal::field(Spot::Group, Invalid::UnknownCode));
            }
            let standing = parts.header().and_then(|h| h.groups.get(&edit.element)).map(Field::seen);
            check_room(&standing.unwrap_or_default(), &edit.saw)
        }
        Body::AssigneeEdited(edit) | Body::ExcludedEdited(edit) => {
            let named = matches!(change.body, Body::AssigneeEdited(_));
            match rules.staff.get(&edit.element) {
                Some(grants) if !named || worker::is_field_worker(grants) => {}
                _ => return Err(Refusal::field(Spot::Worker, Invalid::UnknownCode)),
            }
            // Taking a name off a case, or letting an excluded worker in again, is for who answers for it.
            if !edit.now && edit.element != actor.worker && !has_role(actor.grants, Role::Supervisor) {
                return Err(Refusal::NotAllowed);
            }
            let set = parts.header().map(|h| if named { &h.assignees } else { &h.excluded_workers });
            let standing = set.and_then(|set| set.get(&edit.element)).map(Field::seen);
            check_room(&standing.unwrap_or_default(), &edit.saw)
        }
        Body::VisitRecorded(visit) => check_visit(visit, today),
        Body::TaskWritten(task) => check_task(task, rules),
        Body::TaskDone { task, note } => {
            let Some(Part::Task(part)) = parts.0.get(&PartKey::Task(*task)) else {
                return Err(Refusal::field(Spot::TaskText, Invalid::UnknownCode));
            };
            if part.done.len() >= limits::DONE {
                return Err(Refusal::TooLarge);
            }
            long_text(note, Spot::Note).map(drop)
        }
        Body::ReferralAsked(ask) => check_ask(parts, ask, rules, today),
        Body::ReferralActed { referral, saw, side, act, .. } => {
            check_act(parts, *referral, *saw, *side, act, actor, rules)
        }
        Body::Told(told) => {
            let whom = text(&told.whom, limits::LABEL_CHARS).map_err(|why| Refusal::field(Spot::Whom, why))?;
            if parts.header().is_some_and(|header| header.told.len() >= limits::TOLD) {
                return Err(Refusal::TooLarge);
            }
            if whom.is_empty() { Err(Refusal::field(Spot::Whom, Invalid::Empty)) } else { Ok(()) }
        }
        // Only who has the duty to look makes a case seen.
        Body::Looked | Body::Seen { .. } if has_role(actor.grants, Role::Supervisor) => Ok(()),
        Body::Dropped(dropped) if long_text(&dropped.reason, Spot::Reason)?.is_empty() => {
            Err(Refusal::field(Spot::Reason, Invalid::Empty))
        }
        Body::Dropped(_) => Ok(()),
        // The office writes it itself.
        Body::Looked | Body::Seen { .. } | Body::DutyAlerted { .. } => Err(Refusal::NotAllowed),
        Body::FacilityOpened(facts) => {
            if parts.facility().is_some() {
                return Err(Refusal::Twice);
            }
            if facts.services.iter().any(|s| s.row().is_none()) || facts.groups.iter().any(|g| g.row().is_none()) {
                return Err(Refusal::field(Spot::Service, Invalid::UnknownCode));
            }
            Ok(())
        }
        Body::PlacesCounted { free, .. } => {
            let places = parts.facility().map_or(0, |f| f.facts.places);
            if free.free > places { Err(Refusal::field(Spot::FreePlaces, Invalid::OutOfRange)) } else { Ok(()) }
        }
        Body::ActivityRecorded(_) if !parts.is_empty() => Err(Refusal::Twice),
        Body::ActivityRecorded(activity) => {
            let place = match activity {
                Activity::AnonymousContact { place } => place,
                Activity::GroupSession { place, on, topic, .. } => {
                    long_text(topic, Spot::Note)?;
                    if *on > today {
                        return Err(Refusal::field(Spot::VisitDay, Invalid::InFuture));
                    }
                    place
                }
            };
            check_place(place, rules, FactName::HandledIn)
        }
        Body::PhotoAdded(photo) => check_photo(parts, photo),
        Body::PhotoRemoved { photo } => match parts.photos().find(|p| p.written.id == *photo) {
            Some(found) if found.written.by != actor.worker && !has_role(actor.grants, Role::Supervisor) => {
                Err(Refusal::NotAllowed)
            }
            // Somebody else has taken it away already: that is what was wanted.
            _ => Ok(()),
        },
        Body::CaseLinked { saw, other, front } => {
            let header = parts.header();
            let this = change.subject.case();
            if this == Some(*other) || front.is_some_and(|front| front != *other && Some(front) != this) {
                return Err(Refusal::Broken);
            }
            check_link_by(header.map(|h| h.author), actor)?;
            let known = header.and_then(|h| h.links.get(other));
            if known.is_none() && header.is_some_and(|h| h.links.len() >= limits::LINKS) {
                return Err(Refusal::TooLarge);
            }
            check_room(&known.map(Field::seen).unwrap_or_default(), saw)
        }
        Body::CaseTransferred { saw, to, reason } => {
            check_place(to, rules, FactName::HandledIn)?;
            if long_text(reason, Spot::Reason)?.is_empty() {
                return Err(Refusal::field(Spot::Reason, Invalid::Empty));
            }
            let header = parts.header();
            // Where a restricted case goes decides who is named on it.
            if header.is_some_and(Header::is_restricted) && !has_role(actor.grants, Role::Supervisor) {
                return Err(Refusal::NotAllowed);
            }
            let standing = header.map(|h| h.facts.seen(FactName::HandledIn)).unwrap_or_default();
            check_room(&standing, saw)
        }
        Body::HandedOver { saw, from, to, tasks, note, .. } => {
            long_text(note, Spot::Note)?;
            if from == to || !rules.staff.get(to).is_some_and(|grants| worker::is_field_worker(grants)) {
                return Err(Refusal::field(Spot::Worker, Invalid::UnknownCode));
            }
            // What somebody else has is handed on by who answers for it.
            if *from != actor.worker && !has_role(actor.grants, Role::Supervisor) {
                return Err(Refusal::NotAllowed);
            }
            if tasks.len() > limits::EDITS {
                return Err(Refusal::TooLarge);
            }
            let header = parts.header();
            if header.is_some_and(|h| members(&h.excluded_workers, true).any(|w| w == to)) {
                return Err(Refusal::field(Spot::Worker, Invalid::UnknownCode));
            }
            for worker in [from, to] {
                let standing = header.and_then(|h| h.assignees.get(worker)).map(Field::seen);
                check_room(&standing.unwrap_or_default(), saw)?;
            }
            for task in tasks {
                let Some(Part::Task(part)) = parts.0.get(&PartKey::Task(*task)) else {
                    return Err(Refusal::field(Spot::TaskText, Invalid::UnknownCode));
                };
                check_room(&part.given.seen(), saw)?;
            }
            Ok(())
        }
    }
}

fn check_photo(parts: &Parts, photo: &Photo) -> Result<(), Refusal> {
    photo.check().map_err(|why| Refusal::field(Spot::Photo, why))?;
    if parts.photos().count() >= limits::CASE_PHOTOS {
        return Err(Refusal::TooManyPhotos);
    }
    match parts.header().map(PhotoConsent::of) {
        Some(PhotoConsent::Refused) => Err(Refusal::NoPhotoConsent),
        _ => Ok(()),
    }
}

/// That two cases are of one person is said by who answers for them, or by the one who recorded both.
///
/// # Errors
/// [`Refusal::NotAllowed`].
pub fn check_link_by(author: Option<WorkerId>, actor: Actor<'_>) -> Result<(), Refusal> {
    let theirs = author == Some(actor.worker) || has_role(actor.grants, Role::Supervisor);
    if theirs { Ok(()) } else { Err(Refusal::NotAllowed) }
}

/// A field holds so many candidates and no more; the writer is told to choose among them, so that none is dropped.
fn check_room(standing: &[crate::ChangeId], saw: &[crate::ChangeId]) -> Result<(), Refusal> {
    let left = standing.iter().filter(|id| !saw.contains(id)).count();
    if left < limits::CANDIDATES { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// The six answers without which a case cannot be helped: who (or "not known"), where, which trouble, what happened,
/// urgency, consent.
///
/// # Errors
/// The first answer that is missing.
pub fn check_opening(facts: &[Fact]) -> Result<(), Refusal> {
    let missing = |name, why| Err(Refusal::field(Spot::Fact(name), why));
    let find = |name| facts.iter().find(|f| f.name() == name);
    for name in [
        FactName::FullName,
        FactName::HandledIn,
        FactName::Tile,
        FactName::WhatHappened,
        FactName::Urgency,
        FactName::Consent,
        FactName::Confidentiality,
    ] {
        if find(name).is_none() {
            return missing(name, Invalid::Missing);
        }
    }
    if matches!(find(FactName::WhatHappened), Some(Fact::WhatHappened(text)) if text.trim().is_empty()) {
        return missing(FactName::WhatHappened, Invalid::Empty);
    }
    let names: Set<FactName> = facts.iter().map(Fact::name).collect();
    if names.len() != facts.len() {
        return Err(Refusal::Twice);
    }
    if matches!(find(FactName::Consent), Some(Fact::Consent(c)) if c.answer == ConsentAnswer::Refused) {
        // Somebody who refused is not recorded: only an anonymous contact is counted.
        return Err(Refusal::NoConsent);
    }
    Ok(())
}

/// Whether one fact can be kept: lengths, codes, places, dates.
///
/// # Errors
/// [`Refusal::Field`] at the fact.
pub fn check_fact(fact: &Fact, rules: &Rules, today: Day) -> Result<(), Refusal> {
    let name = fact.name();
    let wrong = |why| Refusal::field(Spot::Fact(name), why);
    match fact {
        Fact::OtherNames(t) | Fact::Alias(t) | Fact::Nationality(t) | Fact::Language(t) | Fact::Insurance(t) => {
            text(t, limits::LABEL_CHARS).map(drop).map_err(wrong)
        }
        Fact::Marks(t) | Fact::WhatHappened(t) | Fact::Health(t) | Fact::Household(t) => {
            text(t, limits::TEXT_CHARS).map(drop).map_err(wrong)
        }
        Fact::Found(found) => text(&found.place, limits::LABEL_CHARS).map(drop).map_err(wrong),
        Fact::Home(home) => text(&home.text, limits::LABEL_CHARS).map(drop).map_err(wrong),
        Fact::HandledIn(place) => check_place(place, rules, name),
        Fact::Birth(birth) if birth.earliest().is_some_and(|day| day > today) => Err(wrong(Invalid::InFuture)),
        Fact::ApproximateAge(age) if *age > 120 => Err(wrong(Invalid::OutOfRange)),
        Fact::EthnicGroup(code) if !crate::catalogue::ETHNIC_GROUPS.iter().any(|(c, _)| c == code) => {
            Err(wrong(Invalid::UnknownCode))
        }
        Fact::Point(p) if p.latitude_e6.unsigned_abs() > 90_000_000 || p.longitude_e6.unsigned_abs() > 180_000_000 => {
            Err(wrong(Invalid::OutOfRange))
        }
        Fact::Consent(consent) => {
            if consent.on.is_some_and(|day| day > today) {
                return Err(wrong(Invalid::InFuture));
            }
            text(&consent.relation, limits::LABEL_CHARS).map(drop).map_err(wrong)
        }
        _ => Ok(()),
    }
}

/// A case is handled in a village, or at commune level while the village is not known.
fn check_place(place: &PlaceId, rules: &Rules, name: FactName) -> Result<(), Refusal> {
    match rules.places.find(place) {
        Some(found) if found.kind != PlaceKind::Province => Ok(()),
        _ => Err(Refusal::field(Spot::Fact(name), Invalid::UnknownPlace)),
    }
}

/// # Errors
/// A day in the future, a next visit before this one, nothing written, too much written.
pub fn check_visit(visit: &Visit, today: Day) -> Result<(), Refusal> {
    if visit.on > today {
        return Err(Refusal::field(Spot::VisitDay, Invalid::InFuture));
    }
    if visit.next.is_some_and(|next| next < visit.on) {
        return Err(Refusal::field(Spot::NextVisit, Invalid::TooEarly));
    }
    if long_text(&visit.seen, Spot::VisitText)?.is_empty() {
        return Err(Refusal::field(Spot::VisitText, Invalid::Empty));
    }
    for label in [&visit.place, &visit.met, &visit.next_what] {
        text(label, limits::LABEL_CHARS).map_err(|why| Refusal::field(Spot::VisitText, why))?;
    }
    if visit.services.len() > limits::EDITS || visit.services.iter().any(|s| s.row().is_none()) {
        return Err(Refusal::field(Spot::Service, Invalid::UnknownCode));
    }
    Ok(())
}

fn check_task(task: &Task, rules: &Rules) -> Result<(), Refusal> {
    if long_text(&task.what, Spot::TaskText)?.is_empty() {
        return Err(Refusal::field(Spot::TaskText, Invalid::Empty));
    }
    match &task.for_whom {
        TaskFor::Village(place) => check_place(place, rules, FactName::HandledIn),
        TaskFor::Worker(worker) if rules.staff.contains_key(worker) => Ok(()),
        TaskFor::Worker(_) => Err(Refusal::field(Spot::Worker, Invalid::UnknownCode)),
    }
}

fn check_ask(parts: &Parts, ask: &ReferralAsk, rules: &Rules, today: Day) -> Result<(), Refusal> {
    let consent = parts.header().and_then(|h| h.facts.consent.safest());
    if !access::may_share(consent, ask) || consent.and_then(|c| c.expires).is_some_and(|day| day < today) {
        return Err(Refusal::NoConsent);
    }
    let crowd = matches!(ask.receiver, Receiver::Team(_) | Receiver::Desk(_));
    if crowd && parts.header().is_some_and(Header::is_restricted) && !is_own_commune(parts, &ask.receiver, rules) {
        return Err(Refusal::RestrictedReceiver);
    }
    if long_text(&ask.reason, Spot::Reason)?.is_empty() {
        return Err(Refusal::field(Spot::Reason, Invalid::Empty));
    }
    if let Some(service) = &ask.service
        && service.row().is_none_or(|row| row.referral_kind != ask.kind.code())
    {
        return Err(Refusal::field(Spot::Service, Invalid::UnknownCode));
    }
    text(&ask.sharing.relation, limits::LABEL_CHARS).map_err(|why| Refusal::field(Spot::Reason, why))?;
    match &ask.receiver {
        Receiver::Facility(_) => Ok(()),
        Receiver::Team(place) | Receiver::Desk(place) if rules.places.find(place).is_some() => Ok(()),
        Receiver::Household(name) => match text(name, limits::LABEL_CHARS) {
            Ok(name) if !name.is_empty() => Ok(()),
            Ok(_) => Err(Refusal::field(Spot::Receiver, Invalid::Empty)),
            Err(why) => Err(Refusal::field(Spot::Receiver, why)),
        },
        _ => Err(Refusal::field(Spot::Receiver, Invalid::UnknownPlace)),
    }
}

/// A desk of the commune that handles the case: its officers are named on a restricted case anyway.
fn is_own_commune(parts: &Parts, receiver: &Receiver, rules: &Rules) -> bool {
    let handled_in = parts.header().and_then(Header::handled_in);
    matches!((receiver, handled_in), (Receiver::Desk(desk), Some(place)) if rules.places.covers(desk, place))
}

/// Whether the actor really stands on the side they claim for this referral.
///
/// # Errors
/// [`DecideError::NotYourStep`], [`DecideError::OwnReferral`].
pub fn check_side(
    parts: &Parts,
    referral: crate::ChangeId,
    side: Side,
    act: &Act,
    actor: Actor<'_>,
    rules: &Rules,
) -> Result<(), DecideError> {
    let (author, receiver) = match (parts.referral(referral), parts.sheet(referral)) {
        (Some(r), _) => (r.author, r.ask.receiver.clone()),
        (None, Some(s)) => (s.author, Receiver::Facility(s.facility)),
        (None, None) => return Err(DecideError::NotYourStep),
    };
    let reach = Reach::of(parts);
    if reach.as_ref().is_some_and(|r| r.excluded.contains(&actor.worker)) {
        return Err(DecideError::NotYourStep);
    }
    let sees = || reach.as_ref().is_some_and(|r| rules.sees(actor.worker, actor.grants, r));
    let holds = match side {
        Side::Writer => {
            // A colleague who sees the case may answer for the writer; only the writer may withdraw.
            author == actor.worker || (matches!(act, Act::Answer { .. }) && sees())
        }
        Side::Receiver => match receiver {
            Receiver::Facility(facility) => actor.grants.iter().any(|g| g.facility == Some(facility)),
            Receiver::Team(place) => covers(actor.grants, Role::Outreach, &place, &rules.places),
            Receiver::Desk(place) => sees() && covers(actor.grants, Role::Supervisor, &place, &rules.places),
            Receiver::Household(_) => {
                sees()
                    && reach
                        .as_ref()
                        .is_some_and(|r| covers(actor.grants, Role::Supervisor, &r.handled_in, &rules.places))
            }
        },
        Side::Supervisor(level) => {
            if !sees() {
                return Err(DecideError::NotYourStep);
            }
            let Some(reach) = &reach else { return Err(DecideError::NotYourStep) };
            // Above the province there is no area: where nobody else sits, what others approved is passed on by its writer.
            let passes_on = || {
                let nobody_else = !anybody_else_sits(Level::Province, reach, author, rules);
                matches!(act, Act::Forward) && level == Level::Province && nobody_else
            };
            if author == actor.worker && !matches!(act, Act::Look) && !passes_on() {
                return Err(DecideError::OwnReferral);
            }
            stands_at(level, reach, author, actor.grants, rules)
        }
    };
    if holds { Ok(()) } else { Err(DecideError::NotYourStep) }
}

/// A supervisor of the level itself; for a commune without anybody else who may decide, one of the area above.
fn stands_at(level: Level, reach: &Reach, author: WorkerId, grants: &[Grant], rules: &Rules) -> bool {
    let Some(desk) = desk_of(level, reach, rules) else { return false };
    sits_at(desk, grants)
        || (level == Level::Commune
            && !anybody_else_sits(level, reach, author, rules)
            && covers(grants, Role::Supervisor, desk, &rules.places))
}

fn desk_of<'r>(level: Level, reach: &Reach, rules: &'r Rules) -> Option<&'r PlaceId> {
    let desk = match level {
        Level::Commune => rules.places.desk_of(&reach.handled_in),
        Level::Province | Level::Receiver => rules.places.province_of(&reach.handled_in),
    };
    desk.map(|desk| &desk.id)
}

fn sits_at(desk: &PlaceId, grants: &[Grant]) -> bool {
    grants.iter().any(|g| g.role == Role::Supervisor && g.area.as_ref() == Some(desk))
}

/// Whether somebody else than the writer sits at the desk of this level and may read the case.
fn anybody_else_sits(level: Level, reach: &Reach, author: WorkerId, rules: &Rules) -> bool {
    let Some(desk) = desk_of(level, reach, rules) else { return false };
    rules.staff.iter().any(|(worker, grants)| {
        *worker != author && sits_at(desk, grants) && !reach.excluded.contains(worker) && {
            !reach.restricted || rules.sees(*worker, grants, reach)
        }
    })
}

fn check_act(
    parts: &Parts,
    referral: crate::ChangeId,
    saw: u32,
    side: Side,
    act: &Act,
    actor: Actor<'_>,
    rules: &Rules,
) -> Result<(), Refusal> {
    let Some(progress) = parts.progress(referral) else { return Err(DecideError::NotYourStep.into()) };
    check_side(parts, referral, side, act, actor, rules)?;
    match act {
        Act::Look if progress.acts.iter().filter(|a| matches!(a.act, Act::Look)).count() >= limits::LOOKS => {
            return Err(Refusal::TooLarge);
        }
        Act::Return { question } if long_text(question, Spot::Question)?.is_empty() => {
            return Err(DecideError::QuestionMissing.into());
        }
        Act::Answer { text } if long_text(text, Spot::Question)?.is_empty() => {
            return Err(Refusal::field(Spot::Question, Invalid::Empty));
        }
        Act::Refuse { reason, alternative } => {
            if long_text(reason, Spot::Reason)?.is_empty() {
                return Err(DecideError::ReasonMissing.into());
            }
            let kind = parts.referral(referral).map(|r| r.ask.kind).or_else(|| parts.sheet(referral).map(|s| s.kind));
            if kind.is_some_and(crate::ReferralKind::is_emergency) && alternative.is_none() {
                return Err(DecideError::AlternativeMissing.into());
            }
        }
        Act::Cancel { reason } if long_text(reason, Spot::Reason)?.is_empty() => {
            return Err(DecideError::ReasonMissing.into());
        }
        Act::Complete { outcome } if long_text(outcome, Spot::Outcome)?.is_empty() => {
            return Err(Refusal::field(Spot::Outcome, Invalid::Empty));
        }
        Act::Waitlist { note } | Act::Receive { note, .. } => {
            long_text(note, Spot::Note)?;
        }
        Act::Approve { document: Some(document) } => {
            for label in [&document.number, &document.signer] {
                text(label, limits::LABEL_CHARS).map_err(|why| Refusal::field(Spot::Note, why))?;
            }
        }
        _ => {}
    }
    if act.belongs_to(side) && saw < progress.version && !matches!(act, Act::Look | Act::Answer { .. }) {
        return Err(DecideError::LookAgain.into());
    }
    match progress.next(act, side) {
        Ok(_) => Ok(()),
        // Somebody else decided first: that stands, this stays as a visible note.
        Err(DecideError::NotNow(_) | DecideError::NotYourStep) if raced(progress, act, actor.worker) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Two people decided the same step without knowing of each other.
fn raced(progress: &crate::Progress, act: &Act, actor: WorkerId) -> bool {
    let is_decision = |act: &Act| matches!(act, Act::Approve { .. } | Act::Return { .. } | Act::Refuse { .. });
    let last = progress.acts.iter().rev().find(|a| is_decision(&a.act));
    is_decision(act) && last.is_some_and(|last| last.by != actor)
}

fn long_text(typed: &str, spot: Spot) -> Result<String, Refusal> {
    text(typed, limits::TEXT_CHARS).map_err(|why| Refusal::field(spot, why))
}
