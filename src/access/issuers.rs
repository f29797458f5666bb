//! Trusted issuers. The organisation's own identity provider issues the tokens. A configuration
//! file names the issuers, their keys, and the roles that their claims give.
//!
//! A token is checked as RFC 8725 requires. Issuer and audience must be the configured ones. The
//! algorithm must be the one pinned to the key, and never one with a shared secret. Key references
//! in the token's header (`jku`, `jwk`, `x5u`, …) are never followed. Keys come from the issuer's
//! JSON Web Key Set. They are kept while the issuer is unavailable, and fetched again at most once
//! in [`Trust::refetch_seconds`], so that tokens with unknown keys cannot make the service flood
//! the issuer.
//!
//! The subject is never revealed: only a keyed digest of issuer and subject is kept.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::identity::{Claimed, Vouched, expired, unauthenticated};
use crate::policy::Role;
use crate::problem::Problem;

/// Allowed difference between clocks, in seconds.
const LEEWAY: i64 = 30;
/// Number of verified tokens to remember, and of subjects whose account to remember.
const VERDICTS: u64 = 10_000;
/// How long a verified token is remembered. A name in a token must not outlive its erasure by much.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Longer tokens are refused unread. The limit is higher than for our own tokens, because providers
/// may list every group of a person in the token.
const LONGEST: usize = 16 * 1_024;
/// Longer subjects are refused.
const LONGEST_SUBJECT: usize = 500;
/// Larger key sets are refused.
const LARGEST_SET: usize = 256 * 1_024;
/// Time limit for an answer from the issuer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Keys older than this are fetched again while the current ones stay in use, so that a removed key
/// soon stops working.
const REFRESH: Duration = Duration::from_secs(600);
/// RSA keys with fewer bytes (2,048 bits) are refused (RFC 7518, section 3.3).
const SHORTEST_RSA: usize = 256;

/// The configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuers: Vec<Trust>,
}

/// What is trusted about one issuer. A claim is named by its key at the top level of the token
/// (`roles`), or by a JSON Pointer if it is nested (`/realm_access/roles`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Value of `iss` in its tokens.
    pub issuer: String,
    /// Accepted values of `aud`; one match is enough. Use values for this service only, so that
    /// tokens for other services are not accepted here.
    pub audience: Vec<String>,
    /// URL of its keys: https, or http on this machine.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// File with its keys, instead of `jwks_url`.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// Algorithms that its keys may sign with. A key that names no algorithm is pinned to the first
    /// that fits.
    pub algorithms: Vec<Algorithm>,
    /// Accepted values of `typ` in the token's header.
    #[serde(default = "access_tokens")]
    pub token_types: Vec<String>,
    /// Claim that names the subject. It must never change and never be reused for someone else.
    #[serde(default = "subject")]
    pub subject_claim: String,
    /// Other claims that a token must have to be accepted.
    #[serde(default)]
    pub require: Vec<Held>,
    /// Roles that its claims give.
    #[serde(default)]
    pub roles: Vec<Mapping>,
    /// Whether a subject whose claims give no role still gets an account, so that roles can be
    /// granted to it here.
    #[serde(default)]
    pub admit_unmapped: bool,
    /// Claim that marks the token of a system. All other tokens belong to people.
    #[serde(default)]
    pub service_when: Option<Held>,
    /// Claim with a person's name, kept with the erasable data when the subject is first seen. If
    /// none, no name is kept.
    #[serde(default)]
    pub name_claim: Option<String>,
    /// Claim with a person's e-mail address, kept in the same way.
    #[serde(default)]
    pub email_claim: Option<String>,
    /// Minimum number of seconds between two requests for its keys.
    #[serde(default = "a_minute")]
    pub refetch_seconds: u64,
}

/// A claim that has this value, or a list that includes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    claim: String,
    value: String,
}

/// The role that a claim gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    claim: String,
    value: String,
    role: Role,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    official_sensitive: bool,
}

fn access_tokens() -> Vec<String> {
    vec!["at+jwt".into()]
}

fn subject() -> String {
    "sub".into()
}

fn a_minute() -> u64 {
    60
}

struct Verdict {
    vouched: Arc<Vouched>,
    expires_at: i64,
    /// Generation of the keys that the token was verified with.
    generation: u64,
}

/// The keys of an issuer, as last fetched.
struct Keys {
    known: HashMap<String, (Algorithm, DecodingKey)>,
    got: Option<Instant>,
    generation: u64,
}

struct Issuer {
    trust: Trust,
    http: reqwest::Client,
    keys: ArcSwap<Keys>,
    tried: Mutex<Option<Instant>>,
    /// Lets one task fetch the keys at a time; the others wait for its result.
    asking: tokio::sync::Mutex<()>,
}

/// The trusted issuers.
pub struct Issuers {
    by_name: HashMap<String, Arc<Issuer>>,
    pseudonyms: hmac::Key,
    verdicts: moka::sync::Cache<[u8; 32], Arc<Verdict>>,
    accounts: moka::sync::Cache<String, Uuid>,
}

impl Issuers {
    /// Reads the configuration. Without a file, no other issuer is trusted. `own` is the `iss` of
    /// this service's own tokens; `pseudonyms` is the key for the digests that identify subjects.
    ///
    /// # Errors
    /// Returns what is wrong with the file, or with a key file that it names.
    pub fn load(file: Option<&Path>, own: &str, pseudonyms: &[u8]) -> Result<Self, String> {
        let mut issuers = Self {
            by_name: HashMap::new(),
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, pseudonyms),
            verdicts: moka::sync::Cache::builder()
                .max_capacity(VERDICTS)
                .time_to_live(REMEMBERED)
                .build(),
            accounts: moka::sync::Cache::new(VERDICTS),
        };
        let Some(file) = file else { return Ok(issuers) };
        let fault = |what: String| format!("{}: {what}", file.display());
        let text = std::fs::read_to_string(file).map_err(|e| fault(e.to_string()))?;
        let mut reader = serde_json::Deserializer::from_str(&text);
        let read: File =
            serde_path_to_error::deserialize(&mut reader).map_err(|e| fault(e.to_string()))?;
        for trust in read.issuers {
            let name = trust.issuer.clone();
            let fault = |what: String| fault(format!("issuer `{name}`: {what}"));
            if name == own {
                return Err(fault(
                    "is also the issuer of this service's own tokens; change STRIDE_ISSUER".into(),
                ));
            }
            let issuer = Issuer::new(trust).map_err(fault)?;
            if issuers
                .by_name
                .insert(name.clone(), Arc::new(issuer))
                .is_some()
            {
                return Err(fault("is listed twice".into()));
            }
        }
        Ok(issuers)
    }

    /// Checks the token if it names a trusted issuer; returns `None` otherwise.
    pub async fn check(&self, token: &str) -> Option<Result<Arc<Vouched>, Problem>> {
        let issuer = self.issuer_of(token)?;
        Some(self.check_by(issuer, token).await)
    }

    /// Returns the issuer that the token names. Nothing is trusted yet: this only selects the keys
    /// to check the token with.
    fn issuer_of(&self, token: &str) -> Option<&Arc<Issuer>> {
        #[derive(Deserialize)]
        struct Claims {
            iss: String,
        }
        if self.by_name.is_empty() || token.len() > LONGEST {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Claims = serde_json::from_slice(&payload).ok()?;
        self.by_name.get(&claims.iss)
    }

    async fn check_by(&self, issuer: &Arc<Issuer>, token: &str) -> Result<Arc<Vouched>, Problem> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let keys = issuer.current();
        if let Some(verdict) = self
            .verdicts
            .get(&digest)
            // A verdict is valid only with the keys that it was reached with: when an issuer
            // withdraws a key, its tokens end.
            .filter(|v| v.generation == keys.generation)
        {
            return if verdict.expires_at + LEEWAY > Utc::now().timestamp() {
                Ok(Arc::clone(&verdict.vouched))
            } else {
                Err(expired())
            };
        }
        let (claims, generation) = issuer.claims(token).await?;
        let verdict = Arc::new(Verdict {
            vouched: Arc::new(self.vouch(&issuer.trust, &claims)?),
            expires_at: moment(&claims, "exp").unwrap_or(0),
            generation,
        });
        self.verdicts.insert(digest, Arc::clone(&verdict));
        Ok(Arc::clone(&verdict.vouched))
    }

    /// Returns what the claims of a valid token give.
    fn vouch(&self, trust: &Trust, claims: &Value) -> Result<Vouched, Problem> {
        let text = |claim: &Option<String>| {
            claim
                .as_ref()
                .and_then(|c| at(claims, c))
                .and_then(Value::as_str)
                .map(str::trim)
        };
        let subject = at(claims, &trust.subject_claim)
            .and_then(Value::as_str)
            .filter(|s| !s.is_empty() && s.len() <= LONGEST_SUBJECT)
            .ok_or_else(|| unauthenticated("the access token does not name its subject"))?;
        if let Some(missing) = trust
            .require
            .iter()
            .find(|r| !holds(claims, &r.claim, &r.value))
        {
            return Err(unauthenticated(&format!(
                "the access token does not have the value `{}` in the claim {}",
                missing.value, missing.claim
            )));
        }
        let roles: Vec<Claimed> = trust
            .roles
            .iter()
            .filter(|m| holds(claims, &m.claim, &m.value))
            .map(|m| Claimed {
                role: m.role,
                scope: m.scope.clone(),
                official_sensitive: m.official_sensitive,
            })
            .collect();
        // Applies the same limits to a name or address from a token as to one from an
        // administrator.
        let fits = |text: &&str, most: usize| {
            !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        Ok(Vouched {
            issuer: trust.issuer.clone(),
            external_id: self.pseudonym(&trust.issuer, subject),
            issued_at: moment(claims, "iat").unwrap_or(0),
            is_admitted: trust.admit_unmapped || !roles.is_empty(),
            is_service: trust
                .service_when
                .as_ref()
                .is_some_and(|w| holds(claims, &w.claim, &w.value)),
            roles,
            name: text(&trust.name_claim)
                .filter(|t| fits(t, 200))
                .map(str::to_owned),
            email: text(&trust.email_claim)
                .filter(|t| fits(t, 320) && t.contains('@'))
                .map(str::to_owned),
        })
    }

    fn pseudonym(&self, issuer: &str, subject: &str) -> String {
        let mut mac = hmac::Context::with_key(&self.pseudonyms);
        for part in [issuer, subject] {
            // With its length, so that no other pair gives the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(mac.sign())
    }

    /// Returns the account that the subject last had. Check it again: the subject may have another
    /// account now.
    #[must_use]
    pub fn account(&self, external_id: &str) -> Option<Uuid> {
        self.accounts.get(external_id)
    }

    /// Remembers a subject's account.
    pub fn remember(&self, external_id: &str, account: Uuid) {
        self.accounts.insert(external_id.to_owned(), account);
    }
}

impl Issuer {
    fn new(trust: Trust) -> Result<Self, String> {
        let is_local = check(&trust)?;
        let mut http = reqwest::Client::builder()
            // A redirect could lead to keys that the configuration does not name.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .https_only(!is_local)
            .user_agent(concat!("stride/", env!("CARGO_PKG_VERSION")));
        if is_local {
            http = http.no_proxy();
        }
        let none = Keys {
            known: HashMap::new(),
            got: None,
            generation: 0,
        };
        let issuer = Self {
            http: http.build().map_err(|e| e.to_string())?,
            keys: ArcSwap::from_pointee(none),
            tried: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
            trust,
        };
        // A file can be read at once, so its errors are reported at the start. A provider may be
        // unavailable.
        if let Some(file) = &issuer.trust.jwks_file {
            let known = issuer.parse(&read(file)?)?;
            issuer.take(known);
        }
        Ok(issuer)
    }

    /// Returns the current keys. Old keys are fetched again in the meantime.
    fn current(self: &Arc<Self>) -> Arc<Keys> {
        let keys = self.keys.load_full();
        if keys.got.is_some_and(|got| got.elapsed() > REFRESH) && self.may_ask() {
            let (issuer, generation) = (Arc::clone(self), keys.generation);
            actix_web::rt::spawn(async move { issuer.refresh(generation).await });
        }
        keys
    }

    fn may_ask(&self) -> bool {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.is_none_or(|at| at.elapsed() >= Duration::from_secs(self.trust.refetch_seconds))
    }

    /// Returns the claims of a token that this issuer signed for this service and that is valid
    /// now, and the generation of the keys used.
    async fn claims(self: &Arc<Self>, token: &str) -> Result<(Value, u64), Problem> {
        let invalid = || {
            unauthenticated(
                "the access token is not a valid token from its issuer for this service",
            )
        };
        let header = decode_header(token).map_err(|_| invalid())?;
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if header.crit.is_some()
            || !self
                .trust
                .token_types
                .iter()
                .any(|t| t.eq_ignore_ascii_case(typ))
        {
            return Err(invalid());
        }
        let kid = header.kid.as_deref().ok_or_else(invalid)?;
        let mut keys = self.current();
        if !keys.known.contains_key(kid) {
            self.refresh(keys.generation).await;
            keys = self.keys.load_full();
        }
        let (algorithm, key) = keys.known.get(kid).ok_or_else(invalid)?;
        if header.alg != *algorithm {
            return Err(invalid());
        }
        let mut rules = Validation::new(*algorithm);
        rules.leeway = LEEWAY.unsigned_abs();
        rules.validate_nbf = true;
        rules.set_audience(&self.trust.audience);
        rules.set_issuer(&[&self.trust.issuer]);
        rules.set_required_spec_claims(&["exp", "aud", "iss"]);
        let claims = decode::<Value>(token, key, &rules).map_err(|e| match e.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => expired(),
            jsonwebtoken::errors::ErrorKind::ImmatureSignature => {
                unauthenticated("the access token is not valid yet; check the clocks")
            }
            jsonwebtoken::errors::ErrorKind::InvalidAudience => {
                unauthenticated("the access token was issued for another service")
            }
            _ => invalid(),
        })?;
        let claims = claims.claims;
        let (issued, expires) = (
            moment(&claims, "iat").ok_or_else(invalid)?,
            moment(&claims, "exp").ok_or_else(invalid)?,
        );
        if issued > Utc::now().timestamp() + LEEWAY || issued > expires {
            return Err(invalid());
        }
        Ok((claims, keys.generation))
    }

    /// Fetches the keys, unless they were fetched since `generation` or tried too recently. The
    /// current keys are kept if it fails.
    async fn refresh(&self, generation: u64) {
        let _one_at_a_time = self.asking.lock().await;
        let keys = self.keys.load_full();
        // Of many requests with a new key id, the first fetches the keys and the others find them
        // here.
        if keys.generation != generation || !self.may_ask() {
            return;
        }
        // Also if it fails: tokens with made-up key ids must not make the service call the issuer
        // each time.
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match self.fetch().await.and_then(|text| self.parse(&text)) {
            Ok(known) => self.take(known),
            Err(why) => {
                let age = keys.got.map_or_else(
                    || "no keys fetched yet".into(),
                    |got| format!("keys fetched {} s ago stay in use", got.elapsed().as_secs()),
                );
                log::warn!(
                    "cannot fetch the keys of {} ({age}): {why}",
                    self.trust.issuer
                );
            }
        }
    }

    fn take(&self, known: HashMap<String, (Algorithm, DecodingKey)>) {
        let generation = self.keys.load().generation + 1;
        self.keys.store(Arc::new(Keys {
            known,
            got: Some(Instant::now()),
            generation,
        }));
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        if let Some(file) = &self.trust.jwks_file {
            return read(file);
        }
        let url = self.trust.jwks_url.as_deref().unwrap_or_default();
        let mut answer = self.http.get(url).send().await.map_err(|e| e.to_string())?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answered {}", answer.status()));
        }
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| e.to_string())? {
            text.extend_from_slice(&piece);
            if text.len() > LARGEST_SET {
                return Err(format!("{url} sent more than {LARGEST_SET} bytes"));
            }
        }
        Ok(text)
    }

    /// Returns the usable keys of a set, each with its algorithm. Other keys (for encryption, or of
    /// unknown types) are skipped.
    fn parse(&self, text: &[u8]) -> Result<HashMap<String, (Algorithm, DecodingKey)>, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set =
            serde_json::from_slice(text).map_err(|e| format!("not a JSON Web Key Set: {e}"))?;
        let mut known = HashMap::new();
        let mut twice = HashSet::new();
        for key in set.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(key) else {
                continue;
            };
            let (Some(kid), Some(algorithm)) =
                (jwk.common.key_id.clone(), pin(&jwk, &self.trust.algorithms))
            else {
                continue;
            };
            let Ok(key) = DecodingKey::from_jwk(&jwk) else {
                continue;
            };
            if known.insert(kid.clone(), (algorithm, key)).is_some() {
                twice.insert(kid);
            }
        }
        // Two keys with the same id are both dropped: the choice must not depend on their order.
        known.retain(|kid, _| !twice.contains(kid));
        if known.is_empty() {
            return Err("no key in the set can sign with one of the configured algorithms".into());
        }
        Ok(known)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))
}

/// Checks an entry. Returns whether its keys are fetched by http from this machine, or what is
/// wrong.
fn check(trust: &Trust) -> Result<bool, String> {
    let is_empty = |list: &[String]| list.is_empty() || list.iter().any(String::is_empty);
    if trust.issuer.is_empty() || is_empty(&trust.audience) || is_empty(&trust.token_types) {
        return Err("issuer, audience and token_types must not be empty".into());
    }
    if let Some(shared) = trust
        .algorithms
        .iter()
        .find(|a| matches!(a, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
    {
        return Err(format!(
            "algorithms: {shared:?} signs with a shared secret; use algorithms with a key pair"
        ));
    }
    if trust.algorithms.is_empty() {
        return Err(
            "algorithms must name those the issuer's keys sign with, such as RS256 or ES256".into(),
        );
    }
    if trust.roles.is_empty() && !trust.admit_unmapped {
        return Err("nobody would be admitted: map claims to roles, or set admit_unmapped".into());
    }
    if trust
        .roles
        .iter()
        .any(|m| m.role == Role::Administrator && m.scope.is_some())
    {
        return Err(
            "roles: the role administrator always covers the whole organisation; leave out scope"
                .into(),
        );
    }
    match (&trust.jwks_url, &trust.jwks_file) {
        (None, Some(_)) => Ok(false),
        (Some(url), None) => {
            let url = reqwest::Url::parse(url).map_err(|e| format!("jwks_url: {e}"))?;
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            let is_local =
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            match url.scheme() {
                "https" => Ok(false),
                "http" if is_local => Ok(true),
                _ => Err(
                    "jwks_url must start with https://; http:// is accepted only for this machine"
                        .into(),
                ),
            }
        }
        _ => Err("give either jwks_url or jwks_file".into()),
    }
}

/// Returns the one algorithm that a key may sign with: the one it names, or else the first allowed
/// one that fits.
fn pin(jwk: &Jwk, allowed: &[Algorithm]) -> Option<Algorithm> {
    let common = &jwk.common;
    let signs = common
        .public_key_use
        .as_ref()
        .is_none_or(|u| *u == PublicKeyUse::Signature)
        && common
            .key_operations
            .as_ref()
            .is_none_or(|o| o.contains(&KeyOperations::Verify));
    let fits = |algorithm: Algorithm| match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(key), _) if is_rsa(algorithm) => {
            let modulus = URL_SAFE_NO_PAD.decode(&key.n).unwrap_or_default();
            modulus.iter().skip_while(|b| **b == 0).count() >= SHORTEST_RSA
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let named = |algorithm: Algorithm| {
        common
            .key_algorithm
            .is_none_or(|named| named == KeyAlgorithm::from(algorithm))
    };
    allowed
        .iter()
        .copied()
        .find(|a| signs && named(*a) && fits(*a))
}

fn is_rsa(algorithm: Algorithm) -> bool {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
}

/// Returns a claim by its name at the top level of the token, or by JSON Pointer.
fn at<'a>(claims: &'a Value, claim: &str) -> Option<&'a Value> {
    if claim.starts_with('/') {
        claims.pointer(claim)
    } else {
        claims.get(claim)
    }
}

/// Whether a claim has a value, or a list that includes it. Scopes are words separated by spaces
/// (RFC 8693, section 4.2).
fn holds(claims: &Value, claim: &str, value: &str) -> bool {
    match at(claims, claim) {
        Some(Value::String(text)) => {
            text == value
                || (matches!(claim, "scope" | "scp") && text.split(' ').any(|w| w == value))
        }
        Some(Value::Array(list)) => list.iter().any(|v| v == value),
        _ => false,
    }
}

/// Returns a claim that is a time, in whole seconds since 1970 (RFC 7519 allows fractions).
fn moment(claims: &Value, claim: &str) -> Option<i64> {
    const LATEST: f64 = 253_402_300_799.0;
    let seconds = claims.get(claim)?.as_f64()?;
    (0.0..=LATEST).contains(&seconds).then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn load(entry: Value) -> Result<Issuers, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("issuers.json");
        std::fs::write(&file, json!({ "issuers": [entry] }).to_string()).expect("a file");
        Issuers::load(Some(&file), "stride", b"key")
    }

    fn entry(changes: Value) -> Value {
        let mut entry = json!({
            "issuer": "https://id.example.org", "audience": ["stride"], "jwks_url": "https://id.example.org/keys",
            "algorithms": ["RS256"], "roles": [{ "claim": "roles", "value": "reader", "role": "viewer" }],
        });
        crate::engine::txn::merge(&mut entry, changes);
        entry
    }

    #[test]
    fn a_configuration_that_would_open_too_much_is_refused() {
        assert!(load(entry(json!({}))).is_ok());
        assert!(load(entry(json!({ "jwks_url": "http://127.0.0.1:9/keys" }))).is_ok());
        for (changes, word) in [
            (json!({ "algorithms": ["HS256"] }), "shared secret"),
            (json!({ "algorithms": ["none"] }), "algorithms"),
            (json!({ "algorithms": [] }), "algorithms"),
            (json!({ "audience": [] }), "audience"),
            (json!({ "audience": [""] }), "audience"),
            (json!({ "issuer": "stride" }), "own tokens"),
            (json!({ "jwks_url": "http://id.example.org/keys" }), "https"),
            (
                json!({ "jwks_url": "http://127.0.0.1.example.org/keys" }),
                "https",
            ),
            (json!({ "jwks_url": "file:///etc/passwd" }), "https"),
            (json!({ "jwks_url": null }), "either"),
            (json!({ "jwks_file": "keys.json" }), "either"),
            (
                json!({ "jwks_url": null, "jwks_file": "/no/such/file" }),
                "/no/such/file",
            ),
            (json!({ "roles": [] }), "nobody"),
            (
                json!({ "roles": [{ "claim": "r", "value": "v", "role": "king" }] }),
                "role",
            ),
            (
                json!({ "roles": [{ "claim": "r", "value": "v", "role": "administrator", "scope": "HR" }] }),
                "scope",
            ),
            (json!({ "role": [] }), "role"),
        ] {
            let refused = load(entry(changes.clone())).err().unwrap_or_default();
            assert!(refused.contains(word), "{changes}: {refused}");
        }
    }

    #[test]
    fn the_example_can_be_loaded() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/issuers.json");
        let issuers =
            Issuers::load(Some(&file), "stride", b"key").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(issuers.by_name.len(), 2);
    }

    #[test]
    fn a_claim_holds_a_value_in_its_own_place_only() {
        let claims = json!({
            "roles": ["reader", "a b"], "scp": "one two", "group": "one two", "realm_access": { "roles": ["x"] }, "a.b": "y", "n": 1,
        });
        for (claim, value, is) in [
            ("roles", "reader", true),
            ("roles", "a", false),
            ("scp", "two", true),
            ("group", "two", false),
            ("group", "one two", true),
            ("/realm_access/roles", "x", true),
            ("realm_access", "x", false),
            ("a.b", "y", true),
            ("n", "1", false),
            ("missing", "", false),
        ] {
            assert_eq!(holds(&claims, claim, value), is, "{claim} {value}");
        }
    }

    #[test]
    fn a_pseudonym_is_of_issuer_and_subject_and_key() {
        let issuers = |key: &[u8]| Issuers::load(None, "stride", key).expect("none");
        let one = issuers(b"one");
        assert_eq!(
            one.pseudonym("a", "bc"),
            issuers(b"one").pseudonym("a", "bc")
        );
        assert_ne!(one.pseudonym("a", "bc"), one.pseudonym("ab", "c"));
        assert_ne!(
            one.pseudonym("a", "bc"),
            issuers(b"two").pseudonym("a", "bc")
        );
        assert_eq!(one.pseudonym("a", "bc").len(), 64);
    }
}
