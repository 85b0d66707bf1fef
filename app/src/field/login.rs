//! Đăng nhập: name and password once, with network. It knows what can go wrong and says it beside its field.

use domain::{ApiError, Timestamp};
use leptos::{leptos_dom::helpers::IntervalHandle, prelude::*, task::spawn_local};

use super::{
    app_state, navigator,
    person::OtherPeople,
    rescue::RescueSignedOut,
    route::Route,
    state::{AppState, SyncState},
    ui::{DockActions, Field, If, Note, Screen, Top, Typing, focus_first_error},
    words,
};
use crate::icon::{Icon, sized};

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

#[component]
pub fn LogIn() -> AnyView {
    let state = app_state();
    let words = words();
    let navigator = navigator();
    // Whoever was chosen from the people of this phone writes only the password.
    let entering = state.entering.try_update_untracked(Option::take).flatten().unwrap_or_default();
    let (name, password) = (RwSignal::new(entering), RwSignal::new(String::new()));
    let missing = RwSignal::new((false, false));
    let failed = RwSignal::new(None::<ApiError>);
    let busy = RwSignal::new(false);
    let wait = Wait::new(state);
    let name_error = Signal::derive(move || missing.get().0.then(|| words.login.name_missing.to_owned()));
    let password_error = Signal::derive(move || {
        if missing.get().1 {
            return Some(words.login.password_missing.to_owned());
        }
        match (wait.seconds.get(), failed.get()) {
            (Some(seconds), _) => Some((words.login.wait)(seconds)),
            (None, Some(ApiError::WrongPassword)) => Some(words.login.wrong.to_owned()),
            _ => None,
        }
    });
    let said = move || match failed.get()? {
        ApiError::WrongPassword | ApiError::TooMany { .. } => None,
        ApiError::NoConnection => Some((Icon::Offline, words.login.no_network)),
        ApiError::Unavailable => Some((Icon::Warning, words.login.unavailable)),
        error => Some((Icon::Warning, (words.errors.api)(&error))),
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || wait.seconds.get_untracked().is_some() {
            return;
        }
        let name = name.with_untracked(|n| n.trim().to_owned());
        let password = password.get_untracked();
        missing.set((name.is_empty(), password.is_empty()));
        failed.set(None);
        if missing.get_untracked() != (false, false) {
            return focus_first_error();
        }
        busy.set(true);
        let asked = state.keeper().log_in(name, password);
        spawn_local(async move {
            let done = asked.await;
            let _ = busy.try_set(false);
            match done {
                Ok(()) => navigator.replace(Route::Today),
                Err(error) => {
                    if let ApiError::TooMany { seconds } = error {
                        wait.begin(seconds);
                    }
                    let _ = failed.try_set(Some(error));
                    focus_first_error();
                }
            }
        });
    };
    let again = move || state.sync.get() == SyncState::SignedOut;
    view! {
        <Screen
            top=Top::Brand
            title=words.login.title
            dock=move || {
                view! {
                    <DockActions>
                        <a class="button" data-kind="emergency" data-size="l" href=Route::Emergency.path()>
                            {Icon::Alarm} {words.today.emergency}
                        </a>
                    </DockActions>
                }
            }
        >
            <div>
                <h1>{words.login.title}</h1>
                <p class="soft">{move || if again() { words.login.again } else { words.login.first_time }}</p>
            </div>
            <form class="stack" data-gap="l" novalidate on:submit=submit>
                <Field
                    label=words.login.name
                    hint=words.login.name_hint
                    value=name
                    error=name_error
                    typing=Typing::UserName
                    name="user_name"
                    autocomplete="username"
                />
                <Field
                    label=words.login.password
                    value=password
                    error=password_error
                    typing=Typing::Password
                    name="password"
                    autocomplete="current-password"
                />
                <div role="alert">
                    {move || {
                        said()
                            .map(|(icon, said)| view! { <Note icon said=Signal::stored(said.to_owned()) tone="wait" /> })
                    }}
                </div>
                <button
                    class="button"
                    data-kind="main"
                    data-size="l"
                    disabled=move || busy.get() || wait.seconds.with(Option::is_some)
                >
                    {move || if busy.get() { words.login.busy } else { words.login.button }}
                </button>
            </form>
            <If when=move || state.worker.with(Option::is_none)>
                <OtherPeople />
            </If>
            <RescueSignedOut />
            <details class="extra">
                <summary>{sized(Icon::Question, Some("s"))} {words.login.forgot}</summary>
                <p>{words.login.forgot_text}</p>
            </details>
        </Screen>
    }
    .into_any()
}

/// Counts down the seconds the office asked to wait.
#[derive(Clone, Copy)]
struct Wait {
    state: AppState,
    seconds: RwSignal<Option<u32>>,
    until: StoredValue<Timestamp>,
    ticking: StoredValue<Option<IntervalHandle>>,
}

impl Wait {
    fn new(state: AppState) -> Self {
        let this = Self {
            state,
            seconds: RwSignal::new(None),
            until: StoredValue::new(Timestamp::default()),
            ticking: StoredValue::new(None),
        };
        on_cleanup(move || this.stop());
        this
    }
    fn begin(self, seconds: u32) {
        self.stop();
        self.until.set_value(self.state.keeper().now().plus_ms(i64::from(seconds) * 1_000));
        self.tick();
        self.ticking.set_value(set_interval_with_handle(move || self.tick(), SECOND).ok());
    }
    fn tick(self) {
        let Some(until) = self.until.try_get_value() else { return };
        let left = (until.0 - self.state.keeper().now().0 + 999) / 1_000;
        let left = u32::try_from(left).ok().filter(|left| *left > 0);
        let _ = self.seconds.try_set(left);
        if left.is_none() {
            self.stop();
        }
    }
    fn stop(self) {
        if let Some(Some(ticking)) = self.ticking.try_update_value(Option::take) {
            ticking.clear();
        }
    }
}
