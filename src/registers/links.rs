//! Checks and look-ups that rules need for linked records.

use std::collections::HashSet;

use uuid::Uuid;

use crate::world::{Marking, Meta, Rec, Resource, Rules, World};

/// Refuses a list that names the same record twice. `field` is the field of a list entry that holds
/// the id.
pub fn no_repeats<R: Resource, I: Into<Uuid>>(
    rules: &mut Rules<'_, R>,
    list: &str,
    field: &str,
    ids: impl IntoIterator<Item = Option<I>>,
) {
    let mut seen = HashSet::new();
    for (n, id) in ids.into_iter().enumerate() {
        if id.is_some_and(|id| !seen.insert(id.into())) {
            rules.refuse(
                format!("{list}/{n}/{field}"),
                "duplicate",
                "is already in the list; remove it",
            );
        }
    }
}

/// Returns the other live records of the kind that link to `id`.
pub fn others<'a, R: Resource>(
    rules: &Rules<'a, R>,
    id: Uuid,
) -> impl Iterator<Item = &'a Rec<R>> + use<'a, R> {
    let own = rules.meta.id;
    rules
        .reading
        .world
        .pointing::<R>(id)
        .filter(move |r| r.meta.id != own)
}

/// Whether a part counts towards its whole. It does not if it has a stricter marking.
#[must_use]
pub fn counts(whole: &Meta, part: &Meta) -> bool {
    whole.marking == Marking::OfficialSensitive || part.marking == Marking::Official
}

/// Returns the live records that link to `whole` and count towards it.
pub fn parts<'a, 'm, R: Resource>(
    world: &'a World,
    whole: &'m Meta,
) -> impl Iterator<Item = &'a Rec<R>> + use<'a, 'm, R> {
    world
        .pointing::<R>(whole.id)
        .filter(move |r| counts(whole, &r.meta))
}

/// Converts a count to the type it is stored as.
#[must_use]
pub fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Whether `to` can be reached from `from`. `next` returns the records that a record links to.
pub fn reaches(from: Uuid, to: Uuid, next: impl Fn(Uuid) -> Vec<Uuid>) -> bool {
    let (mut todo, mut seen) = (vec![from], HashSet::new());
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            todo.extend(next(at));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_and_does_not_trap_the_search() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let next = |id| if id == a { vec![b] } else { vec![a] };
        assert!(reaches(a, b, next));
        assert!(!reaches(a, c, next));
    }
}
