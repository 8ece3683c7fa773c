//! Two `nimd` on one database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Master, wait_until};
use nim_lab::Phase;
use nim_lab::clock::Mode;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_hangs_is_replaced_and_changes_nothing_when_it_comes_back() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to_end(&site, &["lpar07"])?;
    let undisturbed = update::sequence(&update::events(&site, "lpar07")?);

    for (lpar, phase) in [("lpar08", Phase::Install), ("lpar09", Phase::Clone)] {
        update::ask(&site, lpar)?;
        update::step_to(&site, lpar, phase).await?;
    }
    // An LPAR that stands still keeps its update in `dispatching`: the first master stops before its `start`.
    site.lab().freeze("lpar10").await?;
    update::ask(&site, "lpar10")?;
    let view =
        update::until(&site, "lpar10", "dispatching", |view| view["state"] == "dispatching")?;
    let first = view["owner"].clone();

    let folder = site.master().folder().to_owned();
    let mut second = beside(&folder, "second", "postgres", "")?;
    site.master().pause()?;
    let lpars = ["lpar08", "lpar09", "lpar10"];
    for lpar in lpars {
        wait_until(&format!("{lpar} to be taken over"), || {
            let view =
                second.nimctl(["status", lpar, "--output", "json"], None).succeeded()?.json()?;
            let owner = &view["owner"];
            Ok(if *owner != first && !owner.is_null() { Ok(()) } else { Err(format!("{view:#}")) })
        })?;
    }
    // What the first one had begun and what it sends now meets what the second one does.
    site.master().resume()?;
    site.lab().thaw("lpar10").await?;
    update::step_to_end(&site, &lpars)?;
    for lpar in lpars {
        update::equals(&site, lpar, &undisturbed)?;
    }
    second.stop()?;
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_masters_start_at_once_on_an_empty_database() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    let folder = site.master().folder().to_owned();
    let made = Command::new("createdb")
        .args(["--username", "nimd", "--host"])
        .arg(socket(&folder))
        .arg("empty")
        .output()
        .context("createdb does not start")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| beside(&folder, "one", "empty", ""));
        let two = scope.spawn(|| beside(&folder, "two", "empty", ""));
        (one.join(), two.join())
    });
    let mut one = one.expect("a thread that returns its errors")?;
    let mut two = two.expect("a thread that returns its errors")?;
    one.nimctl(["define", "-t", "lpp_source", "-a", "location=/export/one", "made_by_one"], None)
        .succeeded()?;
    let seen = two.nimctl(["show", "made_by_one", "--output", "json"], None).succeeded()?;
    ensure!(seen.stdout.contains("/export/one"), "{seen}");
    let server = two.nimctl(["server", "--output", "json"], None).succeeded()?.json()?;
    ensure!(server["masters"].as_array().map(Vec::len) == Some(1), "{server:#}");
    one.stop()?;
    two.stop()?;
    site.end().await
}

/// Starts a `nimd` in a folder `name` beside that of another one, on a database of that one's Postgres and with its keys.
pub(crate) fn beside(first: &Path, name: &str, database: &str, settings: &str) -> Result<Master> {
    let folder = first.with_file_name(name);
    if folder.exists() {
        // It ended, and its folder is as it left it.
        return Master::start(&folder);
    }
    fs::create_dir_all(folder.join("keys")).context("no folder for keys")?;
    for key in fs::read_dir(first.join("keys")).context("the first master has no keys")? {
        let key = key.context("the first master's keys cannot be listed")?;
        fs::copy(key.path(), folder.join("keys").join(key.file_name()))
            .context("no copy of a key")?;
    }
    let url = format!("postgres://nimd@localhost/{database}?host={}", socket(first).display());
    let settings = format!("database:\n  url: \"{url}\"\n{settings}");
    fs::write(folder.join("nimd.yaml"), settings).context("no settings file")?;
    Master::start(&folder)
}

/// Folder with the socket of a master's own Postgres.
fn socket(folder: &Path) -> PathBuf {
    folder.join("postgres/socket")
}
