//! A plan written as a file and read again is the same plan, for every file of the library.

use std::path::Path;

use squall::scenario::{self, Notes, Scenario};
use squall::{Registry, Settings};

use crate::engine_parity::scenarios;

/// What a plan says, but for the file it comes from.
fn described(scenario: &Scenario, seed: u64) -> String {
    let mut plan = scenario.plan(Some(seed));
    plan.scenario.clear();
    format!("{plan:?}")
}

#[test]
fn every_plan_of_the_library_comes_back() {
    let registry = Registry::shipped();
    for path in scenarios(Path::new("scenarios")) {
        let scenario = registry.load(&path).unwrap();
        let spec = registry.protocol(scenario.protocol()).unwrap().spec();
        for seed in [1, 7] {
            let payload = scenario.payload_path().map(str::to_owned);
            let notes = Notes { payload, ..Notes::default() };
            let text = scenario::write(&scenario.plan(Some(seed)), spec, &notes);
            let base = path.parent().unwrap();
            let again = Scenario::parse("written", &text, base, registry.specs());
            let again =
                again.unwrap_or_else(|errors| panic!("{}: {errors}\n{text}", path.display()));
            let (before, after) = (described(&scenario, seed), described(&again, seed));
            assert_eq!(before, after, "{}\n{text}", path.display());
            let settings = Settings { seed: Some(seed), ..Settings::default() };
            let [before, after] = [&scenario, &again].map(|one| {
                let outcome = registry.run(one, settings).unwrap();
                (outcome.run.trace_hash, outcome.report.failures)
            });
            assert_eq!(before, after, "{}\n{text}", path.display());
        }
    }
}
