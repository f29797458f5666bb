//! Benefit claims: benefits that a work-plan item is said to have brought, with or without
//! evidence.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{fixed, in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::is_of_plan;
use crate::registers::plan::{PlanId, WorkPlanItemId};
use crate::registers::query::is;
use crate::world::text::WebAddress;
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Evidence for a claim: where to read it or how to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BenefitEvidence {
    /// Title.
    pub title: Text<300, 1>,
    /// URL where it can be read.
    #[serde(default)]
    pub url: Option<WebAddress>,
    /// How to find it if it has no URL (a file number, minutes).
    #[serde(default)]
    pub location: Option<Text<300, 1>>,
}

/// A benefit that an item is said to have brought.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BenefitClaim {
    /// Item said to have brought the benefit.
    pub item_id: WorkPlanItemId,
    /// The benefit, as claimed.
    pub claim: Text<2000, 1>,
    /// Date the claim was made.
    pub claimed_on: NaiveDate,
    /// Post that made the claim.
    pub by_post_id: PostId,
    /// Evidence for the claim. More can be added later. A claim without any is unevidenced.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub evidence: Vec<BenefitEvidence>,
}

/// Values computed by the service for a benefit claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BenefitClaimComputed {
    /// Whether the claim has any evidence.
    #[serde(default)]
    pub is_evidenced: bool,
}

/// Filters for a list of benefit claims.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BenefitClaimFilter {
    /// Only claims about this item.
    item_id: Option<WorkPlanItemId>,
    /// Only claims about items in this plan.
    plan_id: Option<PlanId>,
    /// Only claims about items that belong to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only claims made by this post.
    by_post_id: Option<PostId>,
    /// Only claims with evidence (`true`), or only those without (`false`).
    is_evidenced: Option<bool>,
    /// Only claims made on or after this date.
    claimed_from: Option<NaiveDate>,
    /// Only claims made on or before this date.
    claimed_until: Option<NaiveDate>,
}

impl Resource for BenefitClaim {
    const KIND: &'static str = "benefit_claim";
    const PATH: &'static str = "benefit-claims";
    const PREFIX: &'static str = "BEN";
    const SUBJECT: Subject = Subject::Progress;
    const ABOUT: &'static str = "Benefits that work-plan items are said to have brought. A claim \
        without evidence is kept and shown as unevidenced.";
    type Computed = BenefitClaimComputed;
    type Filter = BenefitClaimFilter;

    fn example() -> Value {
        json!({
            "item_id": "019abcde-0000-7000-8000-000000000001", "claim": "More colleagues know about the pilot", "claimed_on": "2017-06-30",
            "by_post_id": "019abcde-0000-7000-8000-000000000001",
            "evidence": [{ "title": "Intranet survey", "url": "https://intranet.example/survey.pdf" }]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.claim)
    }
    fn place(&self) -> Place {
        Place::within([self.item_id])
    }
    // S15
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this claim and record a new one";
        fixed(rules, self, "/item_id", |b| b.item_id, remedy);
        fixed(rules, self, "/by_post_id", |b| b.by_post_id, remedy);
        not_in_future(rules, "/claimed_on", Some(self.claimed_on));
        for (n, evidence) in self.evidence.iter().enumerate() {
            if evidence.url.is_none() && evidence.location.is_none() {
                let detail = "does not say where the evidence is; give url or location";
                rules.refuse(format!("/evidence/{n}/url"), "required", detail);
            }
        }
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        BenefitClaimComputed {
            is_evidenced: !self.evidence.is_empty(),
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "claimed_on",
            key: |r| Key::from(Some(r.data.claimed_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.item_id, &r.data.item_id)
            && is(&f.by_post_id, &r.data.by_post_id)
            && is(&f.is_evidenced, &r.computed.is_evidenced)
            && in_window(Some(r.data.claimed_on), (f.claimed_from, f.claimed_until))
            && is_of_plan(reading, r.data.item_id, f.plan_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.item_id.map(Uuid::from).or(f.by_post_id.map(Uuid::from))
    }
}
