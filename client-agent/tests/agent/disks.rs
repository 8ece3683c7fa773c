//! Disks that were chosen by their ids: found under whatever name they have now, and never another one.

use std::fmt::Write as _;

use nim_shared::disks::{ChosenDisk, Role};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::{Kind, Request};
use nim_shared::unit::Megabytes;

use crate::lpar::{Lpar, OWN_DATA, order};
use crate::master::{Master, Session, push};

const ONE: (&str, &str) = ("00f94f58c90ae057", "332136005076AAAA1IBMfcp");
const TWO: (&str, &str) = ("00f94f58c90ae0db", "332136005076AAAA2IBMfcp");

/// An LPAR whose free disks are, by name, those with these ids.
fn lpar(disks: [(&str, (&str, &str)); 2]) -> Lpar {
    let lpar = Lpar::new();
    lpar.command("lspv", "case $1 in -u) cat lspv-u;; *) cat lspv;; esac");
    lpar.command("getconf", "cat size");
    lpar.command("lquerypv", "n=${2#/dev/}; cat header-$n");
    lpar.command("fuser", "cat open");
    lpar.set("size", "51200\n");
    lpar.set("open", "");
    let mut short = "hdisk0 00f94f58cc2de28d rootvg active\n".to_owned();
    let mut long = "hdisk0 00f94f58cc2de28d rootvg active 332136005076AAAA0IBMfcp\n".to_owned();
    for (name, (pvid, udid)) in disks {
        writeln!(short, "{name} {pvid} None").unwrap();
        writeln!(long, "{name} {pvid} None {udid}").unwrap();
        lpar.set(&format!("header-{name}"), &header(pvid, "00000000"));
    }
    lpar.set("lspv", &short);
    lpar.set("lspv-u", &long);
    lpar
}

/// 4 KB of a disk with that id, and with this word where Oracle marks its disks.
pub(crate) fn header(pvid: &str, mark: &str) -> String {
    let mut text = String::new();
    for line in 0..256 {
        let words = match line {
            2 => format!("{mark} 00000000 00000000 00000000"),
            8 => format!("{} {} 00000000 00000000", &pvid[..8], &pvid[8..]),
            _ => "00000000 00000000 00000000 00000000".to_owned(),
        };
        writeln!(text, "{:08X}   {words}  |................|", line * 16).unwrap();
    }
    text
}

/// nhdisk was hdisk1 with the first ids when it was chosen, mhdisk hdisk2 with the second.
fn request() -> Request {
    let chosen = |role, name: &str, (pvid, udid): (&str, &str)| ChosenDisk {
        role,
        name: name.parse().unwrap(),
        pvid: Some(pvid.parse().unwrap()),
        udid: Some(udid.parse().unwrap()),
        needed: Megabytes(13_000),
    };
    let disks = vec![chosen(Role::Nhdisk, "hdisk1", ONE), chosen(Role::Mhdisk, "hdisk2", TWO)];
    let lvupdate_data =
        format!("disks:\n\tnhdisk = {}\n\tmhdisk = {}\n", disks[0].key(), disks[1].key());
    Request { lvupdate_data, disks, ..order(Kind::Update) }
}

fn run(lpar: &Lpar) -> Report {
    push(lpar);
    let mut master = Master::new(&request());
    master.follow(&mut Session::open(lpar, &[])).expect("the session ended")
}

#[test]
fn a_disk_that_was_renumbered_is_found_under_its_new_name() {
    let lpar = lpar([("hdisk1", TWO), ("hdisk2", ONE)]);
    let report = run(&lpar);
    assert_eq!(report.outcome, Outcome::Succeeded { follow_up: vec![] }, "{report:?}");
    assert_eq!(lpar.get("data-seen"), "disks:\n\tnhdisk = hdisk2\n\tmhdisk = hdisk1\n");
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "it is put back");
}

#[test]
fn another_disk_or_one_that_is_in_use_by_now_ends_it_before_anything_is_touched() {
    let other = ("00f94f58c90affff", TWO.1);
    type Change = fn(&Lpar);
    let table: [(&str, (&str, &str), Change); 5] = [
        ("mhdisk: hdisk2 has one id of PVID 00f94f58c90ae0db", other, |_| {}),
        ("no disk has PVID 00f94f58c90ae0db", ("none", "332136005076AAAA9IBMfcp"), |_| {}),
        ("mhdisk hdisk2: it holds a disk of Oracle ASM", TWO, |lpar| {
            let text =
                header(TWO.0, "4F52434C").replacen("4F52434C 00000000", "4F52434C 4449534B", 1);
            lpar.set("header-hdisk2", &text);
        }),
        ("open in process 4711", TWO, |lpar| lpar.set("open", " 4711")),
        ("it has 12000 MB, and 13000 MB are needed", TWO, |lpar| lpar.set("size", "12000\n")),
    ];
    for (why, second, change) in table {
        let id = if second.0 == "none" { ("00f94f58c90ae0dc", second.1) } else { second };
        let lpar = lpar([("hdisk1", ONE), ("hdisk2", id)]);
        change(&lpar);
        let report = run(&lpar);
        let untouched = Outcome::Failed { software: Software::Unchanged };
        assert_eq!(report.outcome, untouched, "{why}: {report:?}");
        assert!(report.summary.contains(why), "{why}: {}", report.summary);
        assert_eq!(lpar.get("runs"), "", "{why}");
    }
}

#[test]
fn numbers_that_change_after_the_file_was_written_end_it_before_geninstall() {
    let lpar = lpar([("hdisk1", ONE), ("hdisk2", TWO)]);
    // They change once lspv -u was asked twice: by pre and by prep.
    lpar.command(
        "lspv",
        "case $1 in -u) echo x >> asked; [ $(wc -l < asked) -lt 3 ] || { sed 's/hdisk1/hdiskX/;s/hdisk2/hdisk1/;s/hdiskX/hdisk2/' lspv-u; exit; }; cat lspv-u;; *) cat lspv;; esac",
    );
    lpar.command("lquerypv", "n=${2#/dev/}; [ $(wc -l < asked) -lt 3 ] || { [ $n = hdisk1 ] && n=hdisk2 || n=hdisk1; }; cat header-$n");
    let report = run(&lpar);
    let untouched = Outcome::Failed { software: Software::Unchanged };
    assert_eq!(report.outcome, untouched, "{report:?}");
    assert!(report.summary.contains("no longer names the chosen disks"), "{}", report.summary);
    assert_eq!(lpar.get("runs"), "");
    assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "it is put back");
}
