//! What a VIOS showed of itself last, and why it could not be read since.

use super::migration;

migration! {
    /// Readings of VIOSes.
    M0014ViosReading, "m0014_vios_reading", level 14, r#"
CREATE TABLE vios_reading (
    vios_id bigint PRIMARY KEY REFERENCES nim_vios ON DELETE CASCADE,
    read_at timestamptz,
    reading jsonb,
    failed_at timestamptz,
    failure text
);
"#
}
