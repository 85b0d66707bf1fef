//! `server import places`: reads the tree of places from a file, all of it or nothing. It knows the file's columns.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use domain::{Day, Place, PlaceId, PlaceKind, Places, Timestamp};
use serde::Deserialize;

use crate::config::Store;
use crate::database::now_ms;
use crate::registry::{Deed, change_rights};
use crate::staff::Staff;

/// A line as it stands in the file.
#[derive(Deserialize)]
struct Line {
    code: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    parent_code: String,
    latitude: String,
    longitude: String,
    valid_from: String,
    /// The first day on which the place is no more, and where its people and cases went: both or neither.
    #[serde(default)]
    valid_to: String,
    #[serde(default)]
    successor_code: String,
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn places(store: &Store, file: &Path) -> Result<()> {
    let staff = store.open(false).await?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let n = import(&staff, &text, Timestamp(now_ms())).await.with_context(|| file.display().to_string())?;
    println!("{n} places imported.");
    Ok(())
}

/// Writes every place of the file, or nothing when one line is wrong. Returns how many. A place that has ended names its
/// successor: who works there sees its cases from now on.
///
/// # Errors
/// Names each wrong line with what is wrong in it.
pub async fn import(staff: &Staff, csv: &str, now: Timestamp) -> Result<usize> {
    let mut connection = staff.pool.acquire().await?;
    let roster = staff.roster(&mut connection).await?;
    drop(connection);
    let mut places = read(csv, &roster.rules.places, now.day())?;
    for place in &mut places {
        if let Some(known) = roster.rules.places.find(&place.id) {
            keep_history(place, known);
        }
    }
    change_rights(staff, Deed::Places(&places), now).await?;
    Ok(places.len())
}

/// What a file says of a place does not undo where it lay and what it was called before.
fn keep_history(place: &mut Place, known: &Place) {
    place.old_names.clone_from(&known.old_names);
    if place.name != known.name && !place.old_names.contains(&known.name) {
        place.old_names.push(known.name.clone());
    }
    place.former_parents.clone_from(&known.former_parents);
    if let Some(before) = known.parent.as_ref().filter(|before| place.parent.as_ref() != Some(*before)) {
        place.former_parents.retain(|former| former != before);
        place.former_parents.push(before.clone());
    }
    place.former_parents.retain(|former| place.parent.as_ref() != Some(former));
}

fn read(csv: &str, known: &Places, today: Day) -> Result<Vec<Place>> {
    // Lines are counted as an editor counts them, whatever ends them.
    let csv = csv.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv.as_bytes());
    let mut wrong = Vec::new();
    let mut places: Vec<(u64, Place)> = Vec::new();
    let head = reader.headers()?.clone();
    for row in reader.records() {
        let at = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
        match row {
            Ok(row) => {
                let at = at(row.position());
                let line = row.deserialize::<Line>(Some(&head)).map_err(|error| error.to_string());
                match line.and_then(|line| parse(&line)) {
                    Ok(place) => places.push((at, place)),
                    Err(why) => wrong.push((at, why)),
                }
            }
            Err(error) => wrong.push((at(error.position()), error.to_string())),
        }
    }
    let mut kinds: BTreeMap<PlaceId, PlaceKind> = known.iter().map(|p| (p.id.clone(), p.kind)).collect();
    let mut successors: BTreeMap<PlaceId, PlaceId> =
        known.iter().filter_map(|p| Some((p.id.clone(), p.successor.clone()?))).collect();
    let mut first: BTreeMap<PlaceId, u64> = BTreeMap::new();
    for (at, place) in &places {
        if let Some(before) = first.insert(place.id.clone(), *at) {
            wrong.push((*at, format!("the code {} stands in line {before} already", place.id)));
        }
        kinds.insert(place.id.clone(), place.kind);
        successors.remove(&place.id);
        successors.extend(place.successor.clone().map(|to| (place.id.clone(), to)));
    }
    for (at, place) in &places {
        wrong.extend(misplaced(place, &kinds).map(|why| (*at, why)));
        wrong.extend(wrongly_ended(place, &kinds, &successors, today).map(|why| (*at, why)));
    }
    if !wrong.is_empty() {
        wrong.sort();
        let lines: Vec<String> = wrong.into_iter().map(|(at, why)| format!("line {at}: {why}")).collect();
        bail!("nothing was imported\n{}", lines.join("\n"));
    }
    if places.is_empty() {
        bail!("nothing was imported: there is no line");
    }
    Ok(places.into_iter().map(|(_, place)| place).collect())
}

fn parse(line: &Line) -> Result<Place, String> {
    let code = |text: &str| text.parse::<PlaceId>().map_err(|_| format!("\"{text}\" is not a code of a place"));
    let degrees = |text: &str, most: f64| -> Result<Option<i32>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let value = text.parse::<f64>().ok().filter(|v| v.abs() <= most);
        #[expect(clippy::cast_possible_truncation, reason = "degrees are within ±180")]
        let millionths = value.map(|degrees| Some((degrees * 1e6).round() as i32));
        millionths.ok_or_else(|| format!("\"{text}\" is not a position in degrees"))
    };
    if line.name.is_empty() || line.name.chars().count() > domain::limits::LABEL_CHARS {
        return Err("a name has 1 to 200 characters".to_owned());
    }
    Ok(Place {
        id: code(&line.code)?,
        name: line.name.clone(),
        kind: PlaceKind::parse(&line.kind)
            .ok_or_else(|| format!("\"{}\" is not province, commune, ward, special_zone or village", line.kind))?,
        parent: if line.parent_code.is_empty() { None } else { Some(code(&line.parent_code)?) },
        valid_from: line
            .valid_from
            .parse::<Day>()
            .map_err(|_| format!("\"{}\" is not a day written YYYY-MM-DD", line.valid_from))?,
        valid_to: match line.valid_to.as_str() {
            "" => None,
            day => Some(day.parse::<Day>().map_err(|_| format!("\"{day}\" is not a day written YYYY-MM-DD"))?),
        },
        successor: if line.successor_code.is_empty() { None } else { Some(code(&line.successor_code)?) },
        old_names: vec![],
        former_parents: vec![],
        latitude_e6: degrees(&line.latitude, 90.0)?,
        longitude_e6: degrees(&line.longitude, 180.0)?,
    })
}

fn misplaced(place: &Place, kinds: &BTreeMap<PlaceId, PlaceKind>) -> Option<String> {
    let Some(parent) = &place.parent else {
        return (place.kind != PlaceKind::Province).then(|| "only a province has no parent".to_owned());
    };
    match kinds.get(parent) {
        None => Some(format!("no place has the parent's code {parent}")),
        Some(kind) => {
            let fits = match place.kind {
                PlaceKind::Province => false,
                PlaceKind::Commune | PlaceKind::Ward | PlaceKind::SpecialZone => *kind == PlaceKind::Province,
                PlaceKind::Village => kind.is_commune_level(),
            };
            (!fits).then(|| format!("a {:?} does not lie in a {kind:?}", place.kind).to_lowercase())
        }
    }
}

/// What is wrong with how a place ended. Sight follows as soon as it is imported: an end that is still to come is imported on
/// its day.
fn wrongly_ended(
    place: &Place,
    kinds: &BTreeMap<PlaceId, PlaceKind>,
    successors: &BTreeMap<PlaceId, PlaceId>,
    today: Day,
) -> Option<String> {
    let (valid_to, successor) = match (place.valid_to, &place.successor) {
        (None, None) => return None,
        (Some(valid_to), Some(successor)) => (valid_to, successor),
        (Some(_), None) => return Some("a place that ends names its successor".to_owned()),
        (None, Some(_)) => return Some("a place with a successor says when it ended".to_owned()),
    };
    if valid_to > today {
        return Some(format!("the place ends on {valid_to}: import that on the day"));
    }
    if valid_to < place.valid_from {
        return Some(format!("it ended on {valid_to}, before it began"));
    }
    let alike = |a: PlaceKind, b: PlaceKind| a == b || (a.is_commune_level() && b.is_commune_level());
    match kinds.get(successor) {
        None => return Some(format!("no place has the successor's code {successor}")),
        Some(kind) if !alike(*kind, place.kind) => {
            return Some(format!("a {:?} does not go into a {kind:?}", place.kind).to_lowercase());
        }
        Some(_) => {}
    }
    let mut at = successor;
    for _ in 0..16 {
        if *at == place.id {
            return Some(format!("{successor} went into {} itself", place.id));
        }
        at = successors.get(at)?;
    }
    Some("its successors go on for ever".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "code,name,type,parent_code,latitude,longitude,valid_from\n";

    fn complaint(lines: &str) -> String {
        read(&format!("{HEAD}{lines}"), &Places::default(), Day::of(2026, 3, 9).expect("a day"))
            .expect_err("a wrong line")
            .to_string()
    }

    #[test]
    fn the_places_of_lang_son_are_read() {
        let places =
            read(include_str!("../data/places_lang_son.csv"), &Places::default(), Day::of(2026, 3, 9).expect("a day"))
                .expect("the file is right");
        assert_eq!(places.len(), 66);
        assert_eq!(places.iter().filter(|p| p.kind == PlaceKind::Ward).count(), 4);
        let na_sam = places.iter().find(|p| p.id.as_str() == "06124").expect("Xã Na Sầm");
        assert_eq!((na_sam.name.as_str(), na_sam.latitude_e6), ("Xã Na Sầm", Some(22_076_600)));
    }

    #[test]
    fn each_wrong_line_is_named() {
        let said = complaint(
            "20,Tỉnh Lạng Sơn,province,,,,2025-07-01\n\
             1,Xã Một,hamlet,20,,,2025-07-01\n\
             2,Xã Hai,commune,21,,,2025-07-01\n\
             3,Xã Ba,commune,20,,,01/07/2025\n\
             4,Xã Bốn,commune,20,921.5,106,2025-07-01\n\
             5,,commune,20,,,2025-07-01\n",
        );
        for line in
            ["line 3: \"hamlet\"", "line 4: no place", "line 5: \"01/07/2025\"", "line 6: \"921.5\"", "line 7: a name"]
        {
            assert!(said.contains(line), "{line} in {said}");
        }
        assert!(!said.contains("line 2"), "{said}");
    }

    #[test]
    fn a_code_stands_once_and_a_village_not_under_a_province() {
        let said = complaint(
            "20,Tỉnh,province,,,,2025-07-01\n20,Tỉnh,province,,,,2025-07-01\nv,Thôn,village,20,,,2025-07-01\n",
        );
        assert!(said.contains("line 3: the code 20 stands in line 2 already"), "{said}");
        assert!(said.contains("line 4: a village does not lie in a province"), "{said}");
    }

    #[test]
    fn a_place_ends_in_a_place_of_its_kind_and_not_before_its_day() {
        let head = "code,name,type,parent_code,latitude,longitude,valid_from,valid_to,successor_code\n";
        let read =
            |lines: &str| read(&format!("{head}{lines}"), &Places::default(), Day::of(2026, 3, 9).expect("a day"));
        let said = read(
            "20,Tỉnh,province,,,,2025-07-01,,\n\
             1,Xã Một,commune,20,,,2025-07-01,2026-03-01,9\n\
             2,Xã Hai,commune,20,,,2025-07-01,2026-03-01,\n\
             3,Xã Ba,commune,20,,,2025-07-01,,20\n\
             4,Xã Bốn,commune,20,,,2025-07-01,2026-03-10,5\n\
             5,Xã Năm,commune,20,,,2025-07-01,2026-03-01,20\n\
             6,Xã Sáu,commune,20,,,2025-07-01,2026-03-01,7\n\
             7,Xã Bảy,commune,20,,,2025-07-01,2026-03-01,6\n",
        )
        .expect_err("wrong lines")
        .to_string();
        for line in [
            "line 3: no place has the successor's code 9",
            "line 4: a place that ends names its successor",
            "line 5: a place with a successor says when it ended",
            "line 6: the place ends on 2026-03-10",
            "line 7: a commune does not go into a province",
            "line 8: 7 went into 6 itself",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        let right = read(
            "20,Tỉnh,province,,,,2025-07-01,,\n1,Xã Một,commune,20,,,2025-07-01,2026-03-09,2\n\
             2,Phường Hai,ward,20,,,2025-07-01,,\n",
        );
        assert_eq!(right.expect("they are right")[1].successor, Some("2".parse().expect("a code")));
    }
}
