//! The zoo: mistakes that people make in such protocols, to see whether tests would notice them.
//!
//! With the feature `mutants`, each protocol that has some takes the option `mutant`, which names one;
//! without it they are not there. Where a mistake is made, the code asks `is`; a run has one mutant,
//! for all its hosts.

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue, Options, Protocol};

macro_rules! zoo {
    ($($variant:ident $name:literal [$($protocol:literal)+] $summary:literal;)+) => {
        /// A mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant {
            $(#[doc = $summary] $variant,)+
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &[Mutant] = &[$(Mutant::$variant),+];

            /// The name in scenario files.
            pub fn name(self) -> &'static str {
                match self { $(Mutant::$variant => $name,)+ }
            }

            /// What is wrong, in one sentence.
            pub fn summary(self) -> &'static str {
                match self { $(Mutant::$variant => $summary,)+ }
            }

            /// The protocols that have it.
            pub fn protocols(self) -> &'static [&'static str] {
                match self { $(Mutant::$variant => &[$($protocol),+],)+ }
            }
        }
    };
}

zoo! {
    // The receivers and the sender of the first rungs.
    AckBeforeDelivery "ack-before-delivery" ["ack" "retry" "stop-and-wait"]
        "The receiver acknowledges a message before the application has it.";
    AnyAckWill "any-ack-will" ["stop-and-wait" "unique-id"]
        "The sender takes any acknowledgement for that of its present message.";
    NewIdOnRetry "new-id-on-retry" ["unique-id"]
        "The sender gives a message a new identifier each time it sends it again.";
    IdReusedAfterRestart "id-reused-after-restart" ["unique-id"]
        "Identifiers begin anew with each life of the sender, without anything random in them.";
    IdsForgotten "ids-forgotten" ["unique-id"]
        "The receiver remembers only the last identifier.";
    NumberReusedAfterGivingUp "number-reused-after-giving-up" ["stop-and-wait"]
        "The sender gives the number of a message that it gave up to the next one.";
    TimerNeverCancelled "timer-never-cancelled" ["retry" "stop-and-wait" "unique-id"]
        "The timer goes off after the acknowledgement, too, and the message is sent once more.";
    GivesUpTooEarly "gives-up-too-early" ["stop-and-wait" "retry" "go-back-n" "selective-repeat"]
        "The sender counts its attempts from 0, and gives up one too early.";
    OneCounterForAll "one-counter-for-all" ["stop-and-wait"]
        "The receiver has one counter for all senders.";
    DuplicateNotAcknowledged "duplicate-not-acknowledged" ["stop-and-wait"]
        "The receiver ignores a copy, though the acknowledgement may have been lost.";
    OnlyTheLastIsACopy "only-the-last-is-a-copy" ["stop-and-wait"]
        "The receiver takes every number but the last for a new message.";
    // Timers.
    BackOffNeverGrows "back-off-never-grows" ["stop-and-wait" "retry" "rpc"]
        "Every wait of a back-off is as long as the first.";
    BackOffNeverReset "back-off-never-reset" ["stop-and-wait" "go-back-n" "selective-repeat" "stream"]
        "An adaptive timeout that has grown stays, though round trips are short again.";
    KarnForgotten "karn-forgotten" ["stop-and-wait" "go-back-n" "selective-repeat"]
        "Messages that were sent more than once are timed, too (against Karn and Partridge, SIGCOMM 1987).";
    VarianceForgotten "variance-forgotten" ["stop-and-wait" "stream"]
        "The timeout is the mean round trip, as in RFC 793, without room for its variance.";
    // Sequence numbers and windows.
    NoWrapAround "no-wrap-around" ["go-back-n" "selective-repeat"]
        "Numbers are compared without regard to their wrapping around.";
    WindowOneTooLarge "window-one-too-large" ["go-back-n" "selective-repeat"]
        "The sender lets one message more into the window.";
    OldAckMovesWindow "old-ack-moves-window" ["go-back-n"]
        "The sender takes an acknowledgement from behind its window for one of all in it.";
    AcksWhatIsAhead "acks-what-is-ahead" ["go-back-n"]
        "The receiver acknowledges a message behind a gap as if there were none.";
    GoesBackNotFarEnough "goes-back-not-far-enough" ["go-back-n"]
        "After a timeout the sender begins with the second message in flight.";
    AcksWhatItDrops "acks-what-it-drops" ["selective-repeat"]
        "The receiver acknowledges messages that are of no window of its, and drops them.";
    AckTakenForAllBefore "ack-taken-for-all-before" ["selective-repeat"]
        "The sender takes the acknowledgement of one message for that of all before it.";
    GapSkipped "gap-skipped" ["selective-repeat"]
        "The receiver hands up what is behind a gap.";
    ResendsAll "resends-all" ["selective-repeat"]
        "A timeout of one message sends all in flight again.";
    // Datagrams.
    ChecksumOverHeader "checksum-over-header" ["stop-and-wait" "go-back-n" "selective-repeat" "retry" "ack" "udp" "stream" "file-transfer"]
        "The checksum takes in the header and the first bytes, but not the rest.";
    ReassemblyByCount "reassembly-by-count" ["stop-and-wait" "udp" "selective-repeat" "retry" "ack"]
        "A datagram counts as whole when as many pieces came as it has, copies included.";
    ReassemblyIgnoresSender "reassembly-ignores-sender" ["stop-and-wait" "udp" "selective-repeat" "retry" "ack"]
        "Pieces of different senders are put together if their numbers agree.";
    ReassemblyNeverForgets "reassembly-never-forgets" ["stop-and-wait" "udp" "selective-repeat" "retry" "ack"]
        "Pieces of datagrams that never become whole stay for ever, and take the room.";
    // The byte stream.
    OverlapKept "overlap-kept" ["stream"]
        "The receiver keeps a segment whole, though it has the first bytes of it.";
    AckBeyondGap "ack-beyond-gap" ["stream"]
        "The receiver acknowledges the bytes behind a gap, too.";
    NoPersistTimer "no-persist-timer" ["stream"]
        "The sender does not ask again whether a closed window has opened (against RFC 9293, 3.8.6.1).";
    FirstDuplicateIsALoss "first-duplicate-is-a-loss" ["stream"]
        "One duplicate acknowledgement, not three, makes the sender send again.";
    // The file transfer.
    DigestOfTheWrongBytes "digest-of-the-wrong-bytes" ["file-transfer"]
        "The check at the ends takes in the first bytes of the file alone.";
    AcceptsBeforeTheCheck "accepts-before-the-check" ["file-transfer"]
        "The receiver hands the file to the application as soon as it is whole, and asks later.";
    ChunkCountedTwice "chunk-counted-twice" ["file-transfer"]
        "The receiver counts the copy of a piece as another piece.";
    // Remote procedure calls.
    NewXidOnRetry "new-xid-on-retry" ["rpc"]
        "The client gives a call a new transaction id when it sends it again.";
    XidReusedAfterRestart "xid-reused-after-restart" ["rpc"]
        "Transaction ids begin with 1 in each life of the client, and the server compares nothing else.";
    ResendsOnStaleReply "resends-on-stale-reply" ["rpc"]
        "A reply that nobody waits for makes the client send a call again (the sorcerer's apprentice).";
    AnyReplyWill "any-reply-will" ["rpc"]
        "The client takes any reply for that of its oldest call.";
    RefusalBelieved "refusal-believed" ["rpc"]
        "A refusal is a definite failure, though an earlier sending of the call may have run.";
    EntryDroppedOnUse "entry-dropped-on-use" ["rpc"]
        "The server forgets a reply once it has sent it a second time.";
    NewestEntryEvicted "newest-entry-evicted" ["rpc"]
        "A full reply cache makes room by forgetting the newest reply.";
    CacheIgnoresClient "cache-ignores-client" ["rpc"]
        "The reply cache tells calls apart by their ids alone, not by their clients.";
    RunningCallRunsAgain "running-call-runs-again" ["rpc"]
        "A copy of a call that is running is run, too.";
    ArgumentsNotCompared "arguments-not-compared" ["rpc"]
        "The reply cache does not look at the arguments, so that a restarted client gets old replies.";
    SameEpochAfterRestart "same-epoch-after-restart" ["rpc"]
        "The server shows the same boot epoch in each life.";
    RepliesNotRecovered "replies-not-recovered" ["rpc"]
        "After a restart the server takes effects from its journal, but not the replies.";
    JournalNotSynced "journal-not-synced" ["rpc"]
        "The journal is written, but not synced before the reply.";
    JournalNotChecked "journal-not-checked" ["rpc"]
        "Records of the journal are believed whatever their checksum says.";
    PieceCountedTwice "piece-counted-twice" ["rpc"]
        "The copy of a piece of a large call counts as another piece.";
    CopiesHandedUp "copies-handed-up" ["rpc"]
        "The reliable layer hands copies of a message up.";
}

#[cfg(feature = "mutants")]
mod present {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        /// The mutant of the run on this thread.
        pub(super) static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    }
}

/// True if the present run has this mutant.
#[cfg(feature = "mutants")]
#[inline]
pub(crate) fn is(mutant: Mutant) -> bool {
    present::CHOSEN.get() == Some(mutant)
}

/// True if the present run has this mutant: it has none.
#[cfg(not(feature = "mutants"))]
#[inline]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}

/// Adds the option that chooses a mutant, if the protocol has some and they are there.
pub(crate) fn with_option(protocol: Protocol) -> Protocol {
    if !cfg!(feature = "mutants") {
        return protocol;
    }
    let name = protocol.spec().name.clone();
    let of_protocol =
        Mutant::ALL.iter().filter(|mutant| mutant.protocols().contains(&name.as_str()));
    let mut words: Vec<&'static str> = of_protocol.map(|mutant| mutant.name()).collect();
    if words.is_empty() {
        return protocol;
    }
    words.insert(0, "none");
    let option = OptionSpec::new(
        OPTION,
        OptionKind::Choice(words),
        OptionValue::Word("none".to_owned()),
        "a mistake in the protocol's code, to see whether scenarios notice it",
    );
    protocol.options(vec![option]).before_start(choose)
}

/// The name of the option.
pub const OPTION: &str = "mutant";

/// Chooses the mutant that the options name, as the software of a host starts.
fn choose(options: &Options) {
    let word = options.word(OPTION);
    let chosen = Mutant::ALL.iter().copied().find(|mutant| mutant.name() == word);
    #[cfg(feature = "mutants")]
    present::CHOSEN.set(chosen);
    #[cfg(not(feature = "mutants"))]
    let _ = chosen;
}
