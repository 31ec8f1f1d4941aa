//! `[options]`: the options of the protocol, checked by its own declaration.

use super::drawn::Drawn;
use super::reader::Reader;
use crate::protocol::{OptionContext, OptionKind, OptionSpec, OptionValue, Options, ProtocolSpec};
use squall_diagnostic::Diagnostic;

/// The options given, their ranges not yet drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct DrawnOptions {
    /// Defaults, and what is the same for every seed. Runs share it if nothing is drawn.
    fixed: Options,
    drawn: Vec<(&'static str, DrawnOption)>,
}

#[derive(Clone, Debug)]
enum DrawnOption {
    Number(Drawn<u64>),
    Decimal(Drawn<f64>),
    Probability(Drawn<f64>),
    Table(DrawnOptions),
}

/// More combinations of the ends of ranges are not checked.
const MAX_CORNERS: usize = 1 << 10;

impl DrawnOptions {
    /// These options, as the table, if there is one, gives them.
    pub(super) fn read(table: Option<&Reader<'_>>, options: &[OptionSpec]) -> Self {
        let mut all = DrawnOptions::default();
        for option in options {
            if let Some(default) = &option.default {
                all.fixed.set(option.name, default.clone());
            }
            if let Some(table) = table.filter(|table| table.has(option.name)) {
                all.read_one(table, option);
            }
        }
        all
    }

    fn read_one(&mut self, table: &Reader<'_>, option: &OptionSpec) {
        let name = option.name;
        let word = |word: &'static str| OptionValue::Word(word.to_owned());
        if let Some(one) = table.word_among(name) {
            self.fixed.set(name, word(one));
            return;
        }
        let drawn = match &option.kind {
            OptionKind::Duration { .. }
            | OptionKind::DurationOr { .. }
            | OptionKind::Size { .. }
            | OptionKind::Count { .. } => table.whole(name).map(DrawnOption::Number),
            OptionKind::Decimal { .. } => table.decimal(name).map(DrawnOption::Decimal),
            OptionKind::Probability => table.probability(name).map(DrawnOption::Probability),
            OptionKind::Table(options) => table
                .table(name)
                .map(|table| DrawnOption::Table(DrawnOptions::read(Some(&table), options))),
            OptionKind::Flag => {
                let flag = table.flag(name).map(OptionValue::Flag);
                flag.into_iter().for_each(|flag| self.fixed.set(name, flag));
                return;
            }
            OptionKind::Choice(_) => {
                let one = table.word(name).map(word);
                one.into_iter().for_each(|word| self.fixed.set(name, word));
                return;
            }
        };
        let Some(drawn) = drawn else { return };
        match drawn.ends().as_slice() {
            [one] => self.fixed.set(name, one.clone()),
            _ => self.drawn.push((name, drawn)),
        }
    }

    /// Asks the protocol whether the options go together. `tables` are those in which what it blames
    /// may stand; the last is the whole file.
    pub(super) fn check(
        &self,
        protocol: &ProtocolSpec,
        context: &OptionContext,
        tables: &[&Reader<'_>],
    ) {
        let corners = if protocol.checks.is_empty() { Vec::new() } else { self.corners() };
        for check in &protocol.checks {
            let problem = corners.iter().find_map(|options| check(options, context));
            if let Some(problem) = problem {
                let place = tables.iter().find(|table| table.has(problem.blamed));
                let Some(table) = place.or(tables.last()) else { continue };
                let key = if place.is_some() { problem.blamed } else { "protocol" };
                let span = table.value_span(key);
                table.errors.add(Diagnostic::new(span, problem.message).help(problem.help));
            }
        }
    }

    /// Gives an option this value, whatever the seed.
    pub(super) fn fix(&mut self, name: &'static str, value: OptionValue) {
        self.drawn.retain(|(known, _)| *known != name);
        self.fixed.set(name, value);
    }

    /// True if `condition` holds for the options of some seed, as far as the ends of ranges tell.
    pub(super) fn may_hold(&self, condition: fn(&Options) -> bool) -> bool {
        self.corners().iter().any(condition)
    }

    /// The options with every range at one of its ends, in all combinations.
    fn corners(&self) -> Vec<Options> {
        let mut corners = vec![self.fixed.clone()];
        for (name, drawn) in &self.drawn {
            let ends = drawn.ends();
            let few = if corners.len() * ends.len() > MAX_CORNERS { &ends[..1] } else { &ends[..] };
            let with = |options: &Options, end: &OptionValue| {
                let mut options = options.clone();
                options.set(*name, end.clone());
                options
            };
            corners = corners
                .iter()
                .flat_map(|options| few.iter().map(move |end| with(options, end)))
                .collect();
        }
        corners
    }

    /// The options, under `seed`.
    pub(super) fn at(&self, seed: u64) -> Options {
        let mut options = self.fixed.clone();
        for (name, drawn) in &self.drawn {
            options.set(*name, drawn.at(seed));
        }
        options
    }
}

impl DrawnOption {
    fn at(&self, seed: u64) -> OptionValue {
        match self {
            DrawnOption::Number(number) => OptionValue::Number(number.at(seed)),
            DrawnOption::Decimal(number) => OptionValue::Decimal(number.at(seed)),
            DrawnOption::Probability(number) => OptionValue::Probability(number.at(seed)),
            DrawnOption::Table(options) => OptionValue::Table(options.at(seed)),
        }
    }

    /// The smallest and the largest value, if they differ.
    fn ends(&self) -> Vec<OptionValue> {
        let mut ends = match self {
            DrawnOption::Number(number) => {
                [number.low(), number.high()].map(OptionValue::Number).to_vec()
            }
            DrawnOption::Decimal(number) => {
                [number.low(), number.high()].map(OptionValue::Decimal).to_vec()
            }
            DrawnOption::Probability(number) => {
                [number.low(), number.high()].map(OptionValue::Probability).to_vec()
            }
            DrawnOption::Table(options) => {
                options.corners().into_iter().map(OptionValue::Table).collect()
            }
        };
        ends.dedup();
        ends
    }
}
