//! The phone as screens use it: it opens a person's notebook, keeps what they write, and fills the state that pages read.
//! It knows no page.
//!
//! [`start`] is what `App` is given. Everything screens may ask for is in [`Keeper`]; what they may read, in [`AppState`]:
//! - `cards`, `facilities` and `outbox` change with every save, verdict and page, in this tab and in others;
//! - `revision` grows at the same moments, so that open pages read their parts anew;
//! - `sync` says how the last run ended; [`SyncState::SignedOut`] stops sending, never recording.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    fmt,
    rc::{Rc, Weak},
    sync::Arc,
};

use domain::{
    Activity, ApiError, Body, Bytes, Card, CaseCode, CaseId, Change, ChangeId, Dropped, DroppedItem, Facility, Kept,
    LogId, LoggedIn, Notebook, OfficeKey, OutboxItem, OutboxState, Parts, Photo, PhotoId, PullAnswer, PullRequest,
    PushBatch, Refusal, RescueFile, SlipFile, StoreError, Subject, Timestamp, Verdict, Worker, WorkerId, json, limits,
    map::{Map, Set},
    notebook::Draft,
    office, sync,
};
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, LocalBoxFuture, select},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use leptos::prelude::{GetUntracked, Set as _, Update, WithUntracked};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, BroadcastChannel, ImageBitmap, MessageEvent};

use super::{
    browser::{self, Lock},
    idb::{self, Listener},
    line::Line,
    notebook::{self, IndexedDbNotebook, News},
    photos,
    picture::{self, PictureError},
    post::{self, Bag},
    ring,
    roster::{Known, Roster},
    rounds::{Outcome, Rounds, Wake},
    vault::{self, Vault},
};
use crate::field::{
    AppState, Keeper, Loading, Opening, Paper, Person, PhotoSending, PhotoTrouble, PostState, Ringing, Room, Standing,
    SyncState,
};

/// A picture that takes longer than this to be made small is given back to whoever took it.
const SHRINK_MS: u32 = 45_000;
/// Whose notebook opens by itself; `/boot.js` reads it too.
const PERSON: &str = "cn.person";
/// Whose notebooks were made here: one of them that is empty again was thrown away by the browser.
const MADE: &str = "cn.made";
/// What somebody typed into the plain log-in as their user name; `/boot.js` leaves it.
const USER_NAME: &str = "cn.user_name";
/// Said by `/boot.js`: another tab has agreed to a newer build.
const TAKEN_OVER: &str = "cn-taken-over";
/// When the browser was found to have thrown a notebook away.
const EVICTED: &str = "cn.evicted";
/// When somebody read of it.
const EVICTED_READ: &str = "cn.evicted_read";
/// How long that is said: until even somebody who comes once a week has read it.
const EVICTED_MS: i64 = 14 * 86_400_000;
/// What the service worker does when the network is back and the app is closed; it knows the same word.
const LETTERS: &str = "letters";
/// How long a start waits to hear who has just logged in before it offers the log-in.
const WHOAMI_MS: u32 = 4_000;
/// While pages stream in, lists are drawn anew this often.
const REDRAW_MS: u32 = 400;

/// Tries of sending photos after one round; the next begins with the next round.
const PHOTO_TRIES: u32 = 6;
/// However long the office asks photos to wait, they are offered again within this time.
const LONGEST_WAIT_S: u32 = 600;

/// What lists show of a subject.
type Drawn = (Option<Arc<Card>>, Option<Arc<Facility>>);
type Answer<T, E> = LocalBoxFuture<'static, Result<T, E>>;

/// Opens the phone for the app: whoever used it last, or whoever the office says has just logged in.
pub fn start(state: AppState) {
    let phone = Phone::new(state);
    state.keep_with(Rc::new(phone.clone()));
    phone.listen();
    spawn_local(async move { phone.wake_up().await });
}

/// The phone. Clones are the same phone.
#[derive(Clone)]
pub struct Phone(Rc<Inner>);

struct Inner {
    state: AppState,
    line: Line,
    roster: RefCell<Option<Rc<Roster>>>,
    seat: RefCell<Option<Rc<Seat>>>,
    asked_to_keep: Cell<bool>,
    /// Drafts and changes on their way to the disk.
    putting: Cell<usize>,
    /// Grows with every hand-over: of two at the same time the later one decides, and the earlier one gives up.
    turn: Cell<u64>,
    /// Log-ins under way.
    entering: Cell<usize>,
    /// The office is being told of a log-out; ends when dropped.
    telling: RefCell<Option<oneshot::Sender<()>>>,
    listeners: RefCell<Vec<Listener>>,
    /// The rounds of letters: of those who are not seated here, and of those this phone carries for others.
    post: RefCell<Option<Rounds>>,
}

/// One person's open notebook and what goes with it; all of it ends when another person takes the phone.
struct Seat {
    worker: WorkerId,
    notebook: Rc<IndexedDbNotebook>,
    channel: Option<BroadcastChannel>,
    heard: RefCell<Option<Listener>>,
    rounds: RefCell<Option<Rounds>>,
    redraw: Redraw,
    /// A task of this tab is sending photos.
    sending: Cell<bool>,
    /// It waits until the line may be better; ends when dropped.
    nap: RefCell<Option<oneshot::Sender<()>>>,
}

/// What has to be drawn anew, and who waits for it.
#[derive(Default)]
struct Redraw {
    subjects: RefCell<Set<Subject>>,
    all: Cell<bool>,
    busy: Cell<bool>,
    syncing: Cell<bool>,
    urgent: Cell<bool>,
    nap: RefCell<Option<oneshot::Sender<()>>>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    /// Why the last drawing failed.
    failed: Cell<Option<StoreError>>,
}

impl fmt::Debug for Phone {
    /// Nobody's name belongs in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.notebook.close();
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }
}

impl Phone {
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self(Rc::new(Inner {
            state,
            line: Line,
            roster: RefCell::default(),
            seat: RefCell::default(),
            asked_to_keep: Cell::new(false),
            putting: Cell::new(0),
            turn: Cell::new(0),
            entering: Cell::new(0),
            telling: RefCell::default(),
            listeners: RefCell::default(),
            post: RefCell::default(),
        }))
    }

    /// Wakes the sync loop when the network or the person comes back.
    fn listen(&self) {
        let Some(window) = web_sys::window() else { return };
        let mut listeners = vec![];
        let phone = Rc::downgrade(&self.0);
        listeners.push(Listener::new(&window, "online", move |_| Self::later(&phone)));
        let phone = Rc::downgrade(&self.0);
        listeners.push(Listener::new(&window, "offline", move |_| {
            if let Some(inner) = phone.upgrade()
                && inner.state.sync.get_untracked() == SyncState::Idle
            {
                inner.state.sync.set(SyncState::Offline);
            }
        }));
        let phone = Rc::downgrade(&self.0);
        listeners.push(Listener::new(&window, TAKEN_OVER, move |_| {
            if let Some(inner) = phone.upgrade() {
                spawn_local(async move { Phone(inner).give_way().await });
            }
        }));
        // Whoever is on duty was called: what they are called for is fetched while they reach for the phone.
        let phone = Rc::downgrade(&self.0);
        listeners.push(Listener::new(&window, "cn-wake", move |_| {
            if let Some(inner) = phone.upgrade() {
                Phone(inner).wake_because(Wake::Now);
            }
        }));
        if let Some(document) = window.document() {
            let phone = Rc::downgrade(&self.0);
            listeners.push(Listener::new(&document, "visibilitychange", move |_| {
                if browser::is_visible()
                    && let Some(inner) = phone.upgrade()
                {
                    Phone(inner).wake_because(Wake::Now);
                }
            }));
        }
        *self.0.listeners.borrow_mut() = listeners;
    }

    /// A valley of phones does not call in the same second when the mast comes back.
    fn later(phone: &Weak<Inner>) {
        let phone = phone.clone();
        spawn_local(async move {
            TimeoutFuture::new((browser::chance() * 1_500.0) as u32).await;
            if let Some(inner) = phone.upgrade() {
                Phone(inner).wake_because(Wake::Now);
            }
        });
    }

    fn wake_because(&self, why: Wake) {
        if let Some(seat) = self.seat_now()
            && let Some(rounds) = &*seat.rounds.borrow()
        {
            rounds.wake(why);
        }
        if let Some(post) = &*self.0.post.borrow() {
            post.wake(why);
        }
    }

    fn state(&self) -> AppState {
        self.0.state
    }
    fn seat_now(&self) -> Option<Rc<Seat>> {
        self.0.seat.borrow().clone()
    }
    fn seat(&self) -> Result<Rc<Seat>, StoreError> {
        self.seat_now().ok_or(StoreError::Closed)
    }
    /// Begins a hand-over.
    fn new_turn(&self) -> u64 {
        self.0.turn.set(self.0.turn.get() + 1);
        self.0.turn.get()
    }
    /// Whether no other hand-over has begun since.
    fn is_turn(&self, turn: u64) -> bool {
        self.0.turn.get() == turn
    }

    async fn roster(&self) -> Result<Rc<Roster>, StoreError> {
        if let Some(roster) = self.0.roster.borrow().clone() {
            return Ok(roster);
        }
        let roster = Rc::new(Roster::open().await?);
        *self.0.roster.borrow_mut() = Some(roster.clone());
        Ok(roster)
    }

    /// Opens the notebook of whoever used this phone last; otherwise asks the office who has just logged in. Only then is it
    /// known whose letters go by themselves.
    pub async fn wake_up(&self) {
        self.seat_somebody().await;
        self.mind_the_post();
    }

    async fn seat_somebody(&self) {
        let (state, turn) = (self.state(), self.new_turn());
        state.opening.set(Opening::Busy);
        let roster = match self.roster().await {
            Ok(roster) => roster,
            Err(error) => return state.opening.set(Opening::Failed(error)),
        };
        // The browser writes its settings down late: after a pulled battery the roster knows what the setting does not.
        let last = roster.last().await.ok().flatten().or_else(|| browser::setting(PERSON));
        if let Some(last) = last {
            match roster.unlock(last).await {
                _ if !self.is_turn(turn) => return,
                Ok(Some((worker, vault))) => {
                    browser::set_setting(PERSON, worker.id);
                    return self.sit_down(turn, worker, vault).await;
                }
                Ok(None) => {}
                Err(error) => return state.opening.set(Opening::Failed(error)),
            }
        }
        let logged_in = Box::pin(self.find_log_in(&roster));
        let logged_in = match select(logged_in, TimeoutFuture::new(WHOAMI_MS)).await {
            Either::Left((found, _)) => found,
            Either::Right((_, still_asking)) => {
                if self.is_turn(turn) {
                    state.opening.set(Opening::Nobody);
                }
                self.mind_the_post();
                still_asking.await
            }
        };
        // Somebody may have logged in here while the office was slow to answer.
        if !self.is_turn(turn) {
            return;
        }
        match logged_in {
            Some(logged_in) => {
                // The plain form was filled in by whoever logged in last.
                let user_name = browser::told::<String>(USER_NAME);
                if let Err(error) = self.take_in(turn, logged_in, user_name.as_deref()).await {
                    state.opening.set(Opening::Failed(error));
                }
            }
            None => state.opening.set(Opening::Nobody),
        }
    }

    /// Who has logged in by the plain form. Log-outs the office has not been told of are told first.
    async fn find_log_in(&self, roster: &Roster) -> Option<LoggedIn> {
        let out = self.tell_log_outs(roster).await;
        let here = self.0.line.whoami().await.ok()?;
        here.into_iter().find(|worker| !out.contains(&worker.id))
    }

    /// Tells the office of log-outs that it has not heard of. Gives whose they are, told or not. A log-in ends the telling:
    /// it must not end the session that is just being made.
    async fn tell_log_outs(&self, roster: &Roster) -> Set<WorkerId> {
        let people = roster.people().await.unwrap_or_default();
        let out: Set<WorkerId> = people.iter().filter(|known| known.untold).map(|known| known.worker.id).collect();
        for worker in &out {
            if self.0.entering.get() > 0 {
                break;
            }
            let (stop, stopped) = oneshot::channel::<()>();
            *self.0.telling.borrow_mut() = Some(stop);
            match select(Box::pin(self.0.line.log_out(*worker)), stopped).await {
                // A session that has ended needs no end.
                Either::Left((Ok(()) | Err(ApiError::SignedOut), _)) => drop(roster.told(*worker).await),
                Either::Left(_) | Either::Right(_) => break,
            }
        }
        out
    }

    /// Gives the phone to somebody whom the office knows.
    async fn take(&self, logged_in: LoggedIn, user_name: Option<&str>) -> Result<(), StoreError> {
        self.take_in(self.new_turn(), logged_in, user_name).await
    }

    async fn take_in(&self, turn: u64, logged_in: LoggedIn, user_name: Option<&str>) -> Result<(), StoreError> {
        let (worker, office) = logged_in.split();
        let vault = self.roster().await?.keep_as(&worker, user_name, browser::now()).await?;
        if !self.is_turn(turn) {
            return Ok(());
        }
        browser::set_setting(PERSON, worker.id);
        if let Some(seat) = self.seat_now() {
            if seat.worker == worker.id {
                self.state().worker.set(Some(worker));
                self.wake_because(Wake::Now);
                return Ok(());
            }
            if !self.clear_table(turn).await {
                return Ok(());
            }
        }
        self.sit_down_with(turn, worker, vault, office).await;
        Ok(())
    }

    /// Before another person takes the phone: what this one was typing is written into their notebook, and every page that
    /// they opened goes. Says no, with nothing touched, when another hand-over has begun meanwhile.
    async fn clear_table(&self, turn: u64) -> bool {
        self.write_drafts_down().await;
        if !self.is_turn(turn) {
            return false;
        }
        self.stand_up();
        self.state().sitting.update(|sitting| *sitting += 1);
        true
    }

    /// Lets every open form write itself down, and waits until that is on the disk.
    async fn write_drafts_down(&self) {
        const STEP_MS: u32 = 20;
        const STEPS: u32 = 150;
        crate::field::keep_now();
        // A disk that does not answer must not hold the phone.
        for _ in 0..STEPS {
            if self.0.putting.get() == 0 {
                return;
            }
            TimeoutFuture::new(STEP_MS).await;
        }
    }

    /// Another tab has opened, or is about to open, a newer app.
    async fn give_way(&self) {
        self.write_drafts_down().await;
        self.state().superseded.set(true);
    }

    /// Starts the rounds of letters, once.
    fn mind_the_post(&self) {
        if self.0.post.borrow().is_some() {
            return;
        }
        let phone = Rc::downgrade(&self.0);
        let rounds = Rounds::start(async move || match phone.upgrade() {
            Some(inner) => Phone(inner).run_post().await,
            None => Outcome::Done,
        });
        *self.0.post.borrow_mut() = Some(rounds);
    }

    /// Whether somebody's letters go by themselves: not those of whoever is seated here with a session, whose changes are
    /// pushed, so that they are told what is wrong with one.
    fn is_unattended(&self, worker: WorkerId) -> bool {
        self.state().sync.get_untracked() == SyncState::SignedOut || self.seat_of(worker).is_none()
    }

    /// Of this person, if they hold the phone.
    fn seat_of(&self, worker: WorkerId) -> Option<Rc<Seat>> {
        self.seat_now().filter(|seat| seat.worker == worker)
    }

    /// Everybody who is known here.
    async fn people(&self) -> Result<Vec<WorkerId>, StoreError> {
        Ok(self.roster().await?.people().await?.iter().map(|known| known.worker.id).collect())
    }

    /// Those of somebody's changes that their letters bring. Whoever is here pushes what this phone can read.
    async fn for_letters(&self, worker: WorkerId) -> Result<Vec<String>, StoreError> {
        let mut queued = notebook::queued(&IndexedDbNotebook::name_of(worker)).await?;
        if let Some(seat) = self.seat_of(worker).filter(|_| !self.is_unattended(worker)) {
            if seat.notebook.unreadable() == 0 {
                return Ok(vec![]);
            }
            let outbox = seat.notebook.outbox().await?;
            let readable: Set<String> = outbox.iter().map(|item| item.change.id.to_string()).collect();
            queued.retain(|id| !readable.contains(id));
        }
        Ok(queued)
    }

    /// One round of letters, if no other tab is at it.
    async fn run_post(&self) -> Outcome {
        let Some(_lock) = Lock::try_take("caunoi-post").await else { return Outcome::Busy };
        if let Ok(roster) = self.roster().await {
            self.tell_log_outs(&roster).await;
        }
        let people = match self.people().await {
            Ok(people) => people,
            Err(error) => return Outcome::Failed(error.into()),
        };
        let mut failed = None;
        for worker in &people {
            // A notebook that cannot be opened, or is full, delays nobody else's letters.
            let Ok(queued) = self.for_letters(*worker).await else { continue };
            if queued.is_empty() {
                continue;
            }
            let name = IndexedDbNotebook::name_of(*worker);
            failed = post::bring(Bag::Own(&name), self.0.line, Some(&queued)).await.err().or(failed);
            if is_line(&failed) {
                break;
            }
        }
        if !is_line(&failed) {
            failed = post::bring(Bag::Courier, self.0.line, None).await.err().or(failed);
        }
        // Every text before any photo.
        if !is_line(&failed) {
            for worker in people.into_iter().filter(|worker| self.is_unattended(*worker)) {
                let Some(_lock) = Lock::try_take(&photos_lock(worker)).await else { continue };
                let ready = |_: &photos::Kept| self.is_unattended(worker);
                // They may sit down meanwhile.
                let told = || {
                    if let Some(seat) = self.seat_of(worker) {
                        self.hear(&seat, News::Photos, true);
                    }
                };
                let name = IndexedDbNotebook::name_of(worker);
                photos::send(&name, &self.0.line, &ready, &|| false, &told).await.ok();
            }
            photos::send(post::COURIER, &self.0.line, &|_| true, &|| false, &|| ()).await.ok();
        }
        self.show_post().await;
        match failed {
            None => Outcome::Done,
            Some(error) => Outcome::Failed(error),
        }
    }

    /// Counts the letters of whoever is not seated here, and those of others.
    async fn show_post(&self) {
        let mut own = Standing::default();
        let people = self.people().await.unwrap_or_default();
        for worker in people.into_iter().filter(|worker| self.is_unattended(*worker)) {
            let name = IndexedDbNotebook::name_of(worker);
            own = own.and(notebook::standing(&name).await.unwrap_or_default());
        }
        let carried = post::carried().await.unwrap_or_default();
        let (state, now) = (self.state(), PostState { own, carried });
        if state.post.get_untracked() != now {
            state.post.set(now);
        }
    }

    /// Opens somebody's notebook and starts their rounds.
    async fn sit_down(&self, turn: u64, worker: Worker, vault: Vault) {
        self.sit_down_with(turn, worker, vault, None).await;
    }

    /// As [`Self::sit_down`], with what the office has just said of its keys.
    async fn sit_down_with(&self, turn: u64, worker: Worker, vault: Vault, office: Option<OfficeKey>) {
        let state = self.state();
        self.stand_up();
        let id = worker.id;
        state.worker.set(Some(worker));
        state.opening.set(Opening::Known);
        let seat = match Self::take_out(id, vault).await {
            Ok(seat) => seat,
            Err(_) if !self.is_turn(turn) => return,
            Err(error) => return state.opening.set(Opening::Failed(error)),
        };
        if let Some(office) = &office {
            // The briefing says it again.
            seat.notebook.put_office(office).await.ok();
        }
        if !self.is_turn(turn) {
            return;
        }
        self.settle(&seat).await;
    }

    /// Opens somebody's notebook; nobody sits at it yet.
    async fn take_out(worker: WorkerId, vault: Vault) -> Result<Rc<Seat>, StoreError> {
        let notebook = Rc::new(IndexedDbNotebook::open(&IndexedDbNotebook::name_of(worker), vault).await?);
        note_eviction(worker, notebook.is_new());
        Ok(Rc::new(Seat {
            worker,
            notebook,
            channel: BroadcastChannel::new(&format!("caunoi-{worker}")).ok(),
            heard: RefCell::default(),
            rounds: RefCell::default(),
            redraw: Redraw::default(),
            sending: Cell::default(),
            nap: RefCell::default(),
        }))
    }

    /// Makes a notebook the one in use, shows what stands in it, and begins its rounds.
    async fn settle(&self, seat: &Rc<Seat>) {
        let state = self.state();
        state.evicted.set(is_news_of_eviction());
        *self.0.seat.borrow_mut() = Some(seat.clone());
        let phone = Rc::downgrade(&self.0);
        idb::before_close(move || {
            let phone = phone.clone();
            async move {
                if let Some(inner) = phone.upgrade() {
                    Phone(inner).give_way().await;
                }
            }
            .boxed_local()
        });
        self.attach(seat);
        let contact = seat.notebook.last_contact().await.ok().flatten();
        if !self.is_seated(seat) {
            return;
        }
        state.contact.set(contact);
        self.show_briefing(seat).await;
        self.show_drafts(seat).await;
        self.show_photos(seat).await;
        seat.redraw.all.set(true);
        self.redraw(seat).await;
        if !self.is_seated(seat) {
            return;
        }
        state.opening.set(match seat.redraw.failed.take() {
            Some(error) => Opening::Failed(error),
            None => Opening::Ready,
        });
        let (phone, sitting) = (Rc::downgrade(&self.0), Rc::downgrade(seat));
        let rounds = Rounds::start(async move || match (phone.upgrade(), sitting.upgrade()) {
            (Some(inner), Some(seat)) => Phone(inner).run(&seat).await,
            _ => Outcome::Done,
        });
        *seat.rounds.borrow_mut() = Some(rounds);
        spawn_local(ring::renew(self.0.line, seat.worker));
    }

    /// Connects a notebook with the screens of this tab and with other tabs.
    fn attach(&self, seat: &Rc<Seat>) {
        let (phone, sitting) = (Rc::downgrade(&self.0), Rc::downgrade(seat));
        seat.notebook.watch(move |news| {
            if let (Some(inner), Some(seat)) = (phone.upgrade(), sitting.upgrade()) {
                Phone(inner).hear(&seat, news, true);
            }
        });
        let Some(channel) = &seat.channel else { return };
        let (phone, sitting) = (Rc::downgrade(&self.0), Rc::downgrade(seat));
        let heard = Listener::new(channel, "message", move |event| {
            let Some(said) = event.dyn_ref::<MessageEvent>().and_then(|e| e.data().as_string()) else { return };
            if let (Some(inner), Some(seat)) = (phone.upgrade(), sitting.upgrade()) {
                Phone(inner).overhear(&seat, &said);
            }
        });
        *seat.heard.borrow_mut() = Some(heard);
    }

    /// Draws what was committed here and tells other tabs.
    fn hear(&self, seat: &Rc<Seat>, news: News, tell: bool) {
        let said = match &news {
            News::Outbox(subjects) => {
                subjects.iter().fold("outbox".to_owned(), |said, subject| said + " " + &subject.to_string())
            }
            News::Rows(_) => "rows".to_owned(),
            News::Briefing => "briefing".to_owned(),
            News::Photos => "photos".to_owned(),
            News::Reloaded | News::Damaged => String::new(),
        };
        if tell
            && !said.is_empty()
            && let Some(channel) = &seat.channel
        {
            channel.post_message(&said.into()).ok();
        }
        match news {
            News::Outbox(subjects) => {
                seat.redraw.subjects.borrow_mut().extend(subjects);
                // What somebody did is seen at once, whatever streams in meanwhile.
                seat.redraw.urgent.set(true);
                seat.redraw.nap.borrow_mut().take();
            }
            News::Rows(subjects) => seat.redraw.subjects.borrow_mut().extend(subjects),
            News::Reloaded => seat.redraw.all.set(true),
            News::Damaged => return self.wake_because(Wake::Now),
            News::Photos => {
                let (phone, seat) = (self.clone(), seat.clone());
                return spawn_local(async move { phone.show_photos(&seat).await });
            }
            News::Briefing => {
                let (phone, seat) = (self.clone(), seat.clone());
                return spawn_local(async move { phone.show_briefing(&seat).await });
            }
        }
        let (phone, seat) = (self.clone(), seat.clone());
        spawn_local(async move { phone.redraw(&seat).await });
    }

    /// What another tab of the same person said.
    fn overhear(&self, seat: &Rc<Seat>, said: &str) {
        let mut words = said.split(' ');
        match words.next() {
            Some("outbox") => {
                let subjects = words.filter_map(|word| word.parse().ok()).collect();
                self.hear(seat, News::Outbox(subjects), false);
            }
            Some("rows") => {
                let seat = seat.clone();
                spawn_local(async move {
                    // Pages stream in there; one look shows several.
                    TimeoutFuture::new(REDRAW_MS).await;
                    seat.notebook.look().await.ok();
                });
            }
            Some("briefing") => {
                seat.notebook.forget_briefing();
                self.hear(seat, News::Briefing, false);
            }
            Some("photos") => self.hear(seat, News::Photos, false),
            Some("drafts") => {
                let (phone, seat) = (self.clone(), seat.clone());
                spawn_local(async move { phone.show_drafts(&seat).await });
            }
            Some("contact") => {
                let (phone, seat) = (self.clone(), seat.clone());
                spawn_local(async move { phone.show_contact(&seat).await });
            }
            Some("gone") => {
                let (phone, seat, turn) = (self.clone(), seat.clone(), self.0.turn.get());
                spawn_local(async move {
                    phone.write_drafts_down().await;
                    // Whoever has taken the phone meanwhile has not left it.
                    if phone.is_seated(&seat) && phone.clear_table(turn).await {
                        phone.state().opening.set(Opening::Nobody);
                    }
                });
            }
            _ => {}
        }
    }

    fn is_seated(&self, seat: &Rc<Seat>) -> bool {
        self.0.seat.borrow().as_ref().is_some_and(|now| Rc::ptr_eq(now, seat))
    }

    /// Closes whatever notebook is open and empties memory.
    fn stand_up(&self) {
        if let Some(seat) = self.0.seat.borrow_mut().take() {
            seat.put_away();
        }
        self.state().forget();
    }

    async fn show_briefing(&self, seat: &Rc<Seat>) {
        let Ok(Some(briefing)) = seat.notebook.briefing().await else { return };
        if !self.is_seated(seat) {
            return;
        }
        let state = self.state();
        if state.worker.with_untracked(|worker| worker.as_ref() != Some(&briefing.worker)) {
            let worker = briefing.worker.clone();
            state.worker.set(Some(worker.clone()));
            state.briefing.set(Some(Arc::new(briefing)));
            if let Ok(roster) = self.roster().await {
                roster.rename(&worker).await.ok();
            }
            return;
        }
        state.briefing.set(Some(Arc::new(briefing)));
    }

    /// The last contact, which another tab may have had.
    async fn show_contact(&self, seat: &Rc<Seat>) {
        if let Ok(Some(at)) = seat.notebook.last_contact().await
            && self.is_seated(seat)
        {
            self.state().contact.set(Some(at));
            if self.state().sync.get_untracked() != SyncState::Running {
                self.state().sync.set(SyncState::Idle);
            }
        }
    }

    async fn show_drafts(&self, seat: &Rc<Seat>) {
        if let Ok(drafts) = seat.notebook.drafts().await
            && self.is_seated(seat)
        {
            seat.notebook.tidy_photos(&drafts, browser::now()).await.ok();
            if self.is_seated(seat) {
                self.state().drafts.set(drafts);
            }
        }
    }

    async fn show_photos(&self, seat: &Rc<Seat>) {
        let Ok(kept) = seat.notebook.photos().await else { return };
        if !self.is_seated(seat) {
            return;
        }
        let sending = |kept: &photos::Kept| {
            if kept.is_queued() && kept.lost {
                Some(PhotoSending::Unreadable)
            } else if kept.is_queued() {
                let percent = u64::from(kept.has) * 100 / u64::from(kept.bytes.max(1));
                Some(PhotoSending::Queued { percent: percent.min(99) as u8 })
            } else {
                kept.is_sent().then_some(PhotoSending::Received)
            }
        };
        let now = kept.iter().filter_map(|kept| Some((kept.id, (kept.change, sending(kept)?)))).collect();
        let shown = self.state().photos;
        if shown.with_untracked(|before| *before != now) {
            shown.set(now);
        }
    }

    /// Sends photos beside the rounds, never before them: what is written meanwhile goes first, and neither waits for the
    /// other. A line that breaks is tried again after a while, and with each round.
    fn send_photos(&self, seat: &Rc<Seat>) {
        if seat.sending.replace(true) {
            // The office has just answered: no need to wait any longer.
            seat.nap.borrow_mut().take();
            return;
        }
        let (phone, seat) = (self.clone(), Rc::downgrade(seat));
        spawn_local(async move {
            for failures in 0..PHOTO_TRIES {
                let Some(seat) = seat.upgrade().filter(|seat| phone.is_seated(seat)) else { return };
                if phone.send_photos_once(&seat).await == Some(0) {
                    break;
                }
                let (wake, woken) = oneshot::channel::<()>();
                *seat.nap.borrow_mut() = Some(wake);
                drop(seat);
                let wait_ms = sync::backoff_ms(failures, browser::chance());
                match select(TimeoutFuture::new(wait_ms), woken).await {
                    Either::Left(_) | Either::Right(_) => {}
                }
            }
            // The next round begins anew.
            if let Some(seat) = seat.upgrade() {
                seat.sending.set(false);
            }
        });
    }

    /// How many photos are left to be tried again soon; `None` when another tab is at it.
    async fn send_photos_once(&self, seat: &Rc<Seat>) -> Option<usize> {
        let _lock = Lock::try_take(&photos_lock(seat.worker)).await?;
        let name = IndexedDbNotebook::name_of(seat.worker);
        // What is queued or held, the office has never heard of; the run that sends it comes here again.
        let outbox = seat.notebook.outbox().await.unwrap_or_default();
        let unheard = outbox.iter().filter(|item| !matches!(item.state, OutboxState::Received { .. }));
        let unheard: Set<ChangeId> = unheard.map(|item| item.change.id).collect();
        let ready = |kept: &photos::Kept| kept.change.is_none_or(|change| !unheard.contains(&change));
        let busy = || seat.redraw.syncing.get();
        let told = || self.hear(seat, News::Photos, true);
        // What this phone itself cannot read is left for the next round.
        let run = photos::send(&name, &self.0.line, &ready, &busy, &told).await.unwrap_or_default();
        if run.wait > 0 {
            TimeoutFuture::new(run.wait.min(LONGEST_WAIT_S) * 1_000).await;
        }
        Some(run.left)
    }

    /// Draws everything that changed, one batch after the other, so that an older look never covers a newer one. Returns
    /// once what had changed before the call is drawn.
    async fn redraw(&self, seat: &Rc<Seat>) {
        let redraw = &seat.redraw;
        let (done, drawn) = oneshot::channel();
        redraw.waiting.borrow_mut().push(done);
        if redraw.busy.replace(true) {
            drawn.await.ok();
            return;
        }
        loop {
            redraw.urgent.set(false);
            let waiting = redraw.waiting.take();
            let (subjects, all) = (redraw.subjects.take(), redraw.all.take());
            if waiting.is_empty() && subjects.is_empty() && !all {
                break;
            }
            let began = browser::now();
            if let Err(error) = self.draw(seat, &subjects, all).await {
                // Nothing is taken from the screen because of it; what was to be drawn stays to be drawn.
                redraw.all.set(redraw.all.get() || all);
                redraw.subjects.borrow_mut().extend(subjects);
                redraw.failed.set(Some(error));
                redraw.waiting.take();
                break;
            }
            redraw.failed.set(None);
            let opening = self.state().opening;
            if self.is_seated(seat) && matches!(opening.get_untracked(), Opening::Failed(_)) {
                opening.set(Opening::Ready);
            }
            drop(waiting);
            if redraw.syncing.get() && !redraw.urgent.get() {
                let (wake, woken) = oneshot::channel::<()>();
                *redraw.nap.borrow_mut() = Some(wake);
                // On a slow phone drawing must not take the time in which somebody wants to tap.
                let took_ms = u32::try_from(browser::now().0 - began.0).unwrap_or(0);
                match select(TimeoutFuture::new(REDRAW_MS.max(took_ms.saturating_mul(8))), woken).await {
                    Either::Left(_) | Either::Right(_) => {}
                }
            }
        }
        redraw.busy.set(false);
    }

    async fn draw(&self, seat: &Rc<Seat>, subjects: &Set<Subject>, all: bool) -> Result<(), StoreError> {
        let outbox = seat.notebook.outbox().await?;
        let waiting: Set<Subject> = outbox.iter().map(|item| item.change.subject).collect();
        let mut over: Map<Subject, Drawn> = Map::new();
        for subject in if all { &waiting } else { subjects } {
            let drawn = if waiting.contains(subject) {
                // One that cannot be read takes nothing else with it.
                let Ok(parts) = overlaid(&seat.notebook, &outbox, *subject).await else { continue };
                (Card::of(*subject, &parts).map(Arc::new), parts.facility().cloned().map(Arc::new))
            } else {
                seat.notebook.row(*subject).map_or((None, None), |row| (row.card, row.facility))
            };
            over.insert(*subject, drawn);
        }
        if !self.is_seated(seat) {
            return Ok(());
        }
        let state = self.state();
        let base = all.then(|| seat.notebook.rows());
        state.cards.update(|cards| {
            match &base {
                Some(rows) => {
                    *cards = rows
                        .iter()
                        .filter(|(subject, _)| !over.contains_key(subject))
                        .filter_map(|(_, row)| row.card.clone())
                        .collect();
                }
                None => cards.retain(|card| !over.contains_key(&card.subject)),
            }
            cards.extend(over.values().filter_map(|(card, _)| card.clone()));
            domain::order::sort_by_key(cards, |card| Reverse((card.changed_at, card.subject)));
        });
        let is_facility = |subject: &Subject| matches!(subject, Subject::Facility(_));
        if all || over.keys().any(is_facility) {
            state.facilities.update(|facilities| {
                match &base {
                    Some(rows) => {
                        *facilities = rows
                            .iter()
                            .filter(|(subject, _)| !over.contains_key(subject))
                            .filter_map(|(_, row)| row.facility.as_deref().cloned())
                            .collect();
                    }
                    None => facilities.retain(|f| !over.contains_key(&Subject::Facility(f.id))),
                }
                facilities.extend(over.values().filter_map(|(_, facility)| facility.as_deref().cloned()));
                domain::order::sort_by(facilities, |a, b| a.facts.name.cmp(&b.facts.name));
            });
        }
        if state.outbox.with_untracked(|known| *known != outbox) {
            state.outbox.set(outbox);
        }
        let unreadable = seat.notebook.unreadable();
        if state.unreadable.get_untracked() != unreadable {
            state.unreadable.set(unreadable);
        }
        state.revision.update(|revision| *revision += 1);
        Ok(())
    }

    /// One sync run, if no other tab is at it.
    async fn run(&self, seat: &Rc<Seat>) -> Outcome {
        let Some(_lock) = Lock::try_take(&format!("caunoi-sync-{}", seat.worker)).await else { return Outcome::Busy };
        let state = self.state();
        state.sync.set(SyncState::Running);
        seat.redraw.syncing.set(true);
        let phone = sync::Phone { worker: seat.worker, device: seat.notebook.device() };
        let started = browser::now();
        let progress = |run: &sync::Run| self.note_progress(seat, run, started);
        let desk = Desk { line: self.0.line, notebook: &seat.notebook };
        let ended = sync::run(&*seat.notebook, &desk, phone, &browser::now, &progress).await;
        // What was saved before the office's key was known gets its letter now, and what is offered again another.
        seat.notebook.write_letters().await.ok();
        seat.redraw.syncing.set(false);
        seat.redraw.nap.borrow_mut().take();
        if !self.is_seated(seat) {
            return Outcome::Done;
        }
        // Photos need no session and no reading: whatever a log-in or an update stands against, they go.
        let is_reached = match &ended {
            Ok(_) => true,
            Err(sync::SyncError::Office(error)) => !error.is_retryable(),
            Err(sync::SyncError::Store(_)) => false,
        };
        if is_reached {
            self.send_photos(seat);
        }
        state.loading.set(None);
        match ended {
            Ok(_) => {
                let now = browser::now();
                seat.notebook.note_contact(now).await.ok();
                tell(seat, "contact");
                if self.is_seated(seat) {
                    state.contact.set(Some(now));
                    state.sync.set(SyncState::Idle);
                }
                Outcome::Done
            }
            Err(error) => {
                state.sync.set(match &error {
                    sync::SyncError::Office(ApiError::NoConnection) => SyncState::Offline,
                    sync::SyncError::Office(ApiError::SignedOut | ApiError::WrongPassword) => SyncState::SignedOut,
                    sync::SyncError::Office(ApiError::UpdateNeeded) => SyncState::UpdateNeeded,
                    sync::SyncError::Store(error) => SyncState::Phone(*error),
                    sync::SyncError::Office(_) => SyncState::Unavailable,
                });
                if state.sync.get_untracked() == SyncState::SignedOut
                    && let Some(post) = &*self.0.post.borrow()
                {
                    post.wake(Wake::Written);
                }
                Outcome::Failed(error)
            }
        }
    }

    /// Shows how much is here while more than a page is on the way. What an earlier run brought counts.
    fn note_progress(&self, seat: &Rc<Seat>, run: &sync::Run, started: Timestamp) {
        if !self.is_seated(seat) {
            return;
        }
        let here = seat.notebook.known();
        let taken = i64::try_from(run.subjects).unwrap_or(0);
        let ahead = i64::try_from(run.ahead).unwrap_or(0);
        let spent = browser::now().0 - started.0;
        let left_ms = (taken > 0).then(|| spent.max(0) / taken * ahead);
        let loading = Loading { here, of: here + run.ahead, left_ms };
        self.state().loading.set((run.ahead >= limits::PAGE_SUBJECTS).then_some(loading));
    }

    /// Saves changes, all or none; see [`Keeper::save`].
    async fn write(
        &self,
        log: LogId,
        subject: Subject,
        bodies: Vec<Body>,
        draft: Option<String>,
        mut replaces: Option<ChangeId>,
    ) -> Result<ChangeId, StoreError> {
        let seat = self.seat()?;
        // Whoever takes the phone waits until this is on the disk.
        let saving = Counted::new(&self.0, |inner| &inner.putting);
        let now = browser::now();
        let refused = matches!(bodies[..], [Body::ActivityRecorded(Activity::AnonymousContact { .. })]);
        let destroyed = if refused { replaces.take() } else { None };
        let destroyed = match destroyed {
            Some(held) => {
                let outbox = seat.notebook.outbox().await?;
                let first = outbox.iter().find(|item| item.change.id == held);
                let all = first.into_iter().chain(sync::rests_on(&outbox, held));
                // What the office has, somebody there will read.
                let here = all.filter(|item| !matches!(item.state, OutboxState::Received { .. }));
                here.map(|item| (item.change.id, item.change.subject)).collect()
            }
            None => Map::new(),
        };
        if let Some(held) = replaces {
            // What others build on keeps its name through every correction.
            let outbox = seat.notebook.outbox().await?;
            replaces = outbox.iter().find(|i| i.change.id == held).map(|i| i.change.origin()).or(replaces);
        }
        let mut changes = vec![];
        for body in bodies {
            let replaces = replaces.take();
            // A subject is named after the change that opened it; a corrected opening has a name of its own.
            let id = if body.opens() && replaces.is_none() { office::opening_of(subject) } else { new_id(now) };
            changes.push(Change {
                v: limits::PROTOCOL_VERSION,
                id,
                log: log.clone(),
                subject,
                author: seat.worker,
                device: seat.notebook.device(),
                n: 0,
                recorded_at: now,
                replaces,
                body,
            });
        }
        let first = changes.first().ok_or(StoreError::Failed)?;
        let (id, visit) = (first.id, matches!(first.body, Body::VisitRecorded(_)).then(|| first.origin()));
        for change in &mut changes {
            // A photo that is saved together with a visit was taken at it.
            if let Body::PhotoAdded(photo) = &mut change.body {
                photo.visit = visit;
            }
        }
        let saved = seat.notebook.save_and_destroy(&changes, draft.as_deref(), &destroyed).await;
        drop(saving);
        let seat = match saved {
            // The browser threw the notebook away under our hands: a new one takes what is written now.
            Err(StoreError::Closed) if self.is_seated(&seat) => {
                let seat = self.sit_down_anew().await?;
                if seat.notebook.is_new() {
                    // The bytes of its photos went with the old one; what was written about them must not go too.
                    changes.retain(|change| !matches!(change.body, Body::PhotoAdded(_)));
                    if changes.is_empty() {
                        return Err(StoreError::Damaged);
                    }
                }
                changes.iter_mut().for_each(|change| change.device = seat.notebook.device());
                seat.notebook.save_all(&changes, draft.as_deref()).await?;
                seat
            }
            saved => saved.map(|_| seat)?,
        };
        if let Some(draft) = draft {
            tell(&seat, "drafts");
            self.state().drafts.update(|drafts| drafts.retain(|d| d.name != draft));
        }
        if !destroyed.is_empty() {
            self.show_drafts(&seat).await;
        }
        self.redraw(&seat).await;
        self.wake_because(Wake::Written);
        browser::ask_for_sync(LETTERS);
        if !self.0.asked_to_keep.replace(true) {
            spawn_local(browser::ask_to_keep().map(|_| ()));
        }
        Ok(id)
    }

    async fn drop_held(&self, held: ChangeId, reason: String) -> Result<(), StoreError> {
        let seat = self.seat()?;
        let now = browser::now();
        let outbox = seat.notebook.outbox().await?;
        let first = outbox.iter().find(|item| item.change.id == held);
        let given_up = first.into_iter().chain(sync::rests_on(&outbox, held));
        let mut notes = vec![];
        for item in given_up {
            let why = match &item.state {
                OutboxState::Held { why, .. } => why.clone(),
                OutboxState::Queued => Refusal::Dropped,
                // The office has it; somebody there will read it.
                OutboxState::Received { .. } => continue,
            };
            let change = &item.change;
            let body = Body::Dropped(Dropped::of(change, why, reason.clone()));
            notes.push(Change {
                v: limits::PROTOCOL_VERSION,
                id: new_id(now),
                recorded_at: now,
                replaces: None,
                body,
                ..change.clone()
            });
        }
        seat.notebook.give_up(&notes).await?;
        self.redraw(&seat).await;
        self.wake_because(Wake::Written);
        Ok(())
    }

    async fn list_dropped(&self) -> Result<Vec<DroppedItem>, StoreError> {
        let mut dropped = self.seat()?.notebook.dropped().await?;
        domain::order::sort_by_key(&mut dropped, |item| Reverse((item.at, item.change.n)));
        Ok(dropped)
    }

    async fn take_up_dropped(&self, dropped: ChangeId) -> Result<(), StoreError> {
        let seat = self.seat()?;
        let all = seat.notebook.dropped().await?;
        let Some(at) = all.iter().find(|item| item.change.id == dropped).map(|item| item.at) else { return Ok(()) };
        let now = browser::now();
        let anew: Vec<Change> = all
            .into_iter()
            .filter(|item| item.at == at)
            .map(|item| Change {
                id: new_id(now),
                device: seat.notebook.device(),
                replaces: Some(item.change.origin()),
                ..item.change
            })
            .collect();
        seat.notebook.take_up(&anew).await?;
        self.redraw(&seat).await;
        self.wake_because(Wake::Written);
        Ok(())
    }

    /// Opens a notebook under the hands of whoever is writing: nothing that stands on the screen goes, and until there is
    /// a new one the old one stays.
    async fn sit_down_anew(&self) -> Result<Rc<Seat>, StoreError> {
        let old = self.seat()?;
        let worker = self.state().worker.get_untracked().ok_or(StoreError::Closed)?;
        self.0.roster.borrow_mut().take();
        let vault = self.roster().await?.keep_as(&worker, None, browser::now()).await?;
        browser::set_setting(PERSON, worker.id);
        let seat = Self::take_out(worker.id, vault).await?;
        if !self.is_seated(&old) {
            // Somebody else has taken the phone meanwhile.
            return Err(StoreError::Closed);
        }
        old.put_away();
        self.settle(&seat).await;
        Ok(seat)
    }

    async fn list_people(&self) -> Result<Vec<Person>, StoreError> {
        let mut people = vec![];
        for known in self.roster().await?.people().await? {
            let name = IndexedDbNotebook::name_of(known.worker.id);
            let unsent = notebook::standing(&name).await.ok().map(|standing| standing.waiting);
            let Known { worker, signed_out, user_name, .. } = known;
            people.push(Person { worker, unsent, signed_out, user_name });
        }
        Ok(people)
    }

    async fn change_seats(&self, worker: WorkerId) -> Result<(), StoreError> {
        let turn = self.new_turn();
        let roster = self.roster().await?;
        let unlocked = roster.unlock(worker).await?;
        if !self.is_turn(turn) || !self.clear_table(turn).await {
            return Ok(());
        }
        match unlocked {
            Some((worker, vault)) => {
                browser::set_setting(PERSON, worker.id);
                let kept = roster.keep(&worker, browser::now()).await;
                if !self.is_turn(turn) {
                    return Ok(());
                }
                if let Err(error) = kept {
                    // The table is empty by now: nothing of it is said to be there.
                    self.state().opening.set(Opening::Failed(error));
                    return Err(error);
                }
                self.sit_down(turn, worker, vault).await;
            }
            // Whoever logged out here opens their notebook by logging in.
            None => {
                browser::forget_setting(PERSON);
                self.state().opening.set(Opening::Nobody);
                roster.forget_last().await?;
            }
        }
        Ok(())
    }

    async fn leave(&self) -> Result<(), StoreError> {
        let (seat, turn) = (self.seat()?, self.new_turn());
        // The phone is closed at once; the office hears of it with the next round of letters.
        self.roster().await?.sign_out(seat.worker, true).await?;
        if let Some(channel) = &seat.channel {
            channel.post_message(&"gone".into()).ok();
        }
        if self.clear_table(turn).await {
            browser::forget_setting(PERSON);
            self.state().opening.set(Opening::Nobody);
        }
        spawn_local(ring::forget(seat.worker));
        if let Some(post) = &*self.0.post.borrow() {
            post.wake(Wake::Now);
        }
        Ok(())
    }

    /// Every letter of this phone that is not at the office yet, its writers' and those of others, as a file.
    async fn save_rescue(&self) -> Result<Paper, StoreError> {
        let mut letters = vec![];
        let mut names = vec![];
        let mut left_out = 0;
        for known in self.roster().await?.people().await? {
            let name = IndexedDbNotebook::name_of(known.worker.id);
            if let Some(seat) = self.seat_now().filter(|seat| seat.worker == known.worker.id) {
                // What gets no letter is counted below.
                seat.notebook.write_letters().await.ok();
            }
            // One that cannot be opened takes no other letters with it; nobody knows how many are in it.
            letters.extend(post::unsent(Bag::Own(&name)).await.unwrap_or_default());
            left_out += notebook::without_letter(&name).await.unwrap_or(1);
            names.push(name);
        }
        letters.extend(post::unsent(Bag::Courier).await?);
        names.push(post::COURIER.to_owned());
        let (blobs, photos_left_out) = post::unsent_photos(&names).await;
        let count = letters.len() + blobs.len();
        let file = RescueFile { v: RescueFile::V, letters, blobs };
        let text = json::write_text(&file).map_err(|_| StoreError::Failed)?;
        Ok(Paper { text, count, left_out: left_out + photos_left_out })
    }

    async fn take_rescue(&self, file: Vec<u8>) -> Result<usize, StoreError> {
        let taken = post::take_over(&file, browser::now()).await?;
        self.show_post().await;
        browser::ask_for_sync(LETTERS);
        if let Some(post) = &*self.0.post.borrow() {
            post.wake(Wake::Now);
        }
        Ok(taken)
    }

    async fn save_slips(&self) -> Result<Paper, StoreError> {
        let mut slips = self.seat()?.notebook.slips().await?;
        slips.extend(post::slips(Bag::Courier).await.unwrap_or_default());
        let count = slips.iter().map(|slip| slip.kept.len()).sum();
        let text = json::write_text(&SlipFile { v: SlipFile::V, slips }).map_err(|_| StoreError::Failed)?;
        Ok(Paper { text, count, left_out: 0 })
    }
}

/// The way to the office of whoever is seated: it keeps the office's word, and shows by which key letters are signed.
struct Desk<'a> {
    line: Line,
    notebook: &'a IndexedDbNotebook,
}

impl sync::Office for Desk<'_> {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError> {
        let (worker, device, sent) = (batch.worker, batch.device, batch.changes.clone());
        let (verdicts, stamp) = self.line.push_stamped(batch).await?;
        if let Some(stamp) = stamp {
            let kept = sent.iter().zip(&verdicts).filter(|(_, v)| !matches!(v, Verdict::Refused { .. }));
            let mut on_slip = vec![];
            for (raw, _) in kept {
                on_slip.push(kept_of(raw).await);
            }
            // One that cannot be made or kept loses nothing but itself.
            if let Some(kept) = on_slip.into_iter().collect() {
                self.notebook.put_slip(&stamp.on(worker, device, kept)).await.ok();
            }
        }
        Ok(verdicts)
    }
    async fn pull(&self, mut request: PullRequest) -> Result<PullAnswer, ApiError> {
        request.signer = Some(Bytes(self.notebook.signer().to_vec()));
        let answer = self.line.pull(request).await?;
        self.notebook.note_time(answer.now);
        Ok(answer)
    }
}

/// What the office's stamp stands for, of one change in the bytes in which it was sent.
async fn kept_of(raw: &json::Raw) -> Option<Kept> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: ChangeId,
    }
    let Named { id } = json::read(raw.get().as_bytes()).ok()?;
    let sum = vault::sha256(&Uint8Array::from(raw.get().as_bytes())).await.ok()?;
    Some(Kept { id, sum: Some(Bytes(sum.to_vec())), mark: None })
}

impl Keeper for Phone {
    fn save(
        &self,
        log: LogId,
        subject: Subject,
        bodies: Vec<Body>,
        draft: Option<String>,
        replaces: Option<ChangeId>,
    ) -> Answer<ChangeId, StoreError> {
        let phone = self.clone();
        async move { phone.write(log, subject, bodies, draft, replaces).await }.boxed_local()
    }
    fn parts(&self, subject: Subject) -> Answer<Parts, StoreError> {
        let phone = self.clone();
        async move {
            let seat = phone.seat()?;
            let outbox = seat.notebook.outbox().await?;
            let parts = overlaid(&seat.notebook, &outbox, subject).await;
            // Whoever asked may have left meanwhile.
            if phone.is_seated(&seat) { parts } else { Err(StoreError::Closed) }
        }
        .boxed_local()
    }
    fn put_draft(&self, draft: Draft) -> Answer<(), StoreError> {
        let phone = self.clone();
        let seat = self.seat();
        let putting = Counted::new(&self.0, |inner| &inner.putting);
        async move {
            let seat = seat?;
            let put = seat.notebook.put_standing_draft(&draft).await;
            drop(putting);
            if !put? || !phone.is_seated(&seat) {
                return Ok(());
            }
            tell(&seat, "drafts");
            phone.state().drafts.update(|drafts| {
                drafts.retain(|d| d.name != draft.name);
                drafts.push(draft);
            });
            Ok(())
        }
        .boxed_local()
    }
    fn drafts(&self) -> Answer<Vec<Draft>, StoreError> {
        let phone = self.clone();
        async move {
            let seat = phone.seat()?;
            let drafts = seat.notebook.drafts().await;
            if phone.is_seated(&seat) { drafts } else { Err(StoreError::Closed) }
        }
        .boxed_local()
    }
    fn delete_draft(&self, name: String) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move {
            let seat = phone.seat()?;
            seat.notebook.delete_draft(&name).await?;
            tell(&seat, "drafts");
            phone.state().drafts.update(|drafts| drafts.retain(|d| d.name != name));
            Ok(())
        }
        .boxed_local()
    }
    fn send_again(&self, held: ChangeId) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move {
            phone.seat()?.notebook.release(held, None).await?;
            phone.wake_because(Wake::Now);
            Ok(())
        }
        .boxed_local()
    }
    fn give_up(&self, held: ChangeId, reason: String) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move { phone.drop_held(held, reason).await }.boxed_local()
    }
    fn dropped(&self) -> Answer<Vec<DroppedItem>, StoreError> {
        let phone = self.clone();
        async move { phone.list_dropped().await }.boxed_local()
    }
    fn take_up(&self, dropped: ChangeId) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move { phone.take_up_dropped(dropped).await }.boxed_local()
    }
    fn keep_drafts(&self) -> LocalBoxFuture<'static, ()> {
        let phone = self.clone();
        async move { phone.write_drafts_down().await }.boxed_local()
    }
    fn wake(&self) {
        self.wake_because(Wake::Now);
    }
    fn people(&self) -> Answer<Vec<Person>, StoreError> {
        let phone = self.clone();
        async move { phone.list_people().await }.boxed_local()
    }
    fn log_in(&self, name: String, password: String) -> Answer<(), ApiError> {
        let phone = self.clone();
        async move {
            let (turn, entering) = (phone.0.turn.get(), Counted::new(&phone.0, |inner| &inner.entering));
            phone.0.telling.borrow_mut().take();
            let logged_in = phone.0.line.log_in(name.clone(), password).await?;
            // Somebody else was chosen while the office was slow to answer: they hold the phone.
            if phone.is_turn(turn)
                && let Err(error) = phone.take(logged_in, Some(&name)).await
            {
                phone.state().opening.set(Opening::Failed(error));
            }
            drop(entering);
            Ok(())
        }
        .boxed_local()
    }
    fn switch_to(&self, worker: WorkerId) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move { phone.change_seats(worker).await }.boxed_local()
    }
    fn log_out(&self) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move { phone.leave().await }.boxed_local()
    }
    fn ringing(&self) -> LocalBoxFuture<'static, Ringing> {
        // Whoever is shown, though their notebook may still be on its way out of the store.
        let worker = self.state().worker.with_untracked(|worker| worker.as_ref().map(|worker| worker.id));
        async move {
            match worker {
                Some(worker) => ring::ringing(worker).await,
                None => Ringing::Off,
            }
        }
        .boxed_local()
    }
    fn ring(&self, on: bool) -> Answer<Ringing, ApiError> {
        let (line, worker) = (self.0.line, self.seat_now().map(|seat| seat.worker));
        async move {
            let worker = worker.ok_or(ApiError::SignedOut)?;
            if on { ring::turn_on(line, worker).await } else { ring::turn_off(line, worker).await }
        }
        .boxed_local()
    }
    fn room(&self) -> Answer<Room, StoreError> {
        async {
            let browser::Estimate { kept, used_bytes, free_bytes } = browser::estimate().await;
            Ok(Room { kept, used_bytes, free_bytes, evicted: evicted().is_some() })
        }
        .boxed_local()
    }
    fn eviction_read(&self) {
        browser::set_setting(EVICTED_READ, browser::now());
    }
    fn save_rescue(&self) -> Answer<Paper, StoreError> {
        let phone = self.clone();
        async move { phone.save_rescue().await }.boxed_local()
    }
    fn take_rescue(&self, file: Vec<u8>) -> Answer<usize, StoreError> {
        let phone = self.clone();
        async move { phone.take_rescue(file).await }.boxed_local()
    }
    fn save_slips(&self) -> Answer<Paper, StoreError> {
        let phone = self.clone();
        async move { phone.save_slips().await }.boxed_local()
    }
    fn ask_to_keep(&self) -> Answer<bool, StoreError> {
        async { Ok(browser::ask_to_keep().await) }.boxed_local()
    }
    fn take_photo(&self, picture: ImageBitmap, taken: bool) -> Answer<Photo, PhotoTrouble> {
        // Whoever takes the phone next does not get it.
        let seat = self.seat();
        let putting = Counted::new(&self.0, |inner| &inner.putting);
        async move {
            let _putting = putting;
            let shrunk = match select(picture::shrink(&picture).boxed_local(), TimeoutFuture::new(SHRINK_MS)).await {
                Either::Left((shrunk, _)) => shrunk.map_err(trouble),
                Either::Right(_) => Err(PhotoTrouble::NotAPicture),
            };
            picture.close();
            let now = browser::now();
            let (photo, sealed) = photos::seal(&shrunk?, taken.then_some(now)).await.map_err(PhotoTrouble::Store)?;
            let seat = seat.map_err(PhotoTrouble::Store)?;
            seat.notebook.put_photo(&photo, &sealed, now).await.map_err(PhotoTrouble::Store)?;
            Ok(photo)
        }
        .boxed_local()
    }
    fn decode_picture(&self, source: JsValue) -> Answer<ImageBitmap, PhotoTrouble> {
        async move { picture::decode(&source).await.map_err(trouble) }.boxed_local()
    }
    fn has_photo(&self, photo: PhotoId) -> Answer<bool, StoreError> {
        let phone = self.clone();
        async move { phone.seat()?.notebook.has_photo(photo).await }.boxed_local()
    }
    fn drop_photo(&self, photo: PhotoId) -> Answer<(), StoreError> {
        let phone = self.clone();
        async move { phone.seat()?.notebook.drop_photo(photo).await }.boxed_local()
    }
    fn open_photo(&self, photo: Photo) -> Answer<Blob, PhotoTrouble> {
        let phone = self.clone();
        async move {
            let seat = phone.seat().map_err(PhotoTrouble::Store)?;
            let here = seat.notebook.photo_body(photo.photo).await.ok().flatten();
            let sealed = match here {
                Some(sealed) => sealed,
                None => match phone.0.line.photo(seat.worker, photo.photo).await {
                    Ok(Some(bytes)) => Uint8Array::from(&*bytes),
                    Ok(None) => return Err(PhotoTrouble::Awaited),
                    Err(ApiError::SignedOut) => return Err(PhotoTrouble::SignedOut),
                    Err(ApiError::Forbidden) => return Err(PhotoTrouble::NotGiven),
                    Err(_) => return Err(PhotoTrouble::NotHere),
                },
            };
            let bytes = photos::open(&photo, &sealed).await.map_err(|_| PhotoTrouble::Damaged)?;
            let whole = js_sys::Array::of1(&Uint8Array::from(&*bytes));
            let kind = BlobPropertyBag::new();
            kind.set_type(photo.mime.mime());
            Blob::new_with_u8_array_sequence_and_options(&whole, &kind).map_err(|_| PhotoTrouble::Damaged)
        }
        .boxed_local()
    }
    fn new_case_id(&self) -> CaseId {
        CaseId(new_id(browser::now()).0)
    }
    fn new_code(&self) -> CaseCode {
        loop {
            let code = CaseCode::from_random(browser::random());
            // The office settles clashes between phones; within one there need be none.
            if self.state().cards.with_untracked(|cards| cards.iter().all(|card| card.code != code)) {
                return code;
            }
        }
    }
    fn now(&self) -> Timestamp {
        browser::now()
    }
}

fn trouble(error: PictureError) -> PhotoTrouble {
    match error {
        PictureError::NotAPicture => PhotoTrouble::NotAPicture,
        PictureError::NoRoom => PhotoTrouble::Store(StoreError::Full),
    }
}

/// Whether it was the line or the office that failed, and not this phone or something that is wrong with one letter.
fn is_line(failed: &Option<sync::SyncError>) -> bool {
    use sync::SyncError::{Office, Store};
    !matches!(failed, None | Some(Store(_) | Office(ApiError::BadRequest | ApiError::TooLarge)))
}

/// Whoever holds it sends the photos of this person's notebook, and nobody else on this phone does.
fn photos_lock(worker: WorkerId) -> String {
    format!("caunoi-photos-{worker}")
}

/// Something under way, counted until it is dropped: a draft or a photo on its way to the disk, a log-in.
struct Counted(Weak<Inner>, fn(&Inner) -> &Cell<usize>);
impl Counted {
    fn new(inner: &Rc<Inner>, which: fn(&Inner) -> &Cell<usize>) -> Self {
        which(inner).set(which(inner).get() + 1);
        Self(Rc::downgrade(inner), which)
    }
}
impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            let count = self.1(&inner);
            count.set(count.get() - 1);
        }
    }
}

impl Seat {
    fn put_away(&self) {
        self.rounds.borrow_mut().take();
        self.heard.borrow_mut().take();
        self.notebook.close();
    }
}

/// Tells the other tabs of the same person.
fn tell(seat: &Seat, said: &str) {
    if let Some(channel) = &seat.channel {
        channel.post_message(&said.into()).ok();
    }
}

fn new_id(now: Timestamp) -> ChangeId {
    ChangeId::at(now.0.unsigned_abs(), browser::random())
}

async fn overlaid(notebook: &IndexedDbNotebook, outbox: &[OutboxItem], subject: Subject) -> Result<Parts, StoreError> {
    let stored = notebook.find(subject).await?.unwrap_or_default();
    Ok(sync::overlay(stored.parts, outbox, subject))
}

/// When the browser was found to have thrown a notebook away, while that is still said.
fn evicted() -> Option<Timestamp> {
    browser::setting(EVICTED).filter(|at: &Timestamp| browser::now().0 - at.0 < EVICTED_MS)
}

/// Whether nobody has read yet that it did.
fn is_news_of_eviction() -> bool {
    let read: Option<Timestamp> = browser::setting(EVICTED_READ);
    evicted().is_some_and(|at| read.is_none_or(|read| read < at))
}

/// Remembers that a notebook was made here; if it had been made before and is empty now, that it was thrown away.
fn note_eviction(worker: WorkerId, is_new: bool) {
    let mut made: Vec<WorkerId> = browser::setting(MADE).unwrap_or_default();
    if made.contains(&worker) {
        if is_new {
            browser::set_setting(EVICTED, browser::now());
        }
    } else {
        made.push(worker);
        browser::set_setting(MADE, &made);
    }
}
