//! Host software that cannot be simulated is told so at once: no hang, no abort.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use squall::check::Verdict;
use squall::net::UdpSocket;
use squall::task::{spawn, yield_now};
use squall::time::{Duration, sleep};
use squall::{Client, HostResult, Registry, RunError, Settings};

use super::{client_only, run};

/// Runs a client that does something wrong, and gives the first failure's text.
fn failure<F>(client: impl Fn(Client) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = HostResult> + 'static,
{
    let outcome = run(client_only(client), "");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    outcome.report.failures[0].clone()
}

#[test]
fn tokio_timers_tasks_and_sockets_name_their_replacement() {
    let timer = failure(async |_| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(())
    });
    let task = failure(async |_| {
        tokio::spawn(async {});
        Ok(())
    });
    let socket = failure(async |_| {
        tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
        Ok(())
    });
    for text in [timer, task, socket] {
        assert!(text.starts_with("host software of client-1 panicked"), "{text}");
        assert!(text.contains("use squall::time, squall::task and squall::net"), "{text}");
        assert!(text.contains("--engine turmoil"), "{text}");
    }
}

#[test]
fn a_simulation_refuses_to_start_inside_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let registry = Registry::shipped();
    let scenario = registry.parse("test", "title = 'a test'\nprotocol = 'ack'").unwrap();
    let inside = runtime.block_on(async { registry.run(&scenario, Settings::default()) });
    let Err(RunError::Start(error)) = inside else { panic!("{inside:?}") };
    assert!(error.to_string().contains("cannot run inside a tokio runtime"), "{error}");
    assert!(registry.run(&scenario, Settings::default()).is_ok());
}

#[test]
fn a_simulation_refuses_to_start_inside_another() {
    let text = failure(async |_| {
        let registry = Registry::shipped();
        let scenario = registry.parse("test", "title = 'a test'\nprotocol = 'ack'")?;
        registry.run(&scenario, Settings::default())?;
        Ok(())
    });
    assert!(text.contains("running on this thread already"), "{text}");
}

#[test]
fn a_panic_is_a_verdict_with_its_place() {
    let text = failure(async |_| panic!("the sky falls"));
    assert!(text.contains("client-1 panicked: the sky falls at tests/misuse.rs:"), "{text}");
    let dying = run(
        client_only(async |_| {
            struct Bomb;
            impl Drop for Bomb {
                fn drop(&mut self) {
                    panic!("in drop");
                }
            }
            let _bomb = Bomb;
            std::future::pending().await
        }),
        "fault = [{ at = '1s', action = 'crash', host = 'client-1' }]",
    );
    assert!(dying.report.failures[0].contains("while it was dropped: in drop"));
    let spawned = failure(async |_| {
        spawn(async { panic!("in a task") });
        Ok(())
    });
    assert!(spawned.contains("client-1 panicked: in a task"), "{spawned}");
}

#[test]
fn a_report_that_the_protocol_does_not_declare_is_an_error() {
    let client = async |_| {
        squall::report("ackd");
        Ok(())
    };
    let outcome = run(client_only(client).events(&["acked", "sent"]), "");
    let expected = "client-1 reported `ackd`, which its protocol does not declare; it declares \
                    `acked`, `sent`";
    assert_eq!(outcome.report.failures[0], expected);
}

#[test]
fn an_error_of_host_software_is_a_verdict() {
    let text = failure(async |_| Err("no luck".into()));
    assert_eq!(text, "client-1 ended with an error: no luck");
}

#[test]
fn endless_loops_in_zero_time_are_found() {
    let yielding = failure(async |_| {
        loop {
            yield_now().await;
        }
    });
    assert!(yielding.contains("an endless loop in zero time: client-1"), "{yielding}");
    let sleeping = failure(async |_| {
        loop {
            sleep(Duration::ZERO).await;
        }
    });
    assert!(sleeping.contains("without ever waiting"), "{sleeping}");
    let sending = failure(async |client: Client| {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        loop {
            socket.send_to(b"x", client.server()).await?;
        }
    });
    assert!(sending.contains("without ever waiting"), "{sending}");
    let waiting = failure(async |_| {
        let start = squall::time::Instant::now();
        while start.elapsed() < Duration::from_secs(1) {}
        Ok(())
    });
    assert!(waiting.contains("without ever waiting"), "{waiting}");
}

#[test]
fn a_run_of_too_many_events_is_stopped() {
    let client = async |_| {
        loop {
            sleep(Duration::from_nanos(1)).await;
        }
    };
    let outcome = run(client_only(client), "max_events = 1000");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    assert!(outcome.report.failures[0].contains("more than 1000 events"), "{:?}", outcome.report);
}

#[test]
fn waiting_for_what_cannot_come_ends_the_run_with_a_clear_text() {
    let client = async |mut client: Client| {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        let message = client.next().await;
        socket.recv_from(&mut [0; 9]).await?;
        drop(message);
        Ok(())
    };
    let outcome = run(client_only(client), "expect.completes = true");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    let text = &outcome.report.failures[0];
    assert!(text.contains("client-1#1, issued at 0.000 ms, never ended"), "{text}");
    assert!(text.contains("all hosts wait for what cannot come"), "{text}");
}

#[test]
fn a_wake_from_another_thread_is_an_error_with_a_name() {
    let client = async |_| {
        let woken = Arc::new(Mutex::new(None::<Waker>));
        let shared = Arc::clone(&woken);
        let thread = || {
            std::thread::spawn(move || woken.lock().unwrap().take().unwrap().wake())
                .join()
                .unwrap();
        };
        spawn(async { thread() });
        std::future::poll_fn(move |cx| {
            *shared.lock().unwrap() = Some(cx.waker().clone());
            std::task::Poll::<()>::Pending
        })
        .await;
        Ok(())
    };
    let text = failure(client);
    assert!(text.contains("woken from another thread"), "{text}");
}
