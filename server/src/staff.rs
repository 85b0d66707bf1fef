//! Who works where: people, their roles and areas, places, officers and emergency numbers. It knows no case.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result};
use domain::{
    Address, Day, EmergencyNumber, Grant, PersonName, Phone, Place, PlaceId, PlaceKind, Places, Role, Worker, WorkerId,
    check::Rules, map::Map,
};
use serde::{Deserialize, Serialize};

use crate::database::{Connection, Pool, is_shared, now_ms};
use crate::duty::vapid::Vapid;
use crate::keys::OfficeKeys;
use crate::seal::Seal;

/// What was asked for and not taken by then is not wanted any more: whoever asked was killed.
const LONGEST_ASK_MS: i64 = 30_000;
/// Far longer than a transaction takes; short enough for a phone that waits for its answer.
const LONGEST_WAY: Duration = Duration::from_secs(5);

/// Everything the rules and the briefings read about people and places, as one value of one moment.
#[derive(Debug, Default)]
pub struct Roster {
    version: i64,
    pub rules: Rules,
    pub people: BTreeMap<WorkerId, Worker>,
    pub numbers: Vec<EmergencyNumber>,
    /// Who is on duty, by place.
    pub duty: domain::duty::Lists,
}

/// The roster with its database; another process that changes it is noticed.
#[derive(Clone, Debug)]
pub struct Staff {
    pub pool: Pool,
    pub seal: Arc<Seal>,
    pub keys: Arc<OfficeKeys>,
    pub vapid: Arc<Vapid>,
    current: Arc<RwLock<Arc<Roster>>>,
}

/// What of a person is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    name: PersonName,
    #[serde(default)]
    address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<Phone>,
}

#[derive(Serialize, Deserialize)]
struct SealedNumber {
    name: String,
    phone: Phone,
}

impl Staff {
    /// # Errors
    /// The key is not this database's, or the roster cannot be read.
    pub async fn open(pool: Pool, seal: Arc<Seal>) -> Result<Self> {
        let mut connection = pool.acquire().await?;
        seal.belongs_to(&mut connection).await?;
        let roster = Roster::load(&mut connection, &seal).await?;
        drop(connection);
        let keys = Arc::new(OfficeKeys::of(&seal));
        let vapid = Arc::new(Vapid::of(&seal));
        Ok(Self { pool, seal, keys, vapid, current: Arc::new(RwLock::new(Arc::new(roster))) })
    }

    /// The roster as the connection's transaction sees it. Not for a transaction that has changed it: what is taken back would
    /// be remembered. That one loads it.
    pub async fn roster(&self, connection: &mut Connection) -> Result<Arc<Roster>> {
        let version = version(connection).await?;
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        if current.version == version {
            return Ok(current);
        }
        let roster = Arc::new(Roster::load(connection, &self.seal).await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&roster);
        Ok(roster)
    }

    /// The roster, which nobody changes before the connection's transaction ends.
    pub async fn hold_roster(&self, connection: &mut Connection) -> Result<Arc<Roster>> {
        if is_shared(connection) {
            give_way(connection).await?;
            sqlx::query("select value from office where name = 'roster' for share").execute(&mut *connection).await?;
        }
        self.roster(connection).await
    }

    /// To be called before a transaction that changes the roster begins. Rows that many share are never free of all of them by
    /// chance: while somebody waits for the roster, those who come later let them pass. The answer is to be given to
    /// [`Staff::has_roster`] in that transaction.
    pub async fn ask_for_roster(&self) -> Result<String> {
        let until = (now_ms() + LONGEST_ASK_MS).to_string();
        let mut connection = self.pool.acquire().await?;
        if is_shared(&connection) {
            sqlx::query(
                "insert into office (name, value) values ('roster_wanted', $1)
                 on conflict (name) do update set value = $1",
            )
            .bind(&until)
            .execute(&mut *connection)
            .await?;
        }
        Ok(until)
    }

    /// Nobody need wait for this transaction any longer, once it ends.
    pub async fn has_roster(connection: &mut Connection, asked: &str) -> Result<()> {
        sqlx::query("delete from office where name = 'roster_wanted' and value = $1")
            .bind(asked)
            .execute(connection)
            .await?;
        Ok(())
    }

    pub async fn find(&self, worker: WorkerId) -> Result<Option<Worker>> {
        let mut connection = self.pool.acquire().await?;
        Ok(self.roster(&mut connection).await?.people.get(&worker).cloned())
    }
}

/// Waits while somebody asks for the roster; not for ever, since whoever asked may be gone.
async fn give_way(connection: &mut Connection) -> Result<()> {
    let since = std::time::Instant::now();
    while since.elapsed() < LONGEST_WAY {
        let until = sqlx::query_scalar::<_, String>("select value from office where name = 'roster_wanted'")
            .fetch_optional(&mut *connection)
            .await?;
        if until.and_then(|until| until.parse::<i64>().ok()).is_none_or(|until| until < now_ms()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

impl Roster {
    pub async fn load(connection: &mut Connection, seal: &Seal) -> Result<Self> {
        let version = version(connection).await?;
        let places = Places::new(load_places(connection).await?);
        let mut people = BTreeMap::new();
        let rows = sqlx::query_as::<_, (String, Vec<u8>)>("select worker_id, body from worker")
            .fetch_all(&mut *connection)
            .await?;
        for (id, body) in rows {
            let Sealed { name, address, phone } = seal.open_json(&format!("worker:{id}"), &body)?;
            let id: WorkerId = id.parse()?;
            people.insert(id, Worker { id, name, address, phone, grants: vec![] });
        }
        let rows = sqlx::query_as::<_, (String, String, String, String)>(
            "select worker_id, role, area, facility from grant_row order by since, role, area, facility",
        )
        .fetch_all(&mut *connection)
        .await?;
        for (id, role, area, facility) in rows {
            let grant = Grant {
                role: parse_role(&role).with_context(|| format!("no role is called {role}"))?,
                area: if area.is_empty() { None } else { Some(area.parse()?) },
                facility: if facility.is_empty() { None } else { Some(facility.parse()?) },
            };
            if let Some(worker) = people.get_mut(&id.parse()?) {
                worker.grants.push(grant);
            }
        }
        let mut officers: Map<PlaceId, Vec<WorkerId>> = Map::new();
        let rows = sqlx::query_as::<_, (String, String)>(
            "select place_id, worker_id from officer order by place_id, position",
        )
        .fetch_all(&mut *connection)
        .await?;
        for (place, worker) in rows {
            officers.get_or_insert_with(place.parse()?, Vec::new).push(worker.parse()?);
        }
        let mut numbers = Vec::new();
        let rows = sqlx::query_as::<_, (String, i64, String, Vec<u8>)>(
            "select place_id, position, kind, body from emergency_number order by place_id, position",
        )
        .fetch_all(&mut *connection)
        .await?;
        for (place, position, kind, body) in rows {
            let SealedNumber { name, phone } =
                seal.open_json(&format!("emergency_number:{place}:{position}"), &body)?;
            let commune = if place == "*" { None } else { Some(place.parse()?) };
            numbers.push(EmergencyNumber { commune, kind, name, phone });
        }
        let duty = crate::duty::list::load(connection).await?;
        let staff = people.values().filter(|w| !w.grants.is_empty()).map(|w| (w.id, w.grants.clone())).collect();
        Ok(Self { version, rules: Rules { places, officers, staff }, people, numbers, duty })
    }

    #[must_use]
    pub fn grants(&self, worker: WorkerId) -> &[Grant] {
        self.rules.staff.get(&worker).map_or(&[], Vec::as_slice)
    }
}

async fn version(connection: &mut Connection) -> Result<i64> {
    let value = sqlx::query_scalar::<_, String>("select value from office where name = 'roster'")
        .fetch_optional(connection)
        .await?;
    Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
}

/// To be called in each transaction that changes people or places: first, if it reads before it writes.
pub async fn touch(connection: &mut Connection) -> Result<()> {
    sqlx::query(
        "insert into office (name, value) values ('roster', '1')
         on conflict (name) do update set value = cast(cast(office.value as bigint) + 1 as text)",
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[must_use]
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Collaborator => "collaborator",
        Role::Outreach => "outreach",
        Role::Supervisor => "supervisor",
        Role::Facility => "facility",
        Role::Viewer => "viewer",
        Role::Admin => "admin",
    }
}

#[must_use]
pub fn parse_role(name: &str) -> Option<Role> {
    Some(match name {
        "collaborator" => Role::Collaborator,
        "outreach" => Role::Outreach,
        "supervisor" => Role::Supervisor,
        "facility" => Role::Facility,
        "viewer" => Role::Viewer,
        "admin" => Role::Admin,
        _ => return None,
    })
}

/// Writes a person and replaces their rights. What they may now see is for the registry to tell their phones:
/// [`crate::registry::employ`].
pub(crate) async fn put_worker(connection: &mut Connection, seal: &Seal, worker: &Worker, now_ms: i64) -> Result<()> {
    let id = worker.id.to_string();
    let sealed = Sealed { name: worker.name.clone(), address: worker.address, phone: worker.phone.clone() };
    sqlx::query(
        "insert into worker (worker_id, body, since) values ($1, $2, $3)
         on conflict (worker_id) do update set body = $2",
    )
    .bind(&id)
    .bind(seal.seal_json(&format!("worker:{id}"), &sealed)?)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query("delete from grant_row where worker_id = $1").bind(&id).execute(&mut *connection).await?;
    for grant in &worker.grants {
        sqlx::query(
            "insert into grant_row (worker_id, role, area, facility, since) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
        )
        .bind(&id)
        .bind(role_name(grant.role))
        .bind(grant.area.as_ref().map(PlaceId::to_string).unwrap_or_default())
        .bind(grant.facility.map(|f| f.to_string()).unwrap_or_default())
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    }
    touch(connection).await
}

/// Replaces the officer and deputies for restricted cases of a place.
pub async fn put_officers(connection: &mut Connection, place: &PlaceId, officers: &[WorkerId]) -> Result<()> {
    sqlx::query("delete from officer where place_id = $1").bind(place.as_str()).execute(&mut *connection).await?;
    for (position, officer) in (0_i64..).zip(officers) {
        sqlx::query("insert into officer (place_id, position, worker_id) values ($1, $2, $3)")
            .bind(place.as_str())
            .bind(position)
            .bind(officer.to_string())
            .execute(&mut *connection)
            .await?;
    }
    touch(connection).await
}

/// Replaces all emergency numbers.
pub async fn put_numbers(connection: &mut Connection, seal: &Seal, numbers: &[EmergencyNumber]) -> Result<()> {
    sqlx::query("delete from emergency_number").execute(&mut *connection).await?;
    for (position, number) in (0_i64..).zip(numbers) {
        let place = number.commune.as_ref().map_or("*", PlaceId::as_str);
        let sealed = SealedNumber { name: number.name.clone(), phone: number.phone.clone() };
        sqlx::query("insert into emergency_number (place_id, position, kind, body) values ($1, $2, $3, $4)")
            .bind(place)
            .bind(position)
            .bind(&number.kind)
            .bind(seal.seal_json(&format!("emergency_number:{place}:{position}"), &sealed)?)
            .execute(&mut *connection)
            .await?;
    }
    touch(connection).await
}

/// Writes a place, or what is now known of it.
pub async fn put_place(connection: &mut Connection, place: &Place) -> Result<()> {
    sqlx::query(
        "insert into place (place_id, name, kind, parent, valid_from, valid_to, successor, old_names, latitude_e6,
             longitude_e6, former_parents)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (place_id) do update set name = $2, kind = $3, parent = $4, valid_from = $5, valid_to = $6,
             successor = $7, old_names = $8, latitude_e6 = $9, longitude_e6 = $10, former_parents = $11",
    )
    .bind(place.id.as_str())
    .bind(&place.name)
    .bind(kind_name(place.kind))
    .bind(place.parent.as_ref().map(PlaceId::as_str))
    .bind(place.valid_from.to_string())
    .bind(place.valid_to.map(|d| d.to_string()))
    .bind(place.successor.as_ref().map(PlaceId::as_str))
    .bind(serde_json::to_string(&place.old_names)?)
    .bind(place.latitude_e6)
    .bind(place.longitude_e6)
    .bind(serde_json::to_string(&place.former_parents)?)
    .execute(&mut *connection)
    .await?;
    touch(connection).await
}

async fn load_places(connection: &mut Connection) -> Result<Vec<Place>> {
    type Row = (
        String,
        String,
        String,
        Option<String>,
        String,
        Option<String>,
        Option<String>,
        String,
        Option<i64>,
        Option<i64>,
        Option<String>,
    );
    let rows = sqlx::query_as::<_, Row>(
        "select place_id, name, kind, parent, valid_from, valid_to, successor, old_names, latitude_e6, longitude_e6,
             former_parents from place",
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|(id, name, kind, parent, valid_from, valid_to, successor, old_names, latitude, longitude, former)| {
            Ok(Place {
                id: id.parse()?,
                name,
                kind: PlaceKind::parse(&kind).with_context(|| format!("no kind of place is called {kind}"))?,
                parent: parent.map(|p| p.parse()).transpose()?,
                valid_from: valid_from.parse::<Day>()?,
                valid_to: valid_to.map(|d| d.parse::<Day>()).transpose()?,
                successor: successor.map(|p| p.parse()).transpose()?,
                old_names: serde_json::from_str(&old_names)?,
                former_parents: former.map(|former| serde_json::from_str(&former)).transpose()?.unwrap_or_default(),
                latitude_e6: latitude.map(i32::try_from).transpose()?,
                longitude_e6: longitude.map(i32::try_from).transpose()?,
            })
        })
        .collect()
}

fn kind_name(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Province => "province",
        PlaceKind::Commune => "commune",
        PlaceKind::Ward => "ward",
        PlaceKind::SpecialZone => "special_zone",
        PlaceKind::Village => "village",
    }
}
