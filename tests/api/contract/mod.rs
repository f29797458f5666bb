//! What the OpenAPI document says, and that the service does it.

mod document;
mod methods;
mod roles;
mod schemas;
mod wire;
