//! Whatever the file, the compiler neither panics nor hangs; its errors can be drawn, and its output is Rust.

use proptest::prelude::*;
use squall_rpcgen::Compiler;

/// What soups are made of.
const TOKENS: &[&str] = &[
    "const",
    "enum",
    "struct",
    "union",
    "typedef",
    "program",
    "version",
    "switch",
    "case",
    "default",
    "void",
    "int",
    "unsigned",
    "hyper",
    "float",
    "bool",
    "opaque",
    "string",
    "quadruple",
    "char",
    "TRUE",
    "FALSE",
    "a",
    "b",
    "foo_bar",
    "fooBar",
    "A",
    "B",
    "netobj",
    "self",
    "_",
    "u_int",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ";",
    ":",
    ",",
    "=",
    "*",
    "-",
    "0",
    "1",
    "2",
    "-1",
    "4294967295",
    "4294967296",
    "0x20000000",
    "08",
    "99999999999999999999",
    "\"text\"",
    "\"",
    "/*",
    "*/",
    "//",
    "\n",
    "\n#if 0\n",
    "\n#ifdef A\n",
    "\n#else\n",
    "\n#endif\n",
    "\n%#define A 3\n",
    "\n#define B A+1\n",
    "\n#include \"calc.x\"\n",
    "é",
    "\u{1b}",
    "@",
    "\t",
    "struct a { int b; };",
    "const A = 1;",
    "enum b { A, B };",
    "program P {",
    "version V {",
    "} = 1;",
    "union u switch (bool x) {",
    "case TRUE:",
    "int b;",
    "int C(int) = 1;",
    "typedef a *b;",
    "typedef opaque b<A>;",
];

const GOOD: [&str; 4] = [
    include_str!("../../../../tests/oncrpc/calc.x"),
    include_str!("../good/constructs.x"),
    include_str!("../good/habits.x"),
    include_str!("../good/shadows.x"),
];

fn try_it(text: impl AsRef<[u8]>) -> bool {
    match Compiler::new().generate("fuzz.x", text) {
        Ok(_) => true,
        Err(errors) => {
            assert!(errors.len() > 0);
            assert!(errors.render(false).starts_with("error: "));
            assert!(!errors.render(true).is_empty());
            false
        }
    }
}

/// Of one that belongs together, the text from the first piece is replaced.
fn mutated(text: &str, at: usize, length: usize, with: &str) -> String {
    let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = boundary(at % (text.len() + 1));
    let end = boundary((start + length).min(text.len())).max(start);
    format!("{}{with}{}", &text[..start], &text[end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn soups_of_tokens_are_answered(
        soup in proptest::collection::vec(proptest::sample::select(TOKENS), 0..60),
        space in proptest::sample::select(&[" ", ""][..]),
    ) {
        try_it(soup.join(space));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_it(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn good_files_with_a_few_changes_are_answered(
        file in proptest::sample::select(&GOOD[..]),
        changes in proptest::collection::vec(
            (any::<usize>(), 0..12_usize, proptest::sample::select(TOKENS)),
            1..4,
        ),
    ) {
        let change = |text: String, (at, length, with): &(usize, usize, &str)| {
            mutated(&text, *at, *length, with)
        };
        try_it(changes.iter().fold(file.to_owned(), change));
    }
}

#[test]
fn long_files_take_no_long_time_and_little_stack() {
    let chain = |one: fn(usize) -> String| (0..20_000).map(one).collect::<String>();
    // Whatever refers to the one before or behind it, or opens and never closes.
    let good = [
        chain(|i| {
            format!(
                "const A{i} = {};\n",
                if i == 19_999 { "1".into() } else { format!("A{}", i + 1) }
            )
        }),
        chain(|i| {
            format!(
                "struct s{i} {{ {} a; }};\n",
                if i == 0 { "int".into() } else { format!("s{}", i - 1) }
            )
        }),
        chain(|i| {
            format!("typedef {} t{i};\n", if i == 0 { "int".into() } else { format!("t{}", i - 1) })
        }),
        format!("enum e {{ {} }};", chain(|i| format!("A{i},\n"))),
    ];
    for text in &good {
        assert!(try_it(text), "{}", &text[..200]);
    }
    let bad = [
        chain(|i| format!("const A{i} = A{};\n", (i + 1) % 20_000)),
        chain(|i| format!("struct s{i} {{ s{} a; }};\n", (i + 1) % 20_000)),
        "struct { ".repeat(50_000),
        "typedef struct {;".repeat(50_000),
        "typedef union switch (int a) { case 1: struct {".repeat(10_000),
        "}".repeat(200_000),
        "{".repeat(200_000),
        "#if 1\n".repeat(100_000),
        "/*".repeat(300_000),
        "const A = B;\n".repeat(50_000),
        "union u switch (int a) {".repeat(20_000),
        "@ ".repeat(200_000),
        "x".repeat(1_000_000),
    ];
    for text in &bad {
        assert!(!try_it(text), "{}", &text[..20]);
    }
}
