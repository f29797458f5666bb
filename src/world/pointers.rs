//! Which records link to a record.

use std::sync::Arc;

use imbl::OrdMap;
use uuid::Uuid;

use super::ById;
use super::records::{Records, Slot};
use super::runs::Runs;

/// Most links to a record that are kept in one array.
const FEW: usize = 32;

/// A record that links to another: its kind's position in the catalogue, and its slot.
pub(super) type Source = (u16, Slot);

/// Records that link to a record, by its id, which may be that of a record still to come.
#[derive(Clone, Default)]
pub(super) struct Pointers(ById<Sources>);

/// Ordered by kind, so that those of one kind are found without looking at the others, then by id.
#[derive(Clone)]
enum Sources {
    Few(Arc<[Source]>),
    Many(OrdMap<u16, Runs<Uuid>>),
}

impl Default for Sources {
    fn default() -> Self {
        Self::Few(Arc::default())
    }
}

impl Pointers {
    /// Links given by target and source, ordered by target, kind and id.
    pub(super) fn of(links: &[(Uuid, Source)], records: &Records) -> Self {
        let of_one = links.chunk_by(|(one, _), (other, _)| one == other);
        let made = of_one.filter_map(|links| {
            let sources: Vec<Source> = links.iter().map(|(_, source)| *source).collect();
            Some((links.first()?.0, Sources::of(sources, records)))
        });
        Self(made.collect())
    }

    /// Adds a link.
    pub(super) fn insert(&mut self, target: Uuid, source: Source, records: &Records) {
        self.0.entry(target).or_default().insert(source, records);
    }

    /// Removes a link.
    pub(super) fn remove(&mut self, target: Uuid, source: Source, records: &Records) {
        if let Some(sources) = self.0.get_mut(&target) {
            sources.remove(source, records);
            if sources.len() == 0 {
                self.0.remove(&target);
            }
        }
    }

    /// The records that link to a record, ordered by kind and id.
    pub(super) fn to(&self, target: Uuid) -> impl Iterator<Item = Slot> {
        let (few, many) = match self.0.get(&target) {
            Some(Sources::Few(few)) => (Some(few), None),
            Some(Sources::Many(many)) => (None, Some(many)),
            None => (None, None),
        };
        let few = few.into_iter().flat_map(|few| few.iter());
        let many = many.into_iter().flat_map(|many| many.values());
        few.map(|(_, slot)| *slot).chain(many.flat_map(Runs::all))
    }

    /// The records of one kind that link to a record, ordered by id.
    pub(super) fn of_kind(&self, target: Uuid, kind: u16) -> impl Iterator<Item = Slot> {
        let (few, many) = match self.0.get(&target) {
            Some(Sources::Few(few)) => (Some(few), None),
            Some(Sources::Many(many)) => (None, many.get(&kind)),
            None => (None, None),
        };
        let few = few.into_iter().flat_map(move |few| {
            let from = few.partition_point(|(k, _)| *k < kind);
            few.get(from..).unwrap_or_default().iter()
        });
        few.take_while(move |(k, _)| *k == kind)
            .map(|(_, slot)| *slot)
            .chain(many.into_iter().flat_map(Runs::all))
    }

    /// Number of records that link to a record.
    pub(super) fn count(&self, target: Uuid) -> usize {
        self.0.get(&target).map_or(0, Sources::len)
    }
}

impl Sources {
    fn of(sources: Vec<Source>, records: &Records) -> Self {
        if sources.len() <= FEW {
            return Self::Few(sources.into());
        }
        let of_one = sources.chunk_by(|(one, _), (other, _)| one == other);
        let made = of_one.filter_map(|sources| {
            let slots: Vec<Slot> = sources.iter().map(|(_, slot)| *slot).collect();
            let runs = Runs::in_order(&slots, records);
            Some((sources.first()?.0, runs))
        });
        Self::Many(made.collect())
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.values().map(Runs::len).sum(),
        }
    }

    fn insert(&mut self, source: Source, records: &Records) {
        let (kind, slot) = source;
        match self {
            Self::Few(few) => {
                let mut all = few.to_vec();
                let key = (kind, records.id(slot));
                let at = all.partition_point(|(kind, slot)| (*kind, records.id(*slot)) < key);
                if all.get(at) == Some(&source) {
                    return;
                }
                all.insert(at, source);
                *self = Self::of(all, records);
            }
            Self::Many(many) => {
                let runs = many.entry(kind).or_default();
                if !runs.has(slot, records) {
                    runs.insert(slot, records);
                }
            }
        }
    }

    fn remove(&mut self, source: Source, records: &Records) {
        let (kind, slot) = source;
        match self {
            Self::Few(few) => {
                let rest = few.iter().filter(|known| **known != source);
                *few = rest.copied().collect();
            }
            Self::Many(many) => {
                if let Some(runs) = many.get_mut(&kind) {
                    runs.remove(slot, records);
                    if runs.len() == 0 {
                        many.remove(&kind);
                    }
                }
            }
        }
    }
}
