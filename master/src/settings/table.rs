//! The keys, each with type, default, unit, first version and documentation: one table for all of them.

use std::path::PathBuf;

use super::file::Sheet;
use super::value::{Count, DatabaseUrl, GroupName, HookList, LogFormat, Mode, Size, Span, Value};

/// One key, as the documentation shows it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The section that it stands in.
    pub section: &'static str,
    /// What the section is about.
    pub about: &'static str,
    /// Its name in the section.
    pub name: &'static str,
    /// Its default as it would be written; empty where there is none.
    pub default: fn() -> String,
    /// What its value is counted in.
    pub unit: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// For each section a struct, [`Settings`] of all of them, and [`KEYS`].
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr, $unit:literal, $since:literal; )+
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $Section { $( $(#[doc = $doc])+ pub $key: $kind, )+ }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $key: $default, )+ }
                }
            }
        )+

        /// All settings, as meant.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Settings { $( $(#[doc = $about])+ pub $section: $Section, )+ }

        /// What each section is about.
        #[expect(non_upper_case_globals, reason = "named as the section is")]
        mod about {
            $( pub(super) const $section: &str = concat!($($about, "\n"),+); )+
        }

        /// Every key there is, in the order of the documentation.
        pub const KEYS: &[Key] = &[ $( $( Key {
            section: stringify!($section),
            about: about::$section,
            name: plain(stringify!($key)),
            default: || { let value: $kind = $default; value.show() },
            unit: $unit,
            since: $since,
            doc: concat!($($doc, "\n"),+),
        }, )+ )+ ];

        impl Settings {
            /// Takes every key out of `sheet`, which keeps what is wrong.
            pub(super) fn take(sheet: &mut Sheet) -> Self {
                Self { $( $section: $Section {
                    $( $key: sheet.take(stringify!($section), plain(stringify!($key)), $default), )+
                }, )+ }
            }

            /// The values as they would be written, in the order of [`KEYS`].
            pub(super) fn values(&self) -> Vec<String> {
                vec![ $( $( self.$section.$key.show(), )+ )+ ]
            }
        }
    };
}

/// A key as it is written: Rust's `r#move` is `move`.
const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

settings! {
    /// Where inventory, operations and events are kept.
    database: Database {
        /// URL of a PostgreSQL 14 or later: `postgres://user:password@host:5432/name`. Masters with the same database share the
        /// work. Without it nimd runs a cluster of its own in DIR/postgres. A password in it never appears in a log.
        url: Option<DatabaseUrl> = None, "URL", "0.1.0";
        /// Connections that this nimd opens at most.
        connections: Count<2, 1000> = Count(16), "connections", "0.1.0";
    }
    /// Where nimd listens, and who may speak with it: whoever may open the socket.
    socket: Socket {
        /// Path of the Unix socket; taken from DIR where it is relative. At most 107 bytes. Default: run/nimd.sock.
        path: Option<PathBuf> = None, "path", "0.1.0";
        /// Its mode, in octal. The bits for writing decide who may connect.
        mode: Mode = Mode(0o660), "mode", "0.1.0";
        /// Its group. Default: the group that nimd runs as.
        group: Option<GroupName> = None, "group", "0.1.0";
    }
    /// How many Live Updates run at a time.
    limits: Limits {
        /// On all frames together, of all masters.
        global: Count<1, 100_000> = Count(1000), "operations", "0.1.0";
        /// On one frame, where its object has no `limit`. Each needs as much free memory and processor as its LPAR has. IBM
        /// publishes no number; 2 to 4 is where to begin.
        per_frame: Count<1, 1000> = Count(2), "operations", "0.1.0";
        /// Through one HMC, where its object has no `limit`. Each creates and deletes partitions. IBM publishes no number.
        per_hmc: Count<1, 1000> = Count(8), "operations", "0.1.0";
    }
    /// How long an operation may stay in a state, stage or phase, as the master counts. Past it: `stuck`, or an end where nothing
    /// was touched. Generous: a limit that bites in the middle of an update makes work for a person.
    deadlines: Deadlines {
        /// In the queue, waiting for its turn.
        queued: Span = Span::hours(24), "time", "0.1.0";
        /// Reaching the LPAR.
        connect: Span = Span::minutes(15), "time", "0.1.0";
        /// From the order to start up to the agent's word that it took it.
        start: Span = Span::minutes(15), "time", "0.1.0";
        /// Each of the stages pre, prep and backup.
        stage: Span = Span::hours(2), "time", "0.1.0";
        /// Ready, and waiting for memory and processors of the frame. Past it the agent undoes what prep did and ends by itself.
        capacity: Span = Span::hours(4), "time", "0.1.0";
        /// installp and emgr on the original: 10 to 40 minutes for a technology level.
        install: Span = Span::hours(3), "time", "0.1.0";
        /// Each phase of geninstall that is not silent: copies of rootvg take seconds per gigabyte.
        phase: Span = Span::hours(2), "time", "0.1.0";
        /// Each silent phase: moving, blackout, running. Where a preview estimated more, five times the estimate counts.
        silent: Span = Span::minutes(15), "time", "0.1.0";
        /// The stage post: putting back and looking at what came out.
        post: Span = Span::hours(1), "time", "0.1.0";
    }
    /// Connections to LPARs, HMCs and I/O servers.
    ssh: Ssh {
        /// Private key of the master; taken from DIR where it is relative. Made (Ed25519) at the first start where it is not
        /// given. Default: keys/id_ed25519.
        key: Option<PathBuf> = None, "path", "0.1.0";
        /// One connection as a whole: waiting for a place, repeats and login.
        connect: Span = Span::seconds_of(120), "time", "0.1.0";
        /// TCP connect to one address, before the next one is tried.
        address: Span = Span::seconds_of(10), "time", "0.1.0";
        /// From the open TCP connection to the accepted login.
        login: Span = Span::seconds_of(30), "time", "0.1.0";
        /// Logins under way at one address. sshd drops connections at random from 10 on (`MaxStartups 10:30:100`).
        logins_per_host: Count<1, 1000> = Count(8), "logins", "0.1.0";
        /// Logins under way through one bastion.
        logins_per_bastion: Count<1, 10_000> = Count(32), "logins", "0.1.0";
        /// Logins under way in all.
        logins: Count<1, 10_000> = Count(256), "logins", "0.1.0";
        /// New connections to one address, after a burst of the same number.
        rate: Count<1, 10_000> = Count(50), "connections per second", "0.1.0";
        /// Targets that share one connection to a bastion; sshd allows 10 (`MaxSessions`).
        targets_per_bastion: Count<1, 1000> = Count(10), "targets", "0.1.0";
        /// Silence after which a host is asked for a sign of life.
        keepalive: Span = Span::seconds_of(15), "time", "0.1.0";
        /// How many times `keepalive` a host may be silent before the connection counts as lost.
        keepalive_limit: Count<1, 100> = Count(4), "times", "0.1.0";
    }
    /// How events and output go to the database.
    events: Events {
        /// Rows that are stored at once.
        batch: Count<1, 10_000> = Count(500), "rows", "0.1.0";
        /// How long a row waits for others.
        flush: Span = Span::milliseconds(10), "time", "0.1.0";
    }
    /// The program on the LPARs, and the limits that it keeps by itself.
    agent: Agent {
        /// Folder with one binary a platform: PLATFORM/nim-agent, where PLATFORM is the attribute `platform` of the LPAR (chrp
        /// where it is not set). Taken from DIR where it is relative. Default: agents.
        folder: Option<PathBuf> = None, "path", "0.1.0";
        /// Each of the stages pre, prep and backup.
        stage: Span = Span::hours(1), "time", "0.1.0";
        /// geninstall. It is never signalled: past this the operation is `stuck`.
        update: Span = Span::hours(6), "time", "0.1.0";
        /// Putting back and looking at what came out.
        post: Span = Span::minutes(30), "time", "0.1.0";
        /// Each script of a cust. Past it the script is ended, with all that runs in its session, and the operation fails.
        script: Span = Span::minutes(30), "time", "0.1.0";
        /// Each hook of a cust, on the LPAR. Past it the hook is ended, with all that runs in its session. At one point of an operation
        /// there are at most four of them, which have to fit the master's `deadlines.stage` and `deadlines.post`.
        hook: Span = Span::minutes(5), "time", "0.1.0";
        /// Waiting for a secret, or for the master to store an undo record.
        answer: Span = Span::minutes(10), "time", "0.1.0";
        /// Output of one operation that is kept; the rest is cut with a mark.
        output: Size = Size::mebibytes(16), "size", "0.1.0";
        /// What `nimctl log ID --file snap` has collected on an LPAR and kept with the operation; more than that is not fetched.
        snap: Size = Size::mebibytes(64), "size", "0.1.0";
        /// Files that the master sends to LPARs, to all of them together, in a second; at least 1 MiB.
        push_rate: Size = Size::mebibytes(100), "size a second", "0.1.0";
        /// Free space that must stay in a file system that files are copied to.
        keep_free: Size = Size::mebibytes(500), "size", "0.1.0";
    }
    /// What the site knows better: codes and messages, for `nimctl explain`, and checks, for `nimctl preflight`.
    knowledge: Knowledge {
        /// File with the entries of this site, in YAML; `schemas/codes.schema.json` has its form. Taken from DIR where it is relative.
        /// Read each time it is asked for. Default: codes.yaml, where there is such a file.
        codes: Option<PathBuf> = None, "path", "0.1.0";
        /// File with what this site says of preflights: its own checks, findings that it lives with, values of time-outs, in YAML;
        /// `schemas/checks.schema.json` has its form. Taken from DIR where it is relative. Read at each preflight.
        /// Default: checks.yaml, where there is such a file.
        checks: Option<PathBuf> = None, "path", "0.1.0";
    }
    /// Programs of the site that nimd runs itself around operations (`master_hook` of a cust).
    hooks: Hooks {
        /// Folder of the programs, with its whole path. It, all that leads to it and each program in it belong to root or to the user
        /// that nimd runs as, nobody else may write to them, and none is a link. Without it nimd runs none.
        folder: Option<PathBuf> = None, "path", "0.1.0";
        /// Hooks of every operation of `nimctl cust` that is no preview, separated by blanks: `post:ledger:ignore on-failure:page`.
        always: HookList = HookList::default(), "POINT:NAME[:MEANING]", "0.1.0";
        /// Programs that run at a time, for all operations of this nimd together. The others wait for their turn.
        concurrent: Count<1, 1000> = Count(4), "programs", "0.1.0";
        /// Each of them. Past it the program is ended, with all that it started. At `pre` it counts for `deadlines.connect` too.
        limit: Span = Span::minutes(5), "time", "0.1.0";
        /// Output of each that is kept.
        output: Size = Size::mebibytes(1), "size", "0.1.0";
    }
    /// Telling people and programs outside of rollouts: the policy of the site names these receivers.
    notify: Notify {
        /// Program that mails are given to, called as sendmail is: with `-i -t` and the mail on its standard input, such as
        /// /usr/sbin/sendmail. With its whole path. Without it nobody is mailed.
        mail: Option<PathBuf> = None, "path", "0.1.0";
        /// Sending one message. Past it, it is tried again.
        time: Span = Span::seconds_of(10), "time", "0.1.0";
        /// How old a message may become until it is no longer tried: after a failure first in 2 s, then in 4 s, at last every 5
        /// minutes.
        give_up: Span = Span::hours(6), "time", "0.1.0";
    }
    /// How several masters share one database.
    lease: Lease {
        /// How long a master counts as living after a heartbeat; it sends five in this time. Past it another one takes over its
        /// operations.
        length: Span = Span::seconds_of(15), "time", "0.1.0";
        /// How long before its own lease ends a master stops to command.
        margin: Span = Span::seconds_of(5), "time", "0.1.0";
    }
    /// What each HMC is spared: every command starts a large program there. What has no place waits for its turn.
    hmc: Hmc {
        /// Commands on one HMC at a time.
        concurrent: Count<1, 100> = Count(3), "commands", "0.1.0";
        /// Commands on one HMC, after a burst of the same number.
        rate: Count<1, 1000> = Count(6), "commands per second", "0.1.0";
    }
    /// What is asked of HMCs unasked.
    inventory: Inventory {
        /// How often free memory, processors and partitions of each frame are read from its HMC, for people and for plans, and how
        /// often each VIOS is asked what it serves. Before an update takes capacity of a frame that is read anew anyway.
        refresh: Span = Span::minutes(10), "time", "0.1.0";
    }
    /// How long things are kept.
    retention: Retention {
        /// Events and raw output, a month at a time; operations with their reports stay for good.
        events: Span = Span::days(365), "time", "0.1.0";
        /// How long an LPAR keeps journal and output of an operation that has ended, all of which the database has too. Longer than
        /// a standby of the database may lag behind: what it loses in a failover is read from the LPAR again.
        on_lpar: Span = Span::days(7), "time", "0.1.0";
    }
    /// Limits of the HTTP API.
    api: Api {
        /// Longest body of a request.
        body: Size = Size::mebibytes(64), "size", "0.1.0";
        /// Longest time for a request other than `watch` and lists that are streamed.
        request: Span = Span::seconds_of(60), "time", "0.1.0";
        /// Watchers, and lists that are streamed, at a time.
        watchers: Count<1, 10_000> = Count(500), "connections", "0.1.0";
    }
    /// Logging, to standard error. What is written is said by the environment variable NIMD_LOG.
    log: Log {
        /// `text` or `json`.
        format: LogFormat = LogFormat::Text, "format", "0.1.0";
    }
}
