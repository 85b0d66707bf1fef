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
    /// Places that it lay in before: subjects of that time live in their logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_parents: Vec<PlaceId>,
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
    /// Whether `area` is `place` or lies above it. A place that has ended lies in its successor too, and in all that is above
    /// that; who works in an area that has ended keeps what lay in it until they are given another.
    #[must_use]
    pub fn covers(&self, area: &PlaceId, place: &PlaceId) -> bool {
        self.lies_in(area, place, 16)
    }
    fn lies_in(&self, area: &PlaceId, place: &PlaceId, most: u8) -> bool {
        if area == place {
            return true;
        }
        let Some(place) = self.find(place).filter(|_| most > 0) else { return false };
        let has_ended = |former: &&PlaceId| self.find(former).is_some_and(|former| former.successor.is_some());
        place.parent.iter().chain(&place.successor).any(|above| self.lies_in(area, above, most - 1))
            || place.former_parents.iter().filter(has_ended).any(|former| former == area)
    }
    /// Every area that covers a place, itself included, in order.
    #[must_use]
    pub fn areas_over(&self, place: &PlaceId) -> Vec<PlaceId> {
        let mut areas: Vec<PlaceId> = vec![place.clone()];
        let mut at = 0;
        while let Some(next) = areas.get(at).and_then(|id| self.find(id)) {
            at += 1;
            let above = next.parent.iter().chain(&next.successor).chain(&next.former_parents);
            let new: Vec<_> = above.filter(|area| !areas.contains(area) && self.covers(area, place)).cloned().collect();
            areas.extend(new);
        }
        crate::order::sort_by(&mut areas, PlaceId::cmp);
        areas
    }
    /// The place itself, or what it went into: whose desk decides now.
    #[must_use]
    pub fn standing(&self, id: &PlaceId) -> Option<&Place> {
        std::iter::successors(self.find(id), |place| self.find(place.successor.as_ref()?)).take(16).last()
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
    /// [`Places::commune_of`] as it stands: the successor of one that has ended.
    #[must_use]
    pub fn desk_of(&self, place: &PlaceId) -> Option<&Place> {
        self.standing(&self.commune_of(&self.standing(place)?.id)?.id)
    }
    /// The log in which a case of this place is born: its commune's, or the province's when no commune holds it.
    #[must_use]
    pub fn log_of(&self, place: &PlaceId) -> Option<LogId> {
        let home = self.commune_of(place).or_else(|| self.province_of(place))?;
        Some(LogId::Place(home.id.clone()))
    }
    /// Whether a subject of this place may have been born in `log`: a phone that has not heard of a merger yet names the
    /// place as it was.
    #[must_use]
    pub fn may_be_born_in(&self, place: &PlaceId, log: &LogId) -> bool {
        let of_former =
            |place: &Place| place.former_parents.iter().any(|former| self.log_of(former).as_ref() == Some(log));
        self.log_of(place).as_ref() == Some(log)
            || self.ancestors(place).any(of_former)
            || self.standing(place).is_some_and(|now| now.id != *place && self.log_of(&now.id).as_ref() == Some(log))
    }
    pub fn children<'a>(&'a self, id: &'a PlaceId) -> impl Iterator<Item = &'a Place> {
        self.by_id.values().filter(move |p| p.parent.as_ref() == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::place;

    fn id(text: &str) -> PlaceId {
        text.parse().expect("a code")
    }

    /// Communes a and b; a went into x with its village a1, while a2 went to b.
    fn merged() -> Places {
        let ended = Place { successor: Some(id("x")), ..place("a", PlaceKind::Commune, Some("p")) };
        let moved = |name, to| Place { former_parents: vec![id("a")], ..place(name, PlaceKind::Village, Some(to)) };
        Places::new([
            place("p", PlaceKind::Province, None),
            ended,
            place("b", PlaceKind::Commune, Some("p")),
            place("x", PlaceKind::Commune, Some("p")),
            moved("a1", "x"),
            moved("a2", "b"),
            Place { former_parents: vec![id("b")], ..place("b1", PlaceKind::Village, Some("x")) },
        ])
    }

    #[test]
    fn what_lay_in_a_place_that_ended_lies_in_its_successor() {
        let places = merged();
        let covers = |area, place| places.covers(&id(area), &id(place));
        assert!(covers("x", "a") && covers("p", "a") && covers("x", "a1"));
        assert!(covers("a", "a1") && covers("a", "a2"), "whoever worked there keeps it until told otherwise");
        assert!(covers("b", "a2") && !covers("x", "a2"), "a village goes where it went, not where its commune went");
        assert!(!covers("b", "b1"), "a commune that still stands has lost a village that left it");
        assert!(!covers("a", "x") && !covers("a1", "a"));
        assert_eq!(places.areas_over(&id("a1")), ["a", "a1", "p", "x"].map(id));
        assert_eq!(places.areas_over(&id("a2")), ["a", "a2", "b", "p"].map(id));
        for place in places.iter() {
            let over = places.areas_over(&place.id);
            assert!(places.iter().all(|area| over.contains(&area.id) == places.covers(&area.id, &place.id)));
        }
        assert_eq!(places.desk_of(&id("a")).map(|p| &p.id), Some(&id("x")));
        assert_eq!(places.desk_of(&id("a2")).map(|p| &p.id), Some(&id("b")));
    }

    #[test]
    fn a_case_may_be_born_in_the_log_that_an_old_phone_names() {
        let places = merged();
        let born = |place, log: &str| places.may_be_born_in(&id(place), &LogId::Place(id(log)));
        assert!(born("a1", "x") && born("a1", "a") && born("a", "a") && born("a", "x") && born("b1", "b"));
        assert!(!born("a1", "b") && !born("a2", "x") && !born("x", "a") && !born("b1", "a"));
    }

    #[test]
    fn a_circle_in_what_was_imported_ends() {
        let circle = |name, to| Place { successor: Some(id(to)), ..place(name, PlaceKind::Commune, Some("p")) };
        let places = Places::new([place("p", PlaceKind::Province, None), circle("a", "b"), circle("b", "a")]);
        assert!(places.covers(&id("p"), &id("a")) && !places.covers(&id("c"), &id("a")));
        assert!(places.desk_of(&id("a")).is_some());
    }
}
