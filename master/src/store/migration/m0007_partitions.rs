//! The partitions of a frame as they were read with its capacity.

use super::migration;

migration! {
    /// Partitions beside the figures of a frame.
    M0007Partitions, "m0007_partitions", level 7, r#"
ALTER TABLE frame_reading ADD COLUMN partitions jsonb NOT NULL DEFAULT '[]';
"#
}
