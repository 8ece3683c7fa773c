//! One record as bytes: length, checksum, the hash before, the content, filled up to a multiple of eight.

use nim_shared::frame::Record;
use nim_shared::id::Digest;

/// A record that was found whole.
pub(crate) struct Found {
    /// What it says.
    pub(crate) record: Record,
    /// Its text.
    pub(crate) text: String,
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

/// The bytes of a record with this text after the one with hash `before`; `None` when it is too long.
pub(crate) fn encode(before: Digest, text: &str) -> Option<Vec<u8>> {
    let length = u32::try_from(text.len()).ok()?;
    let mut bytes = Vec::with_capacity(size(text.len()));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&crc(before, text.as_bytes()).to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&before.0);
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(size(text.len()), 0);
    Some(bytes)
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
            let Ok(text) = std::str::from_utf8(text) else { return Place::Bad };
            let Ok(record) = serde_json::from_str(text) else { return Place::Bad };
            let (hash, size) = (before.chain(text.as_bytes()), size(length));
            Place::Record(Box::new(Found { record, text: text.to_owned(), hash, size }))
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

/// Most bytes of one record. Below half the limit of a frame, which carries the same as a string: at most each byte escaped.
pub(crate) const LARGEST: usize = 256 << 10;
