//! Coverage: which records are meant to cover which others, as sparse matrices, with the gaps on
//! either side listed and counted (Q5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attendance::{LAST_MEETINGS, Turnout, attended};
use super::performance::availability;
use super::rag::counted;
use super::representation::at_the_table;
use super::request::{Asked, View, id_of, operation};
use super::wait_graph::worked_plans;
use crate::http::operation::Operation;
use crate::http::parameters::id_query;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::checks::runs_on;
use crate::registers::communications::GoodPractice;
use crate::registers::governance::{Board, BoardStatus, Membership, Remit, RemitKind};
use crate::registers::links::count;
use crate::registers::organisation::{Post, Unit, UnitKind};
use crate::registers::performance::{Characteristic, Measure, MeasureState};
use crate::registers::plan::{Plan, WorkPlanItem};
use crate::registers::representation::speaks_for;
use crate::registers::strategy::{Goal, Strategy, StrategyStatus, StrategyVersion};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{IdSet, Meta, Rec};

/// Most entries named in one list. The counts are always exact.
const MOST_ENTRIES: usize = 10_000;
/// Most cells returned.
const MOST_CELLS: usize = 50_000;
/// Most matrix columns that a table shows as columns. Above that, the table has a row for each
/// cell.
const WIDEST: usize = 200;

/// Which matrix this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CoverageMatrix {
    /// Plan items against the goals that they serve.
    #[strum(message = "Items and goals")]
    ItemsGoals,
    /// Boards against the goals in their remit.
    #[strum(message = "Boards and goals")]
    BoardsGoals,
    /// Staff support associations and advisory groups against the boards where they have a seat or
    /// attended.
    #[strum(message = "Constituencies and boards")]
    ConstituenciesBoards,
    /// Plan items against the measures that report on them.
    #[strum(message = "Items and measures")]
    ItemsMeasures,
    /// Measures against the protected characteristics for which there are figures.
    #[strum(message = "Measures and characteristics")]
    MeasuresCharacteristics,
    /// Business groups against good practice, by whether it was published by plan or ad hoc.
    #[strum(message = "Groups and good practice")]
    GroupsGoodPractice,
}

/// A row or a column.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageEntry {
    /// Key used in cells: its id or, if it is not a record, its code.
    #[schema(max_length = 36)]
    pub key: String,
    /// Its reference or code.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Its title or name.
    #[schema(max_length = 300)]
    pub name: String,
    /// Number of its cells that are filled.
    #[schema(minimum = 0)]
    pub filled: u32,
    /// Further information, if any.
    #[schema(max_length = 200)]
    pub note: Option<String>,
}

/// A cell that is not empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageCell {
    /// Key of the row.
    #[schema(max_length = 36)]
    pub row: String,
    /// Key of the column.
    #[schema(max_length = 36)]
    pub column: String,
    /// How the row and the column are related, as codes: `serves`; kinds of remit; capacities of
    /// seats, `collective` for a seat held for all of a kind; `told_by`; `figures`, `suppressed`,
    /// `wanted`; `example`.
    #[schema(max_items = 20, schema_with = marks)]
    pub marks: Vec<String>,
    /// Number of records in the cell: seats, remits, examples, categories with a figure.
    #[schema(minimum = 0)]
    pub count: u32,
    /// Whether the cell counts as filled. A seat counts even if nobody attends. An observer's or
    /// deputy's seat, attendance without a seat, and figures that are only wanted do not count.
    pub is_filled: bool,
    /// For seats: at how many of the board's last meetings somebody attended for the association or
    /// group.
    pub turnout: Option<Turnout>,
    /// Of these, at how many somebody attended in a collective seat for all of its kind.
    pub collective_turnout: Option<Turnout>,
}

fn marks() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(60));
    ArrayBuilder::new()
        .description(Some(
            "How the row and the column are related, as codes: `serves`; kinds of remit; \
                capacities of seats, `collective` for a seat held for all of a kind, `came` for \
                attendance without a seat; `told_by`; `figures`, `suppressed`, `wanted`; \
                `example`.",
        ))
        .items(code)
        .max_items(Some(20))
        .build()
}

/// A matrix: its filled cells, and the rows and columns that have none.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageView {
    /// Which matrix this is.
    pub matrix: CoverageMatrix,
    /// Date the view is calculated for.
    pub on: chrono::NaiveDate,
    /// Number of the last journal entry taken into account.
    pub journal_seq: i64,
    /// Number of rows.
    #[schema(minimum = 0)]
    pub row_count: u32,
    /// Number of columns.
    #[schema(minimum = 0)]
    pub column_count: u32,
    /// Number of filled cells.
    #[schema(minimum = 0)]
    pub filled_count: u32,
    /// Number of rows without a filled cell.
    #[schema(minimum = 0)]
    pub row_gap_count: u32,
    /// Number of columns without a filled cell.
    #[schema(minimum = 0)]
    pub column_gap_count: u32,
    /// Whether any list is cut short.
    pub is_cut: bool,
    /// Rows with a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub rows: Vec<CoverageEntry>,
    /// Columns with a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub columns: Vec<CoverageEntry>,
    /// Rows without a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub row_gaps: Vec<CoverageEntry>,
    /// Columns without a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub column_gaps: Vec<CoverageEntry>,
    /// Columns held by several rows where only one should hold them: goals that more than one board
    /// decides on.
    #[schema(max_items = 10_000)]
    pub held_twice: Vec<CoverageEntry>,
    /// Goals that no board decides on, whether or not a board oversees them; empty for other
    /// matrices.
    #[schema(max_items = 10_000)]
    pub undecided: Vec<CoverageEntry>,
    /// Cells that are not empty, by row and column.
    #[schema(max_items = 50_000)]
    pub cells: Vec<CoverageCell>,
}

impl CoverageCell {
    /// Text of the cell in a spreadsheet.
    fn text(&self) -> String {
        let marks = self.marks.join(" ").replace('_', " ");
        match &self.turnout {
            // If attendance was not recorded, nobody can tell who came.
            Some(t) if t.recorded == 0 => {
                format!(
                    "{marks}: attendance not recorded ({})",
                    counted(t.held.into(), "meeting")
                )
            }
            Some(t) => format!(
                "{marks}: attended {} of {} with recorded attendance",
                t.attended,
                counted(t.recorded.into(), "meeting")
            ),
            None if self.count > 1 => format!("{marks} ({})", self.count),
            None => marks,
        }
    }
}

impl View for CoverageView {
    /// The matrix as a spreadsheet. If it would be too wide, it has a row for each cell and each
    /// gap.
    fn rows(&self) -> Vec<Map<String, Value>> {
        let by_reference = |a: &[CoverageEntry], b: &[CoverageEntry]| {
            let mut all: Vec<CoverageEntry> = a.iter().chain(b).cloned().collect();
            all.sort_by(|a, b| a.reference.cmp(&b.reference));
            all
        };
        let (rows, columns) = (
            by_reference(&self.rows, &self.row_gaps),
            by_reference(&self.columns, &self.column_gaps),
        );
        let mut cells: BTreeMap<(&str, &str), &CoverageCell> = BTreeMap::new();
        for cell in &self.cells {
            cells.insert((&cell.row, &cell.column), cell);
        }
        let head = |of: &CoverageEntry| {
            let mut row = Map::new();
            row.insert("reference".into(), json!(of.reference));
            row.insert("name".into(), json!(of.name));
            row.insert("filled".into(), json!(of.filled));
            row
        };
        if columns.len() > WIDEST {
            return self.long(&rows, &columns, &cells, head);
        }
        // The space in the title keeps it distinct from the first three columns.
        let title = |c: &CoverageEntry| {
            format!("{} {}", c.reference, c.name)
                .chars()
                .take(80)
                .collect::<String>()
        };
        let mut table: Vec<Map<String, Value>> = Vec::with_capacity(rows.len() + 1);
        for of in &rows {
            let mut row = head(of);
            for column in &columns {
                let cell = cells.get(&(of.key.as_str(), column.key.as_str()));
                row.insert(title(column), json!(cell.map(|c| c.text())));
            }
            table.push(row);
        }
        let mut sums = Map::new();
        sums.insert("reference".into(), json!("filled"));
        sums.insert("name".into(), Value::Null);
        sums.insert("filled".into(), json!(self.filled_count));
        for column in &columns {
            sums.insert(title(column), json!(column.filled));
        }
        table.push(sums);
        table
    }
}

impl CoverageView {
    fn long(
        &self,
        rows: &[CoverageEntry],
        columns: &[CoverageEntry],
        cells: &BTreeMap<(&str, &str), &CoverageCell>,
        head: impl Fn(&CoverageEntry) -> Map<String, Value>,
    ) -> Vec<Map<String, Value>> {
        let names: HashMap<&str, &CoverageEntry> =
            columns.iter().map(|c| (c.key.as_str(), c)).collect();
        let mut table = Vec::new();
        for of in rows {
            let mut any = false;
            for ((_, column), cell) in cells
                .range((of.key.as_str(), "")..)
                .take_while(|((row, _), _)| *row == of.key)
            {
                any = true;
                let mut row = head(of);
                let column = names.get(column);
                row.insert(
                    "column_reference".into(),
                    json!(column.map(|c| &c.reference)),
                );
                row.insert("column_name".into(), json!(column.map(|c| &c.name)));
                row.insert("cell".into(), json!(cell.text()));
                table.push(row);
            }
            if !any {
                let mut row = head(of);
                for name in ["column_reference", "column_name", "cell"] {
                    row.insert(name.into(), Value::Null);
                }
                table.push(row);
            }
        }
        for column in &self.column_gaps {
            let mut row = Map::new();
            for name in ["reference", "name"] {
                row.insert(name.into(), Value::Null);
            }
            row.insert("filled".into(), json!(0));
            row.insert("column_reference".into(), json!(column.reference));
            row.insert("column_name".into(), json!(column.name));
            row.insert("cell".into(), Value::Null);
            table.push(row);
        }
        table
    }
}

/// A row or column while the matrix is being built.
#[derive(Default)]
struct Line {
    key: String,
    reference: String,
    name: String,
    note: Option<String>,
    filled: u32,
    /// Whether it is not a gap even though none of its cells is filled.
    is_excused: bool,
}

impl Line {
    fn of(meta: &Meta, name: &str) -> Self {
        Self {
            key: meta.id.to_string(),
            reference: meta.reference.clone(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// A row or column for a code of a vocabulary rather than a record.
    fn of_code<C: Serialize>(code: &C) -> Self {
        let key = word(code);
        Self {
            reference: key.clone(),
            name: key.replace('_', " "),
            key,
            ..Self::default()
        }
    }
}

/// Measures that are not retired, each with its line. The line's note is the measure's state.
fn measures(seen: &VisibleWorld) -> (Vec<&Rec<Measure>>, Vec<(Uuid, Line)>) {
    let measures: Vec<&Rec<Measure>> = seen
        .live::<Measure>()
        .filter(|m| m.data.state != MeasureState::Retired)
        .collect();
    let line = |m: &&Rec<Measure>| {
        let line = Line {
            note: Some(word(&m.data.state)),
            ..Line::of(&m.meta, &m.data.title)
        };
        (m.meta.id, line)
    };
    let lines = measures.iter().map(line).collect();
    (measures, lines)
}

/// A cell while the matrix is being built.
#[derive(Default)]
struct Cell {
    marks: BTreeSet<String>,
    count: u32,
    is_filled: bool,
    turnout: Option<Turnout>,
    collective_turnout: Option<Turnout>,
}

impl Cell {
    fn mark(&mut self, mark: impl Into<String>) {
        self.marks.insert(mark.into());
        self.count += 1;
        self.is_filled = true;
    }
}

/// A matrix being built, with rows and columns in the order of their references.
struct Matrix {
    rows: Vec<Line>,
    columns: Vec<Line>,
    row_of: HashMap<Uuid, usize>,
    column_of: HashMap<Uuid, usize>,
    cells: BTreeMap<(usize, usize), Cell>,
    held_twice: BTreeSet<usize>,
    undecided: BTreeSet<usize>,
}

fn places(mut lines: Vec<(Uuid, Line)>) -> (Vec<Line>, HashMap<Uuid, usize>) {
    lines.sort_by(|(_, a), (_, b)| a.reference.cmp(&b.reference));
    let places = lines
        .iter()
        .enumerate()
        .map(|(n, (id, _))| (*id, n))
        .collect();
    (lines.into_iter().map(|(_, line)| line).collect(), places)
}

impl Matrix {
    fn new(rows: Vec<(Uuid, Line)>, columns: Vec<(Uuid, Line)>) -> Self {
        let ((rows, row_of), (columns, column_of)) = (places(rows), places(columns));
        Self {
            rows,
            columns,
            row_of,
            column_of,
            cells: BTreeMap::new(),
            held_twice: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    fn cell(&mut self, row: Uuid, column: Uuid) -> Option<&mut Cell> {
        let at = (*self.row_of.get(&row)?, *self.column_of.get(&column)?);
        Some(self.cells.entry(at).or_default())
    }

    fn finish(mut self, asked: &Asked, matrix: CoverageMatrix) -> CoverageView {
        for ((row, column), _) in self.cells.iter().filter(|(_, c)| c.is_filled) {
            for line in [self.rows.get_mut(*row), self.columns.get_mut(*column)]
                .into_iter()
                .flatten()
            {
                line.filled += 1;
            }
        }
        let entry = |line: &Line| CoverageEntry {
            key: line.key.clone(),
            reference: line.reference.clone(),
            name: line.name.clone(),
            filled: line.filled,
            note: line.note.clone(),
        };
        let is_gap = |line: &&Line| line.filled == 0 && !line.is_excused;
        let split = |lines: &[Line]| -> (Vec<CoverageEntry>, Vec<CoverageEntry>, usize) {
            let gaps = lines.iter().filter(is_gap);
            let held = lines.iter().filter(|l| !is_gap(l));
            let all = gaps.clone().count();
            (
                held.take(MOST_ENTRIES).map(entry).collect(),
                gaps.take(MOST_ENTRIES).map(entry).collect(),
                all,
            )
        };
        let (rows, row_gaps, row_gap_count) = split(&self.rows);
        let (columns, column_gaps, column_gap_count) = split(&self.columns);
        let of = |places: &BTreeSet<usize>| -> Vec<CoverageEntry> {
            let lines = places.iter().filter_map(|n| self.columns.get(*n));
            lines.take(MOST_ENTRIES).map(entry).collect()
        };
        let (held_twice, undecided) = (of(&self.held_twice), of(&self.undecided));
        let filled = self.cells.values().filter(|c| c.is_filled).count();
        let (row_count, column_count) = (self.rows.len(), self.columns.len());
        let cut = rows.len() + row_gaps.len() < row_count
            || columns.len() + column_gaps.len() < column_count
            || self.cells.len() > MOST_CELLS
            || held_twice.len() < self.held_twice.len()
            || undecided.len() < self.undecided.len();
        let key =
            |lines: &[Line], at: usize| lines.get(at).map(|l| l.key.clone()).unwrap_or_default();
        CoverageView {
            matrix,
            on: asked.on,
            journal_seq: asked.seen.seq(),
            row_count: count(row_count),
            column_count: count(column_count),
            filled_count: count(filled),
            row_gap_count: count(row_gap_count),
            column_gap_count: count(column_gap_count),
            is_cut: cut,
            rows,
            columns,
            row_gaps,
            column_gaps,
            held_twice,
            undecided,
            cells: self
                .cells
                .into_iter()
                .take(MOST_CELLS)
                .map(|((row, column), cell)| CoverageCell {
                    row: key(&self.rows, row),
                    column: key(&self.columns, column),
                    marks: cell.marks.into_iter().collect(),
                    count: cell.count,
                    is_filled: cell.is_filled,
                    turnout: cell.turnout,
                    collective_turnout: cell.collective_turnout,
                })
                .collect(),
        }
    }
}

/// The strategy that a plan delivers.
fn strategy_of(seen: &VisibleWorld, plan: Uuid) -> Option<Uuid> {
    let version = seen.get::<Plan>(plan)?.data.strategy_version_id?;
    Some((seen.get::<StrategyVersion>(version)?.data.strategy_id).uuid())
}

/// The goals of one strategy, or of all strategies that have not ended.
fn goals(seen: &VisibleWorld, strategy: Option<Uuid>) -> Vec<&Rec<Goal>> {
    let pursued = |id| {
        let found = seen.get::<Strategy>(id).filter(|s| s.is_live());
        found.is_some_and(|s| s.data.status != StrategyStatus::Ended)
    };
    let wanted = |g: &&Rec<Goal>| match strategy {
        Some(id) => g.data.strategy_id == id,
        None => pursued(g.data.strategy_id),
    };
    seen.live::<Goal>().filter(wanted).collect()
}

fn goal_lines(goals: &[&Rec<Goal>]) -> Vec<(Uuid, Line)> {
    goals
        .iter()
        .map(|g| (g.meta.id, Line::of(&g.meta, &g.data.title)))
        .collect()
}

/// The items of one plan, of the open plans of one strategy, or of all open plans. Cancelled and
/// superseded items are left out.
fn items(
    seen: &VisibleWorld,
    (plan, strategy): (Option<Uuid>, Option<Uuid>),
) -> Vec<&Rec<WorkPlanItem>> {
    use crate::registers::plan::ItemStatus::{Cancelled, Superseded};
    let plans: IdSet = match plan {
        Some(plan) => IdSet::from_iter([plan]),
        None => {
            let is_asked = |id: &Uuid| strategy.is_none_or(|s| strategy_of(seen, *id) == Some(s));
            worked_plans(seen).into_iter().filter(is_asked).collect()
        }
    };
    seen.live::<WorkPlanItem>()
        .filter(|i| {
            !matches!(i.data.status, Cancelled | Superseded)
                && plans.contains(&i.data.plan_id.uuid())
        })
        .collect()
}

/// The plan and strategy asked for. If only a plan is given, the strategy is the one that it
/// delivers.
fn of_plan(asked: &Asked) -> Result<(Option<Uuid>, Option<Uuid>), Problem> {
    let (plan, strategy) = (id_of(asked, "plan_id")?, id_of(asked, "strategy_id")?);
    Ok((
        plan,
        strategy.or_else(|| plan.and_then(|p| strategy_of(&asked.seen, p))),
    ))
}

fn items_goals(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let (plan, strategy) = of_plan(asked)?;
    let (goals, items) = (goals(seen, strategy), items(seen, (plan, strategy)));
    let rows = items
        .iter()
        .map(|i| (i.meta.id, Line::of(&i.meta, &i.data.title)))
        .collect();
    let mut matrix = Matrix::new(rows, goal_lines(&goals));
    for item in &items {
        for served in &item.data.goals {
            if let Some(cell) = matrix.cell(item.meta.id, served.goal_id.uuid()) {
                cell.mark("serves");
            }
        }
    }
    // A goal also counts as served if a goal directly below it is served.
    let served: BTreeSet<usize> = matrix.cells.keys().map(|(_, column)| *column).collect();
    for goal in &goals {
        let at = matrix
            .column_of
            .get(&goal.meta.id)
            .filter(|at| served.contains(*at));
        let parent = at
            .and(goal.data.parent_id)
            .and_then(|id| matrix.column_of.get(&id.uuid()).copied());
        if let Some(line) = parent.and_then(|at| matrix.columns.get_mut(at)) {
            line.is_excused = true;
            line.note = Some("a goal below it is served".into());
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::ItemsGoals))
}

/// The board asked for, or all active boards.
fn boards(asked: &Asked) -> Result<Vec<&Rec<Board>>, Problem> {
    let board = id_of(asked, "board_id")?;
    let wanted =
        |b: &&Rec<Board>| board.map_or(b.data.status == BoardStatus::Active, |id| b.meta.id == id);
    Ok(asked.seen.live::<Board>().filter(wanted).collect())
}

fn board_lines(boards: &[&Rec<Board>]) -> Vec<(Uuid, Line)> {
    boards
        .iter()
        .map(|b| (b.meta.id, Line::of(&b.meta, &b.data.name)))
        .collect()
}

fn boards_goals(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let boards = boards(asked)?;
    let goals = goals(seen, id_of(asked, "strategy_id")?);
    let mut matrix = Matrix::new(board_lines(&boards), goal_lines(&goals));
    let mut deciding: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for remit in seen
        .live::<Remit>()
        .filter(|r| runs_on(r.data.days(), asked.on))
    {
        let Some(cell) = matrix.cell(remit.data.board_id.uuid(), remit.data.goal_id.uuid()) else {
            continue;
        };
        cell.mark(word(&remit.data.remit_kind));
        if remit.data.remit_kind == RemitKind::Decides {
            deciding
                .entry(remit.data.goal_id.uuid())
                .or_default()
                .insert(remit.data.board_id.uuid());
        }
    }
    for goal in &goals {
        let boards = deciding.get(&goal.meta.id).map_or(0, BTreeSet::len);
        let Some(at) = matrix.column_of.get(&goal.meta.id).copied() else {
            continue;
        };
        match boards {
            0 => drop(matrix.undecided.insert(at)),
            1 => {}
            _ => drop(matrix.held_twice.insert(at)),
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::BoardsGoals))
}

fn constituencies_boards(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let boards = boards(asked)?;
    let speaks = |u: &&Rec<Unit>| {
        let kinds = [
            UnitKind::StaffSupportAssociation,
            UnitKind::IndependentAdvisoryGroup,
        ];
        kinds.contains(&u.data.unit_kind) && runs_on((u.data.from_on, u.data.until_on), asked.on)
    };
    let units: Vec<&Rec<Unit>> = seen.live::<Unit>().filter(speaks).collect();
    let rows = units
        .iter()
        .map(|u| {
            let line = Line {
                note: Some(word(&u.data.unit_kind)),
                ..Line::of(&u.meta, &u.data.name)
            };
            (u.meta.id, line)
        })
        .collect();
    let mut matrix = Matrix::new(rows, board_lines(&boards));
    let unit_of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
    for board in &boards {
        let id = board.meta.id;
        let seats = seen
            .pointing::<Membership>(id)
            .filter(|m| m.data.board_id == id && runs_on(m.data.term(), asked.on));
        let mut collective: Vec<UnitKind> = Vec::new();
        for seat in seats {
            collective.extend(seat.data.constituency_kind);
            let unit = speaks_for(&seat.data, unit_of_post);
            if let Some(cell) = unit.and_then(|u| matrix.cell(u.uuid(), id)) {
                // Observers, deputies and secretaries do not have a seat that counts.
                let is_filled = cell.is_filled || at_the_table(&seat.data);
                cell.mark(word(&seat.data.capacity));
                cell.is_filled = is_filled;
            }
        }
        let came = attended(seen, id, asked.on);
        for unit in &units {
            let turnout = came.for_unit(unit.meta.id);
            let by_kind = collective
                .iter()
                .filter(|k| **k == unit.data.unit_kind)
                .count();
            let has_seat = matrix
                .row_of
                .get(&unit.meta.id)
                .zip(matrix.column_of.get(&id))
                .is_some_and(|(row, column)| matrix.cells.contains_key(&(*row, *column)));
            if !has_seat && by_kind == 0 && turnout.attended == 0 {
                continue;
            }
            let Some(cell) = matrix.cell(unit.meta.id, id) else {
                continue;
            };
            if by_kind > 0 {
                cell.mark("collective");
                cell.collective_turnout = Some(came.for_kind(unit.data.unit_kind));
            }
            if !has_seat && by_kind == 0 {
                cell.marks.insert("came".into());
            }
            cell.turnout = Some(turnout);
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::ConstituenciesBoards))
}

fn items_measures(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let (plan, strategy) = of_plan(asked)?;
    let items = items(seen, (plan, strategy));
    let line = |i: &&Rec<WorkPlanItem>| {
        let note = match i.data.measures.len() {
            0 => None,
            1 => Some("one measure described in words".to_owned()),
            n => Some(format!("{n} measures described in words")),
        };
        (
            i.meta.id,
            Line {
                note,
                ..Line::of(&i.meta, &i.data.title)
            },
        )
    };
    let (measures, columns) = measures(seen);
    let mut matrix = Matrix::new(items.iter().map(line).collect(), columns);
    for measure in &measures {
        for item in &measure.data.item_ids {
            if let Some(cell) = matrix.cell((*item).uuid(), measure.meta.id) {
                cell.mark("told_by");
            }
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::ItemsMeasures))
}

/// The nine protected characteristics of the Equality Act 2010, section 4.
const PROTECTED: [Characteristic; 9] = [
    Characteristic::Age,
    Characteristic::Disability,
    Characteristic::GenderReassignment,
    Characteristic::MarriageCivilPartnership,
    Characteristic::PregnancyMaternity,
    Characteristic::Race,
    Characteristic::ReligionBelief,
    Characteristic::Sex,
    Characteristic::SexualOrientation,
];

fn measures_characteristics(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let (measures, rows) = measures(seen);
    let code = |c: Characteristic| Uuid::from_u128(c as u128);
    let columns = PROTECTED.map(|c| (code(c), Line::of_code(&c)));
    let mut matrix = Matrix::new(rows, columns.into());
    for measure in &measures {
        // Only the latest period counts. Older figures are not coverage.
        for row in availability(seen, measure, 1).rows {
            let Some(cell) = row
                .characteristic
                .and_then(|c| matrix.cell(measure.meta.id, code(c)))
            else {
                continue;
            };
            cell.count += row.present;
            for (mark, n) in [
                ("figures", row.present),
                ("suppressed", row.suppressed),
                ("missing", row.missing),
                ("not_stated", row.not_stated),
            ] {
                if n > 0 {
                    cell.marks.insert(mark.to_owned());
                }
            }
            cell.is_filled |= row.present + row.suppressed > 0;
            if !cell.is_filled {
                cell.marks.insert("wanted".to_owned());
            }
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::MeasuresCharacteristics))
}

fn groups_good_practice(asked: &Asked) -> Result<CoverageView, Problem> {
    use crate::registers::communications::PracticeBasis;
    let seen = &asked.seen;
    let is_group = |u: &&Rec<Unit>| {
        u.data.unit_kind == UnitKind::BusinessGroup
            && runs_on((u.data.from_on, u.data.until_on), asked.on)
    };
    let mut rows: BTreeMap<Uuid, Line> = seen
        .live::<Unit>()
        .filter(is_group)
        .map(|u| (u.meta.id, Line::of(&u.meta, &u.data.name)))
        .collect();
    // The business group that a unit belongs to, or the unit itself if it belongs to none.
    let group = |unit: Uuid| {
        let (mut at, mut steps) = (Some(unit), 0);
        while let Some(found) = at.and_then(|id| seen.get::<Unit>(id)) {
            if found.data.unit_kind == UnitKind::BusinessGroup {
                return found.meta.id;
            }
            steps += 1;
            at = found.data.parent_id.filter(|_| steps < 50).map(Into::into);
        }
        unit
    };
    let mut examples: Vec<(Uuid, &Rec<GoodPractice>)> = Vec::new();
    for example in seen.live::<GoodPractice>() {
        let of = group(example.data.unit_id.uuid());
        if let std::collections::btree_map::Entry::Vacant(place) = rows.entry(of)
            && let Some(unit) = seen.get::<Unit>(of)
        {
            place.insert(Line {
                note: Some("not a business group or part of one".into()),
                ..Line::of(&unit.meta, &unit.data.name)
            });
        }
        examples.push((of, example));
    }
    let code = |b: PracticeBasis| Uuid::from_u128(b as u128);
    let columns =
        [PracticeBasis::AdHoc, PracticeBasis::Planned].map(|b| (code(b), Line::of_code(&b)));
    let mut matrix = Matrix::new(rows.into_iter().collect(), columns.into());
    for (of, example) in examples {
        if let Some(cell) = matrix.cell(of, code(example.data.basis)) {
            cell.mark("example");
        }
    }
    Ok(matrix.finish(asked, CoverageMatrix::GroupsGoodPractice))
}

/// The operations of these views.
pub fn operations() -> Vec<Operation> {
    let strategy = || {
        id_query(
            "strategy_id",
            "Only what belongs to this strategy. Defaults to all strategies that have not ended.",
        )
    };
    let plan = || {
        id_query(
            "plan_id",
            "Only items of this plan. Defaults to all plans that are not closed.",
        )
    };
    let board = || {
        id_query(
            "board_id",
            "Only this board. Defaults to all active boards.",
        )
    };
    let table = "As a table: one row for each row and one column for each column, with totals \
        below; above 200 columns, one row for each cell and each gap.";
    vec![
        operation(
            "/api/v1/coverage/items-goals",
            "getCoverageItemsGoals",
            Subject::PlanItem,
            items_goals,
        )
        .takes([strategy(), plan()])
        .says(
            "Views",
            "Show plan items against goals",
            &format!(
                "Returns plan items against goals, with the items that serve no goal and the \
                    goals that no item serves. {table}"
            ),
        ),
        operation(
            "/api/v1/coverage/boards-goals",
            "getCoverageBoardsGoals",
            Subject::PlanItem,
            boards_goals,
        )
        .takes([strategy(), board()])
        .says(
            "Views",
            "Show boards against goals",
            &format!(
                "Returns boards against goals by kind of remit on the date, with boards and goals \
                    that have none, goals that several boards decide on (`held_twice`) and goals \
                    that no board decides on (`undecided`). {table}"
            ),
        ),
        operation(
            "/api/v1/coverage/constituencies-boards",
            "getCoverageConstituenciesBoards",
            Subject::PlanItem,
            constituencies_boards,
        )
        .takes([board()])
        .says(
            "Views",
            "Show associations and advisory groups against boards",
            &format!(
                "Returns staff support associations and independent advisory groups against \
                    boards: their seats on the date, and at how many of the board's last \
                    {LAST_MEETINGS} held meetings somebody attended for them. A seat is not \
                    attendance. Attendance without a seat is marked `came`. {table}"
            ),
        ),
        operation(
            "/api/v1/coverage/items-measures",
            "getCoverageItemsMeasures",
            Subject::PlanItem,
            items_measures,
        )
        .takes([strategy(), plan()])
        .says(
            "Views",
            "Show plan items against measures",
            &format!(
                "Returns plan items against recorded measures, with items that no measure reports \
                    on (`note` says if an item has measures described in words) and measures \
                    that report on no item. {table}"
            ),
        ),
        operation(
            "/api/v1/coverage/measures-characteristics",
            "getCoverageMeasuresCharacteristics",
            Subject::PlanItem,
            measures_characteristics,
        )
        .says(
            "Views",
            "Show measures against protected characteristics",
            &format!(
                "Returns measures against the nine protected characteristics of the Equality Act \
                    2010: whether there are figures for the latest period, as visible to the \
                    caller. A cell that is only `wanted` is a gap. {table}"
            ),
        ),
        operation(
            "/api/v1/coverage/groups-good-practice",
            "getCoverageGroupsGoodPractice",
            Subject::PlanItem,
            groups_good_practice,
        )
        .says(
            "Views",
            "Show business groups against good practice",
            &format!(
                "Returns business groups against examples of good practice, published by plan or \
                    ad hoc. Examples of a unit below a group count for the group. {table}"
            ),
        ),
    ]
}

/// The schemas of these views.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<CoverageView>(schemas);
}
