//! `lsmap {-all|-vadapter V} [-npiv] [-dec] [-cpid N] [-fmt D]` (HV §3.3): what is mapped to which client.

use std::fmt::Write as _;

use super::{failed, said};
use crate::ssh::Output;
use crate::world::frame::{Frame, PartitionState, Vfchost, Vhost, Vios};

/// What the options ask for.
#[derive(Default)]
struct Asked<'a> {
    /// Every adapter, or the one of this name.
    adapter: Option<&'a str>,
    npiv: bool,
    decimal: bool,
    client: Option<u32>,
    delimiter: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// `None` for a line that lsmap does not take.
    fn read(options: &[&'a str]) -> Option<Self> {
        let mut asked = Self::default();
        let mut is_all = false;
        let mut words = options.iter();
        while let Some(word) = words.next() {
            match *word {
                "-all" => is_all = true,
                "-vadapter" => asked.adapter = Some(words.next()?),
                "-npiv" => asked.npiv = true,
                "-dec" => asked.decimal = true,
                "-cpid" => asked.client = Some(words.next()?.parse().ok()?),
                "-fmt" => asked.delimiter = Some(words.next().filter(|one| one.len() == 1)?),
                _ => return None,
            }
        }
        (is_all != asked.adapter.is_some()).then_some(asked)
    }

    fn wants(&self, name: &str, client: u32) -> bool {
        self.adapter.is_none_or(|wanted| wanted == name)
            && self.client.is_none_or(|wanted| wanted == client)
    }
}

/// Where a server adapter is: the frame, the VIO server's own partition id, its slot.
struct Place<'a> {
    frame: &'a Frame,
    own_id: u32,
}

impl Place<'_> {
    fn of(&self, partition: u32, slot: u32) -> String {
        let model = self.frame.type_model.replace('-', ".");
        format!("U{model}.{}-V{partition}-C{slot}", self.frame.serial)
    }
}

pub(super) fn run(frame: &Frame, name: &str, server: &Vios, options: &[&str]) -> Output {
    let Some(asked) = Asked::read(options) else {
        return failed("Command requires option \"-all -vadapter -plc\".", 1);
    };
    let own_id = frame.named(name).map_or(0, |partition| partition.id);
    let place = Place { frame, own_id };
    let mut text = String::new();
    if asked.npiv {
        for one in server.vfchosts.iter().filter(|one| asked.wants(&one.name, one.client_id)) {
            npiv(&mut text, one, &place, asked.delimiter);
        }
    } else {
        for one in server.vhosts.iter().filter(|one| asked.wants(&one.name, one.client_id)) {
            let at = place.of(own_id, one.slot);
            let client = match asked.decimal {
                true => one.client_id.to_string(),
                false => format!("0x{:08x}", one.client_id),
            };
            match asked.delimiter {
                Some(delimiter) => fields(&mut text, one, &at, &client, delimiter),
                None => block(&mut text, one, &at, &client),
            }
        }
    }
    said(text)
}

fn block(text: &mut String, vhost: &Vhost, place: &str, client: &str) {
    let lines = [
        format!("{:<15} {:<44} {:<18}", "SVSA", "Physloc", "Client Partition ID"),
        format!("{} {} {}", "-".repeat(15), "-".repeat(44), "-".repeat(18)),
        format!("{:<15} {place:<44} {client}", vhost.name),
        String::new(),
    ];
    text.push_str(&lines.join("\n"));
    if vhost.backing.is_empty() {
        text.push_str(&detail("VTD", 22, NO_TARGET));
    }
    for (index, disk) in vhost.backing.iter().enumerate() {
        let details = [
            ("VTD", format!("vtscsi{index}")),
            ("Status", "Available".to_owned()),
            ("LUN", lun(index)),
            ("Backing device", disk.clone()),
            ("Physloc", format!("{place}-L{index}")),
            ("Mirrored", "false".to_owned()),
        ];
        text.push('\n');
        details.iter().for_each(|(key, value)| text.push_str(&detail(key, 22, value)));
    }
    text.push('\n');
}

fn detail(key: &str, width: usize, value: &str) -> String {
    format!("{key:<width$}{value}\n")
}

/// One line per adapter: adapter, location, client, then six fields for each target.
fn fields(text: &mut String, vhost: &Vhost, place: &str, client: &str, delimiter: &str) {
    let mut line = vec![vhost.name.clone(), place.to_owned(), client.to_owned()];
    if vhost.backing.is_empty() {
        line.push(NO_TARGET.to_owned());
    }
    for (index, disk) in vhost.backing.iter().enumerate() {
        line.extend([
            format!("vtscsi{index}"),
            "Available".to_owned(),
            lun(index),
            disk.clone(),
            format!("{place}-L{index}"),
            "false".to_owned(),
        ]);
    }
    // Writing to a String cannot fail.
    writeln!(text, "{}", line.join(delimiter)).unwrap_or_default();
}

/// LUNs of one adapter count 0x81…, 0x82… (HV §3.3).
fn lun(index: usize) -> String {
    format!("0x{:x}00000000000000", 0x81 + index)
}

/// A virtual Fibre Channel adapter, whose client is logged in while it runs.
fn npiv(text: &mut String, one: &Vfchost, place: &Place<'_>, delimiter: Option<&str>) {
    let client = place.frame.partition(one.client_id);
    let is_up = client.is_some_and(|client| client.state == PartitionState::Running);
    let client_name = client.map(|client| client.name.clone()).unwrap_or_default();
    let at = place.of(place.own_id, one.slot);
    let port = format!("U78D2.001.WZS01K8-P1-C{}-T1", place.own_id);
    let drc = format!("{}-T1", place.of(one.client_id, one.client_slot));
    let up = |text: &str| if is_up { text.to_owned() } else { String::new() };
    let (status, flags, ports) = match is_up {
        true => ("LOGGED_IN", "a<LOGGED_IN,STRIP_MERGE>", "5"),
        false => ("NOT_LOGGED_IN", "4<NOT_LOGGED>", "0"),
    };
    if let Some(delimiter) = delimiter {
        let all = [
            one.name.clone(),
            at,
            one.client_id.to_string(),
            client_name,
            up("AIX"),
            status.to_owned(),
            "fcs0".to_owned(),
            port,
            ports.to_owned(),
            flags.to_owned(),
            up("fcs0"),
            up(&drc),
        ];
        // An empty field prints as one blank (HV §3.1).
        let all = all.map(|one| if one.is_empty() { " ".to_owned() } else { one });
        writeln!(text, "{}", all.join(delimiter)).unwrap_or_default();
        return;
    }
    let lines = [
        format!(
            "{:<13} {:<34} {:<6} {:<14} {:<7}",
            "Name", "Physloc", "ClntID", "ClntName", "ClntOS"
        ),
        [13, 34, 6, 14, 7].map(|width| "-".repeat(width)).join(" "),
        format!(
            "{:<13} {at:<34} {:>6} {client_name:<14} {:<7}",
            one.name,
            one.client_id,
            up("AIX")
        ),
        String::new(),
        format!("Status:{status}"),
        format!("{:<32}FC loc code:{port}", "FC name:fcs0"),
        format!("Ports logged in:{ports}"),
        format!("Flags:{flags}"),
        format!("{:<32}VFC client DRC:{}", format!("VFC client name:{}", up("fcs0")), up(&drc)),
        String::new(),
    ];
    writeln!(text, "{}", lines.join("\n")).unwrap_or_default();
}

/// What stands for the target of an adapter without any (HV §3.3, inferred).
const NO_TARGET: &str = "NO VIRTUAL TARGET DEVICE FOUND";
