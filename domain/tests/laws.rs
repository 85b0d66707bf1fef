//! The laws on the adapters in memory.

use std::{cell::Cell, rc::Rc};

use domain::{
    laws::{MORNING, Pen, Village, ask, visit},
    memory::{MemoryNotebook, MemoryRegistry},
    *,
};
use futures::executor::block_on;

#[test]
fn the_registry_in_memory_keeps_every_law() {
    let village = laws::Village::new();
    block_on(laws::registry_laws(&village, async || Rc::new(village.memory()) as Rc<dyn Registry>));
}

#[test]
fn the_notebook_in_memory_keeps_every_law() {
    let village = laws::Village::new();
    block_on(laws::notebook_laws(&village, async || MemoryNotebook::default()));
}

/// A sync run over a network without any accident, by a phone whose clock says `clock`.
fn sync_at<N: Notebook>(office: &MemoryRegistry, pen: &Pen, notebook: &N, clock: Timestamp) {
    struct Direct<'a>(&'a MemoryRegistry, Session);
    impl sync::Office for Direct<'_> {
        async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
            self.0.push(&self.1, batch, MORNING).await
        }
        async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError> {
            self.0.pull(&self.1, request, MORNING).await
        }
    }
    let phone = sync::Phone { worker: pen.worker, device: pen.device };
    let way = Direct(office, pen.session());
    block_on(sync::run(notebook, &way, phone, &|| clock, &|_| ())).expect("a run");
}

fn sync(office: &MemoryRegistry, pen: &Pen, notebook: &MemoryNotebook) {
    sync_at(office, pen, notebook, MORNING);
}

fn save(notebook: &MemoryNotebook, change: &Change) {
    block_on(notebook.save(change, None)).expect("saved");
}

/// Counts what is asked of the notebook in it.
#[derive(Default)]
struct Counting {
    notebook: MemoryNotebook,
    pages: Cell<usize>,
    outboxes: Cell<usize>,
}

impl Counting {
    /// Pages stored and outboxes read since the last look.
    fn counted(&self) -> (usize, usize) {
        (self.pages.take(), self.outboxes.take())
    }
}

impl Notebook for Counting {
    async fn save(&self, change: &Change, draft: Option<&str>) -> Result<u64, StoreError> {
        self.notebook.save(change, draft).await
    }
    async fn outbox(&self) -> Result<Vec<OutboxItem>, StoreError> {
        self.outboxes.set(self.outboxes.get() + 1);
        self.notebook.outbox().await
    }
    async fn settle(&self, verdicts: &[(ChangeId, Verdict)], now: Timestamp) -> Result<(), StoreError> {
        self.notebook.settle(verdicts, now).await
    }
    async fn release(&self, held: ChangeId, by: Option<ChangeId>) -> Result<(), StoreError> {
        self.notebook.release(held, by).await
    }
    async fn give_up(&self, notes: &[Change]) -> Result<(), StoreError> {
        self.notebook.give_up(notes).await
    }
    async fn dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        self.notebook.dropped().await
    }
    async fn take_up(&self, anew: &[Change]) -> Result<(), StoreError> {
        self.notebook.take_up(anew).await
    }
    async fn store(&self, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        self.pages.set(self.pages.get() + 1);
        self.notebook.store(page, now).await
    }
    async fn cursors(&self) -> Result<map::Map<LogId, Cursor>, StoreError> {
        self.notebook.cursors().await
    }
    async fn find(&self, subject: Subject) -> Result<Option<notebook::Stored>, StoreError> {
        self.notebook.find(subject).await
    }
    async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        self.notebook.subjects().await
    }
    async fn put_briefing(&self, briefing: &Briefing) -> Result<(), StoreError> {
        self.notebook.put_briefing(briefing).await
    }
    async fn briefing(&self) -> Result<Option<Briefing>, StoreError> {
        self.notebook.briefing().await
    }
    async fn put_draft(&self, draft: &notebook::Draft) -> Result<(), StoreError> {
        self.notebook.put_draft(draft).await
    }
    async fn drafts(&self) -> Result<Vec<notebook::Draft>, StoreError> {
        self.notebook.drafts().await
    }
    async fn delete_draft(&self, name: &str) -> Result<(), StoreError> {
        self.notebook.delete_draft(name).await
    }
}

#[test]
fn a_run_stores_a_page_of_news_for_each_log_that_has_any_and_otherwise_one() {
    let village = Village::new();
    let office = village.memory();
    let (lan, pao) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let (phone, other) = (Counting::default(), MemoryNotebook::default());
    let case = lan.open("a1", None, vec![]);
    save(&other, &case);
    sync(&office, &lan, &other);
    sync_at(&office, &pao, &phone, MORNING);
    assert_eq!(phone.counted(), (1, 1), "the commune's page; the province and Páo's own log have none");
    assert!(block_on(phone.find(case.subject)).expect("found").is_some());
    sync_at(&office, &pao, &phone, MORNING);
    assert_eq!(phone.counted(), (1, 1), "no news: what goes by the office's clock is looked at once");
    block_on(phone.save(&pao.write(case.subject, "place:a", visit("Bà đi lại được.")), None)).expect("saved");
    sync_at(&office, &pao, &phone, MORNING);
    assert_eq!(phone.counted(), (1, 2), "read again after what was pushed");
    assert_eq!(block_on(phone.outbox()).expect("outbox"), vec![]);
}

#[test]
fn what_was_acknowledged_and_not_yet_pulled_is_offered_to_a_restored_office() {
    let village = Village::new();
    let (office, phone, lan) = (village.memory(), MemoryNotebook::default(), Pen::new(village.lan, 1));
    let case = lan.open("a1", None, vec![]);
    save(&phone, &case);
    sync(&office, &lan, &phone);
    let backup = office.backup();
    let seen = lan.write(case.subject, "place:a", visit("Đỡ đau chân."));
    save(&phone, &seen);
    let verdicts = block_on(office.push(&lan.session(), lan.batch(&[&Change { n: 2, ..seen.clone() }]), MORNING));
    block_on(phone.settle(&[(seen.id, verdicts.expect("an answer").remove(0))], MORNING)).expect("settled");
    office.restore(&backup);
    // No mark is lost: the phone had not read so far.
    sync(&office, &lan, &phone);
    assert!(office.accepted(seen.id), "the office has it again");
}

#[test]
fn a_phone_whose_clock_was_wrong_for_a_day_still_offers_what_it_kept() {
    let village = Village::new();
    let (office, phone, lan) = (village.memory(), MemoryNotebook::default(), Pen::new(village.lan, 1));
    let backup = office.backup();
    let case = lan.open("a1", None, vec![]);
    save(&phone, &case);
    sync(&office, &lan, &phone);
    office.restore(&backup);
    let in_ten_years = MORNING.plus_ms(3_650 * 86_400_000);
    sync_at(&office, &lan, &phone, in_ten_years);
    sync_at(&office, &lan, &phone, in_ten_years);
    assert!(office.accepted(case.id), "offered again and taken");
}

#[test]
fn a_case_forgotten_by_rights_that_a_restored_office_never_took_comes_back() {
    let village = Village::new();
    let (office, lan, pao) = (village.memory(), Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let phone = MemoryNotebook::default();
    let case = lan.open("a1", None, vec![]);
    block_on(office.push(&lan.session(), lan.batch(&[&case]), MORNING)).expect("an answer");
    sync(&office, &pao, &phone);
    let backup = office.backup();
    office.employ(village.pao, vec![], lan.open("a1", None, vec![]).id, MORNING);
    sync(&office, &pao, &phone);
    assert_eq!(block_on(phone.find(case.subject)), Ok(None), "forgotten with the right to see it");
    office.restore(&backup);
    sync(&office, &pao, &phone);
    assert!(block_on(phone.find(case.subject)).expect("found").is_some(), "the rights are back, and so is the case");
}

#[test]
fn the_same_change_at_the_same_position_of_a_restored_log_is_not_taken_for_the_same_log() {
    let village = Village::new();
    let office = village.memory();
    let (lan, pao, hanh) = (Pen::new(village.lan, 1), Pen::new(village.pao, 2), Pen::new(village.hanh, 3));
    let backup = office.backup();
    let push = |pen: &Pen, change: &Change| {
        block_on(office.push(&pen.session(), pen.batch(&[change]), MORNING)).expect("an answer");
    };
    let (first, second, other) =
        (lan.open("a1", None, vec![]), lan.open("a1", None, vec![]), pao.open("a1", None, vec![]));
    push(&lan, &first);
    push(&lan, &second);
    let phone = MemoryNotebook::default();
    sync(&office, &hanh, &phone);
    office.restore(&backup);
    push(&pao, &other);
    push(&lan, &second);
    sync(&office, &hanh, &phone);
    let subjects = block_on(phone.subjects()).expect("subjects");
    assert!(subjects.contains(&other.subject), "what took the place of the first is not skipped");
    assert!(!subjects.contains(&first.subject), "what the office has lost is not shown as if it had it");
}

#[test]
fn a_nurse_who_also_works_in_her_village_loses_with_the_facility_its_sheets_only() {
    let village = Village::new();
    let (office, lan, pao) = (village.memory(), Pen::new(village.lan, 1), Pen::new(village.pao, 2));
    let (field, phone) = (office.grants(village.pao), MemoryNotebook::default());
    let both: Vec<Grant> = field.iter().cloned().chain([Grant::facility(village.facility)]).collect();
    let mark = |n: u8| ChangeId::at(u64::from(n), [n; 10]);
    office.employ(village.pao, both, mark(1), MORNING);
    let case = lan.open("a1", None, vec![]);
    let receiver = Receiver::Facility(village.facility);
    let asked = ask(ReferralKind::AdmissionEmergency, receiver, Sharing::emergency());
    let asked = lan.write(case.subject, "place:a", asked);
    block_on(office.push(&lan.session(), lan.batch(&[&case, &asked]), MORNING)).expect("an answer");
    let held = || block_on(phone.find(case.subject)).expect("found").expect("the case").parts;
    sync(&office, &pao, &phone);
    assert!(held().header().is_some() && held().sheet(asked.id).is_some(), "the case and its sheet");
    office.employ(village.pao, field, mark(2), MORNING);
    sync(&office, &pao, &phone);
    assert!(held().header().is_some() && held().sheet(asked.id).is_none(), "the case without its sheet");
}

#[test]
fn what_rests_on_a_held_change_is_found_through_every_link() {
    let village = Village::new();
    let lan = Pen::new(village.lan, 1);
    let (case, other) = (lan.open("a1", None, vec![]), lan.open("a1", None, vec![]));
    let of_other = lan.write(other.subject, "place:a", visit("Nhà khác."));
    let asked = lan.write(
        case.subject,
        "place:a",
        ask(ReferralKind::DayCare, Receiver::Facility(village.facility), laws::agreed()),
    );
    let acted = lan.write(
        case.subject,
        "place:a",
        laws::act(asked.id, 0, Side::Writer, Act::Cancel { reason: "Không cần nữa.".to_owned() }),
    );
    let phone = MemoryNotebook::default();
    for change in [&case, &other, &of_other, &asked, &acted] {
        save(&phone, change);
    }
    let rests_on = |of: &Change| {
        let outbox = block_on(phone.outbox()).expect("outbox");
        sync::rests_on(&outbox, of.id).iter().map(|item| item.change.id).collect::<Vec<_>>()
    };
    assert_eq!(rests_on(&case), vec![asked.id, acted.id], "all about a case that would not be there");
    assert_eq!(rests_on(&asked), vec![acted.id]);
    assert_eq!(rests_on(&of_other), vec![]);
    // The office has the case already: what is about it stands on its own.
    block_on(phone.settle(&[(case.id, Verdict::Refused { why: Refusal::Twice })], MORNING)).expect("settled");
    assert_eq!(rests_on(&case), vec![]);
}

fn place_id(text: &str) -> PlaceId {
    text.parse().expect("a place code")
}

/// Commune `a` went into ward `b` with its first village.
fn merged(places: &Places) -> Vec<Place> {
    let find = |name| places.find(&place_id(name)).cloned().expect("a place");
    vec![
        Place { valid_to: Some(MORNING.day()), successor: Some(place_id("b")), ..find("a") },
        Place { parent: Some(place_id("b")), former_parents: vec![place_id("a")], ..find("a1") },
    ]
}

#[test]
fn an_activity_that_an_old_phone_records_in_a_merged_commune_reaches_its_successor_and_who_worked_there() {
    let village = Village::new();
    let office = village.memory();
    let (lan, hanh, toan) = (Pen::new(village.lan, 1), Pen::new(village.hanh, 3), Pen::new(village.toan, 4));
    let (of_hanh, of_toan) = (MemoryNotebook::default(), MemoryNotebook::default());
    sync(&office, &hanh, &of_hanh);
    sync(&office, &toan, &of_toan);
    office.put_places(merged(&office.places()), ChangeId::at(1, [1; 10]), MORNING);
    let record = |n, log: &str| {
        let activity = Body::ActivityRecorded(Activity::AnonymousContact { place: place_id("a1") });
        let written = lan.write(Subject::Activity(ActivityId(uuid::Uuid::from_u128(n))), log, activity);
        let written = Change { subject: Subject::Activity(ActivityId(written.id.0)), ..written };
        let verdicts = block_on(office.push(&lan.session(), lan.batch(&[&written]), MORNING)).expect("an answer");
        assert!(matches!(verdicts[..], [Verdict::Accepted { .. }]), "{verdicts:?}");
        written.subject
    };
    let (unheard, heard) = (record(1, "place:a"), record(2, "place:b"));
    let shows = |phone: &MemoryNotebook, subject| block_on(phone.find(subject)).expect("found").is_some();
    sync(&office, &toan, &of_toan);
    assert!(shows(&of_toan, unheard), "the log of the commune that ended is not followed in its successor");
    assert!(shows(&of_toan, heard));
    sync(&office, &hanh, &of_hanh);
    assert!(shows(&of_hanh, heard), "whoever worked in the commune that ended keeps what lies there");
    assert!(shows(&of_hanh, unheard));
}

#[test]
fn a_new_phone_of_somebody_who_moved_away_gets_what_they_once_wrote() {
    let village = Village::new();
    let (office, lan) = (village.memory(), Pen::new(village.lan, 1));
    let case = lan.open("a1", None, vec![]);
    block_on(office.push(&lan.session(), lan.batch(&[&case]), MORNING)).expect("an answer");
    let elsewhere = vec![Grant::area(Role::Collaborator, place_id("b1"))];
    office.employ(village.lan, elsewhere, ChangeId::at(1, [1; 10]), MORNING);
    let (new, phone) = (Pen::new(village.lan, 2), MemoryNotebook::default());
    sync(&office, &new, &phone);
    assert!(block_on(phone.find(case.subject)).expect("found").is_some(), "nobody follows the log of the old commune");
}

#[test]
fn a_photo_that_somebody_takes_away_leaves_the_phones_that_had_it() {
    let village = Village::new();
    let (office, lan, hanh) = (village.memory(), Pen::new(village.lan, 1), Pen::new(village.hanh, 3));
    let case = lan.open("a1", None, vec![]);
    let photo = Photo { photo: PhotoId(case.id.0), ..laws::photo(1) };
    let photo = lan.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo)));
    block_on(office.push(&lan.session(), lan.batch(&[&case, &photo]), MORNING)).expect("an answer");
    let phone = MemoryNotebook::default();
    let photos = || block_on(phone.find(case.subject)).expect("found").expect("the case").parts.photos().count();
    sync(&office, &hanh, &phone);
    assert_eq!(photos(), 1);
    let away = lan.write(case.subject, "place:a", Body::PhotoRemoved { photo: photo.id });
    block_on(office.push(&lan.session(), lan.batch(&[&away]), MORNING)).expect("an answer");
    sync(&office, &hanh, &phone);
    assert_eq!(photos(), 0, "what is gone at the office is told");
}
