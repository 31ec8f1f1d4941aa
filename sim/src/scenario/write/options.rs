//! `[options]`: those that are not what they are by default.

use super::{Unit, decimal, duration, line, text};
use crate::protocol::{OptionKind, OptionSpec, OptionValue, Options, ProtocolSpec};

pub(super) fn write(out: &mut String, options: &Options, spec: &ProtocolSpec) {
    let given = given(options, &spec.options);
    if given.is_empty() {
        return;
    }
    out.push_str("\n[options]\n");
    given.iter().for_each(|(name, value)| line(out, name, value));
}

/// The options that differ from their defaults.
fn given<'a>(options: &Options, specs: &'a [OptionSpec]) -> Vec<(&'a str, String)> {
    let differs = |spec: &&OptionSpec| options.get(spec.name) != spec.default.as_ref();
    let one = |spec: &'a OptionSpec| Some((spec.name, value(options.get(spec.name)?, &spec.kind)));
    specs.iter().filter(differs).filter_map(one).collect()
}

fn value(value: &OptionValue, kind: &OptionKind) -> String {
    match (value, kind) {
        (
            OptionValue::Number(nanos),
            OptionKind::Duration { .. } | OptionKind::DurationOr { .. },
        ) => duration(*nanos),
        (OptionValue::Number(bytes), OptionKind::Size { .. }) => {
            text(&Unit::Size.show(i128::from(*bytes)))
        }
        (OptionValue::Number(number), _) => number.to_string(),
        (OptionValue::Decimal(number) | OptionValue::Probability(number), _) => decimal(*number),
        (OptionValue::Flag(flag), _) => flag.to_string(),
        (OptionValue::Word(word), _) => text(word),
        (OptionValue::Table(options), OptionKind::Table(specs)) => {
            let given = given(options, specs);
            let all: Vec<String> =
                given.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            if all.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", all.join(", ")) }
        }
        (OptionValue::Table(_), _) => "{}".to_owned(),
    }
}
