//! (d) Memory of a session that is held, and (g) how soon all are held again after nimd was killed.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use integration_tests::wait_until;
use nim_lab::replay::Replay;
use nim_shared::api::{OperationView, Server};
use nim_shared::operation::StateName;
use nim_shared::stage::Stage;
use nim_shared::stamp::Timestamp;

use crate::hosts::{self, Site};
use crate::report::{Gate, Row, number, step};
use crate::{session, usage};

/// Number of sessions.
const SESSIONS: u32 = 1000;

/// Hosts whose operations go on for as long as they are asked, and their master.
pub(crate) fn site() -> Result<(Replay, Site)> {
    let folder = hosts::folder()?;
    let first = Ipv4Addr::new(127, 81, 0, 1);
    let script = session::held(Duration::ZERO, 0)?;
    let (replay, hosts) = hosts::replay(folder.path(), SESSIONS, first, script)?;
    Ok((replay, Site::start(folder, hosts)?))
}

/// Measures the memory, on a nimd that has done nothing else. The sessions stay open.
pub(crate) fn memory(site: &Site) -> Result<Row> {
    step(&format!("{SESSIONS} sessions are opened"));
    let before = usage::resident(site.pid()?)?;
    site.submit()?;
    wait_until_prepared(site, SESSIONS)?;
    let after = usage::resident(site.pid()?)?;
    let each = (after - before) / f64::from(SESSIONS) * 1.024;
    let mut row = Row::new(format!("(d) memory of a held session, {SESSIONS} at a time"));
    row.figure("nimd before", format!("{} KiB", number(before)));
    row.figure("nimd with all of them", format!("{} KiB", number(after)));
    row.at_most("kB a session", each, 100.0, Gate::No);
    Ok(row)
}

/// Kills nimd under its sessions and starts it again.
pub(crate) fn restart(site: &mut Site, replay: &Replay) -> Result<Row> {
    step("nimd is killed and started again");
    let attached_before = replay.heard("attach").map_or(0, |(count, _)| count);
    site.master.kill()?;
    let begun = Instant::now();
    site.master.launch()?;
    let started = begun.elapsed();
    let server: Server = serde_json::from_str(&site.nimctl(&["server", "--output", "json"])?)?;
    let all = attached_before + usize::try_from(SESSIONS)?;
    let last = wait_until("every session to be attached again", || {
        let (count, last) = match replay.heard("attach") {
            Some((count, last)) => (count - attached_before, Some(last)),
            None => (0, None),
        };
        Ok(last
            .filter(|_| count >= all - attached_before)
            .ok_or_else(|| format!("{count} attached:\n{}", site.master.said())))
    })?;
    let took = Timestamp::new(last.into()).since(server.ready_at).as_seconds_f64();
    let open = open(site)?;
    ensure!(open.len() == usize::try_from(SESSIONS)?, "{} operations run", open.len());
    let mut row =
        Row::new(format!("(g) {SESSIONS} in flight, nimd killed with SIGKILL and started again"));
    row.figure(
        "from its start to its first answer",
        format!("{} s", number(started.as_secs_f64())),
    );
    row.at_most("seconds from readiness to the last `attach`", took, 5.0, Gate::Yes);
    Ok(row)
}

/// Waits until `count` operations said `ready`, so that all that is said in a session was said.
pub(crate) fn wait_until_prepared(site: &Site, count: u32) -> Result<()> {
    wait_until("every session to be prepared", || {
        let prepared = open(site)?
            .iter()
            .filter(|one| one.stage.as_ref().and_then(|stage| stage.known()) == Some(Stage::Prep))
            .count();
        Ok(if prepared >= usize::try_from(count)? {
            Ok(())
        } else {
            Err(format!("{prepared} prepared:\n{}", site.master.said()))
        })
    })
}

/// The operations that run.
fn open(site: &Site) -> Result<Vec<OperationView>> {
    let limit = (SESSIONS + 1).to_string();
    let running = StateName::Running.name();
    let said =
        site.nimctl(&["status", "--state", running, "--limit", &limit, "--output", "json"])?;
    serde_json::from_str(&said).context("no list of operations")
}
