//! What search finds, which names are the same and how texts are ordered, for every kind.

use serde_json::{Value, json};
use stride::registers::catalogue;
use stride::world::Kind;

use super::ids;
use crate::support::client::escaped;
use crate::support::document::{follow, resolve};
use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

/// A text as word processors write it.
const WRITTEN: &str = "É O’N–1ﬁ";

/// How people look for it.
const SOUGHT: [&str; 6] = ["o'n-1fi", "O’N—1FI", "e", "É", "e\u{301}", "Ｏ'n"];

/// Fields that search leaves out: digests, types of files, and what is elsewhere in another form.
const UNSEARCHED: [&str; 3] = [
    "account /external_id",
    "document_version /media_type",
    "paper_issue /content",
];

/// The name of the form in which a kind is sent.
fn input_of(kind: &Kind) -> &'static Value {
    let name = format!("#/components/schemas/{}Input", kind.schema_name);
    follow(resolve(&name).expect("an input form"))
}

/// The kinds of records that callers create.
fn creatable() -> impl Iterator<Item = &'static Kind> {
    catalogue().kinds().iter().filter(|k| k.offers_create)
}

/// The longest field of the kind that takes any text, and that its example has.
fn plain_text(kind: &Kind) -> Option<(String, u64)> {
    let example = (kind.example)();
    let properties = input_of(kind)["properties"].as_object()?;
    let plain = |(name, schema): (&String, &Value)| {
        let is_plain = ["pattern", "format", "enum"]
            .iter()
            .all(|word| schema.get(*word).is_none());
        let most = schema["maxLength"].as_u64().filter(|_| is_plain)?;
        example[name].as_str().map(|_| (name.clone(), most))
    };
    properties
        .iter()
        .filter_map(plain)
        .max_by_key(|(_, most)| *most)
}

/// A text is found however its apostrophes, dashes and accents are typed.
async fn search_finds_what_people_mean(app: TestApp) {
    let maker = Maker::new(&app);
    let mut tried = 0;
    for kind in some(creatable()) {
        let Some((field, _)) = plain_text(kind) else {
            continue;
        };
        let made = maker
            .make_with(kind.name, json!({ field.as_str(): WRITTEN }))
            .await;
        tried += 1;
        for sought in SOUGHT {
            let path = format!("{}?q={}&limit=200", collection(kind), escaped(sought));
            let page = maker.client(kind).get(&path).await.status(200).json();
            assert!(
                ids(&page).contains(&made.id_text().to_owned()),
                "{}: {field} {WRITTEN:?} is not found as {sought:?}",
                kind.name
            );
        }
        let path = format!("{}?q=on1fi", collection(kind));
        let page = maker.client(kind).get(&path).await.status(200).json();
        assert!(ids(&page).is_empty(), "{}: {page:#}", kind.name);
    }
    assert!(tried > 3, "{tried} kinds");
}

/// A value for every field of a schema, with a word of its own in each text.
fn filled(schema: &'static Value, at: &str, words: &mut Vec<(String, String)>) -> Value {
    if let Some(options) = schema["oneOf"].as_array() {
        let options: Vec<_> = options.iter().filter(|o| o["type"] != "null").collect();
        return filled(options.last().expect("an option"), at, words);
    }
    let schema = follow(schema);
    if schema["oneOf"].is_array() {
        return filled(schema, at, words);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = json!({});
        for part in parts {
            let part = filled(part, at, words);
            let object = whole.as_object_mut().expect("an object");
            object.extend(part.as_object().expect("an object").clone());
        }
        return whole;
    }
    if let Some(properties) = schema["properties"].as_object() {
        let field =
            |(name, s): (&String, _)| (name.clone(), filled(s, &format!("{at}/{name}"), words));
        return Value::Object(properties.iter().map(field).collect());
    }
    if let Some(code) = schema["enum"].as_array().and_then(|e| e.first()) {
        return code.clone();
    }
    let is = |what: &str| {
        schema["type"] == what || schema["type"].as_array().is_some_and(|t| t[0] == what)
    };
    if is("array") {
        return json!([filled(&schema["items"], at, words)]);
    }
    if is("string") {
        match schema["format"].as_str() {
            Some("uuid") => return json!("019abcde-0000-7000-8000-000000000001"),
            Some("date") => return json!("2020-10-26"),
            Some("date-time") => return json!("2020-10-26T09:00:00Z"),
            _ => {}
        }
        let word = format!("uq{}x", words.len());
        let pattern = schema["pattern"].as_str().unwrap_or_default();
        let value = match pattern {
            // Periods, numbers of telephones and languages have no words.
            _ if pattern.starts_with("^[0-9]{4}") => return json!("2020"),
            _ if pattern.starts_with("^[0-9+") => return json!("020"),
            _ if pattern.starts_with("^[a-z]{2,3}") => return json!("en-GB"),
            _ if pattern.starts_with("^https") => format!("https://example.org/{word}"),
            _ => word.clone(),
        };
        words.push((at.to_owned(), word));
        return json!(value);
    }
    if is("boolean") {
        return json!(false);
    }
    if is("integer") || is("number") {
        return schema.get("minimum").cloned().unwrap_or(json!(1));
    }
    json!({})
}

/// Search covers every text of every kind, except those that a field leaves out.
#[test]
fn search_covers_every_text() {
    let mut left_out = Vec::new();
    for kind in some(catalogue().kinds()) {
        let mut words = Vec::new();
        let whole = format!("#/components/schemas/{}", kind.schema_name);
        let mut record = filled(resolve(&whole).expect("a record"), "", &mut words);
        // What callers set; what the service computes from it is not searched again.
        let own = &input_of(kind)["properties"];
        words.retain(|(at, _)| own.get(at.split('/').nth(1).unwrap_or_default()).is_some());
        for (name, value) in [
            ("id", json!("019abcde-0000-7000-8000-000000000009")),
            ("version", json!(1)),
            ("marking", json!("official")),
            ("created_at", json!("2020-10-26T09:00:00Z")),
            ("updated_at", json!("2020-10-26T09:00:00Z")),
            ("withdrawn_at", Value::Null),
        ] {
            record[name] = value;
        }
        let parsed = (kind.parse)(&record.to_string(), kind.shape, 1, kind.index);
        let parsed = parsed.unwrap_or_else(|e| panic!("{}: {e}\n{record:#}", kind.name));
        assert!(
            words.iter().any(|(at, _)| at == "/reference"),
            "{}",
            kind.name
        );
        for (at, word) in words {
            if !parsed.text().contains(&word) {
                left_out.push(format!("{} {at}", kind.name));
            }
        }
    }
    left_out.sort();
    assert_eq!(left_out, UNSEARCHED);
}

/// References are ordered by the values of the numbers in them, at every size of a page.
async fn numbers_in_references_count(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let client = maker.client(kind);
        let wanted = ["zz-9", "ZZ-10", "ZZ-200", "ZZ-10000"];
        for reference in ["ZZ-10000", "zz-9", "ZZ-200", "ZZ-10"] {
            let mut draft = maker.draft(kind).await;
            draft["reference"] = json!(reference);
            maker.create(kind, &draft).await;
        }
        for limit in [1, 3, 200] {
            let mut path = format!("{}?sort=reference&limit={limit}", collection(kind));
            let mut found = Vec::new();
            loop {
                let reply = client.get(&path).await;
                let page = reply.status(200).json();
                for item in page["items"].as_array().expect("items") {
                    let reference = item["reference"].as_str().expect("a reference");
                    if reference.to_uppercase().starts_with("ZZ-") {
                        found.push(reference.to_owned());
                    }
                }
                let Some(link) = reply.header_if("link") else {
                    break;
                };
                path = linked(link).to_owned();
            }
            assert_eq!(found, wanted, "{}, {limit} at a time", kind.name);
        }
        let found = client
            .items(&format!("{}?reference=Zz-9", collection(kind)))
            .await;
        assert_eq!(found.len(), 1, "{}", kind.name);
        if kind.offers_create {
            let mut draft = maker.draft(kind).await;
            draft["reference"] = json!("ZZ-9");
            client
                .post(&collection(kind), &draft)
                .await
                .problem_at("reference_taken", "/reference");
        }
    }
}

/// The path in a `Link` to the next page.
pub fn linked(link: &str) -> &str {
    let path = link.strip_prefix('<').and_then(|l| l.split_once('>'));
    path.expect("a link").0
}

/// Titles are ordered as people read.
async fn titles_are_in_the_order_of_people(app: TestApp) {
    let maker = Maker::new(&app);
    let wanted = ["Ebb 9", "ebb 10", "Écoute", "Forum", "O'Neil", "O’Neill"];
    for kind in some(catalogue().kinds()) {
        if !kind.sorts.contains(&"title") || !kind.offers_create {
            continue;
        }
        for title in ["O’Neill", "Écoute", "ebb 10", "Forum", "O'Neil", "Ebb 9"] {
            maker.make_with(kind.name, json!({ "title": title })).await;
        }
        let path = format!("{}?sort=title&limit=200", collection(kind));
        let items = maker.client(kind).items(&path).await;
        let found: Vec<&str> = items
            .iter()
            .filter_map(|i| i["title"].as_str())
            .filter(|t| wanted.contains(t))
            .collect();
        assert_eq!(found, wanted, "{}", kind.name);
    }
}

/// Where a name must differ from another, it must differ to people.
async fn a_name_in_another_form_is_the_same_name(app: TestApp) {
    let maker = Maker::new(&app);
    let mut refused_kinds = 0;
    for kind in some(creatable()) {
        let name = ["title", "label", "version_label"]
            .into_iter()
            .find(|name| {
                let named = &(kind.example)()[*name];
                named.is_string() && input_of(kind)["properties"].get(*name).is_some()
            });
        let Some(name) = name else { continue };
        let mut draft = maker.draft(kind).await;
        draft[name] = json!("Café O’N–1");
        maker.create(kind, &draft).await;
        let client = maker.client(kind);
        let same = client.post(&collection(kind), &draft).await;
        let errors = |reply: &crate::support::client::Reply| {
            let body = reply.json();
            let errors = body["errors"].as_array().cloned().unwrap_or_default();
            let place = |e: &Value| (e["pointer"].clone(), e["code"].clone());
            errors.iter().map(place).collect::<Vec<_>>()
        };
        if same.status == 201 {
            continue;
        }
        draft[name] = json!(" cafe  O'N-1");
        let other = client.post(&collection(kind), &draft).await;
        assert_eq!(
            errors(&other),
            errors(&same),
            "{}: {}",
            kind.name,
            other.text()
        );
        draft[name] = json!("Another 1");
        if client.post(&collection(kind), &draft).await.status == 201 {
            refused_kinds += 1;
        }
    }
    assert!(
        refused_kinds >= 5,
        "{refused_kinds} kinds have names that must differ"
    );
}

/// The link to the next page is accepted whatever was asked for, however long and in whatever script.
async fn the_next_page_is_always_accepted(app: TestApp) {
    let maker = Maker::new(&app);
    let texts = [
        "😀".repeat(200),
        "'\"<>&%+#?,;:/\\ ".repeat(13),
        "é".repeat(200),
        "漢".repeat(199),
        "%25%2C a=b&c=d ".repeat(13),
        "\u{1F469}\u{200D}\u{1F680}".repeat(60),
        "ﷺ".repeat(180),
        "x".repeat(200),
    ];
    let long = |kind| Some((kind, plain_text(kind).filter(|(_, n)| *n >= 200)?));
    for ((kind, (field, _)), n) in some(creatable().filter_map(long).zip(0..)) {
        let client = maker.client(kind);
        let text: String = texts[n % texts.len()].chars().take(199).collect();
        // The second differs, where two must.
        for text in [text.clone(), format!("{text}2")] {
            let mut draft = maker.draft(kind).await;
            draft[&field] = json!(text);
            maker.create(kind, &draft).await;
        }
        let sorts = kind.sorts.iter().take(10).map(|s| format!("-{s}"));
        let first = format!(
            "{}?limit=1&include_withdrawn=true&include_total=true&sort={}&q={}",
            collection(kind),
            sorts.collect::<Vec<_>>().join(","),
            escaped(&text)
        );
        let first = client.get(&first).await;
        let page = first.status(200).json();
        assert_eq!(page["total"], 2, "{} {field} {text}", kind.name);
        let cursor = page["next_cursor"].as_str().expect("a cursor");
        assert!(
            cursor.len() <= 2_000,
            "{}: {} long",
            kind.name,
            cursor.len()
        );
        let next = client.get(linked(first.header("link"))).await;
        assert_ne!(ids(&page), ids(&next.status(200).json()), "{}", kind.name);
    }
}

on_both!(
    search_finds_what_people_mean,
    numbers_in_references_count,
    titles_are_in_the_order_of_people,
    a_name_in_another_form_is_the_same_name,
    the_next_page_is_always_accepted,
);
