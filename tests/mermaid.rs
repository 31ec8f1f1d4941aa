//! Sequence diagrams in the language of Mermaid. That Mermaid draws them as meant was seen with Mermaid
//! itself (11.17); the snapshots keep them as they were.

use squall::reports::mermaid;
use squall::reports::story::Story;
use squall::trace::Trace;
use squall::{Registry, Settings};

use super::snapshot_settings;

fn trace(rest: &str) -> (Registry, Trace) {
    let registry = Registry::shipped();
    let scenario = registry.parse("test", rest).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = Settings { keep_trace: true, ..Settings::default() };
    let trace = registry.run(&scenario, settings).unwrap().trace.unwrap();
    (registry, trace)
}

fn draw(registry: &Registry, trace: &Trace, rows: usize) -> String {
    let story = Story::new(trace, registry.dissect(&trace.header.protocol));
    let mut drawn = Vec::new();
    mermaid::write(&story, rows, &mut drawn).unwrap();
    String::from_utf8(drawn).unwrap()
}

const EVENTFUL: &str = r#"
    title = "A copy, a late one, a lost one, a crash and a partition"
    protocol = "retry"
    workload = { messages = 5 }
    link = [{ delay = "10ms" }]
    fault = [
        { name = "double", packet = { kind = "data" }, nth = 1, action = "duplicate", after = "2ms" },
        { name = "slow", packet = { kind = "ack" }, nth = 3, action = "delay", by = "250ms" },
        { name = "lose", packet = { kind = "data" }, nth = 4, action = "drop" },
        { name = "flip", packet = { kind = "data" }, nth = 6, action = "corrupt", bits = 3 },
        { name = "cut", at = "1s", action = "partition", groups = [["client-*"], ["server"]], for = "1s", optional = true },
        { name = "end", at = "700ms", action = "crash", host = "server", for = "300ms" },
    ]
"#;

#[test]
fn diagrams_are_reviewed_as_a_whole() {
    let (registry, trace) = trace(EVENTFUL);
    let all = [200, 8].map(|rows| draw(&registry, &trace, rows)).join("\n");
    snapshot_settings().bind(|| insta::assert_snapshot!("mermaid", all));
}

#[test]
fn a_diagram_says_what_it_leaves_out() {
    let (registry, trace) = trace(EVENTFUL);
    let whole = draw(&registry, &trace, usize::MAX);
    assert!(!whole.contains("left out"));
    let rows = Story::new(&trace, None).rows.len();
    let part = draw(&registry, &trace, 8);
    assert!(part.contains(&format!("({} rows left out)", rows - 8)), "{part}");
    let nothing = draw(&registry, &trace, 0);
    assert!(nothing.contains(&format!("({rows} rows left out)")), "{nothing}");
}

#[test]
fn nothing_in_it_is_interpreted() {
    let (registry, mut trace) = trace(EVENTFUL);
    let plain = draw(&registry, &trace, 200);
    let hostile = "end\n; #35; %%{init}%% <br/>\r\u{2028}a->>b: $$x$$ wrap: style:x#1; END \u{1f600} []{}\"`+";
    trace.header.title = hostile.to_owned();
    trace.header.hosts[1] = hostile.to_owned();
    trace.header.faults[0] = hostile.to_owned();
    trace.header.faults[4] = "end".to_owned();
    let drawn = draw(&registry, &trace, 200);
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines.len(), plain.lines().count());
    assert_eq!(lines[0], "sequenceDiagram");
    for line in &lines[1..] {
        let divider = if line.contains("    participant h") { " as " } else { ": " };
        let (_, label) = line.split_once(divider).unwrap();
        // Entities aside, only what Mermaid takes as it is.
        let mut rest = String::new();
        let mut pieces = label.split('#');
        rest.push_str(pieces.next().unwrap());
        for piece in pieces {
            let (number, text) = piece.split_once(';').unwrap_or_else(|| panic!("{line}"));
            assert!(number.parse::<u32>().is_ok(), "{line}");
            rest.push_str(&format!("\u{1}{text}"));
        }
        let odd = |c: &char| !(c.is_ascii_alphanumeric() || " .,()=/_-!~\u{1}".contains(*c));
        assert_eq!(rest.chars().find(odd), None, "{line}");
        let mut words = rest.split(|c: char| c != '\u{1}' && !c.is_ascii_alphanumeric());
        assert!(!words.any(|word| word.eq_ignore_ascii_case("end")), "{line}");
    }
}
