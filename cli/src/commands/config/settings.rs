//! Settings in the order of the reference: those of `sigpost serve`, and those of the other functions only.

use sigpost_runtime::settings::{self, Setting};

/// Returns the settings of `sigpost serve`.
pub(super) fn of_serve() -> impl Iterator<Item = Setting> {
    settings::all().filter(|setting| setting.is_of_serve())
}

/// Returns the settings of handlers, `ingress` and `admin` (in Lambda or in `sigpost dev`) that `serve` does not read.
pub(super) fn of_others() -> impl Iterator<Item = Setting> {
    settings::all().filter(|setting| !setting.is_of_serve() && !setting.is_of_commands())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::CommandFactory;
    use sigpost_runtime::settings::{self, Setting};

    use super::{of_others, of_serve};
    use crate::args::Args;

    /// Returns the source text below a path, without comments, tests and the definitions.
    fn source(path: &Path) -> String {
        if !path.is_dir() {
            let text = std::fs::read_to_string(path).expect("a file");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
            return code.filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
        }
        let entries = std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries
            .filter(|path| !path.ends_with("tests.rs") && !path.ends_with("settings/list"))
            .map(|path| source(&path))
            .collect()
    }

    /// Returns the names of the settings that the code below these paths refers to.
    fn read_in(paths: &[&str]) -> BTreeSet<&'static str> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        let code: String = paths.iter().map(|path| source(&repository.join(path))).collect();
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        settings::all().map(|setting| setting.name).filter(|name| words.contains(name)).collect()
    }

    fn names(settings: impl Iterator<Item = Setting>) -> BTreeSet<&'static str> {
        settings.map(|setting| setting.name).collect()
    }

    #[test]
    fn help_of_serve_has_the_defaults() {
        let help = Args::command().find_subcommand("serve").and_then(|serve| serve.get_after_help().cloned());
        let help = help.expect("an environment").to_string();
        let words: Vec<&str> = help.split_whitespace().collect();
        let mut defaults = 0;
        for pair in words.windows(2) {
            let Some(setting) = settings::all().find(|setting| setting.name == pair[0]) else { continue };
            if let Some(default) = pair[1].strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
                assert_eq!(Some(default), setting.default, "{}", setting.name);
                defaults += 1;
            }
        }
        assert_eq!(defaults, 11);
    }

    #[test]
    fn definitions_name_the_programs_that_read_a_setting() {
        let by_serve = read_in(&[
            "shared/runtime/src",
            "shared/store/src",
            "shared/health/src",
            "functions/dispatch/src",
            "cli/src/commands/serve.rs",
        ]);
        assert_eq!(by_serve, names(of_serve()));
        let by_functions = read_in(&["shared/jobs/src", "shared/files/src", "functions"]);
        assert_eq!(by_functions.difference(&by_serve).copied().collect::<BTreeSet<_>>(), names(of_others()));
        let by_commands = read_in(&["cli/src", "shared/dev-postgres/src"]);
        let unread: Vec<_> = settings::all()
            .map(|setting| setting.name)
            .filter(|name| !by_serve.contains(name) && !by_functions.contains(name) && !by_commands.contains(name))
            .collect();
        assert!(unread.is_empty(), "{unread:?}");
    }
}
