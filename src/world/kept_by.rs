//! Who keeps the full record of something: this organisation, or somebody else.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

/// Who keeps the full record. How well a record is kept is judged only if it is kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum KeptBy {
    /// This organisation.
    #[default]
    #[strum(message = "Kept here")]
    Here,
    /// Another body. Only what concerns this organisation is recorded.
    #[strum(message = "Kept elsewhere")]
    Elsewhere,
    /// Nobody: it is only mentioned, so that other records can refer to it.
    #[strum(message = "Only mentioned")]
    Mentioned,
}

impl KeptBy {
    /// Whether this organisation keeps the record.
    #[must_use]
    pub fn is_here(self) -> bool {
        self == Self::Here
    }
}
