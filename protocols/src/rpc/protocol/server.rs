//! The host `server`: the bank or the counter; and the host `mapper`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use squall_sim::net::lookup_host;
use squall_sim::protocol::{HostResult, Server, report};
use squall_sim::task;

use super::options;
use crate::rpc::programs::Ledger;
use crate::rpc::programs::bank::{Bank, BankV1Server};
use crate::rpc::programs::counter::{Counter, CounterV1Server};
use crate::rpc::programs::portmap::{self, PMAP_PORT, PmapVersServer, Portmap};
use crate::rpc::server::{ServerSettings, serve};
use crate::rpc::{Client, ClientSettings, Endpoint, EndpointSettings, Program};

/// Where the bank keeps its journal.
const JOURNAL: &str = "journal";

/// What the server runs.
pub(super) async fn run(server: Server) -> HostResult {
    let options = server.options().clone();
    let address = server.address();
    let ledger = Ledger::new(move |memo| {
        server.execute(memo);
    });
    let mut settings = options::server_settings(&options);
    let program: Arc<dyn Program> = if options.word("application") == "counter" {
        let counter = Counter::new(options.duration("service"), ledger);
        Arc::new(CounterV1Server(counter))
    } else {
        let (bank, opened) = Bank::open(JOURNAL, options::bank_settings(&options), ledger).await?;
        if opened.damaged > 0 {
            report("journal-damaged");
        }
        settings.recovered = opened.replies;
        Arc::new(BankV1Server(bank))
    };
    let endpoint = Endpoint::bind(address, options::endpoint(&options)).await?;
    if options.flag("mapper") {
        let settings = options::mapper_settings(&options);
        task::spawn(register(settings, program.program(), program.version(), address.port()));
    }
    Ok(serve(endpoint, vec![program], settings).await?)
}

/// Registers the server's program. If the port mapper does not answer within its attempts, clients that
/// ask it will not find the server.
async fn register(settings: ClientSettings, program: u32, version: u32, port: u16) {
    let Ok(client) = mapper_client(settings).await else { return report("not-registered") };
    match portmap::register(&client, program, version, port).await {
        Ok(true) => report("registered"),
        Ok(false) | Err(_) => report("not-registered"),
    }
}

/// Where the port mapper listens.
pub(super) async fn mapper() -> io::Result<SocketAddr> {
    lookup_host(format!("mapper:{PMAP_PORT}")).await
}

/// A client of the port mapper.
pub(super) async fn mapper_client(settings: ClientSettings) -> io::Result<Client> {
    let endpoint = Endpoint::bind((Ipv4Addr::UNSPECIFIED, 0), EndpointSettings::default()).await?;
    Ok(Client::new(endpoint, mapper().await?, settings))
}

/// What the host `mapper` runs.
pub(super) async fn run_mapper(_: Server) -> HostResult {
    let address = (Ipv4Addr::UNSPECIFIED, PMAP_PORT as u16);
    let endpoint = Endpoint::bind(address, EndpointSettings::default()).await?;
    let program = Arc::new(PmapVersServer(Portmap::default()));
    Ok(serve(endpoint, vec![program], ServerSettings::default()).await?)
}
