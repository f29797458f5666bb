//! What a paper is computed from, and the queries that return it.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

use crate::http::resource::BASE;
use crate::registers::catalogue;
use crate::world::visible::VisibleWorld;

/// The world that a paper reports on, limited to what its reader may see.
pub struct Basis {
    pub seen: VisibleWorld,
    /// Date used to decide what is overdue and due soon.
    pub on: NaiveDate,
    /// Time up to which recorded data is included.
    pub as_of: DateTime<Utc>,
    /// The same time as a value for `as_of=`.
    asked: String,
}

/// The last moment of a day.
#[must_use]
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    next.and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1)
}

impl Basis {
    /// What was recorded by the end of a past date.
    #[must_use]
    pub fn of_day(seen: VisibleWorld, day: NaiveDate) -> Self {
        Self {
            seen,
            on: day,
            as_of: end_of(day),
            asked: day.to_string(),
        }
    }

    /// What was recorded up to a time on a date. Uses the time of the last entry, or the start of
    /// the date if that is later, so that the same journal always gives the same paper.
    #[must_use]
    pub fn of_moment(seen: VisibleWorld, on: NaiveDate, last_entry: DateTime<Utc>) -> Self {
        let as_of = last_entry.max(on.and_time(NaiveTime::MIN).and_utc());
        Self {
            seen,
            on,
            as_of,
            asked: as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        }
    }

    /// Query for records: a path below the base, and its filters.
    #[must_use]
    pub fn rows(&self, path: &str, filters: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in filters {
            query.append_pair(name, value);
        }
        let mut query = query.finish();
        if !query.is_empty() {
            query.push('&');
        }
        // The time is not escaped, so that it stays readable.
        format!("{BASE}/{path}?{query}as_of={}", self.asked)
    }

    /// Query for records that link to a given record.
    #[must_use]
    pub fn of(&self, path: &str, field: &str, id: Uuid) -> String {
        self.rows(path, &[(field, &id.to_string())])
    }

    /// Query for one record, by its reference.
    #[must_use]
    pub fn one(&self, kind: &str, reference: &str) -> String {
        let path = catalogue().named(kind).map_or(kind, |k| k.path);
        self.rows(path, &[("reference", reference)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;
    use crate::world::visible::Visibility;

    #[test]
    fn queries_say_as_of_when() {
        let seen = VisibleWorld::now(
            std::sync::Arc::new(World::empty(catalogue())),
            Visibility::least(),
        );
        let day: NaiveDate = "2020-10-26".parse().expect("a day");
        let basis = Basis::of_day(seen.clone(), day);
        assert_eq!(
            basis.one("recommendation", "DARA-2020/3"),
            "/api/v1/recommendations?reference=DARA-2020%2F3&as_of=2020-10-26"
        );
        assert_eq!(basis.rows("status", &[]), "/api/v1/status?as_of=2020-10-26");
        let early = "2020-10-20T08:00:00Z".parse().expect("a time");
        assert_eq!(
            Basis::of_moment(seen, day, early).rows("status", &[]),
            "/api/v1/status?as_of=2020-10-26T00:00:00Z"
        );
    }
}
