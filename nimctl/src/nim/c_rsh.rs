//! `c_rsh NODE COMMAND`: what deployed tools ask machines through it. A query is asked of the agent; everything else is refused.
//!
//! Its own exit code is that of the transport, as in NIM: that of the command comes as a line `rc=N` where the command line
//! asks for it. Source: the NIM reference, §9.4.

use nim_shared::nim::c_rsh::{Asked, BadCommand, Status, Stderr, USAGE};

use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean_lines;

use super::{machine, say};

/// Asks what `arguments` ask for.
///
/// # Errors
/// Nothing was asked: the command is no query, or the machine does not answer.
pub(super) async fn run(arguments: &[String], context: &Context) -> Result<Exit, Error> {
    let asked = match Asked::read(arguments) {
        Ok(asked) => asked,
        Err(BadCommand::Nothing) => {
            context.printer.on_stderr(&format!("{USAGE}\n"));
            return Ok(Exit::Usage);
        }
        Err(bad) => {
            return Err(say::refused(
                "NLU-0540",
                bad.to_string(),
                "what is more than a question is done on the machine itself",
            ));
        }
    };
    let machine = machine::named(&asked.node, context).await?;
    let answer = machine::ask(&machine.object.name, &asked.query, context).await?;
    let mut stdout = clean_lines(&answer.stdout);
    let stderr = clean_lines(&answer.stderr);
    match asked.stderr {
        Stderr::Apart => context.printer.on_stderr(&stderr),
        Stderr::Joined => stdout += &stderr,
        Stderr::Dropped => {}
    }
    if asked.status == Status::Echoed {
        if !stdout.is_empty() && !stdout.ends_with('\n') {
            stdout.push('\n');
        }
        stdout += &format!("rc={}\n", answer.status);
    }
    context.printer.raw(stdout.as_bytes())?;
    Ok(Exit::Done)
}
