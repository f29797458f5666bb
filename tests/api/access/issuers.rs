//! Tokens of the organisation's own identity provider: what is taken, what is refused, and whose
//! account it is.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use stride::policy::Role;

use super::nobody;
use crate::support::maker::{Maker, kind};
use crate::support::{Client, TestApp, some};

const ISSUER: &str = "https://id.example.org/realms/body";

/// A key pair of the provider.
struct Pair {
    algorithm: Algorithm,
    signs: EncodingKey,
    jwk: Value,
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn es256(kid: &str) -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = pair.public_key().as_ref();
    Pair {
        algorithm: Algorithm::ES256,
        signs: EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("a key").as_ref()),
        jwk: json!({ "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "x": text(&point[1..33]), "y": text(&point[33..]) }),
    }
}

fn ed25519(kid: &str) -> Pair {
    let pair = Ed25519KeyPair::generate().expect("a key");
    Pair {
        algorithm: Algorithm::EdDSA,
        signs: EncodingKey::from_ed_der(pair.to_pkcs8().expect("a key").as_ref()),
        jwk: json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "x": text(pair.public_key().as_ref()) }),
    }
}

fn rs256(kid: &str) -> Pair {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key");
    // The signer wants the key (PKCS #1) without what PKCS #8 puts around it: 26 bytes for a key of
    // this size.
    let inner = der.as_ref()[26..].to_vec();
    let public = pair.public_key();
    let (n, e) = (public.modulus(), public.exponent());
    Pair {
        algorithm: Algorithm::RS256,
        signs: EncodingKey::from_rsa_der(&inner),
        jwk: json!({
            "kty": "RSA", "kid": kid, "n": text(n.big_endian_without_leading_zero()), "e": text(e.big_endian_without_leading_zero()),
        }),
    }
}

/// The provider's key set, on this machine.
#[derive(Clone)]
struct Provider {
    keys: Arc<Mutex<Value>>,
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    address: String,
}

impl Provider {
    async fn start(keys: &[&Pair]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let provider = Self {
            keys: Arc::default(),
            is_away: Arc::default(),
            asked: Arc::default(),
            address: format!("http://{}/keys", listener.local_addr().expect("an address")),
        };
        provider.publish(keys);
        let served = provider.clone();
        let server = HttpServer::new(move || {
            let served = served.clone();
            App::new().route(
                "/keys",
                web::get().to(move || {
                    let served = served.clone();
                    async move {
                        served.asked.fetch_add(1, Ordering::SeqCst);
                        if served.is_away.load(Ordering::SeqCst) {
                            return HttpResponse::BadGateway().finish();
                        }
                        HttpResponse::Ok().json(&*served.keys.lock().expect("keys"))
                    }
                }),
            )
        });
        actix_web::rt::spawn(
            server
                .workers(1)
                .disable_signals()
                .listen(listener)
                .expect("a server")
                .run(),
        );
        provider
    }

    fn publish(&self, keys: &[&Pair]) {
        *self.keys.lock().expect("keys") =
            json!({ "keys": keys.iter().map(|k| &k.jwk).collect::<Vec<_>>() });
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The configuration of one issuer, with changes.
fn entry(provider: &Provider, changes: Value) -> Value {
    let mut entry = json!({
        "issuer": ISSUER, "audience": ["stride-test"], "jwks_url": provider.address, "algorithms": ["ES256", "RS256", "EdDSA"],
        "roles": [
            { "claim": "/realm_access/roles", "value": "reader", "role": "viewer" },
            { "claim": "groups", "value": "risk", "role": "risk_manager", "official_sensitive": true },
            { "claim": "groups", "value": "owners", "role": "administrator" },
        ],
    });
    stride::engine::txn::merge(&mut entry, changes);
    entry
}

/// The same service, trusting this issuer.
async fn trusting(app: TestApp, entry: &Value) -> TestApp {
    app.stop().await;
    trusting_too(&app, entry).await
}

/// Another process on the same database that trusts this issuer.
async fn trusting_too(app: &TestApp, entry: &Value) -> TestApp {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuers.json");
    std::fs::write(&file, json!({ "issuers": [entry] }).to_string()).expect("a file");
    TestApp::on(Arc::clone(&app.store), app.backend, |config| {
        config.serving.issuers = Some(file)
    })
    .await
}

fn claims(subject: &str, changes: Value) -> Value {
    let now = Utc::now().timestamp();
    let mut claims = json!({
        "iss": ISSUER, "aud": ["stride-test", "account"], "sub": subject, "iat": now, "nbf": now, "exp": now + 300,
        "jti": nobody(), "realm_access": { "roles": ["reader"] },
    });
    stride::engine::txn::merge(&mut claims, changes);
    claims
}

fn sign(pair: &Pair, claims: &Value) -> String {
    sign_as(pair, claims, |_| {})
}

fn sign_as(pair: &Pair, claims: &Value, adjust: impl FnOnce(&mut Header)) -> String {
    let mut header = Header::new(pair.algorithm);
    header.typ = Some("at+jwt".into());
    header.kid = pair.jwk["kid"].as_str().map(str::to_owned);
    adjust(&mut header);
    jsonwebtoken::encode(&header, claims, &pair.signs).expect("a token")
}

async fn me(app: &TestApp, token: &str) -> Value {
    app.client
        .with_token(token)
        .get("/api/v1/me")
        .await
        .status(200)
        .json()
}

async fn refused(app: &TestApp, token: &str) -> Value {
    let reply = app.client.with_token(token).get("/api/v1/me").await;
    reply.problem("unauthenticated")
}

fn as_holder(app: &TestApp, token: &str) -> Client {
    app.client.with_token(token)
}

fn external(accounts: &[Value]) -> Vec<&Value> {
    accounts
        .iter()
        .filter(|a| a["external_id"].is_string())
        .collect()
}

/// A subject is given one account, by pseudonym, and holds what its claims are worth and what is
/// granted here.
async fn a_subject_holds_what_its_claims_are_worth(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let config = entry(&provider, json!({}));
    let app = trusting(app, &config).await;
    let admin = app.role(Role::Administrator);
    let subject = "zebedee@id.example.org";
    let token = sign(&key, &claims(subject, json!({})));
    let first = me(&app, &token).await;
    assert_eq!(first["issuer"], ISSUER);
    assert_eq!(
        first["roles"],
        json!([{ "role": "viewer", "scope_id": null, "official_sensitive": false, "source": "token" }])
    );
    as_holder(&app, &token)
        .post("/api/v1/risk-registers", &json!({}))
        .await
        .problem("forbidden");
    // Another token of the same subject, the same account; what it says more it holds more.
    let more = sign(
        &key,
        &claims(
            subject,
            json!({ "groups": ["risk", "choir"], "realm_access": null }),
        ),
    );
    let second = me(&app, &more).await;
    assert_eq!(second["account_id"], first["account_id"]);
    assert_eq!(
        second["roles"],
        json!([{ "role": "risk_manager", "scope_id": null, "official_sensitive": true, "source": "token" }])
    );
    as_holder(&app, &more)
        .post("/api/v1/risk-registers", &json!({}))
        .await
        .problem("invalid_body");
    // A grant recorded here adds to it.
    admin
        .post(
            "/api/v1/grants",
            &json!({ "account_id": first["account_id"], "role": "analyst" }),
        )
        .await
        .status(201);
    let roles = me(&app, &token).await["roles"].clone();
    assert_eq!(
        (&roles[0]["role"], &roles[0]["source"], &roles[1]["role"]),
        (&json!("analyst"), &json!("grant"), &json!("viewer"))
    );
    // The ETag of one token's answer is not another's.
    let tag = as_holder(&app, &token).get("/api/v1/me").await.etag();
    as_holder(&app, &more)
        .ask("GET", "/api/v1/me")
        .header("if-none-match", &tag)
        .send()
        .await
        .status(200);
    // The subject itself is written nowhere, and another subject is another account.
    let accounts = admin.items("/api/v1/accounts?external=true").await;
    assert_eq!(accounts.len(), 1);
    assert!(crate::organisation::traces(&app, subject).is_empty());
    let other = me(&app, &sign(&key, &claims("another", json!({})))).await;
    assert_ne!(other["account_id"], first["account_id"]);
    // The first entry is the account's own.
    let account = admin
        .get(&format!(
            "/api/v1/accounts/{}",
            first["account_id"].as_str().unwrap_or_default()
        ))
        .await
        .json();
    assert_eq!(
        (
            &account["created_by"],
            &account["account_kind"],
            &account["person_id"]
        ),
        (&first["account_id"], &json!("person"), &json!(null))
    );
    // Our own tokens are good beside.
    admin.get("/api/v1/me").await.status(200);
}

/// However many requests and replicas see a subject first, it has one account.
async fn a_subject_seen_at_once_is_given_one_account(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let config = entry(&provider, json!({}));
    let app = trusting(app, &config).await;
    // On SQLite one process serves.
    let other = if app.backend == crate::support::Backend::Postgres {
        Some(trusting_too(&app, &config).await)
    } else {
        None
    };
    let token = sign(&key, &claims("someone", json!({})));
    let asks = (0..8).map(|n| {
        let app = other.as_ref().filter(|_| n % 2 == 0).unwrap_or(&app);
        me(app, &token)
    });
    let all = futures_util::future::join_all(asks).await;
    assert!(
        some(&all).all(|m| m["account_id"] == all[0]["account_id"]),
        "{all:?}"
    );
    let accounts = app
        .role(Role::Administrator)
        .items("/api/v1/accounts")
        .await;
    assert_eq!(external(&accounts).len(), 1);
}

/// Each fault alone is enough to be refused, and nothing is written for it.
async fn a_token_with_a_fault_is_refused(app: TestApp) {
    let (key, other, rsa) = (es256("one"), es256("one"), rs256("rsa"));
    let provider = Provider::start(&[&key, &rsa]).await;
    let app = trusting(
        app,
        &entry(
            &provider,
            json!({ "require": [{ "claim": "tid", "value": "ours" }] }),
        ),
    )
    .await;
    let now = Utc::now().timestamp();
    let good = claims("someone", json!({ "tid": "ours" }));
    let with = |changes: Value| {
        let mut claims = good.clone();
        stride::engine::txn::merge(&mut claims, changes);
        sign(&key, &claims)
    };
    let seq = app.seq().await;
    let part = |value: Value| text(value.to_string().as_bytes());
    let unsigned = format!(
        "{}.{}.",
        part(json!({ "alg": "none", "typ": "at+jwt", "kid": "one" })),
        part(good.clone())
    );
    // The oldest confusion there is: the public key as a shared secret.
    let hmac = |secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".into()), Some("rsa".into()));
        jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(secret)).expect("a token")
    };
    let modulus = URL_SAFE_NO_PAD
        .decode(rsa.jwk["n"].as_str().unwrap_or_default())
        .expect("a modulus");
    let own_key = |h: &mut Header| h.jwk = serde_json::from_value(other.jwk.clone()).ok();
    let faults = [
        ("forged", sign(&other, &good)),
        (
            "forged, with its own key in the header",
            sign_as(&other, &good, own_key),
        ),
        (
            "forged, with the address of its key",
            sign_as(&other, &good, |h| {
                h.jku = Some("https://evil.example.org/keys".into())
            }),
        ),
        ("unsigned", unsigned),
        ("shared secret", hmac(&modulus)),
        (
            "shared secret of the whole key",
            hmac(rsa.jwk.to_string().as_bytes()),
        ),
        (
            "algorithm of another key",
            sign_as(&key, &good, |h| h.kid = Some("rsa".into())),
        ),
        (
            "another algorithm of the family",
            sign(
                &Pair {
                    algorithm: Algorithm::RS512,
                    signs: rsa.signs.clone(),
                    jwk: rsa.jwk.clone(),
                },
                &good,
            ),
        ),
        ("no key named", sign_as(&key, &good, |h| h.kid = None)),
        (
            "unknown key",
            sign_as(&key, &good, |h| h.kid = Some("two".into())),
        ),
        (
            "critical header",
            sign_as(&key, &good, |h| h.crit = Some(vec!["exp".into()])),
        ),
        (
            "an identity token",
            sign_as(&key, &good, |h| h.typ = Some("JWT".into())),
        ),
        ("no type", sign_as(&key, &good, |h| h.typ = None)),
        ("audience", with(json!({ "aud": "another" }))),
        ("no audience", with(json!({ "aud": null }))),
        ("issuer", with(json!({ "iss": "https://id.example.org" }))),
        ("issuers", with(json!({ "iss": [ISSUER] }))),
        (
            "expired",
            with(json!({ "exp": now - 60, "iat": now - 600 })),
        ),
        ("no end", with(json!({ "exp": null }))),
        ("not yet", with(json!({ "nbf": now + 3_600 }))),
        (
            "from the future",
            with(json!({ "iat": now + 3_600, "exp": now + 7_200 })),
        ),
        ("without a beginning", with(json!({ "iat": null }))),
        (
            "issued after its end",
            with(json!({ "iat": now + 20, "exp": now + 10 })),
        ),
        ("no subject", with(json!({ "sub": null }))),
        ("empty subject", with(json!({ "sub": "" }))),
        ("numeric subject", with(json!({ "sub": 1 }))),
        ("long subject", with(json!({ "sub": "x".repeat(501) }))),
        ("another tenant", with(json!({ "tid": "theirs" }))),
        ("too long", with(json!({ "filler": "x".repeat(20_000) }))),
        ("no role", with(json!({ "realm_access": null }))),
        (
            "a role elsewhere",
            with(json!({ "realm_access": null, "roles": ["reader"] })),
        ),
        (
            "our own claims",
            with(
                json!({ "realm_access": null, "scope": "read write", "acting_as": { "role": "administrator", "scope": null, "official_sensitive": true } }),
            ),
        ),
    ];
    for (fault, token) in some(&faults) {
        let reply = as_holder(&app, token).get("/api/v1/me").await;
        assert_eq!(reply.status, 401, "{fault}: {}", reply.text());
        reply.problem("unauthenticated");
    }
    assert_eq!(app.seq().await, seq, "no account was made for any of them");
    let mut forged = sign(&key, &good).into_bytes();
    let last = forged.len() - 2;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    refused(&app, &String::from_utf8(forged).expect("a token")).await;
    // The same without a fault is taken, a little skew of the clocks included.
    me(&app, &with(json!({}))).await;
    me(&app, &with(json!({ "nbf": now + 10, "iat": now + 10 }))).await;
    me(
        &app,
        &with(json!({ "aud": "stride-test", "iat": now as f64 - 0.5 })),
    )
    .await;
    me(&app, &sign(&rsa, &good)).await;
}

/// A new key is found when it is first used; one that was taken away is good no more, remembered
/// verdicts included.
async fn keys_change(app: TestApp) {
    let (old, new) = (es256("old"), rs256("new"));
    let provider = Provider::start(&[&old]).await;
    let app = trusting(app, &entry(&provider, json!({ "refetch_seconds": 0 }))).await;
    assert_eq!(
        provider.asked(),
        0,
        "the start does not wait for the provider"
    );
    let token = |pair: &Pair| sign(pair, &claims("someone", json!({})));
    let of_old = token(&old);
    me(&app, &of_old).await;
    refused(&app, &token(&new)).await;
    provider.publish(&[&new]);
    me(&app, &token(&new)).await;
    refused(&app, &of_old).await;
    // Away: what is known goes on, what is not is refused.
    provider.is_away.store(true, Ordering::SeqCst);
    let asked = provider.asked();
    refused(&app, &token(&old)).await;
    assert_eq!(provider.asked(), asked + 1);
    me(&app, &token(&new)).await;
    // Back with nothing to use: no set at all.
    provider.is_away.store(false, Ordering::SeqCst);
    provider.publish(&[]);
    refused(&app, &token(&old)).await;
    me(&app, &token(&new)).await;
}

/// Tokens with made-up keys do not make the service ask again and again.
async fn unknown_key_ids_do_not_flood_the_issuer(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let app = trusting(app, &entry(&provider, json!({}))).await;
    let made_up = (0..10).map(|n| {
        sign_as(&key, &claims("someone", json!({})), |h| {
            h.kid = Some(format!("made-up-{n}"))
        })
    });
    let made_up: Vec<String> = made_up.collect();
    futures_util::future::join_all(made_up.iter().map(|t| refused(&app, t))).await;
    assert_eq!(provider.asked(), 1);
    me(&app, &sign(&key, &claims("someone", json!({})))).await;
    futures_util::future::join_all(made_up.iter().map(|t| refused(&app, t))).await;
    assert_eq!(provider.asked(), 1);
}

/// Keys from a file, each with the algorithm that fits it; what is no key to sign with, or stands
/// there twice, is passed over.
async fn keys_from_a_file(app: TestApp) {
    let (ec, ed, twice, again, encrypts) = (
        es256("ec"),
        ed25519("ed"),
        es256("twice"),
        es256("twice"),
        es256("enc"),
    );
    let mut enc = encrypts.jwk.clone();
    enc["use"] = json!("enc");
    let secret = json!({ "kty": "oct", "kid": "oct", "k": text(b"a shared secret of thirty-two by"), "alg": "HS256" });
    let odd = json!({ "kty": "XYZ", "kid": "odd" });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.json");
    let write = |keys: &[&Value]| {
        std::fs::write(&file, json!({ "keys": keys }).to_string()).expect("a file")
    };
    write(&[
        &ec.jwk, &ed.jwk, &twice.jwk, &again.jwk, &enc, &secret, &odd,
    ]);
    let provider = Provider::start(&[]).await;
    let config = entry(
        &provider,
        json!({ "jwks_url": null, "jwks_file": file, "token_types": ["JWT"], "refetch_seconds": 0 }),
    );
    let app = trusting(app, &config).await;
    let good = claims("someone", json!({}));
    let token = |pair: &Pair| sign_as(pair, &good, |h| h.typ = None);
    me(&app, &token(&ec)).await;
    me(&app, &token(&ed)).await;
    for pair in [&twice, &again, &encrypts] {
        refused(&app, &token(pair)).await;
    }
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("oct".into());
    let key = EncodingKey::from_secret(b"a shared secret of thirty-two by");
    refused(
        &app,
        &jsonwebtoken::encode(&header, &good, &key).expect("a token"),
    )
    .await;
    // A changed file is read when a key of it is first used.
    let next = es256("next");
    write(&[&next.jwk]);
    me(&app, &token(&next)).await;
    refused(&app, &token(&ec)).await;
}

/// Whatever a token says: a disabled account is out, so is a withdrawn one, and neither comes back
/// under another name.
async fn a_disabled_account_is_out_whatever_its_token_says(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let app = trusting(app, &entry(&provider, json!({}))).await;
    let admin = app.keeper(kind("account"));
    let now = Utc::now();
    let issued = |minutes_ago: i64| json!({ "groups": ["owners"], "iat": now.timestamp() - 60 * minutes_ago });
    let token = sign(&key, &claims("someone", issued(60)));
    let fresh = sign(&key, &claims("someone", issued(0)));
    let id = me(&app, &token).await["account_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    as_holder(&app, &token)
        .get("/api/v1/accounts")
        .await
        .status(200);
    let path = format!("/api/v1/accounts/{id}");
    let at = |reply: &crate::support::client::Reply| reply.etag();
    let reply = admin.get(&path).await;
    let off = admin
        .patch(&path, &at(&reply), &json!({ "status": "disabled" }))
        .await;
    refused(&app, &token).await;
    refused(&app, &fresh).await;
    let on = admin
        .patch(&path, &at(&off), &json!({ "status": "active" }))
        .await;
    me(&app, &token).await;
    // Sessions can be ended without disabling.
    let ended = admin
        .patch(
            &path,
            &at(&on),
            &json!({ "tokens_valid_from": now - chrono::Duration::minutes(30) }),
        )
        .await;
    refused(&app, &token).await;
    me(&app, &fresh).await;
    admin.delete(&path, &at(&ended)).await.status(200);
    refused(&app, &fresh).await;
    let accounts = admin.items("/api/v1/accounts?include_withdrawn=true").await;
    assert_eq!(external(&accounts).len(), 1, "no second account is made");
}

/// A role can be limited to a unit; a unit that there is not makes no role of it.
async fn a_mapped_role_has_its_scope(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let maker = Maker::new(&app);
    let unit = maker
        .make_with("unit", json!({ "reference": "HR-TEST" }))
        .await;
    let role = |value: &str, scope: &str| json!({ "claim": "groups", "value": value, "role": "risk_manager", "scope": scope });
    let roles = json!([
        role("hr", "HR-TEST"),
        role("by-id", unit.id_text()),
        role("lost", "NO-SUCH-UNIT")
    ]);
    let app = trusting(app, &entry(&provider, json!({ "roles": roles }))).await;
    let held = async |group: &str| {
        me(
            &app,
            &sign(&key, &claims("someone", json!({ "groups": [group] }))),
        )
        .await["roles"]
            .clone()
    };
    assert_eq!(held("hr").await[0]["scope_id"], unit.id_text());
    assert_eq!(held("by-id").await[0]["scope_id"], unit.id_text());
    assert_eq!(held("lost").await, json!([]));
}

/// A subject whose token has no role is admitted only if the configuration says so. Its roles are
/// then granted here.
async fn a_subject_without_a_role_is_admitted_by_configuration_alone(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let nothing = sign(&key, &claims("someone", json!({ "realm_access": null })));
    let app = trusting(app, &entry(&provider, json!({}))).await;
    let told = refused(&app, &nothing).await;
    assert!(
        told["detail"]
            .as_str()
            .is_some_and(|d| d.contains("no role")),
        "{told}"
    );
    let service = json!({ "claim": "idtyp", "value": "app" });
    let app = trusting(
        app,
        &entry(
            &provider,
            json!({ "roles": [], "admit_unmapped": true, "service_when": service }),
        ),
    )
    .await;
    let someone = me(&app, &nothing).await;
    assert_eq!(someone["roles"], json!([]));
    as_holder(&app, &nothing)
        .get("/api/v1/boards")
        .await
        .problem("forbidden");
    let grant = json!({ "account_id": someone["account_id"], "role": "viewer" });
    app.role(Role::Administrator)
        .post("/api/v1/grants", &grant)
        .await
        .status(201);
    as_holder(&app, &nothing)
        .get("/api/v1/boards")
        .await
        .status(200);
    let system = me(
        &app,
        &sign(&key, &claims("a system", json!({ "idtyp": "app" }))),
    )
    .await;
    let path = format!(
        "/api/v1/accounts/{}",
        system["account_id"].as_str().unwrap_or_default()
    );
    assert_eq!(
        app.role(Role::Administrator).get(&path).await.json()["account_kind"],
        "service"
    );
}

/// A name goes into the erasable place, where it is configured; an erased person is out.
async fn a_name_is_kept_where_it_can_be_erased(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let app = trusting(
        app,
        &entry(
            &provider,
            json!({ "name_claim": "name", "email_claim": "email" }),
        ),
    )
    .await;
    let admin = app.role(Role::Administrator);
    let token = sign(
        &key,
        &claims(
            "someone",
            json!({ "name": "Zebedee Quillfeather", "email": "zq@example.org" }),
        ),
    );
    let id = me(&app, &token).await["account_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let person = admin.get(&format!("/api/v1/accounts/{id}")).await.json()["person_id"]
        .as_str()
        .expect("a person")
        .to_owned();
    let details = admin
        .get(&format!("/api/v1/people/{person}/details"))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&details["display_name"], &details["email"]),
        (&json!("Zebedee Quillfeather"), &json!("zq@example.org"))
    );
    admin
        .post(&format!("/api/v1/people/{person}/erase"), &json!({}))
        .await
        .status(200);
    refused(&app, &token).await;
    assert!(crate::organisation::traces(&app, "Zebedee Quillfeather").is_empty());
    // A name that does not fit is left out; the subject is let in all the same.
    let odd = sign(
        &key,
        &claims(
            "another",
            json!({ "name": "x".repeat(300), "email": "nowhere" }),
        ),
    );
    let id = me(&app, &odd).await["account_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(
        admin.get(&format!("/api/v1/accounts/{id}")).await.json()["person_id"],
        Value::Null
    );
}

/// An administrator can give a subject the account that its holder had here before: one hand, one
/// account.
async fn a_subject_can_be_given_an_older_account(app: TestApp) {
    let key = es256("one");
    let provider = Provider::start(&[&key]).await;
    let (older, _) = super::person(&app, "delivery.lead", Role::Analyst).await;
    let app = trusting(app, &entry(&provider, json!({}))).await;
    let admin = app.keeper(kind("account"));
    let token = sign(&key, &claims("someone", json!({})));
    let made = me(&app, &token).await["account_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("/api/v1/accounts/{made}");
    let account = admin.get(&path).await;
    let external = account.json()["external_id"].clone();
    let twice = admin
        .patch(
            &older.path,
            &older.etag,
            &json!({ "external_id": external }),
        )
        .await;
    twice.problem_at("rule_violation", "/external_id");
    admin
        .patch(
            &path,
            &account.etag(),
            &json!({ "external_id": null, "status": "disabled" }),
        )
        .await
        .status(200);
    admin
        .patch(
            &older.path,
            &older.etag,
            &json!({ "external_id": external }),
        )
        .await
        .status(200);
    let now = me(&app, &token).await;
    assert_eq!(now["account_id"], older.id_text());
    assert_eq!(now["roles"][0]["role"], "analyst");
}

on_both!(
    a_subject_holds_what_its_claims_are_worth,
    a_subject_seen_at_once_is_given_one_account,
    a_token_with_a_fault_is_refused,
    keys_change,
    unknown_key_ids_do_not_flood_the_issuer,
    keys_from_a_file,
    a_disabled_account_is_out_whatever_its_token_says,
    a_mapped_role_has_its_scope,
    a_subject_without_a_role_is_admitted_by_configuration_alone,
    a_name_is_kept_where_it_can_be_erased,
    a_subject_can_be_given_an_older_account
);
