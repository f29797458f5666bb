//! The HTTP conventions, defined once for all resources.
//!
//! An [`operation::Operation`] defines method, path, permission, parameters, types and handler.
//! [`dispatch`] turns it into a route and [`openapi`] into its entry in the document, so the two
//! cannot differ. [`resource`] makes the operations for any kind of record.

pub mod answer;
pub mod answer_cache;
pub mod call;
pub mod connections;
pub mod dispatch;
pub mod entity_tag;
pub mod entry_cursor;
pub mod formats;
pub mod history;
pub mod json;
pub mod large_answers;
pub mod limits;
pub mod naming;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod parameters;
pub mod places;
mod provisioning;
pub mod query;
pub mod request_log;
pub mod resource;
pub mod routes;
pub mod rows;
pub mod service;
pub mod stream;

pub use answer::Answer;
pub use call::Call;
pub use operation::{Access, Operation};
