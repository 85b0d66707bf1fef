//! `server import places`: reads the tree of places from a file, all of it or nothing. It knows the file's columns.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use domain::{Day, LogId, Place, PlaceId, PlaceKind, Timestamp};
use serde::Deserialize;

use crate::audit;
use crate::config::Store;
use crate::database::{self, now_ms};
use crate::registry::stored::Ledger;
use crate::staff::{self, Roster, Staff};

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
}

#[expect(clippy::print_stdout, reason = "this is for the person at the terminal, not for the log")]
pub async fn places(store: &Store, file: &Path) -> Result<()> {
    let staff = store.open(false).await?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let n = import(&staff, &text, Timestamp(now_ms())).await.with_context(|| file.display().to_string())?;
    println!("{n} places imported.");
    Ok(())
}

/// Writes every place of the file, or nothing when one line is wrong. Returns how many.
///
/// # Errors
/// Names each wrong line with what is wrong in it.
pub async fn import(staff: &Staff, csv: &str, now: Timestamp) -> Result<usize> {
    let mut transaction = database::begin(&staff.pool).await?;
    staff::touch(&mut transaction).await?;
    let roster = Roster::load(&mut transaction, &staff.seal).await?;
    let known: BTreeMap<PlaceId, PlaceKind> = roster.rules.places.iter().map(|p| (p.id.clone(), p.kind)).collect();
    let places = read(csv, &known)?;
    for place in &places {
        staff::put_place(&mut transaction, place).await?;
    }
    let log = places.iter().find(|p| p.parent.is_none()).or(places.first()).map(|p| LogId::Place(p.id.clone()));
    if let Some(log) = log {
        let line = audit::Line {
            at: now,
            worker: String::new(),
            device: String::new(),
            what: audit::IMPORTED,
            about: places.len().to_string(),
        };
        let mut ledger = Ledger::default();
        ledger.audit(&log, line);
        ledger.put_down(&mut transaction, &staff.seal).await?;
    }
    transaction.commit().await?;
    Ok(places.len())
}

fn read(csv: &str, known: &BTreeMap<PlaceId, PlaceKind>) -> Result<Vec<Place>> {
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
    let mut kinds = known.clone();
    let mut first: BTreeMap<PlaceId, u64> = BTreeMap::new();
    for (at, place) in &places {
        if let Some(before) = first.insert(place.id.clone(), *at) {
            wrong.push((*at, format!("the code {} stands in line {before} already", place.id)));
        }
        kinds.insert(place.id.clone(), place.kind);
    }
    for (at, place) in &places {
        wrong.extend(misplaced(place, &kinds).map(|why| (*at, why)));
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
        valid_to: None,
        successor: None,
        old_names: vec![],
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "code,name,type,parent_code,latitude,longitude,valid_from\n";

    fn complaint(lines: &str) -> String {
        read(&format!("{HEAD}{lines}"), &BTreeMap::new()).expect_err("a wrong line").to_string()
    }

    #[test]
    fn the_places_of_lang_son_are_read() {
        let places = read(include_str!("../data/places_lang_son.csv"), &BTreeMap::new()).expect("the file is right");
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
}
