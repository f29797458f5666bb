//! Invitations: on what basis a board asks a post, a body or a constituency to sit with it. Who sits without one sits on no clear basis.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::constituency::check_terms;
use crate::policy::Subject;
use crate::registers::checks::{Days, asked, fixed, in_window, not_in_future, overlap, runs_on};
use crate::registers::governance::MembershipCapacity;
use crate::registers::links::others;
use crate::registers::organisation::UnitKind;
use crate::registers::query::{Any, any_some, is, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// The basis on which a board asks somebody to sit with it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The board that invites. Cannot change.
    pub board_id: Uuid,
    /// The unit, association or outside body that is invited. An invitation names this, `post_id` or `constituency_kind`; it cannot change.
    #[serde(default)]
    pub unit_id: Option<Uuid>,
    /// The post that is invited.
    #[serde(default)]
    pub post_id: Option<Uuid>,
    /// All units of this kind.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// In what capacity.
    #[serde(default)]
    pub capacity: Option<MembershipCapacity>,
    /// Why they are asked, and what for. Either this or `terms_clause` is needed: an invitation without a basis is none.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub basis: Option<String>,
    /// The board's terms of reference that lay it down.
    #[serde(default)]
    pub terms_of_reference_id: Option<Uuid>,
    /// The clause in them.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub terms_clause: Option<String>,
    /// Day on which it was decided.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// The post that decided it.
    #[serde(default)]
    pub decided_by_post_id: Option<Uuid>,
    /// The board that decided it.
    #[serde(default)]
    pub decided_by_board_id: Option<Uuid>,
    /// First day on which it holds; none: from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day on which it holds; none: it holds still.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of invitations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct InvitationFilter {
    /// Invitations to this board.
    board_id: Option<Uuid>,
    /// Invitations of this unit.
    unit_id: Option<Uuid>,
    /// Invitations of this post.
    post_id: Option<Uuid>,
    /// Invitations of all units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Whether a clause of the terms of reference lays it down.
    in_terms: Option<bool>,
    /// Whether the invitation holds today.
    current: Option<bool>,
    /// Invitations decided on or after this day.
    decided_from: Option<NaiveDate>,
    /// Invitations decided on or before this day.
    decided_until: Option<NaiveDate>,
}

impl Invitation {
    /// The days on which it holds.
    #[must_use]
    pub fn days(&self) -> Days {
        (self.from_on, self.until_on)
    }

    fn invited(&self) -> (Option<Uuid>, Option<Uuid>, Option<UnitKind>) {
        (self.unit_id, self.post_id, self.constituency_kind)
    }
}

impl Resource for Invitation {
    const KIND: &'static str = "invitation";
    const PATH: &'static str = "invitations";
    const PREFIX: &'static str = "INV";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "On what basis a board invites a post, a body or a constituency: in words, by a clause of its terms of reference, decided when and by whom. A seat held by invitation without such a record has no clear basis.";
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
    fn links(&self, links: &mut Links) {
        links.to("/board_id", &["board"], self.board_id);
        links.to("/unit_id", &["unit"], self.unit_id);
        links.to("/post_id", &["post"], self.post_id);
        links.to(
            "/terms_of_reference_id",
            &["terms_of_reference"],
            self.terms_of_reference_id,
        );
        links.to("/decided_by_post_id", &["post"], self.decided_by_post_id);
        links.to("/decided_by_board_id", &["board"], self.decided_by_board_id);
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    // S19
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "end this invitation and make another";
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
            "an invitation is to one: give unit_id, post_id or constituency_kind",
        );
        rules.require(
            self.basis.is_some() || self.terms_clause.is_some(),
            "/basis",
            "required",
            "an invitation has a basis; say it in basis, or name the clause in terms_clause",
        );
        check_terms(
            rules,
            self.board_id,
            self.terms_of_reference_id,
            self.terms_clause.as_deref(),
        );
        not_in_future(rules, "/decided_on", self.decided_on);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
        let taken = others(rules, self.board_id).any(|i: &Rec<Self>| {
            i.data.board_id == self.board_id
                && i.data.invited() == self.invited()
                && overlap(self.days(), i.data.days())
        });
        rules.require(
            !taken,
            "/from_on",
            "overlap",
            "the board has invited them for some of these days; change or end that invitation first",
        );
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
    fn text(&self) -> Vec<&str> {
        [&self.basis, &self.terms_clause]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let i = &r.data;
        is(&f.board_id, &i.board_id)
            && is_some(&f.unit_id, &i.unit_id)
            && is_some(&f.post_id, &i.post_id)
            && any_some(&f.constituency_kind, i.constituency_kind)
            && asked(f.in_terms, || i.terms_clause.is_some())
            && asked(f.current, || runs_on(i.days(), reading.on))
            && in_window(i.decided_on, (f.decided_from, f.decided_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id.or(f.unit_id).or(f.post_id)
    }
}
