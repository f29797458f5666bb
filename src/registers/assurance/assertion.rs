//! Assertions: statements about a record ("embedded", "fully aligned"), with or without evidence.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId, UnitKind};
use crate::registers::query::{Any, any, any_some, is, is_some};
use crate::world::id::{AnyRecordId, Target};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Whether any supporting evidence was given for an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AssertionEvidence {
    /// No supporting evidence was given.
    #[default]
    #[strum(message = "No evidence")]
    None,
    /// Evidence was described in words.
    #[strum(message = "Evidence described")]
    Described,
}

/// What an assertion says of its record. It decides what can contradict the assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AssertionKind {
    /// The record is complete, final or in place.
    Complete,
    /// The record is aligned to another one, named in `aligned_to_id`.
    Aligned,
    /// All of a group take part or are covered.
    AllOfGroup,
    /// The record has improved.
    Improved,
    /// The record mitigates a risk, or its risks are mitigated.
    #[strum(message = "Mitigated")]
    Mitigates,
    /// There are no risks to the record.
    #[strum(message = "No risks")]
    None,
    /// Anything else. Nothing contradicts it.
    Other,
}

/// A record that another may be aligned to.
#[derive(Debug)]
pub enum AlignedTo {}

impl Target for AlignedTo {
    const KINDS: &'static str = "strategy|strategy_version|goal";
}

/// Id of such a record.
pub type AlignedToId = Id<AlignedTo>;

/// A statement made about a record. Supporting evidence found later is recorded as evidence linked
/// to this assertion.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Assertion {
    /// The record it is about, of any kind.
    pub about_id: AnyRecordId,
    /// The statement made.
    pub claim: Text<2000, 1>,
    /// What it says of the record. Without it, nothing is compared with the assertion.
    #[serde(default)]
    pub assertion_kind: Option<AssertionKind>,
    /// What the record is said to be aligned to. Required with `aligned`, and allowed only then.
    #[serde(default)]
    pub aligned_to_id: Option<AlignedToId>,
    /// The group, if it is all units of a kind. Allowed only with `all_of_group`.
    #[serde(default)]
    pub group_kind: Option<UnitKind>,
    /// The post that made the statement; null if the sources do not say.
    #[serde(default)]
    pub said_by_post_id: Option<PostId>,
    /// Date of the statement.
    pub said_on: NaiveDate,
    /// Where the statement was made ("Joint Audit Panel paper of 26 October 2020, recommendation
    /// 4").
    #[serde(default)]
    pub stated_in: Option<Text<300, 1>>,
    /// Whether any supporting evidence was given.
    #[serde(default)]
    pub evidence: AssertionEvidence,
    /// Description of the evidence. Required with `described`, and allowed only then.
    #[serde(default)]
    pub evidence_description: Option<Text<2000, 1>>,
}

/// Narrows a list of assertions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AssertionFilter {
    /// Only assertions about this record.
    about_id: Option<AnyRecordId>,
    /// Only assertions by this post.
    said_by_post_id: Option<PostId>,
    /// Only assertions of these kinds.
    #[param(value_type = Option<Vec<AssertionKind>>, inline, explode = false)]
    assertion_kind: Option<Any<AssertionKind>>,
    /// Only assertions with evidence `none` or `described`.
    #[param(value_type = Option<Vec<AssertionEvidence>>, inline, explode = false)]
    evidence: Option<Any<AssertionEvidence>>,
    /// Only assertions about records that belong to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only assertions made on or after this day.
    said_from: Option<NaiveDate>,
    /// Only assertions made on or before this day.
    said_until: Option<NaiveDate>,
}

impl Resource for Assertion {
    const KIND: &'static str = "assertion";
    const PATH: &'static str = "assertions";
    const PREFIX: &'static str = "AST";
    const SUBJECT: Subject = Subject::AssuranceProgress;
    const ABOUT: &'static str = "Statements made about a record: by which post, when, and with \
        what evidence. An assertion without evidence is reported as such. One with an \
        `assertion_kind` is compared with the records that can contradict it.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = AssertionFilter;

    fn example() -> Value {
        json!({
            "about_id": "019abcde-0000-7000-8000-000000000001", "claim": "Wholly in line with the strategy",
            "assertion_kind": "aligned", "aligned_to_id": "019abcde-0000-7000-8000-000000000002",
            "said_by_post_id": "019abcde-0000-7000-8000-000000000001", "said_on": "2020-10-26",
            "stated_in": "Joint Audit Panel paper of October 2020", "evidence": "described",
            "evidence_description": "The delivery plan, where each item names an aim"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.claim)
    }
    fn place(&self) -> Place {
        Place::within([self.about_id])
    }
    // S28
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/said_on", Some(self.said_on));
        let aligned = self.assertion_kind == Some(AssertionKind::Aligned);
        let (code, detail) = if aligned {
            (
                "required",
                "is required with assertion_kind `aligned`; name the strategy, version or goal",
            )
        } else {
            (
                "not_allowed",
                "is allowed only with assertion_kind `aligned`; set that or leave this out",
            )
        };
        let named = self.aligned_to_id.is_some();
        rules.require(named == aligned, "/aligned_to_id", code, detail);
        rules.require(
            self.group_kind.is_none() || self.assertion_kind == Some(AssertionKind::AllOfGroup),
            "/group_kind",
            "not_allowed",
            "is allowed only with assertion_kind `all_of_group`; set that or leave this out",
        );
        let described = self.evidence == AssertionEvidence::Described;
        let (code, detail) = if described {
            (
                "required",
                "is required with evidence `described`; say what evidence was given",
            )
        } else {
            (
                "not_allowed",
                "is allowed only with evidence `described`; set that or leave this out",
            )
        };
        let given = self.evidence_description.is_some();
        rules.require(given == described, "/evidence_description", code, detail);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "said_on",
            key: |r| Key::from(Some(r.data.said_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.about_id, &r.data.about_id)
            && is_some(&f.said_by_post_id, &r.data.said_by_post_id)
            && any_some(&f.assertion_kind, r.data.assertion_kind)
            && any(&f.evidence, &r.data.evidence)
            && in_window(Some(r.data.said_on), (f.said_from, f.said_until))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.about_id
            .map(Uuid::from)
            .or(f.said_by_post_id.map(Uuid::from))
    }
}
