//! All statements sent to the database: a file for each table, [`append`] for the journal and its
//! records, and [`Side`] for what is written with them but is not recorded in the journal.

mod append;
mod calendar_feeds;
mod copy;
mod credentials;
mod former_links;
mod idempotency;
mod inserts;
mod jobs;
mod journal;
mod keys;
mod last_numbers;
mod markings;
mod people;
mod records;
mod refresh_tokens;
mod side;

pub use append::{ROWS_AT_ONCE, append};
pub use calendar_feeds::{
    CalendarFeedRow, calendar_feed, calendar_feed_by_digest, calendar_feeds_before,
};
pub use copy::copy;
pub use credentials::{CredentialRow, credential_by_login, credentials_of};
pub use former_links::{FormerLinkRow, former_links_to};
pub use idempotency::{IdempotencyRow, replay};
pub use jobs::{JobRow, job, jobs_before, silent_jobs};
pub use journal::{
    AuthorRow, Head, JournalRow, authors, entries_after, entry, head, head_seq, redactions, seq_at,
    version, versions, versions_at, versions_of,
};
pub use keys::{SigningKeyRow, rotate_signing_key, secret, signing_keys};
pub use last_numbers::last_numbers;
pub use markings::markings_after;
pub use people::{PersonRow, earlier_persons, people_ids, person};
pub use records::{RecordRow, id_by_reference, records_after, records_of};
pub use refresh_tokens::{RefreshRow, refresh_token};
pub use side::{Side, write_side};
