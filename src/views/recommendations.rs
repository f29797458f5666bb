//! Status of audit recommendations: current and first deadline, timeliness on a date, the three
//! axes and the latest update.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{Asked, View, id_of, operation};
use super::rows::AssessedPage;
use super::status::Named;
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{
    AuditReview, ManagementDecision, Recommendation, RecommendationClosureState,
    RecommendationImplementation, RecommendationPriority, RecommendationUpdate,
    RecommendationUpdateKind, RecommendationUpdatePart, RecommendationVerification, Timeliness,
};
use crate::registers::organisation::{Post, Unit};
use crate::registers::settings::in_force;
use crate::world::date::PlannedDate;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Page, Rec, Text};

/// Latest update on a recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationLatestUpdate {
    /// Id of the update.
    pub id: Uuid,
    /// Kind of update.
    pub update_kind: RecommendationUpdateKind,
    /// Date of the statement.
    pub stated_on: NaiveDate,
    /// The full text.
    pub narrative: Option<Text<8000>>,
    /// Its parts.
    #[schema(max_items = 26)]
    pub parts: Vec<RecommendationUpdatePart>,
    /// Records that it refers to.
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<Uuid>,
}

/// Status of one recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationStatusRow {
    /// The recommendation.
    pub recommendation: Named,
    /// Number within the review.
    #[schema(minimum = 1)]
    pub number: Option<u32>,
    /// Review that made it.
    pub review: Option<Named>,
    /// Priority given by internal audit.
    pub priority: Option<RecommendationPriority>,
    /// Post responsible for it, if any.
    pub owner_post: Option<Named>,
    /// Unit responsible for it, if any.
    pub owner_unit: Option<Named>,
    /// Due date.
    pub deadline: PlannedDate,
    /// First deadline.
    pub first_deadline: Option<PlannedDate>,
    /// Number of times the deadline was extended.
    #[schema(minimum = 0)]
    pub extension_count: u32,
    /// Timeliness on the date.
    pub timeliness: Timeliness,
    /// Days left to the deadline. Once implementation is claimed, days by which the claim came
    /// before the deadline. Negative if late; null if nothing is due.
    pub days: Option<i64>,
    /// Implementation status, as reported by management.
    pub implementation: RecommendationImplementation,
    /// Result of audit's verification of management's claim.
    pub verification: RecommendationVerification,
    /// How the recommendation was closed.
    pub closure: RecommendationClosureState,
    /// Management's latest response.
    pub management_response: Option<ManagementDecision>,
    /// Date of the current claim.
    pub claimed_on: Option<NaiveDate>,
    /// Date on which audit verified it.
    pub verified_on: Option<NaiveDate>,
    /// Number of updates.
    #[schema(minimum = 0)]
    pub update_count: u32,
    /// Number of deferrals.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// Latest update.
    pub latest_update: Option<RecommendationLatestUpdate>,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

impl View for AssessedPage<RecommendationStatusRow> {
    fn fields(&self) -> Vec<Field> {
        fields_of::<RecommendationStatusRow>()
    }
    fn rows(&self) -> Vec<Value> {
        self.page.items.iter().map(|row| json!(row)).collect()
    }
}

/// Reads a parameter that must be one of some codes, if it is given.
fn one_of<'a>(asked: &'a Asked, name: &str, codes: &[String]) -> Result<Option<&'a str>, Problem> {
    match asked.query.get(name) {
        Some(code) if !codes.iter().any(|c| c == code) => Err(invalid(
            name,
            &format!("must be one of {}", codes.join(", ")),
        )),
        given => Ok(given),
    }
}

fn timelinesses() -> Vec<String> {
    use Timeliness::{DueSoon, Met, MetLate, NoDeadline, NotDue, Overdue};
    [NoDeadline, NotDue, DueSoon, Overdue, Met, MetLate]
        .iter()
        .map(word)
        .collect()
}

fn closures() -> Vec<String> {
    use RecommendationClosureState as C;
    let all = [
        C::None,
        C::Verified,
        C::RiskAccepted,
        C::Superseded,
        C::Duplicate,
        C::RejectedByManagement,
    ];
    all.iter().map(word).collect()
}

/// Recommendations in the order of their references, after the cursor.
fn rows(asked: &Asked) -> Result<AssessedPage<RecommendationStatusRow>, Problem> {
    let limit = asked.limit()?;
    let world = asked.seen.reading(asked.on).world;
    let soon = in_force(world).due_soon_days;
    let (review, unit) = (id_of(asked, "review_id")?, id_of(asked, "owner_unit_id")?);
    let timeliness = one_of(asked, "timeliness", &timelinesses())?;
    let closure = one_of(asked, "closure", &closures())?;
    let wanted = |r: &&Rec<Recommendation>| {
        review.is_none_or(|id| id == r.data.review_id)
            && (unit.is_none() || unit == r.data.owner_unit_id.map(Into::into))
            && closure.is_none_or(|c| word(&r.computed.closure) == c)
            && timeliness.is_none_or(|t| word(&r.timeliness(asked.on, soon).0) == t)
    };
    let after = asked.cursor().unwrap_or_default();
    let found = asked
        .seen
        .by_reference::<Recommendation>(after)
        .filter(wanted);
    let items: Vec<RecommendationStatusRow> = found
        .take(limit + 1)
        .map(|r| row(r, &asked.seen, (asked.on, soon)))
        .collect();
    let page = Page::of(items, limit, |r| r.recommendation.reference.to_string());
    Ok(AssessedPage::of(page, asked))
}

/// Reads everything from the world in memory, so that no row queries the database. `(on, soon)`:
/// the date of assessment, and the number of days within which something is due soon.
fn row(
    r: &Rec<Recommendation>,
    seen: &VisibleWorld,
    (on, soon): (NaiveDate, i64),
) -> RecommendationStatusRow {
    let (data, computed) = (&r.data, &r.computed);
    let (timeliness, days) = r.timeliness(on, soon);
    let review = seen.get::<AuditReview>(data.review_id);
    let post = data.owner_post_id.and_then(|id| seen.get::<Post>(id));
    let unit = data.owner_unit_id.and_then(|id| seen.get::<Unit>(id));
    let latest = computed
        .latest_update_id
        .and_then(|id| seen.get::<RecommendationUpdate>(id));
    RecommendationStatusRow {
        recommendation: Named::new(&r.meta, &data.title),
        number: data.number,
        review: review.map(|v| Named::new(&v.meta, &v.data.title)),
        priority: data.priority,
        owner_post: post.map(|p| Named::new(&p.meta, &p.data.title)),
        owner_unit: unit.map(|u| Named::new(&u.meta, &u.data.title)),
        deadline: data.deadline.clone(),
        first_deadline: computed.first_deadline.clone(),
        extension_count: computed.extension_count,
        timeliness,
        days,
        implementation: computed.implementation,
        verification: computed.verification,
        closure: computed.closure,
        management_response: computed.management_response,
        claimed_on: computed.claimed_on,
        verified_on: computed.verified_on,
        update_count: computed.update_count,
        deferral_count: computed.deferral_count,
        latest_update: latest.map(|u| RecommendationLatestUpdate {
            id: u.meta.id,
            update_kind: u.data.update_kind,
            stated_on: u.data.stated_on,
            narrative: u.data.narrative.as_ref().map(Into::into),
            parts: u.data.parts.clone(),
            refers_to_ids: u.data.refers_to_ids.iter().map(|id| id.uuid()).collect(),
        }),
        updated_at: r.meta.updated_at,
    }
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let code = |name: &str, what: &str, codes: Vec<String>| {
        query(name, what, json!({ "type": "string", "enum": codes }))
    };
    let about = "Returns each recommendation with its owner, its current and first deadline, its \
        timeliness on the date of assessment (due soon: within the number of days in the \
        settings), what management reports, what audit has found, how it was closed, and the \
        latest update. Timeliness uses the date of the claim; a rejected claim counts as never \
        made.";
    vec![
        operation(
            "/api/v1/status/recommendations",
            "listRecommendationStatus",
            Subject::Assurance,
            rows,
        )
        .takes([
            limit_parameter("Recommendations"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 60 }),
            ),
            id_query("review_id", "Only recommendations of this review."),
            id_query(
                "owner_unit_id",
                "Only recommendations that this unit is responsible for.",
            ),
            code(
                "timeliness",
                "Only recommendations with this timeliness.",
                timelinesses(),
            ),
            code(
                "closure",
                "Only recommendations with this closure; `none` for open ones.",
                closures(),
            ),
        ])
        .says("Views", "List the status of recommendations", about),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<AssessedPage<RecommendationStatusRow>>(schemas);
}
