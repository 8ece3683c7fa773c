//! Fixes by their keywords: which filesets they are in is told by the packages of the `lpp_source`, so that the same is installed whatever
//! reads the request. On the LPAR those are updated that are installed there.

use std::collections::BTreeSet;
use std::path::Path;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Cust, FileFault, FixBundleView};
use nim_shared::id::ObjectName;
use nim_shared::lpp::{self, ImageKind};
use nim_shared::object::ObjectType;
use nim_shared::request::Install;

use super::plan::fault;
use super::source::{self, read_file};
use crate::api::Api;
use crate::api::apply::blocking;
use crate::api::error::{Answer, Refusal};
use crate::api::extract::Named;
use crate::api::lpp::Source;

/// The request with the filesets of its fixes as its list; what is wrong with them is added to `faults`.
pub(super) async fn resolved(
    api: &Api,
    mut cust: Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Cust> {
    if !cust.names_fixes() {
        return Ok(cust);
    }
    let mut wanted: BTreeSet<String> = cust.fixes.iter().cloned().collect();
    wanted.extend(keywords(api, &cust.fix_bundles, faults).await?);
    let Some(name) = cust.lpp_source.clone() else { return Ok(cust) };
    // What is wrong with the source itself is told by the plan.
    let Ok(source) = Source::find(api, &name).await else { return Ok(cust) };
    let index = api.store.lpp_index(&name).await?.filter(|index| index.current);
    let (folder, content) = match (source.folder(), index.map(|index| index.found)) {
        (Err(why), _) => {
            let text =
                format!("which filesets they are in is read from the packages of {name}: {why}");
            faults.push(fault("fixes", text));
            return Ok(cust);
        }
        (Ok(_), None | Some(Err(_))) => {
            let text = format!("what is in {name} is not known: nim -o check {name}");
            faults.push(fault("fixes", text));
            return Ok(cust);
        }
        (Ok(folder), Some(Ok(content))) => (folder.to_owned(), content),
    };
    let asked = wanted.clone();
    let found = blocking(move || crate::lpp::fixes::filesets(&folder, &content, &asked)).await?;
    for fix in wanted.iter().filter(|fix| !found.contains_key(*fix)) {
        faults.push(fault("fixes", format!("no package of {name} names {fix}")));
    }
    let filesets: BTreeSet<String> = found.into_values().flatten().collect();
    cust.install = Install::List(filesets.into_iter().collect());
    Ok(cust)
}

/// A copy of rootvg takes filesets by name: all updates are those that the `lpp_source` has.
pub(super) async fn all_updates(
    api: &Api,
    mut cust: Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Cust> {
    let (Some(_), Install::UpdateAll, Some(name)) =
        (&cust.alt_disk, &cust.install, &cust.lpp_source)
    else {
        return Ok(cust);
    };
    let index = api.store.lpp_index(name).await?.filter(|index| index.current);
    match index.map(|index| index.found) {
        Some(Ok(content)) => {
            let updates = content.filesets.iter().filter(|one| one.kind == ImageKind::Update);
            let names: BTreeSet<_> = updates.map(|one| one.name.clone()).collect();
            cust.install = Install::List(names.into_iter().collect());
        }
        None | Some(Err(_)) => {
            let text = format!("which there are in {name} is not known: nim -o check {name}");
            faults.push(fault("fixes", text));
        }
    }
    Ok(cust)
}

/// The keywords that the files of `bundles` name; what is wrong with them is added to `faults`.
async fn keywords(
    api: &Api,
    bundles: &[ObjectName],
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<String>> {
    let files = source::files(api, bundles, ObjectType::FixBundle, faults).await?;
    let read = blocking(move || {
        let read = |(name, location): (_, String)| (name, read_file(Path::new(&location)));
        files.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    let mut all = Vec::new();
    for (name, text) in read {
        match text.map(|text| lpp::fixes(&text)) {
            Ok(Ok(keywords)) if keywords.is_empty() => {
                faults.push(fault("fix_bundle", format!("{name} names no fix")));
            }
            Ok(Ok(keywords)) => all.extend(keywords),
            Ok(Err(lines)) => faults.extend(lines.into_iter().map(|line| {
                fault("fix_bundle", format!("{name}: line {line} begins with no keyword of a fix"))
            })),
            Err(why) => faults.push(fault("fix_bundle", format!("{name}: {why}"))),
        }
    }
    Ok(all)
}

/// `GET /v1/fix_bundles/{name}`
pub(in crate::api) async fn show(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<FixBundleView>> {
    let mut faults = Vec::new();
    let fixes = keywords(&api, std::slice::from_ref(&name), &mut faults).await?;
    if faults.is_empty() {
        return Ok(Json(FixBundleView { name, fixes }));
    }
    Err(Refusal::refused("NLU-0129", format!("{name} cannot be read as a list of fixes"))
        .faults(faults))
}

/// What is wrong with how fixes are asked for.
pub(super) fn request_faults(cust: &Cust) -> Vec<FileFault> {
    let mut faults: Vec<_> = cust
        .fixes
        .iter()
        .filter(|fix| !lpp::is_keyword(fix))
        .map(|fix| fault("fixes", format!("{fix:?} is no keyword of a fix")))
        .collect();
    let others = match &cust.install {
        Install::List(names) => !names.is_empty() || !cust.bundles.is_empty(),
        Install::Nothing | Install::UpdateAll | Install::All => true,
    };
    if cust.names_fixes() && others {
        faults.push(fault("fixes", "go alone: name fixes, or filesets and bundles".to_owned()));
    }
    faults
}
