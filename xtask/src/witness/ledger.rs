//! What was written, what the office promised of it, and who was handed what: facts with their times, and the rules that
//! can be judged the moment a word is heard.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use serde_json::Value;

use super::village::{self, PEOPLE, Person};

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// What was acknowledged is there.
    Kept,
    /// And once only.
    Once,
    /// And it is what was written: nothing that nobody wrote, nothing decided in silence.
    AsWritten,
    /// A verdict never takes back another, and each has its reason.
    Verdicts,
    /// Positions have no gaps and never go back.
    Order,
    /// A phone that asks little by little has what one has that asks for all.
    Alike,
    /// Nobody is handed what is not theirs to see, and everybody what is.
    Sight,
    /// `server check` finds nothing wrong and counts the same.
    Check,
    /// The plan tried what it says it tries.
    Tried,
}

#[derive(Clone, Debug)]
pub struct Finding {
    pub law: Law,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.law, self.what)
    }
}

/// What a change says, as far as the judge must know.
#[derive(Clone, Debug)]
pub enum Said {
    Opened { facts: Vec<(&'static str, Value)> },
    Edited { field: &'static str, value: Value, saw: Vec<String> },
    Visited { text: String },
    Tasked { text: String },
    Done { task: String, text: String },
    Asked,
    Acted { referral: String },
}

impl Said {
    /// What it says of the case, fact by fact.
    fn facts(&self) -> Vec<(&str, &Value)> {
        match self {
            Self::Opened { facts } => facts.iter().map(|(field, value)| (*field, value)).collect(),
            Self::Edited { field, value, .. } => vec![(*field, value)],
            _ => vec![],
        }
    }
}

/// What the office said last of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Promise {
    None,
    Kept { at: i64 },
    Waits { on: String },
    Aside,
    Refused { why: String },
}

#[derive(Clone, Debug)]
pub struct Written {
    pub id: String,
    pub log: String,
    pub case: String,
    pub person: usize,
    pub phone: usize,
    pub n: u64,
    pub said: Said,
    pub sent: Option<Instant>,
    pub promise: Promise,
    /// When the promise was heard, and when the call that brought it began.
    pub heard: Option<(Instant, Instant)>,
    /// Its promise is younger than the backup that the office came back from.
    pub shaken: bool,
    /// How often the office called it new since it last lost anything.
    accepted: u32,
}

impl Written {
    pub fn new(id: &str, log: &str, case: &str, person: usize, phone: usize, n: u64, said: Said) -> Self {
        let (id, log, case) = (id.to_owned(), log.to_owned(), case.to_owned());
        let promise = Promise::None;
        Self { id, log, case, person, phone, n, said, sent: None, promise, heard: None, shaken: false, accepted: 0 }
    }

    pub fn is_kept(&self) -> bool {
        matches!(self.promise, Promise::Kept { .. })
    }
}

/// Somebody was handed something of a case.
#[derive(Clone, Debug)]
struct Handed {
    person: usize,
    case: String,
    asked: Instant,
    answered: Instant,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub written: BTreeMap<String, Written>,
    /// The opening of each case.
    pub cases: BTreeMap<String, String>,
    pub findings: Vec<Finding>,
    /// Worker ids as the office gave them at log-in.
    pub workers: BTreeMap<String, usize>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    handed: Vec<Handed>,
}

/// Where a case stood and who had restricted it, from one change to the next.
struct Stand {
    place: String,
    restricted: bool,
    /// Named because it was restricted, here or before.
    named: Vec<&'static str>,
    sent: Option<Instant>,
    heard: Option<Instant>,
}

impl Stand {
    fn is_seen_by(&self, person: &Person, is_author: bool) -> bool {
        if !person.is_field_worker() {
            return false;
        }
        is_author || if self.restricted { self.named.contains(&person.user_name) } else { person.covers(&self.place) }
    }
}

impl Ledger {
    pub fn found(&mut self, law: Law, what: impl Into<String>) {
        self.findings.push(Finding { law, what: what.into() });
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn wrote(&mut self, written: Written) {
        if matches!(written.said, Said::Opened { .. }) {
            self.cases.insert(written.case.clone(), written.id.clone());
        }
        self.written.insert(written.id.clone(), written);
    }

    pub fn sent(&mut self, id: &str, at: Instant) {
        if let Some(written) = self.written.get_mut(id) {
            written.sent.get_or_insert(at);
        }
    }

    /// A verdict on a change, asked at `asked` and heard at `heard`. `is_forged`: the change was sent with another body.
    pub fn heard(&mut self, id: &str, verdict: &Value, asked: Instant, heard: Instant, is_forged: bool) {
        let (kind, said) = match verdict {
            Value::Object(map) if map.len() == 1 => map.iter().next().map(|(k, v)| (k.clone(), v.clone())),
            _ => None,
        }
        .unwrap_or_default();
        if is_forged {
            self.count("other bodies");
            if kind != "refused" || said["why"] != "other_body" {
                self.found(Law::AsWritten, format!("{id} was taken a second time with another body: {verdict}"));
            }
            return;
        }
        let Some(mut written) = self.written.get(id).cloned() else { return };
        let at = said["at"].as_i64().unwrap_or_default();
        // A promise binds every call that began after it was heard.
        let bound =
            written.heard.filter(|(_, before)| *before <= asked && !written.shaken).map(|_| written.promise.clone());
        let promise = match kind.as_str() {
            "accepted" | "already_known" => Promise::Kept { at },
            "waiting" => Promise::Waits { on: said["on"].as_str().unwrap_or_default().to_owned() },
            "quarantined" => Promise::Aside,
            "refused" => Promise::Refused { why: said["why"].to_string() },
            _ => {
                self.found(Law::Verdicts, format!("{id}: {verdict} is no verdict"));
                return;
            }
        };
        if kind == "accepted" {
            written.accepted += 1;
            if written.accepted > 1 {
                self.found(Law::Once, format!("{id} was taken as new {} times", written.accepted));
            }
        }
        match (&bound, &promise) {
            (Some(before @ Promise::Kept { .. }), now) if before != now => {
                self.found(Law::Verdicts, format!("{id} was {before:?} and is {now:?}"));
            }
            (Some(Promise::Aside), now) if *now != Promise::Aside => {
                self.found(Law::Verdicts, format!("{id} was set aside and is {now:?}"));
            }
            (Some(before @ Promise::Waits { .. }), Promise::Refused { .. }) => {
                self.found(Law::Verdicts, format!("{id} was {before:?} and is refused"));
            }
            _ => {}
        }
        if let Promise::Refused { why } = &promise {
            let is_decision = matches!(written.said, Said::Acted { .. }) && why.contains("decide");
            let is_full = matches!(written.said, Said::Edited { .. }) && why == "\"too_large\"";
            let is_kept_there = why == "\"not_allowed\"" && self.is_kept_where_it_is(&written);
            if !is_decision && !is_full && !is_kept_there {
                self.found(Law::Verdicts, format!("{id} ({:?}) was refused without reason: {why}", written.said));
            }
        }
        // Of two answers on their way at once the one that keeps is the later state.
        let is_older = written.is_kept() && !written.shaken && !matches!(promise, Promise::Kept { .. });
        if !is_older {
            let is_news = written.promise != promise || written.shaken || written.heard.is_none();
            written.promise = promise;
            if is_news {
                written.heard = Some((asked, heard));
            }
            written.shaken = false;
        }
        self.count(match kind.as_str() {
            "accepted" => "accepted",
            "already_known" => "known already",
            "waiting" => "told to wait",
            "quarantined" => "set aside",
            _ => "refused",
        });
        self.written.insert(id.to_owned(), written);
    }

    pub fn handed(&mut self, person: usize, case: &str, asked: Instant, answered: Instant) {
        if self.cases.contains_key(case) {
            self.handed.push(Handed { person, case: case.to_owned(), asked, answered });
        }
    }

    /// The office has lost what it heard since `backup`: those promises are to be given again.
    pub fn restored(&mut self, backup: Instant) {
        self.handed.clear();
        for written in self.written.values_mut() {
            let is_younger = written.heard.is_none_or(|(_, heard)| heard >= backup);
            if is_younger {
                written.shaken = true;
                written.accepted = 0;
            }
        }
    }

    /// Whether it moves a case that somebody has restricted at some time: that is for supervisors.
    fn is_kept_where_it_is(&self, written: &Written) -> bool {
        let says = |field: &str, value: &Value| field == "confidentiality" && value == "restricted";
        let is_theirs = PEOPLE[written.person].work == village::Work::Supervisor;
        let moves_it = matches!(written.said, Said::Edited { field: "handled_in", .. });
        let stood = |w: &&Written| w.sent.is_some() && !matches!(w.promise, Promise::Refused { .. });
        let mut of_case = self.written.values().filter(|w| w.case == written.case).filter(stood);
        moves_it && !is_theirs && of_case.any(|w| w.said.facts().iter().any(|(field, value)| says(field, value)))
    }

    /// Where a case stood, in order. What was refused or set aside moved nothing.
    fn stands(&self, case: &str) -> Vec<Stand> {
        let mut moves: Vec<&Written> = self.written.values().filter(|w| w.case == case).collect();
        moves.retain(|w| !matches!(w.promise, Promise::Refused { .. } | Promise::Aside));
        moves.retain(|w| match &w.said {
            Said::Opened { .. } => true,
            Said::Edited { field, .. } => matches!(*field, "handled_in" | "confidentiality"),
            _ => false,
        });
        moves.sort_by_key(|w| w.n);
        let mut stands: Vec<Stand> = Vec::new();
        for written in moves {
            let (mut place, mut restricted, mut named) = match stands.last() {
                Some(last) => (last.place.clone(), last.restricted, last.named.clone()),
                None => (String::new(), false, vec![]),
            };
            for (field, value) in written.said.facts() {
                match field {
                    "handled_in" => place = value.as_str().unwrap_or_default().to_owned(),
                    "confidentiality" => restricted = value == "restricted",
                    _ => {}
                }
            }
            if restricted {
                named.extend(village::officers_of(&place));
            }
            let heard = written.heard.filter(|_| written.is_kept() && !written.shaken).map(|(_, heard)| heard);
            stands.push(Stand { place, restricted, named, sent: written.sent, heard });
        }
        stands
    }

    /// Whether `person` might see the case at some moment between the two, and whether they might not.
    fn sight(&self, person: usize, case: &str, from: Instant, to: Instant) -> (bool, bool) {
        let stands = self.stands(case);
        let opener = self.cases.get(case).and_then(|id| self.written.get(id)).map(|w| w.person);
        let (mut could, mut could_not) = (false, false);
        for (at, stand) in stands.iter().enumerate() {
            let begins = stand.sent.is_some_and(|sent| sent <= to);
            let over = stands.get(at + 1).and_then(|next| next.heard).is_some_and(|heard| heard < from);
            if begins && !over {
                let sees = stand.is_seen_by(&PEOPLE[person], opener == Some(person));
                could |= sees;
                could_not |= !sees;
            }
        }
        (could, could_not)
    }

    /// Whether `person` sees the case when all is quiet.
    pub fn sees(&self, person: usize, case: &str) -> bool {
        let opener = self.cases.get(case).and_then(|id| self.written.get(id)).map(|w| w.person);
        self.stands(case).last().is_some_and(|stand| stand.is_seen_by(&PEOPLE[person], opener == Some(person)))
    }

    /// Judges who was handed what, and what was set aside or taken, by who could see the case at that time.
    pub fn judge_sight(&mut self) {
        let mut found = Vec::new();
        for Handed { person, case, asked, answered } in &self.handed {
            if !self.sight(*person, case, *asked, *answered).0 {
                found.push(format!("{} was handed case {case}", PEOPLE[*person].user_name));
            }
        }
        for written in self.written.values() {
            let Some((asked, heard)) = written.heard else { continue };
            let opens = matches!(written.said, Said::Opened { .. });
            // The receiver of a referral acts on a sheet, and whoever decides without the right is told so.
            if opens || written.shaken || matches!(written.said, Said::Acted { .. }) {
                continue;
            }
            let (could, _) = self.sight(written.person, &written.case, asked, heard);
            // It may have waited for what it rests on since it was first sent, and is judged when that comes.
            let since = written.sent.unwrap_or(asked);
            let (_, could_not) = self.sight(written.person, &written.case, since, heard);
            let who = PEOPLE[written.person].user_name;
            match written.promise {
                Promise::Aside if !could_not && !self.is_kept_where_it_is(written) => {
                    found.push(format!("{} ({:?}): {who} may write, yet it was set aside", written.id, written.said))
                }
                // What waited was judged at another moment.
                Promise::Kept { .. } if !could && written.accepted == 1 => {
                    found.push(format!("{}: {who} may not write, yet it was taken", written.id));
                }
                _ => {}
            }
        }
        self.handed.clear();
        for what in found {
            self.found(Law::Sight, what);
        }
    }
}
