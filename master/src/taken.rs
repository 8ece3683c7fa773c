//! What a master has taken up from a queue in the database, and not noted yet.
//!
//! Whatever was taken up is this master's until it is noted what became of it: no other one looks at it. So nothing is lost here, not even
//! what ended in a panic.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{self, JoinError, JoinSet};
use tracing::error;

/// Pieces of work by the number of their rows, each of which becomes a `T`.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    under_way: JoinSet<T>,
    /// The number that each task works on: also of one that panicked.
    numbers: HashMap<task::Id, i64>,
    done: Vec<(i64, T)>,
    /// What becomes of one that ended in a panic.
    after_panic: fn() -> T,
    /// What is taken up, for the log.
    what: &'static str,
}

impl<T: Send + 'static> Taken<T> {
    pub(crate) fn new(what: &'static str, after_panic: fn() -> T) -> Self {
        Self {
            under_way: JoinSet::new(),
            numbers: HashMap::new(),
            done: Vec::new(),
            after_panic,
            what,
        }
    }

    /// How many more may be taken up, of at most `together`.
    pub(crate) fn room(&self, together: u32) -> u32 {
        let taken = u32::try_from(self.under_way.len() + self.done.len()).unwrap_or(together);
        together.saturating_sub(taken)
    }

    /// Works on row `number`.
    pub(crate) fn spawn(&mut self, number: i64, work: impl Future<Output = T> + Send + 'static) {
        let task = self.under_way.spawn(work);
        self.numbers.insert(task.id(), number);
    }

    /// Row `number` is done already.
    pub(crate) fn is_done(&mut self, number: i64, became: T) {
        self.done.push((number, became));
    }

    /// Waits for the end of one; `false` where none is under way. Cancel safe.
    pub(crate) async fn ends(&mut self) -> bool {
        match self.under_way.join_next_with_id().await {
            Some(ended) => {
                self.ended(ended);
                true
            }
            None => false,
        }
    }

    /// What became of rows since the last [`noted`](Self::noted), also of those that have ended just now.
    pub(crate) fn done(&mut self) -> &[(i64, T)] {
        while let Some(ended) = self.under_way.try_join_next_with_id() {
            self.ended(ended);
        }
        &self.done
    }

    /// All that was done is noted.
    pub(crate) fn noted(&mut self) {
        self.done.clear();
    }

    fn ended(&mut self, ended: Result<(task::Id, T), JoinError>) {
        let (task, became) = match ended {
            Ok(ended) => ended,
            Err(panic) => {
                error!(error = %panic, "{} ended in a panic: {panic}", self.what);
                (panic.id(), (self.after_panic)())
            }
        };
        self.done.extend(self.numbers.remove(&task).map(|number| (number, became)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_ended_in_a_panic_is_noted_too() {
        let mut taken = Taken::new("a test", || "panic");
        assert_eq!(taken.room(3), 3);
        taken.spawn(1, async { "fine" });
        taken.spawn(2, async { panic!("on purpose") });
        taken.is_done(3, "at once");
        assert_eq!(taken.room(3), 0);
        while taken.ends().await {}
        let mut done = taken.done().to_vec();
        done.sort_unstable();
        assert_eq!(done, [(1, "fine"), (2, "panic"), (3, "at once")]);
        assert_eq!(taken.room(3), 0, "it is not noted yet");
        taken.noted();
        assert_eq!((taken.room(3), taken.done().len()), (3, 0));
    }
}
