//! The tickets under which rollouts are started, approved and aborted.

use super::migration;

migration! {
    /// The ticket of a rollout, and of what was done with it.
    M0026RolloutTicket, "m0026_rollout_ticket", level 26, r#"
ALTER TABLE rollout ADD COLUMN ticket text;
ALTER TABLE rollout_event ADD COLUMN ticket text;
"#
}
