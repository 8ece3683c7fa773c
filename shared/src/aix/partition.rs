//! The partition, and its tokens for management consoles.

use std::collections::BTreeMap;

use super::{Listing, Row, Unreadable, listing, unreadable};
use crate::id::LparId;
use crate::unit::{Megabytes, ProcessorUnits, Seconds};

/// Which partition this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its id on the frame.
    pub id: LparId,
    /// Its name on the HMC, which may hold blanks.
    pub name: String,
}

/// `uname -L`: id, blank, name. Source: LU §5.4.
///
/// # Errors
/// [`Unreadable`] when there is no id from 1 on, or no name: `-1 NULL` where there is no partition.
pub fn uname_l(text: &str) -> Result<Partition, Unreadable> {
    let read = || {
        let (id, name) = text.trim().split_once(' ')?;
        let name = name.trim();
        let one_line = !name.is_empty() && !name.contains(char::is_control);
        one_line.then_some(Partition { id: id.parse().ok()?, name: name.to_owned() })
    };
    read().ok_or_else(|| unreadable("uname -L", "partition id and name", text))
}

/// `lparstat -i`: everything, and what is needed typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lparstat {
    values: BTreeMap<String, String>,
}

/// `lparstat -i`: label, `:`, value. Source: LU §5.4.
#[must_use]
pub fn lparstat(text: &str) -> Lparstat {
    let mut values = BTreeMap::new();
    for line in text.lines().take(MAX_LABELS) {
        if let Some((label, value)) = line.split_once(':') {
            let value: String = value.trim().chars().filter(|c| !c.is_control()).collect();
            values.insert(label.trim().to_ascii_lowercase(), value);
        }
    }
    Lparstat { values }
}

/// `lparstat -i` has some sixty.
const MAX_LABELS: usize = 500;

impl Lparstat {
    /// The value of a label, in whatever case; `None` where it is absent or `-`.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<&str> {
        let value = self.values.get(&label.to_ascii_lowercase())?;
        (!matches!(value.as_str(), "" | "-")).then_some(value)
    }

    /// Name on the HMC.
    #[must_use]
    pub fn partition_name(&self) -> Option<&str> {
        self.get("Partition Name")
    }

    /// Id on the frame.
    #[must_use]
    pub fn partition_number(&self) -> Option<LparId> {
        self.get("Partition Number")?.parse().ok()
    }

    /// Memory at this moment.
    #[must_use]
    pub fn online_memory(&self) -> Option<Megabytes> {
        self.memory("Online Memory")
    }

    /// Least memory by the profile.
    #[must_use]
    pub fn minimum_memory(&self) -> Option<Megabytes> {
        self.memory("Minimum Memory")
    }

    /// Most memory by the profile.
    #[must_use]
    pub fn maximum_memory(&self) -> Option<Megabytes> {
        self.memory("Maximum Memory")
    }

    /// Processor capacity.
    #[must_use]
    pub fn entitled_capacity(&self) -> Option<ProcessorUnits> {
        self.get("Entitled Capacity")?.parse().ok()
    }

    /// Virtual processors at this moment.
    #[must_use]
    pub fn online_virtual_cpus(&self) -> Option<u32> {
        self.get("Online Virtual CPUs")?.parse().ok()
    }

    /// `Dedicated`, or `Shared` with Active Memory Sharing.
    #[must_use]
    pub fn memory_mode(&self) -> Option<&str> {
        self.get("Memory Mode")
    }

    fn memory(&self, label: &str) -> Option<Megabytes> {
        let (number, unit) = self.get(label)?.split_once(' ')?;
        (unit.trim() == "MB").then(|| number.parse().ok().map(Megabytes)).flatten()
    }
}

/// A token with which the kernel may ask a management console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The console.
    pub address: String,
    /// The user on it.
    pub user: Option<String>,
    /// Its port.
    pub port: Option<u16>,
    /// How long it is valid; `None` where the level does not say.
    pub life: Option<Seconds>,
}

/// `hmcauth -l`: blocks that begin with an address; nothing when there is no token. Labels in whatever case: one level prints
/// `port`, another `Port`. Source: LU §5.1.
#[must_use]
pub fn hmcauth(text: &str) -> Listing<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let rest = listing::<Token>(text, |line| {
        let Some((label, value)) = line.split_once(':') else { return Row::Other };
        let value = value.trim();
        let label = label.trim().to_ascii_lowercase();
        if label == "address" && !value.is_empty() && tokens.len() < MAX_TOKENS {
            tokens.push(Token { address: value.to_owned(), user: None, port: None, life: None });
            return Row::Skip;
        }
        let Some(token) = tokens.last_mut() else { return Row::Other };
        let read = match label.as_str() {
            "user name" => {
                token.user = Some(value.to_owned());
                true
            }
            "port" => {
                token.port = value.parse().ok();
                token.port.is_some()
            }
            "ttl" => {
                token.life = life(value);
                token.life.is_some()
            }
            _ => false,
        };
        if read { Row::Skip } else { Row::Other }
    });
    Listing { rows: tokens, ..rest }
}

/// More consoles than one LPAR can have.
const MAX_TOKENS: usize = 64;

/// `20:25:41 left` in seconds.
fn life(text: &str) -> Option<Seconds> {
    let mut parts = text.split_whitespace().next()?.split(':');
    let mut next = || parts.next()?.parse::<u64>().ok();
    let (hours, minutes, seconds) = (next()?, next()?, next()?);
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds).map(Seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uname_shows_id_and_name_which_may_hold_blanks() {
        let partition = uname_l("99 AIX72 Build 1534A\n").unwrap();
        assert_eq!(
            (partition.id.to_string().as_str(), partition.name.as_str()),
            ("99", "AIX72 Build 1534A")
        );
        for text in ["", "-1 NULL", "99", "0 x", "x y"] {
            assert!(uname_l(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lparstat_is_read_by_its_labels() {
        let stat = lparstat(
            "Node Name                                  : devserver\n\
             Partition Name                             : dev1\n\
             Partition Number                           : 1\n\
             Type                                       : Dedicated-SMT-4\n\
             Entitled Capacity                          : 2.00\n\
             Online Virtual CPUs                        : 2\n\
             Online Memory                              : 61696 MB\n\
             Minimum Memory                             : 30720 MB\n\
             Memory Mode                                : Dedicated\n\
             Shared Pool ID                             : -\n",
        );
        assert_eq!(stat.partition_name(), Some("dev1"));
        assert_eq!(stat.partition_number().unwrap().to_string(), "1");
        assert_eq!(
            (stat.online_memory(), stat.minimum_memory()),
            (Some(Megabytes(61696)), Some(Megabytes(30720)))
        );
        assert_eq!(stat.entitled_capacity().unwrap().hundredths, 200);
        assert_eq!((stat.online_virtual_cpus(), stat.memory_mode()), (Some(2), Some("Dedicated")));
        assert_eq!((stat.get("shared pool id"), stat.maximum_memory()), (None, None));
    }

    #[test]
    fn tokens_are_blocks_with_labels_in_any_case() {
        let all = hmcauth(
            "Address  : 10.1.50.30\nUser name: hscroot\nport     : 12443\nTTL      : 20:25:41 left\n\n\
             Address  : fe80::1\nUser name: liveupdate\nPort     : 12443\n",
        );
        assert!(all.unread.is_empty());
        let [old, new] = &all.rows[..] else { panic!("two tokens") };
        assert_eq!((old.port, old.life), (Some(12443), Some(Seconds(73_541))));
        assert_eq!(
            (new.address.as_str(), new.user.as_deref(), new.life),
            ("fe80::1", Some("liveupdate"), None)
        );
        assert_eq!(hmcauth("\n").rows, []);
    }

    #[test]
    fn what_is_no_part_of_a_token_is_kept_apart() {
        let all =
            hmcauth("Port: 1\nAddress: a\nPort: x\nTTL: soon\nAuthentication failure. -- x\n");
        assert_eq!((all.rows.len(), all.unread.len()), (1, 4));
    }
}
