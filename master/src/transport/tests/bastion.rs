//! Ways through bastions.

use std::sync::atomic::Ordering;

use super::server::{Plan, Server};
use super::*;

struct Site {
    user: PrivateKey,
    bastions: Vec<(Server, PrivateKey)>,
    target: Server,
    target_key: PrivateKey,
}

impl Site {
    async fn new(bastions: usize, change: impl Fn(Plan) -> Plan) -> Self {
        let (user, target_key) = (ed25519(), ed25519());
        let target = Server::start(Plan::new(&target_key, &user)).await;
        let mut started = Vec::new();
        for _ in 0..bastions {
            let key = ed25519();
            started.push((Server::start(change(Plan::new(&key, &user))).await, key));
        }
        Self { user, bastions: started, target, target_key }
    }

    fn endpoint(&self, name: &str) -> Endpoint {
        let via = self.bastions.iter().enumerate();
        Endpoint {
            host: host(name, self.target.port, [public(&self.target_key)]),
            via: via
                .map(|(at, (server, key))| {
                    host(&format!("bastion{at}"), server.port, [public(key)])
                })
                .collect(),
        }
    }
}

#[tokio::test]
async fn a_chain_of_two_bastions_leads_to_the_target() {
    let site = Site::new(2, |plan| plan).await;
    let client = Client::new(&site.user);
    let connection = client.connect(&site.endpoint("lpar01")).await.unwrap();
    let answer = connection.run(&words(["echo", "far"]), ask()).await.unwrap();
    assert_eq!(answer.stdout, b"far\n");
    // Each hop was logged in to and passed through; the command ran at the end only.
    for (server, _) in &site.bastions {
        assert_eq!(server.seen.logins().len(), 2);
        assert_eq!(server.seen.forwards.load(Ordering::SeqCst), 1);
        assert_eq!(server.seen.commands(), Vec::<String>::new());
    }
    assert_eq!(site.target.seen.commands(), ["echo far"]);
}

#[tokio::test]
async fn the_targets_key_is_checked_behind_a_bastion() {
    let site = Site::new(2, |plan| plan).await;
    let client = Client::new(&site.user);
    let mut endpoint = site.endpoint("lpar01");
    endpoint.host.host_keys = HostKeyPolicy::pinned([public(&ed25519())]);
    let error = client.connect(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::HostKeyChanged { .. }), "{error}");
    assert_eq!(site.target.seen.logins(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bastion_with_another_key_gets_nothing() {
    let site = Site::new(2, |plan| plan).await;
    let client = Client::new(&site.user);
    let mut endpoint = site.endpoint("lpar01");
    endpoint.via[1].host_keys = HostKeyPolicy::pinned([public(&ed25519())]);
    let error = client.connect(&endpoint).await.unwrap_err();
    let told = told(&error);
    assert!(
        told.starts_with(
            "cannot reach lpar01: the way leads through bastion1  [NLU-0223]\n  cause: bastion1 \
             offers another host key than the one on record: "
        ),
        "{told}"
    );
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(site.bastions[1].0.seen.logins(), Vec::<String>::new());
    assert_eq!(site.target.seen.connections.load(Ordering::SeqCst), 0);
}

async fn connect_many(site: &Site, client: &Client, count: usize) -> Vec<Connection> {
    let connects = (0..count).map(|number| {
        let endpoint = site.endpoint(&format!("lpar{number:03}"));
        let client = &client;
        async move { client.connect(&endpoint).await.map_err(|e| told(&e)).unwrap() }
    });
    futures::future::join_all(connects).await
}

#[tokio::test]
async fn targets_share_connections_to_a_bastion() {
    let site = Site::new(1, |plan| plan).await;
    let client = Client::new(&site.user);
    let connections = connect_many(&site, &client, 25).await;
    let bastion = &site.bastions[0].0.seen;
    assert_eq!(bastion.forwards.load(Ordering::SeqCst), 25);
    assert_eq!(bastion.connections.load(Ordering::SeqCst), 3, "ten on each");
    for connection in &connections {
        let answer = connection.run(&words(["echo", "ok"]), ask()).await.unwrap();
        assert_eq!(answer.stdout, b"ok\n");
    }
    drop(connections);
    client.transport.drained().await;
}

#[tokio::test]
async fn a_bastion_that_allows_fewer_channels_gets_more_connections() {
    let site = Site::new(1, |plan| Plan { forwards: 3, ..plan }).await;
    let client = Client::new(&site.user);
    let connections = connect_many(&site, &client, 12).await;
    assert_eq!(connections.len(), 12);
    let bastion = &site.bastions[0].0.seen;
    assert!(bastion.connections.load(Ordering::SeqCst) >= 4);
}

#[tokio::test]
async fn a_target_that_is_down_is_told_apart_from_a_bastion_that_is_down() {
    let site = Site::new(1, |plan| plan).await;
    let client = Client::new(&site.user);
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut endpoint = site.endpoint("lpar01");
    endpoint.host.port = port;
    let error = client.connect(&endpoint).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("bastion0 does not connect to lpar01 at 127.0.0.1:{port}")
    );
    let mut endpoint = site.endpoint("lpar01");
    endpoint.via[0].port = port;
    let error = client.connect(&endpoint).await.unwrap_err();
    assert!(told(&error).contains("cause: cannot reach bastion0 at"), "{}", told(&error));
}

#[tokio::test]
async fn a_lost_bastion_is_replaced() {
    let site = Site::new(1, |plan| plan).await;
    let client = Client::new(&site.user);
    let connection = client.connect(&site.endpoint("lpar01")).await.unwrap();
    site.bastions[0].0.cut();
    assert!(matches!(connection.closed().await, Error::Lost { .. }));
    client.connect(&site.endpoint("lpar01")).await.unwrap();
}

#[tokio::test]
async fn a_target_behind_bastions_is_scanned_through_them() {
    let site = Site::new(2, |plan| plan).await;
    let client = Client::new(&site.user);
    let mut endpoint = site.endpoint("lpar01");
    endpoint.host.host_keys = HostKeyPolicy::default();
    let found = client.scan(&endpoint).await.unwrap();
    assert_eq!(found, [public(&site.target_key)]);
    assert_eq!(site.target.seen.logins(), Vec::<String>::new());
}
