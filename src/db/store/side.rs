//! Data written in the same transaction as the journal but never recorded in it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    CalendarFeedRow, CredentialRow, IdempotencyRow, JobRow, PersonRow, RefreshRow, SigningKeyRow,
    calendar_feeds, credentials, former_links, idempotency, jobs, journal, keys, last_numbers,
    markings, people, refresh_tokens,
};
use crate::db::connection::{Conn, DbError};
use crate::db::types::Guid;

/// Data written in the same transaction as the journal but never recorded in it: secrets, personal
/// data, replays.
#[derive(Debug, Clone)]
pub enum Side {
    Replay(IdempotencyRow),
    ForgetReplaysBefore(DateTime<Utc>),
    Person(PersonRow),
    /// Moves the personal data kept under one id to another id.
    MovePerson {
        from: Uuid,
        to: Uuid,
    },
    /// Deletes the personal data of a person.
    ErasePerson(Uuid),
    /// Deletes all credentials, refresh tokens and calendar feeds of the account, including its
    /// sign-in names.
    EraseSignIn(Uuid),
    Credential(CredentialRow),
    /// Ends all credentials of this kind that the account has, at that time.
    EndCredentials {
        account: Uuid,
        kind: String,
        at: DateTime<Utc>,
    },
    /// Makes all credentials of this kind that the account has expire at that time, unless they
    /// expire sooner.
    LimitCredentials {
        account: Uuid,
        kind: String,
        until: DateTime<Utc>,
    },
    Refresh(RefreshRow),
    RefreshUsed {
        hash: Vec<u8>,
        at: DateTime<Utc>,
    },
    EndRefreshFamily {
        family: Uuid,
        at: DateTime<Utc>,
    },
    EndRefreshOf {
        account: Uuid,
        at: DateTime<Utc>,
    },
    /// The highest number used so far in generated references of a series.
    LastNumber {
        series: String,
        number: u32,
    },
    /// The earlier persons of every account are kept with it.
    EarlierPersonsKept,
    /// A link that a record no longer has.
    FormerLink {
        target: Uuid,
        record: Uuid,
    },
    /// The number of an entry by which a record was marked, or its marking removed.
    Marking(i64),
    SigningKey(SigningKeyRow),
    /// A key, found by its name. An existing key is kept.
    Secret {
        name: String,
        value: Vec<u8>,
    },
    /// A new job, or an update to one.
    Job(JobRow),
    /// Records that a live process still holds these jobs.
    JobsHeld {
        ids: Vec<Uuid>,
        at: DateTime<Utc>,
    },
    ForgetJobsBefore(DateTime<Utc>),
    CalendarFeed(CalendarFeedRow),
    CalendarFeedUsed {
        id: Uuid,
        at: DateTime<Utc>,
    },
    /// Deletes a calendar feed: its address returns 404 from now on.
    EndCalendarFeed(Uuid),
    /// Removes the content of a journal entry. The entry that records the removal is written with it.
    Redact(i64),
}

impl Side {
    /// Whether the deleted data must also be removed from the database's free space
    /// ([`Conn::scrub`]).
    #[must_use]
    pub const fn is_erasure(&self) -> bool {
        matches!(
            self,
            Self::ErasePerson(_) | Self::EraseSignIn(_) | Self::Redact(_)
        )
    }
}

/// Writes data that is kept outside the journal.
///
/// # Errors
/// The database refuses.
pub fn write_side(conn: &mut Conn, side: &Side) -> Result<(), DbError> {
    match side {
        Side::Replay(row) => idempotency::store(conn, row),
        Side::ForgetReplaysBefore(at) => idempotency::forget_before(conn, *at),
        Side::Person(row) => people::store(conn, row),
        Side::MovePerson { from, to } => people::move_to(conn, *from, *to),
        Side::ErasePerson(person) => people::erase(conn, Guid(*person)),
        Side::EraseSignIn(account) => {
            credentials::erase(conn, *account)?;
            refresh_tokens::erase(conn, *account)?;
            calendar_feeds::erase(conn, *account)
        }
        Side::Credential(row) => credentials::add(conn, row),
        Side::EndCredentials { account, kind, at } => credentials::end(conn, *account, kind, *at),
        Side::LimitCredentials {
            account,
            kind,
            until,
        } => credentials::limit(conn, *account, kind, *until),
        Side::Refresh(row) => refresh_tokens::add(conn, row),
        Side::RefreshUsed { hash, at } => refresh_tokens::mark_used(conn, hash, *at),
        Side::EndRefreshFamily { family, at } => refresh_tokens::end_family(conn, *family, *at),
        Side::EndRefreshOf { account, at } => refresh_tokens::end_of(conn, *account, *at),
        Side::LastNumber { series, number } => last_numbers::store(conn, series, *number),
        Side::EarlierPersonsKept => people::earlier_persons_kept(conn),
        Side::FormerLink { target, record } => former_links::add(conn, *target, *record),
        Side::Marking(seq) => markings::add(conn, *seq),
        Side::SigningKey(row) => keys::add_signing_key(conn, row),
        Side::Secret { name, value } => keys::add_secret(conn, name, value),
        Side::Job(row) => jobs::store(conn, row),
        Side::JobsHeld { ids, at } => jobs::hold(conn, ids, *at),
        Side::ForgetJobsBefore(at) => jobs::forget_before(conn, *at),
        Side::CalendarFeed(row) => calendar_feeds::add(conn, row),
        Side::CalendarFeedUsed { id, at } => calendar_feeds::mark_used(conn, *id, *at),
        Side::EndCalendarFeed(id) => calendar_feeds::end(conn, *id),
        Side::Redact(seq) => journal::redact(conn, *seq),
    }
}
