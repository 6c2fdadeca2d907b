//! Words that the glossary has replaced stay out of code, texts and documents.

use std::path::PathBuf;

use crate::support::{files_below, has_extension, read, repository};

const FOLDERS: [&str; 8] = ["cli", "docs/src", "examples", "functions", "infra", "shared", "tests", "tools"];
const DOCUMENTS: [&str; 5] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "migrations/README.md"];
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

/// The files that are read: all below the folders, except copied sources of other projects.
fn files() -> Vec<PathBuf> {
    let below = FOLDERS.iter().flat_map(|folder| files_below(&repository(folder)));
    let own = below.filter(|path| !path.starts_with(repository("shared/vendor")) && has_extension(path, &EXTENSIONS));
    own.chain(DOCUMENTS.map(repository)).collect()
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
    let all = files();
    assert!(all.len() > 500, "{} files", all.len());
    let mut hits = Vec::new();
    for path in all {
        let name = path.strip_prefix(repository("")).expect("below").to_string_lossy().into_owned();
        let text = read(&path);
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
