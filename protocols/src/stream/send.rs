//! The sender's decisions: which bytes of the stream to send, and when to send them again.

use std::collections::VecDeque;

use squall_sim::time::Instant;
use squall_sim::trace::OpId;

use super::congestion::Congestion;
use crate::mutants::{self, Mutant};
use crate::source::Delivery;
use crate::timer::Timer;

/// How a sender sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes of the stream in one segment.
    pub segment: usize,
    /// Bytes that may wait to be sent or acknowledged.
    pub buffer: usize,
    /// Whether the network limits what is in flight.
    pub congestion: bool,
    /// Whether the receiver's window does.
    pub flow_control: bool,
}

/// A segment to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// The number of its first byte.
    pub seq: u32,
    /// Its part of the stream.
    pub bytes: Vec<u8>,
    /// True if some of it was sent before.
    pub again: bool,
}

/// A sender's half of a connection. Offsets count bytes from the oldest unacknowledged one.
#[derive(Debug)]
pub struct SendBuffer {
    settings: Settings,
    timer: Timer,
    congestion: Congestion,
    /// The number of the oldest unacknowledged byte, SND.UNA.
    unacknowledged: u32,
    /// The stream from there on.
    bytes: VecDeque<u8>,
    /// How far it was sent since the sender last went back, SND.NXT.
    sent: usize,
    /// How far it was ever sent.
    ever_sent: usize,
    /// The receiver's room, SND.WND.
    window: usize,
    /// True if a byte may be sent though there is no room for it.
    probe: bool,
    /// True if the oldest segment is to be sent again, whatever else.
    resend: bool,
    /// When the timer runs out.
    deadline: Option<Instant>,
    /// How often the oldest byte was sent.
    attempts: u64,
    /// The byte whose acknowledgement is being timed, as an offset, and when it was sent.
    timed: Option<(usize, Instant)>,
    /// How many bytes were acknowledged in all.
    acknowledged: u64,
    /// Where each message ends, counted from the first byte of the stream.
    ends: VecDeque<(u64, OpId)>,
    ended: VecDeque<(OpId, Delivery)>,
    dead: bool,
}

impl SendBuffer {
    /// A stream from byte 0 on, to a receiver that is thought to have room for one segment until it
    /// says more.
    pub fn new(settings: Settings, timer: Timer) -> Self {
        SendBuffer {
            settings,
            timer,
            congestion: Congestion::new(settings.congestion, settings.segment),
            unacknowledged: 0,
            bytes: VecDeque::new(),
            sent: 0,
            ever_sent: 0,
            window: settings.segment,
            probe: false,
            resend: false,
            deadline: None,
            attempts: 0,
            timed: None,
            acknowledged: 0,
            ends: VecDeque::new(),
            ended: VecDeque::new(),
            dead: false,
        }
    }

    /// The same from another byte on.
    #[cfg(test)]
    pub(super) fn start_at(&mut self, first: u32) {
        self.unacknowledged = first;
    }

    /// True if another message may be added.
    pub fn has_room(&self) -> bool {
        self.bytes.len() < self.settings.buffer
    }

    /// Adds a message to the end of the stream, behind its length, so that the receiver finds it
    /// there: a stream knows no messages.
    pub fn push(&mut self, id: OpId, message: &[u8]) {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(message);
        self.ends.push_back((self.acknowledged + self.bytes.len() as u64, id));
    }

    /// The next segment to be sent, if there is one; it counts as sent at `now`.
    pub fn next_segment(&mut self, now: Instant) -> Option<Sending> {
        if self.deadline.is_none() && self.is_shut_out() {
            // The window was closed before there was something to send.
            self.restart_timer(now);
        }
        let start = if self.resend { 0 } else { self.sent };
        let length = self.next_length()?;
        let end = start + length;
        let again = start < self.ever_sent;
        if again {
            // The acknowledgement of what was sent twice times nothing (Karn).
            self.timed = None;
        } else if self.timed.is_none() {
            self.timed = Some((end, now));
        }
        if start == 0 {
            self.attempts += 1;
        }
        (self.resend, self.probe) = (false, false);
        self.sent = self.sent.max(end);
        self.ever_sent = self.ever_sent.max(end);
        // RFC 6298, rule 5.1.
        self.deadline.get_or_insert_with(|| now + self.timer.wait(self.attempts.max(1)));
        let seq = self.unacknowledged.wrapping_add(start as u32);
        Some(Sending { seq, bytes: self.bytes.range(start..end).copied().collect(), again })
    }

    /// True if [`SendBuffer::next_segment`] has one.
    pub fn wants_to_send(&self) -> bool {
        self.next_length().is_some()
    }

    /// How many bytes the next segment has.
    fn next_length(&self) -> Option<usize> {
        let full = self.settings.segment;
        if self.resend {
            // What was never sent may be more than there is room for.
            return Some(self.ever_sent.min(full)).filter(|length| *length > 0);
        }
        let rest = self.bytes.len() - self.sent;
        if self.probe && rest > 0 {
            return Some(1);
        }
        let limit = self.receiver_window().min(self.congestion.window());
        let length = rest.min(full).min(limit.saturating_sub(self.sent));
        // No small segments while something is on the way that may open the window (RFC 1122,
        // section 4.2.3.4), but for the end of the stream.
        let worth_it = length == full || length == rest || self.sent == 0;
        (length > 0 && worth_it).then_some(length)
    }

    fn receiver_window(&self) -> usize {
        if self.settings.flow_control { self.window } else { usize::MAX }
    }

    /// The receiver has all before `ack`, and room for `window` bytes from there on. True if this
    /// shows that the oldest segment was lost (fast retransmit).
    pub fn handle_ack(&mut self, now: Instant, ack: u32, window: u32) -> bool {
        let acked = ack.wrapping_sub(self.unacknowledged) as usize;
        if acked > self.ever_sent {
            // An old one, or one of something that was never sent.
            return false;
        }
        let same_window = self.window == window as usize;
        self.window = window as usize;
        if acked > 0 {
            self.advance(now, ack, acked);
            return false;
        }
        if window == 0 {
            // It is alive, and has no room: that is no reason to give up.
            self.attempts = 0;
        }
        if self.ever_sent == 0 || window == 0 {
            self.restart_timer(now);
            return false;
        }
        // RFC 5681, section 2: a duplicate acknowledgement says nothing new at all.
        if !same_window {
            return false;
        }
        let lost = self.congestion.handle_duplicate(self.ever_sent);
        self.resend |= lost;
        lost
    }

    /// So many bytes were acknowledged.
    fn advance(&mut self, now: Instant, ack: u32, acked: usize) {
        match self.timed {
            Some((end, sent_at)) if end <= acked => {
                self.timer.handle_ack(now - sent_at, 1);
                self.timed = None;
            }
            Some((end, sent_at)) => self.timed = Some((end - acked, sent_at)),
            None => {}
        }
        self.congestion.handle_ack(acked);
        self.bytes.drain(..acked);
        self.unacknowledged = ack;
        self.sent = self.sent.saturating_sub(acked);
        self.ever_sent -= acked;
        self.attempts = 0;
        self.resend = false;
        self.acknowledged += acked as u64;
        while let Some((_, id)) = self.ends.front().filter(|(end, _)| *end <= self.acknowledged) {
            let id = *id;
            self.ends.pop_front();
            self.ended.push_back((id, Delivery::Acknowledged));
        }
        self.restart_timer(now);
    }

    /// RFC 6298, rules 5.2 and 5.3; and the persist timer, which runs while the receiver has no room
    /// (RFC 9293, section 3.8.6.1).
    fn restart_timer(&mut self, now: Instant) {
        let waits = self.ever_sent > 0 || self.is_shut_out();
        self.deadline = waits.then(|| now + self.timer.wait(1));
    }

    /// True if there is something to send or to send again, and no room for it.
    fn is_shut_out(&self) -> bool {
        !mutants::is(Mutant::NoPersistTimer)
            && !self.bytes.is_empty()
            && self.receiver_window() == 0
    }

    /// When the timer runs out; `None` if it does not run.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The timer has run out: go back to the oldest byte, or see whether there is room.
    pub fn handle_timeout(&mut self) {
        self.deadline = None;
        if self.ever_sent == 0 {
            self.probe = self.is_shut_out();
            return;
        }
        if self.timer.gives_up_after(self.attempts) {
            self.give_up();
            return;
        }
        self.timer.handle_timeout();
        if self.receiver_window() > 0 {
            self.congestion.handle_timeout(self.ever_sent);
        }
        self.sent = 0;
        self.probe = self.is_shut_out();
    }

    /// What was sent may have arrived; what was not did not.
    fn give_up(&mut self) {
        self.dead = true;
        let (mut start, sent) = (0, self.acknowledged + self.ever_sent as u64);
        for (end, id) in std::mem::take(&mut self.ends) {
            let unsent = start >= sent;
            self.ended
                .push_back((id, if unsent { Delivery::NeverSent } else { Delivery::Unknown }));
            start = end;
        }
        self.bytes.clear();
        (self.sent, self.ever_sent, self.resend, self.probe) = (0, 0, false, false);
    }

    /// A message whose sending has ended.
    pub fn pop_ended(&mut self) -> Option<(OpId, Delivery)> {
        self.ended.pop_front()
    }

    /// True if nothing waits to be sent or acknowledged.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// True once the attempts were used up.
    pub fn is_dead(&self) -> bool {
        self.dead
    }
}
