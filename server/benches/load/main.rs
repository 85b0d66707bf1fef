//! What the office takes at once, as a release build and over its own port: 64 pushers beside one connection that writes
//! the same rows, and 500 phones. It ends with lines `figure NAME VALUE`, medians of five; it knows no limit of its own.
//!
//! `CAU_NOI_BENCH_POSTGRES` names a PostgreSQL server that may be written to; without it only SQLite is measured.
//! `CAU_NOI_ROUNDS` is how often each thing is measured, instead of five times; `CAU_NOI_BENCH_PART` may name one of
//! `sqlite`, `phones` and `postgres`, which is then measured alone.

#![expect(clippy::print_stdout, reason = "a bench speaks through stdout")]
#![expect(clippy::unwrap_used, reason = "whatever fails here ends the bench")]

mod http;
mod office;
mod phones;
mod pushers;
mod raw;

use std::path::PathBuf;

const POSTGRES: &str = "CAU_NOI_BENCH_POSTGRES";

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let part = std::env::var("CAU_NOI_BENCH_PART").unwrap_or_default();
    let is_wanted = |name| part.is_empty() || part == name;
    let mut figures = vec![];
    if is_wanted("sqlite") || is_wanted("phones") {
        figures.extend(pushers::sqlite(&folder, if is_wanted("sqlite") { rounds() } else { 1 }));
    }
    if is_wanted("phones") {
        figures.extend(phones::measure(&folder));
    }
    match std::env::var(POSTGRES) {
        Ok(server) if is_wanted("postgres") => figures.extend(pushers::postgres(&folder, &server)),
        Ok(_) => {}
        Err(_) => println!("without {POSTGRES} nothing is measured on PostgreSQL"),
    }
    std::fs::remove_dir_all(&folder).unwrap();
    for (name, value) in figures {
        println!("figure {name} {value}");
    }
}

/// How often each thing is measured.
fn rounds() -> usize {
    std::env::var("CAU_NOI_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap())
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which `percent` of all lie.
fn percentile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}
