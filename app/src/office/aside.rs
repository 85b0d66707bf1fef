//! What was set aside: each with what it says, why it stands here, and the two ways on. It decides nothing.

use domain::{Change, ChangeId, Places, Timestamp, Worker, WorkerId};
use leptos::prelude::*;

use super::frame::{Assets, document, frame};
use crate::text::{self, Lang, Names, Pair, change_title, date_time};

/// What the page shows.
#[derive(Debug)]
pub struct AsidePage {
    pub worker: Worker,
    pub rows: Vec<AsideRow>,
    /// There are more than these.
    pub more: bool,
    /// What nobody has to settle, the latest first.
    pub given_up: Vec<GivenUpRow>,
    /// What came of the decision before.
    pub said: Option<Said>,
    /// These were put away; otherwise they wait for a decision.
    pub is_away: bool,
}

/// One thing that was set aside.
#[derive(Debug)]
pub struct AsideRow {
    pub id: ChangeId,
    pub author: String,
    pub received_at: Timestamp,
    /// Why it stands here, as a sentence.
    pub why: String,
    pub restricted: bool,
    /// Of the case it is about, once that is opened.
    pub code: Option<String>,
    /// Whether it may be put into its case.
    pub may_take: bool,
    /// What it is and what it says; `None` while nothing of it can be read.
    pub content: Option<(String, Vec<(&'static str, String)>)>,
    /// Who put it away, when and why.
    pub put_away: Option<(String, Timestamp, String)>,
}

/// One thing that its writer gave up.
#[derive(Debug)]
pub struct GivenUpRow {
    pub author: String,
    pub received_at: Timestamp,
    pub reason: Option<String>,
    pub restricted: bool,
    pub code: Option<String>,
    pub content: Option<(String, Vec<Pair>)>,
}

/// What the page says about a decision.
#[derive(Debug)]
pub struct Said {
    pub sentence: String,
    /// The reason that was typed, when it is about that.
    pub about: Option<(ChangeId, String)>,
}

/// Most characters of a reason.
pub const REASON_CHARS: usize = domain::limits::TEXT_CHARS;

#[must_use]
pub fn aside(assets: &Assets, page: AsidePage) -> String {
    let AsidePage { worker, rows, more, given_up, said, is_away } = page;
    let (sentence, about) = said.map(|said| (said.sentence, said.about)).unzip();
    let about = about.flatten();
    let beside = about.as_ref().map(|(id, _)| *id);
    let said = sentence.clone().filter(|_| beside.is_none());
    let empty = rows.is_empty().then(|| {
        view! {
            <div class="empty">
                <strong>{if is_away { "Không có gì đã cất đi" } else { "Không có gì để riêng" }}</strong>
                {(!is_away).then(|| view! { <p>"Không có gì đang chờ anh/chị quyết định."</p> })}
            </div>
        }
    });
    let rows = rows
        .into_iter()
        .map(|row| {
            let typed = about.as_ref().filter(|(id, _)| *id == row.id).map(|(_, typed)| typed.clone());
            let wrong = sentence.clone().filter(|_| typed.is_some());
            article(row, typed.unwrap_or_default(), wrong)
        })
        .collect_view();
    let (title, about_page, (other, other_name)) = if is_away {
        (
            "Đã cất đi",
            "Những điều này đứng ngoài hồ sơ, có ghi lý do. Nội dung còn nguyên; máy người ghi đã được báo hoặc sẽ được báo.",
            ("/office/set-aside", "Những điều đang chờ quyết định"),
        )
    } else {
        (
            "Để riêng",
            "Xã đã nhận những điều này nhưng chưa đưa vào hồ sơ. Không điều nào bị xóa. Xin anh/chị đọc và quyết định.",
            ("/office/set-aside?shown=away", "Những điều đã cất đi"),
        )
    };
    let given_up = (!given_up.is_empty()).then(|| {
        let rows = given_up.into_iter().map(given_up_article).collect_view();
        view! {
            <section class="stack" aria-labelledby="given-up">
                <h2 id="given-up">"Người ghi đã bỏ"</h2>
                <p class="soft">
                    "Xã chưa nhận được những điều này vào hồ sơ và người ghi đã tự bỏ. Không cần quyết định gì; nếu thấy có người cần giúp, xin hỏi lại người ghi."
                </p>
                {rows}
            </section>
        }
    });
    let main = view! {
        <header class="wide-head">
            <div>
                <h1>{title}</h1>
                <p class="soft">{about_page}</p>
            </div>
        </header>
        {said.map(|said| view! { <p class="note" role="status">{said}</p> })}
        {empty}
        {rows}
        {(more && !is_away).then(|| view! { <p class="soft">"Còn nữa. Xong những mục này sẽ thấy tiếp."</p> })}
        {(more && is_away).then(|| view! { <p class="soft">"Chỉ những mục mới nhất đứng ở đây."</p> })}
        <p><a class="button" href=other>{other_name}</a></p>
        {given_up}
    };
    document(assets, title, frame(&worker, "/office/set-aside", main))
}

fn article(row: AsideRow, typed: String, wrong: Option<String>) -> impl IntoView {
    let id = row.id.to_string();
    let (reason_id, said_id) = (format!("reason-{id}"), format!("said-{id}"));
    let is_away = row.put_away.is_some();
    let readable = row.content.is_some() && !is_away;
    let may_take = readable && row.may_take;
    let put_away = row.put_away.map(|(by, at, reason)| {
        view! {
            <p class="lines">{format!("{by} cất đi {}. Lý do: {reason}", date_time(at))}</p>
            <form method="post" action="/office/set-aside">
                <input type="hidden" name="id" value=id.clone() />
                <button class="button" name="act" value="put_back">"Lấy lại để quyết định"</button>
            </form>
        }
    });
    // What stands in a text area is the one child that is written as it is.
    let typed = typed.replace('&', "&amp;").replace('<', "&lt;");
    let (title, lines) = row.content.unwrap_or_else(|| ("Chưa đọc được".to_owned(), vec![]));
    let lines = lines.into_iter().map(|(label, said)| view! { <dt>{label}</dt><dd class="lines">{said}</dd> });
    let (take_id, away_id) = (id.clone(), id);
    let is_wrong = wrong.is_some();
    view! {
        <article class="panel" data-tone="wait">
            <div>
                <h2>{title}</h2>
                <p class="soft">{format!("{} ghi · xã nhận {}", row.author, date_time(row.received_at))}</p>
                {row.code.map(|code| view! { <p>"Hồ sơ " <strong class="code">{code}</strong></p> })}
                {row.restricted.then(|| view! { <p class="soft">"Hồ sơ bảo mật. Việc đọc được ghi lại."</p> })}
            </div>
            <p>{row.why}</p>
            <dl class="facts">{lines.collect_view()}</dl>
            {put_away}
            {may_take
                .then(|| {
                    view! {
                        <form method="post" action="/office/set-aside">
                            <input type="hidden" name="id" value=take_id />
                            <button class="button" data-kind="main" name="act" value="take">
                                "Đưa vào hồ sơ"
                            </button>
                        </form>
                    }
                })}
            {readable.then(|| view! {
            <details class="extra" open=is_wrong>
                <summary>"Không đưa vào hồ sơ"</summary>
                <form class="stack" method="post" action="/office/set-aside">
                    <input type="hidden" name="id" value=away_id />
                    <div class="field" data-invalid=is_wrong.then_some("")>
                        <label for=reason_id.clone()>"Vì sao?"</label>
                        <textarea
                            id=reason_id
                            name="reason"
                            rows="3"
                            maxlength=REASON_CHARS
                            required
                            aria-invalid=is_wrong.then_some("true")
                            aria-describedby=is_wrong.then(|| said_id.clone())
                        >
                            {typed}
                        </textarea>
                        {wrong.map(|said| view! { <p class="error" id=said_id role="alert">{said}</p> })}
                    </div>
                    <button class="button" name="act" value="put_away">
                        "Cất đi, giữ nguyên nội dung"
                    </button>
                </form>
            </details>
            })}
        </article>
    }
}

fn given_up_article(row: GivenUpRow) -> impl IntoView {
    let (title, lines) = row.content.unwrap_or_else(|| ("Không gửi kèm nội dung".to_owned(), vec![]));
    let lines = lines.into_iter().map(|(label, said)| view! { <dt>{label}</dt><dd class="lines">{said}</dd> });
    view! {
        <article class="panel">
            <div>
                <h3>{title}</h3>
                <p class="soft">{format!("{} bỏ · xã nhận {}", row.author, date_time(row.received_at))}</p>
                {row.code.map(|code| view! { <p>"Hồ sơ " <strong class="code">{code}</strong></p> })}
                {row.restricted.then(|| view! { <p class="soft">"Hồ sơ bảo mật. Việc đọc được ghi lại."</p> })}
            </div>
            {row.reason.map(|reason| view! { <p>{format!("Vì: {reason}")}</p> })}
            <dl class="facts">{lines.collect_view()}</dl>
        </article>
    }
}

/// What a change is and what it says, as label and value.
#[must_use]
pub fn reading(change: &Change, places: &Places, person: &dyn Fn(WorkerId) -> String) -> (String, Vec<Pair>) {
    let words = Lang::Vi.words();
    let names = Names { places, person, facility: &|_| None };
    (change_title(change, words), text::reading(change, names, words, Lang::Vi))
}
