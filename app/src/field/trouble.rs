//! What is wrong with a form before it is saved, each beside its field. It asks the rules and knows no form.

use domain::{
    Actor, Body, Change, ChangeId, DeviceId, Fact, LogId, Parts, Refusal, Rules, Spot, Subject, Timestamp,
    check::{check, check_fact, check_opening},
    limits,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::{state::AppState, ui::focus_first_error, words};
use crate::text::refusal;

/// What a form has wrong. Nothing is said before somebody tries to save it; from then on a sentence goes as soon as its
/// field is right.
#[derive(Debug, Clone, Copy)]
pub struct Troubles {
    tried: RwSignal<bool>,
    found: Memo<Vec<Refusal>>,
}

impl Troubles {
    /// `find` looks at the whole form.
    #[must_use]
    pub fn of(find: impl Fn() -> Vec<Refusal> + Send + Sync + 'static) -> Self {
        let tried = RwSignal::new(false);
        Self { tried, found: Memo::new(move |_| if tried.get() { find() } else { vec![] }) }
    }
    /// Whether the form may be saved; else the first wrong field gets the focus.
    #[must_use]
    pub fn are_none(self) -> bool {
        self.tried.set(true);
        let none = self.found.with_untracked(Vec::is_empty);
        if !none {
            focus_first_error();
        }
        none
    }
    /// The sentence beside the field of `spot`.
    #[must_use]
    pub fn at(self, spot: Spot) -> Signal<Option<String>> {
        let words = words();
        Signal::derive(move || {
            self.found.with(|found| {
                found.iter().find_map(|why| match why {
                    Refusal::Field { spot: at, why } if *at == spot => Some((words.errors.invalid)(*why).to_owned()),
                    _ => None,
                })
            })
        })
    }
    /// What is wrong and stands beside no field of `beside`; said above the button.
    #[must_use]
    pub fn elsewhere(self, beside: &'static [Spot]) -> Signal<Option<String>> {
        let words = words();
        Signal::derive(move || {
            self.found.with(|found| {
                let left = |why: &&Refusal| !matches!(why, Refusal::Field { spot, .. } if beside.contains(spot));
                found.iter().find(left).map(|why| refusal(why, None, words))
            })
        })
    }
}

/// Whether the office would take `body` as it stands now.
///
/// # Errors
/// The [`Refusal`] that the office would answer with.
pub fn check_body(
    state: AppState,
    parts: &Parts,
    log: &LogId,
    subject: Subject,
    body: &Body,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(worker) = state.worker.get_untracked() else { return Err(Refusal::NotAllowed) };
    let rules = untrack(|| state.rules());
    let actor = Actor { worker: worker.id, grants: &worker.grants };
    check(parts, &unsaved(log, subject, actor, body.clone(), now), actor, &rules, now)
}

/// A change as it would be saved; its ids are nobody's.
#[must_use]
pub fn unsaved(log: &LogId, subject: Subject, actor: Actor<'_>, body: Body, now: Timestamp) -> Change {
    Change {
        v: limits::PROTOCOL_VERSION,
        id: ChangeId(Uuid::nil()),
        log: log.clone(),
        subject,
        author: actor.worker,
        device: DeviceId(Uuid::nil()),
        n: 0,
        recorded_at: now,
        replaces: None,
        body,
    }
}

/// Everything that is wrong with the facts of a new case, one a field.
#[must_use]
pub fn check_facts(facts: &[Fact], rules: &Rules, now: Timestamp) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = facts.iter().filter_map(|fact| check_fact(fact, rules, now.day()).err()).collect();
    found.extend(check_opening(facts).err());
    found
}
