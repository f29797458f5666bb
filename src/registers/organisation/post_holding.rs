//! Who holds a post, in what capacity and for how long.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Person;
use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::links::others;
use crate::registers::organisation::{PersonId, PostId};
use crate::registers::query::{Any, any, is};
use crate::world::dates::{Days, overlap};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// Capacity in which a post is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum HoldingCapacity {
    /// Appointed to it.
    Substantive,
    /// Appointed to it for a time, in place of its holder or until there is one.
    Temporary,
    /// Does its duties in addition to another post.
    Acting,
}

/// One person's term in a post.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PostHolding {
    /// The post. Cannot be changed.
    pub post_id: PostId,
    /// Person who holds the post. Cannot be changed.
    pub person_id: PersonId,
    /// Capacity.
    pub capacity: HoldingCapacity,
    /// First day of the term.
    pub from_on: NaiveDate,
    /// Last day of the term. Null if open-ended.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of post holdings.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PostHoldingFilter {
    /// Only terms in this post.
    post_id: Option<PostId>,
    /// Only terms of this person.
    person_id: Option<PersonId>,
    /// Only terms in these capacities.
    #[param(value_type = Option<Vec<HoldingCapacity>>, inline, explode = false)]
    capacity: Option<Any<HoldingCapacity>>,
    /// Whether the term includes today.
    current: Option<bool>,
    /// Only terms that include this date.
    on: Option<NaiveDate>,
}

impl PostHolding {
    fn check_overlap(&self, rules: &mut Rules<'_, Self>) {
        let at_once: Vec<&Rec<Self>> = others(rules, self.post_id.uuid())
            .filter(|h| {
                h.data.post_id == self.post_id && overlap(self.active_days(), h.data.active_days())
            })
            .collect();
        let substantive = |h: &Self| h.capacity == HoldingCapacity::Substantive;
        if at_once.iter().any(|h| h.data.person_id == self.person_id) {
            let detail = "the person already holds this post on some of these days; end or change \
                that term first";
            rules.refuse("/from_on", "overlap", detail);
        } else if substantive(self) && at_once.iter().any(|h| substantive(&h.data)) {
            let detail = "another person already holds this post substantively on some of these \
                days; end that term first, or choose temporary or acting";
            rules.refuse("/capacity", "overlap", detail);
        }
    }
}

impl Resource for PostHolding {
    const KIND: &'static str = "post_holding";
    const PATH: &'static str = "post-holdings";
    const PREFIX: &'static str = "PHD";
    const SUBJECT: Subject = Subject::Access;
    const ABOUT: &'static str = "Who holds which post, in what capacity and for which term. A \
        post has one substantive holder at a time; a new term is a new record. Only \
        administrators and auditors can see holders; everyone else sees the post.";
    type Computed = NothingComputed;
    type Filter = PostHoldingFilter;

    fn example() -> Value {
        json!({
            "post_id": "019abcde-0000-7000-8000-000000000001",
            "person_id": "019abcde-0000-7000-8000-000000000002",
            "capacity": "substantive",
            "from_on": "2020-06-01",
            "until_on": "2022-05-31"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.post_id.uuid(), self.person_id.uuid()])
    }
    // S2
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "end this term and create another";
        fixed(rules, self, "/post_id", |h| h.post_id, remedy);
        fixed(rules, self, "/person_id", |h| h.person_id, remedy);
        rules.in_order(Some(self.from_on), self.until_on, "/until_on", "from_on");
        let person = rules.reading.world.get::<Person>(self.person_id);
        if rules.before.is_none() && person.is_some_and(|p| p.computed.erased_at.is_some()) {
            rules.refuse(
                "/person_id",
                "erased",
                "this person's details were erased; name another person",
            );
        }
        self.check_overlap(rules);
    }
    /// Its term.
    fn active_days(&self) -> Days {
        (Some(self.from_on), self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "from_on",
                key: |r| Key::from(Some(r.data.from_on)),
            },
            Sort {
                name: "until_on",
                key: |r| Key::from(r.data.until_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let h = &r.data;
        is(&f.post_id, &h.post_id)
            && is(&f.person_id, &h.person_id)
            && any(&f.capacity, &h.capacity)
            && asked(f.current, || reading.is_active(r))
            && f.on.is_none_or(|day| reading.is_active_on(r, day))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.post_id.map(Uuid::from).or(f.person_id.map(Uuid::from))
    }
}
