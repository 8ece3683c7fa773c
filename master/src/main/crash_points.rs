//! `nimd` with the feature `crash-points`, under a name of its own: nobody mistakes it for the one that ships.

use std::process::ExitCode;

#[path = "../main.rs"]
mod nimd;

fn main() -> ExitCode {
    nimd::main()
}
