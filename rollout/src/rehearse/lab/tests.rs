use nim_shared::api::File;
use nim_shared::yaml::to_string;

use super::*;
use crate::facts::Snapshot;
use crate::file::read;
use crate::plan::{Input, make};
use crate::testing::{Fleet, Processors, fleet, lpar, rollout};

/// Four LPARs, each on a frame of its own.
fn site() -> Snapshot {
    let of =
        Fleet { frames: 4, lpars: (0, 0), frames_per_hmc: 1, processors: Processors::FollowMemory };
    let mut site = fleet(of, 1);
    site.lpars = (0..4).map(|at| lpar(&format!("lpar{at}"), &format!("frame{at:04}"))).collect();
    site
}

/// `more` as the lab plays it, where the lab has all but the LPARs `missing`.
fn played(more: &str, missing: &[&str], installs: Installs, speed: u32) -> Played {
    let (file, site) = (rollout(more), site());
    let begin = "2026-01-12T00:00:00Z".parse().unwrap();
    let input = Input { file: &file, snapshot: &site, history: &[], begin };
    let plan = make(&input);
    let orders = Orders::new(&input, &plan, 0);
    let all = site.lpars.iter().map(|one| one.name.clone());
    let there = all.filter(|one| !missing.contains(&one.as_str())).collect();
    let lonely = ["lpar1", "lpar2"].map(|one| one.parse().unwrap()).into();
    let (file, plan, orders) = (&file, &plan, &orders);
    for_lab(&ForLab { file, plan, orders, there: &there, lonely: &lonely, installs, speed })
}

fn members(played: &Played) -> Vec<(&str, usize)> {
    played.members.iter().map(|(lpar, wave)| (lpar.as_str(), *wave)).collect()
}

const MORE: &str = "
waves:
- {name: one, take: 1, soak: 1d, approval: yes, healthy: 100%}
- {name: rest}
limits: {stagger_hmc: 1s, in_flight: 2}
windows: [{name: n, zone: UTC, from: '00:00', to: '24:00'}]
blackout: {per_lpar: 60s, above: approval}
retry: {later: {times: 2, after: 15m}}
deadlines: {start: 2m, update: 4h}
assume: {duration: 30m}
notify: [{to: oncall}]
";

#[test]
fn the_same_lpars_go_in_the_same_waves_in_the_time_of_the_lab() {
    let played = played(MORE, &[], Installs::Nothing, 100);
    let of = &played.rollout;
    let first: Vec<_> = members(&played).into_iter().filter(|(_, wave)| *wave == 0).collect();
    assert_eq!((first.len(), played.members.len()), (1, 4));
    let names: Vec<String> = of.targets.chosen.names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["lpar0", "lpar1", "lpar2", "lpar3"]);
    let chosen: Vec<_> =
        of.waves.iter().map(|one| one.labels.as_ref().unwrap().to_string()).collect();
    assert_eq!(chosen, ["rehearsal-wave in (0)", "rehearsal-wave in (1)"]);
    assert_eq!((of.waves[0].soak, of.waves[0].take), (Some(Span::seconds(864)), None));
    assert_eq!(of.limits.in_flight, Some(2));
    // What was more than nothing stays so, and no deadline is so short that programs pass it.
    assert_eq!(of.limits.stagger_hmc, Span::seconds(1));
    assert_eq!(of.limits.stagger_vios, Span::seconds(1));
    assert_eq!(of.retry.later.unwrap().after, Span::seconds(9));
    let Deadlines { start, update, release, whole } = of.deadlines;
    assert_eq!(
        [start, update, release, whole].map(Span::get),
        [120, 300, 300, 25_920],
        "{:?}",
        of.deadlines
    );
    assert_eq!(of.assume.duration, Span::seconds(18));
    assert!(of.windows.is_empty() && of.notify.is_empty());
    assert_eq!((of.blackout.per_lpar, of.waves[0].approval), (None, Approval::No));
    for part in
        ["windows", "approval", "blackouts", "receiver", "divided by 100", "2 nodes of PowerHA"]
    {
        assert!(
            played.differs.iter().any(|one| one.contains(part)),
            "{part}: {:?}",
            played.differs
        );
    }
    assert_eq!(of.apart.lists.len(), 1);
}

#[test]
fn it_is_a_file_that_is_read_again() {
    let played = played(MORE, &[], Installs::Nothing, 100);
    let text = to_string(&played.rollout).unwrap();
    let file = File { name: "rollout.yaml".to_owned(), text };
    assert_eq!(read(&file).as_ref(), Ok(&played.rollout), "{}", file.text);
}

#[test]
fn whom_the_lab_does_not_have_is_not_updated_there() {
    let played = played("", &["lpar2"], Installs::Nothing, 1);
    assert_eq!(members(&played), [("lpar0", 0), ("lpar1", 0), ("lpar3", 0)]);
    assert!(played.rollout.waves.is_empty());
    assert!(played.rollout.apart.lists.is_empty(), "its partner is not there");
    let lists = "apart: {lists: [[lpar0, lpar2], [lpar0, lpar2, lpar3]]}\n";
    let lists = self::played(lists, &["lpar2"], Installs::Nothing, 1).rollout.apart.lists;
    let left: Vec<Vec<&str>> =
        lists.iter().map(|list| list.iter().map(ObjectName::as_str).collect()).collect();
    assert_eq!(left, [["lpar0", "lpar3"]], "a name that the lab does not know is refused there");
}

#[test]
fn what_is_installed_is_what_the_media_has_and_nothing_of_the_site_runs() {
    let written = |pairs: &[(&str, &str)]| {
        Operation(
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        )
    };
    let base =
        [("live_update", "yes"), ("live_update_data", "{lpar}_lu"), ("accept_licenses", "yes")];
    let site = [("hook", "post:check"), ("master_hook", "pre:ledger"), ("strategy", "split")];
    let all = [("lpp_source", "sp1"), ("fixes", "update_all")];
    let some = [("lpp_source", "sp1"), ("filesets", "bos.rte bos.mp64")];
    for (software, installs, expected, said) in [
        (
            &all[..],
            Installs::Updates,
            &[("lpp_source", "sp1"), ("fixes", "update_all"), ("strategy", "split")][..],
            2,
        ),
        (
            &some[..],
            Installs::Updates,
            &[("lpp_source", "sp1"), ("fixes", "update_all"), ("strategy", "split")][..],
            3,
        ),
        (&some[..], Installs::Nothing, &[][..], 3),
        (&[][..], Installs::Nothing, &[][..], 2),
    ] {
        let mut differs = Vec::new();
        let found = operation(&written(&[&base, &site, software].concat()), installs, &mut differs);
        let mut wanted = written(&[&base, expected].concat());
        wanted.0.insert("live_update_data".to_owned(), LIVE_UPDATE_DATA.to_owned());
        assert_eq!(found, wanted);
        assert_eq!(differs.len(), said, "{differs:?}");
    }
}
