//! Kills the agent at every place where order matters, starts it again, and compares the end with that of the undisturbed run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use nim_shared::hook::{HookExit, HookPoint};
use nim_shared::prep::Unsupported;
use nim_shared::request::{Install, Kind, Limits, Request};

use crate::aftercare;
use crate::alt_disk;
use crate::filesets;
use crate::hook::{self, FAILS, NOTES};
use crate::install::{self, INSTALLS, plain};
use crate::logs;
use crate::lpar::{FIX, Lpar, OWN_DATA, order};
use crate::maint;
use crate::master::{Master, Session, push_all};
use crate::prep;
use crate::release;
use crate::rollback;
use crate::script::{self, FIRST, SECOND};
use crate::split;
use crate::step;

pub(crate) const LOG: &str = "crash.log";

/// What must not depend on where the agent was killed.
#[derive(Debug, PartialEq)]
struct End {
    outcome: String,
    sequence: Vec<String>,
    runs: String,
    scripts: String,
    removals: Vec<String>,
    data: String,
    token: String,
    images: bool,
    /// What steps of prep change.
    settings: Vec<(&'static str, String)>,
    logs: String,
    /// Subsystems that run and were started anew.
    anew: Vec<&'static str>,
}

fn end(lpar: &Lpar, master: &Master, report: &nim_shared::operation::Report) -> End {
    End {
        outcome: format!("{:?}", report.outcome),
        sequence: master.sequence(),
        runs: lpar.get("runs"),
        scripts: lpar.get("scripts"),
        // A look may be repeated.
        removals: lpar
            .get("removals")
            .lines()
            .filter(|line| line.starts_with("-uw"))
            .map(str::to_owned)
            .collect(),
        data: std::fs::read_to_string(lpar.data()).unwrap(),
        token: lpar.get("token"),
        logs: logs::added(lpar, master),
        images: lpar.agent_file(&format!("operations/{}/images", master.operation)).exists(),
        settings: prep::state(lpar),
        anew: aftercare::anew(lpar),
    }
}

/// What is asked of an LPAR of which kind.
struct Case {
    lpar: fn() -> Lpar,
    request: Request,
    /// The least number of places that it passes.
    places: usize,
    /// What another case asks of an LPAR of which kind: it is killed at the places that both pass first.
    like: Option<Like>,
}

type Like = (fn() -> Lpar, Request);

/// Runs one operation; the first process that comes to `crash` dies there.
fn run(lpar: fn() -> Lpar, request: &Request, crash: &str) -> (End, Vec<String>) {
    let lpar = lpar();
    push_all(&lpar, &[FIX, FIRST, SECOND, NOTES, FAILS]);
    let log = lpar.path(LOG);
    let log = log.to_str().unwrap();
    let mut master = Master::new(request);
    let mut session =
        Session::open(&lpar, &[("NIM_AGENT_CRASH", crash), ("NIM_AGENT_CRASH_LOG", log)]);
    let mut report = master.follow_until(&mut session, || has_crashed(log, crash));
    drop(session);
    while report.is_none() {
        // Nothing crashes any more: the count has passed.
        report = master.follow(&mut Session::open(&lpar, &[]));
    }
    let passed = std::fs::read_to_string(log).unwrap_or_default();
    let end = end(&lpar, &master, &report.unwrap());
    (end, passed.lines().map(str::to_owned).collect())
}

pub(crate) fn has_crashed(log: &str, crash: &str) -> bool {
    let Some((name, count)) = crash.split_once(':') else { return false };
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| *line == name).count() >= count.parse().unwrap()
}

#[test]
fn wherever_the_agent_is_killed_the_end_is_that_of_the_undisturbed_run() {
    let lpar = Lpar::new;
    killed_everywhere(&Case { lpar, request: order(Kind::Update), places: 100, like: None });
}

#[test]
fn wherever_the_agent_is_killed_with_all_steps_of_prep_what_was_on_is_on_again() {
    let before = prep::with_copy(prep::state(&prep::lpar()));
    let request = prep::with_prep();
    let undisturbed =
        killed_everywhere(&Case { lpar: prep::lpar, request, places: 200, like: None });
    assert_eq!(undisturbed.settings, before);
}

#[test]
fn wherever_the_agent_is_killed_in_a_failure_with_all_steps_of_prep_what_was_on_is_on_again() {
    let lpar = || {
        let lpar = prep::lpar();
        lpar.set("fail", "");
        lpar.set(
            "transcript",
            "Validating live update input data.\n1430-045 The live update operation failed.\n",
        );
        lpar
    };
    let (before, request) = (prep::with_copy(prep::state(&lpar())), prep::with_prep());
    let like: Option<Like> = Some((prep::lpar, request.clone()));
    let undisturbed = killed_everywhere(&Case { lpar, request, places: 190, like });
    assert_eq!(undisturbed.settings, before);
}

#[test]
fn wherever_the_agent_is_killed_filesets_are_removed_once() {
    let request = filesets::removing(Unsupported::ALL);
    let like: Option<Like> = Some((filesets::lpar, filesets::removing(&[])));
    let lpar = filesets::lpar;
    let undisturbed = killed_everywhere(&Case { lpar, request, places: 100, like });
    assert_eq!(undisturbed.removals, ["-uw cas.agent security.pkcs11"]);
}

#[test]
fn wherever_the_agent_is_killed_what_is_started_anew_runs_in_the_end() {
    let like: Option<Like> = Some((aftercare::lpar, order(Kind::Update)));
    let request = aftercare::restarting(&["sshd"]);
    let case = Case { lpar: aftercare::lpar, request, places: 100, like };
    let (mut undisturbed, ends) = ends_of(&case);
    assert_eq!(undisturbed.anew, ["sshd"]);
    // A change that was intended and not made is put back, and it is made anew: how many it takes depends on the place.
    undisturbed.sequence.clear();
    for (point, mut end) in ends {
        end.sequence.clear();
        assert_eq!(end, undisturbed, "{point}");
    }
}

#[test]
fn wherever_the_agent_is_killed_the_logs_of_a_failed_update_are_kept_once() {
    let like: Option<Like> = Some((Lpar::new, order(Kind::Update)));
    killed_everywhere(&Case { lpar: logs::lpar, request: order(Kind::Update), places: 90, like });
}

#[test]
fn wherever_the_agent_is_killed_software_is_installed_once() {
    let request = plain(Kind::Install);
    killed_everywhere(&Case { lpar: installs, request, places: 50, like: None });
}

#[test]
fn wherever_the_agent_is_killed_rootvg_is_copied_once() {
    let request = alt_disk::order(None);
    killed_everywhere(&Case { lpar: alt_disk::lpar, request, places: 50, like: None });
}

#[test]
fn wherever_the_agent_is_killed_maintenance_is_done_once() {
    let request = maint::order(Kind::Maint, "c", Install::All);
    killed_everywhere(&Case { lpar: maint::lpar, request, places: 40, like: None });
}

#[test]
fn wherever_the_agent_is_killed_a_copy_is_dropped_once() {
    killed_everywhere(&Case {
        lpar: release::lpar,
        request: release::order(),
        places: 40,
        like: None,
    });
}

#[test]
fn wherever_the_agent_is_killed_a_boot_is_asked_for_once() {
    killed_everywhere(&Case {
        lpar: rollback::lpar,
        request: rollback::order(),
        places: 35,
        like: None,
    });
}

#[test]
fn wherever_the_agent_is_killed_the_boot_list_is_as_before_where_a_boot_is_refused() {
    let lpar = || {
        let lpar = rollback::lpar();
        lpar.command("shutdown", "echo \"$*\" >> runs; exit 1");
        lpar
    };
    let request = Request { limits: Limits::default(), ..rollback::order() };
    let like: Option<Like> = Some((rollback::lpar, rollback::order()));
    killed_everywhere(&Case { lpar, request, places: 40, like });
}

#[test]
fn wherever_the_agent_is_killed_scripts_run_once_and_are_told() {
    let request = script::with(&[FIRST, SECOND], plain(Kind::Install));
    let like: Option<Like> = Some((script::lpar, plain(Kind::Install)));
    killed_everywhere(&Case { lpar: script::lpar, request, places: 70, like });
}

#[test]
fn wherever_the_agent_is_killed_each_part_of_a_split_update_runs_once() {
    let like: Option<Like> = Some((Lpar::new, order(Kind::Update)));
    killed_everywhere(&Case { lpar: split::lpar, request: split::order(), places: 110, like });
}

#[test]
fn wherever_the_agent_is_killed_hooks_run_once_and_are_told() {
    let request = hook::everywhere(script::with(&[FIRST], plain(Kind::Install)));
    // A word of the master is waited for between them.
    let request = step::with(&[HookPoint::Prep, HookPoint::Pre], request);
    killed_everywhere(&Case { lpar: script::lpar, request, places: 92, like: None });
}

#[test]
fn wherever_the_agent_is_killed_a_hook_that_fails_ends_the_operation_once() {
    let hooks = [
        (HookPoint::Prep, HookExit::Warn, FAILS),
        (HookPoint::BeforeUpdate, HookExit::Fail, FAILS),
        (HookPoint::OnFailure, HookExit::Warn, NOTES),
    ];
    let request = hook::with(&hooks, plain(Kind::Install));
    let like: Option<Like> = Some((script::lpar, plain(Kind::Install)));
    killed_everywhere(&Case { lpar: script::lpar, request, places: 50, like });
}

#[test]
fn wherever_the_agent_is_killed_the_preview_of_an_installation_runs_once() {
    let lpar = || {
        let lpar = Lpar::new();
        lpar.command("geninstall", install::LOOKS);
        lpar
    };
    let like: Option<Like> = Some((installs, plain(Kind::Install)));
    killed_everywhere(&Case { lpar, request: plain(Kind::InstallPreview), places: 50, like });
}

fn installs() -> Lpar {
    let lpar = Lpar::new();
    lpar.command("geninstall", INSTALLS);
    lpar
}

/// Kills the agent at each place, as [`ends_of`] does, where each end has to be that of the undisturbed run, which is returned.
fn killed_everywhere(case: &Case) -> End {
    let (undisturbed, ends) = ends_of(case);
    let differing: Vec<_> = ends.iter().filter(|(_, end)| *end != undisturbed).collect();
    let names: Vec<_> = differing.iter().map(|(point, _)| point).collect();
    assert!(
        differing.is_empty(),
        "{names:?}\nundisturbed: {undisturbed:#?}\nfirst: {:#?}",
        differing[0]
    );
    undisturbed
}

/// Kills the agent at each place that the undisturbed run passes, but for those that the case it is like passes first in the same order.
/// The end of the undisturbed run, and those of the others.
fn ends_of(case: &Case) -> (End, Vec<(String, End)>) {
    let (undisturbed, passed) = run(case.lpar, &case.request, "");
    let like = case.like.as_ref().map(|(lpar, request)| run(*lpar, request, "").1);
    let same = like.unwrap_or_default().iter().zip(&passed).take_while(|(a, b)| a == b).count();
    assert_eq!(undisturbed.data, OWN_DATA);
    assert!(passed.len() > case.places, "only {} points", passed.len());
    let ends = at_each(&passed, same, |point| run(case.lpar, &case.request, point).0);
    (undisturbed, ends)
}

/// What `run` comes to when it is killed at each of the places that an undisturbed one has `passed`, but for the first `same`.
pub(crate) fn at_each<T: Send>(
    passed: &[String],
    same: usize,
    run: impl Fn(&str) -> T + Sync,
) -> Vec<(String, T)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for name in passed {
        let count = counts.entry(name).or_default();
        *count += 1;
        points.push(format!("{name}:{count}"));
    }
    // The shim's own death is another subject: what geninstall did is then decided by evidence.
    let points = points.into_iter().skip(same);
    let points: Vec<_> = points.filter(|point| !point.starts_with("shim.")).collect();
    let next = AtomicUsize::new(0);
    let ends = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once() {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let _turn = Turn::take();
                    let end = run(point);
                    ends.lock().unwrap().push((point.clone(), end));
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

/// Runs at once, of all cases together. A run waits for much of its time; yet too many only wait for a processor, and each look at the
/// processes of the machine then costs more.
fn at_once() -> usize {
    10 * std::thread::available_parallelism().unwrap().get()
}

/// The turn of one run, over when it is dropped.
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    /// Waits until so few run that another may.
    fn take() -> Self {
        let running = RUNNING.lock().unwrap();
        *ENDED.wait_while(running, |running| *running >= at_once()).unwrap() += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap() -= 1;
        ENDED.notify_one();
    }
}
