//! stride keeps a public body's strategy, delivery plan, boards and their meetings, audit
//! recommendations, risks, measures and communications, and answers over HTTP what their status is,
//! what is missing, and what was recorded at any time.
//!
//! # The map
//!
//! From top to bottom. A file imports from its own room and from the rooms below it.
//!
//! - [`app`]: the service put together; the command line and the tests start the same.
//! - [`transfer`], [`documents`], [`jobs`], [`auth`], [`system`]: records and files in and out,
//!   large loads, sign-in, and what the service says of itself.
//! - [`views`]: what is asked. Each view is a pure function of a visible world and a date.
//! - [`http`]: the conventions, once for every kind of record.
//! - [`render`]: how answers look to people: tables, documents, diagrams, calendars, labels.
//! - [`registers`]: what is kept. A folder for each register, a file or folder for each resource.
//! - [`engine`]: the writer, the follower of other replicas, transactions, past worlds.
//! - [`access`]: accounts and grants, callers, tokens, trusted issuers.
//! - [`world`]: every record in memory, and what a caller may see of it.
//! - [`journal`]: one entry for each change, chained by hashes.
//! - [`config`], [`db`], [`metrics`], [`problem`], [`policy`]: settings, every SQL statement,
//!   counters, every error code, the permission matrix.
//!
//! # The way of a request
//!
//! [`http::dispatch`] finds the operation and checks token, permission and query. A view that was
//! answered before is answered again until the journal changes. Otherwise the handler reads the
//! [`world`] as the caller may see it, or hands a job to the one writer of the [`engine`]. The
//! writer runs the job on a copy of the world, enters the change in the [`journal`], stores it
//! ([`db`]), and publishes the new world after the commit.
//!
//! # The rules of the house
//!
//! - Nothing writes except through the writer, and every write is journalled.
//! - Nothing reads except what the caller may see; a record's JSON leaves only in the form for its
//!   caller.
//! - A resource ([`world::Resource`]) says only what is its own: fields, limits, place, rules,
//!   filter. It knows nothing about HTTP or storage.
//! - An operation ([`http::Operation`]) is defined in one place, from which route, permission and
//!   documentation follow.
//! - What crosses [`registers`] is a [view](crate::views).
//! - Imports run downwards. Files import each other only inside one resource's folder and inside
//!   `world`.
//! - Nothing panics.
//!
//! ARCHITECTURE.md has two requests step by step and the invariants with the test that holds each;
//! CONTRIBUTING.md has the recipes for a resource, a field, a rule and a view; docs/decisions.md
//! has the reasons.

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
#[cfg(test)]
#[path = "../tests/support/lists.rs"]
mod lists;
pub mod metrics;
pub mod policy;
pub mod problem;
pub mod registers;
pub mod render;
pub mod system;
pub mod transfer;
pub mod views;
pub mod world;
