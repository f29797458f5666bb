//! Meetings and actions: what the register's own rules promise.

use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::Role;
use stride::transfer::load;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{Client, TestApp, some};

/// A board of a unit, a meeting of it that was held, and its secretary.
struct Board {
    board: Made,
    meeting: Made,
    secretary: Client,
}

async fn board(app: &TestApp) -> Board {
    let maker = Maker::new(app);
    let board = maker.make_named("board").await;
    let meeting = meeting(app, &board, "2020-03-30").await;
    let secretary = app.scoped(Role::BoardSecretary, board.id());
    Board {
        board,
        meeting,
        secretary,
    }
}

/// A meeting of a board that was held on a day.
async fn meeting(app: &TestApp, board: &Made, day: &str) -> Made {
    let draft = json!({
        "board_id": board.id(), "title": format!("Meeting of {day}"), "status": "held", "held_on": day,
        "agenda": [{ "number": "1", "title": "Minutes" }, { "number": "2a", "title": "Membership" }],
    });
    Maker::new(app).create(kind("meeting"), &draft).await
}

/// The record as it is now, with its ETag.
async fn now(app: &TestApp, made: &Made) -> (Value, String) {
    let reply = app.keeper(made.kind).get(&made.path).await;
    (reply.status(200).json(), reply.etag())
}

/// Changes a record as it is now.
async fn patch(
    app: &TestApp,
    client: &Client,
    made: &Made,
    body: Value,
) -> crate::support::client::Reply {
    let (_, etag) = now(app, made).await;
    client.patch(&made.path, &etag, &body).await
}

/// An action of a unit, due in September 2020, with two open parts.
async fn action(app: &TestApp, b: &Board, owner: &Made) -> (Made, [Made; 2]) {
    let maker = Maker::new(app);
    let draft = json!({
        "meeting_id": b.meeting.id(), "number": 14, "text": "Bring strategy and dashboard", "owner_unit_id": owner.id(),
        "due": { "precision": "month", "due_on": "2020-09-30" },
    });
    let action = maker.create(kind("action"), &draft).await;
    let part = async |label: &str| {
        let draft =
            json!({ "action_id": action.id(), "label": label, "text": "One of the things asked" });
        maker.create(kind("action_part"), &draft).await
    };
    let parts = [part("a").await, part("b").await];
    (action, parts)
}

fn deferral(action: &Made, more: Value) -> Value {
    let mut draft = json!({ "action_id": action.id(), "reason": "Not ready to be shown", "decided_on": "2020-09-28" });
    draft
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("fields").clone());
    draft
}

/// A day or a month says when; a cancelled meeting says why; what was held stays held.
async fn a_meeting_is_held_or_cancelled(app: TestApp) {
    let b = board(&app).await;
    let path = "/api/v1/meetings";
    let base = json!({ "board_id": b.board.id(), "title": "Audit panel" });
    let with = |more: Value| {
        let mut draft = base.clone();
        draft
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("fields").clone());
        draft
    };
    let s = &b.secretary;
    s.post(path, &with(json!({ "status": "held" })))
        .await
        .problem_at("rule_violation", "/held_on");
    s.post(
        path,
        &with(json!({ "status": "held", "held_on": "2999-01-01" })),
    )
    .await
    .problem_at("rule_violation", "/held_on");
    s.post(path, &with(json!({ "held_on": "2020-01-01" })))
        .await
        .problem_at("rule_violation", "/held_on");
    s.post(path, &with(json!({ "status": "cancelled" })))
        .await
        .problem_at("rule_violation", "/cancellation_reason");
    let month = json!({ "status": "held", "scheduled": { "precision": "month", "due_on": "2017-03-31", "source_text": "March 2017" } });
    let held = s.post(path, &with(month)).await.status(201).json();
    assert_eq!(
        (&held["meeting_on"], &held["held_on"]),
        (&json!("2017-03-31"), &Value::Null)
    );
    let held_path = format!("{path}/{}", held["id"].as_str().expect("an id"));
    s.patch(&held_path, "\"1\"", &json!({ "status": "scheduled" }))
        .await
        .problem_at("transition_refused", "/status");
    // Two on one day are told apart by their titles; a cancelled one stands in nobody's way.
    let day = |status: &str| json!({ "status": status, "scheduled": { "precision": "day", "due_on": "2020-05-04" } });
    let first = s
        .post(path, &with(day("scheduled")))
        .await
        .status(201)
        .json();
    s.post(path, &with(day("scheduled")))
        .await
        .problem_at("rule_violation", "/title");
    let first_path = format!("{path}/{}", first["id"].as_str().expect("an id"));
    s.patch(
        &first_path,
        "\"1\"",
        &json!({ "status": "cancelled", "cancellation_reason": "No quorum" }),
    )
    .await
    .status(200);
    s.post(path, &with(day("scheduled"))).await.status(201);
    s.patch(
        &first_path,
        "\"2\"",
        &json!({ "status": "scheduled", "cancellation_reason": null }),
    )
    .await
    .problem_at("rule_violation", "/title");
    let late = s
        .items(&format!(
            "{path}?overdue=true&board_id={}",
            b.board.id_text()
        ))
        .await;
    assert_eq!(late.len(), 1, "what should have been held by now shows");
    let window = s
        .items(&format!(
            "{path}?meeting_from=2017-03-01&meeting_until=2017-03-31"
        ))
        .await;
    assert_eq!(window.len(), 1);
    // An item that has outcomes stays on the agenda.
    let outcome = json!({ "meeting_id": b.meeting.id(), "agenda_number": "2A", "outcome_kind": "information", "text": "Noted" });
    s.post("/api/v1/meeting-outcomes", &outcome)
        .await
        .status(201);
    patch(&app, s, &b.meeting, json!({ "agenda": [] }))
        .await
        .problem_at("rule_violation", "/agenda");
}

/// Once for each attendee, by seat or by name; before the meeting only apologies.
async fn attendance_is_unique_and_of_held_meetings(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let (post, other) = (
        maker.make_named("post").await,
        maker.make_named("post").await,
    );
    let seat = json!({ "board_id": b.board.id(), "post_id": post.id(), "capacity": "member", "term_from_on": "2020-01-01", "term_until_on": "2020-12-31" });
    let seat = maker.create(kind("membership"), &seat).await;
    let path = "/api/v1/attendances";
    let s = &b.secretary;
    let by_seat = |meeting: &Made, status: &str| json!({ "meeting_id": meeting.id(), "membership_id": seat.id(), "capacity": "member", "status": status });
    let made = s
        .post(path, &by_seat(&b.meeting, "present"))
        .await
        .status(201)
        .json();
    assert_eq!(made["attendee_id"], post.id_text());
    let by_post = json!({ "meeting_id": b.meeting.id(), "post_id": post.id(), "capacity": "observer", "status": "absent" });
    s.post(path, &by_post)
        .await
        .problem_at("rule_violation", "/post_id");
    s.post(path, &by_seat(&b.meeting, "apologies"))
        .await
        .problem_at("rule_violation", "/membership_id");
    let both = json!({ "meeting_id": b.meeting.id(), "membership_id": seat.id(), "post_id": other.id(), "capacity": "member", "status": "present" });
    s.post(path, &both)
        .await
        .problem_at("rule_violation", "/membership_id");
    // A seat whose term had run out was not a seat at the meeting.
    let later = meeting(&app, &b.board, "2021-02-01").await;
    s.post(path, &by_seat(&later, "present"))
        .await
        .problem_at("rule_violation", "/membership_id");
    // A deputy is a post, and somebody else.
    let deputised = |deputy: Value| json!({ "meeting_id": later.id(), "post_id": post.id(), "capacity": "member", "status": "deputised", "deputy_post_id": deputy });
    s.post(path, &deputised(Value::Null))
        .await
        .problem_at("rule_violation", "/deputy_post_id");
    s.post(path, &deputised(json!(post.id())))
        .await
        .problem_at("rule_violation", "/deputy_post_id");
    s.post(path, &deputised(json!(other.id())))
        .await
        .status(201);
    let draft = json!({ "board_id": b.board.id(), "title": "To come", "scheduled": { "precision": "day", "due_on": "2020-06-01" } });
    let coming = maker.create(kind("meeting"), &draft).await;
    s.post(path, &by_seat(&coming, "present"))
        .await
        .problem_at("rule_violation", "/status");
    s.post(path, &by_seat(&coming, "apologies"))
        .await
        .status(201);
    let found = s
        .items(&format!(
            "{path}?attendee_id={}&status=present&board_id={}",
            post.id_text(),
            b.board.id_text()
        ))
        .await;
    assert_eq!(found.len(), 1);
}

/// Minutes once approved change only by amendment: not by patch, bulk, load, nor by withdrawing
/// them for others.
async fn approved_minutes_change_only_by_amendment(app: TestApp) {
    let b = board(&app).await;
    let s = &b.secretary;
    let next = meeting(&app, &b.board, "2020-04-27").await;
    let draft = json!({ "meeting_id": b.meeting.id(), "text": "As drafted" });
    let minutes = Maker::new(&app).create(kind("minutes"), &draft).await;
    s.post("/api/v1/minutes", &draft)
        .await
        .problem_at("rule_violation", "/meeting_id");
    patch(&app, s, &minutes, json!({ "text": "As corrected" }))
        .await
        .status(200);
    let amend = |day: &str, at: Option<&Made>| {
        json!({
            "minutes_id": minutes.id(), "change": "Item 1 reads otherwise", "reason": "It was left out", "agreed_on": day,
            "agreed_at_meeting_id": at.map(Made::id),
        })
    };
    s.post("/api/v1/minutes-amendments", &amend("2020-04-27", None))
        .await
        .problem_at("rule_violation", "/minutes_id");
    patch(&app, s, &minutes, json!({ "status": "approved" }))
        .await
        .problem_at("rule_violation", "/approved_on");
    patch(
        &app,
        s,
        &minutes,
        json!({ "status": "approved", "approved_at_meeting_id": b.meeting.id() }),
    )
    .await
    .problem_at("rule_violation", "/approved_at_meeting_id");
    patch(
        &app,
        s,
        &minutes,
        json!({ "status": "approved", "approved_on": "2020-04-28", "approved_at_meeting_id": next.id() }),
    )
    .await
    .problem_at("rule_violation", "/approved_on");
    patch(
        &app,
        s,
        &minutes,
        json!({ "status": "approved", "approved_at_meeting_id": next.id() }),
    )
    .await
    .status(200);
    let known = app
        .keeper(kind("meeting"))
        .get(&b.meeting.path)
        .await
        .json();
    assert_eq!(known["minutes_status"], "approved");
    let (approved, etag) = now(&app, &minutes).await;
    for change in [
        json!({ "text": "Otherwise" }),
        json!({ "document": "Another" }),
        json!({ "approved_on": "2020-04-27" }),
    ] {
        let field = format!(
            "/{}",
            change
                .as_object()
                .and_then(|o| o.keys().next())
                .expect("a field")
        );
        s.patch(&minutes.path, &etag, &change)
            .await
            .problem_at("rule_violation", &field);
    }
    s.patch(
        &minutes.path,
        &etag,
        &json!({ "status": "draft", "approved_at_meeting_id": null }),
    )
    .await
    .problem_at("transition_refused", "/status");
    s.patch(&minutes.path, &etag, &json!({ "status": "amended" }))
        .await
        .problem_at("rule_violation", "/status");
    let version: i64 = approved["version"].as_i64().expect("a version");
    let bulk = json!({ "operations": [{ "op": "update", "id": minutes.id(), "if_match": version, "patch": { "text": "Otherwise" } }] });
    s.post("/api/v1/minutes/bulk", &bulk)
        .await
        .problem("rule_violation");
    let file = |meeting: &Made, status: &str| {
        json!({ "format": "stride.load.1", "records": [
        { "kind": "minutes", "record": { "meeting_id": meeting.id(), "status": status, "text": "Loaded", "approved_on": "2020-05-01" } },
    ] })
        .to_string()
    };
    load::text(&app.service.engine, &file(&b.meeting, "approved"))
        .await
        .expect_err("a second set of minutes");
    load::text(&app.service.engine, &file(&next, "amended"))
        .await
        .expect_err("minutes that are amended by nothing");
    // An amendment stands beside them.
    s.post("/api/v1/minutes-amendments", &amend("2020-04-01", None))
        .await
        .problem_at("rule_violation", "/agreed_on");
    let amendment = s
        .post(
            "/api/v1/minutes-amendments",
            &amend("2020-04-27", Some(&next)),
        )
        .await;
    let amendment_path = format!(
        "/api/v1/minutes-amendments/{}",
        amendment.status(201).json()["id"].as_str().expect("an id")
    );
    let (amended, _) = now(&app, &minutes).await;
    assert_eq!(
        (&amended["status"], &amended["text"]),
        (&json!("amended"), &json!("As corrected"))
    );
    patch(&app, s, &minutes, json!({ "text": "Otherwise" }))
        .await
        .problem_at("rule_violation", "/text");
    s.delete(&amendment_path, "\"1\"").await.status(200);
    assert_eq!(
        now(&app, &minutes).await.0["status"],
        "approved",
        "nothing amends them now"
    );
    s.post(&format!("{amendment_path}/restore"), &json!({}))
        .await
        .status(200);
    assert_eq!(now(&app, &minutes).await.0["status"], "amended");
    // Nor do they give way to others by being withdrawn.
    let (_, etag) = now(&app, &minutes).await;
    if s.delete(&minutes.path, &etag).await.status == 200 {
        s.post("/api/v1/minutes", &draft)
            .await
            .problem_at("rule_violation", "/meeting_id");
        s.post(&format!("{}/restore", minutes.path), &json!({}))
            .await
            .status(200);
    }
    // An outcome that they tell of stays too.
    let outcome = json!({ "meeting_id": b.meeting.id(), "outcome_kind": "decision", "text": "Seats", "decision": "Opened to all" });
    let outcome = Maker::new(&app)
        .create(kind("meeting_outcome"), &outcome)
        .await;
    patch(&app, s, &outcome, json!({ "decision": "Opened to one" }))
        .await
        .problem_at("rule_violation", "/decision");
}

/// "Minutes sent to" is a record, and a filter on minutes.
async fn minutes_are_sent_to_someone(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let auditors = maker.make_named("unit").await;
    let minutes = maker
        .create(kind("minutes"), &json!({ "meeting_id": b.meeting.id() }))
        .await;
    let path = "/api/v1/minutes-deliveries";
    let delivery = |more: Value, day: &str| {
        let mut draft = json!({ "minutes_id": minutes.id(), "sent_on": day });
        draft
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("fields").clone());
        draft
    };
    let s = &b.secretary;
    s.post(path, &delivery(json!({}), "2020-10-01"))
        .await
        .problem_at("rule_violation", "/to_unit_id");
    let two = json!({ "to_unit_id": auditors.id(), "to_board_id": b.board.id() });
    s.post(path, &delivery(two, "2020-10-01"))
        .await
        .problem_at("rule_violation", "/to_unit_id");
    let to = json!({ "to_unit_id": auditors.id() });
    s.post(path, &delivery(to.clone(), "2020-03-01"))
        .await
        .problem_at("rule_violation", "/sent_on");
    s.post(path, &delivery(to, "2020-10-01")).await.status(201);
    let sent = async |id: &str| {
        s.items(&format!("/api/v1/minutes?sent_to={id}"))
            .await
            .len()
    };
    assert_eq!(
        (
            sent(auditors.id_text()).await,
            sent(b.board.id_text()).await
        ),
        (1, 0)
    );
    assert_eq!(
        s.items(&format!("{path}?board_id={}", b.board.id_text()))
            .await
            .len(),
        1
    );
    let waiting = s.items("/api/v1/meetings?minutes_outstanding=true").await;
    assert_eq!(waiting.len(), 1, "a draft is not enough");
}

/// A number is given once in a meeting; another meeting, of the same board or of another, counts
/// anew.
async fn actions_are_numbered_within_their_meeting(app: TestApp) {
    let b = board(&app).await;
    let other = meeting(&app, &b.board, "2020-06-29").await;
    let s = &b.secretary;
    let draft = |meeting: &Made, n: u32| json!({ "meeting_id": meeting.id(), "number": n, "text": "Report" });
    let first = s
        .post("/api/v1/actions", &draft(&b.meeting, 14))
        .await
        .status(201)
        .json();
    assert_eq!(first["board_id"], b.board.id_text());
    s.post("/api/v1/actions", &draft(&b.meeting, 14))
        .await
        .problem_at("rule_violation", "/number");
    s.post("/api/v1/actions", &draft(&other, 14))
        .await
        .status(201);
    let second = s
        .post("/api/v1/actions", &draft(&b.meeting, 15))
        .await
        .status(201)
        .json();
    let path = format!("/api/v1/actions/{}", second["id"].as_str().expect("an id"));
    s.patch(&path, "\"1\"", &json!({ "number": 14 }))
        .await
        .problem_at("rule_violation", "/number");
    let coming = json!({ "board_id": b.board.id(), "title": "To come" });
    let coming = Maker::new(&app).create(kind("meeting"), &coming).await;
    s.post("/api/v1/actions", &draft(&coming, 1))
        .await
        .problem_at("rule_violation", "/meeting_id");
    assert_eq!(
        s.items(&format!(
            "/api/v1/actions?number=14&meeting_id={}",
            other.id_text()
        ))
        .await
        .len(),
        1
    );
}

/// Deferrals are counted, the first due stays, and an action is due with the last of its parts.
async fn deferrals_are_counted_and_the_first_due_is_kept(app: TestApp) {
    let b = board(&app).await;
    let s = &b.secretary;
    let unit = Maker::new(&app).make_named("unit").await;
    let (action, [a, part_b]) = action(&app, &b, &unit).await;
    assert_eq!(action.record["first_due_on"], "2020-09-30");
    let later = json!({ "due": { "precision": "month", "due_on": "2021-01-31" } });
    patch(&app, s, &action, later)
        .await
        .problem_at("rule_violation", "/due");
    let path = "/api/v1/action-deferrals";
    let to = |day: &str| json!({ "to": { "precision": "day", "due_on": day } });
    s.post(path, &deferral(&action, to("2020-09-30")))
        .await
        .problem_at("rule_violation", "/to");
    s.post(path, &deferral(&action, json!({})))
        .await
        .problem_at("rule_violation", "/to");
    // A part goes to a meeting whose day is not yet known: the action goes with it, and is judged
    // by its first due.
    let next = json!({ "board_id": b.board.id(), "title": "The next meeting" });
    let next = Maker::new(&app).create(kind("meeting"), &next).await;
    let of_part = |part: &Made, more: Value| {
        let mut draft = deferral(&action, more);
        draft["part_id"] = json!(part.id());
        draft
    };
    let first = s
        .post(
            path,
            &of_part(&part_b, json!({ "to_meeting_id": next.id() })),
        )
        .await
        .status(201)
        .json();
    assert_eq!(
        (&first["from"]["due_on"], &first["ordinal"]),
        (&json!("2020-09-30"), &json!(1))
    );
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["target_meeting_id"],
            &is["due_on"],
            &is["deferral_count"]
        ),
        (&json!(next.id()), &Value::Null, &json!(1))
    );
    assert_eq!(
        (&is["first_due_on"], &is["first_due"]["due_on"]),
        (&json!("2020-09-30"), &json!("2020-09-30"))
    );
    assert_eq!(s.items("/api/v1/actions?overdue=true").await.len(), 1);
    // Once the meeting has its day, the action is due on it.
    patch(
        &app,
        s,
        &next,
        json!({ "scheduled": { "precision": "day", "due_on": "2999-01-01" } }),
    )
    .await
    .status(200);
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (&is["due_on"], &is["first_due_on"]),
        (&json!("2999-01-01"), &json!("2020-09-30"))
    );
    let count = async |query: &str| s.items(&format!("/api/v1/actions?{query}")).await.len();
    assert_eq!(
        (
            count("overdue=true").await,
            count("past_first_due=true").await,
            count("deferred_at_least=2").await
        ),
        (0, 1, 0)
    );
    assert_eq!(
        s.items("/api/v1/action-parts?overdue=true").await.len(),
        1,
        "the other part was not deferred"
    );
    // The other part, to an earlier day, does not bring the action forward.
    let second = s.post(path, &of_part(&a, to("2021-03-31"))).await;
    let second_path = format!(
        "{path}/{}",
        second.status(201).json()["id"].as_str().expect("an id")
    );
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["due_on"],
            &is["deferral_count"],
            count("deferred_at_least=2").await
        ),
        (&json!("2999-01-01"), &json!(2), 1)
    );
    // Deferrals follow each other in time, and withdrawing them all brings back the first due.
    let mut early = deferral(&action, to("2999-12-31"));
    early["decided_on"] = json!("2020-09-01");
    s.post(path, &early)
        .await
        .problem_at("rule_violation", "/decided_on");
    s.delete(&second_path, "\"1\"").await.status(200);
    s.delete(
        &format!("{path}/{}", first["id"].as_str().expect("an id")),
        "\"1\"",
    )
    .await
    .status(200);
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["due"]["due_on"],
            &is["target_meeting_id"],
            &is["deferral_count"]
        ),
        (&json!("2020-09-30"), &Value::Null, &json!(0))
    );
}

/// Closing with an open part needs a reason, and shows; so does opening a part of a closed action.
async fn closing_with_an_open_part_shows(app: TestApp) {
    let b = board(&app).await;
    let s = &b.secretary;
    let unit = Maker::new(&app).make_named("unit").await;
    let (action, [a, part_b]) = action(&app, &b, &unit).await;
    assert_eq!(now(&app, &action).await.0["state"], "not_started");
    patch(&app, s, &a, json!({ "status": "done" }))
        .await
        .status(200);
    let close = json!({ "status": "closed", "closed_on": "2020-10-26" });
    patch(&app, s, &action, close.clone())
        .await
        .problem_at("rule_violation", "/closure_reason");
    patch(&app, s, &part_b, json!({ "status": "answered" }))
        .await
        .status(200);
    patch(&app, s, &action, close).await.status(200);
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["state"],
            &is["parts_open"],
            &is["closed_with_open_part"]
        ),
        (&json!("complete"), &json!(0), &json!(false))
    );
    patch(&app, s, &part_b, json!({ "status": "not_done" }))
        .await
        .problem_at("rule_violation", "/status");
    patch(
        &app,
        s,
        &action,
        json!({ "closure_reason": "The dashboard is another board's now" }),
    )
    .await
    .status(200);
    patch(&app, s, &part_b, json!({ "status": "not_done" }))
        .await
        .status(200);
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["state"],
            &is["parts_total"],
            &is["closed_with_open_part"]
        ),
        (&json!("in_progress"), &json!(2), &json!(true))
    );
    let found = s
        .items("/api/v1/actions?closed_with_open_part=true&with_open_parts=true&status=closed")
        .await;
    assert_eq!(found.len(), 1);
    patch(
        &app,
        s,
        &action,
        json!({ "status": "cancelled", "closure_reason": null }),
    )
    .await
    .problem("transition_refused");
}

/// Contributors of the owning unit respond and say who deals with it; they close nothing, and those
/// of another unit do nothing.
async fn contributors_respond_and_the_secretary_closes(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let (unit, other) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let post = maker
        .make_with("post", json!({ "unit_id": unit.id() }))
        .await;
    let (action, [part, _]) = action(&app, &b, &unit).await;
    let ours = app.scoped(Role::Contributor, unit.id());
    let theirs = app.scoped(Role::Contributor, other.id());
    let response = json!({
        "action_id": action.id(), "part_id": part.id(), "text": "Approved and attached", "responded_on": "2020-09-28",
        "by_post_id": post.id(), "claimed_status": "done",
    });
    let later = deferral(
        &action,
        json!({ "to": { "precision": "month", "due_on": "2020-12-31" } }),
    );
    let mut agreed = later.clone();
    agreed["agreed_at_meeting_id"] = json!(meeting(&app, &b.board, "2020-09-28").await.id());
    theirs
        .post("/api/v1/action-responses", &response)
        .await
        .problem("forbidden");
    theirs
        .post("/api/v1/action-deferrals", &later)
        .await
        .problem("forbidden");
    patch(
        &app,
        &theirs,
        &action,
        json!({ "owner_post_id": post.id() }),
    )
    .await
    .problem("forbidden");
    ours.post("/api/v1/action-responses", &response)
        .await
        .status(201);
    // A claim changes nothing that the secretary declares, and shows beside it.
    let (is, _) = now(&app, &part).await;
    assert_eq!(
        (&is["status"], &is["claimed_status"], &is["claim_differs"]),
        (&json!("open"), &json!("done"), &json!(true))
    );
    assert_eq!(now(&app, &action).await.0["state"], "in_progress");
    patch(&app, &ours, &action, json!({ "owner_post_id": post.id() }))
        .await
        .status(200);
    for (field, change) in [
        (
            "/status",
            json!({ "status": "closed", "closed_on": "2020-10-26", "closure_reason": "Done" }),
        ),
        ("/text", json!({ "text": "Do what was done" })),
        ("/owner_unit_id", json!({ "owner_unit_id": null })),
    ] {
        patch(&app, &ours, &action, change)
            .await
            .problem_at("forbidden", field);
    }
    patch(&app, &ours, &part, json!({ "status": "done" }))
        .await
        .problem_at("forbidden", "/status");
    let (_, etag) = now(&app, &action).await;
    ours.delete(&action.path, &etag).await.problem("forbidden");
    // They say that it is put off, not that the board agreed.
    ours.post("/api/v1/action-deferrals", &agreed)
        .await
        .problem_at("forbidden", "/agreed_at_meeting_id");
    ours.post("/api/v1/action-deferrals", &later)
        .await
        .status(201);
    // The secretary of another board cannot give or close an action here, even if that board
    // belongs to the action's owner.
    let owners = app.scoped(Role::BoardSecretary, unit.id());
    patch(
        &app,
        &owners,
        &action,
        json!({ "status": "closed", "closed_on": "2020-10-26", "closure_reason": "Done" }),
    )
    .await
    .problem_at("forbidden", "/status");
    let given = json!({ "meeting_id": b.meeting.id(), "number": 99, "text": "Ours", "owner_unit_id": unit.id() });
    owners
        .post("/api/v1/actions", &given)
        .await
        .problem_at("forbidden", "/meeting_id");
    let etag = owners.get(&action.path).await.status(200).etag();
    owners
        .delete(&action.path, &etag)
        .await
        .problem("forbidden");
    patch(&app, &b.secretary, &part, json!({ "status": "done" }))
        .await
        .status(200);
    assert_eq!(now(&app, &part).await.0["claim_differs"], false);
    let found = ours
        .items(&format!(
            "/api/v1/actions?unit_below={}&answered=true",
            unit.id_text()
        ))
        .await;
    assert_eq!(found.len(), 1);
    assert!(
        ours.items(&format!("/api/v1/actions?unit_below={}", other.id_text()))
            .await
            .is_empty()
    );
}

/// The secretary of another board reads, and changes nothing.
async fn the_secretary_of_another_board_is_refused(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let (action, [part, _]) = action(&app, &b, &unit).await;
    let minutes = maker
        .create(kind("minutes"), &json!({ "meeting_id": b.meeting.id() }))
        .await;
    let another = board(&app).await;
    let theirs = &another.secretary;
    for (made, change) in [
        (&b.meeting, json!({ "title": "Theirs" })),
        (&minutes, json!({ "text": "Theirs" })),
        (&action, json!({ "text": "Theirs" })),
        (&part, json!({ "text": "Theirs" })),
    ] {
        theirs.get(&made.path).await.status(200);
        patch(&app, theirs, made, change.clone())
            .await
            .problem("forbidden");
        let (_, etag) = now(&app, made).await;
        theirs.delete(&made.path, &etag).await.problem("forbidden");
        patch(&app, &b.secretary, made, change).await.status(200);
    }
    let drafts = [
        (
            "meetings",
            json!({ "board_id": b.board.id(), "title": "Theirs" }),
        ),
        (
            "attendances",
            json!({ "meeting_id": b.meeting.id(), "unit_id": unit.id(), "capacity": "member", "status": "present" }),
        ),
        (
            "actions",
            json!({ "meeting_id": b.meeting.id(), "number": 1, "text": "Theirs" }),
        ),
        (
            "action-parts",
            json!({ "action_id": action.id(), "label": "z", "text": "Theirs" }),
        ),
        (
            "meeting-outcomes",
            json!({ "meeting_id": b.meeting.id(), "outcome_kind": "information", "text": "Theirs" }),
        ),
    ];
    for (path, draft) in some(drafts) {
        theirs
            .post(&format!("/api/v1/{path}"), &draft)
            .await
            .problem("forbidden");
        b.secretary
            .post(&format!("/api/v1/{path}"), &draft)
            .await
            .status(201);
    }
    // Nor does another board's meeting approve these minutes or take this action.
    let approve = json!({ "status": "approved", "approved_at_meeting_id": another.meeting.id() });
    patch(&app, &b.secretary, &minutes, approve)
        .await
        .problem_at("rule_violation", "/approved_at_meeting_id");
    let away = deferral(&action, json!({ "to_meeting_id": another.meeting.id() }));
    b.secretary
        .post("/api/v1/action-deferrals", &away)
        .await
        .problem_at("rule_violation", "/to_meeting_id");
}

/// What belongs to a marked meeting is hidden with it, at every depth.
async fn a_marked_meeting_hides_its_parts(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let (action, [part, _]) = action(&app, &b, &unit).await;
    let minutes = maker
        .create(
            kind("minutes"),
            &json!({ "meeting_id": b.meeting.id(), "status": "approved", "approved_on": "2020-04-27" }),
        )
        .await;
    let amendment = maker
        .make_with("minutes_amendment", json!({ "minutes_id": minutes.id() }))
        .await;
    let delivery = maker
        .make_with("minutes_delivery", json!({ "minutes_id": minutes.id() }))
        .await;
    let attendance = maker
        .make_with("attendance", json!({ "meeting_id": b.meeting.id() }))
        .await;
    let outcome = maker
        .make_with(
            "meeting_outcome",
            json!({ "meeting_id": b.meeting.id(), "agenda_number": "1" }),
        )
        .await;
    let response = maker
        .make_with(
            "action_response",
            json!({ "action_id": action.id(), "part_id": part.id() }),
        )
        .await;
    let deferred = maker
        .make_with("action_deferral", json!({ "action_id": action.id() }))
        .await;
    let keeper = app.keeper(kind("meeting"));
    patch(
        &app,
        &keeper,
        &b.meeting,
        json!({ "marking": "official_sensitive" }),
    )
    .await
    .status(200);
    let viewer = app.role(Role::Viewer);
    let secretary = app.holding(Held {
        role: Role::BoardSecretary,
        scope: Some(b.board.id()),
        official_sensitive: true,
    });
    for made in [
        &b.meeting,
        &action,
        &part,
        &minutes,
        &amendment,
        &delivery,
        &attendance,
        &outcome,
        &response,
        &deferred,
    ] {
        viewer.get(&made.path).await.problem("not_found");
        secretary.get(&made.path).await.status(200);
        let collection = made
            .path
            .rsplit_once('/')
            .map(|(path, _)| path)
            .expect("a collection");
        let listed = viewer
            .get(&format!("{collection}?include_total=true"))
            .await
            .status(200)
            .json();
        assert_eq!(
            listed["total"].as_u64().expect("a total"),
            listed["items"].as_array().expect("items").len() as u64
        );
        assert!(!listed.to_string().contains(made.id_text()), "{collection}");
    }
}

/// Marked minutes, parts and responses leave no trace on what is not marked.
async fn what_is_marked_does_not_count(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let (action, _) = action(&app, &b, &unit).await;
    let marked = json!({ "marking": "official_sensitive" });
    let with = |more: Value| {
        let mut fields = marked.clone();
        fields
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("fields").clone());
        fields
    };
    maker
        .make_with("minutes", with(json!({ "meeting_id": b.meeting.id() })))
        .await;
    maker
        .make_with(
            "action_part",
            with(json!({ "action_id": action.id(), "label": "z" })),
        )
        .await;
    maker
        .make_with("action_response", with(json!({ "action_id": action.id() })))
        .await;
    let (is, _) = now(&app, &action).await;
    assert_eq!(
        (
            &is["parts_total"],
            &is["response_count"],
            &is["claimed_status"]
        ),
        (&json!(2), &json!(0), &Value::Null)
    );
    let (meeting, _) = now(&app, &b.meeting).await;
    assert_eq!(meeting["minutes_status"], Value::Null);
    let found = async |client: Client| {
        client
            .items("/api/v1/meetings?minutes_status=approved")
            .await
            .len()
    };
    assert_eq!(
        (
            found(app.role(Role::Viewer)).await,
            found(app.keeper(kind("meeting"))).await
        ),
        (0, 1)
    );
}

/// A mention keeps nothing from being withdrawn; a field that stands on a record does, and the
/// refusal says which.
async fn a_mention_does_not_prevent_withdrawal(app: TestApp) {
    let b = board(&app).await;
    let maker = Maker::new(&app);
    let goal = maker.make_named("goal").await;
    let agenda = json!([{ "number": "1", "title": "Goals", "record_ids": [goal.id()] }]);
    patch(&app, &b.secretary, &b.meeting, json!({ "agenda": agenda }))
        .await
        .status(200);
    let outcome = maker
        .make_with(
            "meeting_outcome",
            json!({ "meeting_id": b.meeting.id(), "agenda_number": "1", "record_ids": [goal.id()] }),
        )
        .await;
    for path in ["meetings", "meeting-outcomes"] {
        assert_eq!(
            b.secretary
                .items(&format!("/api/v1/{path}?about_id={}", goal.id_text()))
                .await
                .len(),
            1
        );
    }
    let nobody = json!({ "record_ids": [super::access::nobody()] });
    patch(&app, &b.secretary, &outcome, nobody)
        .await
        .problem_at("rule_violation", "/record_ids/0");
    let (_, etag) = now(&app, &goal).await;
    app.keeper(kind("goal"))
        .delete(&goal.path, &etag)
        .await
        .status(200);
    // What mentions it can still be changed, and mention nothing new that is withdrawn.
    let (_, etag) = now(&app, &outcome).await;
    b.secretary
        .patch(&outcome.path, &etag, &json!({ "reference": "KEPT" }))
        .await
        .status(200);
    let again = json!({ "meeting_id": b.meeting.id(), "outcome_kind": "information", "text": "x", "record_ids": [goal.id()] });
    b.secretary
        .post("/api/v1/meeting-outcomes", &again)
        .await
        .problem_at("rule_violation", "/record_ids/0");
    let post = maker.make_named("post").await;
    let fields =
        json!({ "meeting_id": b.meeting.id(), "post_id": post.id(), "reference": "WAS-THERE" });
    maker.make_with("attendance", fields).await;
    maker
        .make_with(
            "action",
            json!({ "meeting_id": b.meeting.id(), "owner_post_id": post.id(), "marking": "official_sensitive", "reference": "HIDDEN" }),
        )
        .await;
    let (_, etag) = now(&app, &post).await;
    let refused = app
        .uncleared_keeper(kind("post"))
        .delete(&post.path, &etag)
        .await;
    refused.problem("in_use");
    assert!(
        refused
            .text()
            .contains("attendance WAS-THERE links to this record in /post_id")
            && !refused.text().contains("HIDDEN"),
        "{}",
        refused.text()
    );
}

on_both!(
    a_meeting_is_held_or_cancelled,
    attendance_is_unique_and_of_held_meetings,
    approved_minutes_change_only_by_amendment,
    minutes_are_sent_to_someone,
    actions_are_numbered_within_their_meeting,
    deferrals_are_counted_and_the_first_due_is_kept,
    closing_with_an_open_part_shows,
    contributors_respond_and_the_secretary_closes,
    the_secretary_of_another_board_is_refused,
    a_marked_meeting_hides_its_parts,
    what_is_marked_does_not_count,
    a_mention_does_not_prevent_withdrawal
);
