//! A world in which no rule finds anything on its day, made through the API, and changes to it that
//! can be taken back.
//!
//! Records point to each other by reference: `"@REF"`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use stride::policy::Role;

use crate::support::client::Reply;
use crate::support::maker::{Maker, collection, issue, kind};
use crate::support::{Client, TestApp};

/// Date used to decide whether it is overdue.
pub const ON: &str = "2020-10-26";

/// A rule, and the reference that it finds something on.
pub type Found = (String, String);

/// A change.
#[derive(Clone)]
pub enum Step {
    Make(&'static str, Value),
    Patch(&'static str, Value),
    Withdraw(&'static str),
}

/// How a change is taken back.
enum Undo {
    Withdraw(String),
    Patch(String, Value),
    Restore(String),
}

/// Where a record of the world is.
#[derive(Clone)]
struct Known {
    kind: &'static str,
    id: String,
    path: String,
}

pub struct World<'a> {
    app: &'a TestApp,
    known: RefCell<HashMap<String, Known>>,
    serial: Cell<u32>,
    /// Speaks for management with an account of its own: nobody judges their own claim.
    claimant: Client,
}

impl<'a> World<'a> {
    /// The complete world.
    pub async fn complete(app: &'a TestApp) -> Self {
        let (claimant, account, _) = Maker::new(app).account("strategy_manager").await;
        let cleared = json!({ "account_id": account.id(), "role": "strategy_manager", "official_sensitive": true });
        app.keeper(kind("grant"))
            .post("/api/v1/grants", &cleared)
            .await
            .status(201);
        let world = Self {
            app,
            known: RefCell::default(),
            serial: Cell::default(),
            claimant,
        };
        for (kind, record) in records() {
            world.make(kind, &record, None).await;
        }
        world
    }

    pub fn id(&self, reference: &str) -> String {
        self.at(reference).id
    }

    fn at(&self, reference: &str) -> Known {
        let known = self.known.borrow().get(reference).cloned();
        known.unwrap_or_else(|| panic!("the world has no {reference}"))
    }

    /// Puts ids in the place of references.
    fn resolved(&self, value: &Value) -> Value {
        match value {
            Value::String(s) => s
                .strip_prefix('@')
                .map_or_else(|| value.clone(), |r| self.id(r).into()),
            Value::Array(list) => list.iter().map(|v| self.resolved(v)).collect(),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(k, v)| (k.clone(), self.resolved(v)))
                    .collect::<Map<_, _>>(),
            ),
            _ => value.clone(),
        }
    }

    pub async fn send(&self, kind_name: &'static str, record: &Value) -> Reply {
        let kind = kind(kind_name);
        let body = self.resolved(record);
        let claims = body["update_kind"] == "claim_complete";
        let client = if claims {
            self.claimant.clone()
        } else {
            self.app.keeper(kind)
        };
        if kind_name == "paper_issue" {
            return issue(client, body).await;
        }
        client.post(&collection(kind), &body).await
    }

    /// Makes a record; it goes by the reference that `record` gives, whatever it is called in the
    /// service.
    async fn make(&self, kind_name: &'static str, record: &Value, serial: Option<u32>) -> String {
        let mut named = record.clone();
        // A withdrawn record keeps its reference, and most changes are made twice.
        if let (Some(n), Some(reference)) = (serial, record["reference"].as_str()) {
            named["reference"] = format!("{reference}.{n}").into();
        }
        let reply = self.send(kind_name, &named).await;
        assert_eq!(
            reply.status,
            201,
            "{kind_name}: {record:#}\n{}",
            reply.text()
        );
        let made = reply.json();
        let id = made["id"].as_str().expect("an id");
        let reference = record["reference"]
            .as_str()
            .or(made["reference"].as_str())
            .expect("a reference");
        let known = Known {
            kind: kind_name,
            id: id.to_owned(),
            path: format!("{}/{id}", collection(kind(kind_name))),
        };
        self.known.borrow_mut().insert(reference.to_owned(), known);
        reference.to_owned()
    }

    /// The caller who keeps a record, the record, and its ETag.
    async fn keep(&self, reference: &str) -> (Client, Known, Reply) {
        let known = self.at(reference);
        let client = self.app.keeper(kind(known.kind));
        let now = client.get(&known.path).await;
        (client, known, now)
    }

    async fn patch(&self, reference: &str, patch: &Value) -> Value {
        let (client, known, now) = self.keep(reference).await;
        let was = now.json();
        let back: Map<String, Value> = patch
            .as_object()
            .expect("fields")
            .keys()
            .map(|field| (field.clone(), was[field].clone()))
            .collect();
        let reply = client
            .patch(&known.path, &now.etag(), &self.resolved(patch))
            .await;
        assert_eq!(reply.status, 200, "{reference}: {patch}\n{}", reply.text());
        Value::Object(back)
    }

    async fn withdraw(&self, reference: &str) {
        let (client, known, now) = self.keep(reference).await;
        let reply = client.delete(&known.path, &now.etag()).await;
        assert!(
            reply.status < 300,
            "{reference} cannot be withdrawn: {}",
            reply.text()
        );
    }

    async fn restore(&self, reference: &str) {
        let (client, known, _) = self.keep(reference).await;
        client
            .post(&format!("{}/restore", known.path), &Value::Null)
            .await
            .status(200);
    }

    async fn change(&self, step: &Step) -> Undo {
        match step {
            Step::Make(kind, record) => {
                self.serial.set(self.serial.get() + 1);
                Undo::Withdraw(self.make(kind, record, Some(self.serial.get())).await)
            }
            Step::Patch(reference, patch) => {
                Undo::Patch((*reference).to_owned(), self.patch(reference, patch).await)
            }
            Step::Withdraw(reference) => {
                self.withdraw(reference).await;
                Undo::Restore((*reference).to_owned())
            }
        }
    }

    /// Makes the changes, looks, and takes them back, the last first.
    pub async fn with<T>(&self, steps: &[Step], look: impl AsyncFnOnce() -> T) -> T {
        let mut undo = Vec::new();
        for step in steps {
            undo.push(self.change(step).await);
        }
        let seen = look().await;
        for step in undo.into_iter().rev() {
            match step {
                Undo::Withdraw(reference) => self.withdraw(&reference).await,
                Undo::Patch(reference, back) => {
                    self.patch(&reference, &back).await;
                }
                Undo::Restore(reference) => self.restore(&reference).await,
            }
        }
        seen
    }

    /// What a viewer is told is missing.
    pub async fn gaps(&self) -> BTreeSet<Found> {
        found(&self.app.role(Role::Viewer), "").await
    }
}

/// What a caller is told is missing: rule and reference.
pub async fn found(client: &Client, query: &str) -> BTreeSet<Found> {
    let view = client
        .get(&format!(
            "/api/v1/gaps?limit=200&folded=true&on={ON}{query}"
        ))
        .await
        .status(200)
        .json();
    assert_eq!(view["next_cursor"], Value::Null, "more than a page of gaps");
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let items = view["items"].as_array().expect("items");
    let reference = |v: &Value| word(v).split('.').next().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|g| (word(&g["rule"]), reference(&g["record"]["reference"])))
        .collect()
}

/// An object with some fields changed.
pub fn but(mut of: Value, fields: &Value) -> Value {
    of.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("fields").clone());
    of
}

/// An item that lacks nothing but to be allocated.
pub fn item(reference: &str) -> Value {
    json!({
        "reference": reference, "plan_id": "@P", "item_kind": "activity", "title": "An item", "what": "A thing", "how": "In a way",
        "intended_outcome": "It is better", "measures": [{ "name": "People reached", "target": "100" }], "lead_post_id": "@HEAD",
        "responsible_unit_id": "@TEAM", "risk_summary": "Few risks", "goals": [{ "goal_id": "@G" }, { "goal_id": "@G2" }],
        "deadline": { "precision": "day", "due_on": "2020-12-31" }, "status": "in_progress", "declared_rag": "green"
    })
}

/// A recommendation that lacks nothing but what is said to it.
pub fn recommendation(reference: &str) -> Value {
    json!({
        "reference": reference, "review_id": "@AR", "title": "A recommendation", "finding": "It is not so", "recommendation": "Make it so",
        "priority": "high", "owner_unit_id": "@TEAM", "deadline": { "precision": "day", "due_on": "2021-02-28" }
    })
}

/// Terms of reference that lack nothing.
pub fn terms(reference: &str, board: &str) -> Value {
    let sections = [
        "name",
        "purpose",
        "scope",
        "roles",
        "responsibilities",
        "accountabilities",
        "authority",
        "boundaries",
        "membership",
        "chair",
        "quorum",
        "frequency",
        "reporting_requirements",
        "interdependencies",
        "resources",
    ];
    let sections: Map<String, Value> = sections
        .into_iter()
        .map(|s| (s.to_owned(), "As agreed".into()))
        .collect();
    json!({
        "reference": reference, "board_id": board, "version_label": reference, "status": "agreed", "sections": sections,
        "review_on": "2021-06-30", "approver_board_id": "@TOP", "approved_on": "2019-01-10"
    })
}

/// A risk that lacks nothing but a control.
pub fn risk(reference: &str) -> Value {
    json!({
        "reference": reference, "register_id": "@RR", "title": "A risk", "owner_post_id": "@HEAD", "appetite": "open", "status": "open",
        "review_on": "2021-01-31", "current": { "likelihood": "possible", "impact": "moderate" }
    })
}

/// A control that lacks nothing.
pub fn control(reference: &str, of: &str) -> Value {
    json!({
        "reference": reference, "risk_ids": [of], "title": "A control", "owner_unit_id": "@TEAM", "effectiveness": "partial",
        "assessed_on": "2020-09-01"
    })
}

/// A measure that lacks nothing but target and figures.
pub fn measure(reference: &str) -> Value {
    json!({
        "reference": reference, "title": reference, "definition": "People in post", "unit": "count", "source_id": "@DS",
        "owner_unit_id": "@TEAM", "frequency": "quarterly", "direction": "higher_is_better", "state": "integrated",
        "goal_ids": ["@G", "@G2"], "characteristics": [], "classification_ids": []
    })
}

/// A meeting that was held.
pub fn meeting(reference: &str, board: &str, on: &str) -> Value {
    json!({
        "reference": reference, "board_id": board, "title": "Meeting", "status": "held",
        "scheduled": { "precision": "day", "due_on": on }, "held_on": on
    })
}

/// A paper that lacks nothing, for a meeting that is over.
pub fn paper(reference: &str) -> Value {
    let none = json!({ "state": "assessed_none" });
    json!({
        "reference": reference, "title": "A paper", "meeting_id": "@MT-0", "author_post_id": "@HEAD", "template_id": "@PT",
        "recommendations": [{ "verb": "note", "text": "this" }], "scope": { "review_ids": ["@AR"] },
        "equality_impact": none, "financial": none, "legal": none, "risk": none,
    })
}

fn attendance(reference: &str, meeting: &str, seat: &str) -> Value {
    json!({ "reference": reference, "meeting_id": meeting, "membership_id": seat, "capacity": "member", "status": "present" })
}

fn records() -> Vec<(&'static str, Value)> {
    let observation = |reference: &str, value: u32, category: Option<&str>| {
        let breakdown: Vec<Value> = category
            .iter()
            .map(|c| json!({ "classification_id": "@CL", "code": c }))
            .collect();
        json!({ "reference": reference, "measure_id": "@M", "period": "2020-Q3", "breakdown": breakdown, "state": "present", "value": value })
    };
    let mut all = vec![
        (
            "unit",
            json!({ "reference": "ORG", "title": "The organisation", "unit_kind": "organisation" }),
        ),
        (
            "unit",
            json!({ "reference": "BG", "title": "A business group", "unit_kind": "business_group", "parent_id": "@ORG" }),
        ),
        (
            "unit",
            json!({ "reference": "TEAM", "title": "A team", "unit_kind": "unit", "parent_id": "@BG" }),
        ),
        (
            "unit",
            json!({ "reference": "AUDIT", "title": "Audit", "unit_kind": "outside_body" }),
        ),
        (
            "unit",
            json!({ "reference": "SSA", "title": "An association", "unit_kind": "staff_support_association" }),
        ),
        (
            "unit",
            json!({ "reference": "IAG", "title": "An advisory group", "unit_kind": "independent_advisory_group" }),
        ),
        (
            "post",
            json!({ "reference": "HEAD", "title": "Head of the team", "unit_id": "@TEAM" }),
        ),
        (
            "post",
            json!({ "reference": "CHAIR", "title": "Chair", "unit_id": "@ORG" }),
        ),
        // The strategies.
        (
            "strategy",
            json!({ "reference": "S", "title": "The strategy", "strategy_kind": "own_strategy", "status": "current", "owner_unit_id": "@ORG" }),
        ),
        (
            "strategy",
            json!({ "reference": "S2", "title": "The plan of business", "strategy_kind": "own_plan", "status": "current", "owner_unit_id": "@ORG" }),
        ),
        (
            "strategy",
            json!({ "reference": "S3", "title": "The next strategy", "strategy_kind": "own_strategy", "status": "planned", "owner_unit_id": "@ORG", "expected_date": { "precision": "day", "due_on": "2021-06-30" } }),
        ),
        (
            "strategy_version",
            json!({ "reference": "V", "strategy_id": "@S", "label": "1.0", "status": "published", "approver_post_id": "@CHAIR", "approved_on": "2020-01-15", "document": { "title": "The strategy", "stated_status": "final" } }),
        ),
        (
            "strategy_version",
            json!({ "reference": "V2", "strategy_id": "@S2", "label": "1.0", "status": "published", "approver_post_id": "@CHAIR", "approved_on": "2020-01-15", "document": { "title": "The plan", "stated_status": "final" } }),
        ),
        (
            "strategy_review",
            json!({ "reference": "SR", "strategy_id": "@S", "status": "in_progress", "started_on": "2020-06-01", "target": { "precision": "day", "due_on": "2021-03-31" } }),
        ),
        (
            "cross_reference",
            json!({ "reference": "X1", "from_strategy_id": "@S", "to_strategy_id": "@S2", "relation": "references", "rationale": "Money" }),
        ),
        (
            "cross_reference",
            json!({ "reference": "X2", "from_strategy_id": "@S2", "to_strategy_id": "@S", "relation": "references", "rationale": "Aims" }),
        ),
        (
            "suggestion",
            json!({ "reference": "SG", "strategy_id": "@S", "from_unit_id": "@AUDIT", "text": "Say more", "disposition": "incorporated", "taken_in_version_id": "@V" }),
        ),
        (
            "goal",
            json!({ "reference": "G", "strategy_id": "@S", "goal_kind": "aim", "title": "An aim", "intended_outcome": "It is better", "owner_post_id": "@HEAD" }),
        ),
        (
            "goal",
            json!({ "reference": "G2", "strategy_id": "@S", "goal_kind": "aim", "title": "Another", "intended_outcome": "It is good", "owner_post_id": "@HEAD" }),
        ),
        // The boards.
        (
            "board",
            json!({ "reference": "TOP", "title": "Top board", "board_kind": "management_board", "status": "active", "owner_unit_id": "@ORG" }),
        ),
        (
            "board",
            json!({ "reference": "B", "title": "The board", "board_kind": "board", "status": "active", "owner_unit_id": "@ORG" }),
        ),
        (
            "terms_of_reference",
            but(
                terms("TT", "@TOP"),
                &json!({ "approver_board_id": null, "approver_post_id": "@CHAIR" }),
            ),
        ),
        (
            "terms_of_reference",
            but(terms("T", "@B"), &json!({ "meetings_per_year": 4 })),
        ),
        (
            "board_relationship",
            json!({ "reference": "E1", "from_board_id": "@B", "to_id": "@TOP", "relationship_kind": "reports_to", "needs_agreement": true, "agreed_by_from_on": "2019-02-01", "agreed_by_to_on": "2019-02-01" }),
        ),
        (
            "remit",
            json!({ "reference": "R1", "board_id": "@B", "goal_id": "@G", "remit_kind": "decides" }),
        ),
        (
            "remit",
            json!({ "reference": "R2", "board_id": "@TOP", "goal_id": "@G2", "remit_kind": "decides" }),
        ),
        (
            "membership",
            json!({ "reference": "SEAT-TOP", "board_id": "@TOP", "post_id": "@HEAD", "capacity": "chair", "basis": "ex_officio", "term_from_on": "2019-01-10" }),
        ),
        (
            "membership",
            json!({ "reference": "SEAT-B", "board_id": "@B", "post_id": "@CHAIR", "capacity": "chair", "basis": "ex_officio", "term_from_on": "2019-01-10" }),
        ),
        (
            "membership",
            json!({ "reference": "SEAT-SSA", "board_id": "@B", "unit_id": "@SSA", "capacity": "member", "constituency_unit_id": "@SSA", "basis": "nominated", "term_from_on": "2020-03-01" }),
        ),
        (
            "membership",
            json!({ "reference": "SEAT-IAG", "board_id": "@B", "unit_id": "@IAG", "capacity": "adviser", "constituency_unit_id": "@IAG", "basis": "invited", "term_from_on": "2020-03-01" }),
        ),
        (
            "invitation",
            json!({ "reference": "INV", "board_id": "@B", "unit_id": "@IAG", "basis": "To give a view from outside", "from_on": "2020-02-01" }),
        ),
        (
            "rotation_policy",
            json!({ "reference": "RP", "board_id": "@B", "constituency_kind": "staff_support_association", "term_months": 24 }),
        ),
        (
            "rotation_policy",
            json!({ "reference": "RP-IAG", "board_id": "@B", "constituency_kind": "independent_advisory_group", "term_months": 24 }),
        ),
        (
            "representation_target",
            json!({ "reference": "RT", "board_id": "@B", "constituency_kind": "staff_support_association" }),
        ),
    ];
    for (n, on) in ["2020-01-20", "2020-04-20", "2020-07-20", "2020-10-05"]
        .into_iter()
        .enumerate()
    {
        let reference = format!("MT-{n}");
        all.push(("meeting", meeting(&reference, "@B", on)));
        for (seat, of) in [("SSA", "@SEAT-SSA"), ("IAG", "@SEAT-IAG")] {
            if on > "2020-03-01" {
                all.push((
                    "attendance",
                    attendance(&format!("ATT-{seat}-{n}"), &format!("@MT-{n}"), of),
                ));
            }
        }
        if on < "2020-08-01" {
            all.push(("minutes", json!({ "reference": format!("MIN-{n}"), "meeting_id": format!("@MT-{n}"), "status": "approved", "text": "As said", "approved_on": "2020-10-05" })));
        }
    }
    all.extend([
        ("action", json!({ "reference": "A", "meeting_id": "@MT-3", "number": 1, "text": "Do it", "owner_unit_id": "@TEAM", "due": { "precision": "day", "due_on": "2020-12-31" }, "status": "open" })),
        ("action_part", json!({ "reference": "AP", "action_id": "@A", "label": "a", "text": "All of it", "status": "open" })),
        ("report_obligation", json!({ "reference": "O", "title": "A report", "from_unit_id": "@TEAM", "to_board_id": "@B", "frequency": { "every": 1, "unit": "quarter" }, "first_due_on": "2020-07-31", "grace_days": 10 })),
        ("report_submission", json!({ "reference": "SUB", "obligation_id": "@O", "period_due_on": "2020-07-31", "submitted_on": "2020-07-30" })),
        ("oversight_channel", json!({ "reference": "C", "title": "They meet", "party_post_ids": ["@HEAD", "@CHAIR"], "frequency": { "every": 1, "unit": "month" }, "covers": "The strategy" })),
        // The plan.
        ("plan", json!({ "reference": "P0", "title": "The plan before", "strategy_version_id": "@V", "owner_unit_id": "@TEAM", "status": "closed" })),
        ("plan", json!({ "reference": "P", "title": "The plan", "strategy_version_id": "@V", "owner_unit_id": "@TEAM", "status": "active", "predecessor_id": "@P0", "completeness_claim": "complete" })),
        ("work_plan_item", item("I")),
        ("allocation", json!({ "reference": "AL", "item_id": "@I", "board_id": "@B", "unit_id": "@TEAM" })),
        ("progress_update", json!({ "reference": "U", "item_id": "@I", "made_on": "2020-10-20", "by_post_id": "@HEAD", "parts": [{ "text": "Going on" }] })),
        ("dependency", json!({ "reference": "D", "item_id": "@I", "on_other": "A system", "needed_by": { "precision": "day", "due_on": "2020-11-30" }, "status": "open" })),
        ("benefit_claim", json!({ "reference": "BC", "item_id": "@I", "claim": "It helps", "claimed_on": "2020-10-01", "by_post_id": "@HEAD", "evidence": [{ "title": "A survey", "location": "File 7" }] })),
        // Assurance and risk.
        ("audit_review", json!({ "reference": "AR", "title": "A review", "body_unit_id": "@AUDIT", "review_kind": "assurance", "reported": { "precision": "day", "due_on": "2020-03-31" } })),
        ("recommendation", recommendation("REC")),
        ("management_response", json!({ "reference": "RESP", "recommendation_id": "@REC", "response": "accepted", "text": "Yes", "responded_on": "2020-04-15" })),
        ("recommendation_update", json!({ "reference": "RUP", "recommendation_id": "@REC", "update_kind": "progress", "stated_on": "2020-10-20", "narrative": "Going on", "implementation": "in_progress" })),
        ("recommendation_link", json!({ "reference": "RL", "recommendation_id": "@REC", "relation": "addressed_by", "to_id": "@I" })),
        ("recommendation", recommendation("REC2")),
        ("management_response", json!({ "reference": "RESP2", "recommendation_id": "@REC2", "response": "accepted", "text": "Yes", "responded_on": "2020-04-15" })),
        ("recommendation_update", json!({ "reference": "RUP2", "recommendation_id": "@REC2", "update_kind": "claim_complete", "stated_on": "2020-10-10", "narrative": "Done" })),
        ("evidence", json!({ "reference": "EV", "supports_id": "@REC2", "source_id": "@MIN-0", "shows": "That it was done", "submitted_on": "2020-10-10" })),
        ("assertion", json!({ "reference": "AS", "about_id": "@S", "claim": "It works", "said_on": "2020-10-01", "evidence": "described", "evidence_description": "The minutes" })),
        ("risk_register", json!({ "reference": "RR", "title": "Risks", "register_kind": "unit", "owner_unit_id": "@TEAM", "board_id": "@B" })),
        ("risk", risk("RK")),
        ("control", control("CT", "@RK")),
        ("escalation", json!({ "reference": "ES", "risk_id": "@RK", "to_board_id": "@B", "status": "acknowledged", "reason": "It grows", "proposed_on": "2020-08-01", "escalated_on": "2020-08-05", "acknowledged_on": "2020-08-20" })),
        // Performance.
        ("data_source", json!({ "reference": "DS", "title": "Records", "state": "active" })),
        ("classification", json!({ "reference": "CL", "title": "Sex", "characteristic": "sex", "version_label": "1", "categories": [{ "code": "F", "label": "Female" }, { "code": "M", "label": "Male" }] })),
        ("measure", but(measure("M"), &json!({ "characteristics": ["sex"], "classification_ids": ["@CL"] }))),
        ("measure_target", json!({ "reference": "MTG", "measure_id": "@M", "period": "2020/21", "target_value": 900 })),
        ("observation", observation("OB", 800, None)),
        ("observation", observation("OB-F", 300, Some("F"))),
        ("observation", observation("OB-M", 500, Some("M"))),
        ("dashboard", json!({ "reference": "DB", "title": "A dashboard", "owner_unit_id": "@TEAM", "measure_ids": ["@M"], "characteristics": ["sex"] })),
        ("dashboard_version", json!({ "reference": "DBV", "dashboard_id": "@DB", "label": "1", "maturity": "published", "published_on": "2020-09-01" })),
        // Communications.
        ("communications_plan", json!({ "reference": "CP", "title": "Communications", "owner_unit_id": "@TEAM", "strategy_id": "@S" })),
        ("communications_activity", json!({ "reference": "CA", "plan_id": "@CP", "activity_kind": "campaign", "title": "A campaign", "channels": ["press"], "audiences": ["public"], "goal_ids": ["@G"], "starts_on": "2020-09-01", "ends_on": "2020-09-10" })),
        ("campaign_evaluation", json!({ "reference": "CE", "activity_id": "@CA", "evaluated_on": "2020-09-20", "people_reached": 100, "evidence": "Figures of the press office" })),
        ("intranet_asset", json!({ "reference": "WEB", "title": "A page", "owner_unit_id": "@TEAM", "review_due_on": "2021-03-31", "status": "published" })),
        // Papers.
        ("paper_template", json!({ "reference": "PT", "title": "Short", "sections": [{ "key": "asked", "heading": "Asked", "source": "recommendations_to_panel" }, { "key": "overdue", "heading": "Overdue", "source": "overdue" }] })),
        ("paper", paper("PP")),
        ("good_practice", json!({ "reference": "GP", "unit_id": "@TEAM", "title": "What works", "basis": "planned", "published_where": "The intranet", "published_on": "2020-09-01" })),
    ]);
    all
}
