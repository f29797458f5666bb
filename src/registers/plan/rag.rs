//! RAG ratings declared by the owner or lead of something.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A RAG rating.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rag {
    /// Will not be met unless something changes.
    Red,
    /// At risk.
    Amber,
    /// On track.
    Green,
    /// Complete.
    Blue,
    /// Not rated.
    #[default]
    Grey,
}
