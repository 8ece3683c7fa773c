use proptest::prelude::*;

use super::*;

const OPERATION: &str = "0190b2c0-0000-7000-8000-000000000001";

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap() };
        Journal::create(&fixture.path()).unwrap();
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn open(&self) -> Result<(Journal, Vec<Entry>), Error> {
        Journal::open(&self.path(), OPERATION.parse().unwrap(), Some(vec!["00f9".to_owned()]))
    }

    fn with_notes(count: usize) -> Self {
        let fixture = Self::new();
        let (mut journal, _) = fixture.open().unwrap();
        for number in 0..count {
            note(&mut journal, &format!("note {number} {}", "x".repeat(number * 37))).unwrap();
        }
        fixture
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }
}

fn note(journal: &mut Journal, text: &str) -> Result<Option<Event>, Error> {
    let at = Timestamp::from_unix_micros(0);
    journal.append(Known::Note { text: text.to_owned() }, Weight::Needed, at)
}

fn texts(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| serde_json::to_string(&entry.event.body).unwrap()).collect()
}

#[test]
fn what_was_appended_is_read_back_and_chained() {
    let fixture = Fixture::with_notes(3);
    let (journal, entries) = fixture.open().unwrap();
    assert_eq!(entries.iter().map(|e| e.event.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(entries[0].rootvg, ["00f9"]);
    assert_eq!(journal.position().hash, entries[2].event.hash);
    let bytes = fixture.bytes();
    assert_eq!(bytes.len() as u64, SIZE, "the journal grew");
}

#[test]
fn each_torn_prefix_of_the_last_record_is_dropped_and_written_over() {
    let before = Fixture::with_notes(3).bytes();
    let after = Fixture::with_notes(4).bytes();
    let end = |bytes: &[u8]| bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    let from = end(&before).next_multiple_of(record::STEP);
    let whole = texts(&Fixture::with_notes(4).open().unwrap().1);
    let fixture = Fixture::new();
    for cut in from..end(&after) {
        let torn: Vec<u8> = after[..cut].iter().chain(&before[cut..]).copied().collect();
        std::fs::write(fixture.path(), torn).unwrap();
        let (mut journal, entries) = fixture.open().unwrap();
        assert_eq!(entries.len(), 3, "cut at {cut}");
        note(&mut journal, &format!("note 3 {}", "x".repeat(3 * 37))).unwrap();
        assert_eq!(texts(&fixture.open().unwrap().1), whole, "cut at {cut}");
    }
}

#[test]
fn a_last_record_whose_beginning_never_arrived_is_dropped_too() {
    let fixture = Fixture::with_notes(2);
    let mut bytes = fixture.bytes();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap().next_multiple_of(record::STEP);
    bytes[end + 100..end + 200].fill(7);
    std::fs::write(fixture.path(), bytes).unwrap();
    assert_eq!(fixture.open().unwrap().1.len(), 2);
    assert!(!fixture.bytes().contains(&7), "the remains are still there");
}

#[test]
fn a_bad_record_before_the_last_is_damage_and_what_is_good_can_be_kept() {
    let fixture = Fixture::with_notes(4);
    let mut bytes = fixture.bytes();
    let second = bytes.windows(6).position(|w| w == b"note 1").unwrap();
    bytes[second] = b'N';
    std::fs::write(fixture.path(), bytes).unwrap();
    let error = fixture.open().unwrap_err();
    assert!(matches!(error, Error::Damaged { last: Seq(1), .. }), "{error}");
    let operation = OPERATION.parse().unwrap();
    let (mut journal, entries) = Journal::salvage(&fixture.path(), operation, None).unwrap();
    assert_eq!((entries.len(), entries[0].rootvg.len()), (1, 1));
    note(&mut journal, "after").unwrap();
    assert_eq!(fixture.open().unwrap().1.len(), 2);
    assert!(fixture.path().with_extension("damaged").exists());
}

#[test]
fn a_reader_sees_a_record_when_it_is_whole() {
    let fixture = Fixture::new();
    let mut reader = Reader::open(&fixture.path(), OPERATION.parse().unwrap()).unwrap();
    assert_eq!(reader.next().unwrap(), None);
    let (mut journal, _) = fixture.open().unwrap();
    note(&mut journal, "one").unwrap();
    assert_eq!(reader.next().unwrap().unwrap().event.seq, Seq(1));
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(reader.position(), journal.position());
}

#[test]
fn details_leave_room_for_what_must_be_written() {
    let fixture = Fixture::new();
    let (mut journal, _) = fixture.open().unwrap();
    let at = Timestamp::from_unix_micros(0);
    let detail = || Known::Note { text: "x".repeat(100_000) };
    let mut kept = 0;
    while journal
        .append(detail(), Weight::Detail, at)
        .unwrap()
        .is_some_and(|event| serde_json::to_string(&event.body).unwrap().len() > 100_000)
    {
        kept += 1;
    }
    assert!(kept > 5, "only {kept} details fit");
    assert_eq!(journal.append(detail(), Weight::Detail, at).unwrap(), None);
    note(&mut journal, &"x".repeat(200_000)).unwrap();
    note(&mut journal, &"x".repeat(200_000)).unwrap();
    let last = texts(&fixture.open().unwrap().1).into_iter().filter(|t| t.contains("no more room"));
    assert_eq!(last.count(), 1);
}

#[test]
fn another_line_of_history_counts_from_one_and_stays_chained() {
    let fixture = Fixture::with_notes(2);
    let (mut journal, _) = fixture.open().unwrap();
    let found = journal.position();
    let body = Known::EpochOpened { claimed: found, found };
    journal.open_epoch(Epoch(2), body, Timestamp::from_unix_micros(0)).unwrap();
    note(&mut journal, "next").unwrap();
    let (_, entries) = fixture.open().unwrap();
    let places: Vec<_> = entries.iter().map(|e| (e.event.epoch.0, e.event.seq.0)).collect();
    assert_eq!(places, [(1, 1), (1, 2), (2, 1), (2, 2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_journal_panic(at in 0_usize..2000, garbage in proptest::collection::vec(any::<u8>(), 1..200)) {
        let fixture = Fixture::with_notes(4);
        let mut bytes = fixture.bytes();
        bytes[at..at + garbage.len()].copy_from_slice(&garbage);
        std::fs::write(fixture.path(), bytes).unwrap();
        match fixture.open() {
            Ok((_, entries)) => prop_assert!(entries.len() <= 4),
            Err(error) => { let is_damage = matches!(error, Error::Damaged { .. }); prop_assert!(is_damage) }
        }
    }
}
