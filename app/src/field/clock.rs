//! How much time is left, in words and as a bar. It knows deadlines and the present moment, not who must act.

use domain::{Action, Day, Due, Timestamp, working_days_between};

use super::ui::{Clock, ClockTone};
use crate::text::{Words, date, day_month};

/// Limits of hours are at most twelve; one of working days ends a midnight later at the earliest.
const HOURS_AT_MOST_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Whether a clock runs round the clock, in hours, and not in working days.
#[must_use]
pub fn is_hours(due: &Due) -> bool {
    due.at.0 - due.from.0 <= HOURS_AT_MOST_MS
}

/// The clock of one step of a chain.
#[must_use]
pub fn of_due(due: &Due, now: Timestamp, words: &Words) -> Clock {
    let (whole, gone) = (due.at.0 - due.from.0, now.0 - due.from.0);
    let used = u8::try_from((gone.saturating_mul(100) / whole.max(1)).clamp(0, 100)).unwrap_or(100);
    let left = due.at.0 - now.0;
    if is_hours(due) {
        let long = hours(left.abs(), words);
        let said = match (left < 0, due.action) {
            (true, _) => (words.time.overdue_by)(&long),
            (false, Action::Look) => (words.time.look_within)(&long),
            (false, Action::Approve) => (words.time.decide_within)(&long),
            (false, _) => (words.time.left)(&long),
        };
        return Clock { tone: ClockTone::Emergency, said, used: Some(used) };
    }
    if left < 0 {
        let late = due.at.plus_ms(-1).day().days_until(now.day()).max(1);
        return Clock {
            tone: ClockTone::Late,
            said: (words.time.overdue_by)(&(words.time.days)(late)),
            used: Some(100),
        };
    }
    let days = working_days_between(now, due.at);
    let tone = if days <= 1 { ClockTone::Soon } else { ClockTone::Later };
    Clock { tone, said: (words.time.working_days_left)(days), used: Some(used) }
}

/// The clock of a visit or task that is due on a day.
#[must_use]
pub fn of_day(due: Day, today: Day, words: &Words) -> Clock {
    let (tone, said) = match today.days_until(due) {
        late if late < 0 => (ClockTone::Late, (words.time.days_late)(-late)),
        0 => (ClockTone::Soon, words.time.today.to_owned()),
        1 => (ClockTone::Soon, words.time.tomorrow.to_owned()),
        soon if soon < 7 => {
            let weekday = words.time.weekdays[due.weekday() as usize - 1];
            (ClockTone::Later, format!("{weekday}, {}", day_month(due)))
        }
        _ => (ClockTone::Later, date(due)),
    };
    Clock { tone, said, used: None }
}

/// `1 giờ 24 phút`.
#[must_use]
pub fn hours(ms: i64, words: &Words) -> String {
    let minutes = ms / MINUTE_MS;
    (words.time.hours)(minutes / 60, minutes % 60)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use domain::Level;

    use super::*;
    use crate::text::Lang;

    fn at(day: u32, hour: i64, minute: i64) -> Timestamp {
        Day::of(2026, 3, day).expect("a day").end().plus_ms((hour - 24) * 3_600_000 + minute * MINUTE_MS)
    }
    fn due(from: Timestamp, until: Timestamp) -> Due {
        Due { action: Action::Look, level: Level::Commune, from, at: until }
    }

    #[wasm_bindgen_test]
    fn an_emergency_counts_minutes_and_stays_an_emergency_when_late() {
        let words = Lang::Vi.words();
        let clock = of_due(&due(at(10, 5, 31), at(10, 7, 31)), at(10, 6, 7), words);
        assert_eq!(clock.said, "Xem trong 1\u{a0}giờ 24\u{a0}phút nữa");
        assert_eq!((clock.tone, clock.used), (ClockTone::Emergency, Some(30)));
        let clock = of_due(&due(at(10, 5, 31), at(10, 7, 31)), at(10, 8, 0), words);
        assert_eq!(clock.said, "Quá hạn 29\u{a0}phút");
        assert_eq!(clock.tone, ClockTone::Emergency);
    }

    #[wasm_bindgen_test]
    fn a_desk_counts_working_days_and_is_amber_when_late() {
        let words = Lang::Vi.words();
        // Received on Monday 9 March, ten working days: the end of Monday 23 March.
        let ten_days = due(at(9, 8, 0), at(23, 24, 0));
        assert_eq!(of_due(&ten_days, at(10, 8, 0), words).said, "Còn 9\u{a0}ngày làm việc");
        assert_eq!(of_due(&ten_days, at(20, 8, 0), words).tone, ClockTone::Soon);
        assert_eq!(of_due(&ten_days, at(23, 8, 0), words).said, "Hạn hôm nay");
        let late = of_due(&ten_days, at(25, 8, 0), words);
        assert_eq!((late.tone, &*late.said), (ClockTone::Late, "Quá hạn 2\u{a0}ngày"));
    }

    #[wasm_bindgen_test]
    fn a_visit_is_late_due_or_named_by_its_weekday() {
        let words = Lang::Vi.words();
        let day = |d| Day::of(2026, 3, d).expect("a day");
        assert_eq!(of_day(day(8), day(10), words).said, "Quá hẹn 2\u{a0}ngày");
        assert_eq!(of_day(day(10), day(10), words).said, "Hôm nay");
        assert_eq!(of_day(day(12), day(10), words).said, "Thứ Năm, 12/03");
        assert_eq!(of_day(day(30), day(10), words).said, "30/03/2026");
    }
}
