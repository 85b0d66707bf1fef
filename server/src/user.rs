//! `server user add`: lets somebody sign in, or changes what somebody may do. It knows how both are typed.

use std::io::BufRead as _;

use anyhow::{Context, Result, bail};
use domain::{Address, Grant, PersonName, Phone, Role, Timestamp, Worker, WorkerId};

use crate::config::AddUser;
use crate::database::now_ms;
use crate::login;
use crate::registry::employ;
use crate::staff::{Roster, parse_role};

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
