//! The kinds of records, and what generic code may ask of each.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize as _;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;
use uuid::Uuid;

use super::blank;
use super::calendar_entry_kind::CalendarEntryKind;
use super::fields::{Field, fields};
use super::record::{
    AnyRecord, COMMON_SORTS, Common, FollowUp, Link, Marking, Meta, Place, Reading, Rec, Resource,
    Rules, blanks_of, links_of, refused,
};
use super::schema::{self, Schemas};
use crate::policy::{Act, Subject};
use crate::problem::{Code, FieldError, Problem};

/// Maximum number of values in one parameter.
pub const MOST_VALUES: usize = 50;

/// A proposed change to a record, to be checked against its rules.
#[derive(Clone)]
pub struct Proposal<'a> {
    /// What the rules may use: only what is visible to the caller, so that no refusal depends on
    /// anything else.
    pub reading: Reading<'a>,
    /// Everything that is recorded, for computed fields and for the changes that follow in records
    /// that are not visible to the caller.
    pub whole: Reading<'a>,
    pub before: Option<&'a Arc<dyn AnyRecord>>,
    /// All fields that a caller may set. For a patch, this is the stored record merged with the
    /// patch.
    pub draft: Value,
    /// The record's next envelope. Reference and marking in the draft take precedence over it.
    pub meta: Meta,
    pub actor: Uuid,
    pub following: bool,
    /// Whether the caller's grants allow an act on a record in its current state.
    pub may: &'a dyn Fn(Subject, Act, Uuid) -> bool,
}

/// A list filter, ready to use.
pub trait Filter: Send + Sync {
    fn matches(&self, record: &dyn AnyRecord, reading: Reading<'_>) -> bool;
    /// A record that every match links to.
    fn pivot(&self) -> Option<Uuid>;
}

struct Own<R: Resource>(R::Filter);

impl<R: Resource> Filter for Own<R> {
    fn matches(&self, record: &dyn AnyRecord, reading: Reading<'_>) -> bool {
        record
            .as_any()
            .downcast_ref::<Rec<R>>()
            .is_some_and(|r| R::matches(r, &self.0, reading))
    }
    fn pivot(&self) -> Option<Uuid> {
        R::pivot(&self.0)
    }
}

type Parse = fn(&str, i32, i64, usize) -> Result<Arc<dyn AnyRecord>, serde_json::Error>;
/// Called once the record's links are known, before its rules.
pub type CheckLinks<'a> = &'a dyn Fn(Vec<Link>) -> Result<(), Problem>;
/// What a draft says about where its record belongs, read before the draft is checked.
pub struct Outline {
    pub marking: Marking,
    pub place: Place,
    pub links: Vec<Link>,
    /// Records whose computed fields would use it.
    pub touches: Vec<Uuid>,
}

impl Outline {
    /// What typed fields say.
    #[must_use]
    pub fn of<R: Resource>(data: &R, marking: Marking) -> Self {
        Self {
            marking,
            place: data.place(),
            links: links_of(data),
            touches: data.touches(),
        }
    }
}

/// What a draft says; none if the draft cannot be read, which its schema then explains.
fn outline<R: Resource>(draft: &Value) -> Option<Outline> {
    let common = Common::deserialize(draft).ok()?;
    let mut data = R::deserialize(draft).ok()?;
    data.normalise();
    Some(Outline::of(&data, common.marking))
}

type Propose =
    fn(Proposal<'_>, CheckLinks<'_>) -> Result<(Arc<dyn AnyRecord>, Vec<FollowUp>), Problem>;
type Withdrawable = fn(Proposal<'_>) -> Result<(), Problem>;
type MakeFilter = fn(&[(String, String)]) -> Result<Box<dyn Filter>, Problem>;

/// One kind of record: its resource as values and functions.
pub struct Kind {
    /// Its position in the catalogue.
    pub index: usize,
    pub name: &'static str,
    pub path: &'static str,
    pub prefix: &'static str,
    pub subject: Subject,
    pub about: &'static str,
    pub shape: i32,
    pub append_only: bool,
    /// Whether a record can be marked directly.
    pub markable: bool,
    pub recomputes: &'static [&'static str],
    pub offers_create: bool,
    /// Kinds of its dates.
    pub dates: &'static [CalendarEntryKind],
    /// Its sort orders.
    pub sorts: Vec<&'static str>,
    /// Name of the record's schema.
    pub schema_name: String,
    pub example: fn() -> Value,
    /// Its own query parameters, as OpenAPI parameters.
    pub filter_params: fn() -> Vec<Value>,
    pub parse: Parse,
    pub outline: fn(&Value) -> Option<Outline>,
    pub propose: Propose,
    /// Whether the record in `before` may be withdrawn by its own rules.
    pub withdrawable: Withdrawable,
    pub filter: MakeFilter,
    /// Adds its schemas.
    pub schemas: fn(&mut Schemas),
    validator: OnceLock<jsonschema::Validator>,
    fields: OnceLock<Vec<Field>>,
}

impl Kind {
    fn of<R: Resource>(index: usize) -> Self {
        Self {
            index,
            name: R::KIND,
            path: R::PATH,
            prefix: R::PREFIX,
            subject: R::SUBJECT,
            about: R::ABOUT,
            shape: R::SHAPE,
            append_only: R::APPEND_ONLY,
            markable: R::MARKABLE,
            recomputes: R::RECOMPUTES,
            offers_create: R::OFFERS_CREATE,
            dates: R::DATES,
            sorts: COMMON_SORTS
                .into_iter()
                .chain(R::sorts().iter().map(|s| s.name))
                .collect(),
            schema_name: R::name().into_owned(),
            example: R::example,
            filter_params: || {
                R::Filter::into_params(|| Some(ParameterIn::Query))
                    .iter()
                    .filter_map(|p| serde_json::to_value(p).ok())
                    .map(limited)
                    .collect()
            },
            parse: Rec::<R>::from_snapshot,
            outline: outline::<R>,
            propose: propose::<R>,
            withdrawable: withdrawable::<R>,
            filter: |pairs| Ok(Box::new(Own::<R>(parse_query(pairs)?))),
            schemas: schema::add_resource::<R>,
            validator: OnceLock::new(),
            fields: OnceLock::new(),
        }
    }

    /// Checks a draft against the schema in the OpenAPI document.
    ///
    /// # Errors
    /// Fails with every error and its location.
    pub fn check_schema(&self, draft: &Value) -> Result<(), Problem> {
        let validator = self.validator.get_or_init(|| schema::validator(self));
        schema::check(validator, draft)
    }

    /// Merges a patch into a stored draft, and checks the patch and the result against the schema.
    ///
    /// # Errors
    /// Fails with every error and its location.
    pub fn patched(&self, stored: Value, patch: &Value) -> Result<Value, Problem> {
        let validator = self.validator.get_or_init(|| schema::validator(self));
        schema::patched(validator, stored, patch)
    }

    /// The fields of its records, as columns of a table: those of every record first, then its own in
    /// the order of the document.
    pub fn fields(&self) -> &[Field] {
        self.fields.get_or_init(|| {
            const FIRST: [&str; 7] = [
                "id",
                "reference",
                "version",
                "marking",
                "created_at",
                "updated_at",
                "withdrawn_at",
            ];
            let mut schemas = Schemas::new();
            (self.schemas)(&mut schemas);
            let record = schemas.get(&self.schema_name);
            let mut all = record.map_or_else(Vec::new, |record| fields(record, &schemas));
            let place = |field: &Field| FIRST.iter().position(|first| *first == field.name);
            all.sort_by_key(|field| place(field).unwrap_or(FIRST.len()));
            all
        })
    }
}

/// Adds how many values a parameter may have.
fn limited(mut parameter: Value) -> Value {
    if let Some(schema) = parameter.get_mut("schema") {
        schema::inline(schema);
        // The parameter itself says what it is for.
        if let Some(Value::Object(items)) = schema.get_mut("items") {
            items.remove("description");
        }
    }
    if let Some(schema) = parameter
        .get_mut("schema")
        .filter(|s| s.get("items").is_some())
    {
        schema::set(schema, "maxItems", MOST_VALUES);
    }
    parameter
}

/// Reads query parameters into `T`.
///
/// # Errors
/// Fails with the name of the first invalid parameter.
pub fn parse_query<T: serde::de::DeserializeOwned>(
    pairs: &[(String, String)],
) -> Result<T, Problem> {
    let text = serde_urlencoded::to_string(pairs).map_err(Problem::internal)?;
    let input = serde_urlencoded::Deserializer::new(form_urlencoded(&text));
    serde_path_to_error::deserialize(input).map_err(|e| {
        let name = format!("?{}", e.path());
        Problem::field(
            Code::InvalidQuery,
            name,
            "invalid",
            plain(&e.into_inner().to_string()),
        )
    })
}

/// Rewrites a parser's error message for the caller.
fn plain(complaint: &str) -> String {
    match complaint.split_once(", expected ") {
        Some((what, expected)) if what.starts_with("unknown variant") => {
            let words = expected.trim_start_matches("one of ").replace('`', "");
            format!("must be one of {words}")
        }
        _ => complaint.to_owned(),
    }
}

fn form_urlencoded(text: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(text.as_bytes())
}

fn propose<R: Resource>(
    p: Proposal<'_>,
    check_links: CheckLinks<'_>,
) -> Result<(Arc<dyn AnyRecord>, Vec<FollowUp>), Problem> {
    let common: Common = from_value(&p.draft)?;
    let data: R = from_value(&p.draft)?;
    let mut meta = p.meta.clone();
    meta.marking = common.marking;
    if let Some(reference) = common.reference {
        meta.reference = reference;
    }
    validate(Proposal { meta, ..p }, data, check_links)
}

/// Checks a change whose fields are already read. Its envelope is in its final form.
///
/// # Errors
/// Fails if links or rules are broken.
pub fn validate<R: Resource>(
    p: Proposal<'_>,
    mut data: R,
    check_links: CheckLinks<'_>,
) -> Result<(Arc<dyn AnyRecord>, Vec<FollowUp>), Problem> {
    data.normalise();
    // Before the rules, which follow links and rely on what they find there.
    check_links(links_of(&data))?;
    let (reading, whole) = (p.reading, p.whole);
    let rules = check(&data, &p, reading);
    if !rules.errors.is_empty() {
        return Err(refused(rules.code, rules.errors));
    }
    let mut follow_ups = rules.follow_ups;
    if !std::ptr::eq(reading.world, whole.world) {
        let unseen = check(&data, &p, whole).follow_ups.into_iter();
        follow_ups.extend(unseen.filter(|f| reading.world.any(f.id).is_none()));
    }
    let before = p.before.and_then(|b| b.as_any().downcast_ref::<Rec<R>>());
    // After the rules, because it relies on them.
    let computed = data.compute(whole, &p.meta, before);
    let follow_ups = touch(&data, follow_ups);
    let record = Rec::new(p.meta, data, computed);
    Ok((Arc::new(record), follow_ups))
}

/// What the rules of a record found.
struct Checked {
    errors: Vec<FieldError>,
    code: Code,
    follow_ups: Vec<FollowUp>,
}

/// Runs the rules of a record with what may be used.
fn check<R: Resource>(data: &R, p: &Proposal<'_>, reading: Reading<'_>) -> Checked {
    let mut rules = Rules::<R> {
        reading,
        whole: p.whole.world,
        meta: &p.meta,
        before: p.before.and_then(|b| b.as_any().downcast_ref::<Rec<R>>()),
        actor: p.actor,
        following: p.following,
        may: p.may,
        errors: Vec::new(),
        code: Code::RuleViolation,
        follow_ups: Vec::new(),
    };
    if !rules.following {
        refuse_blanks(&mut rules, data);
    }
    data.rules(&mut rules);
    Checked {
        errors: rules.errors,
        code: rules.code,
        follow_ups: rules.follow_ups,
    }
}

/// Refuses texts that say nothing. What an older journal holds stays until it is changed.
fn refuse_blanks<R: Resource>(rules: &mut Rules<'_, R>, data: &R) {
    let blanks = blanks_of(data);
    if blanks.is_empty() {
        return;
    }
    let known = rules
        .before
        .map_or_else(Vec::new, |before| blanks_of(&before.data));
    for pointer in blanks.into_iter().filter(|b| !known.contains(b)) {
        rules.refuse(pointer, "blank", blank::REMEDY);
    }
}

fn withdrawable<R: Resource>(p: Proposal<'_>) -> Result<(), Problem> {
    let Some(record) = p.before.and_then(|b| b.as_any().downcast_ref::<Rec<R>>()) else {
        return Ok(());
    };
    let mut rules = Rules::<R> {
        reading: p.reading,
        whole: p.whole.world,
        meta: &p.meta,
        before: Some(record),
        actor: p.actor,
        following: p.following,
        may: p.may,
        errors: Vec::new(),
        code: Code::RuleViolation,
        follow_ups: Vec::new(),
    };
    record.data.withdrawal(&mut rules);
    if rules.errors.is_empty() {
        Ok(())
    } else {
        Err(refused(rules.code, rules.errors))
    }
}

/// Adds follow-ups with an empty patch for the records that must be recomputed.
fn touch<R: Resource>(data: &R, mut follow_ups: Vec<FollowUp>) -> Vec<FollowUp> {
    for id in data.touches() {
        if !follow_ups.iter().any(|f| f.id == id) {
            follow_ups.push(FollowUp {
                id,
                patch: Value::Object(serde_json::Map::new()),
            });
        }
    }
    follow_ups
}

/// Reads a checked draft. If the schema accepts what the type does not, the caller gets an error to
/// correct.
fn from_value<T: serde::de::DeserializeOwned>(draft: &Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(draft).map_err(|e| {
        let path = e.path().to_string();
        let pointer = if path == "." {
            String::new()
        } else {
            format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
        };
        Problem::with_errors(
            Code::InvalidBody,
            vec![FieldError {
                pointer,
                code: "invalid".into(),
                detail: e.into_inner().to_string(),
            }],
        )
    })
}

/// Every kind of record, in the order in which an export can be loaded.
#[derive(Default)]
pub struct Catalogue {
    kinds: Vec<Kind>,
    /// Position of each kind, by name.
    places: HashMap<&'static str, usize>,
    /// Position of each kind, by the names that it had in older builds.
    former: HashMap<&'static str, usize>,
}

impl Catalogue {
    /// A catalogue without kinds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind.
    #[must_use]
    pub fn with<R: Resource>(mut self) -> Self {
        self.places.insert(R::KIND, self.kinds.len());
        let former = R::FORMER_KINDS.iter().map(|name| (*name, self.kinds.len()));
        self.former.extend(former);
        self.kinds.push(Kind::of::<R>(self.kinds.len()));
        self
    }

    /// Every kind.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(self.index_of(name)?)
    }

    /// The kind that a journal or an export names, which may be from an older build.
    #[must_use]
    pub fn recorded(&self, name: &str) -> Option<&Kind> {
        let former = || self.former.get(name).copied();
        self.kinds.get(self.index_of(name).or_else(former)?)
    }

    /// The position of the kind with this name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}
