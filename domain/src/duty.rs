//! Duty: which emergency nobody has seen yet, who is told of it next, and when. It knows no clock and no way to reach
//! anybody.

use uuid::Uuid;

use crate::{
    access::Reach,
    case::{CaseStatus, Looked, Urgency},
    check::Rules,
    id::{ChangeId, DeviceId, PlaceId, WorkerId},
    limits,
    map::Map,
    part::Parts,
    place::{Place, PlaceKind},
    referral::{Act, Referral},
    time::Timestamp,
    worker::{Grant, Role, covers, has_role},
};

/// Whoever wrote a change that the office itself made: nobody signs in with it.
pub const OFFICE: WorkerId = WorkerId(Uuid::nil());
/// The device of [`OFFICE`].
pub const OFFICE_DEVICE: DeviceId = DeviceId(Uuid::nil());

/// An emergency that the office has received and nobody with the duty to look has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// The change that told of it, or asked for help.
    pub change: ChangeId,
    /// When the office received it.
    pub since: Timestamp,
    /// Who wrote it.
    pub by: WorkerId,
}

/// The first emergency of a case that nobody has seen: its urgency, or a request that protects somebody at once. A case
/// that is over raises none, and what a supervisor who sees the case wrote is seen by its writer.
#[must_use]
pub fn unseen(parts: &Parts, rules: &Rules) -> Option<Unseen> {
    let header = parts.header()?;
    if header.status().step().is_none() || header.status() == CaseStatus::Closed {
        return None;
    }
    let reach = Reach::of(parts)?;
    let is_desk = |worker: WorkerId| {
        let grants = rules.staff.get(&worker).map_or(&[][..], Vec::as_slice);
        has_role(grants, Role::Supervisor) && rules.sees(worker, grants, &reach)
    };
    let author = |change: ChangeId| {
        let written = parts.trail().and_then(|t| t.entries.iter().find(|e| e.written.id == change));
        written.map_or(header.author, |e| e.written.by)
    };
    let looked = header.looked.as_ref().map(Looked::until);
    // Whoever does something with a request has that one before their eyes, and of the case what had come until then.
    let acted = |referral: &Referral| {
        let acts = referral.progress.acts.iter().filter(|a| !is_of_the_writer(&a.act));
        acts.filter_map(|a| a.received_at).max()
    };
    let acts = parts.referrals().flat_map(|r| &r.progress.acts).filter(|a| is_of_a_desk(&a.act));
    let desk_saw = acts.filter_map(|a| a.received_at.map(|at| a.seen.unwrap_or(at))).max();

    let told = header.facts.urgency.candidates().iter().filter(|c| c.value == Urgency::Emergency).filter_map(|c| {
        let unseen = Unseen { change: c.change, since: c.received_at?, by: author(c.change) };
        Some((unseen, looked.max(desk_saw)))
    });
    let asked = parts.referrals().filter(|r| r.ask.kind.is_emergency() && !r.progress.status.is_final());
    let asked = asked.filter_map(|r| {
        let unseen = Unseen { change: r.id, since: r.received_at?, by: r.author };
        Some((unseen, looked.max(desk_saw).max(acted(r))))
    });
    told.chain(asked)
        .filter(|(unseen, seen)| seen.is_none_or(|seen| seen < unseen.since) && !is_desk(unseen.by))
        .map(|(unseen, _)| unseen)
        .min_by_key(|unseen| (unseen.since, unseen.change))
}

/// When the office received the newest emergency of a case, seen or not; `None` when there is none.
#[must_use]
pub fn newest(parts: &Parts) -> Option<Timestamp> {
    let urgency = parts.header().map(|header| header.facts.urgency.candidates()).unwrap_or_default();
    let told = urgency.iter().filter(|c| c.value == Urgency::Emergency).filter_map(|c| c.received_at);
    let asked = parts.referrals().filter(|r| r.ask.kind.is_emergency()).filter_map(|r| r.received_at);
    told.chain(asked).max()
}

fn is_of_the_writer(act: &Act) -> bool {
    matches!(act, Act::Answer { .. } | Act::Cancel { .. })
}

/// Whoever decides at a desk has the case before their eyes; a receiver has a sheet of it.
fn is_of_a_desk(act: &Act) -> bool {
    matches!(act, Act::Look | Act::Return { .. } | Act::Approve { .. } | Act::Forward)
}

/// People on duty by place, each list in the order in which they are told.
pub type Lists = Map<PlaceId, Vec<WorkerId>>;

/// Who is told of an emergency of a case, one after the other: the list of its commune as it stands or, when none is set,
/// the commune's supervisors; for a restricted case the officers and whoever of a desk is named; then the same of each place
/// above, up to the department. While people disagree about where it is handled, every place named is told. Only who may see
/// the case is ever told, and never who wrote it.
#[must_use]
pub fn line(reach: &Reach, by: WorkerId, lists: &Lists, rules: &Rules) -> Vec<WorkerId> {
    let places = &rules.places;
    let seats = |place: &PlaceId| -> Vec<&Place> {
        let desk = places.desk_of(place).map_or(place, |desk| &desk.id);
        places.ancestors(desk).filter(|p| p.kind != PlaceKind::Village).collect()
    };
    let seats: Vec<Vec<&Place>> = reach.places().map(seats).collect();
    let most = seats.iter().map(Vec::len).max().unwrap_or(0);
    let mut line = Vec::new();
    for n in 0..most {
        for level in seats.iter().filter_map(|seats| seats.get(n)) {
            match lists.get(&level.id).filter(|list| !list.is_empty()) {
                Some(list) => line.extend(list.iter().copied()),
                None => line.extend(supervisors(level, reach, rules)),
            }
        }
        if n == 0 && reach.restricted {
            line.extend(rules.officers_for(reach));
            let named =
                reach.named.iter().filter(|w| rules.staff.get(w).is_some_and(|g| has_role(g, Role::Supervisor)));
            line.extend(named.copied());
        }
    }
    let mut told = Vec::new();
    for worker in line {
        let grants = rules.staff.get(&worker).map_or(&[][..], Vec::as_slice);
        if worker != by && !told.contains(&worker) && rules.sees(worker, grants, reach) {
            told.push(worker);
        }
    }
    told
}

/// Supervisors whose own level this is: of the commune whoever sits there, in the village, or in what went into it; of a
/// province only those of the department.
fn supervisors(level: &Place, reach: &Reach, rules: &Rules) -> Vec<WorkerId> {
    let places = &rules.places;
    let level_of = |area: &PlaceId| {
        let seat = places.ancestors(area).find(|p| p.kind != PlaceKind::Village)?;
        places.standing(&seat.id)
    };
    let sits = |grant: &Grant| {
        let covers = |here| covers(std::slice::from_ref(grant), Role::Supervisor, here, places);
        grant.role == Role::Supervisor
            && grant.area.as_ref().is_some_and(|area| level_of(area).is_some_and(|p| p.id == level.id))
            && reach.places().any(covers)
    };
    let seated = rules.staff.iter().filter(|(_, grants)| grants.iter().any(sits));
    seated.map(|(worker, _)| *worker).collect()
}

/// What came of telling somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// On its way.
    Trying,
    /// At least one way took it.
    Reached,
    /// No way took it, or there was none.
    Failed,
}

/// Somebody was told of an emergency, or it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub worker: WorkerId,
    pub at: Timestamp,
    pub outcome: Outcome,
}

/// What is to be done about an unseen emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Tell(WorkerId),
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nobody may be told, everybody was told as often as makes sense, or it is too long ago.
    Nobody,
}

/// Who is told next of an emergency that nobody has seen, and when. `line`: [`line`] as it is now; `steps`: what was done
/// about it so far, in order; `wait_ms`: how long somebody has to look.
///
/// The first is told when nobody has looked within `wait_ms` of its receipt, then each next one after `wait_ms` more;
/// whoever cannot be reached is passed over at once, and nobody is told twice within that time. After the last comes the first again,
/// [`limits::DUTY_ROUNDS`] times; rounds in which nobody was reached do not count and come ever more seldom.
#[must_use]
pub fn next(line: &[WorkerId], steps: &[Step], since: Timestamp, wait_ms: i64, now: Timestamp) -> Next {
    if now.0.saturating_sub(since.0) > limits::DUTY_DAYS * 24 * 3_600_000 {
        return Next::Nobody;
    }
    let of = |worker: WorkerId| steps.iter().filter(move |s| s.worker == worker);
    let tried = |worker: &WorkerId| of(*worker).count();
    let is_open =
        |worker: &&WorkerId| of(**worker).filter(|s| s.outcome == Outcome::Reached).count() < limits::DUTY_ROUNDS;
    // `min_by_key` gives the first of equals: the order of the list.
    let Some(worker) = line.iter().filter(is_open).min_by_key(|w| tried(w)) else { return Next::Nobody };
    let at = match steps.last() {
        None => since.plus_ms(wait_ms),
        Some(last) if last.outcome != Outcome::Failed => last.at.plus_ms(wait_ms),
        Some(last) => match (tried(worker), of(*worker).rfind(|s| s.outcome == Outcome::Reached)) {
            (0, _) => last.at,
            // They can be reached: nobody waits for the others' broken phones.
            (_, Some(reached)) => last.at.max(reached.at.plus_ms(wait_ms)),
            (rounds, None) => {
                let doubled = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(16);
                let waits = wait_ms.saturating_mul(1_i64 << doubled);
                last.at.plus_ms(waits.min(limits::DUTY_LONGEST_WAIT_MS).max(wait_ms))
            }
        },
    };
    if at <= now { Next::Tell(*worker) } else { Next::Wait(at) }
}

/// Whether `text` may be the address of a push service at all: `https`, printable, within the limit. `http` only where
/// the office allows it for its tests.
#[must_use]
pub fn is_endpoint(text: &str, http_too: bool) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://").filter(|_| http_too));
    let host_and_path = rest.and_then(|rest| rest.split_once('/'));
    text.len() <= limits::ENDPOINT_BYTES
        && text.bytes().all(|b| b.is_ascii_graphic())
        && host_and_path.is_some_and(|(host, path)| !host.is_empty() && !host.contains('@') && !path.is_empty())
}
