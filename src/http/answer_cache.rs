//! Answers that are valid until the journal changes, cached by their ETag.

use std::sync::Arc;

use super::Answer;
use crate::problem::Problem;

/// Most bytes of cached answers.
const CACHED_BYTES: u64 = 64 * 1024 * 1024;

/// Answers cached until the journal changes, by their ETag.
pub struct AnswerCache(moka::sync::Cache<String, Answer>);

impl AnswerCache {
    /// The answer cached under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Answer> {
        self.0.get(key)
    }

    /// The answer cached under this key, or one that is made now. Other callers who ask for the
    /// same answer wait for it.
    ///
    /// # Errors
    /// Any error from making the answer.
    pub fn get_or_make(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        self.0
            .try_get_with(key, make)
            .map_err(|p: Arc<Problem>| (*p).clone())
    }
}

impl Default for AnswerCache {
    fn default() -> Self {
        let weigh = |key: &String, answer: &Answer| {
            u32::try_from(key.len() as u64 + answer.body.length()).unwrap_or(u32::MAX)
        };
        Self(
            moka::sync::Cache::builder()
                .weigher(weigh)
                .max_capacity(CACHED_BYTES)
                .build(),
        )
    }
}
