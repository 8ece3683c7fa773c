//! What an HMC shows of a frame: free memory and processors, and what each partition takes.
//!
//! One listing of each kind a frame, never one a partition; values only, in the order that was asked for, parsed here.
//! Source of commands and attributes: HMC reference §2.2, §2.3.

use std::collections::BTreeMap;

use nim_shared::aftercare::{OnConsole, Profile};
use nim_shared::api::PartitionView;
use nim_shared::capacity::Shape;
use nim_shared::id::LparId;
use nim_shared::level::Level;
use nim_shared::object::Cec;
use nim_shared::preflight::Fact;
use nim_shared::stamp::Timestamp;
use nim_shared::unit::{Megabytes, ProcessorUnits};

use super::csv::{self, BadTable};
use super::survey;
use crate::engine::capacity::{Need, Reading, need};

/// The questions that make a reading, as words of the HMC's command line, in the order of [`FrameAnswers`].
#[must_use]
pub fn questions(frame: &Cec) -> [Vec<String>; 6] {
    let system = frame.mtms();
    let ask = |words: &[&str], attributes: &str| {
        let head = words.iter().map(ToString::to_string);
        let tail = ["-F", attributes].map(ToOwned::to_owned);
        head.chain(["-m".to_owned(), system.clone()]).chain(tail).collect()
    };
    [
        ask(&["lssyscfg", "-r", "sys"], "state,max_lpars"),
        ask(
            &["lshwres", "-r", "mem", "--level", "sys"],
            "configurable_sys_mem,curr_avail_sys_mem,mem_region_size",
        ),
        ask(
            &["lshwres", "-r", "proc", "--level", "sys"],
            "curr_avail_sys_proc_units,min_proc_units_per_virtual_proc",
        ),
        ask(&["lssyscfg", "-r", "lpar"], survey::PARTITION),
        ask(&["lshwres", "-r", "mem", "--level", "lpar"], &format!("{MEMORY},{RATIO}")),
        ask(
            &["lshwres", "-r", "proc", "--level", "lpar"],
            "lpar_name,lpar_id,curr_proc_mode,curr_proc_units,curr_procs,curr_shared_proc_pool_id,curr_min_proc_units,curr_min_procs",
        ),
    ]
}

/// What is asked of the memory of a partition.
const MEMORY: &str = "lpar_name,lpar_id,curr_mem,curr_max_mem,curr_min_mem";

/// The ratio of its page table, `1:64` or `1:128`. Source: HMC reference §2.3, §4.4.
const RATIO: &str = "curr_hpt_ratio";

/// The same question for an HMC that is too old to know all that it asks for. Source: HMC reference §2.7: an attribute that is not known
/// makes the whole command fail.
#[must_use]
pub fn older(question: &[String]) -> Option<Vec<String>> {
    let (attributes, head) = question.split_last()?;
    let fewer = attributes.strip_suffix(RATIO)?.strip_suffix(',')?;
    Some(head.iter().cloned().chain([fewer.to_owned()]).collect())
}

/// The question about the shared pools of processors. It is asked only where a partition is in one beside the default pool, which has no
/// limit: others have none, and a frame may know of none.
#[must_use]
pub fn pool_question(frame: &Cec) -> Vec<String> {
    let words = ["lshwres", "-r", "procpool", "-m", &frame.mtms(), "-F", POOL];
    words.map(ToOwned::to_owned).to_vec()
}

/// What is asked of a pool.
const POOL: &str = "shared_proc_pool_id,max_pool_proc_units,curr_reserved_pool_proc_units";

/// What an HMC answered to [`questions`].
pub type FrameAnswers = [String; 6];

/// What an HMC shows of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameView {
    /// State of the frame as the HMC spells it; work is possible in `Operating` only.
    pub state: String,
    /// Free capacity; `None` where the frame does not show it.
    pub reading: Option<Reading>,
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// What is free in its shared pools of processors, by their number; those without limit, and those that were not read, are left out.
    pub pools: BTreeMap<u32, ProcessorUnits>,
    /// The profiles of those partitions of which they were asked for, or why they are not known.
    pub profiles: Fact<BTreeMap<String, Vec<Profile>>>,
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// As the HMC shows it. During an update the name of the original ends in [`ORIGINAL`].
    pub view: PartitionView,
    /// What a surrogate of it takes; `None` where the HMC does not show enough.
    pub need: Option<Need>,
    /// What it has itself, where the HMC shows it.
    pub shape: Option<Shape>,
}

impl Partition {
    /// The same of an update for which `reduces` says, by the LPAR's level, whether it gives up processors.
    pub fn need_with(&self, reduces: impl FnOnce(Option<Level>) -> bool) -> Option<Need> {
        let need = self.need?;
        let least = self.shape.and_then(|shape| shape.min_processors);
        Some(match least.filter(|_| reduces(self.view.level())) {
            Some(least) => need.reducing(least),
            None => need,
        })
    }
}

/// What an update appends to the name of the partition that it replaces. Source: HMC reference §4.1.
pub const ORIGINAL: &str = "_lku0";

/// Number of the pool of processors that has no limit. Source: HMC reference §2.3.
const DEFAULT_POOL: u32 = 0;

/// The state in which a frame can do partition work.
pub const OPERATING: &str = "Operating";

/// An answer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It is no table.
    #[error("the answer to `{command}` is no table")]
    Table {
        /// The command.
        command: String,
        /// Why.
        #[source]
        cause: BadTable,
    },
    /// There is no row about the frame.
    #[error("the answer to `{command}` has no row")]
    Empty {
        /// The command.
        command: String,
    },
}

impl FrameView {
    /// Reads the answers about `frame`, which were given at `read_at`.
    ///
    /// # Errors
    /// [`BadAnswer`] names the command whose answer cannot be read.
    pub fn read(
        frame: &Cec,
        answers: &FrameAnswers,
        read_at: Timestamp,
    ) -> Result<Self, BadAnswer> {
        let asked = questions(frame);
        let [sys, mem, proc, lpars, lpar_mem, lpar_proc] = answers;
        let [state, max_lpars] = first(&asked[0], rows(&asked[0], sys)?)?;
        let [configurable, free, region] = first(&asked[1], rows(&asked[1], mem)?)?;
        let [units, per_processor] = first(&asked[2], rows(&asked[2], proc)?)?;
        let per_processor = per_processor.parse().unwrap_or(PER_PROCESSOR);
        let lpars: Vec<[String; 7]> = rows(&asked[3], lpars)?;
        let memory = memory_rows(&asked[4], lpar_mem)?;
        let processors: Vec<[String; 8]> = rows(&asked[5], lpar_proc)?;
        let region = megabytes(&region);
        let reading = (|| {
            Some(Reading {
                read_at,
                free_memory: megabytes(&free)?,
                free_processors: units.parse().ok()?,
                region: region?,
                configurable_memory: megabytes(&configurable)?,
                partitions: u32::try_from(lpars.len()).ok(),
                max_partitions: max_lpars.parse().ok(),
            })
        })();
        let partitions = lpars.into_iter().filter_map(|row| {
            let id = row[1].clone();
            let takes = || {
                let [_, _, current, most, least, ratio] = memory.iter().find(|row| row[1] == id)?;
                let [_, _, mode, shared, procs, pool, min_shared, min_procs] =
                    processors.iter().find(|row| row[1] == id)?;
                let memory = megabytes(current)?;
                let is_shared = mode == "shared";
                let min_processors = match is_shared {
                    true => least_units(min_shared, procs, per_processor),
                    false => min_procs.parse().ok(),
                };
                Some(Shape {
                    memory,
                    min_memory: megabytes(least).unwrap_or(memory),
                    max_memory: megabytes(most)?,
                    hpt_ratio: ratio.strip_prefix("1:").and_then(|d| d.parse().ok()),
                    processors: if is_shared { shared } else { procs }.parse().ok()?,
                    min_processors,
                    pool: pool.parse().ok().filter(|pool| is_shared && *pool != DEFAULT_POOL),
                })
            };
            let shape = takes();
            let need = shape.zip(region).map(|(shape, region)| Need {
                pool: shape.pool,
                ..need(shape.memory, shape.max_memory, shape.hpt_ratio, region, shape.processors)
            });
            Some(Partition { need, shape, view: survey::partition(row)? })
        });
        let profiles = Err("the HMC was not asked for profiles".to_owned());
        let pools = BTreeMap::new();
        Ok(Self { state, reading, partitions: partitions.collect(), pools, profiles })
    }

    /// Whether a partition is in a pool that may have a limit.
    #[must_use]
    pub fn has_pools(&self) -> bool {
        self.partitions.iter().any(|one| one.shape.is_some_and(|shape| shape.pool.is_some()))
    }

    /// Reads what is free in pools from the answer to [`pool_question`]: what they may have at most, less what is reserved and what their
    /// partitions have. Source: the HMC reference, §4.4.
    ///
    /// # Errors
    /// [`BadAnswer`] names the command whose answer cannot be read.
    pub fn read_pools(&mut self, frame: &Cec, answer: &str) -> Result<(), BadAnswer> {
        let rows: Vec<[String; 3]> = rows(&pool_question(frame), answer)?;
        let units = |text: &str| text.parse::<ProcessorUnits>().ok().map(|one| one.hundredths);
        let pools = rows.iter().filter_map(|[id, most, reserved]| {
            let (id, most) = (id.parse().ok()?, units(most)?);
            let shapes = self.partitions.iter().filter_map(|one| one.shape);
            let had: u64 = shapes
                .filter(|shape| shape.pool == Some(id))
                .map(|shape| shape.processors.hundredths)
                .sum();
            let taken = had.saturating_add(units(reserved).unwrap_or(0));
            Some((id, ProcessorUnits { hundredths: most.saturating_sub(taken) }))
        });
        self.pools = pools.collect();
        Ok(())
    }

    /// Whether an update of the LPAR `name` is under way on the frame: original and surrogate both exist.
    #[must_use]
    pub fn has_surrogate(&self, name: &str) -> bool {
        self.surrogates().any(|found| found == name)
    }

    /// Id of the partition `name`.
    #[must_use]
    pub fn id_of(&self, name: &str) -> Option<LparId> {
        self.partitions.iter().find(|one| one.view.name == name).map(|one| one.view.lpar_id)
    }

    /// What it shows of the partition `name` that matters after an update.
    #[must_use]
    pub fn of_partition(&self, name: &str) -> OnConsole {
        let own = self.partitions.iter().find(|one| one.view.name == name);
        let rmc_state = own.map(|one| one.view.rmc_state.clone());
        let profiles = match own {
            Some(_) => self.profiles.clone().map(|mut all| all.remove(name).unwrap_or_default()),
            None => Err("the HMC does not show the LPAR".to_owned()),
        };
        OnConsole { has_surrogate: self.has_surrogate(name), rmc_state, profiles }
    }

    /// Processors of each LPAR, by its partition's name: those of original and surrogate together where both exist.
    #[must_use]
    pub fn processors(&self) -> BTreeMap<String, ProcessorUnits> {
        let mut processors: BTreeMap<String, ProcessorUnits> = BTreeMap::new();
        for one in &self.partitions {
            let name = one.view.name.strip_suffix(ORIGINAL).unwrap_or(&one.view.name);
            if let Some(shape) = one.shape {
                let sum = processors.entry(name.to_owned()).or_default();
                *sum = *sum + shape.processors;
            }
        }
        processors
    }

    /// Names of the partitions that are being replaced, without what an update appends.
    pub fn surrogates(&self) -> impl Iterator<Item = &str> {
        self.partitions.iter().filter_map(|partition| partition.view.name.strip_suffix(ORIGINAL))
    }
}

/// Least entitlement of a shared LPAR: what it says, and what its virtual processors need. Whether an update takes some of those away with
/// the entitlement is not known; where it does, it gets by with less than this. Source: HMC reference §2.3, §4.3.
fn least_units(
    said: &str,
    virtual_processors: &str,
    each: ProcessorUnits,
) -> Option<ProcessorUnits> {
    let said: ProcessorUnits = said.parse().ok()?;
    let count: u64 = virtual_processors.parse().ok()?;
    Some(said.max(ProcessorUnits { hundredths: each.hundredths.saturating_mul(count) }))
}

/// What a virtual processor needs where the frame does not show it: the larger of the two that there are. Source: HMC reference §2.3.
const PER_PROCESSOR: ProcessorUnits = ProcessorUnits { hundredths: 10 };

/// A number of megabytes; `null`, `unavailable` and the like are none.
fn megabytes(text: &str) -> Option<Megabytes> {
    text.parse().ok().map(Megabytes)
}

fn rows<const N: usize>(command: &[String], answer: &str) -> Result<Vec<[String; N]>, BadAnswer> {
    csv::table(answer).map_err(|cause| BadAnswer::Table { command: command.join(" "), cause })
}

/// The rows about memory, with those of an older HMC, which shows no ratio.
fn memory_rows(command: &[String], answer: &str) -> Result<Vec<[String; 6]>, BadAnswer> {
    rows(command, answer).or_else(|bad| {
        let older: Vec<[String; 5]> = rows(command, answer).map_err(|_| bad)?;
        let filled = |[a, b, c, d, e]: [String; 5]| [a, b, c, d, e, String::new()];
        Ok(older.into_iter().map(filled).collect())
    })
}

fn first<const N: usize>(
    command: &[String],
    rows: Vec<[String; N]>,
) -> Result<[String; N], BadAnswer> {
    rows.into_iter().next().ok_or_else(|| BadAnswer::Empty { command: command.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Cec {
        Cec {
            hw_type: "9009".parse().unwrap(),
            hw_model: "42A".parse().unwrap(),
            hw_serial: "7812345".parse().unwrap(),
            system_name: None,
            limit: None,
            mgmt_source: vec![],
            disk_pool: vec![],
            kept: BTreeMap::new(),
        }
    }

    fn answers() -> FrameAnswers {
        [
            "Operating,400\n",
            "131072,25344,256\n",
            "1.8,0.05\n",
            "aix1,98,aixlinux,Not Activated,inactive,,Unknown\naix1_lku0,99,aixlinux,Running,active,,AIX 7.3 7300-03-00-2446\n\
             db1,12,aixlinux,Running,active,10.0.0.12,AIX 7.2 7200-05-03-2148\nodd,x,aixlinux,Running,active,,Unknown\n",
            "aix1_lku0,99,8192,16384,2048,1:128\ndb1,12,4096,8192,null,null\n",
            "aix1_lku0,99,shared,1.0,8,0,0.2,1\ndb1,12,ded,null,2,null,null,1\n",
        ]
        .map(ToOwned::to_owned)
    }

    fn now() -> Timestamp {
        Timestamp::from_unix_micros(0)
    }

    #[test]
    fn a_frame_is_read_from_six_listings() {
        let view = FrameView::read(&frame(), &answers(), now()).unwrap();
        let reading = view.reading.unwrap();
        assert_eq!((reading.free_memory, reading.region), (Megabytes(25_344), Megabytes(256)));
        assert_eq!(
            (reading.free_processors.to_string().as_str(), reading.partitions),
            ("1.8", Some(4))
        );
        let names: Vec<_> =
            view.partitions.iter().map(|p| (p.view.name.as_str(), p.need.is_some())).collect();
        assert_eq!(names, [("aix1", false), ("aix1_lku0", true), ("db1", true)]);
        assert_eq!(view.partitions[2].need.unwrap().processors.to_string(), "2.0");
        let least = |at: usize| view.partitions[at].shape.map(|one| one.min_memory.0);
        assert_eq!((least(0), least(1)), (None, Some(2048)));
        assert_eq!(least(2), Some(4096), "what is not shown is not less");
        let units = |at: usize| {
            view.partitions[at].shape.and_then(|one| one.min_processors).map(|one| one.to_string())
        };
        assert_eq!(units(1).as_deref(), Some("0.4"), "8 virtual processors of 0.05 each");
        assert_eq!(units(2).as_deref(), Some("1.0"));
        let reducing = |at: usize| {
            let of = |level: Option<Level>| level.is_some_and(|one| one.technology.release == 7300);
            view.partitions[at].need_with(of)?.reduction.map(|one| one.least.to_string())
        };
        assert_eq!([0, 1, 2].map(reducing), [None, Some("0.4".to_owned()), None]);
        let mut older = answers();
        older[2] = "1.8,null\n".to_owned();
        older[5] =
            "aix1_lku0,99,shared,1.0,1,0,0.2,1\ndb1,12,ded,null,2,null,null,null\n".to_owned();
        let older = FrameView::read(&frame(), &older, now()).unwrap();
        let shown = older.partitions.iter().map(|one| one.shape?.min_processors);
        assert_eq!(shown.collect::<Vec<_>>(), [None, "0.2".parse().ok(), None]);
        assert!(view.has_surrogate("aix1") && !view.has_surrogate("db1"));
        let shows = |name| {
            let OnConsole { has_surrogate, rmc_state, .. } = view.of_partition(name);
            (has_surrogate, rmc_state)
        };
        assert_eq!(shows("aix1"), (true, Some("inactive".to_owned())));
        assert_eq!(shows("db1"), (false, Some("active".to_owned())));
        assert_eq!(shows("db2"), (false, None));
        assert_eq!(view.id_of("db1").map(|id| id.to_string()).as_deref(), Some("12"));
        assert_eq!(view.id_of("db2"), None);
    }

    #[test]
    fn memory_is_reckoned_with_the_ratio_of_the_page_table_where_it_is_shown() {
        let needed = |memory: &str| {
            let mut answers = answers();
            answers[4] = memory.to_owned();
            let view = FrameView::read(&frame(), &answers, now()).unwrap();
            let one = &view.partitions[1];
            (one.shape.unwrap().hpt_ratio, one.need.unwrap().memory.0)
        };
        // A table of 512 or 1024 MB, and a region beside it. Source: HMC reference §4.4.
        let row = "aix1_lku0,99,8192,65536,2048";
        assert_eq!(needed(&format!("{row},1:128\n")), (Some(128), 8192 + 512 + 256));
        assert_eq!(needed(&format!("{row},1:64\n")), (Some(64), 8192 + 1024 + 256));
        for unknown in [format!("{row},null\n"), format!("{row}\n")] {
            assert_eq!(needed(&unknown), (None, 8192 + 1024 + 256), "{unknown:?}");
        }
        let asked = questions(&frame());
        let fewer: Vec<_> = asked.iter().filter_map(|one| older(one)).collect();
        let [fewer] = &fewer[..] else { panic!("{fewer:?}") };
        assert_eq!((fewer.len(), fewer.last().unwrap().as_str()), (asked[4].len(), MEMORY));
        assert_eq!(older(fewer), None);
    }

    #[test]
    fn a_pool_has_what_its_partitions_and_its_reserve_leave() {
        let mut shown = answers();
        let mut view = FrameView::read(&frame(), &shown, now()).unwrap();
        assert!(
            !view.has_pools(),
            "the default pool has no limit, and who has processors of its own is in none"
        );
        shown[4] = "aix1,98,8192,16384,2048,1:64\naix1_lku0,99,8192,16384,2048,1:64\ndb1,12,4096,8192,null,null\n"
            .to_owned();
        shown[5] = "aix1,98,shared,1.0,2,3,0.2,1\naix1_lku0,99,shared,1.0,2,3,0.2,1\ndb1,12,shared,0.3,2,4,0.2,1\n"
            .to_owned();
        view = FrameView::read(&frame(), &shown, now()).unwrap();
        assert!(view.has_pools());
        assert_eq!(view.partitions[1].need.unwrap().pool, Some(3));
        let all: Vec<_> =
            view.processors().into_iter().map(|(name, all)| format!("{name} {all}")).collect();
        assert_eq!(all, ["aix1 2.0", "db1 0.3"], "of both partitions together");
        let rows = "0,null,null\n3,4.0,0.5\n4,0.2,0.0\n5,unavailable,0.0\n";
        view.read_pools(&frame(), rows).unwrap();
        let free: Vec<_> = view.pools.iter().map(|(id, free)| (*id, free.to_string())).collect();
        assert_eq!(free, [(3, "1.5".to_owned()), (4, "0.0".to_owned())]);
        view.read_pools(&frame(), "No results were found.\n").unwrap();
        assert!(view.pools.is_empty());
        let error = view.read_pools(&frame(), "3,4.0\n").unwrap_err().to_string();
        assert!(error.contains("lshwres -r procpool -m 9009-42A*7812345"), "{error}");
    }

    #[test]
    fn where_the_hmc_shows_nothing_no_figure_is_invented() {
        let mut unknown = answers();
        unknown[1] = "131072,null,256\n".to_owned();
        unknown[4] = "No results were found.\n".to_owned();
        let view = FrameView::read(&frame(), &unknown, now()).unwrap();
        assert_eq!(view.reading, None);
        assert!(view.partitions.iter().all(|p| p.need.is_none()));
    }

    #[test]
    fn the_frame_is_named_by_type_model_and_serial() {
        for words in questions(&frame()) {
            let at = words.iter().position(|word| word == "-m").unwrap();
            assert_eq!(words[at + 1], "9009-42A*7812345");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_names_its_command() {
        let mut garbled = answers();
        garbled[2] = String::new();
        let error = FrameView::read(&frame(), &garbled, now()).unwrap_err().to_string();
        assert!(error.contains("lshwres -r proc --level sys -m 9009-42A*7812345"), "{error}");
    }
}
