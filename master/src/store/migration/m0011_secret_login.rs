//! Whose password a secret is.

use super::migration;

migration! {
    /// Users of secrets.
    M0011SecretLogin, "m0011_secret_login", level 11, r#"
ALTER TABLE secret ADD COLUMN login text COLLATE "C";
"#
}
