//! Ghi hồ sơ mới: six questions, one at a time, each answer written down as it is given; and the same questions again
//! where an existing case is edited or consent is asked later.

use domain::{
    Activity, ActivityId, Body, CaseCode, CaseId, Change, ChangeId, ConsentAnswer, Entry, Fact, FactName, FieldEdit,
    Header, Parts, Role, Subject, Urgency, apply,
};
use leptos::prelude::*;

use super::{
    app_state,
    case_form::{
        AGREED, CaseForm, CaseWritten, ConsentFields, EXCEPTIONS, FORMS, GIVERS, NOT_ASKED, NOT_REQUIRED, REFUSED,
        TileField, UrgencyFields, WhatFields, WhereFields, WhoFields, prefill_village,
    },
    case_page::Missing,
    draft::{DraftLine, DropDraft, keep_draft},
    held, navigator,
    photos::{PhotoField, announce, drop_all},
    route::Route,
    saving::{SaveButton, SaveFailure, Saving},
    state::{AppState, Loaded},
    switcher::Avatar,
    ui::{
        DockActions, Field, If, Notice, Progress, Screen, Section, SkeletonRows, Top, Typing, focus_first_error,
        unopened,
    },
    words,
};
use crate::icon::{Icon, sized};

/// The draft of a case that is not opened yet. One at a time.
pub const DRAFT: &str = "new-case";
const QUESTIONS: usize = 6;

/// Whether the answer to one question can stand.
fn is_answered(form: CaseForm, question: usize, state: AppState) -> bool {
    let now = state.now.get_untracked();
    untrack(|| match question {
        0 => {
            form.parse_name().is_ok()
                && form.parse_age().is_ok()
                && form.parse_birth(now).is_ok()
                && form.parse_document().is_ok()
                && form.parse_phone().is_ok()
        }
        1 => form.parse_village().is_ok(),
        2 => form.tile().is_some(),
        3 => form.parse_what().is_ok(),
        4 => form.urgency().is_some(),
        _ => form.parse_consent(now).is_ok(),
    })
}

/// A held opening as the form takes it up again: the same case, the same code, the same answers.
fn held_opening(state: AppState) -> Option<CaseWritten> {
    let change = held::opened(state)?;
    let Body::CaseOpened { code, .. } = &change.body else { return None };
    let mut parts = Parts::default();
    apply(&mut parts, &Entry::waiting(change.clone()));
    let header = parts.header()?;
    let mut written = untrack(|| CaseForm::of_header(header).read());
    written.case = change.subject.case();
    written.code = Some(code.clone());
    written.replaces = Some(change.id);
    if let Some(consent) = header.facts.consent.shown() {
        // Whoever answered need not be met again because a village was wrong.
        written.consent = Some(match consent.answer {
            ConsentAnswer::Agreed => AGREED,
            ConsentAnswer::Refused => REFUSED,
            ConsentAnswer::NotAsked => NOT_ASKED,
            ConsentAnswer::NotRequired(_) => NOT_REQUIRED,
        });
        written.exception = match consent.answer {
            ConsentAnswer::NotRequired(why) => EXCEPTIONS.iter().position(|e| *e == why),
            _ => None,
        };
        written.giver = consent.given_by.and_then(|giver| GIVERS.iter().position(|g| *g == giver));
        written.relation.clone_from(&consent.relation);
        written.photos_agreed = consent.photos;
        written.consent_on = consent.on;
        written.consent_form = consent.form.and_then(|form| FORMS.iter().position(|f| *f == form));
    }
    Some(written)
}

#[component]
pub fn NewCase() -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let fix = held_opening(state);
    let name = match fix.as_ref().and_then(|f| f.replaces) {
        Some(held) => format!("fix:{held}"),
        None => DRAFT.to_owned(),
    };
    let draft_name = StoredValue::new(name.clone());
    let form = CaseForm::new(fix.unwrap_or_default());
    let draft = keep_draft(name, move || form.read(), move |written| form.write(written));
    let saving = Saving::new();
    let tried = RwSignal::new(false);
    let saved = RwSignal::new(None::<(CaseId, CaseCode)>);
    let drop_draft = RwSignal::new(false);
    prefill_village(state, form.village, draft);
    let step = Signal::derive(move || form.step.get().min(QUESTIONS - 1));
    let to_top = move || window().scroll_to_with_x_and_y(0.0, 0.0);
    let go = move |to: usize| {
        tried.set(false);
        form.step.set(to);
        to_top();
        focus_heading();
    };
    let refused = move || form.consent.get() == Some(REFUSED);
    let finish = move || {
        let now = state.keeper().now();
        let Ok(consent) = untrack(|| form.parse_consent(now)) else { return };
        let Ok(village) = untrack(|| form.parse_village()) else { return go(1) };
        let Some(log) = untrack(|| state.rules()).places.log_of(&village) else { return go(1) };
        let replaces = form.replaces.get_untracked();
        if consent.answer == ConsentAnswer::Refused {
            let activity = Subject::Activity(ActivityId(state.keeper().new_case_id().0));
            let body = Body::ActivityRecorded(Activity::AnonymousContact { place: village });
            // In the place of a held opening it destroys that too.
            saving.save(log, activity, vec![body], Some(draft_name.get_value()), replaces, move |_| {
                draft.end();
                drop_all(state, form.photos);
                notice.say(words.new_case.refused_done);
                navigator.replace(Route::Today);
            });
            return;
        }
        let Ok(mut facts) = untrack(|| form.facts(now)) else {
            // Something on an earlier page does not stand any more.
            let page = (0..QUESTIONS).find(|n| !is_answered(form, *n, state)).unwrap_or(0);
            go(page);
            tried.set(true);
            return;
        };
        facts.push(Fact::Consent(consent));
        facts.push(Fact::Status(domain::CaseStatus::New));
        let case = form.case.get_untracked().unwrap_or_else(|| state.keeper().new_case_id());
        let code = form.code.get_untracked().unwrap_or_else(|| state.keeper().new_code());
        let emergency = untrack(|| form.urgency()) == Some(Urgency::Emergency);
        let mut bodies = vec![Body::CaseOpened { code: code.clone(), facts }];
        bodies.extend(announce(form.photos));
        saving.save(log, Subject::Case(case), bodies, Some(draft_name.get_value()), replaces, move |_| {
            draft.end();
            if emergency {
                navigator.replace(Route::EmergencyCase(case));
            } else {
                saved.set(Some((case, code)));
                to_top();
            }
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let at = step.get_untracked();
        if !is_answered(form, at, state) {
            tried.set(true);
            focus_first_error();
        } else if at + 1 < QUESTIONS {
            go(at + 1);
        } else {
            finish();
        }
    };
    let back = move |_| match step.get_untracked() {
        0 => navigator.back(Route::Today),
        at => go(at - 1),
    };
    let forget = move |()| {
        draft.end();
        drop_all(state, form.photos);
        let gone = state.keeper().delete_draft(draft_name.get_value());
        leptos::task::spawn_local(async move {
            // What could not be taken out of the store is offered again; nothing worse.
            let _ = gone.await;
            navigator.replace(Route::Today);
        });
    };
    let label = Signal::derive(move || {
        if step.get() + 1 < QUESTIONS {
            words.frame.next.to_owned()
        } else if refused() {
            words.new_case.refused_count.to_owned()
        } else {
            words.frame.save.to_owned()
        }
    });
    view! {
        {move || match saved.get() {
            Some((case, code)) => view! { <Saved case code /> }.into_any(),
            None => {
                view! {
                    <div class="phone">
                        <header>
                            <div class="top-bar">
                                <button class="icon-link" data-edge="start" type="button" aria-label=words.new_case.previous on:click=back>
                                    {Icon::Back}
                                </button>
                                <span class="soft">{words.new_case.title}</span>
                                <strong>{move || (words.new_case.question)(step.get() + 1)}</strong>
                                <Avatar />
                            </div>
                            <Progress at=Signal::derive(move || step.get() + 1) of=QUESTIONS />
                        </header>
                        <main class="page" id="main" tabindex="-1">
                            <form class="stack" id="question" data-gap="l" novalidate="" on:submit=submit>
                                {move || view! { <Question form step=step.get() tried /> }}
                                <DraftLine draft />
                                <SaveFailure saving />
                            </form>
                            <If when=move || draft.kept.get()>
                                <button class="button" data-kind="quiet" type="button" on:click=move |_| drop_draft.set(true)>
                                    {words.new_case.drop_yes}
                                </button>
                            </If>
                            <DropDraft open=drop_draft act=Callback::new(forget) />
                        </main>
                        <footer class="dock">
                            <DockActions>
                                <SaveButton saving label form="question" />
                            </DockActions>
                        </footer>
                    </div>
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}

/// Whoever hears the page hears the next question.
fn focus_heading() {
    use wasm_bindgen::JsCast;
    request_animation_frame(|| {
        let heading = document().query_selector("main h1").ok().flatten();
        if let Some(heading) = heading.and_then(|h| h.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = heading.focus();
        }
    });
}

#[component]
fn Question(form: CaseForm, step: usize, tried: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let them = words.consent.them[form.them.get_untracked().unwrap_or(0)];
    let n = &words.new_case;
    let (title, hint) = match step {
        0 => (n.who.to_owned(), n.who_hint.to_owned()),
        1 => (n.where_title.to_owned(), String::new()),
        2 => (n.tile_title.to_owned(), n.tile_hint.to_owned()),
        3 => (n.what_title.to_owned(), String::new()),
        4 => (n.urgency_title.to_owned(), String::new()),
        _ => ((n.consent_title)(you, them), (n.consent_hint)(them)),
    };
    let document_title = format!("{}, {} · {}", n.title, (n.question)(step + 1), words.frame.app);
    Effect::new(move || document().set_title(&document_title));
    let fields = match step {
        0 => view! { <WhoFields form tried /> }.into_any(),
        1 => view! { <WhereFields form tried /> }.into_any(),
        2 => view! { <TileField form tried /> }.into_any(),
        3 => view! { <WhatFields form tried /> }.into_any(),
        4 => view! { <UrgencyFields form tried /> }.into_any(),
        _ => view! {
            <ConsentFields form tried />
            <If when=move || form.consent.get().is_some_and(|answer| answer != REFUSED)>
                <PhotoField photos=form.photos consent=Signal::derive(move || form.photo_consent()) />
            </If>
        }
        .into_any(),
    };
    view! {
        <div class="question">
            <h1 tabindex="-1">{title}</h1>
            <p hidden=hint.is_empty()>{hint.clone()}</p>
        </div>
        {fields}
    }
    .into_any()
}

/// The code, large, to be written on paper.
#[component]
fn Saved(case: CaseId, code: CaseCode) -> AnyView {
    let words = words();
    view! {
        <Screen top=Top::BackTitle { to: Route::Today, title: words.new_case.title.to_owned() } title=words.new_case.saved_title>
            <div class="empty" role="status">
                {sized(Icon::Tick, Some("l"))}
                <h1>{words.new_case.saved_title}</h1>
                <p class="big-code code">{code.to_string()}</p>
                <p>{words.new_case.saved_text}</p>
            </div>
            <div class="pair">
                <a class="button" data-kind="main" href=Route::Case(case).path()>{words.new_case.open_case}</a>
                <a class="button" href=Route::Today.path()>{words.frame.to_today}</a>
            </div>
        </Screen>
    }
    .into_any()
}

/// The same questions on one page, filled by the case as it stands. Only what was changed is written.
#[component]
pub fn EditCase(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts(Subject::Case(case));
    // The form keeps what is typed; the case is read into it once.
    let opened = Memo::new_with_compare(
        move |before: Option<&Loaded>| match before {
            Some(Loaded::Here(parts)) => Loaded::Here(parts.clone()),
            _ => parts.get(),
        },
        |a, b| a != b,
    );
    view! {
        {move || match opened.get() {
            Loaded::Here(parts) => match parts.header() {
                Some(header) => {
                    // The outbox stands in memory once the case does.
                    let held = held::opened(state).filter(|c| c.subject == Subject::Case(case)).map(Box::new);
                    view! { <EditForm case header=Box::new(header.clone()) held /> }.into_any()
                }
                None => not_here(case, words.case_page.edit, &Loaded::Missing),
            },
            stands => not_here(case, words.case_page.edit, &stands),
        }}
    }
    .into_any()
}

/// A page about a case that is still being opened, is not on this phone, or cannot be read.
fn not_here(case: CaseId, title: &'static str, stands: &Loaded) -> AnyView {
    let said = match stands {
        Loaded::Failed(error) => unopened(error),
        Loaded::Missing => view! { <Missing /> }.into_any(),
        Loaded::Opening | Loaded::Here(_) => view! { <SkeletonRows /> }.into_any(),
    };
    view! { <Screen top=Top::BackTitle { to: Route::Case(case), title: title.to_owned() } title>{said}</Screen> }
        .into_any()
}

#[component]
fn EditForm(case: CaseId, header: Box<Header>, held: Option<Box<Change>>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let form = CaseForm::of_header(&header);
    let stays = header.is_restricted() && !state.has(Role::Supervisor);
    let name = format!("edit:{case}");
    let draft_name = name.clone();
    let draft = keep_draft(name, move || form.read(), move |written| form.write(written));
    let saving = Saving::new();
    let tried = RwSignal::new(false);
    let title = super::naming::header_title(&header, state.now.get_untracked().day(), words);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let now = state.keeper().now();
        let all_answered = (0..5).all(|n| is_answered(form, n, state));
        let facts = untrack(|| form.facts(now));
        let (true, Ok(mut facts)) = (all_answered, facts) else {
            tried.set(true);
            focus_first_error();
            return;
        };
        // A draft from before the case was restricted may name another place.
        facts.retain(|fact| !stays || fact.name() != FactName::HandledIn);
        let edits = edits(&form.began.get_untracked(), held.as_deref(), facts);
        if edits.is_empty() {
            draft.end();
            let gone = state.keeper().delete_draft(draft_name.clone());
            leptos::task::spawn_local(async move {
                let _ = gone.await;
            });
            navigator.back(Route::Case(case));
            return;
        }
        let body = Body::FactsEdited { edits };
        saving.save(
            header.log.clone(),
            Subject::Case(case),
            vec![body],
            Some(draft_name.clone()),
            held.as_ref().map(|change| change.id),
            move |_| {
                draft.end();
                notice.say(words.frame.saved);
                navigator.back(Route::Case(case));
            },
        );
    };
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: words.case_page.edit.to_owned() }
            title=words.case_page.edit
            dock=move || {
                view! {
                    <DockActions>
                        <SaveButton saving label=words.frame.save form="edit" />
                    </DockActions>
                }
            }
        >
            <h2>{title}</h2>
            <form class="stack" id="edit" data-gap="l" novalidate="" on:submit=submit>
                <Section title=words.new_case.who><WhoFields form tried /></Section>
                <Section title=words.new_case.where_title><WhereFields form tried stays /></Section>
                <Section title=words.new_case.tile_title><TileField form tried /></Section>
                <Section title=words.new_case.what_title>
                    <WhatFields form tried />
                    <Field
                        label=(words.errors.fact)(domain::FactName::Health)
                        value=form.health
                        typing=Typing::Long
                    />
                    <Field
                        label=(words.errors.fact)(domain::FactName::Household)
                        value=form.household
                        typing=Typing::Long
                    />
                </Section>
                <Section title=words.new_case.urgency_title><UrgencyFields form tried /></Section>
                <DraftLine draft />
                <SaveFailure saving />
            </form>
        </Screen>
    }
    .into_any()
}

/// What was changed since the form was opened. What others wrote meanwhile was not seen and stays, for somebody to choose;
/// of a `held` edit every answer is written again, for none of it has reached the office.
fn edits(began: &[FieldEdit], held: Option<&Change>, facts: Vec<Fact>) -> Vec<FieldEdit> {
    let of_held = match held.map(|change| &change.body) {
        Some(Body::FactsEdited { edits }) => edits.as_slice(),
        _ => &[],
    };
    let origin = held.map(Change::origin);
    // What stood in the form and stands there no more is taken out, never left as it was in silence.
    let stays = |name: FactName| {
        let shadowed = name == FactName::ApproximateAge && facts.iter().any(|f| f.name() == FactName::Birth);
        shadowed || facts.iter().any(|f| f.name() == name)
    };
    let gone = of_held.iter().chain(began.iter().filter(|edit| is_shown(&edit.fact)));
    let gone = gone.filter(|edit| is_asked(edit.fact.name()));
    let mut emptied: Vec<FieldEdit> = vec![];
    for known in gone {
        let name = known.fact.name();
        if name.may_be_cleared() && !stays(name) && emptied.iter().all(|edit| edit.fact.name() != name) {
            let saw = known.saw.iter().filter(|id| Some(**id) != origin).copied().collect();
            let blank = blank(&known.fact);
            emptied.push(FieldEdit { saw, cleared: blank.is_none(), fact: blank.unwrap_or(known.fact.clone()) });
        }
    }
    let edit = |fact: Fact| {
        let is_about = |edit: &&FieldEdit| edit.fact.name() == fact.name();
        if let Some(held) = of_held.iter().find(is_about) {
            return Some(FieldEdit { saw: held.saw.clone(), fact, cleared: false });
        }
        let known = began.iter().find(is_about);
        if known.is_some_and(|known| says_the_same(&known.fact, &fact)) {
            return None;
        }
        let seen = known.into_iter().flat_map(|known| &known.saw);
        Some(FieldEdit { saw: seen.filter(|id| Some(**id) != origin).copied().collect(), fact, cleared: false })
    };
    let mut edits: Vec<FieldEdit> = facts.into_iter().filter_map(edit).collect();
    edits.extend(emptied);
    // What this form does not ask is neither changed nor lost.
    edits.extend(of_held.iter().filter(|edit| !is_asked(edit.fact.name())).cloned());
    edits
}

/// Whether the form shows something where this stands: what it did not show, nobody has emptied.
fn is_shown(fact: &Fact) -> bool {
    match fact {
        Fact::OtherNames(t)
        | Fact::Alias(t)
        | Fact::Marks(t)
        | Fact::Language(t)
        | Fact::Health(t)
        | Fact::Household(t) => !t.is_empty(),
        Fact::Home(home) => !home.text.is_empty(),
        Fact::Found(found) => !found.place.is_empty(),
        _ => true,
    }
}

/// How a fact says that there is nothing, if it can.
fn blank(fact: &Fact) -> Option<Fact> {
    let none = String::new;
    Some(match fact {
        Fact::OtherNames(_) => Fact::OtherNames(none()),
        Fact::Alias(_) => Fact::Alias(none()),
        Fact::Marks(_) => Fact::Marks(none()),
        Fact::Language(_) => Fact::Language(none()),
        Fact::Health(_) => Fact::Health(none()),
        Fact::Household(_) => Fact::Household(none()),
        Fact::Home(_) => Fact::Home(domain::Home::default()),
        _ => return None,
    })
}

/// Where somebody was found, and where they live, are compared by their words: the rest of it is not asked again.
fn says_the_same(known: &Fact, now: &Fact) -> bool {
    match (known, now) {
        (Fact::Found(known), Fact::Found(now)) => known.place == now.place,
        (Fact::Home(known), Fact::Home(now)) => known.text == now.text,
        (known, now) => known == now,
    }
}

/// Whether the form of a case asks for it.
fn is_asked(name: FactName) -> bool {
    !matches!(
        name,
        FactName::Consent
            | FactName::Status
            | FactName::Nationality
            | FactName::NeedsInterpreter
            | FactName::Insurance
            | FactName::Point
            | FactName::HasCarer
    )
}

/// The words read aloud once more, where nobody could be asked before.
#[component]
pub fn AskConsent(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts(Subject::Case(case));
    let header = Memo::new_with_compare(
        move |before: Option<&Option<Box<Header>>>| match before {
            Some(Some(header)) => Some(header.clone()),
            _ => match parts.get() {
                Loaded::Here(parts) => parts.header().map(|h| Box::new(h.clone())),
                _ => None,
            },
        },
        |a, b| a.map(Option::is_some) != b.map(Option::is_some),
    );
    view! {
        {move || match (header.get(), parts.get()) {
            (Some(header), _) => view! { <ConsentForm case header /> }.into_any(),
            (None, stands) => not_here(case, words.case_page.consent, &stands),
        }}
    }
    .into_any()
}

#[component]
fn ConsentForm(case: CaseId, header: Box<Header>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let form = CaseForm::of_header(&header);
    form.consent.set(None);
    let saving = Saving::new();
    let tried = RwSignal::new(false);
    let you = (words.speech.you)(state.worker.with_untracked(|w| w.as_ref().map(|w| w.address).unwrap_or_default()));
    let heading =
        Signal::derive(move || (words.new_case.consent_title)(you, words.consent.them[form.them.get().unwrap_or(0)]));
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let now = state.keeper().now();
        let Ok(consent) = untrack(|| form.parse_consent(now)) else {
            tried.set(true);
            focus_first_error();
            return;
        };
        if form.consent.get_untracked() == Some(NOT_ASKED) {
            return navigator.back(Route::Case(case));
        }
        let edit = FieldEdit { saw: header.facts.consent.seen(), fact: Fact::Consent(consent), cleared: false };
        let body = Body::FactsEdited { edits: vec![edit] };
        saving.save(header.log.clone(), Subject::Case(case), vec![body], None, None::<ChangeId>, move |_| {
            notice.say(words.frame.saved);
            navigator.back(Route::Case(case));
        });
    };
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: words.case_page.consent.to_owned() }
            title=words.case_page.consent
            dock=move || {
                view! {
                    <DockActions>
                        <SaveButton saving label=words.frame.save form="consent" />
                    </DockActions>
                }
            }
        >
            <form class="stack" id="consent" data-gap="l" novalidate="" on:submit=save>
                <div class="question"><h1>{heading}</h1></div>
                <ConsentFields form tried />
                <SaveFailure saving />
            </form>
        </Screen>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use domain::{
        Phone,
        laws::{Pen, Village},
    };
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn id(n: u8) -> ChangeId {
        ChangeId::at(u64::from(n), [n; 10])
    }
    fn edit(saw: u8, fact: Fact) -> FieldEdit {
        FieldEdit { saw: vec![id(saw)], fact, cleared: false }
    }
    fn health(text: &str) -> Fact {
        Fact::Health(text.to_owned())
    }

    #[wasm_bindgen_test]
    fn an_edit_writes_what_was_changed_and_has_seen_what_stood_when_it_began() {
        let number = Fact::Phone(Phone::parse("0900000123").expect("a number"));
        let began = [edit(1, health("Ho")), edit(2, number.clone())];
        assert_eq!(edits(&began, None, vec![health("Ho"), number.clone()]), vec![]);
        let written = edits(&began, None, vec![health("Ho ra máu"), number, Fact::Household("Ba người".to_owned())]);
        let added = FieldEdit { saw: vec![], fact: Fact::Household("Ba người".to_owned()), cleared: false };
        assert_eq!(written, vec![edit(1, health("Ho ra máu")), added]);
    }

    #[wasm_bindgen_test]
    fn what_is_emptied_is_written_as_empty_and_what_has_no_empty_value_is_taken_out() {
        let number = Fact::Phone(Phone::parse("0900000123").expect("a number"));
        let birth = Fact::Birth(domain::PartialDate::parse(Some(1990), None, None, false).expect("a year"));
        let hidden = Fact::Home(domain::Home { text: String::new(), place: Some("a1".parse().expect("a place")) });
        let began = [
            edit(1, health("Ho")),
            edit(2, number.clone()),
            edit(3, birth.clone()),
            edit(4, Fact::Sex(domain::Sex::Female)),
            edit(5, Fact::Marks(String::new())),
            edit(6, Fact::Insurance("HN 123".to_owned())),
            edit(7, hidden),
            edit(8, Fact::Tile(domain::Tile::ALL[0])),
        ];
        // Switched from the birth date to an estimated age; everything else was emptied, or was never shown.
        let age = Fact::ApproximateAge(35);
        let written = edits(&began, None, vec![age.clone()]);
        let cleared = |saw, fact| FieldEdit { cleared: true, ..edit(saw, fact) };
        assert_eq!(
            written,
            vec![
                FieldEdit { saw: vec![], fact: age.clone(), cleared: false },
                edit(1, health("")),
                cleared(2, number),
                cleared(3, birth.clone()),
                cleared(4, Fact::Sex(domain::Sex::Female)),
            ]
        );
        // A birth date stands before an estimated age, which was not touched.
        assert_eq!(edits(&[edit(1, age), edit(3, birth.clone())], None, vec![birth]), vec![]);
    }

    #[wasm_bindgen_test]
    fn a_correction_takes_out_what_the_held_edit_had_written() {
        let lan = Pen::new(Village::new().lan, 1);
        let case = lan.open("a1", None, vec![]);
        let wrong = Fact::Phone(Phone::parse("0900000123").expect("a number"));
        let held = lan.write(case.subject, "place:a", Body::FactsEdited { edits: vec![edit(1, wrong.clone())] });
        let began = [FieldEdit { saw: vec![held.id], fact: wrong.clone(), cleared: false }];
        let written = edits(&began, Some(&held), vec![]);
        assert_eq!(written, vec![FieldEdit { cleared: true, ..edit(1, wrong) }]);
        // Corrected once more, it is still taken out.
        let again = lan.write(case.subject, "place:a", Body::FactsEdited { edits: written.clone() });
        assert_eq!(edits(&[], Some(&again), vec![]), written);
    }

    #[wasm_bindgen_test]
    fn a_correction_keeps_every_answer_of_what_was_held() {
        let lan = Pen::new(Village::new().lan, 1);
        let case = lan.open("a1", None, vec![]);
        let consent = edit(3, Fact::Consent(domain::Consent::new(ConsentAnswer::Agreed)));
        let of_held = vec![edit(1, health("Ho")), edit(2, Fact::Household("Hai người".to_owned())), consent.clone()];
        let held = lan.write(case.subject, "place:a", Body::FactsEdited { edits: of_held });
        // The form shows what was held, as if it stood in the case, and another answer on top of it.
        let began = [health("Ho"), Fact::Household("Hai người".to_owned()), Fact::Alias("H-07".to_owned())]
            .map(|fact| FieldEdit { saw: vec![held.id], fact, cleared: false });
        let typed = vec![health("Ho ra máu"), Fact::Household("Hai người".to_owned()), Fact::Alias("H-08".to_owned())];
        let written = edits(&began, Some(&held), typed);
        let alias = FieldEdit { saw: vec![], fact: Fact::Alias("H-08".to_owned()), cleared: false };
        assert_eq!(
            written,
            vec![edit(1, health("Ho ra máu")), edit(2, Fact::Household("Hai người".to_owned())), alias, consent]
        );
    }
}
