//! 01xx and 02xx: `nimd` refuses a request.

pub(super) mod object;
pub(super) mod operation;
pub(super) mod request;
pub(super) mod rollout;

use super::own;

/// For what only two programs of different releases, or one that is not ours, come to.
const RELEASES: &str =
    "Compare nimctl --version and nimd --version; a program of your own: see schemas/openapi.json.";
