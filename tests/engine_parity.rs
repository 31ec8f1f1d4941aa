//! Every scenario that both engines can run reaches the same verdict and the same guarantees on
//! both, and the same run twice is the same run.

use std::path::{Path, PathBuf};

use squall::plan::Engine;
use squall::{Outcome, Registry, RunError, Settings};

/// All scenario files in a folder and those below it.
pub fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| match path.is_dir() {
            true => scenarios(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    found.sort();
    found
}

fn run(registry: &Registry, path: &Path, engine: Engine, seed: Option<u64>) -> Option<Outcome> {
    let scenario = registry.load(path).unwrap_or_else(|error| panic!("{error}"));
    let settings = Settings { seed, engine: Some(engine), keep_trace: false };
    match registry.run(&scenario, settings) {
        Ok(outcome) => Some(outcome),
        Err(RunError::Engine(_)) if engine == Engine::Turmoil => None,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

#[test]
fn both_engines_reach_the_same_verdicts() {
    let registry = Registry::shipped();
    let mut compared = 0;
    let mut differences = Vec::new();
    for path in scenarios(Path::new("scenarios")) {
        let Some(turmoil) = run(&registry, &path, Engine::Turmoil, None) else { continue };
        let event = run(&registry, &path, Engine::Event, None).unwrap();
        compared += 1;
        let (event, turmoil) = (event.to_json(), turmoil.to_json());
        for field in ["verdict", "guarantees"] {
            if event[field] != turmoil[field] {
                let (event, turmoil) = (&event[field], &turmoil[field]);
                let path = path.display();
                differences
                    .push(format!("{path} {field}:\n  event   {event}\n  turmoil {turmoil}"));
            }
        }
    }
    assert!(compared >= 25, "only {compared} scenarios run on both engines");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run_on_both_engines() {
    let registry = Registry::shipped();
    for path in scenarios(Path::new("scenarios")) {
        for engine in [Engine::Event, Engine::Turmoil] {
            let hash = || Some(run(&registry, &path, engine, Some(3))?.run.trace_hash);
            let (first, second) = (hash(), hash());
            assert_eq!(first, second, "{} on {}", path.display(), engine.name());
            assert!(first.is_some() || engine == Engine::Turmoil);
        }
    }
}

#[test]
fn on_turmoil_hosts_use_tokio_directly_and_panics_of_their_tasks_are_seen() {
    use squall::time::Duration;
    let tokio = super::client_only(async |mut client: squall::Client| {
        let message = client.next().await.ok_or("no message")?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        tokio::spawn(async { squall::report("from a tokio task") }).await?;
        client.unknown(message.id);
        Ok(())
    });
    let outcome = super::run(tokio, "engine = 'turmoil'");
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let seen = super::reports(&outcome);
    assert_eq!(seen, [("client-1".to_owned(), "from a tokio task".to_owned(), 5.0)]);
    let panics = super::client_only(async |_| {
        squall::task::spawn(async { panic!("in a task") });
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(())
    });
    let outcome = super::run(panics, "engine = 'turmoil'");
    assert!(outcome.report.failures[0].contains("client-1 panicked: in a task"));
    let swallowed = super::client_only(async |_| {
        tokio::spawn(async { panic!("in a tokio task") });
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(())
    });
    let outcome = super::run(swallowed, "engine = 'turmoil'");
    assert!(outcome.report.failures[0].contains("in a tokio task"));
    let spins = super::client_only(async |_| {
        loop {
            squall::task::yield_now().await;
        }
    });
    let outcome = super::run(spins, "engine = 'turmoil'");
    assert!(outcome.report.failures[0].contains("an endless loop in zero time"));
}
