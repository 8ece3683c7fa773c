//! Asks VIOSes: over their own SSH where a host key is on record for them, else or where that fails through an HMC of their frame.
//!
//! `viosvrcmd` needs RMC between HMC and VIOS, SSH a login as padmin: a site often has one of the two. Source: HMC reference §2.6, §3.1.

use std::path::PathBuf;
use std::time::Duration;

use nim_shared::api::ViosReading;
use nim_shared::id::{ObjectName, printable};
use nim_shared::object::{Cec, ObjectType, Spec, Vios};

use super::{BadAnswer, QUESTIONS, level, npiv, scsi};
use crate::inventory::console::{self, Console, Consoles};
use crate::inventory::endpoint::{self, NoEndpoint};
use crate::store::{self, Store};
use crate::telemetry::chain;
use crate::transport::{self, Ask, BadCommand, Command, Connection, Exit, Transport};

/// Asks VIOSes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vioses {
    store: Store,
    transport: Transport,
    consoles: Consoles,
    key: PathBuf,
}

/// Why a VIOS did not say.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither is its host key known nor has its frame an HMC that can be asked.
    #[error("{vios} has no host key on record, and {frame} has no HMC that can be asked")]
    NoWay {
        /// The VIOS.
        vios: ObjectName,
        /// Its frame.
        frame: ObjectName,
    },
    /// It is something else.
    #[error("{name} is of type {found}, not vios")]
    NoVios {
        /// The object.
        name: ObjectName,
        /// Its type.
        found: ObjectType,
    },
    /// What is on record does not say how to reach it.
    #[error(transparent)]
    Endpoint(#[from] NoEndpoint),
    /// It cannot be reached, or does not let us in.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The HMC did not do it.
    #[error(transparent)]
    Console(#[from] console::Error),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A command cannot be sent.
    #[error("`{command}` cannot be sent to {vios}")]
    Command {
        /// The VIOS.
        vios: ObjectName,
        /// The command.
        command: String,
        /// Why.
        #[source]
        cause: BadCommand,
    },
    /// A command failed there.
    #[error("`{command}` failed on {vios}: {said}")]
    Failed {
        /// The VIOS.
        vios: ObjectName,
        /// The command.
        command: String,
        /// What it said, made printable.
        said: String,
    },
    /// An answer cannot be read.
    #[error("the answer of {vios} to `{command}` cannot be read")]
    Answer {
        /// The VIOS.
        vios: ObjectName,
        /// The command.
        command: String,
        /// What is wrong.
        #[source]
        cause: BadAnswer,
    },
}

/// What root on a VIOS answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Exit status; 1 where an HMC only said that it was not 0.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A way to a VIOS.
enum Way {
    /// Its own SSH.
    Own(Connection),
    /// An HMC.
    Hmc(Console),
}

/// Who runs a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Padmin,
    Root,
}

/// A VIOS with what leads to it.
struct Place {
    name: ObjectName,
    vios: Vios,
    frame: Cec,
}

impl Vioses {
    /// Asks over `transport` and by way of `consoles`; `key` is the master's own.
    #[must_use]
    pub const fn new(store: Store, transport: Transport, consoles: Consoles, key: PathBuf) -> Self {
        Self { store, transport, consoles, key }
    }

    /// Reads `vios`, and keeps the reading, or why there is none.
    ///
    /// # Errors
    /// [`store::Error`] when that cannot be stored.
    pub async fn look(&self, vios: &ObjectName) -> Result<(), store::Error> {
        match self.read(vios).await {
            Ok(reading) => self.store.record_vios(vios, &reading).await,
            Err(Error::Store(error)) => Err(error),
            Err(error) => self.store.vios_failed(vios, &chain(&error)).await,
        }
    }

    /// Reads `vios`.
    async fn read(&self, vios: &ObjectName) -> Result<ViosReading, Error> {
        let read_at = self.store.now().await?;
        let place = self.place(vios).await?;
        let (by, answers) = self.over_each(&place, By::Padmin, &questions()).await?;
        let mut texts = Vec::new();
        for (words, said) in questions().iter().zip(answers) {
            texts.push((words.join(" "), said.stdout));
        }
        let bad = |at: usize| {
            let command = texts[at].0.clone();
            move |cause| Error::Answer { vios: vios.clone(), command, cause }
        };
        let mut adapters = scsi(&texts[1].1).map_err(bad(1))?;
        adapters.extend(npiv(&texts[2].1).map_err(bad(2))?);
        Ok(ViosReading { read_at, by, level: level(&texts[0].1).map_err(bad(0))?, adapters })
    }

    /// Runs a command as root on `vios`. `words` are looked at by the caller: they are of the list of questions.
    ///
    /// # Errors
    /// [`Error`]; a command that fails there is an answer.
    pub async fn as_root(&self, vios: &ObjectName, words: &[String]) -> Result<Said, Error> {
        let place = self.place(vios).await?;
        let (_, mut said) = self.over_each(&place, By::Root, &[words.to_vec()]).await?;
        Ok(said.remove(0))
    }

    async fn place(&self, name: &ObjectName) -> Result<Place, Error> {
        let vios = match self.store.object(name).await?.object.spec {
            Spec::Vios(vios) => vios,
            other => return Err(Error::NoVios { name: name.clone(), found: other.object_type() }),
        };
        let frame = match self.store.object(&vios.mgmt_source).await?.object.spec {
            Spec::Cec(frame) => frame,
            other => {
                return Err(Error::NoVios { name: name.clone(), found: other.object_type() });
            }
        };
        Ok(Place { name: name.clone(), vios, frame })
    }

    /// Runs `commands` over one way after the other, until they ran over one; through which HMC that was.
    async fn over_each(
        &self,
        place: &Place,
        by: By,
        commands: &[Vec<String>],
    ) -> Result<(Option<ObjectName>, Vec<Said>), Error> {
        let no_way =
            || Error::NoWay { vios: place.name.clone(), frame: place.vios.mgmt_source.clone() };
        let mut last = None;
        for hmc in std::iter::once(None).chain(place.frame.mgmt_source.iter().map(Some)) {
            match self.over(place, hmc, by, commands).await {
                Ok(said) => return Ok((hmc.cloned(), said)),
                Err(error) if is_not_set_up(&error) => {}
                // What the VIOS itself said goes before what was in the way of another way.
                Err(error) => {
                    let said_more = matches!(last, Some(Error::Failed { .. }));
                    last = if said_more { last } else { Some(error) };
                }
            }
        }
        Err(last.unwrap_or_else(no_way))
    }

    /// Runs `commands` over SSH, or through `hmc`. One of padmin that fails is an error.
    async fn over(
        &self,
        place: &Place,
        hmc: Option<&ObjectName>,
        by: By,
        commands: &[Vec<String>],
    ) -> Result<Vec<Said>, Error> {
        let way = self.open(place, hmc).await?;
        let mut answers = Vec::new();
        for words in commands {
            let said = match run(place, &way, words, by).await? {
                said if by == By::Padmin && said.status != 0 => {
                    let text = said.stdout + &said.stderr;
                    return Err(Error::Failed {
                        vios: place.name.clone(),
                        command: words.join(" "),
                        said: printable(text.trim()),
                    });
                }
                said => said,
            };
            answers.push(said);
        }
        match way {
            Way::Own(connection) => connection.close().await,
            Way::Hmc(console) => console.close().await,
        }
        Ok(answers)
    }

    async fn open(&self, place: &Place, hmc: Option<&ObjectName>) -> Result<Way, Error> {
        if let Some(hmc) = hmc {
            return Ok(Way::Hmc(self.consoles.open(hmc).await?));
        }
        let endpoint = endpoint::stored(&self.store, &place.name, &self.key).await?;
        Ok(Way::Own(self.transport.connect(&endpoint).await?))
    }
}

/// Whether a way was never set up: no host key is on record for it, and nothing is sent to such a host.
fn is_not_set_up(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport(transport::Error::HostKeyUnknown { .. })
            | Error::Console(console::Error::Transport(transport::Error::HostKeyUnknown { .. }))
    )
}

/// The questions that make a reading.
fn questions() -> Vec<Vec<String>> {
    QUESTIONS.iter().map(|words| words.iter().map(ToString::to_string).collect()).collect()
}

async fn run(place: &Place, way: &Way, words: &[String], by: By) -> Result<Said, Error> {
    let bad = |cause| Error::Command { vios: place.name.clone(), command: words.join(" "), cause };
    match way {
        Way::Own(connection) => {
            let command = match by {
                // The aliases of padmin's profile are missing over SSH. Source: HMC reference §3.1.
                By::Padmin => Command::restricted(
                    std::iter::once("ioscli").chain(words.iter().map(String::as_str)),
                ),
                By::Root => Command::vios_root(words),
            };
            let ask = Ask { stdin: Vec::new(), stdout_limit: OUTPUT_LIMIT, time_limit: TIME_LIMIT };
            let answer = connection.run(&command.map_err(bad)?, ask).await?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let status = match answer.exit {
                Exit::Status(status) => i32::try_from(status).unwrap_or(1),
                _ => 1,
            };
            Ok(Said { status, stdout: text(&answer.stdout), stderr: text(&answer.stderr.bytes) })
        }
        Way::Hmc(console) => {
            let line = Command::new(words).map_err(bad)?.to_string();
            let mut ask = ["viosvrcmd", "-m"].map(str::to_owned).to_vec();
            ask.extend([place.frame.mtms(), "--id".to_owned(), place.vios.identity.to_string()]);
            if by == By::Root {
                ask.push("--admin".to_owned());
            }
            ask.extend(["-c".to_owned(), line]);
            match console.ask(&ask).await {
                Ok(stdout) => Ok(Said { status: 0, stdout, stderr: String::new() }),
                // The command ran there and failed; its text follows the code. Source: HMC reference §1.6.
                Err(console::Error::Failed { said, .. }) if said.starts_with("HSCL2970") => {
                    Ok(Said { status: 1, stdout: String::new(), stderr: said + "\n" })
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// How long one command may take: `lsmap` asks every adapter.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Most output of one command: hundreds of adapters have some 100 KB.
const OUTPUT_LIMIT: usize = 4 << 20;
