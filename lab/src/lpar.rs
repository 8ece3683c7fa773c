//! A running LPAR: one root process from which everything on it descends, and what can be done to all of them at once.

pub(crate) mod files;
mod init;
mod runtime;
mod tree;

pub(crate) use init::{Told, run as run_init};
pub(crate) use runtime::{Runtime, Started};
pub(crate) use tree::processes_of_this_lpar;

/// First argument of `nim-lab` when it runs as the root process of an LPAR.
pub(crate) const ROOT_PROCESS: &str = "lpar-root";
