//! The limits of a text are in its type.

use syn::visit::Visit;

use super::source::files;

/// Fields of records, filters and computed values whose limits are in an attribute.
#[derive(Default)]
struct Limits(Vec<String>);

impl<'ast> Visit<'ast> for Limits {
    fn visit_field(&mut self, field: &'ast syn::Field) {
        let is_limited = |a: &syn::Attribute| {
            (a.path().is_ident("schema") || a.path().is_ident("param"))
                && a.meta
                    .require_list()
                    .is_ok_and(|l| l.tokens.to_string().contains("max_length"))
        };
        if field.attrs.iter().any(is_limited) {
            let name = field.ident.as_ref().map(ToString::to_string);
            self.0.push(name.unwrap_or_default());
        }
    }
}

#[test]
fn the_limits_of_a_text_are_in_its_type() {
    let mut wrong = Vec::new();
    for (path, file) in files() {
        if !path.starts_with("registers") {
            continue;
        }
        let mut limits = Limits::default();
        limits.visit_file(&file);
        wrong.extend(limits.0.iter().map(|f| format!("{}: {f}", path.display())));
    }
    assert!(
        wrong.is_empty(),
        "write Text<…> (src/world/text.rs) in place of String with max_length:\n{}",
        wrong.join("\n")
    );
}
