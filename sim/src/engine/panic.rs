//! Panics of host software: caught with their place, and not printed.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

thread_local! {
    /// `Some` while this thread runs a simulation; then the last panic's place.
    static CAPTURE: RefCell<Option<String>> = const { RefCell::new(None) };
    /// A panic that nobody has described since.
    static UNSEEN: RefCell<Option<String>> = const { RefCell::new(None) };
    /// What host software said that panicked while it was dropped.
    static IN_DROP: RefCell<Option<String>> = const { RefCell::new(None) };
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
        IN_DROP.set(None);
        UNSEEN.set(None);
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
                let message = info.payload_as_str().unwrap_or("a panic without a message");
                UNSEEN.set(Some(format!("{message}{place}")));
                true
            }
            None => false,
        })
        .unwrap_or(false)
}

/// A future whose panics while it is dropped are caught: async-task would abort the process, and
/// tokio would swallow them.
pub(crate) struct Contained<F>(Option<F>);

impl<F> Contained<F> {
    pub fn new(future: F) -> Self {
        Contained(Some(future))
    }
}

impl<F: Future + Unpin> Future for Contained<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match &mut self.0 {
            Some(future) => Pin::new(future).poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Contained<F> {
    fn drop(&mut self) {
        let future = self.0.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            let described = describe(&*payload);
            IN_DROP.set(Some(format!("host software panicked while it was dropped: {described}")));
        }
    }
}

/// Takes what host software said that panicked while it was dropped, if some did.
pub(crate) fn in_drop() -> Option<String> {
    IN_DROP.take()
}

/// Takes a panic that somebody caught and did not describe, as tokio does with its tasks'.
pub(crate) fn unseen() -> Option<String> {
    UNSEEN.take()
}

/// What a caught panic said.
pub(crate) struct Described {
    /// The panic's own words: they go into the trace.
    pub message: String,
    /// The place, and what to do if it came from tokio. Not for the trace: where the sources of a
    /// dependency lie differs between machines.
    pub more: String,
}

impl std::fmt::Display for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.message, self.more)
    }
}

/// Describes a caught panic.
pub(crate) fn describe(payload: &(dyn std::any::Any + Send)) -> Described {
    UNSEEN.set(None);
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    let place = CAPTURE.with_borrow(|capture| capture.clone().unwrap_or_default());
    if message.contains("Tokio 1.x runtime") || message.contains("spawn_local") {
        let more = format!(
            "{place}. On the event engine tokio's own timers, tasks and sockets do not work: use \
             squall::time, squall::task and squall::net, which are tokio's outside a simulation, or \
             run the scenario with --engine turmoil"
        );
        return Described { message, more };
    }
    Described { message, more: place }
}
