//! Which category a figure is for. There are millions of figures and few combinations of categories,
//! so figures with the same breakdown share it.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::BreakdownCategory;

type Categories = Arc<[BreakdownCategory]>;

/// Category a figure is for, or two categories from two classifications. Empty for the total.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breakdown(Option<Arc<Categories>>);

/// Breakdowns in use, in parts so that threads seldom wait for each other.
static KNOWN: LazyLock<[Known; 16]> = LazyLock::new(<[Known; 16]>::default);

/// Fewest breakdowns after which those no longer in use are looked for.
const FEWEST: usize = 1_024;

#[derive(Default)]
struct Known(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    all: HashSet<Arc<Categories>>,
    /// Number in use when it was last tidied.
    used: usize,
}

impl Known {
    /// The one that is shared by all with these categories.
    fn shared(&self, categories: Vec<BreakdownCategory>) -> Arc<Categories> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Arc::new(Categories::from(categories));
        if let Some(known) = shelf.all.get(&new) {
            return Arc::clone(known);
        }
        // What a caller sent and nothing holds must not stay for ever. Each time as many have come
        // as were in use, so on average it takes a constant time for each.
        if shelf.all.len() >= FEWEST.max(2 * shelf.used) {
            shelf.all.retain(|known| Arc::strong_count(known) > 1);
            shelf.used = shelf.all.len();
        }
        shelf.all.insert(Arc::clone(&new));
        new
    }
}

impl From<Vec<BreakdownCategory>> for Breakdown {
    fn from(categories: Vec<BreakdownCategory>) -> Self {
        if categories.is_empty() {
            return Self(None);
        }
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let part = HASHER.hash_one(&categories) as usize % KNOWN.len();
        Self(KNOWN.get(part).map(|known| known.shared(categories)))
    }
}

impl Deref for Breakdown {
    type Target = [BreakdownCategory];
    fn deref(&self) -> &[BreakdownCategory] {
        self.0.as_deref().map_or(&[], AsRef::as_ref)
    }
}

impl Breakdown {
    /// The order in which it is stored.
    pub fn normalise(&mut self) {
        if !self.is_sorted() {
            let mut sorted = self.to_vec();
            super::normalise(&mut sorted);
            *self = sorted.into();
        }
    }
}

impl Serialize for Breakdown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Breakdown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn category(id: Uuid, code: &str) -> BreakdownCategory {
        serde_json::from_value(json!({ "classification_id": id, "code": code }))
            .expect("a category")
    }

    #[test]
    fn the_same_categories_are_kept_once() {
        let id = Uuid::now_v7();
        let [one, other] = [(); 2].map(|()| Breakdown::from(vec![category(id, "A1")]));
        let shared = |b: &Breakdown| b.0.as_ref().map(Arc::as_ptr);
        assert_eq!(shared(&one), shared(&other));
        assert_ne!(shared(&one), shared(&vec![category(id, "A2")].into()));
        assert_eq!(Breakdown::default(), Vec::new().into());
        let mut pair = Breakdown::from(vec![category(id, "B"), category(id, "A")]);
        pair.normalise();
        assert_eq!(pair, vec![category(id, "A"), category(id, "B")].into());
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let known = Known::default();
        let id = Uuid::now_v7();
        let held = known.shared(vec![category(id, "HELD")]);
        for n in 0..3 * FEWEST {
            drop(known.shared(vec![category(id, &format!("N{n}"))]));
        }
        let shelf = known.0.lock().expect("it is not poisoned");
        assert!(shelf.all.len() <= FEWEST, "{}", shelf.all.len());
        assert!(shelf.all.contains(&held));
    }
}
