//! The profiles of LPARs before an update.

use super::migration;

migration! {
    /// What an HMC showed of an LPAR's profiles when its operation was told to proceed, or why that is not known.
    M0025Profile, "m0025_profile", level 25, r#"
ALTER TABLE reservation ADD COLUMN profiles jsonb;
"#
}
