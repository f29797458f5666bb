//! Evidence: which version of which document, or which record, bears out what another record says.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::DocumentVersion;
use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::query::{is, is_some};
use crate::world::record::ANY_KIND;
use crate::world::seen::cleared;
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What bears out a record. It names the very version of a document, which then stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The record that it supports, of any kind.
    pub supports_id: Uuid,
    /// The version of a document that is the evidence.
    #[serde(default)]
    pub document_version_id: Option<Uuid>,
    /// The record that is the evidence, where it is not a version of a document: minutes, say, or a document kept elsewhere.
    #[serde(default)]
    pub source_id: Option<Uuid>,
    /// What it shows, in words.
    #[schema(min_length = 1, max_length = 2000)]
    pub shows: String,
    /// Day on which it was submitted.
    pub submitted_on: NaiveDate,
    /// The post that submitted it.
    #[serde(default)]
    pub by_post_id: Option<Uuid>,
}

/// Narrows a list of evidence.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct EvidenceFilter {
    /// Evidence for this record.
    supports_id: Option<Uuid>,
    /// Evidence that is this version of a document.
    document_version_id: Option<Uuid>,
    /// Evidence that is this document, in whatever version, or cited as kept elsewhere.
    document_id: Option<Uuid>,
    /// Evidence that is this record.
    source_id: Option<Uuid>,
    /// Evidence that this post submitted.
    by_post_id: Option<Uuid>,
    /// Evidence submitted on or after this day.
    submitted_from: Option<NaiveDate>,
    /// Evidence submitted on or before this day.
    submitted_until: Option<NaiveDate>,
}

impl Evidence {
    fn check_source(&self, rules: &mut Rules<'_, Self>) {
        let world = rules.reading.world;
        match (self.document_version_id, self.source_id) {
            (None, None) => rules.refuse(
                "/document_version_id",
                "required",
                "name what the evidence is: a document_version_id, or the source_id of another record",
            ),
            (Some(_), Some(_)) => rules.refuse(
                "/source_id",
                "not_allowed",
                "the evidence is either a version of a document or another record; record the other as evidence of its own",
            ),
            _ => {}
        }
        if self
            .source_id
            .is_some_and(|id| world.get::<DocumentVersion>(id).is_some())
        {
            rules.refuse(
                "/source_id",
                "wrong_kind",
                "is a version of a document; name it in document_version_id",
            );
        }
        let cites = [self.document_version_id, self.source_id];
        if cites.contains(&Some(self.supports_id)) {
            rules.refuse(
                "/supports_id",
                "circle",
                "nothing is evidence of itself; name another record",
            );
        }
        let is_evidence = |id: Uuid| world.get::<Self>(id).is_some();
        if is_evidence(self.supports_id) || self.source_id.is_some_and(is_evidence) {
            let pointer = if is_evidence(self.supports_id) {
                "/supports_id"
            } else {
                "/source_id"
            };
            rules.refuse(
                pointer,
                "wrong_kind",
                "is evidence itself; name what it supports, or what it cites",
            );
        }
        // What was withdrawn while this was withdrawn too must not be cited again by its restoring.
        let comes_back = rules.before.is_some_and(|b| !b.is_live());
        let gone = |id: &Uuid| {
            world
                .any(*id)
                .is_some_and(|r| r.meta().withdrawn_at.is_some())
        };
        if comes_back && cites.iter().flatten().any(gone) {
            rules.refuse(
                "",
                "withdrawn",
                "what it cites is withdrawn; restore that first",
            );
        }
    }
}

impl Resource for Evidence {
    const KIND: &'static str = "evidence";
    const PATH: &'static str = "evidence";
    const PREFIX: &'static str = "EVD";
    const SUBJECT: Subject = Subject::Document;
    const ABOUT: &'static str = "What bears out a record: a version of a document, or another record, with what it shows. Whoever owns the record that is supported owns its evidence, and who may not know of that record does not know of its evidence. What live evidence cites cannot be withdrawn.";
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
    fn links(&self, links: &mut Links) {
        links.to("/supports_id", ANY_KIND, self.supports_id);
        links.to(
            "/document_version_id",
            &["document_version"],
            self.document_version_id,
        );
        links.to("/source_id", ANY_KIND, self.source_id);
        links.to("/by_post_id", &["post"], self.by_post_id);
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
    fn text(&self) -> Vec<&str> {
        vec![&self.shows]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        // Which document a version is of is for those who may know of the version.
        let document = || {
            let version = r
                .data
                .document_version_id
                .filter(|v| cleared(reading.world, reading.clearance, *v));
            version
                .and_then(|v| reading.world.get::<DocumentVersion>(v))
                .map(|v| v.data.document_id)
                .or(r.data.source_id)
        };
        is(&f.supports_id, &r.data.supports_id)
            && is_some(&f.document_version_id, &r.data.document_version_id)
            && (f.document_id.is_none() || document() == f.document_id)
            && is_some(&f.source_id, &r.data.source_id)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && in_window(
                Some(r.data.submitted_on),
                (f.submitted_from, f.submitted_until),
            )
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.supports_id
            .or(f.document_version_id)
            .or(f.source_id)
            .or(f.by_post_id)
    }
}
