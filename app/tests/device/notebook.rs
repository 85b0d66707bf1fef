//! The notebook in IndexedDB: the laws of the port, and what only a real database can break.

use std::{cell::Cell, collections::BTreeSet};

use app::device::{
    idb::{self, Database, Mode},
    notebook::{IndexedDbNotebook, SCHEMA},
    shelf::{self, BLOCK_BUNDLES, BUNDLE_SUBJECTS, Bundle},
    vault::Vault,
};
use domain::{
    laws::{self, MORNING, Pen, Village},
    map::Map,
    notebook::Draft,
    *,
};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fault::Fault;

/// An empty notebook and the key of its device.
pub async fn empty(name: &str) -> (IndexedDbNotebook, Vault) {
    idb::delete_database(name).await.expect("deleted");
    let vault = Vault::new().await.expect("a key");
    (IndexedDbNotebook::open(name, vault.clone()).await.expect("an empty notebook"), vault)
}

/// The page by which the office shows `changes` of one log.
pub fn page(changes: &[&Change], first: u64, settles: bool) -> Page {
    let receipt = Receipt { received_at: MORNING, late: false, fixed: Fixed::default() };
    let mut subjects: Vec<SubjectPage> = vec![];
    for (seq, change) in (first..).zip(changes) {
        let entry = Entry { change: (*change).clone(), receipt: Some(receipt.clone()) };
        let mut parts = Parts::default();
        apply(&mut parts, &entry);
        subjects.push(SubjectPage {
            subject: change.subject,
            whole: false,
            parts: parts.0.into_iter().map(|(key, part)| PartRow { key, seq, part }).collect(),
            gone: vec![],
        });
    }
    let last = changes.last().expect("a page about something");
    Page {
        log: last.log.clone(),
        reset: false,
        subjects,
        settled: if settles { changes.iter().map(|c| (c.id, receipt.clone())).collect() } else { vec![] },
        next: Some(Cursor { seq: first + changes.len() as u64 - 1, mark: last.id }),
        more: false,
    }
}

async fn raw(name: &str, store: &str) -> (Array, Array) {
    let db = Database::open(name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&[store], Mode::Read).expect("a transaction");
    let store = tx.store(store).expect("the store");
    (store.get_all_keys().await.expect("keys"), store.get_all().await.expect("rows"))
}

fn name_of(card: &Card) -> Option<&str> {
    card.name.as_ref().map(PersonName::as_str)
}

#[wasm_bindgen_test]
async fn every_law_of_the_port_holds() {
    let village = Village::new();
    let n = Cell::new(0);
    laws::notebook_laws(&village, || {
        n.set(n.get() + 1);
        let name = format!("laws-{}", n.get());
        async move { empty(&name).await.0 }
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_saved_change_is_there_after_reopening() {
    let (notebook, vault) = empty("reopened").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let n = notebook.save(&case, None).await.expect("saved");
    let device = notebook.device();
    assert!(notebook.is_new());
    drop(notebook);
    let notebook = IndexedDbNotebook::open("reopened", vault).await.expect("reopened");
    assert!(!notebook.is_new());
    assert_eq!(notebook.device(), device, "the same installation");
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(outbox, vec![OutboxItem { change: Change { n, ..case.clone() }, state: OutboxState::Queued }]);
    let seen = lan.write(case.subject, "place:a", laws::visit("Đỡ đau chân."));
    assert!(notebook.save(&seen, None).await.expect("saved") > n, "numbers go on");
}

#[wasm_bindgen_test]
async fn a_number_is_never_given_twice() {
    let (notebook, vault) = empty("numbers").await;
    let lan = Pen::new(Village::new().lan, 1);
    let first = lan.open("a1", None, vec![]);
    let n = notebook.save(&first, None).await.expect("saved");
    notebook.store(&page(&[&first], 1, true), MORNING).await.expect("stored");
    assert!(notebook.outbox().await.expect("outbox").is_empty());
    drop(notebook);
    let notebook = IndexedDbNotebook::open("numbers", vault).await.expect("reopened");
    let second = lan.open("a1", None, vec![]);
    assert!(notebook.save(&second, None).await.expect("saved") > n);
}

#[wasm_bindgen_test]
async fn a_draft_on_its_way_does_not_come_back_after_its_form_was_saved() {
    let (notebook, _) = empty("draft-turns").await;
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let draft = |content: &str| Draft { name: "visit".to_owned(), at: MORNING, content: content.to_owned() };
    let mut came_too_late = 0;
    for wait_ms in 0..30 {
        let changes = [lan.open("a1", None, vec![])];
        let (saved, typed) = (Cell::new(false), draft("typed last"));
        let save = async {
            notebook.save_all(&changes, Some("visit")).await.expect("saved");
            saved.set(true);
        };
        let put = async {
            TimeoutFuture::new(wait_ms).await;
            let is_of_the_next = saved.get();
            let stands = notebook.put_standing_draft(&typed).await.expect("an answer");
            came_too_late += u32::from(!stands);
            is_of_the_next
        };
        let ((), is_of_the_next) = futures::future::join(save, put).await;
        assert_eq!(notebook.drafts().await.expect("drafts").len(), usize::from(is_of_the_next));
        notebook.delete_draft("visit").await.expect("deleted");
    }
    assert!(came_too_late > 0, "some were asked for while the save was under way");
    assert!(notebook.put_standing_draft(&draft("the next visit")).await.expect("an answer"));
    assert_eq!(notebook.drafts().await.expect("drafts").len(), 1);
}

#[wasm_bindgen_test]
async fn a_save_that_fails_half_way_leaves_the_draft_and_nothing_else() {
    let (notebook, _) = empty("half").await;
    let lan = Pen::new(Village::new().lan, 1);
    let draft = Draft { name: "new-case".to_owned(), at: MORNING, content: r#"{"who":"?"}"#.to_owned() };
    notebook.put_draft(&draft).await.expect("a draft");
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    // The first is of the number that the store is asked for before.
    let fault = Fault::throw_later("IDBObjectStore", "delete", "DataError", 1);
    assert_eq!(notebook.save(&case, Some("new-case")).await, Err(StoreError::Damaged));
    drop(fault);
    assert_eq!(notebook.drafts().await.expect("drafts"), vec![draft]);
    assert!(notebook.outbox().await.expect("outbox").is_empty(), "the change was taken back with it");
    notebook.save(&case, Some("new-case")).await.expect("saved");
    assert!(notebook.drafts().await.expect("drafts").is_empty());
}

#[wasm_bindgen_test]
async fn a_page_that_fails_half_way_moves_no_cursor() {
    let (notebook, vault) = empty("half-page").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.save(&case, None).await.expect("saved");
    let fault = Fault::throw("IDBObjectStore", "delete", "QuotaExceededError", 1);
    assert_eq!(notebook.store(&page(&[&case], 1, true), MORNING).await, Err(StoreError::Full));
    drop(fault);
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 1, "the overlay stays");
    assert!(notebook.cursors().await.expect("cursors").is_empty());
    assert_eq!(notebook.find(case.subject).await.expect("found"), None);
    assert!(notebook.rows().is_empty());
    notebook.store(&page(&[&case], 1, true), MORNING).await.expect("stored");
    drop(notebook);
    let notebook = IndexedDbNotebook::open("half-page", vault).await.expect("reopened");
    assert!(notebook.outbox().await.expect("outbox").is_empty());
    assert_eq!(notebook.cursors().await.expect("cursors").len(), 1);
    let card = notebook.row(case.subject).and_then(|row| row.card).expect("its card");
    assert_eq!(name_of(&card), Some("Hoàng Thị Mỷ"));
    assert_eq!(notebook.kept().await.expect("kept"), vec![(case.subject, MORNING)]);
}

#[wasm_bindgen_test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let (notebook, _) = empty("full").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let fault = Fault::throw("IDBObjectStore", "add", "QuotaExceededError", 1);
    assert_eq!(notebook.save(&case, None).await, Err(StoreError::Full));
    drop(fault);
    notebook.save(&case, None).await.expect("saved once there is room");
}

#[wasm_bindgen_test]
async fn a_dead_handle_is_replaced() {
    let (notebook, _) = empty("dead").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let fault = Fault::throw("IDBDatabase", "transaction", "InvalidStateError", 1);
    notebook.save(&case, None).await.expect("saved by the next handle");
    drop(fault);
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 1);
}

#[wasm_bindgen_test]
async fn a_newer_store_is_left_untouched() {
    let name = "newer";
    idb::delete_database(name).await.expect("deleted");
    let newer = Database::open(name, SCHEMA + 1, |db, _| db.create("later")).await.expect("a newer database");
    let tx = newer.transaction(&["later"], Mode::Strict).expect("a transaction");
    tx.store("later").expect("a store").put(&"row".into(), &"of a newer app".into()).expect("put");
    tx.done().await.expect("kept");
    drop(newer);
    let vault = Vault::new().await.expect("a key");
    let opened = IndexedDbNotebook::open(name, vault).await.map(|_| ());
    assert_eq!(opened, Err(StoreError::Newer));
    let newer = Database::open(name, SCHEMA + 1, |_, _| ()).await.expect("as it was");
    let row = newer.transaction(&["later"], Mode::Read).expect("a transaction").store("later").expect("the store");
    assert_eq!(row.get(&"row".into()).await.expect("read").as_string().as_deref(), Some("of a newer app"));
}

#[wasm_bindgen_test]
async fn an_older_tab_gives_way_to_a_newer_app() {
    let (_old_tab, _) = empty("gives-way").await;
    let newer = Database::open("gives-way", SCHEMA + 1, |_, _| ()).await;
    assert!(newer.is_ok(), "the older tab closed its handle");
}

#[wasm_bindgen_test]
async fn nothing_readable_rests_on_the_phone() {
    let (notebook, _) = empty("sealed").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", laws::visit("Đỡ đau chân."));
    let content = serde_json::json!({ "name": "Hoàng Thị Mỷ", "seen": "Đỡ đau chân." });
    notebook
        .put_draft(&Draft { name: "visit".to_owned(), at: MORNING, content: content.to_string() })
        .await
        .expect("a draft");
    notebook.save(&case, None).await.expect("saved");
    notebook.save(&seen, None).await.expect("saved");
    let why = Refusal::NoConsent;
    notebook.settle(&[(seen.id, Verdict::Refused { why })], MORNING).await.expect("settled");
    notebook.store(&page(&[&case], 1, true), MORNING).await.expect("stored");
    let mut everything = vec![];
    for store in ["outbox", "kept", "bundle", "block", "meta", "draft"] {
        let (keys, rows) = raw("sealed", store).await;
        assert!(keys.length() > 0, "{store} holds something");
        gather(&keys, &mut everything);
        gather(&rows, &mut everything);
    }
    let can_be_read = |words: &str| everything.windows(words.len()).any(|window| window == words.as_bytes());
    for words in ["Mỷ", "hoang thi my", "Đỡ đau", "place:a", "no_consent", "full_name", "visit_recorded"] {
        assert!(!can_be_read(words), "{words} can be read");
    }
    assert!(can_be_read(&notebook.device().to_string()), "the search finds what is there");
}

/// The bytes of every text and every buffer in a value.
fn gather(value: &JsValue, into: &mut Vec<u8>) {
    if let Some(text) = value.as_string() {
        into.extend(text.bytes());
    } else if let Some(bytes) = value.dyn_ref::<Uint8Array>() {
        into.extend(bytes.to_vec());
    } else if let Some(object) = value.dyn_ref::<js_sys::Object>() {
        for inside in js_sys::Object::values(object).iter() {
            gather(&inside, into);
        }
    }
    into.push(0);
}

#[wasm_bindgen_test]
async fn another_key_opens_nothing_and_destroys_nothing() {
    let (notebook, vault) = empty("other-key").await;
    let lan = Pen::new(Village::new().lan, 1);
    let (first, second) = (lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]), lan.open("a1", None, vec![]));
    notebook.store(&page(&[&first], 1, false), MORNING).await.expect("stored");
    notebook.save(&second, None).await.expect("saved");
    drop(notebook);
    let other = Vault::new().await.expect("a key");
    assert_eq!(IndexedDbNotebook::open("other-key", other).await.map(|_| ()), Err(StoreError::Damaged));
    let notebook = IndexedDbNotebook::open("other-key", vault).await.expect("reopened");
    assert_eq!(notebook.rows().len(), 1);
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 1);
}

#[wasm_bindgen_test]
async fn a_row_opens_only_where_it_was_sealed() {
    let vault = Vault::new().await.expect("a key");
    let sealed = vault.seal("subject", "case:1", "Mỷ".as_bytes()).await.expect("sealed");
    assert_eq!(vault.open("subject", "case:1", &sealed).await, Ok("Mỷ".as_bytes().to_vec()));
    assert_eq!(vault.open("subject", "case:2", &sealed).await, Err(StoreError::Damaged));
    assert_eq!(vault.open("draft", "case:1", &sealed).await, Err(StoreError::Damaged));
    let last = sealed.length() - 1;
    sealed.set_index(last, sealed.get_index(last) ^ 1);
    assert_eq!(vault.open("subject", "case:1", &sealed).await, Err(StoreError::Damaged));
    sealed.set_index(0, 2);
    assert_eq!(vault.open("subject", "case:1", &sealed).await, Err(StoreError::Newer));
}

#[wasm_bindgen_test]
async fn what_waits_for_its_page_is_offered_again_after_a_reset() {
    let (notebook, vault) = empty("reset").await;
    let pao = Pen::new(Village::new().pao, 1);
    let shown = pao.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let received = pao.open("a2", Some("Lý A Páo"), vec![]);
    let elsewhere = pao.open("b1", Some("Nông Văn Tư"), vec![]);
    for case in [&shown, &received, &elsewhere] {
        notebook.save(case, None).await.expect("saved");
        notebook.settle(&[(case.id, Verdict::Accepted { at: MORNING })], MORNING).await.expect("settled");
    }
    notebook.store(&page(&[&shown], 1, true), MORNING).await.expect("stored");
    notebook.store(&page(&[&elsewhere], 1, true), MORNING).await.expect("stored");
    let reset = Page { reset: true, subjects: vec![], settled: vec![], next: None, ..page(&[&shown], 1, false) };
    notebook.store(&reset, MORNING).await.expect("stored");
    drop(notebook);
    let notebook = IndexedDbNotebook::open("reset", vault).await.expect("reopened");
    let outbox = notebook.outbox().await.expect("outbox");
    let queued: Vec<ChangeId> = outbox.iter().filter(|i| i.state == OutboxState::Queued).map(|i| i.change.id).collect();
    assert_eq!(queued, vec![shown.id, received.id], "in their own order");
    assert_eq!(outbox[0].change.n, 1, "under the number it had");
    assert_eq!(notebook.subjects().await.expect("subjects"), vec![elsewhere.subject], "the other log stays");
    assert_eq!(notebook.kept().await.expect("kept"), vec![(elsewhere.subject, MORNING)]);
}

#[wasm_bindgen_test]
async fn what_was_acknowledged_long_ago_is_let_go() {
    let (notebook, _) = empty("old").await;
    let lan = Pen::new(Village::new().lan, 1);
    let (first, second) = (lan.open("a1", None, vec![]), lan.open("a1", None, vec![]));
    notebook.save(&first, None).await.expect("saved");
    notebook.store(&page(&[&first], 1, true), MORNING).await.expect("stored");
    let later = MORNING.plus_ms((limits::KEPT_DAYS + 1) * 86_400_000);
    notebook.store(&page(&[&second], 2, false), later).await.expect("stored");
    assert!(notebook.kept().await.expect("kept").is_empty());
    assert!(notebook.find(first.subject).await.expect("found").is_some(), "the case itself stays");
}

#[wasm_bindgen_test]
fn a_bundle_is_unpacked_as_it_was_packed() {
    let lan = Pen::new(Village::new().lan, 1);
    let bundle: Bundle = (0..3_u8)
        .map(|i| (lan.open("a1", None, vec![]).subject, [b"\n 7\n", &vec![i; usize::from(i) * 9][..]].concat()))
        .collect();
    assert_eq!(shelf::unpack(&shelf::pack(&bundle)), Some(bundle.clone()));
    assert_eq!(shelf::unpack(b""), Some(Bundle::new()));
    let whole = shelf::pack(&bundle);
    assert_eq!(shelf::unpack(&whole[..whole.len() - 1]), None, "cut");
    assert_eq!(shelf::unpack(b"case 5\nabcde"), None, "no subject");
}

#[wasm_bindgen_test]
async fn list_rows_lie_in_blocks_and_survive_every_way_of_changing() {
    let (notebook, vault) = empty("blocks").await;
    let lan = Pen::new(Village::new().lan, 1);
    let cases: Vec<Change> =
        (0..600).map(|i| lan.open("a1", Some(if i % 2 == 0 { "Hoàng Thị Mỷ" } else { "Lý A Páo" }), vec![])).collect();
    for (number, chunk) in cases.chunks(limits::PAGE_SUBJECTS).enumerate() {
        let first = (number * limits::PAGE_SUBJECTS) as u64 + 1;
        notebook.store(&page(&chunk.iter().collect::<Vec<_>>(), first, false), MORNING).await.expect("stored");
    }
    let (bundles, _) = raw("blocks", "bundle").await;
    assert_eq!(bundles.length() as usize, 600_usize.div_ceil(BUNDLE_SUBJECTS), "bundles are filled");
    let (blocks, _) = raw("blocks", "block").await;
    assert_eq!(blocks.length(), bundles.length().div_ceil(BLOCK_BUNDLES), "and blocks");
    let forget = |case: &Change| SubjectPage { subject: case.subject, whole: true, parts: vec![], gone: vec![] };
    let gone: Vec<SubjectPage> = cases[..300].iter().map(forget).collect();
    notebook.store(&Page { subjects: gone, ..page(&[&cases[599]], 601, false) }, MORNING).await.expect("stored");
    drop(notebook);
    let notebook = IndexedDbNotebook::open("blocks", vault).await.expect("reopened");
    let there: BTreeSet<Subject> = notebook.rows().into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(there, cases[300..].iter().map(|c| c.subject).collect());
    let (blocks, _) = raw("blocks", "block").await;
    assert_eq!(blocks.length(), 2, "an empty block is gone");
    let stored = notebook.find(cases[300].subject).await.expect("found").expect("the case");
    let name = stored.parts.header().and_then(Header::name).map(PersonName::as_str);
    assert_eq!(name, Some("Hoàng Thị Mỷ"), "its neighbours in the bundle were left as they were");
    assert_eq!(notebook.find(cases[299].subject).await.expect("found"), None);
}

#[wasm_bindgen_test]
async fn rows_are_deleted_side_by_side_and_none_beside_them() {
    idb::delete_database("side by side").await.expect("deleted");
    let db = Database::open("side by side", 1, |upgrade, _| upgrade.create("row")).await.expect("a database");
    for doomed in ["", "a", "j", "abc", "bdf", "abcefhij", "abcdefghij", "xyz"] {
        let tx = db.transaction(&["row"], Mode::Relaxed).expect("a transaction");
        let store = tx.store("row").expect("the store");
        for name in "abcdefghij".chars() {
            store.put(&name.to_string().into(), &1.into()).expect("put");
        }
        let is_doomed = |key: &JsValue| key.as_string().is_some_and(|name| doomed.contains(&name));
        store.delete_where(is_doomed).await.expect("deleted");
        let left: String = store.get_all_keys().await.expect("keys").iter().filter_map(|key| key.as_string()).collect();
        tx.done().await.expect("done");
        let expected: String = "abcdefghij".chars().filter(|name| !doomed.contains(*name)).collect();
        assert_eq!(left, expected, "without {doomed}");
    }
}

#[wasm_bindgen_test]
async fn list_rows_that_cannot_be_read_are_made_anew() {
    let (notebook, vault) = empty("rebuilt").await;
    let lan = Pen::new(Village::new().lan, 1);
    let cases: Vec<Change> = (0..3).map(|_| lan.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    notebook.store(&page(&cases.iter().collect::<Vec<_>>(), 1, false), MORNING).await.expect("stored");
    let before: Vec<Option<Card>> = notebook.rows().into_iter().map(|(_, r)| r.card.as_deref().cloned()).collect();
    drop(notebook);
    let db = Database::open("rebuilt", SCHEMA, |_, _| ()).await.expect("the database");
    let old = vault.seal("block", "0", br#"{"v":0,"rows":[]}"#).await.expect("sealed");
    let tx = db.transaction(&["block"], Mode::Strict).expect("a transaction");
    tx.store("block").expect("the store").put(&0.into(), &old).expect("put");
    tx.done().await.expect("kept");
    drop(db);
    let notebook = IndexedDbNotebook::open("rebuilt", vault.clone()).await.expect("reopened");
    let after: Vec<Option<Card>> = notebook.rows().into_iter().map(|(_, r)| r.card.as_deref().cloned()).collect();
    assert_eq!(after, before);
    assert_eq!(notebook.cursors().await.expect("cursors").len(), 1, "nothing is pulled anew");
    drop(notebook);
    let again = IndexedDbNotebook::open("rebuilt", vault).await.expect("reopened");
    assert_eq!(again.rows().len(), 3, "and they were written down");
}

/// Turns one bit of what is sealed in a row, as a worn memory chip does.
pub async fn wear(name: &str, store: &str, key: &JsValue) {
    let db = Database::open(name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&[store], Mode::Strict).expect("a transaction");
    let rows = tx.store(store).expect("the store");
    let row = rows.get(key).await.expect("the row");
    let sealed: Uint8Array = if store == "outbox" { idb::get(&row, "body") } else { row.clone() }.unchecked_into();
    let last = sealed.length() - 1;
    sealed.set_index(last, sealed.get_index(last) ^ 1);
    if store == "outbox" { rows.put_keyed(&row) } else { rows.put(key, &row) }.expect("put");
    tx.done().await.expect("kept");
}

#[wasm_bindgen_test]
async fn a_bundle_that_cannot_be_read_is_taken_anew_from_the_office() {
    let (notebook, vault) = empty("worn").await;
    let lan = Pen::new(Village::new().lan, 1);
    let cases: Vec<Change> = (0..3).map(|_| lan.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    let whole = page(&cases.iter().collect::<Vec<_>>(), 1, false);
    notebook.store(&whole, MORNING).await.expect("stored");
    drop(notebook);
    wear("worn", "bundle", &0.into()).await;
    let notebook = IndexedDbNotebook::open("worn", vault).await.expect("reopened");
    assert_eq!(notebook.find(cases[0].subject).await, Err(StoreError::Damaged));
    assert_eq!(notebook.rows().len(), 3, "nobody seems to have vanished");
    let later = page(&[&cases[1]], 4, false);
    assert_eq!(notebook.store(&later, MORNING).await, Err(StoreError::Damaged), "no page is laid over what is missing");
    let nowhere = Cursor { seq: i64::MAX as u64, mark: ChangeId(uuid::Uuid::nil()) };
    let spoiled: Map<LogId, Cursor> = [(whole.log.clone(), nowhere)].into();
    assert_eq!(notebook.cursors().await, Ok(spoiled), "the office does not find it, and tells all from the beginning");
    assert_eq!(notebook.find(cases[0].subject).await, Err(StoreError::Damaged), "until it is there again");
    // Meanwhile the last of them is no longer this person's to see.
    let seen = Page { reset: true, ..page(&[&cases[0], &cases[1]], 1, false) };
    notebook.store(&seen, MORNING).await.expect("stored");
    for case in &cases[..2] {
        let found = notebook.find(case.subject).await.expect("readable").expect("there");
        assert!(found.parts.header().is_some());
    }
    assert_eq!(notebook.cursors().await.expect("cursors").values().map(|c| c.seq).collect::<Vec<_>>(), vec![2]);
    assert_eq!(notebook.rows().len(), 2, "and what is no longer to be seen is gone");
    assert_eq!(notebook.find(cases[2].subject).await, Ok(None));
}

#[wasm_bindgen_test]
async fn cursors_that_cannot_be_read_hide_nobody() {
    let (notebook, vault) = empty("worn-cursors").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.store(&page(&[&case], 1, false), MORNING).await.expect("stored");
    drop(notebook);
    wear("worn-cursors", "meta", &"cursors".into()).await;
    let notebook = IndexedDbNotebook::open("worn-cursors", vault).await.expect("reopened");
    assert_eq!(notebook.rows().len(), 1);
    let spoiled: Vec<u64> = notebook.cursors().await.expect("cursors").values().map(|c| c.seq).collect();
    assert_eq!(spoiled, vec![i64::MAX as u64], "every log is told from the beginning");
}

#[wasm_bindgen_test]
async fn an_unsent_row_that_cannot_be_read_stays_and_is_counted() {
    let (notebook, vault) = empty("worn-outbox").await;
    let lan = Pen::new(Village::new().lan, 1);
    let (worn, sound) = (lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]), lan.open("a1", None, vec![]));
    let n = notebook.save(&worn, None).await.expect("saved");
    notebook.save(&sound, None).await.expect("saved");
    drop(notebook);
    wear("worn-outbox", "outbox", &(n as f64).into()).await;
    let notebook = IndexedDbNotebook::open("worn-outbox", vault).await.expect("reopened");
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(outbox.iter().map(|item| item.change.id).collect::<Vec<_>>(), vec![sound.id], "it delays nothing else");
    assert_eq!(notebook.unreadable(), 1);
    assert_eq!(app::device::notebook::standing("worn-outbox").await.map(|standing| standing.waiting), Ok(2));
    notebook.settle(&[(sound.id, Verdict::Accepted { at: MORNING })], MORNING).await.expect("settled");
    notebook.store(&page(&[&sound], 1, true), MORNING).await.expect("stored");
    assert_eq!(notebook.outbox().await, Ok(vec![]));
    assert_eq!((notebook.unreadable(), raw("worn-outbox", "outbox").await.1.length()), (1, 1), "it is still there");
}

#[wasm_bindgen_test]
async fn two_tabs_never_overwrite_each_others_rows() {
    let (left, vault) = empty("tabs").await;
    let right = IndexedDbNotebook::open("tabs", vault.clone()).await.expect("a second tab");
    let lan = Pen::new(Village::new().lan, 1);
    let (first, second) = (lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]), lan.open("a1", Some("Lý A Páo"), vec![]));
    left.store(&page(&[&first], 1, false), MORNING).await.expect("stored");
    right.store(&page(&[&second], 2, false), MORNING).await.expect("stored on top of what the other tab stored");
    assert_eq!(right.rows().len(), 2);
    assert_eq!(left.rows().len(), 1, "not looked yet");
    assert_eq!(left.cursors().await.expect("cursors")[&first.log].seq, 2);
    assert_eq!(left.rows().len(), 2, "looked");
    let from_left = left.save(&first, None).await.expect("saved");
    let from_right = right.save(&second, None).await.expect("saved");
    assert_ne!(from_left, from_right);
    let ids = |items: Vec<OutboxItem>| items.into_iter().map(|i| i.change.id).collect::<Vec<_>>();
    assert_eq!(ids(left.outbox().await.expect("outbox")), vec![first.id, second.id]);
    assert_eq!(ids(right.outbox().await.expect("outbox")), vec![first.id, second.id]);
    drop((left, right));
    let whole = IndexedDbNotebook::open("tabs", vault).await.expect("reopened");
    assert_eq!(whole.rows().len(), 2);
}

#[wasm_bindgen_test]
async fn a_correction_takes_the_place_of_what_was_held() {
    let (notebook, _) = empty("corrected").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let wrong = lan.write(case.subject, "place:a", laws::visit("Hẹn nhầm năm."));
    notebook.save(&case, None).await.expect("saved");
    notebook.save(&wrong, None).await.expect("saved");
    let why = Refusal::Field { spot: Spot::NextVisit, why: domain::Invalid::TooEarly };
    notebook.settle(&[(wrong.id, Verdict::Refused { why })], MORNING).await.expect("settled");
    let right =
        Change { replaces: Some(wrong.id), ..lan.write(case.subject, "place:a", laws::visit("Hẹn đúng năm.")) };
    notebook.save(&right, None).await.expect("saved");
    let ids: Vec<ChangeId> = notebook.outbox().await.expect("outbox").iter().map(|i| i.change.id).collect();
    assert_eq!(ids, vec![case.id, right.id]);
}

#[wasm_bindgen_test]
async fn an_answer_that_cannot_be_written_down_delays_no_later_batch() {
    struct Takes(std::cell::RefCell<Vec<usize>>);
    impl sync::Office for Takes {
        async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
            self.0.borrow_mut().push(batch.changes.len());
            Ok(batch.changes.iter().map(|_| Verdict::Accepted { at: MORNING }).collect())
        }
        async fn pull(&self, _: PullRequest) -> Result<PullAnswer, ApiError> {
            Err(ApiError::NoConnection)
        }
    }
    let (notebook, _) = empty("unsettled").await;
    let lan = Pen::new(Village::new().lan, 1);
    let changes: Vec<Change> = (0..150).map(|_| lan.open("a1", None, vec![])).collect();
    notebook.save_all(&changes, None).await.expect("saved");
    let (office, phone) = (Takes(Default::default()), sync::Phone { worker: lan.worker, device: notebook.device() });
    let fault = Fault::throw("IDBObjectStore", "put", "QuotaExceededError", 1);
    let run = sync::push(&notebook, &office, phone, &|| MORNING).await.expect("a run");
    drop(fault);
    assert_eq!((run.received, office.0.take()), (150, vec![100, 50]), "each batch once");
    let items = notebook.outbox().await.expect("outbox");
    assert!(items.iter().all(|item| matches!(item.state, OutboxState::Received { .. })), "written down at the end");
    // A disk that takes nothing at all: all was sent, and nothing is said to be there.
    let (notebook, _) = empty("never-settled").await;
    notebook.save_all(&changes, None).await.expect("saved");
    let fault = Fault::throw("IDBObjectStore", "put", "QuotaExceededError", 1_000);
    let failed = sync::push(&notebook, &office, phone, &|| MORNING).await;
    drop(fault);
    assert_eq!((failed, office.0.take()), (Err(sync::SyncError::Store(StoreError::Full)), vec![100, 50]));
    let items = notebook.outbox().await.expect("outbox");
    assert!(items.len() == 150 && items.iter().all(|item| item.state == OutboxState::Queued));
}

#[wasm_bindgen_test]
async fn a_notebook_that_was_closed_gives_nothing_more_and_still_takes_what_was_being_written() {
    let (notebook, vault) = empty("closed").await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.close();
    assert_eq!(notebook.outbox().await, Err(StoreError::Closed));
    assert_eq!(notebook.drafts().await, Err(StoreError::Closed));
    let draft = Draft { name: "visit".to_owned(), at: MORNING, content: "{}".to_owned() };
    notebook.put_draft(&draft).await.expect("what was typed is kept");
    notebook.save(&case, None).await.expect("and what was being saved");
    let again = IndexedDbNotebook::open("closed", vault).await.expect("opened anew");
    assert_eq!(again.drafts().await, Ok(vec![draft]));
    assert_eq!(again.outbox().await.expect("outbox").len(), 1);
    drop(again);
    idb::delete_database("closed").await.expect("no handle stands open");
}
