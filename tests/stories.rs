//! What reports make of a trace: which operation each datagram belongs to, what lasts, where to look.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use squall::reports::story::{BandKind, Shown, Story};
use squall::reports::{page, svg};
use squall::trace::{OpId, Step, Trace, What};
use squall::{Registry, Settings};

use super::command::{folder, text};
use super::reports::{eventful, trace_of};

/// The operation, as far as one is known, of each datagram of a kind, with the number in the field `name`.
fn operations(story: &Story<'_>, kind: &str, name: &str) -> Vec<(u64, Option<OpId>)> {
    let known = story.datagrams.iter().filter_map(|datagram| {
        let dissection = datagram.dissection.as_ref().filter(|all| all.kind == kind)?;
        Some((dissection.field(name)?, story.rows[datagram.row].op))
    });
    known.collect()
}

#[test]
fn datagrams_belong_to_the_operations_that_they_carry_or_answer() {
    let registry = Registry::shipped();
    let op = |number| Some(OpId { client: 1, number });
    let trace = trace_of(&registry, "scenarios/ladder/lost_ack_retry.toml");
    let story = Story::new(&trace, registry.dissect("retry"));
    let expected = [(1, op(1)), (1, op(1)), (2, op(2)), (3, op(3))];
    assert_eq!(operations(&story, "data", "seq"), expected);
    assert_eq!(operations(&story, "ack", "seq"), expected);

    // With small numbers, the same one stands for one message after another.
    let trace =
        trace_of(&registry, "scenarios/windows/receiver_crash_small_numbers_go_back_n.toml");
    let story = Story::new(&trace, registry.dissect("go-back-n"));
    let sent = operations(&story, "data", "seq");
    assert!(sent.iter().all(|(seq, op)| op.is_some_and(|op| u64::from(op.number - 1) % 8 == *seq)));
    assert!(sent.iter().any(|(_, one)| *one == op(9)), "{sent:?}");
    let acks = operations(&story, "ack", "seq");
    assert!(acks.iter().any(|(_, one)| *one >= op(9)), "{acks:?}");

    // A call that says which operation it is, and the reply to it.
    let trace = trace_of(&registry, "scenarios/rpc/crashes/cache_lost.toml");
    let story = Story::new(&trace, registry.dissect("rpc"));
    let calls = operations(&story, "call", "xid");
    let replies = operations(&story, "reply", "xid");
    assert_eq!(calls[..2].iter().map(|(_, op)| *op).collect::<Vec<_>>(), [op(1), op(1)]);
    for (xid, one) in &replies {
        let call = calls.iter().find(|(known, _)| known == xid).unwrap();
        assert_eq!(call.1, *one, "xid {xid}");
    }
    assert!(replies.iter().any(|(_, one)| *one == op(1)), "{replies:?}");
}

#[test]
fn a_story_counts_what_happened_to_each_operation() {
    let registry = Registry::shipped();
    let trace = trace_of(&registry, "scenarios/ladder/lost_ack_retry.toml");
    let story = Story::new(&trace, registry.dissect("retry"));
    let executions: Vec<u32> = story.operations.values().map(|op| op.executions).collect();
    assert_eq!(executions, [2, 1, 1]);
    let first = &story.operations[&OpId { client: 1, number: 1 }];
    assert_eq!((first.invoked_at, first.ended_at), (Some(0), Some(220_000_000)));
    let Some(look_at) = story.look_at else { panic!("the scenario shows a violation") };
    let Shown::Point { text, .. } = &story.rows[look_at].what else { panic!("it is on a host") };
    assert_eq!(text, "delivered client-1#1 (2x)");
    let conclusion = trace.conclusion.as_ref().unwrap();
    assert_eq!(conclusion.expected, ["at-most-once is violated", "every operation ends"]);
}

/// A run of a scenario that is written here.
fn trace_of_text(registry: &Registry, text: &str) -> Trace {
    let scenario = registry.parse("test", text).unwrap_or_else(|errors| panic!("{errors}"));
    let settings = Settings { keep_trace: true, ..Settings::default() };
    registry.run(&scenario, settings).unwrap().trace.unwrap()
}

#[test]
fn the_row_to_look_at_is_one_of_the_operation_that_proves_it() {
    let registry = Registry::shipped();
    let look = |text: &str| {
        let trace = trace_of_text(&registry, text);
        let story = Story::new(&trace, registry.dissect(&trace.header.protocol));
        let row = &story.rows[story.look_at.unwrap()];
        let Shown::Point { text, .. } = &row.what else { panic!("{row:?}") };
        (text.clone(), row.op)
    };
    let lost = r#"
        title = "One of four messages is lost, all at the same time"
        protocol = "ack"
        workload = { clients = 4, messages = 1 }
        link = [{ delay = "10ms" }]
        fault = [{ packet = { from = "client-2", kind = "data" }, nth = 1, action = "drop" }]
        expect = { guarantee = "at-least-once", completes = true }
    "#;
    let second = Some(OpId { client: 2, number: 1 });
    assert_eq!(look(lost), ("invoked client-2#1".to_owned(), second));
    let pending = r#"
        title = "A call that never ends"
        protocol = "retry"
        duration = "2s"
        workload = { clients = 2, messages = 1 }
        link = [{ delay = "10ms" }, { from = "client-2", loss = "100%" }]
        expect = { completes = true }
    "#;
    assert_eq!(look(pending), ("invoked client-2#1".to_owned(), second));
}

#[test]
fn what_is_left_out_is_not_looked_at() {
    let registry = Registry::shipped();
    let trace = trace_of(&registry, "scenarios/ladder/lost_ack_retry.toml");
    let look_at = |events| Story::beginning(&trace, None, events).look_at;
    assert_eq!(look_at(5), None);
    assert!(look_at(1000).is_some());
}

#[test]
fn a_partition_is_drawn_over_its_hosts_alone() {
    let registry = Registry::shipped();
    let trace = trace_of_text(
        &registry,
        r#"
        title = "Two of four clients are cut off"
        protocol = "udp"
        workload = { clients = 4 }
        link = [{ delay = "10ms" }]
        fault = [
            { at = "0s", action = "partition", groups = [["client-1"], ["server"]] },
            { at = "0s", action = "partition", groups = [["client-*"], ["server"]], optional = true },
        ]
        "#,
    );
    let story = Story::new(&trace, registry.dissect("udp"));
    let concerned = story.bands.iter().map(|band| match &band.kind {
        BandKind::Fault(_, hosts) => hosts.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(concerned.collect::<Vec<_>>(), [vec![0, 1], vec![]]);
    // Four columns 220 apart from 270 on: the first client's and the server's have a band each.
    let picture = svg::picture(&story, 100);
    let bands: Vec<&str> = picture
        .split("<rect class=\"band fault\" ")
        .skip(1)
        .map(|rest| rest.split(" y=").next().unwrap())
        .collect();
    assert_eq!(bands, ["x=\"240\"", "x=\"1120\"", "x=\"240\""]);
}

/// The data that a page's script draws from.
fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" class=\"story\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// How often an operation was executed, its client's last step, when it was invoked, and when it ended.
type Life = (u64, &'static str, Option<u64>, Option<u64>);

#[test]
fn pages_say_of_operations_what_the_trace_says() {
    let registry = Registry::shipped();
    for file in [
        "scenarios/ladder/lost_ack_retry.toml",
        "scenarios/ladder/lost_ack_ack.toml",
        "scenarios/rpc/crashes/cache_lost.toml",
        "scenarios/windows/receiver_crash_small_numbers_go_back_n.toml",
        "scenarios/duplication/link_duplicates_retry.toml",
    ] {
        let trace = trace_of(&registry, file);
        let mut expected: BTreeMap<String, Life> = BTreeMap::new();
        for event in trace.events() {
            let What::Operation { op, step, .. } = event.what else { continue };
            let known = expected.entry(trace.operation(op)).or_default();
            match step {
                Step::Invoked => (known.1, known.2) = (step.name(), Some(event.at)),
                Step::Delivered | Step::Executed => known.0 += 1,
                _ => (known.1, known.3) = (step.name(), Some(event.at)),
            }
        }
        let mut page = Vec::new();
        page::write(&trace, registry.dissect(&trace.header.protocol), &mut page).unwrap();
        let page = text(&page);
        let operations = &data(&page)["operations"];
        assert_eq!(operations.as_array().unwrap().len(), expected.len(), "{file}");
        for one in operations.as_array().unwrap() {
            let name = one[0].as_str().unwrap();
            let (executions, last, invoked, ended) = expected[name];
            assert_eq!(*one, json!([name, executions, last, invoked, ended, one[5]]), "{file}");
            let class = if executions > 1 { "number violated" } else { "number" };
            let took = invoked.zip(ended).map(|(from, to)| millis(to - from));
            let row = format!(
                "<th scope=\"row\">{name}</th><td class=\"{class}\">{executions}x</td><td>{last}</td>\
                 <td class=\"number\">{}</td>",
                took.unwrap_or_default()
            );
            assert!(page.contains(&row), "{file}: {row}");
        }
        let conclusion = trace.conclusion.as_ref().unwrap();
        for fault in &conclusion.faults {
            let row = format!(
                "<th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>",
                fault.name, fault.action, fault.hits, fault.opportunities
            );
            assert!(page.contains(&row), "{file}: {row}");
        }
        for found in &conclusion.guarantees {
            let because = found.because.clone().unwrap_or_default();
            assert!(page.contains(&because), "{file}: {because}");
        }
    }
}

fn millis(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000, nanos / 1000 % 1000)
}

#[test]
fn no_new_call_belongs_to_an_operation_that_has_ended() {
    let registry = Registry::shipped();
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("scenarios/rpc")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(files.len() > 50);
    for file in files {
        let trace = trace_of(&registry, file.to_str().unwrap());
        let story = Story::new(&trace, registry.dissect("rpc"));
        let mut known: Vec<(u32, u64)> = Vec::new();
        for datagram in &story.datagrams {
            let Some(dissection) = datagram.dissection.as_ref() else { continue };
            let Some(xid) = dissection.field("xid").filter(|_| dissection.kind == "call") else {
                continue;
            };
            if known.contains(&(datagram.from.host, xid)) {
                continue;
            }
            known.push((datagram.from.host, xid));
            let Some(op) = story.rows[datagram.row].op else { continue };
            let ended = story.operations[&op].ended_at.unwrap_or(u64::MAX);
            assert!(datagram.at <= ended, "{}: #{}", file.display(), datagram.id);
        }
    }
}

#[test]
fn what_looks_like_an_identity_in_a_header_or_a_file_is_none() {
    let registry = Registry::shipped();
    // In the question of a file transfer, half of an identifier and the attempt look like one.
    let trace = trace_of_text(
        &registry,
        "title = 'x'\nprotocol = 'file-transfer'\nworkload = { clients = 2, messages = 3, size = '200B' }\n\
         link = [{ delay = '10ms' }]",
    );
    let story = Story::new(&trace, registry.dissect("file-transfer"));
    for datagram in &story.datagrams {
        let Some(op) = story.rows[datagram.row].op else { continue };
        let life = &story.operations[&op];
        assert!(life.invoked_at <= Some(datagram.at), "#{}", datagram.id);
        if datagram.from.host == op.client {
            assert!(life.ended_at.is_none_or(|end| datagram.at <= end), "#{}", datagram.id);
        }
    }
    // A file that is full of them.
    let folder = folder("identities");
    let (file, payload) = (folder.join("a.toml"), folder.join("bytes"));
    fs::write(&payload, [0, 0, 0, 1].repeat(100)).unwrap();
    fs::write(
        &file,
        "title = 'x'\nprotocol = 'stop-and-wait'\nworkload = { size = '64B', payload = 'bytes' }\n\
         link = [{ delay = '10ms' }]",
    )
    .unwrap();
    let trace = trace_of(&registry, file.to_str().unwrap());
    let story = Story::new(&trace, registry.dissect("stop-and-wait"));
    let data = operations(&story, "data", "seq");
    let numbers: Vec<u32> = data.iter().filter_map(|(_, op)| Some((*op)?.number)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn bands_end_with_what_they_show() {
    let registry = Registry::shipped();
    let trace = trace_of_text(
        &registry,
        r#"
        title = "A crash of a host that is paused, and a calm"
        protocol = "udp"
        workload = { messages = 3, interval = "300ms" }
        link = [{ delay = "10ms" }]
        fault = [
            { name = "stop", at = "100ms", action = "pause", host = "server", for = "1s" },
            { name = "end", at = "200ms", action = "crash", host = "server", for = "100ms" },
            { name = "calm", at = "500ms", action = "calm" },
        ]
        "#,
    );
    let story = Story::new(&trace, registry.dissect("udp"));
    let bands: Vec<_> = story
        .bands
        .iter()
        .map(|band| {
            let time = |row: usize| story.rows.get(row).map(|row| row.at / 1_000_000);
            (band.text.as_str(), time(band.first), time(band.end))
        })
        .collect();
    assert_eq!(
        bands,
        [
            ("server is paused", Some(100), Some(200)),
            ("server is down", Some(200), Some(300)),
            ("server, incarnation 2", Some(300), None),
            // The pause is in force for the new one, too, until the calm.
            ("server is paused", Some(300), Some(500)),
        ],
        "and after the calm nothing is wrong with the network"
    );
}

#[test]
fn a_damaged_delivery_belongs_to_its_operation() {
    let registry = Registry::shipped();
    let trace = eventful(&registry);
    let story = Story::new(&trace, registry.dissect("retry"));
    let is_it = |row: &&squall::reports::story::Row| matches!(&row.what, Shown::Point { text, .. } if text.contains("but damaged"));
    let row = story.rows.iter().find(is_it).unwrap();
    assert_eq!(row.op, Some(OpId { client: 1, number: 3 }));
}
