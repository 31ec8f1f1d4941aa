//! The port mapper, version 2 (RFC 1833, section 3): servers register programs with it, and clients ask
//! it for their ports.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::rpc::{Call, CallError, Client, Fault};

mod interface {
    include!(concat!(env!("OUT_DIR"), "/portmap.rs"));
}

pub use interface::*;

/// Ports by program, version and transport.
type Ports = BTreeMap<(u32, u32, u32), u32>;

/// The ports of one machine's programs. Clones are the same mapper.
#[derive(Clone, Debug, Default)]
pub struct Portmap(Arc<Mutex<Ports>>);

impl Portmap {
    fn with<R>(&self, f: impl FnOnce(&mut Ports) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PmapVers for Portmap {
    /// False if there is such a mapping: it stays.
    async fn pmapproc_set(&self, _: &Call, mapping: Mapping) -> Result<bool, Fault> {
        let Mapping { prog, vers, prot, port } = mapping;
        Ok(self.with(|known| match known.entry((prog, vers, prot)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(port);
                true
            }
        }))
    }

    /// Takes away the mappings of all transports.
    async fn pmapproc_unset(&self, _: &Call, mapping: Mapping) -> Result<bool, Fault> {
        let Mapping { prog, vers, .. } = mapping;
        Ok(self.with(|known| {
            let before = known.len();
            known.retain(|(program, version, _), _| (*program, *version) != (prog, vers));
            known.len() < before
        }))
    }

    /// 0 if there is none.
    async fn pmapproc_getport(&self, _: &Call, mapping: Mapping) -> Result<u32, Fault> {
        let Mapping { prog, vers, prot, .. } = mapping;
        Ok(self.with(|known| known.get(&(prog, vers, prot)).copied()).unwrap_or(0))
    }

    async fn pmapproc_dump(&self, _: &Call) -> Result<PmaplistPtr, Fault> {
        let list = self.with(|known| {
            known.iter().rev().fold(None, |next, ((prog, vers, prot), port)| {
                let map = Mapping { prog: *prog, vers: *vers, prot: *prot, port: *port };
                Some(Box::new(Pmaplist { map, next: PmaplistPtr(next) }))
            })
        });
        Ok(PmaplistPtr(list))
    }

    /// Calls on behalf of others are not made: they hide who calls.
    async fn pmapproc_callit(&self, _: &Call, _: CallArgs) -> Result<CallResult, Fault> {
        Err(Fault::NoProcedure)
    }
}

/// Why a server could not be found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The port mapper could not be asked.
    #[error("the port mapper at {mapper} gives no answer: {error}")]
    NoMapper {
        /// Where it should be.
        mapper: SocketAddr,
        /// What happened.
        error: CallError,
    },
    /// It has no such program, or nonsense.
    #[error("the port mapper at {mapper} knows no port of program {program} version {version}")]
    NotRegistered {
        /// Where it is.
        mapper: SocketAddr,
        /// The program.
        program: u32,
        /// Its version.
        version: u32,
    },
}

/// Asks the port mapper at `mapper`, whose client this is, for the UDP port of a program.
///
/// # Errors
/// If it does not answer within the client's attempts, or knows none.
pub async fn lookup(
    client: &Client,
    mapper: SocketAddr,
    program: u32,
    version: u32,
) -> Result<u16, LookupError> {
    let mapping = Mapping { prog: program, vers: version, prot: IPPROTO_UDP, port: 0 };
    let asked = PmapVersClient(client.clone()).pmapproc_getport(&mapping).await;
    let port = asked.map_err(|error| LookupError::NoMapper { mapper, error })?;
    match u16::try_from(port) {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(LookupError::NotRegistered { mapper, program, version }),
    }
}

/// Registers a program's UDP port, in place of what an earlier life of the server registered.
///
/// # Errors
/// If the mapper does not answer within the client's attempts.
pub async fn register(
    client: &Client,
    program: u32,
    version: u32,
    port: u16,
) -> Result<bool, CallError> {
    let mapping = Mapping { prog: program, vers: version, prot: IPPROTO_UDP, port: port.into() };
    let client = PmapVersClient(client.clone());
    client.pmapproc_unset(&mapping).await?;
    client.pmapproc_set(&mapping).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oncrpc::Auth;
    use crate::rpc::Procedure;
    use crate::rpc::cache::CallKey;

    fn call() -> Call {
        let client = SocketAddr::from(([127, 0, 0, 1], 1));
        let procedure = Procedure { program: PMAP_PROG, version: PMAP_VERS, number: 1 };
        Call { key: CallKey { xid: 1, client, procedure, digest: 0 }, credential: Auth::NONE }
    }

    fn mapping(prog: u32, vers: u32, prot: u32, port: u32) -> Mapping {
        Mapping { prog, vers, prot, port }
    }

    #[tokio::test]
    async fn a_mapping_stays_until_it_is_taken_away() {
        let (mapper, call) = (Portmap::default(), call());
        let set = async |mapping: Mapping| mapper.pmapproc_set(&call, mapping).await.unwrap();
        let port = async |prog, vers, prot| {
            mapper.pmapproc_getport(&call, mapping(prog, vers, prot, 0)).await.unwrap()
        };
        let unset = async |prog, vers| {
            mapper.pmapproc_unset(&call, mapping(prog, vers, 0, 0)).await.unwrap()
        };
        assert_eq!(port(7, 1, IPPROTO_UDP).await, 0);
        assert!(set(mapping(7, 1, IPPROTO_UDP, 700)).await);
        assert!(!set(mapping(7, 1, IPPROTO_UDP, 999)).await);
        assert!(set(mapping(7, 1, IPPROTO_TCP, 701)).await);
        assert!(set(mapping(7, 2, IPPROTO_UDP, 702)).await);
        assert!(set(mapping(8, 1, IPPROTO_UDP, 800)).await);
        assert_eq!(port(7, 1, IPPROTO_UDP).await, 700);
        assert_eq!(port(7, 1, IPPROTO_TCP).await, 701);
        let mut list = mapper.pmapproc_dump(&call).await.unwrap().0;
        let mut ports = Vec::new();
        while let Some(entry) = list {
            ports.push(entry.map.port);
            list = entry.next.0;
        }
        assert_eq!(ports, [701, 700, 702, 800]);
        // Both transports go, and nothing else.
        assert!(unset(7, 1).await);
        assert!(!unset(7, 1).await);
        assert_eq!(port(7, 1, IPPROTO_UDP).await, 0);
        assert_eq!(port(7, 1, IPPROTO_TCP).await, 0);
        assert_eq!((port(7, 2, IPPROTO_UDP).await, port(8, 1, IPPROTO_UDP).await), (702, 800));
    }
}
