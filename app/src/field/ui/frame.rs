//! The frame of a page: bar above, column, dock below with the sync line and the four places. It knows no content.

use leptos::{html, prelude::*};

use crate::{
    field::{
        route::{Navigator, Route},
        switcher::Avatar,
        words,
    },
    icon::{Icon, logo, sized},
};

/// What stands above the column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Top {
    /// The brand; only Hôm nay.
    Brand,
    /// The name of a main place.
    Title(String),
    /// An arrow back with the name of where it leads.
    Back { to: Route, label: String },
    /// An arrow back, alone, before the name of the page.
    BackTitle { to: Route, title: String },
    /// The red bar.
    Alarm { to: Route, title: String },
}

/// What stands below the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Today,
    Cases,
    Referrals,
    More,
}

/// A page of the phone: bar, column, dock. On a laptop the same column, centred.
#[component]
pub fn Screen(
    top: Top,
    /// Named in the window's title.
    #[prop(into)]
    title: Signal<String>,
    /// At the end of the bar.
    #[prop(optional, into)]
    corner: ViewFn,
    /// Between bar and column, over the whole width.
    #[prop(optional, into)]
    under_bar: ViewFn,
    /// The dock; without it the page ends with its column.
    #[prop(optional, into)]
    dock: ViewFn,
    #[prop(optional)] tab: Option<Tab>,
    /// A page that uses the width of a laptop.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> AnyView {
    let navigator = expect_context::<Navigator>();
    let words = words();
    let main = NodeRef::<html::Main>::new();
    Effect::new(move |before: Option<()>| {
        document().set_title(&format!("{} · {}", title.get(), words.frame.app));
        // Whoever hears the page begins at its top, as whoever sees it does.
        if before.is_none()
            && let Some(main) = main.get_untracked()
        {
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = main.focus_with_options(&options);
            navigator.restore_scroll();
        }
    });
    let alarm = matches!(top, Top::Alarm { .. });
    let back = move |to: Route, label: Option<String>| {
        let heard = label.is_none().then_some(words.frame.back);
        view! {
            <a
                class="icon-link"
                data-edge="start"
                href=to.path()
                aria-label=heard
                on:click=move |event| {
                    event.prevent_default();
                    navigator.back(to);
                }
            >
                {Icon::Back}
                {label}
            </a>
        }
        .into_any()
    };
    let head = match top {
        Top::Brand => view! { <span class="brand">{logo()} {words.frame.app}</span> }.into_any(),
        Top::Title(title) => view! { <h1>{title}</h1> }.into_any(),
        Top::Back { to, label } => back(to, Some(label)),
        Top::BackTitle { to, title } => view! { {back(to, None)} <h1>{title}</h1> }.into_any(),
        Top::Alarm { to, title } => view! { {back(to, None)} {Icon::Alarm} <h1>{title}</h1> }.into_any(),
    };
    view! {
        <div class="phone" data-wide=wide.then_some("")>
            <header class=alarm.then_some("alarm-head")>
                <a class="skip" href="#main" on:click=move |event| {
                    event.prevent_default();
                    if let Some(main) = main.get_untracked() {
                        let _ = main.focus();
                    }
                }>{words.frame.skip}</a>
                <div class="top-bar">{head} {corner.run()} <Avatar /></div>
                {under_bar.run()}
            </header>
            <main class=if wide { "wide" } else { "page" } id="main" tabindex="-1" node_ref=main>
                {children()}
            </main>
            <footer class="dock">
                {dock.run()}
                {tab.map(|tab| view! { <TabBar tab /> })}
            </footer>
        </div>
    }
    .into_any()
}

/// The four places, in thumb reach.
#[component]
pub fn TabBar(tab: Tab) -> AnyView {
    let words = words();
    let place = move |of: Tab, route: Route, icon: Icon, name: &'static str| {
        let current = (of == tab).then_some("page");
        view! { <a href=route.path() aria-current=current>{icon}{name}</a> }
    };
    view! {
        <nav class="tab-bar" aria-label=words.frame.sections>
            {place(Tab::Today, Route::Today, Icon::Calendar, words.frame.today)}
            {place(Tab::Cases, Route::Cases, Icon::Folder, words.frame.cases)}
            {place(Tab::Referrals, Route::Referrals, Icon::Transfer, words.frame.referrals)}
            {place(Tab::More, Route::More, Icon::Menu, words.frame.more)}
        </nav>
    }
    .into_any()
}

/// A link of the bar: icon and word.
#[component]
pub fn BarLink(#[prop(into)] href: String, icon: Icon, #[prop(into)] label: String) -> AnyView {
    view! { <a class="icon-link" data-edge="end" href=href>{icon}{label}</a> }.into_any()
}

/// Buttons of a page in its dock.
#[component]
pub fn DockActions(children: Children) -> AnyView {
    view! { <div class="dock-actions">{children()}</div> }.into_any()
}

/// A number to call, with its words.
#[component]
pub fn CallLink(phone: domain::Phone, #[prop(into)] label: String) -> AnyView {
    view! { <a class="button" href=format!("tel:{}", phone.national())>{sized(Icon::Call, Some("s"))}<span>{label}</span></a> }
        .into_any()
}
