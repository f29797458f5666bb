//! The organogram: boards on a day, the lines between them, the tree, the drawings.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind};

const PATH: &str = "/api/v1/organogram";
const HOSTILE: &str = "Board \"of\" </text> ]]> boards; \\n -->";

async fn board(maker: &Maker<'_>, name: &str, more: Value) -> Made {
    let mut fields = json!({ "title": name, "status": "active", "aliases": [] });
    fields
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("fields").clone());
    maker.make_with("board", fields).await
}

async fn line(maker: &Maker<'_>, from: &Made, to: &Made, relationship_kind: &str, more: Value) {
    let mut draft = json!({ "from_board_id": from.id(), "to_id": to.id(), "relationship_kind": relationship_kind });
    draft
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("fields").clone());
    maker.create(kind("board_relationship"), &draft).await;
}

fn node<'a>(view: &'a Value, of: &Made) -> &'a Value {
    let nodes = view["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .find(|n| n["id"] == of.record["id"])
        .unwrap_or(&Value::Null)
}

fn tree(view: &Value) -> Vec<(&str, u64, &Value)> {
    let places = view["tree"].as_array().expect("a tree").iter();
    places
        .map(|p| {
            (
                p["id"].as_str().expect("an id"),
                p["depth"].as_u64().expect("a depth"),
                &p["repeats"],
            )
        })
        .collect()
}

/// Chair by post, terms, seats and gaps stand on each board; what is tied stands beside it; what
/// reports to two stands in full once.
async fn boards_are_shown_with_their_seats_terms_and_gaps(app: TestApp) {
    let maker = Maker::new(&app);
    let (top, other) = (
        board(&maker, "Top", json!({})).await,
        board(&maker, "Other", json!({})).await,
    );
    let (middle, low) = (
        board(&maker, HOSTILE, json!({})).await,
        board(&maker, "Low", json!({})).await,
    );
    let gone = board(
        &maker,
        "Gone",
        json!({ "status": "dissolved", "established_on": "2018-01-01", "dissolved_on": "2020-01-31" }),
    )
    .await;
    let body = maker
        .make_with("unit", json!({ "unit_kind": "outside_body" }))
        .await;
    line(&maker, &middle, &top, "reports_to", json!({})).await;
    line(
        &maker,
        &middle,
        &other,
        "reports_to",
        json!({ "needs_agreement": true, "agreed_by_from_on": "2020-06-01" }),
    )
    .await;
    line(&maker, &low, &middle, "reports_to", json!({})).await;
    line(&maker, &top, &body, "assures", json!({})).await;
    let post = maker.make_named("post").await;
    let seat = json!({ "board_id": top.id(), "post_id": post.id(), "unit_id": null, "capacity": "chair", "term_from_on": "2020-01-01", "term_until_on": "2020-12-31" });
    maker.make_with("membership", seat).await;
    let client = app.role(Role::Viewer);
    let view = client
        .get(&format!("{PATH}?on=2020-06-30"))
        .await
        .status(200)
        .json();
    assert_eq!(node(&view, &top)["chairs"][0]["id"], post.record["id"]);
    assert_eq!(node(&view, &gone), &Value::Null, "dissolved by then");
    let gaps = |of: &Made| node(&view, of)["gaps"].to_string();
    assert!(
        gaps(&top).contains("board_without_terms") && !gaps(&top).contains("board_without_chair"),
        "{}",
        gaps(&top)
    );
    assert!(
        gaps(&middle).contains("relationship_agreed_by_one_side")
            && gaps(&middle).contains("board_without_chair"),
        "{}",
        gaps(&middle)
    );
    let places = tree(&view);
    let of_middle: Vec<(u64, &Value)> = places
        .iter()
        .filter(|p| p.0 == middle.id_text())
        .map(|p| (p.1, p.2))
        .collect();
    assert_eq!(
        of_middle,
        [(1, &Value::Null), (1, &json!("several_parents"))]
    );
    assert_eq!(places.iter().filter(|p| p.0 == low.id_text()).count(), 1);
    let earlier = client
        .get(&format!("{PATH}?on=2019-06-30"))
        .await
        .status(200)
        .json();
    assert_eq!(node(&earlier, &gone)["title"], "Gone");
    assert_eq!(
        node(&earlier, &top)["chairs"],
        json!([]),
        "nobody chaired it yet"
    );

    let below = client
        .get(&format!("{PATH}?board_id={}", middle.id()))
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            &node(&below, &low)["tied_only"],
            &node(&below, &top)["tied_only"]
        ),
        (&json!(false), &json!(true))
    );
    assert_eq!(node(&below, &body), &Value::Null);
    let assuring = client
        .get(&format!("{PATH}?relationship_kind=assures"))
        .await
        .status(200)
        .json();
    assert_eq!(assuring["relationships"].as_array().map(Vec::len), Some(1));
    client
        .get(&format!("{PATH}?relationship_kind=loves"))
        .await
        .problem_at("invalid_query", "?relationship_kind");
}

/// Each form is served as what it is, and hostile names stay words in all of them.
async fn the_organogram_is_drawn(app: TestApp) {
    let maker = Maker::new(&app);
    let (top, low) = (
        board(&maker, HOSTILE, json!({})).await,
        board(&maker, "<script>alert(1)</script>", json!({})).await,
    );
    line(&maker, &low, &top, "reports_to", json!({})).await;
    let client = app.role(Role::Viewer);
    for (format, media_type) in [
        ("svg", "image/svg+xml"),
        ("mermaid", "text/vnd.mermaid"),
        ("dot", "text/vnd.graphviz"),
        ("csv", "text/csv"),
    ] {
        let reply = client.get(&format!("{PATH}?format={format}")).await;
        assert!(
            reply
                .status(200)
                .header("content-type")
                .starts_with(media_type),
            "{format}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(
            reply
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        let text = reply.text();
        assert!(
            text.contains("alert")
                && (format == "csv" || format == "dot" || !text.contains("<script")),
            "{format}\n{text}"
        );
    }
    let picture = client.get(&format!("{PATH}?format=svg")).await.text();
    for wanted in [
        "role=\"img\"",
        "<title id=\"title\">",
        "<desc id=\"desc\">",
        "viewBox=\"0 0 ",
        "Gap: without",
        "reports to",
    ] {
        assert!(picture.contains(wanted), "{wanted}");
    }
}

/// A marked board stands in nobody's organogram who is not cleared for it, nor do the lines to it.
async fn a_marked_board_is_not_drawn(app: TestApp) {
    let maker = Maker::new(&app);
    let open = board(&maker, "Open", json!({})).await;
    let before = app.role(Role::Viewer).get(PATH).await.status(200).json();
    let hidden = board(&maker, "Hidden", json!({ "marking": "official_sensitive" })).await;
    line(&maker, &hidden, &open, "reports_to", json!({})).await;
    let mut after = app.role(Role::Viewer).get(PATH).await.status(200).json();
    after["journal_seq"] = before["journal_seq"].clone();
    assert_eq!(before, after);
    let cleared = maker
        .client(kind("board"))
        .get(PATH)
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            node(&cleared, &hidden)["title"].as_str(),
            cleared["relationships"].as_array().map(Vec::len)
        ),
        (Some("Hidden"), Some(1))
    );
}

on_both!(
    boards_are_shown_with_their_seats_terms_and_gaps,
    the_organogram_is_drawn,
    a_marked_board_is_not_drawn
);
