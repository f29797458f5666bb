//! Files that say what is expected, for people to read; `STRIDE_TEST_UPDATE=1` writes them anew.

use std::path::Path;

/// Whether files are to be written instead of compared.
pub fn updating() -> bool {
    std::env::var("STRIDE_TEST_UPDATE").is_ok_and(|v| v == "1")
}

/// Compares `found` with the file at `path` below the package's folder.
pub fn compare(path: &str, found: &str, remedy: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if updating() {
        std::fs::write(&file, found).unwrap_or_else(|e| panic!("{path} cannot be written: {e}"));
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if expected == found {
        return;
    }
    let (was, is): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let gone = was
        .iter()
        .filter(|l| !is.contains(l))
        .map(|l| format!("- {l}"));
    let new = is
        .iter()
        .filter(|l| !was.contains(l))
        .map(|l| format!("+ {l}"));
    let lines: Vec<String> = gone.chain(new).take(40).collect();
    panic!(
        "{path} is not what the service does now:\n{}\nif that is meant, run\n    {remedy}",
        lines.join("\n")
    );
}
