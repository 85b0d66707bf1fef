//! What must hold for whatever comes: for any bytes as a change, for any changes in any order on any parts, for any batch at
//! an office. It knows no fuzzer: `domain/tests/properties.rs` runs it on stable with bytes of its own, `domain/fuzz` with
//! those of libFuzzer.

#![allow(dead_code, reason = "each target uses its own part")]

use std::collections::BTreeMap;

use domain::{
    change::BadBody,
    laws::{MORNING, Pen, Village, act, agreed, ask, raw, visit},
    *,
};
use futures::FutureExt;

/// The text of one change from anywhere: it is read, or it is not; what is read is written as it was meant.
pub fn envelope(data: &[u8]) {
    let direct = json::read::<Change>(data);
    let Ok(envelope) = serde_json::from_slice::<Envelope>(data) else { return };
    let body = envelope.body.get().to_owned();
    match envelope.open() {
        Ok(change) => {
            let text = json::write_text(&change).expect("a change that was read can be written");
            let again = serde_json::from_str::<Envelope>(&text).expect("what was written is an envelope");
            assert_eq!(again.open().as_ref(), Ok(&change), "{text}");
            assert_eq!(json::read::<Change>(text.as_bytes()).as_ref(), Ok(&change), "{text}");
            // Both doors read the same, where both read.
            if let Ok(direct) = direct {
                assert_eq!(direct, change);
            }
        }
        Err(BadBody::Unknown) => assert!(json::variant(body.as_bytes()).is_some(), "a kind has a name: {body}"),
        Err(BadBody::Broken) => {}
    }
}

/// Changes, one to a line, checked and applied in their order: nothing panics, `apply` depends on its arguments alone, says
/// all that it touched, and leaves parts that can be stored, listed, shared and judged.
pub fn check_and_apply(data: &[u8]) {
    let village = Village::new();
    let mut subjects: BTreeMap<Subject, Parts> = BTreeMap::new();
    for (at, change) in changes(data).enumerate() {
        let parts = subjects.entry(change.subject).or_default();
        let before = parts.clone();
        let grants = village.rules.staff.get(&change.author).cloned().unwrap_or_default();
        let actor = Actor { worker: change.author, grants: &grants };
        let verdict = check(&before, &change, actor, &village.rules, MORNING);
        assert_eq!(check(&before, &change, actor, &village.rules, MORNING), verdict, "a rule has no mood");

        let receipt = Receipt { received_at: MORNING, late: false, fixed: Fixed::default() };
        let entry = Entry { change, receipt: (at % 2 == 0).then_some(receipt) };
        let touched = apply(parts, &entry);
        let mut again = before.clone();
        assert_eq!(apply(&mut again, &entry), touched);
        assert_eq!(again, *parts, "apply reads only its arguments");
        if let (Ok(()), Subject::Case(_), Body::CaseOpened { facts, .. }) =
            (&verdict, entry.change.subject, &entry.change.body)
        {
            let told = parts
                .header()
                .map(|header| facts.iter().all(|fact| header.facts.standing(fact.name()).as_ref() == Some(fact)));
            assert_eq!(told, Some(true), "an opening that is lawful says all it says");
        }
        for key in before.0.keys().chain(parts.0.keys()) {
            assert!(touched.contains(key) || before.0.get(key) == parts.0.get(key), "{key} changed untold");
        }
        sound(entry.change.subject, parts);
    }
}

fn changes(data: &[u8]) -> impl Iterator<Item = Change> {
    let lines = data.split(|byte| *byte == b'\n').take(64);
    lines.filter_map(|line| serde_json::from_slice::<Envelope>(line).ok()?.open().ok())
}

fn sound(subject: Subject, parts: &Parts) {
    let text = json::write(parts).expect("parts can be written");
    assert_eq!(json::read::<Parts>(&text).as_ref(), Ok(parts), "what is stored is what is read");
    let village = Village::new();
    if let Some(card) = Card::of(subject, parts) {
        let text = json::write(&card).expect("a row can be written");
        assert_eq!(json::read::<Card>(&text), Ok(card));
    }
    let reach = Reach::of(parts);
    if let Some(header) = parts.header() {
        for name in FactName::ALL {
            assert!(header.facts.candidates(*name).len() <= limits::CANDIDATES, "{name:?} has too many candidates");
        }
        // A case that nobody handles anywhere is in nobody's reach.
        assert_eq!(reach.is_some(), header.handled_in().is_some());
        // Who is excluded never sees a case, whatever else is said.
        for worker in members(&header.excluded_workers, true) {
            let grants = village.rules.staff.get(worker).cloned().unwrap_or_default();
            let sees = reach.as_ref().is_some_and(|reach| reach.is_seen_by(*worker, &grants, &village.rules.places));
            assert!(!sees, "{worker} is excluded and sees it");
        }
    }
    // No facility gets what its consent does not cover; what it gets can be written.
    for (_, referral, sheet) in sheets(parts) {
        let Some(sheet) = sheet else { continue };
        assert_eq!(sheet.referral, referral);
        assert!(json::write(&sheet).is_ok());
    }
}

/// Any lines as a batch: one verdict for each, none twice, and the office follows from its changes.
pub fn office(data: &[u8]) {
    let village = Village::new();
    let registry = village.memory();
    let mut batches: BTreeMap<(WorkerId, DeviceId), Vec<json::Raw>> = BTreeMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let Ok(text) = serde_json::from_slice::<json::Raw>(line) else { continue };
        let Ok(envelope) = serde_json::from_slice::<Envelope>(line) else { continue };
        batches.entry((envelope.author, envelope.device)).or_default().push(text);
    }
    for ((worker, device), changes) in batches {
        let sent = changes.len();
        let batch = PushBatch { v: 1, worker, device, sent_at: None, changes };
        let session = Session { worker };
        match registry.push(&session, batch, MORNING).now_or_never().expect("memory never waits") {
            Ok(verdicts) => assert_eq!(verdicts.len(), sent, "one verdict for each change"),
            Err(ApiError::SignedOut | ApiError::TooLarge) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(registry.is_gap_free());
    for (subject, parts) in registry.subjects() {
        let entries = registry.entries(subject);
        assert_eq!(domain::office::replay(&entries), parts, "{subject} does not follow from its changes");
        assert!(entries.iter().all(|entry| registry.copies(entry.change.id) == 1), "a change is doubled");
        let is_case = matches!(subject, Subject::Case(_));
        assert!(!is_case || Reach::of(&parts).is_some(), "{subject} was accepted and is in nobody's reach");
    }
}

/// What a phone may be answered: it is read or it is not.
pub fn answer(data: &[u8]) {
    if let Ok(answer) = json::read::<PullAnswer>(data) {
        let text = json::write(&answer).expect("an answer that was read can be written");
        let again = json::read::<PullAnswer>(&text).expect("and read");
        assert_eq!(again.pages, answer.pages);
    }
    if let Ok(verdicts) = json::read::<Vec<Verdict>>(data) {
        let text = json::write(&verdicts).expect("verdicts that were read can be written");
        assert_eq!(json::read::<Vec<Verdict>>(&text), Ok(verdicts));
    }
}

/// What somebody brings as letters or slips, line by line, and what may lie sealed in a letter: it is read or it is not, and
/// what is read is written as it was meant; a letter speaks of its writer alone; what the office takes from letters it has
/// once, however often they come.
pub fn letters(data: &[u8]) {
    let mut by_writer: BTreeMap<(WorkerId, DeviceId), Vec<Carried>> = BTreeMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        files(line);
        if let Some((worker, carried)) = sealed(line) {
            by_writer.entry((worker, carried.envelope.device)).or_default().push(carried);
        }
    }
    let registry = Village::new().memory();
    let mut had: BTreeMap<ChangeId, String> = BTreeMap::new();
    for _ in 0..2 {
        for ((worker, device), carried) in &by_writer {
            let mut transaction = registry.begin_letters(*worker, *device, carried.clone(), MORNING);
            registry.read(&mut transaction);
            registry.judge(&mut transaction);
            registry.allocate(&mut transaction);
            let verdicts = registry.commit(transaction);
            assert_eq!(verdicts.len(), carried.len(), "one verdict for each letter");
            for (letter, verdict) in carried.iter().zip(verdicts) {
                let id = letter.envelope.id;
                match verdict {
                    // Nobody may be there to be told: only what cannot be kept is refused.
                    Verdict::Refused { why: Refusal::TooLarge } => assert!(letter.text.len() > limits::CHANGE_BYTES),
                    Verdict::Refused { why: Refusal::OtherBody } => {
                        assert_ne!(had.get(&id), Some(&letter.text), "the same letter is no other one");
                    }
                    Verdict::Refused { why } => panic!("{why} of a letter is told to nobody"),
                    _ => {
                        had.entry(id).or_insert_with(|| letter.text.clone());
                        assert_eq!(registry.copies(id), 1, "{id} is kept once");
                    }
                }
            }
        }
    }
    assert!(registry.is_gap_free());
    for (subject, parts) in registry.subjects() {
        assert_eq!(domain::office::replay(&registry.entries(subject)), parts, "{subject} does not follow");
    }
}

/// What travels around letters.
fn files(line: &[u8]) {
    let mut letters: Vec<Letter> = vec![];
    letters.extend(again::<Letter>(line));
    letters.extend(again::<Post>(line).into_iter().flat_map(|post| post.letters));
    letters.extend(again::<RescueFile>(line).into_iter().flat_map(|file| file.letters));
    again::<PostAnswer>(line);
    let mut slips: Vec<Slip> = again::<SlipFile>(line).into_iter().flat_map(|file| file.slips).collect();
    slips.extend(again::<Slip>(line));
    // The names of keys are the office's own, and of these letters and digits.
    let is_name = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    letters.retain(|letter| letter.fits() && is_name(&letter.key));
    for (at, letter) in letters.iter().enumerate() {
        let signed = letter.signed();
        assert!(signed.ends_with(&letter.ct.0) && signed.len() < limits::LETTER_BYTES + 512);
        for other in &letters[..at] {
            let same = Letter { sig: other.sig.clone(), ..letter.clone() } == *other;
            assert_eq!(signed == other.signed(), same, "one signature is for one letter");
        }
    }
    slips.retain(|slip| is_name(&slip.key));
    for (at, slip) in slips.iter().enumerate() {
        for other in &slips[..at] {
            let same = Slip { sig: other.sig.clone(), ..slip.clone() } == *other;
            assert_eq!(slip.signed() == other.signed(), same, "one signature is for one slip");
        }
    }
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(line: &[u8]) -> Option<T> {
    let found = json::read::<T>(line).ok()?;
    let text = json::write(&found).expect("what was read can be written");
    assert_eq!(json::read::<T>(&text).as_ref(), Ok(&found), "what is written is what was read");
    Some(found)
}

/// What may lie in a letter, as its writer's: whose it is and what it brings.
fn sealed(line: &[u8]) -> Option<(WorkerId, Carried)> {
    let inside: Inside = serde_json::from_slice(line).ok()?;
    let named: Envelope = serde_json::from_str(inside.change.get()).ok()?;
    let (enc, sig) = (Bytes(vec![4; Letter::POINT_BYTES]), Bytes(vec![9; Letter::SIGNATURE_BYTES]));
    let key = "9831a6f56e115025".to_owned();
    let ct = Letter::fill(&inside).expect("what was read can be written");
    assert_eq!(ct.len() % Letter::STEP, 0);
    let letter = Letter { v: Letter::V, id: named.id, key, device: named.device, enc, ct: Bytes(ct), sig };
    let read = letter.read(inside.worker, line);
    assert_eq!(read.is_some(), inside.worker == named.author, "nobody brings another's words");
    let carried = read?;
    assert_eq!((carried.envelope.author, carried.text.as_str()), (inside.worker, inside.change.get()));
    let filled = letter.read(inside.worker, &letter.ct.0).expect("blanks say nothing");
    assert_eq!((&filled.text, filled.ahead_ms), (&carried.text, carried.ahead_ms));
    let stranger = WorkerId(uuid::Uuid::from_u128(inside.worker.0.as_u128() ^ 1));
    let elsewhere = Letter { device: DeviceId(uuid::Uuid::from_u128(letter.device.0.as_u128() ^ 1)), ..letter.clone() };
    let renamed = Letter { id: ChangeId(uuid::Uuid::from_u128(letter.id.0.as_u128() ^ 1)), ..letter.clone() };
    assert!(letter.read(stranger, line).is_none(), "proved by another's key");
    assert!(elsewhere.read(inside.worker, line).is_none(), "another device's envelope");
    assert!(renamed.read(inside.worker, line).is_none(), "another change's envelope");
    Some((inside.worker, carried))
}

/// One lawful change of many kinds, by several people, about one case: where mutations begin.
#[must_use]
pub fn story() -> Vec<Change> {
    let village = Village::new();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let admin = Pen::new(village.admin, 4);
    let text = || "Ở một mình, không ai nấu cơm.".to_owned();
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Urgency(Urgency::Emergency)]);
    let about = |pen: &Pen, body| pen.write(case.subject, "place:a", body);
    let edit = |fact| Body::FactsEdited { edits: vec![FieldEdit { saw: vec![case.id], fact, cleared: false }] };
    let task = Task { what: text(), due: Some(MORNING.day()), for_whom: TaskFor::Worker(village.lan) };
    let task = about(&hanh, Body::TaskWritten(task));
    let asked = ask(ReferralKind::AdmissionEmergency, Receiver::Facility(village.facility), agreed());
    let asked = about(&lan, asked);
    let told = Told { whom: text(), phone: Phone::parse("0900000001").expect("a phone"), at: MORNING, office_at: None };
    let facts = laws::centre();
    let facility = Subject::Facility(village.facility);
    let contact = Activity::AnonymousContact { place: "a1".parse().expect("a place") };
    let contact = lan.write(Subject::Activity(ActivityId(case.id.0)), "place:a", Body::ActivityRecorded(contact));
    let supervisor = Side::Supervisor(Level::Commune);
    let done = Body::TaskDone { task: task.id, note: text() };
    let named = |now| ElementEdit { saw: vec![], element: village.pao, now };
    let approve = act(asked.id, 0, supervisor, Act::Approve { document: None });
    let receive = act(asked.id, 1, Side::Receiver, Act::Receive { note: text(), follow_up: Some(MORNING.day()) });
    let photo = Photo { photo: PhotoId(case.id.0), caption: text(), taken_at: Some(MORNING), ..laws::photo(1) };
    let photo = about(&lan, Body::PhotoAdded(Box::new(photo)));
    let refuse = act(asked.id, 0, supervisor, Act::Refuse { reason: text(), alternative: None });
    vec![
        about(&lan, visit("Đỡ đau chân.")),
        about(&lan, edit(Fact::WhatHappened(text()))),
        about(&pao, edit(Fact::Confidentiality(Confidentiality::Restricted))),
        about(&pao, edit(Fact::HandledIn("b1".parse().expect("a place")))),
        about(&hanh, edit(Fact::Consent(Consent::new(ConsentAnswer::Refused)))),
        about(&hanh, Body::AssigneeEdited(named(true))),
        about(&hanh, Body::ExcludedEdited(named(true))),
        about(&lan, done),
        about(&hanh, approve),
        about(&hanh, refuse),
        Pen::new(village.thanh, 5).write(case.subject, "place:a", receive),
        about(&lan, Body::Told(told)),
        about(&hanh, Body::Looked),
        about(&lan, Body::PhotoRemoved { photo: photo.id }),
        photo,
        admin.write(facility, "place:p", Body::FacilityOpened(facts)),
        contact,
        task,
        asked,
        case,
    ]
    .into_iter()
    .rev()
    .collect()
}

/// The story as its lines.
#[must_use]
pub fn lines() -> Vec<String> {
    story().iter().map(|change| raw(change).get().to_owned()).collect()
}

/// The story as it travels in letters: what lies in each, then letters, files and slips.
#[must_use]
pub fn letter_lines() -> Vec<String> {
    let story = story();
    let inside = |change: &Change| Inside { worker: change.author, ahead_ms: Some(-86_400_000), change: raw(change) };
    let text = |inside: &Inside| json::write_text(inside).expect("it can be written");
    let mut lines: Vec<String> = story.iter().map(|change| text(&inside(change))).collect();
    let letters: Vec<Letter> = story
        .iter()
        .take(3)
        .map(|change| Letter {
            v: Letter::V,
            id: change.id,
            key: "9831a6f56e115025".to_owned(),
            device: change.device,
            enc: Bytes(vec![4; Letter::POINT_BYTES]),
            ct: Bytes(vec![7; 48]),
            sig: Bytes(vec![9; Letter::SIGNATURE_BYTES]),
        })
        .collect();
    let kept = |change: &Change| domain::Kept { id: change.id, sum: Some(Bytes(vec![1, 2])), mark: None };
    let stamp = Stamp { key: "9831a6f56e115025".to_owned(), at: MORNING, sig: Bytes(vec![3; 64]) };
    let slip = stamp.on(story[0].author, story[0].device, story.iter().take(2).map(kept).collect());
    let of_post = Slip { worker: None, device: None, ..slip.clone() };
    let blob = Blob { kind: "photo".to_owned(), id: story[0].id.to_string(), bytes: Bytes(vec![255; 9]) };
    let file = RescueFile { v: RescueFile::V, letters: letters.clone(), blobs: vec![blob] };
    let answer = PostAnswer { kept: vec![true, false, true], slip: Some(of_post.clone()) };
    let written = [
        json::write_text(&letters[0]),
        json::write_text(&Post { letters }),
        json::write_text(&file),
        json::write_text(&answer),
        json::write_text(&SlipFile { v: SlipFile::V, slips: vec![slip, of_post] }),
    ];
    lines.extend(written.map(|text| text.expect("it can be written")));
    lines
}
