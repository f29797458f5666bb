//! Who may call what, as measured over HTTP, in files that a person can read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use stride::access::tokens::{Subject, Tokens, new_signing_key};
use stride::db::store::{SigningKeyRow, signing_keys};
use stride::policy::Role;
use strum::VariantArray;
use uuid::Uuid;

use crate::support::document::{Described, operation_at, operations};
use crate::support::{Client, TestApp, golden, some};

const REMEDY: &str = "STRIDE_TEST_UPDATE=1 cargo test --test api contract::roles";

/// One request: an operation, or one sort of operation in a bulk call.
struct Row {
    name: String,
    method: String,
    address: String,
    body: Option<(String, String)>,
    is_public: bool,
    roles: BTreeSet<String>,
}

fn rows() -> Vec<Row> {
    let id = Uuid::now_v7().to_string();
    let mut rows = Vec::new();
    for o in operations() {
        let body = o.media_types().first().map(|m| {
            (
                m.clone(),
                if m.ends_with("json") {
                    "{}".into()
                } else {
                    String::new()
                },
            )
        });
        rows.push(row(&o, String::new(), body, &id));
        if o.path.ends_with("/bulk") {
            for one in [
                json!({ "op": "create", "record": {} }),
                json!({ "op": "update", "id": id, "if_match": 1, "patch": {} }),
                json!({ "op": "withdraw", "id": id, "if_match": 1 }),
                json!({ "op": "restore", "id": id }),
            ] {
                let op = one["op"].as_str().expect("op");
                // Not every kind offers to create or to change.
                if alone(&o.path, op).is_empty() {
                    continue;
                }
                let body = json!({ "operations": [one] }).to_string();
                let mut row = row(
                    &o,
                    format!(" {op}"),
                    Some(("application/json".into(), body)),
                    &id,
                );
                // Who may do it in a bulk call is who may do it alone.
                row.roles = alone(&o.path, op);
                rows.push(row);
            }
        }
    }
    rows
}

/// The roles of the operation that does alone what `op` does in a bulk call; none where there is no
/// such operation.
fn alone(bulk: &str, op: &str) -> BTreeSet<String> {
    let collection = bulk.trim_end_matches("/bulk");
    let (method, path) = match op {
        "create" => ("POST", collection.to_owned()),
        "update" => ("PATCH", format!("{collection}/{{id}}")),
        "withdraw" => ("DELETE", format!("{collection}/{{id}}")),
        _ => ("POST", format!("{collection}/{{id}}/restore")),
    };
    operation_at(method, &path)
        .map(|(_, o)| roles_of(o))
        .unwrap_or_default()
}

fn roles_of(operation: &Value) -> BTreeSet<String> {
    let names = operation["x-roles"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn row(o: &Described, label: String, body: Option<(String, String)>, id: &str) -> Row {
    Row {
        name: format!("{}{label}", o.name()),
        method: o.method.clone(),
        address: o.address(id),
        body,
        is_public: o.is_public(),
        roles: roles_of(&o.operation),
    }
}

async fn measure(client: &Client, row: &Row) -> u16 {
    let mut ask = client
        .ask(&row.method, &row.address)
        .header("if-match", "\"1\"");
    if let Some((media_type, body)) = &row.body {
        ask = ask.body(media_type, body.clone());
    }
    let reply = ask.send().await;
    match reply.status {
        401 if !row.is_public => drop(reply.problem("unauthenticated")),
        403 => drop(reply.problem("forbidden")),
        _ => {}
    }
    // A public operation may refuse credentials; that says nothing about tokens.
    if row.is_public { 200 } else { reply.status }
}

fn cell(status: u16) -> &'static str {
    match status {
        401 => "401",
        403 => "-",
        _ => "yes",
    }
}

/// Tokens that must not be taken, by what is wrong with them.
async fn bad_tokens(app: &TestApp) -> Vec<(&'static str, String)> {
    let keys = app.service.engine.read(signing_keys).await.expect("keys");
    let key = keys.last().expect("a key");
    let subject = Subject {
        account: app.operator(),
        client_id: "tests".into(),
        read_only: false,
        acting_as: Some(stride::access::Held {
            role: Role::Administrator,
            scope: None,
            official_sensitive: true,
        }),
    };
    let issue = |issuer: &str, audience: &str, keys: &[SigningKeyRow]| {
        let tokens = Tokens::new(issuer.into(), audience.into(), keys).expect("keys");
        tokens.issue(&subject).expect("a token")
    };
    let forged = SigningKeyRow {
        kid: key.kid.clone(),
        ..new_signing_key().expect("a key")
    };
    let now = Utc::now().timestamp();
    let claims = |from: i64| {
        json!({
            "iss": "stride", "aud": "stride", "sub": app.operator(), "jti": Uuid::now_v7(), "iat": from, "exp": from + 900,
            "client_id": "tests", "scope": "read write",
            "acting_as": { "role": "administrator", "scope": null, "official_sensitive": true },
        })
    };
    let sign = |typ: &str, claims: &Value| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.into());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&key.private_key))
            .expect("a token")
    };
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!(
        "{}.{}.",
        text(&json!({ "alg": "none", "typ": "at+jwt", "kid": key.kid })),
        text(&claims(now))
    );
    let hmac = {
        // The public key as a shared secret: the oldest confusion there is.
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".into());
        header.kid = Some(key.kid.clone());
        let jwks = app.service.tokens.jwks();
        let public = jwks["keys"][0]["x"]
            .as_str()
            .and_then(|x| URL_SAFE_NO_PAD.decode(x).ok())
            .expect("a public key");
        jsonwebtoken::encode(&header, &claims(now), &EncodingKey::from_secret(&public))
            .expect("a token")
    };
    // The same claims, well signed, are taken: what is refused is refused for its fault alone.
    let good = sign("at+jwt", &claims(now));
    app.client
        .with_token(&good)
        .get("/api/v1/me")
        .await
        .status(200);
    vec![
        ("expired", sign("at+jwt", &claims(now - 10_000))),
        ("issuer", issue("elsewhere", "stride", &keys)),
        ("audience", issue("stride", "elsewhere", &keys)),
        ("forged", issue("stride", "stride", &[forged])),
        ("none", none),
        ("hmac", hmac),
        ("typ", sign("JWT", &claims(now))),
        ("garbage", "a.b.c".into()),
    ]
}

/// The matrix of roles, bulk calls counted by what is in them, agrees with the golden file and with
/// `x-roles`.
async fn every_operation_is_open_to_its_roles_alone(app: TestApp) {
    let rows = rows();
    let wide = rows.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let short = |role: Role| role.as_str().chars().take(9).collect::<String>();
    let mut found = format!("{:wide$}  {:9}", "operation", "anonymous");
    for role in Role::VARIANTS.iter().copied() {
        let _ = write!(found, " {:9}", short(role));
    }
    found = format!("{}\n", found.trim_end());
    let clients: Vec<(Role, Client)> = Role::VARIANTS.iter().map(|r| (*r, app.role(*r))).collect();
    for row in some(&rows) {
        let mut line = format!(
            "{:wide$}  {:9}",
            row.name,
            cell(measure(&app.client, row).await)
        );
        for (role, client) in &clients {
            let status = measure(client, row).await;
            let _ = write!(line, " {:9}", cell(status));
            let may = status != 403 && status != 401;
            let promised = row.is_public || row.roles.contains(role.as_str());
            assert!(
                may == promised,
                "{} as {}: {status}, promised {promised}",
                row.name,
                role.as_str()
            );
        }
        found.push_str(line.trim_end());
        found.push('\n');
    }
    golden::compare("tests/api/contract/roles.txt", &found, REMEDY);
}

/// No operation but the public ones takes a token that is not whole.
async fn a_bad_token_opens_nothing(app: TestApp) {
    for (fault, token) in some(bad_tokens(&app).await) {
        let client = app.client.with_token(&token);
        for row in rows() {
            let status = measure(&client, &row).await;
            assert_eq!(
                status,
                if row.is_public { 200 } else { 401 },
                "{} with a token that is wrong by {fault}",
                row.name
            );
        }
    }
    for header in ["Basic abc", "Bearer", "Bearer ", "bearer\tx", "Token x"] {
        let reply = app
            .client
            .ask("GET", "/api/v1/me")
            .header("authorization", header)
            .send()
            .await;
        reply.problem("unauthenticated");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
}

/// A token with scope `read` changes nothing, whatever its role.
async fn a_token_to_read_with_changes_nothing(app: TestApp) {
    let client = |role| {
        app.with(&Subject {
            account: app.operator(),
            client_id: "tests".into(),
            read_only: true,
            acting_as: Some(stride::access::Held {
                role,
                scope: None,
                official_sensitive: false,
            }),
        })
    };
    let seq = app.seq().await;
    for row in some(rows().iter().filter(|r| !r.is_public)) {
        for role in Role::VARIANTS.iter().copied() {
            let status = measure(&client(role), row).await;
            let reads = row.method == "GET" || row.name.ends_with("/bulk");
            if !reads {
                assert_eq!(status, 403, "{} as {}", row.name, role.as_str());
            }
        }
    }
    assert_eq!(app.seq().await, seq);
}

on_both!(
    every_operation_is_open_to_its_roles_alone,
    a_bad_token_opens_nothing,
    a_token_to_read_with_changes_nothing
);

#[test]
fn the_list_of_public_operations_only_shrinks() {
    const FILE: &str = "tests/api/contract/public.txt";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let known: BTreeSet<String> = std::fs::read_to_string(&path)
        .expect(FILE)
        .lines()
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = operations()
        .iter()
        .filter(|o| o.is_public())
        .map(Described::name)
        .collect();
    let grown: Vec<&String> = found.difference(&known).collect();
    assert!(
        grown.is_empty(),
        "these operations need a token; if one truly must not, argue for it and add it to {FILE} by hand: {grown:?}"
    );
    let gone: Vec<&String> = known.difference(&found).collect();
    if golden::updating() && !gone.is_empty() {
        let text: String = found.iter().map(|l| format!("{l}\n")).collect();
        std::fs::write(&path, text).expect(FILE);
        return;
    }
    assert!(
        gone.is_empty(),
        "these are public no more; take them out of {FILE} with {REMEDY}: {gone:?}"
    );
}
