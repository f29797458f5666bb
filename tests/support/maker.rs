//! Makes a valid record of any kind, and first whatever its links need.
//!
//! A kind's example is its draft; ids in it are placeholders, each replaced by the id of a new
//! record of the kind that the field may point to. A kind whose rules need more than its example
//! has one entry in [`FIXTURES`]; one that has none and is refused fails the test with the
//! service's own words.

use std::cell::Cell;
use std::collections::HashMap;

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use stride::access::tokens::Subject;
use stride::registers::catalogue;
use stride::world::catalogue::Proposal;
use stride::world::{Kind, Link, Marking, Meta, Reading, World};
use uuid::Uuid;

use super::client::{Reply, escaped};
use super::{Client, TestApp};

/// Completes a draft before its placeholders are replaced.
type Fixture = for<'a> fn(&'a Maker<'a>, &'a mut Value) -> LocalBoxFuture<'a, ()>;

/// Kinds whose rules need more than their example.
const FIXTURES: &[(&str, Fixture)] = &[
    ("verification", |maker, draft| {
        Box::pin(claimed(maker, draft))
    }),
    ("gap_waiver", |maker, draft| {
        Box::pin(measured(maker, draft))
    }),
    ("recommendation_link", |maker, draft| {
        Box::pin(duplicated(maker, draft))
    }),
];

/// A recommendation: only such a record can be duplicated.
async fn duplicated(maker: &Maker<'_>, draft: &mut Value) {
    draft["to_id"] = maker.make_named("recommendation").await.id_text().into();
}

/// A record of the kind that the rule looks at.
async fn measured(maker: &Maker<'_>, draft: &mut Value) {
    draft["record_id"] = maker.make_named("measure").await.id_text().into();
}

/// A claim that waits for verification, by another account than the one that verifies.
async fn claimed(maker: &Maker<'_>, draft: &mut Value) {
    let on = maker.make_named("recommendation").await;
    let claimant = maker.claimant().await;
    let claim = json!({ "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": "2020-10-20", "narrative": "Done" });
    let claim = claimant
        .post("/api/v1/recommendation-updates", &claim)
        .await
        .status(201)
        .json();
    draft["recommendation_id"] = on.id_text().into();
    draft["claim_id"] = claim["id"].clone();
}

/// Asks for a record by an operation of its kind's own.
type Asking = fn(&Client, &Value) -> LocalBoxFuture<'static, Reply>;

/// Kinds that do not offer the generic create.
const MAKERS: &[(&str, Asking)] = &[
    ("document_version", |client, draft| {
        Box::pin(upload(client.clone(), draft.clone()))
    }),
    ("paper_issue", |client, draft| {
        Box::pin(issue(client.clone(), draft.clone()))
    }),
];

/// Issues the paper that the draft names; an issue is marked as its paper is.
pub async fn issue(client: Client, draft: Value) -> Reply {
    let paper = format!(
        "/api/v1/papers/{}",
        draft["paper_id"].as_str().expect("a paper")
    );
    let mut etag = client.get(&paper).await.etag();
    if let Some(marking) = draft["marking"].as_str() {
        etag = client
            .patch(&paper, &etag, &json!({ "marking": marking }))
            .await
            .status(200)
            .etag();
    }
    let path = match draft["reference"].as_str() {
        Some(reference) => format!("{paper}/issue?reference={}", escaped(reference)),
        None => format!("{paper}/issue"),
    };
    client
        .ask("POST", &path)
        .header("if-match", &etag)
        .send()
        .await
}

/// The content of every file that is made.
pub const FILE: &[u8] = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";

/// Uploads [`FILE`] as the draft says.
async fn upload(client: Client, draft: Value) -> Reply {
    let mut path = format!(
        "/api/v1/documents/{}/versions?",
        draft["document_id"].as_str().expect("a document")
    );
    for name in ["file_name", "label", "what_changed", "reference", "marking"] {
        if let Some(value) = draft[name].as_str() {
            path.push_str(&format!("{name}={}&", escaped(value)));
        }
    }
    client
        .ask("POST", path.trim_end_matches('&'))
        .body("application/pdf", FILE)
        .send()
        .await
}

/// How every placeholder in an example begins.
pub const PLACEHOLDER: &str = "019abcde-0000-7000-8000-";

/// Makes records in one service.
pub struct Maker<'a> {
    app: &'a TestApp,
    serial: Cell<u32>,
}

/// A record as the service answered when it was made.
#[derive(Clone)]
pub struct Made {
    pub kind: &'static Kind,
    pub record: Value,
    pub etag: String,
    /// Where it is.
    pub path: String,
}

impl Made {
    pub fn id(&self) -> Uuid {
        self.record["id"]
            .as_str()
            .and_then(|i| i.parse().ok())
            .expect("an id")
    }
    pub fn id_text(&self) -> &str {
        self.record["id"].as_str().expect("an id")
    }
    pub fn reference(&self) -> &str {
        self.record["reference"].as_str().expect("a reference")
    }
}

/// The kind with this name.
pub fn kind(name: &str) -> &'static Kind {
    catalogue()
        .named(name)
        .unwrap_or_else(|| panic!("there is no kind {name}"))
}

/// The first of the kinds that a link may lead to; a unit where it may lead to any.
pub fn target(link: &Link) -> &'static Kind {
    if link.takes_any() {
        return kind("unit");
    }
    let found = link.kinds().find_map(|name| catalogue().named(name));
    found.unwrap_or_else(|| panic!("there is none of the kinds {}", link.kinds))
}

/// Where the records of a kind are.
pub fn collection(kind: &Kind) -> String {
    format!("/api/v1/{}", kind.path)
}

/// Every field of a draft that points to another record.
pub fn links_of(kind: &Kind, draft: &Value) -> Vec<Link> {
    let found = Cell::new(Vec::new());
    let world = World::empty(catalogue());
    let now = chrono::Utc::now();
    let reading = Reading {
        world: &world,
        on: now.date_naive(),
        now: None,
        clearance: &stride::world::visible::Clearance::All,
    };
    let proposal = Proposal {
        reading,
        whole: reading,
        before: None,
        draft: draft.clone(),
        meta: Meta {
            id: Uuid::nil(),
            reference: stride::world::Reference::known("X"),
            version: 1,
            marking: Marking::Official,
            created_at: now,
            created_by: None,
            updated_at: now,
            withdrawn_at: None,
            seq: 1,
            kind: kind.index.into(),
        },
        actor: Uuid::nil(),
        following: false,
        may: &|_, _, _| true,
    };
    // The links are asked about before anything else; refusing them ends the proposal there.
    let stopped = (kind.propose)(proposal, &|links| {
        found.set(links);
        Err(stride::problem::Problem::not_found())
    });
    match stopped {
        Err(problem) if problem.code == stride::problem::Code::NotFound => found.take(),
        Err(problem) => panic!("the example of {} cannot be read: {problem}", kind.name),
        Ok(_) => panic!("{}: links were not asked about", kind.name),
    }
}

/// The links of a draft that are still placeholders.
pub fn open_links(kind: &Kind, draft: &Value) -> Vec<Link> {
    let mut links = links_of(kind, draft);
    links.retain(|l| l.id.to_string().starts_with(PLACEHOLDER));
    links
}

/// The pointers of every string in a value that looks like a placeholder.
pub fn placeholders(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: String, found: &mut Vec<String>) {
        match value {
            Value::String(s) if s.starts_with(PLACEHOLDER) => found.push(at),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(n, v)| walk(v, format!("{at}/{n}"), found)),
            Value::Object(map) => map
                .iter()
                .for_each(|(k, v)| walk(v, format!("{at}/{k}"), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

impl<'a> Maker<'a> {
    pub fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            serial: Cell::new(0),
        }
    }

    /// Someone who speaks for management with an account of their own.
    pub async fn claimant(&self) -> Client {
        self.account("strategy_manager").await.0
    }

    /// A caller with an account of its own that holds a role in the whole organisation; the
    /// account, and its grant.
    pub async fn account(&self, role: &str) -> (Client, Made, Made) {
        let account = self
            .make_with(
                "account",
                json!({ "account_kind": "person", "title": "A post" }),
            )
            .await;
        let grant = json!({ "account_id": account.id(), "role": role });
        let grant = self.create(kind("grant"), &grant).await;
        let client = self.app.with(&Subject {
            account: account.id(),
            client_id: "tests".into(),
            read_only: false,
            acting_as: None,
        });
        (client, account, grant)
    }

    /// Who makes the records of a kind.
    pub fn client(&self, kind: &Kind) -> Client {
        self.app.keeper(kind)
    }

    fn next(&self) -> u32 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }

    /// A draft that the service will take, with everything made that it points to.
    pub async fn draft(&self, kind: &'static Kind) -> Value {
        let mut draft = (kind.example)();
        // The service gives the reference: an example's own is free only once.
        draft
            .as_object_mut()
            .expect("an example is an object")
            .remove("reference");
        if let Some((_, complete)) = FIXTURES.iter().find(|(name, _)| *name == kind.name) {
            complete(self, &mut draft).await;
        }
        // A link to its own kind would need another such record first, and so on: the example does
        // without.
        for link in open_links(kind, &draft)
            .iter()
            .filter(|l| l.kinds().next() == Some(kind.name))
        {
            let field = link.pointer.split('/').nth(1).unwrap_or_default();
            draft.as_object_mut().expect("an object").remove(field);
        }
        let mut made: HashMap<(Uuid, &str), String> = HashMap::new();
        for link in open_links(kind, &draft) {
            let known = made.get(&(link.id, link.kinds)).cloned();
            let id = match known {
                Some(id) => id,
                None => self.make_any(&link).await.id_text().to_owned(),
            };
            made.insert((link.id, link.kinds), id.clone());
            *draft
                .pointer_mut(&link.pointer)
                .expect("a link stands in the draft") = id.into();
        }
        let left = placeholders(&draft);
        assert!(
            left.is_empty(),
            "{}: its links do not name {left:?}; add it to FIXTURES",
            kind.name
        );
        self.vary(kind, &mut draft);
        draft
    }

    /// Lets texts that lists are ordered by differ from record to record.
    fn vary(&self, kind: &Kind, draft: &mut Value) {
        let n = self.next();
        // Not in the order of making, so that no order is right by accident.
        let word = format!(" {:05}", (u64::from(n) * 37_003) % 99_991);
        for sort in &kind.sorts {
            if let Some(Value::String(text)) = draft.get_mut(*sort)
                && !sort.ends_with("_on")
                && !sort.ends_with("status")
                && text.contains(' ')
            {
                text.push_str(&word);
            }
        }
    }

    /// A new record of the first of these kinds that there is.
    fn make_any(&self, link: &Link) -> LocalBoxFuture<'_, Made> {
        Box::pin(self.make(target(link)))
    }

    /// A new record of a kind.
    pub async fn make(&self, kind: &'static Kind) -> Made {
        let draft = self.draft(kind).await;
        self.create(kind, &draft).await
    }

    /// The same, by name.
    pub async fn make_named(&self, name: &str) -> Made {
        self.make(kind(name)).await
    }

    /// A new record of a kind with some fields set as given.
    pub async fn make_with(&self, name: &str, fields: Value) -> Made {
        let kind = kind(name);
        let mut draft = self.draft(kind).await;
        draft
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        self.create(kind, &draft).await
    }

    /// Makes an account belong to a person, or to nobody; the account.
    pub async fn belongs_to(&self, account: &Made, person: Option<Uuid>) -> Value {
        let client = self.client(account.kind);
        let etag = client.get(&account.path).await.status(200).etag();
        let patch = json!({ "person_id": person });
        let changed = client.patch(&account.path, &etag, &patch).await;
        changed.status(200).json()
    }

    /// A record from a whole draft.
    pub async fn create(&self, kind: &'static Kind, draft: &Value) -> Made {
        let reply = match MAKERS.iter().find(|(name, _)| *name == kind.name) {
            Some((_, make)) => make(&self.client(kind), draft).await,
            None => self.client(kind).post(&collection(kind), draft).await,
        };
        assert_eq!(
            reply.status,
            201,
            "{} cannot be made from its example; does it need an entry in FIXTURES?\n{draft:#}\n{}",
            kind.name,
            reply.text()
        );
        let record = reply.json();
        Made {
            kind,
            path: format!(
                "{}/{}",
                collection(kind),
                record["id"].as_str().expect("an id")
            ),
            etag: reply.etag(),
            record,
        }
    }

    /// A patch that changes any record of any kind.
    pub fn patch(&self) -> Value {
        json!({ "reference": format!("CHANGED-{}", self.next()) })
    }
}
