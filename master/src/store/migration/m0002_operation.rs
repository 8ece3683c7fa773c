//! Masters with their leases, batches, operations, what follows from a transition, and reservations on frames.

use super::migration;

migration! {
    /// Operations and masters.
    M0002Operation, "m0002_operation", level 2, r#"
CREATE TABLE master (
    id uuid PRIMARY KEY,
    place text NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL
);
CREATE INDEX master_place ON master (place);

CREATE TABLE batch (
    id uuid PRIMARY KEY,
    token uuid NOT NULL UNIQUE,
    digest bytea NOT NULL,
    requested_by bigint NOT NULL,
    concurrent bigint,
    time_limit_seconds bigint,
    request jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE operation (
    id uuid PRIMARY KEY,
    batch_id uuid NOT NULL REFERENCES batch,
    requested_by bigint NOT NULL,
    lpar text COLLATE "C" NOT NULL,
    frame text COLLATE "C",
    hmc text COLLATE "C",
    kind text COLLATE "C" NOT NULL,
    request text NOT NULL,
    digest bytea NOT NULL,
    state text COLLATE "C" NOT NULL,
    detail jsonb NOT NULL,
    stage text,
    phase text,
    entered_at timestamptz NOT NULL DEFAULT now(),
    waits_for text,
    lost_contact_since timestamptz,
    deadline timestamptz,
    not_before timestamptz,
    estimated_blackout_seconds bigint,
    estimated_total_seconds bigint,
    report jsonb,
    owner uuid,
    fence bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL,
    output_offset bigint NOT NULL DEFAULT 0,
    output_bytes bigint NOT NULL DEFAULT 0,
    output_cut boolean NOT NULL DEFAULT false,
    cancel_asked_at timestamptz,
    cancel_asked_by bigint,
    resolved_at timestamptz,
    resolved_by bigint,
    resolved_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz
);
-- One operation per LPAR at a time, whoever asks.
CREATE UNIQUE INDEX operation_one_per_lpar ON operation (lpar)
    WHERE state IN ('queued', 'dispatching', 'running', 'stuck');
CREATE INDEX operation_queued ON operation (id) WHERE state = 'queued';
CREATE INDEX operation_busy ON operation (frame, hmc, batch_id, state)
    WHERE state IN ('dispatching', 'running', 'stuck');
CREATE INDEX operation_owner ON operation (owner) WHERE owner IS NOT NULL;
CREATE INDEX operation_deadline ON operation (deadline)
    WHERE deadline IS NOT NULL AND state IN ('queued', 'dispatching', 'running', 'stuck');
CREATE INDEX operation_cancel ON operation (id)
    WHERE cancel_asked_at IS NOT NULL AND state IN ('queued', 'dispatching', 'running', 'stuck');
CREATE INDEX operation_batch ON operation (batch_id, id);
CREATE INDEX operation_lpar ON operation (lpar, id);
CREATE INDEX operation_frame ON operation (frame, id);
CREATE INDEX operation_state ON operation (state, id);

CREATE TABLE follow_up_action (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    owner uuid,
    attempts integer NOT NULL DEFAULT 0,
    done_at timestamptz
);
CREATE INDEX follow_up_action_operation ON follow_up_action (operation_id, id);
CREATE INDEX follow_up_action_open ON follow_up_action (due_at) WHERE done_at IS NULL;

CREATE TABLE frame_reading (
    cec_id bigint PRIMARY KEY REFERENCES nim_cec ON DELETE CASCADE,
    read_at timestamptz NOT NULL,
    reading jsonb NOT NULL
);

CREATE TABLE reservation (
    operation_id uuid PRIMARY KEY REFERENCES operation ON DELETE CASCADE,
    frame text COLLATE "C" NOT NULL,
    partition text NOT NULL,
    need jsonb,
    made_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz,
    released_at timestamptz,
    released_because text
);
CREATE INDEX reservation_open ON reservation (frame) WHERE released_at IS NULL;
"#
}
