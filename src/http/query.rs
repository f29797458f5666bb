//! Query parameters: only those that the operation documents, each at most once. A parameter that
//! accepts several values may also be repeated, as some clients do.

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{Code, FieldError, Problem};
use crate::world::calendar::Calendar;
use crate::world::catalogue::parse_query;

/// Type of a value, as far as every text of it can be told to be of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    Integer,
    Boolean,
    Other,
}

impl ValueType {
    /// What is wrong with a value of another type.
    fn fault(self, value: &str) -> Option<&'static str> {
        match self {
            Self::Integer => value.parse::<i64>().err().map(|_| "must be a whole number"),
            Self::Boolean if matches!(value, "true" | "false") => None,
            Self::Boolean => Some("must be true or false"),
            Self::Other => None,
        }
    }
}

/// One query parameter that an operation accepts, read once from its OpenAPI definition.
#[derive(Debug, Clone)]
pub struct Parameter {
    name: String,
    is_list: bool,
    longest: Option<i64>,
    least: Option<i64>,
    most: Option<i64>,
    value_type: ValueType,
}

impl Parameter {
    /// What is wrong with a value that is longer, smaller or greater than documented.
    fn beyond_limit(&self, value: &str) -> Option<(&'static str, String)> {
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        let number = value.parse::<i64>().ok();
        match (self.longest, self.least, self.most, number) {
            (Some(most), ..) if length > most => Some((
                "max_length",
                format!("must be at most {most} characters long"),
            )),
            (_, Some(least), _, Some(n)) if n < least => {
                Some(("minimum", format!("must be at least {least}")))
            }
            (_, _, Some(most), Some(n)) if n > most => {
                Some(("maximum", format!("must be at most {most}")))
            }
            _ => None,
        }
    }

    /// Whether it has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Reads a parameter; none if it is not a query parameter.
    #[must_use]
    pub fn of(openapi: &Value) -> Option<Self> {
        let text = |name: &str| openapi.get(name).and_then(Value::as_str);
        let limit = |word: &str| openapi.get("schema")?.get(word)?.as_i64();
        Some(Self {
            name: text("name")
                .filter(|_| text("in") == Some("query"))?
                .to_owned(),
            is_list: openapi
                .pointer("/schema/type")
                .is_some_and(|t| t == "array"),
            value_type: match openapi.pointer("/schema/type").and_then(Value::as_str) {
                Some("integer") => ValueType::Integer,
                Some("boolean") => ValueType::Boolean,
                _ => ValueType::Other,
            },
            longest: limit("maxLength"),
            least: limit("minimum"),
            most: limit("maximum"),
        })
    }
}

/// The query of a request.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

/// Maximum length of the parameters together, in bytes. They are counted decoded and without the
/// cursor, so that the link to the next page, which may encode them differently, is never too long.
const LONGEST: usize = 4_096;

impl Query {
    /// Parses a query and refuses anything that `parameters` do not document.
    ///
    /// # Errors
    /// 400, listing every parameter that is unknown or wrongly repeated; otherwise every value that
    /// is longer, smaller or greater than documented.
    pub fn parse(text: &str, parameters: &[Parameter]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        let counted = pairs.iter().filter(|(name, _)| name != "cursor");
        let length: usize = counted.map(|(name, value)| name.len() + value.len()).sum();
        if length > LONGEST {
            return Err(Problem::new(
                Code::InvalidQuery,
                format!("the parameters must not be longer than {LONGEST} bytes together"),
            ));
        }
        let mut errors = Vec::new();
        let mut taken: Vec<(String, String)> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            let mut refuse = |code: &str, detail: String| {
                let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                errors.push(FieldError {
                    pointer: format!("?{name}"),
                    code: code.into(),
                    detail,
                });
            };
            let before = taken.iter_mut().find(|(other, _)| *other == name);
            let Some(known) = parameters.iter().find(|p| p.name == name) else {
                let detail = format!(
                    "is not a parameter of this operation; the parameters are {}",
                    listed(parameters)
                );
                refuse("unknown_parameter", detail);
                continue;
            };
            if value.chars().any(char::is_control) {
                refuse(
                    "control_character",
                    "must not contain control characters".into(),
                );
            } else if before.is_some() && !known.is_list {
                refuse("repeated", "must be given only once".into());
            } else if let Some((_, values)) = before {
                values.push(',');
                values.push_str(&value);
            } else {
                taken.push((name, value));
            }
        }
        if !errors.is_empty() {
            return Err(Problem::with_errors(Code::InvalidQuery, errors));
        }
        let query = Self(taken);
        query.fits(parameters)?;
        Ok(query)
    }

    /// Refuses values of another type than documented, and those that are longer, smaller or greater,
    /// whether the operation reads them or not.
    fn fits(&self, parameters: &[Parameter]) -> Result<(), Problem> {
        let fault = |(name, value): &(String, String)| {
            let known = parameters.iter().find(|p| p.name == *name)?;
            let wrong_type = known
                .value_type
                .fault(value)
                .map(|d| ("type", d.to_owned()));
            let beyond_limit = || known.beyond_limit(value);
            let (code, detail) = wrong_type.or_else(beyond_limit)?;
            Some(FieldError {
                pointer: format!("?{name}"),
                code: code.into(),
                detail,
            })
        };
        let errors: Vec<FieldError> = self.0.iter().filter_map(fault).collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::with_errors(Code::InvalidQuery, errors))
        }
    }

    /// Value of one parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Value of one parameter as `T`.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn value<T: std::str::FromStr>(
        &self,
        name: &str,
        form: &str,
    ) -> Result<Option<T>, Problem> {
        let parse = |v: &str| {
            v.parse()
                .map_err(|_| invalid(name, &format!("must be {form}")))
        };
        self.get(name).map(parse).transpose()
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.value(name, "true or false")?.unwrap_or(false))
    }

    /// A parameter that is a time, or a day, which means the end of that day.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn moment(&self, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.time(name, "end", |day| Calendar::current().end_of(day))
    }

    /// The time from which changes are wanted; a day means its start.
    ///
    /// # Errors
    /// 400 if it is neither.
    pub fn since(&self, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.time(name, "start", |day| Calendar::current().start_of(day))
    }

    fn time(
        &self,
        name: &str,
        means: &str,
        of: impl Fn(NaiveDate) -> DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let at = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
        let day = || text.parse::<NaiveDate>().map(of);
        at.or_else(|_| day()).map(Some).map_err(|_| {
            let detail = format!(
                "must be a time such as 2020-10-26T12:00:00Z, or a day such as 2020-10-26, which \
                    means the {means} of that day in the organisation's time zone"
            );
            invalid(name, &detail)
        })
    }

    /// All parameters except those named, as `T`.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn read<T: DeserializeOwned>(&self, without: &[&str]) -> Result<T, Problem> {
        parse_query(&self.without(without))
    }

    /// All parameters except those named.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Vec<(String, String)> {
        self.0
            .iter()
            .filter(|(n, _)| !names.contains(&n.as_str()))
            .cloned()
            .collect()
    }

    /// All parameters, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// 400 for one parameter.
#[must_use]
pub fn invalid(name: &str, detail: &str) -> Problem {
    Problem::field(Code::InvalidQuery, format!("?{name}"), "invalid", detail)
}

fn listed(parameters: &[Parameter]) -> String {
    let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
