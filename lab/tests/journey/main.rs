//! A site behind real SSH, driven as nimd would drive it, but by hand: what a login sees, not what the lab knows of itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panic, as tests do")]

mod command_line;
mod fault;
mod harness;
mod login;
mod replay;
mod stand_still;
mod terminal;
mod update;
