//! Whose turn it is: what waits for this person's decision, what others must move, what a facility has not answered.
//! It reads cards; what exactly somebody may do is asked of the rules when the referral is opened.

use std::sync::Arc;

use domain::{
    Action, Body, Card, ChangeId, Colleague, Delivery, Due, Grant, Level, LogId, OutboxItem, Papers, PlaceId, Receiver,
    ReferralStatus, Role, Rules, Subject, Timestamp, Urgency, WorkerId, card::CardReferral, worker::covers,
};
use leptos::prelude::*;

use crate::{
    field::{
        clock,
        duty::told_line,
        naming,
        route::Route,
        state::AppState,
        ui::{CallLink, ClockBar, ClockMark, DeliveryMark, ReferralMark, RestrictedMark, UrgencyMark, moment},
        words,
    },
    text::{Words, phone, time},
};

/// A case recorded at most this long before the referral reached the office is the meeting it tells of.
const FOUND_DAYS: i64 = 2;

/// A referral with its case and the clock to show for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub card: Arc<Card>,
    pub referral: CardReferral,
    pub due: Option<Due>,
}

impl Waiting {
    /// Somebody is in danger and not yet in anybody's care.
    pub fn is_emergency(&self) -> bool {
        use ReferralStatus as S;
        let in_danger = self.card.urgency == Urgency::Emergency || self.referral.kind.is_emergency();
        let status = self.referral.status;
        in_danger && !status.is_final() && !matches!(status, S::InService | S::TemporaryLeave)
    }
    pub fn route(&self) -> Route {
        match self.card.subject {
            Subject::Case(case) => Route::Referral(case, self.referral.id),
            _ => Route::Referrals,
        }
    }
    /// Emergencies first, then by the clock that runs out next.
    fn order(&self) -> (bool, Timestamp) {
        (!self.is_emergency(), self.due.as_ref().map_or(Timestamp(i64::MAX), |d| d.at))
    }
}

/// Where a case lies, also for a restricted one whose card names no village.
fn desk_place(card: &Card) -> Option<PlaceId> {
    card.place.clone().or_else(|| if let LogId::Place(place) = &card.log { Some(place.clone()) } else { None })
}

fn sits(level: Level, place: &PlaceId, grants: &[Grant], rules: &Rules) -> bool {
    let desk = match level {
        Level::Commune => rules.places.desk_of(place),
        Level::Province => rules.places.province_of(place),
        Level::Receiver => None,
    };
    desk.is_some_and(|desk| grants.iter().any(|g| g.role == Role::Supervisor && g.area.as_ref() == Some(&desk.id)))
}

/// Whether this person decides at `level` for `place`. Where only the writer sits at a commune's desk, the area above
/// decides; so it does on a restricted case, which only those named on it have on their devices.
fn decides(level: Level, place: &PlaceId, card: &Card, author: WorkerId, grants: &[Grant], rules: &Rules) -> bool {
    let somebody_else =
        || rules.staff.iter().any(|(worker, grants)| *worker != author && sits(level, place, grants, rules));
    sits(level, place, grants, rules)
        || (level == Level::Commune
            && covers(grants, Role::Supervisor, place, &rules.places)
            && (card.restricted || !somebody_else()))
}

/// Whether this person is the receiver, or sits at the desk that acts for it; the area above does where nobody sits there.
fn is_receiver(receiver: Option<&Receiver>, place: &PlaceId, grants: &[Grant], rules: &Rules) -> bool {
    let serves = |desk: &PlaceId| {
        let anybody = || rules.staff.values().any(|grants| sits(Level::Commune, desk, grants, rules));
        sits(Level::Commune, desk, grants, rules)
            || (covers(grants, Role::Supervisor, desk, &rules.places) && !anybody())
    };
    match receiver {
        Some(Receiver::Team(team)) => covers(grants, Role::Outreach, team, &rules.places),
        Some(Receiver::Desk(desk)) => serves(desk),
        Some(Receiver::Household(_)) => serves(place),
        Some(Receiver::Facility(_)) | None => false,
    }
}

/// Who decides instead of the writer: the others at the commune's desk, or whoever sits above.
pub fn deciders(state: AppState, place: &PlaceId, author: WorkerId) -> Vec<Colleague> {
    let rules = state.rules();
    let others: Vec<Colleague> = state.colleagues().into_iter().filter(|c| c.id != author).collect();
    let at = |level| others.iter().filter(|c| sits(level, place, &c.grants, &rules)).cloned().collect::<Vec<_>>();
    let desk = at(Level::Commune);
    if desk.is_empty() { at(Level::Province) } else { desk }
}

/// Their names, as others speak of them.
pub fn names(people: &[Colleague], words: &Words) -> String {
    let mut names: Vec<String> = people.iter().map(|c| (words.speech.titled)(c.address, c.name.as_str())).collect();
    names.dedup();
    names.join(", ")
}

/// Everything of a desk: what waits for this person, what others must move, and what they wrote and may not decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desk {
    pub mine: Vec<Waiting>,
    pub others: Vec<Waiting>,
    pub own: usize,
    /// Who decides on the own ones.
    pub own_with: Vec<Colleague>,
}

/// What waits for a decision of this person, most pressing first.
pub fn waiting_for_me(state: AppState) -> Vec<Waiting> {
    desk(state).mine
}

pub fn desk(state: AppState) -> Desk {
    let mut desk = Desk::default();
    let Some(worker) = state.worker.get() else { return desk };
    if !worker.has(Role::Supervisor) && !worker.has(Role::Outreach) {
        return desk;
    }
    let rules = state.rules();
    let now = state.now.get();
    state.cards.with(|cards| {
        for card in cards.iter().filter(|c| !c.is_sheet) {
            let Some(place) = desk_place(card) else { continue };
            for referral in &card.referrals {
                if referral.status.is_final() && referral.papers != Some(Papers::Due) {
                    continue;
                }
                let waits_here = |due: &&Due| {
                    let own = referral.author == worker.id;
                    let looked = due.action == Action::Look && referral.looked;
                    // An emergency that nobody looked at in time goes to the next person above.
                    let unseen = due.action == Action::Look
                        && due.at < now
                        && covers(&worker.grants, Role::Supervisor, &place, &rules.places);
                    !own && !looked
                        && (decides(due.level, &place, card, referral.author, &worker.grants, &rules) || unseen)
                };
                let receives = {
                    use ReferralStatus as S;
                    matches!(referral.status, S::Forwarded | S::Waitlisted | S::Accepted)
                        && is_receiver(referral.receiver.as_ref(), &place, &worker.grants, &rules)
                };
                let due = referral.dues.iter().filter(waits_here).min_by_key(|d| d.at);
                let asked_again = referral.answered && referral.author != worker.id && {
                    let level =
                        if referral.status == ReferralStatus::Approved { Level::Province } else { Level::Commune };
                    decides(level, &place, card, referral.author, &worker.grants, &rules)
                };
                let waits = due.is_some() || receives || asked_again;
                let shown = due.or_else(|| open_dues(referral).min_by_key(|d| d.at)).cloned();
                let waiting = Waiting { card: Arc::clone(card), referral: referral.clone(), due: shown };
                if waits {
                    desk.mine.push(waiting);
                    continue;
                }
                if referral.author == worker.id && referral.status == ReferralStatus::Submitted {
                    desk.own += 1;
                    for person in deciders(state, &place, worker.id) {
                        if desk.own_with.iter().all(|c| c.id != person.id) {
                            desk.own_with.push(person);
                        }
                    }
                }
                desk.others.push(waiting);
            }
        }
    });
    domain::order::sort_by_key(&mut desk.mine, Waiting::order);
    domain::order::sort_by_key(&mut desk.others, Waiting::order);
    desk
}

/// Clocks whose step nobody has done.
fn open_dues(referral: &CardReferral) -> impl Iterator<Item = &Due> {
    referral.dues.iter().filter(|due| !(due.action == Action::Look && referral.looked))
}

/// What a facility of this person has not answered yet, most pressing first.
pub fn inbox(state: AppState) -> Vec<Waiting> {
    sheets(state, |status, r| {
        use ReferralStatus as S;
        matches!(status, S::Forwarded | S::Waitlisted)
            || (r.receives_at_once && matches!(status, S::Submitted | S::Approved | S::Returned))
    })
}

/// The sheets that a facility has, most pressing first.
pub fn sheets(state: AppState, keep: fn(ReferralStatus, &CardReferral) -> bool) -> Vec<Waiting> {
    state.now.track();
    let mut all = of_cards(state, |card, r| card.is_sheet && keep(r.status, r));
    domain::order::sort_by_key(&mut all, Waiting::order);
    all
}

/// The referrals this person wrote, the last moved first.
pub fn written_by_me(state: AppState) -> Vec<Waiting> {
    state.now.track();
    let Some(me) = state.me() else { return vec![] };
    let mut all = of_cards(state, |card, r| !card.is_sheet && r.author == me);
    domain::order::sort_by_key(&mut all, |w| std::cmp::Reverse(w.referral.moved_at));
    all
}

fn of_cards(state: AppState, keep: impl Fn(&Card, &CardReferral) -> bool) -> Vec<Waiting> {
    state.cards.with(|cards| {
        let waiting = |card: &Arc<Card>, r: &CardReferral| Waiting {
            card: Arc::clone(card),
            referral: r.clone(),
            due: open_dues(r).min_by_key(|d| d.at).cloned(),
        };
        cards
            .iter()
            .flat_map(|card| card.referrals.iter().filter(|r| keep(card, r)).map(|r| waiting(card, r)))
            .collect()
    })
}

/// Where the newest that this phone wrote about a referral travels; `None` once nothing of it is under way.
pub fn delivery(referral: ChangeId, outbox: &[OutboxItem]) -> Option<Delivery> {
    outbox
        .iter()
        .filter(|item| {
            item.change.origin() == referral
                || matches!(&item.change.body, Body::ReferralActed { referral: of, .. } if *of == referral)
        })
        .map(Delivery::of_item)
        .reduce(Delivery::least)
}

/// One referral of a list: who, what is asked of whom, where it stands, the clock in words and as a bar.
/// Whoever lists it also watches the clock and draws it anew.
pub fn queue_row(state: AppState, waiting: Waiting) -> AnyView {
    untrack(|| row(state, &waiting))
}

fn row(state: AppState, waiting: &Waiting) -> AnyView {
    let words = words();
    let now = state.now.get();
    let rules = state.rules();
    let emergency = waiting.is_emergency();
    let card = &waiting.card;
    let referral = &waiting.referral;
    let kind = (words.referral.kind)(referral.kind);
    let receiver = referral
        .receiver
        .as_ref()
        .filter(|_| !card.is_sheet)
        .map(|r| state.facilities.with(|facilities| naming::receiver(r, facilities, &rules.places, words)));
    let asked = receiver.map_or(kind.to_owned(), |receiver| format!("{kind}: {receiver}"));
    let clock = waiting.due.as_ref().map(|due| clock::of_due(due, now, words));
    let clock = match (clock, referral.papers) {
        (Some(mut clock), Some(Papers::Due)) => {
            clock.said = (words.time.papers)(&clock.said);
            Some(clock)
        }
        (clock, _) => clock,
    };
    let delivery = state.outbox.with(|outbox| delivery(referral.id, outbox));
    let me = state.me();
    let caller = (emergency && !card.is_sheet && Some(referral.author) != me)
        .then(|| {
            let writer = state.colleagues().into_iter().find(|c| c.id == referral.author)?;
            let number = writer.phone?;
            let who = (words.speech.titled)(writer.address, writer.name.given());
            let label = (words.queue.call_writer)(&who, &phone(&number));
            Some((number, label))
        })
        .flatten();
    let under = emergency.then(|| since(waiting, now, words)).flatten();
    // Until somebody has looked it matters who was told.
    let told = card
        .alerted
        .filter(|(_, at, _)| emergency && card.looked_at.is_none_or(|looked| looked < *at))
        .map(|alert| told_line(alert, state, now, words));
    view! {
        <li data-urgency=emergency.then_some("emergency")>
            <a class="row" data-plain href=waiting.route().path()>
                <div>
                    {(emergency || card.restricted)
                        .then(|| {
                            view! {
                                <span class="marks">
                                    {emergency.then(|| view! { <UrgencyMark urgency=Urgency::Emergency /> })}
                                    {card.restricted.then(|| view! { <RestrictedMark /> })}
                                </span>
                            }
                        })}
                    <span class="row-title">{naming::card_title_aged(card, now.day(), words)}</span>
                    <span class="row-text">
                        <span>{asked}</span>
                        <span class="code">{card.code.to_string()}</span>
                    </span>
                    {referral.question.clone().map(|question| view! { <span class="quote">{question}</span> })}
                    {referral.refused_because.clone().map(|reason| view! { <span class="quote">{reason}</span> })}
                    <span class="marks">
                        <ReferralMark status=referral.status />
                        {clock.clone().map(|clock| view! { <ClockMark clock /> })}
                        {delivery.map(|delivery| view! { <DeliveryMark delivery now /> })}
                    </span>
                    {clock.map(|clock| view! { <ClockBar clock /> })}
                    {under.map(|line| view! { <span class="row-text">{line}</span> })}
                    {told.map(|line| view! { <span class="row-text">{line}</span> })}
                </div>
            </a>
            {caller
                .map(|(number, label)| view! { <div class="row-foot"><CallLink phone=number label /></div> })}
        </li>
    }
    .into_any()
}

/// When an emergency was met and received, and when its hours for a decision end.
fn since(waiting: &Waiting, now: Timestamp, words: &Words) -> Option<String> {
    if waiting.card.is_sheet {
        return None;
    }
    let (met, at) = (waiting.card.recorded_at, waiting.referral.received_at?);
    // A case of long ago was not found in this emergency.
    let received = if met.day().days_until(at.day()) <= FOUND_DAYS {
        (words.queue.found_at)(&moment(met, now), &moment(at, now))
    } else {
        (words.queue.received_at)(&moment(at, now))
    };
    let hours = waiting.referral.dues.iter().find(|d| d.action == Action::Approve && clock::is_hours(d));
    Some(match hours {
        Some(due) if due.at.day() == now.day() => format!("{}. {received}", (words.queue.hours_end)(&time(due.at))),
        Some(due) => format!("{}. {received}", (words.queue.hours_end)(&moment(due.at, now))),
        None => received,
    })
}
