//! (a) Whole operations against hosts in this process, beside what others take for an `echo` on the same hosts.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use integration_tests::wait_until_at;
use nim_lab::replay::Replay;
use nim_shared::api::OperationView;
use nim_shared::operation::StateName;

use crate::clients::{self, By};
use crate::hosts::{self, Site};
use crate::report::{Gate, Row, step};
use crate::session;
use crate::usage::{self, Cost};

/// Number of hosts.
const HOSTS: u32 = 1000;

/// How often all of them are worked on. The middle one counts.
const ROUNDS: usize = 3;

/// Pause between looks whether all have ended.
const LOOK: Duration = Duration::from_millis(500);

/// Processor time between two looks below which nimd rests: what follows from an outcome belongs to it, and is counted until then.
const AT_REST: Duration = Duration::from_millis(20);

/// The hosts and their master.
pub(crate) fn site() -> Result<(Replay, Site)> {
    let folder = hosts::folder()?;
    let first = Ipv4Addr::new(127, 80, 0, 1);
    let (replay, hosts) = hosts::replay(folder.path(), HOSTS, first, session::whole()?)?;
    Ok((replay, Site::start(folder, hosts)?))
}

/// Measures the row.
pub(crate) fn measure(site: &Site) -> Result<Row> {
    let count = site.hosts.at.len();
    let mut row = Row::new(format!(
        "(a) {count} whole operations: claim, connect, hello, {} journalled events, outcome",
        session::EVENTS
    ));
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        step(&format!("nimd, {count} hosts, round {number} of {ROUNDS}"));
        let round = round(site)?;
        row.figure("nimd", round.of(count));
        rounds.push(round);
    }
    rounds.sort_by_key(|round| round.wall);
    let ours = rounds[ROUNDS / 2];
    clients::beside(&mut row, site, ours, By::Speed)?;
    row.at_least("hosts a second", ours.per_second(count), 1000.0, Gate::No);
    row.at_most("CPU milliseconds a host in nimd", ours.cpu_each(count), 1.0, Gate::No);
    Ok(row)
}

/// An operation on every host: from the first that was accepted to the last outcome, as they are stored.
pub(crate) fn round(site: &Site) -> Result<Cost> {
    let before = usage::cpu(site.pid()?)?;
    let batch = site.submit()?;
    // Asked seldom: what the answers cost is counted too.
    wait_until_at(LOOK, "the operations to end", || {
        let open = site.nimctl(&["status", "--limit", "1", "--output", "json"])?;
        Ok(if open.trim() == "[]" { Ok(()) } else { Err(site.master.said()) })
    })?;
    let pid = site.pid()?;
    let mut last = usage::cpu(pid)?;
    let rested = wait_until_at(LOOK, "nimd to rest", || {
        let (now, then) = (usage::cpu(pid)?, last);
        last = now;
        let worked = now.saturating_sub(then);
        Ok(if worked <= AT_REST { Ok(then) } else { Err(format!("{worked:?} of work")) })
    });
    let cpu = rested?.saturating_sub(before);
    let count = site.hosts.at.len();
    let limit = count.to_string();
    let said =
        site.nimctl(&["status", "--batch", &batch, "--limit", &limit, "--output", "json"])?;
    let operations: Vec<OperationView> = serde_json::from_str(&said)?;
    ensure!(operations.len() == count, "{} operations", operations.len());
    if let Some(bad) = operations.iter().find(|one| one.state != StateName::Succeeded) {
        let why = bad.report.as_ref().map(|report| report.summary.as_str());
        anyhow::bail!("the operation on {} is {}: {}", bad.lpar, bad.state, why.unwrap_or("?"));
    }
    let first = operations.iter().map(|one| one.created_at).min().context("no operation")?;
    let last = operations.iter().filter_map(|one| one.ended_at).max().context("no end")?;
    Ok(Cost { wall: last.since(first).try_into()?, cpu })
}
