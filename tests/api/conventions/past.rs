//! Asked for the past, the service answers as it did then.

use chrono::{Duration, SecondsFormat, Utc};
use serde_json::Value;
use stride::registers::catalogue;
use stride::world::Kind;

use super::filters::filters;
use super::{ids, several};
use crate::support::client::escaped;
use crate::support::maker::{Made, Maker, collection};
use crate::support::{Client, TestApp, some};

/// Every list of a kind: plain, in each order, and with each filter.
async fn queries(client: &Client, kind: &Kind) -> Vec<String> {
    let path = collection(kind);
    let records = client
        .items(&format!("{path}?limit=200&include_withdrawn=true"))
        .await;
    let mut all = vec![String::new(), "include_withdrawn=true".into(), "q=a".into()];
    all.extend(kind.sorts.iter().map(|s| format!("sort=-{s}")));
    all.extend(
        filters(kind, &records)
            .iter()
            .map(|f| format!("{}={}", f.name, escaped(&f.value))),
    );
    all.iter()
        .map(|q| format!("{path}?limit=200&include_total=true&{q}"))
        .collect()
}

/// The last journal entry's time, as `as_of` takes it.
async fn moment(app: &TestApp) -> String {
    let at = app.service.engine.fresh().await.expect("the world").at;
    escaped(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

/// What a later day brings: another record, a change, a withdrawal.
async fn go_on(maker: &Maker<'_>, kind: &'static Kind, made: &[Made]) {
    let client = maker.client(kind);
    maker.make(kind).await;
    if !kind.append_only {
        let etag = client.get(&made[0].path).await.etag();
        client
            .patch(&made[0].path, &etag, &maker.patch())
            .await
            .status(200);
    }
    let etag = client.get(&made[1].path).await.etag();
    client.delete(&made[1].path, &etag).await.status(200);
}

/// Every list and every record, asked for as of a moment, is what it was at that moment; as of now
/// it is what it is.
async fn the_past_is_answered_as_it_was(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = several(&maker, kind).await;
        let client = maker.client(kind);
        let mut then: Vec<(String, Value)> = Vec::new();
        for query in queries(&client, kind).await {
            let answer = client.get(&query).await.status(200).json();
            then.push((query, answer));
        }
        let records: Vec<Value> = {
            let mut all = Vec::new();
            for m in &made {
                all.push(client.get(&m.path).await.status(200).json());
            }
            all
        };
        let at = moment(&app).await;
        go_on(&maker, kind, &made).await;
        for (query, answer) in &then {
            let past = client
                .get(&format!("{query}&as_of={at}"))
                .await
                .status(200)
                .json();
            assert_eq!(&past, answer, "{query} as of {at}");
            let (plain, now) = (client.get(query).await.json(), moment(&app).await);
            let same = client
                .get(&format!("{query}&as_of={now}"))
                .await
                .status(200)
                .json();
            assert_eq!(same, plain, "{query} as of {now}");
        }
        // A day means its end: today is now.
        let (path, today) = (collection(kind), Utc::now().date_naive());
        let same = client
            .get(&format!("{path}?as_of={today}"))
            .await
            .status(200)
            .json();
        assert_eq!(same, client.get(&path).await.json(), "{path} as of {today}");
        for (m, record) in made.iter().zip(&records) {
            let past = client.get(&format!("{}?as_of={at}", m.path)).await;
            assert_eq!(&past.status(200).json(), record, "{}", kind.name);
            assert_eq!(past.etag(), format!("\"{}\"", record["version"]));
        }
        let csv = client
            .get(&format!("{}?format=csv&as_of={at}", collection(kind)))
            .await
            .status(200)
            .text();
        assert!(
            csv.contains(made[1].id_text()),
            "{}: a table of the past",
            kind.name
        );
    }
}

/// Before it was made a record was not there.
async fn before_the_beginning_there_was_nothing(app: TestApp) {
    let maker = Maker::new(&app);
    let before = moment(&app).await;
    let long_ago = escaped(&(Utc::now() - Duration::days(10_000)).to_rfc3339());
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        for at in [&before, &long_ago] {
            client
                .get(&format!("{}?as_of={at}", made.path))
                .await
                .problem("not_found");
            let list = client
                .get(&format!(
                    "{}?as_of={at}&include_withdrawn=true",
                    collection(kind)
                ))
                .await;
            assert!(
                !ids(&list.status(200).json()).contains(&made.id_text().to_owned()),
                "{}",
                kind.name
            );
        }
        // Its very moment counts.
        let at = escaped(made.record["created_at"].as_str().unwrap_or_default());
        assert_eq!(
            client
                .get(&format!("{}?as_of={at}", made.path))
                .await
                .status(200)
                .json()["id"],
            made.record["id"]
        );
        client
            .get(&format!("{}?as_of=9999-01-01", made.path))
            .await
            .problem_at("invalid_query", "?as_of");
    }
}

/// A page of the past goes on in the past.
async fn pages_of_the_past_go_on_in_the_past(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = several(&maker, kind).await;
        let client = maker.client(kind);
        let path = format!("{}?as_of={}", collection(kind), moment(&app).await);
        let whole = ids(&client
            .get(&format!("{path}&limit=200"))
            .await
            .status(200)
            .json());
        let first = client
            .get(&format!("{path}&limit=2"))
            .await
            .status(200)
            .json();
        go_on(&maker, kind, &made).await;
        let cursor = first["next_cursor"].as_str().expect("a second page");
        let rest = client
            .get(&format!("{path}&limit=200&cursor={cursor}"))
            .await
            .status(200)
            .json();
        assert_eq!([ids(&first), ids(&rest)].concat(), whole, "{}", kind.name);
    }
}

on_both!(
    the_past_is_answered_as_it_was,
    before_the_beginning_there_was_nothing,
    pages_of_the_past_go_on_in_the_past
);
