//! Where the work plan stands: how many items in which state, by goal and by unit; declared beside computed; what is due next.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rag::{Rated, RatedBy, is_due_soon, stale_days};
use super::{Asked, View, flatten, id_of, judged_page, operation};
use crate::access::policy::Subject;
use crate::http::operation::{Operation, id_parameter, id_query, query};
use crate::http::page::{limit, limit_parameter};
use crate::http::query::invalid;
use crate::problem::Problem;
use crate::registers::organisation::Unit;
use crate::registers::plan::{ItemStatus, Plan, Rag, WorkPlanItem};
use crate::registers::settings::{SettingSet, SettingsUsed, in_force, used};
use crate::registers::strategy::{Goal, Strategy, StrategyVersion};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::Seen;
use crate::world::{Meta, Rec};

/// How many dates the view shows.
const NEXT_DATES: usize = 20;

/// Items by what is declared or computed.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct RagCounts {
    /// Will not be met without a change of course.
    pub red: u32,
    /// At risk.
    pub amber: u32,
    /// On course.
    pub green: u32,
    /// Complete.
    pub blue: u32,
    /// Not rated.
    pub grey: u32,
}

impl RagCounts {
    fn add(&mut self, rag: Rag) {
        *match rag {
            Rag::Red => &mut self.red,
            Rag::Amber => &mut self.amber,
            Rag::Green => &mut self.green,
            Rag::Blue => &mut self.blue,
            Rag::Grey => &mut self.grey,
        } += 1;
    }
}

/// Items by status.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ItemStatusCounts {
    /// Not begun.
    pub not_started: u32,
    /// Under way.
    pub in_progress: u32,
    /// Nothing is done for the time being.
    pub on_hold: u32,
    /// Done.
    pub complete: u32,
    /// Given up.
    pub cancelled: u32,
    /// Another item took their place.
    pub superseded: u32,
}

impl ItemStatusCounts {
    fn add(&mut self, status: ItemStatus) {
        *match status {
            ItemStatus::NotStarted => &mut self.not_started,
            ItemStatus::InProgress => &mut self.in_progress,
            ItemStatus::OnHold => &mut self.on_hold,
            ItemStatus::Complete => &mut self.complete,
            ItemStatus::Cancelled => &mut self.cancelled,
            ItemStatus::Superseded => &mut self.superseded,
        } += 1;
    }
}

/// How a set of items stands.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct StatusCounts {
    /// Items in the set, closed ones too.
    pub items: u32,
    /// By declared status.
    pub by_status: ItemStatusCounts,
    /// As the leads rate them.
    pub declared_rag: RagCounts,
    /// As the service computes it.
    pub computed_rag: RagCounts,
    /// Open items whose declared and computed colour differ. An item that its lead has not rated differs from nothing.
    pub disagreeing: u32,
    /// Open items whose deadline has passed, or whose first deadline has where they were put off to no date.
    pub overdue: u32,
    /// Open items whose deadline is near.
    pub due_soon: u32,
    /// Open items that no post leads.
    pub without_lead: u32,
    /// Open items without a deadline.
    pub without_deadline: u32,
    /// Open items that have not been heard of for long.
    pub stale: u32,
}

impl StatusCounts {
    fn add(&mut self, item: &ItemState<'_>) {
        let data = &item.record.data;
        self.items += 1;
        self.by_status.add(data.status);
        self.declared_rag.add(data.declared_rag);
        self.computed_rag.add(item.rated.rag);
        if data.status.is_closed() {
            return;
        }
        self.disagreeing += u32::from(!item.agrees());
        self.overdue += u32::from(item.record.is_overdue(item.on));
        self.due_soon += u32::from(item.is_due_soon);
        self.without_lead += u32::from(data.lead_post_id.is_none());
        self.without_deadline += u32::from(data.deadline.due_on.is_none());
        self.stale += u32::from(item.is_stale);
    }

    fn row(&self, group: &str, of: Option<&Named>) -> Map<String, Value> {
        let mut row = Map::new();
        row.insert("group".into(), group.into());
        row.insert("id".into(), json!(of.map(|n| n.id)));
        row.insert("reference".into(), json!(of.map(|n| &n.reference)));
        row.insert("name".into(), json!(of.map(|n| &n.name)));
        flatten(&mut row, "", json!(self));
        row
    }
}

/// A record by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Named {
    /// Its id.
    pub id: Uuid,
    /// Its reference.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Its name or title.
    #[schema(max_length = 300)]
    pub name: String,
}

impl Named {
    pub(super) fn new(meta: &Meta, name: &str) -> Self {
        Self {
            id: meta.id,
            reference: meta.reference.clone(),
            name: name.to_owned(),
        }
    }
}

/// The items of one goal or unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusGroup {
    /// The goal or unit; null for the items that have none.
    pub of: Option<Named>,
    /// How they stand.
    pub counts: StatusCounts,
}

/// A deadline to come.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextDate {
    /// The day it is due.
    pub due_on: NaiveDate,
    /// The item.
    pub item: Named,
    /// The post that leads it; null where none does.
    pub lead_post_id: Option<Uuid>,
}

/// What the figures were judged by.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusThresholds {
    /// A deadline within so many days is due soon.
    pub due_soon_days: i64,
    /// Without an update for so many days an open item is stale.
    pub stale_after_days: i64,
    /// The settings that these come from.
    pub settings: SettingsUsed,
}

/// Where the work plan stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// The strategy it is about; null for everything.
    pub strategy: Option<Named>,
    /// The day it is judged by.
    pub on: NaiveDate,
    /// Number of the journal entry up to which it looks.
    pub journal_seq: i64,
    /// What the figures were judged by.
    pub thresholds: StatusThresholds,
    /// Everything together.
    pub totals: StatusCounts,
    /// By each goal that is served, in the order of the references; an item that serves several counts for each.
    #[schema(max_items = 100_000)]
    pub by_goal: Vec<StatusGroup>,
    /// By the unit that is responsible.
    #[schema(max_items = 100_000)]
    pub by_unit: Vec<StatusGroup>,
    /// The next deadlines of open items, soonest first.
    #[schema(max_items = 20)]
    pub next_dates: Vec<NextDate>,
}

impl View for StatusView {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let mut rows = vec![self.totals.row("total", None)];
        rows.extend(self.by_goal.iter().map(|g| g.counts.row("goal", g.of.as_ref())));
        rows.extend(self.by_unit.iter().map(|g| g.counts.row("unit", g.of.as_ref())));
        rows
    }
}

/// An item as the view sees it.
struct ItemState<'a> {
    record: &'a Rec<WorkPlanItem>,
    on: NaiveDate,
    rated: Rated,
    is_stale: bool,
    is_due_soon: bool,
}

impl<'a> ItemState<'a> {
    fn new(record: &'a Rec<WorkPlanItem>, on: NaiveDate, settings: &SettingSet) -> Self {
        Self {
            record,
            on,
            rated: Rated::of(record, on, settings),
            is_stale: stale_days(record, on, settings).is_some(),
            is_due_soon: is_due_soon(&record.data, on, settings),
        }
    }

    fn agrees(&self) -> bool {
        let declared = self.record.data.declared_rag;
        declared == Rag::Grey || declared == self.rated.rag
    }
}

/// The strategy that an item's plan delivers.
fn strategy_of(seen: &Seen, plan: Uuid) -> Option<Uuid> {
    let version = seen.get::<Plan>(plan)?.data.strategy_version_id?;
    Some(seen.get::<StrategyVersion>(version)?.data.strategy_id)
}

/// Computes the view, for one strategy or for everything.
fn status(asked: &Asked, strategy: Option<&Rec<Strategy>>) -> StatusView {
    let seen = &asked.seen;
    let world = seen.reading(asked.on).world;
    let settings = in_force(world);
    let mut plans: HashMap<Uuid, bool> = HashMap::new();
    let mut totals = StatusCounts::default();
    let mut goals: HashMap<Option<Uuid>, StatusCounts> = HashMap::new();
    let mut units: HashMap<Option<Uuid>, StatusCounts> = HashMap::new();
    let mut next: std::collections::BTreeMap<(NaiveDate, &str), &Rec<WorkPlanItem>> = std::collections::BTreeMap::new();
    for record in seen.live::<WorkPlanItem>() {
        let plan = record.data.plan_id;
        // The items of a withdrawn plan go with it.
        let is_wanted =
            || seen.get::<Plan>(plan).is_some_and(Rec::is_live) && strategy.is_none_or(|s| strategy_of(seen, plan) == Some(s.meta.id));
        if !*plans.entry(plan).or_insert_with(is_wanted) {
            continue;
        }
        let item = ItemState::new(record, asked.on, settings);
        totals.add(&item);
        units.entry(record.data.responsible_unit_id).or_default().add(&item);
        if record.data.goals.is_empty() {
            goals.entry(None).or_default().add(&item);
        }
        for served in &record.data.goals {
            goals.entry(Some(served.goal_id)).or_default().add(&item);
        }
        if let Some(due) = record
            .data
            .deadline
            .due_on
            .filter(|d| *d >= asked.on && !record.data.status.is_closed())
        {
            next.insert((due, &record.meta.reference), record);
            if next.len() > NEXT_DATES {
                next.pop_last();
            }
        }
    }
    let goal = |id| seen.get::<Goal>(id).map(|g| Named::new(&g.meta, &g.data.title));
    let unit = |id| seen.get::<Unit>(id).map(|u| Named::new(&u.meta, &u.data.name));
    StatusView {
        strategy: strategy.map(|s| Named::new(&s.meta, &s.data.title)),
        on: asked.on,
        journal_seq: seen.seq(),
        thresholds: StatusThresholds {
            due_soon_days: settings.due_soon_days,
            stale_after_days: settings.stale_after_days,
            settings: used(world),
        },
        totals,
        by_goal: groups(goals, goal),
        by_unit: groups(units, unit),
        next_dates: next
            .into_iter()
            .map(|((due_on, _), r)| NextDate {
                due_on,
                item: Named::new(&r.meta, &r.data.title),
                lead_post_id: r.data.lead_post_id,
            })
            .collect(),
    }
}

/// Names the groups. What the caller may not know of is counted with what has no group.
fn groups(counts: HashMap<Option<Uuid>, StatusCounts>, name: impl Fn(Uuid) -> Option<Named>) -> Vec<StatusGroup> {
    let mut groups: Vec<StatusGroup> = Vec::with_capacity(counts.len());
    let mut hidden: Vec<StatusCounts> = Vec::new();
    for (id, counts) in counts {
        match id.and_then(&name) {
            Some(of) => groups.push(StatusGroup { of: Some(of), counts }),
            None => hidden.push(counts),
        }
    }
    let reference = |g: &StatusGroup| g.of.as_ref().map(|n| n.reference.clone());
    groups.sort_by_key(reference);
    if let Some(counts) = hidden.into_iter().reduce(StatusCounts::plus) {
        groups.push(StatusGroup { of: None, counts });
    }
    groups
}

impl StatusCounts {
    fn plus(mut self, other: Self) -> Self {
        let (a, b) = (&mut self, &other);
        a.items += b.items;
        a.disagreeing += b.disagreeing;
        a.overdue += b.overdue;
        a.due_soon += b.due_soon;
        a.without_lead += b.without_lead;
        a.without_deadline += b.without_deadline;
        a.stale += b.stale;
        for (a, b) in [(&mut a.declared_rag, &b.declared_rag), (&mut a.computed_rag, &b.computed_rag)] {
            a.red += b.red;
            a.amber += b.amber;
            a.green += b.green;
            a.blue += b.blue;
            a.grey += b.grey;
        }
        let (a, b) = (&mut a.by_status, &b.by_status);
        a.not_started += b.not_started;
        a.in_progress += b.in_progress;
        a.on_hold += b.on_hold;
        a.complete += b.complete;
        a.cancelled += b.cancelled;
        a.superseded += b.superseded;
        self
    }
}

/// One item: declared beside computed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemStatusRow {
    /// The item.
    pub item: Named,
    /// Where it stands, as declared.
    pub status: ItemStatus,
    /// As its lead rates it.
    pub declared_rag: Rag,
    /// As the service computes it.
    pub computed_rag: Rag,
    /// The rule that decided the computed colour.
    pub computed_by: RatedBy,
    /// The same in a sentence.
    #[schema(max_length = 200)]
    pub computed_reason: String,
    /// Whether the two agree; an item that its lead has not rated disagrees with nothing.
    pub agrees: bool,
    /// The day it is due.
    pub due_on: Option<NaiveDate>,
    /// Days from the first deadline to the present one.
    pub deadline_moved_days: Option<i64>,
    /// The day of its latest progress update.
    pub last_update_on: Option<NaiveDate>,
    /// The post that leads it.
    pub lead_post_id: Option<Uuid>,
    /// The unit that is responsible for it.
    pub responsible_unit_id: Option<Uuid>,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A page of items, declared beside computed.
#[derive(Debug, Serialize)]
pub struct ItemStatusRowPage {
    items: Vec<ItemStatusRow>,
    next_cursor: Option<String>,
    total: Option<usize>,
    on: NaiveDate,
    settings: SettingsUsed,
}

impl utoipa::PartialSchema for ItemStatusRowPage {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::Object::new().into()
    }
}
impl ToSchema for ItemStatusRowPage {}

impl View for ItemStatusRowPage {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let row = |item: &ItemStatusRow| {
            let mut row = Map::new();
            flatten(&mut row, "", json!(item));
            row
        };
        self.items.iter().map(row).collect()
    }
}

/// Items in the order of their references, from the cursor on.
fn items(asked: &Asked) -> Result<ItemStatusRowPage, Problem> {
    let seen = &asked.seen;
    let world = seen.reading(asked.on).world;
    let settings = in_force(world);
    let limit = limit(&asked.query)?;
    let disagreeing = asked.query.flag("disagreeing")?;
    let computed = asked.query.get("computed_rag");
    let known = [Rag::Red, Rag::Amber, Rag::Green, Rag::Blue, Rag::Grey].map(|r| word(&r));
    if computed.is_some_and(|c| !known.iter().any(|k| k == c)) {
        return Err(invalid("computed_rag", &format!("must be one of {}", known.join(", "))));
    }
    let (strategy, unit, goal) = (
        id_of(asked, "strategy_id")?,
        id_of(asked, "responsible_unit_id")?,
        id_of(asked, "goal_id")?,
    );
    let after = asked.query.get("cursor").unwrap_or_default();
    let wanted = |i: &ItemState<'_>| {
        let data = &i.record.data;
        (!disagreeing || (!i.agrees() && !data.status.is_closed()))
            && computed.is_none_or(|c| word(&i.rated.rag) == c)
            && (unit.is_none() || unit == data.responsible_unit_id)
            && goal.is_none_or(|g| data.goals.iter().any(|s| s.goal_id == g))
            && strategy.is_none_or(|s| strategy_of(seen, data.plan_id) == Some(s))
    };
    let mut rows: Vec<ItemStatusRow> = seen
        .by_reference::<WorkPlanItem>(after)
        .map(|r| ItemState::new(r, asked.on, settings))
        .filter(wanted)
        .take(limit + 1)
        .map(|i| row(&i))
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|r| r.item.reference.clone());
    Ok(ItemStatusRowPage {
        items: rows,
        next_cursor,
        total: None,
        on: asked.on,
        settings: used(world),
    })
}

fn row(i: &ItemState<'_>) -> ItemStatusRow {
    let (meta, data) = (&i.record.meta, &i.record.data);
    ItemStatusRow {
        item: Named::new(meta, &data.title),
        status: data.status,
        declared_rag: data.declared_rag,
        computed_rag: i.rated.rag,
        computed_by: i.rated.by,
        computed_reason: i.rated.reason(),
        agrees: i.agrees(),
        due_on: data.deadline.due_on,
        deadline_moved_days: i.record.computed.deadline_moved_days,
        last_update_on: i.record.computed.last_update_on,
        lead_post_id: data.lead_post_id,
        responsible_unit_id: data.responsible_unit_id,
        updated_at: meta.updated_at,
    }
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let about = "Items by status and colour, overall, by goal and by unit; overdue, due soon, without a lead, without a deadline, not heard of for long; the next dates. What leads declare stands beside what the service computes.";
    vec![
        operation("/api/v1/status", "getStatus", Subject::PlanItem, |asked| Ok(status(asked, None))).says(
            "Views",
            "Where everything stands",
            about,
        ),
        operation("/api/v1/strategies/{id}/status", "getStrategyStatus", Subject::PlanItem, |asked| {
            let strategy = asked.seen.get::<Strategy>(asked.id()?).ok_or_else(Problem::not_found)?;
            Ok(status(asked, Some(strategy)))
        })
        .takes([id_parameter("strategy")])
        .says(
            "Views",
            "Where a strategy stands",
            &format!("The items of the plans that deliver it. {about}"),
        ),
        operation("/api/v1/status/items", "listItemStatus", Subject::PlanItem, items)
            .takes([
                limit_parameter("Items"),
                query(
                    "cursor",
                    "`next_cursor` of the page before.",
                    json!({ "type": "string", "maxLength": 60 }),
                ),
                query(
                    "disagreeing",
                    "Only open items whose declared and computed colour differ.",
                    json!({ "type": "boolean", "default": false }),
                ),
                query(
                    "computed_rag",
                    "Only items of this computed colour.",
                    json!({ "type": "string", "enum": ["red", "amber", "green", "blue", "grey"] }),
                ),
                id_query("strategy_id", "Only items of plans that deliver this strategy."),
                id_query("goal_id", "Only items that serve this goal."),
                id_query("responsible_unit_id", "Only items that this unit is responsible for."),
            ])
            .says(
                "Views",
                "Items, declared beside computed",
                "Each item with the colour that its lead declares, the one that the service computes, and the reason for it.",
            ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<StatusView>(schemas);
    add_answer::<ItemStatusRow>(schemas);
    schemas.insert("ItemStatusRowPage".into(), judged_page("ItemStatusRow"));
}
