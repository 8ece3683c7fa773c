//! The listings of the NIM reference (§4.2 to §4.4), to the byte. What is inferred there says so here.

use super::*;
use crate::nim::row::{rows, tests::view, wanted};
use crate::object::ObjectType;

fn listed(
    of: ObjectType,
    name: &str,
    attributes: &[(&str, &str)],
    derived: &[(&str, &str)],
) -> String {
    let view = view(of, name, attributes, derived);
    long(&[Entry { name: name.to_owned(), rows: rows(&view) }])
}

const READY: &str = "ready for a NIM operation";

#[test]
fn the_short_form_is_as_wide_as_its_widest_rows() {
    assert_eq!(
        short(&[
            ("hmc01", "management", "hmc"),
            ("9105-42A_78XXXXX", "management", "cec"),
            ("viosa1", "management", "vios"),
            ("viosa2", "management", "vios"),
        ]),
        "\
hmc01                management       hmc
9105-42A_78XXXXX     management       cec
viosa1               management       vios
viosa2               management       vios
"
    );
    assert_eq!(
        short(&[("client1", "machines", "standalone"), ("client2", "machines", "standalone")]),
        "\
client1     machines       standalone
client2     machines       standalone
"
    );
    assert_eq!(
        short(&[
            ("boot", "resources", "boot"),
            ("nim_script", "resources", "nim_script"),
            ("certificate", "resources", "certificate"),
        ]),
        "\
boot            resources       boot
nim_script      resources       nim_script
certificate     resources       certificate
"
    );
    assert_eq!(short(&[]), "");
}

#[test]
fn a_network_in_the_long_form() {
    let text = listed(
        ObjectType::Ent,
        "vlan4",
        &[("net_addr", "10.1.0.0"), ("snm", "255.255.255.0"), ("routing1", "default 10.1.0.1")],
        &[("Nstate", "ready for use"), ("prev_state", "ready for use")],
    );
    assert_eq!(
        text,
        "\
vlan4:
   class      = networks
   type       = ent
   Nstate     = ready for use
   prev_state = ready for use
   net_addr   = 10.1.0.0
   snm        = 255.255.255.0
   routing1   = default 10.1.0.1
"
    );
}

#[test]
fn a_console_in_the_long_form() {
    // The line of prev_state ends with a blank (inferred).
    let text = listed(
        ObjectType::Hmc,
        "hmc01",
        &[("if1", "vlan4 hmc01 0"), ("passwd_file", "/export/nim/hmc_liveupdate_passwd")],
        &[("Cstate", READY), ("prev_state", ""), ("Mstate", "currently running")],
    );
    let expected = "\
hmc01:
   class       = management
   type        = hmc
   passwd_file = /export/nim/hmc_liveupdate_passwd
   mgmt_port   = 12443
   if1         = vlan4 hmc01 0
   Cstate      = ready for a NIM operation
   prev_state  =_
   Mstate      = currently running
";
    assert_eq!(text, expected.replace("=_", "= "));
}

#[test]
fn an_lpar_in_the_long_form() {
    let text = listed(
        ObjectType::Standalone,
        "aix01",
        &[
            ("cpuid", "00C2FCXXXX00"),
            ("connect", "nimsh"),
            ("platform", "chrp"),
            ("netboot_kernel", "64"),
            ("if1", "vlan4 aix01 6E5AF0000000 ent0"),
            ("cable_type1", "N/A"),
            ("mgmt_source", "9080-M9S_78XXXXX"),
            ("identity", "26"),
        ],
        &[
            ("mgmt_profile1", "hmc01 26 9080-M9S_78XXXXX"),
            ("Cstate", READY),
            ("prev_state", READY),
            ("Mstate", "currently running"),
        ],
    );
    assert_eq!(
        text,
        "\
aix01:
   class          = machines
   type           = standalone
   connect        = nimsh
   platform       = chrp
   netboot_kernel = 64
   if1            = vlan4 aix01 6E5AF0000000 ent0
   cable_type1    = N/A
   mgmt_profile1  = hmc01 26 9080-M9S_78XXXXX
   Cstate         = ready for a NIM operation
   prev_state     = ready for a NIM operation
   Mstate         = currently running
   cpuid          = 00C2FCXXXX00
"
    );
}

#[test]
fn resources_in_the_long_form() {
    let states =
        [("Rstate", "ready for use"), ("prev_state", "unavailable for use"), ("alloc_count", "0")];
    let text = listed(
        ObjectType::LppSource,
        "lpp_7200_05_04",
        &[
            ("comments", "AIX 7.2 TL5 SP4 lppsource"),
            ("location", "/nim/lpp/7200TL5SP4_lpp"),
            ("simages", "yes"),
            ("server", "master"),
        ],
        &states,
    );
    assert_eq!(
        text,
        "\
lpp_7200_05_04:
   class       = resources
   type        = lpp_source
   comments    = AIX 7.2 TL5 SP4 lppsource
   arch        = power
   Rstate      = ready for use
   prev_state  = unavailable for use
   location    = /nim/lpp/7200TL5SP4_lpp
   simages     = yes
   alloc_count = 0
   server      = master
"
    );
    let text = listed(
        ObjectType::Mksysb,
        "aix13_220720_img",
        &[
            ("creation_date", "Wed Jul 20 00:17:25 2022"),
            ("source_image", "aix13"),
            ("arch", "power"),
            ("location", "/mksysb/aix13/aix13_220720_img"),
            ("version", "7"),
            ("release", "2"),
            ("mod", "5"),
            ("oslevel_r", "7200-05"),
            ("oslevel_s", "7200-05-04-2220"),
        ],
        &states,
    );
    assert_eq!(
        text,
        "\
aix13_220720_img:
   class         = resources
   type          = mksysb
   creation_date = Wed Jul 20 00:17:25 2022
   source_image  = aix13
   arch          = power
   Rstate        = ready for use
   prev_state    = unavailable for use
   location      = /mksysb/aix13/aix13_220720_img
   version       = 7
   release       = 2
   mod           = 5
   oslevel_r     = 7200-05
   oslevel_s     = 7200-05-04-2220
   alloc_count   = 0
   server        = master
"
    );
    // (inferred) in the reference, from the same rules.
    let text = listed(
        ObjectType::LiveUpdateData,
        "liveupdate_data_aix01",
        &[("location", "/export/nim/lu/liveupdate_data_aix01")],
        &states,
    );
    assert_eq!(
        text,
        "\
liveupdate_data_aix01:
   class       = resources
   type        = live_update_data
   Rstate      = ready for use
   prev_state  = unavailable for use
   location    = /export/nim/lu/liveupdate_data_aix01
   alloc_count = 0
   server      = master
"
    );
}

/// All of these are (inferred) in the reference.
#[test]
fn frames_io_servers_and_groups_in_the_long_form() {
    let cec = listed(
        ObjectType::Cec,
        "9105-42A_78XXXXX",
        &[
            ("hw_type", "9105"),
            ("hw_model", "42A"),
            ("hw_serial", "78XXXXX"),
            ("mgmt_source", "hmc01"),
        ],
        &[("serial", "9105-42A*78XXXXX"), ("Cstate", READY), ("prev_state", "")],
    );
    let expected = "\
9105-42A_78XXXXX:
   class      = management
   type       = cec
   Cstate     = ready for a NIM operation
   prev_state =_
   hmc        = hmc01
   serial     = 9105-42A*78XXXXX
";
    assert_eq!(cec, expected.replace("=_", "= "));
    let vios = listed(
        ObjectType::Vios,
        "viosa1",
        &[
            ("if1", "vlan4 viosa1 0 ent1"),
            ("mgmt_source", "9105-42A_78XXXXX"),
            ("identity", "3"),
            ("connect", "nimsh"),
            ("cable_type1", "N/A"),
            ("cpuid", "00F600004C00"),
        ],
        &[
            ("mgmt_profile1", "hmc01 3 9105-42A_78XXXXX"),
            ("Cstate", READY),
            ("prev_state", READY),
            ("Mstate", "currently running"),
            ("Cstate_result", "success"),
        ],
    );
    assert_eq!(
        vios,
        "\
viosa1:
   class          = management
   type           = vios
   connect        = nimsh
   platform       = chrp
   netboot_kernel = 64
   if1            = vlan4 viosa1 0 ent1
   cable_type1    = N/A
   mgmt_profile1  = hmc01 3 9105-42A_78XXXXX
   Cstate         = ready for a NIM operation
   prev_state     = ready for a NIM operation
   Mstate         = currently running
   cpuid          = 00F600004C00
   Cstate_result  = success
"
    );
    let members: Vec<_> = (1..=10).map(|number| format!("aix{number:02}")).collect();
    let members: Vec<_> = members.iter().map(|name| ("member", name.as_str())).collect();
    let group = listed(ObjectType::MacGroup, "prod_grp", &members, &[]);
    assert!(group.starts_with(
        "prod_grp:\n   class    = groups\n   type     = mac_group\n   member1  = aix01\n"
    ));
    assert!(group.ends_with("   member9  = aix09\n   member10 = aix10\n"), "{group}");
    let group = listed(
        ObjectType::MacGroup,
        "prod_grp",
        &[("member", "aix01,aix02"), ("excluded", "aix02")],
        &[],
    );
    assert!(group.ends_with("   member1 = aix01\n   member2 = aix02; EXCLUDED\n"), "{group}");
    let held = listed(
        ObjectType::Standalone,
        "aix01",
        &[("if1", "vlan4 aix01 0"), ("allocated", "spot_7200,post"), ("cpuid", "00C2FC000000")],
        &[("Mstate", "currently running"), ("script1", "post"), ("spot", "spot_7200")],
    );
    assert!(
        held.ends_with(
            "   Mstate         = currently running\n   spot           = spot_7200\n   script1        = post\n   cpuid          = 00C2FC000000\n"
        ),
        "{held}"
    );
    let group = listed(
        ObjectType::ResGroup,
        "patch_res",
        &[("script", "post_script"), ("lpp_source", "lpp_7200_05_08")],
        &[],
    );
    assert_eq!(
        group,
        "\
patch_res:
   class      = groups
   type       = res_group
   lpp_source = lpp_7200_05_08
   script1    = post_script
"
    );
}

fn lpar(derived: &[(&str, &str)]) -> crate::api::ObjectView {
    view(ObjectType::Standalone, "aix01", &[("if1", "vlan4 aix01 6E5AF0000000 ent0")], derived)
}

fn entry(view: &crate::api::ObjectView, attributes: &[&str]) -> Entry {
    let rows = attributes.iter().flat_map(|attribute| wanted(view, attribute)).collect();
    Entry { name: view.object.name.to_string(), rows }
}

#[test]
fn a_single_attribute_has_one_blank_on_each_side_of_its_sign() {
    let text = long(&[entry(&lpar(&[]), &["if1"])]);
    assert_eq!(text, "aix01:\n   if1 = vlan4 aix01 6E5AF0000000 ent0\n");
    // Deployed tools take these words by their number.
    assert_eq!(text.split(' ').nth(6), Some("aix01"));
}

#[test]
fn a_table_leaves_out_what_is_empty_unless_it_is_strict() {
    let profile = lpar(&[("mgmt_profile1", "hmc01 26 9080-M9S_78XXXXX")]);
    let wanted = ["mgmt_profile".to_owned()];
    assert_eq!(
        table(&wanted, &[entry(&profile, &["mgmt_profile"])], Columns::Nim),
        "#name:mgmt_profile:\naix01:hmc01 26 9080-M9S_78XXXXX:\n"
    );
    let states = ["Cstate", "info", "Cstate_result"];
    let wanted = states.map(ToOwned::to_owned);
    let table = |derived: &[(&str, &str)], columns| {
        table(&wanted, &[entry(&lpar(derived), &states)], columns)
    };
    let idle = [("Cstate", READY), ("info", ""), ("Cstate_result", "success")];
    assert_eq!(
        table(&idle, Columns::Nim),
        "#name:Cstate:info:Cstate_result:\naix01:ready for a NIM operation:success:\n"
    );
    assert_eq!(
        table(&idle, Columns::Strict),
        "#name:Cstate:info:Cstate_result:\naix01:ready for a NIM operation::success:\n"
    );
    let failed = [("Cstate", READY), ("info", "a: b"), ("Cstate_result", "failure")];
    assert_eq!(
        table(&failed, Columns::Nim),
        "#name:Cstate:info:Cstate_result:\naix01:ready for a NIM operation:a: b:failure:\n"
    );
    assert_eq!(
        table(&failed, Columns::Strict),
        "#name:Cstate:info:Cstate_result:\naix01:ready for a NIM operation:a\\: b:failure:\n"
    );
}

#[test]
fn a_long_table_is_one_line_for_all_objects_unless_it_is_strict() {
    let group = |name: &str| Entry {
        name: name.to_owned(),
        rows: rows(&view(ObjectType::MacGroup, name, &[("member", "a")], &[])),
    };
    assert_eq!(
        long_table(&[group("g1"), group("g2")], Columns::Nim),
        "#name:class:type:member1:name:class:type:member1:\ng1:groups:mac_group:a:g2:groups:mac_group:a:\n"
    );
    assert_eq!(
        long_table(&[group("g1"), group("g2")], Columns::Strict),
        "#name:class:type:member1:\ng1:groups:mac_group:a:\n#name:class:type:member1:\ng2:groups:mac_group:a:\n"
    );
    assert_eq!(long_table(&[], Columns::Nim), "");
}

#[test]
fn resources_and_explanations_are_two_columns() {
    assert_eq!(
        available(&[("aix13_220720_img", "mksysb"), ("aix13_220713_img", "mksysb")]),
        "aix13_220720_img     mksysb\naix13_220713_img     mksysb\n"
    );
    assert_eq!(
        explained(&[("ent", "a"), ("hmc", "b"), ("standalone", "c")]),
        "ent        = a\nhmc        = b\nstandalone = c\n"
    );
}
