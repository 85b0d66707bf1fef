//! What only PostgreSQL does. Without `TEST_DATABASE_URL` there is none, and nothing here is tested.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::laws::{MORNING, Pen, Village, visit};
use domain::{Change, ChangeId, Part, Registry, Subject, Verdict};
use serde_json::json;
use server::database::{self, Place};

use crate::command_line::{Running, put_site, run, start};
use crate::support::{Caller, Office, PASSWORD, folder, on_postgres, pages_of, post, staff_of};

#[tokio::test]
async fn a_push_that_is_chosen_to_give_way_is_tried_again() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let sql = "create sequence asked;
        create function give_way() returns trigger language plpgsql as $$ begin
            if nextval('asked') = 1 then raise exception 'a deadlock' using errcode = 'deadlock_detected'; end if;
            if currval('asked') = 2 then raise exception 'too late' using errcode = 'serialization_failure'; end if;
            return new;
        end $$;
        create trigger give_way before insert on change for each row execute function give_way()";
    sqlx::raw_sql(sql).execute(&office.staff.pool).await.unwrap();
    let (registry, pen) = (office.registry(), Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let said = registry.push(&pen.session(), pen.batch(&[&case]), MORNING).await.unwrap();
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    let asked =
        sqlx::query_scalar::<_, i64>("select last_value from asked").fetch_one(&office.staff.pool).await.unwrap();
    assert_eq!((asked, office.count("change").await, office.count("turn").await), (3, 1, 0));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_change_that_another_transaction_is_about_to_write_is_waited_for() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let (registry, pen) = (office.registry(), Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut other = database::begin(&office.staff.pool).await.unwrap();
    let names = [case.id.to_string()].into();
    database::take_turns(&mut other, &names).await.unwrap();
    let push = tokio::spawn({
        let (session, batch) = (pen.session(), pen.batch(&[&case]));
        async move { registry.push(&session, batch, MORNING).await }
    });
    until_somebody_waits(&office.staff.pool).await;
    assert!(!push.is_finished());
    database::end_turns(&mut other, &names).await.unwrap();
    other.commit().await.unwrap();
    assert!(matches!(push.await.unwrap().unwrap()[0], Verdict::Accepted { .. }));
}

/// Until a transaction of this database waits for another.
async fn until_somebody_waits(pool: &database::Pool) {
    let waits = "select count(*) from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(pool).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_push_that_loses_a_real_deadlock_is_there_all_the_same() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let (registry, pen) = (office.registry(), Pen::new(office.village.lan, 1));
    let pair = [pen.open("a1", Some("Một"), vec![]), pen.open("a1", Some("Hai"), vec![])];
    let mut names = pair.each_ref().map(|change| change.id.to_string());
    names.sort();
    let [first, last] = names.map(|name| BTreeSet::from([name]));
    let deadlocks = async || {
        sqlx::query_scalar::<_, i64>(
            "select deadlocks from (select pg_stat_clear_snapshot()) clear, pg_stat_database
             where datname = current_database()",
        )
        .fetch_one(&office.staff.pool)
        .await
        .unwrap()
    };
    // Turns are taken in one order; this transaction takes them in the other, after the push has begun to wait. Whoever
    // waited longest looks for a deadlock first and gives way: the push.
    let mut other = database::begin(&office.staff.pool).await.unwrap();
    database::take_turns(&mut other, &last).await.unwrap();
    let push = tokio::spawn({
        let (session, batch) = (pen.session(), pen.batch(&[&pair[0], &pair[1]]));
        async move { registry.push(&session, batch, MORNING).await }
    });
    until_somebody_waits(&office.staff.pool).await;
    database::take_turns(&mut other, &first).await.unwrap();
    database::end_turns(&mut other, &first).await.unwrap();
    database::end_turns(&mut other, &last).await.unwrap();
    other.commit().await.unwrap();
    let said = push.await.unwrap().unwrap();
    assert!(said.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{said:?}");
    // Counted by the server some time after it happened.
    let mut looked = 0;
    while deadlocks().await == 0 {
        looked += 1;
        assert!(looked < 300, "there was no deadlock");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((office.count("change").await, office.count("turn").await), (2, 0));
    office.assert_sound().await;
}

/// An office whose database three servers share, each in a process of its own.
struct Province {
    village: Village,
    staff: server::staff::Staff,
    folder: std::path::PathBuf,
    servers: Vec<(Running, String)>,
    cookie: String,
}

impl Province {
    async fn open() -> Self {
        let (village, folder) = (Village::new(), folder());
        let staff = staff_of(&village, &folder).await;
        server::login::add(&staff, village.lan, "lan", PASSWORD, 1).await.unwrap();
        put_site(&folder);
        let servers = start_three(&folder).await;
        let sign_in = json!({ "user_name": "lan", "password": PASSWORD }).to_string();
        let cookie = post(&servers[0].1, "", "/api/log_in", &sign_in).await.unwrap().cookie.unwrap();
        Self { village, staff, folder, servers, cookie }
    }

    /// Lan, by way of one of the servers.
    fn lan(&self, server: usize) -> Caller {
        let address = self.servers[server].1.clone();
        Caller { address, cookie: self.cookie.clone(), worker: self.village.lan }
    }

    async fn count(&self, rows: &str) -> i64 {
        let sql = format!("select count(*) from {rows}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.staff.pool).await.unwrap()
    }
}

async fn start_three(folder: &Path) -> Vec<(Running, String)> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(start(folder).await);
    }
    servers
}

/// A phone: sends pairs, each to the next server, until one has answered; never more than the pair it is at. What it was
/// promised, and how often it met silence.
async fn send_on(
    roads: Vec<Caller>,
    device: u8,
    case: Subject,
    promised: Arc<AtomicUsize>,
    pairs: usize,
) -> (Vec<ChangeId>, usize) {
    let pen = Pen::new(roads[0].worker, device);
    let (mut kept, mut silences, mut road) = (Vec::new(), 0, usize::from(device));
    for n in 0..pairs {
        let pair = [pen.write(case, "place:a", visit(&format!("{device} {n}"))), pen.open("a1", Some("Một"), vec![])];
        let body = json!({ "batch": pen.batch(&[&pair[0], &pair[1]]) }).to_string();
        let mut tried = 0;
        loop {
            road += 1;
            let lan = &roads[road % roads.len()];
            let answer = post(&lan.address, &lan.cookie, "/api/push", &body).await;
            let said = answer.ok().and_then(|answer| serde_json::from_str::<Vec<Verdict>>(&answer.body).ok());
            let Some(said) = said else {
                (silences, tried) = (silences + 1, tried + 1);
                assert!(tried < 200, "no server answers any more");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            for verdict in said {
                // A pair is written together or not at all; known is only what was sent before.
                let known = matches!(verdict, Verdict::AlreadyKnown { .. }) && tried > 0;
                assert!(known || matches!(verdict, Verdict::Accepted { .. }), "{verdict:?}");
            }
            break;
        }
        kept.extend(pair.map(|change: Change| change.id));
        promised.fetch_add(2, Ordering::Relaxed);
    }
    (kept, silences)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_servers_serve_together_while_one_is_killed_and_comes_back() {
    if !on_postgres() {
        return;
    }
    let mut province = Province::open().await;
    let first = Pen::new(province.village.lan, 1);
    let case = first.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    province.lan(0).push(&first, &[&case]).await;
    let promised = Arc::new(AtomicUsize::new(0));
    let roads: Vec<Caller> = (0..3).map(|n| province.lan(n)).collect();
    let (phones, pairs) = (6, 25);
    let senders: Vec<_> = (10..10 + phones)
        .map(|device| tokio::spawn(send_on(roads.clone(), device, case.subject, Arc::clone(&promised), pairs)))
        .collect();
    let until = async |n: usize| {
        while promised.load(Ordering::Relaxed) < n {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    until(60).await;
    province.servers[0].0.kill();
    until(140).await;
    province.servers[1].0.kill();
    // The one that was killed first is there again, at an address that nobody was told of; one of three serves the phones.
    let back = start(&province.folder).await;
    let other = Pen::new(province.village.lan, 2);
    let by_it = other.write(case.subject, "place:a", visit("Máy chủ trở lại"));
    let lan = Caller { address: back.1.clone(), ..province.lan(0) };
    assert!(matches!(lan.push(&other, &[&by_it]).await[0], Verdict::Accepted { .. }));
    let (mut kept, mut silences) = (vec![case.id, by_it.id], 0);
    for sender in senders {
        let (of_phone, of_silence) = sender.await.unwrap();
        kept.extend(of_phone);
        silences += of_silence;
    }
    assert!(silences >= 2, "somebody must have met a server that was gone");
    let all = 2 + usize::from(phones) * pairs * 2;
    assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), all);
    let stored =
        sqlx::query_scalar::<_, String>("select id from change").fetch_all(&province.staff.pool).await.unwrap();
    let stored: BTreeSet<ChangeId> = stored.iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(stored, kept.into_iter().collect(), "nothing lost, nothing doubled, nothing else");
    assert_eq!(province.count("change").await, i64::try_from(all).unwrap());
    let (_, page) = pages_of(&lan.pull(&first).await, case.subject).remove(0);
    let visits = page.parts.iter().filter(|row| matches!(row.part, Part::Visit(_))).count();
    assert_eq!(visits, 1 + usize::from(phones) * pairs);
    assert_eq!((province.count("turn").await, province.count("waiting").await), (0, 0));
    drop(back);
    province.servers.clear();
    let (ok, said) = run(&province.folder, &["check"], &[]);
    assert!(ok, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_midst_of_a_push_leaves_nothing_of_it_and_another_takes_it() {
    if !on_postgres() {
        return;
    }
    let mut province = Province::open().await;
    let pen = Pen::new(province.village.lan, 1);
    let pair = [pen.open("a1", Some("Một"), vec![]), pen.open("a1", Some("Hai"), vec![])];
    // The push has its rows and turns but for one, which is held here: it stands in the midst of its transaction.
    let mut names = pair.each_ref().map(|change| change.id.to_string());
    names.sort();
    let last = BTreeSet::from([names[1].clone()]);
    let mut other = database::begin(&province.staff.pool).await.unwrap();
    database::take_turns(&mut other, &last).await.unwrap();
    let body = json!({ "batch": pen.batch(&[&pair[0], &pair[1]]) }).to_string();
    let push = tokio::spawn({
        let (lan, body) = (province.lan(0), body.clone());
        async move { post(&lan.address, &lan.cookie, "/api/push", &body).await }
    });
    until_somebody_waits(&province.staff.pool).await;
    province.servers[0].0.kill();
    assert!(push.await.unwrap().is_err(), "nobody was promised anything");
    database::end_turns(&mut other, &last).await.unwrap();
    other.commit().await.unwrap();
    // The phone goes on to the next server. It waits there for what is left of the first, and for no longer.
    let said = province.lan(1).push(&pen, &[&pair[0], &pair[1]]).await;
    assert!(said.iter().all(|v| matches!(v, Verdict::Accepted { .. })), "{said:?}");
    let again = province.lan(2).push(&pen, &[&pair[0], &pair[1]]).await;
    assert!(again.iter().all(|v| matches!(v, Verdict::AlreadyKnown { .. })), "{again:?}");
    assert_eq!((province.count("change").await, province.count("turn").await), (2, 0));
    let (ok, said) = run(&province.folder, &["check"], &[]);
    assert!(ok, "{said}");
}

#[tokio::test]
async fn both_databases_have_the_same_tables() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let sqlite = database::open(&Place::File(office.folder.join("beside.db"))).await.unwrap();
    type Column = (String, String, String, i64);
    let of_sqlite = sqlx::query_as::<_, Column>(
        "select m.name, c.name, lower(c.type), c.\"notnull\" from sqlite_master m, pragma_table_info(m.name) c
         where m.type = 'table' and m.name not like '%sqlx%' order by m.name, c.name",
    );
    let of_postgres = sqlx::query_as::<_, Column>(
        "select table_name::text, column_name::text, data_type::text, case is_nullable when 'NO' then 1 else 0 end
         from information_schema.columns
         where table_schema = 'public' and table_name not like '%sqlx%' and table_name <> 'turn'
         order by table_name collate \"C\", column_name collate \"C\"",
    );
    let here = of_sqlite.fetch_all(&sqlite).await.unwrap();
    assert!(here.len() > 80, "{}", here.len());
    assert_eq!(here, of_postgres.fetch_all(&office.staff.pool).await.unwrap());
}
