//! The database: SQLite or PostgreSQL behind one connection, the tables, and every statement that is sent to them.
//!
//! Nothing above this module writes SQL. Records are read from memory (see [`crate::world`]); the database keeps what must last.

pub mod connection;
mod readers;
pub mod schema;
pub mod store;
pub mod types;

pub use connection::{Address, Conn, DbError};
pub use readers::{Readers, is_lost};
