//! Reads one table by its declaration, and notes everything that is wrong with it instead of
//! stopping at the first error.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Errors;
use super::keys::{Key, Keys, Kind};
use super::tables::{MAX_ENTRIES, MAX_LINKS, homes};
use super::units::Problem;
use crate::text::{listed, nearest, quote};
use squall_diagnostic::{Diagnostic, Span};

/// A value in the file.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// One table being read.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    pub errors: &'a Errors<'a>,
    keys: &'a Keys,
    table: &'a DeTable<'a>,
    /// The header, or the whole of an inline table.
    pub span: Span,
    /// Names the streams of the ranges in this table.
    path: String,
}

impl<'a> Reader<'a> {
    /// Opens a table, and notes its unknown and missing keys. `path` names the table in the streams
    /// of its ranges.
    pub(super) fn open(
        errors: &'a Errors<'a>,
        keys: &'a Keys,
        table: &'a DeTable<'a>,
        span: Span,
        path: String,
    ) -> Self {
        let reader = Reader { errors, keys, table, span, path };
        for key in table.keys().filter(|key| keys.get(key.get_ref()).is_none()) {
            // Finding out what was meant takes time, which a file of junk could waste.
            if !keys.open && !errors.skip() {
                reader.unknown(key.get_ref(), key.span());
            }
        }
        for key in keys.keys.iter().filter(|key| key.required) {
            if !reader.has(key.name) {
                reader.missing(key.name, &keys.place);
            }
        }
        reader
    }

    fn unknown(&self, name: &str, span: Span) {
        let near = nearest(name, self.keys.names());
        let label = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not known here".to_owned(),
        };
        let homes = homes(name);
        let help = match self.keys.keys.is_empty() {
            true => "no keys are allowed here".to_owned(),
            false => format!("allowed here: {}", listed(self.keys.names())),
        };
        let help = match homes.as_slice() {
            [] => help,
            _ if near.is_some() => help,
            homes => format!("`{name}` belongs {}; {help}", homes.join(" or ")),
        };
        let message = format!("unknown key {} {}", quote(name), self.keys.place);
        self.errors.add(Diagnostic::new(span, message).label(label).help(help));
    }

    /// Notes that a key is missing; `place` says of what.
    pub(super) fn missing(&self, name: &str, place: &str) {
        let mut one = Diagnostic::new(self.span.clone(), format!("`{name}` is missing {place}"));
        if let Some(key) = self.keys.get(name) {
            // What its absence means elsewhere is not so here.
            let help = key.help.split("; absent:").next().unwrap_or_default();
            one = one.help(format!("`{name}`: {help}"));
        }
        if self.span.is_empty() {
            one = one.label("give it before the first table");
        }
        self.errors.add_missing(one);
    }

    /// True if keys that are not declared may stand here.
    pub(super) fn is_open(&self) -> bool {
        self.keys.open
    }

    /// True if a key of this name is declared.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.keys.get(name).is_some()
    }

    /// True if the key is there, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Where a key stands; the table's header if it is absent.
    pub(super) fn key_span(&self, name: &str) -> Span {
        match self.table.get_key_value(name) {
            Some((key, _)) => key.span(),
            None => self.span.clone(),
        }
    }

    /// Where a key's value stands; the table's header if it is absent.
    pub(super) fn value_span(&self, name: &str) -> Span {
        self.table.get(name).map_or(self.span.clone(), Spanned::span)
    }

    /// The keys of the table, in file order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Span, &'a Value<'a>)> {
        let entries = self.table.iter();
        entries.map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// The value at a declared key.
    pub(super) fn get(&self, name: &str) -> Option<(&'a Value<'a>, &'a Key)> {
        let key = self.keys.get(name);
        debug_assert!(key.is_some() || self.keys.open, "`{name}` is not declared");
        let value = self.table.get(name)?;
        // Recovery from a syntax error fills gaps with values at no place.
        (!value.span().is_empty()).then_some((value, key?))
    }

    /// Notes that the value at `span` is not what must stand at `key`.
    pub(super) fn wrong(&self, key: &Key, span: Span, problem: Problem) {
        self.wrong_value(key.name, &key.kind, span, problem);
    }

    /// As [`Reader::wrong`], at a key that need not be declared.
    pub(super) fn wrong_value(&self, name: &str, kind: &Kind, span: Span, problem: Problem) {
        let message = format!("{} must be {}", quote(name), kind.noun());
        let one = Diagnostic::new(span, message).label(problem.label);
        self.errors.add(match problem.help {
            Some(help) => one.help(help),
            None => one,
        });
    }

    pub(super) fn wrong_type(&self, key: &Key, value: &Value<'_>, help: &str) {
        let problem = Problem {
            label: format!("this is {}", describe(value.get_ref())),
            help: Some(help.to_owned()),
        };
        self.wrong(key, value.span(), problem);
    }

    pub(super) fn problem<T>(
        &self,
        key: &Key,
        span: Span,
        result: Result<T, Problem>,
    ) -> Option<T> {
        result.map_err(|problem| self.wrong(key, span, problem)).ok()
    }

    /// A text and its place.
    pub(super) fn text(&self, name: &str) -> Option<(&'a str, Span)> {
        let (value, key) = self.get(name)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, "write a text in quotes");
            return None;
        };
        let problem = |label: &str| Problem { label: label.to_owned(), help: None };
        if text.trim().is_empty() {
            self.wrong(key, value.span(), problem("this is empty"));
            return None;
        }
        if text.contains(|c: char| c.is_control()) {
            self.wrong(key, value.span(), problem("this has control characters in it"));
            return None;
        }
        let name_like = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if matches!(key.kind, Kind::Name) && !(text.chars().all(name_like) && text.len() <= 64) {
            let problem = Problem {
                label: "not a name".to_owned(),
                help: Some("a name has at most 64 letters, digits, `-`, `_` and `.`".to_owned()),
            };
            self.wrong(key, value.span(), problem);
            return None;
        }
        Some((text, value.span()))
    }

    /// A flag.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let (value, key) = self.get(name)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(key, value, "write true or false, without quotes");
        None
    }

    /// True if a flag is there that can only be set.
    pub(super) fn is_set(&self, name: &str) -> bool {
        let Some((value, key)) = self.get(name) else { return false };
        let set = matches!(value.get_ref(), DeValue::Boolean(true));
        if !set {
            let help = Some("write true, without quotes, or leave the key out".to_owned());
            let label = "this is something else".to_owned();
            self.wrong(key, value.span(), Problem { label, help });
        }
        set
    }

    /// One of the words declared for the key.
    pub(super) fn word(&self, name: &str) -> Option<&'static str> {
        let (value, key) = self.get(name)?;
        let (Kind::Word(words) | Kind::Words(words)) = &key.kind else {
            debug_assert!(false, "`{name}` is not declared as a word");
            return None;
        };
        self.word_of(key, value, words)
    }

    /// The word at a key where something else than a word may stand as well.
    pub(super) fn word_among(&self, name: &str) -> Option<&'static str> {
        let (value, key) = self.get(name)?;
        let (Kind::DurationOr { words, .. }, DeValue::String(text)) = (&key.kind, value.get_ref())
        else {
            return None;
        };
        words.iter().find(|word| *word == text).copied()
    }

    /// Several words, each with its place.
    pub(super) fn words(&self, name: &str) -> Option<Vec<(&'static str, Span)>> {
        let (value, key) = self.get(name)?;
        let Kind::Words(words) = &key.kind else {
            debug_assert!(false, "`{name}` is not declared as words");
            return None;
        };
        let list = self.list(key, value)?;
        let read = |one: &'a Value<'a>| Some((self.word_of(key, one, words)?, one.span()));
        Some(list.iter().filter_map(read).collect())
    }

    /// Several names, each once.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let Some((value, key)) = self.get(name) else { return Vec::new() };
        let Kind::Names { words, open } = &key.kind else {
            debug_assert!(false, "`{name}` is not declared as names");
            return Vec::new();
        };
        let mut names: Vec<String> = Vec::new();
        for one in self.list(key, value).unwrap_or_default() {
            let DeValue::String(text) = one.get_ref() else {
                self.wrong_type(key, one, "write words in quotes");
                continue;
            };
            if !open && !words.contains(&text.as_ref()) {
                self.unknown_word("event", text, one.span(), words);
            } else if names.iter().any(|known| known == text) {
                let message = format!("{} is named twice", quote(text));
                self.errors.add(Diagnostic::new(one.span(), message));
            } else {
                names.push(text.to_string());
            }
        }
        names
    }

    fn word_of(
        &self,
        key: &Key,
        value: &Value<'_>,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let DeValue::String(text) = value.get_ref() else {
            let known = listed(words.iter().copied());
            self.wrong_type(key, value, &format!("words known here: {known}"));
            return None;
        };
        let found = words.iter().find(|word| *word == text);
        if found.is_none() {
            let what = match key.kind {
                Kind::Words(_) => format!("word for `{}`:", key.name),
                _ => key.name.to_owned(),
            };
            self.unknown_word(&what, text, value.span(), words);
        }
        found.copied()
    }

    /// Notes that a word is not one of those known; `what` says what kind of word it is.
    pub(super) fn unknown_word(&self, what: &str, word: &str, span: Span, words: &[&str]) {
        let label = match nearest(word, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "not known here".to_owned(),
        };
        let help = match words {
            [] if what == "kind" => {
                "the protocol does not say how its datagrams are read (`Protocol::dissector`)"
                    .to_owned()
            }
            [] => "there are none to choose from".to_owned(),
            _ => format!("known here: {}", listed(words.iter().copied())),
        };
        let message = format!("unknown {what} {}", quote(word));
        self.errors.add(Diagnostic::new(span, message).label(label).help(help));
    }

    /// An array, or a single value that stands for an array of one.
    pub(super) fn list(&self, key: &Key, value: &'a Value<'a>) -> Option<&'a [Value<'a>]> {
        let list = match value.get_ref() {
            DeValue::Array(list) => list.as_ref(),
            _ => std::slice::from_ref(value),
        };
        let label = match list.len() {
            0 => "this is empty".to_owned(),
            n if n > MAX_ENTRIES => format!("{n} entries; at most {MAX_ENTRIES} are allowed"),
            _ => return Some(list),
        };
        self.wrong(key, value.span(), Problem { label, help: None });
        None
    }

    /// An array of values, or one value alone, at a declared key.
    pub(super) fn values(&self, name: &str) -> Option<&'a [Value<'a>]> {
        let (value, key) = self.get(name)?;
        self.list(key, value)
    }

    /// The table at a key.
    pub(super) fn table(&self, name: &str) -> Option<Reader<'a>> {
        let (value, key) = self.get(name)?;
        let keys = match &key.kind {
            Kind::Table(keys) | Kind::Counts(keys) | Kind::HostTables(keys) | Kind::Loss(keys) => {
                keys
            }
            _ => {
                debug_assert!(false, "`{name}` is not declared as a table");
                return None;
            }
        };
        let DeValue::Table(table) = value.get_ref() else {
            let help = match value.get_ref() {
                _ if matches!(key.kind, Kind::HostTables(_)) => {
                    format!("write a table for each host or pattern, such as [{name}.server]")
                }
                _ if matches!(key.kind, Kind::Counts(_)) => {
                    format!("write {name} = {{ name-of-one = \"1..\" }}")
                }
                DeValue::Array(_) => format!("there is one such table: write [{name}]"),
                _ => match name {
                    "event" => "write event = { host = \"...\", name = \"...\" }".to_owned(),
                    "packet" => "write packet = { from = \"...\", to = \"...\" }".to_owned(),
                    _ => format!("write a [{}] table, or {name} = {{ ... }}", self.path_of(name)),
                },
            };
            self.wrong_type(key, value, &help);
            return None;
        };
        Some(match key.kind {
            // The keys of this table are host patterns, not declared names.
            Kind::HostTables(_) => Reader {
                errors: self.errors,
                keys,
                table,
                span: value.span(),
                path: self.path_of(name),
            },
            _ => Reader::open(self.errors, keys, table, value.span(), self.path_of(name)),
        })
    }

    /// Opens the table `value` with this table's keys.
    pub(super) fn child(&self, name: &str, value: &'a Value<'a>) -> Option<Reader<'a>> {
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("{} must be a table", quote(name));
            let label = format!("this is {}", describe(value.get_ref()));
            self.errors.add(Diagnostic::new(value.span(), message).label(label));
            return None;
        };
        let path = self.path_of(name);
        Some(Reader::open(self.errors, self.keys, table, value.span(), path))
    }

    /// The tables of an array of tables, each read under the path that `path` gives it.
    pub(super) fn tables(
        &self,
        name: &str,
        mut path: impl FnMut(usize, &DeTable<'_>) -> String,
    ) -> Vec<Reader<'a>> {
        let Some((value, key)) = self.get(name) else {
            return Vec::new();
        };
        let Kind::Tables(keys) = &key.kind else {
            debug_assert!(false, "`{name}` is not declared as tables");
            return Vec::new();
        };
        let help = format!("write [[{name}]], with two brackets, once for each");
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, &help);
            return Vec::new();
        };
        let most = if name == "link" { MAX_LINKS } else { MAX_ENTRIES };
        if array.len() > most {
            let label = format!("{} tables; at most {most} are allowed", array.len());
            self.wrong(key, value.span(), Problem { label, help: None });
            return Vec::new();
        }
        let mut readers = Vec::new();
        for (i, value) in array.iter().enumerate() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let path = path(i, table);
                    readers.push(Reader::open(self.errors, keys, table, value.span(), path));
                }
                _ => self.wrong_type(key, value, &help),
            }
        }
        readers
    }

    /// How many entries the array at a key has; 0 if there is none.
    pub(super) fn entry_count(&self, name: &str) -> usize {
        match self.table.get(name).map(Spanned::get_ref) {
            Some(DeValue::Array(list)) => list.len(),
            _ => 0,
        }
    }

    /// True if the value at a key is a table.
    pub(super) fn is_table(&self, name: &str) -> bool {
        let value = self.table.get(name).map(Spanned::get_ref);
        matches!(value, Some(DeValue::Table(_)))
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }
}

/// What a value is, with its article.
pub(super) fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or a time of day",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
