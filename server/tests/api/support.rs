//! An office to test: a database of its own, the village of the laws, a real port, and people who call it. The database is
//! a SQLite file, or on the PostgreSQL server that `TEST_DATABASE_URL` names.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::laws::{Pen, Village};
use domain::{Change, Cursor, LogId, PullAnswer, PushBatch, Subject, SubjectPage, Timestamp, Verdict, WorkerId};
use serde_json::{Value, json};
use server::config::Store;
use server::registry::{SqlRegistry, employ};
use server::staff::{self, Staff};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PASSWORD: &str = "mat-khau-thu";
pub const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A folder of this test alone; on PostgreSQL with a database that belongs to it.
pub fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("office-{}-{n}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("key"), KEY).unwrap();
    if let Ok(server) = std::env::var("TEST_DATABASE_URL") {
        let made = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(make_database(&server, n))
        });
        std::fs::write(folder.join("url"), made.join().unwrap()).unwrap();
    }
    folder
}

pub fn on_postgres() -> bool {
    std::env::var_os("TEST_DATABASE_URL").is_some()
}

/// A database for one test, and its URL. What tests left there more than an hour ago is swept away.
async fn make_database(server: &str, n: u32) -> String {
    const PREFIX: &str = "cau_noi_test_";
    let server: PgConnectOptions = server.parse().unwrap();
    let mut connection = server.connect().await.unwrap();
    let now_s = server::database::now_ms() / 1000;
    let left =
        sqlx::query_scalar::<_, String>("select datname::text from pg_database where datname like 'cau_noi_test_%'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let is_old = |name: &&String| {
        let since = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()?.parse::<i64>().ok());
        since.is_some_and(|since| now_s - since > 3_600)
    };
    for name in left.iter().filter(is_old) {
        // Another run may be sweeping too.
        let sql = format!("drop database if exists {name} with (force)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.ok();
    }
    let name = format!("{PREFIX}{now_s}_{}_{n}", std::process::id());
    let sql = format!("create database {name} template template0 encoding 'UTF8'");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    server.database(&name).to_url_lossy().into()
}

pub fn store(folder: &std::path::Path) -> Store {
    let url = std::fs::read_to_string(folder.join("url")).ok();
    let file = url.is_none().then(|| folder.join("cau-noi.db"));
    Store { db: file, database_url: url, key_file: Some(folder.join("key")) }
}

/// The village of the laws on a database of its own, with log-ins `lan`, `pao`, `hanh`, `toan`, `thanh`, `admin`.
pub async fn staff_of(village: &Village, folder: &std::path::Path) -> Staff {
    let staff = store(folder).open(false).await.unwrap();
    let mut connection = staff.pool.acquire().await.unwrap();
    for place in village.rules.places.iter() {
        staff::put_place(&mut connection, place).await.unwrap();
    }
    drop(connection);
    for worker in &village.workers {
        employ(&staff, worker, Timestamp(1)).await.unwrap();
    }
    let mut connection = staff.pool.acquire().await.unwrap();
    for (place, officers) in &village.rules.officers {
        staff::put_officers(&mut connection, place, officers).await.unwrap();
    }
    drop(connection);
    staff
}

pub struct Office {
    pub village: Village,
    pub staff: Staff,
    pub folder: PathBuf,
    address: String,
}

impl Office {
    pub async fn open() -> Self {
        let village = Village::new();
        let folder = folder();
        let staff = staff_of(&village, &folder).await;
        for (id, name) in names(&village) {
            assert!(server::login::add(&staff, id, name, PASSWORD, 1).await.unwrap());
        }
        let address = serve(&staff, &folder).await;
        Self { village, staff, folder, address }
    }

    pub async fn sign_in(&self, name: &str) -> Caller {
        let (_, id) = names(&self.village).into_iter().map(|(id, n)| (n, id)).find(|(n, _)| *n == name).unwrap();
        let mut caller = Caller { address: self.address.clone(), cookie: String::new(), worker: id };
        let answer = caller.call("/api/log_in", &json!({ "user_name": name, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        caller.cookie = answer.cookie.unwrap();
        caller
    }

    /// Signs somebody in to the office's pages.
    pub async fn desk_of(&self, name: &str) -> Desk {
        let mut desk = Desk { address: self.address.clone(), cookie: String::new() };
        let answer = desk.submit("/office/login", &format!("user_name={name}&password={PASSWORD}")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        desk.cookie = answer.cookie.unwrap();
        desk
    }

    /// Another process of the same office: it has nothing of this one but the database.
    pub async fn second(&self) -> Self {
        let staff = store(&self.folder).open(false).await.unwrap();
        let address = serve(&staff, &self.folder).await;
        Self { village: self.village.clone(), staff, folder: self.folder.clone(), address }
    }

    /// Somebody who is signed in, by way of this process.
    pub fn caller(&self, signed_in: &Caller) -> Caller {
        Caller { address: self.address.clone(), ..signed_in.clone() }
    }

    pub fn registry(&self) -> Arc<SqlRegistry> {
        SqlRegistry::start(self.staff.clone())
    }

    pub async fn count(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.staff.pool).await.unwrap()
    }

    /// Everything as it lies on the disk: the file, or each column of each table with its bytes as they are.
    pub async fn stored(&self) -> Vec<u8> {
        let pool = &self.staff.pool;
        if !on_postgres() {
            sqlx::query("pragma wal_checkpoint(truncate)").execute(pool).await.unwrap();
            return std::fs::read(self.folder.join("cau-noi.db")).unwrap();
        }
        let columns = sqlx::query_as::<_, (String, String, String)>(
            "select table_name::text, column_name::text, data_type::text from information_schema.columns
             where table_schema = 'public' order by 1, 2",
        );
        let mut stored = Vec::new();
        for (table, column, kind) in columns.fetch_all(pool).await.unwrap() {
            let bytes = match kind.as_str() {
                "bytea" => column,
                _ => format!("convert_to({column}::text, 'UTF8')"),
            };
            let sql = format!("select {bytes} from {table} where {bytes} is not null");
            let rows = sqlx::query_scalar::<_, Vec<u8>>(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap();
            stored.extend(rows.into_iter().flatten());
        }
        stored
    }

    /// Nothing that `server check` looks at is wrong.
    pub async fn assert_sound(&self) {
        let mut connection = self.staff.pool.acquire().await.unwrap();
        let found = server::check::find(&mut connection, &self.staff.seal).await.unwrap();
        assert_eq!(found.wrong, Vec::<String>::new());
    }
}

pub fn names(village: &Village) -> [(WorkerId, &'static str); 6] {
    [
        (village.lan, "lan"),
        (village.pao, "pao"),
        (village.hanh, "hanh"),
        (village.toan, "toan"),
        (village.thanh, "thanh"),
        (village.admin, "admin"),
    ]
}

/// The program's router on a free port.
async fn serve(staff: &Staff, folder: &std::path::Path) -> String {
    let site = folder.join("site");
    std::fs::create_dir_all(&site).unwrap();
    let build = json!({ "build": "t", "boot": "/b", "style": "/s", "app_js": "/j", "app_wasm": "/w", "files": [] });
    std::fs::write(site.join("build.json"), build.to_string()).unwrap();
    let site = Arc::new(server::assets::Site::load(&site).unwrap());
    let counts = Arc::new(server::observe::Counts::default());
    let state = server::AppState {
        pool: staff.pool.clone(),
        staff: staff.clone(),
        registry: SqlRegistry::start(staff.clone()),
        shell: Arc::new(server::shell::Shell::new(&site)),
        site,
        login: Arc::new(server::login::Login::new(staff.clone(), counts.clone()).unwrap()),
        counts,
        photos: Arc::default(),
        post: Arc::default(),
        behind_proxy: false,
        outgoing: server::outgoing::Outgoing::new(true),
    };
    let router = server::routes::router(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

pub struct Answer {
    pub status: u16,
    pub body: String,
    pub cookie: Option<String>,
    /// The office's signature under what it has.
    pub stamp: Option<String>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    /// The status and the error that the body names.
    pub fn error(&self) -> (u16, String) {
        let said = self.json();
        let name = said.as_str().or_else(|| Some(said.as_object()?.keys().next()?.as_str()));
        (self.status, name.unwrap_or_default().to_owned())
    }
}

/// Somebody with a session on a device.
#[derive(Clone)]
pub struct Caller {
    pub address: String,
    pub cookie: String,
    pub worker: WorkerId,
}

impl Caller {
    pub async fn call(&self, path: &str, body: &Value) -> Answer {
        self.post(path, &body.to_string()).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        post(&self.address, &self.cookie, path, body).await.unwrap()
    }

    pub async fn push_raw(&self, batch: &PushBatch) -> Answer {
        // In the very bytes of the batch: the office signs what it was sent.
        self.post("/api/push", &format!(r#"{{"batch":{}}}"#, serde_json::to_string(batch).unwrap())).await
    }

    pub async fn push(&self, pen: &Pen, changes: &[&Change]) -> Vec<Verdict> {
        let answer = self.push_raw(&pen.batch(changes)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub async fn pull_from(&self, pen: &Pen, cursors: &[(LogId, Option<Cursor>)]) -> PullAnswer {
        self.pull_as(1, pen, cursors).await
    }

    /// As a phone of this version of the app.
    pub async fn pull_now(&self, pen: &Pen) -> PullAnswer {
        self.pull_as(domain::limits::PROTOCOL_VERSION, pen, &[]).await
    }

    async fn pull_as(&self, v: u16, pen: &Pen, cursors: &[(LogId, Option<Cursor>)]) -> PullAnswer {
        let cursors: std::collections::BTreeMap<_, _> = cursors.iter().cloned().collect();
        let request = json!({ "v": v, "worker": pen.worker, "device": pen.device, "cursors": cursors, "briefing": "" });
        let answer = self.call("/api/pull", &json!({ "request": request })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub async fn pull(&self, pen: &Pen) -> PullAnswer {
        self.pull_from(pen, &[]).await
    }
}

/// Somebody at a desk, signed in to the office's pages.
pub struct Desk {
    address: String,
    cookie: String,
}

impl Desk {
    pub async fn open(&self, path: &str) -> Answer {
        send(&self.address, &format!("GET {path}"), &self.cookie, "text/plain", "").await.unwrap()
    }

    pub async fn submit(&self, path: &str, body: &str) -> Answer {
        let form = "application/x-www-form-urlencoded";
        send(&self.address, &format!("POST {path}"), &self.cookie, form, body).await.unwrap()
    }
}

/// The cursors after an answer.
pub fn cursors(answer: &PullAnswer) -> Vec<(LogId, Option<Cursor>)> {
    answer.pages.iter().map(|p| (p.log.clone(), p.next)).collect()
}

/// What an answer says of a subject, page by page.
pub fn pages_of(answer: &PullAnswer, subject: Subject) -> Vec<(LogId, SubjectPage)> {
    let of = |p: &domain::Page| p.subjects.iter().find(|s| s.subject == subject).cloned().map(|s| (p.log.clone(), s));
    answer.pages.iter().filter_map(of).collect()
}

/// One call with bytes in both directions, which need not be text: the status and the body.
pub async fn send_bytes(address: &str, what: &str, cookie: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\ncookie: {cookie}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, answer[end + 4..].to_vec())
}

/// One call of a server function.
pub async fn post(address: &str, cookie: &str, path: &str, body: &str) -> std::io::Result<Answer> {
    send(address, &format!("POST {path}"), cookie, "application/json", body).await
}

/// One HTTP/1.1 call.
async fn send(address: &str, what: &str, cookie: &str, form: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "{what} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nconnection: close\r\n\
         content-type: {form}\r\ncookie: {cookie}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    // An office that has read enough answers before the end of the body.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Err(read.err().unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into()));
    };
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    let cookie = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .map(|(_, value)| value.split(';').next().unwrap_or_default().to_owned());
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let stamp = head.lines().find_map(|line| line.strip_prefix("cn-stamp: ")).map(str::to_owned);
    Ok(Answer { status, body: if chunked { unchunk(body) } else { body.to_owned() }, cookie, stamp })
}

fn unchunk(body: &str) -> String {
    let mut rest = body.as_bytes();
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    String::from_utf8(whole).unwrap()
}
