//! The matrix of protocols and faults: a snapshot, and a page of the documentation.

use squall::Registry;
use squall::matrix::{self, Cell, Variant};

/// Beside all protocols with their defaults, some that show what an option is for.
const VARIANTS: [(&str, &str); 8] = [
    ("udp", "wait = false"),
    ("stop-and-wait", "resync = false"),
    ("selective-repeat", "checksum = \"crc-32\""),
    ("file-transfer", "end_to_end = false"),
    ("rpc", "semantics = \"maybe\""),
    ("rpc", "semantics = \"at-least-once\""),
    ("rpc", "boot_epoch = true"),
    ("rpc", "semantics = \"exactly-once\""),
];

const INTRODUCTION: &str = "# Every protocol under every family of faults

What `squall matrix` observes, written by a test:

    INSTA_UPDATE=always cargo test --test integration matrix

Two clients issue 20 operations each, in 20 runs with the seeds 1 to 20, so a row is about 800
operations. *lost* were never delivered, or executed; *twice* were more than once; *reordered* were
delivered for the first time after a later one of the same client; *damaged* counts runs in which
something was delivered that nobody had sent. *executions* is the fewest and the most for one
operation, *completed* the share that the client was told to have succeeded. The last column has what
held in every run: `none` if both at-least-once and at-most-once were violated, `undecided` if no
guarantee held in all runs and some did not come to an end. The scenario of a row is printed by
`squall matrix --protocol NAME --scenario FAULTS`. The tables with an option in their title are beyond
what a plain `squall matrix` prints; `--set` gives an option.
";

fn cells() -> Vec<Cell> {
    let registry = Registry::shipped();
    let specs = registry.specs().iter();
    let defaults = specs.map(|spec| Variant { protocol: &spec.name, options: "" });
    let others = VARIANTS.map(|(protocol, options)| Variant { protocol, options });
    let pairs = defaults
        .chain(others)
        .flat_map(|variant| matrix::families().map(move |family| (variant, family)));
    pairs.map(|(variant, family)| matrix::cell(&registry, variant, family, 20).unwrap()).collect()
}

#[test]
fn the_matrix_of_protocols_and_faults() {
    let tables = matrix::tables(&cells());
    super::snapshot_settings().bind(|| insta::assert_snapshot!("matrix", tables));
    let page = format!("{INTRODUCTION}\n{}\n{}", matrix::legend(), tables.trim_end());
    super::assert_page("docs/matrix.md", "matrix", &page);
}

#[test]
fn every_cell_is_a_scenario_file() {
    let registry = Registry::shipped();
    for spec in registry.specs() {
        for family in matrix::families() {
            let variant = Variant { protocol: &spec.name, options: "" };
            let text = matrix::scenario(variant, family).unwrap();
            assert!(registry.parse("cell", &text).is_ok(), "{text}");
        }
    }
    assert!(matrix::scenario(Variant { protocol: "udp", options: "" }, "gremlins").is_none());
}

#[test]
fn without_a_run_nothing_held() {
    let variant = Variant { protocol: "udp", options: "" };
    let cell = matrix::cell(&Registry::shipped(), variant, "none", 0).unwrap();
    assert_eq!(cell.guarantee(), "undecided");
    let json = cell.to_json();
    assert_eq!((&json["held"], &json["executions"]["min"]), (&serde_json::json!([]), &0.into()));
}

#[test]
fn wrong_options_are_an_error() {
    let variant = Variant { protocol: "udp", options: "wait = 3" };
    let error = matrix::cell(&Registry::shipped(), variant, "loss", 1).unwrap_err();
    assert!(error.to_string().contains("`wait` must be true or false"), "{error}");
}

#[test]
fn errors_of_the_software_are_told() {
    let careless = squall::Protocol::new("careless", "Reports what it does not declare.")
        .events(&["known"])
        .client(async |_| {
            squall::report("unknown-to-it");
            Ok(())
        });
    let registry = Registry::new().with(careless);
    let variant = Variant { protocol: "careless", options: "" };
    let cell = matrix::cell(&registry, variant, "loss", 3).unwrap();
    let error = cell.error().unwrap();
    assert!(
        error.starts_with("careless, loss, seed 1: ") && error.contains("unknown-to-it"),
        "{error}"
    );
    assert_eq!(cell.to_json()["error"], error);
}
