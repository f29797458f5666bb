//! Resolves `[[kind:REFERENCE]]` in the author's text to a record, or reports that there is no such
//! record.

use std::collections::BTreeMap;

use super::content::{PaperResolvedReference, PaperUnresolvedReason, PaperUnresolvedReference};
use super::queries::Basis;
use super::words::called;
use crate::policy::Subject;
use crate::registers::catalogue;
use crate::registers::papers::Paper;
use crate::render::document::markup::{self, Node, Span};
use crate::views::RecordName;
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Text};

/// A piece of text: words, or the text between double brackets.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Words(&'a str),
    Named(&'a str),
    /// From here on, brackets are not closed.
    Open(&'a str),
}

/// Splits a text at its references.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[[") {
        if !before.is_empty() {
            all.push(Piece::Words(before));
        }
        let Some((named, more)) = after.split_once("]]") else {
            let from = rest.len() - after.len() - 2;
            all.push(Piece::Open(rest.get(from..).unwrap_or_default()));
            return all;
        };
        all.push(Piece::Named(named));
        rest = more;
    }
    if !rest.is_empty() {
        all.push(Piece::Words(rest));
    }
    all
}

/// The first characters of a text, so that long text cannot make an answer long.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The record that `kind:REFERENCE` names, if the reader may see it. Records about people and
/// access cannot be named in a paper.
fn named(seen: &VisibleWorld, text: &str) -> Result<RecordName, PaperUnresolvedReason> {
    let (kind, reference) = text
        .split_once(':')
        .ok_or(PaperUnresolvedReason::NotAReference)?;
    let known = catalogue()
        .named(kind)
        .filter(|k| k.subject != Subject::Access && !["person", "post_holding"].contains(&k.name));
    let kind = known.ok_or(PaperUnresolvedReason::NotAReference)?;
    let table = seen.table(kind).into_iter();
    let mut found = table
        .flat_map(|t| t.all_with_reference(reference))
        .filter_map(|id| seen.any(id))
        .filter(|r| seen.is_live(r.as_ref()));
    found
        .next()
        .map(|r| RecordName::of(seen, r))
        .ok_or(PaperUnresolvedReason::NoSuchRecord)
}

/// References found in the text of a paper.
#[derive(Debug, Default)]
pub struct Found {
    pub resolved: BTreeMap<String, PaperResolvedReference>,
    pub unresolved: Vec<PaperUnresolvedReference>,
}

impl Found {
    /// Searches all of the author's text.
    #[must_use]
    pub fn of(paper: &Rec<Paper>, basis: &Basis) -> Self {
        let mut found = Self::default();
        for (pointer, text) in paper.data.texts() {
            let mut refused = Vec::new();
            let nodes = markup::read(text, &mut |to| refused.push(short(to)));
            for to in refused {
                found.fail(&pointer, &to, PaperUnresolvedReason::LinkRefused);
            }
            each_text(&nodes, &mut |text| found.search(basis, &pointer, text));
        }
        found
    }

    fn search(&mut self, basis: &Basis, pointer: &str, text: &str) {
        for piece in pieces(text) {
            match piece {
                Piece::Words(_) => {}
                Piece::Open(text) => self.fail(pointer, text, PaperUnresolvedReason::NotClosed),
                Piece::Named(text) => match named(&basis.seen, text) {
                    Ok(record) => {
                        let query = basis.one(&record.kind, &record.reference);
                        let text = text.to_owned();
                        self.resolved
                            .entry(text.clone())
                            .or_insert(PaperResolvedReference {
                                text: Text::cut(text),
                                record,
                                query: Text::cut(query),
                            });
                    }
                    Err(reason) => self.fail(pointer, text, reason),
                },
            }
        }
    }

    pub(super) fn fail(&mut self, pointer: &str, text: &str, reason: PaperUnresolvedReason) {
        let one = PaperUnresolvedReference {
            pointer: Text::cut(pointer),
            text: Text::cut(short(text)),
            reason,
        };
        if !self.unresolved.contains(&one) {
            self.unresolved.push(one);
        }
    }
}

/// Visits every text in the blocks, except code.
fn each_text(nodes: &[Node], see: &mut dyn FnMut(&str)) {
    for node in nodes {
        match node {
            Node::Heading(_, spans) | Node::Para(spans) => each_span(spans, see),
            Node::List(_, items) => items.iter().for_each(|i| each_text(i, see)),
            Node::Quote(inner) => each_text(inner, see),
            Node::Table(table) => {
                let cells = table.head.iter().chain(table.rows.iter().flatten());
                cells.for_each(|c| each_span(c, see));
            }
            Node::Code(_) | Node::Front(_) | Node::NewPage => {}
        }
    }
}

fn each_span(spans: &[Span], see: &mut dyn FnMut(&str)) {
    for span in spans {
        match span {
            Span::Text(text) => see(text),
            Span::Strong(inner) | Span::Emphasis(inner) | Span::Link(_, inner) => {
                each_span(inner, see)
            }
            Span::Code(_) | Span::Break => {}
        }
    }
}

/// Replaces references with names and links.
#[must_use]
pub fn replace(nodes: Vec<Node>, resolved: &[PaperResolvedReference]) -> Vec<Node> {
    let cell = |spans: Vec<Span>| in_spans(spans, resolved);
    nodes
        .into_iter()
        .map(|node| match node {
            Node::Heading(level, spans) => Node::Heading(level, cell(spans)),
            Node::Para(spans) => Node::Para(cell(spans)),
            own @ (Node::Front(_) | Node::NewPage) => own,
            Node::List(mark, items) => Node::List(
                mark,
                items.into_iter().map(|i| replace(i, resolved)).collect(),
            ),
            Node::Quote(inner) => Node::Quote(replace(inner, resolved)),
            Node::Table(mut table) => {
                table.head = table.head.into_iter().map(cell).collect();
                table.rows = table
                    .rows
                    .into_iter()
                    .map(|r| r.into_iter().map(cell).collect())
                    .collect();
                Node::Table(table)
            }
            Node::Code(code) => Node::Code(code),
        })
        .collect()
}

fn in_spans(spans: Vec<Span>, resolved: &[PaperResolvedReference]) -> Vec<Span> {
    let one = |span: Span| match span {
        Span::Text(text) => pieces(&text)
            .into_iter()
            .map(|p| in_place(p, resolved))
            .collect(),
        Span::Strong(inner) => vec![Span::Strong(in_spans(inner, resolved))],
        Span::Emphasis(inner) => vec![Span::Emphasis(in_spans(inner, resolved))],
        other => vec![other],
    };
    spans.into_iter().flat_map(one).collect()
}

fn in_place(piece: Piece<'_>, resolved: &[PaperResolvedReference]) -> Span {
    match piece {
        Piece::Words(text) | Piece::Open(text) => Span::text(text),
        Piece::Named(text) => match resolved.iter().find(|r| r.text == text) {
            Some(r) => Span::link(&r.query, called(&r.record)),
            None => Span::text(format!("[[{text}]]")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_closed_or_not() {
        use Piece::{Named, Open, Words};
        assert_eq!(
            pieces("see [[goal:G1]], then"),
            [Words("see "), Named("goal:G1"), Words(", then")]
        );
        assert_eq!(pieces("[[a]][[b]]"), [Named("a"), Named("b")]);
        assert_eq!(
            pieces("x [[never closed"),
            [Words("x "), Open("[[never closed")]
        );
        assert_eq!(pieces("[[]]"), [Named("")]);
        assert!(pieces("").is_empty());
    }
}
