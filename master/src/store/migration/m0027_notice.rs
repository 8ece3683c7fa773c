//! Messages to people and programs outside.

use super::migration;

migration! {
    /// What receivers are told of rollouts: each message until it was sent or given up, and what became of it.
    M0027Notice, "m0027_notice", level 27, r#"
CREATE TABLE notice (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    rollout_id uuid NOT NULL REFERENCES rollout ON DELETE CASCADE,
    receiver text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    message jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    owner uuid,
    failure text,
    done_at timestamptz
);
CREATE INDEX notice_open ON notice (receiver, number) WHERE done_at IS NULL;
CREATE INDEX notice_rollout ON notice (rollout_id);
"#
}
