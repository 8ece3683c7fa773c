use std::thread;

use super::*;
use crate::record::{self, Capacity, Change, Deed, Left};
use crate::site;

/// The world of the small site: two frames with six LPARs each.
fn small() -> World {
    let file = site::parse("small", include_str!("../../../../examples/site-small.yaml")).unwrap();
    site::build::world(&file)
}

fn store(world: &World) -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::at(directory.path());
    store.create(world).unwrap();
    (directory, store)
}

#[test]
fn what_was_written_is_read() {
    let world = small();
    let (_directory, store) = store(&world);
    assert_eq!(store.read().unwrap(), world);
    assert_eq!(store.hmcs().unwrap(), world.hmcs);
}

/// What the record says of capacity, each with the LPAR it is about.
fn recorded(directory: &tempfile::TempDir) -> Vec<(String, Capacity)> {
    let entries = record::read(directory.path()).unwrap().into_iter();
    let capacity = entries.map(|entry| match entry.deed {
        Deed::Capacity(capacity) => (entry.lpar, capacity),
        other => panic!("{other:?}"),
    });
    capacity.collect()
}

#[test]
fn whatever_takes_something_of_a_frame_or_gives_it_back_is_in_the_record() {
    let world = small();
    let (directory, store) = store(&world);
    let free = world.frames["frame1"].left();
    store.near("lpar01").change(|world| world.cloned("lpar01").map(drop)).unwrap_err();
    let own = |world: &mut World| world.lpar_mut("lpar01").map(|lpar| lpar.booted_at += 1);
    store.near("lpar01").change(|world| own(world).map_err(anyhow::Error::from)).unwrap();
    assert_eq!(recorded(&directory), [], "nothing of a frame was touched");

    store.near("lpar01").change(|world| world.update_at_once("lpar01", "7200-05-09-2446")).unwrap();
    let ids: Vec<(u32, Change, i64)> = recorded(&directory)
        .into_iter()
        .map(|(_, one)| (one.id, one.change, one.taken_mb))
        .collect();
    assert_eq!(ids, [(11, Change::Removed, -4096), (3, Change::Made, 4096)]);

    store
        .change(|world| {
            let frame = world.frame_mut("lpar01")?;
            frame.partition_mut(3).unwrap().hundredths += 25;
            Ok::<_, anyhow::Error>(())
        })
        .unwrap();
    let (lpar, last) = recorded(&directory).pop().unwrap();
    let left = Left { free_hundredths: free.free_hundredths - 25, ..free };
    let expected = Capacity {
        frame: "frame1".to_owned(),
        partition: "lpar01".to_owned(),
        id: 3,
        change: Change::Resized,
        taken_mb: 0,
        taken_hundredths: 25,
        pool: 0,
        left,
    };
    assert_eq!((lpar.as_str(), last), ("lpar01", expected));
}

#[test]
fn changes_by_many_at_once_are_all_kept() {
    let (_directory, store) = store(&small());
    thread::scope(|scope| {
        for number in 0..9 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..25 {
                    match number % 3 {
                        0 => store.change(|world| {
                            world.seed += 1;
                            world.lpar_mut("lpar08").unwrap().booted_at += 1;
                            Ok::<_, StoreError>(())
                        }),
                        1 => store.near("lpar07").change(|world| {
                            world.lpar_mut("lpar08").unwrap().booted_at += 1;
                            Ok::<_, StoreError>(())
                        }),
                        _ => store.change_hmcs(|hmcs| {
                            hmcs.get_mut("hmc01").unwrap().version += 1;
                            Ok::<_, StoreError>(())
                        }),
                    }
                    .unwrap();
                }
            });
        }
    });
    let (after, before) = (store.read().unwrap(), small());
    assert_eq!(after.seed, before.seed + 75);
    assert_eq!(after.lpars["lpar08"].booted_at, before.lpars["lpar08"].booted_at + 150);
    assert_eq!(after.hmcs["hmc01"].version, before.hmcs["hmc01"].version + 75);
}

#[test]
fn a_refused_change_leaves_the_world_as_it_was() {
    let world = small();
    let (_directory, store) = store(&world);
    let no = || StoreError::Io { path: PathBuf::new(), cause: io::Error::other("no") };
    let refused: Result<(), StoreError> = store.change(|world| {
        world.seed = 9;
        Err(no())
    });
    assert!(refused.is_err());
    let refused: Result<(), StoreError> = store.near("lpar07").change(|world| {
        world.lpars.clear();
        Err(no())
    });
    assert!(refused.is_err());
    assert_eq!(store.read().unwrap(), world);
}

#[test]
fn near_an_lpar_is_its_frame_and_nothing_else_changes_there() {
    let world = small();
    let (_directory, store) = store(&world);
    let near = store.near("lpar07").read().unwrap();
    assert_eq!(near.frames.keys().collect::<Vec<_>>(), ["frame2"]);
    assert_eq!(near.lpars.len(), 6);
    assert_eq!(near.hmcs, world.hmcs);
    let beyond: [fn(&mut World); 4] = [
        |world| world.seed += 1,
        |world| world.hmcs.clear(),
        |world| drop(world.lpars.remove("lpar08")),
        |world| world.lpar_mut("lpar07").unwrap().frame = "frame1".to_owned(),
    ];
    for change in beyond {
        let changed = store.near("lpar07").change(|world| {
            change(world);
            Ok::<_, StoreError>(())
        });
        assert!(matches!(changed, Err(StoreError::Beyond { .. })), "{changed:?}");
    }
    assert_eq!(store.read().unwrap(), world);
    assert!(matches!(store.near("nobody").read(), Err(StoreError::NoLpar { .. })));
}

#[test]
fn who_moves_to_another_frame_is_found_there() {
    let (_directory, store) = store(&small());
    store
        .change(|world| {
            world.migrate("lpar07", "frame1").unwrap();
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let near = store.near("lpar07").read().unwrap();
    assert_eq!(near.frames.keys().collect::<Vec<_>>(), ["frame1"]);
    assert_eq!(near.lpars.len(), 7);
}

#[test]
fn an_lpar_alone_is_what_the_world_has_of_it() {
    let world = small();
    let (_directory, store) = store(&world);
    for (name, lpar) in &world.lpars {
        assert_eq!(&store.near(name).lpar().unwrap(), lpar);
    }
    let missing = store.near("lpar99").lpar();
    assert!(matches!(missing, Err(StoreError::NoLpar { .. })), "{missing:?}");
    fs::write(store.file("frame-frame1"), "{\"lpars\": {\"lpar01\": {}}}").unwrap();
    let other = store.near("lpar01").lpar();
    assert!(matches!(other, Err(StoreError::Format { .. })), "{other:?}");
}

#[test]
fn an_hmc_answers_from_the_frames_asked_about_as_from_all() {
    let (_directory, store) = store(&small());
    let world = store.read().unwrap();
    let mtms = world.frames["frame2"].mtms();
    let vios = world.frames["frame1"].vioses.keys().next().unwrap();
    let lines = [
        ("lssyscfg -r sys".to_owned(), 2),
        ("lssyscfg -r sys -m frame1 -F name".to_owned(), 1),
        (
            format!(
                "lssyscfg -r lpar -m '{mtms}' -F name,state && lshwres -r mem -m frame1 --level sys"
            ),
            2,
        ),
        (format!("echo a; lshwres -r proc -m '{mtms}' --level lpar | grep lpar"), 1),
        (format!("viosvrcmd -m frame1 -p {vios} -c 'lsmap -all'"), 1),
        ("lssyscfg -r lpar -m nosuch".to_owned(), 0),
        ("lssyscfg -r lpar".to_owned(), 2),
        ("lssyscfg -r lpar -m".to_owned(), 2),
        ("lshmc -V; lshmcusr".to_owned(), 0),
    ];
    for (line, frames) in &lines {
        let mut some = store.read_some(crate::hmc::frames_asked(line).as_ref()).unwrap();
        assert_eq!(some.frames.len(), *frames, "{line}");
        for hmc in world.hmcs.keys() {
            let all = crate::hmc::run(&mut world.clone(), hmc, "hscroot", line);
            assert_eq!(crate::hmc::run(&mut some, hmc, "hscroot", line), all, "{line}");
        }
    }
}
