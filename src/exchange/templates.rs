//! Records made from a template: every business group's STRIDE board at once.

use serde_json::{Value, json};

use crate::access::policy::{Act, Subject};
use crate::http::operation::{Access, Operation, query, schema_ref};
use crate::http::resource::{idempotency, reason};
use crate::http::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::registers::governance::template::missing_boards;
use crate::world::schema::{self, Schemas};

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    let items = json!({ "type": "array", "maxItems": 1000, "items": schema_ref("Board"), "description": "The boards that were made, or would be." });
    let result = json!({
        "type": "object", "additionalProperties": false, "required": ["items", "dry_run"],
        "properties": { "items": items, "dry_run": { "type": "boolean", "description": "Whether it was only tried." } },
    });
    schemas.insert("BoardsMade".into(), result);
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new("POST", "/api/v1/boards/from-template", "createBusinessGroupBoards", Access::Needs(Subject::Governance, Act::Create), make)
            .says("Boards", "Make every business group's board", "One board, in the status proposed, for each business group that has none: named after it, owned by it, with the purpose of a STRIDE board. Asked again, it makes those that are missing since.")
            .takes([
                idempotency(),
                reason(),
                query("dry_run", "Check everything, write nothing.", json!({ "type": "boolean", "default": false })),
            ])
            .answers(200, "The boards that were made.", schema_ref("BoardsMade"))
            .refuses(&[Code::InvalidHeader, Code::RuleViolation, Code::ReferenceTaken, Code::IdempotencyKeyReused]),
    ]
}

async fn make(call: Call) -> Result<Answer, Problem> {
    let mut write = call.write()?;
    write.dry_run = call.query.flag("dry_run")?;
    let dry_run = write.dry_run;
    call.change(write, move |txn| {
        let kind = txn
            .world
            .catalogue()
            .named("board")
            .ok_or_else(|| Problem::internal("the catalogue has no boards"))?;
        let mut items: Vec<Value> = Vec::new();
        for draft in missing_boards(&txn.world) {
            // A unit that the caller may not know of, or may make no board for, is left as it is.
            match txn.part(|txn| txn.create(kind, None, draft)) {
                Ok(board) => items.push(serde_json::from_slice(txn.show(&board)?.json()).unwrap_or_default()),
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
