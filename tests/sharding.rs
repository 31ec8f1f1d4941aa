//! The examples of `docs/sweeps`: what they run adds up to what one machine would have printed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use saphyr::{LoadableYamlNode, Yaml};

use crate::command::{folder, squall, text};

/// Some seeds fail, and the condition is reached under few: not in every part.
const SCENARIO: &str = "title = 'Sometimes twice'\nprotocol = 'retry'\nworkload = { messages = 2 }\n\
    link = [{ delay = '10ms', loss = '1%' }]\n\
    expect = { guarantee = 'at-most-once', sometimes = ['retransmission'] }\n";

/// A folder of its own with the scenario in it.
fn place(name: &str) -> PathBuf {
    let folder = folder(name);
    std::fs::write(folder.join("my.toml"), SCENARIO).unwrap();
    folder
}

/// A shell in `folder` that finds squall, with these variables.
fn shell(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let (shell, arguments) = arguments.split_first().unwrap();
    let built = Path::new(env!("CARGO_BIN_EXE_squall")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths([built.to_owned()].into_iter().chain(std::env::split_paths(&path)));
    let mut command = Command::new(shell);
    command.args(arguments).current_dir(folder).env("PATH", path.unwrap());
    command.envs(variables.iter().copied()).output().unwrap()
}

/// A part that was run: whatever its runs came to, it is done.
fn is_done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// The parts in `parts` add up to the sweep over these seeds without shards.
fn add_up(folder: &Path, scenario: &str, seeds: &str, parts: &Path, count: usize) {
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let mut files: Vec<String> =
        std::fs::read_dir(parts).unwrap().map(|entry| path(&entry.unwrap().path())).collect();
    files.sort();
    assert_eq!(files.len(), count, "{files:?}");
    let mut merge = vec!["merge", "--format", "json"];
    merge.extend(files.iter().map(String::as_str));
    let merged = squall(&merge);
    // The scenario's name is in the result: it must be called by the same one.
    let explore =
        ["squall", "explore", scenario, "--seeds", seeds, "--keep-going", "--format", "json"];
    let whole = shell(folder, &explore, &[]);
    assert_eq!(text(&merged.stdout), text(&whole.stdout));
    assert_eq!((merged.status.code(), whole.status.code()), (Some(1), Some(1)));
}

fn example(file: &str) -> String {
    std::fs::read_to_string(Path::new("docs/sweeps").join(file)).unwrap()
}

/// What a container of a job runs.
fn container<'a, 'b>(job: &'a Yaml<'b>) -> &'a Yaml<'b> {
    &job["spec"]["template"]["spec"]["containers"][0]
}

fn word<'a>(value: &'a Yaml<'_>) -> &'a str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:?}"))
}

#[test]
fn a_slurm_array() {
    let folder = place("slurm");
    let script = std::fs::canonicalize("docs/sweeps/slurm.sh").unwrap();
    let script = script.to_str().unwrap();
    let content = std::fs::read_to_string(script).unwrap();
    // What Slurm reads from the script is what the script shares the seeds into.
    assert!(content.contains("#SBATCH --array=1-8\n") && content.contains("\nSHARDS=8\n"));
    for id in 1..=8 {
        let id = id.to_string();
        let variables = [("SLURM_ARRAY_TASK_ID", id.as_str()), ("SLURM_CPUS_PER_TASK", "2")];
        is_done(&shell(&folder, &["bash", script, "my.toml", "0..300"], &variables));
    }
    add_up(&folder, "my.toml", "0..300", &folder.join("sweep"), 8);
    // A wrong file is no part.
    let variables = [("SLURM_ARRAY_TASK_ID", "1")];
    let wrong = shell(&folder, &["bash", script, "nowhere.toml", "0..300"], &variables);
    assert_eq!(wrong.status.code(), Some(64), "{}", text(&wrong.stderr));
}

#[test]
fn a_github_actions_matrix() {
    let content = example("github-actions.yml");
    let documents = Yaml::load_from_str(&content).unwrap();
    let jobs = &documents[0]["jobs"];
    let step = |job: &str, command: &str| {
        let steps = jobs[job]["steps"].as_sequence().unwrap();
        let runs = |step: &&Yaml<'_>| {
            step.as_mapping_get("run")
                .and_then(Yaml::as_str)
                .is_some_and(|run| run.contains(command))
        };
        steps.iter().find(runs).unwrap_or_else(|| panic!("no step of {job} runs {command}"))
    };
    let run = step("shard", "squall explore");
    assert_eq!(word(&run["env"]["SHARD"]), "${{ matrix.shard }}");
    assert_eq!(word(&run["env"]["SHARDS"]), "${{ strategy.job-total }}");
    let shards = jobs["shard"]["strategy"]["matrix"]["shard"].as_sequence().unwrap();
    let total = shards.len().to_string();
    let folder = place("github");
    // As GitHub runs what it is not told otherwise.
    let bash = |script| shell(&folder, &["bash", "-e", "-c", script], &[]);
    for shard in shards {
        let shard = shard.as_integer().unwrap().to_string();
        let variables = [
            ("SCENARIO", "my.toml"),
            ("SEEDS_A_NIGHT", "300"),
            ("GITHUB_RUN_NUMBER", "7"),
            ("SHARD", &shard),
            ("SHARDS", &total),
        ];
        is_done(&shell(&folder, &["bash", "-e", "-c", word(&run["run"])], &variables));
    }
    add_up(&folder, "my.toml", "2100..2400", &folder.join("parts"), shards.len());
    let merged = bash(word(&step("merge", "squall merge")["run"]));
    assert_eq!(merged.status.code(), Some(1), "a run failed: {}", text(&merged.stderr));
}

#[test]
fn an_indexed_kubernetes_job() {
    let content = example("kubernetes.yml");
    let documents = Yaml::load_from_str(&content).unwrap();
    let [_, run, merge] = &documents[..] else { panic!("{documents:?}") };
    let completions = run["spec"]["completions"].as_integer().unwrap();
    let folder = place("kubernetes");
    std::fs::create_dir(folder.join("parts")).unwrap();
    std::fs::create_dir(folder.join("scenario")).unwrap();
    std::fs::rename(folder.join("my.toml"), folder.join("scenario/scenario.toml")).unwrap();
    let pod = container(run);
    let named = |name: &str| {
        let env = pod["env"].as_sequence().unwrap().iter();
        let mut values =
            env.filter(|one| word(&one["name"]) == name).map(|one| word(&one["value"]));
        values.next().unwrap_or_else(|| panic!("{name} is not set")).to_owned()
    };
    assert_eq!(
        (named("SHARDS"), named("SEEDS")),
        (completions.to_string(), "0..1000000".to_owned())
    );
    let execute = |pod: &Yaml<'_>, variables: &[(&str, &str)]| {
        let mut words: Vec<&str> = pod["command"].as_sequence().unwrap().iter().map(word).collect();
        words.extend(pod["args"].as_sequence().unwrap().iter().map(word));
        shell(&folder, &words, variables)
    };
    for index in 0..completions {
        let (index, shards) = (index.to_string(), named("SHARDS"));
        let variables =
            [("JOB_COMPLETION_INDEX", index.as_str()), ("SHARDS", &shards), ("SEEDS", "0..300")];
        is_done(&execute(pod, &variables));
    }
    let parts = folder.join("parts");
    add_up(&folder, "scenario/scenario.toml", "0..300", &parts, completions as usize);
    let merged = execute(container(merge), &[]);
    assert_eq!(merged.status.code(), Some(1), "a run failed: {}", text(&merged.stderr));
}
