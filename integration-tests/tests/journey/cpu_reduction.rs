//! An LPAR that fits on its frame only when it gives up processors for the time of its update.

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;
use nim_lab::clock::Mode;
use nim_lab::site;

use crate::rollout::{quick, until};

#[tokio::test(flavor = "multi_thread")]
async fn who_fits_only_with_less_processors_is_told_so_and_updated_so() -> Result<()> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    file.read_alike();
    // It has them again later than its frame shows them free.
    let lpar = file.lpars.iter_mut().find(|lpar| lpar.name == "lpar07").context("no lpar07")?;
    lpar.vary.insert("processors_back_later".to_owned(), true);
    let frame = file.frames.iter_mut().find(|frame| frame.name == "frame2").context("no frame2")?;
    // Each of its six LPARs has half a unit.
    frame.processors = "3.2".parse().map_err(anyhow::Error::msg)?;
    let site = Harness::with(file, Mode::Auto { speed: 100 }).await?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    let file = quick(&site)?;
    let text = std::fs::read_to_string(&file)?.replace("names: lpar*", "names: lpar07");
    std::fs::write(&file, &text)?;
    site.wait_for_frames(&file)?;
    let words = ["rollout", "plan", &file, "-o", "json"];
    let plan = site.nimctl(words).ended_with(1)?.json()?;
    let left_out = &plan["excluded"][0];
    let why = left_out["why"].as_str().context("a reason")?;
    ensure!(
        why.starts_with("needs 0.5 units of processors of frame2, and there are 0.2"),
        "{plan:#}"
    );
    ensure!(
        left_out["proposals"][0] == "it fits with cpu_reduction = yes in its lvupdate.data",
        "{plan:#}"
    );

    // What was proposed is done.
    let data = site.site_folder().join("reducing.hbs");
    std::fs::write(
        &data,
        "general:\n\tkext_check = yes\n\tcpu_reduction = yes\n\ndisks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\n\
         \ttohdisk =\n\ttshdisk =\n\nhmc:\n\tlpar_id =\n\tmanagement_console = {{hmc.address}}\n\tuser = liveupdate\n",
    )?;
    let location = format!("location={}", data.display());
    let words =
        ["define", "-t", "live_update_data", "-a", "server=master", "-a", &location, "less"];
    site.nimctl(words).succeeded()?;
    std::fs::write(&file, text.replace("lud_{lpar}", "less"))?;
    let plan = site.nimctl(["rollout", "plan", &file, "-o", "json"]).succeeded()?.json()?;
    ensure!(plan["targets"][0]["lpar"] == "lpar07", "{plan:#}");
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let ended = until(&site, "the rollout ends", |status| status["phase"] == "ended")?;
    ensure!(ended["counts"]["done"] == 1, "{ended:#}");
    let world = site.lab().world()?;
    let (own, free) =
        (world.partition_of("lpar07")?.hundredths, world.frame_of("lpar07")?.free_hundredths());
    ensure!((own, free) == (50, 20), "it has {own} and {free} are free");
    site.end().await
}
