//! The preview: estimates and checks (LU §2.2, §2.3). A real run goes through the same first.
//!
//! Sentences of checks that fail are known for a few only. The others are the negated sentence with a number of the lab's own range,
//! 9999, so that nobody takes them for IBM's.

use super::say::Printer;
use crate::Phase;
use crate::aix::Context;
use crate::aix::hmcauth::hmc_at;
use crate::aix::lvupdate::Data;
use crate::aix::media::Selection;
use crate::fault::Fault;
use crate::world::World;
use crate::world::lpar::{DUMP_MB, Lpar, PAGING_MB, Style};
use crate::world::update::CpuReduction;
use crate::world::update::second_half;

/// What is printed when no token fits (LU §3.1, exact).
pub(in crate::aix) const NO_TOKEN: [&str; 4] = [
    "1430-246 FAILED: No valid authentication with an HMC console.",
    "Use the 'hmcauth -l' command to check the HMC authentication.",
    "If needed, run 'hmcauth' command to authenticate with HMC.",
    "Check that the attributes of 'hmc' stanza in the lvupdate.data match the hmcauth values.",
];

/// Free space that /var and / must have, in MB (LU L14, L15).
const SPACE_MB: u64 = 100;
const THIN: &str = "------------------------------------------";

/// Prints everything a preview prints before its last sentence. Whether all checks passed.
pub(super) fn all(
    context: &Context,
    printer: &mut Printer<'_>,
    data: &Data,
    selection: &Selection,
) -> anyhow::Result<bool> {
    printer.enter(Phase::Preview)?;
    let world = context.world()?;
    let lpar = world.lpar(&context.name)?;
    let mut failed = 0;
    printer.plain("Validating live update input data.")?;
    printer.plain("")?;
    printer.wait(Phase::Preview, Phase::Preview.sample_seconds())?;
    estimate(context, printer, &world, lpar, data)?;
    failed += disk(printer, lpar, "mirror vg", &data.disks("mhdisk"), false)?;
    failed +=
        disk(printer, lpar, "new root vg", &data.disks("nhdisk"), lpar.has(Fault::DiskTooSmall))?;
    for (what, size) in [("paging space", PAGING_MB), ("dump", DUMP_MB)] {
        printer.plain(&format!("Checking temporary {what} device size:"))?;
        printer.plain(THIN)?;
        printer.plain(&format!("Required device size: {size} MB"))?;
        printer.plain("")?;
    }
    printer.plain("Validating the adapters and their paths:")?;
    printer.plain(THIN)?;
    failed += verdict(
        printer,
        &Check {
            passed: "adapters can be divided into two sets so that each has paths to all disks.",
            failed: (!paths_divide(lpar)).then_some("9999-002"),
        },
    )?;
    printer.plain("")?;
    printer.plain("Checking other requirements:")?;
    printer.plain(THIN)?;
    let now = printer.now;
    for row in table(context, &world, lpar, data, selection, now) {
        failed += verdict(printer, &row)?;
    }
    printer.plain("INFO: Any system dumps present in the current dump logical volumes will not be available after live update is complete.")?;
    Ok(failed == 0)
}

/// The end of a preview (LU §2.2 rows 11 and 12, §2.5 first line).
pub(super) fn summary(
    context: &Context,
    printer: &mut Printer<'_>,
    passed: bool,
) -> anyhow::Result<u8> {
    let boxed = printer.style == Style::A && context.lpar()?.software.level.as_str() >= "7200-05";
    if boxed {
        let line = format!("+{}+", "-".repeat(77));
        printer.plain(&line)?;
        printer.plain("                    Live Update Preview Summary...")?;
        printer.plain(&line)?;
    }
    if passed {
        printer.progress("The live update preview succeeded.")?;
    }
    if boxed {
        let stars = "*".repeat(79);
        printer.plain("")?;
        printer.plain(&stars)?;
        printer.plain(
            "End of Live Update PREVIEW:  No Live Update operation has actually occurred.",
        )?;
        printer.plain(&stars)?;
    }
    Ok(u8::from(!passed))
}

/// Blackout in milliseconds: 8 s, half a second for each file system over ten, 0.05 s per GB, 6 s more on 7.3 with cpu_reduction (LU §8.4).
pub(super) fn blackout_milliseconds(
    world: &World,
    lpar: &Lpar,
    name: &str,
    data: &Data,
) -> anyhow::Result<u64> {
    let memory_mb = world.partition_of(name)?.memory_mb;
    let mounted = u64::try_from(lpar.filesystems.len() + lpar.mounts.len() + 1)?;
    let reduced = reduction(lpar, data) == CpuReduction::Always;
    let sum = 8000
        + 500 * mounted.saturating_sub(10)
        + 50 * memory_mb / 1024
        + if reduced { 6000 } else { 0 };
    // Style B prints whole seconds; the freeze lasts what is printed.
    Ok(sum.div_ceil(1000) * 1000)
}

/// Whether the original gives up processors: from 7.3 on in any case, before where they are short, and not before 7200-03 (LU §1.2).
pub(super) fn reduction(lpar: &Lpar, data: &Data) -> CpuReduction {
    let asked = data.value("general", "cpu_reduction") == Some("yes");
    match lpar.release() {
        _ if !asked || lpar.software.level.as_str() < "7200-03" => CpuReduction::No,
        7300.. => CpuReduction::Always,
        _ => CpuReduction::WhereShort,
    }
}

fn estimate(
    context: &Context,
    printer: &mut Printer<'_>,
    world: &World,
    lpar: &Lpar,
    data: &Data,
) -> anyhow::Result<()> {
    let blackout = blackout_milliseconds(world, lpar, &context.name, data)? / 1000;
    let rest: u32 = Phase::ALL
        .into_iter()
        .filter(|phase| *phase > Phase::Countdown)
        .map(Phase::sample_seconds)
        .sum();
    let total = u64::from(rest) * u64::from(lpar.size_tenths) / 10 + blackout;
    printer.plain("Computing the estimated time for the live update operation:")?;
    printer.plain("-------------------------------------------------------")?;
    printer.plain(&format!("LPAR: {}", context.name))?;
    if let (Style::A, Some(hmc)) = (lpar.style, data.value("hmc", "management_console")) {
        printer.plain(&format!("  HMC: {hmc}"))?;
        printer.plain(&format!("  user: {}", data.value("hmc", "user").unwrap_or_default()))?;
    }
    printer.plain("Mode: F")?;
    // The published estimate was nearly three times what the workload saw, the total a little short (LU §2.2).
    printer.plain(&format!("Blackout_time(s): {}", blackout * 5 / 2))?;
    printer.plain(&format!("Global_time(s): {}", total * 95 / 100))?;
    printer.plain("")
}

fn disk(
    printer: &mut Printer<'_>,
    lpar: &Lpar,
    what: &str,
    names: &[String],
    small: bool,
) -> anyhow::Result<u32> {
    let required = lpar.rootvg_used_mb();
    let sizes: Option<Vec<u64>> = names
        .iter()
        .map(|name| lpar.disk(name).filter(|disk| disk.vg.is_none()).map(|disk| disk.size_mb))
        .collect();
    let given: u64 = sizes.unwrap_or_default().iter().sum();
    let given = if small { required / 2 } else { given };
    printer.plain(&format!("Checking {what} device size:"))?;
    printer.plain(THIN)?;
    printer.plain(&format!("Required device size: {required} MB"))?;
    printer.plain(&format!("Given device size: {given} MB"))?;
    let failed = verdict(
        printer,
        &Check {
            passed: "device size is sufficient.",
            failed: (given < required).then_some("9999-001"),
        },
    )?;
    printer.plain("")?;
    Ok(failed)
}

/// One line of the preview.
struct Check {
    passed: &'static str,
    /// Message number when it fails.
    failed: Option<&'static str>,
}

fn verdict(printer: &mut Printer<'_>, check: &Check) -> anyhow::Result<u32> {
    let Some(number) = check.failed else {
        // A check of which only the failure is known says nothing when it passes.
        if !check.passed.is_empty() {
            printer.plain(&format!("PASSED: {}", check.passed))?;
        }
        return Ok(0);
    };
    match number {
        "1430-246" => {
            for line in NO_TOKEN {
                printer.plain(line)?;
            }
        }
        "1430-143" => printer.plain("1430-143 FAILED: Audit in stream mode is not supported.")?,
        "1430-237" => printer.plain("1430-237 FAILED: No management console specified.")?,
        "1430-244" => {
            printer.plain("1430-244 FAILED: file system(s) of unsupported type are mounted")?;
            printer.plain("/cdrom")?;
        }
        other => printer.plain(&format!("{other} FAILED: not so: {}", check.passed))?,
    }
    Ok(1)
}

/// Every check in the order of LU §2.3. Those that nothing in the lab can fail just pass.
fn table(
    context: &Context,
    world: &World,
    lpar: &Lpar,
    data: &Data,
    selection: &Selection,
    now: u64,
) -> Vec<Check> {
    let vg = |name: &str| lpar.disks.iter().any(|disk| disk.vg.as_deref() == Some(name));
    let space = |path: &str| {
        lpar.filesystem_of(path).is_some_and(|fs| crate::aix::df::sizes(lpar, fs).1 >= SPACE_MB)
    };
    let console =
        data.value("hmc", "management_console").filter(|_| !lpar.has(Fault::NoManagementConsole));
    let token = console
        .is_some_and(|console| has_token(world, lpar, console, data.value("hmc", "user"), now));
    let boots = lpar.boot_disk().is_some_and(|disk| lpar.bootlist.first() == Some(&disk.name));
    let wanted_id = data.value("hmc", "lpar_id").and_then(|id| id.parse::<u32>().ok());
    let id_free = wanted_id.is_none_or(|id| {
        world.frame_of(&context.name).is_ok_and(|frame| frame.partition(id).is_none())
    });
    let fits = !lpar.variation.capacity_in_preview
        || world.fits(&context.name, reduction(lpar, data)).is_ok();
    let mounted = !lpar.has(Fault::UnsupportedFs)
        && lpar.filesystems.iter().all(|fs| fs.kind == "jfs2")
        && lpar.mounts.iter().all(|mount| mount.kind.starts_with("nfs"));
    let streaming =
        crate::aix::audit::streams(context, lpar) && lpar.software.level.as_str() < "7300-03";
    // With updates it has to be off (LU S08).
    let trusted = crate::aix::trustchk::is_on(context, "TE") && !selection.filesets.is_empty();
    let system = &lpar.system;
    let policy_off = |name: &str| !crate::aix::trustchk::is_on(context, name);
    let no_device = |class: &str| !system.devices.iter().any(|device| device.class == class);
    let active_wpar = system.workload_partitions.values().any(|state| *state == 'A');
    let firmware = world.frame_of(&context.name).is_ok_and(|frame| supported(&frame.firmware));
    let restarts =
        world.partition_of(&context.name).is_ok_and(|partition| partition.odd.remote_restart);
    let applicable = selection.ifixes.iter().all(|ifix| ifix.live_update);
    let pass = |passed| Check { passed, failed: None };
    let check = |passed, ok: bool, number| Check { passed, failed: (!ok).then_some(number) };
    let mut rows = vec![
        check("sufficient space available in /var.", space("/var"), "9999-003"),
        check("sufficient space available in /.", space("/"), "9999-004"),
    ];
    // Where it is accepted nothing is known to be printed.
    if !vg("altinst_rootvg") || lpar.variation.altinst_refused {
        rows.push(check("no existing altinst_rootvg.", !vg("altinst_rootvg"), "9999-005"));
    }
    rows.extend([
        check("rootvg is not part of a snapshot.", system.snapshot.is_none(), "9999-006"),
        check(
            "pkcs11 is not installed.",
            !lpar.software.filesets.contains_key("security.pkcs11"),
            "9999-007",
        ),
        check("rootvg is not part of a snapshot.", system.snapshot.is_none(), "9999-006"),
        check(
            "The trustchk Trusted Execution Policy is not on.",
            !trusted && policy_off("TEP"),
            "9999-008",
        ),
        check("The trustchk Trusted Library Policy is not on.", policy_off("TLP"), "9999-009"),
        check(
            "The trustchk TSD_FILES_LOCK policy is not on.",
            policy_off("TSD_FILES_LOCK"),
            "9999-010",
        ),
        check("the boot disk is set to the current rootvg.", boots, "9999-011"),
        check(
            "the mirrorvg name is available.",
            !(vg("lvup_rootvg") && lpar.variation.leftover_refused),
            "9999-012",
        ),
        check("the rootvg is uniformly mirrored.", system.copies.is_empty(), "9999-013"),
        pass("the rootvg does not have the maximum number of mirror copies."),
        check(
            "the rootvg does not have stale logical volumes.",
            system.stale_partitions == 0,
            "9999-015",
        ),
        check("all of the mounted file systems are of a supported type.", mounted, "1430-244"),
        check("this AIX instance is not diskless.", vg("rootvg"), "9999-017"),
        check(
            "no Kerberos configured for NFS mounts.",
            !lpar.mounts.iter().any(|mount| mount.options.contains("sec=krb5")),
            "9999-018",
        ),
        check("multibos environment not present.", system.volumes.is_empty(), "9999-019"),
        check("Trusted Computing Base not defined.", !system.trusted_base, "9999-020"),
        check("no local tape devices found.", no_device("tape"), "9999-021"),
        pass("live update not executed from console."),
        pass("the execution environment is valid."),
        pass("enough available space for /var to dump Component Trace buffers."),
        pass("enough available space for /var to dump Light weight memory Trace buffers."),
        check("all devices are virtual devices.", no_device("adapter"), "9999-026"),
        check("No active workload partition found.", !active_wpar, "9999-027"),
        pass("nfs configuration supported."),
    ]);
    if console.is_none() {
        rows.push(Check { passed: "", failed: Some("1430-237") });
    } else if !token {
        rows.push(Check { passed: "", failed: Some("1430-246") });
    } else {
        rows.extend([
            pass("HMC token is present."),
            pass("HMC token is valid."),
            check("HMC requests successful.", fits, "9999-031"),
            check("Provided LPAR ID is available.", id_free, "9999-032"),
            pass("A virtual slot is available."),
        ]);
    }
    rows.extend([
        check("RSCT daemons are active.", lpar.runs("ctrmc", now), "9999-034"),
        check(
            "no Kerberos configuration.",
            !context.path("/etc/krb5/krb5.conf").exists(),
            "9999-035",
        ),
        check("lpar is not remote restart capable.", !restarts, "9999-036"),
        check("no virtual log device configured.", no_device("vlog"), "9999-037"),
        check(
            "lpar is not using shared memory or ams resources are available.",
            system.memory_mode.is_none(),
            "9999-038",
        ),
        pass("the disk configuration is supported."),
        check(
            "no Generic Routing Encapsulation (GRE) tunnel configured.",
            system.interfaces.is_empty(),
            "9999-040",
        ),
        check("Firmware level is supported.", firmware, "9999-041"),
        pass("vNIC resources available."),
        check("", !streaming, "1430-143"),
        check("", applicable, "9999-045"),
    ]);
    rows
}

/// `VL950_105` and the like; the oldest that is supported everywhere is 810 (LU §4.1 L07).
fn supported(firmware: &str) -> bool {
    let release = firmware.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    release
        .split('_')
        .next()
        .and_then(|text| text.parse::<u32>().ok())
        .is_some_and(|one| one >= 810)
}

/// A token that has not run out, for the HMC and user of lvupdate.data. Names and addresses of one HMC are the same (LU §1.4).
fn has_token(world: &World, lpar: &Lpar, console: &str, user: Option<&str>, now: u64) -> bool {
    let Some(hmc) = hmc_at(world, console) else { return false };
    lpar.tokens.iter().any(|token| {
        hmc_at(world, &token.address).as_ref() == Some(&hmc)
            && Some(token.user.as_str()) == user
            && token.expires > now
    })
}

/// Both halves of the adapters reach every disk.
fn paths_divide(lpar: &Lpar) -> bool {
    let second = second_half(lpar);
    let reaches = |disk: &str, in_second: bool| {
        lpar.paths.iter().any(|path| {
            path.disk == disk
                && path.status == "Enabled"
                && second.contains(&path.parent) == in_second
        })
    };
    lpar.disks.iter().all(|disk| reaches(&disk.name, true) && reaches(&disk.name, false))
}
