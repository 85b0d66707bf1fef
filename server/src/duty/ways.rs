//! The ways to reach somebody on duty: web push without content, and a webhook for an SMS gateway. It knows how often each
//! is tried; refuses to know why.

use anyhow::Result;
use domain::duty;
use domain::{Reach, Timestamp, WorkerId};
use futures::stream::{FuturesUnordered, StreamExt as _};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{Duty, Emergency, subscription};
use crate::outgoing::{Answered, Named};
use crate::seal::hex;
use crate::staff::Roster;

/// Calls of one round, and how many of them at once: one that hangs holds up seven others for ten seconds at most.
const CALLS: i64 = 32;
const AT_ONCE: usize = 8;
/// After the first failure; it doubles. A call that was under way when the process ended is made again after it, too, so that
/// it is longer than a call takes.
const FIRST_WAIT_MS: i64 = 15_000;
const LONGEST_WAIT_MS: i64 = 120_000;
/// What a push service keeps for a phone without network: an emergency of yesterday is on the phone's list anyway.
const KEPT_S: u32 = 4 * 3_600;
/// Calls that wait for the same phone replace each other (RFC 8030, 5.4): the same for everybody, so that it tells nothing.
const TOPIC: &str = "can-xem";
/// The whole of what is sent by SMS. Nothing of a person, a place or a case, ever.
pub const SMS_TEXT: &str = "Cầu Nối: có việc khẩn cần xem. Xin mở ứng dụng.";

/// A call that is due.
struct Call {
    of: Emergency,
    step: i64,
    way: String,
    tries: i64,
    worker: WorkerId,
    /// When the next person's turn comes.
    until: i64,
}

/// What came of a call.
enum Came {
    Sent(u16),
    /// It may go better later; the other side may have said when.
    Later {
        status: u16,
        wait_ms: i64,
    },
    Never(u16),
}

impl Duty {
    /// Makes the calls that are due.
    pub(super) async fn call(&self, now: Timestamp) -> Result<()> {
        type Row = (String, String, String, i64, String, i64, String, i64);
        let rows = sqlx::query_as::<_, Row>(
            "select duty_send.log, duty_send.subject, duty_send.emergency, duty_send.step, duty_send.way,
                    duty_send.tries, duty_step.worker_id, duty_step.at
             from duty_send join duty_step
                  on duty_send.log = duty_step.log and duty_send.subject = duty_step.subject
                  and duty_send.emergency = duty_step.emergency and duty_send.step = duty_step.step
             where duty_send.outcome = 'trying' and duty_send.next_at <= $1
             order by duty_send.next_at limit $2",
        )
        .bind(now.0)
        .bind(CALLS)
        .fetch_all(self.pool())
        .await?;
        let mut calls = Vec::with_capacity(rows.len());
        for (log, subject, change, step, way, tries, worker, at) in rows {
            let of = Emergency { log, subject, change };
            let (worker, until) = (worker.parse()?, at + self.settings.wait_ms);
            calls.push(Call { of, step, way, tries, worker, until });
        }
        let roster = self.roster().await?;
        let mut making = FuturesUnordered::new();
        for call in calls {
            if making.len() == AT_ONCE {
                making.next().await;
            }
            making.push(self.make_or_say(call, &roster, now));
        }
        while making.next().await.is_some() {}
        Ok(())
    }

    async fn make_or_say(&self, call: Call, roster: &Roster, now: Timestamp) {
        if let Err(error) = self.make(&call, roster, now).await {
            tracing::error!("a call to duty could not be written down: {error:#}");
        }
    }

    async fn make(&self, call: &Call, roster: &Roster, now: Timestamp) -> Result<()> {
        if !self.is_still_due(call, roster).await? {
            return self.end(call, "dropped", 0, now).await;
        }
        if call.tries > 0 && now.0 >= call.until {
            // It is the next one's turn.
            return self.end(call, "failed", 0, now).await;
        }
        if !self.claim(call, now).await? {
            return Ok(());
        }
        let came = match call.way.strip_prefix("push:") {
            Some(endpoint) => self.push(call, endpoint, now).await?,
            None => self.sms(call, roster, now).await,
        };
        match came {
            Came::Sent(status) => self.end(call, "sent", status, now).await,
            Came::Never(status) => self.end(call, "failed", status, now).await,
            Came::Later { status, wait_ms } => self.wait(call, status, wait_ms, now).await,
        }
    }

    /// Nobody has looked meanwhile, and whoever is called may still know of it.
    async fn is_still_due(&self, call: &Call, roster: &Roster) -> Result<bool> {
        let found = sqlx::query_as::<_, (String, Option<String>)>(
            "select emergency.by_worker, subject.reach
             from emergency join subject on subject.log = emergency.log and subject.subject = emergency.subject
             where emergency.log = $1 and emergency.subject = $2 and emergency.change_id = $3",
        )
        .bind(&call.of.log)
        .bind(&call.of.subject)
        .bind(&call.of.change)
        .fetch_optional(self.pool())
        .await?;
        let Some((by, Some(reach))) = found else { return Ok(false) };
        let reach: Reach = serde_json::from_str(&reach)?;
        Ok(duty::line(&reach, by.parse()?, &roster.duty, &roster.rules).contains(&call.worker))
    }

    /// Takes a call for this process; whoever asks a moment later gets nothing. If the process ends before the answer is
    /// written down, the call is made again.
    async fn claim(&self, call: &Call, now: Timestamp) -> Result<bool> {
        let claimed = sqlx::query(
            "update duty_send set tries = tries + 1, next_at = $7
             where log = $1 and subject = $2 and emergency = $3 and step = $4 and way = $5 and tries = $6
               and outcome = 'trying'",
        )
        .bind(&call.of.log)
        .bind(&call.of.subject)
        .bind(&call.of.change)
        .bind(call.step)
        .bind(&call.way)
        .bind(call.tries)
        .bind(now.0 + backoff_ms(call.tries))
        .execute(self.pool())
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    async fn end(&self, call: &Call, outcome: &str, status: u16, now: Timestamp) -> Result<()> {
        sqlx::query(
            "update duty_send set outcome = $6, status = $7, done_at = $8
             where log = $1 and subject = $2 and emergency = $3 and step = $4 and way = $5 and outcome = 'trying'",
        )
        .bind(&call.of.log)
        .bind(&call.of.subject)
        .bind(&call.of.change)
        .bind(call.step)
        .bind(&call.way)
        .bind(outcome)
        .bind(i64::from(status))
        .bind(now.0)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    async fn wait(&self, call: &Call, status: u16, wait_ms: i64, now: Timestamp) -> Result<()> {
        sqlx::query(
            "update duty_send set status = $6, next_at = $7
             where log = $1 and subject = $2 and emergency = $3 and step = $4 and way = $5 and outcome = 'trying'",
        )
        .bind(&call.of.log)
        .bind(&call.of.subject)
        .bind(&call.of.change)
        .bind(call.step)
        .bind(&call.way)
        .bind(i64::from(status))
        // Not beyond the next one's turn: by then it is over.
        .bind((now.0 + wait_ms.max(backoff_ms(call.tries))).min(call.until.max(now.0 + 1)))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// A push message without content: the push service, which is not ours, learns that something is to be looked at, and
    /// nothing else.
    async fn push(&self, call: &Call, endpoint: &str, now: Timestamp) -> Result<Came> {
        let Some(url) = subscription::find(self.pool(), &self.staff.seal, endpoint, call.worker).await? else {
            // Signed out meanwhile.
            return Ok(Came::Never(0));
        };
        let headers = [
            ("authorization", self.staff.vapid.authorization(&url, self.settings.contact.as_deref(), now)?),
            ("ttl", KEPT_S.to_string()),
            ("urgency", "high".to_owned()),
            ("topic", TOPIC.to_owned()),
        ];
        let came = came(self.outgoing.post(&url, Named::ByPhone, &headers, vec![]).await);
        if matches!(came, Came::Never(404 | 410)) {
            // The browser has given it up (RFC 8030, 7.3).
            subscription::forget_endpoint(self.pool(), endpoint).await?;
        }
        Ok(came)
    }

    /// `POST` with JSON `{"id", "to": ["+84…"], "text"}`. The gateway knows a repeated call by `id`, which stands in the header
    /// `Idempotency-Key` too. With a secret: `X-Cau-Noi-Signature: t=SECONDS,v1=HEX` of HMAC-SHA-256 over `SECONDS.BODY`.
    async fn sms(&self, call: &Call, roster: &Roster, now: Timestamp) -> Came {
        let phone = roster.people.get(&call.worker).and_then(|worker| worker.phone.as_ref());
        let (Some(sms), Some(phone)) = (&self.settings.sms, phone) else { return Came::Never(0) };
        // Of this step and way, and telling nothing to whoever does not have the office's key.
        let mut id = hex(&self.staff.seal.hash(&[
            b"sms",
            call.of.subject.as_bytes(),
            call.of.change.as_bytes(),
            &call.step.to_be_bytes(),
        ]));
        id.truncate(32);
        let body = json!({ "id": id, "to": [phone.e164()], "text": SMS_TEXT }).to_string().into_bytes();
        let mut headers = vec![("content-type", "application/json".to_owned()), ("idempotency-key", id)];
        if let Some(secret) = &sms.secret {
            headers.push(("x-cau-noi-signature", sign(secret, now, &body)));
        }
        came(self.outgoing.post(&sms.url, Named::ByOperator, &headers, body).await)
    }
}

fn sign(secret: &str, now: Timestamp, body: &[u8]) -> String {
    let seconds = now.0 / 1000;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    format!("t={seconds},v1={}", hex(&mac.finalize().into_bytes()))
}

/// 2xx took it. 408, 425, 429 and 5xx may take it later, and so may whoever could not be reached; everything else, a
/// redirect too, is a no.
fn came(answered: Result<Answered>) -> Came {
    match answered {
        Ok(Answered { status: status @ 200..=299, .. }) => Came::Sent(status),
        Ok(Answered { status: status @ (408 | 425 | 429 | 500..=599), retry_after_s }) => {
            Came::Later { status, wait_ms: i64::from(retry_after_s.unwrap_or(0)) * 1_000 }
        }
        Ok(Answered { status, .. }) => Came::Never(status),
        Err(error) => {
            tracing::warn!("a call to duty did not go through: {error:#}");
            Came::Later { status: 0, wait_ms: 0 }
        }
    }
}

fn backoff_ms(tries: i64) -> i64 {
    FIRST_WAIT_MS
        .checked_shl(u32::try_from(tries).unwrap_or(u32::MAX).min(10))
        .unwrap_or(LONGEST_WAIT_MS)
        .min(LONGEST_WAIT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_two_minutes() {
        assert_eq!([0, 1, 2, 3, 4, 60].map(backoff_ms), [15_000, 30_000, 60_000, 120_000, 120_000, 120_000]);
    }

    /// HMAC-SHA-256 of `1773018000.{"a":1}` under `khoa`, by `openssl dgst -sha256 -hmac khoa`.
    #[test]
    fn a_signature_covers_the_moment_and_the_body() {
        let said = sign("khoa", Timestamp(1_773_018_000_999), br#"{"a":1}"#);
        assert_eq!(said, "t=1773018000,v1=9936f640806e380c0910e64e9d1d3624f130dc85287218c4d8c5b9c5b898e405");
    }

    #[test]
    fn a_text_by_sms_is_one_message_and_names_nobody() {
        // 70 letters are one message when they are not of the GSM alphabet.
        assert!(SMS_TEXT.encode_utf16().count() <= 70);
    }
}
