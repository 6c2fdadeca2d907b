//! `docs/checklist.md` and the items say the same.

use std::collections::BTreeSet;

use super::items::ITEMS;

const PAGE: &str = include_str!("../../../../docs/checklist.md");

/// The lines of each of the five texts that say something, in the page's order. The texts are not here.
const LINES: [usize; 5] = [30, 35, 156, 123, 25];

/// The cells of the rows of a table, its head left out.
fn rows(section: &'static str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// The parts of the page about a text, by how many lines and rows they say they have.
fn texts() -> Vec<(usize, usize, Vec<Vec<&'static str>>)> {
    let sections = PAGE.split("\n## ").filter(|section| section.contains(" rows.\n"));
    sections
        .map(|section| {
            let counted = section.lines().find(|line| line.ends_with(" rows.")).expect("a count");
            let numbers: Vec<usize> = counted.split([' ', ',', '.']).filter_map(|word| word.parse().ok()).collect();
            (numbers[0], numbers[1], rows(section))
        })
        .collect()
}

/// `12` or `12–14`.
fn range(cell: &str) -> (usize, usize) {
    let (first, last) = cell.split_once('–').unwrap_or((cell, cell));
    (first.parse().expect("a line"), last.parse().expect("a line"))
}

/// The items of a cell, before what is said about them; `None` when none applies, with a reason.
fn items(cell: &'static str) -> Option<Vec<&'static str>> {
    let (head, said) = cell.split_once(": ").unwrap_or((cell, ""));
    if head == "not applicable" {
        assert!(!said.is_empty(), "{cell}");
        return None;
    }
    Some(head.split(", ").map(|id| id.trim_matches('`')).collect())
}

#[test]
fn each_line_of_the_texts_has_its_row() {
    let texts = texts();
    assert_eq!(texts.iter().map(|(lines, ..)| *lines).collect::<Vec<_>>(), LINES);
    for (lines, count, rows) in texts {
        assert_eq!(rows.len(), count);
        let ranges: Vec<_> = rows.iter().map(|row| range(row[0])).collect();
        assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "in order, none twice: {ranges:?}");
        // A row may stand for several lines, also for empty ones between them.
        assert!(ranges.iter().map(|(first, last)| last - first + 1).sum::<usize>() >= lines);
    }
}

#[test]
fn page_and_items_are_the_same() {
    let more = PAGE.split("\n## ").find(|section| section.starts_with("What no list")).expect("the rest");
    let named = texts().into_iter().flat_map(|(.., rows)| rows).filter_map(|row| items(row[2])).flatten();
    let named: BTreeSet<&str> = named.chain(rows(more).into_iter().filter_map(|row| items(row[0])).flatten()).collect();
    let known: BTreeSet<&str> = ITEMS.iter().map(|item| item.id).collect();
    assert_eq!(named, known);
}
