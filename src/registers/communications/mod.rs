//! Communications: plans, activities and campaigns, their evaluations, intranet assets, good
//! practice.

mod activity;
mod asset;
mod good_practice;
mod plan;

pub use activity::evaluation::CampaignEvaluation;
pub use activity::run::{ActivityState, Run, ended_on, runs};
pub use activity::{
    ActivityKind, ActivityStatus, CommunicationsActivity, CommunicationsActivityId,
    CommunicationsAudience, CommunicationsChannel,
};
pub use asset::{AssetPolicy, AssetStatus, IntranetAsset, IntranetAssetId};
pub use good_practice::{GoodPractice, PracticeBasis};
pub use plan::{CommunicationsPlan, CommunicationsPlanId};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<ActivityKind>,
    Vocabulary::of::<ActivityState>,
    Vocabulary::of::<ActivityStatus>,
    Vocabulary::of::<AssetStatus>,
    Vocabulary::of::<CommunicationsAudience>,
    Vocabulary::of::<CommunicationsChannel>,
    Vocabulary::of::<PracticeBasis>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<CommunicationsPlan>()
        .with::<CommunicationsActivity>()
        .with::<CampaignEvaluation>()
        .with::<IntranetAsset>()
        .with::<GoodPractice>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn plans_and_activities() {
        check(
            "communications_plan",
            &[
                ("title", json!("")),
                ("owner_unit_id", json!("DMC")),
                ("strategy_id", json!(1)),
                ("goal_ids", json!(vec![ID; 101])),
                ("description", long(4001)),
                ("from_on", json!("2020")),
            ],
        );
        check(
            "communications_activity",
            &[
                ("plan_id", Value::Null),
                ("activity_kind", json!("stunt")),
                ("title", long(201)),
                ("channels", json!([])),
                ("channels", json!(["pigeon"])),
                ("channels", json!("press")),
                ("audiences", json!(["everyone"])),
                ("starts_on", Value::Null),
                ("ends_on", json!("4 October")),
                ("recurrence", json!("")),
                ("recurrence", long(201)),
                ("status", json!("running")),
                ("messages", long(4001)),
            ],
        );
    }

    #[test]
    fn evaluations_assets_and_practice() {
        check(
            "campaign_evaluation",
            &[
                ("activity_id", Value::Null),
                ("evaluated_on", json!("soon")),
                ("people_reached", json!(-1)),
                ("reach", long(2001)),
                ("learnt", json!("")),
                ("evidence", long(2001)),
            ],
        );
        check(
            "intranet_asset",
            &[
                ("title", Value::Null),
                ("url", json!("javascript:alert(1)")),
                ("path", json!("no slash")),
                ("status", json!("lost")),
                (
                    "policies",
                    json!([{ "url": "https://intranet.example/policy" }]),
                ),
                ("policies", json!(vec![json!({ "title": "Policy" }); 101])),
                ("review_due_on", json!(2020)),
            ],
        );
        check(
            "good_practice",
            &[
                ("unit_id", Value::Null),
                ("title", json!("")),
                ("basis", json!("by_chance")),
                ("published_where", long(501)),
                ("url", json!("ftp://x")),
            ],
        );
    }
}
