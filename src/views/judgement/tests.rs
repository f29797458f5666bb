//! What the views say of one record agrees, in any state of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::query::{Parameter, Query};
use crate::lists::some;
use crate::registers::gaps::gap_code;
use crate::registers::plan::{ItemStatus, WorkPlanItem};
use crate::views::kept::tests::{Changer, asked, busy, day};
use crate::views::request::Asked;
use crate::views::wait_graph::{Graph, Node, waiting_on};
use crate::views::{KeptViews, contradictions, dependency_graph, gaps, slippage, status};
use crate::world::visible::{Clearance, Visibility, VisibleWorld};

/// Changes in each of the random sequences.
const CHANGES: usize = 60;
/// Changes between two comparisons.
const BETWEEN: usize = 5;
const SEQUENCES: u64 = 3;

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// Rows by the id of their record.
fn by_id<'a>(view: &'a Value, list: &str, id: &str) -> BTreeMap<String, &'a Value> {
    let rows = view[list].as_array().into_iter().flatten();
    rows.map(|row| (text(row, id).to_owned(), row)).collect()
}

/// The same question, also for the gaps that are folded under others.
fn with_folded(mut whole: Asked) -> Asked {
    let folded = json!({ "name": "folded", "in": "query", "schema": { "type": "string" } });
    let folded: Vec<Parameter> = Parameter::of(&folded).into_iter().collect();
    whole.query = Query::parse("folded=true", &folded).expect("a query");
    whole
}

/// What the views say of the same records.
struct Said {
    on: NaiveDate,
    items: Value,
    status: Value,
    slippage: Value,
    graph: Value,
    gaps: Value,
    contradictions: Value,
}

impl Said {
    fn of(seen: &VisibleWorld, on: NaiveDate) -> Self {
        let kept = KeptViews::default();
        let whole = asked(seen.clone(), on, true);
        let whole_again = asked(seen.clone(), on, true);
        let words = "the view is answered";
        Self {
            on,
            items: json!(status::item_rows(&whole).expect(words)),
            status: json!(status::status(&whole, &kept.status, None)),
            slippage: json!(slippage::slippage(&whole, &kept.graphs, &kept.dates).expect(words)),
            graph: json!(dependency_graph::graph(&whole, &kept.graphs).expect(words)),
            gaps: json!(gaps::gaps(&with_folded(whole_again), &kept.gaps).expect(words)),
            contradictions: json!(
                contradictions::contradictions(&whole, &kept.contradictions).expect(words)
            ),
        }
    }

    /// The records that a rule finds; none if some of its findings are waived.
    fn found(&self, rule: &str) -> Option<BTreeSet<String>> {
        let counts = self.gaps["by_rule"].as_array().into_iter().flatten();
        let waived = counts
            .filter(|c| c["rule"] == rule)
            .any(|c| c["waived"] != 0);
        let gaps = self.gaps["items"].as_array().into_iter().flatten();
        // Not those on a record several parts of which lack something.
        let kind = gap_code(rule).map(|(_, kind)| kind);
        let is_own = |g: &&Value| g["rule"] == rule && g["record"]["kind"].as_str() == kind;
        let found = gaps.filter(is_own);
        (!waived).then(|| found.map(|g| text(g, "/record/id").to_owned()).collect())
    }

    /// How the answers differ.
    fn differences(&self, seen: &VisibleWorld) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut differs = |is: bool, what: String| {
            if is {
                wrong.push(what);
            }
        };
        let items = by_id(&self.items, "items", "/item/id");
        let dated = by_id(&self.slippage, "items", "/record/id");
        let nodes = by_id(&self.graph, "nodes", "/record/id");
        let clashes: BTreeMap<String, &Value> = self.contradictions["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|c| c["rule"] == "item_rag_differs")
            .map(|c| (text(c, "/record/id").to_owned(), c))
            .collect();
        for rag in ["red", "amber", "green", "blue", "grey"] {
            let listed = items.values().filter(|i| i["computed_rag"] == rag).count();
            let counted = &self.status["totals"]["computed_rag"][rag];
            differs(
                *counted != listed,
                format!("{rag}: {listed} items listed, {counted} counted"),
            );
        }
        let whole = Graph::of(seen, self.on);
        for node in &whole.nodes {
            let Some(id) = node.id() else { continue };
            let edges = node.awaited.iter().filter_map(|e| whole.edges.get(*e));
            let open = edges.filter(|e| e.is_open);
            let waiting: BTreeSet<Uuid> = open
                .filter_map(|e| whole.nodes.get(e.from).and_then(Node::id))
                .collect();
            let found: BTreeSet<Uuid> = waiting_on(seen, self.on, id).into_iter().collect();
            differs(found != waiting, format!("{id}: {found:?}, {waiting:?}"));
        }
        let rated_by_waits = ["cannot_be_met", "waits_for_undated", "circular_wait"];
        for (id, item) in &items {
            let record = seen.get::<WorkPlanItem>(id.parse::<uuid::Uuid>().expect("an id"));
            let data = &record.expect("an item").data;
            // The rules of a record, which are not asked here, keep these from disagreeing.
            if (data.status == ItemStatus::Complete) != data.completed_on.is_some() {
                continue;
            }
            let reference = text(item, "/item/reference");
            if let Some(clash) = clashes.get(id) {
                differs(
                    clash["computed"]["code"] != item["computed_rag"] || item["agrees"] == true,
                    format!("{reference}: {clash} and {item}"),
                );
            }
            let Some(row) = dated.get(id) else { continue };
            differs(
                !data.status.is_closed() && item["agrees"] == false && !clashes.contains_key(id),
                format!("{reference}: no contradiction, but {item}"),
            );
            let doubtful = ["impossible", "unknown", "circle"].contains(&text(row, "/can_be_met"));
            let good = ["green", "blue", "grey"].contains(&text(item, "/computed_rag"));
            differs(doubtful && good, format!("{reference}: {item} and {row}"));
            let by = text(item, "/computed_by");
            differs(
                rated_by_waits.contains(&by) && !doubtful,
                format!("{reference}: {item} and {row}"),
            );
            differs(
                (row["timeliness"] == "overdue") != ["overdue", "deferred"].contains(&by)
                    && by != "cannot_be_met",
                format!("{reference}: {item} and {row}"),
            );
            if let Some(node) = nodes.get(id) {
                differs(
                    (node["state"] == "done") != (item["status"] == "complete"),
                    format!("{reference}: {item} and {node}"),
                );
            }
        }
        for (id, row) in &dated {
            let reference = text(row, "/record/reference");
            let overdue = row["timeliness"] == "overdue";
            differs(
                (row["is_overdue"] == true) != overdue
                    || (overdue && row["can_be_met"] != "impossible"),
                format!("{reference}: {row}"),
            );
            if let Some(node) = nodes.get(id) {
                differs(
                    node["can_be_met"] != row["can_be_met"]
                        || (node["state"] == "overdue") != overdue,
                    format!("{reference}: {node} and {row}"),
                );
            }
        }
        for (kind, rule, figure) in [
            (
                "recommendation",
                "recommendation_overdue",
                "/recommendations/timeliness/overdue",
            ),
            ("action", "action_overdue", "/actions/overdue"),
        ] {
            let overdue: BTreeSet<String> = dated
                .iter()
                .filter(|(_, r)| r["dated_kind"] == kind && r["timeliness"] == "overdue")
                .map(|(id, _)| id.clone())
                .collect();
            let counted = self.status.pointer(figure).and_then(Value::as_u64);
            differs(
                counted != Some(overdue.len() as u64),
                format!("{kind}: {counted:?} counted, {} overdue", overdue.len()),
            );
            if let Some(found) = self.found(rule) {
                differs(found != overdue, format!("{rule}: {found:?}, {overdue:?}"));
            }
        }
        wrong
    }
}

#[tokio::test]
async fn every_view_judges_a_record_alike() {
    let example = busy().await;
    let whole = Visibility {
        clearance: Clearance::All,
        exact: Vec::new(),
    };
    let askers = [
        (whole, day("2020-10-26")),
        (Visibility::least(), day("2017-11-20")),
    ];
    let mut judged = BTreeSet::new();
    for seed in 1..=SEQUENCES {
        let mut changer = Changer::new(example.clone(), seed);
        for n in 0..CHANGES {
            let change = changer.change();
            if n % BETWEEN != 0 {
                continue;
            }
            let world = Arc::new(changer.world.clone());
            for (visibility, on) in some(askers.iter()) {
                let seen = VisibleWorld::now(Arc::clone(&world), visibility.clone());
                let said = Said::of(&seen, *on);
                let wrong = said.differences(&seen);
                assert!(
                    wrong.is_empty(),
                    "seed {seed}, change {n}, {change}, on {on}: {wrong:#?}"
                );
                let rows = said.items["items"].as_array().expect("items");
                judged.extend(rows.iter().map(|r| text(r, "/computed_by").to_owned()));
            }
        }
    }
    for by in ["overdue", "waits_for_undated", "on_course", "complete"] {
        assert!(judged.contains(by), "no item was {by}: {judged:?}");
    }
}
