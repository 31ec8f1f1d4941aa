//! Whatever the file, the parser neither panics nor hangs, and its errors can be drawn.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use squall_sim::stream::{Draw, Stream};

/// Pieces that steer mutations into the corners of the reader.
const TOKENS: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ",",
    ".",
    "..",
    "..=",
    "#",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "0",
    "-1",
    "99999999999999999999",
    "1e999",
    "inf",
    "nan",
    "0x_",
    "true",
    "1979-05-27T07:32:00Z",
    "\"5ms..50ms\"",
    "\"-5ms\"",
    "\"0%..20%\"",
    "\"2..6\"",
    "\"..\"",
    "\"*\"",
    "\"client-*\"",
    "\"server\"",
    "[[fault]]\n",
    "[[link]]\n",
    "[workload]\n",
    "[hosts.x]\n",
    "packet = {",
    "event = {",
    "action = ",
    "\"link\"",
    "\"partition\"",
    "groups = [[",
    "fault",
    "link",
    "hosts.",
    "clients = 100000",
    "\u{feff}",
    "\u{1b}[31m",
    "é",
    "日本",
    "\u{202e}",
    "\u{0}",
    "\\u",
    "µs",
    "a.b.c.d",
    "gemodel",
    "1-h",
    "payload = \"/\"",
];

/// Changes `text` in up to four places.
fn mutate(text: &str, other: &str, draw: &mut Draw) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=draw.below(4) {
        let mut at = |len: usize| draw.below(len as u64 + 1) as usize;
        let (a, b) = (at(bytes.len()), at(bytes.len()));
        let (low, high) = (a.min(b), a.max(b));
        match at(8) {
            0 => bytes.truncate(a),
            1 if a < bytes.len() => bytes[a] ^= 1 << at(7),
            2 if a < bytes.len() => bytes[a] = at(255) as u8,
            3 => drop(bytes.drain(low..high.min(low + 20))),
            4 | 5 => {
                let token = TOKENS[at(TOKENS.len() - 1)];
                let end = if at(1) == 0 { low } else { high.min(low + at(8)) };
                drop(bytes.splice(low..end, token.bytes()));
            }
            6 => {
                let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                let last = lines.len() - 1;
                lines.swap(at(last), at(last));
                bytes = lines.join(&b'\n');
            }
            7 => {
                let lines: Vec<&str> = other.lines().collect();
                let line = lines[at(lines.len() - 1)];
                drop(bytes.splice(low..low, format!("\n{line}\n").bytes()));
            }
            _ => {
                let copy = bytes[low..high.min(low + 200)].to_vec();
                drop(bytes.splice(low..low, copy));
            }
        }
    }
    bytes
}

fn noise(draw: &mut Draw) -> Vec<u8> {
    let tokens = |draw: &mut Draw| TOKENS[draw.below(TOKENS.len() as u64) as usize];
    let count = draw.below(60);
    let words: Vec<&str> = (0..count).map(|_| tokens(draw)).collect();
    words.concat().into_bytes()
}

/// Parses a file and uses all that comes out of it; true if it was good.
fn survive(bytes: &[u8], base: &Path, seed: u64, schema: &Value) -> bool {
    let protocols = super::protocols();
    match squall_sim::scenario::Scenario::parse_bytes("fuzz\u{1b}.toml", bytes, base, &protocols) {
        Ok(scenario) => {
            let plan = scenario.plan(Some(seed));
            if seed % 40 == 1 {
                // What the checker accepts, an editor must not underline.
                let verdict = super::schema::validate(schema, scenario.text());
                if let Some(Err(objection)) = verdict {
                    panic!("{objection} in\n{}", scenario.text());
                }
            }
            assert!(plan.hosts.len() > 1 && plan.workload.operations > 0);
            true
        }
        Err(errors) => {
            let drawn = errors.render(seed.is_multiple_of(2));
            assert!(!drawn.is_empty() && errors.len() > 0);
            assert!(!drawn.contains('\u{0}') && !drawn.contains("\u{1b}.toml"), "{drawn:?}");
            false
        }
    }
}

#[test]
fn a_hundred_thousand_mutated_files_do_no_harm() {
    let files = super::good_files();
    let base = super::folder().join("good");
    // Most files are small; the large one is worth as many tries as all others together.
    let threads = 4;
    let per_thread = 100_000 / threads;
    let schema = super::schema::ours();
    let run = |thread: u64| {
        let stream = Stream::new(thread, &["mutated files"]);
        let mut good = 0;
        for n in 0..per_thread {
            let mut draw = stream.draw(n);
            let mut pick = || &files[draw.below(files.len() as u64) as usize].1;
            let (text, other) = (pick(), pick());
            let bytes = match n % 10 {
                0 => noise(&mut draw),
                _ => mutate(text, other, &mut draw),
            };
            good += u64::from(survive(&bytes, &base, n, &schema));
        }
        good
    };
    let good: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn({
                    let run = &run;
                    move || run(thread)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    });
    // Mutations that hit everything or nothing would test little.
    assert!((1_000..60_000).contains(&good), "{good} good files");
}

#[test]
fn monstrous_files_are_refused_in_good_time() {
    let head = "title = \"t\"\nprotocol = \"demo\"\n";
    let many = |line: &str, n: usize| format!("{head}{}", line.repeat(n));
    let keys: String = (0..100_000).map(|n| format!("k{n} = {n}\n")).collect();
    let dotted = format!("{head}{} = 1\n", ["a"; 20_000].join("."));
    let deep: String = (0..70).map(|_| format!("{}={{", ["a"; 79].join("."))).collect();
    let groups: Vec<String> = (0..5000).map(|n| format!("[\"client-{n}\"]")).collect();
    let patterns: String = (0..3000).map(|n| format!("[[link]]\nfrom = \"*{n}\"\n")).collect();
    let files = [
        many("[[fault]]\n", 20_000),
        many("[[link]]\nfrom = \"client-*\"\nloss = 2\n", 9_999),
        format!("{head}{keys}"),
        format!("{head}x = {}\n", "[".repeat(1_000_000)),
        format!("{head}x = {}\n", "{a=".repeat(1_000_000)),
        format!("{head}x = {}{}\n", "[".repeat(79), "]".repeat(79)),
        dotted,
        format!("{head}{deep}"),
        format!("{head}title = \"{}\"\n", "x".repeat(3_000_000)),
        format!("{head}[options]\n{} = 1\n", "x".repeat(3_000_000)),
        format!("{head}link = [{}]\n", "{ los = 1 },".repeat(100_000)),
        format!("{head}[hosts.\"{}\"]\n", "*".repeat(1_000_000)),
        format!("{head}workload.clients = 100000\n{patterns}"),
        format!(
            "{head}workload.clients = 100000\nfault = [{{ at = \"1s\", action = \"partition\", groups = [{}] }}]\n",
            groups.join(",")
        ),
        "\n".repeat(3_000_000),
        "=".repeat(1_000_000),
        "\"".repeat(1_000_000),
        "x".repeat(10_000_000),
    ];
    let schema = super::schema::ours();
    for file in files {
        let start = Instant::now();
        let good = survive(file.as_bytes(), &super::folder(), 2, &schema);
        let time = start.elapsed();
        let name: String = file.chars().skip(head.len()).take(30).collect();
        assert!(!good, "{name}");
        assert!(time < Duration::from_secs(30), "{time:?} for {name}");
    }
}
