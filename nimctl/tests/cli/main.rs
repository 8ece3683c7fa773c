//! `nimctl` as a person and a script see it: stdout, stderr and exit code, against an API that knows its answers by heart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod allocation;
mod api;
mod explain;
mod import;
mod inventory;
mod list;
mod live;
mod look;
mod lpp;
mod nim;
mod operations;
mod question;
mod rehearse;
mod rollout;
mod sample;
mod site;
mod usage;
