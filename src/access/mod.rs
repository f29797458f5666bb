//! Who is calling and what they may do.
//!
//! [`policy`] is the matrix, [`accounts`] the records that grants are kept in, [`caller`] puts the two together for one request,
//! [`tokens`] issues and checks access tokens, [`issuers`] checks those of others, [`secrets`] keeps passwords and client secrets.

pub mod accounts;
pub mod caller;
pub mod issuers;
pub mod secrets;
pub mod tokens;

pub use caller::{Caller, Identity, Known};
