//! A site behind real SSH, driven as nimd would drive it, but by hand: what a login sees, not what the lab knows of itself.

mod command_line;
mod fault;
mod harness;
mod login;
mod stand_still;
mod terminal;
mod update;
