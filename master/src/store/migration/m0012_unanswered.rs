//! Logins of nimd itself with a password: how many in a row were never answered.

use super::migration;

migration! {
    /// Unanswered logins with a secret.
    M0012Unanswered, "m0012_unanswered", level 12, r#"
ALTER TABLE secret ADD COLUMN unanswered smallint NOT NULL DEFAULT 0;
"#
}
