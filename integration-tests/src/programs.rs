//! Where the programs are that ship.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// The program `name`, built beside this test or this program.
///
/// # Errors
/// When it is not there.
pub fn find(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let folder = this.parent().context("no folder of programs")?;
    // Tests lie one folder deeper.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let program = folder.join(name);
    ensure!(
        program.exists(),
        "{} is missing: build the programs first, as `make test` does",
        program.display()
    );
    Ok(program)
}
