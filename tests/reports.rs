//! Reports of a trace, in every format: what they never do, and what they say.

use std::fs;
use std::path::Path;

use quick_xml::events::Event as Xml;
use squall::reports::story::Story;
use squall::reports::{mermaid, page, pcapng, svg};
use squall::trace::Trace;
use squall::{Registry, Settings};

use super::browser::{HOSTILE, hostile, hostile_dissection};
use super::command::{folder, squall, text};
use super::snapshot_settings;

const FORMATS: [&str; 5] = ["text", "html", "svg", "mermaid", "pcapng"];

pub fn trace_of(registry: &Registry, file: &str) -> Trace {
    let scenario = registry.load(Path::new(file)).unwrap();
    let settings = Settings { keep_trace: true, ..Settings::default() };
    registry.run(&scenario, settings).unwrap().trace.unwrap()
}

/// Everything that can happen to a datagram, an operation or a host.
pub fn eventful(registry: &Registry) -> Trace {
    let text = r#"
        title = "A copy, a late one, lost ones, a crash, a pause and a partition"
        protocol = "retry"
        duration = "4s"
        options = { checksum = "none" }
        workload = { messages = 6 }
        link = [{ delay = "10ms", udp_checksum = false }]
        fault = [
            { name = "double", packet = { kind = "data" }, nth = 1, action = "duplicate", after = "2ms" },
            { name = "slow", packet = { kind = "ack" }, nth = 3, action = "delay", by = "250ms" },
            { name = "lose", packet = { kind = "data" }, nth = 4, action = "drop" },
            { name = "flip", packet = { kind = "data" }, nth = 5, action = "corrupt", bits = 3 },
            { name = "stop", at = "600ms", action = "pause", host = "client-1", for = "100ms" },
            { name = "end", at = "900ms", action = "crash", host = "server", for = "300ms" },
            { name = "cut", at = "5ms", action = "partition", groups = [["client-*"], ["server"]], for = "2ms", optional = true },
        ]
    "#;
    let scenario = registry.parse("eventful", text).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = Settings { keep_trace: true, ..Settings::default() };
    registry.run(&scenario, settings).unwrap().trace.unwrap()
}

#[test]
fn pictures_are_reviewed_as_a_whole() {
    let registry = Registry::shipped();
    let trace = eventful(&registry);
    let story = Story::new(&trace, registry.dissect("retry"));
    let picture = svg::picture(&story, 200).replace("><", ">\n<");
    let (_, drawing) = picture.split_once("</defs>").unwrap();
    snapshot_settings().bind(|| insta::assert_snapshot!("picture", drawing));
}

#[test]
fn the_same_trace_gives_the_same_bytes_in_every_format() {
    let folder = folder("formats");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let scenario = "scenarios/crashes/receiver_crash_retry.toml";
    let trace = path("a.trace");
    let ran = squall(&["run", scenario, "--timeline", "none", "--trace", &trace]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    for format in FORMATS {
        // Two processes, and the library on the trace as it was before it was written.
        let drawn = ["one", "two"].map(|name| {
            let out = path(name);
            let drawn = squall(&["report", &trace, "--format", format, "-o", &out, "--force"]);
            assert_eq!(drawn.status.code(), Some(0), "{format}: {}", text(&drawn.stderr));
            fs::read(text(&drawn.stdout).trim()).unwrap()
        });
        assert!(drawn[0] == drawn[1], "{format}");
        let registry = Registry::shipped();
        let recorded = trace_of(&registry, scenario);
        let dissect = registry.dissect("retry");
        let story = Story::new(&recorded, dissect);
        let mut again = Vec::new();
        match format {
            "html" => page::write(&recorded, dissect, &mut again).unwrap(),
            "svg" => again.extend(format!("{}\n", svg::picture(&story, 200)).bytes()),
            "mermaid" => mermaid::write(&story, 200, &mut again).unwrap(),
            "pcapng" => pcapng::write(&story, &mut again).unwrap(),
            _ => continue,
        }
        assert!(drawn[0] == again, "{format}: a trace that was written and read is another one");
    }
}

/// The elements of an XML document, in order, and all its text.
fn elements(xml: &str) -> (Vec<String>, String) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut names, mut texts) = (Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in {xml}")) {
            Xml::Start(start) | Xml::Empty(start) => {
                // Attributes must be well formed, too.
                start.attributes().for_each(|attribute| drop(attribute.unwrap()));
                names.push(String::from_utf8(start.name().as_ref().to_vec()).unwrap());
            }
            Xml::Text(piece) => texts.push_str(&String::from_utf8_lossy(&piece)),
            Xml::Eof => return (names, texts),
            _ => {}
        }
    }
}

#[test]
fn hostile_names_stay_text_in_every_format() {
    let trace = hostile(1);
    let story = Story::new(&trace, Some(hostile_dissection));
    let (names, _) = elements(&svg::picture(&story, 1000));
    let known = [
        "svg", "title", "style", "defs", "marker", "path", "pattern", "g", "rect", "circle",
        "text", "tspan", "line", "use",
    ];
    assert_eq!(names.iter().find(|name| !known.contains(&name.as_str())), None);
    assert!(names.iter().filter(|name| *name == "text").count() > 4, "{names:?}");

    let mut html = Vec::new();
    page::write(&trace, Some(hostile_dissection), &mut html).unwrap();
    let html = String::from_utf8(html).unwrap();
    assert_eq!(html.matches("<script").count(), 2, "the data's and the page's own");
    assert!(html.contains("&lt;script&gt;hacked=1"));
    for markup in ["<img", "<b class", "<!--"] {
        assert!(!html.contains(markup), "{markup}");
    }

    let mut drawn = Vec::new();
    mermaid::write(&story, 1000, &mut drawn).unwrap();
    let drawn = String::from_utf8(drawn).unwrap();
    let bad = drawn.chars().find(|c| *c == '<' || *c == '`' || (c.is_control() && *c != '\n'));
    assert_eq!(bad, None, "{drawn}");
    assert!(HOSTILE.contains('<') && drawn.contains("hacked"));
}

#[test]
fn what_is_no_whole_trace_is_refused_at_its_place() {
    let folder = folder("foreign");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (good, out) = (path("good.trace"), path("out"));
    let ran = squall(&[
        "run",
        "scenarios/ladder/lost_ack_retry.toml",
        "--timeline",
        "none",
        "--trace",
        &good,
    ]);
    assert_eq!(ran.status.code(), Some(0));
    let whole = fs::read(&good).unwrap();
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    let replaced = |from: &str, to: &str| {
        let text = text(&whole);
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let mut no_text = whole.clone();
    let at = text(&whole).find("\"delivered\"").unwrap();
    no_text[at + 1] = 0xff;
    let cases: [(&str, Vec<u8>, String); 10] = [
        ("empty", Vec::new(), "line 1: this is not a trace".into()),
        (
            "scenario",
            fs::read("scenarios/ladder/lost_ack_retry.toml").unwrap(),
            "line 1: this is not a trace".into(),
        ),
        ("picture", b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "line 1: this is not text".into()),
        ("json", b"{\"a\":1}\n".to_vec(), "line 1: this is not a trace".into()),
        ("half", whole[..whole.len() / 2].to_vec(), "line ".into()),
        (
            "cut",
            whole[..text(&whole).trim_end().rfind('\n').unwrap() + 1].to_vec(),
            format!("line {}: the trace ends here", lines - 1),
        ),
        (
            "flipped",
            replaced("\"at\":10000000", "\"at\":10000001"),
            format!("line {lines}: the events hash to"),
        ),
        ("not-text", no_text, "line 4: this is not text".into()),
        (
            "later",
            replaced("\"version\":1", "\"version\":2"),
            "line 1: the trace has version 2".into(),
        ),
        ("more", [&whole[..], b"{}\n"].concat(), format!("line {}: there is more", lines + 1)),
    ];
    for (name, bytes, message) in cases {
        let file = path(&format!("{name}.trace"));
        fs::write(&file, bytes).unwrap();
        for format in FORMATS {
            let drawn = squall(&["report", &file, "--format", format, "-o", &out]);
            let complaint = text(&drawn.stderr);
            assert_eq!(drawn.status.code(), Some(65), "{name}: {complaint}");
            assert!(complaint.contains(&format!("{name}.trace: {message}")), "{name}: {complaint}");
        }
        let both = squall(&["report", &good, &file, "--side-by-side", "-o", &out]);
        assert_eq!(both.status.code(), Some(65), "{name}");
    }
    assert!(!Path::new(&out).exists(), "nothing was drawn, so nothing is there");
}

#[test]
fn nothing_is_overwritten_unless_forced() {
    let folder = folder("overwritten");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let trace = path("a.trace");
    let scenario = "scenarios/ladder/lost_ack_retry.toml";
    assert_eq!(
        squall(&["run", scenario, "--timeline", "none", "--trace", &trace]).status.code(),
        Some(0)
    );
    let pages = path("pages");
    let commands: [(&[&str], &str); 4] = [
        (&["report", &trace, "-o", &pages], "a.html"),
        (&["report", &trace, "--format", "pcapng", "-o", &pages], "a.pcapng"),
        (&["report", &trace, &trace, "--side-by-side", "-o", &pages], "a-against-a.html"),
        (&["run", scenario, "--report", &pages], "index.html"),
    ];
    fs::create_dir(&pages).unwrap();
    for (command, file) in commands {
        let file = Path::new(&pages).join(file);
        fs::write(&file, "mine").unwrap();
        let refused = squall(command);
        assert_eq!(refused.status.code(), Some(64), "{command:?}");
        assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert_eq!(squall(&[command, &["--force"]].concat()).status.code(), Some(0), "{command:?}");
        assert_ne!(fs::read(&file).unwrap(), b"mine");
    }
}

#[test]
fn a_page_of_an_endless_run_is_cut_off() {
    let registry = Registry::shipped();
    let trace = eventful(&registry);
    let story = Story::beginning(&trace, None, 10);
    assert_eq!((story.events, story.left_out), (10, trace.events().count() - 10));
    let mut page = Vec::new();
    page::write_story(&story, &mut page).unwrap();
    assert!(text(&page).contains("Only the first 10 events are here"));
}

#[test]
fn two_traces_part_where_the_page_says() {
    let registry = Registry::shipped();
    let file = "scenarios/loss/bursts_ack.toml";
    let scenario = registry.load(Path::new(file)).unwrap();
    let traces = [1, 2].map(|seed| {
        let settings = Settings { seed: Some(seed), keep_trace: true, ..Settings::default() };
        registry.run(&scenario, settings).unwrap().trace.unwrap()
    });
    let page = |which: [usize; 2], most: usize| {
        let dissect = registry.dissect("ack");
        let stories = which.map(|one| Story::beginning(&traces[one], dissect, most));
        let mut page = Vec::new();
        page::write_stories(&stories, &mut page).unwrap();
        text(&page)
    };
    assert!(page([0, 0], 1000).contains("The two traces are the same, event by event."));
    assert!(page([0, 0], 2).contains("The two traces are the same, event by event."));
    let differ = page([0, 1], 1000);
    assert!(differ.contains("The traces are the same above the marked row"));
    assert_eq!(differ.matches("\"difference\":1,").count(), 2, "the sending, whose fate differs");
    assert!(page([0, 1], 2).contains("The traces differ from event 3 on, which is behind"));
}

#[test]
fn each_trace_has_a_file_of_its_own() {
    let folder = folder("names");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let scenario = "scenarios/ladder/lost_ack_retry.toml";
    fs::create_dir(path("other")).unwrap();
    let names = ["run.1.trace", "run.2.trace", "RUN.1.trace", "other/run.1.trace"];
    let traces = names.map(|name| {
        let trace = path(name);
        let ran = squall(&["run", scenario, "--timeline", "none", "--trace", &trace]);
        assert_eq!(ran.status.code(), Some(0));
        trace
    });
    let pages = path("pages");
    let drawn = squall(&["report", &traces[0], &traces[1], "-o", &pages]);
    assert_eq!(drawn.status.code(), Some(0), "{}", text(&drawn.stderr));
    let mut made: Vec<_> =
        fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    made.sort();
    assert_eq!(made, ["run.1.html", "run.2.html"]);
    for same in &traces[2..] {
        let refused = squall(&["report", &traces[0], same, "-o", &pages, "--force"]);
        assert_eq!(refused.status.code(), Some(64), "{same}");
        assert!(
            text(&refused.stderr).contains("would both be run.1.html"),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn any_number_of_rows_can_be_asked_for() {
    let registry = Registry::shipped();
    let trace = eventful(&registry);
    let story = Story::new(&trace, registry.dissect("retry"));
    for rows in [0, 1, 2, usize::MAX] {
        let (names, _) = elements(&svg::picture(&story, rows));
        let texts = names.iter().filter(|name| *name == "text").count();
        assert!(if rows > 2 { texts > 50 } else { texts < 12 }, "{rows}: {texts}");
        let shown = story.rows_to_look_at(rows).len();
        assert_eq!(shown, rows.min(story.rows.len()));
    }
    // With a row to look at, more is reckoned with.
    let trace = trace_of(&registry, "scenarios/ladder/lost_ack_retry.toml");
    let story = Story::new(&trace, registry.dissect("retry"));
    assert!(story.look_at.is_some());
    assert_eq!(story.rows_to_look_at(usize::MAX), 0..story.rows.len());
}

#[test]
fn an_older_trace_has_a_page_without_a_verdict() {
    let registry = Registry::shipped();
    let mut trace = eventful(&registry);
    trace.conclusion = None;
    let mut page = Vec::new();
    page::write(&trace, registry.dissect("retry"), &mut page).unwrap();
    let page = text(&page);
    assert!(page.contains("did not write down the verdict") && !page.contains("Guarantees"));
    assert!(page.contains("client-1#3"));
}

#[test]
fn an_index_of_nothing_is_not_in_the_way() {
    let folder = folder("typo");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (file, pages) = (path("a.toml"), path("pages"));
    let good = fs::read_to_string("scenarios/ladder/lost_ack_retry.toml").unwrap();
    fs::write(&file, good.replace("messages", "mesages")).unwrap();
    let run = || squall(&["run", &file, "--timeline", "none", "--report", &pages]);
    assert_eq!(run().status.code(), Some(65));
    fs::write(&file, good).unwrap();
    assert_eq!(run().status.code(), Some(0), "{}", text(&run().stderr));
    let index = fs::read_to_string(Path::new(&pages).join("index.html")).unwrap();
    assert!(index.contains("1 scenario<"), "{index}");
}

#[test]
fn a_picture_shows_what_is_around_the_violation() {
    let registry = Registry::shipped();
    let trace = trace_of(&registry, "scenarios/ladder/lost_ack_retry.toml");
    let story = Story::new(&trace, registry.dissect("retry"));
    let picture = svg::picture(&story, 6);
    assert!(picture.contains("delivered client-1#1 (2x)"), "{picture}");
    assert!(!picture.contains("invoked client-1#1") && picture.contains("of 26 rows are left out"));
}

#[test]
fn cards_say_what_each_run_came_to() {
    let folder = folder("cards");
    let pages = folder.join("pages");
    let ran = squall(&["run", "tests/verdicts", "--report", pages.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(1));
    let index = fs::read_to_string(pages.join("index.html")).unwrap();
    for verdict in ["pass", "fail", "inconclusive", "invalid"] {
        let cards =
            index.matches(&format!("<li class=\"card\" data-verdict=\"{verdict}\">")).count();
        let json = squall(&["run", "tests/verdicts", "--format", "json"]);
        let runs = text(&json.stdout).matches(&format!("\"verdict\":\"{verdict}\"")).count();
        assert_eq!(cards, runs, "{verdict}");
    }
    // A page that is somebody else's is no page of this run.
    let name = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name());
    let name = name.filter(|name| name != "index.html").min().unwrap();
    fs::remove_file(pages.join("index.html")).unwrap();
    let again = squall(&["run", "tests/verdicts", "--report", pages.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(64));
    let index = fs::read_to_string(pages.join("index.html")).unwrap();
    assert!(!index.contains(&format!("href=\"{}\"", name.to_str().unwrap())), "{name:?}");
}

#[test]
fn what_xml_has_no_place_for_is_not_in_a_picture() {
    let registry = Registry::shipped();
    let mut trace = eventful(&registry);
    trace.header.title = "a\u{ffff}b\u{fffe}c\u{0}d\u{fdd0}".to_owned();
    let picture = svg::picture(&Story::new(&trace, None), 10);
    // https://www.w3.org/TR/xml/#charsets
    let has_place = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert_eq!(picture.chars().find(|c| !has_place(*c)), None);
}
