//! The JSON Schema says of files what the checker says, as far as a schema can.

use regex_automata::meta::Regex;
use serde_json::{Value, json};
use squall_sim::scenario::schema;

/// Checks `value` by as much of JSON Schema as ours uses; the first objection, if there is one.
///
/// # Panics
/// On a keyword it does not know: then it would accept too much.
fn check(schema: &Value, value: &Value) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        return if schema == &json!(false) {
            Err(format!("{value} is not allowed"))
        } else {
            Ok(())
        };
    };
    for (keyword, rule) in rules {
        let list = || rule.as_array().into_iter().flatten();
        let passing = || list().filter(|schema| check(schema, value).is_ok()).count();
        let holds = match keyword.as_str() {
            "$schema" | "title" | "description" | "$comment" | "then" => true,
            "type" => has_type(rule, value),
            "enum" => list().any(|one| one == value),
            "const" => rule == value,
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().expect("a number")),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.len() as u64 >= rule.as_u64().expect("a number")),
            "minItems" => value
                .as_array()
                .is_none_or(|list| list.len() as u64 >= rule.as_u64().expect("a number")),
            "pattern" => {
                let regex =
                    Regex::new(rule.as_str().expect("a pattern")).expect("a regular expression");
                value.as_str().is_none_or(|text| regex.is_match(text))
            }
            "required" => value.as_object().is_none_or(|table| {
                list().all(|key| table.contains_key(key.as_str().expect("a key")))
            }),
            "anyOf" => passing() > 0,
            "oneOf" => passing() == 1,
            "allOf" => {
                list().try_for_each(|schema| check(schema, value))?;
                true
            }
            "not" => check(rule, value).is_err(),
            "if" => {
                if check(rule, value).is_ok() {
                    check(&rules["then"], value)?;
                }
                true
            }
            "items" => {
                value.as_array().into_iter().flatten().try_for_each(|one| check(rule, one))?;
                true
            }
            "propertyNames" => {
                value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .try_for_each(|(key, _)| check(rule, &json!(key)))?;
                true
            }
            "properties" => {
                let table = value.as_object().into_iter().flatten();
                table
                    .filter(|(key, _)| rule.get(key).is_some())
                    .try_for_each(|(key, one)| check(&rule[key], one))?;
                true
            }
            "additionalProperties" => {
                let known = |key: &String| {
                    rules.get("properties").is_some_and(|all| all.get(key).is_some())
                };
                let table = value.as_object().into_iter().flatten();
                table.filter(|(key, _)| !known(key)).try_for_each(|(_, one)| check(rule, one))?;
                true
            }
            unknown => panic!("the keyword {unknown} is not known to this test"),
        };
        if !holds {
            return Err(format!("{value} does not satisfy {keyword}: {rule}"));
        }
    }
    Ok(())
}

fn has_type(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("one type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not known to this test"),
    }
}

/// What the schema says of a file; `None` if a JSON value can not hold what is in it.
pub(crate) fn validate(schema: &Value, text: &str) -> Option<Result<(), String>> {
    let table: toml::Table = text.parse().ok()?;
    let value = serde_json::to_value(table).ok()?;
    Some(check(schema, &value))
}

pub(crate) fn ours() -> Value {
    schema(&super::protocols())
}

#[test]
fn good_files_satisfy_the_schema() {
    for (name, text) in super::good_files() {
        assert_eq!(validate(&ours(), &text), Some(Ok(())), "{name}");
    }
}

#[test]
fn the_schema_refuses_what_a_schema_can_refuse() {
    // What only the checker knows, or what is not TOML at all.
    let beyond = [
        "byte_order_mark",
        "drawing_a_long_line",
        "drawing_places_far_apart",
        "duration_too_long",
        "engine_turmoil",
        "expect_within_without_completes",
        "fault_names",
        "fault_negative_delay",
        "hosts_further_unknown",
        "hosts_left_out_by_options",
        "hosts_unknown",
        "file_missing",
        "not_utf8",
        "options_and_mtu",
        "options_together",
        "partition_both_ways_to_say_it",
        "partition_without_hosts",
        "payload_",
        "syntax_",
        "fault_link_without",
        "workload_too_large_for",
    ];
    let mut refused = 0;
    for entry in std::fs::read_dir(super::folder().join("bad")).expect("the folder is there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        if beyond.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let verdict = validate(&ours(), &text);
        assert!(matches!(verdict, Some(Err(_))), "{name}: {verdict:?}");
        refused += 1;
    }
    assert!(refused >= 40, "only {refused} files");
}

#[test]
fn the_schema_names_every_key_with_a_description() {
    let text = ours().to_string();
    // The kitchen sink has every key, or a test of the checker fails.
    fn keys<'a>(table: &'a toml::Table, all: &mut Vec<&'a str>) {
        for (key, value) in table {
            all.push(key);
            match value {
                toml::Value::Table(table) => keys(table, all),
                toml::Value::Array(list) => {
                    list.iter()
                        .filter_map(toml::Value::as_table)
                        .for_each(|table| keys(table, all));
                }
                _ => {}
            }
        }
    }
    let file =
        std::fs::read_to_string(super::folder().join("good/kitchen_sink.toml")).expect("readable");
    let table: toml::Table = file.parse().expect("TOML");
    let mut all = vec!["calls", "payload", "violates", "completes", "retries"];
    keys(&table, &mut all);
    all.retain(|key| !["server", "client-*"].contains(key));
    assert!(all.len() > 100);
    for key in all {
        assert!(text.contains(&format!("\"{key}\":{{")), "{key}");
    }
    fn described(schema: &Value, path: &str) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            assert!(
                property["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{path}"
            );
            described(property, &path);
            described(&property["items"], &path);
            described(&property["additionalProperties"], &path);
        }
    }
    described(&ours(), "");
}

#[test]
fn a_schema_without_protocols_leaves_open_what_depends_on_them() {
    let open = schema(&[]);
    let (_, text) = super::good_files()
        .into_iter()
        .find(|(name, _)| name == "kitchen_sink.toml")
        .expect("there");
    assert_eq!(validate(&open, &text), Some(Ok(())));
    assert!(matches!(validate(&open, "title = \"t\"\n"), Some(Err(_))));
}

#[test]
fn the_schema_is_reviewed_as_a_whole() {
    let pretty = serde_json::to_string_pretty(&ours()).expect("JSON");
    insta::assert_snapshot!(pretty);
}
