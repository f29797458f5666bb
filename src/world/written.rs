//! What records look like as JSON, kept while they are asked for.
//!
//! To keep it for every record would take half as much memory again as the records themselves; to write it each time takes longer than the
//! rest of an answer.

use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::AnyRecord;

/// Bytes of JSON kept, and what each record costs beside.
const KEPT_BYTES: u64 = 96 * 1024 * 1024;
const EACH: usize = 400;

/// The JSON of a record, and the record, so that no other can come to stand at its address.
type Kept = (Arc<dyn AnyRecord>, Bytes);

/// The JSON of the records that were shown of late, of now and of the past, shared by all worlds that come from one.
#[derive(Clone)]
pub struct Written(moka::sync::Cache<usize, Kept, RandomState>);

impl Default for Written {
    fn default() -> Self {
        let weigh =
            |_: &usize, (_, json): &Kept| u32::try_from(json.len() + EACH).unwrap_or(u32::MAX);
        let cache = moka::sync::Cache::builder()
            .weigher(weigh)
            .max_capacity(KEPT_BYTES);
        Self(cache.build_with_hasher(RandomState::default()))
    }
}

impl Written {
    /// The JSON of a record, every figure in it.
    ///
    /// # Errors
    /// It cannot be written.
    #[expect(
        clippy::disallowed_methods,
        reason = "for what is shown, which decides who sees it"
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
