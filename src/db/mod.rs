//! The database: SQLite or PostgreSQL behind one connection type, the tables, and every statement
//! sent to them.
//!
//! Nothing above this module writes SQL. Records are read from memory (see [`crate::world`]); the
//! database stores what must be kept.

pub mod connection;
mod in_use;
mod pulse;
mod readers;
pub mod schema;
pub mod store;
pub mod types;
mod waits;
mod worker;

pub use connection::{Address, Conn, DbError, private_folder};
pub use in_use::{DatabaseFile, InUse};
pub use readers::Readers;
pub use waits::Waits;
pub use worker::{Link, Silent, Turn, Watch, Watched, Worker, unpoisoned};
