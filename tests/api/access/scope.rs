//! A grant within a unit or a board: what lies within may be changed, everything else only read.

use serde_json::{Value, json};
use stride::policy::Role;
use uuid::Uuid;

use super::{PASSWORD, person, sign_in};
use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind};

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

on_both!(
    a_unit_and_all_below_it,
    a_record_stays_in_its_scope,
    a_board_and_what_belongs_to_it,
    bulk_calls_obey_the_scope,
    a_scoped_grant_is_scoped
);
