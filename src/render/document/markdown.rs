//! A document as Markdown (CommonMark with tables). Text is escaped so that none of it becomes markup.

use super::markup::{Cell, Node, Span, Table};

/// Writes the document.
#[must_use]
pub fn write(nodes: &[Node]) -> String {
    let mut out = String::new();
    blocks(nodes, "", &mut out);
    out
}

fn blocks(nodes: &[Node], indent: &str, out: &mut String) {
    for (n, node) in nodes.iter().enumerate() {
        if n > 0 {
            out.push_str(indent.trim_end());
            out.push('\n');
        }
        block(node, indent, out);
    }
}

fn block(node: &Node, indent: &str, out: &mut String) {
    match node {
        Node::Heading(level, spans) => line(
            indent,
            &format!("{} {}", "#".repeat(usize::from(*level) + 1), inline(spans)),
            out,
        ),
        Node::Para(spans) => {
            for text in inline(spans).split('\n') {
                line(indent, &at_start(text), out);
            }
        }
        Node::List(start, items) => list(*start, items, indent, out),
        Node::Quote(inner) => {
            let mut quoted = String::new();
            blocks(inner, "", &mut quoted);
            for text in quoted.lines() {
                line(indent, format!("> {text}").trim_end(), out);
            }
        }
        Node::Code(code) => {
            let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat((longest + 1).max(3));
            line(indent, &fence, out);
            for text in code.trim_end_matches('\n').split('\n') {
                line(indent, text, out);
            }
            line(indent, &fence, out);
        }
        Node::Table(table) => write_table(table, indent, out),
    }
}

fn line(indent: &str, text: &str, out: &mut String) {
    out.push_str(indent);
    out.push_str(text);
    out.push('\n');
}

/// Items of one short paragraph are written close together, others with a blank line between them.
fn list(start: Option<u64>, items: &[Vec<Node>], indent: &str, out: &mut String) {
    for (n, item) in items.iter().enumerate() {
        let mark = match start {
            Some(from) => format!("{}. ", from + n as u64),
            None => "- ".into(),
        };
        let inner = format!("{indent}{}", " ".repeat(mark.len()));
        let mut text = String::new();
        let mut before_list = false;
        for (n, node) in item.iter().enumerate() {
            // A list after its item's first line needs no blank line before it.
            if n > 0 && !(before_list && matches!(node, Node::List(..))) {
                text.push('\n');
            }
            block(node, &inner, &mut text);
            before_list = n == 0 && matches!(node, Node::Para(_));
        }
        if text.is_empty() {
            text.push('\n');
        }
        let body = text.strip_prefix(&inner).unwrap_or(&text);
        out.push_str(indent);
        out.push_str(&mark);
        out.push_str(body);
    }
}

fn write_table(table: &Table, indent: &str, out: &mut String) {
    let row = |cells: &[Cell]| {
        let texts: Vec<String> = cells
            .iter()
            .map(|c| inline(c).replace('|', "\\|").replace('\n', " "))
            .collect();
        format!("| {} |", texts.join(" | "))
    };
    if !table.caption.is_empty() {
        line(indent, &format!("*{}*", escape(&table.caption)), out);
        line(indent.trim_end(), "", out);
    }
    line(indent, &row(&table.head), out);
    line(
        indent,
        &format!("|{}", "---|".repeat(table.head.len())),
        out,
    );
    for cells in &table.rows {
        line(indent, &row(cells), out);
    }
}

fn inline(spans: &[Span]) -> String {
    let one = |span: &Span| match span {
        Span::Text(text) => escape(text),
        Span::Strong(inner) => format!("**{}**", inline(inner)),
        Span::Emphasis(inner) => format!("*{}*", inline(inner)),
        Span::Code(code) => {
            let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest + 1);
            let space = if longest > 0 { " " } else { "" };
            format!("{fence}{space}{}{space}{fence}", code.replace('\n', " "))
        }
        Span::Link(to, inner) => {
            let to = to
                .replace('\\', "%5C")
                .replace('<', "%3C")
                .replace('>', "%3E");
            let plain = !to.contains([' ', '(', ')']);
            let to = if plain { to } else { format!("<{to}>") };
            format!("[{}]({to})", inline(inner))
        }
        Span::Break => "\\\n".into(),
    };
    spans.iter().map(one).collect()
}

/// Escapes text so that Markdown reads it as text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let rest = chars.as_str();
        let after = rest.chars().next().unwrap_or(' ');
        let is_mark = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '~' => true,
            // Within a word, an underscore needs no escape.
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '&' => is_entity(rest),
            _ => false,
        };
        if is_mark {
            out.push('\\');
        }
        out.push(if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        });
        before = c;
    }
    out
}

/// Whether the text after an ampersand forms a character entity (`amp;`, `#60;`).
fn is_entity(rest: &str) -> bool {
    let name = rest.trim_start_matches('#');
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    end > 0 && name.get(end..).is_some_and(|r| r.starts_with(';'))
}

/// Escapes the start of a line that would otherwise begin another kind of block.
fn at_start(text: &str) -> String {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..).unwrap_or_default();
    if digits > 0 && digits < 10 && rest.starts_with(['.', ')']) {
        return format!("{}\\{rest}", text.get(..digits).unwrap_or_default());
    }
    if text.starts_with(['#', '+', '-', '=', '|']) {
        return format!("\\{text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_stays_text() {
        let nodes = [
            Node::Para(vec![Span::text(
                "<script>alert(1)</script> [a](javascript:b) *x* snake_case _y_",
            )]),
            Node::Para(vec![Span::text("# no heading")]),
            Node::Para(vec![Span::text("1. no list")]),
            Node::Table(Table {
                caption: String::new(),
                head: vec![vec![Span::text("a|b")]],
                rows: vec![vec![vec![Span::text("c\nd")]]],
            }),
        ];
        let text = write(&nodes);
        assert_eq!(
            text,
            "\\<script\\>alert(1)\\</script\\> \\[a\\](javascript:b) \\*x\\* snake_case \
                \\_y\\_\n\n\\# no heading\n\n1\\. no list\n\n| a\\|b |\n|---|\n| c d |\n"
        );
        // When parsed again, the text still contains no markup.
        let html = pulldown_cmark::Parser::new(&text);
        assert!(!html.into_iter().any(|e| matches!(
            e,
            pulldown_cmark::Event::Html(_)
                | pulldown_cmark::Event::InlineHtml(_)
                | pulldown_cmark::Event::Start(
                    pulldown_cmark::Tag::Link { .. }
                        | pulldown_cmark::Tag::Heading { .. }
                        | pulldown_cmark::Tag::List(_)
                )
        )));
    }

    #[test]
    fn lists_nest_and_stand_together() {
        let item = |t: &str| Node::Para(vec![Span::text(t)]);
        let nested = Node::List(
            None,
            vec![
                vec![item("b"), Node::List(Some(3), vec![vec![item("c")]])],
                vec![item("d")],
            ],
        );
        assert_eq!(write(&[nested]), "- b\n  3. c\n- d\n");
    }
}
