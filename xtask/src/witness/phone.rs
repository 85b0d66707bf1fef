//! A phone as the office sees one: it keeps what it wrote until a page shows it, asks from its cursors, and looks at each
//! answer with suspicion.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::chance::Chance;
use super::ledger::{Law, Ledger, Promise, Said, Written};
use super::line::{Answer, Call, Cut, Line, Lost};
use super::village::{self, PEOPLE, Person, Work};

/// Changes of one push; the office takes a hundred.
const TOGETHER: usize = 40;

/// What a phone stands on while it speaks.
pub struct World<'w> {
    pub line: &'w dyn Line,
    pub ports: &'w [u16],
    pub ledger: &'w Mutex<Ledger>,
}

impl World<'_> {
    pub fn ledger<T>(&self, what: impl FnOnce(&mut Ledger) -> T) -> T {
        what(&mut self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A part as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub seq: i64,
    pub log: String,
    pub part: Value,
}

/// By subject and key.
pub type Store = BTreeMap<(String, String), Row>;

/// What somebody has read so far.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub store: Store,
    pub cursors: BTreeMap<String, Value>,
    /// This device's changes that pages have shown, and when the office had received each.
    pub settled: BTreeMap<String, i64>,
    /// By log: what somebody does at a facility is settled by its log and by that of the case.
    settled_by: BTreeSet<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Queued,
    Received,
    Settled,
    Refused,
}

#[derive(Clone, Debug)]
struct Own {
    raw: Value,
    state: State,
}

/// How a phone syncs this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Plain,
    /// In any order, in batches of any size.
    Shuffled,
    /// Each batch on two connections at once.
    Twice,
    CutSending(u32),
    CutAnswer(usize),
    CutPull(usize),
}

pub struct Phone {
    pub at: usize,
    pub person: usize,
    pub reader: Reader,
    worker: String,
    device: String,
    cookie: String,
    n: u64,
    own: BTreeMap<String, Own>,
    /// In the order of writing.
    order: Vec<String>,
    chance: Chance,
}

impl Phone {
    /// A phone whose person has signed in with name and password.
    pub fn sign_in(world: &World, at: usize, person: usize, mut chance: Chance) -> anyhow::Result<Self> {
        let who = &PEOPLE[person];
        let body = json!({ "user_name": who.user_name, "password": "cau-noi-demo" }).to_string();
        let call = Call { port: world.ports[at % world.ports.len()], path: "/api/log_in", cookie: String::new(), body };
        let answer =
            super::line::Wire.carry(&call, Cut::Never).map_err(|_| anyhow::anyhow!("no answer to a log-in"))?;
        let worker: Value = serde_json::from_str(&answer.body)?;
        let (Some(cookie), Some(worker)) = (answer.cookie, worker["id"].as_str()) else {
            anyhow::bail!("{} cannot sign in: {} {}", who.user_name, answer.status, answer.body);
        };
        world.ledger(|ledger| ledger.workers.insert(worker.to_owned(), person));
        let device = chance.uuid7(now_ms());
        let (worker, reader) = (worker.to_owned(), Reader::default());
        Ok(Self { at, person, reader, worker, device, cookie, n: 0, own: BTreeMap::new(), order: vec![], chance })
    }

    pub fn who(&self) -> &'static Person {
        &PEOPLE[self.person]
    }

    // Writing.

    fn write(&mut self, world: &World, id: &str, log: &str, case: &str, said: Said, body: &Value) {
        self.n += 1;
        let raw = json!({
            "v": 1, "id": id, "log": log, "subject": format!("case:{case}"), "author": self.worker,
            "device": self.device, "n": self.n, "recorded_at": now_ms(), "body": body,
        });
        self.own.insert(id.to_owned(), Own { raw, state: State::Queued });
        self.order.push(id.to_owned());
        let written = Written::new(id, log, case, self.person, self.at, self.n, said);
        world.ledger(|ledger| ledger.wrote(written));
    }

    fn text(&mut self, what: &str) -> String {
        format!("{what} {} {} {:08x}", self.who().user_name, self.n + 1, self.chance.next() >> 32)
    }

    pub fn open(&mut self, world: &World, pick: u64, restricted: bool) {
        let areas = self.who().areas;
        let villages: Vec<&str> = village::villages().into_iter().filter(|v| village::lies_in(v, areas)).collect();
        let Some(place) = villages.get(pick as usize % villages.len().max(1)) else { return };
        const LETTERS: &[u8; 22] = b"ACDEFGHKMNPRTVWXY34679";
        let code: String = (0..6).map(|_| char::from(LETTERS[self.chance.below(LETTERS.len())])).collect();
        let id = self.chance.uuid7(now_ms());
        let restricted = if restricted { "restricted" } else { "normal" };
        let facts = vec![
            ("full_name", json!("Nông Thị Thử")),
            ("handled_in", json!(place)),
            ("tile", json!("elderly")),
            ("what_happened", json!(self.text("Ở một mình."))),
            ("urgency", json!("normal")),
            ("consent", json!({ "answer": "agreed" })),
            ("confidentiality", json!(restricted)),
            ("health", json!(self.text("Đau chân."))),
            ("household", json!(self.text("Một mình."))),
            ("insurance", json!(self.text("Có thẻ."))),
        ];
        let list: Vec<Value> = facts.iter().map(|(field, value)| json!({ *field: value })).collect();
        let body = json!({ "case_opened": { "code": code, "facts": list } });
        self.write(world, &id, &village::log_of(place), &id, Said::Opened { facts }, &body);
    }

    /// The cases of this play that the phone knows, its own among them.
    fn known_cases(&self, world: &World) -> Vec<String> {
        let mut cases: BTreeSet<String> =
            self.reader.store.keys().filter(|(_, key)| key == "header").filter_map(|(s, _)| case_of(s)).collect();
        world.ledger(|ledger| {
            cases.retain(|case| ledger.cases.contains_key(case));
            // What it wrote itself and no page shows yet.
            let own = ledger.cases.values().filter_map(|id| ledger.written.get(id)).filter(|w| w.phone == self.at);
            cases.extend(own.map(|w| w.case.clone()));
        });
        cases.into_iter().collect()
    }

    /// One of them: half of the time of the first three, so that several people write on the same.
    fn pick(&self, world: &World, pick: u64) -> Option<String> {
        let cases = self.known_cases(world);
        let among = if pick.is_multiple_of(2) { cases.len().min(3) } else { cases.len() };
        cases.get((pick >> 1) as usize % among.max(1)).cloned()
    }

    fn log_of(&self, world: &World, case: &str) -> String {
        world.ledger(|ledger| {
            let opening = ledger.cases.get(case).and_then(|id| ledger.written.get(id));
            opening.map(|w| w.log.clone()).unwrap_or_default()
        })
    }

    /// What an edit made now has seen: what the office sent, and on top of it what waits on this phone.
    fn seen(&self, world: &World, case: &str, field: &str) -> Vec<String> {
        let row = self.reader.store.get(&(format!("case:{case}"), "header".to_owned()));
        let candidates = row.and_then(|row| row.part["header"]["facts"][field].as_array()).cloned().unwrap_or_default();
        let mut seen: Vec<String> = candidates.iter().filter_map(|c| c["change"].as_str()).map(str::to_owned).collect();
        world.ledger(|ledger| {
            for id in &self.order {
                let waits = self.own.get(id).is_some_and(|own| matches!(own.state, State::Queued | State::Received));
                let Some(written) = ledger.written.get(id).filter(|w| waits && w.case == case) else { continue };
                match &written.said {
                    Said::Opened { facts } if facts.iter().any(|(name, _)| *name == field) => seen.push(id.clone()),
                    Said::Edited { field: name, saw, .. } if *name == field && written.promise != Promise::Aside => {
                        seen.retain(|one| !saw.contains(one));
                        seen.push(id.clone());
                    }
                    _ => {}
                }
            }
        });
        seen.sort();
        seen.dedup();
        seen
    }

    pub fn edit(&mut self, world: &World, pick: u64) {
        let Some(case) = self.pick(world, pick) else { return };
        let field = ["health", "household"][(pick >> 20) as usize % 2];
        let value = json!(self.text("Sửa"));
        self.edit_field(world, &case, field, value);
    }

    fn edit_field(&mut self, world: &World, case: &str, field: &'static str, value: Value) {
        let saw = self.seen(world, case, field);
        let log = self.log_of(world, case);
        let id = self.chance.uuid7(now_ms());
        let body = json!({ "facts_edited": { "edits": [{ "saw": saw, "fact": { field: value } }] } });
        self.write(world, &id, &log, case, Said::Edited { field, value, saw }, &body);
    }

    pub fn visit(&mut self, world: &World, pick: u64) {
        let Some(case) = self.pick(world, pick) else { return };
        self.visit_to(world, &case);
    }

    fn visit_to(&mut self, world: &World, case: &str) {
        let (log, id, text) = (self.log_of(world, case), self.chance.uuid7(now_ms()), self.text("Đã đến thăm."));
        let body = json!({ "visit_recorded": { "on": "2026-07-01", "seen": text } });
        self.write(world, &id, &log, case, Said::Visited { text }, &body);
    }

    /// A note on a case of which this person knows only that it is there.
    pub fn stray(&mut self, world: &World, pick: u64) {
        let cases: Vec<String> = world.ledger(|ledger| ledger.cases.keys().cloned().collect());
        let Some(case) = cases.get(pick as usize % cases.len().max(1)).cloned() else { return };
        self.visit_to(world, &case);
    }

    pub fn task(&mut self, world: &World, pick: u64) {
        let Some(case) = self.pick(world, pick) else { return };
        let (log, id, text) = (self.log_of(world, &case), self.chance.uuid7(now_ms()), self.text("Đưa đi khám."));
        let body = json!({ "task_written": { "what": text, "for": { "worker": self.worker } } });
        self.write(world, &id, &log, &case, Said::Tasked { text }, &body);
    }

    pub fn done(&mut self, world: &World, pick: u64) {
        let known: BTreeSet<String> = self.known_cases(world).into_iter().collect();
        let tasks: Vec<(String, String)> = world.ledger(|ledger| {
            let tasks = ledger.written.values().filter(|w| matches!(w.said, Said::Tasked { .. }));
            tasks.filter(|w| known.contains(&w.case)).map(|w| (w.case.clone(), w.id.clone())).collect()
        });
        let tasks: Vec<_> = tasks
            .into_iter()
            .filter(|(case, id)| {
                let key = (format!("case:{case}"), format!("task:{id}"));
                self.own.contains_key(id) || self.reader.store.contains_key(&key)
            })
            .collect();
        let Some((case, task)) = tasks.get(pick as usize % tasks.len().max(1)).cloned() else { return };
        let (log, id, text) = (self.log_of(world, &case), self.chance.uuid7(now_ms()), self.text("Xong."));
        let body = json!({ "task_done": { "task": task, "note": text } });
        self.write(world, &id, &log, &case, Said::Done { task, text }, &body);
    }

    /// The cases that this phone itself opened, with whether it has said anything of the kind about each.
    fn opened_here(&self, world: &World, said: impl Fn(&Written) -> bool) -> Vec<(String, bool)> {
        world.ledger(|ledger| {
            let own = ledger.cases.values().filter_map(|id| ledger.written.get(id)).filter(|w| w.phone == self.at);
            let has = |case: &str| ledger.written.values().any(|w| w.case == case && w.phone == self.at && said(w));
            own.map(|w| (w.case.clone(), has(&w.case))).collect()
        })
    }

    pub fn refer(&mut self, world: &World, pick: u64) {
        // What is restricted stays out of this: who may read it then is another story.
        let restricted = |w: &Written| match &w.said {
            Said::Opened { facts } => facts.iter().any(|(f, v)| *f == "confidentiality" && v == "restricted"),
            Said::Edited { field, .. } => *field == "confidentiality",
            _ => false,
        };
        let cases: Vec<String> =
            self.opened_here(world, restricted).into_iter().filter(|(_, is)| !is).map(|(case, _)| case).collect();
        let Some(case) = cases.get(pick as usize % cases.len().max(1)).cloned() else { return };
        let (log, id, text) = (self.log_of(world, &case), self.chance.uuid7(now_ms()), self.text("Cần chăm sóc."));
        let sharing = json!({ "answer": "agreed", "items": ["identity", "health"] });
        let ask = json!({
            "kind": "day_care", "receiver": { "facility": village::FACILITY }, "reason": text, "sharing": sharing,
        });
        self.write(world, &id, &log, &case, Said::Asked, &json!({ "referral_asked": ask }));
    }

    /// Moves one of the own cases to another village, or restricts it; one such step after the other.
    pub fn turn(&mut self, world: &World, pick: u64, restrict: bool) {
        let busy = |w: &Written| match &w.said {
            Said::Asked => restrict,
            Said::Edited { field, .. } if matches!(*field, "handled_in" | "confidentiality") => {
                !w.is_kept() || w.shaken || (restrict && *field == "confidentiality")
            }
            _ => false,
        };
        let cases: Vec<String> =
            self.opened_here(world, busy).into_iter().filter(|(_, is)| !is).map(|(case, _)| case).collect();
        let Some(case) = cases.get(pick as usize % cases.len().max(1)).cloned() else { return };
        if restrict {
            self.edit_field(world, &case, "confidentiality", json!("restricted"));
        } else {
            let villages = village::villages();
            let to = villages[(pick >> 8) as usize % villages.len()];
            self.edit_field(world, &case, "handled_in", json!(to));
        }
    }

    pub fn decide(&mut self, world: &World, pick: u64) {
        let is_intake = self.who().work == Work::Intake;
        let (kind, at) = if is_intake { ("sheet", "sheet") } else { ("referral", "referral") };
        let cases: BTreeSet<String> = world.ledger(|ledger| ledger.cases.keys().cloned().collect());
        let rows: Vec<(String, String, Value)> = self
            .reader
            .store
            .iter()
            .filter_map(|((subject, key), row)| {
                let case = case_of(subject).filter(|case| cases.contains(case))?;
                let id = key.strip_prefix(kind)?.strip_prefix(':')?;
                Some((case, id.to_owned(), row.part[at]["progress"].clone()))
            })
            .filter(|(_, _, progress)| {
                // Mostly what is open; now and then what somebody else has decided already.
                let open = if is_intake { "forwarded" } else { "submitted" };
                progress["status"] == open || pick.is_multiple_of(5)
            })
            .collect();
        let Some((case, referral, progress)) = rows.get(pick as usize % rows.len().max(1)).cloned() else { return };
        let refuse = (pick >> 30).is_multiple_of(4);
        let (side, act) = match (is_intake, refuse) {
            (true, _) => (json!("receiver"), json!("accept")),
            (false, false) => (json!({ "supervisor": "commune" }), json!({ "approve": {} })),
            (false, true) => {
                (json!({ "supervisor": "commune" }), json!({ "refuse": { "reason": self.text("Chưa đủ.") } }))
            }
        };
        let (log, id) = (self.log_of(world, &case), self.chance.uuid7(now_ms()));
        let acted = json!({ "referral": referral, "saw": progress["version"], "side": side, "act": act });
        self.write(world, &id, &log, &case, Said::Acted { referral }, &json!({ "referral_acted": acted }));
    }

    /// Something that the office has acknowledged, sent again with another body.
    pub fn forge(&mut self, world: &World, pick: u64) {
        let kept: Vec<String> = world.ledger(|ledger| {
            let kept = |id: &&String| ledger.written.get(*id).is_some_and(|w| w.is_kept() && !w.shaken);
            self.order.iter().filter(kept).cloned().collect()
        });
        let Some(id) = kept.get(pick as usize % kept.len().max(1)) else { return };
        let Some(mut raw) = self.own.get(id).map(|own| own.raw.clone()) else { return };
        raw["body"] = json!({ "visit_recorded": { "on": "2026-06-30", "seen": "Không phải điều đã ghi." } });
        let asked = Instant::now();
        if let Some(verdicts) = self.push(world, &[raw], Cut::Never)
            && let Some(verdict) = verdicts.first()
        {
            world.ledger(|ledger| ledger.heard(id, verdict, asked, Instant::now(), true));
        }
    }

    // Speaking.

    fn call(&mut self, world: &World, path: &'static str, body: &Value, cut: Cut) -> Result<Answer, Lost> {
        let port = world.ports[self.chance.below(world.ports.len())];
        let call = Call { port, path, cookie: self.cookie.clone(), body: body.to_string() };
        let answer = world.line.carry(&call, cut);
        match &answer {
            Err(Lost) => world.ledger(|ledger| ledger.count("calls lost")),
            Ok(answer) if answer.status == 200 => world.ledger(|ledger| ledger.count("calls")),
            // An office that is just stopping may say so; then nothing was written.
            Ok(answer) if answer.status == 503 => world.ledger(|ledger| ledger.count("turned away")),
            Ok(answer) => {
                let what = format!("{} {path}: {} {}", self.who().user_name, answer.status, answer.body);
                world.ledger(|ledger| ledger.found(Law::Verdicts, what));
            }
        }
        answer.and_then(|answer| if answer.status == 200 { Ok(answer) } else { Err(Lost) })
    }

    fn push(&mut self, world: &World, changes: &[Value], cut: Cut) -> Option<Vec<Value>> {
        let batch = json!({
            "v": 1, "worker": self.worker, "device": self.device, "sent_at": now_ms(), "changes": changes,
        });
        let answer = self.call(world, "/api/push", &json!({ "batch": batch }), cut).ok()?;
        let verdicts: Vec<Value> = serde_json::from_str(&answer.body).unwrap_or_default();
        if verdicts.len() != changes.len() {
            let what = format!("{} changes sent, {} verdicts", changes.len(), verdicts.len());
            world.ledger(|ledger| ledger.found(Law::Verdicts, what));
            return None;
        }
        Some(verdicts)
    }

    fn note(&mut self, world: &World, ids: &[String], verdicts: &[Value], asked: Instant) {
        let heard = Instant::now();
        for (id, verdict) in ids.iter().zip(verdicts) {
            world.ledger(|ledger| ledger.heard(id, verdict, asked, heard, false));
            let Some(own) = self.own.get_mut(id) else { continue };
            if own.state == State::Queued || own.state == State::Received {
                own.state = if verdict.get("refused").is_some() { State::Refused } else { State::Received };
            }
        }
    }

    /// Sends all that waits or that no page has shown, then asks for news. `false`: the line broke.
    pub fn sync(&mut self, world: &World, how: How) -> bool {
        let mut ids: Vec<String> = self.order.clone();
        ids.retain(|id| self.own.get(id).is_some_and(|own| matches!(own.state, State::Queued | State::Received)));
        let mut together = TOGETHER;
        if how == How::Shuffled {
            self.chance.shuffle(&mut ids);
            together = 1 + self.chance.below(9);
        }
        for ids in ids.chunks(together) {
            let raws: Vec<Value> = ids.iter().filter_map(|id| self.own.get(id)).map(|own| own.raw.clone()).collect();
            let asked = Instant::now();
            world.ledger(|ledger| ids.iter().for_each(|id| ledger.sent(id, asked)));
            if how == How::Twice {
                let mut twin = self.twin();
                let (first, second) = std::thread::scope(|scope| {
                    let second = scope.spawn(|| twin.push(world, &raws, Cut::Never));
                    (self.push(world, &raws, Cut::Never), second.join().ok().flatten())
                });
                let said: Vec<Vec<Value>> = [first, second].into_iter().flatten().collect();
                for verdicts in &said {
                    self.note(world, ids, verdicts, asked);
                }
                if said.is_empty() {
                    return false;
                }
                continue;
            }
            let cut = match how {
                How::CutSending(thousandths) => Cut::Sending(thousandths),
                How::CutAnswer(bytes) => Cut::Answering(bytes),
                _ => Cut::Never,
            };
            let Some(verdicts) = self.push(world, &raws, cut) else { return false };
            self.note(world, ids, &verdicts, asked);
        }
        let cut = if let How::CutPull(bytes) = how { Cut::Answering(bytes) } else { Cut::Never };
        self.pull(world, cut)
    }

    /// The same session on a second connection.
    fn twin(&self) -> Self {
        Self {
            reader: Reader::default(),
            worker: self.worker.clone(),
            device: self.device.clone(),
            cookie: self.cookie.clone(),
            own: BTreeMap::new(),
            order: vec![],
            chance: Chance::of(self.n, &[self.at as u64]),
            ..*self
        }
    }

    fn pull(&mut self, world: &World, cut: Cut) -> bool {
        let mut reader = std::mem::take(&mut self.reader);
        let whole = self.read(world, &mut reader, cut);
        self.reader = reader;
        for (id, own) in &mut self.own {
            if self.reader.settled.contains_key(id) && own.state != State::Settled {
                own.state = State::Settled;
            } else if !self.reader.settled.contains_key(id) && own.state == State::Settled {
                // The office lost its place: what it had shown is offered again.
                own.state = State::Queued;
            }
        }
        whole
    }

    /// All that this person may have, asked for by a phone that has nothing.
    pub fn read_anew(&mut self, world: &World) -> Option<Reader> {
        let mut reader = Reader::default();
        self.read(world, &mut reader, Cut::Never).then_some(reader)
    }

    /// Asks until nothing more lies behind any cursor.
    fn read(&mut self, world: &World, reader: &mut Reader, cut: Cut) -> bool {
        let mut anew = false;
        loop {
            let mut cursors = reader.cursors.clone();
            let logs = world.ledger(|ledger| {
                let own = self.order.iter().filter_map(|id| ledger.written.get(id));
                own.map(|w| w.log.clone()).collect::<BTreeSet<_>>()
            });
            for log in logs {
                cursors.entry(log).or_insert(Value::Null);
            }
            if anew {
                cursors.values_mut().for_each(|cursor| *cursor = Value::Null);
            }
            let request = json!({
                "v": 1, "worker": self.worker, "device": self.device, "cursors": cursors, "briefing": "",
            });
            let asked = Instant::now();
            let Ok(answer) = self.call(world, "/api/pull", &json!({ "request": request }), cut) else { return false };
            let answered = Instant::now();
            let Ok(answer) = serde_json::from_str::<Value>(&answer.body) else { return false };
            let pages = answer["pages"].as_array().cloned().unwrap_or_default();
            self.suspect(world, &pages, &cursors, asked, answered);
            let loses_place = |page: &Value| {
                let log = page["log"].as_str().unwrap_or_default();
                page["reset"] == true && (log.starts_with("facility:") || log == format!("worker:{}", self.worker))
            };
            if !anew && pages.iter().any(loses_place) {
                anew = true;
                continue;
            }
            if std::mem::take(&mut anew) {
                reader.store.clear();
                reader.settled.clear();
                reader.settled_by.clear();
            }
            for page in &pages {
                self.take(world, reader, page);
            }
            self.look_at_cases(world, reader, &pages);
            if !pages.iter().any(|page| page["more"] == true) {
                return true;
            }
        }
    }

    /// What may not be in an answer, whatever the phone has.
    fn suspect(
        &self,
        world: &World,
        pages: &[Value],
        cursors: &BTreeMap<String, Value>,
        asked: Instant,
        answered: Instant,
    ) {
        let who = self.who().user_name;
        let mut logs = BTreeSet::new();
        for page in pages {
            let log = page["log"].as_str().unwrap_or_default();
            if !logs.insert(log) {
                world.ledger(|ledger| ledger.found(Law::Order, format!("{who}: two pages of {log} in one answer")));
            }
            let reset = page["reset"] == true;
            let from = cursors.get(log).filter(|_| !reset).and_then(|cursor| cursor["seq"].as_i64()).unwrap_or(0);
            let next = page["next"]["seq"].as_i64().unwrap_or(0);
            if next < from {
                world
                    .ledger(|ledger| ledger.found(Law::Order, format!("{who}: {log} goes back from {from} to {next}")));
            }
            let mut rows = BTreeSet::new();
            for on_page in list(&page["subjects"]) {
                let subject = on_page["subject"].as_str().unwrap_or_default();
                let parts = list(&on_page["parts"]);
                for row in parts {
                    let (key, seq) = (row["key"].as_str().unwrap_or_default(), row["seq"].as_i64().unwrap_or(0));
                    if !rows.insert((subject, key)) {
                        world
                            .ledger(|ledger| ledger.found(Law::Once, format!("{who}: {subject} {key} twice in {log}")));
                    }
                    let is_old = on_page["whole"] != true && seq <= from;
                    let is_beyond = on_page["whole"] != true && page["more"] != true && seq > next;
                    if is_old || is_beyond {
                        let what = format!("{who}: {log} {subject} {key} at {seq}, asked behind {from}, up to {next}");
                        world.ledger(|ledger| ledger.found(Law::Order, what));
                    }
                }
                let only_sheets = parts.iter().all(|row| row["key"].as_str().is_some_and(|k| k.starts_with("sheet:")));
                if let Some(case) = case_of(subject).filter(|_| !parts.is_empty() && !only_sheets) {
                    world.ledger(|ledger| ledger.handed(self.person, &case, asked, answered));
                }
            }
        }
    }

    /// Stores a page as every phone does.
    fn take(&self, world: &World, reader: &mut Reader, page: &Value) {
        let log = page["log"].as_str().unwrap_or_default();
        if page["reset"] == true {
            reader.store.retain(|_, row| row.log != log);
            let lost = world.ledger(|ledger| {
                let of_log = |id: &String| ledger.written.get(id).is_some_and(|w| w.log == log);
                reader.settled.keys().filter(|id| of_log(id)).cloned().collect::<Vec<_>>()
            });
            lost.iter().for_each(|id| {
                reader.settled.remove(id);
            });
            reader.settled_by.retain(|(by, _)| by != log);
            world.ledger(|ledger| ledger.count("logs taken anew"));
        }
        for on_page in list(&page["subjects"]) {
            let subject = on_page["subject"].as_str().unwrap_or_default();
            let parts = list(&on_page["parts"]);
            if on_page["whole"] == true {
                let keys: BTreeSet<&str> = parts.iter().filter_map(|row| row["key"].as_str()).collect();
                reader
                    .store
                    .retain(|(of, key), _| of != subject || key.starts_with("sheet:") || keys.contains(&key[..]));
                if parts.is_empty() {
                    world.ledger(|ledger| ledger.count("cases to forget"));
                }
            }
            let born = parts.iter().find_map(|row| row["part"]["header"]["log"].as_str());
            for row in parts {
                let (key, seq) = (row["key"].as_str().unwrap_or_default(), row["seq"].as_i64().unwrap_or(0));
                let at = (subject.to_owned(), key.to_owned());
                if reader.store.get(&at).is_none_or(|known| known.seq <= seq) {
                    let log = if key.starts_with("sheet:") || !log.starts_with("worker:") {
                        log
                    } else {
                        born.unwrap_or(log)
                    };
                    reader.store.insert(at, Row { seq, log: log.to_owned(), part: row["part"].clone() });
                }
            }
            for key in list(&on_page["gone"]).iter().filter_map(Value::as_str) {
                reader.store.remove(&(subject.to_owned(), key.to_owned()));
            }
        }
        for pair in list(&page["settled"]) {
            let (id, at) = (pair[0].as_str().unwrap_or_default(), pair[1]["received_at"].as_i64().unwrap_or(0));
            if !self.own.contains_key(id) {
                world.ledger(|ledger| ledger.found(Law::AsWritten, format!("{id} is settled, and not of this phone")));
            }
            reader.settled.insert(id.to_owned(), at);
            if !reader.settled_by.insert((log.to_owned(), id.to_owned())) {
                let who = self.who().user_name;
                world.ledger(|ledger| ledger.found(Law::Once, format!("{who}: {id} was settled twice, now by {log}")));
            }
        }
        if page["next"].is_null() {
            reader.cursors.remove(log);
        } else {
            reader.cursors.insert(log.to_owned(), page["next"].clone());
        }
    }

    /// Whether each case of the answer is this person's to see by what stands in it: this also looks at cases that were
    /// there before the play.
    fn look_at_cases(&self, world: &World, reader: &Reader, pages: &[Value]) {
        let subjects: BTreeSet<&str> =
            pages.iter().flat_map(|page| list(&page["subjects"])).filter_map(|s| s["subject"].as_str()).collect();
        for subject in subjects.into_iter().filter(|subject| case_of(subject).is_some()) {
            let rows: Vec<(&str, &Row)> = reader
                .store
                .range((subject.to_owned(), String::new())..)
                .take_while(|((of, _), _)| of == subject)
                .map(|((_, key), row)| (key.as_str(), row))
                .collect();
            if let Some(what) = self.stranger(&rows) {
                world.ledger(|ledger| ledger.found(Law::Sight, format!("{}: {subject}: {what}", self.who().user_name)));
            }
        }
    }

    /// Why this person may not have these parts of a case.
    fn stranger(&self, rows: &[(&str, &Row)]) -> Option<String> {
        let who = self.who();
        for (key, row) in rows.iter().filter(|(key, _)| key.starts_with("sheet:")) {
            let facility = &row.part["sheet"]["facility"];
            if who.work != Work::Intake || (who.user_name == "thanh") != (facility == village::FACILITY) {
                return Some(format!("{key} is addressed to {facility}"));
            }
        }
        let rest: Vec<&(&str, &Row)> = rows.iter().filter(|(key, _)| !key.starts_with("sheet:")).collect();
        if rest.is_empty() {
            return None;
        }
        let Some((_, header)) = rest.iter().find(|(key, _)| *key == "header") else {
            return Some("parts without their header".to_owned());
        };
        let header = &header.part["header"];
        if !who.is_field_worker() {
            return Some("not somebody who works in the field".to_owned());
        }
        let named = list(&header["assignees"][&self.worker]).iter().any(|candidate| candidate["value"] == true);
        if header["author"] == self.worker.as_str() || named {
            return None;
        }
        if list(&header["facts"]["confidentiality"]).iter().any(|c| c["value"] == "restricted") {
            return Some("restricted".to_owned());
        }
        let place = header["facts"]["handled_in"][0]["value"].as_str().unwrap_or_default();
        let asked = |kind: &str| {
            rest.iter()
                .filter_map(|(_, row)| row.part["referral"]["ask"]["receiver"][kind].as_str())
                .any(|place| village::lies_in(place, who.areas))
        };
        let was_asked = match who.work {
            Work::Outreach => asked("team"),
            Work::Supervisor => asked("desk"),
            _ => false,
        };
        (!who.covers(place) && !was_asked).then(|| format!("handled in {place}"))
    }

    /// Everything that this phone ever wrote and was not refused, sent once more.
    pub fn send_all_again(&mut self, world: &World) -> bool {
        let mut ids = self.order.clone();
        ids.retain(|id| self.own.get(id).is_some_and(|own| own.state != State::Refused));
        for ids in ids.chunks(TOGETHER) {
            let raws: Vec<Value> = ids.iter().filter_map(|id| self.own.get(id)).map(|own| own.raw.clone()).collect();
            let asked = Instant::now();
            let Some(verdicts) = self.push(world, &raws, Cut::Never) else { return false };
            self.note(world, ids, &verdicts, asked);
        }
        true
    }
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn case_of(subject: &str) -> Option<String> {
    subject.strip_prefix("case:").map(str::to_owned)
}

pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
