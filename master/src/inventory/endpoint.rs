//! How to reach the host of an object: what its attributes say, with what holds where they say nothing.
//!
//! Host keys are bound to the object by its name, not to an address; those of a host that connections go through are bound to
//! the name that stands in `via`.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use nim_shared::id::ObjectName;
use nim_shared::object::{Hop, Object, ObjectType};

use crate::store::hostkey::{self, KeyHolder};
use crate::store::{self, Store};
use crate::transport::{
    Address, BadAddress, BadHostKey, BadUserName, Endpoint, Host, HostId, HostKey, HostKeyPolicy,
    Login, UserName,
};

/// Port of sshd where nobody said otherwise.
const SSH: u16 = 22;

/// Why the attributes of an object do not lead to a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// An object of this type has no host.
    #[error("{name} is of type {object_type}, which has no host to connect to")]
    NoHost {
        /// The object.
        name: ObjectName,
        /// Its type.
        object_type: ObjectType,
    },
    /// An address cannot be one.
    #[error("{name} cannot be reached as its attributes say")]
    Address {
        /// The object.
        name: ObjectName,
        /// What is wrong.
        #[source]
        cause: BadAddress,
    },
    /// A user name cannot be one.
    #[error("the attribute {attribute} of {name} cannot be used")]
    User {
        /// The object.
        name: ObjectName,
        /// The attribute.
        attribute: &'static str,
        /// What is wrong.
        #[source]
        cause: BadUserName,
    },
}

/// The way to one host, without host keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    name: ObjectName,
    addresses: Vec<Address>,
    port: u16,
    user: UserName,
    key: PathBuf,
    via: Vec<(KeyHolder, Host)>,
}

/// Whose keys those of a host in `via` are.
#[must_use]
pub fn hop_holder(hop: &Hop) -> KeyHolder {
    KeyHolder::Hop { host: hop.host.clone(), port: hop.port.map_or(SSH, NonZeroU16::get) }
}

impl Route {
    /// The way to the host of `object`; `key` is the master's own.
    ///
    /// # Errors
    /// [`BadEndpoint`] names the object and the attribute.
    pub fn of(object: &Object, key: &Path) -> Result<Self, BadEndpoint> {
        let name = &object.name;
        let place = object.spec.host().ok_or_else(|| BadEndpoint::NoHost {
            name: name.clone(),
            object_type: object.spec.object_type(),
        })?;
        let word =
            |attribute| move |cause| BadEndpoint::User { name: name.clone(), attribute, cause };
        let user: UserName = place.user.unwrap_or("root").parse().map_err(word("ssh_user"))?;
        let key = place.key.map_or_else(|| key.to_owned(), PathBuf::from);
        let address = |text: &str| {
            text.parse().map_err(|cause| BadEndpoint::Address { name: name.clone(), cause })
        };
        let addresses = place.addresses().map(address);
        let hop = |hop: &Hop| {
            let (at, port) = (address(&hop.host)?, hop.port.map_or(SSH, NonZeroU16::get));
            let host = Host {
                name: HostId::hop(&at, port),
                addresses: vec![at],
                port,
                user: hop
                    .user
                    .as_deref()
                    .map_or_else(|| Ok(user.clone()), |user| user.parse().map_err(word("via")))?,
                login: Login::Key(key.clone()),
                host_keys: HostKeyPolicy::pinned([]),
            };
            Ok((hop_holder(hop), host))
        };
        Ok(Self {
            addresses: addresses.collect::<Result<_, _>>()?,
            port: place.port(),
            via: place.via.iter().map(hop).collect::<Result<_, BadEndpoint>>()?,
            name: name.clone(),
            user,
            key,
        })
    }

    /// Whose host keys are needed: the host's, then those of the hosts on the way.
    #[must_use]
    pub fn holders(&self) -> Vec<KeyHolder> {
        let hops = self.via.iter().map(|(holder, _)| holder.clone());
        std::iter::once(KeyHolder::Object(self.name.clone())).chain(hops).collect()
    }

    /// The endpoint, with the keys on record of each of [`holders`](Self::holders), in that order. A host without any is one
    /// that nothing is sent to.
    #[must_use]
    pub fn endpoint(self, policies: impl IntoIterator<Item = HostKeyPolicy>) -> Endpoint {
        let mut policies = policies.into_iter();
        let mut next = || policies.next().unwrap_or_else(|| HostKeyPolicy::pinned([]));
        let host_keys = next();
        let via = self.via.into_iter().map(|(_, hop)| Host { host_keys: next(), ..hop }).collect();
        let host = Host {
            name: self.name.into(),
            addresses: self.addresses,
            port: self.port,
            user: self.user,
            login: Login::Key(self.key),
            host_keys,
        };
        Endpoint { host, via }
    }
}

/// Why there is no endpoint for an object.
#[derive(Debug, thiserror::Error)]
pub enum NoEndpoint {
    /// Its attributes do not lead to a host.
    #[error(transparent)]
    Attributes(#[from] BadEndpoint),
    /// The database did not answer, or there is no such object.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A host key on record cannot be read.
    #[error("the host key of {holder} on record cannot be read")]
    Key {
        /// Whose key.
        holder: String,
        /// What is wrong.
        #[source]
        cause: BadHostKey,
    },
}

/// The way to the host of the object `name`, with the host keys on record; `key` is the master's own private key.
///
/// # Errors
/// [`NoEndpoint`].
pub async fn stored(store: &Store, name: &ObjectName, key: &Path) -> Result<Endpoint, NoEndpoint> {
    let found = stored_of(store, std::slice::from_ref(name), key).await?.remove(name);
    found.unwrap_or_else(|| Err(store::Error::NoSuchObject { name: name.clone() }.into()))
}

/// The ways to the hosts of all these objects, as [`stored`] finds each, in a few questions for all. What is no object is left
/// out.
///
/// # Errors
/// What the store says.
pub async fn stored_of(
    store: &Store,
    names: &[ObjectName],
    key: &Path,
) -> Result<HashMap<ObjectName, Result<Endpoint, NoEndpoint>>, store::Error> {
    let objects = store.objects_named(names).await?;
    let routes: Vec<_> = objects
        .into_iter()
        .map(|one| {
            let route = Route::of(&one.object, key);
            (one.object.name, route)
        })
        .collect();
    let sound = routes.iter().filter_map(|(_, route)| route.as_ref().ok());
    let mut holders: Vec<KeyHolder> = sound.flat_map(Route::holders).collect();
    holders.sort_unstable();
    holders.dedup();
    let mut keys: HashMap<KeyHolder, Vec<hostkey::HostKey>> = HashMap::new();
    for one in store.host_keys_of(&holders).await? {
        keys.entry(one.holder.clone()).or_default().push(one);
    }
    let endpoint = |route: Result<Route, BadEndpoint>| {
        let route = route?;
        let policies: Result<Vec<_>, NoEndpoint> =
            route.holders().iter().map(|holder| policy(holder, keys.get(holder))).collect();
        Ok(route.endpoint(policies?))
    };
    Ok(routes.into_iter().map(|(name, route)| (name, endpoint(route))).collect())
}

/// The keys on record of one holder.
fn policy(
    holder: &KeyHolder,
    keys: Option<&Vec<hostkey::HostKey>>,
) -> Result<HostKeyPolicy, NoEndpoint> {
    let read = |key: &hostkey::HostKey| format!("{} {}", key.algorithm, key.key).parse::<HostKey>();
    let keys: Result<Vec<HostKey>, BadHostKey> = keys.into_iter().flatten().map(read).collect();
    let keys = keys.map_err(|cause| NoEndpoint::Key { holder: holder.to_string(), cause })?;
    Ok(HostKeyPolicy::pinned(keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hostkey::{NewHostKey, Replace};
    use crate::store::testing;
    use crate::store::testing::world::{SOMEBODY, site};
    use nim_shared::api::KeySource;
    use nim_shared::object::Draft;

    fn object(of: ObjectType, attributes: &[(&str, &str)]) -> Object {
        let mut draft = Draft::new(of);
        for (attribute, value) in attributes {
            draft.add(attribute, value);
        }
        draft.finish("lpar01".parse().unwrap()).unwrap()
    }

    fn route(attributes: &[(&str, &str)]) -> Result<Route, BadEndpoint> {
        Route::of(&object(ObjectType::Standalone, attributes), Path::new("/keys/master"))
    }

    #[test]
    fn attributes_say_how_and_the_rest_is_usual() {
        let usual = route(&[("if1", "find_net aix01 0")]).unwrap();
        assert_eq!((usual.port, usual.user.as_str(), usual.via.len()), (22, "root", 0));
        let special = route(&[
            ("if1", "find_net aix01 0"),
            ("ssh_address", "10.0.0.7"),
            ("ssh_port", "2222"),
            ("ssh_user", "nimagent"),
            ("via", "jump@bastion1:2200"),
            ("via", "bastion2"),
        ])
        .unwrap();
        let holders: Vec<_> = special.holders().iter().map(ToString::to_string).collect();
        assert_eq!(holders, ["lpar01", "bastion1:2200", "bastion2:22"]);
        assert_eq!(special.via[1].1.user.as_str(), "nimagent");
        assert_eq!(special.addresses.len(), 2);
    }

    #[test]
    fn what_cannot_be_reached_names_its_attribute() {
        let error = route(&[("if1", "find_net aix01 0"), ("ssh_user", "a b")]).unwrap_err();
        assert_eq!(error.to_string(), "the attribute ssh_user of lpar01 cannot be used");
        let frame = object(
            ObjectType::Cec,
            &[("hw_type", "9105"), ("hw_model", "42A"), ("hw_serial", "78ABCDE")],
        );
        let error = Route::of(&frame, Path::new("/keys/master")).unwrap_err();
        assert_eq!(error.to_string(), "lpar01 is of type cec, which has no host to connect to");
    }

    #[tokio::test]
    async fn the_ways_to_many_are_found_at_once_each_with_its_own_keys() {
        let store = testing::store().await;
        site(&store, 3).await;
        let key = |holder: &str, data: &str| NewHostKey {
            holder: KeyHolder::Object(holder.parse().unwrap()),
            algorithm: "ssh-ed25519".to_owned(),
            key: data.to_owned(),
            source: KeySource::Imported,
        };
        let good = "AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS";
        let keys = [key("lpar01", good), key("lpar02", "AAAA")];
        store.host_keys_add(&keys, Replace::No, SOMEBODY).await.unwrap();
        let names: Vec<ObjectName> = ["lpar01", "lpar02", "lpar03", "p10a", "nobody"]
            .map(|name| name.parse().unwrap())
            .to_vec();
        let found = stored_of(&store, &names, Path::new("/keys/master")).await.unwrap();
        let of = |name: &str| found.get(&name.parse::<ObjectName>().unwrap());
        let pinned: HostKey = format!("ssh-ed25519 {good}").parse().unwrap();
        let with = |of: &Result<Endpoint, NoEndpoint>| of.as_ref().unwrap().host.host_keys.clone();
        assert_eq!(with(of("lpar01").unwrap()), HostKeyPolicy::pinned([pinned]));
        assert!(matches!(of("lpar02"), Some(Err(NoEndpoint::Key { .. }))), "a key that is none");
        assert_eq!(with(of("lpar03").unwrap()), HostKeyPolicy::pinned([]), "nothing is sent to it");
        assert!(matches!(of("p10a"), Some(Err(NoEndpoint::Attributes(_)))));
        assert!(of("nobody").is_none());
        let alone = stored(&store, &names[4], Path::new("/keys/master")).await;
        assert!(matches!(alone, Err(NoEndpoint::Store(store::Error::NoSuchObject { .. }))));
    }
}
