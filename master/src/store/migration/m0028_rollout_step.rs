//! What rollouts were told.

use super::migration;

migration! {
    /// What a rollout was told at each of its changes, what was to be done about it, and the state after it in one number.
    M0028RolloutStep, "m0028_rollout_step", level 28, r#"
CREATE TABLE rollout_step (
    rollout_id uuid NOT NULL REFERENCES rollout ON DELETE CASCADE,
    version bigint NOT NULL,
    step jsonb NOT NULL,
    actions jsonb NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (rollout_id, version)
);
"#
}
