//! The end of a record's life: withdrawn with its parts, lapsed with its whole, ended with what it
//! belongs to. Every answer tells the same, for every kind in the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use stride::access::tokens::Subject;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::World;
use stride::world::record::word;
use strum::VariantArray;
use uuid::Uuid;

use crate::support::client::Reply;
use crate::support::maker::{Made, Maker, collection, kind};
use crate::support::{Client, TestApp, perhaps, some};
use crate::views::world;

/// The day by which views calculate.
const DAY: &str = "2020-11-02";

/// A caller who holds every role in the whole organisation; cleared for marked records or not.
async fn everyone(maker: &Maker<'_>, app: &TestApp, cleared: bool) -> Client {
    let account = maker
        .make_with(
            "account",
            json!({ "account_kind": "person", "title": "All" }),
        )
        .await;
    // An auditor is cleared anyway.
    let held = |r: &&Role| cleared || **r != Role::Auditor;
    for role in Role::VARIANTS.iter().filter(held) {
        let grant = json!({
            "account_id": account.id(), "role": word(role), "official_sensitive": cleared,
        });
        maker.create(kind("grant"), &grant).await;
    }
    app.with(&Subject {
        account: account.id(),
        client_id: "tests".into(),
        read_only: false,
        acting_as: None,
    })
}

/// Where a record is.
fn path_of(world: &World, id: Uuid) -> String {
    let record = world.any(id).expect("a record");
    let kind = &catalogue().kinds()[record.meta().kind];
    format!("{}/{id}", collection(kind))
}

fn codes(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().expect("errors");
    let text = Value::as_str;
    errors
        .iter()
        .filter_map(|e| Some((text(&e["code"])?, text(&e["detail"])?)))
        .collect()
}

async fn etag(client: &Client, path: &str) -> String {
    client.get(path).await.status(200).etag()
}

async fn is_listed(client: &Client, made: &Made, query: &str) -> bool {
    let path = format!(
        "{}?limit=200&reference={}{query}",
        collection(made.kind),
        made.reference()
    );
    !client.items(&path).await.is_empty()
}

/// The records that a record is part of.
async fn wholes(app: &TestApp, made: &Made) -> Vec<Uuid> {
    let world = world(app).await;
    let mut all = world.any(made.id()).expect("it").place().within;
    all.dedup();
    all
}

/// A record that has live parts is withdrawn only with them: refused by name, or all at once for
/// the same reason, and restored the same way.
async fn a_whole_is_withdrawn_with_its_parts(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let mut pairs = BTreeSet::new();
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        for whole in perhaps(wholes(&app, &made).await) {
            let before = world(&app).await;
            let path = path_of(&before, whole);
            let of = catalogue().kinds()[before.any(whole).expect("it").meta().kind].name;
            pairs.insert((of, kind.name));
            let seq = app.seq().await;
            let refused = client.delete(&path, &etag(&client, &path).await).await;
            let problem = refused.problem("in_use");
            let name = format!("{} {}", kind.name.replace('_', " "), made.reference());
            assert!(
                codes(&problem)
                    .iter()
                    .any(|(code, detail)| *code == "has_parts" && detail.contains(&name)),
                "{of} with {name}: {problem}"
            );
            assert_eq!(app.seq().await, seq, "{of}: nothing was stored");
            let address = format!("{path}?within=withdraw&reason=Entered+twice");
            let gone = client.delete(&address, &etag(&client, &path).await).await;
            assert!(gone.status(200).json()["withdrawn_at"].is_string());
            let after = world(&app).await;
            let left: Vec<String> = live_within(&after, whole);
            assert_eq!(left, Vec::<String>::new(), "{of}: live within");
            let history = client
                .get(&format!("{}/history", made.path))
                .await
                .status(200)
                .json();
            let last = history["items"]
                .as_array()
                .expect("items")
                .last()
                .expect("one")
                .clone();
            assert_eq!(
                (&last["action"], &last["reason"]),
                (&json!("withdraw"), &json!("Entered twice")),
                "{of} with {name}"
            );
            assert!(!is_listed(&client, &made, "").await, "{name}");
            client
                .post(&format!("{}/restore", made.path), &Value::Null)
                .await
                .problem("conflict");
            let back = client
                .post(&format!("{path}/restore?within=restore"), &Value::Null)
                .await;
            if back.status == 422 {
                // Only its claimant restores a claim, and only who decided a decision.
                let problem = back.json();
                let detail = problem["detail"].as_str().unwrap_or_default();
                assert!(detail.contains("which is part of this record"), "{problem}");
                continue;
            }
            assert_eq!(back.status(200).json()["withdrawn_at"], Value::Null);
            let again = world(&app).await;
            for record in before_within(&before, whole) {
                let now = again.any(record).expect("it is there");
                assert!(again.is_live(now.as_ref()), "{of}: {:?}", now.meta());
            }
            assert!(is_listed(&client, &made, "").await, "{name}");
        }
    }
    assert!(pairs.len() > 30, "{pairs:?}");
}

/// The live records within a record, at any depth.
fn before_within(world: &World, whole: Uuid) -> Vec<Uuid> {
    let (mut all, mut at) = (vec![whole], 0);
    while let Some(id) = all.get(at).copied() {
        at += 1;
        for part in world.parts(id).filter(|r| world.is_live(r.as_ref())) {
            if !all.contains(&part.meta().id) {
                all.push(part.meta().id);
            }
        }
    }
    all
}

fn live_within(world: &World, whole: Uuid) -> Vec<String> {
    let all = before_within(world, whole).into_iter().skip(1);
    all.map(|id| world.any(id).expect("it").meta().reference.to_string())
        .collect()
}

/// A part that the caller may not see neither prevents the withdrawal of its whole nor changes its
/// answer. It ceases to count with its whole, in every list, and counts again with it.
async fn a_hidden_part_lapses_with_its_whole(app: TestApp) {
    let maker = Maker::new(&app);
    let cleared = everyone(&maker, &app, true).await;
    let uncleared = everyone(&maker, &app, false).await;
    let mut lapsed = 0;
    for kind in some(catalogue().kinds().iter().filter(|k| k.markable)) {
        let mut draft = maker.draft(kind).await;
        draft["marking"] = "official_sensitive".into();
        let made = maker.create(kind, &draft).await;
        // A person is never part of a post alone: its holding has two wholes.
        let Some(whole) = wholes(&app, &made).await.into_iter().next() else {
            continue;
        };
        let path = path_of(world(&app).await.as_ref(), whole);
        if uncleared.get(&path).await.status != 200 {
            continue;
        }
        let tag = etag(&uncleared, &path).await;
        let gone = uncleared.delete(&path, &tag).await;
        if gone.status == 403 {
            continue;
        }
        if gone.status == 409 {
            // Another part, which is not marked.
            let problem = gone.problem("in_use");
            assert!(!problem.to_string().contains(made.reference()), "{problem}");
            continue;
        }
        gone.status(200);
        lapsed += 1;
        let now = cleared.get(&made.path).await;
        assert_eq!(now.status(200).json()["withdrawn_at"], Value::Null);
        assert_eq!(now.etag(), made.etag, "{}: as it was", kind.name);
        assert!(!is_listed(&cleared, &made, "").await, "{}", kind.name);
        assert!(is_listed(&cleared, &made, "&include_withdrawn=true").await);
        if !kind.append_only {
            let refused = cleared.patch(&made.path, &now.etag(), &maker.patch()).await;
            refused.problem("conflict");
        }
        uncleared
            .post(&format!("{path}/restore"), &Value::Null)
            .await
            .status(200);
        assert!(is_listed(&cleared, &made, "").await, "{}", kind.name);
    }
    assert!(lapsed >= 15, "{lapsed} kinds");
}

/// In bulk and in jobs, an operation says the same as the parameter.
async fn parts_are_withdrawn_in_bulk(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let item = maker.make_named("work_plan_item").await;
    let plan = item.record["plan_id"].as_str().expect("a plan").to_owned();
    let ask = async |op: Value| {
        client
            .post("/api/v1/plans/bulk", &json!({ "operations": [op] }))
            .await
    };
    ask(json!({ "op": "withdraw", "id": plan, "if_match": 1 }))
        .await
        .problem("in_use");
    ask(json!({ "op": "withdraw", "id": plan, "if_match": 1, "within": "restore" }))
        .await
        .problem_at("rule_violation", "/operations/0/within");
    ask(json!({ "op": "withdraw", "id": plan, "if_match": 1, "within": "withdraw" }))
        .await
        .status(200);
    assert!(!is_listed(&client, &item, "").await);
    ask(json!({ "op": "restore", "id": plan, "within": "restore" }))
        .await
        .status(200);
    assert!(is_listed(&client, &item, "").await);
    client
        .delete(&format!("/api/v1/plans/{plan}?within=x"), "\"3\"")
        .await
        .problem_at("invalid_query", "?within");
    // What the caller may not withdraw keeps the whole.
    let review = maker.make_named("recommendation").await.record["review_id"]
        .as_str()
        .expect("a review")
        .to_owned();
    let path = format!("/api/v1/audit-reviews/{review}");
    let tag = etag(&client, &path).await;
    app.role(Role::StrategyManager)
        .delete(&format!("{path}?within=withdraw"), &tag)
        .await
        .problem("forbidden");
}

/// What a status counts, with the list behind each number.
const COUNTED: &[(&str, &str)] = &[
    ("totals/items", "work-plan-items?"),
    (
        "totals/by_status/complete",
        "work-plan-items?status=complete",
    ),
    (
        "totals/by_status/cancelled",
        "work-plan-items?status=cancelled",
    ),
    (
        "totals/by_status/in_progress",
        "work-plan-items?status=in_progress",
    ),
    (
        "totals/declared_rag/red",
        "work-plan-items?declared_rag=red",
    ),
    ("recommendations/recommendations", "recommendations?"),
    (
        "recommendations/timeliness/overdue",
        "recommendations?timeliness=overdue",
    ),
    (
        "recommendations/verification/verified",
        "recommendations?verification=verified",
    ),
    ("actions/actions", "actions?"),
    ("actions/open", "actions?status=open"),
    ("actions/cancelled", "actions?status=cancelled"),
    ("risks/risks", "risks?"),
    ("risks/open", "risks?status=open"),
    (
        "risks/above_appetite",
        "risks?status=open&above_appetite=true",
    ),
];

/// What the answers say that disagrees.
async fn disagreements(app: &TestApp, client: &Client) -> Vec<String> {
    let mut faults = Vec::new();
    let view = async |path: &str| client.get(path).await.status(200).json();
    let total = async |path: &str| {
        let mark = if path.ends_with('?') { "" } else { "&" };
        let page = view(&format!("/api/v1/{path}{mark}include_total=true&limit=1")).await;
        page["total"].as_u64().expect("a total")
    };
    let now = world(app).await;
    let today = chrono::Utc::now().date_naive();
    // A number in a status is the length of the list behind it.
    let status = view(&format!("/api/v1/status?on={today}")).await;
    for (figure, list) in COUNTED {
        let counted = status.pointer(&format!("/{figure}"));
        let (counted, listed) = (counted.and_then(Value::as_u64), total(list).await);
        if counted != Some(listed) {
            faults.push(format!("status {figure}: {counted:?}, {list}: {listed}"));
        }
    }
    // Every list holds what counts, and nothing else.
    for kind in catalogue().kinds() {
        let rows = now.table(kind.index).into_iter().flat_map(|t| t.rows());
        let live = rows.filter(|r| now.is_live(r.as_ref())).count() as u64;
        let listed = total(&format!("{}?", kind.path)).await;
        if live != listed {
            faults.push(format!("{}: {live} count, {listed} are listed", kind.path));
        }
    }
    // No view names what does not count.
    for path in [
        format!("/api/v1/gaps?on={DAY}&limit=200"),
        format!("/api/v1/contradictions?on={DAY}&limit=200"),
        format!("/api/v1/calendar?on={DAY}&from=2018-01-01&until=2022-12-31"),
        format!("/api/v1/slippage?on={DAY}&limit=200"),
    ] {
        let said = view(&path).await;
        for entry in said["items"].as_array().into_iter().flatten() {
            let id: Option<Uuid> = entry["record"]["id"]
                .as_str()
                .and_then(|id| id.parse().ok());
            let record = id.and_then(|id| now.any(id));
            if record.is_some_and(|r| !now.is_live(r.as_ref())) {
                faults.push(format!("{path} names {}", entry["record"]));
            }
        }
    }
    let coverage = view(&format!("/api/v1/coverage/boards-goals?on={DAY}")).await;
    let mut gaps: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rule in [
        "board_without_remit",
        "goal_without_board",
        "goal_decided_by_several_boards",
    ] {
        let found = view(&format!(
            "/api/v1/gaps?on={DAY}&limit=200&rule={rule}&waived=true"
        ))
        .await;
        let named = found["items"].as_array().into_iter().flatten();
        let named = named.filter_map(|g| g["record"]["reference"].as_str());
        gaps.insert(rule.to_owned(), named.map(str::to_owned).collect());
    }
    let lines = |list: &str| -> BTreeSet<String> {
        let all = coverage[list].as_array().into_iter().flatten();
        all.filter_map(|l| l["reference"].as_str().map(str::to_owned))
            .collect()
    };
    let own: BTreeSet<String> = own_goals(&now);
    for (list, rule) in [
        ("row_gaps", "board_without_remit"),
        ("column_gaps", "goal_without_board"),
        ("held_twice", "goal_decided_by_several_boards"),
    ] {
        let mut covered = lines(list);
        if rule != "board_without_remit" {
            covered.retain(|reference| own.contains(reference));
        }
        if covered != gaps[rule] {
            faults.push(format!(
                "coverage {list} {covered:?}, {rule} {:?}",
                gaps[rule]
            ));
        }
    }
    faults
}

/// The goals of the organisation's own strategies, which rules look at.
fn own_goals(world: &World) -> BTreeSet<String> {
    use stride::registers::strategy::{Goal, Strategy};
    let own = |g: &&stride::world::Rec<Goal>| {
        let strategy = world.get::<Strategy>(g.data.strategy_id);
        strategy.is_some_and(|s| s.data.strategy_kind.is_own())
    };
    world
        .live::<Goal>()
        .filter(own)
        .map(|g| g.meta.reference.to_string())
        .collect()
}

/// The patches that may end a record of a kind.
fn endings() -> Vec<Value> {
    let mut all = vec![
        json!({ "status": "dissolved", "dissolved_on": DAY }),
        json!({ "until_on": "2020-10-01" }),
        json!({ "term_until_on": "2020-10-01" }),
        json!({ "status": "cancelled", "closed_on": DAY, "closure_reason": "Not wanted" }),
        json!({ "status": "cancelled", "cancellation_reason": "Not wanted" }),
        json!({ "status": "closed", "closed_on": DAY, "closure_reason": "Done" }),
        json!({ "status": "closed", "closed_on": DAY }),
        json!({ "state": "retired" }),
    ];
    for status in [
        "ended",
        "cancelled",
        "superseded",
        "closed",
        "retired",
        "withdrawn",
        "dropped",
    ] {
        all.push(json!({ "status": status }));
    }
    all
}

/// In a full world, one record of each kind is ended, cancelled or superseded, and one is
/// withdrawn with its parts. After each, every answer agrees with the others.
async fn every_answer_agrees_after_each_end(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let start = disagreements(&app, &client).await;
    assert!(
        start.is_empty(),
        "in the example data:\n{}",
        start.join("\n")
    );
    let (mut ended, mut withdrawn, mut faults) = (0, 0, Vec::new());
    for kind in some(catalogue().kinds()) {
        let access = ["account", "grant", "person", "post_holding", "setting_set"];
        if access.contains(&kind.name) {
            continue;
        }
        let first = async |now: &World| -> Option<(String, String)> {
            let rows = now.table(kind.index)?.rows();
            let live = rows.filter(|r| now.is_live(r.as_ref()));
            let most = live.max_by_key(|r| now.pointing_count(r.meta().id))?;
            let path = path_of(now, most.meta().id);
            let tag = etag(&client, &path).await;
            Some((path, tag))
        };
        if !kind.append_only
            && let Some((path, tag)) = first(world(&app).await.as_ref()).await
        {
            for patch in endings() {
                let changed = client.patch(&path, &tag, &patch).await;
                if changed.status == 200 && changed.etag() != tag {
                    ended += 1;
                    let found = disagreements(&app, &client).await;
                    faults.extend(found.into_iter().map(|f| format!("{path} {patch}: {f}")));
                    break;
                }
            }
        }
        if let Some((path, tag)) = first(world(&app).await.as_ref()).await {
            let gone: Reply = client
                .delete(&format!("{path}?within=withdraw"), &tag)
                .await;
            if gone.status == 200 {
                withdrawn += 1;
                let found = disagreements(&app, &client).await;
                faults.extend(found.into_iter().map(|f| format!("{path} withdrawn: {f}")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        ended >= 10 && withdrawn >= 20,
        "{ended} ended, {withdrawn} withdrawn"
    );
}

on_both!(
    a_whole_is_withdrawn_with_its_parts,
    a_hidden_part_lapses_with_its_whole,
    parts_are_withdrawn_in_bulk
);
on_both!(by crate::golden::run; every_answer_agrees_after_each_end);
