//! One reading of a frame at a time, shared by all who want one: an HMC is asked once for everybody who came before it was.
//!
//! Fifty updates that wait for room on the frames of one HMC would otherwise stand in its queue one behind the other, each with questions
//! of its own, and what the last of them reads would be too old before it is read.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt as _, Shared, WeakShared};
use nim_shared::id::ObjectName;

/// The last round of each frame. Cheap to clone; all clones share it.
#[derive(Debug)]
pub(super) struct Rounds<T: Clone> {
    last: Arc<Mutex<HashMap<ObjectName, Round<T>>>>,
}

/// One reading, for all who wait for it. It is dropped with the last of them.
#[derive(Debug)]
struct Round<T: Clone> {
    /// The partitions of which more is wanted than of the others; `None` when it has begun.
    wanted: Wanted,
    seen: WeakShared<BoxFuture<'static, T>>,
}

type Wanted = Arc<Mutex<Option<BTreeSet<String>>>>;

impl<T: Clone> Clone for Rounds<T> {
    fn clone(&self) -> Self {
        Self { last: Arc::clone(&self.last) }
    }
}

impl<T: Clone> Default for Rounds<T> {
    fn default() -> Self {
        Self { last: Arc::default() }
    }
}

impl<T: Clone + Send + Sync + 'static> Rounds<T> {
    /// What the next reading of `frame` shows, which begins after this: one that waits for its turn is joined, otherwise `read` is made
    /// one, and begins when the one before it is over. It is told the partitions that all who joined it name.
    pub(super) fn join<F>(
        &self,
        frame: &ObjectName,
        partitions: &[String],
        read: impl FnOnce(Vec<String>) -> F + Send + 'static,
    ) -> Shared<BoxFuture<'static, T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut rounds = locked(&self.last);
        let last = rounds.get(frame).and_then(|round| Some((round.seen.upgrade()?, &round.wanted)));
        if let Some((seen, wanted)) = &last
            && let Some(wanted) = locked(wanted).as_mut()
        {
            wanted.extend(partitions.iter().cloned());
            return seen.clone();
        }
        let before = last.map(|(seen, _)| seen);
        let wanted: Wanted = Arc::new(Mutex::new(Some(partitions.iter().cloned().collect())));
        let all = Arc::clone(&wanted);
        let seen = async move {
            if let Some(before) = before {
                before.await;
            }
            let all = locked(&all).take().unwrap_or_default();
            read(all.into_iter().collect()).await
        };
        let seen = seen.boxed().shared();
        // There is none of one that is over, and this one has not begun.
        if let Some(weak) = seen.downgrade() {
            rounds.insert(frame.clone(), Round { wanted, seen: weak });
        }
        seen
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// An HMC that says which partitions it is asked for, and answers when it is told to.
    struct Hmc {
        rounds: Rounds<u32>,
        begun: mpsc::Receiver<(Vec<String>, oneshot::Sender<u32>)>,
        begins: mpsc::Sender<(Vec<String>, oneshot::Sender<u32>)>,
    }

    impl Hmc {
        fn new() -> Self {
            let (begins, begun) = mpsc::channel(8);
            Self { rounds: Rounds::default(), begun, begins }
        }

        /// Somebody wants to know of a frame.
        fn look(&self, frame: &str, partition: &str) -> Shared<BoxFuture<'static, u32>> {
            let begins = self.begins.clone();
            let read = |partitions| async move {
                let (answer, answered) = oneshot::channel();
                begins.send((partitions, answer)).await.unwrap();
                answered.await.unwrap()
            };
            self.rounds.join(&frame.parse().unwrap(), &[partition.to_owned()], read)
        }

        /// The question that comes next, answered with `number`.
        async fn answer(&mut self, number: u32) -> Vec<String> {
            let (partitions, answer) = self.begun.recv().await.unwrap();
            answer.send(number).unwrap();
            partitions
        }
    }

    #[tokio::test]
    async fn an_hmc_is_asked_once_for_all_who_came_before_it_was() {
        let mut hmc = Hmc::new();
        let first = tokio::spawn(hmc.look("frame1", "a"));
        let (partitions, answer) = hmc.begun.recv().await.unwrap();
        assert_eq!(partitions, ["a"]);
        // It has begun: who comes now may want to see what was changed since.
        let second = hmc.look("frame1", "b");
        let third = hmc.look("frame1", "c");
        let again = hmc.look("frame1", "b");
        let all = tokio::spawn(async move { futures::join!(second, third, again) });
        // Another frame waits for nobody.
        let other = tokio::spawn(hmc.look("frame2", "d"));
        assert_eq!(hmc.answer(7).await, ["d"]);
        assert_eq!(other.await.unwrap(), 7);
        answer.send(1).unwrap();
        assert_eq!(first.await.unwrap(), 1);
        assert_eq!(hmc.answer(2).await, ["b", "c"]);
        assert_eq!(all.await.unwrap(), (2, 2, 2));
        assert!(hmc.begun.try_recv().is_err(), "nobody asked for more");
        let late = tokio::spawn(hmc.look("frame1", "e"));
        assert_eq!((hmc.answer(3).await, late.await.unwrap()), (vec!["e".to_owned()], 3));
    }

    #[tokio::test]
    async fn who_gives_up_keeps_nobody_from_reading() {
        let mut hmc = Hmc::new();
        let first = tokio::spawn(hmc.look("frame1", "a"));
        let (_, unanswered) = hmc.begun.recv().await.unwrap();
        first.abort();
        assert!(first.await.is_err());
        let second = tokio::spawn(hmc.look("frame1", "b"));
        assert_eq!((hmc.answer(2).await, second.await.unwrap()), (vec!["b".to_owned()], 2));
        assert!(unanswered.is_closed(), "a reading that nobody waits for is dropped");
    }
}
