//! What befalls the lines that a master and the agent on an LPAR exchange: lost with their connection, or passed on twice.
//!
//! The lab knows nothing of the protocol but its outer shape: JSON objects, one a line, that name their kind in `frame`; a `chunk` is
//! followed by as many raw bytes as it says in `bytes`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::Gate;

/// Which way a line goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the master to the agent.
    ToAgent,
    /// From the agent to the master.
    ToMaster,
}

/// What befalls a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// All connections of the LPAR are cut before it is passed on.
    CutBefore,
    /// It is passed on; before anything else is, all connections of the LPAR are cut.
    CutAfter,
    /// It is passed on twice.
    Twice,
    /// Nothing: it is only counted.
    Counted,
}

/// What befalls lines of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// Which way they go.
    pub way: Way,
    /// What they name as their `frame`.
    pub kind: String,
    /// What befalls them.
    pub how: How,
    /// How many of them: the first ones.
    pub times: usize,
}

/// The mishaps of one LPAR. Clones are the same LPAR's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    mishaps: Vec<(Mishap, usize)>,
    /// The next line that goes either way is met by a cut.
    cut_next: bool,
}

impl Wire {
    /// From now on `mishaps` befall the lines of new connections.
    pub(crate) fn set(&self, mishaps: Vec<Mishap>) {
        self.state(|state| {
            state.mishaps = mishaps.into_iter().map(|mishap| (mishap, 0)).collect();
        });
    }

    /// How many lines each mishap has befallen, in the order in which they were set.
    pub(crate) fn befallen(&self) -> Vec<usize> {
        self.state(|state| state.mishaps.iter().map(|(_, times)| *times).collect())
    }

    /// One direction of a new channel through `gate`; `None` where nothing is to befall it.
    pub(crate) fn tap(&self, way: Way, gate: &Gate) -> Option<Tap> {
        let idle = self.state(|state| state.mishaps.is_empty());
        let tap = || Tap { wire: self.clone(), gate: gate.clone(), way, held: Vec::new() };
        (!idle).then(tap)
    }

    fn meets(&self, way: Way, kind: &str) -> Meets {
        self.state(|state| {
            if std::mem::take(&mut state.cut_next) {
                return Meets::Cut;
            }
            let due = state.mishaps.iter_mut().find(|(mishap, times)| {
                mishap.way == way && mishap.kind == kind && *times < mishap.times
            });
            let Some((mishap, times)) = due else { return Meets::Nothing };
            *times += 1;
            match mishap.how {
                How::CutBefore => Meets::Cut,
                How::CutAfter => {
                    state.cut_next = true;
                    Meets::Nothing
                }
                How::Twice => Meets::Copier,
                How::Counted => Meets::Nothing,
            }
        })
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

enum Meets {
    Nothing,
    Cut,
    Copier,
}

/// One direction of one channel.
#[derive(Debug)]
pub(crate) struct Tap {
    wire: Wire,
    gate: Gate,
    way: Way,
    /// The beginning of a line whose rest has not come.
    held: Vec<u8>,
}

/// What comes next on a channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// This is passed on.
    pub(crate) bytes: Vec<u8>,
    /// And then nothing more: [`Tap::cut`].
    pub(crate) cut: bool,
}

impl Tap {
    /// What of `bytes`, and of what was held back, is passed on now.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Next {
        self.held.extend_from_slice(bytes);
        let mut passed = Vec::new();
        while let Some((kind, length)) = first(&self.held) {
            let line: Vec<u8> = self.held.drain(..length).collect();
            match self.wire.meets(self.way, &kind) {
                Meets::Nothing => passed.extend(line),
                Meets::Copier => passed.extend(line.repeat(2)),
                Meets::Cut => return Next { bytes: passed, cut: true },
            }
        }
        Next { bytes: passed, cut: false }
    }

    /// Cuts all connections of the LPAR.
    pub(crate) fn cut(&self) {
        self.gate.cut();
    }

    /// What is still held back at the end: no line, so nothing befalls it.
    pub(crate) fn rest(self) -> Vec<u8> {
        self.held
    }
}

/// Kind and length of the first line, with the raw bytes that it announces, once all of it is there.
fn first(bytes: &[u8]) -> Option<(String, usize)> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(default)]
        frame: String,
        #[serde(default)]
        bytes: usize,
    }
    let length = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let line: Line =
        serde_json::from_slice(&bytes[..length]).unwrap_or(Line { frame: String::new(), bytes: 0 });
    let raw = if line.frame == "chunk" { line.bytes } else { 0 };
    (bytes.len() >= length + raw).then_some((line.frame, length + raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(how: How, kind: &str) -> (Wire, Tap) {
        let wire = Wire::default();
        let mishap = Mishap { way: Way::ToAgent, kind: kind.to_owned(), how, times: 1 };
        wire.set(vec![mishap]);
        let tap = wire.tap(Way::ToAgent, &Gate::default()).unwrap();
        (wire, tap)
    }

    fn on(bytes: &[u8]) -> Next {
        Next { bytes: bytes.to_vec(), cut: false }
    }

    #[test]
    fn lines_are_known_by_their_kind_however_they_arrive() {
        let (wire, mut tap) = tap(How::Twice, "b");
        assert_eq!(tap.pass(b"{\"frame\":\"a\"}\n{\"fra"), on(b"{\"frame\":\"a\"}\n"));
        assert_eq!(tap.pass(b"me\":\"b\"}\n"), on(&b"{\"frame\":\"b\"}\n".repeat(2)));
        assert_eq!(tap.pass(b"no JSON\nrest"), on(b"no JSON\n"));
        assert_eq!((tap.rest(), wire.befallen()), (b"rest".to_vec(), vec![1]));
    }

    #[test]
    fn raw_bytes_go_with_the_line_that_announces_them() {
        let (_, mut tap) = tap(How::Twice, "chunk");
        let chunk = b"{\"frame\":\"chunk\",\"bytes\":3}\n\n{}";
        assert_eq!(tap.pass(&chunk[..chunk.len() - 1]), on(b""));
        assert_eq!(tap.pass(&chunk[chunk.len() - 1..]), on(&chunk.repeat(2)));
    }

    #[test]
    fn a_cut_comes_before_the_line_or_before_what_follows_it() {
        let (_, mut tap) = tap(How::CutBefore, "a");
        assert_eq!(tap.pass(b"x\n{\"frame\":\"a\"}\n"), Next { cut: true, ..on(b"x\n") });
        let (_, mut tap) = self::tap(How::CutAfter, "a");
        assert_eq!(tap.pass(b"{\"frame\":\"a\"}\n"), on(b"{\"frame\":\"a\"}\n"));
        assert_eq!(tap.pass(b"x\n"), Next { cut: true, ..on(b"") });
    }

    #[test]
    fn a_wire_without_mishaps_is_not_tapped() {
        assert!(Wire::default().tap(Way::ToMaster, &Gate::default()).is_none());
    }
}
