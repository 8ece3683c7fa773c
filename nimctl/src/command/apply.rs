//! `apply`: a whole fleet from files. What would change is shown before anything does.

use std::io::Read;
use std::path::{Path, PathBuf};

use nim_shared::api::{Applied, Apply as Body, File};

use crate::cli::Apply;
use crate::client::Target;
use crate::command::Context;
use crate::command::difference::{self, Consent, Difference};
use crate::error::Error;
use crate::exit::Exit;

pub(super) async fn run(args: &Apply, context: &Context) -> Result<Exit, Error> {
    let all = args.files.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    files(all, Asked { dry_run: args.dry_run, yes: args.yes }, context).await
}

/// How far it may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Show only.
    pub(crate) dry_run: bool,
    /// Do not ask.
    pub(crate) yes: bool,
}

/// Shows what `files` change, and changes it.
///
/// # Errors
/// What nimd refuses, or that it was not confirmed: nothing was changed.
pub(crate) async fn files(files: Vec<File>, args: Asked, context: &Context) -> Result<Exit, Error> {
    let mut body = Body { files, dry_run: true };
    let target = Target::new(&["apply"]);
    let planned: Applied = context.client.post(target.clone(), &body).await?;
    context.printer.warnings(&planned.warnings);
    let consent = Consent::of(args.dry_run, args.yes);
    difference::settle(Difference(planned), consent, context, async || {
        body.dry_run = false;
        Ok(Difference(context.client.post(target, &body).await?))
    })
    .await?;
    Ok(Exit::Done)
}

/// Reads a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<File, Error> {
    let fault = |cause| Error::File { what: "read", path: PathBuf::from(path), cause };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(fault)?;
        return Ok(File { name: "standard input".to_owned(), text });
    }
    let text = std::fs::read_to_string(path).map_err(fault)?;
    Ok(File { name: path.display().to_string(), text })
}
