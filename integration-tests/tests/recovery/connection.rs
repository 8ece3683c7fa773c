//! Connections are cut, and the agent's processes killed, in several phases; an LPAR boots in the middle.

use anyhow::{Result, ensure};
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::{Armed, Fault};
use nim_lab::record;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_or_agent_is_not_a_failed_update() -> Result<()> {
    let site = site::start(Mode::Auto { speed: 200 }).await?;
    let disturbed: [(&str, &[(Fault, Phase)]); 5] = [
        ("lpar08", &[(Fault::SshDrop, Phase::Install), (Fault::AgentKilled, Phase::Mirror)]),
        ("lpar09", &[(Fault::SshDropInBlackout, Phase::Blackout)]),
        ("lpar10", &[(Fault::SupervisorKilled, Phase::Install)]),
        ("lpar11", &[(Fault::SupervisorKilled, Phase::Boot), (Fault::SshDrop, Phase::Cleanup)]),
        (
            "lpar12",
            &[(Fault::AgentKilled, Phase::Install), (Fault::SupervisorKilled, Phase::Clone)],
        ),
    ];
    update::ask(&site, "lpar07")?;
    for (lpar, faults) in disturbed {
        for (fault, phase) in faults {
            site.lab().arm_fault(lpar, *fault, Armed::At(*phase)).await?;
        }
        update::ask(&site, lpar)?;
    }
    update::end(&site, "lpar07")?;
    let undisturbed = update::sequence(&update::events(&site, "lpar07")?);
    for lpar in ["lpar07"].into_iter().chain(disturbed.map(|(lpar, _)| lpar)) {
        update::end(&site, lpar)?;
        update::equals(&site, lpar, &undisturbed)?;
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lpar_that_boots_in_the_middle_is_judged_by_evidence_and_not_started_again() -> Result<()>
{
    let mut site = site::start(Mode::Explicit).await?;
    // The lock of a Live Update stays over the boot, as that of a clean-up would: it is looked at for so long before a verdict.
    site.master().settle("agent:\n  post: 15s\n")?;
    let booted = [("lpar07", Phase::Install), ("lpar08", Phase::Clone), ("lpar09", Phase::Cleanup)];
    for (lpar, phase) in booted {
        update::ask(&site, lpar)?;
        update::step_to(&site, lpar, phase).await?;
        // In the silent phases nimd would leave it in peace: what it has seen is past them.
        update::until(&site, lpar, phase.name(), |view| view["phase"] == phase.name())?;
        site.lab().reboot(lpar, None).await?;
    }
    for (lpar, phase) in booted {
        let view = update::end(&site, lpar)?;
        let state = view["state"].as_str().unwrap_or_default();
        // Before the move nothing can have succeeded; whether it failed cleanly or a person has to look is for the evidence.
        ensure!(matches!(state, "failed" | "stuck") || phase > Phase::Running, "{view:#}");
        ensure!(state == "succeeded" || !view["failure"].is_null(), "no reason given: {view:#}");
        ensure!(site.updates_started(lpar)? == 1, "{lpar} was started again: {view:#}");
        let booted = |entry: &record::Entry| {
            entry.lpar == lpar && matches!(entry.deed, record::Deed::Booted { .. })
        };
        ensure!(site.lab().record()?.iter().any(booted), "{lpar} did not boot: {view:#}");
        update::events(&site, lpar)?;
    }
    site.end().await
}
