//! Ctrl-C: of long work the first one asks for an end, the second one is the end; no half of a file is left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The file that is being written, and is not whole yet.
static PART: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The status of a process that Ctrl-C ends, as shells have it.
const INTERRUPTED: i32 = 130;

/// Lets Ctrl-C end long work cleanly from now on.
pub(super) fn listen() {
    // Without a handler Ctrl-C ends the process, as ever.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            end();
        }
    });
}

/// Lets the first Ctrl-C end the process, without leaving a part of a file.
pub(super) fn tidy_up() {
    let _ = ctrlc::set_handler(end);
}

/// Lets Ctrl-C pass: a worker ends when the process that started it wants it to.
pub(super) fn ignore() {
    let _ = ctrlc::set_handler(|| {});
}

/// True once Ctrl-C was pressed.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// The file is about to be written.
pub(super) fn is_part(file: &Path) {
    *PART.lock().unwrap_or_else(PoisonError::into_inner) = Some(file.to_owned());
}

/// Nothing is left to do for the file.
pub(super) fn is_whole(file: &Path) {
    let mut part = PART.lock().unwrap_or_else(PoisonError::into_inner);
    if part.as_deref() == Some(file) {
        *part = None;
    }
}

fn end() {
    if let Some(part) = PART.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = std::fs::remove_file(part);
    }
    std::process::exit(INTERRUPTED);
}
