//! Words that the glossary has replaced stay out of code, texts and documents.

use std::fs;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 9] =
    ["cli", "docs/src", "examples", "functions", "infra", "migrations/README.md", "shared", "tests", "tools"];
const DOCUMENTS: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
const EXTENSIONS: [&str; 8] = ["rs", "md", "yaml", "sql", "sh", "mjs", "js", "html"];

/// Retired words. The glossary of the book has what replaces them.
const RETIRED: [&str; 12] = [
    "somebody",
    "nobody",
    "whoever",
    "anybody",
    "glance",
    "held back",
    "lets in",
    "is told",
    "goes on",
    "gives up",
    "under way",
    "how manieth",
];

/// Files that need one of the words, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    ("shared/dev-postgres/src/identity.rs", "nobody", "the Unix account"),
    ("shared/dev-postgres/src/error.rs", "nobody", "the Unix account"),
    ("docs/src/reference/glossary.md", "*", "names what a term replaces"),
    ("tests/it/language.rs", "*", "this list"),
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    // Copied sources of other projects.
    if path.ends_with("shared/vendor") || path.ends_with("node_modules") {
        return;
    }
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").for_each(|entry| files(&entry.expect("an entry").path(), found));
    } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known)) {
        found.push(path.to_owned());
    }
}

/// Whether the text has the word, in any case, and not as part of a longer one. In identifiers `_` separates words.
fn has_word(text: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let (text, word) = (text.to_lowercase().replace('_', " "), word.to_lowercase());
    text.match_indices(&word)
        .any(|(at, _)| !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next()))
}

#[test]
fn retired_words_stay_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    FOLDERS.iter().chain(&DOCUMENTS).for_each(|path| files(&root.join(path), &mut all));
    assert!(all.len() > 500, "{} files", all.len());
    let mut hits = Vec::new();
    for path in all {
        let name = path.strip_prefix(&root).expect("below").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("text");
        for (number, line) in text.lines().enumerate() {
            let retired = RETIRED.iter().find(|word| has_word(line, word));
            let Some(word) = retired else { continue };
            let is_exception =
                |(file, exception, _): &&(&str, &str, &str)| *file == name && (*exception == "*" || exception == word);
            if !EXCEPTIONS.iter().any(|exception| is_exception(&exception)) {
                hits.push(format!("{name}:{}: {word}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(hits.is_empty(), "retired words:\n{}", hits.join("\n"));
}

#[test]
fn words_are_found_in_identifiers_and_texts() {
    assert!(has_word("fn nobody_listens() {", "nobody"));
    assert!(has_word("It GOES ON.", "goes on"));
    assert!(!has_word("a glanced value", "glance"));
}
