//! Gaps: each appears when its cause does and goes with it, and what is hidden from a caller
//! changes no count.

mod breaks;
mod folding;
mod waivers;
mod world;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Maker, kind};
use crate::support::{TestApp, some};

/// The same changes where each makes a record, and marks it; what cannot be marked by itself is
/// hidden with what it is about.
fn hidden(steps: &[world::Step]) -> Option<Vec<world::Step>> {
    let mark = |step: &world::Step| match step {
        world::Step::Make(name, record) if kind(name).markable => Some(world::Step::Make(
            name,
            world::but(record.clone(), &json!({ "marking": "official_sensitive" })),
        )),
        world::Step::Make(name, record) => Some(world::Step::Make(name, record.clone())),
        _ => None,
    };
    steps.iter().map(mark).collect()
}

/// The codes of the gaps that a query finds, with the references they were found on.
async fn found(app: &TestApp, query: &str) -> Vec<(String, String)> {
    let view = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/gaps?limit=200&folded=true&{query}"))
        .await
        .status(200)
        .json();
    let items = view["items"].as_array().expect("items").clone();
    assert_eq!(view["total"], json!(items.len()), "{view}");
    let by_rule: u64 = view["by_rule"]
        .as_array()
        .expect("counts")
        .iter()
        .map(|c| ["gaps", "folded"].map(|n| c[n].as_u64().unwrap_or_default()))
        .map(|[open, folded]| open + folded)
        .sum();
    assert_eq!(view["total"], json!(by_rule));
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|g| (word(&g["rule"]), word(&g["record"]["reference"])))
        .collect()
}

/// If an action was deferred to a meeting whose day is not recorded, the gap names the meeting, and
/// does not ask for one. A meeting that has a day is not said to have none, even where its marking
/// keeps the day from the action.
async fn a_named_meeting_is_not_asked_for(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker.make_named("board").await;
    let meeting = async |number: u32, fields: Value| {
        let draft = json!({ "board_id": board.id(), "title": format!("Meeting {number}") });
        maker
            .create(kind("meeting"), &world::but(draft, &fields))
            .await
    };
    let given = json!({ "held_on": "2020-06-29", "status": "held" });
    let given = meeting(1, given).await;
    let next = meeting(2, json!({ "reference": "NEXT", "status": "scheduled" })).await;
    let action = json!({
        "reference": "ACT-9", "meeting_id": given.id(), "number": 9, "text": "Report",
        "due": { "precision": "day", "due_on": "2020-09-30" },
    });
    let action = maker.create(kind("action"), &action).await;
    let deferral = json!({
        "action_id": action.id(), "to_meeting_id": next.id(), "reason": "Not yet",
        "decided_on": "2020-10-10",
    });
    maker.create(kind("action_deferral"), &deferral).await;
    let path = "/api/v1/gaps?rule=action_deferred_without_date&on=2020-10-26";
    let gaps = app.role(Role::Viewer).items(path).await;
    assert_eq!(
        gaps[0]["reason"],
        "The action was deferred without a date (to NEXT, whose day is not recorded)",
        "{gaps:?}"
    );
    let day = json!({
        "scheduled": { "precision": "day", "due_on": "2020-12-14" },
        "marking": "official_sensitive",
    });
    let keeper = app.keeper(next.kind);
    let etag = keeper.get(&next.path).await.etag();
    let marking = format!("{}?reason=It+names+a+source", next.path);
    keeper.patch(&marking, &etag, &day).await.status(200);
    for client in some([app.role(Role::Viewer), keeper]) {
        let gaps = client.items(path).await;
        for gap in some(&gaps) {
            assert_eq!(gap["reason"], "The action was deferred without a date.");
        }
    }
}

/// Nothing is missing in a complete world. Break one thing, and that gap is found and no other;
/// mend it, and it is gone. Hidden from a caller, what is broken changes nothing that they are
/// told.
async fn a_gap_appears_exactly_when_its_cause_does(app: TestApp) {
    let world = world::World::complete(&app).await;
    assert_eq!(
        world.gaps().await,
        BTreeSet::new(),
        "the world is not complete"
    );
    let mut faults = Vec::new();
    for broken in some(breaks::all()) {
        let wanted: BTreeSet<_> = broken
            .also
            .iter()
            .chain([&(broken.rule, broken.on)])
            .map(|(rule, on)| ((*rule).to_owned(), (*on).to_owned()))
            .collect();
        let found = world.with(&broken.steps, async || world.gaps().await).await;
        if found != wanted {
            faults.push(format!(
                "{}: found {found:?} in place of {wanted:?}",
                broken.rule
            ));
        }
        let left = world.gaps().await;
        assert_eq!(
            left,
            BTreeSet::new(),
            "{}: mended, and still there",
            broken.rule
        );
        let Some(hidden) = hidden(&broken.steps) else {
            continue;
        };
        let found = world.with(&hidden, async || world.gaps().await).await;
        if !found.is_empty() {
            faults.push(format!(
                "{}: hidden, and a viewer is told {found:?}",
                broken.rule
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for refused in some(breaks::refused()) {
        world
            .send(refused.kind, &refused.record)
            .await
            .problem_at("rule_violation", refused.pointer);
    }
    let rules = app
        .role(Role::Viewer)
        .get("/api/v1/gap-rules")
        .await
        .status(200)
        .json();
    let rules = rules["items"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|r| r["code"].as_str().unwrap_or_default().to_owned());
    let broken = breaks::all()
        .into_iter()
        .map(|b| b.rule)
        .chain(breaks::refused().into_iter().map(|r| r.rule));
    let broken: BTreeSet<String> = broken.map(str::to_owned).collect();
    assert_eq!(
        rules.collect::<BTreeSet<_>>(),
        broken,
        "every rule has one entry in breaks.rs"
    );
}

/// An item with everything but a lead has that gap; naming the lead ends it, and the world before
/// still has it.
async fn a_gap_goes_when_it_is_mended(app: TestApp) {
    let maker = Maker::new(&app);
    let item = maker.make(kind("work_plan_item")).await;
    let post = maker.make(kind("post")).await;
    let keeper = app.keeper(kind("work_plan_item"));
    let query = format!("record_id={}", item.id_text());
    let has = async |rule: &str| {
        found(&app, &query)
            .await
            .contains(&(rule.to_owned(), item.reference().to_owned()))
    };
    let bare = keeper
        .patch(&item.path, &item.etag, &json!({ "lead_post_id": null }))
        .await;
    assert!(has("item_without_lead").await);
    let seen = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/gaps?rule=item_without_lead&{query}"))
        .await
        .status(200)
        .json();
    assert_eq!(
        seen["items"][0]["reason"],
        json!("No lead post is recorded for the item.")
    );
    assert_eq!(seen["items"][0]["record"]["title"], item.record["title"]);
    let before = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    keeper
        .patch(
            &item.path,
            &bare.status(200).etag(),
            &json!({ "lead_post_id": post.id() }),
        )
        .await
        .status(200);
    assert!(!has("item_without_lead").await);
    let then = found(&app, &format!("{query}&as_of={before}")).await;
    assert!(
        then.iter().any(|(rule, _)| rule == "item_without_lead"),
        "{then:?}"
    );
}

/// Pages follow each other without loss; each rule's gaps stand together; a filter that is not
/// known is named.
async fn gaps_come_in_pages_and_are_narrowed(app: TestApp) {
    let maker = Maker::new(&app);
    for _ in 0..3 {
        maker.make(kind("board")).await;
        maker.make(kind("risk")).await;
    }
    let all = found(&app, "").await;
    let viewer = app.role(Role::Viewer);
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer
            .get(&format!("/api/v1/gaps?limit=2&folded=true{cursor}"))
            .await
            .status(200)
            .json();
        assert_eq!(page["total"], json!(all.len()));
        let items = page["items"].as_array().expect("items");
        walked.extend(items.iter().map(|g| {
            (
                g["rule"].as_str().unwrap_or_default().to_owned(),
                g["record"]["reference"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            )
        }));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, all);
    let boards = found(&app, "register=boards&severity=high").await;
    assert!(
        some(&boards).all(|(rule, _)| rule.starts_with("board_") || rule.starts_with("terms_")),
        "{boards:?}"
    );
    assert!(
        found(&app, "rule=board_without_terms,board_without_chair")
            .await
            .len()
            >= 6
    );
    for (query, name) in [
        ("rule=nonsense", "?rule"),
        ("severity=dire", "?severity"),
        ("register=moon", "?register"),
        ("cursor=x", "?cursor"),
        ("unit_id=1", "?unit_id"),
    ] {
        viewer
            .get(&format!("/api/v1/gaps?{query}"))
            .await
            .problem_at("invalid_query", name);
    }
    let csv = viewer
        .ask("GET", "/api/v1/gaps")
        .header("accept", "text/csv")
        .send()
        .await;
    assert!(
        csv.status(200)
            .text()
            .starts_with("rule,severity,reasons.reason"),
        "{}",
        csv.text()
    );
    let rules = viewer.get("/api/v1/gap-rules").await.status(200).json();
    assert!(rules["items"].as_array().is_some_and(|r| r.len() > 50));
}

/// What is marked above the caller's clearance has no gaps for them, and theirs are the cleared
/// one's less those.
async fn hidden_records_have_no_gaps(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker.make(kind("board")).await;
    let before = found(&app, "").await;
    app.keeper(kind("board"))
        .post(
            "/api/v1/boards",
            &json!({ "title": "Hidden", "board_kind": "board", "status": "active", "marking": "official_sensitive" }),
        )
        .await
        .status(201);
    assert_eq!(found(&app, "").await, before);
    let cleared = app
        .keeper(kind("board"))
        .get("/api/v1/gaps?limit=200&folded=true")
        .await
        .status(200)
        .json();
    assert!(
        cleared["total"].as_u64() > Some(before.len() as u64),
        "{cleared}"
    );
    assert!(
        some(found(&app, &format!("board_id={}", board.id_text())).await)
            .all(|(_, r)| r == board.reference())
    );
}

on_both!(
    a_gap_appears_exactly_when_its_cause_does,
    a_named_meeting_is_not_asked_for,
    a_gap_goes_when_it_is_mended,
    gaps_come_in_pages_and_are_narrowed,
    hidden_records_have_no_gaps
);
