//! Faults, as they look from a login.

use nim_lab::Phase;
use nim_lab::fault::{Armed, Fault};
use nim_lab::world::frame::PartitionState;

use crate::harness::{Harness, Said, collect};

const SPEED: u32 = 5000;

async fn update_with(fault: Fault) -> (Harness, Said) {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar07").await;
    site.lab.set_fault("lpar07", fault).await.unwrap();
    let said = site.run("lpar07", "geninstall -k").await;
    (site, said)
}

/// Conditions that end a run, the phase each ends in, and what must be printed before 1430-045.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_prints_its_codes_in_order_and_puts_everything_back() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar07").await;
    let before = site.lab.world().unwrap();
    let table = [
        Fault::NotifyScript,
        Fault::Pfcdaemon,
        Fault::AutofsMissing,
        Fault::CloneFails,
        Fault::BootFails,
        Fault::MirrorFails,
        Fault::MoveWorkload,
        Fault::Shlib,
        Fault::ShlibStale,
        Fault::DeviceOpen,
        Fault::ProcfsOpen,
        Fault::IpsecRestart,
        Fault::FrameFull,
    ];
    for fault in table {
        site.lab.set_fault("lpar07", fault).await.unwrap();
        let said = site.run("lpar07", "geninstall -k").await;
        site.lab.clear_fault("lpar07", fault).unwrap();
        assert_eq!(said.status, Some(1), "{fault}: {said:?}");
        let mut rest = said.text.as_str();
        for code in fault.codes().split_whitespace() {
            let at = rest
                .find(&format!("{code} "))
                .unwrap_or_else(|| panic!("{fault}: no {code} in {}", said.text));
            rest = &rest[at..];
        }
        let blackout = fault.phase() == Phase::Blackout;
        assert_eq!(said.text.contains("Blackout Time started."), blackout, "{fault}");
        assert!(!said.text.contains("Blackout Time end."), "{fault}");
        let after = site.lab.world().unwrap();
        let mut lpar = after.lpar("lpar07").unwrap().clone();
        lpar.errors.clear();
        assert_eq!(&lpar, before.lpar("lpar07").unwrap(), "{fault}");
        assert_eq!(after.frames, before.frames, "{fault}");
        assert!(!site.lab.root("lpar07").join("usr/lpp/.genlib.lock.check").exists(), "{fault}");
    }
}

/// Conditions that the preview finds.
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_names_what_it_found() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar01").await;
    let table = [
        (Fault::AuditStream, "1430-143 FAILED: Audit in stream mode is not supported."),
        (Fault::NoManagementConsole, "1430-237 FAILED: No management console specified."),
        (Fault::UnsupportedFs, "1430-244 FAILED: file system(s) of unsupported type are mounted"),
        (Fault::DiskTooSmall, "9999-001 FAILED: "),
        (Fault::DiskFull, "9999-003 FAILED: "),
        (Fault::NoToken, "1430-246 FAILED: No valid authentication with an HMC console."),
    ];
    for (fault, line) in table {
        site.lab.set_fault("lpar01", fault).await.unwrap();
        let said = site.run("lpar01", "geninstall -k -p").await;
        site.lab.clear_fault("lpar01", fault).unwrap();
        assert_eq!(said.status, Some(1), "{fault}: {said:?}");
        assert!(said.text.contains(line), "{fault}: {}", said.text);
        assert!(!said.text.contains("The live update preview succeeded."), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_successes_differ_in_what_they_leave() {
    let (site, said) = update_with(Fault::PostProcessing).await;
    assert!(said.text.contains("1430-249 ") && said.text.contains("1430-094 "), "{said:?}");
    let world = site.lab.world().unwrap();
    assert!(world.frame_of("lpar07").unwrap().named("lpar07_lku0").is_none());
    assert_eq!(
        world.lpar("lpar07").unwrap().paths.iter().filter(|path| path.status == "Missing").count(),
        1
    );

    let (site, said) = update_with(Fault::PartialSuccess).await;
    assert!(said.text.contains("1430-094 "), "{said:?}");
    let world = site.lab.world().unwrap();
    let left = world.frame_of("lpar07").unwrap().named("lpar07_lku0").unwrap().clone();
    assert_eq!(left.state, PartitionState::NotActivated);
    assert_eq!(site.run("lpar07", "clvupdate").await.status, Some(0));
    let world = site.lab.world().unwrap();
    assert!(world.frame_of("lpar07").unwrap().named("lpar07_lku0").is_none());
    assert_eq!(world.lpar("lpar07").unwrap().paths.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_fails_at_the_hmc_and_only_the_log_says_why() {
    let site = Harness::step_by_step().await;
    site.prepare("lpar07").await;
    site.lab.arm_fault("lpar07", Fault::TokenExpires, Armed::At(Phase::Countdown)).await.unwrap();
    let login = site.log_in("lpar07", "root", "admin_ed25519").await;
    let run = tokio::spawn(collect(login.start("geninstall -k").await));
    while !run.is_finished() {
        if site.lab.advance("lpar07").is_none() {
            tokio::task::yield_now().await;
        }
    }
    let said = run.await.unwrap();
    assert!(
        said.text.contains("Requesting resources") && said.text.contains("1430-045 "),
        "{said:?}"
    );
    let log = site.lab.root("lpar07").join("var/adm/ras/liveupdate/logs/olhmclog");
    assert!(std::fs::read_to_string(log).unwrap().contains("PMCSS00G"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_strikes_in_its_phase_and_a_dead_geninstall_leaves_its_lock() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar07").await;
    site.lab.arm_fault("lpar07", Fault::GeninstallKilled, Armed::At(Phase::Mirror)).await.unwrap();
    let said = site.run("lpar07", "geninstall -k").await;
    assert_eq!(
        said.text.lines().last().map(|line| &line[20..]),
        Some("Surrogate LPAR AIX is running.")
    );
    let world = site.lab.world().unwrap();
    assert_eq!(world.lpar("lpar07").unwrap().update.as_ref().unwrap().phase, Phase::Mirror);
    assert!(world.frame_of("lpar07").unwrap().named("lpar07_lku0").is_some());
    assert!(site.lab.root("lpar07").join("usr/lpp/.genlib.lock.check").exists());
    assert_eq!(site.run("lpar07", "clvupdate").await.status, Some(0));
    assert_eq!(site.run("lpar07", "geninstall -k").await.status, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_leave_the_update_running() {
    let site = Harness::step_by_step().await;
    site.prepare("lpar07").await;
    site.lab
        .arm_fault("lpar07", Fault::SshDropInBlackout, Armed::At(Phase::Blackout))
        .await
        .unwrap();
    let login = site.log_in("lpar07", "root", "admin_ed25519").await;
    login.run("setsid geninstall -k > $HOME/tmp/out 2>&1 < /dev/null &").await;
    let mut channel = login.start("cat").await;
    while site.lab.clock().until_pending("lpar07").await.phase != Phase::Blackout {
        site.lab.advance("lpar07");
    }
    while channel.wait().await.is_some() {}
    let out = site.lab.root("lpar07").join("tmp/out");
    while !std::fs::read_to_string(&out).unwrap().contains("Live AIX update completed in") {
        if site.lab.advance("lpar07").is_none() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(site.run("lpar07", "uname -L").await.text, "3 lpar07\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_of_another_lpar_carries_its_name_and_agent_state() {
    let site = Harness::fast(SPEED).await;
    site.run(
        "lpar08",
        "mkdir -p $HOME/var/adm/nim-agent && echo eight > $HOME/var/adm/nim-agent/id",
    )
    .await;
    site.lab.set_fault("lpar07", Fault::CloneOfAnotherLpar).await.unwrap();
    let said = site.run("lpar07", "hostname; cat $HOME/var/adm/nim-agent/id; uname -L").await;
    assert_eq!(said.text, "lpar08\neight\n11 lpar07\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_between_the_lines_does_not_change_them() {
    let (_site, said) = update_with(Fault::GarbageOutput).await;
    assert_eq!(said.status, Some(0));
    assert!(
        said.text.contains('\u{1b}')
            && said.text.contains('\u{fffd}')
            && said.text.contains("lunch?")
    );
    assert!(said.text.contains("Live AIX update completed in 0h 10m 46s.\n"));
}
