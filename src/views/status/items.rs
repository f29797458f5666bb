//! Items with declared and computed RAG ratings, a page at a time.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Named;
use super::counts::ItemState;
use super::scope::strategy_of;
use crate::http::query::invalid;
use crate::problem::Problem;
use crate::registers::plan::{ItemStatus, Rag, WorkPlanItem};
use crate::registers::settings::in_force;
use crate::views::judgement::Judge;
use crate::views::rag::ItemRagRule;
use crate::views::request::{Asked, View, id_of};
use crate::views::rows::AssessedPage;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::{Page, Text};

/// One item with its declared and computed RAG rating.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemStatusRow {
    /// The item.
    pub item: Named,
    /// Declared status.
    pub status: ItemStatus,
    /// RAG rating declared by the lead.
    pub declared_rag: Rag,
    /// RAG rating computed by the service.
    pub computed_rag: Rag,
    /// Rule that decided the computed RAG rating.
    pub computed_by: ItemRagRule,
    /// The reason as a sentence.
    pub computed_reason: Text<200>,
    /// Whether the two agree. An item that its lead has not rated always agrees.
    pub agrees: bool,
    /// Due date.
    pub due_on: Option<NaiveDate>,
    /// Days from the first deadline to the current one.
    pub deadline_moved_days: Option<i64>,
    /// Date of its latest progress update.
    pub last_update_on: Option<NaiveDate>,
    /// Date of its latest progress update or deadline change.
    pub last_heard_on: Option<NaiveDate>,
    /// The post that leads it.
    pub lead_post_id: Option<Uuid>,
    /// Unit responsible for it.
    pub responsible_unit_id: Option<Uuid>,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

impl View for AssessedPage<ItemStatusRow> {
    fn fields(&self) -> Vec<Field> {
        fields_of::<ItemStatusRow>()
    }
    fn rows(&self) -> Vec<Value> {
        self.page.items.iter().map(|row| json!(row)).collect()
    }
}

/// Items in the order of their references, after the cursor.
pub(in crate::views) fn items(asked: &Asked) -> Result<AssessedPage<ItemStatusRow>, Problem> {
    let seen = &asked.seen;
    let world = seen.reading(asked.on).world;
    let settings = in_force(world);
    let judge = Judge::new(seen, asked.on, settings);
    let limit = asked.limit()?;
    let disagreeing = asked.query.flag("disagreeing")?;
    let computed = asked.query.get("computed_rag");
    let known = crate::views::rag::codes();
    if computed.is_some_and(|c| !known.iter().any(|k| k == c)) {
        return Err(invalid(
            "computed_rag",
            &format!("must be one of {}", known.join(", ")),
        ));
    }
    let (strategy, unit, goal) = (
        id_of(asked, "strategy_id")?,
        id_of(asked, "responsible_unit_id")?,
        id_of(asked, "goal_id")?,
    );
    let after = asked.cursor().unwrap_or_default();
    let wanted = |i: &ItemState<'_>| {
        let data = &i.record.data;
        (!disagreeing || (!i.agrees() && !data.status.is_closed()))
            && computed.is_none_or(|c| word(&i.rated.rag) == c)
            && (unit.is_none() || unit == data.responsible_unit_id.map(Into::into))
            && goal.is_none_or(|g| data.goals.iter().any(|s| s.goal_id == g))
            && strategy.is_none_or(|s| strategy_of(seen, data.plan_id.uuid()) == Some(s))
    };
    let rows: Vec<ItemStatusRow> = seen
        .by_reference::<WorkPlanItem>(after)
        .map(|r| ItemState::new(r, judge.item(r), asked.on, settings))
        .filter(wanted)
        .take(limit + 1)
        .map(|i| row(&i))
        .collect();
    let page = Page::of(rows, limit, |r| r.item.reference.to_string());
    Ok(AssessedPage::of(page, asked))
}

fn row(i: &ItemState<'_>) -> ItemStatusRow {
    let (meta, data) = (&i.record.meta, &i.record.data);
    ItemStatusRow {
        item: Named::new(meta, &data.title),
        status: data.status,
        declared_rag: data.declared_rag,
        computed_rag: i.rated.rag,
        computed_by: i.rated.by,
        computed_reason: Text::cut(i.rated.reason()),
        agrees: i.agrees(),
        due_on: data.deadline.due_on,
        deadline_moved_days: i.record.computed.deadline_moved_days,
        last_update_on: i.record.computed.last_update_on,
        last_heard_on: i.record.last_heard_on(),
        lead_post_id: data.lead_post_id.map(Into::into),
        responsible_unit_id: data.responsible_unit_id.map(Into::into),
        updated_at: meta.updated_at,
    }
}
