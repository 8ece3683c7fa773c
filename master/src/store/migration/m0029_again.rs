//! Which operation does which one again.

use super::migration;

migration! {
    /// The operation that a batch does again, where it was asked for so.
    M0029Again, "m0029_again", level 29, r#"
ALTER TABLE batch ADD COLUMN again_of uuid;
CREATE INDEX batch_again ON batch (again_of) WHERE again_of IS NOT NULL;
"#
}
