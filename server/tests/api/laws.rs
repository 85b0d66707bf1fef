//! The registry keeps the laws of the port.

use std::ops::Deref;
use std::sync::Arc;

use domain::Registry;
use domain::laws::{Village, registry_laws};
use server::registry::SqlRegistry;

use crate::support::{folder, staff_of};

struct Fresh(Arc<SqlRegistry>);

impl Deref for Fresh {
    type Target = dyn Registry;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[tokio::test]
async fn the_registry_keeps_the_laws() {
    let village = Village::new();
    registry_laws(&village, || async {
        let staff = staff_of(&village, &folder()).await;
        Fresh(SqlRegistry::start(staff))
    })
    .await;
}
