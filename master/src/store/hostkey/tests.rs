use super::*;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, name, site};

fn key(holder: KeyHolder, algorithm: &str, key: &str) -> NewHostKey {
    NewHostKey {
        holder,
        algorithm: algorithm.to_owned(),
        key: key.to_owned(),
        source: KeySource::Confirmed,
    }
}

fn lpar() -> KeyHolder {
    KeyHolder::Object(name("lpar01"))
}

#[tokio::test]
async fn another_key_takes_the_place_of_one_on_record_only_when_that_is_asked_for() {
    let store = testing::store().await;
    let hop = KeyHolder::Hop { host: "fe80::1".to_owned(), port: 22 };
    let keys = [key(lpar(), "ssh-ed25519", "AAA"), key(hop.clone(), "ssh-rsa", "BBB")];
    let recorded = store.host_keys_add(&keys, Replace::No, SOMEBODY).await.unwrap();
    assert_eq!(recorded, Recorded { added: 2, replaced: 0, known: 0 });
    let others = [key(hop.clone(), "ssh-ed25519", "CCC"), key(lpar(), "ssh-ed25519", "DDD")];
    match store.host_keys_add(&others, Replace::No, SOMEBODY).await {
        Err(Error::OtherHostKey { holder, algorithm }) => {
            assert_eq!((holder.as_str(), algorithm.as_str()), ("lpar01", "ssh-ed25519"));
        }
        result => panic!("{result:?}"),
    }
    assert_eq!(store.host_keys(Some(&hop)).await.unwrap().len(), 1, "all or nothing");
    let recorded = store.host_keys_add(&others, Replace::Yes, SOMEBODY).await.unwrap();
    assert_eq!(recorded, Recorded { added: 1, replaced: 1, known: 0 });
    let found = store.host_keys(Some(&lpar())).await.unwrap();
    assert_eq!((found.len(), found[0].key.as_str(), found[0].confirmed_by), (1, "DDD", SOMEBODY));
    assert_eq!(store.host_keys(None).await.unwrap().len(), 3);
    assert_eq!(store.host_keys_remove(&hop).await.unwrap(), 2);
}

#[tokio::test]
async fn the_keys_of_an_object_go_with_it() {
    let store = testing::store().await;
    site(&store, 1).await;
    store.host_keys_add(&[key(lpar(), "ssh-rsa", "AAA")], Replace::No, SOMEBODY).await.unwrap();
    store.remove(&name("lpar01"), SOMEBODY).await.unwrap();
    assert_eq!(store.host_keys(None).await.unwrap(), []);
}
