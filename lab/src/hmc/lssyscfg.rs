//! `lssyscfg -r sys`, `-r lpar` and `-r prof` (HV §2.2).

use super::table::{Options, Row, print};
use super::{Failure, frame_named, frames, missing};
use crate::world::World;
use crate::world::frame::{Frame, Partition, PartitionState};
use crate::world::update::SUFFIX;

pub(super) fn run(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let options = Options::read(arguments)?;
    match options.resource.as_deref() {
        Some("sys") => {
            let rows = frames(world, hmc).filter(|(name, frame)| {
                options
                    .system
                    .as_ref()
                    .is_none_or(|wanted| wanted == *name || *wanted == frame.mtms())
            });
            print(&rows.map(|(name, frame)| system(name, frame)).collect::<Vec<_>>(), &options)
        }
        Some("lpar") => {
            let frame = frame_named(world, hmc, options.system.as_deref())?;
            options.names_exist(frame)?;
            let rows = frame.partitions.iter().filter(|partition| options.selects(partition));
            let silent = frames(world, hmc)
                .find(|(_, one)| one.serial == frame.serial)
                .map(|(name, _)| world.without_rmc(name))
                .unwrap_or_default();
            let rows = rows.map(|partition| lpar(frame, partition, &silent));
            print(&rows.collect::<Vec<_>>(), &options)
        }
        Some("prof") => {
            let frame = frame_named(world, hmc, options.system.as_deref())?;
            options.names_exist(frame)?;
            let rows = frame.partitions.iter().filter(|partition| options.selects(partition));
            print(&rows.map(|partition| profile(frame, partition)).collect::<Vec<_>>(), &options)
        }
        _ => Err(missing("-r")),
    }
}

fn system(name: &str, frame: &Frame) -> Row {
    vec![
        ("name", name.to_owned()),
        ("type_model", frame.type_model.clone()),
        ("serial_num", frame.serial.clone()),
        ("ipaddr", frame.ipaddr.clone()),
        ("ipaddr_secondary", String::new()),
        ("state", frame.state.clone()),
        ("state_detail", "None".to_owned()),
        ("sp_type", service_processor(&frame.type_model).to_owned()),
        ("max_lpars", frame.max_lpars.to_string()),
        ("service_lpar_id", "none".to_owned()),
        ("lpar_proc_compat_modes", "default,POWER8,POWER9_base,POWER9".to_owned()),
    ]
}

/// Newer scale-out frames have an eBMC (HV §2.2 shows it of this one).
fn service_processor(type_model: &str) -> &'static str {
    if type_model == "9105-42A" { "ebmc" } else { "fsp" }
}

/// One partition; `silent` are those that RMC does not reach.
fn lpar(frame: &Frame, partition: &Partition, silent: &[u32]) -> Row {
    let running = partition.state == PartitionState::Running;
    let migration = if partition.odd.migrating { "Migration Starting" } else { "Not Migrating" };
    let reached = running && !silent.contains(&partition.id);
    vec![
        ("name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("lpar_env", partition.env.clone()),
        ("state", partition.state.name().to_owned()),
        ("resource_config", "1".to_owned()),
        ("os_version", if running { partition.os_version.clone() } else { "Unknown".to_owned() }),
        ("logical_serial_num", format!("{}V{}", frame.serial, partition.id)),
        ("default_profile", "default_profile".to_owned()),
        ("curr_profile", "default_profile".to_owned()),
        ("work_group_id", "none".to_owned()),
        ("rmc_state", if reached { "active" } else { "inactive" }.to_owned()),
        ("rmc_ipaddr", if reached { partition.rmc_ipaddr.clone() } else { String::new() }),
        ("sync_curr_profile", u8::from(partition.odd.profile_synced).to_string()),
        ("simplified_remote_restart_capable", u8::from(partition.odd.remote_restart).to_string()),
        ("migration_state", migration.to_owned()),
        ("uuid", partition.uuid.clone()),
    ]
}

/// The profile of a partition: what its next activation would get, whatever it holds now.
fn profile(frame: &Frame, partition: &Partition) -> Row {
    let times = |number: u64, of: u64| (number * of).to_string();
    let units = |hundredths: u64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let (memory, procs) = (partition.memory_mb, u64::from(partition.procs));
    let none = || "none".to_owned();
    let mut row: Row = vec![
        ("name", "default_profile".to_owned()),
        ("lpar_name", partition.name.clone()),
        ("lpar_id", partition.id.to_string()),
        ("lpar_env", partition.env.clone()),
        ("all_resources", "0".to_owned()),
        ("min_mem", memory.min(2048).to_string()),
        ("desired_mem", memory.to_string()),
        ("max_mem", times(memory, 2)),
        ("mem_mode", "ded".to_owned()),
        ("hpt_ratio", "1:128".to_owned()),
        ("proc_mode", "shared".to_owned()),
        ("min_proc_units", units(partition.min_hundredths)),
        ("desired_proc_units", units(partition.desired_hundredths)),
        ("max_proc_units", units(partition.desired_hundredths * 2)),
        ("min_procs", "1".to_owned()),
        ("desired_procs", procs.to_string()),
        ("max_procs", times(procs, 2)),
        ("sharing_mode", "uncap".to_owned()),
        ("uncap_weight", "128".to_owned()),
        ("shared_proc_pool_name", "DefaultPool".to_owned()),
        ("io_slots", none()),
        ("max_virtual_slots", "64".to_owned()),
        ("virtual_serial_adapters", "0/server/1/any//any/1,1/server/1/any//any/1".to_owned()),
        ("virtual_scsi_adapters", scsi_clients(frame, partition)),
        ("boot_mode", "norm".to_owned()),
        ("auto_start", "0".to_owned()),
        ("lpar_proc_compat_mode", "default".to_owned()),
    ];
    for (name, value) in &mut row {
        if let Some(other) = partition.odd.profile.get(*name) {
            value.clone_from(other);
        }
    }
    row
}

/// The virtual SCSI client adapters in a profile: one to each VIO server that serves the LPAR (HV §2.2, §2.4).
fn scsi_clients(frame: &Frame, partition: &Partition) -> String {
    let own = partition.name.trim_end_matches(SUFFIX);
    let adapters: Vec<String> = (2_u32..)
        .zip(&frame.vioses)
        .filter_map(|(number, (name, vios))| {
            let vhost = vios.vhosts.iter().find(|vhost| vhost.lpar == own)?;
            let server = frame.named(name)?.id;
            Some(format!("{number}/client/{server}/{name}/{}/0", vhost.slot))
        })
        .collect();
    if adapters.is_empty() { "none".to_owned() } else { adapters.join(",") }
}
