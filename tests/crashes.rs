//! Crashes, restarts and pauses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use squall::check::Finding;
use squall::net::UdpSocket;
use squall::plan::Guarantee;
use squall::task::spawn;
use squall::time::{Duration, sleep};
use squall::trace::{HostChange, What};
use squall::{Client, HostResult, Outcome, Protocol, Server, report};

use super::{client_only, reports, run};

const MS: Duration = Duration::from_millis(1);

fn names(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    reports(outcome).into_iter().map(|(_, name, _)| name).collect()
}

#[test]
fn a_crash_drops_everything_and_a_restart_begins_anew() {
    struct Noisy(Arc<AtomicU32>);
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            report("reported by a dying task");
        }
    }
    let drops = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&drops);
    let client = move |_: Client| {
        let noisy = Noisy(Arc::clone(&counted));
        let spawned = Noisy(Arc::clone(&counted));
        async move {
            let _noisy = noisy;
            let _socket = UdpSocket::bind("0.0.0.0:700").await?;
            report("start");
            spawn(async move {
                let _spawned = spawned;
                sleep(1000 * MS).await;
                report("old task");
            });
            sleep(20 * MS).await;
            report("20 ms later");
            std::future::pending().await
        }
    };
    let crash = "duration = '100ms'
        fault = [{ at = '10ms', action = 'crash', host = 'client-1', for = '5ms' }]";
    let outcome = run(client_only(client), crash);
    assert_eq!(names(&outcome), ["start", "start", "20 ms later"]);
    assert_eq!(drops.load(Ordering::Relaxed), 4, "two of each incarnation");
    assert_eq!(changes(&outcome), [(10, HostChange::Crashed), (15, HostChange::Restarted(2))]);
}

#[test]
fn a_crash_on_an_event_is_exact() {
    async fn client(client: Client) -> HostResult {
        report("before");
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        report("now");
        // The crash came with the report: nothing of this happens.
        report("after");
        socket.send_to(b"x", client.server()).await?;
        report("sent");
        Ok(())
    }
    let protocol = client_only(client).events(&["before", "now", "after", "sent"]);
    let crash = "fault = [{ event = { host = 'client-1', name = 'now' }, action = 'crash',
        host = 'client-1' }]";
    let outcome = run(protocol, crash);
    assert_eq!(names(&outcome), ["before", "now"]);
    assert_eq!(outcome.run.counts.sent, 0);
}

#[test]
fn after_a_crash_nothing_is_ready_and_no_panic_counts() {
    async fn client(_: Client) -> HostResult {
        let done = spawn(async {});
        let mut fired = Box::pin(sleep(MS));
        std::future::poll_fn(|cx| {
            // It is set here, and has fired by the time it is awaited below.
            let _ = fired.as_mut().poll(cx);
            std::task::Poll::Ready(())
        })
        .await;
        sleep(2 * MS).await;
        report("now");
        squall::task::select(fired, done).await;
        panic!("something was ready");
    }
    let crash = "fault = [{ event = { host = 'client-1', name = 'now' }, action = 'crash',
        host = 'client-1' }]";
    assert_eq!(names(&run(client_only(client).events(&["now"]), crash)), ["now"]);
    async fn panics(_: Client) -> HostResult {
        report("now");
        panic!("a dead host cannot break the run");
    }
    let outcome = run(client_only(panics).events(&["now"]), crash);
    assert_eq!(names(&outcome), ["now"]);
    assert_eq!(outcome.run.ending, squall::engine::Ending::Quiet);
}

#[test]
fn datagrams_to_a_host_that_is_down_are_dropped_and_its_ports_are_free_after() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        report("bound");
        loop {
            socket.recv_from(&mut [0; 9]).await?;
            report("received");
        }
    }
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for _ in 0..3 {
            socket.send_to(b"x", client.server()).await?;
            sleep(10 * MS).await;
        }
        Ok(())
    }
    let outcome = run(
        Protocol::new("test", "For a test.").server(server).client(client),
        "fault = [{ at = '5ms', action = 'crash', host = 'server', for = '10ms' }]",
    );
    assert_eq!(names(&outcome), ["bound", "received", "bound", "received"]);
    let down = outcome.run.counts.drops.get(&squall::network::DropReason::HostDown);
    assert_eq!(down, Some(&1));
}

#[test]
fn a_restarted_host_starts_with_other_ephemeral_ports() {
    async fn client(_: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        report(&socket.local_addr()?.port().to_string());
        std::future::pending().await
    }
    let outcome = run(
        client_only(client),
        "fault = [{ at = '5ms', action = 'crash', host = 'client-1', for = '1ms' }]",
    );
    let ports = names(&outcome);
    assert_eq!(ports.len(), 2);
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn operations_of_a_client_that_dies_are_unknown_and_are_not_issued_again() {
    async fn client(mut client: Client) -> HostResult {
        while let Some(message) = client.next().await {
            report(&message.id.to_string());
            sleep(10 * MS).await;
            client.fail(message.id);
        }
        Ok(())
    }
    let outcome = run(
        client_only(client),
        "workload = { messages = 3 }
         fault = [{ at = '15ms', action = 'crash', host = 'client-1', for = '1ms' }]",
    );
    assert_eq!(names(&outcome), ["1.1", "1.2", "1.3"]);
    let json = outcome.to_json();
    assert_eq!(json["operations"]["failed"], 2);
    assert_eq!(json["operations"]["unknown"], 1);
}

#[test]
fn a_paused_host_does_nothing_but_its_buffers_fill() {
    async fn server(server: Server) -> HostResult {
        let socket = UdpSocket::bind(server.address()).await?;
        loop {
            socket.recv_from(&mut [0; 9]).await?;
            report("received");
        }
    }
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        for _ in 0..5 {
            sleep(10 * MS).await;
            socket.send_to(b"x", client.server()).await?;
        }
        Ok(())
    }
    let outcome = run(
        Protocol::new("test", "For a test.").server(server).client(client),
        "fault = [{ at = '15ms', action = 'pause', host = 'server', for = '30ms' }]",
    );
    let times: Vec<f64> = reports(&outcome).iter().map(|(_, _, at)| *at).collect();
    assert_eq!(times, [10.0, 45.0, 45.0, 45.0, 50.0]);
}

/// A client that sends without waiting, and a server that delivers each message so many times.
fn blind(deliveries: usize) -> Protocol {
    let server = move |server: Server| async move {
        let socket = UdpSocket::bind(server.address()).await?;
        let mut buffer = [0; 99];
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await?;
            for _ in 0..deliveries {
                server.deliver(&buffer[..length]);
            }
        }
    };
    let client = async |mut client: Client| {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        while let Some(message) = client.next().await {
            socket.send_to(&message.payload, client.server()).await?;
            client.unknown(message.id);
        }
        Ok(())
    };
    Protocol::new("test", "For a test.").server(server).client(client)
}

#[test]
fn calm_ends_crashes_pauses_and_partitions() {
    let outcome = run(
        blind(1),
        "workload = { messages = 30, interval = '10ms', clients = 2 }
         link = [{ from = '*', to = '*', delay = '1ms', loss = '50%' }]
         fault = [
           { at = '5ms', action = 'partition', from = 'client-1', to = 'server' },
           { at = '5ms', action = 'pause', host = 'client-2' },
           { at = '35ms', action = 'crash', host = 'server' },
           { at = '155ms', action = 'calm' },
         ]",
    );
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    let late = |op: &squall::history::Op| op.invoked_at >= 155_000_000;
    let lost = outcome.run.history.operations().filter(|(_, op)| late(op) && op.executions != 1);
    assert_eq!(lost.count(), 0, "after the calm everything arrives");
    let issued = outcome.run.history.operations().count();
    assert_eq!(issued, 60, "the paused client goes on");
    assert!(matches!(outcome.report.finding(Guarantee::AtMostOnce), Finding::Held));
}

/// When the host changed, in milliseconds.
fn changes(outcome: &Outcome) -> Vec<(u64, HostChange)> {
    let events = outcome.trace.as_ref().unwrap().events();
    events
        .filter_map(|event| match event.what {
            What::Host { change, .. } => Some((event.at / 1_000_000, change)),
            _ => None,
        })
        .collect()
}

async fn idle(_: Client) -> HostResult {
    report("start");
    std::future::pending().await
}

#[test]
fn overlapping_crashes_and_pauses_last_as_long_as_the_longest() {
    use HostChange::{Crashed, Paused, Restarted, Resumed};
    let crashes = run(
        client_only(idle),
        "fault = [
           { at = '1s', action = 'crash', host = 'client-1', for = '1s' },
           { at = '1500ms', action = 'crash', host = 'client-1', for = '3500ms' },
         ]",
    );
    assert_eq!(changes(&crashes), [(1000, Crashed), (5000, Restarted(2))]);
    assert!(crashes.run.faults.iter().all(|fault| fault.hits == 1), "{:?}", crashes.run.faults);
    let pauses = run(
        client_only(idle),
        "fault = [
           { at = '1s', action = 'pause', host = 'client-1', for = '1s' },
           { at = '1500ms', action = 'pause', host = 'client-1', for = '3500ms' },
         ]",
    );
    assert_eq!(changes(&pauses), [(1000, Paused), (5000, Resumed)]);
    let both = run(
        client_only(idle),
        "fault = [
           { at = '1s', action = 'crash', host = 'client-1', for = '1s' },
           { at = '1500ms', action = 'pause', host = 'client-1', for = '3500ms' },
         ]",
    );
    let expected = [(1000, Crashed), (2000, Restarted(2)), (2000, Paused), (5000, Resumed)];
    assert_eq!(changes(&both), expected);
    assert_eq!(reports(&both).iter().map(|(_, _, at)| *at).collect::<Vec<_>>(), [0.0, 5000.0]);
}

#[test]
fn a_fault_in_force_does_not_begin_again() {
    async fn ticks(_: Client) -> HostResult {
        for _ in 0..3 {
            sleep(20 * MS).await;
            report("tick");
        }
        Ok(())
    }
    let outcome = run(
        client_only(ticks).events(&["tick"]),
        "fault = [{ event = { host = 'client-1', name = 'tick' }, action = 'pause', host = 'server', for = '30ms' }]",
    );
    let (paused, resumed) = (HostChange::Paused, HostChange::Resumed);
    assert_eq!(changes(&outcome), [(20, paused), (50, resumed), (60, paused), (90, resumed)]);
    let count = &outcome.run.faults[0];
    assert_eq!((count.opportunities, count.hits), (3, 2));
}

#[test]
fn faults_at_the_very_start_come_before_any_software() {
    let outcome = run(
        client_only(async |client: Client| {
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            socket.send_to(b"x", client.server()).await?;
            report(&squall::time::SystemTime::now().since_epoch().subsec_millis().to_string());
            Ok(())
        }),
        "fault = [
           { at = '0s', action = 'link', loss = '100%' },
           { at = '0s', action = 'clock-step', host = 'client-1', by = '7ms' },
         ]",
    );
    assert_eq!(names(&outcome), ["7"]);
    assert_eq!(outcome.to_json()["drops"]["loss"], 1);
}

#[test]
fn a_crash_and_its_end_at_one_event_leave_no_ghost() {
    let outcome = run(
        blind(2),
        "fault = [
           { event = { host = 'server', name = 'delivered' }, nth = 1, action = 'crash', host = 'server' },
           { event = { host = 'server', name = 'delivered' }, nth = 1, action = 'calm' },
         ]",
    );
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    assert_eq!(outcome.run.history.executions(), 1, "the second delivery is a dead host's");
}

#[test]
fn crashes_of_many_hosts_that_trigger_each_other_are_no_recursion() {
    let outcome = run(
        client_only(async |mut client: Client| {
            client.next().await;
            std::future::pending().await
        }),
        "workload.clients = 20000
         fault = [
           { event = { host = 'client-*', name = 'unknown' }, action = 'crash', host = 'client-*' },
           { at = '1s', action = 'crash', host = 'client-1' },
         ]",
    );
    assert_eq!(outcome.to_json()["operations"]["unknown"], 20_000);
}

#[test]
fn a_host_that_pauses_itself_stops_at_its_next_await_and_goes_on_from_there() {
    async fn client(client: Client) -> HostResult {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        report("now");
        report("before the await");
        socket.send_to(b"x", client.server()).await?;
        report("after it");
        Ok(())
    }
    let pause = "fault = [{ event = { host = 'client-1', name = 'now' }, action = 'pause',
        host = 'client-1', for = '7ms' }]";
    let protocol = client_only(client).events(&["now", "before the await", "after it"]);
    let seen = reports(&run(protocol, pause));
    let times: Vec<f64> = seen.iter().map(|(_, _, at)| *at).collect();
    assert_eq!(times, [0.0, 0.0, 7.0], "{seen:?}");
}

#[test]
fn a_handle_of_a_dead_incarnation_aborts_nothing_of_the_next() {
    use std::cell::RefCell;
    thread_local! {
        static OLD: RefCell<Option<squall::task::JoinHandle<()>>> = const { RefCell::new(None) };
    }
    async fn client(_: Client) -> HostResult {
        let task = spawn(async {
            sleep(50 * MS).await;
            report("done");
        });
        if let Some(old) = OLD.replace(Some(task)) {
            old.abort();
        }
        std::future::pending().await
    }
    let crash = "fault = [{ at = '10ms', action = 'crash', host = 'client-1', for = '1ms' }]";
    assert_eq!(names(&run(client_only(client), crash)), ["done"]);
}
