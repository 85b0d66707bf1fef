//! The laws on the adapters in memory.

use std::rc::Rc;

use domain::{Registry, laws, memory::MemoryNotebook};
use futures::executor::block_on;

#[test]
fn the_registry_in_memory_keeps_every_law() {
    let village = laws::Village::new();
    block_on(laws::registry_laws(&village, async || Rc::new(village.memory()) as Rc<dyn Registry>));
}

#[test]
fn the_notebook_in_memory_keeps_every_law() {
    let village = laws::Village::new();
    block_on(laws::notebook_laws(&village, async || MemoryNotebook::default()));
}
