//! A page of what a list or a view returns.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::Text;
use super::schema::LOCAL;

/// Maximum number of items on a page.
pub const MAX_ITEMS: usize = 200;

/// At most [`MAX_ITEMS`] items, and where the next ones are. Its schema follows from that of the
/// items: a page of `Job` is a `JobPage`.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor of the next page; none on the last page.
    pub next_cursor: Option<Text<2000>>,
    /// Number of matches on all pages, if it was counted.
    pub total: Option<usize>,
}

impl<T> Page<T> {
    /// The first `limit` of what was found. A reader looks for one more than the page holds, so
    /// that it is known whether there is another page, which continues after the last item shown.
    #[must_use]
    pub fn of(mut found: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(cursor);
        Self {
            items: found,
            next_cursor: next_cursor.map(Text::known),
            total: None,
        }
    }

    /// The same page with what `show` shows of its items. It continues after the last item found,
    /// even if that one is not shown.
    #[must_use]
    pub fn filter_map<U>(self, show: impl FnMut(T) -> Option<U>) -> Page<U> {
        Page {
            items: self.items.into_iter().filter_map(show).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
        }
    }

    /// The same page with each item as `show` shows it.
    ///
    /// # Errors
    /// The first error of `show`.
    pub fn try_map<U, E>(self, show: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(show).collect::<Result<_, E>>()?,
            next_cursor: self.next_cursor,
            total: self.total,
        })
    }
}

/// The schema of a page of `item`s.
#[must_use]
pub fn schema(item: &Value) -> Value {
    json!({
        "type": "object", "required": ["items", "next_cursor", "total"],
        "properties": {
            "items": { "type": "array", "maxItems": MAX_ITEMS, "items": item, "description": "In order." },
            "next_cursor": { "type": ["string", "null"], "maxLength": 2000, "description": "Cursor of the next page; null on the last page." },
            "total": { "type": ["integer", "null"], "minimum": 0, "description": "Number of matches, if include_total=true was given." },
        },
    })
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let item = json!({ "$ref": format!("{LOCAL}{}", T::name()) });
        serde_json::from_value(schema(&item)).unwrap_or_else(|_| Object::new().into())
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_next_page_only_if_more_was_found() {
        let cursor = |n: &i32| n.to_string();
        let next = |found: Vec<i32>| Page::of(found, 2, cursor).next_cursor;
        assert_eq!(next(vec![1, 2, 3]), Some(Text::known("2")));
        assert_eq!(next(vec![1, 2]), None);
        assert_eq!(next(vec![]), None);
    }
}
