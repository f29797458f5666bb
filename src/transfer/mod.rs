//! Records in and out: files that load, exports, imports, templates, calendar feeds, and what a
//! first start needs.

pub mod backup;
pub mod calendar_feeds;
pub mod copy;
pub mod export;
pub mod first_start;
pub mod generate;
pub mod import;
pub mod load;
pub mod templates;
