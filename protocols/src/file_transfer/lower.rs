//! The protocol that carries the pieces, chosen by an option.

use std::io;
use std::net::SocketAddr;

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Options, Server};

use crate::sender::{self, Numbering};
use crate::source::Source;
use crate::{ack, go_back_n, selective_repeat, stop_and_wait, stream, unique_id};

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

    /// Sends all messages of a source, by a socket of its own.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send(
        self,
        options: &Options,
        peer: SocketAddr,
        source: &mut impl Source,
    ) -> io::Result<()> {
        match self {
            Lower::Retry | Lower::StopAndWait => {
                sender::send(options, peer, Numbering::Counter, source).await
            }
            Lower::UniqueId => sender::send(options, peer, Numbering::unique(), source).await,
            Lower::GoBackN => go_back_n::send(options, peer, source).await,
            Lower::SelectiveRepeat => selective_repeat::send(options, peer, source).await,
            Lower::Stream => stream::send(options, peer, source).await,
        }
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
