//! `[options]`: the options of the protocol, checked by its own declaration.

use super::drawn::Drawn;
use super::reader::Reader;
use crate::protocol::{OptionKind, OptionValue, Options, ProtocolSpec};

/// The options given, their ranges not yet drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct DrawnOptions {
    /// Defaults, and what is the same for every seed.
    fixed: Options,
    drawn: Vec<(&'static str, DrawnOption)>,
}

#[derive(Clone, Debug)]
enum DrawnOption {
    Number(Drawn<u64>),
    Probability(Drawn<f64>),
}

impl DrawnOptions {
    /// The options of `protocol`, as the table, if there is one, gives them.
    pub(super) fn read(table: Option<&Reader<'_>>, protocol: &ProtocolSpec) -> Self {
        let mut all = DrawnOptions::default();
        for option in &protocol.options {
            if let Some(default) = &option.default {
                all.fixed.set(option.name, default.clone());
            }
            let Some(table) = table.filter(|table| table.has(option.name)) else {
                continue;
            };
            match option.kind {
                OptionKind::Duration { .. } | OptionKind::Size | OptionKind::Count { .. } => {
                    let number = table.whole(option.name).map(DrawnOption::Number);
                    all.drawn.extend(number.map(|number| (option.name, number)));
                }
                OptionKind::Probability => {
                    let number = table.probability(option.name).map(DrawnOption::Probability);
                    all.drawn.extend(number.map(|number| (option.name, number)));
                }
                OptionKind::Flag => {
                    if let Some(flag) = table.flag(option.name) {
                        all.fixed.set(option.name, OptionValue::Flag(flag));
                    }
                }
                OptionKind::Choice(_) => {
                    if let Some(word) = table.word(option.name) {
                        all.fixed.set(option.name, OptionValue::Word(word.to_owned()));
                    }
                }
            }
        }
        all
    }

    /// The options, under `seed`.
    pub(super) fn at(&self, seed: u64) -> Options {
        let mut options = self.fixed.clone();
        for (name, drawn) in &self.drawn {
            options.set(
                *name,
                match drawn {
                    DrawnOption::Number(number) => OptionValue::Number(number.at(seed)),
                    DrawnOption::Probability(number) => OptionValue::Probability(number.at(seed)),
                },
            );
        }
        options
    }
}
