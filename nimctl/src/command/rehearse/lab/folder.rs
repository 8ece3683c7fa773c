//! The folder of a rehearsal in a lab. It is made by it, and kept: what was copied, what the programs logged, what came out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nim_shared::api::{File, LabCopy};
use serde::Serialize;

use super::program;
use crate::error::Error;

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// Longest path of a socket, in bytes. Source: `unix(7)` of Linux, `sun_path` with its end.
const SOCKET: usize = 107;

impl Folder {
    /// Takes a path at which there is nothing, or an empty folder. Nothing is made yet.
    ///
    /// # Errors
    /// When something is there, or the path is none.
    pub(super) fn take(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|cause| Error::File {
            what: "use",
            path: path.to_owned(),
            cause,
        })?;
        match fs::read_dir(&path) {
            Ok(mut inside) => match inside.next() {
                None => Ok(Self { path }),
                Some(_) => Err(Error::NoLab {
                    what: format!("{} is not empty", path.display()),
                    hint: "name a folder that is not there yet; of an earlier rehearsal the results are kept".to_owned(),
                }),
            },
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self { path }),
            Err(cause) => Err(Error::File { what: "use", path, cause }),
        }
    }

    /// Sees that nimd can have its data in it: its database may run as another user, who has to get there.
    ///
    /// # Errors
    /// What `nimd`, a program, says of it.
    pub(super) async fn fits(&self, nimd: &Path) -> Result<(), Error> {
        let data = self.nimd();
        let words = ["--data-dir", &data.to_string_lossy(), "check-config"];
        match program::ask(nimd, &words).await {
            Err(Error::LabProgram { said, .. }) => {
                let said: Vec<&str> = said.iter().map(|line| line.trim()).collect();
                let said = said.join("; ");
                let said = said.strip_prefix("error: ").unwrap_or(&said);
                Err(Error::NoLab {
                    what: format!("nimd cannot have its data in {}: {said}", self.path.display()),
                    hint: "name another folder, such as one in /tmp".to_owned(),
                })
            }
            done => done.map(drop),
        }
    }

    /// Makes it, so that the database of nimd gets through, which may run as another user.
    ///
    /// # Errors
    /// When it cannot be made, or its path is too long for the sockets that will be in it.
    pub(super) fn make(&self, copy: &LabCopy) -> Result<(), Error> {
        let names = copy.lpars.iter().map(|lpar| lpar.name.as_str().len());
        let longest = names.max().unwrap_or(0) + "/lab/lpars//init.sock".len();
        let longest = longest.max("/lab/run/control.sock".len()).max("/nimd/run/nimd.sock".len());
        let most = SOCKET.saturating_sub(longest);
        let found = self.path.as_os_str().len();
        if found > most {
            return Err(Error::NoLab {
                what: format!(
                    "the path of {} has {found} bytes, and {most} are possible: sockets lie in it",
                    self.path.display()
                ),
                hint: "name a folder with a shorter path".to_owned(),
            });
        }
        let failed = |cause| Error::File { what: "make", path: self.path.clone(), cause };
        let above = self.path.ancestors().skip(1).take_while(|above| !above.exists());
        let made: Vec<&Path> = std::iter::once(&*self.path).chain(above).collect();
        fs::DirBuilder::new().recursive(true).create(&self.path).map_err(failed)?;
        for folder in made {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).map_err(failed)?;
        }
        fs::create_dir(self.nimd()).map_err(failed)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the lab keeps its state.
    pub(super) fn lab(&self) -> PathBuf {
        self.path.join("lab")
    }

    /// Where nimd keeps its state.
    pub(super) fn nimd(&self) -> PathBuf {
        self.path.join("nimd")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file of it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.file(name);
        match fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(cause) => Err(Error::File { what: "write", path, cause }),
        }
    }

    /// Writes a value as JSON.
    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|cause| Error::Format { format: "JSON", cause: Box::new(cause) })?;
        self.write(name, &(text + "\n")).map(drop)
    }

    /// Reads a file of it, as the API takes files.
    pub(super) fn read(&self, name: &str) -> Result<File, Error> {
        crate::command::apply::read(&self.file(name))
    }
}
