//! Settings that differ by organisation, kept as data with versions.

mod set;

pub use set::{
    AppetiteLimit, AttentionWeights, EscalationRule, GapThresholds, RagThresholds, ScoreBand,
    SettingSet, SettingsUsed, Suppression, in_force, suppression, used, used_today,
};

use crate::world::Catalogue;

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue.with::<SettingSet>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::catalogue;
    use crate::registers::checks::bodies::{check, long};

    /// A set as recorded in the journal before gap thresholds existed. Values it does not have are
    /// the built-in ones.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
    fn a_set_of_the_first_shape_is_lifted() {
        let kind = catalogue().named("setting_set").expect("settings");
        let mut snapshot = (kind.example)();
        let fields = snapshot.as_object_mut().expect("an object");
        fields.remove("gaps");
        fields.remove("rotation_soon_days");
        fields.extend(
            [
                ("id", json!("01939ab0-7c00-7000-8000-000000000051")),
                ("reference", json!("SET-0001")),
                ("version", json!(1)),
                ("marking", json!("official")),
                ("created_at", json!("2020-10-26T09:00:00Z")),
                ("updated_at", json!("2020-10-26T09:00:00Z")),
                ("withdrawn_at", Value::Null),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let record = (kind.parse)(&snapshot.to_string(), 1, 7, kind.index).expect("it is lifted");
        let lifted: Value = serde_json::from_slice(&record.json().expect("JSON")).expect("JSON");
        assert_eq!(lifted["gaps"], (kind.example)()["gaps"]);
        assert_eq!(lifted["rotation_soon_days"], json!(90));
    }

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
                (
                    "score_bands",
                    json!([{ "band": "huge", "from": 1, "to": 25 }]),
                ),
                (
                    "score_bands",
                    json!([{ "band": "low", "from": 0, "to": 25 }]),
                ),
                (
                    "appetite_limits",
                    json!([{ "appetite": "open", "highest_product": 26 }]),
                ),
                ("escalation", json!({ "from_product": 0 })),
                ("suppression", json!({ "below": -1, "round_to": 5 })),
                ("suppression", json!({ "below": 10, "round_to": 0 })),
                ("gaps", json!({ "many_deferrals": 0 })),
                ("gaps", json!({ "longest_waiver_days": 4000 })),
            ],
        );
    }
}
