//! What a change does to the parts of its subject: total, deterministic, reading only its arguments.

use crate::{
    case::{Facts, Header, Looked, Told, Transfer},
    change::{Body, Entry},
    field::Field,
    id::Subject,
    limits,
    map::Set,
    part::{
        ActivityPart, Facility, Part, PartKey, Parts, TaskDone, TaskPart, Trail, TrailEntry, TrailWhat, VisitPart,
        Written,
    },
    photo::PhotoPart,
    referral::{Act, ActRecord, Progress, Referral},
};

/// Applies one entry and names the parts it touched. A change about something that is not there, or that was applied
/// before, does no harm; `check` is where a change is refused.
pub fn apply(parts: &mut Parts, entry: &Entry) -> Set<PartKey> {
    let mut touched = Set::new();
    let change = &entry.change;
    let received_at = entry.received_at();
    let id = change.origin();
    let written = || Written { id, by: change.author, recorded_at: change.recorded_at, received_at };
    let what = match &change.body {
        Body::CaseOpened { code, facts } => {
            let Subject::Case(case) = change.subject else { return touched };
            if parts.header().is_some() {
                return touched;
            }
            let mut all = Facts::default();
            for fact in facts {
                all.edit(id, received_at, &[], fact);
            }
            let mut header = Header {
                case,
                log: change.log.clone(),
                code: code.clone(),
                opened: id,
                author: change.author,
                recorded_at: change.recorded_at,
                received_at,
                facts: all,
                groups: Default::default(),
                assignees: Default::default(),
                excluded_workers: Default::default(),
                told: vec![],
                looked: None,
                links: Default::default(),
                transfers: vec![],
            };
            if let Some(code) = entry.receipt.as_ref().and_then(|r| r.fixed.code.as_ref()) {
                header.code = code.clone();
            }
            parts.0.insert(PartKey::Header, Part::Header(Box::new(header)));
            touched.insert(PartKey::Header);
            Some(TrailWhat::Opened)
        }
        Body::FactsEdited { edits } => {
            let Some(header) = parts.header_mut() else { return touched };
            for edit in edits {
                if edit.cleared {
                    header.facts.clear(edit.fact.name(), &edit.saw);
                } else {
                    header.facts.edit(id, received_at, &edit.saw, &edit.fact);
                }
            }
            touched.insert(PartKey::Header);
            Some(TrailWhat::Edited(edits.iter().map(|e| e.fact.name()).collect()))
        }
        Body::GroupEdited(edit) => {
            let Some(header) = parts.header_mut() else { return touched };
            let field = header.groups.get_or_insert_with(edit.element.clone(), Field::default);
            field.edit(id, received_at, &edit.saw, &edit.now);
            touched.insert(PartKey::Header);
            Some(TrailWhat::Grouped)
        }
        Body::AssigneeEdited(edit) => {
            let Some(header) = parts.header_mut() else { return touched };
            let field = header.assignees.get_or_insert_with(edit.element, Field::default);
            field.edit(id, received_at, &edit.saw, &edit.now);
            touched.insert(PartKey::Header);
            Some(TrailWhat::Named(edit.element))
        }
        Body::ExcludedEdited(edit) => {
            let Some(header) = parts.header_mut() else { return touched };
            let field = header.excluded_workers.get_or_insert_with(edit.element, Field::default);
            field.edit(id, received_at, &edit.saw, &edit.now);
            touched.insert(PartKey::Header);
            Some(TrailWhat::Excluded(edit.element))
        }
        Body::VisitRecorded(visit) => {
            let part = VisitPart { written: written(), visit: visit.clone() };
            put(parts, &mut touched, PartKey::Visit(id), Part::Visit(Box::new(part)));
            Some(TrailWhat::Visited)
        }
        Body::TaskWritten(task) => {
            let (done, given) = match parts.0.get(&PartKey::Task(id)) {
                Some(Part::Task(known)) => (known.done.clone(), known.given.clone()),
                _ => Default::default(),
            };
            let part = TaskPart { written: written(), task: task.clone(), done, given };
            put(parts, &mut touched, PartKey::Task(id), Part::Task(Box::new(part)));
            Some(TrailWhat::Tasked)
        }
        Body::TaskDone { task, note } => {
            let key = PartKey::Task(*task);
            let Some(Part::Task(part)) = parts.0.get_mut(&key) else { return touched };
            // Several may say so, each with a note; the same change again brings its receipt.
            part.done.retain(|d| d.written.id != id);
            part.done.push(TaskDone { written: written(), note: note.clone() });
            crate::order::sort_by_key(&mut part.done, |d| {
                (d.written.received_at.map_or(i64::MAX, |t| t.0), d.written.id)
            });
            touched.insert(key);
            Some(TrailWhat::TaskDone)
        }
        Body::ReferralAsked(ask) => {
            let key = PartKey::Referral(id);
            if parts.0.contains_key(&key) {
                return touched;
            }
            let fixed = entry.receipt.as_ref().map(|r| &r.fixed);
            let mut progress = Progress::new(fixed.and_then(|f| f.chain.clone()));
            progress.dues = fixed.and_then(|f| f.dues.clone()).unwrap_or_default();
            let referral = Referral {
                id,
                ask: ask.clone(),
                author: change.author,
                recorded_at: change.recorded_at,
                asked_at: entry.receipt.as_ref().and_then(|r| r.fixed.asked_at),
                received_at,
                progress,
            };
            put(parts, &mut touched, key, Part::Referral(Box::new(referral)));
            Some(TrailWhat::Asked(ask.kind))
        }
        Body::ReferralActed { referral, side, act, .. } => {
            let record = || ActRecord {
                change: change.id,
                by: change.author,
                recorded_at: change.recorded_at,
                received_at,
                act: act.clone(),
                moved_to: None,
                seen: entry.receipt.as_ref().and_then(|r| r.fixed.seen),
            };
            let dues = || entry.receipt.as_ref().and_then(|r| r.fixed.dues.clone());
            let mut kind = None;
            for key in [PartKey::Referral(*referral), PartKey::Sheet(*referral)] {
                let progress = match parts.0.get_mut(&key) {
                    Some(Part::Referral(r)) => (&mut r.progress, r.ask.kind),
                    Some(Part::Sheet(s)) => (&mut s.progress, s.kind),
                    _ => continue,
                };
                progress.0.record(record(), *side, dues());
                kind = Some(progress.1);
                touched.insert(key);
            }
            let Some(kind) = kind else { return touched };
            Some(TrailWhat::Acted(kind, act_name(act).to_owned()))
        }
        Body::Told(told) => {
            let Some(header) = parts.header_mut() else { return touched };
            let office_at = entry.receipt.as_ref().and_then(|r| r.fixed.told_at);
            let told = Told { office_at, ..told.clone() };
            if header.told.iter().all(|(known, _)| *known != id) {
                header.told.push((id, told.clone()));
                crate::order::sort_by_key(&mut header.told, |(id, told)| (told.at, *id));
                touched.insert(PartKey::Header);
            }
            for (key, part) in parts.0.iter_mut() {
                if let Part::Referral(referral) = part
                    && referral.received_at.is_some()
                    && referral.counts_report(&told)
                {
                    let before = referral.progress.dues.clone();
                    referral.progress.told(told.counts_from());
                    if referral.progress.dues != before {
                        touched.insert(*key);
                    }
                }
            }
            Some(TrailWhat::Told(told.whom.clone()))
        }
        Body::Looked | Body::Seen { .. } => {
            let Some(header) = parts.header_mut() else { return touched };
            let seen = entry.receipt.as_ref().and_then(|r| r.fixed.seen);
            // Seen is what the office knows to be seen; a phone's own look shows nothing to itself.
            if let Some(at) = received_at
                && header.looked.as_ref().is_none_or(|l| l.at < at)
            {
                // A look that was long on its way hides nothing that another has seen since.
                let before = header.looked.as_ref().map(Looked::until);
                let seen = seen.map(|seen| before.map_or(seen, |before| before.max(seen)));
                header.looked = Some(Looked { by: change.author, at, seen });
                touched.insert(PartKey::Header);
            }
            None
        }
        // Of what never came to be, nothing is to be taken back.
        Body::Dropped(_) => None,
        // Nothing but a step of history: what anybody wrote about the person stays as it is.
        Body::DutyAlerted { whom, reached } => {
            if parts.header().is_none() {
                return touched;
            }
            Some(TrailWhat::Alerted { whom: *whom, reached: *reached })
        }
        Body::FacilityOpened(facts) => {
            let Subject::Facility(facility) = change.subject else { return touched };
            if parts.facility().is_some() {
                return touched;
            }
            let facility =
                Facility { id: facility, log: change.log.clone(), facts: facts.clone(), free: Field::default() };
            put(parts, &mut touched, PartKey::Facility, Part::Facility(Box::new(facility)));
            None
        }
        Body::PlacesCounted { saw, free } => {
            let Some(Part::Facility(facility)) = parts.0.get_mut(&PartKey::Facility) else { return touched };
            facility.free.edit(id, received_at, saw, free);
            touched.insert(PartKey::Facility);
            Some(TrailWhat::Counted)
        }
        Body::ActivityRecorded(activity) => {
            let part = ActivityPart { written: written(), log: change.log.clone(), activity: activity.clone() };
            put(parts, &mut touched, PartKey::Activity, Part::Activity(part));
            None
        }
        Body::PhotoAdded(photo) => {
            let part = PhotoPart { written: written(), photo: (**photo).clone() };
            put(parts, &mut touched, PartKey::Photo(id), Part::Photo(Box::new(part)));
            Some(TrailWhat::PhotoAdded)
        }
        Body::PhotoRemoved { photo } => {
            let key = PartKey::Photo(*photo);
            // Two may take it away without knowing of each other.
            if parts.0.remove(&key).is_none() {
                return touched;
            }
            touched.insert(key);
            Some(TrailWhat::PhotoRemoved)
        }
        Body::CaseLinked { saw, other, front } => {
            let Some(header) = parts.header_mut() else { return touched };
            let known = header.links.contains_key(other) || header.links.len() < limits::LINKS;
            if *other == header.case || !known {
                return touched;
            }
            // Only the two of them can be in front; anything else says that they belong together and no more.
            let front = front.map(|front| if front == *other { front } else { header.case });
            header.links.get_or_insert_with(*other, Field::default).edit(id, received_at, saw, &front);
            touched.insert(PartKey::Header);
            Some(TrailWhat::Linked { other: *other, front })
        }
        Body::CaseTransferred { saw, to, reason } => {
            let Some(header) = parts.header_mut() else { return touched };
            let from = header.transfers.iter().find(|t| t.id == id).map(|t| t.from.clone());
            let from = from.unwrap_or_else(|| header.handled_in().cloned());
            header.facts.handled_in.edit(id, received_at, saw, to);
            header.transfers.retain(|t| t.id != id);
            header.transfers.push(Transfer {
                id,
                by: change.author,
                from,
                to: to.clone(),
                reason: reason.clone(),
                recorded_at: change.recorded_at,
                received_at,
            });
            crate::order::sort_by_key(&mut header.transfers, |t| (t.received_at.map_or(i64::MAX, |at| at.0), t.id));
            let extra = header.transfers.len().saturating_sub(limits::TRANSFERS);
            header.transfers.drain(..extra);
            touched.insert(PartKey::Header);
            Some(TrailWhat::Transferred(to.clone()))
        }
        Body::HandedOver { saw, from, to, leaves, tasks, .. } => {
            let Some(header) = parts.header_mut() else { return touched };
            header.assignees.get_or_insert_with(*to, Field::default).edit(id, received_at, saw, &true);
            if *leaves && from != to && header.assignees.contains_key(from) {
                header.assignees.get_or_insert_with(*from, Field::default).edit(id, received_at, saw, &false);
            }
            touched.insert(PartKey::Header);
            for task in tasks {
                if let Some(Part::Task(part)) = parts.0.get_mut(&PartKey::Task(*task)) {
                    part.given.edit(id, received_at, saw, to);
                    touched.insert(PartKey::Task(*task));
                }
            }
            Some(TrailWhat::HandedOver(*to))
        }
    };
    if let Some(receipt) = &entry.receipt
        && !receipt.fixed.officers.is_empty()
        && let Some(header) = parts.header_mut()
    {
        for officer in &receipt.fixed.officers {
            // Named anew by law, whatever was written before.
            let field = header.assignees.get_or_insert_with(*officer, Field::default);
            let saw = field.seen();
            field.edit(id, received_at, &saw, &true);
        }
        touched.insert(PartKey::Header);
    }
    if let Some(what) = what {
        let late = entry.receipt.as_ref().is_some_and(|r| r.late);
        let trail = parts.0.get_or_insert_with(PartKey::Trail, || Part::Trail(Trail::default()));
        if let Part::Trail(trail) = trail {
            trail.entries.retain(|e| e.written.id != id);
            trail.entries.push(TrailEntry { written: written(), device: change.device, late, what });
            let extra = trail.entries.len().saturating_sub(limits::TRAIL_ENTRIES);
            trail.entries.drain(..extra);
            touched.insert(PartKey::Trail);
        }
    }
    touched
}

fn put(parts: &mut Parts, touched: &mut Set<PartKey>, key: PartKey, part: Part) {
    parts.0.insert(key, part);
    touched.insert(key);
}

/// The wire name of an act, for history.
#[must_use]
pub fn act_name(act: &Act) -> &'static str {
    match act {
        Act::Look => "look",
        Act::Approve { .. } => "approve",
        Act::Return { .. } => "return",
        Act::Answer { .. } => "answer",
        Act::Refuse { .. } => "refuse",
        Act::Forward => "forward",
        Act::Accept => "accept",
        Act::Waitlist { .. } => "waitlist",
        Act::Receive { .. } => "receive",
        Act::Leave { .. } => "leave",
        Act::ComeBack => "come_back",
        Act::Complete { .. } => "complete",
        Act::Cancel { .. } => "cancel",
    }
}
