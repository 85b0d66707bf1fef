//! The phone's adapters in a real browser: storage, sealing, and what a run over them does.

use app::device::{idb, notebook::IndexedDbNotebook, vault::Vault};
use domain::laws::{self, Village};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn the_notebook_keeps_every_law() {
    let village = Village::new();
    let n = std::cell::Cell::new(0);
    laws::notebook_laws(&village, || {
        n.set(n.get() + 1);
        let name = format!("laws-{}", n.get());
        async move {
            idb::delete_database(&name).await.expect("deleted");
            let vault = Vault::new().await.expect("a key");
            IndexedDbNotebook::open(&name, vault).await.expect("an empty notebook")
        }
    })
    .await;
}
