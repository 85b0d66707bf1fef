//! How long things take. A debug build says little; the figures are printed, and only what is far off fails.

use std::cell::Cell;

use app::device::{
    idb::{self, Database, Mode},
    notebook::IndexedDbNotebook,
};
use domain::{
    laws::{self, MORNING, Pen, Village},
    sync::Office,
    *,
};
use js_sys::Date;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::notebook::{empty, page};

const CASES: usize = 5_000;

/// An office that has its answers ready as text, so that only the phone's work is measured.
struct Prepared {
    answers: Vec<String>,
    next: Cell<usize>,
}

impl Office for Prepared {
    async fn push(&self, _: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        Err(ApiError::Unavailable)
    }
    async fn pull(&self, _: PullRequest) -> Result<PullAnswer, ApiError> {
        let answer = &self.answers[self.next.replace(self.next.get() + 1)];
        serde_json::from_str(answer).map_err(|_| ApiError::NoConnection)
    }
}

fn prepared(cases: usize) -> Prepared {
    let lan = Pen::new(Village::new().lan, 1);
    let changes: Vec<Change> = (0..cases)
        .map(|_| {
            let facts = vec![
                Fact::WhatHappened(
                    "Ông sống một mình ở đầu bản, ngã hai lần trong tháng, chân đau không đi rẫy được.".to_owned(),
                ),
                Fact::Sex(Sex::Male),
                Fact::ApproximateAge(74),
                Fact::Home(Home { text: "Nhà sàn cuối bản, cạnh suối".to_owned(), place: None }),
            ];
            lan.open("a1", Some("Hoàng Thị Mỷ"), facts)
        })
        .collect();
    let pages = changes.chunks(limits::PAGE_SUBJECTS).enumerate();
    let last = cases.div_ceil(limits::PAGE_SUBJECTS) - 1;
    let answers = pages
        .map(|(number, chunk)| {
            let first = (number * limits::PAGE_SUBJECTS) as u64 + 1;
            let page = Page { more: number < last, ..page(&chunk.iter().collect::<Vec<_>>(), first, false) };
            let answer = PullAnswer { now: MORNING, pages: vec![page], ahead: None, briefing: None };
            serde_json::to_string(&answer).expect("an answer as JSON")
        })
        .collect();
    Prepared { answers, next: Cell::new(0) }
}

#[wasm_bindgen_test]
async fn five_thousand_cases_are_pulled_and_opened_again() {
    let office = prepared(CASES);
    let bytes: usize = office.answers.iter().map(String::len).sum();
    idb::delete_database("raw").await.expect("deleted");
    let raw = Database::open("raw", 1, |db, _| db.create("row")).await.expect("a database");
    let row = js_sys::Uint8Array::new_with_length((bytes / CASES) as u32);
    let start = Date::now();
    for chunk in 0..CASES / limits::PAGE_SUBJECTS {
        let tx = raw.transaction(&["row"], Mode::Relaxed).expect("a transaction");
        let store = tx.store("row").expect("the store");
        for i in 0..limits::PAGE_SUBJECTS {
            store.put(&format!("case:{chunk:018}{i:018}").into(), &row).expect("put");
        }
        tx.done().await.expect("kept");
    }
    let raw_ms = Date::now() - start;

    let (notebook, vault) = empty("pulled").await;
    let phone = sync::Phone { worker: Village::new().lan, device: notebook.device() };
    let start = Date::now();
    let run = sync::pull(&notebook, &office, phone, &|_| ()).await.expect("pulled");
    let pull_ms = Date::now() - start;
    assert_eq!((run.subjects, notebook.rows().len()), (CASES, CASES));
    drop(notebook);
    let start = Date::now();
    let notebook = IndexedDbNotebook::open("pulled", vault).await.expect("reopened");
    let open_ms = Date::now() - start;
    assert_eq!(notebook.rows().len(), CASES);
    console_log!(
        "{CASES} cases, {} kB: pulled in {pull_ms} ms (bare puts {raw_ms} ms), opened in {open_ms} ms",
        bytes / 1024
    );
    assert!(pull_ms < 60_000.0 && open_ms < 10_000.0);
}

#[wasm_bindgen_test]
async fn saves_are_quick() {
    let (notebook, _) = empty("quick").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.save(&case, None).await.expect("saved");
    let mut took = vec![];
    for _ in 0..100 {
        let seen = lan.write(case.subject, "place:a", laws::visit("Đỡ đau chân, đã ra suối lấy nước được."));
        let start = Date::now();
        notebook.save(&seen, Some("visit")).await.expect("saved");
        took.push(Date::now() - start);
    }
    took.sort_by(f64::total_cmp);
    let start = Date::now();
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 101);
    console_log!(
        "a save: median {} ms, slowest {} ms; an outbox of 101 read in {} ms",
        took[50],
        took[99],
        Date::now() - start
    );
    assert!(took[50] < 1_000.0);
}
