//! Two replicas on one PostgreSQL: one order of writes, no lost update, and what one has
//! acknowledged the other knows.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::cluster::{Backend, Database};
use crate::lists::{perhaps, some};
use crate::server::{Client, Server, assert_sound};

const ROUNDS: usize = 25;

/// Two services that found the same empty database at the same moment, and an administrator at
/// each.
fn pair() -> Option<(Database, [Server; 2], [Client; 2])> {
    let database = Database::new(Backend::Postgres)?;
    let (a, b) = (Server::starting(&database), Server::starting(&database));
    let servers = [a.ready(), b.ready()];
    let first = Client::administrator(&database, &servers[0]);
    let second = first.at(&servers[1]);
    Some((database, servers, [first, second]))
}

fn unit(name: &str) -> Value {
    json!({ "title": name, "unit_kind": "unit" })
}

#[tokio::test]
async fn concurrent_writes_at_both_make_one_gapless_chain() {
    let Some((database, _servers, clients)) = pair() else {
        return;
    };
    let before = assert_sound(&database);
    let writers = (0..8).map(|n| {
        let client = clients[n % 2].clone();
        async move {
            for i in 0..ROUNDS {
                client
                    .create("/api/v1/units", &unit(&format!("Unit {n}-{i}")))
                    .await;
            }
        }
    });
    join_all(writers).await;
    assert_eq!(assert_sound(&database), before + 8 * ROUNDS);
    let lists = join_all(clients.iter().map(|c| c.all("/api/v1/units"))).await;
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].len(), 8 * ROUNDS);
    // References are numbered without a repeat, whichever replica gave them.
    let mut references: Vec<&str> = lists[0]
        .iter()
        .map(|u| u["reference"].as_str().unwrap())
        .collect();
    references.dedup();
    assert_eq!(references.len(), 8 * ROUNDS);
}

/// Follows the journal at one replica by its numbers, until everything is written and read.
async fn follow(client: &Client, running: &Cell<usize>) -> Vec<i64> {
    let mut numbers: Vec<i64> = Vec::new();
    loop {
        let is_over = running.get() == 0;
        let after = numbers.last().copied().unwrap_or(0);
        let path = format!("/api/v1/journal?limit=200&cursor={after}");
        let (status, page) = client.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        numbers.extend(items.iter().filter_map(|i| i["seq"].as_i64()));
        if is_over && items.is_empty() {
            return numbers;
        }
    }
}

/// Follows `updated_since` of a list at one replica; the last version seen of each record.
async fn follow_list(client: &Client, running: &Cell<usize>) -> BTreeMap<String, i64> {
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    let mut since = "2000-01-01T00:00:00Z".to_owned();
    loop {
        let is_over = running.get() == 0;
        let path = format!("/api/v1/units?limit=200&sort=updated_at&updated_since={since}");
        let (status, page) = client.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let before = seen.clone();
        let items = page["items"].as_array().unwrap();
        for item in perhaps(items) {
            let version = item["version"].as_i64().unwrap();
            let known = seen.insert(item["id"].as_str().unwrap().to_owned(), version);
            assert!(
                known.unwrap_or(0) <= version,
                "a version came after a later one"
            );
        }
        if let Some(last) = items.last().and_then(|i| i["updated_at"].as_str()) {
            last.clone_into(&mut since);
        }
        if is_over && before == seen {
            return seen;
        }
    }
}

/// Follows what changed since the beginning, by one view after another; the last version seen of
/// each unit.
async fn follow_changes(client: &Client, running: &Cell<usize>) -> BTreeMap<String, i64> {
    loop {
        let is_over = running.get() == 0;
        let mut seen = BTreeMap::new();
        let mut last = i64::MAX;
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/changes?since=2000-01-01&kind=unit&limit=200{cursor}");
            let (status, page) = client.get(&path).await;
            assert_eq!(status, 200, "{page}");
            for item in perhaps(page["items"].as_array().unwrap()) {
                let seq = item["seq"].as_i64().unwrap();
                assert!(seq < last, "a change came twice or out of order");
                last = seq;
                let id = item["record"]["id"].as_str().unwrap().to_owned();
                let again = seen.insert(id, item["version"].as_i64().unwrap());
                assert_eq!(again, None, "a record came twice");
            }
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        if is_over {
            return seen;
        }
    }
}

/// While eight writers work at two replicas, a reader that follows either of them loses and
/// repeats nothing.
#[tokio::test]
async fn a_follower_of_either_replica_misses_nothing() {
    let Some((database, _servers, clients)) = pair() else {
        return;
    };
    let running = Cell::new(8_usize);
    let writers = join_all((0..8).map(|n| {
        let (client, running) = (clients[n % 2].clone(), &running);
        async move {
            for i in 0..ROUNDS {
                let name = format!("Unit {n}-{i}");
                let record = client.create("/api/v1/units", &unit(&name)).await;
                if i % 2 == 0 {
                    let path = format!("/api/v1/units/{}", record["id"].as_str().unwrap());
                    let patch = json!({ "title": format!("Renamed {n}-{i}") });
                    assert_eq!(client.patch(&path, 1, &patch).await.0, 200);
                }
            }
            running.set(running.get() - 1);
        }
    }));
    let journals = join_all(clients.iter().map(|c| follow(c, &running)));
    let lists = join_all(clients.iter().map(|c| follow_list(c, &running)));
    let changes = join_all(clients.iter().map(|c| follow_changes(c, &running)));
    let ((_, journals), (lists, changes)) =
        join(join(writers, journals), join(lists, changes)).await;
    let head = i64::try_from(assert_sound(&database)).unwrap();
    for numbers in some(journals) {
        let first = numbers[0];
        assert_eq!(numbers, (first..=head).collect::<Vec<_>>());
        assert!(first <= head - i64::try_from(8 * ROUNDS).unwrap());
    }
    let units = clients[0].all("/api/v1/units").await;
    let last: BTreeMap<String, i64> = units
        .iter()
        .map(|u| {
            let id = u["id"].as_str().unwrap().to_owned();
            (id, u["version"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(last.len(), 8 * ROUNDS);
    for seen in some(lists.into_iter().chain(changes)) {
        assert_eq!(seen, last);
    }
}

#[tokio::test]
async fn of_concurrent_changes_to_one_version_exactly_one_wins() {
    let Some((database, _servers, clients)) = pair() else {
        return;
    };
    let record = clients[0].create("/api/v1/units", &unit("Contested")).await;
    let path = format!("/api/v1/units/{}", record["id"].as_str().unwrap());
    for round in 0..ROUNDS {
        let version = clients[round % 2].get(&path).await.1["version"]
            .as_i64()
            .unwrap();
        let names: Vec<String> = (0..6)
            .map(|n| format!("Round {round}, writer {n}"))
            .collect();
        let bodies: Vec<Value> = names.iter().map(|name| json!({ "title": name })).collect();
        let attempts = bodies
            .iter()
            .enumerate()
            .map(|(n, body)| clients[n % 2].patch(&path, version, body));
        let answers = join_all(attempts).await;
        let winners: Vec<usize> = (0..6).filter(|n| answers[*n].0 == 200).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert!(
            answers.iter().filter(|a| a.0 == 412).count() == 5,
            "{answers:?}"
        );
        for client in &clients {
            let (_, now) = client.get(&path).await;
            assert_eq!(
                (&now["title"], &now["version"]),
                (&json!(names[winners[0]]), &json!(version + 1))
            );
        }
    }
    assert_sound(&database);
}

#[tokio::test]
async fn what_one_acknowledged_the_other_answers_at_the_next_read() {
    let Some((_database, _servers, clients)) = pair() else {
        return;
    };
    for round in 0..ROUNDS {
        let (here, there) = (&clients[round % 2], &clients[(round + 1) % 2]);
        let record = here
            .create("/api/v1/units", &unit(&format!("Seen {round}")))
            .await;
        let path = format!("/api/v1/units/{}", record["id"].as_str().unwrap());
        assert_eq!(there.get(&path).await, (200, record.clone()));

        let (_, changed) = there.patch(&path, 1, &json!({ "title": "Changed" })).await;
        let (_, page) = here
            .get(&format!(
                "/api/v1/units?reference={}",
                record["reference"].as_str().unwrap()
            ))
            .await;
        assert_eq!(page["items"], json!([changed]));

        here.withdraw(&path, 2).await;
        let (_, page) = there
            .get(&format!(
                "/api/v1/units?reference={}",
                record["reference"].as_str().unwrap()
            ))
            .await;
        assert_eq!(page["items"], json!([]));
    }
}

/// A system's account with a role, and its id.
async fn account(administrator: &Client, role: &str) -> (String, Value, String) {
    let body = json!({ "account_kind": "service", "title": "Dashboard" });
    let account = administrator.create("/api/v1/accounts", &body).await;
    let id = account["id"].as_str().unwrap().to_owned();
    let grant = administrator
        .create("/api/v1/grants", &json!({ "account_id": id, "role": role }))
        .await;
    let secret = administrator
        .create(&format!("/api/v1/accounts/{id}/secrets"), &json!({}))
        .await;
    (
        id,
        grant,
        secret["client_secret"].as_str().unwrap().to_owned(),
    )
}

async fn sign_in(server: &Server, id: &str, secret: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ];
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = request
        .post(format!("http://{}/oauth/token", server.address))
        .form(&form)
        .send();
    crate::server::taken(response.await.unwrap()).await
}

#[tokio::test]
async fn what_one_revokes_the_other_refuses_at_the_next_request() {
    let Some((database, servers, clients)) = pair() else {
        return;
    };
    let [here, _] = &clients;
    // Made at one, it signs in at the other at once.
    let (id, grant, secret) = account(here, "viewer").await;
    let (status, token) = sign_in(&servers[1], &id, &secret).await;
    assert_eq!(status, 200, "{token}");
    let there = Client::new(
        &servers[1],
        token["access_token"].as_str().unwrap().to_owned(),
    );
    assert_eq!(there.get("/api/v1/units").await.0, 200);

    here.withdraw(
        &format!("/api/v1/grants/{}", grant["id"].as_str().unwrap()),
        1,
    )
    .await;
    assert_eq!(
        there.get("/api/v1/units").await.0,
        403,
        "a withdrawn grant still allows"
    );

    here.create(
        "/api/v1/grants",
        &json!({ "account_id": id, "role": "administrator" }),
    )
    .await;
    assert_eq!(there.post("/api/v1/units", &unit("Allowed")).await.0, 201);
    let path = format!("/api/v1/accounts/{id}");
    // Its secret made it version 2.
    let (status, _) = here.patch(&path, 2, &json!({ "status": "disabled" })).await;
    assert_eq!(status, 200);
    assert_eq!(
        there.post("/api/v1/units", &unit("Refused")).await.0,
        401,
        "a disabled account still writes"
    );
    assert_eq!(
        there.get("/api/v1/units").await.0,
        401,
        "a disabled account still reads"
    );
    assert_eq!(
        sign_in(&servers[1], &id, &secret).await.0,
        401,
        "a disabled account is given tokens"
    );

    let (status, _) = here.patch(&path, 3, &json!({ "status": "active" })).await;
    assert_eq!(status, 200);
    assert_eq!(there.get("/api/v1/units").await.0, 200);
    let later = chrono::Utc::now() + chrono::Duration::seconds(1);
    let (status, _) = here
        .patch(&path, 4, &json!({ "tokens_valid_from": later }))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        there.get("/api/v1/units").await.0,
        401,
        "an ended token still reads"
    );
    assert_sound(&database);
}
