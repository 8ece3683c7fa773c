//! A channel for files to one LPAR, beside the conversation with its agent.

use nim_shared::frame::{self, FileFrame, Refusal};
use nim_shared::id::ObjectName;

use super::channel::Lost;
use crate::transport::{self, Exec, Exit};

/// A channel for files to one LPAR.
pub struct Files {
    lpar: ObjectName,
    input: transport::Input,
    output: transport::Output,
}

impl Files {
    pub(super) fn new(lpar: ObjectName, exec: Exec) -> Self {
        Self { lpar, input: exec.input, output: exec.output }
    }

    /// Sends one frame, and the bytes that it announces.
    ///
    /// # Errors
    /// [`Lost`].
    pub async fn send(&mut self, frame: &FileFrame, bytes: Vec<u8>) -> Result<(), Lost> {
        let bad = |cause| Lost::BadFrame { host: self.lpar.clone(), cause };
        let mut line = frame::write(frame).map_err(bad)?;
        line.extend(bytes);
        Ok(self.input.write(line).await?)
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`Lost`] when the agent ended, the connection broke, or what came is no frame.
    pub async fn next(&mut self) -> Result<FileFrame, Lost> {
        match self.output.line().await? {
            Some(line) => {
                frame::read(line).map_err(|cause| Lost::BadFrame { host: self.lpar.clone(), cause })
            }
            None => Err(Lost::Ended {
                host: self.lpar.clone(),
                exit: Exit::Unknown,
                stderr: "it took no more files".to_owned(),
            }),
        }
    }

    /// What an answer means that is not the one that was due.
    #[must_use]
    pub fn refused(&self, answer: FileFrame) -> Lost {
        let (may_pass, text) = match answer {
            FileFrame::Refused { why, text, .. } => {
                let never = [Refusal::Policy, Refusal::NoSpace, Refusal::Unsupported];
                let may_pass = !why.known().is_some_and(|why| never.contains(&why));
                (may_pass, nim_shared::id::printable(&text))
            }
            _ => (true, "it answers something else than was asked".to_owned()),
        };
        Lost::FilesRefused { host: self.lpar.clone(), may_pass, text }
    }

    /// The agent did not answer in time.
    #[must_use]
    pub fn silent(&self) -> Lost {
        Lost::Silent { host: self.lpar.clone() }
    }

    /// Ends the channel: the agent sees the end of its input.
    pub async fn close(self) {
        self.output.unread_until(self.input.finish()).await;
    }
}
