//! The command lines of the published Live Update cookbook (the wiki page with the NIM cookbook by C. Sonnemans), as they stand on the
//! page, with what is put in for placeholders and what the page's typography broke.
//!
//! Each is run under NIM's name against an API that notes what it is asked for. What this version does not do is in the table too,
//! with what it answers.

use nim_shared::api::{Accepted, ObjectView, QueryAnswer, SecretView};
use serde_json::json;

use crate::api::Api;
use crate::nim::words;
use crate::sample::{BATCH, at, id, object, page, succeeded};

/// What a line comes to.
enum Comes {
    /// This request is made, or one that contains these texts; exit 0, nothing is printed.
    To(&'static [&'static str]),
    /// This is printed; exit 0.
    Prints(&'static str),
}
use Comes::{Prints, To};

/// A command line of the page.
struct Line {
    /// As it stands there, without its prompt.
    page: &'static str,
    /// What is put in place of what: placeholders, redacted names, broken typography.
    repair: &'static [(&'static str, &'static str)],
    comes: Comes,
}

const CURLY: (&str, &str) = ("\u{201c}", "\"");
const YLRUC: (&str, &str) = ("\u{201d}", "\"");
const LPAR: (&str, &str) = ("<LPAR-name>", "laboh");
const LPAR_NAME: (&str, &str) = ("<lpar_name>", "laboh");

/// The frame of the site as its HMC shows it.
const SYSTEM: &str =
    "name=p1020,type_model=9080-M9S,serial_num=78ABCDE,ipaddr=10.254.0.3,sp_type=ebmc\n";

/// In the order of the page.
const PAGE: &[Line] = &[
    Line {
        page: "dpasswd -f /export/nim/hmc_liveupdate_passwd -U liveupdate",
        repair: &[],
        comes: Prints("Password file is /export/nim/hmc_liveupdate_passwd\n"),
    },
    Line {
        page: r#"nim -o define -t hmc -a if1="find_net <hmc-name> 0" -a net_definition="ent 255.255.255.0" -a passwd_file=/export/nim/hmc_liveupdate_passwd HMCname"#,
        repair: &[("<hmc-name>", "hmc01")],
        comes: To(&["POST /v1/objects", r#""name":"HMCname""#, r#""value":"ent 255.255.255.0""#]),
    },
    Line {
        page: r#"nim -o define -t ent -a net_addr="1.1.0.0" -a snm="255.255.255.0" -a routing1="default 1.1.0.1" vlan4"#,
        repair: &[],
        comes: To(&[r#""type":"ent","name":"vlan4""#, r#""value":"default 1.1.0.1""#]),
    },
    Line {
        page: r#"nim -o define -t hmc -a if1="find_net hmc01 0" -a net_definition="ent 255.255.255.0" -a passwd_file=/export/nim/hmc_liveupdate_passwd hmc01"#,
        repair: &[],
        comes: To(&[
            r#""type":"hmc","name":"hmc01""#,
            r#""value":"find_net hmc01 0""#,
            "/export/nim/hmc_liveupdate_passwd",
        ]),
    },
    Line { page: "lsnim -l vlan4", repair: &[], comes: Prints("vlan4:\n   class    = networks\n") },
    Line {
        page: "lsnim -l hmc01",
        repair: &[],
        comes: Prints("hmc01:\n   class       = management\n"),
    },
    Line {
        page: "dkeyexch -f /export/nim/hmc_liveupdate_passwd -I hmc -H hmc01",
        repair: &[],
        comes: Prints(
            "hmc01 lets this master in as liveupdate with its key: a login with it was tried\n",
        ),
    },
    Line { page: "nimquery -a hmc=hmc01", repair: &[], comes: Prints(SYSTEM) },
    Line { page: "nimquery -a hmc=hmc01 -d", repair: &[], comes: Prints(SYSTEM) },
    Line {
        page: "nim -o define -t cec -a hw_type=9009 -a hw_model=42A -a hw_serial=<number> -a mgmt_source=hmc-name cec-name",
        repair: &[("<number>", "7835130")],
        comes: To(&[
            r#""type":"cec","name":"cec-name""#,
            r#""value":"7835130""#,
            r#""value":"hmc-name""#,
        ]),
    },
    Line {
        page: "nim -o define -t cec -a hw_type=9080 -a hw_model=M9S -a hw_serial=xxxxx -a mgmt_source=hmc01 p1020",
        repair: &[("xxxxx", "78ABCDE")],
        comes: To(&[r#""type":"cec","name":"p1020""#, r#""value":"M9S""#]),
    },
    Line {
        page: "lsnim -t cec",
        repair: &[],
        comes: Prints("9080-M9S_78ABCDE     management       cec\n"),
    },
    Line {
        page: r#"nim -o define -t vios -a if1="<network-name> <vio-name> 0 entX" -a mgmt_source="<cec-name>" -a identity=<LPAR-id> <vio-name>"#,
        repair: &[
            ("<network-name>", "vlan4"),
            ("<vio-name>", "vio1"),
            ("<cec-name>", "p1020"),
            ("<LPAR-id>", "1"),
        ],
        comes: To(&[r#""value":"vlan4 vio1 0 entX""#, r#""name":"vio1""#]),
    },
    Line {
        page: r#"nim -o define -t vios -a if1="adminnetwork vio1 0 ent7" -a mgmt_source="p9-S924-testserver" -a identity=1 <vio-name>"#,
        repair: &[("<vio-name>", "vio1")],
        comes: To(&[r#""value":"p9-S924-testserver""#]),
    },
    Line {
        page: r#"nim -o define -t vios -a if1="vlan4 viodevb1 0 ent1" -a mgmt_source="9080-M9S_xxxx" -a identity=3 viodev1"#,
        repair: &[("xxxx", "78ABCDE")],
        comes: To(&[r#""name":"viodev1""#, r#""value":"9080-M9S_78ABCDE""#]),
    },
    Line {
        page: r#"nim -o define -t vios -a if1="vlan4 viodevb2 0 ent1" -a mgmt_source="9080-M9S_xxxx" -a identity=4 viodev2"#,
        repair: &[("xxxx", "78ABCDE")],
        comes: To(&[r#""name":"viodev2""#]),
    },
    Line {
        page: "nim -o lslpp <vio-server name>",
        repair: &[("<vio-server name>", "viodev1")],
        comes: Prints("  bos.rte 7.2.5.200\n"),
    },
    Line {
        page: "lsnim -c management",
        repair: &[],
        comes: Prints("hmc01                management       hmc\n"),
    },
    Line {
        page: "lsnim -l <management_object>",
        repair: &[("<management_object>", "hmc01")],
        comes: Prints("hmc01:\n"),
    },
    Line {
        page: "nim -o change -a identity=<LPAR_ID> -a mgmt_source=<CEC> <lpar_name>",
        repair: &[("<LPAR_ID>", "26"), ("<CEC>", "p1020"), LPAR_NAME],
        comes: To(&["PATCH /v1/objects/laboh", r#""value":"p1020""#]),
    },
    Line {
        page: "nim -o change -a connect=nimsh -a platform=chrp -a netboot_kernel=64 -a identity=26 -a mgmt_source=9080-M9S_xxxx laboh",
        repair: &[("xxxx", "78ABCDE")],
        comes: To(&["PATCH /v1/objects/laboh", r#""value":"nimsh""#, r#""value":"26""#]),
    },
    Line {
        page: "lsnim -l laboh",
        repair: &[],
        comes: Prints("laboh:\n   class          = machines\n"),
    },
    Line {
        page: "nim -o define -t live_update_data -a server=master -a location=/export/nim/liveupdate/liveupdate_data_laboh liveupdate_data_laboh",
        repair: &[],
        comes: To(&[r#""type":"live_update_data","name":"liveupdate_data_laboh""#]),
    },
    Line {
        page: "nim -o define -t lpp_source -a server=master \\ -a location=\u{201c}/install/nim/lpp_source\u{201d} \\ -a source=<path_downloaded_files_from_fixcentral> <lpp_source_name>",
        repair: &[
            CURLY,
            YLRUC,
            ("<path_downloaded_files_from_fixcentral>", "/stage"),
            ("<lpp_source_name>", "lpp"),
        ],
        comes: To(&[
            r#""value":"/install/nim/lpp_source""#,
            r#"POST /v1/lpp_sources/lpp/packages {"source":"/stage","packages":["all"]}"#,
        ]),
    },
    Line {
        page: "nim -o define -t lpp_source -a server=master -a location=\u{201c}/install/nim/lpp_source/<ifixes-dir>\u{201d} <lpp_source_ifixes>",
        repair: &[
            CURLY,
            YLRUC,
            ("<ifixes-dir>", "ifixes"),
            ("<lpp_source_ifixes>", "lpp_source_ifixes"),
        ],
        comes: To(&[
            r#""value":"/install/nim/lpp_source/ifixes""#,
            r#""name":"lpp_source_ifixes""#,
        ]),
    },
    // What follows it on the page is egrep.
    Line {
        page: "lsnim",
        repair: &[],
        comes: Prints("vlan4                networks         ent\n"),
    },
    // Of script-1.
    Line {
        page: "NIM -o change -a identity=${LPAR_id} -a mgmt_source=${mgmt_sys} ${LPAR}",
        repair: &[
            ("NIM", "nim"),
            ("${LPAR_id}", "26"),
            ("${mgmt_sys}", "p1020"),
            ("${LPAR}", "laboh"),
        ],
        comes: To(&["PATCH /v1/objects/laboh"]),
    },
    Line { page: "lsnim -l ${LPAR}", repair: &[("${LPAR}", "laboh")], comes: Prints("laboh:\n") },
    Line {
        page: r#"nim -o cust -a lpp_source=72000402_lpp_source -a installp_flags="-p" -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<LPAR-name> <LPAR-name>"#,
        repair: &[LPAR],
        comes: Prints("Validating live update input data.\n"),
    },
    Line {
        page: "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<LPAR-name> <LPAR-name>",
        repair: &[LPAR],
        comes: Prints("Validating live update input data.\n"),
    },
    Line {
        page: r#"nim -o cust -a live_update=yes -a lpp_source=Live Update-ifixes -a installp_flags="-p" -a live_update_data=liveupdate_data_<lpar_name> -a filesets=1022100a.210112.epkg.Z <lpar_name>"#,
        // Something on the page replaced LKU everywhere, in names too.
        repair: &[("Live Update-ifixes", "LKU-ifixes"), LPAR_NAME],
        comes: Prints("Validating live update input data.\n"),
    },
    Line {
        page: "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a accept_licenses=yes <lpar_name>",
        repair: &[LPAR_NAME],
        comes: Prints("Validating live update input data.\n"),
    },
    Line {
        page: "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<lpar_name> <lpar_name>",
        repair: &[LPAR_NAME],
        comes: Prints("Validating live update input data.\n"),
    },
];

/// A site with the names of the page.
fn site() -> Vec<ObjectView> {
    vec![
        object(
            "ent",
            "vlan4",
            &[("net_addr", "1.1.0.0"), ("snm", "255.255.255.0"), ("routing1", "default 1.1.0.1")],
        ),
        object(
            "hmc",
            "hmc01",
            &[("if1", "vlan4 hmc01 0"), ("passwd_file", "/export/nim/hmc_liveupdate_passwd")],
        ),
        object(
            "cec",
            "9080-M9S_78ABCDE",
            &[
                ("hw_type", "9080"),
                ("hw_model", "M9S"),
                ("hw_serial", "78ABCDE"),
                ("mgmt_source", "hmc01"),
            ],
        ),
        object(
            "standalone",
            "laboh",
            &[
                ("if1", "vlan4 laboh 6E5AF0000000 ent0"),
                ("mgmt_source", "9080-M9S_78ABCDE"),
                ("identity", "26"),
                ("connect", "nimsh"),
            ],
        ),
    ]
}

fn api() -> Api {
    let site = site();
    let operation = format!("GET /v1/operations/{}", id(1));
    let text = "Validating live update input data.\n";
    let printed =
        json!({"epoch": 0, "offset": 0, "data": base64(text), "next": null, "cut": false});
    let secret: nim_shared::object::PasswordFile =
        "/export/nim/hmc_liveupdate_passwd".parse().unwrap();
    let accepted: Accepted = serde_json::from_value(
        json!({"batch": BATCH, "operations": [{"id": id(1), "lpar": "laboh"}]}),
    )
    .unwrap();
    let stored = SecretView {
        name: secret.secret().clone(),
        version: 1,
        login: None,
        set_at: at("10:00:00"),
        set_by: 0,
        held_back: None,
    };
    let systems = json!([{"name": "p1020", "type_model": "9080-M9S", "serial_num": "78ABCDE",
        "ipaddr": "10.254.0.3", "sp_type": "ebmc", "state": "Operating"}]);
    let mut api = Api::new()
        .on("GET /v1/hmcs/hmc01/systems", &systems)
        .on(
            "POST /v1/hmcs/hmc01/key",
            &json!({"hmc": "hmc01", "user": "liveupdate", "was_there": false}),
        )
        .on("POST /v1/objects", &site[3])
        .on("PATCH /v1/objects/laboh", &site[3])
        .on("POST /v1/lpp_sources/lpp/packages", &super::lpp::changed(&["a.bff"], &[]))
        .on("PATCH /v1/objects/hmc01", &site[1])
        .on(&format!("PUT /v1/secrets/{}", secret.secret()), &stored)
        .on("GET /v1/objects?limit=1000", &page(site.clone()))
        .on("GET /v1/objects?type=cec&limit=1000", &page(site[2..3].to_vec()))
        .on("GET /v1/objects?type=hmc&limit=1000", &page(site[1..2].to_vec()))
        .on("GET /v1/objects?class=management&limit=1000", &page(site[1..3].to_vec()))
        .on("POST /v1/cust", &accepted)
        .on(&operation, &succeeded(1, "laboh"))
        .on(&format!("{operation}/output"), &printed);
    let vios = object(
        "vios",
        "viodev1",
        &[("if1", "vlan4 viodev1 0 ent1"), ("mgmt_source", "9080-M9S_78ABCDE"), ("identity", "3")],
    );
    let listed = QueryAnswer {
        lpar: "viodev1".parse().unwrap(),
        status: 0,
        stdout: "  bos.rte 7.2.5.200\n".to_owned(),
        stderr: String::new(),
    };
    api = api.on("POST /v1/agent/viodev1/query", &listed);
    for view in site.into_iter().chain([vios]) {
        api = api.on(
            &format!("GET /v1/objects?name={}&limit=1000", view.object.name),
            &page(vec![view]),
        );
    }
    api
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn every_command_line_of_the_cookbook_does_what_its_reader_expects() {
    for line in PAGE {
        let repaired = line
            .repair
            .iter()
            .fold(line.page.to_owned(), |text, (from, to)| text.replace(from, to));
        let api = api();
        let words = words(&repaired);
        let (program, arguments) = words.split_first().unwrap();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let ran = api.called(program, &arguments, "abc123\n");
        let (stdout, stderr) =
            (String::from_utf8_lossy(&ran.0.stdout), String::from_utf8_lossy(&ran.0.stderr));
        match line.comes {
            To(texts) => {
                assert_eq!(
                    (ran.0.status.code(), &*stdout, &*stderr),
                    (Some(0), "", ""),
                    "{repaired}"
                );
                let asked = api.changes().join("\n");
                assert!(texts.iter().all(|text| asked.contains(text)), "{repaired}: {asked}");
            }
            Prints(text) => {
                assert!(ran.0.status.success() && stdout.starts_with(text), "{repaired}: {ran}");
            }
        }
    }
}
