//! The program as an operator meets it: its verbs, its exit status, and what survives a kill.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use domain::laws::{Pen, Village};
use domain::{Registry, Role, Verdict};
use serde_json::json;
use server::database::now_ms;
use server::duty::subscription;
use server::registry::SqlRegistry;
use server::session::Face;

use crate::duty::Ear;
use crate::support::{Caller, PASSWORD, folder, on_postgres, post, staff_of, store};

fn server(folder: &Path, verb: &[&str], file: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    let store = store(folder);
    command.args(verb);
    match (store.db, store.database_url) {
        (Some(file), _) => command.arg("--db").arg(file),
        (None, url) => command.args(["--database-url", &url.unwrap()]),
    };
    command.args(["--key-file".as_ref(), folder.join("key").as_os_str()]);
    for setting in ["CAU_NOI_KEY", "CAU_NOI_DB", "DATABASE_URL"] {
        command.env_remove(setting);
    }
    command.args(file).stdin(Stdio::null());
    command
}

pub fn run(folder: &Path, verb: &[&str], file: &[&Path]) -> (bool, String) {
    said(&server(folder, verb, file).output().unwrap())
}

fn said(output: &Output) -> (bool, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn the_places_of_lang_son_are_imported_and_a_wrong_line_stops_all_of_them() {
    let folder = folder();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/places_lang_son.csv");
    let wrong = folder.join("wrong.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&wrong, text.replace("06124,Xã Na Sầm,commune,20", "06124,Xã Na Sầm,commune,21")).unwrap();
    let (ok, said) = run(&folder, &["import", "places"], &[&wrong]);
    assert!(!ok && said.contains("line 21: no place has the parent's code 21"), "{said}");
    let (ok, said) = run(&folder, &["import", "places"], &[&file]);
    assert!(ok && said.contains("66 places imported"), "{said}");
    let (ok, said) = run(&folder, &["import", "places"], &[&file]);
    assert!(ok && said.contains("66 places imported"), "a second time changes nothing: {said}");
    let staff = store(&folder).open(false).await.unwrap();
    let mut connection = staff.pool.acquire().await.unwrap();
    let roster = staff.roster(&mut connection).await.unwrap();
    assert_eq!(roster.rules.places.iter().count(), 66);
    let province = roster.rules.places.province_of(&"06124".parse().unwrap()).unwrap();
    assert_eq!(province.name, "Tỉnh Lạng Sơn");
}

#[tokio::test]
async fn somebody_added_by_the_operator_can_sign_in() {
    let folder = folder();
    let staff = staff_of(&Village::new(), &folder).await;
    let add = |roles: &[&str], password: &str| {
        let mut command = server(&folder, &["user", "add", "moi", "--name", "Người Mới"], &[]);
        for role in roles {
            command.args(["--role", role]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // A program that has refused already does not read any more.
        let _ = writeln!(input, "{password}");
        drop(input);
        said(&child.wait_with_output().unwrap())
    };
    for (roles, password, complaint) in [
        (&["collaborator@nowhere"][..], "mat-khau-dai", "no place has the code nowhere"),
        (&["boss@a"][..], "mat-khau-dai", "no role is called boss"),
        (&["collaborator"][..], "mat-khau-dai", "write ROLE@PLACE"),
        (&["collaborator@a1"][..], "ngan", "at least 8 characters"),
    ] {
        let (ok, said) = add(roles, password);
        assert!(!ok && said.contains(complaint), "{said}");
    }
    let (ok, said) = add(&["collaborator@a1", "supervisor@b"], "mat-khau-dai");
    assert!(ok, "{said}");
    let counts = std::sync::Arc::new(server::observe::Counts::default());
    let login = server::login::Login::new(staff.clone(), counts).unwrap();
    let worker = login.log_in("Moi", "mat-khau-dai", [127, 0, 0, 1].into(), now_ms()).await.unwrap();
    assert!(worker.has(Role::Collaborator) && worker.has(Role::Supervisor));
    let (ok, said) = add(&["viewer@p"], "");
    assert!(ok && said.contains("has these roles now"), "{said}");
    assert!(!staff.find(worker.id).await.unwrap().unwrap().has(Role::Collaborator));
}

#[tokio::test]
async fn the_operator_sees_who_works_here_and_gives_and_takes_roles() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    assert!(server::login::add(&staff, village.lan, "lan", PASSWORD, 1).await.unwrap());
    let lan = village.lan.to_string();
    let line = || {
        let (ok, said) = run(&folder, &["user", "list"], &[]);
        assert!(ok, "{said}");
        said.lines().find(|line| line.starts_with(&lan)).unwrap().to_owned()
    };
    assert_eq!(line(), format!("{lan}  Nông Thị Lan  may sign in  last contact never  collaborator@a1"));
    for (verb, complaint) in [
        (&["user", "revoke", "nobody"][..], "nobody signs in as nobody"),
        (&["user", "grant", "lan", "collaborator@nowhere"], "no place has the code nowhere"),
        (&["user", "ungrant", "lan", "collaborator@b1"], "lan does not have collaborator@b1"),
        (&["user", "restore", "lan"], "not revoked"),
    ] {
        let (ok, said) = run(&folder, verb, &[]);
        assert!(!ok && said.contains(complaint), "{said}");
    }
    for verb in [["user", "grant", "lan", "collaborator@b1"], ["user", "ungrant", "lan", "collaborator@a1"]] {
        let (ok, said) = run(&folder, &verb, &[]);
        assert!(ok, "{said}");
    }
    assert!(line().ends_with("  collaborator@b1"), "{}", line());
    let (ok, said) = run(&folder, &["user", "revoke", &lan], &[]);
    assert!(ok, "by the id that the list shows: {said}");
    assert!(line().contains("  revoked 20") && line().ends_with("last contact never  "), "{}", line());
    let (ok, said) = run(&folder, &["user", "restore", "lan", "--role", "viewer@p"], &[]);
    assert!(ok, "{said}");
    assert!(line().contains("  may sign in  ") && line().ends_with("  viewer@p"), "{}", line());
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok, "{said}");
}

#[tokio::test]
async fn a_backup_is_restored_and_checked() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    let registry = SqlRegistry::start(staff.clone());
    let lan = Pen::new(village.lan, 1);
    let (one, two) = (lan.open("a1", Some("Một"), vec![]), lan.open("a1", Some("Hai"), vec![]));
    let push = async |change: &domain::Change| {
        registry.push(&lan.session(), lan.batch(&[change]), domain::laws::MORNING).await
    };
    assert!(matches!(push(&one).await.unwrap()[0], Verdict::Accepted { .. }));
    let copy = folder.join("copy.db");
    let (ok, said) = run(&folder, &["backup"], &[&copy]);
    if on_postgres() {
        assert!(!ok && said.contains("pg_dump") && !copy.exists(), "PostgreSQL has its own program: {said}");
        let (ok, said) = run(&folder, &["restore"], &[&copy]);
        assert!(!ok && said.contains("pg_restore"), "{said}");
        return;
    }
    assert!(ok, "{said}");
    let (ok, said) = run(&folder, &["backup"], &[&copy]);
    assert!(!ok && said.contains("never overwrites"), "{said}");
    assert!(matches!(push(&two).await.unwrap()[0], Verdict::Accepted { .. }));
    let (ok, said) = run(&folder, &["restore"], &[&copy]);
    assert!(!ok && said.contains("stop the office first"), "while it runs: {said}");
    drop(registry);
    staff.pool.close().await;
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok && said.contains("2 subjects, 2 changes, 4 parts"), "{said}");
    let (ok, said) = run(&folder, &["restore"], &[&copy]);
    assert!(ok, "{said}");
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok && said.contains("1 subjects, 1 changes, 2 parts"), "{said}");
    assert!(folder.join("cau-noi.db.before-restore-1").exists(), "what was there is kept");
    let broken = folder.join("broken.db");
    std::fs::write(&broken, "not a database").unwrap();
    let (ok, said) = run(&folder, &["restore"], &[&broken]);
    assert!(!ok && said.contains("was not restored"), "{said}");
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok && said.contains("1 subjects"), "a bad copy changes nothing: {said}");
}

#[tokio::test]
async fn a_check_finds_what_was_tampered_with() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    let registry = SqlRegistry::start(staff.clone());
    let lan = Pen::new(village.lan, 1);
    let (one, two) = (lan.open("a1", Some("Một"), vec![]), lan.open("a1", Some("Hai"), vec![]));
    registry.push(&lan.session(), lan.batch(&[&one, &two]), domain::laws::MORNING).await.unwrap();
    let find = async || {
        let mut connection = staff.pool.acquire().await.unwrap();
        server::check::find(&mut connection, &staff.seal).await.unwrap().wrong
    };
    assert_eq!(find().await, Vec::<String>::new());
    let tamper = async |sql: &'static str| {
        sqlx::query(sql).execute(&staff.pool).await.unwrap();
    };
    // A sealed body put in another's place does not open.
    tamper("update part set body = (select body from part where key = 'header' order by subject desc limit 1) where key = 'header'").await;
    assert!(find().await.iter().any(|w| w.contains("header") && w.contains("cannot be opened")));
    tamper("update log set seq = 7 where log = 'place:a'").await;
    assert!(find().await.iter().any(|w| w.contains("its counter says 7, it holds 2")));
    let immutable = sqlx::query("update change set recorded_at = 1").execute(&staff.pool).await;
    assert!(immutable.is_err(), "changes cannot be rewritten at all");
    let kept = sqlx::query("delete from audit").execute(&staff.pool).await;
    assert!(kept.is_err(), "nor can the audit");
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let folder = folder();
    staff_of(&Village::new(), &folder).await.pool.close().await;
    std::fs::write(folder.join("key"), "ff".repeat(32)).unwrap();
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(!ok && said.contains("this key did not seal this database"), "{said}");
    std::fs::remove_file(folder.join("key")).unwrap();
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(!ok && said.contains("cannot read the key"), "{said}");
}

/// A server in a process of its own, which ends with this value.
pub struct Running(Child);

impl Running {
    /// Nothing is said to anybody: as if its machine had lost power.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What a server needs of a built site in order to start.
pub fn put_site(folder: &Path) {
    std::fs::create_dir_all(folder.join("site")).unwrap();
    let build = json!({ "build": "t", "boot": "/b", "style": "/s", "app_js": "/j", "app_wasm": "/w", "files": [] });
    std::fs::write(folder.join("site/build.json"), build.to_string()).unwrap();
}

pub async fn start(folder: &Path) -> (Running, String) {
    start_with(folder, &[]).await
}

async fn start_with(folder: &Path, more: &[&str]) -> (Running, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = server(folder, &["serve"], &[]);
    command.args(["--listen", &free, "--site"]).arg(folder.join("site")).args(more);
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    for _ in 0..3_000 {
        if tokio::net::TcpStream::connect(&free).await.is_ok() {
            return (running, free);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server does not come up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_midst_of_pushes_loses_nothing_that_was_acknowledged() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    server::login::add(&staff, village.lan, "lan", PASSWORD, 1).await.unwrap();
    staff.pool.close().await;
    put_site(&folder);
    let (mut running, address) = start(&folder).await;
    let sign_in = json!({ "user_name": "lan", "password": PASSWORD }).to_string();
    let cookie = post(&address, "", "/api/log_in", &sign_in).await.unwrap().cookie.unwrap();
    let (acknowledged, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut senders = tokio::task::JoinSet::new();
    for device in 0..4 {
        let lan = Caller { address: address.clone(), cookie: cookie.clone(), worker: village.lan };
        let acknowledged = acknowledged.clone();
        senders.spawn(async move {
            let pen = Pen::new(lan.worker, 10 + device);
            loop {
                let (one, two) = (pen.open("a1", Some("Một"), vec![]), pen.open("a1", Some("Hai"), vec![]));
                let body = json!({ "batch": pen.batch(&[&one, &two]) }).to_string();
                let Ok(answer) = post(&lan.address, &lan.cookie, "/api/push", &body).await else { break };
                let Ok(verdicts) = serde_json::from_str::<Vec<Verdict>>(&answer.body) else { break };
                assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{verdicts:?}");
                acknowledged.send((10 + device, one, two)).unwrap();
            }
        });
    }
    drop(acknowledged);
    let mut kept = Vec::new();
    while let Some(one) = heard.recv().await {
        kept.push(one);
        if kept.len() == 40 {
            running.kill();
        }
    }
    senders.join_all().await;
    assert!(kept.len() >= 40);
    let (_running, address) = start(&folder).await;
    let lan = Caller { address, cookie, worker: village.lan };
    for (device, one, two) in &kept {
        let pen = Pen::new(village.lan, *device);
        let verdicts = lan.push(&pen, &[one, two]).await;
        assert!(verdicts.iter().all(|v| matches!(v, Verdict::AlreadyKnown { .. })), "{verdicts:?}");
    }
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok, "{said}");
}

#[test]
fn the_interface_is_described() {
    let output = Command::new(env!("CARGO_BIN_EXE_server")).arg("openapi").output().unwrap();
    let described: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(described["openapi"], "3.1.0");
    assert!(described["paths"]["/api/push"]["post"]["requestBody"].is_object());
}

#[tokio::test]
async fn the_list_of_duty_is_set_shown_and_given_back() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    for (worker, name) in [(village.lan, "lan"), (village.hanh, "hanh"), (village.toan, "toan")] {
        server::login::add(&staff, worker, name, PASSWORD, 1).await.unwrap();
    }
    let duty = |words: &[&str]| {
        let words: Vec<&Path> = words.iter().map(Path::new).collect();
        run(&folder, &["duty", "set"], &words)
    };
    for (words, complaint) in [
        (&["nowhere", "hanh"][..], "no place has the code nowhere"),
        (&["a1", "hanh"][..], "a1 is a village"),
        (&["a", "nobody"][..], "nobody signs in as nobody"),
        (&["a", "lan"][..], "lan is no supervisor"),
        (&["a", "hanh", "hanh"][..], "hanh stands twice"),
    ] {
        let (ok, said) = duty(words);
        assert!(!ok && said.contains(complaint), "{said}");
    }
    let (ok, said) = duty(&["a", "hanh"]);
    assert!(ok && said.contains("a a (set)\n  1. Vi Thị Hạnh, no phone number\n"), "{said}");
    let (ok, said) = duty(&["p", "toan"]);
    assert!(ok, "{said}");
    let (ok, said) = run(&folder, &["duty", "list"], &[]);
    assert!(ok && said.contains("b b (its supervisors: none is set)\n  1. Lăng Văn Toàn"), "{said}");
    let (ok, said) = duty(&["a"]);
    assert!(ok && said.contains("a a (its supervisors: none is set)\n  1. Vi Thị Hạnh"), "{said}");
    let changed = "select count(*) from audit where what = 'duty_changed'";
    assert_eq!(sqlx::query_scalar::<_, i64>(changed).fetch_one(&staff.pool).await.unwrap(), 3);
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn duty_that_was_under_way_when_the_server_was_killed_goes_on_at_the_next_start() {
    let folder = folder();
    let village = Village::new();
    let staff = staff_of(&village, &folder).await;
    server::login::add(&staff, village.hanh, "hanh", PASSWORD, 1).await.unwrap();
    let ear = Ear::open().await;
    let now = domain::Timestamp(now_ms());
    let cookie = server::session::open(&staff.pool, village.hanh, Face::Field, now.0).await.unwrap();
    let cookie = cookie.to_str().unwrap().split(';').next().unwrap().parse().unwrap();
    let headers = axum::http::HeaderMap::from_iter([(axum::http::header::COOKIE, cookie)]);
    let endpoint = ear.url("hanh");
    let put = subscription::put(&staff.pool, &staff.seal, &headers, village.hanh, &endpoint, now).await;
    assert!(put.unwrap());
    // Received an hour ago, when no server ran.
    let lan = Pen::new(village.lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![domain::Fact::Urgency(domain::Urgency::Emergency)]);
    let registry = SqlRegistry::start(staff.clone());
    let said = registry.push(&lan.session(), lan.batch(&[&case]), now.plus_ms(-3_600_000)).await.unwrap();
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    std::fs::create_dir_all(folder.join("site")).unwrap();
    let build = json!({ "build": "t", "boot": "/b", "style": "/s", "app_js": "/j", "app_wasm": "/w", "files": [] });
    std::fs::write(folder.join("site/build.json"), build.to_string()).unwrap();
    let calls = async |n: usize| {
        for _ in 0..1_200 {
            if ear.heard().len() >= n {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} calls, not {n}", ear.heard().len());
    };
    ear.answer(&["hang"]);
    let settings = ["--push-anywhere", "--duty-minutes", "30"];
    let (mut running, _) = start_with(&folder, &settings).await;
    calls(1).await;
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let (_running, _) = start_with(&folder, &settings).await;
    calls(2).await;
    let reached = "select count(*) from duty_step where outcome = 'reached'";
    for _ in 0..200 {
        if sqlx::query_scalar::<_, i64>(reached).fetch_one(&staff.pool).await.unwrap() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sqlx::query_scalar::<_, i64>(reached).fetch_one(&staff.pool).await.unwrap(), 1);
    assert_eq!(sqlx::query_scalar::<_, i64>("select count(*) from duty_step").fetch_one(&staff.pool).await.unwrap(), 1);
    assert_eq!(ear.heard().len(), 2, "not again, once it was answered");
    let (ok, said) = run(&folder, &["check"], &[]);
    assert!(ok, "{said}");
}
