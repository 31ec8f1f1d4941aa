//! The host `mapper`, and what server and clients want of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use squall_sim::net::lookup_host;
use squall_sim::protocol::{Client as Host, HostResult, Server, report};
use squall_sim::time::sleep;

use super::settings;
use crate::rpc::programs::portmap::{self, PMAP_PORT, PmapVersServer, Portmap};
use crate::rpc::server::{ServerSettings, serve};
use crate::rpc::{Client, ClientSettings, Endpoint, EndpointSettings};

/// What the host `mapper` runs.
pub(super) async fn run(_: Server) -> HostResult {
    let address = (Ipv4Addr::UNSPECIFIED, PMAP_PORT as u16);
    let endpoint = Endpoint::bind(address, EndpointSettings::default()).await?;
    let program = Arc::new(PmapVersServer(Portmap::default()));
    Ok(serve(endpoint, vec![program], ServerSettings::default()).await?)
}

/// Registers the server's program. If the port mapper does not answer within its attempts, clients that
/// ask it will not find the server.
pub(super) async fn register(settings: ClientSettings, program: u32, version: u32, port: u16) {
    let Ok(client) = connect(settings).await else { return report("not-registered") };
    match portmap::register(&client, program, version, port).await {
        Ok(true) => report("registered"),
        Ok(false) | Err(_) => report("not-registered"),
    }
}

/// Asks the port mapper where the server is, and again if the server has not registered yet. `None` if it
/// is not to be found.
pub(super) async fn find_server(
    host: &Host,
    program: u32,
    version: u32,
) -> io::Result<Option<SocketAddr>> {
    let client = connect(settings::mapper_settings(host.options())).await?;
    let mapper = address().await?;
    for _ in 0..settings::MAPPER_ATTEMPTS {
        match portmap::lookup(&client, mapper, program, version).await {
            Ok(port) => return Ok(Some(SocketAddr::new(host.server().ip(), port))),
            Err(portmap::LookupError::NoMapper { .. }) => {
                report("no-mapper");
                return Ok(None);
            }
            Err(portmap::LookupError::NotRegistered { .. }) => {
                sleep(settings::first_timeout(host.options())).await;
            }
        }
    }
    report("not-found");
    Ok(None)
}

/// Where the port mapper listens.
async fn address() -> io::Result<SocketAddr> {
    lookup_host(format!("mapper:{PMAP_PORT}")).await
}

/// A client of the port mapper.
async fn connect(settings: ClientSettings) -> io::Result<Client> {
    let endpoint = Endpoint::bind((Ipv4Addr::UNSPECIFIED, 0), EndpointSettings::default()).await?;
    Ok(Client::new(endpoint, address().await?, settings))
}
