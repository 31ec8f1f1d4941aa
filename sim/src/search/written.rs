//! A plan that fails, as a scenario file that says of each fault what it does and whether it matters.

use std::path::Path;

use super::{Trials, explain};
use crate::plan::Plan;
use crate::scenario::{self, Diagnostics, Notes, Scenario};

/// Where a file will be.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The path of the file that the clients send, as it shall be written.
    pub payload: Option<&'a str>,
    /// The folder at which that path begins.
    pub base: &'a Path,
}

/// A scenario file.
pub(super) struct Written {
    pub text: String,
    /// The same, read.
    pub scenario: Scenario,
    /// What each fault does, and whether the failure needs it.
    pub faults: Vec<(String, bool)>,
}

/// Writes the plan down under these lines of comment, and reads it again.
pub(super) fn write_down(
    plan: Plan,
    head: Vec<String>,
    trials: &mut Trials<'_>,
    place: Place<'_>,
) -> Result<Written, Diagnostics> {
    // What the file says of itself is found out even if time is up.
    trials.stop = &|| false;
    let sentences = explain::sentences(&plan, trials);
    let mut faults = Vec::new();
    for (index, sentence) in sentences.into_iter().enumerate() {
        let mut without = plan.clone();
        without.faults.remove(index);
        faults.push((sentence, !trials.fails(&without)));
    }
    let comment = |(sentence, needed): &(String, bool)| {
        let needed = match needed {
            true => "Necessary: without it the run does not fail in this way.",
            false => "Not necessary: the run fails in this way without it, too.",
        };
        vec![format!("{sentence}."), needed.to_owned()]
    };
    let notes = Notes {
        head,
        faults: faults.iter().map(comment).collect(),
        payload: place.payload.map(str::to_owned),
    };
    let spec = trials.protocol.spec();
    let text = scenario::write(&plan, spec, &notes);
    let specs = std::slice::from_ref(spec);
    let scenario = Scenario::parse(&plan.scenario, &text, place.base, specs)?;
    Ok(Written { text, scenario, faults })
}
