//! The published Live Update cookbook, typed as it stands by a reader whose site has the names of the page: own hosts file, ports as in
//! life, NIM's names as commands of a shell.

mod page;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration_tests::namespaces::{add_line, block_on, in_own_namespaces};
use integration_tests::{Harness, Run};
use nim_lab::clock::Mode;
use nim_lab::site;
use page::{Host, Line, Seen};

#[test]
fn a_reader_of_the_cookbook_gets_what_it_shows() -> Result<()> {
    in_own_namespaces("cookbook::a_reader_of_the_cookbook_gets_what_it_shows", || {
        block_on(async {
            let mut file = site::parse("site.yaml", include_str!("cookbook/site.yaml"))?;
            file.read_alike();
            let mut site = Harness::bare(file, Mode::Auto { speed: 500 }).await?;
            let reader = Reader::at(&mut site)?;
            reader.types(page::CONSOLE)?;
            // What is ours: a host is known before anything is told to it.
            reader.runs("nimctl hostkey scan --yes hmc01")?;
            reader.types(page::KEYS)?;

            // The page's reader has had these clients for years.
            let key = site.site_folder().join("keys/id_ed25519");
            for (lpar, cpuid) in [("laboh", "00C2FCABCDE0"), ("labtwo", "00C2FCABCDE1")] {
                reader.runs(&format!(
                    "nim -o define -t standalone -a if1='vlan4 {lpar} 6E5AF0000000 ent0' -a cable_type1=N/A \
                     -a cpuid={cpuid} -a ssh_key={} {lpar}",
                    key.display()
                ))?;
            }
            reader.runs("nimctl hostkey scan --yes laboh labtwo")?;
            reader.has_disks("laboh", "hdisk0", "hdisk10")?;
            // And nothing is committed before somebody says what leads back.
            let policy = site.site_folder().join("policy.yaml");
            reader.runs(&format!("nimctl policy set {}", policy.display()))?;
            reader.types(page::CLIENT)?;
            reader.types(page::UPDATE)?;
            // The disks of before hold the system of before.
            reader.has_disks("laboh", "hdisk11", "hdisk12")?;
            reader.types(page::IFIX)?;
            reader.has_disks("labtwo", "hdisk0", "hdisk10")?;
            reader.runs("nim -o change -a identity=27 -a mgmt_source=9080-M9S_78ABCDE labtwo")?;
            reader.runs(
                "nim -o define -t live_update_data -a server=master \
                 -a location=/export/nim/liveupdate/liveupdate_data_labtwo liveupdate_data_labtwo",
            )?;
            reader.types(page::WORKAROUND)?;
            let levels = reader.runs("c_rsh laboh 'oslevel -s'; c_rsh labtwo 'oslevel -s'")?;
            ensure!(levels.stdout == "7200-04-02-2027\n7200-04-02-2027\n", "{levels}");
            site.end().await
        })
    })
}

/// Who reads the page: root on the master, with a shell.
struct Reader {
    /// Where the page's folders are: its `/export` and `/install`.
    folder: PathBuf,
    socket: PathBuf,
}

impl Reader {
    /// Gives the hosts their names, lays the files where the page has them, and makes NIM's names commands.
    fn at(site: &mut Harness) -> Result<Self> {
        let folder = site.site_folder().join("reader");
        let commands = folder.join("bin");
        for made in [&commands, &folder.join("export/nim/liveupdate"), &folder.join("install")] {
            fs::create_dir_all(made).context("no folder")?;
        }
        let hosts: Vec<_> = HOSTS.iter().map(|(to, names)| format!("{to} {names}")).collect();
        add_line("/etc/hosts", &hosts.join("\n"), &folder)?;
        for (image, place) in [("72000402_lpp_source", "export/downloaded"), ("LKU-ifixes", IFIXES)]
        {
            let place = folder.join(place);
            fs::create_dir_all(place.parent().context("no parent")?).context("no folder")?;
            let from = site.site_folder().join("lpp_source").join(image);
            std::os::unix::fs::symlink(from, place).context("no link")?;
        }
        let nimctl = Harness::program("nimctl")?;
        std::os::unix::fs::symlink(&nimctl, commands.join("nimctl")).context("no link")?;
        // An administrator's way into an LPAR is not the master's: it has a shell behind it.
        let admin = site.site_folder().join("keys/admin_ed25519");
        let own = site.master().folder().join("keys/id_ed25519");
        let configuration = folder.join("ssh_config");
        fs::write(
            &configuration,
            format!(
                "Host hmc01\n IdentityFile {}\nHost *\n User root\n IdentityFile {}\n BatchMode yes\n LogLevel ERROR\n \
                 IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n",
                own.display(),
                admin.display()
            ),
        )
        .context("no configuration")?;
        let ssh = commands.join("ssh");
        let call = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", configuration.display());
        fs::write(&ssh, call).context("no ssh")?;
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).context("no mode")?;
        let reader = Self { folder, socket: site.master().folder().join("run/nimd.sock") };
        reader.runs(&format!("nimctl install-links {}", commands.display()))?;
        Ok(reader)
    }

    /// Types lines of the page, and looks at what comes of each.
    fn types(&self, lines: &[Line]) -> Result<()> {
        for line in lines {
            let repaired = |text: &str| {
                let all = line.repair.iter();
                all.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
            };
            let command = repaired(line.page);
            let ran = match line.host {
                Host::Nim => self.runs(&command)?,
                Host::Lpar => self.runs(&format!("ssh laboh {command}"))?,
            };
            match line.seen {
                Seen::Nothing => ensure!(ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran}"),
                Seen::Listing(text) => {
                    let text = repaired(text);
                    ensure!(ran.stdout == text, "{ran}\ninstead of\n{text}");
                }
                Seen::Lines(texts) => {
                    for text in texts {
                        let is_there = ran.stdout.lines().any(|line| line.contains(text));
                        ensure!(is_there, "no line {text:?}: {ran}");
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs a line by the shell. What it asks for is the password of the page's user.
    fn runs(&self, line: &str) -> Result<Run> {
        let folder = self.folder.display();
        let typed = line
            .replace("/export/nim/liveupdate/", &format!("{folder}/export/nim/liveupdate/"))
            .replace("/export/downloaded", &format!("{folder}/export/downloaded"))
            .replace("/install/", &format!("{folder}/install/"));
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", &typed])
            .env("PATH", format!("{folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
            .env("NIMD_SERVER", format!("unix:{}", self.socket.display()));
        Run::to_end(shell, line.to_owned(), Some("abc123\n")).succeeded()
    }

    /// Writes the `lvupdate.data` of `lpar` as the page has it, with these disks.
    fn has_disks(&self, lpar: &str, nhdisk: &str, mhdisk: &str) -> Result<()> {
        let text = LVUPDATE_DATA.replace("hdisk10", mhdisk).replacen("hdisk0", nhdisk, 1);
        let file =
            self.folder.join("export/nim/liveupdate").join(format!("liveupdate_data_{lpar}"));
        fs::write(file, text).context("no lvupdate.data")
    }
}

/// Names of the page and where they are. `hmc02` is the HMC that stands for `<hmc-name>`.
const HOSTS: [(&str, &str); 6] = [
    ("127.77.1.1", "hmc01"),
    ("127.77.1.2", "hmc02"),
    ("127.77.1.3", "viodevb1"),
    ("127.77.1.4", "viodevb2"),
    ("127.77.1.26", "laboh"),
    ("127.77.1.27", "labtwo"),
];

const IFIXES: &str = "install/nim/lpp_source/ifixes";

/// As on the page, where the HMC is called hmca01 in this file alone.
const LVUPDATE_DATA: &str = "general:\n        kext_check = yes\n\ndisks:\n        nhdisk  = hdisk0\n        mhdisk  = hdisk10\n        \
    tohdisk =\n        tshdisk =\n\nhmc:\n        lpar_id  =\n        management_console = hmc01\n        user = liveupdate\n";
