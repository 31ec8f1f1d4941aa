//! The sender of `go-back-n` and `selective-repeat`: several messages in flight. What to send and
//! when is decided by a [`Window`]; here it is done.

use std::io;
use std::net::SocketAddr;

use squall_sim::protocol::{Message, OptionCheck, OptionKind, OptionProblem, OptionSpec};
use squall_sim::protocol::{OptionValue, Options, Protocol, report};
use squall_sim::task::{Either, select};
use squall_sim::time::{Duration, Instant, sleep_until};
use squall_sim::trace::OpId;

use crate::application;
use crate::channel::{self, Channel};
use crate::sender;
use crate::serial::SequenceSpace;
use crate::source::{Delivery, Source};
use crate::timer::{self, DefaultTimeout, Timer};
use crate::wire::Datagram;

/// How many messages may be in flight, and how they are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Messages that may be in flight.
    pub window: u32,
    /// Their sequence numbers.
    pub space: SequenceSpace,
    /// The least time between two sendings; zero if they may follow at once.
    pub pace: Duration,
}

impl Settings {
    /// As the options say that [`with_options`] declares.
    pub fn from_options(options: &Options) -> Self {
        Settings {
            window: options.number("window") as u32,
            space: SequenceSpace::new(options.number("sequence_bits") as u32),
            pace: options.duration("pace"),
        }
    }
}

/// Declares the options of a protocol with a window. `check` knows which windows are safe.
pub fn with_options(protocol: Protocol, check: OptionCheck) -> Protocol {
    let protocol = timer::with_options(protocol, 0, DefaultTimeout::Fixed)
        .options(options())
        .check(check)
        .options(vec![sender::port_option()]);
    let protocol = application::with_options(channel::with_options(protocol));
    protocol.events(&["duplicate-suppressed"])
}

pub(crate) fn options() -> Vec<OptionSpec> {
    vec![
        OptionSpec::new(
            "window",
            OptionKind::Count { min: 1, max: 1 << 16 },
            OptionValue::Number(8),
            "how many messages may be in flight",
        ),
        OptionSpec::new(
            "sequence_bits",
            OptionKind::Count { min: 1, max: 32 },
            OptionValue::Number(32),
            "bits of a sequence number; after the last number comes 0",
        ),
        OptionSpec::new(
            "unsafe_window",
            OptionKind::Flag,
            OptionValue::Flag(false),
            "whether a window is allowed that is too large for the sequence numbers",
        ),
        OptionSpec::new(
            "pace",
            OptionKind::Duration { min: 0 },
            OptionValue::Number(0),
            "the least time between two sendings of a sender; 0 sends as fast as the window allows",
        ),
    ]
}

/// Refuses a window of more than `safe` messages, which is asked with how many sequence numbers there
/// are, unless the options say that it is meant; and one with which not even the messages in flight
/// have numbers of their own.
pub(crate) fn check_window(
    options: &Options,
    safe: fn(u64) -> u64,
    why: &str,
) -> Option<OptionProblem> {
    let (window, bits) = (options.number("window"), options.number("sequence_bits"));
    let meant = options.flag("unsafe_window");
    let numbers = SequenceSpace::new(bits as u32).size();
    let limit = if meant { numbers } else { safe(numbers) };
    let (why, hint) = match window > numbers {
        true => ("the messages in flight need numbers of their own", ""),
        false => (why, ", or set unsafe_window = true to see it fail"),
    };
    (window > limit).then(|| OptionProblem {
        blamed: "window",
        message: format!(
            "a window of {window} is too large for sequence numbers of {bits} bits, of which there \
             are {numbers}"
        ),
        help: format!("{why}: at most {limit}{hint}"),
    })
}

/// A message to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending<'a> {
    /// Its sequence number.
    pub seq: u32,
    /// The message.
    pub message: &'a [u8],
    /// Which sending of it this is, from 1.
    pub attempt: u64,
}

/// What a sender with several messages in flight decides: no I/O, and the time is given.
pub trait Window {
    /// True if another message may be added.
    fn has_room(&self) -> bool;

    /// Adds a message to be sent.
    fn push(&mut self, message: Message);

    /// The next message to be sent, if there is one; it counts as sent at `now`.
    fn next_sending(&mut self, now: Instant) -> Option<Sending<'_>>;

    /// True if [`Window::next_sending`] has one.
    fn wants_to_send(&self) -> bool;

    /// An acknowledgement came.
    fn handle_ack(&mut self, now: Instant, seq: u32);

    /// When the timer runs out; `None` if nothing waits for an acknowledgement.
    fn deadline(&self) -> Option<Instant>;

    /// The timer has run out.
    fn handle_timeout(&mut self, now: Instant);

    /// A message whose sending has ended.
    fn pop_ended(&mut self) -> Option<(OpId, Delivery)>;

    /// True if nothing is in flight, nor waits to be.
    fn is_empty(&self) -> bool;

    /// True once a message used up its attempts: the receiver can not go on without it.
    fn is_dead(&self) -> bool;
}

/// A sender with several messages in flight.
#[derive(Debug)]
pub struct Sender<W> {
    channel: Channel,
    peer: SocketAddr,
    pace: Duration,
    window: W,
}

impl<W: Window> Sender<W> {
    /// As the options say, with the window that `new` makes.
    pub(crate) async fn open(
        options: &Options,
        peer: SocketAddr,
        new: fn(Settings, Timer) -> W,
    ) -> io::Result<Self> {
        let channel = sender::bind(options).await?;
        let settings = Settings::from_options(options);
        let window = new(settings, Timer::from_options(options, DefaultTimeout::Fixed));
        Ok(Sender { channel, peer, pace: settings.pace, window })
    }

    /// As [`send_all`].
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn send_all(&mut self, source: &mut impl Source) -> io::Result<()> {
        send_all(source, &mut self.channel, self.peer, self.pace, &mut self.window).await
    }
}

/// Sends all messages of a source, and waits until the receiver has them. Another source may follow.
///
/// # Errors
/// Those of the socket.
pub async fn send_all(
    source: &mut impl Source,
    channel: &mut Channel,
    peer: SocketAddr,
    pace: Duration,
    window: &mut impl Window,
) -> io::Result<()> {
    let mut may_send_at = Instant::now();
    let mut exhausted = false;
    loop {
        while window.wants_to_send() && Instant::now() >= may_send_at {
            let now = Instant::now();
            let Some(Sending { seq, message, attempt }) = window.next_sending(now) else { break };
            if attempt > 1 {
                report("retransmission");
            }
            channel.send_to(Datagram::Data { seq, message }.encode(), peer).await?;
            may_send_at = now + pace;
        }
        while let Some((id, delivery)) = window.pop_ended() {
            source.ended(id, delivery);
        }
        if window.is_dead() {
            return fail_the_rest(source).await;
        }
        if exhausted && window.is_empty() {
            return Ok(());
        }
        let pending = window.wants_to_send().then_some(may_send_at);
        let wake_at = [pending, window.deadline()].into_iter().flatten().min();
        let wants_message = !exhausted && window.has_room();
        match next_event(source, channel, wants_message, wake_at).await? {
            Event::Ack { seq, from } if from == peer => window.handle_ack(Instant::now(), seq),
            Event::Message(Some(message)) => window.push(message),
            Event::Message(None) => exhausted = true,
            Event::Time if window.deadline().is_some_and(|at| at <= Instant::now()) => {
                window.handle_timeout(Instant::now());
            }
            Event::Ack { .. } | Event::Time | Event::Other => {}
        }
    }
}

/// What a sender waits for.
enum Event {
    Ack { seq: u32, from: SocketAddr },
    Message(Option<Message>),
    Time,
    Other,
}

async fn next_event(
    source: &mut impl Source,
    channel: &mut Channel,
    wants_message: bool,
    wake_at: Option<Instant>,
) -> io::Result<Event> {
    let message = async {
        match wants_message {
            true => Event::Message(source.next().await),
            false => std::future::pending().await,
        }
    };
    let time = async {
        sleep_until_some(wake_at).await;
        Event::Time
    };
    // What has arrived comes first: an acknowledgement in the last moment is one.
    match select(channel.recv_from(), select(message, time)).await {
        Either::First(received) => {
            let (bytes, from) = received?;
            Ok(match Datagram::decode(bytes) {
                Some(Datagram::Ack { seq }) => Event::Ack { seq, from },
                _ => Event::Other,
            })
        }
        Either::Second(Either::First(event) | Either::Second(event)) => Ok(event),
    }
}

/// Waits until a time, or for ever.
pub(crate) async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Without the message that was given up, the receiver delivers none that follow: they are not sent.
pub(crate) async fn fail_the_rest(source: &mut impl Source) -> io::Result<()> {
    report("gave-up");
    while let Some(Message { id, .. }) = source.next().await {
        source.ended(id, Delivery::NeverSent);
    }
    Ok(())
}

/// A message in a window.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub message: Message,
    /// How often it was sent.
    pub attempts: u64,
    /// When it was sent for the last time, and until when its acknowledgement should be there.
    pub sent_at: Instant,
    pub deadline: Instant,
}

impl Slot {
    pub fn new(message: Message) -> Self {
        let now = Instant::now();
        Slot { message, attempts: 0, sent_at: now, deadline: now }
    }

    /// It is being sent.
    pub fn sent(&mut self, now: Instant, timer: &Timer) {
        self.attempts += 1;
        self.sent_at = now;
        self.deadline = now + timer.wait(self.attempts);
    }

    /// How its sending ends if it is given up.
    pub fn given_up(&self) -> (OpId, Delivery) {
        let delivery = if self.attempts == 0 { Delivery::NeverSent } else { Delivery::Unknown };
        (self.message.id, delivery)
    }
}

/// What the tests of the windows share.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// So long after some moment that is the same in one test.
    pub fn millis(after: u64) -> Instant {
        thread_local!(static START: Instant = Instant::now());
        START.with(|start| *start + Duration::from_millis(after))
    }

    pub fn message(number: u32) -> Message {
        Message { id: OpId { client: 1, number }, payload: vec![number as u8] }
    }

    /// The numbers of everything that the window wants to send.
    pub fn numbers(window: &mut impl Window, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| window.next_sending(now).map(|sending| sending.seq)).collect()
    }
}
