//! What the README shows is what happens.

use std::path::Path;

use squall::check::Verdict;
use squall::{Registry, Settings};

use super::engine_parity::scenarios;

/// The README's first code block of a language, without its fence.
fn block(language: &str) -> String {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_output_is_real() {
    let shown = block("console");
    let mut lines = shown.lines();
    let command = lines.next().unwrap().strip_prefix("$ cargo run --release -- ").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(command.split(' '))
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut printed = printed.lines();
    for line in lines.filter(|line| line.trim() != "...") {
        assert!(printed.any(|real| real == line), "this is not printed there: {line}");
    }
}

#[test]
fn the_scenario_passes_with_many_seeds() {
    let registry = Registry::shipped();
    let scenario =
        registry.parse("README", &block("toml")).unwrap_or_else(|error| panic!("{error}"));
    for seed in 1..=100 {
        let outcome =
            registry.run(&scenario, Settings { seed: Some(seed), ..Settings::default() }).unwrap();
        assert_eq!(outcome.verdict(), Verdict::Pass, "seed {seed}: {:?}", outcome.report.failures);
    }
}

#[test]
fn the_library_lists_every_scenario_with_its_title() {
    let table = std::fs::read_to_string("scenarios/README.md").unwrap();
    let registry = Registry::shipped();
    let files = scenarios(Path::new("scenarios"));
    for file in &files {
        let scenario = registry.load(file).unwrap_or_else(|error| panic!("{error}"));
        let link = file.strip_prefix("scenarios").unwrap().display().to_string();
        let row = table.lines().find(|row| row.contains(&format!("({link})")));
        let row = row.unwrap_or_else(|| panic!("{link} is not in scenarios/README.md"));
        assert!(row.contains(scenario.title()), "{link}: {row}");
    }
    let rows = table.matches(".toml)").count();
    assert_eq!(rows, files.len(), "the table lists files that are gone");
}
