//! States of an LPAR that a Live Update does not take, or takes badly: as somebody finds it, before anything is done.
//!
//! A state is a named change of the world and of the LPAR's files. It is set from the site file, with `nim-lab fault` or by a test, and
//! is gone when a command on the LPAR has mended it, or when it is taken back. The AIX commands know nothing of states: they show the
//! world. Rows in parentheses are those of LU §4.

mod apply;
mod file;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($variant:ident $name:literal $text:literal;)*) => {
        /// How an LPAR can be.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum State {
            $(#[doc = $text] #[serde(rename = $name)] $variant,)*
        }

        impl State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line and in the site file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in one sentence.
            #[must_use]
            pub const fn explain(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

states! {
    NoLiveUpdateRuntime "no-liveupdate-runtime" "bos.liveupdate.rte is not installed (L02)";
    NoHmcClient "no-hmc-client" "bos.sysmgt.hmc is not installed (L03)";
    NoArtex "no-artex" "no artex fileset is installed (L04)";
    SmallProfile "small-profile" "the profile may go below 2 GB of memory (L06)";
    OldRsct "old-rsct" "RSCT is 3.2.0.12 (L10)";
    VarFull "var-full" "/var has 40 MB left (L14)";
    RootFull "root-full" "/ has 40 MB left (L15)";
    TokenGone "token-gone" "there is no token for a management console (M01)";
    ForeignToken "foreign-token" "the tokens are those of another user of the HMC, who may only look (M02, M08)";
    TokenShort "token-short" "the tokens run out in an hour (M03)";
    RmcLost "rmc-lost" "RMC has lost its management consoles (M05, M07)";
    CtrmcStopped "ctrmc-stopped" "the subsystem ctrmc is inoperative (M06)";
    FreeDiskTaken "free-disk-taken" "the first free disk is in a volume group now (D01)";
    OneAdapter "one-adapter" "no disk has paths over the last adapter (D03)";
    PathMissing "path-missing" "a path is defined that is missing (D04)";
    ForeignPathControl "foreign-path-control" "the disks are driven by a path control module that is not that of AIX (D08)";
    PhysicalAdapter "physical-adapter" "an adapter is hardware of the partition (D09, F06)";
    TapeDevice "tape-device" "there is a tape drive (D10)";
    CapiDevice "capi-device" "there is a CAPI adapter (D11)";
    AltinstRootvg "altinst-rootvg" "a disk is in altinst_rootvg (D12)";
    LvupRootvg "lvup-rootvg" "a disk is in lvup_rootvg, which an earlier run left (D13)";
    UnevenMirror "uneven-mirror" "one volume of rootvg has two copies and the others have one (D14)";
    StaleRootvg "stale-rootvg" "partitions of rootvg are stale (D15)";
    SnapshotRootvg "snapshot-rootvg" "rootvg has a snapshot (D16)";
    BootlistElsewhere "bootlist-elsewhere" "the boot list begins with another disk than that of rootvg (D17)";
    Multibos "multibos" "there is a standby system of multibos, with bos_hd5 (D18)";
    NoRootvg "no-rootvg" "no disk is in rootvg (D19)";
    NfsMount "nfs-mount" "a file system is mounted over NFS (D21)";
    KerberosMount "kerberos-mount" "a file system is mounted over NFS with sec=krb5p (D22)";
    SpaceManagement "space-management" "the recall daemon of space management runs (D23)";
    LargePages "large-pages" "there is a pool of 16 MB pages (D24)";
    SharedMemory "shared-memory" "the partition's memory is shared with others (D25)";
    GreTunnel "gre-tunnel" "there is a GRE tunnel (D26)";
    IfixInstalled "ifix-installed" "an interim fix locks bos.mp64 (S01)";
    RebootPending "reboot-pending" "an interim fix waits for a reboot (S02)";
    AppliedOnly "applied-only" "an update of bos.rte.libc is applied and not committed (S05)";
    MlsConfiguration "mls-configuration" "bos.mls.cfg is installed (S06)";
    Pkcs11 "pkcs11" "security.pkcs11 is installed (S06)";
    CasAgent "cas-agent" "cas.agent is installed (S07)";
    TrustedExecution "trusted-execution" "Trusted Execution is on (S08)";
    TrustedPath "trusted-path" "Trusted Execution is on, with its trusted path (S09)";
    TrustLocked "trust-locked" "Trusted Execution is on and its policies are locked";
    TrustInLdap "trust-in-ldap" "the database of Trusted Execution is looked up in LDAP first (S10)";
    TrustedBase "trusted-base" "there is a Trusted Computing Base (S11)";
    SecurityProfile "security-profile" "the security profile pci is applied (S12)";
    Kerberos "kerberos" "Kerberos is configured (S13)";
    VirtualLog "virtual-log" "there is a virtual log (S14)";
    IpFilters "ip-filters" "the devices of IP security are available (S15)";
    AuditStream "streaming-audit" "auditing runs in stream mode (S16)";
    StoppedWpar "stopped-wpar" "there is a workload partition that is stopped (S17)";
    ActiveWpar "active-wpar" "there is a workload partition that is active (S18)";
    ProbeVue "probevue" "a ProbeVue session runs (S19)";
    WlmActive "wlm-active" "Workload Manager runs, and the inittab starts it (S22)";
    NisWithoutDomain "nis-without-domain" "the NIS client is installed and has no domain (S24)";
    LockLeft "lock-left" "the lock of a Live Update was left behind (S28)";
    BackupRuns "backup-runs" "a backup client runs (S29)";
    PowerHa "powerha" "the LPAR is a node of a PowerHA cluster, which stands on RSCT, CAA and AHAFS (S31)";
    Clusterware "clusterware" "Oracle Clusterware runs (S32)";
    OracleRuns "oracle-runs" "an Oracle instance runs (S33)";
    OldIpsec "old-ipsec" "bos.net.ipsec.rte is 7.3.3.1 and IP filters are active (LU §4.6, IJ55348)";
    ProfileSynced "profile-synced" "the HMC writes the profile whenever something of the partition changes (L16)";
    NoVirtualSlot "no-virtual-slot" "all virtual slots of the partition are in use (L13)";
    RemoteRestart "remote-restart" "the partition can be restarted on another frame (M10)";
    FileBacked "file-backed" "the last disk is a file of its VIO servers (D06)";
    OpenServerAdapter "open-server-adapter" "the server adapters of its disks are for any partition and any slot (D07)";
    Migrating "migrating" "the partition is being moved to another frame (F05)";
    LeftBehind "left-behind" "the frame has a partition with the name that the original takes (LU §6.2)";
}

/// Whether a state sets in or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// From now on it is so.
    On,
    /// It is as after the installation again.
    Off,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|state| state.name() == text).ok_or_else(|| {
            format!("no state is called {text:?}; `nim-lab fault --list` shows them")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for state in State::ALL {
            assert!(state.name().parse::<crate::fault::Fault>().is_err(), "{state} is a fault too");
            assert_eq!(state.name().parse::<State>().as_ref(), Ok(state));
        }
        assert!("rain".parse::<State>().is_err());
    }
}
