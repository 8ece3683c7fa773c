//! Server-sent events: a body that does not end until `nimd` ends it.

use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::error::Error;

/// Longest event, in bytes: a frame of the protocol, and what is put around it.
const EVENT_LIMIT: usize = 4 << 20;

/// A stream of events.
pub(crate) struct Events {
    body: Incoming,
    parser: Parser,
    asked: String,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Where a later request goes on; the last one that was sent, where this event has none.
    pub(crate) id: Option<String>,
    /// Its data.
    pub(crate) data: String,
}

impl Events {
    pub(super) fn new(body: Incoming, asked: String) -> Self {
        Self { body, parser: Parser::default(), asked }
    }

    /// The next event; `None` when the body has ended. May be dropped while it waits: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if let Some(message) = self.parser.next() {
                return Ok(Some(message));
            }
            if self.parser.pending.len() > EVENT_LIMIT {
                return Err(Error::NotUnderstood {
                    asked: self.asked.clone(),
                    cause: format!("an event of more than {} MB", EVENT_LIMIT >> 20).into(),
                });
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.parser.pending.extend_from_slice(bytes);
                    }
                }
                Some(Err(cause)) => {
                    return Err(Error::Lost { asked: self.asked.clone(), cause: Box::new(cause) });
                }
                None => return Ok(None),
            }
        }
    }
}

/// Lines to events, as the HTML standard has it (§9.2.6), without `retry`.
#[derive(Default)]
struct Parser {
    pending: Vec<u8>,
    id: Option<String>,
    data: Option<String>,
}

impl Parser {
    /// The next event whose end is there.
    fn next(&mut self) -> Option<Message> {
        let mut taken = 0;
        let mut message = None;
        while let Some(length) = self.pending[taken..].iter().position(|byte| *byte == b'\n') {
            let line = &self.pending[taken..taken + length];
            taken += length + 1;
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    message = Some(Message { id: self.id.clone(), data });
                    break;
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.data = Some(value.to_owned()),
                },
                "id" => self.id = Some(value.to_owned()),
                // A comment, which keeps the connection alive, or a field that does not matter here.
                _ => {}
            }
        }
        self.pending.drain(..taken);
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&str]) -> Vec<(Option<String>, String)> {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for piece in pieces {
            parser.pending.extend_from_slice(piece.as_bytes());
            while let Some(Message { id, data }) = parser.next() {
                found.push((id, data));
            }
        }
        found
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text =
            ": hello\n\nid: 1\nevent: x\ndata: {\"a\":1}\n\ndata:b\r\ndata: c\r\n\r\nid: 3\n\n";
        let expected = [
            (Some("1".to_owned()), "{\"a\":1}".to_owned()),
            (Some("1".to_owned()), "b\nc".to_owned()),
        ];
        assert_eq!(parse(&[text]), expected);
        let letters: Vec<_> = text.split("").collect();
        assert_eq!(parse(&letters), expected);
    }

    #[test]
    fn an_event_without_its_end_is_none() {
        assert_eq!(parse(&["id: 1\ndata: x\n"]), []);
    }
}
