//! What the preview of `geninstall` itself says, beside what was found here.
//!
//! A line that failed blocks: as a part of the check that its number is known to belong to, where that does not hold here either or could
//! not be looked at, else by itself, with its number and its own words. A line that passed answers a check that nobody could look at from
//! here, and no other: where both looked, what was found here stays.

use super::advice::{Advice, Danger};
use super::judged::{Finding, Verdict, short};
use crate::code::{self, Entry};
use crate::frame::Verdict as Said;
use crate::id::printable;
use crate::operation::Named;
use crate::transcript::{CheckLine, Outcome, Understanding};

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
    let mut bad = Vec::new();
    let mut is_said = false;
    for (said, verdict) in [(Said::Failed, Verdict::Block), (Said::Warning, Verdict::Warn)] {
        for line in lines(said) {
            is_said = true;
            let entry = line.code.as_deref().and_then(|code| code::explain(code, &line.text));
            if !joined(findings, line, verdict, entry) {
                bad.push(by_itself(line, verdict, entry));
            }
        }
    }
    let ended = matches!(preview.outcome, Outcome::PreviewPassed | Outcome::PreviewFailed);
    if !is_said {
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

/// Makes a line a part of what was found by the check that it speaks of. Whether there is such a check, and it does not pass.
fn joined(
    findings: &mut [Finding],
    line: &CheckLine,
    verdict: Verdict,
    entry: Option<&Entry>,
) -> bool {
    let checks = entry.map(|entry| entry.checks).unwrap_or_default();
    let speaks_of = |one: &&mut Finding| {
        let fits =
            matches!(one.verdict.known(), Some(Verdict::Block | Verdict::Warn | Verdict::Unknown));
        fits && checks.contains(&one.check.as_str())
    };
    let Some(one) = findings.iter_mut().find(speaks_of) else { return false };
    if one.verdict.known() > Some(verdict) {
        one.verdict = Named::Known(verdict);
        one.silenced = None;
        if one.found.is_empty() || one.remedy.is_none() {
            one.found = short(&line.text);
        }
    }
    one.evidence.push(format!("geninstall -k -p: {}", words(line)));
    if one.remedy.is_none() {
        one.remedy = entry.map(advice);
    }
    true
}

/// A line that speaks of no check, or of one that passes here.
fn by_itself(line: &CheckLine, verdict: Verdict, entry: Option<&Entry>) -> Finding {
    let found = match &line.code {
        Some(code) => format!("{code}: {}", line.text),
        None => line.text.clone(),
    };
    let evidence = vec![format!("geninstall -k -p: {}", words(line))];
    Finding { remedy: entry.map(advice), ..finding(verdict, &found, evidence) }
}

/// A line as it was printed.
fn words(line: &CheckLine) -> String {
    let verdict = match line.verdict {
        Said::Failed => "FAILED",
        Said::Warning => "WARNING",
        Said::Passed => "PASSED",
        Said::Info => "INFO",
    };
    let code = line.code.iter().map(|code| format!("{code} ")).collect::<String>();
    printable(&format!("{code}{verdict}: {}", line.text))
}

/// The remedy of a number. It names what a person has to fill in, so nothing of it is a command.
fn advice(entry: &Entry) -> Advice {
    let text = entry.remedy.to_owned();
    Advice { text, is_command: false, danger: Danger::None, precondition: None }
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
        let text = "1430-244: file system(s) of unsupported type are mounted";
        assert!(found.contains(&row(ID, Verdict::Block, text)), "{found:?}");
        assert_eq!(found.last().map(|one| one.0.as_str()), Some("S11"));
    }

    #[test]
    fn a_line_that_failed_is_told_with_the_check_that_it_speaks_of() {
        let text = "1430-244 FAILED: file system(s) of unsupported type are mounted\n";
        let with = |verdict| {
            let mut findings = vec![open("S16", Verdict::Block), open("D20", verdict)];
            merge(&mut findings, &explain(text.as_bytes()));
            findings
        };
        let said =
            "geninstall -k -p: 1430-244 FAILED: file system(s) of unsupported type are mounted";
        let remedy = code::find("1430-244").unwrap().remedy;
        for verdict in [Verdict::Block, Verdict::Warn, Verdict::Unknown] {
            let findings = with(verdict);
            assert_eq!(findings.len(), 2, "{findings:?}");
            let one = findings.iter().find(|one| one.check == "D20").unwrap();
            assert_eq!(one.verdict.known(), Some(Verdict::Block), "{verdict}");
            assert_eq!(one.evidence, [said]);
            assert_eq!(one.remedy.as_ref().unwrap().text, remedy);
        }
        // What passes here and fails there is told by itself, and what to do about it.
        let findings = with(Verdict::Pass);
        let one = findings.iter().find(|one| one.check == ID).unwrap();
        assert_eq!(
            (one.verdict.known(), &*one.evidence),
            (Some(Verdict::Block), &[said.to_owned()][..])
        );
        assert_eq!(one.remedy.as_ref().unwrap().text, remedy);
        let unnumbered = merged("FAILED: what nobody knows\n");
        assert!(
            unnumbered.contains(&row(ID, Verdict::Block, "what nobody knows")),
            "{unnumbered:?}"
        );
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
