//! Moments, days and working days in Vietnam; it never reads a clock.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{catalogue, id::BadName, id::text_serde};

/// Vietnam keeps UTC+7 all year (Asia/Ho_Chi_Minh has had no daylight saving time since 1975).
const VIETNAM_OFFSET_MS: i64 = 7 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The calendar day in Vietnam; a moment beyond the calendar gives 1970-01-01.
    #[must_use]
    pub fn day(self) -> Day {
        Day(self.local().map_or_else(NaiveDate::default, |t| t.date_naive()))
    }
    /// Hour and minute of the day in Vietnam.
    #[must_use]
    pub fn hour_minute(self) -> (u32, u32) {
        let minutes = self.0.saturating_add(VIETNAM_OFFSET_MS).rem_euclid(DAY_MS) / 60_000;
        let minutes = u32::try_from(minutes).unwrap_or(0);
        (minutes / 60, minutes % 60)
    }
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    fn local(self) -> Option<DateTime<chrono::Utc>> {
        DateTime::from_timestamp_millis(self.0.saturating_add(VIETNAM_OFFSET_MS))
    }
}

/// A calendar day, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub NaiveDate);

impl Day {
    #[must_use]
    pub fn of(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }
    /// The moment this day ends in Vietnam: 24:00.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let days = i64::from(self.0.num_days_from_ce() - NaiveDate::default().num_days_from_ce());
        Timestamp((days + 1) * DAY_MS - VIETNAM_OFFSET_MS)
    }
    #[must_use]
    pub fn plus_days(self, days: u64) -> Self {
        Self(self.0.checked_add_days(Days::new(days)).unwrap_or(self.0))
    }
    /// Days from `self` to `other`; negative when `other` is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        i64::from(other.0.num_days_from_ce()) - i64::from(self.0.num_days_from_ce())
    }
    /// Monday to Friday less the holidays of `data/holidays.csv`.
    #[must_use]
    pub fn is_working(self) -> bool {
        !matches!(self.0.weekday(), Weekday::Sat | Weekday::Sun)
            && !catalogue::HOLIDAYS.contains(&(self.0.year(), self.0.month(), self.0.day()))
    }
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.year()
    }
    #[must_use]
    pub fn month(self) -> u32 {
        self.0.month()
    }
    #[must_use]
    pub fn day(self) -> u32 {
        self.0.day()
    }
    /// 1 = Monday … 7 = Sunday.
    #[must_use]
    pub fn weekday(self) -> u32 {
        self.0.weekday().number_from_monday()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}
impl FromStr for Day {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().and_then(|p| p.parse::<u32>().ok()).ok_or(BadName);
        let (year, month, day) = (next()?, next()?, next()?);
        Self::of(i32::try_from(year).map_err(|_| BadName)?, month, day).ok_or(BadName)
    }
}
text_serde!(Day);

/// How long a step of the approval chain may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeLimit {
    /// Round the clock.
    Hours(u16),
    /// The day of start is not counted; the limit ends at 24:00 of the n-th working day.
    WorkingDays(u16),
}

impl TimeLimit {
    /// When a clock that starts at `from` runs out.
    ///
    /// ```
    /// # use domain::{TimeLimit, Day};
    /// // Friday 13/02/2026; Monday to Friday of the week after are Tết.
    /// let friday = Day::of(2026, 2, 12).unwrap().end().plus_ms(9 * 3_600_000);
    /// assert_eq!(TimeLimit::WorkingDays(1).deadline(friday).plus_ms(-1).day(), Day::of(2026, 2, 23).unwrap());
    /// ```
    #[must_use]
    pub fn deadline(self, from: Timestamp) -> Timestamp {
        match self {
            Self::Hours(n) => from.plus_ms(i64::from(n) * 3_600_000),
            Self::WorkingDays(n) => {
                let mut day = from.day();
                let mut left = n;
                while left > 0 {
                    day = day.plus_days(1);
                    if day.is_working() {
                        left -= 1;
                    }
                }
                day.end()
            }
        }
    }
}

/// Working days that begin after `from` and end by `until`: what "còn n ngày làm việc" says.
#[must_use]
pub fn working_days_between(from: Timestamp, until: Timestamp) -> u32 {
    let (mut day, last) = (from.day(), until.plus_ms(-1).day());
    let mut n = 0;
    // A limit is at most a few months; the bound keeps a broken deadline from spinning.
    for _ in 0..400 {
        if day >= last {
            break;
        }
        day = day.plus_days(1);
        n += u32::from(day.is_working());
    }
    n
}

/// A birth date of which any part may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PartialDate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<u8>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl PartialDate {
    /// A lawful calendar date as far as it is known: year 1890 to 2100, a day needs its month, 29/02 needs a leap year
    /// or an unknown one.
    ///
    /// # Errors
    /// [`BadName`] when no day of the calendar can be meant.
    pub fn parse(year: Option<u16>, month: Option<u8>, day: Option<u8>, estimated: bool) -> Result<Self, BadName> {
        let lawful = year.is_none_or(|y| (1890..=2100).contains(&y))
            && month.is_none_or(|m| (1..=12).contains(&m))
            && match (month, day) {
                (None, Some(_)) => false,
                (Some(m), Some(d)) => Day::of(year.map_or(2000, i32::from), m.into(), d.into()).is_some(),
                _ => true,
            };
        if lawful { Ok(Self { year, month, day, estimated }) } else { Err(BadName) }
    }
    /// The earliest day that can be meant.
    #[must_use]
    pub fn earliest(self) -> Option<Day> {
        Day::of(self.year?.into(), self.month.unwrap_or(1).into(), self.day.unwrap_or(1).into())
    }
    /// Whole years on `today`; by the year alone when the day is not known.
    #[must_use]
    pub fn age(self, today: Day) -> Option<u16> {
        let year = i32::from(self.year?);
        let mut age = today.year() - year;
        if let Some(month) = self.month {
            let birthday = (u32::from(month), u32::from(self.day.unwrap_or(1)));
            if (today.month(), today.day()) < birthday {
                age -= 1;
            }
        }
        u16::try_from(age).ok()
    }
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Loose {
            year: Option<u16>,
            month: Option<u8>,
            day: Option<u8>,
            #[serde(default)]
            estimated: bool,
        }
        let loose = Loose::deserialize(deserializer)?;
        Self::parse(loose.year, loose.month, loose.day, loose.estimated).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: u32, day: u32, hour: i64) -> Timestamp {
        Day::of(year, month, day).expect("a day").end().plus_ms((hour - 24) * 3_600_000)
    }

    #[test]
    fn a_moment_before_midnight_in_vietnam_is_still_that_day() {
        // 2026-03-09T16:59:59Z is 23:59:59 in Lạng Sơn.
        let late = Timestamp(1_773_075_599_000);
        assert_eq!(late.day().to_string(), "2026-03-09");
        assert_eq!(late.hour_minute(), (23, 59));
        assert_eq!(late.plus_ms(1_000).day().to_string(), "2026-03-10");
    }

    #[test]
    fn working_days_skip_weekends_and_tet_and_end_at_midnight() {
        // Tết 2026: Monday 16/02 to Friday 20/02.
        let due = TimeLimit::WorkingDays(2).deadline(at(2026, 2, 13, 9));
        assert_eq!(due, Day::of(2026, 2, 24).expect("a day").end());
        let due = TimeLimit::WorkingDays(10).deadline(at(2026, 3, 9, 8));
        assert_eq!(due, Day::of(2026, 3, 23).expect("a day").end());
    }

    #[test]
    fn hours_run_through_the_night() {
        let due = TimeLimit::Hours(12).deadline(at(2026, 3, 9, 23));
        assert_eq!((due.day().to_string(), due.hour_minute()), ("2026-03-10".to_owned(), (11, 0)));
    }

    #[test]
    fn a_received_limit_counts_down_in_working_days() {
        let start = at(2026, 3, 9, 8);
        let due = TimeLimit::WorkingDays(10).deadline(start);
        assert_eq!(working_days_between(start, due), 10);
        assert_eq!(working_days_between(at(2026, 3, 23, 10), due), 0);
    }

    #[test]
    fn a_birth_date_may_be_partial_but_not_impossible() {
        assert!(PartialDate::parse(Some(1948), None, None, true).is_ok());
        assert!(PartialDate::parse(None, Some(2), Some(29), false).is_ok());
        assert!(PartialDate::parse(Some(2023), Some(2), Some(29), false).is_err());
        assert!(PartialDate::parse(Some(1948), None, Some(3), false).is_err());
        let born = PartialDate::parse(Some(2011), Some(11), Some(2), false).expect("lawful");
        assert_eq!(born.age(Day::of(2026, 3, 9).expect("a day")), Some(14));
    }
}
