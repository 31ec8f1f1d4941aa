//! How long reports of a large trace take, and how large they are: time and bytes for each format, and for
//! the text how much of it comes before the trace has been read to its end.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use squall::reports::story::Story;
use squall::reports::timeline::{self, Extent, Style};
use squall::reports::{mermaid, page, pcapng, svg};
use squall::trace::Trace;
use squall::{Registry, Settings};

/// What a page may take, and how large it may be.
const TARGET: (Duration, usize) = (Duration::from_secs(2), 20_000_000);

/// Events of a large trace.
const EVENTS: usize = 100_000;

/// A trace with at least so many events.
fn trace(registry: &Registry, events: usize) -> Trace {
    let text = format!(
        "title = 'Many events'\nprotocol = 'stop-and-wait'\nduration = '100000s'\n\
         options = {{ timeout = '50ms' }}\nworkload = {{ clients = 5, messages = {} }}\n\
         link = [{{ delay = '10ms', loss = '2%', duplicate = '2%' }}]",
        events / 35 + 1
    );
    let scenario = registry.parse("many", &text).expect("the scenario is right");
    let settings = Settings { keep_trace: true, ..Settings::default() };
    let outcome = registry.run(&scenario, settings).expect("it runs");
    outcome.trace.expect("the trace was asked for")
}

/// Counts bytes, and notes when the first came.
#[derive(Default)]
struct Sink {
    bytes: usize,
    first: Option<Instant>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.first.get_or_insert_with(Instant::now);
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The median time of `rounds`, until all is written and until the first byte is, and the bytes.
fn measure(rounds: usize, draw: impl Fn(&mut Sink)) -> (Duration, Duration, usize) {
    let mut times: Vec<(Duration, Duration, usize)> = (0..rounds)
        .map(|_| {
            let (start, mut sink) = (Instant::now(), Sink::default());
            draw(&mut sink);
            let first = sink.first.map_or(Duration::ZERO, |first| first - start);
            (start.elapsed(), first, sink.bytes)
        })
        .collect();
    times.sort_unstable();
    times[rounds / 2]
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { 5 };
    let registry = Registry::shipped();
    let trace = trace(&registry, EVENTS);
    let dissect = registry.dissect("stop-and-wait");
    let events = trace.events().count();
    assert!(events >= EVENTS, "{events} are too few");
    let style = Style { width: 100, color: true, extent: Extent::Full };
    let story = Story::new(&trace, dissect);
    println!("reports of {events} events: milliseconds, megabytes\n");
    println!("{:<10}{:>10}{:>16}{:>8}", "format", "whole", "to first byte", "size");
    let mut page_took = (Duration::ZERO, 0);
    let mut row = |name: &str, draw: &dyn Fn(&mut Sink)| {
        let (whole, first, bytes) = measure(rounds, draw);
        if name == "html" {
            page_took = (whole, bytes);
        }
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let size = bytes as f64 / 1e6;
        println!("{name:<10}{:>10.1}{:>16.3}{size:>8.2}", millis(whole), millis(first));
    };
    row("text", &|sink| timeline::write(&trace, dissect, style, sink).expect("a sink takes all"));
    row("html", &|sink| page::write(&trace, dissect, sink).expect("a sink takes all"));
    row("svg", &|sink| {
        sink.write_all(svg::picture(&story, usize::MAX).as_bytes()).expect("a sink takes all");
    });
    row("mermaid", &|sink| mermaid::write(&story, usize::MAX, sink).expect("a sink takes all"));
    row("pcapng", &|sink| pcapng::write(&story, sink).expect("a sink takes all"));
    let (took, bytes) = page_took;
    let met = |is: bool| if is { "met" } else { "missed" };
    println!("\n| target | figure | |\n|---|---|---|");
    println!(
        "| a page of {EVENTS} events in at most 2 s | {:.2} s | {} |",
        took.as_secs_f64(),
        met(took <= TARGET.0)
    );
    println!("| and at most 20 MB | {:.1} MB | {} |", bytes as f64 / 1e6, met(bytes <= TARGET.1));
}
