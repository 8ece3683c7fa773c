use super::*;

const SMALL: &str = include_str!("../../../examples/site-small.yaml");

#[test]
fn the_example_is_a_site_with_two_of_everything() {
    let file = parse("site-small.yaml", SMALL).unwrap();
    let world = build::world(&file);
    assert_eq!((world.hmcs.len(), world.frames.len(), world.lpars.len()), (2, 2, 12));
    let styles: Vec<Style> = world.lpars.values().map(|lpar| lpar.style).collect();
    assert!(styles.contains(&Style::A) && styles.contains(&Style::B));
    assert!(world.lpars.values().any(|lpar| lpar.locale.starts_with("de")));
    for lpar in world.lpars.values() {
        assert!(lpar.disks.iter().filter(|disk| disk.vg.is_none()).count() >= 2);
        assert_eq!(lpar.paths.len(), lpar.disks.len() * 2);
    }
}

#[test]
fn all_faults_are_reported_at_once_with_their_place() {
    let text = SMALL
        .replace(
            "frame: frame1, address: 127.77.3.2, id: 12",
            "frame: frame9, address: 127.77.3.2, id: 12",
        )
        .replace("127.77.3.5", "192.168.1.1")
        .replace("id: 15, level: 7200-05-03-2148", "id: 16, level: 7.2")
        .replace("hmcs: [hmc02, hmc01]", "hmcs: [hmc07]");
    let text = format!("{text}\n").replace(
        "users: [oracle, sapadm]",
        "faults: [rain, {fault: reboot, at: clone}]\n    vary: {same_lpar_id: true, luck: true}",
    );
    let faults = parse("site.yaml", &text).unwrap_err();
    let places: Vec<&str> = faults.list.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "frames[1].hmcs[0]",
            "lpars[1].frame",
            "lpars[3].vary",
            "lpars[3].faults[0]",
            "lpars[4].address",
            "lpars[4].id",
            "lpars[4].level",
            "lpars[5].id",
        ],
        "{faults}"
    );
}

#[test]
fn the_least_of_an_lpar_with_less_than_usual_is_what_it_has() {
    let least = |lpar: &str| {
        let text = SMALL.replacen("  - {name: lpar02,", &format!("  - {{name: lpar02, {lpar},"), 1);
        let world = build::world(&parse("site.yaml", &text).map_err(|faults| faults.to_string())?);
        world.partition_of("lpar02").map(|one| one.min_hundredths).map_err(|no| no.to_string())
    };
    assert_eq!(least("processors: 0.05"), Ok(5));
    assert_eq!(least("processors: 0.2"), Ok(10));
    assert_eq!(least("processors: 0.2, min_processors: 0.15"), Ok(15));
    let more = least("processors: 0.05, min_processors: 0.1").unwrap_err();
    assert!(more.contains("min_processors") && more.contains("is more than it has"), "{more}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let faults = parse("site.yaml", "seed: 1\nweather: fine\n").unwrap_err();
    assert_eq!(faults.list[0].place, "line 2", "{faults}");
}

#[test]
fn faults_in_the_file_are_armed() {
    let text = SMALL.replace(
        "users: [oracle, sapadm]",
        "faults: [procfs-open, {fault: reboot, at: mirror}, ssh-drop]",
    );
    let world = build::world(&parse("site.yaml", &text).unwrap());
    let faults = &world.lpar("lpar04").unwrap().faults;
    use crate::fault::Armed;
    assert_eq!(faults[&Fault::ProcfsOpen], Armed::Always);
    assert_eq!(faults[&Fault::Reboot], Armed::At(Phase::Mirror));
    assert_eq!(faults[&Fault::SshDrop], Armed::At(Phase::Clone));
}
