//! Fleets of the lab that are updated in one rollout.

use std::fs;

use anyhow::{Context as _, Result};
use integration_tests::Harness;
use integration_tests::big::{self, Extent};
use nim_lab::clock::Mode;
use nim_shared::api::RolloutStatus;

/// How large it is.
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) frames: u32,
    pub(crate) lpars: u32,
}

/// How many run at a time.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) in_flight: u32,
    pub(crate) per_frame: u32,
}

impl Fleet {
    /// A site of this size that nimd has looked at.
    pub(crate) async fn site(self, clock: Mode) -> Result<Harness> {
        let each = self.lpars.div_ceil(self.frames);
        let extent = Extent {
            frames: self.frames,
            lpars: self.lpars,
            level: "7300-03-00-2446",
            // Each LPAR of a frame, the second one of each, what the hypervisor keeps for both, and the VIOSes.
            frame_mb: (3 * each + 12) * 2048,
            media: big::MEDIA,
        };
        let mut site = Harness::with(big::of(&extent)?, clock).await?;
        // What limits it is what the file says.
        site.master().settle("limits: {global: 100000, per_frame: 1000, per_hmc: 1000}\n")?;
        site.nimctl(["discover", "--yes"]).succeeded()?;
        Ok(site)
    }

    /// The file of its rollout, when nimd knows enough to begin it.
    pub(crate) fn rollout(self, site: &Harness, limits: Limits) -> Result<String> {
        let file = site.site_folder().join("bench.yaml");
        let Limits { in_flight, per_frame } = limits;
        fs::write(
            &file,
            big::rollout(
                "bench",
                &format!(
                    "waves:
- {{name: all}}
limits:
  in_flight: {in_flight}
  per_hmc: {in_flight}
  per_frame: {per_frame}
  per_vios_pair: {per_frame}
  stagger_hmc: 0s
  stagger_vios: 0s
deadlines: {{start: 6h, update: 6h, release: 1h, whole: 12h}}
assume: {{duration: 20m}}
"
                ),
            ),
        )?;
        let file = file.to_str().context("a path that is no text")?.to_owned();
        site.wait_for_frames(&file)?;
        Ok(file)
    }

    /// How the rollout stands.
    pub(crate) fn status(site: &Harness) -> Result<RolloutStatus> {
        let run = site.nimctl(["rollout", "status", "bench", "-o", "json"]).succeeded()?;
        serde_json::from_str(&run.stdout).context("no status")
    }
}
