//! Cross-references between strategies: which refers to which, where it says so, and why.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::links::{others, reaches};
use crate::registers::query::{Any, any, is, same_name};
use crate::registers::strategy::StrategyId;
use crate::world::blank::OptionalText;
use crate::world::{NothingComputed, Place, Reading, Rec, Resource, Rules, Text, World};

/// How the two strategies are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CrossReferenceRelation {
    /// The first mentions the second.
    References,
    /// The first is written to align with the second.
    AlignsTo,
    /// The first cannot be delivered without the second.
    DependsOn,
    /// Under the first, its owner holds those who deliver the second to account.
    HoldsToAccount,
    /// The first replaces the second, in whole or in the section named.
    Supersedes,
}

/// A place where a cross-reference is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CrossReferenceStatement {
    /// The document or paper ("Audit Panel paper, 30 June 2017").
    pub source: Text<300, 1>,
    /// The place in the document ("paragraph 1.1"). Null if only the document is known. It is a gap
    /// if one place in a document states a cross-reference and another place, which states other
    /// cross-references, leaves it out.
    #[serde(default)]
    pub place: Option<Text<200, 1>>,
}

/// A cross-reference from one strategy to another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CrossReference {
    /// Strategy that refers to the other.
    pub from_strategy_id: StrategyId,
    /// Strategy that is referred to.
    pub to_strategy_id: StrategyId,
    /// How the two are related.
    pub relation: CrossReferenceRelation,
    /// Section it concerns.
    #[serde(default)]
    pub section: Option<Text<200, 1>>,
    /// Why the two are linked.
    #[serde(default)]
    pub rationale: Option<Text<2000>>,
    /// Every place where it is claimed, each once.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub stated_in: Vec<CrossReferenceStatement>,
}

/// Filters for a list of cross-references.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CrossReferenceFilter {
    /// Only cross-references from or to this strategy.
    strategy_id: Option<StrategyId>,
    /// Only cross-references from this strategy.
    from_strategy_id: Option<StrategyId>,
    /// Only cross-references to this strategy.
    to_strategy_id: Option<StrategyId>,
    /// Only cross-references with any of these relations.
    #[param(value_type = Option<Vec<CrossReferenceRelation>>, inline, explode = false)]
    relation: Option<Any<CrossReferenceRelation>>,
    /// Only cross-references without a rationale (`true`), or only those with one (`false`).
    without_rationale: Option<bool>,
}

impl CrossReference {
    fn repeats(&self, other: &Self) -> bool {
        let section = |x: &Self| x.section.as_deref().unwrap_or_default().to_owned();
        (self.from_strategy_id, self.to_strategy_id, self.relation)
            == (other.from_strategy_id, other.to_strategy_id, other.relation)
            && same_name(&section(self), &section(other))
    }
}

/// The strategies that `strategy` supersedes as a whole, according to its cross-references.
fn superseded_by(world: &World, strategy: Uuid) -> Vec<Uuid> {
    let supersedes = |x: &&Rec<CrossReference>| {
        x.data.from_strategy_id == strategy
            && x.data.relation == CrossReferenceRelation::Supersedes
            && x.data.section.is_none()
    };
    world
        .pointing::<CrossReference>(strategy)
        .filter(supersedes)
        .map(|x| x.data.to_strategy_id.uuid())
        .collect()
}

impl Resource for CrossReference {
    const KIND: &'static str = "cross_reference";
    const PATH: &'static str = "cross-references";
    const PREFIX: &'static str = "XRF";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Interdependencies between strategies. Each has a direction, a \
        relation, the section it concerns, and the places where it is claimed.";
    const SHAPE: i32 = 2;
    type Computed = NothingComputed;
    type Filter = CrossReferenceFilter;

    fn example() -> Value {
        json!({
            "from_strategy_id": "019abcde-0000-7000-8000-000000000001", "to_strategy_id": "019abcde-0000-7000-8000-000000000002",
            "relation": "aligns_to", "section": "Priorities", "rationale": "Both aim at a more diverse workforce",
            "stated_in": [{ "source": "Audit Panel paper of June 2017", "place": "paragraph 1.1" }]
        })
    }
    /// The first shape had a single text for where it is claimed.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        let text = snapshot.remove("stated_in").filter(Value::is_string);
        let statements: Vec<Value> = text
            .map(|t| json!({ "source": t, "place": null }))
            .into_iter()
            .collect();
        snapshot.insert("stated_in".into(), statements.into());
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.from_strategy_id])
    }
    // S6
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this cross-reference and record a new one";
        fixed(
            rules,
            self,
            "/from_strategy_id",
            |x| x.from_strategy_id,
            remedy,
        );
        fixed(rules, self, "/to_strategy_id", |x| x.to_strategy_id, remedy);
        let (world, own) = (rules.reading.world, self.from_strategy_id);
        if own == self.to_strategy_id {
            rules.refuse(
                "/to_strategy_id",
                "self_reference",
                "must not be the same as from_strategy_id; name another strategy",
            );
        } else if self.relation == CrossReferenceRelation::Supersedes
            && self.section.is_none()
            && reaches(self.to_strategy_id.uuid(), own.uuid(), |at| {
                superseded_by(world, at)
            })
        {
            let detail = "names a strategy that already supersedes the first one, directly or \
                indirectly; withdraw the other cross-reference, or reverse this one";
            rules.refuse("/to_strategy_id", "circle", detail);
        }
        for (n, place) in self.stated_in.iter().enumerate() {
            if self
                .stated_in
                .iter()
                .take(n)
                .any(|earlier| earlier == place)
            {
                let detail = "repeats a place that is already listed; remove one of the two";
                rules.refuse(format!("/stated_in/{n}"), "duplicate", detail);
            }
        }
        if let Some(twin) = others(rules, own.uuid()).find(|x| x.data.repeats(self)) {
            let detail = format!(
                "{} already says the same; change that one, or name another section",
                twin.meta.reference
            );
            rules.refuse("/to_strategy_id", "duplicate", detail);
        }
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        let ends = [r.data.from_strategy_id, r.data.to_strategy_id];
        f.strategy_id.is_none_or(|s| ends.contains(&s))
            && is(&f.from_strategy_id, &r.data.from_strategy_id)
            && is(&f.to_strategy_id, &r.data.to_strategy_id)
            && any(&f.relation, &r.data.relation)
            && asked(f.without_rationale, || r.data.rationale.is_unsaid())
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.from_strategy_id
            .map(Uuid::from)
            .or(f.to_strategy_id.map(Uuid::from))
            .or(f.strategy_id.map(Uuid::from))
    }
}
