//! What an HMC shows of a frame that only a preflight asks: attributes of partitions, slots, adapters, the pool of its site.
//!
//! One listing of each kind a frame, never one a partition. Each answer stands alone: a command that an HMC does not know, or that its
//! user may not run, is a reason in the place of that answer and takes nothing from the others. Source of commands and attributes:
//! HMC reference §2.2, §2.4, §2.5.

use std::collections::BTreeMap;

use nim_shared::id::LparId;
use nim_shared::preflight::Around;
use nim_shared::preflight::Fact;
use nim_shared::preflight::around::{ScsiServer, VirtualSlots};

use super::console::{self, Console};
use super::csv;

/// What an HMC shows of a frame, beside its capacity.
#[derive(Clone, Debug)]
pub struct Details {
    /// Of each of [`ATTRIBUTES`] the values, by the id of the partition.
    attributes: [Fact<BTreeMap<String, String>>; 3],
    /// Partition, most virtual slots, next free one.
    slots: Fact<Vec<[String; 3]>>,
    /// Partition, slot, `client` or `server`, partition and slot at the other end.
    scsi: Fact<Vec<[String; 5]>>,
    /// Partition and what stands in the slot.
    physical: Fact<Vec<[String; 3]>>,
    /// Whether there is an Enterprise Pool.
    has_pool: Fact<bool>,
}

/// Attributes of a partition of which an older level may not know one: it refuses the whole command then.
const ATTRIBUTES: [&str; 3] =
    ["sync_curr_profile", "simplified_remote_restart_capable", "migration_state"];

impl Details {
    /// Asks about the frame that machine type, model and serial number name.
    ///
    /// # Errors
    /// The HMC says nothing more. What it refuses is part of the details.
    pub async fn ask(console: &Console, mtms: &str) -> Result<Self, console::Error> {
        let words = |words: &[&str], fields: &str| -> Vec<String> {
            let tail = ["-m", mtms, "-F", fields];
            words.iter().chain(&tail).map(ToString::to_string).collect()
        };
        let virtual_io = ["lshwres", "-r", "virtualio", "--level", "lpar", "--rsubtype"];
        let of = |kind: &'static str| [&virtual_io[..], &[kind]].concat();
        Ok(Self {
            attributes: attributes(console, mtms).await?,
            slots: table(
                console,
                &words(&of("slot"), "lpar_id,curr_max_virtual_slots,next_avail_virtual_slot"),
            )
            .await?,
            scsi: table(
                console,
                &words(&of("scsi"), "lpar_id,slot_num,adapter_type,remote_lpar_id,remote_slot_num"),
            )
            .await?,
            physical: table(
                console,
                &words(
                    &["lshwres", "-r", "io", "--rsubtype", "slot"],
                    "lpar_id,drc_name,description",
                ),
            )
            .await?,
            has_pool: pool(console).await?,
        })
    }

    /// Fills in what is known of the partition `id`.
    pub fn fill(&self, id: LparId, around: &mut Around) {
        let id = id.to_string();
        let unshown = || "the HMC does not show it".to_owned();
        let attribute = |place: usize| -> Fact<String> {
            let all = self.attributes[place].as_ref().map_err(Clone::clone)?;
            all.get(&id).cloned().ok_or_else(unshown)
        };
        around.profile_sync = attribute(0);
        around.remote_restart = attribute(1);
        around.migration = attribute(2);
        around.virtual_slots = self.slots.as_ref().map_err(Clone::clone).and_then(|all| {
            let [_, most, next] = all.iter().find(|row| row[0] == id).ok_or_else(unshown)?;
            Ok(VirtualSlots { most: most.clone(), next: next.clone() })
        });
        around.scsi_servers = self.scsi.clone().map(|all| servers(&all, &id));
        around.physical_slots = self.physical.clone().map(|all| {
            let own = all.iter().filter(|row| row[0] == id);
            own.map(|[_, place, what]| format!("{place} {what}")).collect()
        });
        around.has_pool = self.has_pool.clone();
    }
}

/// The adapters at the other end of the client adapters of `id`.
fn servers(all: &[[String; 5]], id: &str) -> Vec<ScsiServer> {
    let own = all.iter().filter(|row| row[0] == id && row[2] == "client");
    own.map(|[_, _, _, partition, slot]| {
        let server =
            all.iter().find(|row| row[0] == *partition && row[1] == *slot && row[2] == "server");
        ScsiServer {
            partition: partition.clone(),
            slot: slot.clone(),
            is_for: server.map(|row| (row[3].clone(), row[4].clone())),
        }
    })
    .collect()
}

async fn attributes(
    console: &Console,
    mtms: &str,
) -> Result<[Fact<BTreeMap<String, String>>; 3], console::Error> {
    let words = |fields: &str| -> Vec<String> {
        let words = ["lssyscfg", "-r", "lpar", "-m", mtms, "-F", fields];
        words.map(ToOwned::to_owned).to_vec()
    };
    let all = words(&format!("lpar_id,{}", ATTRIBUTES.join(",")));
    match console.ask(&all).await {
        Ok(answer) => {
            let rows: Fact<Vec<[String; 4]>> = read(&all, &answer);
            Ok([1, 2, 3].map(|place| {
                let rows = rows.as_ref().map_err(Clone::clone)?;
                Ok(rows.iter().map(|row| (row[0].clone(), row[place].clone())).collect())
            }))
        }
        Err(error) if error.is_without_code() => {
            let mut each = [const { Err(String::new()) }; 3];
            for (attribute, found) in ATTRIBUTES.iter().zip(&mut each) {
                let rows: Fact<Vec<[String; 2]>> =
                    table(console, &words(&format!("lpar_id,{attribute}"))).await?;
                *found = rows.map(|rows| rows.into_iter().map(|[id, value]| (id, value)).collect());
            }
            Ok(each)
        }
        Err(error) => {
            let why = refused(error)?;
            Ok(std::array::from_fn(|_| Err(why.clone())))
        }
    }
}

/// That there is none is all that is known of the form of this answer. Source: HMC reference §1.6, §2.5 (options inferred).
async fn pool(console: &Console) -> Result<Fact<bool>, console::Error> {
    let words = ["lscodpool", "--level", "pool"].map(ToOwned::to_owned);
    Ok(match console.ask(&words).await {
        Ok(answer) if answer.trim().is_empty() => Err("lscodpool printed nothing".to_owned()),
        Ok(answer) => Ok(!csv::is_nothing(&answer)),
        Err(error) => Err(refused(error)?),
    })
}

async fn table<const N: usize>(
    console: &Console,
    words: &[String],
) -> Result<Fact<Vec<[String; N]>>, console::Error> {
    Ok(match console.ask(words).await {
        Ok(answer) => read(words, &answer),
        Err(error) => Err(refused(error)?),
    })
}

fn read<const N: usize>(words: &[String], answer: &str) -> Fact<Vec<[String; N]>> {
    csv::table(answer)
        .map_err(|cause| format!("the answer to `{}` is no table: {cause}", words.join(" ")))
}

/// Why a command failed, where the HMC said so.
fn refused(error: console::Error) -> Result<String, console::Error> {
    match error {
        console::Error::Failed { .. } => Ok(error.to_string()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(text: &str) -> Fact<Vec<[String; N]>> {
        csv::table(text).map_err(|bad| bad.to_string())
    }

    fn details() -> Details {
        let of = |value: &str| Ok([("7".to_owned(), value.to_owned())].into());
        Details {
            attributes: [
                of("0"),
                Err("An invalid attribute was entered".to_owned()),
                of("Not Migrating"),
            ],
            slots: rows("7,64,9\n8,8,none\n"),
            scsi: rows(
                "7,2,client,1,101\n7,3,client,2,102\n1,101,server,7,2\n1,109,server,any,any\n",
            ),
            physical: rows("null,P1-C1,Empty slot\n7,P1-C2,\"Adapter, fast\"\n"),
            has_pool: Ok(false),
        }
    }

    fn around(id: &str) -> Around {
        let mut around = Around::unknown("not asked");
        details().fill(id.parse().unwrap(), &mut around);
        around
    }

    #[test]
    fn each_partition_gets_what_is_shown_of_it_and_nothing_of_others() {
        let found = around("7");
        assert_eq!(found.profile_sync.as_deref(), Ok("0"));
        assert!(found.remote_restart.unwrap_err().contains("invalid attribute"));
        assert_eq!(found.migration.as_deref(), Ok("Not Migrating"));
        assert_eq!(found.virtual_slots.unwrap().next, "9");
        let servers: Vec<_> =
            found.scsi_servers.unwrap().into_iter().map(|one| one.is_for).collect();
        assert_eq!(servers, [Some(("7".to_owned(), "2".to_owned())), None]);
        assert_eq!(found.physical_slots.unwrap(), ["P1-C2 Adapter, fast"]);
        assert_eq!(found.has_pool, Ok(false));
        assert_eq!(found.rmc_state.unwrap_err(), "not asked");
    }

    #[test]
    fn a_partition_that_is_not_listed_has_no_attributes() {
        let found = around("9");
        assert!(found.profile_sync.is_err() && found.virtual_slots.is_err());
        assert_eq!(found.scsi_servers, Ok(Vec::new()));
    }
}
