//! Source of the package `sigpost-jobs` for a generated handler.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The package in a checkout of sigpost.
const PACKAGE: &str = "shared/jobs";

/// Source of `sigpost-jobs`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Root of a checkout.
    Checkout(PathBuf),
    /// URL of a git repository.
    Git(String),
}

impl Source {
    /// Chooses the source: what is given, or the checkout around this folder.
    pub(super) fn choose(checkout: Option<PathBuf>, git: Option<String>, folder: &Path) -> Result<Self> {
        if let Some(url) = git {
            return Ok(Self::Git(url));
        }
        if let Some(root) = checkout {
            let root = root.canonicalize().with_context(|| format!("--checkout {}", root.display()))?;
            ensure!(is_checkout(&root), "--checkout {}: not a checkout of sigpost: no {PACKAGE} in it", root.display());
            return Ok(Self::Checkout(root));
        }
        match folder.ancestors().find(|folder| is_checkout(folder)) {
            Some(root) => Ok(Self::Checkout(root.to_owned())),
            None => bail!(
                "the source of sigpost-jobs is unknown: sigpost is not in a package registry, and {} is not in a checkout; \
                 name a checkout with --checkout DIR or a repository with --git URL",
                folder.display()
            ),
        }
    }

    /// Returns the value of the dependency in the manifest of a package in this folder.
    pub(super) fn dependency(&self, package: &Path) -> String {
        match self {
            Self::Git(url) => format!("{{ git = {url:?} }}"),
            Self::Checkout(root) => {
                // Relative within the checkout, so that both can be moved together.
                let path = match package.strip_prefix(root) {
                    Ok(below) => below.iter().map(|_| "../").collect::<String>() + PACKAGE,
                    Err(_) => root.join(PACKAGE).to_string_lossy().into_owned(),
                };
                format!("{{ path = {path:?} }}")
            }
        }
    }
}

fn is_checkout(folder: &Path) -> bool {
    folder.join(PACKAGE).join("Cargo.toml").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependency_is_relative_within_the_checkout_only() {
        let source = Source::Checkout("/src/sigpost".into());
        assert_eq!(source.dependency(Path::new("/src/sigpost/examples/a")), r#"{ path = "../../shared/jobs" }"#);
        assert_eq!(source.dependency(Path::new("/src/a")), r#"{ path = "/src/sigpost/shared/jobs" }"#);
        let git = Source::Git("https://git.example/sigpost".into());
        assert_eq!(git.dependency(Path::new("/src/a")), r#"{ git = "https://git.example/sigpost" }"#);
    }
}
