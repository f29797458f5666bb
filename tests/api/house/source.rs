//! The source and the tests, read.

use std::path::{Path, PathBuf};

use syn::{Attribute, Item};

/// Every file of the source: its path below `src`, and what it says.
pub fn files() -> Vec<(PathBuf, syn::File)> {
    files_in("src")
}

/// Every file in a folder: its path below the folder, and what it says.
pub fn files_in(folder: &str) -> Vec<(PathBuf, syn::File)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("a file of the source").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below the root").to_owned();
            let text = std::fs::read_to_string(&path).expect("a file that can be read");
            files.push((
                inside,
                syn::parse_file(&text).expect("a file that compiles"),
            ));
        }
    }
    files
}

/// Whether something is compiled for unit tests alone.
pub fn is_test(attributes: &[Attribute]) -> bool {
    let is_test = |a: &Attribute| {
        a.path().is_ident("cfg")
            && a.parse_args::<syn::Path>()
                .is_ok_and(|p| p.is_ident("test"))
    };
    attributes.iter().any(is_test)
}

/// Whether an item is compiled for unit tests alone.
pub fn is_unit_test(item: &Item) -> bool {
    match item {
        Item::Mod(i) => is_test(&i.attrs),
        Item::Fn(i) => is_test(&i.attrs),
        Item::Impl(i) => is_test(&i.attrs),
        Item::Use(i) => is_test(&i.attrs),
        _ => false,
    }
}
