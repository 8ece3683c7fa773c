//! Disks of earlier runs: what is as it is on record is released, once, and nothing else.

use nim_shared::disks::{DiskUse, GoodFor, RunDisk, Standing};
use nim_shared::frame::Refusal;
use nim_shared::operation::{Named, Outcome, Report, Software};
use nim_shared::request::{Install, Kind, Request};

use crate::install::plain;
use crate::lpar::Lpar;
use crate::master::{Master, Session};
use crate::session::refusals;

const COPY: &str = "nimbak_12345678";

/// hdisk1, which holds a copy of ours, and hdisk2, which holds nothing any more.
fn on_record() -> Vec<Standing> {
    let disk = |number: u32, pvid: &str, role, group: Option<&str>, good_for| Standing {
        operation: "0190b2c0-0000-7000-8000-00000000000a".parse().unwrap(),
        disk: RunDisk {
            name: format!("hdisk{number}").parse().unwrap(),
            pvid: pvid.parse().ok(),
            udid: None,
            role: Named::Known(role),
            volume_group: group.map(str::to_owned),
            level: None,
            good_for: Named::Known(good_for),
        },
        need: None,
        until: "a later way back is there".to_owned(),
        booted_at: Some("Nov 12 09:14".to_owned()),
        last_update: None,
    };
    vec![
        disk(1, "00f94f58c90ae057", DiskUse::Backup, Some(COPY), GoodFor::WayBack),
        disk(2, "00f94f58c90ae058", DiskUse::Mhdisk, None, GoodFor::Nothing),
    ]
}

/// An order that releases them.
pub(crate) fn order() -> Request {
    Request {
        release: on_record(),
        images: None,
        install: Install::Nothing,
        installp_flags: None,
        ..plain(Kind::ReleaseDisks)
    }
}

/// An LPAR that has them.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    lpar.set(
        "lspv",
        &format!("hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 {COPY}\nhdisk2 00f94f58c90ae058 None\n"),
    );
    lpar.command("bootlist", "cat bootlist");
    lpar.set("bootlist", "hdisk0 blv=hd5 pathid=0\n");
    lpar.command(
        "alt_rootvg_op",
        "echo \"$*\" >> runs; sed \"s/$2/None/\" lspv > new; mv new lspv",
    );
    lpar
}

fn run(lpar: &Lpar, request: &Request) -> Report {
    let mut master = Master::new(request);
    master.follow(&mut Session::open(lpar, &[])).expect("the session ended")
}

#[test]
fn a_copy_is_dropped_and_a_disk_without_one_is_released_by_the_record() {
    let lpar = lpar();
    let report = run(&lpar, &order());
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(lpar.get("runs"), format!("-X {COPY}\n"));
    let left = report.disks.expect("it says what it left").disks;
    let shown: Vec<_> =
        left.iter().map(|disk| (disk.name.as_str(), &disk.good_for, &disk.volume_group)).collect();
    let released = Named::Known(GoodFor::Released);
    assert_eq!(shown, [("hdisk1", &released, &None), ("hdisk2", &released, &None)]);
}

#[test]
fn what_is_not_as_it_is_on_record_is_left_alone_and_everything_is_said_at_once() {
    type Change = fn(&Lpar);
    let cases: [(Change, &[&str]); 6] = [
        (
            |lpar| {
                lpar.set("lspv", "hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 theirs\nhdisk2 00f94f58c90ae058 appvg\n")
            },
            &[
                "hdisk1: it was in nimbak_12345678, and is in theirs now",
                "hdisk2: it was in no volume group, and is in appvg now",
            ],
        ),
        (
            |lpar| {
                lpar.set(
                    "lspv",
                    "hdisk0 00f94f58cc2de28d rootvg active\nhdisk2 00f94f58c90ae058 None\n",
                )
            },
            &["hdisk1: no disk of the LPAR has its PVID"],
        ),
        (
            |lpar| {
                lpar.set("lspv", &format!("hdisk0 00f94f58cc2de28d rootvg active\nhdisk1 00f94f58c90ae057 {COPY}\nhdisk2 00f94f58c90ae058 None\nhdisk3 00f94f58c90ae059 {COPY}\n"))
            },
            &["nimbak_12345678 is on hdisk3 too"],
        ),
        (|lpar| lpar.set("bootlist", "hdisk1 blv=hd5 pathid=0\n"), &["hdisk1 is in the boot list"]),
        (|lpar| lpar.command("errpt", "exit 1"), &["errpt"]),
        (|lpar| lpar.command("lspv", "echo gibberish here now"), &["lspv"]),
    ];
    for (change, whys) in cases {
        let lpar = lpar();
        change(&lpar);
        let report = run(&lpar, &order());
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{report:?}");
        for why in whys {
            assert!(report.summary.contains(why), "{why}: {report:?}");
        }
        assert_eq!(lpar.get("runs"), "", "{report:?}");
        assert!(report.disks.is_none_or(|left| left.disks.is_empty()));
    }
}

#[test]
fn an_order_can_drop_nothing_but_a_copy_of_rootvg() {
    let lpar = lpar();
    let mut refused = refusals(&lpar);
    let bad = Some(Refusal::BadRequest);
    let mut rootvg = order();
    rootvg.release[0].disk.volume_group = Some("rootvg".to_owned());
    assert_eq!(refused(&rootvg), bad);
    assert_eq!(refused(&Request { release: Vec::new(), ..order() }), bad);
    assert_eq!(refused(&Request { kind: Kind::Install, ..order() }), bad);
    assert_eq!(lpar.get("runs"), "");
}
