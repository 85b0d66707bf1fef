//! Who is on duty where: what `server duty set` and `server duty list` write and read. It knows how both are typed.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use domain::duty::line;
use domain::map::Map;
use domain::{LogId, PlaceId, PlaceKind, Reach, Timestamp, WorkerId};

use crate::audit;
use crate::config::{DutyList, DutySet};
use crate::database::{self, Connection, now_ms};
use crate::login;
use crate::seal::Seal;
use crate::staff::{Roster, touch};

/// More than this many people are not on duty in one place.
const MOST: usize = 20;

/// Replaces the list of a place; an empty one gives it back to its supervisors. Written into the audit.
///
/// # Errors
/// The database.
pub async fn put(
    connection: &mut Connection,
    seal: &Seal,
    place: &PlaceId,
    list: &[WorkerId],
    now: Timestamp,
) -> Result<()> {
    touch(connection).await?;
    sqlx::query("delete from duty where place_id = $1").bind(place.as_str()).execute(&mut *connection).await?;
    for (position, worker) in (0_i64..).zip(list) {
        sqlx::query("insert into duty (place_id, position, worker_id) values ($1, $2, $3)")
            .bind(place.as_str())
            .bind(position)
            .bind(worker.to_string())
            .execute(&mut *connection)
            .await?;
    }
    let about: Vec<String> = list.iter().map(ToString::to_string).collect();
    let line = audit::Line {
        at: now,
        worker: String::new(),
        device: String::new(),
        what: audit::DUTY,
        about: format!("{place}: {}", about.join(" ")),
    };
    audit::append(connection, seal, &LogId::Place(place.clone()), &line).await
}

/// The lists of all places, for the roster.
pub(crate) async fn load(connection: &mut Connection) -> Result<domain::duty::Lists> {
    let mut lists = Map::new();
    let rows =
        sqlx::query_as::<_, (String, String)>("select place_id, worker_id from duty order by place_id, position")
            .fetch_all(connection)
            .await?;
    for (place, worker) in rows {
        lists.get_or_insert_with(place.parse()?, Vec::new).push(worker.parse()?);
    }
    Ok(lists)
}

/// `server duty set PLACE USER…`
///
/// # Errors
/// No such place or person, somebody who is no supervisor there, too many; then nothing was written.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn set(set: DutySet) -> Result<()> {
    let staff = set.store.open(false).await?;
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    drop(connection);
    let place = level(&set.place, &roster)?;
    ensure!(set.users.len() <= MOST, "a list holds {MOST} people at most");
    let mut list = Vec::new();
    for user in &set.users {
        let worker = login::find(&staff, user).await?.with_context(|| format!("nobody signs in as {user}"))?;
        ensure!(
            domain::worker::has_role(roster.grants(worker), domain::Role::Supervisor),
            "{user} is no supervisor: only who has the duty to look can be told of an emergency"
        );
        ensure!(!list.contains(&worker), "{user} stands twice in the list");
        list.push(worker);
    }
    let mut tries = database::Tries::default();
    loop {
        let done = async {
            let mut transaction = database::begin(&staff.pool).await?;
            put(&mut transaction, &staff.seal, &place, &list, Timestamp(now_ms())).await?;
            anyhow::Ok(transaction.commit().await?)
        };
        match done.await {
            Err(error) if tries.again(&error).await => {}
            done => break done?,
        }
    }
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    print!("{}", describe(&place, &roster));
    Ok(())
}

/// `server duty list [PLACE]`
///
/// # Errors
/// No such place.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn list(list: DutyList) -> Result<()> {
    let staff = list.store.open(false).await?;
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    match &list.place {
        Some(place) => print!("{}", describe(&level(place, &roster)?, &roster)),
        None => {
            for place in roster.rules.places.iter().filter(|p| p.kind != PlaceKind::Village) {
                print!("{}", describe(&place.id, &roster));
            }
        }
    }
    Ok(())
}

/// A commune, ward, special zone or province.
fn level(text: &str, roster: &Roster) -> Result<PlaceId> {
    let place = text.parse::<PlaceId>().ok().and_then(|id| roster.rules.places.find(&id));
    let place = place.with_context(|| format!("no place has the code {text}"))?;
    ensure!(place.kind != PlaceKind::Village, "{text} is a village: duty is of communes and of the department");
    Ok(place.id.clone())
}

/// Who is told of a plain emergency there, in their order.
fn describe(place: &PlaceId, roster: &Roster) -> String {
    let name = roster.rules.places.find(place).map(|p| p.name.as_str()).unwrap_or_default();
    let is_set = roster.duty.get(place).is_some_and(|list| !list.is_empty());
    let reach = Reach {
        handled_in: place.clone(),
        restricted: false,
        author: domain::duty::OFFICE,
        named: [].into(),
        excluded: [].into(),
        teams: [].into(),
        desks: [].into(),
        or_handled_in: [].into(),
    };
    let mut text = format!("{place} {name} ({})\n", if is_set { "set" } else { "its supervisors: none is set" });
    for (n, worker) in line(&reach, domain::duty::OFFICE, &roster.duty, &roster.rules).iter().enumerate() {
        let known = roster.people.get(worker);
        let name = known.map(|w| w.name.to_string()).unwrap_or_default();
        let phone = if known.is_some_and(|w| w.phone.is_some()) { "" } else { ", no phone number" };
        writeln!(text, "  {}. {name}{phone}", n + 1).expect("writing to a string cannot fail");
    }
    text
}
