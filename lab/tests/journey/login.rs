//! Who gets in, and to what.

use crate::harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn the_restricted_key_reaches_the_agents_gate_and_nothing_else() {
    let site = Harness::fast(1000).await;
    let login = site.log_in("lpar01", "root", "id_ed25519").await;
    let said = login.run("serve").await;
    assert_eq!((said.text.as_str(), said.status), ("gate: serve\n", Some(0)));
    let said = login.run("rm -rf /").await;
    assert_eq!(said.text, "gate: rm -rf /\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hmc_takes_keys_and_passwords_and_locks_after_three_wrong_ones() {
    let site = Harness::fast(1).await;
    let login = site.log_in("hmc01", "viewer", "id_ed25519").await;
    let said = login.run("lssyscfg -r sys -F name,state").await;
    assert_eq!(said.text, "frame1,Operating\nframe2,Operating\n");
    assert!(site.try_password("hmc01", "liveupdate", "live4update").await);
    for _ in 0..3 {
        assert!(!site.try_password("hmc01", "liveupdate", "guess").await);
    }
    assert!(!site.try_password("hmc01", "liveupdate", "live4update").await, "it is locked");
    assert!(
        site.try_password("hmc02", "liveupdate", "live4update").await,
        "each HMC counts for itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vio_server_answers_to_padmin() {
    let site = Harness::fast(1).await;
    let login = site.log_in("vios1a", "padmin", "id_ed25519").await;
    assert_eq!(login.run("ioscli ioslevel").await.text, "3.1.4.21\n");
    let said = login.run("lsmap -all -fmt :").await;
    assert!(
        said.text.starts_with("vhost0:U9009.42A.7812345-V1-C100:0x0000000b:vtscsi0:Available:"),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_and_fleet_name_every_host() {
    let site = Harness::fast(1).await;
    let read = |name: &str| std::fs::read_to_string(site.lab.directory().join(name)).unwrap();
    let (known, fleet) = (read("known_hosts"), read("fleet.yaml"));
    assert_eq!(known.lines().count(), 2 + 4 + 12);
    let port = site.lab.address("lpar12").unwrap().port();
    assert!(known.contains(&format!("[127.77.3.12]:{port} ssh-ed25519 ")), "{known}");
    let file = nim_shared::api::File { name: "fleet.yaml".to_owned(), text: fleet };
    let read = nim_shared::yaml::Fleet::read(&[file]);
    let objects = read.check(|_| None).unwrap_or_else(|faults| panic!("{faults:?}"));
    // A network, the master, 2 HMCs, 2 frames, 4 VIO servers, 12 LPARs with their data, 3 sources, a group.
    assert_eq!(objects.len(), 1 + 1 + 2 + 2 + 4 + 12 + 12 + 3 + 1);
}
