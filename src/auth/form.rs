//! The forms of OAuth requests (RFC 6749, appendix B).

use crate::problem::{Code, FieldError, Problem};

/// The longest value, in bytes.
const LONGEST: usize = 1_000;

/// The parameters of a request that are known here and have a value. As RFC 6749 requires, others
/// are ignored, and one without a value counts as not sent.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body.
    ///
    /// # Errors
    /// 400, naming every parameter that is given twice or is too long.
    pub fn read(body: &[u8], known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body)
            .into_owned()
            .filter(|(name, value)| known.contains(&name.as_str()) && !value.is_empty())
            .collect();
        let mut errors = Vec::new();
        for (n, (name, value)) in pairs.iter().enumerate() {
            let mut fault = |code: &str, detail: &str| {
                errors.push(FieldError {
                    pointer: format!("/{name}"),
                    code: code.into(),
                    detail: detail.into(),
                })
            };
            if pairs.iter().take(n).any(|(other, _)| other == name) {
                fault("repeated", "must be given only once");
            } else if value.len() > LONGEST {
                fault("max_length", "must not be longer than 1,000 bytes");
            }
        }
        if errors.is_empty() {
            Ok(Self(pairs))
        } else {
            Err(Problem::with_errors(Code::InvalidRequest, errors))
        }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.clone())
    }

    /// The value of a parameter that must be given.
    ///
    /// # Errors
    /// 400 if it is not.
    pub fn require(&self, name: &str) -> Result<String, Problem> {
        let missing = || {
            Problem::field(
                Code::InvalidRequest,
                format!("/{name}"),
                "required",
                "must be given",
            )
        };
        self.get(name).ok_or_else(missing)
    }
}
