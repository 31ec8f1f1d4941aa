//! The timeline in text: what it shows, how wide it is, and what it never prints.

use squall::reports::timeline::{self, Extent, Style};
use squall::{Client, HostResult, Outcome, Registry, Settings, report};

use super::{client_only, run};

fn draw(outcome: &Outcome, width: usize, extent: Extent) -> String {
    let registry = Registry::shipped();
    let dissect = registry.dissect(&outcome.plan.protocol);
    let style = Style { width, color: false, extent };
    let mut drawn = Vec::new();
    timeline::write(outcome.trace.as_ref().unwrap(), dissect, style, &mut drawn).unwrap();
    String::from_utf8(drawn).unwrap()
}

fn lossy(clients: u32) -> Outcome {
    let registry = Registry::shipped();
    let text = format!(
        "title = 'lossy'\nprotocol = 'retry'\nworkload = {{ clients = {clients}, messages = 20 }}
         link = [{{ from = '*', to = '*', delay = '10ms', loss = '20%', duplicate = '20%' }}]"
    );
    let scenario = registry.parse("lossy", &text).unwrap();
    registry.run(&scenario, Settings { keep_trace: true, ..Settings::default() }).unwrap()
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for clients in [1, 3, 9] {
        let outcome = lossy(clients);
        for width in [40, 60, 100, 300] {
            let drawn = draw(&outcome, width, Extent::Full);
            let widest = drawn.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width, "{clients} clients, {widest} > {width}");
        }
    }
}

#[test]
fn a_part_says_how_much_was_left_out() {
    let outcome = lossy(1);
    let full = draw(&outcome, 100, Extent::Full).lines().count();
    let ends = draw(&outcome, 100, Extent::Ends(30));
    assert_eq!(ends.lines().count(), 32, "head, rows, and the line that says what is missing");
    assert!(ends.contains(&format!("({} rows left out; --timeline full", full - 31)), "{ends}");
    let middle = outcome.run.sim_time / 2;
    let around = draw(&outcome, 100, Extent::Around(middle, 10));
    assert_eq!(around.matches("rows left out").count(), 2, "{around}");
    assert_eq!(around.lines().count(), 13);
}

#[test]
fn nothing_in_it_can_command_a_terminal() {
    async fn client(_: Client) -> HostResult {
        report("\u{1b}]0;owned\u{7}\r\n\u{202e}evil\u{9b}31m");
        Err("\u{1b}[2J".into())
    }
    let drawn = draw(&run(client_only(client), ""), 100, Extent::Full);
    assert!(drawn.contains("evil") && drawn.contains("broke"), "{drawn}");
    let bad = drawn.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None);
    assert_eq!(drawn.lines().count(), 3, "{drawn}");
}

#[test]
fn without_columns_an_arrival_says_whose_it_is() {
    let drawn = draw(&lossy(5), 100, Extent::Full);
    let mut lines = drawn.lines();
    assert!(
        lines.any(|line| line.contains("server: * data") && line.ends_with(" from client-4")),
        "{drawn}"
    );
}
