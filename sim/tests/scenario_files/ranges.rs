//! Ranges are drawn once per seed, each from its own stream.

use squall_sim::network::{Action, HostSet, Loss, PacketAction, Trigger, WorldAction};
use squall_sim::plan::Plan;

const FILE: &str = r#"
title = "t"
protocol = "demo"

[options]
timeout = "200ms..400ms"
window = "2..=8"

[workload]
clients = "2..6"
messages = "1..1000"
size = "64B..1KiB"
interval = "1ms..10ms"

[hosts."client-*"]
receive_buffer = "1..100"
clock = { offset = "-5ms..5ms", drift = "-50ppm..50ppm" }

[[link]]
delay = "5ms..50ms"
loss = "0%..20%"
rate = "1mbit..2mbit"

[[link]]
from = "server"
corrupt = "0.0..0.5"

[[fault]]
name = "late"
at = "1s..2s"
action = "crash"
host = "server"
for = "1s..9s"

[[fault]]
packet = { seq = "0..1000" }
chance = "1%..99%"
action = "duplicate"
copies = "1..=3"
"#;

fn plan(text: &str, seed: u64) -> Plan {
    super::parse("ranges", text).unwrap_or_else(|errors| panic!("{errors}")).plan(Some(seed))
}

#[test]
fn the_same_seed_draws_the_same_and_another_seed_draws_anew() {
    for seed in 0..20 {
        assert_eq!(format!("{:?}", plan(FILE, seed)), format!("{:?}", plan(FILE, seed)));
    }
    let values = |seed| {
        let plan = plan(FILE, seed);
        let link = &plan.links[0].set;
        let host = &plan.hosts[1];
        let Trigger::At(at) = plan.faults[0].trigger else { panic!("no time") };
        (
            (plan.options.number("timeout"), plan.workload.operations, plan.workload.size),
            (link.delay, format!("{:?}", link.loss), link.rate),
            (host.clock_offset, host.clock_drift_ppm.to_bits(), at, plan.faults[0].length),
        )
    };
    let (a, b) = (values(1), values(2));
    assert!(a.0.0 != b.0.0 && a.0.1 != b.0.1 && a.0.2 != b.0.2, "{a:?} {b:?}");
    assert!(a.1.0 != b.1.0 && a.1.1 != b.1.1 && a.1.2 != b.1.2, "{a:?} {b:?}");
    assert!(a.2.0 != b.2.0 && a.2.1 != b.2.1 && a.2.2 != b.2.2, "{a:?} {b:?}");
}

#[test]
fn draws_stay_in_their_ranges() {
    let mut clients = [0; 7];
    for seed in 0..500 {
        let plan = plan(FILE, seed);
        clients[plan.hosts.len() - 1] += 1;
        assert!((200_000_000..400_000_000).contains(&plan.options.number("timeout")));
        assert!((2..=8).contains(&plan.options.number("window")));
        assert!((1..1000).contains(&plan.workload.operations));
        assert!((64..1024).contains(&plan.workload.size));
        assert!((-5_000_000..5_000_000).contains(&plan.hosts[1].clock_offset));
        assert!((-50.0..50.0).contains(&plan.hosts[1].clock_drift_ppm));
        assert_eq!(plan.hosts[0].clock_offset, 0);
        let Some(Loss::Independent(loss)) = plan.links[0].set.loss else { panic!("no loss") };
        assert!((0.0..0.2).contains(&loss));
        let Action::Packet(PacketAction::Duplicate { copies, .. }) = plan.faults[1].action else {
            panic!("no copies")
        };
        assert!((1..=3).contains(&copies));
    }
    assert!(clients[..2].iter().all(|n| *n == 0) && clients[6] == 0, "{clients:?}");
    assert!(clients[2..6].iter().all(|n| *n > 50), "{clients:?}");
}

#[test]
fn taking_one_range_or_table_away_changes_no_other_draw() {
    let whole = format!("{:#?}", plan(FILE, 7));
    let same_but = |text: &str, differing: usize| {
        let other = format!("{:#?}", plan(text, 7));
        let (whole, other): (Vec<_>, Vec<_>) = (whole.lines().collect(), other.lines().collect());
        assert_eq!(whole.len(), other.len());
        let count = whole.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert_eq!(count, differing, "lines that differ");
    };
    same_but(FILE, 0);
    same_but(&FILE.replace("\"5ms..50ms\"", "\"1h\""), 1);
    same_but(&FILE.replace("\"0%..20%\"", "\"99%\""), 1);
    same_but(&FILE.replace("\"200ms..400ms\"", "\"1h\""), 1);
    same_but(&FILE.replace("\"1s..2s\"", "\"1h\""), 1);

    let first = "[[link]]\ndelay = \"5ms..50ms\"\nloss = \"0%..20%\"\nrate = \"1mbit..2mbit\"\n";
    assert!(FILE.contains(first));
    let without = plan(&FILE.replace(first, ""), 7);
    assert_eq!(without.links[0], plan(FILE, 7).links[1]);

    let more = format!("{FILE}\n[[fault]]\nat = \"0s..1h\"\naction = \"calm\"\n");
    assert_eq!(plan(&more, 7).faults[..2], plan(FILE, 7).faults[..]);
    let late = FILE.split("[[fault]]").nth(1).expect("a fault");
    let without =
        FILE.replace(&format!("[[fault]]{late}"), "[[fault]]\nat = \"1s\"\naction = \"calm\"\n");
    assert_eq!(plan(&without, 7).faults[1], plan(FILE, 7).faults[1]);
}

#[test]
fn the_seed_of_the_file_counts_when_none_is_given() {
    let seeded = FILE.replace("title", "seed = 99\ntitle");
    let scenario = super::parse("ranges", &seeded).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(scenario.plan(None).seed, 99);
    assert_eq!(scenario.plan(Some(3)).seed, 3);
    let (a, b) = (scenario.plan(None).links, plan(FILE, 99).links);
    assert_eq!(a, b);
    assert_eq!(super::good("smallest.toml").plan(None).seed, 1);
}

#[test]
fn a_further_host_keeps_its_meaning_however_many_clients_are_drawn() {
    let text = r#"
title = "t"
protocol = "demo"
options = { retries = "6..=9" }
workload = { clients = "1..=3" }
hosts.mapper = { receive_buffer = 7 }

[[link]]
from = "mapper"
to = "client-*"
loss = "50%"

[[fault]]
packet = { from = "client-3", to = "mapper" }
action = "drop"

[[fault]]
event = { host = "mapper", name = "timeout" }
action = "crash"
host = ["server", "mapper"]

[[fault]]
at = "1s"
action = "partition"
from = "*"
to = "mapper"

[[fault]]
at = "2s"
action = "link"
from = "client-*"
to = "mapper"
loss = "1%"
"#;
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let plan = plan(text, seed);
        let members = |set: &HostSet| -> Vec<String> {
            let all = set.iter(plan.hosts.len() as u32 + 9);
            all.map(|host| plan.hosts[host as usize].name.clone()).collect()
        };
        let clients: Vec<String> = (1..=plan.clients).map(|n| format!("client-{n}")).collect();
        let mapper: Vec<String> = match plan.options.number("retries") {
            8.. => vec!["mapper".to_owned()],
            _ => vec![],
        };
        seen.insert((plan.clients, mapper.len()));
        let expected: Vec<String> = ["server".to_owned()]
            .into_iter()
            .chain(clients.clone())
            .chain(mapper.clone())
            .collect();
        let names: Vec<String> = plan.hosts.iter().map(|host| host.name.clone()).collect();
        assert_eq!(names, expected);
        for host in &plan.hosts {
            assert_eq!(host.receive_buffer, if host.name == "mapper" { 7 } else { 256 });
        }
        if mapper.is_empty() {
            // Nobody has the numbers that are left.
            continue;
        }
        assert_eq!(members(&plan.links[0].from), mapper);
        assert_eq!(members(&plan.links[0].to), clients);
        let Trigger::Packet { matching, .. } = &plan.faults[0].trigger else { panic!("no packet") };
        let third: Vec<String> =
            clients.iter().filter(|name| *name == "client-3").cloned().collect();
        assert_eq!((members(&matching.from), members(&matching.to)), (third, mapper.clone()));
        let Trigger::Event { hosts, .. } = &plan.faults[1].trigger else { panic!("no event") };
        assert_eq!(members(hosts), mapper);
        let Action::World(WorldAction::Crash { hosts }) = &plan.faults[1].action else {
            panic!("no crash")
        };
        assert_eq!(members(hosts), ["server", "mapper"]);
        let Action::World(WorldAction::Partition { cuts }) = &plan.faults[2].action else {
            panic!("no partition")
        };
        assert_eq!((&cuts[0].0, members(&cuts[0].1)), (&HostSet::all(), mapper.clone()));
        let Action::World(WorldAction::Link { rules }) = &plan.faults[3].action else {
            panic!("no link")
        };
        assert_eq!((members(&rules[0].from), members(&rules[0].to)), (clients, mapper));
    }
    assert_eq!(seen.len(), 6, "each number of clients, with and without a mapper: {seen:?}");
}
