//! Posts. Responsibility belongs to a post, not to a person. The holder of a post is personal data
//! and is kept elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::organisation::UnitId;
use crate::registers::query::is;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Sort, Text};

/// Id of a post.
pub type PostId = Id<Post>;

/// A post in a unit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Post {
    /// Title ("Head of Strategic Inclusion and Diversity"). Never a person's name.
    pub title: Text<200, 1>,
    /// Unit the post belongs to.
    pub unit_id: UnitId,
    /// Other names, current or former.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub aliases: Vec<Text<200, 1>>,
}

/// Narrows a list of posts.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PostFilter {
    /// Only posts in this unit.
    unit_id: Option<UnitId>,
    /// Only posts in this unit or any unit below it.
    below: Option<Uuid>,
}

impl Resource for Post {
    const KIND: &'static str = "post";
    const PATH: &'static str = "posts";
    const PREFIX: &'static str = "PST";
    const SUBJECT: Subject = Subject::Organisation;
    const ABOUT: &'static str = "Office-holders' posts. A post is not a person. The holder of a \
        post is personal data and is kept separately so that it can be erased.";
    type Computed = NothingComputed;
    type Filter = PostFilter;

    fn example() -> Value {
        json!({ "reference": "HEAD-SIDU", "title": "Head of SIDU", "unit_id": "019abcde-0000-7000-8000-000000000001" })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned([self.unit_id])
    }
    /// A post exists as long as its unit.
    fn ends_with(&self) -> Place {
        Place::within([self.unit_id])
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.unit_id, &r.data.unit_id)
            && f.below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.unit_id.map(Uuid::from)
    }
}
