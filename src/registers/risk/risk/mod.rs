//! Risks: cause, event and effect, three scores, the response, and what they threaten.

pub mod control;
pub mod escalation;
pub mod filter;
pub mod review;
pub mod sums;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{distinct, fixed, not_in_future};
use crate::registers::organisation::{Post, PostId, UnitId};
use crate::registers::plan::WorkPlanItemId;
use crate::registers::risk::parts::RiskAppetite;
use crate::registers::risk::risk::filter::RiskFilter;
use crate::registers::risk::risk::sums::RiskComputed;
use crate::registers::risk::score::RiskScore;
use crate::registers::risk::{Escalation, RiskRegister, RiskRegisterId};
use crate::registers::strategy::GoalId;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Category of the risk, from HM Treasury's Orange Book, annex 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskCategory {
    /// Risks from a strategy that is poorly defined or does not support commitments and objectives.
    Strategy,
    /// Risks from unclear plans, authorities or accountabilities, or from weak oversight of
    /// decisions.
    Governance,
    /// Risks from inadequate or ineffective internal processes.
    Operations,
    /// Risks from legal claims, or from failing to meet legal or regulatory requirements.
    Legal,
    /// Risks from deficiencies in property or in its safety management.
    Property,
    /// Risks from poor management of finances or failure to meet financial requirements.
    Financial,
    /// Risks from weak management of contracts, supply chains and commercial partnerships.
    Commercial,
    /// Risks from poor leadership, culture or behaviour, or from too little capacity or capability.
    People,
    /// Risks from technology that does not deliver the services expected of it.
    Technology,
    /// Risks from poor data, or from not making good use of information.
    Information,
    /// Risks from failing to prevent unauthorised access to premises, systems or information.
    Security,
    /// Risks that change programmes and projects do not deliver their benefits on time, to cost and
    /// to quality.
    #[strum(message = "Project/programme")]
    ProjectProgramme,
    /// Risks from events that damage reputation and trust.
    Reputational,
}

/// Response to the risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskResponse {
    /// Accept it.
    Tolerate,
    /// Reduce it with controls.
    Treat,
    /// Pass it to someone else.
    Transfer,
    /// Stop what causes it.
    Terminate,
    /// Use the opportunity it offers.
    #[strum(message = "Take the opportunity")]
    TakeOpportunity,
}

/// Whether the risk is open or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskStatus {
    /// The risk still has to be managed.
    #[default]
    Open,
    /// The risk no longer has to be managed.
    Closed,
}

/// Id of a risk.
pub type RiskId = Id<Risk>;

/// A risk on a register.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Risk {
    /// Register it is on.
    pub register_id: RiskRegisterId,
    /// Title.
    pub title: Text<200, 1>,
    /// Why it might happen.
    #[serde(default)]
    pub cause: Option<Text<2000>>,
    /// What might happen.
    #[serde(default)]
    pub event: Option<Text<2000>>,
    /// What the consequences would be.
    #[serde(default)]
    pub effect: Option<Text<2000>>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit responsible for it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Category of the risk.
    #[serde(default)]
    pub category: Option<RiskCategory>,
    /// How much risk its owner is willing to take here.
    #[serde(default)]
    pub appetite: Option<RiskAppetite>,
    /// Date of the next review. A review that gives the next date sets it.
    #[serde(default)]
    pub review_on: Option<NaiveDate>,
    /// Score without any controls.
    #[serde(default)]
    pub inherent: Option<RiskScore>,
    /// Current score. Once set, only a risk review changes it.
    #[serde(default)]
    pub current: Option<RiskScore>,
    /// Score to be reached. Its product must not exceed that of the inherent score.
    #[serde(default)]
    pub target: Option<RiskScore>,
    /// Response to the risk.
    #[serde(default)]
    pub response: Option<RiskResponse>,
    /// Whether the risk is open or closed.
    #[serde(default)]
    pub status: RiskStatus,
    /// Date it was closed. Required for a closed risk, and not allowed for any other.
    #[serde(default)]
    pub closed_on: Option<NaiveDate>,
    /// Why it was closed. Required for a closed risk, and not allowed for any other.
    #[serde(default)]
    pub closure_reason: Option<Text<2000, 1>>,
    /// The goals it threatens.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub goal_ids: Vec<GoalId>,
    /// The work-plan items whose delivery it threatens.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub item_ids: Vec<WorkPlanItemId>,
}

impl Risk {
    /// Its next review. A closed risk is not reviewed any more.
    #[must_use]
    pub fn review(&self) -> Deadline<'_> {
        let progress = match self.status {
            RiskStatus::Open => Progress::Open,
            RiskStatus::Closed => Progress::GivenUp,
        };
        Deadline::new(progress, When::on(self.review_on))
    }

    fn check_scores(&self, rules: &mut Rules<'_, Self>) {
        let product = |score: Option<RiskScore>| score.map(RiskScore::product);
        let exceeds = |score| matches!((product(score), product(self.inherent)), (Some(s), Some(most)) if s > most);
        rules.require(
            !exceeds(self.target),
            "/target",
            "score_order",
            "must not exceed the inherent score; set a lower target, or change the inherent score",
        );
        let before = rules.before.map(|b| &b.data);
        // A review records what it found, even a score worse than was thought possible. Only scores
        // set here must be in order.
        let rescored =
            before.is_none_or(|b| (b.current, b.inherent) != (self.current, self.inherent));
        rules.require(
            rules.following || !rescored || !exceeds(self.current),
            "/current",
            "score_order",
            "must not exceed the inherent score, which is the score without any controls; raise \
                the inherent score first",
        );
        // S30, S31: a risk is never rescored silently.
        if !rules.following && before.is_some_and(|b| b.current.is_some()) {
            let remedy = "record a risk review with the new score";
            fixed(rules, self, "/current", |r| r.current, remedy);
        }
    }

    fn check_closure(&self, rules: &mut Rules<'_, Self>) {
        let closed = self.status == RiskStatus::Closed;
        for (pointer, given) in [
            ("/closed_on", self.closed_on.is_some()),
            ("/closure_reason", self.closure_reason.is_some()),
        ] {
            let (code, detail) = if closed {
                (
                    "required",
                    "is required for a closed risk; give both closed_on and closure_reason",
                )
            } else {
                (
                    "not_allowed",
                    "is only allowed for a closed risk; set status to closed, or leave it out",
                )
            };
            rules.require(given == closed, pointer, code, detail);
        }
        not_in_future(rules, "/closed_on", self.closed_on);
        let closing = closed
            && rules
                .before
                .is_some_and(|b| b.data.status == RiskStatus::Open);
        let id = rules.meta.id;
        let escalated = closing
            && rules
                .reading
                .world
                .pointing::<Escalation>(id)
                .any(|e| e.data.status.is_open());
        rules.require(
            !escalated,
            "/status",
            "escalated",
            "cannot be closed while the risk is escalated; return or de-escalate it first",
        );
    }
}

impl Rec<Risk> {
    /// The unit responsible for it: its owner unit or that of its owner post. A risk without an
    /// owner is the matter of the unit that owns its register.
    #[must_use]
    pub fn unit_responsible(&self, reading: Reading<'_>) -> Option<UnitId> {
        let of = |unit: Option<UnitId>, post: Option<PostId>| {
            let of_post = || reading.get::<Post>(post?).map(|p| p.data.unit_id);
            unit.or_else(of_post)
        };
        of(self.data.owner_unit_id, self.data.owner_post_id).or_else(|| {
            let register = reading.get::<RiskRegister>(self.data.register_id)?;
            of(register.data.owner_unit_id, register.data.owner_post_id)
        })
    }
}

impl Resource for Risk {
    const KIND: &'static str = "risk";
    const PATH: &'static str = "risks";
    const PREFIX: &'static str = "RSK";
    const SUBJECT: Subject = Subject::Risk;
    const ABOUT: &'static str = "Risks on the registers, each with cause, event and effect, and \
        with an inherent, a current and a target score. Controls never change a score \
        automatically: their assumed effect is shown next to what was found.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::RiskReview];
    type Computed = RiskComputed;
    type Filter = RiskFilter;

    fn example() -> Value {
        json!({
            "register_id": "019abcde-0000-7000-8000-000000000001",
            "title": "Boards duplicate or miss each other's work",
            "cause": "Boards of the strategy have no agreed terms of reference",
            "event": "Decisions are taken twice or by nobody",
            "effect": "The strategy's goals are delivered late or not at all",
            "category": "governance",
            "appetite": "cautious",
            "review_on": "2020-11-30",
            "inherent": { "likelihood": "likely", "impact": "major" },
            "current": { "likelihood": "possible", "impact": "major" },
            "target": { "likelihood": "unlikely", "impact": "moderate" },
            "response": "treat"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    /// Grants that cover its owner also cover the risk, and so do grants that cover its register.
    fn place(&self) -> Place {
        let keepers = self
            .owner_unit_id
            .map(Uuid::from)
            .into_iter()
            .chain([self.register_id.uuid()]);
        Place::owned(keepers).and_within([self.register_id])
    }
    // S29
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/goal_ids", &self.goal_ids);
        distinct(rules, "/item_ids", &self.item_ids);
        self.check_scores(rules);
        self.check_closure(rules);
    }
    fn compute(&self, reading: Reading<'_>, meta: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        RiskComputed::of(self, reading.world, meta)
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let review = Dated::due(CalendarEntryKind::RiskReview, record.data.review());
        let open = record.data.status == RiskStatus::Open;
        open.then_some(review).into_iter().collect()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "review_on",
                key: |r| Key::from(r.data.review_on),
            },
            Sort {
                name: "inherent",
                key: |r| Key::from(r.data.inherent.map(|s| i64::from(s.product()))),
            },
            Sort {
                name: "current",
                key: |r| Key::from(r.data.current.map(|s| i64::from(s.product()))),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        f.lets_through(r, reading)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.pivot()
    }
}
