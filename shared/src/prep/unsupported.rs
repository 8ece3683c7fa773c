//! Filesets that no Live Update goes with, and that a policy may have removed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aix::Fileset;
use crate::id::printable;
use crate::stage::names;

names! {
    /// A fileset that no Live Update goes with. Nothing else is ever removed for one. Source: LU S06, S07.
    Unsupported, "fileset that no Live Update goes with" {
        /// The configuration of Multi-Level Security.
        MlsConfiguration = "bos.mls.cfg",
        /// Cryptography by PKCS #11.
        Pkcs11 = "security.pkcs11",
        /// The agent of the Common Agent Services.
        CasAgent = "cas.agent",
    }
}

/// A fileset that was installed, and is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RemovedFileset {
    /// Its name.
    pub name: String,
    /// Its level, as `lslpp` printed it.
    pub level: String,
}

impl From<Fileset> for RemovedFileset {
    fn from(Fileset { name, level, .. }: Fileset) -> Self {
        Self { name, level }
    }
}

impl fmt::Display for RemovedFileset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", printable(&self.name), printable(&self.level))
    }
}

/// `cas.agent 7.2.5.0, security.pkcs11 7.2.5.0`.
#[must_use]
pub fn listed<'a>(filesets: impl IntoIterator<Item = &'a RemovedFileset>) -> String {
    let all: Vec<_> = filesets.into_iter().map(ToString::to_string).collect();
    all.join(", ")
}
