//! `serve`: frames on standard input and output, for as long as a master is there.
//!
//! It owns nothing: what it takes is on the disk before it is acknowledged, and what it streams is read back from there. So it may
//! be killed anywhere, and any number of sessions may run at once. A master that stops reading stops its own session only.

use std::io::{self, BufReader, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use nim_shared::frame::{self, AgentFrame, BadFrame, MasterFrame, PROTOCOL_FLOOR, Refusal};
use nim_shared::id::OperationId;
use nim_shared::operation::Named;

use crate::command::Commands;
use crate::line::{Line, Lines};
use crate::root::Root;
use crate::text::chain;

mod answer;
mod order;
mod preflight;
mod query;
mod refused;
mod stream;

use answer::Answerer;
pub(crate) use order::{SECRET_LIMIT, SecretAnswer};
use refused::Refused;
use stream::Streams;

/// Speaks with the master until it closes or breaks the rules.
pub(crate) fn run(root: &Root) -> ExitCode {
    let out = Out::default();
    let streams = Streams::start(out.clone(), Commands::new(root.clone()));
    let ended = match Answerer::new(root.clone(), out.clone(), streams) {
        Ok(answerer) => Session { out, answerer, greeted: false }.run(),
        Err(error) => out.send(&refused(None, "hello", Refusal::System, &chain(&error))),
    };
    // What is still being streamed ends with the process: the master asks for the rest in its next session.
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody is there to be told.
        Err(_) => ExitCode::FAILURE,
    }
}

struct Session {
    out: Out,
    answerer: Answerer,
    greeted: bool,
}

impl Session {
    fn run(&mut self) -> io::Result<()> {
        let mut lines = Lines::new(BufReader::new(io::stdin()));
        loop {
            match lines.next()? {
                Line::End => return Ok(()),
                Line::TooLong => return self.break_off(&BadFrame::TooLong),
                Line::Whole(line) => match frame::read::<MasterFrame>(line) {
                    Ok(frame) => self.handle(frame)?,
                    Err(BadFrame::UnknownKind { kind }) => {
                        let text = "this agent does not know that kind of frame";
                        self.out.send(&refused(None, &kind, Refusal::UnknownFrame, text))?;
                    }
                    Err(error) => return self.break_off(&error),
                },
            }
        }
    }

    /// Says why and ends: after a line that is no frame nothing is sure.
    fn break_off(&self, error: &BadFrame) -> io::Result<()> {
        self.out.send(&refused(None, "line", Refusal::BadFrame, &chain(error)))
    }

    fn handle(&mut self, frame: MasterFrame) -> io::Result<()> {
        let (kind, operation) = about(&frame);
        if let MasterFrame::Hello { protocol, .. } = &frame {
            if *protocol < PROTOCOL_FLOOR {
                let text = format!("this agent speaks protocol {PROTOCOL_FLOOR} and later");
                return self.out.send(&refused(None, kind, Refusal::BadFrame, &text));
            }
            self.greeted = true;
        } else if !self.greeted {
            let text = "hello comes first";
            return self.out.send(&refused(operation, kind, Refusal::WrongMoment, text));
        }
        match self.answerer.answer(frame) {
            Ok(Some(answer)) => self.out.send(&answer),
            Ok(None) => Ok(()),
            Err(Refused { why, text }) => self.out.send(&refused(operation, kind, why, &text)),
        }?;
        self.answerer.after_answer();
        Ok(())
    }
}

/// Kind of a frame, and the operation that it names.
const fn about(frame: &MasterFrame) -> (&'static str, Option<OperationId>) {
    match frame {
        MasterFrame::Hello { .. } => ("hello", None),
        MasterFrame::Start { command, .. } => ("start", Some(command.operation)),
        MasterFrame::Proceed { command } => ("proceed", Some(command.operation)),
        MasterFrame::Cancel { command } => ("cancel", Some(command.operation)),
        MasterFrame::Forget { command } => ("forget", Some(command.operation)),
        MasterFrame::Attach { operation, .. } => ("attach", Some(*operation)),
        MasterFrame::Secret { operation, .. } => ("secret", Some(*operation)),
        MasterFrame::Proof { command, .. } => ("proof", Some(command.operation)),
        MasterFrame::Step { command, .. } => ("step", Some(command.operation)),
        MasterFrame::Ack { operation, .. } => ("ack", Some(*operation)),
        MasterFrame::Facts => ("facts", None),
        MasterFrame::Query(_) => ("query", None),
        MasterFrame::Preflight { .. } => ("preflight", None),
    }
}

fn refused(operation: Option<OperationId>, kind: &str, why: Refusal, text: &str) -> AgentFrame {
    let text = nim_shared::id::printable(text);
    AgentFrame::Refused { operation, refused: kind.to_owned(), why: Named::Known(why), text }
}

/// Standard output, one frame at a time.
#[derive(Clone, Default)]
struct Out {
    turn: Arc<Mutex<()>>,
}

impl Out {
    /// Sends `frame`; waits while the master does not read.
    fn send(&self, frame: &AgentFrame) -> io::Result<()> {
        let line = frame::write(frame).map_err(io::Error::other)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }
}
