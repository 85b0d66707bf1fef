//! Signing in and out, and what every call and answer must show.

use std::net::IpAddr;
use std::sync::Arc;

use server::login::{Login, LoginError};
use server::observe::Counts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Office, PASSWORD};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
const JSON: &str = "content-type: application/json\r\n";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// The whole answer to one HTTP/1.1 call, head and body, head names in lower case.
async fn ask(office: &Office, first: &str, heads: &str, body: &str) -> String {
    let address = office.sign_in("admin").await.address;
    ask_at(&address, first, heads, body).await
}

async fn ask_at(address: &str, first: &str, heads: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let call = format!(
        "{first} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{heads}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(call.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

/// The pair `name=value` of each cookie that an answer sets.
fn cookies(answer: &str) -> Vec<&str> {
    answer
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "))
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect()
}

#[tokio::test]
async fn guessing_becomes_slower_and_a_restart_does_not_help() {
    let office = Office::open().await;
    let start = || Login::new(office.staff.clone(), Arc::new(Counts::default())).unwrap();
    let login = start();
    for _ in 0..5 {
        let wrong = login.log_in("lan", "sai-mat-khau", HERE, 1_000_000).await;
        assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    }
    // Even the right password waits, or the wait would tell a guesser that it was right.
    let soon = login.log_in("lan", PASSWORD, HERE, 1_000_001).await;
    assert!(matches!(soon, Err(LoginError::TooMany { wait_ms: 1_999 })), "{soon:?}");
    let restarted = start().log_in("lan", PASSWORD, HERE, 1_000_001).await;
    assert!(matches!(restarted, Err(LoginError::TooMany { wait_ms: 1_999 })), "{restarted:?}");

    let wrong = login.log_in("lan", "sai-mat-khau", HERE, 1_002_000).await;
    assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    let longer = login.log_in("lan", PASSWORD, HERE, 1_002_001).await;
    assert!(matches!(longer, Err(LoginError::TooMany { wait_ms: 3_999 })), "{longer:?}");

    assert_eq!(login.log_in(" Lan ", PASSWORD, HERE, 1_006_000).await.unwrap().id, office.village.lan);
    // Forgotten with the success: five more are free.
    let wrong = login.log_in("lan", "sai-mat-khau", HERE, 1_006_001).await;
    assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    assert!(login.log_in("lan", PASSWORD, HERE, 1_006_002).await.is_ok());
}

#[tokio::test]
async fn an_unknown_name_is_answered_like_a_wrong_password() {
    let office = Office::open().await;
    let login = Login::new(office.staff.clone(), Arc::new(Counts::default())).unwrap();
    for attempt in 0..5 {
        let wrong = login.log_in("khong-co-ai", PASSWORD, HERE, attempt).await;
        assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    }
    let waits = login.log_in("khong-co-ai", PASSWORD, HERE, 5).await;
    assert!(matches!(waits, Err(LoginError::TooMany { .. })), "{waits:?}");
}

#[tokio::test]
async fn one_address_that_tries_many_names_waits_too() {
    let office = Office::open().await;
    let login = Login::new(office.staff.clone(), Arc::new(Counts::default())).unwrap();
    for attempt in 0..30 {
        let wrong = login.log_in(&format!("ten-{attempt}"), PASSWORD, HERE, 1).await;
        assert!(matches!(wrong, Err(LoginError::Wrong)), "{wrong:?}");
    }
    let waits = login.log_in("lan", PASSWORD, HERE, 2).await;
    assert!(matches!(waits, Err(LoginError::TooMany { .. })), "{waits:?}");
    let elsewhere = IpAddr::from([203, 0, 113, 8]);
    assert_eq!(login.log_in("lan", PASSWORD, elsewhere, 2).await.unwrap().id, office.village.lan);
}

#[tokio::test]
async fn people_of_one_house_who_sign_in_at_the_same_moment_do_not_wait_for_each_other() {
    let office = Office::open().await;
    let login = Login::new(office.staff.clone(), Arc::new(Counts::default())).unwrap();
    assert!(matches!(login.log_in("lan", "sai-mat-khau", HERE, 1_000_000).await, Err(LoginError::Wrong)));
    // Asked a moment before, and waited for the one above.
    let hanh = login.log_in("hanh", PASSWORD, HERE, 999_999).await.unwrap();
    assert_eq!(hanh.id, office.village.hanh);
}

#[tokio::test]
async fn two_people_on_one_device_each_have_their_own_session() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let hanh = office.sign_in("hanh").await;
    let both = format!("{JSON}cookie: {}; {}\r\n", lan.cookie, hanh.cookie);

    let here = ask_at(&lan.address, "POST /api/whoami", &both, "{}").await;
    assert!(here.contains(&office.village.lan.to_string()), "{here}");
    assert!(here.contains(&office.village.hanh.to_string()), "{here}");

    let body = format!("{{\"worker\":\"{}\"}}", office.village.lan);
    let gone = ask_at(&lan.address, "POST /api/log_out", &both, &body).await;
    assert_eq!(status(&gone), "200");
    assert_eq!(cookies(&gone), [format!("__Host-cn-{}=", office.village.lan.0.simple())]);

    let here = ask_at(&lan.address, "POST /api/whoami", &both, "{}").await;
    assert!(!here.contains(&office.village.lan.to_string()), "{here}");
    assert!(here.contains(&office.village.hanh.to_string()), "{here}");
}

#[tokio::test]
async fn a_session_under_another_persons_cookie_name_is_nobodys() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let (_, token) = lan.cookie.split_once('=').unwrap();
    let forged = format!("{JSON}cookie: __Host-cn-{}={token}\r\n", office.village.hanh.0.simple());
    let answer = ask_at(&lan.address, "POST /api/whoami", &forged, "{}").await;
    assert!(answer.ends_with("\r\n\r\n[]"), "{answer}");
}

#[tokio::test]
async fn the_offices_session_does_not_open_the_app_and_the_apps_not_the_office() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let form = format!("user_name=hanh&password={PASSWORD}");
    let opened = ask_at(&lan.address, "POST /office/login", FORM, &form).await;
    assert_eq!(status(&opened), "303");
    let [cookie] = cookies(&opened)[..] else { panic!("{opened}") };
    let (name, token) = cookie.split_once('=').unwrap();
    assert_eq!(name, "__Host-cn-office");

    let home = ask_at(&lan.address, "GET /office", &format!("cookie: {cookie}\r\n"), "").await;
    assert_eq!(status(&home), "200");
    let as_app = format!("{JSON}cookie: __Host-cn-{}={token}\r\n", office.village.hanh.0.simple());
    let nobody = ask_at(&lan.address, "POST /api/whoami", &as_app, "{}").await;
    assert!(nobody.ends_with("\r\n\r\n[]"), "{nobody}");

    let (_, token) = lan.cookie.split_once('=').unwrap();
    let as_office = format!("cookie: __Host-cn-office={token}\r\n");
    let away = ask_at(&lan.address, "GET /office", &as_office, "").await;
    assert_eq!(status(&away), "303");
    assert!(away.contains("location: /office/login\r\n"), "{away}");
}

#[tokio::test]
async fn the_plain_log_in_says_what_is_wrong_and_keeps_the_name() {
    let office = Office::open().await;
    let wrong = ask(&office, "POST /login", FORM, "user_name=lan%22%3E&password=x").await;
    assert_eq!(status(&wrong), "401");
    assert!(wrong.contains("value=\"lan&quot;&gt;\""), "{wrong}");
    assert!(wrong.contains("Tên đăng nhập hoặc mật khẩu chưa đúng"), "{wrong}");

    let empty = ask(&office, "POST /login", FORM, "user_name=&password=").await;
    assert_eq!(status(&empty), "422");
    assert!(empty.contains("Xin ghi tên đăng nhập."), "{empty}");

    let right = ask(&office, "POST /login", FORM, &format!("user_name=lan&password={PASSWORD}")).await;
    assert_eq!(status(&right), "303");
    assert!(right.contains("location: /\r\n"), "{right}");
    assert_eq!(cookies(&right).len(), 1);
    assert!(right.contains("; Path=/; Max-Age=7776000; Secure; HttpOnly; SameSite=Strict\r\n"), "{right}");
}

#[tokio::test]
async fn a_call_that_another_site_made_is_refused() {
    let office = Office::open().await;
    let body = format!("{{\"user_name\":\"lan\",\"password\":\"{PASSWORD}\"}}");
    let form = format!("user_name=lan&password={PASSWORD}");
    for heads in
        ["sec-fetch-site: cross-site\r\n", "sec-fetch-site: same-site\r\n", "origin: http://elsewhere.example\r\n"]
    {
        let answer = ask(&office, "POST /api/log_in", &format!("{JSON}{heads}"), &body).await;
        assert_eq!(status(&answer), "403", "{heads}");
        let answer = ask(&office, "POST /login", &format!("{FORM}{heads}"), &form).await;
        assert_eq!(status(&answer), "403", "{heads}");
    }
    let answer = ask(&office, "POST /api/log_in", &format!("{JSON}sec-fetch-site: same-origin\r\n"), &body).await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let office = Office::open().await;
    let form = format!("user_name=lan&password={PASSWORD}");
    assert_eq!(status(&ask(&office, "POST /api/log_in", FORM, &form).await), "400");
    assert_eq!(status(&ask(&office, "POST /api/log_in", "content-type: text/plain\r\n", "{}").await), "400");
    assert_eq!(status(&ask(&office, "POST /login", JSON, "{}").await), "415");
    assert_eq!(status(&ask(&office, "POST /login", "", &form).await), "415");
    assert_eq!(status(&ask(&office, "POST /api/log_in", JSON, "{\"user_name\":").await), "400");
    assert_eq!(status(&ask(&office, "POST /login", FORM, &"x".repeat(70_000)).await), "413");
}

#[tokio::test]
async fn every_answer_forbids_what_the_app_never_does() {
    let office = Office::open().await;
    for first in
        ["GET /", "GET /office/login", "GET /healthz", "GET /nowhere", "POST /api/whoami", "GET /pkg/nothing.js"]
    {
        let answer = ask(&office, first, JSON, "").await;
        for head in [
            "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; ",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
            "permissions-policy: ",
        ] {
            assert!(answer.contains(head), "{first} lacks {head}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_may_name_people_is_never_kept_by_a_cache() {
    let office = Office::open().await;
    for first in ["POST /api/whoami", "GET /office", "GET /office/login"] {
        let answer = ask(&office, first, JSON, "{}").await;
        assert!(answer.contains("cache-control: no-store\r\n"), "{first}: {answer}");
    }
}

#[tokio::test]
async fn every_field_route_answers_the_same_document_which_the_browser_may_keep() {
    let office = Office::open().await;
    let document = ask(&office, "GET /", "", "").await;
    let (_, body) = document.split_once("\r\n\r\n").unwrap();
    for path in ["/login", "/today", "/cases", "/cases/new", "/cases/1/visit", "/emergency/1", "/sync", "/more/help"] {
        let answer = ask(&office, &format!("GET {path}"), "", "").await;
        assert_eq!(status(&answer), "200", "{path}");
        assert!(answer.ends_with(body), "{path}");
    }
    let etag = document.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = ask(&office, "GET /cases", &format!("if-none-match: {etag}\r\n"), "").await;
    assert_eq!(status(&again), "304");
}
