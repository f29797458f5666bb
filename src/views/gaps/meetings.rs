//! What boards' meetings lack: minutes that were approved, actions that were carried out.

use super::boards::{is_active, latest_terms};
use super::context::Context;
use super::rule::{Each, Fault, GapSeverity as Is, Rule, because, plain_if};
use crate::registers::governance::Board;
use crate::registers::meetings::{
    Action, ActionStatus, Meeting, MeetingStatus, Minutes, MinutesStatus,
};
use crate::views::rag::days;
use crate::world::Rec;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "board_meets_too_rarely",
        severity: Is::Medium,
        checks: "The board has not met as often as its terms of reference say.",
        why: "What it oversees goes unseen meanwhile.",
        remedy: "Meet, record the meetings that were held, or change the terms.",
        answers: &["2020, recommendation 2"],
        look: &Each::new(board_meets_too_rarely),
    },
    Rule {
        code: "meeting_without_minutes",
        severity: Is::Medium,
        checks: "The meeting was held, and no minutes of it are on record.",
        why: "Nobody can show what was decided.",
        remedy: "Record the minutes.",
        answers: &["2020, recommendation 8"],
        look: &Each::new(|c, m: &Rec<Meeting>| {
            let on = m
                .computed
                .meeting_on
                .filter(|_| m.data.status == MeetingStatus::Held)?;
            let late = (c.on - on).num_days() > c.settings.gaps.minutes_after_days;
            let there = || {
                c.seen
                    .pointing::<Minutes>(m.meta.id)
                    .any(|n| n.data.meeting_id == m.meta.id)
            };
            if late && belongs(c, m) && !there() {
                because(format!("held on {on}"))
            } else {
                None
            }
        }),
    },
    Rule {
        code: "minutes_unapproved",
        severity: Is::Medium,
        checks: "The minutes were never approved.",
        why: "They are one person's notes until the board has agreed that they are right.",
        remedy: "Have the next meeting approve them.",
        answers: &["2020, recommendation 8"],
        look: &Each::new(|c, n: &Rec<Minutes>| {
            let meeting = c
                .seen
                .get::<Meeting>(n.data.meeting_id)
                .filter(|m| m.is_live() && belongs(c, m))?;
            let on = meeting.computed.meeting_on?;
            let late = (c.on - on).num_days() > c.settings.gaps.minutes_after_days;
            if late && n.data.status == MinutesStatus::Draft {
                because(format!("of the meeting on {on}"))
            } else {
                None
            }
        }),
    },
    Rule {
        code: "action_without_owner",
        severity: Is::High,
        checks: "No post or unit answers for the action.",
        why: "Nobody does it.",
        remedy: "Name who answers for it.",
        answers: &["2017, Action 14"],
        look: &Each::new(|_, a: &Rec<Action>| {
            plain_if(is_open(a) && a.data.owner_post_id.is_none() && a.data.owner_unit_id.is_none())
        }),
    },
    Rule {
        code: "action_without_deadline",
        severity: Is::High,
        checks: "Nobody has said when the action is due.",
        why: "It can never be late.",
        remedy: "Say by which day or at which meeting it is due.",
        answers: &["2017, Action 14"],
        look: &Each::new(|_, a: &Rec<Action>| {
            plain_if(is_open(a) && a.computed.due_on.is_none() && a.computed.first_due_on.is_none())
        }),
    },
    Rule {
        code: "action_put_off_without_date",
        severity: Is::High,
        checks: "The action was put off, and to no day.",
        why: "That is how a promise is never broken and never kept.",
        remedy: "Say to which day or meeting it was put off.",
        answers: &["2017, summary"],
        look: &Each::new(|_, a: &Rec<Action>| {
            plain_if(is_open(a) && a.computed.due_on.is_none() && a.computed.first_due_on.is_some())
        }),
    },
    Rule {
        code: "action_overdue",
        severity: Is::High,
        checks: "The action is past the day it was due.",
        why: "What a board asks for and does not get, it need not have asked for.",
        remedy: "Do it and have the board close it, or put it off with a reason.",
        answers: &["2017, Action 14"],
        look: &Each::new(|c, a: &Rec<Action>| match a.judged_on() {
            Some(due) if a.is_overdue(c.on) => because(format!(
                "was due on {due}, {} ago",
                days((c.on - due).num_days())
            )),
            _ => None,
        }),
    },
    Rule {
        code: "action_deferred_often",
        severity: Is::Medium,
        checks: "The action was deferred again and again.",
        why: "It is not being done, and each meeting hears that it will be.",
        remedy: "Decide whether it is still wanted, and who does it.",
        answers: &["2017, summary"],
        look: &Each::new(|c, a: &Rec<Action>| {
            if is_open(a) && a.computed.deferral_count >= c.settings.gaps.many_deferrals {
                because(format!("{} times", a.computed.deferral_count))
            } else {
                None
            }
        }),
    },
    Rule {
        code: "action_closed_with_open_part",
        severity: Is::High,
        checks: "The action was closed, and part of it is open.",
        why: "What was asked for and not answered is lost.",
        remedy: "Open the action again, or settle the part.",
        answers: &["2017, Action 14"],
        look: &Each::new(|_, a: &Rec<Action>| {
            if a.computed.closed_with_open_part {
                because(format!(
                    "{} of {} parts",
                    a.computed.parts_open, a.computed.parts_total
                ))
            } else {
                None
            }
        }),
    },
];

fn is_open(action: &Rec<Action>) -> bool {
    action.data.status == ActionStatus::Open
}

/// Whether the meeting is one of a board that sits.
fn belongs(c: &Context<'_>, meeting: &Rec<Meeting>) -> bool {
    c.seen
        .get::<Board>(meeting.data.board_id)
        .is_some_and(|b| b.is_live() && is_active(b))
}

/// Counts the meetings of the last year, or since the terms were approved or the board was set up if that is later.
fn board_meets_too_rarely(c: &Context<'_>, board: &Rec<Board>) -> Fault {
    const YEAR_DAYS: i64 = 365;
    let terms = latest_terms(c, board.meta.id).filter(|_| is_active(board))?;
    let yearly = i64::from(terms.data.meetings_per_year?);
    let since = [board.data.established_on, terms.data.approved_on]
        .into_iter()
        .flatten()
        .max();
    let looked_at = since
        .map_or(YEAR_DAYS, |d| (c.on - d).num_days())
        .clamp(0, YEAR_DAYS);
    let wanted = yearly * looked_at / YEAR_DAYS;
    let recent = |day: &chrono::NaiveDate| (c.on - *day).num_days() <= looked_at;
    let held = c
        .held(board.meta.id)
        .iter()
        .take_while(|(day, _)| recent(day))
        .count();
    if i64::try_from(held).is_ok_and(|held| held < wanted) {
        because(format!(
            "{held} of {wanted} in the last {}",
            days(looked_at)
        ))
    } else {
        None
    }
}
