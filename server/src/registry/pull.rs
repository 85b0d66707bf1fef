//! What a worker may see behind their cursors: pages of their logs, all from one moment. It knows order, marks and
//! limits; who sees what is `domain`'s to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use domain::access::activity_is_seen_by;
use domain::office::mark;
use domain::{
    Briefing, CaseId, ChangeId, Cursor, DeviceId, Entry, Grant, LogId, Page, Part, PartKey, PartRow, PlaceId, Places,
    PullAnswer, PullRequest, Reach, Receipt, Subject, SubjectPage, Timestamp, Worker, WorkerId, access, limits,
};
use serde::{Deserialize, Serialize};

use super::briefing;
use super::ledger::Shown;
use super::write::{Writing, about_change, about_device, about_part};
use crate::audit;
use crate::database::{self, Connection};
use crate::keys::OfficeKeys;
use crate::seal::Seal;
use crate::staff::{Roster, Staff};

/// Rows looked at in one go; most are cut by the page's own limits.
const CHUNK: i64 = 1_000;
/// Logs one call may ask for: a province has some seventy communes.
const LOGS: usize = 400;
/// A contact within this time of the last one is not worth a write.
const CONTACT_MS: i64 = 3_600_000;

/// What must be written down about a pull before it is answered.
pub(super) struct Witnessed {
    worker: WorkerId,
    device: DeviceId,
    /// The rights that the answer tells the device of.
    grants: Vec<Grant>,
    /// Restricted cases that were read.
    reads: BTreeSet<(LogId, Subject)>,
    now: Timestamp,
}

impl Witnessed {
    pub(super) fn name(&self, names: &mut BTreeSet<String>) {
        names.insert(about_device(self.worker, self.device));
    }

    pub(super) async fn write(&self, writing: &mut Writing<'_>) -> Result<()> {
        // Rights that were changed while the answer was on its way are not what the device goes by for long: what it was told
        // counts only as far as it still stands, and nothing at all does for whoever has none.
        let roster = Arc::clone(&writing.roster);
        let standing = roster.grants(self.worker);
        let told = (standing.is_empty() || self.grants == standing).then_some(standing);
        writing.contact(self.worker, self.device, told, self.now).await?;
        for (log, subject) in &self.reads {
            let line = audit::Line {
                at: self.now,
                worker: self.worker.to_string(),
                device: self.device.to_string(),
                what: audit::READ,
                about: subject.to_string(),
            };
            writing.audit(log, line);
        }
        Ok(())
    }
}

/// What of an activity decides who sees it.
#[derive(Serialize, Deserialize)]
pub(super) struct ActivityReach {
    pub(super) place: PlaceId,
    pub(super) author: WorkerId,
}

impl ActivityReach {
    pub(super) fn is_seen_by(&self, worker: WorkerId, grants: &[Grant], places: &Places) -> bool {
        activity_is_seen_by(self.author, &self.place, worker, grants, places)
    }
}

/// The answer to a pull, `None` for somebody who works here no longer, and what must be witnessed first.
pub(super) async fn answer(
    staff: &Staff,
    request: &PullRequest,
    now: Timestamp,
) -> Result<(Option<PullAnswer>, Option<Witnessed>)> {
    // One transaction: every page shows the same moment.
    let mut snapshot = database::begin_to_read(&staff.pool).await?;
    let roster = staff.roster(&mut snapshot).await?;
    let Some(worker) = roster.people.get(&request.worker).cloned() else { return Ok((None, None)) };
    let mut reader = Reader {
        connection: &mut snapshot,
        seal: &staff.seal,
        office: &staff.keys,
        roster: Arc::clone(&roster),
        worker: &worker,
        request,
        left: limits::PULL_BYTES,
        reads: BTreeSet::new(),
        cases: BTreeMap::new(),
    };
    let mut pages = Vec::new();
    for log in reader.logs().await? {
        pages.push(reader.page(log).await?);
    }
    let ahead = reader.ahead(&pages).await?;
    let reads = std::mem::take(&mut reader.reads);
    let briefing = reader.briefing().await?;
    let last_contact = sqlx::query_as::<_, (i64, String)>(
        "select contact_at, grants from device where worker_id = $1 and device = $2",
    )
    .bind(worker.id.to_string())
    .bind(request.device.to_string())
    .fetch_optional(&mut *snapshot)
    .await?;
    snapshot.rollback().await?;
    let same = last_contact.is_some_and(|(at, grants)| {
        now.0 - at < CONTACT_MS && serde_json::from_str::<Vec<Grant>>(&grants).is_ok_and(|g| g == worker.grants)
    });
    let witnessed = (!same || !reads.is_empty()).then(|| Witnessed {
        worker: worker.id,
        device: request.device,
        grants: worker.grants.clone(),
        reads,
        now,
    });
    Ok((Some(PullAnswer { now, pages, ahead, briefing }), witnessed))
}

/// What a cursor carries of a position.
struct Mark {
    whole: ChangeId,
    /// As phones have it that have not called since this was all it said: they need not take everything anew.
    of_chain: ChangeId,
}

impl Mark {
    fn is(&self, mark: ChangeId) -> bool {
        self.whole == mark || self.of_chain == mark
    }
}

struct Reader<'r> {
    connection: &'r mut Connection,
    seal: &'r Seal,
    office: &'r OfficeKeys,
    roster: Arc<Roster>,
    worker: &'r Worker,
    request: &'r PullRequest,
    /// Bytes of content that this answer may still carry.
    left: usize,
    reads: BTreeSet<(LogId, Subject)>,
    /// Whether the worker sees a case that another names.
    cases: BTreeMap<CaseId, bool>,
}

/// A row of `part` without its body: position, subject, key, size, and what decides who sees it.
type PartLine = (i64, String, String, i64, Option<String>);

impl Reader<'_> {
    /// Facilities' logs first, so that a decision is shown before it is settled; the own one last.
    async fn logs(&mut self) -> Result<Vec<LogId>> {
        let mut logs: BTreeSet<LogId> = self.worker.logs(&self.roster.rules.places).into_iter().collect();
        // Cases shown by the own log live in logs that this worker would not follow otherwise.
        let elsewhere =
            sqlx::query_scalar::<_, String>("select distinct subject_log from sight where log = $1 and shown > 0")
                .bind(LogId::Worker(self.worker.id).to_string())
                .fetch_all(&mut *self.connection)
                .await?;
        for log in elsewhere {
            logs.insert(log.parse()?);
        }
        logs.extend(self.request.cursors.keys().take(LOGS).cloned());
        let mut logs: Vec<LogId> = logs.into_iter().collect();
        logs.sort_by_key(|log| match log {
            LogId::Facility(_) => 0,
            LogId::Place(_) => 1,
            LogId::Worker(_) => 2,
        });
        Ok(logs)
    }

    /// About how many subjects changed behind these pages, `None` when nothing did: rows are counted, which an index does
    /// alone, and taken to be as many to a subject as on these pages.
    async fn ahead(&mut self, pages: &[Page]) -> Result<Option<u64>> {
        let on_pages = pages.iter().flat_map(|page| &page.subjects);
        let (subjects, parts) = on_pages
            .fold((0_u64, 0_u64), |(subjects, parts), on_page| (subjects + 1, parts + on_page.parts.len() as u64));
        let mut ahead = None;
        for page in pages.iter().filter(|page| page.more) {
            let query = match page.log {
                LogId::Place(_) | LogId::Facility(_) => "select count(*) from part where log = $1 and seq > $2",
                LogId::Worker(_) => "select count(*) from sight where log = $1 and seq > $2",
            };
            let rows = sqlx::query_scalar::<_, i64>(query)
                .bind(page.log.to_string())
                .bind(page.next.map_or(0, |next| i64::try_from(next.seq).unwrap_or(i64::MAX)))
                .fetch_one(&mut *self.connection)
                .await?;
            let rows = u64::try_from(rows)?;
            let about = match page.log {
                LogId::Worker(_) => rows,
                _ => (rows * subjects.max(1)).div_ceil(parts.max(1)),
            };
            *ahead.get_or_insert(0) += about;
        }
        Ok(ahead)
    }

    async fn page(&mut self, log: LogId) -> Result<Page> {
        let cursor = self.request.cursors.get(&log).copied().flatten();
        let mut page = Page { log, reset: false, subjects: vec![], settled: vec![], next: None, more: false };
        let is_own = match &page.log {
            LogId::Place(_) => true,
            LogId::Worker(id) => *id == self.worker.id,
            LogId::Facility(id) => self.holds(*id),
        };
        if !is_own {
            // Somebody else's, or no longer one's own: what came from it is forgotten.
            page.reset = cursor.is_some();
            return Ok(page);
        }
        if self.left == 0 {
            page.next = cursor;
            page.more = true;
            return Ok(page);
        }
        let mut from = 0;
        if let Some(Cursor { seq, mark }) = cursor {
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            if self.mark_at(&page.log, seq).await?.is_some_and(|at| at.is(mark)) {
                from = seq;
            } else {
                page.reset = true;
            }
        }
        let head = sqlx::query_scalar::<_, i64>("select seq from log where log = $1")
            .bind(page.log.to_string())
            .fetch_optional(&mut *self.connection)
            .await?
            .unwrap_or(0);
        let last = match page.log {
            LogId::Place(_) | LogId::Facility(_) => self.fill_with_parts(&mut page, from, head).await?,
            LogId::Worker(_) => self.fill_with_sights(&mut page, from).await?,
        };
        page.more = last.is_some();
        let last = last.unwrap_or(head);
        page.next = match self.mark_at(&page.log, last).await? {
            Some(Mark { whole, .. }) => Some(Cursor { seq: u64::try_from(last)?, mark: whole }),
            None => None,
        };
        Ok(page)
    }

    fn holds(&self, facility: domain::FacilityId) -> bool {
        self.worker.grants.iter().any(|g| g.facility == Some(facility))
    }

    /// What stands for a log up to a position: after a restored backup the same change may stand there again, and before it
    /// something else.
    async fn mark_at(&mut self, log: &LogId, seq: i64) -> Result<Option<Mark>> {
        let query = match log {
            LogId::Place(_) => "select id, chain, received_at from change where log = $1 and seq = $2",
            LogId::Worker(_) | LogId::Facility(_) => {
                "select mark.id, mark.chain, change.received_at from mark left join change on change.id = mark.id
                 where mark.log = $1 and mark.seq = $2"
            }
        };
        let found = sqlx::query_as::<_, (String, Option<Vec<u8>>, Option<i64>)>(query)
            .bind(log.to_string())
            .bind(seq)
            .fetch_optional(&mut *self.connection)
            .await?;
        let Some((id, chain, received_at)) = found else { return Ok(None) };
        let id = id.parse()?;
        let chain = chain.as_deref().and_then(|chain| chain.first_chunk::<16>());
        // A row from before the chain of marks has none.
        let of_chain = chain.map_or(id, |chain| ChangeId(uuid::Uuid::from_bytes(*chain)));
        // The chain says what was written, not when it came: after a restored backup the same may come again, later.
        let whole = received_at.map_or(of_chain, |at| mark(Some(of_chain), id, Timestamp(at)));
        Ok(Some(Mark { whole, of_chain }))
    }

    /// Subjects with parts that changed after `from`, in the order of their changes, each as it is now. Returns where it
    /// stopped, if there is more.
    async fn fill_with_parts(&mut self, page: &mut Page, from: i64, head: i64) -> Result<Option<i64>> {
        let log = page.log.to_string();
        let mut sight: BTreeMap<String, Option<Option<String>>> = BTreeMap::new();
        let stopped = self.choose(page, &log, from, &mut sight).await?;
        page.settled = self.settled(&page.log, from, stopped.unwrap_or(head)).await?;
        // A change leaves the overlay only with a page that shows it, though its parts moved on since.
        for subject in self.subjects_of(&page.log, from, stopped.unwrap_or(head)).await? {
            let name = subject.to_string();
            if page.subjects.iter().any(|s| s.subject == subject) || !self.sees(&page.log, &name, &mut sight).await? {
                continue;
            }
            page.subjects.push(SubjectPage { subject, whole: false, parts: vec![], gone: vec![] });
        }
        let mut subjects = std::mem::take(&mut page.subjects);
        for on_page in &mut subjects {
            let reach = sight.get(&on_page.subject.to_string()).cloned().flatten().flatten();
            let bytes = self.load_parts(on_page, &page.log, reach.as_deref(), from).await?;
            self.left = self.left.saturating_sub(bytes);
        }
        subjects.retain(|s| !s.parts.is_empty() || !s.gone.is_empty());
        page.subjects = subjects;
        Ok(stopped)
    }

    /// Which subjects go onto a page, by rows without their bodies.
    async fn choose(
        &mut self,
        page: &mut Page,
        log: &str,
        from: i64,
        sight: &mut BTreeMap<String, Option<Option<String>>>,
    ) -> Result<Option<i64>> {
        let mut after = (from, String::from("~"));
        let mut chosen: BTreeSet<Subject> = BTreeSet::new();
        let mut bytes = 0;
        loop {
            let rows = sqlx::query_as::<_, PartLine>(
                "select part.seq, part.subject, part.key, length(part.body), subject.reach
                 from part left join subject on subject.subject = part.subject
                 where part.log = $1 and part.seq >= $2 and (part.seq, part.key) > ($2, $3)
                 order by part.seq, part.key limit $4",
            )
            .bind(log)
            .bind(after.0)
            .bind(&after.1)
            .bind(CHUNK)
            .fetch_all(&mut *self.connection)
            .await?;
            let is_last = i64::try_from(rows.len())? < CHUNK;
            for (seq, name, key, size, reach) in rows {
                let is_new_change = seq != after.0;
                after = (seq, key);
                let subject: Subject = name.parse()?;
                let visible = match sight.get(&name) {
                    Some(reach) => reach.is_some(),
                    None => {
                        let visible = self.sees_row(&page.log, subject, reach.as_deref())?;
                        sight.insert(name, visible.then_some(reach));
                        visible
                    }
                };
                if !visible {
                    continue;
                }
                let is_full = !chosen.contains(&subject) && chosen.len() == limits::PAGE_SUBJECTS;
                if is_new_change && !chosen.is_empty() && (is_full || bytes >= self.left) {
                    return Ok(Some(seq - 1));
                }
                bytes += self.cost(&after.1, usize::try_from(size)?);
                if chosen.insert(subject) {
                    page.subjects.push(SubjectPage { subject, whole: false, parts: vec![], gone: vec![] });
                }
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// Whether the worker sees a subject that no row of the page was about.
    async fn sees(
        &mut self,
        log: &LogId,
        name: &str,
        sight: &mut BTreeMap<String, Option<Option<String>>>,
    ) -> Result<bool> {
        if let Some(reach) = sight.get(name) {
            return Ok(reach.is_some());
        }
        let reach = sqlx::query_scalar::<_, Option<String>>("select reach from subject where subject = $1")
            .bind(name)
            .fetch_optional(&mut *self.connection)
            .await?
            .flatten();
        let visible = self.sees_row(log, name.parse()?, reach.as_deref())?;
        sight.insert(name.to_owned(), visible.then_some(reach));
        Ok(visible)
    }

    /// Subjects of this device's changes between the positions.
    async fn subjects_of(&mut self, log: &LogId, from: i64, last: i64) -> Result<Vec<Subject>> {
        let query = match log {
            LogId::Place(_) => {
                "select distinct subject from change
                 where log = $1 and seq > $2 and seq <= $3 and device = $4 and author = $5"
            }
            _ => {
                "select distinct change.subject from mark join change on change.id = mark.id
                 where mark.log = $1 and mark.seq > $2 and mark.seq <= $3 and change.device = $4 and change.author = $5"
            }
        };
        let rows = sqlx::query_scalar::<_, String>(query)
            .bind(log.to_string())
            .bind(from)
            .bind(last)
            .bind(self.request.device.to_string())
            .bind(self.worker.id.to_string())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.into_iter().map(|name| Ok(name.parse()?)).collect()
    }

    /// Cases that this worker sees now and did not, whole; those no longer seen, without anything.
    async fn fill_with_sights(&mut self, page: &mut Page, from: i64) -> Result<Option<i64>> {
        let rows = sqlx::query_as::<_, (i64, String, String)>(
            "select seq, subject, subject_log from sight where log = $1 and seq > $2 order by seq",
        )
        .bind(page.log.to_string())
        .bind(from)
        .fetch_all(&mut *self.connection)
        .await?;
        let mut done = BTreeSet::new();
        let mut bytes = 0;
        for (seq, name, log) in rows {
            let subject: Subject = name.parse()?;
            if done.contains(&subject) {
                continue;
            }
            if page.subjects.len() == limits::PAGE_SUBJECTS || (bytes >= self.left && bytes > 0) {
                self.left = self.left.saturating_sub(bytes);
                return Ok(Some(seq - 1));
            }
            done.insert(subject);
            let log: LogId = log.parse()?;
            let reach = sqlx::query_as::<_, (Option<String>, i64)>(
                "select reach, born from subject where log = $1 and subject = $2",
            )
            .bind(log.to_string())
            .bind(&name)
            .fetch_optional(&mut *self.connection)
            .await?;
            let (reach, born) = reach.unwrap_or((None, 0));
            let mut whole = SubjectPage { subject, whole: true, parts: vec![], gone: vec![] };
            if self.sees_row(&log, subject, reach.as_deref())? {
                bytes += self.load_parts(&mut whole, &log, reach.as_deref(), 0).await?;
            }
            let excluded = self.is_excluded(subject, reach.as_deref())?;
            let facilities: Vec<_> = self.worker.grants.iter().filter_map(|g| g.facility).collect();
            whole.gone.clear();
            for facility in facilities {
                let sheets = LogId::Facility(facility);
                if excluded {
                    whole.gone.extend(self.sheets_it_had(subject, &sheets).await?);
                } else {
                    bytes += self.load_parts(&mut whole, &sheets, reach.as_deref(), 0).await?;
                }
            }
            // What somebody never had is never mentioned to them.
            let nothing = whole.parts.is_empty() && whole.gone.is_empty();
            if nothing && !page.reset && !self.had(subject, &log, born, from).await? {
                continue;
            }
            page.subjects.push(whole);
        }
        self.left = self.left.saturating_sub(bytes);
        Ok(None)
    }

    /// What a part of so many bytes takes of the answer. A header in its short form is half as long, or less while nobody
    /// has edited the case.
    fn cost(&self, key: &str, bytes: usize) -> usize {
        if self.request.short && key == "header" { bytes / 2 } else { bytes }
    }

    /// Puts the parts of a subject that changed after `from` onto its page; returns what they take of the answer.
    async fn load_parts(
        &mut self,
        page: &mut SubjectPage,
        log: &LogId,
        reach: Option<&str>,
        from: i64,
    ) -> Result<usize> {
        let text = log.to_string();
        let rows = sqlx::query_as::<_, (String, i64, i64, i64, Vec<u8>)>(
            // `+seq`: SQLite would take the index by position and walk through the whole log.
            "select key, seq, gone, coalesce(born, 0), body from part
             where log = $1 and subject = $2 and +seq > $3 order by key",
        )
        .bind(&text)
        .bind(page.subject.to_string())
        .bind(from)
        .fetch_all(&mut *self.connection)
        .await?;
        let mut bytes = 0;
        for (name, seq, gone, born, body) in rows {
            let key = name.parse()?;
            if gone != 0 {
                // What came and went since this phone read the log is not named to it.
                if born <= from && from > 0 {
                    page.gone.push(key);
                }
                continue;
            }
            bytes += self.cost(&name, body.len());
            let mut part: Part = self.seal.open_json(&about_part(&text, page.subject, &name), &body)?;
            self.veil(&mut part).await?;
            self.witness(page.subject, &part, reach, log);
            page.parts.push(PartRow { key, seq: u64::try_from(seq)?, part });
        }
        Ok(bytes)
    }

    /// Takes out what names a case that this worker does not see.
    async fn veil(&mut self, part: &mut Part) -> Result<()> {
        for case in &access::cases_named(part) {
            if self.cases.contains_key(case) {
                continue;
            }
            let subject = Subject::Case(*case);
            let reach = sqlx::query_scalar::<_, Option<String>>("select reach from subject where subject = $1")
                .bind(subject.to_string())
                .fetch_optional(&mut *self.connection)
                .await?
                .flatten();
            let reach = reach.map(|reach| serde_json::from_str::<Reach>(&reach)).transpose()?;
            let worker = self.worker;
            let sees = reach.is_some_and(|reach| self.roster.rules.sees(worker.id, &worker.grants, &reach));
            self.cases.insert(*case, sees);
        }
        access::veil(part, &mut |case| self.cases.get(&case).copied().unwrap_or(false));
        Ok(())
    }

    /// Whether this phone may have got the subject before: shown by the own log, or by the log it lives in at a time when
    /// its person saw it.
    async fn had(&mut self, subject: Subject, log: &LogId, born: i64, from: i64) -> Result<bool> {
        let own = LogId::Worker(self.worker.id).to_string();
        let told = sqlx::query_scalar::<_, i64>(
            "select shown from sight where log = $1 and subject = $2 and seq <= $3 order by seq desc limit 1",
        )
        .bind(&own)
        .bind(subject.to_string())
        .bind(from)
        .fetch_optional(&mut *self.connection)
        .await?;
        if let Some(shown) = told {
            return Ok(shown > 0);
        }
        let next = sqlx::query_scalar::<_, i64>(
            "select shown from sight where log = $1 and subject = $2 and seq > $3 order by seq limit 1",
        )
        .bind(&own)
        .bind(subject.to_string())
        .bind(from)
        .fetch_optional(&mut *self.connection)
        .await?;
        // Whoever came to see it later did not before, however far their phone had read.
        let saw = next.is_none_or(|shown| shown != Shown::Now.code());
        let cursor = self.request.cursors.get(log).copied().flatten();
        Ok(saw && cursor.is_some_and(|c| i64::try_from(c.seq).is_ok_and(|seq| seq >= born)))
    }

    /// Sheets of a case that this phone may have from a facility's log.
    async fn sheets_it_had(&mut self, subject: Subject, log: &LogId) -> Result<Vec<PartKey>> {
        let Some(Cursor { seq, .. }) = self.request.cursors.get(log).copied().flatten() else { return Ok(vec![]) };
        let keys = sqlx::query_scalar::<_, String>(
            "select key from part where log = $1 and subject = $2 and coalesce(born, 0) <= $3 order by key",
        )
        .bind(log.to_string())
        .bind(subject.to_string())
        .bind(i64::try_from(seq).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.connection)
        .await?;
        keys.into_iter().map(|key| Ok(key.parse()?)).collect()
    }

    /// Whether the worker sees what a log holds of a subject.
    fn sees_row(&self, log: &LogId, subject: Subject, reach: Option<&str>) -> Result<bool> {
        let (worker, places) = (self.worker, &self.roster.rules.places);
        if let LogId::Facility(facility) = log {
            return Ok(self.holds(*facility) && !self.is_excluded(subject, reach)?);
        }
        Ok(match (subject, reach) {
            (Subject::Facility(_), _) => true,
            (Subject::Case(_), Some(reach)) => {
                self.roster.rules.sees(worker.id, &worker.grants, &serde_json::from_str::<Reach>(reach)?)
            }
            (Subject::Activity(_), Some(reach)) => {
                serde_json::from_str::<ActivityReach>(reach)?.is_seen_by(worker.id, &worker.grants, places)
            }
            (_, None) => false,
        })
    }

    /// Whether this worker must never see the case, not as a sheet either.
    fn is_excluded(&self, subject: Subject, reach: Option<&str>) -> Result<bool> {
        let (Subject::Case(_), Some(reach)) = (subject, reach) else { return Ok(false) };
        Ok(serde_json::from_str::<Reach>(reach)?.excluded.contains(&self.worker.id))
    }

    /// Notes that a restricted case is about to be read.
    fn witness(&mut self, subject: Subject, part: &Part, reach: Option<&str>, log: &LogId) {
        let restricted = match part {
            Part::Sheet(sheet) => sheet.restricted,
            _ => {
                matches!(subject, Subject::Case(_))
                    && reach.and_then(|r| serde_json::from_str::<Reach>(r).ok()).is_some_and(|r| r.restricted)
            }
        };
        if restricted {
            self.reads.insert((log.clone(), subject));
        }
    }

    /// Changes of this device between the positions, with what the office fixed about them.
    async fn settled(&mut self, log: &LogId, from: i64, last: i64) -> Result<Vec<(ChangeId, Receipt)>> {
        let query = match log {
            LogId::Place(_) => {
                "select id, body from change
                 where log = $1 and seq > $2 and seq <= $3 and device = $4 and author = $5 order by seq"
            }
            LogId::Facility(_) => {
                "select change.id, change.body from mark join change on change.id = mark.id
                 where mark.log = $1 and mark.seq > $2 and mark.seq <= $3 and change.device = $4
                   and change.author = $5 order by mark.seq"
            }
            LogId::Worker(_) => return Ok(vec![]),
        };
        let rows = sqlx::query_as::<_, (String, Vec<u8>)>(query)
            .bind(log.to_string())
            .bind(from)
            .bind(last)
            .bind(self.request.device.to_string())
            .bind(self.worker.id.to_string())
            .fetch_all(&mut *self.connection)
            .await?;
        let mut settled = Vec::with_capacity(rows.len());
        for (id, body) in rows {
            let entry: Entry = self.seal.open_json(&about_change(&id), &body)?;
            settled.extend(entry.receipt.map(|receipt| (entry.change.id, receipt)));
        }
        Ok(settled)
    }

    /// The briefing, unless the phone has just this one.
    async fn briefing(&mut self) -> Result<Option<Briefing>> {
        let mut authors = BTreeSet::new();
        // Whoever works here no longer is not told who does.
        let followed = if self.worker.grants.is_empty() { vec![] } else { self.worker.logs(&self.roster.rules.places) };
        for log in followed {
            let rows = sqlx::query_scalar::<_, String>("select worker_id from author where log = $1")
                .bind(log.to_string())
                .fetch_all(&mut *self.connection)
                .await?;
            for id in rows {
                authors.insert(id.parse()?);
            }
        }
        let briefing = briefing::write(&self.roster, self.worker, &authors, self.office.public())?;
        Ok(Some(briefing).filter(|b| b.tag != self.request.briefing))
    }
}
