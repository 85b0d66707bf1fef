//! Why the office could not take a change, as one sentence that says what is wrong and what to do next. It knows every
//! refusal there is, not what was written.

use domain::Refusal;

use super::Words;

/// The sentence. `written` is what stands at the place the refusal names, as the person wrote it.
#[must_use]
pub fn refusal(why: &Refusal, written: Option<&str>, words: &Words) -> String {
    let errors = &words.errors;
    match why {
        Refusal::Field { spot, why } => {
            let place = (errors.spot)(*spot);
            let place = match written {
                Some(written) => format!("{place} “{written}”"),
                None => place.to_owned(),
            };
            (errors.at)(&place, (errors.invalid)(*why))
        }
        Refusal::Decide(decide) => (errors.decide)(*decide),
        Refusal::Broken => errors.broken.to_owned(),
        Refusal::TooLarge => errors.too_large.to_owned(),
        Refusal::OtherBody => errors.other_body.to_owned(),
        Refusal::NoConsent => errors.no_consent.to_owned(),
        Refusal::NotAllowed => errors.not_allowed.to_owned(),
        Refusal::Twice => errors.twice.to_owned(),
        Refusal::RestrictedReceiver => errors.restricted_receiver.to_owned(),
        Refusal::NoPhotoConsent => errors.no_photo_consent.to_owned(),
        Refusal::TooManyPhotos => errors.too_many_photos.to_owned(),
        Refusal::Dropped => errors.dropped.to_owned(),
        Refusal::PutAway { reason } => (errors.put_away)(reason),
        Refusal::Newer => errors.newer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{DecideError, FactName, Invalid, ReferralStatus, Spot};

    use super::*;
    use crate::text::Lang;

    const SPOTS: [Spot; 18] = [
        Spot::Fact(FactName::Birth),
        Spot::VisitDay,
        Spot::NextVisit,
        Spot::VisitText,
        Spot::TaskText,
        Spot::TaskDue,
        Spot::Reason,
        Spot::Receiver,
        Spot::Service,
        Spot::Question,
        Spot::FollowUp,
        Spot::Outcome,
        Spot::Whom,
        Spot::FreePlaces,
        Spot::Group,
        Spot::Worker,
        Spot::Note,
        Spot::Photo,
    ];
    const INVALID: [Invalid; 13] = [
        Invalid::Empty,
        Invalid::TooLong,
        Invalid::BadCharacter,
        Invalid::WrongLength,
        Invalid::NotANumber,
        Invalid::NotAPhone,
        Invalid::NotADay,
        Invalid::InFuture,
        Invalid::TooEarly,
        Invalid::OutOfRange,
        Invalid::UnknownCode,
        Invalid::UnknownPlace,
        Invalid::Missing,
    ];
    const DECIDE: [DecideError; 7] = [
        DecideError::NotNow(ReferralStatus::InService),
        DecideError::OwnReferral,
        DecideError::NotYourStep,
        DecideError::LookAgain,
        DecideError::ReasonMissing,
        DecideError::AlternativeMissing,
        DecideError::QuestionMissing,
    ];

    #[test]
    fn every_refusal_is_whole_sentences_in_every_language() {
        let mut all = vec![
            Refusal::Broken,
            Refusal::TooLarge,
            Refusal::OtherBody,
            Refusal::NoConsent,
            Refusal::NotAllowed,
            Refusal::Twice,
            Refusal::NoPhotoConsent,
            Refusal::TooManyPhotos,
            Refusal::Dropped,
            Refusal::PutAway { reason: "Nhầm nhà".to_owned() },
        ];
        all.extend(DECIDE.map(Refusal::Decide));
        all.extend(SPOTS.iter().flat_map(|spot| INVALID.map(|why| Refusal::Field { spot: *spot, why })));
        for lang in Lang::ALL {
            for why in &all {
                let said = refusal(why, None, lang.words());
                assert!(said.ends_with('.') && said.chars().count() > 12, "{lang:?} {why:?}: {said}");
                assert!(said.chars().next().is_some_and(char::is_uppercase), "{lang:?} {why:?}: {said}");
            }
        }
    }

    #[test]
    fn a_wrong_year_is_shown_as_it_was_written() {
        let why = Refusal::Field { spot: Spot::NextVisit, why: Invalid::TooEarly };
        assert_eq!(
            refusal(&why, Some("14/03/2025"), Lang::Vi.words()),
            "Hẹn lần tới “14/03/2025”: Ngày này ở trước cả ngày thăm. Có lẽ nhầm năm."
        );
    }
}
