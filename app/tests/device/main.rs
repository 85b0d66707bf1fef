//! The phone's adapters in a real browser: storage, sealing, the people of a phone, and runs over all of them.

mod fault;
mod letters;
mod notebook;
mod office;
mod people;
mod phone;
mod photos;
mod speed;

use wasm_bindgen_test::wasm_bindgen_test_configure;

wasm_bindgen_test_configure!(run_in_browser);
