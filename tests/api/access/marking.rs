//! What is marked official_sensitive does not exist for who is not cleared: in no list, count,
//! history, search, link, export, journal.

use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::{Act, Role, Subject, allows};
use stride::registers::catalogue;
use stride::world::Link;
use strum::VariantArray;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::app::keeping;
use crate::support::maker::{Made, Maker, collection, kind, links_of, target};
use crate::support::{Client, some};

fn marked() -> Value {
    json!({ "marking": "official_sensitive" })
}

/// Every id in a list, page by page, and the total it says.
async fn listed(client: &Client, made: &Made, query: &str) -> (Vec<String>, i64) {
    let page = client
        .get(&format!(
            "{}?include_total=true&limit=200&{query}",
            collection(made.kind)
        ))
        .await;
    let page = page.status(200).json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let ids = items
        .iter()
        .filter_map(|i| i["id"].as_str())
        .map(str::to_owned)
        .collect();
    (ids, page["total"].as_i64().unwrap_or(-1))
}

/// Every record that the journal tells of.
async fn journalled(client: &Client) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = client
            .get(&format!("/api/v1/journal?limit=200&cursor={cursor}"))
            .await
            .status(200)
            .json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        all.extend(
            items
                .iter()
                .filter_map(|i| i["record_id"].as_str())
                .map(str::to_owned),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

/// Fails unless the record is there in every way that there is, or in none.
async fn check(client: &Client, made: &Made, there: bool) {
    let name = made.kind.name;
    let id = made.id_text().to_owned();
    let status = if there { 200 } else { 404 };
    let at = made.record["updated_at"].as_str().unwrap_or_default();
    for path in [
        String::new(),
        "/history".into(),
        "/difference?from=1&to=1".into(),
        format!("?as_of={at}"),
    ] {
        let reply = client.get(&format!("{}{path}", made.path)).await;
        assert_eq!(reply.status, status, "{name}{path}: {}", reply.text());
        if !there {
            reply.problem("not_found");
        }
    }
    for query in [
        String::new(),
        format!("reference={}", made.reference()),
        format!("q={}", made.reference()),
        format!("as_of={at}"),
        "include_withdrawn=true".into(),
        format!("updated_since={at}"),
        "sort=-updated_at".into(),
    ] {
        let (ids, total) = listed(client, made, &query).await;
        assert_eq!(ids.contains(&id), there, "{name}?{query}");
        assert_eq!(
            total,
            i64::try_from(ids.len()).unwrap_or(0),
            "{name}?{query}: the total counts what shows"
        );
    }
    let csv = client
        .get(&format!("{}?format=csv", collection(made.kind)))
        .await;
    assert_eq!(csv.status(200).text().contains(&id), there, "{name} as CSV");
}

/// Any record of any kind.
async fn a_marked_record_does_not_exist_for_the_uncleared(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.markable)) {
        let plain = maker.make(kind).await;
        let hidden = maker.make_with(kind.name, marked()).await;
        let by_auditors = keeping(kind) == Role::Auditor;
        // Auditors are cleared, so another role must read the kinds that only auditors may change.
        let uncleared = if by_auditors {
            app.role(Role::Viewer)
        } else {
            app.uncleared_keeper(kind)
        };
        check(&uncleared, &plain, true).await;
        check(&app.keeper(kind), &hidden, true).await;
        check(&uncleared, &hidden, false).await;
        if by_auditors {
            continue;
        }
        // Nor can it be changed, or told from nothing by trying.
        if !kind.append_only {
            uncleared
                .patch(&hidden.path, &hidden.etag, &maker.patch())
                .await
                .problem("not_found");
        }
        uncleared
            .delete(&hidden.path, &hidden.etag)
            .await
            .problem("not_found");
        uncleared
            .post(&format!("{}/restore", hidden.path), &json!({}))
            .await
            .problem("not_found");
        let bulk =
            json!({ "operations": [{ "op": "withdraw", "id": hidden.id(), "if_match": 1 }] });
        uncleared
            .post(&format!("{}/bulk", collection(kind)), &bulk)
            .await
            .problem("not_found");
        // The journal is read by administrators and auditors; an auditor is always cleared.
        let hides = journalled(&app.role(Role::Administrator)).await;
        assert!(
            hides.contains(&plain.id_text().to_owned())
                && !hides.contains(&hidden.id_text().to_owned()),
            "{}",
            kind.name
        );
        let shows = journalled(&app.role(Role::Auditor)).await;
        assert!(
            shows.contains(&hidden.id_text().to_owned()),
            "{}",
            kind.name
        );
    }
}

/// A link to a hidden record is a link to nothing.
async fn a_hidden_record_cannot_be_pointed_to(app: TestApp) {
    let maker = Maker::new(&app);
    let mut tried = 0;
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.offers_create && keeping(k) != Role::Auditor),
    ) {
        let whole = maker.draft(kind).await;
        let markable = |link: &Link| target(link).markable;
        for link in links_of(kind, &whole).into_iter().filter(markable) {
            let hidden = maker.make_with(target(&link).name, marked()).await;
            let mut draft = whole.clone();
            let field = draft.pointer_mut(&link.pointer).expect("the link's field");
            *field = hidden.id_text().into();
            let refused = app
                .uncleared_keeper(kind)
                .post(&collection(kind), &draft)
                .await;
            let refused = refused.problem_at("rule_violation", &link.pointer);
            let unknown = refused["errors"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|e| e["pointer"] == link.pointer && e["code"] == "unknown");
            assert!(unknown, "{} {}: {refused:#}", kind.name, link.pointer);
            // In the same words as for what never was.
            *draft.pointer_mut(&link.pointer).expect("the link's field") =
                super::nobody().to_string().into();
            let nothing = app
                .uncleared_keeper(kind)
                .post(&collection(kind), &draft)
                .await
                .problem_at("rule_violation", &link.pointer);
            assert_eq!(
                refused["errors"], nothing["errors"],
                "{} {}",
                kind.name, link.pointer
            );
            tried += 1;
        }
    }
    assert!(
        tried > catalogue().kinds().len() / 2,
        "{tried} links were tried"
    );
}

/// An attempt to move a record to a hidden one is refused in the same words as a move to an id that does
/// not exist, both for a keeper of everything and for a keeper of one unit.
async fn a_record_cannot_be_moved_to_a_hidden_one(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let mut tried = 0;
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.offers_create && !k.append_only && keeping(k) != Role::Auditor),
    ) {
        let made = maker.make(kind).await;
        let keepers = [
            app.uncleared_keeper(kind),
            app.scoped(keeping(kind), unit.id()),
        ];
        let draft = maker.draft(kind).await;
        for link in links_of(kind, &draft) {
            let to = target(&link);
            let field = link.pointer.trim_start_matches('/');
            if !to.markable || field.contains('/') {
                continue;
            }
            let mut secret = maker.draft(to).await;
            secret["marking"] = "official_sensitive".into();
            // Where the record can have an owner, it is in the scope of the second keeper.
            for owner in ["owner_unit_id", "unit_id"] {
                if secret.get(owner).is_some() {
                    secret[owner] = unit.record["id"].clone();
                }
            }
            let hidden = maker.create(to, &secret).await;
            for keeper in &keepers {
                let ask = async |id: Uuid| {
                    let mut record = draft.clone();
                    record[field] = json!(id);
                    let patch = json!({ field: id });
                    let body = json!({ "operations": [
                        { "op": "update", "id": made.id(), "if_match": 1, "patch": patch },
                        { "op": "create", "record": record },
                    ] });
                    let path = format!("{}/bulk?dry_run=true&mode=each", collection(kind));
                    let reply = keeper.post(&path, &body).await;
                    let mut told = reply.json();
                    without_times_and_ids(&mut told);
                    (reply.status, told)
                };
                let (is, nothing) = (ask(hidden.id()).await, ask(super::nobody()).await);
                assert_eq!(is, nothing, "{} {}", kind.name, link.pointer);
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried} links were tried");
}

/// Marking a record later hides its past too; taking the mark away shows the record, and not what
/// was said under it.
async fn a_mark_hides_the_past_and_what_was_said_under_it(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker.make_named("board").await;
    let (cleared, uncleared) = (app.keeper(board.kind), app.uncleared_keeper(board.kind));
    check(&uncleared, &board, true).await;
    let secret = json!({ "marking": "official_sensitive", "purpose": "What must not be told" });
    let hidden = cleared
        .ask(
            "PATCH",
            &format!("{}?reason=What+must+not+be+told+either", board.path),
        )
        .header("if-match", &board.etag);
    let hidden = hidden
        .body("application/merge-patch+json", secret.to_string())
        .send()
        .await;
    hidden.status(200);
    check(&uncleared, &board, false).await;
    let open = cleared
        .patch(
            &board.path,
            &hidden.etag(),
            &json!({ "marking": "official", "purpose": "What may be told" }),
        )
        .await;
    open.status(200);
    uncleared.get(&board.path).await.status(200);
    let history = uncleared.get(&format!("{}/history", board.path)).await;
    let text = history.status(200).text();
    assert!(!text.contains("What must not be told"), "{text}");
    let redacted: Vec<bool> = history.json()["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| v["is_redacted"] == true)
        .collect();
    assert_eq!(redacted, [false, true, false]);
    uncleared
        .get(&format!("{}/difference?from=1&to=2", board.path))
        .await
        .problem("not_found");
    uncleared
        .get(&format!("{}/difference?from=1&to=3", board.path))
        .await
        .status(200);
    let whole = cleared
        .get(&format!("{}/history", board.path))
        .await
        .status(200)
        .text();
    assert!(whole.contains("What must not be told") && whole.contains("told either"));
    // What was recorded under the mark is not to be had by asking for the past either.
    let then = hidden.json()["updated_at"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    uncleared
        .get(&format!("{}?as_of={then}", board.path))
        .await
        .problem("not_found");
    let (ids, _) = listed(&uncleared, &board, &format!("as_of={then}")).await;
    assert!(!ids.contains(&board.id_text().to_owned()));
    let (ids, _) = listed(&uncleared, &board, "q=must+not+be+told").await;
    assert!(ids.is_empty());
}

/// Who is cleared within a unit sees what belongs to it, and nothing else that is marked.
async fn a_clearance_holds_within_its_scope(app: TestApp) {
    let maker = Maker::new(&app);
    let ours = maker.make_named("unit").await;
    let below = maker
        .make_with("unit", json!({ "parent_id": ours.id() }))
        .await;
    let theirs = maker.make_named("unit").await;
    let mut boards = Vec::new();
    for owner in [&below, &theirs] {
        let fields = json!({ "marking": "official_sensitive", "owner_unit_id": owner.id() });
        boards.push(maker.make_with("board", fields).await);
    }
    let client = app.holding(Held {
        role: Role::Viewer,
        scope: Some(ours.id()),
        official_sensitive: true,
    });
    check(&client, &boards[0], true).await;
    check(&client, &boards[1], false).await;
    check(&app.scoped(Role::Viewer, ours.id()), &boards[0], false).await;
    check(&app.role(Role::Auditor), &boards[1], true).await;
}

/// The parts of a marked record are hidden with it, at every depth.
async fn what_lies_within_a_marked_record_is_hidden_with_it(app: TestApp) {
    let maker = Maker::new(&app);
    let register = maker.make_named("risk_register").await;
    let risk = maker
        .make_with("risk", json!({ "register_id": register.id() }))
        .await;
    let control = maker
        .make_with("control", json!({ "risk_ids": [risk.id()] }))
        .await;
    let viewer = app.role(Role::Viewer);
    for part in [&risk, &control] {
        check(&viewer, part, true).await;
    }
    let current = app.keeper(kind("risk_register")).get(&register.path).await;
    app.keeper(kind("risk_register"))
        .patch(&register.path, &current.etag(), &marked())
        .await
        .status(200);
    for part in [&register, &risk, &control] {
        check(&viewer, part, false).await;
    }
    for part in [&register, &risk, &control] {
        check(&app.role(Role::Auditor), part, true).await;
    }
}

/// A linked record that the caller may not see does not prevent a withdrawal: the refusal would show
/// that it exists.
async fn a_hidden_record_is_not_in_the_way(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let fields = json!({ "marking": "official_sensitive", "owner_unit_id": unit.id() });
    let board = maker.make_with("board", fields).await;
    let told = app
        .keeper(kind("unit"))
        .delete(&unit.path, &unit.etag)
        .await;
    told.problem("in_use");
    assert!(told.text().contains(board.reference()));
    app.role(Role::Administrator)
        .delete(&unit.path, &unit.etag)
        .await
        .status(200);
    app.keeper(kind("board")).get(&board.path).await.status(200);
}

/// What an answer says, except times and ids.
fn without_times_and_ids(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| name != "id" && name != "request_id" && !name.ends_with("_at"));
            map.values_mut().for_each(without_times_and_ids);
        }
        Value::Array(list) => list.iter_mut().for_each(without_times_and_ids),
        _ => {}
    }
}

/// What each attempt was answered: status, body, and for lists the tag.
type Attempts = Vec<(String, u16, Value)>;

/// What an uncleared keeper is told who lists the records of a kind and tries to create, change,
/// withdraw and restore some, all at once and as a dry run.
async fn attempts(app: &TestApp, draft: &Value, other: &Made, withdrawn: &Made) -> Attempts {
    let kind = other.kind;
    let client = app.uncleared_keeper(kind);
    let mut all = Attempts::new();
    let mut ask = async |client: &Client, path: String, operations: Value| {
        let body = json!({ "operations": operations });
        for mode in ["each", "atomic"] {
            let path = format!("{path}/bulk?dry_run=true&mode={mode}");
            let reply = client.post(&path, &body).await;
            let mut told = reply.json();
            without_times_and_ids(&mut told);
            all.push((format!("{path} {operations}"), reply.status, told));
        }
    };
    let mut given = draft.clone();
    given["reference"] = REFERENCE.into();
    let mut same = draft.clone();
    same.as_object_mut().expect("an object").remove("reference");
    for operation in [
        json!({ "op": "create", "record": draft }),
        json!({ "op": "create", "record": given }),
        json!({ "op": "update", "id": other.id(), "if_match": 1, "patch": same }),
        json!({ "op": "update", "id": other.id(), "if_match": 1, "patch": { "reference": REFERENCE } }),
        json!({ "op": "update", "id": other.id(), "if_match": 7, "patch": {} }),
        json!({ "op": "withdraw", "id": other.id(), "if_match": 1 }),
        json!({ "op": "restore", "id": withdrawn.id() }),
    ] {
        ask(&client, collection(kind), json!([operation])).await;
    }
    // Each record that it links to is withdrawn as well, by a keeper of that kind.
    for link in links_of(kind, draft) {
        let to = target(&link);
        if keeping(to) == Role::Auditor {
            continue;
        }
        let keeper = app.uncleared_keeper(to);
        let one = keeper.get(&format!("{}/{}", collection(to), link.id)).await;
        if one.status != 200 {
            continue;
        }
        let withdraw =
            json!([{ "op": "withdraw", "id": link.id, "if_match": one.json()["version"] }]);
        ask(&keeper, collection(to), withdraw).await;
    }
    // Outside their scope they are told the same whatever is there.
    let nowhere = app.scoped(keeping(kind), super::nobody());
    ask(
        &nowhere,
        collection(kind),
        json!([{ "op": "create", "record": draft }]),
    )
    .await;
    let path = format!("{}?include_total=true&limit=200", collection(kind));
    let list = client.get(&path).await;
    all.push((path, list.status, json!([list.etag(), list.json()])));
    all
}

/// A reference that a marked record has.
const REFERENCE: &str = "GIVEN-TO-A-MARKED-RECORD";

/// The same world with and without a marked record that says what is proposed: every answer to an
/// uncleared caller is the same.
async fn a_marked_record_changes_no_refusal_and_no_dry_run(app: TestApp) {
    let maker = Maker::new(&app);
    let mut tried = 0;
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.markable && k.offers_create && keeping(k) != Role::Auditor),
    ) {
        let draft = maker.draft(kind).await;
        let other = maker.make(kind).await;
        // A meeting whose approved minutes were withdrawn can have no others, so they need another.
        let withdrawn = match kind.name {
            "minutes" => maker.make(kind).await,
            _ => maker.create(kind, &draft).await,
        };
        let keeper = app.keeper(kind);
        let current = keeper.get(&withdrawn.path).await.etag();
        keeper.delete(&withdrawn.path, &current).await.status(200);
        let before = attempts(&app, &draft, &other, &withdrawn).await;
        let mut twin = draft.clone();
        twin["marking"] = "official_sensitive".into();
        twin["reference"] = REFERENCE.into();
        maker.create(kind, &twin).await;
        let after = attempts(&app, &draft, &other, &withdrawn).await;
        for (was, is) in some(before.into_iter().zip(after)) {
            assert_eq!(was, is, "{}", kind.name);
            tried += 1;
        }
        // It is in the way of those who can see it, unless nothing forbids two that say the same.
        let again = json!({ "operations": [{ "op": "create", "record": twin }] });
        let path = format!("{}/bulk?dry_run=true", collection(kind));
        assert_ne!(
            keeper.post(&path, &again).await.status,
            200,
            "{}",
            kind.name
        );
    }
    assert!(tried > 500, "{tried} attempts");
}

/// The generated references of marked records, and of the parts of marked records, have a series of
/// their own.
async fn marked_records_have_a_series_of_references(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.markable && k.offers_create),
    ) {
        let before = maker.make(kind).await;
        let hidden = maker.make_with(kind.name, marked()).await;
        let start = format!("{}-S-", kind.prefix);
        assert!(
            hidden.reference().starts_with(&start),
            "{}",
            hidden.reference()
        );
        // Neither series takes what belongs to the other.
        let mut draft = maker.draft(kind).await;
        draft["reference"] = format!("{start}9000").into();
        app.keeper(kind)
            .post(&collection(kind), &draft)
            .await
            .problem_at("rule_violation", "/reference");
        draft["reference"] = format!("{}-9000", kind.prefix).into();
        draft["marking"] = "official_sensitive".into();
        app.keeper(kind)
            .post(&collection(kind), &draft)
            .await
            .problem_at("rule_violation", "/reference");
        assert!(
            !before.reference().starts_with(&start),
            "{}",
            before.reference()
        );
    }
    let register = maker.make_with("risk_register", marked()).await;
    let risk = maker
        .make_with("risk", json!({ "register_id": register.id() }))
        .await;
    assert!(
        risk.reference().starts_with("RSK-S-"),
        "{}",
        risk.reference()
    );
}

/// What was taken while a marked record could not be seen prevents that its marking is removed.
async fn what_becomes_visible_is_unique(app: TestApp) {
    let maker = Maker::new(&app);
    let register = maker.make_with("risk_register", marked()).await;
    let fields = json!({ "register_id": register.id(), "reference": "TWICE" });
    maker.make_with("risk", fields).await;
    let mut open = maker.draft(kind("risk")).await;
    open["reference"] = "TWICE".into();
    app.uncleared_keeper(kind("risk"))
        .post("/api/v1/risks", &open)
        .await
        .status(201);
    let keeper = app.keeper(kind("risk_register"));
    let current = keeper.get(&register.path).await.etag();
    let removed = json!({ "marking": "official" });
    keeper
        .patch(&register.path, &current, &removed)
        .await
        .problem_at("reference_taken", "/reference");
}

/// A caller who may change a record, but not mark it, cannot hide it by making it part of a marked
/// record. Every link of every kind is tried.
async fn moving_a_record_into_a_marked_one_is_marking_it(app: TestApp) {
    let maker = Maker::new(&app);
    let (mut refused, mut linked) = (0, 0);
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.offers_create && !k.append_only),
    ) {
        let may = |role: &&Role, act| allows(**role, kind.subject, act);
        let mut roles = Role::VARIANTS.iter();
        let Some(role) = roles.find(|r| may(r, Act::Update) && !may(r, Act::Mark)) else {
            continue;
        };
        let client = app.holding(Held {
            role: *role,
            scope: None,
            official_sensitive: true,
        });
        let mut made = maker.make(kind).await;
        let draft = maker.draft(kind).await;
        for link in links_of(kind, &draft) {
            let (to, field) = (target(&link), link.pointer.trim_start_matches('/'));
            if !to.markable || field.contains('/') {
                continue;
            }
            let mut secret = maker.draft(to).await;
            secret["marking"] = "official_sensitive".into();
            let hidden = maker.create(to, &secret).await;
            made.etag = app.keeper(kind).get(&made.path).await.etag();
            let reply = client
                .patch(&made.path, &made.etag, &json!({ field: hidden.id() }))
                .await;
            linked += usize::from(reply.status == 200);
            refused += usize::from(
                reply.status == 403 && reply.json()["errors"][0]["pointer"] == "/marking",
            );
            let seen = app.uncleared_keeper(kind).get(&made.path).await;
            seen.status(200);
        }
    }
    assert!(
        refused > 0 && linked > 0,
        "{refused} refused, {linked} linked"
    );
}

/// Marking is a right of its own: of those who keep such records and are cleared, with a reason, and
/// listed.
async fn marking_is_a_right_of_its_own(app: TestApp) {
    let maker = Maker::new(&app);
    let auditor = app.role(Role::Auditor);
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.markable && k.offers_create),
    ) {
        let mut draft = maker.draft(kind).await;
        draft["marking"] = "official_sensitive".into();
        // Everybody who may create or change such records, but does not keep them or is not cleared.
        for role in Role::VARIANTS {
            for cleared in [false, true] {
                let keeps = Act::VARIANTS
                    .iter()
                    .all(|a| allows(*role, kind.subject, *a));
                let is_cleared = cleared || *role == Role::Auditor;
                if (keeps && is_cleared) || !allows(*role, kind.subject, Act::Create) {
                    continue;
                }
                let client = app.holding(Held {
                    role: *role,
                    scope: None,
                    official_sensitive: cleared,
                });
                client
                    .post(&collection(kind), &draft)
                    .await
                    .problem_at("forbidden", "/marking");
            }
        }
        if kind.append_only {
            continue;
        }
        let made = maker.make(kind).await;
        let etag = app.keeper(kind).get(&made.path).await.etag();
        for role in Role::VARIANTS {
            let keeps = Act::VARIANTS
                .iter()
                .all(|a| allows(*role, kind.subject, *a));
            let is_cleared = *role == Role::Auditor;
            if (keeps && is_cleared) || !allows(*role, kind.subject, Act::Update) {
                continue;
            }
            app.role(*role)
                .patch(&made.path, &etag, &marked())
                .await
                .problem_at("forbidden", "/marking");
        }
        let keeper = app.keeper(kind);
        let without = format!("{}?", made.path);
        keeper
            .patch(&without, &etag, &marked())
            .await
            .problem_at("rule_violation", "?reason");
        let path = format!("{}?reason=It+names+a+source", made.path);
        let etag = keeper
            .patch(&path, &etag, &marked())
            .await
            .status(200)
            .etag();
        let path = format!("{}?reason=No+longer", made.path);
        let open = json!({ "marking": "official" });
        keeper.patch(&path, &etag, &open).await.status(200);
        let mut listed = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/journal?markings=true&limit=200{cursor}");
            let page = auditor.get(&path).await.status(200).json();
            listed.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let of_it: Vec<Value> = listed
            .into_iter()
            .filter(|e| e["record_id"] == made.record["id"])
            .map(|e| json!([e["marking"], e["reason"]]))
            .collect();
        let wanted = [
            json!(["official_sensitive", "It names a source"]),
            json!(["official", "No longer"]),
        ];
        // The reason for a change to a figure is for those who may see the figure.
        if kind.subject != Subject::Performance {
            assert_eq!(of_it, wanted, "{}", kind.name);
        }
        assert_eq!(of_it.len(), 2, "{}", kind.name);
    }
}

/// Who does not see every marked record gets no number from which to tell how many there are.
async fn numbers_do_not_count_what_is_marked(app: TestApp) {
    let maker = Maker::new(&app);
    let administrator = app.role(Role::Administrator);
    let board = maker.make_named("board").await;
    let last = |items: &[Value]| items.last().cloned().unwrap_or_default();
    let before = journalled(&administrator).await.len();
    for _ in 0..3 {
        maker.make_with("board", marked()).await;
    }
    // A page is full however many entries are left out.
    let page = administrator
        .get("/api/v1/journal?limit=200")
        .await
        .status(200)
        .json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    for entry in some(&items) {
        assert!(
            entry["seq"].is_null() && entry["previous"].is_null(),
            "{entry}"
        );
    }
    assert!(journalled(&administrator).await.len() >= before);
    for path in ["/api/v1/journal?cursor=2", "/api/v1/changes?cursor=2"] {
        administrator.get(path).await.problem("invalid_query");
    }
    let entry = last(&items);
    let cursor = format!(
        "{}.{}",
        entry["record_id"].as_str().unwrap_or_default(),
        entry["version"]
    );
    let after = administrator
        .items(&format!("/api/v1/journal?cursor={cursor}"))
        .await;
    assert!(after.is_empty(), "{after:?}");
    let history = administrator
        .get(&format!("{}/history", board.path))
        .await
        .status(200)
        .json();
    assert!(history["items"][0]["seq"].is_null(), "{history}");
    let all = app
        .role(Role::Auditor)
        .items("/api/v1/journal?cursor=2")
        .await;
    assert_eq!(all[0]["seq"], 3);
}

on_both!(
    a_marked_record_does_not_exist_for_the_uncleared,
    a_hidden_record_cannot_be_pointed_to,
    a_record_cannot_be_moved_to_a_hidden_one,
    a_mark_hides_the_past_and_what_was_said_under_it,
    a_clearance_holds_within_its_scope,
    what_lies_within_a_marked_record_is_hidden_with_it,
    a_hidden_record_is_not_in_the_way,
    a_marked_record_changes_no_refusal_and_no_dry_run,
    marked_records_have_a_series_of_references,
    what_becomes_visible_is_unique,
    moving_a_record_into_a_marked_one_is_marking_it,
    marking_is_a_right_of_its_own,
    numbers_do_not_count_what_is_marked
);
