//! Maintenance.

use super::migration;

migration! {
    /// Frames, VIOSes and HMCs on which nothing new is started.
    M0022Maintenance, "m0022_maintenance", level 22, r#"
CREATE TABLE maintenance (
    object_id bigint PRIMARY KEY REFERENCES nim_object ON DELETE CASCADE,
    reason text NOT NULL,
    by_uid bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
"#
}
