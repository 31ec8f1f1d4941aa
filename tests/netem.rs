//! `squall netem`: links as commands of tc. The snapshots were read beside tc-netem(8), and the commands
//! of all scenarios tried with tc itself.

use squall::Registry;
use squall::plan::Plan;
use squall::reports::netem;

use super::snapshot_settings;

fn script(rest: &str) -> String {
    netem::script(&plan(rest), "eth0")
}

fn plan(rest: &str) -> Plan {
    let text = format!("protocol = 'udp'\n{rest}");
    let scenario =
        Registry::shipped().parse("test", &text).unwrap_or_else(|errors| panic!("{errors}"));
    scenario.plan(None)
}

const STORM: &str = r#"
    title = "Everything at once"
    seed = 7
    [workload]
    clients = 3
    size = "972B"
    [hosts.client-2]
    clock = { offset = "5ms" }
    [[link]]
    delay = "10ms"
    udp_checksum = false
    [[link]]
    from = "server"
    to = "client-1"
    jitter = "4ms"
    distribution = "pareto"
    loss = "12.5%"
    duplicate = "1%"
    reorder = "7%"
    corrupt = "0.01%"
    [[link]]
    from = "server"
    to = "client-2"
    jitter = "2500us"
    distribution = "exponential"
    loss = { gemodel = { p = "1%", r = "20%", 1-h = "100%", 1-k = "0.5%" } }
    [[link]]
    from = "client-*"
    to = "server"
    delay = "20ms"
    rate = "8mbit"
    limit = 50
    shared = true
    mtu = 1400
    [[link]]
    from = "client-3"
    jitter = "1ms"
    distribution = "normal"
    reorder = "3%"
    delay = "0ms"
    [[fault]]
    name = "lose"
    packet = {}
    nth = 1
    action = "drop"
    [[fault]]
    name = "cut"
    at = "1s"
    action = "partition"
    groups = [["client-1"], ["server"]]
    for = "2s"
    [[fault]]
    name = "crash"
    at = "2s"
    action = "crash"
    host = "server"
    for = "1s"
    [[fault]]
    name = "slow"
    at = "3s"
    action = "link"
    delay = "1s"
    for = "1s"
"#;

#[test]
fn scripts_are_reviewed_as_a_whole() {
    let everywhere = "title = 'One command will do'
        link = [{ delay = '10ms', jitter = '3ms', loss = '20%' }]";
    let nothing = "title = 'No impairments'";
    let all = [everywhere, nothing, STORM].map(script).join("\n==========\n\n");
    snapshot_settings().bind(|| insta::assert_snapshot!("netem", all));
}

#[test]
fn times_that_tc_does_not_take_are_cut_and_it_says_so() {
    let long =
        script("title = 'x'\nlink = [{ delay = '20min', jitter = '1min' }]\nduration = '30min'");
    assert!(long.contains("delay 274000ms 2147483us\n"), "{long}");
    assert!(long.contains("longer ones were cut"), "{long}");
    let short = script("title = 'x'\nlink = [{ delay = '1ns' }]");
    assert!(short.contains(" delay 1us\n") && short.contains("were rounded up"), "{short}");
    // Without a delay there is nothing to skip.
    let skip = script("title = 'x'\nlink = [{ reorder = '5%' }]");
    assert!(skip.contains("nothing impairs"), "{skip}");
}

#[test]
fn each_destination_has_its_own_queue_unless_it_is_shared() {
    let classes = |shared: &str| {
        let text = format!(
            "title = 'x'\nworkload = {{ clients = 3 }}
             link = [{{ from = 'server', rate = '1mbit'{shared} }}]"
        );
        script(&text).matches(" netem limit ").count()
    };
    assert_eq!((classes(""), classes(", shared = true")), (3, 1));
    let many = script(
        "title = 'x'\nworkload = { clients = 1500 }\nlink = [{ from = 'server', rate = '1mbit' }]",
    );
    assert_eq!(many.matches("tc class add").count(), 1000);
    assert!(many.contains("500 more groups of destinations are left out"));
}

/// With a `tc` that notes how it is called.
#[cfg(unix)]
#[test]
fn a_shell_runs_the_commands_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let folder = crate::command::folder("netem");
    let tc = folder.join("tc");
    let log = folder.join("log");
    std::fs::write(
        &tc,
        "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done >> \"$LOG\"\necho >> \"$LOG\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&tc, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let run = |script: &str, host: &str| {
        let _ = std::fs::remove_file(&log);
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "netem.sh", host]).env("PATH", &path).env("LOG", &log);
        let output = command.current_dir(&folder).output().unwrap();
        (output.status.code(), std::fs::read_to_string(&log).unwrap_or_default())
    };
    let hostile =
        "x\ntouch pwned\r\n$(touch pwned)`touch pwned`'; touch pwned #\u{2028}touch pwned";
    let mut plan = plan(STORM);
    for text in [&mut plan.scenario, &mut plan.title] {
        *text = hostile.to_owned();
    }
    plan.faults[0].name = hostile.to_owned();
    plan.hosts[3].name = hostile.to_owned();
    let script = netem::script(&plan, "e'th $(touch pwned)`touch pwned`\"0\n}");
    let (status, called) = run(&script, "server");
    assert_eq!(status, Some(0), "{script}");
    let device = "<e'th $(touch pwned)`touch pwned`\"0\u{fffd}}>";
    assert!(called.lines().all(|line| line.contains(device)), "{called}");
    assert!(called.contains("<match><ip><dst><10.0.0.2/32><flowid><1:1>"), "{called}");
    assert_eq!(called.matches("<netem>").count(), 3, "{called}");
    assert_eq!(run(&script, "--off").1.matches("<qdisc><del>").count(), 1);
    let (status, called) = run(&script, "nobody");
    assert_eq!((status, called.as_str()), (Some(64), ""));
    let mut left: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.retain(|name| name != "log");
    assert_eq!(left, ["tc"], "nothing else was run, and no table is left");
}
