//! What happened on the LPARs: events, raw output, and the list of what was changed there.
//!
//! Events and output are partitioned by operation id: an id is a UUIDv7 and sorts by time, so that the key stays unique over
//! all partitions and old records are dropped a partition at a time. The partitions themselves come and go while `nimd` runs
//! (`event/partition.rs`); what fits none goes to the default one.

use super::migration;

migration! {
    /// Events, output, changes.
    M0003Event, "m0003_event", level 3, r#"
CREATE TABLE event (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (operation_id, epoch, seq)
) PARTITION BY RANGE (operation_id);
CREATE TABLE event_default PARTITION OF event DEFAULT;

CREATE TABLE output (
    operation_id uuid NOT NULL,
    epoch bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    "offset" bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (operation_id, epoch, stream, "offset")
) PARTITION BY RANGE (operation_id);
CREATE TABLE output_default PARTITION OF output DEFAULT;

CREATE TABLE change_list (
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    number bigint NOT NULL,
    moment text NOT NULL,
    class text NOT NULL,
    effect jsonb NOT NULL,
    error text,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (operation_id, number)
);
"#
}
