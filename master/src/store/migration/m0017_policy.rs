//! The site's policy.

use super::migration;

migration! {
    /// Every version of it; the last one counts.
    M0017Policy, "m0017_policy", level 17, r#"
CREATE TABLE policy (
    version bigint PRIMARY KEY,
    text text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by bigint NOT NULL
);
"#
}
