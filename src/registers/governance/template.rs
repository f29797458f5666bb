//! The board that every business group should have for the strategy, as a draft to create it from.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Board, BoardKind};
use crate::registers::organisation::{Unit, UnitKind};
use crate::world::World;

/// Maximum length of a record's reference and title.
const REFERENCE: usize = 60;
const TITLE: usize = 200;

/// Returns a draft of a business group's STRIDE board.
#[must_use]
pub fn business_group_board(unit_reference: &str, unit_title: &str, unit_id: Uuid) -> Value {
    let suffix = " STRIDE Board";
    let short: String = unit_title.chars().take(TITLE - suffix.len()).collect();
    let mut draft = json!({
        "title": format!("{}{suffix}", short.trim_end()),
        "board_kind": BoardKind::BusinessGroupBoard,
        "status": "proposed",
        "owner_unit_id": unit_id,
        "purpose": "Plans, delivers and reports the business group's part of the inclusion and \
            diversity strategy.",
    });
    let reference = format!("STRIDE-{unit_reference}");
    if let Some(fields) = draft.as_object_mut()
        && reference.len() <= REFERENCE
    {
        fields.insert("reference".into(), reference.into());
    }
    draft
}

/// Returns drafts for the business groups that have no such board, active or proposed. Units with a
/// last day are left out.
#[must_use]
pub fn missing_boards(world: &World) -> Vec<Value> {
    let wants = |unit: &Unit| unit.unit_kind == UnitKind::BusinessGroup && unit.until_on.is_none();
    let has = |id: Uuid| {
        world.pointing::<Board>(id).any(|b| {
            b.data.owner_unit_id == Some(id.into())
                && b.data.board_kind == BoardKind::BusinessGroupBoard
                && !b.data.is_dissolved()
        })
    };
    world
        .live::<Unit>()
        .filter(|u| wants(&u.data) && !has(u.meta.id))
        .map(|u| {
            let mut draft = business_group_board(&u.meta.reference, &u.data.title, u.meta.id);
            free_reference(world, &mut draft);
            draft
        })
        .collect()
}

/// Removes the reference from the draft if an earlier board has it, so that the service assigns
/// one.
fn free_reference(world: &World, draft: &mut Value) {
    use crate::world::Resource;
    let catalogue = world.catalogue();
    let table = catalogue.index_of(Board::KIND).and_then(|k| world.table(k));
    let Some(fields) = draft.as_object_mut() else {
        return;
    };
    let taken = fields
        .get("reference")
        .and_then(Value::as_str)
        .is_some_and(|r| table.is_some_and(|t| t.by_reference(r).is_some()));
    if taken {
        fields.remove("reference");
    }
}
