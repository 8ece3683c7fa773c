use proptest::prelude::*;

use super::*;

const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHwf2HMM5TRXvo2SQJjsNkiDD5KqiiNjrGVv3UUh+mMT5RHxiRtOnlqvjhQtBq0VpmpCV/PwUdhOig4vkbqAcEc=";

fn key(text: &str) -> HostKey {
    text.parse().unwrap()
}

fn parsed(text: &str) -> KnownHosts {
    let (known, faults) = KnownHosts::parse(text.as_bytes());
    assert_eq!(faults, []);
    known
}

#[test]
fn names_ports_patterns_and_comments() {
    let known = parsed(&format!(
        "# a comment\n\nlpar01,192.0.2.1 {ED25519} root@nim\n  [lpar02]:2022\t{ED25519}\n\
         *.prod,!bad.prod {ECDSA}\nlpar?? {ECDSA}\n"
    ));
    assert_eq!(known.len(), 4);
    let both = HostKeyPolicy::pinned([key(ED25519), key(ECDSA)]);
    let ecdsa = HostKeyPolicy::pinned([key(ECDSA)]);
    let none = HostKeyPolicy::default();
    for (name, port, expected) in [
        ("lpar01", 22, &both),
        ("LPAR01", 22, &both),
        ("192.0.2.1", 22, &HostKeyPolicy::pinned([key(ED25519)])),
        ("lpar01", 2022, &none),
        ("lpar02", 2022, &HostKeyPolicy::pinned([key(ED25519)])),
        ("lpar02", 22, &ecdsa),
        ("db.prod", 22, &ecdsa),
        ("bad.prod", 22, &none),
        ("prod", 22, &none),
        ("lpar001", 22, &none),
    ] {
        assert_eq!(known.policy_for([name], port), *expected, "{name}:{port}");
    }
}

#[test]
fn markers_make_authorities_and_revocations() {
    let known = parsed(&format!("@cert-authority *.prod {ED25519} ca\n@revoked * {ECDSA}\n"));
    let policy = known.policy_for(["db.prod"], 22);
    assert_eq!(policy.authorities, [key(ED25519)]);
    assert_eq!(policy.revoked, [key(ECDSA)]);
    assert_eq!(policy.pinned, []);
}

#[test]
fn all_faults_are_told_with_their_lines() {
    let text = format!(
        "lpar01\n@trusted lpar01 {ED25519}\nlpar01 ssh-dss AAAAB3NzaC1kc3MAAAA=\n\
         lpar01 ssh-ed25519 AAAA\nlpar01 ssh-rsa {}\n|1|short|x {ED25519}\n|2|a|b {ED25519}\n\
         good {ED25519}\n",
        &ED25519[12..]
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\xff\xfe lpar\n");
    let (known, faults) = KnownHosts::parse(&bytes);
    assert_eq!(known.len(), 1);
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1: expected host names, a key type and a key",
            "line 2: unknown marker \"@trusted\"",
            "line 3: keys of type ssh-dss are not supported",
            "line 4: not a public key in OpenSSH's form",
            "line 5: not a public key in OpenSSH's form",
            "line 6: malformed hashed host name",
            "line 7: malformed hashed host name",
            "line 9: not a text",
        ]
    );
}

#[test]
fn a_pattern_of_many_stars_takes_no_time() {
    let pattern = "*a".repeat(2000);
    let name = "a".repeat(1999) + "b";
    assert!(!glob(&pattern, &name));
}

proptest! {
    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        KnownHosts::parse(&bytes);
    }

    #[test]
    fn no_line_panics(line in "(@[a-z-]{0,14} )?[|*?!,a-z1\\[\\]:]{0,9} [a-z0-9-]{0,20} [A-Za-z0-9+/=]{0,60}") {
        KnownHosts::parse(line.as_bytes());
    }

    #[test]
    fn a_name_matches_itself(name in "[a-z0-9.-]{1,20}") {
        prop_assert!(glob(&name, &name));
        prop_assert!(glob("*", &name));
        let (prefix, suffix) = (format!("{name}*"), format!("*{name}"));
        prop_assert!(glob(&prefix, &name) && glob(&suffix, &name));
    }
}
