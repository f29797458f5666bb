//! Terms of reference of a board, version by version. Only one version is agreed at a time.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::terms_sections::{TermsSections, completeness};
use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::governance::{Board, BoardId};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::text::WebAddress;
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of a version of terms of reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum TermsStatus {
    /// Being written.
    #[default]
    Draft,
    /// Being reviewed before it is agreed.
    InReview,
    /// In force.
    Agreed,
    /// Replaced by a later version.
    Superseded,
}

/// Where the text itself is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TermsDocument {
    /// Title.
    pub title: Text<200, 1>,
    /// URL.
    #[serde(default)]
    pub url: Option<WebAddress<500>>,
}

/// Id of a terms of reference.
pub type TermsOfReferenceId = Id<TermsOfReference>;

/// One version of a board's terms of reference.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TermsOfReference {
    /// Board the terms are for. Cannot be changed.
    pub board_id: BoardId,
    /// Version label ("1.0", "refresh 2020"). Unique for the board, ignoring case.
    pub version_label: Text<60, 1>,
    /// Status of the version. Agreeing a version supersedes the one agreed before.
    #[serde(default)]
    pub status: TermsStatus,
    /// Text, section by section. Cannot be changed once agreed: create another version.
    #[serde(default)]
    pub sections: TermsSections,
    /// Date by which the terms must be reviewed.
    #[serde(default)]
    pub review_on: Option<NaiveDate>,
    /// Number of meetings a year that the frequency amounts to.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 366)]
    pub meetings_per_year: Option<u16>,
    /// Post that approved the terms.
    #[serde(default)]
    pub approver_post_id: Option<PostId>,
    /// Board that approved the terms.
    #[serde(default)]
    pub approver_board_id: Option<BoardId>,
    /// Date of approval.
    #[serde(default)]
    pub approved_on: Option<NaiveDate>,
    /// Where the text itself is kept.
    #[serde(default)]
    pub document: Option<TermsDocument>,
    /// Whether one seat may represent all staff support associations together.
    #[serde(default)]
    pub collective_seat: bool,
}

/// Values computed by the service for terms of reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TermsComputed {
    /// Share of the sections that have content, in whole per cent. The review date counts as a
    /// section.
    #[schema(minimum = 0, maximum = 100)]
    pub completeness: u8,
    /// Names of the sections without content. `review_on` counts as a section.
    #[schema(max_items = 16)]
    pub empty_sections: Vec<Text<30>>,
}

/// Narrows a list of terms of reference.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct TermsFilter {
    /// Only terms of this board.
    board_id: Option<BoardId>,
    /// Only terms in these statuses.
    #[param(value_type = Option<Vec<TermsStatus>>, inline, explode = false)]
    status: Option<Any<TermsStatus>>,
    /// Only terms of boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only terms approved by this post.
    approver_post_id: Option<PostId>,
    /// Only terms approved by this board.
    approver_board_id: Option<BoardId>,
    /// Only terms due for review on or after this date.
    due_from: Option<NaiveDate>,
    /// Only terms due for review on or before this date.
    due_until: Option<NaiveDate>,
    /// Whether agreed terms are overdue for review.
    overdue: Option<bool>,
    /// Only terms less complete than this, in per cent.
    #[param(minimum = 1, maximum = 100)]
    completeness_below: Option<u8>,
    /// Whether one seat may represent all associations.
    collective_seat: Option<bool>,
}

impl TermsOfReference {
    /// Which of a board's terms apply: the latest agreed ones, otherwise the latest that are not
    /// superseded.
    pub fn applicable<'a>(of_board: impl Iterator<Item = &'a Rec<Self>>) -> Option<&'a Rec<Self>> {
        of_board
            .filter(|t| t.data.status != TermsStatus::Superseded)
            .max_by_key(|t| {
                let is_agreed = t.data.status == TermsStatus::Agreed;
                (is_agreed, t.meta.created_at, t.meta.id)
            })
    }

    /// Its next review. Terms that were superseded are not reviewed any more.
    fn review(&self) -> Deadline<'_> {
        let progress = match self.status {
            TermsStatus::Superseded => Progress::Done,
            _ => Progress::Open,
        };
        Deadline::new(progress, When::on(self.review_on))
    }

    fn check_approval(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/approved_on", self.approved_on);
        if self.status == TermsStatus::Agreed {
            rules.require(
                self.approver_post_id.is_some() || self.approver_board_id.is_some(),
                "/approver_post_id",
                "required",
                "agreed terms need an approver; give approver_post_id or approver_board_id",
            );
            rules.require(
                self.approved_on.is_some(),
                "/approved_on",
                "required",
                "agreed terms need the date of approval; give approved_on",
            );
        }
    }

    /// Checks that agreed terms stay as they were agreed.
    fn check_unchanged(&self, rules: &mut Rules<'_, Self>) {
        let settled = |s| matches!(s, TermsStatus::Agreed | TermsStatus::Superseded);
        if rules.before.is_some_and(|b| settled(b.data.status)) {
            let remedy = "these terms were agreed; create another version";
            fixed(rules, self, "/sections", |t| t.sections.clone(), remedy);
            fixed(
                rules,
                self,
                "/version_label",
                |t| t.version_label.clone(),
                remedy,
            );
        }
    }

    fn check_others(&self, rules: &mut Rules<'_, Self>) {
        let (world, own) = (rules.reading.world, rules.meta.id);
        let others: Vec<&Rec<Self>> = world
            .pointing::<Self>(self.board_id)
            .filter(|t| t.meta.id != own && t.data.board_id == self.board_id)
            .collect();
        rules.require(
            others
                .iter()
                .all(|t| !same_name(&t.data.version_label, &self.version_label)),
            "/version_label",
            "duplicate",
            "the board already has terms with this version label; choose another",
        );
        if self.status != TermsStatus::Agreed {
            return;
        }
        for earlier in others
            .iter()
            .filter(|t| t.data.status == TermsStatus::Agreed)
        {
            if earlier.data.approved_on > self.approved_on {
                rules.refuse(
                    "/approved_on",
                    "date_order",
                    "the board has terms that were agreed later; record this version as superseded",
                );
            } else {
                rules.follow_up(earlier.meta.id, json!({ "status": "superseded" }));
            }
        }
    }
}

impl Resource for TermsOfReference {
    const KIND: &'static str = "terms_of_reference";
    const PATH: &'static str = "terms-of-reference";
    const PREFIX: &'static str = "TOR";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "Boards' terms of reference, version by version, with every \
        section a board needs. A completeness score names the empty sections. Agreed terms need \
        an approver and a date. Agreeing a version supersedes the one before.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::TermsReview];
    type Computed = TermsComputed;
    type Filter = TermsFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "version_label": "1.0",
            "status": "draft",
            "sections": {
                "purpose": "To oversee delivery of the inclusion strategy.",
                "quorum": "The chair or deputy chair and four members"
            },
            "review_on": "2021-11-30",
            "meetings_per_year": 4,
            "document": { "title": "STRIDE Board: terms of reference, draft", "url": "https://intranet.example/stride/tor-1.0" }
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.version_label)
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    // S17
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        use TermsStatus::{Agreed, Draft, InReview, Superseded};
        fixed(
            rules,
            self,
            "/board_id",
            |t| t.board_id,
            "create terms for the other board",
        );
        // A new record may have any status, because past versions are recorded too.
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            &[
                (Draft, &[InReview, Agreed]),
                (InReview, &[Draft, Agreed]),
                (Agreed, &[Superseded]),
                (Superseded, &[]),
            ],
        );
        self.check_approval(rules);
        self.check_unchanged(rules);
        self.check_others(rules);
        rules.in_order(
            self.approved_on,
            self.review_on,
            "/review_on",
            "approved_on",
        );
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let empty_sections = self.sections.empty(self.review_on.is_some());
        TermsComputed {
            completeness: completeness(empty_sections.len()),
            empty_sections,
        }
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            TermsStatus::Draft | TermsStatus::InReview => Progress::Open,
            TermsStatus::Agreed => Progress::InForce,
            TermsStatus::Superseded => Progress::Done,
        };
        Deadline::new(progress, When::default()).done_on(record.data.approved_on)
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let review = Dated::due(CalendarEntryKind::TermsReview, record.data.review());
        vec![review.at_board(record.data.board_id)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let board = reading.title_of::<Board>(record.data.board_id);
        let label = &record.data.version_label;
        format!("{}, {label}", board.unwrap_or_default()).into()
    }
    /// Whether these are the terms in force.
    fn exists_on(&self, _: NaiveDate) -> bool {
        self.status == TermsStatus::Agreed
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "review_on",
                key: |r| Key::from(r.data.review_on),
            },
            Sort {
                name: "approved_on",
                key: |r| Key::from(r.data.approved_on),
            },
            Sort {
                name: "completeness",
                key: |r| Key::Number(r.computed.completeness.into()),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let t = &r.data;
        let overdue = || reading.is_active(r) && t.review().is_overdue(reading.on);
        is(&f.board_id, &t.board_id.uuid())
            && any(&f.status, &t.status)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && is_some(&f.approver_post_id, &t.approver_post_id)
            && is_some(&f.approver_board_id, &t.approver_board_id)
            && in_window(t.review_on, (f.due_from, f.due_until))
            && asked(f.overdue, overdue)
            && f.completeness_below
                .is_none_or(|c| r.computed.completeness < c)
            && is(&f.collective_seat, &t.collective_seat)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.approver_board_id.map(Uuid::from))
            .or(f.approver_post_id.map(Uuid::from))
    }
}
