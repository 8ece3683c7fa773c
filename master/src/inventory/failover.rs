//! One question that any of several HMCs can answer: who is asked first, and when the next one is.
//!
//! A frame is often on two HMCs, and one that restarts takes connections and closes them, or says nothing, for minutes. So who was silent
//! a moment ago is asked last, and who says nothing for a short while is no longer waited for alone: the next one is asked beside it. For
//! how long we keep a question back ourselves to spare an HMC is not its silence. Only reads may be asked so, since what comes second is
//! dropped.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use nim_shared::id::ObjectName;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Which HMCs were silent when they were asked last. Cheap to clone; all clones share it.
#[derive(Clone, Debug)]
pub struct Health {
    silent: Arc<Mutex<HashMap<ObjectName, Instant>>>,
    /// How long an HMC may say nothing before the next one is asked too.
    hedge: Duration,
    /// How long an HMC that was silent is asked last.
    remembered: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self { silent: Arc::default(), hedge: HEDGE, remembered: REMEMBERED }
    }
}

/// How far the question to one HMC is. Whoever asks it says so.
#[derive(Clone, Debug)]
pub struct Heard {
    far: Arc<Mutex<Far>>,
    /// Whoever waits for the HMC looks again.
    changed: Arc<Notify>,
}

#[derive(Clone, Copy, Debug)]
enum Far {
    /// It is the HMC's turn, since then.
    Asked(Instant),
    /// The question waits here for its turn.
    Queued,
    /// It said something: the next HMC is not asked beside it any more.
    Heard,
}

impl Heard {
    fn new(changed: &Arc<Notify>) -> Self {
        let far = Arc::new(Mutex::new(Far::Asked(Instant::now())));
        Self { far, changed: Arc::clone(changed) }
    }

    /// The question is kept back here, for the HMC has enough to do.
    pub fn queued(&self) {
        self.set(Far::Queued);
    }

    /// It goes to the HMC now.
    pub fn asked(&self) {
        self.set(Far::Asked(Instant::now()));
    }

    /// It said something.
    pub fn yes(&self) {
        self.set(Far::Heard);
    }

    /// What was heard stays heard.
    fn set(&self, far: Far) {
        let mut now = self.far.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*now, Far::Heard) {
            *now = far;
            self.changed.notify_one();
        }
    }

    fn get(&self) -> Far {
        *self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the HMC has kept us waiting for so long.
    fn is_silent_for(&self, hedge: Duration) -> bool {
        matches!(self.get(), Far::Asked(at) if at.elapsed() >= hedge)
    }
}

/// Since when all of `open` keep us waiting; `None` where one does not.
fn silent_since(open: &[(ObjectName, Heard)]) -> Option<Instant> {
    let since = |heard: &Heard| match heard.get() {
        Far::Asked(at) => Some(at),
        Far::Queued | Far::Heard => None,
    };
    let all: Option<Vec<Instant>> = open.iter().map(|(_, heard)| since(heard)).collect();
    all?.into_iter().max()
}

impl Health {
    /// Notes that `hmc` answered.
    pub fn answered(&self, hmc: &ObjectName) {
        self.lock().remove(hmc);
    }

    /// Notes that `hmc` did not answer.
    pub fn was_silent(&self, hmc: &ObjectName) {
        self.lock().insert(hmc.clone(), Instant::now());
    }

    /// Whether `hmc` was silent a moment ago.
    #[must_use]
    pub fn is_silent(&self, hmc: &ObjectName) -> bool {
        self.lock().get(hmc).is_some_and(|at| at.elapsed() < self.remembered)
    }

    /// Those that did not answer when they were asked last, however long ago.
    #[must_use]
    pub fn silent(&self) -> BTreeSet<ObjectName> {
        self.lock().keys().cloned().collect()
    }

    /// `hmcs` in the order in which they are to be asked: as preferred, those that were silent a moment ago last.
    #[must_use]
    pub fn order(&self, hmcs: &[ObjectName]) -> Vec<ObjectName> {
        let mut order = hmcs.to_vec();
        // Stable: within each half the preference stays.
        order.sort_by_key(|hmc| self.is_silent(hmc));
        order
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectName, Instant>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one of `hmcs` after the other, and the next one beside it where one says nothing for a short while. The first answer counts.
    /// `is_silence` says of an error whether the HMC said nothing; an HMC that refuses is there.
    ///
    /// # Errors
    /// Each HMC that was asked, in the order in which they failed. Empty where there is none.
    pub async fn first<T, E, F>(
        &self,
        hmcs: &[ObjectName],
        ask: impl Fn(ObjectName, Heard) -> F,
        is_silence: impl Fn(&E) -> bool,
    ) -> Result<Answered<T, E>, Vec<(ObjectName, E)>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut next = self.order(hmcs).into_iter();
        let mut asked = FuturesUnordered::new();
        let mut open: Vec<(ObjectName, Heard)> = Vec::new();
        let mut failed = Vec::new();
        let changed = Arc::new(Notify::new());
        loop {
            let hedge = silent_since(&open).map(|since| since + self.hedge);
            if asked.is_empty() || hedge.is_some_and(|at| at <= Instant::now()) {
                match next.next() {
                    Some(hmc) => {
                        let heard = Heard::new(&changed);
                        open.push((hmc.clone(), heard.clone()));
                        let answer = ask(hmc.clone(), heard);
                        asked.push(async move { (hmc, answer.await) });
                        continue;
                    }
                    None if asked.is_empty() => return Err(failed),
                    None => {}
                }
            }
            let more = next.len() > 0;
            let overdue = async {
                match hedge {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((hmc, answer)) = asked.next() => {
                    open.retain(|(name, _)| *name != hmc);
                    match answer {
                        Ok(answer) => {
                            self.answered(&hmc);
                            // Who was asked a moment ago, or not yet, is not silent for that.
                            let beside =
                                open.iter().filter(|(_, heard)| heard.is_silent_for(self.hedge));
                            beside.for_each(|(name, _)| self.was_silent(name));
                            return Ok(Answered { hmc, answer, failed });
                        }
                        Err(error) => {
                            match is_silence(&error) {
                                true => self.was_silent(&hmc),
                                false => self.answered(&hmc),
                            }
                            failed.push((hmc, error));
                        }
                    }
                }
                () = overdue, if more => {}
                () = changed.notified(), if more => {}
            }
        }
    }
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Answered<T, E> {
    /// Who.
    pub hmc: ObjectName,
    /// The answer.
    pub answer: T,
    /// Those that failed before it.
    pub failed: Vec<(ObjectName, E)>,
}

/// Longer than a login and a command take on an HMC that is well. Source: HMC reference §1.7, 1–4 s for a command.
const HEDGE: Duration = Duration::from_secs(5);

/// Less than an HMC takes to start, so that it is tried a few times meanwhile.
const REMEMBERED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Short where it has to pass, and long enough that an answer at hand comes first.
    const SHORT: Duration = Duration::from_millis(50);

    fn health(remembered: Duration) -> Health {
        Health { silent: Arc::default(), hedge: SHORT, remembered }
    }

    /// What an HMC does when it is asked.
    #[derive(Clone, Copy)]
    enum Does {
        Answer,
        /// First something, the rest when the next one would have been asked long ago.
        AnswerSlowly,
        /// It would, and the question waits here for its turn until the next one would have been asked long ago.
        AnswerInTurn,
        /// Nothing either, when the question had its turn.
        NothingInTurn,
        Nothing,
        /// The question waits here for its turn, for good.
        Wait,
        /// An answer when the next one was asked.
        AnswerLate,
        Refuse,
    }

    /// Asks `hmc1` and `hmc2`: who answered, and who was asked.
    async fn ask(health: &Health, first: Does, second: Does) -> (Option<String>, Vec<String>) {
        let asked = Mutex::new(Vec::new());
        let later = Arc::new(Notify::new());
        let names = ["hmc1", "hmc2"].map(|name| name.parse().unwrap());
        let done = health.first(
            &names,
            |hmc, heard| {
                asked.lock().unwrap().push(hmc.to_string());
                let later = Arc::clone(&later);
                async move {
                    match if hmc.as_str() == "hmc1" { first } else { second } {
                        Does::Answer => Ok(()),
                        Does::AnswerSlowly => {
                            heard.yes();
                            tokio::time::sleep(4 * SHORT).await;
                            Ok(())
                        }
                        Does::AnswerInTurn => {
                            heard.queued();
                            tokio::time::sleep(4 * SHORT).await;
                            heard.asked();
                            Ok(())
                        }
                        Does::NothingInTurn => {
                            heard.queued();
                            tokio::task::yield_now().await;
                            heard.asked();
                            std::future::pending().await
                        }
                        Does::Nothing => std::future::pending().await,
                        Does::Wait => {
                            heard.queued();
                            later.notify_one();
                            std::future::pending().await
                        }
                        Does::AnswerLate => {
                            later.notified().await;
                            Ok(())
                        }
                        Does::Refuse => Err("refused"),
                    }
                }
            },
            |error| *error == "silence",
        );
        let done = done.await.ok().map(|done| done.hmc.to_string());
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        (done, asked)
    }

    fn by(name: &str, asked: &[&str]) -> (Option<String>, Vec<String>) {
        (Some(name.to_owned()), asked.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn who_is_silent_is_not_waited_for_alone_and_asked_last_for_a_while() {
        let mindful = health(Duration::from_secs(3600));
        let answer = ask(&mindful, Does::Nothing, Does::Answer).await;
        assert_eq!(answer, by("hmc2", &["hmc1", "hmc2"]));
        assert_eq!(ask(&mindful, Does::Nothing, Does::Answer).await, by("hmc2", &["hmc2"]));
        // Who is asked last and answers is as good as before.
        let answer = ask(&mindful, Does::Answer, Does::Refuse).await;
        assert_eq!(answer, by("hmc1", &["hmc2", "hmc1"]));
        assert_eq!(ask(&mindful, Does::Answer, Does::Answer).await, by("hmc1", &["hmc1"]));

        let other = health(Duration::from_secs(3600));
        let answer = ask(&other, Does::NothingInTurn, Does::Answer).await;
        assert_eq!(answer, by("hmc2", &["hmc1", "hmc2"]));

        let forgetful = health(Duration::ZERO);
        ask(&forgetful, Does::Nothing, Does::Answer).await;
        assert_eq!(ask(&forgetful, Does::Answer, Does::Answer).await, by("hmc1", &["hmc1"]));
    }

    #[tokio::test]
    async fn who_said_something_is_waited_for_and_who_refuses_is_there() {
        let health = health(Duration::from_secs(3600));
        assert_eq!(ask(&health, Does::AnswerSlowly, Does::Answer).await, by("hmc1", &["hmc1"]));
        assert_eq!(ask(&health, Does::AnswerInTurn, Does::Answer).await, by("hmc1", &["hmc1"]));
        let answer = ask(&health, Does::Refuse, Does::Answer).await;
        assert_eq!(answer, by("hmc2", &["hmc1", "hmc2"]));
        assert!(!health.is_silent(&"hmc1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_question_that_waits_here_makes_nobody_silent() {
        let health = health(Duration::from_secs(3600));
        let answer = ask(&health, Does::AnswerLate, Does::Wait).await;
        assert_eq!(answer, by("hmc1", &["hmc1", "hmc2"]));
        assert_eq!(health.silent(), BTreeSet::new());
        ask(&health, Does::Nothing, Does::Answer).await;
        assert_eq!(health.silent(), BTreeSet::from(["hmc1".parse().unwrap()]));
    }

    #[tokio::test]
    async fn all_that_fail_are_told() {
        let health = health(Duration::from_secs(3600));
        assert_eq!(ask(&health, Does::Refuse, Does::Refuse).await.0, None);
        let nobody = health.first(&[], |_, _| async { Ok::<(), ()>(()) }, |()| true).await;
        assert!(nobody.is_err_and(|failed| failed.is_empty()));
    }
}
