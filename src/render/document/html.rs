//! A document as HTML: one page, with headings in order, header rows in tables, no scripts and
//! everything escaped. It is also suitable for printing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::markup::{Cell, Node, Span, Table, plain};

/// Styles of the page. Queries are printed in full, because a link on paper cannot be followed.
const STYLE: &str = "body{font:1rem/1.5 Georgia,serif;max-width:50rem;margin:2rem auto;padding:0 \
    1rem;color:#111;background:#fff}h1,h2,h3,h4,h5,h6{font-family:Arial,sans-serif;line-height:1.25;break-after:avoid}table{border-collapse:collapse;width:100%;margin:1rem \
    0}caption{text-align:left;font-style:italic}th,td{border:1px solid #555;padding:.3rem \
    .5rem;text-align:left;vertical-align:top}thead \
    th{background:#eee}tr{break-inside:avoid}a{color:#00458b}pre{white-space:pre-wrap;border:1px \
    solid #555;padding:.5rem}@media \
    print{body{max-width:none;margin:0;font-size:10pt}a[href]::after{content:\" (\" attr(href) \
    \")\";font-size:80%;word-break:break-all}}";

/// Content security policy of the page: it allows only these styles.
#[must_use]
pub fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
            frame-ancestors 'none'"
    )
}

/// Writes the document.
#[must_use]
pub fn write(nodes: &[Node], title: &str, language: &str) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
            name=\"viewport\" content=\"width=device-width, \
            initial-scale=1\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escape(language),
        escape(title)
    );
    blocks(nodes, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn blocks(nodes: &[Node], out: &mut String) {
    for node in nodes {
        match node {
            Node::Heading(level, spans) => {
                let n = (level + 1).min(6);
                out.push_str(&format!("<h{n}>{}</h{n}>\n", inline(spans)));
            }
            Node::Para(spans) => out.push_str(&format!("<p>{}</p>\n", inline(spans))),
            Node::List(start, items) => list(*start, items, out),
            Node::Quote(inner) => {
                out.push_str("<blockquote>\n");
                blocks(inner, out);
                out.push_str("</blockquote>\n");
            }
            Node::Code(code) => {
                out.push_str(&format!("<pre><code>{}</code></pre>\n", escape(code)))
            }
            Node::Table(table) => write_table(table, out),
        }
    }
}

fn list(start: Option<u64>, items: &[Vec<Node>], out: &mut String) {
    let (open, close) = match start {
        None => ("<ul>\n".to_owned(), "</ul>\n"),
        Some(1) => ("<ol>\n".to_owned(), "</ol>\n"),
        Some(n) => (format!("<ol start=\"{n}\">\n"), "</ol>\n"),
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
    out.push_str("<table>\n");
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
    out.push_str("</tbody>\n</table>\n");
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
        };
        let nodes = [
            Node::Heading(0, vec![Span::text(evil)]),
            Node::List(
                Some(2),
                vec![vec![Node::Para(vec![Span::Code(evil.into())])]],
            ),
            Node::Code(evil.into()),
            Node::Table(table),
        ];
        let page = write(&nodes, evil, "en\"GB");
        assert!(
            !page.contains("<script") && !page.contains("\"x\""),
            "{page}"
        );
        assert_eq!(page.matches("<style>").count(), 1);
        assert!(page.contains("<th scope=\"col\">") && page.contains("<th scope=\"row\">"));
        assert!(policy().contains("style-src 'sha256-"));
    }
}
