//! Hosts that play a recorded session.

use std::net::Ipv4Addr;
use std::sync::Arc;

use nim_lab::replay::{Replay, Script, Settings, Step};
use russh::client::{AuthResult, Config, connect};
use russh::keys::{PrivateKeyWithHashAlg, load_secret_key};

use crate::harness::{AnyKey, Login, collect};

#[tokio::test(flavor = "multi_thread")]
async fn every_host_answers_with_the_masters_own_identifiers() {
    let directory = tempfile::tempdir().unwrap();
    let steps = vec![
        Step::Hear("hello".to_owned()),
        Step::Say(r#"{"frame":"hello","name":"${host}"}"#.to_owned()),
        Step::Hear("start".to_owned()),
        Step::Say(r#"{"frame":"taken","operation":"${operation}"}"#.to_owned()),
    ];
    let replay = Replay::start(&Settings {
        count: 3,
        first: Ipv4Addr::new(127, 78, 0, 254),
        port: 0,
        directory: directory.path().to_owned(),
        script: Script::new(steps),
    })
    .unwrap();
    let key = Arc::new(load_secret_key(replay.key(), None).unwrap());
    for (name, address) in replay.hosts() {
        let mut session = connect(Arc::new(Config::default()), *address, AnyKey).await.unwrap();
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&key), None);
        let answer = session.authenticate_publickey("root", key).await.unwrap();
        assert!(matches!(answer, AuthResult::Success));
        let login = Login { session };
        let channel = login.start("serve").await;
        let text = format!(
            "{{\"frame\":\"hello\"}}\n{{\"frame\":\"start\",\"operation\":\"op-{name}\"}}\n"
        );
        channel.data_bytes(text.into_bytes()).await.unwrap();
        let said = collect(channel).await;
        let expected = format!(
            "{{\"frame\":\"hello\",\"name\":\"{name}\"}}\n{{\"frame\":\"taken\",\"operation\":\"op-{name}\"}}\n"
        );
        assert_eq!((said.text, said.status), (expected, Some(0)));
        assert_eq!(login.run("echo hello").await.text, "hello\n");
    }
    assert_eq!(std::fs::read_to_string(replay.known_hosts()).unwrap().lines().count(), 3);
}
