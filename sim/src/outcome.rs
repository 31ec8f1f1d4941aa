//! From a scenario to its outcome: plan, run, verdict, and on request the trace.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::check::{self, Report, Verdict};
use crate::conclude::conclude;
use crate::engine::{self, Keep, Run, StartError};
use crate::history::{Op, Outcome as Ended};
use crate::plan::{Cost, Engine, Plan};
use crate::protocol::Protocol;
use crate::scenario::{Diagnostics, Scenario};
use crate::trace::{Header, Trace, VERSION};

/// How to run a scenario. The default is what the file says, without a trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// The seed, instead of the file's.
    pub seed: Option<u64>,
    /// The engine, instead of the file's.
    pub engine: Option<Engine>,
    /// Whether to keep the trace. Its hash is there in any case.
    pub keep_trace: bool,
}

/// Why a scenario could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The engine cannot do what the file asks for.
    #[error("{0}")]
    Engine(Diagnostics),
    /// No simulation can start here.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What came of running a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// What was run.
    pub plan: Arc<Plan>,
    /// What was observed.
    pub run: Run,
    /// What it means.
    pub report: Report,
    /// The trace, if it was to be kept.
    pub trace: Option<Trace>,
}

/// Runs a scenario on hosts with `protocol`'s software.
///
/// # Errors
/// If the engine cannot do what the scenario asks for, or a simulation or a tokio runtime is
/// running on this thread.
///
/// # Panics
/// If the scenario names another protocol.
pub fn simulate(
    scenario: &Scenario,
    protocol: &Protocol,
    settings: Settings,
) -> Result<Outcome, RunError> {
    let keep = Keep { trace: settings.keep_trace, ..Keep::default() };
    simulate_keeping(scenario, protocol, settings, keep)
}

/// As [`simulate`], keeping this.
pub(crate) fn simulate_keeping(
    scenario: &Scenario,
    protocol: &Protocol,
    settings: Settings,
    keep: Keep,
) -> Result<Outcome, RunError> {
    assert_eq!(scenario.protocol(), protocol.spec().name, "the scenario names another protocol");
    let engine = settings.engine.unwrap_or(scenario.engine());
    scenario.check_engine(engine).map_err(RunError::Engine)?;
    let plan = Arc::new(Plan { engine, ..scenario.plan(settings.seed) });
    let mut run = engine::run(Arc::clone(&plan), protocol, keep)?;
    let report = check::judge(&plan, &run);
    let trace = run.records.take().map(|records| {
        let conclusion = conclude(&plan, &run, &report);
        Trace::new(header(scenario, &plan), records, run.trace_hash, Some(conclusion))
    });
    Ok(Outcome { plan, run, report, trace })
}

fn header(scenario: &Scenario, plan: &Plan) -> Header {
    Header {
        version: VERSION,
        scenario: plan.scenario.clone(),
        title: plan.title.clone(),
        protocol: plan.protocol.clone(),
        engine: plan.engine.name().to_owned(),
        seed: plan.seed,
        scenario_hash: format!("{:032x}", scenario.hash()),
        source: scenario.text().to_owned(),
        hosts: plan.hosts.iter().map(|host| host.name.clone()).collect(),
        faults: plan.faults.iter().map(|fault| fault.name.clone()).collect(),
    }
}

impl Outcome {
    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.report.verdict
    }

    /// The command that repeats this run, with the shipped `squall`.
    pub fn replay_command(&self) -> String {
        replay_command(&self.plan.scenario, self.plan.seed, self.plan.engine)
    }

    /// The arguments that repeat this run, for any program that has squall's command line.
    pub fn replay_arguments(&self) -> String {
        replay_arguments(&self.plan.scenario, self.plan.seed, self.plan.engine)
    }

    /// The outcome as one JSON object, the contract of `--format json`.
    pub fn to_json(&self) -> Value {
        let (plan, run, counts) = (&self.plan, &self.run, &self.run.counts);
        let mut drops: Map<String, Value> = Map::new();
        for (reason, count) in &counts.drops {
            let name = match reason {
                crate::network::DropReason::Fault(fault) => {
                    format!("fault:{}", plan.faults[*fault as usize].name)
                }
                other => other.name().to_owned(),
            };
            drops.insert(name, json!(count));
        }
        // Datagrams are counted above; how often tasks are polled is no business of a protocol's.
        let costs = [Cost::Bytes, Cost::Retransmissions, Cost::PeakMemoryEntries];
        let costs: Map<String, Value> = costs
            .map(|cost| (cost.name().to_owned(), json!(counts.cost(cost))))
            .into_iter()
            .collect();
        let ended = |outcome: Ended| self.count(|op| op.outcome == outcome);
        let executions = || run.history.operations().map(|(_, op)| op.executions);
        let guarantees: Map<String, Value> = self
            .report
            .guarantees
            .iter()
            .map(|(guarantee, finding)| (guarantee.name().to_owned(), json!(finding.name())))
            .collect();
        json!({
            "scenario": plan.scenario,
            "title": plan.title,
            "protocol": plan.protocol,
            "engine": plan.engine.name(),
            "seed": plan.seed,
            "verdict": self.report.verdict.name(),
            "trace_hash": format!("{:032x}", run.trace_hash),
            "sim_time_ns": run.sim_time,
            "datagrams": {
                "sent": counts.sent,
                "delivered": counts.delivered,
                "dropped": counts.dropped,
                "duplicated": counts.duplicated,
                "corrupted": counts.corrupted,
            },
            "drops": drops,
            "operations": {
                "issued": self.count(|_| true),
                "completed": ended(Ended::Completed),
                "failed": ended(Ended::Failed),
                "unknown": ended(Ended::Unknown),
            },
            "executions": {
                "total": run.history.executions(),
                "min": executions().min().unwrap_or(0),
                "max": executions().max().unwrap_or(0),
            },
            "costs": costs,
            "guarantees": guarantees,
            "faults": run.faults,
            "failures": self.report.failures,
            "replay": self.replay_command(),
        })
    }

    fn count(&self, which: impl Fn(&Op) -> bool) -> usize {
        self.run.history.operations().filter(|(_, op)| which(op)).count()
    }
}

/// The command that repeats a run, with the shipped `squall`.
pub(crate) fn replay_command(scenario: &str, seed: u64, engine: Engine) -> String {
    format!("squall {}", replay_arguments(scenario, seed, engine))
}

fn replay_arguments(scenario: &str, seed: u64, engine: Engine) -> String {
    let engine = match engine {
        Engine::Event => String::new(),
        other => format!(" --engine {}", other.name()),
    };
    format!("run {} --seed {seed}{engine}", shell_word(scenario))
}

/// A path as one word of a shell command.
fn shell_word(path: &str) -> String {
    if path.len() > 1 && path.starts_with('-') {
        return shell_word(&format!("./{path}"));
    }
    let plain = |c: char| c.is_alphanumeric() || "-_./+:@".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}
