//! What the office takes at once, as a release build and over its own port: 64 pushers beside one connection that writes
//! the same rows, and 500 phones. It ends with lines `figure NAME VALUE`, medians of five; it knows no limit of its own.
//!
//! `CAU_NOI_BENCH_POSTGRES` names a PostgreSQL server that may be written to; without it only SQLite is measured.

#![expect(clippy::print_stdout, reason = "a bench speaks through stdout")]
#![expect(clippy::unwrap_used, reason = "whatever fails here ends the bench")]

mod http;
mod office;
mod phones;
mod pushers;
mod raw;

use std::path::PathBuf;

/// How often each thing is measured.
const ROUNDS: usize = 5;
const POSTGRES: &str = "CAU_NOI_BENCH_POSTGRES";

fn main() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut figures = pushers::sqlite(&folder);
    figures.extend(phones::measure(&folder));
    match std::env::var(POSTGRES) {
        Ok(server) => figures.extend(pushers::postgres(&folder, &server)),
        Err(_) => println!("without {POSTGRES} nothing is measured on PostgreSQL"),
    }
    std::fs::remove_dir_all(&folder).unwrap();
    for (name, value) in figures {
        println!("figure {name} {value}");
    }
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
