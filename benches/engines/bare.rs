//! The limit: the same hosts, datagrams, delays, losses and timeouts in a hand-written event loop
//! around a binary heap. No sockets, no tasks, no trace, no history, no checks, nothing to configure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use squall::stream::Stream;

use crate::workload::{DELAY, LOSS, SIZE, Shape, TIMEOUT, Targets, Workload, start};

/// Runs a workload and gives the number of datagrams delivered.
pub fn run(work: &Workload) -> u64 {
    let run = |seed| match work.shape {
        Shape::Echo | Shape::Peers => pings(work),
        Shape::StopAndWait => stop_and_wait(work, seed),
    };
    (1..=work.worlds).map(run).sum()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The datagram in this slot.
    Arrival(u32),
    /// A host's timer, in its n-th setting.
    Timer(u32, u32),
}

#[derive(Clone, Copy)]
struct Datagram {
    from: u32,
    to: u32,
    /// Stop-and-wait's header.
    seq: u32,
    is_ack: bool,
    payload: [u8; SIZE],
}

#[derive(Default)]
struct Loop {
    now: u64,
    sequence: u64,
    queue: BinaryHeap<Reverse<(u64, u64, Due)>>,
    datagrams: Vec<Datagram>,
    free: Vec<u32>,
    delivered: u64,
}

impl Loop {
    fn at(&mut self, at: u64, due: Due) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, due)));
    }

    fn send(&mut self, datagram: Datagram) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.datagrams[slot as usize] = datagram;
                slot
            }
            None => {
                self.datagrams.push(datagram);
                self.datagrams.len() as u32 - 1
            }
        };
        self.at(self.now + DELAY.as_nanos() as u64, Due::Arrival(slot));
    }

    fn next(&mut self) -> Option<Due> {
        let Reverse((at, _, due)) = self.queue.pop()?;
        self.now = at;
        Some(due)
    }

    fn receive(&mut self, slot: u32) -> Datagram {
        self.free.push(slot);
        self.delivered += 1;
        self.datagrams[slot as usize]
    }
}

/// The message that makes a client's n-th operation known.
fn message(from: u32, to: u32, number: u32) -> Datagram {
    let mut payload = [0x5a; SIZE];
    payload[..4].copy_from_slice(&from.to_be_bytes());
    payload[4..8].copy_from_slice(&number.to_be_bytes());
    Datagram { from, to, seq: number, is_ack: false, payload }
}

fn pings(work: &Workload) -> u64 {
    let mut world = Loop::default();
    let mut sent = vec![0; work.hosts as usize];
    let targets: Vec<Targets> = (0..work.hosts).map(|host| Targets::of(host, work.hosts)).collect();
    for client in 1..work.hosts {
        world.at(start(client), Due::Timer(client, 0));
    }
    let interval = work.interval.as_nanos() as u64;
    let target = |client: u32, number| match work.shape {
        Shape::Peers => targets[client as usize].get(number),
        _ => 0,
    };
    while let Some(due) = world.next() {
        let client = match due {
            Due::Timer(client, _) => client,
            Due::Arrival(slot) => {
                let datagram = world.receive(slot);
                let payload = black_box(datagram.payload);
                let [a, b, c, d, ..] = payload;
                let client = u32::from_be_bytes([a, b, c, d]);
                if client != datagram.to {
                    world.send(Datagram {
                        from: datagram.to,
                        to: datagram.from,
                        payload,
                        ..datagram
                    });
                    continue;
                }
                if interval > 0 {
                    world.at(world.now + interval, Due::Timer(client, 0));
                    continue;
                }
                client
            }
        };
        let number = &mut sent[client as usize];
        if *number < work.messages {
            *number += 1;
            let message = message(client, target(client, *number), *number);
            world.send(message);
        }
    }
    world.delivered
}

/// One direction of a link that loses what squall's link of this name loses.
struct Lossy {
    stream: Stream,
    count: u64,
}

impl Lossy {
    fn new(seed: u64, from: &str, to: &str) -> Self {
        let stream = Stream::new(seed, &["link", from, to]).part(1);
        Lossy { stream, count: 0 }
    }

    fn send(&mut self, world: &mut Loop, datagram: Datagram) {
        let n = self.count;
        self.count += 1;
        if !self.stream.chance(n, LOSS) {
            world.send(datagram);
        }
    }
}

fn stop_and_wait(work: &Workload, seed: u64) -> u64 {
    let mut world = Loop::default();
    let mut there = Lossy::new(seed, "client-1", "server");
    let mut back = Lossy::new(seed, "server", "client-1");
    let timeout = TIMEOUT.as_nanos() as u64;
    let (mut sending, mut expected, mut setting) = (1, 1, 1);
    there.send(&mut world, message(1, 0, sending));
    world.at(timeout, Due::Timer(1, setting));
    while let Some(due) = world.next() {
        match due {
            Due::Timer(_, set) if set != setting => continue,
            Due::Timer(..) => {}
            Due::Arrival(slot) => {
                let datagram = world.receive(slot);
                black_box(datagram.payload);
                if !datagram.is_ack {
                    expected += u32::from(datagram.seq == expected);
                    let ack = Datagram { from: 0, to: 1, is_ack: true, ..datagram };
                    back.send(&mut world, ack);
                    continue;
                }
                if datagram.seq != sending {
                    continue;
                }
                sending += 1;
                if sending > work.messages {
                    setting += 1;
                    continue;
                }
            }
        }
        // The next message, or the same again.
        there.send(&mut world, message(1, 0, sending));
        setting += 1;
        world.at(world.now + timeout, Due::Timer(1, setting));
    }
    assert_eq!((sending, expected), (work.messages + 1, work.messages + 1));
    world.delivered
}
