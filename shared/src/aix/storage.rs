//! What disks are known by, and where paging and dump space is.

use super::{Listing, Row, listing};
use crate::disks::{Pvid, SeenDisk, Udid};
use crate::id::DiskName;
use crate::unit::Megabytes;

/// `lspv -u`: name, physical volume id or `none`, volume group or `None`, state or nothing, unique id, UUID. The unique id may have
/// blanks in it, and the UUID may follow it without one. A disk that is locked shows its label in the place of the group.
/// Source: AIX's description of `lspv`; listings of `lspv -u`, `docs/decisions/0012`.
#[must_use]
pub fn lspv_u(text: &str) -> Listing<SeenDisk> {
    listing(text, |line| {
        let mut words = line.split_whitespace();
        let mut next = || words.next();
        let (Some(name), Some(pvid), Some(group)) = (next(), next(), next()) else {
            return Row::Other;
        };
        let Ok(name) = name.parse() else { return Row::Other };
        let pvid: Option<Pvid> = match pvid {
            "none" | "None" => None,
            id => match id.parse() {
                Ok(id) => Some(id),
                Err(_) => return Row::Other,
            },
        };
        let mut rest: Vec<&str> = words.collect();
        let is_state = |word: &&str| STATES.contains(word);
        let state = rest.first().copied().filter(is_state).map(str::to_owned);
        if state.is_some() {
            rest.remove(0);
        }
        let id = without_uuid(&rest.concat()).to_owned();
        let udid: Option<Udid> = id.parse().ok();
        if udid.is_none() && !matches!(&*id, "" | "none" | "None") {
            return Row::Other;
        }
        let volume_group = (!group.eq_ignore_ascii_case("none")).then(|| group.to_owned());
        Row::Is(SeenDisk { name, pvid, udid, volume_group, state, lun: None })
    })
}

/// What `lspv` says of a volume group, or of a disk. Source: AIX's description of `lspv`.
const STATES: [&str; 7] =
    ["active", "concurrent", "locked", "varied", "missing", "removed", "inactive"];

/// `id` without the UUID behind it.
fn without_uuid(id: &str) -> &str {
    let Some(at) = id.len().checked_sub(UUID).filter(|at| id.is_char_boundary(*at)) else {
        return id;
    };
    let (before, uuid) = id.split_at(at);
    let fits = uuid.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if fits { before } else { id }
}

/// Length of a UUID as text.
const UUID: usize = 36;

/// `lsmpio -q`: the disks of the AIX path control module, each with the name that its storage gave it. Columns: device, vendor,
/// product, size, volume name. Source: LU §5.3.
#[must_use]
pub fn lsmpio_q(text: &str) -> Listing<(DiskName, String)> {
    listing(text, |line| {
        if line.starts_with("Device ") || line.starts_with("---") {
            return Row::Skip;
        }
        let mut words = line.split_whitespace();
        let Some(Ok(name)) = words.next().map(str::parse) else { return Row::Other };
        let words: Vec<&str> = words.collect();
        let Some(size) = words.iter().rposition(|word| is_size(word)) else { return Row::Other };
        match words.get(size + 1..) {
            Some([lun]) => Row::Is((name, (*lun).to_owned())),
            // Storage that gives no names.
            Some([]) | None => Row::Skip,
            Some(_) => Row::Other,
        }
    })
}

/// `60.00GiB`.
fn is_size(word: &str) -> bool {
    ["KiB", "MiB", "GiB", "TiB", "PiB"]
        .iter()
        .any(|unit| word.strip_suffix(unit).is_some_and(|number| number.parse::<f64>().is_ok()))
}

/// A paging space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagingSpace {
    /// Its name.
    pub name: String,
    /// Its volume group.
    pub group: String,
    /// Its size.
    pub size: Megabytes,
}

/// `lsps -a`: name, disk, volume group, size such as `512MB`, and more. Source: AIX's description of `lsps`.
#[must_use]
pub fn lsps_a(text: &str) -> Listing<PagingSpace> {
    listing(text, |line| {
        if line.starts_with("Page Space") {
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, _, group, size, ..] = fields[..] else { return Row::Other };
        let Some(Ok(size)) = size.strip_suffix("MB").map(str::parse) else { return Row::Other };
        Row::Is(PagingSpace {
            name: name.to_owned(),
            group: group.to_owned(),
            size: Megabytes(size),
        })
    })
}

/// `sysdumpdev -l`: the logical volumes that dumps go to, without `/dev/` and without those that go nowhere.
/// Source: AIX's description of `sysdumpdev`.
#[must_use]
pub fn sysdumpdev_l(text: &str) -> Listing<String> {
    listing(text, |line| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("primary" | "secondary"), Some(device)) => match device.strip_prefix("/dev/") {
                Some("sysdumpnull") => Row::Skip,
                Some(volume) => Row::Is(volume.to_owned()),
                None => Row::Other,
            },
            _ => Row::Skip,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client of a VIOS as it was published, a disk without an id, a locked one.
    const LSPV: &str = "\
hdisk0          00000000fb8a0572                    rootvg          active      533E3E21360170E50202E5A5A0000025E50A12AB20F1746      FAStT03IBMfcp05VDASD03AIXvscsi8060a98a-0292-e2c9-0382-b5263f2a7e61
hdisk28         00cc572646f271f9                    None                        3F2A2A1135000C500337924AB0BST9146852SS03IBMsas05VDASD03AIXvscsi  a36f5dae-8281-4df7-7fa7-e9fbf619c7d5
hdisk3          none                                None
hdisk4          00fa343b8f01b1e2                    ORADATA         locked      33213600507680C8004214503IBMfcp
";

    #[test]
    fn lspv_u_shows_ids_with_blanks_with_a_uuid_behind_them_and_none() {
        let all = lspv_u(LSPV);
        assert!(all.unread.is_empty(), "{:?}", all.unread);
        let ids: Vec<_> =
            all.rows.iter().map(|disk| disk.udid.as_ref().map(ToString::to_string)).collect();
        assert_eq!(
            ids,
            [
                Some(
                    "533E3E21360170E50202E5A5A0000025E50A12AB20F1746FAStT03IBMfcp05VDASD03AIXvscsi"
                        .to_owned()
                ),
                Some("3F2A2A1135000C500337924AB0BST9146852SS03IBMsas05VDASD03AIXvscsi".to_owned()),
                None,
                Some("33213600507680C8004214503IBMfcp".to_owned()),
            ]
        );
        let last = &all.rows[3];
        assert_eq!(
            (last.state.as_deref(), last.volume_group.as_deref()),
            (Some("locked"), Some("ORADATA"))
        );
        assert_eq!(all.rows[1].volume_group, None);
        assert_eq!(lspv_u("hdisk1 zz None\n0516-304 lspv: no\n").unread.len(), 2);
    }

    #[test]
    fn lsmpio_shows_the_names_of_luns() {
        let all = lsmpio_q(
            "Device           Vendor Id  Product Id       Size       Volume Name\n\
             ---------------------------------------------------------------------------------\n\
             hdisk0           IBM        2145               60.00GiB a_laboh_bA0\n\
             hdisk1           IBM        2107900            60.00GiB\n",
        );
        assert!(all.unread.is_empty());
        assert_eq!(all.rows, [("hdisk0".parse().unwrap(), "a_laboh_bA0".to_owned())]);
    }

    #[test]
    fn paging_and_dump_space_is_found_with_its_group() {
        let all = lsps_a(
            "Page Space      Physical Volume   Volume Group    Size %Used   Active    Auto    Type   Chksum\n\
             paging00        hdisk4            pagevg        2048MB     1     yes     yes      lv       0\n\
             hd6             hdisk0            rootvg         512MB     1     yes     yes      lv       0\n",
        );
        assert!(all.unread.is_empty());
        let rows: Vec<_> = all.rows.iter().map(|row| (&*row.group, row.size.0)).collect();
        assert_eq!(rows, [("pagevg", 2048), ("rootvg", 512)]);
        let dumps = sysdumpdev_l(
            "primary              /dev/lg_dumplv\nsecondary            /dev/sysdumpnull\n\
             copy directory       /var/adm/ras\nforced copy flag     TRUE\n",
        );
        assert_eq!(dumps.rows, ["lg_dumplv"]);
    }
}
