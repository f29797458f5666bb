//! A grant within a unit or a board: what lies within may be changed, everything else only read.

use serde_json::{Value, json};
use stride::policy::Role;
use stride::registers::catalogue;
use uuid::Uuid;

use super::{PASSWORD, person, sign_in};
use crate::support::app::keeping;
use crate::support::maker::{Made, Maker, collection, kind};
use crate::support::{TestApp, some};

fn kind_of(name: &str) -> usize {
    kind(name).index
}

/// Two branches of an organisation, a unit below the first, and a board of each.
struct Branches {
    ours: Made,
    below: Made,
    theirs: Made,
    our_board: Made,
    their_board: Made,
}

async fn branches(app: &TestApp) -> Branches {
    let maker = Maker::new(app);
    let unit = async |name: &str, parent: Option<Uuid>| {
        let draft = json!({ "title": name, "unit_kind": "unit", "parent_id": parent });
        maker.create(kind("unit"), &draft).await
    };
    let top = unit("The whole", None).await;
    let ours = unit("Ours", Some(top.id())).await;
    let below = unit("Below ours", Some(ours.id())).await;
    let theirs = unit("Theirs", Some(top.id())).await;
    let board =
        async |name: &str, owner: &Made| maker.create(kind("board"), &board(name, owner)).await;
    Branches {
        our_board: board("Our board", &below).await,
        their_board: board("Their board", &theirs).await,
        ours,
        below,
        theirs,
    }
}

fn board(name: &str, owner: &Made) -> Value {
    json!({ "title": name, "board_kind": "board", "owner_unit_id": owner.id() })
}

/// Create, change, withdraw and restore within the unit and all below it, and nowhere else.
async fn a_unit_and_all_below_it(app: TestApp) {
    let b = branches(&app).await;
    let client = app.scoped(Role::BoardSecretary, b.ours.id());
    for owner in [&b.ours, &b.below] {
        client
            .post("/api/v1/boards", &board("Within", owner))
            .await
            .status(201);
    }
    client
        .post("/api/v1/boards", &board("Without", &b.theirs))
        .await
        .problem("forbidden");
    let nobodys = json!({ "title": "Nobody's", "board_kind": "board" });
    client
        .post("/api/v1/boards", &nobodys)
        .await
        .problem("forbidden");
    // Theirs can be read, and not changed.
    client.get(&b.their_board.path).await.status(200);
    client
        .patch(
            &b.their_board.path,
            &b.their_board.etag,
            &json!({ "purpose": "Ours now" }),
        )
        .await
        .problem("forbidden");
    client
        .delete(&b.their_board.path, &b.their_board.etag)
        .await
        .problem("forbidden");
    let seq = app.seq().await;
    let changed = client
        .patch(
            &b.our_board.path,
            &b.our_board.etag,
            &json!({ "purpose": "Ours still" }),
        )
        .await;
    let gone = client
        .delete(&b.our_board.path, &changed.status(200).etag())
        .await;
    gone.status(200);
    client
        .post(&format!("{}/restore", b.our_board.path), &json!({}))
        .await
        .status(200);
    assert_eq!(app.seq().await, seq + 3, "three changes and no more");
    let theirs = app
        .keeper(kind("board"))
        .delete(&b.their_board.path, &b.their_board.etag)
        .await;
    theirs.status(200);
    client
        .post(&format!("{}/restore", b.their_board.path), &json!({}))
        .await
        .problem("forbidden");
}

/// A record is not moved out of the scope, nor pulled into it.
async fn a_record_stays_in_its_scope(app: TestApp) {
    let b = branches(&app).await;
    let client = app.scoped(Role::BoardSecretary, b.ours.id());
    for owner in [json!(b.theirs.id()), Value::Null] {
        client
            .patch(
                &b.our_board.path,
                &b.our_board.etag,
                &json!({ "owner_unit_id": owner }),
            )
            .await
            .problem("forbidden");
    }
    client
        .patch(
            &b.their_board.path,
            &b.their_board.etag,
            &json!({ "owner_unit_id": b.ours.id() }),
        )
        .await
        .problem("forbidden");
    assert_eq!(
        client.get(&b.our_board.path).await.status(200).json(),
        b.our_board.record,
        "nothing of it was stored"
    );
    client
        .patch(
            &b.our_board.path,
            &b.our_board.etag,
            &json!({ "owner_unit_id": b.ours.id() }),
        )
        .await
        .status(200);
}

/// A grant for a board reaches what belongs to the board.
async fn a_board_and_what_belongs_to_it(app: TestApp) {
    let b = branches(&app).await;
    let maker = Maker::new(&app);
    let post = maker.make_named("post").await;
    let client = app.scoped(Role::BoardSecretary, b.our_board.id());
    let seat = |board: &Made| json!({ "board_id": board.id(), "post_id": post.id(), "capacity": "member" });
    let made = client
        .post("/api/v1/memberships", &seat(&b.our_board))
        .await;
    let path = format!(
        "/api/v1/memberships/{}",
        made.status(201).json()["id"].as_str().unwrap_or_default()
    );
    client
        .patch(&path, "\"1\"", &json!({ "capacity": "adviser" }))
        .await
        .status(200);
    client
        .post("/api/v1/memberships", &seat(&b.their_board))
        .await
        .problem("forbidden");
    client
        .patch(
            &b.our_board.path,
            &b.our_board.etag,
            &json!({ "purpose": "To sit" }),
        )
        .await
        .status(200);
    client
        .post("/api/v1/boards", &board("Another", &b.ours))
        .await
        .problem("forbidden");
}

/// In a bulk call each operation is judged by itself.
async fn bulk_calls_obey_the_scope(app: TestApp) {
    let b = branches(&app).await;
    let client = app.scoped(Role::BoardSecretary, b.ours.id());
    let operations = json!({ "operations": [
        { "op": "create", "record": board("Within", &b.ours) },
        { "op": "create", "record": board("Without", &b.theirs) },
        { "op": "update", "id": b.their_board.id(), "if_match": 1, "patch": { "purpose": "x" } },
    ] });
    let seq = app.seq().await;
    client
        .post("/api/v1/boards/bulk", &operations)
        .await
        .problem("forbidden");
    assert_eq!(app.seq().await, seq);
    let each = client
        .post("/api/v1/boards/bulk?mode=each", &operations)
        .await
        .status(207)
        .json();
    let results = each["results"].as_array().cloned().unwrap_or_default();
    assert_eq!(
        results
            .iter()
            .map(|r| r["status"].as_i64().unwrap_or(0))
            .collect::<Vec<_>>(),
        [200, 403, 403]
    );
    assert_eq!(app.seq().await, seq + 1);
}

/// The same by a grant of an account, as it is used in earnest.
async fn a_scoped_grant_is_scoped(app: TestApp) {
    let b = branches(&app).await;
    let (account, grant) = person(&app, "board.secretary", Role::Viewer).await;
    let admin = app.keeper(kind("grant"));
    let change = json!({ "role": "board_secretary", "scope_id": b.ours.id() });
    admin
        .patch(&grant.path, &grant.etag, &change)
        .await
        .status(200);
    let token = sign_in(&app, "board.secretary", PASSWORD)
        .await
        .status(200)
        .json();
    let client = app
        .client
        .with_token(token["access_token"].as_str().unwrap_or_default());
    client
        .post("/api/v1/boards", &board("Within", &b.below))
        .await
        .status(201);
    client
        .post("/api/v1/boards", &board("Without", &b.theirs))
        .await
        .problem("forbidden");
    // A unit that moves takes its board along.
    let units = app.keeper(kind("unit"));
    units
        .patch(
            &b.below.path,
            &b.below.etag,
            &json!({ "parent_id": b.theirs.id() }),
        )
        .await
        .status(200);
    client
        .patch(
            &b.our_board.path,
            &b.our_board.etag,
            &json!({ "purpose": "x" }),
        )
        .await
        .problem("forbidden");
    let me = client.get("/api/v1/me").await.status(200).json();
    assert_eq!(me["account_id"], account.id_text());
    assert_eq!(me["roles"][0]["scope_id"], b.ours.id_text());
}

/// Of every kind: what a record becomes part of, and what computes from it, is in the scope of who
/// makes it, and not only the record itself.
async fn what_a_record_changes_is_in_scope_too(app: TestApp) {
    let maker = Maker::new(&app);
    let elsewhere = maker.make_named("unit").await;
    let mut own_but_not_all = Vec::new();
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let draft = maker.draft(kind).await;
        let made = maker.create(kind, &draft).await;
        let world = app.service.engine.fresh().await.expect("the world");
        let record = world.any(made.id()).expect("the record");
        let (place, links) = (record.place(), record.links());
        let mut targets: Vec<Uuid> = record.touches();
        targets.extend(&place.within);
        targets.retain(|id| *id != made.id());
        let is_scope = |id: &Uuid| {
            ["unit", "board"].iter().any(|name| {
                let table = world.table(kind_of(name));
                table.is_some_and(|t| t.has(*id))
            })
        };
        // The owners themselves, and the units of posts that are owners.
        let mut scopes: Vec<Uuid> = place.owners.clone();
        for owner in place.owners.iter().filter_map(|id| world.any(*id)) {
            scopes.extend(owner.place().owners);
        }
        scopes.retain(is_scope);
        scopes.push(elsewhere.id());
        for scope in some(scopes) {
            let outside = targets.iter().find(|t| !world.is_in_scope(**t, scope));
            let Some(outside) = outside else { continue };
            let client = app.scoped(keeping(kind), scope);
            let refused = client.post(&collection(kind), &draft).await;
            let refused = refused.problem("forbidden");
            let operations = json!({ "operations": [{ "op": "create", "record": draft }] });
            client
                .post(
                    &format!("{}/bulk?dry_run=true", collection(kind)),
                    &operations,
                )
                .await
                .problem("forbidden");
            if world.is_place_in_scope(&place, scope) {
                let link = links.iter().find(|l| l.id == *outside).expect("a link");
                let errors = refused["errors"].as_array().expect("errors");
                assert!(
                    errors
                        .iter()
                        .any(|e| e["pointer"] == link.pointer && e["code"] == "out_of_scope"),
                    "{}: {refused:#}",
                    kind.name
                );
                own_but_not_all.push(kind.name);
            }
        }
    }
    own_but_not_all.dedup();
    for name in ["work_plan_item", "control", "escalation", "action", "paper"] {
        assert!(
            own_but_not_all.contains(&name),
            "{name}: {own_but_not_all:?}"
        );
    }
}

/// What is attached later, or taken away, is in scope as well. Once attached, its owner keeps it.
async fn nobody_attaches_to_what_is_anothers(app: TestApp) {
    let maker = Maker::new(&app);
    let (ours, theirs) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let risk = async |owner: &Made| {
        let register = maker.make_with("risk_register", json!({ "owner_unit_id": owner.id() }));
        let register = register.await;
        let fields = json!({ "register_id": register.id(), "owner_unit_id": owner.id() });
        maker.make_with("risk", fields).await
    };
    let (our_risk, their_risk) = (risk(&ours).await, risk(&theirs).await);
    let control = maker
        .make_with(
            "control",
            json!({ "owner_unit_id": ours.id(), "risk_ids": [our_risk.id()] }),
        )
        .await;
    let both = json!({ "risk_ids": [our_risk.id(), their_risk.id()] });
    let contributor = app.scoped(Role::Contributor, ours.id());
    contributor
        .patch(&control.path, &control.etag, &both)
        .await
        .problem_at("forbidden", "/risk_ids/1");
    // Those responsible for the risk accept it, and those responsible for the control keep it.
    let etag = app
        .keeper(kind("control"))
        .patch(&control.path, &control.etag, &both)
        .await
        .status(200)
        .etag();
    let stronger = json!({ "title": "Checked each week" });
    let changed = contributor.patch(&control.path, &etag, &stronger).await;
    let etag = changed.status(200).etag();
    contributor
        .patch(
            &control.path,
            &etag,
            &json!({ "risk_ids": [our_risk.id()] }),
        )
        .await
        .problem("forbidden");
    app.scoped(Role::RiskManager, ours.id())
        .delete(&control.path, &etag)
        .await
        .problem("forbidden");
}

/// Nobody reports in the name of another unit's post.
async fn nobody_speaks_for_another_unit(app: TestApp) {
    let maker = Maker::new(&app);
    let (ours, theirs) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let post = async |unit: &Made| {
        maker
            .make_with("post", json!({ "unit_id": unit.id() }))
            .await
    };
    let (our_post, their_post, lead) =
        (post(&ours).await, post(&theirs).await, post(&theirs).await);
    let item = maker
        .make_with(
            "work_plan_item",
            json!({ "responsible_unit_id": ours.id(), "lead_post_id": lead.id() }),
        )
        .await;
    let contributor = app.scoped(Role::Contributor, ours.id());
    let update = |by: &Made| json!({ "item_id": item.id(), "by_post_id": by.id(), "made_on": "2020-10-01", "parts": [{ "text": "Half done" }] });
    contributor
        .post("/api/v1/progress-updates", &update(&their_post))
        .await
        .problem_at("forbidden", "/by_post_id");
    for by in [&our_post, &lead] {
        contributor
            .post("/api/v1/progress-updates", &update(by))
            .await
            .status(201);
    }
}

/// Each side of a board relationship records its own agreement.
async fn each_side_agrees_for_itself(app: TestApp) {
    let b = branches(&app).await;
    let from = app.scoped(Role::BoardSecretary, b.our_board.id());
    let to = app.scoped(Role::BoardSecretary, b.their_board.id());
    let draft = json!({
        "from_board_id": b.our_board.id(), "to_id": b.their_board.id(), "relationship_kind": "reports_to",
        "needs_agreement": true, "agreed_by_from_on": "2020-06-29"
    });
    let path = "/api/v1/board-relationships";
    let mut both = draft.clone();
    both["agreed_by_to_on"] = "2020-06-30".into();
    from.post(path, &both)
        .await
        .problem_at("forbidden", "/agreed_by_to_on");
    to.post(path, &draft).await.problem("forbidden");
    let made = from.post(path, &draft).await.status(201).json();
    let path = format!("{path}/{}", made["id"].as_str().unwrap_or_default());
    let theirs = json!({ "agreed_by_to_on": "2020-06-30" });
    from.patch(&path, "\"1\"", &theirs)
        .await
        .problem_at("forbidden", "/agreed_by_to_on");
    to.patch(&path, "\"1\"", &json!({ "agreed_by_from_on": null }))
        .await
        .problem_at("forbidden", "/agreed_by_from_on");
    let agreed = to.patch(&path, "\"1\"", &theirs).await.status(200).json();
    assert_eq!(agreed["agreement"], "agreed");
}

/// Scope is judged before schema, links and rules: who is outside it learns nothing from a refusal.
async fn scope_is_judged_first(app: TestApp) {
    let maker = Maker::new(&app);
    let elsewhere = maker.make_named("unit").await;
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let mut draft = maker.draft(kind).await;
        maker.create(kind, &draft).await;
        draft["reference"] = "x".repeat(500).into();
        draft["no_such_field"] = 1.into();
        let client = app.scoped(keeping(kind), elsewhere.id());
        client
            .post(&collection(kind), &draft)
            .await
            .problem("forbidden");
    }
}

on_both!(
    a_unit_and_all_below_it,
    a_record_stays_in_its_scope,
    a_board_and_what_belongs_to_it,
    bulk_calls_obey_the_scope,
    a_scoped_grant_is_scoped,
    what_a_record_changes_is_in_scope_too,
    nobody_attaches_to_what_is_anothers,
    nobody_speaks_for_another_unit,
    each_side_agrees_for_itself,
    scope_is_judged_first
);
