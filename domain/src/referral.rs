//! A referral: what is asked of whom, the chain it must pass, and the only moves its status can make.

use serde::{Deserialize, Serialize};

use crate::{
    case::Told,
    catalogue::{self, ServiceCode},
    consent::Sharing,
    id::{ChangeId, FacilityId, PlaceId, WorkerId},
    time::{Day, TimeLimit, Timestamp},
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What is asked for (product §5).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReferralKind { $($(#[$doc])* #[serde(rename = $code)] $variant,)* }

        impl ReferralKind {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    Advice = "advice",
    Link = "link",
    AdmissionSpecial = "admission_special",
    AdmissionEmergency = "admission_emergency",
    AdmissionVoluntary = "admission_voluntary",
    /// With a household, at most three months.
    TemporaryPlacement = "temporary_placement",
    CommunityCare = "community_care",
    DayCare = "day_care",
    HomeCare = "home_care",
    OutreachVisit = "outreach_visit",
    Training = "training",
    Rehabilitation = "rehabilitation",
    Health = "health",
    Job = "job",
    /// Voluntary only, with its own consent.
    DrugRehab = "drug_rehab",
    ChildProtection = "child_protection",
    Legal = "legal",
    /// Allowances and papers.
    Policy = "policy",
    InKind = "in_kind",
    Tracing = "tracing",
    Reintegration = "reintegration",
}

impl ReferralKind {
    /// Kinds that protect somebody at once. Refusing one needs a reason and another provider (Law on Children
    /// 102/2016/QH13, Article 6; Decree 20/2021/NĐ-CP, Article 18), and consent that could not be asked for is no bar.
    #[must_use]
    pub fn is_emergency(self) -> bool {
        matches!(self, Self::AdmissionEmergency | Self::TemporaryPlacement | Self::ChildProtection)
    }
}

/// Who is asked to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    Facility(FacilityId),
    /// The outreach team that serves this place.
    Team(PlaceId),
    /// A commune desk.
    Desk(PlaceId),
    /// A household, as it is called in the village; its commune's supervisor acts for it.
    Household(String),
}

/// What a step of the chain asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Recorded, moves nothing.
    Look,
    Approve,
    Forward,
    Accept,
    Receive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The desk of a commune, ward or special zone.
    Commune,
    Province,
    Receiver,
}

/// One step of the chain as it applied when the referral was received; later changes of the table do not reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStep {
    pub level: Level,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<TimeLimit>,
    /// The act that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<ChangeId>,
}

/// The chain of `kind` on `day`, from `data/approval_steps.csv`. Empty: no approval is needed.
#[must_use]
pub fn chain(kind: ReferralKind, day: Day) -> Vec<ChainStep> {
    catalogue::APPROVAL_STEPS
        .iter()
        .filter(|row| row.kind == kind.code() && row.is_valid_on(day))
        .filter_map(|row| {
            let level = match row.level {
                "commune" => Level::Commune,
                "province" => Level::Province,
                _ => Level::Receiver,
            };
            Some(ChainStep { level, action: row.action()?, limit: row.limit(), done: None })
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferralStatus {
    /// Only on the phone of whoever writes it.
    Draft,
    Submitted,
    Returned,
    Approved,
    Forwarded,
    Waitlisted,
    Accepted,
    InService,
    TemporaryLeave,
    Completed,
    Refused,
    Cancelled,
}

impl ReferralStatus {
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Refused | Self::Cancelled)
    }
    fn is_before_service(self) -> bool {
        matches!(
            self,
            Self::Submitted | Self::Returned | Self::Approved | Self::Forwarded | Self::Waitlisted | Self::Accepted
        )
    }
}

/// The papers of an emergency reception, which follow within ten working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Papers {
    Due,
    Approved,
    Refused,
}

/// What somebody does to a referral. Texts are at most [`crate::limits::TEXT_CHARS`] long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Look,
    Approve {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<DecisionDocument>,
    },
    /// Back to the writer with a question.
    Return {
        question: String,
    },
    /// The writer's answer to the question.
    Answer {
        text: String,
    },
    Refuse {
        reason: String,
        /// Required for emergency kinds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alternative: Option<Receiver>,
    },
    Forward,
    Accept,
    Waitlist {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// The person has really been received.
    Receive {
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// Day of the first follow-up visit that the facility asks of the village.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        follow_up: Option<Day>,
    },
    Leave {
        to: String,
        back_on: Day,
    },
    ComeBack,
    Complete {
        outcome: String,
    },
    /// Withdrawn by the writer or by the person.
    Cancel {
        reason: String,
    },
}

/// The paper behind a decision; the commune chairman signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionDocument {
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Day>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signer: String,
}

/// Who acts, as far as the chain is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Writer,
    Supervisor(Level),
    Receiver,
}

impl Act {
    /// The side that may do it.
    #[must_use]
    pub fn belongs_to(&self, side: Side) -> bool {
        match self {
            Self::Look | Self::Return { .. } => matches!(side, Side::Supervisor(_)),
            Self::Approve { .. } => matches!(side, Side::Supervisor(_)),
            Self::Forward => side == Side::Supervisor(Level::Province),
            Self::Refuse { .. } => side != Side::Writer,
            Self::Answer { .. } | Self::Cancel { .. } => side == Side::Writer,
            Self::Accept
            | Self::Waitlist { .. }
            | Self::Receive { .. }
            | Self::Leave { .. }
            | Self::ComeBack
            | Self::Complete { .. } => side == Side::Receiver,
        }
    }
}

/// One act with who and when; nobody edits it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRecord {
    pub change: ChangeId,
    pub by: WorkerId,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    pub act: Act,
    /// The status it led to; `None` when somebody else's decision had come first, or when nothing moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<ReferralStatus>,
    /// What was received until then was before their eyes; `None` in what was stored before this was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
}

/// A running clock: the time to leave a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub action: Action,
    pub level: Level,
    pub from: Timestamp,
    pub at: Timestamp,
}

/// Where a referral stands; the same on the case and on the receiver's sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub status: ReferralStatus,
    /// `None` until the office has received it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<ChainStep>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub papers: Option<Papers>,
    /// Moves when what is asked moves: a decision made on an older one must look again.
    pub version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<ActRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dues: Vec<Due>,
}

/// A move that the status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum DecideError {
    #[error("not possible while the referral is {0:?}")]
    NotNow(ReferralStatus),
    #[error("whoever wrote a referral never approves it")]
    OwnReferral,
    #[error("not a step of this person")]
    NotYourStep,
    #[error("the content moved since it was read")]
    LookAgain,
    #[error("a refusal needs a written reason")]
    ReasonMissing,
    #[error("refusing emergency protection needs another provider")]
    AlternativeMissing,
    #[error("a question must be written")]
    QuestionMissing,
}

impl Progress {
    #[must_use]
    pub fn new(chain: Option<Vec<ChainStep>>) -> Self {
        let mut progress =
            Self { status: ReferralStatus::Submitted, chain, papers: None, version: 1, acts: vec![], dues: vec![] };
        progress.forward_by_itself();
        progress
    }

    /// The open step that `side` may do with `action`.
    fn open_step(&self, action: Action, side: Side) -> Option<usize> {
        let level = match side {
            Side::Supervisor(level) => level,
            Side::Receiver => Level::Receiver,
            Side::Writer => return None,
        };
        let chain = self.chain.as_deref()?;
        chain.iter().position(|s| s.done.is_none() && s.action == action && s.level == level)
    }

    /// No desk stands before the receiver any more: the system forwards.
    fn forward_by_itself(&mut self) {
        let Some(chain) = &self.chain else { return };
        let desk_first = chain
            .iter()
            .take_while(|s| s.level != Level::Receiver)
            .any(|s| s.done.is_none() && matches!(s.action, Action::Approve | Action::Forward));
        // A chain that begins with a look and a reception (an emergency) waits as submitted and may be received at once.
        let waits_for_reception =
            self.status == ReferralStatus::Submitted && chain.iter().any(|s| s.action == Action::Receive);
        let at_desk = matches!(self.status, ReferralStatus::Submitted | ReferralStatus::Approved);
        if at_desk && !desk_first && !waits_for_reception {
            self.status = ReferralStatus::Forwarded;
        }
    }

    /// Whether it went to the receiver as soon as the office had it, by its chain and not by anybody's act.
    #[must_use]
    pub fn begins_forwarded(&self) -> bool {
        let mut chain = self.chain.clone();
        chain.iter_mut().flatten().for_each(|step| step.done = None);
        Self::new(chain).status == ReferralStatus::Forwarded
    }

    /// Where an answered referral goes back to: the department when the commune had already approved.
    fn desk_that_asked(&self) -> ReferralStatus {
        let next = self.chain.as_deref().and_then(|chain| {
            chain.iter().find(|s| s.done.is_none() && matches!(s.action, Action::Approve | Action::Forward))
        });
        let at_department = next.is_some_and(|s| s.action == Action::Forward);
        if at_department { ReferralStatus::Approved } else { ReferralStatus::Submitted }
    }

    /// Whether the receiver may act before any approval: an emergency.
    #[must_use]
    pub fn receives_at_once(&self) -> bool {
        self.chain.as_deref().is_some_and(|c| c.iter().any(|s| s.action == Action::Receive))
    }

    /// The status that `act` of `side` would lead to; `Ok(None)` when it is recorded and moves nothing.
    ///
    /// # Errors
    /// [`DecideError::NotNow`] or [`DecideError::NotYourStep`].
    pub fn next(&self, act: &Act, side: Side) -> Result<Option<ReferralStatus>, DecideError> {
        use ReferralStatus as S;
        if !act.belongs_to(side) {
            return Err(DecideError::NotYourStep);
        }
        let now = self.status;
        let not_now = Err(DecideError::NotNow(now));
        match act {
            Act::Look => Ok(None),
            Act::Return { .. } if matches!(now, S::Submitted | S::Approved) => Ok(Some(S::Returned)),
            Act::Answer { .. } if now == S::Returned => Ok(Some(self.desk_that_asked())),
            Act::Approve { .. } | Act::Forward => {
                let action = if matches!(act, Act::Forward) { Action::Forward } else { Action::Approve };
                if self.open_step(action, side).is_none() {
                    return Err(if now.is_before_service() {
                        DecideError::NotYourStep
                    } else {
                        DecideError::NotNow(now)
                    });
                }
                match (action, now) {
                    (Action::Approve, S::Submitted) => Ok(Some(S::Approved)),
                    (Action::Forward, S::Approved) => Ok(Some(S::Forwarded)),
                    // After reception an approval moves the papers only.
                    (Action::Approve, S::InService | S::TemporaryLeave | S::Completed) if self.papers.is_some() => {
                        Ok(None)
                    }
                    // The receiver agreed before the desk did: the papers are right before the person comes.
                    (Action::Approve, S::Accepted | S::Waitlisted) if self.receives_at_once() => Ok(None),
                    _ => not_now,
                }
            }
            Act::Refuse { .. } => match (side, now) {
                (Side::Supervisor(_), S::Submitted | S::Approved) => Ok(Some(S::Refused)),
                (Side::Supervisor(_), S::InService | S::TemporaryLeave | S::Completed)
                    if self.papers == Some(Papers::Due) =>
                {
                    Ok(None)
                }
                (Side::Receiver, S::Forwarded | S::Waitlisted | S::Accepted) => Ok(Some(S::Refused)),
                (Side::Receiver, S::Submitted | S::Approved | S::Returned) if self.receives_at_once() => {
                    Ok(Some(S::Refused))
                }
                _ => not_now,
            },
            Act::Accept if matches!(now, S::Forwarded | S::Waitlisted) => Ok(Some(S::Accepted)),
            Act::Waitlist { .. } if matches!(now, S::Forwarded | S::Accepted) => Ok(Some(S::Waitlisted)),
            Act::Accept if self.receives_at_once() && now == S::Submitted => Ok(Some(S::Accepted)),
            Act::Receive { .. } if matches!(now, S::Forwarded | S::Accepted | S::Waitlisted) => Ok(Some(S::InService)),
            Act::Receive { .. } if self.receives_at_once() && now.is_before_service() => Ok(Some(S::InService)),
            Act::Leave { .. } if now == S::InService => Ok(Some(S::TemporaryLeave)),
            Act::ComeBack if now == S::TemporaryLeave => Ok(Some(S::InService)),
            Act::Complete { .. } if matches!(now, S::InService | S::TemporaryLeave) => Ok(Some(S::Completed)),
            Act::Cancel { .. } if now.is_before_service() => Ok(Some(S::Cancelled)),
            _ => not_now,
        }
    }

    /// Records an act. Total: an act that the status does not allow stays as a visible note and moves nothing; the same
    /// change again changes nothing.
    pub fn record(&mut self, record: ActRecord, side: Side, dues: Option<Vec<Due>>) {
        if self.acts.iter().any(|a| a.change == record.change) {
            return;
        }
        let mut record = record;
        if let Ok(next) = self.next(&record.act, side) {
            self.mark(&record, side, next);
            if let Some(status) = next {
                self.status = status;
                self.forward_by_itself();
                record.moved_to = Some(self.status);
            }
            if matches!(record.act, Act::Answer { .. }) {
                self.version += 1;
            }
            if let Some(dues) = dues {
                self.dues = dues;
            } else {
                let over = self.status.is_final() && self.papers != Some(Papers::Due);
                self.dues.retain(|d| self.chain.as_deref().is_some_and(|c| is_open(c, d)) && !over);
            }
        }
        self.acts.push(record);
    }

    fn mark(&mut self, record: &ActRecord, side: Side, next: Option<ReferralStatus>) {
        let action = match record.act {
            Act::Look => Some(Action::Look),
            Act::Approve { .. } => Some(Action::Approve),
            Act::Forward => Some(Action::Forward),
            Act::Accept => Some(Action::Accept),
            Act::Receive { .. } => Some(Action::Receive),
            _ => None,
        };
        if let Some(at) = action.and_then(|a| self.open_step(a, side))
            && let Some(chain) = &mut self.chain
        {
            chain[at].done = Some(record.change);
        }
        let papers_wait =
            || self.chain.as_deref().is_some_and(|c| c.iter().any(|s| s.action == Action::Approve && s.done.is_none()));
        match (&record.act, next) {
            (Act::Receive { .. }, _) if self.receives_at_once() => {
                self.papers = Some(if papers_wait() { Papers::Due } else { Papers::Approved });
            }
            (Act::Approve { .. }, None) if self.papers.is_some() => self.papers = Some(Papers::Approved),
            (Act::Refuse { .. }, None) => self.papers = Some(Papers::Refused),
            _ => {}
        }
    }

    /// A phone report was logged that lies before the start of the clocks in hours: they run from it.
    pub fn told(&mut self, at: Timestamp) {
        let Some(chain) = self.chain.as_deref() else { return };
        for due in &mut self.dues {
            let step = chain.iter().find(|s| s.done.is_none() && s.action == due.action && s.level == due.level);
            if let Some(limit @ TimeLimit::Hours(_)) = step.and_then(|s| s.limit)
                && at < due.from
            {
                due.from = at;
                due.at = limit.deadline(at);
            }
        }
    }

    /// The clocks that run in this state, which the office learned of at `at`. Clocks in hours run from `start`: when the
    /// office received the referral, for a child the earlier phone report if one was logged.
    #[must_use]
    pub fn clocks(&self, start: Timestamp, at: Timestamp) -> Vec<Due> {
        use ReferralStatus as S;
        let Some(chain) = self.chain.as_deref() else { return vec![] };
        let papers_due = self.papers == Some(Papers::Due);
        if self.status.is_final() && !papers_due {
            return vec![];
        }
        let mut dues = Vec::new();
        let mut stage_found = false;
        for step in chain.iter().filter(|s| s.done.is_none()) {
            let Some(limit) = step.limit else { continue };
            let runs = match limit {
                // Hours run side by side from the start, also while a question is out: they protect the person.
                TimeLimit::Hours(_) => self.status.is_before_service(),
                // Of the working-day clocks only the next desk's runs, and stands while the village answers; papers wait
                // for the real reception and outlast the stay.
                TimeLimit::WorkingDays(_) => {
                    let papers = step.action == Action::Approve && self.receives_at_once();
                    let at_desk = self.status.is_before_service() && self.status != S::Returned;
                    let running = if papers { papers_due } else { at_desk };
                    running && !std::mem::replace(&mut stage_found, true)
                }
            };
            if !runs {
                continue;
            }
            // A clock that already runs keeps its start.
            let kept = self.dues.iter().find(|d| d.action == step.action && d.level == step.level);
            let from = match (kept, limit) {
                (Some(due), _) => due.from,
                (None, TimeLimit::Hours(_)) => start,
                (None, TimeLimit::WorkingDays(_)) => at,
            };
            dues.push(Due { action: step.action, level: step.level, from, at: limit.deadline(from) });
        }
        dues
    }

    /// The question a returned referral waits on.
    #[must_use]
    pub fn question(&self) -> Option<&str> {
        if self.status != ReferralStatus::Returned {
            return None;
        }
        self.acts
            .iter()
            .rev()
            .find_map(|a| if let Act::Return { question } = &a.act { Some(&**question) } else { None })
    }
}

fn is_open(chain: &[ChainStep], due: &Due) -> bool {
    chain.iter().any(|s| s.done.is_none() && s.action == due.action && s.level == due.level)
}

/// What a writer asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralAsk {
    pub kind: ReferralKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceCode>,
    pub receiver: Receiver,
    pub reason: String,
    pub sharing: Sharing,
}

/// A phone report counts for a referral's clocks if it was made in the day before; an older call was about something else.
pub const TOLD_BEFORE_MS: i64 = 24 * 3_600_000;

/// A referral on its case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    pub id: ChangeId,
    pub ask: ReferralAsk,
    pub author: WorkerId,
    pub recorded_at: Timestamp,
    /// When it was written, by the office's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    pub progress: Progress,
}

impl Referral {
    /// From when clocks in hours run, given the phone reports logged on the case.
    #[must_use]
    pub fn hours_start(&self, received_at: Timestamp, told: &[(ChangeId, Told)]) -> Timestamp {
        let counted = told.iter().filter(|(_, told)| self.counts_report(told));
        counted.map(|(_, told)| told.counts_from()).fold(received_at, Timestamp::min)
    }
    /// Whether a phone report is about this referral: by the office's clock where it is known, for the two may have been
    /// written on two phones.
    #[must_use]
    pub fn counts_report(&self, told: &Told) -> bool {
        let asked_at = self.asked_at.unwrap_or(self.recorded_at);
        self.ask.kind == ReferralKind::ChildProtection && told.counts_from() >= asked_at.plus_ms(-TOLD_BEFORE_MS)
    }
}
