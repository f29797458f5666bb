//! Links from recommendations to each other, and to the records they depend on. Both management and
//! audit propose links; a link alone has no effect.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::is_of_review;
use crate::policy::Subject;
use crate::registers::assurance::recommendation::Recommendation;
use crate::registers::assurance::{AuditReviewId, RecommendationId};
use crate::registers::checks::fixed;
use crate::registers::links::{others, reaches};
use crate::registers::query::{Any, any, is};
use crate::world::id::AnyRecordId;
use crate::world::{Id, NothingComputed, Place, Reading, Rec, Resource, Rules, Text, World};

/// How the recommendation relates to the other record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationRelation {
    /// The other recommendation says the same. This is a proposal until audit accepts it with a
    /// closure.
    Duplicates,
    /// The response to the recommendation is found in the other record.
    RefersTo,
    /// It repeats an earlier recommendation that was not implemented.
    Repeats,
    /// It cannot be implemented before the other record is complete.
    DependsOn,
    /// The other record is intended to implement it.
    AddressedBy,
}

/// Id of a recommendation link.
pub type RecommendationLinkId = Id<RecommendationLink>;

/// A link from a recommendation to another recommendation or record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationLink {
    /// The recommendation the link starts from. Cannot be changed.
    pub recommendation_id: RecommendationId,
    /// How the two are related. Cannot be changed.
    pub relation: RecommendationRelation,
    /// The linked record: with `duplicates` and `repeats` another recommendation, otherwise any
    /// record (a strategy review, a work-plan item, a board). Cannot be changed.
    pub to_id: AnyRecordId,
    /// Why the two are linked.
    #[serde(default)]
    pub note: Option<Text<2000, 1>>,
    /// Where it is stated ("Joint Audit Panel paper of 26 October 2020").
    #[serde(default)]
    pub stated_in: Option<Text<300, 1>>,
}

/// Narrows a list of links.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationLinkFilter {
    /// Only links from this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only links to this record.
    to_id: Option<AnyRecordId>,
    /// Only links from or to this record.
    either_id: Option<Uuid>,
    /// Only links with these relations.
    #[param(value_type = Option<Vec<RecommendationRelation>>, inline, explode = false)]
    relation: Option<Any<RecommendationRelation>>,
    /// Only links from recommendations of this review.
    review_id: Option<AuditReviewId>,
}

impl RecommendationLink {
    /// The records to which links with the same relation lead from a record.
    fn onwards(&self, world: &World, own: Uuid, at: Uuid) -> Vec<Uuid> {
        world
            .pointing::<Self>(at)
            .filter(|l| {
                l.meta.id != own
                    && l.data.recommendation_id == at
                    && l.data.relation == self.relation
            })
            .map(|l| l.data.to_id.uuid())
            .collect()
    }
}

impl Resource for RecommendationLink {
    const KIND: &'static str = "recommendation_link";
    const PATH: &'static str = "recommendation-links";
    const PREFIX: &'static str = "RLK";
    const SUBJECT: Subject = Subject::AssuranceLink;
    const ABOUT: &'static str = "How recommendations are related, and what they depend on. Both \
        management and audit propose links; a `duplicates` link is only a proposal until audit \
        uses it to close the recommendation. Links with the same relation must not form a circle.";
    type Computed = NothingComputed;
    type Filter = RecommendationLinkFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "relation": "duplicates",
            "to_id": "019abcde-0000-7000-8000-000000000002", "note": "Both ask for one dashboard",
            "stated_in": "Joint Audit Panel paper of October 2020"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S26
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this link and create another";
        fixed(
            rules,
            self,
            "/recommendation_id",
            |l| l.recommendation_id,
            remedy,
        );
        fixed(rules, self, "/relation", |l| l.relation, remedy);
        fixed(rules, self, "/to_id", |l| l.to_id, remedy);
        let (world, own) = (rules.reading.world, rules.meta.id);
        // S26: only a recommendation can be duplicated or repeated.
        let of_recommendations = matches!(
            self.relation,
            RecommendationRelation::Duplicates | RecommendationRelation::Repeats
        );
        rules.require(
            !of_recommendations || world.get::<Recommendation>(self.to_id.uuid()).is_some(),
            "/to_id",
            "wrong_kind",
            "must be the id of a recommendation",
        );
        if reaches(self.to_id.uuid(), self.recommendation_id.uuid(), |at| {
            self.onwards(world, own, at)
        }) {
            let detail = "links with this relation lead from that record back to this \
                recommendation; reverse or withdraw one of them";
            rules.refuse("/to_id", "circle", detail);
        }
        let key = |l: &Self| (l.recommendation_id, l.relation, l.to_id);
        if let Some(twin) =
            others(rules, self.recommendation_id.uuid()).find(|l| key(&l.data) == key(self))
        {
            let detail = format!(
                "{} records the same; change that one instead",
                twin.meta.reference
            );
            rules.refuse("/to_id", "duplicate", detail);
        }
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let ends = [r.data.recommendation_id.uuid(), r.data.to_id.uuid()];
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is(&f.to_id, &r.data.to_id)
            && f.either_id.is_none_or(|id| ends.contains(&id))
            && any(&f.relation, &r.data.relation)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id
            .map(Uuid::from)
            .or(f.to_id.map(Uuid::from))
            .or(f.either_id)
    }
}
