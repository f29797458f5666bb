//! Documents: what a document is and who owns it. The files themselves are its versions.

pub mod version;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::evidence::DocumentVersion;
use crate::registers::governance::BoardId;
use crate::registers::links::parts;
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Form, Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DocumentKind {
    /// A strategy of the organisation or of an outside body.
    Strategy,
    /// A plan, such as a delivery plan or business plan.
    Plan,
    /// Terms of reference of a board.
    TermsOfReference,
    /// Agenda of a meeting.
    Agenda,
    /// Minutes of a meeting.
    Minutes,
    /// Paper submitted to a board.
    Paper,
    /// A report, such as an audit report.
    Report,
    /// A dashboard of figures.
    Dashboard,
    /// A policy that sets rules or principles.
    Policy,
    /// Advice on how to do something.
    Guidance,
    /// A letter or other correspondence.
    Letter,
    /// Figures as supplied.
    Data,
    /// Any other kind of document.
    Other,
}

/// State of completion that a document gives for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DocumentState {
    /// The document does not say whether it is a draft or final.
    #[default]
    NotStated,
    /// The document says that it is a draft.
    Draft,
    /// The document says that it is final.
    Final,
}

/// Id of a document.
pub type DocumentId = Id<Document>;

/// The address of a page that is read over TLS.
pub enum SecureForm {}

impl Form for SecureForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^https://[^\\s/?#]+[^\\s]*$");
    const EXAMPLE: Option<&'static str> = Some("https://example.org/reports/1");
}

/// Address of a page that is read over TLS.
pub type SecureAddress = Text<2000, 0, SecureForm>;

/// A document. Its files are its versions. A document kept elsewhere has a URL instead.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// Title.
    pub title: Text<300, 1>,
    /// What it is.
    pub document_kind: DocumentKind,
    /// Unit responsible for it.
    pub owner_unit_id: UnitId,
    /// Board the document was written for or by. Those responsible for that board's papers may also
    /// change it.
    #[serde(default)]
    pub board_id: Option<BoardId>,
    /// URL, if the document is kept elsewhere.
    #[serde(default)]
    pub url: Option<SecureAddress>,
    /// Date the document was last read at that URL.
    #[serde(default)]
    pub retrieved_on: Option<NaiveDate>,
    /// Date shown on the document.
    #[serde(default)]
    pub dated_on: Option<NaiveDate>,
    /// State of completion given in the document.
    #[serde(default)]
    pub state: DocumentState,
    /// State of completion in the document's own words ("draft v0.4, for comment").
    #[serde(default)]
    pub state_words: Option<Text<300>>,
    /// What it is about.
    #[serde(default)]
    pub description: Option<Text<4000>>,
}

/// Values computed by the service for a document. Versions with a stricter marking than the
/// document are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentComputed {
    /// Number of versions that are not withdrawn.
    #[schema(minimum = 0)]
    pub version_count: usize,
    /// Version with the highest number.
    pub latest_version_id: Option<Uuid>,
}

/// Narrows a list of documents.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DocumentFilter {
    /// Only documents of these kinds.
    #[param(value_type = Option<Vec<DocumentKind>>, inline, explode = false)]
    document_kind: Option<Any<DocumentKind>>,
    /// Only documents owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only documents owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only documents of this board.
    board_id: Option<BoardId>,
    /// Only documents that give one of these states for themselves.
    #[param(value_type = Option<Vec<DocumentState>>, inline, explode = false)]
    state: Option<Any<DocumentState>>,
    /// Whether the document has a file to download.
    has_versions: Option<bool>,
    /// Only documents dated on or after this date.
    dated_from: Option<NaiveDate>,
    /// Only documents dated on or before this date.
    dated_until: Option<NaiveDate>,
}

impl Resource for Document {
    const KIND: &'static str = "document";
    const PATH: &'static str = "documents";
    const PREFIX: &'static str = "DOC";
    const SUBJECT: Subject = Subject::Document;
    const ABOUT: &'static str = "Documents: strategies, terms of reference, minutes, papers, \
        reports. The files are a document's versions, each uploaded once and never changed. A \
        document kept elsewhere has a URL.";
    type Computed = DocumentComputed;
    type Filter = DocumentFilter;

    fn example() -> Value {
        json!({
            "title": "Inclusion and diversity strategy", "document_kind": "strategy",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "url": "https://example.org/strategy.pdf", "retrieved_on": "2020-10-26", "dated_on": "2017-06-30",
            "state": "draft", "state_words": "Draft for consultation",
            "description": "What the organisation wants to achieve in four years"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(
            [self.owner_unit_id.uuid()]
                .into_iter()
                .chain(self.board_id.map(Uuid::from)),
        )
    }
    // S27
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.require(
            self.url.is_some() || self.retrieved_on.is_none(),
            "/retrieved_on",
            "not_allowed",
            "is the date the URL was last read; give url or leave retrieved_on out",
        );
        not_in_future(rules, "/retrieved_on", self.retrieved_on);
    }
    fn compute(&self, reading: Reading<'_>, meta: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let versions = || parts::<DocumentVersion>(reading.world, meta);
        DocumentComputed {
            version_count: versions().count(),
            latest_version_id: versions().max_by_key(|v| v.data.number).map(|v| v.meta.id),
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "dated_on",
                key: |r| Key::from(r.data.dated_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        any(&f.document_kind, &r.data.document_kind)
            && is(&f.owner_unit_id, &r.data.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.data.owner_unit_id, top))
            && is_some(&f.board_id, &r.data.board_id)
            && any(&f.state, &r.data.state)
            && asked(f.has_versions, || r.computed.version_count > 0)
            && in_window(r.data.dated_on, (f.dated_from, f.dated_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.board_id.map(Uuid::from))
    }
}
