//! The pages of the book and the documents beside it: links lead to pages and headings that exist.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::support::{files_below, has_extension, read, repository};

const DOCUMENTS: [&str; 6] =
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "infra/README.md", "migrations/README.md"];

/// The lines of a document without its blocks of code.
fn prose(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !is_fence && !in_code
    };
    text.lines().filter(is_prose).collect()
}

/// Anchors as mdBook and GitHub make them of headings.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    let mut anchors = Vec::new();
    for heading in headings {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let repeated = seen.entry(anchor.clone()).or_default();
        anchors.push(if *repeated == 0 { anchor } else { format!("{anchor}-{repeated}") });
        *repeated += 1;
    }
    anchors
}

/// The targets of inline links and images.
fn links(text: &str) -> Vec<&str> {
    prose(text)
        .into_iter()
        .flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The pages of the book.
fn pages() -> Vec<PathBuf> {
    files_below(&repository("docs/src")).into_iter().filter(|path| has_extension(path, &["md"])).collect()
}

#[test]
fn links_lead_to_pages_and_headings_that_exist() {
    let documents = pages().into_iter().chain(DOCUMENTS.map(repository));
    let mut broken = Vec::new();
    for document in documents {
        let text = read(&document);
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { document.clone() } else { document.parent().expect("a folder").join(path) };
            let exists = target.exists();
            if !exists || !anchor.is_empty() && !anchors(&read(&target)).iter().any(|known| known == anchor) {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_in_the_summary() {
    let source = repository("docs/src");
    let summary = read(&source.join("SUMMARY.md"));
    let listed = links(&summary);
    for page in pages().iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        let path = page.strip_prefix(&source).expect("below").to_string_lossy();
        assert!(listed.contains(&&*path), "{path} is not in SUMMARY.md");
    }
}

#[test]
fn anchors_follow_the_text_of_headings() {
    let text = "# One `two`, three\n```sh\n# no heading\n```\n## A-b_c\n## A-b_c\n[x](y.md#z) and [q](https://w)";
    assert_eq!(anchors(text), ["one-two-three", "a-b_c", "a-b_c-1"]);
    assert_eq!(links(text), ["y.md#z"]);
}
