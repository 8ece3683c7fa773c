//! Hosts that fall silent.

use super::server::{Plan, Server};
use super::*;

fn alert() -> Settings {
    Settings { keepalive: Duration::from_millis(50), keepalive_limit: 4, ..Settings::default() }
}

async fn connected() -> (Server, Connection) {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let client = Client::with(&user, alert());
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    let connection = client.connect(&lpar).await.unwrap();
    (server, connection)
}

#[tokio::test]
async fn a_silent_host_is_lost() {
    let (server, connection) = connected().await;
    let mut exec = connection.exec(&words(["hang"])).await.unwrap();
    assert_eq!(exec.output.line().await.unwrap(), Some(&b"whole"[..]));
    server.freeze();
    let error = exec.output.line().await.unwrap_err();
    assert!(told(&error).contains("nothing was heard for"), "{}", told(&error));
}

#[tokio::test]
async fn a_host_that_answers_probes_is_not_lost() {
    let (_server, connection) = connected().await;
    // Ten limits long nothing happens on it but probes and their answers.
    let limit = alert().silence_limit();
    let lost = tokio::time::timeout(limit * 10, connection.closed()).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(connection.run(&words(["echo", "ok"]), ask()).await.unwrap().stdout, b"ok\n");
}

#[tokio::test]
async fn a_blackout_is_borne_and_the_session_goes_on_after_it() {
    let (server, connection) = connected().await;
    let Exec { mut input, mut output } = connection.exec(&words(["cat"])).await.unwrap();
    input.write(b"before\n".to_vec()).await.unwrap();
    assert_eq!(output.line().await.unwrap(), Some(&b"before"[..]));
    let until = tokio::time::Instant::now() + Duration::from_secs(3600);
    connection.set_patience(Patience::Blackout { until });
    server.freeze();
    let limit = alert().silence_limit();
    wait_until("silence", || connection.silent_for(), |silent| *silent > limit * 5).await;
    assert!(!connection.is_closed());
    server.thaw();
    connection.set_patience(Patience::Normal);
    input.write(b"after\n".to_vec()).await.unwrap();
    assert_eq!(output.line().await.unwrap(), Some(&b"after"[..]));
}

#[tokio::test]
async fn a_blackout_that_lasts_too_long_ends_in_a_loss() {
    let (server, connection) = connected().await;
    let until = tokio::time::Instant::now() + alert().silence_limit() * 3;
    connection.set_patience(Patience::Blackout { until });
    server.freeze();
    let error = connection.closed().await;
    assert!(tokio::time::Instant::now() >= until, "{error}");
}

#[tokio::test]
async fn being_busy_ourselves_is_not_the_hosts_silence() {
    let (_server, connection) = connected().await;
    let all = 64 << 20;
    let mut exec = connection.exec(&words(["lines", &all.to_string()])).await.unwrap();
    // Not reading for ten limits: every buffer on the way is full, and no probe gets through.
    let limit = alert().silence_limit();
    let lost = tokio::time::timeout(limit * 10, connection.closed()).await;
    assert!(lost.is_err(), "{lost:?}");
    let mut read = 0;
    while let Some(line) = exec.output.line().await.unwrap() {
        read += line.len() + 1;
    }
    assert_eq!(read, all);
}
