//! How dates, times, amounts and phone numbers are written; the same in every language of the app.

use domain::{Day, Timestamp};

/// `10/03/2026`.
#[must_use]
pub fn date(day: Day) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

/// `10/03`.
#[must_use]
pub fn day_month(day: Day) -> String {
    format!("{:02}/{:02}", day.day(), day.month())
}

/// `05:31`, in Vietnam.
#[must_use]
pub fn time(at: Timestamp) -> String {
    let (hour, minute) = at.hour_minute();
    format!("{hour:02}:{minute:02}")
}

/// `09/03/2026 16:20`.
#[must_use]
pub fn date_time(at: Timestamp) -> String {
    format!("{} {}", date(at.day()), time(at))
}

/// `Thứ Ba, 10/03/2026`, with the names of the days from Monday.
#[must_use]
pub fn weekday_date(day: Day, weekdays: &[&str; 7]) -> String {
    format!("{}, {}", weekdays[day.weekday() as usize - 1], date(day))
}

/// `1.234.567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

/// `0900 000 011`, `0205 381 2345`, `111`; a foreign number as it is. Groups hold together by no-break spaces.
#[must_use]
pub fn phone(number: &domain::Phone) -> String {
    let number = number.national();
    if !number.starts_with('0') || number.len() < 10 {
        return number;
    }
    format!("{}\u{a0}{}\u{a0}{}", &number[..4], &number[4..7], &number[7..])
}

/// `48 MB`, `1,2 GB`; `decimal` is the mark of the language.
#[must_use]
pub fn bytes(n: u64, decimal: &str) -> String {
    match n {
        0..1_000_000 => format!("{}\u{a0}KB", n.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{}\u{a0}MB", n / 1_000_000),
        _ => format!("{}{decimal}{}\u{a0}GB", n / 1_000_000_000, n / 100_000_000 % 10),
    }
}

/// With a capital first letter: `bác` → `Bác`.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map(|first| std::iter::once(domain::search::large(first)).chain(rest).collect()).unwrap_or_default()
}

/// A place without the word for its kind, which the national list writes before some names: `Phường Đông Kinh`.
#[must_use]
pub fn bare_place(name: &str) -> &str {
    let kinds = ["Tỉnh ", "Thành phố ", "Xã ", "Phường ", "Đặc khu ", "Thôn "];
    kinds.iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_here_write_them() {
        let day = Day::of(2026, 3, 9).expect("a day");
        assert_eq!(date(day), "09/03/2026");
        assert_eq!(time(day.end().plus_ms(-60_000)), "23:59");
        assert_eq!(date_time(day.end()), "10/03/2026 00:00");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(540_000), "540.000");
        assert_eq!(grouped(1_234_567), "1.234.567");
        assert_eq!(bytes(900, ","), "1\u{a0}KB");
        assert_eq!(bytes(48_900_000, ","), "48\u{a0}MB");
        assert_eq!(bytes(1_240_000_000, ","), "1,2\u{a0}GB");
        let number = domain::Phone::parse("0900000011").expect("a number");
        assert_eq!(phone(&number), "0900\u{a0}000\u{a0}011");
        assert_eq!(phone(&domain::Phone::parse_service("111").expect("a hotline")), "111");
    }
}
