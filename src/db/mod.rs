//! The database: SQLite or PostgreSQL behind one connection type, the tables, and every statement
//! sent to them.
//!
//! Nothing above this module writes SQL. Records are read from memory (see [`crate::world`]); the
//! database stores what must be kept.

pub mod connection;
mod readers;
pub mod schema;
pub mod store;
pub mod types;

pub use connection::{Address, Conn, DbError};
pub use readers::{Readers, is_lost};
