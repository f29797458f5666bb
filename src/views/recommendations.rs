//! Where audit recommendations stand: deadline beside first deadline, timeliness on a day, the three axes, what was said last.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{Asked, View, id_of, operation};
use super::rows::{flatten, judged_page};
use super::status::Named;
use crate::http::operation::{Operation, id_query, query};
use crate::http::page::{limit, limit_parameter};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{
    AuditReview, ManagementDecision, Recommendation, RecommendationClosureState,
    RecommendationImplementation, RecommendationPriority, RecommendationUpdate,
    RecommendationUpdateKind, RecommendationUpdatePart, RecommendationVerification, Timeliness,
};
use crate::registers::organisation::{Post, Unit};
use crate::registers::settings::{SettingsUsed, in_force, used};
use crate::world::Rec;
use crate::world::date::PlannedDate;
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::Seen;

/// What was said last about a recommendation.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatestUpdate {
    /// The update.
    pub id: Uuid,
    /// What sort of update it is.
    pub update_kind: RecommendationUpdateKind,
    /// The day it was stated.
    pub stated_on: NaiveDate,
    /// The whole in words.
    #[schema(max_length = 8000)]
    pub narrative: Option<String>,
    /// Its parts.
    #[schema(max_items = 26)]
    pub parts: Vec<RecommendationUpdatePart>,
    /// What it leans on.
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<Uuid>,
}

/// Where one recommendation stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecommendationStatusRow {
    /// The recommendation.
    pub recommendation: Named,
    /// Its number in the review.
    #[schema(minimum = 1)]
    pub number: Option<u32>,
    /// The review that makes it.
    pub review: Option<Named>,
    /// How much the auditors mind.
    pub priority: Option<RecommendationPriority>,
    /// The post that answers for it; null where none does.
    pub owner_post: Option<Named>,
    /// The unit that answers for it; null where none does.
    pub owner_unit: Option<Named>,
    /// When it is due.
    pub deadline: PlannedDate,
    /// When it was first due.
    pub first_deadline: Option<PlannedDate>,
    /// How many times the deadline was extended.
    #[schema(minimum = 0)]
    pub extension_count: u32,
    /// Whether it is in time.
    pub timeliness: Timeliness,
    /// Days left to the deadline or, once claimed, days by which the claim came before it; negative: late. Null where nothing is due.
    pub days: Option<i64>,
    /// How far it has come, as management reports.
    pub implementation: RecommendationImplementation,
    /// What audit has found of management's claim.
    pub verification: RecommendationVerification,
    /// How it ended.
    pub closure: RecommendationClosureState,
    /// What management answered last.
    pub management_response: Option<ManagementDecision>,
    /// Day of the claim that stands.
    pub claimed_on: Option<NaiveDate>,
    /// Day on which audit confirmed it.
    pub verified_on: Option<NaiveDate>,
    /// How many updates there are.
    #[schema(minimum = 0)]
    pub update_count: u32,
    /// How many of them put it off.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// What was said last.
    pub latest_update: Option<LatestUpdate>,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A page of recommendations.
#[derive(Debug, Serialize)]
pub struct RecommendationStatusRowPage {
    items: Vec<RecommendationStatusRow>,
    next_cursor: Option<String>,
    total: Option<usize>,
    on: NaiveDate,
    settings: SettingsUsed,
}

impl utoipa::PartialSchema for RecommendationStatusRowPage {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::Object::new().into()
    }
}
impl ToSchema for RecommendationStatusRowPage {}

impl View for RecommendationStatusRowPage {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let row = |item: &RecommendationStatusRow| {
            let mut row = Map::new();
            flatten(&mut row, "", json!(item));
            row
        };
        self.items.iter().map(row).collect()
    }
}

/// A parameter that names one of some codes, if it is given.
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

/// Recommendations in the order of their references, from the cursor on.
fn rows(asked: &Asked) -> Result<RecommendationStatusRowPage, Problem> {
    let limit = limit(&asked.query)?;
    let world = asked.seen.reading(asked.on).world;
    let soon = in_force(world).due_soon_days;
    let (review, unit) = (id_of(asked, "review_id")?, id_of(asked, "owner_unit_id")?);
    let timeliness = one_of(asked, "timeliness", &timelinesses())?;
    let closure = one_of(asked, "closure", &closures())?;
    let wanted = |r: &&Rec<Recommendation>| {
        review.is_none_or(|id| id == r.data.review_id)
            && (unit.is_none() || unit == r.data.owner_unit_id)
            && closure.is_none_or(|c| word(&r.computed.closure) == c)
            && timeliness.is_none_or(|t| word(&r.timeliness(asked.on, soon).0) == t)
    };
    let after = asked.query.get("cursor").unwrap_or_default();
    let found = asked
        .seen
        .by_reference::<Recommendation>(after)
        .filter(wanted);
    let mut items: Vec<RecommendationStatusRow> = found
        .take(limit + 1)
        .map(|r| row(r, &asked.seen, (asked.on, soon)))
        .collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items
        .last()
        .filter(|_| more)
        .map(|r| r.recommendation.reference.clone());
    Ok(RecommendationStatusRowPage {
        items,
        next_cursor,
        total: None,
        on: asked.on,
        settings: used(&asked.seen),
    })
}

/// Everything comes from the world in memory: no row asks the database. `(on, soon)`: the day to judge by, and the days within which
/// something is due soon.
fn row(
    r: &Rec<Recommendation>,
    seen: &Seen,
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
        owner_unit: unit.map(|u| Named::new(&u.meta, &u.data.name)),
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
        latest_update: latest.map(|u| LatestUpdate {
            id: u.meta.id,
            update_kind: u.data.update_kind,
            stated_on: u.data.stated_on,
            narrative: u.data.narrative.clone(),
            parts: u.data.parts.clone(),
            refers_to_ids: u.data.refers_to_ids.clone(),
        }),
        updated_at: r.meta.updated_at,
    }
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let code = |name: &str, what: &str, codes: Vec<String>| {
        query(name, what, json!({ "type": "string", "enum": codes }))
    };
    let about = "Each recommendation with its owner, its deadline beside the first one, whether it is in time on the day judged by (due soon: within the days that the settings say), what management reports, what audit has found, how it ended, and what was said last. Timeliness looks at the day of the claim; a rejected claim counts as never made.";
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
                "`next_cursor` of the page before.",
                json!({ "type": "string", "maxLength": 60 }),
            ),
            id_query("review_id", "Only recommendations of this review."),
            id_query(
                "owner_unit_id",
                "Only recommendations that this unit answers for.",
            ),
            code(
                "timeliness",
                "Only recommendations that are so in time.",
                timelinesses(),
            ),
            code(
                "closure",
                "Only recommendations that ended so; `none`: that are open.",
                closures(),
            ),
        ])
        .says("Views", "Where recommendations stand", about),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<RecommendationStatusRow>(schemas);
    schemas.insert(
        "RecommendationStatusRowPage".into(),
        judged_page("RecommendationStatusRow"),
    );
}
