//! A boot from the copy that is on record: the boot list is set and seen, and put back where the LPAR does not come up from the copy.

use nim_shared::disks::{DiskUse, GoodFor, Rollback, RunDisk, SURROGATE, WayBack};
use nim_shared::frame::Refusal;
use nim_shared::hook::{HookExit, HookPoint};
use nim_shared::operation::{Named, Outcome, Report, Software, StuckReason};
use nim_shared::request::{Install, Kind, Limits, Request};
use nim_shared::unit::Seconds;

use crate::hook::{FAILS, NOTES, with};
use crate::install::plain;
use crate::lpar::Lpar;
use crate::master::{Master, Session, push_all};
use crate::process::Process;
use crate::session::refusals;

const COPY: &str = "nimbak_12345678";
const OURS: &str = "hdisk0 blv=hd5 pathid=0\n";

fn disk(number: u32, pvid: &str, group: &str, good_for: GoodFor) -> RunDisk {
    RunDisk {
        name: format!("hdisk{number}").parse().unwrap(),
        pvid: pvid.parse().ok(),
        udid: None,
        role: Named::Known(DiskUse::Backup),
        volume_group: Some(group.to_owned()),
        level: Some("7300-02-00-2346".to_owned()),
        good_for: Named::Known(good_for),
    }
}

/// An order to boot the copy on hdisk1.
pub(crate) fn order() -> Request {
    let to = WayBack {
        made_by: "0190b2c0-0000-7000-8000-00000000000a".parse().unwrap(),
        disks: vec![disk(1, "00f94f58c90ae057", COPY, GoodFor::WayBack)],
        level: "7300-02-00-2346".to_owned(),
    };
    let from = vec![disk(0, "00f94f58cc2de28d", "rootvg", GoodFor::Running)];
    Request {
        rollback: Some(Rollback { to, from }),
        images: None,
        limits: Limits { post: Seconds(1), update: Seconds(1), ..Limits::default() },
        install: Install::Nothing,
        installp_flags: None,
        ..plain(Kind::Rollback)
    }
}

/// An LPAR that has the copy, and whose `shutdown` does not end it.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    lpar.set(
        "lspv",
        &format!("hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 {COPY}\n"),
    );
    lpar.command("bootlist", BOOTLIST);
    lpar.set("bootlist", OURS);
    lpar.command("shutdown", "echo \"$*\" >> runs; cat bootlist > booted");
    lpar
}

const BOOTLIST: &str = "[ \"$3\" = -o ] && { cat bootlist; exit 0; }\nshift 2\n: > new\nfor disk; do echo \"$disk blv=hd5 pathid=0\" >> new; done\nmv new bootlist";

fn run(lpar: &Lpar, master: &mut Master) -> Report {
    master.follow(&mut Session::open(lpar, &[])).expect("the session ended")
}

#[test]
fn while_the_lpar_may_go_down_its_boot_list_stays_and_another_boot_puts_it_back() {
    let lpar = lpar();
    let mut master = Master::new(&order());
    let report = run(&lpar, &mut master);
    let late = Outcome::Stuck { reason: StuckReason::DeadlinePassed };
    assert_eq!(report.outcome, late, "{report:?}");
    let text = "the LPAR still runs after 1 seconds; its boot list stays at hdisk1";
    assert!(report.summary.contains(text), "{report:?}");
    let theirs = "hdisk1 blv=hd5 pathid=0\n";
    let asked = || (lpar.get("runs"), lpar.get("booted"), lpar.get("bootlist"));
    assert_eq!(asked(), ("-Fr\n".to_owned(), theirs.to_owned(), theirs.to_owned()));
    lpar.wait_for_supervisors(master.operation);

    // It came up after all, and from where it was.
    lpar.set("boot", "   .        system boot Nov 13 10:00\n");
    let report = run(&lpar, &mut master);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains("not from the copy"), "{report:?}");
    assert_eq!(asked(), ("-Fr\n".to_owned(), theirs.to_owned(), OURS.to_owned()));
}

#[test]
fn a_shutdown_that_refuses_leaves_the_boot_list_as_it_was() {
    let cases: [(&str, &str); 2] = [
        (
            "echo \"$*\" >> runs; echo 'shutdown: not now'; exit 3",
            "exit status 3: shutdown: not now",
        ),
        // It ends nothing, takes longer than one limit has room for, and then says no.
        ("echo \"$*\" >> runs; sleep 1; exit 1", "exit status 1"),
    ];
    for (script, why) in cases {
        let lpar = lpar();
        lpar.command("shutdown", script);
        let mut order = order();
        order.limits.update = Seconds(600);
        let report = run(&lpar, &mut Master::new(&order));
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        assert!(report.summary.contains(why), "{report:?}");
        assert_eq!((lpar.get("runs"), lpar.get("bootlist")), ("-Fr\n".to_owned(), OURS.to_owned()));
    }
}

/// Whoever finds that it was begun waits for its end, and asks for nothing.
#[test]
fn a_shutdown_that_was_begun_is_not_asked_for_again_by_a_successor() {
    let lpar = lpar();
    lpar.command(
        "shutdown",
        "echo \"$*\" >> runs; echo $$ > other.new && mv other.new other\nexec sleep 600",
    );
    let mut order = order();
    order.limits.update = Seconds(2);
    let mut master = Master::new(&order);
    let mut session = Session::open(&lpar, &[]);
    assert_eq!(master.follow_until(&mut session, || lpar.path("state/other").exists()), None);
    drop(session);
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
    let report = run(&lpar, &mut master);
    let shutdown: u32 = lpar.get("other").trim().parse().unwrap();
    Process::open(shutdown).expect("it was ended").kill();
    let late = Outcome::Stuck { reason: StuckReason::DeadlinePassed };
    assert_eq!((report.outcome, lpar.get("runs")), (late, "-Fr\n".to_owned()));
    assert_eq!(lpar.get("bootlist"), "hdisk1 blv=hd5 pathid=0\n");
}

#[test]
fn an_lpar_that_comes_up_from_where_it_was_is_told_and_its_boot_list_is_as_before() {
    let lpar = lpar();
    // It ends nothing by itself, as one that waits for what runs.
    lpar.command(
        "shutdown",
        "echo \"$*\" >> runs; cat bootlist > booted\necho $$ > other.new && mv other.new other\nexec sleep 600",
    );
    let mut master = Master::new(&order());
    let mut session = Session::open(&lpar, &[]);
    let report = master.follow_until(&mut session, || lpar.path("state/other").exists());
    assert_eq!(report, None);
    drop(session);
    let shutdown: u32 = lpar.get("other").trim().parse().unwrap();
    let agents: Vec<Process> = lpar.agents().into_iter().filter_map(Process::open).collect();
    agents.iter().for_each(Process::kill);
    agents.iter().for_each(Process::wait);
    Process::open(shutdown).iter().for_each(Process::kill);
    assert_eq!(lpar.get("booted"), "hdisk1 blv=hd5 pathid=0\n");
    lpar.set("boot", "   .        system boot Nov 13 10:00\n");
    let report = run(&lpar, &mut master);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
    assert!(report.summary.contains("not from the copy"), "{report:?}");
    assert_eq!((lpar.get("runs"), lpar.get("bootlist")), ("-Fr\n".to_owned(), OURS.to_owned()));
}

#[test]
fn nothing_is_booted_where_the_copy_is_not_what_is_on_record() {
    type Change = fn(&Lpar);
    let cases: [(Change, &str); 7] = [
        (
            |lpar| {
                lpar.set(
                    "lspv",
                    "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 theirs\n",
                )
            },
            "is in theirs now",
        ),
        (
            |lpar| {
                lpar.set(
                    "lspv",
                    "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 None\n",
                )
            },
            "in no volume group now",
        ),
        (
            |lpar| lpar.set("lspv", "hdisk0 00f94f58cc2de28d rootvg active\n"),
            "no disk of the LPAR has its PVID",
        ),
        (
            |lpar| {
                lpar.set(
                    "lspv",
                    "hdisk0 00f94f58cc2de28d None\nhdisk1 00f94f58c90ae057 rootvg active\n",
                )
            },
            "the LPAR runs from it",
        ),
        (
            |lpar| {
                lpar.set("lspv", &format!("hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 {COPY}\nhdisk2 00f94f58c90ae058 {COPY}\n"))
            },
            "hdisk2 is in the copy's volume group too",
        ),
        (
            |lpar| lpar.command("bootlist", &BOOTLIST.replace("$disk blv=hd5", "$disk -")),
            "bootlist shows no boot volume on hdisk1",
        ),
        (
            |lpar| lpar.command("bootlist", "[ \"$3\" = -o ] && cat bootlist; exit 0"),
            "bootlist does not show hdisk1",
        ),
    ];
    for (change, why) in cases {
        let lpar = lpar();
        change(&lpar);
        let report = run(&lpar, &mut Master::new(&order()));
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        assert!(report.summary.contains(why), "{why}: {report:?}");
        assert_eq!(lpar.get("runs"), "");
        assert!(lpar.get("bootlist").starts_with("hdisk0 "), "{}", lpar.get("bootlist"));
    }
}

#[test]
fn what_stops_the_workload_runs_first_and_keeps_the_lpar_from_being_booted_where_it_does_not_succeed()
 {
    let at = HookPoint::BeforeReboot;
    for (content, booted) in [(NOTES, "-Fr\n"), (FAILS, "")] {
        let lpar = lpar();
        std::fs::write(lpar.path("etc/nim-agent.policy"), "scripts = on\n").unwrap();
        push_all(&lpar, &[NOTES, FAILS]);
        let report = run(&lpar, &mut Master::new(&with(&[(at, HookExit::Fail, content)], order())));
        assert_eq!(lpar.get("runs"), booted, "{report:?}");
        assert!(lpar.get("scripts").starts_with("before-reboot"), "{report:?}");
        let stays = if booted.is_empty() { "hdisk0 " } else { "hdisk1 " };
        assert!(lpar.get("bootlist").starts_with(stays), "{report:?}");
    }
}

#[test]
fn an_order_boots_no_disk_that_is_no_way_back() {
    let lpar = lpar();
    let mut refused = refusals(&lpar);
    let bad = Some(Refusal::BadRequest);
    let of = |disks: Vec<RunDisk>| {
        let mut order = order();
        order.rollback.as_mut().unwrap().to.disks = disks;
        order
    };
    let pvid = "00f94f58c90ae057";
    for disks in [
        vec![],
        vec![disk(1, pvid, SURROGATE, GoodFor::WayBack)],
        vec![disk(1, pvid, COPY, GoodFor::BootedKernel)],
        vec![disk(1, pvid, COPY, GoodFor::Unclear)],
    ] {
        assert_eq!(refused(&of(disks)), bad);
    }
    let late = [(HookPoint::Post, HookExit::Warn, NOTES)];
    assert_eq!(refused(&with(&late, order())), bad);
    assert_eq!(refused(&Request { rollback: None, ..order() }), bad);
    assert_eq!(refused(&Request { kind: Kind::Install, ..order() }), bad);
    assert_eq!(lpar.get("runs"), "");
}
