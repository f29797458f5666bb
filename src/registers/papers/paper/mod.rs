//! Papers submitted to a meeting. The author writes the text and the registers supply the facts.

pub mod issue;
pub mod rules;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window};
use crate::registers::governance::BoardId;
use crate::registers::meetings::{Meeting, MeetingId};
use crate::registers::organisation::PostId;
use crate::registers::papers::{
    ChosenGap, PanelRecommendation, PaperAppendix, PaperImplication, PaperIssue, PaperNarrative,
    PaperScope, PaperStatus, PaperTemplateId, StruckItem,
};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::id::AnyRecordId;
use crate::world::record::links_of;
use crate::world::{
    Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text, World, rename,
};

/// Id of a paper.
pub type PaperId = Id<Paper>;

/// A paper for a meeting of a board. Its supporting information is computed from its scope (`GET
/// /papers/{id}/content`). Texts are Markdown, in which `[[recommendation:DARA-2020-3]]` names a
/// record. Write posts, never people's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Paper {
    /// Title.
    pub title: Text<300, 1>,
    /// Meeting the paper is for.
    pub meeting_id: MeetingId,
    /// Author post.
    pub author_post_id: PostId,
    /// Post to contact. Null means the author post.
    #[serde(default)]
    pub contact_post_id: Option<PostId>,
    /// Template that sets its sections and their order.
    pub template_id: PaperTemplateId,
    /// Why the paper is submitted to the panel.
    #[serde(default)]
    pub purpose: Option<Text<8000, 1>>,
    /// What the panel should consider, point by point.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub key_considerations: Vec<Text<4000, 1>>,
    /// Author's text on interdependencies. The paper also gives the cross-references of the
    /// strategies in scope.
    #[serde(default)]
    pub interdependencies: Option<Text<8000, 1>>,
    /// What the panel is asked to do.
    #[serde(default)]
    #[schema(max_items = 26)]
    pub recommendations: Vec<PanelRecommendation>,
    /// Author's text, section by section.
    #[serde(default)]
    #[schema(max_items = 60)]
    pub narrative: Vec<PaperNarrative>,
    /// Impact on equality and diversity.
    #[serde(default)]
    pub equality_impact: PaperImplication,
    /// Financial implications.
    #[serde(default)]
    pub financial: PaperImplication,
    /// Legal implications.
    #[serde(default)]
    pub legal: PaperImplication,
    /// Risk implications.
    #[serde(default)]
    pub risk: PaperImplication,
    /// Appendices.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub appendices: Vec<PaperAppendix>,
    /// Scope of the paper.
    #[serde(default)]
    pub scope: PaperScope,
    /// Gaps shown in the paper.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub gaps: Vec<ChosenGap>,
    /// Overdue records left out, each with a reason. Everything else that is overdue has its own
    /// line.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub struck: Vec<StruckItem>,
    /// Reporting date. The paper covers what was recorded up to the end of this day, and uses it to
    /// decide what is overdue. Null means the day on which the paper is read or issued.
    #[serde(default)]
    pub as_of_on: Option<NaiveDate>,
    /// Paper it is compared with. Null means the last one issued to the same board.
    #[serde(default)]
    pub previous_id: Option<PaperId>,
    /// Issued paper that it replaces once it is issued.
    #[serde(default)]
    pub supersedes_id: Option<PaperId>,
}

/// Values computed by the service for a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperComputed {
    /// Current status.
    pub status: PaperStatus,
    /// Board whose meeting the paper is for.
    pub board_id: Option<BoardId>,
    /// Issue of the paper. Null for a draft or a recalled paper.
    pub issue_id: Option<Uuid>,
    /// Date it was issued.
    pub issued_on: Option<NaiveDate>,
    /// Date used to decide what is overdue, once the paper is issued.
    pub assessed_on: Option<NaiveDate>,
    /// SHA-256 of its frozen content.
    pub content_sha256: Option<Text<64>>,
    /// Number of recommendations in an issued paper with no decision of the panel recorded.
    #[schema(minimum = 0)]
    pub decisions_open: usize,
}

/// Narrows a list of papers.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PaperFilter {
    /// Only papers for this meeting.
    meeting_id: Option<MeetingId>,
    /// Only papers for meetings of this board.
    board_id: Option<BoardId>,
    /// Only papers by this author post.
    author_post_id: Option<PostId>,
    /// Only papers that use this template.
    template_id: Option<PaperTemplateId>,
    /// Only papers in these statuses.
    #[param(value_type = Option<Vec<PaperStatus>>, inline, explode = false)]
    status: Option<Any<PaperStatus>>,
    /// Only papers that report on this record, show a gap on it, leave it out, or have it as an
    /// appendix.
    about_id: Option<AnyRecordId>,
    /// Whether a decision of the panel has not been recorded yet.
    decisions_open: Option<bool>,
    /// Only those issued on or after this date.
    issued_from: Option<NaiveDate>,
    /// Only those issued on or before this date.
    issued_until: Option<NaiveDate>,
}

impl Paper {
    /// Returns every issue ever made of a paper, including withdrawn ones.
    pub(in crate::registers::papers) fn issues(
        world: &World,
        id: Uuid,
    ) -> impl Iterator<Item = &Rec<PaperIssue>> {
        world
            .pointing_to(id)
            .filter_map(|r| r.as_any().downcast_ref::<Rec<PaperIssue>>())
            .filter(move |i| i.data.paper_id == id)
    }

    /// Returns the texts written by the author, each with its JSON pointer.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, &str)> {
        let mut texts: Vec<(String, &str)> = Vec::new();
        let optional = [
            ("/purpose", &self.purpose),
            ("/interdependencies", &self.interdependencies),
            ("/equality_impact/text", &self.equality_impact.text),
            ("/financial/text", &self.financial.text),
            ("/legal/text", &self.legal.text),
            ("/risk/text", &self.risk.text),
        ];
        texts.extend(
            optional
                .into_iter()
                .filter_map(|(at, t)| Some((at.to_owned(), t.as_deref()?))),
        );
        let numbered = |at: &str, n: usize, field: &str| format!("{at}/{n}{field}");
        texts.extend(
            self.key_considerations
                .iter()
                .enumerate()
                .map(|(n, t)| (numbered("/key_considerations", n, ""), t.as_str())),
        );
        texts.extend(
            self.recommendations
                .iter()
                .enumerate()
                .map(|(n, r)| (numbered("/recommendations", n, "/text"), r.text.as_str())),
        );
        texts.extend(
            self.narrative
                .iter()
                .enumerate()
                .map(|(n, s)| (numbered("/narrative", n, "/text"), s.text.as_str())),
        );
        texts
    }

    /// Returns the paper without the panel's decisions. This part cannot change once the paper is
    /// issued.
    pub(in crate::registers::papers) fn undecided(&self) -> Self {
        let mut paper = self.clone();
        for r in &mut paper.recommendations {
            (r.decision, r.decided_on, r.decision_note) = (None, None, None);
        }
        paper
    }
}

impl Resource for Paper {
    const KIND: &'static str = "paper";
    const PATH: &'static str = "papers";
    const PREFIX: &'static str = "PAP";
    const SUBJECT: Subject = Subject::Paper;
    const ABOUT: &'static str = "Papers for meetings of boards. The author writes the purpose, \
        the considerations, what the panel is asked to do and the text of each section; the rest \
        is computed from the registers (`GET /papers/{id}/content`: JSON, Markdown, HTML, DOCX). \
        `POST /papers/{id}/issue` freezes the paper; after that only the panel's decisions are \
        recorded here. A draft is visible to anyone who can read papers, unless it is marked \
        official_sensitive.";
    const SHAPE: i32 = 2;
    type Computed = PaperComputed;
    type Filter = PaperFilter;

    fn example() -> Value {
        json!({
            "title": "Progress on the audit's recommendations",
            "meeting_id": "019abcde-0000-7000-8000-000000000001",
            "author_post_id": "019abcde-0000-7000-8000-000000000002",
            "template_id": "019abcde-0000-7000-8000-000000000003",
            "purpose": "To report what has come of the recommendations since the last meeting.",
            "key_considerations": ["The strategy is under review."],
            "recommendations": [{ "verb": "note", "text": "how far the recommendations have come" }],
            "financial": { "state": "assessed_none" },
            "scope": { "review_ids": ["019abcde-0000-7000-8000-000000000004"] },
            "struck": []
        })
    }
    /// The date was one that the paper was judged on.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "judged_on", "assessed_on");
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    /// The author's unit and the board own the paper.
    fn place(&self) -> Place {
        Place::owned([self.author_post_id.uuid(), self.meeting_id.uuid()])
            .and_within([self.meeting_id])
    }
    // S37
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules::check(self, rules);
    }
    fn compute(&self, reading: Reading<'_>, meta: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let world = reading.world;
        let mut issues: Vec<&Rec<PaperIssue>> = Self::issues(world, meta.id).collect();
        let was_issued = !issues.is_empty();
        issues.retain(|i| world.is_live(*i));
        let issue = issues.first();
        let successor = |p: &Rec<Self>| {
            p.data.supersedes_id == Some(meta.id.into()) && p.computed.issue_id.is_some()
        };
        let open = self
            .recommendations
            .iter()
            .filter(|r| r.decision.is_none())
            .count();
        PaperComputed {
            status: match issue {
                None if was_issued => PaperStatus::Recalled,
                None => PaperStatus::Draft,
                Some(_) if world.pointing::<Self>(meta.id).any(successor) => {
                    PaperStatus::Superseded
                }
                Some(_) => PaperStatus::Issued,
            },
            board_id: world
                .get::<Meeting>(self.meeting_id)
                .map(|m| m.data.board_id),
            issue_id: issue.map(|i| i.meta.id),
            issued_on: issue.map(|i| i.data.issued_on),
            assessed_on: issue.map(|i| i.data.assessed_on),
            content_sha256: issue.map(|i| (&i.data.content_sha256).into()),
            decisions_open: if issue.is_some() { open } else { 0 },
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        self.supersedes_id.map(Uuid::from).into_iter().collect()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "issued_on",
                key: |r| Key::from(r.computed.issued_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        let about = |id: AnyRecordId| {
            links_of(&r.data)
                .iter()
                .any(|l| id == l.id && (l.is_mention || l.pointer.starts_with("/appendices")))
        };
        is(&f.meeting_id, &r.data.meeting_id)
            && is_some(&f.board_id, &r.computed.board_id)
            && is(&f.author_post_id, &r.data.author_post_id)
            && is(&f.template_id, &r.data.template_id)
            && any(&f.status, &r.computed.status)
            && f.about_id.is_none_or(about)
            && asked(f.decisions_open, || r.computed.decisions_open > 0)
            && in_window(r.computed.issued_on, (f.issued_from, f.issued_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        (f.about_id.map(Into::into))
            .or(f.meeting_id.map(Into::into))
            .or(f.template_id.map(Into::into))
            .or(f.author_post_id.map(Into::into))
    }
}

impl Rec<Paper> {
    /// Returns the narrative of a section.
    pub fn narrative<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.data
            .narrative
            .iter()
            .filter(move |n| n.section == key)
            .map(|n| n.text.as_str())
    }

    /// Whether the paper was ever issued. If so, it is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.computed.status != PaperStatus::Draft
    }
}
