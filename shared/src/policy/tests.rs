use super::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn steps(policy: &Policy, name: &str, of: &[(&str, &str)]) -> Vec<String> {
    let steps = policy.prep_of(&name.parse().unwrap(), &labels(of)).steps();
    steps.iter().map(ToString::to_string).collect()
}

fn policy() -> Policy {
    let name = |text: &str| Subsystem::try_from(text.to_owned()).unwrap();
    Policy {
        prep: Prep {
            trusted_execution: Some(Passing::Always),
            services: [(name("dsmcad"), Wish::Always), (name("nimon"), Wish::Permanent)].into(),
            ..Prep::default()
        },
        backup: Some(Backup::Waived("mksysb every night".to_owned())),
        restart: [(name("sshd"), Restart::Anew), (name("syslogd"), Restart::Anew)].into(),
        before_reboot: Some(BeforeReboot {
            hooks: vec!["stop_db".parse().unwrap()],
            master_hooks: vec!["page".parse().unwrap()],
        }),
        rollouts: Rollouts::default(),
        receivers: BTreeMap::new(),
        rules: vec![
            Rule {
                labels: labels(&[("env", "test")]),
                prep: Prep {
                    trusted_execution: Some(Passing::LeftOut),
                    workload_manager: Some(Wish::UnlessUpdated),
                    ..Prep::default()
                },
                ..Rule::default()
            },
            Rule {
                lpars: vec!["lpar02".parse().unwrap()],
                restart: [(name("sshd"), Restart::LeftAlone)].into(),
                backup: Some(Backup::CopyTo(vec!["hdisk3".parse().unwrap()])),
                prep: Prep {
                    services: [(name("nimon"), Wish::LeftOut)].into(),
                    ip_filters: Some(Passing::Always),
                    tunnels: Some(Tunnels::Waived("down on Sundays".to_owned())),
                    ..Prep::default()
                },
                ..Rule::default()
            },
        ],
    }
}

#[test]
fn a_later_rule_changes_what_an_earlier_one_says_for_the_lpars_that_it_names() {
    let all = "Trusted Execution off; put back in any case";
    let agent = "subsystem dsmcad stopped; put back in any case";
    let monitor = "subsystem nimon stopped; not put back";
    let manager = "Workload Manager stopped and off in inittab; put back unless it was updated";
    assert_eq!(steps(&policy(), "lpar01", &[]), [all, agent, monitor]);
    assert_eq!(steps(&policy(), "lpar01", &[("env", "test")]), [agent, monitor, manager]);
    let filters = "IP filters off, active tunnels cut (down on Sundays); put back in any case";
    assert_eq!(steps(&policy(), "lpar02", &[("env", "prod")]), [all, agent, filters]);
    assert_eq!(steps(&Policy::default(), "lpar01", &[]), [""; 0]);
}

#[test]
fn filesets_are_removed_in_one_step_for_good_where_a_rule_does_not_leave_one() {
    use Lasting::{LeftOut, Permanent};
    use Unsupported::{CasAgent, Pkcs11};
    let prep = |pairs: &[(Unsupported, Lasting)]| Prep {
        unsupported_filesets: pairs.iter().copied().collect(),
        ..Prep::default()
    };
    let rule = |lpar: &str, pairs: &[(Unsupported, Lasting)]| Rule {
        lpars: vec![lpar.parse().unwrap()],
        prep: prep(pairs),
        ..Rule::default()
    };
    let policy = Policy {
        prep: prep(&[(CasAgent, Permanent), (Pkcs11, Permanent)]),
        rules: vec![
            rule("lpar02", &[(Pkcs11, LeftOut)]),
            rule("lpar03", &[(CasAgent, LeftOut), (Pkcs11, LeftOut)]),
        ],
        ..Policy::default()
    };
    let both = "security.pkcs11 and cas.agent removed, where installed; not put back";
    assert_eq!(steps(&policy, "lpar01", &[]), [both]);
    let one = "cas.agent removed, where installed; not put back";
    assert_eq!(steps(&policy, "lpar02", &[]), [one]);
    assert_eq!(steps(&policy, "lpar03", &[]), [""; 0]);
    assert!("cas.server".parse::<Unsupported>().is_err());
}

#[test]
fn what_one_goes_back_to_is_said_for_all_and_for_some() {
    let backup = |name: &str| {
        policy().backup_of(&name.parse().unwrap(), &BTreeMap::new()).map(ToString::to_string)
    };
    assert_eq!(backup("lpar01").as_deref(), Some("no copy of rootvg: mksysb every night"));
    assert_eq!(backup("lpar02").as_deref(), Some("copy of rootvg to hdisk3; it stays"));
    let none = Policy { backup: Some(Backup::Waived(" ".to_owned())), ..Policy::default() };
    assert_eq!(none.faults()[0].0, "backup.waived");
    let hook = Backup::Hook("rootvg_backup".parse().unwrap());
    let by_hook = Policy { backup: Some(hook), ..Policy::default() };
    assert_eq!(by_hook.faults(), []);
    let backup = by_hook.backup_of(&"lpar01".parse().unwrap(), &BTreeMap::new()).unwrap();
    let text = "backup by the hook rootvg_backup of the site, instead of a copy of rootvg";
    assert_eq!(backup.to_string(), text);
    let tunnels = Some(Tunnels::Waived(String::new()));
    let none = Policy { prep: Prep { tunnels, ..Prep::default() }, ..Policy::default() };
    assert_eq!(none.faults()[0].0, "prep.tunnels.waived");
}

#[test]
fn what_stops_a_workload_is_said_for_all_and_in_its_place_for_some() {
    let name = |text: &str| text.parse::<ObjectName>().unwrap();
    let of = |policy: &Policy, lpar: &str| {
        let BeforeReboot { master_hooks, hooks } =
            policy.before_reboot_of(&name(lpar), &BTreeMap::new());
        let on_master = master_hooks.iter().map(|one| format!("nimd:{one}"));
        on_master.chain(hooks.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ")
    };
    let mut policy = policy();
    assert_eq!(of(&policy, "lpar02"), "nimd:page stop_db");
    let own = BeforeReboot { hooks: vec![name("stop_mq")], master_hooks: vec![] };
    policy.rules[1].before_reboot = Some(own);
    assert_eq!(of(&policy, "lpar02"), "stop_mq");
    assert_eq!(of(&policy, "lpar01"), "nimd:page stop_db");
    assert_eq!(of(&Policy::default(), "lpar01"), "");
    policy.before_reboot = Some(BeforeReboot {
        hooks: ["a", "b", "a", "c", "d"].map(name).into(),
        ..Default::default()
    });
    policy.rules[1].before_reboot =
        Some(BeforeReboot { master_hooks: ["x", "x"].map(name).into(), ..Default::default() });
    let faults = policy.faults().into_iter().map(|(path, why)| format!("{path} {why}"));
    assert_eq!(
        faults.collect::<Vec<_>>(),
        [
            "before_reboot.hooks names 5, and at most 4 can be",
            "before_reboot.hooks names a twice",
            "rules[1].before_reboot.master_hooks names x twice",
        ]
    );
}

#[test]
fn what_is_started_anew_is_said_for_all_and_for_some_and_never_of_what_others_stand_on() {
    let restart = |name: &str| {
        let all = policy().restart_of(&name.parse().unwrap(), &BTreeMap::new());
        all.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(restart("lpar01"), ["sshd", "syslogd"]);
    assert_eq!(restart("lpar02"), ["syslogd"]);
    for (name, refused) in [
        ("srcmstr", true),
        ("clstrmgrES", true),
        ("ctrmc", true),
        ("clcomd", true),
        ("IBM.DRM", true),
        ("tnslsnr", true),
        ("LISTENER_PROD", true),
        ("db2fmcd", true),
        ("sshd", false),
        ("syslogd", false),
    ] {
        let subsystem = Subsystem::try_from(name.to_owned()).unwrap();
        let rule = Rule {
            lpars: vec!["lpar02".parse().unwrap()],
            restart: [(subsystem.clone(), Restart::Anew)].into(),
            ..Rule::default()
        };
        let off = [(subsystem, Restart::LeftAlone)].into();
        let policy = Policy { rules: vec![rule], restart: off, ..Policy::default() };
        let faults: Vec<_> = policy.faults().into_iter().map(|(place, _)| place).collect();
        let wanted = refused.then(|| format!("rules[0].restart.{name}"));
        assert_eq!(faults, wanted.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_rule_that_would_be_about_all_is_a_fault() {
    let mut policy = policy();
    assert_eq!(policy.faults(), []);
    policy.rules.push(Rule::default());
    assert_eq!(policy.faults()[0].0, "rules[2]");
}

#[test]
fn a_subsystem_is_no_option_and_no_list() {
    for bad in ["", "-a", "a b", "a;b", "a/b"] {
        assert!(Subsystem::try_from(bad.to_owned()).is_err(), "{bad}");
    }
    assert!(Subsystem::try_from("IBM.DRM".to_owned()).is_ok());
}
