//! Who is calling and what they may do.
//!
//! [`accounts`] has the records of accounts and grants.
//! [`caller`] combines the two for one request. [`tokens`] issues and checks access tokens,
//! [`issuers`] checks those of other issuers, and [`secrets`] handles passwords and client secrets.

pub mod accounts;
pub mod caller;
pub mod identity;
pub mod issuers;
pub mod secrets;
pub mod tokens;

pub use caller::{Caller, Known};
pub use identity::{Held, Identity};
