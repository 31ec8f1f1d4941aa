//! A trace as JSON lines: the header, the events, and a last line with the hash and the conclusion.

use serde_json::{Map, Value, json};

use super::event::{Endpoint, Event, HostChange, OpId, Step, What};
use super::record::Recorder;
use super::{Header, Trace, VERSION};
use crate::network::{Alteration, Cause, DropReason, Mark};

/// Why a file is not a trace.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ReadError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

impl Trace {
    /// Writes the trace as JSON lines.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_jsonl(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let header = serde_json::to_value(&self.header).map_err(std::io::Error::other)?;
        writeln!(out, "{}", json!({ "squall_trace": header }))?;
        for event in self.events() {
            writeln!(out, "{}", Value::Object(to_json(&event)))?;
        }
        let mut last = json!({ "trace_hash": format!("{:032x}", self.hash) });
        if let Some(conclusion) = &self.conclusion {
            last["conclusion"] = serde_json::to_value(conclusion).map_err(std::io::Error::other)?;
        }
        writeln!(out, "{last}")
    }

    /// Reads JSON lines that [`Trace::write_jsonl`] wrote.
    ///
    /// # Errors
    /// If a line is not what it should be, the last line is missing, or the hash does not fit.
    pub fn read_jsonl(text: &str) -> Result<Trace, ReadError> {
        let at = |line: usize| move |message: String| ReadError { line, message };
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let header = read_header(first).map_err(at(1))?;
        let mut recorder = Recorder::new(true);
        let mut last = (1, None);
        let mut conclusion = None;
        for (index, line) in lines {
            let number = index + 1;
            if last.1.is_some() {
                return Err(at(number)("there is more after the trace's last line".into()));
            }
            let mut value: Map<String, Value> =
                serde_json::from_str(line).map_err(|error| match error.is_eof() {
                    true => at(number)("the trace is cut off in this line".into()),
                    false => at(number)(error.to_string()),
                })?;
            match value.get("trace_hash") {
                Some(hash) => {
                    last = (number, hash.as_str().map(str::to_owned));
                    let concluded = value.remove("conclusion").map(serde_json::from_value);
                    conclusion =
                        concluded.transpose().map_err(|error| at(number)(error.to_string()))?;
                }
                None => {
                    let event = from_json(&value)
                        .filter(|event| names_known_things(&header, event))
                        .ok_or_else(|| at(number)("this is not an event of a trace".into()))?;
                    recorder.event(&event);
                    last.0 = number;
                }
            }
        }
        let (number, Some(expected)) = last else {
            return Err(at(last.0)("the trace ends here, without its last line".into()));
        };
        let (hash, bytes) = recorder.finish();
        if format!("{hash:032x}") != expected {
            let message = format!("the events hash to {hash:032x}, not to {expected}");
            return Err(at(number)(message));
        }
        Ok(Trace::new(header, bytes.unwrap_or_default(), hash, conclusion))
    }
}

fn read_header(line: &str) -> Result<Header, String> {
    const NOT_ONE: &str = "this is not a trace that squall wrote";
    let mut value: Map<String, Value> =
        serde_json::from_str(line).map_err(|_| NOT_ONE.to_owned())?;
    let header = value.remove("squall_trace").ok_or(NOT_ONE)?;
    let version = header.get("version").and_then(Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        let found = version.map_or("no version".to_owned(), |version| format!("version {version}"));
        return Err(format!("the trace has {found}, and this squall reads version {VERSION}"));
    }
    let header: Header = serde_json::from_value(header).map_err(|error| error.to_string())?;
    let mut names = header.hosts.iter().chain(&header.faults);
    // Reports repeat them in every line.
    match names.find(|name| name.len() > LONGEST_NAME) {
        Some(_) => Err(format!("a host or a fault has a name of more than {LONGEST_NAME} bytes")),
        None => Ok(header),
    }
}

/// The longest name of a host or a fault, in bytes; scenario files allow less.
const LONGEST_NAME: usize = 1024;

/// True if the header has every host and fault that the event names.
fn names_known_things(header: &Header, event: &Event) -> bool {
    let host = |host: u32| (host as usize) < header.hosts.len();
    let fault = |fault: u32| (fault as usize) < header.faults.len();
    match &event.what {
        What::Sent { from, to, .. } => host(from.host) && host(to.host),
        What::Marked { mark, .. } => match mark {
            Mark::Duplicated { by: Cause::Fault(by), .. }
            | Mark::Corrupted { by: Cause::Fault(by), .. }
            | Mark::Delayed { by: Cause::Fault(by), .. } => fault(*by),
            _ => true,
        },
        What::Dropped { reason: DropReason::Fault(by), .. } => fault(*by),
        What::Dropped { .. } | What::Delivered { .. } => true,
        What::Refused { at } => host(at.host),
        What::Operation { host: at, op, .. } => host(*at) && host(op.client),
        What::Damaged { host: at, op } => host(*at) && op.is_none_or(|op| host(op.client)),
        What::Reported { host: at, .. }
        | What::Host { host: at, .. }
        | What::Broke { host: at, .. } => host(*at),
        What::FaultBegan { fault: index } | What::FaultEnded { fault: index } => fault(*index),
    }
}

fn to_json(event: &Event) -> Map<String, Value> {
    let endpoint = |endpoint: &Endpoint| json!([endpoint.host, endpoint.port]);
    let (name, fields) = match &event.what {
        What::Sent { id, from, to, payload } => (
            "sent",
            json!({"id": id, "from": endpoint(from), "to": endpoint(to), "payload": hex(payload)}),
        ),
        What::Marked { id, mark } => ("marked", mark_to_json(*id, *mark)),
        What::Dropped { id, copy, reason } => {
            let (_, fault) = reason.code();
            let mut fields = json!({"id": id, "copy": copy, "reason": reason.name()});
            if matches!(reason, DropReason::Fault(_)) {
                fields["fault"] = json!(fault);
            }
            ("dropped", fields)
        }
        What::Delivered { id, copy } => ("delivered", json!({"id": id, "copy": copy})),
        What::Refused { at } => ("refused", json!({"socket": endpoint(at)})),
        What::Operation { host, incarnation, op, step } => (
            "operation",
            json!({
                "host": host, "incarnation": incarnation, "client": op.client,
                "number": op.number, "step": step.name(),
            }),
        ),
        What::Damaged { host, op } => {
            let op = op.map(|op| json!([op.client, op.number]));
            ("damaged", json!({"host": host, "operation": op}))
        }
        What::Reported { host, name } => ("reported", json!({"host": host, "name": name})),
        What::Host { host, change } => {
            let (change, value) = match change {
                HostChange::Crashed => ("crashed", json!(null)),
                HostChange::Restarted(incarnation) => ("restarted", json!(incarnation)),
                HostChange::Paused => ("paused", json!(null)),
                HostChange::Resumed => ("resumed", json!(null)),
                HostChange::ClockStepped(by) => ("clock-stepped", json!(by)),
                HostChange::MemoryCorrupted(bit) => ("memory-corrupted", json!(bit)),
                HostChange::DiskCorrupted(bit) => ("disk-corrupted", json!(bit)),
            };
            ("host", json!({"host": host, "change": change, "value": value}))
        }
        What::FaultBegan { fault } => ("fault-began", json!({"fault": fault})),
        What::FaultEnded { fault } => ("fault-ended", json!({"fault": fault})),
        What::Broke { host, message } => ("broke", json!({"host": host, "message": message})),
    };
    let mut line = Map::new();
    line.insert("at".into(), json!(event.at));
    line.insert("event".into(), json!(name));
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    line
}

fn mark_to_json(id: u64, mark: Mark) -> Value {
    let (name, by, value) = match mark {
        Mark::Duplicated { by, copies } => ("duplicated", by, u64::from(copies)),
        Mark::Corrupted { by, how } => ("corrupted", by, u64::from(how.parts().1)),
        Mark::Delayed { by, length } => ("delayed", by, length),
        Mark::Reordered => ("reordered", Cause::Link, 0),
    };
    let fault = match by {
        Cause::Link => json!(null),
        Cause::Fault(fault) => json!(fault),
    };
    let mut fields = json!({"id": id, "mark": name, "fault": fault, "value": value});
    if let Mark::Corrupted { how, .. } = mark {
        fields["mode"] = json!(how.parts().0);
    }
    fields
}

fn from_json(line: &Map<String, Value>) -> Option<Event> {
    let number = |key: &str| line.get(key)?.as_u64();
    let small = |key: &str| u32::try_from(number(key)?).ok();
    let text = |key: &str| line.get(key)?.as_str();
    let endpoint = |key: &str| {
        let [host, port] = line.get(key)?.as_array()?.as_slice() else {
            return None;
        };
        let host = u32::try_from(host.as_u64()?).ok()?;
        Some(Endpoint { host, port: u16::try_from(port.as_u64()?).ok()? })
    };
    let what = match text("event")? {
        "sent" => What::Sent {
            id: number("id")?,
            from: endpoint("from")?,
            to: endpoint("to")?,
            payload: unhex(text("payload")?)?,
        },
        "marked" => What::Marked { id: number("id")?, mark: mark_from_json(line)? },
        "dropped" => What::Dropped {
            id: number("id")?,
            copy: small("copy")?,
            reason: (0..=8)
                .filter_map(|code| DropReason::from_code(code, small("fault").unwrap_or(0)))
                .find(|reason| Some(reason.name()) == text("reason"))?,
        },
        "delivered" => What::Delivered { id: number("id")?, copy: small("copy")? },
        "refused" => What::Refused { at: endpoint("socket")? },
        "operation" => What::Operation {
            host: small("host")?,
            incarnation: small("incarnation")?,
            op: OpId { client: small("client")?, number: small("number")? },
            step: Step::ALL.into_iter().find(|step| Some(step.name()) == text("step"))?,
        },
        "damaged" => What::Damaged { host: small("host")?, op: damaged_from_json(line)? },
        "reported" => What::Reported { host: small("host")?, name: text("name")?.to_owned() },
        "host" => {
            let change = match text("change")? {
                "crashed" => HostChange::Crashed,
                "restarted" => HostChange::Restarted(small("value")?),
                "paused" => HostChange::Paused,
                "resumed" => HostChange::Resumed,
                "clock-stepped" => HostChange::ClockStepped(line.get("value")?.as_i64()?),
                "memory-corrupted" => HostChange::MemoryCorrupted(number("value")?),
                "disk-corrupted" => HostChange::DiskCorrupted(number("value")?),
                _ => return None,
            };
            What::Host { host: small("host")?, change }
        }
        "fault-began" => What::FaultBegan { fault: small("fault")? },
        "fault-ended" => What::FaultEnded { fault: small("fault")? },
        "broke" => What::Broke { host: small("host")?, message: text("message")?.to_owned() },
        _ => return None,
    };
    Some(Event { at: number("at")?, what })
}

fn damaged_from_json(line: &Map<String, Value>) -> Option<Option<OpId>> {
    let value = line.get("operation")?;
    if value.is_null() {
        return Some(None);
    }
    let [client, number] = value.as_array()?.as_slice() else { return None };
    let small = |value: &Value| u32::try_from(value.as_u64()?).ok();
    Some(Some(OpId { client: small(client)?, number: small(number)? }))
}

fn mark_from_json(line: &Map<String, Value>) -> Option<Mark> {
    let by = match line.get("fault")? {
        Value::Null => Cause::Link,
        fault => Cause::Fault(u32::try_from(fault.as_u64()?).ok()?),
    };
    let value = line.get("value")?.as_u64()?;
    let small = u32::try_from(value);
    Some(match line.get("mark")?.as_str()? {
        "duplicated" => Mark::Duplicated { by, copies: small.ok()? },
        "corrupted" => {
            // Traces of earlier versions, which could only flip bits, do not say.
            let mode = line.get("mode").map_or(Some("bits"), Value::as_str)?;
            Mark::Corrupted { by, how: Alteration::from_parts(mode, small.ok()?)? }
        }
        "delayed" => Mark::Delayed { by, length: value },
        "reordered" => Mark::Reordered,
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    Some(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Conclusion;

    fn every_event() -> Vec<Event> {
        let endpoint = |host, port| Endpoint { host, port };
        let op = OpId { client: 1, number: 7 };
        let fault = Cause::Fault(2);
        let operation = |step| What::Operation { host: 0, incarnation: 3, op, step };
        let host = |change| What::Host { host: 1, change };
        let corrupted = |how| Mark::Corrupted { by: fault, how };
        let mut what = vec![
            What::Sent {
                id: 1,
                from: endpoint(1, 50_000),
                to: endpoint(0, 9),
                payload: vec![0, 255],
            },
            What::Marked { id: 1, mark: Mark::Duplicated { by: Cause::Link, copies: 2 } },
            What::Marked { id: 1, mark: corrupted(Alteration::Bits(3)) },
            What::Marked { id: 1, mark: corrupted(Alteration::Burst(12)) },
            What::Marked { id: 1, mark: corrupted(Alteration::SwapBytes(4)) },
            What::Marked { id: 1, mark: corrupted(Alteration::Truncate(60)) },
            What::Marked { id: 1, mark: Mark::Delayed { by: fault, length: 1 << 40 } },
            What::Marked { id: 1, mark: Mark::Reordered },
            What::Delivered { id: 1, copy: 1 },
            What::Refused { at: endpoint(1, 50_000) },
            What::Damaged { host: 0, op: None },
            What::Damaged { host: 0, op: Some(op) },
            What::Reported { host: 0, name: "tick \"\u{1b}[0m".into() },
            host(HostChange::Crashed),
            host(HostChange::Restarted(2)),
            host(HostChange::Paused),
            host(HostChange::Resumed),
            host(HostChange::ClockStepped(-5)),
            host(HostChange::MemoryCorrupted(1 << 40)),
            host(HostChange::DiskCorrupted(1 << 40)),
            What::FaultBegan { fault: 2 },
            What::FaultEnded { fault: 2 },
            What::Broke { host: 0, message: "a\nb".into() },
        ];
        what.extend(Step::ALL.map(operation));
        what.extend((0..=8).filter_map(|code| {
            let fault = if code == 1 { 2 } else { 0 };
            let reason = DropReason::from_code(code, fault)?;
            Some(What::Dropped { id: 1, copy: 0, reason })
        }));
        what.into_iter().zip(0..).map(|(what, at)| Event { at, what }).collect()
    }

    fn trace() -> Trace {
        let mut recorder = Recorder::new(true);
        every_event().iter().for_each(|event| recorder.event(event));
        let header = Header {
            version: VERSION,
            scenario: "x.toml".into(),
            title: "t".into(),
            protocol: "udp".into(),
            engine: "event".into(),
            seed: 1,
            scenario_hash: "0".into(),
            source: "a = 1\n".into(),
            hosts: vec!["server".into(), "client-1".into()],
            faults: vec!["one".into(), "two".into(), "three".into()],
        };
        let (hash, bytes) = recorder.finish();
        let conclusion = Conclusion { verdict: "pass".into(), ..Conclusion::default() };
        Trace::new(header, bytes.unwrap(), hash, Some(conclusion))
    }

    #[test]
    fn records_and_json_lines_give_back_what_went_in() {
        let trace = trace();
        assert_eq!(trace.events().collect::<Vec<_>>(), every_event());
        let mut lines = Vec::new();
        trace.write_jsonl(&mut lines).unwrap();
        assert_eq!(Trace::read_jsonl(std::str::from_utf8(&lines).unwrap()).unwrap(), trace);
    }

    #[test]
    fn older_traces_say_nothing_of_what_the_run_came_to() {
        let trace = Trace { conclusion: None, ..trace() };
        let mut lines = Vec::new();
        trace.write_jsonl(&mut lines).unwrap();
        let text = String::from_utf8(lines).unwrap();
        assert!(!text.contains("conclusion"));
        assert_eq!(Trace::read_jsonl(&text).unwrap(), trace);
    }

    #[test]
    fn corruption_in_older_traces_is_flipped_bits() {
        let mut lines = Vec::new();
        trace().write_jsonl(&mut lines).unwrap();
        let older = String::from_utf8(lines).unwrap().replace(r#","mode":"bits""#, "");
        assert_eq!(Trace::read_jsonl(&older).unwrap(), trace());
        assert!(Trace::read_jsonl(&older.replace("\"burst\"", "\"bursts\"")).is_err());
    }

    #[test]
    fn a_damaged_trace_says_where() {
        let mut lines = Vec::new();
        trace().write_jsonl(&mut lines).unwrap();
        let text = String::from_utf8(lines).unwrap();
        let error = |text: &str| Trace::read_jsonl(text).unwrap_err().to_string();
        assert!(error("").contains("line 1: this is not a trace"));
        assert!(error("{\"a\":1}").contains("line 1: this is not a trace"));
        assert!(error(&text.replacen("\"version\":1", "\"version\":9", 1)).contains("version 9"));
        let cut = &text[..text.rfind("{\"trace_hash").unwrap()];
        assert!(error(cut).contains("without its last line"));
        assert!(
            error(&text.replace("\"delivered\"", "\"x\""))
                .contains("line 10: this is not an event")
        );
        assert!(error(&text.replace("\"fault\":2", "\"fault\":3")).contains("line 4"));
        assert!(error(&text.replace("\"at\":3", "\"at\":4")).contains("hash to"));
        assert!(error(&format!("{text}{{}}")).contains("more after"));
        let long = text.replace("\"client-1\"", &format!("\"{}\"", "x".repeat(1025)));
        assert!(error(&long).contains("line 1: a host or a fault has a name of more than"));
        let odd = text.replace("\"verdict\"", "\"verdicts\"");
        assert!(error(&odd).contains("missing field `verdict`"), "{}", error(&odd));
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            if end + 1 < text.len() {
                assert!(Trace::read_jsonl(&text[..end]).is_err(), "cut at {end}");
            }
        }
    }
}
