//! Panel papers: what they say, that issuing freezes it, who may do what, and what their forms
//! hold.

pub mod forms;
mod gaps;
mod issuing;

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{Client, TestApp, some};

/// What a paper is written about.
pub struct Scene {
    pub board: Made,
    pub meeting: Made,
    pub review: Made,
    /// One overdue, one claimed by nobody and not due for long.
    pub late: Made,
    pub early: Made,
    pub template: Value,
    pub author: Made,
}

impl Scene {
    pub async fn of(app: &TestApp) -> Self {
        let maker = Maker::new(app);
        let board = maker.make_named("board").await;
        let meeting = json!({ "board_id": board.id(), "status": "held", "held_on": "2020-10-26", "title": "The panel" });
        let meeting = maker.make_with("meeting", meeting).await;
        let review = maker.make_named("audit_review").await;
        let recommendation = async |number: u32, title: &str, due: &str| {
            let deadline =
                json!({ "precision": "day", "due_on": due, "source_text": "when it was due" });
            let fields = json!({ "review_id": review.id(), "number": number, "title": title, "deadline": deadline });
            maker.make_with("recommendation", fields).await
        };
        let late = recommendation(1, "Late one", "2020-07-31").await;
        let early = recommendation(2, "Early one", "2999-07-31").await;
        let templates = app
            .keeper(kind("paper"))
            .post(
                "/api/v1/paper-templates/from-template?template=progress_by_recommendation",
                &json!({}),
            )
            .await;
        Self {
            template: templates.status(200).json()["items"][0].clone(),
            author: maker.make_named("post").await,
            board,
            meeting,
            review,
            late,
            early,
        }
    }

    /// A draft about the review, with these fields beside.
    pub fn draft(&self, fields: Value) -> Value {
        let mut draft = json!({
            "title": "Progress", "meeting_id": self.meeting.id(), "author_post_id": self.author.id(), "template_id": self.template["id"],
            "scope": { "review_ids": [self.review.id()] },
        });
        draft
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        draft
    }

    pub async fn paper(&self, client: &Client, fields: Value) -> Value {
        client
            .post("/api/v1/papers", &self.draft(fields))
            .await
            .status(201)
            .json()
    }
}

pub fn path(paper: &Value) -> String {
    format!("/api/v1/papers/{}", paper["id"].as_str().expect("an id"))
}

pub async fn issue(client: &Client, paper: &Value) -> Value {
    let etag = client.get(&path(paper)).await.status(200).etag();
    let reply = client
        .ask("POST", &format!("{}/issue", path(paper)))
        .header("if-match", &etag)
        .send()
        .await;
    reply.status(201).json()
}

/// A draft says what is recorded: per recommendation, overdue lines, references, the order and
/// numbers of its template.
async fn a_draft_is_computed(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let words = format!(
        "See [[recommendation:{}]], [[board:NO-SUCH]], [[nonsense]] and [[",
        scene.late.reference()
    );
    let paper = scene
        .paper(
            &keeper,
            json!({ "purpose": words, "narrative": [{ "section": "supporting", "text": "One by one." }] }),
        )
        .await;
    assert_eq!(paper["status"], "draft");
    let content = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    let numbers: Vec<&str> = content["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .filter_map(|s| s["number"].as_str())
        .collect();
    assert_eq!(
        numbers,
        ["1", "1.1", "2", "3", "4", "5", "6"],
        "what has nothing to print is not counted"
    );
    let empty: Vec<&str> = content["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .filter(|s| s["is_empty"] == true)
        .filter_map(|s| s["key"].as_str())
        .collect();
    assert_eq!(
        empty,
        [
            "key_considerations",
            "interdependencies",
            "recommendations",
            "prior_actions",
            "current_work",
            "risks",
            "gaps",
            "appendices"
        ]
    );
    let rows = content["recommendations"].as_array().expect("rows");
    let row = |n: usize, field: &str| rows[n][field].clone();
    assert_eq!(
        (row(0, "timeliness"), row(1, "timeliness")),
        (json!("overdue"), json!("not_due"))
    );
    assert_eq!(content["overdue"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        content["overdue"][0]["record"]["reference"],
        scene.late.reference()
    );
    assert_eq!(
        content["references"][0]["record"]["reference"],
        scene.late.reference()
    );
    let reasons: Vec<&str> = content["unresolved"]
        .as_array()
        .expect("them")
        .iter()
        .filter_map(|u| u["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["no_such_record", "not_a_reference", "not_closed"]);
    let figures = content["sections"][4]["figures"]
        .as_array()
        .expect("figures");
    for figure in some(figures) {
        let found = keeper
            .items(figure["query"].as_str().expect("a query"))
            .await;
        assert_eq!(json!(found.len()), figure["value"], "{figure}");
    }
    // Struck, it shows with the reason.
    let etag = keeper.get(&path(&paper)).await.etag();
    let struck = json!({ "struck": [{ "record_id": scene.late.id(), "reason": "The panel heard of it in May" }] });
    keeper
        .patch(&path(&paper), &etag, &struck)
        .await
        .status(200);
    let content = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    assert_eq!(
        content["overdue"][0]["struck"],
        "The panel heard of it in May"
    );
    let markdown = keeper
        .get(&format!("{}/content?format=markdown", path(&paper)))
        .await
        .status(200)
        .text();
    assert!(
        markdown.contains("left out by the author: The panel heard of it in May"),
        "{markdown}"
    );
    assert!(
        markdown.contains("\\[\\[board:NO-SUCH\\]\\]")
            && markdown.contains("Unresolved references"),
        "{markdown}"
    );
}

/// A paper reports on its own day: what was recorded later is not in it.
async fn a_paper_reports_on_its_day(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::BoardSecretary);
    let paper = scene
        .paper(&keeper, json!({ "as_of_on": "2020-10-26" }))
        .await;
    let content = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&content["on"], &content["recommendations"]),
        (&json!("2020-10-26"), &json!([])),
        "nothing was recorded by then"
    );
    assert_eq!(content["journal_seq"], 0);
    let refused = keeper
        .post(
            "/api/v1/papers",
            &scene.draft(json!({ "as_of_on": "2999-01-01" })),
        )
        .await;
    refused.problem_at("rule_violation", "/as_of_on");
}

/// What may stand in a paper, and beside what.
async fn papers_keep_their_rules(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    for (fields, pointer) in [
        (
            json!({ "narrative": [{ "section": "no_such", "text": "x" }] }),
            "/narrative/0/section",
        ),
        (
            json!({ "narrative": [{ "section": "supporting", "text": "x" }, { "section": "supporting", "text": "y" }] }),
            "/narrative/1/section",
        ),
        (
            json!({ "financial": { "state": "assessed_some" } }),
            "/financial/text",
        ),
        (
            json!({ "appendices": [{ "title": "Nothing" }] }),
            "/appendices/0/document_version_id",
        ),
        (
            json!({ "scope": { "review_ids": [scene.review.id(), scene.review.id()] } }),
            "/scope/review_ids/1",
        ),
        (
            json!({ "scope": { "review_ids": [scene.board.id()] } }),
            "/scope/review_ids/0",
        ),
        (
            json!({ "struck": [{ "record_id": scene.board.id(), "reason": "x" }] }),
            "/struck/0/record_id",
        ),
        (
            json!({ "recommendations": [{ "verb": "note", "text": "x", "decision": "noted", "decided_on": "2020-10-26" }] }),
            "/recommendations/0/decision",
        ),
    ] {
        keeper
            .post("/api/v1/papers", &scene.draft(fields))
            .await
            .problem_at("rule_violation", pointer);
    }
    let draft = scene.paper(&keeper, json!({})).await;
    let replaces = scene.draft(json!({ "supersedes_id": draft["id"] }));
    keeper
        .post("/api/v1/papers", &replaces)
        .await
        .problem_at("rule_violation", "/supersedes_id");
    let without = json!({ "title": "Silent", "sections": [{ "key": "purpose", "heading": "Purpose", "source": "purpose" }, { "key": "deep", "heading": "Deep", "level": 3, "source": "narrative" }] });
    let refused = keeper.post("/api/v1/paper-templates", &without).await;
    refused.problem_at("rule_violation", "/sections");
    refused.problem_at("rule_violation", "/sections/1/level");
    let again = keeper
        .post("/api/v1/paper-templates/from-template", &json!({}))
        .await
        .status(200)
        .json();
    assert_eq!(
        again["items"].as_array().map(Vec::len),
        Some(1),
        "the other is there already"
    );
}

/// A later paper beside the one before: added, changed, gone.
async fn papers_are_compared(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let first = scene
        .paper(
            &keeper,
            json!({ "purpose": "First", "key_considerations": ["one", "two"] }),
        )
        .await;
    keeper
        .get(&format!("{}/compared", path(&first)))
        .await
        .problem("conflict");
    issue(&keeper, &first).await;
    let maker = Maker::new(&app);
    let fields = json!({ "review_id": scene.review.id(), "number": 3, "title": "New one" });
    let new = maker.make_with("recommendation", fields).await;
    let update = json!({ "recommendation_id": scene.late.id(), "update_kind": "claim_complete", "stated_on": "2020-10-20", "narrative": "Done" });
    maker
        .claimant()
        .await
        .post("/api/v1/recommendation-updates", &update)
        .await
        .status(201);
    let second = scene
        .paper(
            &keeper,
            json!({ "purpose": "Second", "key_considerations": ["two", "three"] }),
        )
        .await;
    let compared = keeper
        .get(&format!("{}/compared", path(&second)))
        .await
        .status(200)
        .json();
    assert_eq!(compared["before"]["id"], first["id"]);
    let section = |name: &str| {
        let all = compared["sections"].as_array().expect("sections");
        all.iter()
            .find(|s| s["section"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        section("text purpose")["changed"][0]["fields"][0]["before"],
        "First"
    );
    let changed = &section("recommendations")["changed"][0]["fields"];
    let said: Vec<(&str, &str)> = some(changed.as_array().expect("fields"))
        .filter_map(|f| Some((f["label"].as_str()?, f["after"].as_str()?)))
        .collect();
    assert!(
        said.contains(&("implementation", "Claimed implemented"))
            && said.contains(&(
                "events",
                "kind: Claimed complete, on: 20 October 2020, Done"
            )),
        "{said:?}"
    );
    assert_eq!(section("key_considerations")["added"][0]["row"], "three");
    assert_eq!(section("key_considerations")["gone"][0]["row"], "one");
    assert_eq!(
        section("recommendations")["added"][0]["row"],
        new.reference()
    );
    assert_eq!(
        section("recommendations")["changed"][0]["row"],
        scene.late.reference()
    );
    assert_eq!(section("overdue")["gone"][0]["row"], scene.late.reference());
    assert_eq!(section("risks"), Value::Null, "nothing differs there");
    let itself = keeper
        .get(&format!(
            "{}/compared?with={}",
            path(&first),
            first["id"].as_str().expect("an id")
        ))
        .await
        .status(200)
        .json();
    assert_eq!(itself["sections"], json!([]));
    keeper
        .get(&format!(
            "{}/compared?with={}",
            path(&first),
            scene.board.id()
        ))
        .await
        .problem_at("invalid_query", "?with");
}

/// What audit and management decided is in a paper in its order: a claim, its rejection, a deadline
/// that was extended, and the claim after it, each with by whom and why.
async fn decisions_are_in_their_order(app: TestApp) {
    let scene = Scene::of(&app).await;
    let maker = Maker::new(&app);
    let on = &scene.late;
    let claimant = maker.claimant().await;
    let claim = async |day: &str, words: &str| {
        let update = json!({ "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": day, "narrative": words });
        let made = claimant
            .post("/api/v1/recommendation-updates", &update)
            .await;
        made.status(201).json()
    };
    let auditor = maker
        .make_with("post", json!({ "title": "Head of Audit" }))
        .await;
    let board = maker
        .make_with("board", json!({ "title": "Programme Board" }))
        .await;
    let first = claim("2020-08-03", "Done in July").await;
    let rejected = json!({
        "recommendation_id": on.id(), "claim_id": first["id"], "result": "rejected", "decided_on": "2020-08-20",
        "reason": "No chair is named", "by_post_id": auditor.id(),
    });
    maker.create(kind("verification"), &rejected).await;
    let due = json!({ "precision": "month", "due_on": "2020-11-30", "source_text": "Nov 2020" });
    let extended = json!({
        "recommendation_id": on.id(), "to": due, "approver_board_id": board.id(), "reason": "The chair changes",
        "approved_on": "2020-09-10",
    });
    maker
        .create(kind("recommendation_extension"), &extended)
        .await;
    claim("2020-10-20", "A chair is named").await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({})).await;
    let content = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    let events = content["recommendations"][0]["events"]
        .as_array()
        .expect("events");
    let kinds: Vec<&str> = events.iter().filter_map(|e| e["kind"].as_str()).collect();
    assert_eq!(
        kinds,
        ["claim_complete", "rejected", "extended", "claim_complete"]
    );
    for event in some(events) {
        let found = keeper
            .items(event["query"].as_str().expect("a query"))
            .await;
        assert_eq!(found.len(), 1, "{event}");
    }
    let markdown = keeper
        .get(&format!("{}/content?format=markdown", path(&paper)))
        .await
        .status(200)
        .text();
    let mut rest = plain(&markdown);
    for words in [
        "3 August 2020, claimed complete: Done in July",
        "20 August 2020, claim of 3 August 2020 rejected by audit (Head of Audit",
        "No chair is named",
        "10 September 2020, deadline extended from 31 July 2020 to 30 November 2020 (Programme Board",
        "The chair changes",
        "20 October 2020, claimed complete: A chair is named",
    ] {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("{words}, in its place: {rest}")
        };
        rest = after.to_owned();
    }
}

/// Markdown without its marks for strong text and links.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut in_number = false;
    for c in markdown.replace("][", "\u{1}").chars() {
        match c {
            '\u{1}' => in_number = true,
            ']' => in_number = false,
            '*' | '[' => {}
            c if !in_number => text.push(c),
            _ => {}
        }
    }
    text
}

/// A recommendation waits only for what it depends on. What it duplicates, repeats, refers to or
/// mentions has its own words, and no date by which it is expected.
async fn what_is_only_mentioned_is_not_waited_for(app: TestApp) {
    let scene = Scene::of(&app).await;
    let auditor = app.keeper(kind("recommendation"));
    let made = async |path: &str, fields: Value| {
        let reply = auditor.post(path, &fields).await;
        reply.status(201).json()["id"].clone()
    };
    for (relation, title) in [
        ("duplicates", "The twin"),
        ("repeats", "The forerunner"),
        ("refers_to", "The neighbour"),
        ("depends_on", "The ground"),
        ("addressed_by", "The remedy"),
    ] {
        let deadline = json!({ "precision": "day", "due_on": "2999-07-31" });
        let fields = json!({ "review_id": scene.review.id(), "title": title, "finding": "Found", "deadline": deadline });
        let to = made("/api/v1/recommendations", fields).await;
        let link =
            json!({ "recommendation_id": scene.late.id(), "relation": relation, "to_id": to });
        made("/api/v1/recommendation-links", link).await;
    }
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({})).await;
    let markdown = keeper
        .get(&format!("{}/content?format=markdown", path(&paper)))
        .await
        .status(200)
        .text();
    let text = plain(&markdown);
    let line = |label: &str| {
        text.lines()
            .find(|l| l.starts_with(label))
            .unwrap_or_else(|| panic!("{label}: {text}"))
            .to_owned()
    };
    for (label, title, is_expected) in [
        ("Waits for:", "The ground", true),
        ("Addressed by:", "The remedy", true),
        ("Said to duplicate:", "The twin", false),
        ("Repeats:", "The forerunner", false),
        ("Refers to:", "The neighbour", false),
    ] {
        let line = line(label);
        assert!(line.contains(title) && !line.contains(';'), "{line}");
        assert_eq!(
            line.contains("expected by 31 July 2999"),
            is_expected,
            "{line}"
        );
    }
}

/// What is overdue says among what it was looked for, which includes the reviews of the strategies
/// in scope.
async fn what_is_overdue_says_among_what(app: TestApp) {
    let scene = Scene::of(&app).await;
    let maker = Maker::new(&app);
    let strategy = maker
        .make_with("strategy", json!({ "title": "The strategy" }))
        .await;
    let target = json!({ "precision": "day", "due_on": "2020-10-01" });
    let fields = json!({ "strategy_id": strategy.id(), "status": "in_progress", "target": target });
    let review = maker.make_with("strategy_review", fields).await;
    let keeper = app.role(Role::StrategyManager);
    let scope = json!({ "strategy_ids": [strategy.id()] });
    let paper = scene.paper(&keeper, json!({ "scope": scope })).await;
    let content = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    assert_eq!(
        content["overdue"][0]["record"]["reference"],
        review.reference()
    );
    let covers = content["overdue_covers"]
        .as_array()
        .expect("what it covers");
    let board = scene.board.record["title"].as_str().expect("a title");
    assert_eq!(
        covers.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        [
            format!(
                "the reviews of {}",
                strategy.record["title"].as_str().expect("a title")
            ),
            format!("the actions given by {board}")
        ]
    );
}

/// A record with a new title is one change, whatever names it; texts name records by title.
async fn a_new_title_is_one_change(app: TestApp) {
    let scene = Scene::of(&app).await;
    let maker = Maker::new(&app);
    let strategy = maker.make_named("strategy").await;
    for _ in 0..3 {
        let fields = json!({ "from_strategy_id": strategy.id() });
        maker.make_with("cross_reference", fields).await;
    }
    let keeper = app.role(Role::StrategyManager);
    let fields = |words: &str| {
        json!({
            "scope": { "strategy_ids": [strategy.id()], "review_ids": [scene.review.id()] },
            "purpose": format!("About [[strategy:{}]]", strategy.reference()),
            "key_considerations": [format!("{words} [[strategy:{}]]", strategy.reference())],
        })
    };
    let first = scene.paper(&keeper, fields("Consider")).await;
    issue(&keeper, &first).await;
    let client = app.keeper(kind("strategy"));
    let patch = json!({ "title": "Renamed strategy" });
    client
        .patch(&strategy.path, &strategy.etag, &patch)
        .await
        .status(200);
    let second = scene.paper(&keeper, fields("Weigh")).await;
    let at = format!("{}/compared", path(&second));
    let compared = keeper.get(&at).await.status(200).json();
    assert_eq!(compared["renamed"].as_array().map(Vec::len), Some(1));
    assert_eq!(compared["renamed"][0]["reference"], strategy.reference());
    assert_eq!(compared["renamed"][0]["before"], strategy.record["title"]);
    assert_eq!(compared["renamed"][0]["after"], "Renamed strategy");
    let sections: Vec<&str> = compared["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .filter_map(|s| s["section"].as_str())
        .collect();
    assert_eq!(sections, ["key_considerations"], "{compared:#}");
    assert_eq!(
        compared["sections"][0]["added"][0]["row"],
        format!("Weigh Renamed strategy ({})", strategy.reference())
    );
    let markdown = keeper
        .get(&format!("{at}?format=markdown"))
        .await
        .status(200)
        .text();
    for words in [
        "## Renamed",
        "## Key considerations for the panel",
        "New: Weigh Renamed strategy",
    ] {
        assert!(markdown.contains(words), "{words}: {markdown}");
    }
    assert!(!markdown.contains("[["), "{markdown}");
}

on_both!(
    decisions_are_in_their_order,
    what_is_only_mentioned_is_not_waited_for,
    what_is_overdue_says_among_what,
    a_new_title_is_one_change,
    a_draft_is_computed,
    a_paper_reports_on_its_day,
    papers_keep_their_rules,
    papers_are_compared
);
