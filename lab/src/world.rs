//! The state that commands read and change: what frames have, which partitions hold it, and what each LPAR looks like from inside.
//!
//! Plain data with named transitions ([`update`]); how it is kept on disk is [`Store`]'s business. A frame's free memory is never
//! stored, it follows from its partitions, so it cannot be wrong.

mod change;
mod disk;
pub mod frame;
pub mod lpar;
pub mod running;
mod store;
pub mod system;
pub mod update;
mod vary;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fault::ConsoleFault;

pub use disk::DATABASE;
pub use frame::{FILLER, Frame, Partition, PartitionState};
pub use lpar::Lpar;
pub use store::{Near, Store, StoreError};
pub use vary::Variation;

/// A whole site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// What the variations were drawn from.
    pub seed: u64,
    /// HMCs by name.
    pub hmcs: BTreeMap<String, Hmc>,
    /// Frames by name.
    pub frames: BTreeMap<String, Frame>,
    /// AIX LPARs by name.
    pub lpars: BTreeMap<String, Lpar>,
    /// What an NFS server exports: `server:/path` to the directory on this machine.
    pub exports: BTreeMap<String, String>,
}

/// An HMC: who may log in, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hmc {
    /// Loopback address of its SSH server.
    pub address: String,
    /// Address at which LPARs reach it.
    pub lpar_address: String,
    /// `10` of `V10R3 M1060`.
    pub version: u32,
    /// `3` of `V10R3 M1060`.
    pub release: u32,
    /// `1060` of `V10R3 M1060`.
    pub service_pack: u32,
    /// Users by name.
    pub users: BTreeMap<String, HmcUser>,
    /// What is wrong with it.
    #[serde(default)]
    pub faults: BTreeSet<ConsoleFault>,
}

impl Hmc {
    /// TCP port of its REST interface, at which a token is made (HV §6).
    #[must_use]
    pub const fn rest_port(&self) -> u16 {
        if self.version >= 11 { 443 } else { 12443 }
    }

    /// One login of `user` with a password at site time `now` in milliseconds.
    ///
    /// # Errors
    /// [`Denied`], also for a user that is not there.
    pub fn log_in(&mut self, user: &str, password: &str, now: u64) -> Result<(), Denied> {
        if self.faults.contains(&ConsoleFault::HmcLocked) {
            return Err(Denied::Locked(LOCKED_MILLISECONDS / 60_000));
        }
        self.users.get_mut(user).map_or(Err(Denied::Wrong), |user| user.log_in(password, now))
    }
}

/// A user of an HMC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HmcUser {
    /// Task role, such as `hmcviewer`.
    pub role: String,
    /// Password; the lab's secrets protect nothing. Empty: none, and no login with one.
    pub password: String,
    /// Keys that `mkauthkeys` added, as lines of `authorized_keys`.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Failed logins in a row. Three lock the account (HV §1.1).
    pub failed_logins: u32,
    /// Site time in milliseconds until which the account is locked.
    pub locked_until: Option<u64>,
}

/// Wrong logins in a row that lock an account, and for how long (HV §1.1).
pub const STRIKES: u32 = 3;
const LOCKED_MILLISECONDS: u64 = 5 * 60 * 1000;

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// User or password is wrong.
    Wrong,
    /// Locked; whole minutes left.
    Locked(u64),
}

impl HmcUser {
    /// One login with a password at site time `now` in milliseconds. A try while locked starts the five minutes anew (HV §1.1).
    pub fn log_in(&mut self, password: &str, now: u64) -> Result<(), Denied> {
        if self.locked_until.is_some_and(|until| now < until) {
            self.locked_until = Some(now + LOCKED_MILLISECONDS);
            return Err(Denied::Locked(LOCKED_MILLISECONDS / 60_000));
        }
        self.locked_until = None;
        if !password.is_empty() && self.password == password {
            self.failed_logins = 0;
            return Ok(());
        }
        self.failed_logins += 1;
        if self.failed_logins >= STRIKES {
            self.failed_logins = 0;
            self.locked_until = Some(now + LOCKED_MILLISECONDS);
        }
        Err(Denied::Wrong)
    }
}

/// Something the caller named does not exist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("no {kind} is called {name:?}")]
pub struct Unknown {
    /// What was looked for.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl World {
    /// The LPAR of that name.
    pub fn lpar(&self, name: &str) -> Result<&Lpar, Unknown> {
        self.lpars.get(name).ok_or_else(|| Unknown { kind: "LPAR", name: name.to_owned() })
    }

    /// The LPAR of that name, to be changed.
    pub fn lpar_mut(&mut self, name: &str) -> Result<&mut Lpar, Unknown> {
        self.lpars.get_mut(name).ok_or_else(|| Unknown { kind: "LPAR", name: name.to_owned() })
    }

    /// The frame on which the LPAR lives.
    pub fn frame_of(&self, lpar: &str) -> Result<&Frame, Unknown> {
        let name = &self.lpar(lpar)?.frame;
        self.frames.get(name).ok_or_else(|| Unknown { kind: "frame", name: name.clone() })
    }

    /// The partition that runs the LPAR's workload now.
    pub fn partition_of(&self, lpar: &str) -> Result<&Partition, Unknown> {
        let id = self.lpar(lpar)?.partition_id;
        self.frame_of(lpar)?
            .partition(id)
            .ok_or_else(|| Unknown { kind: "partition", name: format!("{lpar} ({id})") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> HmcUser {
        HmcUser {
            role: "hmcclientliveupdate".to_owned(),
            password: "right".to_owned(),
            keys: Vec::new(),
            failed_logins: 0,
            locked_until: None,
        }
    }

    #[test]
    fn three_wrong_passwords_lock_the_account_for_five_minutes() {
        let mut user = user();
        for _ in 0..STRIKES {
            assert_eq!(user.log_in("wrong", 1000), Err(Denied::Wrong));
        }
        assert_eq!(user.log_in("right", 2000), Err(Denied::Locked(5)));
        assert_eq!(user.log_in("right", 2000 + LOCKED_MILLISECONDS), Ok(()));
    }

    #[test]
    fn a_right_password_forgives_the_wrong_ones() {
        let mut user = user();
        for _ in 0..10 {
            assert_eq!(user.log_in("wrong", 0), Err(Denied::Wrong));
            assert_eq!(user.log_in("wrong", 0), Err(Denied::Wrong));
            assert_eq!(user.log_in("right", 0), Ok(()));
        }
    }
}
