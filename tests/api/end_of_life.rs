//! The end of a record's life: withdrawn with its parts, lapsed with its whole, ended with what it
//! belongs to. Every answer tells the same, for every kind in the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use stride::access::tokens::Subject;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::record::word;
use stride::world::{AnyRecord, World};
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
    let kind = &catalogue().kinds()[record.meta().kind()];
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
            let of = catalogue().kinds()[before.any(whole).expect("it").meta().kind()].name;
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

/// In a job, an operation says the same.
async fn parts_are_withdrawn_in_jobs(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let item = maker.make_named("work_plan_item").await;
    let plan = item.record["plan_id"].as_str().expect("a plan").to_owned();
    let state = async |op: Value| {
        let operations = json!({ "operations": [op] });
        let reply = client.post("/api/v1/jobs", &operations).await;
        let job = reply.status(202).header("location").to_owned();
        crate::jobs::ended(&client, &job).await
    };
    let withdraw = |within: Option<&str>| {
        let mut op = json!({ "kind": "plan", "op": "withdraw", "id": plan, "if_match": 1 });
        if let Some(within) = within {
            op["within"] = json!(within);
        }
        op
    };
    for within in [None, Some("restore")] {
        let job = state(withdraw(within)).await;
        assert_eq!(job["state"], "failed", "{within:?}: {job}");
        assert!(is_listed(&client, &item, "").await);
    }
    let job = state(withdraw(Some("withdraw"))).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(!is_listed(&client, &item, "").await);
    let restore = json!({ "kind": "plan", "op": "restore", "id": plan, "within": "restore" });
    let job = state(restore).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert!(is_listed(&client, &item, "").await);
}

/// A unit or a post that does not exist any more does not own anything: the gap is found, and the
/// filter and the status count it.
async fn an_owner_that_has_ended_is_no_owner(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let mut found = BTreeSet::new();
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let has = |name: &str| crate::support::document::has_field(kind, name);
        let of_unit = ["owner_unit_id", "responsible_unit_id"];
        let of_post = ["owner_post_id", "lead_post_id"];
        let fields = of_unit.map(|f| (f, false)).into_iter();
        for (field, is_post) in fields.chain(of_post.map(|f| (f, true))) {
            if !has(field) {
                continue;
            }
            let unit = maker.make_named("unit").await;
            let post = json!({ "unit_id": unit.id() });
            let post = maker.make_with("post", post).await;
            let owner = if is_post { &post } else { &unit };
            let mut draft = json!({});
            for other in of_unit.iter().chain(&of_post).filter(|f| has(f)) {
                draft[*other] = Value::Null;
            }
            draft[field] = json!(owner.id());
            if kind.name == "control" {
                // One that is a recommendation has the owner of the recommendation.
                draft["recommendation_id"] = Value::Null;
            }
            let made = maker.make_with(kind.name, draft).await;
            let gaps = async || {
                let path = format!("/api/v1/gaps?record_id={}&limit=200", made.id());
                let all = client.items(&path).await;
                let reasons = all.iter().filter_map(|gap| gap["reason"].as_str());
                let ended = reasons.filter(|r| r.contains("not exist on this date"));
                ended.map(str::to_owned).collect::<Vec<_>>()
            };
            let is_ownerless = async || {
                let path = format!("{}?without_owner=true&limit=200", collection(kind));
                let reply = client.get(&path).await;
                (reply.status == 200).then(|| reply.json().to_string().contains(made.id_text()))
            };
            assert_eq!(gaps().await, Vec::<String>::new(), "{} {field}", kind.name);
            assert_ne!(is_ownerless().await, Some(true), "{} {field}", kind.name);
            let tag = etag(&client, &unit.path).await;
            let end = json!({ "until_on": "2020-10-01" });
            client.patch(&unit.path, &tag, &end).await.status(200);
            let named = gaps().await;
            // The example may be a draft, or be finished.
            let Some(reason) = named.first() else {
                continue;
            };
            assert!(reason.contains(owner.reference()), "{reason}");
            assert_ne!(is_ownerless().await, Some(false), "{} {field}", kind.name);
            found.insert((kind.name, field));
        }
    }
    assert!(found.len() >= 17, "{found:?}");
}

/// What a board decides, oversees or seats ends with the board, and with the post and its unit.
async fn what_belongs_to_another_ends_with_it(app: TestApp) {
    let maker = Maker::new(&app);
    let client = everyone(&maker, &app, true).await;
    let dissolved = json!({ "status": "dissolved", "dissolved_on": "2020-10-01" });
    let ended = json!({ "until_on": "2020-10-01" });
    let over = json!({ "status": "ended" });
    for (kind_name, whole, patch) in [
        ("remit", "board", &dissolved),
        ("remit", "strategy", &over),
        ("membership", "board", &dissolved),
        ("membership", "unit", &ended),
    ] {
        let unit = maker.make_named("unit").await;
        let post = json!({ "unit_id": unit.id() });
        let post = maker.make_with("post", post).await;
        let board = maker.make_named("board").await;
        let strategy = json!({ "status": "current" });
        let strategy = maker.make_with("strategy", strategy).await;
        let goal = json!({ "strategy_id": strategy.id() });
        let goal = maker.make_with("goal", goal).await;
        let mut draft = json!({ "board_id": board.id() });
        if kind_name == "membership" {
            draft["post_id"] = post.id_text().into();
            draft["unit_id"] = Value::Null;
            draft["term_until_on"] = Value::Null;
        } else {
            draft["goal_id"] = goal.id_text().into();
        }
        let made = maker.make_with(kind_name, draft).await;
        let is_current = async || {
            let path = format!("{}?current=true&limit=200", collection(made.kind));
            let all = client.items(&path).await;
            all.iter().any(|item| item["id"] == made.record["id"])
        };
        assert!(is_current().await, "{kind_name}");
        let whole = match whole {
            "board" => &board,
            "strategy" => &strategy,
            _ => &unit,
        };
        let tag = etag(&client, &whole.path).await;
        client.patch(&whole.path, &tag, patch).await.status(200);
        assert!(!is_current().await, "{kind_name} of {}", whole.kind.name);
    }
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
    (
        "recommendations/without_owner",
        "recommendations?closure=none&without_owner=true",
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
async fn disagreements(app: &TestApp, client: &Client, feed: &str) -> Vec<String> {
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
    faults.extend(named_beyond_their_end(&now, client, feed).await);
    faults.extend(found_beyond_their_end(&now, client).await);
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

/// The views, in every format that names records. A kind in braces stands for the ids of live
/// records of that kind.
const VIEWS: &[&str] = &[
    "gaps?limit=200&waived=true&",
    "gaps?format=csv&",
    "contradictions?limit=200&",
    "calendar?from=2018-01-01&until=2022-12-31&",
    "calendar?from=2018-01-01&until=2022-12-31&format=ics&",
    "slippage?limit=200&",
    "dependency-graph?",
    "status?",
    "status/items?limit=200&",
    "status/recommendations?limit=200&",
    "coverage/items-goals?",
    "coverage/boards-goals?",
    "coverage/constituencies-boards?",
    "coverage/items-measures?",
    "coverage/groups-good-practice?",
    "organogram?",
    "communications/calendar?from=2020-01-01&until=2021-12-31&",
    "strategies/{strategy}/status?",
    "plans/{plan}/status?",
    "boards/{board}/status?",
    "boards/{board}/representation?",
    "audit-reviews/{audit_review}/status?",
    "risk-registers/{risk_register}/status?",
    "dashboards/{dashboard}/figures?",
    "papers/{paper}/content?",
    "papers/{paper}/content?format=markdown&",
];

/// The views of live records that name a record that does not count. Only what names a record by a
/// mention may still do so: an assertion in a paper stays as it was made.
async fn named_beyond_their_end(now: &World, client: &Client, feed: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let kinds = catalogue()
        .kinds()
        .iter()
        .filter_map(|k| now.table(k.index));
    let links = kinds.flat_map(|t| t.rows()).flat_map(|r| r.links());
    let mentioned: BTreeSet<Uuid> = links.filter(|l| l.is_mention).map(|l| l.id).collect();
    // A paper that was issued stays as it was; one about an earlier time has what was true then.
    let papers = client.items("/api/v1/papers?limit=200").await;
    let past = papers
        .iter()
        .filter(|p| p["status"] == "issued" || !p["as_of_on"].is_null());
    let past: BTreeSet<Uuid> = past.flat_map(|p| ids(&p["id"].to_string())).collect();
    let mut paths = vec![feed.to_owned()];
    for view in VIEWS {
        let kind = catalogue()
            .kinds()
            .iter()
            .find(|k| view.contains(&format!("{{{}}}", k.name)));
        let Some(kind) = kind else {
            paths.push(format!("/api/v1/{view}on={DAY}"));
            continue;
        };
        let rows = now.table(kind.index).into_iter().flat_map(|t| t.rows());
        let live = rows.filter(|r| now.is_live(r.as_ref()));
        let live = live.filter(|r| !past.contains(&r.meta().id));
        // A paper has a day of its own.
        let day = match kind.name {
            "paper" => String::new(),
            _ => format!("on={DAY}"),
        };
        for record in live.take(3) {
            let id = record.meta().id.to_string();
            let path = view.replace(&format!("{{{}}}", kind.name), &id);
            paths.push(format!("/api/v1/{path}{day}"));
        }
    }
    for path in some(paths) {
        let said = client.get(&path).await;
        if said.status == 404 {
            // A board without targets has no representation.
            continue;
        }
        let text = said.status(200).text();
        let is_paper = path.contains("/papers/");
        let named = ids(&text).into_iter();
        for id in named.filter(|id| !(is_paper && mentioned.contains(id))) {
            let record = now.any(id).filter(|r| !now.is_live(r.as_ref()));
            if let Some(record) = record {
                let kind = catalogue().kinds()[record.meta().kind()].name;
                faults.push(format!("{path} names {kind} {}", record.meta().reference));
            }
        }
    }
    faults
}

/// The ids in a text.
fn ids(text: &str) -> BTreeSet<Uuid> {
    text.split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .filter(|word| word.len() == 36)
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The tables and searches that disagree with the lists about records that do not count.
async fn found_beyond_their_end(now: &World, client: &Client) -> Vec<String> {
    let mut faults = Vec::new();
    for kind in some(catalogue().kinds()) {
        let rows: Vec<_> = (now.table(kind.index).into_iter())
            .flat_map(|t| t.rows())
            .collect();
        let (live, gone): (Vec<&Arc<dyn AnyRecord>>, Vec<_>) =
            rows.iter().copied().partition(|r| now.is_live(r.as_ref()));
        let Some(gone) = gone.first() else { continue };
        let table = client
            .get(&format!("/api/v1/{}?format=csv", kind.path))
            .await;
        let text = table.status(200).text();
        let in_table = csv::Reader::from_reader(text.as_bytes()).records().count();
        if in_table != live.len() {
            let count = live.len();
            faults.push(format!(
                "{}: {count} count, {in_table} are in the table",
                kind.path
            ));
        }
        let reference = &gone.meta().reference;
        let found = client
            .items(&format!("/api/v1/{}?q={reference}&limit=200", kind.path))
            .await;
        if found.iter().any(|r| r["reference"] == *reference.as_str()) {
            faults.push(format!("{}: search finds {reference}", kind.path));
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
        json!({ "status": "dissolved", "dissolved_on": "2020-10-01" }),
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
    let feed = json!({ "title": "Everything", "filters": {} });
    let feed = client.post("/api/v1/calendar-feeds", &feed).await;
    let address = feed.status(201).json()["address"].clone();
    let address = address.as_str().expect("an address");
    let feed = &address[address.find("/api/").expect("a path")..];
    // A paper that is still being written, with everything that the papers on record have in them.
    for paper in some(client.items("/api/v1/papers").await) {
        let template = &paper["template_id"];
        let draft = json!({ "template_id": template });
        maker.make_with("paper", draft).await;
    }
    let start = disagreements(&app, &client, feed).await;
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
                    let found = disagreements(&app, &client, feed).await;
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
                let found = disagreements(&app, &client, feed).await;
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
    parts_are_withdrawn_in_bulk,
    parts_are_withdrawn_in_jobs,
    an_owner_that_has_ended_is_no_owner,
    what_belongs_to_another_ends_with_it
);
on_both!(by crate::golden::run; every_answer_agrees_after_each_end);
