//! Passwords, client secrets and refresh tokens. Only hashes are stored.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// Returns a secret of 256 random bits, in 43 characters.
#[must_use]
pub fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256 of a secret that is already random, for looking it up.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Hashes a password with Argon2id. Takes about 20 ms of processor time, so never call it on an
/// async thread.
///
/// # Errors
/// The system cannot provide random numbers.
pub fn hash(password: &str) -> Result<String, Problem> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(Problem::internal)?;
    Ok(hash.to_string())
}

/// How the hash of a generated secret is stored. Such a secret is random, so nobody can guess it
/// from its SHA-256, and checking it takes microseconds.
const GENERATED: &str = "sha256:";

/// Hashes a secret that the service generated.
#[must_use]
pub fn generated(secret: &str) -> String {
    format!("{GENERATED}{}", hex::encode(digest(secret)))
}

/// Whether a secret that the service generated matches a hash, or none if the hash is one of
/// Argon2id, as earlier builds stored it.
#[must_use]
pub fn matches_generated(secret: &str, stored: &str) -> Option<bool> {
    let stored = hex::decode(stored.strip_prefix(GENERATED)?).ok()?;
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&stored, &digest(secret));
    Some(equal.is_ok())
}

/// Whether the password matches the hash. Without a hash it takes the same time and returns false,
/// so that nobody can tell an unknown name from a wrong password.
#[must_use]
pub fn matches(password: &str, stored: Option<&str>) -> bool {
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3RyaWRlLW5vYm9keS4u$J0SYhrxS3eh9zB0bbE5xUP0gNfkbvBXUCzGFvG1hgR0";
    let Ok(hash) = PasswordHash::new(stored.unwrap_or(NOBODY)) else {
        return false;
    };
    Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok()
        && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let stored = hash("correct horse").unwrap();
        assert!(matches("correct horse", Some(&stored)));
        assert!(!matches("battery staple", Some(&stored)));
        assert!(!matches("correct horse", None));
    }

    #[test]
    fn a_generated_secret_matches_its_own_hash_only() {
        let (one, other) = (random(), random());
        assert_eq!(matches_generated(&one, &generated(&one)), Some(true));
        assert_eq!(matches_generated(&other, &generated(&one)), Some(false));
        assert_eq!(matches_generated(&one, &hash(&one).unwrap()), None);
    }
}
