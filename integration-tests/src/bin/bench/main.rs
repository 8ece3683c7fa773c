//! `make bench`: what the product claims about its speed and size, measured in one run beside what others take, with every figure.
//!
//! Ends with code 1 when a target that is a gate is missed. What is not measured is printed as such. Arguments choose rows by their
//! letter; none means all.

mod clients;
mod events;
mod held;
mod hosts;
mod list;
mod report;
mod session;
mod sshd;
mod usage;
mod watched;
mod whole;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::task::spawn_blocking;

use crate::report::Row;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    nim_master::os::raise_open_files()?;
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    if chosen == [sshd::ANSWER] {
        sshd::answer().await?;
        return Ok(ExitCode::SUCCESS);
    }
    // Gates that were missed.
    let mut missed = 0;
    say(&machine()?);
    if chosen.is_empty() || chosen.iter().any(|one| one == "c") {
        missed += show(&[events::measure().await?]);
    }
    missed += spawn_blocking(move || rows(&chosen)).await??;
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Measures the rows that have hosts and a master. How many gates were missed.
fn rows(chosen: &[String]) -> Result<usize> {
    let wanted = |letter: &str| chosen.is_empty() || chosen.iter().any(|one| one == letter);
    let mut missed = 0;
    if wanted("a") || wanted("f") {
        let (_replay, site) = whole::site()?;
        if wanted("a") {
            missed += show(&[whole::measure(&site)?]);
        }
        if wanted("f") {
            missed += show(&[list::measure(&site)?]);
        }
    }
    if wanted("b") {
        missed += show(&[sshd::measure()?]);
    }
    if wanted("d") || wanted("g") {
        let (replay, mut site) = held::site()?;
        missed += show(&[held::memory(&site)?]);
        if wanted("g") {
            missed += show(&[held::restart(&mut site, &replay)?]);
        }
    }
    if wanted("e") || wanted("h") {
        missed += show(&watched::measure()?);
    }
    Ok(missed)
}

/// Prints rows. How many gates they missed.
fn show(rows: &[Row]) -> usize {
    rows.iter().for_each(|row| say(&row.to_string()));
    rows.iter().map(Row::missed_gates).sum()
}

/// What else the machine is doing: figures are to be read with it.
fn machine() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg").context("no load average")?;
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores; load average before the first row: {}\n", load.join(" ")))
}

#[expect(clippy::print_stdout, reason = "what is measured is what this program is for")]
fn say(text: &str) {
    println!("{text}");
}
