//! `lshwres -r mem` and `-r proc`, of the frame and of its partitions (HV §2.3).

use super::table::{Options, Row, print};
use super::{Failure, frame_named, missing};
use crate::world::World;
use crate::world::frame::{Frame, Partition, PartitionState};

pub(super) fn run(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let options = Options::read(arguments)?;
    let frame = frame_named(world, hmc, options.system.as_deref())?;
    let per_lpar = |row: fn(&Partition) -> Row| {
        options.names_exist(frame)?;
        let rows = frame.partitions.iter().filter(|partition| options.selects(partition));
        print(&rows.map(row).collect::<Vec<_>>(), &options)
    };
    match (options.resource.as_deref(), options.level.as_deref()) {
        (Some("mem"), Some("sys")) => print(&[system_memory(frame)], &options),
        (Some("proc"), Some("sys")) => print(&[system_processors(frame)], &options),
        (Some("mem"), Some("lpar")) => per_lpar(memory),
        (Some("proc"), Some("lpar")) => per_lpar(processors),
        (Some("mem" | "proc"), _) => Err(missing("--level")),
        _ => Err(missing("-r")),
    }
}

fn system_memory(frame: &Frame) -> Row {
    vec![
        ("configurable_sys_mem", frame.configurable_mb.to_string()),
        ("curr_avail_sys_mem", frame.free_mb().to_string()),
        ("pend_avail_sys_mem", frame.free_mb().to_string()),
        ("installed_sys_mem", frame.configurable_mb.to_string()),
        ("deconfig_sys_mem", "0".to_owned()),
        ("sys_firmware_mem", frame.firmware_mb.to_string()),
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
        ("min_proc_units_per_virtual_proc", "0.05".to_owned()),
    ]
}

fn memory(partition: &Partition) -> Row {
    let own = partition.memory_mb.to_string();
    let maximum = (partition.memory_mb * 2).to_string();
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
        ("curr_hpt_ratio", "1:128".to_owned()),
    ]
}

fn processors(partition: &Partition) -> Row {
    let own = units(partition.hundredths);
    vec![
        ("lpar_name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("curr_shared_proc_pool_id", "0".to_owned()),
        ("curr_shared_proc_pool_name", "DefaultPool".to_owned()),
        ("curr_proc_mode", "shared".to_owned()),
        ("curr_min_proc_units", "0.1".to_owned()),
        ("curr_proc_units", own.clone()),
        ("curr_max_proc_units", units(partition.hundredths * 2)),
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
