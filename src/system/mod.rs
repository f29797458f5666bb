//! What the service says about itself (discovery, health, its OpenAPI documents), and the journal
//! over HTTP.

pub mod audit_log;
pub mod discovery;
pub mod specification;
