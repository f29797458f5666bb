//! Documents and evidence: files sent, refused, broken off and fetched; what is cited stays.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stride::access::Held;
use stride::policy::Role;
use uuid::Uuid;

use crate::support::client::{Ask, escaped};
use crate::support::maker::{FILE, Made, Maker};
use crate::support::{Client, TestApp};

const PDF: &str = "application/pdf";

fn versions(document: &Made) -> String {
    format!("{}/versions", document.path)
}

fn upload(client: &Client, document: &Made, query: &str) -> Ask {
    client.ask("POST", &format!("{}{query}", versions(document)))
}

fn content(version: &Made) -> String {
    format!("{}/content", version.path)
}

fn digest(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
}

/// Names of everything that lies in the store, once no file is on its way.
async fn kept(app: &TestApp) -> Vec<String> {
    app.documents.quiet().await;
    let mut all = Vec::new();
    for folder in ["files", "pending"] {
        let entries = std::fs::read_dir(app.store.documents().join(folder))
            .into_iter()
            .flatten()
            .flatten();
        all.extend(entries.map(|e| format!("{folder}/{}", e.file_name().to_string_lossy())));
    }
    all.sort();
    all
}

fn keeper(app: &TestApp) -> Client {
    app.holding(Held {
        role: Role::StrategyManager,
        scope: None,
        official_sensitive: true,
    })
}

/// A request by hand: `rest` after the head, then nothing more. What came back.
fn by_hand(client: &Client, path: &str, headers: &str, rest: &[u8]) -> String {
    let address = client.base.trim_start_matches("http://");
    let token = client.token.as_deref().unwrap_or_default();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {PDF}\r\n{headers}\r\n\r\n"
    );
    stream
        .write_all(&[head.as_bytes(), rest].concat())
        .expect("it is sent");
    stream
        .shutdown(Shutdown::Write)
        .expect("nothing more is sent");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// What was sent is what is fetched: hash, size and name with it, as an attachment that nothing
/// runs.
async fn a_file_comes_back_as_it_was_sent(app: TestApp) {
    let maker = Maker::new(&app);
    let client = keeper(&app);
    let document = maker.make_named("document").await;
    let bytes: Vec<u8> = b"%PDF-1.7\n"
        .iter()
        .copied()
        .chain((0..3_000_000_u32).map(|n| (n % 253) as u8))
        .collect();
    let ask = upload(
        &client,
        &document,
        "?label=0.4&what_changed=The+aims+have+measures",
    )
    .header(
        "content-disposition",
        "attachment; filename=\"Strategy v0.4.pdf\"",
    );
    let made = ask
        .header("content-digest", &digest(&bytes))
        .body(PDF, bytes.clone())
        .send()
        .await;
    let record = made.status(201).json();
    let hash = hex::encode(Sha256::digest(&bytes));
    for (field, value) in [
        ("document_id", json!(document.id())),
        ("number", json!(1)),
        ("label", json!("0.4")),
        ("what_changed", json!("The aims have measures")),
        ("file_name", json!("Strategy v0.4.pdf")),
        ("media_type", json!(PDF)),
        ("byte_size", json!(bytes.len())),
        ("sha256", json!(hash)),
        ("created_by", json!(app.operator())),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert_eq!(
        client.get(made.header("location")).await.status(200).json(),
        record
    );
    let now = client.get(&document.path).await.status(200).json();
    assert_eq!(
        (&now["version_count"], &now["latest_version_id"]),
        (&json!(1), &record["id"])
    );
    assert_eq!(
        kept(&app).await,
        [format!(
            "files/{}",
            record["id"].as_str().unwrap_or_default()
        )]
    );

    let path = format!("{}/content", made.header("location"));
    let got = client
        .ask("GET", &path)
        .header("accept-encoding", "gzip, zstd")
        .send()
        .await;
    assert_eq!(got.status(200).body, bytes);
    for (name, value) in [
        ("content-type", PDF),
        ("etag", &format!("\"{hash}\"")),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        (
            "content-disposition",
            "attachment; filename=\"Strategy v0.4.pdf\"",
        ),
        ("content-length", &bytes.len().to_string()),
    ] {
        assert_eq!(got.header(name), value, "{name}");
    }
    assert!(got.header("content-security-policy").contains("sandbox"));
    assert_eq!(got.header_if("content-encoding"), None);
    let head = client.ask("HEAD", &path).send().await;
    assert_eq!(
        (
            head.status(200).body.len(),
            head.header("content-length"),
            head.etag()
        ),
        (0, bytes.len().to_string().as_str(), got.etag())
    );
    let same = client
        .ask("GET", &path)
        .header("if-none-match", &got.etag())
        .send()
        .await;
    assert_eq!((same.status(304).body.len(), same.etag()), (0, got.etag()));

    // The next file is the next version; both stay.
    let next = upload(&client, &document, "")
        .body(PDF, FILE)
        .send()
        .await
        .status(201)
        .json();
    assert_eq!(
        (&next["number"], &next["file_name"]),
        (&json!(2), &json!(format!("{}.pdf", document.reference())))
    );
    assert_eq!(
        client.get(&document.path).await.json()["latest_version_id"],
        next["id"]
    );
    assert_eq!(
        client
            .items(&format!(
                "/api/v1/document-versions?document_id={}&sort=-number",
                document.id()
            ))
            .await
            .len(),
        2
    );
    assert_eq!(client.get(&path).await.status(200).body, bytes);
}

/// One range at a time, of the file that is meant.
async fn a_part_of_a_file_can_be_fetched(app: TestApp) {
    let version = Maker::new(&app).make_named("document_version").await;
    let client = app.role(Role::Viewer);
    let (path, n) = (content(&version), FILE.len());
    let range = |range: &str| client.ask("GET", &path).header("range", range);
    for (asked, first, last) in [
        ("bytes=0-3", 0, 3),
        ("bytes=5-", 5, n - 1),
        ("bytes=-4", n - 4, n - 1),
        ("bytes=2-99999", 2, n - 1),
        ("bytes=-99999", 0, n - 1),
    ] {
        let part = range(asked).header("accept-encoding", "gzip").send().await;
        assert_eq!(part.status(206).body, FILE[first..=last], "{asked}");
        assert_eq!(
            part.header("content-range"),
            format!("bytes {first}-{last}/{n}")
        );
        assert_eq!(
            part.header("content-length"),
            (last - first + 1).to_string()
        );
        assert_eq!(part.header_if("content-encoding"), None);
    }
    for asked in [
        format!("bytes={n}-"),
        "bytes=-0".into(),
        "bytes=99999-100000".into(),
    ] {
        let none = range(&asked).send().await;
        none.problem("range_not_satisfiable");
        assert_eq!(none.header("content-range"), format!("bytes */{n}"));
    }
    // Several, backwards, in another unit, or nonsense: the whole is as good.
    for asked in ["bytes=0-1,4-5", "bytes=5-2", "lines=1-2", "bytes", "x"] {
        assert_eq!(range(asked).send().await.status(200).body, FILE, "{asked}");
    }
    let etag = client.get(&path).await.etag();
    range("bytes=0-3")
        .header("if-range", &etag)
        .send()
        .await
        .status(206);
    for other in [
        "\"other\"".to_owned(),
        format!("W/{etag}"),
        "Mon, 26 Oct 2020 12:00:00 GMT".into(),
    ] {
        range("bytes=0-3")
            .header("if-range", &other)
            .send()
            .await
            .status(200);
    }
}

/// What is not taken is refused with field and remedy, and leaves nothing behind.
async fn a_file_that_is_refused_leaves_nothing(app: TestApp) {
    let small = TestApp::on(Arc::clone(&app.store), app.backend, |c| {
        c.serving.stream_limit = 100_000
    })
    .await;
    let document = Maker::new(&small).make_named("document").await;
    let client = keeper(&small);
    let seq = small.seq().await;
    let send = |media_type: &'static str, bytes: &[u8]| {
        upload(&client, &document, "")
            .body(media_type, bytes.to_vec())
            .send()
    };
    for media_type in [
        "text/html",
        "image/svg+xml",
        "application/javascript",
        "application/octet-stream",
        "application/x-msdownload",
        "application/zip",
        "",
    ] {
        let refused = send(media_type, FILE).await;
        refused.problem("unsupported_media_type");
        assert!(refused.header("accept-post").contains(PDF), "{media_type}");
    }
    let long = [b"%PDF".as_slice(), &[b'x'; 80_000]].concat();
    for (media_type, bytes) in [
        (PDF, &b"<html><script>alert(1)</script>"[..]),
        ("image/png", FILE),
        ("text/plain", FILE),
        ("text/plain", b"<svg onload=alert(1)>"),
        ("text/csv", b"a,b\n\xff\xfe"),
        ("text/markdown", b"#!/bin/sh\nrm x"),
        ("text/plain", b"MZ\x90\0"),
        ("image/jpeg", &long),
        ("text/plain", b"cut \xc3"),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            b"PK\x03\x04 and nothing of an Office file",
        ),
    ] {
        send(media_type, bytes)
            .await
            .problem_at("unsupported_media_type", "Content-Type");
    }
    send(PDF, b"").await.problem("rule_violation");
    for (name, value, code) in [
        ("content-digest", digest(b"other"), "rule_violation"),
        ("repr-digest", digest(b"other"), "rule_violation"),
        ("content-digest", "md5=:AAAA:".into(), "invalid_header"),
        ("content-digest", "sha-256=:AAAA:".into(), "invalid_header"),
        ("repr-digest", "x".into(), "invalid_header"),
    ] {
        let refused = upload(&client, &document, "")
            .header(name, &value)
            .body(PDF, FILE)
            .send()
            .await;
        let problem = refused.problem(code);
        assert!(
            problem["errors"][0]["pointer"]
                .as_str()
                .is_some_and(|p| p.ends_with("-Digest")),
            "{problem:#}"
        );
    }
    for (query, pointer) in [
        ("?label=", "?label"),
        ("?reference=-x", "?reference"),
        ("?marking=secret", "?marking"),
        ("?colour=red", "?colour"),
        ("?file_name=a%00.pdf", "?file_name"),
    ] {
        upload(&client, &document, query)
            .body(PDF, FILE)
            .send()
            .await
            .problem_at("invalid_query", pointer);
    }
    upload(&client, &document, "")
        .header("idempotency-key", "a b")
        .body(PDF, FILE)
        .send()
        .await
        .problem("invalid_header");
    // Too large: as announced, and as it turns out.
    let announced = by_hand(
        &client,
        &versions(&document),
        "Content-Length: 100001",
        b"%PDF",
    );
    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    let chunk = [b"%PDF".as_slice(), &[b'x'; 49_996]].concat();
    let chunked = [b"c350\r\n".as_slice(), &chunk, b"\r\n"].concat().repeat(3);
    let answer = by_hand(
        &client,
        &versions(&document),
        "Transfer-Encoding: chunked",
        &[chunked, b"0\r\n\r\n".to_vec()].concat(),
    );
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(
        (kept(&small).await, small.seq().await),
        (Vec::<String>::new(), seq)
    );
    upload(&client, &document, "")
        .header(
            "content-digest",
            &format!("sha-512=:AAAA:, {}", digest(FILE)),
        )
        .body(PDF, FILE)
        .send()
        .await
        .status(201);
    small.stop().await;
}

/// A file that breaks off is as if it had never begun.
async fn a_file_that_breaks_off_leaves_nothing(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let client = keeper(&app);
    let seq = app.seq().await;
    let begun = [FILE, &[b'x'; 2_500_000]].concat();
    for (headers, body) in [
        ("Content-Length: 9000000", begun.clone()),
        (
            "Transfer-Encoding: chunked",
            [b"7fffffff\r\n".as_slice(), &begun].concat(),
        ),
    ] {
        let answer = by_hand(&client, &versions(&document), headers, &body);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
        assert_eq!(
            (kept(&app).await, app.seq().await),
            (Vec::<String>::new(), seq),
            "{headers}"
        );
    }
}

/// Whatever a file is called, its name is one to save it under and nothing more.
async fn a_hostile_name_is_made_safe(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let client = keeper(&app);
    for (given, kept) in [
        ("../../../etc/passwd", "passwd.pdf"),
        ("C:\\Windows\\a.pdf", "a.pdf"),
        ("invoice.pdf.exe", "invoice.pdf.exe.pdf"),
        ("x.html", "x.html.pdf"),
        ("annexe\u{202e}fdp.exe", "annexefdp.exe.pdf"),
        ("NUL", "file_NUL.pdf"),
        ("a\";b=\"c", "a_;b=_c.pdf"),
        ("Übersicht №1.pdf", "Übersicht №1.pdf"),
    ] {
        let made = upload(
            &client,
            &document,
            &format!("?file_name={}", escaped(given)),
        )
        .body(PDF, FILE)
        .send()
        .await;
        let record = made.status(201).json();
        assert_eq!(record["file_name"], kept, "{given}");
        let got = client
            .get(&format!("{}/content", made.header("location")))
            .await;
        let said = got.status(200).header("content-disposition").to_owned();
        assert!(
            said.starts_with("attachment; filename=\"") && said.is_ascii(),
            "{said}"
        );
        assert_eq!(
            said.contains("filename*=UTF-8''"),
            !kept.is_ascii(),
            "{said}"
        );
    }
    let extended = upload(&client, &document, "").header(
        "content-disposition",
        "attachment; filename=\"x.pdf\"; filename*=UTF-8''%C3%9C.pdf",
    );
    assert_eq!(
        extended.body(PDF, FILE).send().await.status(201).json()["file_name"],
        "Ü.pdf"
    );
    upload(&client, &document, "")
        .header("content-disposition", ";;")
        .body(PDF, FILE)
        .send()
        .await
        .problem_at("invalid_header", "Content-Disposition");
}

/// Who may not change the document sends no file; who may not know of it fetches none.
async fn a_file_obeys_scope_and_marking(app: TestApp) {
    let maker = Maker::new(&app);
    let (ours, theirs) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let document = maker
        .make_with("document", json!({ "owner_unit_id": ours.id() }))
        .await;
    let foreign = maker
        .make_with("document", json!({ "owner_unit_id": theirs.id() }))
        .await;
    let lead = app.scoped(Role::Contributor, ours.id());
    upload(&lead, &document, "")
        .body(PDF, FILE)
        .send()
        .await
        .status(201);
    let seq = app.seq().await;
    upload(&lead, &foreign, "")
        .body(PDF, FILE)
        .send()
        .await
        .problem("forbidden");
    upload(&app.role(Role::Viewer), &document, "")
        .body(PDF, FILE)
        .send()
        .await
        .problem("forbidden");
    upload(&app.client, &document, "")
        .body(PDF, FILE)
        .send()
        .await
        .problem("unauthenticated");
    // Nor is a byte of it read: what announces more than it sends is answered at once.
    let answer = by_hand(&lead, &versions(&foreign), "Content-Length: 900000", b"");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(app.seq().await, seq);

    let marked = json!({ "owner_unit_id": ours.id(), "marking": "official_sensitive" });
    let secret = maker.make_with("document", marked).await;
    let within = maker
        .make_with("document_version", json!({ "document_id": secret.id() }))
        .await;
    let alone = maker
        .make_with(
            "document_version",
            json!({ "document_id": document.id(), "marking": "official_sensitive" }),
        )
        .await;
    upload(&lead, &secret, "")
        .body(PDF, FILE)
        .send()
        .await
        .problem("not_found");
    for version in [&within, &alone] {
        keeper(&app).get(&content(version)).await.status(200);
        lead.get(&content(version)).await.problem("not_found");
        lead.ask("HEAD", &content(version)).send().await.status(404);
        lead.ask("GET", &content(version))
            .header("range", "bytes=0-1")
            .header("if-none-match", "*")
            .send()
            .await
            .problem("not_found");
    }
    // Nor does the document tell of it.
    let told = lead.get(&document.path).await.status(200).json();
    assert_eq!(told["version_count"], 1);
    assert_ne!(told["latest_version_id"], alone.record["id"]);
    // A withdrawn document takes no further file.
    let etag = keeper(&app).get(&foreign.path).await.etag();
    keeper(&app).delete(&foreign.path, &etag).await.status(200);
    upload(&keeper(&app), &foreign, "")
        .body(PDF, FILE)
        .send()
        .await
        .problem("conflict");
}

/// Before it was uploaded a file was not there.
async fn a_file_of_the_past(app: TestApp) {
    let maker = Maker::new(&app);
    let document = maker.make_named("document").await;
    let before = escaped(
        &app.service
            .engine
            .fresh()
            .await
            .expect("the world")
            .at
            .to_rfc3339(),
    );
    let version = maker
        .make_with("document_version", json!({ "document_id": document.id() }))
        .await;
    let client = app.role(Role::Viewer);
    let then = escaped(version.record["created_at"].as_str().unwrap_or_default());
    assert_eq!(
        client
            .get(&format!("{}?as_of={then}", content(&version)))
            .await
            .status(200)
            .body,
        FILE
    );
    client
        .get(&format!("{}?as_of={before}", content(&version)))
        .await
        .problem("not_found");
    client
        .get(&format!("{}?as_of=9999-01-01", content(&version)))
        .await
        .problem_at("invalid_query", "?as_of");
}

/// The same key and the same file: the first answer again, one version, one file. Another file with
/// the key: 422.
async fn a_repeated_upload_is_kept_once(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let client = keeper(&app);
    let send = |bytes: &[u8], query: &str| {
        upload(&client, &document, query)
            .header("idempotency-key", "k")
            .body(PDF, bytes.to_vec())
            .send()
    };
    let first = send(FILE, "").await;
    first.status(201);
    let (seq, files) = (app.seq().await, kept(&app).await);
    let again = send(FILE, "").await;
    assert_eq!(
        (
            again.status(201).body.clone(),
            again.header("location"),
            again.header("idempotency-replayed")
        ),
        (first.body.clone(), first.header("location"), "true")
    );
    send(b"%PDF-1.7 another", "")
        .await
        .problem_at("idempotency_key_reused", "Idempotency-Key");
    send(FILE, "?label=2")
        .await
        .problem_at("idempotency_key_reused", "Idempotency-Key");
    assert_eq!(
        (app.seq().await, kept(&app).await, files.len()),
        (seq, files, 1)
    );
    client
        .get(&format!("{}/content", first.header("location")))
        .await
        .status(200);
    // A reference that is taken is found when the file is there already: it goes again.
    let reference = first.json()["reference"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    upload(&client, &document, &format!("?reference={reference}"))
        .body(PDF, FILE)
        .send()
        .await
        .problem_at("reference_taken", "?reference");
    assert_eq!(kept(&app).await.len(), 1);
}

/// What evidence cites cannot be withdrawn while it does; what it supports can.
async fn what_is_cited_stays(app: TestApp) {
    let maker = Maker::new(&app);
    let client = keeper(&app);
    let version = maker.make_named("document_version").await;
    let goal = maker.make_named("board").await;
    let evidence = maker
        .make_with(
            "evidence",
            json!({ "supports_id": goal.id(), "document_version_id": version.id() }),
        )
        .await;
    let refused = client
        .delete(&version.path, &version.etag)
        .await
        .problem("in_use");
    assert!(
        refused.to_string().contains(evidence.reference()),
        "{refused:#}"
    );
    let bulk = json!({ "operations": [{ "op": "withdraw", "id": version.id(), "if_match": 1 }] });
    client
        .post("/api/v1/document-versions/bulk", &bulk)
        .await
        .problem("in_use");
    client.get(&content(&version)).await.status(200);
    // A record is not withdrawn without its evidence.
    app.role(Role::BoardSecretary)
        .delete(&goal.path, &goal.etag)
        .await
        .problem("in_use");
    client
        .delete(&evidence.path, &evidence.etag)
        .await
        .status(200);
    client
        .delete(&version.path, &version.etag)
        .await
        .status(200);
    // What cites a withdrawn version does not come back before it does.
    client
        .post(&format!("{}/restore", evidence.path), &json!({}))
        .await
        .problem("rule_violation");
    client
        .post(&format!("{}/restore", version.path), &json!({}))
        .await
        .status(200);
    client
        .post(&format!("{}/restore", evidence.path), &json!({}))
        .await
        .status(200);
    // Nobody makes a version but by sending its file.
    let claim = json!({ "operations": [{ "op": "create", "record": (version.kind.example)() }] });
    client
        .post("/api/v1/document-versions/bulk", &claim)
        .await
        .problem_at("rule_violation", "/operations/0/op");
    client
        .post("/api/v1/document-versions", &(version.kind.example)())
        .await
        .problem("method_not_allowed");
}

/// Evidence is given by who owns what it supports, and hidden with it.
async fn evidence_belongs_to_what_it_supports(app: TestApp) {
    let maker = Maker::new(&app);
    let (ours, theirs) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let version = maker.make_named("document_version").await;
    let draft = |supports: Uuid| json!({ "supports_id": supports, "document_version_id": version.id(), "shows": "That it was done", "submitted_on": "2020-10-26" });
    let lead = app.scoped(Role::Contributor, ours.id());
    let (our_board, their_board) = (
        maker
            .make_with("board", json!({ "owner_unit_id": ours.id() }))
            .await,
        maker
            .make_with("board", json!({ "owner_unit_id": theirs.id() }))
            .await,
    );
    let made = lead.post("/api/v1/evidence", &draft(our_board.id())).await;
    made.status(201);
    lead.post("/api/v1/evidence", &draft(their_board.id()))
        .await
        .problem("forbidden");
    let theirs = keeper(&app)
        .post("/api/v1/evidence", &draft(their_board.id()))
        .await;
    lead.delete(theirs.status(201).header("location"), &theirs.etag())
        .await
        .problem("forbidden");
    app.role(Role::Viewer)
        .post("/api/v1/evidence", &draft(our_board.id()))
        .await
        .problem("forbidden");

    let secret = maker
        .make_with(
            "board",
            json!({ "owner_unit_id": ours.id(), "marking": "official_sensitive" }),
        )
        .await;
    lead.post("/api/v1/evidence", &draft(secret.id()))
        .await
        .problem_at("rule_violation", "/supports_id");
    let hidden = keeper(&app)
        .post("/api/v1/evidence", &draft(secret.id()))
        .await;
    hidden.status(201);
    lead.get(hidden.header("location"))
        .await
        .problem("not_found");
    let count = async |query: &str| lead.items(&format!("/api/v1/evidence?{query}")).await.len();
    let document = version.record["document_id"].as_str().unwrap_or_default();
    assert_eq!(count(&format!("document_id={document}")).await, 2);
    assert_eq!(
        count(&format!("document_version_id={}", version.id())).await,
        2
    );
    assert_eq!(count(&format!("supports_id={}", our_board.id())).await, 1);
    assert_eq!(count(&format!("supports_id={}", secret.id())).await, 0);
}

/// What evidence is, and of what.
async fn evidence_names_one_thing_for_another(app: TestApp) {
    let maker = Maker::new(&app);
    let client = keeper(&app);
    let (board, version) = (
        maker.make_named("board").await,
        maker.make_named("document_version").await,
    );
    let minutes = maker
        .make_with("document", json!({ "document_kind": "minutes" }))
        .await;
    let draft = |fields: Value| {
        let mut draft = json!({ "supports_id": board.id(), "shows": "That it was decided", "submitted_on": "2020-10-26" });
        draft
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        draft
    };
    let send = async |fields: Value| client.post("/api/v1/evidence", &draft(fields)).await;
    let cited = send(json!({ "source_id": minutes.id() })).await;
    let cited = cited.status(201).json();
    assert_eq!(
        client
            .items(&format!("/api/v1/evidence?document_id={}", minutes.id()))
            .await
            .len(),
        1
    );
    for (fields, pointer) in [
        (json!({}), "/document_version_id"),
        (
            json!({ "document_version_id": version.id(), "source_id": minutes.id() }),
            "/source_id",
        ),
        (json!({ "source_id": version.id() }), "/source_id"),
        (json!({ "source_id": board.id() }), "/supports_id"),
        (json!({ "source_id": cited["id"] }), "/source_id"),
        (
            json!({ "supports_id": cited["id"], "source_id": minutes.id() }),
            "/supports_id",
        ),
        (json!({ "source_id": app.operator() }), "/source_id"),
        (json!({ "source_id": Uuid::now_v7() }), "/source_id"),
        (
            json!({ "document_version_id": minutes.id() }),
            "/document_version_id",
        ),
        (
            json!({ "source_id": minutes.id(), "submitted_on": "2999-01-01" }),
            "/submitted_on",
        ),
    ] {
        send(fields).await.problem_at("rule_violation", pointer);
    }
}

/// `stride verify --documents` finds a file that was changed, cut or lost.
async fn a_file_that_was_changed_is_found(app: TestApp) {
    let maker = Maker::new(&app);
    let (kept, changed, cut, lost) = (
        maker.make_named("document_version").await,
        maker.make_named("document_version").await,
        maker.make_named("document_version").await,
        maker.make_named("document_version").await,
    );
    let file = |version: &Made| app.store.documents().join("files").join(version.id_text());
    let files = app.service.engine.read(stride::documents::named).await;
    let files = files.expect("the files that the journal names");
    assert_eq!(files.len(), 4);
    let faults = async || {
        let found = stride::documents::verify(&files, &app.documents).await;
        found.expect("the store")
    };
    assert_eq!(faults().await, Vec::<String>::new());
    std::fs::write(file(&changed), [&FILE[1..], b"x"].concat()).expect("the change is written");
    std::fs::write(file(&cut), &FILE[1..]).expect("the change is written");
    std::fs::remove_file(file(&lost)).expect("it is removed");
    let found = faults().await;
    for (version, what) in [(&changed, "SHA-256"), (&cut, "bytes"), (&lost, "missing")] {
        assert!(
            found
                .iter()
                .any(|f| f.contains(version.id_text()) && f.contains(what)),
            "{found:?}"
        );
    }
    assert_eq!(found.len(), 3);
    keeper(&app).get(&content(&kept)).await.status(200);
    keeper(&app)
        .get(&content(&lost))
        .await
        .problem("internal_error");
    keeper(&app)
        .get(&content(&cut))
        .await
        .problem("internal_error");
}

on_both!(
    a_file_comes_back_as_it_was_sent,
    a_part_of_a_file_can_be_fetched,
    a_file_that_is_refused_leaves_nothing,
    a_file_that_breaks_off_leaves_nothing,
    a_hostile_name_is_made_safe,
    a_file_obeys_scope_and_marking,
    a_file_of_the_past,
    a_repeated_upload_is_kept_once,
    what_is_cited_stays,
    evidence_belongs_to_what_it_supports,
    evidence_names_one_thing_for_another,
    a_file_that_was_changed_is_found
);
