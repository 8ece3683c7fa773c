//! The version of the secret that a login turn is for: a refusal stops that version, whichever master hears of it.

use super::migration;

migration! {
    /// Versions of login turns.
    M0008LoginVersion, "m0008_login_version", level 8, r#"
ALTER TABLE login_turn ADD COLUMN version bigint NOT NULL DEFAULT 0;
"#
}
