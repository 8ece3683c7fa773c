//! Host keys: what hosts offer, what is on record, and putting on record what a person has confirmed.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::StreamExt as _;
use nim_shared::api::{
    FileFault, HostKey, ImportKeys, KeySource, Page, Scan, Scanned, TrustKeys, Trusted,
};
use nim_shared::object::{Object, ObjectType};
use tracing::info;

use super::Api;
use super::apply::all;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body, Named, Query};
use super::host::{HostKeys, Offered};
use crate::inventory::endpoint::hop_holder;
use crate::inventory::host_key::{self, KnownHosts};
use crate::store::Who;
use crate::store::hostkey::{self, KeyHolder, NewHostKey, Recorded, Replace};
use crate::store::object::{NamePattern, ObjectFilter};

/// `GET /v1/hostkeys`
pub(super) async fn list(State(api): State<Api>, mut query: Query) -> Answer<Json<Page<HostKey>>> {
    let holder = query.one::<Holder>("name")?;
    query.end()?;
    let keys = api.store.host_keys(holder.as_ref().map(|Holder(holder)| holder)).await?;
    Ok(Json(Page { items: keys.into_iter().map(recorded).collect(), next: None }))
}

/// `POST /v1/hostkeys/scan`: nothing is sent to the hosts but the key exchange, and nothing is stored.
pub(super) async fn scan(
    State(api): State<Api>,
    Body(Scan { targets }): Body<Scan>,
) -> Answer<Json<Scanned>> {
    let objects = reachable(&api, &targets).await?;
    let record = record(&api).await?;
    let answers: Vec<_> = futures::stream::iter(objects)
        .map(|object| api.hosts.host_keys(object))
        .buffer_unordered(SCANS)
        .collect()
        .await;
    let mut scanned = Scanned { new: vec![], known: vec![], changed: vec![], failed: vec![] };
    let mut seen = BTreeMap::new();
    for HostKeys { offered, failed } in answers {
        scanned.failed.extend(failed);
        seen.extend(
            offered.into_iter().map(|key| ((key.holder.clone(), key.algorithm.clone()), key)),
        );
    }
    for (place, offered) in seen {
        let rows = match record.get(&place) {
            Some(key) if *key == offered.key => &mut scanned.known,
            Some(_) => &mut scanned.changed,
            None => &mut scanned.new,
        };
        rows.push(shown(offered));
    }
    Ok(Json(scanned))
}

/// `POST /v1/hostkeys`: on record what was shown and confirmed.
pub(super) async fn trust(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(TrustKeys { keys, replace }): Body<TrustKeys>,
) -> Answer<Json<Trusted>> {
    let mut new = Vec::new();
    let mut faults = Vec::new();
    for (index, key) in keys.into_iter().enumerate() {
        match confirmed(key) {
            Ok(key) => new.push(key),
            Err(message) => faults.push(FileFault {
                file: None,
                line: None,
                path: format!("keys[{index}]"),
                message,
            }),
        }
    }
    if !faults.is_empty() {
        return Err(
            Refusal::usage("NLU-0150", "some of the keys cannot be put on record").faults(faults)
        );
    }
    put(&api, who, &new, replace).await
}

/// `POST /v1/hostkeys/import`: the keys of a `known_hosts` file, for the objects whose addresses it names.
pub(super) async fn import(
    State(api): State<Api>,
    Asker(who): Asker,
    Body(ImportKeys { file, replace }): Body<ImportKeys>,
) -> Answer<Json<Trusted>> {
    let (known, faults) = KnownHosts::parse(file.text.as_bytes());
    if !faults.is_empty() {
        let rows = faults.into_iter().map(|fault| FileFault {
            file: Some(file.name.clone()),
            line: u64::try_from(fault.line).ok(),
            path: String::new(),
            message: crate::telemetry::chain(&fault.kind),
        });
        return Err(Refusal::usage(
            "NLU-0151",
            format!("{} cannot be read as known_hosts", file.name),
        )
        .faults(rows.collect())
        .hint("take the lines out that it names, or correct them; nothing was put on record"));
    }
    let mut new = Vec::new();
    let mut add = |holder: &KeyHolder, names: &[&str], port: u16| {
        for key in known.policy_for(names.iter().copied(), port).pinned {
            let text = key.to_string();
            let (algorithm, key) = text.split_once(' ').unwrap_or((&text, ""));
            new.push(NewHostKey {
                holder: holder.clone(),
                algorithm: algorithm.to_owned(),
                key: key.to_owned(),
                source: KeySource::Imported,
            });
        }
    };
    for object in all(&api.store, &hosts()).await? {
        let Some(place) = object.spec.host() else { continue };
        let mut names = vec![object.name.as_str()];
        names.extend(place.addresses());
        add(&KeyHolder::Object(object.name.clone()), &names, place.port());
        for hop in place.via {
            if let holder @ KeyHolder::Hop { port, .. } = &hop_holder(hop) {
                add(holder, &[&hop.host], *port);
            }
        }
    }
    // A bastion stands before many objects.
    new.sort_by(|a, b| (&a.holder, &a.algorithm, &a.key).cmp(&(&b.holder, &b.algorithm, &b.key)));
    new.dedup();
    put(&api, who, &new, replace).await
}

/// `DELETE /v1/hostkeys/{name}`
pub(super) async fn forget(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(Holder(holder)): Named<Holder>,
) -> Answer<StatusCode> {
    if api.store.host_keys_remove(&holder).await? == 0 {
        return Err(Refusal::new(
            nim_shared::api::FailureKind::NotFound,
            "NLU-0152",
            format!("no host key of {holder} is on record"),
        )
        .hint("nimctl hostkey list"));
    }
    info!(host.name = %holder, peer.uid = who.uid, "the host keys of {holder} were forgotten by uid {}", who.uid);
    Ok(StatusCode::NO_CONTENT)
}

/// Puts keys on record, all or none.
async fn put(api: &Api, who: Who, keys: &[NewHostKey], replace: bool) -> Answer<Json<Trusted>> {
    let replace = if replace { Replace::Yes } else { Replace::No };
    let Recorded { added, replaced, known } = api.store.host_keys_add(keys, replace, who).await?;
    info!(
        count = added + replaced,
        peer.uid = who.uid,
        "{added} host keys were put on record and {replaced} replaced by uid {}",
        who.uid
    );
    Ok(Json(Trusted { added, replaced, known }))
}

/// What is on record: holder and algorithm → key.
async fn record(api: &Api) -> Answer<BTreeMap<(String, String), String>> {
    let keys = api.store.host_keys(None).await?.into_iter();
    Ok(keys.map(|key| ((key.holder.to_string(), key.algorithm), key.key)).collect())
}

/// The objects with a host that `targets` name, each once.
async fn reachable(api: &Api, targets: &[String]) -> Answer<Vec<Object>> {
    let mut faults = Vec::new();
    let mut found: BTreeMap<_, Object> = BTreeMap::new();
    for target in targets {
        let objects = match NamePattern::read(target) {
            Ok(names) => all(&api.store, &ObjectFilter { names, ..hosts() }).await?,
            Err(cause) => {
                faults.push((target, cause.to_string()));
                continue;
            }
        };
        if objects.is_empty() {
            faults.push((target, "no object with a host is called like this".to_owned()));
        }
        found.extend(objects.into_iter().map(|object| (object.name.clone(), object)));
    }
    if faults.is_empty() && !targets.is_empty() {
        return Ok(found.into_values().collect());
    }
    let rows = faults.into_iter().map(|(target, message)| FileFault {
        file: None,
        line: None,
        path: target.clone(),
        message,
    });
    Err(Refusal::usage("NLU-0153", "not all of the targets are hosts").faults(rows.collect()))
}

/// Objects that have a host.
fn hosts() -> ObjectFilter {
    let types = vec![ObjectType::Standalone, ObjectType::Hmc, ObjectType::Vios];
    ObjectFilter { types, ..ObjectFilter::default() }
}

/// A key that a person has confirmed, as it was shown.
fn confirmed(key: HostKey) -> Result<NewHostKey, String> {
    let Holder(holder) = key.name.parse().map_err(|cause: BadHolder| cause.to_string())?;
    let text = format!("{} {}", key.algorithm, key.key);
    let read: host_key::HostKey =
        text.parse().map_err(|cause: host_key::BadHostKey| cause.to_string())?;
    if read.algorithm() != key.algorithm || read.fingerprint().to_string() != key.fingerprint {
        return Err(format!(
            "the key has the fingerprint {}, not {}",
            read.fingerprint(),
            key.fingerprint
        ));
    }
    Ok(NewHostKey { holder, algorithm: key.algorithm, key: key.key, source: KeySource::Confirmed })
}

/// A key that a host offers, as it is shown.
fn shown(offered: Offered) -> HostKey {
    HostKey {
        name: offered.holder,
        algorithm: offered.algorithm,
        fingerprint: offered.fingerprint,
        key: offered.key,
        source: None,
    }
}

/// A key on record, as it is shown.
fn recorded(key: hostkey::HostKey) -> HostKey {
    let text = format!("{} {}", key.algorithm, key.key);
    let fingerprint = host_key::HostKey::from_str(&text)
        .map_or_else(|_| "unreadable".to_owned(), |key| key.fingerprint().to_string());
    HostKey {
        name: key.holder.to_string(),
        algorithm: key.algorithm,
        fingerprint,
        key: key.key,
        source: Some(key.source),
    }
}

/// Whose key: the name of an object, or `host:port`.
pub(super) struct Holder(KeyHolder);

/// A text that is neither.
#[derive(Debug, thiserror::Error)]
#[error("is neither the name of an object nor host:port")]
pub(super) struct BadHolder;

impl std::str::FromStr for Holder {
    type Err = BadHolder;

    fn from_str(text: &str) -> Result<Self, BadHolder> {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => {
                let port = port.parse().map_err(|_| BadHolder)?;
                Ok(Self(KeyHolder::Hop { host: host.to_owned(), port }))
            }
            Some(_) => Err(BadHolder),
            None => text.parse().map(|name| Self(KeyHolder::Object(name))).map_err(|_| BadHolder),
        }
    }
}

/// Hosts that are asked for their keys at a time.
const SCANS: usize = 64;
