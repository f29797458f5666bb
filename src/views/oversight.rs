//! Reports that are or were due (expected, met, late or missed), for one obligation or for all.

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{Asked, View, id_of, operation, some_of, words};
use super::status::Named;
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_parameter, id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::checks::in_window;
use crate::registers::oversight::{
    Occurrence, OccurrenceState, ReportObligation, ReportSubmission, occurrences,
};
use crate::world::collation::Collated;
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};
use crate::world::{Page, Rec};

/// How far ahead the views look by default.
const AHEAD_DAYS: u64 = 366;

/// One report that is or was due.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportOccurrence {
    /// The obligation.
    pub obligation: Named,
    /// The unit that reports.
    pub from_unit_id: Option<Uuid>,
    /// The post that reports.
    pub from_post_id: Option<Uuid>,
    /// The board that reports.
    pub from_board_id: Option<Uuid>,
    /// Board that receives the report.
    pub to_board_id: Option<Uuid>,
    /// Due date.
    pub due_on: NaiveDate,
    /// Last day on which it counts as met.
    pub last_on: NaiveDate,
    /// State on the day.
    pub state: OccurrenceState,
    /// Date it was first submitted.
    pub submitted_on: Option<NaiveDate>,
    /// Id of that submission.
    pub submission_id: Option<Uuid>,
    /// Number of days by which it was submitted late, or for which it has been missing.
    #[schema(minimum = 0)]
    pub days_late: i64,
}

/// Number of reports by state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ReportOccurrenceCounts {
    /// Not yet due, or within the days of grace.
    pub expected: u32,
    /// Submitted on time.
    pub met: u32,
    /// Submitted late.
    pub late: u32,
    /// Not submitted, and the days of grace are over.
    pub missed: u32,
}

/// The reports of one obligation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportObligationOccurrences {
    /// The obligation.
    pub obligation: Named,
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Whether the dates of its reports are known. If they are not, no report can be missed.
    pub is_scheduled: bool,
    /// Number of reports in the window, by state.
    pub counts: ReportOccurrenceCounts,
    /// Reports in the window, ordered by due date.
    #[schema(max_items = 5001)]
    pub items: Vec<ReportOccurrence>,
    /// Submissions for dates on which the obligation, as currently recorded, has no report due.
    #[schema(max_items = 100_000)]
    pub unmatched_submission_ids: Vec<Uuid>,
}

impl View for ReportObligationOccurrences {
    fn fields(&self) -> Vec<Field> {
        fields_of::<ReportOccurrence>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

impl View for Page<ReportOccurrence> {
    fn fields(&self) -> Vec<Field> {
        fields_of::<ReportOccurrence>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// Which occurrences the caller asked for.
struct Wanted {
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    states: Vec<OccurrenceState>,
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Self, Problem> {
        let day = |name: &str| {
            asked
                .query
                .value::<NaiveDate>(name, "a date such as 2020-10-26")
        };
        let (from, until) = (day("due_from")?, day("due_until")?);
        let ahead = asked.on.checked_add_days(Days::new(AHEAD_DAYS));
        let mut states = words::<OccurrenceState>(asked, "state")?;
        if asked.query.flag("missed")? {
            states = vec![OccurrenceState::Missed];
        }
        Ok(Self {
            from,
            until: until.or_else(|| ahead.max(from)),
            states,
        })
    }

    fn has(&self, o: &Occurrence<'_>) -> bool {
        in_window(Some(o.due_on), (self.from, self.until))
            && (self.states.is_empty() || self.states.contains(&o.state))
    }
}

/// Requested occurrences of one obligation.
fn of(asked: &Asked, obligation: &Rec<ReportObligation>, wanted: &Wanted) -> Vec<ReportOccurrence> {
    let submissions: Vec<&Rec<ReportSubmission>> =
        asked.seen.pointing(obligation.meta.id).collect();
    let data = &obligation.data;
    occurrences(data, &submissions, asked.on)
        .into_iter()
        .filter(|o| wanted.has(o))
        .map(|o| ReportOccurrence {
            obligation: Named::new(&obligation.meta, &data.title),
            from_unit_id: data.from_unit_id.map(Into::into),
            from_post_id: data.from_post_id.map(Into::into),
            from_board_id: data.from_board_id.map(Into::into),
            to_board_id: data.to_board_id.map(Into::into),
            due_on: o.due_on,
            last_on: o.last_on,
            state: o.state,
            submitted_on: o.submission.map(|s| s.data.submitted_on),
            submission_id: o.submission.map(|s| s.meta.id),
            days_late: o.days_late,
        })
        .collect()
}

fn for_one(asked: &Asked) -> Result<ReportObligationOccurrences, Problem> {
    let seen = &asked.seen;
    let obligation = seen
        .get::<ReportObligation>(asked.id()?)
        .ok_or_else(Problem::not_found)?;
    let items = of(asked, obligation, &Wanted::read(asked)?);
    let mut counts = ReportOccurrenceCounts::default();
    for item in &items {
        *match item.state {
            OccurrenceState::Expected => &mut counts.expected,
            OccurrenceState::Met => &mut counts.met,
            OccurrenceState::Late => &mut counts.late,
            OccurrenceState::Missed => &mut counts.missed,
        } += 1;
    }
    let days = obligation.data.due_days();
    let is_unmatched = |s: &&Rec<ReportSubmission>| {
        s.data.period_due_on.is_none_or(|due| !days.contains(&due)) && !days.is_empty()
    };
    Ok(ReportObligationOccurrences {
        obligation: Named::new(&obligation.meta, &obligation.data.title),
        on: asked.on,
        journal_seq: seen.seq(),
        is_scheduled: obligation.computed.is_scheduled,
        counts,
        items,
        unmatched_submission_ids: seen
            .pointing(obligation.meta.id)
            .filter(is_unmatched)
            .map(|s: &Rec<ReportSubmission>| s.meta.id)
            .collect(),
    })
}

/// Its position in the list: by due date, then by the obligation's reference.
fn place(item: &ReportOccurrence) -> (NaiveDate, Collated<'_>) {
    (item.due_on, Collated(&item.obligation.reference))
}

/// Position at which a page ended.
fn cursor(item: &ReportOccurrence) -> String {
    format!("{}.{}", item.due_on, item.obligation.reference)
}

/// The position that a cursor names.
fn read_cursor(text: &str) -> Result<(NaiveDate, Collated<'_>), Problem> {
    let parts = text.split_once('.');
    let place = parts.and_then(|(day, reference)| Some((day.parse().ok()?, Collated(reference))));
    place.ok_or_else(|| invalid("cursor", "must be a cursor returned by this service"))
}

fn for_all(asked: &Asked) -> Result<Page<ReportOccurrence>, Problem> {
    let limit = asked.limit()?;
    let wanted = Wanted::read(asked)?;
    let (from_unit, from_board) = (
        id_of(asked, "from_unit_id")?,
        id_of(asked, "from_board_id")?,
    );
    let to_board = id_of(asked, "to_board_id")?;
    let after = asked.cursor().map(read_cursor).transpose()?;
    let mut items: Vec<ReportOccurrence> = asked
        .seen
        .live::<ReportObligation>()
        .filter(|o| from_unit.is_none() || o.data.from_unit_id == from_unit.map(Into::into))
        .filter(|o| from_board.is_none() || o.data.from_board_id == from_board.map(Into::into))
        .filter(|o| to_board.is_none() || o.data.to_board_id == to_board.map(Into::into))
        .flat_map(|o| of(asked, o, &wanted))
        .filter(|o| after.is_none_or(|after| place(o) > after))
        .collect();
    items.sort_by(|a, b| place(a).cmp(&place(b)));
    Ok(Page::of(items, limit, cursor))
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let day =
        |name: &str, what: &str| query(name, what, json!({ "type": "string", "format": "date" }));
    let window = || {
        vec![
            day("due_from", "Only reports due on or after this date."),
            day(
                "due_until",
                "Only reports due on or before this date. Default: a year ahead.",
            ),
            some_of(
                "state",
                "Only reports in these states.",
                &["expected", "met", "late", "missed"],
            ),
            query(
                "missed",
                "Only reports that were missed.",
                json!({ "type": "boolean", "default": false }),
            ),
        ]
    };
    let about = "An occurrence is expected until its due date and days of grace have passed. It \
        is then missed until the report is submitted, and late after that. It is met if the \
        report is submitted on time.";
    vec![
        operation(
            "/api/v1/report-obligations/{id}/occurrences",
            "getReportObligationOccurrences",
            Subject::Oversight,
            for_one,
        )
        .takes([id_parameter("report obligation")])
        .takes(window())
        .says("Views", "List the reports due under an obligation", about),
        operation(
            "/api/v1/report-occurrences",
            "listReportOccurrences",
            Subject::Oversight,
            for_all,
        )
        .takes([
            limit_parameter("Reports"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 80 }),
            ),
            id_query("from_unit_id", "Only reports of this unit."),
            id_query("from_board_id", "Only reports of this board."),
            id_query("to_board_id", "Only reports to this board."),
        ])
        .takes(window())
        .says(
            "Views",
            "List every report that is or was due",
            &format!("Ordered by due date. {about}"),
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ReportObligationOccurrences>(schemas);
    add_answer::<Page<ReportOccurrence>>(schemas);
}
