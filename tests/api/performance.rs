//! The performance register's own rules: one figure for each measure, period and category; figures
//! about few people, on every way out.

use serde_json::{Value, json};
use stride::policy::Role;
use strum::VariantArray;

use crate::support::maker::{Made, Maker};
use crate::support::{Client, TestApp, some, workbook};

const OBSERVATIONS: &str = "/api/v1/observations";
const IMPORT: &str = "/api/v1/observations/import";

/// A unit with a measure of its own, broken down by race and sex.
struct Table {
    unit: Made,
    race: Made,
    sex: Made,
    measure: Made,
}

impl Table {
    async fn new(maker: &Maker<'_>, unit_of_measure: &str) -> Self {
        let unit = maker.make_named("unit").await;
        let category = |code: &str| json!({ "code": code, "label": format!("Category {code}") });
        let race = json!({
            "title": format!("Ethnicity, {}", unit.reference()), "characteristic": "race", "categories": (["A1", "A2", "B1", "W1"].map(category)),
            "legacy_aggregates": [{ "code": "BAME", "label": "All but W1", "member_codes": ["A1", "A2", "B1"] }], "supersedes_id": null
        });
        let sex = json!({
            "title": format!("Sex, {}", unit.reference()), "characteristic": "sex", "categories": (["F", "M"].map(category)),
            "legacy_aggregates": [], "supersedes_id": null
        });
        let (race, sex) = (
            maker.make_with("classification", race).await,
            maker.make_with("classification", sex).await,
        );
        let fields = json!({
            "unit": unit_of_measure, "rate_per": if unit_of_measure == "rate" { json!(1000) } else { Value::Null },
            "owner_unit_id": unit.id(), "classification_ids": [race.id(), sex.id()], "characteristics": ["race", "age"]
        });
        let measure = maker.make_with("measure", fields).await;
        Self {
            unit,
            race,
            sex,
            measure,
        }
    }

    fn by(classification: &Made, code: &str) -> Value {
        json!({ "classification_id": classification.id(), "code": code })
    }

    fn figure(&self, period: &str, breakdown: &[Value], value: Value) -> Value {
        json!({ "measure_id": self.measure.id(), "period": period, "breakdown": breakdown, "value": value })
    }

    /// An analyst whose scope covers the measure.
    fn analyst(&self, app: &TestApp) -> Client {
        app.scoped(Role::Analyst, self.unit.id())
    }

    /// 4, 37, 1,237 and 2,468, and their total.
    async fn fill(&self, app: &TestApp, period: &str) -> Vec<Value> {
        let analyst = self.analyst(app);
        let mut made = Vec::new();
        for (code, value) in [("A1", 4), ("A2", 37), ("B1", 1_237), ("W1", 2_468)] {
            let body = self.figure(period, &[Self::by(&self.race, code)], json!(value));
            made.push(analyst.post(OBSERVATIONS, &body).await.status(201).json());
        }
        made.push(
            analyst
                .post(OBSERVATIONS, &self.figure(period, &[], json!(3_746)))
                .await
                .status(201)
                .json(),
        );
        made
    }
}

/// Whether a text has a number, and not only its digits within an id or a time.
fn shows(text: &str, number: &str) -> bool {
    let borders = |b: Option<&u8>, more: &[u8]| {
        b.is_none_or(|b| !b.is_ascii_alphanumeric() && !more.contains(b))
    };
    text.match_indices(number).any(|(at, _)| {
        let bytes = text.as_bytes();
        borders(at.checked_sub(1).and_then(|n| bytes.get(n)), b".")
            && borders(bytes.get(at + number.len()), b"")
    })
}

/// Who sees figures released only.
async fn outsiders(app: &TestApp, maker: &Maker<'_>) -> Vec<Client> {
    let elsewhere = maker.make_named("unit").await;
    let mut all: Vec<Client> = Role::VARIANTS
        .iter()
        .copied()
        .filter(|r| *r != Role::Analyst)
        .map(|r| app.role(r))
        .collect();
    all.push(app.scoped(Role::Analyst, elsewhere.id()));
    all
}

/// Small figures are suppressed, and the one that would give them away; the others are rounded.
/// Only analysts in scope see them.
async fn figures_are_released_to_all_but_their_analysts(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let made = table.fill(&app, "2020-Q3").await;
    let path = |n: usize| {
        format!(
            "{OBSERVATIONS}/{}",
            made[n]["id"].as_str().unwrap_or_default()
        )
    };
    for client in [table.analyst(&app), app.role(Role::Analyst)] {
        for (n, value) in [4, 37, 1_237, 2_468, 3_746].into_iter().enumerate() {
            let seen = client.get(&path(n)).await;
            assert_eq!(seen.etag(), "\"1\"");
            assert_eq!(
                (&seen.json()["value"], &seen.json()["figures"]),
                (&json!(value), &json!("exact"))
            );
        }
    }
    for client in some(outsiders(&app, &maker).await) {
        for (n, value) in [
            json!(null),
            json!(null),
            json!(1_235),
            json!(2_470),
            json!(3_745),
        ]
        .into_iter()
        .enumerate()
        {
            let seen = client.get(&path(n)).await.status(200).json();
            let state = if value.is_null() {
                "suppressed"
            } else {
                "present"
            };
            assert_eq!(
                (&seen["value"], &seen["state"], &seen["figures"]),
                (&value, &json!(state), &json!("released"))
            );
        }
    }
    // The released form changes with its neighbours, and so does its tag, though the record does
    // not.
    let viewer = app.role(Role::Viewer);
    let before = viewer.get(&path(1)).await.etag();
    assert_ne!(before, table.analyst(&app).get(&path(1)).await.etag());
    let right = json!({ "value": 40 });
    table
        .analyst(&app)
        .patch(&path(0), "\"1\"", &right)
        .await
        .status(200);
    let after = viewer
        .ask("GET", &path(1))
        .header("if-none-match", &before)
        .send()
        .await;
    assert_eq!(after.status(200).json()["value"], 35);
    // Such a tag names the version too; what it may not do is said as ever.
    viewer
        .patch(&path(1), &before, &right)
        .await
        .problem("forbidden");
}

/// On no way out is a figure shown that is suppressed, or one that is not rounded.
async fn no_answer_shows_a_suppressed_figure(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "percent").await;
    let analyst = table.analyst(&app);
    // Figures that nothing else looks like; a fixed sequence, so that a failure comes again.
    let mut seed = 20_201_026_u64;
    let mut next = move |most: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let (mut secrets, mut ids, mut small) = (Vec::new(), Vec::new(), Vec::new());
    for period in ["2019", "2020-Q1", "2020-07"] {
        let mut cells: Vec<Vec<Value>> = vec![vec![]];
        for code in ["A1", "A2", "B1", "W1", "BAME"] {
            cells.push(vec![Table::by(&table.race, code)]);
            for s in ["F", "M"] {
                cells.push(vec![Table::by(&table.race, code), Table::by(&table.sex, s)]);
            }
        }
        for breakdown in cells {
            let of = 700_001 + next(99_999) * 5 + next(4);
            let numerator = if next(3) == 0 {
                next(10)
            } else {
                100_001 + next(99_999) * 5 + next(4)
            };
            let percentage = |of: u64| {
                (numerator as f64 / of as f64 * 100.0 * 1_000_000.0).round() / 1_000_000.0
            };
            let value = percentage(of);
            let mut body = table.figure(period, &breakdown, json!(value));
            body["numerator"] = json!(numerator);
            body["denominator"] = json!(of);
            let made = analyst
                .ask("POST", &format!("{OBSERVATIONS}?reason=was+{of}"))
                .json(&body)
                .send()
                .await
                .status(201)
                .json();
            // A correction, so that there is a history.
            let path = format!("{OBSERVATIONS}/{}", made["id"].as_str().unwrap_or_default());
            let newer = of + 5;
            let corrected = percentage(newer);
            let patch = json!({ "denominator": newer, "value": corrected });
            let now = analyst
                .patch(&path, "\"1\"", &patch)
                .await
                .status(200)
                .json();
            secrets.extend([of.to_string(), newer.to_string()]);
            if numerator >= 10 {
                secrets.push(numerator.to_string());
            } else {
                small.push(now["id"].clone());
            }
            // A short one might stand for something else.
            let values = [value, corrected].map(|v| v.to_string());
            secrets.extend(values.into_iter().filter(|v| v.len() > 6));
            ids.push((path, made));
        }
    }
    let withdrawn = &ids[4].0;
    analyst.delete(withdrawn, "\"2\"").await.status(200);
    let dashboard =
        json!({ "title": "D", "measure_ids": [table.measure.id()], "characteristics": ["race"] });
    let dashboard = app
        .role(Role::Analyst)
        .post("/api/v1/dashboards", &dashboard)
        .await
        .status(201)
        .json();
    let at = ids[8].1["updated_at"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut ways: Vec<String> = Vec::new();
    for list in [
        "limit=200",
        "limit=200&include_withdrawn=true",
        "format=csv",
        "limit=200&sort=-until_on",
        "limit=200&sort=-updated_at",
        "limit=200&updated_since=2020-01-01",
        "limit=200&q=A1",
        "limit=200&state=present",
    ] {
        ways.push(format!("{OBSERVATIONS}?{list}"));
        ways.push(format!("{OBSERVATIONS}?{list}&as_of={at}"));
    }
    for (path, _) in &ids {
        ways.extend([
            path.clone(),
            format!("{path}?as_of={at}"),
            format!("{path}/history"),
            format!("{path}/history?format=markdown"),
            format!("{path}/difference?from=1&to=2"),
        ]);
    }
    for view in [
        "/api/v1/availability".to_owned(),
        format!("{}/availability", table.measure.path),
        format!(
            "/api/v1/dashboards/{}/figures",
            dashboard["id"].as_str().unwrap_or_default()
        ),
    ] {
        ways.extend([view.clone(), format!("{view}?format=csv")]);
    }
    ways.push("/api/v1/journal?limit=200".into());
    let mut shown = 0;
    for client in [
        app.role(Role::Viewer),
        app.role(Role::Auditor),
        app.role(Role::Administrator),
    ] {
        for way in &ways {
            // The same view first by who sees all: what is kept of it must not be handed on.
            analyst.get(way).await;
            let reply = client.get(way).await;
            let text = reply.text();
            for secret in &secrets {
                assert!(!shows(&text, secret), "{way} shows {secret}:\n{text}");
            }
            if reply.status != 200
                || way.contains("csv")
                || way.contains("markdown")
                || way.contains("journal")
            {
                continue;
            }
            let body = reply.json();
            let records = body["items"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![body.clone()]);
            for record in &records {
                if small.contains(&record["id"]) {
                    assert_eq!(
                        (
                            &record["value"],
                            &record["numerator"],
                            &record["denominator"]
                        ),
                        (&json!(null), &json!(null), &json!(null)),
                        "{way}"
                    );
                    assert_eq!(record["state"], "suppressed", "{way}");
                }
                shown += usize::from(record["value"].is_number());
            }
        }
    }
    assert!(shown > 50, "something is shown: {shown}");
    // As a workbook every cell is a number or a text: the figures are those of the list.
    app.role(Role::Viewer)
        .get(&format!("{OBSERVATIONS}?format=xlsx"))
        .await
        .status(200);
    // A refusal tells no figure either.
    let (path, record) = &ids[0];
    let viewer = app.role(Role::Viewer);
    viewer
        .patch(path, "\"1\"", &json!({ "value": 1 }))
        .await
        .problem("forbidden");
    let mut again = table.figure("2019", &[], record["value"].clone());
    again["denominator"] = record["denominator"].clone();
    let taken = analyst
        .post(OBSERVATIONS, &again)
        .await
        .problem_at("rule_violation", "/period");
    assert!(
        !taken
            .to_string()
            .contains(&record["denominator"].to_string())
    );
}

/// What was answered to an analyst is not answered again to who has become less.
async fn a_repeated_request_is_answered_as_its_caller_now_is(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let body = table.figure("2020-Q3", &[], json!(1_237));
    let ask = |client: &Client| {
        client
            .ask("POST", OBSERVATIONS)
            .header("idempotency-key", "same")
            .json(&body)
            .send()
    };
    let analyst = table.analyst(&app);
    let first = ask(&analyst).await.status(201).json();
    assert_eq!(ask(&analyst).await.status(201).json(), first);
    // The same account, with another scope.
    let elsewhere = maker.make_named("unit").await;
    let refused = ask(&app.scoped(Role::Analyst, elsewhere.id())).await;
    refused.problem("idempotency_key_reused");
    assert!(!refused.text().contains("1237"));
}

/// What is marked counts as not shown: it cannot be had by subtraction.
async fn a_marked_figure_is_not_given_away_by_the_others(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let mut body = table.figure("2020", &[Table::by(&table.sex, "F")], json!(500));
    body["marking"] = "official_sensitive".into();
    app.keeper(table.measure.kind)
        .post(OBSERVATIONS, &body)
        .await
        .status(201);
    table
        .analyst(&app)
        .post(
            OBSERVATIONS,
            &table.figure("2020", &[Table::by(&table.sex, "M")], json!(700)),
        )
        .await
        .status(201);
    table
        .analyst(&app)
        .post(OBSERVATIONS, &table.figure("2020", &[], json!(1_200)))
        .await
        .status(201);
    let items = app
        .role(Role::Viewer)
        .items(&format!(
            "{OBSERVATIONS}?measure_id={}&is_total=false",
            table.measure.id()
        ))
        .await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["state"], "suppressed");
    let cleared = app
        .role(Role::Auditor)
        .items(&format!("{OBSERVATIONS}?measure_id={}", table.measure.id()))
        .await;
    assert!(some(&cleared).all(|o| o["state"] == "present") && cleared.len() == 3);
}

/// One figure for measure, period and breakdown; a correction is a new version; another period is
/// another figure.
async fn a_figure_is_recorded_once(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let analyst = table.analyst(&app);
    let (race, sex) = (Table::by(&table.race, "A1"), Table::by(&table.sex, "F"));
    let first = analyst
        .post(
            OBSERVATIONS,
            &table.figure(
                "2020-07-01/2020-09-30",
                &[race.clone(), sex.clone()],
                json!(12),
            ),
        )
        .await
        .status(201)
        .json();
    assert_eq!(
        (&first["period"], &first["from_on"], &first["until_on"]),
        (
            &json!("2020-Q3"),
            &json!("2020-07-01"),
            &json!("2020-09-30")
        )
    );
    // The same in other words.
    analyst
        .post(
            OBSERVATIONS,
            &table.figure("2020-Q3", &[sex.clone(), race.clone()], json!(13)),
        )
        .await
        .problem_at("rule_violation", "/period");
    analyst
        .post(
            OBSERVATIONS,
            &table.figure("2020-Q3", std::slice::from_ref(&race), json!(30)),
        )
        .await
        .status(201);
    let path = format!(
        "{OBSERVATIONS}/{}",
        first["id"].as_str().unwrap_or_default()
    );
    for (field, value) in [("period", json!("2020-Q2")), ("breakdown", json!([race]))] {
        analyst
            .patch(&path, "\"1\"", &json!({ field: value }))
            .await
            .problem_at("rule_violation", &format!("/{field}"));
    }
    // Another measure is out of the analyst's scope, and not to be had by anyone.
    let other = json!({ "measure_id": maker.make_named("measure").await.id() });
    analyst
        .patch(&path, "\"1\"", &other)
        .await
        .problem("forbidden");
    app.role(Role::Analyst)
        .patch(&path, "\"1\"", &other)
        .await
        .problem_at("rule_violation", "/measure_id");
    let corrected = analyst
        .patch(&path, "\"1\"", &json!({ "value": 13 }))
        .await
        .status(200)
        .json();
    assert_eq!(corrected["version"], 2);
    // Withdrawn, it makes room; then it cannot come back.
    analyst.delete(&path, "\"2\"").await.status(200);
    let second = table.figure("2020-Q3", &[race, sex], json!(14));
    analyst.post(OBSERVATIONS, &second).await.status(201);
    analyst
        .post(&format!("{path}/restore"), &json!({}))
        .await
        .problem_at("rule_violation", "/period");
}

/// A value given with its parts is what they give, within rounding.
async fn value_and_parts_agree(app: TestApp) {
    let maker = Maker::new(&app);
    let measure = json!({ "unit": "percent", "classification_ids": [] });
    let measure = maker.make_with("measure", measure).await;
    let analyst = app.role(Role::Analyst);
    let ask = |value: Value| {
        let figure = json!({
            "measure_id": measure.id(), "period": "2020", "value": value, "numerator": 130,
            "denominator": 240,
        });
        let analyst = analyst.clone();
        async move { analyst.post(OBSERVATIONS, &figure).await }
    };
    ask(json!(99)).await.problem_at("rule_violation", "/value");
    ask(json!(54.2)).await.status(201);
}

/// What is no figure of the measure is refused by its field.
async fn a_figure_fits_its_measure(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let other = maker.make_named("classification").await;
    let analyst = app.role(Role::Analyst);
    let race = |code: &str| Table::by(&table.race, code);
    for (breakdown, fields, pointer) in [
        (vec![], json!({ "value": 1.5 }), "/value"),
        (vec![], json!({ "value": -1 }), "/value"),
        (vec![], json!({ "value": null }), "/value"),
        (vec![], json!({ "state": "missing" }), "/value"),
        (
            vec![],
            json!({ "state": "missing", "value": null, "denominator": 5 }),
            "/denominator",
        ),
        (
            vec![],
            json!({ "state": "suppressed", "value": null }),
            "/state",
        ),
        (vec![], json!({ "period": "2999" }), "/period"),
        (vec![race("Z9")], json!({}), "/breakdown/0/code"),
        (
            vec![race("A1"), race("A2")],
            json!({}),
            "/breakdown/1/classification_id",
        ),
        (
            vec![Table::by(&other, "N")],
            json!({}),
            "/breakdown/0/classification_id",
        ),
    ] {
        let mut body = table.figure("2020", &breakdown, json!(12));
        body.as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        analyst
            .post(OBSERVATIONS, &body)
            .await
            .problem_at("rule_violation", pointer);
    }
    analyst
        .post(OBSERVATIONS, &table.figure("2020-13", &[], json!(12)))
        .await
        .problem_at("invalid_body", "/period");
    analyst
        .post(
            OBSERVATIONS,
            &table.figure("2020", &[race("BAME")], json!(12)),
        )
        .await
        .status(201);
    analyst
        .post(
            OBSERVATIONS,
            &json!({ "measure_id": table.measure.id(), "period": "2020", "state": "not_stated" }),
        )
        .await
        .status(201);
    // What figures rest on stays.
    for (made, patch, pointer) in [
        (&table.measure, json!({ "unit": "score" }), "/unit"),
        (
            &table.measure,
            json!({ "classification_ids": [table.sex.id()] }),
            "/classification_ids",
        ),
        (
            &table.race,
            json!({ "legacy_aggregates": [] }),
            "/categories",
        ),
        (
            &table.race,
            json!({ "legacy_aggregates": [{ "code": "BAME", "label": "x", "member_codes": ["A1"] }] }),
            "/categories",
        ),
        (
            &table.race,
            json!({ "characteristic": "age" }),
            "/characteristic",
        ),
        (
            &table.race,
            json!({ "legacy_aggregates": [{ "code": "BAME", "label": "x", "member_codes": ["A1", "Q"] }] }),
            "/legacy_aggregates/0/member_codes/1",
        ),
    ] {
        analyst
            .patch(&made.path, &made.etag, &patch)
            .await
            .problem_at("rule_violation", pointer);
    }
}

/// The code lists that come with the service can be loaded.
async fn the_police_ethnicity_codes_can_be_loaded(app: TestApp) {
    let file = include_str!("../../examples/classifications.json");
    assert_eq!(
        stride::transfer::load::text(&app.service.engine, file).await,
        Ok(2)
    );
    let items = app
        .role(Role::Viewer)
        .items("/api/v1/classifications?characteristic=race&sort=reference")
        .await;
    let counts: Vec<usize> = items
        .iter()
        .filter_map(|c| c["categories"].as_array())
        .map(Vec::len)
        .collect();
    assert_eq!(counts, [17, 19]);
    assert_eq!(items[1]["supersedes_id"], items[0]["id"]);
}

/// Targets of the same breakdown do not overlap.
async fn targets_do_not_overlap(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let analyst = table.analyst(&app);
    let target = |period: &str, breakdown: Vec<Value>| json!({ "measure_id": table.measure.id(), "period": period, "breakdown": breakdown, "target_value": 100, "baseline_period": "2019/20" });
    let path = "/api/v1/measure-targets";
    analyst
        .post(path, &target("2020/21", vec![]))
        .await
        .status(201);
    analyst
        .post(path, &target("2021-Q1", vec![]))
        .await
        .problem_at("rule_violation", "/period");
    analyst
        .post(path, &target("2021-Q1", vec![Table::by(&table.sex, "F")]))
        .await
        .status(201);
    analyst
        .post(path, &target("2021/22", vec![]))
        .await
        .status(201);
}

/// A dashboard is as mature as its latest version; a promise stays, and is overdue until something
/// is published.
async fn a_dashboard_is_as_mature_as_its_latest_version(app: TestApp) {
    let maker = Maker::new(&app);
    let dashboard = maker.make_named("dashboard").await;
    let analyst = app.role(Role::Analyst);
    let overdue =
        async |client: &Client| client.items("/api/v1/dashboards?overdue=true").await.len();
    assert_eq!(
        (&dashboard.record["maturity"], &dashboard.record["due_on"]),
        (&json!("planned"), &json!("2017-09-30"))
    );
    assert_eq!(overdue(&analyst).await, 1);
    analyst
        .patch(&dashboard.path, &dashboard.etag, &json!({ "promised": [] }))
        .await
        .problem_at("rule_violation", "/promised");
    let version = |label: &str, more: Value| {
        let mut body = json!({ "dashboard_id": dashboard.id(), "label": label });
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("fields").clone());
        body
    };
    let path = "/api/v1/dashboard-versions";
    let draft = analyst
        .post(path, &version("0.1", json!({ "maturity": "draft" })))
        .await
        .status(201)
        .json();
    assert_eq!(
        analyst.get(&dashboard.path).await.json()["maturity"],
        "draft"
    );
    analyst
        .post(path, &version("0.1", json!({})))
        .await
        .problem_at("rule_violation", "/label");
    analyst
        .post(path, &version("1.0", json!({ "maturity": "published" })))
        .await
        .problem_at("rule_violation", "/published_on");
    let draft = format!("{path}/{}", draft["id"].as_str().unwrap_or_default());
    analyst
        .patch(
            &draft,
            "\"1\"",
            &json!({ "maturity": "published", "published_on": "2020-10-26" }),
        )
        .await
        .status(200);
    let now = analyst.get(&dashboard.path).await.json();
    assert_eq!(
        (&now["maturity"], &now["first_published_on"]),
        (&json!("published"), &json!("2020-10-26"))
    );
    assert_eq!(overdue(&analyst).await, 0);
    analyst
        .patch(
            &draft,
            "\"2\"",
            &json!({ "maturity": "draft", "published_on": null }),
        )
        .await
        .problem_at("transition_refused", "/maturity");
}

/// Rows that fit are taken, the others named; a row for a recorded figure corrects it only when
/// asked to.
async fn rows_are_loaded_and_faults_named_by_row(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let (m, race, sex) = (
        table.measure.reference(),
        table.race.reference(),
        table.sex.id_text(),
    );
    let analyst = table.analyst(&app);
    let ndjson = [
        json!({ "measure": m, "period": "2020-Q3", "value": 3_746 }).to_string(),
        json!({ "measure": m, "period": "2020-Q3", "classification": race, "code": "A1", "value": 4 }).to_string(),
        String::new(),
        json!({ "measure": m, "period": "2020-Q3", "classification": sex, "code": "F", "classification_2": race, "code_2": "A1", "value": 3 }).to_string(),
        json!({ "measure": "MSR-9999", "period": "2020-Q3", "value": 1 }).to_string(),
        json!({ "measure": m, "period": "2020-Q9", "value": 1 }).to_string(),
        json!({ "measure": m, "period": "2020-Q2", "value": 1, "colour": "red" }).to_string(),
        json!({ "measure": m, "period": "2020-Q2", "classification": sex, "code": "Z", "classification_2": race, "code_2": "Q", "value": 1.5 }).to_string(),
        "not json".to_owned(),
        json!({ "measure": m, "period": "2020-Q3", "value": 3_747 }).to_string(),
    ]
    .join("\n");
    let load = async |client: &Client, query: &str, media: &str, body: String| {
        client
            .ask("POST", &format!("{IMPORT}{query}"))
            .body(media, body)
            .send()
            .await
    };
    let tried = load(
        &analyst,
        "?dry_run=true",
        "application/x-ndjson",
        ndjson.clone(),
    )
    .await
    .status(200)
    .json();
    let before = app.seq().await;
    assert!(
        analyst
            .items(&format!("{OBSERVATIONS}?measure_id={}", table.measure.id()))
            .await
            .is_empty()
    );
    let done = load(&analyst, "", "application/x-ndjson", ndjson.clone())
        .await
        .status(200)
        .json();
    assert_eq!(
        (&tried["accepted"], &tried["errors"], &tried["dry_run"]),
        (&done["accepted"], &done["errors"], &json!(true))
    );
    assert_eq!(
        (
            &done["rows"],
            &done["accepted"],
            &done["refused"],
            &done["dry_run"]
        ),
        (&json!(9), &json!(3), &json!(6), &json!(false))
    );
    assert_eq!(app.seq().await, before + 3);
    let mut named: Vec<(u64, &str, &str)> = done["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| {
            (
                e["row"].as_u64().unwrap_or(0),
                e["field"].as_str().unwrap_or(""),
                e["code"].as_str().unwrap_or(""),
            )
        })
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            (4, "measure", "unknown"),
            (5, "period", "pattern"),
            (6, "colour", "unknown_field"),
            (7, "code", "unknown"),
            (7, "code_2", "unknown"),
            (7, "value", "not_a_count"),
            (8, "", "invalid"),
            (9, "value", "recorded")
        ]
    );
    // Sent again, nothing is recorded twice.
    let again = load(&analyst, "", "application/x-ndjson", ndjson)
        .await
        .status(200)
        .json();
    assert_eq!(
        (&again["accepted"], &again["unchanged"]),
        (&json!(0), &json!(3))
    );
    // As CSV, with a byte order mark and quoted cells, and corrections.
    let csv = format!(
        "\u{feff}period,measure,classification,code,value,denominator,state\r\n2020-Q3,{m},,,3747,,\r\n\"2020-Q3\",{m},{race},\"A1\",4,,\r\n2020-Q3,{m},{race},A2,,,missing\r\n2020-Q3,{m},{race},B1,x,,\r\n"
    );
    let done = load(
        &analyst,
        "?on_conflict=correct&reason=Second+delivery",
        "text/csv",
        csv.clone(),
    )
    .await
    .status(200)
    .json();
    assert_eq!(
        (
            &done["accepted"],
            &done["corrected"],
            &done["unchanged"],
            &done["refused"]
        ),
        (&json!(1), &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        (&done["errors"][0]["row"], &done["errors"][0]["field"]),
        (&json!(4), &json!("value"))
    );
    let total = analyst
        .items(&format!(
            "{OBSERVATIONS}?measure_id={}&is_total=true",
            table.measure.id()
        ))
        .await;
    assert_eq!(
        (&total[0]["value"], &total[0]["version"]),
        (&json!(3_747), &json!(2))
    );
    // Each row needs the role in its measure's scope, and tells nothing of what is there.
    let elsewhere = app.scoped(Role::Analyst, maker.make_named("unit").await.id());
    let refused = load(&elsewhere, "?on_conflict=correct", "text/csv", csv)
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            &refused["refused"],
            &refused["unchanged"],
            &refused["corrected"]
        ),
        (&json!(4), &json!(0), &json!(0))
    );
    assert!(
        some(refused["errors"].as_array().expect("errors"))
            .take(3)
            .all(|e| e["code"] == "forbidden")
    );
    load(
        &app.role(Role::Viewer),
        "",
        "text/csv",
        "measure,period\n".into(),
    )
    .await
    .problem("forbidden");
    for bad in [
        "measure,colour\n",
        "measure,measure,period\n",
        "period,value\n",
    ] {
        load(&analyst, "", "text/csv", bad.into())
            .await
            .problem("malformed_body");
    }
    let nothing = load(&analyst, "", "text/csv", "measure,period\n".into())
        .await
        .status(200)
        .json();
    assert_eq!(nothing["rows"], 0);
}

/// A text in a row that is one character longer than its field allows is refused by its column, and
/// nothing is recorded.
async fn a_row_with_a_text_that_is_too_long_is_refused(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let (m, race) = (table.measure.reference(), table.race.reference());
    let analyst = table.analyst(&app);
    let before = app.seq().await;
    for (field, longest) in [("measure", 60), ("classification", 60), ("code", 20)] {
        let long = "A".repeat(longest + 1);
        let mut row = json!({ "measure": m, "period": "2020-Q3", "classification": race, "code": "A1", "value": 1 });
        row[field] = json!(long);
        let text = |name: &str| row[name].as_str().expect("a text");
        let csv = format!(
            "measure,period,classification,code,value\n{},2020-Q3,{},{},1\n",
            text("measure"),
            text("classification"),
            text("code")
        );
        for (media, body) in [("application/x-ndjson", row.to_string()), ("text/csv", csv)] {
            let done = analyst
                .ask("POST", IMPORT)
                .body(media, body)
                .send()
                .await
                .status(200)
                .json();
            assert_eq!(
                (
                    &done["accepted"],
                    &done["refused"],
                    &done["errors"][0]["field"]
                ),
                (&json!(0), &json!(1), &json!(field)),
                "{media}: {done}"
            );
        }
    }
    assert_eq!(app.seq().await, before);
}

/// Portions follow each other without a row lost or taken twice, and no more errors are named than
/// the answer holds.
async fn many_rows_are_taken_in_portions(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let m = table.measure.reference();
    let day = |n: u64| {
        chrono::NaiveDate::from_ymd_opt(2010, 1, 1)
            .and_then(|d| d.checked_add_days(chrono::Days::new(n)))
            .expect("a day")
    };
    let mut csv = String::from("measure,period,value\n");
    for n in 0..2_500 {
        csv.push_str(&format!("{m},{},{n}\n", day(n)));
    }
    csv.push_str(&"nothing,2020,1\n".repeat(1_100));
    let reply = table
        .analyst(&app)
        .ask("POST", IMPORT)
        .body("text/csv", csv)
        .send()
        .await
        .status(200)
        .json();
    assert_eq!(
        (&reply["rows"], &reply["accepted"], &reply["refused"]),
        (&json!(3_600), &json!(2_500), &json!(1_100))
    );
    let errors = reply["errors"].as_array().expect("errors");
    assert_eq!((errors.len(), &errors[0]["row"]), (1_000, &json!(2_501)));
    let page = table
        .analyst(&app)
        .get(&format!(
            "{OBSERVATIONS}?measure_id={}&include_total=true&limit=1&sort=-until_on",
            table.measure.id()
        ))
        .await
        .json();
    assert_eq!(
        (&page["total"], &page["items"][0]["value"]),
        (&json!(2_500), &json!(2_499))
    );
    let endless = "x".repeat(200_000);
    table
        .analyst(&app)
        .ask("POST", IMPORT)
        .body("application/x-ndjson", endless)
        .send()
        .await
        .problem("malformed_body");
}

/// The views count and show what the caller is shown.
async fn views_show_what_their_caller_is_shown(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    table.fill(&app, "2019-Q3").await;
    table.fill(&app, "2020-Q3").await;
    let analyst = table.analyst(&app);
    let target = json!({ "measure_id": table.measure.id(), "period": "2020", "target_value": 3_000, "baseline_period": "2019-Q3" });
    analyst
        .post("/api/v1/measure-targets", &target)
        .await
        .status(201);
    analyst
        .patch(
            &table.measure.path,
            &table.measure.etag,
            &json!({ "direction": "higher_is_better" }),
        )
        .await
        .status(200);
    let path = format!("{}/availability", table.measure.path);
    let rows = async |client: &Client| {
        let view = client.get(&path).await.status(200).json();
        let rows = view["measures"][0]["rows"]
            .as_array()
            .expect("rows")
            .clone();
        let of = rows
            .iter()
            .find(|r| r["classification_id"] == table.race.record["id"] && r["period"] == "2020-Q3")
            .expect("a row")
            .clone();
        assert!(
            rows.iter()
                .any(|r| r["characteristic"] == "age" && r["categories"] == 0),
            "{view:#}"
        );
        (
            of["present"].clone(),
            of["suppressed"].clone(),
            of["none"].clone(),
        )
    };
    assert_eq!(rows(&analyst).await, (json!(4), json!(0), json!(0)));
    assert_eq!(
        rows(&app.role(Role::Viewer)).await,
        (json!(2), json!(2), json!(0))
    );
    let dashboard =
        json!({ "title": "D", "measure_ids": [table.measure.id()], "characteristics": ["race"] });
    let dashboard = app
        .role(Role::Analyst)
        .post("/api/v1/dashboards", &dashboard)
        .await
        .status(201)
        .json();
    let path = format!(
        "/api/v1/dashboards/{}/figures",
        dashboard["id"].as_str().unwrap_or_default()
    );
    for (client, total, small) in [
        (&analyst, 3_746, json!(4)),
        (&app.role(Role::Viewer), 3_745, json!(null)),
    ] {
        let view = client.get(&path).await.status(200).json();
        let measure = &view["measures"][0];
        assert_eq!(
            (&measure["period"], measure["rows"].as_array().map(Vec::len)),
            (&json!("2020-Q3"), Some(5))
        );
        let row = &measure["rows"][0];
        assert_eq!(
            (
                &row["value"],
                &row["target_value"],
                &row["baseline_value"],
                &row["is_met"]
            ),
            (&json!(total), &json!(3_000), &json!(total), &json!(true))
        );
        assert_eq!(
            (&measure["rows"][1]["code"], &measure["rows"][1]["value"]),
            (&json!("A1"), &small)
        );
    }
    app.role(Role::Viewer)
        .get(&format!("{path}?format=csv"))
        .await
        .status(200);
}

/// A workbook shows people labels, so a column that was taken from one is accepted as it is.
async fn a_state_is_imported_by_its_code_or_its_label(app: TestApp) {
    let maker = Maker::new(&app);
    let table = Table::new(&maker, "count").await;
    let analyst = app.scoped(Role::Analyst, table.unit.id());
    let m = table.measure.reference();
    let csv = format!(
        "measure,period,state\n{m},2020-Q1,Not stated\n{m},2020-Q2,not_stated\n{m},2020-Q3,MISSING\n{m},2020-Q4,unknown\n"
    );
    let sent = analyst
        .ask("POST", IMPORT)
        .body("text/csv", csv)
        .send()
        .await;
    let done = sent.status(200).json();
    assert_eq!(
        (&done["accepted"], &done["refused"]),
        (&json!(3), &json!(1)),
        "{done:#}"
    );
    assert_eq!(
        (&done["errors"][0]["row"], &done["errors"][0]["field"]),
        (&json!(4), &json!("state"))
    );
    let list = format!(
        "{OBSERVATIONS}?measure_id={}&sort=until_on",
        table.measure.id()
    );
    let items = analyst.items(&list).await;
    let states: Vec<&Value> = items.iter().map(|o| &o["state"]).collect();
    assert_eq!(
        states,
        ["not_stated", "not_stated", "missing"],
        "{items:#?}"
    );
    let book = analyst
        .get(&format!("{list}&format=xlsx"))
        .await
        .status(200)
        .body
        .clone();
    let rows = workbook::rows(&book);
    let state = rows[0]
        .iter()
        .position(|name| name == "state")
        .expect("a state");
    let shown: Vec<&str> = rows[1..].iter().map(|row| row[state].as_str()).collect();
    assert_eq!(shown, ["Not stated", "Not stated", "Missing"]);
}

on_both!(
    figures_are_released_to_all_but_their_analysts,
    no_answer_shows_a_suppressed_figure,
    a_repeated_request_is_answered_as_its_caller_now_is,
    a_marked_figure_is_not_given_away_by_the_others,
    a_figure_is_recorded_once,
    value_and_parts_agree,
    a_figure_fits_its_measure,
    the_police_ethnicity_codes_can_be_loaded,
    targets_do_not_overlap,
    a_dashboard_is_as_mature_as_its_latest_version,
    rows_are_loaded_and_faults_named_by_row,
    a_state_is_imported_by_its_code_or_its_label,
    a_row_with_a_text_that_is_too_long_is_refused,
    many_rows_are_taken_in_portions,
    views_show_what_their_caller_is_shown
);
