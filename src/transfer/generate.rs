//! Load-test data of realistic shape. It is made up but entered under the rules of the API. Apart
//! from ids, times and the date of the run, it is the same each time.

mod dice;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use uuid::Uuid;

use self::dice::Dice;
use crate::access::accounts::operator;
use crate::engine::{Engine, Outcome, Write};
use crate::policy::Subject;
use crate::problem::{Code, Problem};
use crate::world::calendar::today;

/// Records in one transaction. Limits how much is in memory twice.
const AT_ONCE: usize = 2_000;
/// Units and posts, boards, goals: as many as in a large public body.
const UNITS: usize = 80;
const POSTS: usize = 120;
const GOALS: usize = 30;
/// Number of recommendations in one audit review.
const OF_ONE_REVIEW: usize = 20;
/// Number of items from one strand of work to the next.
const OF_ONE_STRAND: usize = 50;
/// Maximum number of progress updates: one for every tenth item.
const UPDATES: usize = 10_000;

/// How much data is generated.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Amounts {
    /// Number of work-plan items
    #[arg(long)]
    pub items: usize,
    /// Number of audit recommendations, twenty to a review
    #[arg(long, default_value_t = 0)]
    pub recommendations: usize,
    /// Number of boards, each with its terms of reference, members and remit
    #[arg(long, default_value_t = 20)]
    pub boards: usize,
    /// Minimum number of journal entries: items are changed until it is reached
    #[arg(long, default_value_t = 0)]
    pub entries: i64,
}

/// Generates work-plan items and the records around them. Returns the number of records.
///
/// # Errors
/// The database holds more than accounts, or is unavailable.
pub async fn generate(engine: &Engine, amounts: Amounts) -> Result<usize, Problem> {
    let world = engine.now();
    let taken = world.catalogue().kinds().iter().find(|k| {
        k.subject != Subject::Access && world.table(k.index).is_some_and(|t| !t.is_empty())
    });
    if let Some(kind) = taken {
        let detail = format!(
            "the database is not empty: it holds {}; load-test data can only be generated in a \
                new one (choose another --data-dir)",
            kind.path.replace('-', " ")
        );
        return Err(Problem::new(Code::Conflict, detail));
    }
    let mut maker = Maker {
        engine,
        operator: operator(&engine.now())?,
        dice: Dice(2017),
        today: today(),
        waiting: Vec::new(),
        made: 0,
    };
    maker.all(amounts).await?;
    Ok(maker.made)
}

/// The records that others link to.
#[derive(Default)]
struct Around {
    units: Vec<Uuid>,
    posts: Vec<Uuid>,
    goals: Vec<Uuid>,
    boards: Vec<Uuid>,
    plan: Uuid,
}

struct New {
    kind: &'static str,
    id: Uuid,
    draft: Value,
}

struct Maker<'a> {
    engine: &'a Engine,
    operator: Uuid,
    dice: Dice,
    today: NaiveDate,
    waiting: Vec<New>,
    made: usize,
}

impl Maker<'_> {
    async fn all(&mut self, amounts: Amounts) -> Result<(), Problem> {
        let mut around = Around::default();
        self.organisation(&mut around).await?;
        self.strategy(&mut around).await?;
        self.boards(&mut around, amounts.boards).await?;
        let items = self.items(&around, amounts.items).await?;
        self.updates(&around, &items).await?;
        self.dependencies(&items).await?;
        self.risks(&around, &items).await?;
        self.recommendations(&around, &items, amounts.recommendations)
            .await?;
        self.write().await?;
        self.entries(&items, amounts.entries).await
    }

    /// Queues a record; records are written in batches.
    async fn add(&mut self, kind: &'static str, draft: Value) -> Result<Uuid, Problem> {
        let id = Uuid::now_v7();
        self.waiting.push(New { kind, id, draft });
        if self.waiting.len() >= AT_ONCE {
            self.write().await?;
        }
        Ok(id)
    }

    async fn write(&mut self) -> Result<(), Problem> {
        let batch = std::mem::take(&mut self.waiting);
        self.made += batch.len();
        let write = Write::system(self.operator, "made up for load tests");
        let job = self.engine.write(write, move |txn| {
            for New { kind, id, draft } in batch {
                let named = txn.world.catalogue().named(kind);
                let kind =
                    named.ok_or_else(|| Problem::internal(format!("there is no kind {kind}")))?;
                txn.create(kind, Some(id), draft)?;
            }
            Ok(Outcome::default())
        });
        job.await.map(drop)
    }

    async fn organisation(&mut self, around: &mut Around) -> Result<(), Problem> {
        for n in 0..UNITS {
            // One root, a dozen branches, and the rest below those.
            let (unit_kind, parent) = match n {
                0 => ("organisation", None),
                1..=12 => ("business_group", around.units.first().copied()),
                _ => ("unit", around.units.get(1 + n % 12).copied()),
            };
            let draft = json!({
                "title": format!("{} {n}", self.dice.words(3)), "unit_kind": unit_kind, "parent_id": parent, "description": self.dice.text(120),
            });
            around.units.push(self.add("unit", draft).await?);
        }
        for n in 0..POSTS {
            let draft = json!({ "title": format!("Head of {} {n}", self.dice.words(2)), "unit_id": around.units.get(n % UNITS) });
            around.posts.push(self.add("post", draft).await?);
        }
        Ok(())
    }

    async fn strategy(&mut self, around: &mut Around) -> Result<(), Problem> {
        let owner = around.units.first().copied();
        let strategy = json!({
            "title": "Made-up strategy", "strategy_kind": "own_strategy", "owner_unit_id": owner, "family": "MADE-UP",
            "description": self.dice.text(400),
        });
        let strategy = self.add("strategy", strategy).await?;
        let version = json!({
            "strategy_id": strategy, "label": "v1.0", "status": "published", "approved_on": self.dice.day(self.today, 900, 0),
            "approver_post_id": around.posts.first(),
        });
        let version = self.add("strategy_version", version).await?;
        for n in 0..GOALS {
            let parent = if n < 6 {
                None
            } else {
                around.goals.get(n % 6).copied()
            };
            let draft = json!({
                "strategy_id": strategy, "goal_kind": if n < 6 { "priority" } else { "objective" }, "number": n + 1, "parent_id": parent,
                "title": format!("{} {n}", self.dice.words(5)), "owner_post_id": self.dice.maybe(85, &around.posts),
                "intended_outcome": self.dice.text(150),
            });
            around.goals.push(self.add("goal", draft).await?);
        }
        let plan = json!({
            "title": "Made-up delivery plan", "strategy_version_id": version, "owner_unit_id": owner, "status": "active",
            "completeness_claim": "partial", "completeness_source": "Made up", "description": self.dice.text(300),
        });
        around.plan = self.add("plan", plan).await?;
        Ok(())
    }

    async fn boards(&mut self, around: &mut Around, count: usize) -> Result<(), Problem> {
        for n in 0..count {
            let draft = json!({
                "title": format!("{} board {n}", self.dice.words(2)), "board_kind": if n == 0 { "management_board" } else { "business_group_board" },
                "status": "active", "owner_unit_id": around.units.get(n % UNITS), "purpose": self.dice.text(150),
            });
            let board = self.add("board", draft).await?;
            if let Some(top) = around.boards.first() {
                let edge = json!({ "from_board_id": board, "to_id": top, "relationship_kind": "reports_to", "needs_agreement": n % 2 == 0 });
                self.add("board_relationship", edge).await?;
            }
            around.boards.push(board);
            self.terms(board, around).await?;
            for (seat, post) in around
                .posts
                .iter()
                .cycle()
                .skip(n * 6 % POSTS)
                .take(6)
                .enumerate()
            {
                let capacity = if seat == 0 { "chair" } else { "member" };
                let draft = json!({
                    "board_id": board, "post_id": post, "capacity": capacity, "basis": self.dice.one(&["ex_officio", "nominated", "unstated"]),
                    "term_from_on": self.dice.day(self.today, 700, 0),
                });
                self.add("membership", draft).await?;
            }
            for goal in self.dice.some(&around.goals, 4) {
                let remit_kind = self
                    .dice
                    .one(&["decides", "oversees", "delivers", "consulted"]);
                let draft = json!({ "board_id": board, "goal_id": goal, "remit_kind": remit_kind });
                self.add("remit", draft).await?;
            }
        }
        Ok(())
    }

    async fn terms(&mut self, board: Uuid, around: &Around) -> Result<(), Problem> {
        let approved_on = self.dice.day(self.today, 900, 0);
        let review_on = approved_on.checked_add_days(Days::new(730));
        let draft = json!({
            "board_id": board, "version_label": "1.0", "status": "agreed", "approver_post_id": self.dice.one(&around.posts),
            "approved_on": approved_on, "review_on": review_on, "meetings_per_year": self.dice.between(4, 12),
            "sections": {
                "purpose": self.dice.text(200), "scope": self.dice.text(200), "responsibilities": self.dice.text(300),
                "membership": self.dice.text(120), "quorum": self.dice.text(60), "frequency": self.dice.words(3),
            },
        });
        self.add("terms_of_reference", draft).await.map(drop)
    }

    async fn items(&mut self, around: &Around, count: usize) -> Result<Vec<Uuid>, Problem> {
        let mut items = Vec::with_capacity(count);
        let mut strand = None;
        for n in 0..count {
            let is_strand = n.is_multiple_of(OF_ONE_STRAND);
            let parent = strand.filter(|_| !is_strand && self.dice.in_hundred(80));
            let draft = self.item(around, is_strand, parent);
            let id = self.add("work_plan_item", draft).await?;
            if is_strand {
                strand = Some(id);
            }
            items.push(id);
        }
        Ok(items)
    }

    fn item(&mut self, around: &Around, is_strand: bool, parent: Option<Uuid>) -> Value {
        let (dice, today) = (&mut self.dice, self.today);
        let due_on = dice.day(today, 500, 500);
        let dated = dice.in_hundred(88);
        let deadline = if dated {
            dice.planned(due_on)
        } else {
            json!({})
        };
        let starts_on = (dated && dice.in_hundred(50)).then(|| dice.day(due_on, 700, 0));
        let late = due_on < today;
        let status = dice
            .one(if late {
                &[
                    "complete",
                    "complete",
                    "complete",
                    "in_progress",
                    "on_hold",
                    "cancelled",
                    "not_started",
                ][..]
            } else {
                &[
                    "not_started",
                    "not_started",
                    "in_progress",
                    "in_progress",
                    "in_progress",
                    "on_hold",
                    "complete",
                ][..]
            })
            .unwrap_or("not_started");
        let completed_on = (status == "complete").then(|| dice.day(due_on.min(today), 30, 0));
        // Nothing is complete before it starts.
        let starts_on = starts_on.filter(|day| completed_on.is_none_or(|done| *day <= done));
        let start = starts_on.map_or_else(
            || json!({}),
            |day| json!({ "precision": "day", "due_on": day }),
        );
        let percent = match status {
            "complete" => Some(100),
            "in_progress" => Some(dice.between(5, 95)),
            _ => None,
        };
        let colours = if status == "complete" {
            &["blue"][..]
        } else {
            &["red", "amber", "amber", "green", "green", "green", "grey"][..]
        };
        let goals = if dice.in_hundred(85) {
            dice.some(&around.goals, 3)
        } else {
            Vec::new()
        };
        let title = dice.between(4, 9);
        let what = dice.between(200, 400);
        json!({
            "plan_id": around.plan, "parent_id": parent,
            "item_kind": if is_strand { Some("strand") } else { dice.one(&["project", "pilot", "deliverable", "activity", "activity"]) },
            "title": dice.words(title), "what": dice.text(what), "how": if dice.in_hundred(40) { Some(dice.text(100)) } else { None },
            "intended_outcome": if dice.in_hundred(50) { Some(dice.text(60)) } else { None },
            "lead_post_id": dice.maybe(90, &around.posts), "responsible_unit_id": dice.maybe(94, &around.units),
            "goals": goals.into_iter().map(|g| json!({ "goal_id": g })).collect::<Vec<_>>(),
            "start": start, "deadline": deadline, "status": status, "declared_rag": dice.one(colours), "percent_complete": percent,
            "completed_on": completed_on,
        })
    }

    async fn updates(&mut self, around: &Around, items: &[Uuid]) -> Result<(), Problem> {
        for item in items.iter().step_by(10).take(UPDATES) {
            let draft = json!({
                "item_id": item, "made_on": self.dice.day(self.today, 150, 0), "by_post_id": self.dice.one(&around.posts),
                "parts": [{ "text": self.dice.text(250) }], "declared_rag": self.dice.maybe(50, &["red", "amber", "green"]),
            });
            self.add("progress_update", draft).await?;
        }
        Ok(())
    }

    /// Every twentieth item depends on an earlier one that is not a strand, so that there are no
    /// circles: a strand waits for its items.
    async fn dependencies(&mut self, items: &[Uuid]) -> Result<(), Problem> {
        for (n, item) in items.iter().enumerate().skip(2).step_by(20) {
            let on = self.dice.below(n);
            let on = items.get(if on.is_multiple_of(OF_ONE_STRAND) {
                on + 1
            } else {
                on
            });
            let needed_by = self.dice.day(self.today, 200, 300);
            let draft = json!({
                "item_id": item, "on_id": on, "description": self.dice.text(80), "needed_by": self.dice.planned(needed_by),
            });
            self.add("dependency", draft).await?;
        }
        Ok(())
    }

    async fn recommendations(
        &mut self,
        around: &Around,
        items: &[Uuid],
        count: usize,
    ) -> Result<(), Problem> {
        let mut review = Uuid::nil();
        for n in 0..count {
            if n % OF_ONE_REVIEW == 0 {
                let body = around.units.get(n / OF_ONE_REVIEW % UNITS);
                let draft = json!({ "title": format!("Review of {} {n}", self.dice.words(3)), "body_unit_id": body, "review_kind": "risk_and_assurance" });
                review = self.add("audit_review", draft).await?;
            }
            let due_on = self.dice.day(self.today, 400, 400);
            let dated = self.dice.in_hundred(90);
            let draft = json!({
                "review_id": review, "number": n % OF_ONE_REVIEW + 1, "title": self.dice.words(6), "finding": self.dice.text(250),
                "recommendation": self.dice.text(200), "priority": self.dice.maybe(85, &["high", "medium", "low"]),
                "owner_unit_id": self.dice.maybe(90, &around.units), "owner_post_id": self.dice.maybe(70, &around.posts),
                "deadline": if dated { self.dice.planned(due_on) } else { json!({}) }, "item_ids": self.dice.some(items, 2),
            });
            let recommendation = self.add("recommendation", draft).await?;
            if self.dice.in_hundred(50) {
                let draft = json!({
                    "recommendation_id": recommendation, "stated_on": self.dice.day(self.today, 120, 0), "narrative": self.dice.text(200),
                    "update_kind": self.dice.one(&["progress", "progress", "progress", "claim_complete"]),
                });
                self.add("recommendation_update", draft).await?;
            }
        }
        Ok(())
    }

    /// Changes items in turn until the journal has the requested length.
    async fn entries(&mut self, items: &[Uuid], wanted: i64) -> Result<(), Problem> {
        let mut next = items.iter().copied().cycle().enumerate();
        loop {
            let missing = usize::try_from(wanted - self.engine.now().seq)
                .unwrap_or(0)
                .min(AT_ONCE);
            if missing == 0 || items.is_empty() {
                return Ok(());
            }
            let batch: Vec<(usize, Uuid)> = next.by_ref().take(missing).collect();
            let write = Write::system(self.operator, "made up for load tests");
            let job = self.engine.write(write, move |txn| {
                for (n, id) in batch {
                    let kind = txn.world.catalogue().named("work_plan_item");
                    let kind = kind.ok_or_else(|| Problem::internal("there are no items"))?;
                    let version = txn.world.any(id).map_or(0, |r| r.meta().version);
                    txn.patch(
                        kind,
                        id,
                        &[version],
                        json!({ "risk_summary": format!("Reviewed in step {n} of the load test") }),
                    )?;
                }
                Ok(Outcome::default())
            });
            job.await?;
        }
    }

    async fn risks(&mut self, around: &Around, items: &[Uuid]) -> Result<(), Problem> {
        let mut registers = Vec::new();
        for (unit, board) in around.units.iter().zip(&around.boards).take(5) {
            let draft = json!({
                "title": format!("Risks of {}", self.dice.words(3)), "register_kind": "business_group", "owner_unit_id": unit, "board_id": board,
            });
            registers.push(self.add("risk_register", draft).await?);
        }
        for _ in 0..items.len().div_ceil(100) {
            let draft = self.risk(around, &registers, items);
            let risk = self.add("risk", draft).await?;
            let effectiveness = self.dice.one(&[
                "not_assessed",
                "not_assessed",
                "ineffective",
                "partial",
                "effective",
            ]);
            let assessed_on =
                (effectiveness != Some("not_assessed")).then(|| self.dice.day(self.today, 300, 0));
            let draft = json!({
                "risk_ids": [risk], "title": self.dice.words(5), "description": self.dice.text(150),
                "control_kind": self.dice.one(&["preventive", "corrective", "directive", "detective"]),
                "owner_post_id": self.dice.maybe(90, &around.posts), "owner_unit_id": self.dice.one(&around.units),
                "effectiveness": effectiveness, "assessed_on": assessed_on,
            });
            self.add("control", draft).await?;
        }
        Ok(())
    }

    fn risk(&mut self, around: &Around, registers: &[Uuid], items: &[Uuid]) -> Value {
        let dice = &mut self.dice;
        let score = |likelihood: Option<&str>, impact: &str| json!({ "likelihood": likelihood, "impact": impact });
        json!({
            "register_id": dice.one(registers), "title": dice.words(6), "cause": dice.text(120), "event": dice.text(120),
            "effect": dice.text(120), "owner_post_id": dice.maybe(90, &around.posts), "owner_unit_id": dice.one(&around.units),
            "category": dice.one(&["governance", "people", "operations", "reputational", "legal", "technology"]),
            "appetite": dice.one(&["averse", "minimal", "cautious", "open"]), "review_on": dice.day(self.today, 60, 200),
            "marking": if dice.in_hundred(3) { "official_sensitive" } else { "official" },
            "inherent": score(Some("likely"), "major"), "current": score(dice.one(&["possible", "likely"]), "major"),
            "target": score(dice.one(&["rare", "unlikely"]), "moderate"), "response": dice.one(&["treat", "tolerate"]),
            "goal_ids": dice.some(&around.goals, 2), "item_ids": dice.some(items, 3),
        })
    }
}
