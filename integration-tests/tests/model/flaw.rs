//! Mistakes that the model can be told to make. For each the checker has to find a counterexample: a model in which nothing
//! can go wrong proves nothing.

/// One mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// The agent answers and goes on before its records are synced.
    AnswersBeforeSync,
    /// The agent obeys whoever asks.
    NoFenceComparison,
    /// `attach` of an unknown id takes it.
    AttachStarts,
    /// `attach` of an unknown id says so and writes nothing.
    NoTombstone,
    /// A tombstone refuses every `start`, also one of a later claim.
    TombstoneForEver,
    /// The agent takes an operation while another has the LPAR.
    NoLock,
    /// geninstall is started before the record that says so.
    BeginsBeforeRecord,
    /// A supervisor goes on with an operation that an earlier boot began.
    GoesOnAfterBoot,
    /// The agent goes on after the master's number without comparing hashes.
    NoEpochs,
    /// The agent deletes everything at `forget`.
    ForgetLeavesNothing,
    /// `start` is sent, then `start_sent` is committed.
    StartBeforeCommit,
    /// A master that is not answered sends `start` again, where it should attach.
    StartAgain,
    /// `proceed` is sent, then committed.
    ProceedBeforeCommit,
    /// The agent refuses a `start` and remembers nothing of it.
    RefusalLeavesNothing,
    /// Writes do not compare owner and fence.
    UnguardedWrites,
    /// Events are appended as they arrive.
    StoresEveryDelivery,
    /// The next fence is counted from the row, which falls back when the database loses commits.
    FenceFromRow,
    /// An owner whose fence is too low or forgotten, because the database fell back, does not claim again.
    NeverClaimsAgain,
    /// `forget` is sent as soon as the end is committed, however far behind the standby is.
    ForgetsAtOnce,
}
