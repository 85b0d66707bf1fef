//! The office's log-in page: a plain form and what was wrong with it; it knows no password.

use leptos::prelude::*;

use super::frame::{Assets, brand, document};

/// What the form says back.
#[derive(Debug, Clone, Default)]
pub struct LogIn {
    pub user_name: String,
    pub about_user_name: Option<String>,
    pub about_password: Option<String>,
}

#[must_use]
pub fn log_in(assets: &Assets, said: LogIn) -> String {
    let LogIn { user_name, about_user_name, about_password } = said;
    let body = view! {
        <body class="phone">
            <header class="top-bar">{brand()}</header>
            <main class="page">
                <div>
                    <h1>"Văn phòng"</h1>
                    <p class="soft">"Tổng quan, người và nơi, danh mục. Dùng được trên mọi trình duyệt."</p>
                </div>
                <form class="stack" method="post" action="/office/login">
                    <div class="field" data-invalid=mark(&about_user_name, "")>
                        <label for="user-name">"Tên đăng nhập"</label>
                        <input
                            id="user-name"
                            name="user_name"
                            value=user_name
                            autocomplete="username"
                            autocapitalize="none"
                            spellcheck="false"
                            maxlength="100"
                            required
                            aria-invalid=mark(&about_user_name, "true")
                            aria-describedby=mark(&about_user_name, "user-name-said")
                        />
                        {error("user-name-said", about_user_name.clone())}
                    </div>
                    <div class="field" data-invalid=mark(&about_password, "")>
                        <label for="password">"Mật khẩu"</label>
                        <input
                            id="password"
                            name="password"
                            type="password"
                            autocomplete="current-password"
                            maxlength="200"
                            required
                            aria-invalid=mark(&about_password, "true")
                            aria-describedby=mark(&about_password, "password-said")
                        />
                        {error("password-said", about_password.clone())}
                    </div>
                    <button class="button" data-kind="main" data-size="l">
                        "Đăng nhập"
                    </button>
                </form>
                <p>
                    <a href="/">"Mở ứng dụng ghi hồ sơ"</a>
                </p>
            </main>
        </body>
    };
    document(assets, "Đăng nhập văn phòng", body)
}

/// An attribute that is there only while something is wrong.
fn mark(about: &Option<String>, value: &'static str) -> Option<&'static str> {
    about.as_ref().map(|_| value)
}

fn error(id: &'static str, sentence: Option<String>) -> impl IntoView {
    sentence.map(|sentence| {
        view! {
            <p class="error" id=id role="alert">
                {sentence}
            </p>
        }
    })
}
