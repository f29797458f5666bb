//! JSON of records, cached while they are in use.
//!
//! Caching it for every record would take half as much memory again as the records themselves.
//! Writing it each time takes longer than the rest of an answer.

use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::AnyRecord;

/// Bytes of JSON cached, and the overhead of each record.
const CACHED_BYTES: u64 = 96 * 1024 * 1024;
const EACH: usize = 400;

/// JSON of a record, and the record itself, so that no other record can get its address.
type CachedJson = (Arc<dyn AnyRecord>, Bytes);

/// JSON of recently shown records, current and past, shared by all worlds made from the same one.
#[derive(Clone)]
pub struct Written(moka::sync::Cache<usize, CachedJson, RandomState>);

impl Default for Written {
    fn default() -> Self {
        let weigh = |_: &usize, (_, json): &CachedJson| {
            u32::try_from(json.len() + EACH).unwrap_or(u32::MAX)
        };
        let cache = moka::sync::Cache::builder()
            .weigher(weigh)
            .max_capacity(CACHED_BYTES);
        Self(cache.build_with_hasher(RandomState::default()))
    }
}

impl Written {
    /// JSON of a record, with every figure.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "used by `show`, which decides who may see it"
    )]
    pub fn of(&self, record: &Arc<dyn AnyRecord>) -> Result<Bytes, serde_json::Error> {
        let address = Arc::as_ptr(record).cast::<()>().addr();
        if let Some((_, json)) = self.0.get(&address) {
            return Ok(json);
        }
        let json = record.json()?;
        self.0.insert(address, (Arc::clone(record), json.clone()));
        Ok(json)
    }
}
