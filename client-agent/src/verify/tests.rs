use super::*;

fn update(ending: Ending, log: Log, phase: Phase) -> Evidence {
    Evidence {
        kind: Kind::Update,
        ending,
        phase: Some(phase),
        nothing_to_install: false,
        installed: false,
        log,
        locked: false,
        changed: Some(false),
        status: Some(0),
        copied: None,
    }
}

fn outcome(evidence: &Evidence) -> Outcome {
    judge(evidence).outcome
}

const AMBIGUOUS: Outcome = Outcome::Stuck { reason: StuckReason::Ambiguous };
const CLEAN_UP: Outcome = Outcome::Stuck { reason: StuckReason::CleanUpOpen };
const UNCHANGED: Outcome = Outcome::Failed { software: Software::Unchanged };

fn succeeded() -> Outcome {
    Outcome::Succeeded { follow_up: vec![] }
}

fn follow_up() -> Outcome {
    Outcome::Succeeded { follow_up: vec![FollowUp::PostProcessing] }
}

#[test]
fn text_and_error_log_together_decide() {
    use Ending as E;
    for (ending, log, phase, expected) in [
        (E::SucceededStamped, Log::Completed, Phase::Done, succeeded()),
        (E::SucceededDotted, Log::Unknown, Phase::Done, succeeded()),
        (E::SucceededDotted, Log::Started, Phase::Done, AMBIGUOUS),
        (E::SucceededDotted, Log::Silent, Phase::Done, AMBIGUOUS),
        (E::PartialSuccess, Log::Started, Phase::Cleanup, follow_up()),
        (E::Failed, Log::Started, Phase::Blackout, UNCHANGED),
        (E::Failed, Log::Completed, Phase::Blackout, AMBIGUOUS),
        (E::Failed, Log::Started, Phase::Running, AMBIGUOUS),
        (E::InstallFailed, Log::Silent, Phase::Install, UNCHANGED),
        (E::PreviewFailed, Log::Silent, Phase::Preview, UNCHANGED),
        (E::PreviewPassed, Log::Silent, Phase::Preview, UNCHANGED),
        (E::Lost, Log::Completed, Phase::Clone, succeeded()),
        (E::Lost, Log::Started, Phase::Clone, UNCHANGED),
        (E::Lost, Log::Started, Phase::Transfer, follow_up()),
        (E::Lost, Log::Silent, Phase::Install, UNCHANGED),
        (E::Lost, Log::Unknown, Phase::Clone, AMBIGUOUS),
    ] {
        assert_eq!(outcome(&update(ending, log, phase)), expected, "{ending:?} {log:?} {phase}");
    }
}

#[test]
fn a_lock_that_is_left_needs_a_person_unless_the_workload_was_moved() {
    let left = |ending, log, phase| Evidence { locked: true, ..update(ending, log, phase) };
    assert_eq!(outcome(&left(Ending::Failed, Log::Started, Phase::Boot)), CLEAN_UP);
    assert_eq!(outcome(&left(Ending::Lost, Log::Started, Phase::Boot)), CLEAN_UP);
    assert_eq!(outcome(&left(Ending::SucceededStamped, Log::Completed, Phase::Done)), follow_up());
}

#[test]
fn what_is_on_disk_is_told_by_the_list_of_filesets() {
    let failed = |changed, installed, phase| {
        let evidence = update(Ending::Failed, Log::Started, phase);
        outcome(&Evidence { changed, installed, ..evidence })
    };
    let software = |software| Outcome::Failed { software };
    assert_eq!(failed(Some(true), true, Phase::Preview), software(Software::AppliedNotLive));
    assert_eq!(failed(Some(true), false, Phase::Boot), software(Software::AppliedNotLive));
    assert_eq!(failed(Some(true), false, Phase::Install), software(Software::PartlyApplied));
    assert_eq!(failed(Some(false), true, Phase::Boot), software(Software::Unchanged));
    assert_eq!(failed(None, true, Phase::Boot), software(Software::AppliedNotLive));
    assert_eq!(failed(None, false, Phase::Install), software(Software::PartlyApplied));
}

#[test]
fn nothing_to_install_is_unchanged_only_when_nothing_changed() {
    let evidence = Evidence {
        nothing_to_install: true,
        ..update(Ending::InstallFailed, Log::Silent, Phase::Install)
    };
    assert_eq!(outcome(&evidence), Outcome::Unchanged);
    assert_ne!(outcome(&Evidence { changed: Some(true), ..evidence.clone() }), Outcome::Unchanged);
    assert_ne!(outcome(&Evidence { phase: Some(Phase::Boot), ..evidence }), Outcome::Unchanged);
}

#[test]
fn a_preview_succeeds_by_its_sentence_alone() {
    let preview =
        |ending| Evidence { kind: Kind::Preview, ..update(ending, Log::Silent, Phase::Preview) };
    assert_eq!(outcome(&preview(Ending::PreviewPassed)), succeeded());
    assert_eq!(outcome(&preview(Ending::PreviewFailed)), UNCHANGED);
    assert_eq!(outcome(&preview(Ending::Lost)), UNCHANGED);
    assert_eq!(outcome(&preview(Ending::SucceededStamped)), AMBIGUOUS);
}

#[test]
fn only_what_is_new_in_the_error_log_counts() {
    let lines = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let old = lines(&["12295E0B   0922152915 I S LVUPDATE", "9A74C7AB   0922151815 I S LVUPDATE"]);
    let with = |new: &[&str]| [lines(new), old.clone()].concat();
    let started = "9A74C7AB   0207152323 I S LVUPDATE       Live AIX update started";
    let completed =
        "12295E0B   0207154623 I S LVUPDATE       Live AIX update completed successfully";
    assert_eq!(Log::between(&old, &old), Log::Silent);
    assert_eq!(Log::between(&old, &with(&[started])), Log::Started);
    assert_eq!(Log::between(&old, &with(&[completed, started])), Log::Completed);
    assert_eq!(Log::between(&old, &with(&[started, completed, started])), Log::Started);
    assert_eq!(Log::between(&old, &lines(&[completed])), Log::Unknown);
}

#[test]
fn a_clean_up_has_succeeded_where_its_program_says_so_and_the_lock_is_gone() {
    let evidence = |status, locked| Evidence {
        kind: Kind::CleanUp,
        status,
        locked,
        ..update(Ending::Lost, Log::Silent, Phase::Install)
    };
    assert_eq!(outcome(&evidence(Some(0), false)), succeeded());
    for (status, locked) in [(Some(0), true), (Some(1), false), (Some(1), true), (None, false)] {
        assert_eq!(outcome(&evidence(status, locked)), UNCHANGED, "{status:?} {locked}");
    }
}

#[test]
fn the_exit_status_of_snap_decides_whatever_is_locked() {
    let evidence = |status| Evidence {
        kind: Kind::Snap,
        status,
        locked: true,
        ..update(Ending::Lost, Log::Silent, Phase::Install)
    };
    assert_eq!(outcome(&evidence(Some(0))), succeeded());
    assert_eq!(outcome(&evidence(Some(2))), UNCHANGED);
    assert_eq!(outcome(&evidence(None)), UNCHANGED);
}
