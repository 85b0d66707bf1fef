//! An office with many people, and what they write: places, log-ins, cases and visits as the app sends them. It knows no
//! measurement.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::change::Change;
use domain::json::Raw;
use domain::laws::place;
use domain::{
    Address, Body, CaseCode, CaseId, CaseStatus, ChangeId, Confidentiality, Consent, ConsentAnswer, DeviceId, Fact,
    Grant, Home, LogId, PersonName, PlaceKind, PushBatch, Role, Sex, Subject, Tile, Timestamp, Urgency, Verdict, Visit,
    Worker, WorkerId, limits,
};
use serde_json::json;
use server::config::Store;
use server::registry::employ;
use server::{database, login, staff};

use crate::http::Line;

const PASSWORD: &str = "mat-khau-thu";
const COMMUNES: usize = 20;
const VILLAGES: usize = 5;
/// One phone each.
pub const PEOPLE: usize = 500;
/// Of one push.
pub const TOGETHER: usize = 20;
/// Of these, cases; the others are visits to them.
const CASES: usize = 8;

/// Somebody with a phone.
#[derive(Clone)]
pub struct Person {
    pub worker: WorkerId,
    pub device: DeviceId,
    pub cookie: String,
    village: String,
    log: LogId,
    n: u64,
}

pub struct Office {
    pub address: SocketAddr,
    child: Child,
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn file(folder: &Path) -> Store {
    Store { db: Some(folder.join("office.db")), database_url: None, key_file: Some(folder.join("key")) }
}

/// Employs everybody in an empty database and signs them in, each on their own phone.
pub fn people(folder: &Path, store: &Store) -> Vec<Person> {
    let mut people: Vec<Person> = (0..PEOPLE)
        .map(|i| {
            let commune = i % COMMUNES;
            Person {
                worker: WorkerId(ChangeId::at(now(), random()).0),
                device: DeviceId(ChangeId::at(now(), random()).0),
                cookie: String::new(),
                village: format!("c{commune}-v{}", i / COMMUNES % VILLAGES),
                log: format!("place:c{commune}").parse().unwrap(),
                n: 0,
            }
        })
        .collect();
    runtime().block_on(async {
        let staff = store.open(false).await.unwrap();
        let mut transaction = database::begin(&staff.pool).await.unwrap();
        staff::put_place(&mut transaction, &place("p", PlaceKind::Province, None)).await.unwrap();
        for c in 0..COMMUNES {
            let commune = format!("c{c}");
            staff::put_place(&mut transaction, &place(&commune, PlaceKind::Commune, Some("p"))).await.unwrap();
            for v in 0..VILLAGES {
                let village = place(&format!("{commune}-v{v}"), PlaceKind::Village, Some(&commune));
                staff::put_place(&mut transaction, &village).await.unwrap();
            }
        }
        transaction.commit().await.unwrap();
        let hash = login::hash(PASSWORD).await.unwrap();
        for (i, person) in people.iter().enumerate() {
            let worker = Worker {
                id: person.worker,
                name: PersonName::parse("Nông Thị Lan").unwrap(),
                address: Address::Chi,
                phone: None,
                grants: vec![Grant::area(Role::Collaborator, person.village.parse().unwrap())],
            };
            employ(&staff, &worker, Timestamp(1)).await.unwrap();
            assert!(login::add_hashed(&staff, person.worker, &format!("lan{i}"), &hash, 1).await.unwrap());
        }
        staff.pool.close().await;
    });
    let office = Office::start(folder, store);
    for (i, person) in people.iter_mut().enumerate() {
        let mut line = Line::open(office.address, "");
        let asked =
            line.request("/api/log_in", &json!({ "user_name": format!("lan{i}"), "password": PASSWORD }).to_string());
        let answer = line.send(&asked).unwrap();
        assert_eq!(answer.status, 200);
        person.cookie = answer.cookie.unwrap();
    }
    office.stop();
    people
}

fn now() -> u64 {
    u64::try_from(database::now_ms()).unwrap()
}

impl Person {
    pub fn to_line(&self) -> String {
        let Self { worker, device, cookie, village, log, n } = self;
        format!("{worker} {device} {cookie} {village} {log} {n}")
    }
    pub fn of_line(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let [worker, device, cookie, village, log, n] = words[..] else { unreachable!("{line}") };
        Self {
            worker: worker.parse().unwrap(),
            device: device.parse().unwrap(),
            cookie: cookie.to_owned(),
            village: village.to_owned(),
            log: log.parse().unwrap(),
            n: n.parse().unwrap(),
        }
    }

    /// The body of a push of [`TOGETHER`] changes, some 600 bytes each: new cases, and visits to each of them.
    pub fn batch(&mut self, changes: usize) -> String {
        let cases = (changes * CASES / TOGETHER).max(1);
        let mut opened = vec![];
        let mut batch = vec![];
        for i in 0..changes {
            let change = if i < cases {
                let case = self.open();
                opened.push(case.subject);
                case
            } else {
                self.visit(opened[i % cases])
            };
            batch.push(Raw::of(&change).unwrap());
        }
        let batch = PushBatch {
            v: limits::PROTOCOL_VERSION,
            worker: self.worker,
            device: self.device,
            sent_at: Some(Timestamp(database::now_ms())),
            changes: batch,
        };
        json!({ "batch": batch }).to_string()
    }

    fn open(&mut self) -> Change {
        let facts = vec![
            Fact::FullName(Some(PersonName::parse("Hoàng Thị Mỷ").unwrap())),
            Fact::HandledIn(self.village.parse().unwrap()),
            Fact::Tile(Tile::Elderly),
            Fact::WhatHappened(
                "Bà sống một mình ở đầu bản, ngã hai lần trong tháng, chân đau không đi rẫy được.".to_owned(),
            ),
            Fact::Sex(Sex::Female),
            Fact::ApproximateAge(74),
            Fact::Home(Home { text: "Nhà sàn cuối bản, cạnh suối".to_owned(), place: None }),
            Fact::Urgency(Urgency::Normal),
            Fact::Consent(Consent::new(ConsentAnswer::Agreed)),
            Fact::Confidentiality(Confidentiality::Normal),
            Fact::Status(CaseStatus::New),
        ];
        let code = CaseCode::from_random(random());
        let mut change = self.write(Subject::Case(CaseId(uuid::Uuid::nil())), Body::CaseOpened { code, facts });
        change.subject = Subject::Case(CaseId(change.id.0));
        change
    }

    fn visit(&mut self, case: Subject) -> Change {
        let seen = "Bà đi lại được trong nhà, còn đau khi leo dốc. Hàng xóm vẫn nấu cơm giúp, gạo còn đủ đến cuối tháng. \
                    Đã hẹn trạm y tế xã xuống khám lại vào tuần sau.";
        let visit = Visit {
            on: Timestamp(database::now_ms()).day(),
            place: "Nhà bà".to_owned(),
            met: "Bà Mỷ".to_owned(),
            seen: seen.to_owned(),
            services: vec![],
            next: None,
            next_what: String::new(),
        };
        self.write(case, Body::VisitRecorded(visit))
    }

    fn write(&mut self, subject: Subject, body: Body) -> Change {
        self.n += 1;
        Change {
            v: limits::PROTOCOL_VERSION,
            id: ChangeId::at(now(), random()),
            log: self.log.clone(),
            subject,
            author: self.worker,
            device: self.device,
            n: self.n,
            recorded_at: Timestamp(database::now_ms()),
            replaces: None,
            body,
        }
    }
}

/// How many of a push's changes were accepted.
pub fn accepted(answer: &[u8]) -> usize {
    let verdicts: Vec<Verdict> = serde_json::from_slice(answer).unwrap_or_default();
    verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Accepted { .. })).count()
}

impl Office {
    /// Starts the program on a database and waits until it answers.
    pub fn start(folder: &Path, store: &Store) -> Self {
        let site = folder.join("site");
        std::fs::create_dir_all(&site).unwrap();
        let build = json!({ "build": "t", "boot": "/b", "style": "/s", "app_js": "/j", "app_wasm": "/w", "files": [] });
        std::fs::write(site.join("build.json"), build.to_string()).unwrap();
        // Taken and given back: the program says no port that it found itself.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.arg("serve").args(["--listen", &address.to_string()]).arg("--site").arg(&site);
        command.env_remove("DATABASE_URL").env_remove("CAU_NOI_KEY").env("RUST_LOG", "off");
        match (&store.db, &store.database_url) {
            (Some(db), _) => command.arg("--db").arg(db),
            (None, url) => command.arg("--database-url").arg(url.as_deref().unwrap()),
        };
        command.arg("--key-file").arg(store.key_file.as_deref().unwrap());
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let office = Self { address, child };
        for _ in 0..600 {
            if std::net::TcpStream::connect(address).is_ok() {
                return office;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the office does not answer");
    }

    /// The most memory that the program had in use at any moment, in MB.
    pub fn most_memory_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// In peace, so that everything lies in the database's own file.
    pub fn stop(mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A copy of a SQLite office in a folder of its own.
pub fn copy(from: &Path, to: &Path) -> PathBuf {
    std::fs::remove_dir_all(to).ok();
    std::fs::create_dir_all(to).unwrap();
    for name in ["office.db", "key"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    to.to_owned()
}
