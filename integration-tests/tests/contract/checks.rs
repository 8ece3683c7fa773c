//! The table of checks in the documentation says what the catalogue and the fixtures say. `UPDATE_DOCS=1` writes it.

use std::fmt::Write as _;

use integration_tests::fixtures::ROWS;
use nim_shared::preflight::{catalogue, workload};

use crate::workspace;

#[test]
fn the_table_of_checks_is_that_of_the_catalogue() {
    let path = workspace().join("docs/checks.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == wanted, "docs/checks.md is not up to date: UPDATE_DOCS=1 writes it");
}

fn page() -> String {
    let mut text = String::from(
        "# What a preflight looks at\n\n\
         Written from the catalogue by a test. `nimctl preflight --explain CHECK` says more of each: what to do, how dangerous that is, and what\n\
         has to be so before. LU, HV: the references on Live Update and on HMC and VIOS. The fixture is what trips the check in the lab, on which\n\
         level, and what the check says then: a test stages each.\n\n\
         | check | what has to hold | looked at | when not | AIX levels | source | fixture |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for check in catalogue() {
        let fixture = ROWS.iter().find(|row| row.check == check.id).unwrap().fixture.to_string();
        let cells = [
            check.id,
            check.title,
            check.looks_at,
            check.severity.name(),
            &check.levels.to_string(),
            check.source,
            &fixture,
        ]
        .map(cell);
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text += "\n## Workloads\n\n\
         Recognised by what runs and what is mounted. The values of time-outs are not known: the site names them (`examples/checks.yaml`).\n\n\
         | workload | what it is | recognised by | with Live Update | time-outs | hooks | watch | source |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for one in workload::PROFILES {
        let groups = one
            .signs
            .iter()
            .map(|group| group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "));
        let timeouts: Vec<_> = one.timeouts.iter().map(|timeout| timeout.name).collect();
        let cells = [
            one.id,
            one.title,
            &groups.collect::<Vec<_>>().join("; "),
            one.stance.text(),
            &timeouts.join(", "),
            one.hooks,
            one.watch,
            one.source,
        ]
        .map(cell);
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text
}

/// As a table of Markdown takes it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
