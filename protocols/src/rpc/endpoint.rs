//! Where clients and servers send and receive: a UDP socket, with a reliable layer if that is wanted.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use squall_sim::net::{MAX_PAYLOAD, Rejection, ToSocketAddr, UdpSocket};
use squall_sim::task::{Either, select};
use squall_sim::time::{Instant, timeout_at};
use tokio::sync::Notify;

use super::reliable::{OnDatagram, Reliable};
use crate::timer::Timer;

/// How an endpoint sends and receives.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSettings {
    /// The most bytes of a datagram that is received whole, the reliable layer's header included.
    pub room: usize,
    /// With a timer, every message is sent until it is acknowledged, and handed up once.
    pub reliable: Option<Timer>,
}

impl Default for EndpointSettings {
    /// Any datagram, without a reliable layer.
    fn default() -> Self {
        EndpointSettings { room: MAX_PAYLOAD, reliable: None }
    }
}

/// A socket that receives.
#[derive(Debug)]
pub struct Endpoint {
    outlet: Outlet,
    buffer: Vec<u8>,
    /// Kept here so that nothing is lost when a future is dropped.
    acknowledging: Option<Acknowledging>,
}

/// An acknowledgement that is to be sent, and where in the buffer the message lies that is then to be
/// handed up.
#[derive(Debug)]
struct Acknowledging {
    ack: Vec<u8>,
    message: Option<Range<usize>>,
    from: SocketAddr,
}

/// The part of an endpoint that sends, which many may have.
#[derive(Clone, Debug)]
pub struct Outlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    socket: UdpSocket,
    reliable: Option<Mutex<Reliable>>,
    /// Tells the receiving part of a new deadline.
    sent: Notify,
}

impl Inner {
    fn with_reliable<R>(&self, f: impl FnOnce(&mut Reliable) -> R) -> Option<R> {
        let reliable = self.reliable.as_ref()?;
        Some(f(&mut reliable.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Outlet {
    /// Sends a message.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send_to(&self, message: &[u8], to: SocketAddr) -> io::Result<()> {
        let inner = &*self.0;
        match inner.with_reliable(|reliable| reliable.send(Instant::now(), message, to)) {
            None => inner.socket.send_to(message, to).await?,
            Some(datagram) => {
                inner.sent.notify_one();
                let sent = inner.socket.send_to(&datagram, to).await;
                if sent.is_err() {
                    // The sender is told so, and may say that nothing was sent.
                    inner.with_reliable(|reliable| reliable.handle_send_error(&datagram, to));
                }
                sent?
            }
        };
        Ok(())
    }

    /// True if messages are sent until they are acknowledged.
    pub fn is_reliable(&self) -> bool {
        self.0.reliable.is_some()
    }

    /// Says that what was received last finds no room. With a reliable layer it was acknowledged: then
    /// nobody sends it again.
    pub fn reject_full(&self) {
        self.0.socket.reject(Rejection::BufferFull);
    }
}

impl Endpoint {
    /// Binds a socket.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn bind(local: impl ToSocketAddr, settings: EndpointSettings) -> io::Result<Self> {
        let socket = UdpSocket::bind(local).await?;
        let reliable = settings.reliable.map(|timer| Mutex::new(Reliable::new(timer)));
        let inner = Inner { socket, reliable, sent: Notify::new() };
        let buffer = vec![0; settings.room];
        Ok(Endpoint { outlet: Outlet(Arc::new(inner)), buffer, acknowledging: None })
    }

    /// The part that sends.
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// The address that the socket is bound to.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.outlet.0.socket.local_addr()
    }

    /// Receives a message, and says where it came from. A future that is dropped before it is ready
    /// loses none.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn recv_from(&mut self) -> io::Result<(&[u8], SocketAddr)> {
        if self.outlet.0.reliable.is_none() {
            let (length, from) = self.outlet.0.socket.recv_from(&mut self.buffer).await?;
            return Ok((&self.buffer[..length], from));
        }
        loop {
            if let Some(Acknowledging { ack, from, .. }) = &self.acknowledging {
                // One that can not be sent is as good as one that is lost.
                let _ = self.outlet.0.socket.send_to(ack, from).await;
            }
            // From here to the end nothing waits.
            if let Some(Acknowledging { message: Some(place), from, .. }) =
                self.acknowledging.take()
            {
                return Ok((&self.buffer[place], from));
            }
            // In a box, so that the future is small without a reliable layer.
            self.acknowledging = Box::pin(self.outlet.0.recv_reliably(&mut self.buffer)).await?;
        }
    }
}

impl Inner {
    /// Waits for a datagram or a timeout. Gives what is to be acknowledged.
    async fn recv_reliably(&self, buffer: &mut [u8]) -> io::Result<Option<Acknowledging>> {
        let deadline = self.with_reliable(|reliable| reliable.next_deadline()).flatten();
        let event = select(self.socket.recv_from(buffer), self.sent.notified());
        let event = match deadline {
            Some(deadline) => timeout_at(deadline, event).await.ok(),
            None => Some(event.await),
        };
        let now = Instant::now();
        if let Some(Either::First(received)) = event {
            let (length, from) = received?;
            let bytes = &buffer[..length];
            let acknowledging =
                |reliable: &mut Reliable| match reliable.handle_datagram(now, bytes, from) {
                    OnDatagram::Nothing => None,
                    OnDatagram::Acknowledge(ack, message) => {
                        let message = message.map(|message| length - message.len()..length);
                        Some(Acknowledging { ack, message, from })
                    }
                };
            return Ok(self.with_reliable(acknowledging).flatten());
        }
        let again = self.with_reliable(|reliable| reliable.handle_timeout(now));
        for (datagram, to) in again.unwrap_or_default() {
            // Later is time enough.
            let _ = self.socket.send_to(&datagram, to).await;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use squall_sim::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_can_not_be_sent_now_is_not_sent_later() {
        let reliable = Some(Timer::fixed(Duration::from_millis(60)));
        let settings = EndpointSettings { reliable, ..EndpointSettings::default() };
        let endpoint = Endpoint::bind((Ipv4Addr::LOCALHOST, 0), settings).await.unwrap();
        let (outlet, to) = (endpoint.outlet(), endpoint.local_addr().unwrap());
        let waits = || outlet.0.with_reliable(|reliable| reliable.next_deadline()).flatten();
        // As long as a datagram can be: no room is left for the layer's header.
        assert!(outlet.send_to(&vec![1; MAX_PAYLOAD], to).await.is_err());
        assert_eq!(waits(), None);
        outlet.send_to(&[1], to).await.unwrap();
        assert!(waits().is_some());
    }

    #[tokio::test]
    async fn who_waits_for_a_message_hears_of_one_that_is_sent_meanwhile() {
        let reliable = Some(Timer::fixed(Duration::from_millis(60)));
        let settings = EndpointSettings { reliable, ..EndpointSettings::default() };
        let local = (Ipv4Addr::LOCALHOST, 0);
        let mut endpoint = Endpoint::bind(local, settings).await.unwrap();
        let silent = UdpSocket::bind(local).await.unwrap();
        let (outlet, to) = (endpoint.outlet().clone(), silent.local_addr().unwrap());
        // It begins to wait when there is nothing to send again.
        let receiving = tokio::spawn(async move {
            let _ = endpoint.recv_from().await;
        });
        tokio::task::yield_now().await;
        outlet.send_to(&[1], to).await.unwrap();
        let mut buffer = [0; 100];
        for _ in 0..2 {
            let copy = silent.recv_from(&mut buffer);
            tokio::time::timeout(Duration::from_secs(10), copy).await.unwrap().unwrap();
        }
        receiving.abort();
    }
}
