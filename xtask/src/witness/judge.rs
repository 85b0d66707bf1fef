//! The last judgement of a round, when all is quiet: what was promised against what everybody can read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ledger::{Law, Ledger, Promise, Said, Written};
use super::office::Counted;
use super::phone::{Reader, Row, Store, case_of, list};
use super::village::{PEOPLE, Work};

/// A subject's history carries its last steps only.
const TRAIL: usize = 50;

/// What one phone has, asked for little by little and all at once.
pub struct View {
    pub person: usize,
    pub phone: usize,
    pub little_by_little: Reader,
    pub from_scratch: Reader,
}

/// How far the logs and the counts were before anybody wrote anything.
#[derive(Clone, Debug, Default)]
pub struct Before {
    pub heads: BTreeMap<String, i64>,
    pub counted: Counted,
}

pub fn head(reader: &Reader, log: &str) -> i64 {
    reader.cursors.get(log).and_then(|cursor| cursor["seq"].as_i64()).unwrap_or(0)
}

pub fn judge(ledger: &mut Ledger, views: &[View], before: &Before, counted: Counted) {
    ledger.judge_sight();
    alike(ledger, views);
    positions(ledger, views, before);
    settled(ledger, views);
    counts(ledger, before, counted);
    let waiting: Vec<(String, String)> = ledger
        .written
        .values()
        .filter_map(|w| if let Promise::Waits { on } = &w.promise { Some((w.id.clone(), on.clone())) } else { None })
        .collect();
    for (id, on) in waiting {
        if ledger.written.get(&on).is_some_and(Written::is_kept) {
            ledger.found(Law::Kept, format!("{id} still waits on {on}, which is there"));
        }
    }
    let unheard: Vec<String> =
        ledger.written.values().filter(|w| w.promise == Promise::None).map(|w| w.id.clone()).collect();
    for id in unheard {
        ledger.found(Law::Verdicts, format!("{id} was sent and has no verdict"));
    }
    for case in ledger.cases.keys().cloned().collect::<Vec<_>>() {
        of_case(ledger, views, &case);
    }
}

fn alike(ledger: &mut Ledger, views: &[View]) {
    let mut first: BTreeMap<(String, String, String), (Row, &str)> = BTreeMap::new();
    for view in views {
        let who = PEOPLE[view.person].user_name;
        let (little, all) = (&view.little_by_little, &view.from_scratch);
        for (at, what) in difference(&little.store, &all.store) {
            ledger.found(Law::Alike, format!("{who}, phone {}: {} {}: {what}", view.phone, at.0, at.1));
        }
        if little.cursors != all.cursors {
            ledger
                .found(Law::Alike, format!("{who}: {:?} little by little, {:?} at once", little.cursors, all.cursors));
        }
        for ((subject, key), row) in &all.store {
            let at = (row.log.clone(), subject.clone(), key.clone());
            match first.get(&at) {
                None => {
                    first.insert(at, (row.clone(), who));
                }
                Some((same, _)) if same == row => {}
                Some((_, other)) => {
                    ledger.found(Law::Alike, format!("{who} and {other} have another {key} of {subject}"));
                }
            }
        }
    }
    for view in views {
        let twin = views.iter().find(|other| other.person == view.person && other.phone < view.phone);
        if let Some(twin) = twin {
            for (at, what) in difference(&twin.from_scratch.store, &view.from_scratch.store) {
                let who = PEOPLE[view.person].user_name;
                ledger.found(Law::Alike, format!("two phones of {who}: {} {}: {what}", at.0, at.1));
            }
        }
    }
}

fn difference(one: &Store, two: &Store) -> Vec<((String, String), &'static str)> {
    let keys: BTreeSet<&(String, String)> = one.keys().chain(two.keys()).collect();
    let differs = |at: &(String, String)| match (one.get(at), two.get(at)) {
        (Some(_), None) => Some("only the first has it"),
        (None, Some(_)) => Some("only the second has it"),
        (a, b) if a != b => Some("they differ"),
        _ => None,
    };
    keys.into_iter().filter_map(|at| Some((at.clone(), differs(at)?))).collect()
}

/// Each change that was kept took one position of its log, and nothing else took any.
fn positions(ledger: &mut Ledger, views: &[View], before: &Before) {
    let mut kept: BTreeMap<String, i64> = BTreeMap::new();
    for written in ledger.written.values().filter(|w| w.is_kept()) {
        *kept.entry(written.log.clone()).or_default() += 1;
    }
    let mut ends: BTreeMap<String, (Value, &str)> = BTreeMap::new();
    for view in views {
        let who = PEOPLE[view.person].user_name;
        for (log, cursor) in view.from_scratch.cursors.iter().filter(|(log, _)| log.starts_with("place:")) {
            let end = ends.entry(log.clone()).or_insert_with(|| (cursor.clone(), who));
            if end.0 != *cursor {
                let what = format!("{log} ends at {cursor} for {who}, at {} for {}", end.0, end.1);
                ledger.found(Law::Order, what);
            }
        }
    }
    for (log, (end, _)) in ends {
        let (begin, end) = (before.heads.get(&log).copied().unwrap_or(0), end["seq"].as_i64().unwrap_or(0));
        let count = kept.get(&log).copied().unwrap_or(0);
        if end - begin != count {
            let what = format!("{log} went from {begin} to {end}, and {count} changes were kept in it");
            ledger.found(Law::Order, what);
        }
    }
}

/// What the office says it has of a device is what it promised to that device.
fn settled(ledger: &mut Ledger, views: &[View]) {
    for view in views {
        let own = ledger.written.values().filter(|w| w.phone == view.phone);
        let promised: BTreeMap<String, i64> = own
            .filter_map(|w| if let Promise::Kept { at } = w.promise { Some((w.id.clone(), at)) } else { None })
            .collect();
        for (how, settled) in [("little by little", &view.little_by_little), ("at once", &view.from_scratch)] {
            for (id, at) in &promised {
                match settled.settled.get(id) {
                    None => ledger.found(Law::Kept, format!("{id} was promised, and no page settles it {how}")),
                    Some(shown) if shown != at => {
                        ledger.found(Law::Verdicts, format!("{id} was received at {at}, {how} at {shown}"));
                    }
                    Some(_) => {}
                }
            }
            for id in settled.settled.keys().filter(|id| !promised.contains_key(*id)) {
                ledger.found(Law::AsWritten, format!("{id} was not kept, and is settled {how}"));
            }
        }
    }
}

fn counts(ledger: &mut Ledger, before: &Before, counted: Counted) {
    let of = |is: fn(&Promise) -> bool| ledger.written.values().filter(|w| is(&w.promise)).count() as u64;
    let promised = Counted {
        changes: of(|p| matches!(p, Promise::Kept { .. })),
        waiting: of(|p| matches!(p, Promise::Waits { .. })),
        set_aside: of(|p| *p == Promise::Aside),
    };
    let there = Counted {
        changes: counted.changes.saturating_sub(before.counted.changes),
        waiting: counted.waiting.saturating_sub(before.counted.waiting),
        set_aside: counted.set_aside.saturating_sub(before.counted.set_aside),
    };
    if promised != there {
        ledger.found(Law::Check, format!("promised were {promised:?}, `server check` counts {there:?}"));
    }
}

fn of_case(ledger: &mut Ledger, views: &[View], case: &str) {
    let Some(opening) = ledger.cases.get(case).and_then(|id| ledger.written.get(id)).cloned() else { return };
    let subject = format!("case:{case}");
    let mut truth: Option<Vec<(String, Row)>> = None;
    for view in views {
        let who = &PEOPLE[view.person];
        let rows = rows_of(&view.from_scratch.store, &subject);
        let is_seen = rows.iter().any(|(key, _)| !key.starts_with("sheet:"));
        let should = opening.is_kept() && ledger.sees(view.person, case);
        if is_seen != should {
            let verb = if should { "may see and does not have" } else { "may not see and has" };
            ledger.found(Law::Sight, format!("{} {verb} {subject}", who.user_name));
        }
        if is_seen && truth.is_none() {
            truth = Some(rows);
        }
    }
    if !opening.is_kept() {
        return;
    }
    let Some(rows) = truth else {
        ledger.found(Law::Kept, format!("{subject} was promised, and nobody has it"));
        return;
    };
    let part = |key: &str| rows.iter().find(|(k, _)| k == key).map(|(_, row)| &row.part);
    let kept: Vec<&Written> = ledger.written.values().filter(|w| w.case == case && w.is_kept()).collect();
    let mut found: Vec<(Law, String)> = Vec::new();

    let Some(header) = part("header").map(|part| &part["header"]) else { return };
    if header["opened"] != opening.id.as_str() || header["log"] != opening.log.as_str() {
        found.push((Law::AsWritten, format!("{subject} was opened by {} in {}", header["opened"], header["log"])));
    }
    fields(header, &kept, &mut found);

    // Every part that one change made is there, and none that nobody made.
    let made = |kind: &str, is: fn(&Said) -> bool| {
        let there: BTreeSet<&str> = rows.iter().filter_map(|(k, _)| k.strip_prefix(kind)?.strip_prefix(':')).collect();
        let wanted: BTreeSet<&str> = kept.iter().filter(|w| is(&w.said)).map(|w| w.id.as_str()).collect();
        compare(&format!("{subject}: {kind}"), &wanted, &there)
    };
    found.extend(made("visit", |said| matches!(said, Said::Visited { .. })));
    found.extend(made("task", |said| matches!(said, Said::Tasked { .. })));
    found.extend(made("referral", |said| matches!(said, Said::Asked)));
    for written in &kept {
        let shown = match &written.said {
            Said::Visited { text } => {
                part(&format!("visit:{}", written.id)).map(|p| (text, &p["visit"]["visit"]["seen"]))
            }
            Said::Tasked { text } => part(&format!("task:{}", written.id)).map(|p| (text, &p["task"]["task"]["what"])),
            Said::Done { task, text } => {
                let done = part(&format!("task:{task}")).map_or(&[][..], |p| list(&p["task"]["done"]));
                let mine: Vec<_> = done.iter().filter(|d| d["written"]["id"] == written.id.as_str()).collect();
                if mine.len() != 1 {
                    found.push((Law::Kept, format!("{} stands {} times on its task", written.id, mine.len())));
                }
                mine.first().map(|done| (text, &done["note"]))
            }
            _ => None,
        };
        if let Some((text, shown)) = shown
            && shown != text.as_str()
        {
            found.push((Law::AsWritten, format!("{}: `{text}` was written, {shown} is there", written.id)));
        }
    }
    trail(&subject, part("trail"), &kept, &mut found);
    referrals(views, &subject, &rows, &kept, &mut found);
    for (law, what) in found {
        ledger.found(law, what);
    }
}

/// Each field holds exactly what nobody has decided between: every value that no other writer has seen.
fn fields(header: &Value, kept: &[&Written], found: &mut Vec<(Law, String)>) {
    let mut wanted: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for written in kept {
        match &written.said {
            Said::Opened { facts } => {
                for (field, value) in facts {
                    wanted.entry(field).or_default().insert(&written.id, value);
                }
            }
            Said::Edited { field, value, saw } => {
                wanted.entry(field).or_default().insert(&written.id, value);
                seen.extend(saw.iter().map(|id| (*field, id.as_str())));
            }
            _ => {}
        }
    }
    for (field, mut values) in wanted {
        values.retain(|id, _| !seen.contains(&(field, *id)));
        let candidates = list(&header["facts"][field]);
        let there: BTreeSet<&str> = candidates.iter().filter_map(|c| c["change"].as_str()).collect();
        let what = format!("case {}: {field}", header["case"]);
        found.extend(compare(&what, &values.keys().copied().collect(), &there));
        if there.len() != candidates.len() {
            found.push((Law::Once, format!("{what} holds one answer twice")));
        }
        for candidate in candidates {
            let value = candidate["change"].as_str().and_then(|id| values.get(id));
            // A consent is sent back with what its writer left out.
            let is_same = |value: &Value| match (value, &candidate["value"]) {
                (Value::Object(wrote), Value::Object(shown)) => wrote.iter().all(|(k, v)| shown.get(k) == Some(v)),
                (wrote, shown) => wrote == shown,
            };
            if let Some(value) = value.filter(|value| !is_same(value)) {
                found.push((Law::AsWritten, format!("{what}: {value} was written, {} is there", candidate["value"])));
            }
        }
    }
}

fn compare(what: &str, wanted: &BTreeSet<&str>, there: &BTreeSet<&str>) -> Vec<(Law, String)> {
    let missing = wanted.difference(there).map(|id| (Law::Kept, format!("{what} lacks {id}")));
    let strange =
        there.difference(wanted).map(|id| (Law::AsWritten, format!("{what} holds {id}, which is not to be there")));
    missing.chain(strange).collect()
}

fn trail(subject: &str, part: Option<&Value>, kept: &[&Written], found: &mut Vec<(Law, String)>) {
    let steps = part.map_or(&[][..], |part| list(&part["trail"]["entries"]));
    let there: BTreeSet<&str> = steps.iter().filter_map(|step| step["written"]["id"].as_str()).collect();
    if there.len() != steps.len() {
        found.push((Law::Once, format!("{subject}: one change stands twice in its history")));
    }
    let wanted: BTreeSet<&str> = kept.iter().map(|w| w.id.as_str()).collect();
    if kept.len() <= TRAIL {
        found.extend(compare(&format!("{subject}: its history"), &wanted, &there));
    } else if there.len() != TRAIL || !there.is_subset(&wanted) {
        found.push((Law::AsWritten, format!("{subject}: its history is not of its last {TRAIL} changes")));
    }
}

fn referrals(views: &[View], subject: &str, rows: &[(String, Row)], kept: &[&Written], found: &mut Vec<(Law, String)>) {
    for (key, row) in rows {
        let Some(id) = key.strip_prefix("referral:") else { continue };
        let acts = list(&row.part["referral"]["progress"]["acts"]);
        let there: BTreeSet<&str> = acts.iter().filter_map(|act| act["change"].as_str()).collect();
        let is_of = |w: &&&Written| matches!(&w.said, Said::Acted { referral } if referral == id);
        let wanted: BTreeSet<&str> = kept.iter().filter(is_of).map(|w| w.id.as_str()).collect();
        found.extend(compare(&format!("{subject} {key}"), &wanted, &there));
        if there.len() != acts.len() {
            found.push((Law::Once, format!("{subject} {key}: one act stands twice")));
        }
        let is_decision = |act: &&Value| act["act"].get("approve").is_some() || act["act"].get("refuse").is_some();
        let moved = |act: &&Value| !act["moved_to"].is_null();
        let decisions: Vec<&Value> = acts.iter().filter(is_decision).collect();
        let first = decisions.iter().copied().filter(moved).collect::<Vec<_>>();
        if first.len() != usize::from(!decisions.is_empty()) {
            found.push((Law::AsWritten, format!("{subject} {key}: {} decisions stand", first.len())));
        }
        if acts.iter().filter(|act| act["act"] == "accept").filter(moved).count() > 1 {
            found.push((Law::AsWritten, format!("{subject} {key}: was accepted twice")));
        }
        // Only what a desk has approved reaches the receiver, and no more of it than was agreed.
        let approved = first.iter().any(|act| act["act"].get("approve").is_some());
        for view in views.iter().filter(|view| PEOPLE[view.person].work == Work::Intake) {
            let who = PEOPLE[view.person].user_name;
            let sheet = view.from_scratch.store.get(&(subject.to_owned(), format!("sheet:{id}")));
            if sheet.is_some() != (approved && who == "thanh") {
                found.push((Law::Sight, format!("{subject}: the sheet of {id}, for {who}: {}", sheet.is_some())));
            }
            let shared = sheet.map(|row| &row.part["sheet"]);
            if shared.is_some_and(|s| {
                s["name"] != "Nông Thị Thử" || !s["what_happened"].is_null() || !s["household"].is_null()
            }) {
                found.push((Law::Sight, format!("{subject}: the sheet of {id} says more or less than was agreed")));
            }
        }
    }
}

fn rows_of(store: &Store, subject: &str) -> Vec<(String, Row)> {
    debug_assert!(case_of(subject).is_some(), "{subject} is a case");
    store
        .range((subject.to_owned(), String::new())..)
        .take_while(|((of, _), _)| of == subject)
        .map(|((_, key), row)| (key.clone(), row.clone()))
        .collect()
}
