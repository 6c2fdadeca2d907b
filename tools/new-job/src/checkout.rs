//! A checkout of the sigpost repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Files that identify a checkout.
const MARKS: [&str; 3] = ["Cargo.toml", "cli/src/jobs.rs", "functions"];

/// A checkout with pending changes. Only [`write`](Self::write) writes files.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
    /// New contents by path, relative to the root.
    changed: BTreeMap<String, String>,
}

impl Checkout {
    /// Finds the checkout that contains this folder.
    pub(crate) fn around(folder: &Path) -> Result<Self> {
        let root = folder.ancestors().find(|folder| MARKS.iter().all(|mark| folder.join(mark).exists()));
        match root {
            Some(root) => Ok(Self { root: root.to_owned(), changed: BTreeMap::new() }),
            None => bail!("{} is not in a checkout of sigpost; run the command in one", folder.display()),
        }
    }

    pub(crate) fn has(&self, file: &str) -> bool {
        self.root.join(file).exists()
    }

    /// Returns the text of a file with its pending change.
    pub(crate) fn text(&self, file: &str) -> Result<String> {
        match self.changed.get(file) {
            Some(text) => Ok(text.clone()),
            None => fs::read_to_string(self.root.join(file)).with_context(|| format!("{file} cannot be read")),
        }
    }

    pub(crate) fn set(&mut self, file: &str, text: String) {
        self.changed.insert(file.to_owned(), text);
    }

    /// Returns the files to write, and whether each is new.
    pub(crate) fn changes(&self) -> Vec<(&str, bool)> {
        self.changed.keys().map(|file| (file.as_str(), !self.has(file))).collect()
    }

    /// Writes all changes, new files first, so that edited files never refer to missing ones.
    pub(crate) fn write(&self) -> Result<()> {
        let (new, edited): (Vec<_>, Vec<_>) = self.changed.iter().partition(|(file, _)| !self.has(file));
        for (file, text) in new.into_iter().chain(edited) {
            let path = self.root.join(file);
            let folder = path.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .with_context(|| format!("{file} cannot be written"))?;
        }
        Ok(())
    }
}
