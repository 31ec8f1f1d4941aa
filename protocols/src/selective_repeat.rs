//! Selective repeat: the receiver keeps what comes out of order and acknowledges each message by its
//! own number; the sender sends again only what was not acknowledged (Tanenbaum, "Computer
//! Networks", section 3.4.3; Kurose and Ross, section 3.4.4).
//!
//! An acknowledgement says that the receiver keeps the message, not that it has delivered it: to the
//! sender it is a success once all before it were acknowledged, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
use crate::source::Delivery;
use crate::timer::Timer;
use crate::wire::{self, Datagram};

/// The protocol.
pub fn protocol() -> Protocol {
    let protocol = Protocol::new(
        "selective-repeat",
        "Several messages in flight; only what was lost is sent again, and the receiver sorts.",
    );
    wire::with_dissector(pipeline::with_options(protocol, check)).server(server).client(client)
}

/// The receiver's window and the one before it must not share a number.
pub(crate) fn check(options: &Options, _: &OptionContext) -> Option<OptionProblem> {
    let safe = |numbers| numbers / 2;
    pipeline::check_window(options, safe, "the window must not be more than half of them")
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
    let settings = Settings::from_options(server.options());
    receive(&mut channel::listen(server).await?, settings, deliver).await
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
    /// How many messages were acknowledged with all before them. Messages are counted without end
    /// here; on the wire the numbers wrap around.
    base: u64,
    /// The messages from there on, and whether they are acknowledged.
    slots: VecDeque<(Slot, bool)>,
    /// Those to be sent, for the first time or again.
    due: BTreeSet<u64>,
    /// Those that were sent and are not acknowledged, by the deadline that they were sent with.
    in_flight: BTreeSet<(Instant, u64)>,
    ended: VecDeque<(OpId, Delivery)>,
    /// When the timer last backed off.
    backed_off_at: Option<Instant>,
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
            due: BTreeSet::new(),
            in_flight: BTreeSet::new(),
            ended: VecDeque::new(),
            backed_off_at: None,
            dead: false,
        }
    }

    fn slot(&self, message: u64) -> &Slot {
        &self.slots[(message - self.base) as usize].0
    }
}

impl Window for SendWindow {
    fn has_room(&self) -> bool {
        let more = u32::from(mutants::is(Mutant::WindowOneTooLarge));
        self.slots.len() < (self.settings.window + more) as usize
    }

    fn push(&mut self, message: Message) {
        self.due.insert(self.base + self.slots.len() as u64);
        self.slots.push_back((Slot::new(message), false));
    }

    fn wants_to_send(&self) -> bool {
        !self.due.is_empty()
    }

    /// The oldest comes first, so that what was lost goes before what is new.
    fn next_sending(&mut self, now: Instant) -> Option<Sending<'_>> {
        let message = self.due.pop_first()?;
        let (slot, _) = self.slots.get_mut((message - self.base) as usize)?;
        slot.sent(now, &self.timer);
        self.in_flight.insert((slot.deadline, message));
        let seq = self.settings.space.number(message);
        Some(Sending { seq, message: &slot.message.payload, attempt: slot.attempts })
    }

    /// The receiver has the message with this number, whatever became of the others.
    fn handle_ack(&mut self, now: Instant, seq: u32) {
        let space = self.settings.space;
        let ahead = space.distance(space.number(self.base), seq);
        let slot = self.slots.get_mut(ahead as usize).filter(|_| space.contains(seq));
        let Some((slot, acknowledged)) = slot else { return };
        if slot.attempts == 0 || std::mem::replace(acknowledged, true) {
            return;
        }
        let message = self.base + u64::from(ahead);
        self.due.remove(&message);
        self.in_flight.remove(&(slot.deadline, message));
        self.timer.handle_ack(now - slot.sent_at, slot.attempts);
        if mutants::is(Mutant::AckTakenForAllBefore) {
            let (slots, due) = (&mut self.slots, &mut self.due);
            slots
                .iter_mut()
                .take(ahead as usize)
                .for_each(|(_, acknowledged)| *acknowledged = true);
            due.retain(|other| *other > message);
            self.in_flight.retain(|(_, other)| *other > message);
        }
        // What is behind a gap was kept, but is not delivered before the gap is closed: no success yet.
        while let Some((slot, true)) = self.slots.front() {
            self.ended.push_back((slot.message.id, Delivery::Acknowledged));
            self.slots.pop_front();
            self.base += 1;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let mut first: Option<Instant> = None;
        for (sent_with, message) in &self.in_flight {
            // The timer only prolongs, so those that follow end later.
            if first.is_some_and(|first| first <= *sent_with) {
                break;
            }
            let deadline = self.timer.deadline(self.slot(*message).sent_at, *sent_with);
            first = Some(first.map_or(deadline, |first| first.min(deadline)));
        }
        first
    }

    fn handle_timeout(&mut self, now: Instant) {
        let late = self.in_flight.iter().take_while(|(sent_with, _)| *sent_with <= now);
        let late = late.filter(|(sent_with, message)| {
            self.timer.deadline(self.slot(*message).sent_at, *sent_with) <= now
        });
        let mut late: Vec<(Instant, u64)> = late.copied().collect();
        if mutants::is(Mutant::ResendsAll) && !late.is_empty() {
            late = self.in_flight.iter().copied().collect();
        }
        let mut backs_off = false;
        for (sent_with, message) in late {
            let slot = self.slot(message);
            // Losses of one outage are one reason to wait longer, however many they are.
            backs_off |= self.backed_off_at.is_none_or(|at| slot.sent_at >= at);
            self.dead |= self.timer.gives_up_after(slot.attempts);
            self.in_flight.remove(&(sent_with, message));
            self.due.insert(message);
        }
        if self.dead {
            self.due.clear();
            self.in_flight.clear();
            self.ended.extend(self.slots.drain(..).map(|(slot, _)| slot.given_up()));
        } else if backs_off {
            self.timer.handle_timeout();
            self.backed_off_at = Some(now);
        }
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
    /// It is new, and acknowledged; [`ReceiveWindow::pop`] may have something now.
    Keep,
    /// It was there before: its acknowledgement was lost or late, and is sent again.
    Duplicate,
    /// It is of no window: it is ignored.
    Ignore,
}

/// What the receiver keeps of one sender.
#[derive(Clone, Debug)]
pub struct ReceiveWindow {
    settings: Settings,
    /// The number of the message to be delivered next.
    base: u32,
    /// The messages from `base` on, as far as they are there.
    kept: VecDeque<Option<Vec<u8>>>,
}

impl ReceiveWindow {
    /// Waits for number 0.
    pub fn new(settings: Settings) -> Self {
        ReceiveWindow { settings, base: 0, kept: VecDeque::new() }
    }

    /// Decides about message number `seq`, and keeps it if it is new.
    pub fn handle_data(&mut self, seq: u32, message: &[u8]) -> OnData {
        let Settings { window, space, .. } = self.settings;
        if !space.contains(seq) {
            return OnData::Ignore;
        }
        let ahead = space.distance(self.base, seq);
        if ahead >= window {
            let known = space.is_before(seq, self.base);
            let known = known || mutants::is(Mutant::AcksWhatItDrops);
            return if known { OnData::Duplicate } else { OnData::Ignore };
        }
        let index = ahead as usize;
        if self.kept.len() <= index {
            self.kept.resize(index + 1, None);
        }
        if self.kept[index].is_some() {
            return OnData::Duplicate;
        }
        self.kept[index] = Some(message.to_vec());
        OnData::Keep
    }

    /// The next message in order, if it is there.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        while mutants::is(Mutant::GapSkipped) && self.kept.front().is_some_and(Option::is_none) {
            self.kept.pop_front();
            self.base = self.settings.space.add(self.base, 1);
        }
        let message = self.kept.front_mut()?.take()?;
        self.kept.pop_front();
        self.base = self.settings.space.add(self.base, 1);
        Some(message)
    }
}

/// Hands each message to `deliver` once, in order, for ever.
///
/// # Errors
/// Those of the socket.
pub async fn receive(
    channel: &mut Channel,
    settings: Settings,
    mut deliver: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut windows: BTreeMap<SocketAddr, ReceiveWindow> = BTreeMap::new();
    let mut kept = 0;
    loop {
        let (bytes, from) = channel.recv_from().await?;
        let Some(Datagram::Data { seq, message }) = Datagram::decode(bytes) else {
            continue;
        };
        let window = windows.entry(from).or_insert_with(|| ReceiveWindow::new(settings));
        match window.handle_data(seq, message) {
            OnData::Keep => kept += 1,
            OnData::Duplicate => report("duplicate-suppressed"),
            OnData::Ignore => continue,
        }
        let mut ready = Vec::new();
        while let Some(message) = window.pop() {
            ready.push(message);
        }
        // What is kept, and a counter for each sender.
        memory_entries((kept + windows.len()) as u64);
        kept -= ready.len();
        for message in ready {
            deliver(&message).await?;
        }
        channel.send_to(Datagram::Ack { seq }.encode(), from).await?;
    }
}

#[cfg(test)]
mod tests {
    use squall_sim::time::Duration;

    use super::*;
    use crate::pipeline::testing::{message, millis, numbers};
    use crate::rtt::RttEstimator;
    use crate::serial::SequenceSpace;
    use crate::timer::Timeout;

    fn settings(window: u32, bits: u32) -> Settings {
        Settings { window, space: SequenceSpace::new(bits), pace: Duration::ZERO }
    }

    fn sender(window: u32, bits: u32) -> SendWindow {
        SendWindow::new(settings(window, bits), Timer::fixed(Duration::from_millis(100)))
    }

    fn receiver(window: u32, bits: u32) -> ReceiveWindow {
        ReceiveWindow::new(settings(window, bits))
    }

    fn deliver(receiver: &mut ReceiveWindow) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| receiver.pop()).collect()
    }

    #[test]
    fn only_what_was_lost_is_sent_again() {
        let mut window = sender(4, 8);
        (1..=4).for_each(|number| window.push(message(number)));
        assert!(!window.has_room());
        assert_eq!(numbers(&mut window, millis(0)), [0, 1, 2, 3]);
        for ack in [1, 3] {
            window.handle_ack(millis(10), ack);
        }
        assert!(!window.has_room(), "the oldest is missing, so the window stands still");
        window.handle_timeout(millis(100));
        assert_eq!(numbers(&mut window, millis(100)), [0, 2]);
        window.handle_ack(millis(110), 0);
        assert!(window.has_room());
        window.push(message(5));
        window.push(message(6));
        assert!(!window.has_room());
        assert_eq!(numbers(&mut window, millis(111)), [4, 5]);
        assert_eq!(window.deadline(), Some(millis(200)));
    }

    fn adaptive() -> SendWindow {
        let rtt = RttEstimator::new(Duration::from_millis(1));
        let timer = Timer { timeout: Timeout::Adaptive(rtt), max_attempts: None };
        SendWindow::new(settings(4, 8), timer)
    }

    #[test]
    fn what_is_acknowledged_late_is_not_sent_again() {
        let mut window = sender(4, 8);
        (1..=2).for_each(|number| window.push(message(number)));
        numbers(&mut window, millis(0));
        window.handle_timeout(millis(100));
        window.handle_ack(millis(101), 1);
        window.handle_ack(millis(101), 0);
        assert!(window.is_empty() && !window.wants_to_send() && window.deadline().is_none());
        window.push(message(3));
        assert_eq!(numbers(&mut window, millis(102)), [2]);
    }

    #[test]
    fn a_second_acknowledgement_measures_nothing() {
        let mut window = adaptive();
        (1..=2).for_each(|number| window.push(message(number)));
        numbers(&mut window, millis(0));
        window.handle_ack(millis(10), 1);
        window.handle_ack(millis(500), 1);
        window.push(message(3));
        numbers(&mut window, millis(500));
        assert_eq!(window.deadline(), Some(millis(500 + 30)));
    }

    #[test]
    fn the_first_deadline_may_be_of_a_message_that_was_sent_with_a_later_one() {
        let mut window = adaptive();
        (1..=2).for_each(|number| window.push(message(number)));
        numbers(&mut window, millis(0));
        window.handle_ack(millis(10), 1);
        for (number, at) in [(3, 890), (4, 950)] {
            window.push(message(number));
            numbers(&mut window, millis(at));
        }
        // The timeout was 1000, is 30, and then 115 ms.
        assert_eq!(window.deadline(), Some(millis(890 + 30)));
        window.handle_ack(millis(980), 2);
        assert_eq!(window.deadline(), Some(millis(1000)));
    }

    #[test]
    fn losses_of_one_outage_make_the_timer_back_off_once() {
        let rtt = RttEstimator::new(Duration::from_millis(100));
        let timer = Timer { timeout: Timeout::Adaptive(rtt), max_attempts: None };
        let mut window = SendWindow::new(settings(4, 8), timer);
        for number in 1..=4 {
            window.push(message(number));
            numbers(&mut window, millis(u64::from(number)));
        }
        // The timeout is one second at first, and two after it backed off.
        for (at, due) in [(1001, vec![0]), (2002, vec![1]), (2003, vec![2]), (2004, vec![3])] {
            assert_eq!(window.deadline(), Some(millis(at)));
            window.handle_timeout(millis(at));
            assert_eq!(numbers(&mut window, millis(at)), due);
        }
        assert_eq!(window.deadline(), Some(millis(1001 + 2000)));
        // What was sent since is lost again: four seconds.
        window.handle_timeout(millis(3001));
        numbers(&mut window, millis(3001));
        assert_eq!(window.deadline(), Some(millis(2002 + 4000)));
    }

    #[test]
    fn acknowledgements_of_what_was_not_sent_or_is_not_in_the_window_do_nothing() {
        let mut window = sender(4, 3);
        window.push(message(1));
        window.handle_ack(millis(0), 0);
        assert_eq!(window.pop_ended(), None);
        numbers(&mut window, millis(0));
        for wrong in [1, 3, 4, 7, 8, u32::MAX] {
            window.handle_ack(millis(1), wrong);
        }
        assert_eq!(window.pop_ended(), None);
        window.handle_ack(millis(1), 0);
        window.handle_ack(millis(1), 0);
        assert_eq!(window.pop_ended(), Some((message(1).id, Delivery::Acknowledged)));
        assert!(window.pop_ended().is_none() && window.is_empty());
    }

    #[test]
    fn the_receiver_sorts_within_its_window_and_across_the_wrap() {
        let mut receiver = receiver(4, 3);
        for round in 0..5u8 {
            let base = round * 4 % 8;
            let seq = |n: u8| u32::from((base + n) % 8);
            for n in [2, 1, 3] {
                assert_eq!(receiver.handle_data(seq(n), &[round, n]), OnData::Keep);
                assert_eq!(receiver.handle_data(seq(n), &[round, n]), OnData::Duplicate);
                assert!(deliver(&mut receiver).is_empty());
            }
            assert_eq!(receiver.handle_data(seq(0), &[round, 0]), OnData::Keep);
            let ready = deliver(&mut receiver);
            assert_eq!(ready, [[round, 0], [round, 1], [round, 2], [round, 3]]);
            // All of the window before this one are duplicates.
            for n in 0..4 {
                assert_eq!(receiver.handle_data(seq(n), &[9]), OnData::Duplicate);
            }
        }
    }

    #[test]
    fn all_32_bits_wrap_around() {
        let mut receiver = receiver(4, 32);
        receiver.base = u32::MAX - 1;
        for seq in [0, u32::MAX - 1, u32::MAX, 1] {
            assert_eq!(receiver.handle_data(seq, &[seq as u8]), OnData::Keep);
        }
        assert_eq!(deliver(&mut receiver), [[0xfe], [0xff], [0], [1]]);
        assert_eq!(receiver.handle_data(u32::MAX, &[9]), OnData::Duplicate);
    }

    #[test]
    fn the_edges_of_the_window() {
        let mut receiver = receiver(4, 8);
        assert_eq!(receiver.handle_data(3, b"in"), OnData::Keep);
        assert_eq!(receiver.handle_data(4, b"beyond"), OnData::Ignore);
        assert_eq!(receiver.handle_data(256, b"no such number"), OnData::Ignore);
        assert_eq!(receiver.handle_data(255, b"before"), OnData::Duplicate);
    }

    /// Tanenbaum's example: with 3 bits and a window of 7, a window whose acknowledgements were all
    /// lost is taken for the next one.
    #[test]
    fn a_window_of_more_than_half_the_numbers_delivers_twice() {
        let delivered = |size: u32| {
            let mut receiver = receiver(size, 3);
            let mut count = 0;
            for _ in 0..2 {
                for seq in 0..size {
                    receiver.handle_data(seq, b"x");
                    count += deliver(&mut receiver).len();
                }
            }
            count as u32
        };
        assert_eq!(delivered(4), 4);
        // The sender knows of no success and begins anew; the receiver already waits for 7.
        let mut receiver = receiver(7, 3);
        assert!((0..7).all(|seq| receiver.handle_data(seq, b"x") == OnData::Keep));
        deliver(&mut receiver);
        assert_eq!(receiver.handle_data(0, b"x"), OnData::Keep);
    }

    #[test]
    fn giving_up_leaves_what_was_sent_unknown_and_fails_the_rest() {
        let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
        let mut window = SendWindow::new(settings(3, 8), timer);
        window.push(message(1));
        window.push(message(2));
        numbers(&mut window, millis(0));
        window.handle_ack(millis(1), 1);
        window.handle_timeout(millis(100));
        assert!(!window.is_dead());
        numbers(&mut window, millis(100));
        window.push(message(3));
        window.handle_timeout(millis(200));
        assert!(window.is_dead() && window.is_empty());
        let ended: Vec<_> = std::iter::from_fn(|| window.pop_ended()).collect();
        let expected = [(1, Delivery::Unknown), (2, Delivery::Unknown), (3, Delivery::NeverSent)];
        assert_eq!(ended, expected.map(|(number, delivery)| (message(number).id, delivery)));
    }
}
