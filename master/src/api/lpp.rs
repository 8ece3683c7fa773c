//! What is in an `lpp_source`: shown, looked into again, changed.
//!
//! A folder is looked into when its object is defined or changed, beside the request, and when somebody asks and it was not. Digests
//! of a technology level take longer than a request may: then the asker is told to come back, and the work goes on.

mod change;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{FailureKind, LppSourceView};
use nim_shared::id::ObjectName;
use nim_shared::lpp::{Content, SourceFile};
use nim_shared::object::{Access, LppSource, MASTER, Object, Spec};
use tracing::{info, warn};

pub(super) use change::packages;

use super::Api;
use super::cust::kept_back;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Named};
use crate::images;
use crate::lpp::folder;
use crate::store::object::Stored;
use crate::telemetry::chain;

/// `GET /v1/lpp_sources/{name}`
pub(super) async fn show(
    State(api): State<Api>,
    Named(name): Named<ObjectName>,
) -> Answer<Json<LppSourceView>> {
    let source = Source::find(&api, &name).await?;
    if let Some(index) = api.store.lpp_index(&name).await?.filter(|index| index.current) {
        return Ok(Json(source.view(index)));
    }
    Ok(Json(source.look_again(&api, WAIT).await?))
}

/// `POST /v1/lpp_sources/{name}/check`
pub(super) async fn check(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(name): Named<ObjectName>,
) -> Answer<Json<LppSourceView>> {
    let source = Source::find(&api, &name).await?;
    let view = source.look_again(&api, WAIT).await?;
    info!(object.name = %name, peer.uid = who.uid, "{name} was checked by uid {}", who.uid);
    Ok(Json(view))
}

/// Looks into those of `objects` that are `lpp_source`s, one after the other, beside the request that made or changed them.
pub(super) fn look_soon<'a>(api: &Api, objects: impl IntoIterator<Item = &'a Object>) {
    let is_source = |object: &&Object| matches!(object.spec, Spec::LppSource(_));
    let names: Vec<_> =
        objects.into_iter().filter(is_source).map(|object| object.name.clone()).collect();
    if names.is_empty() {
        return;
    }
    let (api, end) = (api.clone(), api.end.clone());
    let tasks = api.tasks.clone();
    tasks.spawn(async move {
        let work = async {
            for name in names {
                let done = match Source::find(&api, &name).await {
                    Ok(source) => source.look_again(&api, LONG).await.map(drop),
                    Err(refusal) => Err(refusal),
                };
                if let Err(refusal) = done {
                    // Who asks for the content looks again, and is told.
                    let failure = refusal.failure();
                    warn!(object.name = %name, error.code = %failure.code, "{name} was not looked into: {}", failure.message);
                }
            }
        };
        tokio::select! {
            () = end.cancelled() => {}
            () = work => {}
        }
    });
}

/// An `lpp_source` as it is stored.
pub(super) struct Source {
    name: ObjectName,
    version: u64,
    source: LppSource,
}

impl Source {
    /// The one that is called `name`.
    pub(super) async fn find(api: &Api, name: &ObjectName) -> Answer<Self> {
        let Stored { object, version, .. } = api.store.object(name).await?;
        match object.spec {
            Spec::LppSource(source) => Ok(Self { name: object.name, version, source }),
            other => Err(Refusal::refused(
                "NLU-0113",
                format!("{name} is of type {}, not lpp_source", other.object_type()),
            )),
        }
    }

    /// The folder, or why this master does not see it.
    pub(super) fn folder(&self) -> Result<&Path, String> {
        let LppSource { location, server, access, .. } = &self.source;
        if let Some(server) = server.as_deref().filter(|server| *server != MASTER) {
            return Err(format!("it lies on {server}, not on this master"));
        }
        if *access == Some(Access::Local) {
            return Err("it lies on each LPAR, not on this master".to_owned());
        }
        let path = Path::new(location);
        if !path.is_absolute() || location.split('/').any(|part| part == "..") {
            return Err(format!("its location is no absolute path: {location}"));
        }
        Ok(path)
    }

    /// What is in the folder now, or why that is not known. Waits at most `longest` for digests.
    pub(super) async fn look(
        &self,
        api: &Api,
        longest: Duration,
    ) -> Answer<Result<Content, String>> {
        match self.folder() {
            Ok(path) => look_into(api, path, longest).await,
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Looks into the folder and keeps what is found.
    async fn look_again(&self, api: &Api, longest: Duration) -> Answer<LppSourceView> {
        let found = self.look(api, longest).await?;
        if !api.store.lpp_index_put(&self.name, self.version, &found).await? {
            return Err(Refusal::refused(
                "NLU-0115",
                format!("{} was changed while its folder was looked into", self.name),
            )
            .hint("ask again"));
        }
        match api.store.lpp_index(&self.name).await? {
            Some(index) => Ok(self.view(index)),
            None => Err(crate::store::Error::NoSuchObject { name: self.name.clone() }.into()),
        }
    }

    fn view(&self, index: crate::store::lpp::LppIndex) -> LppSourceView {
        let (not_indexed, content) = match index.found {
            Ok(content) => (None, content),
            Err(reason) => (Some(reason), Content::default()),
        };
        LppSourceView {
            name: self.name.clone(),
            location: self.source.location.clone(),
            indexed_at: index.indexed_at,
            not_indexed,
            content,
        }
    }
}

/// What is in the folder `path`, or why that cannot be said.
pub(super) async fn look_into(
    api: &Api,
    path: &Path,
    longest: Duration,
) -> Answer<Result<Content, String>> {
    if let Some(why) = kept_back(api, path) {
        return Ok(Err(why));
    }
    let files = match api.images.files(path, longest).await {
        Ok(files) => files,
        Err(images::Error::Empty { .. }) => Vec::new(),
        Err(error @ images::Error::Late { .. }) => {
            return Err(Refusal::new(FailureKind::Unreachable, "NLU-0114", error.to_string())
                .hint("that goes on: ask again in a minute"));
        }
        Err(other) => return Ok(Err(chain(&other))),
    };
    let files = files.into_iter().map(|file| SourceFile {
        path: file.path,
        bytes: file.bytes,
        digest: file.digest,
    });
    let files: Vec<_> = files.collect();
    let stop = Stop(Arc::default());
    let (flag, path) = (Arc::clone(&stop.0), path.to_owned());
    let content = super::apply::blocking(move || folder::read(&path, files, &flag)).await?;
    content.map(Ok).ok_or_else(|| {
        // Only who no longer waits stops it.
        Refusal::new(FailureKind::Unreachable, "NLU-0114", "the folder is no longer looked into")
    })
}

/// Ends the reading of headers when nobody waits for it any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How long a request waits for digests: less than a request may take.
const WAIT: Duration = Duration::from_secs(40);

/// How long digests may take where nobody waits.
const LONG: Duration = Duration::from_secs(3600);
