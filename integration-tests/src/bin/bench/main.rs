//! `make bench`: what the product claims about its speed and size, measured in one run beside what others take, with every figure.
//!
//! Ends with code 1 when a target that is a gate is missed. What is not measured is printed as such. Arguments choose rows by their
//! letter; none means all.

mod answer;
mod clients;
mod crowd;
mod discover;
mod events;
mod held;
mod hosts;
mod inventory;
mod list;
mod part;
mod planned;
mod preflighted;
mod refilled;
mod report;
mod rolled;
mod session;
mod sshd;
mod usage;
mod watched;
mod whole;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::task::spawn_blocking;

use crate::report::say;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    nim_master::os::raise_open_files()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let missed = match arguments.split_first() {
        Some((first, [])) if first == sshd::ANSWER => {
            sshd::answer().await?;
            0
        }
        Some((first, letters)) if first == part::MEASURE => {
            let letters = letters.to_vec();
            spawn_blocking(move || part::measure(&letters)).await?
        }
        _ => {
            say(&machine()?);
            spawn_blocking(move || part::all(&arguments)).await??
        }
    };
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What else the machine is doing: figures are to be read with it.
fn machine() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg").context("no load average")?;
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores; load average before the first row: {}\n", load.join(" ")))
}
