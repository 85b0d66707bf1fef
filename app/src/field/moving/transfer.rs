//! Chuyển địa bàn: where the case goes, and why. Who sees it afterwards is the rules' to say.

use domain::{Body, CaseId, FactName, Header, Invalid, LogId, PlaceId, PlaceKind, Refusal, Role, Spot, Subject};
use leptos::prelude::*;

use super::{case_frame, header_now, to_choose};
use crate::{
    field::{
        app_state,
        draft::{DraftLine, form, keep_draft},
        held, naming, navigator,
        route::Route,
        saving::{SaveButton, SaveFailure, Saving},
        state::{AppState, Loaded},
        trouble::{Troubles, check_body},
        ui::{ConfirmDialog, Field, If, Note, Notice, Select, Typing, WholeError},
        words,
    },
    icon::Icon,
};

form! {
    /// Where a case goes, as it is typed.
    Fields as Typed {
        commune: String,
        village: String,
        reason: String,
    }
}

const BESIDE: &[Spot] = &[Spot::Fact(FactName::HandledIn), Spot::Reason];

#[component]
pub fn TransferPage(case: CaseId) -> AnyView {
    let saving = Saving::new();
    let words = words();
    case_frame(
        case,
        words.moving.transfer,
        move || view! { <SaveButton saving label=words.moving.transfer form="transfer" /> }.into_any(),
        move |parts| view! { <Form case parts saving /> }.into_any(),
    )
}

#[component]
fn Form(case: CaseId, parts: RwSignal<Loaded>, saving: Saving) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let held = held::opened(state).and_then(|change| match change.body {
        Body::CaseTransferred { to, reason, .. } => Some((change.id, to, reason)),
        _ => None,
    });
    let replaces = held.as_ref().map(|(id, ..)| *id);
    let fields = Fields::new(held.map_or_else(Typed::default, |(_, to, reason)| {
        let commune = untrack(|| state.rules()).places.commune_of(&to).map(|c| c.id.to_string()).unwrap_or_default();
        let village = if commune == to.as_str() { String::new() } else { to.to_string() };
        Typed { commune, village, reason }
    }));
    let name = replaces.map_or_else(|| format!("transfer:{case}"), |held| format!("fix:{held}"));
    let draft = keep_draft(name.clone(), move || fields.read(), move |typed| fields.write(typed));
    let communes = Signal::derive(move || {
        let rules = state.rules();
        let today = state.now.get_untracked().day();
        let all = rules.places.iter().filter(|p| p.kind.is_commune_level() && p.is_valid_on(today));
        let mut all: Vec<(String, String)> = all.map(|p| (p.id.to_string(), p.name.clone())).collect();
        domain::order::sort_by(&mut all, |a, b| domain::search::fold(&a.1).cmp(&domain::search::fold(&b.1)));
        to_choose(words.moving.choose_commune, all)
    });
    let villages = Signal::derive(move || {
        let rules = state.rules();
        let today = state.now.get_untracked().day();
        let commune = fields.commune.get().parse::<PlaceId>().ok();
        let below = commune.iter().flat_map(|commune| rules.places.children(commune));
        let below = below.filter(|p| p.kind == PlaceKind::Village && p.is_valid_on(today));
        let mut all: Vec<(String, String)> = below.map(|p| (p.id.to_string(), p.name.clone())).collect();
        domain::order::sort_by(&mut all, |a, b| a.1.cmp(&b.1));
        to_choose(words.moving.village_unknown, all)
    });
    // A village of another commune is none of this one.
    Effect::new(move |_| {
        let known = villages.get();
        if !known.iter().any(|(id, _)| fields.village.with_untracked(|village| village == id)) {
            fields.village.set(String::new());
        }
    });
    let to = move || -> Result<PlaceId, Refusal> {
        let missing = Refusal::Field { spot: Spot::Fact(FactName::HandledIn), why: Invalid::Missing };
        let village = fields.village.get();
        let place = if village.is_empty() { fields.commune.get() } else { village };
        place.parse().map_err(|_| missing)
    };
    let transfer = move || -> Result<(LogId, PlaceId, Body), Vec<Refusal>> {
        let to = to().map_err(|why| vec![why])?;
        let Loaded::Here(parts) = parts.get() else { return Err(vec![]) };
        let Some(header) = parts.header() else { return Err(vec![]) };
        let reason = fields.reason.with(|t| t.trim().to_owned());
        let body = Body::CaseTransferred { saw: header.facts.handled_in.seen(), to: to.clone(), reason };
        if header.handled_in() == Some(&to) && !header.facts.handled_in.is_conflict() {
            return Err(vec![Refusal::Twice]);
        }
        match check_body(state, &parts, &header.log, Subject::Case(case), &body, state.keeper().now()) {
            Ok(()) => Ok((header.log.clone(), to, body)),
            Err(why) => Err(vec![why]),
        }
    };
    let troubles = Troubles::of(move || transfer().err().unwrap_or_default());
    let elsewhere = troubles.elsewhere(BESIDE);
    let whole = Signal::derive(move || {
        let said = elsewhere.get()?;
        let is_there = matches!(transfer().err().as_deref(), Some([Refusal::Twice]));
        Some(if is_there { words.moving.same_place.to_owned() } else { said })
    });
    let asks = RwSignal::new(false);
    let title =
        Signal::derive(move || to().map(|to| (words.moving.transfer_sure)(&said(state, &to))).unwrap_or_default());
    let text = Signal::derive(move || {
        let from = header_now(parts, |header| header.handled_in().map(|place| said(state, place))).flatten();
        let to = to().map(|to| crate::text::capital(&said(state, &to))).unwrap_or_default();
        (words.moving.transfer_sure_text)(&from.unwrap_or_default(), &to)
    });
    let is_secret = move || header_now(parts, Header::is_restricted).unwrap_or(false) && !state.has(Role::Supervisor);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if troubles.are_none() {
            asks.set(true);
        }
    };
    let act = move |()| {
        let Ok((log, _, body)) = untrack(transfer) else { return };
        saving.save(log, Subject::Case(case), vec![body], Some(name.clone()), replaces, move |_| {
            draft.end();
            notice.say(words.frame.saved);
            navigator.back(Route::Case(case));
        });
    };
    view! {
        <form class="stack" data-gap="l" id="transfer" novalidate on:submit=submit>
            <If when=is_secret>
                <Note icon=Icon::Lock said=Signal::stored(words.moving.transfer_restricted.to_owned()) />
            </If>
            <Select
                label=words.moving.commune
                options=communes
                value=fields.commune
                error=troubles.at(Spot::Fact(FactName::HandledIn))
            />
            <Select label=words.moving.village options=villages value=fields.village />
            <Field
                label=words.moving.reason
                hint=words.moving.reason_hint
                value=fields.reason
                error=troubles.at(Spot::Reason)
                typing=Typing::Long
            />
            <WholeError error=whole />
            <SaveFailure saving />
            <DraftLine draft />
        </form>
        {move || {
            let (title, act) = (title.get(), act.clone());
            view! {
                <ConfirmDialog open=asks title text act_label=words.moving.transfer act=Callback::new(act) />
            }
        }}
    }
    .into_any()
}

/// A place within a sentence; a village with its commune.
fn said(state: AppState, place: &PlaceId) -> String {
    let words = words();
    let rules = state.rules();
    let name = naming::place_said(place, &rules.places, words);
    match rules.places.commune_of(place).filter(|c| c.id != *place) {
        Some(commune) => format!("{name}, {}", naming::place_said(&commune.id, &rules.places, words)),
        None => name,
    }
}
