//! One sync run: push, then pull. It decides what goes when; it opens no connection and reads no clock of its own.

use std::pin::pin;

use futures::future::{Either, select};

use crate::{
    StoreError,
    apply::apply,
    change::{Change, Entry},
    check::Refusal,
    id::{ChangeId, DeviceId, LogId, Subject, WorkerId},
    json::Raw,
    limits,
    map::{Map, Set},
    notebook::{Notebook, OutboxItem, OutboxState},
    part::Parts,
    place::Places,
    time::Timestamp,
    wire::{ApiError, Page, PullAnswer, PullRequest, PushBatch, Verdict},
    worker::Worker,
};

/// The way to the office.
#[expect(async_fn_in_trait, reason = "implementations live in one thread; no caller needs Send")]
pub trait Office {
    async fn push(&self, batch: PushBatch) -> Result<Vec<Verdict>, ApiError>;
    async fn pull(&self, request: PullRequest) -> Result<PullAnswer, ApiError>;
}

/// Why a run stopped before its end. What was stored until then stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Office(#[from] ApiError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    pub received: usize,
    pub held: usize,
    pub subjects: usize,
    /// About how many subjects more the office has; 0 also when it does not say.
    pub ahead: usize,
}

/// The order on the wire: cases with an emergency first, whole and in their own order; then the rest by `n`; what speaks
/// of photos last of all.
#[must_use]
pub fn wire_order(outbox: &[OutboxItem]) -> Vec<&OutboxItem> {
    let queued = || outbox.iter().filter(|item| item.state == OutboxState::Queued);
    let urgent: Set<Subject> =
        queued().filter(|item| item.change.body.is_emergency()).map(|item| item.change.subject).collect();
    let mut order: Vec<&OutboxItem> = queued().collect();
    crate::order::sort_by_key(&mut order, |item| {
        (item.change.body.is_photo(), !urgent.contains(&item.change.subject), item.change.n)
    });
    order
}

/// The next batch: at most `most` changes and [`limits::PUSH_BYTES`] of JSON, at least one if any waits. Text and photos
/// never share one, so that a line that is cut while small pictures go up has carried every word before.
#[must_use]
pub fn next_batch(outbox: &[OutboxItem], most: usize) -> Vec<(ChangeId, Raw)> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut is_text = true;
    for item in wire_order(outbox).into_iter().take(most.clamp(1, limits::PUSH_CHANGES)) {
        if is_text && item.change.body.is_photo() && !batch.is_empty() {
            break;
        }
        is_text = !item.change.body.is_photo();
        // A change that this program wrote is always lawful JSON.
        let Ok(raw) = Raw::of(&item.change) else {
            continue;
        };
        bytes += raw.get().len() + 1;
        if bytes > limits::PUSH_BYTES - 1024 && !batch.is_empty() {
            break;
        }
        batch.push((item.change.id, raw));
    }
    batch
}

/// Whose phone this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phone {
    pub worker: WorkerId,
    pub device: DeviceId,
}

/// Pushes everything that waits, emergencies first; halves a batch that is too large; holds a change that is too large by
/// itself. No error removes a change.
///
/// A phone that cannot write an answer down sends the rest all the same.
///
/// # Errors
/// [`SyncError`]; everything not yet answered is still queued, and so is what could not be written down.
pub async fn push<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Run, SyncError> {
    let outbox = notebook.outbox().await?;
    push_outbox(notebook, office, phone, clock, outbox).await.map(|(run, _)| run)
}

/// How far one push has come.
struct Pushing {
    run: Run,
    /// Changes of the next batch at most.
    most: usize,
    /// What the office has answered and this phone could not write down.
    unsettled: Vec<(ChangeId, Verdict)>,
}

impl Pushing {
    fn new() -> Self {
        Self { run: Run::default(), most: limits::PUSH_CHANGES, unsettled: vec![] }
    }
}

/// [`push`] by one who has just read the outbox; gives it as it is afterwards.
async fn push_outbox<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    clock: &dyn Fn() -> Timestamp,
    mut outbox: Vec<OutboxItem>,
) -> Result<(Run, Vec<OutboxItem>), SyncError> {
    let mut pushing = Pushing::new();
    while push_batch(notebook, office, phone, clock, &outbox, &mut pushing).await?.is_some() {
        // Something may have been saved, corrected or given up meanwhile.
        outbox = notebook.outbox().await?;
        outbox.retain(|item| pushing.unsettled.iter().all(|(id, _)| *id != item.change.id));
    }
    if !pushing.unsettled.is_empty() {
        notebook.settle(&pushing.unsettled, clock()).await?;
        outbox = notebook.outbox().await?;
    }
    Ok((pushing.run, outbox))
}

/// Pushes what is offered again; it stays as it is in the outbox until the office has answered.
async fn offer_again<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    clock: &dyn Fn() -> Timestamp,
    mut offered: Vec<OutboxItem>,
) -> Result<(), SyncError> {
    let mut pushing = Pushing::new();
    while let Some(answered) = push_batch(notebook, office, phone, clock, &offered, &mut pushing).await? {
        offered.retain(|item| !answered.contains(&item.change.id));
    }
    if !pushing.unsettled.is_empty() {
        notebook.settle(&pushing.unsettled, clock()).await?;
    }
    Ok(())
}

/// Pushes one batch of `outbox` and settles it: gives the changes that were answered, none when the batch was too large, in
/// which case the next is smaller. `None` when nothing waits.
async fn push_batch<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    clock: &dyn Fn() -> Timestamp,
    outbox: &[OutboxItem],
    pushing: &mut Pushing,
) -> Result<Option<Vec<ChangeId>>, SyncError> {
    let batch = next_batch(outbox, pushing.most);
    if batch.is_empty() {
        return Ok(None);
    }
    let (ids, changes): (Vec<ChangeId>, Vec<Raw>) = batch.into_iter().unzip();
    let bytes: usize = changes.iter().map(|c| c.get().len()).sum();
    let sent_at = Some(clock());
    let sent = PushBatch { v: limits::PROTOCOL_VERSION, worker: phone.worker, device: phone.device, sent_at, changes };
    let run = &mut pushing.run;
    let verdicts = match office.push(sent).await {
        Ok(verdicts) => verdicts,
        Err(ApiError::TooLarge | ApiError::BadRequest) if ids.len() > 1 => {
            pushing.most = ids.len() / 2;
            return Ok(Some(vec![]));
        }
        // One change alone was turned away. That speaks about the change only if the change is too large indeed, or if
        // the office took others in this same run; otherwise some proxy on the way is speaking.
        Err(ApiError::TooLarge) if bytes > limits::CHANGE_BYTES || run.received > 0 => {
            vec![Verdict::Refused { why: Refusal::TooLarge }]
        }
        Err(ApiError::BadRequest) if run.received > 0 => vec![Verdict::Refused { why: Refusal::Broken }],
        Err(error) => return Err(error.into()),
    };
    if verdicts.is_empty() || verdicts.len() > ids.len() {
        // Not an answer to what was asked; nothing is concluded from it.
        return Err(ApiError::Unavailable.into());
    }
    let answered: Vec<(ChangeId, Verdict)> = ids.into_iter().zip(verdicts).collect();
    for (_, verdict) in &answered {
        match verdict {
            Verdict::Refused { .. } => run.held += 1,
            _ => run.received += 1,
        }
    }
    let ids = answered.iter().map(|(id, _)| *id).collect();
    // A local error delays nobody's text: the rest goes, and this is tried once more at the end.
    if notebook.settle(&answered, clock()).await.is_err() {
        pushing.unsettled.extend(answered);
    }
    Ok(Some(ids))
}

/// What the office has acknowledged and no page has shown: it waits there for something else, was set aside there, or
/// was lost with the office's disk before this phone had read past it.
fn is_acknowledged(item: &OutboxItem) -> bool {
    matches!(item.state, OutboxState::Received { .. })
}

/// Pulls until nothing more waits behind any cursor.
///
/// # Errors
/// [`SyncError`]; pages stored until then stay, the rest comes with the next run.
pub async fn pull<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    progress: &dyn Fn(&Run),
) -> Result<Run, SyncError> {
    let outbox = notebook.outbox().await?;
    pull_beside(notebook, office, phone, progress, &outbox).await
}

/// [`pull`] by one who has just read the outbox. While a page is stored the next is on its way: a slow line and a slow
/// phone take their time together, and not one after the other.
async fn pull_beside<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    progress: &dyn Fn(&Run),
    outbox: &[OutboxItem],
) -> Result<Run, SyncError> {
    let mut run = Run::default();
    let mut anew = false;
    let mut early: Option<(Cursors, PullAnswer)> = None;
    loop {
        let (cursors, mut answer) = match early.take() {
            Some(asked) => asked,
            None => {
                let (cursors, request) = next_request(notebook, phone, outbox, anew).await?;
                (cursors, office.pull(request).await?)
            }
        };
        // The own log says which cases this phone shows and forgets. If the office has lost its place there, what was
        // forgotten may be seen again though nothing of it changed in its own log. And whoever works both in the field and
        // at a facility holds parts of one case from two logs. In both cases every log is taken anew. The own page is the
        // last, so that a run which is killed before it begins again.
        let at_facility = answer.pages.iter().any(|page| matches!(page.log, LogId::Facility(_)));
        let reaches_far = |log: &LogId| at_facility || *log == LogId::Worker(phone.worker);
        if !anew && answer.pages.iter().any(|page| page.reset && reaches_far(&page.log)) {
            anew = true;
            continue;
        }
        let was_anew = std::mem::take(&mut anew);
        if was_anew {
            // All logs are emptied before any is filled: a subject may hold parts of two.
            for page in &answer.pages {
                let log = page.log.clone();
                let empty = Page { log, reset: true, subjects: vec![], settled: vec![], next: None, more: false };
                notebook.store(&empty, answer.now).await?;
            }
        } else if answer.pages.iter().any(|page| page.more && matches!(page.log, LogId::Facility(_))) {
            // What a facility decided is shown by its sheets and settled by the log of the case: first all sheets.
            answer.pages.retain(|page| matches!(page.log, LogId::Facility(_)));
        }
        let more = answer.pages.iter().any(|page| page.more);
        let stored = store_answer(notebook, &answer, &cursors, progress, &mut run);
        if !more {
            stored.await?;
            return Ok(run);
        }
        // Where the phone will stand once this is stored.
        let mut then = cursors.clone();
        for page in &answer.pages {
            then.insert(page.log.clone(), page.next);
        }
        // What tells of other logs is stored before anything is asked by it.
        if was_anew || answer.briefing.is_some() {
            stored.await?;
            continue;
        }
        let tag = notebook.briefing().await?.map(|briefing| briefing.tag).unwrap_or_default();
        let asked = match select(pin!(stored), pin!(office.pull(ask(phone, &then, tag)))).await {
            Either::Left((stored, asked)) => {
                // A store that fails is not kept waiting by the line.
                stored?;
                asked.await
            }
            Either::Right((asked, stored)) => {
                stored.await?;
                asked
            }
        };
        early = Some((then, asked?));
    }
}

type Cursors = Map<LogId, Option<crate::Cursor>>;

/// What to ask with what is stored: by the places in all logs that the phone knows of.
async fn next_request<N: Notebook>(
    notebook: &N,
    phone: Phone,
    outbox: &[OutboxItem],
    anew: bool,
) -> Result<(Cursors, PullRequest), SyncError> {
    let known = notebook.cursors().await?;
    let mut cursors: Cursors = known.into_iter().map(|(log, cursor)| (log, Some(cursor))).collect();
    // Logs that hold something of ours which the office has and no page has shown yet.
    for item in outbox {
        cursors.get_or_insert_with(item.change.log.clone(), || None);
    }
    let briefing = notebook.briefing().await?;
    if let Some(briefing) = &briefing {
        let places = Places::new(briefing.places.iter().cloned());
        for log in Worker::logs_of(phone.worker, &briefing.worker.grants, &places) {
            cursors.get_or_insert_with(log, || None);
        }
    }
    if anew {
        cursors.iter_mut().for_each(|(_, cursor)| *cursor = None);
    }
    let request = ask(phone, &cursors, briefing.map(|b| b.tag).unwrap_or_default());
    Ok((cursors, request))
}

fn ask(phone: Phone, cursors: &Cursors, briefing: String) -> PullRequest {
    PullRequest {
        v: limits::PROTOCOL_VERSION,
        worker: phone.worker,
        device: phone.device,
        cursors: cursors.clone(),
        briefing,
        signer: None,
        short: false,
    }
}

/// Stores an answer to a request by these cursors, page by page.
async fn store_answer<N: Notebook>(
    notebook: &N,
    answer: &PullAnswer,
    cursors: &Cursors,
    progress: &dyn Fn(&Run),
    run: &mut Run,
) -> Result<(), SyncError> {
    if let Some(briefing) = &answer.briefing {
        notebook.put_briefing(briefing).await?;
    }
    let ahead = answer.ahead.and_then(|ahead| usize::try_from(ahead).ok()).unwrap_or(0);
    // What this answer brings is still ahead until its page is stored.
    run.ahead = ahead + answer.pages.iter().map(|page| page.subjects.len()).sum::<usize>();
    // A page that says nothing new costs as much to store as one that does. Of an answer without any news one page is
    // stored, for what goes by the office's clock.
    let is_news = |page: &Page| {
        let stays = cursors.get(&page.log).copied().flatten() == page.next;
        page.reset || !page.subjects.is_empty() || !page.settled.is_empty() || !stays
    };
    let mut is_stored = answer.pages.iter().any(is_news);
    for page in &answer.pages {
        if is_news(page) || !std::mem::replace(&mut is_stored, true) {
            // By the office's clock: one day on which the phone's is wrong must not make it forget what it has to offer.
            notebook.store(page, answer.now).await?;
        }
        run.subjects += page.subjects.len();
        run.ahead -= page.subjects.len();
        progress(run);
    }
    Ok(())
}

/// One whole run: push before pull. What an earlier run had acknowledged, and all that was pulled still does not show, is
/// offered once more: the office knows it or takes it.
///
/// # Errors
/// [`SyncError`].
pub async fn run<N: Notebook, O: Office>(
    notebook: &N,
    office: &O,
    phone: Phone,
    clock: &dyn Fn() -> Timestamp,
    progress: &dyn Fn(&Run),
) -> Result<Run, SyncError> {
    let outbox = notebook.outbox().await?;
    let before: Set<ChangeId> = outbox.iter().filter(|item| is_acknowledged(item)).map(|item| item.change.id).collect();
    let (pushed, outbox) = push_outbox(notebook, office, phone, clock, outbox).await?;
    let pulled = pull_beside(notebook, office, phone, progress, &outbox).await?;
    if !before.is_empty() {
        let mut offered = notebook.outbox().await?;
        offered.retain(|item| is_acknowledged(item) && before.contains(&item.change.id));
        offered.iter_mut().for_each(|item| item.state = OutboxState::Queued);
        match offer_again(notebook, office, phone, clock, offered).await {
            // It comes again with the next run; this one has done what it was for.
            Ok(()) | Err(SyncError::Office(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Run { subjects: pulled.subjects, ..pushed })
}

/// What the phone shows of a subject: the office's parts with what waits in the outbox applied on top.
#[must_use]
pub fn overlay(parts: Parts, outbox: &[OutboxItem], subject: Subject) -> Parts {
    let mut parts = parts;
    let mut waiting: Vec<&Change> = outbox.iter().map(|item| &item.change).filter(|c| c.subject == subject).collect();
    while !waiting.is_empty() {
        // A correction is younger than what was built on the change in whose place it stands.
        let missing: Set<ChangeId> = waiting.iter().map(|change| change.origin()).collect();
        let ready = |change: &&Change| !change.body.builds_on().iter().any(|id| missing.contains(id));
        let (now, later): (Vec<&Change>, Vec<&Change>) = waiting.iter().partition(|change| ready(change));
        let (now, later) = if now.is_empty() { (later, vec![]) } else { (now, later) };
        for change in now {
            apply(&mut parts, &Entry::waiting(change.clone()));
        }
        waiting = later;
    }
    parts
}

/// Everything in the outbox that cannot come to be without the held change `of`, in the order of `n`.
#[must_use]
pub fn rests_on(outbox: &[OutboxItem], of: ChangeId) -> Vec<&OutboxItem> {
    let Some(first) = outbox.iter().find(|item| item.change.id == of) else { return vec![] };
    // What is there already, others may build on; under its name at least.
    if matches!(first.state, OutboxState::Held { why: Refusal::Twice | Refusal::OtherBody, .. }) {
        return vec![];
    }
    let mut missing: Set<ChangeId> = Set::from([first.change.origin()]);
    let mut unborn: Option<Subject> = first.change.body.opens().then_some(first.change.subject);
    let mut found: Vec<&OutboxItem> = vec![];
    let mut rest: Vec<&OutboxItem> = outbox.iter().filter(|item| item.change.id != of).collect();
    loop {
        let rests = |item: &&OutboxItem| {
            let change = &item.change;
            unborn == Some(change.subject) || change.body.builds_on().iter().any(|id| missing.contains(id))
        };
        let (now, later): (Vec<&OutboxItem>, Vec<&OutboxItem>) = rest.iter().partition(|item| rests(item));
        if now.is_empty() {
            crate::order::sort_by_key(&mut found, |item| item.change.n);
            return found;
        }
        missing.extend(now.iter().map(|item| item.change.origin()));
        unborn = unborn.or_else(|| now.iter().find(|i| i.change.body.opens()).map(|i| i.change.subject));
        found.extend(now);
        rest = later;
    }
}

/// How long to wait after `failures` failures in a row: doubling from two seconds to ten minutes, with jitter so that a
/// valley of phones does not call at once when the mast comes back. `random` in 0..1.
#[must_use]
pub fn backoff_ms(failures: u32, random: f64) -> u32 {
    let base = 2_000_u64.saturating_mul(1 << failures.min(9)).min(600_000);
    let jittered = base as f64 * (0.5 + random.clamp(0.0, 1.0) / 2.0);
    jittered as u32
}
