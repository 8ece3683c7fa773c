//! Where the programs are that ship.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// The program `name`, built beside this test.
pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().context("this test does not know where it is")?;
    let folder = test.parent().and_then(|deps| deps.parent()).context("no folder of programs")?;
    let program = folder.join(name);
    ensure!(
        program.exists(),
        "{} is missing: build the programs first, as `make test` does",
        program.display()
    );
    Ok(program)
}
