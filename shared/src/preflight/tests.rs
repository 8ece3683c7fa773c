//! The catalogue as a whole, what is around an LPAR, remedies, probes and scores; the rows are in a file of their own.

mod around;
pub(super) mod lpar;
mod rows;

use std::collections::BTreeSet;

use super::probe::{self, Answer, Look, MOST_PROCESSES, Probe, ProbeId};
use super::*;
use crate::frame::ChangeClass;
use crate::operation::Named;
use crate::prep::{PrepStep, Step, Unsupported};

use lpar::*;

#[test]
fn each_row_of_the_reference_is_a_check_of_its_own() {
    let mut wanted = BTreeSet::new();
    for (letter, last) in [('L', 16), ('M', 12), ('D', 28), ('S', 38), ('F', 8), ('R', 4)] {
        wanted.extend((1..=last).map(|number| format!("{letter}{number:02}")));
    }
    wanted.extend(["P06", "P09", "P10", "P11"].map(str::to_owned));
    let ids: Vec<_> = catalogue().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(ids.len(), wanted.len(), "an id stands for one check");
    // Each published pitfall is covered by a check that names it.
    for pitfall in 1..=8 {
        let text = format!("pitfall {pitfall}");
        assert!(catalogue().any(|check| check.source.contains(&text)), "{text}");
    }
}

#[test]
fn an_lpar_in_order_has_no_block_and_what_nobody_looks_at_is_not_known() {
    let (facts, around) = (facts(LEVEL, &healthy()), around());
    let found = judge(&Seen { facts: &facts, around: &around });
    let of = |verdict: Verdict| -> Vec<&str> {
        let all = found.iter().filter(|one| one.verdict.known() == Some(verdict));
        all.map(|one| one.check.as_str()).collect()
    };
    assert_eq!(of(Verdict::Block), [""; 0]);
    assert_eq!(of(Verdict::Warn), ["S37"]);
    assert_eq!(of(Verdict::Unknown), ["M09", "S21"]);
    assert_eq!(score(&found), 100 - 5 - 2 * 2);
}

#[test]
fn what_is_registered_with_live_update_is_shown_and_not_judged() {
    let mut answers = healthy();
    let evidence = |answers: &Answers, id: &str| {
        let (facts, around) = (facts(LEVEL, answers), around());
        let judged = check(id).unwrap().judge(&Seen { facts: &facts, around: &around });
        assert_eq!(judged.verdict, Verdict::Pass, "{id}");
        judged.evidence
    };
    assert_eq!(evidence(&answers, "R01"), ["orig,LVUP_CHECK: STOP_CACHE"]);
    assert_eq!(evidence(&answers, "R02"), ["none is registered"]);
    assert_eq!(evidence(&answers, "R03"), ["none is registered"]);
    assert_eq!(evidence(&answers, "R04"), ["none is registered"]);
    let scripts: String =
        (0..60).map(|n| format!("        A_LONG_LABEL_{n:02} = /usr/x\n")).collect();
    let scripts = Answer::Printed {
        status: 0,
        stdout: format!(
            "orig,LVUP_CHECK,6:\n{scripts}orig,LVUP_CHECK,7:\n        LAST = /gone -a\nsurr,LVUP_POST,1:\n        START = /usr/s\n"
        ),
        stderr: String::new(),
        missing: vec!["/gone".to_owned()],
    };
    answers.insert(ProbeId::Scripts, scripts);
    answers.insert(ProbeId::BaseProcesses, file("ours /opt/site/based -x\n\n"));
    answers.insert(ProbeId::SurrogateInittab, file("site:2:once:/opt/site/start\n"));
    answers.insert(ProbeId::KernelExtensions, file("/opt/site/kext /opt/site/load\n"));
    let rows = evidence(&answers, "R01");
    let (check, rest) = rows.split_at(rows.len() - 2);
    assert!(check.len() > 1 && check.iter().all(|row| row.starts_with("orig,LVUP_CHECK: A_LONG")));
    assert_eq!(check.concat().matches("A_LONG").count(), 60);
    assert!(check.concat().ends_with(", LAST"));
    assert_eq!(rest, ["surr,LVUP_POST: START", "is not there: /gone"]);
    assert_eq!(evidence(&answers, "R02"), ["ours /opt/site/based -x"]);
    assert_eq!(evidence(&answers, "R03"), ["site:2:once:/opt/site/start"]);
    assert_eq!(evidence(&answers, "R04"), ["/opt/site/kext /opt/site/load"]);
}

#[test]
fn nothing_passes_that_was_not_seen() {
    let (facts, around) = (Facts::unknown("lpar01 does not answer"), Around::unknown("no HMC"));
    for finding in judge(&Seen { facts: &facts, around: &around }) {
        let verdict = finding.verdict.known().unwrap();
        // The agent starts without a terminal wherever it runs.
        let fixed = finding.check == "S27" || verdict == Verdict::NotApplicable;
        assert!(verdict == Verdict::Unknown || fixed, "{finding:?}");
        assert!(verdict != Verdict::Unknown || !finding.found.is_empty(), "{finding:?}");
    }
    // A probe that fails alone takes the pass from every check that it is for, and gives none.
    let (all, around) = (healthy(), self::around());
    let passed = |answers: &Answers| -> BTreeSet<&str> {
        let facts = self::facts(LEVEL, answers);
        let seen = Seen { facts: &facts, around: &around };
        catalogue()
            .filter(|one| one.judge(&seen).verdict == Verdict::Pass)
            .map(|one| one.id)
            .collect()
    };
    let before = passed(&all);
    for id in all.keys() {
        let failed = Answer::Failed { why: "it took too long".to_owned() };
        let ended = Answer::Printed {
            status: 127,
            stdout: String::new(),
            stderr: "not found".to_owned(),
            missing: Vec::new(),
        };
        let garbage = printed("\u{1b}[31m?? : not what it should be\n");
        for broken in [failed, ended, garbage] {
            let mut answers = all.clone();
            answers.insert(*id, broken.clone());
            let now = passed(&answers);
            assert!(now.is_subset(&before), "{id}: {broken:?}");
            assert!(now.len() < before.len() || *id == ProbeId::ProcUsers, "{id}: {broken:?}");
        }
    }
    let mut answers = all;
    answers.insert(ProbeId::ProcUsers, Answer::Failed { why: "there is no fuser".to_owned() });
    assert_eq!(verdict("S26", LEVEL, &answers, &around), Verdict::Unknown);
}

#[test]
fn what_touches_a_cluster_is_never_printed_as_a_command_for_one_that_is_or_may_be_a_member() {
    let signs: [(ProbeId, Answer); 5] = [
        (ProbeId::Disks, printed(&format!("{DISKS}hdisk9 00f9 caavg_private active\n"))),
        (
            ProbeId::Subsystems,
            printed(
                "Subsystem Group PID Status\n ctrmc rsct inoperative\n cthags cthags 7 active\n",
            ),
        ),
        (ProbeId::Filesets, filesets(&[("cluster.es.server.rte", "7.2.7.0")])),
        (
            ProbeId::Mounts,
            printed(&format!("{MOUNT_HEAD}         /aha /aha ahafs Nov 02 09:12 rw\n")),
        ),
        (ProbeId::Disks, Answer::Failed { why: "lspv hangs".to_owned() }),
    ];
    let bad = |extra: Option<(ProbeId, Answer)>| {
        let mut answers = healthy();
        answers.insert(
            ProbeId::ControlPoints,
            printed("Management Domain Status: Management Control Points\n"),
        );
        answers.insert(
            ProbeId::Subsystems,
            printed("Subsystem Group PID Status\n ctrmc rsct inoperative\n"),
        );
        answers.extend(extra);
        let (facts, mut around) = (facts(LEVEL, &answers), around());
        around.rmc_state = Ok("inactive".to_owned());
        judge(&Seen { facts: &facts, around: &around })
    };
    let remedy = |found: &[Finding], check: &str| {
        let finding = found.iter().find(|one| one.check == check).cloned();
        finding.and_then(|finding| finding.remedy)
    };
    for check in ["M05", "M06", "M07"] {
        let advice = remedy(&bad(None), check).unwrap();
        assert!(advice.is_command && advice.danger == Danger::Cluster, "{check}: {advice:?}");
    }
    for sign in signs {
        let found = bad(Some(sign.clone()));
        for check in ["M05", "M06", "M07"] {
            let advice = remedy(&found, check).unwrap();
            assert!(!advice.is_command && advice.text.contains("ask whoever"), "{check}: {sign:?}");
            for word in ["recfgct", "startsrc", "rmcctrl"] {
                assert!(!advice.text.contains(word), "{check}: {advice:?}");
            }
        }
        // AHAFS is a member's ground.
        if sign.0 == ProbeId::Mounts {
            let advice = remedy(&found, "D20").unwrap();
            assert!(!advice.text.contains("umount") && advice.danger == Danger::Cluster);
        }
    }
    // No remedy that touches it hides behind another class.
    for check in catalogue().filter(|check| check.remedy.danger != Danger::Cluster) {
        for word in ["srcmstr", "clcomd", "ctrmc", "rsct", "recfgct", "ahafs", "rmcctrl"] {
            assert!(!check.remedy.text.to_lowercase().contains(word), "{check:?}");
        }
    }
}

#[test]
fn what_is_asked_stays_within_its_bounds_and_later_questions_follow_from_earlier_answers() {
    let commands = |probes: &[Probe]| {
        probes.iter().filter(|one| matches!(one.look(), Some(Look::Command { .. }))).count()
    };
    let first = probe::first();
    let next = probe::next(&facts(LEVEL, &healthy()));
    let ids: Vec<_> = next.iter().filter_map(|one| one.id.known()).collect();
    let last = [ProbeId::TrustedBase, ProbeId::SecurityProfile];
    assert_eq!(ids[..3], [ProbeId::DiskSize, ProbeId::DiskSize, ProbeId::PathControl]);
    assert_eq!(ids[3..], last, "the agent stops before what is said elsewhere too");
    assert!(commands(&first) + commands(&next[..3]) <= MOST_PROCESSES, "{first:?} {next:?}");
    let mut unnamed = healthy();
    unnamed.insert(ProbeId::LvupdateData, Answer::NoFile);
    let next = probe::next(&facts(LEVEL, &unnamed));
    assert!(commands(&first) + commands(&next) <= MOST_PROCESSES, "{first:?} {next:?}");
    let mut answers = healthy();
    answers.insert(ProbeId::AuditConfig, file("start:\n\tstreammode = on\n"));
    answers.insert(
        ProbeId::Filesets,
        filesets(&[("bos.wpars", "7.2.5.0"), ("bos.net.nis.client", "7.2.5.0")]),
    );
    let ids: Vec<_> = probe::next(&facts(LEVEL, &answers))
        .iter()
        .take(3)
        .filter_map(|one| one.id.known())
        .collect();
    assert_eq!(ids, [ProbeId::Audit, ProbeId::WorkloadPartitions, ProbeId::NisDomain]);
    for id in ProbeId::ALL {
        use ProbeId as P;
        let about_disk =
            matches!(id, P::DiskSize | P::PathControl | P::DiskHeader | P::DiskHolders);
        assert_eq!(Probe::of(*id).look().is_none(), about_disk, "{id}");
    }
    let unknown = Probe { id: Named::Other("weather".to_owned()), disk: None };
    assert_eq!(unknown.look(), None);
}

#[test]
fn scores_go_down_to_nothing_and_blockers_come_first() {
    let mut answers = healthy();
    answers.insert(ProbeId::Tokens, printed(""));
    answers.insert(ProbeId::Lock, file(""));
    answers.insert(ProbeId::Trust, printed("TE=ON\n"));
    answers.insert(ProbeId::Kerberos, file(""));
    answers.insert(ProbeId::LargePages, printed("lgpg_regions = 1\n"));
    let (facts, around) = (facts(LEVEL, &answers), around());
    let found = judge(&Seen { facts: &facts, around: &around });
    assert_eq!(score(&found), 0);
    let first: Vec<_> = found.iter().take(5).map(|one| one.check.as_str()).collect();
    assert_eq!(first, ["M01", "D24", "S08", "S13", "S28"]);
    let found = found.iter().find(|one| one.check == "M01").unwrap();
    assert_eq!(found.found, "no token for a management console");
}

#[test]
fn who_has_proc_open_is_named_without_numbers_so_that_a_fleet_can_be_grouped() {
    let mut answers = healthy();
    answers.insert(ProbeId::ProcUsers, printed(" 77 78 99\n"));
    answers.insert(ProbeId::Processes, printed("77 nmon\n78 nmon\n"));
    let facts = facts(LEVEL, &answers);
    let judged = check("s26").unwrap().judge(&Seen { facts: &facts, around: &around() });
    assert_eq!(judged.found, "open files in /proc by an unknown process, nmon");
    assert_eq!(judged.evidence[0], "process 77, nmon");
}

#[test]
fn a_fileset_that_the_policy_has_removed_stops_nobody() {
    use crate::prep::Unsupported::{CasAgent, MlsConfiguration, Pkcs11};
    use Verdict::{Block, Pass, Warn};
    let of = |id: &str, installed: &[&str], removed: Fact<Vec<Unsupported>>| {
        let installed: Vec<_> = installed.iter().map(|name| (*name, "7.2.5.0")).collect();
        let mut answers = healthy();
        answers.insert(ProbeId::Filesets, filesets(&installed));
        let step = |filesets| Step::UnsupportedFilesets { filesets };
        let prep = removed
            .map(|filesets| vec![PrepStep { step: step(filesets), class: ChangeClass::Permanent }]);
        let (facts, around) = (facts(LEVEL, &answers), Around { prep, ..around() });
        let judged = check(id).unwrap().judge(&Seen { facts: &facts, around: &around });
        (judged.verdict, judged.found)
    };
    let (mls, pkcs, cas) = ("bos.mls.cfg", "security.pkcs11", "cas.agent");
    let removed = |names: &str| format!("{names} installed: will be removed by prep, for good");
    for (id, installed, policy, verdict, found) in [
        ("S07", vec![cas], Ok(vec![CasAgent]), Warn, removed(cas)),
        ("S07", vec![cas], Ok(vec![Pkcs11]), Block, "cas.agent installed".to_owned()),
        ("S07", vec![cas], Err("no policy".to_owned()), Block, "cas.agent installed".to_owned()),
        ("S07", vec![], Ok(vec![CasAgent]), Pass, String::new()),
        (
            "S06",
            vec![mls, pkcs],
            Ok(vec![MlsConfiguration, Pkcs11]),
            Warn,
            removed("bos.mls.cfg and security.pkcs11"),
        ),
        // What stays is what is named.
        ("S06", vec![mls, pkcs], Ok(vec![Pkcs11]), Block, "bos.mls.cfg installed".to_owned()),
    ] {
        assert_eq!(of(id, &installed, policy), (verdict, found), "{id} {installed:?}");
    }
}

#[test]
fn what_a_step_of_prep_does_away_with_stops_nobody() {
    use Verdict::{Block, Pass, Warn};
    let on = "TE=ON\nLOCK_KERN_POLICIES=OFF\n";
    let of = |trust: &str, prep: Fact<Vec<PrepStep>>| {
        let mut answers = healthy();
        answers.insert(ProbeId::Trust, printed(trust));
        let (facts, around) = (facts(LEVEL, &answers), Around { prep, ..around() });
        check("S08").unwrap().judge(&Seen { facts: &facts, around: &around })
    };
    let steps = |step| Ok(vec![PrepStep { step, class: ChangeClass::Always }]);
    let done = of(on, steps(Step::TrustedExecution));
    assert_eq!(done.verdict, Warn);
    assert!(
        done.found.ends_with("; prep: Trusted Execution off; put back in any case"),
        "{done:?}"
    );
    assert_eq!(of(on, steps(Step::Secorder)).verdict, Block);
    assert_eq!(of(on, Err("no policy was set".to_owned())).verdict, Block);
    assert_eq!(of("TE=OFF\nLOCK_KERN_POLICIES=OFF\n", steps(Step::TrustedExecution)).verdict, Pass);
    // What is locked on stays on, whatever the policy has.
    let locked = of("TE=ON\nLOCK_KERN_POLICIES=ON\n", steps(Step::TrustedExecution));
    assert_eq!(locked.verdict, Verdict::NotApplicable);
    // Each step of which a check knows is one that can be undone or not, as its class says.
    for check in catalogue().filter(|one| one.remedy.step.is_some()) {
        assert!(matches!(check.remedy.ours, Ours::Undoes | Ours::ForGood), "{}", check.id);
    }
}

#[test]
fn a_token_that_nimd_makes_itself_stops_nobody() {
    let mut answers = healthy();
    answers.insert(ProbeId::Tokens, printed(""));
    let of = |makes_tokens: Fact<bool>| {
        verdict("M01", LEVEL, &answers, &Around { makes_tokens, ..around() })
    };
    assert_eq!(of(Ok(true)), Verdict::Warn);
    assert_eq!(of(Ok(false)), Verdict::Block);
    assert_eq!(of(Err("no HMC".to_owned())), Verdict::Block);
}
