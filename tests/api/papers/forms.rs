//! The forms of a paper: HTML that nothing runs in, DOCX that word processors open, and neither
//! loses a heading.

use std::io::{Cursor, Read, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use stride::policy::Role;

use super::{Scene, issue, path};
use crate::support::maker::{Maker, kind};
use crate::support::{Backend, Client, TestApp, some};

const FORMATS: [(&str, &str); 4] = [
    ("json", "application/json"),
    ("markdown", "text/markdown; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
];

async fn form(client: &Client, paper: &Value, format: &str) -> Vec<u8> {
    let reply = client
        .get(&format!("{}/content?format={format}", path(paper)))
        .await;
    let media = FORMATS
        .iter()
        .find(|(name, _)| *name == format)
        .map(|(_, media)| *media);
    assert_eq!(reply.status(200).header_if("content-type"), media);
    reply.body
}

/// A part of a Word document.
pub fn part(docx: &[u8], name: &str) -> String {
    let mut package = zip::ZipArchive::new(Cursor::new(docx)).expect("a package");
    let mut text = String::new();
    package
        .by_name(name)
        .expect("the part")
        .read_to_string(&mut text)
        .expect("text");
    text
}

/// Fails unless every part of the package is well-formed XML.
fn is_well_formed(docx: &[u8]) {
    let package = zip::ZipArchive::new(Cursor::new(docx)).expect("a package");
    let names: Vec<String> = package
        .file_names()
        .map(|n| n.expect("a name").into_owned())
        .collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in some(names) {
        let text = part(docx, &name);
        let mut reader = quick_xml::Reader::from_str(&text);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(e) => panic!("{name}: {e}"),
            }
        }
    }
}

const WORDS: &str = "A *stressed* and **strong** word, `code`, [a link](https://example.org/a?b=1&c=2).\n\n1. first\n2. second\n   - deeper\n\n> said\n\n| Group | Boards |\n|---|---|\n| HR | 1 |\n";

/// Whether this build writes PDF, and its tests are to run: they take long in a debug build.
pub fn writes_pdf() -> bool {
    cfg!(feature = "pdf") && std::env::var("STRIDE_TEST_PDF").is_ok_and(|v| v == "1")
}

/// Every form by `format` and by Accept, with its media type; what is not offered is refused.
async fn forms_are_chosen(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({})).await;
    let content = format!("{}/content", path(&paper));
    for (format, media) in FORMATS {
        form(&keeper, &paper, format).await;
        let essence = media.split(';').next().expect("a type");
        let reply = keeper
            .ask("GET", &content)
            .header("accept", essence)
            .send()
            .await;
        assert_eq!(reply.status(200).header_if("content-type"), Some(media));
        let etag = reply.etag();
        assert_eq!(
            keeper
                .ask("GET", &content)
                .header("accept", essence)
                .header("if-none-match", &etag)
                .send()
                .await
                .status,
            304
        );
    }
    keeper
        .ask("GET", &content)
        .header("accept", "text/csv")
        .send()
        .await
        .problem("not_acceptable");
    keeper
        .get(&format!("{content}?format=odt"))
        .await
        .problem("invalid_query");
    let html = keeper.get(&format!("{content}?format=html")).await;
    let policy = html.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
}

/// A build without PDF refuses it with what to do, however it is asked for, and answers in another
/// form if that is accepted too.
async fn pdf_is_refused_where_it_cannot_be_written(app: TestApp) {
    if cfg!(feature = "pdf") {
        return;
    }
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({})).await;
    let content = format!("{}/content", path(&paper));
    let accepts = async |types: &str| {
        keeper
            .ask("GET", &content)
            .header("accept", types)
            .send()
            .await
    };
    for reply in [
        keeper.get(&format!("{content}?format=pdf")).await,
        accepts("application/pdf").await,
    ] {
        let problem = reply.problem("not_acceptable");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(
            detail.contains("no PDF support") && detail.contains("`--features pdf`"),
            "{detail}"
        );
    }
    let other = accepts("application/pdf, text/html;q=0.5").await;
    assert_eq!(
        other.status(200).header("content-type"),
        "text/html; charset=utf-8",
        "what can be written is"
    );
}

/// A paper of which nothing was written leaves out its sections and names them.
async fn an_empty_paper_is_whole(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({ "scope": {} })).await;
    let markdown = String::from_utf8(form(&keeper, &paper, "markdown").await).expect("text");
    let headings: Vec<&str> = markdown.lines().filter(|l| l.starts_with("##")).collect();
    assert_eq!(
        headings,
        [
            "## 1 Equality and diversity impact",
            "## 2 Financial implications",
            "## 3 Legal implications",
            "## 4 Risk implications",
            "## 5 Contact details",
            "## About this paper",
        ]
    );
    assert!(
        markdown.contains(
            "Nothing is recorded for the sections “Purpose”, “Key considerations for the panel”, \
            “Interdependencies and cross-cutting issues”, “Recommendations”, “Supporting \
            information”, “Overdue”,"
        ),
        "{markdown}"
    );
    assert!(!markdown.contains("](/api"), "{markdown}");
    is_well_formed(&form(&keeper, &paper, "docx").await);
    issue(&keeper, &paper).await;
    for (format, _) in FORMATS {
        form(&keeper, &paper, format).await;
    }
}

/// Hostile words run nowhere, break nothing, and lead only where links may.
async fn hostile_words_do_no_harm(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let evil = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](data:text/html,z) <img src=x onerror=alert(1)> \"' </w:t> ]]> & \u{fffe}[[board:<b>]] [[";
    for words in [
        evil.to_owned(),
        ">".repeat(7_000),
        "- ".repeat(3_500),
        "**_[".repeat(1_500),
        format!(
            "{}\n{}\n{}\n",
            "|a".repeat(600),
            "|-".repeat(600),
            "|<script>".repeat(300)
        ),
        format!("|a|b|\n|-|-|\n{}", "|x|y|\n".repeat(1_000)),
        "[[".repeat(3_000),
        "&#x3c;script&#x3e;alert(1)&#x3c;/script&#x3e;".into(),
    ] {
        let fields = json!({ "title": format!("T {}", evil.chars().take(200).collect::<String>()), "purpose": words, "key_considerations": [evil], "recommendations": [{ "verb": "note", "text": evil }] });
        let paper = scene.paper(&keeper, fields).await;
        let html = String::from_utf8(form(&keeper, &paper, "html").await).expect("text");
        for never in [
            "<script",
            "<img",
            "href=\"javascript",
            "href=\"data",
            "</w:t>",
        ] {
            assert!(!html.to_lowercase().contains(never), "{never}");
        }
        let markdown = String::from_utf8(form(&keeper, &paper, "markdown").await).expect("text");
        let risky = |e: &pulldown_cmark::Event<'_>| match e {
            pulldown_cmark::Event::Html(_) | pulldown_cmark::Event::InlineHtml(_) => true,
            pulldown_cmark::Event::Start(
                pulldown_cmark::Tag::Link { dest_url, .. }
                | pulldown_cmark::Tag::Image { dest_url, .. },
            ) => !dest_url.starts_with("/api/") && !dest_url.starts_with("http"),
            _ => false,
        };
        let found =
            pulldown_cmark::Parser::new_ext(&markdown, pulldown_cmark::Options::ENABLE_TABLES)
                .find(risky);
        assert!(found.is_none(), "{found:?}");
        is_well_formed(&form(&keeper, &paper, "docx").await);
        if writes_pdf() {
            let at = format!("{}/content?format=pdf", path(&paper));
            let pdf = keeper.get(&at).await;
            assert!(pdf.status(200).body.starts_with(b"%PDF-"));
        }
        issue(&keeper, &paper).await;
    }
}

/// The marking of a paper is at the head and the foot of each page; that of a draft is the highest
/// of what its reader sees in it.
async fn markings_are_on_every_page(app: TestApp) {
    let scene = Scene::of(&app).await;
    let fields = json!({ "review_id": scene.review.id(), "number": 3, "title": "Hidden one", "marking": "official_sensitive" });
    Maker::new(&app).make_with("recommendation", fields).await;
    let cleared = app.keeper(kind("paper"));
    let paper = scene.paper(&cleared, json!({})).await;
    for (client, marking) in [
        (&cleared, "OFFICIAL-SENSITIVE"),
        (&app.role(Role::Viewer), "OFFICIAL"),
    ] {
        let docx = form(client, &paper, "docx").await;
        for name in ["word/header1.xml", "word/footer1.xml"] {
            let text = part(&docx, name);
            assert!(text.contains(&format!("<w:t>{marking}</w:t>")), "{text}");
        }
        let html = String::from_utf8(form(client, &paper, "html").await).expect("text");
        assert!(html.contains(&format!("<p class=\"marking\">{marking}</p>")));
        assert!(html.contains(&format!("@top-center{{content:\"{marking}\"")));
    }
    issue(&cleared, &paper).await;
    let content = cleared
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    assert_eq!(
        content["marking"], "official",
        "what is issued is not more than its paper"
    );
}

/// With a public address, words and figures lead to the records; without one, a document that is
/// read elsewhere has no links that lead nowhere.
async fn links_lead_to_the_public_address(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({})).await;
    let relations = async |app: &TestApp, paper: &Value| {
        let docx = form(&app.role(Role::StrategyManager), paper, "docx").await;
        part(&docx, "word/_rels/document.xml.rels")
    };
    assert!(
        !relations(&app, &paper)
            .await
            .contains("TargetMode=\"External\"")
    );
    let store = crate::support::app::store_for(Backend::Sqlite).expect("SQLite");
    let app = TestApp::on(store, Backend::Sqlite, |config| {
        config.serving.public_url = Some("https://stride.example.org/".into());
    })
    .await;
    let scene = Scene::of(&app).await;
    let paper = scene
        .paper(&app.role(Role::StrategyManager), json!({}))
        .await;
    let relations = relations(&app, &paper).await;
    assert!(
        relations.contains("Target=\"https://stride.example.org/api/v1/recommendations?"),
        "{relations}"
    );
    app.stop().await;
}

/// HTML: language, one title, no level skipped, heads with their scope, nothing that runs.
async fn html_is_accessible(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene
        .paper(
            &keeper,
            json!({
                "narrative": [{ "section": "supporting", "text": WORDS }],
                "recommendations": [{ "verb": "note", "text": "this" }],
            }),
        )
        .await;
    let html = String::from_utf8(form(&keeper, &paper, "html").await).expect("text");
    assert!(
        html.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"),
        "{html}"
    );
    let levels: Vec<u8> = html
        .split("<h")
        .skip(1)
        .filter_map(|h| h.bytes().next().filter(u8::is_ascii_digit))
        .map(|b| b - b'0')
        .collect();
    assert_eq!(levels.iter().filter(|l| **l == 1).count(), 1);
    for pair in some(levels.windows(2)) {
        assert!(pair[1] <= pair[0] + 1, "{levels:?}");
    }
    let tables = html.matches("<table>").count();
    assert!(tables >= 2, "{tables}");
    assert_eq!(html.matches("<thead>").count(), tables);
    // The author's own table has no caption; it is a region with a label as the others are.
    assert_eq!(html.matches("<caption>").count(), tables - 1);
    assert_eq!(
        html.matches("role=\"region\" aria-label=\"").count(),
        tables
    );
    // Printed, the marking and the number of pages are on each page.
    for margin in [
        "@page{size:A4",
        "@top-center{content:\"OFFICIAL\"",
        "counter(page) \" of \" counter(pages)",
    ] {
        assert!(html.contains(margin), "{margin}");
    }
    assert!(html.contains("<ol type=\"a\">"), "lettered lists are lists");
    assert!(
        html.contains("<th scope=\"col\">")
            && html.contains("<th scope=\"row\">")
            && html.contains("<em>stressed</em>")
    );
    assert!(
        !html.contains("<script") && !html.contains(" onerror=") && !html.contains("javascript:"),
        "nothing runs: {html}"
    );
}

/// DOCX, read without a word processor: heading styles, heads that repeat, lists, title and
/// language.
async fn docx_has_real_headings(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene
        .paper(
            &keeper,
            json!({
                "narrative": [{ "section": "supporting", "text": WORDS }],
                "recommendations": [{ "verb": "note", "text": "this" }],
            }),
        )
        .await;
    let docx = form(&keeper, &paper, "docx").await;
    is_well_formed(&docx);
    let document = part(&docx, "word/document.xml");
    for (style, count) in [
        ("Title", 1),
        // The summary, six numbered sections, and the note.
        ("Heading1", 8),
        // What is asked, two recommendations, and what is overdue.
        ("Heading2", 4),
        ("Caption", 2),
    ] {
        assert_eq!(
            document
                .matches(&format!("<w:pStyle w:val=\"{style}\"/>"))
                .count(),
            count,
            "{style}: {document}"
        );
    }
    let tables = document.matches("<w:tbl>").count();
    assert_eq!(tables, 3);
    let rows = document.matches("<w:tr>").count();
    assert_eq!(document.matches("<w:tblHeader/>").count(), tables);
    assert_eq!(document.matches("<w:cantSplit/>").count(), rows);
    assert_eq!(
        document
            .matches("<w:tblStyle w:val=\"PaperTable\"/>")
            .count(),
        tables
    );
    for grid in some(document.split("<w:tblGrid>").skip(1)) {
        let grid = grid.split("</w:tblGrid>").next().expect("a grid");
        let width = |w: &str| w.split('"').next().and_then(|w| w.parse().ok());
        let widths: Vec<u32> = grid.split("w:w=\"").skip(1).filter_map(width).collect();
        let (least, most) = (widths.iter().min(), widths.iter().max());
        assert!(
            least < most,
            "columns are as wide as what they say: {widths:?}"
        );
        assert!(widths.iter().sum::<u32>() <= 9_638, "{widths:?}");
    }
    assert!(
        document.contains("<w:pStyle w:val=\"ListNumber\"/><w:numPr>")
            && document.contains("<w:pStyle w:val=\"ListBullet\"/><w:numPr>")
            && document.contains("<w:pageBreakBefore/>")
            && document.contains("<w:i/>")
            && document.contains("<w:b/>")
            && document.contains("<w:hyperlink ")
    );
    assert!(
        !document.contains("/api/") && !document.contains("a. "),
        "no addresses, and no letters as text"
    );
    assert!(part(&docx, "word/numbering.xml").contains("<w:numFmt w:val=\"lowerLetter\"/>"));
    let (head, foot) = (
        part(&docx, "word/header1.xml"),
        part(&docx, "word/footer1.xml"),
    );
    assert!(head.contains("<w:t>OFFICIAL</w:t>") && foot.contains("<w:t>OFFICIAL</w:t>"));
    let reference = paper["reference"].as_str().expect("a reference");
    for words in [" PAGE ", " NUMPAGES ", ">Page <", "> of <", reference] {
        assert!(foot.contains(words), "{words}: {foot}");
    }
    for kind in ["header", "footer"] {
        assert!(document.contains(&format!("<w:{kind}Reference w:type=\"default\"")));
    }
    assert!(part(&docx, "docProps/core.xml").contains("<dc:title>Progress</dc:title>"));
    assert!(part(&docx, "docProps/core.xml").contains("<dc:language>en-GB</dc:language>"));
    assert!(part(&docx, "word/styles.xml").contains("<w:lang w:val=\"en-GB\"/>"));
    assert!(
        part(&docx, "word/_rels/document.xml.rels")
            .contains("Target=\"https://example.org/a?b=1&amp;c=2\"")
    );
    let again = form(&keeper, &paper, "docx").await;
    assert_eq!(docx, again, "the same paper is the same file");
}

on_both!(
    forms_are_chosen,
    pdf_is_refused_where_it_cannot_be_written,
    links_lead_to_the_public_address,
    markings_are_on_every_page,
    an_empty_paper_is_whole,
    hostile_words_do_no_harm,
    html_is_accessible,
    docx_has_real_headings
);

/// LibreOffice, or `None` after saying that the test is skipped; where it is required, a failure.
fn office() -> Option<&'static str> {
    let has = |command: &str, argument: &str| Command::new(command).arg(argument).output().is_ok();
    if has("soffice", "--version") && has("pdftotext", "-v") {
        return Some("soffice");
    }
    let required = std::env::var("STRIDE_TEST_REQUIRE_LIBREOFFICE").is_ok_and(|v| v == "1");
    assert!(
        !required,
        "LibreOffice (soffice) and pdftotext are required and not to be had"
    );
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(
        std::io::stderr().lock(),
        "SKIPPED {test}: no soffice, or no pdftotext"
    );
    None
}

/// Has LibreOffice turn a file into another form; what it made.
fn converted(office: &str, file: &Path, to: &str) -> Vec<u8> {
    let folder = file.parent().expect("a folder");
    let output = Command::new(office)
        .args([
            "--headless",
            "--norestore",
            &format!("-env:UserInstallation=file://{}/profile", folder.display()),
        ])
        .args(["--convert-to", to, "--outdir"])
        .arg(folder)
        .arg(file)
        .output()
        .expect("LibreOffice runs");
    let made = file.with_extension(to.split(':').next().expect("an ending"));
    std::fs::read(&made).unwrap_or_else(|e| panic!("{}: {e}\n{output:?}", made.display()))
}

/// The DOCX of a paper opens in LibreOffice: as PDF its text is there, and its headings are
/// headings.
#[test]
fn docx_opens_in_libreoffice() {
    let Some(office) = office() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("paper.docx");
    let app = crate::support::app::store_for(Backend::Sqlite).expect("SQLite");
    let target = file.clone();
    actix_web::rt::System::new().block_on(async move {
        let app = TestApp::on(app, Backend::Sqlite, |config| {
            config.serving.no_example = false
        })
        .await;
        let viewer = app.role(Role::Viewer);
        let paper = viewer.items("/api/v1/papers?reference=PAPER-2020").await[0].clone();
        std::fs::write(&target, form(&viewer, &paper, "docx").await).expect("a file");
        app.stop().await;
    });
    let pdf = converted(office, &file, "pdf");
    assert!(pdf.starts_with(b"%PDF-"));
    let text = Command::new("pdftotext")
        .args(["-layout", "paper.pdf", "-"])
        .current_dir(folder.path())
        .output()
        .expect("pdftotext runs")
        .stdout;
    let text = String::from_utf8_lossy(&text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for words in [
        "Recommendation 6: Risk management framework",
        "1.1 Overdue",
        "overdue by 87 days",
        "1214 days",
        "6 Contact details",
        "Page 1 of ",
        "OFFICIAL",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let html = String::from_utf8(converted(office, &file, "html")).expect("text");
    let heads = |tag: &str| -> Vec<String> {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        let parts = html.split(open.as_str()).skip(1);
        let inner = parts.map(|p| p.split(close.as_str()).next().unwrap_or_default());
        inner.map(|i| plain(&format!("<{i}"))).collect()
    };
    assert_eq!(
        heads("h1").len(),
        8,
        "the summary, six sections and the note: {:?}",
        heads("h1")
    );
    assert!(
        heads("h1").contains(&"2 Equality and diversity impact".to_owned()),
        "{:?}",
        heads("h1")
    );
    assert!(
        heads("h2").contains(&"Recommendation 9: Independent advisory groups".to_owned()),
        "{:?}",
        heads("h2")
    );
    assert!(
        html.contains("<thead") || html.contains("<th"),
        "tables have heads"
    );
}

/// The PDF of a paper: PDF/UA-1, tagged headings, lists and tables, the marking and the number of
/// pages, and the same bytes each time.
#[test]
fn pdf_is_tagged() {
    if !writes_pdf() {
        let _ = writeln!(
            std::io::stderr().lock(),
            "SKIPPED pdf_is_tagged: see tests/pdf/run"
        );
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = crate::support::app::store_for(Backend::Sqlite).expect("SQLite");
    let file = folder.path().join("paper.pdf");
    let target = file.clone();
    actix_web::rt::System::new().block_on(async move {
        let app = TestApp::on(store, Backend::Sqlite, |config| {
            config.serving.no_example = false
        })
        .await;
        let viewer = app.role(Role::Viewer);
        let paper = viewer.items("/api/v1/papers?reference=PAPER-2020").await[0].clone();
        let content = format!("{}/content", path(&paper));
        let asked = viewer.get(&format!("{content}?format=pdf")).await;
        assert_eq!(asked.status(200).header("content-type"), "application/pdf");
        let accepted = viewer
            .ask("GET", &content)
            .header("accept", "application/pdf")
            .send()
            .await;
        assert_eq!(
            accepted.status(200).body,
            asked.body,
            "the same paper is the same file"
        );
        std::fs::write(&target, &asked.body).expect("a file");
        app.stop().await;
    });
    let bytes = std::fs::read(&file).expect("the file");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-1.7"));
    assert!(
        text.contains("<pdfuaid:part>1</pdfuaid:part>"),
        "it says that it is PDF/UA-1"
    );
    let read = |command: &str, arguments: &[&str]| {
        let output = Command::new(command)
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("poppler-utils");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let tags = read("pdfinfo", &["-struct-text", "paper.pdf"]);
    for tag in [
        "H1 \"Report summary\" (block)",
        "H1 \"1 Supporting information\" (block)",
        "H2 \"Recommendation 9: Independent advisory groups\" (block)",
        // Typst tags letters as numbers; the letters are in the labels.
        "/ListNumbering /Decimal",
        "Lbl (block) \"a)\"",
        "Caption",
        "/Scope /Column",
        "/Scope /Row",
    ] {
        assert!(tags.contains(tag), "{tag}: {tags}");
    }
    let about = read("pdfinfo", &["paper.pdf"]);
    assert!(about.contains("Tagged: yes") && about.contains("Title: Diversity and inclusion"));
    let words = read("pdftotext", &["-layout", "paper.pdf", "-"]);
    for said in [
        "Page 1 of ",
        "OFFICIAL",
        "31 July 2020, overdue by 87",
        "1214 days",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(!words.contains("/api/v1/"), "{words}");
}

/// The words of a piece of HTML.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("&ndash;", "–")
        .replace("&amp;", "&")
}
