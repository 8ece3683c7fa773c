//! Disks, their paths, volume groups, file systems.

use super::{Listing, Row, Unreadable, listing, unreadable};
use crate::id::DiskName;
use crate::operation::{Disk, PathCount};
use crate::unit::Megabytes;

/// `lspv`: name, physical volume id or `none`, volume group or `None`, state. Source: LU §5.3.
#[must_use]
pub fn lspv(text: &str) -> Listing<Disk> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (name, pvid, group, state) = match fields[..] {
            [name, pvid, group] => (name, pvid, group, ""),
            [name, pvid, group, state] => (name, pvid, group, state),
            _ => return Row::Other,
        };
        let Ok(name) = name.parse() else { return Row::Other };
        let given = |text: &str| (!text.eq_ignore_ascii_case("none")).then(|| text.to_owned());
        let active = matches!(state, "active" | "concurrent");
        Row::Is(Disk { name, pvid: given(pvid), volume_group: given(group), active })
    })
}

/// A path to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPath {
    /// The disk.
    pub disk: DiskName,
    /// The adapter, such as `vscsi0`.
    pub parent: String,
    /// `Enabled`, `Disabled`, `Failed`, `Missing`, `Defined`, `Available`.
    pub status: String,
    /// Number of the path, where it was asked for.
    pub path_id: Option<u32>,
    /// Where it leads, where it was asked for.
    pub connection: Option<String>,
}

/// `lspath`: status, disk, adapter. Source: LU §5.3.
#[must_use]
pub fn lspath(text: &str) -> Listing<DiskPath> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [status, disk, parent] = fields[..] else { return Row::Other };
        path(disk, parent, status).into()
    })
}

/// `lspath -F "name parent path_id connection status"`, with or without `-H`. Source: LU §5.3.
#[must_use]
pub fn lspath_fields(text: &str) -> Listing<DiskPath> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // A path that was never there has no connection to show.
        let (disk, parent, id, connection, status) = match fields[..] {
            ["name", "parent", "path_id", ..] => return Row::Skip,
            [disk, parent, id, connection, status] => (disk, parent, id, Some(connection), status),
            [disk, parent, id, status] => (disk, parent, id, None, status),
            _ => return Row::Other,
        };
        let (Some(path), Ok(id)) = (path(disk, parent, status), id.parse()) else {
            return Row::Other;
        };
        Row::Is(DiskPath { path_id: Some(id), connection: connection.map(str::to_owned), ..path })
    })
}

fn path(disk: &str, parent: &str, status: &str) -> Option<DiskPath> {
    let is_status = status.chars().all(|c| c.is_ascii_alphabetic());
    Some(DiskPath {
        disk: disk.parse().ok().filter(|_| is_status)?,
        parent: parent.to_owned(),
        status: status.to_owned(),
        path_id: None,
        connection: None,
    })
}

/// How many paths each disk has in each status, by disk and status.
#[must_use]
pub fn path_counts(paths: &[DiskPath]) -> Vec<PathCount> {
    let mut counts = std::collections::BTreeMap::new();
    for path in paths {
        let count: &mut u32 = counts.entry((path.disk.clone(), path.status.clone())).or_default();
        *count = count.saturating_add(1);
    }
    counts.into_iter().map(|((disk, status), count)| PathCount { disk, status, count }).collect()
}

/// A device that is tried at boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootDevice {
    /// Usually a disk; may be a network adapter.
    pub device: String,
    /// The boot logical volume, such as `hd5`.
    pub blv: Option<String>,
    /// The path.
    pub path_id: Option<u32>,
}

/// `bootlist -m normal -o`: one line a path, in the order in which they are tried. Source: LU §5.3.
#[must_use]
pub fn bootlist(text: &str) -> Listing<BootDevice> {
    listing(text, |line| {
        let mut words = line.split_whitespace();
        let device = words.next().unwrap_or_default();
        if device == "-" {
            return Row::Skip;
        }
        let mut found = BootDevice { device: device.to_owned(), blv: None, path_id: None };
        for word in words {
            match word.split_once('=') {
                Some(("blv", blv)) => found.blv = Some(blv.to_owned()),
                Some(("pathid", id)) => match id.parse() {
                    Ok(id) => found.path_id = Some(id),
                    Err(_) => return Row::Other,
                },
                // Network devices have attributes of their own.
                Some(_) => {}
                None => return Row::Other,
            }
        }
        Row::Is(found)
    })
}

/// A volume group with its disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeGroup {
    /// Its name.
    pub name: Option<String>,
    /// Its disks.
    pub disks: Listing<GroupDisk>,
}

/// A disk of a volume group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDisk {
    /// The disk.
    pub disk: DiskName,
    /// `active`, `missing`, `removed`.
    pub state: String,
    /// Physical partitions.
    pub total: u64,
    /// Physical partitions that are free.
    pub free: u64,
}

/// `lsvg -p rootvg`. Source: LU §5.3.
#[must_use]
pub fn lsvg_p(text: &str) -> VolumeGroup {
    let mut name = None;
    let disks = listing(text, |line| {
        if let (None, Some(group)) = (&name, line.strip_suffix(':')) {
            name = Some(group.trim().to_owned());
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["PV_NAME", ..] => Row::Skip,
            [disk, state, total, free, _] => {
                let (Ok(disk), Ok(total), Ok(free)) = (disk.parse(), total.parse(), free.parse())
                else {
                    return Row::Other;
                };
                Row::Is(GroupDisk { disk, state: state.to_owned(), total, free })
            }
            _ => Row::Other,
        }
    });
    VolumeGroup { name, disks }
}

/// `getconf DISK_SIZE /dev/hdisk1`: megabytes. Source: LU §5.3.
///
/// # Errors
/// [`Unreadable`] when it is no number.
pub fn disk_size(text: &str) -> Result<Megabytes, Unreadable> {
    text.trim()
        .parse()
        .map(Megabytes)
        .map_err(|_| unreadable("getconf DISK_SIZE", "number of megabytes", text))
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// The device, or `HOST:/export`.
    pub device: String,
    /// Its size in whole megabytes; `None` where it has none, as `/proc`.
    pub size: Option<Megabytes>,
    /// Free space in whole megabytes.
    pub free: Option<Megabytes>,
    /// Where it is mounted.
    pub mounted_on: String,
}

/// `df -m`. A long device stands in a line of its own; so the fields are counted from the right. Source: LU §5.3.
#[must_use]
pub fn df(text: &str) -> Listing<FileSystem> {
    let mut long_device: Option<&str> = None;
    listing(text, |line| {
        if line.starts_with("Filesystem ") {
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (device, rest) = match (&fields[..], long_device.take()) {
            ([device], None) => {
                long_device = Some(device);
                return Row::Skip;
            }
            (rest, Some(device)) if rest.len() == 6 => (device, rest),
            ([device, rest @ ..], None) if rest.len() == 6 => (*device, rest),
            _ => return Row::Other,
        };
        let &[size, free, _used, _inodes, _inodes_used, mounted_on] = rest else {
            return Row::Other;
        };
        let (Some(size), Some(free)) = (megabytes(size), megabytes(free)) else {
            return Row::Other;
        };
        let (device, mounted_on) = (device.to_owned(), mounted_on.to_owned());
        Row::Is(FileSystem { device, size, free, mounted_on })
    })
}

/// `371.50`, or `-` for nothing; outer `None` when it is neither. Some locales have a comma.
fn megabytes(text: &str) -> Option<Option<Megabytes>> {
    if text == "-" {
        return Some(None);
    }
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    whole.parse().ok().map(|whole| Some(Megabytes(whole)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// C. Gibson 2015, and the AIX wiki after an update.
    const LSPV: &str = "\
hdisk0          00fa343b8f050a76                    rootvg          active
hdisk2          00fa343b8f01b1e2                    lvup_rootvg
hdisk10         none                                None
";

    #[test]
    fn lspv_shows_disks_with_and_without_volume_group() {
        let all = lspv(LSPV);
        assert!(all.unread.is_empty());
        let table: Vec<_> = all
            .rows
            .iter()
            .map(|d| (d.name.as_str(), d.pvid.as_deref(), d.volume_group.as_deref(), d.active))
            .collect();
        assert_eq!(
            table,
            [
                ("hdisk0", Some("00fa343b8f050a76"), Some("rootvg"), true),
                ("hdisk2", Some("00fa343b8f01b1e2"), Some("lvup_rootvg"), false),
                ("hdisk10", None, None, false),
            ]
        );
    }

    #[test]
    fn what_is_no_row_is_kept_beside_the_rows() {
        let all = lspv("0516-304 lspv: Unable to find device id in the Device\nhdisk1 none None\n");
        assert_eq!((all.rows.len(), all.unread[0].line), (1, 1));
    }

    #[test]
    fn lspath_is_read_in_both_forms() {
        let plain = lspath("Enabled hdisk1 vscsi1\nMissing hdisk2 fscsi0\nEnabled hdisk1 vscsi0\n");
        assert!(plain.unread.is_empty());
        let counts: Vec<_> = path_counts(&plain.rows)
            .into_iter()
            .map(|c| (c.disk.to_string(), c.status, c.count))
            .collect();
        assert_eq!(
            counts,
            [
                ("hdisk1".to_owned(), "Enabled".to_owned(), 2),
                ("hdisk2".to_owned(), "Missing".to_owned(), 1)
            ]
        );
        let fields = lspath_fields(
            "name   parent path_id connection                      status\n\
             hdisk2 fscsi0 0       5006048452a83987,33000000000000 Enabled\n\
             hdisk2 fscsi1 1  Defined\n",
        );
        assert!(fields.unread.is_empty());
        assert_eq!(fields.rows[0].connection.as_deref(), Some("5006048452a83987,33000000000000"));
        assert_eq!((fields.rows[1].path_id, fields.rows[1].connection.as_deref()), (Some(1), None));
        assert_eq!(lspath("hdisk2 fscsi0 0\n").rows, [], "a number is no status");
    }

    #[test]
    fn bootlist_shows_disks_paths_and_network_devices() {
        let all = bootlist("hdisk1 blv=hd5 pathid=1\nent0 bserver=10.1.1.1 client=10.1.1.2\n-\n");
        assert!(all.unread.is_empty());
        let disk = BootDevice {
            device: "hdisk1".to_owned(),
            blv: Some("hd5".to_owned()),
            path_id: Some(1),
        };
        assert_eq!((all.rows.len(), &all.rows[0]), (2, &disk));
        assert_eq!(bootlist("0514-221 bootlist: Unable to make boot list\n").rows, []);
    }

    #[test]
    fn lsvg_p_shows_a_volume_group_with_its_disks() {
        let group = lsvg_p(
            "rootvg:\n\
             PV_NAME           PV STATE          TOTAL PPs   FREE PPs    FREE DISTRIBUTION\n\
             hdisk0            active            558         304         111..80..00..01..112\n",
        );
        assert_eq!(group.name.as_deref(), Some("rootvg"));
        assert!(group.disks.unread.is_empty());
        assert_eq!((group.disks.rows[0].total, group.disks.rows[0].free), (558, 304));
    }

    #[test]
    fn df_counts_from_the_right_and_joins_wrapped_devices() {
        let all = df("Filesystem    MB blocks      Free %Used    Iused %Iused Mounted on\n\
             /dev/hd4         371.50    194.21   48%    11436    21% /\n\
             /proc                 -         -    -        -      - /proc\n\
             nim01.example.com:/export/aix72/7200-05-05-2246_full\n\
             \x20                 81920,00  1024,00   99%      900     1% /mnt\n");
        assert!(all.unread.is_empty(), "{:?}", all.unread);
        let table: Vec<_> =
            all.rows.iter().map(|fs| (fs.mounted_on.as_str(), fs.free.map(|m| m.0))).collect();
        assert_eq!(table, [("/", Some(194)), ("/proc", None), ("/mnt", Some(1024))]);
        assert_eq!(all.rows[2].device, "nim01.example.com:/export/aix72/7200-05-05-2246_full");
    }

    #[test]
    fn a_disk_size_is_a_number_of_megabytes() {
        assert_eq!(disk_size("51200\n"), Ok(Megabytes(51200)));
        assert!(disk_size("getconf: /dev/hdisk9: A file or directory does not exist.").is_err());
    }

    proptest! {
        #[test]
        fn lspv_reads_what_it_is_shown(rows in prop::collection::vec(("hdisk[0-9]{1,4}", prop::option::of("[0-9a-f]{16}"), prop::option::of("[a-z]{1,12}vg"), any::<bool>()), 0..20)) {
            let disks: Vec<Disk> = rows
                .into_iter()
                .map(|(name, pvid, volume_group, active)| {
                    let active = active && volume_group.is_some();
                    Disk { name: name.parse().unwrap(), pvid, volume_group, active }
                })
                .collect();
            let text: String = disks
                .iter()
                .map(|disk| {
                    let (pvid, group) = (disk.pvid.as_deref().unwrap_or("none"), disk.volume_group.as_deref().unwrap_or("None"));
                    let state = if disk.active { "active" } else { "" };
                    format!("{:<15} {pvid:<35} {group:<15} {state:<12}\n", disk.name)
                })
                .collect();
            prop_assert_eq!(lspv(&text).rows, disks);
        }
    }
}
