//! For each rule, the one thing to break in a complete world.

use serde_json::{Value, json};

use super::world::{
    Step, but, control, item, measure, meeting, paper, recommendation, risk, terms,
};
use Step::{Make, Patch, Withdraw};

/// What brings one gap about.
pub struct Break {
    pub rule: &'static str,
    /// The reference that it is found on.
    pub on: &'static str,
    pub steps: Vec<Step>,
    /// What cannot but be found with it.
    pub also: Vec<(&'static str, &'static str)>,
}

/// What no request can bring about: the service refuses the record. The rule is for what was
/// recorded elsewhere and brought in.
pub struct Refused {
    pub rule: &'static str,
    pub kind: &'static str,
    pub record: Value,
    pub pointer: &'static str,
}

pub fn refused() -> Vec<Refused> {
    vec![Refused {
        rule: "terms_without_approval",
        kind: "terms_of_reference",
        record: but(
            terms("T9", "@B"),
            &json!({ "approver_board_id": null, "approved_on": null }),
        ),
        pointer: "/approver_post_id",
    }]
}

fn brk(rule: &'static str, on: &'static str, steps: Vec<Step>) -> Break {
    Break {
        rule,
        on,
        steps,
        also: Vec::new(),
    }
}

/// Another item, allocated, with some fields changed. Its colour is not declared.
fn item9(fields: Value) -> Vec<Step> {
    let other = but(but(item("I9"), &json!({ "declared_rag": "grey" })), &fields);
    vec![
        Make("work_plan_item", other),
        Make(
            "allocation",
            json!({ "item_id": "@I9", "board_id": "@B", "unit_id": "@TEAM" }),
        ),
    ]
}

/// Another goal, which the item serves, a measure tells about and the board decides on, but for one
/// of these.
fn goal9(without: &str) -> Vec<Step> {
    let goal = json!({ "reference": "G9", "strategy_id": "@S", "goal_kind": "aim", "title": "A third", "intended_outcome": "It is fine", "owner_post_id": "@HEAD" });
    let all = [
        (
            "item",
            Patch(
                "I",
                json!({ "goals": [{ "goal_id": "@G" }, { "goal_id": "@G2" }, { "goal_id": "@G9" }] }),
            ),
        ),
        (
            "measure",
            Patch("M", json!({ "goal_ids": ["@G", "@G2", "@G9"] })),
        ),
        (
            "board",
            Make(
                "remit",
                json!({ "board_id": "@B", "goal_id": "@G9", "remit_kind": "decides" }),
            ),
        ),
    ];
    let rest = all
        .into_iter()
        .filter(|(name, _)| *name != without)
        .map(|(_, step)| step);
    [Make("goal", goal)].into_iter().chain(rest).collect()
}

/// Another board that lacks nothing but one of these. `terms`: fields of its terms of reference.
fn board9(without: &str, changed: Value) -> Vec<Step> {
    let board = json!({ "reference": "B9", "title": "Another board", "board_kind": "board", "status": "active", "owner_unit_id": "@ORG" });
    let remit = |goal: &str| {
        Make(
            "remit",
            json!({ "board_id": "@B9", "goal_id": goal, "remit_kind": "oversees" }),
        )
    };
    let all = [
        (
            "terms",
            Make("terms_of_reference", but(terms("T9", "@B9"), &changed)),
        ),
        (
            "chair",
            Make(
                "membership",
                json!({ "board_id": "@B9", "post_id": "@HEAD", "capacity": "chair", "basis": "ex_officio" }),
            ),
        ),
        (
            "line",
            Make(
                "board_relationship",
                json!({ "from_board_id": "@B9", "to_id": "@TOP", "relationship_kind": "reports_to" }),
            ),
        ),
        ("remit", remit("@G")),
        ("remit", remit("@G2")),
    ];
    let rest = all
        .into_iter()
        .filter(|(name, _)| *name != without)
        .map(|(_, step)| step);
    [Make("board", board)].into_iter().chain(rest).collect()
}

/// Another recommendation, accepted, with some fields changed; what is said of it last comes after.
fn rec9(fields: Value, rest: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![
        Make("recommendation", but(recommendation("REC9"), &fields)),
        answered("accepted"),
    ];
    steps.extend(rest);
    steps
}

fn answered(how: &str) -> Step {
    Make(
        "management_response",
        json!({ "recommendation_id": "@REC9", "response": how, "text": "So", "responded_on": "2020-04-15" }),
    )
}

/// What is said of it.
fn said(on: &str, kind: &str) -> Step {
    let words = json!({ "recommendation_id": "@REC9", "update_kind": kind, "stated_on": on, "narrative": "So", "reference": format!("RUP9-{on}") });
    Make("recommendation_update", words)
}

fn news() -> Step {
    said("2020-10-20", "progress")
}

fn action9(meeting: &str, fields: Value, rest: Vec<Step>) -> Vec<Step> {
    let action = json!({ "reference": "A9", "meeting_id": meeting, "number": 9, "text": "Do that", "owner_unit_id": "@TEAM", "status": "open", "due": { "precision": "day", "due_on": "2020-11-30" } });
    let mut steps = vec![Make("action", but(action, &fields))];
    steps.extend(rest);
    steps
}

fn deferred(on: &str, to: Value) -> Step {
    Make(
        "action_deferral",
        json!({ "action_id": "@A9", "to": to, "reason": "Not yet", "decided_on": on }),
    )
}

fn day(on: &str) -> Value {
    json!({ "precision": "day", "due_on": on })
}

fn unspecified() -> Value {
    json!({ "precision": "unspecified", "from_on": null, "due_on": null, "source_text": null })
}

fn risk9(fields: Value, with_control: bool) -> Vec<Step> {
    let mut steps = vec![Make("risk", but(risk("RK9"), &fields))];
    if with_control {
        steps.push(Make("control", control("CT9", "@RK9")));
    }
    steps
}

fn measure9(rest: Vec<Step>) -> Vec<Step> {
    let target = json!({ "measure_id": "@M9", "period": "2020/21", "target_value": 900 });
    let mut steps = vec![
        Make("measure", measure("M9")),
        Make("measure_target", target),
    ];
    steps.extend(rest);
    steps
}

fn obligation9(fields: Value) -> Vec<Step> {
    let one = json!({ "reference": "O9", "title": "Another report", "from_unit_id": "@TEAM", "to_board_id": "@B" });
    vec![Make("report_obligation", but(one, &fields))]
}

#[rustfmt::skip]
pub fn all() -> Vec<Break> {
    let (strategy, plan, boards, seats) = (strategy(), plan(), boards(), seats());
    [strategy, plan, boards, seats, meetings(), assurance(), risks(), performance(), communications(), papers(), waivers()].into_iter().flatten().collect()
}

fn strategy() -> Vec<Break> {
    vec![
        brk(
            "strategy_without_owner",
            "S2",
            vec![Patch("S2", json!({ "owner_unit_id": null }))],
        ),
        brk(
            "strategy_planned_without_date",
            "S3",
            vec![Patch("S3", json!({ "expected_date": unspecified() }))],
        ),
        brk(
            "strategy_without_approved_version",
            "S2",
            vec![Withdraw("V2")],
        ),
        brk(
            "version_without_approval",
            "V2",
            vec![Patch("V2", json!({ "approved_on": null }))],
        ),
        brk(
            "version_approved_but_document_draft",
            "V2",
            vec![Patch(
                "V2",
                json!({ "document": { "title": "The plan", "stated_status": "Draft 3" } }),
            )],
        ),
        brk(
            "strategy_review_without_target_date",
            "SR",
            vec![Patch("SR", json!({ "target": unspecified() }))],
        ),
        brk(
            "strategy_review_without_start",
            "SR",
            vec![Patch("SR", json!({ "started_on": null }))],
        ),
        brk(
            "strategy_review_overdue",
            "SR",
            vec![Patch("SR", json!({ "target": day("2020-08-31") }))],
        ),
        brk(
            "goal_without_outcome",
            "G",
            vec![Patch("G", json!({ "intended_outcome": null }))],
        ),
        brk("goal_without_item", "G9", goal9("item")),
        brk("goal_without_measure", "G9", goal9("measure")),
        brk("goal_without_board", "G9", goal9("board")),
        brk(
            "goal_decided_by_several_boards",
            "G",
            vec![Make(
                "remit",
                json!({ "board_id": "@TOP", "goal_id": "@G", "remit_kind": "decides" }),
            )],
        ),
        brk(
            "goal_without_owner",
            "G",
            vec![Patch("G", json!({ "owner_post_id": null }))],
        ),
        brk(
            "cross_reference_without_rationale",
            "X1",
            vec![Patch("X1", json!({ "rationale": null }))],
        ),
        brk("cross_reference_not_everywhere", "X9", {
            let stated = |places: &[&str]| {
                places
                    .iter()
                    .map(|p| json!({ "source": "A paper", "place": p }))
                    .collect::<Vec<_>>()
            };
            let other = json!({ "reference": "EXT9", "title": "A plan outside", "strategy_kind": "external_plan", "status": "current", "owner_unit_id": "@AUDIT" });
            let named = json!({ "reference": "X9", "from_strategy_id": "@S", "to_strategy_id": "@EXT9", "relation": "references", "rationale": "Money", "stated_in": stated(&["page 2"]) });
            vec![
                Patch("X1", json!({ "stated_in": stated(&["cover", "page 2"]) })),
                Make("strategy", other),
                Make("cross_reference", named),
            ]
        }),
        brk("cross_reference_one_sided", "X1", vec![Withdraw("X2")]),
        brk(
            "suggestion_without_disposition",
            "SG",
            vec![Patch(
                "SG",
                json!({ "disposition": "pending", "taken_in_version_id": null }),
            )],
        ),
    ]
}

fn plan() -> Vec<Break> {
    let lacks = |rule, field: &str| brk(rule, "I", vec![Patch("I", json!({ field: null }))]);
    vec![
        brk(
            "plan_without_owner",
            "P",
            vec![Patch("P", json!({ "owner_unit_id": null }))],
        ),
        brk(
            "plan_without_version",
            "P",
            vec![Patch("P", json!({ "strategy_version_id": null }))],
        ),
        brk(
            "plan_incomplete",
            "P",
            vec![Patch("P", json!({ "completeness_claim": "partial" }))],
        ),
        brk(
            "plan_without_items",
            "P9",
            vec![Make(
                "plan",
                json!({ "reference": "P9", "title": "An empty plan", "strategy_version_id": "@V", "owner_unit_id": "@TEAM", "status": "active" }),
            )],
        ),
        brk(
            "plan_ended_with_open_items",
            "P9",
            vec![
                Make(
                    "plan",
                    json!({ "reference": "P9", "title": "The plan before", "strategy_version_id": "@V", "owner_unit_id": "@TEAM", "status": "active" }),
                ),
                Make(
                    "work_plan_item",
                    but(item("I9"), &json!({ "plan_id": "@P9" })),
                ),
                Make(
                    "allocation",
                    json!({ "item_id": "@I9", "board_id": "@B", "unit_id": "@TEAM" }),
                ),
                Patch("P9", json!({ "status": "closed" })),
            ],
        ),
        lacks("item_without_lead", "lead_post_id"),
        lacks("item_without_unit", "responsible_unit_id"),
        lacks("item_without_what", "what"),
        lacks("item_without_how", "how"),
        lacks("item_without_outcome", "intended_outcome"),
        lacks("item_without_risk", "risk_summary"),
        brk(
            "item_without_measure",
            "I",
            vec![Patch("I", json!({ "measures": [] }))],
        ),
        brk("item_without_goal", "I9", item9(json!({ "goals": [] }))),
        brk(
            "item_without_deadline",
            "I9",
            item9(json!({ "deadline": unspecified() })),
        ),
        brk(
            "item_deadline_vague",
            "I9",
            item9(json!({ "deadline": { "precision": "year", "due_on": "2020-12-31" } })),
        ),
        brk("item_deferred_without_date", "I9", {
            let deferred = json!({ "item_id": "@I9", "to": unspecified(), "approver_board_id": "@B", "reason": "Not yet", "decided_on": "2020-10-01" });
            item9(json!({}))
                .into_iter()
                .chain([Make("deadline_change", deferred)])
                .collect()
        }),
        brk(
            "item_overdue",
            "I9",
            item9(json!({ "deadline": day("2020-09-30") })),
        ),
        brk(
            "item_stale",
            "I9",
            item9(
                json!({ "start": { "precision": "day", "from_on": "2020-06-01", "due_on": "2020-06-01" } }),
            ),
        ),
        brk("item_not_allocated", "I", vec![Withdraw("AL")]),
        brk(
            "item_rag_disagrees",
            "I",
            vec![Patch("I", json!({ "declared_rag": "red" }))],
        ),
        brk("item_complete_without_update", "I9", {
            let done = json!({ "status": "complete", "completed_on": "2020-10-01", "declared_rag": "grey" });
            vec![Make("work_plan_item", but(item("I9"), &done))]
        }),
        Break {
            rule: "item_not_carried_forward",
            on: "I9",
            steps: vec![Make(
                "work_plan_item",
                but(item("I9"), &json!({ "plan_id": "@P0" })),
            )],
            also: vec![("plan_ended_with_open_items", "P0")],
        },
        Break {
            also: vec![("item_rag_disagrees", "I")],
            ..brk(
                "dependency_undated",
                "D9",
                vec![Make(
                    "dependency",
                    json!({ "reference": "D9", "item_id": "@I", "on_other": "An event", "status": "open" }),
                )],
            )
        },
        Break {
            also: vec![("item_rag_disagrees", "I")],
            ..brk(
                "dependency_late",
                "D9",
                vec![Make(
                    "dependency",
                    json!({ "reference": "D9", "item_id": "@I", "on_id": "@SR", "status": "open" }),
                )],
            )
        },
        Break {
            also: vec![("item_rag_disagrees", "I")],
            ..brk(
                "dependency_given_up",
                "D9",
                vec![
                    Make(
                        "strategy_review",
                        json!({ "reference": "SR9", "strategy_id": "@S", "status": "cancelled", "target": { "precision": "unspecified" } }),
                    ),
                    Make(
                        "dependency",
                        json!({ "reference": "D9", "item_id": "@I", "on_id": "@SR9", "status": "open" }),
                    ),
                ],
            )
        },
        brk(
            "benefit_without_evidence",
            "BC",
            vec![Patch("BC", json!({ "evidence": [] }))],
        ),
    ]
}

fn boards() -> Vec<Break> {
    vec![
        brk(
            "board_without_owner",
            "B",
            vec![Patch("B", json!({ "owner_unit_id": null }))],
        ),
        brk("board_without_terms", "B9", board9("terms", json!({}))),
        brk(
            "terms_not_agreed",
            "B9",
            board9(
                "",
                json!({ "status": "in_review", "approver_board_id": null, "approved_on": null }),
            ),
        ),
        brk("terms_incomplete", "T9", {
            let mut sections = terms("T9", "@B9")["sections"].clone();
            sections["quorum"] = Value::Null;
            board9("", json!({ "sections": sections }))
        }),
        brk(
            "terms_review_overdue",
            "T",
            vec![Patch("T", json!({ "review_on": "2020-06-30" }))],
        ),
        brk("board_without_chair", "B9", board9("chair", json!({}))),
        brk(
            "board_without_reporting_line",
            "B9",
            board9("line", json!({})),
        ),
        brk("board_without_remit", "B9", board9("remit", json!({}))),
        Break {
            also: vec![("board_same_remit", "B")],
            ..brk("board_same_remit", "B9", {
                let remit = json!({ "board_id": "@B9", "goal_id": "@G", "remit_kind": "oversees" });
                board9("remit", json!({}))
                    .into_iter()
                    .chain([Make("remit", remit)])
                    .collect()
            })
        },
        brk(
            "relationship_agreed_by_one_side",
            "E1",
            vec![Patch("E1", json!({ "agreed_by_to_on": null }))],
        ),
        brk(
            "board_meets_too_rarely",
            "B9",
            board9("", json!({ "meetings_per_year": 1 })),
        ),
    ]
}

fn seats() -> Vec<Break> {
    vec![
        brk(
            "membership_without_basis",
            "SEAT-SSA",
            vec![Patch("SEAT-SSA", json!({ "basis": "unstated" }))],
        ),
        brk("membership_past_term", "SEAT9", {
            let seat = json!({ "reference": "SEAT9", "board_id": "@B", "post_id": "@HEAD", "capacity": "member", "basis": "nominated", "term_from_on": "2019-01-01", "term_until_on": "2020-01-31" });
            vec![Make("membership", seat)]
        }),
        brk("membership_uninvited", "SEAT-IAG", vec![Withdraw("INV")]),
        brk(
            "rotation_overdue",
            "SEAT-SSA",
            vec![Patch("RP", json!({ "term_months": 6 }))],
        ),
        brk("seat_without_rotation", "SEAT-SSA", vec![Withdraw("RP")]),
        brk("seat_never_filled", "SEAT-SSA", {
            ["ATT-SSA-1", "ATT-SSA-2", "ATT-SSA-3"]
                .into_iter()
                .map(|a| Patch(a, json!({ "status": "apologies" })))
                .collect()
        }),
        brk(
            "representation_below_target",
            "RT",
            vec![Patch("RT", json!({ "seats_wanted": 2 }))],
        ),
        brk(
            "constituency_unrepresented",
            "IAG9",
            vec![Make(
                "unit",
                json!({ "reference": "IAG9", "title": "Another group", "unit_kind": "independent_advisory_group" }),
            )],
        ),
    ]
}

fn meetings() -> Vec<Break> {
    let held = || Make("meeting", meeting("MT9", "@TOP", "2020-06-01"));
    vec![
        brk(
            "meeting_not_recorded",
            "MT9",
            vec![Make(
                "meeting",
                json!({
                    "reference": "MT9", "board_id": "@TOP", "title": "A meeting", "status": "scheduled",
                    "scheduled": { "precision": "day", "due_on": "2020-06-01" },
                }),
            )],
        ),
        brk("meeting_without_minutes", "MT9", vec![held()]),
        brk(
            "minutes_unapproved",
            "MIN9",
            vec![
                held(),
                Make(
                    "minutes",
                    json!({ "reference": "MIN9", "meeting_id": "@MT9", "status": "draft", "text": "As said" }),
                ),
            ],
        ),
        brk(
            "action_without_owner",
            "A",
            vec![Patch("A", json!({ "owner_unit_id": null }))],
        ),
        brk(
            "action_without_deadline",
            "A9",
            action9("@MT-3", json!({ "due": unspecified() }), vec![]),
        ),
        brk("action_deferred_without_date", "A9", {
            let later = json!({ "precision": "unspecified", "source_text": "the next meeting" });
            action9("@MT-3", json!({}), vec![deferred("2020-10-10", later)])
        }),
        brk(
            "action_overdue",
            "A9",
            action9("@MT-2", json!({ "due": day("2020-09-30") }), vec![]),
        ),
        brk(
            "action_deferred_often",
            "A9",
            action9(
                "@MT-2",
                json!({}),
                vec![
                    deferred("2020-10-10", day("2020-12-31")),
                    deferred("2020-10-20", day("2021-01-31")),
                ],
            ),
        ),
        brk("action_closed_with_open_part", "A9", {
            let part = json!({ "reference": "AP9", "action_id": "@A9", "label": "a", "text": "All of it", "status": "open" });
            let closed = json!({ "status": "closed", "closed_on": "2020-10-20", "closure_reason": "The rest is not wanted now" });
            action9(
                "@MT-3",
                json!({}),
                vec![Make("action_part", part), Patch("A9", closed)],
            )
        }),
        brk(
            "report_missed",
            "O9",
            obligation9(json!({ "first_due_on": "2020-06-30" })),
        ),
        brk(
            "report_without_days",
            "O9",
            obligation9(json!({ "frequency": { "source_text": "regularly" } })),
        ),
        brk(
            "channel_without_coverage",
            "C",
            vec![Patch("C", json!({ "covers": null }))],
        ),
        brk(
            "channel_without_frequency",
            "C",
            vec![Patch(
                "C",
                json!({ "frequency": { "every": null, "unit": null, "rule": null, "source_text": "often" } }),
            )],
        ),
    ]
}

fn assurance() -> Vec<Break> {
    let lacks = |rule, field: &str| brk(rule, "REC", vec![Patch("REC", json!({ field: null }))]);
    let link = |relation: &str, to: &str| {
        Make(
            "recommendation_link",
            json!({ "reference": "RL9", "recommendation_id": "@REC", "relation": relation, "to_id": to }),
        )
    };
    let extended = |to: &str, on: &str| {
        let record = json!({ "recommendation_id": "@REC9", "to": day(to), "approver_board_id": "@B", "reason": "Later", "approved_on": on });
        Make("recommendation_extension", record)
    };
    let shown = || {
        let evidence = json!({ "reference": "EV9", "supports_id": "@REC9", "source_id": "@MIN-0", "shows": "That it was done", "submitted_on": "2020-10-10" });
        Make("evidence", evidence)
    };
    vec![
        lacks("recommendation_without_owner", "owner_unit_id"),
        lacks("recommendation_without_priority", "priority"),
        lacks("recommendation_incomplete", "recommendation"),
        brk(
            "recommendation_without_response",
            "REC9",
            vec![Make("recommendation", recommendation("REC9")), news()],
        ),
        brk(
            "recommendation_rejection_open",
            "REC9",
            vec![
                Make("recommendation", recommendation("REC9")),
                answered("rejected"),
                news(),
            ],
        ),
        brk(
            "recommendation_without_deadline",
            "REC9",
            rec9(json!({ "deadline": unspecified() }), vec![news()]),
        ),
        brk(
            "recommendation_overdue",
            "REC9",
            rec9(json!({ "deadline": day("2020-09-30") }), vec![news()]),
        ),
        brk(
            "recommendation_extended_often",
            "REC9",
            rec9(
                json!({}),
                vec![
                    news(),
                    extended("2021-03-31", "2020-10-01"),
                    extended("2021-04-30", "2020-10-02"),
                ],
            ),
        ),
        brk(
            "recommendation_deferred_without_date",
            "REC9",
            rec9(json!({}), vec![said("2020-10-21", "deferral")]),
        ),
        brk("recommendation_waits_for_undated", "REC", {
            let draft = but(
                terms("T9", "@B"),
                &json!({ "status": "draft", "approver_board_id": null, "approved_on": null }),
            );
            vec![Make("terms_of_reference", draft), link("depends_on", "@T9")]
        }),
        brk("recommendation_waits_for_given_up", "REC", {
            let review = json!({ "reference": "SR9", "strategy_id": "@S", "status": "cancelled", "target": { "precision": "unspecified" } });
            vec![Make("strategy_review", review), link("depends_on", "@SR9")]
        }),
        brk(
            "recommendation_waits_beyond_deadline",
            "REC",
            vec![link("depends_on", "@SR")],
        ),
        brk(
            "recommendation_stale",
            "REC9",
            rec9(json!({}), vec![said("2020-07-01", "progress")]),
        ),
        brk(
            "recommendation_long_unverified",
            "REC9",
            rec9(
                json!({}),
                vec![said("2020-06-01", "claim_complete"), shown()],
            ),
        ),
        brk(
            "recommendation_claim_without_evidence",
            "REC9",
            rec9(json!({}), vec![said("2020-10-20", "claim_complete")]),
        ),
        brk("recommendation_rejected_claim", "REC9", {
            let rejected = json!({ "reference": "VER9", "recommendation_id": "@REC9", "claim_id": "@RUP9-2020-09-10", "result": "rejected", "decided_on": "2020-09-15", "reason": "It does not hold" });
            rec9(
                json!({}),
                vec![
                    said("2020-09-10", "claim_complete"),
                    Make("verification", rejected),
                ],
            )
        }),
        brk(
            "duplicate_not_accepted",
            "RL9",
            vec![link("duplicates", "@REC2")],
        ),
        brk(
            "recommendation_made_again",
            "RL9",
            vec![link("repeats", "@REC2")],
        ),
        brk(
            "assertion_without_evidence",
            "AS9",
            vec![Make(
                "assertion",
                json!({ "reference": "AS9", "about_id": "@S", "claim": "All is well", "said_on": "2020-10-01", "evidence": "none" }),
            )],
        ),
    ]
}

fn risks() -> Vec<Break> {
    vec![
        brk(
            "risk_without_owner",
            "RK",
            vec![Patch("RK", json!({ "owner_post_id": null }))],
        ),
        brk(
            "risk_without_score",
            "RK9",
            risk9(json!({ "current": null }), true),
        ),
        brk(
            "risk_register_without_board",
            "RR",
            vec![Patch("RR", json!({ "board_id": null }))],
        ),
        brk(
            "risk_register_empty",
            "RR9",
            vec![Make(
                "risk_register",
                json!({ "reference": "RR9", "title": "No risks", "register_kind": "unit", "owner_unit_id": "@TEAM", "board_id": "@B" }),
            )],
        ),
        brk(
            "risk_without_appetite",
            "RK",
            vec![
                Patch("RK", json!({ "appetite": null })),
                Make(
                    "risk_review",
                    json!({ "risk_id": "@RK", "reviewed_on": "2020-10-01", "note": "Worse", "current": { "likelihood": "possible", "impact": "major" } }),
                ),
            ],
        ),
        brk("risk_without_control", "RK9", risk9(json!({}), false)),
        brk(
            "risk_without_review",
            "RK",
            vec![Patch("RK", json!({ "review_on": null }))],
        ),
        brk(
            "risk_review_overdue",
            "RK",
            vec![Patch("RK", json!({ "review_on": "2020-08-31" }))],
        ),
        brk(
            "risk_above_appetite",
            "RK",
            vec![Patch("RK", json!({ "appetite": "averse" }))],
        ),
        brk("escalation_due", "RK9", {
            risk9(
                json!({ "appetite": "eager", "current": { "likelihood": "possible", "impact": "catastrophic" } }),
                true,
            )
        }),
        brk("escalation_unacknowledged", "ES9", {
            let sent = json!({ "reference": "ES9", "risk_id": "@RK9", "to_board_id": "@B", "status": "escalated", "reason": "It grows", "proposed_on": "2020-08-01", "escalated_on": "2020-08-05" });
            risk9(json!({}), true)
                .into_iter()
                .chain([Make("escalation", sent)])
                .collect()
        }),
        brk(
            "control_without_owner",
            "CT",
            vec![Patch("CT", json!({ "owner_unit_id": null }))],
        ),
        brk(
            "control_unassessed",
            "CT",
            vec![Patch(
                "CT",
                json!({ "effectiveness": "not_assessed", "assessed_on": null }),
            )],
        ),
        Break {
            also: vec![("recommendation_overdue", "REC9")],
            ..brk("control_failing", "CT9", {
                let carries = but(
                    control("CT9", "@RK"),
                    &json!({ "recommendation_id": "@REC9" }),
                );
                rec9(
                    json!({ "deadline": day("2020-09-30") }),
                    vec![news(), Make("control", carries)],
                )
            })
        },
    ]
}

fn performance() -> Vec<Break> {
    let lacks = |rule, field: &str| brk(rule, "M", vec![Patch("M", json!({ field: null }))]);
    let dashboard = |promised: Value| {
        vec![Make(
            "dashboard",
            json!({ "reference": "DB9", "title": "Another", "owner_unit_id": "@TEAM", "promised": promised }),
        )]
    };
    vec![
        lacks("measure_without_definition", "definition"),
        lacks("measure_without_owner", "owner_unit_id"),
        lacks("measure_without_source", "source_id"),
        lacks("measure_without_frequency", "frequency"),
        brk("measure_without_target", "M", vec![Withdraw("MTG")]),
        brk("measure_without_data", "M9", measure9(vec![])),
        brk("measure_data_late", "M9", {
            let old = json!({ "reference": "OB9", "measure_id": "@M9", "period": "2020-Q1", "state": "present", "value": 700 });
            measure9(vec![Make("observation", old)])
        }),
        brk(
            "characteristic_unavailable",
            "M",
            vec![Patch("M", json!({ "characteristics": ["sex", "race"] }))],
        ),
        brk(
            "dashboard_overdue",
            "DB9",
            dashboard(json!([{ "due": day("2020-06-30") }])),
        ),
        brk("dashboard_without_date", "DB9", dashboard(json!([]))),
    ]
}

fn communications() -> Vec<Break> {
    vec![
        brk(
            "communications_plan_without_aim",
            "CP",
            vec![Patch("CP", json!({ "strategy_id": null }))],
        ),
        brk(
            "activity_without_goal",
            "CA",
            vec![Patch("CA", json!({ "goal_ids": [] }))],
        ),
        brk("activity_without_evaluation", "CA", vec![Withdraw("CE")]),
        brk("evaluation_without_evidence", "CE9", {
            let evaluation = json!({ "reference": "CE9", "activity_id": "@CA", "evaluated_on": "2020-09-25", "people_reached": 90 });
            vec![Make("campaign_evaluation", evaluation)]
        }),
        brk(
            "asset_without_owner",
            "WEB",
            vec![Patch("WEB", json!({ "owner_unit_id": null }))],
        ),
        brk(
            "asset_review_overdue",
            "WEB",
            vec![Patch("WEB", json!({ "review_due_on": "2020-09-30" }))],
        ),
        brk(
            "asset_without_review",
            "WEB",
            vec![Patch("WEB", json!({ "review_due_on": null }))],
        ),
        brk(
            "group_without_good_practice",
            "BG9",
            vec![Make(
                "unit",
                json!({ "reference": "BG9", "title": "Another group", "unit_kind": "business_group", "parent_id": "@ORG" }),
            )],
        ),
        brk(
            "good_practice_ad_hoc",
            "GP",
            vec![Patch("GP", json!({ "basis": "ad_hoc" }))],
        ),
    ]
}

fn papers() -> Vec<Break> {
    let document = json!({ "reference": "DOC9", "title": "A draft", "document_kind": "plan", "owner_unit_id": "@TEAM", "state": "draft" });
    vec![
        brk(
            "paper_implication_not_assessed",
            "PP",
            vec![Patch("PP", json!({ "legal": { "state": "boilerplate" } }))],
        ),
        brk("paper_appendix_draft", "PP9", {
            let appendices =
                json!({ "appendices": [{ "title": "The plan", "document_id": "@DOC9" }] });
            vec![
                Make("document", document),
                Make("paper", but(paper("PP9"), &appendices)),
            ]
        }),
        brk(
            "paper_reference_unresolved",
            "PP",
            vec![Patch("PP", json!({ "purpose": "See [[board:NOWHERE]]" }))],
        ),
        brk("overdue_recommendation_not_in_paper", "PP", {
            vec![Patch(
                "PP",
                json!({ "struck": [{ "record_id": "@REC", "reason": "Not now" }] }),
            )]
        }),
        brk(
            "paper_decision_unrecorded",
            "PP9",
            vec![
                Make("paper", but(paper("PP9"), &json!({ "scope": {} }))),
                Make(
                    "paper_issue",
                    json!({ "reference": "PI9", "paper_id": "@PP9" }),
                ),
            ],
        ),
    ]
}

fn waivers() -> Vec<Break> {
    let waiver = json!({ "reference": "W9", "rule": "measure_without_target", "record_id": "@M", "reason": "It is set in March", "granted_on": "2020-10-01", "expires_on": "2021-03-31" });
    vec![brk(
        "waiver_without_gap",
        "W9",
        vec![Make("gap_waiver", waiver)],
    )]
}
