//! How many processors the two partitions of an update have.

use super::migration;

migration! {
    /// What the last reading of its frame shows of an LPAR that was promised capacity.
    M0030Shown, "m0030_shown", level 30, r#"
ALTER TABLE reservation ADD COLUMN shown jsonb;
"#
}
