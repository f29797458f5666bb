//! Both migration trees make the same database.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};
use stride::db::Address;

use crate::support::Backend;
use crate::support::app::{Store, store_for};

#[derive(QueryableByName, Debug)]
struct Column {
    #[diesel(sql_type = Text)]
    tab: String,
    #[diesel(sql_type = Text)]
    col: String,
    #[diesel(sql_type = Text)]
    is: String,
}

/// The columns of a table, each with the meaning of its type and whether it may be empty, and the
/// indices.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// A column type by what it holds, whatever the database calls it.
fn meaning(declared: &str) -> &'static str {
    match declared.to_ascii_lowercase().as_str() {
        "bigint" | "int8" => "number or moment",
        "timestamptz" | "timestamp with time zone" => "number or moment",
        "integer" | "int4" => "small number",
        "text" => "text",
        // A UUID is 16 bytes where there is no type for it.
        "uuid" | "bytea" | "blob" => "bytes",
        other => panic!("a column type that the tests do not know: {other}"),
    }
}

fn gather(columns: Vec<Column>, indices: Vec<Column>) -> Tables {
    let mut tables = Tables::new();
    // What the migration runner and the database keep for themselves.
    let own = |c: &Column| !c.tab.starts_with("__") && !c.tab.starts_with("sqlite_");
    for c in columns.into_iter().filter(own) {
        let (declared, empty) = c.is.split_once('|').expect("type and null");
        let is = format!("{}, {empty}", meaning(declared));
        tables.entry(c.tab).or_default().insert(c.col, is);
    }
    for i in indices.into_iter().filter(own) {
        tables
            .entry(i.tab)
            .or_default()
            .insert(format!("index on {}", i.col), i.is);
    }
    tables
}

fn of_sqlite(url: &str) -> Tables {
    let path = url.strip_prefix("sqlite://").expect("a path");
    let mut conn = SqliteConnection::establish(path).expect("a connection");
    // An INTEGER that is the whole primary key is the row's own 64-bit number.
    let columns = diesel::sql_query(
        "SELECT t.name AS tab, c.name AS col, CASE WHEN c.type = 'INTEGER' AND c.pk = 1 \
         AND (SELECT max(o.pk) FROM pragma_table_info(t.name) o) = 1 THEN 'BIGINT' ELSE c.type END || '|' || CASE WHEN c.\"notnull\" = 1 THEN 'not null' ELSE 'null' END AS \"is\" \
         FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
    );
    let indices = diesel::sql_query(
        "SELECT t.name AS tab, (SELECT group_concat(n, ',') FROM (SELECT i.name AS n FROM pragma_index_info(l.name) i ORDER BY i.seqno)) AS col, \
         CASE WHEN l.\"unique\" = 1 THEN 'unique' ELSE 'plain' END AS \"is\" \
         FROM sqlite_master t JOIN pragma_index_list(t.name) l WHERE t.type = 'table' AND l.origin = 'c'",
    );
    gather(
        columns.load(&mut conn).expect("columns"),
        indices.load(&mut conn).expect("indices"),
    )
}

fn of_postgres(url: &str) -> Tables {
    let mut conn = PgConnection::establish(url).expect("a connection");
    let columns = diesel::sql_query(
        "SELECT table_name::text AS tab, column_name::text AS col, \
         data_type::text || '|' || CASE WHEN is_nullable = 'NO' THEN 'not null' ELSE 'null' END AS \"is\" \
         FROM information_schema.columns WHERE table_schema = 'public'",
    );
    let indices = diesel::sql_query(
        "SELECT t.relname::text AS tab, \
         (SELECT string_agg(a.attname::text, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) \
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) AS col, \
         CASE WHEN i.indisunique THEN 'unique' ELSE 'plain' END AS \"is\" \
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace \
         WHERE s.nspname = 'public' AND NOT i.indisprimary",
    );
    gather(
        columns.load(&mut conn).expect("columns"),
        indices.load(&mut conn).expect("indices"),
    )
}

/// The names of a tree's migrations, each with a way up and a way down.
fn names(tree: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(tree);
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder of migrations")
        .map(|e| e.expect("an entry"))
        .inspect(|e| {
            assert!(
                e.path().join("up.sql").is_file() && e.path().join("down.sql").is_file(),
                "{:?}",
                e.path()
            )
        })
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn both_trees_have_the_same_migrations() {
    assert_eq!(names("sqlite"), names("postgres"));
    // Of two with one number only one would run.
    let numbers: std::collections::BTreeSet<String> = names("sqlite")
        .iter()
        .map(|n| n.chars().take(4).collect())
        .collect();
    assert_eq!(
        numbers.len(),
        names("sqlite").len(),
        "each has a number of its own"
    );
    assert!(!names("sqlite").is_empty());
}

#[test]
fn both_databases_have_the_same_tables_columns_and_indices() {
    let Some(postgres) = store_for(Backend::Postgres) else {
        return;
    };
    let sqlite = Store::new(Backend::Sqlite).expect("a folder");
    let address = Address::parse(&sqlite.url()).expect("an address");
    address
        .connect()
        .expect("a database")
        .migrate()
        .expect("migrations");
    let (ours, theirs) = (of_sqlite(&sqlite.url()), of_postgres(&postgres.url()));
    assert!(
        ours.contains_key("journal") && ours.contains_key("records"),
        "{ours:#?}"
    );
    assert_eq!(ours, theirs);
}

/// A database that is migrated already is left as it is, and every way down leads back to nothing.
#[test]
fn migrating_twice_changes_nothing_and_down_leads_back() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let Some(store) = store_for(backend) else {
            continue;
        };
        let address = Address::parse(&store.url()).expect("an address");
        let mut conn = address.connect().expect("a database");
        conn.migrate().expect("migrations");
        assert!(conn.is_migrated().expect("an answer"));
        let tables = |url: &str| {
            if backend == Backend::Sqlite {
                of_sqlite(url)
            } else {
                of_postgres(url)
            }
        };
        let before = tables(&store.url());
        conn.migrate().expect("migrations");
        assert_eq!(tables(&store.url()), before);
        let tree = if backend == Backend::Sqlite {
            "sqlite"
        } else {
            "postgres"
        };
        for name in names(tree).iter().rev() {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("migrations")
                .join(tree)
                .join(name)
                .join("down.sql");
            let sql = std::fs::read_to_string(path).expect("a way down");
            diesel::connection::SimpleConnection::batch_execute(&mut conn, &sql)
                .expect("the way down");
        }
        assert!(
            tables(&store.url()).is_empty(),
            "{tree}: what is made is unmade"
        );
    }
}
