//! The scripts of a request. Read when the request is made: the content of that moment is what runs.

use std::path::Path;

use nim_shared::api::{Cust, FileFault};
use nim_shared::id::Digest;
use nim_shared::object::ObjectType;
use nim_shared::request::{Content, LARGEST_SCRIPT, Script};

use super::plan;
use super::source::{self, read_bytes};
use crate::api::Api;
use crate::api::error::Answer;

/// The scripts that `cust` names, in their order; what is wrong with them is added to `faults`.
pub(super) async fn read(
    api: &Api,
    cust: &Cust,
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<Script>> {
    let files = source::files(api, &cust.scripts, ObjectType::Script, faults).await?;
    let read = super::super::apply::blocking(move || {
        let read = |(name, location): (_, String)| {
            (name, read_bytes(Path::new(&location), LARGEST_SCRIPT))
        };
        files.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    let mut scripts = Vec::new();
    for (name, content) in read {
        match content {
            Ok(content) if content.is_empty() => {
                faults.push(plan::fault("script", format!("{name} is empty")));
            }
            Ok(content) => {
                let (digest, bytes) = (Digest::of(&content), content.len() as u64);
                scripts.push(Script { name, content: Content { digest, bytes } });
            }
            Err(why) => faults.push(plan::fault("script", format!("{name}: {why}"))),
        }
    }
    Ok(scripts)
}

/// What a preview leaves out.
pub(super) fn not_run(cust: &Cust) -> Option<FileFault> {
    let names: Vec<_> = cust.scripts.iter().map(|name| name.as_str()).collect();
    (cust.kind.is_preview() && !names.is_empty()).then(|| {
        plan::fault("script", format!("a preview runs no script: {} is left out", names.join(", ")))
    })
}
