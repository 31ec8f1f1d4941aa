//! `squall run --junit`: what it says of each file, and that it is XML whatever the names are.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus};
use squall::reports::junit::{self, Case, Ending, Problem};

use crate::command::{folder, squall, squall_with_input, text};
use crate::snapshot_settings;

fn cases(xml: &str) -> Vec<TestCase> {
    let report = Report::deserialize_from_str(xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    report.test_suites.into_iter().flat_map(|suite| suite.test_cases).collect()
}

#[test]
fn every_verdict_and_every_file_that_is_wrong_has_its_case() {
    let folder = folder("junit");
    let out = folder.join("out.xml");
    let wrong = folder.join("wrong.toml");
    std::fs::write(&wrong, "title = 'x'\nprotocl = 'ack'\n").unwrap();
    let files = ["tests/verdicts", "scenarios/ladder/lost_ack_ack.toml"];
    let [out, wrong] = [&out, &wrong].map(|path| path.to_str().unwrap());
    let run = |more: &[&str]| {
        let odd = [wrong, "no/such.toml", "--junit", out];
        squall(&[&["run"], &files[..], &odd, more].concat())
    };
    assert_eq!(run(&[]).status.code(), Some(65), "the exit status is what it was");
    let xml = std::fs::read_to_string(out).unwrap();
    let written = cases(&xml);
    let named: Vec<(&str, &str)> = written
        .iter()
        .map(|case| {
            let kind = match &case.status {
                TestCaseStatus::Success { .. } => "passed",
                TestCaseStatus::NonSuccess { ty, .. } => ty.as_ref().unwrap(),
                TestCaseStatus::Skipped { .. } => "skipped",
            };
            (std::path::Path::new(case.name.as_str()).file_name().unwrap().to_str().unwrap(), kind)
        })
        .collect();
    assert_eq!(
        named,
        [
            ("a_fault_never_hits.toml", "invalid"),
            ("cut_off.toml", "inconclusive"),
            ("nothing_delivered.toml", "inconclusive"),
            ("retry_is_not_exactly_once.toml", "fail"),
            ("lost_ack_ack.toml", "passed"),
            ("wrong.toml", "wrong-file"),
            ("such.toml", "unreadable-file"),
        ]
    );
    let snapshot = xml.replace(folder.to_str().unwrap(), "FOLDER");
    snapshot_settings().bind(|| insta::assert_snapshot!("junit", snapshot));

    let again = run(&[]);
    assert_eq!((again.status.code(), again.stdout.len()), (Some(64), 0), "said before running");
    assert!(text(&again.stderr).contains("--force"));
    assert_eq!(run(&["--force"]).status.code(), Some(65));
    assert_eq!(std::fs::read_to_string(out).unwrap(), xml, "the same runs, the same bytes");
}

#[test]
fn a_scenario_from_standard_input_has_a_case() {
    let out = folder("junit_input").join("out.xml");
    let good = "title = 'One message'\nprotocol = 'ack'\n";
    squall_with_input(&["run", "-", "--check-determinism", "--junit", out.to_str().unwrap()], good);
    let written = cases(&std::fs::read_to_string(out).unwrap());
    assert_eq!((written.len(), written[0].name.as_str()), (1, "-"));
    assert!(matches!(written[0].status, TestCaseStatus::Success { .. }));
}

#[test]
fn nothing_in_it_is_markup_or_missing() {
    let hostile =
        "a\"b'<failure/>&amp;]]>\u{1b}[31m\u{0}\u{fffe}\u{ffff}\u{85}\u{2028}\u{202e}<!--\té";
    let problem = || Problem {
        kind: "fail",
        message: format!("{hostile}\nsecond line"),
        details: format!("  {hostile}\n  second line"),
    };
    let all = [Ending::Passed, Ending::Failed(problem()), Ending::Error(problem())].map(|ending| {
        Case { path: format!("x/{hostile}/{hostile}.toml"), ending, output: hostile.to_owned() }
    });
    let mut xml = Vec::new();
    junit::write(&all, &mut xml).unwrap();
    let xml = text(&xml);
    let shown = "a\"b'<failure/>&amp;]]>\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}<!--\u{fffd}é";
    let allowed = |c: char| c == '\n' || (!c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    assert_eq!(xml.chars().find(|c| !allowed(*c)), None);
    let written = cases(&xml);
    assert_eq!(written.len(), 3);
    for (case, kind) in
        written.iter().zip([None, Some(NonSuccessKind::Failure), Some(NonSuccessKind::Error)])
    {
        // An open ESC sequence is shown, not taken away with what follows it.
        assert!(case.name.as_str().ends_with(&format!("{shown}.toml")), "{}", case.name.as_str());
        assert_eq!(case.system_out.as_ref().unwrap().as_str(), shown);
        match (&case.status, kind) {
            (TestCaseStatus::Success { .. }, None) => {}
            (TestCaseStatus::NonSuccess { kind, message, description, .. }, Some(expected)) => {
                assert_eq!(*kind, expected);
                let message = message.as_ref().unwrap().as_str();
                assert_eq!(message, format!("{shown}\u{fffd}second line"));
                let description = description.as_ref().unwrap().as_str();
                assert_eq!(description.trim(), format!("{shown}\n  second line"));
            }
            other => panic!("{other:?}"),
        }
    }
}
