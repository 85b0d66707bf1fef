//! Letters: whose they are is proved by their device's key, what is in them is pushed in their writer's name, and nothing is
//! told to whoever brought them but what the office has. It knows keys and seals; what may be written is judged as in a push.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use domain::{
    ApiError, Bytes, Carried, DeviceId, Kept, Letter, Post, PostAnswer, Slip, Timestamp, Verdict, WorkerId, limits,
};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::push;
use super::{SqlRegistry, writer};
use crate::staff::Staff;

/// Keys of one person on one device: it makes one, and another when a half-written store was mended.
const KEYS_OF_DEVICE: i64 = 4;

/// Remembers by which key a device of `worker` signs. Known ones cost a look.
///
/// # Errors
/// No point of the curve, too many of one device, or the database.
pub(super) async fn register(
    staff: &Staff,
    worker: WorkerId,
    device: DeviceId,
    public: &Bytes,
    now: Timestamp,
) -> Result<()> {
    let known = sqlx::query_as::<_, (i64, i64)>(
        "select count(*), count(case when public = $3 then 1 end) from device_key where worker_id = $1 and device = $2",
    )
    .bind(worker.to_string())
    .bind(device.to_string())
    .bind(&public.0[..])
    .fetch_one(&staff.pool)
    .await?;
    match known {
        (_, 1) => return Ok(()),
        (KEYS_OF_DEVICE.., _) => bail!("a device with more keys than it needs"),
        _ => {}
    }
    if public.0.len() != Letter::POINT_BYTES || VerifyingKey::from_sec1_bytes(&public.0).is_err() {
        bail!("a key that is no point of the curve");
    }
    sqlx::query(
        "insert into device_key (worker_id, device, public, since) values ($1, $2, $3, $4) on conflict do nothing",
    )
    .bind(worker.to_string())
    .bind(device.to_string())
    .bind(&public.0[..])
    .bind(now.0)
    .execute(&staff.pool)
    .await?;
    Ok(())
}

/// Takes letters, each by itself: what cannot be opened or proved leaves no trace, everything else is kept in its case, among
/// what waits, or set aside.
///
/// # Errors
/// [`ApiError::TooLarge`], [`ApiError::Unavailable`]; what was kept until then stays, and is known when it comes again.
pub(super) async fn take(registry: &SqlRegistry, post: &Post, now: Timestamp) -> Result<PostAnswer, ApiError> {
    if post.letters.len() > limits::POST_LETTERS {
        return Err(ApiError::TooLarge);
    }
    let staff = &registry.staff;
    // In the order in which they came, those of one writer on one device together.
    let mut by_writer: BTreeMap<(WorkerId, DeviceId), Vec<(usize, Carried)>> = BTreeMap::new();
    for (at, letter) in post.letters.iter().enumerate() {
        let opened = open(staff, letter).await.map_err(|error| {
            tracing::error!("letters could not be looked at: {error:#}");
            ApiError::Unavailable
        })?;
        if let Some((worker, carried)) = opened {
            by_writer.entry((worker, letter.device)).or_default().push((at, carried));
        }
    }
    let mut kept = vec![None; post.letters.len()];
    for ((worker, device), carried) in by_writer {
        let (places, carried): (Vec<usize>, Vec<Carried>) = carried.into_iter().unzip();
        let push = push::carried(worker, device, carried, &staff.seal, now);
        let marks = push.marks();
        let verdicts = writer::ask(&registry.jobs, |answer| writer::Job::Push { push, answer }).await?;
        for ((place, mark), verdict) in places.into_iter().zip(marks).zip(verdicts) {
            if !matches!(verdict, Verdict::Refused { .. }) {
                kept[place] = mark;
            }
        }
    }
    let on_slip: Vec<Kept> = post
        .letters
        .iter()
        .zip(&kept)
        .filter_map(|(letter, mark)| Some(Kept { id: letter.id, sum: None, mark: Some(Bytes(mark.clone()?)) }))
        .collect();
    let slip = (!on_slip.is_empty()).then(|| staff.keys.slip(None, on_slip, now));
    Ok(PostAnswer { kept: kept.iter().map(Option::is_some).collect(), slip })
}

/// Whose letter it is and what it holds; `None` for what nobody proves, or nobody here can open.
async fn open(staff: &Staff, letter: &Letter) -> Result<Option<(WorkerId, Carried)>> {
    if !letter.fits() || letter.key != staff.keys.id() {
        return Ok(None);
    }
    let keys = sqlx::query_as::<_, (String, Vec<u8>)>("select worker_id, public from device_key where device = $1")
        .bind(letter.device.to_string())
        .fetch_all(&staff.pool)
        .await?;
    let signed = letter.signed();
    for (worker, public) in keys {
        let worker: WorkerId = worker.parse()?;
        if has_signed(&public, &signed, &letter.sig.0) {
            return Ok(read(staff, letter, worker).map(|carried| (worker, carried)));
        }
    }
    Ok(None)
}

fn has_signed(public: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(public), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify(signed, &signature).is_ok()
}

/// As [`Letter::read`], of a letter as it came.
fn read(staff: &Staff, letter: &Letter, worker: WorkerId) -> Option<Carried> {
    let about = Letter::about(letter.v, letter.id, &letter.key, letter.device);
    let plain = staff.keys.open(&letter.enc.0, Letter::INFO, about.as_bytes(), &letter.ct.0).ok()?;
    letter.read(worker, &plain)
}

impl crate::keys::OfficeKeys {
    /// The office's word that it has these things.
    #[must_use]
    pub fn slip(&self, whose: Option<(WorkerId, DeviceId)>, kept: Vec<Kept>, at: Timestamp) -> Slip {
        let (worker, device) = whose.unzip();
        let mut slip = Slip { key: self.id().to_owned(), worker, device, at, kept, sig: Bytes::default() };
        slip.sig = Bytes(self.sign(&slip.signed()).to_vec());
        slip
    }
}
