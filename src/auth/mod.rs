//! How callers sign in, and what is kept about people and accounts apart from the journal.

pub mod accounts;
pub mod people;
pub mod sign_in;
