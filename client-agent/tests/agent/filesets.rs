//! Filesets that no Live Update goes with: removed for good where the policy names them, and otherwise the update does not begin.

use nim_shared::frame::{ChangeClass, ChangeMoment};
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::prep::{PrepStep, Step, Unsupported};
use nim_shared::request::{Kind, Request};

use crate::lpar::{Lpar, order};
use crate::master::Master;
use crate::prep;

/// Looks and removes as the files beside it say: whether it refuses at the look, whether it fails, and what stays whatever it says.
const INSTALLP: &str = "echo \"$*\" >> removals\n\
    [ $1 = -upw ] && { [ -f look.refuses ] && { echo 'other.product requires it'; exit 1; }; exit 0; }\n\
    echo 'Deinstalling'; [ -f refuses ] && { echo 'other.product requires it'; exit 1; }\n\
    shift; for name; do [ -f \"stays.$name\" ] || sed -i \"/^$name:/d\" lslpp; done\n\
    [ -f fails ] && { echo 'bosboot failed'; exit 1; }; exit 0";

/// An LPAR with two of them.
pub(crate) fn lpar() -> Lpar {
    let lpar = prep::lpar();
    lpar.command("installp", INSTALLP);
    lpar.set("removals", "");
    lpar.set("lslpp", &["bos.rte", "cas.agent", "security.pkcs11"].map(row).concat());
    lpar
}

fn row(name: &str) -> String {
    format!("{name}:{name}:7.2.5.{}: : :C: :Text: : : : : :\n", name.len())
}

/// An update before which those that are named are removed.
pub(crate) fn removing(filesets: &[Unsupported]) -> Request {
    let step = Step::UnsupportedFilesets { filesets: filesets.to_vec() };
    let prep = vec![PrepStep { step, class: ChangeClass::Permanent }];
    Request { prep, ..order(Kind::Update) }
}

const ALL: &[Unsupported] = Unsupported::ALL;

fn run(lpar: &Lpar, filesets: &[Unsupported]) -> (Master, Report) {
    prep::run(lpar, &removing(filesets))
}

#[test]
fn what_is_installed_of_them_is_removed_for_good_and_told_with_its_level() {
    let lpar = lpar();
    let (master, report) = run(&lpar, ALL);
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(
        lpar.get("removals"),
        "-upw cas.agent security.pkcs11\n-uw cas.agent security.pkcs11\n"
    );
    assert_eq!(lpar.get("lslpp"), row("bos.rte"));
    assert_eq!(master.changes(ChangeMoment::Kept), 1);
    let told = "removed for good: cas.agent 7.2.5.9, security.pkcs11 7.2.5.15; from media \
        `installp -acgXd MEDIA cas.agent security.pkcs11` installs it again";
    assert!(report.summary.contains(told), "{}", report.summary);
}

#[test]
fn what_is_not_named_stays_and_what_is_not_installed_is_not_asked_for() {
    let lpar = lpar();
    let (_, report) = run(&lpar, &[Unsupported::CasAgent, Unsupported::MlsConfiguration]);
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(lpar.get("removals"), "-upw cas.agent\n-uw cas.agent\n");
    assert!(lpar.get("lslpp").contains("security.pkcs11"), "{}", lpar.get("lslpp"));
}

#[test]
fn where_none_of_them_is_installed_nothing_is_changed() {
    let lpar = lpar();
    lpar.set("lslpp", &row("bos.rte"));
    let (master, report) = run(&lpar, ALL);
    assert!(matches!(report.outcome, Outcome::Succeeded { .. }), "{report:?}");
    assert_eq!(master.changes(ChangeMoment::Kept), 0);
    assert!(!report.summary.contains("removed"), "{}", report.summary);
    assert_eq!(lpar.get("removals"), "");
}

#[test]
fn where_installp_refuses_or_something_stays_the_update_does_not_begin() {
    for (file, removals, said) in [
        (
            "look.refuses",
            1,
            "installp would not remove cas.agent and security.pkcs11: installp failed with exit status 1: other.product",
        ),
        (
            "refuses",
            2,
            "installp -uw cas.agent security.pkcs11 ended with exit status 1: Deinstalling / other.product requires it; \
             still installed: cas.agent 7.2.5.9, security.pkcs11 7.2.5.15",
        ),
        // It says that all went well.
        (
            "stays.cas.agent",
            2,
            "ended with exit status 0: Deinstalling; still installed: cas.agent 7.2.5.9",
        ),
        // All of it is gone, and what else was to be done was not.
        ("fails", 2, "ended with exit status 1: Deinstalling / bosboot failed"),
    ] {
        let lpar = lpar();
        lpar.set(file, "");
        let (_, report) = run(&lpar, ALL);
        assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged }, "{file}");
        assert!(report.summary.contains(said), "{file}: {}", report.summary);
        assert_eq!(lpar.get("removals").lines().count(), removals, "{file}");
        assert_eq!(lpar.get("runs"), "", "{file}");
        let lost = match file {
            "stays.cas.agent" => "removed for good: security.pkcs11 7.2.5.15;",
            "fails" => "removed for good: cas.agent 7.2.5.9, security.pkcs11 7.2.5.15;",
            _ => "the LPAR could not be made ready",
        };
        assert!(report.summary.contains(lost), "{file}: {}", report.summary);
        let untouched = file.ends_with("refuses");
        assert_eq!(lpar.get("lslpp").lines().count() == 3, untouched, "{file}");
    }
}

#[test]
fn a_list_that_cannot_be_read_removes_nothing() {
    let lpar = lpar();
    lpar.set("lslpp", "");
    let (_, report) = run(&lpar, ALL);
    assert_eq!(report.outcome, Outcome::Failed { software: Software::Unchanged });
    assert!(report.summary.contains("lslpp does not list what is installed"), "{report:?}");
    assert_eq!(lpar.get("removals"), "");
}
