//! NIM's command lines, listings and messages, as its users and their scripts know them.
//!
//! Everything here is text in and text out: what a command line means, how `lsnim` lays out what it shows, how a message looks.
//! Source: the NIM reference (§2, §4, §6, §9.4, §10). What it marks as inferred is marked here too.

pub mod c_rsh;
pub mod dump;
pub mod getopt;
pub mod listing;
pub mod lsnim;
pub mod message;
pub mod order;
pub mod predefined;
pub mod range;
pub mod row;
pub mod taken;
