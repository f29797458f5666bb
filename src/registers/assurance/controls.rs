//! The controls that implement recommendations.

use serde_json::json;
use uuid::Uuid;

use crate::policy::Subject;
use crate::world::{Resource, Rules};

/// Recomputes the controls that implement a recommendation.
pub(super) fn tell_controls<R: Resource>(rules: &mut Rules<'_, R>, recommendation: Uuid) {
    let world = rules.reading.world;
    let controls = (world.pointing_to(recommendation))
        .filter(|r| r.subject() == Subject::Control && world.is_live(r.as_ref()));
    for control in controls {
        rules.follow_up(control.meta().id, json!({}));
    }
}
