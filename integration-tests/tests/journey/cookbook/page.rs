//! The command lines of the published Live Update cookbook (the wiki page with the NIM cookbook by C. Sonnemans) in the order in which
//! a reader types them: steps 2 to 7, preview, update, an interim fix, the workaround in two parts, script-1.

/// Where a line is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// On the NIM master.
    Nim,
    /// On the LPAR, by its administrator.
    Lpar,
}

/// What the reader sees of a line that succeeds.
pub(super) enum Seen {
    /// Nothing.
    Nothing,
    /// This and no more: the listing of the page, repaired like the line.
    Listing(&'static str),
    /// These lines among others.
    Lines(&'static [&'static str]),
}
use Seen::{Lines, Listing, Nothing};

/// A command line of the page.
pub(super) struct Line {
    /// As it stands there, without its prompt.
    pub(super) page: &'static str,
    /// What is put in place of what, in the line and in its listing: placeholders, blackened names, broken typography.
    pub(super) repair: &'static [Repair],
    /// Who types it.
    pub(super) host: Host,
    /// What comes of it.
    pub(super) seen: Seen,
}

type Repair = (&'static str, &'static str);

const fn nim(page: &'static str, repair: &'static [Repair], seen: Seen) -> Line {
    Line { page, repair, host: Host::Nim, seen }
}

/// Curly quotes, which the page's typography put in.
const CURLY: Repair = ("\u{201c}", "\"");
const YLRUC: Repair = ("\u{201d}", "\"");
/// A backslash in mid-line: once the end of one.
const JOINED: Repair = ("\\ -a", "-a");
/// The address in front of the network that the page shows.
const NET: Repair = ("1.1.0.", "127.77.1.");
/// A serial number that was blackened.
const SERIAL: Repair = ("9080-M9S_xxxxx", "9080-M9S_78ABCDE");
const LPAR: Repair = ("<LPAR-name>", "laboh");
const LPAR_NAME: Repair = ("<lpar_name>", "laboh");
/// Something on the page replaced LKU everywhere, in names too.
const LKU: Repair = ("Live Update-ifixes", "LKU-ifixes");

/// The way a Live Update that works ends on the page, except its last words, which are another level's.
const UPDATED: &[&str] =
    &["Blackout Time started.", "Blackout Time end.", "Workload is running on surrogate LPAR."];
const PREVIEWED: &[&str] = &["The live update preview succeeded"];

/// What is typed before the LPAR is known to NIM as a client, which the page takes for granted.
pub(super) const CONSOLE: &[Line] = &[
    nim(
        "dpasswd -f /export/nim/hmc_liveupdate_passwd -U liveupdate",
        &[],
        // The second line of the page's listing is not here: nothing is echoed.
        Lines(&["Password file is /export/nim/hmc_liveupdate_passwd"]),
    ),
    nim(
        r#"nim -o define -t ent -a net_addr="1.1.0.0" -a snm="255.255.255.0" -a routing1="default 1.1.0.1" vlan4"#,
        &[NET],
        Nothing,
    ),
    nim(
        r#"nim -o define -t hmc -a if1="find_net <hmc-name> 0" -a net_definition="ent 255.255.255.0" -a passwd_file=/export/nim/hmc_liveupdate_passwd HMCname"#,
        &[("<hmc-name>", "hmc02")],
        Nothing,
    ),
    nim(
        r#"nim -o define -t hmc -a if1="find_net hmc01 0" -a net_definition="ent 255.255.255.0" -a passwd_file=/export/nim/hmc_liveupdate_passwd hmc01"#,
        &[],
        Nothing,
    ),
    nim(
        "lsnim -l vlan4",
        &[
            ("net_addr   = x.X.X.X", "net_addr   = 127.77.1.0"),
            ("snm        = x.X.X.X", "snm        = 255.255.255.0"),
            ("default x.X.X.X", "default 127.77.1.1"),
        ],
        Listing(
            "vlan4:\n   class      = networks\n   type       = ent\n   Nstate     = ready for use\n   prev_state = ready for use\n   net_addr   = x.X.X.X\n   snm        = x.X.X.X\n   routing1   = default x.X.X.X\n",
        ),
    ),
];

/// Once the host keys of the consoles are on record.
pub(super) const KEYS: &[Line] = &[
    // What the page shows of it is a stack trace.
    nim(
        "dkeyexch -f /export/nim/hmc_liveupdate_passwd -I hmc -H hmc01",
        &[],
        Lines(&["hmc01 lets this master in as liveupdate with its key: a login with it was tried"]),
    ),
    nim(
        "lsnim -l hmc01",
        // A blank at the end of a line is none on a page.
        &[("prev_state  =\n", "prev_state  = \n")],
        Listing(
            "hmc01:\n   class       = management\n   type        = hmc\n   passwd_file = /export/nim/hmc_liveupdate_passwd\n   mgmt_port   = 12443\n   if1         = vlan4 hmc01 0\n   Cstate      = ready for a NIM operation\n   prev_state  =\n   Mstate      = currently running\n",
        ),
    ),
    nim(
        "nimquery -a hmc=hmc01",
        &[],
        Lines(&[
            "name=9105-42A_78A1B20,type_model=9105-42A,serial_num=78A1B20,ipaddr=10.254.0.3,sp_type=ebmc",
        ]),
    ),
    nim(
        "nimquery -a hmc=hmc01 -d",
        &[],
        Lines(&[
            "name=9105-42A_78A1B20,type_model=9105-42A,serial_num=78A1B20,ipaddr=10.254.0.3,sp_type=ebmc",
        ]),
    ),
    nim(
        "nim -o define -t cec -a hw_type=9009 -a hw_model=42A -a hw_serial=<number> -a mgmt_source=hmc-name cec-name",
        &[("<number>", "7835130"), ("hmc-name", "hmc01")],
        Nothing,
    ),
    nim(
        "nim -o define -t cec -a hw_type=9080 -a hw_model=M9S -a hw_serial=xxxxx -a mgmt_source=hmc01 p1020",
        &[("xxxxx", "78FEDCB")],
        Nothing,
    ),
    nim(
        "lsnim -t cec",
        &[],
        Lines(&[
            "9105-42A_78A1B20     management       cec",
            "9080-M9S_78ABCDE     management       cec",
        ]),
    ),
    nim(
        r#"nim -o define -t vios -a if1="<network-name> <vio-name> 0 entX" -a mgmt_source="<cec-name>" -a identity=<LPAR-id> <vio-name>"#,
        &[
            ("<network-name>", "vlan4"),
            ("<vio-name>", "vio2"),
            ("<cec-name>", "p1020"),
            ("<LPAR-id>", "1"),
        ],
        Nothing,
    ),
    nim(
        r#"nim -o define -t vios -a if1="adminnetwork vio1 0 ent7" -a mgmt_source="p9-S924-testserver" -a identity=1 <vio-name>"#,
        &[
            ("adminnetwork", "vlan4"),
            ("p9-S924-testserver", "9105-42A_78A1B20"),
            ("<vio-name>", "vio1"),
        ],
        Nothing,
    ),
    nim(
        r#"nim -o define -t vios -a if1="vlan4 viodevb1 0 ent1" -a mgmt_source="9080-M9S_xxxx" -a identity=3 viodev1"#,
        &[("xxxx", "78ABCDE")],
        Nothing,
    ),
    nim(
        r#"nim -o define -t vios -a if1="vlan4 viodevb2 0 ent1" -a mgmt_source="9080-M9S_xxxx" -a identity=4 viodev2"#,
        &[("xxxx", "78ABCDE")],
        Nothing,
    ),
    nim("nim -o lslpp <vio-server name>", &[("<vio-server name>", "viodev1")], Lines(&["bos.rte"])),
    nim(
        "lsnim -c management",
        &[],
        // The page shows its columns a blank less wide for the last two.
        Lines(&[
            "hmc01                management       hmc",
            "9105-42A_78A1B20     management       cec",
            "viodev1              management       vios",
            "viodev2              management       vios",
        ]),
    ),
    nim(
        "lsnim -l <management_object>",
        &[("<management_object>", "viodev1")],
        Lines(&["viodev1:", "   if1            = vlan4 viodevb1 0 ent1"]),
    ),
];

/// Once the LPARs are clients.
pub(super) const CLIENT: &[Line] = &[
    nim(
        "nim -o change -a identity=<LPAR_ID> -a mgmt_source=<CEC> <lpar_name>",
        &[("<LPAR_ID>", "26"), ("<CEC>", "9080-M9S_78ABCDE"), LPAR_NAME],
        Nothing,
    ),
    nim(
        "nim -o change -a connect=nimsh -a platform=chrp -a netboot_kernel=64 -a identity=26 -a mgmt_source=9080-M9S_xxxx laboh",
        &[("xxxx", "78ABCDE")],
        Nothing,
    ),
    nim(
        "lsnim -l laboh",
        // Two blanks and five letters are what was left where an address was blackened.
        &[SERIAL, ("laboh  6E5AFxxxxx", "laboh 6E5AF0000000"), ("00C2FCxxxxx", "00C2FCABCDE0")],
        Listing(
            "laboh:\n   class          = machines\n   type           = standalone\n   connect        = nimsh\n   platform       = chrp\n   netboot_kernel = 64\n   if1            = vlan4 laboh  6E5AFxxxxx ent0\n   cable_type1    = N/A\n   mgmt_profile1  = hmc01 26 9080-M9S_xxxxx\n   Cstate         = ready for a NIM operation\n   prev_state     = ready for a NIM operation\n   Mstate         = currently running\n   cpuid          = 00C2FCxxxxx\n",
        ),
    ),
    nim(
        "nim -o define -t live_update_data -a server=master -a location=/export/nim/liveupdate/liveupdate_data_laboh liveupdate_data_laboh",
        &[],
        Nothing,
    ),
    nim(
        "nim -o define -t lpp_source -a server=master \\ -a location=\u{201c}/install/nim/lpp_source\u{201d} \\ -a source=<path_downloaded_files_from_fixcentral> <lpp_source_name>",
        &[
            CURLY,
            YLRUC,
            JOINED,
            ("nim/lpp_source\"", "nim/lpp_source/72000402\""),
            ("<path_downloaded_files_from_fixcentral>", "/export/downloaded"),
            ("<lpp_source_name>", "72000402_lpp_source"),
        ],
        Nothing,
    ),
    nim(
        "nim -o define -t lpp_source -a server=master -a location=\u{201c}/install/nim/lpp_source/<ifixes-dir>\u{201d} <lpp_source_ifixes>",
        &[CURLY, YLRUC, ("<ifixes-dir>", "ifixes"), ("<lpp_source_ifixes>", "LKU-ifixes")],
        Nothing,
    ),
    Line {
        page: "emgr -d -e IJ28227s2a.200922.epkg.Z -v2 | grep \u{201c}LU CAPABLE:\u{201d}",
        repair: &[
            CURLY,
            YLRUC,
            ("IJ28227s2a.200922", "/install/nim/lpp_source/ifixes/1022100a.210112"),
        ],
        host: Host::Lpar,
        // On the page the blanks between are one.
        seen: Lines(&["LU CAPABLE:        yes"]),
    },
    nim(
        r#"lsnim | egrep "hmc|cec|vios|live""#,
        &[],
        Lines(&["liveupdate_data_laboh     resources        live_update_data"]),
    ),
    // Of script-1, each with what the line before it found out.
    nim(
        r#"ssh ${LPAR} prtconf |grep "Machine Serial Number" |awk '{ print $4}'"#,
        &[("${LPAR}", "laboh")],
        Listing("78ABCDE\n"),
    ),
    nim(
        r#"ssh ${LPAR} LPARstat -i |grep "Partition Number" |awk '{ print $4}'"#,
        // Something on the page replaced lpar everywhere, in commands too.
        &[("${LPAR}", "laboh"), ("LPARstat", "lparstat")],
        Listing("26\n"),
    ),
    nim(
        r#"ssh user@hmc "lssyscfg -r sys -F name |grep ${serialnumber}""#,
        &[("user@hmc", "liveupdate@hmc01"), ("${serialnumber}", "78ABCDE")],
        Listing("9080-M9S_78ABCDE\n"),
    ),
    nim(
        "NIM -o change -a identity=${LPAR_id} -a mgmt_source=${mgmt_sys} ${LPAR}",
        &[
            ("NIM", "nim"),
            ("${LPAR_id}", "26"),
            ("${mgmt_sys}", "9080-M9S_78ABCDE"),
            ("${LPAR}", "laboh"),
        ],
        Nothing,
    ),
    nim(
        "lsnim -l ${LPAR}",
        &[("${LPAR}", "laboh")],
        Lines(&["   mgmt_profile1  = hmc01 26 9080-M9S_78ABCDE"]),
    ),
];

/// Once an operation can run.
pub(super) const UPDATE: &[Line] = &[
    nim(
        r#"nim -o cust -a lpp_source=72000402_lpp_source -a installp_flags="-p" -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<LPAR-name> <LPAR-name>"#,
        &[LPAR],
        Lines(PREVIEWED),
    ),
    nim(
        "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<LPAR-name> <LPAR-name>",
        &[LPAR],
        Lines(UPDATED),
    ),
];

/// Once its spare disks are free again.
pub(super) const IFIX: &[Line] = &[
    nim(
        r#"nim -o cust -a live_update=yes -a lpp_source=Live Update-ifixes -a installp_flags="-p" -a live_update_data=liveupdate_data_<lpar_name> -a filesets=1022100a.210112.epkg.Z <lpar_name>"#,
        &[LKU, LPAR_NAME],
        Lines(PREVIEWED),
    ),
    nim(
        // "Leaving out the -p flag will apply the ifix".
        r#"nim -o cust -a live_update=yes -a lpp_source=Live Update-ifixes -a installp_flags="-p" -a live_update_data=liveupdate_data_<lpar_name> -a filesets=1022100a.210112.epkg.Z <lpar_name>"#,
        &[LKU, LPAR_NAME, ("-a installp_flags=\"-p\" ", "")],
        Lines(UPDATED),
    ),
];

/// The workaround: packages first, the kernel afterwards. On another LPAR, which is at the old level.
pub(super) const WORKAROUND: &[Line] = &[
    nim(
        "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a accept_licenses=yes <lpar_name>",
        &[("<lpar_name>", "labtwo")],
        Lines(&["install_all_updates: Result = SUCCESS"]),
    ),
    nim(
        "nim -o cust -a lpp_source=72000402_lpp_source -a fixes=update_all -a live_update=yes -a live_update_data=liveupdate_data_<lpar_name> <lpar_name>",
        &[("<lpar_name>", "labtwo")],
        Lines(UPDATED),
    ),
];
