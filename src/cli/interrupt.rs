//! Ctrl-C: the first one asks for an end, the second one is the end.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The status of a process that the second Ctrl-C ends, as shells have it.
const INTERRUPTED: i32 = 130;

/// Lets Ctrl-C end long work cleanly from now on.
pub(super) fn listen() {
    // Without a handler Ctrl-C ends the process, as ever.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    });
}

/// Lets Ctrl-C pass: a worker ends when the process that started it wants it to.
pub(super) fn ignore() {
    let _ = ctrlc::set_handler(|| {});
}

/// True once Ctrl-C was pressed.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
