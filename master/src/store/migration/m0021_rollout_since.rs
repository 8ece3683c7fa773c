//! Since when rollouts stand as they do.

use super::migration;

migration! {
    /// Since when a rollout is in its phase and its wave before its gate.
    M0021RolloutSince, "m0021_rollout_since", level 21, r#"
ALTER TABLE rollout ADD COLUMN stands_since timestamptz NOT NULL DEFAULT now();
"#
}
