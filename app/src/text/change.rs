//! What a change is called.

use domain::{Body, Change};

use super::{Words, date};

/// What a change is, in a few words.
#[must_use]
pub fn change_title(change: &Change, words: &Words) -> String {
    let plain = match &change.body {
        Body::VisitRecorded(visit) => return (words.sync.visit)(&date(visit.on)),
        Body::CaseOpened { .. } => words.sync.opened,
        Body::FactsEdited { .. } | Body::GroupEdited(_) | Body::AssigneeEdited(_) | Body::ExcludedEdited(_) => {
            words.sync.edited
        }
        Body::TaskWritten(_) => words.sync.task,
        Body::TaskDone { .. } => words.sync.task_done,
        Body::ReferralAsked(_) => words.sync.asked,
        Body::ReferralActed { .. } => words.sync.acted,
        Body::Told(_) => words.sync.told,
        Body::Looked | Body::Seen { .. } => words.sync.looked,
        Body::Dropped(_) => words.sync.dropped_note,
        Body::PlacesCounted { .. } => words.sync.places,
        Body::ActivityRecorded(_) => words.sync.activity,
        Body::PhotoAdded(_) => words.sync.photo_added,
        Body::PhotoRemoved { .. } => words.sync.photo_removed,
        Body::FacilityOpened(_) | Body::DutyAlerted { .. } => words.sync.other,
        Body::CaseLinked { .. } => words.moving.sync_linked,
        Body::CaseTransferred { .. } => words.moving.sync_transferred,
        Body::HandedOver { .. } => words.moving.sync_handed_over,
    };
    plain.to_owned()
}
