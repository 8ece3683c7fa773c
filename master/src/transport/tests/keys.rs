//! Kinds of keys on both sides, and key files on disk.

use super::server::{Plan, Server};
use super::*;

#[tokio::test]
async fn every_kind_of_key_works_on_both_sides() {
    let kinds = || {
        [
            ed25519(),
            ecdsa(EcdsaCurve::NistP256),
            ecdsa(EcdsaCurve::NistP384),
            ecdsa(EcdsaCurve::NistP521),
            rsa(),
        ]
    };
    for (user, shown) in kinds().into_iter().zip(kinds().into_iter().rev()) {
        let server = Server::start(Plan::new(&shown, &user)).await;
        let lpar = direct(host("lpar01", server.port, [public(&shown)]));
        let connection = Client::new(&user).connect(&lpar).await.unwrap();
        let answer = connection.run(&words(["echo", "hello"]), ask()).await.unwrap();
        assert_eq!((answer.exit, answer.stdout), (Exit::Status(0), b"hello\n".to_vec()));
        // One key, offered once and signed once, for RSA by SHA-2 (the server insists).
        assert_eq!(server.seen.logins().len(), 2, "{:?}", server.seen.logins());
    }
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_refused_in_one_try() {
    let (user, other, shown) = (ed25519(), ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &other)).await;
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    let client = Client::new(&user);
    let error = client.connect(&lpar).await.unwrap_err();
    assert_eq!(
        told(&error),
        format!(
            "lpar01 does not let nim in with key {} ({})  [NLU-0209]\n  hint: on lpar01, see \
             ~nim/.ssh/authorized_keys (owner, mode, `from=`); `nimctl agent bundle lpar01` \
             prints the line that belongs there",
            client.key.display(),
            public(&user).fingerprint()
        )
    );
    assert_eq!(server.seen.logins(), ["nim offers ssh-ed25519"]);
}

async fn load(text: &str, mode: u32) -> Result<(), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = write_key(folder.path(), text, mode);
    user_key::KeyRing::default().get(&path).await.map(drop)
}

#[tokio::test]
async fn key_files_are_read_in_openssh_and_pem_form() {
    for key in [ed25519(), ecdsa(EcdsaCurve::NistP256), rsa()] {
        load(&key.to_openssh(LineEnding::LF).unwrap(), 0o600).await.unwrap();
        let mut pem = Vec::new();
        russh::keys::encode_pkcs8_pem(&key, &mut pem).unwrap();
        load(&String::from_utf8(pem).unwrap(), 0o400).await.unwrap();
    }
}

#[tokio::test]
async fn key_files_that_others_may_use_are_refused() {
    let text = ed25519().to_openssh(LineEnding::LF).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o610, 0o601] {
        let error = load(&text, mode).await.unwrap_err();
        let told = told(&error);
        let expected = format!("its mode is {mode:03o}: others than its owner may use it");
        assert!(told.contains(&expected) && told.contains("`chmod 600"), "{told}");
        assert_eq!(error.code().to_string(), "NLU-0216");
    }
}

#[tokio::test]
async fn key_files_that_are_no_use_say_why() {
    let encrypted = ed25519().encrypt(&mut rand::rng(), "secret").unwrap();
    let encrypted = encrypted.to_openssh(LineEnding::LF).unwrap().to_string();
    for (text, expected) in [
        ("", "not a private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "not a private key"),
        (&encrypted, "encrypted with a passphrase"),
        (&"x".repeat(70_000), "larger than"),
    ] {
        let error = load(text, 0o600).await.unwrap_err();
        assert!(told(&error).contains(expected), "{}", told(&error));
    }
    let nowhere = Path::new("/nowhere/key");
    let error = user_key::KeyRing::default().get(nowhere).await.map(drop).unwrap_err();
    assert!(told(&error).starts_with("cannot use the private key /nowhere/key  [NLU-0216]"));
}

#[tokio::test]
async fn rsa_keys_that_are_too_short_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short");
    keygen(&["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", path.to_str().unwrap()]);
    let error = user_key::KeyRing::default().get(&path).await.map(drop).unwrap_err();
    assert!(told(&error).contains("2048 to 4096 bits"), "{}", told(&error));
}

#[tokio::test]
async fn a_replaced_key_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (ed25519(), ed25519());
    let path = write_key(folder.path(), &first.to_openssh(LineEnding::LF).unwrap(), 0o600);
    let ring = user_key::KeyRing::default();
    assert_eq!(ring.get(&path).await.unwrap().fingerprint(), public(&first).fingerprint());
    assert_eq!(ring.get(&path).await.unwrap().fingerprint(), public(&first).fingerprint());
    std::fs::remove_file(&path).unwrap();
    write_key(folder.path(), &second.to_openssh(LineEnding::LF).unwrap(), 0o600);
    assert_eq!(ring.get(&path).await.unwrap().fingerprint(), public(&second).fingerprint());
}
