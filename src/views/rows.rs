//! The page of a view that has rows.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::request::Asked;
use crate::registers::settings::{SettingsUsed, used};
use crate::world::Page;

/// A page of rows, with the date and the settings used to calculate them. In the document it is the
/// page of its rows.
#[derive(Debug, Serialize)]
pub struct AssessedPage<T> {
    #[serde(flatten)]
    pub(super) page: Page<T>,
    on: NaiveDate,
    settings: SettingsUsed,
}

impl<T> AssessedPage<T> {
    pub(super) fn of(page: Page<T>, asked: &Asked) -> Self {
        Self {
            page,
            on: asked.on,
            settings: used(&asked.seen),
        }
    }
}

/// What an [`AssessedPage`] has besides a page.
#[derive(ToSchema)]
#[expect(dead_code, reason = "used only for its schema")]
struct Assessed {
    /// Date it is calculated for.
    on: NaiveDate,
    /// Settings used to calculate it.
    settings: SettingsUsed,
}

impl<T: ToSchema> PartialSchema for AssessedPage<T> {
    fn schema() -> RefOr<Schema> {
        let mut all = Page::<T>::schema();
        if let (RefOr::T(Schema::Object(page)), RefOr::T(Schema::Object(own))) =
            (&mut all, Assessed::schema())
        {
            page.properties.extend(own.properties);
            page.required.extend(own.required);
        }
        all
    }
}

impl<T: ToSchema> ToSchema for AssessedPage<T> {
    fn name() -> Cow<'static, str> {
        Page::<T>::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Page::<T>::schemas(schemas);
    }
}
