//! Password logins, as HMCs have them.

use russh::MethodKind;

use super::server::{Plan, Server};
use super::*;

fn plan(methods: &[MethodKind]) -> Plan {
    let (host_key, nobody) = (ed25519(), ed25519());
    Plan { password: Some("abc123"), methods: methods.to_vec(), ..Plan::new(&host_key, &nobody) }
}

fn secret(version: i64) -> SecretId {
    SecretId { name: "live".parse().unwrap(), version }
}

fn hmc(server: &Server, plan: &Plan, password: &str) -> Endpoint {
    let login = Login::Password { secret: secret(1), value: Secret::new(password.to_owned()) };
    direct(Host { login, ..host("hmc1", server.port, [public(&plan.host_keys[0])]) })
}

const BOTH: [MethodKind; 2] = [MethodKind::Password, MethodKind::KeyboardInteractive];

#[tokio::test]
async fn a_password_is_sent_once_by_the_way_the_host_has() {
    for (methods, sent) in [
        (&BOTH[..1], "nim password abc123"),
        (&BOTH[1..], "nim answer abc123"),
        (&BOTH[..], "nim answer abc123"),
    ] {
        let plan = plan(methods);
        let server = Server::start(plan.clone()).await;
        let client = Client::new(&ed25519());
        let endpoint = hmc(&server, &plan, "abc123");
        client.connect(&endpoint).await.unwrap();
        assert_eq!(server.seen.logins(), ["nim none", sent]);
        assert_eq!(client.ledger.recorded(&secret(1)), LoginRecord::default());
    }
}

#[tokio::test]
async fn a_host_that_asks_nothing_gets_the_password_by_the_other_way_it_has() {
    let plan = Plan { prompts: Vec::new(), ..plan(&BOTH) };
    let server = Server::start(plan.clone()).await;
    let client = Client::new(&ed25519());
    client.connect(&hmc(&server, &plan, "abc123")).await.unwrap();
    assert_eq!(server.seen.logins(), ["nim none", "nim password abc123"]);
}

#[tokio::test]
async fn the_first_refusal_stops_all_logins_with_that_secret() {
    for methods in [&BOTH[..1], &BOTH[..]] {
        let plan = plan(methods);
        let server = Server::start(plan.clone()).await;
        let client = Client::new(&ed25519());
        let endpoint = hmc(&server, &plan, "wrong");
        // Twenty jobs at once; the HMC must see one wrong password, not three.
        let tries = (0..20).map(|_| client.connect(&endpoint));
        let errors: Vec<Error> =
            futures::future::join_all(tries).await.into_iter().map(Result::unwrap_err).collect();
        let refused = errors.iter().filter(|e| matches!(e, Error::PasswordRefused { .. })).count();
        let stopped = errors.iter().filter(|e| matches!(e, Error::LoginStopped { .. })).count();
        assert_eq!((refused, stopped), (1, 19), "{errors:?}");
        let sent: Vec<String> =
            server.seen.logins().into_iter().filter(|login| login != "nim none").collect();
        assert_eq!(sent.len(), 1, "{sent:?}");

        let error = client.connect(&endpoint).await.unwrap_err();
        assert_eq!(
            told(&error),
            "no login to hmc1: secret live (version 1) is stopped  [NLU-0214]\n  cause: a login \
             with it was refused, and three refused logins lock the account\n  hint: set the \
             right password: `nimctl secret set live`"
        );
        // Nobody even connects for that.
        let before = server.seen.connections.load(std::sync::atomic::Ordering::SeqCst);
        drop(client.connect(&endpoint).await.unwrap_err());
        assert_eq!(server.seen.connections.load(std::sync::atomic::Ordering::SeqCst), before);

        let login = Login::Password { secret: secret(2), value: Secret::new("abc123".to_owned()) };
        let changed = direct(Host { login, ..endpoint.host.clone() });
        client.connect(&changed).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_question_is_not_answered() {
    let plan = Plan { prompts: vec!["Password: ", "New password: "], ..plan(&BOTH[1..]) };
    let server = Server::start(plan.clone()).await;
    let client = Client::new(&ed25519());
    let error = client.connect(&hmc(&server, &plan, "abc123")).await.unwrap_err();
    assert_eq!(error.to_string(), "hmc1 asks nim for more than a password: \"New password:\"");
    assert_eq!(server.seen.logins(), ["nim none", "nim answer abc123"]);
    assert_eq!(client.ledger.recorded(&secret(1)).stopped, Some(Stopped::Refused));
}

#[tokio::test]
async fn passwords_that_are_not_answered_stop_before_the_third() {
    let plan = Plan { dies_on_password: true, ..plan(&BOTH[..1]) };
    let server = Server::start(plan.clone()).await;
    let client = Client::new(&ed25519());
    let endpoint = hmc(&server, &plan, "abc123");
    for _ in 0..2 {
        let error = client.connect(&endpoint).await.unwrap_err();
        assert!(matches!(error, Error::PasswordUnanswered { .. }), "{error}");
    }
    let error = client.connect(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::LoginStopped { .. }), "{error}");
    let sent = server.seen.logins().iter().filter(|login| login.contains("abc123")).count();
    assert_eq!(sent, 2);
}

#[tokio::test]
async fn a_host_without_password_login_is_not_sent_one() {
    let plan = plan(&[MethodKind::PublicKey]);
    let server = Server::start(plan.clone()).await;
    let client = Client::new(&ed25519());
    let error = client.connect(&hmc(&server, &plan, "abc123")).await.unwrap_err();
    assert!(told(&error).contains("it offers no login by password"), "{}", told(&error));
    assert_eq!(server.seen.logins(), ["nim none"]);
    assert_eq!(client.ledger.recorded(&secret(1)), LoginRecord::default());
}

#[tokio::test]
async fn a_wrong_host_key_gets_no_password() {
    let plan = plan(&BOTH);
    let server = Server::start(plan.clone()).await;
    let client = Client::new(&ed25519());
    let mut endpoint = hmc(&server, &plan, "abc123");
    endpoint.host.host_keys = HostKeyPolicy::pinned([public(&ed25519())]);
    let error = client.connect(&endpoint).await.unwrap_err();
    assert!(matches!(error, Error::HostKeyChanged { .. }), "{error}");
    assert_eq!(server.seen.logins(), Vec::<String>::new());
    assert_eq!(client.ledger.recorded(&secret(1)), LoginRecord::default());
}
