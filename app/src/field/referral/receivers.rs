//! Who can be asked: the facilities that fit, best first, and the desks, teams and households of the commune. It knows what
//! each offers as far as this phone was told, not whether they will agree.

use domain::{
    Facility, GroupCode, PlaceId, Receiver, ReferralKind, ServiceCode, Tile, Timestamp, card::rank_facilities,
};
use leptos::prelude::*;

use super::steps::places_line;
use crate::{
    field::{naming, state::AppState, ui::RadioOption},
    text::{Words, capital},
};

/// What of a case decides who can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    pub kind: ReferralKind,
    pub service: Option<ServiceCode>,
    pub tile: Option<Tile>,
    pub groups: Vec<GroupCode>,
    /// A restricted case goes to nobody but those named on it: never to a whole team.
    pub restricted: bool,
    /// The commune in which the case is handled; `None` where the reader may not know it.
    pub commune: Option<PlaceId>,
}

/// Somebody who can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub receiver: Receiver,
    pub name: String,
    pub hint: String,
    pub is_full: bool,
}

/// Those who fit, and those who give the same help to other groups and must be asked first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offers {
    pub fitting: Vec<Offer>,
    pub others: Vec<Offer>,
}

/// Names a receiver within one form. A household is named by what is typed beside it.
#[must_use]
pub fn key(receiver: &Receiver) -> String {
    match receiver {
        Receiver::Facility(id) => format!("facility:{id}"),
        Receiver::Team(place) => format!("team:{place}"),
        Receiver::Desk(place) => format!("desk:{place}"),
        Receiver::Household(_) => "household".to_owned(),
    }
}

impl Offers {
    #[must_use]
    pub fn find(&self, wanted: &str) -> Option<&Offer> {
        self.fitting.iter().chain(&self.others).find(|o| key(&o.receiver) == wanted)
    }
    /// Names of other facilities with free places, the best first.
    #[must_use]
    pub fn with_room(&self) -> Vec<String> {
        let facility = |o: &&Offer| matches!(o.receiver, Receiver::Facility(_)) && !o.is_full;
        self.fitting.iter().filter(facility).map(|o| o.name.clone()).take(3).collect()
    }
}

pub fn as_options(offers: &[Offer]) -> Vec<RadioOption> {
    offers.iter().map(|o| RadioOption { key: key(&o.receiver), label: o.name.clone(), hint: o.hint.clone() }).collect()
}

/// Who may be asked for `need`, as far as this phone knows.
pub fn offers(state: AppState, need: &Need, words: &Words) -> Offers {
    use ReferralKind as K;
    let now = state.now.get();
    let mut offers = match need.kind {
        K::OutreachVisit | K::Policy | K::Legal | K::InKind | K::TemporaryPlacement | K::CommunityCare => {
            Offers::default()
        }
        // A child in danger goes to the commune's desk, or straight to a place that takes people in at once.
        K::ChildProtection => {
            let at_once = Need { kind: K::AdmissionEmergency, service: None, ..need.clone() };
            facilities(state, &at_once, now, words)
        }
        _ => facilities(state, need, now, words),
    };
    let rules = state.rules();
    let Some(commune) = &need.commune else { return offers };
    let name = capital(&naming::place_said(commune, &rules.places, words));
    let local =
        |receiver: Receiver, name: String, hint: &str| Offer { receiver, name, hint: hint.to_owned(), is_full: false };
    match need.kind {
        K::OutreachVisit if !need.restricted => {
            offers.fitting.push(local(Receiver::Team(commune.clone()), words.referral.receiver_team.to_owned(), &name))
        }
        K::TemporaryPlacement | K::CommunityCare => offers.fitting.push(local(
            Receiver::Household(String::new()),
            words.referral.receiver_household.to_owned(),
            "",
        )),
        K::Policy | K::Legal | K::InKind | K::ChildProtection | K::OutreachVisit => {
            let desk = Receiver::Desk(commune.clone());
            offers.fitting.insert(0, local(desk, (words.referral.receiver_desk)(&name), words.referral.desk_acts));
        }
        _ => {
            let desk = Receiver::Desk(commune.clone());
            offers.fitting.push(local(desk, (words.referral.receiver_desk)(&name), words.referral.desk_finds));
        }
    }
    offers
}

/// Other providers than `not`, for somebody who refuses. Whoever refuses emergency protection must name one, so for those
/// kinds every place that takes people in at once is offered, and the commune's desk.
pub fn alternatives(state: AppState, need: &Need, not: &Receiver, words: &Words) -> Vec<Offer> {
    let now = state.now.get();
    let mut found = facilities(state, need, now, words);
    if need.kind.is_emergency() && need.kind != ReferralKind::AdmissionEmergency {
        let at_once = Need { kind: ReferralKind::AdmissionEmergency, service: None, ..need.clone() };
        let more = facilities(state, &at_once, now, words);
        found.fitting.extend(more.fitting);
        found.others.extend(more.others);
    }
    let mut all: Vec<Offer> = found.fitting;
    all.extend(found.others);
    if let Some(commune) = &need.commune {
        let rules = state.rules();
        let name = capital(&naming::place_said(commune, &rules.places, words));
        all.push(Offer {
            receiver: Receiver::Desk(commune.clone()),
            name: (words.referral.receiver_desk)(&name),
            hint: words.referral.desk_finds.to_owned(),
            is_full: false,
        });
    }
    let mut seen = Vec::new();
    all.retain(|o| {
        let key = key(&o.receiver);
        let fresh = o.receiver != *not && !seen.contains(&key);
        seen.push(key);
        fresh
    });
    all
}

fn facilities(state: AppState, need: &Need, now: Timestamp, words: &Words) -> Offers {
    let groups: Vec<&GroupCode> = need.groups.iter().collect();
    state.facilities.with(|all| {
        let gives_it = |f: &Facility| need.service.as_ref().is_none_or(|s| f.facts.services.contains(s));
        // "Link" gathers many kinds of help: there only the very service counts.
        let counts = |f: &&Facility| need.kind != ReferralKind::Link || gives_it(f);
        let offer = |f: &Facility, hint: &str| {
            let places = places_line(f, now, words);
            let hint = [places.as_str(), hint].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", ");
            Offer { receiver: Receiver::Facility(f.id), name: f.facts.name.clone(), hint, is_full: f.is_full() }
        };
        let mut ranked: Vec<&Facility> =
            rank_facilities(all, need.kind, need.tile, &groups).into_iter().filter(counts).collect();
        // Whoever gives the very service stands before others of the same kind; the rest of the order stays.
        domain::order::sort_by_key(&mut ranked, |f| !gives_it(f));
        let mut other: Vec<&Facility> = rank_facilities(all, need.kind, None, &[]).into_iter().filter(counts).collect();
        other.retain(|f| ranked.iter().all(|r| r.id != f.id));
        Offers {
            fitting: ranked.into_iter().map(|f| offer(f, "")).collect(),
            others: other.into_iter().map(|f| offer(f, words.referral.other_group)).collect(),
        }
    })
}
