//! Files to the LPAR, over a second kind of channel (`nim-agent receive`): into one folder, content-addressed, resumable.
//!
//! The master offers files, the agent answers for each how much of it it has, the master sends the rest in chunks. A chunk is
//! a frame followed by exactly `bytes` raw bytes. A file counts as kept when its whole content has the digest that was offered.

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::operation::Named;
use crate::unit::Megabytes;

use super::Refusal;

/// Both directions of a `receive` channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum FileFrame {
    /// Master: these files are wanted on the LPAR.
    Offer {
        /// Their contents. The names come later, with the order that uses them.
        files: Vec<FileOffer>,
        /// Free space that must stay in the file system.
        keep_free: Megabytes,
    },
    /// Agent: how much of each offered file is here, in the order of the offer. Nothing is sent for complete ones.
    State {
        /// One per offered file.
        files: Vec<FileState>,
    },
    /// Master: bytes of one file follow this line.
    Chunk(FileChunk),
    /// Agent: this file is whole, verified and synced.
    Kept {
        /// Its digest.
        digest: Digest,
    },
    /// Agent: refused; nothing was kept of what is refused.
    Refused {
        /// Which file, where it concerns one.
        digest: Option<Digest>,
        /// Why, for the engine.
        why: Named<Refusal>,
        /// Why, for a person.
        text: String,
    },
}

/// One file that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileOffer {
    /// Digest of the whole content.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// How much of a file is on the LPAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileState {
    /// Digest of the whole content.
    pub digest: Digest,
    /// Bytes from the beginning that are here.
    pub have: u64,
    /// Whether it is whole and verified.
    pub kept: bool,
}

/// Announces raw bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileChunk {
    /// Which file.
    pub digest: Digest,
    /// Offset of the first byte: where the file on the LPAR ends.
    pub offset: u64,
    /// Number of raw bytes that follow the line.
    pub bytes: u32,
}
