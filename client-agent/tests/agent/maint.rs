//! Maintenance: installp commits, rejects, removes or cleans up, as any other order is carried out.

use nim_shared::frame::Refusal;
use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::{Images, Install, Kind, Request};

use crate::install::plain;
use crate::lpar::Lpar;
use crate::master::{Master, Session};
use crate::session::refusals;

/// Maintenance with these options.
pub(crate) fn order(kind: Kind, flags: &str, install: Install) -> Request {
    Request {
        installp_flags: Some(flags.to_owned()),
        images: None,
        install,
        accept_licenses: false,
        ..plain(kind)
    }
}

/// An LPAR on which one fileset is applied, and whose installp commits it.
pub(crate) fn lpar() -> Lpar {
    let lpar = Lpar::new();
    lpar.set("lslpp", "bos.rte:bos.rte:7.3.3.1: : :A: :Base:\n");
    lpar.command("installp", COMMITS);
    lpar.command("geninstall", "echo geninstall >> runs");
    lpar
}

const COMMITS: &str = "echo \"installp $*\" >> runs; echo 'bos.rte:bos.rte:7.3.3.1: : :C: :Base:' > lslpp; echo committed";

fn run(lpar: &Lpar, request: &Request) -> (Master, Report) {
    let mut master = Master::new(request);
    let report = master.follow(&mut Session::open(lpar, &[])).expect("the session ended");
    (master, report)
}

#[test]
fn installp_is_run_once_and_what_it_came_to_is_told_by_status_and_disk() {
    let list = Install::List(vec!["bos.a".to_owned(), "bos.b".to_owned()]);
    let failed = |software| Outcome::Failed { software };
    let fails = "echo \"installp $*\" >> runs; exit 9";
    let half = "echo \"installp $*\" >> runs; echo 'bos.rte:bos.rte:7.3.3.0: : :C: :Base:' > lslpp; exit 9";
    let idle = "echo \"installp $*\" >> runs";
    for (script, request, runs, expected) in [
        (
            COMMITS,
            order(Kind::Maint, "cgX", Install::All),
            "installp -cgX all\n",
            Outcome::Succeeded { follow_up: vec![] },
        ),
        (
            idle,
            order(Kind::MaintPreview, "ug", list.clone()),
            "installp -pug bos.a bos.b\n",
            Outcome::Succeeded { follow_up: vec![] },
        ),
        (idle, order(Kind::Maint, "C", Install::Nothing), "installp -C\n", Outcome::Unchanged),
        (
            fails,
            order(Kind::Maint, "u", list.clone()),
            "installp -u bos.a bos.b\n",
            failed(Software::Unchanged),
        ),
        (
            half,
            order(Kind::Maint, "r", list),
            "installp -r bos.a bos.b\n",
            failed(Software::PartlyApplied),
        ),
    ] {
        let lpar = lpar();
        lpar.command("installp", script);
        let (master, report) = run(&lpar, &request);
        assert_eq!(report.outcome, expected, "{report:?}");
        assert_eq!(lpar.get("runs"), runs);
        assert!(!report.summary.contains("geninstall"), "{report:?}");
        let stages: Vec<_> =
            master.sequence().into_iter().filter(|line| line.starts_with("stage")).collect();
        assert_eq!(stages.len(), 5, "{stages:?}");
    }
}

#[test]
fn options_that_mean_something_else_are_refused() {
    let lpar = lpar();
    let mut refused = refusals(&lpar);
    let bad = Some(Refusal::BadRequest);
    for flags in ["", "g", "cu", "aF", "c -d /x"] {
        assert_eq!(refused(&order(Kind::Maint, flags, Install::All)), bad, "{flags}");
    }
    assert_eq!(refused(&order(Kind::Maint, "u", Install::All)), bad);
    assert_eq!(refused(&order(Kind::Maint, "u", Install::List(vec!["-C".to_owned()]))), bad);
    let folder = Some(Images::Folder { path: "/x".to_owned() });
    assert_eq!(refused(&Request { images: folder, ..order(Kind::Maint, "c", Install::All) }), bad);
    std::fs::write(lpar.path("etc/nim-agent.policy"), "preview_only = yes\n").unwrap();
    assert_eq!(refused(&order(Kind::Maint, "c", Install::All)), Some(Refusal::Policy));
    assert_eq!(lpar.get("runs"), "");
}
