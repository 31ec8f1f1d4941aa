//! The links that have something to remember, made when first used.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::config::HostId;
use super::link::Link;
use crate::stream::mix;

/// Links by their ends.
pub(super) struct Links {
    links: Vec<Link>,
    /// For few hosts: a link's index plus one, at `from * hosts + to`.
    table: Vec<u32>,
    width: usize,
    /// For many hosts.
    map: HashMap<u64, u32, BuildHasherDefault<PairHasher>>,
}

/// Up to this many hosts a table of all pairs is small.
const TABLE_HOSTS: usize = 64;

impl Links {
    pub fn new(hosts: usize) -> Self {
        let cells = if hosts <= TABLE_HOSTS { hosts * hosts } else { 0 };
        Links { links: Vec::new(), table: vec![0; cells], width: hosts, map: HashMap::default() }
    }

    #[inline]
    pub fn get(&mut self, seed: u64, hosts: &[String], from: HostId, to: HostId) -> &mut Link {
        let index = if self.table.is_empty() {
            self.map.entry(u64::from(from) << 32 | u64::from(to)).or_insert(0)
        } else {
            &mut self.table[from as usize * self.width + to as usize]
        };
        if *index == 0 {
            let name = |host: HostId| hosts[host as usize].as_str();
            self.links.push(Link::new(seed, name(from), name(to)));
            *index = self.links.len() as u32;
        }
        &mut self.links[*index as usize - 1]
    }

    /// Ends every hold and queue.
    pub fn release(&mut self) {
        self.links.iter_mut().for_each(Link::release);
    }
}

/// Hashes a pair of hosts packed into one number. The map is never iterated.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are single numbers")
    }

    fn write_u64(&mut self, pair: u64) {
        self.0 = mix(pair);
    }
}
