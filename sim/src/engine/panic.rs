//! Panics of host software: caught with their place, and not printed.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    /// `Some` while this thread runs a simulation; then the last panic's place.
    static CAPTURE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While this lives, panics of this thread are not printed but remembered.
pub(crate) struct Captured(());

impl Captured {
    pub fn start() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !capture(info) {
                    previous(info);
                }
            }));
        });
        CAPTURE.set(Some(String::new()));
        Captured(())
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        CAPTURE.set(None);
    }
}

fn capture(info: &PanicHookInfo<'_>) -> bool {
    CAPTURE
        .try_with(|capture| match &mut *capture.borrow_mut() {
            Some(place) => {
                *place = info.location().map_or_else(String::new, |at| format!(" at {at}"));
                true
            }
            None => false,
        })
        .unwrap_or(false)
}

/// What a caught panic said, where, and what to do if it came from tokio.
pub(crate) fn describe(payload: &(dyn std::any::Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    let place = CAPTURE.with_borrow(|capture| capture.clone().unwrap_or_default());
    if message.contains("Tokio 1.x runtime") || message.contains("spawn_local") {
        return format!(
            "{message}{place}. On the event engine tokio's own timers, tasks and sockets do not \
             work: use squall::time, squall::task and squall::net, which are tokio's outside a \
             simulation, or run the scenario with --engine turmoil"
        );
    }
    // A path in the message would differ between machines; host software's own place stays.
    format!("{message}{place}")
}
