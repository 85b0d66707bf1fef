//! 64 phones that push at the same time without a pause, and beside them one connection that writes the rows which came of
//! it. It knows how both are timed.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use server::config::Store;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::http::Line;
use crate::office::{self, Office, Person, TOGETHER, accepted, copy, file};
use crate::raw::Rows;
use crate::{median, rounds};

const PUSHERS: usize = 64;
/// Pushes of each of them, one after the other.
const PUSHES: usize = 10;
const CHANGES: usize = PUSHERS * PUSHES * TOGETHER;

/// Also leaves an office that holds what was pushed, in the folder `filled`.
pub fn sqlite(folder: &Path, rounds: usize) -> Vec<(&'static str, String)> {
    let empty = folder.join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let mut people = office::people(&empty, &file(&empty));
    save(&people, folder);
    let mut measured = vec![];
    for _ in 0..rounds {
        let filled = copy(&empty, &folder.join("filled"));
        let ours = push(&filled, &file(&filled), &mut people);
        let rows = Rows::since(&file(&filled), &file(&empty));
        let written = copy(&empty, &folder.join("raw"));
        let raw = rows.write_to_file(&written.join("office.db"));
        assert_eq!(rows.counts(), Rows::since(&file(&written), &file(&empty)).counts(), "the same rows and bytes");
        measured.push((ours, raw));
    }
    let (ours, ratio) = say("SQLite", &measured);
    let sync_ms = sync_ms(folder);
    println!(
        "  a page and its fsync take {sync_ms:.2} ms here: the longer, the more a commit shared by many phones is worth"
    );
    vec![
        ("server.sqlite_vs_raw", format!("{ratio:.2}")),
        ("server.sqlite_changes_per_s", format!("{ours:.0}")),
        ("server.fsync_ms", format!("{sync_ms:.2}")),
    ]
}

pub fn postgres(folder: &Path, server: &str) -> Vec<(&'static str, String)> {
    let server: PgConnectOptions = server.parse().unwrap();
    let name = |what: &str| format!("cau_noi_bench_{}_{what}", std::process::id());
    let store = |name: &str| Store {
        db: None,
        database_url: Some(server.clone().database(name).to_url_lossy().into()),
        key_file: Some(folder.join("key")),
    };
    let sql = |sql: &str| crate::raw::on_postgres(&server, sql);
    let (empty, filled, written) = (name("empty"), name("filled"), name("raw"));
    sql(&format!("create database {empty} template template0 encoding 'UTF8'"));
    let mut people = office::people(folder, &store(&empty));
    let mut measured = vec![];
    for _ in 0..rounds() {
        for copy in [&filled, &written] {
            sql(&format!("drop database if exists {copy} with (force)"));
            sql(&format!("create database {copy} template {empty}"));
        }
        let ours = push(folder, &store(&filled), &mut people);
        let rows = Rows::since(&store(&filled), &store(&empty));
        let raw = rows.write_to_postgres(&server.clone().database(&written));
        assert_eq!(rows.counts(), Rows::since(&store(&written), &store(&empty)).counts(), "the same rows and bytes");
        measured.push((ours, raw));
    }
    for database in [&empty, &filled, &written] {
        sql(&format!("drop database if exists {database} with (force)"));
    }
    let (ours, ratio) = say("PostgreSQL", &measured);
    vec![("server.postgres_vs_raw", format!("{ratio:.2}")), ("server.postgres_changes_per_s", format!("{ours:.0}"))]
}

/// What this disk asks for one durable commit, in milliseconds.
fn sync_ms(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("synced")).unwrap();
    let page = [7; 16 * 1024];
    let took = (0..200).map(|_| {
        let started = Instant::now();
        file.write_all(&page).unwrap();
        file.sync_all().unwrap();
        started.elapsed().as_secs_f64() * 1e3
    });
    median(took.collect())
}

/// Prints a table; the median of changes a second, and of what that is to one connection.
fn say(database: &str, rounds: &[(Duration, Duration)]) -> (f64, f64) {
    let rate = |took: Duration| CHANGES as f64 / took.as_secs_f64();
    println!("{database}: {PUSHERS} pushers with {PUSHES} pushes of {TOGETHER} changes, changes a second:");
    println!("    pushed  one connection");
    for (ours, raw) in rounds {
        println!("  {:>8.0} {:>15.0}", rate(*ours), rate(*raw));
    }
    let ours = median(rounds.iter().map(|(ours, _)| rate(*ours)).collect());
    (ours, median(rounds.iter().map(|(ours, raw)| raw.as_secs_f64() / ours.as_secs_f64()).collect()))
}

/// The time from the first request to the last answer.
fn push(folder: &Path, store: &Store, people: &mut [Person]) -> Duration {
    let office = Office::start(folder, store);
    let ready = Barrier::new(PUSHERS + 1);
    let took = std::thread::scope(|threads| {
        let pushers: Vec<_> = people[..PUSHERS]
            .iter_mut()
            .map(|person| {
                let (ready, address) = (&ready, office.address);
                threads.spawn(move || {
                    let mut line = Line::open(address, &person.cookie);
                    let pushes: Vec<_> =
                        (0..PUSHES).map(|_| line.request("/api/push", &person.batch(TOGETHER))).collect();
                    ready.wait();
                    for push in pushes {
                        let answer = line.send(&push).unwrap();
                        let taken = accepted(&answer.body);
                        assert_eq!(taken, TOGETHER, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    }
                })
            })
            .collect();
        ready.wait();
        let begun = Instant::now();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        begun.elapsed()
    });
    office.stop();
    took
}

/// For the phones that come later.
fn save(people: &[Person], folder: &Path) {
    let lines: Vec<String> = people.iter().map(Person::to_line).collect();
    std::fs::write(folder.join("people"), lines.join("\n")).unwrap();
}
