//! Rollouts.

use super::migration;

migration! {
    /// Rollouts with where each stands, and what was done with them.
    M0020Rollout, "m0020_rollout", level 20, r#"
CREATE TABLE rollout (
    id uuid PRIMARY KEY,
    token uuid NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    file_name text NOT NULL,
    file text NOT NULL,
    plan jsonb NOT NULL,
    orders jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    begin_at timestamptz NOT NULL,
    state jsonb NOT NULL,
    phase text COLLATE "C" NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    cancels boolean NOT NULL DEFAULT false,
    requested_by bigint NOT NULL,
    owner uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX rollout_open ON rollout (name) WHERE ended_at IS NULL;
CREATE INDEX rollout_name ON rollout (name, id);
CREATE TABLE rollout_event (
    rollout_id uuid NOT NULL REFERENCES rollout ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    by_uid bigint,
    what text NOT NULL,
    PRIMARY KEY (rollout_id, number)
);
"#
}
