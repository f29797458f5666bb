//! Schemas of fields that several resources have.

/// Schema of a record's other names. Each has 1 to 200 characters.
#[must_use]
pub fn names() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(200));
    ArrayBuilder::new()
        .description(Some("Other names, current or former."))
        .items(name)
        .max_items(Some(20))
        .build()
}
