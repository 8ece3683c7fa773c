//! The interim fixes of an update, each asked by `emgr` before anything starts: whether a Live Update can carry it, whether what it
//! requires is there, and whether its file lies where AIX wants it. Source: LU §4.4 S03 and S04, §5.2.

use std::time::Duration;

use nim_shared::aix;
use nim_shared::lpp::is_interim_fix;
use nim_shared::request::{Images, Install};

use super::{Stop, update};
use crate::command;
use crate::disk;
use crate::supervisor::Supervisor;
use crate::text::chain;

/// The files of the interim fixes of the order. Where it names them they are known without the images; `all` takes those of the images
/// (LU §2.1), and `None` says that they are gone.
pub(crate) fn files(supervisor: &Supervisor) -> Result<Option<Vec<String>>, disk::Error> {
    let Supervisor { operation, root, request, .. } = supervisor;
    Ok(match &request.install {
        Install::Nothing | Install::UpdateAll => Some(Vec::new()),
        Install::List(names) => {
            let fixes = names.iter().filter(|name| is_interim_fix(name));
            Some(fixes.map(|name| bare(name)).collect())
        }
        Install::All => match update::images_folder(operation, root, request) {
            Some(folder) if root.at(&folder).is_dir() => {
                Some(update::split::fixes_in(root, &folder)?)
            }
            Some(_) | None => None,
        },
    })
}

/// Looks at the interim fixes of the order, which are mounted or linked by now. All faults are said at once.
pub(crate) fn check(supervisor: &mut Supervisor) -> Result<(), Stop> {
    let request = &supervisor.request;
    let folder = update::images_folder(&supervisor.operation, &supervisor.root, request);
    let (true, Some(folder)) = (request.kind.moves(), folder) else { return Ok(()) };
    let names = files(supervisor)?.unwrap_or_default();
    if names.is_empty() {
        return Ok(());
    }
    let (mut faults, mut notes) = (Vec::new(), Vec::new());
    match place(supervisor, &folder) {
        Ok(()) => {}
        // The sources disagree: IBM wants a file system of rootvg, and NIM hands out its resources over NFS.
        Err(text) if matches!(request.images, Some(Images::Nfs { .. })) => notes.push(text),
        Err(text) => faults.push(text),
    }
    // What they require may come with the updates.
    let later = request.install.updates();
    for name in names {
        let file = format!("{folder}/{name}");
        match asks(supervisor, &["-d", "-e", &file, "-v2"]) {
            Ok((0, text)) => match aix::lu_capable(&text) {
                Some(true) => {}
                Some(false) => faults.push(format!(
                    "{name} is not LU CAPABLE: install it without live_update, and reboot"
                )),
                None => notes.push(format!("emgr does not say whether {name} is LU CAPABLE")),
            },
            Ok((status, text)) => {
                faults.push(format!("emgr -d -e {name} failed with exit status {status}: {text}"));
                continue;
            }
            Err(text) => notes.push(format!("whether {name} is LU CAPABLE: {text}")),
        }
        match asks(supervisor, &["-p", "-e", &file]) {
            Ok((0, _)) => {}
            Ok((status, text)) => {
                let text = format!("emgr -p -e {name} failed with exit status {status}: {text}");
                if later { notes.push(text) } else { faults.push(text) }
            }
            Err(text) => notes.push(format!("whether what {name} requires is there: {text}")),
        }
    }
    for text in notes {
        supervisor.note(text)?;
    }
    if faults.is_empty() { Ok(()) } else { Err(Stop::failed(faults.join("; "))) }
}

/// What emgr answers: its status, and the text, of which an error shows the beginning.
fn asks(supervisor: &Supervisor, arguments: &[&str]) -> Result<(i32, String), String> {
    match supervisor.commands.run("emgr", arguments, LIMIT) {
        Ok(command::Answer { status: 0, text }) => Ok((0, text)),
        Ok(command::Answer { status, text }) => {
            let text = nim_shared::id::printable(text.trim());
            Ok((status, text.chars().take(SHOWN).collect()))
        }
        Err(error) => Err(chain(&error)),
    }
}

/// Whether `folder` is in one of the file systems that a rootvg has.
fn place(supervisor: &Supervisor, folder: &str) -> Result<(), String> {
    let text = supervisor
        .commands
        .ask("df", &["-m", folder], LIMIT)
        .map_err(|error| format!("not known where {folder} is mounted: {}", chain(&error)))?;
    match aix::df(&text).rows.last() {
        Some(found) if OF_ROOTVG.contains(&found.mounted_on.as_str()) => Ok(()),
        Some(found) => Err(format!(
            "{folder} is on {}: the files of interim fixes have to be in /, /usr, /home, /var, /opt or /tmp of rootvg",
            found.mounted_on
        )),
        None => Err(format!("not known where {folder} is mounted")),
    }
}

/// The name of the file, without NIM's letter.
fn bare(name: &str) -> String {
    name.strip_prefix("E:").unwrap_or(name).to_owned()
}

/// Source: LU §2.1.
const OF_ROOTVG: [&str; 6] = ["/", "/usr", "/home", "/var", "/opt", "/tmp"];

/// Time that any one of these commands may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Most characters of what emgr says in a fault.
const SHOWN: usize = 400;
