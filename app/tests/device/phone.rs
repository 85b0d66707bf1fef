//! The phone as screens use it, over a real store and an office in every mood.

use std::{cell::Cell, rc::Rc};

use app::{
    device::{
        browser,
        idb::{self, Database, Mode},
        notebook::{IndexedDbNotebook, SCHEMA},
        phone::Phone,
        roster::Roster,
    },
    field::{AppState, Keeper, Opening, SyncState},
};
use domain::{laws::Village, notebook::Draft, *};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    fault::Fault,
    notebook::wear,
    office::{Mood, Town},
};

/// A phone with its state, as one tab has it.
struct Tab {
    state: AppState,
    phone: Phone,
}

impl Tab {
    /// A tab as it is when the app has just been mounted.
    async fn open() -> Self {
        let state = AppState::new();
        let phone = Phone::new(state);
        state.keep_with(Rc::new(phone.clone()));
        phone.wake_up().await;
        Self { state, phone }
    }
    /// A tab of a phone on which Lan has just logged in.
    async fn of_lan() -> Self {
        let tab = Self::open().await;
        assert_eq!(tab.state.opening.get_untracked(), Opening::Nobody);
        tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
        until("the first run is over", || tab.state.contact.get_untracked().is_some()).await;
        tab
    }
    async fn record(&self, name: &str) -> CaseId {
        let case = self.phone.new_case_id();
        let facts = laws::opening("a1", Some(name));
        let body = Body::CaseOpened { code: self.phone.new_code(), facts };
        let log = "place:a".parse().expect("a log");
        let id = self.phone.save(log, Subject::Case(case), vec![body], None, None).await.expect("saved");
        assert_eq!(id.0, case.0, "a case is named after the change that opened it");
        case
    }
    fn shows(&self, name: &str) -> usize {
        let named = |card: &&std::sync::Arc<Card>| card.name.as_ref().is_some_and(|n| n.as_str() == name);
        self.state.cards.with_untracked(|cards| cards.iter().filter(named).count())
    }
    fn waiting(&self) -> usize {
        self.state.outbox.with_untracked(Vec::len)
    }
    fn sync(&self) -> SyncState {
        self.state.sync.get_untracked()
    }
    async fn leave(self) {
        self.leave_open().await;
    }
    async fn leave_open(&self) {
        self.phone.log_out().await.ok();
    }
}

/// A phone on which nobody has ever logged in.
async fn fresh(village: &Village) -> Town {
    for worker in &village.workers {
        idb::delete_database(&IndexedDbNotebook::name_of(worker.id)).await.expect("deleted");
    }
    idb::delete_database("caunoi-device").await.expect("deleted");
    idb::delete_database("caunoi-courier").await.expect("deleted");
    for name in ["cn.person", "cn.made", "cn.evicted"] {
        browser::forget_setting(name);
    }
    Town::open(village)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("never: {what}");
}

#[wasm_bindgen_test]
async fn a_case_recorded_without_network_is_seen_at_once_and_sent_later() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    assert_eq!(tab.state.opening.get_untracked(), Opening::Ready);
    assert!(tab.state.briefing.with_untracked(Option::is_some), "the briefing came");
    town.set_mood(Mood::Cut);
    let case = tab.record("Hoàng Thị Mỷ").await;
    assert_eq!((tab.shows("Hoàng Thị Mỷ"), tab.waiting()), (1, 1));
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(parts.header().is_some_and(|h| h.received_at.is_none()));
    until("the line was tried", || tab.sync() == SyncState::Offline).await;
    assert_eq!((tab.shows("Hoàng Thị Mỷ"), tab.waiting()), (1, 1), "nothing is lost");
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("the office shows it", || tab.waiting() == 0).await;
    assert_eq!(tab.shows("Hoàng Thị Mỷ"), 1);
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(parts.header().is_some_and(|h| h.received_at.is_some()), "the office's own parts");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn what_a_worn_phone_cannot_read_is_never_said_to_be_sent_and_comes_anew_if_the_office_has_it() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.record("Hoàng Thị Mỷ").await;
    until("the office shows it", || tab.waiting() == 0).await;
    town.set_mood(Mood::Cut);
    let worn = tab.record("Lý A Páo").await;
    drop(tab);
    let name = IndexedDbNotebook::name_of(village.lan);
    wear(&name, "outbox", &2.into()).await;
    wear(&name, "bundle", &0.into()).await;
    let tab = Tab::open().await;
    assert_eq!(untrack(|| tab.state.unsent()), (0, 1), "one thing to look at");
    let opened = tab.phone.parts(Subject::Case(case)).await;
    assert_eq!(opened.map(|_| ()), Err(StoreError::Damaged));
    town.set_mood(Mood::Open);
    tab.phone.wake();
    let mut is_here = false;
    for _ in 0..500 {
        is_here = tab.phone.parts(Subject::Case(case)).await.is_ok_and(|parts| parts.header().is_some());
        if is_here {
            break;
        }
        TimeoutFuture::new(10).await;
    }
    assert!(is_here, "taken anew");
    assert_eq!(tab.shows("Hoàng Thị Mỷ"), 1);
    // What the office had acknowledged is offered once more meanwhile; what only this phone had is still to be looked at, if
    // its letter has not brought it by now.
    let is_left = |unsent| unsent == (0, 1) || (unsent == (0, 0) && !town.letters().is_empty());
    until("only that is left", || is_left(untrack(|| tab.state.unsent()))).await;
    until("its letter brings what nobody here can read", || town.letters() == [ChangeId(worn.0)]).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_lost_answer_makes_nothing_twice() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::LosesAnswers);
    tab.record("Hoàng Thị Mỷ").await;
    until("the answer was lost", || tab.sync() == SyncState::Offline).await;
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("the office shows it", || tab.waiting() == 0).await;
    assert_eq!(tab.shows("Hoàng Thị Mỷ"), 1);
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn an_ended_session_stops_sending_and_never_recording() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::SignedOut);
    tab.record("Hoàng Thị Mỷ").await;
    until("it was said", || tab.sync() == SyncState::SignedOut).await;
    tab.record("Lý A Páo").await;
    assert_eq!(tab.waiting(), 2);
    let pushes = town.calls("/api/push");
    TimeoutFuture::new(300).await;
    assert_eq!(town.calls("/api/push"), pushes, "a door that is shut is not knocked at with every save");
    tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    until("both were sent", || tab.waiting() == 0).await;
    assert_eq!((tab.shows("Hoàng Thị Mỷ"), tab.shows("Lý A Páo")), (1, 1));
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn what_a_gate_or_a_proxy_says_is_not_believed() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    for mood in [Mood::Gate, Mood::Proxy(400), Mood::Proxy(403), Mood::Proxy(404), Mood::Proxy(422), Mood::Proxy(502)] {
        town.set_mood(mood);
        tab.record("Hoàng Thị Mỷ").await;
        tab.phone.wake();
        until("it was tried", || matches!(tab.sync(), SyncState::Offline | SyncState::Unavailable)).await;
    }
    let all_queued =
        tab.state.outbox.with_untracked(|items| items.iter().all(|item| item.state == OutboxState::Queued));
    assert!(all_queued, "no change is held because of somebody else's answer");
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("all were sent", || tab.waiting() == 0).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_wrong_password_opens_nothing() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::open().await;
    let answer = tab.phone.log_in("lan".to_owned(), "sai-mat-khau".to_owned()).await;
    assert_eq!(answer, Err(ApiError::WrongPassword));
    assert_eq!(tab.state.opening.get_untracked(), Opening::Nobody);
    assert_eq!(tab.phone.people().await.expect("people"), vec![]);
}

#[wasm_bindgen_test]
async fn logging_out_keeps_what_was_not_sent() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    tab.record("Hoàng Thị Mỷ").await;
    let draft = Draft { name: "visit".to_owned(), at: browser::now(), content: "\"dở dang\"".to_owned() };
    tab.phone.put_draft(draft.clone()).await.expect("a draft");
    tab.phone.log_out().await.expect("logged out without a network");
    assert_eq!(tab.state.opening.get_untracked(), Opening::Nobody);
    assert!(tab.state.cards.with_untracked(Vec::is_empty) && tab.state.worker.with_untracked(Option::is_none));
    assert_eq!(town.sessions(), vec![village.lan], "the office does not know yet");
    assert_eq!(tab.phone.people().await.expect("people")[0].unsent, Some(1));
    tab.phone.switch_to(village.lan).await.expect("asked");
    assert_eq!(tab.state.opening.get_untracked(), Opening::Nobody, "not without logging in");
    town.set_mood(Mood::Open);
    let later = Tab::open().await;
    assert_eq!(later.state.opening.get_untracked(), Opening::Nobody, "the old session opens nothing");
    assert!(town.sessions().is_empty(), "the office was told");
    later.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    assert_eq!(later.shows("Hoàng Thị Mỷ"), 1);
    assert_eq!(later.state.drafts.get_untracked(), vec![draft]);
    until("it was sent", || later.waiting() == 0).await;
    later.leave().await;
}

#[wasm_bindgen_test]
async fn the_app_opens_by_itself_and_without_network() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    tab.record("Hoàng Thị Mỷ").await;
    until("it was sent", || tab.waiting() == 0).await;
    town.set_mood(Mood::Cut);
    drop(tab);
    // A browser that is killed may not have written its settings down.
    browser::forget_setting("cn.person");
    let tab = Tab::open().await;
    assert_eq!(tab.state.opening.get_untracked(), Opening::Ready);
    assert_eq!(tab.shows("Hoàng Thị Mỷ"), 1);
    assert_eq!(browser::setting("cn.person"), Some(village.lan), "for the next start's first paint");
    assert_eq!(tab.state.worker.with_untracked(|w| w.as_ref().map(|w| w.id)), Some(village.lan));
    assert!(tab.state.contact.get_untracked().is_some(), "when the office last answered");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn whoever_used_the_plain_form_is_let_in() {
    let village = Village::new();
    let town = fresh(&village).await;
    town.sign_in(village.hanh);
    let tab = Tab::open().await;
    assert_eq!(tab.state.opening.get_untracked(), Opening::Ready);
    assert_eq!(tab.state.worker.with_untracked(|w| w.as_ref().map(|w| w.id)), Some(village.hanh));
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn two_people_share_a_phone_and_nothing_else() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    tab.record("Hoàng Thị Mỷ").await;
    until("the line was tried", || tab.sync() == SyncState::Offline).await;
    town.set_mood(Mood::Open);
    tab.phone.log_in("toan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    assert_eq!((tab.shows("Hoàng Thị Mỷ"), tab.waiting()), (0, 0), "another's work is not shown");
    let people = tab.phone.people().await.expect("people");
    let unsent: Vec<_> = people.iter().map(|p| (p.worker.id, p.unsent)).collect();
    assert_eq!(unsent, vec![(village.toan, Some(0)), (village.lan, Some(1))]);
    tab.phone.switch_to(village.lan).await.expect("switched");
    assert_eq!(tab.shows("Hoàng Thị Mỷ"), 1);
    until("it was sent as Lan's", || tab.waiting() == 0).await;
    tab.leave().await;
    let tab = Tab::open().await;
    assert_eq!(tab.state.worker.with_untracked(|w| w.as_ref().map(|w| w.id)), Some(village.toan), "signed in still");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn another_tab_sees_what_this_one_saves() {
    let village = Village::new();
    let town = fresh(&village).await;
    let left = Tab::of_lan().await;
    let right = Tab::open().await;
    town.set_mood(Mood::Cut);
    left.record("Hoàng Thị Mỷ").await;
    until("the other tab shows it", || right.shows("Hoàng Thị Mỷ") == 1 && right.waiting() == 1).await;
    town.set_mood(Mood::Open);
    right.phone.wake();
    until("sent by either", || left.waiting() == 0 && right.waiting() == 0).await;
    assert_eq!((left.shows("Hoàng Thị Mỷ"), right.shows("Hoàng Thị Mỷ")), (1, 1));
    left.phone.log_out().await.expect("logged out");
    until("the other tab closes too", || right.state.opening.get_untracked() == Opening::Nobody).await;
    assert!(right.state.cards.with_untracked(Vec::is_empty));
}

#[wasm_bindgen_test]
async fn what_is_saved_together_waits_together_and_ends_its_draft() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let draft = Draft { name: "emergency".to_owned(), at: browser::now(), content: "{}".to_owned() };
    tab.phone.put_draft(draft).await.expect("a draft");
    let case = tab.phone.new_case_id();
    let opened = Body::CaseOpened { code: tab.phone.new_code(), facts: laws::opening("a1", None) };
    let bodies = vec![opened, laws::visit("Chân phải đau.")];
    let log: LogId = "place:a".parse().expect("a log");
    let ended = Some("emergency".to_owned());
    let first = tab.phone.save(log, Subject::Case(case), bodies, ended, None).await.expect("saved");
    assert_eq!(first.0, case.0);
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(parts.header().is_some() && parts.visits().count() == 1);
    assert_eq!(tab.phone.drafts().await.expect("drafts"), vec![]);
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("both were sent", || tab.waiting() == 0).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_held_change_can_be_corrected_or_sent_again() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = Subject::Case(tab.record("Hoàng Thị Mỷ").await);
    until("it was sent", || tab.waiting() == 0).await;
    let log: LogId = "place:a".parse().expect("a log");
    let empty = tab.phone.save(log.clone(), case, vec![laws::visit("")], None, None).await.expect("saved");
    let held = || {
        tab.state.outbox.with_untracked(|items| {
            items
                .iter()
                .filter(|item| matches!(item.state, OutboxState::Held { .. }))
                .map(|i| i.change.id)
                .collect::<Vec<_>>()
        })
    };
    until("it is held", || held() == vec![empty]).await;
    tab.phone.send_again(empty).await.expect("queued");
    until("it is held again", || held() == vec![empty]).await;
    tab.phone.save(log, case, vec![laws::visit("Đỡ đau chân.")], None, Some(empty)).await.expect("saved");
    until("only the correction was kept", || tab.waiting() == 0).await;
    let parts = tab.phone.parts(case).await.expect("its parts");
    assert_eq!(parts.visits().map(|v| v.visit.seen.as_str()).collect::<Vec<_>>(), vec!["Đỡ đau chân."]);
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_notebook_the_browser_threw_away_is_noticed_and_recording_goes_on() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    tab.record("Hoàng Thị Mỷ").await;
    until("it was sent", || tab.waiting() == 0).await;
    town.set_mood(Mood::Cut);
    assert!(!tab.phone.room().await.expect("room").evicted);
    idb::delete_database(&IndexedDbNotebook::name_of(village.lan)).await.expect("thrown away");
    idb::delete_database("caunoi-device").await.expect("thrown away");
    tab.record("Lý A Páo").await;
    assert_eq!((tab.shows("Lý A Páo"), tab.shows("Hoàng Thị Mỷ")), (1, 0));
    assert!(tab.phone.room().await.expect("room").evicted, "and it is said");
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("everything is back", || tab.waiting() == 0 && tab.shows("Hoàng Thị Mỷ") == 1).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_store_that_fails_for_a_while_takes_nothing_off_the_screen() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let case = tab.record("Hoàng Thị Mỷ").await;
    let visit = || vec![laws::visit("Đỡ đau chân.")];
    let log = || "place:a".parse().expect("a log");
    let failing = Fault::throw("IDBDatabase", "transaction", "InvalidStateError", 1_000);
    assert_eq!(tab.phone.save(log(), Subject::Case(case), visit(), None, None).await, Err(StoreError::Closed));
    assert!(tab.state.worker.with_untracked(Option::is_some), "the form keeps its writer");
    assert_eq!(tab.state.opening.get_untracked(), Opening::Ready);
    assert_eq!((tab.shows("Hoàng Thị Mỷ"), tab.waiting()), (1, 1), "and nobody reads that all is sent");
    drop(failing);
    tab.phone.save(log(), Subject::Case(case), visit(), None, None).await.expect("saved");
    assert_eq!(tab.waiting(), 2);
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("both are sent", || tab.waiting() == 0).await;
    tab.leave().await;
}

/// What a visit says whose next day lies in a year long gone: the office cannot take it.
fn wrong_year() -> Body {
    let Body::VisitRecorded(visit) = laws::visit("Đỡ đau chân.") else { unreachable!("a visit") };
    Body::VisitRecorded(Visit { next: Day::of(2020, 1, 1), ..visit })
}

impl Tab {
    async fn write(&self, case: CaseId, body: Body, replaces: Option<ChangeId>) -> ChangeId {
        let log = "place:a".parse().expect("a log");
        self.phone.save(log, Subject::Case(case), vec![body], None, replaces).await.expect("saved")
    }
    fn held(&self) -> Vec<Change> {
        let is_held = |item: &&OutboxItem| matches!(item.state, OutboxState::Held { .. });
        self.state.outbox.with_untracked(|all| all.iter().filter(is_held).map(|i| i.change.clone()).collect())
    }
}

#[wasm_bindgen_test]
async fn what_is_corrected_a_second_time_still_stands_for_the_first() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.record("Hoàng Thị Mỷ").await;
    until("the office shows it", || tab.waiting() == 0).await;
    let first = tab.write(case, wrong_year(), None).await;
    until("it is held", || tab.held().len() == 1).await;
    let second = tab.write(case, wrong_year(), Some(first)).await;
    until("it is held again", || tab.held().iter().any(|change| change.id == second)).await;
    assert_eq!(tab.held().len(), 1, "the second stands in the place of the first");
    assert_eq!(tab.held()[0].replaces, Some(first));
    tab.write(case, laws::visit("Đỡ đau chân."), Some(second)).await;
    until("the office shows it", || tab.waiting() == 0).await;
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(parts.0.contains_key(&PartKey::Visit(first)), "under the name it had from the beginning");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn what_somebody_gives_up_leaves_the_list_stays_on_the_phone_and_can_be_taken_up() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.record("Hoàng Thị Mỷ").await;
    until("the office shows it", || tab.waiting() == 0).await;
    let wrong = tab.write(case, wrong_year(), None).await;
    until("it is held", || tab.held().len() == 1).await;
    tab.phone.give_up(wrong, "Ghi nhầm người.".to_owned()).await.expect("given up");
    assert_eq!(tab.state.unsent(), (1, 0), "the note about it waits");
    until("the office has the note", || tab.state.unsent() == (0, 0)).await;
    let dropped = tab.phone.dropped().await.expect("what was given up");
    assert_eq!(dropped.len(), 1);
    assert_eq!((dropped[0].change.id, &*dropped[0].reason), (wrong, "Ghi nhầm người."));
    assert_eq!(dropped[0].change.body, wrong_year(), "whole");
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(!parts.0.contains_key(&PartKey::Visit(wrong)), "it is in no case");
    drop(tab);
    // A start later it is still there, and comes back as it was.
    let tab = Tab::open().await;
    until("it is open", || tab.state.opening.get_untracked() == Opening::Ready).await;
    assert_eq!(tab.phone.dropped().await.expect("what was given up").len(), 1);
    town.set_mood(Mood::Cut);
    tab.phone.take_up(wrong).await.expect("taken up");
    assert_eq!(tab.phone.dropped().await.expect("what was given up"), vec![]);
    assert_eq!(tab.state.unsent(), (1, 0));
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("the office says again what is wrong", || tab.held().len() == 1).await;
    assert_eq!((tab.held()[0].replaces, &tab.held()[0].body), (Some(wrong), &wrong_year()));
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn what_rests_on_something_given_up_goes_with_it_and_comes_back_with_it() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.phone.new_case_id();
    let mut facts = laws::opening("a1", Some("Lý A Páo"));
    facts.retain(|fact| fact.name() != FactName::Tile);
    let opening = tab.write(case, Body::CaseOpened { code: tab.phone.new_code(), facts }, None).await;
    until("it is held", || tab.held().len() == 1).await;
    town.set_mood(Mood::Cut);
    let seen = tab.write(case, laws::visit("Nhà dột."), None).await;
    assert_eq!((tab.shows("Lý A Páo"), tab.waiting()), (1, 2));
    tab.phone.give_up(opening, "Người này không có thật.".to_owned()).await.expect("given up");
    assert_eq!(tab.shows("Lý A Páo"), 0, "nobody is on the list");
    let dropped: Vec<ChangeId> =
        tab.phone.dropped().await.expect("what was given up").iter().map(|item| item.change.id).collect();
    assert_eq!(dropped, vec![seen, opening], "the latest first");
    tab.phone.take_up(seen).await.expect("taken up");
    assert_eq!(tab.phone.dropped().await.expect("what was given up"), vec![]);
    assert_eq!(tab.shows("Lý A Páo"), 1, "the visit came back with the case it is about");
    let parts = tab.phone.parts(Subject::Case(case)).await.expect("its parts");
    assert!(parts.0.contains_key(&PartKey::Visit(seen)), "under the name it had");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn letters_of_whoever_is_signed_out_go_by_themselves_and_the_push_finds_them_there() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let (one, two) = (tab.record("Hoàng Thị Mỷ").await, tab.record("Lý A Páo").await);
    until("the line was tried", || tab.sync() == SyncState::Offline).await;
    assert_eq!(town.letters(), vec![], "whoever is seated here pushes");
    tab.phone.log_out().await.expect("logged out");
    assert_eq!(tab.state.opening.get_untracked(), Opening::Nobody);
    until("they are counted", || tab.state.post.get_untracked().own.waiting == 2).await;
    let file = tab.phone.save_rescue().await.expect("a file");
    assert_eq!(file.count, 2, "though nobody is logged in");
    town.set_mood(Mood::SignedOut);
    tab.phone.wake();
    until("both arrived", || tab.state.post.get_untracked().own.arrived == 2).await;
    assert_eq!(town.letters(), vec![ChangeId(one.0), ChangeId(two.0)], "in their order");
    assert_eq!(tab.state.post.get_untracked().own.waiting, 0);
    assert_eq!(tab.phone.save_rescue().await.expect("a file").count, 0);
    tab.phone.wake();
    TimeoutFuture::new(50).await;
    assert_eq!(town.letters().len(), 2, "not twice");
    tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    until("the office shows both", || tab.waiting() == 0).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_newer_app_in_another_tab_gets_the_store_once_this_one_has_written_down_what_was_typed() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let draft = Draft { name: "new-case".to_owned(), at: laws::MORNING, content: r#"{"what":"ngã"}"#.to_owned() };
    // As a form does that is asked to write itself down.
    let (phone, typed) = (tab.phone.clone(), draft.clone());
    let window = web_sys::window().expect("a window");
    let asked = idb::Listener::new(&window, "cn-keep", move |_| {
        let putting = phone.put_draft(typed.clone());
        wasm_bindgen_futures::spawn_local(async move { putting.await.expect("put") });
    });
    let name = IndexedDbNotebook::name_of(village.lan);
    let newer = Database::open(&name, SCHEMA + 1, |_, _| ()).await.expect("the newer app's");
    drop(asked);
    until("this tab knows", || tab.state.superseded.get_untracked()).await;
    let rows = newer.transaction(&["draft"], Mode::Read).expect("a transaction").store("draft").expect("drafts");
    assert_eq!(rows.count().await.expect("a count"), 1, "what was typed is there");
    assert_eq!(tab.phone.put_draft(draft).await, Err(StoreError::Newer), "nothing is written under the newer app");
    drop(newer);
    idb::delete_database(&name).await.expect("deleted");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_phone_carries_the_letters_of_another_and_says_how_many_arrived() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    tab.record("Hoàng Thị Mỷ").await;
    let file = tab.phone.save_rescue().await.expect("a file").text.into_bytes();
    tab.phone.log_out().await.expect("logged out");
    // Another phone: nothing of hers is there.
    idb::delete_database(&IndexedDbNotebook::name_of(village.lan)).await.expect("deleted");
    assert_eq!(tab.phone.take_rescue(b"nothing".to_vec()).await, Err(StoreError::Damaged));
    assert_eq!(tab.phone.take_rescue(file.clone()).await, Ok(1));
    until("it is carried", || tab.state.post.get_untracked().carried.waiting == 1).await;
    assert_eq!(tab.phone.save_rescue().await.expect("a file").count, 1, "and may be handed on");
    town.set_mood(Mood::SignedOut);
    tab.phone.wake();
    until("it arrived", || tab.state.post.get_untracked().carried.arrived == 1).await;
    assert_eq!(tab.phone.take_rescue(file).await, Ok(1));
    tab.phone.wake();
    TimeoutFuture::new(50).await;
    assert_eq!(town.letters().len(), 1, "once");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_tap_on_somebody_who_logged_out_knows_what_they_log_in_as() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    tab.phone.log_in("pao".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    assert_eq!(tab.state.me(), Some(village.pao));
    tab.phone.log_out().await.expect("logged out");
    let people = tab.phone.people().await.expect("people");
    let names: Vec<_> = people.iter().map(|p| (p.worker.id, p.user_name.as_deref(), p.signed_out)).collect();
    assert!(names.contains(&(village.pao, Some("pao"), true)));
    assert!(names.contains(&(village.lan, Some("lan"), false)));
    tab.phone.switch_to(village.lan).await.expect("switched");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn logging_out_closes_the_phone_at_once_and_tells_the_office_when_it_can() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    tab.record("Hoàng Thị Mỷ").await;
    town.set_mood(Mood::Silent);
    let leaving = tab.phone.log_out();
    wasm_bindgen_futures::spawn_local(async move { leaving.await.expect("left") });
    until("it is closed", || tab.state.opening.get_untracked() == Opening::Nobody).await;
    assert!(tab.state.cards.with_untracked(Vec::is_empty) && tab.state.worker.with_untracked(Option::is_none));
    assert_eq!(town.sessions(), vec![village.lan], "the office has not answered yet");
    town.set_mood(Mood::Open);
    tab.phone.log_in("toan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    until("the office knows while somebody else holds the phone", || town.sessions() == [village.toan]).await;
    TimeoutFuture::new(100).await;
    assert_eq!(tab.state.opening.get_untracked(), Opening::Ready, "nobody else was thrown out");
    assert_eq!(tab.state.me(), Some(village.toan));
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn the_office_is_told_of_a_log_out_without_network_while_somebody_else_holds_the_phone() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    tab.phone.log_out().await.expect("left");
    assert_eq!(town.sessions(), vec![village.lan]);
    tab.phone.log_in("toan".to_owned(), "cau-noi-demo".to_owned()).await.err();
    town.set_mood(Mood::Open);
    tab.phone.log_in("toan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    tab.phone.wake();
    until("the office knows", || town.sessions() == [village.toan]).await;
    tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    tab.phone.wake();
    TimeoutFuture::new(100).await;
    assert!(town.sessions().contains(&village.lan), "a log-out that was told ends no later session");
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn of_two_who_are_chosen_in_a_row_the_second_holds_the_phone() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    for name in ["toan", "pao"] {
        tab.phone.log_in(name.to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    }
    for pause_ms in [0, 1, 2, 4, 8, 16, 32, 64] {
        let first = tab.phone.switch_to(village.lan);
        let done = Rc::new(Cell::new(0));
        let both = done.clone();
        wasm_bindgen_futures::spawn_local(async move {
            first.await.expect("asked");
            both.set(both.get() + 1);
        });
        TimeoutFuture::new(pause_ms).await;
        tab.phone.switch_to(village.toan).await.expect("asked");
        until("both are done", || done.get() == 1).await;
        assert_eq!(tab.state.me(), Some(village.toan), "after {pause_ms} ms");
        assert_eq!(tab.state.opening.get_untracked(), Opening::Ready, "after {pause_ms} ms");
        tab.record("Hoàng Thị Mỷ").await;
        let authors = tab.state.outbox.with_untracked(|all| all.iter().all(|i| i.change.author == village.toan));
        assert!(authors, "what is written now is written by whom the screen names");
        tab.phone.switch_to(village.pao).await.expect("asked");
        assert_eq!(tab.state.me(), Some(village.pao));
    }
    // The first one's notebook opens slowly: somebody else is at its disk, until long after the second has sat down.
    let db = Database::open(&IndexedDbNotebook::name_of(village.lan), SCHEMA, |_, _| ()).await.expect("the database");
    let (busy, done) = (Rc::new(Cell::new(true)), Rc::new(Cell::new(false)));
    let holds = busy.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let tx = db.transaction(&["meta"], Mode::Strict).expect("a transaction");
        let store = tx.store("meta").expect("the store");
        while holds.get() {
            store.get(&"device".into()).await.expect("a row");
        }
        tx.done().await.expect("ended");
    });
    let (first, opened) = (tab.phone.switch_to(village.lan), done.clone());
    wasm_bindgen_futures::spawn_local(async move {
        first.await.expect("asked");
        opened.set(true);
    });
    until("the first is sitting down", || tab.state.me() == Some(village.lan)).await;
    tab.phone.switch_to(village.toan).await.expect("asked");
    assert!(!done.get(), "the first notebook is still being opened");
    busy.set(false);
    until("it is open", || done.get()).await;
    assert_eq!((tab.state.me(), tab.state.opening.get_untracked()), (Some(village.toan), Opening::Ready));
    town.set_mood(Mood::Cut);
    tab.record("Lý A Páo").await;
    let authors = tab.state.outbox.with_untracked(|all| all.iter().all(|i| i.change.author == village.toan));
    assert!(authors && tab.waiting() > 0, "written by whom the screen names");
    tab.phone.switch_to(village.pao).await.expect("asked");
    drop(tab);
    let tab = Tab::open().await;
    assert_eq!(tab.state.me(), Some(village.pao));
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_case_on_its_way_out_of_the_store_is_not_given_to_whoever_holds_the_phone_by_then() {
    let village = Village::new();
    let _town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.record("Hoàng Thị Mỷ").await;
    until("the office shows it", || tab.waiting() == 0).await;
    let mut asked = tab.phone.parts(Subject::Case(case));
    assert!(futures::poll!(&mut asked).is_pending());
    tab.phone.log_out().await.expect("left");
    assert_eq!(asked.await, Err(StoreError::Closed));
    // The store is free: nobody has opened it again.
    idb::delete_database(&IndexedDbNotebook::name_of(village.lan)).await.expect("deleted");
}

#[wasm_bindgen_test]
async fn a_letter_that_the_office_does_not_take_rests_and_stays_in_the_rescue_file() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let (one, two) = (tab.record("Hoàng Thị Mỷ").await, tab.record("Lý A Páo").await);
    tab.phone.log_out().await.expect("logged out");
    town.take_no_letter(ChangeId(one.0));
    town.set_mood(Mood::SignedOut);
    tab.phone.wake();
    until("the other arrived", || town.letters() == [ChangeId(two.0)]).await;
    until("it is said", || tab.state.post.get_untracked().own.turned_away == 1).await;
    let calls = town.calls("/api/letters");
    tab.phone.wake();
    TimeoutFuture::new(200).await;
    assert_eq!(town.calls("/api/letters"), calls, "the line is prepaid");
    assert_eq!(tab.state.post.get_untracked().own.waiting, 1);
    let file = tab.phone.save_rescue().await.expect("a file");
    assert_eq!((file.count, file.left_out), (1, 0));
    // The clock had been years ahead when the office was asked: it is asked again.
    let name = IndexedDbNotebook::name_of(village.lan);
    let db = Database::open(&name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&["letter"], Mode::Strict).expect("a transaction");
    let (letters, id) = (tx.store("letter").expect("letters"), one.0.to_string().into());
    let row = letters.get(&id).await.expect("its row").unchecked_into();
    idb::set(&row, "later", &((browser::now().0 + 3 * 365 * 86_400_000) as f64).into());
    letters.put(&id, &row).expect("put");
    tx.done().await.expect("kept");
    drop(db);
    tab.phone.wake();
    until("it was brought once more", || town.calls("/api/letters") == calls + 1).await;
    tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    until("both were pushed", || tab.waiting() == 0).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_rescue_file_says_how_much_is_not_in_it() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let one = tab.record("Hoàng Thị Mỷ").await;
    tab.record("Lý A Páo").await;
    tab.phone.log_out().await.expect("logged out");
    let name = IndexedDbNotebook::name_of(village.lan);
    let db = Database::open(&name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&["letter"], Mode::Strict).expect("a transaction");
    tx.store("letter").expect("letters").delete(&one.0.to_string().into()).expect("deleted");
    tx.done().await.expect("gone");
    drop(db);
    let file = tab.phone.save_rescue().await.expect("a file");
    assert_eq!((file.count, file.left_out), (1, 1));
    town.set_mood(Mood::Open);
    tab.phone.log_in("lan".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    until("both were pushed", || tab.waiting() == 0).await;
    tab.leave().await;
}

#[wasm_bindgen_test]
async fn a_phone_that_cannot_write_an_answer_down_brings_everybodys_letters_once() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    town.set_mood(Mood::Cut);
    let one = tab.record("Hoàng Thị Mỷ").await;
    tab.phone.log_out().await.expect("logged out");
    tab.phone.log_in("pao".to_owned(), "cau-noi-demo".to_owned()).await.err();
    town.set_mood(Mood::Open);
    tab.phone.log_in("pao".to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
    town.set_mood(Mood::Cut);
    let two = tab.record("Lý A Páo").await;
    tab.phone.log_out().await.expect("logged out");
    // The log-outs are told: what is written next are answers to letters.
    until("it was tried", || tab.state.post.get_untracked().own.waiting > 0).await;
    for known in [village.lan, village.pao] {
        Roster::open().await.expect("the roster").told(known).await.expect("told");
    }
    let letters = |id: ChangeId| town.letters().iter().filter(|letter| **letter == id).count();
    let fault = Fault::throw("IDBObjectStore", "put", "QuotaExceededError", 1);
    town.set_mood(Mood::SignedOut);
    tab.phone.wake();
    until("both were brought", || letters(ChangeId(two.0)) == 1 && letters(ChangeId(one.0)) == 1).await;
    drop(fault);
    tab.phone.wake();
    until("both are written down", || tab.state.post.get_untracked().own.arrived == 2).await;
    assert_eq!((letters(ChangeId(one.0)), letters(ChangeId(two.0))), (1, 1), "neither was sent twice");
    for name in ["lan", "pao"] {
        tab.phone.log_in(name.to_owned(), "cau-noi-demo".to_owned()).await.expect("logged in");
        until("it was pushed", || tab.waiting() == 0).await;
        tab.leave_open().await;
    }
}

#[wasm_bindgen_test]
async fn whoever_refuses_while_a_held_opening_is_put_right_leaves_nothing_behind() {
    let village = Village::new();
    let town = fresh(&village).await;
    let tab = Tab::of_lan().await;
    let case = tab.phone.new_case_id();
    let mut facts = laws::opening("a1", Some("Lý A Páo"));
    facts.retain(|fact| fact.name() != FactName::Tile);
    let opening = tab.write(case, Body::CaseOpened { code: tab.phone.new_code(), facts }, None).await;
    until("it is held", || tab.held().len() == 1).await;
    town.set_mood(Mood::Cut);
    tab.write(case, laws::visit("Nhà dột."), None).await;
    for name in [format!("fix:{opening}"), format!("visit:{case}"), "new-case".to_owned()] {
        let draft = Draft { name, at: browser::now(), content: "{}".to_owned() };
        tab.phone.put_draft(draft).await.expect("a draft");
    }
    assert_eq!(tab.phone.save_rescue().await.expect("a file").count, 2);
    let activity = Subject::Activity(ActivityId(tab.phone.new_case_id().0));
    let body = Body::ActivityRecorded(Activity::AnonymousContact { place: "a1".parse().expect("a place") });
    let log: LogId = "place:a".parse().expect("a log");
    let draft = Some(format!("fix:{opening}"));
    tab.phone.save(log, activity, vec![body.clone()], draft, Some(opening)).await.expect("saved");
    let left: Vec<Body> = tab.state.outbox.with_untracked(|all| all.iter().map(|i| i.change.body.clone()).collect());
    assert_eq!(left, vec![body], "only that somebody was met");
    assert_eq!(tab.shows("Lý A Páo"), 0);
    assert_eq!(tab.phone.dropped().await.expect("what was given up"), vec![]);
    let drafts: Vec<String> = tab.phone.drafts().await.expect("drafts").into_iter().map(|draft| draft.name).collect();
    assert_eq!(drafts, ["new-case"], "another person's");
    assert_eq!(tab.state.drafts.with_untracked(Vec::len), 1);
    assert_eq!(tab.phone.save_rescue().await.expect("a file").count, 1, "no letter about them is left");
    town.set_mood(Mood::Open);
    tab.phone.wake();
    until("the contact was counted", || tab.waiting() == 0).await;
    tab.leave().await;
}
