//! What becomes of an operation that an LPAR still has files of, beside the one that a session is about. Pure.

use nim_shared::frame::{Command, OpenOperation};
use nim_shared::id::ObjectName;
use nim_shared::unit::Seconds;

use crate::store::operation::Past;

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Everything of it is stored, and has been for long enough: the agent may delete it.
    Forget(Command),
    /// The database knows nothing of it, and its journal does: it is taken in.
    Adopt,
    /// It stays.
    Keep,
}

/// Decides about `told`, which the agent on `lpar` has and of which the database has `known`. Until an operation has ended for
/// `on_lpar`, a database that is failed over may lose it again: the LPAR's copy is what it is then read from.
#[must_use]
pub(super) fn fate(
    lpar: &ObjectName,
    told: &OpenOperation,
    known: Option<&Past>,
    on_lpar: Seconds,
) -> Fate {
    let Some(known) = known else { return Fate::Adopt };
    // Another LPAR's: this one was made from a copy of it. Its own people decide about what it brought along.
    let is_same = known.lpar == *lpar && known.digest == told.digest;
    let is_whole = told.finished && told.at == known.position;
    if is_same && is_whole && known.ended.is_some_and(|ended| ended >= on_lpar) {
        Fate::Forget(Command {
            operation: known.id,
            fence: known.fence.max(told.fence),
            digest: known.digest,
        })
    } else {
        Fate::Keep
    }
}

#[cfg(test)]
mod tests {
    use nim_shared::frame::Position;
    use nim_shared::id::{Digest, Epoch, Fence, OperationId, Seq};
    use uuid::Uuid;

    use super::*;

    const DAY: Seconds = Seconds(86_400);

    fn at(seq: u64) -> Position {
        Position { epoch: Epoch(1), seq: Seq(seq), hash: Digest::of(&seq.to_be_bytes()) }
    }

    fn told() -> OpenOperation {
        OpenOperation {
            open_changes: false,
            operation: OperationId(Uuid::nil()),
            digest: Digest::of(b"request"),
            fence: Fence(3),
            at: at(9),
            stage: None,
            finished: true,
        }
    }

    fn known() -> Past {
        Past {
            id: OperationId(Uuid::nil()),
            lpar: "lpar01".parse().unwrap(),
            digest: Digest::of(b"request"),
            fence: Fence(4),
            position: at(9),
            ended: Some(DAY),
        }
    }

    #[test]
    fn only_what_is_wholly_stored_and_old_enough_is_forgotten() {
        let here: ObjectName = "lpar01".parse().unwrap();
        let command = Command {
            operation: OperationId(Uuid::nil()),
            fence: Fence(4),
            digest: Digest::of(b"request"),
        };
        let cases = [
            ("old and whole", told(), Some(known()), Fate::Forget(command)),
            ("nothing known", told(), None, Fate::Adopt),
            ("it runs", OpenOperation { finished: false, ..told() }, Some(known()), Fate::Keep),
            (
                "it runs and is not known",
                OpenOperation { finished: false, ..told() },
                None,
                Fate::Adopt,
            ),
            ("more on the LPAR", OpenOperation { at: at(10), ..told() }, Some(known()), Fate::Keep),
            ("less on the LPAR", OpenOperation { at: at(8), ..told() }, Some(known()), Fate::Keep),
            (
                "too young",
                told(),
                Some(Past { ended: Some(Seconds(86_399)), ..known() }),
                Fate::Keep,
            ),
            ("still open", told(), Some(Past { ended: None, ..known() }), Fate::Keep),
            ("another request", told(), Some(Past { digest: Digest::ZERO, ..known() }), Fate::Keep),
            (
                "another LPAR's",
                told(),
                Some(Past { lpar: "lpar02".parse().unwrap(), ..known() }),
                Fate::Keep,
            ),
        ];
        for (what, told, known, wanted) in cases {
            assert_eq!(fate(&here, &told, known.as_ref(), DAY), wanted, "{what}");
        }
    }
}
