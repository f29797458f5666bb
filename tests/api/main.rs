//! The service from outside: every operation over HTTP, on both databases.
//!
//! `contract` walks the OpenAPI document, `conventions` what all kinds of records have in common,
//! `access` who may do and see what.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is a failed test"
)]

#[path = "../support/mod.rs"]
#[macro_use]
mod support;

mod access;
mod assurance;
mod attention;
mod back_dating;
mod blank_texts;
mod calendar;
mod changes;
mod communications;
mod contract;
mod contradictions;
mod conventions;
mod coverage;
mod end_of_life;
mod evidence;
mod examples;
mod following;
mod gaps;
#[macro_use]
mod golden;
mod history;
mod house;
mod impossible;
mod jobs;
mod labels;
mod meetings;
mod metrics;
mod migrations;
mod organisation;
mod organogram;
mod oversight;
mod papers;
mod performance;
mod recorded;
mod representation;
mod search;
mod settings;
mod since;
mod slippage;
mod status;
mod views;
