//! Does what follows from the end of an operation and outlives its session: stored with the transition, taken up by whichever
//! master is there, again if that one dies. Each action looks at the present and may be done twice.

mod console;

use std::sync::Arc;
use std::time::Duration;

use nim_shared::frame::found::Found;
use nim_shared::id::ObjectName;
use nim_shared::object::Spec;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::operation::Action;
use super::shared::Shared;
use crate::crash;
use crate::inventory::frame::Seen;
use crate::inventory::lpar;
use crate::store::notify::Topic;
use crate::store::operation::{FollowUpAction, NextTry};
use crate::taken::Taken;
use crate::{store, telemetry};

/// Most actions under way.
const TOGETHER: u32 = 64;

/// How long the ends of actions are gathered before they are noted, all in one transaction.
const GATHER: Duration = Duration::from_millis(20);

/// Longest time between two looks without a hint.
const LOOK: Duration = Duration::from_secs(2);

/// Pause before the HMC is asked again whether a surrogate is gone: the interval at which a frame may be polled.
/// Source: HMC reference §4.2.
const AGAIN: Duration = Duration::from_secs(10);

/// How often an HMC is asked whether an LPAR that was moved has its RMC connection. How long that takes is documented nowhere; what is
/// not there by then stays open until somebody looks.
const MOST_LOOKS: u32 = 30;

/// Does what is stored until `stop`; then waits until what is under way has ended.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut hints = shared.store.hints(&[Topic::Work]);
    let panicked = || NextTry::After(AGAIN);
    let mut work = Work { taken: Taken::new("what follows from an operation", panicked) };
    loop {
        if shared.lease.may_command() {
            work.take_up(&shared).await;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            true = work.taken.ends() => tokio::time::sleep(GATHER).await,
            () = hints.wait(LOOK) => {}
        }
        work.note(&shared).await;
    }
    while work.taken.ends().await {}
    work.note(&shared).await;
}

/// What this master has taken up and not noted yet.
struct Work {
    taken: Taken<NextTry>,
}

impl Work {
    /// Takes up what is due, as far as there is room.
    async fn take_up(&mut self, shared: &Arc<Shared>) {
        let room = self.taken.room(TOGETHER);
        if room == 0 {
            return;
        }
        match shared.store.claim_actions(shared.master, room).await {
            Ok(actions) => {
                let (notices, others): (Vec<_>, Vec<_>) =
                    actions.into_iter().partition(|one| one.action == Action::Notify);
                self.notify(shared, &notices).await;
                for action in others {
                    let number = action.id;
                    self.taken.spawn(number, carry_out(Arc::clone(shared), action));
                }
            }
            Err(error) => {
                warn!(error = %telemetry::chain(&error), "cannot look for what follows");
            }
        }
    }

    /// Tells those who want to know: one hint for all, which says no more than that there is something new.
    async fn notify(&mut self, shared: &Shared, notices: &[FollowUpAction]) {
        if notices.is_empty() {
            return;
        }
        notices.iter().for_each(|one| crash::before(one.action, &one.lpar));
        shared.store.hint(Topic::Events).await;
        notices.iter().for_each(|one| crash::after(one.action, &one.lpar));
        notices.iter().for_each(|one| self.taken.is_done(one.id, NextTry::None));
    }

    /// Notes what became of actions, all in one transaction. What cannot be noted stays, for the next time.
    async fn note(&mut self, shared: &Shared) {
        let done = self.taken.done();
        if done.is_empty() {
            return;
        }
        match shared.store.actions_done(shared.master, done).await {
            Ok(()) => self.taken.noted(),
            Err(error) => {
                warn!(error = %telemetry::chain(&error), "cannot note what was done after operations");
            }
        }
    }
}

async fn carry_out(shared: Arc<Shared>, action: FollowUpAction) -> NextTry {
    crash::before(action.action, &action.lpar);
    let acted = act(&shared, &action).await;
    crash::after(action.action, &action.lpar);
    match acted {
        Ok(next) => next,
        Err(error) => {
            debug!(operation.id = %action.operation, error = %telemetry::chain(&error), "will be tried again");
            NextTry::After(AGAIN)
        }
    }
}

async fn act(shared: &Shared, action: &FollowUpAction) -> Result<NextTry, store::Error> {
    match action.action {
        Action::RefreshInventory => {
            if let Some(id) = action.lpar_id {
                lpar::learn(&shared.store, shared.who, &action.lpar, id).await?;
            }
            Ok(NextTry::None)
        }
        Action::WatchCapacity => watch_capacity(shared, action).await,
        // Given for all that were taken up at once.
        Action::Notify
        // These belong to a session and are never stored.
        | Action::OpenSession
        | Action::CommitStart
        | Action::SendStart
        | Action::Attach
        | Action::Reserve
        | Action::SendProceed
        | Action::SendCancel
        | Action::CloseSession => Ok(NextTry::None),
    }
}

/// Looks at the frame until the surrogate is gone: reading the frame gives back what is no longer used. What an HMC shows of an LPAR that
/// was moved, and should not, is left to do until it is gone; its RMC connection and its profiles are waited for a while.
async fn watch_capacity(shared: &Shared, action: &FollowUpAction) -> Result<NextTry, store::Error> {
    let Some(frame) = &action.frame else { return Ok(NextTry::None) };
    let partition = partition(shared, &action.lpar).await?;
    let profiles_of = if action.moved { vec![partition.clone()] } else { vec![] };
    let mut next = NextTry::None;
    let (because, is_seen) = match shared.frames.look_at(frame, &profiles_of).await {
        Seen::View(view) => {
            let found = view.of_partition(&partition);
            let may_change = action.moved && console::keep(shared, action, &found).await?;
            if found.has_surrogate {
                return Ok(NextTry::After(AGAIN));
            }
            if action.moved {
                if let Some(id) = view.id_of(&partition) {
                    lpar::learn(&shared.store, shared.who, &action.lpar, id).await?;
                }
                if may_change && action.attempts < MOST_LOOKS {
                    next = NextTry::After(AGAIN);
                }
            }
            ("an HMC shows no surrogate of it", true)
        }
        // Nothing will ever be seen of this frame: the agent's word has to do, and it has given one.
        Seen::NoConsole => ("no HMC of the frame can be asked", false),
        Seen::Unreachable(reason) => {
            debug!(frame.name = %frame, "no HMC of {frame} answers: {reason}");
            return Ok(NextTry::After(AGAIN));
        }
    };
    shared.store.release(action.operation, because).await?;
    shared.freed.send_replace(());
    if action.moved && is_seen {
        let found = Found::CapacityFree { because: because.to_owned() };
        shared.store.tell_once(action.operation, found).await?;
    }
    info!(operation.id = %action.operation, frame.name = %frame, "capacity on {frame} is free again: {because}");
    Ok(next)
}

/// Name of the LPAR's partition on the HMC.
async fn partition(shared: &Shared, lpar: &ObjectName) -> Result<String, store::Error> {
    Ok(match shared.store.object(lpar).await {
        Ok(stored) => match &stored.object.spec {
            Spec::Standalone(spec) => spec.partition(lpar).to_owned(),
            _ => lpar.to_string(),
        },
        // It was removed since: its name is all that is left of it.
        Err(store::Error::NoSuchObject { .. }) => lpar.to_string(),
        Err(error) => return Err(error),
    })
}
