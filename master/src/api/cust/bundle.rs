//! What the bundles of a request stand for. Read when the request is made: it is the files of that moment that are installed.

use std::path::Path;

use nim_shared::api::{Cust, FileFault};
use nim_shared::lpp;
use nim_shared::object::ObjectType;
use nim_shared::request::Install;

use super::plan;
use super::source::{self, read_file};
use crate::api::Api;
use crate::api::error::Answer;

/// The request with the packages of its bundles in its list; what is wrong with them is added to `faults`.
pub(super) async fn resolved(
    api: &Api,
    mut cust: Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Cust> {
    if cust.bundles.is_empty() {
        return Ok(cust);
    }
    let files = source::files(api, &cust.bundles, ObjectType::InstallpBundle, faults).await?;
    let mut fault = |message| faults.push(plan::fault("installp_bundle", message));
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
