//! A secret is looked for in everything that is written while it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use nim_lab::Phase;
use nim_lab::clock::Mode;
use nim_lab::fault::{Armed, Fault};
use nim_lab::record::Deed;

use crate::{site, update};

/// Password of the HMCs of the site.
const SECRET: &str = "live4update";

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_the_console_is_nowhere_to_be_read() -> Result<()> {
    let mut site = site::start(Mode::Auto { speed: 200 }).await?;
    // One that succeeds, and one that fails and says why at length.
    site.lab().arm_fault("lpar08", Fault::ProcfsOpen, Armed::At(Phase::Move)).await?;
    for lpar in ["lpar07", "lpar08"] {
        update::ask(&site, lpar)?;
    }
    let mut written = Vec::new();
    for lpar in ["lpar07", "lpar08"] {
        update::end(&site, lpar)?;
        ensure!(logged_in(&site, lpar)?, "the password was not used on {lpar}");
        for command in ["log", "events", "status"] {
            for format in ["table", "json", "yaml"] {
                let run = site.nimctl([command, lpar, "--output", format]);
                written.push((run.command.clone(), format!("{}{}", run.stdout, run.stderr)));
            }
        }
    }
    written.push(("nimctl export".to_owned(), site.nimctl(["export"]).succeeded()?.stdout));
    written.push(("the log of nimd".to_owned(), site.master().said()));
    written.push(("the database".to_owned(), dump(site.master().folder())?));
    for (what, text) in &written {
        ensure!(!text.contains(SECRET), "the password stands in {what}");
    }
    // Whatever else lies on the LPARs and in the master's folder: journals, captured output, the files of Postgres.
    let folders =
        [site.lab().root("lpar07"), site.lab().root("lpar08"), site.master().folder().to_owned()];
    for folder in folders {
        for file in files(&folder)? {
            // A file that went away meanwhile holds nothing.
            let Ok(content) = fs::read(&file) else { continue };
            let found = content.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            ensure!(!found, "the password stands in {}", file.display());
        }
    }
    site.end().await
}

/// Whether the password was asked for on `lpar`, by the lab's own record.
fn logged_in(site: &Harness, lpar: &str) -> Result<bool> {
    let asks = |deed: &Deed| matches!(deed, Deed::Command { arguments } if arguments.first().is_some_and(|name| name.ends_with("hmcauth")));
    Ok(site.lab().record()?.iter().any(|entry| entry.lpar == lpar && asks(&entry.deed)))
}

/// Everything in the database of the master in `folder`, as text.
fn dump(folder: &Path) -> Result<String> {
    let dump = Command::new("pg_dump")
        .args(["--username", "nimd", "--dbname", "postgres", "--host"])
        .arg(folder.join("postgres/socket"))
        .output()
        .context("pg_dump does not start")?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8_lossy(&dump.stdout).into_owned();
    ensure!(text.contains("COPY public.operation "), "this is no dump of nimd's database");
    Ok(text)
}

/// The plain files below `folder`.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {folder:?}"))? {
            let entry = entry.with_context(|| format!("cannot list {folder:?}"))?;
            let kind = entry.file_type().with_context(|| format!("cannot see {entry:?}"))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}
