//! The reference tables compiled in from `data/`: tiles, groups, services, approval steps, holidays, reasons.
//! It knows the rows and how to find one, not what a rule does with it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{referral::Action, time::Day, time::TimeLimit};

/// A name in the two languages of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bilingual {
    pub vi: &'static str,
    pub en: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub struct TileRow {
    pub code: &'static str,
    pub name: Bilingual,
    /// A case of this kind is restricted until somebody decides otherwise.
    pub restricted: bool,
}

/// A beneficiary group with its legal source, `data/beneficiary_groups.csv`.
#[derive(Debug, Clone, Copy)]
pub struct GroupRow {
    pub code: &'static str,
    pub name: Bilingual,
    pub tile: &'static str,
    pub restricted: bool,
    pub child_only: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct ServiceRow {
    pub code: &'static str,
    pub name: Bilingual,
    /// Empty: given in the village, never referred.
    pub referral_kind: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub struct NamedRow {
    pub code: &'static str,
    pub name: Bilingual,
}

#[derive(Debug, Clone, Copy)]
pub struct StepRow {
    pub kind: &'static str,
    pub step: u8,
    pub level: &'static str,
    pub action: &'static str,
    pub time_limit: Option<u16>,
    pub unit: &'static str,
    pub valid_from: (i32, u32, u32),
}

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// The eight kinds of trouble a collaborator chooses from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tile {
    Child,
    Elderly,
    Disability,
    Wanderer,
    Harm,
    Illness,
    Poverty,
    Other,
}

impl Tile {
    pub const ALL: [Self; 8] = [
        Self::Child,
        Self::Elderly,
        Self::Disability,
        Self::Wanderer,
        Self::Harm,
        Self::Illness,
        Self::Poverty,
        Self::Other,
    ];
    /// The row of `data/group_tiles.csv`; a unit test holds the order of both together.
    #[must_use]
    pub fn row(self) -> &'static TileRow {
        &TILES[self as usize]
    }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $rows:ident, $row:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Box<str>);

        impl $name {
            /// The row of the table; `None` for a code this version does not know.
            #[must_use]
            pub fn row(&self) -> Option<&'static $row> {
                $rows.iter().find(|row| row.code == &*self.0)
            }
        }
        impl From<&str> for $name {
            fn from(code: &str) -> Self { Self(code.into()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    };
}

code!(
    /// A code of `data/services.csv`.
    ServiceCode, SERVICES, ServiceRow
);
code!(
    /// A code of `data/beneficiary_groups.csv`.
    GroupCode, GROUPS, GroupRow
);
code!(
    /// A code of `data/closure_reasons.csv`.
    ClosureReason, CLOSURE_REASONS, NamedRow
);

impl StepRow {
    #[must_use]
    pub fn limit(&self) -> Option<TimeLimit> {
        let n = self.time_limit?;
        match self.unit {
            "hour" => Some(TimeLimit::Hours(n)),
            "working_day" => Some(TimeLimit::WorkingDays(n)),
            _ => None,
        }
    }
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        Some(match self.action {
            "look" => Action::Look,
            "approve" => Action::Approve,
            "forward" => Action::Forward,
            "accept" => Action::Accept,
            "receive" => Action::Receive,
            _ => return None,
        })
    }
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        let (y, m, d) = self.valid_from;
        Day::of(y, m, d).is_some_and(|from| from <= day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::referral::ReferralKind;

    #[test]
    fn tiles_stand_in_the_order_of_their_table() {
        for tile in Tile::ALL {
            assert_eq!(format!("\"{}\"", tile.row().code), serde_json::to_string(&tile).expect("a tile"));
        }
        assert_eq!(TILES.len(), Tile::ALL.len());
        assert!(Tile::Harm.row().restricted && !Tile::Child.row().restricted);
    }

    #[test]
    fn every_code_that_a_table_names_exists() {
        for group in GROUPS {
            assert!(TILES.iter().any(|t| t.code == group.tile), "{}", group.code);
        }
        for service in SERVICES.iter().filter(|s| !s.referral_kind.is_empty()) {
            assert!(ReferralKind::parse(service.referral_kind).is_some(), "{}", service.code);
        }
        for step in APPROVAL_STEPS {
            assert!(ReferralKind::parse(step.kind).is_some() && step.action().is_some(), "{} {}", step.kind, step.step);
            assert!(matches!(step.level, "commune" | "province" | "receiver"), "{}", step.level);
            assert_eq!(step.limit().is_some(), step.time_limit.is_some(), "{} {}", step.kind, step.step);
        }
    }
}
