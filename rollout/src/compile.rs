//! From what is known of LPARs and frames to work and resources.

use std::collections::{BTreeMap, HashMap};

use nim_shared::capacity::{Need, margin, need};
use nim_shared::id::ObjectName;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};

use crate::calendar::Calendars;
use crate::facts::{ClusterSoftware, CpuReduction, Frame, Free, Lpar, Shape, Snapshot};
use crate::file::{Limits, Rollout};
use crate::plan::Why;
use crate::plan::excluded::Shortage;
use crate::predict::Forecast;
use crate::site::{Gap, Job, Resource, Site, Tick, Use, What};

/// Names of what has numbers in a [`Site`].
#[derive(Debug, Default)]
pub struct Names {
    frames: Table,
    hmcs: Table,
    pairs: Table,
    labels: Table,
    apart: Table,
    pools: Table,
    ids: Table,
}

/// Numbers of names, in the order in which they were met.
#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Table {
    fn number(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        })
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("?", String::as_str)
    }
}

impl Names {
    /// What somebody waits for, in words.
    #[must_use]
    pub fn say(&self, what: What) -> String {
        match what {
            What::InFlight => "a place in flight".to_owned(),
            What::Hmc(at) => format!("a place at HMC {}", self.hmcs.name(at)),
            What::FrameSlots(at) => format!("a place on {}", self.frames.name(at)),
            What::VioPair(at) => format!("a place at VIOSes {}", self.pairs.name(at)),
            What::Label(at) => format!("a place of label {}", self.labels.name(at)),
            What::Apart(at) => format!("a partner: {}", self.apart.name(at)),
            What::Memory(at) => format!("memory of {}", self.frames.name(at)),
            What::Processors(at) => format!("processors of {}", self.frames.name(at)),
            What::Pool(at) => format!("processors of {}", self.pools.name(at)),
            What::Partitions(at) => format!("a partition more on {}", self.frames.name(at)),
            What::PartitionId(at) => self.ids.name(at).to_owned(),
        }
    }
}

/// Makes jobs and resources.
#[derive(Debug)]
pub struct Compiler<'a> {
    file: &'a Rollout,
    snapshot: &'a Snapshot,
    frames: HashMap<&'a ObjectName, &'a Frame>,
    resources: HashMap<What, u32>,
    gaps: HashMap<What, u32>,
    calendars: Calendars<'a>,
    apart: HashMap<&'a ObjectName, Vec<u32>>,
    /// How many LPARs the plan is for.
    members: usize,
    /// Names of what has numbers.
    pub names: Names,
    /// What was made so far, but for its calendars.
    pub site: Site,
    /// The jobs that were made so far.
    pub jobs: Vec<Job>,
}

impl<'a> Compiler<'a> {
    /// For a plan with the LPARs `members`.
    #[must_use]
    pub fn new(
        file: &'a Rollout,
        snapshot: &'a Snapshot,
        members: &[&'a Lpar],
        calendars: Calendars<'a>,
    ) -> Self {
        let mut compiler = Self {
            file,
            snapshot,
            frames: snapshot.frames.iter().map(|frame| (&frame.name, frame)).collect(),
            resources: HashMap::new(),
            gaps: HashMap::new(),
            calendars,
            apart: HashMap::new(),
            members: members.len(),
            names: Names::default(),
            site: Site::default(),
            jobs: Vec::new(),
        };
        compiler.keep_apart(members);
        compiler
    }

    /// Notes who never runs together: groups of two at least.
    fn keep_apart(&mut self, members: &[&'a Lpar]) {
        let mut groups: BTreeMap<String, Vec<&'a ObjectName>> = BTreeMap::new();
        for lpar in members {
            let ha = |one: &&crate::facts::Cluster| one.software == ClusterSoftware::PowerHa;
            let clusters = lpar.clusters.iter().filter(ha);
            let clusters = clusters.map(|one| format!("PowerHA cluster {}", one.name));
            let labels =
                self.file.apart.labels.iter().filter_map(|key| {
                    lpar.labels.get(key).map(|value| format!("label {key}={value}"))
                });
            let lists = self.file.apart.lists.iter().enumerate();
            let lists = lists.filter(|(_, list)| list.contains(&lpar.name));
            let lists = lists.map(|(at, _)| format!("list {} of those apart", at + 1));
            for group in clusters.chain(labels).chain(lists) {
                groups.entry(group).or_default().push(&lpar.name);
            }
        }
        for (group, names) in groups.into_iter().filter(|(_, names)| names.len() > 1) {
            let what = What::Apart(self.names.apart.number(group));
            let resource = self.resource(what, 1);
            names.iter().for_each(|name| self.apart.entry(name).or_default().push(resource));
        }
    }

    fn resource(&mut self, what: What, capacity: u64) -> u32 {
        let next = u32::try_from(self.site.resources.len()).unwrap_or(u32::MAX);
        *self.resources.entry(what).or_insert_with(|| {
            self.site.resources.push(Resource { what, capacity });
            next
        })
    }

    fn gap(&mut self, what: What, least: Tick) -> Option<u32> {
        if least == 0 {
            return None;
        }
        let next = u32::try_from(self.site.gaps.len()).unwrap_or(u32::MAX);
        Some(*self.gaps.entry(what).or_insert_with(|| {
            self.site.gaps.push(Gap { what, least });
            next
        }))
    }

    /// Makes the job of an LPAR.
    ///
    /// # Errors
    /// Why it could never run.
    pub fn job(&mut self, lpar: &'a Lpar, forecast: &Forecast) -> Result<(), Why> {
        let frame = lpar.frame.as_ref().and_then(|name| self.frames.get(name)).copied();
        let frame_name =
            lpar.frame.as_ref().map_or("a frame that is not known", ObjectName::as_str);
        let number = self.names.frames.number(frame_name.to_owned());
        let mut uses: Vec<Use> = Vec::new();
        let mut gaps = Vec::new();
        let limits = &self.file.limits;
        let lower = |own: Option<u32>, allowed: u32| u64::from(own.unwrap_or(allowed).min(allowed));
        let mut counted = Vec::new();
        let allowed = self.snapshot.allowed;
        let most = lower(limits.in_flight, allowed.in_flight);
        // What is as large as the whole limits nobody.
        if usize::try_from(most).is_ok_and(|most| most < self.members) {
            counted.push((What::InFlight, most));
        }
        if let Some(hmc) = frame.and_then(|frame| frame.hmc.as_ref()) {
            let hmc = self.names.hmcs.number(hmc.to_string());
            let own = frame.and_then(|frame| frame.hmc_limit).unwrap_or(allowed.per_hmc);
            counted.push((What::Hmc(hmc), lower(limits.per_hmc, own)));
            gaps.extend(self.gap(What::Hmc(hmc), limits.stagger_hmc.get()));
        }
        let own = frame.and_then(|frame| frame.limit).unwrap_or(allowed.per_frame);
        let slots = lower(limits.per_frame, own);
        counted.push((What::FrameSlots(number), slots));
        if !lpar.vioses.is_empty() {
            let names: Vec<&str> = lpar.vioses.iter().map(ObjectName::as_str).collect();
            let pair = self.names.pairs.number(names.join(" and "));
            counted.push((What::VioPair(pair), limits.per_vios_pair.into()));
            gaps.extend(self.gap(What::VioPair(pair), limits.stagger_vios.get()));
        }
        for (key, most) in &limits.per_label {
            if let Some(value) = lpar.labels.get(key) {
                let label = self.names.labels.number(format!("{key}={value}"));
                counted.push((What::Label(label), u64::from(*most)));
            }
        }
        for (what, capacity) in counted {
            uses.push(Use { resource: self.resource(what, capacity), amount: 1 });
        }
        if let Some(groups) = self.apart.get(&lpar.name) {
            uses.extend(groups.iter().map(|&resource| Use { resource, amount: 1 }));
        }
        if let Some(frame) = frame {
            self.capacity(lpar, frame, number, &mut uses)?;
        }
        for one in &uses {
            self.check(*one)?;
        }
        let ticks = |of: Seconds| Tick::try_from(of.0).unwrap_or(Tick::MAX);
        let (long, usual) = (ticks(forecast.long), ticks(forecast.usual));
        let calendar = self.calendars.of(lpar);
        let spans = &self.calendars.made[calendar as usize];
        if spans.next_start(0, long).is_none() {
            let longest = spans.0.iter().map(|(begin, end)| end - begin).max();
            return Err(longest.map_or(Why::NoWindow, |longest| Why::WindowTooShort {
                needed: forecast.long,
                longest: Seconds(longest.into()),
            }));
        }
        self.site.frames = self.site.frames.max(number + 1);
        self.jobs.push(Job { frame: number, uses, gaps, calendar, long, usual });
        Ok(())
    }

    /// What of its frame an LPAR takes.
    fn capacity(
        &mut self,
        lpar: &Lpar,
        frame: &Frame,
        number: u32,
        uses: &mut Vec<Use>,
    ) -> Result<(), Why> {
        if let Some(free) = frame.free {
            if let Some(shape) = lpar.shape {
                let needed = shape.need(free.region);
                let there = takable(&self.file.limits, free);
                let resource = self.resource(What::Memory(number), there.memory.0);
                uses.push(Use { resource, amount: needed.memory.0 });
                let units = there.processors;
                let pool = shape.pool.and_then(|pool| Some((pool, *frame.pools.get(&pool)?)));
                let least = pool.map_or(units, |(_, of_pool)| of_pool.min(units));
                let full = needed.processors;
                // Who gives up some is promised them alone, as the ledger reckons: of the frame and of the pool nothing is left.
                let is_reduced = needed.takes_of(least).is_some_and(|amount| amount < full);
                let amount = |of: ProcessorUnits| if is_reduced { of } else { full }.hundredths;
                let resource = self.resource(What::Processors(number), units.hundredths);
                uses.push(Use { resource, amount: amount(units) });
                if let Some((pool, units)) = pool {
                    let name = format!("pool {pool} of {}", frame.name);
                    let what = What::Pool(self.names.pools.number(name));
                    let resource = self.resource(what, units.hundredths);
                    uses.push(Use { resource, amount: amount(units) });
                }
            }
            if let Some(partitions) = free.partitions {
                let resource = self.resource(What::Partitions(number), partitions.into());
                uses.push(Use { resource, amount: 1 });
            }
        }
        if let Some(id) = lpar.wanted_id {
            if frame.ids.contains(&id) {
                return Err(Why::IdTaken(id));
            }
            let name = format!("the partition id {id} on {}", frame.name);
            let what = What::PartitionId(self.names.ids.number(name));
            let resource = self.resource(what, 1);
            uses.push(Use { resource, amount: 1 });
        }
        Ok(())
    }

    /// Whether there is enough when nothing else runs.
    fn check(&self, one: Use) -> Result<(), Why> {
        let resource = &self.site.resources[one.resource as usize];
        if one.amount <= resource.capacity {
            return Ok(());
        }
        let units = |hundredths| format!("{} units", ProcessorUnits { hundredths });
        let (needed, there, shortage) = match resource.what {
            What::Memory(_) => (
                Megabytes(one.amount).to_string(),
                Megabytes(resource.capacity).to_string(),
                Shortage::Memory { missing: one.amount - resource.capacity },
            ),
            What::Processors(_) | What::Pool(_) => {
                let there = ProcessorUnits { hundredths: resource.capacity };
                (units(one.amount), units(resource.capacity), Shortage::Processors { there })
            }
            _ => (one.amount.to_string(), resource.capacity.to_string(), Shortage::Other),
        };
        let what = self.names.say(resource.what);
        Err(Why::TooLarge { what, needed, there, shortage })
    }

    /// The site with its calendars.
    #[must_use]
    pub fn finish(mut self) -> (Site, Vec<Job>, Names) {
        self.site.calendars = self.calendars.made;
        (self.site, self.jobs, self.names)
    }
}

impl Shape {
    /// What a surrogate takes from its frame.
    #[must_use]
    pub fn need(&self, region: Megabytes) -> Need {
        let full = need(self.memory, self.max_memory, self.hpt_ratio, region, self.processors);
        match self.cpu_reduction {
            CpuReduction::No => full,
            CpuReduction::Yes => full.reducing(self.min_processors),
        }
    }
}

/// What of a frame a rollout may take: what is free, less what its file keeps.
pub(crate) fn takable(limits: &Limits, free: Free) -> Need {
    let keep = limits.reserve_memory.get().into();
    let margin = margin(free.region, free.configurable, keep);
    let units = free.processors.hundredths;
    let keep = u64::from(limits.reserve_processors.get()) * units;
    Need {
        memory: Megabytes(free.memory.0.saturating_sub(margin.0)),
        processors: ProcessorUnits { hundredths: units - keep.div_ceil(100) },
        pool: None,
        reduction: None,
    }
}
