//! A look at an LPAR, for a preflight, a choice of disks or what an update left, over a connection of its own: what the agent finds, in two rounds, the second by what the first
//! showed.

use std::sync::Arc;
use std::time::Duration;

use nim_shared::api::{Failure, FailureKind};
use nim_shared::disks::{self, DiskFacts};
use nim_shared::frame::{AgentFrame, MasterFrame};
use nim_shared::id::ObjectName;
use nim_shared::preflight::Facts;
use nim_shared::preflight::probe::{self, Probe, ProbeId, Probed};
use tokio::time::timeout;

use super::refused::{late, refused};
use super::{STATUS, failure, hint};
use crate::api::{DiskLook, Looked};
use crate::engine::session::{Agent, Lost};
use crate::engine::shared::Shared;

/// Looks at `lpar`.
///
/// # Errors
/// The agent cannot be reached, or it refuses.
pub(super) async fn look(shared: &Arc<Shared>, lpar: &ObjectName) -> Result<Looked, Failure> {
    let next = |level: Option<&str>, probed: &[Probed]| {
        let level = level.ok_or_else(String::new);
        probe::next(&Facts::read(level, probed, "not looked at yet"))
    };
    rounds(shared, lpar, probe::first(), next).await
}

/// Looks at the disks of `lpar`.
///
/// # Errors
/// The agent cannot be reached, or it refuses.
pub(super) async fn disks(
    shared: &Arc<Shared>,
    lpar: &ObjectName,
    wanted: &DiskLook,
) -> Result<Looked, Failure> {
    match wanted {
        DiskLook::Names => {
            let first = vec![Probe::of(ProbeId::DiskIdentities)];
            rounds(shared, lpar, first, |_, _| Vec::new()).await
        }
        DiskLook::Closely(pool) => {
            let next = |_: Option<&str>, probed: &[Probed]| {
                disks::closer(&DiskFacts::read(probed, "not looked at yet"), pool, lpar)
            };
            rounds(shared, lpar, disks::first(), next).await
        }
    }
}

/// Looks at single things of `lpar`.
///
/// # Errors
/// The agent cannot be reached, or it refuses.
pub(super) async fn single(
    shared: &Arc<Shared>,
    lpar: &ObjectName,
    probes: Vec<Probe>,
) -> Result<Looked, Failure> {
    rounds(shared, lpar, probes, |_, _| Vec::new()).await
}

async fn rounds(
    shared: &Arc<Shared>,
    lpar: &ObjectName,
    first: Vec<Probe>,
    next: impl Fn(Option<&str>, &[Probed]) -> Vec<Probe>,
) -> Result<Looked, Failure> {
    let lost = |lost: Lost| failure(&lost.code(), FailureKind::Unreachable, &lost, hint(&lost));
    let mut agent = match timeout(STATUS, shared.open_agent(lpar)).await {
        Ok(opened) => opened.map_err(lost)?,
        Err(_) => return Err(late(lpar, "the agent", STATUS)),
    };
    let seen = timeout(LIMIT, both_rounds(&mut agent, lpar, first, next)).await;
    let (level, boot) = (agent.hello().level.clone(), agent.hello().boot.clone());
    agent.close().await;
    match seen {
        Ok(Ok(probed)) => Ok(Looked { level, boot, probed }),
        Ok(Err(Said::Lost(error))) => Err(lost(*error)),
        Ok(Err(Said::Refused(failure))) => Err(*failure),
        Err(_) => Err(late(lpar, "the agent", LIMIT)),
    }
}

/// Why there is no answer.
enum Said {
    Lost(Box<Lost>),
    Refused(Box<Failure>),
}

async fn both_rounds(
    agent: &mut Agent,
    lpar: &ObjectName,
    first: Vec<Probe>,
    next: impl Fn(Option<&str>, &[Probed]) -> Vec<Probe>,
) -> Result<Vec<Probed>, Said> {
    let mut probed = round(agent, lpar, first).await?;
    let next = next(agent.hello().level.as_deref(), &probed);
    if !next.is_empty() {
        probed.extend(round(agent, lpar, next).await?);
    }
    Ok(probed)
}

async fn round(
    agent: &mut Agent,
    lpar: &ObjectName,
    probes: Vec<Probe>,
) -> Result<Vec<Probed>, Said> {
    let lost = |error| Said::Lost(Box::new(error));
    let frame = MasterFrame::Preflight { probes: probes.clone() };
    agent.send(&frame).await.map_err(lost)?;
    let mut probed: Vec<Probed> = Vec::new();
    loop {
        match agent.next().await.map_err(lost)? {
            // What was not asked for, or comes again, is nothing that was found.
            AgentFrame::Probed(found) => {
                let is_new = !probed.iter().any(|one| one.probe == found.probe);
                if is_new && probes.contains(&found.probe) {
                    probed.push(*found);
                }
            }
            AgentFrame::PreflightEnded => return Ok(probed),
            AgentFrame::Refused { why, text, .. } => {
                let message = format!("{lpar} was not looked at");
                return Err(Said::Refused(Box::new(refused(lpar, message, &why, &text))));
            }
            // What is said beside it is for sessions of operations.
            _ => {}
        }
    }
}

/// How long a look may take: a few slow commands, not all of them.
const LIMIT: Duration = Duration::from_secs(240);
