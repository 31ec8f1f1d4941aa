//! `squall explore`: one scenario under many seeds.

mod child;
mod job;
mod pool;
mod report;
mod save;
mod text;
mod worker;

use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use squall_sim::Settings;
use squall_sim::scenario::Scenario;
use squall_sim::sweep::Seeds;

use super::exit::Exit;
use super::progress::Progress;
use super::run::{EngineArg, Format};
use super::values::{jobs, some_jobs, time};
use super::{complain, files, interrupt, run, stdout};
use crate::Registry;
pub(super) use child::WORKER;
use job::Job;
use pool::{Shared, Sharing, share};
pub(super) use report::{Place, may_merge, merged};
pub(super) use text::print;
pub(super) use worker::run as run_worker;

/// Arguments of `squall explore`.
#[derive(clap::Args)]
#[command(after_help = "\
The result depends on the scenario and the seeds alone, not on --jobs, shards or time. Without
--keep-going the sweep ends with the first failing seed. `sometimes = [\"retransmission\"]` under [expect]
names what some run of a sweep must reach.

A run that panics, never lets time pass, takes too much memory, overflows its stack, ends the process or
does not end is a failure of its seed: runs are in processes of their own.

Exit status: 0 all passed; 1 a run failed, or a condition was never reached; 2 some runs were inconclusive
or invalid, or the sweep was interrupted.

Examples:
  squall explore my.toml --seeds 0..10000
  squall explore my.toml --seeds 0..10000 --keep-going --save found      shrunk failures as scenario files
  squall explore my.toml --seeds 0..10000 --keep-going --report out      out/index.html, with charts
  squall explore my.toml --seeds 0..1000000 --shard 3/8 --format json > part3.json
  squall merge part*.json")]
pub(super) struct Args {
    /// The scenario file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The seeds: A..B without B, or A..=B with it
    #[arg(long, value_name = "A..B")]
    seeds: Seeds,
    /// How many runs at a time [default: one for each core]
    #[arg(long, value_name = "N", value_parser = some_jobs)]
    jobs: Option<NonZero<usize>>,
    /// Run the seeds behind a failing one, too
    #[arg(long)]
    keep_going: bool,
    /// Only the I-th of N parts of the seeds; `squall merge` adds up what they print as JSON
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<(u64, u64)>,
    /// The engine, instead of the file's
    #[arg(long, value_enum)]
    engine: Option<EngineArg>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A process for each job, instead of one with a thread for each: a run that ends its process then
    /// takes no others with it, which have to be repeated
    #[arg(long)]
    isolate: bool,
    /// How long a run may take, real time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// How much memory a run may take (on Unix)
    #[arg(long, value_name = "SIZE", default_value = "1024MiB", value_parser = size)]
    max_memory: u64,
    /// Shrink the failures that are named, and write them into this folder, as scenario files
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Write a page about the sweep with charts into this folder, index.html, and a file about each failing
    /// run that is named
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Overwrite the files of --report that exist
    #[arg(long, requires = "report")]
    force: bool,
    /// Keep what charts need in the JSON, for `squall merge --report`
    #[arg(long)]
    charts: bool,
}

fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    let shard = parts.filter(|(i, n)| (1..=*n).contains(i));
    shard.ok_or_else(|| "write I/N, with I from 1 to N, such as 1/4".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let bytes = squall_sim::scenario::size(text)?;
    if bytes < 1 << 20 { Err("a run needs 1MiB at least".to_owned()) } else { Ok(bytes) }
}

pub(super) fn run(args: &Args, registry: &Registry) -> io::Result<Exit> {
    if let Some(folder) = args.save.as_ref().filter(|folder| folder.exists() && !folder.is_dir()) {
        complain(&format!("{} is no folder to write into", folder.display()));
        return Ok(Exit::Usage);
    }
    if args.save.is_some() && args.file.as_os_str() == "-" {
        complain("--save needs the scenario in a file");
        return Ok(Exit::Usage);
    }
    let scenario = match files::load(&args.file, registry) {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let engine = args.engine.map_or(scenario.engine(), EngineArg::engine);
    if let Err(errors) = scenario.check_engine(engine) {
        return Ok(run::refuse(&squall_sim::RunError::Engine(errors)));
    }
    if let Some(Err(exit)) =
        args.report.as_ref().map(|folder| report::may_write(folder, args.force))
    {
        return Ok(exit);
    }
    interrupt::listen();
    let base = files::folder(&args.file);
    let shared = match sweep(args, registry, &scenario, &base) {
        Ok(shared) => shared,
        Err(error) => {
            complain(&format!("the sweep can not go on: {error}"));
            return Ok(Exit::Usage);
        }
    };
    let mut out = stdout();
    match args.format {
        Format::Json => writeln!(out, "{}", shared.sweep.to_json())?,
        Format::Text => {
            let first = shared.sweep.failures.first();
            // What ended a worker would end this process, too.
            if let Some(first) = first.filter(|first| !shared.lost.contains(&first.seed)) {
                let (seed, engine) = (Some(first.seed), Some(engine));
                let settings = Settings { seed, engine, ..Settings::default() };
                run::draw(&mut out, registry, &scenario, settings)?;
            }
            text::print(&mut out, &shared.sweep)?;
        }
    }
    out.flush()?;
    let saved = match &args.save {
        Some(folder) => save::save(folder, args, &shared)?,
        None => Exit::Passed,
    };
    let reported = match &args.report {
        Some(folder) => {
            let place = Place { folder, force: args.force, format: args.format };
            report::write(place, registry, &scenario, engine, &shared)?
        }
        None => Exit::Passed,
    };
    Ok(saved.max(reported).max(shared.sweep.verdict().into()))
}

fn sweep(args: &Args, registry: &Registry, scenario: &Scenario, base: &Path) -> io::Result<Shared> {
    let Some(protocol) = registry.protocol(scenario.protocol()) else {
        unreachable!("the scenario was read with the registry's protocols")
    };
    let jobs = jobs(args.jobs);
    let (workers, threads) = if args.isolate { (jobs, 1) } else { (1, jobs) };
    let engine = args.engine.map_or(scenario.engine(), EngineArg::engine);
    let mut job = Job::new(scenario, base, engine, args.seeds);
    job.keep_going = args.keep_going;
    job.charts = args.charts || args.report.is_some();
    job.threads = threads;
    job.max_memory = args.max_memory;
    let seeds = args.shard.map_or(args.seeds, |(i, n)| args.seeds.shard(i, n));
    let bar = Progress::new(seeds.count(), "runs");
    let progress = |done: u64, failures: u64| {
        bar.set(seeds.count(), done, format!("; failures: {failures}"));
    };
    share(&Sharing {
        scenario,
        protocol,
        engine,
        job,
        seeds,
        workers,
        timeout: args.timeout,
        stop: &interrupt::asked,
        progress: &progress,
    })
}
