//! A host that is not the one on record learns nothing.

use std::time::SystemTime;

use russh::keys::Certificate;
use russh::keys::ssh_key::certificate::{Builder, CertType};

use super::server::{Plan, Server};
use super::*;

async fn refused_by(server: &Server, host_keys: HostKeyPolicy, user: &PrivateKey) -> Error {
    let client = Client::new(user);
    let lpar = Host { host_keys, ..host("lpar01", server.port, []) };
    client.connect(&direct(lpar)).await.unwrap_err()
}

/// The point of it all: the server saw a connection, and not so much as a user name.
fn assert_nothing_was_sent(server: &Server) {
    assert_eq!(server.seen.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(server.seen.logins(), Vec::<String>::new());
    assert_eq!(server.seen.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn a_changed_key_gets_nothing() {
    let (user, on_record, shown) = (ed25519(), ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let policy = HostKeyPolicy::pinned([public(&on_record)]);
    let error = refused_by(&server, policy, &user).await;
    assert_nothing_was_sent(&server);
    assert_eq!(
        told(&error),
        format!(
            "lpar01 offers another host key than the one on record: ssh-ed25519 {}, known {}  \
             [NLU-0202]\n  hint: nothing was sent to it. If lpar01 was installed anew, compare \
             the fingerprint on its console and record it: `nimctl hostkey scan --replace lpar01`; \
             if not, find out who answers",
            public(&shown).fingerprint(),
            public(&on_record).fingerprint(),
        )
    );
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn an_unknown_key_gets_nothing() {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let error = refused_by(&server, HostKeyPolicy::default(), &user).await;
    assert_nothing_was_sent(&server);
    assert!(matches!(error, Error::HostKeyUnknown { .. }), "{error}");
    assert!(error.to_string().contains(&public(&shown).fingerprint().to_string()), "{error}");
}

#[tokio::test]
async fn a_revoked_key_gets_nothing_even_when_it_is_pinned() {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let policy =
        HostKeyPolicy { revoked: vec![public(&shown)], ..HostKeyPolicy::pinned([public(&shown)]) };
    let error = refused_by(&server, policy, &user).await;
    assert_nothing_was_sent(&server);
    assert!(matches!(error, Error::HostKeyRevoked { .. }), "{error}");
}

#[tokio::test]
async fn the_pinned_one_of_several_keys_is_asked_for() {
    let (user, first, second) = (ed25519(), ed25519(), rsa());
    let plan = Plan { host_keys: vec![first, second.clone()], ..Plan::new(&second, &user) };
    let server = Server::start(plan).await;
    let client = Client::new(&user);
    // Without that, the server would show its Ed25519 key, which is not on record.
    let lpar = host("lpar01", server.port, [public(&second)]);
    client.connect(&direct(lpar)).await.unwrap();
}

#[tokio::test]
async fn a_scan_sees_every_key_and_logs_in_nowhere() {
    let (user, first, second, third) = (ed25519(), ed25519(), ecdsa(EcdsaCurve::NistP384), rsa());
    let host_keys = vec![third.clone(), first.clone(), second.clone()];
    let server = Server::start(Plan { host_keys, ..Plan::new(&first, &user) }).await;
    let client = Client::new(&user);
    let found = client.scan(&direct(host("lpar01", server.port, []))).await.unwrap();
    assert_eq!(found, [public(&first), public(&second), public(&third)]);
    assert_eq!(server.seen.logins(), Vec::<String>::new());
}

/// A certificate for the key `host`, signed by `ca`.
fn certificate(
    host: &PrivateKey,
    ca: &PrivateKey,
    change: impl FnOnce(&mut Builder),
) -> Certificate {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    certificate_between(host, ca, (now - 60, now + 3600), change)
}

fn certificate_between(
    host: &PrivateKey,
    ca: &PrivateKey,
    (from, until): (u64, u64),
    change: impl FnOnce(&mut Builder),
) -> Certificate {
    let data = host.public_key().key_data().clone();
    let mut builder = Builder::new_with_random_nonce(&mut rand::rng(), data, from, until).unwrap();
    builder.key_id("test").unwrap();
    change(&mut builder);
    builder.sign(ca).unwrap()
}

fn for_host(builder: &mut Builder, name: &str) {
    builder.cert_type(CertType::Host).unwrap().valid_principal(name).unwrap();
}

async fn with_certificate(
    certificate: Certificate,
    ca: &PrivateKey,
    key: &PrivateKey,
) -> Result<Vec<String>, (Server, Error)> {
    let user = ed25519();
    let plan = Plan { certificates: vec![certificate], ..Plan::new(key, &user) };
    let server = Server::start(plan).await;
    let policy = HostKeyPolicy { authorities: vec![public(ca)], ..HostKeyPolicy::default() };
    let client = Client::new(&user);
    let lpar = Host { host_keys: policy, ..host("lpar01", server.port, []) };
    match client.connect(&direct(lpar)).await {
        Ok(_) => Ok(server.seen.logins()),
        Err(error) => Err((server, error)),
    }
}

#[tokio::test]
async fn a_host_certificate_of_a_known_authority_is_enough() {
    for (key, ca) in [(ed25519(), ed25519()), (rsa(), ecdsa(EcdsaCurve::NistP256))] {
        for name in ["lpar01", "127.0.0.1"] {
            let certificate = certificate(&key, &ca, |builder| for_host(builder, name));
            let logins = with_certificate(certificate, &ca, &key).await.map_err(|(_, e)| e);
            assert_eq!(logins.unwrap().len(), 2);
        }
    }
}

#[tokio::test]
async fn certificates_that_do_not_count_get_nothing() {
    let (key, ca, other) = (ed25519(), ed25519(), ed25519());
    let cases = [
        (certificate(&key, &other, |b| for_host(b, "lpar01")), "signed by another CA"),
        (certificate(&key, &ca, |b| for_host(b, "lpar02")), "does not name this host"),
        (
            certificate(&key, &ca, |b| {
                b.cert_type(CertType::Host).unwrap().all_principals_valid().unwrap();
            }),
            "does not name this host",
        ),
        (
            certificate(&key, &ca, |b| {
                b.cert_type(CertType::User).unwrap().valid_principal("lpar01").unwrap();
            }),
            "not a host certificate",
        ),
        (
            certificate(&key, &ca, |b| {
                for_host(b, "lpar01");
                b.critical_option("only-on-sundays", "").unwrap();
            }),
            "critical option",
        ),
        (certificate_between(&key, &ca, (1, 2), |b| for_host(b, "lpar01")), "not valid at this"),
    ];
    for (certificate, expected) in cases {
        let (server, error) = with_certificate(certificate, &ca, &key).await.unwrap_err();
        assert_nothing_was_sent(&server);
        let told = told(&error);
        assert!(told.contains("[NLU-0205]") && told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_is_not_asked_for_without_an_authority() {
    let (user, key, ca) = (ed25519(), ed25519(), ed25519());
    let certificates = vec![certificate(&key, &ca, |b| for_host(b, "lpar01"))];
    let server = Server::start(Plan { certificates, ..Plan::new(&key, &user) }).await;
    let lpar = host("lpar01", server.port, [public(&key)]);
    Client::new(&user).connect(&direct(lpar)).await.unwrap();
}
