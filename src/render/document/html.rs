//! A document as HTML: one page, with headings in order, header rows in tables, no scripts and
//! everything escaped. Printed, it has page numbers and the marking on each page, in browsers that
//! support margin boxes (CSS Paged Media).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::About;
use super::markup::{Cell, Front, Mark, Node, Span, Table, plain};

/// Styles of the page, apart from the words in its margins.
const STYLE: &str = "body{font:1rem/1.5 Arial,Helvetica,sans-serif;max-width:50rem;margin:1rem \
    auto;padding:0 \
    1rem;color:#111;background:#fff;overflow-wrap:break-word}h1,h2,h3,h4,h5,h6{line-height:1.25;margin:1.6em \
    0 .5em;break-after:avoid}h1{font-size:1.9rem;margin-top:.6em}h2{font-size:1.45rem;border-bottom:1px \
    solid #767676}h3{font-size:1.2rem}h4,h5,h6{font-size:1.05rem}p{margin:.5em \
    0}.marking{text-align:center;font-weight:bold;letter-spacing:.05em}.above{font-size:1.15rem;font-weight:bold}dl{display:grid;grid-template-columns:max-content \
    1fr;gap:.2rem 1rem}dt{font-weight:bold}dd{margin:0}li{margin:.3em \
    0}.table{overflow-x:auto;margin:1rem 0}.table:focus-visible{outline:3px solid \
    #00458b}table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:bold;padding:.3rem \
    0}th,td{border:1px solid #767676;padding:.3rem \
    .5rem;text-align:left;vertical-align:top;overflow-wrap:normal}tbody th{font-weight:normal}thead \
    th{background:#e8ecf0}tr{break-inside:avoid}a{color:#00458b}blockquote{border-left:4px solid \
    #767676;margin-left:0;padding-left:1rem}pre{white-space:pre-wrap;border:1px solid \
    #767676;padding:.5rem}@media \
    print{body{max-width:none;margin:0;padding:0;font-size:10pt;line-height:1.35}h1{font-size:18pt}h2{font-size:14pt}h3{font-size:12pt}h4,h5,h6{font-size:11pt}a{color:inherit;text-decoration:none}p,li{orphans:2;widows:2}thead{display:table-header-group}.newpage+*{break-before:page}.table{break-inside:avoid;overflow:visible;margin:.6rem 0}caption{break-after:avoid}h2,h3,h4,h5,h6{margin:1.1em 0 .35em}ul,ol{margin:.4em 0}table{font-size:9.5pt}.marking{display:none}}";

/// The styles, with the marking, the reference and the page number in the margins of printed pages.
fn style(about: &About<'_>) -> String {
    let words = |text: &str| -> String {
        let plain = |c: &char| c.is_alphanumeric() || " ._/-".contains(*c);
        text.chars().filter(plain).collect()
    };
    let (marking, reference) = (words(about.marking), words(about.reference));
    format!(
        "{STYLE}@page{{size:A4;margin:22mm 20mm;font:9pt Arial,Helvetica,sans-serif;\
            @top-center{{content:\"{marking}\";font-weight:bold}}\
            @bottom-left{{content:\"{reference}\"}}\
            @bottom-center{{content:\"{marking}\";font-weight:bold}}\
            @bottom-right{{content:\"Page \" counter(page) \" of \" counter(pages)}}}}"
    )
}

/// Content security policy of the page: it allows only these styles.
#[must_use]
pub fn policy(about: &About<'_>) -> String {
    let hash = STANDARD.encode(Sha256::digest(style(about)));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
            frame-ancestors 'none'"
    )
}

/// Writes the document.
#[must_use]
pub fn write(nodes: &[Node], about: &About<'_>) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
            name=\"viewport\" content=\"width=device-width, \
            initial-scale=1\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<header><p \
            class=\"marking\">{}</p></header>\n<main>\n",
        escape(about.language),
        escape(about.title),
        style(about),
        escape(about.marking)
    );
    blocks(nodes, &mut out);
    out.push_str(&format!(
        "</main>\n<footer><p class=\"marking\">{}</p></footer>\n</body>\n</html>\n",
        escape(about.marking)
    ));
    out
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn blocks(nodes: &[Node], out: &mut String) {
    for node in nodes {
        match node {
            Node::Front(front) => write_front(front, out),
            Node::Heading(level, spans) => {
                let n = (level + 1).min(6);
                out.push_str(&format!("<h{n}>{}</h{n}>\n", inline(spans)));
            }
            Node::Para(spans) => out.push_str(&format!("<p>{}</p>\n", inline(spans))),
            Node::List(mark, items) => list(*mark, items, out),
            Node::Quote(inner) => {
                out.push_str("<blockquote>\n");
                blocks(inner, out);
                out.push_str("</blockquote>\n");
            }
            Node::Code(code) => {
                out.push_str(&format!("<pre><code>{}</code></pre>\n", escape(code)))
            }
            Node::Table(table) => write_table(table, out),
            // Empty, so that nothing is read out.
            Node::NewPage => out.push_str("<div class=\"newpage\"></div>\n"),
        }
    }
}

fn write_front(front: &Front, out: &mut String) {
    for text in &front.above {
        out.push_str(&format!("<p class=\"above\">{}</p>\n", escape(text)));
    }
    out.push_str(&format!("<h1>{}</h1>\n", escape(&front.title)));
    if front.facts.is_empty() {
        return;
    }
    out.push_str("<dl>\n");
    for (label, text) in &front.facts {
        out.push_str(&format!(
            "<dt>{}</dt><dd>{}</dd>\n",
            escape(label),
            escape(text)
        ));
    }
    out.push_str("</dl>\n");
}

fn list(mark: Mark, items: &[Vec<Node>], out: &mut String) {
    let (open, close) = match mark {
        Mark::Bullet => ("<ul>\n".to_owned(), "</ul>\n"),
        Mark::Number(1) => ("<ol>\n".to_owned(), "</ol>\n"),
        Mark::Number(n) => (format!("<ol start=\"{n}\">\n"), "</ol>\n"),
        Mark::Letter => ("<ol type=\"a\">\n".to_owned(), "</ol>\n"),
    };
    out.push_str(&open);
    for item in items {
        out.push_str("<li>");
        match item.as_slice() {
            [Node::Para(spans)] => out.push_str(&inline(spans)),
            [Node::Para(spans), rest @ ..] => {
                out.push_str(&inline(spans));
                out.push('\n');
                blocks(rest, out);
            }
            other => blocks(other, out),
        }
        out.push_str("</li>\n");
    }
    out.push_str(close);
}

fn write_table(table: &Table, out: &mut String) {
    // A wide table is moved on its own on a narrow screen, also with the keyboard.
    let label = if table.caption.is_empty() {
        "Table"
    } else {
        table.caption.as_str()
    };
    out.push_str(&format!(
        "<div class=\"table\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n",
        escape(label)
    ));
    if !table.caption.is_empty() {
        out.push_str(&format!("<caption>{}</caption>\n", escape(&table.caption)));
    }
    out.push_str("<thead>\n<tr>");
    for cell in &table.head {
        // An author's table may leave a header cell empty. It then gets no header element.
        if plain(cell).trim().is_empty() {
            out.push_str("<td></td>");
        } else {
            out.push_str(&format!("<th scope=\"col\">{}</th>", inline(cell)));
        }
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (n, cell) in row.iter().enumerate() {
            out.push_str(&tagged(n, cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn tagged(n: usize, cell: &Cell) -> String {
    if n == 0 && !plain(cell).trim().is_empty() {
        format!("<th scope=\"row\">{}</th>", inline(cell))
    } else {
        format!("<td>{}</td>", inline(cell))
    }
}

fn inline(spans: &[Span]) -> String {
    let one = |span: &Span| match span {
        Span::Text(text) => escape(text),
        Span::Strong(inner) => format!("<strong>{}</strong>", inline(inner)),
        Span::Emphasis(inner) => format!("<em>{}</em>", inline(inner)),
        Span::Code(code) => format!("<code>{}</code>", escape(code)),
        Span::Link(to, inner) => format!("<a href=\"{}\">{}</a>", escape(to), inline(inner)),
        Span::Break => "<br>".into(),
    };
    spans.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let evil = "\"><script>alert('1')</script>&";
        let table = Table {
            caption: evil.into(),
            head: vec![vec![Span::text(evil)], Vec::new()],
            rows: vec![vec![
                vec![Span::link("https://e.example/\"x", evil)],
                Vec::new(),
            ]],
            widths: Vec::new(),
        };
        let nodes = [
            Node::Front(Front {
                above: vec![evil.into()],
                title: evil.into(),
                facts: vec![(evil.into(), evil.into())],
            }),
            Node::Heading(1, vec![Span::text(evil)]),
            Node::List(
                Mark::Number(2),
                vec![vec![Node::Para(vec![Span::Code(evil.into())])]],
            ),
            Node::Code(evil.into()),
            Node::Table(table),
        ];
        let about = About {
            title: evil,
            author: evil,
            language: "en\"GB",
            at: chrono::DateTime::UNIX_EPOCH,
            reference: evil,
            marking: evil,
            base: None,
        };
        let page = write(&nodes, &about);
        assert!(
            !page.contains("<script") && !page.contains("\"x\""),
            "{page}"
        );
        assert_eq!(page.matches("<style>").count(), 1);
        assert!(page.contains("<th scope=\"col\">") && page.contains("<th scope=\"row\">"));
        assert!(policy(&about).contains("style-src 'sha256-"));
    }
}
