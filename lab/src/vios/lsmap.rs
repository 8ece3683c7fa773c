//! `lsmap -all [-fmt D]` of virtual SCSI (HV §3.3). Client ids are hexadecimal with eight digits.

use std::fmt::Write as _;

use super::failed;
use crate::ssh::Output;
use crate::world::frame::{Frame, Vhost, Vios};

pub(super) fn run(frame: &Frame, name: &str, server: &Vios, options: &[&str]) -> Output {
    let wanted = match options {
        ["-all", ..] => None,
        ["-vadapter", adapter, ..] => Some(*adapter),
        _ => return failed("Command requires option \"-all -vadapter -plc\".", 1),
    };
    let delimiter =
        options.iter().position(|word| *word == "-fmt").and_then(|at| options.get(at + 1));
    let own_id = frame.named(name).map_or(0, |partition| partition.id);
    let mut text = String::new();
    for vhost in server.vhosts.iter().filter(|vhost| wanted.is_none_or(|name| name == vhost.name)) {
        let place = format!(
            "U{}.{}-V{own_id}-C{}",
            frame.type_model.replace('-', "."),
            frame.serial,
            vhost.slot
        );
        match delimiter {
            Some(delimiter) => fields(&mut text, vhost, &place, delimiter),
            None => block(&mut text, vhost, &place),
        }
    }
    Output { stdout: text.into_bytes(), ..Output::default() }
}

fn block(text: &mut String, vhost: &Vhost, place: &str) {
    let client = format!("0x{:08x}", vhost.client_id);
    let lines = [
        format!("{:<15} {:<44} {:<18}", "SVSA", "Physloc", "Client Partition ID"),
        format!("{} {} {}", "-".repeat(15), "-".repeat(44), "-".repeat(18)),
        format!("{:<15} {place:<44} {client}", vhost.name),
        String::new(),
    ];
    text.push_str(&lines.join("\n"));
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
        for (key, value) in details {
            // Writing to a String cannot fail.
            writeln!(text, "{key:<22}{value}").unwrap_or_default();
        }
    }
    text.push('\n');
}

/// One line per adapter: adapter, location, client, then five fields for each target.
fn fields(text: &mut String, vhost: &Vhost, place: &str, delimiter: &str) {
    let mut line = vec![vhost.name.clone(), place.to_owned(), format!("0x{:08x}", vhost.client_id)];
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
    text.push_str(&line.join(delimiter));
    text.push('\n');
}

/// LUNs of one adapter count 0x81…, 0x82… (HV §3.3).
fn lun(index: usize) -> String {
    format!("0x{:x}00000000000000", 0x81 + index)
}
