//! Invitations: the basis on which a board invites a post, a body or a constituency to sit on it. A
//! seat held by invitation without such a record has no clear basis.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::constituency::check_terms;
use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::governance::{Board, BoardId, MembershipCapacity, TermsOfReferenceId};
use crate::registers::links::others;
use crate::registers::organisation::{PostId, UnitId, UnitKind};
use crate::registers::query::{Any, any_some, is, is_some};
use crate::world::blank::OptionalText;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// The basis on which a board invites someone to sit on it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Board that invites. Cannot change.
    pub board_id: BoardId,
    /// Unit, association or outside body that is invited. Give exactly one of this, `post_id` and
    /// `constituency_kind`. Cannot change.
    #[serde(default)]
    pub unit_id: Option<UnitId>,
    /// Post that is invited.
    #[serde(default)]
    pub post_id: Option<PostId>,
    /// Kind of unit that is invited: all units of this kind.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// Capacity.
    #[serde(default)]
    pub capacity: Option<MembershipCapacity>,
    /// Why they are invited, and for what. An invitation needs a basis, so either this or
    /// `terms_clause` is required.
    #[serde(default)]
    pub basis: Option<Text<2000, 1>>,
    /// The board's terms of reference that provide for it.
    #[serde(default)]
    pub terms_of_reference_id: Option<TermsOfReferenceId>,
    /// Clause in those terms of reference.
    #[serde(default)]
    pub terms_clause: Option<Text<200, 1>>,
    /// Date of the decision.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// Post that made the decision.
    #[serde(default)]
    pub decided_by_post_id: Option<PostId>,
    /// Board that made the decision.
    #[serde(default)]
    pub decided_by_board_id: Option<BoardId>,
    /// First day it applies. Null if it applied from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day it applies. Null if it still applies.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Filters for a list of invitations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct InvitationFilter {
    /// Only invitations to sit on this board.
    board_id: Option<BoardId>,
    /// Only invitations for this unit.
    unit_id: Option<UnitId>,
    /// Only invitations for this post.
    post_id: Option<PostId>,
    /// Only invitations for all units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Whether a clause of the terms of reference provides for the invitation.
    in_terms: Option<bool>,
    /// Whether the invitation is current.
    current: Option<bool>,
    /// Only invitations decided on or after this date.
    decided_from: Option<NaiveDate>,
    /// Only invitations decided on or before this date.
    decided_until: Option<NaiveDate>,
}

impl Invitation {
    fn invited(&self) -> (Option<Uuid>, Option<Uuid>, Option<UnitKind>) {
        (
            self.unit_id.map(Into::into),
            self.post_id.map(Into::into),
            self.constituency_kind,
        )
    }
}

impl Resource for Invitation {
    const KIND: &'static str = "invitation";
    const PATH: &'static str = "invitations";
    const PREFIX: &'static str = "INV";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "The basis on which a board invites a post, a body or a \
        constituency: in words or by a clause of its terms of reference, with the date of the \
        decision and who made it. A seat held by invitation without such a record has no clear \
        basis.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::InvitationEnd];
    type Computed = NothingComputed;
    type Filter = InvitationFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "unit_id": "019abcde-0000-7000-8000-000000000002",
            "capacity": "adviser",
            "basis": "Independent expertise and a view from outside",
            "decided_on": "2020-06-29",
            "decided_by_board_id": "019abcde-0000-7000-8000-000000000001",
            "from_on": "2020-06-29"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    // S19
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "end this invitation and record a new one";
        fixed(rules, self, "/board_id", |i| i.board_id, remedy);
        fixed(rules, self, "/unit_id", |i| i.unit_id, remedy);
        fixed(rules, self, "/post_id", |i| i.post_id, remedy);
        fixed(
            rules,
            self,
            "/constituency_kind",
            |i| i.constituency_kind,
            remedy,
        );
        let named = [
            self.unit_id.is_some(),
            self.post_id.is_some(),
            self.constituency_kind.is_some(),
        ];
        rules.require(
            named.iter().filter(|n| **n).count() == 1,
            "/unit_id",
            "one_of",
            "give exactly one of unit_id, post_id and constituency_kind",
        );
        rules.require(
            self.basis.is_some() || self.terms_clause.is_some(),
            "/basis",
            "required",
            "is required because an invitation needs a basis; state it in basis, or name the \
                clause in terms_clause",
        );
        check_terms(
            rules,
            self.board_id.uuid().into(),
            self.terms_of_reference_id,
            self.terms_clause.as_deref(),
        );
        not_in_future(rules, "/decided_on", self.decided_on);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
        let taken = others(rules, self.board_id.uuid()).any(|i: &Rec<Self>| {
            i.data.board_id == self.board_id
                && i.data.invited() == self.invited()
                && overlap(self.active_days(), i.data.active_days())
        });
        rules.require(
            !taken,
            "/from_on",
            "overlap",
            "overlaps another invitation of this board to the same invitee; change or end that \
                invitation first",
        );
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let end = Dated::end(CalendarEntryKind::InvitationEnd, record.data.until_on);
        vec![end.at_board(record.data.board_id)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let board = reading.title_of::<Board>(record.data.board_id);
        board.unwrap_or_default().into()
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "from_on",
                key: |r| Key::from(r.data.from_on),
            },
            Sort {
                name: "decided_on",
                key: |r| Key::from(r.data.decided_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let i = &r.data;
        is(&f.board_id, &i.board_id)
            && is_some(&f.unit_id, &i.unit_id)
            && is_some(&f.post_id, &i.post_id)
            && any_some(&f.constituency_kind, i.constituency_kind)
            && asked(f.in_terms, || !i.terms_clause.is_unsaid())
            && asked(f.current, || reading.is_active(r))
            && in_window(i.decided_on, (f.decided_from, f.decided_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.unit_id.map(Uuid::from))
            .or(f.post_id.map(Uuid::from))
    }
}
