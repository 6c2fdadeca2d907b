//! Compares the items with the production checklists that they come from and with the page for operators.

use std::collections::BTreeSet;

use super::items::ITEMS;

const PAGE: &str = include_str!("../../../../docs/src/guides/production-checklist.md");

/// A row per requirement: source, lines of the source, requirement, items, reason if there is no item.
const SOURCES: &str = include_str!("checklist.tsv");

/// The production checklists of five job systems: name, lines with a requirement, rows here.
const LISTS: [(&str, usize, usize); 5] = [
    ("osqueue", 30, 26),
    ("Next.js boilerplate", 35, 24),
    ("SaaS starter", 156, 112),
    ("Render queue", 123, 117),
    ("faststream-outbox", 25, 23),
];
/// The source of items that no list requires.
const OWN: &str = "sigpost";

struct Row {
    source: &'static str,
    lines: &'static str,
    items: Vec<&'static str>,
    reason: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [source, lines, _, items, reason] = cells[..] else { panic!("five cells: {line}") };
        Row { source, lines, items: items.split(", ").filter(|id| !id.is_empty()).collect(), reason }
    };
    SOURCES.lines().skip(1).map(row).collect()
}

/// `12` or `12-14`.
fn range(cell: &str) -> (usize, usize) {
    let (first, last) = cell.split_once('-').unwrap_or((cell, cell));
    (first.parse().expect("a line"), last.parse().expect("a line"))
}

fn known() -> BTreeSet<&'static str> {
    ITEMS.iter().map(|item| item.id).collect()
}

#[test]
fn each_line_of_the_texts_has_its_row() {
    for (list, lines, count) in LISTS {
        let ranges: Vec<_> = rows().into_iter().filter(|row| row.source == list).map(|row| range(row.lines)).collect();
        assert_eq!(ranges.len(), count, "{list}");
        assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{list}: in order, none twice: {ranges:?}");
        // A row can stand for several lines, and for empty lines between them.
        assert!(ranges.iter().map(|(first, last)| last - first + 1).sum::<usize>() >= lines, "{list}");
    }
    let sources: BTreeSet<&str> = rows().iter().map(|row| row.source).collect();
    let listed: BTreeSet<&str> = LISTS.iter().map(|(list, ..)| *list).chain([OWN]).collect();
    assert_eq!(sources, listed);
}

#[test]
fn each_row_has_items_or_a_reason() {
    for row in rows() {
        assert!(row.items.is_empty() != row.reason.is_empty(), "{} {}", row.source, row.lines);
    }
}

#[test]
fn rows_and_items_are_the_same() {
    let named: BTreeSet<&str> = rows().into_iter().flat_map(|row| row.items).collect();
    assert_eq!(named, known());
}

#[test]
fn page_and_items_are_the_same() {
    let rows = PAGE.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    let named: Vec<&str> =
        rows.map(|row| row.trim_end_matches("` |").rsplit_once("| `").expect("an item in the last cell").1).collect();
    assert_eq!(named.len(), ITEMS.len(), "each item has one row");
    let named: BTreeSet<&str> = named.into_iter().collect();
    assert_eq!(named, known());
}
