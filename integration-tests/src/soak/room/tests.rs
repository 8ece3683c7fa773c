use nim_lab::site::build;

use super::*;
use crate::soak::fleet;

/// The short site: `frame1` is short of memory for LPARs of 2048 MB, `frame2` of processors.
fn world() -> World {
    build::world(&fleet::site(&Size::SHORT).unwrap())
}

/// `world` in its course: what is done to it, and what the lab would record of that.
struct Course {
    world: World,
    entries: Vec<Entry>,
}

impl Course {
    fn new() -> Self {
        Self { world: world(), entries: Vec::new() }
    }

    fn note(&mut self, lpar: &str, deed: Deed) {
        let at = self.entries.len() as u64 + 1;
        self.entries.push(Entry { at, lpar: lpar.to_owned(), deed });
    }

    /// A partition as large as that of `lpar` is made on its frame.
    fn made(&mut self, lpar: &str) {
        let own = self.world.partition_of(lpar).unwrap().clone();
        let name = self.world.lpar(lpar).unwrap().frame.clone();
        let frame = self.world.frames.get_mut(&name).unwrap();
        let id = frame.free_id().unwrap();
        let (taken_mb, hundredths) = (frame.held_mb(&own), own.hundredths);
        let (partition, pool) = (own.name.clone(), own.pool);
        frame.partitions.push(nim_lab::world::Partition { id, ..own });
        let capacity = Capacity {
            frame: name,
            partition,
            id,
            change: Change::Made,
            taken_mb: taken_mb.cast_signed(),
            taken_hundredths: hundredths.cast_signed(),
            pool,
            left: frame.left(),
        };
        self.note(lpar, Deed::Capacity(capacity));
    }

    fn prove(&self, begun: &[(&str, u64)]) -> Result<BTreeMap<String, BTreeSet<Short>>, String> {
        let begun = begun.iter().copied().collect();
        prove(&self.entries, &world(), &self.world, &begun).map_err(|error| error.to_string())
    }
}

#[test]
fn whoever_comes_when_what_is_short_is_taken_has_to_wait() {
    let there = "does not have what";
    // The fault on frame1 leaves a partition behind: there is room for one more.
    for (frame, short, fitting, why) in [
        (1, Short::Memory, 2, "takes of"),
        (2, Short::Processors, 1, there),
        (3, Short::Memory, 1, there),
    ] {
        let lpar = |place: u32| fleet::name(frame + 4 * place);
        let mut course = Course::new();
        let last = lpar(fitting);
        let later = [(last.as_str(), 9)];
        let on = fleet::frame(frame);
        for place in 0..fitting {
            let found = course.prove(&later).unwrap();
            assert_eq!(found[&on], BTreeSet::new(), "{on} has room for {fitting}");
            course.made(&lpar(place));
        }
        assert_eq!(course.prove(&later).unwrap()[&on], BTreeSet::from([short]), "{on}");
        assert_eq!(course.prove(&[]).unwrap()[&on], BTreeSet::new(), "nobody waits");
        course.made(&last);
        let found = course.prove(&later).unwrap_err();
        assert!(found.contains(why) && found.contains(&last) && found.contains(&on), "{found}");
    }
    // Where nothing is short only the limit keeps the next one.
    let mut course = Course::new();
    (0..3).for_each(|place| course.made(&fleet::name(4 + 4 * place)));
    assert_eq!(course.prove(&[("lpar016", 9)]).unwrap()["frame4"], BTreeSet::new());
}

#[test]
fn what_the_record_does_not_say_is_missed() {
    let mut course = Course::new();
    course.made("lpar001");
    course.entries.clear();
    let found = course.prove(&[]).unwrap_err();
    assert!(found.contains("is left on frame1, there is"), "{found}");
}

#[test]
fn a_refusal_is_excused_where_something_else_took_the_frame() {
    let refused = || Deed::Refused { why: "nothing is left".to_owned() };
    let asked = || Deed::Entered { phase: Phase::Resources };
    let filler = |change| {
        let frame = &world().frames["frame1"];
        Deed::Capacity(Capacity {
            frame: "frame1".to_owned(),
            partition: FILLER.to_owned(),
            id: 3,
            change,
            taken_mb: 0,
            taken_hundredths: 0,
            pool: 0,
            left: frame.left(),
        })
    };
    let proved = |deeds: Vec<Deed>| {
        let mut course = Course::new();
        deeds.into_iter().for_each(|deed| course.note("lpar001", deed));
        course.prove(&[]).map(drop)
    };
    let found = proved(vec![asked(), refused()]).unwrap_err();
    assert!(found.contains("lpar001 was let go on, and refused"), "{found}");
    let (made, removed) = (|| filler(Change::Made), || filler(Change::Removed));
    let meanwhile = vec![made(), asked(), removed(), refused()];
    assert_eq!(proved(meanwhile), Ok(()));
    let before = vec![made(), removed(), asked(), refused()];
    assert!(proved(before).is_err());
}

#[test]
fn what_is_short_has_to_have_kept_somebody_waiting() {
    let found = |frames: &[(&str, Short)]| {
        frames
            .iter()
            .map(|(frame, short)| ((*frame).to_owned(), BTreeSet::from([*short])))
            .collect()
    };
    let (memory, processors) = (("frame3", Short::Memory), ("frame2", Short::Processors));
    let enough = bound(&Size::SHORT, &found(&[memory, processors])).unwrap();
    assert_eq!(enough, BTreeMap::from([(Short::Memory, 1), (Short::Processors, 1)]));
    for (none, why) in
        [(memory, "Processors was short on 0"), (processors, "Memory was short on 0")]
    {
        let missing = bound(&Size::SHORT, &found(&[none])).unwrap_err().to_string();
        assert!(missing.contains(why), "{missing}");
    }
}
