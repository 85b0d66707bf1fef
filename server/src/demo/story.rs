//! A pen for the demo: writes what people recorded over the last year and pushes it through the same door as phones do.
//! It knows how to write a change, not what happens to whom.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use domain::change::ElementEdit;
use domain::consent::Sharing;
use domain::{
    Act, Body, CaseCode, CaseId, CaseStatus, Change, ChangeId, Consent, ConsentAnswer, ConsentForm, Day, DeviceId,
    Fact, FactName, FieldEdit, Giver, LogId, PlaceId, PushBatch, Receiver, ReferralAsk, ReferralKind, Registry,
    ServiceCode, Session, ShareItem, Side, Subject, Task, Timestamp, Verdict, Visit, limits,
};

use super::people;

const MINUTE_MS: i64 = 60_000;
/// Pushes that wait for one commit together.
const TOGETHER: usize = 24;
pub const HOUR: i64 = 60;
pub const DAY: i64 = 24 * HOUR;

/// Something that was recorded at one moment and received at another.
struct Step {
    received_at: Timestamp,
    user_name: &'static str,
    change: Change,
}

pub struct Story {
    now: Timestamp,
    /// Thousandths by which a year is shortened when the demo's rules are younger than that.
    scale: i64,
    steps: Vec<Step>,
    counters: BTreeMap<&'static str, u64>,
    /// When the office last heard of a subject: what follows came after.
    heard: BTreeMap<Subject, Timestamp>,
    seed: u64,
}

/// A case as the story goes on: what the next edit has seen.
#[derive(Debug, Clone)]
pub struct Case {
    pub id: CaseId,
    log: LogId,
    seen: BTreeMap<FactName, ChangeId>,
}

/// A referral as the story goes on.
#[derive(Debug, Clone)]
pub struct Asked {
    id: ChangeId,
    version: u32,
}

/// A moment of the story: when it was recorded, in minutes before now, and how long until the office had it.
#[derive(Debug, Clone, Copy)]
pub struct When {
    pub minutes_ago: i64,
    pub minutes_on_phone: i64,
}

/// Recorded so many days ago at an hour of the day, received after some hours.
pub const fn days(days: i64, hour: i64, hours_on_phone: i64) -> (i64, i64, i64) {
    (days, hour, hours_on_phone)
}

impl Story {
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        // The approval steps are valid from 01/07/2025.
        let span = Day::of(2025, 7, 10).map_or(365, |first| first.days_until(now.day()));
        let scale = (span * 1000 / 366).clamp(1, 1000);
        Self { now, scale, steps: vec![], counters: BTreeMap::new(), heard: BTreeMap::new(), seed: 0x5eed_ca00 }
    }

    /// The day so many days ago; a negative number lies ahead and is never shortened.
    pub fn day(&self, days_ago: i64) -> Day {
        let days = if days_ago > 0 { days_ago * self.scale / 1000 } else { days_ago };
        self.now.plus_ms(-days * DAY * MINUTE_MS).day()
    }

    /// A moment by the hour of its day.
    pub fn at(&self, (days_ago, hour, hours_on_phone): (i64, i64, i64)) -> When {
        let moment = self.day(days_ago).end().plus_ms((hour * HOUR + 7 * (days_ago % 8) - DAY) * MINUTE_MS);
        let minutes_ago = ((self.now.0 - moment.0) / MINUTE_MS).max(3);
        When { minutes_ago, minutes_on_phone: (hours_on_phone * HOUR).min(minutes_ago - 1).max(0) }
    }

    /// A moment close to now.
    pub fn just(&self, minutes_ago: i64, minutes_on_phone: i64) -> When {
        When { minutes_ago, minutes_on_phone: minutes_on_phone.min(minutes_ago - 1).max(0) }
    }

    fn random(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): the same story in every demo.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn recorded(&self, when: When) -> Timestamp {
        self.now.plus_ms(-when.minutes_ago * MINUTE_MS)
    }

    /// When something was recorded and received; on a shortened year never before what it answers.
    fn moments(&self, when: When, subject: Option<Subject>) -> (Timestamp, Timestamp) {
        let recorded_at = self.recorded(when);
        let received_at = recorded_at.plus_ms(when.minutes_on_phone * MINUTE_MS);
        let earliest = subject.and_then(|s| self.heard.get(&s)).map_or(received_at, |heard| heard.plus_ms(MINUTE_MS));
        let shift = (earliest.0 - received_at.0).max(0);
        (recorded_at.plus_ms(shift), received_at.plus_ms(shift))
    }

    /// Writes a change and returns its id.
    fn write(
        &mut self,
        who: &'static str,
        when: When,
        log: &LogId,
        subject: Option<Subject>,
        body: Body,
    ) -> Result<(ChangeId, Subject)> {
        let (recorded_at, received_at) = self.moments(when, subject);
        let (a, b) = (self.random().to_be_bytes(), self.random().to_be_bytes());
        let id =
            ChangeId::at(recorded_at.0.unsigned_abs(), [a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1]]);
        let subject = subject.unwrap_or(match body {
            Body::ActivityRecorded(_) => Subject::Activity(domain::ActivityId(id.0)),
            _ => Subject::Case(CaseId(id.0)),
        });
        let n = self.counters.entry(who).or_default();
        *n += 1;
        let change = Change {
            v: limits::PROTOCOL_VERSION,
            id,
            log: log.clone(),
            subject,
            author: people::worker(who)?,
            device: device(who)?,
            n: *n,
            recorded_at,
            replaces: None,
            body,
        };
        self.heard.insert(subject, received_at);
        self.steps.push(Step { received_at, user_name: who, change });
        Ok((id, subject))
    }

    /// Opens a case. `facts` holds at least the six answers but consent, which is given by the person unless said.
    pub fn open(&mut self, who: &'static str, when: When, code: &str, village: &str, facts: Vec<Fact>) -> Result<Case> {
        let commune = super::people::PROVINCE;
        let log = LogId::Place(commune_of(village).unwrap_or(commune).parse()?);
        let code = if code.is_empty() {
            let r = self.random().to_be_bytes();
            CaseCode::from_random([r[0], r[1], r[2], r[3], r[4], r[5]])
        } else {
            code.parse()?
        };
        let mut all = facts;
        all.push(Fact::HandledIn(village.parse()?));
        let day = self.recorded(when).day();
        let has = |all: &[Fact], name| all.iter().any(|f| f.name() == name);
        if !has(&all, FactName::Consent) {
            let spoken = Consent {
                given_by: Some(Giver::Myself),
                on: Some(day),
                form: Some(ConsentForm::Spoken),
                ..Consent::new(ConsentAnswer::Agreed)
            };
            all.push(Fact::Consent(spoken));
        }
        if !has(&all, FactName::Confidentiality) {
            all.push(Fact::Confidentiality(domain::Confidentiality::Normal));
        }
        if !has(&all, FactName::Source) {
            all.push(Fact::Source(domain::Source::Collaborator));
        }
        all.push(Fact::Status(CaseStatus::New));
        let names: Vec<FactName> = all.iter().map(Fact::name).collect();
        let (opened, subject) = self.write(who, when, &log, None, Body::CaseOpened { code, facts: all })?;
        let id = subject.case().context("a case was opened")?;
        Ok(Case { id, log, seen: names.into_iter().map(|name| (name, opened)).collect() })
    }

    pub fn edit(&mut self, who: &'static str, when: When, case: &mut Case, fact: Fact) -> Result<()> {
        let name = fact.name();
        let saw = case.seen.get(&name).copied().into_iter().collect();
        let body = Body::FactsEdited { edits: vec![FieldEdit { saw, fact, cleared: false }] };
        let (id, _) = self.on(who, when, case, body)?;
        case.seen.insert(name, id);
        Ok(())
    }

    pub fn status(&mut self, who: &'static str, when: When, case: &mut Case, status: CaseStatus) -> Result<()> {
        self.edit(who, when, case, Fact::Status(status))
    }

    pub fn on(&mut self, who: &'static str, when: When, case: &Case, body: Body) -> Result<(ChangeId, Subject)> {
        self.write(who, when, &case.log.clone(), Some(Subject::Case(case.id)), body)
    }

    pub fn group(
        &mut self,
        who: &'static str,
        when: When,
        case: &Case,
        group: &str,
        saw: &[ChangeId],
        now: bool,
    ) -> Result<ChangeId> {
        let edit = ElementEdit { saw: saw.to_vec(), element: group.into(), now };
        Ok(self.on(who, when, case, Body::GroupEdited(edit))?.0)
    }

    /// A visit; `next` in days from today, with what for.
    pub fn visit(
        &mut self,
        who: &'static str,
        when: When,
        case: &Case,
        met: &str,
        seen: &str,
        next: Option<(i64, &str)>,
    ) -> Result<()> {
        let on = self.recorded(when).day();
        let visit = Visit {
            on,
            place: String::new(),
            met: met.to_owned(),
            seen: seen.to_owned(),
            services: vec![],
            next: next.map(|(in_days, _)| self.day(-in_days).max(on)),
            next_what: next.map(|(_, what)| what.to_owned()).unwrap_or_default(),
        };
        self.on(who, when, case, Body::VisitRecorded(visit)).map(drop)
    }

    /// A task for the collaborator of a village, due in so many days from today.
    pub fn task(
        &mut self,
        who: &'static str,
        when: When,
        case: &Case,
        what: &str,
        in_days: i64,
        village: &str,
    ) -> Result<ChangeId> {
        let task = Task {
            what: what.to_owned(),
            due: Some(self.day(-in_days)),
            for_whom: domain::TaskFor::Village(village.parse()?),
        };
        Ok(self.on(who, when, case, Body::TaskWritten(task))?.0)
    }

    /// Asks somebody to act. `items`: what the person agreed to share; none: an emergency in which nobody could be asked.
    #[expect(clippy::too_many_arguments, reason = "a sentence of the story has as many words")]
    pub fn ask(
        &mut self,
        who: &'static str,
        when: When,
        case: &Case,
        kind: ReferralKind,
        service: &str,
        receiver: Receiver,
        reason: &str,
        items: &[ShareItem],
    ) -> Result<Asked> {
        let sharing = if items.is_empty() {
            Sharing::emergency()
        } else {
            Sharing {
                answer: ConsentAnswer::Agreed,
                items: items.to_vec(),
                given_by: Some(Giver::Myself),
                relation: String::new(),
            }
        };
        let service = if service.is_empty() { None } else { Some(ServiceCode::from(service)) };
        let ask = ReferralAsk { kind, service, receiver, reason: reason.to_owned(), sharing };
        let (id, _) = self.on(who, when, case, Body::ReferralAsked(ask))?;
        Ok(Asked { id, version: 1 })
    }

    pub fn act(
        &mut self,
        who: &'static str,
        when: When,
        case: &Case,
        asked: &mut Asked,
        side: Side,
        act: Act,
    ) -> Result<()> {
        let answers = matches!(act, Act::Answer { .. });
        let body = Body::ReferralActed { referral: asked.id, saw: asked.version, side, act, seen: None };
        self.on(who, when, case, body)?;
        asked.version += u32::from(answers);
        Ok(())
    }

    /// A change about a facility or an activity.
    pub fn elsewhere(
        &mut self,
        who: &'static str,
        when: When,
        log: &str,
        subject: Option<Subject>,
        body: Body,
    ) -> Result<ChangeId> {
        let log = LogId::Place(log.parse::<PlaceId>()?);
        Ok(self.write(who, when, &log, subject, body)?.0)
    }

    /// Pushes everything in the order in which the office got it, several pushes to a commit.
    pub async fn tell(mut self, registry: &dyn Registry) -> Result<()> {
        self.steps.sort_by_key(|step| step.received_at);
        for steps in self.steps.chunks(TOGETHER) {
            let mut pushes = Vec::with_capacity(steps.len());
            for step in steps {
                let worker = people::worker(step.user_name)?;
                let batch = PushBatch {
                    sent_at: None,
                    v: limits::PROTOCOL_VERSION,
                    worker,
                    device: device(step.user_name)?,
                    changes: vec![domain::json::Raw::of(&step.change)?],
                };
                pushes.push((Session { worker }, batch, step.received_at.min(self.now)));
            }
            // So few futures are polled in their order, and so the office gets them in it.
            let pushed = pushes.iter().map(|(session, batch, now)| registry.push(session, batch.clone(), *now));
            for (step, verdicts) in steps.iter().zip(futures::future::join_all(pushed).await) {
                let verdicts = verdicts?;
                if !matches!(verdicts[..], [Verdict::Accepted { .. }]) {
                    bail!("{} wrote {:?} and the office said {verdicts:?}", step.user_name, step.change.body);
                }
            }
        }
        Ok(())
    }
}

fn commune_of(village: &str) -> Option<&'static str> {
    [people::BAN_MAY, people::NA_SAM, people::PHO_NGOAI]
        .into_iter()
        .find(|commune| village.starts_with(commune))
        .or_else(|| village.starts_with("lh-na-sam").then_some(people::NA_SAM))
}

fn device(user_name: &str) -> Result<DeviceId> {
    let n = people::PEOPLE.iter().position(|p| p.user_name == user_name).context("nobody of this name")?;
    Ok(DeviceId(people::id(3, n)?))
}
