//! What people, places and receivers are called on a page. It keeps the name and village of a restricted case to itself.

use domain::{
    Card, CaseId, Colleague, Day, Facility, Header, PlaceId, Places, Receiver, Sheet, Subject, Tile, WorkerId,
};
use leptos::prelude::With;

use super::state::AppState;
use crate::{
    icon::Icon,
    text::{Lang, Words, capital},
};

/// The heading of a row: the name, the alias, or what somebody without a name can be told by.
#[must_use]
pub fn card_title(card: &Card, today: Day, words: &Words) -> String {
    match (&card.alias, &card.name) {
        (Some(alias), _) => alias.clone(),
        (None, Some(name)) => name.to_string(),
        (None, None) if card.restricted => card.code.to_string(),
        (None, None) => (words.speech.unknown_name)(card.sex, card.age(today)),
    }
}

/// The name with the age, where one line must tell people apart.
#[must_use]
pub fn card_title_aged(card: &Card, today: Day, words: &Words) -> String {
    let title = card_title(card, today, words);
    match card.age(today) {
        Some(age) if card.name.is_some() || card.alias.is_some() => format!("{title}, {}", (words.speech.age)(age)),
        _ => title,
    }
}

/// The soft line of a row: age and village, or that both are hidden.
#[must_use]
pub fn card_line(card: &Card, places: &Places, today: Day, words: &Words) -> String {
    if card.restricted {
        return words.marks.hidden_name.to_owned();
    }
    let place = card.found.clone().or_else(|| card.place.as_ref().map(|p| place_name(p, places)));
    let age = card.age(today).filter(|_| card.name.is_some()).map(|age| (words.speech.age)(age));
    [age, place].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The heading of a case page, where whoever may open it also reads the name.
#[must_use]
pub fn header_title(header: &Header, today: Day, words: &Words) -> String {
    match header.name() {
        Some(name) => name.to_string(),
        None => (words.speech.unknown_name)(header.facts.sex.shown().copied(), header.age(today)),
    }
}

#[must_use]
pub fn sheet_title(sheet: &Sheet, today: Day, words: &Words) -> String {
    let age = sheet.birth.and_then(|b| b.age(today)).or(sheet.approximate_age.map(u16::from));
    let name = sheet.alias.clone().or_else(|| sheet.name.as_ref().map(ToString::to_string));
    match (name, age) {
        (Some(name), Some(age)) => format!("{name}, {}", (words.speech.age)(age)),
        (Some(name), None) => name,
        (None, _) if sheet.withdrawn || sheet.restricted => sheet.code.to_string(),
        (None, age) => (words.speech.unknown_name)(sheet.sex, age),
    }
}

#[must_use]
pub fn place_name(id: &PlaceId, places: &Places) -> String {
    places.find(id).map_or_else(|| id.to_string(), |p| p.name.clone())
}

/// A place with the word for its kind, as it stands within a sentence: `xã Bản Mây`.
#[must_use]
pub fn place_said(id: &PlaceId, places: &Places, words: &Words) -> String {
    places.find(id).map_or_else(|| id.to_string(), |p| (words.speech.place)(p.kind, &p.name))
}

/// The code of a case of this phone; of one that is not here, that it is another.
#[must_use]
pub fn case_code(case: CaseId, state: AppState, words: &Words) -> String {
    let subject = Subject::Case(case);
    let code = state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).map(|c| c.code.to_string()));
    code.unwrap_or_else(|| words.moving.other_case.to_owned())
}

/// A colleague as others speak of them: `chị Hạnh`; whoever is not known, `một đồng nghiệp`.
#[must_use]
pub fn colleague(id: WorkerId, colleagues: &[Colleague], words: &Words) -> String {
    colleagues
        .iter()
        .find(|c| c.id == id)
        .map_or_else(|| words.trail.somebody.to_owned(), |c| (words.speech.titled)(c.address, c.name.given()))
}

/// A colleague by full name.
#[must_use]
pub fn colleague_full(id: WorkerId, colleagues: &[Colleague], words: &Words) -> String {
    colleagues.iter().find(|c| c.id == id).map_or_else(|| words.trail.somebody.to_owned(), |c| c.name.to_string())
}

#[must_use]
pub fn receiver(receiver: &Receiver, facilities: &[Facility], places: &Places, words: &Words) -> String {
    match receiver {
        Receiver::Facility(id) => facilities
            .iter()
            .find(|f| f.id == *id)
            .map_or_else(|| words.referral.to.to_owned(), |f| f.facts.name.clone()),
        Receiver::Team(place) => format!("{}, {}", words.referral.receiver_team, place_said(place, places, words)),
        Receiver::Desk(place) => capital(&place_said(place, places, words)),
        Receiver::Household(name) => name.clone(),
    }
}

#[must_use]
pub fn tile_icon(tile: Tile) -> Icon {
    match tile {
        Tile::Child => Icon::Child,
        Tile::Elderly => Icon::Elder,
        Tile::Disability => Icon::Wheelchair,
        Tile::Wanderer => Icon::LostPlace,
        Tile::Harm => Icon::ShieldAlarm,
        Tile::Illness => Icon::Cross,
        Tile::Poverty => Icon::Bowl,
        Tile::Other => Icon::Dots,
    }
}

#[must_use]
pub fn tile_name(tile: Tile, lang: Lang) -> &'static str {
    lang.of(tile.row().name)
}
