//! The sender's decisions, and sender and receiver together.

use std::collections::VecDeque;

use proptest::prelude::*;
use squall_sim::time::{Duration, Instant};

use super::*;
use crate::pipeline::testing::{message, millis};
use crate::rtt::RttEstimator;
use crate::source::Delivery;
use crate::timer::Timeout;

const SETTINGS: Settings =
    Settings { segment: 10, buffer: 1000, congestion: false, flow_control: true };

fn sender(settings: Settings) -> SendBuffer {
    SendBuffer::new(settings, Timer::fixed(Duration::from_millis(100)))
}

/// A message that takes `length` bytes of the stream.
fn push(sender: &mut SendBuffer, number: u32, length: usize) {
    sender.push(message(number).id, &vec![number as u8; length - 4]);
}

/// First byte and length of everything that the sender wants to send.
fn segments(sender: &mut SendBuffer, at: Instant) -> Vec<(u32, usize)> {
    std::iter::from_fn(|| sender.next_segment(at).map(|one| (one.seq, one.bytes.len()))).collect()
}

fn ended(sender: &mut SendBuffer) -> Vec<(u32, Delivery)> {
    std::iter::from_fn(|| sender.pop_ended().map(|(id, delivery)| (id.number, delivery))).collect()
}

#[test]
fn the_sender_keeps_to_the_receivers_window() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 45);
    // One segment until the receiver has said how much room it has.
    assert_eq!(segments(&mut sender, millis(0)), [(0, 10)]);
    sender.handle_ack(millis(1), 10, 25);
    assert_eq!(segments(&mut sender, millis(1)), [(10, 10), (20, 10)], "5 bytes are no segment");
    sender.handle_ack(millis(2), 30, 30);
    assert_eq!(
        segments(&mut sender, millis(2)),
        [(30, 10), (40, 5)],
        "but the end of the stream is"
    );
    assert_eq!(ended(&mut sender), []);
    sender.handle_ack(millis(3), 45, 30);
    assert_eq!(ended(&mut sender), [(1, Delivery::Acknowledged)]);
    assert!(sender.is_empty() && sender.deadline().is_none());
}

#[test]
fn a_closed_window_is_probed_with_one_byte_and_is_no_reason_to_give_up() {
    let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
    let mut sender = SendBuffer::new(SETTINGS, timer);
    push(&mut sender, 1, 20);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(10), 10, 0);
    assert_eq!(segments(&mut sender, millis(10)), []);
    for round in 1..=5 {
        let at = millis(10 + 100 * round);
        assert_eq!(sender.deadline(), Some(at));
        sender.handle_timeout();
        assert_eq!(segments(&mut sender, at), [(10, 1)]);
        sender.handle_ack(at, 10, 0);
        assert!(!sender.is_dead());
    }
    sender.handle_ack(millis(600), 10, 20);
    assert_eq!(segments(&mut sender, millis(600)), [(11, 9)], "the probe may have arrived");
    sender.handle_ack(millis(610), 20, 20);
    assert_eq!(ended(&mut sender), [(1, Delivery::Acknowledged)]);
}

/// The receiver's window update may be lost, and it is not repeated.
#[test]
fn a_window_that_was_closed_before_there_was_something_to_send_is_probed_too() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 10);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(10), 10, 0);
    assert!(sender.is_empty() && sender.deadline().is_none());
    push(&mut sender, 2, 10);
    assert_eq!(segments(&mut sender, millis(50)), []);
    assert_eq!(sender.deadline(), Some(millis(150)));
    sender.handle_timeout();
    assert_eq!(segments(&mut sender, millis(150)), [(10, 1)]);
}

#[test]
fn what_was_lost_is_sent_again_and_nothing_beyond_it() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 13);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(1), 10, 3);
    assert_eq!(segments(&mut sender, millis(1)), [(10, 3)]);
    push(&mut sender, 2, 20);
    let lost = [(); 3].map(|()| sender.handle_ack(millis(2), 10, 3));
    assert_eq!(lost, [false, false, true]);
    assert_eq!(segments(&mut sender, millis(2)), [(10, 3)], "there is room for three bytes");
}

#[test]
fn numbers_wrap_around() {
    let mut sender = sender(SETTINGS);
    sender.start_at(u32::MAX - 12);
    push(&mut sender, 1, 30);
    let first = u32::MAX - 12;
    assert_eq!(segments(&mut sender, millis(0)), [(first, 10)]);
    sender.handle_ack(millis(1), first.wrapping_add(10), 100);
    assert_eq!(segments(&mut sender, millis(1)), [(u32::MAX - 2, 10), (7, 10)]);
    sender.handle_ack(millis(2), first, 100);
    assert_eq!(ended(&mut sender), [], "an old one");
    sender.handle_ack(millis(2), 17, 100);
    assert_eq!(ended(&mut sender), [(1, Delivery::Acknowledged)]);
    assert!(sender.is_empty());
}

#[test]
fn the_third_duplicate_acknowledgement_sends_the_oldest_segment_again() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 50);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(1), 10, 100);
    assert_eq!(segments(&mut sender, millis(1)).len(), 4);
    assert!(!sender.handle_ack(millis(2), 10, 100));
    assert!(!sender.handle_ack(millis(2), 10, 100));
    assert_eq!(segments(&mut sender, millis(2)), []);
    assert!(sender.handle_ack(millis(2), 10, 100));
    assert_eq!(segments(&mut sender, millis(2)), [(10, 10)]);
    sender.handle_ack(millis(3), 50, 100);
    assert!(sender.is_empty());
}

#[test]
fn a_window_update_is_no_duplicate() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 50);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(1), 10, 100);
    segments(&mut sender, millis(1));
    assert!((101..200).all(|window| !sender.handle_ack(millis(2), 10, window)));
}

#[test]
fn after_a_timeout_the_sender_goes_back_and_cuts_anew() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 7);
    assert_eq!(segments(&mut sender, millis(0)), [(0, 7)]);
    sender.handle_ack(millis(1), 0, 100);
    push(&mut sender, 2, 8);
    assert_eq!(segments(&mut sender, millis(1)), [(7, 8)]);
    sender.handle_timeout();
    assert_eq!(segments(&mut sender, millis(100)), [(0, 10), (10, 5)]);
}

#[test]
fn acknowledgements_of_what_was_never_sent_do_nothing() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 30);
    segments(&mut sender, millis(0));
    for wrong in [11, 30, 31, u32::MAX, 1 << 31] {
        sender.handle_ack(millis(1), wrong, 100);
    }
    assert_eq!((ended(&mut sender), segments(&mut sender, millis(1))), (vec![], vec![]));
}

#[test]
fn giving_up_leaves_what_was_sent_unknown_and_fails_the_rest() {
    let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
    let mut sender = SendBuffer::new(SETTINGS, timer);
    push(&mut sender, 1, 5);
    push(&mut sender, 2, 10);
    push(&mut sender, 3, 10);
    assert_eq!(segments(&mut sender, millis(0)), [(0, 10)]);
    sender.handle_timeout();
    assert_eq!(segments(&mut sender, millis(100)), [(0, 10)]);
    sender.handle_timeout();
    assert!(sender.is_dead());
    let expected = [(1, Delivery::Unknown), (2, Delivery::Unknown), (3, Delivery::NeverSent)];
    assert_eq!(ended(&mut sender), expected);
    assert_eq!(segments(&mut sender, millis(200)), []);
    assert!(!sender.handle_ack(millis(200), 10, 100) && sender.is_empty());
}

#[test]
fn a_message_of_which_nothing_was_sent_fails() {
    let timer = Timer { max_attempts: Some(1), ..Timer::fixed(Duration::from_millis(100)) };
    let mut sender = SendBuffer::new(SETTINGS, timer);
    push(&mut sender, 1, 10);
    push(&mut sender, 2, 10);
    assert_eq!(segments(&mut sender, millis(0)), [(0, 10)]);
    sender.handle_timeout();
    assert_eq!(ended(&mut sender), [(1, Delivery::Unknown), (2, Delivery::NeverSent)]);
}

#[test]
fn attempts_are_those_of_the_oldest_byte() {
    let timer = Timer { max_attempts: Some(2), ..Timer::fixed(Duration::from_millis(100)) };
    let mut sender = SendBuffer::new(SETTINGS, timer);
    push(&mut sender, 1, 50);
    for seq in [0, 10, 20] {
        assert_eq!(segments(&mut sender, millis(0)), [(seq, 10)]);
        sender.handle_timeout();
        assert_eq!(segments(&mut sender, millis(100)), [(seq, 10)]);
        sender.handle_ack(millis(110), seq + 10, 10);
        assert!(!sender.is_dead());
    }
}

#[test]
fn an_acknowledgement_leaves_what_is_on_the_way_alone() {
    let mut sender = sender(SETTINGS);
    push(&mut sender, 1, 50);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(1), 10, 20);
    assert_eq!(segments(&mut sender, millis(1)), [(10, 10), (20, 10)]);
    sender.handle_ack(millis(2), 20, 20);
    assert_eq!(segments(&mut sender, millis(2)), [(30, 10)]);
}

#[test]
fn a_receiver_without_room_is_no_sign_of_loss() {
    let mut sender = sender(Settings { congestion: true, ..SETTINGS });
    push(&mut sender, 1, 100);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(1), 10, 0);
    for round in 1..=5 {
        sender.handle_timeout();
        assert_eq!(segments(&mut sender, millis(100 * round)), [(10, 1)]);
        assert!(!sender.handle_ack(millis(100 * round + 10), 10, 0));
        assert_eq!(sender.deadline(), Some(millis(100 * round + 110)));
    }
    sender.handle_ack(millis(600), 11, 100);
    // As many as before: four segments at first, and one each since then.
    assert_eq!(segments(&mut sender, millis(600)).len(), 5);
}

fn adaptive() -> SendBuffer {
    let rtt = RttEstimator::new(Duration::from_millis(1));
    SendBuffer::new(SETTINGS, Timer { timeout: Timeout::Adaptive(rtt), max_attempts: None })
}

#[test]
fn the_round_trip_is_that_of_a_byte_that_was_sent_once() {
    let mut sender = adaptive();
    push(&mut sender, 1, 100);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(40), 10, 30);
    // Three times the first round trip, or SRTT and four times RTTVAR.
    assert_eq!(sender.deadline(), None);
    segments(&mut sender, millis(40));
    assert_eq!(sender.deadline(), Some(millis(40 + 120)));
    // Half of the segment that is timed, and then the rest of it.
    sender.handle_ack(millis(60), 15, 25);
    assert_eq!(sender.deadline(), Some(millis(60 + 120)));
    sender.handle_ack(millis(80), 20, 20);
    assert_eq!(sender.deadline(), Some(millis(80 + 40 + 4 * 15)));
}

#[test]
fn what_was_sent_again_measures_nothing() {
    let mut sender = adaptive();
    push(&mut sender, 1, 100);
    segments(&mut sender, millis(0));
    sender.handle_ack(millis(40), 10, 30);
    segments(&mut sender, millis(40));
    assert_eq!([(); 3].map(|()| sender.handle_ack(millis(80), 10, 30)), [false, false, true]);
    segments(&mut sender, millis(80));
    sender.handle_ack(millis(90), 40, 30);
    segments(&mut sender, millis(90));
    assert_eq!(sender.deadline(), Some(millis(90 + 120)), "as before");
}

/// A network that drops, repeats and disorders as it is told, between sender and receiver.
fn transfer(messages: &[usize], chaos: &[u8], reno: bool, reads: usize) -> (Vec<Vec<u8>>, usize) {
    let settings = Settings { congestion: reno, ..SETTINGS };
    let mut sender = sender(settings);
    let mut connection = Connection { buffer: ReceiveBuffer::new(40, 10), read: Vec::new() };
    for (length, number) in messages.iter().zip(1..) {
        push(&mut sender, number, length + 4);
    }
    let (mut chaos, mut delivered) = (chaos.iter().copied(), Vec::new());
    let mut acks: VecDeque<(u32, u32)> = VecDeque::new();
    let mut completed = 0;
    for round in 0..10_000 {
        let now = millis(round * 10);
        let mut on_the_way = Vec::new();
        while let Some(segment) = sender.next_segment(now) {
            // When the chaos is over, the network is calm.
            match chaos.next().unwrap_or(9) {
                0..=1 => {}
                2 => on_the_way.extend([segment.clone(), segment]),
                3 => on_the_way.insert(0, segment),
                _ => on_the_way.push(segment),
            }
        }
        for segment in on_the_way {
            connection.buffer.handle_segment(segment.seq, &segment.bytes);
            acks.push_back(connection.buffer.acknowledge());
        }
        delivered.extend(connection.read(reads));
        if connection.buffer.has_opened() {
            acks.push_back(connection.buffer.acknowledge());
        }
        for (ack, window) in acks.drain(..) {
            if chaos.next().unwrap_or(9) > 1 {
                sender.handle_ack(now, ack, window);
            }
        }
        if sender.deadline().is_some_and(|deadline| deadline <= now) {
            sender.handle_timeout();
        }
        completed += ended(&mut sender).len();
        if sender.is_empty() && !connection.buffer.is_readable() {
            break;
        }
    }
    (delivered, completed)
}

proptest! {
    #[test]
    fn whatever_the_network_does_the_messages_come_once_and_in_order(
        messages in prop::collection::vec(0usize..60, 1..20),
        chaos in prop::collection::vec(0u8..8, 0..200),
        reno: bool,
        reads in 1usize..50,
    ) {
        let (delivered, completed) = transfer(&messages, &chaos, reno, reads);
        let sent: Vec<Vec<u8>> =
            messages.iter().zip(1u8..).map(|(length, number)| vec![number; *length]).collect();
        prop_assert_eq!(delivered, sent);
        prop_assert_eq!(completed, messages.len());
    }
}
