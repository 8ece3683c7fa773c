//! `hmcauth` on a terminal: `script` gives it one.

use russh::{Channel, ChannelMsg};

use crate::harness::{Harness, collect};

/// Reads until `wanted` was printed.
async fn until(channel: &mut Channel<russh::client::Msg>, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => text.push_str(&String::from_utf8_lossy(&data)),
            Some(_) => {}
            None => panic!("it ended after {text:?}"),
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn hmcauth_asks_without_echo_and_is_silent_when_it_succeeds() {
    let site = Harness::fast(1).await;
    let login = site.log_in("lpar01", "root", "admin_ed25519").await;
    let mut channel = login.start("script -qec 'hmcauth -u liveupdate' /dev/null").await;
    let mut seen = until(&mut channel, "Enter HMC URI:").await;
    channel.data_bytes(&b"hmc01\n"[..]).await.unwrap();
    seen += &until(&mut channel, "Enter HMC password:").await;
    channel.data_bytes(&b"live4update\n"[..]).await.unwrap();
    let said = collect(channel).await;
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!format!("{seen}{}", said.text).contains("live4update"), "{seen}{said:?}");
    assert_eq!(said.text.trim(), "");
    let listed = login.run("hmcauth -l").await.text;
    assert!(
        listed.starts_with(
            "Address  : hmc01\nUser name: liveupdate\nport     : 12443\nTTL      : 23:59:5"
        ),
        "{listed}"
    );
    assert_eq!(login.run("hmcauth -r -a hmc01; hmcauth -l").await.text, "\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_with_the_consoles_words_and_never_recorded() {
    let site = Harness::fast(1).await;
    let said = site.run("lpar01", "hmcauth -a hmc01 -u liveupdate -p sesame").await;
    assert_ne!(said.status, Some(0));
    assert!(
        said.errors.starts_with("Authentication failure. -- Failed to retrieve saved token."),
        "{said:?}"
    );
    let record = std::fs::read_to_string(site.lab.directory().join("record.jsonl")).unwrap();
    assert!(record.contains("hmcauth") && !record.contains("sesame"));
}
