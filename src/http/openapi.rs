//! The OpenAPI document, generated from the operations.

mod sharing;

use serde_json::{Map, Value, json};
use strum::VariantArray;
use utoipa::ToSchema;

use super::history::{FieldChange, VersionEntry};
use super::operation::{Access, Extension, Operation, Tag};
use super::parameters::schema_ref;
use super::resource::BulkProblem;
use crate::policy::Role;
use crate::problem::{Code, FieldError, Problem};
use crate::world::record::Meta;
use crate::world::schema::{self, Schemas};
use crate::world::vocabulary::Vocabulary;
use crate::world::{Catalogue, Page, Text, page, sample};

/// Version of the API; also sent in the `API-Version` header.
pub const API_VERSION: &str = "1.0.0";

/// A problem, as defined in RFC 9457.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "used only for its schema; problems are written by the dispatcher"
)]
struct ProblemBody {
    /// URL of a page that explains this kind of problem.
    #[schema(max_length = 300, example = "/problems/rule_violation")]
    r#type: String,
    /// Title of this kind of problem, the same every time it occurs.
    title: Text<200>,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong this time, as a sentence.
    detail: Text<4000>,
    /// The requested URL, without its query.
    instance: Text<4000>,
    /// Code of this kind of problem, for programs.
    #[schema(value_type = Code)]
    code: String,
    /// Id of the request. Give it when reporting the problem.
    request_id: Text<64>,
    /// Every error found, with its place; only the first 100 if there are more.
    #[schema(max_items = 100)]
    errors: Vec<FieldError>,
}

/// Enumerations, texts and numbers that fields write out and that deserve a name: the name, a field that has
/// it, and what it is.
const NAMED: [(&str, &str, &str, &str); 6] = [
    (
        "GapRuleCode",
        "GapWaiverInput",
        "rule",
        "A rule that finds gaps.",
    ),
    (
        "RecordKind",
        "JobOperationInput",
        "kind",
        "A kind of record.",
    ),
    (
        "BulkOp",
        "JobOperationInput",
        "op",
        "`create` needs `record`; `update` needs `id`, `if_match` and `patch`; `withdraw` needs \
            `id` and `if_match`; `restore` needs `id`.",
    ),
    (
        "VersionNumber",
        "JobOperationInput",
        "if_match",
        "Number of a version of a record.",
    ),
    (
        "BulkWithin",
        "JobOperationInput",
        "within",
        "The same as `op`: also withdraw or restore the parts of the record.",
    ),
    (
        "Reference",
        "BoardInput",
        "reference",
        "Reference that people use for a record. Unique among records of its kind; generated \
            (`WPI-0042`) if left out.",
    ),
];

/// Enumerations that filters write out and that deserve a name: the name, the path of a list, its
/// filter, and what it is.
const NAMED_FILTERS: [(&str, &str, &str, &str); 2] = [
    (
        "GapRuleFilter",
        "/api/v1/gaps",
        "rule",
        "A rule that finds gaps, or that gaps were found by.",
    ),
    (
        "ContradictionRule",
        "/api/v1/contradictions",
        "rule",
        "A rule that finds contradictions.",
    ),
];

fn name_filters(schemas: &mut Schemas, paths: &Map<String, Value>) {
    for (name, path, filter, about) in NAMED_FILTERS {
        let parameters = paths.get(path).and_then(|p| p.pointer("/get/parameters"));
        let mut parameters = parameters.and_then(Value::as_array).into_iter().flatten();
        let found = parameters.find(|p| p.get("name").is_some_and(|n| n == filter));
        if let Some(words) = found.and_then(|p| p.pointer("/schema/items/enum")) {
            let form = json!({ "type": "string", "enum": words, "description": about });
            debug_assert!(!schemas.contains_key(name), "two schemas are called {name}");
            schemas.insert(name.to_owned(), form);
        }
    }
}

fn name_forms(schemas: &mut Schemas) {
    for (name, owner, field, about) in NAMED {
        let pointer = format!("/properties/{field}");
        if let Some(mut form) = schemas
            .get(owner)
            .and_then(|s| s.pointer(&pointer).cloned())
        {
            schema::set(&mut form, "description", about);
            debug_assert!(!schemas.contains_key(name), "two schemas are called {name}");
            schemas.insert(name.to_owned(), form);
        }
    }
    // What a draft's reference is, its name says.
    let drafts = schemas
        .values_mut()
        .filter(|form| form.get("additionalProperties").is_some());
    for reference in drafts.filter_map(|form| form.pointer_mut("/properties/reference")) {
        if let Some(reference) = reference
            .as_object_mut()
            .filter(|r| r.contains_key("pattern"))
        {
            reference.shift_remove("description");
        }
    }
}

/// What all records, all pages and all outcomes of bulk calls have in common.
fn bases() -> Vec<(&'static str, Value)> {
    let mut parts = Schemas::new();
    schema::add_answer::<Meta>(&mut parts);
    let meta = parts.remove(Meta::name().as_ref()).unwrap_or_default();
    let mut all = vec![("RecordMeta", meta)];
    for (name, mut form, own) in [
        ("Page", page::schema(&Value::Null), "items"),
        ("BulkOutcome", schema::bulk_outcome(&Value::Null), "record"),
    ] {
        if let Some(Value::Object(properties)) = form.get_mut("properties") {
            properties.shift_remove(own);
        }
        if let Some(Value::Array(required)) = form.get_mut("required") {
            required.retain(|name| name != own);
        }
        all.push((name, form));
    }
    all
}

/// All schemas of the records and of the operations.
#[must_use]
pub fn schemas(
    catalogue: &Catalogue,
    more: &[fn(&mut Schemas)],
    vocabularies: &[Vocabulary],
) -> Schemas {
    let mut schemas = Schemas::new();
    schema::add_answer::<ProblemBody>(&mut schemas);
    schema::add_answer::<BulkProblem>(&mut schemas);
    schema::add_answer::<FieldError>(&mut schemas);
    schema::add_answer::<FieldChange>(&mut schemas);
    schema::add_answer::<Page<VersionEntry>>(&mut schemas);
    schemas.insert(
        "VersionDifference".into(),
        json!({
            "type": "object", "required": ["from", "to", "changes"],
            "properties": {
                "from": { "type": "integer", "minimum": 1, "description": "The earlier version." },
                "to": { "type": "integer", "minimum": 1, "description": "The later version." },
                "changes": { "type": "array", "maxItems": 500, "items": schema_ref("FieldChange"), "description": "Every field that differs." },
            },
        }),
    );
    for kind in catalogue.kinds() {
        (kind.schemas)(&mut schemas);
        schema::add_envelopes(kind, &mut schemas);
        sample::add_example(kind, &mut schemas);
    }
    for add in more {
        add(&mut schemas);
    }
    for vocabulary in vocabularies {
        if let Some(schema) = schemas.get_mut(vocabulary.name.as_ref()) {
            let about = schema.get("description").and_then(Value::as_str);
            let about = format!("{}\n\n{}", about.unwrap_or_default(), vocabulary.as_list());
            schema::set(schema, "description", about);
        }
    }
    schemas
}

/// The document.
#[must_use]
pub fn document(operations: &[Operation], schemas: &Schemas) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut tags: Vec<(&str, &str)> = Vec::new();
    for operation in operations {
        // A tag is described by its first operation; for a kind of record that is its list
        // operation.
        let is_first = !tags.iter().any(|(name, _)| *name == operation.tag);
        if is_first {
            tags.push((&operation.tag, introduction(operation)));
        }
        // actix has its own notation for the pattern of a path's tail.
        let path = paths
            .entry(operation.path.replace(":.*}", "}"))
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(
                operation.method.to_ascii_lowercase(),
                entry(operation, operations, is_first),
            );
        }
    }
    let mut schemas = schemas.clone();
    name_forms(&mut schemas);
    name_filters(&mut schemas, &paths);
    for (name, base) in bases() {
        sharing::extend(&mut schemas, name, base);
    }
    sharing::name_forms(&mut schemas, &mut paths);
    let common: Vec<Code> = Code::ALL
        .iter()
        .copied()
        .filter(|c| !c.is_oauth())
        .collect();
    let problem = problem_response(&common, "/api/v1/boards", None);
    let mut responses = Map::from_iter([("Problem".to_owned(), problem)]);
    let parameters = sharing::hoist(&mut paths, &mut responses);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "stride",
            "version": API_VERSION,
            "summary": "Strategy, delivery plan, boards, risks and controls of a public body: the \
                current state, and the state at any earlier time.",
            "description": include_str!("openapi.md"),
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "This service." }],
        "security": [{ "bearer": [] }],
        "x-problems": {
            "bulk": slugs(Operation::BULK_PROBLEMS),
            "any": slugs(Operation::ANY_PROBLEMS), "change": slugs(Operation::CHANGE_PROBLEMS), "token": slugs(Operation::TOKEN_PROBLEMS), "role": slugs(Operation::ROLE_PROBLEMS),
            "path": slugs(Operation::PATH_PROBLEMS), "body": slugs(Operation::BODY_PROBLEMS), "cursor": slugs(Operation::CURSOR_PROBLEMS),
            "etag": slugs(Operation::ETAG_PROBLEMS), "if_match": slugs(Operation::IF_MATCH_PROBLEMS), "idempotency_key": slugs(Operation::KEY_PROBLEMS),
        },
        "tags": tags.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "responses": responses,
            "headers": headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "at+jwt", "description": "An access token from \
                    `/oauth/token` or `/auth/login`. On the machine that runs the service: \
                    `stride token --role viewer`." },
            },
        },
    });
    for (form, codes) in Operation::RECORD_PROBLEMS {
        if let Some(forms) = document.get_mut("x-problems") {
            schema::set(forms, form, slugs(codes));
        }
    }
    sharing::prune(&mut document);
    sharing::trim(&mut document);
    document
}

/// The part of the document with the operations of some groups, and what they use.
#[must_use]
pub fn part(document: &Value, name: &str, holds: impl Fn(&str) -> bool) -> Value {
    let mut part = Map::new();
    let paths = document.get("paths").and_then(Value::as_object);
    let is_held = |operation: &Value| {
        let tag = operation.pointer("/tags/0").and_then(Value::as_str);
        tag.is_some_and(&holds)
    };
    let mut kept = Map::new();
    for (path, item) in paths.into_iter().flatten() {
        let operations = item.as_object().into_iter().flatten();
        let own: Map<String, Value> = operations
            .filter(|(_, operation)| is_held(operation))
            .map(|(method, operation)| (method.clone(), operation.clone()))
            .collect();
        if !own.is_empty() {
            kept.insert(path.clone(), own.into());
        }
    }
    for (word, value) in document.as_object().into_iter().flatten() {
        let value = match (word.as_str(), value) {
            ("paths", _) => std::mem::take(&mut kept).into(),
            ("tags", Value::Array(tags)) => {
                let name =
                    |tag: &&Value| tag.get("name").and_then(Value::as_str).is_some_and(&holds);
                tags.iter().filter(name).cloned().collect()
            }
            // Looked up below, in its place among the others.
            ("components", _) => Value::Null,
            _ => value.clone(),
        };
        part.insert(word.clone(), value);
    }
    let mut part = Value::Object(part);
    if let Some(info) = part.get_mut("info") {
        schema::set(info, "title", format!("stride: {name}"));
    }
    let components = sharing::needed(&part, document);
    schema::set(&mut part, "components", components);
    part
}

/// Description of a group of operations.
fn introduction(first: &Operation) -> &str {
    match first.tag.as_str() {
        "Service" => "Health, versions and documentation.",
        "Sign-in" => "Access tokens, the keys they are signed with, and what their holder may do.",
        "Views" => "Views computed from the records: current, or as recorded at `as_of`.",
        "Journal" => "Every change, in the order of commits.",
        _ => &first.description,
    }
}

/// Links from a newly created record to what can be done with it, showing where its id and ETag are
/// used.
fn links(o: &Operation, operations: &[Operation]) -> Option<Value> {
    let name = o.id.strip_prefix("create")?;
    let mut links = Map::new();
    for (what, id) in [
        ("change", format!("update{name}")),
        ("withdraw", format!("withdraw{name}")),
    ] {
        if operations.iter().any(|other| other.id == id) {
            let parameters =
                json!({ "id": "$response.body#/id", "If-Match": "$response.header.ETag" });
            links.insert(
                what.into(),
                json!({ "operationId": id, "parameters": parameters }),
            );
        }
    }
    (!links.is_empty()).then(|| links.into())
}

fn entry(o: &Operation, operations: &[Operation], is_first: bool) -> Value {
    let roles: Vec<&str> = match o.access {
        Access::Public => Vec::new(),
        _ if o.access.roles().len() == Role::VARIANTS.len() => vec!["any"],
        _ => o.access.roles().into_iter().map(Role::as_str).collect(),
    };
    let who = match o.access {
        Access::Public => "Needs no token.".to_owned(),
        Access::Authenticated => "Needs any valid token.".to_owned(),
        Access::Needs(..) if roles == ["any"] => "Any role.".to_owned(),
        Access::Needs(..) => format!("Roles: {}.", roles.join(", ")),
    };
    let about = match o.description.as_str() {
        "" => who,
        // The group is introduced by it already.
        own if is_first && introduction(o) == own => who,
        // The introduction says what `any` in `x-roles` means.
        own if roles == ["any"] => own.to_owned(),
        own => format!("{own}\n\n{who}"),
    };
    let mut entry = json!({
        "operationId": o.id, "tags": [o.tag], "summary": o.summary,
        "description": about,
        "x-roles": roles,
        "responses": responses(o, operations),
    });
    let own = o.own_problems();
    if !own.is_empty() {
        schema::set(&mut entry, "x-problems", slugs(&own));
    }
    if !o.parameters.is_empty() {
        schema::set(&mut entry, "parameters", json!(o.parameters));
    }
    if o.access == Access::Public {
        schema::set(&mut entry, "security", json!([]));
    }
    if let Some(body) = &o.body {
        let content: Map<String, Value> = body
            .media_types
            .iter()
            .enumerate()
            .map(|(n, m)| {
                let mut form = json!({ "schema": body.schema });
                // A file has no example, and a patch sent as plain JSON has the same.
                match &body.example {
                    Value::Null => {}
                    _ if n > 0 && *m == "application/json" => {}
                    Value::Object(row) if *m == "text/csv" => form = table_of(row),
                    example => schema::set(&mut form, "example", example.clone()),
                }
                ((*m).to_owned(), form)
            })
            .collect();
        schema::set(
            &mut entry,
            "requestBody",
            json!({ "required": true, "content": content }),
        );
    }
    entry
}

/// A body that is a table: a header row, and one row from the example.
fn table_of(row: &Map<String, Value>) -> Value {
    let names: Vec<&str> = row.keys().map(String::as_str).collect();
    let values: Vec<String> = row
        .values()
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
        .collect();
    json!({
        "schema": { "type": "string", "maxLength": 1_073_741_824, "description": "A header row with the names \
            of the columns, then the data rows (RFC 4180)." },
        "example": format!("{}\n{}\n", names.join(","), values.join(",")),
    })
}

fn responses(o: &Operation, operations: &[Operation]) -> Value {
    let mut all = Map::new();
    for (status, description, schema) in &o.answers {
        let mut answer = json!({ "description": description });
        put_headers(&mut answer, answer_headers(o, *status));
        if !schema.is_null() {
            let mut content = json!({ o.media_type: { "schema": schema } });
            for form in o.formats {
                schema::set(
                    &mut content,
                    form.essence(),
                    json!({ "schema": form.schema() }),
                );
            }
            schema::set(&mut answer, "content", content);
        }
        if let Some(links) = links(o, operations).filter(|_| o.is_tagged && *status == 201) {
            schema::set(&mut answer, "links", links);
        }
        all.insert(status.to_string(), answer);
    }
    if o.etag != Tag::Nothing {
        let mut answer = json!({ "description": "Not changed since the ETag in If-None-Match." });
        put_headers(&mut answer, answer_headers(o, 304));
        all.insert("304".into(), answer);
    }
    // Any problem is the `default` answer; which it can be is in `x-problems`. Only those that say
    // more than others are named as well.
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    if let Some(extension) = o.extension {
        let mut codes = o.all_problems();
        codes.retain(|c| (extension.covers)(c.status()));
        for code in &codes {
            let own = problem_response(&codes, &o.path, o.extension);
            all.insert(code.status().to_string(), own);
        }
    }
    all.insert("default".into(), problem);
    all.into()
}

fn put_headers(answer: &mut Value, headers: Value) {
    if headers.as_object().is_some_and(|h| !h.is_empty()) {
        schema::set(answer, "headers", headers);
    }
}

fn slugs(codes: &[Code]) -> Vec<&'static str> {
    codes.iter().map(|c| c.slug()).collect()
}

/// The headers of an answer beyond those that every one has, which stand with the problems.
fn answer_headers(o: &Operation, status: u16) -> Value {
    let to = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let mut headers = json!({});
    if o.etag != Tag::Nothing || o.is_tagged {
        schema::set(&mut headers, "ETag", to("ETag"));
    }
    if o.is_located {
        schema::set(&mut headers, "Location", to("Location"));
    }
    if o.etag == Tag::Journal && o.id.starts_with("list") && status == 200 {
        schema::set(&mut headers, "Link", to("Link"));
    }
    headers
}

/// The answer for problems of these codes.
fn problem_response(codes: &[Code], instance: &str, extension: Option<Extension>) -> Value {
    let Some(first) = codes.first() else {
        return Value::Null;
    };
    let titles: Vec<String> = codes
        .iter()
        .map(|c| format!("- {} `{}`: {}.", c.status(), c.slug(), c.title()))
        .collect();
    let to = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let every = [
        "X-Request-Id",
        "API-Version",
        "RateLimit",
        "RateLimit-Policy",
    ];
    let mut headers = Value::Object(every.iter().map(|n| ((*n).to_owned(), to(n))).collect());
    for (statuses, name) in [
        (&[401][..], "WWW-Authenticate"),
        (&[429, 503], "Retry-After"),
    ] {
        if codes.iter().any(|c| statuses.contains(&c.status())) {
            schema::set(&mut headers, name, to(name));
        }
    }
    let mut example = json!({
        "type": format!("/problems/{}", first.slug()), "title": first.title(), "status": first.status(), "detail": first.remedy(),
        "instance": instance, "code": first.slug(), "request_id": "0b6f0f1e", "errors": [],
    });
    if let Some(extension) = extension
        && let (Some(example), Value::Object(members)) = (
            example.as_object_mut(),
            (extension.members)(&Problem::new(*first, first.remedy())),
        )
    {
        example.extend(members);
    }
    let schema = schema_ref(extension.map_or("ProblemBody", |e| e.schema));
    let mut answer = json!({
        "description": format!("A problem:\n\n{}", titles.join("\n")),
        "content": { "application/problem+json": { "schema": schema, "example": example } },
    });
    put_headers(&mut answer, headers);
    answer
}

/// Adds the schema of problems that have extra `members` (name and schema) as well as the common
/// ones.
pub fn add_extended_problem(schemas: &mut Schemas, name: &str, members: Value) {
    let Some(mut form) = schemas.get("ProblemBody").cloned() else {
        return;
    };
    let Value::Object(members) = members else {
        return;
    };
    if let Some(Value::Array(required)) = form.get_mut("required") {
        required.extend(members.keys().map(|k| Value::from(k.as_str())));
    }
    if let Some(Value::Object(properties)) = form.get_mut("properties") {
        properties.extend(members);
    }
    schemas.insert(name.into(), form);
}

fn headers() -> Value {
    let header = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string", "maxLength": 4000 }, "example": example });
    json!({
        "ETag": header("Version of the content. Send it in If-None-Match to get the content only \
            if it has changed, and in If-Match to change the record.", "\"3\""),
        "Location": header("URL of what was created, or where to look instead.", "/api/v1/boards/019abcde-0000-7000-8000-000000000001"),
        "Link": header("The next page (RFC 8288).", "</api/v1/boards?cursor=…>; rel=\"next\""),
        "X-Request-Id": header("Id of the request in logs and journal. Taken from the request if \
            it has one.", "0b6f0f1e"),
        "API-Version": header("Version of the API.", API_VERSION),
        "RateLimit": header("What remains of the caller's limit: `r` requests, fully restored \
            after `t` seconds. Absent if there is no limit.", "\"caller\";r=999;t=1"),
        "RateLimit-Policy": header("The caller's limit: `q` requests in `w` seconds.", "\"caller\";q=1000;w=2"),
        "Retry-After": header("Number of seconds to wait before trying again.", "1"),
        "WWW-Authenticate": header("The authentication scheme to use (RFC 6750).", "Bearer error=\"invalid_token\""),
    })
}
