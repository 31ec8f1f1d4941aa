//! Sweeps over code under test that panics, hangs, or takes the process with it: each is a failure of its
//! seed, and the sweep goes on.
//!
//! This is a command line as users build it, with a protocol that misbehaves under some seeds, and the
//! tests that run it.

use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use squall::net::UdpSocket;
use squall::sweep::Seeds;
use squall::{Client, HostResult, OptionKind, OptionValue, Protocol, Registry, Server};

/// What the server does once its dice show a seven.
const DEEDS: [&str; 10] = [
    "hash-order",
    "nothing",
    "print",
    "panic",
    "zero-time",
    "many-calls",
    "memory",
    "endless",
    "stack",
    "abort",
];

fn registry() -> Registry {
    let deeds = OptionKind::Choice(DEEDS.to_vec());
    let dice = OptionKind::Count { min: 0, max: 9 };
    let unruly = Protocol::new("unruly", "Misbehaves when its dice show a seven.")
        .option("deed", deeds, OptionValue::Word("nothing".into()), "what it does then")
        .option("dice", dice, OptionValue::Number(0), "a range, so that seeds differ")
        .server(server)
        .client(client);
    Registry::new().with(unruly)
}

async fn server(server: Server) -> HostResult {
    let socket = UdpSocket::bind(server.address()).await?;
    let mut buffer = [0; 2048];
    loop {
        let (length, _) = socket.recv_from(&mut buffer).await?;
        server.deliver(&buffer[..length]);
        if server.options().number("dice") == 7 {
            misbehave(server.options().word("deed")).await;
        }
    }
}

async fn client(mut client: Client) -> HostResult {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    while let Some(message) = client.next().await {
        socket.send_to(&message.payload, client.server()).await?;
        client.complete(message.id);
    }
    Ok(())
}

async fn misbehave(deed: &str) {
    match deed {
        "print" => print!("a line without an end"),
        "panic" => panic!("the dice show a seven"),
        "zero-time" => loop {
            squall::task::yield_now().await;
        },
        "many-calls" => loop {
            squall::report("again");
        },
        "memory" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1; 1 << 20]));
            }
        }
        "endless" => loop {
            std::hint::spin_loop();
        },
        "stack" => drop(deeper(std::hint::black_box(1))),
        "abort" => std::process::abort(),
        "hash-order" => {
            let names: std::collections::HashSet<String> =
                (0..30).map(|n| format!("event-{n}")).collect();
            names.iter().for_each(|name| squall::report(name));
        }
        _ => {}
    }
}

fn deeper(n: u64) -> u64 {
    let room = std::hint::black_box([n; 1000]);
    if n == 0 { 0 } else { deeper(n + 1) + room[(n % 1000) as usize] }
}

fn scenario(deed: &str) -> String {
    format!(
        "title = 'A server that may misbehave'\nprotocol = 'unruly'\n\
         options = {{ deed = '{deed}', dice = '0..10' }}\nexpect = {{ guarantee = 'exactly-once' }}\n"
    )
}

const SEEDS: Seeds = Seeds { first: 0, end: 60 };

/// The seeds under which the dice show a seven.
fn unlucky(deed: &str) -> Vec<u64> {
    let scenario = registry().parse("-", &scenario(deed)).unwrap();
    let seven = |seed: &u64| scenario.plan(Some(*seed)).options.number("dice") == 7;
    SEEDS.iter().filter(seven).collect()
}

/// Runs this program as the command `explore` on a scenario from standard input.
fn explore(deed: &str, more: &[&str]) -> Output {
    use std::io::Write;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["explore", "-", "--seeds", &SEEDS.to_string(), "--max-memory", "200MiB"])
        .args(more)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(scenario(deed).as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What goes wrong under the unlucky seeds, and nothing else does; however the work is shared.
fn fails(deed: &str, why: &str) -> Result<(), Failed> {
    let unlucky = unlucky(deed);
    assert!((2..=10).contains(&unlucky.len()), "{unlucky:?}");
    // What ends by itself may take its time on a busy machine.
    let timeout = if deed == "endless" { "2s" } else { "60s" };
    let json = ["--keep-going", "--format", "json", "--timeout", timeout];
    let mut outputs = Vec::new();
    for more in [&["--jobs", "1"][..], &["--jobs", "3"], &["--jobs", "2", "--isolate"]] {
        let output = explore(deed, &[&json, more].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{more:?}: {said}\n{complaints}");
        outputs.push(said);
    }
    assert!(outputs.iter().all(|one| *one == outputs[0]), "{outputs:#?}");
    let sweep: Value = serde_json::from_str(&outputs[0])?;
    assert_eq!(sweep["complete"], true);
    assert_eq!(sweep["verdicts"]["fail"], unlucky.len());
    assert_eq!(sweep["verdicts"]["pass"], SEEDS.count() - unlucky.len() as u64);
    let failures = sweep["failures"].as_array().unwrap();
    let seeds: Vec<u64> = failures.iter().map(|one| one["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, unlucky);
    for failure in failures {
        let said = failure["failure"].as_str().unwrap();
        assert!(said.contains(why), "{said}");
        assert_eq!(failure["replay"], format!("squall run - --seed {}", failure["seed"]));
    }
    Ok(())
}

/// Without `--keep-going` the first of them ends the sweep, and is named with its replay line.
fn the_first_is_named() -> Result<(), Failed> {
    for deed in ["stack", "abort", "endless", "panic"] {
        let first = unlucky(deed)[0];
        let output = explore(deed, &["--jobs", "2", "--timeout", "3s"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{deed}: {said}");
        assert!(said.contains(&format!("seed {first}: ")), "{deed}: {said}");
        assert!(said.contains(&format!("run - --seed {first}\n")), "{deed}: {said}");
        assert!(said.contains(&format!("{} runs", first + 1)), "{deed}: {said}");
    }
    Ok(())
}

/// What differs from process to process is found by a second one, and where by a replay.
fn hash_order_is_found_out() -> Result<(), Failed> {
    let file = std::env::temp_dir().join(format!("squall-unruly-{}.toml", std::process::id()));
    let trace = file.with_extension("trace");
    let squall = |arguments: &[&str]| {
        let output =
            Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
        let said =
            [output.stdout, output.stderr].map(|one| String::from_utf8(one).unwrap()).concat();
        (output.status.code(), said)
    };
    let [path, trace_path] = [&file, &trace].map(|path| path.to_str().unwrap());
    for (deed, code) in [("hash-order", 3), ("nothing", 0)] {
        std::fs::write(&file, scenario(deed).replace("'0..10'", "7")).unwrap();
        let (run, said) = squall(&["run", path, "--check-determinism"]);
        assert_eq!(run, Some(code), "{said}");
        let found = said.contains(" is not deterministic: a second process had another run.");
        assert_eq!(
            (found, said.contains("deterministic: 1 runs")),
            (code == 3, code == 0),
            "{said}"
        );
        let (replay, said) = squall(&["replay", path, "--seed", "5"]);
        assert_eq!(replay, Some(code), "{said}");
        let recorded = squall(&["run", path, "--seed", "5", "--force", "--trace", trace_path]);
        assert_eq!(recorded.0, Some(0));
        let (against, other) = squall(&["replay", path, "--seed", "5", "--against", trace_path]);
        assert_eq!(against, Some(code), "{other}");
        for said in [said, other] {
            let differs = said.contains(": it differs from event ");
            let shown = said.contains("  - 0.00000") && said.contains("  + 0.00000");
            assert_eq!((differs, shown), (code == 3, code == 3), "{said}");
            assert_eq!(said.contains("the order of a HashMap"), code == 3, "{said}");
        }
        let (wrong, said) = squall(&["replay", path, "--seed", "6", "--against", trace_path]);
        assert_eq!(wrong, Some(64), "{said}");
        assert!(said.contains("the trace is of seed 5"), "{said}");
    }
    std::fs::remove_file(&file)?;
    std::fs::remove_file(&trace)?;
    Ok(())
}

/// What host software prints does not come between a worker and the process that started it.
fn nothing_goes_wrong() -> Result<(), Failed> {
    for deed in ["nothing", "print"] {
        let output = explore(deed, &["--keep-going"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    Ok(())
}

/// The page of a sweep links to what can be run again, and names what can not.
fn a_report_outlives_lost_runs() -> Result<(), Failed> {
    let folder = std::env::temp_dir().join(format!("squall-unruly-report-{}", std::process::id()));
    for (deed, linked) in [("abort", false), ("many-calls", true)] {
        let output = explore(deed, &["--keep-going", "--report", folder.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let page = std::fs::read_to_string(folder.join("index.html"))?;
        for seed in unlucky(deed) {
            assert!(page.contains(&format!("Seed {seed}<")), "{page}");
            assert_eq!(page.contains(&format!("<a href=\"seed-{seed}.")), linked, "{page}");
        }
        let count = unlucky(deed).len();
        assert!(page.contains(&format!("Of 60 runs, {count} did not pass")), "{page}");
        let files =
            std::fs::read_dir(&folder)?.map(|entry| entry.unwrap().metadata().unwrap().len());
        let files: Vec<u64> = files.collect();
        assert_eq!(files.len(), if linked { 1 + count } else { 1 });
        assert!(files.into_iter().all(|size| size < 40 << 20), "no file is as long as the loop");
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let is_command =
        |word: String| ["explore", "run", "replay"].iter().any(|one| word.starts_with(one));
    if command.is_some_and(is_command) {
        return squall::cli(registry());
    }
    let arguments = Arguments::from_args();
    let expected = [
        ("panic", "host software of server panicked: the dice show a seven"),
        ("zero-time", "an endless loop in zero time: server"),
        ("many-calls", "an endless loop: 1000000 calls into the simulation"),
        ("memory", "the run took more memory than --max-memory allows, 200 MiB"),
        ("endless", "the run did not end within 2s of real time"),
        ("stack", "the run overflowed its stack"),
        ("abort", "the run ended its process: SIGABRT"),
    ];
    let mut trials: Vec<Trial> = expected
        .into_iter()
        .map(|(deed, why)| Trial::test(format!("unruly::{deed}"), move || fails(deed, why)))
        .collect();
    trials.push(Trial::test("unruly::the_first_is_named", the_first_is_named));
    trials.push(Trial::test("unruly::lost_runs", a_report_outlives_lost_runs));
    trials.push(Trial::test("unruly::nothing_goes_wrong", nothing_goes_wrong));
    trials.push(Trial::test("unruly::hash_order", hash_order_is_found_out));
    // How a process ends is told in the words of Unix.
    let trials = if cfg!(unix) { trials } else { Vec::new() };
    libtest_mimic::run(&arguments, trials).exit_code()
}
