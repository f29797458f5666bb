//! What board meetings lack: approved minutes, and actions carried out.

use super::boards::latest_terms;
use super::causes;
use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::governance::Board;
use crate::registers::meetings::{Action, Meeting, MeetingStatus, Minutes, MinutesStatus};
use crate::views::rag::{days, times};
use crate::world::Rec;
use crate::world::dates::Progress;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "board_meets_too_rarely",
        severity: Is::Medium,
        checks: "Fewer meetings of the board are recorded than its terms of reference require.",
        why: "What it oversees goes unwatched in the meantime.",
        remedy: "Hold meetings, record the meetings that were held, or change the terms of \
            reference.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(board_meets_too_rarely).keeping(),
    },
    Rule {
        code: "meeting_not_recorded",
        severity: Is::Medium,
        checks: "The day of the meeting has passed, but it is not recorded whether it was held.",
        why: "Nobody can tell whether the board met, and what it was told since.",
        remedy: "Record that the meeting was held or cancelled, or its new date.",
        answers: &[],
        check: &Each::new(|c, m: &Rec<Meeting>| {
            let day = m
                .computed
                .meeting_on
                .filter(|_| m.data.status == MeetingStatus::Scheduled)?;
            if day < c.on && belongs(c, m) {
                because(format!("scheduled for {day}"))
            } else {
                None
            }
        })
        .keeping(),
    },
    Rule {
        code: "meeting_without_minutes",
        severity: Is::Medium,
        checks: "The meeting was held, but no minutes of it are recorded.",
        why: "Nobody can show what was decided.",
        remedy: "Record the minutes.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, m: &Rec<Meeting>| {
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
        })
        .keeping(),
    },
    Rule {
        code: "minutes_unapproved",
        severity: Is::Medium,
        checks: "No approval of the minutes is recorded.",
        why: "Until the board approves them, they are one person's notes.",
        remedy: "Have the next meeting approve them.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, n: &Rec<Minutes>| {
            let meeting = c
                .seen
                .get::<Meeting>(n.data.meeting_id)
                .filter(|m| c.seen.is_live(*m) && belongs(c, m))?;
            let on = meeting.computed.meeting_on?;
            let late = (c.on - on).num_days() > c.settings.gaps.minutes_after_days;
            if late && n.data.status == MinutesStatus::Draft {
                because(format!("meeting on {on}"))
            } else {
                None
            }
        })
        .keeping(),
    },
    Rule {
        code: "action_without_owner",
        severity: Is::High,
        checks: "No owner post or unit is recorded for the action.",
        why: "Nobody is responsible for doing it.",
        remedy: "Record the post or unit responsible for it.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, a: &Rec<Action>| {
            unowned(c, is_open(a), a.data.owner_post_id, a.data.owner_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "action_without_deadline",
        severity: Is::High,
        checks: "No due date is recorded for the action.",
        why: "It can never become overdue.",
        remedy: "Set the date or the meeting by which it is due.",
        answers: &["2017, Action 14"],
        check: &Each::new(|_, a: &Rec<Action>| {
            plain_if(is_open(a) && a.computed.due_on.is_none() && a.computed.first_due_on.is_none())
        })
        .detail(),
    },
    Rule {
        code: "action_deferred_without_date",
        severity: Is::High,
        checks: "The action was deferred without a date.",
        why: "Without a date, nobody can tell whether the promise has been broken or kept.",
        remedy: "Record the date or the meeting to which it was deferred, or the day of that meeting.",
        answers: &["2017, summary"],
        check: &Each::new(|c, a: &Rec<Action>| {
            let computed = &a.computed;
            if !is_open(a) || computed.due_on.is_some() || computed.first_due_on.is_none() {
                return None;
            }
            let target = a.data.target_meeting_id;
            let meeting = target.and_then(|id| c.seen.get::<Meeting>(id));
            match meeting.filter(|m| m.computed.meeting_on.is_none()) {
                Some(meeting) => because(format!(
                    "to {}, whose day is not recorded",
                    meeting.meta.reference
                )),
                None => plain_if(true),
            }
        })
        .follows_own(&["action_overdue"]),
    },
    Rule {
        code: "action_overdue",
        severity: Is::High,
        checks: "The action is past its due date.",
        why: "A request that the board does not follow up has no effect.",
        remedy: "Do it and have the board close it, or defer it with a reason.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, a: &Rec<Action>| match a.due().counts_on() {
            Some(due) if a.due().is_overdue(c.on) => because(format!(
                "was due on {due}, {} ago",
                days((c.on - due).num_days())
            )),
            _ => None,
        })
        .follows(&["dashboard_overdue"], causes::of_late_action),
    },
    Rule {
        code: "action_deferred_often",
        severity: Is::Medium,
        checks: "The action has been deferred repeatedly.",
        why: "It is not being done, but each meeting is told that it will be.",
        remedy: "Decide whether it is still needed, and who will do it.",
        answers: &["2017, summary"],
        check: &Each::new(|c, a: &Rec<Action>| {
            if is_open(a) && a.computed.deferral_count >= c.settings.gaps.many_deferrals {
                because(times(i64::from(a.computed.deferral_count)))
            } else {
                None
            }
        })
        .follows_own(&["action_overdue"]),
    },
    Rule {
        code: "action_closed_with_open_part",
        severity: Is::High,
        checks: "The action was closed, but part of it is open.",
        why: "The part that was not answered gets lost.",
        remedy: "Reopen the action, or settle the part.",
        answers: &["2017, Action 14"],
        check: &Each::new(|_, a: &Rec<Action>| {
            if a.computed.closed_with_open_part {
                because(format!(
                    "open parts: {} of {}",
                    a.computed.parts_open, a.computed.parts_total
                ))
            } else {
                None
            }
        }),
    },
];

fn is_open(action: &Rec<Action>) -> bool {
    action.due().progress == Progress::Open
}

/// Whether the meeting belongs to an active board.
fn belongs(c: &Context<'_>, meeting: &Rec<Meeting>) -> bool {
    c.seen
        .get::<Board>(meeting.data.board_id)
        .is_some_and(|b| c.is_active(b))
}

/// Counts the meetings of the last year, or since the terms were approved or the board was set up
/// if that is later.
fn board_meets_too_rarely(c: &Context<'_>, board: &Rec<Board>) -> Fault {
    const YEAR_DAYS: i64 = 365;
    let terms = latest_terms(c, board.meta.id).filter(|_| c.is_active(board))?;
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
            "{held} of {wanted} expected meetings in the last {}",
            days(looked_at)
        ))
    } else {
        None
    }
}
