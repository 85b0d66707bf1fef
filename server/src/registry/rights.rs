//! Changing what somebody may do: written together with what their phones must now show or forget.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::office::follows;
use domain::{ChangeId, Grant, LogId, Place, PlaceId, PlaceKind, Reach, Subject, Timestamp, Worker, WorkerId};

use super::ledger::Shown;
use super::pull::ActivityReach;
use super::write::Writing;
use crate::audit;
use crate::database::{self, Connection, Tries};
use crate::login;
use crate::staff::{self, Roster, Staff};

/// What is done about somebody's rights.
#[derive(Clone, Copy, Debug)]
pub enum Deed<'a> {
    /// A person with their roles and areas, new or changed.
    Employ(&'a Worker),
    /// Roles given to and taken from somebody who works here.
    Regrant { worker: WorkerId, give: &'a [Grant], take: &'a [Grant] },
    /// All of somebody's rights end. Their office sessions end and they cannot sign in. A session of the field app still
    /// names its person, and lets their phone do two things: be told what to forget, and hand over what it has not sent,
    /// which is set aside. Without it their phone would keep all it has.
    Revoke(WorkerId),
    /// The officer and deputies for restricted cases of a place. They see those that exist already, too; whoever is officer no
    /// longer keeps those on which they are named, and no others.
    Officers { place: &'a PlaceId, officers: &'a [WorkerId] },
    /// Places, new or changed. Cases handled in a place that has ended are seen by who works in its successor; the log they
    /// live in stays.
    Places(&'a [Place]),
    /// Somebody comes back, with the roles they had or with these.
    Restore { worker: WorkerId, grants: Option<&'a [Grant]> },
}

/// What people's phones are told because of a deed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Subjects that somebody sees now and did not, person by person.
    pub shown: usize,
    /// Subjects that somebody no longer sees.
    pub forgotten: usize,
}

/// Writes a person with their roles and areas, new or changed. Each case they now see, or no longer see, is told to
/// their phones.
///
/// # Errors
/// The database; then nothing was written.
pub async fn employ(staff: &Staff, worker: &Worker, now: Timestamp) -> Result<()> {
    change_rights(staff, Deed::Employ(worker), now).await.map(drop)
}

/// Does a deed. It stands for every server of the database as soon as this returns: what was judged before was judged by the
/// old rights, everything after by the new ones, and no push is judged by both.
///
/// # Errors
/// The deed makes no sense (nobody has this id, the rights are revoked already), or the database; then nothing was written.
pub async fn change_rights(staff: &Staff, deed: Deed<'_>, now: Timestamp) -> Result<Told> {
    let mut tries = Tries::default();
    loop {
        match change_once(staff, deed, now).await {
            Err(error) if tries.again(&error).await => {}
            done => return done,
        }
    }
}

async fn change_once(staff: &Staff, deed: Deed<'_>, now: Timestamp) -> Result<Told> {
    let asked = staff.ask_for_roster().await?;
    let done = change_asked(staff, deed, now, &asked).await;
    if done.is_err() {
        // What was to take it back ended with the transaction: nobody need wait for this one.
        let mut connection = staff.pool.acquire().await?;
        Staff::has_roster(&mut connection, &asked).await?;
    }
    done
}

async fn change_asked(staff: &Staff, deed: Deed<'_>, now: Timestamp, asked: &str) -> Result<Told> {
    let mut transaction = database::begin(&staff.pool).await?;
    // From here on no push is judged by the old rights.
    staff::touch(&mut transaction).await?;
    Staff::has_roster(&mut transaction, asked).await?;
    let before = Roster::load(&mut transaction, &staff.seal).await?;
    let notes = deed.write(&mut transaction, staff, &before, now).await?;
    let place_of = |place: &PlaceId| LogId::Place(place.clone());
    let after = Arc::new(Roster::load(&mut transaction, &staff.seal).await?);
    let mut writing = Writing::new(&mut transaction, &staff.seal, Arc::clone(&after));
    let told = tell(&mut writing, &before, &after, now).await?;
    for worker in changed(&before, &after) {
        note(&mut writing, audit::RIGHTS, worker, now);
    }
    match (deed, notes) {
        (Deed::Officers { place, .. }, _) => write_down(&mut writing, place_of(place), audit::OFFICERS, place, now),
        (Deed::Places(places), _) => {
            let root = places.iter().find(|p| p.parent.is_none()).or(places.first());
            if let Some(root) = root {
                write_down(&mut writing, place_of(&root.id), audit::IMPORTED, &places.len(), now);
            }
        }
        (_, Some((what, worker))) => note(&mut writing, what, worker, now),
        (_, None) => {}
    }
    writing.finish().await?;
    transaction.commit().await?;
    Ok(told)
}

fn note(writing: &mut Writing<'_>, what: &'static str, worker: WorkerId, now: Timestamp) {
    write_down(writing, LogId::Worker(worker), what, &worker, now);
}

fn write_down(writing: &mut Writing<'_>, log: LogId, what: &'static str, about: &impl ToString, now: Timestamp) {
    let (nobody, none) = (String::new(), String::new());
    writing.audit(&log, audit::Line { at: now, worker: nobody, device: none, what, about: about.to_string() });
}

impl Deed<'_> {
    /// What the audit says of it besides the change of roles.
    async fn write(
        self,
        connection: &mut Connection,
        staff: &Staff,
        before: &Roster,
        now: Timestamp,
    ) -> Result<Option<(&'static str, WorkerId)>> {
        let find = |id| before.people.get(&id).context("nobody here has this id");
        if let Self::Employ(Worker { id: worker, .. }) | Self::Regrant { worker, .. } = &self
            && login::is_revoked(connection, *worker).await?
        {
            bail!("all rights of this person are revoked: restore them first");
        }
        let (worker, grants, what) = match self {
            Self::Employ(worker) => (worker, worker.grants.clone(), None),
            Self::Regrant { worker, give, take } => {
                let worker = find(worker)?;
                let mut grants = worker.grants.clone();
                grants.retain(|grant| !take.contains(grant));
                let missing = give.iter().filter(|grant| !worker.grants.contains(grant));
                grants.extend(missing.cloned());
                (worker, grants, None)
            }
            Self::Revoke(id) => {
                let worker = find(id)?;
                if !login::revoke(connection, worker, now.0).await? {
                    bail!("the rights of this person are revoked already");
                }
                // Of what comes from now on nothing counts by rights of before, however long ago a phone was told.
                sqlx::query("update device set grants = '[]' where worker_id = $1")
                    .bind(id.to_string())
                    .execute(&mut *connection)
                    .await?;
                (worker, vec![], Some(audit::REVOKED))
            }
            Self::Restore { worker, grants } => {
                let worker = find(worker)?;
                let Some(had) = login::restore(connection, worker.id).await? else {
                    bail!("the rights of this person are not revoked");
                };
                (worker, grants.map_or(had, <[Grant]>::to_vec), Some(audit::RESTORED))
            }
            Self::Officers { place, officers } => {
                if before.rules.places.find(place).is_none_or(|place| place.kind == PlaceKind::Village) {
                    bail!("{place} is no commune or province: import places first");
                }
                for officer in officers {
                    if !domain::worker::is_field_worker(before.grants(*officer)) {
                        bail!("an officer for restricted cases works in the field or supervises: {officer} does not");
                    }
                }
                staff::put_officers(connection, place, officers).await?;
                return Ok(None);
            }
            Self::Places(places) => {
                for place in places {
                    staff::put_place(connection, place).await?;
                }
                return Ok(None);
            }
        };
        let worker = Worker { grants, ..worker.clone() };
        staff::put_worker(connection, &staff.seal, &worker, now.0).await?;
        Ok(what.map(|what| (what, worker.id)))
    }
}

/// People whose roles or areas are others than before.
fn changed(before: &Roster, after: &Roster) -> Vec<WorkerId> {
    let people: BTreeSet<WorkerId> = before.people.keys().chain(after.people.keys()).copied().collect();
    people.into_iter().filter(|worker| before.grants(*worker) != after.grants(*worker)).collect()
}

/// What is different for whom.
struct Turn<'r> {
    before: &'r Roster,
    after: &'r Roster,
    /// People whose roles changed, each with the cases of which a facility that they came to, or left, has a sheet.
    changed: BTreeMap<WorkerId, BTreeSet<String>>,
    /// Places that lie in other areas than before.
    moved: BTreeSet<PlaceId>,
    /// Logs that people who were here before followed, and follow no longer.
    left: BTreeMap<WorkerId, BTreeSet<LogId>>,
}

impl<'r> Turn<'r> {
    async fn read(connection: &mut Connection, before: &'r Roster, after: &'r Roster) -> Result<Self> {
        let mut turn = Self { before, after, changed: BTreeMap::new(), moved: BTreeSet::new(), left: BTreeMap::new() };
        let mut sheets: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for id in changed(before, after) {
            let facilities = |grants: &[Grant]| -> BTreeSet<_> { grants.iter().filter_map(|g| g.facility).collect() };
            let (old, new) = (facilities(before.grants(id)), facilities(after.grants(id)));
            let mut of_person = BTreeSet::new();
            for facility in old.symmetric_difference(&new) {
                if !sheets.contains_key(facility) {
                    let rows = sqlx::query_scalar::<_, String>("select distinct subject from part where log = $1")
                        .bind(LogId::Facility(*facility).to_string())
                        .fetch_all(&mut *connection)
                        .await?;
                    sheets.insert(*facility, rows.into_iter().collect());
                }
                of_person.extend(sheets[facility].iter().cloned());
            }
            turn.changed.insert(id, of_person);
        }
        let (old, new) = (&before.rules.places, &after.rules.places);
        let lies_elsewhere = |place: &&PlaceId| old.areas_over(place) != new.areas_over(place);
        let all: BTreeSet<&PlaceId> = old.iter().chain(new.iter()).map(|place| &place.id).collect();
        turn.moved = all.into_iter().filter(lies_elsewhere).cloned().collect();
        for person in before.people.values() {
            let now: BTreeSet<LogId> = Worker::logs_of(person.id, after.grants(person.id), new).into_iter().collect();
            let mut left: BTreeSet<LogId> = person.logs(old).into_iter().collect();
            left.retain(|log| !now.contains(log));
            if !left.is_empty() {
                turn.left.insert(person.id, left);
            }
        }
        Ok(turn)
    }

    /// Everybody whose sight of a subject may be another than before.
    fn concerned(&self, log: &LogId, extent: &Extent) -> BTreeSet<WorkerId> {
        let mut people: BTreeSet<WorkerId> = self.changed.keys().copied().collect();
        if let Extent::Case(reach) = extent
            && reach.restricted
        {
            people.extend(self.before.rules.officers_for(reach));
            people.extend(self.after.rules.officers_for(reach));
        }
        if !self.moved.is_empty() && extent.places().any(|place| self.moved.contains(place)) {
            people.extend(self.before.people.keys().chain(self.after.people.keys()));
        }
        people.extend(self.left.iter().filter(|(_, left)| left.contains(log)).map(|(worker, _)| *worker));
        people
    }
}

async fn tell(writing: &mut Writing<'_>, before: &Roster, after: &Roster, now: Timestamp) -> Result<Told> {
    let turn = Turn::read(writing.connection, before, after).await?;
    let mut told = Told::default();
    let rows = sqlx::query_as::<_, (String, String, String)>(
        "select log, subject, reach from subject where reach is not null order by log, subject",
    )
    .fetch_all(&mut *writing.connection)
    .await?;
    // Their phones have never asked for anything: followed logs bring what is there.
    let mark = ChangeId::at(now.0.unsigned_abs(), random()?);
    // What names a case that somebody sees since, or no longer, is shown to them anew.
    let mut unveiled: BTreeSet<(WorkerId, Subject)> = BTreeSet::new();
    for (log, name, reach) in &rows {
        let (log, subject): (LogId, Subject) = (log.parse()?, name.parse()?);
        let (Subject::Case(case), Some(extent)) = (subject, Extent::read(subject, reach)?) else { continue };
        let mut moved = turn.concerned(&log, &extent);
        moved.retain(|id| {
            extent.is_seen_by(*id, before.grants(*id), before) != extent.is_seen_by(*id, after.grants(*id), after)
        });
        if !moved.is_empty() {
            let naming = writing.naming(case).await?;
            unveiled.extend(naming.iter().flat_map(|(naming, ..)| moved.iter().map(|id| (*id, *naming))));
        }
    }
    for (log, name, reach) in rows {
        let (log, subject): (LogId, Subject) = (log.parse()?, name.parse()?);
        let Some(extent) = Extent::read(subject, &reach)? else { continue };
        let mut concerned = turn.concerned(&log, &extent);
        concerned.extend(unveiled.iter().filter(|(_, naming)| *naming == subject).map(|(id, _)| *id));
        for id in concerned {
            let is_unveiled = || unveiled.contains(&(id, subject));
            let is_new = !before.people.contains_key(&id);
            let saw = extent.is_seen_by(id, before.grants(id), before);
            let sees = extent.is_seen_by(id, after.grants(id), after);
            let comes_by_itself = is_new && follows(id, after.grants(id), &log, &after.rules.places);
            let has_sheets = || !is_new && turn.changed.get(&id).is_some_and(|sheets| sheets.contains(&name));
            // A new phone of theirs would not ask for that log.
            let from_afar = || turn.left.get(&id).is_some_and(|left| left.contains(&log));
            let shown = match (saw, sees) {
                (false, true) if comes_by_itself => None,
                (false, true) => Some(Shown::Now),
                (true, false) => Some(Shown::NoLonger),
                (true, true) if has_sheets() || from_afar() || is_unveiled() => Some(Shown::Still),
                (false, false) if has_sheets() => Some(Shown::NoLonger),
                _ => None,
            };
            if let Some(shown) = shown {
                writing.show(id, shown, subject, &log, mark);
            }
            if saw != sees {
                *(if sees { &mut told.shown } else { &mut told.forgotten }) += 1;
            }
        }
    }
    Ok(told)
}

/// What decides who sees a subject.
enum Extent {
    Case(Reach),
    Activity(ActivityReach),
}

impl Extent {
    /// `None` for what everybody sees.
    fn read(subject: Subject, reach: &str) -> Result<Option<Self>> {
        Ok(match subject {
            Subject::Case(_) => Some(Self::Case(serde_json::from_str(reach)?)),
            Subject::Activity(_) => Some(Self::Activity(serde_json::from_str(reach)?)),
            Subject::Facility(_) => None,
        })
    }

    /// What of the tree of places it depends on.
    fn places(&self) -> impl Iterator<Item = &PlaceId> {
        let (at, others) = match self {
            Self::Case(reach) => (&reach.handled_in, Some([&reach.or_handled_in, &reach.desks, &reach.teams])),
            Self::Activity(reach) => (&reach.place, None),
        };
        std::iter::once(at).chain(others.into_iter().flatten().flat_map(domain::map::Set::iter))
    }

    fn is_seen_by(&self, worker: WorkerId, grants: &[Grant], roster: &Roster) -> bool {
        match self {
            Self::Case(reach) => roster.rules.sees(worker, grants, reach),
            Self::Activity(reach) => reach.is_seen_by(worker, grants, &roster.rules.places),
        }
    }
}

fn random() -> Result<[u8; 10]> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
