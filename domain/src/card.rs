//! One row of a list: what Today, Cases, the queue and the inbox show without opening the case. No more is kept in memory.

use serde::{Deserialize, Serialize};

use crate::{
    case::{CaseStatus, Urgency, members},
    catalogue::Tile,
    consent::ConsentAnswer,
    duty,
    id::{CaseCode, ChangeId, LogId, PlaceId, Subject, WorkerId},
    kin::{self, Link},
    part::{Facility, Parts},
    person::{PersonName, Sex},
    referral::{Act, Due, Papers, Receiver, ReferralKind, ReferralStatus},
    search,
    time::{Day, PartialDate, Timestamp},
};

/// One row of a list of cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub subject: Subject,
    pub log: LogId,
    pub code: CaseCode,
    pub author: WorkerId,
    /// `None` when not known, and always on a restricted case: its alias or code stands instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<PartialDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approximate_age: Option<u8>,
    /// `None` on a restricted case: never shown, never listed under a village filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// Where the person was found, for somebody without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<Tile>,
    pub status: CaseStatus,
    pub urgency: Urgency,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
    /// People disagree about something of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conflict: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_asked: bool,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
    pub changed_at: Timestamp,
    /// When somebody looked at it last, once every emergency of it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// What was received until then was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_until: Option<Timestamp>,
    /// The newest thing the office received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_visit: Option<(Day, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<CardTask>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referrals: Vec<CardReferral>,
    /// The last call to whoever is on duty about an emergency: whom, when, and whether it reached them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerted: Option<(WorkerId, Timestamp, bool)>,
    /// A facility's sheet, not a case of one's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sheet: bool,
    /// Name, other names and code, folded. Empty for restricted cases but for code and alias.
    pub folded: String,
    /// Other cases said to be of the same person, on this one.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Workers named on it.
    #[serde(default)]
    pub named: Vec<WorkerId>,
    /// It was given to another place since it was written.
    #[serde(default)]
    pub was_transferred: bool,
    /// Every place that is said to handle it: more than one while people disagree. Empty on a restricted case.
    #[serde(default)]
    pub places: Vec<PlaceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardTask {
    pub id: ChangeId,
    pub what: String,
    pub due: Option<Day>,
    pub for_whom: crate::TaskFor,
    /// Others whose it is too, while people disagree.
    #[serde(default)]
    pub or_for: Vec<crate::TaskFor>,
}

impl CardTask {
    /// Whose it is: more than one while people disagree.
    pub fn whose(&self) -> impl Iterator<Item = &crate::TaskFor> {
        std::iter::once(&self.for_whom).chain(&self.or_for)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardReferral {
    pub id: ChangeId,
    pub kind: ReferralKind,
    pub status: ReferralStatus,
    pub receiver: Option<Receiver>,
    pub author: WorkerId,
    pub received_at: Option<Timestamp>,
    pub dues: Vec<Due>,
    pub papers: Option<Papers>,
    /// The supervisor's open question.
    pub question: Option<String>,
    /// Who asked it.
    pub asked_by: Option<WorkerId>,
    /// When the status last moved.
    pub moved_at: Timestamp,
    pub receives_at_once: bool,
    pub looked: bool,
    /// The writer has answered the desk's question, and nothing came after: it is the desk's turn again.
    #[serde(default)]
    pub answered: bool,
    pub refused_because: Option<String>,
}

impl Card {
    /// The card of a case or of a facility's sheets of it; `None` for other subjects.
    #[must_use]
    pub fn of(subject: Subject, parts: &Parts) -> Option<Self> {
        Self::of_case(subject, parts).or_else(|| Self::of_sheets(subject, parts))
    }

    fn of_case(subject: Subject, parts: &Parts) -> Option<Self> {
        let header = parts.header()?;
        let facts = &header.facts;
        let restricted = header.is_restricted();
        let open = |plain: bool| plain && !restricted;
        let trail = parts.trail();
        let last = trail.and_then(|t| t.by_people().next_back());
        let looked = header.looked.as_ref();
        let newest_at = trail.and_then(|t| t.by_people().filter_map(|e| e.written.received_at).max());
        let alias = facts.alias.shown().filter(|a| restricted && !a.is_empty()).cloned();
        let name = if restricted { None } else { header.name().cloned() };
        let mut folded = crate::search::lower(header.code.as_str());
        for text in [name.as_ref().map(PersonName::as_str), alias.as_deref()].into_iter().flatten() {
            folded.push(' ');
            folded.push_str(&search::fold(text));
        }
        if let Some(other) = facts.other_names.shown().filter(|_| !restricted) {
            folded.push(' ');
            folded.push_str(&search::fold(other));
        }
        let next_visit = parts
            .visits()
            .max_by_key(|v| (v.visit.on, v.written.recorded_at))
            .and_then(|v| Some((v.visit.next?, v.visit.next_what.clone())));
        Some(Self {
            subject,
            log: header.log.clone(),
            code: header.code.clone(),
            author: header.author,
            name,
            alias,
            sex: facts.sex.shown().copied(),
            birth: facts.birth.shown().copied(),
            approximate_age: facts.approximate_age.shown().copied(),
            place: header.handled_in().filter(|_| open(true)).cloned(),
            found: facts.found.shown().filter(|f| open(!f.place.is_empty())).map(|f| f.place.clone()),
            tile: facts.tile.shown().copied(),
            status: header.status(),
            urgency: header.urgency(),
            restricted,
            conflict: header.is_disputed() || parts.tasks().any(|t| t.given.is_conflict()),
            not_asked: facts.consent.safest().is_some_and(|c| c.answer == ConsentAnswer::NotAsked),
            recorded_at: header.recorded_at,
            received_at: header.received_at,
            changed_at: last.map_or(header.recorded_at, |e| e.written.received_at.unwrap_or(e.written.recorded_at)),
            looked_at: looked.filter(|l| duty::newest(parts).is_none_or(|at| at <= l.until())).map(|l| l.at),
            seen_until: looked.and_then(|l| l.seen),
            newest_at,
            next_visit,
            tasks: parts
                .tasks()
                .filter(|t| t.done.is_empty())
                .map(|t| {
                    let mut whose = t.whose();
                    let for_whom = whose.remove(0);
                    let (id, what) = (t.written.id, t.task.what.clone());
                    CardTask { id, what, due: t.task.due, for_whom, or_for: whose }
                })
                .collect(),
            referrals: parts
                .referrals()
                .map(|r| {
                    CardReferral::of(
                        r.id,
                        r.ask.kind,
                        Some(r.ask.receiver.clone()),
                        r.author,
                        r.recorded_at,
                        r.received_at,
                        &r.progress,
                    )
                })
                .collect(),
            alerted: trail.and_then(crate::part::Trail::last_alert),
            is_sheet: false,
            folded,
            links: kin::links_of(header),
            named: members(&header.assignees, true).copied().collect(),
            was_transferred: !header.transfers.is_empty(),
            places: header.handled_places().filter(|_| open(true)).cloned().collect(),
        })
    }

    fn of_sheets(subject: Subject, parts: &Parts) -> Option<Self> {
        let sheet = parts.sheets().max_by_key(|s| s.received_at)?;
        let mut folded = crate::search::lower(sheet.code.as_str());
        let name = sheet.name.clone().filter(|_| !sheet.restricted);
        if let Some(name) = &name {
            folded.push(' ');
            folded.push_str(&search::fold(name.as_str()));
        }
        Some(Self {
            subject,
            log: sheet.log.clone(),
            code: sheet.code.clone(),
            author: sheet.author,
            name,
            alias: sheet.alias.clone(),
            sex: sheet.sex,
            birth: sheet.birth,
            approximate_age: sheet.approximate_age,
            place: sheet.commune.clone(),
            found: None,
            tile: None,
            status: CaseStatus::New,
            urgency: if sheet.emergency { Urgency::Emergency } else { Urgency::Normal },
            restricted: sheet.restricted,
            conflict: false,
            not_asked: false,
            recorded_at: sheet.received_at.unwrap_or_default(),
            received_at: sheet.received_at,
            changed_at: sheet.received_at.unwrap_or_default(),
            looked_at: None,
            seen_until: None,
            newest_at: sheet.received_at,
            next_visit: None,
            tasks: vec![],
            referrals: parts
                .sheets()
                .map(|s| {
                    let receiver = Some(Receiver::Facility(s.facility));
                    CardReferral::of(
                        s.referral,
                        s.kind,
                        receiver,
                        s.author,
                        s.received_at.unwrap_or_default(),
                        s.received_at,
                        &s.progress,
                    )
                })
                .collect(),
            alerted: None,
            is_sheet: true,
            folded,
            links: vec![],
            named: vec![],
            was_transferred: false,
            places: vec![],
        })
    }

    /// Years on `today`.
    #[must_use]
    pub fn age(&self, today: Day) -> Option<u16> {
        self.birth.and_then(|b| b.age(today)).or(self.approximate_age.map(u16::from))
    }
}

impl CardReferral {
    fn of(
        id: ChangeId,
        kind: ReferralKind,
        receiver: Option<Receiver>,
        author: WorkerId,
        recorded_at: Timestamp,
        received_at: Option<Timestamp>,
        progress: &crate::Progress,
    ) -> Self {
        let moved = progress.acts.iter().rev().find(|a| a.moved_to.is_some());
        let returned = progress.acts.iter().rev().find(|a| matches!(a.act, Act::Return { .. }));
        let refused = progress.acts.iter().rev().find_map(|a| match &a.act {
            Act::Refuse { reason, .. } if a.moved_to == Some(ReferralStatus::Refused) => Some(reason.clone()),
            _ => None,
        });
        Self {
            id,
            kind,
            status: progress.status,
            receiver,
            author,
            received_at,
            dues: progress.dues.clone(),
            papers: progress.papers,
            question: progress.question().map(str::to_owned),
            asked_by: returned.filter(|_| progress.status == ReferralStatus::Returned).map(|a| a.by),
            moved_at: moved.map_or(received_at.unwrap_or(recorded_at), |a| a.received_at.unwrap_or(a.recorded_at)),
            receives_at_once: progress.receives_at_once(),
            looked: progress.acts.iter().any(|a| matches!(a.act, Act::Look)),
            answered: moved.is_some_and(|a| matches!(a.act, Act::Answer { .. })),
            refused_because: refused,
        }
    }
}

/// Facilities that fit, best first: not full, nearest in the list's own order, full ones last.
pub fn rank_facilities<'a>(
    facilities: impl IntoIterator<Item = &'a Facility>,
    kind: ReferralKind,
    tile: Option<Tile>,
    groups: &[&crate::GroupCode],
) -> Vec<&'a Facility> {
    let mut fitting: Vec<&Facility> = facilities.into_iter().filter(|f| f.fits(kind, tile, groups)).collect();
    crate::order::sort_by(&mut fitting, |a, b| {
        let key = |f: &Facility| (f.is_full(), std::cmp::Reverse(f.free.shown().map_or(0, |p| p.free)));
        key(a).cmp(&key(b)).then_with(|| a.facts.code.cmp(&b.facts.code))
    });
    fitting
}
