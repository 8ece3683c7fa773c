//! The table of types.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::num::{NonZeroU16, NonZeroU32};

use serde::{Deserialize, Serialize};

use super::{Known, Need, attributes, numbered, object_types, refer};
use crate::disks::PoolEntry;
use crate::id::{InstallationId, LparId, ObjectName};
use crate::object::attribute::scalar;
use crate::object::part::{AbsolutePath, FixedText, Hop, Interface, Route};
use crate::object::password::PasswordFile;
use crate::object::{Attribute, Draft, ObjectType, Reference};

object_types! {
    /// An IP network.
    Ent(Ent) kept ["ieee_ent", "other_net_type#"],

    /// A Hardware Management Console.
    Hmc(Hmc) kept ["if#"],

    /// A managed system: a frame.
    Cec(Cec) kept [],

    /// A Virtual I/O Server.
    Vios(Vios) kept ["if#", "cable_type#", "net_settings#", "vlan_tag#", "vlan_pri#", "validate_cpuid"],

    /// The NIM master itself, as other objects and tools name it. Its name is `master`.
    Master(Master) kept ["if#", "cable_type#", "net_settings#", "master_port", "registration_port", "validate_cpuid"],

    /// An AIX LPAR.
    Standalone(Standalone) kept ["if#", "cable_type#", "net_settings#", "iplrom_emu#", "ring_speed#", "vlan_tag#", "vlan_pri#", "installed_image", "validate_cpuid"],

    /// Content of an `lvupdate.data` file. Either `location` or `content`.
    LiveUpdateData(LiveUpdateData) kept [],

    /// A folder of packages.
    LppSource(LppSource) kept ["arch", "simages", "multi_volume", "nfs_vers", "nfs_sec"],

    /// A list of machines.
    MacGroup(MacGroup) kept [],

    /// A script for the end of `cust`: run on the LPAR, where its policy lets it.
    Script(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// A script for the first boot after an installation: a catalogue entry.
    FbScript(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// A list of packages for `cust`.
    InstallpBundle(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// A list of fixes for `cust` and `fix_query`.
    FixBundle(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// What a backup leaves out: a catalogue entry.
    ExcludeFiles(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// A resolver configuration: a catalogue entry.
    ResolvConf(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// The layout of a root volume group: a catalogue entry.
    ImageData(CatalogueResource) kept ["nfs_vers", "nfs_sec"],

    /// A backup of a system: a catalogue entry.
    Mksysb(CatalogueResource) kept ["nfs_vers", "nfs_sec", "creation_date", "source_image", "arch", "version", "release", "mod", "oslevel_r", "oslevel_s"],

    /// An installed `/usr` tree: a catalogue entry.
    Spot(CatalogueResource) kept ["nfs_vers", "nfs_sec", "plat_defined", "arch", "version", "release", "mod", "oslevel_r", "oslevel_s", "Rstate_result"],

    /// A list of resources: one of each type, of scripts and bundles any number.
    ResGroup(ResGroup) kept ["default"],
}

attributes! {
    /// An IP network.
    Ent {
        required {
            /// Network address.
            net_addr: Ipv4Addr,
            /// Subnet mask.
            snm: Ipv4Addr,
        }
        optional {}
        list {
            /// Routes to other networks.
            routing: Route,
        }
    }

    /// A Hardware Management Console.
    Hmc {
        required {
            /// Host name or address, as the master reaches it.
            if1: Interface,
        }
        optional {
            /// Name of the secret with the password of `login`, as `nimctl secret set` stores it, or a path as NIM has it: then it
            /// is the name under which the secret is stored, and no file is read.
            passwd_file: PasswordFile,
            /// User on the HMC for Live Update.
            login: String,
            /// Port of the REST interface, which the LPARs use; 12443 where it is not set.
            mgmt_port: NonZeroU16,
            /// Host name or address of the HMC as the LPARs reach it, where it differs from the one in `if1`. Ours.
            lpar_address: String,
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User for queries over SSH; `login` where it is not set. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
            /// Most Live Updates at a time on all its frames; the setting of `nimd` where it is not set. Ours.
            limit: NonZeroU32,
        }
        list {
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
        }
    }

    /// A managed system: a frame.
    Cec {
        required {
            /// Machine type, four characters.
            hw_type: FixedText<4>,
            /// Model, three characters.
            hw_model: FixedText<3>,
            /// Serial number, seven characters.
            hw_serial: FixedText<7>,
        }
        optional {
            /// Its name on the HMC, where that differs from the object's.
            system_name: String,
            /// Most Live Updates at a time on it; the setting of `nimd` where it is not set. Ours.
            limit: NonZeroU32,
        }
        list {
            /// The HMCs that manage it, the preferred one first.
            mgmt_source: ObjectName => Hmc,
            /// Disks that Live Updates of all LPARs on it may use: `udid:ID`, `pvid:ID` or `lun:PATTERN`, in which `{lpar}` stands for
            /// the LPAR's name. Ours.
            disk_pool: PoolEntry,
        }
    }

    /// A Virtual I/O Server.
    Vios {
        required {
            /// Host name or address.
            if1: Interface,
            /// The frame it is on.
            mgmt_source: ObjectName => Cec,
            /// Partition id on that frame.
            identity: LparId,
        }
        optional {
            /// Hardware platform; `chrp`.
            platform: String,
            /// Kernel for network boot; `64`.
            netboot_kernel: String,
            /// Cable type of the first interface.
            cable_type1: String,
            /// How NIM would reach it. This master uses SSH whatever it says.
            connect: String,
            /// Machine id as `uname -m` prints it.
            cpuid: String,
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User for queries over SSH; `padmin` where it is not set. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
        }
        list {
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
            /// A resource that is allocated to it, as `allocate` does. Ours: NIM shows each under its type.
            allocated: ObjectName => LppSource | LiveUpdateData | Script | FbScript | InstallpBundle | FixBundle | ExcludeFiles | ResolvConf | ImageData | Mksysb | Spot,
        }
    }

    /// The NIM master itself, as other objects and tools name it. Its name is `master`.
    Master {
        required {
            /// Host name or address.
            if1: Interface,
        }
        optional {
            /// Hardware platform; `chrp`.
            platform: String,
            /// Kernel for network boot; `64`.
            netboot_kernel: String,
            /// Cable type of the first interface.
            cable_type1: String,
            /// Machine id as `uname -m` prints it.
            cpuid: String,
        }
        list {}
    }

    /// An AIX LPAR.
    Standalone {
        required {
            /// Host name or address.
            if1: Interface,
        }
        optional {
            /// Hardware platform; `chrp`.
            platform: String,
            /// Kernel for network boot; `64`.
            netboot_kernel: String,
            /// Cable type of the first interface.
            cable_type1: String,
            /// How NIM would reach it. This master uses SSH whatever it says.
            connect: String,
            /// The frame it is on.
            mgmt_source: ObjectName => Cec,
            /// Partition id on that frame. A Live Update usually changes it.
            identity: LparId,
            /// Machine id as `uname -m` prints it.
            cpuid: String,
            /// Name of the partition on the HMC, where that differs from the object's. Ours.
            partition_name: String,
            /// Serial of the machine as AIX reports it; learned at the first contact. Ours.
            machine_serial: String,
            /// Installation of the agent; learned at the first contact. Ours.
            installation: InstallationId,
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User that logs in; `root` where it is not set. Any other needs sudo for the agent. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
        }
        list {
            /// Further host names or addresses, tried in order after the one in `if1`. Ours.
            ssh_address: String,
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
            /// Disks that its Live Updates may use, beside those of its frame: `udid:ID`, `pvid:ID` or `lun:PATTERN`. Ours.
            disk_pool: PoolEntry,
            /// A resource that is allocated to it, as `allocate` does. Ours: NIM shows each under its type.
            allocated: ObjectName => LppSource | LiveUpdateData | Script | FbScript | InstallpBundle | FixBundle | ExcludeFiles | ResolvConf | ImageData | Mksysb | Spot,
        }
    }

    /// Content of an `lvupdate.data` file. Either `location` or `content`.
    LiveUpdateData {
        required {}
        optional {
            /// Where the file is: only `master`.
            server: ObjectName,
            /// Absolute path of the file on the master.
            location: String,
            /// The content itself, in place of a file; a handlebars template. Ours.
            content: String,
        }
        list {}
    }

    /// A folder of packages.
    LppSource {
        required {
            /// Absolute path of the folder on `server`.
            location: String,
        }
        optional {
            /// Where the folder is: `master` where it is not set, or a host name or address.
            server: String,
            /// How LPARs get at it. Ours.
            access: Access,
        }
        list {}
    }

    /// A list of machines.
    MacGroup {
        required {}
        optional {}
        list {
            /// A machine in the group.
            member: ObjectName => Standalone | Vios,
            /// A member that operations on the group leave alone, as `select` does. Ours: NIM shows it beside the member.
            excluded: ObjectName => Standalone | Vios,
        }
    }

    /// A resource that is a catalogue entry here: where it is.
    CatalogueResource {
        required {
            /// Absolute path on `server`.
            location: AbsolutePath,
        }
        optional {
            /// Where it is: `master` where it is not set, or a machine.
            server: String,
        }
        list {}
    }

    /// A list of resources: one of each type, of scripts and bundles any number.
    ResGroup {
        required {}
        optional {
            /// Packages.
            lpp_source: ObjectName => LppSource,
            /// Content of `lvupdate.data`.
            live_update_data: ObjectName => LiveUpdateData,
            /// An installed `/usr` tree.
            spot: ObjectName => Spot,
            /// A backup.
            mksysb: ObjectName => Mksysb,
            /// A resolver configuration.
            resolv_conf: ObjectName => ResolvConf,
            /// A layout of a root volume group.
            image_data: ObjectName => ImageData,
            /// What a backup leaves out.
            exclude_files: ObjectName => ExcludeFiles,
            /// A list of fixes.
            fix_bundle: ObjectName => FixBundle,
        }
        list {
            /// A script.
            script: ObjectName => Script,
            /// A script for the first boot.
            fb_script: ObjectName => FbScript,
            /// A list of packages.
            installp_bundle: ObjectName => InstallpBundle,
        }
    }
}

crate::stage::names! {
    /// How LPARs get at the packages of an `lpp_source`.
    Access, "way of access" {
        /// The agent mounts it from `server` over NFS, read-only, for the operation.
        Nfs = "nfs",
        /// Each LPAR sees it at `location` already.
        Local = "local",
        /// The master sends the files over SSH.
        Push = "push",
    }
}

scalar!(Access);
