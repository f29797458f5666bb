//! What a request may need, whichever operation it asks for. What only some operations need, their
//! handlers capture.

use std::sync::Arc;

use super::answer_cache::AnswerCache;
use super::connections::Connections;
use super::large_answers::LargeAnswers;
use super::limits::Limits;
use crate::access::issuers::Issuers;
use crate::access::tokens::Tokens;
use crate::config::Config;
use crate::engine::Engine;
use crate::metrics::Metrics;
use crate::world::codes::Codes;

/// What a request may need.
pub struct Service {
    pub config: Config,
    pub engine: Arc<Engine>,
    pub tokens: Tokens,
    pub issuers: Issuers,
    pub limits: Limits,
    pub connections: Connections,
    pub metrics: Arc<Metrics>,
    pub answers: AnswerCache,
    pub large: Arc<LargeAnswers>,
    /// The codes in an answer, by the name of its schema.
    pub codes: fn(&str) -> &'static Codes,
}
