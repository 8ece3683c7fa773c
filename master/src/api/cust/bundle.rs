//! What the bundles of a request stand for. Read when the request is made: it is the files of that moment that are installed.

use std::path::Path;

use nim_shared::api::{Cust, FileFault};
use nim_shared::lpp;
use nim_shared::object::{MASTER, ObjectType};
use nim_shared::request::Install;

use super::source::read_file;
use super::{objects, plan};
use crate::api::error::Answer;
use crate::store::Store;

/// The request with the packages of its bundles in its list; what is wrong with them is added to `faults`.
pub(super) async fn resolved(
    store: &Store,
    mut cust: Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Cust> {
    if cust.bundles.is_empty() {
        return Ok(cust);
    }
    let found = objects(store, &cust.bundles).await?;
    let mut fault = |message| faults.push(plan::fault("installp_bundle", message));
    let mut files = Vec::new();
    for name in &cust.bundles {
        let Some(object) = found.get(name) else {
            fault(format!("there is no object \"{name}\": nimctl list installp_bundle"));
            continue;
        };
        match (object.spec.object_type(), object.spec.place()) {
            (ObjectType::InstallpBundle, Some((MASTER, location))) => {
                files.push((name.clone(), location.to_owned()));
            }
            (ObjectType::InstallpBundle, place) => {
                let server = place.map_or("another server", |(server, _)| server);
                fault(format!("{name} lies on {server}; only files on the master can be read"));
            }
            (other, _) => fault(format!("{name} is of type {other}, not installp_bundle")),
        }
    }
    let read = super::super::apply::blocking(move || {
        let read = |(name, location): (_, String)| (name, read_file(Path::new(&location)));
        files.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    // Without a list the request has a fault of its own.
    let Install::List(all) = &mut cust.install else { return Ok(cust) };
    for (name, text) in read {
        match text.map(|text| lpp::bundle(&text)) {
            Ok(Ok(names)) if names.is_empty() => fault(format!("{name} names no package")),
            Ok(Ok(names)) => {
                for package in names {
                    if !all.contains(&package) {
                        all.push(package);
                    }
                }
            }
            Ok(Err(bad)) => bad.into_iter().for_each(|bad| fault(format!("{name}: {bad}"))),
            Err(why) => fault(format!("{name}: {why}")),
        }
    }
    Ok(cust)
}
