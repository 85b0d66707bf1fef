//! The people of this phone: who holds it now, who else is known here, and how one leaves. It knows no cases.

use domain::{Worker, WorkerId};
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state,
    banners::unknown_yet,
    naming, navigator,
    route::Route,
    state::{AppState, Opening, Person, SyncState},
    ui::{CollectAny, ConfirmDialog, FactList, Notice, Screen, Section, Tab, Top},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, phone},
};

#[component]
pub fn PersonPage() -> AnyView {
    let state = app_state();
    let words = words();
    view! {
        <Screen
            top=Top::BackTitle { to: Route::More, title: words.person.title.to_owned() }
            title=words.person.title
            tab=Tab::More
        >
            {move || state.worker.get().map(|worker| view! { <Me worker /> })}
            <OtherPeople />
            <a class="button" href=Route::Login.path()>{sized(Icon::Plus, Some("s"))} {words.person.add}</a>
        </Screen>
    }
    .into_any()
}

/// Everybody known here but whoever holds the phone; one tap hands it over.
#[component]
pub fn OtherPeople() -> AnyView {
    let state = app_state();
    let people = people(state);
    let others = move || {
        let me = state.me();
        people.get().map(|all| all.into_iter().filter(|p| Some(p.worker.id) != me).collect::<Vec<_>>())
    };
    let list = move || match others() {
        Some(all) if !all.is_empty() => {
            let rows = all.into_iter().map(|person| view! { <SwitchRow person /> }).collect_any();
            view! { <ul class="rows menu">{rows}</ul> }.into_any()
        }
        _ => ().into_any(),
    };
    list.into_any()
}

/// Everybody known here; read anew when somebody comes or goes.
fn people(state: AppState) -> RwSignal<Option<Vec<Person>>> {
    let people = RwSignal::new(None);
    Effect::new(move |_| {
        state.worker.track();
        let asked = state.keeper().people();
        spawn_local(async move {
            let found = asked.await.unwrap_or_default();
            let _ = people.try_set(Some(found));
        });
    });
    people
}

#[component]
fn Me(worker: Worker) -> AnyView {
    let state = app_state();
    let words = words();
    let unsent = move || {
        let (queued, held) = state.unsent();
        queued + held
    };
    let line = move || match (unknown_yet(state, words), unsent()) {
        (Some(said), _) => said.to_owned(),
        (None, 0) => words.person.all_sent.to_owned(),
        (None, n) => (words.person.unsent)(n),
    };
    let (name, number) = (worker.name.to_string(), worker.phone.as_ref().map(phone).unwrap_or_default());
    let pairs =
        move || vec![(words.person.area, areas(state, &worker, words)), (words.person.my_phone, number.clone())];
    view! {
        <Section title=name remark=Signal::stored(words.person.now.to_owned())>
            {move || view! { <FactList pairs=pairs() /> }}
            <p class="soft">{line}</p>
            <LogOut unsent=Signal::derive(unsent) />
        </Section>
    }
    .into_any()
}

/// Each role with its area, a line each.
fn areas(state: AppState, worker: &Worker, words: &Words) -> String {
    let rules = state.rules();
    let mut lines: Vec<String> = Vec::new();
    for grant in &worker.grants {
        let role = (words.speech.role)(grant.role);
        let place = match (&grant.area, grant.facility) {
            (Some(area), _) => naming::place_name(area, &rules.places),
            (None, Some(id)) => state
                .facilities
                .with(|all| all.iter().find(|f| f.id == id).map(|f| f.facts.name.clone()).unwrap_or_default()),
            (None, None) => String::new(),
        };
        // Several villages of one role stand in one line.
        match lines.iter_mut().find(|line| line.starts_with(role)) {
            Some(line) if !place.is_empty() => {
                line.push_str(", ");
                line.push_str(&place);
            }
            Some(_) => {}
            None if place.is_empty() => lines.push(role.to_owned()),
            None => lines.push(format!("{role}: {place}")),
        }
    }
    lines.join("\n")
}

#[component]
fn LogOut(unsent: Signal<usize>) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let open = RwSignal::new(false);
    let text = Signal::derive(move || {
        let kept = match unsent.get() {
            0 => words.person.log_out_clean.to_owned(),
            n => (words.person.log_out_kept)(n),
        };
        if state.sync.get() == SyncState::Offline { format!("{kept} {}", words.person.log_out_offline) } else { kept }
    });
    let leave = move |()| {
        let leaving = state.keeper().log_out();
        spawn_local(async move {
            match leaving.await {
                Ok(()) => navigator.replace(Route::Login),
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    view! {
        <button
            class="button"
            type="button"
            disabled=move || unknown_yet(state, words).is_some()
            on:click=move |_| open.set(true)
        >
            {sized(Icon::Leave, Some("s"))} {words.person.log_out}
        </button>
        <ConfirmDialog
            open
            title=words.person.log_out_title
            text
            act_label=words.person.log_out
            act=Callback::new(leave)
        />
    }
    .into_any()
}

/// One tap hands the phone over.
#[component]
fn SwitchRow(person: Person) -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let busy = RwSignal::new(None::<WorkerId>);
    let (id, name) = (person.worker.id, person.worker.name.to_string());
    let hint = if person.signed_out { words.person.needs_password } else { words.person.switch };
    let line = match person.unsent {
        Some(0) => hint.to_owned(),
        None => format!("{hint} · {}", words.person.uncounted),
        Some(n) => format!("{hint} · {}", (words.person.unsent)(n)),
    };
    let user_name = StoredValue::new(person.user_name.clone());
    let switch = move |_| {
        if busy.get_untracked().is_some() {
            return;
        }
        busy.set(Some(id));
        // The page of the log-in is drawn as soon as nobody holds the phone.
        state.entering.set(user_name.get_value());
        let switching = state.keeper().switch_to(id);
        spawn_local(async move {
            let done = switching.await;
            let _ = busy.try_set(None);
            match done {
                // Somebody whose log-in has ended writes their password first.
                Ok(()) if state.opening.get_untracked() == Opening::Nobody => {
                    navigator.replace(Route::Login);
                    notice.warn(words.person.must_log_in);
                }
                Ok(()) => {
                    state.entering.set(None);
                }
                Err(error) => notice.warn((words.errors.store)(&error)),
            }
        });
    };
    view! {
        <li>
            <button class="row" type="button" on:click=switch>
                {Icon::Person}
                <div>
                    <span class="row-title">{name}</span>
                    <span class="row-text">{line}</span>
                </div>
                {sized(Icon::Forward, Some("s"))}
            </button>
        </li>
    }
    .into_any()
}
