//! Verdicts that are not pass, and why. Runs that show nothing must not pass.

use std::path::Path;

use squall::check::{Finding, Verdict};
use squall::plan::Guarantee;
use squall::{Client, HostResult, Outcome, Registry, Settings};

use super::{client_only, run};

fn outcome(file: &str) -> Outcome {
    let registry = Registry::shipped();
    let path = Path::new("tests/verdicts").join(file);
    let scenario = registry.load(&path).unwrap_or_else(|error| panic!("{error}"));
    registry.run(&scenario, Settings::default()).unwrap()
}

#[test]
fn a_fault_that_never_hits_makes_the_run_invalid_and_is_named() {
    let outcome = outcome("a_fault_never_hits.toml");
    assert_eq!(outcome.verdict(), Verdict::Invalid);
    assert!(outcome.report.failures[0].contains("fault `lose-the-ninth` never hit"));
}

#[test]
fn a_run_that_is_cut_off_is_inconclusive() {
    let outcome = outcome("cut_off.toml");
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
    assert!(outcome.report.failures[0].contains("cut off"), "{:?}", outcome.report.failures);
}

#[test]
fn a_run_in_which_nothing_was_delivered_is_inconclusive() {
    let outcome = outcome("nothing_delivered.toml");
    assert_eq!(outcome.verdict(), Verdict::Inconclusive);
    assert!(outcome.report.failures[0].contains("nothing was delivered or executed"));
}

#[test]
fn a_duplicate_fails_and_is_proven() {
    let outcome = outcome("retry_is_not_exactly_once.toml");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    let failure = &outcome.report.failures[0];
    assert!(failure.contains("exactly-once is violated: client-1#1 was delivered 2 times"));
    assert!(failure.contains("server/1"), "{failure}");
    assert_eq!(outcome.report.failed_at, Some(210_000_000));
}

async fn lies(mut client: Client) -> HostResult {
    while let Some(message) = client.next().await {
        client.complete(message.id);
    }
    Ok(())
}

async fn idles(mut client: Client) -> HostResult {
    while client.next().await.is_some() {}
    Ok(())
}

#[test]
fn a_sender_that_does_nothing_proves_nothing() {
    for guarantee in ["maybe", "at-least-once", "at-most-once", "exactly-once"] {
        let expect = format!("expect.guarantee = '{guarantee}'");
        let idle = run(client_only(idles), &expect);
        assert_eq!(idle.verdict(), Verdict::Inconclusive, "{guarantee}");
        let shown = run(client_only(idles), &format!("expect.violates = ['{guarantee}']"));
        assert_eq!(shown.verdict(), Verdict::Inconclusive, "{guarantee}");
    }
    assert_eq!(run(client_only(idles), "").verdict(), Verdict::Inconclusive);
}

#[test]
fn a_success_that_never_happened_violates_every_semantics() {
    let outcome = run(client_only(lies), "");
    for guarantee in &Guarantee::ALL[..4] {
        let finding = outcome.report.finding(*guarantee);
        assert!(matches!(finding, Finding::Violated { .. }), "{guarantee:?}: {finding:?}");
    }
}

#[test]
fn delivering_what_was_not_sent_violates_integrity_even_if_nobody_asked() {
    async fn server(server: squall::Server) -> HostResult {
        server.deliver(b"rubbish that nobody has sent");
        Ok(())
    }
    let protocol = client_only(idles).server(server);
    let outcome = run(protocol.clone(), "");
    assert_eq!(outcome.verdict(), Verdict::Fail);
    assert!(outcome.report.failures[0].starts_with("integrity is violated: bytes that no client"));
    assert_eq!(run(protocol, "expect.violates = ['integrity']").verdict(), Verdict::Pass);
}
