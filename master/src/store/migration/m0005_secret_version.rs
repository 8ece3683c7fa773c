//! The version that a removed secret had: a secret of the same name goes on from there, so that an old row that is put back opens
//! under no later one.

use super::migration;

migration! {
    /// Versions of removed secrets.
    M0005SecretVersion, "m0005_secret_version", level 5, r#"
CREATE TABLE secret_removed (
    name text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL
);
"#
}
