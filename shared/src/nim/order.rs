//! What a `nim -o …` command line asks for.

use crate::api::Pair;
use crate::id::printable;

use super::getopt::{self, BadOption, Piece};

/// A command line of `nim`, not yet checked against anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is to be done, as it was typed.
    pub operation: String,
    /// `-t`: the type of a new object.
    pub object_type: Option<String>,
    /// `-F`, or `-a force=yes`.
    pub force: bool,
    /// `-a`, in order.
    pub attributes: Vec<Pair>,
    /// The names at the end; ranges are expanded.
    pub targets: Vec<String>,
}

/// Why a command line of `nim` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOrder {
    /// Nothing was given, or `-?`.
    #[error("what is to be done is not said")]
    Nothing,
    /// An option that is none.
    #[error(transparent)]
    Option(#[from] BadOption),
    /// Something that is given once was given twice.
    #[error("option -{0} was given twice")]
    Twice(char),
    /// No `-o`.
    #[error("option -o with the operation is missing")]
    NoOperation,
    /// An attribute without `=`.
    #[error("\"{}\" is not attribute=value", printable(.0))]
    NoValue(String),
    /// A range of names that is none.
    #[error(transparent)]
    Range(#[from] super::range::BadRange),
}

/// How `nim` is used. Source: the NIM reference, §2.1.
pub const USAGE: &str =
    "usage: nim -o Operation [-F] [-t Type] [-a Attribute=Value]... ObjectName...";

impl Order {
    /// Reads the arguments after `nim`.
    ///
    /// # Errors
    /// [`BadOrder`] with the first thing that is wrong.
    pub fn read(arguments: &[String]) -> Result<Self, BadOrder> {
        let pieces = getopt::split(arguments, "F?", "ota", &[])?;
        let (mut operation, mut object_type) = (None, None);
        let mut order = Self {
            operation: String::new(),
            object_type: None,
            force: false,
            attributes: Vec::new(),
            targets: Vec::new(),
        };
        if pieces.is_empty() {
            return Err(BadOrder::Nothing);
        }
        for piece in pieces {
            match piece {
                Piece::Flag('F') => order.force = true,
                Piece::Value('o', value) => once('o', &mut operation, value)?,
                Piece::Value('t', value) => once('t', &mut object_type, value)?,
                Piece::Value(_, text) => {
                    let pair = pair(&text)?;
                    match (pair.attribute.as_str(), pair.value.as_str()) {
                        ("force", "yes") => order.force = true,
                        ("force", "no") => {}
                        _ => order.attributes.push(pair),
                    }
                }
                Piece::Flag(_) | Piece::Long(_) => return Err(BadOrder::Nothing),
                Piece::Operand(text) => order.targets.extend(super::range::expand(&text)?),
            }
        }
        order.operation = operation.ok_or(BadOrder::NoOperation)?;
        order.object_type = object_type;
        Ok(order)
    }

    /// The value of `attribute`, where it was given; the last one counts.
    #[must_use]
    pub fn value(&self, attribute: &str) -> Option<&str> {
        let mut given = self.attributes.iter().rev();
        given.find(|pair| pair.attribute == attribute).map(|pair| pair.value.as_str())
    }
}

fn once(letter: char, slot: &mut Option<String>, value: String) -> Result<(), BadOrder> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadOrder::Twice(letter)),
    }
}

/// Splits at the first `=`; a value may hold more of them.
fn pair(text: &str) -> Result<Pair, BadOrder> {
    match text.split_once('=') {
        Some((attribute, value)) if !attribute.trim().is_empty() => {
            Ok(Pair { attribute: attribute.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err(BadOrder::NoValue(text.to_owned())),
    }
}

/// What `nim` can do, and what it answers for the rest of NIM's operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Makes an object.
    Define,
    /// Changes attributes.
    Change,
    /// Removes objects.
    Remove,
    /// Customizes machines, by Live Update or without it.
    Cust,
    /// Maintains what is installed on machines.
    Maint,
    /// Copies the system of machines to other disks.
    AltDiskInstall,
    /// Asks machines something.
    Query,
    /// Shows what operations on machines wrote.
    Showlog,
    /// Sees that no operation is open on machines.
    Reset,
    /// Shows what is in resources.
    Showres,
    /// Looks again.
    Check,
    /// Gives resources to machines.
    Allocate,
    /// Takes them back.
    Deallocate,
    /// Says which members of a group are left alone.
    Select,
    /// Adds packages to an `lpp_source`, or removes them.
    Update,
    /// Belongs to network boot, which this master does not do. What to use instead.
    Elsewhere(&'static str),
}

/// The operations that can be asked for, by their names in NIM.
pub const OPERATIONS: [(&str, Operation); 17] = [
    ("define", Operation::Define),
    ("change", Operation::Change),
    ("remove", Operation::Remove),
    ("allocate", Operation::Allocate),
    ("deallocate", Operation::Deallocate),
    ("cust", Operation::Cust),
    ("maint", Operation::Maint),
    ("alt_disk_install", Operation::AltDiskInstall),
    ("lslpp", Operation::Query),
    ("lppchk", Operation::Query),
    ("fix_query", Operation::Query),
    ("showlog", Operation::Showlog),
    ("reset", Operation::Reset),
    ("showres", Operation::Showres),
    ("check", Operation::Check),
    ("select", Operation::Select),
    ("update", Operation::Update),
];

/// NIM's operations that need network boot. Source of the names: the NIM reference, §2.2.
const NETWORK_BOOT: [(&str, &str); 7] = [
    ("bos_inst", INSTALL),
    ("linux_inst", INSTALL),
    ("dkls_init", CLIENT),
    ("dtls_init", CLIENT),
    ("sync_roots", CLIENT),
    (
        "maint_boot",
        "boot the LPAR from its alternate disk, or from a maintenance medium, with the HMC; a NIM master boots it over the network",
    ),
    (
        "diag",
        "run diag on the LPAR, or boot it into diagnostics with the HMC; a NIM master boots it over the network",
    ),
];

const INSTALL: &str = "install the LPAR with a NIM master or from a medium, then define it here; updates of what is installed: nim -o cust -a live_update=yes";
const CLIENT: &str = "keep a NIM master for diskless and dataless clients";

impl Operation {
    /// The operation that NIM calls `name`; `None` for what is not known.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = OPERATIONS.iter().find(|(known, _)| *known == name);
        known.map(|(_, operation)| *operation).or_else(|| {
            let elsewhere = NETWORK_BOOT.iter().find(|(known, _)| *known == name);
            elsewhere.map(|(_, instead)| Self::Elsewhere(instead))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<Order, BadOrder> {
        Order::read(&line.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn habits_of_nim_users_are_understood() {
        let order = read(&["-Fo", "change", "-a", "cpuid=00C2FC000000", "aix[1:2]"]).unwrap();
        assert_eq!((order.operation.as_str(), order.force), ("change", true));
        assert_eq!(order.targets, ["aix1", "aix2"]);
        let order = read(&[
            "-a",
            "server=master",
            "-o",
            "define",
            "-tlpp_source",
            "-a",
            "comments=a = b, \"c\"",
            "-a",
            "force=yes",
            "lpp",
        ])
        .unwrap();
        assert_eq!(order.object_type.as_deref(), Some("lpp_source"));
        assert_eq!(order.value("comments"), Some("a = b, \"c\""));
        assert!(order.force && order.attributes.len() == 2);
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(read(&[]).unwrap_err(), BadOrder::Nothing);
        assert_eq!(read(&["-?"]).unwrap_err(), BadOrder::Nothing);
        assert_eq!(read(&["aix01"]).unwrap_err(), BadOrder::NoOperation);
        assert_eq!(read(&["-o", "define", "-o", "change"]).unwrap_err(), BadOrder::Twice('o'));
        assert_eq!(
            read(&["-o", "define", "-a", "if1"]).unwrap_err().to_string(),
            "\"if1\" is not attribute=value"
        );
    }

    #[test]
    fn what_needs_network_boot_is_known_by_name() {
        for name in
            ["bos_inst", "linux_inst", "dkls_init", "dtls_init", "sync_roots", "maint_boot", "diag"]
        {
            assert!(matches!(Operation::named(name), Some(Operation::Elsewhere(_))), "{name}");
        }
        assert_eq!(Operation::named("cust"), Some(Operation::Cust));
        assert_eq!(Operation::named("lslpp"), Some(Operation::Query));
        assert_eq!(Operation::named("levitate"), None);
    }
}
