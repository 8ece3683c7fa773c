//! The HTTP API on a Unix socket: the routes of [`nim_shared::api`], each extract → call → answer.
//!
//! Nothing is decided here about operations and nothing is stored here: this module asks the store and, where a host has to be
//! spoken with, the [`Hosts`] that it is given. Every answer that is no success is a [`Failure`](nim_shared::api::Failure). No
//! request stays open for minutes but `watch` and lists, which are streamed; what takes longer is started here and observed there.

mod adapter;
mod aftercare;
mod agent;
mod allocation;
mod apply;
mod check;
mod clean_up;
mod codes;
mod cust;
mod derived;
mod discover;
mod disks;
mod error;
mod extract;
mod frame;
mod host;
mod hostkey;
mod knowledge;
mod lines;
mod list;
mod live_update_data;
mod look;
mod lpp;
mod maintenance;
mod object;
mod operation;
mod output;
mod policy;
mod preflight;
mod receiver;
mod report;
mod retry;
mod rollback;
mod rollout;
mod secret;
mod server;
mod snap;
mod socket;
mod verdict;
mod watch;
mod words;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use futures::FutureExt as _;
use nim_shared::api::FailureKind;
use nim_shared::id::MasterId;
use nim_shared::stamp::Timestamp;
use tokio::sync::Semaphore;
use tokio::sync::watch::Sender as News;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

pub use host::{ConsoleSeen, DiskLook, HostKeys, Hosts, Listed, Looked, Offered};
pub(crate) use policy::now as policy_now;
pub use rollout::{Driver, Effect as RolloutEffect, Fact as RolloutFact};
pub use socket::{Error as SocketError, Socket};

use crate::clock::Clock;
use crate::images::Images;
use crate::notices::Sender;
use crate::settings::{Configuration, Value as _};
use crate::store::Store;
use crate::store::notify::{Hints, Topic};
use crate::store::operation::Limits;
use crate::store::secret::KeyFile;
use error::Refusal;
use socket::Peer;

/// What the API works with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    parts: Arc<Parts>,
    /// Tells watchers to look. One listener at the database for all of them: each holds a connection.
    news: Arc<News<()>>,
    /// What goes on beside requests.
    tasks: TaskTracker,
    /// Who may plan a rollout: one at a time.
    planning: Arc<Semaphore>,
    /// What is known of codes.
    codes: Arc<codes::LastRead>,
}

/// See [`Api::new`].
pub struct Parts {
    /// The database.
    pub store: Store,
    /// How many operations the engine lets run: those that it holds say so.
    pub limits: Limits,
    /// Who speaks with LPARs and other hosts.
    pub hosts: Arc<dyn Hosts>,
    /// As meant.
    pub configuration: Configuration,
    /// This run of nimd.
    pub master: MasterId,
    /// The master's public key, as a line of `authorized_keys`.
    pub public_key: String,
    /// The file of its private key.
    pub key: std::path::PathBuf,
    /// What secrets are sealed with.
    pub secrets: KeyFile,
    /// Who tells receivers of rollouts.
    pub sender: Sender,
    /// Digests of the files that the master sends.
    pub images: Images,
    /// When it became ready.
    pub ready_at: Timestamp,
    /// The time.
    pub clock: Clock,
    /// Set when nimd ends: watchers are let go.
    pub end: CancellationToken,
    /// How many may watch at a time.
    pub watchers: Arc<Semaphore>,
}

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Api {
    /// Of its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            news: Arc::new(News::new(())),
            tasks: TaskTracker::new(),
            planning: Arc::new(Semaphore::new(1)),
            codes: Arc::default(),
        }
    }

    /// Answers on `socket` until [`Parts::end`] is set; then takes no more connections and gives those that are open
    /// [`GRACE`] to end.
    pub async fn run(self, socket: Socket) {
        let end = self.end.clone();
        let (listener, guard) = socket.into_parts();
        let late = async {
            end.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let telling = tell(self.store.hints(&[Topic::Events, Topic::Work]), Arc::clone(&self.news));
        let tasks = self.tasks.clone();
        let service = self.router().into_make_service_with_connect_info::<Peer>();
        let serving =
            axum::serve(listener, service).with_graceful_shutdown(end.clone().cancelled_owned());
        tokio::select! {
            () = telling => {}
            ended = serving.into_future() => match ended {
                Ok(()) => info!("the API takes no more requests"),
                Err(cause) => error!(error = %cause, "the API ended"),
            },
            () = late => warn!("requests were still open when nimd ended; their connections are cut"),
        }
        // They heard of the end themselves.
        tasks.close();
        tasks.wait().await;
        drop(guard);
    }

    /// The routes.
    fn router(self) -> Router {
        let limit = self.configuration.settings.api.body.bytes();
        let short = short().route_layer(middleware::from_fn_with_state(self.clone(), in_time));
        long()
            .merge(short)
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(DefaultBodyLimit::max(limit))
            .layer(middleware::from_fn(guarded))
            .with_state(self)
    }
}

/// A router, and the list of what it answers: one cannot be without the other.
macro_rules! routes {
    ($(#[$doc:meta])* fn $router:ident, $list:ident: $($path:literal { $($method:ident $handler:path),+ })+) => {
        $(#[$doc])*
        fn $router() -> Router<Api> {
            Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))+
        }

        #[cfg(test)]
        const $list: &[(&str, &str)] = &[$($((stringify!($method), $path),)+)+];
    };
}

routes! {
    /// Requests that have to be answered in time.
    fn short, SHORT:
    "/v1/server" { get server::server }
    "/v1/objects" { get list::page, post object::define }
    "/v1/objects/{name}" { get object::show, patch object::edit, delete object::remove }
    "/v1/objects/{name}/history" { get object::history }
    "/v1/objects/{name}/check" { post check::check }
    "/v1/allocate" { post allocation::allocate }
    "/v1/deallocate" { post allocation::deallocate }
    "/v1/fix_bundles/{name}" { get cust::fix::show }
    "/v1/lpp_sources/{name}" { get lpp::show }
    "/v1/lpp_sources/{name}/check" { post lpp::check }
    "/v1/lpp_sources/{name}/packages" { post lpp::packages }
    "/v1/apply" { post apply::apply }
    "/v1/export" { get apply::export }
    "/v1/hmcs/{name}/systems" { get discover::systems }
    "/v1/codes" { get codes::list }
    "/v1/report/levels" { get report::levels }
    "/v1/report/blackout" { get report::blackout }
    "/v1/frames/{name}/partitions" { get discover::partitions }
    "/v1/operations" { get operation::list }
    "/v1/operations/{id}" { get operation::show }
    "/v1/operations/{id}/cancel" { post operation::cancel }
    "/v1/operations/{id}/resolve" { post operation::resolve }
    "/v1/operations/{id}/retry" { post retry::retry }
    "/v1/operations/{id}/snap" { post snap::start }
    "/v1/operations/{id}/events" { get operation::events }
    "/v1/operations/{id}/hooks" { get operation::hooks }
    "/v1/operations/{id}/output" { get output::output }
    "/v1/hostkeys" { get hostkey::list, post hostkey::trust }
    "/v1/hostkeys/scan" { post hostkey::scan }
    "/v1/hostkeys/import" { post hostkey::import }
    "/v1/hostkeys/{name}" { delete hostkey::forget }
    "/v1/secrets" { get secret::list }
    "/v1/secret-key" { post secret::rotate }
    "/v1/policy" { get policy::show, put policy::set }
    "/v1/policy/{lpar}" { get policy::of }
    "/v1/rollouts/{name}" { get rollout::show }
    "/v1/rollouts/{name}/turn" { post rollout::turn }
    "/v1/rollouts/{name}/watch" { get rollout::watch }
    "/v1/rollouts/{name}/report" { get rollout::report }
    "/v1/rollouts/{name}/replay" { get rollout::replay }
    "/v1/why/{name}" { get rollout::why }
    "/v1/maintenance" { get maintenance::list }
    "/v1/maintenance/{name}" { put maintenance::on, delete maintenance::off }
    "/v1/secrets/{name}" { put secret::set, delete secret::remove }
    "/v1/agent/{lpar}/bundle" { get agent::bundle }
    "/v1/agent/{lpar}/status" { get agent::status }
    "/v1/disks/{lpar}" { get disks::list }
}

routes! {
    /// What stays open, what is as long as the fleet is large, and what takes as long as a big site does: each question to an HMC and to an LPAR has a limit of its own.
    fn long, LONG:
    "/v1/watch" { get watch::watch }
    "/v1/list" { get list::list }
    "/v1/rows" { get list::rows }
    "/v1/frames" { get frame::list }
    "/v1/adapters" { get adapter::list }
    "/v1/discover" { post discover::discover }
    "/v1/agent/{lpar}/query" { post agent::query }
    "/v1/preflight" { post preflight::preflight }
    "/v1/clean-up/{lpar}" { get clean_up::look, post clean_up::start }
    "/v1/live-update-data" { post live_update_data::generate }
    "/v1/rollout/plan" { post rollout::plan }
    "/v1/rollout/rehearsal" { post rollout::rehearse }
    "/v1/rollout/lab" { post rollout::lab }
    "/v1/rollouts" { get rollout::list, post rollout::start }
    "/v1/disks/{lpar}/look" { post disks::look }
    "/v1/disks/{lpar}/release" { post disks::release }
    "/v1/rollback/{lpar}/look" { post rollback::look }
    "/v1/rollback/{lpar}" { post rollback::start }
    "/v1/cust" { post cust::cust }
    "/v1/receivers/{name}/test" { post receiver::test }
    "/v1/aftercare" { post aftercare::aftercare }
    "/v1/hmcs/{name}/key" { post discover::exchange_key }
}

/// Passes hints of the database on to all watchers.
async fn tell(mut hints: Hints, news: Arc<News<()>>) {
    loop {
        hints.wait(LOOK).await;
        news.send_replace(());
    }
}

/// Longest time between two looks of watchers without a hint.
const LOOK: Duration = Duration::from_secs(1);

/// How long requests may go on when nimd ends.
const GRACE: Duration = Duration::from_secs(10);

/// Ends a request that takes too long. What it began in the database is rolled back, or was committed: no state between.
async fn in_time(State(api): State<Api>, request: Request, next: Next) -> Response {
    let limit = api.configuration.settings.api.request;
    match tokio::time::timeout(limit.duration(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::new(
            FailureKind::Unreachable,
            "NLU-0109",
            format!("the request took longer than {}", limit.show()),
        )
        .hint("look whether it was done before you send it again; the limit is api.request in nimd's settings")
        .into_response(),
    }
}

/// Logs requests that change something, and turns a panic of a handler into an answer.
async fn guarded(request: Request, next: Next) -> Result<Response, Infallible> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| *peer);
    let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answer.unwrap_or_else(|_| {
        Refusal::new(FailureKind::Internal, "NLU-0199", "a fault in nimd ended the request")
            .hint("its log has more")
            .into_response()
    });
    if !method.is_safe() {
        let (uid, pid) = peer.map_or((None, None), |peer| (peer.uid, peer.pid));
        let status = response.status().as_u16();
        let who = uid.map_or_else(|| "an unknown user".to_owned(), |uid| format!("uid {uid}"));
        info!(
            http.method = %method, http.path = %path, http.status = status, peer.uid = uid, peer.pid = pid,
            "{method} {path} by {who}: {status}"
        );
    }
    Ok(response)
}

/// No such path.
async fn no_route(request: Request) -> Refusal {
    Refusal::new(
        FailureKind::NotFound,
        "NLU-0101",
        format!("there is nothing at {}", request.uri().path()),
    )
    .hint("nimctl and nimd should be of the same version: nimctl --version, nimd --version")
}

/// No such method there.
async fn no_method(request: Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    Refusal::usage("NLU-0102", format!("{path} does not take {method}"))
        .hint("nimctl and nimd should be of the same version: nimctl --version, nimd --version")
}

#[cfg(test)]
mod tests;
