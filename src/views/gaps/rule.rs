//! Rules that find gaps, and what a rule may use in addition to the record itself. Answers that
//! several rules need, or that a rule needs for every record, are worked out once for the whole
//! view, and only when a rule asks. Too many records refer to a board or a unit for each rule to go
//! through them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use uuid::Uuid;

pub use crate::views::findings::FindingSeverity;

use crate::registers::gaps::GapWaiver;
use crate::registers::governance::{Board, BoardRelationship, Membership, Remit, TermsOfReference};
use crate::registers::meetings::{Meeting, MeetingStatus};
use crate::registers::organisation::{PostId, Unit, UnitId, UnitKind, has_owner};
use crate::registers::performance::Measure;
use crate::registers::plan::Plan;
use crate::registers::representation::RepresentationTarget;
use crate::registers::settings::SettingSet;
use crate::views::findings::{self, Rules};
use crate::views::good_practice::published;
use crate::views::judgement::Judge;
use crate::views::performance::{MeasureAvailability, availability};
use crate::views::representation::{Picture, RepresentationTargetState, at_the_table};
use crate::views::wait_graph::is_worked;
use crate::world::dates::Deadline;
use crate::world::reads::Shared;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, IdMap, Rec, Resource};

/// What is wrong with one record, in a few words; empty if the rule's own text says everything.
pub struct Missing(Cow<'static, str>);

impl Missing {
    /// What is wrong, as a sentence: the rule's own text, and the words about the record.
    pub fn reason(&self, rule: &Rule) -> String {
        match self.0.as_ref() {
            "" => rule.checks.to_owned(),
            words => format!("{} ({words})", rule.checks.trim_end_matches('.')),
        }
    }
}

/// What a rule finds on a record.
pub type Fault = Option<Missing>;

/// Looks at every live record of a kind.
pub type Each<R> = findings::Each<R, Missing>;

/// A rule: what must be there, and why.
pub type Rule = findings::Rule<Missing>;

/// A finding without words of its own, if the condition holds.
#[must_use]
pub fn plain_if(is_fault: bool) -> Fault {
    is_fault.then_some(Missing(Cow::Borrowed("")))
}

/// A finding with words of its own.
pub fn because(words: impl Into<String>) -> Fault {
    Some(Missing(Cow::Owned(words.into())))
}

/// A finding if a record needs an owner, and none of the posts and units that it names as responsible
/// exists on the date.
pub fn unowned(
    c: &Context<'_>,
    is_needed: bool,
    post: Option<PostId>,
    unit: Option<UnitId>,
) -> Fault {
    if !is_needed || has_owner(c.seen.reading(c.on), post, unit) {
        return None;
    }
    let recorded = [post.map(Uuid::from), unit.map(Uuid::from)];
    let recorded = recorded.into_iter().flatten();
    let ended: Vec<&str> = recorded
        .filter_map(|id| c.seen.any(id))
        .map(|owner| owner.meta().reference.as_str())
        .collect();
    if ended.is_empty() {
        return plain_if(true);
    }
    because(format!(
        "only {}, which {} not exist on this date",
        ended.join(" and "),
        if ended.len() == 1 { "does" } else { "do" }
    ))
}

/// The goals in a board's remit on the date, whatever the kind of remit: the two STRIDE bodies
/// share aim and objectives, but not the kind of remit.
pub(super) fn goals_of(c: &Context<'_>, board: Uuid) -> BTreeSet<Uuid> {
    let in_force = c.remits.of(board).filter(|r| c.is_active(*r));
    in_force.map(|r| r.data.goal_id).map(Into::into).collect()
}

/// The live records of one kind by what they are about: those of the records that link to it whose
/// link says so.
pub struct By<'a, R: Resource> {
    seen: &'a VisibleWorld,
    about: fn(&R) -> Vec<Uuid>,
}

impl<'a, R: Resource> By<'a, R> {
    fn new(seen: &'a VisibleWorld, about: fn(&R) -> Vec<Uuid>) -> Self {
        Self { seen, about }
    }

    /// The records about `id`, in the order in which they were recorded.
    pub fn of(&self, id: Uuid) -> impl Iterator<Item = &'a Rec<R>> + use<'a, R> {
        let about = self.about;
        let seen: &'a VisibleWorld = self.seen;
        let linking = seen.pointing::<R>(id);
        linking.filter(move |r| about(&r.data).contains(&id))
    }
}

/// Results worked out for single records, cached for the next use. Rules ask from several threads.
struct PerRecord<T>(Mutex<IdMap<Arc<Shared<T>>>>);

impl<T> Default for PerRecord<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> PerRecord<T> {
    fn get(&self, id: Uuid) -> Arc<Shared<T>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id).or_default())
    }
}

/// What a rule may use in addition to the record itself.
pub struct Context<'a> {
    pub seen: &'a VisibleWorld,
    /// The date to calculate for.
    pub on: NaiveDate,
    pub settings: &'a SettingSet,
    /// Every rule: some rules are about what others find.
    pub rules: &'static Rules<Missing>,
    /// Plans by the plan that they refresh.
    pub refreshes: By<'a, Plan>,
    /// Measures by goal.
    pub measures: By<'a, Measure>,
    /// Remits by goal and by board.
    pub remits: By<'a, Remit>,
    /// By board.
    pub terms: By<'a, TermsOfReference>,
    /// By board.
    pub members: By<'a, Membership>,
    /// Board relationships by the board that they start from.
    pub edges: By<'a, BoardRelationship>,
    /// By board.
    pub meetings: By<'a, Meeting>,
    /// The state of records, as every view reports it.
    pub judge: Judge<'a>,
    waivers: By<'a, GapWaiver>,
    pictures: PerRecord<Arc<Picture<'a>>>,
    heard: Shared<(HashSet<Uuid>, HashSet<UnitKind>)>,
    practising: Shared<HashSet<Uuid>>,
    figures: PerRecord<Arc<MeasureAvailability>>,
    aims: Shared<HashMap<BTreeSet<Uuid>, Vec<&'a Rec<Board>>>>,
}

impl<'a> Context<'a> {
    /// The context for what is visible to a caller, on a date.
    #[must_use]
    pub fn new(
        seen: &'a VisibleWorld,
        on: NaiveDate,
        settings: &'a SettingSet,
        rules: &'static Rules<Missing>,
    ) -> Self {
        Self {
            seen,
            on,
            settings,
            rules,
            refreshes: By::new(seen, |p| {
                p.predecessor_id.into_iter().map(Into::into).collect()
            }),
            measures: By::new(seen, |m| m.goal_ids.iter().map(|id| id.uuid()).collect()),
            remits: By::new(seen, |r| vec![r.goal_id.uuid(), r.board_id.uuid()]),
            terms: By::new(seen, |t| vec![t.board_id.uuid()]),
            members: By::new(seen, |m| vec![m.board_id.uuid()]),
            edges: By::new(seen, |e| vec![e.from_board_id.uuid()]),
            meetings: By::new(seen, |m| vec![m.board_id.uuid()]),
            judge: Judge::new(seen, on, settings),
            waivers: By::new(seen, |w| vec![w.record_id.uuid()]),
            pictures: PerRecord::default(),
            heard: Shared::default(),
            practising: Shared::default(),
            figures: PerRecord::default(),
            aims: Shared::default(),
        }
    }

    /// The waiver in force on the date for a rule's finding on a record.
    pub fn waiver(&self, rule: &str, record: Uuid) -> Option<&'a Rec<GapWaiver>> {
        let mut waivers = self.waivers.of(record);
        waivers.find(|w| w.data.rule == rule && self.is_active(*w))
    }

    /// Whether a record exists or applies on the date.
    pub fn is_active(&self, record: &dyn AnyRecord) -> bool {
        self.seen.is_active_on(record, self.on)
    }

    /// Whether a plan is still being worked to.
    pub fn is_planned(&self, plan: Uuid) -> bool {
        is_worked(self.seen, self.on, plan)
    }

    /// Who is represented on a board.
    pub fn picture(&self, board: Uuid) -> Arc<Picture<'a>> {
        let picture = self.pictures.get(board);
        let made = picture.get_or_make(|| Arc::new(Picture::new(self.seen, board, self.on)));
        Arc::clone(made)
    }

    /// Until when a record is to be done, and whether it is.
    pub fn deadline<'r, R: Resource>(&'r self, record: &'r Rec<R>) -> Deadline<'r> {
        R::deadline(record, self.seen.reading(self.on))
    }

    /// How far a representation target is met, as the view of its board says.
    pub fn target(&self, target: &Rec<RepresentationTarget>) -> Option<RepresentationTargetState> {
        let (targets, _) = self.picture(target.data.board_id.uuid()).heard();
        targets.into_iter().find(|t| t.target_id == target.meta.id)
    }

    /// Whether a unit has a seat at the table of an active board, or a seat represents all units of
    /// its kind.
    pub fn is_heard(&self, unit: &Rec<Unit>) -> bool {
        let (units, kinds) = self.heard.get_or_make(|| {
            let (mut units, mut kinds) = (HashSet::new(), HashSet::new());
            for seat in self.seen.live::<Membership>() {
                let sits = || {
                    self.seen
                        .get::<Board>(seat.data.board_id)
                        .is_some_and(|b| self.is_active(b))
                };
                if at_the_table(&seat.data) && self.is_active(seat) && sits() {
                    kinds.extend(seat.data.constituency_kind);
                    units.extend(
                        crate::views::representation::unit_of(self.seen, &seat.data)
                            .map(|u| u.meta.id),
                    );
                }
            }
            (units, kinds)
        });
        units.contains(&unit.meta.id) || kinds.contains(&unit.data.unit_kind)
    }

    /// Whether a unit, or one below it, has published good practice.
    pub fn shares_practice(&self, unit: &Rec<Unit>) -> bool {
        let units = self.practising.get_or_make(|| {
            let units = published(self.seen).flat_map(|(_, units)| units);
            units.collect::<HashSet<Uuid>>()
        });
        units.contains(&unit.meta.id)
    }

    /// Which figures are available for a measure in its latest period.
    pub fn figures(&self, measure: &Rec<Measure>) -> Arc<MeasureAvailability> {
        let figures = self.figures.get(measure.meta.id);
        Arc::clone(figures.get_or_make(|| Arc::new(availability(self.seen, measure, 1))))
    }

    /// The active boards that have exactly these goals in their remits.
    pub fn with_goals(&self, goals: &BTreeSet<Uuid>) -> Vec<&'a Rec<Board>> {
        let aims = self.aims.get_or_make(|| {
            let mut aims: HashMap<BTreeSet<Uuid>, Vec<&'a Rec<Board>>> = HashMap::new();
            for board in self.seen.live::<Board>().filter(|b| self.is_active(*b)) {
                aims.entry(goals_of(self, board.meta.id))
                    .or_default()
                    .push(board);
            }
            aims
        });
        aims.get(goals).cloned().unwrap_or_default()
    }

    /// The board's meetings held by the date, latest first.
    pub fn held(&self, board: Uuid) -> Vec<(NaiveDate, &'a Rec<Meeting>)> {
        let day = |m: &'a Rec<Meeting>| {
            m.computed
                .meeting_on
                .filter(|d| *d <= self.on)
                .map(|d| (d, m))
        };
        let mut held: Vec<_> = self
            .meetings
            .of(board)
            .filter(|m| m.data.status == MeetingStatus::Held)
            .filter_map(day)
            .collect();
        held.sort_by_key(|(day, m)| (std::cmp::Reverse(*day), m.meta.id));
        held
    }
}
