//! Frames over one exec channel to one agent.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use nim_shared::frame::{self, AgentFrame, AgentHello, BadFrame, MasterFrame, PROTOCOL};
use nim_shared::id::{Digest, MasterId, ObjectName};
use nim_shared::stamp::Timestamp;
use tokio::time::timeout;

use super::files::Files;
use crate::engine::dialogue::Broken;
use crate::inventory::endpoint::NoEndpoint;
use crate::store;
use crate::transport::{self, Command, Connection, Endpoint, Exit, Patience, Transport};

/// How long an agent may take to answer `hello`: a slow LPAR starts a process, reads its disk and asks AIX a few questions.
const HELLO: Duration = Duration::from_secs(60);

/// An open conversation with an agent that answered `hello`.
pub struct Agent {
    lpar: ObjectName,
    connection: Connection,
    input: transport::Input,
    output: transport::Output,
    /// Frames that leave with the next one.
    waiting: Vec<u8>,
    hello: AgentHello,
    /// The trial of IP filters that was known before this connection was opened.
    trial: Option<Digest>,
}

/// Why there is no conversation, or no longer one.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The host cannot be reached, or the connection broke.
    #[error(transparent)]
    Transport(#[from] transport::Error),
    /// The agent ended: it is not installed, not allowed, or its system refused.
    #[error("the agent on {host} ended{}", said(stderr))]
    Ended {
        /// The LPAR.
        host: ObjectName,
        /// How it ended.
        exit: Exit,
        /// What it wrote to standard error, made printable.
        stderr: String,
    },
    /// What came is no frame.
    #[error("the agent on {host} sent what is no frame")]
    BadFrame {
        /// The LPAR.
        host: ObjectName,
        /// Why.
        #[source]
        cause: BadFrame,
    },
    /// What the agent says cannot be.
    #[error("the agent on {host} says what cannot be")]
    Broken {
        /// The LPAR.
        host: ObjectName,
        /// What it said.
        #[source]
        cause: Broken,
    },
    /// What is on record does not say how to reach the LPAR.
    #[error(transparent)]
    NoWay(#[from] NoEndpoint),
    /// A file that is to be sent cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file on this master.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The folder of the files that are to be sent is not known any more.
    #[error("the lpp_source or the script that {host} needs is gone")]
    NoFolder {
        /// The LPAR.
        host: ObjectName,
    },
    /// The agent does not take the files.
    #[error("{host} does not take the files: {text}")]
    FilesRefused {
        /// The LPAR.
        host: ObjectName,
        /// Whether it may take them later.
        may_pass: bool,
        /// Why.
        text: String,
    },
    /// This master's lease lapsed: it commands nothing until it has it again.
    #[error("the lease of this master lapsed before {host} could be told")]
    LeaseLapsed {
        /// The LPAR.
        host: ObjectName,
    },
    /// Another connection takes the place of this one.
    #[error("another connection to {host} answered first")]
    Replaced {
        /// The LPAR.
        host: ObjectName,
    },
    /// The LPAR's sshd was started anew: a new login shows that it lets in.
    #[error("sshd on {host} was started anew: it is logged in again")]
    LoginDue {
        /// The LPAR.
        host: ObjectName,
    },
    /// Nothing is expected of the agent before a person decides.
    #[error("nothing is expected of {host} before a person decides")]
    Idle {
        /// The LPAR.
        host: ObjectName,
    },
    /// The agent does not answer.
    #[error("the agent on {host} did not answer `hello` within {} s", HELLO.as_secs())]
    Silent {
        /// The LPAR.
        host: ObjectName,
    },
}

/// The first line that a failed command wrote, for the message.
fn said(stderr: &str) -> String {
    stderr
        .lines()
        .find(|line| !line.trim().is_empty())
        .map(|line| format!(": {line}"))
        .unwrap_or_default()
}

impl Lost {
    /// Whether trying again can help without somebody changing something.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Transport(error) => matches!(error.retry(), transport::Retry::After(_)),
            // 126 and 127: a shell found no agent, or one that it may not run. 2: the agent says that it cannot run here.
            Self::Ended { exit: Exit::Status(126 | 127 | 2), .. } => false,
            Self::NoWay(error) => {
                matches!(error, NoEndpoint::Store(error) if error.retry() != store::Retry::Never)
            }
            Self::File { .. } | Self::NoFolder { .. } => false,
            Self::FilesRefused { may_pass, .. } => *may_pass,
            Self::Ended { .. }
            | Self::BadFrame { .. }
            | Self::Broken { .. }
            | Self::LeaseLapsed { .. }
            | Self::Replaced { .. }
            | Self::LoginDue { .. }
            | Self::Idle { .. }
            | Self::Silent { .. } => true,
        }
    }

    /// The whole chain of reasons as one line.
    #[must_use]
    pub fn chain(&self) -> String {
        crate::telemetry::chain(self)
    }

    /// The code that stays the same for years.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Transport(error) => error.code().to_string(),
            Self::NoWay(NoEndpoint::Store(error)) => error.code().to_owned(),
            Self::NoWay(_) => "NLU-0401".to_owned(),
            Self::Ended { .. } => "NLU-0402".to_owned(),
            Self::BadFrame { .. } | Self::Broken { .. } => "NLU-0403".to_owned(),
            Self::Silent { .. } => "NLU-0404".to_owned(),
            Self::File { .. } | Self::NoFolder { .. } | Self::FilesRefused { .. } => {
                "NLU-0407".to_owned()
            }
            Self::LeaseLapsed { .. }
            | Self::Replaced { .. }
            | Self::LoginDue { .. }
            | Self::Idle { .. } => "NLU-0405".to_owned(),
        }
    }
}

impl Agent {
    /// Connects to `endpoint`, which is that of `lpar`, starts `command` there and exchanges `hello`.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn open(
        transport: &Transport,
        lpar: &ObjectName,
        endpoint: &Endpoint,
        command: &Command,
        master: MasterId,
        now: Timestamp,
    ) -> Result<Self, Lost> {
        let connection = transport.connect(endpoint).await?;
        let exec = connection.exec(command).await?;
        let (mut input, mut output) = (exec.input, exec.output);
        let hello = MasterFrame::Hello {
            protocol: PROTOCOL,
            version: nim_shared::VERSION.to_owned(),
            master,
            now,
        };
        let host = lpar.clone();
        let greet = async {
            let written = send(&mut input, &host, &hello).await;
            match next(&mut output, &host).await? {
                Some(AgentFrame::Hello(hello)) => Ok(Some(*hello)),
                Some(_) => Ok(None),
                None => written.map(|()| None),
            }
        };
        let answered = timeout(HELLO, greet).await;
        match answered {
            Ok(Ok(Some(hello))) => {
                let (waiting, trial) = (Vec::new(), None);
                Ok(Self { lpar: host, connection, input, output, waiting, hello, trial })
            }
            Ok(Ok(None)) => Err(ended(output, host).await),
            Ok(Err(lost)) => Err(lost),
            Err(_) => Err(Lost::Silent { host }),
        }
    }

    /// The same, opened when `trial` was known: it came through the IP filters that are on it.
    #[must_use]
    pub fn opened_for(self, trial: Option<Digest>) -> Self {
        Self { trial, ..self }
    }

    /// The trial of IP filters that was known before it was opened.
    #[must_use]
    pub const fn trial(&self) -> Option<Digest> {
        self.trial
    }

    /// What the agent said about itself.
    pub fn hello(&self) -> &AgentHello {
        &self.hello
    }

    /// Sends one frame, behind those that wait.
    ///
    /// # Errors
    /// [`Lost`]; the frame may or may not have arrived.
    pub async fn send(&mut self, frame: &MasterFrame) -> Result<(), Lost> {
        self.queue(frame)?;
        self.flush().await
    }

    /// Has a frame leave with the next one, in one packet; or with [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`Lost`] when it is none.
    pub fn queue(&mut self, frame: &MasterFrame) -> Result<(), Lost> {
        self.waiting.extend(line(&self.lpar, frame)?);
        Ok(())
    }

    /// Sends the frames that wait.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), Lost> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        Ok(self.input.write(std::mem::take(&mut self.waiting)).await?)
    }

    /// The next frame. Cancel safe.
    ///
    /// # Errors
    /// [`Lost`] when the agent ended, the connection broke, or what came is no frame. A frame of an unknown kind is skipped: a
    /// newer agent may say more than we know.
    pub async fn next(&mut self) -> Result<AgentFrame, Lost> {
        match next(&mut self.output, &self.lpar).await? {
            Some(frame) => Ok(frame),
            None => Err(Lost::Ended {
                host: self.lpar.clone(),
                exit: Exit::Unknown,
                stderr: String::new(),
            }),
        }
    }

    /// A frame that has already arrived.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn buffered(&mut self) -> Result<Option<AgentFrame>, Lost> {
        loop {
            let Some(line) = self.output.buffered_line()? else { return Ok(None) };
            if let Some(frame) = read(line, &self.lpar)? {
                return Ok(Some(frame));
            }
        }
    }

    /// Opens a channel for files beside this conversation.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn files(&self, command: &Command) -> Result<Files, Lost> {
        let exec = self.connection.exec(command).await?;
        Ok(Files::new(self.lpar.clone(), exec))
    }

    /// How much silence is borne from now on.
    pub fn set_patience(&self, patience: Patience) {
        self.connection.set_patience(patience);
    }

    /// How long nothing was heard.
    pub fn silent_for(&self) -> Duration {
        self.connection.silent_for()
    }

    /// Ends the conversation: the agent sees the end of its input.
    pub async fn close(self) {
        let Self { input, output, connection, .. } = self;
        let leave = async {
            input.finish().await;
            connection.close().await;
        };
        output.unread_until(leave).await;
    }
}

async fn send(
    input: &mut transport::Input,
    host: &ObjectName,
    frame: &MasterFrame,
) -> Result<(), Lost> {
    Ok(input.write(line(host, frame)?).await?)
}

fn line(host: &ObjectName, frame: &MasterFrame) -> Result<Vec<u8>, Lost> {
    frame::write(frame).map_err(|cause| Lost::BadFrame { host: host.clone(), cause })
}

async fn next(
    output: &mut transport::Output,
    host: &ObjectName,
) -> Result<Option<AgentFrame>, Lost> {
    loop {
        let Some(line) = output.line().await? else { return Ok(None) };
        if let Some(frame) = read(line, host)? {
            return Ok(Some(frame));
        }
    }
}

fn read(line: &[u8], host: &ObjectName) -> Result<Option<AgentFrame>, Lost> {
    match frame::read(line) {
        Ok(frame) => Ok(Some(frame)),
        Err(BadFrame::UnknownKind { .. }) => Ok(None),
        Err(cause) => Err(Lost::BadFrame { host: host.clone(), cause }),
    }
}

/// Why a command that should have answered ended.
async fn ended(output: transport::Output, host: ObjectName) -> Lost {
    match timeout(HELLO, output.ended()).await {
        Ok(Ok(end)) => {
            let stderr = String::from_utf8_lossy(&end.stderr.bytes).into_owned();
            let stderr = stderr
                .chars()
                .map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c })
                .collect();
            Lost::Ended { host, exit: end.exit, stderr }
        }
        Ok(Err(error)) => error.into(),
        Err(_) => Lost::Silent { host },
    }
}
