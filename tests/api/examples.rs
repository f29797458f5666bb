//! The example data: every statement of the two papers has its record, and each record is known
//! from the day of its paper, not before.
//!
//! What is asked over HTTP runs on both databases: the past is read back from the journal as each
//! of them stored it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stride::registers::catalogue;
use stride::transfer::load;
use stride::world::Kind;

use crate::support::TestApp;
use crate::support::app::store_for;
use crate::support::maker::{collection, kind};
use crate::support::{Backend, perhaps, some};

const COVERAGE: &str = include_str!("../../examples/COVERAGE.md");

const DAYS: [&str; 2] = ["2017-06-30", "2020-10-26"];

/// What only the paper of 2020 speaks of.
const OF_2020: [&str; 12] = [
    "2020",
    "2021",
    "2024",
    "CPIE",
    "DMC",
    "RaSP",
    "MO2",
    "D&I",
    "Delivery Group",
    "Joint Audit",
    "Staff support",
    "dvisory group",
];

/// A record that COVERAGE.md names.
#[derive(Debug)]
struct Named {
    kind: String,
    /// The whole reference, or its beginning and `*`.
    reference: String,
    field: Option<String>,
    /// It says that the record is still to come.
    is_to_come: bool,
}

impl Named {
    fn parse(code: &str, after: &str) -> Self {
        let (kind, rest) = code
            .split_once(':')
            .unwrap_or_else(|| panic!("`{code}` is no kind:REFERENCE"));
        let (reference, field) = rest
            .split_once('#')
            .map_or((rest, None), |(r, f)| (r, Some(f.to_owned())));
        Self {
            kind: kind.into(),
            reference: reference.into(),
            field,
            is_to_come: after.starts_with(" (to come)"),
        }
    }

    fn means(&self, kind: &str, reference: &str) -> bool {
        let beginning = self.reference.strip_suffix('*');
        self.kind == kind
            && beginning.map_or(self.reference == reference, |b| reference.starts_with(b))
    }
}

/// A row of COVERAGE.md: `| A7 | what is said | held by |`.
struct Row {
    part: char,
    number: usize,
    text: &'static str,
    named: Vec<Named>,
}

fn rows() -> Vec<Row> {
    let is_row = |line: &&str| {
        line.starts_with("| ") && line.as_bytes().get(3).is_some_and(u8::is_ascii_digit)
    };
    let row = |text: &'static str| {
        let pieces: Vec<&str> = text.split('`').collect();
        let named = pieces.chunks(2).zip(pieces.iter().skip(2).step_by(2));
        Row {
            part: text.chars().nth(2).expect("a part"),
            number: text
                .split(' ')
                .nth(1)
                .and_then(|n| n[1..].parse().ok())
                .expect("a number"),
            text,
            named: named
                .map(|(piece, after)| Named::parse(piece[1], after))
                .collect(),
        }
    };
    COVERAGE.lines().filter(is_row).map(row).collect()
}

/// Every record that the file makes, as (stage, kind, reference).
fn made() -> Vec<(usize, String, String)> {
    let file: Value = serde_json::from_str(load::EXAMPLE).expect("JSON");
    let stages = file["stages"].as_array().expect("stages");
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let of_stage = |(n, stage): (usize, &Value)| {
        let items = stage["records"].as_array().expect("records").clone();
        let record =
            move |item: Value| Some((n, text(&item["kind"])?, text(&item["record"]["reference"])?));
        items.into_iter().filter_map(record)
    };
    stages.iter().enumerate().flat_map(of_stage).collect()
}

#[test]
fn statements_are_numbered_in_order_and_held_or_explained() {
    let mut next = BTreeMap::new();
    for row in some(rows()) {
        let expected = next.entry(row.part).or_insert(1);
        assert_eq!(row.number, *expected, "{}", row.text);
        *expected += 1;
        assert_eq!(
            row.text.matches(" | ").count(),
            2,
            "three cells: {}",
            row.text
        );
        assert!(
            !row.named.is_empty() || row.text.contains("| no record: "),
            "held by nothing: {}",
            row.text
        );
    }
    assert_eq!(next.keys().collect::<String>(), "ABC");
}

#[test]
fn every_record_of_the_file_is_named() {
    let rows = rows();
    let is_named = |kind: &str, reference: &str| {
        rows.iter()
            .flat_map(|r| &r.named)
            .any(|n| n.means(kind, reference))
    };
    let unnamed: Vec<_> = made()
        .into_iter()
        .filter(|(_, kind, reference)| !is_named(kind, reference))
        .collect();
    assert!(
        unnamed.is_empty(),
        "name them in examples/COVERAGE.md, in part C if no statement asks for them: {unnamed:#?}"
    );
}

/// Every record of a kind as it was at the end of a day, by its reference.
async fn records(app: &TestApp, kind: &Kind, day: &str) -> BTreeMap<String, Value> {
    let keeper = app.keeper(kind);
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = keeper
            .get(&format!(
                "{}?as_of={day}&limit=200{cursor}",
                collection(kind)
            ))
            .await
            .status(200)
            .json();
        let items = page["items"].as_array().expect("items");
        found.extend(items.iter().map(|r| {
            (
                r["reference"].as_str().expect("a reference").to_owned(),
                r.clone(),
            )
        }));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// All that was known at the end of a day, by kind and reference.
type Known = BTreeMap<&'static str, BTreeMap<String, Value>>;

async fn known(app: &TestApp, day: &str) -> Known {
    let mut known = Known::new();
    for kind in catalogue().kinds() {
        known.insert(kind.name, records(app, kind, day).await);
    }
    known
}

fn says_nothing(value: &Value) -> bool {
    matches!(value, Value::Null)
        || value.as_str() == Some("")
        || value.as_array().is_some_and(Vec::is_empty)
}

/// Each record that a row names was known on the day of its paper, and the field that is named says
/// something.
fn is_held(row: &Row, known: &Known) {
    for named in perhaps(&row.named) {
        let of_kind = known.get(named.kind.as_str());
        let found: Vec<&Value> = of_kind
            .into_iter()
            .flatten()
            .filter(|(reference, _)| named.means(&named.kind, reference))
            .map(|(_, record)| record)
            .collect();
        if named.is_to_come {
            assert!(
                found.is_empty(),
                "{}:{} is there; take the mark away: {}",
                named.kind,
                named.reference,
                row.text
            );
            continue;
        }
        assert!(
            of_kind.is_some(),
            "there is no kind {}: {}",
            named.kind,
            row.text
        );
        assert!(
            !found.is_empty(),
            "{}:{} was not known: {}",
            named.kind,
            named.reference,
            row.text
        );
        if let Some(field) = &named.field {
            assert!(
                some(&found).all(|r| !says_nothing(&r[field])),
                "{}#{field} says nothing: {}",
                named.reference,
                row.text
            );
        }
    }
}

/// A text without ids and hashes, in which any digits may stand by chance.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| uuid::Uuid::try_parse(word).is_ok() || word.len() == 64;
    let mut left = text.to_owned();
    for word in text
        .split(|c: char| !(c.is_ascii_hexdigit() || c == '-'))
        .filter(|w| is_id(w))
    {
        left = left.replace(word, "");
    }
    left
}

/// Every text in a value, ids aside.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(without_ids(text)),
        Value::Array(list) => list.iter().for_each(|v| texts(v, all)),
        Value::Object(map) => map.values().for_each(|v| texts(v, all)),
        _ => {}
    }
}

/// Nothing that only the paper of 2020 says shows on the day of the first.
fn tells_nothing_of_2020(known: &Known) {
    let made: BTreeSet<(String, String)> = made()
        .into_iter()
        .filter(|(stage, ..)| *stage > 0)
        .map(|(_, k, r)| (k, r))
        .collect();
    for (kind, records) in some(known) {
        for (reference, record) in records {
            assert!(
                !made.contains(&((*kind).to_owned(), reference.clone())),
                "{kind}:{reference} shows too early"
            );
            assert_eq!(
                record["updated_at"], "2017-06-30T09:00:00Z",
                "{kind}:{reference}"
            );
            let mut all = Vec::new();
            texts(record, &mut all);
            let tells = |text: &&String| OF_2020.iter().any(|word| text.contains(word));
            assert_eq!(
                all.iter().find(tells),
                None,
                "{kind}:{reference} speaks of 2020"
            );
        }
    }
}

fn counts(known: &Known) -> [usize; 6] {
    [
        "unit",
        "board",
        "goal",
        "work_plan_item",
        "progress_update",
        "control",
    ]
    .map(|kind| known[kind].len())
}

fn run(backend: Backend) {
    let Some(store) = store_for(backend) else {
        return;
    };
    actix_web::rt::System::new().block_on(async move {
        let app = TestApp::on(store, backend, |config| config.serving.no_example = false).await;
        assert!(
            records(&app, kind("unit"), "2017-06-29").await.is_empty(),
            "before the first paper"
        );
        let [then, later] = [known(&app, DAYS[0]).await, known(&app, DAYS[1]).await];
        for row in rows() {
            is_held(&row, if row.part == 'A' { &then } else { &later });
        }
        tells_nothing_of_2020(&then);
        assert_eq!(counts(&then), [10, 4, 6, 10, 7, 0]);
        assert_eq!(counts(&later), [38, 7, 9, 10, 7, 9]);

        // The dashboard was promised in 2017; in 2020 it is still open.
        for known in [&then, &later] {
            let promised = &known["dashboard"]["DASH-2017"]["promised"];
            assert_eq!(promised[0]["due"]["due_on"], "2017-06-30");
            assert_eq!(promised[1]["due"]["source_text"], "the next Board meeting");
            let version = &known["dashboard_version"]["DASH-2017-DRAFT"];
            assert_eq!(version["maturity"], "planned");
        }
        // Titles, owners and states are those of the day.
        let at = |kind: &str, reference: &str, field: &str| {
            [&then, &later].map(|known| known[kind][reference][field].clone())
        };
        assert_eq!(
            at("board", "AUDIT-PANEL", "title"),
            ["Audit Panel", "Joint Audit Panel"]
        );
        assert_eq!(
            at("board", "STRIDE-BOARD", "title"),
            ["STR.I.D.E Board", "STRIDE Board"]
        );
        assert_eq!(
            at("strategy", "STRIDE-2017", "from_year"),
            [Value::Null, 2017.into()]
        );
        assert_eq!(
            at("strategy_version", "STRIDE-2017-FINAL", "status"),
            ["approved", "under_review"]
        );
        assert_eq!(at("unit", "HR", "unit_kind"), ["unit", "business_group"]);
        app.stop().await;
    });
}

#[test]
fn each_statement_was_known_on_its_day_sqlite() {
    run(Backend::Sqlite);
}

#[test]
fn each_statement_was_known_on_its_day_postgres() {
    run(Backend::Postgres);
}
