//! Phone and office in memory: the simplest adapters that keep every promise of the ports, for laws and simulations.

mod notebook;
mod registry;
mod transaction;

pub use notebook::MemoryNotebook;
pub use registry::MemoryRegistry;
pub use transaction::Transaction;
