//! Go-back-N: the receiver takes only the message that is next, and acknowledges all before it with
//! one number; when the timer runs out, the sender goes back and sends everything in flight again
//! (Tanenbaum, "Computer Networks", section 3.4.2; Kurose and Ross, section 3.4.3).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;

use squall_sim::protocol::{Client, HostResult, Message, OptionContext, OptionProblem, Options};
use squall_sim::protocol::{Protocol, Server, memory_entries, report};
use squall_sim::time::Instant;
use squall_sim::trace::OpId;

use crate::application::Application;
use crate::channel::{self, Channel};
use crate::mutants::{self, Mutant};
use crate::pipeline::{self, Sending, Settings, Slot, Window};
use crate::serial::SequenceSpace;
use crate::source::Delivery;
use crate::timer::Timer;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "go-back-n",
        "Several messages in flight; after a loss, all that were sent since are sent again.",
    );
    wire::with_dissector(pipeline::with_options(protocol, check))
        .events(&["out-of-order"])
        .server(server)
        .client(client)
}

/// With as many numbers as messages in flight, a whole window sent again looks like the next one.
pub(crate) fn check(options: &Options, _: &OptionContext) -> Option<OptionProblem> {
    let safe = |numbers| numbers - 1;
    pipeline::check_window(options, safe, "the window must be smaller than their number")
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
    let space = Settings::from_options(server.options()).space;
    receive(&mut channel::listen(server).await?, Receiver::new(space), deliver).await
}

async fn client(mut client: Client) -> HostResult {
    let (options, peer) = (client.options().clone(), client.server());
    Ok(open(&options, peer).await?.send_all(&mut client).await?)
}

/// A client's side, as the options say.
pub(crate) async fn open(
    options: &Options,
    peer: SocketAddr,
) -> io::Result<pipeline::Sender<SendWindow>> {
    pipeline::Sender::open(options, peer, SendWindow::new).await
}

/// The sender's decisions.
#[derive(Debug)]
pub struct SendWindow {
    settings: Settings,
    timer: Timer,
    /// The number of the oldest message in flight.
    base: u32,
    slots: VecDeque<Slot>,
    /// How many of them were sent since the sender last went back.
    sent: usize,
    ended: VecDeque<(OpId, Delivery)>,
    dead: bool,
}

impl SendWindow {
    /// Nothing in flight; the first number is 0.
    pub fn new(settings: Settings, timer: Timer) -> Self {
        SendWindow {
            settings,
            timer,
            base: 0,
            slots: VecDeque::new(),
            sent: 0,
            ended: VecDeque::new(),
            dead: false,
        }
    }
}

impl Window for SendWindow {
    fn has_room(&self) -> bool {
        let more = u32::from(mutants::is(Mutant::WindowOneTooLarge));
        self.slots.len() < (self.settings.window + more) as usize
    }

    fn push(&mut self, message: Message) {
        self.slots.push_back(Slot::new(message));
    }

    fn wants_to_send(&self) -> bool {
        self.sent < self.slots.len()
    }

    fn next_sending(&mut self, now: Instant) -> Option<Sending<'_>> {
        let seq = self.settings.space.add(self.base, self.sent as u32);
        let slot = self.slots.get_mut(self.sent)?;
        slot.sent(now, &self.timer);
        self.sent += 1;
        Some(Sending { seq, message: &slot.message.payload, attempt: slot.attempts })
    }

    /// `seq` is the number that the receiver waits for: it has all before it.
    fn handle_ack(&mut self, now: Instant, seq: u32) {
        let space = self.settings.space;
        let mut count = space.distance(self.base, seq) as usize;
        if mutants::is(Mutant::OldAckMovesWindow) {
            count = count.min(self.sent);
        }
        // Behind the window it is an old one; messages that were never sent can not be acknowledged.
        let last = count.checked_sub(1).and_then(|last| self.slots.get(last));
        if !space.contains(seq) || last.is_none_or(|slot| slot.attempts == 0) {
            return;
        }
        for left in (0..count).rev() {
            let Some(slot) = self.slots.pop_front() else { break };
            if left == 0 {
                self.timer.handle_ack(now - slot.sent_at, slot.attempts);
            }
            self.ended.push_back((slot.message.id, Delivery::Acknowledged));
        }
        self.base = seq;
        self.sent = self.sent.saturating_sub(count);
    }

    fn deadline(&self) -> Option<Instant> {
        // After it went back, the timer runs again with the first sending.
        let oldest = self.slots.front().filter(|_| self.sent > 0)?;
        Some(self.timer.deadline(oldest.sent_at, oldest.deadline))
    }

    fn handle_timeout(&mut self, _: Instant) {
        let spent = self.slots.front().is_some_and(|slot| self.timer.gives_up_after(slot.attempts));
        if spent {
            self.dead = true;
            self.ended.extend(self.slots.drain(..).map(|slot| slot.given_up()));
            return;
        }
        self.timer.handle_timeout();
        self.sent = usize::from(mutants::is(Mutant::GoesBackNotFarEnough));
    }

    fn pop_ended(&mut self) -> Option<(OpId, Delivery)> {
        self.ended.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn is_dead(&self) -> bool {
        self.dead
    }
}

/// What the receiver decides about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnData {
    /// It is the next one.
    Deliver,
    /// It was delivered before.
    Duplicate,
    /// One before it is missing.
    OutOfOrder,
}

/// The receiver's counters, one for each sender.
#[derive(Clone, Debug)]
pub struct Receiver {
    space: SequenceSpace,
    next: BTreeMap<SocketAddr, u32>,
}

impl Receiver {
    /// Waits for number 0 of each sender.
    pub fn new(space: SequenceSpace) -> Self {
        Receiver { space, next: BTreeMap::new() }
    }

    /// Decides about message number `seq` of a sender, and says which number is next.
    pub fn handle_data(&mut self, from: SocketAddr, seq: u32) -> (OnData, u32) {
        let next = self.next.entry(from).or_insert(0);
        if seq == *next {
            *next = self.space.add(*next, 1);
            return (OnData::Deliver, *next);
        }
        let known = self.space.is_before(seq, *next);
        if mutants::is(Mutant::AcksWhatIsAhead) && !known {
            return (OnData::OutOfOrder, self.space.add(seq, 1));
        }
        (if known { OnData::Duplicate } else { OnData::OutOfOrder }, *next)
    }

    /// How many senders it knows.
    pub fn senders(&self) -> usize {
        self.next.len()
    }
}

/// Hands each message to `deliver` once, in order, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    mut receiver: Receiver,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(Datagram::Data { seq, message }) = Datagram::decode(bytes) else {
            continue;
        };
        let (decision, next) = receiver.handle_data(from, seq);
        match decision {
            OnData::Deliver => deliver(message).await?,
            OnData::Duplicate => report("duplicate-suppressed"),
            OnData::OutOfOrder => report("out-of-order"),
        }
        memory_entries(receiver.senders() as u64);
        channel.send_to(Datagram::Ack { seq: next }.encode(), from).await?;
    }
}

#[cfg(test)]
mod tests {
    use squall_sim::time::Duration;

    use super::*;
    use crate::pipeline::testing::{message, millis, numbers};
    use crate::rtt::RttEstimator;
    use crate::timer::Timeout;

    fn sender(window: u32, bits: u32) -> SendWindow {
        let space = SequenceSpace::new(bits);
        let settings = Settings { window, space, pace: Duration::ZERO };
        SendWindow::new(settings, Timer::fixed(Duration::from_millis(100)))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 2], 1))
    }

    #[test]
    fn one_number_acknowledges_all_before_it() {
        let mut window = sender(3, 8);
        (1..=3).for_each(|number| window.push(message(number)));
        assert!(!window.has_room());
        assert_eq!(numbers(&mut window, millis(0)), [0, 1, 2]);
        window.handle_ack(millis(10), 2);
        let ended: Vec<_> = std::iter::from_fn(|| window.pop_ended()).collect();
        assert_eq!(ended, [1, 2].map(|number| (message(number).id, Delivery::Acknowledged)));
        assert!(window.has_room());
        window.push(message(4));
        assert_eq!(numbers(&mut window, millis(20)), [3]);
        assert_eq!(window.deadline(), Some(millis(100)));
    }

    #[test]
    fn a_queue_that_grows_prolongs_the_wait_for_what_is_in_it() {
        let rtt = RttEstimator::new(Duration::from_millis(1));
        let settings = Settings { window: 3, space: SequenceSpace::new(8), pace: Duration::ZERO };
        let timeout = Timeout::Adaptive(rtt);
        let mut window = SendWindow::new(settings, Timer { timeout, max_attempts: None });
        (1..=2).for_each(|number| window.push(message(number)));
        numbers(&mut window, millis(0));
        window.handle_ack(millis(10), 1);
        // Its timeout is three times the 10 ms measured; then 70 ms are measured.
        window.push(message(3));
        numbers(&mut window, millis(10));
        window.handle_ack(millis(70), 2);
        // RTTVAR = 3/4 * 5 + 1/4 * 60, SRTT = 7/8 * 10 + 1/8 * 70.
        assert_eq!(window.deadline(), Some(millis(10 + 75) + Duration::from_micros(17_500)));
    }

    #[test]
    fn the_sender_goes_back_to_the_oldest() {
        let mut window = sender(4, 8);
        (1..=4).for_each(|number| window.push(message(number)));
        numbers(&mut window, millis(0));
        window.handle_ack(millis(10), 1);
        window.handle_timeout(millis(100));
        assert_eq!(window.deadline(), None);
        assert_eq!(
            window.next_sending(millis(100)).map(|one| (one.seq, one.attempt)),
            Some((1, 2))
        );
        assert_eq!(window.deadline(), Some(millis(200)));
        // The others had arrived after all: nothing is left of what was to be sent again.
        window.handle_ack(millis(101), 4);
        assert!(window.is_empty() && !window.wants_to_send());
        assert_eq!(window.deadline(), None);
    }

    /// The oldest waited longer than its round trip took, for those behind it.
    #[test]
    fn the_newest_that_is_acknowledged_measures_the_round_trip() {
        let rtt = RttEstimator::new(Duration::from_millis(1));
        let timer = Timer { timeout: Timeout::Adaptive(rtt), max_attempts: None };
        let settings = Settings { window: 8, space: SequenceSpace::new(8), pace: Duration::ZERO };
        let mut window = SendWindow::new(settings, timer);
        window.push(message(1));
        numbers(&mut window, millis(0));
        window.push(message(2));
        numbers(&mut window, millis(500));
        window.handle_ack(millis(510), 2);
        window.push(message(3));
        numbers(&mut window, millis(510));
        assert_eq!(window.deadline(), Some(millis(510 + 30)));
    }

    #[test]
    fn numbers_wrap_around_on_both_sides() {
        let mut window = sender(7, 3);
        let mut receiver = Receiver::new(SequenceSpace::new(3));
        for number in 1..=50 {
            window.push(message(number));
            let seq = (number - 1) % 8;
            assert_eq!(numbers(&mut window, millis(0)), [seq]);
            let next = (seq + 1) % 8;
            assert_eq!(receiver.handle_data(peer(), seq), (OnData::Deliver, next));
            assert_eq!(receiver.handle_data(peer(), seq), (OnData::Duplicate, next));
            window.handle_ack(millis(1), next);
            assert_eq!(window.pop_ended(), Some((message(number).id, Delivery::Acknowledged)));
        }
    }

    #[test]
    fn acknowledgements_of_what_was_not_sent_do_nothing() {
        let mut window = sender(7, 3);
        window.push(message(1));
        window.push(message(2));
        window.next_sending(millis(0));
        for wrong in [0, 2, 3, 7, 9, u32::MAX] {
            window.handle_ack(millis(1), wrong);
        }
        assert_eq!(window.pop_ended(), None);
        window.handle_ack(millis(1), 1);
        assert!(window.pop_ended().is_some());
    }

    #[test]
    fn the_receiver_takes_only_what_is_next_of_each_sender() {
        let mut receiver = Receiver::new(SequenceSpace::new(8));
        let other = SocketAddr::from(([10, 0, 0, 3], 1));
        assert_eq!(receiver.handle_data(peer(), 1), (OnData::OutOfOrder, 0));
        assert_eq!(receiver.handle_data(peer(), 0), (OnData::Deliver, 1));
        assert_eq!(receiver.handle_data(other, 1), (OnData::OutOfOrder, 0));
        assert_eq!(receiver.handle_data(peer(), 1), (OnData::Deliver, 2));
        assert_eq!(receiver.senders(), 2);
    }

    /// With as many messages in flight as there are numbers, a repeated window is taken for a new one.
    #[test]
    fn a_window_of_all_numbers_delivers_twice() {
        for (window, delivered) in [(3, 3), (4, 8)] {
            let mut receiver = Receiver::new(SequenceSpace::new(2));
            let twice = (0..window).chain(0..window);
            let taken = twice.filter(|seq| receiver.handle_data(peer(), *seq).0 == OnData::Deliver);
            assert_eq!(taken.count(), delivered);
        }
    }

    #[test]
    fn giving_up_leaves_what_was_sent_unknown_and_fails_the_rest() {
        let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
        let space = SequenceSpace::new(8);
        let settings = Settings { window: 3, space, pace: Duration::ZERO };
        let mut window = SendWindow::new(settings, timer);
        window.push(message(1));
        numbers(&mut window, millis(0));
        window.handle_timeout(millis(100));
        numbers(&mut window, millis(100));
        window.push(message(2));
        window.handle_timeout(millis(200));
        assert!(window.is_dead() && window.is_empty());
        let ended: Vec<_> = std::iter::from_fn(|| window.pop_ended()).collect();
        let expected = [(1, Delivery::Unknown), (2, Delivery::NeverSent)];
        assert_eq!(ended, expected.map(|(number, delivery)| (message(number).id, delivery)));
    }
}
