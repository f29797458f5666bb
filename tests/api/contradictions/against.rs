//! What can contradict a statement, kind by kind: each table has what contradicts it, what does
//! not, and what is not known.

use serde_json::{Value, json};

use super::{DAY, changed, found, item};
use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, some};

/// What a rule is to cite: words and records, or nothing.
type Cited = Option<(String, Vec<Made>)>;

/// A statement, and what the rule is to cite.
struct Row {
    name: &'static str,
    on: Made,
    cited: Cited,
}

/// The statements of a table, which are made as its rows are added.
struct Table<'a, 'm> {
    maker: &'a Maker<'m>,
    rows: Vec<Row>,
}

impl<'a, 'm> Table<'a, 'm> {
    fn new(maker: &'a Maker<'m>) -> Self {
        Self {
            maker,
            rows: Vec::new(),
        }
    }

    fn add(&mut self, name: &'static str, on: Made, cited: Option<(&str, &[&Made])>) {
        let cited = cited.map(|(words, records)| {
            let records = records.iter().copied().cloned().collect();
            (words.to_owned(), records)
        });
        self.rows.push(Row { name, on, cited });
    }

    /// Asserts a record to be of a kind, with more fields.
    async fn said(
        &mut self,
        name: &'static str,
        (said, more): (&str, Value),
        about: &Made,
        cited: Option<(&str, &[&Made])>,
    ) {
        let mut draft = json!({
            "about_id": about.id(), "claim": "So it is", "said_on": "2020-10-20",
            "assertion_kind": said,
        });
        let more = more.as_object().expect("an object").clone();
        draft.as_object_mut().expect("an object").extend(more);
        let on = self.maker.create(kind("assertion"), &draft).await;
        self.add(name, on, cited);
    }

    async fn check(self, app: &TestApp, rule: &str) {
        let mut wrong = Vec::new();
        for row in some(self.rows) {
            let found = found(app, rule, &row.on).await;
            let told = found.as_ref().map(|f| {
                let words = f["computed"]["words"].as_str().unwrap_or_default();
                let ids = f["against"].as_array().into_iter().flatten();
                let ids: Vec<&str> = ids.filter_map(|r| r["id"].as_str()).collect();
                (words.to_owned(), ids)
            });
            let expected = row.cited.as_ref().map(|(words, records)| {
                let ids: Vec<&str> = records.iter().map(Made::id_text).collect();
                (words.clone(), ids)
            });
            if told != expected {
                wrong.push(format!("{}: {told:?}\n  not {expected:?}", row.name));
            }
        }
        assert!(wrong.is_empty(), "{rule}\n{}", wrong.join("\n"));
    }
}

/// The name in a sentence of a record with a title.
fn named(record: &Made) -> String {
    name(record, record.record["title"].as_str().expect("a title"))
}

/// The name of a record in a sentence.
fn name(record: &Made, title: &str) -> String {
    format!("{title} ({})", record.reference())
}

async fn strategy(maker: &Maker<'_>) -> Made {
    maker
        .make_with("strategy", json!({ "status": "current" }))
        .await
}

async fn version(maker: &Maker<'_>, of: &Made, status: &str, document: &str) -> Made {
    let draft = json!({
        "strategy_id": of.id(), "label": "One", "status": status,
        "document": { "title": "Text", "stated_status": document },
    });
    maker.create(kind("strategy_version"), &draft).await
}

async fn plan_of(maker: &Maker<'_>, version: &Made) -> Made {
    let more = json!({ "status": "active", "strategy_version_id": version.id() });
    maker.make_with("plan", more).await
}

async fn goal(maker: &Maker<'_>, of: &Made, number: u8) -> Made {
    let draft = json!({
        "strategy_id": of.id(), "goal_kind": "aim", "number": number, "title": format!("Aim {number}"),
    });
    maker.create(kind("goal"), &draft).await
}

async fn document(maker: &Maker<'_>, state: &str, url: Option<&str>) -> Made {
    let more = json!({
        "title": "A text", "state": state, "state_words": null, "url": url, "retrieved_on": null,
    });
    maker.make_with("document", more).await
}

/// Complete: a draft, an open part or an unfinished item contradicts it, and nothing else that is
/// open nearby.
async fn what_is_said_to_be_complete(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let said = || ("complete", json!({}));

    let drafted = strategy(&maker).await;
    let text = version(&maker, &drafted, "approved", "Final DRAFT").await;
    let words = format!("the document of {} says: Final DRAFT", name(&text, "One"));
    table
        .said(
            "a strategy whose text is a draft",
            said(),
            &drafted,
            Some((&words, &[&text])),
        )
        .await;

    let unapproved = strategy(&maker).await;
    let text = version(&maker, &unapproved, "in_review", "final").await;
    let words = format!(
        "no version is recorded as approved; {} is in review",
        name(&text, "One")
    );
    table
        .said(
            "a strategy without an approved text",
            said(),
            &unapproved,
            Some((&words, &[&text])),
        )
        .await;

    // Open recommendations and overdue items around it say nothing about whether it is complete.
    let complete = strategy(&maker).await;
    let text = version(&maker, &complete, "approved", "final").await;
    let aim = goal(&maker, &complete, 1).await;
    let plan = plan_of(&maker, &text).await;
    let late = json!({
        "status": "in_progress", "deadline": { "precision": "day", "due_on": "2020-06-30" },
    });
    item(&maker, &plan, late).await;
    maker
        .make_with("recommendation", json!({ "goal_ids": [aim.id()] }))
        .await;
    table
        .said("a strategy with an approved text", said(), &complete, None)
        .await;
    let untold = strategy(&maker).await;
    table
        .said("a strategy without a recorded text", said(), &untold, None)
        .await;

    let loose = plan_of(&maker, &text).await;
    let bare = item(&maker, &loose, json!({})).await;
    let words = "items without a lead, unit, what, how, outcome, measure, goal or deadline: 1 of 1";
    table
        .said(
            "a plan with an item that says nothing",
            said(),
            &loose,
            Some((words, &[&bare])),
        )
        .await;
    let empty = plan_of(&maker, &text).await;
    table
        .said("a plan without recorded items", said(), &empty, None)
        .await;

    let whole = item(&maker, &plan, json!({ "title": "A whole" })).await;
    let part = item(&maker, &plan, json!({ "parent_id": whole.id() })).await;
    table
        .said(
            "an item with an open part",
            said(),
            &whole,
            Some(("open items that are part of it: 1", &[&part])),
        )
        .await;
    let done = json!({ "status": "complete", "completed_on": "2020-10-01" });
    let done = item(&maker, &plan, done).await;
    table
        .said("an item that is done", said(), &done, None)
        .await;

    let board = maker.make_named("board").await;
    let terms = json!({ "board_id": board.id(), "version_label": "2" });
    let terms = maker.create(kind("terms_of_reference"), &terms).await;
    let sections = terms.record["empty_sections"].as_array().expect("sections");
    let sections = sections.iter().filter_map(Value::as_str);
    let sections: Vec<String> = sections.map(|s| s.replace('_', " ")).collect();
    let words = format!("empty sections: {}", sections.join(", "));
    table
        .said(
            "terms with empty sections",
            said(),
            &terms,
            Some((&words, &[&terms])),
        )
        .await;

    let draft = document(&maker, "draft", None).await;
    let words = format!("{} says of itself: draft", name(&draft, "A text"));
    table
        .said(
            "a document that says draft",
            said(),
            &draft,
            Some((&words, &[&draft])),
        )
        .await;
    let fin = document(&maker, "final", None).await;
    table
        .said("a document that says final", said(), &fin, None)
        .await;
    let silent = document(&maker, "not_stated", None).await;
    table
        .said("a document that does not say", said(), &silent, None)
        .await;

    let open = maker.make_named("recommendation").await;
    let words = format!("{}: it is last reported as open", named(&open));
    table
        .said(
            "an open recommendation",
            said(),
            &open,
            Some((&words, &[&open])),
        )
        .await;
    let late = json!({ "deadline": { "precision": "day", "due_on": "2020-06-30" } });
    let late = maker.make_with("recommendation", late).await;
    let words = format!(
        "{}: it is last reported as open and was due on 30 June 2020",
        named(&late)
    );
    table
        .said(
            "an overdue recommendation",
            said(),
            &late,
            Some((&words, &[&late])),
        )
        .await;
    let asked = plan_of(&maker, &text).await;
    let audit = json!({ "shown_by_ids": [asked.id()] });
    let audit = maker.make_with("recommendation", audit).await;
    let words = format!("{}: it is last reported as open", named(&audit));
    table
        .said(
            "a plan that audit asks for",
            said(),
            &asked,
            Some((&words, &[&audit])),
        )
        .await;
    let claimed = maker.make_named("recommendation").await;
    claim(&maker, &claimed).await;
    table
        .said("a recommendation that is claimed", said(), &claimed, None)
        .await;

    // Of another kind, or of none that is said, it is compared with nothing.
    table
        .said("anything else of it", ("other", json!({})), &drafted, None)
        .await;
    let draft = json!({ "about_id": drafted.id(), "claim": "So it is", "said_on": "2020-10-20" });
    let unnamed = maker.create(kind("assertion"), &draft).await;
    table.add("without a kind", unnamed, None);
    table.check(&app, "assertion_contradicted").await;
}

/// Aligned: another strategy, items that serve none of its goals and goals without an item.
async fn what_is_said_to_be_aligned(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let to = strategy(&maker).await;
    let text = version(&maker, &to, "approved", "final").await;
    let (one, two) = (goal(&maker, &to, 1).await, goal(&maker, &to, 2).await);
    let aligned = |to: &Made| ("aligned", json!({ "aligned_to_id": to.id() }));
    let serves = |goals: &[&Made]| {
        let goals: Vec<Value> = goals.iter().map(|g| json!({ "goal_id": g.id() })).collect();
        json!({ "goals": goals })
    };

    let plan = plan_of(&maker, &text).await;
    item(&maker, &plan, serves(&[&one])).await;
    let loose = item(&maker, &plan, json!({})).await;
    let words = "items for which none of its goals is recorded: 1 of 2; goals that no item \
        serves: 1 of 2";
    table
        .said(
            "a plan with an item without a goal and a goal without an item",
            aligned(&to),
            &plan,
            Some((words, &[&loose, &two])),
        )
        .await;

    let other = strategy(&maker).await;
    goal(&maker, &other, 1).await;
    let words = format!("the plan delivers {}", named(&to));
    table
        .said(
            "a plan of another strategy",
            aligned(&other),
            &plan,
            Some((&words, &[&text])),
        )
        .await;

    let fits = plan_of(&maker, &text).await;
    let whole = item(&maker, &fits, serves(&[&one, &two])).await;
    item(&maker, &fits, json!({ "parent_id": whole.id() })).await;
    table
        .said(
            "a plan whose items serve every goal",
            aligned(&to),
            &fits,
            None,
        )
        .await;
    table
        .said("the same, of the version", aligned(&text), &fits, None)
        .await;

    let empty = plan_of(&maker, &text).await;
    table
        .said("a plan without recorded items", aligned(&to), &empty, None)
        .await;
    let asked = plan_of(&maker, &text).await;
    let audit = json!({ "shown_by_ids": [asked.id()] });
    let audit = maker.make_with("recommendation", audit).await;
    let words = format!("{}: it is last reported as open", named(&audit));
    table
        .said(
            "a plan that audit asks for",
            aligned(&to),
            &asked,
            Some((&words, &[&audit])),
        )
        .await;
    let claimed = plan_of(&maker, &text).await;
    let audit = json!({ "shown_by_ids": [claimed.id()] });
    let audit = maker.make_with("recommendation", audit).await;
    claim(&maker, &audit).await;
    table
        .said("one that is claimed", aligned(&to), &claimed, None)
        .await;
    let aimless = strategy(&maker).await;
    let text = version(&maker, &aimless, "approved", "final").await;
    let plan = plan_of(&maker, &text).await;
    item(&maker, &plan, json!({})).await;
    table
        .said(
            "a strategy without recorded goals",
            aligned(&aimless),
            &plan,
            None,
        )
        .await;
    table.check(&app, "assertion_contradicted").await;
}

async fn unit(maker: &Maker<'_>, unit_kind: &str) -> Made {
    maker
        .make_with("unit", json!({ "unit_kind": unit_kind }))
        .await
}

/// A board of which a unit is a member.
async fn board_with(maker: &Maker<'_>, title: &str, member: &Made) -> Made {
    let board = maker.make_with("board", json!({ "title": title })).await;
    let seat = json!({
        "board_id": board.id(), "unit_id": member.id(), "capacity": "member",
        "constituency_unit_id": member.id(), "basis": "nominated",
    });
    maker.create(kind("membership"), &seat).await;
    board
}

async fn target_on(maker: &Maker<'_>, board: &Made, units: &[&Made]) -> Made {
    let units: Vec<Value> = units.iter().map(|u| json!(u.id())).collect();
    let target = json!({ "board_id": board.id(), "constituency_unit_ids": units });
    maker.create(kind("representation_target"), &target).await
}

/// All of a group: seats that a target asks for, and units without one.
async fn what_is_said_of_all_of_a_group(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let said = |kind: Option<&str>| ("all_of_group", json!({ "group_kind": kind }));
    let (one, two) = (unit(&maker, "unit").await, unit(&maker, "unit").await);
    let board = board_with(&maker, "A board", &one).await;
    let both = target_on(&maker, &board, &[&one, &two]).await;
    let words = format!("1 of 2 seats on {} filled", name(&board, "A board"));
    let cited: (&str, &[&Made]) = (&words, &[&both, &two]);
    table
        .said("a target that is not met", said(None), &both, Some(cited))
        .await;
    table
        .said("the board that it is for", said(None), &board, Some(cited))
        .await;

    let full = board_with(&maker, "Another board", &one).await;
    let only = target_on(&maker, &full, &[&one]).await;
    table
        .said("a target that is met", said(None), &only, None)
        .await;
    table.said("its board", said(None), &full, None).await;

    let untold = maker.make_named("board").await;
    let unknown = target_on(&maker, &untold, &[&one]).await;
    table
        .said(
            "a board without recorded members",
            said(None),
            &unknown,
            None,
        )
        .await;

    let (group, other) = (
        unit(&maker, "operational_command_unit").await,
        unit(&maker, "operational_command_unit").await,
    );
    let board = board_with(&maker, "A third board", &group).await;
    let words = format!(
        "without a seat on {}: 1 of 2",
        name(&board, "A third board")
    );
    table
        .said(
            "a board without some units of the kind",
            said(Some("operational_command_unit")),
            &board,
            Some((&words, &[&other])),
        )
        .await;
    table
        .said("a group that is not named", said(None), &board, None)
        .await;
    let plan = maker.make_named("plan").await;
    table
        .said(
            "a record that has no seats",
            said(Some("operational_command_unit")),
            &plan,
            None,
        )
        .await;
    table.check(&app, "assertion_contradicted").await;
}

async fn measure(maker: &Maker<'_>, direction: &str, figures: &[(&str, u32)]) -> Made {
    let more = json!({
        "title": "A measure", "direction": direction, "unit": "count", "state": "integrated",
        "goal_ids": [], "characteristics": [], "classification_ids": [],
    });
    let measure = maker.make_with("measure", more).await;
    for (period, value) in crate::support::perhaps(figures) {
        let figure = json!({ "measure_id": measure.id(), "period": period, "value": value });
        maker.create(kind("observation"), &figure).await;
    }
    measure
}

/// The observations of a measure, by period.
async fn observations(app: &TestApp, measure: &Made) -> Vec<Made> {
    let path = format!(
        "/api/v1/observations?measure_id={}&sort=-until_on",
        measure.id_text()
    );
    let list = app
        .keeper(kind("observation"))
        .get(&path)
        .await
        .status(200)
        .json();
    let items = list["items"].as_array().expect("items");
    let made = |o: &Value| Made {
        kind: kind("observation"),
        record: o.clone(),
        etag: String::new(),
        path: String::new(),
    };
    items.iter().map(made).collect()
}

/// Improved: the last two figures that can be compared. Without figures nothing contradicts it.
async fn what_is_said_to_have_improved(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let said = || ("improved", json!({}));
    let figures = [("2018/19", 200), ("2019/20", 100)];
    let fallen = measure(&maker, "higher_is_better", &figures).await;
    let shown = observations(&app, &fallen).await;
    let [last, before] = shown.as_slice() else {
        panic!("two figures");
    };
    let words = format!(
        "{}: 100 in 2019/20, after 200 in 2018/19",
        name(&fallen, "A measure")
    );
    table
        .said(
            "a figure that has fallen",
            said(),
            &fallen,
            Some((&words, &[&fallen, last, before])),
        )
        .await;
    let risen = measure(&maker, "lower_is_better", &figures).await;
    table
        .said("a figure that was to fall", said(), &risen, None)
        .await;
    let neutral = measure(&maker, "neutral", &figures).await;
    table
        .said("a figure without a direction", said(), &neutral, None)
        .await;
    let one = measure(&maker, "higher_is_better", &figures[..1]).await;
    table.said("a single figure", said(), &one, None).await;
    let other = [("2018/19", 200), ("2020-Q1", 50)];
    let other = measure(&maker, "higher_is_better", &other).await;
    table
        .said("periods of different length", said(), &other, None)
        .await;
    let close = [("2018/19", 105), ("2019/20", 100)];
    let close = measure(&maker, "higher_is_better", &close).await;
    table
        .said("a difference within the rounding", said(), &close, None)
        .await;
    let later = [("2018/19", 100), ("2019/20", 200), ("2020-11", 10)];
    let later = measure(&maker, "higher_is_better", &later).await;
    table
        .said("a figure of a later time", said(), &later, None)
        .await;
    let item = maker.make_named("work_plan_item").await;
    table
        .said("an item without a measure", said(), &item, None)
        .await;
    changed(&app, &fallen, json!({ "item_ids": [item.id()] })).await;
    table
        .said(
            "an item by its measure",
            said(),
            &item,
            Some((&words, &[&fallen, last, before])),
        )
        .await;
    // The first statement on the item is now contradicted as well.
    table
        .rows
        .retain(|row| row.name != "an item without a measure");
    table.check(&app, "assertion_contradicted").await;
}

async fn risk(maker: &Maker<'_>, more: Value) -> Made {
    maker.make_with("risk", more).await
}

async fn control(maker: &Maker<'_>, of: &Made, effectiveness: &str) -> Made {
    let assessed = (effectiveness != "not_assessed").then_some("2020-10-01");
    let draft = json!({
        "risk_ids": [of.id()], "title": "A control", "effectiveness": effectiveness,
        "assessed_on": assessed,
    });
    maker.create(kind("control"), &draft).await
}

/// Mitigated, and no risks: controls that fail or are not known to work, and risks that are open.
async fn what_is_said_of_risks(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let mitigated = || ("mitigates", json!({}));
    let failing = risk(&maker, json!({})).await;
    let fails = control(&maker, &failing, "ineffective").await;
    control(&maker, &failing, "effective").await;
    table
        .said(
            "a risk with a control that fails",
            mitigated(),
            &failing,
            Some((
                "1 open risk, 1 of 2 controls known to work",
                &[&failing, &fails],
            )),
        )
        .await;
    table
        .said(
            "the control that fails",
            mitigated(),
            &fails,
            Some(("it is recorded as ineffective", &[&fails])),
        )
        .await;
    let unknown = risk(&maker, json!({})).await;
    let unassessed = control(&maker, &unknown, "not_assessed").await;
    table
        .said(
            "a risk with a control that is not known to work",
            mitigated(),
            &unknown,
            Some(("1 open risk, 0 of 1 control known to work", &[&unknown])),
        )
        .await;
    table
        .said(
            "a control that is not assessed",
            mitigated(),
            &unassessed,
            None,
        )
        .await;
    let held = risk(&maker, json!({})).await;
    control(&maker, &held, "effective").await;
    table
        .said("a risk whose control works", mitigated(), &held, None)
        .await;
    let bare = risk(&maker, json!({})).await;
    table
        .said(
            "a risk without a recorded control",
            mitigated(),
            &bare,
            None,
        )
        .await;
    let board = maker.make_named("board").await;
    table
        .said("a record without risks", mitigated(), &board, None)
        .await;

    let none = || ("none", json!({}));
    let register = maker.make_named("risk_register").await;
    let plan = maker.make_named("plan").await;
    let of_plan = maker
        .make_with("risk_register", json!({ "plan_id": plan.id() }))
        .await;
    let empty = maker.make_named("risk_register").await;
    let open = risk(&maker, json!({ "register_id": register.id() })).await;
    let planned = risk(&maker, json!({ "register_id": of_plan.id() })).await;
    let words = "1 open risk, no control recorded";
    table
        .said(
            "a register with an open risk",
            none(),
            &register,
            Some((words, &[&open])),
        )
        .await;
    table
        .said(
            "a plan with an open risk",
            none(),
            &plan,
            Some((words, &[&planned])),
        )
        .await;
    table
        .said("a register without risks", none(), &empty, None)
        .await;
    let closed = maker.make_named("risk_register").await;
    let gone = json!({
        "register_id": closed.id(), "status": "closed", "closed_on": "2020-10-01",
        "closure_reason": "It has passed",
    });
    risk(&maker, gone).await;
    table
        .said("a register with a closed risk", none(), &closed, None)
        .await;
    table.check(&app, "assertion_contradicted").await;
}

async fn claim(maker: &Maker<'_>, on: &Made) -> Value {
    let claim = json!({
        "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": "2020-10-20",
        "narrative": "Done",
    });
    let claimant = maker.claimant().await;
    claimant
        .post("/api/v1/recommendation-updates", &claim)
        .await
        .status(201)
        .json()
}

/// A claim is compared with the record that is named to show it: a measure, seats, a document,
/// terms, a dashboard, an item.
async fn what_is_to_show_a_claim(app: TestApp) {
    let maker = Maker::new(&app);
    let mut table = Table::new(&maker);
    let mut cases: Vec<(&'static str, Option<Made>, Cited)> = Vec::new();

    let low = measure(&maker, "higher_is_better", &[("2019/20", 100)]).await;
    let wanted = |of: &Made, value: u32| json!({ "measure_id": of.id(), "period": "2019/20", "target_value": value });
    let target = maker
        .create(kind("measure_target"), &wanted(&low, 150))
        .await;
    let shown = observations(&app, &low).await;
    let words = format!(
        "{}: 100 in 2019/20, where the target is 150",
        name(&low, "A measure")
    );
    let cited = vec![low.clone(), shown[0].clone(), target];
    cases.push((
        "a measure below its target",
        Some(low),
        Some((words, cited)),
    ));
    let high = measure(&maker, "higher_is_better", &[("2019/20", 150)]).await;
    maker
        .create(kind("measure_target"), &wanted(&high, 150))
        .await;
    cases.push(("a measure at its target", Some(high), None));
    let untold = measure(&maker, "higher_is_better", &[]).await;
    maker
        .create(kind("measure_target"), &wanted(&untold, 150))
        .await;
    cases.push(("a measure without figures", Some(untold), None));

    let (one, two) = (unit(&maker, "unit").await, unit(&maker, "unit").await);
    let board = board_with(&maker, "A board", &one).await;
    let both = target_on(&maker, &board, &[&one, &two]).await;
    let words = format!("1 of 2 seats on {} filled", name(&board, "A board"));
    cases.push((
        "seats that are missing",
        Some(both.clone()),
        Some((words, vec![both, two])),
    ));
    let met = target_on(&maker, &board, &[&one]).await;
    cases.push(("seats that are filled", Some(met), None));

    let url = Some("https://example.org/text.pdf");
    let draft = document(&maker, "draft", url).await;
    let words = format!("{} says of itself: draft", name(&draft, "A text"));
    cases.push(("a draft", Some(draft.clone()), Some((words, vec![draft]))));
    let absent = document(&maker, "final", None).await;
    let words = format!(
        "no file or address of {} is recorded",
        name(&absent, "A text")
    );
    cases.push((
        "a document that is not there",
        Some(absent.clone()),
        Some((words, vec![absent])),
    ));
    let there = document(&maker, "final", url).await;
    cases.push(("a final document", Some(there), None));

    let board = maker.make_named("board").await;
    let terms = json!({ "board_id": board.id(), "version_label": "Second" });
    let terms = maker.create(kind("terms_of_reference"), &terms).await;
    let post = maker.make_named("post").await;
    let told = |made: &Made| {
        let title = made.record["version_label"].as_str();
        let title = title.or(made.record["title"].as_str()).expect("a title");
        format!("{} is recorded as open, or not in force", name(made, title))
    };
    let words = told(&terms);
    cases.push((
        "terms that are not agreed",
        Some(terms.clone()),
        Some((words, vec![terms])),
    ));
    let agreed = json!({
        "board_id": maker.make_named("board").await.id(), "version_label": "1", "status": "agreed",
        "approver_post_id": post.id(), "approved_on": "2020-10-01",
    });
    let agreed = maker.create(kind("terms_of_reference"), &agreed).await;
    cases.push(("terms that are agreed", Some(agreed), None));

    let dashboard = maker.make_named("dashboard").await;
    let words = told(&dashboard);
    let cited = Some((words, vec![dashboard.clone()]));
    cases.push(("a dashboard that is not published", Some(dashboard), cited));
    let plan = maker.make_named("plan").await;
    let open = item(&maker, &plan, json!({})).await;
    let words = told(&open);
    cases.push((
        "an item that is open",
        Some(open.clone()),
        Some((words, vec![open])),
    ));
    let done = json!({ "status": "complete", "completed_on": "2020-10-01" });
    let done = item(&maker, &plan, done).await;
    cases.push(("an item that is done", Some(done), None));
    cases.push(("nothing that is named", None, None));

    for (name, by, cited) in some(cases) {
        let by: Vec<_> = by.iter().map(Made::id).collect();
        let on = maker
            .make_with("recommendation", json!({ "shown_by_ids": by }))
            .await;
        let cited = cited
            .as_ref()
            .map(|(words, records)| (words.as_str(), records));
        assert_eq!(
            super::found(&app, "claim_against_figure", &on).await,
            None,
            "{name}"
        );
        claim(&maker, &on).await;
        let records: Vec<&Made> = cited.iter().flat_map(|(_, all)| all.iter()).collect();
        table.add(
            name,
            on,
            cited.map(|(words, _)| (words, records.as_slice())),
        );
    }
    table.check(&app, "claim_against_figure").await;
}

/// A paper for a meeting, with its scope and one implication.
async fn paper(maker: &Maker<'_>, meeting: &Made, fields: Value) -> Made {
    let mut more = json!({
        "meeting_id": meeting.id(),
        "risk": { "state": "assessed_some", "text": "Some" },
        "legal": { "state": "assessed_some", "text": "Some" },
        "equality_impact": { "state": "assessed_some", "text": "Some" },
    });
    let fields = fields.as_object().expect("an object").clone();
    more.as_object_mut().expect("an object").extend(fields);
    maker.make_with("paper", more).await
}

async fn meeting(maker: &Maker<'_>, board: &Made, on: &str) -> Made {
    let draft = json!({
        "board_id": board.id(), "title": "A meeting", "status": "scheduled",
        "scheduled": { "precision": "day", "due_on": on },
    });
    maker.create(kind("meeting"), &draft).await
}

/// What a paper says of its implications, against the registers: risk, equality, law.
async fn what_a_paper_says_of_its_implications(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker.make_named("board").await;
    let today = meeting(&maker, &board, DAY).await;
    let none = || json!({ "state": "assessed_none" });
    let recommendation = maker.make_named("recommendation").await;
    let feared = risk(&maker, json!({})).await;
    let carries = json!({
        "risk_ids": [feared.id()], "title": "A control", "recommendation_id": recommendation.id(),
    });
    maker.create(kind("control"), &carries).await;
    let calm = maker.make_named("recommendation").await;
    let about = |of: &Made| json!({ "recommendation_ids": [of.id()] });
    let words = "1 open risk, 0 of 1 control known to work";

    let mut table = Table::new(&maker);
    let rows = [
        (
            "no risks, with one",
            json!({ "risk": none(), "scope": about(&recommendation) }),
            true,
        ),
        (
            "words that fit any paper, with one",
            json!({ "risk": { "state": "boilerplate", "text": "As required" }, "scope": about(&recommendation) }),
            true,
        ),
        (
            "some risks",
            json!({ "scope": about(&recommendation) }),
            false,
        ),
        (
            "no risks, without one",
            json!({ "risk": none(), "scope": about(&calm) }),
            false,
        ),
        (
            "no risks, without a scope",
            json!({ "risk": none(), "scope": {} }),
            false,
        ),
    ];
    for (name, fields, is_contradicted) in some(rows) {
        let on = paper(&maker, &today, fields).await;
        table.add(name, on, is_contradicted.then_some((words, &[&feared])));
    }
    // Once the board has met again, the paper is past business.
    let earlier = meeting(&maker, &board, "2020-06-30").await;
    let fields = json!({ "risk": none(), "scope": about(&recommendation) });
    let past = paper(&maker, &earlier, fields).await;
    table.add("no risks, before the last meeting", past, None);
    table.check(&app, "paper_risk_contradicted").await;

    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let bound = json!({ "title": "An answer", "external_source": "The judgment of a tribunal" });
    let bound = item(&maker, &plan, bound).await;
    let free = maker.make_with("plan", json!({ "status": "active" })).await;
    item(&maker, &free, json!({ "external_source": "A report" })).await;
    let words = format!(
        "{} is open; its source: The judgment of a tribunal",
        name(&bound, "An answer")
    );
    let of_plan = |of: &Made| json!({ "plan_ids": [of.id()] });
    let mut table = Table::new(&maker);
    let on = paper(
        &maker,
        &today,
        json!({ "legal": none(), "scope": of_plan(&plan) }),
    )
    .await;
    table.add(
        "work that answers a tribunal",
        on,
        Some((&words, &[&bound])),
    );
    let on = paper(
        &maker,
        &today,
        json!({ "legal": none(), "scope": of_plan(&free) }),
    )
    .await;
    table.add("work that answers nobody", on, None);
    let on = paper(&maker, &today, json!({ "legal": none(), "scope": {} })).await;
    table.add("no recorded work", on, None);
    table.check(&app, "paper_legal_contradicted").await;

    let unit = maker.make_named("unit").await;
    let author = maker
        .make_with("post", json!({ "unit_id": unit.id() }))
        .await;
    let owed = |due: &str| {
        json!({
            "title": "Equality information", "from_unit_id": unit.id(), "to_others": "All",
            "statutory_duty": "psed_equality_information", "first_due_on": due,
        })
    };
    let says = |state: &str| json!({ "author_post_id": author.id(), "equality_impact": { "state": state } });
    let mut table = Table::new(&maker);
    maker
        .create(kind("report_obligation"), &owed("2020-12-30"))
        .await;
    let before = paper(&maker, &today, says("assessed_none")).await;
    assert_eq!(
        found(&app, "paper_equality_contradicted", &before).await,
        None
    );
    let missed = maker
        .create(kind("report_obligation"), &owed("2020-03-30"))
        .await;
    let words = format!(
        "{}, due on 30 March 2020, is not recorded as made",
        name(&missed, "Equality information")
    );
    table.add(
        "no impact, with a missed report",
        before,
        Some((&words, &[&missed])),
    );
    let on = paper(&maker, &today, says("not_assessed")).await;
    table.add(
        "an impact that is not assessed",
        on,
        Some((&words, &[&missed])),
    );
    let other = paper(&maker, &today, json!({ "equality_impact": none() })).await;
    table.add("another body's report", other, None);

    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let work = item(&maker, &plan, json!({})).await;
    let counted = measure(&maker, "higher_is_better", &[("2019/20", 100)]).await;
    let patch = json!({ "item_ids": [work.id()], "characteristics": ["sex"] });
    changed(&app, &counted, patch).await;
    let fields = json!({ "equality_impact": none(), "scope": of_plan(&plan) });
    let on = paper(&maker, &today, fields).await;
    let words = "1 measure not broken down by a characteristic";
    table.add(
        "no impact, with figures that do not show it",
        on,
        Some((words, &[&counted])),
    );
    let fields = json!({
        "equality_impact": { "state": "not_assessed" }, "scope": of_plan(&plan),
    });
    let on = paper(&maker, &today, fields).await;
    table.add("an impact that nobody denies", on, None);
    table.check(&app, "paper_equality_contradicted").await;
}

on_both!(
    what_is_said_to_be_complete,
    what_is_said_to_be_aligned,
    what_is_said_of_all_of_a_group,
    what_is_said_to_have_improved,
    what_is_said_of_risks,
    what_is_to_show_a_claim,
    what_a_paper_says_of_its_implications
);
