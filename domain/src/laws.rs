//! What every implementation of the two ports promises, as one suite that each of them runs on the same small village.
//! A law panics with what was broken; it knows no implementation.

use std::cell::Cell;

use crate::{json::Raw, map::Set, notebook::Draft, *};

/// A village to test in: province, two communes with villages, one facility, and the people.
#[derive(Debug, Clone)]
pub struct Village {
    pub rules: Rules,
    pub workers: Vec<Worker>,
    pub facility: FacilityId,
    /// Collaborator of the first village of commune `a`.
    pub lan: WorkerId,
    /// Collaborator of both villages of commune `a`.
    pub pao: WorkerId,
    /// Supervisor of commune `a` and officer for its restricted cases.
    pub hanh: WorkerId,
    /// Supervisor of commune `b`.
    pub toan: WorkerId,
    /// Intake officer of the facility.
    pub thanh: WorkerId,
    pub admin: WorkerId,
}

/// 2026-03-09 08:00 in Vietnam, a Monday.
pub const MORNING: Timestamp = Timestamp(1_773_018_000_000);

fn uuid(kind: u8, n: u8) -> uuid::Uuid {
    let mut bytes = [0_u8; 16];
    (bytes[0], bytes[6], bytes[8], bytes[15]) = (kind, 0x70, 0x80, n);
    uuid::Uuid::from_bytes(bytes)
}

/// A place that is called as its code.
#[must_use]
pub fn place(id: &str, kind: PlaceKind, parent: Option<&str>) -> Place {
    Place {
        id: id.parse().expect("a place code"),
        name: id.to_owned(),
        kind,
        parent: parent.map(|p| p.parse().expect("a place code")),
        valid_from: Day::of(2025, 7, 1).expect("a day"),
        valid_to: None,
        successor: None,
        old_names: vec![],
        former_parents: vec![],
        latitude_e6: None,
        longitude_e6: None,
    }
}

impl Default for Village {
    fn default() -> Self {
        Self::new()
    }
}

impl Village {
    #[must_use]
    pub fn new() -> Self {
        let places = Places::new([
            place("p", PlaceKind::Province, None),
            place("a", PlaceKind::Commune, Some("p")),
            place("a1", PlaceKind::Village, Some("a")),
            place("a2", PlaceKind::Village, Some("a")),
            place("b", PlaceKind::Ward, Some("p")),
            place("b1", PlaceKind::Village, Some("b")),
        ]);
        let facility = FacilityId(uuid(9, 1));
        let id = |n| WorkerId(uuid(1, n));
        let at = |role, area: &str| Grant::area(role, area.parse().expect("a place code"));
        let worker = |n: u8, name: &str, grants: Vec<Grant>| Worker {
            id: id(n),
            name: PersonName::parse(name).expect("a name"),
            address: Address::Unsaid,
            phone: None,
            grants,
        };
        let workers = vec![
            worker(1, "Nông Thị Lan", vec![at(Role::Collaborator, "a1")]),
            worker(2, "Lý Văn Páo", vec![at(Role::Collaborator, "a1"), at(Role::Collaborator, "a2")]),
            worker(3, "Vi Thị Hạnh", vec![at(Role::Supervisor, "a")]),
            worker(4, "Lăng Văn Toàn", vec![at(Role::Supervisor, "b")]),
            worker(5, "Lương Văn Thành", vec![Grant::facility(facility)]),
            worker(6, "Quản Trị", vec![at(Role::Admin, "p")]),
        ];
        let rules = Rules {
            places,
            officers: [("a".parse().expect("a place code"), vec![id(3)])].into(),
            staff: workers.iter().map(|w| (w.id, w.grants.clone())).collect(),
        };
        Self { rules, workers, facility, lan: id(1), pao: id(2), hanh: id(3), toan: id(4), thanh: id(5), admin: id(6) }
    }

    #[must_use]
    pub fn memory(&self) -> memory::MemoryRegistry {
        memory::MemoryRegistry::new(self.rules.clone(), self.workers.clone(), vec![])
    }
}

/// A pen: writes changes of one person on one device with ids that never repeat.
#[derive(Debug)]
pub struct Pen {
    pub worker: WorkerId,
    pub device: DeviceId,
    n: Cell<u64>,
}

impl Pen {
    #[must_use]
    pub fn new(worker: WorkerId, device: u8) -> Self {
        Self { worker, device: DeviceId(uuid(2, device)), n: Cell::new(0) }
    }
    #[must_use]
    pub fn write(&self, subject: Subject, log: &str, body: Body) -> Change {
        let n = self.n.get() + 1;
        self.n.set(n);
        let mut random = [self.device.0.as_bytes()[15]; 10];
        random[..8].copy_from_slice(&n.to_be_bytes());
        let at = MORNING.plus_ms(i64::try_from(n).unwrap_or(0) * 1_000);
        Change {
            v: limits::PROTOCOL_VERSION,
            id: ChangeId::at(at.0.unsigned_abs(), random),
            log: log.parse().expect("a log"),
            subject,
            author: self.worker,
            device: self.device,
            n,
            recorded_at: at,
            replaces: None,
            body,
        }
    }
    /// Opens a case handled in `village`; the subject is named after the change.
    #[must_use]
    pub fn open(&self, village: &str, name: Option<&str>, more: Vec<Fact>) -> Change {
        let log = format!("place:{}", &village[..1]);
        let mut change =
            self.write(Subject::Case(CaseId(uuid(0, 0))), &log, Body::CaseOpened { code: code(0), facts: vec![] });
        let code = code(change.id.0.as_u128());
        let mut facts = opening(village, name);
        for fact in more {
            facts.retain(|f| f.name() != fact.name());
            facts.push(fact);
        }
        change.subject = Subject::Case(CaseId(change.id.0));
        change.body = Body::CaseOpened { code, facts };
        change
    }
    /// What this person pushes.
    #[must_use]
    pub fn batch(&self, changes: &[&Change]) -> PushBatch {
        PushBatch {
            v: 1,
            worker: self.worker,
            device: self.device,
            sent_at: None,
            changes: changes.iter().map(|c| raw(c)).collect(),
        }
    }
    #[must_use]
    pub fn session(&self) -> Session {
        Session { worker: self.worker }
    }
}

fn code(seed: u128) -> CaseCode {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
    CaseCode::from_random([mixed[0], mixed[1], mixed[2], mixed[3], mixed[4], mixed[5]])
}

#[must_use]
pub fn raw(change: &Change) -> Raw {
    Raw::of(change).expect("a change is lawful JSON")
}

/// The facts of a plain new case.
#[must_use]
pub fn opening(village: &str, name: Option<&str>) -> Vec<Fact> {
    vec![
        Fact::FullName(name.map(|n| PersonName::parse(n).expect("a name"))),
        Fact::HandledIn(village.parse().expect("a place code")),
        Fact::Tile(Tile::Elderly),
        Fact::WhatHappened("Sống một mình, ngã hai lần.".to_owned()),
        Fact::Urgency(Urgency::Normal),
        Fact::Consent(Consent::new(ConsentAnswer::Agreed)),
        Fact::Confidentiality(Confidentiality::Normal),
        Fact::Status(CaseStatus::New),
    ]
}

#[must_use]
pub fn visit(seen: &str) -> Body {
    Body::VisitRecorded(Visit {
        on: MORNING.day(),
        place: String::new(),
        met: String::new(),
        seen: seen.to_owned(),
        services: vec![],
        next: None,
        next_what: String::new(),
    })
}

/// A photo that is called after `name`.
#[must_use]
pub fn photo(name: u8) -> Photo {
    Photo {
        photo: PhotoId(uuid(8, name)),
        key: photo::Bytes32([7; 32]),
        form: photo::FORM,
        sha256: photo::Bytes32([0xab; 32]),
        bytes: 120_029,
        mime: Picture::Jpeg,
        width: 1600,
        height: 1200,
        thumbnail: "/9j/4AAQSkZJRg==".to_owned(),
        caption: String::new(),
        taken_at: None,
        visit: None,
    }
}

/// A centre that takes emergencies, with ten places.
#[must_use]
pub fn centre() -> FacilityFacts {
    FacilityFacts {
        code: "F1".to_owned(),
        name: "Cơ sở tổng hợp".to_owned(),
        kind: "general_centre".to_owned(),
        ownership: "public".to_owned(),
        services: vec!["emergency_care".into()],
        groups: vec![],
        places: 10,
        yearly_quota: 0,
        meets_access_criteria: true,
        phone: None,
        duty_phone: None,
        commune: None,
        address: String::new(),
        department: String::new(),
    }
}

#[must_use]
pub fn ask(kind: ReferralKind, receiver: Receiver, sharing: Sharing) -> Body {
    Body::ReferralAsked(ReferralAsk { kind, service: None, receiver, reason: "Cần chỗ ở.".to_owned(), sharing })
}

#[must_use]
pub fn agreed() -> Sharing {
    Sharing {
        answer: ConsentAnswer::Agreed,
        items: vec![ShareItem::AgeSex, ShareItem::WhatHappened],
        given_by: None,
        relation: String::new(),
    }
}

#[must_use]
pub fn act(referral: ChangeId, saw: u32, side: Side, act: Act) -> Body {
    Body::ReferralActed { referral, saw, side, act, seen: None }
}

async fn push(registry: &dyn Registry, pen: &Pen, changes: &[&Change]) -> Vec<Verdict> {
    registry.push(&pen.session(), pen.batch(changes), MORNING).await.expect("the office answers")
}

/// Everything a phone that starts empty, or at `cursors`, pulls.
async fn pull_all(registry: &dyn Registry, pen: &Pen, notebook: &memory::MemoryNotebook) {
    struct Direct<'a>(&'a dyn Registry, Session);
    impl sync::Office for Direct<'_> {
        async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
            self.0.push(&self.1, batch, MORNING).await
        }
        async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
            self.0.pull(&self.1, request, MORNING).await
        }
    }
    let office = Direct(registry, pen.session());
    let phone = sync::Phone { worker: pen.worker, device: pen.device };
    sync::pull(notebook, &office, phone, &|_| ()).await.expect("a pull");
}

async fn parts_of(notebook: &memory::MemoryNotebook, subject: Subject) -> Option<Parts> {
    notebook.find(subject).await.expect("a store in memory").map(|s| s.parts)
}

/// A change sent twice is kept once, with the same answer as to where it is.
pub async fn a_change_sent_twice_is_kept_once(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let first = push(registry, &lan, &[&case, &seen]).await;
    assert!(first.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{first:?}");
    let second = push(registry, &lan, &[&case, &seen]).await;
    assert!(second.iter().all(|v| matches!(v, Verdict::AlreadyKnown { .. })), "{second:?}");
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the case is visible to its writer");
    assert_eq!(parts.visits().count(), 1, "one visit, though sent twice");
}

/// The same id with another body is refused, and what was there stays.
pub async fn the_same_id_with_another_body_is_refused(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 2);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    push(registry, &lan, &[&case]).await;
    let mut other = case.clone();
    other.body = Body::CaseOpened { code: code(7), facts: opening("a1", Some("Kẻ Khác")) };
    let verdicts = push(registry, &lan, &[&other]).await;
    assert_eq!(verdicts, vec![Verdict::Refused { why: Refusal::OtherBody }]);
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the case");
    let name = parts.header().and_then(Header::name).map(PersonName::as_str);
    assert_eq!(name, Some("Hoàng Thị Mỷ"), "the first body stands");
}

/// What arrives before the thing it is about waits, and takes effect by itself once that is there.
pub async fn a_change_waits_for_what_it_builds_on(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 3);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let early = push(registry, &lan, &[&seen]).await;
    assert!(matches!(early[0], Verdict::Waiting { .. }), "{early:?}");
    push(registry, &lan, &[&case]).await;
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the case");
    assert_eq!(parts.visits().count(), 1, "the visit that waited is there");
    let again = push(registry, &lan, &[&seen]).await;
    assert!(matches!(again[0], Verdict::AlreadyKnown { .. }), "{again:?}");
}

/// One body this office has never heard of is set aside; its neighbours are taken.
pub async fn one_unknown_change_delays_only_itself(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 4);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let strange = lan.write(case.subject, "place:a", visit("?"));
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let mut batch = lan.batch(&[&case, &strange, &seen]);
    let text = batch.changes[1].get().replace("visit_recorded", "dream_recorded");
    batch.changes[1] = serde_json::from_str(&text).expect("JSON");
    let nonsense = serde_json::from_str("{\"id\":7}").expect("JSON");
    batch.changes.insert(2, nonsense);
    let verdicts = registry.push(&lan.session(), batch, MORNING).await.expect("the office answers");
    assert!(matches!(verdicts[0], Verdict::Accepted { .. }), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::Quarantined { .. }), "{verdicts:?}");
    assert_eq!(verdicts[2], Verdict::Refused { why: Refusal::Broken });
    assert!(matches!(verdicts[3], Verdict::Accepted { .. }), "{verdicts:?}");
}

/// What says more than this office knows is kept whole until a newer one reads it, and not acknowledged with less.
pub async fn nothing_of_a_newer_app_is_dropped(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 4);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let notes: Vec<Change> = (0..5).map(|_| lan.write(case.subject, "place:a", visit("Đỡ đau chân."))).collect();
    let mut batch = lan.batch(&[&case]);
    let visit = "\"visit_recorded\":{";
    let said = [
        (visit, "\"visit_recorded\":{\"heard_from\":{\"name\":\"Páo\"},"),
        ("\"v\":2", "\"v\":3"),
        // Around the body: it concerns the way.
        ("\"body\":", "\"heard_from\":\"neighbour\",\"body\":"),
        (visit, "\"visit_recorded\":{\"heard_from\":null,\"also\":[],"),
        (visit, "\"visit_recorded\": { "),
    ];
    for (note, (known, new)) in notes.iter().zip(said) {
        let text = raw(note).get().replacen(known, new, 1);
        assert_ne!(text, raw(note).get());
        batch.changes.push(serde_json::from_str(&text).expect("JSON"));
    }
    let verdicts = registry.push(&lan.session(), batch.clone(), MORNING).await.expect("the office answers");
    let aside = |v: &Verdict| matches!(v, Verdict::Quarantined { put_away: None, .. });
    let accepted = |v: &Verdict| matches!(v, Verdict::Accepted { .. });
    assert!(accepted(&verdicts[0]) && verdicts[1..3].iter().all(aside), "{verdicts:?}");
    assert!(verdicts[3..].iter().all(accepted), "what says nothing new is taken: {verdicts:?}");
    let again = registry.push(&lan.session(), batch, MORNING).await.expect("the office answers");
    assert!(again[1..3].iter().all(aside), "{again:?}");
}

/// A batch that names somebody else, or carries somebody else's change, writes nothing.
pub async fn another_persons_batch_writes_nothing(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 5);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let stolen = Session { worker: village.pao };
    let answer = registry.push(&stolen, lan.batch(&[&case]), MORNING).await;
    assert_eq!(answer, Err(ApiError::SignedOut));
    let forged = PushBatch { worker: village.pao, ..lan.batch(&[&case]) };
    let answer = registry.push(&stolen, forged, MORNING).await;
    assert_eq!(answer, Err(ApiError::SignedOut));
    let verdicts = push(registry, &lan, &[&case]).await;
    assert!(matches!(verdicts[0], Verdict::Accepted { .. }), "nothing was written before: {verdicts:?}");
}

/// A long log comes in pages, each after the other, none twice, and the writer's changes are named as settled.
pub async fn pages_skip_nothing_and_settle_what_they_show(registry: &dyn Registry, village: &Village) {
    let pao = Pen::new(village.pao, 6);
    let cases: Vec<Change> = (0..limits::PAGE_SUBJECTS + 30)
        .map(|i| pao.open(if i % 2 == 0 { "a1" } else { "a2" }, Some("Hoàng Thị Mỷ"), vec![]))
        .collect();
    for chunk in cases.chunks(limits::PUSH_CHANGES) {
        push(registry, &pao, &chunk.iter().collect::<Vec<_>>()).await;
    }
    let phone = memory::MemoryNotebook::default();
    for case in &cases {
        phone.save(case, None).await.expect("saved");
    }
    pull_all(registry, &pao, &phone).await;
    assert!(phone.outbox().await.expect("outbox").is_empty(), "every change of this device was settled by its page");
    let subjects = phone.subjects().await.expect("subjects");
    assert!(cases.iter().all(|c| subjects.contains(&c.subject)), "all cases came");
    let lan = Pen::new(village.lan, 7);
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    let subjects = phone.subjects().await.expect("subjects");
    for (i, case) in cases.iter().enumerate() {
        assert_eq!(subjects.contains(&case.subject), i % 2 == 0, "lan sees village a1 only");
    }
}

/// A change leaves the overlay only with a page that shows it, though others wrote about the same case long after.
pub async fn a_settled_change_is_always_shown(registry: &dyn Registry, village: &Village) {
    let (lan, hanh) = (Pen::new(village.lan, 18), Pen::new(village.hanh, 19));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    push(registry, &lan, &[&case]).await;
    let others: Vec<Change> =
        (0..limits::PAGE_SUBJECTS + 5).map(|_| hanh.open("a1", Some("Lý Văn Páo"), vec![])).collect();
    for chunk in others.chunks(limits::PUSH_CHANGES) {
        push(registry, &hanh, &chunk.iter().collect::<Vec<_>>()).await;
    }
    let note =
        FieldEdit { saw: vec![case.id], fact: Fact::WhatHappened("Đã khỏe hơn.".to_owned()), cleared: false };
    let edit = hanh.write(case.subject, "place:a", Body::FactsEdited { edits: vec![note] });
    push(registry, &hanh, &[&edit]).await;
    let request = PullRequest {
        v: limits::PROTOCOL_VERSION,
        worker: lan.worker,
        device: lan.device,
        cursors: Default::default(),
        briefing: String::new(),
        signer: None,
        short: false,
    };
    let answer = registry.pull(&lan.session(), request, MORNING).await.expect("the office answers");
    for page in &answer.pages {
        for (id, _) in &page.settled {
            assert_eq!(*id, case.id);
            let shown = page.subjects.iter().find(|s| s.subject == case.subject);
            let header = shown.is_some_and(|s| s.parts.iter().any(|row| row.key == PartKey::Header));
            assert!(header, "the page that ends the overlay shows the case");
        }
    }
}

/// A case that moves to another commune is followed there, and one's own activities stay one's own.
pub async fn what_is_shown_by_name_is_kept_up_to_date(registry: &dyn Registry, village: &Village) {
    let (lan, toan) = (Pen::new(village.lan, 20), Pen::new(village.toan, 21));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let to = Fact::HandledIn("b1".parse().expect("a place"));
    let edits = vec![FieldEdit { saw: vec![case.id], fact: to, cleared: false }];
    let moved = lan.write(case.subject, "place:a", Body::FactsEdited { edits });
    push(registry, &lan, &[&case, &moved]).await;
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &toan, &phone).await;
    assert!(parts_of(&phone, case.subject).await.is_some(), "the supervisor there sees it");
    let seen = lan.write(case.subject, "place:a", visit("Đã chuyển chỗ ở."));
    let contact = Body::ActivityRecorded(Activity::AnonymousContact { place: "a1".parse().expect("a place") });
    let contact = lan.write(Subject::Activity(ActivityId(seen.id.0)), "place:a", contact);
    push(registry, &lan, &[&seen, &contact]).await;
    pull_all(registry, &toan, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the case");
    assert_eq!(parts.visits().count(), 1, "and what is written later");
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    assert!(parts_of(&phone, contact.subject).await.is_some(), "whoever counted a contact sees it again");
}

/// Rights at last contact are those of this person on this device; knowing a device's id gives nobody its rights.
pub async fn a_borrowed_device_id_gives_no_rights(registry: &dyn Registry, village: &Village) {
    let (lan, hanh, thanh) = (Pen::new(village.lan, 22), Pen::new(village.hanh, 23), Pen::new(village.thanh, 23));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(village.facility);
    let referral =
        lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionEmergency, receiver, Sharing::emergency()));
    push(registry, &lan, &[&case, &referral]).await;
    pull_all(registry, &hanh, &memory::MemoryNotebook::default()).await;
    let desk = Side::Supervisor(Level::Commune);
    let approve = thanh.write(case.subject, "place:a", act(referral.id, 1, desk, Act::Approve { document: None }));
    let verdicts = push(registry, &thanh, &[&approve]).await;
    let why = Refusal::Decide(DecideError::NotYourStep);
    assert_eq!(verdicts, vec![Verdict::Refused { why }]);
}

/// A case that becomes restricted leaves the phones of those not named, stays with its writer, and reaches its officer.
pub async fn a_restricted_case_is_only_with_those_named(registry: &dyn Registry, village: &Village) {
    let (lan, pao, hanh) = (Pen::new(village.lan, 8), Pen::new(village.pao, 9), Pen::new(village.hanh, 10));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    push(registry, &lan, &[&case]).await;
    let (phone_pao, phone_lan, phone_hanh) = <_>::default();
    pull_all(registry, &pao, &phone_pao).await;
    assert!(parts_of(&phone_pao, case.subject).await.is_some());
    let restrict = Body::FactsEdited {
        edits: vec![FieldEdit {
            saw: vec![case.id],
            fact: Fact::Confidentiality(Confidentiality::Restricted),
            cleared: false,
        }],
    };
    let edit = lan.write(case.subject, "place:a", restrict);
    push(registry, &lan, &[&edit]).await;
    pull_all(registry, &pao, &phone_pao).await;
    pull_all(registry, &lan, &phone_lan).await;
    pull_all(registry, &hanh, &phone_hanh).await;
    assert_eq!(parts_of(&phone_pao, case.subject).await, None, "a colleague of the village forgets it");
    assert!(parts_of(&phone_lan, case.subject).await.is_some(), "whoever wrote it keeps it");
    assert!(parts_of(&phone_hanh, case.subject).await.is_some(), "the officer was named by itself");
    let fresh = memory::MemoryNotebook::default();
    pull_all(registry, &Pen::new(village.pao, 11), &fresh).await;
    assert_eq!(parts_of(&fresh, case.subject).await, None, "a fresh phone never hears of it");
    // A restricted case is never on a stranger's phone, whatever they send about it.
    let visit = pao.write(case.subject, "place:a", visit("Tôi cũng muốn xem."));
    let verdicts = push(registry, &pao, &[&visit]).await;
    assert!(matches!(verdicts[0], Verdict::Quarantined { .. }), "{verdicts:?}");
}

/// A facility gets of a case the sheet of its referral, with what the consent covers, and nothing else.
pub async fn a_facility_gets_its_sheet_and_nothing_else(registry: &dyn Registry, village: &Village) {
    let (lan, hanh, thanh) = (Pen::new(village.lan, 12), Pen::new(village.hanh, 13), Pen::new(village.thanh, 14));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Health("Đau chân.".to_owned())]);
    let receiver = Receiver::Facility(village.facility);
    let referral = lan.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    push(registry, &lan, &[&case, &referral]).await;
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &thanh, &phone).await;
    assert_eq!(parts_of(&phone, case.subject).await, None, "not before it is approved");
    let own = Side::Supervisor(Level::Commune);
    let approve = hanh.write(case.subject, "place:a", act(referral.id, 1, own, Act::Approve { document: None }));
    push(registry, &hanh, &[&approve]).await;
    pull_all(registry, &thanh, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the sheet came");
    assert_eq!(parts.0.len(), 1, "one part only");
    let sheet = parts.sheet(referral.id).expect("a sheet");
    assert_eq!(sheet.progress.status, ReferralStatus::Forwarded);
    assert_eq!((&sheet.name, &sheet.health), (&None, &None), "neither name nor health was agreed to");
    assert_eq!(sheet.what_happened.as_deref(), Some("Sống một mình, ngã hai lần."));
    let accept = thanh.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, Act::Accept));
    let verdicts = push(registry, &thanh, &[&accept]).await;
    assert!(matches!(verdicts[0], Verdict::Accepted { .. }), "{verdicts:?}");
    let village_phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &village_phone).await;
    let parts = parts_of(&village_phone, case.subject).await.expect("the case");
    let status = parts.referral(referral.id).map(|r| r.progress.status);
    assert_eq!(status, Some(ReferralStatus::Accepted), "the village sees the answer");
    let withdraw = Body::FactsEdited {
        edits: vec![FieldEdit {
            saw: vec![case.id],
            fact: Fact::Consent(Consent { withdrawn: Some(MORNING.day()), ..Consent::new(ConsentAnswer::Agreed) }),
            cleared: false,
        }],
    };
    push(registry, &lan, &[&lan.write(case.subject, "place:a", withdraw)]).await;
    pull_all(registry, &thanh, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the receiver is told");
    let sheet = parts.sheet(referral.id).expect("a sheet");
    assert!(sheet.withdrawn && sheet.what_happened.is_none(), "withdrawal takes the content back");
}

/// What a facility decided is shown by its own log before the case's log settles it: a run cut between the two pages
/// takes nothing off its screen.
pub async fn a_decision_is_shown_before_it_is_settled(registry: &dyn Registry, village: &Village) {
    let (lan, thanh) = (Pen::new(village.lan, 24), Pen::new(village.thanh, 25));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(village.facility);
    let referral =
        lan.write(case.subject, "place:a", ask(ReferralKind::AdmissionEmergency, receiver, Sharing::emergency()));
    push(registry, &lan, &[&case, &referral]).await;
    let accept = thanh.write(case.subject, "place:a", act(referral.id, 1, Side::Receiver, Act::Accept));
    push(registry, &thanh, &[&accept]).await;
    let request = PullRequest {
        v: limits::PROTOCOL_VERSION,
        worker: thanh.worker,
        device: thanh.device,
        cursors: [(accept.log.clone(), None)].into(),
        briefing: String::new(),
        signer: None,
        short: false,
    };
    let answer = registry.pull(&thanh.session(), request, MORNING).await.expect("the office answers");
    let settles = |page: &Page| page.settled.iter().any(|(id, _)| *id == accept.id);
    let shows = |page: &Page| page.subjects.iter().any(|s| s.subject == case.subject && !s.parts.is_empty());
    let shown = answer.pages.iter().position(shows).expect("the sheet");
    let settled = answer.pages.iter().position(settles).expect("the settled decision");
    assert!(shown <= settled, "shown on page {shown}, settled on page {settled}");
}

/// Somebody of another area decides nothing, and the writer does not decide.
pub async fn only_the_right_desk_decides(registry: &dyn Registry, village: &Village) {
    let (lan, toan, hanh) = (Pen::new(village.lan, 15), Pen::new(village.toan, 16), Pen::new(village.hanh, 17));
    let case = hanh.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let receiver = Receiver::Facility(village.facility);
    let own = hanh.write(case.subject, "place:a", ask(ReferralKind::Health, receiver, agreed()));
    push(registry, &hanh, &[&case, &own]).await;
    let desk = Side::Supervisor(Level::Commune);
    let decide = |pen: &Pen| pen.write(case.subject, "place:a", act(own.id, 1, desk, Act::Approve { document: None }));
    let refused = |decide| vec![Verdict::Refused { why: Refusal::Decide(decide) }];
    assert_eq!(push(registry, &hanh, &[&decide(&hanh)]).await, refused(DecideError::OwnReferral));
    assert_eq!(push(registry, &toan, &[&decide(&toan)]).await, refused(DecideError::NotYourStep));
    assert_eq!(push(registry, &lan, &[&decide(&lan)]).await, refused(DecideError::NotYourStep));
}

/// A phone that was silent for long gets each subject once, as it stands now, and is told about how much there is.
pub async fn a_phone_long_silent_catches_up_by_state(registry: &dyn Registry, village: &Village) {
    let (lan, hanh) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 2));
    let cases: Vec<Change> = (0..30).map(|_| lan.open("a1", Some("Hoàng Thị Mỷ"), vec![])).collect();
    push(registry, &lan, &cases.iter().collect::<Vec<_>>()).await;
    let notebook = memory::MemoryNotebook::default();
    pull_all(registry, &hanh, &notebook).await;
    // A month of visits, three to each case.
    for _ in 0..3 {
        let visits: Vec<Change> =
            cases.iter().map(|case| lan.write(case.subject, "place:a", visit("Đỡ đau chân."))).collect();
        push(registry, &lan, &visits.iter().collect::<Vec<_>>()).await;
    }
    let cursors = notebook.cursors().await.expect("cursors");
    let cursors = cursors.into_iter().map(|(log, cursor)| (log, Some(cursor))).collect();
    let request = PullRequest {
        v: 1,
        worker: hanh.worker,
        device: hanh.device,
        cursors,
        briefing: String::new(),
        signer: None,
        short: false,
    };
    let answer = registry.pull(&hanh.session(), request, MORNING).await.expect("an answer");
    let told: Vec<Subject> = answer.pages.iter().flat_map(|p| p.subjects.iter().map(|s| s.subject)).collect();
    let once: Set<Subject> = told.iter().copied().collect();
    assert_eq!((told.len(), once.len()), (30, 30), "each once");
    let all_parts = answer.pages.iter().flat_map(|p| &p.subjects).all(|s| s.parts.len() == 4);
    assert!(all_parts, "three visits and the trail, not one page for each");
    assert_eq!(answer.ahead, None, "nothing is behind");
}

/// What its writer gives up is kept with its content and enters no case; what waited for it waits no longer, and is kept
/// for somebody to read.
pub async fn what_its_writer_gives_up_is_put_away(registry: &dyn Registry, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let waiting = push(registry, &lan, &[&seen]).await;
    assert_eq!(waiting, vec![Verdict::Waiting { at: MORNING, on: case.id }]);
    let dropped = |reason: &str| Dropped::of(&case, Refusal::NotAllowed, reason.to_owned());
    let silent = lan.write(case.subject, "place:a", Body::Dropped(dropped(" ")));
    let why = Refusal::Field { spot: Spot::Reason, why: Invalid::Empty };
    assert_eq!(push(registry, &lan, &[&silent]).await, vec![Verdict::Refused { why }]);
    let note = lan.write(case.subject, "place:a", Body::Dropped(dropped("Ghi hai lần.")));
    let kept = Verdict::Quarantined { at: MORNING, put_away: None };
    assert_eq!(push(registry, &lan, &[&note]).await, vec![kept.clone()]);
    assert_eq!(push(registry, &lan, &[&note, &seen, &case]).await, vec![kept.clone(), kept.clone(), kept]);
    let notebook = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &notebook).await;
    assert_eq!(parts_of(&notebook, case.subject).await, None, "no case has come of it");
    // A colleague who names somebody else's change gives up nothing.
    let other = lan.open("a1", Some("Lý A Páo"), vec![]);
    let pao = Pen::new(village.pao, 2);
    let theirs = Dropped::of(&other, Refusal::NotAllowed, "Không phải của tôi.".to_owned());
    push(registry, &pao, &[&pao.write(other.subject, "place:a", Body::Dropped(theirs))]).await;
    assert_eq!(push(registry, &lan, &[&other]).await, vec![Verdict::Accepted { at: MORNING }]);
    // Taken up again it is a change like any other.
    let anew = Change { replaces: Some(case.id), ..lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]) };
    let anew = Change { subject: case.subject, ..anew };
    assert_eq!(push(registry, &lan, &[&anew]).await, vec![Verdict::Accepted { at: MORNING }]);
}

/// A photo's name stays with the change that said it first: nobody who has learnt it announces another under it.
pub async fn a_photos_name_belongs_to_who_said_it_first(registry: &dyn Registry, village: &Village) {
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let (case, theirs) =
        (lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]), pao.open("a2", Some("Nông Văn Sliểng"), vec![]));
    let announce = |pen: &Pen, case: &Change| pen.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo(1))));
    let first = announce(&lan, &case);
    let verdicts = push(registry, &lan, &[&case, &first]).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
    push(registry, &pao, &[&theirs]).await;
    let refused = vec![Verdict::Refused { why: Refusal::OtherBody }];
    let elsewhere = announce(&pao, &theirs);
    assert_eq!(push(registry, &pao, &[&elsewhere]).await, refused, "on a case of their own");
    assert_eq!(push(registry, &pao, &[&announce(&pao, &case)]).await, refused, "on the same case");
    let unborn = pao.open("a2", None, vec![]);
    assert_eq!(push(registry, &pao, &[&announce(&pao, &unborn)]).await, refused, "on a case that is not there yet");
    // Two of one batch.
    let (one, other) = (pao.open("a2", None, vec![]), pao.open("a2", None, vec![]));
    let twice = |case: &Change| pao.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo(2))));
    let verdicts = push(registry, &pao, &[&one, &other, &twice(&one), &twice(&other)]).await;
    assert!(matches!(verdicts[2], Verdict::Accepted { .. }), "{verdicts:?}");
    assert_eq!(verdicts[3..], refused);
    let again = push(registry, &lan, &[&first]).await;
    assert!(matches!(again[0], Verdict::AlreadyKnown { .. }), "{again:?}");
}

/// What was accepted stands: nothing takes its place by naming it, whoever wrote it, and nobody keeps another's change out
/// by having named it first.
pub async fn nothing_takes_the_place_of_what_stands(registry: &dyn Registry, village: &Village) {
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    push(registry, &lan, &[&case, &seen]).await;
    let refused = vec![Verdict::Refused { why: Refusal::OtherBody }];
    let instead =
        |pen: &Pen, of: ChangeId, body: Body| Change { replaces: Some(of), ..pen.write(case.subject, "place:a", body) };
    assert_eq!(push(registry, &pao, &[&instead(&pao, seen.id, visit("Không có gì."))]).await, refused);
    // Their own writer is not told that something is in the case which no page will ever show.
    assert_eq!(push(registry, &lan, &[&instead(&lan, seen.id, visit("Đau hơn."))]).await, refused);
    // Nor by naming what a correction stands for.
    let held = lan.write(case.subject, "place:a", visit("Hẹn nhầm."));
    let corrected = instead(&lan, held.id, visit("Hẹn thứ hai."));
    push(registry, &lan, &[&corrected]).await;
    assert_eq!(push(registry, &pao, &[&instead(&pao, held.id, visit("Không hẹn."))]).await, refused);
    // Somebody who carries what they cannot read knows its name before the office has it.
    let carried = lan.write(case.subject, "place:a", visit("Ho ra máu."));
    push(registry, &pao, &[&instead(&pao, carried.id, visit("Khỏe."))]).await;
    let verdicts = push(registry, &lan, &[&carried]).await;
    assert!(matches!(verdicts[0], Verdict::Accepted { .. }), "{verdicts:?}");
    // What could not stand under a name that is taken is not acknowledged.
    let asks = |reason: &str| {
        let mut asked = ask(ReferralKind::Health, Receiver::Facility(village.facility), agreed());
        if let Body::ReferralAsked(ask) = &mut asked {
            ask.reason = reason.to_owned();
        }
        asked
    };
    let asked = lan.write(case.subject, "place:a", asks("Cần đi khám."));
    push(registry, &pao, &[&instead(&pao, asked.id, asks("Không cần gì."))]).await;
    assert_eq!(push(registry, &lan, &[&asked]).await, refused);
    let phone = memory::MemoryNotebook::default();
    pull_all(registry, &lan, &phone).await;
    let parts = parts_of(&phone, case.subject).await.expect("the case");
    let mut words: Vec<&str> = parts.visits().map(|v| &*v.visit.seen).collect();
    words.sort_unstable();
    assert_eq!(words, ["Ho ra máu.", "Hẹn thứ hai.", "Đỡ đau chân."]);
}

/// Runs every law of [`Registry`], each on a registry of its own made for `village`.
pub async fn registry_laws<R, F>(village: &Village, mut make: impl FnMut() -> F)
where
    R: std::ops::Deref<Target = dyn Registry>,
    F: Future<Output = R>,
{
    a_change_sent_twice_is_kept_once(&*make().await, village).await;
    the_same_id_with_another_body_is_refused(&*make().await, village).await;
    a_change_waits_for_what_it_builds_on(&*make().await, village).await;
    one_unknown_change_delays_only_itself(&*make().await, village).await;
    nothing_of_a_newer_app_is_dropped(&*make().await, village).await;
    another_persons_batch_writes_nothing(&*make().await, village).await;
    pages_skip_nothing_and_settle_what_they_show(&*make().await, village).await;
    a_settled_change_is_always_shown(&*make().await, village).await;
    what_is_shown_by_name_is_kept_up_to_date(&*make().await, village).await;
    a_borrowed_device_id_gives_no_rights(&*make().await, village).await;
    a_restricted_case_is_only_with_those_named(&*make().await, village).await;
    a_facility_gets_its_sheet_and_nothing_else(&*make().await, village).await;
    a_decision_is_shown_before_it_is_settled(&*make().await, village).await;
    only_the_right_desk_decides(&*make().await, village).await;
    what_its_writer_gives_up_is_put_away(&*make().await, village).await;
    a_phone_long_silent_catches_up_by_state(&*make().await, village).await;
    a_photos_name_belongs_to_who_said_it_first(&*make().await, village).await;
    nothing_takes_the_place_of_what_stands(&*make().await, village).await;
}

fn header_page(case: &Change, seq: u64, settled: bool) -> Page {
    let receipt = Receipt { received_at: MORNING, late: false, fixed: Fixed::default() };
    let entry = Entry { change: case.clone(), receipt: Some(receipt.clone()) };
    let parts = office::replay([&entry]);
    Page {
        log: case.log.clone(),
        reset: false,
        subjects: vec![SubjectPage {
            subject: case.subject,
            whole: false,
            parts: parts.0.into_iter().map(|(key, part)| PartRow { key, seq, part }).collect(),
            gone: vec![],
        }],
        settled: if settled { vec![(case.id, receipt)] } else { vec![] },
        next: Some(Cursor { seq, mark: case.id }),
        more: false,
    }
}

/// What was saved is in the outbox, numbered in order, and its draft is gone in the same moment.
pub async fn a_saved_change_waits_and_its_draft_is_gone<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let content = r#"{"what":"ngã hai lần"}"#.to_owned();
    let draft = Draft { name: "new-case".to_owned(), at: MORNING, content };
    notebook.put_draft(&draft).await.expect("a draft");
    assert_eq!(notebook.drafts().await.expect("drafts"), vec![draft]);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    let first = notebook.save(&case, Some("new-case")).await.expect("saved");
    let second = notebook.save(&seen, None).await.expect("saved");
    assert!(first < second, "numbered in order");
    assert_eq!(notebook.drafts().await.expect("drafts"), vec![]);
    let outbox = notebook.outbox().await.expect("outbox");
    let ids: Vec<ChangeId> = outbox.iter().map(|i| i.change.id).collect();
    assert_eq!(ids, vec![case.id, seen.id]);
    assert!(outbox.iter().all(|i| i.state == OutboxState::Queued));
    assert_eq!(outbox[0].change.n, first, "the number is part of what is sent");
}

/// No verdict removes a change; only the page that shows its effect does, together with the cursor.
pub async fn only_a_page_ends_the_overlay<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let held = lan.write(case.subject, "place:a", visit("Hẹn lần tới ghi nhầm năm."));
    let n = notebook.save(&case, None).await.expect("saved");
    notebook.save(&held, None).await.expect("saved");
    let why = Refusal::Field { spot: Spot::NextVisit, why: Invalid::TooEarly };
    let verdicts = [(case.id, Verdict::Accepted { at: MORNING }), (held.id, Verdict::Refused { why: why.clone() })];
    notebook.settle(&verdicts, MORNING).await.expect("settled");
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(outbox[0].state, OutboxState::Received { at: MORNING });
    assert_eq!(outbox[1].state, OutboxState::Held { why, at: MORNING });
    assert_eq!(notebook.find(case.subject).await.expect("found"), None);
    notebook.store(&header_page(&Change { n, ..case.clone() }, 1, true), MORNING).await.expect("stored");
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(outbox.iter().map(|i| i.change.id).collect::<Vec<_>>(), vec![held.id], "the held one stays");
    let stored = notebook.find(case.subject).await.expect("found").expect("the case");
    assert_eq!(stored.parts.header().and_then(Header::name).map(PersonName::as_str), Some("Hoàng Thị Mỷ"));
    let cursor = notebook.cursors().await.expect("cursors").get(&case.log).copied();
    assert_eq!(cursor, Some(Cursor { seq: 1, mark: case.id }));
    notebook.release(held.id, None).await.expect("sent again");
    assert_eq!(notebook.outbox().await.expect("outbox")[0].state, OutboxState::Queued);
}

/// What somebody at the office put away is held with the reason, leaves the phone by nothing but a page or its writer, and
/// is settled when it finds its way into the case after all.
pub async fn what_was_put_away_is_held_with_its_reason<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let n = notebook.save(&case, None).await.expect("saved");
    let later = MORNING.plus_ms(60_000);
    let set_aside = |put_away| [(case.id, Verdict::Quarantined { at: MORNING, put_away })];
    notebook.settle(&set_aside(None), MORNING).await.expect("settled");
    assert_eq!(notebook.outbox().await.expect("outbox")[0].state, OutboxState::Received { at: MORNING });
    let away = PutAway { at: later, reason: "Nhầm nhà".to_owned() };
    notebook.settle(&set_aside(Some(away)), MORNING).await.expect("settled");
    let held = OutboxState::Held { why: Refusal::PutAway { reason: "Nhầm nhà".to_owned() }, at: later };
    assert_eq!(notebook.outbox().await.expect("outbox")[0].state, held);
    notebook.store(&header_page(&Change { n, ..case.clone() }, 1, true), MORNING).await.expect("stored");
    assert_eq!(notebook.outbox().await.expect("outbox"), vec![], "it was taken into the case");
}

/// An older part never replaces a newer one, and a subject that may no longer be seen is gone.
pub async fn an_older_part_never_replaces_a_newer_one<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    notebook.store(&header_page(&case, 5, false), MORNING).await.expect("stored");
    let mut other = case.clone();
    other.body = Body::CaseOpened { code: code(7), facts: opening("a1", Some("Tên Cũ")) };
    notebook.store(&header_page(&other, 4, false), MORNING).await.expect("stored");
    let stored = notebook.find(case.subject).await.expect("found").expect("the case");
    assert_eq!(stored.parts.header().and_then(Header::name).map(PersonName::as_str), Some("Hoàng Thị Mỷ"));
    let forget = SubjectPage { subject: case.subject, whole: true, parts: vec![], gone: vec![] };
    let own = LogId::Worker(village.lan);
    let page = Page {
        log: own,
        subjects: vec![forget],
        next: Some(Cursor { seq: 1, mark: case.id }),
        ..header_page(&case, 6, false)
    };
    notebook.store(&page, MORNING).await.expect("stored");
    assert_eq!(notebook.find(case.subject).await.expect("found"), None);
    assert_eq!(notebook.subjects().await.expect("subjects"), vec![]);
}

/// An office restored from a backup is offered again what it had acknowledged.
pub async fn a_reset_log_is_offered_again<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let n = notebook.save(&case, None).await.expect("saved");
    notebook.settle(&[(case.id, Verdict::Accepted { at: MORNING })], MORNING).await.expect("settled");
    notebook.store(&header_page(&Change { n, ..case.clone() }, 1, true), MORNING).await.expect("stored");
    assert!(notebook.outbox().await.expect("outbox").is_empty());
    let reset = Page { reset: true, subjects: vec![], settled: vec![], next: None, ..header_page(&case, 1, false) };
    notebook.store(&reset, MORNING).await.expect("stored");
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(outbox.len(), 1, "offered again");
    assert_eq!((outbox[0].change.id, &outbox[0].state), (case.id, &OutboxState::Queued));
    assert_eq!(outbox[0].change.n, n, "as it was");
    assert_eq!(notebook.find(case.subject).await.expect("found"), None);
    assert!(!notebook.cursors().await.expect("cursors").contains_key(&case.log));
}

/// What a restored office still has is not offered to it: the page that takes the log anew settles it at once.
pub async fn what_a_reset_page_settles_is_not_offered<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let n = notebook.save(&case, None).await.expect("saved");
    let case = Change { n, ..case };
    notebook.settle(&[(case.id, Verdict::Accepted { at: MORNING })], MORNING).await.expect("settled");
    notebook.store(&header_page(&case, 1, true), MORNING).await.expect("stored");
    notebook.store(&Page { reset: true, ..header_page(&case, 1, true) }, MORNING).await.expect("stored");
    assert_eq!(notebook.outbox().await.expect("outbox"), vec![], "nothing waits");
    assert!(notebook.find(case.subject).await.expect("found").is_some());
    // It is still kept, for an office that has lost it.
    let lost = Page { reset: true, subjects: vec![], settled: vec![], next: None, ..header_page(&case, 1, false) };
    notebook.store(&lost, MORNING).await.expect("stored");
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 1, "offered again");
}

/// The one way by which an unsent change leaves the outbox without the office having it: its writer gives it up. It stays
/// on the phone, a note about it is sent, and it can be taken up again.
pub async fn what_was_given_up_stays_and_can_be_taken_up<N: Notebook>(notebook: &N, village: &Village) {
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let seen = lan.write(case.subject, "place:a", visit("Hẹn lần tới ghi nhầm năm."));
    notebook.save(&case, None).await.expect("saved");
    let n = notebook.save(&seen, None).await.expect("saved");
    let why = Refusal::Field { spot: Spot::NextVisit, why: Invalid::TooEarly };
    let verdicts = [(case.id, Verdict::Accepted { at: MORNING }), (seen.id, Verdict::Refused { why: why.clone() })];
    notebook.settle(&verdicts, MORNING).await.expect("settled");
    let drop = |of: &Change| Dropped::of(of, why.clone(), "Ghi nhầm người.".to_owned());
    let note = lan.write(seen.subject, "place:a", Body::Dropped(drop(&seen)));
    // What the office has is not given up, and nothing is written about it.
    let other = lan.write(case.subject, "place:a", Body::Dropped(drop(&case)));
    notebook.give_up(&[note.clone(), other]).await.expect("given up");
    let ids = |outbox: &[OutboxItem]| outbox.iter().map(|item| item.change.id).collect::<Vec<_>>();
    assert_eq!(ids(&notebook.outbox().await.expect("outbox")), vec![case.id, note.id]);
    let dropped = notebook.dropped().await.expect("dropped");
    let as_saved = Change { n, ..seen.clone() };
    let reason = "Ghi nhầm người.".to_owned();
    assert_eq!(dropped, vec![DroppedItem { change: as_saved, why, reason, at: note.recorded_at }]);
    let anew = Change { replaces: Some(seen.id), ..lan.write(seen.subject, "place:a", visit("Hẹn đúng năm.")) };
    notebook.take_up(std::slice::from_ref(&anew)).await.expect("taken up");
    assert_eq!(notebook.dropped().await.expect("dropped"), vec![]);
    let outbox = notebook.outbox().await.expect("outbox");
    assert_eq!(ids(&outbox), vec![case.id, note.id, anew.id]);
    assert_eq!(outbox[2].state, OutboxState::Queued);
    assert_eq!(outbox[2].change, Change { n: outbox[2].change.n, ..anew });
}

/// Runs every law of [`Notebook`], each on a notebook of its own.
pub async fn notebook_laws<N: Notebook, F: Future<Output = N>>(village: &Village, mut make: impl FnMut() -> F) {
    a_saved_change_waits_and_its_draft_is_gone(&make().await, village).await;
    only_a_page_ends_the_overlay(&make().await, village).await;
    what_was_put_away_is_held_with_its_reason(&make().await, village).await;
    an_older_part_never_replaces_a_newer_one(&make().await, village).await;
    a_reset_log_is_offered_again(&make().await, village).await;
    what_a_reset_page_settles_is_not_offered(&make().await, village).await;
    what_was_given_up_stays_and_can_be_taken_up(&make().await, village).await;
}
