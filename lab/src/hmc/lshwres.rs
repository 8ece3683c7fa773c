//! `lshwres -r mem` and `-r proc`, of the frame and of its partitions; `-r virtualio` and `-r io` (HV §2.3, §2.4).

use super::table::{Options, Row, print};
use super::{Failure, frame_named, missing};
use crate::world::World;
use crate::world::frame::{Frame, HPT_RATIO, PER_PROCESSOR, Partition, PartitionState};

pub(super) fn run(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let options = Options::read(arguments)?;
    let frame = frame_named(world, hmc, options.system.as_deref())?;
    let per_lpar = |row: fn(&Frame, &Partition) -> Row| {
        options.names_exist(frame)?;
        let rows = frame.partitions.iter().filter(|partition| options.selects(partition));
        print(&rows.map(|one| row(frame, one)).collect::<Vec<_>>(), &options)
    };
    match (options.resource.as_deref(), options.level.as_deref()) {
        (Some("mem"), Some("sys")) => print(&[system_memory(frame)], &options),
        (Some("proc"), Some("sys")) => print(&[system_processors(frame)], &options),
        (Some("mem"), Some("lpar")) => per_lpar(memory),
        (Some("proc"), Some("lpar")) => per_lpar(processors),
        (Some("mem" | "proc"), _) => Err(missing("--level")),
        (Some("procpool"), _) => print(&pools(frame), &options),
        (Some("virtualio"), level) => match (options.subtype.as_deref(), level) {
            (Some("slot"), Some("lpar")) => per_lpar(slots),
            (Some("scsi"), _) => print(&scsi(frame), &options),
            _ => Err(missing("--rsubtype")),
        },
        (Some("io"), _) => match options.subtype.as_deref() {
            Some("slot") => print(&physical(frame), &options),
            _ => Err(missing("--rsubtype")),
        },
        _ => Err(missing("-r")),
    }
}

/// Virtual slots of a partition: a few are in use (HV §2.4: 0 and 1 are the serial adapters).
fn slots(_: &Frame, partition: &Partition) -> Row {
    let most = if partition.env == "vioserver" { 1000 } else { 64 };
    vec![
        ("lpar_name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("curr_max_virtual_slots", most.to_string()),
        ("pend_max_virtual_slots", most.to_string()),
        (
            "next_avail_virtual_slot",
            if partition.odd.no_virtual_slot { most } else { 10 }.to_string(),
        ),
    ]
}

/// Each virtual SCSI adapter of a VIO server and the client's at its other end (HV §2.4).
fn scsi(frame: &Frame) -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, (name, vios)) in (2_u32..).zip(&frame.vioses) {
        let Some(server) = frame.named(name) else { continue };
        for vhost in &vios.vhosts {
            let Some(client) = frame.partition(vhost.client_id) else { continue };
            let ends = [
                (server, vhost.slot, "server", client, number),
                (client, number, "client", server, vhost.slot),
            ];
            rows.extend(ends.map(|(own, slot, kind, other, other_slot)| {
                let open = vhost.open && kind == "server";
                let end = |text: String| if open { "any".to_owned() } else { text };
                vec![
                    ("lpar_name", own.name.clone()),
                    ("lpar_id", own.id.to_string()),
                    ("slot_num", slot.to_string()),
                    ("state", "1".to_owned()),
                    ("is_required", "0".to_owned()),
                    ("adapter_type", kind.to_owned()),
                    ("remote_lpar_id", end(other.id.to_string())),
                    ("remote_lpar_name", other.name.clone()),
                    ("remote_slot_num", end(other_slot.to_string())),
                ]
            }));
        }
    }
    rows
}

/// One physical slot for each VIO server (HV §2.4), and what others have.
fn physical(frame: &Frame) -> Vec<Row> {
    let servers = frame.partitions.iter().filter(|one| one.env == "vioserver");
    let row = |(number, one): (u32, &Partition)| {
        vec![
            ("lpar_name", one.name.clone()),
            ("lpar_id", one.id.to_string()),
            ("drc_name", format!("U78D2.001.WZS01K8-P1-C{number}")),
            ("description", "PCIe3 4-Port 16Gb FC Adapter".to_owned()),
        ]
    };
    let others = frame.partitions.iter().flat_map(|one| {
        one.odd.physical_slots.iter().map(move |text| {
            vec![
                ("lpar_name", one.name.clone()),
                ("lpar_id", one.id.to_string()),
                ("drc_name", format!("U78D2.001.WZS01K8-P1-C{}", 20 + one.id)),
                ("description", text.clone()),
            ]
        })
    });
    (1..).zip(servers).map(row).chain(others).collect()
}

fn system_memory(frame: &Frame) -> Row {
    vec![
        ("configurable_sys_mem", frame.configurable_mb.to_string()),
        ("curr_avail_sys_mem", frame.free_mb().to_string()),
        ("pend_avail_sys_mem", frame.free_mb().to_string()),
        ("installed_sys_mem", frame.configurable_mb.to_string()),
        ("deconfig_sys_mem", "0".to_owned()),
        ("sys_firmware_mem", frame.hypervisor_mb().to_string()),
        ("mem_region_size", frame.region_mb.to_string()),
        ("pend_mem_region_size", frame.region_mb.to_string()),
    ]
}

fn system_processors(frame: &Frame) -> Row {
    vec![
        ("configurable_sys_proc_units", units(frame.configurable_hundredths)),
        ("curr_avail_sys_proc_units", units(frame.free_hundredths())),
        ("pend_avail_sys_proc_units", units(frame.free_hundredths())),
        ("installed_sys_proc_units", units(frame.configurable_hundredths)),
        ("deconfig_sys_proc_units", "0.0".to_owned()),
        ("min_proc_units_per_virtual_proc", units(PER_PROCESSOR)),
    ]
}

fn memory(_: &Frame, partition: &Partition) -> Row {
    let own = partition.memory_mb.to_string();
    let maximum = partition.most_mb().to_string();
    let minimum = partition.memory_mb.min(2048).to_string();
    vec![
        ("lpar_name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("curr_min_mem", minimum.clone()),
        ("curr_mem", own.clone()),
        ("curr_max_mem", maximum.clone()),
        ("pend_min_mem", minimum.clone()),
        ("pend_mem", own.clone()),
        ("pend_max_mem", maximum),
        ("run_min_mem", minimum),
        ("run_mem", if active(partition) { own } else { "0".to_owned() }),
        ("mem_mode", "ded".to_owned()),
        ("curr_hpt_ratio", format!("1:{HPT_RATIO}")),
    ]
}

/// Pools of processors; of the default pool no number is shown (HV §2.3).
fn pools(frame: &Frame) -> Vec<Row> {
    let row = |id: u32, name: &str, [most, reserved]: [String; 2]| {
        let members = || frame.partitions.iter().filter(|one| one.pool == id);
        let list =
            |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(",") };
        vec![
            ("name", name.to_owned()),
            ("shared_proc_pool_id", id.to_string()),
            ("max_pool_proc_units", most),
            ("curr_reserved_pool_proc_units", reserved.clone()),
            ("pend_reserved_pool_proc_units", reserved),
            ("lpar_names", list(members().map(|one| one.name.clone()).collect())),
            ("lpar_ids", list(members().map(|one| one.id.to_string()).collect())),
        ]
    };
    let default = row(0, DEFAULT_POOL, ["null", "null"].map(ToOwned::to_owned));
    let others = frame.pools.iter().map(|pool| {
        row(pool.id, &pool.name, [pool.most_hundredths, pool.reserved_hundredths].map(units))
    });
    std::iter::once(default).chain(others).collect()
}

const DEFAULT_POOL: &str = "DefaultPool";

fn processors(frame: &Frame, partition: &Partition) -> Row {
    let own = units(partition.hundredths);
    let pool = frame.pools.iter().find(|pool| pool.id == partition.pool);
    let pool = pool.map_or(DEFAULT_POOL, |pool| &pool.name);
    vec![
        ("lpar_name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("curr_shared_proc_pool_id", partition.pool.to_string()),
        ("curr_shared_proc_pool_name", pool.to_owned()),
        ("curr_proc_mode", "shared".to_owned()),
        ("curr_min_proc_units", units(partition.min_hundredths)),
        ("curr_proc_units", own.clone()),
        ("curr_max_proc_units", units(partition.desired_hundredths * 2)),
        ("curr_min_procs", "1".to_owned()),
        ("curr_procs", partition.procs.to_string()),
        ("curr_max_procs", (partition.procs * 2).to_string()),
        ("curr_sharing_mode", "uncap".to_owned()),
        ("curr_uncap_weight", "128".to_owned()),
        ("pend_proc_units", own.clone()),
        ("pend_procs", partition.procs.to_string()),
        ("run_proc_units", if active(partition) { own } else { "0.0".to_owned() }),
        ("run_procs", if active(partition) { partition.procs } else { 0 }.to_string()),
    ]
}

fn active(partition: &Partition) -> bool {
    partition.state != PartitionState::NotActivated
}

/// Mixed formats on purpose, as captured: `0.3`, `1.0`, `0.25` (HV §8).
fn units(hundredths: u64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}
