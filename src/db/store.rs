//! All statements sent to the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::connection::{Conn, DbError};
use super::schema::{
    calendar_feeds, credentials, idempotency_keys, jobs, journal, last_numbers, people, records,
    refresh_tokens, secrets, signing_keys,
};
use super::types::{At, Guid};

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal)]
pub struct JournalRow {
    pub seq: i64,
    pub at: At,
    pub actor: Guid,
    pub request_id: String,
    pub kind: String,
    pub record_id: Guid,
    pub version: i64,
    pub action: String,
    pub shape: i32,
    pub reason: Option<String>,
    pub snapshot: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub digest: Vec<u8>,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    /// When the entry was really made, if `at` was given an earlier time.
    pub entered_at: Option<At>,
}

/// Who made a journal entry, when and why, without the content of the record.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub struct AuthorRow {
    pub seq: i64,
    pub at: At,
    pub actor: Guid,
    pub action: String,
    pub reason: Option<String>,
    pub entered_at: Option<At>,
}

/// The current version of a record.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = records)]
pub struct RecordRow {
    pub id: Guid,
    pub kind: String,
    pub reference: String,
    pub version: i64,
    pub seq: i64,
    pub shape: i32,
    pub body: String,
}

/// The first answer to a request that carried an idempotency key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct IdempotencyRow {
    pub account_id: Guid,
    pub key: String,
    pub request: Vec<u8>,
    pub status: i32,
    pub headers: String,
    pub body: Vec<u8>,
    pub created_at: At,
}

/// Personal data of a person: name, e-mail address, telephone number. Can be erased.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = people)]
pub struct PersonRow {
    pub person_id: Guid,
    pub display_name: String,
    pub email: Option<String>,
    pub telephone: Option<String>,
}

/// A password or a client secret, hashed with Argon2id.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = credentials)]
pub struct CredentialRow {
    pub id: Guid,
    pub account_id: Guid,
    pub kind: String,
    pub login: Option<String>,
    pub hash: String,
    pub created_at: At,
    pub expires_at: Option<At>,
    pub revoked_at: Option<At>,
}

/// A refresh token, by its SHA-256.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens)]
pub struct RefreshRow {
    pub hash: Vec<u8>,
    pub family: Guid,
    pub account_id: Guid,
    pub created_at: At,
    pub expires_at: At,
    pub used_at: Option<At>,
    pub revoked_at: Option<At>,
}

/// A key that signs access tokens.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub struct SigningKeyRow {
    pub kid: String,
    pub private_key: Vec<u8>,
    pub created_at: At,
    pub retired_at: Option<At>,
}

/// A job and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: Guid,
    pub owner_id: Guid,
    pub request_id: String,
    pub mode: String,
    /// 0 or 1: SQLite has no booleans.
    pub dry_run: i32,
    pub state: String,
    pub total: i32,
    pub done: i32,
    pub failed: i32,
    /// JSON.
    pub errors: String,
    pub failure: Option<String>,
    pub detail: Option<String>,
    pub created_at: At,
    pub started_at: Option<At>,
    pub finished_at: Option<At>,
    /// When the process that runs the job last reported.
    pub heartbeat_at: At,
}

/// A calendar feed that a calendar program reads, found by the SHA-256 of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = calendar_feeds)]
pub struct CalendarFeedRow {
    pub id: Guid,
    pub owner_id: Guid,
    pub title: String,
    /// JSON.
    pub filters: String,
    pub digest: Vec<u8>,
    pub created_at: At,
    pub last_used_at: Option<At>,
}

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
    /// The highest number used so far in a generated reference of the kind.
    LastNumber {
        kind: &'static str,
        number: u32,
    },
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
}

impl Side {
    /// Whether the deleted data must also be removed from the database's free space
    /// ([`Conn::scrub`]).
    #[must_use]
    pub const fn is_erasure(&self) -> bool {
        matches!(self, Self::ErasePerson(_) | Self::EraseSignIn(_))
    }
}

/// Number, hash and time of the last journal entry.
pub type Head = (i64, Vec<u8>, At);

/// Returns the number of the last entry. A shared database is asked for it before the world is
/// trusted to be current.
///
/// # Errors
/// The database cannot be queried.
pub fn head_seq(conn: &mut Conn) -> Result<i64, DbError> {
    let seq = journal::table
        .select(journal::seq)
        .order(journal::seq.desc())
        .first::<i64>(conn)
        .optional()?;
    Ok(seq.unwrap_or(0))
}

/// Returns the number, hash and time of the last entry.
///
/// # Errors
/// The database cannot be queried.
pub fn head(conn: &mut Conn) -> Result<Option<Head>, DbError> {
    Ok(journal::table
        .select((journal::seq, journal::hash, journal::at))
        .order(journal::seq.desc())
        .first(conn)
        .optional()?)
}

/// Returns the entries after `seq`, oldest first, at most `limit`.
///
/// # Errors
/// The database cannot be queried.
pub fn entries_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::seq.gt(seq))
        .order(journal::seq)
        .limit(limit)
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns the number of the last entry recorded at or before `at`, or 0.
///
/// # Errors
/// The database cannot be queried.
pub fn seq_at(conn: &mut Conn, at: DateTime<Utc>) -> Result<i64, DbError> {
    // Uses the index on the time: journal times never run backwards.
    let found = journal::table
        .filter(journal::at.le(At(at)))
        .order((journal::at.desc(), journal::seq.desc()))
        .select(journal::seq)
        .first::<i64>(conn)
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// Returns the versions of a record with `after < version`, oldest first.
///
/// # Errors
/// The database cannot be queried.
pub fn versions(
    conn: &mut Conn,
    id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::version.gt(after))
        .order(journal::version)
        .limit(limit)
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns who changed a record between two journal entries, including the second: newest first, at
/// most `limit`.
///
/// # Errors
/// The database cannot be queried.
pub fn authors(
    conn: &mut Conn,
    id: Uuid,
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<AuthorRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::seq.gt(after))
        .filter(journal::seq.le(until))
        .order(journal::version.desc())
        .limit(limit)
        .select(AuthorRow::as_select())
        .load(conn)?)
}

/// Returns one version of a record.
///
/// # Errors
/// The database cannot be queried.
pub fn version(conn: &mut Conn, id: Uuid, version: i64) -> Result<Option<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::version.eq(version))
        .select(JournalRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the last version of each of these records at or before entry `seq`. Records made later
/// are left out.
///
/// # Errors
/// The database cannot be queried.
pub fn versions_at(conn: &mut Conn, ids: &[Uuid], seq: i64) -> Result<Vec<JournalRow>, DbError> {
    let ids: Vec<Guid> = ids.iter().map(|id| Guid(*id)).collect();
    let inner = diesel::alias!(journal as inner);
    let last = inner
        .filter(inner.field(journal::record_id).eq_any(ids))
        .filter(inner.field(journal::seq).le(seq))
        .group_by(inner.field(journal::record_id))
        .select(diesel::dsl::max(inner.field(journal::seq)));
    Ok(journal::table
        .filter(journal::seq.nullable().eq_any(last))
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns the current version of every record, in pages by id.
///
/// # Errors
/// The database cannot be queried.
pub fn records_after(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<RecordRow>, DbError> {
    Ok(records::table
        .filter(records::id.gt(Guid(after)))
        .order(records::id)
        .limit(limit)
        .select(RecordRow::as_select())
        .load(conn)?)
}

/// Number of rows sent to PostgreSQL in one statement.
const ROWS_AT_ONCE: usize = 1_000;

/// Appends entries and updates the records to match: inserts new ones, and updates changed ones
/// from the version before.
///
/// # Errors
/// A row was not at the version before its entry, or the database refuses.
pub fn append(conn: &mut Conn, entries: &[JournalRow], now: &[RecordRow]) -> Result<(), DbError> {
    let (new, changed): (Vec<&RecordRow>, Vec<&RecordRow>) =
        now.iter().partition(|r| r.version == 1);
    match conn {
        Conn::Postgres(c) => {
            for rows in entries.chunks(ROWS_AT_ONCE) {
                unnest::Entries::of(rows).execute(c)?;
            }
            for rows in new.chunks(ROWS_AT_ONCE) {
                unnest::New(unnest::Records::of(rows)).execute(c)?;
            }
            for rows in changed.chunks(ROWS_AT_ONCE) {
                if unnest::Changed(unnest::Records::of(rows)).execute(c)? != rows.len() {
                    return Err(DbError::Damaged(
                        "a record is at a later version than the journal".into(),
                    ));
                }
            }
        }
        Conn::Sqlite(c) => {
            for row in entries {
                diesel::insert_into(journal::table).values(row).execute(c)?;
            }
            for row in new {
                diesel::insert_into(records::table).values(row).execute(c)?;
            }
            for row in changed {
                let moved = diesel::update(
                    records::table
                        .filter(records::id.eq(row.id))
                        .filter(records::version.lt(row.version)),
                )
                .set((
                    records::reference.eq(&row.reference),
                    records::version.eq(row.version),
                    records::seq.eq(row.seq),
                    records::shape.eq(row.shape),
                    records::body.eq(&row.body),
                ))
                .execute(c)?;
                if moved == 0 {
                    // Created and changed within the same batch.
                    diesel::insert_into(records::table).values(row).execute(c)?;
                }
            }
        }
    }
    Ok(())
}

/// Inserts with the same text for any number of rows, so that PostgreSQL parses and plans each only
/// once: every column is sent as an array.
mod unnest {
    use diesel::pg::Pg;
    use diesel::query_builder::{AstPass, QueryFragment, QueryId};
    use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
    use diesel::{PgConnection, QueryResult, RunQueryDsl};

    use super::{At, Guid, JournalRow, RecordRow};
    use crate::db::types::sql;

    /// The columns of a table, gathered from rows, with their arrays as arguments.
    macro_rules! columns {
        ($(#[$doc:meta])* $name:ident of $row:ident { $($column:ident: $sql:ty => $rust:ty, $take:expr;)* }) => {
            $(#[$doc])*
            #[derive(Default)]
            pub struct $name<'a> { $($column: Vec<$rust>),* }

            impl<'a> $name<'a> {
                pub fn of(rows: impl IntoIterator<Item = &'a (impl std::borrow::Borrow<$row> + 'a)>) -> Self {
                    let mut all = Self::default();
                    for row in rows {
                        let row: &'a $row = row.borrow();
                        // Fails to compile if a column is missing from this list, because it would
                        // be left empty.
                        let $row { $($column: _),* } = row;
                        $(all.$column.push(($take as fn(&'a $row) -> $rust)(row));)*
                    }
                    all
                }

                const NAMES: &'static str = concat!($(stringify!($column), ", "),*);

                /// `(seq, at, …) SELECT * FROM unnest($1, $2, …)`
                fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                    out.push_sql(" (");
                    out.push_sql(Self::NAMES.trim_end_matches(", "));
                    out.push_sql(") SELECT * FROM unnest(");
                    let mut between = "";
                    $(
                        out.push_sql(between);
                        out.push_bind_param::<Array<$sql>, _>(&self.$column)?;
                        between = ", ";
                    )*
                    let _ = between;
                    out.push_sql(")");
                    Ok(())
                }
            }
        };
    }

    columns! {
        /// Entries for the journal.
        Entries of JournalRow {
            seq: BigInt => i64, |r| r.seq;
            at: sql::UtcMicros => At, |r| r.at;
            actor: sql::Guid => Guid, |r| r.actor;
            request_id: Text => &'a str, |r| r.request_id.as_str();
            kind: Text => &'a str, |r| r.kind.as_str();
            record_id: sql::Guid => Guid, |r| r.record_id;
            version: BigInt => i64, |r| r.version;
            action: Text => &'a str, |r| r.action.as_str();
            shape: Integer => i32, |r| r.shape;
            reason: Nullable<Text> => Option<&'a str>, |r| r.reason.as_deref();
            snapshot: Nullable<Text> => Option<&'a str>, |r| r.snapshot.as_deref();
            salt: Nullable<Binary> => Option<&'a [u8]>, |r| r.salt.as_deref();
            digest: Binary => &'a [u8], |r| r.digest.as_slice();
            previous: Binary => &'a [u8], |r| r.previous.as_slice();
            hash: Binary => &'a [u8], |r| r.hash.as_slice();
            entered_at: Nullable<sql::UtcMicros> => Option<At>, |r| r.entered_at;
        }
    }

    columns! {
        /// Current versions of records.
        Records of RecordRow {
            id: sql::Guid => Guid, |r| r.id;
            kind: Text => &'a str, |r| r.kind.as_str();
            reference: Text => &'a str, |r| r.reference.as_str();
            version: BigInt => i64, |r| r.version;
            seq: BigInt => i64, |r| r.seq;
            shape: Integer => i32, |r| r.shape;
            body: Text => &'a str, |r| r.body.as_str();
        }
    }

    /// Records that did not exist.
    pub struct New<'a>(pub Records<'a>);
    /// Records that existed, or were created and changed within one batch.
    pub struct Changed<'a>(pub Records<'a>);

    impl QueryFragment<Pg> for Entries<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("INSERT INTO journal");
            self.push(&mut out)
        }
    }

    impl QueryFragment<Pg> for New<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("INSERT INTO records");
            self.0.push(&mut out)
        }
    }

    impl QueryFragment<Pg> for Changed<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("INSERT INTO records");
            self.0.push(&mut out)?;
            out.push_sql(
                " ON CONFLICT (id) DO UPDATE SET reference = excluded.reference, version = \
                    excluded.version, seq = excluded.seq, shape = excluded.shape, body = \
                    excluded.body WHERE records.version < excluded.version",
            );
            Ok(())
        }
    }

    macro_rules! planned_once {
        ($($name:ident),*) => { $(
            impl QueryId for $name<'_> {
                type QueryId = $name<'static>;
                const HAS_STATIC_QUERY_ID: bool = true;
            }

            impl RunQueryDsl<PgConnection> for $name<'_> {}
        )* };
    }

    planned_once!(Entries, New, Changed);
}

/// Returns the stored answer for an idempotency key, if it is newer than `since`.
///
/// # Errors
/// The database cannot be queried.
pub fn replay(
    conn: &mut Conn,
    account: Uuid,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<IdempotencyRow>, DbError> {
    Ok(idempotency_keys::table
        .filter(idempotency_keys::account_id.eq(Guid(account)))
        .filter(idempotency_keys::key.eq(key))
        .filter(idempotency_keys::created_at.ge(At(since)))
        .select(IdempotencyRow::as_select())
        .first(conn)
        .optional()?)
}

/// Writes data that is kept outside the journal.
///
/// # Errors
/// The database refuses.
pub fn write_side(conn: &mut Conn, side: &Side) -> Result<(), DbError> {
    match side {
        Side::Replay(row) => {
            diesel::delete(
                idempotency_keys::table
                    .filter(idempotency_keys::account_id.eq(row.account_id))
                    .filter(idempotency_keys::key.eq(&row.key)),
            )
            .execute(conn)?;
            diesel::insert_into(idempotency_keys::table)
                .values(row)
                .execute(conn)?;
        }
        Side::ForgetReplaysBefore(at) => {
            diesel::delete(
                idempotency_keys::table.filter(idempotency_keys::created_at.lt(At(*at))),
            )
            .execute(conn)?;
        }
        Side::Person(row) => {
            diesel::delete(people::table.filter(people::person_id.eq(row.person_id)))
                .execute(conn)?;
            diesel::insert_into(people::table)
                .values(row)
                .execute(conn)?;
        }
        Side::LastNumber { kind, number } => {
            diesel::delete(last_numbers::table.filter(last_numbers::kind.eq(kind)))
                .execute(conn)?;
            diesel::insert_into(last_numbers::table)
                .values((
                    last_numbers::kind.eq(kind),
                    last_numbers::number.eq(i64::from(*number)),
                ))
                .execute(conn)?;
        }
        Side::MovePerson { from, to } => {
            diesel::update(people::table.filter(people::person_id.eq(Guid(*from))))
                .set(people::person_id.eq(Guid(*to)))
                .execute(conn)?;
        }
        Side::ErasePerson(person) => {
            diesel::delete(people::table.filter(people::person_id.eq(Guid(*person))))
                .execute(conn)?;
        }
        Side::EraseSignIn(account) => {
            diesel::delete(credentials::table.filter(credentials::account_id.eq(Guid(*account))))
                .execute(conn)?;
            diesel::delete(
                refresh_tokens::table.filter(refresh_tokens::account_id.eq(Guid(*account))),
            )
            .execute(conn)?;
            diesel::delete(
                calendar_feeds::table.filter(calendar_feeds::owner_id.eq(Guid(*account))),
            )
            .execute(conn)?;
        }
        Side::Credential(row) => {
            diesel::insert_into(credentials::table)
                .values(row)
                .execute(conn)?;
        }
        Side::EndCredentials { account, kind, at } => {
            // The sign-in name is removed too, so that it can be used again.
            diesel::update(
                credentials::table
                    .filter(credentials::account_id.eq(Guid(*account)))
                    .filter(credentials::kind.eq(kind))
                    .filter(credentials::revoked_at.is_null()),
            )
            .set((
                credentials::revoked_at.eq(At(*at)),
                credentials::login.eq(None::<String>),
            ))
            .execute(conn)?;
        }
        Side::LimitCredentials {
            account,
            kind,
            until,
        } => {
            diesel::update(
                credentials::table
                    .filter(credentials::account_id.eq(Guid(*account)))
                    .filter(credentials::kind.eq(kind))
                    .filter(credentials::revoked_at.is_null())
                    .filter(
                        credentials::expires_at
                            .is_null()
                            .or(credentials::expires_at.gt(At(*until))),
                    ),
            )
            .set(credentials::expires_at.eq(At(*until)))
            .execute(conn)?;
        }
        Side::Refresh(row) => {
            diesel::insert_into(refresh_tokens::table)
                .values(row)
                .execute(conn)?;
        }
        Side::RefreshUsed { hash, at } => {
            diesel::update(refresh_tokens::table.filter(refresh_tokens::hash.eq(hash)))
                .set(refresh_tokens::used_at.eq(At(*at)))
                .execute(conn)?;
        }
        Side::EndRefreshFamily { family, at } => {
            diesel::update(refresh_tokens::table.filter(refresh_tokens::family.eq(Guid(*family))))
                .set(refresh_tokens::revoked_at.eq(At(*at)))
                .execute(conn)?;
        }
        Side::EndRefreshOf { account, at } => {
            diesel::update(
                refresh_tokens::table.filter(refresh_tokens::account_id.eq(Guid(*account))),
            )
            .set(refresh_tokens::revoked_at.eq(At(*at)))
            .execute(conn)?;
        }
        Side::SigningKey(row) => {
            diesel::insert_into(signing_keys::table)
                .values(row)
                .execute(conn)?;
        }
        Side::Secret { name, value } => {
            if secret(conn, name)?.is_none() {
                diesel::insert_into(secrets::table)
                    .values((secrets::name.eq(name), secrets::value.eq(value)))
                    .execute(conn)?;
            }
        }
        Side::Job(row) => {
            diesel::delete(jobs::table.filter(jobs::id.eq(row.id))).execute(conn)?;
            diesel::insert_into(jobs::table).values(row).execute(conn)?;
        }
        Side::JobsHeld { ids, at } => {
            for id in ids {
                diesel::update(
                    jobs::table
                        .filter(jobs::id.eq(Guid(*id)))
                        .filter(jobs::finished_at.is_null()),
                )
                .set(jobs::heartbeat_at.eq(At(*at)))
                .execute(conn)?;
            }
        }
        Side::ForgetJobsBefore(at) => {
            diesel::delete(jobs::table.filter(jobs::finished_at.lt(At(*at)))).execute(conn)?;
        }
        Side::CalendarFeed(row) => {
            diesel::insert_into(calendar_feeds::table)
                .values(row)
                .execute(conn)?;
        }
        Side::CalendarFeedUsed { id, at } => {
            diesel::update(calendar_feeds::table.filter(calendar_feeds::id.eq(Guid(*id))))
                .set(calendar_feeds::last_used_at.eq(At(*at)))
                .execute(conn)?;
        }
        Side::EndCalendarFeed(id) => {
            diesel::delete(calendar_feeds::table.filter(calendar_feeds::id.eq(Guid(*id))))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Returns a job.
///
/// # Errors
/// The database cannot be queried.
pub fn job(conn: &mut Conn, id: Uuid) -> Result<Option<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::id.eq(Guid(id)))
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns jobs created before `before` (ids are ordered by time), newest first, at most `limit`:
/// those of one account, or all.
///
/// # Errors
/// The database cannot be queried.
pub fn jobs_before(
    conn: &mut Conn,
    owner: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<JobRow>, DbError> {
    let all = jobs::table.filter(jobs::id.lt(Guid(before)));
    let found = match owner {
        Some(owner) => all
            .filter(jobs::owner_id.eq(Guid(owner)))
            .order(jobs::id.desc())
            .limit(limit)
            .select(JobRow::as_select())
            .load(conn)?,
        None => all
            .order(jobs::id.desc())
            .limit(limit)
            .select(JobRow::as_select())
            .load(conn)?,
    };
    Ok(found)
}

/// Returns the highest numbers of generated references by kind, for kinds where a record has lost
/// such a reference.
///
/// # Errors
/// The database cannot be queried.
pub fn last_numbers(conn: &mut Conn) -> Result<Vec<(String, i64)>, DbError> {
    Ok(last_numbers::table.load(conn)?)
}

/// Returns the calendar feed whose secret has this SHA-256.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feed_by_digest(
    conn: &mut Conn,
    digest: &[u8],
) -> Result<Option<CalendarFeedRow>, DbError> {
    Ok(calendar_feeds::table
        .filter(calendar_feeds::digest.eq(digest))
        .select(CalendarFeedRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns a calendar feed.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feed(conn: &mut Conn, id: Uuid) -> Result<Option<CalendarFeedRow>, DbError> {
    Ok(calendar_feeds::table
        .filter(calendar_feeds::id.eq(Guid(id)))
        .select(CalendarFeedRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns calendar feeds created before `before` (ids are ordered by time), newest first, at most
/// `limit`: those of one account, or all.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feeds_before(
    conn: &mut Conn,
    owner: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<CalendarFeedRow>, DbError> {
    let all = calendar_feeds::table.filter(calendar_feeds::id.lt(Guid(before)));
    let found = match owner {
        Some(owner) => all
            .filter(calendar_feeds::owner_id.eq(Guid(owner)))
            .order(calendar_feeds::id.desc())
            .limit(limit)
            .select(CalendarFeedRow::as_select())
            .load(conn)?,
        None => all
            .order(calendar_feeds::id.desc())
            .limit(limit)
            .select(CalendarFeedRow::as_select())
            .load(conn)?,
    };
    Ok(found)
}

/// Returns unfinished jobs that have not reported since `since`.
///
/// # Errors
/// The database cannot be queried.
pub fn silent_jobs(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::finished_at.is_null())
        .filter(jobs::heartbeat_at.lt(At(since)))
        .select(JobRow::as_select())
        .load(conn)?)
}

/// Returns the active credential with this sign-in name.
///
/// # Errors
/// The database cannot be queried.
pub fn credential_by_login(conn: &mut Conn, login: &str) -> Result<Option<CredentialRow>, DbError> {
    Ok(credentials::table
        .filter(credentials::login.eq(login))
        .filter(credentials::revoked_at.is_null())
        .select(CredentialRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the active credentials of one kind that an account has.
///
/// # Errors
/// The database cannot be queried.
pub fn credentials_of(
    conn: &mut Conn,
    account: Uuid,
    kind: &str,
) -> Result<Vec<CredentialRow>, DbError> {
    Ok(credentials::table
        .filter(credentials::account_id.eq(Guid(account)))
        .filter(credentials::kind.eq(kind))
        .filter(credentials::revoked_at.is_null())
        .select(CredentialRow::as_select())
        .load(conn)?)
}

/// Returns a refresh token by its hash.
///
/// # Errors
/// The database cannot be queried.
pub fn refresh_token(conn: &mut Conn, hash: &[u8]) -> Result<Option<RefreshRow>, DbError> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::hash.eq(hash))
        .select(RefreshRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the personal data of a person, if kept.
///
/// # Errors
/// The database cannot be queried.
pub fn person(conn: &mut Conn, person: Uuid) -> Result<Option<PersonRow>, DbError> {
    Ok(people::table
        .filter(people::person_id.eq(Guid(person)))
        .select(PersonRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the ids of all people whose personal data is kept.
///
/// # Errors
/// The database cannot be queried.
pub fn people_ids(conn: &mut Conn) -> Result<Vec<Uuid>, DbError> {
    let ids: Vec<Guid> = people::table
        .select(people::person_id)
        .order(people::person_id)
        .load(conn)?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Returns a key by its name.
///
/// # Errors
/// The database cannot be queried.
pub fn secret(conn: &mut Conn, name: &str) -> Result<Option<Vec<u8>>, DbError> {
    Ok(secrets::table
        .filter(secrets::name.eq(name))
        .select(secrets::value)
        .first(conn)
        .optional()?)
}

/// Returns all signing keys, oldest first.
///
/// # Errors
/// The database cannot be queried.
pub fn signing_keys(conn: &mut Conn) -> Result<Vec<SigningKeyRow>, DbError> {
    Ok(signing_keys::table
        .order(signing_keys::created_at)
        .select(SigningKeyRow::as_select())
        .load(conn)?)
}
