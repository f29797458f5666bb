//! RAG ratings declared by the owner or lead of something.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

/// A RAG rating.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
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
