//! What a newcomer or a supervisor asks of the service itself, and the journal as it is read over
//! HTTP.

pub mod audit_log;
pub mod discovery;
pub mod specification;
