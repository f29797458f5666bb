//! What had to be seen to on the days of the two papers, most urgent first. The first lines of each
//! day were written down from the papers before the list was first computed.

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// The first lines by hand: first what is late and what most depends on, then claims that what is
/// recorded contradicts, then what will be late, then what cannot be judged. What weighs the same is in the order of the
/// references.
const FIRST: &[(&str, &[(&str, &str)])] = &[
    (
        "2017-06-30",
        &[
            (
                "STRIDE-2017",
                "called final: no approver, no day, and its document says draft",
            ),
            (
                "PAPER-2017",
                "implications that would fit any paper; one item answers a tribunal",
            ),
            (
                "AP-2017-03-14",
                "the dashboard asked for is deferred to a meeting without a day",
            ),
            (
                "DARA-RAR-ALL",
                "nobody is named who sees to it, nor by when",
            ),
            (
                "STRIDE-BOARD",
                "is to assure, allocate and hold to account without terms of reference",
            ),
            (
                "WP-2017",
                "nobody keeps it; its work has no lead, no measure and hardly a date",
            ),
            (
                "OBL-SB-MB",
                "the Management Board will be kept up to date, without a day",
            ),
            (
                "WP17-NON-BINARY",
                "awareness is said to have risen, without evidence",
            ),
            (
                "CH-COMMISSIONER-DMPC",
                "they meet regularly; how often is not said",
            ),
            (
                "CH-HEAD-SIDU-DMPC",
                "they meet often; how often is not said",
            ),
        ],
    ),
    (
        "2020-10-26",
        &[
            (
                "DARA-2020-6",
                "87 days overdue and not claimed; its control in the risk register fails",
            ),
            (
                "DARA-2020-7",
                "87 days overdue, asked for before; activities are told, no plan",
            ),
            (
                "DARA-2020-9",
                "26 days overdue, deferred to a strategy without a date",
            ),
            (
                "DARA-2020-8",
                "called completed; 1 of 20 associations has a seat",
            ),
            (
                "REVIEW-STRIDE",
                "five recommendations due in 35 days wait for it; it has no date",
            ),
            (
                "DASH-2017",
                "promised for June 2017, missing 1,214 days later",
            ),
            (
                "STRIDE-BOARD",
                "terms called refreshed: not agreed, 16 sections empty, no chair",
            ),
            ("STRIDE-DG", "the same"),
            (
                "DP-2020",
                "called fully aligned, which the audit found it is not; no owner, no items",
            ),
            (
                "STRIDE-2017",
                "in force with no approver, and its document says draft",
            ),
            (
                "PAPER-2020",
                "no risk implications, with nine controls of which none is known to work",
            ),
        ],
    ),
];

async fn these_came_first(app: TestApp) {
    let mut faults = Vec::new();
    for day in DAYS {
        let view = asked(&app, "/api/v1/attention?limit=200", day).await;
        let lines = view["items"].as_array().expect("lines");
        let party = |l: &Value| {
            let names = ["post", "unit", "board"];
            let names = names.map(|n| text(l, &format!("/must_act/{n}/reference")).to_owned());
            let mut names: Vec<String> = names.into_iter().filter(|n| n != "–").collect();
            names.dedup();
            names.join(", ")
        };
        let reasons = |l: &Value| {
            let reasons = l["reasons"].as_array().cloned().unwrap_or_default();
            let words = reasons
                .iter()
                .map(|r| format!("{} {}", text(r, "/words"), r["points"]));
            words.collect::<Vec<_>>().join(", ")
        };
        let line = |l: &Value| {
            format!(
                "{} | {} | {} | {} | {} | {} | also {} | waiting {} | {}",
                l["rank"],
                text(l, "/record/reference"),
                text(l, "/rule"),
                text(l, "/severity"),
                text(l, "/what"),
                party(l),
                l["also"]["count"],
                l["waiting"]["count"],
                reasons(l)
            )
        };
        compare(
            "attention",
            day,
            &lines.iter().map(line).collect::<Vec<_>>(),
        );
        let by_hand = FIRST
            .iter()
            .find(|(on, _)| *on == day)
            .map(|(_, first)| *first);
        let by_hand = by_hand.unwrap_or_default();
        let first = lines.iter().map(|l| text(l, "/record/reference"));
        let first: Vec<&str> = first.take(by_hand.len()).collect();
        let wanted: Vec<&str> = by_hand.iter().map(|(reference, _)| *reference).collect();
        if first != wanted {
            faults.push(format!("{day}: {first:?} in place of {wanted:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

on_papers!(these_came_first);
