//! Rows as an office wrote them, and one connection that writes them again: each with a prepared statement, the rows of 20
//! changes a transaction, durably. It knows tables, nothing of what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use server::config::Store;
use sqlx::any::AnyRow;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::office::TOGETHER;

/// With the columns that find a row's change in [`Rows::since`]; the office writes these and no other tables in a push.
const TABLES: [(&str, &str); 6] = [
    ("change", "insert into change (author, body, chain, device, digest, id, log, n, received_at, recorded_at, replaces, seq, subject)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"),
    ("part", "insert into part (body, born, gone, key, log, seq, subject) values ($1, $2, $3, $4, $5, $6, $7)
              on conflict (log, subject, key) do update set seq = $6, gone = $3, body = $1"),
    ("subject", "insert into subject (born, code, log, reach, subject) values ($1, $2, $3, $4, $5)"),
    ("author", "insert into author (log, worker_id) values ($1, $2) on conflict do nothing"),
    ("device", "insert into device (contact_at, device, first_at, grants, worker_id) values ($1, $2, $3, $4, $5)
                on conflict (worker_id, device) do update set contact_at = $1"),
    ("log", "insert into log (chain, log, seq) values ($1, $2, $3) on conflict (log) do update set seq = $3, chain = $1"),
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

type Row = BTreeMap<String, Value>;

/// What lies in a database and not in another.
pub struct Rows {
    tables: Vec<Vec<Row>>,
}

impl Rows {
    pub fn since(store: &Store, before: &Store) -> Self {
        let (there, old) = (all(store), all(before));
        let tables = there.into_iter().zip(old).map(|(there, old)| {
            let old: BTreeSet<Row> = old.into_iter().collect();
            there.into_iter().filter(|row| !old.contains(row)).collect()
        });
        Self { tables: tables.collect() }
    }

    /// Rows and bytes of each table.
    pub fn counts(&self) -> Vec<(&'static str, usize, usize)> {
        let bytes = |rows: &[Row]| rows.iter().flat_map(BTreeMap::values).map(Value::bytes).sum();
        TABLES.iter().zip(&self.tables).map(|((name, _), rows)| (*name, rows.len(), bytes(rows))).collect()
    }

    /// Each transaction as the statements it makes: the number of the table and the values.
    fn transactions(&self) -> Vec<Vec<(usize, Vec<Value>)>> {
        let [changes, parts, subjects, authors, devices, _] = &self.tables[..] else { unreachable!("six tables") };
        let mut changes: Vec<&Row> = changes.iter().collect();
        changes.sort_by_key(|row| {
            let Value::Int(n) = row["n"] else { unreachable!("a number") };
            let push = (n - 1) / TOGETHER as i64;
            (push, row["device"].clone(), n)
        });
        let mut at: BTreeMap<(&Value, &Value), usize> = BTreeMap::new();
        let mut transactions: Vec<Vec<(usize, Vec<Value>)>> = vec![];
        let mut heads: Vec<BTreeMap<&Value, (&Value, &Value)>> = vec![];
        let mut said = BTreeSet::new();
        for (i, change) in changes.iter().enumerate() {
            if i % TOGETHER == 0 {
                transactions.push(vec![]);
                heads.push(BTreeMap::new());
                let device = devices.iter().find(|row| row["device"] == change["device"]).unwrap();
                transactions.last_mut().unwrap().push((4, values(device)));
            }
            let (transaction, heads) = (transactions.last_mut().unwrap(), heads.last_mut().unwrap());
            at.insert((&change["log"], &change["seq"]), i / TOGETHER);
            transaction.push((0, values(change)));
            let head = heads.entry(&change["log"]).or_insert((&change["seq"], &change["chain"]));
            *head = (*head).max((&change["seq"], &change["chain"]));
            if said.insert((&change["log"], &change["author"])) {
                let author = authors.iter().find(|a| a["log"] == change["log"] && a["worker_id"] == change["author"]);
                transaction.extend(author.map(|author| (3, values(author))));
            }
        }
        for part in parts {
            transactions[at[&(&part["log"], &part["seq"])]].push((1, values(part)));
        }
        for subject in subjects {
            transactions[at[&(&subject["log"], &subject["born"])]].push((2, values(subject)));
        }
        // The last transaction that writes a counter leaves the highest.
        let mut highest: BTreeMap<&Value, (&Value, &Value)> = BTreeMap::new();
        for (transaction, heads) in transactions.iter_mut().zip(heads) {
            for (log, head) in heads {
                let highest = highest.entry(log).or_insert(head);
                *highest = (*highest).max(head);
                transaction.push((5, vec![highest.1.clone(), log.clone(), highest.0.clone()]));
            }
        }
        transactions
    }

    pub fn write_to_file(&self, file: &Path) -> Duration {
        let transactions = self.transactions();
        let connection = rusqlite::Connection::open(file).unwrap();
        connection
            .execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on")
            .unwrap();
        let mut statements: Vec<_> = TABLES.iter().map(|(_, sql)| connection.prepare(sql).unwrap()).collect();
        let begun = Instant::now();
        for transaction in &transactions {
            connection.execute_batch("begin immediate").unwrap();
            for (table, values) in transaction {
                statements[*table].execute(rusqlite::params_from_iter(values)).unwrap();
            }
            connection.execute_batch("commit").unwrap();
        }
        begun.elapsed()
    }

    pub fn write_to_postgres(&self, database: &PgConnectOptions) -> Duration {
        let transactions = self.transactions();
        crate::office::runtime().block_on(async {
            let mut connection = database.connect().await.unwrap();
            let begun = Instant::now();
            for transaction in &transactions {
                let mut open = connection.begin().await.unwrap();
                for (table, values) in transaction {
                    let mut query = sqlx::query::<sqlx::Postgres>(TABLES[*table].1);
                    for value in values {
                        query = match value {
                            // The columns that may be null are texts, and the code.
                            Value::Null => query.bind(None::<String>),
                            Value::Int(number) => query.bind(*number),
                            Value::Text(text) => query.bind(text.as_str()),
                            Value::Bytes(bytes) => query.bind(bytes.as_slice()),
                        };
                    }
                    query.execute(&mut *open).await.unwrap();
                }
                open.commit().await.unwrap();
            }
            begun.elapsed()
        })
    }
}

pub fn on_postgres(server: &PgConnectOptions, sql: &str) {
    crate::office::runtime().block_on(async {
        let mut connection = server.connect().await.unwrap();
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// In the order of the columns' names, as the statements take them.
fn values(row: &Row) -> Vec<Value> {
    row.values().cloned().collect()
}

/// Every row of every table.
fn all(store: &Store) -> Vec<Vec<Row>> {
    crate::office::runtime().block_on(async {
        let staff = store.open(false).await.unwrap();
        let mut tables = vec![];
        for (name, _) in TABLES {
            let rows =
                sqlx::query(AssertSqlSafe(format!("select * from {name}"))).fetch_all(&staff.pool).await.unwrap();
            tables.push(rows.iter().map(row).collect());
        }
        staff.pool.close().await;
        tables
    })
}

fn row(row: &AnyRow) -> Row {
    let value = |i: usize| {
        let raw = row.try_get_raw(i).unwrap();
        if raw.is_null() {
            return Value::Null;
        }
        match raw.type_info().name() {
            "BIGINT" | "INTEGER" => Value::Int(row.get(i)),
            "TEXT" => Value::Text(row.get(i)),
            _ => Value::Bytes(row.get(i)),
        }
    };
    row.columns().iter().enumerate().map(|(i, column)| (column.name().to_owned(), value(i))).collect()
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
