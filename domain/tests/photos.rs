//! What a case keeps of photos: who may add and take away, what the person's answer means, and their place on the wire.

use domain::{
    laws::{MORNING, Pen, Village, visit},
    limits,
    photo::{Bytes32, next_chunk},
    *,
};

fn photo(n: u8) -> Photo {
    Photo {
        photo: PhotoId(uuid::Uuid::from_bytes([n; 16])),
        key: Bytes32([7; 32]),
        form: 1,
        sha256: Bytes32([0xab; 32]),
        bytes: 120_029,
        mime: Picture::Jpeg,
        width: 1600,
        height: 1200,
        thumbnail: "/9j/4AAQSkZJRg==".to_owned(),
        caption: "Trạm xe".to_owned(),
        taken_at: Some(MORNING),
        visit: None,
    }
}

fn added(n: u8) -> Body {
    Body::PhotoAdded(Box::new(photo(n)))
}

/// A case with these facts, as the office has it.
fn case_of(pen: &Pen, name: Option<&str>, facts: Vec<Fact>) -> (Change, Parts) {
    let case = pen.open("a1", name, facts);
    let mut parts = Parts::default();
    let receipt = Receipt { received_at: MORNING, late: false, fixed: Fixed::default() };
    apply(&mut parts, &Entry { change: case.clone(), receipt: Some(receipt) });
    (case, parts)
}

fn judged(village: &Village, parts: &Parts, change: &Change) -> Result<(), Refusal> {
    let grants = &village.rules.staff[&change.author];
    check(parts, change, Actor { worker: change.author, grants }, &village.rules, MORNING)
}

fn consent(answer: ConsentAnswer, photos: bool, withdrawn: bool) -> Fact {
    Fact::Consent(Consent { photos, withdrawn: withdrawn.then(|| MORNING.day()), ..Consent::new(answer) })
}

#[test]
fn what_the_person_said_about_being_recorded_decides_about_photos() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let emergency = || Fact::Urgency(Urgency::Emergency);
    let refused = Err(Refusal::NoPhotoConsent);
    type Case = (Option<&'static str>, Vec<Fact>, PhotoConsent, Result<(), Refusal>);
    let cases: [Case; 8] = [
        (Some("Lý A Sính"), vec![consent(ConsentAnswer::Agreed, true, false)], PhotoConsent::Agreed, Ok(())),
        (Some("Lý A Sính"), vec![consent(ConsentAnswer::Agreed, false, false)], PhotoConsent::NotAsked, Ok(())),
        (Some("Lý A Sính"), vec![consent(ConsentAnswer::NotAsked, false, false)], PhotoConsent::NotAsked, Ok(())),
        (Some("Lý A Sính"), vec![consent(ConsentAnswer::Agreed, true, true)], PhotoConsent::Refused, refused.clone()),
        (Some("Lý A Sính"), vec![consent(ConsentAnswer::Refused, true, false)], PhotoConsent::Refused, refused.clone()),
        (
            Some("Lý A Sính"),
            vec![consent(ConsentAnswer::Refused, false, false), emergency()],
            PhotoConsent::Refused,
            refused.clone(),
        ),
        (None, vec![consent(ConsentAnswer::Refused, false, false), emergency()], PhotoConsent::NotAsked, Ok(())),
        (None, vec![consent(ConsentAnswer::Agreed, true, true), emergency()], PhotoConsent::Refused, refused),
    ];
    for (name, facts, means, verdict) in cases {
        let (case, parts) = case_of(&lan, name, facts.clone());
        assert_eq!(parts.header().map(PhotoConsent::of), Some(means), "{facts:?}");
        assert_eq!(judged(&village, &parts, &lan.write(case.subject, "place:a", added(1))), verdict, "{facts:?}");
    }
}

#[test]
fn while_people_disagree_about_consent_the_more_protective_answer_counts() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let (case, mut parts) = case_of(&lan, Some("Lý A Sính"), vec![consent(ConsentAnswer::Agreed, true, false)]);
    // Written without having seen the first answer.
    let edit = FieldEdit { saw: vec![], fact: consent(ConsentAnswer::Refused, false, false), cleared: false };
    let other = Pen::new(village.pao, 2).write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit] });
    apply(&mut parts, &Entry::waiting(other));
    let photo = lan.write(case.subject, "place:a", added(1));
    assert_eq!(judged(&village, &parts, &photo), Err(Refusal::NoPhotoConsent));
}

#[test]
fn sizes_beyond_the_limits_are_named() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let (case, mut parts) = case_of(&lan, Some("Lý A Sính"), vec![]);
    let wrong = |why| Err(Refusal::Field { spot: Spot::Photo, why });
    type Case = (fn(&mut Photo), Result<(), Refusal>);
    let cases: [Case; 11] = [
        (|p| p.bytes = 500 * 1024 + 29, Ok(())),
        (|p| p.bytes = 500 * 1024 + 30, wrong(Invalid::OutOfRange)),
        (|p| p.bytes = 29, wrong(Invalid::OutOfRange)),
        (|p| p.width = 1601, wrong(Invalid::OutOfRange)),
        (|p| p.height = 0, wrong(Invalid::OutOfRange)),
        (|p| p.form = 2, wrong(Invalid::UnknownCode)),
        (|p| p.thumbnail = "A".repeat(10_924), Ok(())),
        (|p| p.thumbnail = "A".repeat(10_928), wrong(Invalid::TooLong)),
        (|p| p.thumbnail = "\"><script>".to_owned(), wrong(Invalid::BadCharacter)),
        (|p| p.thumbnail.clear(), wrong(Invalid::BadCharacter)),
        (|p| p.caption = "a".repeat(201), wrong(Invalid::TooLong)),
    ];
    for (n, (spoil, verdict)) in cases.into_iter().enumerate() {
        let mut photo = photo(1);
        spoil(&mut photo);
        let change = lan.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo)));
        assert_eq!(judged(&village, &parts, &change), verdict, "case {n}");
        assert!(change::fits(&json::write_text(&change).expect("JSON")), "case {n}");
    }
    for n in 0..30 {
        apply(&mut parts, &Entry::waiting(lan.write(case.subject, "place:a", added(n))));
    }
    let one_more = lan.write(case.subject, "place:a", added(99));
    assert_eq!(judged(&village, &parts, &one_more), Err(Refusal::TooManyPhotos));
}

#[test]
fn a_photo_taken_away_leaves_its_case_and_stays_in_the_history() {
    let village = Village::new();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let (case, mut parts) = case_of(&lan, Some("Lý A Sính"), vec![]);
    let photo = lan.write(case.subject, "place:a", added(1));
    let key = PartKey::Photo(photo.id);
    assert!(apply(&mut parts, &Entry::waiting(photo.clone())).contains(&key));
    assert_eq!(parts.photos().map(|p| p.photo.caption.as_str()).collect::<Vec<_>>(), ["Trạm xe"]);
    assert_eq!(key.to_string().parse(), Ok(key));
    let away = |pen: &Pen| pen.write(case.subject, "place:a", Body::PhotoRemoved { photo: photo.id });
    assert_eq!(away(&lan).body.builds_on(), [photo.id]);
    assert_eq!(judged(&village, &parts, &away(&pao)), Err(Refusal::NotAllowed), "of a colleague");
    assert_eq!(judged(&village, &parts, &away(&hanh)), Ok(()), "of the supervisor");
    let gone = away(&lan);
    assert_eq!(judged(&village, &parts, &gone), Ok(()));
    assert!(apply(&mut parts, &Entry::waiting(gone)).contains(&key));
    assert_eq!(parts.photos().count(), 0);
    let trail: Vec<&TrailWhat> = parts.trail().into_iter().flat_map(|t| &t.entries).map(|e| &e.what).collect();
    assert_eq!(trail, [&TrailWhat::Opened, &TrailWhat::PhotoAdded, &TrailWhat::PhotoRemoved]);
    // The supervisor, who did not know, wanted the same.
    let again = away(&hanh);
    assert_eq!(judged(&village, &parts, &again), Ok(()));
    assert!(apply(&mut parts, &Entry::waiting(again)).is_empty());
}

#[test]
fn text_never_waits_for_a_photo() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let urgent = lan.open("a1", None, vec![Fact::Urgency(Urgency::Emergency)]);
    let plain = lan.open("a1", Some("Lý A Sính"), vec![]);
    let of = |subject, body| lan.write(subject, "place:a", body);
    let written = [
        of(plain.subject, added(1)),
        of(urgent.subject, added(2)),
        of(plain.subject, visit("Đỡ đau chân.")),
        of(urgent.subject, visit("Đã tỉnh.")),
    ];
    let mut outbox: Vec<OutboxItem> = [plain.clone(), urgent.clone()]
        .into_iter()
        .chain(written.clone())
        .zip(1..)
        .map(|(change, n)| OutboxItem { change: Change { n, ..change }, state: OutboxState::Queued })
        .collect();
    let first: Vec<ChangeId> = sync::next_batch(&outbox, 100).into_iter().map(|(id, _)| id).collect();
    assert_eq!(first, [urgent.id, written[3].id, plain.id, written[2].id], "no photo among the text");
    outbox.retain(|item| !first.contains(&item.change.id));
    let second: Vec<ChangeId> = sync::next_batch(&outbox, 100).into_iter().map(|(id, _)| id).collect();
    assert_eq!(second, [written[0].id, written[1].id], "as they were taken");
}

#[test]
fn a_photo_goes_up_in_pieces_from_where_the_office_stands() {
    assert_eq!(next_chunk(150_000, 0, 65_536), (0, 65_536));
    assert_eq!(next_chunk(150_000, 131_072, 65_536), (131_072, 150_000));
    assert_eq!(next_chunk(150_000, 150_000, 65_536), (150_000, 150_000));
    // A line on which nothing arrives is tried with little, never with nothing.
    assert_eq!(next_chunk(150_000, 10, 1), (10, 4_106));
    assert_eq!(next_chunk(150_000, 0, u32::MAX), (0, 65_536));
    assert_eq!(next_chunk(u32::MAX, u32::MAX - 1, 65_536), (u32::MAX - 1, u32::MAX));
}

#[test]
fn an_older_phone_is_asked_to_update_only_when_there_is_a_photo_for_it() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let office = village.memory();
    let case = lan.open("a1", Some("Lý A Sính"), vec![]);
    let pull = |v| {
        let request = PullRequest {
            v,
            worker: lan.worker,
            device: lan.device,
            cursors: Default::default(),
            briefing: String::new(),
            signer: None,
            short: false,
        };
        futures::executor::block_on(office.pull(&lan.session(), request, MORNING)).map(|answer| answer.pages.len())
    };
    let push = |change: &Change| {
        let said = futures::executor::block_on(office.push(&lan.session(), lan.batch(&[change]), MORNING));
        assert!(matches!(said.expect("an answer")[0], Verdict::Accepted { .. }));
    };
    push(&case);
    assert_eq!((pull(1), pull(2)), (Ok(3), Ok(3)));
    push(&lan.write(case.subject, "place:a", added(1)));
    assert_eq!((pull(1), pull(2)), (Err(ApiError::UpdateNeeded), Ok(3)));
}

#[test]
fn the_wire_keeps_its_words_about_photos() {
    let full = r#"{"photo_added":{"photo":"01010101-0101-0101-0101-010101010101","#.to_owned()
        + r#""key":"0707070707070707070707070707070707070707070707070707070707070707","form":1,"#
        + r#""sha256":"abababababababababababababababababababababababababababababababab","#
        + r#""bytes":120029,"mime":"image/jpeg","width":1600,"height":1200,"thumbnail":"/9j/4AAQSkZJRg==","#
        + r#""caption":"Trạm xe","taken_at":1773018000000}}"#;
    assert_eq!(json::write_text(&added(1)).expect("JSON"), full);
    assert_eq!(json::read::<Body>(full.as_bytes()), Ok(added(1)));
    let least = full.replace(r#","caption":"Trạm xe","taken_at":1773018000000"#, "");
    let Ok(Body::PhotoAdded(read)) = json::read::<Body>(least.as_bytes()) else {
        panic!("optional fields are optional")
    };
    assert_eq!((read.caption.as_str(), read.taken_at, read.visit), ("", None, None));
    for (standing, text) in [
        (PhotoStanding::Unknown, r#""unknown""#),
        (PhotoStanding::Has { bytes: 65_536 }, r#"{"has":{"bytes":65536}}"#),
        (PhotoStanding::Complete, r#""complete""#),
        (PhotoStanding::Removed, r#""removed""#),
    ] {
        assert_eq!(json::write_text(&standing).expect("JSON"), text);
        assert_eq!(json::read::<PhotoStanding>(text.as_bytes()), Ok(standing));
    }
    for wrong in ["", "07", &"0G".repeat(32), &"AB".repeat(32)] {
        assert_eq!(wrong.parse::<Bytes32>(), Err(BadName), "{wrong}");
    }
    assert!(!format!("{:?}", photo(1)).contains("0707"), "a key in no log");
    assert_eq!(limits::PROTOCOL_VERSION, 2);
}
