//! Who works with the app and what each may do where; it does not know how they log in.

use serde::{Deserialize, Serialize};

use crate::{
    id::{FacilityId, LogId, PlaceId, WorkerId},
    person::{PersonName, Phone},
    place::Places,
};

/// The part somebody plays (product §1). Role names shown to people are words of the app, not of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Collaborator,
    Outreach,
    Supervisor,
    Facility,
    Viewer,
    Admin,
}

/// One role in one area, or at one facility. A person may hold several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Grant {
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<PlaceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility: Option<FacilityId>,
}

impl Grant {
    #[must_use]
    pub fn area(role: Role, area: PlaceId) -> Self {
        Self { role, area: Some(area), facility: None }
    }
    #[must_use]
    pub fn facility(facility: FacilityId) -> Self {
        Self { role: Role::Facility, area: None, facility: Some(facility) }
    }
}

/// How a worker wishes to be addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    Anh,
    Chi,
    #[default]
    Unsaid,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    pub id: WorkerId,
    pub name: PersonName,
    #[serde(default)]
    pub address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub grants: Vec<Grant>,
}

impl Worker {
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        has_role(&self.grants, role)
    }
    /// The logs this worker follows: those of their communes, the province's (facilities), their own, their facilities'.
    #[must_use]
    pub fn logs(&self, places: &Places) -> Vec<LogId> {
        Self::logs_of(self.id, &self.grants, places)
    }
    /// [`Worker::logs`] of whoever has these grants.
    #[must_use]
    pub fn logs_of(worker: WorkerId, grants: &[Grant], places: &Places) -> Vec<LogId> {
        let mut logs = vec![LogId::Worker(worker)];
        for grant in grants {
            if let Some(facility) = grant.facility {
                logs.push(LogId::Facility(facility));
            }
            if let Some(area) = &grant.area {
                if let Some(province) = places.province_of(area) {
                    logs.push(LogId::Place(province.id.clone()));
                }
                if matches!(grant.role, Role::Collaborator | Role::Outreach | Role::Supervisor) {
                    logs.extend(places.log_of(area));
                    logs.extend(places.children(area).filter_map(|p| places.log_of(&p.id)));
                }
            }
        }
        if logs.iter().all(|log| !matches!(log, LogId::Place(_))) {
            logs.extend(places.iter().filter(|p| p.parent.is_none()).map(|p| LogId::Place(p.id.clone())));
        }
        crate::order::sort_by(&mut logs, LogId::cmp);
        logs.dedup();
        logs
    }
}

#[must_use]
pub fn has_role(grants: &[Grant], role: Role) -> bool {
    grants.iter().any(|g| g.role == role)
}

/// Whether these grants let somebody record in the field at all.
#[must_use]
pub fn is_field_worker(grants: &[Grant]) -> bool {
    [Role::Collaborator, Role::Outreach, Role::Supervisor].iter().any(|role| has_role(grants, *role))
}

/// Whether one of the grants gives `role` in an area that is or covers `place`.
#[must_use]
pub fn covers(grants: &[Grant], role: Role, place: &PlaceId, places: &Places) -> bool {
    grants.iter().any(|g| g.role == role && g.area.as_ref().is_some_and(|area| places.covers(area, place)))
}

/// A colleague as a phone may know them: enough to call and to say who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    pub id: WorkerId,
    pub name: PersonName,
    #[serde(default)]
    pub address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    pub grants: Vec<Grant>,
}
