//! Versions of documents: a file as uploaded, with its hash. Only an upload creates one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::evidence::DocumentId;
use crate::registers::links::others;
use crate::registers::query::is;
use crate::world::text::Sha256Hex;
use crate::world::walk::unsearched;
use crate::world::{
    Form, Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// Id of a document version.
pub type DocumentVersionId = Id<DocumentVersion>;

/// The name of a file, without a folder.
pub enum FileNameForm {}

impl Form for FileNameForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^[^/\\\\:*?\"<>|]+$");
}

/// Name of a file, without a folder.
pub type FileName = Text<150, 1, FileNameForm>;

/// The media type of a file.
pub enum MediaTypeForm {}

impl Form for MediaTypeForm {
    type Store = Box<str>;
    const EXAMPLE: Option<&'static str> = Some("application/pdf");
}

/// Media type of a file.
pub type MediaType = Text<100, 3, MediaTypeForm>;

/// A file of a document, as uploaded. `created_by` is the account that uploaded it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentVersion {
    /// The document.
    pub document_id: DocumentId,
    /// Version number, starting at 1 for the document's first version.
    #[schema(minimum = 1)]
    pub number: i64,
    /// Version label used in the document itself ("0.4").
    #[serde(default)]
    pub label: Option<Text<60, 1>>,
    /// What changed since the previous version.
    #[serde(default)]
    pub what_changed: Option<Text<2000, 1>>,
    /// File name, made safe for saving.
    pub file_name: FileName,
    /// Media type, checked against the file's first bytes.
    #[serde(serialize_with = "unsearched")]
    pub media_type: MediaType,
    /// Size in bytes.
    #[schema(minimum = 1)]
    pub byte_size: i64,
    /// SHA-256 of the file, in hexadecimal; also the ETag of its content.
    pub sha256: Sha256Hex,
}

/// Narrows a list of document versions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DocumentVersionFilter {
    /// Only versions of this document.
    document_id: Option<DocumentId>,
    /// Only versions whose file has this hash.
    sha256: Option<Text<64>>,
    /// Only versions of this media type.
    media_type: Option<Text<100>>,
}

impl Resource for DocumentVersion {
    const KIND: &'static str = "document_version";
    const PATH: &'static str = "document-versions";
    const PREFIX: &'static str = "DOV";
    const SUBJECT: Subject = Subject::Document;
    const ABOUT: &'static str = "The files of documents, as uploaded, each with its SHA-256. An \
        upload creates a version (`POST /documents/{id}/versions`) and nothing changes it. A \
        version cited as evidence cannot be withdrawn.";
    const APPEND_ONLY: bool = true;
    const OFFERS_CREATE: bool = false;
    type Computed = NothingComputed;
    type Filter = DocumentVersionFilter;

    fn example() -> Value {
        json!({
            "document_id": "019abcde-0000-7000-8000-000000000001", "number": 1, "label": "0.4",
            "what_changed": "The aims have measures", "file_name": "strategy-0.4.pdf", "media_type": "application/pdf",
            "byte_size": 183_204, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        })
    }
    fn title(&self) -> Option<&str> {
        self.label.as_deref()
    }
    fn place(&self) -> Place {
        Place::within([self.document_id])
    }
    // S27
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let taken = others(rules, self.document_id.uuid()).any(|v| v.data.number == self.number);
        rules.require(
            !taken,
            "/number",
            "duplicate",
            "the document already has a version with this number",
        );
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.document_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "number",
                key: |r| Key::Number(r.data.number),
            },
            Sort {
                name: "byte_size",
                key: |r| Key::Number(r.data.byte_size),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.document_id, &r.data.document_id)
            && is(&f.sha256, &r.data.sha256)
            && is(&f.media_type, &r.data.media_type)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.document_id.map(Uuid::from)
    }
}

/// Returns the number for the next version of a document. Withdrawn versions keep their numbers.
#[must_use]
pub fn next_number(world: &crate::world::World, document: Uuid) -> i64 {
    let numbers = world
        .pointing_to(document)
        .filter_map(|r| r.as_any().downcast_ref::<Rec<DocumentVersion>>())
        .map(|v| v.data.number);
    numbers.max().unwrap_or(0) + 1
}
