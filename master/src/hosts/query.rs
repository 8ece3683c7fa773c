//! Read-only questions to an LPAR, over a connection of their own: an operation that runs there has another one, and keeps it.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nim_shared::api::{Failure, FailureKind, QueryAnswer};
use nim_shared::frame::{AgentFrame, MasterFrame, OutputStream};
use nim_shared::id::ObjectName;
use nim_shared::object::Spec;
use nim_shared::query::{Invocation, Query, QueryId};
use tokio::time::timeout;

use super::refused::{late, refused};
use super::{STATUS, failure, hint};
use crate::engine::session::{Agent, Lost};
use crate::engine::shared::Shared;

/// Asks the agent on `lpar`, or a VIOS of that name.
///
/// # Errors
/// The agent cannot be reached, or it refuses.
pub(super) async fn ask(
    shared: &Arc<Shared>,
    lpar: &ObjectName,
    query: Query,
) -> Result<QueryAnswer, Failure> {
    let run =
        query.invocation().map_err(|bad| failure("NLU-0186", FailureKind::Usage, &bad, None))?;
    if let Spec::Vios(_) = spec(shared, lpar).await? {
        return vios(shared, lpar, &run).await;
    }
    let lost = |lost: Lost| failure(&lost.code(), FailureKind::Unreachable, &lost, hint(&lost));
    let mut agent = match timeout(STATUS, shared.open_agent(lpar)).await {
        Ok(opened) => opened.map_err(lost)?,
        Err(_) => return Err(late(lpar, "the agent", STATUS)),
    };
    // The agent ends the command at the limit, and says so; past that nobody says anything any more.
    let limit = run.limit.duration() + STATUS;
    let answered = timeout(limit, converse(&mut agent, lpar, query, &run)).await;
    agent.close().await;
    match answered {
        Ok(answer) => answer.map_err(|said| match said {
            Said::Lost(error) => lost(*error),
            Said::Refused(failure) => *failure,
        }),
        Err(_) => Err(late(lpar, run.program, limit)),
    }
}

/// What `name` is.
async fn spec(shared: &Shared, name: &ObjectName) -> Result<Spec, Failure> {
    let stored = shared.store.object(name).await;
    stored
        .map(|stored| stored.object.spec)
        .map_err(|error| failure(error.code(), FailureKind::Refused, &error, error.hint()))
}

/// Asks a VIOS, which has no agent: its root answers, and of the list only what is installed.
async fn vios(
    shared: &Shared,
    vios: &ObjectName,
    run: &Invocation,
) -> Result<QueryAnswer, Failure> {
    if run.id != QueryId::Lslpp {
        return Err(Failure {
            code: "NLU-0233".to_owned(),
            message: format!("{} is not asked of a VIOS", run.program),
            causes: Vec::new(),
            hint: Some(format!("of {vios} can be asked lslpp; nimctl show {vios} has its level")),
            faults: Vec::new(),
            kind: FailureKind::Refused,
        });
    }
    let words: Vec<_> =
        std::iter::once(run.program.to_owned()).chain(run.arguments.iter().cloned()).collect();
    let said = shared.vioses.as_root(vios, &words).await.map_err(|error| {
        let hint = format!(
            "nimctl hostkey scan {vios} lets nimd ask it over SSH; otherwise an HMC of its frame has to reach it over RMC"
        );
        failure("NLU-0234", FailureKind::Unreachable, &error, Some(hint))
    })?;
    let (stdout, stderr) = (said.stdout, said.stderr);
    Ok(QueryAnswer { lpar: vios.clone(), status: said.status, stdout, stderr })
}

/// Why there is no answer.
enum Said {
    Lost(Box<Lost>),
    Refused(Box<Failure>),
}

async fn converse(
    agent: &mut Agent,
    lpar: &ObjectName,
    query: Query,
    run: &Invocation,
) -> Result<QueryAnswer, Said> {
    let lost = |error| Said::Lost(Box::new(error));
    agent.send(&MasterFrame::Query(query)).await.map_err(lost)?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        match agent.next().await.map_err(lost)? {
            AgentFrame::QueryOutput { stream, offset, data } => {
                let garbage = || Said::Refused(Box::new(garbage(lpar)));
                let bytes = STANDARD.decode(data).map_err(|_| garbage())?;
                let all = stdout.len() + stderr.len();
                let to = match stream.known() {
                    Some(OutputStream::Stdout) | None => &mut stdout,
                    Some(OutputStream::Stderr) => &mut stderr,
                };
                match offset.cmp(&(to.len() as u64)) {
                    // It came before.
                    Ordering::Less => {}
                    Ordering::Equal if all + bytes.len() <= MOST => to.extend(bytes),
                    Ordering::Equal | Ordering::Greater => return Err(garbage()),
                }
            }
            AgentFrame::QueryEnded { status } => {
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                return Ok(QueryAnswer {
                    lpar: lpar.clone(),
                    status,
                    stdout: text(stdout),
                    stderr: text(stderr),
                });
            }
            AgentFrame::Refused { why, text, .. } => {
                let message = format!("{lpar} was not asked: {}", run.program);
                return Err(Said::Refused(Box::new(refused(lpar, message, &why, &text))));
            }
            // What is said beside it is for sessions of operations.
            _ => {}
        }
    }
}

fn garbage(lpar: &ObjectName) -> Failure {
    Failure {
        code: "NLU-0403".to_owned(),
        message: format!("the agent on {lpar} says what cannot be"),
        causes: vec!["its answer is too long, or not what it announces".to_owned()],
        hint: Some(format!("nimctl agent status {lpar}")),
        faults: Vec::new(),
        kind: FailureKind::Unreachable,
    }
}

/// Most bytes of an answer. An agent sends at most 4 MiB of each stream.
const MOST: usize = 8 << 20;
