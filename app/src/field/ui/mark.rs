//! Marks: always an icon and a word. They say where a case, a referral or a change stands, and how much time is left.

use domain::{CaseStatus, Delivery, ReferralStatus, Timestamp, Urgency};
use leptos::prelude::*;

use crate::{
    field::words,
    icon::{Icon, sized},
    text,
};

fn pill(key: &'static str, icon: Icon, word: &'static str) -> AnyView {
    view! { <span class="status" data-status=key>{icon}{word}</span> }.into_any()
}

/// Where a case stands.
#[component]
pub fn StatusMark(status: CaseStatus) -> AnyView {
    let key = match status {
        CaseStatus::New => "new",
        CaseStatus::Screening => "screening",
        CaseStatus::Assessed => "assessed",
        CaseStatus::Planned => "planned",
        CaseStatus::Active => "active",
        CaseStatus::Monitoring => "monitoring",
        CaseStatus::Closed => "closed",
        CaseStatus::NotEligible => "not_eligible",
        CaseStatus::Transferred => "transferred",
        CaseStatus::Merged => "merged",
    };
    let icon = if status.step().is_some_and(|n| n < 7) { Icon::Step } else { Icon::Minus };
    pill(key, icon, (words().marks.case_status)(status))
}

/// Where a referral stands.
#[component]
pub fn ReferralMark(status: ReferralStatus) -> AnyView {
    let (key, icon) = match status {
        ReferralStatus::Draft => ("draft", Icon::Pencil),
        ReferralStatus::Submitted => ("submitted", Icon::Clock),
        ReferralStatus::Returned => ("returned", Icon::Question),
        ReferralStatus::Approved => ("approved", Icon::Tick),
        ReferralStatus::Forwarded => ("forwarded", Icon::Transfer),
        ReferralStatus::Waitlisted => ("waitlisted", Icon::Clock),
        ReferralStatus::Accepted => ("accepted", Icon::Tick),
        ReferralStatus::InService => ("in_service", Icon::House),
        ReferralStatus::TemporaryLeave => ("temporary_leave", Icon::House),
        ReferralStatus::Completed => ("completed", Icon::Tick),
        ReferralStatus::Refused => ("refused", Icon::Minus),
        ReferralStatus::Cancelled => ("cancelled", Icon::Minus),
    };
    pill(key, icon, (words().marks.referral_status)(status))
}

/// Nothing for a normal case.
#[component]
pub fn UrgencyMark(urgency: Urgency) -> AnyView {
    let word = (words().marks.urgency)(urgency);
    match urgency {
        Urgency::Normal => ().into_any(),
        Urgency::Urgent => view! { <span class="status" data-urgency="urgent">{Icon::Clock}{word}</span> }.into_any(),
        Urgency::Emergency => {
            view! { <span class="status" data-urgency="emergency">{Icon::Alarm}{word}</span> }.into_any()
        }
    }
}

#[component]
pub fn RestrictedMark() -> AnyView {
    pill("restricted", Icon::Lock, words().marks.restricted)
}

/// People disagree about something of the case.
#[component]
pub fn ConflictMark() -> AnyView {
    pill("conflict", Icon::People, words().conflict.title)
}

/// Where something travels, in exactly the four phrases of the product.
#[component]
pub fn DeliveryMark(delivery: Delivery, now: Timestamp) -> AnyView {
    let words = words();
    let (key, icon, said) = match delivery {
        Delivery::Queued => ("waiting", Icon::Outbox, words.marks.queued.to_owned()),
        Delivery::Received { at } => ("received", Icon::Tick, (words.marks.received)(&moment(at, now))),
        Delivery::Seen { .. } => ("seen", Icon::Eye, words.marks.seen.to_owned()),
        Delivery::Held { .. } => ("held", Icon::Warning, words.marks.held.to_owned()),
    };
    view! { <span class="delivery" data-delivery=key>{icon}<span>{said}</span></span> }.into_any()
}

/// `05:31` today, `09/03 05:31` before.
#[must_use]
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    if at.day() == now.day() {
        text::time(at)
    } else if at.day().year() == now.day().year() {
        format!("{} {}", text::day_month(at.day()), text::time(at))
    } else {
        text::date_time(at)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockTone {
    Emergency,
    Late,
    Soon,
    Later,
}

/// Time left in words, and the part of it that is used, in percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    pub tone: ClockTone,
    pub said: String,
    pub used: Option<u8>,
}

#[component]
pub fn ClockMark(clock: Clock) -> AnyView {
    let key = match clock.tone {
        ClockTone::Emergency => "emergency",
        ClockTone::Late => "late",
        ClockTone::Soon => "soon",
        ClockTone::Later => "later",
    };
    view! { <span class="clock" data-clock=key>{Icon::Clock}<span>{clock.said}</span></span> }.into_any()
}

/// The bar shows time used; it never stands without its clock in words.
#[component]
pub fn ClockBar(clock: Clock) -> AnyView {
    let Some(used) = clock.used else { return ().into_any() };
    let tone = match clock.tone {
        ClockTone::Emergency => Some("emergency"),
        ClockTone::Late | ClockTone::Soon => Some("wait"),
        ClockTone::Later => None,
    };
    view! {
        <span class="bar" data-tone=tone aria-hidden="true">
            <i style:--part=format!("{used}%")></i>
        </span>
    }
    .into_any()
}

/// An icon and a word in a soft line.
#[component]
pub fn IconWord(icon: Icon, #[prop(into)] said: String) -> AnyView {
    view! { <span class="delivery">{sized(icon, Some("s"))}<span>{said}</span></span> }.into_any()
}
