//! Plain English: idioms that read as if translated are refused in everything that users and the
//! next engineer read, which is every sentence and every documentation comment of the source.

use syn::visit::{self, Visit};

use super::source;

/// What is not written, and what to write instead.
const IDIOMS: &[(&str, &str)] = &[
    ("anew", "again"),
    ("as it stands", "current"),
    ("as they stand", "current"),
    ("beside it", "next to it, as well as it"),
    ("beside the", "next to the, as well as the"),
    ("by itself", "automatically, on its own"),
    ("that is none", "there is no"),
    ("which is none", "there is no"),
    ("lies in", "is kept in, is in"),
    ("leads nowhere", "returns 404"),
    ("put off", "deferred"),
    ("so many", "the number of"),
    ("stands in", "is in"),
    ("stands so", "has this status"),
    ("to be had", "available"),
    ("told of", "informed about"),
    ("what is pointed to", "linked record"),
];

/// The sentences of one file.
#[derive(Default)]
struct Sentences(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Sentences {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !source::is_unit_test(item) {
            visit::visit_item(self, item);
        }
    }
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::NameValue(meta) = &attribute.meta
            && meta.path.is_ident("doc")
            && let syn::Expr::Lit(value) = &meta.value
        {
            visit::visit_expr_lit(self, value);
        }
    }
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push((text.span().start().line, text.value()));
    }
    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        // What a macro is given is no syntax of its own: its texts are among the tokens.
        for token in called.tokens.clone() {
            self.token(token);
        }
    }
}

impl Sentences {
    fn token(&mut self, token: proc_macro2::TokenTree) {
        match token {
            proc_macro2::TokenTree::Group(group) => {
                group.stream().into_iter().for_each(|t| self.token(t));
            }
            proc_macro2::TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    self.0.push((line, text.value()));
                }
            }
            _ => {}
        }
    }
}

/// Words in lower case, separated by single spaces. A code is one word, whatever it is made of.
fn words(text: &str) -> String {
    let letters = text.to_lowercase();
    let words: Vec<&str> = letters
        .split(|c: char| !c.is_alphanumeric() && !['\'', '_'].contains(&c))
        .filter(|w| !w.is_empty())
        .collect();
    format!(" {} ", words.join(" "))
}

#[test]
fn sentences_are_plain() {
    let (mut count, mut found) = (0, Vec::new());
    for (path, file) in source::files() {
        let mut sentences = Sentences::default();
        sentences.visit_file(&file);
        count += sentences.0.len();
        for (line, text) in sentences.0 {
            let text = words(&text);
            for (idiom, instead) in IDIOMS {
                if text.contains(&format!(" {idiom} ")) {
                    found.push(format!(
                        "src/{}:{line}: “{idiom}”; write: {instead}",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(count > 5_000, "the sentences were not found");
    assert!(
        found.is_empty(),
        "plain English, please:\n{}",
        found.join("\n")
    );
}
