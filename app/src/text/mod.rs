//! Every sentence the app says, one file a language; it knows words and how numbers are written, not when to say them.
//!
//! A third language is one more file with a `Words`, one more [`Lang`]. A sentence that a language lacks does not compile.

mod change;
mod en;
mod figure;
mod reading;
mod refusal;
mod vi;
mod words;

pub use change::change_title;
pub use figure::{bytes, capital, date, date_time, day_month, grouped, phone, time, weekday_date};
pub use reading::{Names, Pair, as_text, birth_said, consent_said, fact_said, reading, sharing_line, visit_pairs};
pub use refusal::refusal;
pub use words::*;

/// The languages of the app. Vietnamese is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Vi,
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::Vi, Self::En];

    #[must_use]
    pub fn words(self) -> &'static Words {
        match self {
            Self::Vi => &vi::WORDS,
            Self::En => &en::WORDS,
        }
    }
    /// The tag of BCP 47.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }
    /// The language's own name for itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vi => "Tiếng Việt",
            Self::En => "English",
        }
    }
    /// The name of a row of the tables.
    #[must_use]
    pub fn of(self, name: domain::catalogue::Bilingual) -> &'static str {
        match self {
            Self::Vi => name.vi,
            Self::En => name.en,
        }
    }
}
