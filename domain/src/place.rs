//! The tree of places with the days each was valid; it knows nothing about who works where.

use serde::{Deserialize, Serialize};

use crate::{id::LogId, id::PlaceId, map::Map, time::Day};

/// What a place is. Since 1 July 2025 there is no district between commune and province (Resolution 202/2025/QH15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    Province,
    Commune,
    Ward,
    SpecialZone,
    Village,
}

impl PlaceKind {
    /// Commune, ward or special zone: the level whose desk approves.
    #[must_use]
    pub fn is_commune_level(self) -> bool {
        matches!(self, Self::Commune | Self::Ward | Self::SpecialZone)
    }
    /// # Errors
    /// `None` for a kind the national list does not have.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "province" => Self::Province,
            "commune" => Self::Commune,
            "ward" => Self::Ward,
            "special_zone" => Self::SpecialZone,
            "village" => Self::Village,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub id: PlaceId,
    pub name: String,
    pub kind: PlaceKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PlaceId>,
    pub valid_from: Day,
    /// The first day on which the place is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Day>,
    /// Where its people and cases went when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<PlaceId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_names: Vec<String>,
    /// Millionths of a degree, WGS 84.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude_e6: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude_e6: Option<i32>,
}

impl Place {
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|to| day < to)
    }
}

/// All places one may know: the whole province at the office, a worker's surroundings on the phone.
#[derive(Debug, Clone, Default)]
pub struct Places {
    by_id: Map<PlaceId, Place>,
}

impl Places {
    #[must_use]
    pub fn new(places: impl IntoIterator<Item = Place>) -> Self {
        Self { by_id: places.into_iter().map(|p| (p.id.clone(), p)).collect() }
    }
    #[must_use]
    pub fn find(&self, id: &PlaceId) -> Option<&Place> {
        self.by_id.get(id)
    }
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.by_id.values()
    }
    /// The place itself, its parent, and so on to the root. Bounded, so that a cycle in imported data cannot hang.
    pub fn ancestors<'a>(&'a self, id: &PlaceId) -> impl Iterator<Item = &'a Place> + use<'a> {
        std::iter::successors(self.find(id), |place| self.find(place.parent.as_ref()?)).take(16)
    }
    /// Whether `area` is `place` or lies above it.
    #[must_use]
    pub fn covers(&self, area: &PlaceId, place: &PlaceId) -> bool {
        area == place || self.ancestors(place).any(|p| p.id == *area)
    }
    /// The commune-level place that `place` is or lies in.
    #[must_use]
    pub fn commune_of(&self, place: &PlaceId) -> Option<&Place> {
        self.ancestors(place).find(|p| p.kind.is_commune_level())
    }
    #[must_use]
    pub fn province_of(&self, place: &PlaceId) -> Option<&Place> {
        self.ancestors(place).find(|p| p.kind == PlaceKind::Province)
    }
    /// The log in which a case of this place is born: its commune's, or the province's when no commune holds it.
    #[must_use]
    pub fn log_of(&self, place: &PlaceId) -> Option<LogId> {
        let home = self.commune_of(place).or_else(|| self.province_of(place))?;
        Some(LogId::Place(home.id.clone()))
    }
    pub fn children<'a>(&'a self, id: &'a PlaceId) -> impl Iterator<Item = &'a Place> {
        self.by_id.values().filter(move |p| p.parent.as_ref() == Some(id))
    }
}
