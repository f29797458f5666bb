//! Links of recommendations: to each other, and to what they wait for. Management and audit both propose them; nothing follows from a
//! link by itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::fixed;
use crate::registers::links::{others, reaches};
use crate::registers::query::{Any, any, is};
use crate::world::record::ANY_KIND;
use crate::world::{Links, NothingComputed, Place, Reading, Rec, Resource, Rules, World};

/// What a link says about a recommendation and the other record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationRelation {
    /// The other recommendation says the same. A proposal until audit accepts it by a closure.
    Duplicates,
    /// The answer to it is found there.
    RefersTo,
    /// An earlier recommendation that was not carried out is made again.
    Repeats,
    /// It cannot be implemented before the other is done.
    DependsOn,
    /// The other record is to bring it about.
    AddressedBy,
}

/// A link from a recommendation to another, or to another record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationLink {
    /// The recommendation that it starts from. Cannot change.
    pub recommendation_id: Uuid,
    /// What it says about the two. Cannot change.
    pub relation: RecommendationRelation,
    /// What it leads to: with `duplicates` and `repeats` another recommendation, else any record (a strategy's review, a work-plan
    /// item, a board). Cannot change.
    pub to_id: Uuid,
    /// Why the two belong together.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
    /// Where it is stated ("Joint Audit Panel paper of 26 October 2020").
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300)]
    pub stated_in: Option<String>,
}

/// Narrows a list of links.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationLinkFilter {
    /// Links from this recommendation.
    recommendation_id: Option<Uuid>,
    /// Links to this record.
    to_id: Option<Uuid>,
    /// Links from or to this record.
    either_id: Option<Uuid>,
    /// Links with these relations.
    #[param(value_type = Option<Vec<RecommendationRelation>>, inline, explode = false)]
    relation: Option<Any<RecommendationRelation>>,
    /// Links from recommendations of this review.
    review_id: Option<Uuid>,
}

impl RecommendationLink {
    /// Where links with the same relation lead from a record.
    fn onwards(&self, world: &World, own: Uuid, at: Uuid) -> Vec<Uuid> {
        world
            .pointing::<Self>(at)
            .filter(|l| {
                l.meta.id != own
                    && l.data.recommendation_id == at
                    && l.data.relation == self.relation
            })
            .map(|l| l.data.to_id)
            .collect()
    }
}

impl Resource for RecommendationLink {
    const KIND: &'static str = "recommendation_link";
    const PATH: &'static str = "recommendation-links";
    const PREFIX: &'static str = "RLK";
    const SUBJECT: Subject = Subject::AssuranceLink;
    const ABOUT: &'static str = "How recommendations hang together, and what they wait for. Management and audit both propose links; a `duplicates` link is no more than that until audit closes the recommendation by it. Links with one relation never lead in a circle.";
    type Computed = NothingComputed;
    type Filter = RecommendationLinkFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "relation": "duplicates",
            "to_id": "019abcde-0000-7000-8000-000000000002", "note": "Both ask for one dashboard",
            "stated_in": "Joint Audit Panel paper of October 2020"
        })
    }
    fn links(&self, links: &mut Links) {
        let to = match self.relation {
            RecommendationRelation::Duplicates | RecommendationRelation::Repeats => {
                &["recommendation"]
            }
            _ => ANY_KIND,
        };
        links.to(
            "/recommendation_id",
            &["recommendation"],
            self.recommendation_id,
        );
        links.to("/to_id", to, self.to_id);
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S26
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this link and make another";
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
        if reaches(self.to_id, self.recommendation_id, |at| {
            self.onwards(world, own, at)
        }) {
            let detail = "links with this relation lead from there back to this recommendation; turn one round or withdraw it";
            rules.refuse("/to_id", "circle", detail);
        }
        let key = |l: &Self| (l.recommendation_id, l.relation, l.to_id);
        if let Some(twin) =
            others(rules, self.recommendation_id).find(|l| key(&l.data) == key(self))
        {
            let detail = format!("{} says the same; change that one", twin.meta.reference);
            rules.refuse("/to_id", "duplicate", detail);
        }
    }
    fn text(&self) -> Vec<&str> {
        [&self.note, &self.stated_in]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let ends = [r.data.recommendation_id, r.data.to_id];
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is(&f.to_id, &r.data.to_id)
            && f.either_id.is_none_or(|id| ends.contains(&id))
            && any(&f.relation, &r.data.relation)
            && super::is_of_review(reading, r.data.recommendation_id, f.review_id)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id.or(f.to_id).or(f.either_id)
    }
}
