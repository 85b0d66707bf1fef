//! What a phone must know besides cases: places, colleagues, officers and numbers around its person, and no more.

use std::collections::BTreeSet;

use anyhow::Result;
use domain::{Briefing, Colleague, OfficeKey, Place, PlaceId, Role, Worker, WorkerId};
use sha2::{Digest, Sha256};

use crate::seal::hex;
use crate::staff::Roster;

/// `authors` are those who wrote in the logs that the worker follows.
pub(super) fn write(
    roster: &Roster,
    worker: &Worker,
    authors: &BTreeSet<WorkerId>,
    office: OfficeKey,
) -> Result<Briefing> {
    let around = Around::of(roster, worker);
    let colleagues = roster
        .people
        .values()
        .filter(|p| p.id != worker.id && (authors.contains(&p.id) || around.knows(roster, p)))
        .map(|p| Colleague {
            id: p.id,
            name: p.name.clone(),
            address: p.address,
            phone: p.phone.clone(),
            grants: p.grants.clone(),
        })
        .collect();
    let officers = roster
        .rules
        .officers
        .iter()
        .filter(|(place, _)| around.communes.contains(place) || around.provinces.contains(place))
        .map(|(place, officers)| (place.clone(), officers.clone()))
        .collect();
    let numbers = roster
        .numbers
        .iter()
        .filter(|n| n.commune.as_ref().is_none_or(|commune| around.communes.contains(commune)))
        .cloned()
        .collect();
    let mut briefing = Briefing {
        tag: String::new(),
        worker: worker.clone(),
        places: around.places(roster),
        colleagues,
        officers,
        numbers,
        office: Some(office),
    };
    let mut tag = hex(&Sha256::digest(serde_json::to_vec(&briefing)?));
    tag.truncate(32);
    briefing.tag = tag;
    Ok(briefing)
}

/// Where somebody works, as far as others matter to them.
struct Around {
    communes: BTreeSet<PlaceId>,
    provinces: BTreeSet<PlaceId>,
    facilities: BTreeSet<domain::FacilityId>,
    in_the_field: bool,
}

impl Around {
    fn of(roster: &Roster, worker: &Worker) -> Self {
        let places = &roster.rules.places;
        let mut around = Self {
            communes: BTreeSet::new(),
            provinces: BTreeSet::new(),
            facilities: worker.grants.iter().filter_map(|g| g.facility).collect(),
            in_the_field: worker
                .grants
                .iter()
                .any(|g| matches!(g.role, Role::Collaborator | Role::Outreach | Role::Supervisor)),
        };
        for area in worker.grants.iter().filter_map(|g| g.area.as_ref()) {
            around.provinces.extend(places.province_of(area).map(|p| p.id.clone()));
            match places.commune_of(area) {
                Some(commune) => {
                    around.communes.insert(commune.id.clone());
                }
                None => around.communes.extend(
                    places
                        .iter()
                        .filter(|p| p.kind.is_commune_level() && places.covers(area, &p.id))
                        .map(|p| p.id.clone()),
                ),
            }
        }
        if around.provinces.is_empty() {
            around.provinces.extend(places.iter().filter(|p| p.parent.is_none()).map(|p| p.id.clone()));
        }
        around
    }

    fn places(&self, roster: &Roster) -> Vec<Place> {
        let places = &roster.rules.places;
        places
            .iter()
            .filter(|p| self.provinces.iter().any(|province| places.covers(province, &p.id)))
            .cloned()
            .collect()
    }

    fn knows(&self, roster: &Roster, person: &Worker) -> bool {
        let places = &roster.rules.places;
        let is_officer = || {
            roster.rules.officers.iter().any(|(place, officers)| {
                (self.communes.contains(place) || self.provinces.contains(place)) && officers.contains(&person.id)
            })
        };
        let by_grant = person.grants.iter().any(|grant| match (&grant.area, grant.facility, grant.role) {
            (_, Some(facility), _) => self.in_the_field || self.facilities.contains(&facility),
            (Some(area), None, Role::Supervisor) if !self.in_the_field => {
                // A facility calls the desk that sends somebody.
                !self.facilities.is_empty() && self.provinces.iter().any(|p| places.covers(p, area))
            }
            (Some(area), None, Role::Collaborator | Role::Outreach | Role::Supervisor) => {
                self.communes.iter().any(|c| places.covers(area, c) || places.covers(c, area))
            }
            _ => false,
        });
        by_grant || (self.in_the_field && is_officer())
    }
}
