//! What differs by organisation, kept as data with versions.

mod set;

pub use set::{
    AppetiteLimit, EscalationRule, GapThresholds, RagThresholds, ScoreBand, SettingSet, SettingsUsed, Suppression, in_force, suppression,
    used,
};

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue.with::<SettingSet>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    #[test]
    fn setting_sets() {
        check(
            "setting_set",
            &[
                ("in_force_from", Value::Null),
                ("in_force_from", json!("soon")),
                ("note", long(2001)),
                ("due_soon_days", json!(0)),
                ("stale_after_days", json!(4000)),
                ("unverified_after_days", json!("long")),
                ("rag", json!({ "late_is_red_after_days": -1 })),
                ("score_bands", json!([])),
                ("score_bands", json!([{ "band": "huge", "from": 1, "to": 25 }])),
                ("score_bands", json!([{ "band": "low", "from": 0, "to": 25 }])),
                ("appetite_limits", json!([{ "appetite": "open", "highest_product": 26 }])),
                ("escalation", json!({ "from_product": 0 })),
                ("suppression", json!({ "below": -1, "round_to": 5 })),
                ("suppression", json!({ "below": 10, "round_to": 0 })),
                ("gaps", json!({ "many_deferrals": 0 })),
                ("gaps", json!({ "longest_waiver_days": 4000 })),
            ],
        );
    }
}
