//! What a VIOS serves to whom: what it prints, read.
//!
//! `lsmap` is asked with a delimiter: one line an adapter, its fields in the documented order, an empty field as one blank. For virtual
//! SCSI the fields of each target follow those of the adapter. Source: HMC reference §3.1, §3.3.

mod server;

use std::collections::BTreeMap;

use nim_shared::api::{AdapterKind, PartitionView, ScsiTarget, ServerAdapter};
use nim_shared::id::{LparId, ObjectName, printable};
use nim_shared::object::{Object, Spec};

pub use server::{Error, Vioses};

use super::discover::on_frame;
use super::hmc::ORIGINAL;

/// The questions, without what goes before them over one way or the other: level, virtual SCSI, NPIV.
pub const QUESTIONS: [&[&str]; 3] =
    [&["ioslevel"], &["lsmap", "-all", "-fmt", ":"], &["lsmap", "-all", "-npiv", "-fmt", ":"]];

/// An answer of a VIOS that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It is no level.
    #[error("\"{}\" is no level of a VIOS", printable(.0))]
    Level(String),
    /// A line has fields that do not fit.
    #[error("line {line} has {found} fields")]
    Fields {
        /// Number of the line, from 1.
        line: usize,
        /// How many fields it has.
        found: usize,
    },
    /// A client id that is no number.
    #[error("line {line}: \"{}\" is no id of a partition", printable(text))]
    Client {
        /// Number of the line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// More lines than any VIOS has adapters.
    #[error("more than {LINES} lines")]
    TooLong,
}

/// Reads the level: `3.1.4.21`.
///
/// # Errors
/// [`BadAnswer::Level`].
pub fn level(text: &str) -> Result<String, BadAnswer> {
    let level = text.trim();
    let is_level = !level.is_empty()
        && level.len() <= 32
        && level.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_level { Ok(level.to_owned()) } else { Err(BadAnswer::Level(level.to_owned())) }
}

/// Reads the virtual SCSI adapters.
///
/// # Errors
/// [`BadAnswer`] for the first line that does not fit.
pub fn scsi(text: &str) -> Result<Vec<ServerAdapter>, BadAnswer> {
    lines(text)?
        .map(|(line, fields)| {
            let [name, location, client, rest @ ..] = &fields[..] else {
                return Err(BadAnswer::Fields { line, found: fields.len() });
            };
            let groups = rest.chunks_exact(TARGET);
            // An adapter without targets has a sentence in their place, or nothing.
            let has_none = matches!(groups.remainder(), [] | [_]) && rest.len() <= 1;
            if !has_none && !groups.remainder().is_empty() {
                return Err(BadAnswer::Fields { line, found: fields.len() });
            }
            let targets = groups.map(|target| ScsiTarget {
                vtd: target[0].clone(),
                status: target[1].clone(),
                lun: target[2].clone(),
                backing: target[3].clone(),
                location: Some(target[4].clone()),
            });
            Ok(ServerAdapter {
                name: name.clone(),
                location: location.clone(),
                client_id: client_id(line, client)?,
                kind: AdapterKind::Scsi { targets: targets.collect() },
            })
        })
        .collect()
}

/// Reads the virtual Fibre Channel adapters.
///
/// # Errors
/// [`BadAnswer`] for the first line that does not fit.
pub fn npiv(text: &str) -> Result<Vec<ServerAdapter>, BadAnswer> {
    lines(text)?
        .map(|(line, fields)| {
            let found = fields.len();
            let [name, location, client, _, _, status, port, _, _, _, adapter, place] =
                <[String; 12]>::try_from(fields).map_err(|_| BadAnswer::Fields { line, found })?;
            let said = |text: String| Some(text).filter(|text| !text.is_empty());
            Ok(ServerAdapter {
                name,
                location,
                client_id: client_id(line, &client)?,
                kind: AdapterKind::Fc {
                    status,
                    port: said(port),
                    client_adapter: said(adapter),
                    client_location: said(place),
                },
            })
        })
        .collect()
}

/// The lines that say something, each with its number and its fields.
fn lines(text: &str) -> Result<impl Iterator<Item = (usize, Vec<String>)>, BadAnswer> {
    let count = text.lines().count();
    if count > LINES {
        return Err(BadAnswer::TooLong);
    }
    let said = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(said.map(|(at, line)| {
        let fields = line.trim_end_matches('\r').split(':').map(|field| printable(field.trim()));
        (at + 1, fields.collect())
    }))
}

/// A client's id, hexadecimal with `0x` or decimal; 0 is no client.
fn client_id(line: usize, text: &str) -> Result<Option<LparId>, BadAnswer> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || BadAnswer::Client { line, text: text.to_owned() };
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).map_err(|_| bad())?,
        None => text.parse().map_err(|_| bad())?,
    };
    match number {
        0 => Ok(None),
        number => number.to_string().parse().map(Some).map_err(|_| bad()),
    }
}

/// Which LPAR of a frame has which partition id: as its HMC showed the partitions, during an update both the original's and the
/// surrogate's; as the object has it where the HMC showed nothing of it.
#[must_use]
pub fn clients<'a>(
    objects: &[&'a Object],
    seen: &[PartitionView],
) -> BTreeMap<LparId, &'a ObjectName> {
    let mut clients = BTreeMap::new();
    for object in objects.iter().filter(|one| matches!(one.spec, Spec::Standalone(_))) {
        let Some((_, partition)) = on_frame(object) else { continue };
        let own = seen
            .iter()
            .filter(|one| one.name.strip_suffix(ORIGINAL).unwrap_or(&one.name) == partition);
        let ids: Vec<_> = own.map(|one| one.lpar_id).collect();
        let on_record = object.spec.frame().and_then(|(_, identity)| identity);
        let ids = if ids.is_empty() { on_record.into_iter().collect() } else { ids };
        clients.extend(ids.into_iter().map(|id| (id, &object.name)));
    }
    clients
}

/// Fields of a target: device, status, LUN, backing device, its location, whether it is mirrored.
const TARGET: usize = 6;

/// Most lines that are taken from one answer.
const LINES: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: &str = "U8286.42A.214F58V-V1-C90";

    #[test]
    fn adapters_are_read_with_their_targets_and_clients() {
        let text = format!(
            "vhost3:{AT}:0x00000063:vtscsi0:Available:0x8100000000000000:hdisk7:U78C9.001.WZS01K8-P1-C6-T1-L6:false:\
             vtscsi1:Available:0x8200000000000000:lv01: : \nvhost4:{AT}:0x00000000:NO VIRTUAL TARGET DEVICE FOUND\nvhost5:{AT}: : \n"
        );
        let found = scsi(&text).unwrap();
        let row = |one: &ServerAdapter| {
            let AdapterKind::Scsi { targets } = &one.kind else { panic!("{one:?}") };
            let disks: Vec<_> = targets.iter().map(|one| one.backing.clone()).collect();
            format!("{} {:?} {}", one.name, one.client_id.map(|id| id.to_string()), disks.join(" "))
        };
        let rows: Vec<_> = found.iter().map(row).collect();
        assert_eq!(rows, ["vhost3 Some(\"99\") hdisk7 lv01", "vhost4 None ", "vhost5 None "]);
    }

    #[test]
    fn a_fibre_channel_adapter_has_a_port_and_a_client_while_that_runs() {
        let text = format!(
            "vfchost0:{AT}:4:LPAR4:AIX:LOGGED_IN:fcs0:U78A0.001.X-P1-C3-T1:5:a<LOGGED_IN,STRIP_MERGE>:fcs0:U8233.E8B.X-V6-C30-T1\n\
             vfchost1:{AT}:5:LPAR5: :NOT_LOGGED_IN: : :0:1<NOT_MAPPED,NOT_CONNECTED>: : \n"
        );
        let [up, down] = <[_; 2]>::try_from(npiv(&text).unwrap()).unwrap();
        assert_eq!(up.client_id.map(|id| id.to_string()).as_deref(), Some("4"));
        let place = Some("U8233.E8B.X-V6-C30-T1".to_owned());
        let fcs0 = Some("fcs0".to_owned());
        let logged_in = AdapterKind::Fc {
            status: "LOGGED_IN".to_owned(),
            port: fcs0.clone(),
            client_adapter: fcs0,
            client_location: place,
        };
        assert_eq!(up.kind, logged_in);
        assert!(matches!(down.kind, AdapterKind::Fc { port: None, client_adapter: None, .. }));
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_line() {
        assert_eq!(scsi("\nvhost0:x\n"), Err(BadAnswer::Fields { line: 2, found: 2 }));
        assert_eq!(scsi("vhost0:x:0x1:a:b\n"), Err(BadAnswer::Fields { line: 1, found: 5 }));
        let text = "zz".to_owned();
        assert_eq!(scsi("vhost0:x:zz"), Err(BadAnswer::Client { line: 1, text }));
        assert_eq!(npiv("vfchost0:x:1"), Err(BadAnswer::Fields { line: 1, found: 3 }));
        assert_eq!(level("3.1.4.21\n").as_deref(), Ok("3.1.4.21"));
        assert!(level("rksh: ioslevel:  not found.").is_err());
        assert_eq!((scsi(""), npiv("\n")), (Ok(vec![]), Ok(vec![])));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            drop((scsi(&text), npiv(&text), level(&text)));
        }
    }
}
