//! The office's first page: who is signed in, for which areas, and how the office is doing in numbers without names.

use domain::{Role, Worker};
use leptos::prelude::*;

use super::frame::{Assets, document, frame};
use crate::icon::{self, Icon};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Home {
    pub worker: Worker,
    /// What the person may do, and the name of the place where; a facility's people have none.
    pub rights: Vec<(Role, Option<String>)>,
    /// People who may sign in.
    pub people: u64,
    /// Sessions that stand, in the app and in the office.
    pub sessions: u64,
    /// What was set aside and waits for this person; `None` for whoever settles nothing.
    pub set_aside: Option<usize>,
    /// Name of the build that is served.
    pub build: String,
}

#[must_use]
pub fn home(assets: &Assets, home: Home) -> String {
    let rights = home
        .rights
        .into_iter()
        .map(|(role, place)| {
            view! {
                <dt>{role_name(role)}</dt>
                <dd>{place.unwrap_or_else(|| "Phiếu gửi đến nơi của anh/chị".to_owned())}</dd>
            }
        })
        .collect_view();
    let set_aside = home.set_aside.filter(|n| *n > 0).map(|n| {
        view! {
            <p class="note" data-tone="wait">
                {icon::sized(Icon::Warning, None)}
                <span>
                    {format!("{n} điều xã đã nhận còn để riêng, chờ anh/chị quyết định. ")}
                    <a href="/office/set-aside">"Xem"</a>
                </span>
            </p>
        }
    });
    let main = view! {
        <header class="wide-head">
            <div>
                <h1>"Tổng quan"</h1>
                <p class="soft">{format!("{} đang đăng nhập", home.worker.name)}</p>
            </div>
        </header>
        <dl class="indicators">
            <div>
                <dt>"Người dùng"</dt>
                <dd data-figure>{home.people}</dd>
                <dd>"Có tên đăng nhập và chưa bị khóa."</dd>
            </div>
            <div>
                <dt>"Phiên đang mở"</dt>
                <dd data-figure>{home.sessions}</dd>
                <dd>"Trên điện thoại và ở văn phòng, chưa hết hạn."</dd>
            </div>
        </dl>
        {set_aside}
        <section class="stack" aria-labelledby="rights">
            <h2 id="rights">"Quyền của anh/chị"</h2>
            <dl class="facts panel">{rights}</dl>
        </section>
        <p class="soft">{format!("Bản {}", home.build)}</p>
    };
    document(assets, "Tổng quan", frame(&home.worker, "/office", main))
}

pub(super) fn role_names(worker: &Worker) -> Vec<&'static str> {
    let mut names: Vec<_> = worker.grants.iter().map(|grant| role_name(grant.role)).collect();
    names.dedup();
    names
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Collaborator => "Cộng tác viên công tác xã hội",
        Role::Outreach => "Đội công tác xã hội lưu động",
        Role::Supervisor => "Người phê duyệt",
        Role::Facility => "Nơi tiếp nhận",
        Role::Viewer => "Lãnh đạo, chỉ xem số",
        Role::Admin => "Quản trị",
    }
}
