//! The agent's binary on an LPAR that is a folder with scripts for AIX's commands.

mod border;
mod lpar;
mod master;
mod operation;
#[cfg(feature = "crash-points")]
mod recovery;
mod session;
