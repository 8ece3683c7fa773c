//! What maintenance of installed software is asked for, by the options of installp.

use super::Install;

/// What maintenance does to what is installed. Source: the NIM reference, §3.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// `-c`: updates that are applied can no longer be rejected.
    Commit,
    /// `-r`: updates that are applied are taken back.
    Reject,
    /// `-u`: what is installed is removed.
    Deinstall,
    /// `-C`: what an interrupted installation left is cleaned up.
    CleanUp,
}

/// Options for maintenance that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMaintenance {
    /// None of the four, or several.
    #[error("one of -c (commit), -r (reject), -u (deinstall) and -C (clean up) says what is done")]
    Action,
    /// Another option.
    #[error("-{0} is not passed on: beside -c, -r, -u and -C these are: {MAINT_FLAGS}")]
    Flag(char),
    /// Something is named where nothing is taken.
    #[error("-C takes no filesets: it cleans up whatever was left")]
    Named,
    /// Nothing is named where something has to be.
    #[error("it is not said which filesets")]
    Nothing,
    /// All are named where that would be too much.
    #[error("ALL goes with -c only: name what is rejected or removed")]
    All,
    /// Something that installp does not know.
    #[error("{0:?} is no fileset: interim fixes and RPMs are none of installp's")]
    NoFileset(String),
}

impl Maintenance {
    /// Reads the options of installp, without dash and without `p`.
    ///
    /// # Errors
    /// [`BadMaintenance`] with the first that is wrong.
    pub fn read(flags: &str) -> Result<Self, BadMaintenance> {
        let mut action = None;
        for flag in flags.chars() {
            let found = match flag {
                'c' => Self::Commit,
                'r' => Self::Reject,
                'u' => Self::Deinstall,
                'C' => Self::CleanUp,
                flag if MAINT_FLAGS.contains(flag) => continue,
                other => return Err(BadMaintenance::Flag(other)),
            };
            if action.replace(found).is_some() {
                return Err(BadMaintenance::Action);
            }
        }
        action.ok_or(BadMaintenance::Action)
    }

    /// Whether it can be done to `install`.
    ///
    /// # Errors
    /// [`BadMaintenance`] with the first that is wrong.
    pub fn takes(self, install: &Install) -> Result<(), BadMaintenance> {
        match (self, install) {
            (Self::CleanUp, Install::Nothing) | (Self::Commit, Install::All) => Ok(()),
            (Self::CleanUp, _) => Err(BadMaintenance::Named),
            (_, Install::Nothing | Install::UpdateAll) => Err(BadMaintenance::Nothing),
            (_, Install::All) => Err(BadMaintenance::All),
            (_, Install::List(names)) if names.is_empty() => Err(BadMaintenance::Nothing),
            (_, Install::List(names)) => {
                match names.iter().find(|name| !crate::lpp::is_fileset(name)) {
                    Some(name) => Err(BadMaintenance::NoFileset(name.clone())),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Options of installp that go with what maintenance does: with requisites and dependents, into larger file systems, and how much is
/// said. Source: the NIM reference, §3.1, and the reference on Live Update, §5.2.
pub const MAINT_FLAGS: &str = "gwXQv";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_is_one_thing_done_to_what_it_can_be_done_to() {
        use {BadMaintenance as Bad, Maintenance as M};
        for (flags, read) in [
            ("c", Ok(M::Commit)),
            ("cgX", Ok(M::Commit)),
            ("ugw", Ok(M::Deinstall)),
            ("r", Ok(M::Reject)),
            ("C", Ok(M::CleanUp)),
            ("", Err(Bad::Action)),
            ("gX", Err(Bad::Action)),
            ("cu", Err(Bad::Action)),
            ("cF", Err(Bad::Flag('F'))),
            ("ac", Err(Bad::Flag('a'))),
        ] {
            assert_eq!(M::read(flags), read, "{flags}");
        }
        let list = |name: &str| Install::List(vec![name.to_owned()]);
        for (action, install, taken) in [
            (M::Commit, Install::All, Ok(())),
            (M::Commit, list("bos.net"), Ok(())),
            (M::Commit, Install::Nothing, Err(Bad::Nothing)),
            (M::Reject, Install::All, Err(Bad::All)),
            (M::Deinstall, Install::All, Err(Bad::All)),
            (M::Deinstall, list("bos.net"), Ok(())),
            (M::Deinstall, list("IJ1.epkg.Z"), Err(Bad::NoFileset("IJ1.epkg.Z".to_owned()))),
            (M::Deinstall, list("-C"), Err(Bad::NoFileset("-C".to_owned()))),
            (M::CleanUp, Install::Nothing, Ok(())),
            (M::CleanUp, list("bos.net"), Err(Bad::Named)),
            (M::Deinstall, Install::List(Vec::new()), Err(Bad::Nothing)),
        ] {
            assert_eq!(action.takes(&install), taken, "{action:?} {install:?}");
        }
    }
}
