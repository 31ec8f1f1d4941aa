//! Where protocols send and receive: a UDP socket, with the protocol's own checksum, and with
//! fragmentation for datagrams that are too large.

use std::io;
use std::net::SocketAddr;

use squall_sim::net::{MAX_PAYLOAD, Rejection, UdpSocket};
use squall_sim::network::HEADERS;
use squall_sim::protocol::{OptionContext, OptionKind, OptionProblem, OptionSpec, OptionValue};
use squall_sim::protocol::{Options, Protocol, Server};
use squall_sim::time::{Duration, Instant};

use crate::checksum::Checksum;
use crate::fragment::{self, Fragment, OnFragment, Reassembly};
use crate::frame::{self, kind};

/// Room for all that a datagram of a shipped protocol has besides a message: headers and checksum.
pub(crate) const HEADER_ROOM: usize = 64;

/// How datagrams are protected and cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The checksum at the end of each datagram.
    pub checksum: Checksum,
    /// The most bytes of a datagram, headers of ours included; larger ones are cut. `None` cuts none.
    pub fragment: Option<usize>,
    /// Bytes of pieces that may wait for the rest of their datagrams.
    pub reassembly_buffer: usize,
    /// How long they may wait.
    pub reassembly_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            checksum: Checksum::None,
            fragment: None,
            reassembly_buffer: 64 << 10,
            reassembly_timeout: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// As the options say that [`with_options`] declares.
    pub fn from_options(options: &Options) -> Self {
        let size = |name| usize::try_from(options.number(name)).unwrap_or(usize::MAX);
        Settings {
            checksum: Checksum::from_options(options),
            fragment: options.get("fragment").map(|_| size("fragment")),
            reassembly_buffer: size("reassembly_buffer"),
            reassembly_timeout: options.duration("reassembly_timeout"),
        }
    }

    /// The most bytes of one piece of a datagram.
    fn piece(&self, fragment: usize) -> usize {
        fragment.saturating_sub(fragment::HEADER + self.checksum.width()).max(1)
    }
}

/// Declares the options that [`Settings::from_options`] reads, for a protocol that sends each message
/// in one datagram.
pub fn with_options(protocol: Protocol) -> Protocol {
    protocol.options(options()).check(check).any_message_size()
}

pub(crate) fn options() -> Vec<OptionSpec> {
    let defaults = Settings::default();
    vec![
        Checksum::option(),
        OptionSpec::absent(
            "fragment",
            OptionKind::Size { min: 32, max: MAX_PAYLOAD as u64 },
            "the largest datagram, headers of the protocol included; larger ones travel in pieces",
        ),
        OptionSpec::new(
            "reassembly_buffer",
            OptionKind::Size { min: 1, max: 1 << 32 },
            OptionValue::Number(defaults.reassembly_buffer as u64),
            "room for pieces that wait for the rest of their datagrams, for all senders together",
        ),
        OptionSpec::new(
            "reassembly_timeout",
            OptionKind::Duration { min: 1 },
            OptionValue::Number(defaults.reassembly_timeout.as_nanos() as u64),
            "how long pieces wait for the rest of their datagram",
        ),
    ]
}

/// Checks that datagrams fit through the links, and messages into datagrams.
pub(crate) fn check(options: &Options, context: &OptionContext) -> Option<OptionProblem> {
    let settings = Settings::from_options(options);
    let problem =
        |blamed, message: String, help: String| Some(OptionProblem { blamed, message, help });
    let Some(fragment) = settings.fragment else {
        let most = (MAX_PAYLOAD - HEADER_ROOM) as u64;
        let size = context.message;
        return if size <= most {
            None
        } else {
            problem(
                "size",
                format!("a message of {size} bytes does not fit into a datagram"),
                format!(
                    "at most {most}B; or let it travel in pieces: options.fragment = \"1472B\""
                ),
            )
        };
    };
    if let Some(mtu) = context.mtu.filter(|mtu| fragment as u64 + HEADERS > *mtu) {
        let most = mtu.saturating_sub(HEADERS);
        return problem(
            "fragment",
            format!(
                "a fragment of {fragment} bytes does not fit through a link with an MTU of {mtu}"
            ),
            format!("at most {most}B: the IPv4 and UDP headers take {HEADERS} bytes of the MTU"),
        );
    }
    let most = (settings.piece(fragment) * fragment::MAX_COUNT - HEADER_ROOM) as u64;
    if context.message > most {
        let size = context.message;
        return problem(
            "fragment",
            format!("a message of {size} bytes takes more than {} fragments", fragment::MAX_COUNT),
            format!("with this size of fragment a message has at most {most}B"),
        );
    }
    None
}

/// Where a server of the workload receives.
pub(crate) async fn listen(server: &Server) -> io::Result<Channel> {
    let socket = UdpSocket::bind(server.address()).await?;
    let settings = Settings::from_options(server.options());
    let whole = server.buffer().len();
    let room = settings.fragment.map_or(whole, |fragment| fragment.min(whole));
    Ok(Channel::new(socket, settings, room))
}

/// A socket with checksum and fragmentation.
#[derive(Debug)]
pub struct Channel {
    socket: UdpSocket,
    settings: Settings,
    next_id: u32,
    reassembly: Reassembly,
    /// The datagram received last, and one that was put together.
    received: Vec<u8>,
    whole: Vec<u8>,
}

impl Channel {
    /// Sends and receives by this socket. What does not fit into `room` bytes is cut off, unless it
    /// comes in pieces that do.
    pub fn new(socket: UdpSocket, settings: Settings, room: usize) -> Self {
        let reassembly = Reassembly::new(settings.reassembly_buffer, settings.reassembly_timeout);
        let received = vec![0; room];
        Channel { socket, settings, next_id: 1, reassembly, received, whole: Vec::new() }
    }

    /// Sends a datagram, in pieces if it is too large.
    ///
    /// # Errors
    /// Those of the socket; also if the datagram is too large even so.
    pub async fn send_to(&mut self, datagram: Vec<u8>, to: SocketAddr) -> io::Result<()> {
        let checksum = self.settings.checksum;
        let limit = self.settings.fragment.unwrap_or(usize::MAX);
        if datagram.len() + checksum.width() <= limit {
            self.socket.send_to(&frame::seal(checksum, datagram), to).await?;
            return Ok(());
        }
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        let Some(pieces) = fragment::split(id, &datagram, self.settings.piece(limit)) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too large for its fragments"));
        };
        for piece in pieces {
            self.socket.send_to(&frame::seal(checksum, piece.encode()), to).await?;
        }
        Ok(())
    }

    /// Receives a datagram, put together if it came in pieces, and says where it came from. What
    /// fails its checksum, or does not fit into the reassembly buffer, is dropped.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn recv_from(&mut self) -> io::Result<(&[u8], SocketAddr)> {
        loop {
            let (length, from) = self.socket.recv_from(&mut self.received).await?;
            let opened = frame::open(self.settings.checksum, &mut self.received[..length]);
            let Some(length) = opened else {
                self.socket.reject(Rejection::Checksum);
                continue;
            };
            if self.received[0] != kind::FRAGMENT {
                return Ok((&self.received[..length], from));
            }
            let Some(piece) = Fragment::decode(&self.received[1..length]) else {
                continue;
            };
            match self.reassembly.handle_fragment(Instant::now(), from, &piece) {
                OnFragment::Complete(whole) => {
                    self.whole = whole;
                    return Ok((&self.whole, from));
                }
                OnFragment::Waits => {}
                OnFragment::Full => self.socket.reject(Rejection::BufferFull),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_leaves_room_for_its_header_and_checksum() {
        let settings = Settings { checksum: Checksum::Crc32, ..Settings::default() };
        assert_eq!(settings.piece(100), 100 - fragment::HEADER - 4);
        assert_eq!(settings.piece(5), 1, "something must be sent");
        assert_eq!(Settings::default().piece(100), 100 - fragment::HEADER);
    }
}
