//! Answers that are streamed: a line for each item, and a last one that says how it ended.
//!
//! What comes is never all in memory. A stream that ends without saying so is an error, however much of it was read: a list that is
//! too short must not pass for a whole one.

use std::marker::PhantomData;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use nim_shared::api::Line;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Longest line, in bytes: a frame with a thousand partitions and all of their adapters has a hundredth of it.
const LINE_LIMIT: usize = 64 << 20;

/// A stream of items.
pub(crate) struct Lines<T> {
    body: Incoming,
    pending: Pending,
    asked: String,
    /// Longest wait for more.
    limit: Duration,
    items: u64,
    of: PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(body: Incoming, asked: String, limit: Duration) -> Self {
        Self { body, pending: Pending::default(), asked, limit, items: 0, of: PhantomData }
    }

    /// The next item; `None` when nimd said that there are no more.
    pub(crate) async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            if let Some(line) = self.pending.line() {
                let line = serde_json::from_slice(line)
                    .map_err(|cause| super::not_understood(&self.asked, cause))?;
                match line {
                    Line::Item(item) => {
                        self.items += 1;
                        return Ok(Some(item));
                    }
                    Line::End { items } if items == self.items => return Ok(None),
                    Line::End { items } => {
                        let cause = format!("{} items of {items} came", self.items);
                        return Err(super::not_understood(&self.asked, cause));
                    }
                    Line::Failed(failure) => return Err(Error::Server(failure)),
                }
            }
            if self.pending.bytes.len() > LINE_LIMIT {
                let cause = format!("a line of more than {} MB", LINE_LIMIT >> 20);
                return Err(super::not_understood(&self.asked, cause));
            }
            let frame =
                super::within(self.limit, &self.asked, async { Ok(self.body.frame().await) });
            let lost = |cause| Error::Lost { asked: self.asked.clone(), cause };
            match frame.await? {
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.pending.more(bytes);
                    }
                }
                Some(Err(cause)) => return Err(lost(Box::new(cause))),
                None => return Err(lost("the list has no end".into())),
            }
        }
    }

    /// All items, for what is short.
    pub(crate) async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await? {
            all.push(item);
        }
        Ok(all)
    }
}

/// What has come and was not read yet.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How much of it was read.
    taken: usize,
}

impl Pending {
    /// The next line, without its end.
    fn line(&mut self) -> Option<&[u8]> {
        let rest = &self.bytes[self.taken..];
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        let from = self.taken;
        self.taken += length + 1;
        Some(&self.bytes[from..from + length])
    }

    fn more(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_however_they_are_cut() {
        let mut pending = Pending::default();
        let mut found = Vec::new();
        for piece in ["", "a", "b\nc", "\n\nd\ne", "f\ng"] {
            pending.more(piece.as_bytes());
            while let Some(line) = pending.line() {
                found.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        assert_eq!(found, ["ab", "c", "", "d", "ef"]);
    }
}
