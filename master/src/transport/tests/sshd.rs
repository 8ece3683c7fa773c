//! OpenSSH itself: `sshd` of the system, started on a loopback port with a configuration of its
//! own, never the system's service. A machine without it fails these tests (`.ci/run` installs
//! `openssh-server`).

use std::process::{Child, Stdio};

use super::*;

struct Sshd {
    process: Child,
    port: u16,
    user: UserName,
    host_keys: Vec<HostKey>,
    folder: tempfile::TempDir,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Sshd {
    /// Starts sshd with host keys of these types, letting `user_key` in as the user of the test.
    async fn start(types: &[&str], user_key: &PrivateKey, options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut config = format!(
            "ListenAddress 127.0.0.1\nUsePAM no\nStrictModes no\nPidFile none\n\
             PermitRootLogin prohibit-password\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nAuthorizedKeysFile {}\n{options}\n",
            path("authorized_keys").display()
        );
        let mut host_keys = Vec::new();
        for kind in types {
            let file = path(&format!("host_{kind}"));
            keygen(&["-q", "-t", kind, "-N", "", "-f", file.to_str().unwrap()]);
            config.push_str(&format!("HostKey {}\n", file.display()));
            let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
            host_keys.push(public.parse().unwrap());
        }
        let authorized = user_key.public_key().to_openssh().unwrap();
        std::fs::write(path("authorized_keys"), authorized).unwrap();
        // As root, sshd wants this folder, which the system's service makes at its start.
        if is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        config.push_str(&format!("Port {port}\n"));
        std::fs::write(path("config"), config).unwrap();
        let log = std::fs::File::create(path("log")).unwrap();
        let process = std::process::Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(path("config"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("/usr/sbin/sshd: install openssh-server");
        let mut sshd = Self { process, port, user: own_name(), host_keys, folder };
        sshd.wait_until_it_listens().await;
        sshd
    }

    async fn wait_until_it_listens(&mut self) {
        let port = self.port;
        let process = &mut self.process;
        let log = self.folder.path().join("log");
        wait_until(
            "sshd",
            || {
                if let Some(status) = process.try_wait().unwrap() {
                    panic!("sshd: {status}: {}", std::fs::read_to_string(&log).unwrap());
                }
                std::net::TcpStream::connect(("127.0.0.1", port)).map(drop)
            },
            Result::is_ok,
        )
        .await
        .unwrap();
    }

    fn host(&self, name: &str) -> Host {
        let pinned = self.host_keys.iter().cloned();
        Host { user: self.user.clone(), ..host(name, self.port, pinned) }
    }
}

fn is_root() -> bool {
    own_name().as_str() == "root"
}

fn own_name() -> UserName {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn every_kind_of_key_works_with_openssh() {
    for (host_type, user) in
        [("ed25519", rsa()), ("rsa", ecdsa(EcdsaCurve::NistP256)), ("ecdsa", ed25519())]
    {
        let sshd = Sshd::start(&[host_type], &user, "").await;
        let client = Client::new(&user);
        let connection = client.connect(&direct(sshd.host("lpar01"))).await.unwrap();
        let ask = Ask { stdin: b"to\nfro\n".to_vec(), ..ask() };
        let answer = connection.run(&words(["cat"]), ask).await.unwrap();
        assert_eq!((answer.exit, answer.stdout), (Exit::Status(0), b"to\nfro\n".to_vec()));
        let killed = connection.run(&words(["sh", "-c", "kill -KILL $$"]), super::ask()).await;
        assert!(
            [Exit::Signal("KILL".to_owned()), Exit::Status(137)].contains(&killed.unwrap().exit)
        );
    }
}

#[tokio::test]
async fn words_arrive_as_they_were_sent() {
    let user = ed25519();
    let sshd = Sshd::start(&["ed25519"], &user, "").await;
    let connection = Client::new(&user).connect(&direct(sshd.host("lpar01"))).await.unwrap();
    let command = words(["printf", "%s|", "8286-42A*214F58V", "it's", "$HOME `id`", ""]);
    let answer = connection.run(&command, ask()).await.unwrap();
    assert_eq!(String::from_utf8(answer.stdout).unwrap(), "8286-42A*214F58V|it's|$HOME `id`||");
}

#[tokio::test]
async fn fingerprints_and_scans_agree_with_openssh() {
    let user = ed25519();
    let sshd = Sshd::start(&["rsa", "ecdsa", "ed25519"], &user, "").await;
    let found = Client::new(&user).scan(&direct(sshd.host("lpar01"))).await.unwrap();
    assert_eq!(found.len(), 3);
    for key in &sshd.host_keys {
        assert!(found.contains(key), "{key:?}");
        let file = sshd.folder.path().join("one.pub");
        std::fs::write(&file, key.to_string()).unwrap();
        let printed = keygen(&["-l", "-f", file.to_str().unwrap()]);
        assert_eq!(printed.split(' ').nth(1).unwrap(), key.fingerprint().to_string());
    }
}

#[tokio::test]
async fn known_hosts_written_by_openssh_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    let (first, second) = (public(&ed25519()), public(&ecdsa(EcdsaCurve::NistP256)));
    std::fs::write(&file, format!("lpar01 {first}\n[lpar01]:2022 {second}\n")).unwrap();
    keygen(&["-H", "-f", file.to_str().unwrap()]);
    let text = std::fs::read(&file).unwrap();
    assert!(text.starts_with(b"|1|"), "it was hashed");
    let (known, faults) = known_hosts::KnownHosts::parse(&text);
    assert_eq!(faults, []);
    assert_eq!(known.policy_for(["LPAR01"], 22), HostKeyPolicy::pinned([first]));
    assert_eq!(known.policy_for(["lpar01"], 2022), HostKeyPolicy::pinned([second]));
    assert_eq!(known.policy_for(["lpar02"], 22), HostKeyPolicy::default());
}

#[tokio::test]
async fn host_certificates_of_openssh_are_understood() {
    let user = ed25519();
    let folder = tempfile::tempdir().unwrap();
    let (ca, key) = (folder.path().join("ca"), folder.path().join("host"));
    let (ca, key) = (ca.to_str().unwrap(), key.to_str().unwrap());
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", ca]);
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", key]);
    keygen(&["-q", "-s", ca, "-h", "-I", "test", "-n", "lpar01", &format!("{key}.pub")]);
    let options = format!("HostKey {key}\nHostCertificate {key}-cert.pub");
    let sshd = Sshd::start(&[], &user, &options).await;
    let authority: HostKey = std::fs::read_to_string(format!("{ca}.pub")).unwrap().parse().unwrap();
    let policy = HostKeyPolicy { authorities: vec![authority], ..HostKeyPolicy::default() };
    let client = Client::new(&user);
    let named = Host { host_keys: policy.clone(), ..sshd.host("lpar01") };
    client.connect(&direct(named)).await.unwrap();
    let other = Host { host_keys: policy, ..sshd.host("lpar02") };
    let error = client.connect(&direct(other)).await.unwrap_err();
    assert!(told(&error).contains("it does not name this host, but [\"lpar01\"]"), "{error}");
}

/// What MaxStartups 10:30:100 of a freshly installed sshd means for us: with our own limit nothing
/// is dropped, and with one that is far too high everything is reached all the same.
#[tokio::test]
async fn a_hundred_lpars_behind_one_default_sshd_are_all_reached() {
    let user = ed25519();
    let sshd = Sshd::start(&["ed25519"], &user, "MaxStartups 10:30:100").await;
    for logins_per_hop in [Settings::default().logins_per_hop, 100] {
        let client = Client::with(&user, Settings { logins_per_hop, ..Settings::default() });
        let connects = (0..100).map(|number| {
            let lpar = direct(sshd.host(&format!("lpar{number:03}")));
            let client = &client;
            async move { client.connect(&lpar).await.map_err(|error| told(&error)) }
        });
        let connections: Result<Vec<_>, String> =
            futures::future::join_all(connects).await.into_iter().collect();
        assert_eq!(connections.unwrap().len(), 100);
    }
}

#[tokio::test]
async fn openssh_serves_as_bastion() {
    let user = ed25519();
    let sshd = Sshd::start(&["ed25519"], &user, "MaxSessions 1").await;
    let client = Client::new(&user);
    let endpoint = |name| Endpoint {
        host: sshd.host(name),
        via: vec![sshd.host("bastion1"), sshd.host("bastion2")],
    };
    let first = client.connect(&endpoint("lpar01")).await.unwrap();
    let second = client.connect(&endpoint("lpar02")).await.unwrap();
    for connection in [first, second] {
        let answer = connection.run(&words(["echo", "far"]), ask()).await.unwrap();
        assert_eq!(answer.stdout, b"far\n");
    }
}

#[tokio::test]
async fn more_sessions_than_openssh_allows_are_refused_by_name() {
    let user = ed25519();
    let sshd = Sshd::start(&["ed25519"], &user, "MaxSessions 1").await;
    let connection = Client::new(&user).connect(&direct(sshd.host("lpar01"))).await.unwrap();
    let _first = connection.exec(&words(["cat"])).await.unwrap();
    let error = connection.exec(&words(["cat"])).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::ChannelRefused { .. }), "{error}");
    assert!(error.hint().contains("MaxSessions"));
}
