//! tokio's channels, locks and semaphores need no runtime, so host software may use them: between
//! tasks of `squall::task` they are deterministic, and a crash drops what waits in them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use squall::engine::Ending;
use squall::plan::Engine;
use squall::task::{spawn, yield_now};
use squall::time::{Duration, sleep};
use squall::{Client, HostResult, Outcome, report};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use super::{client_only, reports, run_with};

const MS: Duration = Duration::from_millis(1);

fn run(client: squall::Protocol, seed: u64, rest: &str) -> Outcome {
    let settings = squall::Settings { seed: Some(seed), engine: None, keep_trace: true };
    run_with(client, rest, settings)
}

fn names(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.run.errors, Vec::<String>::new());
    assert_eq!(outcome.run.ending, Ending::Quiet);
    reports(outcome).into_iter().map(|(_, name, _)| name).collect()
}

/// A task that owns a number, and others that ask it over a channel for the next one.
async fn counts(_: Client) -> HostResult {
    let (asks, mut asked) = mpsc::channel::<oneshot::Sender<u32>>(1);
    let owner = spawn(async move {
        let mut number = 0;
        while let Some(answer) = asked.recv().await {
            number += 1;
            sleep(MS).await;
            let _ = answer.send(number);
        }
        report("all have gone");
        number
    });
    for name in ["a", "b", "c"] {
        let asks = asks.clone();
        spawn(async move {
            for _ in 0..3 {
                let (answer, answered) = oneshot::channel();
                asks.send(answer).await.expect("the owner waits");
                let number = answered.await.expect("the owner answers");
                report(&format!("{name} {number}"));
            }
        });
    }
    drop(asks);
    assert_eq!(owner.await?, 9);
    report("end");
    Ok(())
}

/// Tasks that hold a lock over a pause, of which two may try at a time.
async fn locks(_: Client) -> HostResult {
    let (log, tries) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(2)));
    let enter = |name| {
        let (log, tries) = (Arc::clone(&log), Arc::clone(&tries));
        spawn(async move {
            for _ in 0..2 {
                let permit = tries.acquire().await.expect("it is never closed");
                let mut log = log.lock().await;
                log.push(name);
                report(name);
                sleep(MS).await;
                assert_eq!(log.last(), Some(&name), "nobody else is in here");
                drop((permit, log));
                yield_now().await;
            }
        })
    };
    for task in ["a", "b", "c", "d"].map(enter) {
        task.await?;
    }
    assert_eq!(log.lock().await.len(), 8);
    Ok(())
}

#[test]
fn they_are_deterministic_in_any_order_of_ready_tasks() {
    let counts = || client_only(counts);
    let locks = || client_only(locks);
    for (protocol, length) in [(counts(), 11), (locks(), 8)] {
        for schedule in ["fifo", "random"] {
            let mut orders = BTreeSet::new();
            for seed in 1..=20 {
                let rest = format!("schedule = '{schedule}'");
                let first = run(protocol.clone(), seed, &rest);
                let second = run(protocol.clone(), seed, &rest);
                assert_eq!(first.run.trace_hash, second.run.trace_hash, "{schedule}, seed {seed}");
                assert_eq!(names(&first).len(), length);
                orders.insert(names(&first));
            }
            match schedule {
                "fifo" => assert_eq!(orders.len(), 1, "{orders:?}"),
                _ => assert!(orders.len() > 1, "the seed draws the order"),
            }
        }
    }
    let turmoil = |protocol| run(protocol, 1, "engine = 'turmoil'");
    assert_eq!(names(&turmoil(counts())).last().map(String::as_str), Some("end"));
    assert_eq!(names(&turmoil(locks())).len(), 8);
}

/// Counts how many of them are alive.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        report("dropped");
    }
}

/// Tasks that wait in each of them, for one that crashes the host while it holds what they wait for.
/// Dropping that one wakes them all.
async fn waits(client: Client, alive: Arc<AtomicU32>) -> HostResult {
    assert_eq!(alive.load(Ordering::Relaxed), 0, "all of the last incarnation was dropped");
    let (lock, permits) = (Arc::new(Mutex::new(())), Arc::new(Semaphore::new(1)));
    let (sender, mut receiver) = mpsc::channel::<Alive>(1);
    let (promise, promised) = oneshot::channel::<Alive>();
    let guards =
        (Arc::clone(&lock).lock_owned().await, Arc::clone(&permits).acquire_owned().await?);
    sender.send(Alive::new(&alive)).await.map_err(|_| "the receiver is there")?;
    let full = sender.clone();
    let [a, b, c, d, e] = std::array::from_fn(|_| Alive::new(&alive));
    spawn(async move {
        let _kept = (a, lock.lock().await);
        report("locked");
    });
    spawn(async move {
        let _kept = (b, permits.acquire().await);
        report("acquired");
    });
    spawn(async move {
        let _kept = (c, promised.await);
        report("promised");
    });
    let extra = Alive::new(&alive);
    spawn(async move {
        let _kept = (d, full.send(extra).await.is_ok());
        report("sent");
    });
    sleep(MS).await;
    if client.incarnation() == 1 {
        report("now");
    }
    drop(guards);
    drop(promise);
    drop((receiver.recv().await, receiver.recv().await));
    drop((e, sender));
    assert!(receiver.recv().await.is_none(), "every sender has gone");
    report("end");
    Ok(())
}

#[test]
fn a_crash_drops_what_waits_in_them() {
    let events = ["now", "locked", "acquired", "promised", "sent", "end", "dropped"];
    for engine in Engine::ALL {
        for schedule in ["fifo", "random"] {
            if engine == Engine::Turmoil && schedule == "random" {
                continue;
            }
            for crash in ["event = { host = 'client-1', name = 'now' }", "at = '500us'"] {
                let alive = Arc::new(AtomicU32::new(0));
                let counted = Arc::clone(&alive);
                let protocol = client_only(move |client| waits(client, Arc::clone(&counted)));
                let rest = format!(
                    "engine = '{}'\nschedule = '{schedule}'\n[[fault]]\n{crash}\naction = 'crash'
                    host = 'client-1'\nfor = '5ms'",
                    engine.name()
                );
                let protocol = protocol.events(&events);
                let outcome = run(protocol.clone(), 3, &rest);
                let mut seen = names(&outcome);
                assert_eq!(outcome.run.faults[0].hits, 1);
                // The first incarnation got no further than its crash, and what it drops reports
                // nothing; the second gets to the end.
                if crash.starts_with("event") {
                    assert_eq!(seen.remove(0), "now");
                }
                seen.sort_unstable();
                let dropped = seen.extract_if(.., |name| name == "dropped").count();
                assert_eq!(dropped, 7);
                assert_eq!(seen, ["acquired", "end", "locked", "promised", "sent"]);
                assert_eq!(alive.load(Ordering::Relaxed), 0, "all was dropped");
                let again = run(protocol, 3, &rest);
                assert_eq!(again.run.trace_hash, outcome.run.trace_hash);
            }
        }
    }
}
