//! The programs that others use for many hosts, doing `echo`, with the key exchange that nimd uses too.

use std::fs;

use anyhow::Result;

use crate::hosts::Site;
use crate::report::{Gate, Row, number, step};
use crate::usage::{self, Cost};

/// A program that others use.
struct Client {
    name: &'static str,
    /// What has to be there in the folder of the clients for it to run; empty for what scripts/need sees to.
    needs: &'static str,
    hosts: usize,
    command: String,
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Time, and the client's processor time.
    Speed,
    /// The client's processor time alone.
    Cpu,
}

/// Runs all of them and adds what they took, beside what nimd took for each of the site's hosts. A client that is not there is
/// named as such.
pub(crate) fn beside(row: &mut Row, site: &Site, ours: Cost, by: By) -> Result<()> {
    let count = site.hosts.at.len();
    let (our_rate, our_cpu) = (ours.per_second(count), ours.cpu_each(count));
    let mut fastest: Option<(&str, f64)> = None;
    let mut leanest: Option<(&str, f64)> = None;
    for client in all(site)? {
        if !client.is_there() {
            row.missing(format!("beside {}", client.name), "not installed", Gate::No);
            continue;
        }
        step(&format!("{}, {} hosts", client.name, client.hosts));
        let cost = match usage::run(&client.command) {
            Ok(cost) => cost,
            Err(why) => {
                row.missing(format!("beside {}", client.name), format!("{why:#}"), Gate::No);
                continue;
            }
        };
        let (rate, cpu) = (cost.per_second(client.hosts), cost.cpu_each(client.hosts));
        let times = match by {
            By::Speed => format!("nimd: {} times as fast, ", number(our_rate / rate)),
            By::Cpu => "nimd: ".to_owned(),
        };
        row.figure(
            client.name,
            format!("{}   {times}1/{} of the CPU", cost.of(client.hosts), number(cpu / our_cpu)),
        );
        if fastest.is_none_or(|(_, best)| rate > best) {
            fastest = Some((client.name, rate));
        }
        if leanest.is_none_or(|(_, least)| cpu < least) {
            leanest = Some((client.name, cpu));
        }
    }
    if let (By::Speed, Some((name, rate))) = (by, fastest) {
        row.at_least(&format!("times as fast as {name}"), our_rate / rate, 1.0, Gate::No);
    }
    if let Some((name, cpu)) = leanest {
        row.at_most(&format!("of the CPU of {name}"), our_cpu / cpu, 1.0, Gate::No);
    }
    Ok(())
}

impl Client {
    fn is_there(&self) -> bool {
        self.needs.is_empty() || usage::run(&format!("{} {}", tool("python"), self.needs)).is_ok()
    }
}

/// A program of the folder that `make bench` fills.
fn tool(name: &str) -> String {
    let folder =
        std::env::var("BENCH_CLIENTS").unwrap_or_else(|_| "target/bench-clients".to_owned());
    format!("{folder}/bin/{name}")
}

fn all(site: &Site) -> Result<Vec<Client>> {
    let folder = site.folder.path().display().to_string();
    let file = |name: &str, text: &str| -> Result<String> {
        let path = format!("{folder}/{name}");
        fs::write(&path, text)?;
        Ok(path)
    };
    let count = site.hosts.at.len();
    let port = site.hosts.at.first().map_or(0, |(_, at)| at.port());
    let (key, known) = (site.hosts.key.display(), site.hosts.known_hosts.display());
    let listed = file("all", &site.addresses(count)?)?;
    // The two that start a process for each host would take minutes for all of them.
    let (some, few) = (count.min(300), count.min(100));
    let some_listed = file("some", &site.addresses(some)?)?;
    let inventory: String =
        site.hosts.at.iter().take(few).fold(String::new(), |text, (name, at)| {
            text + &format!("{name} ansible_host={}\n", at.ip())
        });
    let inventory = file("inventory", &inventory)?;
    let options = format!(
        "-F none -i {key} -p {port} -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=none \
         -o BatchMode=yes -o IdentityAgent=none -o KexAlgorithms=curve25519-sha256"
    );
    let asyncssh = file("asyncssh_echo.py", include_str!("clients/asyncssh_echo.py"))?;
    let pssh = file("parallel_ssh_echo.py", include_str!("clients/parallel_ssh_echo.py"))?;
    let (python, ansible) = (tool("python"), tool("ansible"));
    Ok(vec![
        Client {
            name: "ssh by xargs -P 64, echo",
            needs: "",
            hosts: some,
            command: format!(
                "xargs -P 64 -I HOST ssh {options} root@HOST echo hello < {some_listed}"
            ),
        },
        Client {
            name: "asyncssh, 64 at a time, echo",
            needs: "-c 'import asyncssh'",
            hosts: count,
            command: format!("{python} {asyncssh} {key} {known} {port} {listed}"),
        },
        Client {
            name: "parallel-ssh, pool of 64, echo",
            needs: "-c 'import pssh'",
            hosts: count,
            command: format!("{python} {pssh} {key} {known} {port} {listed}"),
        },
        Client {
            name: "ansible raw, 50 forks, echo",
            needs: "-c 'import ansible'",
            hosts: few,
            command: format!(
                "ANSIBLE_SSH_ARGS='{options}' ANSIBLE_HOME={folder}/ansible {ansible} all \
                 -i {inventory} -f 50 -u root -m raw -a 'echo hello'"
            ),
        },
    ])
}
