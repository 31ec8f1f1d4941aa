//! What `squall run` writes besides what it prints: a gallery and JUnit's XML.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use squall_sim::{Outcome, RunError};

use super::Args;
use super::gallery::Gallery;
use super::junit::Cases;
use crate::cli::exit::Exit;
use crate::cli::{files, interrupt, replay};
use crate::{LoadError, Registry};

/// What is to be written.
pub(super) struct Reports {
    gallery: Option<Gallery>,
    junit: Option<PathBuf>,
    force: bool,
    cases: Cases,
}

impl Reports {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// If it can not be written; it was complained about.
    pub fn new(args: &Args) -> Result<Self, Exit> {
        args.junit.as_deref().map_or(Ok(()), |path| files::may_write(path, args.force))?;
        let gallery = args.report.as_deref().map(|folder| Gallery::new(folder, args.force));
        let gallery = gallery.transpose()?;
        match gallery.is_some() {
            // The index is about the pages that are there.
            true => interrupt::listen(),
            false => interrupt::tidy_up(),
        }
        let junit = args.junit.clone();
        Ok(Reports { gallery, junit, force: args.force, cases: Cases::default() })
    }

    /// A run came to an end.
    pub fn ended(&mut self, path: &Path, outcome: &Outcome, registry: &Registry) -> Exit {
        self.cases.ended(path, outcome);
        self.gallery.as_mut().map_or(Exit::Passed, |gallery| gallery.add(outcome, registry))
    }

    /// A file could not be read, or is wrong.
    pub fn not_loaded(&mut self, path: &Path, error: &LoadError) {
        self.cases.not_loaded(path, error);
        if let Some(gallery) = &mut self.gallery {
            gallery.not_run(path, &error.to_string());
        }
    }

    /// There was no run.
    pub fn not_run(&mut self, path: &Path, error: &RunError) {
        self.cases.not_run(path, error);
        if let Some(gallery) = &mut self.gallery {
            gallery.not_run(path, &error.to_string());
        }
    }

    /// A second run was another one.
    pub fn not_deterministic(&mut self, scenario: &str) {
        self.cases.not_deterministic(scenario, replay::SUSPECTS);
    }

    /// Writes what is not written yet, and says on `out` where pages are.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(self, out: Option<&mut impl Write>) -> io::Result<Exit> {
        let cases = &self.cases;
        let junit = self.junit.map_or(Exit::Passed, |path| cases.write(&path, self.force));
        let gallery = self.gallery.map_or(Ok(Exit::Passed), |gallery| gallery.finish(out))?;
        Ok(junit.max(gallery))
    }
}
