//! How callers sign in, and what is kept about people and accounts apart from the journal.

pub mod accounts;
mod form;
pub mod people;
pub mod self_service;
pub mod sign_in;
mod throttle;

use std::sync::Arc;

use crate::http::operation::Operation;

/// The operations of signing in, which count what fails together.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let throttle = Arc::new(throttle::Throttle::default());
    let mut all = self_service::operations(&throttle);
    all.extend(accounts::operations(&throttle));
    all.extend(sign_in::operations(&throttle));
    all
}
