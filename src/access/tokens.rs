//! Access tokens: JWTs as in RFC 9068, signed with Ed25519, valid for fifteen minutes, checked as
//! RFC 8725 requires.
//!
//! One algorithm is pinned. Key references in a token's header (`jku`, `jwk`, `x5u`, …) are never
//! followed. The result is remembered by the whole token, so that each signature is verified once.
//! The expiry is checked every time, and the account is checked again when the journal has moved or
//! the day has changed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use foldhash::quality::RandomState;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Known;
use super::identity::{Held, Identity, expired, unauthenticated};
use crate::db::store::SigningKeyRow;
use crate::metrics::{CacheState, Hits};
use crate::problem::Problem;

/// How long an access token is valid, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// How long a new key is only published before it signs, so that every replica, and everybody who
/// keeps a copy of the published keys, knows it by then.
pub const KEY_OVERLAP: TimeDelta = TimeDelta::minutes(5);
/// Allowed difference between clocks, in seconds.
const LEEWAY: u64 = 5;
/// Number of verified tokens to remember.
const VERDICTS: u64 = 10_000;
/// Longer tokens cannot be ours.
const LONGEST: usize = 4_096;

/// The claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    aud: String,
    exp: i64,
    iat: i64,
    jti: Uuid,
    client_id: String,
    scope: String,
    /// The one role of a token made by the local operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acting_as: Option<Held>,
}

/// What a token is issued for.
#[derive(Debug, Clone)]
pub struct Subject {
    pub account: Uuid,
    pub client_id: String,
    pub read_only: bool,
    pub acting_as: Option<Held>,
}

/// The account that a token names, and when the token expires, in seconds since 1970.
type Verdict = (Arc<Known>, i64);

/// The keys that sign and verify.
struct Keys {
    signing: (String, EncodingKey),
    known: HashMap<String, (DecodingKey, Vec<u8>)>,
}

/// Issues and checks tokens.
pub struct Tokens {
    issuer: String,
    audience: String,
    keys: RwLock<Arc<Keys>>,
    verdicts: moka::sync::Cache<String, Verdict, RandomState>,
    hits: Hits,
}

/// Makes a new signing key, ready to be stored.
///
/// # Errors
/// The system cannot provide random numbers.
pub fn new_signing_key() -> Result<SigningKeyRow, Problem> {
    let pair = Ed25519KeyPair::generate().map_err(Problem::internal)?;
    let private_key = pair
        .to_pkcs8()
        .map_err(Problem::internal)?
        .as_ref()
        .to_vec();
    Ok(SigningKeyRow {
        kid: Uuid::now_v7().simple().to_string(),
        private_key,
        created_at: Utc::now().into(),
        retired_at: None,
    })
}

/// When the keys before a new one are retired: the last tokens that they sign have expired by then.
#[must_use]
pub fn retirement(now: DateTime<Utc>) -> DateTime<Utc> {
    now + KEY_OVERLAP + TimeDelta::seconds(ACCESS_SECONDS) + TimeDelta::minutes(1)
}

impl Keys {
    /// A key that is retired does not verify. The newest key that is old enough signs: everybody has
    /// learnt of it by then.
    fn of(rows: &[SigningKeyRow], now: DateTime<Utc>) -> Result<Self, Problem> {
        let mut known = HashMap::new();
        let mut signing = None;
        let is_valid = |key: &&SigningKeyRow| key.retired_at.is_none_or(|at| at.0 > now);
        for key in rows.iter().filter(is_valid) {
            let pair = Ed25519KeyPair::from_pkcs8(&key.private_key)
                .map_err(|e| Problem::internal(format!("signing key {}: {e}", key.kid)))?;
            let public = pair.public_key().as_ref().to_vec();
            known.insert(key.kid.clone(), (DecodingKey::from_ed_der(&public), public));
            if signing.is_none() || key.created_at.0 + KEY_OVERLAP <= now {
                signing = Some((key.kid.clone(), EncodingKey::from_ed_der(&key.private_key)));
            }
        }
        let signing = signing.ok_or_else(|| Problem::internal("there is no signing key"))?;
        Ok(Self { signing, known })
    }
}

impl Tokens {
    /// Takes the stored keys, oldest first. The newest signs that is at least [`KEY_OVERLAP`] old,
    /// or else the oldest; all verify that are not retired.
    ///
    /// # Errors
    /// There is no usable key.
    pub fn new(issuer: String, audience: String, keys: &[SigningKeyRow]) -> Result<Self, Problem> {
        Ok(Self {
            issuer,
            audience,
            keys: RwLock::new(Arc::new(Keys::of(keys, Utc::now())?)),
            verdicts: moka::sync::Cache::builder()
                .max_capacity(VERDICTS)
                .build_with_hasher(RandomState::default()),
            hits: Hits::default(),
        })
    }

    /// The tokens that are remembered.
    #[must_use]
    pub fn state(&self) -> CacheState<'_> {
        self.verdicts.run_pending_tasks();
        CacheState {
            name: "tokens",
            hits: &self.hits,
            entries: self.verdicts.entry_count(),
        }
    }

    /// Takes the keys that are stored now, `now`. Tokens that a key signed which is retired since are
    /// refused.
    ///
    /// # Errors
    /// There is no usable key. Then the keys stay as they were.
    pub fn take(&self, keys: &[SigningKeyRow], now: DateTime<Utc>) -> Result<(), Problem> {
        let (keys, before) = (Arc::new(Keys::of(keys, now)?), self.keys());
        let is_gone = before.known.keys().any(|kid| !keys.known.contains_key(kid));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        if is_gone {
            self.verdicts.invalidate_all();
        }
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Issues a token.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn issue(&self, subject: &Subject) -> Result<String, Problem> {
        let now = Utc::now().timestamp();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".into());
        let keys = self.keys();
        header.kid = Some(keys.signing.0.clone());
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: subject.account,
            aud: self.audience.clone(),
            exp: now + ACCESS_SECONDS,
            iat: now,
            jti: Uuid::now_v7(),
            client_id: subject.client_id.clone(),
            scope: if subject.read_only {
                "read"
            } else {
                "read write"
            }
            .into(),
            acting_as: subject.acting_as.clone(),
        };
        encode(&header, &claims, &keys.signing.1).map_err(Problem::internal)
    }

    /// Checks a token.
    ///
    /// # Errors
    /// 401, saying what is wrong in words that help its holder but nobody else.
    pub fn check(&self, token: &str) -> Result<Arc<Known>, Problem> {
        if let Some((known, exp)) = self.hits.count(self.verdicts.get(token)) {
            return if exp + LEEWAY as i64 > Utc::now().timestamp() {
                Ok(known)
            } else {
                Err(expired())
            };
        }
        let keys = self.keys();
        let (identity, exp) = self.verify(token, &keys)?;
        let known = Arc::new(Known::from(identity));
        self.verdicts
            .insert(token.to_owned(), (Arc::clone(&known), exp));
        // Its key may have been retired while it was checked.
        if !Arc::ptr_eq(&keys, &self.keys()) {
            self.verdicts.invalidate(token);
        }
        Ok(known)
    }

    fn verify(&self, token: &str, keys: &Keys) -> Result<(Identity, i64), Problem> {
        let invalid = || unauthenticated("the access token was not issued by this service");
        if token.len() > LONGEST {
            return Err(invalid());
        }
        let header = decode_header(token).map_err(|_| invalid())?;
        let typed = header.typ.as_deref().is_some_and(|t| {
            t.eq_ignore_ascii_case("at+jwt") || t.eq_ignore_ascii_case("application/at+jwt")
        });
        if header.alg != Algorithm::EdDSA || !typed || header.crit.is_some() {
            return Err(invalid());
        }
        let key = header
            .kid
            .as_ref()
            .and_then(|kid| keys.known.get(kid))
            .ok_or_else(invalid)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.leeway = LEEWAY;
        rules.set_audience(&[&self.audience]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "iat", "aud", "iss", "sub"]);
        let claims = decode::<Claims>(token, &key.0, &rules).map_err(|e| match e.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => expired(),
            jsonwebtoken::errors::ErrorKind::InvalidAudience => {
                unauthenticated("the access token was issued for another service")
            }
            jsonwebtoken::errors::ErrorKind::InvalidIssuer => {
                unauthenticated("the access token was issued by another service")
            }
            _ => invalid(),
        })?;
        let claims = claims.claims;
        let identity = Identity {
            account: claims.sub,
            issued_at: claims.iat,
            acting_as: claims.acting_as,
            external: None,
            read_only: !claims.scope.split(' ').any(|s| s == "write"),
        };
        Ok((identity, claims.exp))
    }

    /// The public keys, as a JSON Web Key Set (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let held = self.keys();
        let mut keys: Vec<(&String, &Vec<u8>)> = held
            .known
            .iter()
            .map(|(kid, (_, public))| (kid, public))
            .collect();
        keys.sort();
        let jwk = |(kid, public): (&String, &Vec<u8>)| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": URL_SAFE_NO_PAD.encode(public) });
        json!({ "keys": keys.into_iter().map(jwk).collect::<Vec<_>>() })
    }

    /// The issuer of the tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}
