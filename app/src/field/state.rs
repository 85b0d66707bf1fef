//! What every page reads, and the few verbs by which pages write. It knows no storage and no network.

use std::{rc::Rc, sync::Arc};

use domain::{
    ApiError, Body, Briefing, Card, CaseCode, CaseId, ChangeId, Colleague, DroppedItem, Facility, Kin, LogId,
    OutboxItem, OutboxState, Parts, Photo, PhotoId, PlaceId, Places, Role, Rules, StoreError, Subject, Timestamp,
    Worker, WorkerId, kin, map::Map, notebook::Draft,
};
use futures::future::LocalBoxFuture;
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsValue;
use web_sys::{Blob, ImageBitmap};

/// How sending stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncState {
    #[default]
    Idle,
    Running,
    Offline,
    /// The session of this person has ended; recording goes on.
    SignedOut,
    /// The office speaks a newer language; sending goes on, receiving does not.
    UpdateNeeded,
    /// The office answered with trouble of its own.
    Unavailable,
    /// The phone itself could not take in or give out: no room, or what it keeps cannot be read.
    Phone(StoreError),
}

/// Whether the phone promised to keep the data, and how much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    pub kept: bool,
    pub used_bytes: u64,
    pub free_bytes: u64,
    /// The phone had thrown the data of this app away.
    pub evicted: bool,
}

/// Whether this phone is called when an emergency waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ringing {
    /// The browser cannot be called.
    Unsupported,
    /// It was told to show no notices.
    Denied,
    Off,
    On,
}

/// Somebody who is known on this phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub worker: Worker,
    /// `None` when it cannot be counted: never said to be nothing.
    pub unsent: Option<usize>,
    /// Must log in before their notebook opens again.
    pub signed_out: bool,
    /// What they log in as, if they did so on this phone.
    pub user_name: Option<String>,
}

/// How far the office's content has come to this phone while more of it is on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loading {
    /// Cases and other subjects that are here.
    pub here: usize,
    /// About as many as there will be.
    pub of: usize,
    /// About how long the rest takes.
    pub left_ms: Option<i64>,
}

/// Why a photo could not be taken in, or not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoTrouble {
    /// The file is no picture that this phone can open.
    NotAPicture,
    /// This phone could not keep it.
    Store(StoreError),
    /// It is not on this phone, and the office cannot be reached.
    NotHere,
    /// It is not on this phone, and whoever took it has not sent all of it yet.
    Awaited,
    /// It is not on this phone, and the office wants a log-in first.
    SignedOut,
    /// The office does not give it to this person, or no longer has it.
    NotGiven,
    /// What was found is not what was taken.
    Damaged,
}

/// How far a photo of this phone has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoSending {
    /// On its way, with the percentage that the office has.
    Queued {
        percent: u8,
    },
    /// This phone could not read its bytes when it was to be sent; it is tried again.
    Unreadable,
    Received,
}

/// How the letters of somebody, or of many, stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Still only on this phone.
    pub waiting: usize,
    /// At the office, though their notebook has not been told.
    pub arrived: usize,
    /// Of those waiting: letters that were brought to the office, which did not take them.
    pub turned_away: usize,
}

impl Standing {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            arrived: self.arrived + other.arrived,
            turned_away: self.turned_away + other.turned_away,
        }
    }
}

/// Letters that need nobody who is seated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostState {
    /// Of people of this phone who are signed out, or of whoever's session has ended.
    pub own: Standing,
    /// Carried for others.
    pub carried: Standing,
}

/// A file to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    pub text: String,
    /// Of the things in it.
    pub count: usize,
    /// Of those that wait and are not in it: there was no room, or this phone could not read or seal them.
    pub left_out: usize,
}

type Answer<T, E> = LocalBoxFuture<'static, Result<T, E>>;

/// Who keeps what is written on this phone, sends it, and opens it again.
pub trait Keeper {
    /// Saves changes about one subject durably, all or none, in their order, and ends the draft they came from. Gives the
    /// id of the first; `replaces` names a held change that the first corrects. A contact without a name in the place of a
    /// held opening destroys it, with everything about its case that only this phone has: whoever refused is not recorded.
    fn save(
        &self,
        log: LogId,
        subject: Subject,
        bodies: Vec<Body>,
        draft: Option<String>,
        replaces: Option<ChangeId>,
    ) -> Answer<ChangeId, StoreError>;
    /// The subject as the phone shows it: the office's parts with what waits on top.
    fn parts(&self, subject: Subject) -> Answer<Parts, StoreError>;
    fn put_draft(&self, draft: Draft) -> Answer<(), StoreError>;
    fn drafts(&self) -> Answer<Vec<Draft>, StoreError>;
    fn delete_draft(&self, name: String) -> Answer<(), StoreError>;
    /// Puts a held change back into the queue as it is.
    fn send_again(&self, held: ChangeId) -> Answer<(), StoreError>;
    /// Gives up a held change for a reason, with everything that waits and cannot come to be without it. It stays on this
    /// phone among what was dropped, and the office is told.
    fn give_up(&self, held: ChangeId, reason: String) -> Answer<(), StoreError>;
    /// What was given up on this phone, the latest first.
    fn dropped(&self) -> Answer<Vec<DroppedItem>, StoreError>;
    /// Takes up again what was given up, with what was given up together with it.
    fn take_up(&self, dropped: ChangeId) -> Answer<(), StoreError>;
    /// Lets every open form write itself down, and returns once that is on the disk.
    fn keep_drafts(&self) -> LocalBoxFuture<'static, ()>;
    /// Wakes the sync loop.
    fn wake(&self);
    fn people(&self) -> Answer<Vec<Person>, StoreError>;
    fn log_in(&self, name: String, password: String) -> Answer<(), ApiError>;
    fn switch_to(&self, worker: WorkerId) -> Answer<(), StoreError>;
    /// Closes this person's notebook and ends the session. Unsent work stays on the phone.
    fn log_out(&self) -> Answer<(), StoreError>;
    /// Whether this person is called on this phone when an emergency waits.
    fn ringing(&self) -> LocalBoxFuture<'static, Ringing>;
    /// Turns that on or off. An error leaves it as it was.
    fn ring(&self, on: bool) -> Answer<Ringing, ApiError>;
    /// All letters of this phone that are not at the office yet, as one sealed file.
    fn save_rescue(&self) -> Answer<Paper, StoreError>;
    /// Takes the letters of a rescue file along; gives how many. [`StoreError::Damaged`] for what is none.
    fn take_rescue(&self, file: Vec<u8>) -> Answer<usize, StoreError>;
    /// The office's signed word for what it has, as a file.
    fn save_slips(&self) -> Answer<Paper, StoreError>;
    fn room(&self) -> Answer<Room, StoreError>;
    /// What was said of data thrown away by the phone was read.
    fn eviction_read(&self);
    fn ask_to_keep(&self) -> Answer<bool, StoreError>;
    /// Makes a picture small, seals it, and keeps it durably for a draft; `taken` says that it was taken just now.
    fn take_photo(&self, picture: ImageBitmap, taken: bool) -> Answer<Photo, PhotoTrouble>;
    /// A picture out of a file, or what a camera shows now.
    fn decode_picture(&self, source: JsValue) -> Answer<ImageBitmap, PhotoTrouble>;
    /// Whether the picture itself lies on this phone.
    fn has_photo(&self, photo: PhotoId) -> Answer<bool, StoreError>;
    /// Drops a photo that was taken for a draft.
    fn drop_photo(&self, photo: PhotoId) -> Answer<(), StoreError>;
    /// The picture itself: from this phone, or from the office. It is kept nowhere.
    fn open_photo(&self, photo: Photo) -> Answer<Blob, PhotoTrouble>;
    fn new_case_id(&self) -> CaseId;
    fn new_code(&self) -> CaseCode;
    fn now(&self) -> Timestamp;
}

/// Who holds the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opening {
    /// The notebook is being opened.
    #[default]
    Busy,
    /// Nobody has logged in on this phone, or the last one logged out.
    Nobody,
    /// Somebody is known; their cases may still be on their way out of the store.
    Known,
    /// Their cases stand in memory.
    Ready,
    /// It could not be opened: what lies in it is there, and must not look as if there were nothing.
    Failed(StoreError),
}

/// What every page reads. One for the app, in the context; filled by whoever keeps the notebook.
#[derive(Clone, Copy)]
pub struct AppState {
    keeper: StoredValue<Option<Rc<dyn Keeper>>, LocalStorage>,
    pub opening: RwSignal<Opening>,
    pub worker: RwSignal<Option<Worker>>,
    pub briefing: RwSignal<Option<Arc<Briefing>>>,
    /// Newest first.
    pub cards: RwSignal<Vec<Arc<Card>>>,
    pub facilities: RwSignal<Vec<Facility>>,
    pub outbox: RwSignal<Vec<OutboxItem>>,
    /// Unsent rows that this phone can no longer read; nothing is "all sent" while there are any.
    pub unreadable: RwSignal<usize>,
    pub drafts: RwSignal<Vec<Draft>>,
    /// Photos that were taken on this phone and still lie here, with the change that announces each.
    pub photos: RwSignal<Map<PhotoId, (Option<ChangeId>, PhotoSending)>>,
    /// The last time the office answered.
    pub contact: RwSignal<Option<Timestamp>>,
    pub sync: RwSignal<SyncState>,
    pub post: RwSignal<PostState>,
    /// Moves every half minute, so that clocks run.
    pub now: RwSignal<Timestamp>,
    /// More than a page of the office's content is still on the way.
    pub loading: RwSignal<Option<Loading>>,
    /// Grows when another person takes the phone: nothing that one of them opened or typed stays on the screen.
    pub sitting: RwSignal<u32>,
    /// What whoever was chosen to log in logs in as.
    pub entering: RwSignal<Option<String>>,
    /// The browser threw this app's data away, and nobody has read of it yet.
    pub evicted: RwSignal<bool>,
    /// Another tab has opened a newer app; this one only keeps what was being typed.
    pub superseded: RwSignal<bool>,
    /// Photos of the form in sight that are not on the disk yet.
    pub shrinking: RwSignal<usize>,
    /// Grows whenever parts of any subject may have changed.
    pub revision: RwSignal<u64>,
    /// Cases of one person, as far as they are on this phone.
    pub kin: Memo<Map<CaseId, Kin>>,
    rules: Memo<Arc<Rules>>,
    /// The drafts whose forms are being saved.
    ending: StoredValue<Vec<String>>,
    open: RwSignal<Option<(Subject, Arc<Parts>)>>,
}

impl std::fmt::Debug for AppState {
    /// Nobody's name belongs in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppState(…)")
    }
}

/// A subject on its way out of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded {
    Opening,
    Missing,
    Here(Arc<Parts>),
    Failed(StoreError),
}

impl AppState {
    #[must_use]
    pub fn new() -> Self {
        let briefing = RwSignal::new(None::<Arc<Briefing>>);
        let worker = RwSignal::new(None::<Worker>);
        let rules = Memo::new_with_compare(
            move |_| {
                let mut rules = Rules::default();
                if let Some(briefing) = briefing.get() {
                    rules.places = Places::new(briefing.places.iter().cloned());
                    rules.officers = briefing.officers.clone();
                    rules.staff = briefing.colleagues.iter().map(|c| (c.id, c.grants.clone())).collect();
                }
                if let Some(worker) = worker.get() {
                    rules.staff.insert(worker.id, worker.grants);
                }
                Arc::new(rules)
            },
            |_, _| true,
        );
        let cards = RwSignal::new(vec![]);
        let kin = Memo::new(move |_| {
            cards.with(|cards: &Vec<Arc<Card>>| {
                let of_case = |card: &Arc<Card>| card.subject.case().filter(|_| !card.is_sheet);
                kin::families(cards.iter().filter_map(|card| Some((of_case(card)?, card.links.as_slice()))))
            })
        });
        Self {
            kin,
            keeper: StoredValue::new_local(None),
            opening: RwSignal::new(Opening::Busy),
            worker,
            briefing,
            cards,
            facilities: RwSignal::new(vec![]),
            outbox: RwSignal::new(vec![]),
            unreadable: RwSignal::new(0),
            drafts: RwSignal::new(vec![]),
            photos: RwSignal::new(Map::new()),
            contact: RwSignal::new(None),
            sync: RwSignal::new(SyncState::Idle),
            post: RwSignal::default(),
            now: RwSignal::new(Timestamp::default()),
            loading: RwSignal::new(None),
            sitting: RwSignal::new(0),
            entering: RwSignal::new(None),
            evicted: RwSignal::new(false),
            superseded: RwSignal::new(false),
            shrinking: RwSignal::new(0),
            revision: RwSignal::new(0),
            rules,
            ending: StoredValue::new(vec![]),
            open: RwSignal::new(None),
        }
    }

    /// Holds what is typed under this name back while it is being saved.
    pub fn begin_ending(self, draft: &str) {
        self.ending.update_value(|names| names.push(draft.to_owned()));
    }
    /// It was saved, or could not be.
    pub fn stop_ending(self, draft: &str) {
        self.ending.update_value(|names| names.retain(|name| name != draft));
    }
    #[must_use]
    pub fn is_ending(self, draft: &str) -> bool {
        self.ending.with_value(|names| names.iter().any(|name| name == draft))
    }

    pub fn keep_with(self, keeper: Rc<dyn Keeper>) {
        self.now.set(keeper.now());
        self.keeper.set_value(Some(keeper));
    }
    /// The one who keeps; set before the first page is drawn.
    #[must_use]
    pub fn keeper(self) -> Rc<dyn Keeper> {
        self.keeper.get_value().expect("the app is mounted after its keeper is set")
    }

    /// Empties memory when somebody else takes the phone.
    pub fn forget(self) {
        self.worker.set(None);
        self.briefing.set(None);
        self.cards.set(vec![]);
        self.facilities.set(vec![]);
        self.outbox.set(vec![]);
        self.unreadable.set(0);
        self.drafts.set(vec![]);
        self.photos.set(Map::new());
        self.contact.set(None);
        self.loading.set(None);
        self.open.set(None);
        self.sync.set(SyncState::Idle);
    }

    #[must_use]
    pub fn rules(self) -> Arc<Rules> {
        self.rules.get()
    }
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.worker.with(|w| w.as_ref().is_some_and(|w| w.has(role)))
    }
    /// Whether this person records about people.
    #[must_use]
    pub fn records(self) -> bool {
        [Role::Collaborator, Role::Outreach, Role::Supervisor].into_iter().any(|role| self.has(role))
    }
    #[must_use]
    pub fn me(self) -> Option<WorkerId> {
        self.worker.with(|w| w.as_ref().map(|w| w.id))
    }
    /// Colleagues and oneself, to say who did something.
    #[must_use]
    pub fn colleagues(self) -> Vec<Colleague> {
        let mut all = self.briefing.with(|b| b.as_ref().map_or_else(Vec::new, |b| b.colleagues.clone()));
        if let Some(w) = self.worker.get()
            && all.iter().all(|c| c.id != w.id)
        {
            all.push(Colleague { id: w.id, name: w.name, address: w.address, phone: w.phone, grants: w.grants });
        }
        all
    }
    /// The villages in which this person works, each by id and name; all villages below their communes.
    #[must_use]
    pub fn own_villages(self) -> Vec<(PlaceId, String)> {
        let rules = self.rules();
        let mut areas = Vec::new();
        self.worker.with(|w| {
            for grant in w.iter().flat_map(|w| &w.grants) {
                if matches!(grant.role, Role::Collaborator | Role::Outreach | Role::Supervisor) {
                    areas.extend(grant.area.clone());
                }
            }
        });
        let mut villages: Vec<(PlaceId, String)> = rules
            .places
            .iter()
            .filter(|p| p.kind == domain::PlaceKind::Village && p.is_valid_on(self.now.get().day()))
            .filter(|p| areas.iter().any(|area| rules.places.covers(area, &p.id)))
            .map(|p| (p.id.clone(), p.name.clone()))
            .collect();
        domain::order::sort_by(&mut villages, |a, b| a.1.cmp(&b.1));
        villages
    }
    /// The communes of those villages and areas.
    #[must_use]
    pub fn own_communes(self) -> Vec<(PlaceId, String)> {
        let rules = self.rules();
        let mut communes: Vec<(PlaceId, String)> = Vec::new();
        self.worker.with(|w| {
            for area in w.iter().flat_map(|w| &w.grants).filter_map(|g| g.area.as_ref()) {
                if let Some(commune) = rules.places.commune_of(area)
                    && communes.iter().all(|(id, _)| *id != commune.id)
                {
                    communes.push((commune.id.clone(), commune.name.clone()));
                }
            }
        });
        communes
    }
    /// Changes that still wait, and those the person must look at: held ones and those that cannot be read.
    #[must_use]
    pub fn unsent(self) -> (usize, usize) {
        let unreadable = self.unreadable.get();
        let photos = self.waiting_photos();
        self.outbox.with(|outbox| {
            let queued = outbox.iter().filter(|i| i.state == OutboxState::Queued).count();
            let held = outbox.iter().filter(|i| matches!(i.state, OutboxState::Held { .. })).count();
            (queued + photos, held + unreadable)
        })
    }
    /// Photos of which the office does not have all, though it has the change that announces them: while that waits too,
    /// it is one thing and not two.
    #[must_use]
    pub fn waiting_photos(self) -> usize {
        self.outbox.with(|outbox| {
            let unsent = |change: &Option<ChangeId>| {
                let of =
                    |i: &OutboxItem| Some(i.change.id) == *change && !matches!(i.state, OutboxState::Received { .. });
                outbox.iter().any(of)
            };
            let waits = |(change, sending): &&(Option<ChangeId>, PhotoSending)| {
                matches!(sending, PhotoSending::Queued { .. } | PhotoSending::Unreadable) && !unsent(change)
            };
            self.photos.with(|photos| photos.values().filter(waits).count())
        })
    }

    /// Whether the office's content has never come to its end here: what is missing may still be on its way.
    #[must_use]
    pub fn is_filling(self) -> bool {
        self.contact.get().is_none()
    }

    /// A subject, opened anew whenever something of it may have changed.
    #[must_use]
    pub fn parts(self, subject: Subject) -> RwSignal<Loaded> {
        self.parts_of(subject, false)
    }
    /// As [`Self::parts`], below a form: what stands there stays, also when the subject has left this phone, for somebody is
    /// typing about it.
    #[must_use]
    pub fn parts_of_form(self, subject: Subject) -> RwSignal<Loaded> {
        self.parts_of(subject, true)
    }
    fn parts_of(self, subject: Subject, stays: bool) -> RwSignal<Loaded> {
        let known = self.open.with_untracked(|open| {
            open.as_ref().filter(|(of, _)| *of == subject).map(|(_, parts)| Loaded::Here(Arc::clone(parts)))
        });
        let loaded = RwSignal::new(known.unwrap_or(Loaded::Opening));
        Effect::new(move |_| {
            self.revision.track();
            // Asked before the notebook is open, it would look as if it could not be opened.
            if matches!(self.opening.get(), Opening::Busy | Opening::Known) {
                return;
            }
            let opened = self.keeper().parts(subject);
            let sitting = self.sitting.get_untracked();
            spawn_local(async move {
                let opened = opened.await;
                // Nothing of whoever has left the phone comes back into memory.
                if self.sitting.get_untracked() != sitting {
                    return;
                }
                let now = match opened {
                    // What stands on the screen stays there: somebody may be typing below it.
                    Err(_) if loaded.try_with_untracked(|l| matches!(l, Loaded::Here(_))) == Some(true) => return,
                    Ok(parts) if parts.is_empty() => {
                        // Nothing of it stays in memory but what stands on the screen.
                        if self.open.with_untracked(|open| open.as_ref().is_some_and(|(of, _)| *of == subject)) {
                            self.open.set(None);
                        }
                        if stays && loaded.try_with_untracked(|l| matches!(l, Loaded::Here(_))) == Some(true) {
                            return;
                        }
                        Loaded::Missing
                    }
                    Ok(parts) => {
                        let parts = Arc::new(parts);
                        self.open.set(Some((subject, Arc::clone(&parts))));
                        Loaded::Here(parts)
                    }
                    Err(error) => Loaded::Failed(error),
                };
                if loaded.try_with_untracked(|before| *before != now) == Some(true) {
                    loaded.set(now);
                }
            });
        });
        loaded
    }
}

impl Default for AppState {
    fn default() -> Self {
        Self::new()
    }
}
