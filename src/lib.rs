//! stride keeps a public body's strategy, delivery plan, boards and their meetings, audit
//! recommendations, risks, measures and communications, and answers over HTTP what stands where,
//! what is missing, and what stood where at any time.
//!
//! The way of a request: [`http::dispatch`] finds the operation, checks token, permission and
//! query; a view that was answered before is answered again while the journal stands still; else
//! the handler reads the world as the caller may see it ([`world::visible`]) or hands a job to the one
//! writer ([`engine`]), which runs it on a copy of the world ([`engine::txn`]), journals it
//! ([`journal`]) and publishes the new world after the commit; the answer goes back the same way.
//!
//! The rules of the house: imports run downwards ([`app`] → [`transfer`], [`views`] →
//! [`registers`], [`http`] → [`engine`] → [`world`] → [`journal`], [`db`]); a register says only
//! what is its own ([`world::Resource`]); there is no way to write but the writer, and no way to
//! read but what the caller may see. ARCHITECTURE.md has the map and the reasons.

pub mod access;
pub mod app;
pub mod auth;
pub mod config;
pub mod db;
pub mod documents;
pub mod engine;
pub mod http;
pub mod jobs;
pub mod journal;
pub mod metrics;
pub mod policy;
pub mod problem;
pub mod registers;
pub mod system;
pub mod transfer;
pub mod views;
pub mod world;
