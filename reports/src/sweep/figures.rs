//! The charts of a sweep, each with what it says in words and its numbers as a table.

use std::io;

use squall_sim::sweep::{ATTEMPTS, Axis as Values, Charts, Sweep, Verdicts};

use super::chart::{self, Axis, Mark};
use super::scale;

/// A chart with all that goes with it.
#[derive(Default)]
pub struct Figure {
    pub title: String,
    /// The drawing; none if a sentence says all.
    pub svg: Option<String>,
    /// What it shows, in words.
    pub text: String,
    /// What to know besides.
    pub notes: Vec<String>,
    /// The numbers.
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

/// All charts of a sweep.
///
/// # Errors
/// If a chart can not be drawn.
pub fn all(sweep: &Sweep, charts: &Charts) -> io::Result<Vec<Figure>> {
    let mut all = vec![seeds(sweep, charts)?, latency(charts)?, attempts(sweep, charts)?];
    for values in &charts.goodput {
        all.push(goodput(sweep, charts, values)?);
    }
    Ok(all)
}

/// Bars of the chart of seeds, at the most.
const BARS: u64 = 125;

/// What the seeds came to.
fn seeds(sweep: &Sweep, charts: &Charts) -> io::Result<Figure> {
    let bins = charts.verdicts(sweep.range, BARS);
    let size = bins.first().map_or(1, |(seeds, _)| seeds.count());
    let others = |of: &Verdicts| of.fail.saturating_add(of.inconclusive).saturating_add(of.invalid);
    let most = bins.iter().map(|(_, of)| others(of)).max().unwrap_or(0);
    let mut figure = Figure {
        title: "Verdicts by seed".to_owned(),
        head: vec!["seeds", "passed", "failed", "inconclusive", "invalid"],
        ..Figure::default()
    };
    let not_passed = others(&sweep.verdicts);
    if most == 0 {
        figure.text = format!("All {} runs passed, so there is nothing to draw.", sweep.runs);
        return Ok(figure);
    }
    // From the first one on: large numbers have no exact place.
    let first = sweep.range.first;
    let offset = |seed: u64| seed.saturating_sub(first) as f64;
    let mut marks = Vec::new();
    for (seeds, of) in &bins {
        let mut from = 0.0;
        let colors = [chart::FAIL, chart::INCONCLUSIVE, chart::INVALID];
        for (count, color) in [of.fail, of.inconclusive, of.invalid].into_iter().zip(colors) {
            let y = from..from + count as f64;
            from = y.end;
            let x = offset(seeds.first)..offset(seeds.end);
            marks.extend((count > 0).then_some(Mark::Bar { x, y, color }));
        }
        if others(of) > 0 {
            let counts = [of.pass, of.fail, of.inconclusive, of.invalid].map(|n| n.to_string());
            figure.rows.push([vec![seeds.to_string()], counts.to_vec()].concat());
        }
    }
    let x = Axis {
        title: "seed",
        range: 0.0..offset(sweep.range.end),
        labels: Vec::new(),
        written: &|place| match place.fract() == 0.0 {
            true => first.saturating_add(place as u64).to_string(),
            false => String::new(),
        },
    };
    let whole = |runs: f64| if runs.fract() == 0.0 { format!("{runs:.0}") } else { String::new() };
    let range = 0.0..most as f64;
    let y = Axis { title: "runs that did not pass", range, labels: Vec::new(), written: &whole };
    figure.svg = Some(chart::draw(x, y, &marks)?);
    let per_bar = match size {
        1 => "a bar for each seed".to_owned(),
        size => format!("a bar for every {size} seeds"),
    };
    figure.text = format!(
        "Of {} runs, {not_passed} did not pass; {per_bar}: failed (red), above it inconclusive (amber) \
         and invalid (violet).",
        sweep.runs
    );
    figure.notes.push("Parts in which all passed are left out of the table.".to_owned());
    Ok(figure)
}

/// Columns of the latency's chart for each doubling.
const COLUMNS: f64 = 8.0;

/// How long operations took.
fn latency(charts: &Charts) -> io::Result<Figure> {
    let latency = &charts.latency;
    let mut figure = Figure {
        title: "Latency of completed operations".to_owned(),
        head: vec!["from", "to", "operations"],
        ..Figure::default()
    };
    let of = &charts.operations;
    let ended = format!(
        "{} operations completed, {} failed, {} ended unknown, {} had not ended.",
        of.completed, of.failed, of.unknown, of.pending
    );
    let shares = [(5000, "50%"), (9000, "90%"), (9900, "99%"), (9990, "99.9%"), (10_000, "100%")];
    let quantile = |share| latency.quantile(share).map(scale::time);
    let known = shares.iter().filter_map(|(share, name)| Some((*name, quantile(*share)?)));
    let known: Vec<(&str, String)> = known.collect();
    if known.is_empty() {
        figure.text = format!("{ended} So there is nothing to draw.");
        return Ok(figure);
    }
    // Bars of equal width, which many buckets share.
    let mut columns: Vec<(f64, u64)> = Vec::new();
    for (first, last, count) in latency.buckets() {
        let column = (scale::log(first as f64) * COLUMNS).floor();
        match columns.last_mut() {
            Some((known, sum)) if *known == column => *sum = sum.saturating_add(count),
            _ => columns.push((column, count)),
        }
        let range = [first, last.min(latency.max)].map(scale::time);
        figure.rows.push([range.to_vec(), vec![count.to_string()]].concat());
    }
    let low = columns.first().map_or(0.0, |(column, _)| column - 2.0) / COLUMNS;
    let high = columns.last().map_or(1.0, |(column, _)| column + 3.0) / COLUMNS;
    let low = low.max(0.0);
    let labels = scale::round_numbers(scale::exp(low), scale::exp(high));
    let x = Axis {
        title: "latency, logarithmic",
        range: low..high,
        labels: labels.into_iter().map(scale::log).collect(),
        written: &|place| scale::time(scale::exp(place).round() as u64),
    };
    let most = columns.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let marks: Vec<Mark> = columns
        .iter()
        .map(|(column, count)| Mark::Bar {
            x: column / COLUMNS..(column + 0.9) / COLUMNS,
            y: 0.0..height(*count as f64),
            color: chart::SERIES,
        })
        .collect();
    figure.svg = Some(chart::draw(x, counts("operations, logarithmic", most as f64), &marks)?);
    let said: Vec<String> = known.iter().map(|(share, time)| format!("{share} {time}")).collect();
    figure.text = format!("Operations that took at most: {}.", said.join(", "));
    figure.notes.push(ended);
    figure.notes.push("Times are exact to 1/64; the largest one is exact.".to_owned());
    Ok(figure)
}

/// An axis of counts, on which one is more than none, and a million not too much.
fn counts(title: &str, most: f64) -> Axis<'_> {
    let labels = scale::round_numbers(1.0, most);
    let labels = labels.into_iter().map(height).collect();
    let written = &|place: f64| format!("{:.0}", scale::exp(place - 1.0));
    Axis { title, range: 0.0..height(most) * 1.05, labels, written }
}

/// Where a count is on such an axis.
fn height(count: f64) -> f64 {
    if count < 1.0 { count.max(0.0) } else { 1.0 + scale::log(count) }
}

/// How often operations were sent.
fn attempts(sweep: &Sweep, charts: &Charts) -> io::Result<Figure> {
    let attempts = &charts.attempts;
    let mut figure = Figure {
        title: "Attempts of completed operations".to_owned(),
        head: vec!["attempts", "operations", "predicted"],
        ..Figure::default()
    };
    let last = attempts.operations.last().unwrap_or(0);
    if attempts.unattributed > 0 {
        figure.text = format!(
            "No chart: {} retransmissions were sent while their client had several operations under way, or \
             none, so it is not known of which they were. In all there were {} retransmissions, and {} datagrams \
             were sent, for {} completed operations.",
            attempts.unattributed,
            sweep.costs.retransmissions,
            sweep.datagrams.sent,
            charts.operations.completed
        );
        return Ok(figure);
    }
    if last == 0 {
        figure.text = "No operation completed, so there is nothing to draw.".to_owned();
        return Ok(figure);
    }
    let predicted = attempts.predicted_runs == charts.runs && charts.runs > 0;
    let theory = |number: u32| {
        let sum = attempts.predicted.get(number as usize - 1).filter(|_| predicted)?;
        Some(scale::operations(*sum))
    };
    let counted: std::collections::BTreeMap<u32, u64> = attempts.operations.iter().collect();
    // The line ends where less than one operation is to be expected.
    let expected = (1..=ATTEMPTS).take_while(|number| theory(*number).is_some_and(|n| n >= 1.0));
    let line: Vec<(u32, f64)> = expected.filter_map(|n| Some((n, theory(n)?))).collect();
    let last = last.max(line.last().map_or(0, |(number, _)| *number));
    let most = counted.values().map(|count| *count as f64).chain(line.iter().map(|(_, n)| *n));
    let most = most.fold(1.0, f64::max);
    let mut marks: Vec<Mark> = counted
        .iter()
        .map(|(number, count)| Mark::Bar {
            x: f64::from(*number) - 0.4..f64::from(*number) + 0.4,
            y: 0.0..height(*count as f64),
            color: chart::SERIES,
        })
        .collect();
    let line: Vec<(f64, f64)> = line.iter().map(|(n, of)| (f64::from(*n), height(*of))).collect();
    marks.push(Mark::Points(line.clone(), chart::THEORY));
    marks.push(Mark::Line(line, chart::THEORY));
    let step = last.div_ceil(16).max(1) as usize;
    let x = Axis {
        title: "attempts",
        range: 0.5..f64::from(last) + 0.5,
        labels: (1..=last).step_by(step).map(f64::from).collect(),
        written: &|number| match number {
            most if most == f64::from(ATTEMPTS) => format!("{number:.0}+"),
            number => format!("{number:.0}"),
        },
    };
    figure.svg = Some(chart::draw(x, counts("operations, logarithmic", most), &marks)?);
    let (once, largest) = (counted.get(&1).copied().unwrap_or(0), counted.keys().next_back());
    figure.text = format!(
        "Of {} operations, {once} took one attempt; the most that one took was {}.",
        charts.operations.completed,
        largest.map_or(String::new(), |largest| named(*largest))
    );
    figure.notes.push(
        "An attempt is the first sending, or a retransmission that the client reported while this operation was \
         its only one under way."
            .to_owned(),
    );
    figure.notes.push(about_theory(sweep, charts, predicted));
    figure.rows = (1..=last)
        .map(|number| {
            let count = counted.get(&number).copied().unwrap_or(0);
            vec![
                named(number),
                count.to_string(),
                theory(number).map_or("-".to_owned(), scale::number),
            ]
        })
        .collect();
    Ok(figure)
}

/// A number of attempts.
fn named(number: u32) -> String {
    if number == ATTEMPTS { format!("{number} or more") } else { number.to_string() }
}

/// What to know of the line, or of there being none.
fn about_theory(sweep: &Sweep, charts: &Charts, predicted: bool) -> String {
    match &charts.theory {
        Some(_) if predicted => "The orange line is what theory says, see below.".to_owned(),
        Some(_) => "No line of theory for all of it: not everywhere holds what its formulas assume, such as no \
            faults, fixed delays, a fixed timeout, no limit on attempts, and, for goodput, one client."
            .to_owned(),
        None => format!("No line of theory: none is known for {}.", sweep.protocol),
    }
}

/// How much got through, against what the scenario draws.
fn goodput(sweep: &Sweep, charts: &Charts, values: &Values) -> io::Result<Figure> {
    use squall_sim::scenario::Varied;
    type Word = fn(u64) -> String;
    let (title, x_title, head, written): (&str, &str, &'static str, Word) = match values.varied {
        Varied::Loss => ("loss", "loss in each direction", "loss", scale::percent),
        Varied::RoundTripLoss => {
            ("loss", "share of round trips that fail", "round trips that fail", scale::percent)
        }
        Varied::Operations => {
            ("load: operations", "operations of each client", "operations", |n| n.to_string())
        }
        Varied::Interval => ("load: interval", "pause between operations", "pause", scale::time),
        Varied::Clients => ("load: clients", "clients", "clients", |n| n.to_string()),
    };
    let mut figure = Figure {
        title: format!("Goodput against {title}"),
        head: vec![head, "runs", "operations", "per second", "predicted"],
        ..Figure::default()
    };
    let middle = |index: usize| {
        let (first, end) = values.bounds(index);
        (first as f64 + end.saturating_sub(1) as f64) / 2.0
    };
    let (mut points, mut line) = (Vec::new(), Vec::new());
    for (bin, index) in values.bins.iter().zip(0..).filter(|(bin, _)| bin.runs > 0) {
        points.extend(bin.goodput().map(|goodput| (middle(index), goodput)));
        line.extend(bin.predicted().map(|goodput| (middle(index), goodput)));
        let (first, end) = values.bounds(index);
        let range = match end.saturating_sub(1) {
            last if last == first => written(first),
            last => format!("{} to {}", written(first), written(last)),
        };
        let cell = |goodput: Option<f64>| goodput.map_or("-".to_owned(), scale::number);
        let (goodput, predicted) = (cell(bin.goodput()), cell(bin.predicted()));
        let counts = [bin.runs.to_string(), bin.operations.to_string(), goodput, predicted];
        figure.rows.push([vec![range], counts.to_vec()].concat());
    }
    let goodputs = || points.iter().map(|(_, goodput)| *goodput);
    let most = goodputs().chain(line.iter().map(|(_, goodput)| *goodput)).fold(0.0, f64::max);
    if most == 0.0 {
        figure.text = "No operation completed, so there is nothing to draw.".to_owned();
        return Ok(figure);
    }
    let x = Axis {
        title: x_title,
        range: values.low as f64..values.high as f64,
        labels: Vec::new(),
        written: &|value| written(value.max(0.0).round() as u64),
    };
    let range = 0.0..most * 1.1;
    let y = Axis { title: "operations per second", range, labels: vec![], written: &short };
    let predicted = line.len() == points.len();
    let (least, largest) = (goodputs().fold(f64::MAX, f64::min), goodputs().fold(0.0, f64::max));
    let marks = [Mark::Line(line, chart::THEORY), Mark::Points(points, chart::SERIES)];
    figure.svg = Some(chart::draw(x, y, &marks)?);
    figure.text = format!(
        "Completed operations per simulated second, of all clients together: from {} to {}.",
        scale::number(least),
        scale::number(largest)
    );
    figure.notes.push(
        "Each point is the sum over the runs in a part of the range: their operations by the time that they \
         took."
            .to_owned(),
    );
    figure.notes.push(about_theory(sweep, charts, predicted));
    Ok(figure)
}

/// A number on an axis.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
