//! People by pseudonym: who holds a post, who it is, and how that is forgotten.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use stride::journal::verify;
use stride::policy::Role;
use strum::VariantArray;
use uuid::Uuid;

use crate::access::{PASSWORD, nobody, person, sign_in};
use crate::support::app::Store;
use crate::support::client::Reply;
use crate::support::maker::{Made, Maker, kind};
use crate::support::{Backend, TestApp, some};

const NAME: &str = "Zebedee Quillfeather";
const EMAIL: &str = "zebedee.q@example.org";
const TELEPHONE: &str = "+44 20 7946 0999";

async fn introduce(app: &TestApp, person: &Made) {
    let body = json!({ "display_name": NAME, "email": EMAIL, "telephone": TELEPHONE });
    let reply = app
        .role(Role::Administrator)
        .put(&format!("{}/details", person.path), &body)
        .await;
    reply.status(204);
}

async fn erase(app: &TestApp, person: &Made) -> Reply {
    app.role(Role::Administrator)
        .post(&format!("{}/erase", person.path), &json!({}))
        .await
}

/// Where a text still lies: in the files of a SQLite database, or in the rows and files of a
/// PostgreSQL one.
pub fn traces(app: &TestApp, text: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Text)]
        place: String,
    }
    match &*app.store {
        Store::Sqlite(folder) => std::fs::read_dir(folder.path())
            .expect("the folder")
            .map(|e| e.expect("an entry").path())
            .filter(|p| p.is_file())
            .filter(|p| {
                let bytes = std::fs::read(p).expect("a file");
                bytes.windows(text.len()).any(|w| w == text.as_bytes())
            })
            .map(|p| p.display().to_string())
            .collect(),
        Store::Postgres(..) => {
            let mut conn = PgConnection::establish(&app.store.url()).expect("a connection");
            conn.batch_execute("CHECKPOINT").expect("a checkpoint");
            let sql = "SELECT c.relname::text AS place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE (n.nspname IN ('public', 'pg_toast') OR c.relname = 'pg_statistic') AND c.relkind IN ('r', 't', 'i') \
                 AND pg_relation_filepath(c.oid) IS NOT NULL AND position($1::bytea IN pg_read_binary_file(pg_relation_filepath(c.oid))) > 0";
            let query =
                diesel::sql_query(sql).bind::<diesel::sql_types::Binary, _>(text.as_bytes());
            let found: Vec<Found> = query.load(&mut conn).expect("an answer");
            found.into_iter().map(|f| f.place).collect()
        }
    }
}

/// Who a person is stays out of the journal and is for administrators alone.
async fn a_person_is_known_to_administrators_alone(app: TestApp) {
    let maker = Maker::new(&app);
    let person = maker.make_named("person").await;
    assert_eq!(person.record["erased_at"], json!(null));
    let path = format!("{}/details", person.path);
    let admin = app.role(Role::Administrator);
    admin.get(&path).await.problem("not_found");
    admin
        .get(&format!("/api/v1/people/{}/details", nobody()))
        .await
        .problem("not_found");
    let seq = app.seq().await;
    introduce(&app, &person).await;
    assert_eq!(app.seq().await, seq + 1, "the journal says that it was set");
    let known = admin.get(&path).await.status(200).json();
    assert_eq!(
        known,
        json!({ "display_name": NAME, "email": EMAIL, "telephone": TELEPHONE })
    );
    for role in some(
        Role::VARIANTS
            .iter()
            .copied()
            .filter(|r| *r != Role::Administrator),
    ) {
        app.role(role).get(&path).await.problem("forbidden");
    }
    let history = admin
        .get(&format!("{}/history", person.path))
        .await
        .status(200)
        .text();
    assert!(
        history.contains("name or contact details set") && !history.contains(NAME),
        "{history}"
    );
    // What is said anew replaces what was said.
    admin
        .put(&path, &json!({ "display_name": "Another name" }))
        .await
        .status(204);
    assert_eq!(
        admin.get(&path).await.json(),
        json!({ "display_name": "Another name", "email": null, "telephone": null })
    );
    for (body, field) in [
        (json!({ "display_name": "" }), "/display_name"),
        (json!({ "display_name": "x", "email": "nowhere" }), "/email"),
        (
            json!({ "display_name": "x", "telephone": "call me" }),
            "/telephone",
        ),
        (json!({ "display_name": "x", "nick": "y" }), "/nick"),
    ] {
        admin
            .put(&path, &body)
            .await
            .problem_at("invalid_body", field);
    }
    // Hidden from who is not cleared, with all that belongs to it.
    let hidden = maker
        .make_with("person", json!({ "marking": "official_sensitive" }))
        .await;
    admin
        .put(
            &format!("{}/details", hidden.path),
            &json!({ "display_name": "x" }),
        )
        .await
        .problem("not_found");
    erase(&app, &hidden).await.problem("not_found");
}

/// After an erasure the name is nowhere; history, chain and post stay.
async fn an_erased_person_is_forgotten(app: TestApp) {
    let maker = Maker::new(&app);
    let someone = maker.make_named("person").await;
    let holding = maker
        .make_with(
            "post_holding",
            json!({ "person_id": someone.id(), "until_on": null }),
        )
        .await;
    let (account, _) = person(&app, "zebedee.quillfeather", Role::Viewer).await;
    let admin = app.keeper(kind("account"));
    admin
        .patch(
            &account.path,
            &account.etag,
            &json!({ "person_id": someone.id() }),
        )
        .await
        .status(200);
    let token = sign_in(&app, "zebedee.quillfeather", PASSWORD)
        .await
        .status(200)
        .json();
    introduce(&app, &someone).await;
    introduce(&app, &someone).await;
    for text in [NAME, EMAIL, "zebedee.quillfeather"] {
        assert!(!traces(&app, text).is_empty(), "the test would see {text}");
    }
    let seq = app.seq().await;
    let erased = erase(&app, &someone).await.status(200).json();
    assert!(erased["erased_at"].is_string() && erased["reference"] == someone.reference());
    assert_eq!(app.seq().await, seq + 2, "of the person and of the account");
    for text in [NAME, EMAIL, TELEPHONE, "zebedee.quillfeather"] {
        assert_eq!(traces(&app, text), Vec::<String>::new(), "{text}");
    }
    // Nobody gets in any more.
    crate::access::me(&app, &token)
        .await
        .problem("unauthenticated");
    sign_in(&app, "zebedee.quillfeather", PASSWORD)
        .await
        .problem("bad_credentials");
    crate::access::refresh(&app, &token)
        .await
        .problem("invalid_grant");
    assert_eq!(admin.get(&account.path).await.json()["status"], "disabled");
    // The record is there, its past too, and nobody can say who it was.
    let details = format!("{}/details", someone.path);
    admin.get(&details).await.problem("not_found");
    admin
        .put(&details, &json!({ "display_name": NAME }))
        .await
        .problem("conflict");
    assert_eq!(admin.get(&someone.path).await.status(200).json(), erased);
    assert_eq!(admin.items("/api/v1/people?erased=true").await.len(), 1);
    let history = admin.items(&format!("{}/history", someone.path)).await;
    assert!(history.len() >= 4, "{history:?}");
    assert_eq!(
        admin.get(&holding.path).await.status(200).json()["person_id"],
        someone.id_text()
    );
    let post = holding.record["post_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    app.role(Role::Viewer)
        .get(&format!("/api/v1/posts/{post}"))
        .await
        .status(200);
    // Once is enough; another time changes nothing.
    let seq = app.seq().await;
    assert_eq!(erase(&app, &someone).await.status(200).json(), erased);
    assert_eq!(app.seq().await, seq);
    let again = json!({ "post_id": post, "person_id": someone.id(), "capacity": "acting", "from_on": "2030-01-01" });
    admin
        .post("/api/v1/post-holdings", &again)
        .await
        .problem_at("rule_violation", "/person_id");
    let mut conn = stride::db::Address::parse(&app.store.url())
        .and_then(|a| a.connect())
        .expect("a connection");
    let report = verify::verify(&mut conn, &[]).expect("it is read");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

/// A withdrawn person can be erased too; nobody erases themselves by mistake.
async fn an_erasure_is_refused_for_ones_own_account_alone(app: TestApp) {
    let maker = Maker::new(&app);
    let admin = app.keeper(kind("account"));
    let gone = maker.make_named("person").await;
    introduce(&app, &gone).await;
    let etag = admin.get(&gone.path).await.etag();
    admin.delete(&gone.path, &etag).await.status(200);
    let erased = erase(&app, &gone).await.status(200).json();
    assert!(erased["withdrawn_at"].is_string() && erased["erased_at"].is_string());
    assert!(traces(&app, NAME).is_empty());

    let (owner, _) = person(&app, "service.owner", Role::Administrator).await;
    let oneself = maker.make_named("person").await;
    introduce(&app, &oneself).await;
    admin
        .patch(
            &owner.path,
            &owner.etag,
            &json!({ "person_id": oneself.id() }),
        )
        .await
        .status(200);
    let token = sign_in(&app, "service.owner", PASSWORD)
        .await
        .status(200)
        .json();
    let client = app
        .client
        .with_token(token["access_token"].as_str().unwrap_or_default());
    client
        .post(&format!("{}/erase", oneself.path), &json!({}))
        .await
        .problem_at("rule_violation", "/status");
    client
        .get(&format!("{}/details", oneself.path))
        .await
        .status(200);
    app.role(Role::Auditor)
        .post(&format!("{}/erase", oneself.path), &json!({}))
        .await
        .problem("forbidden");
    // A system is nobody's account.
    let system =
        json!({ "account_kind": "service", "title": "A system", "person_id": oneself.id() });
    admin
        .post("/api/v1/accounts", &system)
        .await
        .problem_at("rule_violation", "/person_id");
    assert_eq!(
        admin
            .items(&format!("/api/v1/accounts?person_id={}", oneself.id()))
            .await
            .len(),
        1
    );
}

/// A post has one substantive holder at a time; others may stand in.
async fn a_post_has_one_substantive_holder(app: TestApp) {
    let maker = Maker::new(&app);
    let (post, first, second) = (
        maker.make_named("post").await,
        maker.make_named("person").await,
        maker.make_named("person").await,
    );
    let admin = app.keeper(kind("post_holding"));
    let hold = async |person: &Made, capacity: &str, from: &str, until: Option<&str>| {
        let body = json!({ "post_id": post.id(), "person_id": person.id(), "capacity": capacity, "from_on": from, "until_on": until });
        admin.post("/api/v1/post-holdings", &body).await
    };
    let held = hold(&first, "substantive", "2020-01-01", Some("2020-12-31")).await;
    held.status(201);
    hold(&second, "substantive", "2020-12-31", None)
        .await
        .problem_at("rule_violation", "/capacity");
    hold(&second, "acting", "2020-06-01", Some("2020-07-31"))
        .await
        .status(201);
    hold(&second, "temporary", "2020-07-31", Some("2020-08-31"))
        .await
        .problem_at("rule_violation", "/from_on");
    hold(&second, "substantive", "2021-01-01", None)
        .await
        .status(201);
    hold(&first, "acting", "2021-02-01", Some("2021-01-01"))
        .await
        .problem_at("rule_violation", "/until_on");
    // Nor by the back door.
    let path = format!(
        "/api/v1/post-holdings/{}",
        held.json()["id"].as_str().unwrap_or_default()
    );
    admin
        .patch(&path, &held.etag(), &json!({ "until_on": null }))
        .await
        .problem_at("rule_violation", "/capacity");
    admin
        .patch(&path, &held.etag(), &json!({ "person_id": second.id() }))
        .await
        .problem_at("rule_violation", "/person_id");
    let found = async |query: &str| {
        admin
            .items(&format!(
                "/api/v1/post-holdings?post_id={}&{query}",
                post.id()
            ))
            .await
            .len()
    };
    assert_eq!(found("current=true").await, 1);
    assert_eq!(found("on=2020-07-01").await, 2);
    assert_eq!(found("capacity=acting,temporary").await, 1);
    assert_eq!(
        admin
            .items(&format!("/api/v1/post-holdings?person_id={}", first.id()))
            .await
            .len(),
        1
    );
}

/// What was kept by account before people were records of their own is found again.
async fn a_name_kept_by_account_moves_to_a_person(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let id: Uuid = account.id();
    let insert = match app.backend {
        Backend::Sqlite => format!(
            "INSERT INTO people (person_id, display_name) VALUES (x'{}', '{NAME}')",
            id.simple()
        ),
        Backend::Postgres => {
            format!("INSERT INTO people (person_id, display_name) VALUES ('{id}', '{NAME}')")
        }
    };
    let mut conn = stride::db::Address::parse(&app.store.url())
        .and_then(|a| a.connect())
        .expect("a connection");
    conn.batch_execute(&insert).expect("a row of old");
    app.stop().await;
    let app = app.replica().await;
    let admin = app.keeper(kind("account"));
    let person = admin.get(&account.path).await.status(200).json()["person_id"]
        .as_str()
        .expect("a person")
        .to_owned();
    let details = admin
        .get(&format!("/api/v1/people/{person}/details"))
        .await
        .status(200)
        .json();
    assert_eq!(details["display_name"], NAME);
    // Once.
    let seq = app.seq().await;
    assert_eq!(app.replica().await.seq().await, seq);
}

on_both!(
    a_person_is_known_to_administrators_alone,
    an_erased_person_is_forgotten,
    an_erasure_is_refused_for_ones_own_account_alone,
    a_post_has_one_substantive_holder,
    a_name_kept_by_account_moves_to_a_person
);
