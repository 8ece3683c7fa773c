//! A model of the protocol between masters, database and agent, checked completely within bounds.
//!
//! Two masters claim operations in one database and command the agent of one LPAR. Frames arrive late, twice, in any order or
//! never; a master that lost its claim goes on as if it had only been stopped; the agent is killed between any two steps; the
//! LPAR boots, also from an older copy of its disk; the database falls back to an earlier moment. What must hold stands in
//! [`world`] as properties; what a master decides is the engine's own function, by way of [`decide`]; what the agent does stands in
//! [`agent`].
//!
//! Three kinds of test: in complete searches nothing forbidden is reachable and everything interesting is; from every world
//! there is a way to an end; and for every mistake in [`flaw`] a counterexample is found.

#![expect(
    clippy::print_stdout,
    reason = "how many worlds were visited belongs into the log of a run"
)]

mod agent;
mod decide;
mod flaw;
mod graph;
mod master;
mod message;
mod world;

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use flaw::Flaw;
use graph::{Graph, Mark};
use world::{Budget, Setup};

/// Nothing happens but work and two claims.
const QUIET: Setup =
    Setup { operations: 1, claims: 2, drops: false, flaw: None, budget: Budget::NONE };

#[test]
fn a_stopped_master_and_a_killed_agent_do_no_harm() {
    let budget = Budget { takeovers: 2, cancels: 1, kills: 1, ..Budget::NONE };
    holds(
        Setup { claims: 3, budget, ..QUIET },
        &[
            "succeeds",
            "fails",
            "is cancelled by the agent",
            "is cancelled over a tombstone",
            "geninstall outlives the supervisor",
            "two masters believe to own one operation",
            "is forgotten",
        ],
    );
}

#[test]
fn a_database_that_forgets_its_last_commits_does_no_harm() {
    let budget = Budget { takeovers: 1, cancels: 1, failovers: 1, ..Budget::NONE };
    holds(
        Setup { claims: 3, budget, ..QUIET },
        &[
            "succeeds",
            "is cancelled by the agent",
            "the LPAR runs what the database thinks is queued",
            "the LPAR runs what the database does not know",
            "two masters believe to own one operation",
            "is forgotten",
        ],
    );
}

#[test]
fn an_older_disk_does_no_harm() {
    let budget = Budget { takeovers: 1, cancels: 1, other_boots: 1, copies: 1, ..Budget::NONE };
    holds(
        Setup { budget, ..QUIET },
        &[
            "succeeds",
            "a journal is lost",
            "a second line of history is stored to its end",
            "is cancelled over a tombstone",
        ],
    );
}

#[test]
fn going_to_an_older_disk_and_back_does_no_harm() {
    let budget = Budget { other_boots: 2, copies: 1, ..Budget::NONE };
    holds(
        Setup { budget, ..QUIET },
        &["succeeds", "a journal is lost", "a second line of history is stored to its end"],
    );
}

/// The limit of what can be promised: where the database *and* the LPAR forget the same operation, nobody is left who knows
/// that it was begun. Everything else still holds.
#[test]
fn only_both_together_can_begin_an_update_again() {
    let budget = Budget { failovers: 1, other_boots: 1, ..Budget::NONE };
    holds(Setup { budget, ..QUIET }, &["an update starts twice", "a journal is lost"]);
}

#[test]
fn two_operations_never_share_the_lpar() {
    let budget = Budget { failovers: 1, ..Budget::NONE };
    holds(
        Setup { operations: 2, claims: 3, budget, ..QUIET },
        &["both succeed", "the LPAR runs what the database does not know"],
    );
}

#[test]
fn an_update_by_hand_does_no_harm() {
    let budget = Budget { takeovers: 1, cancels: 1, strangers: 1, ..Budget::NONE };
    holds(Setup { budget, ..QUIET }, &["is refused", "succeeds"]);
}

/// Two searches that share nothing but the model come to the same number of worlds.
#[test]
fn the_search_leaves_nothing_out() {
    let setup = Setup { budget: Budget { cancels: 1, kills: 1, ..Budget::NONE }, ..QUIET };
    let checker = setup.checker().spawn_bfs().join();
    assert_eq!(checker.unique_state_count(), graph(setup).len());
    assert!(checker.is_done());
}

#[test]
fn there_is_a_way_to_an_end_from_everywhere() {
    let drops = Setup { claims: 4, drops: true, ..QUIET };
    let takeover = Budget { takeovers: 1, cancels: 1, boots: 1, ..Budget::NONE };
    ends(Setup { claims: 3, budget: takeover, ..drops });
    ends(Setup { budget: Budget { failovers: 1, ..Budget::NONE }, ..drops });
    let older = Budget { other_boots: 1, copies: 1, ..Budget::NONE };
    ends(Setup { claims: 3, budget: older, ..drops });
}

#[test]
fn mistakes_of_the_agent_are_found() {
    let boots = Setup { budget: Budget { boots: 1, ..Budget::NONE }, ..QUIET };
    let takeover = Budget { takeovers: 1, ..Budget::NONE };
    let takeover = Setup { budget: takeover, ..QUIET };
    let stranger = Budget { strangers: 1, ..Budget::NONE };
    let stranger = Setup { budget: stranger, ..QUIET };
    let kills = Setup { budget: Budget { kills: 1, ..Budget::NONE }, ..QUIET };
    let older = Budget { other_boots: 1, copies: 1, ..Budget::NONE };
    let older = Setup { budget: older, ..QUIET };
    let cancels = Setup { budget: Budget { cancels: 1, ..Budget::NONE }, ..QUIET };
    let failover = Setup { budget: Budget { failovers: 1, ..Budget::NONE }, ..QUIET };
    for (flaw, setup, broken) in [
        (Flaw::AnswersBeforeSync, boots, "the record of the end is true"),
        (Flaw::NoFenceComparison, takeover, "nothing stale has an effect"),
        (Flaw::AttachStarts, older, "an update starts at most once"),
        (Flaw::NoTombstone, cancels, "what ended is not taken up"),
        (
            Flaw::NoLock,
            Setup { operations: 2, claims: 3, ..failover },
            "one operation has the LPAR",
        ),
        (Flaw::RefusalLeavesNothing, stranger, "what ended is not taken up"),
        (Flaw::BeginsBeforeRecord, kills, "an update starts at most once"),
        (Flaw::GoesOnAfterBoot, older, "an update starts at most once"),
        (Flaw::NoEpochs, older, "what is stored is a beginning of a line of history"),
        (Flaw::ForgetLeavesNothing, QUIET, "what ended is not taken up"),
    ] {
        breaks(flaw, setup, broken);
    }
}

#[test]
fn mistakes_of_the_master_are_found() {
    let older = Budget { other_boots: 1, copies: 1, ..Budget::NONE };
    let older = Setup { budget: older, ..QUIET };
    let cancels = Setup { budget: Budget { cancels: 1, ..Budget::NONE }, ..QUIET };
    let takeover = Budget { takeovers: 1, ..Budget::NONE };
    let takeover = Setup { budget: takeover, ..QUIET };
    let failover = Setup { budget: Budget { failovers: 1, ..Budget::NONE }, ..QUIET };
    for (flaw, setup, broken) in [
        (Flaw::StartBeforeCommit, cancels, "what ended is not taken up"),
        (Flaw::StartAgain, older, "an update starts at most once"),
        (Flaw::ProceedBeforeCommit, QUIET, "an update was allowed to begin"),
        (Flaw::UnguardedWrites, Setup { claims: 3, ..takeover }, "the record of the end is true"),
        (Flaw::StoresEveryDelivery, QUIET, "what is stored is a beginning of a line of history"),
        (Flaw::FenceFromRow, failover, "nothing stale has an effect"),
        (Flaw::ForgetsAtOnce, failover, "the record of the end is true"),
    ] {
        breaks(flaw, setup, broken);
    }
}

#[test]
fn mistakes_that_strand_an_operation_are_found() {
    let drops = Setup { claims: 4, drops: true, ..QUIET };
    let failover = Budget { failovers: 1, ..Budget::NONE };
    for (flaw, setup) in [
        (Flaw::TombstoneForEver, drops),
        (Flaw::NeverClaimsAgain, Setup { budget: failover, ..drops }),
    ] {
        let stranded = graph(Setup { flaw: Some(flaw), ..setup }).stranded().len();
        println!("{flaw:?}: no way to an end from {stranded} worlds");
        assert!(stranded > 0, "{flaw:?} strands nothing");
    }
}

/// Visits everything that `setup` can reach: nothing forbidden is there, and everything in `reached` is.
fn holds(setup: Setup, reached: &[&str]) {
    let checker = setup.checker().spawn_bfs().join();
    println!(
        "{} worlds, {} steps, at most {} deep",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth()
    );
    for property in setup.properties() {
        let path = checker.discovery(property.name).map(|path| path.into_actions());
        match property.expectation {
            Expectation::Always | Expectation::Eventually => {
                assert!(path.is_none(), "not so: {}: {:#?}", property.name, path.as_deref());
            }
            Expectation::Sometimes if reached.contains(&property.name) => {
                assert!(path.is_some(), "never: {}", property.name);
            }
            Expectation::Sometimes => {}
        }
    }
    // The search ends early only when nothing is left to find, and no bound of depth, number or time was set.
    assert!(setup.properties().iter().any(|property| checker.discovery(property.name).is_none()));
}

/// Visits everything that `setup` can reach: from each world in which an operation can still be claimed twice there is a way
/// to a world where everything that was accepted has ended.
fn ends(setup: Setup) {
    let graph = graph(setup);
    println!("{} worlds, {} of them open", graph.len(), graph.count(Mark::Open));
    assert!(graph.count(Mark::Open) > 1000, "the question was asked of next to nothing");
    if let Some(stranded) = graph.stranded().first() {
        panic!("no way to an end after {:#?}", graph.path(&setup, *stranded));
    }
}

fn graph(setup: Setup) -> Graph {
    Graph::of(&setup, |world| match world.all_ended() {
        true => Mark::Goal,
        false if world.serials + 2 <= setup.claims => Mark::Open,
        false => Mark::Edge,
    })
}

/// With `flaw` in it, the model reaches a world in which `broken` does not hold. Without, it does not.
fn breaks(flaw: Flaw, setup: Setup, broken: &'static str) {
    let found = HasDiscoveries::AnyOf([broken].into());
    let checker =
        Setup { flaw: Some(flaw), ..setup }.checker().finish_when(found).spawn_bfs().join();
    let worlds = checker.unique_state_count();
    let path = checker.discovery(broken).map(|path| path.into_actions().len());
    println!("{flaw:?}: {broken}: not so after {path:?} steps ({worlds} worlds)");
    assert!(path.is_some(), "{flaw:?} does not break: {broken}");
}
