//! Each command of the README has a case here, and each case is a command of the README.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::markdown::{Block, blocks, commands, spans};
use crate::programs::Known;
use crate::site::{Place, Said};
use crate::{programs, text};

/// How a command is tried.
#[derive(Clone, Copy, Debug)]
enum Case {
    /// Runs everything that this test is a part of, or builds the programs that it runs: that its target or its package is there
    /// has to do.
    Recurses,
    /// Takes long and measures: run by hand. Its target has to be there.
    ByHand,
    /// `make lab` and `make lab-down`: the script behind them, in a folder of the test.
    Lab(&'static str),
    /// In the lab, with this exit code.
    Ends(i32),
    /// In the lab, with something on standard input.
    Reads(&'static str),
    /// In the lab; it stays, and the next command waits until `nimctl server` has an answer.
    Stays,
    /// In the lab; it kills nimd, and the next command comes when that is gone: the signal is sent before the process has ended.
    Kills,
    /// On the HMC of the lab, as its administrator.
    OnHmc,
}

use Case::{ByHand, Ends, Kills, Lab, OnHmc, Reads, Recurses, Stays};

const CASES: &[(&str, Case)] = &[
    ("make demo", Recurses),
    ("make test", Recurses),
    ("make lab", Lab("up")),
    ("nimctl list standalone", Ends(0)),
    (
        "nimctl cust -a live_update=yes -a lpp_source=7300-03-01 -a fixes=update_all -a accept_licenses=yes -a live_update_data=lud_lpar07 --preview lpar07",
        Ends(0),
    ),
    (
        "nimctl cust -a live_update=yes -a lpp_source=7300-03-01 -a fixes=update_all -a accept_licenses=yes -a live_update_data=lud_lpar07 lpar07",
        Ends(0),
    ),
    ("nimctl events lpar07", Ends(0)),
    ("nimctl disks lpar07", Ends(0)),
    ("nimctl release-disks --yes lpar07", Ends(0)),
    ("nimctl live-update-data generate lpar12", Ends(3)),
    (
        "nimctl change -a disk_pool=udid:33213lpar12hdisk104214503IBMfcp,udid:33213lpar12hdisk204214503IBMfcp lpar12",
        Ends(0),
    ),
    ("nimctl live-update-data generate lpar12 -o wide", Ends(0)),
    ("nimctl cust -a live_update=yes -a live_update_data=auto lpar12", Ends(0)),
    ("nimctl nim -o showres 7300-03-01", Ends(0)),
    ("nimctl tree", Ends(0)),
    ("nimctl discover --dry-run", Ends(0)),
    ("nimctl report levels", Ends(0)),
    (
        "nimctl list standalone --where 'oslevel<7300-03 and frame=frame1' --columns name,oslevel,state --sort oslevel",
        Ends(0),
    ),
    ("nim-lab fault lpar08 procfs-open --dir .lab/site", Ends(0)),
    ("nimctl preflight lpar08 lpar09 lpar10", Ends(3)),
    ("nimctl preflight --explain S26", Ends(0)),
    (
        "nimctl cust -a live_update=yes -a 'live_update_data=lud_{lpar}' -a concurrent=2 lpar08 lpar09 lpar10",
        Ends(1),
    ),
    ("nimctl status --all", Ends(0)),
    ("nimctl status lpar08", Ends(0)),
    ("nimctl explain 1020-311", Ends(0)),
    ("nimctl explain lpar08", Ends(0)),
    ("nimctl aftercare lpar07", Ends(0)),
    ("nimctl rollout plan examples/rollout-lab.yaml", Ends(0)),
    (
        "nimctl rollout plan examples/rollout-lab.yaml --what-if per_frame=1 --picture plan.html",
        Ends(0),
    ),
    ("nimctl rehearse examples/rollout-lab.yaml", Ends(0)),
    ("nimctl rehearse examples/rollout-lab.yaml --fault 1020-311 --fault unreachable=5%", Ends(0)),
    ("nimctl rehearse examples/rollout-lab.yaml --in-lab .lab/rehearsal", Ends(0)),
    ("nimctl cust -a live_update=yes -a live_update_data=lud_lpar11 --detach lpar11", Ends(0)),
    ("kill -9 $(cat .lab/nimd/nimd.lock)", Kills),
    ("nimd --data-dir .lab/nimd 2>.lab/nimd.log &", Stays),
    ("nimctl watch lpar11", Ends(0)),
    ("make lab-down", Lab("down")),
    ("cargo build --locked --release", Recurses),
    ("install -m 755 target/release/nimd target/release/nimctl /usr/local/bin", Ends(0)),
    ("nimd config --defaults", Ends(0)),
    ("nimd --data-dir /var/lib/nimd check-config", Ends(0)),
    ("nimd --data-dir /var/lib/nimd backup nimd.backup", Ends(0)),
    ("cargo build --locked --release --package nim-agent", Recurses),
    ("install -D -m 755 nim-agent /var/lib/nimd/agents/chrp/nim-agent", Ends(0)),
    ("nimctl apply --dry-run -f fleet.yaml", Ends(0)),
    ("nimctl apply --yes -f fleet.yaml", Ends(0)),
    ("nimctl export >exported.yaml", Ends(0)),
    ("nimctl list -l 'env in (prod,test)' -o wide", Ends(0)),
    ("nimctl list cec --columns name,mtms,hmc -o json", Ends(0)),
    ("nimctl history lpar01", Ends(0)),
    ("nimctl hostkey import known_hosts", Ends(0)),
    ("nimctl hostkey scan lpar01", Ends(0)),
    ("nimctl hostkey list", Ends(0)),
    ("nimctl secret set hmc01_password", Reads("live4update\n")),
    ("nimctl secret list", Ends(0)),
    ("mkhmcusr -u lu_frame1 -a hmcclientliveupdate -d \"Live Update of frame1\"", OnHmc),
    ("mkhmcusr -u nimdview -a hmcviewer -d \"nimd reads what is free\"", OnHmc),
    ("mkauthkeys -u nimdview -a 'KEY'", OnHmc),
    ("lshmcusr", OnHmc),
    ("nimctl agent bundle lpar01 | ssh root@lpar01 sh -s", Ends(0)),
    ("nimctl agent status lpar01", Ends(0)),
    ("make check", Recurses),
    ("make bench", ByHand),
    ("make soak", ByHand),
];

/// The heading from which on the README is about a real site: it has a lab of its own, because `make lab-down` ends the tour's.
const REAL_SITE: &str = "The master";

fn shell_blocks() -> Vec<Block> {
    blocks(&text("README.md")).into_iter().filter(|block| block.language == "sh").collect()
}

fn case(command: &str) -> Case {
    let found = CASES.iter().find(|(text, _)| *text == command);
    found.unwrap_or_else(|| panic!("the README has a command without a case here: {command}")).1
}

#[test]
fn each_command_has_a_case_and_each_case_is_a_command() {
    let written: BTreeSet<String> = shell_blocks().iter().flat_map(commands).collect();
    for command in &written {
        case(command);
    }
    for (command, _) in CASES {
        assert!(written.contains(*command), "no command of the README any more: {command}");
    }
    // A block in no language may hide a command: the only one is the picture of the parts.
    let plain: Vec<_> =
        blocks(&text("README.md")).into_iter().filter(|block| block.language.is_empty()).collect();
    assert_eq!(plain.iter().map(|block| &*block.heading).collect::<Vec<_>>(), ["The parts"]);
}

#[test]
fn commands_within_sentences_can_be_typed() {
    let known = Known::ask();
    for span in spans(&text("README.md")) {
        assert_eq!(known.fault(&span), None, "{span}");
    }
}

#[test]
fn what_would_run_this_test_again_is_there() {
    let (makefile, ci) = (text("Makefile"), text(".ci/run"));
    for (command, case) in CASES {
        if let Some(target) = command.strip_prefix("make ") {
            assert!(makefile.contains(&format!("\n{target}: ##")), "no target {target}");
            let called = ci.contains(&format!("make {target}"));
            assert!(called || !matches!(case, Recurses), ".ci/run does not call make {target}");
        }
        if let Some(package) = command.strip_prefix("cargo build --locked --release --package ") {
            assert!(text("client-agent/Cargo.toml").contains(&format!("name = \"{package}\"")));
        }
    }
    for what in ["up", "down"] {
        assert!(makefile.contains(&format!("\tscripts/lab {what}\n")));
    }
}

#[test]
fn the_tour_runs_as_it_is_written_and_leaves_nothing_behind() {
    let place = Place::new();
    let tour = shell_blocks().into_iter().take_while(|block| block.heading != REAL_SITE);
    for command in tour.flat_map(|block| commands(&block)) {
        attempt(&place, &command);
    }
    assert!(!place.path(".lab").exists());
    assert_eq!(place.processes(), [""; 0]);
}

#[test]
fn a_real_site_is_set_up_as_it_is_written() {
    let place = Place::new();
    let up = place.lab("up");
    assert_eq!(up.code, Some(0), "{}", up.text);
    place.names_hosts();
    for (from, to) in
        [(".lab/site/fleet.yaml", "fleet.yaml"), (".lab/site/known_hosts", "known_hosts")]
    {
        fs::copy(place.path(from), place.path(to)).unwrap();
    }
    fs::copy(programs::folder().join("nim-agent"), place.path("nim-agent")).unwrap();
    fs::create_dir_all(place.path("usr/local/bin")).unwrap();
    let real =
        blocks(&text("README.md")).into_iter().skip_while(|block| block.heading != REAL_SITE);
    for block in real {
        match (block.language.as_str(), block.heading.as_str()) {
            ("sh", _) => commands(&block).iter().for_each(|command| attempt(&place, command)),
            ("yaml", "The master") => {
                fs::write(place.path(".lab/nimd/nimd.yaml"), block.lines.join("\n")).unwrap();
            }
            ("ini", "The master") => unit(&place, &block),
            ("text", "What the master's key can and cannot do") => policy(&place, &block),
            (language, heading) => panic!("a block of {language} below {heading:?} has no case"),
        }
    }
    // What was done on the HMC is what nimd needs there.
    let key = place.path(".lab/nimd/keys/id_ed25519");
    let asked = format!("ssh -i {} nimdview@hmc01 lssyscfg -r sys -F name", key.display());
    expect(&place.types(&asked, ""), &asked, 0);
    let down = place.lab("down");
    assert_eq!(down.code, Some(0), "{}", down.text);
    assert_eq!(place.processes(), [""; 0]);
}

/// Tries a command as its case says.
fn attempt(place: &Place, command: &str) {
    match case(command) {
        Recurses | ByHand => {}
        Lab(what) => expect(&place.lab(what), command, 0),
        Ends(code) => expect(&place.types(&place.here(command), ""), command, code),
        Reads(input) => expect(&place.types(&place.here(command), input), command, 0),
        Stays => {
            expect(&place.types(command, ""), command, 0);
            place.wait_for("nimctl server");
        }
        Kills => {
            expect(&place.types(&place.here(command), ""), command, 0);
            place.wait_until_unlocked(".lab/nimd/nimd.lock");
        }
        OnHmc => {
            let server = place.types("nimctl server -o json", "");
            let server: serde_json::Value = serde_json::from_str(&server.text).unwrap();
            let line = command.replace("KEY", server["public_key"].as_str().unwrap());
            fs::write(place.path("line"), line).unwrap();
            expect(&place.types("ssh hscroot@hmc01 \"$(cat line)\"", ""), command, 0);
        }
    }
}

fn expect(said: &Said, command: &str, code: i32) {
    assert_eq!(said.code, Some(code), "$ {command}\n{}", said.text);
}

/// The unit starts a program that is installed, with a command line that it takes.
fn unit(place: &Place, block: &Block) {
    let started = block.lines.iter().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let started = format!("{} check-config", place.here(started));
    expect(&place.types(&started, ""), &started, 0);
    assert!(block.lines.iter().any(|line| line == "Type=notify"));
}

/// The policy of an LPAR, where it stands: an update is refused, and the reason is told.
fn policy(place: &Place, block: &Block) {
    let file = place.path(".lab/site/lpars/lpar12/root").join("etc/nim-agent.policy");
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).unwrap();
    fs::write(&file, block.lines.join("\n") + "\n").unwrap();
    let update = "nimctl cust -a live_update=yes -a live_update_data=lud_lpar12 lpar12";
    let said = place.types(update, "");
    assert!(
        said.code == Some(1) && said.text.contains("allows previews only"),
        "{:?}\n{}",
        said.code,
        said.text
    );
    let preview = format!("{update} --preview");
    expect(&place.types(&preview, ""), &preview, 0);
}
