//! Random numbers for host software: from a named stream of the host on a simulated host, from the
//! operating system elsewhere.

use std::convert::Infallible;

use rand::TryRng;

use crate::stream::{Stream, fill};
use crate::world;

/// The random numbers of the running host. Implements [`rand::Rng`].
///
/// On a simulated host each draw comes from the stream keyed by seed, host and incarnation.
pub fn rng() -> HostRng {
    HostRng(())
}

/// See [`rng`].
#[derive(Clone, Debug)]
pub struct HostRng(());

impl HostRng {
    fn next(&mut self) -> u64 {
        let simulated = world::with_host(|world, host| {
            let incarnation = world.hosts[host as usize].incarnation.to_string();
            let name = &world.plan.hosts[host as usize].name;
            let stream = Stream::new(world.plan.seed, &["host", name, &incarnation]);
            let state = &mut world.hosts[host as usize];
            state.draws += 1;
            rand::Rng::next_u64(&mut stream.draw(state.draws))
        });
        simulated.unwrap_or_else(|| rand::Rng::next_u64(&mut rand::rng()))
    }
}

impl TryRng for HostRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(bytes, || self.next());
        Ok(())
    }
}
