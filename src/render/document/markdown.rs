//! A document as Markdown (CommonMark with tables). Text is escaped so that none of it becomes markup.

use super::markup::{Cell, Front, Mark, Node, Span, Table};

/// Writes the document. The addresses of links follow at its end, so that the text can be read
/// without them.
#[must_use]
pub fn write(nodes: &[Node]) -> String {
    let mut writer = Writer::default();
    let mut out = String::new();
    writer.blocks(nodes, "", &mut out);
    if !writer.links.is_empty() {
        out.push('\n');
    }
    for (n, to) in writer.links.iter().enumerate() {
        out.push_str(&format!("[{}]: {to}\n", n + 1));
    }
    out
}

#[derive(Default)]
struct Writer {
    /// Addresses of links, each once.
    links: Vec<String>,
}

impl Writer {
    fn blocks(&mut self, nodes: &[Node], indent: &str, out: &mut String) {
        // Markdown has no pages.
        let nodes = nodes.iter().filter(|node| **node != Node::NewPage);
        for (n, node) in nodes.enumerate() {
            if n > 0 {
                out.push_str(indent.trim_end());
                out.push('\n');
            }
            self.block(node, indent, out);
        }
    }

    fn block(&mut self, node: &Node, indent: &str, out: &mut String) {
        match node {
            Node::Front(front) => write_front(front, indent, out),
            Node::Heading(level, spans) => {
                let marks = "#".repeat(usize::from(*level) + 1);
                line(indent, &format!("{marks} {}", self.inline(spans)), out);
            }
            Node::Para(spans) => {
                for text in self.inline(spans).split('\n') {
                    line(indent, &at_start(text), out);
                }
            }
            Node::List(mark, items) => self.list(*mark, items, indent, out),
            Node::Quote(inner) => {
                let mut quoted = String::new();
                self.blocks(inner, "", &mut quoted);
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
            Node::Table(table) => self.table(table, indent, out),
            Node::NewPage => {}
        }
    }

    /// Items of one short paragraph are written close together, others with a blank line between
    /// them.
    fn list(&mut self, mark: Mark, items: &[Vec<Node>], indent: &str, out: &mut String) {
        for (n, item) in items.iter().enumerate() {
            let mark = match mark {
                Mark::Number(from) => format!("{}. ", from + n as u64),
                Mark::Bullet => "- ".into(),
                // CommonMark has no lettered lists: these are paragraphs that begin with their
                // letter.
                Mark::Letter => {
                    if n > 0 {
                        out.push_str(indent.trim_end());
                        out.push('\n');
                    }
                    self.lettered(n, item, indent, out);
                    continue;
                }
            };
            let inner = format!("{indent}{}", " ".repeat(mark.len()));
            let mut text = String::new();
            let mut before_list = false;
            for (n, node) in item.iter().enumerate() {
                // A list after its item's first line needs no blank line before it.
                let goes_on = before_list && !matches!(node, Node::List(Mark::Letter, _));
                if n > 0 && !(goes_on && matches!(node, Node::List(..))) {
                    text.push('\n');
                }
                self.block(node, &inner, &mut text);
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

    fn lettered(&mut self, n: usize, item: &[Node], indent: &str, out: &mut String) {
        let mark = format!("{}) ", Mark::letter(n));
        match item {
            [Node::Para(spans), rest @ ..] => {
                let text = self.inline(spans);
                let mut lines = text.split('\n');
                let first = lines.next().unwrap_or_default();
                line(indent, &format!("{mark}{first}"), out);
                for text in lines {
                    line(indent, &at_start(text), out);
                }
                if !rest.is_empty() {
                    out.push('\n');
                    self.blocks(rest, indent, out);
                }
            }
            other => {
                line(indent, mark.trim_end(), out);
                out.push('\n');
                self.blocks(other, indent, out);
            }
        }
    }

    fn table(&mut self, table: &Table, indent: &str, out: &mut String) {
        if !table.caption.is_empty() {
            line(indent, &format!("*{}*", escape(&table.caption)), out);
            line(indent.trim_end(), "", out);
        }
        let head = self.row(&table.head);
        line(indent, &head, out);
        line(
            indent,
            &format!("|{}", "---|".repeat(table.head.len())),
            out,
        );
        for cells in &table.rows {
            let row = self.row(cells);
            line(indent, &row, out);
        }
    }

    fn row(&mut self, cells: &[Cell]) -> String {
        let texts: Vec<String> = cells
            .iter()
            .map(|c| {
                // A cell is one line.
                let text = self.inline(c).replace("\\\n", " ");
                text.replace('|', "\\|").replace('\n', " ")
            })
            .collect();
        format!("| {} |", texts.join(" | "))
    }

    fn inline(&mut self, spans: &[Span]) -> String {
        let mut out = String::new();
        for span in spans {
            match span {
                Span::Text(text) => out.push_str(&escape(text)),
                Span::Strong(inner) => out.push_str(&format!("**{}**", self.inline(inner))),
                Span::Emphasis(inner) => out.push_str(&format!("*{}*", self.inline(inner))),
                Span::Code(code) => {
                    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
                    let fence = "`".repeat(longest + 1);
                    let space = if longest > 0 { " " } else { "" };
                    let code = code.replace('\n', " ");
                    out.push_str(&format!("{fence}{space}{code}{space}{fence}"));
                }
                Span::Link(to, inner) => {
                    let to = to
                        .replace('\\', "%5C")
                        .replace('<', "%3C")
                        .replace('>', "%3E");
                    let plain = !to.contains([' ', '(', ')']);
                    let to = if plain { to } else { format!("<{to}>") };
                    let text = self.inline(inner);
                    let known = self.links.iter().position(|known| *known == to);
                    let n = known.unwrap_or_else(|| {
                        self.links.push(to);
                        self.links.len() - 1
                    });
                    out.push_str(&format!("[{text}][{}]", n + 1));
                }
                Span::Break => out.push_str("\\\n"),
            }
        }
        out
    }
}

fn line(indent: &str, text: &str, out: &mut String) {
    out.push_str(indent);
    out.push_str(text);
    out.push('\n');
}

fn write_front(front: &Front, indent: &str, out: &mut String) {
    let strong = |text: &String| format!("**{}**", escape(text));
    let above: Vec<String> = front.above.iter().map(strong).collect();
    if !above.is_empty() {
        line(indent, &above.join("\\\n"), out);
        out.push('\n');
    }
    line(indent, &format!("# {}", escape(&front.title)), out);
    let fact =
        |(label, text): &(String, String)| format!("**{}:** {}", escape(label), escape(text));
    let facts: Vec<String> = front.facts.iter().map(fact).collect();
    if !facts.is_empty() {
        out.push('\n');
        line(indent, &facts.join("\\\n"), out);
    }
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
                rows: vec![vec![vec![Span::text("c\nd"), Span::Break, Span::text("e")]]],
                widths: Vec::new(),
            }),
        ];
        let text = write(&nodes);
        assert_eq!(
            text,
            "\\<script\\>alert(1)\\</script\\> \\[a\\](javascript:b) \\*x\\* snake_case \
                \\_y\\_\n\n\\# no heading\n\n1\\. no list\n\n| a\\|b |\n|---|\n| c d e |\n"
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
            Mark::Bullet,
            vec![
                vec![
                    item("b"),
                    Node::List(Mark::Number(3), vec![vec![item("c")]]),
                ],
                vec![item("d")],
            ],
        );
        assert_eq!(write(&[nested]), "- b\n  3. c\n- d\n");
        let lettered = Node::List(
            Mark::Letter,
            vec![
                vec![
                    item("first"),
                    Node::List(Mark::Bullet, vec![vec![item("x")]]),
                ],
                vec![item("second")],
            ],
        );
        assert_eq!(write(&[lettered]), "a) first\n\n- x\n\nb) second\n");
    }

    #[test]
    fn addresses_follow_the_text() {
        let link = |to: &str, text: &str| Node::Para(vec![Span::link(to, text)]);
        let nodes = [
            link("/a?b=1", "one"),
            link("/c d", "two"),
            link("/a?b=1", "[x]"),
        ];
        assert_eq!(
            write(&nodes),
            "[one][1]\n\n[two][2]\n\n[\\[x\\]][1]\n\n[1]: /a?b=1\n[2]: </c d>\n"
        );
    }
}
