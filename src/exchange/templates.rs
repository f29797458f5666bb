//! Records made from a template: every business group's STRIDE board at once, the usual assurance scales.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::access::policy::{Act, Subject};
use crate::http::operation::{Access, Handler, Operation, query, schema_ref};
use crate::http::query::invalid;
use crate::http::resource::{idempotency, reason};
use crate::http::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::registers::{assurance, governance};
use crate::world::World;
use crate::world::schema::{self, Schemas};

/// Drafts of the records that a template makes and that are not there yet. A template may come in several forms, of which one can be
/// asked for.
type Missing = fn(&World, Option<&str>) -> Vec<Value>;

/// What can be made from a template.
struct Template {
    /// The kind of record that it makes, its path and its schema.
    kind: &'static str,
    path: &'static str,
    schema: &'static str,
    /// Id of the operation, where it stands in the document, and what it says there.
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    about: &'static str,
    /// Row of the matrix.
    subject: Subject,
    /// Names of its forms, for `?template=`; none where it has one form only.
    forms: &'static [&'static str],
    missing: Missing,
}

/// Every template.
const TEMPLATES: &[Template] = &[
    Template {
        kind: "board",
        path: "/api/v1/boards/from-template",
        schema: "Board",
        id: "createBusinessGroupBoards",
        tag: "Boards",
        summary: "Make every business group's board",
        about: "One board, in the status proposed, for each business group that has none: named after it, owned by it, with the purpose of a STRIDE board. Asked again, it makes those that are missing since.",
        subject: Subject::Governance,
        forms: &[],
        missing: |world, _| governance::template::missing_boards(world),
    },
    Template {
        kind: "assurance_scale",
        path: "/api/v1/assurance-scales/from-template",
        schema: "AssuranceScale",
        id: "createPresetAssuranceScales",
        tag: "Assurance scales",
        summary: "Make the usual assurance scales",
        about: "The scales of opinion that are common in UK internal audit: the one asked for, or all. A scale with the same levels is not made twice.",
        subject: Subject::Setting,
        forms: &assurance::TEMPLATES,
        missing: assurance::missing_scales,
    },
];

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    for template in TEMPLATES {
        let items = json!({ "type": "array", "maxItems": 1000, "items": schema_ref(template.schema), "description": "What was made, or would be." });
        let result = json!({
            "type": "object", "additionalProperties": false, "required": ["items", "dry_run"],
            "properties": { "items": items, "dry_run": { "type": "boolean", "description": "Whether it was only tried." } },
        });
        schemas.insert(format!("{}sMade", template.schema), result);
    }
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    TEMPLATES.iter().map(operation).collect()
}

fn operation(template: &'static Template) -> Operation {
    let handler: Handler = Arc::new(move |call| Box::pin(make(call, template)));
    let access = Access::Needs(template.subject, Act::Create);
    let operation = Operation::with("POST", template.path, template.id, access, handler)
        .says(template.tag, template.summary, template.about)
        .takes([
            idempotency(),
            reason(),
            query(
                "dry_run",
                "Check everything, write nothing.",
                json!({ "type": "boolean", "default": false }),
            ),
        ])
        .answers(200, "What was made.", schema_ref(&format!("{}sMade", template.schema)))
        .refuses(&[
            Code::InvalidHeader,
            Code::RuleViolation,
            Code::ReferenceTaken,
            Code::IdempotencyKeyReused,
        ]);
    if template.forms.is_empty() {
        return operation;
    }
    let form = query("template", "Only this one.", json!({ "type": "string", "enum": template.forms }));
    operation.takes([form])
}

async fn make(call: Call, template: &'static Template) -> Result<Answer, Problem> {
    let mut write = call.write()?;
    write.dry_run = call.query.flag("dry_run")?;
    let dry_run = write.dry_run;
    let asked = call.query.get("template");
    let form = asked
        .map(|name| {
            let known = template.forms.iter().find(|f| **f == name);
            known.ok_or_else(|| invalid("template", &format!("must be one of {}", template.forms.join(", "))))
        })
        .transpose()?
        .copied();
    call.change(write, move |txn| {
        let kind = txn
            .world
            .catalogue()
            .named(template.kind)
            .ok_or_else(|| Problem::internal("the catalogue has no such kind"))?;
        let mut items: Vec<Value> = Vec::new();
        for draft in (template.missing)(&txn.world, form) {
            // What the caller may not know of, or may make nothing for, is left as it is.
            match txn.part(|txn| txn.create(kind, None, draft)) {
                Ok(record) => items.push(serde_json::from_slice(record.json()).unwrap_or_default()),
                Err(p) if matches!(p.code, Code::Forbidden | Code::RuleViolation) => {}
                Err(p) => return Err(p),
            }
        }
        let mut body = json!({ "items": items });
        schema::set(&mut body, "dry_run", dry_run);
        Ok(Answer::of(200, &body)?.into())
    })
    .await
}
