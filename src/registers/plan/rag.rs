//! The colours in which whoever answers for something rates it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rating by colour.
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
    /// Will not be met without a change of course.
    Red,
    /// At risk.
    Amber,
    /// On course.
    Green,
    /// Complete.
    Blue,
    /// Not rated.
    #[default]
    Grey,
}
