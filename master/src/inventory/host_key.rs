//! Host keys as values: their text form, their fingerprints, and `known_hosts` files. Nothing here connects to anything, so
//! whoever only shows or records keys takes them from here.

pub use crate::transport::known_hosts::KnownHosts;
pub use crate::transport::{BadHostKey, HostKey};
