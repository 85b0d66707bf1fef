//! `server user`: lets somebody sign in, says who may, changes what somebody may do. It knows how all of it is typed.

use std::collections::BTreeMap;
use std::io::BufRead as _;

use anyhow::{Context, Result, bail};
use domain::{Address, Grant, PersonName, Phone, Role, Timestamp, Worker, WorkerId};

use crate::config::{AddUser, User};
use crate::database::now_ms;
use crate::login;
use crate::registry::{Deed, Told, change_rights, employ};
use crate::staff::{Roster, Staff, parse_role, role_name};

pub async fn run(verb: User) -> Result<()> {
    match verb {
        User::Add(add) => self::add(add).await,
        User::List { store } => list(&store.open(false).await?).await,
        User::Grant(to) => {
            let (staff, grants) = open(&to.store, &to.roles).await?;
            let deed = Deed::Regrant { worker: find(&staff, &to.user_name).await?, give: &grants, take: &[] };
            say(&to.user_name, change_rights(&staff, deed, Timestamp(now_ms())).await?);
            Ok(())
        }
        User::Ungrant(from) => {
            let (staff, grants) = open(&from.store, &from.roles).await?;
            let worker = find(&staff, &from.user_name).await?;
            let holds = staff.find(worker).await?.map(|worker| worker.grants).unwrap_or_default();
            if let Some(n) = grants.iter().position(|grant| !holds.contains(grant)) {
                bail!("{} does not have {}", from.user_name, from.roles[n]);
            }
            let deed = Deed::Regrant { worker, give: &[], take: &grants };
            say(&from.user_name, change_rights(&staff, deed, Timestamp(now_ms())).await?);
            Ok(())
        }
        User::Revoke { store, user_name } => {
            let staff = store.open(false).await?;
            let deed = Deed::Revoke(find(&staff, &user_name).await?);
            say(&user_name, change_rights(&staff, deed, Timestamp(now_ms())).await?);
            Ok(())
        }
        User::Officers { store, place, user_names } => {
            let staff = store.open(false).await?;
            let mut officers = Vec::with_capacity(user_names.len());
            for name in &user_names {
                officers.push(find(&staff, name).await?);
            }
            let deed = Deed::Officers { place: &place, officers: &officers };
            say(place.as_str(), change_rights(&staff, deed, Timestamp(now_ms())).await?);
            Ok(())
        }
        User::Restore { store, user_name, roles } => {
            let (staff, grants) = open(&store, &roles).await?;
            let grants = Some(&grants[..]).filter(|grants| !grants.is_empty());
            let deed = Deed::Restore { worker: find(&staff, &user_name).await?, grants };
            say(&user_name, change_rights(&staff, deed, Timestamp(now_ms())).await?);
            Ok(())
        }
    }
}

async fn open(store: &crate::config::Store, roles: &[String]) -> Result<(Staff, Vec<Grant>)> {
    let staff = store.open(false).await?;
    let roster = staff.roster(&mut *staff.pool.acquire().await?).await?;
    let grants = roles.iter().map(|role| parse_grant(role, &roster)).collect::<Result<Vec<_>>>()?;
    Ok((staff, grants))
}

/// By user name, or by id.
async fn find(staff: &Staff, name: &str) -> Result<WorkerId> {
    if let Some(id) = login::find(staff, name).await? {
        return Ok(id);
    }
    match name.parse::<WorkerId>() {
        Ok(id) if staff.find(id).await?.is_some() => Ok(id),
        _ => bail!("nobody signs in as {name}"),
    }
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
fn say(name: &str, told: Told) {
    println!("Done for {name}: phones will show {} more and {} fewer.", told.shown, told.forgotten);
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
async fn list(staff: &Staff) -> Result<()> {
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    let logins = sqlx::query_as::<_, (String, Option<i64>)>("select worker_id, disabled_at from worker_login")
        .fetch_all(&mut *connection)
        .await?;
    let logins: BTreeMap<String, Option<i64>> = logins.into_iter().collect();
    let contacts =
        sqlx::query_as::<_, (String, i64)>("select worker_id, max(contact_at) from device group by worker_id")
            .fetch_all(&mut *connection)
            .await?;
    let contacts: BTreeMap<String, i64> = contacts.into_iter().collect();
    let mut people: Vec<&Worker> = roster.people.values().collect();
    people.sort_by_key(|person| person.name.to_string());
    for person in people {
        let id = person.id.to_string();
        let state = match logins.get(&id) {
            None => "cannot sign in".to_owned(),
            Some(None) => "may sign in".to_owned(),
            Some(Some(since)) => format!("revoked {}", Timestamp(*since).day()),
        };
        let roles: Vec<String> = person.grants.iter().map(write_grant).collect();
        let heard = contacts.get(&id).map_or_else(|| "never".to_owned(), |at| Timestamp(*at).day().to_string());
        println!("{id}  {}  {state}  last contact {heard}  {}", person.name, roles.join(" "));
    }
    Ok(())
}

fn write_grant(grant: &Grant) -> String {
    let at = match (&grant.area, &grant.facility) {
        (Some(area), _) => area.to_string(),
        (None, Some(facility)) => facility.to_string(),
        (None, None) => String::new(),
    };
    format!("{}@{at}", role_name(grant.role))
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn add(add: AddUser) -> Result<()> {
    let staff = add.store.open(false).await?;
    let now = Timestamp(now_ms());
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    drop(connection);
    let grants = add.roles.iter().map(|role| parse_grant(role, &roster)).collect::<Result<Vec<_>>>()?;
    let name = PersonName::parse(&add.name).map_err(|why| anyhow::anyhow!("the name: {why}"))?;
    let phone =
        add.phone.as_deref().map(Phone::parse).transpose().map_err(|why| anyhow::anyhow!("the phone: {why}"))?;
    let address = match add.address.as_deref() {
        None => Address::Unsaid,
        Some("anh") => Address::Anh,
        Some("chi") => Address::Chi,
        Some(other) => bail!("--address is anh or chi, not {other}"),
    };
    let known = login::find(&staff, &add.user_name).await?;
    let id = match known {
        Some(id) => id,
        None => new_id(now)?,
    };
    let worker = Worker { id, name, address, phone, grants };
    if known.is_some() {
        employ(&staff, &worker, now).await?;
        println!("{} has these roles now; the password is as it was.", add.user_name);
        return Ok(());
    }
    let mut password = String::new();
    std::io::stdin().lock().read_line(&mut password).context("the password is read from standard input")?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.chars().count() < login::SHORTEST_PASSWORD {
        bail!("the first line of standard input is the password, at least {} characters", login::SHORTEST_PASSWORD);
    }
    employ(&staff, &worker, now).await?;
    if !login::add(&staff, id, &add.user_name, password, now.0).await? {
        bail!("somebody else took the user name {} just now", add.user_name);
    }
    println!("{} may sign in.", add.user_name);
    Ok(())
}

/// A new id in the form of the others: UUIDv7.
fn new_id(now: Timestamp) -> Result<WorkerId> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).context("the system gives no randomness")?;
    Ok(WorkerId(domain::ChangeId::at(now.0.unsigned_abs(), random).0))
}

/// `ROLE@PLACE` or `facility@ID`.
fn parse_grant(text: &str, roster: &Roster) -> Result<Grant> {
    let (role, at) = text.split_once('@').with_context(|| format!("{text}: write ROLE@PLACE"))?;
    let role = parse_role(role).with_context(|| format!("{text}: no role is called {role}"))?;
    if role == Role::Facility {
        return Ok(Grant::facility(at.parse().with_context(|| format!("{text}: no facility has the id {at}"))?));
    }
    let area = at.parse().ok().filter(|area| roster.rules.places.find(area).is_some());
    Ok(Grant::area(role, area.with_context(|| format!("{text}: no place has the code {at}; import places first"))?))
}
