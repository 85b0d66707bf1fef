//! Cases of one person on each other's pages: that one leads to the other, what both hold, and taking them apart.

use std::sync::Arc;

use domain::{Body, Card, CaseId, Field, Kin, KinPlace, Role, StoreError, Subject};
use leptos::{prelude::*, task::spawn_local};

use super::{kin_of, recorded};
use crate::{
    field::{
        app_state,
        case_page::{Side, history, referrals, visits},
        naming,
        photos::PhotoDialog,
        route::Route,
        state::{AppState, Loaded},
        ui::{CollectAny, ConfirmDialog, Note, Notice, Row, Section, SkeletonRows},
        words,
    },
    icon::{Icon, sized},
};

/// What stands to be confirmed about a link: with which other case, and which is to be in front; `None` takes them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkAsked {
    other: CaseId,
    front: Option<CaseId>,
}

fn card_of(state: AppState, case: CaseId) -> Option<Arc<Card>> {
    let subject = Subject::Case(case);
    state.cards.with(|cards| cards.iter().find(|c| c.subject == subject).cloned())
}

/// Which of two cases say something about the other; what is said may stand on either, or on both.
fn holders(state: AppState, one: CaseId, other: CaseId) -> Vec<CaseId> {
    let says = |holder: CaseId, of: CaseId| {
        card_of(state, holder).is_some_and(|card| card.links.iter().any(|link| link.other == of))
    };
    [(one, other), (other, one)]
        .into_iter()
        .filter(|(holder, of)| says(*holder, *of))
        .map(|(holder, _)| holder)
        .collect()
}

/// Whether this person may say that the two are of one person, or not.
fn may_link(state: AppState, holders: &[CaseId]) -> bool {
    let wrote = |case: &CaseId| card_of(state, *case).is_some_and(|card| Some(card.author) == state.me());
    state.has(Role::Supervisor) || holders.iter().all(wrote)
}

/// The other cases of the person: where this one stands among them, and a way to each.
pub fn kin_section(state: AppState, case: CaseId, asked: RwSignal<Option<LinkAsked>>) -> AnyView {
    let words = words();
    let Some(Kin { place, others }) = kin_of(state, case) else { return ().into_any() };
    let now = state.now.get();
    let today = now.day();
    let code = |case: CaseId| naming::case_code(case, state, words);
    let lead = match place {
        KinPlace::Front => ().into_any(),
        KinPlace::Behind(front) => view! {
            <article class="panel" data-tone="wait">
                <h3>{(words.moving.merged_into)(&code(front))}</h3>
                <p>{words.moving.merged_into_long}</p>
            </article>
        }
        .into_any(),
        KinPlace::Disputed => view! {
            <article class="panel" data-tone="wait">
                <h3>{words.moving.disputed}</h3>
                <p>{words.moving.disputed_long}</p>
            </article>
        }
        .into_any(),
    };
    let rows = others
        .iter()
        .filter_map(|other| Some((*other, card_of(state, *other)?)))
        .map(|(other, card)| {
            let standing = match (place, kin_of(state, other).map(|k| k.place)) {
                (KinPlace::Disputed, _) | (_, Some(KinPlace::Disputed) | None) => "",
                (_, Some(KinPlace::Front)) => words.moving.in_front,
                (_, Some(KinPlace::Behind(_))) => words.moving.behind,
            };
            let text = [standing.to_owned(), recorded(&card, state, now, words)];
            let text = text.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ");
            let holding = holders(state, case, other);
            let acts = (!holding.is_empty() && may_link(state, &holding)).then(|| {
                // Either of the two can be put in front, where it is not there anyway.
                let fronts: Vec<CaseId> = match place {
                    KinPlace::Disputed => vec![case, other],
                    KinPlace::Front => vec![other],
                    KinPlace::Behind(front) if front == other => vec![case],
                    KinPlace::Behind(_) => vec![],
                };
                let fronts = fronts.into_iter().map(|front| {
                    view! {
                        <button
                            class="button"
                            type="button"
                            on:click=move |_| asked.set(Some(LinkAsked { other, front: Some(front) }))
                        >
                            {sized(Icon::Tick, Some("s"))} {(words.moving.put_in_front)(&code(front))}
                        </button>
                    }
                });
                let fronts = fronts.collect_any();
                view! {
                    <div class="pair">
                        <button
                            class="button"
                            type="button"
                            aria-label=(words.moving.take_apart_of)(&code(other))
                            on:click=move |_| asked.set(Some(LinkAsked { other, front: None }))
                        >
                            {sized(Icon::Close, Some("s"))} {words.moving.take_apart}
                        </button>
                        {fronts}
                    </div>
                }
            });
            view! {
                <li>
                    <Row
                        href=Route::Case(other).path()
                        icon=Icon::Folder
                        title=naming::card_title_aged(&card, today, words)
                        text
                        code=card.code.to_string()
                    />
                    {acts.map(|acts| view! { <div class="row-foot">{acts}</div> })}
                </li>
            }
        })
        .collect_any();
    view! {
        {lead}
        <Section title=words.moving.same_person>
            <ul class="rows">{rows}</ul>
        </Section>
    }
    .into_any()
}

/// Whether the link is really to be taken back, or turned round.
#[component]
pub fn LinkDialog(case: CaseId, asked: RwSignal<Option<LinkAsked>>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let open = RwSignal::new(false);
    Effect::new(move || open.set(asked.with(Option::is_some)));
    let text = Signal::derive(move || match asked.get() {
        Some(LinkAsked { front: Some(front), .. }) => {
            (words.moving.put_in_front_sure)(&naming::case_code(front, state, words))
        }
        Some(LinkAsked { other, front: None }) => {
            (words.moving.take_apart_sure)(&naming::case_code(other, state, words))
        }
        None => String::new(),
    });
    let act = move |()| {
        let Some(LinkAsked { other, front }) = asked.get_untracked() else { return };
        let holding = untrack(|| holders(state, case, other));
        spawn_local(async move {
            match say(state, &holding, case, other, front).await {
                Ok(()) => notice.say(words.frame.saved),
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    // The dialog has one button for both acts; its words stand in the text above it.
    view! {
        <ConfirmDialog
            open
            title=words.moving.same_person
            text
            act_label=words.frame.save
            act=Callback::new(act)
        />
    }
    .into_any()
}

/// Says on every case that says something about the other what now holds.
async fn say(
    state: AppState,
    holding: &[CaseId],
    one: CaseId,
    other: CaseId,
    front: Option<CaseId>,
) -> Result<(), StoreError> {
    for holder in holding {
        let of = if *holder == one { other } else { one };
        let subject = Subject::Case(*holder);
        let parts = state.keeper().parts(subject).await?;
        let Some(header) = parts.header() else { continue };
        let saw = header.links.get(&of).map(Field::seen).unwrap_or_default();
        let body = Body::CaseLinked { saw, other: of, front };
        state.keeper().save(header.log.clone(), subject, vec![body], None, None).await?;
    }
    Ok(())
}

/// What the other cases of the person hold, below what this one holds; nothing for a case that is behind another.
#[component]
pub fn KinContent(case: CaseId, side: Side) -> AnyView {
    let state = app_state();
    let others = Memo::new(move |_| match kin_of(state, case) {
        Some(Kin { place: KinPlace::Front | KinPlace::Disputed, others }) if side != Side::Overview => others,
        _ => vec![],
    });
    (move || others.get().into_iter().map(|other| view! { <OfOther case=other side /> }).collect_any()).into_any()
}

#[component]
fn OfOther(case: CaseId, side: Side) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts(Subject::Case(case));
    let photo = RwSignal::new(None);
    let title = (words.moving.of_case)(&untrack(|| naming::case_code(case, state, words)));
    let content = move || match parts.get() {
        Loaded::Opening => view! { <SkeletonRows /> }.into_any(),
        Loaded::Here(parts) => match side {
            Side::Visits => visits(state, &parts, state.now.get(), photo),
            Side::Referrals => referrals(state, case, &parts),
            Side::Overview | Side::History => history(state, &parts, None),
        },
        Loaded::Missing => ().into_any(),
        Loaded::Failed(error) => {
            let said = (words.errors.store)(&error).to_owned();
            view! { <Note icon=Icon::Warning said=Signal::stored(said) /> }.into_any()
        }
    };
    view! {
        <Section title>{content}</Section>
        <PhotoDialog case parts asked=photo />
    }
    .into_any()
}
