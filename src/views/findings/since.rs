//! When findings began. A finding begins with a change, or at the start of a day.
//!
//! The records that a rule reads for a finding are taken back to their earlier versions, change by
//! change and newest first, until the rule no longer finds anything. Between two changes, days are
//! tried as well. Each finding has a copy of the world of its own, so nothing else is affected.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use moka::sync::Cache;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::rule::{Finding, Rule};
use crate::engine::EarlierVersion;
use crate::problem::Problem;
use crate::registers::settings::SettingSet;
use crate::views::request::Asked;
use crate::world::calendar::{Calendar, day_of};
use crate::world::reads::{self, Reads};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, IdMap, IdSet};

/// Number of findings for which earlier versions are read at once.
const AT_ONCE: usize = 200;
/// Most records that are taken back for one finding: those nearest to its record.
const MOST_RECORDS: usize = 1_000;
/// Most beginnings that are remembered.
const MOST_KNOWN: u64 = 100_000;
/// Most earlier versions that are read for [`AT_ONCE`] findings. What began before the oldest of
/// them is taken to have begun with it.
const MOST_VERSIONS: i64 = 20_000;

/// A change of a record that a finding depends on.
struct Step<'a> {
    at: DateTime<Utc>,
    seq: i64,
    id: Uuid,
    /// The version before the change; none if the change created the record, or if the content of
    /// that version was removed.
    before: Option<&'a Arc<dyn AnyRecord>>,
}

/// Earlier versions of records, newest first.
type Versions = IdMap<Vec<EarlierVersion>>;

/// Beginnings that were found, each until something changes that it was found from.
pub struct Beginnings(Cache<[u8; 32], DateTime<Utc>>);

impl Default for Beginnings {
    fn default() -> Self {
        Self(Cache::new(MOST_KNOWN))
    }
}

impl Beginnings {
    /// When each of these findings began.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn of<F: Finding>(
        &self,
        asked: &Asked,
        found: &[(&'static Rule<F>, Uuid)],
    ) -> Result<Vec<DateTime<Utc>>, Problem> {
        let mut all = Vec::with_capacity(found.len());
        for found in found.chunks(AT_ONCE) {
            let known = found.par_iter().map(|(rule, id)| {
                let around = Around::of(asked, rule, *id);
                let key = around.key(asked, rule.code);
                (self.0.get(&key), Search { rule, key, around })
            });
            let (mut began, mut searches): (Vec<_>, Vec<_>) = known.unzip();
            let mut unknown: Vec<_> = (began.iter_mut().zip(&mut searches))
                .filter(|(began, _)| began.is_none())
                .collect();
            let around = || unknown.iter().map(|(_, search)| &search.around);
            let former = former_links(asked, around())?;
            unknown
                .iter_mut()
                .for_each(|(_, search)| search.around.add(&former));
            let records = unknown
                .iter()
                .flat_map(|(_, search)| &search.around.records);
            let changed = records.filter(|r| r.meta().version > 1);
            let versions = earlier_versions(asked, changed.map(|r| r.meta().id).collect())?;
            unknown.into_par_iter().for_each(|(began, search)| {
                let found = search.began(&asked.seen, asked.on, &versions);
                self.0.insert(search.key, found);
                *began = Some(found);
            });
            all.extend(began.into_iter().flatten());
        }
        Ok(all)
    }
}

/// The records on which a finding depends: its record, what that is part of, what the rule reads,
/// and the settings.
struct Around<'a> {
    own: Uuid,
    reads: Reads,
    records: Vec<&'a Arc<dyn AnyRecord>>,
}

impl<'a> Around<'a> {
    fn of<F: Finding>(asked: &'a Asked, rule: &Rule<F>, own: Uuid) -> Self {
        let seen = &asked.seen;
        let ((), reads) = reads::recorded(|| {
            let context = F::context(seen, asked.on);
            if let Some(record) = seen.any(own) {
                rule.found(&context, record.as_ref());
            }
        });
        let settings = seen.table_of::<SettingSet>().into_iter();
        let mut records: Vec<&Arc<dyn AnyRecord>> = seen.any(own).into_iter().collect();
        records.extend(settings.flat_map(|table| table.rows()));
        let mut known: IdSet = records.iter().map(|r| r.meta().id).collect();
        let mut around = Self {
            own,
            reads,
            records: Vec::new(),
        };
        let mut next = 0;
        while let Some(record) = records.get(next).copied() {
            next += 1;
            for neighbour in around.neighbours(seen, record.as_ref()) {
                if records.len() < MOST_RECORDS && known.insert(neighbour.meta().id) {
                    records.push(neighbour);
                }
            }
        }
        around.records = records;
        around
    }

    /// Names everything that the beginning is found from: two that are the same have the same one.
    fn key(&self, asked: &Asked, rule: &str) -> [u8; 32] {
        let world = asked.seen.reading(asked.on).world;
        let mut hash = Sha256::new();
        let visibility = format!("{:?}", asked.seen.visibility());
        for word in [rule, visibility.as_str()] {
            hash.update(word.len().to_be_bytes());
            hash.update(word);
        }
        hash.update(self.own);
        hash.update(asked.on.to_epoch_days().to_be_bytes());
        hash.update(world.last_redaction.to_be_bytes());
        // The links lost before an earlier world are not known from the world itself.
        let earlier = asked.seen.moment().is_none().then_some(world.seq);
        hash.update(earlier.unwrap_or_default().to_be_bytes());
        for record in &self.records {
            let id = record.meta().id;
            hash.update(id);
            hash.update(record.meta().seq.to_be_bytes());
            hash.update(world.last_loss(id).to_be_bytes());
        }
        hash.finalize().into()
    }

    /// The linked records of a record that were read, and those that link to it.
    fn neighbours(
        &self,
        seen: &'a VisibleWorld,
        record: &dyn AnyRecord,
    ) -> Vec<&'a Arc<dyn AnyRecord>> {
        let id = record.meta().id;
        let whole = record.place().within;
        let is_read =
            |to: &Uuid| self.reads.has_record(*to) || (id == self.own && whole.contains(to));
        let linked = record.targets().into_iter().filter(is_read);
        let mut all: Vec<_> = linked.filter_map(|to| seen.any(to)).collect();
        for kind in seen
            .kinds()
            .iter()
            .filter(|k| self.reads_linking(id, k.index))
        {
            all.extend(seen.pointing_of(id, kind));
        }
        all
    }

    /// Adds the records that linked to those around the finding and no longer do, if the rule reads
    /// such links.
    fn add(&mut self, former: &IdMap<Vec<&'a Arc<dyn AnyRecord>>>) {
        let mut known: IdSet = self.records.iter().map(|r| r.meta().id).collect();
        let mut added: Vec<&'a Arc<dyn AnyRecord>> = Vec::new();
        for to in self.records.iter().map(|r| r.meta().id) {
            let linked = former.get(&to).into_iter().flatten();
            let linked = linked.filter(|r| self.reads_linking(to, r.meta().kind()));
            added.extend(linked.filter(|r| known.insert(r.meta().id)));
        }
        self.records.append(&mut added);
    }

    /// Whether the records of a kind that link to this one were read, or all records of the kind.
    fn reads_linking(&self, to: Uuid, kind: usize) -> bool {
        self.reads.has_pointing(to, kind) || (to == self.own && self.reads.has_kind(kind))
    }
}

/// The records that linked to each of these records and no longer do.
fn former_links<'a, 'b>(
    asked: &'a Asked,
    all: impl Iterator<Item = &'b Around<'a>>,
) -> Result<IdMap<Vec<&'a Arc<dyn AnyRecord>>>, Problem>
where
    'a: 'b,
{
    let records = all.flat_map(|around| &around.records);
    let targets: IdSet = records.map(|r| r.meta().id).collect();
    let mut former: IdMap<Vec<&Arc<dyn AnyRecord>>> = IdMap::default();
    if let Some(engine) = asked.engine.as_ref().filter(|_| !targets.is_empty()) {
        for (target, record) in engine.former_links(targets.into_iter().collect())? {
            let linked = former.entry(target).or_default();
            linked.extend(asked.seen.any(record));
        }
    }
    Ok(former)
}

fn earlier_versions(asked: &Asked, ids: IdSet) -> Result<Versions, Problem> {
    let mut versions = Versions::default();
    if let Some(engine) = asked.engine.as_ref().filter(|_| !ids.is_empty()) {
        let until = asked.seen.reading(asked.on).world.seq;
        let ids = ids.into_iter().collect();
        for version in engine.earlier_versions(ids, until, MOST_VERSIONS)? {
            versions.entry(version.id).or_default().push(version);
        }
    }
    Ok(versions)
}

/// The changes of these records, newest first.
fn steps<'a>(around: &[&Arc<dyn AnyRecord>], versions: &'a Versions) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for record in around {
        let meta = record.meta();
        let (mut at, mut seq) = (meta.updated_at, meta.seq);
        let known = versions.get(&meta.id).map_or(&[][..], Vec::as_slice);
        for earlier in known.iter().filter(|v| v.seq < meta.seq) {
            let before = earlier.record.as_ref();
            let id = meta.id;
            steps.push(Step {
                at,
                seq,
                id,
                before,
            });
            (at, seq) = (earlier.at, earlier.seq);
        }
        steps.push(Step {
            at,
            seq,
            id: meta.id,
            before: None,
        });
    }
    steps.sort_by_key(|step| std::cmp::Reverse((step.at, step.seq)));
    steps
}

/// The search for the beginning of one finding.
struct Search<'a, F: Finding> {
    rule: &'static Rule<F>,
    /// Under which it is remembered.
    key: [u8; 32],
    around: Around<'a>,
}

impl<F: Finding> Search<'_, F> {
    /// Whether the rule finds something in a world on a day.
    fn holds(&self, seen: &VisibleWorld, on: NaiveDate) -> bool {
        let record = seen.any(self.around.own);
        let live = record.filter(|r| seen.is_live(r.as_ref()));
        live.is_some_and(|record| {
            let context = F::context(seen, on);
            let found = self.rule.found(&context, record.as_ref());
            found.is_some()
        })
    }

    /// When the finding began that holds in this world on this day.
    fn began(&self, seen: &VisibleWorld, mut day: NaiveDate, versions: &Versions) -> DateTime<Utc> {
        let steps = steps(&self.around.records, versions);
        let mut seen = seen.clone();
        let mut began = DateTime::<Utc>::MAX_UTC;
        for change in steps.chunk_by(|a, b| a.at == b.at) {
            let Some(first) = change.first() else { break };
            let changed_on = day_of(first.at).min(day);
            if changed_on < day && !self.holds(&seen, changed_on) {
                return Calendar::current().start_of(self.first_day(&seen, (changed_on, day)));
            }
            (day, began) = (changed_on, first.at);
            seen.take_back(change.iter().map(|step| (step.id, step.before)));
            if !self.holds(&seen, day) {
                break;
            }
        }
        began
    }

    /// The first day on which the rule finds something, between one on which it does not and one on
    /// which it does.
    fn first_day(
        &self,
        seen: &VisibleWorld,
        (mut without, mut with): (NaiveDate, NaiveDate),
    ) -> NaiveDate {
        while let days @ 2.. = (with - without).num_days() {
            let middle = without + chrono::TimeDelta::days(days / 2);
            match self.holds(seen, middle) {
                true => with = middle,
                false => without = middle,
            }
        }
        with
    }
}
