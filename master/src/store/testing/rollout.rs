//! Rollouts for tests.

use nim_rollout::plan::{Input, make};
use nim_rollout::run::{Event, Orders, Recorded, State, Step};
use nim_rollout::testing::{Fleet, Processors, fleet, rollout};
use nim_shared::id::{ClientToken, RolloutId};
use uuid::Uuid;

use super::world::{SOMEBODY, name};
use crate::store::rollout::NewRollout;
use crate::store::{Error, Store};

/// What led to `state`, where that is beside the point.
#[must_use]
pub fn told(state: &State) -> Recorded {
    Recorded::new(Step::noted(Event::Tick, 0), Vec::new(), state)
}

/// Keeps a rollout of two LPARs that nobody has started, with `id` as its id and token.
///
/// # Errors
/// As [`Store::rollout_start`].
pub async fn begun(store: &Store, called: &str, id: Uuid) -> Result<Option<RolloutId>, Error> {
    let two =
        Fleet { frames: 1, lpars: (2, 2), frames_per_hmc: 1, processors: Processors::FollowMemory };
    let snapshot = fleet(two, 1);
    let file = rollout("");
    let input = Input { file: &file, snapshot: &snapshot, history: &[], begin: snapshot.at };
    let plan = make(&input);
    let orders = Orders::new(&input, &plan, SOMEBODY.uid);
    let state = State::planned(&orders);
    let new = NewRollout {
        id: RolloutId(id),
        token: ClientToken(id),
        name: &name(called),
        file_name: "rollout.yaml",
        file: "name: test\n",
        plan: &plan,
        orders: &orders,
        state: &state,
        recorded: &told(&state),
        who: SOMEBODY,
        ticket: None,
        notices: Vec::new(),
    };
    store.rollout_start(&new).await
}
