//! Who is calling and what they may do.
//!
//! [`policy`] has the permission matrix, [`accounts`] the records of accounts and grants.
//! [`caller`] combines the two for one request. [`tokens`] issues and checks access tokens,
//! [`issuers`] checks those of other issuers, and [`secrets`] handles passwords and client secrets.

pub mod accounts;
pub mod caller;
pub mod issuers;
pub mod secrets;
pub mod tokens;

pub use caller::{Caller, Identity, Known};
