use serde_json::json;

use super::*;

fn probed(id: ProbeId, text: &str) -> Probed {
    let (stdout, stderr) = (text.to_owned(), String::new());
    let answer = Answer::Printed { status: 0, stdout, stderr, missing: Vec::new() };
    Probed { probe: Probe::of(id), answer }
}

fn process(pid: u64) -> OpenItem {
    let name = "sshd".to_owned();
    OpenItem::OldLibraries { pid, name, owner: None, fileset: None }
}

fn is_open(item: &OpenItem, probed: &[Probed]) -> Option<bool> {
    let console = Err("no HMC was asked".to_owned());
    item.is_open(&Seen { probed, console: &console }).ok()
}

#[test]
fn an_item_is_open_as_long_as_it_shows_and_never_gone_unseen() {
    use ProbeId as P;
    let paths = |enabled, others| {
        let disk = "hdisk1".parse().unwrap();
        OpenItem::Paths { disk, enabled, others }
    };
    let boots = || OpenItem::BootList { disk: "hdisk2".parse().unwrap() };
    let fix = || OpenItem::InterimFix { label: "IJ1".to_owned() };
    let level = |before: &str| OpenItem::Level { before: before.to_owned() };
    let fileset = |wanted: &str| {
        let (name, wanted) = ("bos.net".to_owned(), wanted.to_owned());
        OpenItem::Fileset { name, wanted }
    };
    let logged = |since: &str| OpenItem::ErrorLog {
        identifier: "CB4A951F".to_owned(),
        resource: "SRC".to_owned(),
        description: "SOFTWARE PROGRAM ERROR".to_owned(),
        since: since.to_owned(),
    };
    let token =
        || OpenItem::ConsoleToken { address: "10.1.50.30".to_owned(), user: "hscroot".to_owned() };
    let host = || OpenItem::HostName { before: "lpar01".to_owned() };
    let machine = || OpenItem::MachineId { before: "00F94F584C00".to_owned() };
    let genld = "Proc_pid: 4711  Proc_name: sshd\n";
    let lspath = |status: &str| {
        probed(P::Paths, &format!("hdisk1 vscsi0 0 81 Enabled\nhdisk1 vscsi1 1 81 {status}\n"))
    };
    let bootlist = || probed(P::BootList, "hdisk2 blv=hd5 pathid=0\n");
    let lspv = |group: &str| probed(P::Disks, &format!("hdisk2 00f94f58c90ae057 {group} active\n"));
    let lslpp = || probed(P::Filesets, "bos.net:bos.net:7.3.3.1: : :C: :Net:\n");
    let errpt =
        || probed(P::ErrorLog, "CB4A951F   0207154223 I S SRC            SOFTWARE PROGRAM ERROR\n");
    let locked = |answer| Probed { probe: Probe::of(P::Lock), answer };
    let tidy = || OpenItem::PostProcessing { others: 0 };
    let there = || Answer::File { text: String::new() };
    for (item, seen, open) in [
        (process(4711), vec![probed(P::OldLibraries, genld)], Some(true)),
        (process(4712), vec![probed(P::OldLibraries, genld)], Some(false)),
        (process(4711), vec![probed(P::OldLibraries, "")], Some(false)),
        (process(4711), vec![probed(P::OldLibraries, "genld: no\n")], None),
        (process(4711), vec![], None),
        (paths(2, 0), vec![lspath("Missing")], Some(true)),
        (paths(1, 0), vec![lspath("Failed")], Some(true)),
        (paths(1, 1), vec![lspath("Failed")], Some(false)),
        (paths(2, 0), vec![lspath("Enabled")], Some(false)),
        (paths(2, 0), vec![probed(P::Paths, "")], None),
        (boots(), vec![bootlist(), lspv("lvup_rootvg")], Some(true)),
        (boots(), vec![bootlist(), lspv("rootvg")], Some(false)),
        (boots(), vec![bootlist()], None),
        (
            fix(),
            vec![probed(P::InterimFixes, "There is no efix data on this system.\n")],
            Some(true),
        ),
        (OpenItem::ManagementLink, vec![probed(P::ControlPoints, "")], Some(true)),
        (level("7300-03-01-2520"), vec![probed(P::Level, "7300-03-00-2446\n")], Some(true)),
        (level("7300-03-00-2446"), vec![probed(P::Level, "7300-03-00-2446\n")], Some(false)),
        (level("7300-03-00-2446"), vec![probed(P::Level, "unknown\n")], None),
        (fileset("7.3.3.2"), vec![lslpp()], Some(true)),
        (fileset("7.3.3.1"), vec![lslpp()], Some(false)),
        (
            fileset("7.3.3.2"),
            vec![probed(P::Filesets, "bos.rte:bos.rte:7.3.3.1: : :C: :x:\n")],
            Some(false),
        ),
        (logged("2023-02-07T15:42"), vec![errpt()], Some(true)),
        (logged("2023-02-07T15:43"), vec![errpt()], Some(false)),
        (logged("2023-02-07T15:42"), vec![probed(P::ErrorLog, "")], Some(false)),
        (token(), vec![probed(P::Tokens, "")], Some(true)),
        (
            token(),
            vec![probed(
                P::Tokens,
                "Address  : 10.1.50.30\nUser name: hscroot\nPort     : 12443\n",
            )],
            Some(false),
        ),
        (host(), vec![probed(P::HostName, "lpar01\n")], Some(false)),
        (host(), vec![probed(P::HostName, "lpar02\n")], Some(true)),
        (machine(), vec![probed(P::MachineId, "00F94F584C00\n")], Some(false)),
        (tidy(), vec![locked(there()), lspath("Enabled")], Some(true)),
        (tidy(), vec![locked(Answer::NoFile), lspath("Missing")], Some(true)),
        (tidy(), vec![locked(Answer::NoFile), lspath("Enabled")], Some(false)),
        (tidy(), vec![lspath("Enabled")], None),
        (OpenItem::Surrogate, vec![], None),
        (OpenItem::Other(json!({"open": "teleport"})), vec![], None),
    ] {
        assert_eq!(is_open(&item, &seen), open, "{item} {seen:?}");
    }
}

#[test]
fn an_hmc_tells_of_the_partition_that_was_replaced_and_of_rmc() {
    let shows = |has_surrogate, rmc: Option<&str>| OnConsole {
        has_surrogate,
        rmc_state: rmc.map(str::to_owned),
        profiles: Err("not asked".to_owned()),
    };
    let (surrogate, rmc) = (OpenItem::Surrogate, OpenItem::Rmc);
    for (console, items, open) in [
        (shows(true, Some("active")), vec![surrogate.clone()], [Some(true), Some(false)]),
        (shows(false, Some("inactive")), vec![rmc.clone()], [Some(false), Some(true)]),
        (shows(false, Some("active")), vec![], [Some(false), Some(false)]),
        (shows(true, None), vec![surrogate.clone()], [Some(true), None]),
    ] {
        assert_eq!(console.items(), items);
        let console = Ok(console);
        let found = [&surrogate, &rmc]
            .map(|item| item.is_open(&Seen { probed: &[], console: &console }).ok());
        assert_eq!(found, open, "{console:?}");
    }
}

#[test]
fn each_thing_is_looked_at_once() {
    let boots = OpenItem::BootList { disk: "hdisk2".parse().unwrap() };
    let asked: Vec<_> = probes(&[process(1), boots, process(2), OpenItem::Surrogate])
        .into_iter()
        .filter_map(|one| one.id.known())
        .collect();
    assert_eq!(asked, [ProbeId::Disks, ProbeId::BootList, ProbeId::OldLibraries]);
}

#[test]
fn what_another_version_found_is_kept_as_it_came() {
    let text = r#"{"open":"teleport","from":"hdisk1"}"#;
    let item: OpenItem = serde_json::from_str(text).unwrap();
    assert_eq!(item, OpenItem::Other(json!({"open": "teleport", "from": "hdisk1"})));
    let own = serde_json::to_string(&process(7)).unwrap();
    assert_eq!(serde_json::from_str::<OpenItem>(&own).unwrap(), process(7));
}
