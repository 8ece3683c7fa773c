//! Workloads that a Live Update has to be fitted to, as data: how each is recognised, what time-outs it has, what hooks should do and
//! what to watch.
//!
//! Recognised is what runs, by the names of programs and by what the system lists; nothing is asked of the workload itself. Defaults of
//! time-outs are not in the sources that this is made of, and differ by release: a time-out counts once the site names its value. The
//! names of programs are those of the vendors' published documentation, which each profile names.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::unit::Seconds;

/// A kind of workload.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// `db2`: stays the same for years.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// By what it is recognised: by any of these groups, of which all signs have to be there.
    pub signs: &'static [&'static [Sign]],
    /// Whether it is there so that something stays available when its LPAR does not, or may be: others notice when this one stands
    /// still, and may take over.
    pub is_for_availability: bool,
    /// Whether it goes with a Live Update.
    pub stance: Stance,
    /// Its time-outs that the standstill is held against.
    pub timeouts: &'static [Timeout],
    /// What hooks of the site should do around the update.
    pub hooks: &'static str,
    /// What to watch.
    pub watch: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

/// Something that shows a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A program of this name runs.
    Program(&'static str),
    /// A program runs whose name begins so.
    Begins(&'static str),
    /// A subsystem of this name is active.
    Subsystem(&'static str),
    /// A file system of this type is mounted.
    Mounted(&'static str),
}

/// Whether a workload goes with a Live Update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It does, where its time-outs are longer than the standstill.
    Fits,
    /// It has to be looked after.
    Care,
    /// It does not.
    Refused,
}

/// A time-out of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// As the workload calls it.
    pub name: &'static str,
    /// What happens when it passes.
    pub effect: &'static str,
}

/// A workload that was recognised, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub profile: &'static Profile,
    /// What shows it.
    pub evidence: Vec<String>,
}

/// Values that the site gives time-outs, by workload and name.
pub type SiteTimeouts = BTreeMap<(String, String), Seconds>;

const fn timeout(name: &'static str, effect: &'static str) -> Timeout {
    Timeout { name, effect }
}

use Sign::{Begins, Mounted, Program, Subsystem};

/// All that are known.
pub const PROFILES: &[Profile] = &[
    Profile {
        id: "oracle",
        title: "Oracle database, single instance",
        signs: &[&[Begins("ora_pmon_")], &[Program("oracle")]],
        is_for_availability: false,
        stance: Stance::Fits,
        timeouts: &[
            timeout("SQLNET.RECV_TIMEOUT", "a connection is given up that waits for an answer"),
            timeout(
                "SQLNET.EXPIRE_TIME",
                "a client that does not answer a probe is taken for dead",
            ),
        ],
        hooks: "nothing has to be stopped; a checkpoint before the update shortens what a crash would cost",
        watch: "the alert log for waits as long as the standstill, and sessions that were lost",
        source: "LU §8.1 (OLTP, measured by IBM); Oracle Database Reference, background processes: PMON",
    },
    Profile {
        id: "dataguard",
        title: "Oracle Data Guard",
        signs: &[&[Begins("ora_mrp0_")], &[Begins("ora_dmon_")]],
        is_for_availability: true,
        stance: Stance::Care,
        timeouts: &[
            timeout("NET_TIMEOUT", "the primary goes on without its standby"),
            timeout("FastStartFailoverThreshold", "the observer fails over to the standby"),
        ],
        hooks: "disable fast-start failover before the update, enable it after it",
        watch: "apply lag and transport lag of the standby until both are back",
        source: "Oracle Data Guard Broker, database properties; Oracle Database Reference, background processes: MRP0, DMON",
    },
    Profile {
        id: "oracle-rac",
        title: "Oracle RAC, or storage managed by ASM",
        signs: &[&[Program("crsd.bin")], &[Begins("asm_pmon_")]],
        is_for_availability: true,
        stance: Stance::Refused,
        timeouts: &[],
        hooks: "none: maintain the nodes one after the other, with a reboot",
        watch: "nothing",
        source: "LU §4.4 S32; Oracle Clusterware Administration, processes of the stack: CRSD",
    },
    Profile {
        id: "db2",
        title: "Db2, with or without HADR",
        signs: &[&[Program("db2sysc")]],
        is_for_availability: true,
        stance: Stance::Fits,
        timeouts: &[
            timeout("DB2TCP_CLIENT_KEEPALIVE_TIMEOUT", "clients take the server for dead"),
            timeout("HADR_TIMEOUT", "primary and standby take each other for gone"),
            timeout(
                "HADR_PEER_WINDOW",
                "a standby may take over without loss for no longer than that",
            ),
        ],
        hooks: "with HADR: see that the pair is in peer state before the update; never both of a pair at a time",
        watch: "db2pd -hadr until the pair is in peer state again",
        source: "LU §4.4 S33; IBM Docs, Db2: the process model (db2sysc), hadr_timeout, hadr_peer_window",
    },
    Profile {
        id: "purescale",
        title: "Db2 pureScale",
        signs: &[&[Program("db2sysc"), Program("ca-server")], &[Program("ca-server")]],
        is_for_availability: true,
        stance: Stance::Refused,
        timeouts: &[],
        hooks: "none: maintain the members one after the other, with a reboot",
        watch: "nothing",
        source: "LU §4.4 S32; IBM Docs, Db2: processes of a cluster caching facility (ca-server)",
    },
    Profile {
        id: "sap-enq",
        title: "SAP enqueue server",
        signs: &[
            &[Program("enserver")],
            &[Program("enq_server")],
            &[Begins("en.sap")],
            &[Begins("enq.sap")],
        ],
        is_for_availability: true,
        stance: Stance::Care,
        timeouts: &[timeout(
            "cluster monitor",
            "the cluster restarts the enqueue server, or moves it",
        )],
        hooks: "put the cluster's resource into maintenance before the update, and back after it",
        watch: "the replication of the lock table until it is active again",
        source: "LU §8.1 (SAP and IBM, 2021); SAP Help Portal, standalone enqueue server 1 and 2",
    },
    Profile {
        id: "mq-multi-instance",
        title: "IBM MQ, a queue manager with its data on NFS as those with several instances have it",
        signs: &[&[Program("amqzxma0"), Mounted("nfs4")]],
        is_for_availability: true,
        stance: Stance::Care,
        timeouts: &[
            timeout("NFS lease", "the file server gives the lock to the standby instance"),
            timeout("HBINT", "a channel is taken for broken"),
        ],
        hooks: "end the standby instance before the update, start it after it: it would take over in the standstill",
        watch: "dspmq -x: which instance is active",
        source: "IBM Docs, IBM MQ: multi-instance queue managers, execution controller amqzxma0",
    },
    Profile {
        id: "scale",
        title: "IBM Spectrum Scale (GPFS)",
        signs: &[&[Program("mmfsd")], &[Mounted("mmfs")]],
        is_for_availability: true,
        stance: Stance::Care,
        timeouts: &[timeout("failureDetectionTime", "the cluster takes the node for dead")],
        hooks: "unmount and shut down Spectrum Scale on the node before the update: its file systems are of no supported type",
        watch: "mmgetstate until the node is active again",
        source: "LU §4.3 D20; IBM Docs, IBM Storage Scale: daemon mmfsd, failureDetectionTime",
    },
    Profile {
        id: "protect",
        title: "IBM Spectrum Protect: server, storage agent or client",
        signs: &[
            &[Program("dsmserv")],
            &[Program("dsmsta")],
            &[Program("dsmcad")],
            &[Program("dsmc")],
        ],
        is_for_availability: false,
        stance: Stance::Care,
        timeouts: &[
            timeout("COMMTIMEOUT", "the server ends a session that does not answer"),
            timeout("IDLETIMEOUT", "the server ends a session that is idle"),
        ],
        hooks: "stop client, scheduler and storage agent before the update, start them after it; with NPIV tape the agent has to be stopped",
        watch: "sessions that were under way: they are started again",
        source: "LU §4.3 D10, §4.4 S29; IBM Docs, IBM Storage Protect: COMMTIMEOUT, IDLETIMEOUT",
    },
    Profile {
        id: "powerha",
        title: "PowerHA SystemMirror",
        signs: &[&[Subsystem("clstrmgrES")]],
        is_for_availability: true,
        stance: Stance::Care,
        timeouts: &[timeout("HEARTBEAT_FREQUENCY", "the other nodes take the node for dead")],
        hooks: "one node at a time; PowerHA takes the node out of management for the update itself, and asynchronous GLVM has to be synchronous",
        watch: "lssrc -ls clstrmgrES on all nodes until each is ST_STABLE",
        source: "LU §4.4 S31, §8.3; IBM Docs, PowerHA 7.2: Live Update of nodes",
    },
];

/// The profile of that id, in whatever case.
#[must_use]
pub fn profile(id: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|one| one.id.eq_ignore_ascii_case(id))
}

impl Profile {
    /// What shows it, where something does.
    ///
    /// # Errors
    /// Why that cannot be said: what was not read may show it, and nothing else does.
    pub fn seen(&'static self, facts: &Facts) -> Result<Option<Found>, String> {
        let (mut evidence, mut unread) = (Vec::new(), None);
        for group in self.signs {
            let of_group: Result<Option<Vec<String>>, String> =
                group.iter().map(|sign| sign.seen(facts)).collect();
            match of_group {
                Ok(Some(found)) => {
                    for text in found {
                        if !evidence.contains(&text) {
                            evidence.push(text);
                        }
                    }
                }
                Ok(None) => {}
                Err(why) => unread = Some(why),
            }
        }
        match unread {
            Some(why) if evidence.is_empty() => Err(why),
            _ => Ok((!evidence.is_empty()).then_some(Found { profile: self, evidence })),
        }
    }
}

/// The workloads that the facts show, in the order of the profiles. What could not be read shows none.
#[must_use]
pub fn found(facts: &Facts) -> Vec<Found> {
    PROFILES.iter().filter_map(|profile| profile.seen(facts).ok().flatten()).collect()
}

/// The workloads that no Live Update is made of, by the names of the programs that run: nothing else shows them.
#[must_use]
pub fn refused(programs: &[&str]) -> Vec<Found> {
    let of = |profile: &'static Profile| {
        let groups = profile.signs.iter().filter_map(|group| {
            group.iter().map(|sign| sign.among(programs)).collect::<Option<Vec<String>>>()
        });
        let evidence: BTreeSet<String> = groups.flatten().collect();
        (!evidence.is_empty()).then(|| Found { profile, evidence: evidence.into_iter().collect() })
    };
    PROFILES.iter().filter(|profile| profile.stance == Stance::Refused).filter_map(of).collect()
}

impl Sign {
    /// What shows it among the names of programs that run.
    fn among(self, programs: &[&str]) -> Option<String> {
        let is_it = |name: &str| match self {
            Self::Program(wanted) => name == wanted,
            Self::Begins(start) => name.starts_with(start),
            Self::Subsystem(_) | Self::Mounted(_) => false,
        };
        programs.iter().find(|name| is_it(name)).map(|name| format!("{name} runs"))
    }

    /// What shows it, where it is there.
    fn seen(self, facts: &Facts) -> Result<Option<String>, String> {
        match self {
            Self::Program(_) | Self::Begins(_) => {
                let all = facts.processes.as_ref().map_err(Clone::clone)?;
                Ok(self.among(&all.iter().map(|one| one.name()).collect::<Vec<_>>()))
            }
            Self::Subsystem(name) => {
                let all = facts.subsystems.as_ref().map_err(Clone::clone)?;
                let is_there = all.iter().any(|one| one.name == name && one.is_active());
                Ok(is_there.then(|| format!("{name} is active")))
            }
            Self::Mounted(kind) => {
                let all = facts.mounts.as_ref().map_err(Clone::clone)?;
                let found = all.iter().find(|one| one.kind == kind);
                Ok(found.map(|one| format!("{} is mounted ({kind})", one.over)))
            }
        }
    }
}

impl std::fmt::Display for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(name) => write!(f, "{name} runs"),
            Self::Begins(start) => write!(f, "a program runs that begins with {start}"),
            Self::Subsystem(name) => write!(f, "{name} is active"),
            Self::Mounted(kind) => write!(f, "a file system of the type {kind} is mounted"),
        }
    }
}

impl Stance {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Fits => {
                "goes with a Live Update where its time-outs are longer than the standstill"
            }
            Self::Care => "has to be looked after around a Live Update",
            Self::Refused => "does not go with a Live Update",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::probe::{Answer, ProbeId};
    use crate::preflight::tests::lpar::{Answers, LEVEL, MOUNT_HEAD, facts, healthy, printed};

    fn ids(answers: &Answers) -> Vec<&'static str> {
        found(&facts(LEVEL, answers)).into_iter().map(|one| one.profile.id).collect()
    }

    fn with(programs: &[&str], mount: Option<&str>) -> Answers {
        let mut answers = healthy();
        let lines = programs.iter().map(|name| format!("77 {name}\n")).collect::<String>();
        answers.insert(ProbeId::Processes, printed(&format!("  PID COMMAND\n1 init\n{lines}")));
        if let Some(kind) = mount {
            let line = format!("{MOUNT_HEAD}nas01 /mqm /mqm {kind} Nov 02 09:12 rw\n");
            answers.insert(ProbeId::Mounts, printed(&line));
        }
        answers
    }

    #[test]
    fn each_workload_is_recognised_by_what_it_is_made_of() {
        let cases: [(&[&str], Option<&str>, &[&str]); 13] = [
            (&[], None, &[]),
            (&["ora_pmon_PRD"], None, &["oracle"]),
            (&["oracle"], None, &["oracle"]),
            (&["ora_pmon_PRD", "ora_mrp0_PRD"], None, &["oracle", "dataguard"]),
            (&["crsd.bin"], None, &["oracle-rac"]),
            (&["asm_pmon_+ASM"], None, &["oracle-rac"]),
            (&["db2sysc"], None, &["db2"]),
            (&["ca-server"], None, &["purescale"]),
            (&["en.sapPRD_ASCS01"], None, &["sap-enq"]),
            (&["amqzxma0"], None, &[]),
            (&["amqzxma0"], Some("nfs4"), &["mq-multi-instance"]),
            (&["mmfsd", "dsmc"], None, &["scale", "protect"]),
            (&["oracles"], None, &[]),
        ];
        for (programs, mount, wanted) in cases {
            assert_eq!(ids(&with(programs, mount)), wanted, "{programs:?}");
        }
        let mut answers = healthy();
        let line = "Subsystem Group PID Status\n clstrmgrES cluster 7 active\n";
        answers.insert(ProbeId::Subsystems, printed(line));
        assert_eq!(ids(&answers), ["powerha"]);
    }

    #[test]
    fn what_was_not_read_shows_nothing_and_acquits_nobody() {
        let mut answers = with(&["amqzxma0"], None);
        answers.insert(ProbeId::Mounts, Answer::Failed { why: "mount hangs".to_owned() });
        let facts = facts(LEVEL, &answers);
        assert_eq!(
            profile("MQ-multi-instance").unwrap().seen(&facts),
            Err("mount hangs".to_owned())
        );
        assert_eq!(profile("db2").unwrap().seen(&facts), Ok(None));
        assert_eq!(found(&facts), []);
    }

    #[test]
    fn each_profile_has_an_id_of_its_own_and_says_where_it_is_from() {
        let mut seen = BTreeSet::new();
        for profile in PROFILES {
            assert!(seen.insert(profile.id) && !profile.source.is_empty(), "{profile:?}");
            assert!(profile.signs.iter().all(|group| !group.is_empty()), "{profile:?}");
            let is_refused = profile.stance == Stance::Refused;
            assert_eq!(profile.timeouts.is_empty(), is_refused, "{profile:?}");
        }
    }

    #[test]
    fn what_is_refused_is_known_by_its_programs_alone() {
        let refused = |programs: &[&str]| -> Vec<&str> {
            refused(programs).iter().map(|one| one.profile.id).collect()
        };
        assert_eq!(refused(&["init", "ora_pmon_ORCL", "db2sysc", "mmfsd"]), [] as [&str; 0]);
        assert_eq!(refused(&["crsd.bin", "asm_pmon_+ASM"]), ["oracle-rac"]);
        assert_eq!(refused(&["ca-server"]), ["purescale"]);
        for profile in PROFILES.iter().filter(|one| one.stance == Stance::Refused) {
            let mut signs = profile.signs.iter().copied().flatten();
            assert!(signs.all(|sign| matches!(sign, Program(_) | Begins(_))), "{}", profile.id);
        }
    }
}
