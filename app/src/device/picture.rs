//! How a picture is made small: decoded by the browser, drawn anew, written as WebP or JPEG. It knows pixels and sizes.
//!
//! What is drawn anew holds nothing of the file it came from: no place, no time, no name of a camera.

use domain::{Picture, limits};
use js_sys::{ArrayBuffer, Function, Object, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, ImageBitmap};

use super::idb;

/// What can stand against a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureError {
    /// Not a picture, or of a kind that this browser does not know.
    NotAPicture,
    /// The phone has no memory left for it.
    NoRoom,
}

/// A picture that is small enough to be kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// At most [`limits::PHOTO_BYTES`].
    pub bytes: Vec<u8>,
    pub kind: Picture,
    pub width: u16,
    pub height: u16,
    /// Base64, at most [`limits::THUMBNAIL_BYTES`] before.
    pub thumbnail: String,
}

/// From good to just readable. The first that fits is taken.
const QUALITIES: [f64; 4] = [0.75, 0.6, 0.45, 0.3];
/// Longest sides of the picture, in pixels.
const SIDES: [u16; 4] = [limits::PHOTO_SIDE, 1_200, 900, 640];
/// Longest sides of the thumbnail.
const SMALL_SIDES: [u16; 3] = [160, 112, 64];
/// What a thumbnail should weigh: a case with ten photos is still pulled in a moment.
const SMALL_BYTES: usize = 4 * 1024;

/// Opens what a camera or a file holds, upright.
///
/// # Errors
/// [`PictureError::NotAPicture`].
pub async fn decode(source: &JsValue) -> Result<ImageBitmap, PictureError> {
    let window = web_sys::window().ok_or(PictureError::NotAPicture)?;
    let make: Function = idb::get(&window, "createImageBitmap").dyn_into().map_err(|_| PictureError::NotAPicture)?;
    let upright = Object::new();
    idb::set(&upright, "imageOrientation", &"from-image".into());
    let made = make.call2(&window, source, &upright).map_err(|_| PictureError::NotAPicture)?;
    let bitmap = JsFuture::from(made.unchecked_into::<Promise>()).await.map_err(|_| PictureError::NotAPicture)?;
    Ok(bitmap.unchecked_into())
}

/// Makes a picture small.
///
/// # Errors
/// [`PictureError`].
pub async fn shrink(bitmap: &ImageBitmap) -> Result<Shrunk, PictureError> {
    let mut kind = Picture::Webp;
    for side in SIDES {
        let canvas = draw(bitmap, side)?;
        for quality in QUALITIES {
            let mut blob = write(&canvas, kind, quality).await?;
            if blob.type_() != kind.mime() {
                // A browser that cannot write WebP says so by writing something else.
                kind = Picture::Jpeg;
                blob = write(&canvas, kind, quality).await?;
            }
            if blob.size() <= f64::from(limits::PHOTO_BYTES) {
                let buffer = JsFuture::from(blob.array_buffer()).await.map_err(|_| PictureError::NoRoom)?;
                return Ok(Shrunk {
                    bytes: Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec(),
                    kind,
                    width: u16::try_from(canvas.width()).map_err(|_| PictureError::NotAPicture)?,
                    height: u16::try_from(canvas.height()).map_err(|_| PictureError::NotAPicture)?,
                    thumbnail: thumbnail(&canvas, kind)?,
                });
            }
        }
    }
    Err(PictureError::NoRoom)
}

/// A picture as a small text.
fn thumbnail(large: &HtmlCanvasElement, kind: Picture) -> Result<String, PictureError> {
    let mut found = String::new();
    for side in SMALL_SIDES {
        let canvas = draw(large, side)?;
        for quality in QUALITIES {
            let url = canvas
                .to_data_url_with_type_and_encoder_options(kind.mime(), &quality.into())
                .map_err(|_| PictureError::NoRoom)?;
            let (_, text) = url.split_once(',').ok_or(PictureError::NoRoom)?;
            if text.len() / 4 * 3 <= SMALL_BYTES {
                return Ok(text.to_owned());
            }
            if found.is_empty() && text.len() / 4 * 3 <= limits::THUMBNAIL_BYTES {
                text.clone_into(&mut found);
            }
        }
    }
    if found.is_empty() { Err(PictureError::NoRoom) } else { Ok(found) }
}

/// Draws a picture so that its longest side is at most `side`; it is never made larger.
fn draw(source: &JsValue, side: u16) -> Result<HtmlCanvasElement, PictureError> {
    let size = |field| idb::get(source, field).as_f64().filter(|n| *n >= 1.0).ok_or(PictureError::NotAPicture);
    let (width, height) = (size("width")?, size("height")?);
    let scale = (f64::from(side) / width.max(height)).min(1.0);
    let scaled = |length: f64| (length * scale).round().max(1.0);
    let document = web_sys::window().and_then(|w| w.document()).ok_or(PictureError::NoRoom)?;
    let canvas = document.create_element("canvas").map_err(|_| PictureError::NoRoom)?;
    let canvas: HtmlCanvasElement = canvas.unchecked_into();
    canvas.set_width(scaled(width) as u32);
    canvas.set_height(scaled(height) as u32);
    let context = canvas.get_context("2d").ok().flatten().ok_or(PictureError::NoRoom)?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    // What is transparent would turn black.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, scaled(width), scaled(height));
    idb::set(context.unchecked_ref::<Object>(), "imageSmoothingQuality", &"high".into());
    let paint: Function = idb::get(&context, "drawImage").unchecked_into();
    let arguments = js_sys::Array::of5(source, &0.into(), &0.into(), &scaled(width).into(), &scaled(height).into());
    paint.apply(&context, &arguments).map_err(|_| PictureError::NotAPicture)?;
    Ok(canvas)
}

async fn write(canvas: &HtmlCanvasElement, kind: Picture, quality: f64) -> Result<Blob, PictureError> {
    let written = Promise::new(&mut |done, _| {
        if canvas.to_blob_with_type_and_encoder_options(&done, kind.mime(), &quality.into()).is_err() {
            done.call1(&JsValue::UNDEFINED, &JsValue::NULL).ok();
        }
    });
    let blob = JsFuture::from(written).await.map_err(|_| PictureError::NoRoom)?;
    blob.dyn_into().map_err(|_| PictureError::NoRoom)
}
