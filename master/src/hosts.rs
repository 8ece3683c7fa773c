//! What the API asks of hosts, done over SSH: their host keys, and how the agent on an LPAR is.

mod preflight;
mod query;
mod refused;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use nim_shared::api::{AgentStatus, Failure, FailureKind, KeyExchanged, QueryAnswer, SystemView};
use nim_shared::id::ObjectName;
use nim_shared::object::Object;
use nim_shared::preflight::probe::Probe;
use nim_shared::query::Query;
use tokio::sync::Semaphore;

use crate::api::{ConsoleSeen, DiskLook, HostKeys, Hosts, Listed, Looked, Offered};
use crate::engine::session::Lost;
use crate::engine::shared::Shared;
use crate::inventory::console::{self, Console};
use crate::inventory::details::Details;
use crate::inventory::endpoint::{self, Route};
use crate::inventory::failover::Heard;
use crate::inventory::frame::Seen;
use crate::inventory::key_exchange::{self, exchange};
use crate::inventory::survey;
use crate::store;
use crate::telemetry::causes;
use crate::transport::{self, Endpoint, HostKey};

/// Hosts, by way of the engine's transport.
#[derive(Debug)]
pub struct SshHosts {
    shared: Arc<Shared>,
    /// How many queries may be under way.
    queries: Semaphore,
}

impl SshHosts {
    /// With the same transport, keys and record as the engine.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, queries: Semaphore::new(QUERIES) }
    }

    /// The keys of the host of `object`, and of the hosts on the way to it. A host behind one that is not known cannot be asked:
    /// then the first on the way that is not known is.
    async fn keys(&self, object: &Object) -> HostKeys {
        let mut keys = HostKeys::default();
        let own = &self.shared.settings.key;
        let holders = match Route::of(object, own) {
            Ok(route) => route.holders(),
            Err(cause) => {
                keys.failed.push(failure("NLU-0191", FailureKind::Refused, &cause, None));
                return keys;
            }
        };
        let endpoint = match endpoint::stored(&self.shared.store, &object.name, own).await {
            Ok(endpoint) => endpoint,
            Err(cause) => {
                keys.failed.push(failure("NLU-0192", FailureKind::Refused, &cause, None));
                return keys;
            }
        };
        for (index, holder) in holders.iter().skip(1).map(ToString::to_string).enumerate() {
            let hop =
                Endpoint { host: endpoint.via[index].clone(), via: endpoint.via[..index].to_vec() };
            let known = !hop.host.host_keys.pinned.is_empty();
            self.scan(&hop, &holder, &mut keys).await;
            if !known {
                return keys;
            }
        }
        self.scan(&endpoint, object.name.as_str(), &mut keys).await;
        keys
    }

    /// Adds the keys of one host.
    async fn scan(&self, endpoint: &Endpoint, holder: &str, keys: &mut HostKeys) {
        match tokio::time::timeout(SCAN, self.shared.transport.scan(endpoint)).await {
            Ok(Ok(found)) => keys.offered.extend(found.iter().map(|key| offered(holder, key))),
            Ok(Err(error)) => {
                let (code, hint) = (error.code().to_string(), Some(error.hint()));
                keys.failed.push(failure(&code, FailureKind::Unreachable, &error, hint));
            }
            Err(_) => keys.failed.push(Failure {
                code: "NLU-0193".to_owned(),
                message: format!("{holder} did not show its keys within {} s", SCAN.as_secs()),
                causes: Vec::new(),
                hint: None,
                faults: Vec::new(),
                kind: FailureKind::Unreachable,
            }),
        }
    }

    /// Asks one HMC a question.
    async fn ask<T>(
        &self,
        hmc: &ObjectName,
        question: impl AsyncFnOnce(&Console) -> Result<T, survey::Error>,
    ) -> Result<T, Failure> {
        self.ask_telling(hmc, None, question).await
    }

    /// The same, telling `heard` how far a question is.
    async fn ask_telling<T>(
        &self,
        hmc: &ObjectName,
        heard: Option<Heard>,
        question: impl AsyncFnOnce(&Console) -> Result<T, survey::Error>,
    ) -> Result<T, Failure> {
        let asked = async {
            let mut console = self.shared.consoles.open(hmc).await?;
            if let Some(heard) = heard {
                console = console.telling(heard);
            }
            let answer = question(&console).await;
            console.close().await;
            answer
        };
        let health = self.shared.consoles.health();
        // Who was silent a moment ago is not waited for as long again.
        let limit = if health.is_silent(hmc) { AGAIN } else { SURVEY };
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(answer)) => {
                health.answered(hmc);
                Ok(answer)
            }
            Ok(Err(error)) => {
                if matches!(&error, survey::Error::Console(error) if error.is_silence()) {
                    health.was_silent(hmc);
                }
                Err(unanswered(hmc, &error))
            }
            Err(_) => {
                health.was_silent(hmc);
                Err(Failure {
                    code: "NLU-0198".to_owned(),
                    message: format!("{hmc} did not answer within {} s", limit.as_secs()),
                    causes: Vec::new(),
                    hint: Some(format!("nimctl discover {hmc} asks again")),
                    faults: Vec::new(),
                    kind: FailureKind::Unreachable,
                })
            }
        }
    }

    /// Level and users of an HMC.
    async fn seen(&self, hmc: ObjectName) -> ConsoleSeen {
        let question = async |console: &Console| {
            let level = survey::version(console).await?;
            Ok((level, survey::users(console).await))
        };
        match self.ask(&hmc, question).await {
            Ok((level, users)) => ConsoleSeen {
                level: Ok(level),
                users: users.map_err(|error| crate::telemetry::chain(&error)),
            },
            Err(failure) => {
                ConsoleSeen { level: Err(failure.message.clone()), users: Err(failure.message) }
            }
        }
    }

    async fn exchange(
        &self,
        hmc: &ObjectName,
        secret: Option<ObjectName>,
    ) -> Result<KeyExchanged, Failure> {
        let Shared { store, transport, secrets, settings, .. } = &*self.shared;
        let done = exchange(store, transport, secrets, &settings.key, hmc, secret);
        match tokio::time::timeout(SURVEY, done).await {
            Ok(done) => done.map_err(|error| not_exchanged(hmc, &error)),
            Err(_) => Err(Failure {
                code: "NLU-0198".to_owned(),
                message: format!("{hmc} did not answer within {} s", SURVEY.as_secs()),
                causes: Vec::new(),
                hint: Some(format!("nimquery -a hmc={hmc} shows whether the key is there")),
                faults: Vec::new(),
                kind: FailureKind::Unreachable,
            }),
        }
    }

    async fn status(&self, lpar: ObjectName) -> AgentStatus {
        let opened = tokio::time::timeout(STATUS, self.shared.open_agent(&lpar)).await;
        match opened {
            Ok(Ok(agent)) => {
                let hello = agent.hello().clone();
                let skew = hello.clock.now.since(self.shared.clock.now()).whole_milliseconds();
                agent.close().await;
                AgentStatus {
                    lpar,
                    hello: Some(hello),
                    skew_milliseconds: i64::try_from(skew).ok(),
                    failure: None,
                }
            }
            Ok(Err(lost)) => {
                let failure = failure(&lost.code(), FailureKind::Unreachable, &lost, hint(&lost));
                AgentStatus { lpar, hello: None, skew_milliseconds: None, failure: Some(failure) }
            }
            Err(_) => {
                let failure = Failure {
                    code: "NLU-0194".to_owned(),
                    message: format!(
                        "the agent on {lpar} did not answer within {} s",
                        STATUS.as_secs()
                    ),
                    causes: Vec::new(),
                    hint: Some(
                        "during the standstill of a Live Update that is so: nimctl status"
                            .to_owned(),
                    ),
                    faults: Vec::new(),
                    kind: FailureKind::Unreachable,
                };
                AgentStatus { lpar, hello: None, skew_milliseconds: None, failure: Some(failure) }
            }
        }
    }
}

impl Hosts for SshHosts {
    fn query(&self, lpar: ObjectName, query: Query) -> BoxFuture<'_, Result<QueryAnswer, Failure>> {
        async move {
            // Nobody closes it.
            let _turn = self.queries.acquire().await;
            query::ask(&self.shared, &lpar, query).await
        }
        .boxed()
    }

    fn look(&self, lpar: ObjectName) -> BoxFuture<'_, Result<Looked, Failure>> {
        async move {
            // Nobody closes it.
            let _turn = self.queries.acquire().await;
            preflight::look(&self.shared, &lpar).await
        }
        .boxed()
    }

    fn disks(&self, lpar: ObjectName, wanted: DiskLook) -> BoxFuture<'_, Result<Looked, Failure>> {
        async move {
            // Nobody closes it.
            let _turn = self.queries.acquire().await;
            preflight::disks(&self.shared, &lpar, &wanted).await
        }
        .boxed()
    }

    fn probe(
        &self,
        lpar: ObjectName,
        probes: Vec<Probe>,
    ) -> BoxFuture<'_, Result<Looked, Failure>> {
        async move {
            // Nobody closes it.
            let _turn = self.queries.acquire().await;
            preflight::single(&self.shared, &lpar, probes).await
        }
        .boxed()
    }

    fn frame(&self, frame: ObjectName, profiles_of: Vec<String>) -> BoxFuture<'_, Seen> {
        async move {
            let look = self.shared.frames.look_at(&frame, &profiles_of);
            match tokio::time::timeout(SURVEY, look).await {
                Ok(seen) => seen,
                Err(_) => Seen::Unreachable(format!("no answer within {} s", SURVEY.as_secs())),
            }
        }
        .boxed()
    }

    fn frame_details(&self, frame: ObjectName) -> BoxFuture<'_, Result<Details, String>> {
        async move {
            let details = self.shared.frames.details(&frame);
            let late = |_| Err(format!("no answer within {} s", SURVEY.as_secs()));
            tokio::time::timeout(SURVEY, details).await.unwrap_or_else(late)
        }
        .boxed()
    }

    fn silent(&self) -> BTreeSet<ObjectName> {
        self.shared.consoles.health().silent()
    }

    fn console(&self, hmc: ObjectName) -> BoxFuture<'_, ConsoleSeen> {
        self.seen(hmc).boxed()
    }

    fn host_keys(&self, object: Object) -> BoxFuture<'_, HostKeys> {
        async move { self.keys(&object).await }.boxed()
    }

    fn agent_status(&self, lpar: ObjectName) -> BoxFuture<'_, AgentStatus> {
        self.status(lpar).boxed()
    }

    fn public_key(&self, path: &Path) -> Result<String, Box<Failure>> {
        // No comment of its own: what a key is for stands in the line that admits it.
        transport::public_key(path, "nimd").map_err(|cause| {
            Box::new(Failure {
                code: "NLU-0185".to_owned(),
                message: format!("the private key {} cannot be used", path.display()),
                causes: causes(Some(&cause)),
                hint: Some("the attribute ssh_key names it; nimctl change".to_owned()),
                faults: Vec::new(),
                kind: FailureKind::Refused,
            })
        })
    }

    fn exchange_key(
        &self,
        hmc: ObjectName,
        secret: Option<ObjectName>,
    ) -> BoxFuture<'_, Result<KeyExchanged, Failure>> {
        async move { self.exchange(&hmc, secret).await }.boxed()
    }

    fn systems(&self, hmc: ObjectName) -> BoxFuture<'_, Result<Vec<SystemView>, Failure>> {
        async move { self.ask(&hmc, async |console| survey::systems(console).await).await }.boxed()
    }

    fn partitions(&self, hmcs: Vec<ObjectName>, mtms: String) -> BoxFuture<'_, Listed> {
        async move {
            let listed = self.shared.consoles.health().first(
                &hmcs,
                |hmc, heard| {
                    let mtms = mtms.clone();
                    async move {
                        let question =
                            async |console: &Console| survey::partitions(console, &mtms).await;
                        self.ask_telling(&hmc, Some(heard), question).await
                    }
                },
                is_silence,
            );
            match listed.await {
                Ok(found) => Listed { partitions: Some(found.answer), failed: found.failed },
                Err(failed) => Listed { partitions: None, failed },
            }
        }
        .boxed()
    }
}

/// Whether an HMC said nothing: of what it says itself its answers are made.
fn is_silence(failure: &Failure) -> bool {
    failure.kind == FailureKind::Unreachable && failure.code != "NLU-0200"
}

/// A key as the API has it.
fn offered(holder: &str, key: &HostKey) -> Offered {
    let text = key.to_string();
    let blob = text.split(' ').nth(1).unwrap_or_default().to_owned();
    Offered {
        holder: holder.to_owned(),
        algorithm: key.algorithm(),
        fingerprint: key.fingerprint().to_string(),
        key: blob,
    }
}

/// A failure with its chain of causes.
fn failure(
    code: &str,
    kind: FailureKind,
    error: &dyn std::error::Error,
    hint: Option<String>,
) -> Failure {
    Failure {
        code: code.to_owned(),
        message: nim_shared::id::printable(&error.to_string()),
        causes: causes(error.source()),
        hint,
        faults: Vec::new(),
        kind,
    }
}

/// Why an HMC did not answer.
fn unanswered(hmc: &ObjectName, error: &survey::Error) -> Failure {
    use console::Error as E;
    let (code, hint) = match error {
        survey::Error::Console(E::Transport(error @ transport::Error::KeyRefused { .. })) => {
            let hint = format!(
                "dkeyexch -f FILE -I hmc -H {hmc} puts it there by a login with a password"
            );
            (error.code().to_string(), Some(hint))
        }
        survey::Error::Console(E::Transport(error)) => {
            (error.code().to_string(), Some(error.hint()))
        }
        survey::Error::Console(E::NoWay(_)) => {
            ("NLU-0192".to_owned(), Some(format!("nimctl show {hmc}")))
        }
        // Source: HMC reference §1.6, the code of a user whose role is too small.
        survey::Error::Console(E::Failed { said, .. }) if said.contains("HSCL350B") => {
            let hint =
                format!("on {hmc}, give the user of nimd the task role hmcviewer for all frames");
            ("NLU-0200".to_owned(), Some(hint))
        }
        survey::Error::Console(E::Failed { .. })
        | survey::Error::Answer { .. }
        | survey::Error::Version { .. } => ("NLU-0200".to_owned(), None),
    };
    failure(&code, FailureKind::Unreachable, error, hint)
}

/// Why an HMC does not let this master in with its key.
fn not_exchanged(hmc: &ObjectName, error: &key_exchange::Error) -> Failure {
    use FailureKind as K;
    use key_exchange::Error as E;
    let (code, kind, hint) = match error {
        E::Transport(error) => (error.code().to_string(), K::Unreachable, Some(error.hint())),
        E::Store(error) => {
            let missing = matches!(error, store::Error::NoSuchSecret { .. });
            let kind = if missing { K::NotFound } else { K::Refused };
            (error.code().to_owned(), kind, error.hint())
        }
        E::NoWay(_) | E::User { .. } => {
            ("NLU-0192".to_owned(), K::Refused, Some(format!("nimctl show {hmc}")))
        }
        E::NoUser { secret, .. } => {
            let hint = format!("dpasswd -f {secret} -U USER stores it with its user");
            ("NLU-0230".to_owned(), K::Refused, Some(hint))
        }
        E::NoSecret(_) => {
            let hint = format!("nim -o change -a passwd_file=NAME {hmc}, or dkeyexch -f NAME");
            ("NLU-0230".to_owned(), K::Refused, Some(hint))
        }
        E::OwnKey(_) => {
            let hint = "the attribute ssh_key names it; nimctl change".to_owned();
            ("NLU-0185".to_owned(), K::Refused, Some(hint))
        }
        // Source: HMC reference §1.6, the code of a user whose role is too small.
        E::Refused { said, .. } if said.contains("HSCL350B") => {
            let hint = format!(
                "the role of that user does not allow it: as hscroot on {hmc}, mkauthkeys -u USER -a 'KEY', KEY being the line that \
                 nimctl server shows"
            );
            ("NLU-0231".to_owned(), K::Refused, Some(hint))
        }
        E::Refused { .. } => ("NLU-0231".to_owned(), K::Refused, None),
        // Source: HMC reference §1.3, which types of keys an HMC takes depends on its level.
        E::NotLetIn { .. } => {
            let hint = format!(
                "an old level may take RSA keys only: ssh-keygen -t rsa -b 4096 -f FILE, then nimctl change -a ssh_key=FILE {hmc}"
            );
            ("NLU-0232".to_owned(), K::Refused, Some(hint))
        }
    };
    failure(&code, kind, error, hint)
}

/// What to do about an agent that cannot be spoken with.
fn hint(lost: &Lost) -> Option<String> {
    match lost {
        Lost::Transport(error) => Some(error.hint()),
        _ => Some("nimctl agent bundle installs the agent".to_owned()),
    }
}

/// How long a host may take to show its keys.
const SCAN: Duration = Duration::from_secs(20);

/// How long an HMC may take to list frames or the partitions of one: tens of seconds on a big one.
const SURVEY: Duration = Duration::from_secs(50);

/// The same for one that was silent a moment ago: long enough for one that is back.
const AGAIN: Duration = Duration::from_secs(10);

/// How long an agent may take to answer.
const STATUS: Duration = Duration::from_secs(45);

/// How many queries are asked at a time: each holds a connection for as long as it takes.
const QUERIES: usize = 64;
