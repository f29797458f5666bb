//! The figures of a status, each with the query of the records behind it.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::counts::{Plus, StatusFigures};
use crate::http::resource::BASE;
use crate::views::request::Asked;
use crate::world::Text;

/// Path of the operation that lists the records behind a figure.
pub const PATH: &str = "status/records";
/// The figure that is listed if none is named.
pub const FIRST: &str = "items.items";

/// A figure of a status, and where the records that it counts are listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusFigure {
    /// Name of the figure, as in `trend`.
    pub figure: Text<100>,
    /// Number of records.
    pub count: u32,
    /// Query that lists them. If the status was asked for `as_of` a time, add the same `as_of`.
    pub query: Text<400>,
}

/// Names nested figures by their paths: `declared_rag.red`.
fn flatten(all: &mut Map<String, Value>, prefix: &str, value: Value) {
    if let Value::Object(map) = value {
        for (name, value) in map {
            let name = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            flatten(all, &name, value);
        }
    } else {
        all.insert(prefix.to_owned(), value);
    }
}

/// Every figure by its path.
#[must_use]
pub fn figures_of(figures: &StatusFigures) -> Map<String, Value> {
    let mut all = Map::new();
    flatten(&mut all, "", json!(figures));
    all
}

/// The names of all figures, in the order of the answer.
#[must_use]
pub fn names() -> Vec<String> {
    figures_of(&StatusFigures::default())
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

/// The pattern of a name, for the document.
#[must_use]
pub fn pattern() -> String {
    format!("^({})$", names().join("|").replace('.', r"\."))
}

/// What the queries of one status have in common.
pub struct Queries {
    about: Option<Uuid>,
    on: String,
}

impl Queries {
    /// The queries of a status about a record, or about everything.
    pub fn new(asked: &Asked, about: Option<Uuid>) -> Self {
        Self {
            about,
            on: asked.on.to_string(),
        }
    }

    /// Query for the records behind a figure, narrowed to a group if one is given.
    pub fn of(&self, figure: &str, group: Option<(&str, Uuid)>) -> Text<400> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("figure", figure);
        if let Some(id) = self.about {
            query.append_pair("record_id", &id.to_string());
        }
        if let Some((name, id)) = group {
            query.append_pair(name, &id.to_string());
        }
        query.append_pair("on", &self.on);
        Text::cut(format!("{BASE}/{PATH}?{}", query.finish()))
    }

    /// Every figure.
    pub fn all(&self, figures: &StatusFigures) -> Vec<StatusFigure> {
        let figure = |name: String| {
            let path: Vec<&str> = name.split('.').collect();
            StatusFigure {
                count: figures.at(&path).unwrap_or_default(),
                query: self.of(&name, None),
                figure: Text::cut(name),
            }
        };
        names().into_iter().map(figure).collect()
    }
}
