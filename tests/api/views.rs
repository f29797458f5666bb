//! What holds for every view: each GET operation under "Views" of the OpenAPI document, whatever it
//! shows.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};
use stride::db::store;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::visible::{Clearance, cleared};
use stride::world::{Kind, Link, Marking, Table, World};
use uuid::Uuid;

use crate::support::client::escaped;
use crate::support::document::{Described, operations};
use crate::support::maker::{Maker, collection, kind, links_of};
use crate::support::{Client, TestApp, some};

/// The day by which the views judge: soon after the second paper's, so that little is overdue
/// merely by age.
const DAY: &str = "2020-11-02";
/// The day of the first paper, to compare with.
const EARLIER: &str = "2017-06-30";

/// Records of a kind that a view with an id in its path is asked about.
const ASKED_ABOUT: usize = 3;

/// An issue has the marking of its paper. The paper is marked first, so callers without clearance
/// can no longer see it.
const ISSUE: &str = "paper_issue";

/// How the reference of every record begins that is marked here.
const MARKED: &str = "HIDDEN-FROM-VIEWERS";

/// Every view.
fn views() -> Vec<Described> {
    let is_view = |o: &Described| {
        o.method == "GET"
            && o.operation["tags"]
                .as_array()
                .is_some_and(|t| t.contains(&json!("Views")))
    };
    let found: Vec<Described> = operations().into_iter().filter(is_view).collect();
    assert!(found.len() > 20, "{} views are found", found.len());
    found
}

/// The live records of a kind that everybody may know of, what most others point to first.
fn known(world: &World, kind: &Kind) -> Vec<Uuid> {
    let rows = world.table(kind.index).into_iter().flat_map(|t| t.rows());
    let open =
        rows.filter(|r| r.meta().withdrawn_at.is_none() && r.meta().marking == Marking::Official);
    let mut all: Vec<Uuid> = open.map(|r| r.meta().id).collect();
    all.sort_by_key(|id| std::cmp::Reverse(world.pointing_count(*id)));
    all
}

/// The head and the rows of a table.
fn table(csv: &[u8]) -> (Vec<String>, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_reader(csv);
    let head = reader.headers().expect("a head").iter();
    let head = head.map(str::to_owned).collect();
    let rows: Result<_, _> = reader.records().collect();
    (head, rows.expect("rows of one length"))
}

/// A view as a table has the same columns whatever its rows, no JSON in a cell, and all of its rows,
/// whatever the size of a page.
async fn a_view_is_a_whole_table(app: TestApp) {
    let world = world(&app).await;
    let (client, mut paged) = (app.role(Role::Viewer), 0);
    for address in some(addresses_of(&world, &["csv"])) {
        let reply = client.get(&address).await;
        let (head, rows) = table(&reply.status(200).body);
        for (name, cell) in rows.iter().flat_map(|row| head.iter().zip(row)) {
            // A changed field may have any form.
            let is_free = ["before", "after"].contains(&name.as_str());
            assert!(
                is_free || !cell.starts_with(['{', '[']),
                "{address} {name}: {cell}"
            );
        }
        // The columns of a matrix are records.
        let path = address.split('?').next().unwrap_or_default();
        if !path.contains("/coverage/") && !address.contains("compare_to") && !has_id(path) {
            let before = client
                .get(&format!("{path}?format=csv&as_of=1970-01-02T00:00:00Z"))
                .await;
            assert_eq!(table(&before.status(200).body).0, head, "{address}");
        }
        if address.contains("limit=200") {
            let small = client.get(&address.replace("limit=200", "limit=1")).await;
            assert_eq!(
                table(&small.status(200).body).1.len(),
                rows.len(),
                "{address}"
            );
            let address = address.replace("format=csv", "format=json");
            one_at_a_time(&client, &address.replace("limit=200", "limit=1")).await;
            let page = client.get(&address).await.status(200).json();
            let items = page["items"].as_array().map_or(0, Vec::len);
            assert!(rows.len() >= items, "{address}");
            if let Some(total) = page["total"].as_u64() {
                // A changed record has a row for each changed field.
                assert!(rows.len() as u64 >= total, "{address}");
            }
            paged += 1;
        }
    }
    assert!(paged > 3, "{paged} views have pages");
}

/// The next pages of a view are accepted, and none shows what an earlier one has.
async fn one_at_a_time(client: &Client, address: &str) {
    let (mut path, mut seen) = (address.to_owned(), Vec::new());
    for _ in 0..3 {
        let page = client.get(&path).await.status(200).json();
        let item = page["items"][0].clone();
        assert!(!seen.contains(&item), "{path}: {item}");
        seen.push(item);
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("{address}&cursor={}", escaped(cursor));
    }
}

fn has_id(path: &str) -> bool {
    path.split('/').any(|part| Uuid::try_parse(part).is_ok())
}

/// Every address at which a view is asked: with the ids of fitting records, compared with an
/// earlier time where it offers that, and in every form that is text.
fn addresses(world: &World) -> Vec<String> {
    addresses_in(world, |word| word != "xlsx")
}

/// The same in these formats, where they are offered.
pub fn addresses_of(world: &World, formats: &[&str]) -> Vec<String> {
    addresses_in(world, |word| formats.contains(&word))
}

fn addresses_in(world: &World, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut all = Vec::new();
    for view in some(views()) {
        let name = view.name();
        let mut query = format!("?on={DAY}");
        for p in view.parameters("query") {
            assert_ne!(
                p["required"], true,
                "{name}: how is {} to be filled?",
                p["name"]
            );
            match p["name"].as_str() {
                Some("limit") => query.push_str("&limit=200"),
                Some("include_total") => query.push_str("&include_total=true"),
                _ => {}
            }
        }
        let ids: Vec<String> = match view.path.split_once("/{") {
            None => vec![String::new()],
            Some((collection, _)) => {
                let path = collection.rsplit('/').next().unwrap_or_default();
                let kind = catalogue().kinds().iter().find(|k| k.path == path);
                let kind = kind.unwrap_or_else(|| panic!("{name}: of which kind is the record?"));
                let some = known(world, kind)
                    .into_iter()
                    .take(ASKED_ABOUT)
                    .map(|id| id.to_string())
                    .collect::<Vec<_>>();
                assert!(
                    !some.is_empty(),
                    "{name}: the example data has no {}",
                    kind.name
                );
                some
            }
        };
        let content = view.operation["responses"]["200"]["content"]
            .as_object()
            .unwrap_or_else(|| panic!("{name} answers nothing"));
        let formats = view
            .parameters("query")
            .into_iter()
            .find(|p| p["name"] == "format");
        let words: Vec<&str> = formats.map_or(vec!["json"], |f| {
            f["schema"]["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        });
        assert_eq!(words.len(), content.len(), "{name}");
        for id in ids {
            for word in words.iter().filter(|w| is_wanted(w)) {
                let one = format!("{}{query}&format={word}", view.address(&id));
                if view
                    .parameters("query")
                    .iter()
                    .any(|p| p["name"] == "compare_to")
                {
                    all.push(format!("{one}&compare_to={EARLIER}"));
                }
                all.push(one);
            }
        }
    }
    all
}

/// What a caller is answered at an address, all pages of it, line by line.
async fn answer(client: &Client, address: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut cursor = String::new();
    loop {
        let reply = client.get(&format!("{address}{cursor}")).await;
        let reply = reply.status(200);
        if !address.contains("format=json") {
            return reply.text().lines().map(str::to_owned).collect();
        }
        let body = reply.json();
        lines.extend(format!("{body:#}").lines().map(str::to_owned));
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", escaped(next)),
            None => return lines,
        }
    }
}

/// The tags of the answers in JSON.
async fn tags(client: &Client, addresses: &[String]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for address in some(addresses.iter().filter(|a| a.contains("format=json"))) {
        let tag = client.get(address).await.status(200).etag();
        all.push((address.clone(), tag));
    }
    all
}

type Answers = BTreeMap<String, Vec<String>>;

async fn answers(client: &Client, addresses: &[String], more: &str) -> Answers {
    let mut all = Answers::new();
    for address in addresses {
        all.insert(
            address.clone(),
            answer(client, &format!("{address}{more}")).await,
        );
    }
    all
}

/// The addresses whose answers differ, each with the first lines that do.
fn differing(before: &Answers, after: &Answers) -> Vec<String> {
    let mut found = Vec::new();
    for (address, was) in before {
        let is = &after[address];
        if was != is {
            let gone = was
                .iter()
                .filter(|l| !is.contains(l))
                .map(|l| format!("    - {}", l.trim()));
            let new = is
                .iter()
                .filter(|l| !was.contains(l))
                .map(|l| format!("    + {}", l.trim()));
            let lines: Vec<String> = gone.take(8).chain(new.take(8)).collect();
            found.push(format!("{address}\n{}", lines.join("\n")));
        }
    }
    found
}

/// The current world.
pub async fn world(app: &TestApp) -> Arc<World> {
    app.service.engine.fresh().await.expect("the world")
}

/// The records that everybody may know of which differ between two worlds, by kind and reference.
fn changed(before: &World, after: &World) -> Vec<String> {
    let of_kind = |k: &'static Kind| {
        let version = |w: &World, id: Uuid| w.any(id).map(|r| r.meta().version);
        let moved = known(after, k)
            .into_iter()
            .filter(move |id| version(before, *id) != version(after, *id));
        moved.filter_map(|id| Some(format!("{} {}", k.name, after.any(id)?.meta().reference)))
    };
    catalogue().kinds().iter().flat_map(of_kind).collect()
}

/// A marked record of a kind that points, wherever its links and rules allow, to records of the
/// example data; how many of its links do.
async fn mark(
    app: &TestApp,
    maker: &Maker<'_>,
    kind: &'static Kind,
    draft: &Value,
    example: &World,
) -> usize {
    let mut whole = draft.clone();
    whole["marking"] = "official_sensitive".into();
    whole["reference"] = format!("{MARKED}-{}", kind.prefix).into();
    let links = links_of(kind, draft);
    let target = |link: &Link, n: usize| {
        let kinds: Vec<&str> = if link.takes_any() {
            vec!["work_plan_item"]
        } else {
            link.kinds().collect()
        };
        kinds
            .iter()
            .filter_map(|k| known(example, catalogue().named(k)?).get(n).copied())
            .next()
    };
    let mut tries = Vec::new();
    for n in 0..6 {
        tries.push((links.iter().collect::<Vec<_>>(), n));
    }
    for link in &links {
        tries.extend((0..6).map(|n| (vec![link], n)));
    }
    for (to_link, n) in tries {
        let mut draft = whole.clone();
        let mut linked = 0;
        for link in to_link {
            if let Some(id) = target(link, n) {
                *draft
                    .pointer_mut(&link.pointer)
                    .expect("a link stands in the draft") = id.to_string().into();
                linked += 1;
            }
        }
        if kind.offers_create
            && linked > 0
            && app
                .keeper(kind)
                .post(&collection(kind), &draft)
                .await
                .status
                == 201
        {
            return linked;
        }
    }
    maker.create(kind, &whole).await;
    0
}

/// A handful of changes to what there is, and records of every kind that are made, changed,
/// withdrawn and, every other one, restored. Settings are left alone: figures of the past are
/// released by today's.
async fn changes(app: &TestApp, example: &World) {
    let maker = Maker::new(app);
    let mut patched = 0;
    let is_setting = |k: &Kind| !k.recomputes.is_empty();
    for (n, kind) in some(
        catalogue()
            .kinds()
            .iter()
            .enumerate()
            .filter(|(_, k)| !is_setting(k)),
    ) {
        let client = app.keeper(kind);
        if let Some(id) = known(example, kind).first().filter(|_| !kind.append_only) {
            let path = format!("{}/{id}", collection(kind));
            let etag = client.get(&path).await.status(200).etag();
            patched += usize::from(client.patch(&path, &etag, &maker.patch()).await.status == 200);
        }
        let made = maker.make(kind).await;
        let mut etag = client.get(&made.path).await.status(200).etag();
        if !kind.append_only {
            etag = client
                .patch(&made.path, &etag, &maker.patch())
                .await
                .status(200)
                .etag();
        }
        client
            .delete(&format!("{}?reason=Entered+twice", made.path), &etag)
            .await
            .status(200);
        if n % 2 == 0 {
            client
                .post(&format!("{}/restore", made.path), &Value::Null)
                .await
                .status(200);
        }
    }
    assert!(
        patched > catalogue().kinds().len() / 2,
        "{patched} records of the example data were changed"
    );
}

/// Fails unless two worlds hold the same records, and find them alike.
fn assert_same(a: &World, b: &World) {
    for kind in some(catalogue().kinds()) {
        let (Some(of_a), Some(of_b)) = (a.table(kind.index), b.table(kind.index)) else {
            panic!("{} has no table", kind.name);
        };
        assert_eq!(of_a.len(), of_b.len(), "{}", kind.name);
        for (x, y) in of_a.rows().zip(of_b.rows()) {
            let id = x.meta().id;
            assert_eq!(
                (x.meta(), x.content(), x.draft()),
                (y.meta(), y.content(), y.draft()),
                "{}",
                kind.name
            );
            let pointing = |w: &World| w.pointing_to(id).map(|r| r.meta().id).collect::<Vec<_>>();
            assert_eq!(pointing(a), pointing(b), "{} {id}", kind.name);
            assert_eq!(
                cleared(a, &Clearance::None, id),
                cleared(b, &Clearance::None, id),
                "{} {id}",
                kind.name
            );
            let found = |t: Table<'_>| {
                (
                    t.by_reference(&x.meta().reference),
                    x.unique().map(|(_, key)| {
                        let holders = t.by_unique(&key).map(|r| r.meta().id);
                        holders.collect::<Vec<_>>()
                    }),
                )
            };
            assert_eq!(found(of_a), found(of_b), "{} {id}", kind.name);
        }
        for sort in 0..kind.sorts.len() {
            let order = |t: Table<'_>| {
                let up = t.up(sort, Bound::Unbounded);
                let up: Vec<Uuid> = up.map(|r| r.meta().id).collect();
                let down = t.down(sort, Bound::Unbounded);
                let mut down: Vec<Uuid> = down.map(|r| r.meta().id).collect();
                down.reverse();
                assert_eq!(up, down);
                assert_eq!(up.len(), t.len(), "all are in the order");
                up
            };
            assert_eq!(
                order(of_a),
                order(of_b),
                "{} by {}",
                kind.name,
                kind.sorts[sort]
            );
        }
    }
}

/// Asking about now by its time is asking about now; and it stays the answer whatever is recorded
/// later.
async fn as_of_the_current_time_is_now(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let before = world(&app).await;
    let addresses = addresses(&before);
    let now = answers(&viewer, &addresses, "").await;
    let as_of = format!("&as_of={}", escaped(&before.at.to_rfc3339()));
    let differ = differing(&now, &answers(&viewer, &addresses, &as_of).await);
    assert!(differ.is_empty(), "{}", differ.join("\n"));

    changes(&app, &before).await;
    let differ = differing(&now, &answers(&viewer, &addresses, &as_of).await);
    assert!(
        differ.is_empty(),
        "since something was recorded later:\n{}",
        differ.join("\n")
    );
    let changed = differing(&now, &answers(&viewer, &addresses, "").await);
    assert!(
        changed.len() > addresses.len() / 4,
        "the changes show: {}",
        changed.len()
    );
}

/// What a caller may not know of changes nothing that it is told.
async fn what_is_hidden_changes_no_answer(app: TestApp) {
    let maker = Maker::new(&app);
    let example = world(&app).await;
    let mut drafts = Vec::new();
    for kind in catalogue().kinds() {
        drafts.push((kind, maker.draft(kind).await));
    }
    let (alone, others): (Vec<_>, Vec<_>) = drafts
        .iter()
        .partition(|(kind, _)| kind.markable && kind.name != ISSUE);
    for (kind, draft) in some(others) {
        if kind.markable {
            mark(&app, &maker, kind, draft, &example).await;
            continue;
        }
        let mut marked = draft.clone();
        marked["marking"] = "official_sensitive".into();
        app.keeper(kind)
            .post(&collection(kind), &marked)
            .await
            .problem_at("invalid_body", "/marking");
        // Unmarked it is welcome, and changes others: else nothing would speak against marking it.
        let before = world(&app).await;
        maker.create(kind, draft).await;
        let changes = !changed(&before, &*world(&app).await).is_empty();
        assert!(
            changes || !kind.recomputes.is_empty(),
            "{} changes no other record any more",
            kind.name
        );
    }
    let addresses = addresses(&example);
    let (viewer, cleared) = (app.role(Role::Viewer), app.role(Role::Auditor));
    let was = answers(&viewer, &addresses, "").await;
    let tagged = tags(&viewer, &addresses).await;
    let was_cleared = answers(&cleared, &addresses, "").await;
    let mut linked = 0;
    for (kind, draft) in some(&alone) {
        let before = world(&app).await;
        linked += usize::from(mark(&app, &maker, kind, draft, &example).await > 0);
        let changed = changed(&before, &*world(&app).await);
        assert!(
            changed.is_empty(),
            "a marked {} changes what others may know of: {changed:?}",
            kind.name
        );
    }
    assert!(
        linked > alone.len() / 2,
        "{linked} of {} kinds point to the example data",
        alone.len()
    );
    assert_eq!(tagged, tags(&viewer, &addresses).await, "the tags differ");
    // Asked of a second process: the first one has its earlier answers in its cache.
    let second = TestApp::on(std::sync::Arc::clone(&app.store), app.backend, |_| {}).await;
    let is = answers(&second.role(Role::Viewer), &addresses, "").await;
    let differ = differing(&was, &is);
    assert!(
        differ.is_empty(),
        "{} of {}\n{}",
        differ.len(),
        addresses.len(),
        differ.join("\n")
    );
    let now = world(&app).await;
    let tables = catalogue()
        .kinds()
        .iter()
        .filter_map(|k| now.table(k.index));
    let hidden = tables
        .flat_map(Table::rows)
        .filter(|r| r.meta().marking != Marking::Official);
    let secrets: Vec<String> = hidden
        .map(|r| r.meta().id.to_string())
        .chain([MARKED.to_owned()])
        .collect();
    for (address, lines) in some(&is) {
        let told = lines
            .iter()
            .find(|l| secrets.iter().any(|s| l.contains(s.as_str())));
        assert_eq!(told, None, "{address} tells of a marked record");
    }
    let shown = differing(&was_cleared, &answers(&cleared, &addresses, "").await);
    assert!(
        shown.len() > addresses.len() / 4,
        "who is cleared sees what was recorded: {}",
        shown.len()
    );
}

/// The journal applied from its first entry on is the world that a start reads from the tables.
async fn the_journal_replayed_is_the_world(app: TestApp) {
    let example = world(&app).await;
    changes(&app, &example).await;
    let running = world(&app).await;
    app.stop().await;
    let started = TestApp::on(Arc::clone(&app.store), app.backend, |_| {}).await;
    let loaded = world(&started).await;
    let mut replayed = World::empty(catalogue());
    loop {
        let after = replayed.seq;
        let entries = started
            .service
            .engine
            .read(move |c| store::entries_after(c, after, 500))
            .await
            .expect("the journal");
        let Some(last) = entries.last() else { break };
        replayed.seq = last.seq;
        for entry in some(entries) {
            let kind = kind(&entry.kind);
            let snapshot = entry
                .snapshot
                .as_deref()
                .unwrap_or_else(|| panic!("entry {} was redacted", entry.seq));
            replayed.apply(
                (kind.parse)(snapshot, entry.shape, entry.seq, kind.index).expect("a snapshot"),
            );
        }
    }
    assert_eq!((replayed.seq, loaded.seq), (running.seq, running.seq));
    assert!(
        loaded
            .table(kind("work_plan_item").index)
            .is_some_and(|t| t.len() >= 10),
        "the example data is there"
    );
    for other in [&running, &loaded] {
        assert_same(&replayed, other);
    }
    started.stop().await;
}

on_papers!(
    as_of_the_current_time_is_now,
    what_is_hidden_changes_no_answer,
    the_journal_replayed_is_the_world,
    a_view_is_a_whole_table
);
