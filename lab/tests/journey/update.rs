//! Whole updates through SSH, as a person on the LPAR would run them.

use nim_lab::Phase;
use nim_lab::record::{Deed, updates_started};

use crate::harness::{Harness, collect};

const SPEED: u32 = 2000;

/// Lines of progress of style B, without their times.
const STYLE_B: [&str; 26] = [
    "The live update preview succeeded.",
    "Live AIX update is starting.",
    "Initializing live update on original LPAR.",
    "Validating original LPAR environment.",
    "Beginning live update operation on original LPAR.",
    "Requesting resources required for live update.",
    "Notifying applications of impending live update.",
    "Creating rootvg for boot of surrogate.",
    "Starting alt_disk_copy.",
    "Completed alt_disk_copy.",
    "Rootvg for the surrogate is ready.",
    "Starting the surrogate LPAR.",
    "Surrogate AIX boot started.",
    "Surrogate AIX reboot started.",
    "Surrogate LPAR AIX is running.",
    "Creating mirror of original LPAR's rootvg.",
    "Original rootvg mirror is active.",
    "Moving workload to surrogate LPAR.",
    "Blackout Time started.",
    "Blackout Time end.",
    "Workload is running on surrogate LPAR.",
    "Completing transfer of system resources from the original to the surrogate LPAR.",
    "Starting cleanup of the original LPAR.",
    "Shutting down the Original LPAR.",
    "Deleting the original LPAR.",
    "Live AIX update completed in 0h 10m 46s.",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_move_in_style_b_reads_as_the_published_one() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar07").await;
    let said = site.run("lpar07", "geninstall -k").await;
    assert_eq!(said.status, Some(0), "{said:?}");
    let progress: Vec<&str> = said
        .text
        .lines()
        .filter(|line| line.get(2..3) == Some("/") && line.get(10..11) == Some("-"))
        .map(|line| &line[20..])
        .collect();
    assert_eq!(progress, STYLE_B);
    let world = site.lab.world().unwrap();
    let lpar = world.lpar("lpar07").unwrap();
    assert_eq!((lpar.partition_id, &lpar.update), (3, &None));
    assert!(world.frame_of("lpar07").unwrap().named("lpar07_lku0").is_none());
    assert_eq!(updates_started(&site.lab.record().unwrap(), "lpar07"), 1);
    let errpt = site.run("lpar07", "errpt -N LVUPDATE").await;
    let ids: Vec<&str> = errpt.text.lines().skip(1).map(|line| &line[..8]).collect();
    assert_eq!(ids, ["12295E0B", "9A74C7AB"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_pack_in_style_a_installs_first_and_ends_glued_to_its_dots() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar01").await;
    let source = site.lab.directory().join("lpp_source/7200-05-04");
    let said =
        site.run("lpar01", &format!("geninstall -k -Y -d {} update_all", source.display())).await;
    assert_eq!(said.status, Some(0), "{said:?}");
    let at =
        |text: &str| said.text.find(text).unwrap_or_else(|| panic!("no {text:?} in {}", said.text));
    assert!(
        at("install_all_updates: Processing media.") < at("Validating live update input data.")
    );
    assert!(at("        Blackout Time started.\n") < at("        Blackout Time end.\n"));
    at("....The live update operation succeeded.\n");
    at("File /etc/inittab has been modified.\n");
    assert!(!said.text.contains("Broadcast"), "a file is no terminal");
    let after = site.run("lpar01", "oslevel -s; lspv; uname -L; lspath | wc -l").await;
    let lines: Vec<Vec<&str>> =
        after.text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["7200-05-04-2220"]);
    assert_eq!((lines[1][2], lines[2][2], lines[3][2]), ("rootvg", "lvup_rootvg", "None"));
    assert_eq!(lines[4], ["3", "lpar01"]);
    assert_eq!(lines[5], ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interim_fix_lands_on_the_clone_and_the_copy_stays_unpatched() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar07").await;
    let source = site.lab.directory().join("lpp_source/ifix-2026");
    let command = format!("geninstall -k -d {} IJ52421s2a.241031.epkg.Z", source.display());
    assert_eq!(site.run("lpar07", &command).await.status, Some(0));
    assert!(site.run("lpar07", "emgr -l").await.text.contains(" ST   IJ52421s2a "));
    let command = format!("geninstall -k -d {} IJ50001m1a.240312.epkg.Z", source.display());
    let said = site.run("lpar07", &command).await;
    assert_eq!(said.status, Some(1));
    assert!(said.text.contains("LU CAPABLE:        no\n"), "{said:?}");
    site.lab.reboot("lpar07", Some("hdisk2")).await.unwrap();
    let world = site.lab.world().unwrap();
    assert!(world.lpar("lpar07").unwrap().software.ifixes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_changes_no_disk_and_prints_its_checks() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar01").await;
    let before = site.lab.world().unwrap();
    let said = site.run("lpar01", "geninstall -k -p").await;
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(said.text.contains("\nThe live update preview succeeded.\n"));
    assert!(said.text.contains("Required device size: 6013 MB\nGiven device size: 51200 MB\nPASSED: device size is sufficient.\n"));
    assert_eq!(said.text.matches("PASSED:").count(), 44);
    assert_eq!(said.text.matches("FAILED").count(), 0);
    assert_eq!(site.lab.world().unwrap(), before);
    assert_eq!(updates_started(&site.lab.record().unwrap(), "lpar01"), 0);
    let cf = site.lab.root("lpar01").join("var/adm/ras/liveupdate/liveupdate.cf");
    assert!(cf.exists(), "a preview writes it, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_preview_fails_with_its_hints() {
    let site = Harness::fast(SPEED).await;
    let said = site.run("lpar07", "geninstall -k -p").await;
    assert!(said.text.contains("1430-237 FAILED: No management console specified.\n"), "{said:?}");
    site.prepare("lpar07").await;
    site.run("lpar07", "hmcauth -r").await;
    let said = site.run("lpar07", "geninstall -k -p").await;
    assert_eq!(said.status, Some(1));
    assert!(said.text.contains("1430-246 FAILED: No valid authentication with an HMC console.\nUse the 'hmcauth -l' command"));
    assert!(!said.text.contains("The live update preview succeeded."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_lpar_speaks_german_unless_it_is_asked_in_c() {
    let site = Harness::fast(SPEED).await;
    site.prepare("lpar03").await;
    let said = site.run("lpar03", "geninstall -k -p").await;
    assert!(said.text.contains("BESTANDEN: ") && !said.text.contains("PASSED"), "{said:?}");
    let said = site.run("lpar03", "LC_ALL=C geninstall -k -p").await;
    assert!(said.text.contains("PASSED: ") && !said.text.contains("BESTANDEN"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_update_at_the_same_time_finds_the_lock() {
    let site = Harness::step_by_step().await;
    site.prepare("lpar07").await;
    let login = site.log_in("lpar07", "root", "admin_ed25519").await;
    let first = login.start("geninstall -k").await;
    site.lab.clock().until_pending("lpar07").await;
    let second = login.run("geninstall -k").await;
    assert_eq!(second.status, Some(1));
    assert!(second.text.contains("/usr/lpp/.genlib.lock.check"), "{second:?}");
    let first = tokio::spawn(collect(first));
    while !first.is_finished() {
        tokio::select! {
            _ = site.lab.clock().until_pending("lpar07") => drop(site.lab.advance("lpar07")),
            () = until(&first) => {}
        }
    }
    assert_eq!(first.await.unwrap().status, Some(0));
    let entered: Vec<Phase> = site
        .lab
        .record()
        .unwrap()
        .into_iter()
        .filter_map(
            |entry| if let Deed::Entered { phase } = entry.deed { Some(phase) } else { None },
        )
        .collect();
    let expected: Vec<Phase> =
        Phase::ALL.into_iter().filter(|phase| *phase != Phase::Install).collect();
    assert_eq!(entered, expected);
}

async fn until<T>(task: &tokio::task::JoinHandle<T>) {
    while !task.is_finished() {
        tokio::task::yield_now().await;
    }
}
