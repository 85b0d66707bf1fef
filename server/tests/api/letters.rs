//! Letters: whoever brings them, they arrive once, in their writer's name, and tell nobody anything.

use domain::laws::{MORNING, Pen, visit};
use domain::{
    Act, Bytes, Change, DeviceId, Inside, Letter, Post, PostAnswer, Side, Timestamp, Verdict, WorkerId, json, laws,
    limits,
};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use server::database::now_ms;
use server::promises::prove;

use crate::support::{Answer, Caller, Office, on_postgres, pages_of, post};

/// A device that signs: what the phone does with WebCrypto.
struct Signer256 {
    key: SigningKey,
    device: DeviceId,
}

impl Signer256 {
    fn new(device: DeviceId, seed: u8) -> Self {
        Self { key: SigningKey::from_slice(&[seed; 32]).unwrap(), device }
    }
    fn public(&self) -> Bytes {
        Bytes(self.key.verifying_key().to_sec1_point(false).as_bytes().to_vec())
    }
    fn letter(&self, office: &Office, worker: WorkerId, change: &Change) -> Letter {
        let inside = Inside { worker, ahead_ms: None, change: laws::raw(change) };
        self.seal(&office.staff.keys.public(), change.id, &Letter::fill(&inside).unwrap())
    }
    fn seal(&self, office: &domain::OfficeKey, id: domain::ChangeId, plain: &[u8]) -> Letter {
        let to = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(&office.letters.0).unwrap();
        let about = Letter::about(Letter::V, id, &office.id, self.device);
        let (enc, ct) = hpke::single_shot_seal::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeS::Base,
            &to,
            Letter::INFO,
            plain,
            about.as_bytes(),
        )
        .unwrap();
        let enc = Bytes(enc.to_bytes().to_vec());
        let mut letter = Letter {
            v: Letter::V,
            id,
            key: office.id.clone(),
            device: self.device,
            enc,
            ct: Bytes(ct),
            sig: Bytes::default(),
        };
        let sig: Signature = self.key.sign(&letter.signed());
        letter.sig = Bytes(sig.to_bytes().to_vec());
        letter
    }
}

/// Pulls once with the key of the device, as a phone does that has just logged in.
async fn register(caller: &Caller, pen: &Pen, signer: &Signer256) -> Answer {
    let request = json!({
        "v": 1, "worker": pen.worker, "device": pen.device, "cursors": {}, "briefing": "",
        "signer": signer.public()
    });
    caller.call("/api/pull", &json!({ "request": request })).await
}

/// Somebody without any session.
async fn bring(office: &Office, letters: &[Letter]) -> Answer {
    let address = office.sign_in("admin").await.address;
    post(&address, "", "/api/letters", &json!({ "letters": letters }).to_string()).await.unwrap()
}

async fn kept(office: &Office, letters: &[Letter]) -> Vec<bool> {
    let answer = bring(office, letters).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    json::read::<PostAnswer>(answer.body.as_bytes()).unwrap().kept
}

async fn lan_with_a_key(office: &Office) -> (Pen, Signer256) {
    let lan = Pen::new(office.village.lan, 1);
    let signer = Signer256::new(lan.device, 7);
    let answer = register(&office.sign_in("lan").await, &lan, &signer).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    (lan, signer)
}

async fn rows(office: &Office) -> [i64; 3] {
    [office.count("change").await, office.count("waiting").await, office.count("quarantine").await]
}

#[tokio::test]
async fn letters_arrive_without_a_session_once_in_their_writers_name() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let letters = [signer.letter(&office, lan.worker, &case), signer.letter(&office, lan.worker, &seen)];
    assert!(!serde_json::to_string(&letters).unwrap().contains("Mỷ"), "a courier reads nothing");
    // What builds on the other comes first, and waits for it.
    assert_eq!(kept(&office, &letters[1..]).await, [true]);
    assert_eq!(rows(&office).await, [0, 1, 0]);
    assert_eq!(kept(&office, &letters[..1]).await, [true]);
    assert_eq!(rows(&office).await, [2, 0, 0]);
    for _ in 0..2 {
        assert_eq!(kept(&office, &letters).await, [true, true], "again and again");
    }
    assert_eq!(rows(&office).await, [2, 0, 0]);
    // The phone itself comes later.
    let said = office.sign_in("lan").await.push(&lan, &[&case, &seen]).await;
    assert!(said.iter().all(|v| matches!(v, Verdict::AlreadyKnown { .. })), "{said:?}");
    let (_, page) = pages_of(&office.sign_in("lan").await.pull(&lan).await, case.subject).remove(0);
    let writers: Vec<WorkerId> = page
        .parts
        .iter()
        .filter_map(|r| if let domain::Part::Visit(v) = &r.part { Some(v.written.by) } else { None })
        .collect();
    assert_eq!(writers, [office.village.lan]);
    office.assert_sound().await;
}

#[tokio::test]
async fn the_public_halves_come_with_the_log_in_and_with_the_briefing() {
    let office = Office::open().await;
    let key = office.staff.keys.public();
    let mut lan = office.sign_in("lan").await;
    let answer = lan.call("/api/log_in", &json!({ "user_name": "lan", "password": crate::support::PASSWORD })).await;
    let said: domain::LoggedIn = json::read(answer.body.as_bytes()).unwrap();
    assert_eq!(said.office, Some(key.clone()));
    // A phone of yesterday reads the same answer as a worker.
    let worker: domain::Worker = json::read(answer.body.as_bytes()).unwrap();
    assert_eq!(worker.id, office.village.lan);
    lan.cookie = answer.cookie.unwrap();
    let here = lan.call("/api/whoami", &json!({})).await;
    let here: Vec<domain::LoggedIn> = json::read(here.body.as_bytes()).unwrap();
    assert_eq!(here[0].office, Some(key.clone()));
    let briefing = lan.pull(&Pen::new(office.village.lan, 1)).await.briefing.unwrap();
    assert_eq!(briefing.office, Some(key));
}

#[tokio::test]
async fn what_cannot_be_proved_leaves_no_trace() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let right = signer.letter(&office, lan.worker, &case);
    let stranger = Signer256::new(lan.device, 9);
    let pao = Pen::new(office.village.pao, 1);
    let other_office = server::keys::OfficeKeys::of(&server::seal::Seal::new([1; 32])).public();
    let other_words = lan.open("a1", Some("Lý Văn Páo"), vec![]);
    let mut exchanged = signer.letter(&office, lan.worker, &other_words);
    std::mem::swap(&mut exchanged.id, &mut right.clone().id);
    let wrong = [
        // Nobody here has this key.
        stranger.letter(&office, lan.worker, &case),
        Signer256::new(DeviceId(case.id.0), 7).letter(&office, lan.worker, &case),
        // In another's name.
        signer.letter(&office, pao.worker, &pao.open("a1", None, vec![])),
        signer.letter(&office, lan.worker, &pao.open("a1", None, vec![])),
        // Sealed to another office, or altered on the way.
        signer.seal(&other_office, case.id, b"{}"),
        Letter { id: other_words.id, ..right.clone() },
        Letter { ct: Bytes(right.ct.0.iter().rev().copied().collect()), ..right.clone() },
        Letter { v: 2, ..right.clone() },
        // Nothing that anybody could read.
        signer.seal(&office.staff.keys.public(), case.id, b"not a change"),
        exchanged,
    ];
    assert_eq!(kept(&office, &wrong).await, [false; 10]);
    assert_eq!(rows(&office).await, [0, 0, 0]);
    // Signed anew by the right device, but with the content of another name: the device lies about what is inside.
    let inside = Inside { worker: lan.worker, ahead_ms: None, change: laws::raw(&other_words) };
    let lying = signer.seal(&office.staff.keys.public(), case.id, &Letter::fill(&inside).unwrap());
    assert_eq!(kept(&office, &[lying, right]).await, [false, true]);
    assert_eq!(rows(&office).await, [1, 0, 0]);
}

#[tokio::test]
async fn what_is_malformed_or_too_much_is_refused_and_nothing_is_written() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let letter = signer.letter(&office, lan.worker, &lan.open("a1", None, vec![]));
    let address = office.sign_in("admin").await.address;
    for body in ["", "{}", "[]", r#"{"letters":[{"v":1}]}"#, r#"{"letters":"x"}"#] {
        let answer = post(&address, "", "/api/letters", body).await.unwrap();
        assert_eq!(answer.error(), (400, "bad_request".to_owned()), "{body}");
    }
    let broken = json!({ "letters": [letter] }).to_string().replace("\"enc\":\"", "\"enc\":\"=");
    assert_eq!(post(&address, "", "/api/letters", &broken).await.unwrap().status, 400);
    let many = vec![letter.clone(); limits::POST_LETTERS + 1];
    assert_eq!(bring(&office, &many).await.error(), (413, "too_large".to_owned()));
    let huge = json!({ "letters": [], "x": "x".repeat(limits::POST_BYTES + 8 * 1024) });
    assert_eq!(post(&address, "", "/api/letters", &huge.to_string()).await.unwrap().status, 413);
    assert_eq!(rows(&office).await, [0, 0, 0]);
    let mut statuses = vec![];
    for _ in 0..=60 {
        statuses.push(bring(&office, &[]).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "nobody knocks for ever");
    assert_eq!(rows(&office).await, [0, 0, 0]);
}

#[tokio::test]
async fn what_is_no_key_is_not_remembered_and_a_pull_works_all_the_same() {
    let office = Office::open().await;
    let lan = Pen::new(office.village.lan, 1);
    let caller = office.sign_in("lan").await;
    for public in [vec![4; 65], vec![], vec![2; 33]] {
        let request = json!({
            "v": 1, "worker": lan.worker, "device": lan.device, "cursors": {}, "briefing": "", "signer": Bytes(public)
        });
        assert_eq!(caller.call("/api/pull", &json!({ "request": request })).await.status, 200);
    }
    assert_eq!(office.count("device_key").await, 0);
    for seed in 1..=6 {
        register(&caller, &lan, &Signer256::new(lan.device, seed)).await;
        register(&caller, &lan, &Signer256::new(lan.device, seed)).await;
    }
    assert_eq!(office.count("device_key").await, 4, "a device has few");
}

#[tokio::test]
async fn what_somebody_without_rights_wrote_is_set_aside_and_read() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Cửa đóng từ hôm qua"));
    // She leaves: no rights of now, none that her phone was told of, and no log-in.
    let mut gone = office.village.workers.iter().find(|w| w.id == lan.worker).cloned().unwrap();
    gone.grants.clear();
    server::registry::employ(&office.staff, &gone, MORNING).await.unwrap();
    for sql in [
        "update device set grants = '[]' where worker_id = $1",
        "update worker_login set disabled_at = 1 where worker_id = $1",
        "delete from session where worker_id = $1",
    ] {
        sqlx::query(sql).bind(lan.worker.to_string()).execute(&office.staff.pool).await.unwrap();
    }
    let letters = [signer.letter(&office, lan.worker, &case), signer.letter(&office, lan.worker, &seen)];
    assert_eq!(kept(&office, &letters).await, [true, true]);
    assert_eq!(rows(&office).await, [0, 1, 1], "the case is set aside, and what builds on it waits for it");
    let hanh = office.desk_of("hanh").await;
    let shown = hanh.open("/office/set-aside").await.body;
    assert!(shown.contains("Hoàng Thị Mỷ") && shown.contains("Nông Thị Lan"), "{shown}");
    assert_eq!(kept(&office, &letters).await, [true, true]);
    assert_eq!(rows(&office).await, [0, 1, 1]);
    office.assert_sound().await;
}

#[tokio::test]
async fn what_the_rules_refuse_is_set_aside_with_the_reason_and_never_dropped() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("lan").await.push(&lan, &[&case]).await;
    let mut early = lan.write(case.subject, "place:a", visit("Hẹn nhầm năm"));
    if let domain::Body::VisitRecorded(visit) = &mut early.body {
        visit.next = domain::Day::of(2020, 1, 1);
    }
    let decision = laws::act(case.id, 1, Side::Writer, Act::Look);
    let decided = lan.write(case.subject, "place:a", decision);
    let pushed = office.sign_in("lan").await.push(&lan, &[&early]).await;
    assert!(matches!(pushed[0], Verdict::Refused { .. }), "by a push its writer is told: {pushed:?}");
    let mut broken = laws::raw(&lan.write(case.subject, "place:a", visit("x"))).get().to_owned();
    broken = broken.replace(r#""seen":"x""#, r#""seen":7"#);
    let id: Change = lan.write(case.subject, "place:a", visit("y"));
    broken = broken.replace(&json_id(&broken), &id.id.to_string());
    let inside = format!(r#"{{"worker":"{}","change":{broken}}}"#, lan.worker);
    let letters = [
        signer.letter(&office, lan.worker, &early),
        signer.letter(&office, lan.worker, &decided),
        signer.seal(&office.staff.keys.public(), id.id, inside.as_bytes()),
    ];
    assert_eq!(kept(&office, &letters).await, [true, true, true]);
    let [changes, waiting, aside] = rows(&office).await;
    assert_eq!((changes, waiting + aside), (1, 3));
    let shown = office.desk_of("hanh").await.open("/office/set-aside").await.body;
    assert!(shown.contains("Mục này đến bằng thư"), "{shown}");
    // Her phone comes later and is told that the office has it.
    let pushed = office.sign_in("lan").await.push(&lan, &[&early]).await;
    assert!(matches!(pushed[0], Verdict::Quarantined { .. }), "{pushed:?}");
    office.assert_sound().await;
}

fn json_id(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_name_with_other_words_is_not_taken() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    office.sign_in("lan").await.push(&lan, &[&case]).await;
    let mut other = case.clone();
    other.recorded_at = Timestamp(other.recorded_at.0 + 1);
    assert_eq!(kept(&office, &[signer.letter(&office, lan.worker, &other)]).await, [false]);
    assert_eq!(rows(&office).await, [1, 0, 0]);
}

#[tokio::test]
async fn every_answer_is_stamped_and_the_office_is_held_to_it() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let caller = office.sign_in("lan").await;
    let answer = caller.push_raw(&lan.batch(&[&case])).await;
    let stamp: domain::Stamp = json::read(answer.stamp.unwrap().as_bytes()).unwrap();
    let kept = server::letters::sum(laws::raw(&case).get()).unwrap();
    let pushed = stamp.on(lan.worker, lan.device, vec![kept]);
    let brought = bring(&office, &[signer.letter(&office, lan.worker, &seen)]).await;
    let brought = json::read::<PostAnswer>(brought.body.as_bytes()).unwrap().slip.unwrap();
    let prove = async |slips: &[domain::Slip]| {
        let mut connection = office.staff.pool.acquire().await.unwrap();
        prove(&mut connection, &office.staff.seal, &office.staff.keys, slips).await.unwrap()
    };
    let slips = [pushed, brought];
    let proof = prove(&slips).await;
    assert_eq!((proof.slips, proof.proved, proof.wrong), (2, 2, vec![]));

    // Tampered with: another time, one more change, another office.
    let later = domain::Slip { at: slips[0].at.plus_ms(1), ..slips[0].clone() };
    let more = domain::Slip { kept: [&slips[0].kept[..], &slips[1].kept[..]].concat(), ..slips[0].clone() };
    let other = domain::Slip { key: "0000000000000000".to_owned(), ..slips[0].clone() };
    let wrong = prove(&[later, more, other]).await.wrong;
    assert_eq!(wrong[0], "receipt 1: this office has not signed it");
    assert_eq!(wrong[1], "receipt 2: this office has not signed it");
    assert!(wrong[2].starts_with("receipt 3: another office signed it"), "{wrong:?}");
    // Signed, but about other words than those it has.
    let lie = domain::Kept { sum: Some(Bytes(vec![0; 32])), ..slips[0].kept[0].clone() };
    let lied = office.staff.keys.slip(Some((lan.worker, lan.device)), vec![lie], MORNING);
    let missing = domain::Kept { id: lan.open("a1", None, vec![]).id, ..slips[0].kept[0].clone() };
    let lost = office.staff.keys.slip(None, vec![missing.clone()], MORNING);
    let wrong = prove(&[lied, lost]).await.wrong;
    assert_eq!(
        wrong,
        [
            format!("receipt 1: {} is there, but not as it was promised at {}", case.id, MORNING.0),
            format!("receipt 2: {} was promised at {} and is not there", missing.id, MORNING.0),
        ]
    );
}

#[tokio::test]
async fn a_refusal_is_no_promise() {
    let office = Office::open().await;
    let lan = Pen::new(office.village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let caller = office.sign_in("lan").await;
    caller.push(&lan, &[&case]).await;
    let mut other = case.clone();
    other.recorded_at = Timestamp(other.recorded_at.0 + 1);
    assert_eq!(caller.push_raw(&lan.batch(&[&other])).await.stamp, None);
    // Of two, one is kept: the stamp is on that one.
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let answer = caller.push_raw(&lan.batch(&[&other, &seen])).await;
    let stamp: domain::Stamp = json::read(answer.stamp.unwrap().as_bytes()).unwrap();
    let kept = server::letters::sum(laws::raw(&seen).get()).unwrap();
    let slip = stamp.on(lan.worker, lan.device, vec![kept]);
    assert!(office.staff.keys.has_signed(&slip.signed(), &slip.sig.0));
}

#[tokio::test]
async fn a_rescue_file_is_accepted_by_the_program_and_receipts_find_what_a_restored_backup_lost() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let caller = office.sign_in("lan").await;
    let (one, two) = (lan.open("a1", Some("Một"), vec![]), lan.open("a1", Some("Hai"), vec![]));
    let mut slips = vec![];
    let copy = office.folder.join("copy.db");
    for change in [&one, &two] {
        let answer = caller.push_raw(&lan.batch(&[change])).await;
        let stamp: domain::Stamp = json::read(answer.stamp.unwrap().as_bytes()).unwrap();
        slips.push(stamp.on(lan.worker, lan.device, vec![server::letters::sum(laws::raw(change).get()).unwrap()]));
        if !copy.exists() && !on_postgres() {
            let (ok, said) = crate::command_line::run(&office.folder, &["backup"], &[&copy]);
            assert!(ok, "{said}");
        }
    }
    let receipts = office.folder.join("bien-nhan.txt");
    std::fs::write(&receipts, json::write(&domain::SlipFile { v: 1, slips }).unwrap()).unwrap();
    let check = |folder: &std::path::Path| {
        crate::command_line::run(folder, &["check"], &[std::path::Path::new("--receipts"), &receipts])
    };
    let (ok, said) = check(&office.folder);
    assert!(ok && said.contains("2 receipts, 2 changes"), "{said}");
    let three = lan.open("a1", Some("Ba"), vec![]);
    let letters = vec![signer.letter(&office, lan.worker, &three)];
    let rescue = office.folder.join("cuu-ho.txt");
    let file = domain::RescueFile { v: 1, letters, blobs: vec![] };
    std::fs::write(&rescue, json::write(&file).unwrap()).unwrap();
    for _ in 0..2 {
        let (ok, said) = crate::command_line::run(&office.folder, &["accept"], &[&rescue]);
        assert!(ok && said.contains("1 of 1 letters arrived"), "{said}");
    }
    assert_eq!(office.count("change").await, 3);
    let mut altered = file.clone();
    altered.letters[0].ct.0[0] ^= 1;
    std::fs::write(&rescue, json::write(&altered).unwrap()).unwrap();
    let (ok, said) = crate::command_line::run(&office.folder, &["accept"], &[&rescue]);
    assert!(!ok && said.contains("0 of 1 letters arrived") && said.contains("keep the file"), "{said}");
    std::fs::write(&rescue, "không phải tệp cứu hộ").unwrap();
    let (ok, said) = crate::command_line::run(&office.folder, &["accept"], &[&rescue]);
    assert!(!ok && said.contains("is no rescue file"), "{said}");
    if on_postgres() {
        return;
    }
    // The copy knows nothing of the second.
    let restored = crate::support::folder();
    std::fs::copy(&copy, restored.join("cau-noi.db")).unwrap();
    let (ok, said) = check(&restored);
    assert!(!ok && said.contains("1 changes that were promised are there"), "{said}");
    assert!(said.contains(&format!("receipt 2: {} was promised at", two.id)), "{said}");
    assert!(!said.contains(&one.id.to_string()), "{said}");
}

#[tokio::test]
async fn a_phones_clock_is_put_right_by_what_it_knew_when_it_last_met_the_office() {
    let office = Office::open().await;
    let (lan, signer) = lan_with_a_key(&office).await;
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let told = domain::Told {
        whom: "Trạm y tế".to_owned(),
        phone: domain::Phone::parse("0912345678").unwrap(),
        at: Timestamp(now_ms() - 3_600_000),
        office_at: None,
    };
    let report = lan.write(case.subject, "place:a", domain::Body::Told(told));
    let inside = Inside { worker: lan.worker, ahead_ms: Some(60_000), change: laws::raw(&report) };
    let letters = [
        signer.letter(&office, lan.worker, &case),
        signer.seal(&office.staff.keys.public(), report.id, &Letter::fill(&inside).unwrap()),
    ];
    let registry = office.registry();
    let answer = registry.take_post(&Post { letters: letters.to_vec() }, Timestamp(now_ms())).await.unwrap();
    assert_eq!(answer.kept, [true, true]);
    let body = sqlx::query_scalar::<_, Vec<u8>>("select body from change where id = $1")
        .bind(report.id.to_string())
        .fetch_one(&office.staff.pool)
        .await
        .unwrap();
    let entry: domain::Entry = office.staff.seal.open_json(&format!("change:{}", report.id), &body).unwrap();
    let domain::Body::Told(told) = &report.body else { unreachable!() };
    assert_eq!(entry.receipt.unwrap().fixed.told_at, Some(told.at.plus_ms(60_000)));
}

#[tokio::test]
async fn what_was_promised_when_its_kind_was_unknown_is_proved_once_it_is_known() {
    let office = Office::open().await;
    let (lan, pen) = (office.sign_in("lan").await, Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    lan.push(&pen, &[&case]).await;
    // The word that an office of before gave for the text alone.
    let (staff, text) = (&office.staff, serde_json::to_vec(&case).unwrap());
    let slip = |text: &[u8]| {
        let mark = Some(Bytes(staff.seal.hash(&[b"unknown change", text])));
        staff.keys.slip(None, vec![domain::Kept { id: case.id, sum: None, mark }], MORNING)
    };
    let mut connection = staff.pool.acquire().await.unwrap();
    let proof = prove(&mut connection, &staff.seal, &staff.keys, &[slip(&text)]).await.unwrap();
    assert_eq!((proof.proved, proof.wrong), (1, vec![]));
    let other = prove(&mut connection, &staff.seal, &staff.keys, &[slip(b"{}")]).await.unwrap();
    assert_eq!((other.proved, other.wrong.len()), (0, 1));
}
