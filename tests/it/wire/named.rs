//! Every row and trap of the wire reference is covered by a test that names it.
//!
//! A test names them in a line of its doc comment, in this form:
//! `Wire reference, section 10: rows 1 and 26; section 0: trap 13.`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{files_below, has_extension};

/// The beginning of a line that names rows or traps.
const MARK: &str = "/// Wire reference, ";
/// The points of a section: its prefix, the singular, the plural, and their number.
const SECTIONS: [(&str, &str, &str, u32); 2] =
    [("section 10: ", "row ", "rows ", 50), ("section 0: ", "trap ", "traps ", 30)];

#[test]
fn every_row_and_trap_is_covered_by_a_test() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = BTreeSet::new();
    for folder in [tests.join("it"), tests.join("compat"), tests.join("../shared/qstash")] {
        for file in rust_files(&folder) {
            let source = fs::read_to_string(&file).expect("a source file");
            named.extend(points_of(&source).unwrap_or_else(|why| panic!("{}: {why}", file.display())));
        }
    }
    let missing: Vec<_> = all_points().filter(|point| !named.contains(point)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
}

#[test]
fn references_count_only_directly_above_a_test() {
    let named = |source: &str| points_of(source).map(|points| points.into_iter().collect::<Vec<_>>().join(", "));
    let line = "/// Wire reference, section 10: rows 1, 2 and 26; section 0: trap 13.\n";
    let points = Ok("row 1, row 2, row 26, trap 13".to_owned());
    assert_eq!(named(&format!("{line}/// More.\n#[tokio::test]\nasync fn a() {{}}\n")), points);
    assert_eq!(named(&format!("    {line}    #[test]\n    fn a() {{}}\n")), points);
    assert_eq!(named("fn a() {}\n// Row 1.\n"), Ok(String::new()));

    let not_above_a_test = Err("line 1 is not directly above a test".to_owned());
    for below in ["fn a() {}\n", "#[derive(Debug)]\nstruct A;\n", "\n#[test]\nfn a() {}\n", ""] {
        assert_eq!(named(&format!("{line}{below}")), not_above_a_test, "{below:?}");
    }
    for wrong in
        ["section 10: row 51", "section 10: trap 1", "section 0: traps 0", "section 9: row 1", "section 0: traps"]
    {
        let source = format!("/// Wire reference, {wrong}.\n#[test]\nfn a() {{}}\n");
        assert_eq!(named(&source), Err(format!("line 1 names no point of the reference: {wrong:?}")));
    }
}

fn all_points() -> impl Iterator<Item = String> {
    SECTIONS.into_iter().flat_map(|(_, one, _, count)| (1..=count).map(move |number| format!("{one}{number}")))
}

/// Returns the rows and traps that the tests of a source name.
fn points_of(source: &str) -> Result<BTreeSet<String>, String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut points = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(text) = line.strip_prefix(MARK) else { continue };
        let number = index + 1;
        // After the rest of the comment, the attribute of a test must follow.
        let mut attributes = lines[number..].iter().skip_while(|line| line.starts_with("///"));
        if !attributes.next().is_some_and(|line| line.starts_with("#[tokio::test") || *line == "#[test]") {
            return Err(format!("line {number} is not directly above a test"));
        }
        for part in text.trim_end_matches('.').split("; ") {
            let named = points_of_section(part);
            points.extend(named.ok_or_else(|| format!("line {number} names no point of the reference: {part:?}"))?);
        }
    }
    Ok(points)
}

/// Parses `section 10: rows 1, 2 and 26`.
fn points_of_section(text: &str) -> Option<Vec<String>> {
    SECTIONS.into_iter().find_map(|(section, one, several, count)| {
        let points = text.strip_prefix(section)?;
        let numbers = points.strip_prefix(several).or_else(|| points.strip_prefix(one))?;
        let numbers = numbers.split(" and ").flat_map(|part| part.split(", "));
        let exists = |number: &u32| (1..=count).contains(number);
        numbers.map(|number| Some(format!("{one}{}", number.parse().ok().filter(exists)?))).collect()
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|path| has_extension(path, &["rs"])).collect()
}
