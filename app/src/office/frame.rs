//! What every office page has around it: the head, the side list, the person; nothing of what a page shows.

use domain::{Role, Worker};
use leptos::prelude::*;

use super::home::role_names;
use crate::icon::{self, Icon};

/// Where the build's files are.
#[derive(Debug, Clone)]
pub struct Assets {
    pub style: String,
}

/// A whole page as text.
pub(super) fn document(assets: &Assets, title: &str, body: impl IntoView + 'static) -> String {
    let title = format!("{title} · Cầu Nối");
    let style = assets.style.clone();
    let owner = Owner::new();
    let page = owner.with(|| {
        view! {
            <html lang="vi">
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                    <meta name="color-scheme" content="light dark" />
                    <title>{title}</title>
                    <link rel="stylesheet" href=style />
                    <link rel="icon" href="/logo.svg" type="image/svg+xml" />
                </head>
                {body.into_any()}
            </html>
        }
        .to_html()
    });
    format!("<!doctype html>{page}")
}

/// The frame of somebody who is signed in; `here` is the address of the page.
pub(super) fn frame(worker: &Worker, here: &str, main: impl IntoView + 'static) -> AnyView {
    let place = |path: &'static str, icon: Icon, name: &'static str| {
        let current = (path == here).then_some("page");
        view! {
            <a href=path aria-current=current>
                {icon::sized(icon, None)}
                {name}
            </a>
        }
    };
    let home = place("/office", Icon::Chart, "Tổng quan");
    let aside = worker.has(Role::Supervisor).then(|| place("/office/set-aside", Icon::Warning, "Để riêng"));
    let name = worker.name.to_string();
    let roles = role_names(worker).join(", ");
    view! {
        <body class="office">
            <a class="skip" href="#main">"Đến nội dung"</a>
            <aside class="side">
                {brand()} <nav aria-label="Các mục chính">
                    {home} {aside}
                </nav> <footer class="stack">
                    <p>
                        <strong>{name}</strong>
                        <br />
                        <span class="soft">{roles}</span>
                    </p>
                    <form method="post" action="/office/logout">
                        <button class="icon-link">{icon::sized(Icon::Leave, None)} "Thoát"</button>
                    </form>
                </footer>
            </aside>
            <main class="wide" id="main">
                {main.into_any()}
            </main>
        </body>
    }
    .into_any()
}

pub(super) fn brand() -> impl IntoView {
    view! {
        <span class="brand">
            <svg viewBox="0 0 48 48" aria-hidden="true">
                <rect width="48" height="48" fill="#0b5a58" />
                <path
                    fill="#fff"
                    d="M7 26.8C14.5 25.6 15.5 14.5 24 14.5S33.5 25.6 41 26.8V30.5H33A9 9 0 0 0 15 30.5H7Z"
                />
                <path d="M14 34.8h20" fill="none" stroke="#8fd0c9" stroke-width="2.2" stroke-linecap="round" />
            </svg>
            "Cầu Nối"
        </span>
    }
}
