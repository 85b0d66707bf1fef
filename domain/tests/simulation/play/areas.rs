//! What lies where, written down a second time by hand, and how areas are merged: communes and villages that go into
//! others, villages that move, and a merger that is taken back.

use std::{cell::RefCell, collections::BTreeMap};

use domain::{laws::place, *};

use super::{Fault, world::World};

const COMMUNES: [&str; 3] = ["a", "b", "x"];
const VILLAGES: [&str; 3] = ["a1", "a2", "b1"];

/// For each place the one in which it lies, or into which it went.
#[derive(Debug)]
pub struct Areas(RefCell<BTreeMap<String, String>>);

impl Default for Areas {
    fn default() -> Self {
        let lies = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a", "p"), ("b", "p"), ("x", "p")];
        Self(RefCell::new(lies.map(|(place, above)| (place.to_owned(), above.to_owned())).into()))
    }
}

impl Areas {
    fn put(&self, place: &str, above: &str) {
        self.0.borrow_mut().insert(place.to_owned(), above.to_owned());
    }
    pub fn copy(&self) -> Self {
        Self(RefCell::new(self.0.borrow().clone()))
    }
    pub fn put_back(&self, earlier: &Self) {
        self.0.replace(earlier.0.borrow().clone());
    }
    /// The place itself and all in which it lies.
    pub fn over(&self, place: &PlaceId) -> Vec<PlaceId> {
        let lies = self.0.borrow();
        let up = std::iter::successors(Some(place.to_string()), |place| lies.get(place).cloned());
        // Where successors are forgotten, two may go into each other.
        up.take(16).map(|place| id(&place)).collect()
    }
    /// A village that lies in this area.
    pub fn village_in(&self, area: &PlaceId) -> Option<&'static str> {
        VILLAGES.into_iter().find(|village| self.over(&id(village)).contains(area))
    }
}

fn id(text: &str) -> PlaceId {
    text.parse().expect("a place code")
}

/// As a list of places is imported in which this one lies elsewhere.
fn moved(mut place: Place, to: &str) -> Place {
    let to = id(to);
    let from = place.parent.replace(to.clone());
    place.former_parents.retain(|former| Some(former) != from.as_ref());
    place.former_parents.extend(from);
    place.former_parents.retain(|former| *former != to);
    place
}

/// Some areas are merged. Nothing if none of those chosen stands.
pub fn merge(world: &World) {
    let (chance, registry) = (&world.chance, &world.office.registry);
    let places = registry.places();
    let today = world.now().day();
    let find = |name: &str| places.find(&id(name)).cloned();
    let standing = |name: &&&str| find(name).is_none_or(|place| place.successor.is_none());
    let ended = |from: Place, to: &str| Place { valid_to: Some(today), successor: Some(id(to)), ..from };
    let pick =
        |names: &[&'static str]| chance.pick(&names.iter().filter(standing).copied().collect::<Vec<_>>()).copied();
    let parent = |place: &Place| place.parent.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut changed: Vec<Place> = vec![];
    match chance.below(8) {
        // A commune goes into another, or into a new one, with its villages.
        0..=3 => {
            let (Some(from), Some(to)) = (pick(&COMMUNES), pick(&COMMUNES)) else { return };
            let Some(place) = find(from).filter(|_| from != to) else { return };
            changed.extend(find(to).is_none().then(|| self::place(to, PlaceKind::Commune, Some("p"))));
            changed.push(ended(place, to));
            world.areas.put(from, to);
            for village in VILLAGES.iter().filter(standing) {
                if let Some(place) = find(village).filter(|place| parent(place) == from) {
                    changed.push(moved(place, to));
                    world.areas.put(village, to);
                }
            }
        }
        // A village goes to another commune.
        4 => {
            let (Some(village), Some(to)) = (pick(&VILLAGES), pick(&COMMUNES)) else { return };
            let Some(place) = find(village).filter(|_| find(to).is_some()) else { return };
            changed.push(moved(place, to));
            world.areas.put(village, to);
        }
        // A village goes into another.
        5 | 6 => {
            let (Some(from), Some(to)) = (pick(&VILLAGES), pick(&VILLAGES)) else { return };
            let Some(place) = find(from).filter(|_| from != to) else { return };
            changed.push(ended(place, to));
            world.areas.put(from, to);
        }
        // It was a mistake.
        _ => {
            let has_ended = |name: &&&str| find(name).is_some_and(|place| place.successor.is_some());
            let all: Vec<&str> = COMMUNES.iter().chain(&VILLAGES).filter(has_ended).copied().collect();
            let Some(place) = chance.pick(&all).and_then(|name| find(name)) else { return };
            world.areas.put(place.id.as_str(), &parent(&place));
            changed.push(Place { valid_to: None, successor: None, ..place });
        }
    }
    if world.fault == Fault::SuccessorForgotten {
        changed.iter_mut().for_each(|place| place.successor = None);
    }
    registry.put_places(changed, world.mark(), world.now());
    world.count(|c| c.merged += 1);
}
