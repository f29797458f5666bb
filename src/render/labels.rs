//! Labels of fields: their names in words. Labels of codes are kept with the codes, in
//! [`crate::world::vocabulary`].

/// A field name in words, from its JSON Pointer: `/responsible_unit_id` becomes "responsible unit",
/// `/deadline/due_on` "deadline, due on".
#[must_use]
pub fn of_pointer(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|p| !p.is_empty()).map(of_field);
    parts.collect::<Vec<_>>().join(", ")
}

/// A field's name in words.
#[must_use]
pub fn of_field(name: &str) -> String {
    let name = name.replace("~1", "/").replace("~0", "~");
    let plain = match (name.strip_suffix("_ids"), name.strip_suffix("_id")) {
        (Some(many), _) => plural(many),
        (_, Some(one)) => one.to_owned(),
        _ => name,
    };
    let word = |word: &str| match word {
        "rag" | "url" | "kpi" => word.to_uppercase(),
        other => other.to_owned(),
    };
    plain
        .split('_')
        .filter(|w| !w.is_empty())
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        None if noun.ends_with('s') => noun.to_owned(),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_said_in_words() {
        for (pointer, words) in [
            ("/responsible_unit_id", "responsible unit"),
            ("/deadline/due_on", "deadline, due on"),
            ("/risk_ids", "risks"),
            ("/category_ids", "categories"),
            ("/survey_ids", "surveys"),
            ("/follows_ids", "follows"),
            ("/declared_rag", "declared RAG"),
            ("/id", "id"),
            ("/odd~1name", "odd/name"),
        ] {
            assert_eq!(of_pointer(pointer), words);
        }
    }
}
