//! 500 phones that all call in the same moment, as when the mast of a valley comes back: each sends what it has and pulls
//! until nothing more waits. It knows how they are timed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use domain::{Cursor, LogId, PullAnswer};
use serde_json::json;

use crate::http::Line;
use crate::office::{Office, PEOPLE, Person, accepted, copy, file};
use crate::{percentile, rounds};

/// What a phone has to send after a day or two without network.
const UNSENT: usize = 5;
/// Phones beside each other while they load everything for the first time, which nobody measures.
const LOADING: usize = 8;

struct Phone {
    person: Person,
    cursors: BTreeMap<LogId, Option<Cursor>>,
    briefing: String,
}

/// What one call came to: milliseconds, or what was wrong.
type Call = Result<f64, String>;

pub fn measure(folder: &Path) -> Vec<(&'static str, String)> {
    let lines = std::fs::read_to_string(folder.join("people")).unwrap();
    let mut phones: Vec<Phone> = lines
        .lines()
        .map(|line| Phone { person: Person::of_line(line), cursors: BTreeMap::new(), briefing: String::new() })
        .collect();
    assert_eq!(phones.len(), PEOPLE);
    let served = copy(&folder.join("filled"), &folder.join("phones"));
    let office = Office::start(&served, &file(&served));
    let address = office.address;
    std::thread::scope(|threads| {
        for some in phones.chunks_mut(PEOPLE.div_ceil(LOADING)) {
            threads.spawn(move || {
                for phone in some {
                    let mut line = Line::open(address, &phone.person.cookie);
                    phone.pull(&mut line, &mut vec![]);
                }
            });
        }
    });
    let mut calls = vec![];
    for _ in 0..rounds() {
        calls.extend(all_at_once(&mut phones, address));
    }
    let memory = office.most_memory_mb();
    office.stop();
    let wrong: Vec<&String> = calls.iter().filter_map(|call| call.as_ref().err()).collect();
    let took: Vec<f64> = calls.iter().filter_map(|call| call.as_ref().ok().copied()).collect();
    println!("{PEOPLE} phones at once, {} times: {} calls, {} wrong", rounds(), calls.len(), wrong.len());
    for what in wrong.iter().take(5) {
        println!("  {what}");
    }
    println!("  half of them answered within {:.0} ms", percentile(took.clone(), 50));
    vec![
        ("server.phones_500_errors", wrong.len().to_string()),
        ("server.phones_500_p99_ms", format!("{:.0}", percentile(took, 99))),
        ("server.phones_500_rss_mb", format!("{memory:.0}")),
    ]
}

fn all_at_once(phones: &mut [Phone], address: SocketAddr) -> Vec<Call> {
    let ready = Barrier::new(phones.len());
    std::thread::scope(|threads| {
        let started: Vec<_> = phones
            .iter_mut()
            .map(|phone| {
                let ready = &ready;
                let call = move || {
                    let batch = phone.person.batch(UNSENT);
                    ready.wait();
                    let mut calls = vec![];
                    let mut line = Line::open(address, &phone.person.cookie);
                    let push = line.request("/api/push", &batch);
                    if let Some(answer) = phone.call(&mut line, &push, &mut calls)
                        && accepted(&answer) != UNSENT
                    {
                        calls.push(Err(String::from_utf8_lossy(&answer).into_owned()));
                    }
                    phone.pull(&mut line, &mut calls);
                    calls
                };
                std::thread::Builder::new().stack_size(512 * 1024).spawn_scoped(threads, call).unwrap()
            })
            .collect();
        started.into_iter().flat_map(|phone| phone.join().unwrap()).collect()
    })
}

impl Phone {
    /// Makes a call; the body of its answer.
    fn call(&self, line: &mut Line, request: &[u8], calls: &mut Vec<Call>) -> Option<Vec<u8>> {
        let begun = Instant::now();
        match line.send(request) {
            Ok(answer) if answer.status == 200 => {
                calls.push(Ok(begun.elapsed().as_secs_f64() * 1000.0));
                Some(answer.body)
            }
            Ok(answer) => {
                calls.push(Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))));
                None
            }
            Err(error) => {
                calls.push(Err(error.to_string()));
                None
            }
        }
    }

    fn pull(&mut self, line: &mut Line, calls: &mut Vec<Call>) {
        loop {
            let Person { worker, device, .. } = &self.person;
            let request = json!({ "request": {
                "v": 1, "worker": worker, "device": device, "cursors": self.cursors, "briefing": self.briefing,
            }});
            let request = line.request("/api/pull", &request.to_string());
            let Some(answer) = self.call(line, &request, calls) else { return };
            let answer: PullAnswer = match domain::json::read(&answer) {
                Ok(answer) => answer,
                Err(error) => return calls.push(Err(format!("an answer that cannot be read: {error}"))),
            };
            if let Some(briefing) = answer.briefing {
                self.briefing = briefing.tag;
            }
            let more = answer.pages.iter().any(|page| page.more);
            self.cursors.extend(answer.pages.into_iter().map(|page| (page.log, page.next)));
            if !more {
                return;
            }
        }
    }
}
