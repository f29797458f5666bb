//! What was missing on the days of the two papers: every gap, and the papers' own complaints among
//! them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// What the papers complain of or show, by day: rule, and the references on which it must be found.
const COMPLAINTS: &[(&str, &str, &[&str])] = &[
    // The final version: nobody is named who approved it, no day, and its appendix is headed draft.
    (
        "2017-06-30",
        "version_without_approval",
        &["STRIDE-2017-FINAL"],
    ),
    (
        "2017-06-30",
        "version_approved_but_document_draft",
        &["STRIDE-2017-FINAL"],
    ),
    // The dashboard is not developed enough, and comes "at the next meeting".
    (
        "2017-06-30",
        "item_deferred_without_date",
        &["WP17-DASHBOARD"],
    ),
    // Broad timescales.
    (
        "2017-06-30",
        "item_deadline_vague",
        &["WP17-RECRUIT", "WP17-PILOTS"],
    ),
    // "Clearly identified interdependencies" are a list of titles, and another list in paragraph
    // 1.1.
    (
        "2017-06-30",
        "cross_reference_without_rationale",
        &[
            "XREF-STRIDE-PCP",
            "XREF-STRIDE-BUSINESS",
            "XREF-STRIDE-PEOPLE",
        ],
    ),
    (
        "2017-06-30",
        "cross_reference_one_sided",
        &["XREF-STRIDE-BUSINESS", "XREF-STRIDE-PEOPLE"],
    ),
    (
        "2017-06-30",
        "assertion_without_evidence",
        &["ASR-2017-INTERDEPENDENCIES", "ASR-2017-EQUALITY"],
    ),
    (
        "2017-06-30",
        "benefit_without_evidence",
        &[
            "BENEFIT-NON-BINARY-1",
            "BENEFIT-NON-BINARY-2",
            "BENEFIT-NON-BINARY-3",
        ],
    ),
    // Meetings that are regular or frequent, and a board that will keep another up to date.
    (
        "2017-06-30",
        "channel_without_frequency",
        &["CH-COMMISSIONER-DMPC", "CH-HEAD-SIDU-DMPC"],
    ),
    ("2017-06-30", "report_without_days", &["OBL-SB-MB"]),
    // The recommendations of the review are not even named.
    (
        "2017-06-30",
        "recommendation_without_priority",
        &["DARA-RAR-ALL"],
    ),
    (
        "2017-06-30",
        "recommendation_without_deadline",
        &["DARA-RAR-ALL"],
    ),
    (
        "2017-06-30",
        "recommendation_without_response",
        &["DARA-RAR-ALL"],
    ),
    // Six priorities, and nothing that says when one is reached.
    (
        "2017-06-30",
        "goal_without_outcome",
        &[
            "STRIDE-P1",
            "STRIDE-P2",
            "STRIDE-P3",
            "STRIDE-P4",
            "STRIDE-P5",
            "STRIDE-P6",
        ],
    ),
    (
        "2017-06-30",
        "goal_without_measure",
        &[
            "STRIDE-P1",
            "STRIDE-P2",
            "STRIDE-P3",
            "STRIDE-P4",
            "STRIDE-P5",
            "STRIDE-P6",
        ],
    ),
    (
        "2017-06-30",
        "item_without_lead",
        &["WP17-RECRUIT", "WP17-HATE", "WP17-RESEARCH"],
    ),
    (
        "2017-06-30",
        "item_without_measure",
        &["WP17-RECRUIT", "WP17-HATE", "WP17-RESEARCH"],
    ),
    ("2017-06-30", "board_without_terms", &["STRIDE-BOARD"]),
    // The strategy is under review to no date, and what is to come of it, or of the Mayor, has none
    // either.
    (
        "2020-10-26",
        "strategy_review_without_target_date",
        &["REVIEW-STRIDE"],
    ),
    (
        "2020-10-26",
        "strategy_planned_without_date",
        &["MAYORS-ACTION-PLAN", "STRIDE-2021"],
    ),
    (
        "2020-10-26",
        "recommendation_waits_for_undated",
        &[
            "DARA-2020-1",
            "DARA-2020-2",
            "DARA-2020-3",
            "DARA-2020-4",
            "DARA-2020-7",
            "DARA-2020-9",
        ],
    ),
    // Due in July and September, and not done; number 6 points to number 3, which is due in
    // November.
    (
        "2020-10-26",
        "recommendation_overdue",
        &["DARA-2020-6", "DARA-2020-7", "DARA-2020-9"],
    ),
    (
        "2020-10-26",
        "recommendation_waits_beyond_deadline",
        &["DARA-2020-6"],
    ),
    (
        "2020-10-26",
        "control_failing",
        &["CONTROL-DARA-6", "CONTROL-DARA-7", "CONTROL-DARA-9"],
    ),
    (
        "2020-10-26",
        "duplicate_not_accepted",
        &["LINK-DARA-5-DUPLICATES-3"],
    ),
    (
        "2020-10-26",
        "recommendation_made_again",
        &["LINK-DARA-7-REPEATS"],
    ),
    (
        "2020-10-26",
        "recommendation_without_owner",
        &["DARA-2020-1", "DARA-2020-9"],
    ),
    (
        "2020-10-26",
        "assertion_without_evidence",
        &[
            "ASR-2020-ALIGNED",
            "ASR-2020-TRACTION",
            "ASR-2020-IMPROVED",
            "ASR-2020-EMBEDDED",
        ],
    ),
    // Two bodies with one aim, and terms of reference that were "refreshed".
    (
        "2020-10-26",
        "board_same_remit",
        &["STRIDE-BOARD", "STRIDE-DG"],
    ),
    (
        "2020-10-26",
        "terms_not_agreed",
        &["STRIDE-BOARD", "STRIDE-DG"],
    ),
    (
        "2020-10-26",
        "terms_incomplete",
        &["TOR-STRIDE-BOARD", "TOR-STRIDE-DG"],
    ),
    ("2020-10-26", "board_without_terms", &["HR-ID-BOARD"]),
    ("2020-10-26", "dashboard_overdue", &["DASH-2017"]),
    (
        "2020-10-26",
        "report_without_days",
        &["OBL-PERFORMANCE-SB", "OBL-PERFORMANCE-DG"],
    ),
    (
        "2020-10-26",
        "measure_without_data",
        &["MEASURE-USS", "MEASURE-PAS"],
    ),
    (
        "2020-10-26",
        "measure_without_target",
        &["MEASURE-USS", "MEASURE-PAS"],
    ),
    // One campaign was over for three weeks; what the groups publish is published now and then.
    (
        "2020-10-26",
        "activity_without_evaluation",
        &["CAMPAIGN-INCLUSION-WEEK-2020"],
    ),
    (
        "2020-10-26",
        "good_practice_ad_hoc",
        &["PRACTICE-MO2", "PRACTICE-RASP"],
    ),
    ("2020-10-26", "group_without_good_practice", &["HR"]),
    ("2020-10-26", "asset_without_review", &["INTRANET-CPIE"]),
    // One of twenty associations at the table; advisory groups invited on no stated basis, with no
    // plan to rotate.
    (
        "2020-10-26",
        "representation_below_target",
        &["TARGET-SB-SSA", "TARGET-DG-SSA"],
    ),
    (
        "2020-10-26",
        "constituency_unrepresented",
        &["SSA-02", "SSA-20"],
    ),
    ("2020-10-26", "membership_without_basis", &["SEAT-SB-IAG"]),
    ("2020-10-26", "seat_without_rotation", &["SEAT-SB-IAG"]),
    (
        "2020-10-26",
        "item_overdue",
        &[
            "DP20-RISK",
            "DP20-COMMS-PLAN",
            "DP20-INTRANET",
            "DP20-IAG-BASIS",
            "DP20-IAG-ROTATION",
        ],
    ),
    ("2020-10-26", "item_without_measure", &["DP20-DASHBOARD"]),
];

/// Every gap of a day, page by page.
async fn all(app: &TestApp, day: &str) -> Vec<Value> {
    let (mut gaps, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = asked(app, &format!("/api/v1/gaps?limit=200{cursor}"), day).await;
        gaps.extend(page["items"].as_array().expect("gaps").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return gaps,
        }
    }
}

async fn gaps_were_these(app: TestApp) {
    let mut missing: Vec<String> = Vec::new();
    for day in DAYS {
        let gaps = all(&app, day).await;
        let line = |g: &Value| {
            format!(
                "{} | {} | {}",
                text(g, "/rule"),
                text(g, "/record/reference"),
                text(g, "/reason")
            )
        };
        compare("gaps", day, &gaps.iter().map(line).collect::<Vec<_>>());
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for gap in &gaps {
            found
                .entry(text(gap, "/rule"))
                .or_default()
                .push(text(gap, "/record/reference"));
        }
        let of_day = COMPLAINTS.iter().filter(|(on, _, _)| *on == day);
        let complaints =
            of_day.flat_map(|(_, rule, on)| on.iter().map(move |reference| (*rule, *reference)));
        let unfound = complaints.filter(|(rule, reference)| {
            !found.get(rule).is_some_and(|list| list.contains(reference))
        });
        missing.extend(unfound.map(|(rule, reference)| format!("{day}: {rule} on {reference}")));
    }
    assert!(
        missing.is_empty(),
        "the papers complain of it and no rule finds it: {missing:#?}"
    );
}

on_papers!(gaps_were_these);
