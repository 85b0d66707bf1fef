//! What the office does with one change, as a pure function: the adapters of [`crate::Registry`] load, call this, store.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::{Reach, activity_is_seen_by, sheets},
    apply::apply,
    case::{Header, members},
    change::{Body, Change, Dropped, Entry, Fixed, Receipt},
    check::{Actor, Refusal, Rules, check, check_link_by, may_write},
    id::{CaseCode, CaseId, ChangeId, FacilityId, LogId, PhotoId, PlaceId, Subject, WorkerId},
    part::{Activity, Part, PartKey, Parts, Sheet},
    place::Places,
    referral::{Act, DecideError, ReferralStatus, chain},
    time::Timestamp,
    worker::{Grant, Role, Worker, covers, has_role},
};

/// What comes of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Apply it and store both.
    Accepted(Box<Entry>),
    /// Keep it and try again when `on` is there.
    Waiting {
        on: ChangeId,
    },
    Refused(Refusal),
    /// Keep it for somebody with the right to read it.
    Quarantined,
    /// Keep it as put away by its writer, with what it drops, unless that was accepted after all.
    Dropped(Box<Dropped>),
}

/// Where the name of a photo was said first. Nobody else says it again: who learns a name must be able to do nothing with
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub log: LogId,
    pub subject: Subject,
    pub origin: ChangeId,
    pub author: WorkerId,
}

impl Announced {
    #[must_use]
    pub fn by(change: &Change) -> Self {
        let (log, origin) = (change.log.clone(), change.origin());
        Self { log, subject: change.subject, origin, author: change.author }
    }
}

/// What accepted changes stand for, about what and by whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced(BTreeSet<(ChangeId, Subject, WorkerId)>);

impl Replaced {
    pub fn insert(&mut self, replaced: ChangeId, subject: Subject, author: WorkerId) {
        self.0.insert((replaced, subject, author));
    }
    /// Notes what `change` stands for, if it does.
    pub fn note(&mut self, change: &Change) {
        if let Some(replaced) = change.replaces {
            self.insert(replaced, change.subject, change.author);
        }
    }
    /// Whether one about `subject` stands for `id`; with `by`, one of this author.
    #[must_use]
    pub fn has(&self, id: ChangeId, subject: Subject, by: Option<WorkerId>) -> bool {
        let first = (id, subject, WorkerId(uuid::Uuid::nil()));
        let of_subject = self.0.range(first..).take_while(|(of, about, _)| (*of, *about) == (id, subject));
        of_subject.into_iter().any(|(_, _, author)| by.is_none_or(|by| by == *author))
    }
}

/// What the office's store knows and [`receive`] asks.
pub trait Known {
    /// Whether this change was accepted, or one about `subject` that replaces it; with `by`, one of this author. Whatever else
    /// somebody has written over its name says nothing about it.
    fn has(&self, change: ChangeId, subject: Subject, by: Option<WorkerId>) -> bool;
    /// Where this photo was announced, by whatever the office has kept.
    fn photo(&self, photo: PhotoId) -> Option<Announced>;
    /// Whether another case has this code.
    fn has_code(&self, code: &CaseCode) -> bool;
    /// Who sees another case; `None` when it is not there.
    fn reach(&self, case: CaseId) -> Option<Reach>;
}

/// The rights of the person who pushes: those of now, and those at this device's last contact.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    pub worker: WorkerId,
    pub now: &'a [Grant],
    pub last_contact: &'a [Grant],
}

/// When a change arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// By the office's clock.
    pub at: Timestamp,
    /// How far the office's clock was ahead of that of the phone which sent it, if the phone said so.
    pub ahead_ms: Option<i64>,
}

impl Arrival {
    /// A time of the phone by the office's clock, never after the arrival; `None` when the phone's clock is not known.
    fn by_office_clock(self, phone_time: Timestamp) -> Option<Timestamp> {
        Some(phone_time.plus_ms(self.ahead_ms?).min(self.at))
    }
    /// When a change was written, as far as it can be known; never after the arrival.
    fn when_written(self, change: &Change) -> Timestamp {
        self.by_office_clock(change.recorded_at).unwrap_or_else(|| change.recorded_at.min(self.at))
    }
}

/// The id under which changes wait for a subject that is not there yet.
#[must_use]
pub fn opening_of(subject: Subject) -> ChangeId {
    match subject {
        Subject::Case(id) => ChangeId(id.0),
        Subject::Facility(id) => ChangeId(id.0),
        Subject::Activity(id) => ChangeId(id.0),
    }
}

/// The mark of a cursor at the position that `change` takes, received `at`, in a log whose cursors before it carry the
/// mark `before`. It stands for the whole log up to there: after a restored backup the same change may take the same
/// position again, and what lies before it, or when it was received, may be another.
#[must_use]
pub fn mark(before: Option<ChangeId>, change: ChangeId, at: Timestamp) -> ChangeId {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let mix = |mark: u128, next: u128| {
        let mark = (mark ^ next).wrapping_mul(ODD);
        mark ^ (mark >> 61)
    };
    let before = before.map_or(0, |mark| mark.0.as_u128());
    ChangeId(uuid::Uuid::from_u128(mix(mix(before, change.0.as_u128()), u128::from(at.0.unsigned_abs()))))
}

/// Everything that may wait on `change`.
#[must_use]
pub fn releases(change: &Change) -> Vec<ChangeId> {
    let mut ids = vec![change.id];
    ids.extend(change.replaces);
    if change.body.opens() {
        ids.push(opening_of(change.subject));
    }
    ids
}

/// Judges one change on the parts of its subject. Same id, same author and same session are the adapter's to check first.
#[must_use]
pub fn receive(
    parts: &Parts,
    change: Change,
    rights: Rights<'_>,
    rules: &Rules,
    arrival: Arrival,
    known: &dyn Known,
) -> Received {
    let now = arrival.at;
    if let Body::Dropped(dropped) = &change.body {
        // Whatever rights somebody has, what they give up is told and kept. It changes no case.
        return match check(parts, &change, Actor { worker: rights.worker, grants: rights.now }, rules, now) {
            Ok(()) => Received::Dropped(Box::new(dropped.clone())),
            Err(why) => Received::Refused(why),
        };
    }
    // Not the change itself, which the adapter has looked for, but the one its writer put in its place: a copy of what was
    // corrected, delivered late, must not undo the correction.
    if known.has(change.id, change.subject, Some(change.author)) {
        return Received::Refused(Refusal::Twice);
    }
    // A correction stands for what never came to be. What did is there, by whatever way it came: nothing takes its place, and
    // its writer is told, for neither would anybody see what they have written now.
    if change.replaces.is_some_and(|replaced| known.has(replaced, change.subject, None)) {
        return Received::Refused(Refusal::OtherBody);
    }
    if let Body::PhotoAdded(photo) = &change.body
        && known.photo(photo.photo).is_some_and(|first| first != Announced::by(&change))
    {
        return Received::Refused(Refusal::OtherBody);
    }
    // What a correction builds on may be the very change that it stands for, which never came to be.
    let is_replaced = |id: &ChangeId| change.replaces == Some(*id);
    let missing =
        change.body.builds_on().into_iter().find(|id| !is_replaced(id) && !known.has(*id, change.subject, None));
    let unborn = (parts.is_empty() && !change.body.opens()).then(|| opening_of(change.subject));
    if let Some(on) = missing.or(unborn) {
        // What is wrong by itself is told now, while its writer can still be answered.
        let alone = matches!(
            change.body,
            Body::VisitRecorded(_) | Body::TaskWritten(_) | Body::FactsEdited { .. } | Body::Told(_)
        );
        let actor = Actor { worker: rights.worker, grants: rights.now };
        return match check(&Parts::default(), &change, actor, rules, now) {
            Err(why) if alone => Received::Refused(why),
            _ => Received::Waiting { on },
        };
    }
    if !is_in_its_log(parts, &change, &rules.places) {
        return Received::Refused(Refusal::Broken);
    }
    let of_now = Actor { worker: rights.worker, grants: rights.now };
    let of_then = Actor { worker: rights.worker, grants: rights.last_contact };
    let (actor, late) = if may_write(parts, &change, of_now, rules) {
        (of_now, false)
    } else if counts_by_old_rights(&change, rights) && may_write(parts, &change, of_then, rules) {
        (of_then, true)
    } else {
        // A decision is not a note that could be lost: it stays with whoever made it, who is told.
        let decides = matches!(change.body, Body::ReferralActed { .. });
        return if decides { Received::Refused(DecideError::NotYourStep.into()) } else { Received::Quarantined };
    };
    if let Err(refusal) = check(parts, &change, actor, rules, now) {
        return Received::Refused(refusal);
    }
    if is_passed_over(parts, &change) {
        return Received::Refused(Refusal::OtherBody);
    }
    // Of a case that one does not see nothing is said; one that is still on its way is its writer's.
    if let Body::CaseLinked { other, front: Some(_), .. } = &change.body
        && let Some(reach) = known.reach(*other)
        && (check_link_by(Some(reach.author), actor).is_err() || !rules.sees(actor.worker, actor.grants, &reach))
    {
        return Received::Refused(Refusal::NotAllowed);
    }
    let mut entry = Entry { change, receipt: Some(Receipt { received_at: now, late, fixed: Fixed::default() }) };
    let fixed = fix(parts, &entry, rules, arrival, known);
    if let Some(receipt) = &mut entry.receipt {
        receipt.fixed = fixed;
    }
    Received::Accepted(Box::new(entry))
}

/// Whether what somebody wrote by rights that they have no longer may stand by those of their device's last contact. A note
/// may be all there is about a person. A look calls off the help that was on its way: that is for who has the duty now. And
/// whoever has no rights at all decides nothing any more.
fn counts_by_old_rights(change: &Change, rights: Rights<'_>) -> bool {
    match &change.body {
        Body::Looked | Body::Seen { .. } | Body::ReferralActed { act: Act::Look, .. } => false,
        Body::ReferralActed { .. } => !rights.now.is_empty(),
        _ => true,
    }
}

/// Whether applying it would change nothing, because somebody has put something else under its name: then it is not
/// acknowledged.
fn is_passed_over(parts: &Parts, change: &Change) -> bool {
    let name = change.origin();
    match &change.body {
        Body::ReferralAsked(_) => parts.referral(name).is_some(),
        Body::Told(_) => parts.header().is_some_and(|header| header.told.iter().any(|(told, _)| *told == name)),
        _ => false,
    }
}

/// A subject lives for ever in the log where it was born.
fn is_in_its_log(parts: &Parts, change: &Change, places: &Places) -> bool {
    let born = match (&change.body, change.subject) {
        (Body::CaseOpened { facts, .. }, Subject::Case(_)) => {
            let place = facts.iter().find_map(|f| if let crate::Fact::HandledIn(p) = f { Some(p) } else { None });
            return place.is_none_or(|place| may_be_born(place, change, places));
        }
        (Body::FacilityOpened(_), Subject::Facility(_)) => {
            let LogId::Place(place) = &change.log else { return false };
            return places.find(place).is_some_and(|p| p.parent.is_none());
        }
        (Body::ActivityRecorded(_), _) if !parts.is_empty() => parts.activity().map(|a| a.log.clone()),
        (Body::ActivityRecorded(activity), Subject::Activity(_)) => {
            let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = activity;
            return may_be_born(place, change, places);
        }
        (body, _) if body.opens() => return false,
        (_, Subject::Case(_)) => {
            let sheet = || parts.sheets().next().map(|s| s.log.clone());
            parts.header().map(|h| h.log.clone()).or_else(sheet)
        }
        (_, Subject::Facility(_)) => parts.facility().map(|f| f.log.clone()),
        _ => None,
    };
    born.is_none_or(|log| log == change.log)
}

/// An unknown place is for `check` to name.
fn may_be_born(place: &PlaceId, change: &Change, places: &Places) -> bool {
    places.log_of(place).is_none() || places.may_be_born_in(place, &change.log)
}

/// What the rules of today decide once and for ever about an accepted change.
fn fix(parts: &Parts, entry: &Entry, rules: &Rules, arrival: Arrival, known: &dyn Known) -> Fixed {
    let now = arrival.at;
    let mut fixed = Fixed::default();
    let change = &entry.change;
    match &change.body {
        Body::CaseOpened { code, .. } if known.has_code(code) => {
            fixed.code = other_code(change.id, known);
        }
        Body::Told(told) => fixed.told_at = arrival.by_office_clock(told.at),
        Body::Seen { until } => fixed.seen = Some(arrival.at.min(*until)),
        // What they had before them then, nobody knows: nothing, at least, that came after they looked.
        Body::Looked => fixed.seen = Some(arrival.when_written(change)),
        Body::ReferralActed { seen, .. } => {
            fixed.seen = Some(seen.map_or_else(|| arrival.when_written(change), |seen| seen.min(arrival.at)));
        }
        Body::ReferralAsked(ask) => {
            fixed.chain = Some(chain(ask.kind, now.day()));
            fixed.asked_at = arrival.by_office_clock(change.recorded_at);
        }
        _ => {}
    }
    let mut after = parts.clone();
    let mut provisional = entry.clone();
    provisional.receipt = entry.receipt.clone().map(|r| Receipt { fixed: fixed.clone(), ..r });
    apply(&mut after, &provisional);
    let referral = match &change.body {
        Body::ReferralAsked(_) => after.referral(change.origin()),
        Body::ReferralActed { referral, .. } => after.referral(*referral),
        _ => None,
    };
    if let Some(referral) = referral {
        let told = after.header().map(|h| h.told.as_slice()).unwrap_or_default();
        let start = referral.hours_start(referral.received_at.unwrap_or(now), told);
        fixed.dues = Some(referral.progress.clocks(start, now));
    }
    if let Some(reach) = Reach::of(&after).filter(|r| r.restricted) {
        let before = Reach::of(parts);
        let moved =
            before.is_none_or(|b| !b.restricted || !b.places().eq(reach.places()) || b.excluded != reach.excluded);
        let mut officers = if moved { rules.officers_for(&reach) } else { vec![] };
        // A restricted case that must pass the department names its officers too, or nobody there could read it.
        if referral.is_some_and(|r| r.progress.status == ReferralStatus::Approved) {
            officers.extend(rules.department_for(&reach));
        }
        officers.retain(|o| !reach.named.contains(o));
        officers.sort();
        officers.dedup();
        fixed.officers = officers;
    }
    fixed
}

/// Whether `worker` may read and settle what was set aside: a supervisor who sees the case, or who would see it once it is
/// opened; of what is about no case, or cannot be read, a supervisor of the place of its log. Nobody settles their own.
///
/// `about`: the change with the parts of its subject as they stand, if both can be read.
#[must_use]
pub fn may_settle(
    worker: WorkerId,
    author: WorkerId,
    log: &LogId,
    about: Option<(&Change, &Parts)>,
    rules: &Rules,
) -> bool {
    let none = Vec::new();
    let grants = rules.staff.get(&worker).unwrap_or(&none);
    if worker == author || !has_role(grants, Role::Supervisor) {
        return false;
    }
    let opened = about.map(|(change, _)| replay([&Entry::waiting(change.clone())])).unwrap_or_default();
    let reach = about.and_then(|(_, parts)| {
        // What somebody without the right wrote never changes who may read the case.
        Reach::of(parts).or_else(|| {
            let mut reach = Reach::of(&opened)?;
            if reach.restricted {
                reach.named.extend(rules.officers_for(&reach));
            }
            Some(reach)
        })
    });
    let headers = || about.into_iter().map(|(_, parts)| parts).chain([&opened]).filter_map(Parts::header);
    match (reach, log) {
        (Some(reach), _) => {
            let is_theirs = reach.places().any(|place| covers(grants, Role::Supervisor, place, &rules.places));
            let is_officer = || reach.restricted && rules.officers_for(&reach).contains(&worker);
            (is_theirs || reach.named.contains(&worker) || is_officer()) && rules.sees(worker, grants, &reach)
        }
        // A restricted case that nobody is said to handle.
        (None, LogId::Place(place)) if headers().any(Header::is_restricted) => {
            let excluded = headers().flat_map(|header| members(&header.excluded_workers, true)).copied().collect();
            rules.officers_of(place, &excluded).contains(&worker)
        }
        (None, LogId::Place(place)) => covers(grants, Role::Supervisor, place, &rules.places),
        (None, _) => false,
    }
}

/// Whether what was set aside may be put into its case by somebody else than its writer. A decision and a look are the act
/// of whoever did them; who names themselves on a case is not named by somebody's tap, and nobody is freed from an
/// exclusion, or excluded, by their own.
#[must_use]
pub fn may_take(change: &Change, by: WorkerId) -> bool {
    match &change.body {
        Body::ReferralActed { .. } | Body::Looked | Body::Seen { .. } | Body::Dropped(_) | Body::DutyAlerted { .. } => {
            false
        }
        Body::AssigneeEdited(edit) => edit.element != change.author && edit.element != by,
        Body::ExcludedEdited(edit) => edit.element != change.author && edit.element != by,
        Body::HandedOver { to, .. } => *to != change.author && *to != by,
        _ => true,
    }
}

/// A free code, found from the change's own random bits so that a repeated run finds the same.
fn other_code(change: ChangeId, known: &dyn Known) -> Option<CaseCode> {
    let seed = change.0.as_u128();
    (0..1_000_u128).find_map(|round| {
        let mixed = (seed ^ (round << 64)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let bytes = mixed.to_be_bytes();
        let code = CaseCode::from_random([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]);
        (!known.has_code(&code)).then_some(code)
    })
}

/// What a change of rights writes into workers' own logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    pub worker: WorkerId,
    /// True: load the case by state. False: remove it.
    pub shown: bool,
}

/// Who sees the case now and did not, or did and no longer does. Somebody who never had it is never told of it.
#[must_use]
pub fn sights(before: Option<&Reach>, after: Option<&Reach>, log: &LogId, rules: &Rules) -> Vec<Sight> {
    if before == after {
        return vec![];
    }
    let (saw, sees) = (before.map(|reach| rules.who_sees(reach)), after.map(|reach| rules.who_sees(reach)));
    let mut sights = Vec::new();
    for (worker, grants) in &rules.staff {
        let saw = saw.as_ref().is_some_and(|saw| saw(*worker, grants));
        let sees = sees.as_ref().is_some_and(|sees| sees(*worker, grants));
        match (saw, sees) {
            (true, false) => sights.push(Sight { worker: *worker, shown: false }),
            (false, true) => {
                // A case just born reaches those who follow its log by the log itself.
                let follows = before.is_none() && follows(*worker, grants, log, &rules.places);
                if !follows {
                    sights.push(Sight { worker: *worker, shown: true });
                }
            }
            // Whoever works at a facility and may never see the case, or may again: their sheets of it go and come.
            _ if is_excluded(before, *worker) != is_excluded(after, *worker)
                && grants.iter().any(|grant| grant.facility.is_some()) =>
            {
                sights.push(Sight { worker: *worker, shown: sees });
            }
            _ => {}
        }
    }
    sights
}

/// [`sights`] of any subject: an activity that is recorded in a log which somebody of its place does not follow, as after
/// areas were merged, is shown to them by their own.
#[must_use]
pub fn sights_of(before: &Parts, after: &Parts, log: &LogId, rules: &Rules) -> Vec<Sight> {
    let (None, Some(born)) = (before.activity(), after.activity()) else {
        return sights(Reach::of(before).as_ref(), Reach::of(after).as_ref(), log, rules);
    };
    let (Activity::AnonymousContact { place } | Activity::GroupSession { place, .. }) = &born.activity;
    let unheard = rules.staff.iter().filter(|(worker, grants)| {
        activity_is_seen_by(born.written.by, place, **worker, grants, &rules.places)
            && !follows(**worker, grants, log, &rules.places)
    });
    unheard.map(|(worker, _)| Sight { worker: *worker, shown: true }).collect()
}

fn is_excluded(reach: Option<&Reach>, worker: WorkerId) -> bool {
    reach.is_some_and(|reach| reach.excluded.contains(&worker))
}

/// Those who see a case that names another, and see that other one now and did not, or did and no longer do: what they
/// have of the first must be shown to them anew, see [`crate::access::veil`].
#[must_use]
pub fn unveiled(before: Option<&Reach>, after: Option<&Reach>, naming: &Reach, rules: &Rules) -> Vec<Sight> {
    if before == after {
        return vec![];
    }
    let moved = rules.staff.iter().filter(|(worker, grants)| {
        let sees = |reach: &Reach| rules.sees(**worker, grants, reach);
        before.is_some_and(sees) != after.is_some_and(sees) && sees(naming)
    });
    moved.map(|(worker, _)| Sight { worker: *worker, shown: true }).collect()
}

/// Whether a worker with these grants pulls this log as a matter of course.
#[must_use]
pub fn follows(worker: WorkerId, grants: &[Grant], log: &LogId, places: &Places) -> bool {
    Worker::logs_of(worker, grants, places).contains(log)
}

/// Sheets that changed: to be put into, or taken out of, their facility's log.
#[must_use]
pub fn changed_sheets(before: &Parts, after: &Parts) -> Vec<(FacilityId, ChangeId, Option<Sheet>)> {
    let old: BTreeMap<_, _> = sheets(before).into_iter().map(|(f, r, s)| ((f, r), s)).collect();
    sheets(after)
        .into_iter()
        .filter(|(facility, referral, sheet)| old.get(&(*facility, *referral)).unwrap_or(&None) != sheet)
        .collect()
}

/// Re-applies a subject's history: what `server check` compares with what is stored.
#[must_use]
pub fn replay<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Parts {
    let mut parts = Parts::default();
    for entry in entries {
        apply(&mut parts, entry);
    }
    parts
}

/// The parts of a case that its readers get; sheets go to facilities only.
pub fn readable(parts: &Parts) -> impl Iterator<Item = (&PartKey, &Part)> {
    parts.0.iter().filter(|(key, _)| !matches!(key, PartKey::Sheet(_)))
}
