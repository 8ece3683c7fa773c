//! The agent's binary on an LPAR that is a folder with scripts for AIX's commands.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod aftercare;
mod alt_disk;
mod backup_hook;
mod border;
mod clean_up;
#[cfg(feature = "crash-points")]
mod copies;
mod disks;
mod ends;
mod filesets;
mod full;
mod hook;
mod install;
mod ip_filters;
mod last_look;
mod logs;
mod lpar;
mod maint;
mod master;
mod mounts;
mod operation;
mod other_copy;
mod preflight;
mod prep;
mod process;
mod query;
mod receive;
#[cfg(feature = "crash-points")]
mod recovery;
mod release;
mod rollback;
mod script;
mod session;
mod snap;
mod split;
mod step;
mod undo;
