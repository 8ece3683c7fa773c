//! Which network a host is on: NIM's `find_net` and `net_definition`. Source: the NIM reference, §2.3.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use nim_shared::id::ObjectName;
use nim_shared::object::{Ent, ObjectType, Route};
use tokio::net::lookup_host;
use tokio::time::timeout;

/// Longest wait for the name service.
const WAIT: Duration = Duration::from_secs(10);

/// Why a network cannot be found or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// A definition that cannot be read.
    #[error(
        "\"{0}\" is no network: \"ent <mask> [<gateway of the client> [<gateway of the master> [<name>]]]\""
    )]
    Definition(String),
    /// The host has no address that the master can find out.
    #[error("{0} has no IPv4 address that this master can look up, so its network is not known")]
    NoAddress(String),
}

/// The IPv4 addresses of `host`, which may be one itself; none where the name service knows none.
pub(crate) async fn addresses(host: &str) -> Vec<Ipv4Addr> {
    match timeout(WAIT, lookup_host((host, 0))).await {
        Ok(Ok(found)) => found
            .filter_map(|address| match address.ip() {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
            .collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// The one of `networks` that one of `addresses` is on: of several the narrowest.
pub(crate) fn containing<'a>(
    networks: &'a [(ObjectName, Ent)],
    addresses: &[Ipv4Addr],
) -> Option<&'a ObjectName> {
    let holds =
        |ent: &Ent| addresses.iter().any(|address| address & ent.snm == ent.net_addr & ent.snm);
    networks
        .iter()
        .filter(|(_, ent)| holds(ent))
        .max_by_key(|(_, ent)| ent.snm.to_bits().count_ones())
        .map(|(name, _)| name)
}

/// What `net_definition` says: the network of `address`, and its name.
///
/// # Errors
/// [`Error::Definition`] when it cannot be read, or is of a type that is not kept here.
pub(crate) fn define(definition: &str, address: Ipv4Addr) -> Result<(ObjectName, Ent), Error> {
    let bad = || Error::Definition(nim_shared::id::printable(definition));
    let words: Vec<_> = definition.split_ascii_whitespace().collect();
    let (of, mask, more) = match &words[..] {
        [of, mask, more @ ..] if more.len() <= 3 => (of, mask, more),
        _ => return Err(bad()),
    };
    let snm: Ipv4Addr = mask.parse().map_err(|_| bad())?;
    if **of != *ObjectType::Ent.name() || snm.to_bits().leading_ones() != snm.to_bits().count_ones()
    {
        return Err(bad());
    }
    let net_addr = address & snm;
    // 0 stands for none, so that what follows can be given.
    let gateway = match more.first() {
        None | Some(&"0") => None,
        Some(text) => Some(text.parse().map_err(|_| bad())?),
    };
    let name = match more.get(2) {
        Some(name) => name.parse(),
        None => format!("net_{}", net_addr.to_string().replace('.', "_")).parse(),
    };
    let routing = gateway.map(Route::Default).into_iter().collect();
    Ok((name.map_err(|_| bad())?, Ent { net_addr, snm, routing, kept: Default::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ent(net_addr: &str, snm: &str) -> Ent {
        Ent {
            net_addr: net_addr.parse().unwrap(),
            snm: snm.parse().unwrap(),
            routing: Vec::new(),
            kept: Default::default(),
        }
    }

    #[test]
    fn the_narrowest_network_that_holds_an_address_counts() {
        let networks = [
            ("all".parse().unwrap(), ent("10.0.0.0", "255.0.0.0")),
            ("vlan4".parse().unwrap(), ent("10.1.0.0", "255.255.255.0")),
        ];
        let found = |address: &str| {
            containing(&networks, &[address.parse().unwrap()]).map(ObjectName::as_str)
        };
        assert_eq!(found("10.1.0.7"), Some("vlan4"));
        assert_eq!(found("10.2.0.7"), Some("all"));
        assert_eq!(found("192.168.0.1"), None);
        assert_eq!(containing(&networks, &[]), None);
    }

    #[test]
    fn a_definition_makes_the_network_of_the_address() {
        let address = "192.168.7.9".parse().unwrap();
        let (name, made) = define("ent 255.255.255.0", address).unwrap();
        assert_eq!(
            (name.as_str(), &made),
            ("net_192_168_7_0", &ent("192.168.7.0", "255.255.255.0"))
        );
        let (name, made) = define("ent 255.255.0.0 192.168.0.1 0 vlan9", address).unwrap();
        assert_eq!(name.as_str(), "vlan9");
        assert_eq!(made.routing, [Route::Default("192.168.0.1".parse().unwrap())]);
        for text in
            ["", "ent", "tok 255.255.255.0", "ent 255.0.255.0", "ent x", "ent 255.0.0.0 a b c d"]
        {
            assert!(define(text, address).is_err(), "{text:?} was accepted");
        }
    }

    #[tokio::test]
    async fn an_address_is_its_own() {
        assert_eq!(addresses("10.1.0.7").await, ["10.1.0.7".parse::<Ipv4Addr>().unwrap()]);
    }
}
