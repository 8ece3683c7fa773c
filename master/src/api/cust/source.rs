//! What `cust` reads on the master: the packages of an `lpp_source`, and files with `lvupdate.data`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use nim_shared::api::FileFault;
use nim_shared::id::ObjectName;
use nim_shared::object::{Access, Interface, LppSource, MASTER, Object, ObjectType, Spec};
use nim_shared::request::Images;

use super::{objects, plan};
use crate::api::Api;
use crate::api::error::Answer;
use crate::telemetry::chain;

/// How the LPARs get the packages of `source`, or why they cannot. Where `access` is not set: what lies on another server is
/// mounted, what lies here is sent. What lies here is mounted from the host in `if1` of the object `master`.
pub(super) async fn images(
    api: &Api,
    name: &ObjectName,
    source: &LppSource,
    master: Option<&Interface>,
) -> Result<Images, String> {
    let location = &source.location;
    let good = location.starts_with('/') && !location.split('/').any(|part| part == "..");
    if !good || location.chars().any(char::is_control) {
        return Err(format!("the location of {name} is no absolute path: {location}"));
    }
    let elsewhere = source.server.as_deref().filter(|server| *server != MASTER);
    let access =
        source.access.unwrap_or(if elsewhere.is_some() { Access::Nfs } else { Access::Push });
    let server = elsewhere.or(master.map(|interface| interface.hostname.as_str()));
    match (access, elsewhere) {
        (Access::Local, _) => Ok(Images::Folder { path: location.clone() }),
        (Access::Nfs, _) => match server {
            Some(server) => Ok(Images::Nfs { server: server.to_owned(), export: location.clone() }),
            None => Err(format!(
                "{name} is mounted over NFS from this master, and by which name LPARs reach it is not known: define the object {MASTER} \
                 with if1, or set `server`"
            )),
        },
        (Access::Push, Some(server)) => Err(format!(
            "{name} lies on {server}, and only what lies on the master can be sent: set `access` to nfs or local"
        )),
        (Access::Push, None) => {
            if let Some(why) = kept_back(api, Path::new(location)) {
                return Err(format!("{name}: {why}"));
            }
            let files = api.images.files(Path::new(location), WAIT).await;
            files.map(|files| Images::Pushed { files }).map_err(|error| match error {
                crate::images::Error::Late { .. } => {
                    format!("{name}: {error}; send the same request again in a minute")
                }
                other => format!("{name}: {}", chain(&other)),
            })
        }
    }
}

/// The content of each `live_update_data` object among `objects`, or why it cannot be had.
pub(super) async fn data_files(
    api: &Api,
    objects: &BTreeMap<ObjectName, Object>,
) -> Answer<BTreeMap<ObjectName, Result<String, String>>> {
    let mut wanted = Vec::new();
    let mut files = BTreeMap::new();
    for (name, object) in objects {
        let Spec::LiveUpdateData(data) = &object.spec else { continue };
        let content = match (&data.content, &data.location, &data.server) {
            (Some(_), Some(_), _) => Err("has both `location` and `content`".to_owned()),
            (None, None, _) => Err("has neither `location` nor `content`".to_owned()),
            (Some(content), None, _) => Ok(content.clone()),
            (None, Some(_), Some(server)) if server.as_str() != MASTER => {
                Err(format!("lies on {server}; only files on the master can be read"))
            }
            (None, Some(location), _) => match kept_back(api, Path::new(location)) {
                Some(why) => Err(why),
                None => {
                    wanted.push((name.clone(), location.clone()));
                    continue;
                }
            },
        };
        files.insert(name.clone(), content);
    }
    let read = super::super::apply::blocking(move || {
        let read = |(name, location): (ObjectName, String)| (name, read_file(Path::new(&location)));
        wanted.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    files.extend(read);
    Ok(files)
}

/// Where the files of the resources `names` lie on the master, in their order, those that are of type `of`; what is wrong with the
/// others is added to `faults`.
pub(super) async fn files(
    api: &Api,
    names: &[ObjectName],
    of: ObjectType,
    faults: &mut Vec<FileFault>,
) -> Answer<Vec<(ObjectName, String)>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = objects(&api.store, names).await?;
    let mut fault = |message| faults.push(plan::fault(of.name(), message));
    let mut files = Vec::new();
    for name in names {
        let Some(object) = found.get(name) else {
            fault(format!("there is no object \"{name}\": nimctl list {of}"));
            continue;
        };
        match (object.spec.object_type(), object.spec.place()) {
            (found, Some((MASTER, location))) if found == of => {
                match kept_back(api, Path::new(location)) {
                    None => files.push((name.clone(), location.to_owned())),
                    Some(why) => fault(format!("{name}: {why}")),
                }
            }
            (found, place) if found == of => {
                let server = place.map_or("another server", |(server, _)| server);
                fault(format!("{name} lies on {server}; only files on the master can be read"));
            }
            (other, _) => fault(format!("{name} is of type {other}, not {of}")),
        }
    }
    Ok(files)
}

/// Why `path` is not read for anybody: what `nimd` keeps for itself lies there, its keys and passwords among it. Who may talk to nimd
/// is not for that reason somebody who may see them.
pub(in crate::api) fn kept_back(api: &Api, path: &Path) -> Option<String> {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (own, real) = (real(&api.configuration.data_dir), real(path));
    let path = path.display();
    if real.starts_with(&own) {
        return Some(format!("{path} lies in nimd's own folder, of which nothing is given out"));
    }
    let holds = own.starts_with(&real);
    holds.then(|| format!("{path} holds nimd's own folder, of which nothing is given out"))
}

/// A small text file.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let bytes = read_bytes(path, LONGEST)?;
    String::from_utf8(bytes).map_err(|_| format!("{} is no text in UTF-8", path.display()))
}

/// A file of at most `longest` bytes.
pub(super) fn read_bytes(path: &Path, longest: u64) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let failed = |cause: std::io::Error| format!("cannot read {}: {cause}", path.display());
    if !path.is_absolute() {
        return Err(format!("{} is no absolute path", path.display()));
    }
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(longest + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > longest {
        return Err(format!("{} is larger than {longest} bytes", path.display()));
    }
    Ok(content)
}

/// Longest file with `lvupdate.data`, in bytes.
const LONGEST: u64 = 64 << 10;

/// How long a request waits for digests of files: less than a request may take.
const WAIT: Duration = Duration::from_secs(40);
