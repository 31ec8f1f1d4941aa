//! The calculator on simulated hosts, as a protocol of its own that scenarios speak of: `ECHO` carries the
//! messages of the workload.

use std::error::Error;
use std::sync::Arc;

use calc::calc::{Addargs, Blob, CalcV1, CalcV1Client, CalcV1Server, Divresult, Mixed};
use squall::check::Verdict;
use squall::protocols::rpc::{self, Call, Client, ClientSettings, Endpoint, EndpointSettings};
use squall::protocols::rpc::{Fault, ServerSettings, serve};
use squall::{HostResult, Protocol, Registry, Settings};

/// What runs on the host `server`.
struct Calculator(squall::Server);

impl CalcV1 for Calculator {
    async fn echo(&self, _: &Call, blob: Blob) -> Result<Blob, Fault> {
        // What the checks count: the message says which operation it belongs to.
        self.0.execute(&blob.0);
        Ok(blob)
    }

    async fn add(&self, _: &Call, args: Addargs) -> Result<i32, Fault> {
        args.a.checked_add(args.b).ok_or(Fault::Failed)
    }

    async fn incr(&self, _: &Call, _: u32) -> Result<u32, Fault> {
        Err(Fault::NoProcedure)
    }

    async fn div(&self, _: &Call, _: Addargs) -> Result<Divresult, Fault> {
        Err(Fault::NoProcedure)
    }

    async fn mix(&self, _: &Call, _: Mixed) -> Result<Mixed, Fault> {
        Err(Fault::NoProcedure)
    }

    async fn slowincr(&self, _: &Call, _: u32) -> Result<u32, Fault> {
        Err(Fault::NoProcedure)
    }
}

async fn server(host: squall::Server) -> HostResult {
    let endpoint = Endpoint::bind(host.address(), EndpointSettings::default()).await?;
    let program = Arc::new(CalcV1Server(Calculator(host)));
    Ok(serve(endpoint, vec![program], ServerSettings::default()).await?)
}

async fn client(mut host: squall::Client) -> HostResult {
    let endpoint = Endpoint::bind("0.0.0.0:0", EndpointSettings::default()).await?;
    let calc = CalcV1Client(Client::new(endpoint, host.server(), ClientSettings::default()));
    while let Some(message) = host.next().await {
        match calc.echo(&Blob(message.payload.to_vec())).await {
            Ok(_) => host.complete(message.id),
            Err(error) if error.is_definite() => host.fail(message.id),
            Err(_) => host.unknown(message.id),
        }
    }
    Ok(())
}

#[test]
fn a_lost_reply_runs_no_call_twice() -> Result<(), Box<dyn Error>> {
    let calc = Protocol::new("calc", "Calls a calculator.").server(server).client(client);
    let registry = Registry::new().with(rpc::with_words(calc));
    // In a crate of one's own, a file below `scenarios/`.
    let scenario = registry.parse(
        "lost_reply.toml",
        r#"
        title    = "The reply to the second call is lost"
        protocol = "calc"
        workload = { calls = 3 }

        [[fault]]
        packet = { kind = "reply" }
        nth    = 2
        action = "drop"

        [expect]
        guarantee = "exactly-once"
        completes = true
        events    = { received = 3, retransmission = 1, duplicate-suppressed = 1 }
        "#,
    )?;
    let outcome = registry.run(&scenario, Settings::default())?;
    assert_eq!(outcome.verdict(), Verdict::Pass, "{:?}", outcome.report.failures);
    Ok(())
}
