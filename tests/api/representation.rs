//! Who is represented on a board: seats against targets, collective seats, invitations, rotation.

use serde_json::{Value, json};

use crate::support::Client;
use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind};

const DAY: &str = "2020-10-26";

async fn unit(maker: &Maker<'_>, name: &str, unit_kind: &str) -> Made {
    let draft = json!({ "reference": name, "title": name, "unit_kind": unit_kind });
    maker.create(kind("unit"), &draft).await
}

async fn associations(maker: &Maker<'_>) -> Vec<Made> {
    let mut all = Vec::new();
    for n in 1..=20 {
        all.push(unit(maker, &format!("SSA-{n:02}"), "staff_support_association").await);
    }
    all
}

async fn board(maker: &Maker<'_>) -> Made {
    maker
        .make_with(
            "board",
            json!({ "reference": "DELIVERY-GROUP", "owner_unit_id": null }),
        )
        .await
}

async fn agreed_terms(maker: &Maker<'_>, board: &Made, collective: bool) -> Made {
    let post = maker.make_named("post").await;
    let draft = json!({
        "board_id": board.id(), "version_label": "1.0", "status": "agreed", "approver_post_id": post.id(), "approved_on": "2020-06-29",
        "collective_seat": collective,
    });
    maker.create(kind("terms_of_reference"), &draft).await
}

async fn seat(maker: &Maker<'_>, board: &Made, fields: Value) -> Made {
    let mut draft = json!({ "board_id": board.id(), "capacity": "member" });
    draft
        .as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("fields").clone());
    maker.create(kind("membership"), &draft).await
}

async fn view(client: &Client, board: &Made, on: &str) -> Value {
    client
        .get(&format!("{}/representation?on={on}", board.path))
        .await
        .status(200)
        .json()
}

fn of<'a>(view: &'a Value, reference: &str) -> &'a Value {
    let all = view["constituencies"].as_array().expect("constituencies");
    all.iter()
        .find(|c| c["unit"]["reference"] == reference)
        .expect("the unit is there")
}

/// Twenty associations, one of them at the table: one of twenty, and nineteen missing.
async fn one_of_twenty(app: TestApp) {
    let maker = Maker::new(&app);
    let all = associations(&maker).await;
    let board = board(&maker).await;
    maker
        .create(
            kind("representation_target"),
            &json!({ "board_id": board.id(), "constituency_kind": "staff_support_association" }),
        )
        .await;
    seat(
        &maker,
        &board,
        json!({ "unit_id": all[6].id(), "basis": "nominated", "term_from_on": "2020-01-01" }),
    )
    .await;
    // An observer listens: that is no seat.
    seat(
        &maker,
        &board,
        json!({ "unit_id": all[7].id(), "capacity": "observer" }),
    )
    .await;
    let client = maker.client(kind("board"));
    let found = view(&client, &board, DAY).await;
    let target = &found["targets"][0];
    assert_eq!(
        (
            &target["constituencies"],
            &target["seated"],
            &target["seats_wanted"]
        ),
        (&json!(20), &json!(1), &json!(20)),
        "{found:#}"
    );
    assert_eq!(
        (&target["met"], &target["missing"]),
        (&json!(false), &json!(19))
    );
    assert_eq!(
        found["by_kind"],
        json!([
            { "unit_kind": "staff_support_association", "constituencies": 20, "seated": 1, "collectively_only": 0, "unrepresented": 19,
              "attending": 0, "seated_but_absent": 0 }
        ])
    );
    assert_eq!(
        (
            &of(&found, "SSA-07")["seated"],
            &of(&found, "SSA-07")["target_met"]
        ),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (
            &of(&found, "SSA-08")["seated"],
            &of(&found, "SSA-08")["target_met"]
        ),
        (&json!(false), &json!(false))
    );
    assert_eq!(of(&found, "SSA-08")["seats"][0]["counts"], false);
    // Before the term nobody sat.
    assert_eq!(
        view(&client, &board, "2019-12-31").await["targets"][0]["seated"],
        0
    );
    let csv = client
        .get(&format!(
            "{}/representation?on={DAY}&format=csv",
            board.path
        ))
        .await;
    let mut reader = csv::Reader::from_reader(csv.status(200).body.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
    let column = reader
        .headers()
        .expect("a header")
        .iter()
        .position(|h| h == "seated")
        .expect("seated");
    assert_eq!(
        (
            rows.len(),
            rows.iter().filter(|r| &r[column] == "true").count()
        ),
        (20, 1)
    );
    client
        .get(&format!("{}/representation?format=xlsx", board.path))
        .await
        .status(200);
}

/// Where a target names terms of reference, one seat stands for all only if those are agreed and say
/// so.
async fn a_collective_seat_needs_the_terms(app: TestApp) {
    let maker = Maker::new(&app);
    associations(&maker).await;
    let (board, other) = (board(&maker).await, maker.make_named("board").await);
    let (plain, elsewhere) = (
        agreed_terms(&maker, &board, false).await,
        agreed_terms(&maker, &other, true).await,
    );
    let client = maker.client(kind("representation_target"));
    let path = "/api/v1/representation-targets";
    let mut draft = json!({ "board_id": board.id(), "constituency_kind": "staff_support_association", "collective_seat": true });
    draft["terms_clause"] = "Membership, 3".into();
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/terms_of_reference_id");
    draft["terms_of_reference_id"] = elsewhere.id_text().into();
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/terms_of_reference_id");
    draft["terms_of_reference_id"] = plain.id_text().into();
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/collective_seat");
    let changed = maker
        .client(plain.kind)
        .patch(
            &plain.path,
            &plain.etag,
            &json!({ "collective_seat": true }),
        )
        .await;
    changed.status(200);
    client.post(path, &draft).await.status(201);
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/constituency_kind");
    let found = view(&client, &board, DAY).await;
    assert_eq!(
        (
            &found["targets"][0]["collective_seat_allowed"],
            &found["targets"][0]["met"]
        ),
        (&json!(true), &json!(false))
    );
    let post = maker.make_named("post").await;
    seat(
        &maker,
        &board,
        json!({ "post_id": post.id(), "constituency_kind": "staff_support_association", "basis": "elected" }),
    )
    .await;
    let found = view(&client, &board, DAY).await;
    assert_eq!(
        (&found["targets"][0]["met"], &found["targets"][0]["seated"]),
        (&json!(true), &json!(0)),
        "{found:#}"
    );
    assert_eq!(found["by_kind"][0]["collectively_only"], 20);
    assert_eq!(of(&found, "SSA-01")["covered_by_collective_seat"], true);
    assert_eq!(found["collective_seats"].as_array().map(Vec::len), Some(1));
    // Superseded terms allow nothing.
    maker
        .client(plain.kind)
        .patch(
            &plain.path,
            &changed.etag(),
            &json!({ "status": "superseded" }),
        )
        .await
        .status(200);
    assert_eq!(view(&client, &board, DAY).await["targets"][0]["met"], false);
}

/// Terms do not overlap for the same seat, whoever holds it; a deputy's seat is another.
async fn terms_of_a_seat_do_not_overlap(app: TestApp) {
    let maker = Maker::new(&app);
    let board = board(&maker).await;
    let all = associations(&maker).await;
    let first = seat(
        &maker,
        &board,
        json!({ "unit_id": all[0].id(), "seat": "Associations 1", "term_from_on": "2020-01-01", "term_until_on": "2020-12-31" }),
    )
    .await;
    let client = maker.client(first.kind);
    let mut next = json!({ "board_id": board.id(), "capacity": "member", "unit_id": all[1].id(), "seat": "associations 1", "term_from_on": "2020-12-31" });
    client
        .post("/api/v1/memberships", &next)
        .await
        .problem_at("rule_violation", "/seat");
    next["capacity"] = "deputy".into();
    client.post("/api/v1/memberships", &next).await.status(201);
    next["capacity"] = "member".into();
    next["term_from_on"] = "2021-01-01".into();
    client.post("/api/v1/memberships", &next).await.status(201);
    // Nor by a change of what is there.
    client
        .patch(&first.path, &first.etag, &json!({ "term_until_on": null }))
        .await
        .problem_at("rule_violation", "/seat");
    next["seat"] = Value::Null;
    next["constituency_unit_id"] = all[1].id_text().into();
    next["constituency_kind"] = "staff_support_association".into();
    client
        .post("/api/v1/memberships", &next)
        .await
        .problem_at("rule_violation", "/constituency_kind");
    let named = client
        .items(&format!(
            "/api/v1/memberships?board_id={}&seat=ASSOCIATIONS%201",
            board.id()
        ))
        .await;
    assert_eq!(named.len(), 3);
}

/// Who sits by invitation sits on an unclear basis until the invitation is recorded; an invitation
/// says why.
async fn an_invitation_makes_the_basis_clear(app: TestApp) {
    let maker = Maker::new(&app);
    let board = board(&maker).await;
    let group = unit(&maker, "IAG-1", "independent_advisory_group").await;
    seat(
        &maker,
        &board,
        json!({ "unit_id": group.id(), "capacity": "adviser", "basis": "invited" }),
    )
    .await;
    let client = maker.client(kind("invitation"));
    let found = view(&client, &board, DAY).await;
    assert_eq!(
        (
            &found["basis_unclear"],
            &of(&found, "IAG-1")["seats"][0]["basis_unclear"]
        ),
        (&json!(1), &json!(true)),
        "{found:#}"
    );
    let mut draft = json!({ "board_id": board.id(), "constituency_kind": "independent_advisory_group", "from_on": "2020-06-29" });
    client
        .post("/api/v1/invitations", &draft)
        .await
        .problem_at("rule_violation", "/basis");
    draft["terms_clause"] = "7".into();
    client
        .post("/api/v1/invitations", &draft)
        .await
        .problem_at("rule_violation", "/terms_of_reference_id");
    draft["terms_of_reference_id"] = agreed_terms(&maker, &board, false).await.id_text().into();
    draft["unit_id"] = group.id_text().into();
    client
        .post("/api/v1/invitations", &draft)
        .await
        .problem_at("rule_violation", "/unit_id");
    draft["unit_id"] = Value::Null;
    let made = client.post("/api/v1/invitations", &draft).await;
    let path = made.status(201).header("location").to_owned();
    client
        .patch(
            &path,
            &made.etag(),
            &json!({ "constituency_kind": "business_group" }),
        )
        .await
        .problem_at("rule_violation", "/constituency_kind");
    client
        .post("/api/v1/invitations", &draft)
        .await
        .problem_at("rule_violation", "/from_on");
    let found = view(&client, &board, DAY).await;
    assert_eq!(found["basis_unclear"], 0, "{found:#}");
    assert_eq!(
        of(&found, "IAG-1")["invitations"],
        json!([made.json()["reference"]])
    );
    assert_eq!(
        view(&client, &board, "2020-06-28").await["basis_unclear"],
        1
    );
}

/// A seat is due when the policy's term is over, and overdue with one term too many.
async fn seats_fall_due_for_rotation(app: TestApp) {
    let maker = Maker::new(&app);
    let board = board(&maker).await;
    let group = unit(&maker, "IAG-1", "independent_advisory_group").await;
    let policy = json!({ "board_id": board.id(), "constituency_kind": "independent_advisory_group", "term_months": 12, "maximum_terms": 1 });
    let client = maker.client(kind("rotation_policy"));
    client
        .post("/api/v1/rotation-policies", &policy)
        .await
        .status(201);
    client
        .post("/api/v1/rotation-policies", &policy)
        .await
        .problem_at("rule_violation", "/constituency_kind");
    seat(
        &maker,
        &board,
        json!({ "unit_id": group.id(), "capacity": "adviser", "term_from_on": "2020-06-29" }),
    )
    .await;
    let rotation =
        async |on| of(&view(&client, &board, on).await, "IAG-1")["seats"][0]["rotation"].clone();
    let wanted = |state: &str| json!({ "state": state, "due_on": "2021-06-29", "terms_in_row": 1, "last_term": true });
    assert_eq!(rotation(DAY).await, wanted("not_due"));
    assert_eq!(rotation("2021-06-28").await, wanted("due_soon"));
    assert_eq!(rotation("2021-06-29").await, wanted("overdue"));
    assert_eq!(
        view(&client, &board, "2021-06-29").await["rotations_overdue"],
        1
    );
    let path = format!("/api/v1/rotation-policies?board_id={}", board.id());
    assert_eq!(
        client.items(&format!("{path}&overdue=true")).await.len(),
        1,
        "today it is"
    );
    assert!(
        client
            .items(&format!("{path}&overdue=false"))
            .await
            .is_empty()
    );
}

/// A seat is not attendance: who sits and never comes shows, who comes without a seat shows, and
/// where nobody wrote down who was there nobody is called absent.
async fn a_seat_is_not_attendance(app: TestApp) {
    let maker = Maker::new(&app);
    let board = board(&maker).await;
    let names = ["SSA-A", "SSA-B", "SSA-C"];
    let mut units = Vec::new();
    for name in names {
        units.push(unit(&maker, name, "staff_support_association").await);
    }
    let sits = seat(
        &maker,
        &board,
        json!({ "unit_id": units[0].id(), "term_from_on": "2020-02-01" }),
    )
    .await;
    seat(
        &maker,
        &board,
        json!({ "unit_id": units[1].id(), "term_from_on": "2020-02-01" }),
    )
    .await;
    let held = async |day: &str| {
        let draft =
            json!({ "board_id": board.id(), "title": day, "status": "held", "held_on": day });
        maker.create(kind("meeting"), &draft).await
    };
    let meetings = [
        held("2020-01-15").await,
        held("2020-03-15").await,
        held("2020-05-15").await,
    ];
    let client = maker.client(board.kind);
    let found = view(&client, &board, DAY).await;
    assert_eq!(found["meetings"], json!({ "held": 3, "recorded": 0 }));
    assert_eq!(
        of(&found, "SSA-A")["seated_but_absent"],
        false,
        "nobody wrote down who was there"
    );
    let came = async |meeting: &Made, who: Value| {
        let mut draft = json!({ "meeting_id": meeting.id(), "capacity": "member" });
        draft
            .as_object_mut()
            .expect("an object")
            .extend(who.as_object().expect("who").clone());
        maker.create(kind("attendance"), &draft).await
    };
    came(
        &meetings[1],
        json!({ "membership_id": sits.id(), "status": "present" }),
    )
    .await;
    came(
        &meetings[1],
        json!({ "unit_id": units[1].id(), "status": "apologies" }),
    )
    .await;
    came(
        &meetings[0],
        json!({ "unit_id": units[2].id(), "capacity": "observer", "status": "present" }),
    )
    .await;
    let found = view(&client, &board, DAY).await;
    assert_eq!(found["meetings"], json!({ "held": 3, "recorded": 2 }));
    let turnout = |name: &str| of(&found, name)["turnout"].clone();
    let wanted = |attended: u32, last: Value| json!({ "held": 3, "recorded": 2, "attended": attended, "last_attended_on": last });
    assert_eq!(turnout("SSA-A"), wanted(1, json!("2020-03-15")));
    assert_eq!(turnout("SSA-B"), wanted(0, Value::Null));
    assert_eq!(turnout("SSA-C"), wanted(1, json!("2020-01-15")));
    let absent = names.map(|n| of(&found, n)["seated_but_absent"].clone());
    assert_eq!(absent, [json!(false), json!(true), json!(false)]);
    assert_eq!(
        of(&found, "SSA-A")["seats"][0]["turnout"],
        json!({ "held": 2, "recorded": 1, "attended": 1, "last_attended_on": "2020-03-15" }),
        "in its term"
    );
    let counts = &found["by_kind"][0];
    assert_eq!(
        (
            &counts["seated"],
            &counts["attending"],
            &counts["seated_but_absent"]
        ),
        (&json!(2), &json!(2), &json!(1))
    );
    // Before the meetings there was nothing to come to.
    assert_eq!(
        view(&client, &board, "2020-01-14").await["meetings"],
        json!({ "held": 0, "recorded": 0 })
    );
}

/// What is hidden from a caller is neither named nor counted.
async fn what_is_hidden_is_not_counted(app: TestApp) {
    let maker = Maker::new(&app);
    let board = board(&maker).await;
    let group = unit(&maker, "IAG-1", "independent_advisory_group").await;
    seat(
        &maker,
        &board,
        json!({ "unit_id": group.id(), "capacity": "adviser", "marking": "official_sensitive" }),
    )
    .await;
    let seen = view(&maker.client(board.kind), &board, DAY).await;
    assert_eq!(seen["by_kind"][0]["seated"], 1);
    let unseen = view(&app.uncleared_keeper(board.kind), &board, DAY).await;
    assert_eq!(
        (
            &unseen["by_kind"][0]["seated"],
            &of(&unseen, "IAG-1")["seats"]
        ),
        (&json!(0), &json!([]))
    );
}

on_both!(
    one_of_twenty,
    a_collective_seat_needs_the_terms,
    terms_of_a_seat_do_not_overlap,
    an_invitation_makes_the_basis_clear,
    seats_fall_due_for_rotation,
    a_seat_is_not_attendance,
    what_is_hidden_is_not_counted
);
