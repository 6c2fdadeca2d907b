//! Layout of the workspace: which packages and modules depend on which.

mod imports;

use std::fs;

use crate::support::{read, repository};

/// Returns the names of the packages in `functions/`.
fn functions() -> Vec<String> {
    let entries = fs::read_dir(repository("functions")).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

/// Returns the names in the section `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<&str> {
    let section = manifest.split("\n[dependencies]\n").nth(1).expect("dependencies");
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn no_function_depends_on_another_function() {
    let functions = functions();
    assert!(functions.len() > 10, "{functions:?}");
    for function in &functions {
        let manifest = read(&repository(format!("functions/{function}/Cargo.toml")));
        let dependencies = dependencies(&manifest);
        assert!(dependencies.contains(&"anyhow"), "{function}: {dependencies:?}");
        let others: Vec<_> = functions.iter().filter(|other| dependencies.contains(&other.as_str())).collect();
        assert!(others.is_empty(), "{function} depends on {others:?}; move what they share to shared/");
    }
}
