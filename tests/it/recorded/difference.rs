//! The lines in which a response differs from its recording.

/// Number of context lines around a difference.
const CONTEXT: usize = 3;

/// Returns a diff: `-` marks lines of the recording, `+` lines of the run.
pub(super) fn difference(recorded: &str, now: &str) -> String {
    let lines = merge(&recorded.lines().collect::<Vec<_>>(), &now.lines().collect::<Vec<_>>());
    let differs = |index: usize| {
        let from = index.saturating_sub(CONTEXT);
        lines.iter().skip(from).take(index - from + CONTEXT + 1).any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut is_cut = false;
    for (index, (mark, line)) in lines.iter().enumerate() {
        let is_shown = differs(index);
        if is_shown {
            text.push_str(&format!("{mark} {line}\n"));
        } else if !is_cut {
            text.push_str("  ...\n");
        }
        is_cut = !is_shown;
    }
    text
}

/// Merges both texts along a longest common subsequence.
fn merge<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    // Length of the common subsequence from each pair of lines on.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut merged) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            merged.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            merged.push(('-', old[i]));
            i += 1;
        } else {
            merged.push(('+', new[j]));
            j += 1;
        }
    }
    merged
}

#[test]
fn difference_shows_changed_lines_with_those_around() {
    let old: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let mut new = old.clone();
    new[10] = "ten".to_owned();
    let expected = "  ...\n  7\n  8\n  9\n- 10\n+ ten\n  11\n  12\n  13\n  ...\n";
    assert_eq!(difference(&old.join("\n"), &new.join("\n")), expected);
}
