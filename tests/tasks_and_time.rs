//! `squall::task` and `squall::time` on a simulated host.

use std::sync::Arc;

use squall::task::{JoinError, spawn, yield_now};
use squall::time::{Duration, Instant, SystemTime, interval, sleep, sleep_until, timeout};
use squall::{Client, HostResult, report};

use super::{client_only, reports, run};

const MS: Duration = Duration::from_millis(1);

/// The names of what a client reported; fails the test if the run broke.
fn names(outcome: &squall::Outcome) -> Vec<String> {
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    assert_eq!(outcome.run.ending, squall::engine::Ending::Quiet);
    reports(outcome).into_iter().map(|(_, name, _)| name).collect()
}

#[test]
fn sleeps_end_when_they_should_and_in_order() {
    async fn client(_: Client) -> HostResult {
        let start = Instant::now();
        let late = spawn(async {
            sleep(7 * MS).await;
            report("late");
        });
        spawn(async {
            sleep(3 * MS).await;
            report("early");
        });
        sleep_until(start + 5 * MS).await;
        report("middle");
        assert_eq!(start.elapsed(), 5 * MS);
        late.await?;
        report("end");
        Ok(())
    }
    let outcome = run(client_only(client), "");
    let seen = reports(&outcome);
    let seen: Vec<(&str, f64)> = seen.iter().map(|(_, name, at)| (name.as_str(), *at)).collect();
    assert_eq!(seen, [("early", 3.0), ("middle", 5.0), ("late", 7.0), ("end", 7.0)]);
}

#[test]
fn a_timeout_lets_the_future_win_a_tie() {
    async fn client(_: Client) -> HostResult {
        assert!(timeout(5 * MS, sleep(5 * MS)).await.is_ok());
        assert!(timeout(5 * MS, sleep(6 * MS)).await.is_err());
        assert!(timeout(Duration::ZERO, async {}).await.is_ok());
        Ok(())
    }
    names(&run(client_only(client), ""));
}

#[test]
fn select_is_biased_to_the_first() {
    use squall::task::{Either, select};
    async fn client(_: Client) -> HostResult {
        for _ in 0..20 {
            assert_eq!(select(sleep(MS), sleep(MS)).await, Either::First(()));
        }
        assert_eq!(select(sleep(2 * MS), sleep(MS)).await, Either::Second(()));
        Ok(())
    }
    names(&run(client_only(client), ""));
}

#[test]
fn intervals_do_not_drift() {
    async fn client(_: Client) -> HostResult {
        let start = Instant::now();
        let mut ticks = interval(10 * MS);
        for n in 0..5 {
            assert_eq!(ticks.tick().await, start + n * 10 * MS);
            sleep(3 * MS).await;
        }
        assert_eq!(start.elapsed(), 43 * MS);
        Ok(())
    }
    names(&run(client_only(client), ""));
}

#[test]
fn join_handles_give_outputs_and_aborts_end_tasks() {
    async fn client(_: Client) -> HostResult {
        assert_eq!(spawn(async { 6 * 7 }).await, Ok(42));
        let held = Arc::new(());
        let inner = Arc::clone(&held);
        let endless = spawn(async move {
            let _held = inner;
            std::future::pending::<()>().await;
        });
        sleep(MS).await;
        assert!(!endless.is_finished());
        assert_eq!(Arc::strong_count(&held), 2);
        endless.abort();
        assert_eq!(endless.await, Err(JoinError::Aborted));
        sleep(MS).await;
        assert_eq!(Arc::strong_count(&held), 1, "an aborted task is dropped");
        let done = spawn(async {});
        sleep(MS).await;
        assert!(done.is_finished());
        done.abort();
        assert_eq!(done.await, Ok(()), "aborting a task that has ended changes nothing");
        Ok(())
    }
    names(&run(client_only(client), ""));
}

async fn three_tasks(_: Client) -> HostResult {
    for name in ["a", "b", "c"] {
        spawn(async move {
            for _ in 0..2 {
                report(name);
                yield_now().await;
            }
        });
    }
    Ok(())
}

#[test]
fn ready_tasks_run_first_in_first_out() {
    let outcome = run(client_only(three_tasks), "");
    assert_eq!(names(&outcome).concat(), "abcabc");
}

#[test]
fn a_random_schedule_is_drawn_from_the_seed() {
    let order = |seed: u64| {
        let text = format!("schedule = 'random'\nseed = {seed}");
        names(&run(client_only(three_tasks), &text)).concat()
    };
    assert_eq!(order(5), order(5));
    let orders: std::collections::BTreeSet<String> = (1..=20).map(order).collect();
    assert!(orders.len() > 5, "{orders:?}");
}

#[test]
fn clocks_drift_and_the_wall_clock_steps() {
    async fn client(_: Client) -> HostResult {
        let (start, wall) = (Instant::now(), SystemTime::now().since_epoch());
        // A clock 10% fast shows a second after 909.09 ms of true time.
        sleep(Duration::from_secs(1)).await;
        report("second");
        assert_eq!(start.elapsed().as_millis(), 1000);
        sleep(Duration::from_secs(1)).await;
        let shown = SystemTime::now().since_epoch() - wall;
        assert_eq!(shown.as_millis(), 1500, "two seconds, less half a second of step");
        Ok(())
    }
    let outcome = run(
        client_only(client),
        "hosts.client-1 = { clock = { offset = '5ms', drift = '100000ppm' } }
         fault = [{ at = '1s', action = 'clock-step', host = 'client-1', by = '-500ms' }]",
    );
    names(&outcome);
    let at = reports(&outcome)[0].2;
    assert!((at - 909.090_909).abs() < 0.001, "{at}");
}

#[test]
fn random_numbers_come_from_the_seed_the_host_and_its_incarnation() {
    async fn client(_: Client) -> HostResult {
        use rand::Rng;
        report(&squall::random::rng().next_u64().to_string());
        sleep(Duration::from_secs(9)).await;
        Ok(())
    }
    let crash = "workload = { clients = 2 }
        fault = [{ at = '1s', action = 'crash', host = 'client-1', for = '1s' }]";
    let numbers = |seed: u64| names(&run(client_only(client), &format!("seed = {seed}\n{crash}")));
    let first = numbers(1);
    assert_eq!(first, numbers(1));
    assert_ne!(first, numbers(2));
    let different: std::collections::BTreeSet<&String> = first.iter().collect();
    assert_eq!(different.len(), 3, "two hosts, and a second incarnation: {first:?}");
}

#[test]
fn an_aborted_task_is_gone_once_it_was_waited_for() {
    async fn client(_: Client) -> HostResult {
        use squall::net::UdpSocket;
        let task = spawn(async {
            let _socket = UdpSocket::bind("0.0.0.0:700").await;
            std::future::pending::<()>().await;
        });
        sleep(MS).await;
        task.abort();
        assert_eq!(task.await, Err(JoinError::Aborted));
        UdpSocket::bind("0.0.0.0:700").await?;
        Ok(())
    }
    names(&run(client_only(client), ""));
}

#[test]
fn what_is_kept_from_an_earlier_run_does_nothing_to_a_later_one() {
    use std::cell::RefCell;
    use std::pin::Pin;
    thread_local! {
        static KEPT: RefCell<Vec<squall::task::JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
        static SLEEP: RefCell<Option<Pin<Box<squall::time::Sleep>>>> = const { RefCell::new(None) };
    }
    async fn client(_: Client) -> HostResult {
        let old = KEPT.take();
        let old_sleep = SLEEP.take();
        let task = spawn(async {
            sleep(5 * MS).await;
            report("done");
        });
        let mut asleep = Box::pin(sleep(5 * MS));
        squall::task::select(asleep.as_mut(), sleep(MS)).await;
        old.iter().for_each(squall::task::JoinHandle::abort);
        if let Some(old_sleep) = old_sleep {
            let before = Instant::now();
            old_sleep.await;
            assert_eq!(before.elapsed(), Duration::ZERO, "its world is over");
        }
        KEPT.with_borrow_mut(|kept| kept.push(task));
        SLEEP.set(Some(asleep));
        sleep(9 * MS).await;
        Ok(())
    }
    for _ in 0..3 {
        assert_eq!(names(&run(client_only(client), "")), ["done"]);
    }
}

#[test]
fn software_that_spawns_while_it_is_dropped_breaks_nothing() {
    struct Spawner;
    impl Drop for Spawner {
        fn drop(&mut self) {
            spawn(async { report("never") });
        }
    }
    async fn client(_: Client) -> HostResult {
        let _spawner = Spawner;
        std::future::pending().await
    }
    let crash = "fault = [{ at = '1s', action = 'crash', host = 'client-1', for = '1s' }]";
    assert_eq!(names(&run(client_only(client), crash)), Vec::<String>::new());
}
