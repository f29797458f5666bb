//! The specific duties under the public sector equality duty, as drafts of obligations.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{ReportObligation, StatutoryDuty};
use crate::registers::organisation::{Unit, UnitKind};
use crate::world::World;

/// Returns drafts for both duties of a public body listed in schedule 2 of the regulations. The
/// regulations count each interval from the last publication. The drafts count from the latest
/// possible first day, 30 March 2018, so a body that publishes by each 30 March complies with both.
#[must_use]
pub fn psed_duties(unit: Uuid) -> Vec<Value> {
    let duty = |duty, title: &str, what: &str, regulation: u8, years: u8| {
        json!({
            "title": title,
            "what": what,
            "from_unit_id": unit,
            "to_others": "The public: published where everyone can read it",
            "legal_basis": format!("Equality Act 2010 (Specific Duties and Public Authorities) \
                Regulations 2017, SI 2017/353, regulation {regulation}"),
            "statutory_duty": duty,
            "frequency": { "every": years, "unit": "year" },
            "first_due_on": "2018-03-30",
        })
    };
    vec![
        duty(
            StatutoryDuty::PsedEqualityInformation,
            "Equality information",
            "Information that shows how the body meets the equality duty, on its employees and on \
                others affected by its policies and practices. At least once a year.",
            4,
            1,
        ),
        duty(
            StatutoryDuty::PsedEqualityObjectives,
            "Equality objectives",
            "One or more specific and measurable objectives for meeting the aims of the equality \
                duty. At least every four years.",
            5,
            4,
        ),
    ]
}

/// Returns those duties for which the body has no obligation yet.
#[must_use]
pub fn missing_duties(world: &World, unit: Uuid) -> Vec<Value> {
    let has = |draft: &Value| {
        let duty = draft.get("statutory_duty").cloned().unwrap_or_default();
        world.pointing::<ReportObligation>(unit).any(|o| {
            o.data.from_unit_id == Some(unit.into()) && json!(o.data.statutory_duty) == duty
        })
    };
    psed_duties(unit).into_iter().filter(|d| !has(d)).collect()
}

/// Returns the unit of kind organisation, if there is exactly one.
#[must_use]
pub fn organisation(world: &World) -> Option<Uuid> {
    let mut all = world
        .live::<Unit>()
        .filter(|u| u.data.unit_kind == UnitKind::Organisation && u.data.until_on.is_none());
    all.next()
        .filter(|_| all.next().is_none())
        .map(|u| u.meta.id)
}
