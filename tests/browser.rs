//! Pages in a real browser: headless Chromium, driven by the scripts in `tests/browser`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use squall::net::UdpSocket;
use squall::protocol::{Dissect, Dissection};
use squall::reports::gallery::{self, Card};
use squall::reports::page;
use squall::reports::story::Story;
use squall::trace::Trace;
use squall::{Client, HostResult, Registry, Settings, report};

use super::command::{folder, squall, text};

/// Where the scripts and their packages are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// What would be markup, an escape sequence or the end of a script, if anybody let it.
pub const HOSTILE: &str = "<script>hacked=1</script><img src=x onerror=hacked=1>\"'`&amp;</title></script>\
    <b class=evil>]]>--><!--${hacked=1}\u{1b}[31m\u{202e}\\u003c";

/// A path of the project as an argument.
fn scenario(path: &str) -> String {
    format!("{}/scenarios/{path}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// Runs the command; it must succeed.
fn ok(arguments: &[&str]) {
    let output = squall(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
}

/// A trace in which everything that can be named has a hostile name: what a scenario and a protocol can
/// say is in the run, the rest as if the file had been tampered with.
pub fn hostile(seed: u64) -> Trace {
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.send_to(HOSTILE.as_bytes(), client.server()).await?;
        report(HOSTILE);
        Err(HOSTILE.into())
    }
    let protocol = squall::Protocol::new("test", HOSTILE).client(client);
    let title = HOSTILE.replace('\u{1b}', "").replace('\\', "\\\\").replace('"', "\\\"");
    let file = format!(
        "title = \"{title}\"\nprotocol = \"test\"\nlink = [{{ loss = '50%' }}]\n\
         fault = [{{ at = '0s', for = '1s', action = 'link', duplicate = '50%' }}]"
    );
    let registry = Registry::new().with(protocol);
    let scenario = registry.parse(HOSTILE, &file).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = Settings { seed: Some(seed), keep_trace: true, ..Settings::default() };
    let mut trace = registry.run(&scenario, settings).unwrap().trace.unwrap();
    let header = &mut trace.header;
    let texts = [&mut header.protocol, &mut header.engine, &mut header.source];
    let names = header.hosts.iter_mut().chain(&mut header.faults);
    texts.into_iter().chain(names).for_each(|text| *text = HOSTILE.to_owned());
    let Some(conclusion) = &mut trace.conclusion else { panic!("a trace has a conclusion") };
    conclusion.expected.push(HOSTILE.to_owned());
    let guarantees = conclusion.guarantees.iter_mut().flat_map(|found| {
        [&mut found.guarantee, &mut found.finding, found.because.get_or_insert_default()]
    });
    let faults = conclusion.faults.iter_mut().flat_map(|one| [&mut one.name, &mut one.action]);
    let texts = [&mut conclusion.verdict, &mut conclusion.replay];
    texts.into_iter().chain(guarantees).chain(faults).for_each(|text| *text = HOSTILE.to_owned());
    trace
}

/// What reads the hostile trace's datagrams.
pub fn hostile_dissection(_: &[u8]) -> Option<Dissection> {
    Some(Dissection::new("<b class=evil>").with("<img>", 1))
}

/// Every page that the scripts open.
fn make_pages(pages: &Path) {
    let path = |name: &str| pages.join(name).to_str().unwrap().to_owned();
    let traces = path("traces");
    fs::create_dir(&traces).unwrap();
    let trace = |name: &str, file: &str, seed: &str| {
        let trace = format!("{traces}/{name}.trace");
        ok(&["run", file, "--seed", seed, "--timeline", "none", "--trace", &trace]);
        trace
    };
    let folder = pages.to_str().unwrap();
    let many = path("many.toml");
    fs::write(
        &many,
        "title = 'Many'\nprotocol = 'stop-and-wait'\noptions = { timeout = '50ms' }\n\
         workload = { clients = 3, messages = 5 }\n\
         link = [{ delay = '10ms', loss = '15%', duplicate = '15%' }]",
    )
    .unwrap();
    let odd = path("odd.toml");
    let text = "title = 'Odd'\nprotocol = 'udp'\nlink = [{ delay = '1234900ns' }]";
    fs::write(&odd, text).unwrap();
    let crowd = path("crowd.toml");
    let text = "title = 'Crowd'\nprotocol = 'retry'\nworkload = { clients = 30, messages = 1 }\n\
                link = [{ delay = '10ms' }]\n\
                fault = [{ packet = { to = 'client-30', kind = 'ack' }, nth = 1, action = 'drop' }]\n\
                expect = { violates = ['at-most-once'] }";
    fs::write(&crowd, text).unwrap();
    let window = path("window.toml");
    let text = "title = 'A long line'\nprotocol = 'go-back-n'\n\
                options = { window = 2000, timeout = '30s' }\n\
                workload = { messages = 2000, size = '16B' }\nlink = [{ delay = '5s' }]\n\
                hosts = { '*' = { receive_buffer = 4000 } }";
    fs::write(&window, text).unwrap();
    let huge = path("huge.toml");
    let text = fs::read_to_string(&many).unwrap().replace("messages = 5", "messages = 6000");
    fs::write(&huge, format!("duration = '3000s'\n{text}")).unwrap();
    let all = [
        trace("retry", &scenario("ladder/lost_ack_retry"), "1"),
        trace("crash", &scenario("crashes/receiver_crash_retry"), "1"),
        trace("partition", &scenario("partitions/one_way_partition_retry"), "1"),
        trace("many", &many, "1"),
        trace("huge", &huge, "1"),
        trace("odd-times", &odd, "1"),
        trace("crowd", &crowd, "1"),
        trace("window", &window, "1"),
    ];
    let mut report = vec!["report", "-o", folder];
    report.extend(all.iter().map(String::as_str));
    ok(&report);
    let pair = [
        trace("a", &scenario("loss/bursts_ack"), "1"),
        trace("b", &scenario("loss/bursts_ack"), "2"),
    ];
    ok(&["report", &pair[0], &pair[1], "--side-by-side", "-o", folder]);
    fs::rename(path("a-against-b.html"), path("pair.html")).unwrap();
    ok(&["report", &all[0], &all[3], "--side-by-side", "-o", folder]);
    fs::rename(path("retry-against-many.html"), path("unequal.html")).unwrap();
    ok(&["report", &all[3], "--format", "svg", "--rows", "100000", "-o", folder]);
    let library = [scenario("ladder/lost_ack_retry"), scenario("ladder/lost_ack_stop_and_wait")];
    ok(&["run", &library[0], &library[1], "--report", &path("gallery")]);
    let sweep = ["explore", &many, "--seeds", "0..40", "--keep-going", "--report", &path("sweep")];
    ok(&sweep);
    hostile_pages(pages);
}

fn hostile_pages(pages: &Path) {
    let traces = [hostile(1), hostile(2)];
    let dissect: Option<Dissect> = Some(hostile_dissection);
    let mut out = Vec::new();
    page::write(&traces[0], dissect, &mut out).unwrap();
    fs::write(pages.join("hostile.html"), &out).unwrap();
    out.clear();
    page::write_comparison(traces.each_ref(), [dissect; 2], &mut out).unwrap();
    fs::write(pages.join("hostile-pair.html"), &out).unwrap();
    out.clear();
    let story = Story::new(&traces[0], dissect);
    let card = Card::new(&story, Some("../hostile.html".into()));
    gallery::write(&[card, Card::not_run(HOSTILE, HOSTILE)], &mut out).unwrap();
    let folder = pages.join("hostile-gallery");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index.html"), out).unwrap();
}

/// What is missing to run the scripts.
fn missing() -> Option<String> {
    let chromium = std::env::var_os("CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    if !PathBuf::from(&chromium).exists() {
        return Some(format!("there is no {}", chromium.display()));
    }
    if Command::new("node").arg("--version").output().is_err() {
        return Some("there is no `node`".to_owned());
    }
    let packages = Path::new(SCRIPTS).join("node_modules/playwright-core");
    (!packages.exists()).then(|| "`npm ci` was not run in tests/browser".to_owned())
}

#[test]
fn pages_work_in_a_browser() {
    if let Some(why) = missing() {
        assert!(std::env::var_os("SQUALL_REQUIRE_TOOLS").is_none(), "{why}");
        eprintln!("skipped, since {why}");
        return;
    }
    let pages = folder("browser");
    make_pages(&pages);
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec", "pages.test.mjs"])
        .current_dir(SCRIPTS)
        .env("SQUALL_PAGES", &pages)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
