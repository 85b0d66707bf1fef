//! Looks after quiet whether the invariants hold.

use std::collections::{BTreeMap, BTreeSet};

use domain::*;

use super::{Invariant, phone::Phone, world::World};

type Judged = Result<(), (Invariant, String)>;

fn broken(invariant: Invariant, what: String) -> Judged {
    Err((invariant, what))
}

pub fn judge(world: &World) -> Judged {
    let mut written = BTreeMap::new();
    for phone in &world.phones {
        let saved = phone.saved.borrow();
        written.extend(saved.iter().map(|change| (change.id, change.clone())));
    }
    for (subject, parts) in world.office.registry.subjects() {
        once(world, subject, &written)?;
        conflicts(world, subject, &parts, &written)?;
        follows(world, subject, &parts)?;
        for referral in parts.referrals() {
            moves(world, referral)?;
        }
    }
    for phone in &world.phones {
        nothing_is_lost(world, phone)?;
    }
    if !world.office.registry.is_gap_free() {
        return broken(Invariant::OrderOfCommit, "a log has a gap".to_owned());
    }
    world.phones.iter().try_for_each(|phone| same_parts(world, phone))
}

fn nothing_is_lost(world: &World, phone: &Phone) -> Judged {
    let outbox = phone.outbox();
    for change in phone.saved.borrow().iter() {
        let id = change.id;
        let copies = world.office.registry.copies(id);
        let accepted = world.office.registry.accepted(id);
        if copies > 1 {
            return broken(Invariant::Once, format!("{id} is in {copies} places"));
        }
        let item = outbox.iter().find(|item| item.change.id == id);
        let is_held = matches!(item.map(|i| &i.state), Some(OutboxState::Held { .. }));
        world.count(|c| {
            c.accepted += usize::from(accepted);
            c.held += usize::from(is_held);
            c.set_aside += usize::from(!accepted && copies > 0);
        });
        match item.map(|item| &item.state) {
            Some(OutboxState::Queued) => {
                return broken(Invariant::ComesToRest, format!("{id} still waits after a calm run"));
            }
            Some(_) if accepted => {
                return broken(Invariant::ComesToRest, format!("{id} was accepted and no page ended its overlay"));
            }
            Some(OutboxState::Received { .. }) | None if copies == 0 && !phone.corrected.borrow().contains(&id) => {
                return broken(Invariant::NothingLost, format!("{id} is neither at the office nor held on its phone"));
            }
            None if !accepted && !phone.corrected.borrow().contains(&id) => {
                return broken(Invariant::NothingLost, format!("{id} was not accepted and left its phone"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Looked at before anything that is told by ids: a change under another id would be missed there.
fn once(world: &World, subject: Subject, written: &BTreeMap<ChangeId, Change>) -> Judged {
    let mut corrected = BTreeSet::new();
    for entry in world.office.registry.entries(subject) {
        let change = &entry.change;
        if !written.contains_key(&change.id) && !matches!(change.body, Body::FacilityOpened(_)) {
            return broken(Invariant::Once, format!("doubled: nobody wrote {} on {subject}", change.id));
        }
        if corrected.contains(&change.id) {
            return broken(Invariant::StaysCorrected, format!("{} came back after its correction", change.id));
        }
        corrected.extend(change.replaces);
    }
    Ok(())
}

fn follows(world: &World, subject: Subject, parts: &Parts) -> Judged {
    if office::replay(&world.office.registry.entries(subject)) != *parts {
        return broken(Invariant::FollowsFromChanges, format!("{subject} does not follow from its changes"));
    }
    Ok(())
}

/// By what the writers saw, and not by what the office made of it.
fn conflicts(world: &World, subject: Subject, parts: &Parts, written: &BTreeMap<ChangeId, Change>) -> Judged {
    let Some(header) = parts.header() else { return Ok(()) };
    let mut standing: BTreeSet<(FactName, ChangeId)> = BTreeSet::new();
    let mut seen: BTreeSet<(FactName, ChangeId)> = BTreeSet::new();
    for entry in world.office.registry.entries(subject) {
        match written.get(&entry.change.id).map(|change| (change.origin(), &change.body)) {
            Some((id, Body::CaseOpened { facts, .. })) => standing.extend(facts.iter().map(|f| (f.name(), id))),
            Some((id, Body::FactsEdited { edits })) => {
                for edit in edits {
                    standing.insert((edit.fact.name(), id));
                    seen.extend(edit.saw.iter().map(|saw| (edit.fact.name(), *saw)));
                }
            }
            Some((id, Body::CaseTransferred { saw, .. })) => {
                standing.insert((FactName::HandledIn, id));
                seen.extend(saw.iter().map(|saw| (FactName::HandledIn, *saw)));
            }
            _ => {}
        }
    }
    world.count(|c| {
        c.links += header.links.len();
        c.transfers += header.transfers.len();
    });
    for (name, id) in standing.difference(&seen) {
        if !header.facts.seen(*name).contains(id) {
            return broken(Invariant::ConflictKept, format!("{subject}: {name:?} of {id} is gone and nobody chose"));
        }
    }
    let disputed = header.facts.conflicts().len();
    world.count(|c| c.conflicts += disputed);
    let sees = |worker: &&Worker| world.office.registry.may_see(worker.id, subject);
    if disputed > 0 && !world.village.workers.iter().any(|worker| sees(&worker)) {
        return broken(Invariant::ConflictSeen, format!("nobody sees the conflict in {subject}"));
    }
    Ok(())
}

/// The moves of a referral as the product describes them.
fn moves(world: &World, referral: &Referral) -> Judged {
    use ReferralStatus as S;
    let emergency = referral.ask.kind.is_emergency();
    let mut now = match (&referral.progress.acts[..], referral.progress.status) {
        ([], status) => status,
        _ if matches!(referral.ask.kind, ReferralKind::AdmissionVoluntary | ReferralKind::OutreachVisit) => {
            S::Forwarded
        }
        _ => S::Submitted,
    };
    let mut once = BTreeSet::new();
    for act in &referral.progress.acts {
        if !once.insert(act.change) {
            return broken(Invariant::Once, format!("{} acted twice on {}", act.change, referral.id));
        }
        let Some(to) = act.moved_to else { continue };
        world.count(|c| c.moves += 1);
        let lawful = match (now, to) {
            (S::Submitted, S::Approved | S::Forwarded | S::Returned | S::Refused | S::Cancelled) => true,
            (S::Submitted, S::Accepted) => emergency,
            (S::Approved, S::Forwarded | S::Returned | S::Refused | S::Cancelled) => true,
            (S::Returned, S::Submitted | S::Approved | S::Cancelled) => true,
            (S::Returned, S::Refused) => emergency,
            (S::Submitted | S::Approved | S::Returned, S::InService) => emergency,
            (S::Forwarded, S::Accepted | S::Waitlisted | S::InService | S::Refused | S::Cancelled) => true,
            (S::Waitlisted, S::Accepted | S::InService | S::Refused | S::Cancelled) => true,
            (S::Accepted, S::Waitlisted | S::InService | S::Refused | S::Cancelled) => true,
            (S::InService, S::TemporaryLeave | S::Completed) => true,
            (S::TemporaryLeave, S::InService | S::Completed) => true,
            _ => false,
        };
        let own = matches!(act.act, Act::Approve { .. }) && act.by == referral.author;
        if !lawful || own {
            return broken(Invariant::LawfulMoves, format!("{} went from {now:?} to {to:?}", referral.id));
        }
        now = to;
    }
    if now != referral.progress.status {
        return broken(Invariant::LawfulMoves, format!("{} stands at {:?}", referral.id, referral.progress.status));
    }
    Ok(())
}

fn same_parts(world: &World, phone: &Phone) -> Judged {
    let worker = phone.pen.worker;
    let mut may = world.office.registry.visible_to(worker);
    for (subject, stored) in phone.stored() {
        match may.remove(&subject) {
            None => return broken(Invariant::SameParts, format!("{worker} holds {subject} and may not see it")),
            Some(parts) if parts != stored => {
                return broken(Invariant::SameParts, format!("{worker} shows another {subject} than the office"));
            }
            Some(_) => {}
        }
    }
    match may.keys().next() {
        Some(subject) => broken(Invariant::SameParts, format!("{worker} never got {subject}")),
        None => Ok(()),
    }
}
