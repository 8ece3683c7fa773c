//! What can go wrong on this side of the socket, in the form in which the other side reports its failures: one renderer and one
//! table of exit codes serve both.

use std::io;
use std::path::PathBuf;

use nim_shared::api::{Failure, FailureKind, FileFault};
use nim_shared::id::printable;

use crate::exit::Exit;

/// Why a command came to no good end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// `nimd` says so.
    #[error("{}", .0.message)]
    Server(Box<Failure>),
    /// Nothing listens where `nimd` should.
    #[error("cannot reach nimd at {}", at.display())]
    NoServer {
        at: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// The connection ended before the answer did.
    #[error("nimd went away before it answered {asked}")]
    Lost {
        asked: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer within the limit.
    #[error("no answer from nimd to {asked} within {seconds} s")]
    TooSlow { asked: String, seconds: u64 },
    /// An answer that is none of ours: another program, or another version.
    #[error("cannot understand what nimd answered to {asked}")]
    NotUnderstood {
        asked: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Values on the command line that do not go together, all of them.
    #[error("{what}")]
    Usage { what: String, faults: Vec<FileFault>, hint: Option<String> },
    /// A question, and nobody who could answer it.
    #[error("{what}, and nobody can be asked")]
    NobodyToAsk { what: String, hint: &'static str },
    /// The answer was no.
    #[error("not confirmed; nothing was changed")]
    Declined,
    /// A file that the command line names.
    #[error("cannot {what} {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// No operation has an id that begins so, and no LPAR is called so.
    #[error(
        "no operation has an id that begins with \"{}\", and no LPAR of that name had one",
        printable(typed)
    )]
    NoOperation { typed: String },
    /// Neither a code nor a file nor an operation.
    #[error("\"{}\" is no code that is known, no file and no operation", printable(typed))]
    Unknown { typed: String, hint: String },
    /// Several operations have an id that begins so.
    #[error("several operations have an id that begins with \"{}\"", printable(typed))]
    Ambiguous { typed: String, candidates: Vec<String> },
    /// What may be a slip means one operation, which is perhaps not the one that was meant.
    #[error("\"{}\" is too short to mean an operation", printable(typed))]
    TooShort { typed: String, candidates: Vec<String> },
    /// A lab cannot be set up for a rehearsal.
    #[error("{what}")]
    NoLab { what: String, hint: String },
    /// A program of the rehearsal did not do what it should.
    #[error("{what}")]
    LabProgram { what: String, said: Vec<String> },
    /// The lab was not ready within the limit.
    #[error("{what} after {seconds} s")]
    LabNotReady { what: String, seconds: u64 },
    /// Whoever read our output stopped reading. Not an error to anybody.
    #[error("the reader of the output is gone")]
    PipeClosed,
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// The system gives no notice of Ctrl-C.
    #[error("cannot listen for Ctrl-C")]
    Signal(#[source] io::Error),
    /// A value that the output format cannot express.
    #[error("cannot express the output as {format}")]
    Format {
        format: &'static str,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// What clap says of a command line: one sentence, and where there is one a hint.
    pub(crate) fn usage(said: &str) -> Self {
        let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or("the command line is wrong");
        let what = first.strip_prefix("error: ").unwrap_or(first);
        // What is missing stands below the sentence, up to the next part.
        let is_part =
            |line: &str| ["Usage:", "tip:", "For more"].iter().any(|part| line.starts_with(part));
        let rest: Vec<_> = lines.clone().take_while(|line| !is_part(line)).collect();
        let what = [&[what], &rest[..]].concat().join(" ");
        let hint =
            lines.find_map(|line| line.strip_prefix("tip: ").or(line.strip_prefix("Usage: ")));
        let hint = hint.unwrap_or("`nimctl --help` shows what there is").to_owned();
        Self::Usage { what, faults: Vec::new(), hint: Some(hint) }
    }

    /// Stays the same for years. 05xx belong to the command line.
    const fn code(&self) -> u16 {
        match self {
            // Has its own.
            Self::Server(_) | Self::PipeClosed => 0,
            Self::NoServer { .. } => 501,
            Self::Lost { .. } => 502,
            Self::TooSlow { .. } => 503,
            Self::NotUnderstood { .. } => 504,
            Self::Usage { .. } => 505,
            Self::NobodyToAsk { .. } => 506,
            Self::Declined => 507,
            Self::File { .. } => 508,
            Self::NoOperation { .. } => 509,
            Self::Ambiguous { .. } | Self::TooShort { .. } => 510,
            Self::Output(_) => 511,
            Self::Format { .. } => 512,
            Self::Signal(_) => 515,
            Self::NoLab { .. } => 553,
            Self::LabProgram { .. } => 554,
            Self::LabNotReady { .. } => 555,
            // 513 is said in command/show.rs.
            Self::Unknown { .. } => 514,
        }
    }

    const fn kind(&self) -> FailureKind {
        match self {
            Self::Server(failure) => failure.kind,
            Self::NoServer { .. }
            | Self::Lost { .. }
            | Self::TooSlow { .. }
            | Self::LabNotReady { .. } => FailureKind::Unreachable,
            Self::Usage { .. } | Self::NobodyToAsk { .. } | Self::File { .. } => FailureKind::Usage,
            Self::NoOperation { .. } | Self::Unknown { .. } => FailureKind::NotFound,
            Self::Declined
            | Self::Ambiguous { .. }
            | Self::TooShort { .. }
            | Self::NoLab { .. } => FailureKind::Refused,
            Self::NotUnderstood { .. }
            | Self::PipeClosed
            | Self::LabProgram { .. }
            | Self::Output(_)
            | Self::Signal(_)
            | Self::Format { .. } => FailureKind::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoServer { cause, .. } => match cause.kind() {
                io::ErrorKind::PermissionDenied => {
                    "the socket's mode and group say who may use it: see `ls -l` of it, or ask whoever runs nimd".to_owned()
                }
                _ => "see whether it runs: `systemctl status nimd`; where it listens elsewhere: `--server` or NIMD_SERVER".to_owned(),
            },
            Self::Lost { .. } => "ask again; what was accepted before goes on: `nimctl status`".to_owned(),
            Self::TooSlow { .. } => "ask again later; `nimctl server` shows whether nimd answers at all".to_owned(),
            Self::NotUnderstood { .. } => format!(
                "see whether nimctl {} and nimd are of the same release: `nimctl server`",
                nim_shared::VERSION
            ),
            Self::Usage { hint, .. } => return hint.clone(),
            Self::Unknown { hint, .. } => hint.clone(),
            Self::NoLab { hint, .. } => hint.clone(),
            Self::LabProgram { .. } => {
                "lab.log and nimd.log in the folder of the rehearsal say more".to_owned()
            }
            Self::LabNotReady { .. } => {
                "nimd.log in the folder of the rehearsal says what it asks the lab".to_owned()
            }
            Self::NobodyToAsk { hint, .. } => (*hint).to_owned(),
            Self::NoOperation { .. } => "`nimctl status --all` lists them".to_owned(),
            Self::Ambiguous { candidates, .. } | Self::TooShort { candidates, .. } => {
                format!("type more of it; it can be {}", candidates.join(", "))
            }
            Self::Output(_) | Self::Format { .. } => {
                "what nimd had accepted goes on: `nimctl status` lists it".to_owned()
            }
            Self::Server(_)
            | Self::Declined
            | Self::File { .. }
            | Self::PipeClosed
            | Self::Signal(_) => return None,
        })
    }

    /// As the API reports failures.
    pub(crate) fn failure(&self) -> Failure {
        if let Self::Server(failure) = self {
            return (**failure).clone();
        }
        let mut causes = match self {
            Self::LabProgram { said, .. } => said.clone(),
            _ => Vec::new(),
        };
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let faults = match self {
            Self::Usage { faults, .. } => faults.clone(),
            _ => Vec::new(),
        };
        Failure {
            code: format!("NLU-{:04}", self.code()),
            message: self.to_string(),
            causes,
            hint: self.hint(),
            faults,
            kind: self.kind(),
        }
    }

    /// What the shell is told.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::PipeClosed => Exit::Done,
            Self::Output(_) | Self::Format { .. } => Exit::Unwritten,
            _ => self.kind().into(),
        }
    }
}
