//! Inserts into the journal and the records. The text of each is always the same, so that it is made
//! and planned only once: SQLite is sent a row at a time, PostgreSQL every column as an array.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::{JournalRow, RecordRow};
use crate::db::types::{At, Guid, sql};

/// The columns of a table: of one row, and of many rows, gathered into arrays.
macro_rules! columns {
    ($(#[$doc:meta])* $many:ident, $one:ident of $row:ident { $($column:ident: $sql:ty => $rust:ty, $take:expr;)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $many<'a> { $($column: Vec<$rust>),* }

        /// One row of the same.
        pub struct $one<'a> { $($column: $rust),* }

        impl<'a> $one<'a> {
            pub fn of(row: &'a $row) -> Self {
                // Fails to compile if a column is missing from this list, because it would be left
                // empty.
                let $row { $($column: _),* } = row;
                Self { $($column: ($take as fn(&'a $row) -> $rust)(row)),* }
            }

            const NAMES: &'static str = concat!($(stringify!($column), ", "),*);

            /// `(seq, at, …) VALUES (?, ?, …)`
            fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql(" (");
                out.push_sql(Self::NAMES.trim_end_matches(", "));
                out.push_sql(") VALUES (");
                let mut between = "";
                $(
                    out.push_sql(between);
                    out.push_bind_param::<$sql, _>(&self.$column)?;
                    between = ", ";
                )*
                let _ = between;
                out.push_sql(")");
                Ok(())
            }
        }

        impl<'a> $many<'a> {
            pub fn of(rows: impl IntoIterator<Item = &'a $row>) -> Self {
                let mut all = Self::default();
                for row in rows {
                    let one = $one::of(row);
                    $(all.$column.push(one.$column);)*
                }
                all
            }

            /// `(seq, at, …) SELECT * FROM unnest($1, $2, …)`
            fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(" (");
                out.push_sql($one::NAMES.trim_end_matches(", "));
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
    Entries, Entry of JournalRow {
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
        redacts: Nullable<BigInt> => Option<i64>, |r| r.redacts;
    }
}

columns! {
    /// Current versions of records.
    Records, Record of RecordRow {
        id: sql::Guid => Guid, |r| r.id;
        kind: Text => &'a str, |r| r.kind.as_str();
        reference: Text => &'a str, |r| r.reference.as_str();
        version: BigInt => i64, |r| r.version;
        seq: BigInt => i64, |r| r.seq;
        shape: Integer => i32, |r| r.shape;
        body: Text => &'a str, |r| r.body.as_str();
    }
}

/// What becomes of a record that exists: it takes a later version, and never an earlier one.
const LATER: &str = " ON CONFLICT (id) DO UPDATE SET reference = excluded.reference, version = \
    excluded.version, seq = excluded.seq, shape = excluded.shape, body = excluded.body WHERE \
    records.version < excluded.version";

/// Entries with the records that they describe, in one statement. It fails, with a division by zero,
/// if a record is at a later version than its entry.
pub struct Changes<'a> {
    pub entries: Entries<'a>,
    pub records: Records<'a>,
    /// How many records there are.
    pub count: i64,
}

impl QueryFragment<Pg> for Changes<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH entered AS (INSERT INTO journal");
        self.entries.push(&mut out)?;
        out.push_sql("), stored AS (INSERT INTO records");
        self.records.push(&mut out)?;
        out.push_sql(LATER);
        out.push_sql(" RETURNING 1) SELECT 1 / (count(*) = ");
        out.push_bind_param::<BigInt, _>(&self.count)?;
        out.push_sql(")::int FROM stored");
        Ok(())
    }
}

impl QueryFragment<Pg> for Records<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO records");
        self.push(&mut out)
    }
}

impl QueryFragment<Sqlite> for Entry<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO journal");
        self.push(&mut out)
    }
}

/// A record that does not exist.
impl QueryFragment<Sqlite> for Record<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO records");
        self.push(&mut out)
    }
}

/// A record that may exist.
pub struct Changed<'a>(pub Record<'a>);

impl QueryFragment<Sqlite> for Changed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO records");
        self.0.push(&mut out)?;
        out.push_sql(LATER);
        Ok(())
    }
}

macro_rules! made_once {
    ($connection:ident: $($name:ident),*) => { $(
        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl RunQueryDsl<$connection> for $name<'_> {}
    )* };
}

made_once!(PgConnection: Changes, Records);
made_once!(SqliteConnection: Entry, Record, Changed);
