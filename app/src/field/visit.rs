//! Ghi lần thăm: the day, who was met, what was seen, what help was given, and the next visit. It knows the form, not the
//! case around it.

use domain::{
    Body, CaseId, Day, Header, Invalid, Photo, PhotoConsent, Refusal, Role, ServiceCode, Spot, Subject, Visit,
    catalogue::SERVICES,
    check::check_visit,
    search::{Query, fold},
    worker::covers,
};
use leptos::prelude::*;

use super::{
    app_state,
    case_page::Missing,
    draft::{DraftLine, form, keep_draft},
    held, lang, naming, navigator,
    photos::{PhotoField, announce},
    route::Route,
    saving::{SaveButton, SaveFailure, Saving},
    state::{AppState, Loaded, Opening},
    trouble::Troubles,
    ui::{
        Chips, CollectAny, DateField, DateParts, DockActions, Field, If, Note, Notice, Screen, SkeletonRows, Top,
        Typing, WholeError, fresh_id, unopened,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, weekday_date},
};

/// Days until the next visit that one tap chooses; after them stands "another day".
const IN_DAYS: [u64; 3] = [7, 14, 30];
const OTHER_DAY: usize = IN_DAYS.len();

#[component]
pub fn VisitPage(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts_of_form(Subject::Case(case));
    // The form stands once; what changes around it while somebody types does not draw it anew.
    let opening = Memo::new(move |_| matches!(state.opening.get(), Opening::Busy | Opening::Known));
    let missing = Memo::new(move |_| matches!(parts.get(), Loaded::Missing | Loaded::Failed(_)));
    let failed = Memo::new(move |_| if let Loaded::Failed(error) = parts.get() { Some(error) } else { None });
    let saving = Saving::new();
    let saved = RwSignal::new(false);
    let whose = move || match parts.get() {
        Loaded::Here(parts) => parts.header().map(|h| naming::header_title(h, state.now.get().day(), words)),
        _ => None,
    };
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: words.visit.title.to_owned() }
            title=words.visit.title
            dock=move || {
                view! {
                    <If when=move || !opening.get() && !missing.get() && !saved.get()>
                        <DockActions>
                            <SaveButton saving label=words.frame.save form="visit" />
                        </DockActions>
                    </If>
                }
            }
        >
            <p class="soft">{whose}</p>
            {move || match (opening.get(), missing.get(), saved.get()) {
                (true, ..) => view! { <SkeletonRows /> }.into_any(),
                (_, true, _) => failed.get().map_or_else(|| view! { <Missing /> }.into_any(), |error| unopened(&error)),
                (.., true) => view! { <Saved case /> }.into_any(),
                _ => view! { <Form case parts saving saved /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

/// After a visit by somebody who leaves again: what remains may be handed back to the village.
#[component]
fn Saved(case: CaseId) -> AnyView {
    let words = words();
    let navigator = navigator();
    let go = move |route: Route| {
        move |event: leptos::ev::MouseEvent| {
            event.prevent_default();
            navigator.replace(route);
        }
    };
    view! {
        <section class="stack">
            <h2><span role="status">{words.new_case.saved_title}</span></h2>
            <a class="button" data-kind="main" href=Route::Task(case).path() on:click=go(Route::Task(case))>
                {words.visit.offer_task}
            </a>
            <a class="button" href=Route::Case(case).path() on:click=go(Route::Case(case))>{words.new_case.open_case}</a>
        </section>
    }
    .into_any()
}

form! {
    /// A visit as it is typed.
    Fields as Typed {
        day: String,
        month: String,
        year: String,
        place: String,
        met: String,
        seen: String,
        services: Vec<ServiceCode>,
        next_in: Option<usize>,
        next_day: String,
        next_month: String,
        next_year: String,
        next_what: String,
        photos: Vec<Photo>,
    }
}

impl Typed {
    fn begin(today: Day) -> Self {
        let [day, month, year] = typed_day(today);
        Self { day, month, year, ..Self::default() }
    }
    /// As a visit was written before.
    fn of(visit: &Visit) -> Self {
        let [next_day, next_month, next_year] = visit.next.map(typed_day).unwrap_or_default();
        Self {
            place: visit.place.clone(),
            met: visit.met.clone(),
            seen: visit.seen.clone(),
            services: visit.services.clone(),
            next_in: visit.next.map(|_| OTHER_DAY),
            next_day,
            next_month,
            next_year,
            next_what: visit.next_what.clone(),
            ..Self::begin(visit.on)
        }
    }
}

/// Day, month and year as a form shows them.
pub(super) fn typed_day(day: Day) -> [String; 3] {
    [day.day().to_string(), day.month().to_string(), day.year().to_string()]
}

impl Fields {
    fn on(self) -> DateParts {
        DateParts { day: self.day, month: self.month, year: self.year }
    }
    fn next(self) -> DateParts {
        DateParts { day: self.next_day, month: self.next_month, year: self.next_year }
    }
    /// The day of the next visit: some days after this one, or after today for a visit written down late.
    fn next_on(self, today: Day) -> Result<Option<Day>, Invalid> {
        match self.next_in.get() {
            None => Ok(None),
            Some(n) => match IN_DAYS.get(n) {
                Some(days) => {
                    let from = self.on().whole().ok().flatten().map_or(today, |on| on.max(today));
                    Ok(Some(from.plus_days(*days)))
                }
                None => self.next().whole()?.ok_or(Invalid::Missing).map(Some),
            },
        }
    }
    /// The visit as typed, or everything that is wrong with it.
    fn visit(self, today: Day) -> Result<Visit, Vec<Refusal>> {
        let mut found = Vec::new();
        let mut wrong = |spot, why| found.push(Refusal::Field { spot, why });
        let on = self.on().whole().and_then(|on| on.ok_or(Invalid::Missing)).unwrap_or_else(|why| {
            wrong(Spot::VisitDay, why);
            today
        });
        let next = self.next_on(today).unwrap_or_else(|why| {
            wrong(Spot::NextVisit, why);
            None
        });
        let text = |typed: RwSignal<String>| typed.with(|t| t.trim().to_owned());
        let visit = Visit {
            on,
            place: text(self.place),
            met: text(self.met),
            seen: text(self.seen),
            services: self.services.get(),
            next,
            next_what: if next.is_some() { text(self.next_what) } else { String::new() },
        };
        // A phone whose clock runs behind is no reason not to save; the office judges by its own.
        found.extend(check_visit(&visit, today.max(on)).err());
        if found.is_empty() { Ok(visit) } else { Err(found) }
    }
}

const BESIDE: &[Spot] = &[Spot::VisitDay, Spot::NextVisit, Spot::VisitText, Spot::Service];

#[component]
fn Form(case: CaseId, parts: RwSignal<Loaded>, saving: Saving, saved: RwSignal<bool>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let today = state.keeper().now().day();
    let held = held::opened(state).and_then(|change| match change.body {
        Body::VisitRecorded(visit) => Some((change.id, change.log, visit)),
        _ => None,
    });
    let fields = Fields::new(held.as_ref().map_or_else(|| Typed::begin(today), |(.., visit)| Typed::of(visit)));
    let (replaces, held_log) = held.map(|(id, log, _)| (id, log)).unzip();
    let draft_name = replaces.map_or_else(|| format!("visit:{case}"), |held| format!("fix:{held}"));
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |typed| fields.write(typed));
    let troubles = Troubles::of(move || fields.visit(state.now.get().day()).err().unwrap_or_default());
    let future = move || fields.on().whole().ok().flatten().is_some_and(|on| on > state.now.get().day());
    let next_options = IN_DAYS.map(words.visit.in_days).into_iter().chain([words.visit.other_day.to_owned()]).collect();
    let next_line = move || match fields.next_in.get() {
        Some(n) if n < OTHER_DAY => {
            let day = fields.next_on(state.now.get().day()).ok().flatten();
            day.map_or(String::new(), |day| weekday_date(day, &words.time.weekdays))
        }
        Some(_) => String::new(),
        None => words.visit.no_next.to_owned(),
    };
    let consent = Signal::derive(move || match parts.get() {
        Loaded::Here(parts) => parts.header().map_or(PhotoConsent::NotAsked, PhotoConsent::of),
        _ => PhotoConsent::NotAsked,
    });
    let there = Signal::derive(move || match parts.get() {
        Loaded::Here(parts) => parts.photos().count(),
        _ => 0,
    });
    let elsewhere = troubles.elsewhere(BESIDE);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Loaded::Here(parts) = parts.get_untracked() else { return };
        let header = parts.header();
        // Of a case that has left this phone, the held change says where it belongs.
        let Some(log) = header.map(|header| header.log.clone()).or(held_log.clone()) else { return };
        let visit = untrack(|| fields.visit(state.now.get().day()));
        let (true, Ok(visit)) = (troubles.are_none(), visit) else { return };
        let offers = replaces.is_none() && untrack(|| hands_back(state, header.and_then(Header::handled_in)));
        let body = Body::VisitRecorded(visit);
        saving.save(
            log,
            Subject::Case(case),
            std::iter::once(body).chain(announce(fields.photos)).collect(),
            Some(draft_name.clone()),
            replaces,
            move |_| {
                draft.end();
                if offers {
                    saved.set(true);
                } else {
                    notice.say(words.frame.saved);
                    navigator.back(Route::Case(case));
                }
            },
        );
    };
    view! {
        <form class="stack" data-gap="l" id="visit" novalidate on:submit=submit>
            <DateField legend=words.visit.on parts=fields.on() error=troubles.at(Spot::VisitDay) />
            <If when=future>
                <Note icon=Icon::Warning said=Signal::stored(words.visit.future_warning.to_owned()) tone="wait" />
            </If>
            <Field label=words.visit.met value=fields.met />
            <Field label=optional(words.visit.place, words) value=fields.place />
            <Field
                label=words.visit.seen
                hint=words.new_case.what_hint
                value=fields.seen
                error=troubles.at(Spot::VisitText)
                typing=Typing::Long
            />
            <Services chosen=fields.services error=troubles.at(Spot::Service) />
            <PhotoField photos=fields.photos consent there />
            <ChipField
                label=words.visit.next
                options=next_options
                chosen=fields.next_in
                said=Signal::derive(next_line)
            />
            <If when=move || fields.next_in.get() == Some(OTHER_DAY)>
                <DateField legend=words.visit.next parts=fields.next() error=troubles.at(Spot::NextVisit) />
            </If>
            <If when=move || fields.next_in.get().is_some()>
                <Field label=optional(words.visit.next_what, words) value=fields.next_what />
            </If>
            <WholeError error=elsewhere />
            <SaveFailure saving />
            <DraftLine draft />
        </form>
    }
    .into_any()
}

/// A question of few answers under its own heading, and what the answer comes to.
#[component]
pub(super) fn ChipField(
    label: &'static str,
    options: Vec<String>,
    chosen: RwSignal<Option<usize>>,
    said: Signal<String>,
) -> AnyView {
    view! {
        <div class="field">
            <strong aria-hidden="true">{label}</strong>
            <Chips label heard_only=true options=Signal::stored(options) chosen may_clear=true />
            <small role="status">{said}</small>
        </div>
    }
    .into_any()
}

pub(super) fn optional(label: &str, words: &Words) -> String {
    format!("{label} ({})", words.frame.optional)
}

/// Whether somebody else lives with what remains to be done: whoever is not the village's own collaborator hands back.
fn hands_back(state: AppState, place: Option<&domain::PlaceId>) -> bool {
    let rules = state.rules();
    let own = state.worker.with(|w| {
        w.as_ref().zip(place).is_some_and(|(w, place)| covers(&w.grants, Role::Collaborator, place, &rules.places))
    });
    !own
}

/// The help that was given, out of the catalogue: found by typing, kept as chips.
#[component]
fn Services(chosen: RwSignal<Vec<ServiceCode>>, error: Signal<Option<String>>) -> AnyView {
    let words = words();
    let language = lang();
    let typed = RwSignal::new(String::new());
    let folded: Vec<(&'static str, &'static str, String)> = SERVICES
        .iter()
        .map(|row| (row.code, language.of(row.name), fold(&format!("{} {}", row.name.vi, row.name.en))))
        .collect();
    let folded = StoredValue::new(folded);
    let turn = move |code: &'static str| {
        chosen.update(|all| match all.iter().position(|c| &*c.0 == code) {
            Some(at) => drop(all.remove(at)),
            None => all.push(code.into()),
        });
    };
    let has = move |code: &'static str| chosen.with(|all| all.iter().any(|c| &*c.0 == code));
    let (id, error_id) = (fresh_id(), fresh_id());
    let (label_for, described) = (id.clone(), error_id.clone());
    let chips = move || {
        let all = chosen.get();
        all.iter()
            .filter_map(ServiceCode::row)
            .map(|row| {
                view! {
                    <button class="chip" type="button" aria-pressed="true" on:click=move |_| turn(row.code)>
                        {sized(Icon::Tick, Some("s"))} {language.of(row.name)}
                    </button>
                }
            })
            .collect_any()
    };
    let found = move || {
        let query = Query::new(&typed.get());
        folded.with_value(|all| {
            all.iter()
                .filter(|(_, _, folded)| query.is_empty() || query.rank(folded, folded).is_some())
                .map(|(code, name, _)| (*code, *name))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <div class="field" role="group" aria-labelledby=label_for.clone() aria-describedby=described>
            <strong id=id>{words.visit.services}</strong>
            <div class="chips">{chips}</div>
            <details class="extra">
                <summary>
                    {sized(Icon::Plus, Some("s"))}
                    {move || match chosen.with(Vec::len) {
                        0 => words.visit.services_open.to_owned(),
                        n => (words.visit.services_chosen)(n),
                    }}
                </summary>
                <div class="stack">
                    <div class="search">
                        {Icon::Search}
                        <input
                            type="search"
                            aria-label=words.visit.find_service
                            placeholder=words.visit.find_service
                            autocomplete="off"
                            autocapitalize="none"
                            enterkeyhint="search"
                            prop:value=move || typed.get()
                            on:input:target=move |event| typed.set(event.target().value())
                            // The enter key of the search does not save the visit.
                            on:keydown=|event| {
                                if event.key() == "Enter" {
                                    event.prevent_default();
                                }
                            }
                        />
                    </div>
                    <div class="pick-list">
                        <For each=found key=|(code, _)| *code let((code, name))>
                            <label class="pick">
                                <input
                                    type="checkbox"
                                    prop:checked=move || has(code)
                                    on:change=move |_| turn(code)
                                />
                                <span>{name}</span>
                            </label>
                        </For>
                    </div>
                </div>
            </details>
            <super::ui::FieldError id=error_id error />
        </div>
    }
    .into_any()
}
