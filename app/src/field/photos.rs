//! Photos on the screens: taken in the page or chosen from a file, shown small, opened large, taken away. It knows what a
//! person may and should do with them, not how they are kept or sent.

use std::sync::Arc;

use domain::{
    Body, CaseId, ChangeId, LogId, OutboxItem, OutboxState, Parts, Photo, PhotoConsent, PhotoPart, Role, Subject,
    limits,
};
use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, MediaStream, MediaStreamConstraints, MediaStreamTrack, Url};

use super::{
    app_state,
    case_page::Missing,
    draft::{DraftLine, form, keep_draft},
    naming, navigator,
    route::Route,
    saving::{SaveButton, SaveFailure, Saving, save_at_once},
    state::{AppState, Loaded, Opening, PhotoSending, PhotoTrouble},
    ui::{
        CollectAny, ConfirmDialog, DockActions, If, Note, Notice, Screen, Section, SkeletonRows, Top, fresh_id, moment,
        unopened,
    },
    words,
};
use crate::{
    icon::{Icon, sized},
    text::{Words, date},
};

/// What stands against a photo, as a sentence that says what to do.
fn said(trouble: PhotoTrouble, words: &Words) -> &'static str {
    let p = &words.photos;
    match trouble {
        PhotoTrouble::NotAPicture => p.not_a_picture,
        PhotoTrouble::Store(domain::StoreError::Full) => p.no_room,
        PhotoTrouble::Store(error) => (words.errors.store)(&error),
        PhotoTrouble::NotHere => p.not_here,
        PhotoTrouble::Awaited => p.awaited,
        PhotoTrouble::SignedOut => p.signed_out,
        PhotoTrouble::NotGiven => p.not_given,
        PhotoTrouble::Damaged => p.damaged,
    }
}

/// Bodies that announce the photos of a form, as their writer left them.
#[must_use]
pub fn announce(photos: RwSignal<Vec<Photo>>) -> Vec<Body> {
    let trimmed = |photo: Photo| Photo { caption: photo.caption.trim().to_owned(), ..photo };
    photos.get_untracked().into_iter().map(|photo| Body::PhotoAdded(Box::new(trimmed(photo)))).collect()
}

/// Drops the photos of a form that is thrown away: what opens them goes with its draft, and their bytes with this.
pub fn drop_all(state: AppState, photos: RwSignal<Vec<Photo>>) {
    for photo in photos.get_untracked() {
        let dropped = state.keeper().drop_photo(photo.photo);
        spawn_local(async move {
            let _ = dropped.await;
        });
    }
}

/// The photos of a form. Each is on the disk, sealed, before it stands here; the form's own draft holds what opens it.
/// `there`: how many the case has already.
#[component]
pub fn PhotoField(
    photos: RwSignal<Vec<Photo>>,
    #[prop(into)] consent: Signal<PhotoConsent>,
    #[prop(optional, into)] there: Signal<usize>,
) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let camera = RwSignal::new(false);
    let busy = state.shrinking;
    let gone = RwSignal::new(false);
    // A draft may name a photo whose bytes went: before the draft was written, or with the browser's store.
    let asked = StoredValue::new(vec![]);
    Effect::new(move |_| {
        for id in photos.with(|all| all.iter().map(|photo| photo.photo).collect::<Vec<_>>()) {
            if asked.with_value(|asked: &Vec<domain::PhotoId>| asked.contains(&id)) {
                continue;
            }
            asked.update_value(|asked| asked.push(id));
            let there = state.keeper().has_photo(id);
            spawn_local(async move {
                if there.await == Ok(false) {
                    let _ = photos.try_update(|all| all.retain(|photo| photo.photo != id));
                    let _ = gone.try_set(true);
                }
            });
        }
    });
    let trouble = RwSignal::new(None::<PhotoTrouble>);
    let is_full = Memo::new(move |_| photos.with(Vec::len) + busy.get() + there.get() >= limits::CASE_PHOTOS);
    let may_add = move || consent.get() != PhotoConsent::Refused && !is_full.get();
    let keep = move |picture: ImageBitmap, taken: bool| {
        let kept = state.keeper().take_photo(picture, taken);
        busy.update(|n| *n += 1);
        spawn_local(async move {
            let done = kept.await;
            busy.update(|n| *n -= 1);
            match done {
                Ok(photo) => {
                    asked.try_update_value(|asked| asked.push(photo.photo));
                    let _ = photos.try_update(|all| all.push(photo));
                }
                Err(why) => drop(trouble.try_set(Some(why))),
            }
        });
    };
    let choose = move |event: web_sys::Event| {
        trouble.set(None);
        let Some(input) = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlInputElement>().ok()) else { return };
        let files: Vec<web_sys::File> =
            input.files().map(|all| (0..all.length()).filter_map(|n| all.get(n)).collect()).unwrap_or_default();
        let room = limits::CASE_PHOTOS.saturating_sub(photos.with_untracked(Vec::len) + there.get_untracked());
        for file in files.into_iter().take(room) {
            let decoded = state.keeper().decode_picture(JsValue::from(Blob::from(file)));
            spawn_local(async move {
                match decoded.await {
                    Ok(picture) => keep(picture, false),
                    Err(why) => drop(trouble.try_set(Some(why))),
                }
            });
        }
        // The same file may be chosen again.
        input.set_value("");
    };
    let note = move || match consent.get() {
        _ if is_full.get() => Some(p.full),
        PhotoConsent::Agreed => None,
        PhotoConsent::NotAsked => Some(p.not_asked),
        PhotoConsent::Refused => Some(p.refused),
    };
    let (id, file) = (fresh_id(), fresh_id());
    let (label_id, file_for) = (id.clone(), file.clone());
    view! {
        <div class="field stack" role="group" aria-labelledby=label_id>
            <strong id=id>{p.field}</strong>
            <small>{p.no_papers}</small>
            {move || {
                note().map(|said| view! { <Note icon=Icon::Warning said=Signal::stored(said.to_owned()) tone="wait" /> })
            }}
            <ul class="photo-list">
                <For each=move || photos.get() key=|photo| photo.photo let:photo>
                    <Taken photo photos />
                </For>
            </ul>
            <div role="status">
                <If when=move || { busy.get() > 0 }>
                    <p class="soft">{p.shrinking}</p>
                </If>
            </div>
            <div role="alert">
                <If when=move || gone.get()>
                    <Note icon=Icon::Warning said=Signal::stored(p.gone.to_owned()) tone="wait" />
                </If>
                {move || {
                    trouble
                        .get()
                        .map(|why| {
                            let said = said(why, words).to_owned();
                            view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }
                        })
                }}
            </div>
            <If when=may_add>
                <div class="pair">
                    <button
                        class="button"
                        type="button"
                        on:click=move |_| {
                            trouble.set(None);
                            camera.set(true);
                        }
                    >
                        {sized(Icon::Camera, Some("s"))} {p.take}
                    </button>
                    <label class="button file-button" for=file_for.clone()>
                        {sized(Icon::Picture, Some("s"))} {p.choose}
                        <input class="hidden-label" id=file.clone() type="file" accept="image/*" multiple on:change=choose />
                    </label>
                </div>
            </If>
            {camera_dialog(camera, move |picture| keep(picture, true), choose)}
        </div>
    }
    .into_any()
}

/// One photo of a form: small, with what it shows, and the way to drop it.
#[component]
fn Taken(photo: Photo, photos: RwSignal<Vec<Photo>>) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let id = photo.photo;
    let large = RwSignal::new(None::<Photo>);
    let caption = RwSignal::new(photo.caption.clone());
    let write = move |text: String| {
        caption.set(text.clone());
        photos.update(|all| {
            if let Some(photo) = all.iter_mut().find(|photo| photo.photo == id) {
                photo.caption = text;
            }
        });
    };
    let drop_it = move |_| {
        photos.update(|all| all.retain(|photo| photo.photo != id));
        let keeper = state.keeper();
        // What could not be dropped now is swept away later: nothing knows its key any more.
        spawn_local(async move {
            // A draft that names a photo without bytes could not be saved.
            keeper.keep_drafts().await;
            let _ = keeper.drop_photo(id).await;
        });
    };
    let field = fresh_id();
    let label_for = field.clone();
    let shown = photo.clone();
    view! {
        <li class="photo-row">
            <button class="photo" type="button" aria-label=p.open on:click=move |_| large.set(Some(shown.clone()))>
                <img src=photo.thumbnail_url() alt="" />
            </button>
            <div>
                <label for=label_for>{p.caption}</label>
                <input
                    id=field
                    type="text"
                    autocomplete="off"
                    maxlength=limits::LABEL_CHARS.to_string()
                    prop:value=move || caption.get()
                    on:input:target=move |event| write(event.target().value())
                />
                <button class="button" data-kind="quiet" type="button" on:click=drop_it>{p.drop}</button>
            </div>
            <LargePhoto asked=large title=p.field.to_owned() />
        </li>
    }
    .into_any()
}

/// Stops the camera when it is no longer looked through.
fn stop(stream: &MediaStream) {
    for track in stream.get_tracks() {
        track.unchecked_into::<MediaStreamTrack>().stop();
    }
}

/// Looks through the camera at the back, if the phone lets this page.
async fn start_camera() -> Option<MediaStream> {
    let devices = window().navigator().media_devices().ok()?;
    let wanted = js_sys::Object::new();
    let set = |name: &str, value: &JsValue| js_sys::Reflect::set(&wanted, &name.into(), value);
    set("facingMode", &"environment".into()).ok()?;
    set("width", &f64::from(limits::PHOTO_SIDE).into()).ok()?;
    set("height", &1_200.into()).ok()?;
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&wanted);
    let asked = devices.get_user_media_with_constraints(&constraints).ok()?;
    JsFuture::from(asked).await.ok().map(JsCast::unchecked_into)
}

/// The camera in the page, with its shutter. Where the page gets none, the phone's own is offered.
fn camera_dialog(
    open: RwSignal<bool>,
    taken: impl Fn(ImageBitmap) + Copy + 'static,
    choose: impl Fn(web_sys::Event) + Copy + 'static,
) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let dialog = NodeRef::<html::Dialog>::new();
    let video = NodeRef::<html::Video>::new();
    let stream = StoredValue::new_local(None::<MediaStream>);
    let ready = RwSignal::new(false);
    let missing = RwSignal::new(false);
    let close = move || {
        if let Some(stream) = stream.try_update_value(Option::take).flatten() {
            stop(&stream);
        }
        let _ = ready.try_set(false);
    };
    Effect::new(move || {
        let (Some(dialog), Some(video)) = (dialog.get(), video.get()) else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                missing.set(false);
                let _ = dialog.show_modal();
                spawn_local(async move {
                    let found = start_camera().await;
                    let is_open = open.try_get_untracked() == Some(true);
                    match found {
                        Some(found) if is_open => {
                            video.set_src_object(Some(&found));
                            stream.set_value(Some(found));
                            // A browser that waits for a touch has just had one.
                            if let Ok(playing) = video.play() {
                                let _ = JsFuture::from(playing).await;
                            }
                        }
                        Some(found) => stop(&found),
                        None => drop(missing.try_set(true)),
                    }
                });
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    on_cleanup(close);
    let shoot = move |_| {
        let Some(video) = video.get_untracked() else { return };
        let decoded = state.keeper().decode_picture(video.into());
        spawn_local(async move {
            match decoded.await {
                Ok(picture) => {
                    taken(picture);
                    let _ = open.try_set(false);
                }
                Err(_) => drop(missing.try_set(true)),
            }
        });
    };
    let (id, file) = (fresh_id(), fresh_id());
    let (label_id, file_for) = (id.clone(), file.clone());
    view! {
        <dialog
            class="dialog camera"
            node_ref=dialog
            aria-labelledby=label_id
            on:close=move |_| {
                open.set(false);
                close();
            }
        >
            <div class="stack">
                <h2 id=id>{p.take}</h2>
                <p class="soft">{p.no_papers}</p>
                <video
                    node_ref=video
                    autoplay
                    playsinline
                    prop:muted=true
                    hidden=move || missing.get()
                    on:playing=move |_| ready.set(true)
                ></video>
                <If when=move || missing.get()>
                    <div role="alert">
                        <Note icon=Icon::Warning said=Signal::stored(p.no_camera.to_owned()) tone="wait" />
                    </div>
                </If>
                <div class="pair">
                    <button class="button" type="button" on:click=move |_| open.set(false)>{words.frame.cancel}</button>
                    <button
                        class="button"
                        data-kind="main"
                        type="button"
                        hidden=move || missing.get()
                        disabled=move || !ready.get()
                        on:click=shoot
                    >
                        {sized(Icon::Camera, Some("s"))} {p.shutter}
                    </button>
                    <label class="button file-button" data-kind="main" for=file_for hidden=move || !missing.get()>
                        {p.phone_camera}
                        <input
                            class="hidden-label"
                            id=file
                            type="file"
                            accept="image/*"
                            capture="environment"
                            on:change=move |event| {
                                choose(event);
                                open.set(false);
                            }
                        />
                    </label>
                </div>
            </div>
        </dialog>
    }
    .into_any()
}

/// An address under which the page shows a picture, given back when dropped.
struct Address(String);
impl Address {
    fn of(blob: &Blob) -> Option<Self> {
        Url::create_object_url_with_blob(blob).ok().map(Self)
    }
}
impl Drop for Address {
    fn drop(&mut self) {
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// A photo as large as the screen lets it be. Until the picture is here, and when it cannot be had, the small one stands.
#[component]
fn LargePhoto(
    asked: RwSignal<Option<Photo>>,
    #[prop(into)] title: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let dialog = NodeRef::<html::Dialog>::new();
    let address = StoredValue::new_local(None::<Address>);
    let shown = RwSignal::new(None::<Result<String, PhotoTrouble>>);
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        let wanted = asked.get();
        match (wanted, dialog.open()) {
            (Some(photo), false) => {
                let _ = dialog.show_modal();
                shown.set(None);
                let id = photo.photo;
                let opened = state.keeper().open_photo(photo);
                spawn_local(async move {
                    let found = opened.await.map(|blob| Address::of(&blob));
                    if asked.try_with_untracked(|now| now.as_ref().map(|photo| photo.photo)) != Some(Some(id)) {
                        return;
                    }
                    let now = match found {
                        Ok(Some(found)) => {
                            let url = found.0.clone();
                            address.set_value(Some(found));
                            Ok(url)
                        }
                        Ok(None) => Err(PhotoTrouble::Damaged),
                        Err(why) => Err(why),
                    };
                    let _ = shown.try_set(Some(now));
                });
            }
            (None, true) => dialog.close(),
            _ => {}
        }
    });
    let id = fresh_id();
    let label_id = id.clone();
    view! {
        <dialog
            class="dialog viewer"
            node_ref=dialog
            aria-labelledby=label_id
            on:close=move |_| {
                asked.set(None);
                shown.set(None);
                address.set_value(None);
            }
        >
            <div class="stack">
                <h2 id=id>{title}</h2>
                {move || {
                    let photo = asked.get()?;
                    let large = shown.get().and_then(Result::ok);
                    let small = large.is_none().then_some("");
                    let (width, height) = (photo.width.to_string(), photo.height.to_string());
                    let alt = if photo.caption.is_empty() { p.field.to_owned() } else { photo.caption.clone() };
                    let src = large.unwrap_or_else(|| photo.thumbnail_url());
                    Some(view! { <img src=src alt=alt width=width height=height data-small=small /> })
                }}
                {move || {
                    asked.get().filter(|photo| !photo.caption.is_empty()).map(|photo| view! { <p>{photo.caption}</p> })
                }}
                <div role="status">
                    {move || match (asked.with(Option::is_some), shown.get()) {
                        (true, None) => Some(view! { <p class="soft">{p.opening}</p> }.into_any()),
                        (_, Some(Err(why))) => {
                            let said = said(why, words).to_owned();
                            Some(view! { <Note icon=Icon::Warning said=Signal::stored(said) tone="wait" /> }.into_any())
                        }
                        _ => None,
                    }}
                </div>
                {children.map(|children| children())}
                <button class="button" type="button" on:click=move |_| asked.set(None)>{p.close}</button>
            </div>
        </dialog>
    }
    .into_any()
}

/// How far a photo of this phone has come, as it goes on; nothing is said of those that others took.
fn sending(state: AppState, part: &PhotoPart, words: &'static Words) -> AnyView {
    let (change, photo) = (part.written.id, part.photo.photo);
    let held = move |i: &OutboxItem| i.change.id == change && matches!(i.state, OutboxState::Held { .. });
    (move || {
        let (key, icon, said) = if state.outbox.with(|outbox| outbox.iter().any(held)) {
            ("held", Icon::Warning, words.marks.held.to_owned())
        } else {
            match state.photos.with(|all| all.get(&photo).map(|(_, sending)| *sending))? {
                PhotoSending::Queued { percent } => ("waiting", Icon::Outbox, (words.photos.waiting)(percent)),
                PhotoSending::Unreadable => ("held", Icon::Warning, words.photos.unreadable.to_owned()),
                PhotoSending::Received => ("received", Icon::Tick, words.photos.received.to_owned()),
            }
        };
        Some(view! { <span class="delivery" data-delivery=key>{icon}<span>{said}</span></span> })
    })
    .into_any()
}

/// Small pictures in a grid, each opening large.
fn grid(state: AppState, photos: Vec<&PhotoPart>, consent: PhotoConsent, open: RwSignal<Option<PhotoPart>>) -> AnyView {
    let words = words();
    let p = &words.photos;
    let count = photos.len();
    let items = photos
        .into_iter()
        .enumerate()
        .map(|(n, part)| {
            let day = date(part.photo.taken_at.unwrap_or(part.written.recorded_at).day());
            let name = match part.photo.caption.as_str() {
                "" => (p.name)(n + 1, count, &day),
                caption => caption.to_owned(),
            };
            let caption = (!part.photo.caption.is_empty()).then(|| part.photo.caption.clone());
            let mark = (consent != PhotoConsent::Agreed).then(|| {
                view! { <span class="delivery" data-delivery="waiting">{Icon::Question}<span>{p.unasked}</span></span> }
            });
            let (url, asked) = (part.photo.thumbnail_url(), part.clone());
            view! {
                <li>
                    <button class="photo" type="button" aria-label=name on:click=move |_| open.set(Some(asked.clone()))>
                        <img src=url alt="" loading="lazy" />
                    </button>
                    <span>{caption}</span>
                    {sending(state, part, words)}
                    {mark}
                </li>
            }
        })
        .collect_any();
    view! { <ul class="photo-grid">{items}</ul> }.into_any()
}

/// The photos of a case and the way to add one.
pub fn section(state: AppState, case: CaseId, parts: &Arc<Parts>, open: RwSignal<Option<PhotoPart>>) -> AnyView {
    let words = words();
    let p = &words.photos;
    let Some(header) = parts.header() else { return ().into_any() };
    let mut photos: Vec<&PhotoPart> = parts.photos().collect();
    domain::order::sort_by_key(&mut photos, |part| std::cmp::Reverse((part.written.recorded_at, part.written.id)));
    let consent = PhotoConsent::of(header);
    let shown = if photos.is_empty() {
        view! { <p class="soft">{p.none}</p> }.into_any()
    } else {
        grid(state, photos, consent, open)
    };
    view! {
        <Section title=p.title>
            {shown}
            {state
                .records()
                .then(|| {
                    view! {
                        <a class="button" href=Route::Photos(case).path()>{sized(Icon::Camera, Some("s"))} {p.add}</a>
                    }
                })}
        </Section>
    }
    .into_any()
}

/// The photos that were taken at a visit.
pub fn of_visit(state: AppState, parts: &Parts, visit: ChangeId, open: RwSignal<Option<PhotoPart>>) -> AnyView {
    let photos: Vec<&PhotoPart> = parts.photos().filter(|part| part.photo.visit == Some(visit)).collect();
    let Some(header) = parts.header().filter(|_| !photos.is_empty()) else { return ().into_any() };
    grid(state, photos, PhotoConsent::of(header), open)
}

/// A photo of a case, large; whoever took it, or a supervisor, may take it away. Stands beside what is drawn anew with
/// every minute.
#[component]
pub fn PhotoDialog(case: CaseId, parts: RwSignal<Loaded>, asked: RwSignal<Option<PhotoPart>>) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let notice = expect_context::<Notice>();
    let large = RwSignal::new(None::<Photo>);
    let sure = RwSignal::new(false);
    let leaving = RwSignal::new(None::<(LogId, ChangeId)>);
    Effect::new(move || {
        let wanted = asked.get().map(|part| part.photo);
        if large.with_untracked(|large| *large != wanted) {
            large.set(wanted);
        }
    });
    Effect::new(move || {
        if large.with(Option::is_none) && asked.with_untracked(Option::is_some) {
            asked.set(None);
        }
    });
    let title = Signal::derive(move || {
        asked.with(|part| {
            part.as_ref().map_or(String::new(), |part| {
                let who = naming::colleague_full(part.written.by, &state.colleagues(), words);
                let at = part.photo.taken_at.unwrap_or(part.written.recorded_at);
                (p.by)(&who, &moment(at, state.now.get()))
            })
        })
    });
    let may_remove = move || {
        asked.with(|part| part.as_ref().is_some_and(|part| Some(part.written.by) == state.me()))
            || state.has(Role::Supervisor)
    };
    let ask = move |_| {
        let log = match parts.get_untracked() {
            Loaded::Here(parts) => parts.header().map(|header| header.log.clone()),
            _ => None,
        };
        if let (Some(log), Some(part)) = (log, asked.get_untracked()) {
            leaving.set(Some((log, part.written.id)));
            asked.set(None);
            sure.set(true);
        }
    };
    let remove = move |()| {
        let Some((log, photo)) = leaving.get_untracked() else { return };
        save_at_once(state, words, notice, log, Subject::Case(case), Body::PhotoRemoved { photo });
    };
    view! {
        <LargePhoto asked=large title>
            <If when=may_remove>
                <button class="button" data-kind="quiet" type="button" on:click=ask>{p.remove}</button>
            </If>
        </LargePhoto>
        <ConfirmDialog
            open=sure
            title=p.remove_title
            text=Signal::stored(p.remove_text.to_owned())
            act_label=p.remove
            act=Callback::new(remove)
        />
    }
    .into_any()
}

form! {
    /// Photos that were taken for a case and are not saved yet.
    Fields as Typed {
        photos: Vec<Photo>,
    }
}

/// Adding photos to a case.
#[component]
pub fn PhotosPage(case: CaseId) -> AnyView {
    let state = app_state();
    let words = words();
    let p = &words.photos;
    let navigator = navigator();
    let notice = expect_context::<Notice>();
    let parts = state.parts_of_form(Subject::Case(case));
    let opening = Memo::new(move |_| matches!(state.opening.get(), Opening::Busy | Opening::Known));
    let missing = Memo::new(move |_| matches!(parts.get(), Loaded::Missing | Loaded::Failed(_)));
    let failed = Memo::new(move |_| if let Loaded::Failed(error) = parts.get() { Some(error) } else { None });
    let fields = Fields::new(Typed::default());
    let draft_name = StoredValue::new(format!("photos:{case}"));
    let draft = keep_draft(draft_name.get_value(), move || fields.read(), move |typed| fields.write(typed));
    let saving = Saving::new();
    let empty = RwSignal::new(false);
    let header = move || match parts.get() {
        Loaded::Here(parts) => parts.header().cloned(),
        _ => None,
    };
    let consent = Signal::derive(move || header().map_or(PhotoConsent::NotAsked, |h| PhotoConsent::of(&h)));
    let there = Signal::derive(move || match parts.get() {
        Loaded::Here(parts) => parts.photos().count(),
        _ => 0,
    });
    let whose = move || header().map(|h| naming::header_title(&h, state.now.get().day(), words));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(header) = untrack(header) else { return };
        let bodies = announce(fields.photos);
        empty.set(bodies.is_empty());
        if bodies.is_empty() {
            return;
        }
        saving.save(header.log, Subject::Case(case), bodies, Some(draft_name.get_value()), None, move |_| {
            draft.end();
            notice.say(words.frame.saved);
            navigator.back(Route::Case(case));
        });
    };
    view! {
        <Screen
            top=Top::BackTitle { to: Route::Case(case), title: p.add.to_owned() }
            title=p.add
            dock=move || {
                view! {
                    <If when=move || !opening.get() && !missing.get()>
                        <DockActions>
                            <SaveButton saving label=words.frame.save form="photos" />
                        </DockActions>
                    </If>
                }
            }
        >
            <p class="soft">{whose}</p>
            {move || match (opening.get(), missing.get()) {
                (true, _) => view! { <SkeletonRows /> }.into_any(),
                (_, true) => failed.get().map_or_else(|| view! { <Missing /> }.into_any(), |error| unopened(&error)),
                _ => {
                    view! {
                        <form class="stack" data-gap="l" id="photos" novalidate on:submit=submit>
                            <PhotoField photos=fields.photos consent there />
                            <div role="alert">
                                <If when=move || empty.get() && fields.photos.with(Vec::is_empty)>
                                    <Note icon=Icon::Warning said=Signal::stored(p.nothing.to_owned()) tone="wait" />
                                </If>
                            </div>
                            <SaveFailure saving />
                            <DraftLine draft />
                        </form>
                    }
                        .into_any()
                }
            }}
        </Screen>
    }
    .into_any()
}
