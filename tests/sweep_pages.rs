//! `--report`: what charts are drawn from adds up however the work is shared, theory agrees with it where
//! its assumptions hold, and no text of a scenario becomes markup.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use squall::sweep::{Charts, Seeds, Sweep, run_seeds};
use squall::{Registry, reports, scenario};

use crate::command::{folder, squall, squall_with_input, text};

/// Everything that charts are drawn against varies, and some runs fail.
const FAILING: &str = "title = 'Sometimes twice'\nprotocol = 'retry'\noptions = { timeout = '50ms' }\n\
    workload = { messages = '1..=9', clients = '1..=3', interval = '0ms..30ms' }\n\
    link = [{ delay = '10ms', loss = '0%..3%' }]\nexpect = { guarantee = 'at-most-once' }\n\
    fault = [{ name = 'copies', packet = { kind = 'ack' }, chance = '5%', action = 'duplicate', optional = true }]";

/// What theory predicts, for every protocol that has one.
fn predictable(protocol: &str) -> String {
    format!(
        "title = 'Goodput'\nprotocol = '{protocol}'\noptions = {{ timeout = '50ms' }}\n\
         workload = {{ messages = 50, interval = '0ms..10ms' }}\n\
         link = [{{ delay = '10ms', loss = '0%..40%' }}]\nexpect = {{ guarantee = 'at-least-once' }}"
    )
}

fn parse(text: &str) -> (Registry, scenario::Scenario) {
    let registry = Registry::shipped();
    let scenario = registry.parse("-", text).unwrap_or_else(|errors| panic!("{errors}"));
    (registry, scenario)
}

/// A part of a sweep with what charts need.
fn part(text: &str, range: Seeds, seeds: Seeds) -> Sweep {
    let (registry, scenario) = parse(text);
    let protocol = registry.protocol(scenario.protocol()).unwrap();
    let part = Sweep::new(&scenario, scenario.engine(), range, seeds, true);
    run_seeds(&scenario, protocol, part.with_charts(&scenario, protocol), |_| true).unwrap()
}

fn page(sweep: &Sweep) -> String {
    let mut out = Vec::new();
    let page_of = |seed| (seed != 3).then(|| format!("seed-{seed}.html"));
    reports::sweep::write(sweep, &page_of, &mut out).unwrap();
    text(&out)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Parts, however they are cut and in whatever order they come, add up to the whole.
    #[test]
    fn any_parts_add_up_to_the_whole(
        first in 0..1000u64,
        mut cuts in prop::collection::vec(0..60u64, 0..6),
        turn in 0..6usize,
    ) {
        let range = Seeds { first, end: first + 60 };
        let whole = part(FAILING, range, range);
        cuts.extend([0, 60]);
        cuts.sort_unstable();
        let bounds = cuts.windows(2).map(|pair| (first + pair[0], first + pair[1]));
        let mut parts: Vec<Sweep> = bounds
            .map(|(first, end)| part(FAILING, range, Seeds { first, end }))
            // As other machines send them.
            .map(|part| Sweep::from_json(&part.to_json()).unwrap())
            .collect();
        let turn = turn % parts.len();
        parts.rotate_left(turn);
        let merged = Sweep::merge(parts).unwrap();
        prop_assert_eq!(merged.to_json(), whole.to_json());
        prop_assert_eq!(page(&merged), page(&whole));
    }
}

/// The charts are of what the runs did.
#[test]
fn charts_count_what_the_runs_did() {
    let range = Seeds { first: 7, end: 407 };
    let charts = part(FAILING, range, range).charts.unwrap();
    let (registry, scenario) = parse(FAILING);
    let (mut took, mut again, mut by_clients) = (Vec::new(), 0, [0, 0, 0]);
    for seed in range.iter() {
        let settings = squall::Settings { seed: Some(seed), ..Default::default() };
        let outcome = registry.run(&scenario, settings).unwrap();
        took.extend(outcome.run.history.operations().map(|(_, op)| op.ended_at - op.invoked_at));
        again += outcome.run.counts.reports.get("retransmission").copied().unwrap_or(0);
        by_clients[outcome.plan.clients as usize - 1] += 1;
    }
    took.sort_unstable();
    let exact = took[(took.len() * 99).div_ceil(100) - 1];
    let found = charts.latency.quantile(9900).unwrap();
    assert!((exact..=exact + exact / 64).contains(&found), "{exact}, {found}");
    assert_eq!(
        (charts.latency.max, charts.latency.total()),
        (took[took.len() - 1], took.len() as u64)
    );
    let attempts = || charts.attempts.operations.iter();
    assert_eq!(attempts().map(|(_, operations)| operations).sum::<u64>(), took.len() as u64);
    let sendings: u64 = attempts().map(|(number, operations)| u64::from(number) * operations).sum();
    assert_eq!((sendings - took.len() as u64, charts.attempts.unattributed), (again, 0));
    assert!(again > 20);
    let axis = |varied| charts.goodput.iter().find(|axis| axis.varied == varied).unwrap();
    let clients = axis(scenario::Varied::Clients);
    assert_eq!(clients.bins.iter().map(|bin| bin.runs).collect::<Vec<_>>(), by_clients);
    assert_eq!([0, 1, 2].map(|bin| clients.bounds(bin)), [(1, 2), (2, 3), (3, 4)]);
    for axis in &charts.goodput {
        assert_eq!(axis.bins.iter().map(|bin| bin.runs).sum::<u64>(), 400, "{axis:?}");
    }
    assert_eq!(charts.goodput.len(), 4);
}

/// A window sends several operations at a time: which one is sent again is not known.
#[test]
fn retransmissions_of_a_window_are_not_attributed() {
    let text = "title = 'Window'\nprotocol = 'selective-repeat'\nworkload = { messages = 30 }\n\
                link = [{ delay = '10ms', loss = '5%' }]";
    let range = Seeds { first: 0, end: 20 };
    let sweep = part(text, range, range);
    let charts = sweep.charts.as_ref().unwrap();
    assert!(charts.attempts.unattributed > 0);
    assert!(page(&sweep).contains("it is not known of which they were"));
    assert!(page(&sweep).contains("No chart of goodput against loss"));
}

/// By which share of themselves the sendings and the time of all runs are more than theory says.
fn totals(measured: &Charts, theory: &Charts) -> [f64; 2] {
    let counts = measured.attempts.operations.iter();
    let sendings: u64 = counts.map(|(number, operations)| u64::from(number) * operations).sum();
    let predicted = theory.attempts.predicted.iter().zip(1u64..);
    let predicted: u64 = predicted.map(|(operations, number)| number * operations).sum();
    let time: u64 = measured.goodput[0].bins.iter().map(|bin| bin.time).sum();
    let predicted_time: u64 = theory.goodput[0].bins.iter().map(|bin| bin.predicted_time).sum();
    let over = |measured: f64, predicted: f64| measured / predicted - 1.0;
    [over(sendings as f64 * 1e6, predicted as f64), over(time as f64, predicted_time as f64)]
}

/// Theory and measurement: sendings number by number, goodput part by part of the range.
#[test]
fn theory_agrees_with_the_measurement() {
    let range = Seeds { first: 0, end: 2000 };
    for protocol in ["retry", "stop-and-wait", "unique-id"] {
        let sweep = part(&predictable(protocol), range, range);
        let charts = sweep.charts.as_ref().unwrap();
        assert_eq!((charts.attempts.predicted_runs, charts.runs), (2000, 2000));
        let mut compared = 0;
        for (number, count) in charts.attempts.operations.iter() {
            let predicted = charts.attempts.predicted[number as usize - 1] as f64 / 1e6;
            // Many independent operations: the deviation is at most that of a Poisson distribution.
            let off = (count as f64 - predicted).abs();
            assert!(
                off <= 4.0 * predicted.sqrt() + 1.0,
                "{protocol}, {number}: {count}, {predicted}"
            );
            compared += u32::from(predicted > 100.0);
        }
        assert!(compared >= 8, "{protocol}");
        let predicted: u64 = charts.attempts.predicted.iter().sum();
        assert_eq!(predicted, 2000 * 50 * 1_000_000, "every operation takes some number");
        for axis in &charts.goodput {
            for bin in &axis.bins {
                let (goodput, theory) = (bin.goodput().unwrap(), bin.predicted().unwrap());
                assert!((goodput / theory - 1.0).abs() < 0.06, "{protocol}: {goodput}, {theory}");
            }
        }
        let [sendings, time] = totals(charts, charts);
        assert!(sendings.abs() < 0.01 && time.abs() < 0.01, "{protocol}: {sendings}, {time}");
        // The same seeds, with losses that are 3% larger or smaller than theory has it.
        for wrong in ["41.2%", "38.8%"] {
            let text = predictable(protocol).replace("40%", wrong);
            let wrong = part(&text, range, range).charts.unwrap();
            let [sendings, time] = totals(&wrong, charts);
            assert!(sendings.abs() > 0.01 && time.abs() > 0.01, "{protocol}: {sendings}, {time}");
        }
        let drawn = page(&sweep);
        assert!(drawn.matches("The orange line is what theory says").count() == 3, "{protocol}");
    }
}

/// A theory whose assumptions do not hold says nothing.
#[test]
fn theory_says_nothing_where_its_assumptions_do_not_hold() {
    let predicts = |protocol: &str, options: &str, workload: &str, link: &str, rest: &str| {
        let text = format!(
            "title = 'x'\nprotocol = '{protocol}'\noptions = {{ timeout = '20ms'{options} }}\n\
             workload = {{ messages = 10{workload} }}\nlink = [{{ delay = '10ms', loss = '10%'{link} }}]\n{rest}"
        );
        let (registry, scenario) = parse(&text);
        let plan = scenario.plan(Some(1));
        registry.protocol(protocol).unwrap().theory_of(&plan)
    };
    let usual = predicts("stop-and-wait", "", "", "", "").unwrap();
    assert!((usual.failure - 0.19).abs() < 1e-12, "{usual:?}");
    let ms = usual.time.unwrap() / 1e6;
    assert!((ms - 10.0 * (20.0 + 20.0 * 0.19 / 0.81)).abs() < 1e-6, "{usual:?}");
    // A file that says that nothing happens is as one that says nothing.
    let still = ", jitter = '0ms', duplicate = 0, corrupt = 0.0, mtu = 1500";
    assert_eq!(predicts("stop-and-wait", "", "", still, ""), Some(usual));
    // Clients do not wait for one another, but the last one's end is not known.
    let three = predicts("stop-and-wait", "", ", clients = 3", "", "").unwrap();
    assert_eq!((three.failure, three.time), (usual.failure, None));
    let cut = "fault = [{ name = 'cut', at = '5ms', for = '1ms', action = 'partition', from = 'server', to = '*' }]";
    for (options, workload, link, rest) in [
        (", max_attempts = 5", "", "", ""),
        (", service = '1ms'", "", "", ""),
        (", clock = 'wall'", "", "", ""),
        (", fragment = '64B'", "", "", ""),
        (", checksum = 'crc-32'", "", "", ""),
        ("", ", clients = 300", "", ""),
        ("", "", ", jitter = '1ms'", ""),
        ("", "", ", rate = '1mbit'", ""),
        ("", "", ", duplicate = '1%'", ""),
        ("", "", ", reorder = '1%'", ""),
        ("", "", ", corrupt = '1%'", ""),
        ("", "", ", mtu = 100", ""),
        // The timeout is shorter than a round trip.
        ("", "", "}, { from = 'server', to = '*', delay = '11ms'", ""),
        ("", "", "}, { from = 'server', to = '*', loss = '100%'", ""),
        (
            "",
            "",
            "}, { from = '*', to = 'server', loss = { gemodel = { p = '1%', r = '50%' } }",
            "",
        ),
        // Clients are not alike.
        ("", ", clients = 2", "}, { from = 'client-2', to = '*', loss = '5%'", ""),
        ("", "", "", "duration = '300ms'"),
        ("", "", "", "hosts = { client-1 = { clock = { drift = '10ppm' } } }"),
        ("", "", "", cut),
    ] {
        let said = predicts("stop-and-wait", options, workload, link, rest);
        assert_eq!(said, None, "{options}{workload}{link}{rest}");
    }
    for protocol in ["ack", "go-back-n", "selective-repeat"] {
        assert_eq!(predicts(protocol, "", "", "", ""), None, "{protocol}");
    }
    let (registry, scenario) =
        parse(&predictable("retry").replace("timeout = '50ms'", "timeout = 'adaptive'"));
    assert_eq!(registry.protocol("retry").unwrap().theory_of(&scenario.plan(Some(1))), None);
    let (registry, scenario) = parse(&format!("engine = 'turmoil'\n{}", predictable("retry")));
    assert_eq!(registry.protocol("retry").unwrap().theory_of(&scenario.plan(Some(1))), None);
}

/// The pages in a folder, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> =
        entries.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn jobs_and_shards_change_no_byte_of_a_page() {
    let folder = folder("sweep_pages");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let explore = |name: &str, arguments: &[&str]| {
        let fixed = ["explore", "-", "--seeds", "0..700", "--keep-going", "--report"];
        squall_with_input(&[&fixed[..], &[&at(name)], arguments].concat(), FAILING)
    };
    let output = explore("whole", &["--jobs", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).ends_with(&format!("{}/index.html\n", at("whole"))));
    let whole = files(&folder.join("whole"));
    let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names.len(), names[0]), (11, "index.html"), "{names:?}");
    for name in &names[1..] {
        assert!(whole[0].1.contains(&format!("<a href=\"{name}\">")), "{name}");
    }
    for (name, arguments) in
        [("two", &["--jobs", "2"][..]), ("isolated", &["--jobs", "2", "--isolate"])]
    {
        assert_eq!(explore(name, arguments).status.code(), Some(1));
        assert!(files(&folder.join(name)) == whole, "{name}");
    }
    // The shards' pages about runs, gathered where the page of all is to be.
    std::fs::create_dir(folder.join("merged")).unwrap();
    let parts = [2, 3, 1].map(|i| {
        let name = format!("part-{i}");
        let output = explore(&name, &["--shard", &format!("{i}/3"), "--format", "json"]);
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        std::fs::write(folder.join(&name).join("part.json"), &output.stdout).unwrap();
        for (name, content) in files(&folder.join(&name)) {
            if whole.iter().any(|(known, _)| *known == name && name != "index.html") {
                std::fs::write(folder.join("merged").join(name), content).unwrap();
            }
        }
        at(&format!("{name}/part.json"))
    });
    let merge: Vec<&str> = ["merge"].into_iter().chain(parts.iter().map(String::as_str)).collect();
    let merged = squall(&[&merge[..], &["--report", &at("merged")]].concat());
    assert_eq!(merged.status.code(), Some(1), "{}", text(&merged.stderr));
    assert!(files(&folder.join("merged")) == whole);
    // JSON is what it was, but for those who ask for charts.
    let json = |arguments: &[&str]| {
        let fixed = ["explore", "-", "--seeds", "0..700", "--keep-going", "--format", "json"];
        text(&squall_with_input(&[&fixed[..], arguments].concat(), FAILING).stdout)
    };
    let (plain, charts) = (json(&[]), json(&["--charts"]));
    assert_eq!(text(&squall(&[&merge[..], &["--format", "json"]].concat()).stdout), charts);
    let mut value: serde_json::Value = serde_json::from_str(&charts).unwrap();
    assert!(value.as_object_mut().unwrap().remove("charts").is_some() && !plain.contains("charts"));
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(&plain).unwrap());
    // Parts with and without do not belong together; parts without make a page without.
    std::fs::write(at("plain.json"), &plain).unwrap();
    let merged = squall(&["merge", &at("plain.json"), "--report", &at("plain")]);
    assert_eq!(merged.status.code(), Some(1), "{}", text(&merged.stderr));
    assert!(files(&folder.join("plain"))[0].1.contains("No charts: "));
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = folder("sweep_pages_taken");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let file = at("my.toml");
    std::fs::write(&file, FAILING).unwrap();
    let explore = |arguments: &[&str]| {
        let fixed = ["explore", &file, "--seeds", "0..200", "--keep-going"];
        squall(&[&fixed[..], arguments].concat())
    };
    let refused = |arguments: &[&str], why: &str| {
        let output = explore(arguments);
        assert_eq!(output.status.code(), Some(64), "{}", text(&output.stdout));
        assert!(output.stdout.is_empty(), "before the sweep");
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
    };
    assert_eq!(explore(&["--report", &at("out")]).status.code(), Some(1));
    let before = files(&folder.join("out"));
    refused(&["--report", &at("out")], "index.html exists; --force overwrites it");
    std::fs::remove_file(at("out/index.html")).unwrap();
    refused(&["--report", &at("out")], "exists; --force overwrites such files");
    std::fs::write(at("out/index.html"), "old").unwrap();
    std::fs::write(at("part.json"), explore(&["--format", "json", "--charts"]).stdout).unwrap();
    let merge = ["merge", &at("part.json"), "--report", &at("out")];
    assert_eq!(squall(&merge).status.code(), Some(64));
    assert_eq!(std::fs::read_to_string(at("out/index.html")).unwrap(), "old");
    assert_eq!(squall(&[&merge[..], &["--force"]].concat()).status.code(), Some(1));
    assert!(files(&folder.join("out")) == before);
    assert_eq!(explore(&["--report", &at("out"), "--force"]).status.code(), Some(1));
    assert!(files(&folder.join("out")) == before);
    refused(&["--report", &at("part.json")], "is no folder to write into");
    refused(&["--force"], "--report <DIR>");
}

/// A sweep whose texts are all this one.
fn with_texts(hostile: &str) -> Sweep {
    let range = Seeds { first: 0, end: 60 };
    let sweep = part(FAILING, range, range);
    let mut value: serde_json::Value = serde_json::from_str(&sweep.to_json()).unwrap();
    for key in ["scenario", "title", "protocol", "engine", "scenario_hash"] {
        value[key] = hostile.into();
    }
    value["charts"]["theory"] = hostile.into();
    value["faults"][0]["name"] = hostile.into();
    value["sometimes"] = serde_json::json!([{ "name": hostile, "runs": 0, "count": 0 }]);
    value["failures"] = serde_json::json!([{ "seed": 3, "failure": hostile, "replay": hostile }]);
    Sweep::from_json(&value.to_string()).unwrap()
}

#[test]
fn no_text_becomes_markup() {
    let harmless = page(&with_texts("x"));
    let hostile = "</title></style><script>alert(1)</script>\" onload='x' & &lt; --> {{x}} \u{1b}[31m\r\0\u{202e}";
    let drawn = page(&with_texts(hostile));
    assert_eq!(drawn.matches("alert(1)").count(), 12, "each of them is there");
    for mark in ["<", ">", "\"", "<script", "\u{1b}", "\r", "\0", "\u{202e}"] {
        assert_eq!(drawn.matches(mark).count(), harmless.matches(mark).count(), "{mark:?}");
    }
    assert!(!drawn.contains("<script"));
    // Nothing of it is loaded from elsewhere.
    assert!(!drawn.contains("src=") && !drawn.contains("url(") && !drawn.contains("@import"));
    let addresses = drawn.matches("http").count();
    assert_eq!(
        addresses,
        drawn.matches("http://www.w3.org/2000/svg").count() + "http-equiv".matches("http").count()
    );
}

/// Read it: what stands on a page, and how a chart is drawn.
#[test]
fn a_page() {
    let text = "title = 'Sometimes twice'\nprotocol = 'retry'\noptions = { timeout = '50ms' }\n\
                duration = '5s'\nworkload = { messages = 10 }\nlink = [{ delay = '10ms', loss = '0%..40%' }]\n\
                expect = { guarantee = 'at-most-once', cost = { retransmissions = '..=40' } }";
    let range = Seeds { first: 0, end: 30 };
    let drawn = page(&part(text, range, range));
    let body = drawn.split_once("<body>").unwrap().1;
    // A line for each element that begins one.
    let mut lines = String::new();
    let mut drawings = 0;
    for piece in body.split_inclusive("</svg>") {
        let (words, drawing) = piece.split_once("<svg").unwrap_or((piece, ""));
        let cells = |text: String| text.replace("\n<td", "<td").replace("\n<th scope", "<th scope");
        lines.push_str(&cells(words.replace("><", ">\n<")));
        drawings += usize::from(!drawing.is_empty());
        if drawings == 2 && !drawing.is_empty() {
            lines.push_str(&format!("\n<svg{drawing}\n"));
        }
    }
    assert!(drawings == 4, "{drawings}");
    crate::snapshot_settings().bind(|| insta::assert_snapshot!("sweep_page", lines));
}

/// Charts that no sweep has are refused, or drawn as far as that goes.
#[test]
fn broken_charts_are_refused() {
    let range = Seeds { first: 0, end: 60 };
    let json = part(FAILING, range, range).to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let read = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value["charts"]);
        Sweep::from_json(&value.to_string())
    };
    assert!(read(&|_| {}).is_ok());
    type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
    let changes: [(Change<'_>, &str); 7] = [
        (&|charts| charts["seeds"]["59"] = serde_json::Value::Null, "invalid type"),
        (&|charts| charts["seeds"] = serde_json::json!({}), "the verdicts in its charts"),
        (&|charts| charts["operations"]["completed"] = 1.into(), "do not add up"),
        (&|charts| charts["latency"]["max"] = 1.into(), "do not add up"),
        (&|charts| charts["goodput"][0]["bins"] = serde_json::json!([]), "bins that no chart has"),
        (&|charts| charts["goodput"][0]["high"] = 0.into(), "bins that no chart has"),
        (&|charts| charts["attempts"]["predicted"] = vec![1; 65].into(), "bins that no chart has"),
    ];
    for (change, why) in changes {
        let said = read(change).unwrap_err();
        assert!(said.contains(why), "{why}: {said}");
    }
    let huge = read(&|charts| {
        for bin in charts["goodput"][0]["bins"].as_array_mut().unwrap() {
            bin["operations"] = u64::MAX.into();
            bin["time"] = 1.into();
        }
        charts["attempts"]["predicted"] = vec![u64::MAX; 64].into();
        charts["attempts"]["predicted_runs"] = charts["runs"].clone();
    });
    assert!(page(&huge.unwrap()).contains("</html>"));
}
