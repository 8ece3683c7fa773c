//! The packages of the site as they lie on the master: listed, checked, copied, and looked at before an update.

use anyhow::{Context as _, Result, ensure};
use integration_tests::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_listed_checked_and_looked_at_before_an_update() -> Result<()> {
    let site = Harness::small(100).await?;
    let folder = site.lab().directory().join("lpp_source");
    let define = |name: &str, more: &[&str]| {
        let location = format!("location={}", folder.join(name).display());
        let mut words = vec!["nim", "-o", "define", "-t", "lpp_source", "-a", "access=push"];
        words.extend(["-a", &location]);
        words.extend(more);
        words.push(name);
        site.nimctl(words).ended_with(0)
    };
    // The fleet of the site names its folders as the master's own.
    for question in ["showres", "lslpp"] {
        let known = site.nimctl(["nim", "-o", question, "7300-03-01"]).ended_with(0)?;
        ensure!(known.stdout.contains("bos.mp64"), "{known}");
    }
    // The same folders that the LPARs mount, and one that is made from both.
    let (updates, fixes) = ("7300-03-01", "ifix-2026");
    let sources: Vec<_> =
        [updates, fixes].map(|name| format!("{}", folder.join(name).display())).into();
    std::fs::create_dir_all(folder.join("media"))?;
    define("media", &["-a", &format!("source={}", sources[0])])?;
    let fixed = format!("source={}", sources[1]);
    site.nimctl(["nim", "-o", "update", "-a", "packages=all", "-a", &fixed, "media"])
        .ended_with(0)?;
    let listed = site.nimctl(["nim", "-o", "showres", "media"]).ended_with(0)?;
    let expected = "\
Leads to 7300-03-01-2520 (a fix that U_bos.rte.libc.7.3.3.1.bff names).

Fileset             Level    Type  Description
----------------------------------------------
bos.liveupdate.rte  7.3.3.1  U     Update of bos.liveupdate.rte
bos.mp64            7.3.3.1  U     Update of bos.mp64
bos.rte             7.3.3.1  U     Update of bos.rte
bos.rte.libc        7.3.3.1  U     Update of bos.rte.libc

Interim fix               Label       LU CAPABLE  Abstract
----------------------------------------------------------
IJ50001m1a.240312.epkg.Z  IJ50001m1a  no          needs a reboot
IJ52421s2a.241031.epkg.Z  IJ52421s2a  yes         kernel fix for live updates
";
    ensure!(listed.stdout == expected, "{listed}");

    let broken = folder.join("media/U_bos.rte.7.3.3.1.bff");
    let whole = std::fs::read(&broken).context("read an image")?;
    std::fs::write(&broken, &whole[..80])?;
    let check = site.nimctl(["nim", "-Fo", "check", "media"]).ended_with(1)?;
    ensure!(check.stderr.contains("U_bos.rte.7.3.3.1.bff: it is cut off"), "{check}");
    std::fs::write(&broken, whole)?;
    site.nimctl(["nim", "-o", "check", "media"]).ended_with(0)?;

    for (package, why) in [
        ("bos.mp46", "bos.mp46 is not in media; did you mean bos.mp64?"),
        ("IJ50001m1a.240312.epkg.Z", "IJ50001m1a.240312.epkg.Z is not LU CAPABLE"),
    ] {
        let filesets = format!("filesets={package}");
        let refused = site
            .nimctl([
                "nim",
                "-o",
                "cust",
                "-a",
                "live_update=yes",
                "-a",
                "lpp_source=media",
                "-a",
                &filesets,
                "-a",
                "live_update_data=lud_{lpar}",
                "lpar07",
            ])
            .ended_with(3)?;
        ensure!(refused.stderr.contains(why), "{refused}");
    }
    ensure!(site.updates_started("lpar07")? == 0);
    site.nimctl(["nim", "-o", "update", "-a", "packages=bos.rte", "-a", "rm_images=yes", "media"])
        .ended_with(0)?;
    let left = site.nimctl(["nim", "-o", "lslpp", "media"]).ended_with(0)?;
    ensure!(!left.stdout.contains("\nbos.rte  ") && left.stdout.contains("\nbos.mp64  "), "{left}");
    site.end().await
}
