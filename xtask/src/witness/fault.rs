//! Lines that lie: each stands between the phones and an honest office and does one thing that an office must never do,
//! so that the judge can be seen to find it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::ledger::Law;
use super::line::{Answer, Call, Cut, Line, Lost, Wire};
use super::phone::{list, now_ms};

/// What a lying line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Says "accepted" and throws the change away.
    Swallow,
    /// Delivers a change a second time under another id.
    DeliverTwice,
    /// Says of a second body under a known id that it is known.
    TakeAnyBody,
    /// Lets the last writer win: an edit removes what its writer never saw.
    LastWriterWins,
    /// Hands one worker what was meant for another.
    Leak,
    /// Sends a page twice.
    PageTwice,
    /// Moves the cursor over something that it does not send.
    Skip,
    /// Never says that a case is to be forgotten.
    NeverForget,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::Swallow,
        Self::DeliverTwice,
        Self::TakeAnyBody,
        Self::LastWriterWins,
        Self::Leak,
        Self::PageTwice,
        Self::Skip,
        Self::NeverForget,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Swallow => "an acknowledged change that is thrown away is found",
            Self::DeliverTwice => "a change that is kept twice is found",
            Self::TakeAnyBody => "a second body under one id is found",
            Self::LastWriterWins => "an edit that removes what its writer never saw is found",
            Self::Leak => "a page for somebody else is found",
            Self::PageTwice => "a page that comes twice is found",
            Self::Skip => "a cursor that moves over what was not sent is found",
            Self::NeverForget => "a case that a phone is never told to forget is found",
        }
    }

    /// One of these must be found, whatever else follows from it.
    pub fn breaks(self) -> Law {
        match self {
            Self::Swallow | Self::LastWriterWins => Law::Kept,
            Self::DeliverTwice | Self::TakeAnyBody => Law::AsWritten,
            Self::Leak => Law::Sight,
            Self::PageTwice => Law::Order,
            Self::Skip | Self::NeverForget => Law::Alike,
        }
    }
}

pub struct Liar {
    fault: Fault,
    /// Subjects by log, as they were first sent to anybody.
    seen: Mutex<BTreeMap<String, Vec<Value>>>,
    /// Who has answers to what: ids of the candidates of each case and field.
    candidates: Mutex<BTreeMap<(String, String), Vec<Value>>>,
    /// What was rewritten goes out the same each time.
    rewritten: Mutex<BTreeMap<String, Value>>,
    asked: AtomicUsize,
}

impl Liar {
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            seen: Mutex::default(),
            candidates: Mutex::default(),
            rewritten: Mutex::default(),
            asked: AtomicUsize::new(0),
        }
    }

    /// The same changes always meet the fault.
    fn meets(id: &Value) -> bool {
        id.as_str().is_some_and(|id| id.bytes().fold(7_u32, |sum, b| sum.wrapping_mul(31) + u32::from(b)) % 5 == 0)
    }

    fn push(&self, call: &Call, cut: Cut) -> Result<Answer, Lost> {
        let mut body: Value = serde_json::from_str(&call.body).map_err(|_| Lost)?;
        let changes = list(&body["batch"]["changes"]).to_vec();
        let mut sent = Vec::new();
        // Of each change that came in: whether the office's next verdict is about it.
        let mut is_sent = Vec::new();
        let mut surplus = Vec::new();
        for change in changes {
            let meets = Self::meets(&change["id"]);
            match self.fault {
                Fault::Swallow if meets && change["body"].get("visit_recorded").is_some() => {
                    is_sent.push(false);
                    continue;
                }
                Fault::DeliverTwice if meets && change["body"].get("visit_recorded").is_some() => {
                    let mut twin = change.clone();
                    let id = change["id"].as_str().unwrap_or_default();
                    // The last digit is another one.
                    let (rest, last) = id.split_at(id.len().saturating_sub(1));
                    twin["id"] = json!(format!("{rest}{}", if last == "0" { "1" } else { "0" }));
                    surplus.push(twin);
                }
                _ => {}
            }
            is_sent.push(true);
            sent.push(self.rewrite(change));
        }
        sent.extend(surplus);
        if sent.is_empty() {
            let verdicts: Vec<Value> = is_sent.iter().map(|_| json!({ "accepted": { "at": now_ms() } })).collect();
            return Ok(Answer { status: 200, cookie: None, body: json!(verdicts).to_string() });
        }
        body["batch"]["changes"] = json!(sent);
        let answer = Wire.carry(&Call { body: body.to_string(), ..call.clone() }, cut)?;
        if answer.status != 200 {
            return Ok(answer);
        }
        let said: Value = serde_json::from_str(&answer.body).map_err(|_| Lost)?;
        let mut said = list(&said).iter();
        let verdicts: Vec<Value> = is_sent
            .iter()
            .filter_map(
                |is_sent| if *is_sent { said.next().cloned() } else { Some(json!({ "accepted": { "at": 1 } })) },
            )
            .map(|verdict| {
                let is_other = verdict["refused"]["why"] == "other_body";
                if self.fault == Fault::TakeAnyBody && is_other {
                    json!({ "already_known": { "at": 1 } })
                } else {
                    verdict
                }
            })
            .collect();
        Ok(Answer { body: json!(verdicts).to_string(), ..answer })
    }

    fn rewrite(&self, mut change: Value) -> Value {
        if self.fault != Fault::LastWriterWins || change["body"].get("facts_edited").is_none() {
            return change;
        }
        let id = change["id"].as_str().unwrap_or_default().to_owned();
        let mut rewritten = self.rewritten.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = rewritten.get(&id) {
            return before.clone();
        }
        let case = change["subject"].as_str().unwrap_or_default().to_owned();
        let mut known = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        for edit in change["body"]["facts_edited"]["edits"].as_array_mut().into_iter().flatten() {
            let field = edit["fact"].as_object().and_then(|fact| fact.keys().next()).cloned().unwrap_or_default();
            // What came before is gone, whoever wrote it and whether or not this writer knew of it.
            if let Some(ids) = known.insert((case.clone(), field), vec![json!(id)]) {
                edit["saw"] = json!(ids);
            }
        }
        rewritten.insert(id, change.clone());
        change
    }

    fn pull(&self, call: &Call, cut: Cut) -> Result<Answer, Lost> {
        let answer = Wire.carry(call, cut)?;
        let mut said: Value = serde_json::from_str(&answer.body).map_err(|_| Lost)?;
        let Some(pages) = said["pages"].as_array_mut() else { return Ok(answer) };
        self.look(pages);
        match self.fault {
            Fault::PageTwice => {
                let full = pages.iter().position(|page| !list(&page["subjects"]).is_empty());
                if let Some(page) = full.map(|at| pages[at].clone()) {
                    pages.push(page);
                }
            }
            Fault::Skip => {
                for page in pages.iter_mut() {
                    let subjects = page["subjects"].as_array_mut();
                    if let Some(subjects) = subjects.filter(|subjects| subjects.len() == 1) {
                        // A phone that asks for all gets more than one.
                        subjects.clear();
                    }
                }
            }
            Fault::Leak => {
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                for page in pages.iter_mut() {
                    let Some(others) = page["log"].as_str().and_then(|log| seen.get(log)) else { continue };
                    let other = &others[self.asked.fetch_add(1, Ordering::Relaxed) % others.len()];
                    let mut subjects = list(&page["subjects"]).to_vec();
                    if subjects.iter().all(|subject| subject["subject"] != other["subject"]) {
                        subjects.push(other.clone());
                    }
                    page["subjects"] = json!(subjects);
                }
            }
            Fault::NeverForget => {
                for subjects in pages.iter_mut().filter_map(|page| page["subjects"].as_array_mut()) {
                    subjects.retain(|s| !(s["whole"] == true && list(&s["parts"]).is_empty()));
                }
            }
            _ => {}
        }
        Ok(Answer { body: said.to_string(), ..answer })
    }

    /// Remembers what passes.
    fn look(&self, pages: &[Value]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        for page in pages {
            for subject in list(&page["subjects"]) {
                let name = subject["subject"].as_str().unwrap_or_default();
                let header = list(&subject["parts"]).iter().find(|row| row["key"] == "header");
                let Some(header) = header else { continue };
                let others = seen.entry(page["log"].as_str().unwrap_or_default().to_owned()).or_default();
                if others.iter().all(|other| other["subject"] != subject["subject"]) {
                    others.push(subject.clone());
                }
                for (field, values) in header["part"]["header"]["facts"].as_object().into_iter().flatten() {
                    let ids = list(values).iter().map(|value| value["change"].clone()).collect();
                    candidates.insert((name.to_owned(), field.clone()), ids);
                }
            }
        }
    }
}

impl Line for Liar {
    fn carry(&self, call: &Call, cut: Cut) -> Result<Answer, Lost> {
        match call.path {
            "/api/push" => self.push(call, cut),
            "/api/pull" => self.pull(call, cut),
            _ => Wire.carry(call, cut),
        }
    }
}
