//! The whole system for tests: the lab in this process, `nimd` and `nimctl` as the programs that ship, over real SSH and a real
//! Postgres.
//!
//! Programs are taken from the folder that this test was built into; `make test` builds them first. Everything of a test lies in
//! one temporary folder and ends with it.

pub mod big;
mod cust;
pub mod fixtures;
mod master;
pub mod namespaces;
mod prepared;
mod programs;
mod run;
pub mod soak;
pub mod switched;
mod typed;

pub use cust::{SOURCE, cust};
pub use master::{Master, kill_group};
pub use programs::find as program;
pub use run::{Run, Running};

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use nim_lab::clock::Mode;
use nim_lab::{Faketime, Lab, Settings, Site, record, site};
use tempfile::TempDir;

/// Pause between two looks. Most are a process of their own and a query of the database: closer together, a dozen tests that wait keep two
/// processors busy with looking.
const PACE: Duration = Duration::from_millis(200);

/// How long a condition may take to come true before a test fails. No figure of the product: a bound for what hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A site, a master and a command line.
pub struct Harness {
    // Dropped in this order: what a nimd said can be shown as long as its folder is there.
    master: Master,
    lab: Option<Lab>,
    folder: TempDir,
}

impl Harness {
    /// The small site of the examples, its fleet applied and its host keys on record, with time running `speed` times as fast
    /// as life.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn small(speed: u32) -> Result<Self> {
        let site = site::parse("site-small.yaml", include_str!("../../examples/site-small.yaml"))?;
        Self::with(site, Mode::Auto { speed }).await
    }

    /// Any site, under any clock.
    ///
    /// # Errors
    /// As [`small`](Self::small).
    pub async fn with(mut site: site::File, clock: Mode) -> Result<Self> {
        // A port of its own for each host: several tests run at a time.
        site.port = 0;
        let harness = Self::bare(site, clock).await?;
        harness.register()?;
        Ok(harness)
    }

    /// Any site, with its hosts on the port that its file says and a master that knows nothing of it.
    ///
    /// # Errors
    /// As [`small`](Self::small).
    pub async fn bare(site: site::File, clock: Mode) -> Result<Self> {
        let folder = test_folder("nimt")?;
        let directory = folder.path().join("site");
        let settings = Settings {
            site,
            directory: directory.clone(),
            clock,
            agent: programs::find("nim-agent")?,
            lab: programs::find("nim-lab")?,
            faketime: Faketime::Off,
        };
        let lab = Site::start(settings).await.context("the site does not start")?;
        let master = Master::start(&folder.path().join("nimd"))?;
        Ok(Self { master, lab: Some(lab), folder })
    }

    fn register(&self) -> Result<()> {
        let site = self.site_folder();
        self.nimctl(["apply", "--yes", "-f", text(&site.join("fleet.yaml"))]).succeeded()?;
        self.nimctl(["hostkey", "import", text(&site.join("known_hosts"))]).succeeded()?;
        self.nimctl(["policy", "set", text(&site.join("policy.yaml"))]).succeeded()?;
        for hmc in ["hmc01", "hmc02"] {
            self.set_password(hmc)?;
        }
        Ok(())
    }

    /// Sets the password of an HMC of the site as it is there.
    ///
    /// # Errors
    /// As [`nimctl`](Self::nimctl).
    pub fn set_password(&self, hmc: &str) -> Result<()> {
        let secret = format!("{hmc}_password");
        self.master.nimctl(["secret", "set", &secret], Some("live4update\n")).succeeded()?;
        Ok(())
    }

    /// The lab.
    ///
    /// # Panics
    /// After it was ended.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        self.lab.as_ref().expect("the lab runs until the harness ends")
    }

    /// The master.
    pub fn master(&mut self) -> &mut Master {
        &mut self.master
    }

    /// Runs `nimctl` to its end.
    pub fn nimctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        self.master.nimctl(arguments, None)
    }

    /// The file of a program that ships or is built for tests, such as `nimd`.
    ///
    /// # Errors
    /// When it was not built.
    pub fn program(name: &str) -> Result<PathBuf> {
        programs::find(name)
    }

    /// Folder with the site's files.
    #[must_use]
    pub fn site_folder(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// Makes this text the policy of the site.
    ///
    /// # Errors
    /// When it cannot be written, or nimd refuses it.
    pub fn set_policy(&self, text: &str) -> Result<()> {
        let file = self.site_folder().join("policy.yaml");
        std::fs::write(&file, text)?;
        self.nimctl(["policy", "set", &file.display().to_string()]).succeeded().map(drop)
    }

    /// How often an update (not a preview) was started on `lpar`, by the lab's own record.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn updates_started(&self, lpar: &str) -> Result<usize> {
        Ok(record::updates_started(&self.lab().record()?, lpar))
    }

    /// Waits until nimd has read what the frames have of which the rollout in `file` is: before that a plan leaves everybody out.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn wait_for_frames(&self, file: &str) -> Result<()> {
        wait_until("nimd has read the frames and their VIOSes", || {
            let plan = self.nimctl(["rollout", "plan", file, "-o", "json"]).json()?;
            let frames = plan["frames"].as_array().map_or(&[][..], Vec::as_slice);
            let read = frames.iter().filter(|frame| frame["free_memory"].is_u64()).count();
            let classes = plan["classes"].to_string();
            let ready = !frames.is_empty() && read == frames.len() && classes.contains("scsi");
            Ok(if ready {
                Ok(())
            } else {
                Err(format!("{read} of {} frames; {classes}", frames.len()))
            })
        })
    }

    /// Ends everything and says whether anything was left behind.
    ///
    /// # Errors
    /// When a program does not end as it should.
    pub async fn end(mut self) -> Result<()> {
        self.master.stop()?;
        if let Some(lab) = self.lab.take() {
            lab.stop().await;
        }
        Ok(())
    }
}

/// A temporary folder that a database can lie in.
fn test_folder(prefix: &str) -> Result<TempDir> {
    let folder =
        tempfile::Builder::new().prefix(prefix).tempdir().context("no temporary folder")?;
    // The database runs as another user when the tests run as root; it has to get through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
    Ok(folder)
}

/// A path as text: the harness makes all of its own.
fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Waits until `look` finds what it looks for. It says what it saw otherwise.
///
/// # Errors
/// Names what was waited for and what was seen last.
pub fn wait_until<T>(
    what: &str,
    look: impl FnMut() -> Result<std::result::Result<T, String>>,
) -> Result<T> {
    wait_until_at(PACE, what, look)
}

/// As [`wait_until`], with a look after each `pace`, for whom looking costs something.
///
/// # Errors
/// As [`wait_until`].
pub fn wait_until_at<T>(
    pace: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<std::result::Result<T, String>>,
) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = match look()? {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        ensure!(Instant::now() < end, "waited in vain for {what}; last seen: {seen}");
        std::thread::sleep(pace);
    }
}
