//! Words for what stands in a trace, the same in every report.

use squall_sim::network::{Alteration, Cause, DropReason, HostId, Mark};
use squall_sim::protocol::{Dissect, Dissection};
use squall_sim::text::{millis, visible};
use squall_sim::trace::{HostChange, Trace};

/// What a datagram is, in a line.
pub(crate) fn label(dissection: Option<&Dissection>, payload: &[u8]) -> String {
    match dissection {
        Some(dissection) => visible(&dissection.to_string()),
        None => format!("{} bytes", payload.len()),
    }
}

/// The longest label that stands beside an arrow, in characters.
const SHORT: usize = 36;

/// As many whole words of a label as have room beside an arrow.
pub(crate) fn short(label: &str) -> String {
    if label.chars().count() <= SHORT {
        return label.to_owned();
    }
    let mut kept = String::new();
    for word in label.split(' ') {
        if !kept.is_empty() && kept.chars().count() + 1 + word.chars().count() > SHORT {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    kept + " …"
}

/// What a datagram is, if its protocol knows.
pub(crate) fn dissected(dissect: Option<Dissect>, payload: &[u8]) -> Option<Dissection> {
    dissect.and_then(|dissect| dissect(payload))
}

/// Who did it: the fault's name, or `link`.
pub(crate) fn cause(trace: &Trace, cause: Cause) -> String {
    match cause {
        Cause::Link => "link".to_owned(),
        Cause::Fault(fault) => visible(trace.fault(fault)),
    }
}

/// What happened to a datagram on its way.
pub(crate) fn mark(trace: &Trace, mark: Mark) -> String {
    let by = |by| cause(trace, by);
    match mark {
        Mark::Duplicated { by: cause, copies: 1 } => format!("doubled ({})", by(cause)),
        Mark::Duplicated { by: cause, copies } => format!("+{copies} copies ({})", by(cause)),
        Mark::Corrupted { by: cause, how } => format!("{} ({})", altered(how), by(cause)),
        Mark::Delayed { by: cause, length } => format!("+{} ms ({})", millis(length), by(cause)),
        Mark::Reordered => "skips the delay".to_owned(),
    }
}

fn altered(how: Alteration) -> String {
    match how {
        Alteration::Bits(1) => "1 bit flipped".to_owned(),
        Alteration::Bits(bits) => format!("{bits} bits flipped"),
        Alteration::Burst(bits) => format!("a burst over {bits} bits"),
        Alteration::SwapBytes(apart) => format!("2 bytes swapped, {apart} apart"),
        Alteration::Truncate(1) => "1 byte cut off".to_owned(),
        Alteration::Truncate(bytes) => format!("{bytes} bytes cut off"),
    }
}

/// True for drops that happen before the datagram reaches its host.
pub(crate) fn is_on_the_way(reason: DropReason) -> bool {
    match reason {
        DropReason::Loss
        | DropReason::Fault(_)
        | DropReason::Partition
        | DropReason::QueueFull
        | DropReason::TooBig => true,
        DropReason::BufferFull
        | DropReason::Checksum
        | DropReason::HostDown
        | DropReason::NoSocket => false,
    }
}

/// Which copy, unless it is the original.
pub(crate) fn nth(copy: u32) -> String {
    if copy == 0 { String::new() } else { format!(" (copy {copy})") }
}

/// A change to a host.
pub(crate) fn change(change: HostChange) -> String {
    match change {
        HostChange::Crashed => "crashes".to_owned(),
        HostChange::Restarted(incarnation) => format!("restarts, incarnation {incarnation}"),
        HostChange::Paused => "pauses".to_owned(),
        HostChange::Resumed => "resumes".to_owned(),
        HostChange::ClockStepped(by) => {
            let sign = if by < 0 { '-' } else { '+' };
            format!("clock stepped by {sign}{} ms", millis(by.unsigned_abs()))
        }
        HostChange::MemoryCorrupted(bit) => format!("bit {bit} flipped in memory"),
        HostChange::DiskCorrupted(bit) => format!("bit {bit} flipped on disk"),
    }
}

/// Hosts from left to right: clients left of the server, as textbooks draw it.
pub(crate) fn columns(hosts: usize) -> Vec<usize> {
    (1..hosts).chain((hosts > 0).then_some(0)).collect()
}

/// The place of a host among so many from left to right.
pub(crate) fn column(host: HostId, hosts: usize) -> usize {
    let last = hosts.saturating_sub(1);
    (host as usize).checked_sub(1).unwrap_or(last).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_the_column_that_it_stands_in() {
        for hosts in 1..5 {
            for (place, host) in columns(hosts).into_iter().enumerate() {
                assert_eq!(column(host as HostId, hosts), place);
            }
        }
        assert_eq!((columns(0).len(), column(0, 0), column(9, 3)), (0, 0, 2));
    }

    #[test]
    fn short_labels_end_with_a_whole_word() {
        assert_eq!(short("data seq=1"), "data seq=1");
        let long = "call procedure=1 xid=3787119603 program=536891729 version=1";
        assert_eq!(short(long), "call procedure=1 xid=3787119603 …");
        let word = "x".repeat(50);
        assert_eq!(short(&word), format!("{word} …"), "one word is never cut");
    }
}
