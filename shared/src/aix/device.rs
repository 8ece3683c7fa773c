//! Devices, logical volumes, mounts.

use super::{Listing, Row, Unreadable, listing, unreadable};

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its class, such as `adapter`.
    pub class: String,
    /// Its name.
    pub name: String,
    /// `Available`, `Defined`, `Stopped`.
    pub status: String,
    /// Its description.
    pub description: String,
}

/// `lsdev -C -F "class name status description"`: one device a line. Source: LU §5.3 for names and descriptions; the columns are
/// those that `lsdev -F` takes.
#[must_use]
pub fn lsdev_fields(text: &str) -> Listing<Device> {
    listing(text, |line| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().map(str::to_owned);
        let (Some(class), Some(name), Some(status)) = (next(), next(), next()) else {
            return Row::Other;
        };
        if !matches!(&*status, "Available" | "Defined" | "Stopped" | "Unknown") {
            return Row::Other;
        }
        let description = words.collect::<Vec<_>>().join(" ");
        Row::Is(Device { class, name, status, description })
    })
}

/// A logical volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalVolume {
    /// Its name.
    pub name: String,
    /// `boot`, `paging`, `jfs2`, `jfs2log`, `sysdump`.
    pub kind: String,
    /// Logical partitions.
    pub logical: u64,
    /// Physical partitions: of each logical one as many as there are copies.
    pub physical: u64,
    /// `open/syncd`, `closed/stale`.
    pub state: String,
}

/// `lsvg -l rootvg`. Source: LU §4.3 D14, §5.3.
#[must_use]
pub fn lsvg_l(text: &str) -> Listing<LogicalVolume> {
    listing(text, |line| {
        if line.ends_with(':') || line.starts_with("LV NAME") {
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, kind, logical, physical, _, state, ..] = fields[..] else { return Row::Other };
        let (Ok(logical), Ok(physical)) = (logical.parse(), physical.parse()) else {
            return Row::Other;
        };
        let (name, kind, state) = (name.to_owned(), kind.to_owned(), state.to_owned());
        Row::Is(LogicalVolume { name, kind, logical, physical, state })
    })
}

/// A volume group as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// Physical volumes with stale partitions.
    pub stale_disks: u64,
    /// Stale partitions.
    pub stale_partitions: u64,
    /// The line that says that it is a snapshot, or has one.
    pub snapshot: Option<String>,
}

/// `lsvg rootvg`. Source: LU §4.3 D15 and D16, §5.3.
///
/// # Errors
/// [`Unreadable`] when it does not say how much is stale.
pub fn lsvg(text: &str) -> Result<GroupState, Unreadable> {
    let number = |label: &str| {
        let (_, rest) = text.split_once(label)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let read = || {
        let snapshot = text.lines().find(|line| line.to_ascii_lowercase().contains("snapshot"));
        Some(GroupState {
            stale_disks: number("STALE PVs:")?,
            stale_partitions: number("STALE PPs:")?,
            snapshot: snapshot.map(|line| super::shortened(line.trim())),
        })
    };
    read().ok_or_else(|| unreadable("lsvg", "number of stale partitions", text))
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The server; `None` for what is local.
    pub node: Option<String>,
    /// Where it is mounted.
    pub over: String,
    /// `jfs2`, `nfs3`, `procfs`.
    pub kind: String,
    /// The options.
    pub options: String,
}

/// `mount`. The kind stands before the date, which is three words, and the options; a local line begins with a blank in place of a
/// node. Source: LU §4.3 D20.
#[must_use]
pub fn mount(text: &str) -> Listing<Mounted> {
    listing(text, |line| {
        if line.trim_start().starts_with("node ") || line.starts_with("---") {
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        let Some(month) = fields.iter().rposition(|word| MONTHS.contains(word)) else {
            return Row::Other;
        };
        let is_local = line.starts_with(' ');
        let (node, over, kind) = match (&fields[..month], is_local) {
            (&[node, _, over, kind], false) => (Some(node.to_owned()), over, kind),
            (&[_, over, kind], true) => (None, over, kind),
            _ => return Row::Other,
        };
        let options = fields.get(month + 3..).unwrap_or_default().join(" ");
        Row::Is(Mounted { node, over: over.to_owned(), kind: kind.to_owned(), options })
    })
}

/// In the C locale.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `vmo -o NAME`, `raso -o NAME`: `NAME = value`. Source: LU §4.3 D24, §5.1.
///
/// # Errors
/// [`Unreadable`] when the value is no number.
pub fn tunable(text: &str) -> Result<u64, Unreadable> {
    let value = text.trim().split_once('=').and_then(|(_, value)| value.trim().parse().ok());
    value.ok_or_else(|| unreadable("vmo -o", "number", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_a_class_and_perhaps_no_description() {
        let all = lsdev_fields(
            "adapter vscsi0 Available Virtual SCSI Client Adapter\nipsec ipsec_v4 Available IP Version 4 Security Extension\n\
             tape rmt0 Defined\nlsdev: 0514-521 Cannot find information\n",
        );
        let names: Vec<_> =
            all.rows.iter().map(|one| (&*one.class, &*one.name, &*one.status)).collect();
        assert_eq!(
            names,
            [
                ("adapter", "vscsi0", "Available"),
                ("ipsec", "ipsec_v4", "Available"),
                ("tape", "rmt0", "Defined")
            ]
        );
        assert_eq!(all.rows[0].description, "Virtual SCSI Client Adapter");
        assert_eq!(all.unread.len(), 1);
    }

    #[test]
    fn volumes_show_their_copies_and_what_is_stale() {
        let all = lsvg_l(
            "rootvg:\nLV NAME             TYPE       LPs     PPs     PVs  LV STATE      MOUNT POINT\n\
             hd5                 boot       1       2       2    closed/syncd  N/A\n\
             hd4                 jfs2       4       8       2    open/stale    /\n",
        );
        assert!(all.unread.is_empty());
        let shown: Vec<_> =
            all.rows.iter().map(|one| (one.logical, one.physical, &*one.state)).collect();
        assert_eq!(shown, [(1, 2, "closed/syncd"), (4, 8, "open/stale")]);
    }

    /// LU §5.3.
    const LSVG: &str = "\
VOLUME GROUP:       rootvg                   VG IDENTIFIER:  00f60e5900004c0000000147afa9411f
VG STATE:           active                   PP SIZE:        256 megabyte(s)
STALE PVs:          0                        STALE PPs:      3
";

    #[test]
    fn a_group_says_what_is_stale_and_whether_it_is_a_snapshot() {
        let group = lsvg(LSVG).unwrap();
        assert_eq!((group.stale_disks, group.stale_partitions, group.snapshot), (0, 3, None));
        let group = lsvg(&format!("{LSVG}SNAPSHOT VG:   yes\n")).unwrap();
        assert!(group.snapshot.is_some());
        assert!(lsvg("0516-306 lsvg: Unable to find volume group\n").is_err());
    }

    #[test]
    fn mounts_are_read_from_both_ends() {
        let all = mount(
            "  node       mounted        mounted over    vfs       date        options      \n\
             -------- ---------------  ---------------  ------ ------------ --------------- \n\
             \x20        /dev/hd4         /                jfs2   Nov 02 09:12 rw,log=/dev/hd8 \n\
             \x20        /proc            /proc            procfs Nov 02 09:12 rw              \n\
             nim01    /export          /mnt             nfs3   Nov 02 09:12 ro,bg,sec=krb5  \n",
        );
        assert!(all.unread.is_empty(), "{all:?}");
        let shown: Vec<_> = all
            .rows
            .iter()
            .map(|one| (one.node.as_deref(), &*one.over, &*one.kind, &*one.options))
            .collect();
        assert_eq!(
            shown,
            [
                (None, "/", "jfs2", "rw,log=/dev/hd8"),
                (None, "/proc", "procfs", "rw"),
                (Some("nim01"), "/mnt", "nfs3", "ro,bg,sec=krb5"),
            ]
        );
    }

    #[test]
    fn a_tunable_is_a_number() {
        assert_eq!(tunable("lgpg_regions = 0\n"), Ok(0));
        assert!(tunable("vmo: 1485-129 not found").is_err());
    }
}
