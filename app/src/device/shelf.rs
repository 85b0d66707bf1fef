//! Where subjects lie: which bundle holds the parts of each, which block its list row. It knows bytes and numbers, no
//! database and no key.
//!
//! A subject is given a bundle when it first comes and stays there. Sixteen bundles share a block of list rows. Writing
//! bundles instead of subjects makes a first load a sixteenth of the rows to seal and put; a change of one case rewrites
//! the bytes of its neighbours without reading them.

use std::sync::Arc;

use domain::{
    Card, Cursor, Facility, LogId, Subject, json,
    map::{Map, Set},
    notebook::Stored,
};
use serde::{Deserialize, Serialize};

/// Subjects of one bundle: some thirty kilobytes, opened in a moment.
pub const BUNDLE_SUBJECTS: usize = 16;
/// Bundles whose list rows lie in one block: 256 rows.
pub const BLOCK_BUNDLES: u32 = 16;
/// Raised whenever a [`Card`] comes to mean something else: blocks of another number are made anew from the parts.
const CARDS: u32 = 2;

/// A list row: what is known of a subject without opening it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The log it lives in.
    pub log: LogId,
    pub card: Option<Arc<Card>>,
    pub facility: Option<Arc<Facility>>,
    pub bundle: u32,
}

impl Row {
    #[must_use]
    pub fn of(subject: Subject, lived: &Lived, bundle: u32) -> Self {
        Self {
            log: lived.log.clone(),
            card: Card::of(subject, &lived.stored.parts).map(Arc::new),
            facility: lived.stored.parts.facility().cloned().map(Arc::new),
            bundle,
        }
    }
}

/// A subject's parts with the log they live in.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lived {
    pub log: LogId,
    pub stored: Stored,
}

/// What lies where, as of one version of the database.
#[derive(Debug, Default)]
pub struct Shelf {
    pub version: u64,
    pub rows: Map<Subject, Row>,
    pub bundles: Map<u32, Set<Subject>>,
    pub cursors: Map<LogId, Cursor>,
}

impl Shelf {
    /// Puts a row where it belongs, in the place of an older one.
    pub fn put(&mut self, subject: Subject, row: Row) {
        if self.rows.get(&subject).is_some_and(|old| old.bundle != row.bundle) {
            self.remove(subject);
        }
        self.bundles.get_or_insert_with(row.bundle, Set::new).insert(subject);
        self.rows.insert(subject, row);
    }
    pub fn remove(&mut self, subject: Subject) {
        let Some(row) = self.rows.remove(&subject) else { return };
        if let Some(members) = self.bundles.get_mut(&row.bundle) {
            members.remove(&subject);
            if members.is_empty() {
                self.bundles.remove(&row.bundle);
            }
        }
    }
    /// The bundle that new subjects go to.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.bundles.keys().next_back().copied()
    }
    /// The rows of a block as bytes, as they will be once `changed` holds; `None` when there are none.
    #[must_use]
    pub fn block(&self, number: u32, changed: &Map<Subject, Option<Row>>) -> Option<Vec<u8>> {
        let bundles = number * BLOCK_BUNDLES..(number + 1) * BLOCK_BUNDLES;
        let stays = self.bundles.iter().filter(|(bundle, _)| bundles.contains(bundle)).flat_map(|(_, members)| members);
        let stays = stays.filter(|subject| !changed.contains_key(subject)).filter_map(|s| Some((s, self.rows.get(s)?)));
        let comes = changed.iter().filter_map(|(subject, row)| Some((subject, row.as_ref()?)));
        let comes = comes.filter(|(_, row)| bundles.contains(&row.bundle));
        let rows: Vec<RowOut<'_>> = stays.chain(comes).map(RowOut::of).collect();
        if rows.is_empty() {
            return None;
        }
        Some(json::write(&BlockOut { v: CARDS, rows }).expect("cards and facilities are lawful JSON"))
    }
    /// Takes over the rows of a block; false when they must be made anew.
    #[must_use]
    pub fn read_block(&mut self, bytes: &[u8]) -> bool {
        let Ok(block) = json::read::<BlockIn>(bytes) else { return false };
        if block.v != CARDS {
            return false;
        }
        for row in &block.rows {
            self.bundles.get_or_insert_with(row.bundle, Set::new).insert(row.subject);
        }
        self.rows.extend(block.rows.into_iter().map(|RowIn { subject, log, bundle, card, facility }| {
            (subject, Row { log, card: card.map(Arc::new), facility: facility.map(Arc::new), bundle })
        }));
        true
    }
}

#[must_use]
pub fn block_of(bundle: u32) -> u32 {
    bundle / BLOCK_BUNDLES
}

#[derive(Serialize)]
struct BlockOut<'a> {
    v: u32,
    rows: Vec<RowOut<'a>>,
}
#[derive(Serialize)]
struct RowOut<'a> {
    subject: &'a Subject,
    log: &'a LogId,
    bundle: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a Card>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<&'a Facility>,
}
impl<'a> RowOut<'a> {
    fn of((subject, row): (&'a Subject, &'a Row)) -> Self {
        let (card, facility) = (row.card.as_deref(), row.facility.as_deref());
        Self { subject, log: &row.log, bundle: row.bundle, card, facility }
    }
}
#[derive(Deserialize)]
struct BlockIn {
    v: u32,
    rows: Vec<RowIn>,
}
#[derive(Deserialize)]
struct RowIn {
    subject: Subject,
    log: LogId,
    bundle: u32,
    #[serde(default)]
    card: Option<Card>,
    #[serde(default)]
    facility: Option<Facility>,
}

/// The subjects of a bundle, each as the bytes it was written as.
pub type Bundle = Map<Subject, Vec<u8>>;

/// A bundle as bytes: before each subject a line with its name and length.
#[must_use]
pub fn pack(bundle: &Bundle) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(bundle.values().map(|content| content.len() + 64).sum());
    for (subject, content) in bundle {
        bytes.extend(subject.to_string().bytes());
        bytes.push(b' ');
        bytes.extend(content.len().to_string().bytes());
        bytes.push(b'\n');
        bytes.extend(content);
    }
    bytes
}

/// The subjects of a bundle; `None` when the bytes are no bundle.
#[must_use]
pub fn unpack(mut bytes: &[u8]) -> Option<Bundle> {
    let mut bundle = Bundle::new();
    while !bytes.is_empty() {
        let line = bytes.iter().position(|b| *b == b'\n')?;
        let (subject, length) = std::str::from_utf8(&bytes[..line]).ok()?.split_once(' ')?;
        let end = line.checked_add(1)?.checked_add(length.parse::<usize>().ok()?)?;
        bundle.insert(subject.parse().ok()?, bytes.get(line + 1..end)?.to_vec());
        bytes = &bytes[end..];
    }
    Some(bundle)
}
