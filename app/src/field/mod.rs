//! The offline app in the browser: its pages, the pieces they are made of, and how it is started. It knows no storage.

mod clock;
mod naming;
mod route;
mod state;
mod ui;

mod banners;
mod case_form;
mod case_page;
mod cases;
mod conflict;
mod draft;
mod drafts;
mod dropped;
mod duty;
mod emergency;
mod held;
mod held_item;
mod login;
mod more;
mod moving;
mod new_case;
mod person;
mod photos;
mod referral;
mod renewal;
mod rescue;
mod saving;
mod switcher;
mod sync_page;
mod task;
mod today;
mod trouble;
mod visit;

use leptos::{ev, prelude::*};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{
    device::browser,
    text::{Lang, Words},
};
pub use draft::keep_now;
use route::{Navigator, Route};
pub use state::{
    AppState, Keeper, Loading, Opening, Paper, Person, PhotoSending, PhotoTrouble, PostState, Ringing, Room, Standing,
    SyncState,
};
use ui::{Notice, NoticeRegion};

/// Where the language of this device is kept.
const LANGUAGE: &str = "cn.language";
/// Where `light` or `dark` is kept; `/boot.js` reads it before the first paint.
const THEME: &str = "cn.theme";

/// The sentences of the language in use. Only within the body of a component, where the context is.
fn words() -> &'static Words {
    lang().words()
}

fn lang() -> Lang {
    use_context::<Lang>().unwrap_or_default()
}

fn app_state() -> AppState {
    expect_context()
}

fn navigator() -> Navigator {
    expect_context()
}

/// The language of this device; setting it draws the pages anew.
#[derive(Debug, Clone, Copy)]
struct Language(RwSignal<Lang>);

impl Language {
    fn start() -> Self {
        let kept = browser::setting::<String>(LANGUAGE).and_then(|tag| Lang::parse(&tag));
        Self(RwSignal::new(kept.unwrap_or_default()))
    }
    fn choose(self, lang: Lang) {
        // A phone without room for ten letters still changes its language until the next start.
        browser::set_setting(LANGUAGE, lang.tag());
        self.0.set(lang);
    }
}

/// Puts the app into the document; `/boot.js` calls it once the document's own log-in has gone.
#[wasm_bindgen]
pub fn mount() {
    leptos::mount::mount_to_body(|| view! { <App start=crate::device::phone::start /> });
}

/// The whole app. `start` is given the state once and fills it from the phone's store.
#[component]
pub fn App(start: fn(AppState)) -> impl IntoView {
    let state = AppState::new();
    let language = Language::start();
    provide_context(state);
    provide_context(language);
    provide_context(Notice::new());
    let navigator = Navigator::start();
    provide_context(navigator);
    // Somebody tapped the notice that an emergency waits. What they had begun to write is a draft by then.
    window_event_listener(ev::Custom::<web_sys::Event>::new("cn-queue"), move |_| navigator.go(Route::Referrals));
    provide_context(cases::Finder::new());
    start(state);
    move || {
        let lang = language.0.get();
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("lang", lang.tag());
        }
        provide_context(lang);
        view! { <Pages /> <NoticeRegion /> <renewal::Renewal /> }
    }
}

#[component]
fn Pages() -> AnyView {
    use case_page::{CasePage, Side};
    let navigator = navigator();
    let state = app_state();
    // Pages are told apart by their address; a phone nobody has logged in on shows the log-in and the numbers to call.
    let route = Memo::new(move |_| match (state.opening.get(), navigator.route()) {
        (Opening::Nobody, Route::Emergency | Route::EmergencyCase(_)) => Route::Emergency,
        (Opening::Nobody, _) => Route::Login,
        (_, route) => route,
    });
    // A notebook that cannot be opened must not look like an empty one, nor like one of which all is sent.
    let unopened = Memo::new(move |_| match (state.opening.get(), route.get()) {
        (_, Route::Emergency | Route::EmergencyCase(_) | Route::Numbers | Route::More | Route::Help | Route::Login) => {
            None
        }
        (Opening::Failed(error), _) => Some(error),
        _ => None,
    });
    let finder = expect_context::<cases::Finder>();
    Effect::new(move |before: Option<u32>| {
        let now = state.sitting.get();
        if before.is_some_and(|before| before != now) {
            finder.forget();
            // Now, not when the next notebook is open: whoever taps on meanwhile is not called back.
            navigator.replace(Route::Today);
        }
        now
    });
    let on_its_way = Memo::new(move |_| matches!(state.opening.get(), Opening::Busy | Opening::Known));
    let page = move || match route.get() {
        _ if unopened.get().is_some() => view! { <Unopened error=unopened.get() /> }.into_any(),
        _ if held::is_on_its_way(state) => view! { <ui::SkeletonRows /> }.into_any(),
        // An empty form would be typed into before the draft is there, and then stand instead of it.
        Route::NewCase if on_its_way.get() => view! { <ui::SkeletonRows /> }.into_any(),
        Route::Today => view! { <today::Today /> }.into_any(),
        Route::Cases => view! { <cases::Cases /> }.into_any(),
        Route::NewCase => view! { <new_case::NewCase /> }.into_any(),
        Route::Case(case) => view! { <CasePage case side=Side::Overview /> }.into_any(),
        Route::CaseVisits(case) => view! { <CasePage case side=Side::Visits /> }.into_any(),
        Route::CaseReferrals(case) => view! { <CasePage case side=Side::Referrals /> }.into_any(),
        Route::CaseHistory(case) => view! { <CasePage case side=Side::History /> }.into_any(),
        Route::EditCase(case) => view! { <new_case::EditCase case /> }.into_any(),
        Route::AskConsent(case) => view! { <new_case::AskConsent case /> }.into_any(),
        Route::Visit(case) => view! { <visit::VisitPage case /> }.into_any(),
        Route::Photos(case) => view! { <photos::PhotosPage case /> }.into_any(),
        Route::Task(case) => view! { <task::TaskPage case /> }.into_any(),
        Route::Merge(case) => view! { <moving::MergePage case /> }.into_any(),
        Route::MoveCase(case) => view! { <moving::TransferPage case /> }.into_any(),
        Route::Assign(case) => view! { <moving::AssignPage case /> }.into_any(),
        Route::HandOver(case) => view! { <moving::HandOverPage case /> }.into_any(),
        Route::AskReferral(case) => view! { <referral::AskReferral case /> }.into_any(),
        Route::Referrals => view! { <referral::Referrals /> }.into_any(),
        Route::Referral(case, referral) => view! { <referral::ReferralPage case referral /> }.into_any(),
        Route::Emergency => view! { <emergency::Emergency /> }.into_any(),
        Route::EmergencyCase(case) => view! { <emergency::EmergencyCase case /> }.into_any(),
        Route::Sync => view! { <sync_page::SyncPage /> }.into_any(),
        Route::More => view! { <more::More /> }.into_any(),
        Route::Facilities => view! { <more::Facilities /> }.into_any(),
        Route::Numbers => view! { <more::Numbers /> }.into_any(),
        Route::Help => view! { <more::Help /> }.into_any(),
        Route::Person => view! { <person::PersonPage /> }.into_any(),
        Route::Login => view! { <login::LogIn /> }.into_any(),
        Route::Unknown => view! { <Unknown /> }.into_any(),
    };
    // A page that one person opened is not the page of the next.
    (move || {
        state.sitting.track();
        page()
    })
    .into_any()
}

#[component]
fn Unopened(error: Option<domain::StoreError>) -> AnyView {
    let words = words();
    view! {
        <ui::Screen top=ui::Top::Brand title=words.frame.today tab=ui::Tab::Today>
            {error.map(|error| ui::unopened(&error))}
            <p><a class="button" data-kind="emergency" href=Route::Emergency.path()>{words.today.emergency}</a></p>
        </ui::Screen>
    }
    .into_any()
}

#[component]
fn Unknown() -> AnyView {
    let words = words();
    view! {
        <ui::Screen top=ui::Top::Title(words.frame.not_found.to_owned()) title=words.frame.not_found tab=ui::Tab::Today>
            <case_page::Missing />
        </ui::Screen>
    }
    .into_any()
}

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
