//! What the site tells its user: `fleet.yaml` for `nimctl apply`, `known_hosts` with the key of every host, and `policy.yaml` for
//! `nimctl policy set`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use nim_shared::yaml;
use serde_json::{Value, json};

use crate::aix;
use crate::site;
use crate::ssh::keys;
use crate::up::Listening;
use crate::world::World;

/// Writes the files.
pub(crate) fn write(
    directory: &Path,
    site: &site::File,
    world: &World,
    hosts: &[Listening],
) -> anyhow::Result<()> {
    let (mut known, mut ports) = (String::new(), BTreeMap::new());
    for host in hosts {
        let address = host.listener.local_addr().context("a port without an address")?;
        known.push_str(&keys::known_host(
            &address.ip().to_string(),
            address.port(),
            host.key.public_key(),
        )?);
        known.push('\n');
        ports.insert(host.name.as_str(), address.port());
    }
    put(&directory.join("known_hosts"), &known)?;
    put(&directory.join("policy.yaml"), POLICY)?;
    put(&directory.join("fleet.yaml"), &fleet(directory, site, world, &ports)?)
}

/// Without a word on backups no TL or SP is installed; a site that is made anew needs none.
const POLICY: &str = "backup: {waived: a lab is made anew}\n";

/// Types to lists of objects, as a fleet file has them.
type Objects = BTreeMap<&'static str, Vec<Value>>;

fn fleet(
    directory: &Path,
    site: &site::File,
    world: &World,
    ports: &BTreeMap<&str, u16>,
) -> anyhow::Result<String> {
    let key = directory.join("keys/id_ed25519").display().to_string();
    let mut objects = Objects::new();
    let mut add = |kind: &'static str, object: Value| objects.entry(kind).or_default().push(object);
    add("ent", json!({"name": NETWORK, "net_addr": "127.0.0.0", "snm": "255.0.0.0"}));
    add("master", json!({"name": MASTER, "if1": interface(aix::media::SERVER)}));
    for hmc in &site.hmcs {
        let with =
            |role: &str| hmc.users.iter().find(|user| user.role == role).map(|user| &user.name);
        let login = with(LIVE_UPDATE_ROLE);
        let viewer = with("hmcviewer").or(login);
        add(
            "hmc",
            json!({
                "name": hmc.name, "if1": interface(&hmc.address), "login": login, "ssh_user": viewer,
                "passwd_file": format!("{}_password", hmc.name), "ssh_port": ports.get(hmc.name.as_str()), "ssh_key": key,
                "lpar_address": hmc.lpar_address,
                "mgmt_port": Some(world.hmcs[&hmc.name].rest_port()).filter(|port| *port != USUAL_PORT),
            }),
        );
    }
    for frame in &site.frames {
        let (kind, model) = frame.type_model.split_once('-').unwrap_or((&frame.type_model, ""));
        add(
            "cec",
            json!({
                "name": frame.name, "hw_type": kind, "hw_model": model, "hw_serial": frame.serial,
                "mgmt_source": frame.hmcs,
            }),
        );
        for vios in &frame.vios {
            add(
                "vios",
                json!({
                    "name": vios.name, "if1": interface(&vios.address), "mgmt_source": frame.name,
                    "identity": vios.id, "ssh_port": ports.get(vios.name.as_str()), "ssh_key": key,
                }),
            );
        }
    }
    for lpar in &site.lpars {
        let mut object = json!({
            "name": lpar.name, "if1": interface(&lpar.address), "mgmt_source": lpar.frame,
            "identity": lpar.id, "ssh_port": ports.get(lpar.name.as_str()), "ssh_key": key,
        });
        if !lpar.labels.is_empty() {
            object["labels"] = json!(lpar.labels);
        }
        add("standalone", object);
        if let Some(content) = live_update_data(site, world, lpar) {
            add(
                "live_update_data",
                json!({"name": format!("lud_{}", lpar.name), "content": content}),
            );
        }
    }
    for source in &site.lpp_sources {
        let location = aix::media::folder(directory, &source.name);
        add(
            "lpp_source",
            json!({"name": source.name, "server": MASTER, "location": location, "access": "nfs"}),
        );
    }
    let members: Vec<&str> = site.lpars.iter().map(|lpar| lpar.name.as_str()).collect();
    add("mac_group", json!({"name": "all_lpars", "member": members}));
    let text = yaml::to_string(&objects).context("the fleet cannot be written as YAML")?;
    Ok(format!(
        "# Everything of this site, for `nimctl apply -f`. Written by `nim-lab up`.\n{text}"
    ))
}

/// `lvupdate.data` with the first two free disks; `None` where there are none.
fn live_update_data(site: &site::File, world: &World, lpar: &site::LparEntry) -> Option<String> {
    let hmc = hmc_of(site, &lpar.frame)?;
    let user = hmc.users.iter().find(|user| user.role == LIVE_UPDATE_ROLE)?;
    let mut free = world.lpars.get(&lpar.name)?.disks.iter().filter(|disk| disk.vg.is_none());
    let (nhdisk, mhdisk) = (&free.next()?.name, &free.next()?.name);
    Some(format!(
        "general:\n\tkext_check = yes\n\ndisks:\n\tnhdisk = {nhdisk}\n\tmhdisk = {mhdisk}\n\ttohdisk =\n\ttshdisk =\n\n\
         hmc:\n\tlpar_id =\n\tmanagement_console = {}\n\tuser = {}\n",
        world.hmcs[&hmc.name].lpar_address, user.name
    ))
}

/// Name of the network all hosts are on.
const NETWORK: &str = "lab_net";
/// What an `hmc` without `mgmt_port` means.
const USUAL_PORT: u16 = 12443;
/// Role of the HMC user for Live Update (HV §1.2).
const LIVE_UPDATE_ROLE: &str = "hmcclientliveupdate";

fn hmc_of<'a>(site: &'a site::File, frame: &str) -> Option<&'a site::HmcEntry> {
    let frame = site.frames.iter().find(|entry| entry.name == frame)?;
    site.hmcs.iter().find(|hmc| frame.hmcs.first() == Some(&hmc.name))
}

/// `<network> <host name> <mac>`, here with the address as name: the lab needs no name service.
fn interface(address: &str) -> String {
    format!("{NETWORK} {address} 0")
}

fn put(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// What NIM calls the object of the master itself.
const MASTER: &str = "master";
