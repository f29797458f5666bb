//! The document that is checked in, the one that is served, and the one that is generated are the
//! same.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::json;

use stride::problem::{Code, FieldErrorCode};

use crate::support::document::{DOCUMENT, PUBLISHED, operations, problems_of, references};
use crate::support::golden;
use crate::support::{TestApp, some};

#[test]
fn the_checked_in_document_is_what_is_generated() {
    golden::compare(
        "openapi/stride.json",
        &stride::app::document(),
        "cargo run -q -- openapi > openapi/stride.json",
    );
}

/// What is served is what is generated, without white space; each form of it has a strong tag of
/// its own.
async fn the_served_document_is_what_is_generated(app: TestApp) {
    let reply = app.client.get("/openapi.json").await;
    assert_eq!(reply.status(200).text(), PUBLISHED.to_string());
    let plain = reply.header("etag").to_owned();
    let ask = |path: &str| app.client.ask("GET", path);
    let reply = ask("/openapi.json")
        .header("accept-encoding", "zstd, gzip")
        .send_unchecked()
        .await;
    assert_eq!(reply.status(200).header("content-encoding"), "gzip");
    let gzip = reply.header("etag").to_owned();
    let mut text = String::new();
    GzDecoder::new(reply.body.as_slice())
        .read_to_string(&mut text)
        .expect("gzip");
    assert_eq!(text, PUBLISHED.to_string());
    assert!(plain.starts_with('"') && gzip.starts_with('"') && plain != gzip);
    for (tag, accepted, status) in [
        (&plain, "identity", 304),
        (&gzip, "gzip", 304),
        (&plain, "gzip", 200),
    ] {
        let reply = ask("/openapi.json")
            .header("if-none-match", tag)
            .header("accept-encoding", accepted)
            .send_unchecked()
            .await;
        reply.status(status);
    }
}

on_both!(the_served_document_is_what_is_generated);

/// Each operation is in the document of one register, which needs nothing that it does not have.
async fn each_register_has_a_document_of_its_own(app: TestApp) {
    let mut found = BTreeSet::new();
    for name in some(stride::system::specification::parts()) {
        let reply = app.client.get(&format!("/openapi/{name}.json")).await;
        assert!(reply.status(200).header("etag").starts_with('"'));
        let part = reply.json();
        for reference in references(&part) {
            let pointer = reference.strip_prefix('#').expect("a reference within");
            assert_eq!(
                part.pointer(pointer),
                PUBLISHED.pointer(pointer),
                "{name}: {reference}"
            );
        }
        for operation in part["paths"].as_object().expect("paths").values() {
            for o in operation.as_object().expect("a path").values() {
                let id = o["operationId"].as_str().expect("an id").to_owned();
                assert!(found.insert(id.clone()), "{name}: {id} is elsewhere too");
            }
        }
    }
    assert_eq!(found.len(), operations().len());
    app.client
        .get("/openapi/nothing.json")
        .await
        .problem("not_found");
}

on_both!(each_register_has_a_document_of_its_own);

/// Every file that sets the documentation up: it opens on one register and knows all others.
async fn the_documentation_knows_every_document(app: TestApp) {
    let reply = app.client.get("/docs/swagger-initializer.js").await;
    let text = reply.status(200).text();
    for needed in [
        "/openapi/governance.json",
        "/openapi.json",
        "\"filter\": true",
    ] {
        assert!(text.contains(needed), "{needed}: {text}");
    }
    let policy = reply.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && !policy.contains("script"));
}

on_both!(the_documentation_knows_every_document);

#[test]
fn every_operation_says_what_it_does_and_who_may() {
    let mut faults = Vec::new();
    for o in some(operations()) {
        let name = o.name();
        let text = |field: &str| {
            o.operation[field]
                .as_str()
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        for field in ["operationId", "summary", "description"] {
            if text(field).is_empty() {
                faults.push(format!("{name}: no {field}"));
            }
        }
        if text("summary").ends_with('.') || text("summary").len() > 100 {
            faults.push(format!(
                "{name}: a summary is one short line without a full stop"
            ));
        }
        match o.operation["x-roles"].as_array() {
            None => faults.push(format!("{name}: no x-roles")),
            Some(roles) if roles.is_empty() != o.is_public() => faults.push(format!(
                "{name}: x-roles is empty exactly when it is public"
            )),
            Some(_) => {}
        }
        if o.operation["tags"].as_array().is_none_or(|t| t.len() != 1) {
            faults.push(format!("{name}: belongs to one group"));
        }
        let responses = o.operation["responses"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        if !responses["default"]["content"]["application/problem+json"].is_object() {
            faults.push(format!("{name}: no default problem response"));
        }
        let named = problems_of(&o.path, &o.operation);
        let mut wanted = vec![400, 406, 429, 500, 503];
        if !o.is_public() {
            wanted.push(401);
        }
        if o.path.contains('{') {
            wanted.push(404);
        }
        if !o.media_types().is_empty() {
            wanted.extend([413, 415, 422]);
        }
        if matches!(o.method.as_str(), "PATCH" | "DELETE") {
            wanted.extend([412, 428]);
        }
        for status in wanted {
            let code = |c: &&Code| c.status() == status && named.contains(&c.slug());
            if !Code::ALL.iter().any(|c| code(&c)) {
                faults.push(format!("{name}: no problem of status {status}"));
            }
        }
        if !responses.keys().any(|s| s.starts_with(['2', '3'])) {
            faults.push(format!("{name}: no answer for when all is well"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn operation_ids_are_unique_and_names_follow_the_conventions() {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for o in operations() {
        let id = o.operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !seen.insert(id.clone()) {
            faults.push(format!("{}: {id} is used twice", o.name()));
        }
        if let Some(rest) = o.path.strip_prefix("/api/v1/") {
            let kebab = |p: &str| {
                !p.is_empty()
                    && p.bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            // Some calendar programs take only an address that ends so.
            let parts = rest.strip_suffix(".ics").unwrap_or(rest).split('/');
            if !parts.into_iter().all(|p| p.starts_with('{') || kebab(p)) {
                faults.push(format!("{}: a path is kebab-case", o.name()));
            }
        }
        for p in o.parameters("query") {
            let name = p["name"].as_str().unwrap_or_default();
            if !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                faults.push(format!(
                    "{}: the parameter {name} is not snake_case",
                    o.name()
                ));
            }
        }
        let in_path: BTreeSet<&str> = o
            .parameters("path")
            .iter()
            .filter_map(|p| p["name"].as_str())
            .collect();
        let wanted: BTreeSet<&str> = o
            .path
            .split('/')
            .filter_map(|p| Some(p.strip_prefix('{')?.split_once('}')?.0))
            .map(|p| p.split(':').next().unwrap_or(p))
            .collect();
        if in_path != wanted {
            faults.push(format!(
                "{}: describes the path parameters {in_path:?}, has {wanted:?}",
                o.name()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let found: BTreeSet<String> = references(&PUBLISHED).into_iter().collect();
    let lost: Vec<&String> = found
        .iter()
        .filter(|to| {
            to.strip_prefix('#')
                .and_then(|p| PUBLISHED.pointer(p))
                .is_none()
        })
        .collect();
    assert!(lost.is_empty(), "these lead nowhere: {lost:?}");
    for group in ["schemas", "parameters", "responses", "headers"] {
        let all = PUBLISHED["components"][group].as_object().expect(group);
        let to = |name: &str| format!("#/components/{group}/{name}");
        let unused: Vec<&String> = all.keys().filter(|n| !found.contains(&to(n))).collect();
        assert!(unused.is_empty(), "nothing uses these {group}: {unused:?}");
    }
}

/// What was half of the document once: it must not come back.
#[test]
fn the_document_says_nothing_twice() {
    let size = PUBLISHED.to_string().len();
    assert!(size < 1_500_000, "{size} bytes without white space");
    let mut seen = BTreeSet::new();
    for (path, item) in some(PUBLISHED["paths"].as_object().expect("paths")) {
        for (method, operation) in item.as_object().expect("a path") {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let responses = operation["responses"].as_object().expect("responses");
            for part in parameters.chain(responses.values()) {
                let is_new = part["$ref"].is_string() || seen.insert(part.to_string());
                assert!(is_new, "{method} {path}: is said elsewhere too: {part}");
            }
        }
    }
}

#[test]
fn the_document_asks_for_a_token_wherever_one_is_needed() {
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    assert_eq!(DOCUMENT["security"], json!([{ "bearer": [] }]));
    for o in some(operations()) {
        let own = o.operation.get("security");
        assert!(
            own.is_none() || own == Some(&json!([])),
            "{}: {own:?}",
            o.name()
        );
    }
}

/// The word in quotes that ends an argument list's place `at`, where there is one.
fn word(arguments: &str, at: usize) -> Option<&str> {
    let (mut depth, mut place, mut start) = (0, 0, 0);
    let mut is_text = false;
    for (n, c) in arguments.char_indices() {
        match c {
            '"' if !arguments[..n].ends_with('\\') => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' | ',' if depth == 0 => {
                if place == at {
                    let argument = arguments[start..n].trim();
                    return argument.strip_prefix('"')?.strip_suffix('"');
                }
                if c != ',' {
                    return None;
                }
                (place, start) = (place + 1, n + 1);
            }
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The list of codes of faults is that of the source: each call that refuses a field names one of
/// them, and each of them is named.
#[test]
fn the_codes_of_faults_are_those_of_the_source() {
    let mut source = String::new();
    let mut folders = vec![std::path::PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("problem.rs") {
                source.push_str(&std::fs::read_to_string(path).expect("a file"));
            }
        }
    }
    let mut found = BTreeSet::new();
    for (call, at) in [(".refuse(", 1), (".require(", 2), ("Problem::field(", 2)] {
        let calls = source.match_indices(call);
        found.extend(calls.filter_map(|(n, _)| word(&source[n + call.len()..], at)));
    }
    assert!(found.len() > 60, "the walk finds codes: {found:?}");
    let known: BTreeSet<&str> = FieldErrorCode::ALL.iter().copied().collect();
    let unlisted: Vec<&&str> = found.difference(&known).collect();
    assert!(unlisted.is_empty(), "src/problem.rs lacks {unlisted:?}");
    let unused: Vec<&&str> = known
        .iter()
        .filter(|code| !source.contains(&format!("\"{code}\"")))
        .collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}");
}

/// Every code that callers meet has a meaning: the enums of the document are the vocabularies that
/// the registers and views list, and each variant is documented.
#[test]
fn every_code_is_described() {
    let vocabularies = stride::app::vocabularies();
    assert!(vocabularies.len() > 100, "the vocabularies were not found");
    for vocabulary in some(&vocabularies) {
        for term in &vocabulary.terms {
            assert!(
                !term.description.is_empty(),
                "{}: `{}` has no meaning; document the variant",
                vocabulary.name,
                term.code
            );
            assert!(
                !term.label.is_empty(),
                "{}: `{}`",
                vocabulary.name,
                term.code
            );
        }
    }
    // Codes of problems and of rules have pages and lists of their own.
    const ELSEWHERE: [&str; 6] = [
        "ProblemCode",
        "FieldErrorCode",
        "GapRuleCode",
        "GapRuleFilter",
        "ContradictionRule",
        "RecordKind",
    ];
    let schemas = PUBLISHED["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for (name, schema) in some(schemas) {
        let is_vocabulary = schema["type"] == "string" && schema["enum"].is_array();
        if !is_vocabulary || ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let known = vocabularies.iter().find(|v| v.name == name.as_str());
        let known = known.unwrap_or_else(|| {
            panic!(
                "{name} is in no VOCABULARY; derive EnumMessage and VariantArray, and add \
                 Vocabulary::of::<{name}> to its folder's mod.rs"
            )
        });
        let codes: Vec<&str> = known.terms.iter().map(|t| t.code.as_str()).collect();
        assert_eq!(schema["enum"], json!(codes), "{name}");
    }
}
