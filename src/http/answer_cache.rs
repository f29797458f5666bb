//! Answers that are valid until the journal changes, cached by their ETag.

use std::sync::Arc;

use super::Answer;
use crate::metrics::{CacheState, Hits};
use crate::problem::Problem;

/// Most bytes of cached answers.
const CACHED_BYTES: u64 = 64 * 1024 * 1024;

/// Answers cached until the journal changes, by their ETag.
pub struct AnswerCache {
    answers: moka::sync::Cache<String, Answer>,
    hits: Hits,
}

impl AnswerCache {
    /// The answer cached under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Answer> {
        self.hits.count(self.answers.get(key))
    }

    /// Caches an answer under this key.
    pub fn keep(&self, key: String, answer: Answer) {
        self.answers.insert(key, answer);
    }

    /// How many there are, and how often one was found.
    #[must_use]
    pub fn state(&self) -> CacheState<'_> {
        self.answers.run_pending_tasks();
        CacheState {
            name: "answers",
            hits: &self.hits,
            entries: self.answers.entry_count(),
        }
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
        self.answers
            .try_get_with(key, make)
            .map_err(|p: Arc<Problem>| (*p).clone())
    }
}

impl Default for AnswerCache {
    fn default() -> Self {
        let weigh = |key: &String, answer: &Answer| {
            u32::try_from(key.len() as u64 + answer.body.length()).unwrap_or(u32::MAX)
        };
        Self {
            answers: moka::sync::Cache::builder()
                .weigher(weigh)
                .max_capacity(CACHED_BYTES)
                .build(),
            hits: Hits::default(),
        }
    }
}
