//! Lists that a test goes through, here and in the unit tests.

use std::iter::Peekable;

/// Goes through what must not be empty. A check of everything in an empty list would pass without
/// checking anything, so `house::guards` asks for this where a list is not seen to have entries.
///
/// # Panics
/// There is nothing.
#[track_caller]
pub fn some<I: IntoIterator>(list: I) -> Peekable<I::IntoIter> {
    let mut list = list.into_iter().peekable();
    assert!(list.peek().is_some(), "there is nothing to check");
    list
}

/// Goes through what may be empty, because the caller sees to it that not all such lists are.
pub fn perhaps<I: IntoIterator>(list: I) -> I::IntoIter {
    list.into_iter()
}
