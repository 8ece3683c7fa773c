//! The disk of `nimd` and its Postgres fills in the middle of an update.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, Master};
use nim_lab::Phase;
use nim_lab::clock::Mode;

use crate::{site, update};
use integration_tests::namespaces::{block_on, in_own_namespaces, run};

#[test]
fn a_disk_that_fills_under_nimd_holds_it_up_and_nothing_is_lost() -> Result<()> {
    in_own_namespaces(
        "full_disk::a_disk_that_fills_under_nimd_holds_it_up_and_nothing_is_lost",
        || {
            block_on(async {
                let mut site = site::start(Mode::Explicit).await?;
                update::ask(&site, "lpar07")?;
                update::step_to_end(&site, &["lpar07"])?;
                let undisturbed = update::sequence(&update::events(&site, "lpar07")?);

                let disk = Disk::under(&mut site)?;
                update::ask(&site, "lpar08")?;
                update::step_to(&site, "lpar08", Phase::Install).await?;
                disk.fill()?;
                // What would need more room than was taken before cannot be written.
                let wanted = fleet(&site)?;
                let applied = site.nimctl(["apply", "-f", text(&wanted)?, "--yes"]);
                ensure!(applied.stderr.contains("NLU-0308"), "{applied}");
                applied.ended_with(update::NO_ANSWER)?;
                // The LPAR needs nobody for it.
                site.lab().advance("lpar08");
                update::step_to(&site, "lpar08", Phase::Clone).await?;

                disk.make_room()?;
                update::until(&site, "lpar08", "in the phase clone", |view| {
                    view["phase"] == "clone"
                })?;
                update::step_to_end(&site, &["lpar08"])?;
                update::equals(&site, "lpar08", &undisturbed)?;
                // What was not accepted is not there in part, and can be asked for again.
                let networks = ["list", "ent", "--output", "json"];
                let before = site.nimctl(networks).json()?;
                ensure!(!before.to_string().contains(NETWORK), "a part of the fleet is there");
                site.nimctl(["apply", "-f", text(&wanted)?, "--yes"]).succeeded()?;
                update::ask(&site, "lpar09")?;
                update::step_to_end(&site, &["lpar09"])?;
                update::equals(&site, "lpar09", &undisturbed)?;
                disk.end(&mut site)?;
                site.end().await
            })
        },
    )
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() -> Result<()> {
    let folder = tempfile::tempdir().context("no folder")?;
    // The database runs as another user when the tests run as root.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    symlink("/dev/full", folder.path().join("nimd.log")).context("no link for the log")?;
    let mut master = Master::start(folder.path())?;
    let define = ["define", "-t", "lpp_source", "-a", "location=/export/one", "made_in_silence"];
    master.nimctl(define, None).succeeded()?;
    master.nimctl(["show", "made_in_silence"], None).succeeded()?;
    master.stop()
}

/// A file with more networks than a full disk has room for.
fn fleet(site: &Harness) -> Result<PathBuf> {
    let mut file = String::from("ent:\n");
    for number in 0..2000 {
        let (high, low) = (number / 256, number % 256);
        writeln!(
            file,
            "- name: {NETWORK}{number}\n  net_addr: 10.{high}.{low}.0\n  snm: 255.255.255.0"
        )?;
        writeln!(file, "  comments: {}", "a network of a fleet that has no room. ".repeat(10))?;
    }
    let path = site.site_folder().join("too-large.yaml");
    fs::write(&path, file).context("the fleet cannot be written")?;
    Ok(path)
}

/// A small file system that holds the folder of `nimd`, its database included.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Moves the folder to a file system of its own.
    fn under(site: &mut Harness) -> Result<Self> {
        let master = site.master();
        master.stop()?;
        let folder = master.folder().to_owned();
        let kept = folder.with_extension("kept");
        fs::rename(&folder, &kept).context("nimd's folder cannot be moved")?;
        fs::create_dir(&folder).context("no folder")?;
        run("mount", ["-t", "tmpfs", "-o", SIZE, "disk", text(&folder)?])?;
        run("cp", ["-a", &format!("{}/.", text(&kept)?), text(&folder)?])?;
        fs::remove_dir_all(&kept).context("the folder before is still there")?;
        master.launch()?;
        Ok(Self { folder })
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Takes all room, to the last byte.
    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler()).context("no file")?;
        for portion in [1 << 20, 4096, 1] {
            let bytes = vec![0xa5; portion];
            loop {
                match file.write(&bytes) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("the disk cannot be filled"),
                }
            }
        }
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("the filler stays")
    }

    /// Ends `nimd`, and its file system with it.
    fn end(self, site: &mut Harness) -> Result<()> {
        site.master().stop()?;
        run("umount", [text(&self.folder)?])
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a folder that is no text")
}

const NETWORK: &str = "toolarge";

/// Some times what a new cluster takes.
const SIZE: &str = "size=512m";
