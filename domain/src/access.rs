//! Who sees a case and what a receiver may read of it: one place for every rule of sight.

use serde::{Deserialize, Serialize};

use crate::{
    case::{Header, Urgency, members},
    consent::{Consent, ConsentAnswer, ShareItem},
    id::{CaseId, ChangeId, FacilityId, PlaceId, WorkerId},
    map::Set,
    part::{Part, Parts, Sheet, TrailWhat},
    place::Places,
    referral::{Act, Receiver, Referral, ReferralStatus},
    worker::{Grant, Role, covers, is_field_worker},
};

/// What of a case decides who sees it. Ids and codes only: the office keeps it in the clear beside sealed bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    pub handled_in: PlaceId,
    pub restricted: bool,
    pub author: WorkerId,
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub named: Set<WorkerId>,
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub excluded: Set<WorkerId>,
    /// Places whose outreach team was asked to come.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub teams: Set<PlaceId>,
    /// Communes whose desk was asked to act.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub desks: Set<PlaceId>,
    /// Other places that are said to handle it: while nobody has decided, none of them loses it.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub or_handled_in: Set<PlaceId>,
}

impl Reach {
    /// `None` for a subject that is not a case, or whose header is not there.
    #[must_use]
    pub fn of(parts: &Parts) -> Option<Self> {
        let header = parts.header()?;
        let shares = header.facts.consent.safest().is_some_and(Consent::allows_sharing);
        // A receiver reads the case once the request has reached them, and as long as the person agrees.
        let reached = || {
            parts.referrals().filter(move |r| {
                let before = matches!(
                    r.progress.status,
                    ReferralStatus::Draft
                        | ReferralStatus::Submitted
                        | ReferralStatus::Returned
                        | ReferralStatus::Approved
                );
                shares && !before && !r.progress.status.is_final()
            })
        };
        let handled_in = header.handled_in()?.clone();
        Some(Self {
            or_handled_in: header.handled_places().filter(|place| **place != handled_in).cloned().collect(),
            handled_in,
            restricted: header.is_restricted(),
            author: header.author,
            named: members(&header.assignees, false).copied().collect(),
            // While people disagree whether somebody is excluded, they are.
            excluded: members(&header.excluded_workers, true).copied().collect(),
            teams: reached()
                .filter_map(|r| if let Receiver::Team(place) = &r.ask.receiver { Some(place.clone()) } else { None })
                .collect(),
            desks: reached()
                .filter_map(|r| if let Receiver::Desk(place) = &r.ask.receiver { Some(place.clone()) } else { None })
                .collect(),
        })
    }

    /// Where the case is handled: more than one place while people disagree.
    pub fn places(&self) -> impl Iterator<Item = &PlaceId> {
        std::iter::once(&self.handled_in).chain(self.or_handled_in.iter())
    }

    /// Whether a worker with these grants sees the case: handled in an own area; restricted only if named; whoever wrote
    /// it keeps it; never an excluded worker.
    #[must_use]
    pub fn is_seen_by(&self, worker: WorkerId, grants: &[Grant], places: &Places) -> bool {
        self.is_seen_where(worker, grants, &|area, place| places.covers(area, place))
    }

    /// [`Reach::is_seen_by`] with [`Places::covers`] as `covers`, however that is known.
    pub(crate) fn is_seen_where(
        &self,
        worker: WorkerId,
        grants: &[Grant],
        covers: &dyn Fn(&PlaceId, &PlaceId) -> bool,
    ) -> bool {
        if self.excluded.contains(&worker) || !is_field_worker(grants) {
            return false;
        }
        if self.author == worker || self.named.contains(&worker) {
            return true;
        }
        if self.restricted {
            return false;
        }
        grants.iter().any(|grant| {
            let Some(area) = &grant.area else { return false };
            let handles = || self.places().any(|place| covers(area, place));
            match grant.role {
                Role::Collaborator => handles(),
                Role::Supervisor => handles() || self.desks.iter().any(|desk| covers(area, desk)),
                Role::Outreach => handles() || self.teams.iter().any(|team| covers(area, team)),
                Role::Facility | Role::Viewer | Role::Admin => false,
            }
        })
    }
}

/// Whether a worker with these grants sees a village activity: whoever works in its place, and whoever wrote it while they
/// work in the field.
#[must_use]
pub fn activity_is_seen_by(
    author: WorkerId,
    place: &PlaceId,
    worker: WorkerId,
    grants: &[Grant],
    places: &Places,
) -> bool {
    let field = [Role::Collaborator, Role::Outreach, Role::Supervisor];
    (author == worker && is_field_worker(grants)) || field.iter().any(|role| covers(grants, *role, place, places))
}

/// Takes out of a part what names a case that its reader does not see: a link says that somebody has another case, and
/// that is as secret as the case. Of what the reader may know nothing is changed.
pub fn veil(part: &mut Part, sees: &mut dyn FnMut(CaseId) -> bool) {
    match part {
        Part::Header(header) => header.links.retain(|other, _| sees(*other)),
        Part::Trail(trail) => trail.entries.retain(|entry| match &entry.what {
            TrailWhat::Linked { other, .. } => sees(*other),
            _ => true,
        }),
        _ => {}
    }
}

/// The other cases that a part names; see [`veil`].
#[must_use]
pub fn cases_named(part: &Part) -> Set<CaseId> {
    match part {
        Part::Header(header) => header.links.keys().copied().collect(),
        Part::Trail(trail) => {
            let named = trail.entries.iter().filter_map(|entry| match &entry.what {
                TrailWhat::Linked { other, .. } => Some(*other),
                _ => None,
            });
            named.collect()
        }
        _ => Set::new(),
    }
}

/// The sheet that `facility` has of a referral; `None` when nothing of it may be known there (yet).
#[must_use]
pub fn sheet(header: &Header, referral: &Referral) -> Option<Sheet> {
    let Receiver::Facility(facility) = referral.ask.receiver else { return None };
    let progress = &referral.progress;
    // Until the office has received it there is no chain, and so nobody it is addressed to.
    progress.chain.as_ref()?;
    let reached_receiver = progress.begins_forwarded()
        || progress.acts.iter().any(|a| {
            matches!(a.moved_to, Some(ReferralStatus::Forwarded | ReferralStatus::Accepted | ReferralStatus::InService))
        });
    let open = match progress.status {
        ReferralStatus::Forwarded
        | ReferralStatus::Waitlisted
        | ReferralStatus::Accepted
        | ReferralStatus::InService
        | ReferralStatus::TemporaryLeave
        | ReferralStatus::Completed => true,
        ReferralStatus::Submitted | ReferralStatus::Approved | ReferralStatus::Returned => progress.receives_at_once(),
        ReferralStatus::Refused | ReferralStatus::Cancelled => reached_receiver || progress.receives_at_once(),
        ReferralStatus::Draft => false,
    };
    if !open {
        return None;
    }
    let facts = &header.facts;
    let withdrawn = facts.consent.safest().is_some_and(|c| !c.allows_sharing())
        || matches!(progress.status, ReferralStatus::Cancelled);
    let covers = |item| !withdrawn && referral.ask.sharing.covers(item);
    let restricted = header.is_restricted();
    let mut shown = progress.clone();
    shown.acts.retain_mut(|record| match &mut record.act {
        // What the desk and the writer ask each other is not the receiver's to read.
        Act::Look | Act::Return { .. } | Act::Answer { .. } => false,
        Act::Cancel { reason } => {
            reason.clear();
            true
        }
        Act::Refuse { reason: text, .. }
        | Act::Receive { note: text, .. }
        | Act::Waitlist { note: text }
        | Act::Leave { to: text, .. }
        | Act::Complete { outcome: text }
            if withdrawn =>
        {
            text.clear();
            true
        }
        _ => true,
    });
    Some(Sheet {
        facility,
        case: header.case,
        log: header.log.clone(),
        referral: referral.id,
        code: header.code.clone(),
        kind: referral.ask.kind,
        service: referral.ask.service.clone(),
        emergency: header.urgency() == Urgency::Emergency || referral.ask.kind.is_emergency(),
        restricted,
        commune: (!restricted).then(|| header.log.clone()).and_then(|log| match log {
            crate::LogId::Place(place) => Some(place),
            _ => None,
        }),
        author: referral.author,
        received_at: referral.received_at,
        withdrawn,
        answer: (!withdrawn).then_some(referral.ask.sharing.answer),
        items: ShareItem::ALL.into_iter().filter(|item| covers(*item)).collect(),
        name: if covers(ShareItem::Identity) { header.name().cloned() } else { None },
        alias: facts.alias.shown().filter(|a| restricted && !a.is_empty() && !withdrawn).cloned(),
        sex: if covers(ShareItem::AgeSex) { facts.sex.shown().copied() } else { None },
        birth: if covers(ShareItem::AgeSex) { facts.birth.shown().copied() } else { None },
        approximate_age: if covers(ShareItem::AgeSex) { facts.approximate_age.shown().copied() } else { None },
        phone: if covers(ShareItem::Contact) { facts.phone.shown().cloned() } else { None },
        household: if covers(ShareItem::Household) { text(facts.household.shown()) } else { None },
        health: if covers(ShareItem::Health) { text(facts.health.shown()) } else { None },
        what_happened: if covers(ShareItem::WhatHappened) { text(facts.what_happened.shown()) } else { None },
        reason: if covers(ShareItem::WhatHappened) { text(Some(&referral.ask.reason)) } else { None },
        progress: shown,
    })
}

fn text(text: Option<&String>) -> Option<String> {
    text.filter(|t| !t.is_empty()).cloned()
}

/// Every sheet of a case, by facility and referral.
#[must_use]
pub fn sheets(parts: &Parts) -> Vec<(FacilityId, ChangeId, Option<Sheet>)> {
    let Some(header) = parts.header() else { return vec![] };
    parts
        .referrals()
        .filter_map(|r| {
            let Receiver::Facility(facility) = r.ask.receiver else { return None };
            Some((facility, r.id, sheet(header, r)))
        })
        .collect()
}

/// Whether the consent lets this referral be sent to its named provider. Not asked yet: only in an emergency.
#[must_use]
pub fn may_share(consent: Option<&Consent>, referral: &crate::ReferralAsk) -> bool {
    let Some(consent) = consent else { return false };
    if !consent.allows_sharing() || referral.sharing.items.is_empty() {
        return false;
    }
    match referral.sharing.answer {
        ConsentAnswer::Agreed => true,
        ConsentAnswer::NotRequired(_) => {
            referral.kind.is_emergency()
                || matches!(consent.answer, ConsentAnswer::NotRequired(crate::ConsentException::LegalDuty))
        }
        ConsentAnswer::NotAsked | ConsentAnswer::Refused => false,
    }
}
