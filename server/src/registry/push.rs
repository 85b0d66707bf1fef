//! What comes of a batch: each change read and judged by itself. It knows who may say what in whose name; rules are
//! `domain`'s.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::change::{BadBody, is_all_of};
use domain::office::{Announced, Arrival, Known, Received, Rights, opening_of, receive, releases};
use domain::{
    ApiError, Carried, CaseCode, CaseId, Change, ChangeId, DeviceId, Dropped, Envelope, Grant, LogId, PhotoId,
    PushBatch, Reach, Refusal, Session, Subject, Timestamp, Verdict, WorkerId, limits,
};

use super::aside;
use super::foreseen::Foreseen;
use super::photos;
use super::write::{Found, Held, Raw, Writing, about_device, about_quarantine, about_waiting, digest};
use crate::seal::Seal;

/// Why a change is set aside that builds on one which was put away.
pub(super) const BUILT_ON: &str = "built_on";
const DAY_MS: i64 = 86_400_000;
/// Before the refusal of what came in a letter and was set aside.
pub(super) const BY_LETTER: &str = "letter:";

/// A batch whose envelopes were read.
pub(super) struct Push {
    worker: WorkerId,
    device: DeviceId,
    items: Vec<Item>,
    now: Timestamp,
    /// Somebody else may have brought it: nobody waits for a refusal, and the device itself was not heard of.
    carried: bool,
}

enum Item {
    Change(Box<Letter>),
    Refused(Refusal),
}

/// One change as it came, and as far as it could be read.
struct Letter {
    log: LogId,
    id: ChangeId,
    text: String,
    digest: Vec<u8>,
    /// How far the office's clock was ahead of the phone's.
    ahead_ms: Option<i64>,
    content: Content,
}

/// What could be read of a change.
enum Content {
    Change(Box<Change>),
    /// A kind this version does not know.
    Unknown,
    /// Not what its kind promises; kept only where nobody can be told.
    Broken,
}

impl Letter {
    fn change(&self) -> Option<&Change> {
        if let Content::Change(change) = &self.content { Some(change) } else { None }
    }
}

/// Reads a batch; nothing is written.
///
/// # Errors
/// [`ApiError::SignedOut`] when it names anybody else than the session or another device than its own,
/// [`ApiError::TooLarge`].
pub(super) fn read(session: &Session, batch: PushBatch, seal: &Seal, now: Timestamp) -> Result<Push, ApiError> {
    if batch.worker != session.worker {
        return Err(ApiError::SignedOut);
    }
    let bytes: usize = batch.changes.iter().map(|raw| raw.get().len()).sum();
    if batch.changes.len() > limits::PUSH_CHANGES || bytes > limits::PUSH_BYTES {
        return Err(ApiError::TooLarge);
    }
    let mut items = Vec::with_capacity(batch.changes.len());
    for raw in &batch.changes {
        let text = raw.get();
        let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
            items.push(Item::Refused(Refusal::Broken));
            continue;
        };
        if envelope.author != session.worker || envelope.device != batch.device {
            return Err(ApiError::SignedOut);
        }
        let ahead_ms = batch.sent_at.map(|sent_at| now.0.saturating_sub(sent_at.0));
        items.push(open(text, envelope, ahead_ms, seal));
    }
    Ok(Push { worker: session.worker, device: batch.device, items, now, carried: false })
}

/// What letters of one writer on one device bring.
pub(super) fn carried(worker: WorkerId, device: DeviceId, letters: Vec<Carried>, seal: &Seal, now: Timestamp) -> Push {
    let items = letters.into_iter().map(|Carried { text, envelope, ahead_ms }| {
        let (log, id) = (envelope.log.clone(), envelope.id);
        match open(&text, envelope, ahead_ms, seal) {
            // Nobody may be there any more to put it right.
            Item::Refused(Refusal::Broken) if matches!(log, LogId::Place(_)) => {
                let digest = digest_of_unknown(seal, text.as_bytes());
                Item::Change(Box::new(Letter { log, id, text, digest, ahead_ms, content: Content::Broken }))
            }
            item => item,
        }
    });
    Push { worker, device, items: items.collect(), now, carried: true }
}

fn open(text: &str, envelope: Envelope, ahead_ms: Option<i64>, seal: &Seal) -> Item {
    if !domain::change::fits(text) {
        return Item::Refused(Refusal::TooLarge);
    }
    // Cases, facilities and activities live in the logs of places; the other logs are the office's own to write.
    if !matches!(envelope.log, LogId::Place(_)) {
        return Item::Refused(Refusal::Broken);
    }
    let (log, id) = (envelope.log.clone(), envelope.id);
    let text = text.to_owned();
    // While an office is brought up to date, a newer phone may say more than this server knows.
    let is_newer = |change: &Change| change.v > limits::PROTOCOL_VERSION || !is_all_of(change, &text);
    match envelope.open() {
        Ok(change) if !is_newer(&change) => match digest(seal, &change) {
            Ok(digest) => {
                let content = Content::Change(Box::new(change));
                Item::Change(Box::new(Letter { log, id, text, digest, ahead_ms, content }))
            }
            Err(_) => Item::Refused(Refusal::Broken),
        },
        Ok(_) | Err(BadBody::Unknown) => {
            let digest = digest_of_unknown(seal, text.as_bytes());
            Item::Change(Box::new(Letter { log, id, text, digest, ahead_ms, content: Content::Unknown }))
        }
        Err(BadBody::Broken) => Item::Refused(Refusal::Broken),
    }
}

/// Of a change of a kind that this version does not know nothing but its text can be compared.
pub(crate) fn digest_of_unknown(seal: &Seal, text: &[u8]) -> Vec<u8> {
    seal.hash(&[b"unknown change", text])
}

impl Push {
    /// The keyed hash under which each change is known, `None` for what cannot be kept.
    pub(super) fn marks(&self) -> Vec<Option<Vec<u8>>> {
        let mark = |item: &Item| if let Item::Change(letter) = item { Some(letter.digest.clone()) } else { None };
        self.items.iter().map(mark).collect()
    }

    /// What the batch is about.
    pub(super) fn name(&self, names: &mut BTreeSet<String>) {
        names.insert(about_device(self.worker, self.device));
        for item in &self.items {
            if let Item::Change(letter) = item {
                letter.name(names);
            }
        }
    }
}

/// Looks up at once what judging these batches asks. Their turns must have been taken.
pub(super) async fn foresee(writing: &mut Writing<'_>, pushes: &[&Push]) -> Result<()> {
    let items = pushes.iter().flat_map(|push| &push.items);
    let letters = || items.clone().filter_map(|item| if let Item::Change(letter) = item { Some(letter) } else { None });
    let sent = letters().map(|letter| letter.id).collect();
    let changes: Vec<&Change> = letters().filter_map(|letter| letter.change()).collect();
    let devices = pushes.iter().map(|push| (push.worker, push.device)).collect();
    writing.foreseen = Foreseen::look(writing.connection, writing.seal, &devices, &sent, &changes).await?;
    Ok(())
}

impl Letter {
    fn name(&self, names: &mut BTreeSet<String>) {
        names.insert(self.id.to_string());
        if let Some(change) = self.change() {
            name(change, names);
        }
    }
}

/// The subject by its opening, what may wait for the change, what the change may wait for, and the code that it takes.
fn name(change: &Change, names: &mut BTreeSet<String>) {
    let mut ids = releases(change);
    ids.push(opening_of(change.subject));
    ids.extend(change.body.builds_on());
    // Who sees a case that this one names must not change before this is written, or it would be shown to somebody wrong.
    ids.extend(change.body.names_case().map(|other| opening_of(Subject::Case(other))));
    names.extend(ids.iter().map(ToString::to_string));
    match &change.body {
        domain::Body::CaseOpened { code, .. } => names.insert(format!("code:{}", code.as_str())),
        domain::Body::PhotoAdded(photo) => names.insert(format!("photo:{}", photo.photo)),
        _ => false,
    };
}

/// Takes the turn for what a change that is judged by itself is about.
pub(super) async fn take_turns_for(writing: &mut Writing<'_>, change: &Change) -> Result<()> {
    let mut names = BTreeSet::new();
    name(change, &mut names);
    writing.take_turns(names).await
}

/// Judges and writes a batch, in its order. No verdict at all on somebody who has no right and has left more than a day's
/// worth for others to read.
pub(super) async fn take(writing: &mut Writing<'_>, push: &Push) -> Result<Vec<Verdict>> {
    if writing.roster.grants(push.worker).is_empty() {
        let left = writing.left_by(push.worker, push.now.plus_ms(-DAY_MS)).await?;
        if left > limits::ASIDE_DAY_BYTES {
            return Ok(vec![]);
        }
    }
    let then = writing.grants_at_last_contact(push.worker, push.device).await?;
    if !push.carried {
        writing.contact(push.worker, push.device, None, push.now).await?;
    }
    let mut verdicts = Vec::with_capacity(push.items.len());
    for item in &push.items {
        verdicts.push(match item {
            Item::Refused(why) => Verdict::Refused { why: why.clone() },
            Item::Change(letter) => {
                let by = By { worker: push.worker, device: push.device, then: &then, ahead_ms: letter.ahead_ms };
                take_one(writing, letter, by, push.now, push.carried).await?
            }
        });
    }
    Ok(verdicts)
}

/// Whose change it is, and the rights they had when their device was last told of them.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    pub(super) worker: WorkerId,
    pub(super) device: DeviceId,
    pub(super) then: &'a str,
    /// How far the office's clock was ahead of the phone's when the batch came.
    pub(super) ahead_ms: Option<i64>,
}

/// `carried`: what is refused is set aside instead.
async fn take_one(
    writing: &mut Writing<'_>,
    letter: &Letter,
    by: By<'_>,
    now: Timestamp,
    carried: bool,
) -> Result<Verdict> {
    if let Some(found) = writing.find(letter.id).await? {
        let unknown = || digest_of_unknown(writing.seal, letter.text.as_bytes());
        // While servers of two versions work on one database, one knows a kind that the other does not.
        let (same, verdict) = match found {
            Found::Accepted { at, digest } => {
                (digest == letter.digest || matches!(letter.content, Content::Unknown), Verdict::AlreadyKnown { at })
            }
            Found::Waiting { at, on, digest } => {
                (digest == letter.digest || matches!(letter.content, Content::Unknown), Verdict::Waiting { at, on })
            }
            Found::SetAside { at, digest, put_away } => {
                (digest == letter.digest || digest == unknown(), Verdict::Quarantined { at, put_away })
            }
        };
        return Ok(if same { verdict } else { Verdict::Refused { why: Refusal::OtherBody } });
    }
    let raw = raw(letter, by, now);
    let Some(change) = letter.change() else {
        let why = match letter.content {
            Content::Broken => by_letter(&Refusal::Broken)?,
            _ => "unknown".to_owned(),
        };
        writing.set_aside(&raw, &why).await?;
        return Ok(Verdict::Quarantined { at: now, put_away: None });
    };
    let judged = judge(writing, change, by, now).await?;
    if carried || !matches!(judged, Judged::Received(Received::Refused(_))) {
        photos::announce(writing.connection, change, now).await?;
    }
    match judged {
        Judged::Damaged => {
            writing.set_aside(&raw, "damaged").await?;
            Ok(Verdict::Quarantined { at: now, put_away: None })
        }
        Judged::Received(Received::Accepted(entry)) => {
            writing.accept(&entry, &letter.digest).await?;
            release_after(writing, change, now).await?;
            Ok(Verdict::Accepted { at: now })
        }
        Judged::Received(Received::Waiting { on }) if writing.is_put_away(on).await? => {
            writing.set_aside_with(&raw, BUILT_ON, Some(on)).await?;
            Ok(Verdict::Quarantined { at: now, put_away: None })
        }
        Judged::Received(Received::Waiting { on }) => {
            writing.put_waiting(&raw, on).await?;
            Ok(Verdict::Waiting { at: now, on })
        }
        Judged::Received(Received::Refused(why)) if carried => {
            writing.set_aside(&raw, &by_letter(&why)?).await?;
            Ok(Verdict::Quarantined { at: now, put_away: None })
        }
        Judged::Received(Received::Refused(why)) => Ok(Verdict::Refused { why }),
        Judged::Received(Received::Quarantined) => {
            writing.set_aside(&raw, "rights").await?;
            Ok(Verdict::Quarantined { at: now, put_away: None })
        }
        Judged::Received(Received::Dropped(dropped)) => {
            put_away(writing, &raw, &dropped).await?;
            Ok(Verdict::Quarantined { at: now, put_away: None })
        }
    }
}

/// Why something that came in a letter was set aside, although its writer would have been told.
fn by_letter(why: &Refusal) -> Result<String> {
    Ok(BY_LETTER.to_owned() + &serde_json::to_string(why)?)
}

/// Keeps what its writer gave up, and that they did; nobody has to settle it any more. What waited for it is set aside.
async fn put_away(writing: &mut Writing<'_>, raw: &Raw<'_>, dropped: &Dropped) -> Result<()> {
    writing.put_away(raw, aside::DROPPED, &dropped.reason).await?;
    let of_author = |change: &Change| change.author == raw.author && change.log == *raw.log;
    let Some(change) = dropped.read().filter(of_author) else { return Ok(()) };
    take_turns_for(writing, &change).await?;
    if writing.find(change.id).await?.is_some() {
        // It was accepted after all, or is here for somebody to read.
        return Ok(());
    }
    let digest = digest(writing.seal, &change)?;
    let content = Raw { id: change.id, device: change.device, digest: &digest, text: &dropped.content, ..*raw };
    writing.put_away(&content, &serde_json::to_string(&dropped.why)?, &dropped.reason).await?;
    let why = serde_json::to_string(&Refusal::Dropped)?;
    for on in releases(&change) {
        for orphan in Waited::on(writing, on).await? {
            writing.set_aside(&orphan.raw(), &why).await?;
        }
    }
    Ok(())
}

fn raw<'a>(letter: &'a Letter, by: By<'a>, now: Timestamp) -> Raw<'a> {
    Raw {
        log: &letter.log,
        id: letter.id,
        author: by.worker,
        device: by.device,
        received_at: now,
        ahead_ms: by.ahead_ms,
        digest: &letter.digest,
        grants: by.then,
        text: &letter.text,
    }
}

pub(super) enum Judged {
    Received(Received),
    /// What is stored of the subject cannot be opened: nothing is built on it.
    Damaged,
}

pub(super) async fn judge(writing: &mut Writing<'_>, change: &Change, by: By<'_>, now: Timestamp) -> Result<Judged> {
    if writing.hold(change.subject).await?.is_err() {
        return Ok(Judged::Damaged);
    }
    let held = writing.lend(change.subject);
    let received = judge_on(writing, &held, change, by, now).await;
    writing.give_back(change.subject, held);
    Ok(Judged::Received(received?))
}

async fn judge_on(
    writing: &mut Writing<'_>,
    held: &Held,
    change: &Change,
    by: By<'_>,
    now: Timestamp,
) -> Result<Received> {
    let roster = std::sync::Arc::clone(&writing.roster);
    let in_its_log = held.log.as_ref().is_none_or(|log| *log == change.log);
    let opens_facility = matches!(change.body, domain::Body::FacilityOpened(_));
    let log_is_a_place = matches!(&change.log, LogId::Place(place) if roster.rules.places.find(place).is_some());
    if !in_its_log || (opens_facility && !log_is_a_place) {
        return Ok(Received::Refused(Refusal::Broken));
    }
    let then: Vec<Grant> = serde_json::from_str(by.then)?;
    let rights = Rights { worker: by.worker, now: roster.grants(by.worker), last_contact: &then };
    let arrival = Arrival { at: now, ahead_ms: by.ahead_ms };
    // The rules ask what they need to know; what was not foreseen is looked up and they are asked again.
    let mut known = Answers { replaces: change.replaces, ..Answers::default() };
    loop {
        let (received, asked) = {
            let asks = Asks { writing, known: &known, asked: RefCell::default() };
            let received = receive(&held.parts, change.clone(), rights, &roster.rules, arrival, &asks);
            (received, asks.asked.into_inner())
        };
        if asked.is_empty() {
            return Ok(received);
        }
        for (id, subject, by) in asked.changes {
            let has = writing.has(id, subject, by).await?;
            known.changes.insert((id, subject, by), has);
        }
        for photo in asked.photos {
            let announced = writing.photo(photo).await?;
            known.photos.insert(photo, announced);
        }
        for code in asked.codes {
            let has = writing.has_code(&code).await?;
            known.codes.insert(code, has);
        }
        for case in asked.cases {
            let reach = writing.reach(case).await?;
            known.cases.insert(case, reach);
        }
    }
}

/// What was looked up so far.
#[derive(Default)]
struct Answers {
    /// What the change that is judged stands for.
    replaces: Option<ChangeId>,
    changes: BTreeMap<Asking, bool>,
    photos: BTreeMap<PhotoId, Option<Announced>>,
    codes: BTreeMap<CaseCode, bool>,
    cases: BTreeMap<CaseId, Option<Reach>>,
}

/// What the rules may ask, and what they asked that nobody knows yet.
struct Asks<'a, 't> {
    writing: &'a Writing<'t>,
    known: &'a Answers,
    asked: RefCell<Asked>,
}

/// What [`Known::has`] is asked.
type Asking = (ChangeId, Subject, Option<WorkerId>);

#[derive(Default)]
struct Asked {
    changes: Vec<Asking>,
    photos: Vec<PhotoId>,
    codes: Vec<CaseCode>,
    cases: Vec<CaseId>,
}

impl Asked {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.photos.is_empty() && self.codes.is_empty() && self.cases.is_empty()
    }
}

impl Known for Asks<'_, '_> {
    fn has(&self, change: ChangeId, subject: Subject, by: Option<WorkerId>) -> bool {
        let known = self.known.changes.get(&(change, subject, by)).copied();
        known.or_else(|| self.writing.is_known_to_have(change, subject, by)).unwrap_or_else(|| {
            self.asked.borrow_mut().changes.push((change, subject, by));
            // What a change needs is taken to be there and what would forbid it not, so that everything is asked for in one
            // round.
            by.is_none() && self.known.replaces != Some(change)
        })
    }
    fn photo(&self, photo: PhotoId) -> Option<Announced> {
        self.known.photos.get(&photo).cloned().unwrap_or_else(|| {
            self.asked.borrow_mut().photos.push(photo);
            None
        })
    }
    fn has_code(&self, code: &CaseCode) -> bool {
        let known = self.known.codes.get(code).copied().or_else(|| self.writing.is_known_to_have_code(code));
        known.unwrap_or_else(|| {
            self.asked.borrow_mut().codes.push(code.clone());
            false
        })
    }
    fn reach(&self, case: CaseId) -> Option<Reach> {
        self.known.cases.get(&case).cloned().unwrap_or_else(|| {
            self.asked.borrow_mut().cases.push(case);
            None
        })
    }
}

/// Tries again what waited for this change, and what waited for that.
pub(super) async fn release_after(writing: &mut Writing<'_>, change: &Change, now: Timestamp) -> Result<()> {
    release(writing, releases(change), now).await
}

/// Sets aside what waits for these ids, and what waits for that: what it builds on was put away, and nobody would ever read
/// it while it waits.
pub(super) async fn set_dependants_aside(writing: &mut Writing<'_>, ids: Vec<ChangeId>) -> Result<()> {
    let mut away = ids;
    while let Some(on) = away.pop() {
        for waited in Waited::on(writing, on).await? {
            writing.set_aside_with(&waited.raw(), BUILT_ON, Some(on)).await?;
            away.push(waited.id);
            let change = Envelope::read(&waited.text);
            away.extend(change.iter().flat_map(releases));
        }
    }
    Ok(())
}

/// The other way: what was set aside because of these ids waits for them again.
pub(super) async fn let_dependants_wait(writing: &mut Writing<'_>, ids: Vec<ChangeId>) -> Result<()> {
    let mut back = ids;
    while let Some(on) = back.pop() {
        type Row = (String, String, String, String, i64, Vec<u8>, String, Vec<u8>);
        let rows = sqlx::query_as::<_, Row>(
            "delete from quarantine where on_change = $1 and settled_at is null
             returning log, id, author, device, received_at, digest, grants, raw",
        )
        .bind(on.to_string())
        .fetch_all(&mut *writing.connection)
        .await?;
        for (log, id, author, device, received_at, digest, then, sealed) in rows {
            let id: ChangeId = id.parse()?;
            writing.foreseen.forget(id);
            let text = String::from_utf8(writing.seal.open(&about_quarantine(id), &sealed)?)?;
            let raw = Raw {
                log: &log.parse::<LogId>()?,
                id,
                author: author.parse()?,
                device: device.parse()?,
                received_at: Timestamp(received_at),
                ahead_ms: None,
                digest: &digest,
                grants: &then,
                text: &text,
            };
            writing.put_waiting(&raw, on).await?;
            back.push(id);
            let change = Envelope::read(&text);
            back.extend(change.iter().flat_map(releases));
        }
    }
    Ok(())
}

/// Tries again what waited for these ids, and what waited for that.
async fn release(writing: &mut Writing<'_>, ids: Vec<ChangeId>, now: Timestamp) -> Result<()> {
    let mut there = ids;
    while let Some(on) = there.pop() {
        for waited in Waited::on(writing, on).await? {
            let raw = waited.raw();
            let by = By { worker: raw.author, device: raw.device, then: raw.grants, ahead_ms: raw.ahead_ms };
            // Read as it was when it came; what cannot be read any more must not stop what it waited for.
            let Some(change) = Envelope::read(raw.text) else {
                writing.set_aside(&raw, "damaged").await?;
                continue;
            };
            take_turns_for(writing, &change).await?;
            match judge(writing, &change, by, now).await? {
                Judged::Damaged => writing.set_aside(&raw, "damaged").await?,
                Judged::Received(Received::Accepted(entry)) => {
                    writing.accept(&entry, raw.digest).await?;
                    there.extend(releases(&change));
                }
                Judged::Received(Received::Waiting { on }) if writing.is_put_away(on).await? => {
                    writing.set_aside_with(&raw, BUILT_ON, Some(on)).await?;
                }
                Judged::Received(Received::Waiting { on }) => writing.put_waiting(&raw, on).await?,
                // Whoever wrote it was told that the office has it: kept for a supervisor to read.
                Judged::Received(Received::Refused(why)) => {
                    writing.set_aside(&raw, &serde_json::to_string(&why)?).await?;
                }
                Judged::Received(Received::Quarantined) => writing.set_aside(&raw, "rights").await?,
                Judged::Received(Received::Dropped(dropped)) => put_away(writing, &raw, &dropped).await?,
            }
        }
    }
    Ok(())
}

/// What waited for another change and does so no longer.
struct Waited {
    log: LogId,
    id: ChangeId,
    author: WorkerId,
    device: DeviceId,
    received_at: Timestamp,
    ahead_ms: Option<i64>,
    digest: Vec<u8>,
    grants: String,
    text: String,
}

impl Waited {
    /// Takes everything that waits for `on` from where it waits, in the order in which it came.
    async fn on(writing: &mut Writing<'_>, on: ChangeId) -> Result<Vec<Self>> {
        if writing.foreseen.is_waited_for(on) == Some(false) {
            return Ok(vec![]);
        }
        type Row = (String, String, String, String, i64, Option<i64>, Vec<u8>, String, Vec<u8>);
        let rows = sqlx::query_as::<_, Row>(
            "delete from waiting where on_change = $1
             returning log, id, author, device, received_at, ahead_ms, digest, grants, raw",
        )
        .bind(on.to_string())
        .fetch_all(&mut *writing.connection)
        .await?;
        let mut waited = Vec::with_capacity(rows.len());
        for (log, id, author, device, received_at, ahead_ms, digest, grants, sealed) in rows {
            let id: ChangeId = id.parse()?;
            writing.foreseen.forget(id);
            waited.push(Self {
                log: log.parse()?,
                id,
                author: author.parse()?,
                device: device.parse()?,
                received_at: Timestamp(received_at),
                ahead_ms,
                digest,
                grants,
                text: String::from_utf8(writing.seal.open(&about_waiting(id), &sealed)?)?,
            });
        }
        waited.sort_by_key(|w| (w.received_at, w.id.to_string()));
        Ok(waited)
    }

    fn raw(&self) -> Raw<'_> {
        Raw {
            log: &self.log,
            id: self.id,
            author: self.author,
            device: self.device,
            received_at: self.received_at,
            ahead_ms: self.ahead_ms,
            digest: &self.digest,
            grants: &self.grants,
            text: &self.text,
        }
    }
}

/// Takes again what was set aside because its kind was unknown, as far as this version knows it.
pub(super) async fn retry_unknown(writing: &mut Writing<'_>, now: Timestamp) -> Result<u64> {
    let rows = sqlx::query_as::<_, (String, String, String, String, Vec<u8>)>(
        "select id, author, device, grants, raw from quarantine
         where why = 'unknown' and settled_at is null order by received_at, id",
    )
    .fetch_all(&mut *writing.connection)
    .await?;
    let mut found = 0;
    for (id, author, device, then, sealed) in rows {
        let id: ChangeId = id.parse()?;
        let text = String::from_utf8(writing.seal.open(&about_quarantine(id), &sealed)?)?;
        let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else { continue };
        let Item::Change(letter) = open(&text, envelope, None, writing.seal) else { continue };
        if letter.change().is_none() {
            continue;
        }
        let mut names = BTreeSet::new();
        letter.name(&mut names);
        writing.take_turns(names).await?;
        let taken = sqlx::query("delete from quarantine where id = $1")
            .bind(id.to_string())
            .execute(&mut *writing.connection)
            .await?;
        if taken.rows_affected() == 0 {
            // Another server was faster.
            continue;
        }
        writing.foreseen.forget(id);
        let by = By { worker: author.parse()?, device: device.parse()?, then: &then, ahead_ms: None };
        if let Verdict::Refused { why } = take_one(writing, &letter, by, now, false).await? {
            writing.set_aside(&raw(&letter, by, now), &serde_json::to_string(&why)?).await?;
        } else {
            found += 1;
        }
    }
    Ok(found)
}
