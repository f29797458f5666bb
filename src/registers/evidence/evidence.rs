//! Evidence: which version of which document, or which other record, supports a record.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::DocumentVersion;
use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::evidence::{DocumentId, DocumentVersionId};
use crate::registers::organisation::PostId;
use crate::registers::query::{is, is_some};
use crate::world::id::AnyRecordId;
use crate::world::visible::cleared;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Evidence supporting a record. It cites one specific version of a document, so the evidence stays
/// the same.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Record that it supports, of any kind.
    pub supports_id: AnyRecordId,
    /// Document version that is the evidence.
    #[serde(default)]
    pub document_version_id: Option<DocumentVersionId>,
    /// Record that is the evidence, if it is not a document version: for example minutes, or a
    /// document kept elsewhere.
    #[serde(default)]
    pub source_id: Option<AnyRecordId>,
    /// What it shows, in words.
    pub shows: Text<2000, 1>,
    /// Date it was submitted.
    pub submitted_on: NaiveDate,
    /// Post that submitted it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
}

/// Narrows a list of evidence records.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct EvidenceFilter {
    /// Only evidence for this record.
    supports_id: Option<AnyRecordId>,
    /// Only evidence that cites this document version.
    document_version_id: Option<DocumentVersionId>,
    /// Only evidence that cites this document, in any version or as a document kept elsewhere.
    document_id: Option<DocumentId>,
    /// Only evidence that cites this record.
    source_id: Option<AnyRecordId>,
    /// Only evidence submitted by this post.
    by_post_id: Option<PostId>,
    /// Only evidence submitted on or after this date.
    submitted_from: Option<NaiveDate>,
    /// Only evidence submitted on or before this date.
    submitted_until: Option<NaiveDate>,
}

impl Evidence {
    fn check_source(&self, rules: &mut Rules<'_, Self>) {
        let world = rules.reading.world;
        match (self.document_version_id, self.source_id) {
            (None, None) => rules.refuse(
                "/document_version_id",
                "required",
                "say what the evidence is; give document_version_id, or source_id for another \
                    record",
            ),
            (Some(_), Some(_)) => rules.refuse(
                "/source_id",
                "not_allowed",
                "give either document_version_id or source_id; record the other as separate \
                    evidence",
            ),
            _ => {}
        }
        if self
            .source_id
            .is_some_and(|id| world.get::<DocumentVersion>(id.uuid()).is_some())
        {
            rules.refuse(
                "/source_id",
                "wrong_kind",
                "source_id is a document version; give it in document_version_id instead",
            );
        }
        let own = self.supports_id.uuid();
        if self.document_version_id.is_some_and(|id| id == own)
            || self.source_id.is_some_and(|id| id == own)
        {
            rules.refuse(
                "/supports_id",
                "circle",
                "a record cannot be evidence of itself; name another record",
            );
        }
        let is_evidence = |id: AnyRecordId| world.get::<Self>(id.uuid()).is_some();
        if is_evidence(self.supports_id) || self.source_id.is_some_and(is_evidence) {
            let pointer = if is_evidence(self.supports_id) {
                "/supports_id"
            } else {
                "/source_id"
            };
            rules.refuse(
                pointer,
                "wrong_kind",
                "this is an evidence record; name the record it supports, or the one it cites",
            );
        }
        // A cited record may have been withdrawn while this evidence was withdrawn. Restoring the
        // evidence must not cite it again.
        let comes_back = rules.before.is_some_and(|b| b.meta.withdrawn_at.is_some());
        let gone = |id: &Uuid| world.any(*id).is_some_and(|r| !world.is_live(r.as_ref()));
        let cites = [
            self.document_version_id.map(Uuid::from),
            self.source_id.map(Uuid::from),
        ];
        if comes_back && cites.iter().flatten().any(gone) {
            rules.refuse(
                "",
                "withdrawn",
                "a record it cites is withdrawn; restore that record first",
            );
        }
    }
}

impl Resource for Evidence {
    const KIND: &'static str = "evidence";
    const PATH: &'static str = "evidence";
    const PREFIX: &'static str = "EVD";
    const SUBJECT: Subject = Subject::Document;
    const ABOUT: &'static str = "Evidence supporting a record: a version of a document, or \
        another record, with what it shows. The owner of the supported record owns its evidence. \
        Callers who cannot see that record cannot see its evidence. A record cannot be withdrawn \
        while live evidence cites it.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = EvidenceFilter;

    fn example() -> Value {
        json!({
            "supports_id": "019abcde-0000-7000-8000-000000000001",
            "document_version_id": "019abcde-0000-7000-8000-000000000002",
            "shows": "The course was held in all units by the end of October",
            "submitted_on": "2020-10-26", "by_post_id": "019abcde-0000-7000-8000-000000000003"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.supports_id])
    }
    // S27
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/submitted_on", Some(self.submitted_on));
        self.check_source(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "submitted_on",
            key: |r| Key::from(Some(r.data.submitted_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        // The document that a version belongs to is disclosed only to callers who can see the
        // version.
        let document = || {
            let version = r
                .data
                .document_version_id
                .filter(|v| cleared(reading.world, reading.clearance, (*v).uuid()));
            version
                .and_then(|v| reading.world.get::<DocumentVersion>(v))
                .map(|v| v.data.document_id.uuid())
                .or(r.data.source_id.map(Uuid::from))
        };
        is(&f.supports_id, &r.data.supports_id)
            && is_some(&f.document_version_id, &r.data.document_version_id)
            && (f.document_id.is_none() || document() == f.document_id.map(Uuid::from))
            && is_some(&f.source_id, &r.data.source_id)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && in_window(
                Some(r.data.submitted_on),
                (f.submitted_from, f.submitted_until),
            )
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.supports_id
            .map(Uuid::from)
            .or(f.document_version_id.map(Uuid::from))
            .or(f.source_id.map(Uuid::from))
            .or(f.by_post_id.map(Uuid::from))
    }
}
