//! The phone's notebook and its sync without any screen, for `end2end/bench/sync.bench.ts`: the very modules that the app
//! is made of, built as the app is. It knows no figure.

use app::device::{browser, line::Line, notebook::IndexedDbNotebook, vault::Vault};
use domain::{
    Body, CaseCode, CaseId, Change, ChangeId, Confidentiality, Consent, ConsentAnswer, DeviceId, Fact, FieldEdit, Home,
    Notebook, Parts, PersonName, PushBatch, Sex, StoreError, Subject, Timestamp, Urgency, WorkerId, json, limits,
    notebook::Stored,
    sync::{self, Phone},
};
use js_sys::Date;
use serde::Deserialize;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// A case as the other systems keep it.
#[derive(Deserialize)]
struct Document {
    id: String,
    code: CaseCode,
    full_name: String,
    sex: Sex,
    approximate_age: u8,
    phone: String,
    village: String,
    home: String,
    tile: domain::Tile,
    what_happened: String,
    health: String,
    household: String,
    urgency: Urgency,
    status: domain::CaseStatus,
    confidentiality: Confidentiality,
    recorded_at: i64,
}

/// One person's notebook on one device.
#[derive(Debug)]
#[wasm_bindgen]
pub struct BenchPhone {
    notebook: IndexedDbNotebook,
    worker: WorkerId,
    /// How the ids of the bench's own cases begin.
    ours: String,
}

fn wrong(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

/// The body of a push that opens these cases, a JSON list, in the name of `worker`.
#[wasm_bindgen]
pub fn opening(cases: &str, worker: &str, log: &str) -> Result<String, JsError> {
    let cases: Vec<Document> = json::read(cases.as_bytes()).map_err(wrong)?;
    let author: WorkerId = worker.parse().map_err(wrong)?;
    let device = DeviceId(uuid::Builder::from_random_bytes(browser::random()).into_uuid());
    let mut changes = vec![];
    for (n, case) in (1..).zip(cases) {
        let id = ChangeId(case.id.parse().map_err(wrong)?);
        let facts = vec![
            Fact::FullName(Some(PersonName::parse(&case.full_name).map_err(wrong)?)),
            Fact::Sex(case.sex),
            Fact::ApproximateAge(case.approximate_age),
            Fact::Phone(domain::person::Phone::parse(&case.phone).map_err(wrong)?),
            Fact::HandledIn(case.village.parse().map_err(wrong)?),
            Fact::Home(Home { text: case.home, place: None }),
            Fact::Tile(case.tile),
            Fact::WhatHappened(case.what_happened),
            Fact::Health(case.health),
            Fact::Household(case.household),
            Fact::Urgency(case.urgency),
            Fact::Consent(Consent::new(ConsentAnswer::Agreed)),
            Fact::Confidentiality(case.confidentiality),
            Fact::Status(case.status),
        ];
        changes.push(Change {
            v: limits::PROTOCOL_VERSION,
            id,
            log: log.parse().map_err(wrong)?,
            subject: Subject::Case(CaseId(id.0)),
            author,
            device,
            n,
            recorded_at: Timestamp(case.recorded_at),
            replaces: None,
            body: Body::CaseOpened { code: case.code, facts },
        });
    }
    let changes = changes.iter().map(json::Raw::of).collect::<Result<_, _>>().map_err(wrong)?;
    let sent_at = Some(browser::now());
    let batch = PushBatch { v: limits::PROTOCOL_VERSION, worker: author, device, sent_at, changes };
    Ok(format!(r#"{{"batch":{}}}"#, json::write_text(&batch).map_err(wrong)?))
}

#[wasm_bindgen]
impl BenchPhone {
    /// A notebook of this name, with a new key when it is a new one.
    pub async fn open(name: String, worker: String, ours: String) -> Result<BenchPhone, JsError> {
        let vault = Vault::new().await.map_err(wrong)?;
        let notebook = IndexedDbNotebook::open(&name, vault).await.map_err(wrong)?;
        Ok(Self { notebook, worker: worker.parse().map_err(wrong)?, ours })
    }

    fn phone(&self) -> Phone {
        Phone { worker: self.worker, device: self.notebook.device() }
    }

    /// One whole run, as the app makes it; how many cases are here afterwards.
    pub async fn sync(&self) -> Result<usize, JsError> {
        sync::run(&self.notebook, &Line, self.phone(), &browser::now, &|_| ()).await.map_err(wrong)?;
        Ok(self.cases().len())
    }

    /// What waits to be sent, or was sent and has not come back.
    pub async fn waiting(&self) -> Result<usize, JsError> {
        Ok(self.notebook.outbox().await.map_err(wrong)?.len())
    }

    /// Writes `text` into a field of every `step`th case, `count` of them, and gives the milliseconds of each save. Ids and
    /// times follow from `seed`, so that the same edits can be made again on another phone.
    pub async fn edit(&self, field: String, step: usize, count: usize, seed: u32) -> Result<Vec<f64>, JsError> {
        let mut took = vec![];
        for (i, subject) in self.cases().into_iter().step_by(step).take(count).enumerate() {
            let parts = self.parts(subject).await.map_err(wrong)?;
            let header = parts.header().ok_or_else(|| JsError::new("a case without a header"))?;
            let fact = fact(&field, text_of(seed, i)).ok_or_else(|| JsError::new("no such field"))?;
            let edit = FieldEdit { saw: header.facts.seen(fact.name()), fact, cleared: false };
            let change = Change {
                v: limits::PROTOCOL_VERSION,
                id: id_of(seed, i),
                log: header.log.clone(),
                subject,
                author: self.worker,
                device: self.notebook.device(),
                n: 0,
                recorded_at: header.recorded_at.plus_ms(i64::from(seed)),
                replaces: None,
                body: Body::FactsEdited { edits: vec![edit] },
            };
            let begun = Date::now();
            let precise = performance();
            self.notebook.save(&change, None).await.map_err(wrong)?;
            took.push(match (precise, performance()) {
                (Some(begun), Some(ended)) => ended - begun,
                _ => Date::now() - begun,
            });
        }
        Ok(took)
    }

    /// How many edits that [`Self::edit`] made nobody can see any more: neither shown nor offered to be chosen.
    pub async fn lost(&self, field: String, step: usize, count: usize, seed: u32) -> Result<usize, JsError> {
        let mut lost = 0;
        for (i, subject) in self.cases().into_iter().step_by(step).take(count).enumerate() {
            let parts = self.parts(subject).await.map_err(wrong)?;
            let wanted = fact(&field, text_of(seed, i)).ok_or_else(|| JsError::new("no such field"))?;
            let candidates = parts.header().map(|h| h.facts.candidates(wanted.name())).unwrap_or_default();
            lost += usize::from(candidates.iter().all(|candidate| candidate.value != wanted));
        }
        Ok(lost)
    }

    pub fn close(&self) {
        self.notebook.close();
    }
}

impl BenchPhone {
    /// The cases that the bench made, in the order of their ids.
    fn cases(&self) -> Vec<Subject> {
        let all = self.notebook.rows().into_iter().map(|(subject, _)| subject);
        all.filter(|subject| subject.to_string().starts_with(&self.ours)).collect()
    }

    async fn parts(&self, subject: Subject) -> Result<Parts, StoreError> {
        let stored: Option<Stored> = self.notebook.find(subject).await?;
        let outbox = self.notebook.outbox().await?;
        Ok(sync::overlay(stored.map(|s| s.parts).unwrap_or_default(), &outbox, subject))
    }
}

fn text_of(seed: u32, i: usize) -> String {
    format!("Sửa lần {seed}, ca thứ {i}.")
}

fn id_of(seed: u32, i: usize) -> ChangeId {
    let mut random = [0; 10];
    random[..4].copy_from_slice(&seed.to_be_bytes());
    random[4..8].copy_from_slice(&(i as u32).to_be_bytes());
    ChangeId::at(1_773_018_000_000, random)
}

fn fact(field: &str, text: String) -> Option<Fact> {
    Some(match field {
        "household" => Fact::Household(text),
        "health" => Fact::Health(text),
        "what_happened" => Fact::WhatHappened(text),
        _ => return None,
    })
}

/// Finer than the clock.
fn performance() -> Option<f64> {
    Some(js_sys::Reflect::get(&js_sys::global(), &"performance".into()).ok()?).and_then(|performance| {
        let now: js_sys::Function = js_sys::Reflect::get(&performance, &"now".into()).ok()?.into();
        now.call0(&performance).ok()?.as_f64()
    })
}
