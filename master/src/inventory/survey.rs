//! What an HMC shows of a site: its frames, and the partitions of each. One listing each, never one a partition.
//!
//! Source of commands and attributes: HMC reference §2.2, §2.7.

use nim_shared::api::{PartitionView, SystemView};
use nim_shared::preflight::around::ConsoleUser;

use super::console::{self, Console};
use super::csv::{self, BadTable};

/// Attributes of a frame that every level knows.
const SYSTEM: &str = "name,type_model,serial_num,ipaddr,state";

/// One that later levels know too.
const PROCESSOR: &str = "sp_type";

/// Attributes of a partition.
pub(super) const PARTITION: &str = "name,lpar_id,lpar_env,state,rmc_state,rmc_ipaddr,os_version";

/// Why an HMC does not show what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It did not answer.
    #[error(transparent)]
    Console(#[from] console::Error),
    /// Its answer cannot be read.
    #[error("the answer to `{command}` is no table")]
    Answer {
        /// The command.
        command: String,
        /// Why.
        #[source]
        cause: BadTable,
    },
    /// It shows no version.
    #[error("the answer to `lshmc -V` has no base_version: \"{found}\"")]
    Version {
        /// How it begins.
        found: String,
    },
}

/// The frames that the HMC manages.
///
/// # Errors
/// [`Error`].
pub async fn systems(console: &Console) -> Result<Vec<SystemView>, Error> {
    let all = question(&["lssyscfg", "-r", "sys"], &format!("{SYSTEM},{PROCESSOR}"));
    let first = match console.ask(&all).await {
        Ok(answer) => {
            return rows(&all, &answer).map(|rows| rows.into_iter().map(system).collect());
        }
        // An older level refuses the whole command for one attribute that it does not know.
        Err(error) if error.is_without_code() => question(&["lssyscfg", "-r", "sys"], SYSTEM),
        Err(error) => return Err(error.into()),
    };
    let answer = console.ask(&first).await?;
    let plain = |[name, type_model, serial_num, ipaddr, state]: [String; 5]| SystemView {
        name,
        type_model,
        serial_num,
        ipaddr,
        sp_type: None,
        state,
    };
    Ok(rows(&first, &answer)?.into_iter().map(plain).collect())
}

/// The partitions of the frame that machine type, model and serial number name. A row without a number for an id is left out.
///
/// # Errors
/// [`Error`].
pub async fn partitions(console: &Console, mtms: &str) -> Result<Vec<PartitionView>, Error> {
    let words = question(&["lssyscfg", "-r", "lpar", "-m", mtms], PARTITION);
    let answer = console.ask(&words).await?;
    Ok(rows(&words, &answer)?.into_iter().filter_map(partition).collect())
}

/// The version of the HMC: `V10R3`.
///
/// # Errors
/// [`Error`].
pub async fn version(console: &Console) -> Result<String, Error> {
    let words = ["lshmc".to_owned(), "-V".to_owned()];
    let answer = console.ask(&words).await?;
    base_version(&answer).ok_or_else(|| Error::Version { found: first_line(&answer) })
}

/// The users of the HMC. Source: HMC reference §1.2.
///
/// # Errors
/// [`Error`].
pub async fn users(console: &Console) -> Result<Vec<ConsoleUser>, Error> {
    let words = question(&["lshmcusr"], "name,taskrole,resourcerole");
    let answer = console.ask(&words).await?;
    let user = |[name, task_role, resource_role]: [String; 3]| ConsoleUser {
        name,
        task_role,
        resource_role,
    };
    Ok(rows(&words, &answer)?.into_iter().map(user).collect())
}

/// Source: HMC reference §1.8.
fn base_version(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("base_version=")?;
    let level = rest.split(['"', '\n']).next().unwrap_or_default().trim();
    let is_level = level.len() <= 32
        && level.starts_with('V')
        && level.chars().all(|c| c.is_ascii_alphanumeric() || " .".contains(c));
    is_level.then(|| level.to_owned())
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    nim_shared::id::printable(&line.chars().take(120).collect::<String>())
}

fn question(words: &[&str], attributes: &str) -> Vec<String> {
    words.iter().chain(&["-F", attributes]).map(ToString::to_string).collect()
}

fn rows<const N: usize>(command: &[String], answer: &str) -> Result<Vec<[String; N]>, Error> {
    csv::table(answer).map_err(|cause| Error::Answer { command: command.join(" "), cause })
}

fn system([name, type_model, serial_num, ipaddr, state, sp_type]: [String; 6]) -> SystemView {
    SystemView { name, type_model, serial_num, ipaddr, sp_type: Some(sp_type), state }
}

/// A partition of its row. `None` where its id is no number.
pub(super) fn partition(
    [name, lpar_id, lpar_env, state, rmc_state, rmc_ipaddr, os_version]: [String; 7],
) -> Option<PartitionView> {
    let lpar_id = lpar_id.parse().ok()?;
    Some(PartitionView { name, lpar_id, lpar_env, state, rmc_state, rmc_ipaddr, os_version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_an_hmc_is_found_in_its_record() {
        let answer = "\"version= Version: 10\n Release: 3\nMF71689 - HMC V10R3 M1060\n\",\"base_version=V10R3\"\n";
        assert_eq!(base_version(answer).as_deref(), Some("V10R3"));
        assert_eq!(base_version("base_version=V8R8.4.0\n").as_deref(), Some("V8R8.4.0"));
        for answer in ["", "version= Version: 10", "base_version=\u{1b}[31m"] {
            assert_eq!(base_version(answer), None, "{answer:?}");
        }
    }
}
