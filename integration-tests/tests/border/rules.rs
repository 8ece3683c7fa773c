//! The borders, as a table: who may name what.

use crate::scan::{self, Path};

/// One border.
struct Border {
    /// What stands in a report.
    says: &'static str,
    /// Which sources it holds for: their path begins with one of these, relative to the workspace.
    inside: &'static [&'static str],
    /// Sources among them that it does not hold for.
    except: &'static [&'static str],
    rule: Rule,
}

/// What a border lets through.
enum Rule {
    /// No path that begins with one of these.
    Never(&'static [&'static str]),
    /// Of `crate::…` and the crates of this workspace only paths that begin with one of these.
    OnlyOurs(&'static [&'static str]),
    /// Of everything that is not std's, only paths that begin with one of these.
    Only(&'static [&'static str]),
}

/// A path that crosses a border.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crossing {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) path: String,
    pub(crate) border: &'static str,
}

impl std::fmt::Display for Crossing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: `{}`: {}", self.file, self.line, self.path, self.border)
    }
}

/// The crates of this workspace, as sources name them.
const OURS: &[&str] = &[
    "nim_shared",
    "nim_rollout",
    "nim_master",
    "nim_lab",
    "nim_agent",
    "nimctl",
    "integration_tests",
];

/// Where sources stand that `cargo test` alone builds.
const TESTS: &[&str] = &["/tests.rs", "/tests/"];

/// All borders. Source: `style.md` §1.
const BORDERS: &[Border] = &[
    Border {
        says: "shared and rollout have no IO, no async, no clock, and no chance but a seed's",
        inside: &["shared/src/", "rollout/src/"],
        // Helpers of tests, which are in no build of the product.
        except: &["rollout/src/testing.rs"],
        rule: Rule::Never(&[
            "std::fs",
            "std::net::TcpStream",
            "std::net::TcpListener",
            "std::net::UdpSocket",
            "std::net::ToSocketAddrs",
            "std::process",
            "std::thread",
            "std::env",
            "std::os",
            "std::time::SystemTime",
            "std::time::Instant",
            "std::io::stdin",
            "std::io::stdout",
            "std::io::stderr",
            "jiff::Zoned::now",
            "jiff::Timestamp::now",
            "tokio",
            "futures",
            "rand",
        ]),
    },
    Border {
        says: "shared uses nothing of ours",
        inside: &["shared/src/"],
        except: &[],
        rule: Rule::OnlyOurs(&["nim_shared", "crate"]),
    },
    Border {
        says: "rollout plans and decides: of ours it uses shared",
        inside: &["rollout/src/"],
        except: &[],
        rule: Rule::OnlyOurs(&["nim_shared", "crate"]),
    },
    Border {
        says: "the agent uses shared, std, serde, serde_json and libc-level crates: what builds on AIX",
        inside: &["client-agent/src/"],
        except: &[],
        rule: Rule::Only(&[
            "nim_shared",
            "serde",
            "serde_json",
            "thiserror",
            "time",
            "sha2",
            "crc32fast",
            "base64",
            "libc",
        ]),
    },
    Border {
        says: "what decides imports only shared: a decision is a table",
        inside: &[
            "master/src/engine/operation",
            "master/src/engine/capacity",
            "master/src/engine/rollout",
            "master/src/engine/deadline",
            "master/src/engine/journal",
            "master/src/engine/dialogue",
        ],
        except: &[],
        rule: Rule::OnlyOurs(&["nim_shared", "crate::engine"]),
    },
    Border {
        says: "what decides does not act",
        inside: &[
            "master/src/engine/operation",
            "master/src/engine/capacity",
            "master/src/engine/rollout",
            "master/src/engine/deadline",
            "master/src/engine/journal",
            "master/src/engine/dialogue",
        ],
        except: &[],
        rule: Rule::Never(&[
            "tokio",
            "sea_orm",
            "russh",
            "axum",
            "tracing",
            "std::fs",
            "std::net",
            "std::process",
            "std::time::SystemTime",
            "std::time::Instant",
            "super::session",
            "super::dispatcher",
            "super::lease",
        ]),
    },
    Border {
        says: "only the store speaks SQL",
        inside: &["master/src/"],
        except: &["master/src/store.rs", "master/src/store/"],
        rule: Rule::Never(&["sea_orm", "sea_orm_migration", "sqlx"]),
    },
    Border {
        says: "only transport speaks SSH",
        inside: &["master/src/"],
        except: &["master/src/transport.rs", "master/src/transport/"],
        rule: Rule::Never(&["russh"]),
    },
    Border {
        says: "the store knows neither transport nor inventory nor api, and of the engine only what is stored",
        inside: &["master/src/store.rs", "master/src/store/"],
        except: &[],
        rule: Rule::Never(&[
            "crate::transport",
            "crate::inventory",
            "crate::api",
            "axum",
            "crate::engine::session",
            "crate::engine::dispatcher",
            "crate::engine::lease",
        ]),
    },
    Border {
        says: "transport knows nothing but hosts: no store, no engine, no inventory, no api",
        inside: &["master/src/transport.rs", "master/src/transport/"],
        except: &[],
        rule: Rule::Never(&[
            "crate::store",
            "crate::engine",
            "crate::inventory",
            "crate::api",
            "axum",
        ]),
    },
    Border {
        says: "the api translates: no SSH",
        inside: &["master/src/api.rs", "master/src/api/"],
        except: &[],
        rule: Rule::Never(&["crate::transport"]),
    },
    Border {
        says: "only the api speaks HTTP",
        inside: &["master/src/"],
        except: &["master/src/api.rs", "master/src/api/"],
        rule: Rule::Never(&["axum"]),
    },
    Border {
        says: "nimctl talks to nimd's API only: of ours it uses shared",
        inside: &["nimctl/src/"],
        except: &[],
        rule: Rule::OnlyOurs(&["nim_shared", "crate"]),
    },
    Border {
        says: "nimctl opens no database and no SSH session",
        inside: &["nimctl/"],
        except: &[],
        rule: Rule::Never(&["sea_orm", "sqlx", "russh", "axum"]),
    },
    Border {
        says: "of shared the lab uses ids, units and YAML: reader and writer of a text must not agree by construction",
        inside: &["lab/src/"],
        except: &[],
        rule: Rule::OnlyOurs(&[
            "crate",
            "nim_lab",
            "nim_shared::id",
            "nim_shared::unit",
            "nim_shared::yaml",
            "nim_shared::api::File",
            "nim_shared::api::FileFault",
            "nim_shared::VERSION",
        ]),
    },
    Border {
        says: "nothing imports the lab or the integration tests",
        inside: &["shared/", "rollout/", "client-agent/", "master/", "nimctl/"],
        except: &[],
        rule: Rule::Never(&["nim_lab", "integration_tests"]),
    },
    Border {
        says: "text becomes YAML values in one place",
        inside: &["shared/", "rollout/", "client-agent/", "master/", "nimctl/", "lab/"],
        except: &["shared/src/yaml/library.rs"],
        rule: Rule::Never(&["serde_yaml", "serde_saphyr"]),
    },
];

/// The borders that `source`, which stands in `file`, crosses.
pub(crate) fn crossings(file: &str, source: &str, dependencies: &[String]) -> Vec<Crossing> {
    let paths = scan::paths(source);
    let tests = if TESTS.iter().any(|part| file.contains(part)) { 0 } else { usize::MAX };
    let tests = scan::tests_begin(source).unwrap_or(usize::MAX).min(tests);
    let mut found = Vec::new();
    for border in BORDERS.iter().filter(|border| border.holds_for(file)) {
        for path in &paths {
            if border.rule.forbids(file, path, path.line > tests, dependencies) {
                found.push(Crossing {
                    file: file.to_owned(),
                    line: path.line,
                    path: path.segments.join("::"),
                    border: border.says,
                });
            }
        }
    }
    found
}

impl Border {
    fn holds_for(&self, file: &str) -> bool {
        let any = |places: &[&str]| places.iter().any(|place| file.starts_with(place));
        any(self.inside) && !any(self.except)
    }
}

impl Rule {
    fn forbids(&self, file: &str, path: &Path, test: bool, dependencies: &[String]) -> bool {
        let first = path.segments[0].as_str();
        let allowed =
            |list: &[&str]| list.iter().any(|prefix| begins(&absolute(file, path), prefix));
        match self {
            Self::Never(list) => {
                allowed(list) || list.iter().any(|prefix| begins(&path.segments, prefix))
            }
            Self::OnlyOurs(list) => {
                let ours = OURS.contains(&first) || matches!(first, "crate" | "super");
                ours && !allowed(list)
            }
            // Which names are crates is known from the manifests. Tests may use what tests are given.
            Self::Only(list) => {
                !test && dependencies.iter().any(|name| name == first) && !allowed(list)
            }
        }
    }
}

/// The path from the crate's root: `super::x` in `master/src/engine/lease.rs` is `crate::engine::x`.
fn absolute(file: &str, path: &Path) -> Vec<String> {
    let ups = path.segments.iter().take_while(|segment| *segment == "super").count();
    if ups == 0 {
        return path.segments.clone();
    }
    let inside = file.split_once("/src/").map_or(file, |(_, inside)| inside);
    let mut modules: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    modules.truncate(modules.len().saturating_sub(ups));
    let up = std::iter::once("crate").chain(modules);
    up.map(str::to_owned).chain(path.segments[ups..].iter().cloned()).collect()
}

fn begins(segments: &[String], prefix: &str) -> bool {
    let mut parts = segments.iter();
    prefix.split("::").all(|part| parts.next().is_some_and(|segment| segment == part))
}
