//! What is exported makes the same inventory again on a database that is empty.

use anyhow::{Result, ensure};
use integration_tests::{Harness, Master};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_applied_to_an_empty_database_lists_the_same_to_the_byte() -> Result<()> {
    let site = Harness::small(100).await?;
    // What the site's own fleet file has not.
    for define in [
        "-t script -a location=/export/after.sh -a server=master after",
        "-t spot -a location=/export/spot -a server=master spot1",
        "-t mac_group -a add_member=lpar02 -a add_member=lpar01 canaries",
        "-t res_group -a script=after -a spot=spot1 kit",
        "-t ent -a net_addr=10.9.8.0 -a snm=255.255.255.0 vlan9",
        // A type that was there before others, again: what is listed is in the order of making, not by type.
        "-t script -a location=/export/last.sh -a server=master last",
    ] {
        site.nimctl(["nim", "-o", "define"].into_iter().chain(define.split(' '))).succeeded()?;
    }
    site.nimctl(["change", "-a", "label.env=prod", "-a", "comments=two words", "lpar03"])
        .succeeded()?;
    let exported = site.nimctl(["export"]).succeeded()?.stdout;
    let listed = site.nimctl(["lsnim", "-l"]).succeeded()?.stdout;
    ensure!(listed.contains("canaries:\n") && listed.contains("kit:\n"), "{listed}");

    let copy = copy(&site, "copy", &exported)?;
    ensure!(copy.listed == listed, "{listed}\nafter:\n{}", copy.listed);
    ensure!(copy.exported == exported, "{exported}\nafter:\n{}", copy.exported);
    site.end().await
}

/// What a master shows whose database was empty before something was applied.
struct Copy {
    exported: String,
    listed: String,
}

fn copy(site: &Harness, folder: &str, fleet: &str) -> Result<Copy> {
    let mut master = Master::start(&site.site_folder().with_file_name(folder))?;
    master.nimctl(["apply", "--yes", "-f", "-"], Some(fleet)).succeeded()?;
    let listed = master.nimctl(["lsnim", "-l"], None).succeeded()?.stdout;
    let exported = master.nimctl(["export"], None).succeeded()?.stdout;
    master.stop()?;
    Ok(Copy { exported, listed })
}
