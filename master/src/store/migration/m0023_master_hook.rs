//! Hooks that masters run themselves.

use super::migration;

migration! {
    /// What belongs to an operation, and what became of it.
    M0023MasterHook, "m0023_master_hook", level 23, r#"
CREATE TABLE master_hook (
    operation_id uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    number integer NOT NULL,
    point text NOT NULL,
    name text NOT NULL,
    meaning text NOT NULL,
    state text NOT NULL DEFAULT 'due',
    status integer,
    output text NOT NULL DEFAULT '',
    begun_by uuid,
    begun_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (operation_id, number)
);
-- Looked through every few seconds: those that nothing follows any more are not in it.
CREATE INDEX master_hook_open ON master_hook (operation_id) WHERE state IN ('due', 'begun');
"#
}
