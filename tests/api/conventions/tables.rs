//! Lists as tables.

use stride::registers::catalogue;

use super::several;
use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// CSV and Excel, by `?format=` and by Accept: a column for each field, a row for each record of
/// the same list.
async fn a_list_is_answered_as_a_table(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        several(&maker, kind).await;
        let client = maker.client(kind);
        let path = collection(kind);
        let csv = client
            .get(&format!("{path}?format=csv&sort=-created_at"))
            .await;
        assert_eq!(
            csv.status(200).header("content-type"),
            "text/csv; charset=utf-8; header=present"
        );
        assert_eq!(
            csv.header("content-disposition"),
            format!("attachment; filename=\"{}.csv\"", kind.path)
        );
        let mut reader = csv::Reader::from_reader(csv.body.as_slice());
        let header: Vec<String> = reader
            .headers()
            .expect("a header")
            .iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(header, kind.columns(), "{}", kind.name);
        let rows: Vec<csv::StringRecord> =
            reader.records().collect::<Result<_, _>>().expect("rows");
        let items = client
            .items(&format!("{path}?limit=200&sort=-created_at"))
            .await;
        assert_eq!(
            rows.iter().map(|r| &r[0]).collect::<Vec<_>>(),
            items
                .iter()
                .filter_map(|i| i["id"].as_str())
                .collect::<Vec<_>>()
        );
        let mut fields: Vec<&String> = items[0].as_object().expect("a record").keys().collect();
        let mut named: Vec<&String> = header.iter().collect();
        fields.sort();
        named.sort();
        assert_eq!(named, fields, "{}: a column for each field", kind.name);
        let accepted = client
            .ask("GET", &format!("{path}?sort=-created_at"))
            .header("accept", "text/csv")
            .send()
            .await;
        assert_eq!(accepted.status(200).body, csv.body);
        assert_ne!(
            accepted.etag(),
            client.get(&format!("{path}?sort=-created_at")).await.etag(),
            "each form has a tag of its own"
        );
        let book = client.get(&format!("{path}?format=xlsx")).await;
        assert_eq!(book.status(200).header("content-type"), XLSX);
        assert!(
            book.body.starts_with(b"PK\x03\x04") && book.body.len() > 1_000,
            "{}",
            kind.name
        );
        let accepted = client.ask("GET", &path).header("accept", XLSX).send().await;
        assert_eq!(accepted.status(200).header("content-type"), XLSX);
        client
            .get(&format!("{path}?format=pdf"))
            .await
            .problem_at("invalid_query", "?format");
        client
            .ask("GET", &path)
            .header("accept", "image/png")
            .send()
            .await
            .problem("not_acceptable");
    }
}

/// A cell that a spreadsheet would take for a formula is defused.
async fn a_cell_is_never_a_formula(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker
        .make_with(
            "unit",
            serde_json::json!({ "title": "=cmd|' /C calc'!A0", "description": "a,\"b\"\nc" }),
        )
        .await;
    let csv = maker
        .client(unit.kind)
        .get("/api/v1/units?format=csv")
        .await;
    let mut reader = csv::Reader::from_reader(csv.status(200).body.as_slice());
    let header = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("a row");
    let cell = |name: &str| {
        header
            .iter()
            .position(|h| h == name)
            .map(|n| row[n].to_owned())
    };
    assert!(
        cell("title").is_some_and(|n| n.starts_with("'=cmd")),
        "{row:?}"
    );
    assert_eq!(cell("description").as_deref(), Some("a,\"b\"\nc"));
}

on_both!(a_list_is_answered_as_a_table, a_cell_is_never_a_formula);
