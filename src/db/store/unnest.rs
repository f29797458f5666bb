//! Inserts with the same text for any number of rows, so that PostgreSQL parses and plans each only
//! once: every column is sent as an array.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::{JournalRow, RecordRow};
use crate::db::types::{At, Guid, sql};

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
        redacts: Nullable<BigInt> => Option<i64>, |r| r.redacts;
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
