//! Disks of LPARs.

use super::migration;

migration! {
    /// The disks of each LPAR as they were seen last.
    M0018Disk, "m0018_disk", level 18, r#"
CREATE TABLE disk_reading (
    lpar_id bigint PRIMARY KEY REFERENCES nim_standalone ON DELETE CASCADE,
    read_at timestamptz NOT NULL,
    disks jsonb NOT NULL
);
"#
}
