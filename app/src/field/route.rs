//! Which page is open, and how pages are gone to and back from. It knows paths, not what stands on a page.
//!
//! A router of our own: a path is an enum value, and the general one would weigh as much as a third of the app.

use domain::{CaseId, ChangeId};
use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Today,
    Cases,
    NewCase,
    Case(CaseId),
    CaseVisits(CaseId),
    CaseReferrals(CaseId),
    CaseHistory(CaseId),
    EditCase(CaseId),
    Visit(CaseId),
    AskReferral(CaseId),
    Task(CaseId),
    Photos(CaseId),
    AskConsent(CaseId),
    Merge(CaseId),
    MoveCase(CaseId),
    Assign(CaseId),
    /// Of all of one's cases, or from the page of one.
    HandOver(Option<CaseId>),
    Referrals,
    Referral(CaseId, ChangeId),
    Emergency,
    EmergencyCase(CaseId),
    Sync,
    More,
    Facilities,
    Numbers,
    Help,
    Person,
    Login,
    Unknown,
}

impl Route {
    #[must_use]
    pub fn parse(path: &str) -> Self {
        let mut parts = path.split('/').filter(|p| !p.is_empty());
        let (a, b, c, d) = (parts.next(), parts.next(), parts.next(), parts.next());
        let case = b.and_then(|id| id.parse::<CaseId>().ok());
        match (a, b, c, d) {
            (None | Some("today"), None, ..) => Self::Today,
            (Some("cases"), None, ..) => Self::Cases,
            (Some("cases"), Some("new"), None, _) => Self::NewCase,
            (Some("cases"), Some(_), page, None) => match (case, page) {
                (Some(id), None) => Self::Case(id),
                (Some(id), Some("visits")) => Self::CaseVisits(id),
                (Some(id), Some("referrals")) => Self::CaseReferrals(id),
                (Some(id), Some("history")) => Self::CaseHistory(id),
                (Some(id), Some("edit")) => Self::EditCase(id),
                (Some(id), Some("visit")) => Self::Visit(id),
                (Some(id), Some("referral")) => Self::AskReferral(id),
                (Some(id), Some("task")) => Self::Task(id),
                (Some(id), Some("photos")) => Self::Photos(id),
                (Some(id), Some("consent")) => Self::AskConsent(id),
                (Some(id), Some("merge")) => Self::Merge(id),
                (Some(id), Some("move")) => Self::MoveCase(id),
                (Some(id), Some("assign")) => Self::Assign(id),
                (Some(id), Some("handover")) => Self::HandOver(Some(id)),
                _ => Self::Unknown,
            },
            (Some("referrals"), None, ..) => Self::Referrals,
            (Some("referrals"), Some(_), Some(referral), None) => match (case, referral.parse()) {
                (Some(case), Ok(referral)) => Self::Referral(case, referral),
                _ => Self::Unknown,
            },
            (Some("emergency"), None, ..) => Self::Emergency,
            (Some("emergency"), Some(_), None, _) => case.map_or(Self::Unknown, Self::EmergencyCase),
            (Some("sync"), None, ..) => Self::Sync,
            (Some("more"), None, ..) => Self::More,
            (Some("more"), Some("facilities"), None, _) => Self::Facilities,
            (Some("more"), Some("numbers"), None, _) => Self::Numbers,
            (Some("more"), Some("help"), None, _) => Self::Help,
            (Some("more"), Some("handover"), None, _) => Self::HandOver(None),
            (Some("person"), None, ..) => Self::Person,
            (Some("login"), None, ..) => Self::Login,
            _ => Self::Unknown,
        }
    }

    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::Today | Self::Unknown => "/".to_owned(),
            Self::Cases => "/cases".to_owned(),
            Self::NewCase => "/cases/new".to_owned(),
            Self::Case(id) => format!("/cases/{id}"),
            Self::CaseVisits(id) => format!("/cases/{id}/visits"),
            Self::CaseReferrals(id) => format!("/cases/{id}/referrals"),
            Self::CaseHistory(id) => format!("/cases/{id}/history"),
            Self::EditCase(id) => format!("/cases/{id}/edit"),
            Self::Visit(id) => format!("/cases/{id}/visit"),
            Self::AskReferral(id) => format!("/cases/{id}/referral"),
            Self::Task(id) => format!("/cases/{id}/task"),
            Self::Photos(id) => format!("/cases/{id}/photos"),
            Self::AskConsent(id) => format!("/cases/{id}/consent"),
            Self::Merge(id) => format!("/cases/{id}/merge"),
            Self::MoveCase(id) => format!("/cases/{id}/move"),
            Self::Assign(id) => format!("/cases/{id}/assign"),
            Self::HandOver(Some(id)) => format!("/cases/{id}/handover"),
            Self::HandOver(None) => "/more/handover".to_owned(),
            Self::Referrals => "/referrals".to_owned(),
            Self::Referral(case, referral) => format!("/referrals/{case}/{referral}"),
            Self::Emergency => "/emergency".to_owned(),
            Self::EmergencyCase(id) => format!("/emergency/{id}"),
            Self::Sync => "/sync".to_owned(),
            Self::More => "/more".to_owned(),
            Self::Facilities => "/more/facilities".to_owned(),
            Self::Numbers => "/more/numbers".to_owned(),
            Self::Help => "/more/help".to_owned(),
            Self::Person => "/person".to_owned(),
            Self::Login => "/login".to_owned(),
        }
    }
}

/// Where the person is and how to go elsewhere. One for the whole app, in the context.
#[derive(Debug, Clone, Copy)]
pub struct Navigator {
    route: RwSignal<Route>,
    /// Where to scroll once the page that was gone back to stands again.
    scroll_to: StoredValue<u32>,
}

impl Navigator {
    /// Reads the address, listens for the back button and takes over taps on links of the app.
    #[must_use]
    pub fn start() -> Self {
        let this = Self { route: RwSignal::new(here()), scroll_to: StoredValue::new(0) };
        if let Ok(history) = window().history() {
            // The page is drawn a moment after the browser would scroll.
            let _ = history.set_scroll_restoration(web_sys::ScrollRestoration::Manual);
        }
        window_event_listener(ev::popstate, move |event| {
            this.scroll_to.set_value(Mark::parse(&event.state()).scroll);
            this.route.set(here());
        });
        window_event_listener(ev::click, move |event| {
            if let Some(path) = inner_link(&event) {
                event.prevent_default();
                this.push(&path);
            }
        });
        this
    }

    #[must_use]
    pub fn route(self) -> Route {
        self.route.get()
    }
    pub fn go(self, route: Route) {
        self.push(&route.path());
    }
    /// Goes there so that the back button does not return to the present page: a form that was sent.
    pub fn replace(self, route: Route) {
        if let Ok(history) = window().history() {
            let mark = Mark { scroll: 0, ..Mark::of(&history) };
            let _ = history.replace_state_with_url(&mark.write(), "", Some(&route.path()));
        }
        self.scroll_to.set_value(0);
        self.route.set(here());
    }
    /// One page back; to `otherwise` when the app was opened at this page.
    pub fn back(self, otherwise: Route) {
        match window().history() {
            Ok(history) if Mark::of(&history).depth > 0 => {
                let _ = history.back();
            }
            _ => self.replace(otherwise),
        }
    }
    /// Puts the window where the page had been left; called once its content stands.
    pub fn restore_scroll(self) {
        let top = self.scroll_to.get_value();
        request_animation_frame(move || window().scroll_to_with_x_and_y(0.0, f64::from(top)));
    }

    fn push(self, path: &str) {
        let Ok(history) = window().history() else { return };
        let depth = Mark::of(&history).depth;
        let left = Mark { depth, scroll: window().scroll_y().unwrap_or(0.0) as u32 };
        let _ = history.replace_state_with_url(&left.write(), "", None);
        let _ = history.push_state_with_url(&Mark { depth: depth + 1, scroll: 0 }.write(), "", Some(path));
        self.scroll_to.set_value(0);
        self.route.set(here());
    }
}

/// What the browser keeps beside an address: how many pages of the app lie before it, and where it was scrolled to.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    depth: u32,
    /// Whole pixels from the top.
    scroll: u32,
}

impl Mark {
    fn of(history: &web_sys::History) -> Self {
        history.state().map(|state| Self::parse(&state)).unwrap_or_default()
    }
    fn parse(state: &JsValue) -> Self {
        let read = |text: String| {
            let (depth, scroll) = text.split_once(' ')?;
            Some(Self { depth: depth.parse().ok()?, scroll: scroll.parse().ok()? })
        };
        state.as_string().and_then(read).unwrap_or_default()
    }
    fn write(self) -> JsValue {
        JsValue::from_str(&format!("{} {}", self.depth, self.scroll))
    }
}

fn here() -> Route {
    Route::parse(&window().location().pathname().unwrap_or_default())
}

/// The path of a tapped link that stays within the app; the office pages are the server's.
fn inner_link(event: &web_sys::MouseEvent) -> Option<String> {
    if event.default_prevented() || event.button() != 0 || event.meta_key() || event.ctrl_key() || event.shift_key() {
        return None;
    }
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = target.closest("a[href]").ok()??;
    let href = link.get_attribute("href")?;
    let inner = href.starts_with('/') && !href.starts_with("//") && !href.starts_with("/office");
    (inner && !link.has_attribute("target") && !link.has_attribute("download")).then_some(href)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn every_path_leads_back_to_its_page() {
        let case = "0190f5a0-0000-7000-8000-000000000001".parse::<CaseId>().expect("an id");
        let referral = "0190f5a0-0000-7000-8000-000000000002".parse::<ChangeId>().expect("an id");
        for route in [
            Route::Today,
            Route::Cases,
            Route::NewCase,
            Route::Case(case),
            Route::CaseVisits(case),
            Route::CaseReferrals(case),
            Route::CaseHistory(case),
            Route::EditCase(case),
            Route::Visit(case),
            Route::AskReferral(case),
            Route::Task(case),
            Route::AskConsent(case),
            Route::Merge(case),
            Route::MoveCase(case),
            Route::Assign(case),
            Route::HandOver(Some(case)),
            Route::HandOver(None),
            Route::Referrals,
            Route::Referral(case, referral),
            Route::Emergency,
            Route::EmergencyCase(case),
            Route::Sync,
            Route::More,
            Route::Facilities,
            Route::Numbers,
            Route::Help,
            Route::Person,
            Route::Login,
        ] {
            assert_eq!(Route::parse(&route.path()), route);
        }
        assert_eq!(Route::parse("/cases/nobody"), Route::Unknown);
        assert_eq!(Route::parse("/today"), Route::Today);
    }
}
