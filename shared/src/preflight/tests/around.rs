//! What is around an LPAR: judged by what HMC and VIOSes show, and by nothing where they show nothing.

use std::collections::BTreeMap;

use super::lpar::*;
use crate::preflight::around::{Console, ScsiServer, Target, Vios, VirtualSlots};
use crate::preflight::probe::ProbeId;
use crate::preflight::*;
use crate::prep::Backup;
use crate::unit::{Megabytes, ProcessorUnits, Seconds};

type Change = fn(&mut Around);

fn with(change: Change) -> Around {
    let mut around = around();
    change(&mut around);
    around
}

fn with_vios(all: &mut Around, change: fn(&mut Vios)) {
    let mut vios = vios();
    change(&mut vios);
    all.vioses = Ok([("v".to_owned(), vios)].into());
}

fn with_console(all: &mut Around, change: fn(&mut Console)) {
    let mut console = console();
    change(&mut console);
    all.consoles = Ok([("h".to_owned(), console)].into());
}

fn target(backing: &str, location: Option<&str>) -> Fact<Vec<Target>> {
    let (device, backing) = ("vtscsi0".to_owned(), backing.to_owned());
    Ok(vec![Target { device, backing, location: location.map(str::to_owned) }])
}

fn server(is_for: Option<(&str, &str)>) -> Fact<Vec<ScsiServer>> {
    let is_for = is_for.map(|(partition, slot)| (partition.to_owned(), slot.to_owned()));
    Ok(vec![ScsiServer { partition: "1".to_owned(), slot: "101".to_owned(), is_for }])
}

fn slots(next: &str) -> Fact<VirtualSlots> {
    Ok(VirtualSlots { most: "8".to_owned(), next: next.to_owned() })
}

#[test]
fn each_check_is_judged_by_what_the_hmc_and_the_vioses_show() {
    use Verdict::{Block, NotApplicable, Pass, Unknown, Warn};
    let cases: [(&str, Change, Verdict); 60] = [
        ("L08", |_| {}, Pass),
        ("L08", |all| with_console(all, |one| one.level = Ok("V8R8.3.0".into())), Block),
        ("L08", |all| with_console(all, |one| one.level = Ok("V8R8.4.0".into())), Pass),
        ("L08", |all| with_console(all, |one| one.level = Err("down".into())), Unknown),
        ("L09", |all| with_vios(all, |one| one.level = Ok("2.2.3.4".into())), Block),
        ("L09", |all| with_vios(all, |one| one.level = Err("down".into())), Unknown),
        ("L09", |all| all.vioses = Ok(BTreeMap::new()), Unknown),
        ("L11", |_| {}, Pass),
        ("L11", |all| all.free = Ok((Megabytes(8999), ProcessorUnits { hundredths: 800 })), Block),
        ("L11", |all| all.free = Ok((Megabytes(9000), ProcessorUnits { hundredths: 99 })), Block),
        ("L11", |all| all.need = Err("not shown".into()), Unknown),
        ("L12", |_| {}, NotApplicable),
        ("L12", |all| all.has_pool = Ok(true), Unknown),
        ("L13", |_| {}, Pass),
        ("L13", |all| all.virtual_slots = slots("7"), Pass),
        ("L13", |all| all.virtual_slots = slots("8"), Block),
        ("L13", |all| all.virtual_slots = slots("none"), Block),
        ("L13", |all| all.virtual_slots = slots("unavailable"), Unknown),
        ("M07", |all| all.rmc_state = Ok("inactive".into()), Block),
        ("M08", |_| {}, Pass),
        ("M08", |all| with_console(all, |one| one.users = Err("HSCL350B".into())), Unknown),
        ("M08", |all| with_console(all, |one| one.users = Ok(Vec::new())), Unknown),
        ("M08", |all| with_console(all, |one| one.addresses.clear()), Unknown),
        ("M08", |all| with_console(all, |one| role(one, "hmcviewer", "ALL:")), Block),
        ("M08", |all| with_console(all, |one| role(one, "hmcsuperadmin", "ALL:")), Pass),
        ("M08", |all| with_console(all, |one| role(one, "hmcsuperadmin", "p10a")), Warn),
        ("M08", |all| with_console(all, |one| role(one, "our_own", "ALL:")), Unknown),
        ("M10", |_| {}, Pass),
        ("M10", |all| all.remote_restart = Ok("1".into()), Block),
        ("M10", |all| all.remote_restart = Ok("unavailable".into()), Unknown),
        ("D06", |_| {}, Pass),
        ("D06", |all| with_vios(all, |one| one.targets = target("lv01", Some(""))), Block),
        ("D06", |all| with_vios(all, |one| one.targets = target("lv01", None)), Unknown),
        ("D06", |all| with_vios(all, |one| one.targets = target("hdisk1", None)), Pass),
        ("D06", |all| with_vios(all, |one| one.targets = target("hdisk_lv", Some(""))), Block),
        ("D06", |all| with_vios(all, |one| one.targets = target("/var/disk", Some("x"))), Block),
        ("D06", |all| with_vios(all, |one| one.targets = target("", Some(""))), NotApplicable),
        ("D06", |all| with_vios(all, |one| one.targets = Err("never read".into())), Unknown),
        ("D07", |_| {}, Pass),
        ("D07", |all| all.scsi_servers = server(Some(("any", "any"))), Block),
        ("D07", |all| all.scsi_servers = server(None), Unknown),
        ("D07", |all| all.scsi_servers = Ok(Vec::new()), NotApplicable),
        ("F01", |all| all.names = Ok(vec!["lpar01_lku0".into()]), Block),
        ("F02", |all| all.partition_name = Ok("x".repeat(26)), Pass),
        ("F02", |all| all.partition_name = Ok("x".repeat(27)), Warn),
        ("F03", |all| all.partitions = Ok((1000, 1000)), Block),
        ("F04", |all| with_vios(all, |one| one.state = "Not Activated".into()), Block),
        ("F04", |all| with_vios(all, |one| one.rmc_state = "inactive".into()), Block),
        ("F04", |all| all.vioses = Ok(BTreeMap::new()), Unknown),
        ("F04", |all| with_vios(all, |one| one.maintenance = Some("updated".into())), Warn),
        ("F05", |all| all.migration = Ok("Migration In Progress".into()), Block),
        ("F05", |all| all.migration = Ok(String::new()), Unknown),
        ("F06", |_| {}, Pass),
        ("F06", |all| all.physical_slots = Ok(vec!["U78C9-P1-C6".into()]), Block),
        ("F08", |_| {}, NotApplicable),
        ("F08", |all| all.backup = Ok(Some(Backup::Waived("mksysb".into()))), NotApplicable),
        ("F08", |all| all.backup = copy_to("hdisk1"), Pass),
        ("F08", |all| all.backup = copy_to("hdisk0"), Block),
        ("F08", |all| all.backup = copy_to("hdisk9"), Block),
        ("F08", |all| all.backup = Err("no policy was set".into()), Unknown),
    ];
    for (check, change, wanted) in cases {
        let found = verdict(check, LEVEL, &healthy(), &with(change));
        assert_eq!(found, wanted, "{check}");
    }
}

fn copy_to(disk: &str) -> Fact<Option<Backup>> {
    Ok(Some(Backup::CopyTo(vec![disk.parse().unwrap()])))
}

fn role(console: &mut Console, task: &str, resource: &str) {
    for user in console.users.as_mut().into_iter().flatten() {
        user.task_role = task.to_owned();
        user.resource_role = resource.to_owned();
    }
}

#[test]
fn a_vios_that_was_not_read_hides_nothing_that_another_shows() {
    let mut around = around();
    let mut bad = vios();
    bad.targets = target("lv01", Some(""));
    let mut silent = vios();
    silent.targets = Err("never read".to_owned());
    around.vioses = Ok([("vios1".to_owned(), silent.clone()), ("vios2".to_owned(), bad)].into());
    assert_eq!(verdict("D06", LEVEL, &healthy(), &around), Verdict::Block);
    around.vioses = Ok([("vios1".to_owned(), silent), ("vios2".to_owned(), vios())].into());
    assert_eq!(verdict("D06", LEVEL, &healthy(), &around), Verdict::Unknown);
}

#[test]
fn the_profile_matters_where_the_update_clones_from_it() {
    use Verdict::{NotApplicable, Pass, Unknown, Warn};
    let level = "7300-03-01-2520";
    let clone = || {
        let mut answers = healthy();
        answers.insert(ProbeId::LvupdateData, file("hmc:\n\tclone_from_hmc_profile = yes\n"));
        answers
    };
    let state = |value: &str| Around { profile_sync: Ok(value.to_owned()), ..around() };
    let cases = [("0", Pass), ("1", Warn), ("2", Warn), ("unavailable", Unknown)];
    for (value, wanted) in cases {
        assert_eq!(verdict("L16", level, &clone(), &state(value)), wanted, "{value}");
    }
    assert_eq!(verdict("L16", level, &healthy(), &state("1")), NotApplicable);
    assert_eq!(verdict("L16", LEVEL, &clone(), &state("1")), NotApplicable);
}

#[test]
fn whose_authority_counts_is_who_has_the_token_or_is_named_for_it() {
    let mut answers = healthy();
    answers.insert(ProbeId::Tokens, printed(""));
    // lvupdate.data names live on hmc01.
    assert_eq!(verdict("M08", LEVEL, &answers, &around()), Verdict::Pass);
    answers.insert(ProbeId::LvupdateData, probe::Answer::NoFile);
    assert_eq!(verdict("M08", LEVEL, &answers, &around()), Verdict::NotApplicable);
    answers.insert(ProbeId::Tokens, printed("Address  : 10.1.1.1\nUser name: nobody\n"));
    assert_eq!(verdict("M08", LEVEL, &answers, &around()), Verdict::Unknown);
}

#[test]
fn a_vnic_needs_more_than_a_slot() {
    let mut answers = healthy();
    let devices = "adapter ent1 Available Virtual NIC Client Device (vNIC)\n";
    answers.insert(ProbeId::Devices, printed(devices));
    assert_eq!(verdict("L13", LEVEL, &answers, &around()), Verdict::Unknown);
}

#[test]
fn the_standstill_is_held_against_the_smallest_time_out_that_is_known() {
    use Verdict::{NotApplicable, Pass, Unknown, Warn};
    let db2 = || {
        let mut answers = healthy();
        answers.insert(ProbeId::Processes, printed("PID COMMAND\n1 init\n7 db2sysc\n"));
        answers
    };
    let with = |estimate: Fact<u64>, timeouts: &[(&str, &str, u64)]| Around {
        estimate: estimate.map(Seconds),
        timeouts: timeouts
            .iter()
            .map(|(id, name, value)| (((*id).to_owned(), (*name).to_owned()), Seconds(*value)))
            .collect(),
        ..around()
    };
    let hadr = ("db2", "HADR_TIMEOUT", 120);
    let short = ("db2", "HADR_PEER_WINDOW", 60);
    let of = |around: &Around| verdict("S33", LEVEL, &db2(), around);
    assert_eq!(verdict("S33", LEVEL, &healthy(), &with(Ok(77), &[hadr])), NotApplicable);
    assert_eq!(of(&with(Ok(77), &[])), Unknown);
    assert_eq!(of(&with(Err("no preview was run".to_owned()), &[hadr])), Unknown);
    assert_eq!(of(&with(Ok(77), &[hadr])), Pass);
    assert_eq!(of(&with(Ok(120), &[hadr])), Warn);
    assert_eq!(of(&with(Ok(77), &[hadr, short])), Warn);
    // Each workload has to have one that is known.
    let mut both = db2();
    both.insert(ProbeId::Processes, printed("1 init\n7 db2sysc\n8 mmfsd\n"));
    assert_eq!(verdict("S33", LEVEL, &both, &with(Ok(77), &[hadr])), Unknown);
    assert_eq!(verdict("S33", LEVEL, &both, &with(Ok(200), &[hadr])), Warn);
}
