//! A client that learns of the server's restart and then issues its call anew, or does not: no policy is
//! right in all cases (Tanenbaum and van Steen, "Distributed Systems", "RPC semantics in the presence of
//! failures").

use squall_sim::protocol::{Client as Host, HostResult, report};
use squall_sim::time::{Instant, sleep};

use super::client::{connect, credential_of, life_stamp};
use super::settings;
use crate::oncrpc::Auth;
use crate::rpc::Client;
use crate::rpc::programs::counter::{COUNTER, COUNTER_V1, CounterV1Client};

/// How many timeouts the client watches for a restart after each call.
const WATCH: u32 = 20;

/// What such a client runs. It sends each call once.
pub(super) async fn run(mut host: Host) -> HostResult {
    let born = life_stamp();
    let policy = host.options().word("reissue").to_owned();
    let client = connect(&host, host.server(), born).await?;
    while let Some(message) = host.next().await {
        let id = message.id;
        let before = epoch(&client).await;
        let credential = credential_of(host.number(), id.number, born);
        let counter = CounterV1Client(client.with_credential(credential));
        let mut acknowledged = counter.increment().await.is_ok();
        if restarted(&host, &client, before).await {
            report("restarted");
            let again = match policy.as_str() {
                "always" => true,
                "if-acknowledged" => acknowledged,
                "if-not-acknowledged" => !acknowledged,
                _ => false,
            };
            if again {
                report("reissued");
                acknowledged |= counter.increment().await.is_ok();
            }
        }
        if acknowledged { host.complete(id) } else { host.unknown(id) }
    }
    Ok(())
}

/// The server's present life, as it names it.
async fn epoch(client: &Client) -> Option<Auth> {
    client.null(COUNTER, COUNTER_V1).await.ok()
}

/// Watches for a restart of the server.
async fn restarted(host: &Host, client: &Client, before: Option<Auth>) -> bool {
    let pause = settings::first_timeout(host.options());
    let end = Instant::now() + pause * WATCH;
    while Instant::now() < end {
        let now = epoch(client).await;
        if now.is_some() && now != before {
            return true;
        }
        sleep(pause).await;
    }
    false
}
