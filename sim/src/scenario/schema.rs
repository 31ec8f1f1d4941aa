//! The JSON Schema of scenario files, for editors.
//!
//! Draft 7, with everything written out in place: it is what TOML editors (Taplo, Even Better TOML)
//! know well, and in it a description beside a `$ref` would be ignored. The checker knows more
//! than the schema can say; the schema never refuses what the checker accepts.

use serde_json::{Map, Value, json};

use super::actions::{ACTIONS, ActionKeys, CORRUPTIONS, FAULT_KEYS, PICKS, TRIGGERS};
use super::keys::{Key, Keys, Kind};
use super::tables::{self, expected_events, file, options};
use super::units::{MAX_DRIFT, Unit};
use super::words::Vocabulary;
use crate::protocol::ProtocolSpec;

/// The JSON Schema (draft 7) of scenario files that use the protocols of `protocols`.
pub fn schema(protocols: &[ProtocolSpec]) -> Value {
    let words = Vocabulary::of(protocols);
    let mut schema = object(&file(&words));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Squall scenario");
    schema["description"] = json!("What goes wrong in a network, and what must hold nevertheless.");
    if !protocols.is_empty() {
        let names: Vec<&str> = protocols.iter().map(|spec| spec.name.as_str()).collect();
        schema["properties"]["protocol"]["enum"] = json!(names);
        schema["allOf"] = protocols.iter().map(of_protocol).collect();
    }
    let properties = &mut schema["properties"];
    loosen(&mut properties["options"]);
    let workload = &mut properties["workload"];
    exclude(workload, &["messages", "calls", "payload"]);
    exclude(workload, &["file", "payload"]);
    exclude(workload, &["file", "size"]);
    exclude(workload, &["file", "calls"]);
    exclude(&mut properties["expect"], &["guarantee", "violates"]);
    refine_faults(&mut properties["fault"]["items"]);
    schema
}

/// Leaves of each option only its description: what else holds depends on the protocol, and is said
/// where the protocol is.
fn loosen(options: &mut Value) {
    let properties = options["properties"].as_object_mut();
    for (_, option) in properties.into_iter().flatten() {
        *option = json!({ "description": option["description"] });
    }
}

/// What holds in files of one protocol.
fn of_protocol(protocol: &ProtocolSpec) -> Value {
    let words = Vocabulary::of([protocol]);
    let packet = packet_names(&words);
    let kind = match words.kinds() {
        Some([]) => json!(false),
        kinds => json!({ "enum": kinds }),
    };
    json!({
        "if": {
            "properties": { "protocol": { "const": protocol.name } },
            "required": ["protocol"],
        },
        "then": { "properties": {
            "options": object(&options(&words)),
            "fault": { "items": { "properties": {
                "packet": { "properties": { "kind": kind }, "propertyNames": { "enum": packet } },
                "event": { "properties": { "name": { "enum": words.events() } } },
            } } },
            "expect": { "properties": {
                "events": counts(&expected_events(&words)),
                "sometimes": of_kind(&tables::sometimes(&words)),
            } },
        } },
    })
}

/// The keys of `packet` for a protocol.
fn packet_names(words: &Vocabulary) -> Vec<&'static str> {
    match tables::fault(words).get("packet").map(|key| &key.kind) {
        Some(Kind::Table(keys)) => keys.names().collect(),
        _ => Vec::new(),
    }
}

/// Lets at most one of these keys stand in a table.
fn exclude(table: &mut Value, keys: &[&str]) {
    let pairs = keys.iter().enumerate();
    let pairs = pairs.flat_map(|(i, a)| keys[i + 1..].iter().map(move |b| (a, b)));
    let rules = pairs.map(|(a, b)| json!({ "not": { "required": [a, b] } }));
    let mut all: Vec<Value> = table["allOf"].as_array().cloned().unwrap_or_default();
    all.extend(rules);
    table["allOf"] = json!(all);
}

/// One trigger; and with each action the keys that go with it.
fn refine_faults(fault: &mut Value) {
    exclude(fault, &PICKS);
    exclude(fault, &CORRUPTIONS);
    let one_of: Vec<Value> = TRIGGERS.iter().map(|key| json!({ "required": [key] })).collect();
    fault["oneOf"] = json!(one_of);
    let rules: Vec<Value> = ACTIONS.iter().map(of_action).collect();
    if let Some(all) = fault["allOf"].as_array_mut() {
        all.extend(rules);
    }
}

fn of_action(action: &ActionKeys) -> Value {
    let mut required = action.required.to_vec();
    required.extend(action.trigger);
    debug_assert!(FAULT_KEYS.iter().all(|key| action.allowed().contains(key)));
    json!({
        "if": { "properties": { "action": { "const": action.name } }, "required": ["action"] },
        "then": { "propertyNames": { "enum": action.allowed() }, "required": required },
    })
}

fn object(keys: &Keys) -> Value {
    let properties: Map<String, Value> =
        keys.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required = keys.keys.iter().filter(|key| key.required);
    let required: Vec<&str> = required.map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": keys.open,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = of_kind(&key.kind);
    schema["description"] = json!(key.help);
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Path => json!({ "type": "string", "pattern": "\\S" }),
        Kind::Name => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Set => json!({ "const": true }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Words(words) => one_or_several(json!({ "type": "string", "enum": words })),
        Kind::Names { open: true, .. } => {
            one_or_several(json!({ "type": "string", "minLength": 1 }))
        }
        Kind::Names { words, .. } => one_or_several(json!({ "type": "string", "enum": words })),
        Kind::Whole { unit: Unit::Count, min, max, ranges } => {
            let one =
                json!({ "type": "integer", "minimum": number(*min), "maximum": number(*max) });
            let range = pattern(&format!("{q}\\.\\.=?{q}", q = blanks("[+-]?[0-9]+(\\.0+)?")));
            if *ranges { json!({ "anyOf": [one, range] }) } else { one }
        }
        Kind::Whole { unit, min, ranges, .. } => quantity(&unit.pattern(*min < 0), *ranges),
        Kind::Numbers { max } => {
            one_or_several(json!({ "type": "integer", "minimum": 0, "maximum": number(*max) }))
        }
        Kind::DurationOr { words, .. } => json!({ "anyOf": [
            { "enum": words },
            quantity(&Unit::Duration.pattern(false), true),
        ] }),
        Kind::Decimal { min, max } => json!({ "anyOf": [
            { "type": "number", "minimum": min, "maximum": max },
            pattern(&format!("{q}\\.\\.=?{q}", q = blanks("[+-]?[0-9]+(\\.[0-9]*)?"))),
        ] }),
        Kind::Probability => probability(),
        Kind::Drift => {
            let mut schema = quantity("[+-]?[0-9]+(\\.[0-9]*)? *ppm", true);
            schema["$comment"] = json!(format!("at most {MAX_DRIFT}ppm either way"));
            schema
        }
        Kind::Loss(keys) => json!({ "anyOf": [probability(), object(keys)] }),
        Kind::Bounds => bounds(),
        Kind::Counts(keys) => counts(keys),
        Kind::Hosts => hosts(),
        Kind::Groups => json!({ "type": "array", "minItems": 2, "items": hosts() }),
        Kind::Table(keys) => object(keys),
        Kind::Tables(keys) => json!({ "type": "array", "items": object(keys) }),
        Kind::HostTables(keys) => json!({ "type": "object", "additionalProperties": object(keys) }),
    }
}

fn bounds() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 0 },
        pattern(&format!("{q}?\\.\\.(=?{q})?", q = blanks("[0-9]*"))),
    ] })
}

fn counts(keys: &Keys) -> Value {
    let mut schema = object(keys);
    if keys.open {
        schema["additionalProperties"] = bounds();
    }
    schema
}

fn hosts() -> Value {
    one_or_several(json!({ "type": "string", "minLength": 1 }))
}

fn one_or_several(one: Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}

fn probability() -> Value {
    json!({ "anyOf": [
        { "type": "number", "minimum": 0, "maximum": 1 },
        quantity("\\+?[0-9]+(\\.[0-9]*)? *%?", true),
    ] })
}

/// A string with one value of this pattern, or with a range of them.
fn quantity(one: &str, ranges: bool) -> Value {
    let one = blanks(one);
    match ranges {
        true => pattern(&format!("{one}(\\.\\.=?{one})?")),
        false => pattern(&one),
    }
}

fn blanks(one: &str) -> String {
    format!("\\s*({one})\\s*")
}

fn pattern(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{pattern}$") })
}

fn number(value: i128) -> Value {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => json!(value),
        (_, Ok(value)) => json!(value),
        _ => Value::Null,
    }
}
