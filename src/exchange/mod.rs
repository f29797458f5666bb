//! How others connect: sign-in, discovery, documentation, health, the journal, jobs, calendar feeds, loading and exporting.

pub mod accounts;
pub mod bootstrap;
pub mod calendar_feeds;
pub mod discovery;
pub mod documents;
pub mod export;
pub mod generate;
pub mod import;
pub mod jobs;
pub mod load;
pub mod people;
pub mod sign_in;
pub mod templates;
pub mod trail;

use crate::http::Operation;
use crate::world::schema::Schemas;

/// Operations that are not about one kind of record.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let mut all = discovery::operations();
    all.extend(sign_in::operations());
    all
}

/// Operations on records beyond those that every kind has.
#[must_use]
pub fn record_operations() -> Vec<Operation> {
    let mut all = accounts::operations();
    all.extend(people::operations());
    all.extend(templates::operations());
    all.extend(documents::operations());
    all.extend(import::operations());
    all.extend(trail::operations());
    all.extend(jobs::operations());
    all.extend(calendar_feeds::operations());
    all
}

/// The schemas that they use.
pub fn schemas(schemas: &mut Schemas) {
    accounts::schemas(schemas);
    people::schemas(schemas);
    sign_in::schemas(schemas);
    discovery::schemas(schemas);
    templates::schemas(schemas);
    import::schemas(schemas);
    trail::schemas(schemas);
    jobs::schemas(schemas);
    calendar_feeds::schemas(schemas);
}
