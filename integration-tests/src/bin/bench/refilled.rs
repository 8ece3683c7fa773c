//! (n) How long a slot of a rollout is empty: from when the HMC shows the memory back until the next LPAR of that frame is begun.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until_at};
use nim_lab::clock::Mode;

use crate::report::{Gate, Row, number, step};
use crate::rolled::{Fleet, Limits};

/// How many times faster than life the site is.
const SPEED: u32 = 400;

/// Frames, each of which updates one LPAR at a time, and LPARs.
const FRAMES: u32 = 8;
const LPARS: u32 = 48;

/// Milliseconds that are ours.
const OURS: f64 = 250.0;

/// Between two looks whether all is over.
const LOOK: Duration = Duration::from_millis(500);

/// Measures the row.
pub(crate) async fn measure() -> Result<Row> {
    step(&format!("a rollout of {LPARS} LPARs, one at a time on each of {FRAMES} frames"));
    let fleet = Fleet { frames: FRAMES, lpars: LPARS };
    let mut site = fleet.site(Mode::Auto { speed: SPEED }).await?;
    let file = fleet.rollout(&site, Limits { in_flight: LPARS, per_frame: 1 })?;
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    wait_until_at(LOOK, "the rollout to end", || {
        let status = Fleet::status(&site)?;
        let over = status.view.phase == "ended";
        Ok(if over { Ok(()) } else { Err(format!("{:?}", status.view.counts)) })
    })?;
    let (ours, hmcs) = delays(&mut site)?;
    ensure!(ours.len() == usize::try_from(LPARS - FRAMES)?, "{} refills", ours.len());
    let part = |of: &[f64], percent: usize| of[(of.len() * percent).div_ceil(100).max(1) - 1];
    let mut row = Row::new(format!("(n) a slot that is free is taken again, {} times", ours.len()));
    row.figure("half of them within", format!("{} ms", number(part(&ours, 50))));
    row.figure("the slowest", format!("{} ms", number(part(&ours, 100))));
    row.figure(
        "from its end to memory that is back",
        format!(
            "half within {} ms, the slowest {} ms",
            number(part(&hmcs, 50)),
            number(part(&hmcs, 100))
        ),
    );
    row.at_most("milliseconds, 95 of 100", part(&ours, 95), OURS, Gate::Yes);
    site.end().await?;
    Ok(row)
}

/// Milliseconds from a release to what was begun next on that frame, and from the end of an update to its release; each in order.
fn delays(site: &mut Harness) -> Result<(Vec<f64>, Vec<f64>)> {
    let sql = "SELECT r.frame, extract(epoch FROM o.created_at), extract(epoch FROM o.ended_at), extract(epoch FROM r.released_at) \
               FROM reservation r JOIN operation o ON o.id = r.operation_id ORDER BY o.created_at";
    let shown = Command::new("psql")
        .args(["--username", "nimd", "--dbname", "postgres", "--no-align", "--tuples-only"])
        .args(["--field-separator", " ", "--command", sql, "--host"])
        .arg(site.master().folder().join("postgres/socket"))
        .output()
        .context("psql does not start")?;
    ensure!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let (mut ours, mut hmcs) = (Vec::new(), Vec::new());
    let mut free: BTreeMap<String, f64> = BTreeMap::new();
    for line in String::from_utf8(shown.stdout)?.lines() {
        let [frame, times @ ..] = &line.split(' ').collect::<Vec<_>>()[..] else { continue };
        let times: Vec<f64> =
            times.iter().map(|time| time.parse()).collect::<Result<_, _>>().context("no times")?;
        let [created, ended, released] = times[..] else { anyhow::bail!("{line}") };
        hmcs.push((released - ended) * 1000.0);
        if let Some(since) = free.insert((*frame).to_owned(), released) {
            ours.push((created - since) * 1000.0);
        }
    }
    ours.sort_by(f64::total_cmp);
    hmcs.sort_by(f64::total_cmp);
    Ok((ours, hmcs))
}
