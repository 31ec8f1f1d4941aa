//! `squall run --report`: a page for each run, and an index of them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use squall_reports::gallery::{self, Card};
use squall_reports::page;
use squall_reports::story::Story;
use squall_sim::Outcome;

use crate::Registry;
use crate::cli::exit::Exit;
use crate::cli::files;

/// The name of the index.
const INDEX: &str = "index.html";

/// The longest name of a page, in bytes: file systems allow 255.
const LONGEST: usize = 180;

/// The pages written so far.
pub(super) struct Gallery {
    folder: PathBuf,
    force: bool,
    cards: Vec<Card>,
    names: BTreeSet<String>,
}

impl Gallery {
    /// A gallery in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// If it can not be written into; it was complained about.
    pub fn new(folder: &Path, force: bool) -> Result<Self, Exit> {
        files::create_folder(folder)?;
        files::may_write(&folder.join(INDEX), force)?;
        let names = BTreeSet::from([INDEX.to_owned()]);
        Ok(Gallery { folder: folder.to_owned(), force, cards: Vec::new(), names })
    }

    /// Writes the page of a run.
    pub fn add(&mut self, outcome: &Outcome, registry: &Registry) -> Exit {
        let Some(trace) = &outcome.trace else { unreachable!("the trace was asked for") };
        let story =
            Story::beginning(trace, registry.dissect(&outcome.plan.protocol), page::MAX_EVENTS);
        let name = self.name(&outcome.plan.scenario);
        let content = |out: &mut dyn Write| page::write_story(&story, out);
        let written = files::write(&self.folder.join(&name), self.force, content);
        // No link to a file that is of something else.
        self.cards.push(Card::new(&story, written.is_ok().then_some(name)));
        written.err().unwrap_or(Exit::Passed)
    }

    /// A scenario that was not run.
    pub fn not_run(&mut self, path: &Path, why: &str) {
        self.cards.push(Card::not_run(&path.display().to_string(), why));
    }

    /// Writes the index, and says where it is.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(self, out: Option<&mut impl Write>) -> io::Result<Exit> {
        if self.cards.iter().all(|card| !card.was_run()) {
            // An index of nothing would only be in the way of the next one.
            return Ok(Exit::Passed);
        }
        let index = self.folder.join(INDEX);
        match files::write(&index, self.force, |out| gallery::write(&self.cards, out)) {
            Err(exit) => Ok(exit),
            Ok(()) => {
                out.map_or(Ok(()), |out| writeln!(out, "{}", index.display()))?;
                Ok(Exit::Passed)
            }
        }
    }

    /// A file name for a scenario that no other one has, in characters that need no quoting anywhere.
    fn name(&mut self, scenario: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
        let stem: String = scenario.trim_end_matches(".toml").chars().map(plain).collect();
        // The end of a path says more than its beginning.
        let stem = stem[stem.len().saturating_sub(LONGEST)..].trim_matches('-');
        let stem = if stem.is_empty() { "run" } else { stem };
        let numbered = |number: u32| match number {
            1 => format!("{stem}.html"),
            number => format!("{stem}-{number}.html"),
        };
        // A name that differs in case alone is the same file to some file systems.
        let is_new = |name: &String| !self.names.contains(&name.to_lowercase());
        let name = (1..).map(numbered).find(is_new).unwrap_or_default();
        self.names.insert(name.to_lowercase());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_has_a_file_name_of_its_own() {
        let names = BTreeSet::from([INDEX.to_owned()]);
        let mut gallery =
            Gallery { folder: PathBuf::new(), force: false, cards: Vec::new(), names };
        let long = format!("{}/ü.toml", "x".repeat(400));
        let given =
            ["a/b.toml", "a-b.toml", "A/B.toml", "-", "index.toml", "../\"<x>\"/é.toml", &long];
        let all = given.map(|scenario| gallery.name(scenario));
        assert_eq!(all[..3], ["a-b.html", "a-b-2.html", "A-B-3.html"]);
        assert_eq!(all[3..6], ["run.html", "index-2.html", "x.html"]);
        assert!(all[6].len() < 200 && all[6].ends_with("x.html"), "{}", all[6]);
    }
}
