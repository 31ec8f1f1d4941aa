//! The protocol that carries the pieces, chosen by an option.

use std::io;
use std::net::SocketAddr;

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Options, Server};

use crate::channel::Channel;
use crate::pipeline;
use crate::sender::{self, Numbering, Sender};
use crate::source::Source;
use crate::stream::{self, SendBuffer};
use crate::{ack, go_back_n, selective_repeat, stop_and_wait, unique_id};

/// A protocol that carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lower {
    /// [`crate::retry`]
    Retry,
    /// [`crate::unique_id`]
    UniqueId,
    /// [`crate::stop_and_wait`]
    StopAndWait,
    /// [`crate::go_back_n`]
    GoBackN,
    /// [`crate::selective_repeat`]
    SelectiveRepeat,
    /// [`crate::stream`]
    Stream,
}

impl Lower {
    const ALL: [(Lower, &str); 6] = [
        (Lower::Retry, "retry"),
        (Lower::UniqueId, "unique-id"),
        (Lower::StopAndWait, "stop-and-wait"),
        (Lower::GoBackN, "go-back-n"),
        (Lower::SelectiveRepeat, "selective-repeat"),
        (Lower::Stream, "stream"),
    ];

    /// The option that chooses one.
    pub fn option() -> OptionSpec {
        OptionSpec::new(
            "over",
            OptionKind::Choice(Lower::ALL.map(|(_, name)| name).to_vec()),
            OptionValue::Word("selective-repeat".to_owned()),
            "the protocol that carries the pieces, whose options count",
        )
    }

    /// The one that the options choose.
    pub fn from_options(options: &Options) -> Self {
        let word = options.word("over");
        let found = Lower::ALL.into_iter().find(|(_, name)| *name == word);
        found.map_or(Lower::SelectiveRepeat, |(lower, _)| lower)
    }

    /// The client's side, by a socket of its own.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn open(self, options: &Options, peer: SocketAddr) -> io::Result<LowerSender> {
        Ok(match self {
            Lower::Retry | Lower::StopAndWait => {
                LowerSender::OneByOne(sender::open(options, peer, Numbering::Counter).await?)
            }
            Lower::UniqueId => {
                LowerSender::OneByOne(sender::open(options, peer, Numbering::unique()).await?)
            }
            Lower::GoBackN => LowerSender::GoBackN(go_back_n::open(options, peer).await?),
            Lower::SelectiveRepeat => {
                LowerSender::SelectiveRepeat(selective_repeat::open(options, peer).await?)
            }
            Lower::Stream => {
                let (channel, buffer) = stream::open(options).await?;
                LowerSender::Stream { channel, peer, buffer }
            }
        })
    }

    /// Receives messages, for ever.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn serve(
        self,
        server: &Server,
        deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Lower::Retry => ack::serve(server, deliver).await,
            Lower::UniqueId => unique_id::serve(server, deliver).await,
            Lower::StopAndWait => stop_and_wait::serve(server, deliver).await,
            Lower::GoBackN => go_back_n::serve(server, deliver).await,
            Lower::SelectiveRepeat => selective_repeat::serve(server, deliver).await,
            Lower::Stream => stream::serve(server, deliver).await,
        }
    }
}

/// A client's side of the lower protocol. The receiver knows it by its address and by the numbers that
/// it has used, so one that takes the same address for another transfer goes on with the numbers.
#[derive(Debug)]
pub enum LowerSender {
    /// [`crate::retry`], [`crate::unique_id`] and [`crate::stop_and_wait`]
    OneByOne(Sender),
    /// [`crate::go_back_n`]
    GoBackN(pipeline::Sender<go_back_n::SendWindow>),
    /// [`crate::selective_repeat`]
    SelectiveRepeat(pipeline::Sender<selective_repeat::SendWindow>),
    /// [`crate::stream`]
    Stream {
        /// Its socket.
        channel: Channel,
        /// The server.
        peer: SocketAddr,
        /// What was not acknowledged.
        buffer: SendBuffer,
    },
}

impl LowerSender {
    /// Sends all messages of a source.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send_all(&mut self, source: &mut impl Source) -> io::Result<()> {
        match self {
            LowerSender::OneByOne(sender) => sender.send_all(source).await,
            LowerSender::GoBackN(sender) => sender.send_all(source).await,
            LowerSender::SelectiveRepeat(sender) => sender.send_all(source).await,
            LowerSender::Stream { channel, peer, buffer } => {
                stream::send_all(source, channel, *peer, buffer).await
            }
        }
    }
}
