//! The pieces pages are made of: frame, marks, lists, questions, notices. They know how things look, not what cases are.

mod form;
mod frame;
mod list;
mod mark;
mod notice;
mod when;

pub use form::*;
pub use frame::*;
pub use list::*;
pub use mark::*;
pub use notice::*;
pub use when::*;
