//! Imports run downwards, in the order of ARCHITECTURE.md, and only files that describe one thing
//! may know each other: a resource and its own parts, or the world and its records.
//!
//! Unit tests are left out: they may start whatever they test with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree, Visibility};

use super::source;

/// The rooms, from the top of the house to the bottom.
const ROOMS: &[&str] = &[
    "main",
    "app",
    "transfer",
    "documents",
    "jobs",
    "auth",
    "system",
    "views",
    "http",
    "render",
    "registers",
    "engine",
    "access",
    "world",
    "journal",
    "config",
    "db",
    "metrics",
    "problem",
    "policy",
];

/// A path that a file names, and the line on which it does.
#[derive(Debug)]
struct Named {
    path: Vec<String>,
    line: usize,
    /// The name under which the file hands it on, if it does.
    exported: Option<String>,
    /// The name under which the file itself uses it.
    name: String,
}

/// Collects the paths that a file names.
#[derive(Default)]
struct Paths {
    named: Vec<Named>,
    /// Modules of unit tests that have a file of their own.
    tests: Vec<String>,
}

impl Paths {
    fn tree(&mut self, tree: &UseTree, before: &[String], line: usize, is_public: bool) {
        let mut path = before.to_vec();
        let mut done = |path: Vec<String>, name: String| {
            self.named.push(Named {
                exported: is_public.then(|| name.clone()),
                path,
                line,
                name,
            });
        };
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.tree(&part.tree, &path, line, is_public);
            }
            UseTree::Name(part) => {
                let name = part.ident.to_string();
                if name != "self" {
                    path.push(name.clone());
                }
                let name = path.last().cloned().unwrap_or(name);
                done(path, name);
            }
            UseTree::Rename(part) => {
                path.push(part.ident.to_string());
                done(path, part.rename.to_string());
            }
            UseTree::Glob(_) => done(path, "*".into()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, &path, line, is_public);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if source::is_unit_test(item) => {
                self.tests.push(module.ident.to_string());
            }
            _ if source::is_unit_test(item) => {}
            _ => visit::visit_item(self, item),
        }
    }
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let line = item.span().start().line;
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &[], line, is_public);
    }
    /// `pub(in …)` says who may look, not what is used.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if parts.len() > 1 {
            self.named.push(Named {
                name: String::new(),
                line: path.span().start().line,
                path: parts,
                exported: None,
            });
        }
        visit::visit_path(self, path);
    }
}

/// The source, by module.
struct House {
    files: BTreeMap<Vec<String>, PathBuf>,
    named: HashMap<Vec<String>, Vec<Named>>,
}

impl House {
    fn read() -> Self {
        let (mut files, mut named) = (BTreeMap::new(), HashMap::new());
        let mut tests = Vec::new();
        for (inside, file) in source::files() {
            let mut module: Vec<String> = inside
                .with_extension("")
                .iter()
                .map(|p| p.to_string_lossy().into_owned())
                .collect();
            if module.last().is_some_and(|l| l == "mod" || l == "lib") {
                module.pop();
            }
            let mut paths = Paths::default();
            paths.visit_file(&file);
            let below = |name: String| [module.as_slice(), &[name]].concat();
            tests.extend(paths.tests.into_iter().map(below));
            files.insert(module.clone(), inside);
            named.insert(module, paths.named);
        }
        for module in tests {
            files.remove(&module);
            named.remove(&module);
        }
        Self { files, named }
    }

    /// A path from the root of the crate; none if it leads out of it.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        let join = |base: &[String], rest: &[String]| [base, rest].concat();
        match first.as_str() {
            "crate" | "stride" => Some(path[1..].to_vec()),
            "self" => Some(join(module, &path[1..])),
            "super" => {
                let ups = path.iter().take_while(|p| *p == "super").count();
                let base = module.get(..module.len().checked_sub(ups)?)?;
                Some(join(base, &path[ups..]))
            }
            _ => {
                let below = join(module, std::slice::from_ref(first));
                if self.files.contains_key(&below) {
                    return Some(join(module, path));
                }
                let used = self.named.get(module)?.iter().find(|n| n.name == *first)?;
                let is_same = used.path.first() == Some(first);
                if is_same || path.len() < 2 {
                    return None;
                }
                Some(join(&self.absolute(module, &used.path)?, &path[1..]))
            }
        }
    }

    /// The module in which what a path names is defined, through everything that is handed on.
    fn home(&self, path: &[String], steps: usize) -> Option<Vec<String>> {
        let at = (0..=path.len())
            .rev()
            .find(|n| self.files.contains_key(&path[..*n]))?;
        let (module, rest) = (&path[..at], &path[at..]);
        let handed_on = rest.first().and_then(|name| {
            self.named[module]
                .iter()
                .find(|n| n.exported.as_ref() == Some(name))
        });
        match handed_on {
            Some(named) if steps < 10 => {
                let on = self.absolute(module, &named.path)?;
                self.home(&[&on, &rest[1..]].concat(), steps + 1)
            }
            _ => Some(module.to_vec()),
        }
    }

    /// Every import: who, of whom, on which line. Handing something on is none.
    fn imports(&self) -> Vec<(&Vec<String>, Vec<String>, usize)> {
        let mut all = Vec::new();
        for (module, named) in &self.named {
            let module = self.files.get_key_value(module).expect("a file").0;
            for named in named.iter().filter(|n| n.exported.is_none()) {
                let home = self
                    .absolute(module, &named.path)
                    .and_then(|path| self.home(&path, 0))
                    .filter(|home| home != module && !home.is_empty());
                all.extend(home.map(|home| (module, home, named.line)));
            }
        }
        all
    }

    fn file(&self, module: &[String]) -> String {
        format!("src/{}", self.files[module].display())
    }
}

fn rank(module: &[String]) -> Option<usize> {
    let room = module.first()?;
    Some(ROOMS.iter().position(|r| r == room).unwrap_or_else(|| {
        panic!(
            "src/{room} is in no room: add it to ROOMS here and to the map in ARCHITECTURE.md, in \
             its place from top to bottom"
        )
    }))
}

/// The folder in which files may know each other: that of one resource, or of the world.
fn family(module: &[String], file: &str) -> Option<Vec<String>> {
    let is_folder = file.ends_with("/mod.rs");
    match module {
        [room, register, resource, ..]
            if room == "registers" && (module.len() > 3 || is_folder) =>
        {
            Some([room, register, resource].map(String::clone).to_vec())
        }
        [room, ..] if room == "world" => Some(vec![room.clone()]),
        _ => None,
    }
}

#[test]
fn imports_run_downwards() {
    let house = House::read();
    let imports = house.imports();
    assert!(imports.len() > 1_000, "the imports were not found");
    let upwards: BTreeSet<String> = imports
        .iter()
        .filter(|(from, to, _)| rank(to) < rank(from))
        .map(|(from, to, line)| {
            format!(
                "{}:{line} imports {}, which is above it",
                house.file(from),
                house.file(to)
            )
        })
        .collect();
    assert!(
        upwards.is_empty(),
        "imports run from top to bottom ({}). Move what both need to the lower room, or hand it \
         over when the operation is made:\n{}",
        ROOMS.join(" → "),
        upwards.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn only_the_files_of_one_thing_know_each_other() {
    let house = House::read();
    let imports = house.imports();
    let mut graph: DiGraphMap<&[String], ()> = DiGraphMap::new();
    for (from, to, _) in &imports {
        graph.add_edge(from.as_slice(), to.as_slice(), ());
    }
    let mut circles = Vec::new();
    for circle in tarjan_scc(&graph).iter().filter(|c| c.len() > 1) {
        let families: BTreeSet<_> = circle.iter().map(|m| family(m, &house.file(m))).collect();
        if families.len() == 1 && families.iter().all(Option::is_some) {
            continue;
        }
        let inside = |m: &[String]| circle.contains(&m);
        // The first line that names it is enough to find it.
        let mut first: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (from, to, line) in imports.iter().filter(|(f, t, _)| inside(f) && inside(t)) {
            let at = first
                .entry((house.file(from), house.file(to)))
                .or_insert(*line);
            *at = (*at).min(*line);
        }
        let line =
            |((from, to), line): (&(String, String), &usize)| format!("  {from}:{line} → {to}");
        circles.push(first.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    assert!(
        circles.is_empty(),
        "files import each other in a circle. Move what they share to a file below both \
         (`parts.rs`, `checks.rs`), or put the parts of one resource into its folder:\n{}",
        circles.join("\n\n")
    );
}
