//! Freeze, kill and boot: what happens to an LPAR as a whole.

use std::time::Duration;

use nim_lab::Phase;
use nim_lab::record::Deed;

use crate::harness::{Harness, collect, small};

#[tokio::test(flavor = "multi_thread")]
async fn in_the_blackout_nothing_on_the_lpar_moves_and_afterwards_everything_does() {
    let site = Harness::step_by_step().await;
    site.prepare("lpar07").await;
    let login = site.log_in("lpar07", "root", "admin_ed25519").await;
    // A process in a session of its own, as a supervisor would be, that writes all the time.
    let ticks = site.lab.root("lpar07").join("tmp/ticks");
    login.run("setsid sh -c 'while :; do echo x >> $HOME/tmp/ticks; sleep 0.01; done' >/dev/null 2>&1 </dev/null &").await;
    let run = tokio::spawn(collect(login.start("geninstall -k").await));
    while site.lab.clock().until_pending("lpar07").await.phase != Phase::Blackout {
        site.lab.advance("lpar07");
    }
    let size = || std::fs::metadata(&ticks).map_or(0, |found| found.len());
    let frozen = size();
    assert!(frozen > 0);
    // Asked for in the freeze, answered after it.
    let mut late = Box::pin(login.run("echo late"));
    let silent = tokio::time::timeout(Duration::from_millis(300), &mut late).await;
    assert!(silent.is_err(), "a frozen LPAR answered: {silent:?}");
    assert_eq!(size(), frozen, "a frozen process wrote");
    site.lab.advance("lpar07");
    assert_eq!(late.await.text, "late\n");
    while size() == frozen {
        tokio::task::yield_now().await;
    }
    while !run.is_finished() {
        if site.lab.advance("lpar07").is_none() {
            tokio::task::yield_now().await;
        }
    }
    let said = run.await.unwrap();
    assert_eq!(said.status, Some(0), "{said:?}");
    let record = site.lab.record().unwrap();
    let frozen =
        record.iter().filter(|entry| matches!(entry.deed, Deed::Frozen { milliseconds: 9000, .. }));
    assert_eq!(frozen.count(), 1, "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_kills_everything_and_loses_the_token() {
    let site = Harness::step_by_step().await;
    site.prepare("lpar01").await;
    let login = site.log_in("lpar01", "root", "admin_ed25519").await;
    let said = login.run("setsid sleep 1000 >/dev/null 2>&1 </dev/null & ps -e -o pid,args | grep -c 'sleep 1000'").await;
    assert_eq!(said.status, Some(0), "{said:?}");
    site.lab.reboot("lpar01", None).await.unwrap();
    assert!(login.session.channel_open_session().await.is_err(), "the connection is gone");
    let said = site.run("lpar01", "hmcauth -l; ps -e -o args").await;
    assert!(!said.text.contains("Address") && !said.text.contains("sleep 1000"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_that_is_booted_has_the_files_of_its_moment() {
    let site = Harness::fast(2000).await;
    site.prepare("lpar01").await;
    site.run("lpar01", "echo before > $HOME/tmp/note").await;
    assert_eq!(site.run("lpar01", "geninstall -k").await.status, Some(0));
    site.run("lpar01", "echo after > $HOME/tmp/note").await;
    site.lab.reboot("lpar01", Some("hdisk2")).await.unwrap();
    let note = site.lab.root("lpar01").join("tmp/note");
    assert_eq!(std::fs::read_to_string(note).unwrap(), "before\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_keys_survive_a_restart_of_the_lab() {
    let site = Harness::fast(2000).await;
    site.prepare("lpar07").await;
    assert_eq!(site.run("lpar07", "geninstall -k").await.status, Some(0));
    let read = |name: &str| std::fs::read_to_string(site.lab.directory().join(name)).unwrap();
    let keys = |text: String| -> Vec<String> {
        text.lines().filter_map(|line| line.split(' ').nth(2).map(str::to_owned)).collect()
    };
    let before =
        (site.lab.world().unwrap().lpar("lpar07").unwrap().partition_id, keys(read("known_hosts")));
    let Harness { lab, directory } = site;
    lab.stop().await;
    let clock = nim_lab::clock::Mode::Auto { speed: 2000 };
    let site = Harness::start(small(0), clock, directory).await;
    let read = |name: &str| std::fs::read_to_string(site.lab.directory().join(name)).unwrap();
    let after =
        (site.lab.world().unwrap().lpar("lpar07").unwrap().partition_id, keys(read("known_hosts")));
    assert_eq!(after, before);
    assert_eq!(site.run("lpar07", "uname -L").await.text, "3 lpar07\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_site_is_left_when_it_ends() {
    let site = Harness::fast(1).await;
    let said = site.run("lpar01", "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!").await;
    let pid = said.text.trim().to_owned();
    assert!(std::path::Path::new("/proc").join(&pid).exists());
    let Harness { lab, directory: _directory } = site;
    lab.stop().await;
    assert!(!std::path::Path::new("/proc").join(&pid).exists());
}
