//! The forms of a paper: HTML that nothing runs in, DOCX that word processors open, and neither
//! loses a heading.

use std::io::{Cursor, Read, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use stride::policy::Role;

use super::{Scene, issue, path};
use crate::support::{Client, TestApp, some};

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
        .get(&format!("{content}?format=pdf"))
        .await
        .problem("invalid_query");
    let html = keeper.get(&format!("{content}?format=html")).await;
    let policy = html.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
}

/// A paper of which nothing was written says so in every form, and skips no section.
async fn an_empty_paper_is_whole(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene.paper(&keeper, json!({ "scope": {} })).await;
    let markdown = String::from_utf8(form(&keeper, &paper, "markdown").await).expect("text");
    for heading in [
        "## Purpose",
        "## 1 Supporting information",
        "### 1.1 Overdue",
        "## 7 Appendices and background papers",
    ] {
        assert!(
            markdown.contains(&format!("\n{heading}\n")),
            "{heading}: {markdown}"
        );
    }
    assert!(
        markdown.contains("Nothing in scope is overdue.")
            && markdown.contains("The panel is not asked to do anything.")
    );
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
        issue(&keeper, &paper).await;
    }
}

/// HTML: language, one title, no level skipped, heads with their scope, nothing that runs.
async fn html_is_accessible(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene
        .paper(
            &keeper,
            json!({ "narrative": [{ "section": "supporting", "text": WORDS }] }),
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
    assert_eq!(
        html.matches("<thead>").count(),
        html.matches("<table>").count()
    );
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
            json!({ "narrative": [{ "section": "supporting", "text": WORDS }] }),
        )
        .await;
    let docx = form(&keeper, &paper, "docx").await;
    is_well_formed(&docx);
    let document = part(&docx, "word/document.xml");
    for (style, count) in [("Title", 1), ("Heading1", 12), ("Heading2", 7)] {
        assert_eq!(
            document
                .matches(&format!("<w:pStyle w:val=\"{style}\"/>"))
                .count(),
            count,
            "{style}"
        );
    }
    assert!(document.matches("<w:tbl>").count() >= 2);
    assert_eq!(
        document.matches("<w:tblHeader/>").count(),
        document.matches("<w:tbl>").count()
    );
    assert!(
        document.contains("<w:numPr>")
            && document.contains("<w:i/>")
            && document.contains("<w:b/>")
            && document.contains("<w:hyperlink ")
    );
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
    let app = crate::support::app::store_for(crate::support::Backend::Sqlite).expect("SQLite");
    let target = file.clone();
    actix_web::rt::System::new().block_on(async move {
        let app = TestApp::on(app, crate::support::Backend::Sqlite, |config| {
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
        "6) Risk management framework",
        "1.1 Overdue",
        "overdue by 87 days",
        "1214 days",
        "7 Appendices and background papers",
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
        12,
        "eleven sections and where figures come from: {:?}",
        heads("h1")
    );
    assert!(
        heads("h1").contains(&"2 Equality and diversity impact".to_owned()),
        "{:?}",
        heads("h1")
    );
    assert!(
        heads("h2")
            .contains(&"9) Independent advisory groups – deadline: September 2020".to_owned()),
        "{:?}",
        heads("h2")
    );
    assert!(
        html.contains("<thead") || html.contains("<th"),
        "tables have heads"
    );
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
