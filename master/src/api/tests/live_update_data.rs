//! `live-update-data`, and `live_update_data=auto` in `cust`: from what LPARs show to an order that names disks by their ids.

use nim_shared::api::Cust;
use nim_shared::disks::Role;
use nim_shared::id::{ClientToken, ObjectName};
use nim_shared::preflight::probe::{Answer, Probe, ProbeId, Probed};
use nim_shared::request::Request;
use serde_json::{Value, json};

use super::client::Fixture;
use super::cust::{faults, ready, request, send};
use crate::api::DiskLook;

/// What each LPAR shows: rootvg, two empty disks of its own, a disk that all of them see, and one of a database. Ids have the last two
/// digits of the LPAR's name in them.
pub(super) fn shown(lpar: &ObjectName, wanted: &DiskLook) -> Vec<Probed> {
    let number = &lpar.as_str()[lpar.as_str().len() - 2..];
    let of = &lpar.as_str()[..1];
    let tag = format!("{:02x}", of.as_bytes()[0]);
    let mut rows = String::new();
    for (disk, group) in [(0, "rootvg active"), (1, "None"), (2, "None"), (4, "None")] {
        rows += &format!(
            "hdisk{disk} 00fa343b8f{tag}{number}{disk:02} {group} 33213600507{tag}{number}{disk}IBMfcp\n"
        );
    }
    rows += "hdisk3 00fa343b8fffff03 None 33213600507ffff3IBMfcp\n";
    let printed = |probe: Probe, stdout: String| Probed {
        probe,
        answer: Answer::Printed { status: 0, stdout, stderr: String::new(), missing: vec![] },
    };
    let mut all = vec![printed(Probe::of(ProbeId::DiskIdentities), rows)];
    if *wanted == DiskLook::Names {
        return all;
    }
    let paths = (0..5).flat_map(|disk| {
        [0, 1].map(|adapter| format!("hdisk{disk} vscsi{adapter} {adapter} 8{disk}0 Enabled\n"))
    });
    for (id, text) in [
        (ProbeId::LunNames, String::new()),
        (ProbeId::Paths, paths.collect()),
        (ProbeId::RootGroup, "VG STATE: active PP SIZE:  256 megabyte(s)\n".to_owned()),
        (
            ProbeId::RootVolumes,
            "rootvg:\nhd5 boot 1 1 1 closed/syncd N/A\nhd2 jfs2 40 40 1 open/syncd /usr\n"
                .to_owned(),
        ),
        (ProbeId::PagingSpaces, "hd6 hdisk0 rootvg 512MB 1 yes yes lv 0\n".to_owned()),
        (ProbeId::DumpDevices, "primary /dev/sysdumpnull\n".to_owned()),
    ] {
        all.push(printed(Probe::of(id), text));
    }
    for disk in 0..5 {
        let name = format!("hdisk{disk}").parse::<nim_shared::id::DiskName>().unwrap();
        let id = if disk == 3 {
            "00fa343b8fffff03".to_owned()
        } else {
            format!("00fa343b8f{tag}{number}{disk:02}")
        };
        let mut dump = String::new();
        for line in 0..256 {
            let words = match (line, disk) {
                (2, 4) => "4F52434C 4449534B 00000000 00000000".to_owned(),
                (8, _) => format!("{} {} 00000000 00000000", &id[..8], &id[8..]),
                _ => "00000000 00000000 00000000 00000000".to_owned(),
            };
            dump += &format!("{:08X}   {words}  |................|\n", line * 16);
        }
        for (id, text) in [
            (ProbeId::DiskSize, "51200\n".to_owned()),
            (ProbeId::DiskHeader, dump),
            (ProbeId::DiskHolders, String::new()),
        ] {
            all.push(printed(Probe::of_disk(id, name.clone()), text));
        }
    }
    all
}

/// Everything is ready, and no LPAR is one whose disks nobody has seen.
async fn seen() -> Fixture {
    let nimd = ready().await;
    let (status, answer) = nimd.send("DELETE", "/v1/objects/down01", "").await;
    assert_eq!(status, 204, "{answer}");
    nimd
}

async fn generate(nimd: &Fixture, targets: &[&str]) -> Value {
    let (status, answer) = nimd.post("/v1/live-update-data", &json!({ "targets": targets })).await;
    assert_eq!(status, 200, "{answer}");
    answer["lpars"].clone()
}

/// `hdisk1: shared` for what speaks against each disk.
fn against(lpar: &Value) -> Vec<String> {
    let disks = lpar["disks"].as_array().unwrap().iter();
    let rows = disks.flat_map(|disk| {
        let against = disk["against"].as_array().into_iter().flatten();
        against.map(|why| {
            format!("{}: {}", disk["name"].as_str().unwrap(), why["reason"].as_str().unwrap())
        })
    });
    rows.collect()
}

async fn give(nimd: &Fixture, object: &str, pool: &str) {
    let edit = json!({ "set": [{ "attribute": "disk_pool", "value": pool }] });
    let (status, answer) =
        nimd.send("PATCH", &format!("/v1/objects/{object}"), &edit.to_string()).await;
    assert_eq!(status, 200, "{answer}");
}

fn auto(targets: &[&str]) -> Cust {
    Cust { live_update_data: Some("auto".to_owned()), ..request(targets) }
}

#[tokio::test]
async fn without_a_pool_it_proposes_and_auto_refuses_with_the_way_on() {
    let nimd = seen().await;
    let found = generate(&nimd, &["lpar01"]).await;
    assert_eq!(found[0]["state"], "proposed", "{found:#}");
    assert_eq!(against(&found[0]), ["hdisk0: volume_group", "hdisk4: holds", "hdisk3: shared"]);
    assert!(found[0]["text"].as_str().unwrap().contains("\tnhdisk = hdisk1\n"), "{found:#}");
    let (status, failure) = send(&nimd, &auto(&["lpar01"])).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0120")), "{failure}");
    let why = &faults(&failure)[0];
    for part in [
        "lpar01: no disk_pool says which disks are free",
        "nhdisk hdisk1, mhdisk hdisk2 would be chosen",
        "nimctl change -a disk_pool=udid:332136005076c011IBMfcp,udid:332136005076c012IBMfcp lpar01",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[tokio::test]
async fn with_a_pool_the_order_names_each_disk_by_its_id() {
    let nimd = seen().await;
    give(&nimd, "frame01", "pvid:00fa343b8f6c0101,pvid:00fa343b8f6c0102,pvid:00fa343b8f6c0104")
        .await;
    let found = generate(&nimd, &["lpar01"]).await;
    assert_eq!(found[0]["state"], "ready", "{found:#}");
    assert_eq!(
        against(&found[0]),
        ["hdisk0: volume_group", "hdisk4: holds", "hdisk3: not_in_pool"]
    );
    let (status, accepted) = send(&nimd, &auto(&["lpar01"])).await;
    assert_eq!(status, 200, "{accepted}");
    let id = accepted["operations"][0]["id"].as_str().unwrap().parse().unwrap();
    let order: Request =
        serde_json::from_str(&nimd.store.operation(id).await.unwrap().request).unwrap();
    assert!(order.lvupdate_data.contains("\tnhdisk = pvid:00fa343b8f6c0101\n"), "{order:?}");
    assert!(!order.lvupdate_data.contains("hdisk1"), "{order:?}");
    assert_eq!(order.console.unwrap().address, "10.1.0.1");
    let roles: Vec<_> = order.disks.iter().map(|one| (one.role, one.name.as_str())).collect();
    assert_eq!(roles, [(Role::Nhdisk, "hdisk1"), (Role::Mhdisk, "hdisk2")]);
    assert_eq!(order.disks[0].needed.0, 41 * 256);
    // The pool of lpar02 names no disk of it: the group is refused as a whole.
    let (_, failure) =
        send(&nimd, &Cust { token: ClientToken(uuid::Uuid::from_u128(7)), ..auto(&["lpar02"]) })
            .await;
    assert!(
        faults(&failure)[0].contains("lpar02: no disks were chosen: no disk is left for nhdisk"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_lpar_whose_disks_nobody_has_seen_may_share_each_of_them() {
    let nimd = ready().await;
    give(&nimd, "lpar01", "pvid:00fa343b8f6c0101,pvid:00fa343b8f6c0102").await;
    let found = generate(&nimd, &["lpar01"]).await;
    assert_eq!(found[0]["state"], "incomplete", "{found:#}");
    let all = against(&found[0]);
    assert!(all.contains(&"hdisk1: sharing_unknown".to_owned()), "{all:?}");
    // Of the two only lpar01 has an object of its own.
    for (lpar, next) in [
        ("lpar01", "nimctl change -a ATTRIBUTE=VALUE lud_lpar01, which is there already"),
        ("lpar02", "nimctl define -t live_update_data lud_lpar02"),
    ] {
        let found = generate(&nimd, &[lpar]).await;
        assert!(found[0]["next"].as_str().unwrap().contains(next), "{found:#}");
    }
    let down = generate(&nimd, &["down01"]).await;
    assert_eq!(down[0]["failure"]["code"], "NLU-0201", "{down:#}");
}

/// The templates of the examples, and what stands in each that is filled in: those with `auto.` for the chosen disks.
#[tokio::test]
async fn each_template_of_the_examples_can_be_used() {
    let nimd = seen().await;
    give(&nimd, "lpar01", "pvid:00fa343b8f6c0101,pvid:00fa343b8f6c0102").await;
    let labels = json!({"set": [{"attribute": "label.mhdisk", "value": "hdisk4"}]}).to_string();
    let (status, answer) = nimd.send("PATCH", "/v1/objects/lpar01", &labels).await;
    assert_eq!(status, 200, "{answer}");
    let templates = [
        (
            "auto",
            include_str!("../../../../examples/lvupdate/auto.hbs"),
            "mhdisk = pvid:00fa343b8f6c0102",
            2,
        ),
        ("labels", include_str!("../../../../examples/lvupdate/labels.hbs"), "mhdisk = hdisk4", 0),
        (
            "profile",
            include_str!("../../../../examples/lvupdate/profile.hbs"),
            "clone_from_hmc_profile = yes",
            2,
        ),
    ];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lvupdate");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), templates.len());
    for (number, (name, content, line, disks)) in (0_u128..).zip(templates) {
        let name = format!("lud_{name}");
        let object =
            json!({"name": name, "type": "live_update_data", "attributes": [["content", content]]});
        let (status, answer) = nimd.post("/v1/objects", &object).await;
        assert!(status < 300, "{name}: {answer}");
        let token = ClientToken(uuid::Uuid::from_u128(100 + number));
        let cust = Cust { token, live_update_data: Some(name.clone()), ..request(&["lpar01"]) };
        let (status, accepted) = send(&nimd, &cust).await;
        assert_eq!(status, 200, "{name}: {accepted}");
        let id = accepted["operations"][0]["id"].as_str().unwrap();
        let record = nimd.store.operation(id.parse().unwrap()).await.unwrap();
        let order: Request = serde_json::from_str(&record.request).unwrap();
        assert!(order.lvupdate_data.contains(&format!("\t{line}\n")), "{name}: {order:?}");
        assert_eq!(order.disks.len(), disks, "{name}");
        let (status, _) = nimd.post(&format!("/v1/operations/{id}/cancel"), &json!({})).await;
        assert_eq!(status, 200, "{name}");
    }
}
