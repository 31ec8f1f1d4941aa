//! Stop-and-wait with a sequence counter: sender and receiver agree on where to start, the sender
//! numbers its messages, and the receiver delivers only the one that is next ("Operating Systems:
//! Three Easy Pieces", "Distributed Systems"; Tanenbaum's protocol 3, PAR).

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use squall_sim::protocol::{HostResult, OptionKind, OptionValue, Protocol, Server};
use squall_sim::protocol::{memory_entries, report};

use crate::application::Application;
use crate::channel::{self, Channel};
use crate::mutants::{self, Mutant};
use crate::sender;
use crate::serial::SequenceSpace;
use crate::theory;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "stop-and-wait",
        "Numbers the messages, one at a time; the receiver acknowledges a copy without delivering it.",
    );
    theory::with_theory(wire::with_dissector(sender::with_options(protocol, 0)))
        .option(
            "resync",
            OptionKind::Flag,
            OptionValue::Flag(true),
            "whether a receiver that has lost its counter takes it up from the next message; if not, \
             it ignores what it did not expect",
        )
        .events(&["duplicate-suppressed"])
        .server(server)
        .client(sender::run)
}

async fn server(server: Server) -> HostResult {
    let application = Application::new(&server);
    Ok(serve(&server, async |message| application.deliver(message).await).await?)
}

/// Receives as the server's options say.
pub(crate) async fn serve(
    server: &Server,
    deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let counters = Counters::new(server.options().flag("resync"));
    receive(&mut channel::listen(server).await?, counters, deliver).await
}

/// What the receiver decides about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnData {
    /// It is the next one: deliver and acknowledge it.
    Deliver,
    /// It was delivered before, so its acknowledgement was lost or late: acknowledge it again.
    Acknowledge,
    /// It is not to be expected yet: ignore it.
    Ignore,
}

/// The receiver's counters, one per sender: the part without I/O.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    next: BTreeMap<SocketAddr, u32>,
    resync: bool,
}

impl Counters {
    /// No counters yet. With `resync`, an unknown sender may begin with any number.
    pub fn new(resync: bool) -> Self {
        Counters { next: BTreeMap::new(), resync }
    }

    /// Decides about message number `seq` of a sender, and counts it if it is to be delivered.
    pub fn handle_data(&mut self, sender: SocketAddr, seq: u32) -> OnData {
        let first = if self.resync { seq } else { 1 };
        let one = SocketAddr::from(([0, 0, 0, 0], 0));
        let sender = if mutants::is(Mutant::OneCounterForAll) { one } else { sender };
        let next = self.next.entry(sender).or_insert(first);
        let is_new = mutants::is(Mutant::OnlyTheLastIsACopy) && seq != next.wrapping_sub(1);
        if seq == *next || is_new {
            *next = seq;
            *next = next.wrapping_add(1);
            OnData::Deliver
        } else if SequenceSpace::new(32).is_before(seq, *next) {
            OnData::Acknowledge
        } else {
            OnData::Ignore
        }
    }

    /// How many senders it remembers.
    pub fn len(&self) -> usize {
        self.next.len()
    }

    /// True if it remembers no sender.
    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

/// Hands each message to `deliver` once, in order, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    mut counters: Counters,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(Datagram::Data { seq, message }) = Datagram::decode(bytes) else {
            continue;
        };
        match counters.handle_data(from, seq) {
            OnData::Deliver if mutants::is(Mutant::AckBeforeDelivery) => {
                let message = message.to_vec();
                channel.send_to(Datagram::Ack { seq }.encode(), from).await?;
                deliver(&message).await?;
                continue;
            }
            OnData::Deliver => deliver(message).await?,
            OnData::Acknowledge if mutants::is(Mutant::DuplicateNotAcknowledged) => continue,
            OnData::Acknowledge => report("duplicate-suppressed"),
            OnData::Ignore => continue,
        }
        memory_entries(counters.len() as u64);
        channel.send_to(Datagram::Ack { seq }.encode(), from).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], port))
    }

    #[test]
    fn each_number_is_delivered_once_and_in_order() {
        let mut counters = Counters::new(false);
        assert_eq!(counters.handle_data(sender(1), 2), OnData::Ignore);
        assert_eq!(counters.handle_data(sender(1), 1), OnData::Deliver);
        assert_eq!(counters.handle_data(sender(1), 1), OnData::Acknowledge);
        assert_eq!(counters.handle_data(sender(1), 2), OnData::Deliver);
        assert_eq!(counters.handle_data(sender(1), 1), OnData::Acknowledge);
        assert_eq!(counters.handle_data(sender(2), 1), OnData::Deliver);
        assert_eq!(counters.len(), 2);
    }

    #[test]
    fn a_lost_counter_is_taken_up_again_if_asked() {
        assert_eq!(Counters::new(true).handle_data(sender(1), 9), OnData::Deliver);
        assert_eq!(Counters::new(false).handle_data(sender(1), 9), OnData::Ignore);
    }

    #[test]
    fn numbers_wrap_around() {
        let mut counters = Counters::new(true);
        assert_eq!(counters.handle_data(sender(1), u32::MAX), OnData::Deliver);
        assert_eq!(counters.handle_data(sender(1), 0), OnData::Deliver);
        assert_eq!(counters.handle_data(sender(1), u32::MAX), OnData::Acknowledge);
    }
}
