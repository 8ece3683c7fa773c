use insta::assert_snapshot;
use nim_shared::api::{LabCopy, LabLpar};
use nim_shared::yaml;
use serde_json::{Value, json};

use super::*;

/// A copy of a frame with an LPAR, changed by `more`.
fn copy(more: &Value) -> LabCopy {
    let mut copy = json!({
        "name": "spring", "fingerprint": "c".repeat(64), "rollout": "name: spring\n", "targets": ["lpar01"],
        "limits": {"global": 10, "per_frame": 2, "per_hmc": 4},
        "hmcs": [{"name": "hmc01", "limit": 3}],
        "frames": [{
            "name": "p10a", "type_model": "9105-42A", "serial": "0123456", "hmcs": ["hmc01"], "limit": null,
            "memory": 65536, "free_memory": 32768, "region": 256, "free_processors": "7.5", "max_partitions": 100,
            "vioses": [{"name": "v1", "id": 1, "level": "4.1.0.10"}, {"name": "v2", "id": 2, "level": "4.1.0.10"}],
        }],
        "lpars": [{
            "name": "lpar01", "frame": "p10a", "id": 11, "level": "7300-03-00-2446", "memory": 8192, "processors": "0.5",
            "npiv": true, "labels": {"env": "prod", "rehearsal-wave": "0"}, "groups": ["sap"],
        }],
        "media": {"name": "sp1", "level": "7300-03-01-2520"}, "left_out": [], "differs": [],
    });
    for (key, value) in more.as_object().unwrap() {
        copy[key] = value.clone();
    }
    serde_json::from_value(copy).unwrap()
}

#[test]
fn what_is_known_is_written_and_what_is_free_comes_out_the_same() {
    let (site, differs) = site(&copy(&json!({})));
    assert_snapshot!(yaml::to_string(&site).unwrap(), @r#"
    seed: 1
    port: 0
    hmcs:
    - name: hmc01
      address: "127.80.0.1"
      users:
      - name: liveupdate
        role: hmcclientliveupdate
        password: rehearsal
      - name: viewer
        role: hmcviewer
        password: rehearsal
    frames:
    - name: p10a
      type_model: 9105-42A
      serial: "0123456"
      hmcs:
      - hmc01
      memory_mb: 65536
      firmware_mb: 24576
      region_mb: 256
      processors: "8.0"
      max_lpars: 100
      vios:
      - name: v1
        address: "127.80.0.2"
        id: 1
        level: "4.1.0.10"
      - name: v2
        address: "127.80.0.3"
        id: 2
        level: "4.1.0.10"
    lpars:
    - name: lpar01
      frame: p10a
      address: "127.80.0.4"
      id: 11
      level: 7300-03-00-2446
      memory_mb: 8192
      processors: "0.5"
      npiv: true
    lpp_sources:
    - name: sp1
      level: 7300-03-01-2520
      filesets:
        bos.liveupdate.rte: "7.3.3.1"
        bos.mp64: "7.3.3.1"
        bos.rte: "7.3.3.1"
        bos.rte.libc: "7.3.3.1"
    "#);
    // Nothing is said but what nimd keeps of no site.
    assert_eq!(differs, UNKNOWN);
}

#[test]
fn pools_have_room_for_what_is_free_and_what_their_lpars_have() {
    let mut copy = copy(&json!({}));
    let units = |text: &str| text.parse::<ProcessorUnits>().unwrap();
    copy.frames[0].pools = [(2, units("0.3")), (3, units("1.0"))].into();
    let lpar = |name: &str, more: fn(&mut LabLpar)| {
        let mut one = copy.lpars[0].clone();
        one.name = name.parse().unwrap();
        more(&mut one);
        one
    };
    copy.lpars = vec![
        lpar("lpar01", |one| (one.pool, one.min_processors) = (Some(2), "0.2".parse().ok())),
        lpar("lpar02", |one| (one.pool, one.min_processors) = (Some(2), "0.9".parse().ok())),
        lpar("lpar03", |one| one.pool = Some(7)),
    ];
    let site = site(&copy).0;
    let pools: Vec<_> = site.frames[0].pools.iter().map(|one| (one.id, one.processors)).collect();
    assert_eq!(pools, [(2, units("1.3")), (3, units("1.0"))]);
    let of: Vec<_> = site.lpars.iter().map(|one| (one.pool, one.min_processors)).collect();
    // What is not so on its frame is left to the lab's own.
    assert_eq!(of, [(Some(2), "0.2".parse().ok()), (Some(2), None), (None, None)]);
}

#[test]
fn a_frame_of_which_no_vios_is_known_gets_a_pair_and_that_is_said() {
    let mut copy = copy(&json!({"media": null}));
    copy.frames[0].vioses.truncate(1);
    copy.frames[0].vioses[0].level = None;
    let (site, differs) = site(&copy);
    let vios: Vec<_> = site.frames[0].vios.iter().map(|one| (one.name.as_str(), one.id)).collect();
    assert_eq!(vios, [("v1", 1), ("rehearsal-vios1", 2)]);
    assert!(differs[0].contains("rehearsal-vios1 on p10a"), "{differs:?}");
    assert!(differs[1].contains("1 of the VIOSes"), "{differs:?}");
    assert!(site.lpp_sources.is_empty());
}

#[test]
fn more_held_and_free_than_there_is_makes_the_frame_larger() {
    for (free, memory, firmware) in [
        (32_768, 65_536, 24_576),
        // Read at another time than what its LPARs have.
        (65_536, 73_728, 0),
    ] {
        let mut copy = copy(&json!({}));
        copy.frames[0].free_memory.0 = free;
        let frame = &site(&copy).0.frames[0];
        assert_eq!((frame.memory_mb, frame.firmware_mb), (memory, firmware));
        assert_eq!(frame.memory_mb - frame.firmware_mb - 8192, free);
        assert_eq!(frame.processors.hundredths, 800);
    }
}

#[test]
fn each_host_has_an_address_of_its_own() {
    let mut hosts = Hosts::default();
    let all: Vec<String> = (0..70_000).map(|_| hosts.next()).collect();
    assert_eq!([&all[0], &all[253], &all[254]], ["127.80.0.1", "127.80.0.254", "127.80.1.1"]);
    assert_eq!(all[254 * 256], "127.81.0.1");
    let different: BTreeSet<&String> = all.iter().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn media_have_the_filesets_of_their_level() {
    for (level, fileset) in [("7300-03-01-2520", "7.3.3.1"), ("7200-05-10-2446", "7.2.5.10")] {
        let media = LabMedia { name: "sp".parse().unwrap(), level: level.to_owned() };
        let source = source(&media).unwrap();
        assert_eq!(source.filesets["bos.rte"], fileset);
    }
}

#[test]
fn an_lpar_without_virtual_fibre_channel_says_nothing_of_it() {
    let mut copy = copy(&json!({}));
    copy.lpars.push(LabLpar {
        name: "lpar02".parse().unwrap(),
        npiv: false,
        ..copy.lpars[0].clone()
    });
    let text = yaml::to_string(&site(&copy).0).unwrap();
    assert_eq!(text.matches("npiv").count(), 1, "{text}");
}
