//! Who somebody is, as far as it is known: names, sex, documents, phones. It judges the form of each, never the truth.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{limits, time::PartialDate};

/// Why something typed cannot be kept as it is. Each has a sentence in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    #[error("nothing was written")]
    Empty,
    #[error("longer than the limit")]
    TooLong,
    #[error("a character that cannot be written")]
    BadCharacter,
    #[error("wrong number of digits")]
    WrongLength,
    #[error("not a number")]
    NotANumber,
    #[error("not a phone number")]
    NotAPhone,
    #[error("not a day of the calendar")]
    NotADay,
    #[error("lies in the future")]
    InFuture,
    #[error("lies before what it follows")]
    TooEarly,
    #[error("outside the possible range")]
    OutOfRange,
    #[error("no such code")]
    UnknownCode,
    #[error("no such place")]
    UnknownPlace,
    #[error("an answer is missing")]
    Missing,
}

/// Text somebody typed: trimmed, at most [`limits::TEXT_CHARS`] characters, line breaks and tabs are the only controls.
///
/// # Errors
/// [`Invalid::TooLong`], [`Invalid::BadCharacter`]; empty text is lawful.
pub fn text(text: &str, max_chars: usize) -> Result<String, Invalid> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Err(Invalid::BadCharacter);
    }
    if text.chars().count() > max_chars { Err(Invalid::TooLong) } else { Ok(text.to_owned()) }
}

/// One full name, never split; sorted by its last word. 1 to 120 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PersonName(Box<str>);

impl PersonName {
    /// # Errors
    /// [`Invalid::Empty`], [`Invalid::TooLong`], [`Invalid::BadCharacter`].
    ///
    /// ```
    /// # use domain::{PersonName, Invalid};
    /// assert_eq!(PersonName::parse("  Hoàng  Thị Mỷ ").unwrap().as_str(), "Hoàng Thị Mỷ");
    /// assert_eq!(PersonName::parse("   "), Err(Invalid::Empty));
    /// ```
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        if typed.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Err(Invalid::BadCharacter);
        }
        let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(Invalid::Empty);
        }
        if name.chars().count() > limits::NAME_CHARS { Err(Invalid::TooLong) } else { Ok(Self(name.into())) }
    }
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The given name: in Vietnamese the last word.
    #[must_use]
    pub fn given(&self) -> &str {
        self.0.rsplit(' ').next().unwrap_or(&self.0)
    }
}
impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for PersonName {
    /// Names do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}
impl<'de> Deserialize<'de> for PersonName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    Male,
    Female,
    Other,
}

/// A phone number in E.164 (`+84900000011`) or a three-digit emergency number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Phone(Box<str>);

impl Phone {
    /// A person's number: Vietnamese mobile `0[35789]` + 8 digits, or a foreign number with `+`, 8 to 15 digits (ITU-T
    /// E.164). Spaces, dots and hyphens are dropped.
    ///
    /// # Errors
    /// [`Invalid::Empty`], [`Invalid::NotAPhone`].
    ///
    /// ```
    /// # use domain::{Phone, Invalid};
    /// assert_eq!(Phone::parse("0900 000 041").unwrap().e164(), "+84900000041");
    /// assert_eq!(Phone::parse("0200 000 041"), Err(Invalid::NotAPhone));
    /// ```
    pub fn parse(typed: &str) -> Result<Self, Invalid> {
        Self::read(typed, false)
    }
    /// A facility's or service's number: also landlines `02` + 9 digits and three-digit numbers.
    ///
    /// # Errors
    /// As [`Phone::parse`].
    pub fn parse_service(typed: &str) -> Result<Self, Invalid> {
        Self::read(typed, true)
    }
    fn read(typed: &str, service: bool) -> Result<Self, Invalid> {
        let number: String = typed.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')' | '\u{a0}')).collect();
        if number.is_empty() {
            return Err(Invalid::Empty);
        }
        let (plus, digits) = number.strip_prefix('+').map_or((false, &*number), |rest| (true, rest));
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::NotAPhone);
        }
        let national = if plus { digits.strip_prefix("84") } else { digits.strip_prefix('0') };
        let mobile = |n: &str| n.len() == 9 && n.starts_with(['3', '5', '7', '8', '9']);
        let landline = |n: &str| n.len() == 10 && n.starts_with('2');
        match national {
            Some(n) if mobile(n) || (service && landline(n)) => Ok(Self(format!("+84{n}").into())),
            None if plus && (8..=15).contains(&digits.len()) => Ok(Self(format!("+{digits}").into())),
            None if service && digits.len() == 3 => Ok(Self(digits.into())),
            _ => Err(Invalid::NotAPhone),
        }
    }
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }
    /// As people here write it: `0900000041`; foreign numbers keep their `+`.
    #[must_use]
    pub fn national(&self) -> String {
        self.0.strip_prefix("+84").map_or_else(|| self.0.to_string(), |rest| format!("0{rest}"))
    }
}
impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse_service(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// The 12-digit personal id (Law on Identification 26/2023/QH15, Article 12).
    PersonalId,
    /// The old 9-digit card.
    OldCard,
    Passport,
    BirthCertificate,
    None,
}

/// An identity document: its kind and, except for [`DocumentKind::None`], its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityDocument {
    pub kind: DocumentKind,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
}

/// A personal id that disagrees with what else is known. A warning only: people are registered late and wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdWarning {
    Sex,
    BirthYear,
    Province,
}

impl IdentityDocument {
    /// A personal id has 12 digits, an old card 9; the personal id has no check digit, so only its length is an error.
    ///
    /// # Errors
    /// [`Invalid::Empty`], [`Invalid::WrongLength`], [`Invalid::NotANumber`], [`Invalid::BadCharacter`].
    pub fn parse(kind: DocumentKind, typed: &str) -> Result<Self, Invalid> {
        let number: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
        let number = match kind {
            DocumentKind::None => String::new(),
            _ if number.is_empty() => return Err(Invalid::Empty),
            DocumentKind::PersonalId => digits(number, 12)?,
            DocumentKind::OldCard => digits(number, 9)?,
            DocumentKind::Passport | DocumentKind::BirthCertificate => text(&number, 32)?,
        };
        Ok(Self { kind, number })
    }

    /// What a personal id `PPP G YY NNNNNN` says otherwise than the case: `G` holds sex and century, `YY` the birth year
    /// (Circular 59/2021/TT-BCA, Article 7). `province` is the code `PPP` expected, if one is.
    #[must_use]
    pub fn warnings(&self, sex: Option<Sex>, birth: Option<PartialDate>, province: Option<&str>) -> Vec<IdWarning> {
        let mut warnings = Vec::new();
        if self.kind != DocumentKind::PersonalId || self.number.len() != 12 {
            return warnings;
        }
        let digit = |at: usize| u16::from(self.number.as_bytes()[at] - b'0');
        let (century, year) = (1900 + 100 * (digit(3) / 2), 10 * digit(4) + digit(5));
        match sex {
            Some(Sex::Male) if digit(3) % 2 == 1 => warnings.push(IdWarning::Sex),
            Some(Sex::Female) if digit(3).is_multiple_of(2) => warnings.push(IdWarning::Sex),
            _ => {}
        }
        if birth.is_some_and(|b| !b.estimated && b.year.is_some_and(|y| y != century + year)) {
            warnings.push(IdWarning::BirthYear);
        }
        if province.is_some_and(|code| !self.number.starts_with(code)) {
            warnings.push(IdWarning::Province);
        }
        warnings
    }
}
impl<'de> Deserialize<'de> for IdentityDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Loose {
            kind: DocumentKind,
            #[serde(default)]
            number: String,
        }
        let loose = Loose::deserialize(deserializer)?;
        Self::parse(loose.kind, &loose.number).map_err(D::Error::custom)
    }
}

fn digits(number: String, length: usize) -> Result<String, Invalid> {
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid::NotANumber);
    }
    if number.len() == length { Ok(number) } else { Err(Invalid::WrongLength) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personal_id_of_wrong_length_is_an_error_and_a_disagreement_only_a_warning() {
        let parse = |n| IdentityDocument::parse(DocumentKind::PersonalId, n);
        assert_eq!(parse("09920100001"), Err(Invalid::WrongLength));
        assert_eq!(parse("0992010000x1"), Err(Invalid::NotANumber));
        let id = parse("099 1 48 000123").expect("twelve digits");
        let born = PartialDate::parse(Some(1948), None, None, false).ok();
        assert_eq!(id.warnings(Some(Sex::Female), born, Some("099")), vec![]);
        assert_eq!(id.warnings(Some(Sex::Male), born, Some("020")), vec![IdWarning::Sex, IdWarning::Province]);
        let later = PartialDate::parse(Some(2048), None, None, false).ok();
        assert_eq!(id.warnings(None, later, None), vec![IdWarning::BirthYear]);
    }

    #[test]
    fn phones_are_read_as_people_write_them() {
        assert_eq!(Phone::parse("+856 20 5555 0101").expect("Lao").e164(), "+8562055550101");
        assert_eq!(Phone::parse("090000004"), Err(Invalid::NotAPhone));
        assert_eq!(Phone::parse("111"), Err(Invalid::NotAPhone));
        assert_eq!(Phone::parse_service("111").expect("hotline").national(), "111");
        assert_eq!(Phone::parse_service("0205 3812 345").expect("landline").national(), "02053812345");
    }
}
