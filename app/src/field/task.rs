//! Giao việc: what somebody is to do about a case, until when; and marking it done. It knows who may see the case and so
//! who can be asked.

use domain::{
    Body, CaseId, ChangeId, Colleague, Day, Header, Invalid, LogId, Parts, PlaceKind, Reach, Refusal, Role, Spot,
    Subject, Task, TaskFor, worker::covers,
};
use leptos::prelude::*;

use super::{
    app_state,
    case_page::Missing,
    draft::{DraftLine, form, keep_draft},
    held, naming, navigator,
    route::Route,
    saving::{SaveButton, SaveFailure, Saving, save_at_once},
    state::{AppState, Loaded, Opening},
    trouble::{Troubles, check_body},
    ui::{
        Answers, ConfirmDialog, DateField, DateParts, DockActions, Field, If, Note, Notice, Screen, SkeletonRows, Top,
        Typing, WholeError, unopened,
    },
    visit::{ChipField, optional, typed_day},
    words,
};
use crate::{
    icon::Icon,
    text::{Words, weekday_date},
};

/// Days until a task is due that one tap chooses; after them stands "another day".
const IN_DAYS: [u64; 3] = [7, 14, 30];
const OTHER_DAY: usize = IN_DAYS.len();

#[component]
pub fn TaskPage(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let parts = state.parts_of_form(Subject::Case(case));
    let opening = Memo::new(move |_| {
        matches!(state.opening.get(), Opening::Busy | Opening::Known) || matches!(parts.get(), Loaded::Opening)
    });
    let missing = Memo::new(move |_| !matches!(parts.get(), Loaded::Opening | Loaded::Here(_)));
    let failed = Memo::new(move |_| if let Loaded::Failed(error) = parts.get() { Some(error) } else { None });
    let saving = Saving::new();
    let whose = move || match parts.get() {
        Loaded::Here(parts) => parts.header().map(|h| naming::header_title(h, state.now.get().day(), words)),
        _ => None,
    };
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: words.visit.task_title.to_owned() }
            title=words.visit.task_title
            dock=move || {
                view! {
                    <If when=move || !opening.get() && !missing.get()>
                        <DockActions>
                            <SaveButton saving label=words.frame.save form="task" />
                        </DockActions>
                    </If>
                }
            }
        >
            <p class="soft">{whose}</p>
            {move || match (opening.get(), missing.get()) {
                (true, _) => view! { <SkeletonRows /> }.into_any(),
                (_, true) => failed.get().map_or_else(|| view! { <Missing /> }.into_any(), |error| unopened(&error)),
                _ => view! { <Form case parts saving /> }.into_any(),
            }}
        </Screen>
    }
    .into_any()
}

form! {
    /// A task as it is typed.
    Fields as Typed {
        what: String,
        due_in: Option<usize>,
        day: String,
        month: String,
        year: String,
        whom: Option<TaskFor>,
    }
}

impl Typed {
    /// As a task was written before.
    fn of(task: &Task) -> Self {
        let [day, month, year] = task.due.map(typed_day).unwrap_or_default();
        let due_in = task.due.map(|_| OTHER_DAY);
        Self { what: task.what.clone(), due_in, day, month, year, whom: Some(task.for_whom.clone()) }
    }
}

impl Fields {
    fn due(self) -> DateParts {
        DateParts { day: self.day, month: self.month, year: self.year }
    }
    fn due_on(self, today: Day) -> Result<Option<Day>, Invalid> {
        match self.due_in.get() {
            None => Ok(None),
            Some(n) => match IN_DAYS.get(n) {
                Some(days) => Ok(Some(today.plus_days(*days))),
                None => self.due().whole()?.ok_or(Invalid::Missing).map(Some),
            },
        }
    }
}

const BESIDE: &[Spot] = &[Spot::TaskText, Spot::TaskDue, Spot::Worker];

#[component]
fn Form(case: CaseId, parts: RwSignal<Loaded>, saving: Saving) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    // Who may be asked is settled as the form opens: its answers must not move under the finger.
    let mut whom = match parts.get_untracked() {
        Loaded::Here(parts) => untrack(|| doers(state, &parts, words)),
        _ => vec![],
    };
    let first = whom.first().map(|(whom, _)| whom.clone());
    let held = held::opened(state).and_then(|change| match change.body {
        Body::TaskWritten(task) => Some((change.id, change.log, task)),
        _ => None,
    });
    if let Some((.., task)) = &held
        && whom.iter().all(|(known, _)| *known != task.for_whom)
    {
        // Whoever was asked stands there, also when this phone does not know any more who could be.
        let label = match &task.for_whom {
            TaskFor::Worker(id) => naming::colleague_full(*id, &untrack(|| state.colleagues()), words),
            TaskFor::Village(place) => {
                (words.visit.task_village)(&naming::place_name(place, &untrack(|| state.rules()).places))
            }
        };
        whom.push((task.for_whom.clone(), label));
    }
    let fields = Fields::new(match &held {
        Some((.., task)) => Typed::of(task),
        None => Typed { whom: first, ..Typed::default() },
    });
    let (replaces, held_log) = held.map(|(id, log, _)| (id, log)).unzip();
    let held_log = StoredValue::new(held_log);
    let draft_name = replaces.map_or_else(|| format!("task:{case}"), |held| format!("fix:{held}"));
    let draft = keep_draft(draft_name.clone(), move || fields.read(), move |typed| fields.write(typed));
    let options = whom.iter().map(|(_, label)| (label.clone(), String::new())).collect::<Vec<_>>();
    let whom = StoredValue::new(whom.into_iter().map(|(whom, _)| whom).collect::<Vec<_>>());
    let position = move |of: Option<TaskFor>| whom.with_value(|all| all.iter().position(|w| Some(w) == of.as_ref()));
    let chosen = RwSignal::new(None::<usize>);
    Effect::new(move |_| {
        let standing = position(fields.whom.get());
        if chosen.get_untracked() != standing {
            chosen.set(standing);
        }
    });
    Effect::new(move |_| {
        let now = chosen.get().and_then(|n| whom.with_value(|all| all.get(n).cloned()));
        if now.is_some() && fields.whom.with_untracked(|standing| *standing != now) {
            fields.whom.set(now);
        }
    });
    let subject = Subject::Case(case);
    let task = move || {
        let due = fields.due_on(state.now.get().day()).map_err(|why| Refusal::Field { spot: Spot::TaskDue, why });
        let known = chosen.get().and_then(|n| whom.with_value(|all| all.get(n).cloned()));
        let for_whom = known.ok_or(Refusal::Field { spot: Spot::Worker, why: Invalid::Missing });
        let what = fields.what.with(|t| t.trim().to_owned());
        let found: Vec<Refusal> = due.as_ref().err().into_iter().chain(for_whom.as_ref().err()).cloned().collect();
        let (Ok(due), Ok(for_whom)) = (due, for_whom) else { return Err(found) };
        let body = Body::TaskWritten(Task { what, due, for_whom });
        let Loaded::Here(parts) = parts.get_untracked() else { return Err(vec![]) };
        let Some(header) = parts.header() else {
            // Of a case that has left this phone, the held change says where it belongs, and the office judges.
            return held_log.get_value().map(|log| (log, body)).ok_or_else(Vec::new);
        };
        match check_body(state, &parts, &header.log, subject, &body, state.keeper().now()) {
            Ok(()) => Ok((header.log.clone(), body)),
            Err(why) => Err(vec![why]),
        }
    };
    let troubles = Troubles::of(move || task().err().unwrap_or_default());
    let due_options = IN_DAYS.map(words.visit.in_days).into_iter().chain([words.visit.other_day.to_owned()]).collect();
    let due_line = move || match fields.due_in.get() {
        Some(n) if n < OTHER_DAY => {
            let day = fields.due_on(state.now.get().day()).ok().flatten();
            day.map_or(String::new(), |day| weekday_date(day, &words.time.weekdays))
        }
        Some(_) => String::new(),
        None => words.visit.no_due.to_owned(),
    };
    let elsewhere = troubles.elsewhere(BESIDE);
    let nobody = options.is_empty();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (true, Ok((log, body))) = (troubles.are_none(), untrack(task)) else { return };
        saving.save(log, subject, vec![body], Some(draft_name.clone()), replaces, move |_| {
            draft.end();
            notice.say(words.visit.task_saved);
            navigator.back(Route::Case(case));
        });
    };
    view! {
        <form class="stack" data-gap="l" id="task" novalidate on:submit=submit>
            <Field
                label=words.visit.task_what
                hint=words.visit.task_what_hint
                value=fields.what
                error=troubles.at(Spot::TaskText)
                typing=Typing::Long
            />
            <ChipField
                label=words.visit.task_due
                options=due_options
                chosen=fields.due_in
                said=Signal::derive(due_line)
            />
            <If when=move || fields.due_in.get() == Some(OTHER_DAY)>
                <DateField legend=words.visit.task_due parts=fields.due() error=troubles.at(Spot::TaskDue) />
            </If>
            {if nobody {
                view! { <Note icon=Icon::People said=Signal::stored(words.visit.task_nobody.to_owned()) /> }.into_any()
            } else {
                view! {
                    <Answers legend=words.visit.task_for options chosen error=troubles.at(Spot::Worker) />
                }
                    .into_any()
            }}
            <WholeError error=elsewhere />
            <SaveFailure saving />
            <DraftLine draft />
        </form>
    }
    .into_any()
}

/// Who may be asked: the village's collaborators together, oneself, and every colleague who sees the case.
fn doers(state: AppState, parts: &Parts, words: &Words) -> Vec<(TaskFor, String)> {
    let (Some(reach), Some(header)) = (Reach::of(parts), parts.header()) else { return vec![] };
    let rules = state.rules();
    let me = state.me();
    let sees = |c: &&Colleague| reach.is_seen_by(c.id, &c.grants, &rules.places);
    let colleagues = state.colleagues();
    let mut all = Vec::new();
    all.extend(village(header, &colleagues, state, words));
    if let Some(me) = me {
        all.push((TaskFor::Worker(me), words.visit.task_me.to_owned()));
    }
    for c in colleagues.iter().filter(sees).filter(|c| Some(c.id) != me) {
        let role = c.grants.first().map(|g| (words.speech.role_short)(g.role));
        let label = match role {
            Some(role) => format!("{}, {role}", c.name),
            None => c.name.to_string(),
        };
        all.push((TaskFor::Worker(c.id), label));
    }
    all
}

/// The collaborators of the case's village, whoever they are by then; not for a case that only people named on it see.
fn village(header: &Header, colleagues: &[Colleague], state: AppState, words: &Words) -> Option<(TaskFor, String)> {
    let rules = state.rules();
    let place = rules.places.find(header.handled_in()?)?;
    if header.is_restricted() || place.kind != PlaceKind::Village {
        return None;
    }
    let there = colleagues.iter().filter(|c| covers(&c.grants, Role::Collaborator, &place.id, &rules.places));
    let there: Vec<&Colleague> = there.collect();
    if matches!(there[..], [only] if Some(only.id) == state.me()) {
        return None;
    }
    let names: Vec<String> = there.iter().map(|c| c.name.to_string()).collect();
    let label = if names.is_empty() {
        (words.visit.task_village)(&place.name)
    } else {
        (words.visit.task_village_named)(&place.name, &names.join(", "))
    };
    Some((TaskFor::Village(place.id.clone()), label))
}

/// Ends the task that is `asked` about, with how it ended in a sentence if somebody wants to say it.
#[component]
pub fn TaskDoneDialog(case: CaseId, asked: RwSignal<Option<(LogId, ChangeId)>>) -> AnyView {
    let state = app_state();
    let words = words();
    let notice = expect_context::<Notice>();
    let open = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    Effect::new(move |before: Option<Option<ChangeId>>| {
        let task = asked.with(|asked| asked.as_ref().map(|(_, task)| *task));
        if before.flatten() != task {
            note.set(String::new());
        }
        open.set(task.is_some());
        task
    });
    let done = move |()| {
        let Some((log, task)) = asked.get_untracked() else { return };
        let note = note.with_untracked(|n| n.trim().chars().take(domain::limits::TEXT_CHARS).collect());
        let body = Body::TaskDone { task, note };
        save_at_once(state, words, notice, log, Subject::Case(case), body);
    };
    view! {
        <ConfirmDialog
            open
            title=words.visit.done_title
            text=Signal::stored(String::new())
            act_label=words.case_page.done
            act=Callback::new(done)
        >
            <Field label=optional(words.visit.done_note, words) value=note typing=Typing::Long />
        </ConfirmDialog>
    }
    .into_any()
}
