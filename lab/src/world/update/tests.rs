use super::*;
use crate::site;
use crate::world::vary::Variation;

fn world(vary: impl FnOnce(&mut Variation)) -> World {
    let text = include_str!("../../../../examples/site-small.yaml");
    let mut world = site::build::world(&site::parse("site-small.yaml", text).unwrap());
    let lpar = world.lpar_mut("lpar01").unwrap();
    lpar.variation = Variation::default();
    vary(&mut lpar.variation);
    lpar.update = Some(Update {
        phase: Phase::Init,
        nhdisk: vec!["hdisk1".to_owned()],
        mhdisk: vec!["hdisk2".to_owned()],
        original_id: lpar.partition_id,
        surrogate_id: None,
        target: Software { level: "7200-05-04-2220".to_owned(), ..lpar.software.clone() },
        before: lpar.software.clone(),
        pid: 1,
        booted_at: 0,
        own_hundredths: None,
    });
    world
}

fn volume_groups(world: &World) -> Vec<Option<&str>> {
    world.lpar("lpar01").unwrap().disks.iter().map(|disk| disk.vg.as_deref()).collect()
}

fn names(world: &World) -> Vec<String> {
    let frame = world.frame_of("lpar01").unwrap();
    let ours = frame.partitions.iter().filter(|partition| partition.name.starts_with("lpar01"));
    ours.map(|partition| format!("{} {} {}", partition.name, partition.id, partition.state.name()))
        .collect()
}

fn clients(world: &World) -> Vec<u32> {
    let vioses = world.frame_of("lpar01").unwrap().vioses.values();
    vioses
        .flat_map(|vios| &vios.vhosts)
        .filter(|v| v.lpar == "lpar01")
        .map(|v| v.client_id)
        .collect()
}

fn parents(world: &World) -> Vec<String> {
    let mut parents: Vec<String> =
        world.lpar("lpar01").unwrap().paths.iter().map(|path| path.parent.clone()).collect();
    parents.dedup();
    parents
}

/// LU §5.5, row by row.
#[test]
fn every_step_shows_on_disks_paths_and_hmc_as_tabled() {
    let mut world = world(|_| {});
    let before = (world.frame_of("lpar01").unwrap().free_mb(), clients(&world));
    assert_eq!(before.1, [11, 11]);

    let id = world.take_resources("lpar01", None, CpuReduction::No).unwrap();
    assert_eq!(names(&world), ["lpar01_lku0 11 Running", &format!("lpar01 {id} Not Activated")]);
    assert_eq!(world.frame_of("lpar01").unwrap().free_mb(), before.0 - 4096);

    world.cloned("lpar01").unwrap();
    assert_eq!(volume_groups(&world), [Some("rootvg"), Some("altinst_rootvg"), None]);

    world.surrogate_booted("lpar01").unwrap();
    assert_eq!(parents(&world), ["vscsi0"]);
    assert_eq!(clients(&world), [11, id]);

    world.mirrored("lpar01").unwrap();
    assert_eq!(volume_groups(&world), [Some("rootvg"), Some("altinst_rootvg"), Some("rootvg")]);

    world.moved("lpar01").unwrap();
    assert_eq!(volume_groups(&world), [Some("rootvg"), Some("lvup_rootvg"), None]);
    assert_eq!(parents(&world), ["vscsi1"]);
    assert_eq!(world.lpar("lpar01").unwrap().partition_id, id);
    assert_eq!(world.lpar("lpar01").unwrap().kernel, "7200-05-04-2220");

    world.paths_back("lpar01").unwrap();
    assert_eq!(parents(&world), ["vscsi0", "vscsi1"]);
    world.original_down("lpar01").unwrap();
    world.original_deleted("lpar01").unwrap();
    assert_eq!(names(&world), [format!("lpar01 {id} Running")]);
    assert_eq!(clients(&world), [id, id]);
    assert_eq!(world.frame_of("lpar01").unwrap().free_mb(), before.0);
}

#[test]
fn both_readings_of_the_lpar_id_happen() {
    for (same, expected) in [(true, 11), (false, 3)] {
        let mut world = world(|vary| vary.same_lpar_id = same);
        world.take_resources("lpar01", None, CpuReduction::No).unwrap();
        world.surrogate_booted("lpar01").unwrap();
        world.moved("lpar01").unwrap();
        world.original_deleted("lpar01").unwrap();
        assert_eq!(world.lpar("lpar01").unwrap().partition_id, expected);
        assert_eq!(clients(&world), [expected, expected]);
    }
}

#[test]
fn a_frame_without_room_refuses_and_keeps_everything() {
    let mut world = world(|_| {});
    world.frame_mut("lpar01").unwrap().configurable_mb -= 53_000;
    let before = world.clone();
    assert!(matches!(
        world.take_resources("lpar01", None, CpuReduction::No),
        Err(Refused::Memory { .. })
    ));
    assert_eq!(world, before);
}

#[test]
fn where_page_tables_count_a_surrogate_takes_its_own() {
    let mut world = world(|_| {});
    let free = |world: &World| world.frame_of("lpar01").unwrap().free_mb();
    let before = free(&world);
    let frame = world.frame_mut("lpar01").unwrap();
    let count = frame.partitions.iter().filter(|one| one.memory_mb > 0).count() as u64;
    frame.page_tables = true;
    // 4096 MB, twice that at most: the 128th part is 64, in regions of 256.
    assert_eq!(free(&world), before - 256 * count);
    world.take_resources("lpar01", None, CpuReduction::No).unwrap();
    assert_eq!(free(&world), before - 256 * count - (4096 + 256));
    let frame = world.frame_of("lpar01").unwrap();
    assert_eq!(frame.hypervisor_mb(), frame.firmware_mb + 256 * (count + 1));
}

#[test]
fn an_id_in_use_is_refused() {
    let mut world = world(|_| {});
    assert!(matches!(
        world.take_resources("lpar01", Some(12), CpuReduction::No),
        Err(Refused::Id(Some(12)))
    ));
    assert_eq!(world.take_resources("lpar01", Some(98), CpuReduction::No).unwrap(), 98);
}

#[test]
fn a_rollback_from_any_step_gives_back_what_was_there() {
    type Step = fn(&mut World) -> Result<(), Refused>;
    let steps: [Step; 4] = [
        |world| world.take_resources("lpar01", None, CpuReduction::No).map(drop),
        |world| world.cloned("lpar01"),
        |world| world.surrogate_booted("lpar01"),
        |world| world.mirrored("lpar01"),
    ];
    let mut expected = world(|_| {});
    expected.lpar_mut("lpar01").unwrap().update = None;
    for count in 0..=steps.len() {
        let mut world = world(|_| {});
        for step in &steps[..count] {
            step(&mut world).unwrap();
        }
        world.rolled_back("lpar01").unwrap();
        assert_eq!(world, expected, "after {count} steps");
    }
}

#[test]
fn the_old_system_is_on_mhdisk_or_on_nhdisk() {
    for (swapped, old, boot) in [(false, "hdisk2", "hdisk1"), (true, "hdisk1", "hdisk2")] {
        let mut world = world(|vary| vary.disks_swapped = swapped);
        world.take_resources("lpar01", None, CpuReduction::No).unwrap();
        world.cloned("lpar01").unwrap();
        world.mirrored("lpar01").unwrap();
        world.moved("lpar01").unwrap();
        let lpar = world.lpar("lpar01").unwrap();
        assert_eq!(lpar.disk(boot).unwrap().vg.as_deref(), Some("lvup_rootvg"));
        assert_eq!(lpar.disk(boot).unwrap().image, None);
        assert_eq!(lpar.disk(old).unwrap().image.as_ref().unwrap().level, "7200-05-03-2148");
    }
}

#[test]
fn a_boot_loses_tokens_and_another_disk_brings_its_own_system() {
    let mut world = world(|_| {});
    world.take_resources("lpar01", None, CpuReduction::No).unwrap();
    world.moved("lpar01").unwrap();
    let pvid = world.boot("lpar01", Some("hdisk2"), 5).unwrap().unwrap();
    let lpar = world.lpar("lpar01").unwrap();
    assert_eq!(
        (lpar.software.level.as_str(), lpar.booted_from.as_str()),
        ("7200-05-03-2148", pvid.as_str())
    );
    assert_eq!(lpar.disk("hdisk0").unwrap().vg, None);
    assert_eq!(lpar.disk("hdisk0").unwrap().image.as_ref().unwrap().level, "7200-05-04-2220");
    assert!(lpar.tokens.is_empty());
    assert_eq!(world.boot("lpar01", Some("hdisk1"), 6).unwrap(), None);
    assert_eq!(world.partition_of("lpar01").unwrap().state, PartitionState::OpenFirmware);
}

/// How many hundredths the partitions of lpar01 have, and how many nobody has.
fn processors(world: &World) -> (Vec<u64>, u64) {
    let frame = world.frame_of("lpar01").unwrap();
    let own = frame.partitions.iter().filter(|one| one.name.starts_with("lpar01"));
    (own.map(|one| one.hundredths).collect(), frame.free_hundredths())
}

#[test]
fn processors_that_are_short_come_from_the_original_and_go_back_to_the_one_that_stays() {
    // Of its 0.5 it needs 0.3.
    let with_free = |hundredths: u64| {
        let mut world = world(|_| {});
        let id = world.lpar("lpar01").unwrap().partition_id;
        let frame = world.frame_mut("lpar01").unwrap();
        frame.partition_mut(id).unwrap().min_hundredths = 30;
        frame.configurable_hundredths -= frame.free_hundredths() - hundredths;
        world
    };
    let take = |world: &mut World, reduction| world.take_resources("lpar01", None, reduction);
    let mut short = with_free(10);
    let refused = take(&mut short, CpuReduction::No);
    assert!(matches!(refused, Err(Refused::Processors { free: 10, needed: 50 })), "{refused:?}");
    take(&mut short, CpuReduction::WhereShort).unwrap();
    assert_eq!(processors(&short), (vec![30, 30], 0));
    let partitions = &short.frame_of("lpar01").unwrap().partitions;
    let mut own = partitions.iter().filter(|one| one.name.starts_with("lpar01"));
    assert!(own.all(|one| one.desired_hundredths == 50), "the profile stays as it is");
    let mut back = short.clone();
    back.rolled_back("lpar01").unwrap();
    assert_eq!(processors(&back), (vec![50], 10));
    short.moved("lpar01").unwrap();
    let mut later = short.clone();
    short.original_deleted("lpar01").unwrap();
    assert_eq!(processors(&short), (vec![50], 10));
    later.lpar_mut("lpar01").unwrap().variation.processors_back_later = true;
    later.original_deleted("lpar01").unwrap();
    assert_eq!(processors(&later), (vec![30], 30), "free at the HMC, and not to stay so");
    later.processors_back("lpar01").unwrap();
    assert_eq!(processors(&later), (vec![50], 10));
    let mut too_short = with_free(9);
    let refused = take(&mut too_short, CpuReduction::WhereShort);
    assert!(matches!(refused, Err(Refused::Processors { free: 9, needed: 50 })), "{refused:?}");
    for (reduction, each) in [(CpuReduction::WhereShort, 50), (CpuReduction::Always, 30)] {
        let mut enough = with_free(50);
        take(&mut enough, reduction).unwrap();
        assert_eq!(processors(&enough), (vec![each; 2], 100 - 2 * each));
    }
}
