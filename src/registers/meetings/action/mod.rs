//! Actions that boards give: to whom, by when, and what has come of them.

mod due;
mod filter;
mod rules;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use filter::ActionFilter;

pub(super) use due::{Due, due_of, due_with};

use super::action_part::ActionPart;
use super::action_response::{ActionClaim, ActionResponse};
use super::{ActionDeferral, Meeting};
use crate::policy::Subject;
use crate::registers::links::{count, parts};
use crate::world::date::{PlannedDate, Precision};
use crate::world::{Key, Links, Marking, Meta, Place, Reading, Rec, Resource, Rules, Sort, World};

/// Where an action stands, as the board's secretary declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionStatus {
    #[default]
    Open,
    /// The board asks for nothing more.
    Closed,
    /// Given up.
    Cancelled,
}

/// How far an action has come, as computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// No response, and no part settled.
    #[default]
    NotStarted,
    InProgress,
    /// No part is open.
    Complete,
}

/// An action that a board gave.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// The meeting that gave it. Cannot change.
    pub meeting_id: Uuid,
    /// Its number; unique among the actions of that meeting.
    #[schema(minimum = 1, maximum = 99_999)]
    pub number: u32,
    /// What is asked.
    #[schema(min_length = 1, max_length = 4000)]
    pub text: String,
    /// The post that answers for it. The owning unit's contributors may change it: all else here is the secretary's.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// The unit that answers for it: its contributors respond. Without it, the unit of the owner's post.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// When it is due. It can be set here once; from then on it moves by a deferral only.
    #[serde(default)]
    pub due: PlannedDate,
    /// The meeting at which it is due. It too is set once, and then moves by a deferral. Without a day in `due` that meeting's day counts.
    #[serde(default)]
    pub target_meeting_id: Option<Uuid>,
    /// Where it stands, as the board's secretary declares it.
    #[serde(default)]
    pub status: ActionStatus,
    /// Day on which it was closed or cancelled; needed then, and only then.
    #[serde(default)]
    pub closed_on: Option<NaiveDate>,
    /// The meeting that closed or cancelled it.
    #[serde(default)]
    pub closed_at_meeting_id: Option<Uuid>,
    /// Why it was closed or cancelled; needed where it was cancelled, and where it was closed with an open part.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub closure_reason: Option<String>,
    /// Records of any kind that it is about. A mention: they can be withdrawn all the same.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub record_ids: Vec<Uuid>,
}

/// What the service works out about an action. Parts, responses and deferrals that are marked more strictly than it do not count here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionComputed {
    /// The board whose meeting gave it.
    pub board_id: Option<Uuid>,
    /// How far it has come: as its parts stand or, where it has none, as its last response claims.
    pub state: ActionState,
    /// How many parts it has.
    #[schema(minimum = 0)]
    pub parts_total: u32,
    /// How many of them are open, or were not done.
    #[schema(minimum = 0)]
    pub parts_open: u32,
    /// Whether it is declared closed though a part is open.
    pub closed_with_open_part: bool,
    /// How many responses there are, to it and to its parts.
    #[schema(minimum = 0)]
    pub response_count: u32,
    /// Day of the last response.
    pub last_response_on: Option<NaiveDate>,
    /// What the last response to the action as a whole claims.
    pub claimed_status: Option<ActionClaim>,
    /// How many times it, or a part of it, was deferred.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// When it was first due. It never changes.
    pub first_due: Option<PlannedDate>,
    /// The meeting at which it was first due. It never changes.
    pub first_target_meeting_id: Option<Uuid>,
    /// The day on which it was first due: the last day of `first_due` or the first target's day, as it was then.
    pub first_due_on: Option<NaiveDate>,
    /// The day on which it is due: the last day of `due` or the target's day. Null where it was put off to no day: it is then judged by
    /// `first_due_on`.
    pub due_on: Option<NaiveDate>,
}

impl Action {
    /// Who answers for it.
    pub(super) fn owner(&self) -> Option<Uuid> {
        self.owner_unit_id.or(self.owner_post_id)
    }

    /// Whether anybody has said when it is due.
    fn has_due(&self) -> bool {
        self.due.precision != Precision::Unspecified || self.target_meeting_id.is_some()
    }

    /// The day on which it is due, as far as it may be told on this record.
    fn day(&self, world: &World, meta: &Meta) -> Option<NaiveDate> {
        let told = |m: &&Rec<Meeting>| {
            m.meta.marking == Marking::Official || meta.marking == Marking::OfficialSensitive
        };
        let target = || {
            world
                .get::<Meeting>(self.target_meeting_id?)
                .filter(told)?
                .computed
                .meeting_on
        };
        self.due.due_on.or_else(target)
    }
}

impl Rec<Action> {
    /// The day to judge by. Putting off without a date is how the dashboard of 2017 was never late.
    #[must_use]
    pub fn judged_on(&self) -> Option<NaiveDate> {
        self.computed.due_on.or(self.computed.first_due_on)
    }

    /// Whether it should have been dealt with by now and is still open.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.data.status == ActionStatus::Open && self.judged_on().is_some_and(|d| d < on)
    }
}

impl Resource for Action {
    const KIND: &'static str = "action";
    const PATH: &'static str = "actions";
    const PREFIX: &'static str = "ACT";
    const SUBJECT: Subject = Subject::Action;
    const ABOUT: &'static str = "Actions that boards give, numbered within their meeting. What is asked in several parts has a record for each (POST /api/v1/action-parts). The secretary declares it open, closed or cancelled; beside that stands what follows from its parts and responses. When it is due can be set here once; then it moves only by POST /api/v1/action-deferrals, which are counted.";
    type Computed = ActionComputed;
    type Filter = ActionFilter;

    fn example() -> Value {
        json!({
            "meeting_id": "019abcde-0000-7000-8000-000000000001", "number": 14,
            "text": "Bring the approved strategy and the draft dashboard, with time scales in the work plan",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "due": { "precision": "month", "due_on": "2020-09-30", "source_text": "September 2020" },
            "status": "open"
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/meeting_id", &["meeting"], self.meeting_id);
        links.to("/owner_post_id", &["post"], self.owner_post_id);
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.to("/target_meeting_id", &["meeting"], self.target_meeting_id);
        links.to(
            "/closed_at_meeting_id",
            &["meeting"],
            self.closed_at_meeting_id,
        );
        links.mention("/record_ids", &self.record_ids);
    }
    /// Its owner's grants reach it, and those for the board.
    fn place(&self) -> Place {
        Place::owned(self.owner().into_iter().chain([self.meeting_id]))
            .and_within([self.meeting_id])
    }
    fn normalise(&mut self) {
        self.due.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules::check(self, rules);
    }
    fn withdrawal(&self, rules: &mut Rules<'_, Self>) {
        super::withdrawn_by_secretary(rules, Some(self.meeting_id));
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        let world = reading.world;
        let first = before
            .map(|b| &b.computed)
            .filter(|c| c.first_due.is_some());
        let due_on = self.day(world, meta);
        let sections: Vec<&Rec<ActionPart>> = parts(world, meta).collect();
        let open = sections.iter().filter(|p| p.data.status.is_open()).count();
        let responses: Vec<&Rec<ActionResponse>> = parts(world, meta).collect();
        let claimed_status = ActionResponse::claimed(
            responses
                .iter()
                .filter(|r| r.data.part_id.is_none())
                .copied(),
        );
        let settled = if sections.is_empty() {
            claimed_status.is_some_and(ActionClaim::is_settled)
        } else {
            open == 0
        };
        ActionComputed {
            board_id: world
                .get::<Meeting>(self.meeting_id)
                .map(|m| m.data.board_id),
            state: match (settled, responses.is_empty() && open == sections.len()) {
                (true, _) => ActionState::Complete,
                (false, true) => ActionState::NotStarted,
                (false, false) => ActionState::InProgress,
            },
            parts_total: count(sections.len()),
            parts_open: count(open),
            closed_with_open_part: self.status == ActionStatus::Closed && open > 0,
            response_count: count(responses.len()),
            last_response_on: responses.iter().map(|r| r.data.responded_on).max(),
            claimed_status,
            deferral_count: count(parts::<ActionDeferral>(world, meta).count()),
            first_due: first.map_or_else(
                || self.has_due().then(|| self.due.clone()),
                |c| c.first_due.clone(),
            ),
            first_target_meeting_id: first
                .map_or(self.target_meeting_id, |c| c.first_target_meeting_id),
            first_due_on: first.and_then(|c| c.first_due_on).or(due_on),
            due_on,
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "due_on",
                key: |r| Key::from(r.computed.due_on),
            },
            Sort {
                name: "number",
                key: |r| Key::Number(r.data.number.into()),
            },
            Sort {
                name: "deferral_count",
                key: |r| Key::Number(r.computed.deferral_count.into()),
            },
            Sort {
                name: "last_response_on",
                key: |r| Key::from(r.computed.last_response_on),
            },
        ]
    }
    fn text(&self) -> Vec<&str> {
        [&self.closure_reason, &self.due.source_text]
            .into_iter()
            .filter_map(Option::as_deref)
            .chain([self.text.as_str()])
            .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        f.matches(r, reading)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.pivot()
    }
}
