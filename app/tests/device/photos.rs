//! Photos on the phone: made small, sealed, saved with their change, and carried to the office piece by piece.

use std::cell::{Cell, RefCell};

use app::device::{
    idb::{self, Database, Mode},
    notebook::{IndexedDbNotebook, SCHEMA},
    photos::{self, Carrier},
    picture::{PictureError, Shrunk, decode, shrink},
    post,
    vault::sha256,
};
use domain::{
    laws::{MORNING, Pen, Village},
    notebook::Draft,
    *,
};
use js_sys::{Array, ArrayBuffer, Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{
    fault::Fault,
    notebook::{empty, page},
};

/// A JPEG of these sides, as a camera writes it: with the place where it was taken.
async fn camera_file(width: u32, height: u32) -> JsValue {
    let paint = Function::new_with_args(
        "width, height, place",
        "const canvas = document.createElement('canvas');
         canvas.width = width; canvas.height = height;
         const context = canvas.getContext('2d');
         for (let n = 0; n < 400; n += 1) {
           context.fillStyle = `hsl(${n * 37 % 360} 70% ${20 + n % 60}%)`;
           context.fillRect(n * 131 % width, n * 97 % height, width / 9, height / 7);
         }
         return new Promise((done) => canvas.toBlob(async (blob) => {
           const plain = new Uint8Array(await blob.arrayBuffer());
           const said = new TextEncoder().encode('Exif\\0\\0' + place);
           const segment = [0xff, 0xe1, (said.length + 2) >> 8, (said.length + 2) & 255, ...said];
           done(new Blob([plain.slice(0, 2), new Uint8Array(segment), plain.slice(2)], { type: 'image/jpeg' }));
         }, 'image/jpeg', 0.9));",
    );
    let made = paint.call3(&JsValue::NULL, &width.into(), &height.into(), &"GPS 21.853N 106.761E".into());
    JsFuture::from(made.expect("painted").unchecked_into::<Promise>()).await.expect("a file")
}

async fn bytes_of(blob: &JsValue) -> Vec<u8> {
    let buffer = blob.unchecked_ref::<web_sys::Blob>().array_buffer();
    Uint8Array::new(JsFuture::from(buffer).await.expect("bytes").unchecked_ref::<ArrayBuffer>()).to_vec()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn shrunk(seed: u8, length: usize) -> Shrunk {
    let bytes = (0..length).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed)).collect();
    Shrunk { bytes, kind: Picture::Webp, width: 1600, height: 1200, thumbnail: "UklGRg==".to_owned() }
}

/// A photo that lies in the notebook, as taken for a draft.
async fn taken(notebook: &IndexedDbNotebook, seed: u8, length: usize) -> Photo {
    let (photo, sealed) = photos::seal(&shrunk(seed, length), None).await.expect("sealed");
    notebook.put_photo(&photo, &sealed, MORNING.plus_ms(i64::from(seed))).await.expect("kept");
    photo
}

fn added(pen: &Pen, case: &Change, photo: &Photo) -> Change {
    pen.write(case.subject, "place:a", Body::PhotoAdded(Box::new(photo.clone())))
}

/// A notebook with a case and one photo of it of each length, saved.
async fn with_photos(name: &str, lengths: &[usize]) -> (IndexedDbNotebook, Vec<Photo>, Vec<Change>) {
    let (notebook, _) = empty(name).await;
    let lan = Pen::new(Village::new().lan, 1);
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut photos = vec![];
    for (seed, length) in (1..).zip(lengths) {
        photos.push(taken(&notebook, seed, *length).await);
    }
    let mut changes = vec![case.clone()];
    changes.extend(photos.iter().map(|photo| added(&lan, &case, photo)));
    notebook.save_all(&changes, None).await.expect("saved");
    (notebook, photos, changes)
}

/// The office's end of the line, in whatever mood: it keeps the bytes as the office does.
#[derive(Default)]
struct Desk {
    announced: RefCell<Vec<(PhotoId, u32, [u8; 32])>>,
    there: RefCell<Vec<(PhotoId, Vec<u8>)>>,
    removed: Cell<Option<PhotoId>>,
    /// A piece of this photo never arrives.
    stuck: Cell<Option<PhotoId>>,
    /// So many pieces arrive and their answers do not.
    loses: Cell<u32>,
    /// So many pieces are spoiled on the way.
    spoils: Cell<u32>,
    pieces: RefCell<Vec<(PhotoId, u32, u32)>>,
}

impl Desk {
    fn knowing(photos: &[Photo]) -> Self {
        let desk = Self::default();
        *desk.announced.borrow_mut() = photos.iter().map(|p| (p.photo, p.bytes, p.sha256.0)).collect();
        desk
    }
    fn has(&self, photo: PhotoId) -> Vec<u8> {
        self.there.borrow().iter().find(|(id, _)| *id == photo).map(|(_, bytes)| bytes.clone()).unwrap_or_default()
    }
    fn is_whole(&self, photo: &Photo) -> bool {
        self.has(photo.photo).len() == photo.bytes as usize
    }
}

impl Carrier for Desk {
    async fn put_photo(&self, photo: PhotoId, start: u32, piece: &Uint8Array) -> Result<PhotoStanding, ApiError> {
        let known = self.announced.borrow().iter().find(|(id, ..)| *id == photo).copied();
        let Some((_, bytes, hash)) = known else { return Ok(PhotoStanding::Unknown) };
        if self.removed.get() == Some(photo) {
            return Ok(PhotoStanding::Removed);
        }
        if piece.length() > 0 {
            self.pieces.borrow_mut().push((photo, start, piece.length()));
            if self.stuck.get() == Some(photo) {
                return Err(ApiError::NoConnection);
            }
        }
        let mut whole = self.has(photo);
        if start as usize == whole.len() {
            let mut piece = piece.to_vec();
            if self.spoils.get() > 0 && !piece.is_empty() {
                self.spoils.set(self.spoils.get() - 1);
                piece[0] ^= 1;
            }
            whole.extend(piece);
        }
        if whole.len() == bytes as usize && sha256(&Uint8Array::from(&*whole)).await != Ok(hash) {
            whole.clear();
        }
        self.there.borrow_mut().retain(|(id, _)| *id != photo);
        self.there.borrow_mut().push((photo, whole.clone()));
        if self.loses.get() > 0 && piece.length() > 0 {
            self.loses.set(self.loses.get() - 1);
            return Err(ApiError::NoConnection);
        }
        Ok(if whole.len() == bytes as usize {
            PhotoStanding::Complete
        } else {
            PhotoStanding::Has { bytes: whole.len() as u32 }
        })
    }
}

async fn send(name: &str, desk: &Desk) -> photos::Sent {
    photos::send(name, desk, &|_| true, &|| false, &|| ()).await.expect("this phone is well")
}

#[wasm_bindgen_test]
async fn a_picture_is_made_small_and_forgets_where_it_was_taken() {
    let file = camera_file(3200, 2400).await;
    let before = bytes_of(&file).await;
    assert!(holds(&before, "Exif") && holds(&before, "GPS 21.853N"), "the camera wrote it down");
    let made = shrink(&decode(&file).await.expect("a picture")).await.expect("small");
    assert_eq!((made.width, made.height, made.kind), (1600, 1200, Picture::Webp));
    assert!(made.bytes.len() <= 500 * 1024 && made.bytes.len() > 5_000, "{}", made.bytes.len());
    assert!(holds(&made.bytes[..12], "WEBP"));
    for trace in ["Exif", "EXIF", "GPS", "21.853"] {
        assert!(!holds(&made.bytes, trace), "{trace}");
    }
    assert!(
        made.thumbnail.len() <= 8 * 1024 * 4 / 3 && made.thumbnail.starts_with("UklGR"),
        "{}",
        made.thumbnail.len()
    );
    // A tall one, and one that is small already.
    let tall = shrink(&decode(&camera_file(900, 3600).await).await.expect("a picture")).await.expect("small");
    assert_eq!((tall.width, tall.height), (400, 1600));
    let small = shrink(&decode(&camera_file(320, 200).await).await.expect("a picture")).await.expect("small");
    assert_eq!((small.width, small.height), (320, 200), "never made larger");
    let (photo, _) = photos::seal(&made, None).await.expect("sealed");
    assert_eq!(photo.check(), Ok(()), "lawful at the office");
}

#[wasm_bindgen_test]
async fn a_file_that_is_no_picture_is_turned_away() {
    let parts = Array::of1(&"Đây là một lá thư.".into());
    let letter = web_sys::Blob::new_with_str_sequence(&parts).expect("a file");
    assert_eq!(decode(&letter).await.err(), Some(PictureError::NotAPicture));
}

#[wasm_bindgen_test]
async fn a_photo_lies_sealed_and_only_its_own_key_opens_it() {
    let (notebook, _) = empty("photo-sealed").await;
    let plain = shrunk(1, 40_000);
    let photo = taken(&notebook, 1, 40_000).await;
    let other = taken(&notebook, 2, 40_000).await;
    let sealed = notebook.photo_body(photo.photo).await.expect("read").expect("there");
    assert_eq!(sealed.length(), 40_029);
    assert!(!sealed.to_vec().windows(32).any(|window| window == &plain.bytes[..32]));
    assert_eq!(photos::open(&photo, &sealed).await, Ok(plain.bytes));
    let wrong = Photo { key: other.key, ..photo.clone() };
    assert_eq!(photos::open(&wrong, &sealed).await, Err(StoreError::Damaged));
    let elsewhere = Photo { photo: other.photo, ..photo.clone() };
    assert_eq!(photos::open(&elsewhere, &sealed).await, Err(StoreError::Damaged), "bound to its name");
    sealed.set_index(20_000, sealed.get_index(20_000) ^ 1);
    assert_eq!(photos::open(&photo, &sealed).await, Err(StoreError::Damaged));
    assert_eq!(photos::open(&Photo { form: 2, ..photo }, &sealed).await, Err(StoreError::Newer));
}

#[wasm_bindgen_test]
async fn a_photo_and_its_change_are_saved_together_or_not_at_all() {
    let (notebook, vault) = empty("photo-together").await;
    let lan = Pen::new(Village::new().lan, 1);
    let draft = Draft { name: "new-case".to_owned(), at: MORNING, content: "{}".to_owned() };
    notebook.put_draft(&draft).await.expect("a draft");
    let case = lan.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let here = taken(&notebook, 1, 2_000).await;
    let (elsewhere, _) = photos::seal(&shrunk(2, 2_000), None).await.expect("sealed");
    let changes = [case.clone(), added(&lan, &case, &here), added(&lan, &case, &elsewhere)];
    assert_eq!(notebook.save_all(&changes, Some("new-case")).await, Err(StoreError::Damaged));
    assert!(notebook.outbox().await.expect("outbox").is_empty(), "nothing of it");
    assert_eq!(notebook.drafts().await.expect("drafts"), [draft]);
    assert_eq!(photos::unsent("photo-together").await, Ok(vec![]));
    notebook.save_all(&changes[..2], Some("new-case")).await.expect("saved");
    drop(notebook);
    let notebook = IndexedDbNotebook::open("photo-together", vault).await.expect("opened again");
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 2);
    let unsent = photos::unsent("photo-together").await.expect("without any key");
    assert_eq!(unsent.iter().map(|k| (k.id, k.change)).collect::<Vec<_>>(), [(here.photo, Some(changes[1].id))]);
    // Its change waits too: one thing, not two.
    let waiting = app::device::notebook::standing("photo-together").await.map(|standing| standing.waiting);
    assert_eq!(waiting, Ok(2));
}

#[wasm_bindgen_test]
async fn a_photo_goes_up_in_pieces_and_on_from_where_the_line_broke() {
    let name = "photo-pieces";
    let (notebook, photos_of, changes) = with_photos(name, &[150_000]).await;
    let photo = &photos_of[0];
    let desk = Desk::default();
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 0, left: 1, wait: 0 }, "not announced there yet");
    assert!(desk.pieces.borrow().is_empty());
    let desk = Desk::knowing(&photos_of);
    // Somebody else has brought the beginning.
    let sealed = notebook.photo_body(photo.photo).await.expect("read").expect("there");
    desk.there.borrow_mut().push((photo.photo, sealed.slice(0, 1_000).to_vec()));
    desk.loses.set(1);
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 1, left: 0, wait: 0 });
    let pieces: Vec<(u32, u32)> = desk.pieces.borrow().iter().map(|(_, start, length)| (*start, *length)).collect();
    // The answer to the first was lost: it was sent again, smaller, and the office said where to go on.
    assert_eq!(pieces, [(1_000, 65_536), (1_000, 32_768), (66_536, 32_768), (99_304, 32_768), (132_072, 17_957)]);
    assert_eq!(desk.has(photo.photo), sealed.to_vec());
    let kept = notebook.photos().await.expect("photos");
    assert!(kept[0].is_sent() && kept[0].has == photo.bytes);
    assert_eq!(send(name, &desk).await, photos::Sent::default(), "nothing is left to send");
    // It stays here to be looked at.
    assert!(notebook.photo_body(photo.photo).await.expect("read").is_some());
    assert_eq!(changes.len(), 2);
}

#[wasm_bindgen_test]
async fn one_photo_that_fails_blocks_neither_text_nor_another_photo_as_in_avni_2097() {
    let name = "photo-avni";
    let (notebook, photos_of, _) = with_photos(name, &[70_000, 80_000, 90_000]).await;
    let desk = Desk::knowing(&photos_of);
    desk.stuck.set(Some(photos_of[0].photo));
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 2, left: 1, wait: 0 });
    assert!(!desk.is_whole(&photos_of[0]) && desk.is_whole(&photos_of[1]) && desk.is_whole(&photos_of[2]));
    // Each try of the stuck one is smaller than the last.
    let tries: Vec<u32> =
        desk.pieces.borrow().iter().filter(|(id, ..)| *id == photos_of[0].photo).map(|(.., length)| *length).collect();
    assert_eq!(tries, [65_536, 32_768, 16_384, 8_192]);
    assert_eq!(notebook.outbox().await.expect("outbox").len(), 4, "the text is in nobody's way");
    desk.stuck.set(None);
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 1, left: 0, wait: 0 });
    assert!(desk.is_whole(&photos_of[0]));
}

/// The bytes of a photo are gone from the disk, as on a worn phone.
async fn lose(name: &str, photo: PhotoId) {
    let db = Database::open(name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&["photo_body"], Mode::Strict).expect("a transaction");
    tx.store("photo_body").expect("the store").delete(&photo.to_string().into()).expect("deleted");
    tx.done().await.expect("gone");
}

#[wasm_bindgen_test]
async fn one_photo_that_this_phone_cannot_read_delays_no_other_and_is_named() {
    let name = "photo-unreadable";
    let (notebook, photos_of, _) = with_photos(name, &[70_000, 80_000, 90_000]).await;
    let desk = Desk::knowing(&photos_of);
    lose(name, photos_of[0].photo).await;
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 2, left: 1, wait: 0 });
    assert!(desk.is_whole(&photos_of[1]) && desk.is_whole(&photos_of[2]));
    let kept = notebook.photos().await.expect("photos");
    let lost: Vec<PhotoId> = kept.iter().filter(|kept| kept.lost).map(|kept| kept.id).collect();
    assert_eq!(lost, [photos_of[0].photo]);
    assert!(kept.iter().any(|kept| kept.lost && kept.is_queued()), "it is not said to be sent");
    // Once it can be read again nothing more is said.
    let sealed = photos::seal(&shrunk(1, 70_000), None).await.expect("sealed").1;
    let db = Database::open(name, SCHEMA, |_, _| ()).await.expect("the database");
    let tx = db.transaction(&["photo_body"], Mode::Strict).expect("a transaction");
    tx.store("photo_body").expect("it").put(&photos_of[0].photo.to_string().into(), &sealed.buffer()).expect("put");
    tx.done().await.expect("there");
    desk.stuck.set(Some(photos_of[0].photo));
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 0, left: 1, wait: 0 });
    assert!(notebook.photos().await.expect("photos").iter().all(|kept| !kept.lost));
}

#[wasm_bindgen_test]
async fn a_rescue_file_takes_the_photos_that_can_be_read_and_counts_the_others() {
    let name = "photo-rescue-unreadable";
    let (_notebook, photos_of, _) = with_photos(name, &[7_000, 8_000, 9_000]).await;
    let names = [name.to_owned()];
    let fault = Fault::throw("IDBObjectStore", "get", "DataError", 1);
    let (blobs, left_out) = post::unsent_photos(&names).await;
    drop(fault);
    let ids: Vec<String> = blobs.iter().map(|blob| blob.id.clone()).collect();
    assert_eq!((ids, left_out), (photos_of[1..].iter().map(|photo| photo.photo.to_string()).collect(), 1));
    let (blobs, left_out) = post::unsent_photos(&names).await;
    assert_eq!((blobs.len(), left_out), (3, 0));
}

#[wasm_bindgen_test]
async fn a_photo_spoiled_on_the_way_is_sent_again_from_the_beginning() {
    let name = "photo-spoiled";
    let (_notebook, photos_of, _) = with_photos(name, &[100_000]).await;
    let desk = Desk::knowing(&photos_of);
    desk.spoils.set(1);
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 1, left: 0, wait: 0 });
    let starts: Vec<u32> = desk.pieces.borrow().iter().map(|(_, start, _)| *start).collect();
    assert_eq!(starts, [0, 65_536, 0, 65_536]);
    assert!(desk.is_whole(&photos_of[0]));
    // One that is spoiled each time does not go round for ever.
    let name = "photo-spoiled-always";
    let (_notebook, photos_of, _) = with_photos(name, &[1_000]).await;
    let desk = Desk::knowing(&photos_of);
    desk.spoils.set(100);
    assert_eq!(send(name, &desk).await, photos::Sent { sent: 0, left: 1, wait: 0 });
    assert_eq!(desk.pieces.borrow().len(), 2);
}

#[wasm_bindgen_test]
async fn text_that_is_on_its_way_goes_before_the_next_piece() {
    let name = "photo-after-text";
    let (_notebook, photos_of, _) = with_photos(name, &[200_000]).await;
    let desk = Desk::knowing(&photos_of);
    let looks = Cell::new(0);
    let busy = || {
        looks.set(looks.get() + 1);
        // Text goes out when the second piece would.
        looks.get() == 2
    };
    let sent = photos::send(name, &desk, &|_| true, &busy, &|| ()).await.expect("well");
    assert_eq!(sent.sent, 1);
    assert_eq!((looks.get(), desk.pieces.borrow().len()), (5, 4), "one more look than pieces");
}

#[wasm_bindgen_test]
async fn a_photo_that_was_taken_away_meanwhile_leaves_the_phone() {
    let name = "photo-removed";
    let (notebook, photos_of, _) = with_photos(name, &[1_000]).await;
    let desk = Desk::knowing(&photos_of);
    desk.removed.set(Some(photos_of[0].photo));
    send(name, &desk).await;
    assert_eq!(notebook.photos().await, Ok(vec![]));
    assert!(notebook.photo_body(photos_of[0].photo).await.expect("read").is_none());
}

#[wasm_bindgen_test]
async fn a_restored_office_is_asked_once_more_about_every_photo() {
    let name = "photo-restored";
    let (notebook, photos_of, changes) = with_photos(name, &[1_000]).await;
    let desk = Desk::knowing(&photos_of);
    send(name, &desk).await;
    notebook.store(&page(&changes.iter().collect::<Vec<_>>(), 1, true), MORNING).await.expect("stored");
    assert_eq!(photos::unsent(name).await, Ok(vec![]));
    let reset = Page { reset: true, ..page(&[&changes[0]], 1, true) };
    notebook.store(&reset, MORNING).await.expect("stored");
    assert_eq!(photos::unsent(name).await.expect("unsent").len(), 1);
    let restored = Desk::knowing(&photos_of);
    assert_eq!(send(name, &restored).await.sent, 1);
    assert!(restored.is_whole(&photos_of[0]));
}

#[wasm_bindgen_test]
async fn a_full_phone_says_so_and_gives_the_room_of_what_the_office_has() {
    let name = "photo-full";
    let (notebook, photos_of, _) = with_photos(name, &[1_000, 2_000]).await;
    let (new, sealed) = photos::seal(&shrunk(9, 3_000), None).await.expect("sealed");
    let fault = Fault::throw("IDBObjectStore", "put", "QuotaExceededError", 1);
    assert_eq!(notebook.put_photo(&new, &sealed, MORNING).await, Err(StoreError::Full));
    drop(fault);
    assert_eq!(notebook.photos().await.expect("photos").len(), 2, "nothing was lost for it");
    let desk = Desk::knowing(&photos_of[..1]);
    send(name, &desk).await;
    let fault = Fault::throw("IDBObjectStore", "put", "QuotaExceededError", 1);
    assert_eq!(notebook.put_photo(&new, &sealed, MORNING).await, Ok(()));
    drop(fault);
    let kept: Vec<PhotoId> = notebook.photos().await.expect("photos").iter().map(|kept| kept.id).collect();
    assert!(!kept.contains(&photos_of[0].photo), "the office has it");
    assert!(kept.contains(&photos_of[1].photo) && kept.contains(&new.photo), "what is not sent never gives way");
}

#[wasm_bindgen_test]
async fn photos_of_no_draft_are_swept_away_after_a_day_and_no_others() {
    let name = "photo-tidy";
    let (notebook, photos_of, _) = with_photos(name, &[1_000]).await;
    let (drafted, forgotten) = (taken(&notebook, 7, 1_000).await, taken(&notebook, 8, 1_000).await);
    let draft = Draft { name: "visit:x".to_owned(), at: MORNING, content: json::write_text(&drafted).expect("JSON") };
    let ids = async || notebook.photos().await.expect("photos").iter().map(|kept| kept.id).collect::<Vec<_>>();
    notebook.tidy_photos(std::slice::from_ref(&draft), MORNING.plus_ms(3_600_000)).await.expect("tidied");
    assert_eq!(ids().await.len(), 3, "somebody may be typing");
    notebook.tidy_photos(&[draft], MORNING.plus_ms(2 * 86_400_000)).await.expect("tidied");
    let left = ids().await;
    assert_eq!(left.len(), 2);
    assert!(left.contains(&photos_of[0].photo) && left.contains(&drafted.photo) && !left.contains(&forgotten.photo));
    // What the office has goes when a restored office would no longer ask for it.
    send(name, &Desk::knowing(&photos_of)).await;
    notebook.tidy_photos(&[], MORNING.plus_ms(89 * 86_400_000)).await.expect("tidied");
    assert_eq!(ids().await, [photos_of[0].photo]);
    notebook.tidy_photos(&[], MORNING.plus_ms(91 * 86_400_000)).await.expect("tidied");
    assert_eq!(ids().await, []);
}

#[wasm_bindgen_test]
async fn a_notebook_from_before_photos_keeps_what_is_in_it() {
    let name = "photo-upgrade";
    idb::delete_database(name).await.expect("deleted");
    let old = Database::open(name, 1, |db, _| {
        db.create_numbered("outbox", "n");
        for store in ["kept", "bundle", "block", "meta", "draft"] {
            db.create(store);
        }
    })
    .await
    .expect("as the first version made it");
    let tx = old.transaction(&["meta"], Mode::Strict).expect("a transaction");
    let device = "02000000-0000-7000-8000-000000000009";
    tx.store("meta").expect("meta").put(&"device".into(), &device.into()).expect("put");
    tx.done().await.expect("kept");
    drop(old);
    let vault = app::device::vault::Vault::new().await.expect("a key");
    let notebook = IndexedDbNotebook::open(name, vault).await.expect("opened by this version");
    assert_eq!(notebook.device().to_string(), device);
    taken(&notebook, 1, 1_000).await;
    assert_eq!(notebook.photos().await.expect("photos").len(), 1);
}

#[wasm_bindgen_test]
async fn a_photo_whose_change_was_given_up_waits_no_more_and_is_there_to_be_taken_up() {
    let name = "photo-given-up";
    let (notebook, photos_of, changes) = with_photos(name, &[1_000]).await;
    let why = Refusal::NoPhotoConsent;
    let now = MORNING.plus_ms(60_000);
    notebook.settle(&[(changes[1].id, Verdict::Refused { why: why.clone() })], now).await.expect("settled");
    let lan = Pen::new(Village::new().lan, 2);
    let note = Body::Dropped(Dropped::of(&changes[1], why, "Bà không muốn chụp.".to_owned()));
    notebook.give_up(&[lan.write(changes[1].subject, "place:a", note)]).await.expect("given up");
    assert_eq!(photos::unsent(name).await, Ok(vec![]));
    assert!(notebook.photo_body(photos_of[0].photo).await.expect("read").is_some());
    let again =
        Change { replaces: Some(changes[1].id), ..lan.write(changes[1].subject, "place:a", changes[1].body.clone()) };
    notebook.take_up(&[again]).await.expect("taken up");
    assert_eq!(photos::unsent(name).await.expect("unsent").len(), 1);
}
