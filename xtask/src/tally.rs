//! Counts of test cases: knows how cargo's test harness and Playwright print their results, and
//! refuses to know what was tested.

use serde_json::Value;

/// One test case counts as one. Skipped and ignored cases are failures: nobody looked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    pub const FAILED: Self = Self { passed: 0, failed: 1 };
    pub const PASSED: Self = Self { passed: 1, failed: 0 };

    pub fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// A run that ended badly without a failed case (it did not compile, it was killed) is one
    /// failure.
    pub fn ended(self, well: bool) -> Self {
        if well || self.failed > 0 { self } else { self.plus(Self::FAILED) }
    }
}

/// What a filter leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Nobody looks at it.
    Failed,
    /// Another part runs it, and counts it there.
    Elsewhere,
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; …`.
pub fn of_harness_line(line: &str, filtered: Filtered) -> Option<Tally> {
    let counts = line.trim().strip_prefix("test result: ")?;
    let (_, counts) = counts.split_once(". ")?;
    let mut tally = Tally::default();
    for count in counts.split(';') {
        let mut words = count.split_whitespace();
        let (Some(number), Some(what)) = (words.next(), words.next()) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match what {
            "passed" => tally.passed += number,
            "failed" | "ignored" => tally.failed += number,
            "filtered" if filtered == Filtered::Failed => tally.failed += number,
            _ => {}
        }
    }
    Some(tally)
}

/// Reads Playwright's JSON report. A flaky case is a failed one.
pub fn of_playwright(report: &Value) -> Tally {
    let mut tally = Tally::default();
    for suite in list(report, "suites") {
        tally = tally.plus(of_suite(suite));
    }
    tally
}

fn of_suite(suite: &Value) -> Tally {
    let mut tally = Tally::default();
    for inner in list(suite, "suites") {
        tally = tally.plus(of_suite(inner));
    }
    for spec in list(suite, "specs") {
        for test in list(spec, "tests") {
            tally = tally.plus(match test["status"].as_str() {
                Some("expected") => Tally::PASSED,
                _ => Tally::FAILED,
            });
        }
    }
    tally
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_or_filtered_case_counts_as_failed() {
        let line = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s";
        assert_eq!(of_harness_line(line, Filtered::Failed), Some(Tally { passed: 3, failed: 3 }));
        assert_eq!(of_harness_line(line, Filtered::Elsewhere), Some(Tally { passed: 3, failed: 1 }));
    }

    #[test]
    fn a_failed_harness_is_read_too() {
        let line = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(of_harness_line(line, Filtered::Failed), Some(Tally { passed: 1, failed: 2 }));
        assert_eq!(of_harness_line("test a_case_is_kept ... ok", Filtered::Failed), None);
    }

    #[test]
    fn a_run_that_dies_without_a_failed_case_is_one_failure() {
        let tally = Tally { passed: 4, failed: 0 };
        assert_eq!(tally.ended(false), Tally { passed: 4, failed: 1 });
        assert_eq!(tally.ended(true), tally);
        assert_eq!(Tally::FAILED.ended(false), Tally::FAILED);
    }

    #[test]
    fn skipped_and_flaky_browser_cases_are_failed() {
        let report = serde_json::json!({ "suites": [{
            "specs": [{ "tests": [{ "status": "expected" }] }],
            "suites": [{ "specs": [
                { "tests": [{ "status": "flaky" }] },
                { "tests": [{ "status": "skipped" }] },
                { "tests": [{ "status": "unexpected" }, { "status": "expected" }] },
            ]}],
        }]});
        assert_eq!(of_playwright(&report), Tally { passed: 2, failed: 3 });
    }
}
