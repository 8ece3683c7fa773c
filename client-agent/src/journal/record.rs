//! One record as bytes: length, checksum, the hash before, the content, filled up to a multiple of eight.

use serde::{Deserialize, Serialize};

use nim_shared::frame::Body;
use nim_shared::id::{Digest, Epoch, Seq};
use nim_shared::stamp::Timestamp;

/// What a record says. Its JSON text is what the hash covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// The line of history.
    pub(crate) epoch: Epoch,
    /// Number in that line.
    pub(crate) seq: Seq,
    /// The LPAR's wall clock.
    pub(crate) at: Timestamp,
    /// Physical volume ids of the rootvg that was active: tells one copy of the system from another.
    pub(crate) rootvg: Vec<String>,
    /// What happened.
    pub(crate) body: Body,
}

/// A record that was found whole.
pub(crate) struct Found {
    /// What it says.
    pub(crate) content: Content,
    /// Its hash, chained to the one before.
    pub(crate) hash: Digest,
    /// Bytes that it takes.
    pub(crate) size: usize,
}

/// What is at a place of the file.
pub(crate) enum Place {
    /// Nothing was written here.
    Empty,
    /// A whole record.
    Record(Box<Found>),
    /// Something else.
    Bad,
}

/// The bytes of a record after the one with hash `before`, and its hash.
pub(crate) fn encode(
    before: Digest,
    content: &Content,
) -> Result<(Vec<u8>, Digest), serde_json::Error> {
    let text = serde_json::to_vec(content)?;
    let length = u32::try_from(text.len()).map_err(serde::ser::Error::custom)?;
    let mut bytes = Vec::with_capacity(size(text.len()));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&crc(before, &text).to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&before.0);
    bytes.extend_from_slice(&text);
    bytes.resize(size(text.len()), 0);
    Ok((bytes, before.chain(&text)))
}

/// What `bytes` begins with, where the record before has the hash `before`.
pub(crate) fn decode(before: Digest, bytes: &[u8]) -> Place {
    match Header::read(bytes) {
        None => Place::Empty,
        Some(Header::Bad) => Place::Bad,
        Some(Header::Of { before: found, length, sum }) => {
            let Some(text) = bytes.get(HEADER..HEADER + length) else { return Place::Bad };
            if found != before || crc(before, text) != sum {
                return Place::Bad;
            }
            match serde_json::from_slice(text) {
                Ok(content) => {
                    let (hash, size) = (before.chain(text), size(length));
                    Place::Record(Box::new(Found { content, hash, size }))
                }
                Err(_) => Place::Bad,
            }
        }
    }
}

/// Whether a whole record, after whichever other, begins with `bytes`.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    match Header::read(bytes) {
        Some(Header::Of { before, length, sum }) => {
            bytes.get(HEADER..HEADER + length).is_some_and(|text| crc(before, text) == sum)
        }
        Some(Header::Bad) | None => false,
    }
}

enum Header {
    Of { before: Digest, length: usize, sum: u32 },
    Bad,
}

impl Header {
    /// `None` where nothing was written.
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..HEADER).unwrap_or(bytes);
        if header.iter().all(|byte| *byte == 0) {
            return None;
        }
        Some(Self::parse(header).unwrap_or(Self::Bad))
    }

    fn parse(header: &[u8]) -> Option<Self> {
        let (magic, rest) = header.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let before = Digest(*rest.first_chunk::<32>()?);
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let fits = *magic == MAGIC && size(length) <= LARGEST;
        fits.then_some(Self::Of { before, length, sum: u32::from_be_bytes(*sum) })
    }
}

fn crc(before: Digest, text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&before.0);
    hasher.update(text);
    hasher.finalize()
}

const fn size(length: usize) -> usize {
    (HEADER + length).next_multiple_of(STEP)
}

const MAGIC: [u8; 4] = *b"NIMJ";

/// Magic, length, checksum, four spare bytes, the hash before.
pub(crate) const HEADER: usize = 48;

/// Records begin at multiples of this.
pub(crate) const STEP: usize = 8;

/// Most bytes of one record. Below the limit of a frame, which carries the same.
pub(crate) const LARGEST: usize = 256 << 10;
