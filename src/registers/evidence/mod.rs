//! Documents with their versions, and the evidence they provide.

mod document;
#[expect(
    clippy::module_inception,
    reason = "the file is named after the record it defines"
)]
mod evidence;

pub use document::version::{DocumentVersion, DocumentVersionId, next_number};
pub use document::{Document, DocumentComputed, DocumentId, DocumentKind, DocumentState};
pub use evidence::Evidence;

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<DocumentKind>,
    Vocabulary::of::<DocumentState>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Document>()
        .with::<DocumentVersion>()
        .with::<Evidence>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    #[test]
    fn documents_and_versions() {
        check(
            "document",
            &[
                ("title", json!("")),
                ("title", long(301)),
                ("document_kind", json!("novel")),
                ("owner_unit_id", Value::Null),
                ("url", json!("http://example.org/plain")),
                ("url", json!("javascript:alert(1)")),
                ("state", json!("nearly")),
                ("state_words", long(301)),
                ("description", long(4001)),
                ("version_count", json!(1)),
            ],
        );
        check(
            "document_version",
            &[
                ("sha256", json!("abc")),
                ("byte_size", json!(0)),
                ("number", json!(0)),
                ("file_name", json!("a/b.pdf")),
                ("media_type", long(101)),
                ("label", long(61)),
                ("what_changed", long(2001)),
            ],
        );
    }

    #[test]
    fn what_is_evidence_of_what() {
        check(
            "evidence",
            &[
                ("supports_id", Value::Null),
                ("shows", json!("")),
                ("shows", long(2001)),
                ("submitted_on", json!("soon")),
                ("source_id", json!("x")),
            ],
        );
    }
}
