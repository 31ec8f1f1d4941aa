//! UDP sockets: ports, bounded receive buffers, errors as on Linux.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll, Waker};

use super::World;
use super::flight::Line;
use super::queue::Due;
use crate::network::{DropReason, HostId, address};
use crate::trace::Endpoint;

/// The largest payload that fits into an IPv4 UDP datagram.
pub const MAX_PAYLOAD: usize = 65_507;

/// The first port that a host gives to sockets bound to port 0 (RFC 6335, section 6).
const EPHEMERAL: u16 = 49_152;

/// A socket. Plain numbers, so that futures that hold one may be sent between threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketKey {
    world: u64,
    slot: u32,
    generation: u32,
}

/// One socket. What every datagram looks at comes first, in one cache line.
#[repr(C, align(64))]
pub(crate) struct Socket {
    generation: u32,
    open: bool,
    refused: bool,
    armed: bool,
    at: Endpoint,
    received: Line,
    peer: Option<Endpoint>,
    /// Who waits for a datagram. It stays here after it was woken, to be told apart from others
    /// without a clone; `armed` says whether it waits again.
    waker: Option<Waker>,
    /// The next socket of the same host.
    next: Option<u32>,
    bound_to: Ipv4Addr,
    /// The datagram, and which copy, that was received last; 0 if there is none to reject.
    last: (u64, u32),
    /// Other tasks that wait for the same socket.
    others: Vec<Waker>,
}

/// All sockets of a world.
#[derive(Default)]
pub(crate) struct Sockets {
    slots: Vec<Socket>,
    free: Vec<u32>,
}

/// What became of a datagram at its destination.
pub(crate) enum Arrival {
    /// It waits to be received; these are to be woken outside the borrow.
    Buffered(Option<(u32, Waker)>),
    /// It was dropped.
    Dropped(DropReason),
}

impl Sockets {
    #[inline]
    pub fn get(&self, slot: u32, generation: u32) -> Option<&Socket> {
        let socket = self.slots.get(slot as usize)?;
        (socket.open && socket.generation == generation).then_some(socket)
    }

    #[inline]
    fn get_mut(&mut self, slot: u32, generation: u32) -> Option<&mut Socket> {
        let socket = self.slots.get_mut(slot as usize)?;
        (socket.open && socket.generation == generation).then_some(socket)
    }

    fn open(&mut self, at: Endpoint, bound_to: Ipv4Addr) -> u32 {
        let socket = Socket {
            generation: 0,
            open: true,
            at,
            bound_to,
            peer: None,
            received: Line::default(),
            refused: false,
            waker: None,
            armed: false,
            next: None,
            others: Vec::new(),
            last: (0, 0),
        };
        match self.free.pop() {
            Some(slot) => {
                let generation = self.slots[slot as usize].generation;
                self.slots[slot as usize] = Socket { generation, ..socket };
                slot
            }
            None => {
                self.slots.push(socket);
                self.slots.len() as u32 - 1
            }
        }
    }

    /// Closes a socket and hands out the wakers to be dropped outside the borrow.
    fn close(&mut self, slot: u32) -> Vec<Waker> {
        let socket = &mut self.slots[slot as usize];
        socket.open = false;
        socket.generation = socket.generation.wrapping_add(1);
        self.free.push(slot);
        let mut wakers = std::mem::take(&mut socket.others);
        wakers.extend(socket.waker.take());
        wakers
    }

    /// True if some socket has a datagram that was not received yet.
    pub fn holds_datagrams(&self) -> bool {
        self.slots.iter().any(|socket| socket.open && socket.received.length > 0)
    }

    /// Puts a woken waker back; one that is not wanted is handed back, to be dropped outside.
    #[inline]
    pub fn put_back(&mut self, slot: u32, waker: Waker) -> Option<Waker> {
        match self.slots.get_mut(slot as usize) {
            Some(socket) if socket.open && socket.waker.is_none() => {
                socket.waker = Some(waker);
                None
            }
            _ => Some(waker),
        }
    }
}

impl Socket {
    /// Takes out whom to wake, if it waits.
    #[inline]
    fn wake(&mut self) -> Option<Waker> {
        if !self.armed {
            return None;
        }
        self.armed = false;
        self.waker.take()
    }

    /// Remembers who waits. Hands out a waker to be dropped outside the borrow.
    #[inline]
    fn wait(&mut self, cx: &Context<'_>) -> Option<Waker> {
        match &self.waker {
            Some(waker) if waker.will_wake(cx.waker()) => {
                self.armed = true;
                None
            }
            Some(_) if self.armed => {
                if !self.others.iter().any(|other| other.will_wake(cx.waker())) {
                    self.others.push(cx.waker().clone());
                }
                None
            }
            _ => {
                self.armed = true;
                self.waker.replace(cx.waker().clone())
            }
        }
    }
}

fn error<T>(kind: ErrorKind, message: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(kind, message.into()))
}

impl Endpoint {
    pub(crate) fn address(self) -> SocketAddr {
        SocketAddr::from((address(self.host), self.port))
    }
}

impl World {
    fn host_at(&self, address: IpAddr, own: HostId) -> Option<HostId> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        if address.is_loopback() {
            return Some(own);
        }
        let host = address.to_bits().checked_sub(Ipv4Addr::new(10, 0, 0, 1).to_bits())?;
        ((host as usize) < self.hosts.len()).then_some(host)
    }

    pub(crate) fn bind(&mut self, host: HostId, address: SocketAddr) -> io::Result<SocketKey> {
        let IpAddr::V4(bound_to) = address.ip() else {
            return error(
                ErrorKind::Unsupported,
                format!("{address}: simulated hosts have IPv4 only"),
            );
        };
        if !bound_to.is_unspecified() && self.host_at(address.ip(), host) != Some(host) {
            let name = self.plan.host_name(host);
            let message = format!("{address}: cannot assign requested address, {name} has another");
            return error(ErrorKind::AddrNotAvailable, message);
        }
        let port = match address.port() {
            0 => match self.free_port(host) {
                Some(port) => port,
                None => return error(ErrorKind::AddrInUse, "all ephemeral ports are in use"),
            },
            port if self.socket_at(Endpoint { host, port }).is_some() => {
                return error(ErrorKind::AddrInUse, format!("{address}: address already in use"));
            }
            port => port,
        };
        let slot = self.sockets.open(Endpoint { host, port }, bound_to);
        let socket = &mut self.sockets.slots[slot as usize];
        socket.next = self.hosts[host as usize].first_socket.replace(slot);
        let generation = socket.generation;
        Ok(SocketKey { world: self.id, slot, generation })
    }

    fn socket(&mut self, key: SocketKey) -> io::Result<&mut Socket> {
        let same = key.world == self.id;
        match self.sockets.get_mut(key.slot, key.generation).filter(|_| same) {
            Some(socket) => Ok(socket),
            None => error(ErrorKind::NotConnected, "the socket belongs to an earlier incarnation"),
        }
    }

    pub(crate) fn connect(&mut self, key: SocketKey, peer: SocketAddr) -> io::Result<()> {
        let own = self.socket(key)?.at.host;
        let Some(host) = self.host_at(peer.ip(), own) else {
            return error(ErrorKind::NetworkUnreachable, format!("{peer}: network is unreachable"));
        };
        let socket = self.socket(key)?;
        socket.peer = Some(Endpoint { host, port: peer.port() });
        if socket.bound_to.is_unspecified() {
            socket.bound_to = address(own);
        }
        Ok(())
    }

    pub(crate) fn local_addr(&mut self, key: SocketKey) -> io::Result<SocketAddr> {
        let socket = self.socket(key)?;
        Ok(SocketAddr::from((socket.bound_to, socket.at.port)))
    }

    pub(crate) fn peer_addr(&mut self, key: SocketKey) -> io::Result<SocketAddr> {
        match self.socket(key)?.peer {
            Some(peer) => Ok(peer.address()),
            None => error(ErrorKind::NotConnected, "the socket is not connected"),
        }
    }

    /// Sends a datagram; without a target, to the connected peer.
    #[inline]
    pub(crate) fn send(
        &mut self,
        key: SocketKey,
        payload: &[u8],
        target: Option<&SocketAddr>,
    ) -> io::Result<usize> {
        let socket = self.socket(key)?;
        let from = socket.at;
        if std::mem::take(&mut socket.refused) {
            return refused();
        }
        let to = match (target, socket.peer) {
            (None, Some(peer)) => peer,
            (None, None) => return error(ErrorKind::NotConnected, "destination address required"),
            (Some(target), _) => match self.host_at(target.ip(), from.host) {
                Some(host) => Endpoint { host, port: target.port() },
                None => {
                    let message = format!("{target}: network is unreachable");
                    return error(ErrorKind::NetworkUnreachable, message);
                }
            },
        };
        if to.port == 0 {
            return error(ErrorKind::InvalidInput, "port 0 is no destination");
        }
        if payload.len() > MAX_PAYLOAD {
            let length = payload.len();
            let message = format!("message too long: {length} bytes, UDP carries {MAX_PAYLOAD}");
            return error(ErrorKind::InvalidInput, message);
        }
        self.transmit(from, to, payload);
        Ok(payload.len())
    }

    /// Receives a datagram into `buffer`; what does not fit is lost, as on Linux.
    #[inline]
    pub(crate) fn poll_recv(
        &mut self,
        key: SocketKey,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, Endpoint)>> {
        let socket = self.socket(key)?;
        if std::mem::take(&mut socket.refused) {
            return Poll::Ready(refused());
        }
        // The borrow of the socket must not be that of the world.
        let socket = &mut self.sockets.slots[key.slot as usize];
        let Some(slot) = socket.received.pop(&self.flights) else {
            if let Some(replaced) = socket.wait(cx) {
                self.garbage.push(replaced);
            }
            return Poll::Pending;
        };
        let flight = self.flights.get(slot);
        let from = flight.from;
        socket.last = (flight.id, flight.copy);
        let length = flight.payload.len().min(buffer.len());
        buffer[..length].copy_from_slice(&flight.payload[..length]);
        self.flights.release(slot);
        Poll::Ready(Ok((length, from)))
    }

    /// The software throws away what it received last on a socket.
    pub(crate) fn reject(&mut self, key: SocketKey, reason: DropReason) {
        let Ok(socket) = self.socket(key) else { return };
        let (id, copy) = std::mem::take(&mut socket.last);
        // Datagrams are numbered from 1.
        if id > 0 {
            self.counts.delivered -= 1;
            self.dropped(id, copy, reason);
        }
    }

    pub(crate) fn close(&mut self, key: SocketKey) -> Vec<Waker> {
        if key.world != self.id || self.sockets.get(key.slot, key.generation).is_none() {
            return Vec::new();
        }
        self.close_socket(key.slot)
    }

    /// Closes a socket with all that waits in it, and hands out the wakers to be dropped outside
    /// the borrow.
    pub(super) fn close_socket(&mut self, slot: u32) -> Vec<Waker> {
        let socket = &mut self.sockets.slots[slot as usize];
        while let Some(waiting) = socket.received.pop(&self.flights) {
            self.flights.release(waiting);
        }
        let (host, next) = (socket.at.host, socket.next);
        let first = &mut self.hosts[host as usize].first_socket;
        if *first == Some(slot) {
            *first = next;
        } else {
            let before = self.sockets_of(host).find(|(_, one)| one.next == Some(slot));
            if let Some((before, _)) = before {
                self.sockets.slots[before as usize].next = next;
            }
        }
        self.sockets.close(slot)
    }

    /// The open sockets of a host.
    #[inline]
    fn sockets_of(&self, host: HostId) -> impl Iterator<Item = (u32, &Socket)> {
        let mut next = self.hosts[host as usize].first_socket;
        std::iter::from_fn(move || {
            let slot = next?;
            let socket = &self.sockets.slots[slot as usize];
            next = socket.next;
            Some((slot, socket))
        })
    }

    /// The socket bound to a port.
    #[inline]
    fn socket_at(&self, at: Endpoint) -> Option<u32> {
        let mut sockets = self.sockets_of(at.host);
        sockets.find_map(|(slot, socket)| (socket.at.port == at.port).then_some(slot))
    }

    fn free_port(&mut self, host: HostId) -> Option<u16> {
        let count = u32::from(u16::MAX - EPHEMERAL) + 1;
        for _ in 0..count {
            let counter = &mut self.hosts[host as usize].next_port;
            let port = EPHEMERAL + (*counter % count) as u16;
            *counter += 1;
            if self.socket_at(Endpoint { host, port }).is_none() {
                return Some(port);
            }
        }
        None
    }

    /// Puts an arriving datagram into its socket's buffer.
    #[inline]
    pub(super) fn receive(&mut self, flight: u32) -> Arrival {
        let (from, to) = (self.flights.get(flight).from, self.flights.get(flight).to);
        let host = &self.hosts[to.host as usize];
        if !host.up {
            return Arrival::Dropped(DropReason::HostDown);
        }
        let capacity = host.receive_buffer;
        let Some(slot) = self.socket_at(to) else {
            self.refuse(from, to);
            return Arrival::Dropped(DropReason::NoSocket);
        };
        let socket = &mut self.sockets.slots[slot as usize];
        if socket.peer.is_some_and(|peer| peer != from) {
            self.refuse(from, to);
            return Arrival::Dropped(DropReason::NoSocket);
        }
        if socket.received.length as usize >= capacity {
            return Arrival::Dropped(DropReason::BufferFull);
        }
        socket.received.push(&mut self.flights, flight);
        let waker = socket.wake();
        if !socket.others.is_empty() {
            let others = std::mem::take(&mut socket.others);
            self.wakes.extend(others);
        }
        Arrival::Buffered(waker.map(|waker| (slot, waker)))
    }

    /// Lets a connected sender learn that nobody listens, as ICMP "port unreachable" would
    /// (RFC 1122, section 4.1.3.3), after the way back, unless that is cut.
    fn refuse(&mut self, sender: Endpoint, closed: Endpoint) {
        if !self.hosts[sender.host as usize].up || self.network.is_cut(closed.host, sender.host) {
            return;
        }
        let Some(socket) = self.socket_at(sender) else {
            return;
        };
        let state = &self.sockets.slots[socket as usize];
        if state.peer == Some(closed) {
            let at = self.now.saturating_add(self.network.delay(closed.host, sender.host));
            let generation = state.generation;
            self.queue.push(at, Due::Refusal { socket, generation });
        }
    }

    /// Tells a connected socket that its peer's port is closed.
    pub(super) fn learn_refusal(&mut self, slot: u32, generation: u32) -> Option<(u32, Waker)> {
        let socket = self.sockets.get_mut(slot, generation)?;
        socket.refused = true;
        let (at, waker) = (socket.at, socket.wake());
        self.recorder.refused(at);
        waker.map(|waker| (slot, waker))
    }
}

fn refused<T>() -> io::Result<T> {
    error(ErrorKind::ConnectionRefused, "connection refused: the peer's port is closed")
}
