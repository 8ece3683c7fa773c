//! What is exported makes the same inventory again on a database that is empty.

use std::collections::BTreeSet;

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
    ] {
        site.nimctl(["nim", "-o", "define"].into_iter().chain(define.split(' '))).succeeded()?;
    }
    site.nimctl(["change", "-a", "label.env=prod", "-a", "comments=two words", "lpar03"])
        .succeeded()?;
    let exported = site.nimctl(["export"]).succeeded()?.stdout;
    let listed = site.nimctl(["lsnim", "-l"]).succeeded()?.stdout;
    ensure!(listed.contains("canaries:\n") && listed.contains("kit:\n"), "{listed}");

    // A fleet file is by type, so that the objects of one type come before those of the next; after that nothing changes any more.
    let once = copy(&site, "once", &exported)?;
    ensure!(stanzas(&once.listed) == stanzas(&listed), "{listed}\nafter:\n{}", once.listed);
    let again = copy(&site, "again", &once.exported)?;
    ensure!(again.listed == once.listed, "{}\nafter:\n{}", once.listed, again.listed);
    ensure!(again.exported == exported && once.exported == exported, "the exports differ");
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

/// The objects of a listing, each with all its lines, by name.
fn stanzas(listed: &str) -> BTreeSet<String> {
    let mut all: Vec<String> = Vec::new();
    for line in listed.lines() {
        match all.last_mut() {
            Some(last) if line.starts_with(' ') => *last += line,
            _ => all.push(line.to_owned()),
        }
    }
    all.into_iter().collect()
}
