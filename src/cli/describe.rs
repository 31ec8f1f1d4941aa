//! `squall protocols` and `squall schema`: what may stand in a scenario file.

use std::io::{self, Write};

use squall_sim::protocol::{OptionKind, OptionSpec, OptionValue};
use squall_sim::scenario;

use super::exit::Exit;
use super::{complain, stdout};
use crate::Registry;

/// Arguments of `squall protocols`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) fn protocols(args: &Args, registry: &Registry) -> io::Result<Exit> {
    let known: Vec<&str> = registry.specs().iter().map(|spec| spec.name.as_str()).collect();
    if let Some(unknown) = args.names.iter().find(|name| !known.contains(&name.as_str())) {
        complain(&format!("no protocol `{unknown}`; there are {}", known.join(", ")));
        return Ok(Exit::Usage);
    }
    let mut out = stdout();
    let chosen = registry
        .specs()
        .iter()
        .filter(|spec| args.names.is_empty() || args.names.contains(&spec.name));
    for spec in chosen {
        writeln!(out, "{}\n    {}", spec.name, spec.summary)?;
        let hosts = spec.hosts.iter().map(|host| host.name).collect();
        for (what, names) in [
            ("datagrams", &spec.kinds),
            ("fields", &spec.fields),
            ("events", &spec.events),
            ("further hosts", &hosts),
        ] {
            if !names.is_empty() {
                writeln!(out, "    {what}: {}", names.join(", "))?;
            }
        }
        list(&mut out, &spec.options, 4)?;
        writeln!(out)?;
    }
    Ok(Exit::Passed)
}

/// The options, and those of tables further in.
fn list(out: &mut dyn Write, options: &[OptionSpec], indent: usize) -> io::Result<()> {
    for option in options {
        writeln!(out, "{:indent$}{}", "", describe(option))?;
        writeln!(out, "{:indent$}    {}", "", option.help)?;
        if let OptionKind::Table(inner) = &option.kind {
            list(out, inner, indent + 4)?;
        }
    }
    Ok(())
}

fn describe(option: &OptionSpec) -> String {
    let default = match (&option.kind, &option.default) {
        (_, None) => "absent".to_owned(),
        (
            OptionKind::Duration { .. } | OptionKind::DurationOr { .. },
            Some(OptionValue::Number(nanos)),
        ) => {
            format!("\"{}ms\"", *nanos as f64 / 1e6)
        }
        (OptionKind::Size { .. }, Some(OptionValue::Number(bytes))) => format!("\"{bytes}B\""),
        (_, Some(OptionValue::Number(number))) => number.to_string(),
        (_, Some(OptionValue::Decimal(number) | OptionValue::Probability(number))) => {
            number.to_string()
        }
        (_, Some(OptionValue::Table(_))) => "table".to_owned(),
        (_, Some(OptionValue::Flag(flag))) => flag.to_string(),
        (_, Some(OptionValue::Word(word))) => format!("\"{word}\""),
    };
    let kind = match &option.kind {
        OptionKind::Duration { .. } => "duration".to_owned(),
        OptionKind::DurationOr { words, .. } => format!("duration | {}", words.join(" | ")),
        OptionKind::Size { min, max } => format!("size, {min}B to {max}B"),
        OptionKind::Decimal { min, max } => format!("{min} to {max}"),
        OptionKind::Count { min, max } => format!("{min} to {max}"),
        OptionKind::Probability => "probability".to_owned(),
        OptionKind::Flag => "true or false".to_owned(),
        OptionKind::Choice(words) => words.join(" | "),
        OptionKind::Table(_) => "a table with these".to_owned(),
    };
    format!("{} = {default}  ({kind})", option.name)
}

pub(super) fn schema(registry: &Registry) -> io::Result<Exit> {
    let schema = scenario::schema(registry.specs());
    let mut out = stdout();
    serde_json::to_writer_pretty(&mut out, &schema).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(Exit::Passed)
}
