//! Hosts that close connections before the login, and hosts that are not there.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use super::server::{Plan, Server};
use super::*;

fn quick() -> Settings {
    Settings {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(50),
        connects_per_second: NonZeroU32::new(10_000).unwrap(),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_connection_closed_before_the_login_is_tried_again() {
    let (user, shown) = (ed25519(), ed25519());
    let plan = Plan { closed_early: 3, ..Plan::new(&shown, &user) };
    let server = Server::start(plan).await;
    let client = Client::with(&user, quick());
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    client.connect(&lpar).await.unwrap();
    assert_eq!(server.seen.connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_host_that_always_closes_early_is_given_up_at_the_deadline() {
    let (user, shown) = (ed25519(), ed25519());
    let plan = Plan { closed_early: usize::MAX, ..Plan::new(&shown, &user) };
    let server = Server::start(plan).await;
    let settings = Settings { connect_deadline: Duration::from_millis(500), ..quick() };
    let client = Client::with(&user, settings);
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    let error = client.connect(&lpar).await.unwrap_err();
    let Error::ClosedEarly { tries, .. } = &error else { panic!("{error}") };
    assert!(*tries > 1);
    assert_eq!(error.code().to_string(), "NLU-0206");
}

#[tokio::test]
async fn a_hundred_hosts_behind_one_strict_address_are_all_reached() {
    let (user, shown) = (ed25519(), ed25519());
    let plan = Plan { max_startups: 5, ..Plan::new(&shown, &user) };
    let server = Server::start(plan).await;
    // More at a time than it bears: the limit must be found.
    let client = Client::with(&user, Settings { logins_per_hop: 64, ..quick() });
    let connects = (0..100).map(|number| {
        let lpar = direct(host(&format!("lpar{number:03}"), server.port, [public(&shown)]));
        let client = &client;
        async move { client.connect(&lpar).await.map_err(|error| told(&error)) }
    });
    let connections: Result<Vec<_>, String> =
        futures::future::join_all(connects).await.into_iter().collect();
    assert_eq!(connections.unwrap().len(), 100);
    assert!(server.seen.closed_early.load(Ordering::SeqCst) > 0, "it was too easy");
}

#[tokio::test]
async fn the_default_limit_stays_below_what_sshd_allows() {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let client = Client::new(&user);
    let connects = (0..40).map(|number| {
        let lpar = direct(host(&format!("lpar{number:03}"), server.port, [public(&shown)]));
        let client = &client;
        async move { client.connect(&lpar).await.unwrap() }
    });
    futures::future::join_all(connects).await;
    let most = server.seen.most_starting.load(Ordering::SeqCst);
    assert!((2..=9).contains(&most), "{most} at a time");
}

#[tokio::test]
async fn addresses_are_tried_in_order() {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let client = Client::new(&user);
    // Nothing listens at the first one.
    let mut lpar = host("lpar01", server.port, [public(&shown)]);
    lpar.addresses.insert(0, "127.0.0.77".parse().unwrap());
    client.connect(&direct(lpar)).await.unwrap();
}

#[tokio::test]
async fn an_unreachable_host_is_reported_with_a_way_on() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let client = Client::new(&ed25519());
    let lpar = direct(host("lpar01", port, [public(&ed25519())]));
    let error = client.connect(&lpar).await.unwrap_err();
    assert_eq!(
        told(&error),
        format!(
            "cannot reach lpar01 at 127.0.0.1:{port}  [NLU-0201]\n  cause: Connection refused (os \
             error 111)\n  hint: on lpar01, see whether sshd runs: `lssrc -s sshd`"
        )
    );
}

#[tokio::test]
async fn a_host_that_takes_connections_and_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let settings = Settings { login_timeout: Duration::from_millis(100), ..quick() };
    let client = Client::with(&ed25519(), settings);
    let lpar = direct(host("lpar01", port, [public(&ed25519())]));
    let error = client.connect(&lpar).await.unwrap_err();
    assert!(matches!(error, Error::Deadline { stage: Stage::LoggingIn, .. }), "{error}");
}

#[tokio::test]
async fn a_host_that_speaks_something_else_is_no_ssh_host() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port();
    let serve = async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = other.accept().await.unwrap();
        // Longer than an identification may be.
        stream.write_all(&[b'x'; 100_000]).await.ok();
        std::future::pending::<()>().await;
    };
    let client = Client::with(&ed25519(), quick());
    let lpar = direct(host("lpar01", port, [public(&ed25519())]));
    let error = tokio::select! {
        error = client.connect(&lpar) => error.unwrap_err(),
        () = serve => unreachable!(),
    };
    assert!(matches!(error, Error::Handshake { .. }), "{error}");
}
