//! Gaps: each appears when its cause does and goes with it, and what is hidden from a caller changes no count.

use serde_json::{Value, json};
use stride::access::policy::Role;

use crate::support::TestApp;
use crate::support::maker::{Maker, kind};

/// The codes of the gaps that a query finds, with the references they were found on.
async fn found(app: &TestApp, query: &str) -> Vec<(String, String)> {
    let view = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/gaps?limit=200&{query}"))
        .await
        .status(200)
        .json();
    let items = view["items"].as_array().expect("items").clone();
    assert_eq!(view["total"], json!(items.len()), "{view}");
    let by_rule: u64 = view["by_rule"]
        .as_array()
        .expect("counts")
        .iter()
        .filter_map(|c| c["gaps"].as_u64())
        .sum();
    assert_eq!(view["total"], json!(by_rule));
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    items.iter().map(|g| (word(&g["rule"]), word(&g["record"]["reference"]))).collect()
}

on_both! {
    /// An item with everything but a lead has that gap; naming the lead ends it, and the world before still has it.
    async fn a_gap_goes_when_it_is_mended(app: TestApp) {
        let maker = Maker::new(&app);
        let item = maker.make(kind("work_plan_item")).await;
        let post = maker.make(kind("post")).await;
        let keeper = app.keeper(kind("work_plan_item"));
        let query = format!("record_id={}", item.id_text());
        let has = async |rule: &str| found(&app, &query).await.contains(&(rule.to_owned(), item.reference().to_owned()));
        let bare = keeper.patch(&item.path, &item.etag, &json!({ "lead_post_id": null })).await;
        assert!(has("item_without_lead").await);
        let seen = app.role(Role::Viewer).get(&format!("/api/v1/gaps?rule=item_without_lead&{query}")).await.status(200).json();
        assert_eq!(seen["items"][0]["reason"], json!("No post leads the item."));
        assert_eq!(seen["items"][0]["record"]["name"], item.record["title"]);
        let before = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        keeper.patch(&item.path, &bare.status(200).etag(), &json!({ "lead_post_id": post.id() })).await.status(200);
        assert!(!has("item_without_lead").await);
        let then = found(&app, &format!("{query}&as_of={before}")).await;
        assert!(then.iter().any(|(rule, _)| rule == "item_without_lead"), "{then:?}");
    }

    /// Pages follow each other without loss; each rule's gaps stand together; a filter that is not known is named.
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
            let page = viewer.get(&format!("/api/v1/gaps?limit=2{cursor}")).await.status(200).json();
            assert_eq!(page["total"], json!(all.len()));
            let items = page["items"].as_array().expect("items");
            walked.extend(items.iter().map(|g| (g["rule"].as_str().unwrap_or_default().to_owned(), g["record"]["reference"].as_str().unwrap_or_default().to_owned())));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(walked, all);
        let boards = found(&app, "register=boards&severity=high").await;
        assert!(!boards.is_empty() && boards.iter().all(|(rule, _)| rule.starts_with("board_") || rule.starts_with("terms_")), "{boards:?}");
        assert!(found(&app, "rule=board_without_terms,board_without_chair").await.len() >= 6);
        for (query, name) in [("rule=nonsense", "?rule"), ("severity=dire", "?severity"), ("register=moon", "?register"), ("cursor=x", "?cursor"), ("unit_id=1", "?unit_id")] {
            viewer.get(&format!("/api/v1/gaps?{query}")).await.problem_at("invalid_query", name);
        }
        let csv = viewer.ask("GET", "/api/v1/gaps").header("accept", "text/csv").send().await;
        assert!(csv.status(200).text().starts_with("rule,severity,register,record.kind"), "{}", csv.text());
        let rules = viewer.get("/api/v1/gap-rules").await.status(200).json();
        assert!(rules["items"].as_array().is_some_and(|r| r.len() > 50));
    }

    /// What is marked above the caller's clearance has no gaps for them, and theirs are the cleared one's less those.
    async fn hidden_records_have_no_gaps(app: TestApp) {
        let maker = Maker::new(&app);
        let board = maker.make(kind("board")).await;
        let before = found(&app, "").await;
        app.keeper(kind("board")).post("/api/v1/boards", &json!({ "name": "Hidden", "board_kind": "board", "status": "active", "marking": "official_sensitive" })).await.status(201);
        assert_eq!(found(&app, "").await, before);
        let cleared = app.keeper(kind("board")).get("/api/v1/gaps?limit=200").await.status(200).json();
        assert!(cleared["total"].as_u64() > Some(before.len() as u64), "{cleared}");
        assert!(found(&app, &format!("board_id={}", board.id_text())).await.iter().all(|(_, r)| r == board.reference()));
    }
}
