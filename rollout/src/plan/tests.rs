use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};

use super::{Input, Plan, WhatIf, make};
use crate::facts::{Cluster, ClusterSoftware, CpuReduction, Maintenance, Past, Shape, Snapshot};
use crate::file::Rollout;
use crate::testing::{Fleet, Processors, fleet, rollout};

/// A frame with so many LPARs of 4 GB and one processor, with 96 GB and 20 processors free.
fn site(count: usize) -> Snapshot {
    let of = Fleet {
        frames: 1,
        lpars: (count, count),
        frames_per_hmc: 1,
        processors: Processors::FollowMemory,
    };
    let mut site = fleet(of, 1);
    for (number, lpar) in (1..).zip(&mut site.lpars) {
        lpar.name = format!("lpar{number:02}").parse().unwrap();
        lpar.clusters.clear();
        lpar.estimate.total = Some(Seconds(600));
        lpar.shape = Some(Shape {
            memory: Megabytes(4096),
            min_memory: Megabytes(2048),
            max_memory: Megabytes(8192),
            hpt_ratio: Some(128),
            processors: ProcessorUnits { hundredths: 100 },
            min_processors: ProcessorUnits { hundredths: 20 },
            pool: None,
            cpu_reduction: CpuReduction::No,
        });
    }
    let free = site.frames[0].free.as_mut().unwrap();
    free.memory = Megabytes(98_304);
    free.processors = ProcessorUnits { hundredths: 2000 };
    site
}

fn plan(more: &str, site: &Snapshot) -> Plan {
    planned(&rollout(more), site, &[])
}

fn planned(file: &Rollout, snapshot: &Snapshot, history: &[Past]) -> Plan {
    let begin = "2026-01-12T00:00:00Z".parse().unwrap();
    make(&Input { file, snapshot, history, begin })
}

/// Who is left out, why, and what would help.
fn excluded(plan: &Plan) -> Vec<String> {
    let one = |one: &super::Excluded| {
        let mut text = format!("{}: {}", one.name, one.why);
        one.proposals.iter().for_each(|more| text += &format!(" / {more}"));
        text
    };
    plan.excluded.iter().map(one).collect()
}

/// Minutes at which LPARs start, by their names.
fn starts(plan: &Plan) -> Vec<(String, i64)> {
    let minutes = |one: &super::Planned| one.begin.since(plan.begin).whole_minutes();
    let mut starts: Vec<_> =
        plan.targets.iter().map(|one| (one.lpar.to_string(), minutes(one))).collect();
    starts.sort();
    starts
}

#[test]
fn everybody_who_is_left_out_is_said_with_what_would_help() {
    let mut site = site(9);
    let free = site.frames[0].free.as_mut().unwrap();
    (free.memory, free.configurable) = (Megabytes(8192), Megabytes(0));
    free.processors = ProcessorUnits { hundredths: 100 };
    site.frames[0].ids.insert(7);
    let [a, b, c, d, e, f, g, h, ..] = &mut site.lpars[..] else { panic!() };
    a.shape.as_mut().unwrap().memory = Megabytes(9000);
    b.shape.as_mut().unwrap().processors = ProcessorUnits { hundredths: 150 };
    c.wanted_id = Some(7);
    d.blocked.push("it has a physical adapter".to_owned());
    let rac = Cluster { software: ClusterSoftware::OracleRac, name: "sales".to_owned() };
    e.clusters.insert(rac);
    f.level = "7200-05-01-2037".parse().ok();
    g.estimate.total = Some(Seconds(9000));
    h.shape.as_mut().unwrap().memory = Megabytes(9000);
    h.shape.as_mut().unwrap().min_memory = Megabytes(8960);
    let file = "windows: [{name: noon, zone: UTC, from: '12:00', to: '13:00'}]\n";
    let mut file = rollout(file);
    file.targets.levels.push(">=7300-03".parse().unwrap());
    file.targets.chosen.names.push("lpar99".parse().unwrap());
    let plan = planned(&file, &site, &[]);
    assert_eq!(
        excluded(&plan),
        [
            "lpar01: needs 9728 MB of memory of frame0000, and there are 7936 MB when nothing else runs / it fits with 1832 MB of memory less by DLPAR, 7168 MB in all",
            "lpar02: needs 1.5 units of processors of frame0000, and there are 1.0 units when nothing else runs / it fits with cpu_reduction = yes in its lvupdate.data / it fits with 0.5 units fewer by DLPAR, 1.0 in all",
            "lpar03: asks for the partition id 7, which is taken on its frame / it fits without lpar_id in its lvupdate.data",
            "lpar04: a Live Update of it is ruled out: it has a physical adapter",
            "lpar05: is a node of the Oracle RAC cluster \"sales\", which is not updated in a rollout",
            "lpar06: its level is 7200-05-01-2037, and >=7300-03 is asked for",
            "lpar07: may take 13500 s, and the longest window for it before the rollout's deadline has 3600 s / it fits if window noon is from 12:00 to 15:45",
            "lpar08: needs 9728 MB of memory of frame0000, and there are 7936 MB when nothing else runs",
            "lpar99: no LPAR is called so",
        ]
    );
    assert_eq!(starts(&plan), [("lpar09".to_owned(), 720)]);
}

#[test]
fn a_canary_of_every_class_goes_first_and_the_wave_has_its_numbers() {
    let mut site = site(10);
    site.lpars[3].storage.insert("npiv".to_owned());
    site.lpars[4].storage.insert("npiv".to_owned());
    // Of its class the one that costs least.
    site.lpars[4].shape.as_mut().unwrap().memory = Megabytes(2048);
    let text = "waves: [{name: canary, canary: one-per-class, soak: 1h, healthy: 100%}, {name: rest}]\n\
                stop: {wave: {failed: 25%}, whole: {failed: 3}}\n";
    let plan = plan(text, &site);
    let canaries: Vec<_> = plan.targets.iter().filter(|one| one.wave == 0).collect();
    assert_eq!(canaries.len(), 2);
    assert!(canaries.iter().any(|one| one.lpar.as_str() == "lpar05"));
    let [canary, rest] = &plan.waves[..] else { panic!() };
    assert_eq!((canary.members, canary.healthy, canary.stop.failed), (2, Some(2), Some(1)));
    assert_eq!((rest.members, rest.stop.failed, plan.stop.failed), (8, Some(2), Some(3)));
    assert_eq!(rest.begin.since(canary.end).whole_minutes(), 60);
    // Four with the same VIOSes: when the second has failed, three others still run.
    assert_eq!((rest.in_flight, rest.worst_failed), (4, Some(5)));
    assert_eq!(plan.classes.len(), 2);
}

#[test]
fn one_that_is_held_back_is_a_canary_only_where_its_class_has_no_other() {
    let mut site = site(3);
    site.lpars[0].shape.as_mut().unwrap().memory = Megabytes(2048);
    site.lpars[0].held = vec!["a path is lost".to_owned()];
    site.lpars[2].storage.insert("npiv".to_owned());
    site.lpars[2].held = vec!["a path is lost".to_owned()];
    let plan = plan("waves: [{name: canary, canary: one-per-class}, {name: rest}]\n", &site);
    let canaries: Vec<&str> =
        plan.targets.iter().filter(|one| one.wave == 0).map(|one| one.lpar.as_str()).collect();
    assert_eq!(canaries, ["lpar02"]);
    let held: Vec<_> = plan.held.iter().map(|one| (one.lpar.as_str(), one.wave)).collect();
    assert_eq!(held, [("lpar01", 1), ("lpar03", 0)]);
}

#[test]
fn partners_labels_and_distances_are_kept_and_named() {
    let mut site = site(4);
    let ha = Cluster { software: ClusterSoftware::PowerHa, name: "web".to_owned() };
    site.lpars[0].clusters.insert(ha.clone());
    site.lpars[1].clusters.insert(ha);
    let plan = plan("", &site);
    let of = |name: &str| plan.targets.iter().find(|one| one.lpar.as_str() == name).unwrap();
    let (first, second) = (of("lpar01"), of("lpar02"));
    let (first, second) =
        if first.begin < second.begin { (first, second) } else { (second, first) };
    assert!(second.begin >= first.end);
    assert_eq!(second.waits_for.as_deref(), Some("a partner: PowerHA cluster web"));
    let mut minutes: Vec<i64> = starts(&plan).into_iter().map(|(_, minute)| minute).collect();
    minutes.sort_unstable();
    assert_eq!(minutes, [0, 1, 2, 15], "a minute from start to start, a quarter of an hour each");
}

#[test]
fn budgets_leave_out_or_ask() {
    let mut site = site(4);
    for (lpar, seconds) in site.lpars.iter_mut().zip([20, 100, 30, 40]) {
        lpar.estimate.blackout = Some(Seconds(seconds));
        lpar.labels.insert("service".to_owned(), "sap".to_owned());
    }
    let text = "blackout: {per_lpar: 60s, per_service: {label: service, budget: 60s}}\n";
    let refused = plan(text, &site);
    assert_eq!(
        excluded(&refused),
        [
            "lpar02: its workload may stand still for 100 s, and 60 s are allowed",
            "lpar04: the workloads of \"sap\" may stand still for 60 s together, and with this one for 90 s",
        ]
    );
    let asked = plan(&text.replace("}}", "}, above: approval}"), &site);
    let asks: Vec<_> = asked.targets.iter().filter_map(|one| one.approval.as_deref()).collect();
    assert_eq!((asked.targets.len(), asks.len()), (4, 2));
}

#[test]
fn what_holds_somebody_back_is_said_and_the_rest_is_planned() {
    let mut site = site(3);
    site.lpars[0].held.push("a path of hdisk0 is lost".to_owned());
    let vios = site.lpars[1].vioses.first().unwrap().clone();
    site.lpars[2].vioses.clear();
    site.maintenance.push(Maintenance { on: vios.clone(), reason: "3.1.4.40".to_owned() });
    let plan = plan("", &site);
    let held: Vec<_> = plan.held.iter().map(|one| one.reasons.join("; ")).collect();
    let maintenance = format!("maintenance of {vios}: 3.1.4.40");
    assert_eq!(held, [format!("a path of hdisk0 is lost; {maintenance}"), maintenance]);
    assert_eq!(starts(&plan), [("lpar03".to_owned(), 0)]);
}

#[test]
fn the_fingerprint_stands_for_what_was_used() {
    let site = site(3);
    let file = rollout("");
    let first = planned(&file, &site, &[]);
    assert_eq!(planned(&file, &site, &[]), first);
    let mut moved = site.clone();
    moved.lpars[1].fixes.insert("IJ52421".to_owned());
    let second = planned(&file, &moved, &[]);
    assert_ne!(second.fingerprint, first.fingerprint);
    let of = |plan: &Plan, name: &str| {
        plan.targets.iter().find(|one| one.lpar.as_str() == name).unwrap().fingerprint
    };
    assert_ne!(of(&second, "lpar02"), of(&first, "lpar02"));
    assert_eq!(
        of(&second, "lpar01"),
        of(&first, "lpar01"),
        "who stayed as it was is asked nothing"
    );
    let mut asked = site.clone();
    asked.lpars[1].shape.as_mut().unwrap().cpu_reduction = CpuReduction::Yes;
    let third = planned(&file, &asked, &[]);
    assert_ne!(third.fingerprint, first.fingerprint, "what is asked for is used");
    assert_eq!(of(&third, "lpar02"), of(&first, "lpar02"), "and is nothing about the LPAR");
    let mut tighter = site.clone();
    tighter.frames[0].free.as_mut().unwrap().memory = Megabytes(50_000);
    assert_ne!(planned(&file, &tighter, &[]).fingerprint, first.fingerprint);
}

#[test]
fn what_if_is_read_and_tried() {
    let site = site(6);
    let file = rollout("");
    let changes: WhatIf = "max_in_flight=1,finish_by=2026-01-12T00:40:00Z".parse().unwrap();
    let plan = planned(&changes.applied(&file), &site, &[]);
    // One after the other, a quarter of an hour each: two are done after 40 minutes.
    assert_eq!(changes.late(&plan).len(), 4);
    assert!(WhatIf::default().late(&plan).is_empty());
    for text in ["", "max_in_flight", "max_in_flight=0", "finish_by=soon", "per_hmcs=3"] {
        let bad = text.parse::<WhatIf>().unwrap_err().to_string();
        assert!(bad.contains("is no change"), "{bad}");
    }
    let bad = "per_hmcs=3".parse::<WhatIf>().unwrap_err().to_string();
    assert!(bad.ends_with("did you mean \"per_hmc\"?"), "{bad}");
}

#[test]
fn what_brings_the_late_to_their_turn_was_tried_and_is_so() {
    let mut site = site(4);
    // A quarter of an hour each, one after the other, in an hour: the fourth and a soak do not fit.
    let text = |limit: u32, to: &str| {
        format!(
            "waves: [{{name: early, labels: env=test, soak: 15m}}, {{name: rest}}]\n\
             limits: {{in_flight: {limit}, stagger_hmc: 0s, stagger_vios: 0s}}\n\
             windows: [{{name: night, zone: UTC, from: '22:00', to: '{to}'}}]\ndeadlines: {{whole: 1d}}\n"
        )
    };
    let late = |plan: &Plan| -> Vec<(String, Vec<String>)> {
        let late = plan.excluded.iter().filter(|one| one.why.contains("does not come to its turn"));
        late.map(|one| (one.name.clone(), one.proposals.clone())).collect()
    };
    site.lpars[0].labels.insert("env".to_owned(), "test".to_owned());
    let tight = plan(&text(1, "23:00"), &site);
    let [(_, proposals)] = &late(&tight)[..] else { panic!("{tight:#?}") };
    assert_eq!(
        proposals[..],
        [
            "it comes to its turn with max_in_flight=2",
            "it comes to its turn if window night is from 22:00 to 23:15",
        ]
    );
    for (limit, to) in [(2, "23:00"), (1, "23:15")] {
        assert_eq!(late(&plan(&text(limit, to), &site)), [], "{limit} to {to}");
    }
    // Where the first wave has a place beside, going with it is a help too.
    let tight = plan(&text(2, "22:45"), &site);
    let [(name, proposals)] = &late(&tight)[..] else { panic!("{tight:#?}") };
    assert_eq!(
        proposals[..],
        [
            "it comes to its turn with max_in_flight=4",
            "it comes to its turn if window night is from 22:00 to 23:00",
            "it comes to its turn in wave early",
        ]
    );
    let it = site.lpars.iter_mut().find(|one| one.name.as_str() == name).unwrap();
    it.labels.insert("env".to_owned(), "test".to_owned());
    assert_eq!(late(&plan(&text(2, "22:45"), &site)), []);
    // What costs somebody else his turn is none: in the first wave there is time for one.
    let short = late(&plan(&text(1, "22:29"), &site));
    assert_eq!(short.len(), 3, "{short:?}");
    let waves = short.iter().flat_map(|(_, all)| all).filter(|one| one.contains("in wave"));
    assert_eq!(waves.count(), 0, "{short:?}");
}

#[test]
fn a_window_of_others_and_fewer_processors_are_proposed_where_they_are_enough() {
    let mut site = site(4);
    let free = site.frames[0].free.as_mut().unwrap();
    free.processors = ProcessorUnits { hundredths: 150 };
    // Whole processors may be dedicated ones: with half of one it could not run.
    site.lpars[0].shape.as_mut().unwrap().processors = ProcessorUnits { hundredths: 200 };
    site.lpars[0].level = "7200-01-01-1642".parse().ok();
    site.lpars[0].labels.insert("tier".to_owned(), "day".to_owned());
    site.lpars[1].shape.as_mut().unwrap().processors = ProcessorUnits { hundredths: 200 };
    site.lpars[1].shape.as_mut().unwrap().min_processors = ProcessorUnits { hundredths: 200 };
    site.lpars[1].level = "7200-01-01-1642".parse().ok();
    site.lpars[2].estimate.total = Some(Seconds(2400));
    for lpar in &mut site.lpars[1..] {
        lpar.labels.insert("tier".to_owned(), "night".to_owned());
    }
    site.lpars[3].labels.clear();
    let text = "windows:\n- {name: day, zone: UTC, from: '08:00', to: '18:00', labels: tier=day}\n\
                - {name: night, zone: UTC, from: '22:00', to: '22:30', labels: tier=night}\n\
                - {name: short, zone: UTC, from: '20:00', to: '20:01', labels: tier=none}\n";
    let short = "needs 2.0 units of processors of frame0000, and there are 1.5 units when nothing else runs";
    assert_eq!(
        excluded(&plan(text, &site)),
        [
            format!("lpar01: {short} / it fits with 1.0 units fewer by DLPAR, 1.0 in all"),
            format!("lpar02: {short}"),
            "lpar03: may take 3600 s, and the longest window for it before the rollout's deadline has 1800 s \
             / it fits if window night is from 22:00 to 23:00 / it fits if window day is for it too"
                .to_owned(),
            "lpar04: no window is for it before the rollout's deadline / it fits if window day is for it too / it fits if window night is for it too"
                .to_owned(),
        ]
    );
    // What is said is so.
    let opened = text.replace("labels: tier=day", "labels: tier=day, names: [lpar03, lpar04]");
    let left: Vec<String> = excluded(&plan(&opened, &site));
    assert_eq!(left.len(), 2, "{left:?}");
}
