//! The OpenAPI document, generated from the operations.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::history::{FieldChange, VersionEntry};
use super::operation::{Access, Extension, Operation, Tag, schema_ref};
use super::resource::BulkProblem;
use crate::problem::{Code, FieldError, Problem};
use crate::world::Catalogue;
use crate::world::sample;
use crate::world::schema::{self, Schemas};

/// Version of the API; also sent in the `API-Version` header.
pub const API_VERSION: &str = "1.0.0";

/// Added to the description of every list.
pub(super) const PAGES: &str = " Results come in pages: follow `next_cursor` or the `Link` header.";

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
    #[schema(max_length = 200)]
    title: String,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong this time, as a sentence.
    #[schema(max_length = 4000)]
    detail: String,
    /// The requested URL, without its query.
    #[schema(max_length = 4000)]
    instance: String,
    /// Code of this kind of problem, for programs.
    #[schema(max_length = 60)]
    code: String,
    /// Id of the request. Give it when reporting the problem.
    #[schema(max_length = 64)]
    request_id: String,
    /// Every error found, with its place; only the first 100 if there are more.
    #[schema(max_items = 100)]
    errors: Vec<FieldError>,
}

/// All schemas of the records and of the operations.
#[must_use]
pub fn schemas(catalogue: &Catalogue, more: &[fn(&mut Schemas)]) -> Schemas {
    let mut schemas = Schemas::new();
    schema::add_answer::<ProblemBody>(&mut schemas);
    schema::add_answer::<BulkProblem>(&mut schemas);
    schema::add_answer::<FieldError>(&mut schemas);
    schema::add_answer::<FieldChange>(&mut schemas);
    schema::add_answer::<VersionEntry>(&mut schemas);
    schemas.insert(
        "VersionEntryPage".into(),
        schema::page(&schema_ref("VersionEntry")),
    );
    schemas.insert(
        "VersionDifference".into(),
        json!({
            "type": "object", "additionalProperties": false, "required": ["from", "to", "changes"],
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
        if !tags.iter().any(|(name, _)| *name == operation.tag) {
            tags.push((&operation.tag, introduction(operation)));
        }
        // actix has its own notation for the pattern of a path's tail.
        let path = paths
            .entry(operation.path.replace(":.*}", "}"))
            .or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(
                operation.method.to_ascii_lowercase(),
                entry(operation, operations),
            );
        }
    }
    let parameters = hoist(&mut paths);
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
        "tags": tags.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "responses": problems(),
            "headers": headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "at+jwt", "description": "An access token from \
                    `/oauth/token` or `/auth/login`. On the machine that runs the service: \
                    `stride token --role viewer`." },
            },
        },
    });
    prune(&mut document);
    document
}

/// Description of a group of operations.
fn introduction(first: &Operation) -> &str {
    match first.tag.as_str() {
        "Service" => "Health, versions and documentation.",
        "Sign-in" => "Access tokens, the keys they are signed with, and what their holder may do.",
        "Views" => "Views computed from the records: current, or as recorded at `as_of`.",
        "Journal" => "Every change, in the order of commits.",
        _ => first.description.trim_end_matches(PAGES),
    }
}

/// Removes components that nothing refers to.
fn prune(document: &mut Value) {
    loop {
        let mut used = HashSet::new();
        references(document, &mut used);
        let mut removed = false;
        for (group, pointer) in [
            ("schemas", "/components/schemas"),
            ("responses", "/components/responses"),
        ] {
            if let Some(all) = document.pointer_mut(pointer).and_then(Value::as_object_mut) {
                let before = all.len();
                all.retain(|name, _| used.contains(&format!("#/components/{group}/{name}")));
                removed |= all.len() < before;
            }
        }
        if !removed {
            return;
        }
    }
}

fn references(value: &Value, used: &mut HashSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(to) = map.get("$ref").and_then(Value::as_str) {
                used.insert(to.to_owned());
            }
            map.values().for_each(|v| references(v, used));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, used)),
        _ => {}
    }
}

/// Moves parameters shared by many operations to the components, so that each is defined once.
fn hoist(paths: &mut Map<String, Value>) -> Map<String, Value> {
    /// A parameter used at least this often is moved to the components.
    const SHARED: usize = 10;
    let mut uses: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    each_parameter(paths, |p| *uses.entry(p.to_string()).or_default() += 1);
    let mut shared = Map::new();
    each_parameter(paths, |p| {
        if uses.get(&p.to_string()).is_none_or(|n| *n < SHARED) {
            return;
        }
        let name = p
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let mut key = name.clone();
        let mut n = 1;
        while shared.get(&key).is_some_and(|other| other != p) {
            n += 1;
            key = format!("{name}-{n}");
        }
        let to = json!({ "$ref": format!("#/components/parameters/{key}") });
        shared.insert(key, std::mem::replace(p, to));
    });
    shared
}

fn each_parameter(paths: &mut Map<String, Value>, mut visit: impl FnMut(&mut Value)) {
    for operation in paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|p| p.values_mut())
    {
        if let Some(Value::Array(all)) = operation.get_mut("parameters") {
            all.iter_mut().for_each(&mut visit);
        }
    }
}

/// Links from a newly created record to what can be done with it, showing where its id and ETag are
/// used.
fn links(o: &Operation, operations: &[Operation]) -> Option<Value> {
    let name = o.id.strip_prefix("create")?;
    let mut links = Map::new();
    for (what, id, takes_tag) in [
        ("read", format!("get{name}"), false),
        ("change", format!("update{name}"), true),
        ("withdraw", format!("withdraw{name}"), true),
        ("history", format!("list{name}History"), false),
    ] {
        if operations.iter().any(|other| other.id == id) {
            let mut parameters = json!({ "id": "$response.body#/id" });
            if takes_tag {
                schema::set(&mut parameters, "If-Match", json!("$response.header.ETag"));
            }
            links.insert(
                what.into(),
                json!({ "operationId": id, "parameters": parameters }),
            );
        }
    }
    (!links.is_empty()).then(|| links.into())
}

fn entry(o: &Operation, operations: &[Operation]) -> Value {
    let roles: Vec<&str> = o
        .access
        .roles()
        .into_iter()
        .map(crate::policy::Role::as_str)
        .collect();
    let who = match o.access {
        Access::Public => "Needs no token.".to_owned(),
        Access::Authenticated => "Needs any valid token.".to_owned(),
        Access::Needs(..) => format!("Roles: {}.", roles.join(", ")),
    };
    let mut entry = json!({
        "operationId": o.id, "tags": [o.tag], "summary": o.summary, "description": format!("{}\n\n{who}", o.description),
        "x-roles": if o.access == Access::Public { json!([]) } else { json!(roles) },
        "x-problems": o.all_problems().iter().map(|c| c.slug()).collect::<Vec<_>>(),
        "responses": responses(o, operations),
    });
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
            .map(|m| {
                let mut form = json!({ "schema": body.schema });
                // A file has no example.
                match &body.example {
                    Value::Null => {}
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
        let mut answer =
            json!({ "description": description, "headers": answer_headers(o, *status) });
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
        if let Some(links) = links(o, operations).filter(|_| *status == 201) {
            schema::set(&mut answer, "links", links);
        }
        all.insert(status.to_string(), answer);
    }
    if o.etag != Tag::Nothing {
        all.insert(
            "304".into(),
            json!({ "description": "Not changed since the ETag in If-None-Match.", "headers": answer_headers(o, 304) }),
        );
    }
    let problems = o.all_problems();
    for code in &problems {
        let status = code.status();
        all.entry(status.to_string()).or_insert_with(|| {
            match o.extension.filter(|e| (e.covers)(status)) {
                None => json!({ "$ref": format!("#/components/responses/Problem{status}") }),
                Some(extension) => {
                    let own: Vec<Code> = problems
                        .iter()
                        .copied()
                        .filter(|c| c.status() == status)
                        .collect();
                    problem_response(&own, &o.path, Some(extension))
                }
            }
        });
    }
    all.into()
}

fn answer_headers(o: &Operation, status: u16) -> Value {
    let to = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let mut headers = json!({
        "X-Request-Id": to("X-Request-Id"), "API-Version": to("API-Version"), "RateLimit": to("RateLimit"), "RateLimit-Policy": to("RateLimit-Policy"),
    });
    if o.etag != Tag::Nothing || matches!(o.method, "PATCH" | "DELETE") || status == 201 {
        schema::set(&mut headers, "ETag", to("ETag"));
    }
    if matches!(status, 201 | 202) && o.id.starts_with("create") {
        schema::set(&mut headers, "Location", to("Location"));
    }
    if o.etag == Tag::Journal && o.id.starts_with("list") && status == 200 {
        schema::set(&mut headers, "Link", to("Link"));
    }
    headers
}

/// One response for each status that a problem can have, with every code of that status. The codes
/// that an operation can return are in its `x-problems`.
fn problems() -> Value {
    let common = || Code::ALL.iter().copied().filter(|c| !c.is_oauth());
    let mut all = Map::new();
    for first in common() {
        let status = first.status();
        all.entry(format!("Problem{status}")).or_insert_with(|| {
            let codes: Vec<Code> = common().filter(|c| c.status() == status).collect();
            problem_response(&codes, "/api/v1/boards", None)
        });
    }
    all.into()
}

/// The response for problems with these codes, which share a status.
fn problem_response(codes: &[Code], instance: &str, extension: Option<Extension>) -> Value {
    let Some(first) = codes.first() else {
        return Value::Null;
    };
    let titles: Vec<String> = codes
        .iter()
        .map(|c| format!("`{}`: {}.", c.slug(), c.title()))
        .collect();
    let to = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    let mut headers = json!({ "X-Request-Id": to("X-Request-Id") });
    match first.status() {
        401 => schema::set(&mut headers, "WWW-Authenticate", to("WWW-Authenticate")),
        429 | 503 => schema::set(&mut headers, "Retry-After", to("Retry-After")),
        _ => {}
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
    json!({
        "description": titles.join(" "),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "example": example } },
    })
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
        "Location": header("URL of the new record.", "/api/v1/boards/019abcde-0000-7000-8000-000000000001"),
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
