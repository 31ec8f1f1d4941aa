//! Where a sender's messages come from, and who learns what became of them.

use std::future::Future;

use squall_sim::protocol::{Client, Message};
use squall_sim::trace::OpId;

/// How sending a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has it.
    Acknowledged,
    /// All attempts went without an acknowledgement: it may have arrived, or may yet.
    Unknown,
    /// It was never sent, so it did not arrive and will not.
    NeverSent,
}

/// A source of messages: the workload's client, or a protocol that runs on top of another.
pub trait Source {
    /// The next message; `None` once there are no more. If the future is dropped before it is ready,
    /// no message is lost.
    fn next(&mut self) -> impl Future<Output = Option<Message>>;

    /// Sending a message has ended.
    fn ended(&mut self, id: OpId, delivery: Delivery);
}

impl Source for Client {
    fn next(&mut self) -> impl Future<Output = Option<Message>> {
        Client::next(self)
    }

    fn ended(&mut self, id: OpId, delivery: Delivery) {
        match delivery {
            Delivery::Acknowledged => self.complete(id),
            Delivery::Unknown => self.unknown(id),
            Delivery::NeverSent => self.fail(id),
        }
    }
}
