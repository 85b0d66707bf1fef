//! The harness of the fuzzer on stable: lawful changes, mutated, in any order.

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value};

#[path = "../fuzz/harness.rs"]
mod harness;

/// What may happen to a line on its way.
#[derive(Debug, Clone)]
enum Accident {
    /// Some value within it becomes another.
    Value {
        at: usize,
        to: Value,
    },
    /// A key is gone, or comes under another name.
    Key {
        at: usize,
        to: Option<String>,
    },
    /// A value of this line takes the place of one of another line.
    Graft {
        from: usize,
        taken: usize,
        at: usize,
    },
    /// One byte of its text is another.
    Byte {
        at: usize,
        to: u8,
    },
    Cut {
        at: usize,
    },
}

fn accident() -> impl Strategy<Value = Accident> {
    let strange = prop_oneof![
        Just(Value::Null),
        Just(Value::Bool(true)),
        any::<i64>().prop_map(Value::from),
        Just(Value::from(1.5)),
        Just(Value::from(u64::MAX)),
        Just(Value::from("")),
        Just(Value::from("Ủ́\u{0}𝄞\u{202e}")),
        Just(Value::from("2026-02-30")),
        Just(Value::from("x".repeat(5_000))),
        Just(Value::Array(vec![Value::Null; 70])),
        Just(Value::Object(Map::new())),
    ];
    let name = prop_oneof![Just(None), "[a-z_]{1,8}".prop_map(Some)];
    prop_oneof![
        4 => (any::<usize>(), strange).prop_map(|(at, to)| Accident::Value { at, to }),
        2 => (any::<usize>(), name).prop_map(|(at, to)| Accident::Key { at, to }),
        4 => (any::<usize>(), any::<usize>(), any::<usize>())
            .prop_map(|(from, taken, at)| Accident::Graft { from, taken, at }),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(at, to)| Accident::Byte { at, to }),
        1 => any::<usize>().prop_map(|at| Accident::Cut { at }),
    ]
}

/// Every value within one, itself first.
fn pointers(value: &Value, here: String, all: &mut Vec<String>) {
    all.push(here.clone());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, format!("{here}/{key}"), all));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| pointers(value, format!("{here}/{at}"), all));
        }
        _ => {}
    }
}

fn pick(value: &Value, at: usize) -> String {
    let mut all = vec![];
    pointers(value, String::new(), &mut all);
    all.swap_remove(at % all.len())
}

fn suffer(line: &str, accident: &Accident, others: &[String]) -> Vec<u8> {
    let mut value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(_) => return line.as_bytes().to_vec(),
    };
    match accident {
        Accident::Value { at, to } => {
            let place = pick(&value, *at);
            if let Some(found) = value.pointer_mut(&place) {
                *found = to.clone();
            }
        }
        Accident::Key { at, to } => {
            let place = pick(&value, *at);
            if let Some((parent, key)) = place.rsplit_once('/')
                && let Some(Value::Object(map)) = value.pointer_mut(parent)
                && let Some(taken) = map.remove(key)
                && let Some(name) = to
            {
                map.insert(name.clone(), taken);
            }
        }
        Accident::Graft { from, taken, at } => {
            let other: Value = serde_json::from_str(&others[from % others.len()]).unwrap_or_default();
            let graft = other.pointer(&pick(&other, *taken)).cloned().unwrap_or_default();
            let place = pick(&value, *at);
            if let Some(found) = value.pointer_mut(&place) {
                *found = graft;
            }
        }
        Accident::Byte { at, to } => {
            let mut bytes = line.as_bytes().to_vec();
            let place = at % bytes.len();
            bytes[place] = *to;
            return bytes;
        }
        Accident::Cut { at } => return line.as_bytes()[..at % line.len()].to_vec(),
    }
    value.to_string().into_bytes()
}

/// Lines of the story in any order, some of them several times, some hurt on the way.
fn arrivals(lines: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    vec((any::<usize>(), proptest::option::weighted(0.5, accident())), 1..40).prop_map(move |picks| {
        let hurt = picks.iter().map(|(at, accident)| {
            let line = &lines[at % lines.len()];
            accident.as_ref().map_or_else(|| line.as_bytes().to_vec(), |accident| suffer(line, accident, &lines))
        });
        hurt.collect::<Vec<_>>().join(&b'\n')
    })
}

#[test]
fn the_story_itself_is_lawful() {
    let text = harness::lines().join("\n");
    for line in text.lines() {
        harness::envelope(line.as_bytes());
    }
    harness::check_and_apply(text.as_bytes());
    harness::office(text.as_bytes());
    harness::letters(harness::letter_lines().join("\n").as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    #[test]
    fn any_bytes_are_read_or_not(data in vec(any::<u8>(), 0..300)) {
        harness::envelope(&data);
        harness::answer(&data);
        harness::letters(&data);
    }

    #[test]
    fn any_letters_are_their_writers_and_are_kept_once(data in arrivals(harness::letter_lines())) {
        harness::letters(&data);
    }

    #[test]
    fn a_hurt_change_is_read_as_it_was_meant_or_not_at_all(data in arrivals(harness::lines())) {
        for line in data.split(|byte| *byte == b'\n') {
            harness::envelope(line);
        }
    }

    #[test]
    fn any_changes_in_any_order_are_applied_soundly(data in arrivals(harness::lines())) {
        harness::check_and_apply(&data);
    }

    #[test]
    fn any_changes_leave_the_office_sound(data in arrivals(harness::lines())) {
        harness::office(&data);
    }
}
