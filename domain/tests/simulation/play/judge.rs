//! Looks after quiet whether the invariants hold.

use std::collections::{BTreeMap, BTreeSet};

use domain::*;

use super::{
    Invariant,
    phone::{Phone, Standing},
    post,
    world::World,
};

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
    promises(world)?;
    for phone in &world.phones {
        match phone.standing.get() {
            Standing::Here => nothing_is_lost(world, phone)?,
            Standing::Away => all_is_in_letters(world, phone)?,
            // What nobody was told or given is at the bottom of the river.
            Standing::Drowned | Standing::Spare => {}
        }
        letters_arrived(world, phone)?;
    }
    if !world.office.registry.is_gap_free() {
        return broken(Invariant::OrderOfCommit, "a log has a gap".to_owned());
    }
    seen_in_successor(world)?;
    world.phones.iter().filter(|phone| phone.is_here()).try_for_each(|phone| same_parts(world, phone))
}

/// What the office has once acknowledged it has once, wherever the phone is now that was told. A restored office has lost
/// something by right: whoever is told again offers it again.
fn promises(world: &World) -> Judged {
    for id in world.promised.borrow().iter() {
        match world.office.registry.copies(*id) {
            0 if !world.restored.get() => {
                return broken(Invariant::NothingLost, format!("{id} was acknowledged and is not at the office"));
            }
            0 | 1 => {}
            copies => return broken(Invariant::Once, format!("{id} is in {copies} places")),
        }
    }
    Ok(())
}

/// On a phone that nobody is logged in on: what waits has arrived by its letter, or there was nobody to seal it to.
fn all_is_in_letters(world: &World, phone: &Phone) -> Judged {
    let (outbox, own) = (phone.outbox(), phone.disk.own.borrow());
    for change in phone.saved.borrow().iter() {
        let id = change.id;
        let copies = world.office.registry.copies(id);
        let item = outbox.iter().find(|item| item.change.id == id);
        let waits = item.is_some_and(|item| !matches!(item.state, OutboxState::Received { .. }));
        let let_go = phone.corrected.borrow().contains(&id) || phone.given_up.borrow().contains(&id);
        if copies == 0 && !waits && !let_go && !world.restored.get() {
            return broken(Invariant::NothingLost, format!("{id} is neither at the office nor on its phone"));
        }
        let is_queued = item.is_some_and(|item| item.state == OutboxState::Queued);
        // A restored office may not know the device any more.
        if copies == 0 && is_queued && own.contains_key(&id) && !world.restored.get() {
            return broken(Invariant::ComesToRest, format!("the letter of {id} never arrived"));
        }
    }
    Ok(())
}

/// No lawful letter that somebody carries for another is left behind.
fn letters_arrived(world: &World, phone: &Phone) -> Judged {
    if !phone.is_alive() {
        return Ok(());
    }
    for (id, lying) in phone.disk.carried.borrow().iter() {
        let writer = world.phones.iter().find(|phone| phone.pen.device == lying.letter.device);
        let wrote = |writer: &Phone| {
            let known = world.office.registry.has_met(writer.pen.worker, writer.pen.device);
            known && writer.saved.borrow().iter().any(|change| change.id == *id)
        };
        // A device may spoil what it has sealed itself, and sign that.
        let is_sealed = post::is_signed(&lying.letter) && post::open(&lying.letter).is_some();
        let is_lawful = is_sealed && writer.is_some_and(wrote);
        if is_lawful && world.office.registry.copies(*id) == 0 && !world.restored.get() {
            return broken(Invariant::NothingLost, format!("{id} was in a letter and did not arrive"));
        }
    }
    Ok(())
}

/// By the list of what lies where that is kept here by hand.
fn seen_in_successor(world: &World) -> Judged {
    let registry = &world.office.registry;
    for (subject, parts) in registry.subjects() {
        let Some(header) = parts.header().filter(|header| !header.is_restricted()) else { continue };
        let areas: BTreeSet<PlaceId> = header.handled_places().flat_map(|place| world.areas.over(place)).collect();
        let excluded: Vec<&WorkerId> = members(&header.excluded_workers, true).collect();
        for worker in world.village.workers.iter().filter(|worker| !excluded.contains(&&worker.id)) {
            let in_the_field =
                |grant: &Grant| matches!(grant.role, Role::Collaborator | Role::Outreach | Role::Supervisor);
            let works_there = |grant: &Grant| grant.area.as_ref().is_some_and(|area| areas.contains(area));
            let grants = registry.grants(worker.id);
            if grants.iter().any(|grant| in_the_field(grant) && works_there(grant))
                && !registry.may_see(worker.id, subject)
            {
                return broken(Invariant::SeenInSuccessor, format!("{} does not see {subject}", worker.id));
            }
        }
    }
    Ok(())
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
        if phone.given_up.borrow().contains(&id) {
            // Explicit, and with a trace at the office; only what is too large to be sent again is on the phone alone.
            if copies == 0 {
                return broken(Invariant::NothingLost, format!("{id} was given up and nobody can read it"));
            }
            continue;
        }
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
        match written.get(&change.id) {
            None if !matches!(change.body, Body::FacilityOpened(_)) => {
                return broken(Invariant::Once, format!("doubled: nobody wrote {} on {subject}", change.id));
            }
            Some(saved) if saved != change => {
                return broken(Invariant::AsWritten, format!("{} is not what its writer saved", change.id));
            }
            _ => {}
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
            None if phone.raced.get() => {}
            None => return broken(Invariant::SameParts, format!("{worker} holds {subject} and may not see it")),
            Some(parts) if parts != stored => {
                let keys = parts.0.keys().chain(stored.0.keys());
                let other: BTreeSet<String> =
                    keys.filter(|key| parts.0.get(key) != stored.0.get(key)).map(ToString::to_string).collect();
                return broken(Invariant::SameParts, format!("{worker} shows another {subject}: {other:?}"));
            }
            Some(_) => {}
        }
    }
    match may.keys().next() {
        Some(subject) => broken(Invariant::SameParts, format!("{worker} never got {subject}")),
        None => Ok(()),
    }
}
