//! Trusted issuers: the organisation's own identity provider issues the tokens, and a file says which, with what keys, and what their claims
//! are worth here.
//!
//! A token is checked as RFC 8725 asks: issuer and audience are the configured ones, the algorithm is the one pinned to its key and never a
//! shared secret's, and what its header says of keys (`jku`, `jwk`, `x5u`, …) is never followed. Keys come from the issuer's JSON Web Key
//! Set, which is kept while the issuer is away and asked for anew at most once in [`Trust::refetch_seconds`]: a token with an unknown key is
//! no lever on the issuer.
//!
//! The subject never shows: what is kept is a keyed digest of issuer and subject.

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

use super::tokens::{expired, unauthenticated};
use crate::policy::Role;
use crate::problem::Problem;

/// Clocks may differ by this much, in seconds.
const LEEWAY: i64 = 30;
/// Verdicts remembered, and subjects whose account is.
const VERDICTS: u64 = 10_000;
/// How long a verdict is remembered: a name that a token says must not outlive its erasure by much.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// A longer token is refused unread: such providers put every group of a person into it, so it is longer than ours.
const LONGEST: usize = 16 * 1_024;
/// A longer subject is refused.
const LONGEST_SUBJECT: usize = 500;
/// A larger key set is refused.
const LARGEST_SET: usize = 256 * 1_024;
/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Keys older than this are asked for anew while those at hand go on serving: so soon a key that was taken away ends.
const REFRESH: Duration = Duration::from_secs(600);
/// RSA keys of fewer bytes (2,048 bits) are refused (RFC 7518, section 3.3).
const SHORTEST_RSA: usize = 256;

/// The configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    issuers: Vec<Trust>,
}

/// What is trusted of one issuer. A claim is named as it stands at the top of the token (`roles`), or by a JSON Pointer where it is nested
/// (`/realm_access/roles`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// What its tokens say in `iss`.
    pub issuer: String,
    /// What they may say in `aud`: one is enough. Of this service alone, so that a token for another opens nothing here.
    pub audience: Vec<String>,
    /// Where its keys are; https, or http on this very machine.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A file with its keys, in place of `jwks_url`.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// Algorithms that its keys may sign with. A key that names none is pinned to the first that fits it.
    pub algorithms: Vec<Algorithm>,
    /// What its tokens may say in the header's `typ`.
    #[serde(default = "access_tokens")]
    pub token_types: Vec<String>,
    /// The claim that names the subject: one that never changes and is never given to another.
    #[serde(default = "subject")]
    pub subject_claim: String,
    /// What a token must hold beside, to be let in at all.
    #[serde(default)]
    pub require: Vec<Held>,
    /// What its claims are worth.
    #[serde(default)]
    pub roles: Vec<Mapping>,
    /// Whether a subject whose claims are worth no role is given an account, so that roles can be granted to it here.
    #[serde(default)]
    pub admit_unmapped: bool,
    /// What the token of a system holds; all others are people's.
    #[serde(default)]
    pub service_when: Option<Held>,
    /// The claim with a person's name, to be kept in the erasable place when the subject is first seen; none: no name is kept.
    #[serde(default)]
    pub name_claim: Option<String>,
    /// The same for the address.
    #[serde(default)]
    pub email_claim: Option<String>,
    /// Seconds between two requests for its keys, at least.
    #[serde(default = "a_minute")]
    pub refetch_seconds: u64,
}

/// A claim that has a value, or has it among others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    claim: String,
    value: String,
}

/// What a claim is worth.
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

/// A role that a token brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub role: Role,
    /// Reference or id of the unit or board that it is limited to.
    pub scope: Option<String>,
    pub official_sensitive: bool,
}

/// What a trusted issuer says in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    pub issuer: String,
    /// Keyed digest of issuer and subject.
    pub external_id: String,
    /// In seconds since 1970.
    pub issued_at: i64,
    pub roles: Vec<Claimed>,
    /// Whether an account may be made for the subject.
    pub is_admitted: bool,
    pub is_service: bool,
    pub name: Option<String>,
    pub email: Option<String>,
}

struct Verdict {
    vouched: Arc<Vouched>,
    expires_at: i64,
    /// Of the keys that it was reached with.
    generation: u64,
}

/// The keys of an issuer, as they were last got.
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
    /// One asks at a time; the others wait for what it hears.
    asking: tokio::sync::Mutex<()>,
}

/// The issuers that are trusted.
pub struct Issuers {
    by_name: HashMap<String, Arc<Issuer>>,
    pseudonyms: hmac::Key,
    verdicts: moka::sync::Cache<[u8; 32], Arc<Verdict>>,
    accounts: moka::sync::Cache<String, Uuid>,
}

impl Issuers {
    /// Reads the configuration; without a file nobody else is trusted. `own` is what this service's own tokens say in `iss`; `pseudonyms` is
    /// the key of the digests that subjects are known by.
    ///
    /// # Errors
    /// What is wrong with the file, or with a file of keys that it names.
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
                    "is what this service's own tokens say; change STRIDE_ISSUER".into(),
                ));
            }
            let issuer = Issuer::new(trust).map_err(fault)?;
            if issuers
                .by_name
                .insert(name.clone(), Arc::new(issuer))
                .is_some()
            {
                return Err(fault("stands there twice".into()));
            }
        }
        Ok(issuers)
    }

    /// Checks the token if it says that a trusted issuer made it; `None` where it says anything else.
    pub async fn check(&self, token: &str) -> Option<Result<Arc<Vouched>, Problem>> {
        let issuer = self.issuer_of(token)?;
        Some(self.check_by(issuer, token).await)
    }

    /// Whom the token claims to be from. Nothing is believed yet: this only chooses whose keys it has to fit.
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

    /// What the claims of a good token are worth.
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
                "the access token lacks `{}` in {}",
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
        // What the erasable place would not take from an administrator it does not take from a token.
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
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.sign()
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// The account that a subject was last found to have; to be looked at again, for it may have been given to another.
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
        // A file can be read at once, and its faults told to whoever starts the service; a provider may be away.
        if let Some(file) = &issuer.trust.jwks_file {
            let known = issuer.parse(&read(file)?)?;
            issuer.take(known);
        }
        Ok(issuer)
    }

    /// The keys at hand; old ones are asked for anew meanwhile.
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

    /// The claims of a token that this issuer signed for this service and that is good now, and the generation of the keys it fits.
    async fn claims(self: &Arc<Self>, token: &str) -> Result<(Value, u64), Problem> {
        let invalid =
            || unauthenticated("the access token is not one that its issuer made for this service");
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
                unauthenticated("the access token is not good yet; compare the clocks")
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

    /// Asks for the keys, unless somebody else did since `generation` or it was tried a moment ago. Those at hand stay when it fails.
    async fn refresh(&self, generation: u64) {
        let _one_at_a_time = self.asking.lock().await;
        let keys = self.keys.load_full();
        if keys.generation != generation || !self.may_ask() {
            return;
        }
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match self.fetch().await.and_then(|text| self.parse(&text)) {
            Ok(known) => self.take(known),
            Err(why) => {
                let age = keys.got.map_or_else(
                    || "there are none yet".into(),
                    |got| format!("those of {} s ago stay good", got.elapsed().as_secs()),
                );
                log::warn!(
                    "the keys of {} cannot be had, {age}: {why}",
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
            return Err(format!("{url} answers {}", answer.status()));
        }
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| e.to_string())? {
            text.extend_from_slice(&piece);
            if text.len() > LARGEST_SET {
                return Err(format!("{url} answers more than {LARGEST_SET} bytes"));
            }
        }
        Ok(text)
    }

    /// The usable keys of a set, each with its algorithm. Others (for encryption, of unknown kinds) are passed over.
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
        // Which of two keys is meant must not be a matter of their order.
        known.retain(|kid, _| !twice.contains(kid));
        if known.is_empty() {
            return Err(
                "there is no key in the set that signs with one of the configured algorithms"
                    .into(),
            );
        }
        Ok(known)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))
}

/// What is wrong with an entry; whether its keys are on this very machine.
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
            "algorithms: {shared:?} signs with a shared secret; name algorithms with a key pair"
        ));
    }
    if trust.algorithms.is_empty() {
        return Err(
            "algorithms must name those that its keys sign with, such as RS256 or ES256".into(),
        );
    }
    if trust.roles.is_empty() && !trust.admit_unmapped {
        return Err("nobody would be let in: map claims to roles, or set admit_unmapped".into());
    }
    if trust
        .roles
        .iter()
        .any(|m| m.role == Role::Administrator && m.scope.is_some())
    {
        return Err(
            "roles: an administrator's role holds for the whole organisation; leave scope out"
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
                    "jwks_url must begin with https://; http:// is for this very machine alone"
                        .into(),
                ),
            }
        }
        _ => Err("give either jwks_url or jwks_file".into()),
    }
}

/// The one algorithm that a key may sign with: the one it names, or else the first of those allowed that fits it.
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

/// A claim at the top of the token, or by JSON Pointer.
fn at<'a>(claims: &'a Value, claim: &str) -> Option<&'a Value> {
    if claim.starts_with('/') {
        claims.pointer(claim)
    } else {
        claims.get(claim)
    }
}

/// Whether a claim has a value, or has it among others. Scopes are words in one text (RFC 8693, section 4.2).
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

/// A claim that is a moment, in whole seconds since 1970 (RFC 7519 allows parts of them).
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
    fn a_value_is_found_where_it_stands_and_nowhere_else() {
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
