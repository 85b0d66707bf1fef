//! The demo installation: fictional people with a public password, and what they recorded over a year. It knows what an
//! empty database is filled with, and writes content through the same door as phones do.

mod cases;
mod people;
mod scenarios;
mod story;

use std::net::SocketAddr;

use anyhow::{Context, Result};
use domain::{Body, FacilityFacts, FreePlaces, Phone, Subject, Timestamp};
use serde::Deserialize;

use crate::database;
use crate::login;
use crate::registry::{SqlRegistry, employ};
use crate::staff;
use story::Story;

pub const PASSWORD: &str = "cau-noi-demo";

/// Fills an empty database; one that holds anybody is left as it is.
pub async fn fill(registry: &SqlRegistry, now: Timestamp) -> Result<()> {
    let staff = registry.staff();
    let there = sqlx::query_scalar::<_, i64>("select (select count(*) from worker) + (select count(*) from place)")
        .fetch_one(&staff.pool)
        .await?;
    if there > 0 {
        return Ok(());
    }
    let mut transaction = database::begin(&staff.pool).await?;
    for place in people::places()? {
        staff::put_place(&mut transaction, &place).await?;
    }
    staff::put_numbers(&mut transaction, &staff.seal, &people::numbers()?).await?;
    transaction.commit().await?;
    // One hash for all: the password is public anyway.
    let hash = login::hash(PASSWORD).await?;
    for person in &people::PEOPLE {
        let worker = person.worker()?;
        employ(staff, &worker, now).await.with_context(|| person.user_name)?;
        login::add_hashed(staff, worker.id, person.user_name, &hash, now.0).await?;
    }
    let mut transaction = database::begin(&staff.pool).await?;
    for (place, officers) in people::OFFICERS {
        let officers = officers.iter().map(|name| people::worker(name)).collect::<Result<Vec<_>>>()?;
        staff::put_officers(&mut transaction, &place.parse()?, &officers).await?;
    }
    for (place, list) in people::ON_DUTY {
        let list = list.iter().map(|name| people::worker(name)).collect::<Result<Vec<_>>>()?;
        crate::duty::list::put(&mut transaction, &staff.seal, &place.parse()?, &list, now).await?;
    }
    transaction.commit().await?;
    let mut story = Story::new(now);
    facilities(&mut story)?;
    let plain = cases::tell(&mut story)?;
    scenarios::tell(&mut story)?;
    scenarios::go_on(&mut story, &plain)?;
    // Each step builds on those before it, and several are on their way at once.
    story.tell(&*SqlRegistry::in_order(staff.clone())).await
}

/// A line of `demo_facilities.csv`.
#[derive(Deserialize)]
struct FacilityLine {
    code: String,
    name_vi: String,
    kind: String,
    ownership: String,
    services: String,
    groups: String,
    places: u32,
    free_places: u32,
    yearly_quota: u32,
    meets_access_criteria: String,
    phone: String,
    duty_phone: String,
    commune: String,
    address_vi: String,
    department_vi: String,
}

/// Opened by the admin a year ago; places counted by each facility this morning.
fn facilities(story: &mut Story) -> Result<()> {
    let mut reader = csv::Reader::from_reader(include_str!("../../data/demo_facilities.csv").as_bytes());
    for row in reader.deserialize::<FacilityLine>() {
        let line = row?;
        let split = |text: &str| {
            text.split('|').filter(|t| !t.is_empty() && *t != "any").map(str::to_owned).collect::<Vec<_>>()
        };
        let facts = FacilityFacts {
            code: line.code.clone(),
            name: line.name_vi,
            kind: line.kind,
            ownership: line.ownership,
            services: split(&line.services).iter().map(|s| s.as_str().into()).collect(),
            groups: split(&line.groups).iter().map(|g| g.as_str().into()).collect(),
            places: line.places,
            yearly_quota: line.yearly_quota,
            meets_access_criteria: line.meets_access_criteria == "yes",
            phone: Some(Phone::parse_service(&line.phone)?),
            duty_phone: Some(Phone::parse_service(&line.duty_phone)?),
            commune: Some(people::commune(&line.commune)?),
            address: line.address_vi,
            department: line.department_vi,
        };
        let subject = Some(Subject::Facility(people::facility(&line.code)?));
        let opened = story.at(story::days(364, 8, 0));
        story.elsewhere("admin", opened, people::PROVINCE, subject, Body::FacilityOpened(facts))?;
        if line.places == 0 {
            continue;
        }
        let counted = story.just(35, 0);
        let as_of = story.recorded(counted);
        let free = FreePlaces { free: line.free_places, as_of };
        let intake = people::intake_of(&line.code)?;
        story.elsewhere(intake, counted, people::PROVINCE, subject, Body::PlacesCounted { saw: vec![], free })?;
    }
    Ok(())
}

/// Tells whoever started the demo where it is and who may sign in.
#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub fn say(address: SocketAddr) {
    println!("Cầu Nối, demo with fictional people: http://{address}");
    println!("  field app  http://{address}/");
    println!("  office     http://{address}/office");
    println!("  password of everybody: {PASSWORD}");
    for person in people::PEOPLE.iter().filter(|p| !p.said.is_empty()) {
        println!("  {:<8} {}", person.user_name, person.said);
    }
}
