//! The disks of simulated hosts: what a crash leaves on them, and what rots there.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use squall::check::Verdict;
use squall::time::{Duration, sleep};
use squall::trace::{HostChange, What};
use squall::{Client, HostResult, Outcome, Protocol, Server, fs, report};

use super::corruption::{json_lines, timeline};
use super::{client_only, reports, run};

const MS: Duration = Duration::from_millis(1);
const ENGINES: [&str; 2] = ["event", "turmoil"];

fn names(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    reports(outcome).into_iter().map(|(host, name, _)| format!("{host}: {name}")).collect()
}

/// The content of a file, as a report.
async fn show(path: &str) -> HostResult {
    match fs::read(path).await {
        Ok(bytes) => report(&String::from_utf8(bytes)?),
        Err(error) => report(&format!("{:?}", error.kind())),
    }
    Ok(())
}

#[test]
fn a_crash_takes_away_what_was_not_synced_and_nothing_else() {
    async fn client(_: Client) -> HostResult {
        show("pieces").await?;
        show("notes").await?;
        show("old").await?;
        // Pieces out of order, the middle one last.
        fs::write_at("pieces", 6, b"ghi").await?;
        fs::write_at("pieces", 0, b"abc").await?;
        fs::write("old", b"not removed for good").await?;
        fs::sync("pieces").await?;
        fs::sync("old").await?;
        fs::write_at("pieces", 3, b"def").await?;
        fs::write("notes", b"never synced").await?;
        fs::remove_file("old").await?;
        let mut buffer = [0; 5];
        assert_eq!(fs::read_at("pieces", 1, &mut buffer).await?, 5);
        assert_eq!(&buffer, b"bcdef");
        assert_eq!(fs::read_at("pieces", 7, &mut buffer).await?, 2);
        assert_eq!(fs::read("old").await.unwrap_err().kind(), ErrorKind::NotFound);
        std::future::pending().await
    }
    for engine in ENGINES {
        let outcome = run(
            client_only(client),
            &format!(
                "engine = '{engine}'
                 duration = '100ms'
                 fault = [{{ at = '10ms', action = 'crash', host = 'client-1', for = '5ms' }}]"
            ),
        );
        let expected = [
            "client-1: NotFound",
            "client-1: NotFound",
            "client-1: NotFound",
            "client-1: abc\0\0\0ghi",
            "client-1: NotFound",
            "client-1: not removed for good",
        ];
        assert_eq!(names(&outcome), expected);
    }
}

#[test]
fn each_host_has_a_disk_of_its_own() {
    async fn keep(name: &str) -> HostResult {
        fs::write("/who", name).await?;
        sleep(10 * MS).await;
        show("who").await
    }
    for engine in ENGINES {
        let protocol = Protocol::new("test", "For a test.")
            .server(async |_: Server| keep("the server").await)
            .client(async |client: Client| keep(&format!("number {}", client.number())).await);
        let outcome = run(protocol, &format!("engine = '{engine}'\nworkload.clients = 2"));
        let mut seen = names(&outcome);
        seen.sort_unstable();
        assert_eq!(seen, ["client-1: number 1", "client-2: number 2", "server: the server"]);
    }
}

#[test]
fn a_host_that_has_just_crashed_writes_nothing_any_more() {
    async fn client(_: Client) -> HostResult {
        show("file").await?;
        fs::write("file", b"before").await?;
        fs::sync("file").await?;
        report("now");
        fs::write("file", b"after").await?;
        fs::sync("file").await?;
        report("still there");
        Ok(())
    }
    for engine in ENGINES {
        let outcome = run(
            client_only(client).events(&["NotFound", "now", "before", "still there"]),
            &format!(
                "engine = '{engine}'
                 fault = [{{ event = {{ name = 'now' }}, nth = 1, action = 'crash',
                            host = 'client-1', for = '5ms' }}]"
            ),
        );
        let expected = ["NotFound", "now", "before", "now", "still there"];
        assert_eq!(names(&outcome), expected.map(|name| format!("client-1: {name}")));
    }
}

/// What is stored, and read again and again.
const STORED: &[u8] = &[0; 16];

/// A client that stores a file, and what it read from it since, a millisecond apart.
fn store(rest: &str) -> (Vec<Vec<u8>>, Outcome) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&seen);
    let client = move |_: Client| {
        let all = Arc::clone(&all);
        async move {
            if fs::read("file").await.is_err() {
                fs::write("file", STORED).await?;
                fs::sync("file").await?;
            }
            for _ in 0..4 {
                let bytes = fs::read("file").await?;
                all.lock().unwrap().push(bytes);
                report("read");
                sleep(10 * MS).await;
            }
            Ok(())
        }
    };
    let outcome = run(client_only(client).events(&["read"]), rest);
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let seen = seen.lock().unwrap().clone();
    (seen, outcome)
}

/// The bits that are set.
fn set(bytes: &[u8]) -> Vec<u64> {
    let is_set = |bit: &u64| bytes[(bit / 8) as usize] >> (bit % 8) & 1 == 1;
    (0..bytes.len() as u64 * 8).filter(is_set).collect()
}

/// The bits of which the trace says that they flipped on the disk of client-1.
fn flipped(outcome: &Outcome) -> Vec<u64> {
    let events = outcome.trace.as_ref().unwrap().events();
    events
        .filter_map(|event| match event.what {
            What::Host { host: 1, change: HostChange::DiskCorrupted(bit) } => Some(bit),
            _ => None,
        })
        .collect()
}

#[test]
fn a_bit_rots_on_the_disk_and_nothing_says_so_but_the_trace() {
    let mut bits = Vec::new();
    for engine in ENGINES {
        let (seen, outcome) = store(&format!(
            "engine = '{engine}'
             fault = [{{ at = '5ms', action = 'corrupt-disk', host = 'client-*' }}]"
        ));
        let bit = flipped(&outcome);
        assert_eq!(bit.len(), 1);
        let read: Vec<Vec<u64>> = seen.iter().map(|bytes| set(bytes)).collect();
        assert_eq!(read, [&[], &bit[..], &bit, &bit]);
        assert_eq!((outcome.run.faults[0].opportunities, outcome.run.faults[0].hits), (1, 1));
        let text = format!("bit {} flipped on disk", bit[0]);
        assert!(timeline(&outcome).contains(&text));
        assert!(
            outcome.trace.as_ref().unwrap().to_string().contains(&format!("client-1 has {text}"))
        );
        let line = format!(r#""host":1,"change":"disk-corrupted","value":{}}}"#, bit[0]);
        assert!(json_lines(&outcome).contains(&line));
        bits.push(bit);
    }
    assert_eq!(bits[0], bits[1], "the same on both engines");
}

#[test]
fn a_disk_rots_at_reports_and_while_its_host_is_down() {
    let (seen, outcome) = store(
        "fault = [{ event = { name = 'read' }, first = 2, action = 'corrupt-disk', host = '*' }]",
    );
    let bits = flipped(&outcome);
    assert_eq!(bits.len(), 2);
    let read: Vec<usize> = seen.iter().map(|bytes| set(bytes).len()).collect();
    assert_eq!(read, [0, 1, 2, 2]);
    let (seen, outcome) = store(
        "fault = [
           { at = '5ms', action = 'crash', host = 'client-1', for = '5ms' },
           { at = '7ms', action = 'corrupt-disk', host = 'client-1' },
           { at = '15ms', action = 'crash', host = 'client-1', for = '5ms' },
         ]",
    );
    let bits = flipped(&outcome);
    let read: Vec<Vec<u64>> = seen.iter().map(|bytes| set(bytes)).collect();
    assert_eq!(read, [&[], &bits[..], &bits, &bits, &bits, &bits], "it is not mended by a crash");
}

#[test]
fn a_disk_with_nothing_on_it_can_not_rot() {
    for at in ["0s", "5ms"] {
        let fault = format!("{{ at = '{at}', action = 'corrupt-disk', host = 'server' }}");
        let (seen, outcome) = store(&format!("fault = [{fault}]"));
        assert_eq!(seen, [STORED; 4]);
        assert_eq!((outcome.run.faults[0].opportunities, outcome.run.faults[0].hits), (1, 0));
        assert_eq!(outcome.verdict(), Verdict::Invalid);
    }
}

#[tokio::test]
async fn outside_a_simulation_files_are_real() {
    let folder = std::env::temp_dir().join(format!("squall-disks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("file");
    fs::write_at(&path, 6, b"ghi").await.unwrap();
    fs::write_at(&path, 0, b"abc").await.unwrap();
    fs::sync(&path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"abc\0\0\0ghi");
    let mut buffer = [0; 5];
    assert_eq!(fs::read_at(&path, 2, &mut buffer).await.unwrap(), 5);
    assert_eq!(&buffer, b"c\0\0\0g");
    assert_eq!(fs::read_at(&path, 7, &mut buffer).await.unwrap(), 2);
    fs::write(&path, b"new").await.unwrap();
    assert_eq!(fs::read(&path).await.unwrap(), b"new");
    fs::remove_file(&path).await.unwrap();
    fs::sync(&path).await.unwrap();
    for kind in [
        fs::read(&path).await.unwrap_err().kind(),
        fs::remove_file(&path).await.unwrap_err().kind(),
        fs::read_at(&path, 0, &mut buffer).await.unwrap_err().kind(),
        fs::write_at(folder.join("none/file"), 0, b"x").await.unwrap_err().kind(),
        fs::sync(folder.join("none/file")).await.unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::NotFound);
    }
    std::fs::remove_dir(&folder).unwrap();
}
