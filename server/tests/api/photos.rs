//! Photos: announced by a change, sent piece by piece by whoever has them, read by who sees the case.

use domain::laws::{Pen, visit};
use domain::photo::Bytes32;
use domain::{Body, Change, Confidentiality, Fact, Photo, PhotoId, PhotoStanding, Picture, Verdict, limits};
use sha2::{Digest, Sha256};

use crate::support::{Caller, Office, pages_of, send_bytes};

const CHUNK: usize = limits::PHOTO_CHUNK_BYTES as usize;

/// Bytes as sealing makes them: no two pieces alike.
fn sealed(seed: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    for n in 0.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(Sha256::digest([&[seed][..], &u32::to_be_bytes(n)].concat()));
    }
    bytes.truncate(length);
    bytes
}

fn photo_of(seed: u8, bytes: &[u8]) -> Photo {
    Photo {
        photo: PhotoId(uuid::Uuid::from_bytes([seed; 16])),
        key: Bytes32([seed; 32]),
        form: 1,
        sha256: Bytes32(Sha256::digest(bytes).into()),
        bytes: u32::try_from(bytes.len()).unwrap(),
        mime: Picture::Webp,
        width: 1600,
        height: 1200,
        thumbnail: "UklGRg==".to_owned(),
        caption: String::new(),
        taken_at: None,
        visit: None,
    }
}

fn added(pen: &Pen, case: &Change, photo: &Photo) -> Change {
    pen.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo.clone())))
}

fn nobody(office: &Office, somebody: &Caller) -> Caller {
    Caller { cookie: String::new(), ..office.caller(somebody) }
}

/// Sends a piece, as a phone without any session.
async fn put(by: &Caller, photo: &Photo, start: usize, piece: &[u8]) -> (u16, String) {
    let what = format!("POST /api/photo/{}/{start}", photo.photo);
    let (status, body) = send_bytes(&by.address, &what, &by.cookie, piece).await;
    (status, String::from_utf8(body).unwrap())
}

async fn stands(by: &Caller, photo: &Photo, start: usize, piece: &[u8]) -> PhotoStanding {
    let (status, body) = put(by, photo, start, piece).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Sends all of it from where the office stands.
async fn send_all(by: &Caller, photo: &Photo, bytes: &[u8]) -> PhotoStanding {
    let mut standing = stands(by, photo, 0, &[]).await;
    while let PhotoStanding::Has { bytes: has } = standing {
        let has = usize::try_from(has).unwrap();
        standing = stands(by, photo, has, &bytes[has..bytes.len().min(has + CHUNK)]).await;
    }
    standing
}

async fn get(by: &Caller, photo: &Photo) -> (u16, Vec<u8>) {
    let what = format!("GET /api/photo/{}?worker={}", photo.photo, by.worker);
    send_bytes(&by.address, &what, &by.cookie, &[]).await
}

fn has(bytes: usize) -> PhotoStanding {
    PhotoStanding::Has { bytes: u32::try_from(bytes).unwrap() }
}

#[tokio::test]
async fn a_photo_is_taken_piece_by_piece_and_goes_on_where_it_was_cut() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let courier = nobody(&office, &lan);
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 150_000);
    let photo = photo_of(1, &bytes);
    let change = added(&pen, &case, &photo);
    assert_eq!(stands(&courier, &photo, 0, &bytes[..CHUNK]).await, PhotoStanding::Unknown, "not announced yet");
    assert_eq!(office.count("photo_chunk").await, 0);
    lan.push(&pen, &[&case, &change]).await;
    assert_eq!(stands(&courier, &photo, 0, &[]).await, has(0));
    assert_eq!(stands(&courier, &photo, 0, &bytes[..CHUNK]).await, has(CHUNK));
    assert_eq!(get(&lan, &photo).await, (204, vec![]), "awaited");
    // An answer that was lost: the same piece comes again, and one from further on.
    assert_eq!(stands(&courier, &photo, 0, &bytes[..CHUNK]).await, has(CHUNK));
    assert_eq!(stands(&courier, &photo, 2 * CHUNK, &bytes[2 * CHUNK..]).await, has(CHUNK));
    // Another process of the office goes on where this one was killed.
    let second = office.second().await;
    let courier = nobody(&second, &courier);
    assert_eq!(stands(&courier, &photo, CHUNK, &bytes[CHUNK..2 * CHUNK]).await, has(2 * CHUNK));
    assert_eq!(stands(&courier, &photo, 2 * CHUNK, &bytes[2 * CHUNK..]).await, PhotoStanding::Complete);
    assert_eq!(stands(&courier, &photo, 0, &bytes[..CHUNK]).await, PhotoStanding::Complete);
    assert_eq!(get(&lan, &photo).await, (200, bytes.clone()));
    assert_eq!(get(&pao, &photo).await, (200, bytes), "a colleague of the same village");
    office.assert_sound().await;
}

#[tokio::test]
async fn a_whole_photo_that_is_not_what_was_announced_begins_anew() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let (bytes, other) = (sealed(1, CHUNK + 10), sealed(2, CHUNK + 10));
    let photo = photo_of(1, &bytes);
    lan.push(&pen, &[&case, &added(&pen, &case, &photo)]).await;
    assert_eq!(stands(&lan, &photo, 0, &other[..CHUNK]).await, has(CHUNK));
    assert_eq!(stands(&lan, &photo, CHUNK, &bytes[CHUNK..]).await, has(0), "the hash is wrong");
    assert_eq!((office.count("photo_chunk").await, get(&lan, &photo).await.0), (0, 204));
    office.assert_sound().await;
    assert_eq!(send_all(&lan, &photo, &bytes).await, PhotoStanding::Complete);
    assert_eq!(get(&lan, &photo).await, (200, bytes));
    office.assert_sound().await;
}

#[tokio::test]
async fn two_who_send_the_same_photo_at_once_make_one() {
    let office = Office::open().await;
    let second = office.second().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 5 * CHUNK + 7);
    let photo = photo_of(1, &bytes);
    lan.push(&pen, &[&case, &added(&pen, &case, &photo)]).await;
    let senders = (0..4).map(|n| {
        let by = if n % 2 == 0 { nobody(&office, &lan) } else { nobody(&second, &lan) };
        let (photo, bytes) = (photo.clone(), bytes.clone());
        tokio::spawn(async move { send_all(&by, &photo, &bytes).await })
    });
    for sent in futures::future::join_all(senders).await {
        assert_eq!(sent.unwrap(), PhotoStanding::Complete);
    }
    assert_eq!(office.count("photo_chunk").await, 6);
    assert_eq!(get(&lan, &photo).await, (200, bytes));
    office.assert_sound().await;
}

#[tokio::test]
async fn what_was_not_announced_or_is_too_much_is_not_taken() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 1_000);
    let photo = photo_of(1, &bytes);
    lan.push(&pen, &[&case, &added(&pen, &case, &photo)]).await;
    assert_eq!(put(&lan, &photo, 0, &sealed(1, 1_001)).await, (400, "\"bad_request\"".to_owned()));
    assert_eq!(put(&lan, &photo, 0, &sealed(1, CHUNK + 1)).await, (413, "\"too_large\"".to_owned()));
    assert_eq!(put(&lan, &photo_of(9, &bytes), 0, &bytes).await, (200, "\"unknown\"".to_owned()));
    let (status, body) = send_bytes(&lan.address, "POST /api/photo/nobody/0", "", &bytes).await;
    assert_eq!((status, body), (400, b"\"bad_request\"".to_vec()));
    assert_eq!(office.count("photo_chunk").await, 0);
    // A photo that is refused makes no room for itself.
    let huge = Photo { bytes: limits::PHOTO_BYTES + 30, ..photo_of(2, &bytes) };
    let verdicts = lan.push(&pen, &[&added(&pen, &case, &huge)]).await;
    assert!(matches!(verdicts[0], Verdict::Refused { .. }), "{verdicts:?}");
    assert_eq!(stands(&lan, &huge, 0, &bytes).await, PhotoStanding::Unknown);
    // Somebody whose photos have filled their day waits; what has begun goes on.
    let next = photo_of(3, &bytes);
    lan.push(&pen, &[&added(&pen, &case, &next)]).await;
    assert_eq!(stands(&lan, &next, 0, &bytes[..400]).await, has(400));
    // One byte of it has come; what is still to come was announced and counts, whenever that was.
    assert_eq!(stands(&lan, &photo, 0, &bytes[..1]).await, has(1));
    sqlx::query("update photo set bytes = 200 * 1024 * 1024 - 1999, announced_at = 1 where photo = $1")
        .bind(photo.photo.to_string())
        .execute(&office.staff.pool)
        .await
        .unwrap();
    let more = photo_of(4, &bytes);
    lan.push(&pen, &[&added(&pen, &case, &more)]).await;
    assert_eq!(put(&lan, &more, 0, &bytes).await, (429, "{\"too_many\":{\"seconds\":3600}}".to_owned()));
    assert_eq!(stands(&lan, &next, 400, &bytes[400..]).await, PhotoStanding::Complete);
}

#[tokio::test]
async fn a_photo_is_read_by_who_sees_its_case_and_by_nobody_else() {
    let office = Office::open().await;
    let (lan, pao, hanh, toan, thanh) = (
        office.sign_in("lan").await,
        office.sign_in("pao").await,
        office.sign_in("hanh").await,
        office.sign_in("toan").await,
        office.sign_in("thanh").await,
    );
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![Fact::Confidentiality(Confidentiality::Restricted)]);
    let bytes = sealed(1, 3_000);
    let photo = photo_of(1, &bytes);
    lan.push(&pen, &[&case, &added(&pen, &case, &photo)]).await;
    assert_eq!(send_all(&lan, &photo, &bytes).await, PhotoStanding::Complete);
    let reads = "audit where what = 'restricted_read'";
    assert_eq!(office.count(reads).await, 0);
    assert_eq!(get(&lan, &photo).await, (200, bytes.clone()), "whoever wrote it");
    assert_eq!(get(&hanh, &photo).await, (200, bytes.clone()), "the officer for restricted cases");
    assert_eq!(office.count(reads).await, 2, "each read is written down");
    for other in [&pao, &toan, &thanh] {
        assert_eq!(get(other, &photo).await.0, 403);
    }
    assert_eq!(get(&nobody(&office, &lan), &photo).await.0, 401);
    let stolen = Caller { worker: lan.worker, ..pao.clone() };
    assert_eq!(get(&stolen, &photo).await.0, 401, "another person's cookie");
    assert_eq!(get(&lan, &photo_of(9, &bytes)).await.0, 403);
    assert_eq!(office.count(reads).await, 2);
    office.assert_sound().await;
}

#[tokio::test]
async fn a_photo_that_waits_or_is_set_aside_is_taken_all_the_same() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, other) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let bytes = sealed(1, 3_000);
    // Before its case.
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let early = photo_of(1, &bytes);
    let verdicts = lan.push(&pen, &[&added(&pen, &case, &early)]).await;
    assert!(matches!(verdicts[0], Verdict::Waiting { .. }), "{verdicts:?}");
    assert_eq!(send_all(&lan, &early, &bytes).await, PhotoStanding::Complete);
    assert_eq!(get(&lan, &early).await.0, 403, "of no case yet");
    lan.push(&pen, &[&case]).await;
    assert_eq!(get(&lan, &early).await, (200, bytes.clone()));
    // By somebody without a right to the case.
    let theirs = other.open("a2", Some("Nông Văn Sliểng"), vec![]);
    pao.push(&other, &[&theirs]).await;
    let strange = photo_of(2, &bytes);
    let change = added(&pen, &theirs, &strange);
    let verdicts = lan.push(&pen, &[&change]).await;
    assert!(matches!(verdicts[0], Verdict::Quarantined { .. }), "{verdicts:?}");
    assert_eq!(send_all(&lan, &strange, &bytes).await, PhotoStanding::Complete);
    assert_eq!(get(&lan, &strange).await.0, 403);
    let hanh = office.desk_of("hanh").await;
    let taken = hanh.submit("/office/set-aside", &format!("id={}&act=take&reason=", change.id)).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    assert_eq!(get(&pao, &strange).await, (200, bytes));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_photo_taken_away_is_gone_from_the_case_and_given_to_nobody() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 3_000);
    let photo = photo_of(1, &bytes);
    let change = added(&pen, &case, &photo);
    lan.push(&pen, &[&case, &change]).await;
    send_all(&lan, &photo, &bytes).await;
    let (_, before) = pages_of(&lan.pull_now(&pen).await, case.subject).remove(0);
    let key = domain::PartKey::Photo(change.id);
    assert!(before.parts.iter().any(|row| row.key == key));
    let away = pen.write(case.subject, "place:a", Body::PhotoRemoved { photo: change.id });
    let seen = pen.write(case.subject, "place:a", visit("Đỡ đau chân."));
    lan.push(&pen, &[&away, &seen]).await;
    let (_, after) = pages_of(&lan.pull_now(&pen).await, case.subject).remove(0);
    assert!(after.parts.iter().all(|row| row.key != key));
    assert_eq!(get(&lan, &photo).await.0, 403);
    assert_eq!(office.count("photo_chunk").await, 0);
    assert_eq!(stands(&lan, &photo, 0, &bytes).await, PhotoStanding::Removed, "a phone that comes late is told");
    office.assert_sound().await;
}

#[tokio::test]
async fn check_finds_a_photo_that_is_not_what_was_announced() {
    let office = Office::open().await;
    let lan = office.sign_in("lan").await;
    let pen = Pen::new(office.village.lan, 1);
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 3_000);
    let (photo, awaited) = (photo_of(1, &bytes), photo_of(2, &bytes));
    lan.push(&pen, &[&case, &added(&pen, &case, &photo), &added(&pen, &case, &awaited)]).await;
    send_all(&lan, &photo, &bytes).await;
    stands(&lan, &awaited, 0, &bytes[..100]).await;
    let find = async || {
        let mut connection = office.staff.pool.acquire().await.unwrap();
        server::check::find(&mut connection, &office.staff.seal).await.unwrap()
    };
    let found = find().await;
    assert_eq!((found.photos, found.awaited_photos, found.wrong.as_slice()), (1, 1, &[][..]));
    let name = photo.photo.to_string();
    sqlx::query("update photo_chunk set body = $2 where photo = $1")
        .bind(&name)
        .bind(sealed(3, 3_000))
        .execute(&office.staff.pool)
        .await
        .unwrap();
    assert_eq!(find().await.wrong, [format!("photo {name}: is not what was announced")]);
    sqlx::query("delete from photo_chunk").execute(&office.staff.pool).await.unwrap();
    assert_eq!(find().await.wrong.len(), 3);
    sqlx::query("delete from photo").execute(&office.staff.pool).await.unwrap();
    let wrong = find().await.wrong;
    assert_eq!(wrong.len(), 2);
    assert!(wrong.iter().all(|w| w.ends_with("was never announced")), "{wrong:?}");
}

#[tokio::test]
async fn whoever_knows_a_photos_name_cannot_destroy_it() {
    let office = Office::open().await;
    let (lan, pao) = (office.sign_in("lan").await, office.sign_in("pao").await);
    let (pen, other) = (Pen::new(office.village.lan, 1), Pen::new(office.village.pao, 2));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let bytes = sealed(1, 3_000);
    let photo = photo_of(1, &bytes);
    let change = added(&pen, &case, &photo);
    lan.push(&pen, &[&case, &change]).await;
    assert_eq!(send_all(&lan, &photo, &bytes).await, PhotoStanding::Complete);
    let theirs = other.open("a2", Some("Nông Văn Sliểng"), vec![]);
    let same_name = added(&other, &theirs, &photo_of(1, &sealed(9, 2_000)));
    let away = |of: &Change| other.write(theirs.subject, "place:a", Body::PhotoRemoved { photo: of.id });
    let said = pao.push(&other, &[&theirs, &same_name, &away(&same_name)]).await;
    assert_eq!(said[1], Verdict::Refused { why: domain::Refusal::OtherBody }, "{said:?}");
    let in_its_place = Change { replaces: Some(change.id), ..added(&other, &theirs, &photo) };
    let said = pao.push(&other, &[&in_its_place, &away(&change)]).await;
    assert!(!matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    assert_eq!(get(&lan, &photo).await, (200, bytes.clone()), "Lan's photo stands");
    // An office that has taken such a thing before takes nothing away for it either.
    let taken = photo_of(2, &bytes);
    let second = added(&other, &theirs, &taken);
    pao.push(&other, &[&second]).await;
    assert_eq!(send_all(&pao, &taken, &bytes).await, PhotoStanding::Complete);
    sqlx::query("update photo set subject = $2, change_id = $3, author = $4 where photo = $1")
        .bind(taken.photo.to_string())
        .bind(case.subject.to_string())
        .bind(change.id.to_string())
        .bind(office.village.lan.to_string())
        .execute(&office.staff.pool)
        .await
        .unwrap();
    let said = pao.push(&other, &[&away(&second)]).await;
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    assert_eq!(get(&lan, &taken).await, (200, bytes), "it is of Lan's case by its row");
}
