//! Queries: a question of the list that is compiled in, asked of AIX and answered. Nothing of an operation is touched by it: no
//! lock is taken and nothing is written, and it ends where an operation enters the phases in which AIX is asked nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use nim_shared::frame::{AgentFrame, OUTPUT_CHUNK, OutputStream, Refusal};
use nim_shared::operation::Named;
use nim_shared::query::Query;

use super::answer::{Answerer, refuse_in_silence};
use super::refused::Refused;
use crate::command;
use crate::policy::Policy;
use crate::text::chain;

impl Answerer {
    /// Asks, and sends what came out; the answer that is left is its last frame.
    pub(super) fn query(&self, query: &Query) -> Result<Option<AgentFrame>, Refused> {
        let run = query.invocation().map_err(|bad| {
            // Another version of the list may have it.
            Refused::new(Refusal::BadRequest, bad.to_string())
        })?;
        let allowed = Policy::read(&self.root)?.admit_query(run.id);
        allowed.map_err(|text| Refused::new(Refusal::Policy, text))?;
        refuse_in_silence(&self.state)?;
        // What cannot be looked at is not silent: the operation itself reports such a fault.
        let go_on = || !matches!(refuse_in_silence(&self.state), Err(refused) if refused.why == Refusal::WrongMoment);
        let limit = run.limit.duration();
        let answer = self.commands.run_apart(run.program, &run.arguments, limit, go_on);
        let answer = answer.map_err(|error| match error {
            command::Error::Stopped { .. } => {
                Refused::moment(format!("{}: the workload is being moved", chain(&error)))
            }
            error => error.into(),
        })?;
        for (stream, bytes) in
            [(OutputStream::Stdout, &answer.stdout), (OutputStream::Stderr, &answer.stderr)]
        {
            let mut offset = 0;
            for part in bytes.chunks(OUTPUT_CHUNK) {
                let (stream, data) = (Named::Known(stream), STANDARD.encode(part));
                // Where nobody listens any more the session ends with its next answer.
                if self.out.send(&AgentFrame::QueryOutput { stream, offset, data }).is_err() {
                    return Err(Refused::new(Refusal::System, "nobody listens to the answer"));
                }
                offset += part.len() as u64;
            }
        }
        Ok(Some(AgentFrame::QueryEnded { status: answer.status }))
    }
}
