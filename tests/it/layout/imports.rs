//! Imports between the modules of a package: no two modules import each other, directly or through others.
//!
//! A module and the modules in its folder are one subject, so imports between them do not count. Tests do not count either.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::{files_below, has_extension, read, repository};

const FOLDERS: [&str; 3] = ["functions", "shared", "tools"];

/// Circles that remain: package, modules, reason.
const KNOWN: [(&str, &str, &str); 1] = [(
    "shared/qstash",
    "params url_group",
    "a group's default parameters are validated as parameters, which take them",
)];

/// Path of a module from the root of its package: `["dispatcher", "drain"]`.
type Module = Vec<String>;

/// The paths in `use` statements, and other paths that begin with `crate` or `super`.
#[derive(Default)]
struct Source {
    imports: Vec<String>,
    /// The paths of `pub use`, by name.
    exports: BTreeMap<String, String>,
}

/// The modules of a package.
struct Package(BTreeMap<Module, Source>);

impl Package {
    fn read(src: &Path) -> Self {
        let mut modules: BTreeMap<Module, Source> = BTreeMap::new();
        for file in files_below(src).iter().filter(|file| has_extension(file, &["rs"])) {
            let path = file.strip_prefix(src).expect("below").with_extension("");
            let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            module.pop_if(|last| ["lib", "main", "mod"].contains(&last.as_str()));
            modules.entry(module).or_default().add(&read(file));
        }
        Self(modules)
    }

    /// Returns the module that defines the item at the end of this path, as far as the package has it.
    fn resolve(&self, from: &[String], path: &str, depth: usize) -> Module {
        let mut module = from.to_vec();
        for (index, name) in path.split("::").enumerate() {
            match name {
                "crate" => module.clear(),
                "self" => {}
                "super" => drop(module.pop()),
                _ => {
                    let below = [module.as_slice(), &[name.to_owned()]].concat();
                    let export = self.0.get(&module).and_then(|source| source.exports.get(name));
                    match export {
                        _ if self.0.contains_key(&below) => module = below,
                        Some(export) if export != path && depth < 8 => {
                            let rest = path.split("::").skip(index + 1);
                            let path = [export.as_str()].into_iter().chain(rest).collect::<Vec<_>>().join("::");
                            return self.resolve(&module, &path, depth + 1);
                        }
                        _ => return module,
                    }
                }
            }
        }
        module
    }

    /// Returns the modules that this module imports, except those above and below it.
    fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let paths =
            self.0[module].imports.iter().filter(|path| path.starts_with("crate::") || path.starts_with("super::"));
        let imported = paths.map(|path| self.resolve(module, path, 0));
        imported.filter(|other| !other.starts_with(module) && !module.starts_with(other)).collect()
    }

    /// Returns each circle as its modules, separated by spaces.
    fn circles(&self) -> BTreeSet<String> {
        let imports: BTreeMap<&Module, BTreeSet<Module>> =
            self.0.keys().map(|module| (module, self.imports(module))).collect();
        let reached = |from: &Module| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(module) = next.pop() {
                let new = imports.get(&module).into_iter().flatten().filter(|other| seen.insert((*other).clone()));
                next.extend(new.cloned().collect::<Vec<_>>());
            }
            seen
        };
        let reached: BTreeMap<&Module, BTreeSet<Module>> =
            self.0.keys().map(|module| (module, reached(module))).collect();
        let circle = |module: &Module| -> Vec<String> {
            let mutual =
                reached[module].iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(module)));
            mutual.map(|module| module.join("::")).collect()
        };
        self.0.keys().map(circle).filter(|circle| circle.len() > 1).map(|circle| circle.join(" ")).collect()
    }
}

impl Source {
    /// Adds the paths of a file.
    fn add(&mut self, text: &str) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        for statement in code.split(';') {
            let (before, tree) = match statement.rsplit_once("use ") {
                Some((before, tree)) if is_use(before, tree) => (before, tree),
                _ => {
                    self.imports.extend(inline_paths(statement));
                    continue;
                }
            };
            self.imports.extend(inline_paths(before));
            let paths = expand(&tree.split_whitespace().collect::<Vec<_>>().join(" "));
            if before.trim_end().ends_with("pub") || before.trim_end().ends_with(')') {
                let named = paths.into_iter().filter_map(|path| Some((path.rsplit("::").next()?.to_owned(), path)));
                self.exports.extend(named);
            } else {
                self.imports.extend(paths);
            }
        }
    }
}

/// Whether this is a `use` statement: the text before `use`, and its tree.
fn is_use(before: &str, tree: &str) -> bool {
    let visibility = before.rsplit('\n').next().unwrap_or_default().trim();
    let is_path = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    (visibility.is_empty() || visibility.starts_with("pub")) && tree.chars().all(is_path)
}

/// Expands `a::{b, c::{d, e}}` into the paths `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    };
    let inner = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    parts.into_iter().flat_map(|part| expand(part.trim())).map(|path| format!("{}{path}", prefix.trim())).collect()
}

/// Returns the paths in the text that begin with `crate` or `super`.
fn inline_paths(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || "_:".contains(c);
    let words = text.split(|c| !is_path(c)).filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    words.map(|word| word.trim_end_matches(':').to_owned()).collect()
}

/// Returns the folders of all packages.
fn packages() -> Vec<String> {
    let below = |folder: &&str| {
        let entries = fs::read_dir(repository(folder)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    let packages = FOLDERS.iter().flat_map(below).chain(["cli".to_owned()]);
    packages.filter(|package| repository(package).join("src").exists()).collect()
}

#[test]
fn modules_of_a_package_do_not_import_each_other() {
    let packages = packages();
    assert!(packages.len() > 20, "{packages:?}");
    let circles = packages.iter().flat_map(|package| {
        let circles = Package::read(&repository(package).join("src")).circles();
        circles.into_iter().map(|modules| (package.clone(), modules)).collect::<Vec<_>>()
    });
    let known = KNOWN.map(|(package, modules, _)| (package.to_owned(), modules.to_owned()));
    assert_eq!(circles.collect::<BTreeSet<_>>(), BTreeSet::from(known));
}

#[test]
fn circle_is_found_through_lists_exports_and_inline_paths() {
    let source = |text: &str| {
        let mut source = Source::default();
        source.add(text);
        source
    };
    let package = |files: &[(&str, &str)]| {
        let module = |path: &str| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Package(files.iter().map(|(path, text)| (module(path), source(text))).collect())
    };
    let circle = package(&[
        ("", "mod a;\npub use a::One;"),
        ("a", "use crate::b::{self, Two};\npub struct One;"),
        ("b", "mod c;\npub(crate) use c::Two;"),
        ("b::c", "pub struct Two;\nfn two() -> crate::One { todo!() }"),
    ]);
    assert_eq!(circle.circles(), BTreeSet::from(["a b::c".to_owned()]));
    let none = package(&[
        ("a", "use super::b::Two; // use crate::a::b"),
        ("b", "use std::fs;\n#[cfg(test)]\nmod tests { use crate::a::One; }"),
        ("b::c", "use super::Two;"),
    ]);
    assert_eq!(none.circles(), BTreeSet::new());
}
