//! A test that checks everything in a list must have something to check: an empty list would let it
//! pass. Such a list is an array or a constant, or goes through `support::some`, which refuses an
//! empty one.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprForLoop, ExprMethodCall, Item, Macro};

use super::source;

/// What hands a list on as long as it is.
const SAME_LENGTH: &[&str] = &["cloned", "copied", "enumerate", "into_iter", "iter", "rev"];

/// The places of one file where a list may be empty.
#[derive(Default)]
struct Unguarded {
    /// How many loops are around the current place. Only the outermost is checked: what it does is
    /// all that the test does.
    loops: usize,
    lines: Vec<usize>,
    checks: usize,
}

impl<'ast> Visit<'ast> for Unguarded {
    fn visit_item(&mut self, item: &'ast Item) {
        let around = std::mem::take(&mut self.loops);
        visit::visit_item(self, item);
        self.loops = around;
    }
    fn visit_expr_for_loop(&mut self, each: &'ast ExprForLoop) {
        if self.loops == 0 && Asserts::is_in(each) {
            self.checks += 1;
            if !has_entries(&each.expr) {
                self.lines.push(each.for_token.span.start().line);
            }
        }
        self.loops += 1;
        visit::visit_expr_for_loop(self, each);
        self.loops -= 1;
    }
    fn visit_macro(&mut self, called: &'ast Macro) {
        if is_assertion(called) {
            self.calls_of_all(called.tokens.clone());
        }
    }
}

impl Unguarded {
    /// Finds `.all(…)` after anything but `some(…)`.
    fn calls_of_all(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (n, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.calls_of_all(group.stream());
            }
            let called = matches!(token, TokenTree::Ident(name) if name == "all")
                && is_punct(n.checked_sub(1).and_then(|n| tokens.get(n)), '.')
                && asks(tokens.get(n + 1));
            if !called {
                continue;
            }
            self.checks += 1;
            if !is_guarded(&tokens[..n - 1]) {
                self.lines.push(token.span().start().line);
            }
        }
    }
}

/// Whether a chain of calls begins with `some(…)` and does not filter.
fn is_guarded(mut chain: &[TokenTree]) -> bool {
    loop {
        match chain {
            [.., TokenTree::Ident(name), call] if is_call(Some(call)) => {
                let before = &chain[..chain.len() - 2];
                if !is_punct(before.last(), '.') {
                    return name == "some";
                }
                if !["take", "enumerate"].contains(&name.to_string().as_str()) {
                    return false;
                }
                chain = &before[..before.len() - 1];
            }
            _ => return false,
        }
    }
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == punct)
}

/// Whether something is called with an argument.
fn asks(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(g)) if is_call(token) && !g.stream().is_empty())
}

fn is_call(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis)
}

fn is_assertion(called: &Macro) -> bool {
    let name = called.path.segments.last().map(|s| s.ident.to_string());
    name.is_some_and(|n| n.starts_with("assert"))
}

/// Whether a list is seen to have entries where it is gone through.
fn has_entries(list: &Expr) -> bool {
    match list {
        Expr::Array(array) => !array.elems.is_empty(),
        Expr::Reference(to) => has_entries(&to.expr),
        Expr::Paren(inner) => has_entries(&inner.expr),
        Expr::Range(_) => true,
        Expr::MethodCall(call) => {
            SAME_LENGTH.iter().any(|m| call.method == m) && has_entries(&call.receiver)
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(named) => {
                let name = named.path.segments.last().map(|s| s.ident.to_string());
                matches!(name.as_deref(), Some("some" | "perhaps"))
            }
            _ => false,
        },
        Expr::Path(named) => named.path.segments.last().is_some_and(|s| {
            let name = s.ident.to_string();
            name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        }),
        _ => false,
    }
}

/// Whether a loop asserts anything.
#[derive(Default)]
struct Asserts(bool);

impl Asserts {
    fn is_in(each: &ExprForLoop) -> bool {
        let mut found = Self::default();
        found.visit_block(&each.body);
        found.0
    }
}

impl<'ast> Visit<'ast> for Asserts {
    fn visit_macro(&mut self, called: &'ast Macro) {
        self.0 |= is_assertion(called) || called.path.is_ident("panic");
    }
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // Those of `support::client::Reply`.
        self.0 |= ["status", "problem", "problem_at"]
            .iter()
            .any(|m| call.method == m && !call.args.is_empty());
        visit::visit_expr_method_call(self, call);
    }
}

#[test]
fn a_list_that_is_checked_is_not_empty() {
    let (mut checks, mut found) = (0, Vec::new());
    for folder in ["tests/api", "tests/faults", "src"] {
        for (path, file) in source::files_in(folder) {
            let mut unguarded = Unguarded::default();
            let is_test = |item: &&Item| folder != "src" || source::is_unit_test(item);
            for item in file.items.iter().filter(is_test) {
                unguarded.visit_item(item);
            }
            checks += unguarded.checks;
            let place = |line: &usize| format!("{folder}/{}:{line}", path.display());
            found.extend(unguarded.lines.iter().map(place));
        }
    }
    assert!(checks > 150, "the checks were not found: {checks}");
    assert!(
        found.is_empty(),
        "the list may be empty; go through `some(list)`:\n{}",
        found.join("\n")
    );
}
