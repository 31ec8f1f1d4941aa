//! Names in Rust's ways.

/// Words that can not be names, but with `r#`.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// Words that not even `r#` makes names.
const RESERVED: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// A name that Rust takes: as it is, with `r#`, or with `_` behind it.
fn escaped(name: String) -> String {
    if RESERVED.contains(&name.as_str()) {
        format!("{name}_")
    } else if KEYWORDS.contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}

/// The words of a name: what stands between underscores, and what an upper-case letter begins behind a
/// lower-case one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        if c == '_' || (before.is_ascii_lowercase() && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().expect("never empty").push(c);
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `foo_bar`, `FOO_BAR` and `fooBar` as `FooBar`.
pub(crate) fn upper_camel(name: &str) -> String {
    let mut camel = String::new();
    for word in words(name) {
        // Two numbers stay two.
        let digits = camel.ends_with(|c: char| c.is_ascii_digit())
            && word.starts_with(|c: char| c.is_ascii_digit());
        if digits {
            camel.push('_');
        }
        camel.push_str(&word[..1].to_ascii_uppercase());
        camel.push_str(&word[1..].to_ascii_lowercase());
    }
    escaped(begun(camel, "X"))
}

/// `FOO_BAR` and `fooBar` as `foo_bar`.
pub(crate) fn snake(name: &str) -> String {
    escaped(begun(words(name).join("_").to_ascii_lowercase(), "x"))
}

/// `foo_bar` as `FOO_BAR`; what is in upper case stays as it is.
pub(crate) fn upper(name: &str) -> String {
    escaped(match name.contains(|c: char| c.is_ascii_lowercase()) {
        true => begun(words(name).join("_").to_ascii_uppercase(), "X"),
        false => name.to_owned(),
    })
}

/// The name of the method that starts a procedure's call.
pub(crate) fn started(procedure: &str) -> String {
    format!("start_{}", procedure.trim_start_matches("r#").trim_end_matches('_'))
}

/// The name with a letter in front, if none is there.
fn begun(name: String, letter: &str) -> String {
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("{letter}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_variants_are_camels() {
        let camels = [
            ("addargs", "Addargs"),
            ("foo_bar", "FooBar"),
            ("fooBar", "FooBar"),
            ("KEY_SUCCESS", "KeySuccess"),
            ("RED", "Red"),
            ("rp__list", "RpList"),
            ("VERS_1_2", "Vers1_2"),
            ("nlm4_granted", "Nlm4Granted"),
            ("self", "Self_"),
            ("_1", "X1"),
            ("_", "X"),
        ];
        for (name, rust) in camels {
            assert_eq!(upper_camel(name), rust);
        }
    }

    #[test]
    fn fields_and_procedures_are_snakes() {
        let snakes = [
            ("ADD", "add"),
            ("SLOW_INCR", "slow_incr"),
            ("BEP", "bep"),
            ("fooBar", "foo_bar"),
            ("type", "r#type"),
            ("self", "self_"),
            ("_x", "x"),
            ("__", "x"),
        ];
        for (name, rust) in snakes {
            assert_eq!(snake(name), rust);
        }
    }

    #[test]
    fn constants_stay_in_upper_case() {
        for (name, rust) in [("MAX_1", "MAX_1"), ("rpcb_high_2", "RPCB_HIGH_2"), ("_", "__")] {
            assert_eq!(upper(name), rust);
        }
    }
}
