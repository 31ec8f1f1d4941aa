//! UDP sockets that look like tokio's: simulated on a simulated host, tokio's own elsewhere.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use crate::world::{self, SocketKey, World};

pub use crate::world::MAX_PAYLOAD;

/// Something that names one socket address: an address, or a host name and a port.
///
/// On a simulated host the names are those of the scenario's hosts.
pub trait ToSocketAddr: Send + Sync {
    /// The address, if no name has to be looked up.
    fn address(&self) -> Option<SocketAddr>;

    /// Host name and port, if a name has to be looked up.
    fn name(&self) -> Option<(&str, u16)> {
        None
    }
}

impl ToSocketAddr for SocketAddr {
    #[inline]
    fn address(&self) -> Option<SocketAddr> {
        Some(*self)
    }
}

impl<A: Into<IpAddr> + Copy + Send + Sync> ToSocketAddr for (A, u16) {
    fn address(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.0.into(), self.1))
    }
}

impl ToSocketAddr for &str {
    fn address(&self) -> Option<SocketAddr> {
        self.parse().ok()
    }

    fn name(&self) -> Option<(&str, u16)> {
        let (name, port) = self.rsplit_once(':')?;
        Some((name, port.parse().ok()?))
    }
}

impl ToSocketAddr for String {
    fn address(&self) -> Option<SocketAddr> {
        self.parse().ok()
    }

    fn name(&self) -> Option<(&str, u16)> {
        let (name, port) = self.rsplit_once(':')?;
        Some((name, port.parse().ok()?))
    }
}

impl<T: ToSocketAddr + ?Sized> ToSocketAddr for &T {
    fn address(&self) -> Option<SocketAddr> {
        (**self).address()
    }

    fn name(&self) -> Option<(&str, u16)> {
        (**self).name()
    }
}

/// Looks a host name up: `"server:9000"`. An address in digits needs no look-up.
///
/// # Errors
/// If there is no such host, or the text is not of the form `name:port`.
pub async fn lookup_host(target: impl ToSocketAddr) -> io::Result<SocketAddr> {
    if let Some(address) = target.address() {
        return Ok(address);
    }
    let Some((name, port)) = target.name() else {
        let message = "a socket address is written name:port";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    };
    let known = world::with_host(|world, _| world.lookup(name));
    let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no host is named {name:?}"));
    match known {
        Some(address) => Ok(SocketAddr::new(address.ok_or_else(unknown)?, port)),
        None => tokio::net::lookup_host((name, port)).await?.next().ok_or_else(unknown),
    }
}

/// A UDP socket.
///
/// On a simulated host: IPv4, a receive buffer of as many datagrams as the scenario says, and the
/// errors that Linux gives: address in use, message too long, network unreachable, and connection
/// refused on a connected socket whose peer's port is closed. Elsewhere: tokio's socket.
///
/// Every operation is cancel safe: dropped before it is ready, it has done nothing.
#[derive(Debug)]
pub struct UdpSocket(Kind);

#[derive(Debug)]
enum Kind {
    Simulated(SocketKey),
    Real(tokio::net::UdpSocket),
}

impl UdpSocket {
    /// Binds a socket; port 0 takes a free one.
    ///
    /// # Errors
    /// If the address is in use or not the host's, or its name is not known.
    pub async fn bind(address: impl ToSocketAddr) -> io::Result<UdpSocket> {
        let address = lookup_host(address).await?;
        match world::once(|world, host| world.bind(host, address)).await {
            Some(bound) => Ok(UdpSocket(Kind::Simulated(bound?))),
            None => Ok(UdpSocket(Kind::Real(tokio::net::UdpSocket::bind(address).await?))),
        }
    }

    /// Sets the peer: [`UdpSocket::send`] goes there, and only its datagrams are received.
    ///
    /// # Errors
    /// If the name is not known, or no host has the address.
    pub async fn connect(&self, peer: impl ToSocketAddr) -> io::Result<()> {
        let peer = lookup_host(peer).await?;
        match &self.0 {
            Kind::Simulated(key) => simulated(|world| world.connect(*key, peer)).await,
            Kind::Real(socket) => socket.connect(peer).await,
        }
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    /// If the socket is one of a host's earlier incarnation.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Simulated(key) => {
                world::with(|world| world.local_addr(*key)).unwrap_or_else(|| Err(no_world()))
            }
            Kind::Real(socket) => socket.local_addr(),
        }
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// If it is not connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Simulated(key) => {
                world::with(|world| world.peer_addr(*key)).unwrap_or_else(|| Err(no_world()))
            }
            Kind::Real(socket) => socket.peer_addr(),
        }
    }

    /// Sends a datagram to `target`. Gives the number of bytes sent: all of them.
    ///
    /// # Errors
    /// If the payload is over [`MAX_PAYLOAD`] bytes, no host has the address, or an earlier
    /// datagram of this connected socket was refused.
    pub async fn send_to(&self, payload: &[u8], target: impl ToSocketAddr) -> io::Result<usize> {
        match &self.0 {
            Kind::Simulated(key) => {
                // Nearly always an address, which then need not be moved about.
                if let Some(sent) = poll_fn(|cx| poll_send_to(cx, *key, payload, &target)).await {
                    return sent;
                }
                let target = lookup_host(target).await?;
                poll_fn(|cx| poll_send(cx, *key, payload, Some(&target))).await
            }
            Kind::Real(socket) => {
                let target = lookup_host(target).await?;
                socket.send_to(payload, target).await
            }
        }
    }

    /// Sends a datagram to the connected peer. Gives the number of bytes sent: all of them.
    ///
    /// # Errors
    /// As [`UdpSocket::send_to`], or if the socket is not connected.
    pub async fn send(&self, payload: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Simulated(key) => poll_fn(|cx| poll_send(cx, *key, payload, None)).await,
            Kind::Real(socket) => socket.send(payload).await,
        }
    }

    /// Receives a datagram and says how long it was and where it came from. What does not fit into
    /// `buffer` is lost.
    ///
    /// # Errors
    /// If an earlier datagram of this connected socket was refused.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.0 {
            Kind::Simulated(key) => poll_fn(|cx| poll_recv(*key, cx, buffer)).await,
            Kind::Real(socket) => socket.recv_from(buffer).await,
        }
    }

    /// Receives a datagram of the connected peer.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`], or if the socket is not connected.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.peer_addr()?;
        Ok(self.recv_from(buffer).await?.0)
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        if let Kind::Simulated(key) = &self.0 {
            // The wakers are dropped here, outside the borrow.
            drop(world::with(|world| world.close(*key)));
        }
    }
}

#[inline]
fn poll_recv(
    key: SocketKey,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<(usize, SocketAddr)>> {
    match world::poll_host(cx, |world, _| world.poll_recv(key, cx, buffer)) {
        Poll::Pending => Poll::Pending,
        Poll::Ready(Some(Ok((length, from)))) => Poll::Ready(Ok((length, from.address()))),
        Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
        Poll::Ready(None) => Poll::Ready(Err(no_world())),
    }
}

/// `None` if the target's name has to be looked up.
#[inline]
fn poll_send_to(
    cx: &Context<'_>,
    key: SocketKey,
    payload: &[u8],
    target: &impl ToSocketAddr,
) -> Poll<Option<io::Result<usize>>> {
    match target.address() {
        Some(target) => poll_send(cx, key, payload, Some(&target)).map(Some),
        None => Poll::Ready(None),
    }
}

#[inline]
fn poll_send(
    cx: &Context<'_>,
    key: SocketKey,
    payload: &[u8],
    target: Option<&SocketAddr>,
) -> Poll<io::Result<usize>> {
    world::poll_host(cx, |world, _| Poll::Ready(world.send(key, payload, target)))
        .map(|sent| sent.unwrap_or_else(|| Err(no_world())))
}

async fn simulated<R>(f: impl FnOnce(&mut World) -> io::Result<R>) -> io::Result<R> {
    world::once(|world, _| f(world)).await.unwrap_or_else(|| Err(no_world()))
}

fn no_world() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket's simulation is over")
}
