use proptest::prelude::*;

use super::*;
use crate::id::DiskName;
use crate::unit::Seconds;

/// From an article of 2023 (AIX wiki), with what it has: two blanks before `=`, blank values.
const WIKI: &str = "\
general:
        kext_check = yes

disks:
        nhdisk  = hdisk2
        mhdisk  = hdisk10
        tohdisk =
        tshdisk =

hmc:
        lpar_id  =
        management_console = hmc01
        user = liveupdate
";

/// From C. Sonnemans, 2025, with the stanza trace: as a comment; there the web page has lost the white space.
const PROFILE: &str = "\
general:
\tkext_check = yes
\tcpu_reduction = no
hmc:
\tlpar_id =
\tmanagement_console = hmc_system
\tuser = liveupdate
\tclone_from_hmc_profile = yes
# trace:
# trc_option = -anl -T 20M -L 40M
disks:
\tnhdisk = hdisk1
\tmhdisk = hdisk2
\ttohdisk =
\ttshdisk =
";

fn disk(name: &str, group: Option<&str>) -> Disk {
    let volume_group = group.map(str::to_owned);
    Disk { name: name.parse().unwrap(), pvid: None, volume_group, active: group.is_some() }
}

fn faults(text: &str, context: &Context<'_>) -> Vec<(Option<usize>, &'static str, &'static str)> {
    let report = check(&parse(text), context);
    report
        .faults
        .iter()
        .map(|fault| (fault.line, fault.rule.name(), fault.severity.name()))
        .collect()
}

fn everything(disks: &[Disk]) -> Context<'_> {
    Context {
        lpar_id: "26".parse().ok(),
        level: "7300-03-01-2520".parse().ok(),
        llu_mode: Some(1),
        disks: Some(disks),
    }
}

#[test]
fn published_files_are_read_completely_and_have_no_fault() {
    let disks = [
        disk("hdisk0", Some("rootvg")),
        disk("hdisk1", None),
        disk("hdisk2", None),
        disk("hdisk10", None),
    ];
    for text in [WIKI, PROFILE] {
        let report = check(&parse(text), &everything(&disks));
        assert_eq!(report, Report::default(), "{text}");
    }
    let data = parse(WIKI).data();
    assert_eq!(data.general.kext_check, Some(true));
    assert_eq!(data.disks.mhdisk, ["hdisk10".parse::<DiskName>().unwrap()]);
    assert!(data.disks.tohdisk.is_empty());
    let hmc = data.hmc.unwrap();
    assert_eq!((hmc.lpar_id, hmc.user.as_deref()), (None, Some("liveupdate")));
    assert_eq!(parse(PROFILE).data().hmc.unwrap().clone_from_hmc_profile, Some(true));
    assert_eq!(parse(PROFILE).data().trace, None);
}

#[test]
fn rendering_indents_with_a_tab_and_keeps_the_rest() {
    let text =
        "# by hand\n* old\n\ngeneral:\n  kext_check=no\nsite:\n \t secret_option = a = b # c\n";
    let rendered =
        "# by hand\n* old\n\ngeneral:\n\tkext_check = no\nsite:\n\tsecret_option = a = b # c\n";
    assert_eq!(parse(text).render(), rendered);
    assert_eq!(parse(rendered).render(), rendered);
}

#[test]
fn an_attribute_in_column_1_is_a_fault_that_explains_itself() {
    let text = WIKI.replace("        user", "user");
    let report = check(&parse(&text), &Context::default());
    let fault = &report.faults[0];
    assert_eq!((fault.line, fault.rule), (Some(13), Rule::Indent));
    assert_eq!(
        fault.to_string(),
        "lvupdate.data:13: user begins in column 1: AIX silently ignores such a line"
    );
    assert_eq!(fault.hint, "put a tab before it");
    assert!(!report.is_usable());
    assert_eq!(parse(&text).render(), parse(WIKI).render());
}

#[test]
fn all_faults_are_found_at_once_with_their_lines() {
    let text = "\
kext_check = yes
general:
\tkext_check = maybe
\tcpu_reduction = yes
\taudit_stream_check = no
\tnonsense
disks:
\tnhdisk = hdisk1, hdisk2
\tmhdisk = hdisk2
\ttohdisk = hdisk0,9disk
hmc:
\tlpar_id = 26
\tmanagement_console = hmc01
\tclone_from_hmc_profile = yes
  pvc:
pvc:
\tlpar_id = 7
\tmanagement_console = pvc01
llvupdate:
\tllu = yes
\tretries = 0
\ttimeout = 301
";
    let disks = [disk("hdisk0", Some("rootvg")), disk("hdisk1", None)];
    let context =
        Context { level: "7200-05-04-2220".parse().ok(), llu_mode: Some(0), ..everything(&disks) };
    assert_eq!(
        faults(text, &context),
        [
            (Some(1), "X7", "error"),
            (Some(1), "syntax", "error"),
            (Some(3), "value", "error"),
            (Some(5), "X5", "error"),
            (Some(6), "syntax", "error"),
            (Some(8), "value", "error"),
            (Some(8), "X6", "error"),
            (Some(9), "X6", "error"),
            (Some(10), "value", "error"),
            (Some(10), "X6", "error"),
            (Some(10), "X6", "error"),
            (Some(12), "X3", "error"),
            (Some(14), "X5", "error"),
            (Some(14), "X1", "error"),
            (Some(15), "syntax", "error"),
            (Some(17), "X3", "error"),
            (Some(18), "X2", "error"),
            (Some(20), "X5", "error"),
            (Some(20), "X4", "error"),
            (Some(20), "X4", "error"),
            (Some(21), "X5", "error"),
            (Some(21), "value", "error"),
            (Some(22), "X5", "error"),
            (Some(22), "value", "error"),
        ]
    );
}

#[test]
fn what_is_missing_is_said_without_a_line() {
    let found = faults("general:\n\tkext_check =\n", &Context::default());
    assert_eq!(
        found,
        [(None, "X2", "error"), (None, "missing", "error"), (None, "missing", "error")]
    );
    let powervc = "pvc:\n\tmanagement_console = pvc01\n";
    assert_eq!(
        faults(powervc, &Context::default()),
        [(None, "missing", "error")],
        "a user; no disks"
    );
}

#[test]
fn what_the_context_does_not_say_is_not_judged_and_that_is_said() {
    let text = format!(
        "{}\tlpar_id = 27\nllvupdate:\n\tllu = yes\n",
        WIKI.replace("        lpar_id  =\n", "")
    );
    let report = check(&parse(&text), &Context::default());
    assert!(report.is_usable(), "{:?}", report.faults);
    assert_eq!(
        report.unjudged,
        [Rule::AnotherLparId, Rule::Level, Rule::FreeDisks, Rule::LibraryUpdate]
    );
}

#[test]
fn what_is_unknown_or_undescribed_is_a_warning_and_kept() {
    let text = format!(
        "{WIKI}\talt_lpar = x\n\tnew_key = 1\n\tkext_check = yes\nfuture:\n\tx = y\ngeneral:\n\tmode = preview\n\tkext_check = yes\n"
    );
    let report = check(&parse(&text), &Context::default());
    let found: Vec<_> =
        report.faults.iter().map(|fault| (fault.line.unwrap(), fault.rule.name())).collect();
    assert_eq!(
        found,
        [
            (14, "unknown"),
            (15, "unknown"),
            (16, "unknown"),
            (17, "unknown"),
            (20, "unknown"),
            (21, "duplicate")
        ]
    );
    assert!(report.is_usable());
    assert_eq!(report.faults[2].hint, "it belongs under general:");
    assert!(parse(&text).render().contains("future:\n\tx = y\n"));
}

#[test]
fn the_same_attribute_with_two_values_is_refused() {
    let text = format!("{WIKI}\tuser = other\n");
    let report = check(&parse(&text), &Context::default());
    assert_eq!(
        (report.faults[0].rule, report.faults[0].severity),
        (Rule::Duplicate, Severity::Error)
    );
    assert_eq!(parse(&text).get("hmc", "user").unwrap().value, "other");
}

#[test]
fn carriage_returns_are_one_fault_and_gone_once_rendered() {
    let text = WIKI.replace('\n', "\r\n");
    let found = faults(&text, &Context::default());
    assert_eq!(found, [(Some(1), "syntax", "error")]);
    assert_eq!(parse(&text).render(), parse(WIKI).render());
}

#[test]
fn llu_mode_2_is_for_programs_that_opt_in() {
    let text = format!("{WIKI}llvupdate:\n\tllu = yes\n");
    let context =
        Context { llu_mode: Some(2), level: "7300-03-00-2446".parse().ok(), ..Context::default() };
    assert_eq!(faults(&text, &context), [(Some(15), "X4", "warning")]);
}

#[test]
fn attributes_are_set_where_they_stand_or_belong() {
    let mut document = parse(WIKI);
    document.set("hmc", "lpar_id", "98");
    document.set("general", "cpu_reduction", "yes");
    document.set("trace", "trc_option", "-anl\n -T 20M");
    document.remove("disks", "tshdisk");
    let rendered = "\
general:
\tkext_check = yes
\tcpu_reduction = yes

disks:
\tnhdisk = hdisk2
\tmhdisk = hdisk10
\ttohdisk =

hmc:
\tlpar_id = 98
\tmanagement_console = hmc01
\tuser = liveupdate

trace:
\ttrc_option = -anl -T 20M
";
    assert_eq!(document.render(), rendered);
}

#[test]
fn a_new_file_has_what_is_mandatory_and_nothing_that_an_old_level_does_not_know() {
    let data = Data {
        hmc: Some(Hmc {
            management_console: Some("hmc01".to_owned()),
            user: Some("liveupdate".to_owned()),
            ..Hmc::default()
        }),
        disks: Disks {
            nhdisk: vec!["hdisk2".parse().unwrap(), "hdisk3".parse().unwrap()],
            mhdisk: vec!["hdisk4".parse().unwrap()],
            ..Disks::default()
        },
        ..Data::default()
    };
    let rendered = "\
general:
\tkext_check =

disks:
\tnhdisk = hdisk2,hdisk3
\tmhdisk = hdisk4
\ttohdisk =
\ttshdisk =

hmc:
\tlpar_id =
\tmanagement_console = hmc01
\tuser = liveupdate
";
    assert_eq!(Document::from(&data).render(), rendered);
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z_][a-zA-Z0-9_]{0,10}"
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![
        Just(Line::Blank),
        "[ \t]{0,3}[#*][ -~äß]{0,20}".prop_map(|text| Line::Comment(text.trim_end().to_owned())),
        word().prop_map(Line::Stanza),
        (word(), "([!-~][ -~]{0,20}[!-~])?").prop_map(|(key, value)| Line::Attribute {
            key,
            value,
            indented: true
        }),
        "[a-z]{1,8} [a-z]{1,8}".prop_map(Line::Unreadable),
    ]
}

fn disks() -> impl Strategy<Value = Vec<DiskName>> {
    prop::collection::vec("hdisk[0-9]{1,3}".prop_map(|name| name.parse().unwrap()), 0..3)
}

prop_compose! {
    fn data()(
        flags in prop::array::uniform7(any::<Option<bool>>()),
        (nhdisk, mhdisk, tohdisk, tshdisk) in (disks(), disks(), disks(), disks()),
        lpar_id in prop::option::of(1_u32..1000),
        console in prop::option::of(word()),
        stanzas in any::<[bool; 4]>(),
        retries in prop::option::of(1_u32..10),
        timeout in prop::option::of(1_u64..301),
        option in prop::option::of("-[a-z]{1,4} -T [0-9]{1,3}M"),
    ) -> Data {
        let [kext_check, aix_mpio, cpu_reduction, ipsec_auto_migrate, audit_stream_check, profile, llu] = flags;
        let lpar_id = lpar_id.map(|id| id.to_string().parse().unwrap());
        let (management_console, user) = (console.clone(), console.clone());
        let project = console;
        Data {
            general: General { mode: None, kext_check, aix_mpio, cpu_reduction, ipsec_auto_migrate, audit_stream_check },
            disks: Disks { nhdisk, mhdisk, tohdisk, tshdisk },
            hmc: stanzas[0].then(|| Hmc { lpar_id, management_console: management_console.clone(), user: user.clone(), clone_from_hmc_profile: profile }),
            pvc: stanzas[1].then_some(Pvc { management_console, user, project }),
            trace: stanzas[2].then_some(Trace { trc_option: option }),
            llvupdate: stanzas[3].then(|| Llvupdate { llu, retries, timeout: timeout.map(Seconds) }),
        }
    }
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_again(lines in prop::collection::vec(line(), 0..30)) {
        let document = Document { lines, carriage_return: None };
        prop_assert_eq!(parse(&document.render()), document);
    }

    #[test]
    fn typed_content_survives_a_file(data in data()) {
        let document = Document::from(&data);
        prop_assert_eq!(document.data(), data.clone());
        prop_assert_eq!(parse(&document.render()).data(), data);
    }

    #[test]
    fn any_text_is_read_rendered_and_checked_without_panic(text in "([ -~\t\r\n=:#*,äß]|hmc:\n|\tlpar_id = |disks:\n|\tnhdisk = ){0,80}") {
        let document = parse(&text);
        let rendered = document.render();
        let again = parse(&rendered);
        prop_assert_eq!(again.render(), rendered);
        prop_assert_eq!(again.data(), document.data());
        let lines = document.lines().len();
        for fault in check(&document, &everything(&[])).faults {
            prop_assert!(fault.line.is_none_or(|line| (1..=lines).contains(&line)));
        }
    }

    #[test]
    fn what_is_set_is_there_and_nothing_else_changes(lines in prop::collection::vec(line(), 0..20), stanza in word(), key in word(), value in "[a-z0-9, ]{0,12}") {
        let mut document = Document { lines, carriage_return: None };
        let others = |document: &Document| -> Vec<(Option<String>, String, String)> {
            document
                .attributes()
                .filter(|one| !(one.stanza == Some(&stanza) && one.key == key))
                .map(|one| (one.stanza.map(str::to_owned), one.key.to_owned(), one.value.to_owned()))
                .collect()
        };
        let before = others(&document);
        document.set(&stanza, &key, &value);
        prop_assert_eq!(document.get(&stanza, &key).unwrap().value, value.trim());
        prop_assert_eq!(others(&document), before);
        document.remove(&stanza, &key);
        prop_assert_eq!(document.get(&stanza, &key), None);
    }
}
