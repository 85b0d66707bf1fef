//! What the person agreed to, in whose voice, and what that lets others see.

use serde::{Deserialize, Serialize};

use crate::{field::Protective, time::Day};

/// Why consent need not be asked for (Law 91/2025/QH15: protection of life, legal duty).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentException {
    Emergency,
    LegalDuty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentAnswer {
    Agreed,
    /// Nothing is recorded: only an anonymous contact is counted. On an existing case: no longer shared.
    Refused,
    /// May be recorded, may not be shared except in an emergency.
    NotAsked,
    NotRequired(ConsentException),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Giver {
    /// The person.
    Myself,
    /// A representative; the relation stands in `relation`.
    Representative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentForm {
    Spoken,
    Signed,
    Thumb,
}

/// The answer about recording. Consent to share belongs to each referral ([`Sharing`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub answer: ConsentAnswer,
    #[serde(default)]
    pub photos: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<Giver>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub relation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ConsentForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Day>,
    /// The day the person took it back. Stops every sheet at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Day>,
}

impl Consent {
    #[must_use]
    pub fn new(answer: ConsentAnswer) -> Self {
        Self {
            answer,
            photos: false,
            given_by: None,
            relation: String::new(),
            on: None,
            form: None,
            expires: None,
            withdrawn: None,
        }
    }
    /// Whether sheets of this case may be read at all.
    #[must_use]
    pub fn allows_sharing(&self) -> bool {
        self.withdrawn.is_none() && self.answer != ConsentAnswer::Refused
    }
}

impl Protective for Consent {
    fn protection(&self) -> u8 {
        if self.withdrawn.is_some() {
            return 4;
        }
        match self.answer {
            ConsentAnswer::Refused => 3,
            ConsentAnswer::NotAsked => 2,
            ConsentAnswer::NotRequired(_) => 1,
            ConsentAnswer::Agreed => 0,
        }
    }
}

/// One kind of fact that a person may let a provider know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareItem {
    Identity,
    AgeSex,
    Contact,
    Household,
    Health,
    WhatHappened,
}

impl ShareItem {
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::AgeSex, Self::Contact, Self::Household, Self::Health, Self::WhatHappened];
    /// What an emergency provider is given when consent is not required.
    pub const EMERGENCY: [Self; 4] = [Self::Identity, Self::AgeSex, Self::Health, Self::WhatHappened];
}

/// What a referral may carry to its named provider, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    pub answer: ConsentAnswer,
    pub items: Vec<ShareItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<Giver>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub relation: String,
}

impl Sharing {
    /// The sharing of an emergency for which nobody could be asked.
    #[must_use]
    pub fn emergency() -> Self {
        Self {
            answer: ConsentAnswer::NotRequired(ConsentException::Emergency),
            items: ShareItem::EMERGENCY.to_vec(),
            given_by: None,
            relation: String::new(),
        }
    }
    #[must_use]
    pub fn covers(&self, item: ShareItem) -> bool {
        let lawful = match self.answer {
            ConsentAnswer::Agreed => true,
            // Whoever was not asked agreed to nothing beyond what saves them.
            ConsentAnswer::NotRequired(_) => ShareItem::EMERGENCY.contains(&item),
            ConsentAnswer::NotAsked | ConsentAnswer::Refused => false,
        };
        lawful && self.items.contains(&item)
    }
}
