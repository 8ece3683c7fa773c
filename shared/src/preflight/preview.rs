//! What the preview of `geninstall` itself says, beside what was found here.
//!
//! A line that failed blocks, with its own words. A line that passed answers a check that nobody could look at from here, and no other:
//! where both looked, what was found here stays.

use super::judged::{Finding, Verdict, short};
use crate::frame::Verdict as Said;
use crate::operation::Named;
use crate::transcript::{Outcome, Understanding};

/// Id of the finding about the preview.
pub const ID: &str = "preview";

const TITLE: &str = "the preview of geninstall passes";

/// Sentences behind `PASSED:` and the checks that they answer. Source: LU §2.3.
const ANSWERS: &[(&str, &str)] = &[
    ("Trusted Computing Base not defined.", "S11"),
    ("no virtual log device configured.", "S14"),
    ("HMC requests successful.", "M09"),
    ("lpar is not remote restart capable.", "M10"),
    ("vNIC resources available.", "L13"),
    ("the disk configuration is supported.", "D06"),
    ("Firmware level is supported.", "L07"),
    ("no Kerberos configuration.", "S13"),
    ("lpar is not using shared memory or ams resources are available.", "D25"),
];

/// Merges what a preview said into what was found.
pub fn merge(findings: &mut Vec<Finding>, preview: &Understanding) {
    let lines = |wanted: Said| preview.checks.iter().filter(move |line| line.verdict == wanted);
    for line in lines(Said::Passed) {
        let answered = ANSWERS.iter().find(|(text, _)| *text == line.text.trim());
        let Some((text, check)) = answered else { continue };
        let open = findings
            .iter_mut()
            .find(|one| one.check == *check && one.verdict.known() == Some(Verdict::Unknown));
        if let Some(one) = open {
            one.verdict = Named::Known(Verdict::Pass);
            one.found.clear();
            one.evidence = vec![format!("geninstall -k -p: PASSED: {text}")];
            one.silenced = None;
        }
    }
    let mut bad: Vec<Finding> = [(Said::Failed, Verdict::Block), (Said::Warning, Verdict::Warn)]
        .into_iter()
        .flat_map(|(said, verdict)| {
            lines(said).map(move |line| finding(verdict, &line.text, Vec::new()))
        })
        .collect();
    let ended = matches!(preview.outcome, Outcome::PreviewPassed | Outcome::PreviewFailed);
    if bad.is_empty() {
        let passed = lines(Said::Passed).count();
        bad.push(match (preview.outcome == Outcome::PreviewPassed, ended) {
            (true, _) => finding(Verdict::Pass, "", vec![format!("{passed} lines passed")]),
            (false, true) => finding(Verdict::Block, "the preview failed", Vec::new()),
            (false, false) => finding(Verdict::Unknown, "the preview did not end", Vec::new()),
        });
    }
    findings.extend(bad);
    findings.sort_by_key(|one| one.verdict.known());
}

/// Says that there is no preview, and why.
pub fn missing(findings: &mut Vec<Finding>, why: &str) {
    findings.push(finding(Verdict::Unknown, why, Vec::new()));
    findings.sort_by_key(|one| one.verdict.known());
}

fn finding(verdict: Verdict, found: &str, evidence: Vec<String>) -> Finding {
    Finding {
        check: ID.to_owned(),
        title: TITLE.to_owned(),
        verdict: Named::Known(verdict),
        found: short(found),
        evidence,
        remedy: None,
        silenced: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::explain;

    fn open(check: &str, verdict: Verdict) -> Finding {
        let found = "not looked at".to_owned();
        Finding { check: check.to_owned(), found, ..finding(verdict, "", Vec::new()) }
    }

    fn merged(text: &str) -> Vec<(String, Verdict, String)> {
        let mut findings = vec![
            open("S14", Verdict::Block),
            open("S11", Verdict::Unknown),
            open("S21", Verdict::Unknown),
        ];
        merge(&mut findings, &explain(text.as_bytes()));
        let row = |one: Finding| (one.check, one.verdict.known().unwrap(), one.found);
        findings.into_iter().map(row).collect()
    }

    fn row(check: &str, verdict: Verdict, found: &str) -> (String, Verdict, String) {
        (check.to_owned(), verdict, found.to_owned())
    }

    const LINES: &str =
        "PASSED: Trusted Computing Base not defined.\nPASSED: no virtual log device configured.\n";

    #[test]
    fn what_passed_answers_what_was_not_looked_at_and_what_failed_blocks() {
        let passed = format!("{LINES}The live update preview succeeded.\n");
        assert_eq!(
            merged(&passed),
            [
                // What was found here stays.
                row("S14", Verdict::Block, "not looked at"),
                row("S21", Verdict::Unknown, "not looked at"),
                row("S11", Verdict::Pass, ""),
                row(ID, Verdict::Pass, ""),
            ]
        );
        let failed =
            format!("{LINES}1430-244 FAILED: file system(s) of unsupported type are mounted\n");
        let found = merged(&failed);
        let text = "file system(s) of unsupported type are mounted";
        assert!(found.contains(&row(ID, Verdict::Block, text)), "{found:?}");
        assert_eq!(found.last().map(|one| one.0.as_str()), Some("S11"));
    }

    #[test]
    fn a_preview_that_did_not_end_passes_nothing_by_itself() {
        let found = merged("Validating live update input data.\n");
        assert!(found.contains(&row(ID, Verdict::Unknown, "the preview did not end")), "{found:?}");
        let mut none = Vec::new();
        missing(&mut none, "it was cancelled");
        assert_eq!(none[0].verdict.known(), Some(Verdict::Unknown));
    }
}
