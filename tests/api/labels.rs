//! People read labels: no code is left in what is rendered for them, whatever the example data has.

use std::collections::BTreeSet;

use quick_xml::events::Event;
use serde_json::Value;
use stride::policy::Role;
use stride::registers::catalogue;

use crate::support::document::operations;
use crate::support::maker::collection;
use crate::support::{Client, TestApp, some, workbook};
use crate::views::{addresses_of, world};

/// Columns whose values are identifiers by nature: of records, fields, dates, rows, sections and
/// rules, and the statement of a contradiction as programs compare it, whose words are next to it.
const IDENTIFIERS: [&str; 9] = [
    "id",
    "reference",
    "code",
    "uid",
    "key",
    "pointer",
    "group",
    "sections",
    "empty sections",
];

/// Columns with the words of a source or of the person who recorded them, the frozen content of
/// papers, and values as they were recorded, which may be whole lists in JSON.
const WORDS: [&str; 17] = [
    "name",
    "title",
    "text",
    "note",
    "source text",
    "stated status",
    "state words",
    "key considerations",
    "narrative",
    "content",
    "markdown",
    "reason",
    "computed reason",
    "label",
    "before",
    "after",
    // Names of fields, for a program that closes a finding.
    "fields",
];

/// Whether a field has other things than codes.
fn is_free(field: &str) -> bool {
    let field = field.replace('_', " ").to_lowercase();
    IDENTIFIERS.contains(&field.as_str()) || WORDS.contains(&field.as_str())
}

/// Records of each kind whose history is read.
const HISTORIES: usize = 4;

/// Every code that people read a label for.
fn codes() -> BTreeSet<String> {
    let all = stride::app::vocabularies();
    let terms = all.into_iter().flat_map(|v| v.terms);
    let mut codes: BTreeSet<String> = terms
        .filter(|t| t.label != t.code)
        .map(|t| t.code)
        .collect();
    // Also the word for an empty list, or for nothing at all.
    codes.remove("none");
    assert!(codes.len() > 300 && codes.contains("in_progress"));
    codes
}

/// The codes of several words in a text, and the text itself if it is a code.
fn codes_in<'a>(text: &'a str, codes: &BTreeSet<String>) -> Vec<&'a str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|w| w.contains('_'));
    let whole = text.split("; ").map(str::trim);
    words
        .chain(whole)
        .filter(|word| codes.contains(*word))
        .collect()
}

fn fails(found: &BTreeSet<String>) {
    let lines: Vec<&str> = found.iter().map(String::as_str).collect();
    assert!(found.is_empty(), "codes for people:\n{}", lines.join("\n"));
}

/// What a workbook shows as codes.
fn in_workbook(address: &str, book: &[u8], codes: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let rows = workbook::rows(book);
    let Some((head, rows)) = rows.split_first() else {
        return;
    };
    for row in rows {
        for (name, cell) in head.iter().zip(row) {
            let field = name.rsplit('.').next().unwrap_or(name);
            // An object is written as JSON, for programs.
            let is_object = cell.starts_with('{') || cell.starts_with("[{");
            if is_free(field) || is_object {
                continue;
            }
            for code in codes_in(cell, codes) {
                found.insert(format!("{address} {name}: {code}"));
            }
        }
    }
}

/// The lists of every kind, and every view that offers one.
async fn no_workbook_has_codes(app: TestApp) {
    let (codes, mut found) = (codes(), BTreeSet::new());
    let auditor = app.role(Role::Auditor);
    let lists = catalogue()
        .kinds()
        .iter()
        .map(|k| format!("{}?format=xlsx", collection(k)));
    let world = world(&app).await;
    let views = addresses_of(&world, &["xlsx"]);
    assert!(views.len() > 20, "{views:?}");
    let mut cells = 0;
    for address in some(lists.chain(views)) {
        let book = auditor.get(&address).await.status(200).body.clone();
        cells += workbook::rows(&book).iter().map(Vec::len).sum::<usize>();
        in_workbook(&address, &book, &codes, &mut found);
    }
    assert!(cells > 10_000, "{cells} cells");
    fails(&found);
}

/// The texts between the tags of a page.
fn texts(page: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(page);
    reader.config_mut().check_end_names = false;
    let mut all = vec![String::new()];
    loop {
        let more = match reader.read_event().expect("markup") {
            Event::Text(t) => t.decode().expect("text").into_owned(),
            Event::GeneralRef(r) => format!("&{};", r.decode().expect("a name")),
            Event::Eof => break,
            _ => {
                all.push(String::new());
                continue;
            }
        };
        if let Some(last) = all.last_mut() {
            last.push_str(&more);
        }
    }
    all.retain(|text| !text.trim().is_empty());
    all
}

/// Markdown without the addresses of its links, which follow the text.
fn without_addresses(text: &str) -> String {
    let is_address = |line: &&str| line.starts_with('[') && line.contains("]: /");
    let lines = text.lines().filter(|line| !is_address(line));
    lines.collect::<Vec<_>>().join("\n")
}

async fn content(client: &Client, id: &str, format: &str) -> Vec<u8> {
    let address = format!("/api/v1/papers/{id}/content?format={format}");
    client.get(&address).await.status(200).body.clone()
}

/// Every paper, in every form that people read.
async fn no_paper_has_codes(app: TestApp) {
    let (codes, mut found) = (codes(), BTreeSet::new());
    let auditor = app.role(Role::Auditor);
    let papers = auditor.items("/api/v1/papers").await;
    assert!(papers.len() > 1);
    for paper in some(&papers) {
        let id = paper["id"].as_str().expect("an id");
        let reference = paper["reference"].as_str().expect("a reference");
        let markdown = String::from_utf8(content(&auditor, id, "markdown").await).expect("text");
        let html = String::from_utf8(content(&auditor, id, "html").await).expect("text");
        let docx = content(&auditor, id, "docx").await;
        let document = crate::papers::forms::part(&docx, "word/document.xml");
        let cells = without_addresses(&markdown);
        let cells = cells.split(['|', '\n']).map(str::to_owned);
        let forms = [
            ("markdown", cells.collect::<Vec<_>>()),
            ("html", texts(&html)),
            ("docx", texts(&document)),
        ];
        for (form, texts) in forms {
            assert!(texts.len() > 50, "{form}");
            for text in &texts {
                assert!(!text.contains("/api/"), "{form}: {text}");
                for code in codes_in(text, &codes) {
                    found.insert(format!("{reference} {form}: {code} in {text}"));
                }
            }
        }
    }
    fails(&found);
}

/// Some records of every kind.
async fn no_history_has_codes(app: TestApp) {
    let (codes, mut found) = (codes(), BTreeSet::new());
    let auditor = app.role(Role::Auditor);
    let mut labelled = 0;
    for kind in some(catalogue().kinds()) {
        let items = auditor.items(&collection(kind)).await;
        for item in items.iter().take(HISTORIES) {
            let path = format!(
                "{}/{}/history",
                collection(kind),
                item["id"].as_str().expect("an id")
            );
            let text = auditor
                .get(&format!("{path}?format=markdown"))
                .await
                .status(200)
                .text();
            for line in text.lines().filter_map(|l| l.strip_prefix("- ")) {
                let (field, value) = line.split_once(": ").unwrap_or(("", line));
                if is_free(field) {
                    continue;
                }
                let value = value.replace('\\', "");
                for code in value.split(" → ").flat_map(|v| codes_in(v, &codes)) {
                    found.insert(format!("{} {line}: {code}", kind.name));
                }
            }
            let history = auditor.items(&path).await;
            let changes = history
                .iter()
                .filter_map(|v| v["changes"].as_array())
                .flatten();
            labelled += changes
                .filter(|c| c["after_label"] != Value::Null)
                .inspect(|c| assert_ne!(c["after"], Value::Null, "{c:#}"))
                .count();
        }
    }
    assert!(labelled > 100, "{labelled} labels are in histories");
    fails(&found);
}

/// A column of codes has the labels of one field: where views call it by another name, they say so.
#[test]
fn every_view_is_in_the_book_of_codes() {
    let views = operations().into_iter().filter(|o| {
        let tags = o.operation["tags"].as_array();
        tags.is_some_and(|tags| tags.iter().any(|t| t == "Views"))
    });
    let (mut with_codes, mut without) = (0, Vec::new());
    for view in views {
        let content = &view.operation["responses"]["200"]["content"]["application/json"];
        let to = content["schema"]["$ref"].as_str().unwrap_or_default();
        let name = to.rsplit('/').next().unwrap_or_default();
        let codes = stride::app::codes(name);
        let known = ["kind", "severity", "status", "state", "unit_kind", "rag"];
        if known.iter().any(|field| !codes.anywhere(field).is_empty()) {
            with_codes += 1;
        } else {
            without.push(name.to_owned());
        }
    }
    assert!(with_codes > 15, "without codes: {without:?}");
}

on_papers!(
    no_workbook_has_codes,
    no_paper_has_codes,
    no_history_has_codes
);
