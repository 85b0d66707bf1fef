//! Several people on one phone, none of whom sees what another wrote.

use app::device::{idb, notebook::IndexedDbNotebook, roster::Roster};
use domain::{
    laws::{MORNING, Pen, Village},
    *,
};
use wasm_bindgen_test::wasm_bindgen_test;

async fn roster(name: &str) -> Roster {
    idb::delete_database(name).await.expect("deleted");
    Roster::open_as(name).await.expect("a roster")
}

fn worker(village: &Village, id: WorkerId) -> Worker {
    village.workers.iter().find(|w| w.id == id).cloned().expect("a worker of the village")
}

#[wasm_bindgen_test]
async fn two_people_of_one_phone_cannot_open_each_others_work() {
    let village = Village::new();
    let (lan, pao) = (worker(&village, village.lan), worker(&village, village.pao));
    let roster = roster("two-people").await;
    let lans = roster.keep(&lan, MORNING).await.expect("a vault");
    let paos = roster.keep(&pao, MORNING.plus_ms(1)).await.expect("a vault");
    idb::delete_database("two-lan").await.expect("deleted");
    let notebook = IndexedDbNotebook::open("two-lan", lans).await.expect("a notebook");
    let case = Pen::new(lan.id, 1).open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.save(&case, None).await.expect("saved");
    drop(notebook);
    let peeped = IndexedDbNotebook::open("two-lan", paos).await.expect("no rows yet");
    assert_eq!(peeped.outbox().await.expect("outbox"), vec![], "another key reads none of it");
    drop(peeped);
    let people = roster.people().await.expect("people");
    assert_eq!(people.iter().map(|p| p.worker.id).collect::<Vec<_>>(), vec![pao.id, lan.id], "the last one first");
    let (_, lans) = roster.unlock(lan.id).await.expect("unlocked").expect("known");
    let notebook = IndexedDbNotebook::open("two-lan", lans).await.expect("a notebook");
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 1);
}

#[wasm_bindgen_test]
async fn whoever_logged_out_finds_everything_after_logging_in() {
    let village = Village::new();
    let lan = worker(&village, village.lan);
    let roster = roster("out-and-in").await;
    let vault = roster.keep(&lan, MORNING).await.expect("a vault");
    let sealed = vault.seal("draft", "x", b"unsent").await.expect("sealed");
    roster.sign_out(lan.id, true).await.expect("signed out");
    assert!(roster.unlock(lan.id).await.expect("asked").is_none(), "not without logging in");
    assert!(roster.people().await.expect("people")[0].untold);
    let roster = Roster::open_as("out-and-in").await.expect("reopened");
    let vault = roster.keep(&lan, MORNING).await.expect("logged in again");
    assert_eq!(vault.open("draft", "x", &sealed).await, Ok(b"unsent".to_vec()));
    let known = roster.people().await.expect("people").remove(0);
    assert!(!known.signed_out && !known.untold);
}

#[wasm_bindgen_test]
async fn names_of_people_rest_sealed() {
    let village = Village::new();
    let lan = worker(&village, village.lan);
    let roster = roster("sealed-people").await;
    roster.keep(&lan, MORNING).await.expect("a vault");
    let db = idb::Database::open("sealed-people", 1, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&["person"], idb::Mode::Read).expect("a transaction");
    let rows = tx.store("person").expect("the store").get_all().await.expect("rows");
    let said = format!("{:?}", rows);
    assert_eq!(rows.length(), 1);
    let profile = idb::bytes(&js_sys::Array::from(&rows.get(0)).get(1)).expect("a profile").to_vec();
    assert!(!said.contains("Lan") && !profile.windows(3).any(|w| w == b"Lan"));
}
