//! Where one change travels, as its writer sees it; never mixed with the status of a case or referral.

use crate::{
    case::Header,
    check::Refusal,
    notebook::{OutboxItem, OutboxState},
    time::Timestamp,
};

/// Chờ gửi, Xã đã nhận, Đã xem, Cần anh/chị xem lại.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Queued,
    Received { at: Timestamp },
    Seen { at: Timestamp },
    Held { reason: Refusal },
}

impl Delivery {
    /// Of a change that is still in the outbox.
    #[must_use]
    pub fn of_item(item: &OutboxItem) -> Self {
        match &item.state {
            OutboxState::Queued => Self::Queued,
            OutboxState::Received { at } => Self::Received { at: *at },
            OutboxState::Held { why, .. } => Self::Held { reason: why.clone() },
        }
    }
    /// Of something the office has had since `received_at`.
    #[must_use]
    pub fn of_received(received_at: Timestamp, header: Option<&Header>) -> Self {
        match header.and_then(|h| h.looked.as_ref()) {
            Some(looked) if looked.until() >= received_at => Self::Seen { at: looked.at },
            _ => Self::Received { at: received_at },
        }
    }
    /// The least advanced of two: what a row about several changes shows.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }
    fn rank(&self) -> u8 {
        match self {
            Self::Held { .. } => 0,
            Self::Queued => 1,
            Self::Received { .. } => 2,
            Self::Seen { .. } => 3,
        }
    }
}
