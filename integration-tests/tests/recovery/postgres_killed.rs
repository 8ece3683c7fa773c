//! Postgres is killed (SIGKILL) in the middle of updates: alone, and together with `nimd`.

use anyhow::Result;
use nim_lab::Phase;
use nim_lab::clock::Mode;

use crate::{site, update};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_costs_no_event_and_no_second_start() -> Result<()> {
    let mut site = site::start(Mode::Explicit).await?;
    update::ask(&site, "lpar07")?;
    update::step_to_end(&site, &["lpar07"])?;
    let undisturbed = update::sequence(&update::events(&site, "lpar07")?);
    update::equals(&site, "lpar07", &undisturbed)?;

    let places = [("lpar08", Phase::Install), ("lpar09", Phase::Clone), ("lpar10", Phase::Mirror)];
    for (lpar, phase) in places {
        update::ask(&site, lpar)?;
        update::step_to(&site, lpar, phase).await?;
    }
    site.master().kill_database()?;
    // What happens now happens while there is no database.
    site.lab().advance("lpar08");
    update::step_to(&site, "lpar09", Phase::Boot).await?;
    update::until(&site, "lpar09", "in the phase boot", |view| view["phase"] == "boot")?;
    site.master().kill_database()?;
    site.master().kill()?;
    site.lab().advance("lpar10");
    site.master().launch()?;

    let lpars = places.map(|(lpar, _)| lpar);
    update::step_to_end(&site, &lpars)?;
    for lpar in lpars {
        update::equals(&site, lpar, &undisturbed)?;
    }
    site.end().await
}
