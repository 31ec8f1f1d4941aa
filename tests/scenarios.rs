//! Every file below `scenarios/` is a test, with its verdict and, if it is short, its timeline as
//! snapshots.

use std::process::ExitCode;

use squall::reports::timeline::{self, Extent, Style};
use squall::{Outcome, Registry, ScenarioTests};

/// Timelines of at most this many lines are kept as snapshots: people read them.
const READABLE: usize = 80;

fn main() -> ExitCode {
    // Snapshots name what they belong to by themselves.
    ScenarioTests::new(Registry::shipped(), "scenarios").check(snapshot).main()
}

fn snapshot(name: &str, outcome: &Outcome) {
    let mut json = outcome.to_json();
    // Said by the file's name and by every other field.
    json["replay"].take();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/scenarios");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let name = name.replace('/', "__");
        let verdict = serde_json::to_string_pretty(&json).unwrap();
        insta::assert_snapshot!(format!("{name}.verdict"), verdict);
        let drawn = draw(outcome);
        if drawn.lines().count() <= READABLE {
            insta::assert_snapshot!(format!("{name}.timeline"), drawn);
        }
    });
}

fn draw(outcome: &Outcome) -> String {
    let registry = Registry::shipped();
    let dissect = registry.dissect(&outcome.plan.protocol);
    let style = Style { width: 100, color: false, extent: Extent::Full };
    let mut drawn = Vec::new();
    timeline::write(outcome.trace.as_ref().unwrap(), dissect, style, &mut drawn).unwrap();
    String::from_utf8(drawn).unwrap()
}
