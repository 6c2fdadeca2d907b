//! Insertion of a line or an item next to similar ones. Pure functions.

/// Position in a file, relative to existing text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// Before the only line with this text.
    Before(&'static str),
    /// After each group of consecutive lines that contain this text; the number is that of the groups.
    After(&'static str, usize),
    /// After the block of deeper indented lines below the only line that begins with this text.
    Below(&'static str),
    /// In alphabetical order into the only group of consecutive lines that begin with this text.
    Sorted(&'static str),
    /// At the end of the first bracketed list after this text, which must occur once.
    InList(&'static str),
}

/// Inserts the text. Returns `None` if the position is missing or ambiguous.
pub(crate) fn insert(source: &str, at: At, text: &str) -> Option<String> {
    match at {
        At::Before(line) => before(source, line, text),
        At::After(part, runs) => after(source, part, runs, text),
        At::Below(heading) => below(source, heading, text),
        At::Sorted(prefix) => sorted(source, prefix, text),
        At::InList(anchor) => in_list(source, anchor, text),
    }
}

fn before(source: &str, line: &str, text: &str) -> Option<String> {
    let is_there_once = source.lines().filter(|other| *other == line).count() == 1;
    let (head, tail) = source.split_once(&format!("\n{line}\n"))?;
    is_there_once.then(|| format!("{head}\n{text}{line}\n{tail}"))
}

fn after(source: &str, part: &str, runs: usize, text: &str) -> Option<String> {
    let mut out = String::with_capacity(source.len() + runs * text.len());
    let mut found = 0;
    let mut lines = source.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        if line.contains(part) && !lines.peek().is_some_and(|next| next.contains(part)) {
            out.push_str(text);
            found += 1;
        }
    }
    (found == runs).then_some(out)
}

fn below(source: &str, heading: &str, text: &str) -> Option<String> {
    let (head, tail) = source.split_once(&format!("\n{heading}"))?;
    let depth = heading.len() - heading.trim_start().len();
    let is_below = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > depth;
    let mut lines = tail.split_inclusive('\n');
    let length = lines.next()?.len() + lines.take_while(is_below).map(str::len).sum::<usize>();
    // Insert before the empty lines above the next heading.
    let (block, rest) = tail.split_at(tail[..length].trim_end().len() + 1);
    (!tail.contains(&format!("\n{heading}"))).then(|| format!("{head}\n{heading}{block}{text}{rest}"))
}

fn sorted(source: &str, prefix: &str, text: &str) -> Option<String> {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let start = lines.iter().position(|line| line.starts_with(prefix))?;
    let length = lines[start..].iter().take_while(|line| line.starts_with(prefix)).count();
    let is_only = !lines[start + length..].iter().any(|line| line.starts_with(prefix));
    let at = start + lines[start..start + length].iter().take_while(|line| **line < text).count();
    is_only.then(|| [&lines[..at].concat(), text, &lines[at..].concat()].concat())
}

fn in_list(source: &str, anchor: &str, item: &str) -> Option<String> {
    let (head, tail) = source.split_once(anchor)?;
    let end = tail.find('[').and_then(|start| Some(start + tail[start..].find(']')?))?;
    (!tail.contains(anchor)).then(|| format!("{head}{anchor}{}, {item}{}", &tail[..end], &tail[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_goes_to_the_end_of_its_list() {
        let source = "x: [0]\nA:\n  - [one, two]\n  - [three]\n";
        let expected = "x: [0]\nA:\n  - [one, two, new]\n  - [three]\n";
        assert_eq!(insert(source, At::InList("A:"), "new").as_deref(), Some(expected));
        assert_eq!(insert("A: [a]\nA: [b]\n", At::InList("A:"), "new"), None, "ambiguous");
        assert_eq!(insert(source, At::InList("B:"), "new"), None);
    }

    #[test]
    fn line_goes_below_the_last_of_its_kind() {
        let source = "- a1\n- a2\nb\n- a3\n";
        assert_eq!(
            insert(source, At::After("- a", 2), "- new\n").as_deref(),
            Some("- a1\n- a2\n- new\nb\n- a3\n- new\n")
        );
        assert_eq!(insert(source, At::After("- a", 1), "- new\n"), None, "more groups than expected");
        assert_eq!(insert(source, At::After("- c", 1), "- new\n"), None);
    }

    #[test]
    fn line_goes_into_the_order_of_its_group() {
        let source = "x\nuse b;\nuse d;\ny\n";
        let inserted = |text| insert(source, At::Sorted("use "), text);
        assert_eq!(inserted("use a;\n").as_deref(), Some("x\nuse a;\nuse b;\nuse d;\ny\n"));
        assert_eq!(inserted("use c;\n").as_deref(), Some("x\nuse b;\nuse c;\nuse d;\ny\n"));
        assert_eq!(inserted("use e;\n").as_deref(), Some("x\nuse b;\nuse d;\nuse e;\ny\n"));
        assert_eq!(insert("use a;\n\nuse b;\n", At::Sorted("use "), "use c;\n"), None, "ambiguous");
    }

    #[test]
    fn entry_goes_below_the_last_of_its_heading() {
        let source = "x:\n  A: # all\n    a: 1\n\n    b: 1\n\n  B:\n    c: 1\n";
        let expected = "x:\n  A: # all\n    a: 1\n\n    b: 1\n    new: 1\n\n  B:\n    c: 1\n";
        assert_eq!(insert(source, At::Below("  A:"), "    new: 1\n").as_deref(), Some(expected));
        assert_eq!(insert(source, At::Below("  C:"), "    new: 1\n"), None);
    }

    #[test]
    fn block_goes_before_the_line_that_is_there_once() {
        assert_eq!(insert("a\nmark\nb\n", At::Before("mark"), "new\n").as_deref(), Some("a\nnew\nmark\nb\n"));
        assert_eq!(insert("a\nmark\nmark\n", At::Before("mark"), "new\n"), None);
        assert_eq!(insert("a\n mark\nb\n", At::Before("mark"), "new\n"), None);
    }
}
