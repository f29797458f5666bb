//! One fact, one gap: what follows from a gap is folded under it, as are further details that one
//! record lacks, and a detail that several parts of a record lack.

use serde_json::{Value, json};
use stride::policy::Role;

use super::world::{ON, Step, World, but, control, item, recommendation, terms};
use crate::support::TestApp;
use crate::support::maker::kind;
use crate::support::{perhaps, some};
use Step::{Make, Patch};

/// Gaps: rule, and the reference that it is found on.
type Gaps = Vec<(&'static str, &'static str)>;

struct Case {
    name: &'static str,
    steps: Vec<Step>,
    /// The gaps that are listed.
    open: Gaps,
    /// Those folded under the first of them.
    folded: Gaps,
}

fn overdue(reference: &str, fields: Value) -> Value {
    let late = json!({ "deadline": { "precision": "day", "due_on": "2020-07-31" } });
    but(but(recommendation(reference), &late), &fields)
}

fn responded(reference: &'static str) -> Vec<Step> {
    let to = format!("@{reference}");
    vec![
        Make(
            "management_response",
            json!({ "recommendation_id": to, "response": "accepted", "text": "It will be done", "responded_on": "2020-09-01" }),
        ),
        Make(
            "recommendation_update",
            json!({ "recommendation_id": to, "update_kind": "progress", "stated_on": "2020-10-20", "narrative": "Under way" }),
        ),
    ]
}

fn items(lacking: usize) -> Vec<Step> {
    const REFERENCES: [&str; 4] = ["I6", "I7", "I8", "I9"];
    let mut steps = Vec::new();
    for reference in REFERENCES.into_iter().take(lacking) {
        let bare = json!({ "lead_post_id": null, "declared_rag": "grey" });
        steps.push(Make("work_plan_item", but(item(reference), &bare)));
        let to = format!("@{reference}");
        steps.push(Make(
            "allocation",
            json!({ "item_id": to, "board_id": "@B", "unit_id": "@TEAM" }),
        ));
    }
    steps
}

fn cases() -> Vec<Case> {
    let mut control_fails = vec![Make("recommendation", overdue("R9", json!({})))];
    control_fails.extend(responded("R9"));
    control_fails.push(Make(
        "control",
        but(control("K9", "@RK"), &json!({ "recommendation_id": "@R9" })),
    ));
    let mut lead_and_how = vec![Make(
        "work_plan_item",
        but(
            item("I9"),
            &json!({ "lead_post_id": null, "how": null, "declared_rag": "grey" }),
        ),
    )];
    lead_and_how.push(Make(
        "allocation",
        json!({ "item_id": "@I9", "board_id": "@B", "unit_id": "@TEAM" }),
    ));
    vec![
        Case {
            name: "what follows from an overdue recommendation",
            steps: control_fails,
            open: vec![("recommendation_overdue", "R9")],
            folded: vec![("control_failing", "K9")],
        },
        Case {
            name: "two details of one record",
            steps: lead_and_how,
            open: vec![("item_without_lead", "I9")],
            folded: vec![("item_without_how", "I9")],
        },
        Case {
            name: "one detail of two parts",
            steps: items(2),
            open: vec![("item_without_lead", "I6"), ("item_without_lead", "I7")],
            folded: vec![],
        },
        Case {
            name: "one detail of three parts",
            steps: items(3),
            open: vec![("item_without_lead", "P")],
            folded: vec![
                ("item_without_lead", "I6"),
                ("item_without_lead", "I7"),
                ("item_without_lead", "I8"),
            ],
        },
        Case {
            name: "terms of a board that are not agreed",
            steps: vec![
                Make(
                    "board",
                    json!({ "reference": "B9", "title": "A new board", "board_kind": "board", "status": "active", "owner_unit_id": "@TEAM" }),
                ),
                Make(
                    "terms_of_reference",
                    but(
                        terms("T9", "@B9"),
                        &json!({ "status": "draft", "approver_board_id": null, "approved_on": null, "sections": { "name": "A new board" } }),
                    ),
                ),
            ],
            open: vec![("terms_not_agreed", "B9")],
            folded: vec![
                ("terms_incomplete", "T9"),
                ("board_without_chair", "B9"),
                ("board_without_reporting_line", "B9"),
                ("board_without_remit", "B9"),
            ],
        },
        Case {
            name: "a board of another body",
            steps: vec![Make(
                "board",
                json!({ "reference": "B9", "title": "Their board", "board_kind": "board", "status": "active", "kept_by": "elsewhere" }),
            )],
            open: vec![],
            folded: vec![],
        },
        Case {
            name: "a strategy that is only mentioned",
            steps: vec![Make(
                "strategy",
                json!({ "reference": "S9", "title": "Another", "strategy_kind": "own_strategy", "status": "current", "kept_by": "mentioned" }),
            )],
            open: vec![],
            folded: vec![],
        },
        Case {
            name: "an ended plan",
            steps: vec![
                Make(
                    "plan",
                    json!({ "reference": "P9", "title": "The plan before", "strategy_version_id": "@V", "owner_unit_id": "@TEAM", "status": "active" }),
                ),
                Make(
                    "work_plan_item",
                    json!({ "reference": "I9", "plan_id": "@P9", "item_kind": "activity", "title": "Bare" }),
                ),
                Patch("P9", json!({ "status": "closed" })),
            ],
            open: vec![("plan_ended_with_open_items", "P9")],
            folded: vec![],
        },
    ]
}

fn names<'a>(gaps: impl Iterator<Item = &'a Value>) -> Vec<(String, String)> {
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let reference = |v: &Value| word(v).split('.').next().unwrap_or_default().to_owned();
    let mut names: Vec<(String, String)> = gaps
        .map(|g| (word(&g["rule"]), reference(&g["record"]["reference"])))
        .collect();
    names.sort();
    names
}

fn sorted(gaps: &Gaps) -> Vec<(String, String)> {
    let owned = gaps
        .iter()
        .map(|(rule, on)| ((*rule).to_owned(), (*on).to_owned()));
    let mut owned: Vec<_> = owned.collect();
    owned.sort();
    owned
}

/// Each fact is listed once, says what is folded under it, and the folded gaps are found by their
/// own codes and say what they follow from. Every number is the length of its list.
async fn a_fact_is_one_gap(app: TestApp) {
    let world = World::complete(&app).await;
    let viewer = app.role(Role::Viewer);
    let all = async |query: &str| {
        let path = format!("/api/v1/gaps?limit=200&on={ON}{query}");
        viewer.get(&path).await.status(200).json()
    };
    let mut faults = Vec::new();
    for case in some(cases()) {
        let (open, folded, too) = world
            .with(&case.steps, async || {
                (
                    all("").await,
                    all("&folded=only").await,
                    all("&folded=true").await,
                )
            })
            .await;
        let list = |view: &Value| view["items"].as_array().cloned().unwrap_or_default();
        if names(list(&open).iter()) != sorted(&case.open) {
            faults.push(format!(
                "{}: open {:?}",
                case.name,
                names(list(&open).iter())
            ));
        }
        if names(list(&folded).iter()) != sorted(&case.folded) {
            let found = names(list(&folded).iter());
            faults.push(format!("{}: folded {found:?}", case.name));
        }
        assert_eq!(open["total"], json!(case.open.len()), "{}", case.name);
        assert_eq!(open["folded"], json!(case.folded.len()), "{}", case.name);
        let both = case.open.len() + case.folded.len();
        assert_eq!(too["total"], json!(both), "{}", case.name);
        for gap in perhaps(&list(&folded)) {
            let from = &gap["follows_from"];
            let top = names([from].into_iter());
            assert!(
                from["rule"].is_string() && !top.is_empty(),
                "{}: {gap}",
                case.name
            );
        }
        let first = list(&open).first().cloned().unwrap_or_default();
        if !case.folded.is_empty() {
            let also = first["also"]["items"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            assert_eq!(names(also.iter()), sorted(&case.folded), "{}", case.name);
            assert_eq!(first["also"]["count"], json!(case.folded.len()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What follows from a gap that is waived is a gap of its own again.
async fn what_follows_from_a_waived_gap_is_open(app: TestApp) {
    let world = World::complete(&app).await;
    let mut steps = vec![Make("recommendation", overdue("R9", json!({})))];
    steps.extend(responded("R9"));
    steps.push(Make(
        "control",
        but(control("K9", "@RK"), &json!({ "recommendation_id": "@R9" })),
    ));
    let path = format!("/api/v1/gaps?limit=200&on={ON}");
    let open = world
        .with(&steps, async || {
            let waiver = json!({ "rule": "recommendation_overdue", "record_id": world.id("R9"), "reason": "Agreed", "granted_on": "2020-10-01", "expires_on": "2021-03-31" });
            let audit = app.keeper(kind("audit_review"));
            let waiver = audit.post("/api/v1/gap-waivers", &waiver).await;
            let made = waiver.status(201).json()["id"].as_str().unwrap_or_default().to_owned();
            let open = app.role(Role::Viewer).items(&path).await;
            let waived = format!("/api/v1/gap-waivers/{made}");
            audit.delete(&waived, &waiver.etag()).await;
            open
        })
        .await;
    let wanted = vec![("control_failing".to_owned(), "K9".to_owned())];
    assert_eq!(names(open.iter()), wanted);
}

/// The severity of a gap follows from the record as well as from the rule, and says why: a missing
/// date matters more the more wait for it.
async fn severity_follows_from_the_record(app: TestApp) {
    let world = World::complete(&app).await;
    let dependency = |reference: &str, item: &str| {
        Make(
            "dependency",
            json!({ "reference": reference, "item_id": item, "on_id": "@S9", "status": "open" }),
        )
    };
    let strategy = Make(
        "strategy",
        json!({ "reference": "S9", "title": "Theirs", "strategy_kind": "external_plan", "status": "planned", "owner_unit_id": "@AUDIT" }),
    );
    let path = format!("/api/v1/gaps?rule=strategy_planned_without_date&on={ON}");
    let look = async |steps: &[Step]| {
        let gaps = world
            .with(steps, async || app.role(Role::Viewer).items(&path).await)
            .await;
        gaps.first().cloned().unwrap_or_default()
    };
    let alone = look(std::slice::from_ref(&strategy)).await;
    let mut awaited = vec![strategy];
    for (dependency_reference, reference) in
        [("D6", "I6"), ("D7", "I7"), ("D8", "I8"), ("D9", "I9")]
    {
        awaited.push(Make(
            "work_plan_item",
            but(item(reference), &json!({ "declared_rag": "grey" })),
        ));
        awaited.push(dependency(dependency_reference, &format!("@{reference}")));
    }
    let awaited = look(&awaited).await;
    assert_eq!(
        (&alone["severity"], &awaited["severity"]),
        (&json!("medium"), &json!("high")),
        "{alone} {awaited}"
    );
    let reasons = awaited["reasons"].as_array().cloned().unwrap_or_default();
    let waits = some(&reasons).find(|r| r["reason"] == "awaited").cloned();
    assert_eq!(
        waits.unwrap_or_default(),
        json!({ "reason": "awaited", "words": "4 open records wait for it", "points": 16 })
    );
}

on_both!(
    a_fact_is_one_gap,
    what_follows_from_a_waived_gap_is_open,
    severity_follows_from_the_record
);
