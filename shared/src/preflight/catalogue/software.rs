//! Fixes and filesets.

use super::super::advice::{Danger, Remedy};
use super::super::facts::Seen;
use super::super::judged::Judged;
use super::super::{Levels, Severity};
use super::{Check, get, none, of_the_update};
use crate::aix::FilesetState;
use crate::prep::{Step, StepKind, Unsupported};

const ALL: Levels = Levels::All;
const BLOCK: Severity = Severity::Block;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "S01",
        title: "no interim fix locks filesets: a TL or SP needs them free",
        looks_at: "emgr -l",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::sentence(
            "before a TL or SP, and for that only: emgr -r -L LABEL for each, without a reboot; it cannot be put back on the new level",
            Danger::Permanent,
        ).done_for_good_by(StepKind::InterimFixes),
        source: "LU §4.4 S01, §4.4a",
        rule: |seen| {
            let all = get(&seen.facts.fixes)?.iter().filter(|one| !one.wants_reboot());
            let labels: Vec<_> = all.map(|one| one.label.clone()).collect();
            Ok(if labels.is_empty() {
                Judged::pass("emgr -l lists none")
            } else {
                Judged::warn("interim fixes are installed", labels)
            })
        },
    },
    Check {
        id: "S02",
        title: "no interim fix waits for a reboot",
        looks_at: "emgr -l",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("reboot, or remove the fix", Danger::Outage),
        source: "LU §4.4 S02",
        rule: |seen| {
            let all = get(&seen.facts.fixes)?.iter().filter(|one| one.wants_reboot());
            let labels = all.map(|one| format!("{} is {}", one.label, one.state)).collect();
            Ok(none("interim fixes wait for a reboot", labels, "none waits"))
        },
    },
    Check {
        id: "S03",
        title: "the interim fixes that are to be installed can go with a Live Update",
        looks_at: "emgr -d -e FILE -v2",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("take another fix, or install it with a reboot", Danger::None),
        source: "LU §4.4 S03",
        rule: of_the_update,
    },
    Check {
        id: "S04",
        title: "the interim fixes that are to be installed lie in file systems of rootvg",
        looks_at: "df FILE",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("copy them there", Danger::None),
        source: "LU §4.4 S04",
        rule: of_the_update,
    },
    Check {
        id: "S05",
        title: "no update is only applied",
        looks_at: "lslpp -Lqc all",
        severity: Severity::Warn,
        levels: ALL,
        remedy: Remedy::command("installp -c all", Danger::Permanent)
            .after("nobody wants to reject those updates any more; Live Update commits them too"),
        source: "LU §4.4 S05",
        rule: |seen| {
            let all = get(&seen.facts.filesets)?.iter();
            let applied: Vec<_> = all
                .filter(|one| one.state == FilesetState::Applied)
                .map(|one| format!("{} {}", one.name, one.level))
                .collect();
            Ok(if applied.is_empty() {
                Judged::pass("everything is committed")
            } else {
                Judged::warn("updates that are only applied", applied)
            })
        },
    },
    Check {
        id: "S06",
        title: "bos.mls.cfg and security.pkcs11 are not installed",
        looks_at: "lslpp -Lqc",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence(
            "a policy with prep: unsupported_filesets has those that it names removed before an update; by hand, installp -ugw of those that \
             are found; only media bring them back",
            Danger::Permanent,
        ).done_for_good_by(StepKind::UnsupportedFilesets),
        source: "LU §4.4 S06, §4.4a",
        rule: |seen| absent(seen, &[Unsupported::MlsConfiguration, Unsupported::Pkcs11]),
    },
    Check {
        id: "S07",
        title: "cas.agent is not installed",
        looks_at: "lslpp -Lqc",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::command("installp -ugw cas.agent", Danger::Permanent)
            .after("nothing needs it; only media bring it back; a policy with prep: unsupported_filesets has it removed before an update").done_for_good_by(StepKind::UnsupportedFilesets),
        source: "LU §4.4 S07",
        rule: |seen| absent(seen, &[Unsupported::CasAgent]),
    },
    Check {
        id: "S38",
        title: "licences are accepted",
        looks_at: "what is asked for",
        severity: BLOCK,
        levels: ALL,
        remedy: Remedy::sentence("accept_licenses=yes", Danger::None),
        source: "LU §4.4 S38, §4.5 pitfall 4",
        rule: of_the_update,
    },
];

/// Whether none of these filesets is installed, or the policy has each that is removed.
fn absent(seen: &Seen<'_>, filesets: &[Unsupported]) -> Result<Judged, String> {
    let installed = get(&seen.facts.filesets)?;
    let is_installed = |one: &Unsupported| installed.iter().any(|row| row.name == one.name());
    let steps = seen.around.prep.as_ref().map_or(&[][..], Vec::as_slice);
    let is_removed = |one: &Unsupported| {
        steps.iter().any(|done| match &done.step {
            Step::UnsupportedFilesets { filesets } => filesets.contains(one),
            _ => false,
        })
    };
    let found: Vec<_> = filesets.iter().copied().filter(is_installed).collect();
    let names = |all: &[Unsupported]| -> Vec<String> {
        all.iter().map(|one| one.name().to_owned()).collect()
    };
    let left: Vec<_> = found.iter().copied().filter(|one| !is_removed(one)).collect();
    Ok(if left.is_empty() && !found.is_empty() {
        let text =
            format!("{} installed: will be removed by prep, for good", names(&found).join(" and "));
        Judged::warn(text, names(&found))
    } else {
        let text = format!("{} installed", names(&left).join(" and "));
        none(&text, names(&found), "not installed")
    })
}
