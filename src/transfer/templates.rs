//! Creates records from templates: a STRIDE board for every business group, the reports required by
//! the equality duty, the usual assurance scales, and the standard layouts of panel papers.
//!
//! `TEMPLATES` has an entry for each kind of record with a template; `POST
//! /api/v1/{kind}/from-template` is derived from it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::{Outcome, Txn};
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{query, schema_ref};
use crate::http::query::{Query, invalid};
use crate::http::resource::{Names, idempotency, reason};
use crate::http::{Answer, Call};
use crate::policy::Act;
use crate::problem::{Code, Problem};
use crate::registers::governance::template::missing_boards;
use crate::registers::oversight::template::{missing_duties, organisation};
use crate::registers::{assurance, catalogue, papers};
use crate::world::schema::{self, Schemas};
use crate::world::{Kind, World};

/// A template for one kind of record.
struct Template {
    kind: &'static str,
    operation: &'static str,
    summary: &'static str,
    about: &'static str,
    /// Query parameters specific to this template.
    takes: fn() -> Vec<Value>,
    /// Drafts of the missing records that match the query.
    drafts: fn(&World, &Query) -> Result<Vec<Value>, Problem>,
}

/// All templates.
const TEMPLATES: &[Template] = &[
    Template {
        kind: "board",
        operation: "createBusinessGroupBoards",
        summary: "Create the boards of all business groups",
        about: "Creates one board, with the status proposed, for each business group that has \
            none. The board is named after the group, owned by it, and has the purpose of a \
            STRIDE board.",
        takes: Vec::new,
        drafts: |world, _| Ok(missing_boards(world)),
    },
    Template {
        kind: "report_obligation",
        operation: "createPsedReportObligations",
        summary: "Create the report obligations of the equality duty",
        about: "Creates report obligations for the specific duties in SI 2017/353 for one public \
            body: equality information, due by 30 March each year, and equality objectives, due \
            by 30 March every fourth year, both from 2018.",
        takes: || {
            let what = "The public body. If left out, the only unit of kind organisation.";
            vec![query(
                "unit_id",
                what,
                json!({ "type": "string", "format": "uuid", "maxLength": 36 }),
            )]
        },
        drafts: |world, query| {
            let named = query.value::<Uuid>("unit_id", "an id")?;
            let unit = named.or_else(|| organisation(world));
            let unit = unit.ok_or_else(|| {
                invalid(
                    "unit_id",
                    "is required, because there is not exactly one unit of kind organisation",
                )
            })?;
            Ok(missing_duties(world, unit))
        },
    },
    Template {
        kind: "assurance_scale",
        operation: "createPresetAssuranceScales",
        summary: "Create the usual assurance scales",
        about: "Creates the opinion scales that are common in UK internal audit: the one \
            requested, or all of them. A scale with the same levels is not created twice.",
        takes: || {
            vec![query(
                "template",
                "Only this template.",
                json!({ "type": "string", "enum": assurance::TEMPLATES }),
            )]
        },
        drafts: |world, query| {
            let asked = query.get("template");
            if asked.is_some_and(|name| !assurance::TEMPLATES.contains(&name)) {
                let known = assurance::TEMPLATES.join(", ");
                return Err(invalid("template", &format!("must be one of {known}")));
            }
            Ok(assurance::missing_scales(world, asked))
        },
    },
    Template {
        kind: "paper_template",
        operation: "createPresetPaperTemplates",
        summary: "Create the standard templates for panel papers",
        about: "Creates templates for a paper on a strategy, arranged by its priorities, and on \
            an audit, arranged by its recommendations: the one requested, or both. A template \
            with the same sections is not created twice.",
        takes: || {
            vec![query(
                "template",
                "Only this template.",
                json!({ "type": "string", "enum": papers::TEMPLATES }),
            )]
        },
        drafts: |world, query| {
            let asked = query.get("template");
            if asked.is_some_and(|name| !papers::TEMPLATES.contains(&name)) {
                let known = papers::TEMPLATES.join(", ");
                return Err(invalid("template", &format!("must be one of {known}")));
            }
            Ok(papers::missing_templates(world, asked))
        },
    },
];

impl Template {
    fn kind(&self) -> Option<&'static Kind> {
        catalogue().named(self.kind)
    }

    fn operation(&'static self) -> Option<Operation> {
        let kind = self.kind()?;
        let about = format!(
            "{} If called again, it creates only the records that are missing.",
            self.about
        );
        let handler: crate::http::operation::Handler =
            std::sync::Arc::new(move |call| Box::pin(make(call, self, kind)));
        let path = format!("{}/from-template", Names::collection(kind));
        let operation = Operation::with(
            "POST",
            path,
            self.operation,
            Access::Needs(kind.subject, Act::Create),
            handler,
        )
        .says(&crate::http::resource::tag(kind), self.summary, &about)
        .takes([
            idempotency(),
            reason(),
            query(
                "dry_run",
                "Check everything but write nothing.",
                json!({ "type": "boolean", "default": false }),
            ),
        ])
        .takes((self.takes)())
        .answers(
            200,
            "The records that were created.",
            schema_ref(&made(kind)),
        )
        .refuses(&[
            Code::InvalidHeader,
            Code::RuleViolation,
            Code::ReferenceTaken,
            Code::IdempotencyKeyReused,
        ]);
        Some(operation)
    }
}

/// Name of the response schema.
fn made(kind: &Kind) -> String {
    format!("{}Made", Names::of(kind).plural)
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    for kind in TEMPLATES.iter().filter_map(Template::kind) {
        let what = format!(
            "The {} that were created, or would be in a dry run.",
            Names::of(kind).many
        );
        let items = json!({ "type": "array", "maxItems": 1000, "items": schema_ref(&kind.schema_name), "description": what });
        let result = json!({
            "type": "object", "required": ["items", "dry_run"],
            "properties": { "items": items, "dry_run": { "type": "boolean", "description": "Whether this was a dry run." } },
        });
        schemas.insert(made(kind), result);
    }
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    TEMPLATES.iter().filter_map(Template::operation).collect()
}

async fn make(
    call: Call,
    template: &'static Template,
    kind: &'static Kind,
) -> Result<Answer, Problem> {
    let mut write = call.write()?;
    write.dry_run = call.query.flag("dry_run")?;
    let (dry_run, query) = (write.dry_run, call.query.clone());
    call.change(write, move |txn| {
        let drafts = (template.drafts)(&txn.visible_world(), &query)?;
        all(txn, kind, drafts, dry_run)
    })
    .await
}

/// Creates the records that the caller may create. Skips those that the caller may not create, or
/// whose links are not visible to the caller. If that leaves none, returns the first refusal.
fn all(
    txn: &mut Txn<'_>,
    kind: &Kind,
    drafts: Vec<Value>,
    dry_run: bool,
) -> Result<Outcome, Problem> {
    let mut items: Vec<Value> = Vec::new();
    let mut refused: Option<Problem> = None;
    for draft in drafts {
        match txn.part(|txn| txn.create(kind, None, draft)) {
            Ok(record) => {
                items.push(serde_json::from_slice(txn.show(&record)?.json()).unwrap_or_default())
            }
            Err(p) if matches!(p.code, Code::Forbidden | Code::RuleViolation) => {
                refused = refused.or(Some(p))
            }
            Err(p) => return Err(p),
        }
    }
    if let Some(problem) = refused.filter(|_| items.is_empty()) {
        return Err(problem);
    }
    let mut body = json!({ "items": items });
    schema::set(&mut body, "dry_run", dry_run);
    Ok(Answer::of(200, &body)?.into())
}
