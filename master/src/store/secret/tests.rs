use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, name, object};
use nim_shared::id::{ObjectName, OperationId};
use std::time::Duration;

fn keys() -> (tempfile::TempDir, KeyFile) {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFile::open_or_create(&folder.path().join("secret.key")).unwrap();
    (folder, keys)
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

const CANARY: &str = "canary-7f3a-password";

#[tokio::test]
async fn a_secret_opens_with_its_key_and_is_nowhere_in_clear() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    let info = store.secret_set(&keys, &name("pw"), &text(CANARY), SOMEBODY).await.unwrap();
    assert_eq!((info.version, info.changed_by), (1, SOMEBODY));
    assert_eq!(store.secret_open(&keys, &name("pw")).await.unwrap().reveal(), CANARY);
    let row: String =
        query_scalar("SELECT row_to_json(s)::text || encode(ciphertext, 'escape') FROM secret s")
            .fetch_one(&store.pool)
            .await
            .unwrap();
    assert!(!row.contains(CANARY));
    assert!(!format!("{keys:?} {info:?}").contains(CANARY));
    let again = store.secret_set(&keys, &name("pw"), &text("other"), SOMEBODY).await.unwrap();
    assert_eq!(again.version, 2);
    assert_eq!(store.secret_open(&keys, &name("pw")).await.unwrap().reveal(), "other");
}

#[tokio::test]
async fn an_old_row_of_a_removed_secret_does_not_open_when_it_is_put_back() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    let pw = name("pw");
    store.secret_set(&keys, &pw, &text("first"), SOMEBODY).await.unwrap();
    query("CREATE TABLE old AS SELECT * FROM secret").execute(&store.pool).await.unwrap();
    store.secret_remove(&pw, Vec::new()).await.unwrap();
    let again = store.secret_set(&keys, &pw, &text("second"), SOMEBODY).await.unwrap();
    assert_eq!(again.version, 2);
    query("UPDATE secret SET nonce = old.nonce, ciphertext = old.ciphertext FROM old")
        .execute(&store.pool)
        .await
        .unwrap();
    assert!(matches!(store.secret_open(&keys, &pw).await, Err(Error::Tampered { .. })));
}

#[tokio::test]
async fn a_secret_does_not_open_under_another_name_version_or_key() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    for called in ["one", "two"] {
        store.secret_set(&keys, &name(called), &text(called), SOMEBODY).await.unwrap();
    }
    query("UPDATE secret t SET nonce = s.nonce, ciphertext = s.ciphertext FROM secret s WHERE s.name = 'one' AND t.name = 'two'")
        .execute(&store.pool)
        .await
        .unwrap();
    assert!(matches!(store.secret_open(&keys, &name("two")).await, Err(Error::Tampered { .. })));
    query("UPDATE secret SET version = 5 WHERE name = 'one'").execute(&store.pool).await.unwrap();
    assert!(matches!(store.secret_open(&keys, &name("one")).await, Err(Error::Tampered { .. })));
    let (_other_folder, other) = self::keys();
    match store.secret_open(&other, &name("one")).await {
        Err(error @ Error::WrongKey { .. }) => {
            assert!(error.hint().unwrap().contains("secret.key"))
        }
        result => panic!("{result:?}"),
    }
    assert!(matches!(
        store.secret_open(&keys, &name("none")).await,
        Err(Error::NoSuchSecret { .. })
    ));
}

#[tokio::test]
async fn a_secret_that_an_hmc_or_a_receiver_names_is_not_removed() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    store.secret_set(&keys, &name("pw"), &text("x"), SOMEBODY).await.unwrap();
    let attributes = [("if1", "find_net hmc01 0"), ("passwd_file", "pw")];
    let hmc = object(nim_shared::object::ObjectType::Hmc, "hmc01", &attributes);
    store.define(&hmc, SOMEBODY).await.unwrap();
    let refused = async |receivers: &[&str], who: &str, hint: &str| {
        let receivers = receivers.iter().map(|one| name(one)).collect();
        match store.secret_remove(&name("pw"), receivers).await {
            Err(error @ Error::SecretInUse { .. }) => {
                assert_eq!(error.to_string(), format!("the secret \"pw\" is used by {who}"));
                assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
            }
            result => panic!("{result:?}"),
        }
    };
    refused(&[], "hmc01", "nimctl change -a passwd_file=").await;
    refused(&["oncall"], "hmc01, the receiver oncall of the policy", "nimctl change").await;
    store.remove(&name("hmc01"), SOMEBODY).await.unwrap();
    refused(&["oncall"], "the receiver oncall of the policy", "nimctl policy set").await;
    store.secret_remove(&name("pw"), Vec::new()).await.unwrap();
    assert_eq!(store.secret_list().await.unwrap(), []);
}

#[tokio::test]
async fn a_refused_login_stops_the_secret_until_it_is_changed() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    let (hmc01, hmc02, pw) = (name("hmc01"), name("hmc02"), name("pw"));
    store.secret_set(&keys, &pw, &text("x"), SOMEBODY).await.unwrap();
    let minute = Duration::from_secs(60);
    let turn = login(&hmc01, &pw);
    assert_eq!(store.login_begin(turn, minute).await.unwrap(), Turn::Yours);
    assert!(
        matches!(store.login_begin(login(&hmc01, &pw), minute).await.unwrap(), Turn::Wait(_)),
        "one at a time"
    );
    let other = login(&hmc02, &pw);
    assert_eq!(store.login_begin(other, minute).await.unwrap(), Turn::Yours);
    store.login_end(other, LoginOutcome::Unknown).await.unwrap();
    store.login_end(turn, LoginOutcome::Refused).await.unwrap();
    for hmc in [&hmc01, &hmc02] {
        let answer = store.login_begin(login(hmc, &pw), minute).await.unwrap();
        assert!(matches!(answer, Turn::Refused { ref by, .. } if by == "hmc01"), "{answer:?}");
    }
    store.secret_set(&keys, &pw, &text("y"), SOMEBODY).await.unwrap();
    let turn = login(&hmc01, &pw);
    assert_eq!(store.login_begin(turn, minute).await.unwrap(), Turn::Yours);
    // Changed while a login with the old one was under way: the refusal is about the old one.
    store.secret_set(&keys, &pw, &text("z"), SOMEBODY).await.unwrap();
    store.login_end(turn, LoginOutcome::Refused).await.unwrap();
    assert_eq!(store.login_begin(login(&hmc01, &pw), minute).await.unwrap(), Turn::Yours);
}

#[tokio::test]
async fn a_turn_whose_holder_vanished_lapses() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    store.secret_set(&keys, &name("pw"), &text("x"), SOMEBODY).await.unwrap();
    let (hmc, pw) = (name("hmc01"), name("pw"));
    let begin = async |whose, lasts| store.login_begin(whose, lasts).await.unwrap();
    let gone = login(&hmc, &pw);
    assert_eq!(begin(gone, Duration::ZERO).await, Turn::Yours);
    assert_eq!(begin(login(&hmc, &pw), Duration::from_secs(60)).await, Turn::Yours);
    store.login_end(gone, LoginOutcome::Accepted).await.unwrap();
    assert!(
        matches!(begin(login(&hmc, &pw), Duration::ZERO).await, Turn::Wait(_)),
        "the late one ends its own turn only"
    );
    // Whoever hears of a refusal so late does not know the version: none is tried any more.
    store.login_end(gone, LoginOutcome::Refused).await.unwrap();
    assert!(matches!(begin(gone, Duration::ZERO).await, Turn::Refused { .. }));
}

#[tokio::test]
async fn an_operation_whose_secret_was_lost_gets_its_turn_again_and_nobody_else_does() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    let (hmc, pw) = (name("hmc01"), name("pw"));
    store.secret_set(&keys, &pw, &text("x"), SOMEBODY).await.unwrap();
    let minute = Duration::from_secs(60);
    let mine = login(&hmc, &pw);
    assert_eq!(store.login_begin(mine, minute).await.unwrap(), Turn::Yours);
    assert_eq!(store.login_begin(mine, minute).await.unwrap(), Turn::Yours);
    let other = login(&hmc, &pw);
    assert!(matches!(store.login_begin(other, minute).await.unwrap(), Turn::Wait(_)));
    store.login_end(mine, LoginOutcome::Accepted).await.unwrap();
    assert_eq!(store.login_begin(other, minute).await.unwrap(), Turn::Yours);
}

/// A login of an operation of its own.
fn login<'a>(hmc: &'a ObjectName, secret: &'a ObjectName) -> Login<'a> {
    Login { operation: OperationId(uuid::Uuid::now_v7()), hmc, secret }
}

#[test]
fn a_key_file_is_made_for_its_owner_alone_and_refused_when_others_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    KeyFile::open_or_create(&path).unwrap();
    let found = std::fs::metadata(&path).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o600);
    let before = std::fs::read(&path).unwrap();
    KeyFile::open_or_create(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before, "it is made once");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(KeyFile::open_or_create(&path), Err(KeyError::Open { mode: 0o640, .. })));
}

#[test]
fn a_damaged_key_file_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    KeyFile::open_or_create(&path).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let mut damaged = good.trim_end().to_owned();
    let other = if &damaged[30..31] == "A" { "B" } else { "A" };
    damaged.replace_range(30..31, other);
    std::fs::write(&path, format!("# a comment\n{good}{damaged}\n")).unwrap();
    assert!(matches!(KeyFile::open_or_create(&path), Err(KeyError::Line { line: 3, .. })));
    std::fs::write(&path, "\n").unwrap();
    assert!(matches!(KeyFile::open_or_create(&path), Err(KeyError::Empty { .. })));
}

#[tokio::test]
async fn an_exchanged_key_seals_everything_anew_and_the_one_before_goes_on_opening() {
    let store = testing::store().await;
    let (folder, keys) = keys();
    let path = folder.path().join("secret.key");
    for secret in ["a", "b"] {
        store.secret_set(&keys, &name(secret), &text(secret), SOMEBODY).await.unwrap();
    }
    let sealed_with = async || -> Vec<String> {
        query_scalar("SELECT DISTINCT key_id FROM secret").fetch_all(&store.pool).await.unwrap()
    };
    let before = sealed_with().await;
    // Another place of the same master that holds the keys already.
    let clone = keys.clone();
    assert_eq!(store.secret_rotate(&keys).await.unwrap(), 2);
    assert_ne!(sealed_with().await, before);
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    let read_again = KeyFile::open_or_create(&path).unwrap();
    for keys in [&keys, &clone, &read_again] {
        assert_eq!(store.secret_open(keys, &name("b")).await.unwrap().reveal(), "b");
    }
    let info = store.secret_info(&name("a")).await.unwrap();
    assert_eq!(info.version, 1, "the value is the same");
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!(lines(), 2);
    store.secret_rotate(&keys).await.unwrap();
    assert_eq!(lines(), 2, "the oldest is gone");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_secret_that_does_not_open_keeps_the_key_from_being_exchanged() {
    let store = testing::store().await;
    let (folder, keys) = keys();
    let path = folder.path().join("secret.key");
    store.secret_set(&keys, &name("a"), &text("a"), SOMEBODY).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    query("UPDATE secret SET nonce = '\\x000000000000000000000000'")
        .execute(&store.pool)
        .await
        .unwrap();
    assert!(matches!(store.secret_rotate(&keys).await, Err(Error::Tampered { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn whose_password_it_is_stays_until_it_is_said_anew() {
    let store = testing::store().await;
    let (_folder, keys) = keys();
    let value = text("x");
    let set = async |login| {
        let new = NewSecret { value: &value, login };
        store.secret_set(&keys, &name("pw"), new, SOMEBODY).await.unwrap().login
    };
    assert_eq!(set(Some("liveupdate")).await.as_deref(), Some("liveupdate"));
    assert_eq!(set(None).await.as_deref(), Some("liveupdate"));
    assert_eq!(set(Some("hscroot")).await.as_deref(), Some("hscroot"));
}
