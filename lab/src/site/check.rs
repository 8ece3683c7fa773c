//! What can be wrong with a site file beyond its syntax.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nim_shared::id::ObjectName;

use super::{File, LparEntry, Wrong, build, variation};
use crate::fault::{ConsoleFault, FaultyHost};

/// All faults, in the order of the file.
pub(super) fn faults(file: &File) -> Vec<Wrong> {
    let mut found = Found::default();
    for (index, hmc) in file.hmcs.iter().enumerate() {
        let place = format!("hmcs[{index}]");
        found.name(&place, &hmc.name);
        found.address(&place, &hmc.address);
        found.console_faults(&place, &hmc.faults, FaultyHost::Hmc);
        if level(&hmc.level).is_none() {
            found.add(
                format!("{place}.level"),
                format!("{:?} is not like \"V10R3 M1060\"", hmc.level),
            );
        }
    }
    for (index, frame) in file.frames.iter().enumerate() {
        let place = format!("frames[{index}]");
        found.name(&place, &frame.name);
        for (number, hmc) in frame.hmcs.iter().enumerate() {
            if !file.hmcs.iter().any(|known| known.name == *hmc) {
                found.add(format!("{place}.hmcs[{number}]"), format!("no HMC is called {hmc:?}"));
            }
        }
        for (number, vios) in frame.vios.iter().enumerate() {
            let place = format!("{place}.vios[{number}]");
            found.name(&place, &vios.name);
            found.address(&place, &vios.address);
            found.console_faults(&place, &vios.faults, FaultyHost::Vios);
        }
        frame_room(&mut found, file, index);
    }
    for (index, lpar) in file.lpars.iter().enumerate() {
        lpar_entry(&mut found, file, lpar, &format!("lpars[{index}]"));
    }
    for (index, source) in file.lpp_sources.iter().enumerate() {
        let place = format!("lpp_sources[{index}]");
        found.name(&place, &source.name);
        if let Some(text) = source.level.as_ref().filter(|text| !is_oslevel(text)) {
            found
                .add(format!("{place}.level"), format!("{text:?} is not like \"7200-05-03-2148\""));
        }
    }
    found.faults
}

fn lpar_entry(found: &mut Found, file: &File, lpar: &LparEntry, place: &str) {
    found.name(place, &lpar.name);
    found.address(place, &lpar.address);
    let Some(frame) = file.frames.iter().find(|frame| frame.name == lpar.frame) else {
        found.add(format!("{place}.frame"), format!("no frame is called {:?}", lpar.frame));
        return;
    };
    if lpar.id == 0 || lpar.id > frame.max_lpars {
        found.add(
            format!("{place}.id"),
            format!("{} is not between 1 and {}", lpar.id, frame.max_lpars),
        );
    }
    let others = file.lpars.iter().filter(|other| other.frame == lpar.frame && other.id == lpar.id);
    if others.count() > 1 || frame.vios.iter().any(|vios| vios.id == lpar.id) {
        found.add(
            format!("{place}.id"),
            format!("{} is used twice on frame {:?}", lpar.id, frame.name),
        );
    }
    if !is_oslevel(&lpar.level) {
        found.add(
            format!("{place}.level"),
            format!("{:?} is not like \"7200-05-03-2148\"", lpar.level),
        );
    }
    if lpar.processors.hundredths == 0 {
        found.add(format!("{place}.processors"), "is nothing".to_owned());
    }
    if lpar.least_processors() > lpar.processors {
        found.add(format!("{place}.min_processors"), "is more than it has".to_owned());
    }
    if lpar.pool != 0 && !frame.pools.iter().any(|pool| pool.id == lpar.pool) {
        found.add(
            format!("{place}.pool"),
            format!("frame {:?} has no pool {}", frame.name, lpar.pool),
        );
    }
    if !(1..=1000).contains(&lpar.size_tenths) {
        found.add(
            format!("{place}.size_tenths"),
            format!("{} is not between 1 and 1000", lpar.size_tenths),
        );
    }
    if !lpar.disks.is_empty() && !lpar.disks.iter().any(|disk| disk.vg.as_deref() == Some("rootvg"))
    {
        found.add(format!("{place}.disks"), "no disk has vg: rootvg".to_owned());
    }
    if let Err(text) = variation(lpar, file.seed) {
        found.add(format!("{place}.vary"), text);
    }
    for (number, fault) in lpar.faults.iter().enumerate() {
        if let Err(text) = fault.read() {
            found.add(format!("{place}.faults[{number}]"), text);
        }
    }
}

/// What the partitions hold must fit in the frame.
fn frame_room(found: &mut Found, file: &File, index: usize) {
    let entry = &file.frames[index];
    let frame = build::frame(file, entry);
    let held: u64 = frame.partitions.iter().map(|one| frame.held_mb(one)).sum();
    if held + frame.firmware_mb > frame.configurable_mb {
        let text = format!("its LPARs and the hypervisor need {} MB", held + frame.firmware_mb);
        found.add(format!("frames[{index}].memory_mb"), text);
    }
}

/// `V10R3 M1060` as three numbers.
pub(super) fn level(text: &str) -> Option<(u32, u32, u32)> {
    let (base, pack) = text.split_once(" M")?;
    let (version, release) = base.strip_prefix('V')?.split_once('R')?;
    Some((version.parse().ok()?, release.parse().ok()?, pack.parse().ok()?))
}

fn is_oslevel(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2, 4] && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

#[derive(Default)]
struct Found {
    faults: Vec<Wrong>,
    names: BTreeMap<String, String>,
    addresses: BTreeMap<String, String>,
}

impl Found {
    fn add(&mut self, place: String, text: String) {
        self.faults.push(Wrong { place, text });
    }

    fn console_faults(&mut self, place: &str, faults: &[ConsoleFault], host: FaultyHost) {
        for (number, fault) in faults.iter().enumerate().filter(|(_, one)| one.host() != host) {
            let text = format!("{fault} is a fault of {}", fault.host());
            self.add(format!("{place}.faults[{number}]"), text);
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        if name.parse::<ObjectName>().is_err() {
            self.add(
                format!("{place}.name"),
                format!("{name:?} cannot be the name of a NIM object"),
            );
        }
        if let Some(before) = self.names.insert(name.to_owned(), place.to_owned()) {
            self.add(format!("{place}.name"), format!("{name:?} is also the name of {before}"));
        }
    }

    fn address(&mut self, place: &str, address: &str) {
        let place = format!("{place}.address");
        match address.parse::<IpAddr>() {
            Ok(parsed) if parsed.is_loopback() => {
                if let Some(before) = self.addresses.insert(address.to_owned(), place.clone()) {
                    self.add(place, format!("{address} is also that of {before}"));
                }
            }
            Ok(_) | Err(_) => {
                self.add(place, format!("{address:?} is no loopback address (127.x.y.z)"))
            }
        }
    }
}
