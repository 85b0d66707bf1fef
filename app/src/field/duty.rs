//! Duty as people see it: whom the commune told of an emergency, and the switch by which a phone may be called. It knows no
//! push service.

use domain::{ApiError, Header, Parts, Role, Timestamp, Trail, Urgency, WorkerId};
use leptos::{prelude::*, task::spawn_local};

use super::{
    app_state, naming,
    state::{AppState, Ringing},
    ui::{If, Toggle, moment},
    words,
};
use crate::{
    icon::{Icon, sized},
    text::Words,
};

/// Whom the commune told, or could not reach, and when.
#[must_use]
pub fn told_line(alert: (WorkerId, Timestamp, bool), state: AppState, now: Timestamp, words: &Words) -> String {
    let (whom, at, reached) = alert;
    let who = naming::colleague_full(whom, &state.colleagues(), words);
    let say = if reached { words.duty.told } else { words.duty.not_reached };
    say(&who, &moment(at, now))
}

/// Under an emergency: who on duty was told, and by when somebody looked. Nothing as long as nobody was told.
pub fn told(state: AppState, parts: &Parts, header: &Header) -> Option<AnyView> {
    let words = words();
    let now = state.now.get();
    let emergency = header.urgency() == Urgency::Emergency || parts.referrals().any(|r| r.ask.kind.is_emergency());
    let alert = parts.trail().and_then(Trail::last_alert).filter(|_| emergency)?;
    let saw_it = |looked: &&domain::Looked| domain::duty::newest(parts).is_none_or(|at| at <= looked.until());
    let looked = header.looked.as_ref().filter(|looked| looked.at >= alert.1).filter(saw_it).map(|looked| {
        let who = naming::colleague_full(looked.by, &state.colleagues(), words);
        (words.duty.looked)(&who, &moment(looked.at, now))
    });
    let icon = if alert.2 { Icon::Alarm } else { Icon::Warning };
    Some(
        view! {
            <p class="cluster" data-duty=if alert.2 { "told" } else { "not-reached" }>
                {sized(icon, Some("s"))}
                <span>{told_line(alert, state, now, words)} " " {looked}</span>
            </p>
        }
        .into_any(),
    )
}

/// Being called on this phone: for whoever may be on duty.
#[component]
pub fn RingSwitch() -> AnyView {
    let state = app_state();
    view! { <If when=move || state.has(Role::Supervisor)><Switch /></If> }.into_any()
}

#[component]
fn Switch() -> AnyView {
    let state = app_state();
    let words = words();
    let ringing = RwSignal::new(None::<Ringing>);
    let busy = RwSignal::new(false);
    let failed = RwSignal::new(None::<ApiError>);
    let on = RwSignal::new(false);
    Effect::new(move |_| {
        state.worker.track();
        let asked = state.keeper().ringing();
        spawn_local(async move {
            let _ = ringing.try_set(Some(asked.await));
        });
    });
    // The switch shows what is; what somebody wishes becomes what is, or the switch goes back.
    Effect::new(move |_| on.set(ringing.get() == Some(Ringing::On)));
    Effect::new(move |_| {
        let wanted = on.get();
        if busy.get_untracked() || wanted == (ringing.get_untracked() == Some(Ringing::On)) {
            return;
        }
        busy.set(true);
        failed.set(None);
        let asked = state.keeper().ring(wanted);
        spawn_local(async move {
            let came = asked.await;
            let _ = busy.try_set(false);
            match came {
                Ok(now) => {
                    let _ = ringing.try_set(Some(now));
                }
                Err(error) => {
                    let _ = failed.try_set(Some(error));
                    let _ = on.try_set(!wanted);
                }
            }
        });
    });
    let hint = Signal::derive(move || {
        let said = match (busy.get(), failed.get(), ringing.get()) {
            (true, ..) => words.duty.ring_busy,
            (_, Some(ApiError::SignedOut), _) => words.frame.log_in_again,
            (_, Some(_), Some(Ringing::On)) => words.duty.ring_stays_on,
            (_, Some(_), _) => words.duty.ring_failed,
            (_, None, Some(Ringing::On)) => words.duty.ring_on,
            _ => words.duty.ring_off,
        };
        said.to_owned()
    });
    let cannot = move |said: &'static str| {
        view! {
            <div class="stack" data-gap="s">
                <strong>{words.duty.ring}</strong>
                <p class="soft">{said}</p>
            </div>
        }
        .into_any()
    };
    let can = Memo::new(move |_| ringing.get().map(|now| !matches!(now, Ringing::Unsupported | Ringing::Denied)));
    view! {
        <section class="stack" data-ring="">
            {move || match can.get() {
                None => ().into_any(),
                Some(true) => view! { <div aria-live="polite"><Toggle label=words.duty.ring hint on /></div> }.into_any(),
                Some(false) if ringing.get_untracked() == Some(Ringing::Denied) => cannot(words.duty.ring_denied),
                Some(false) => cannot(words.duty.ring_unsupported),
            }}
        </section>
    }
    .into_any()
}
