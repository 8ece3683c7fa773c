use super::*;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("var/adm")).unwrap();
        Self { folder }
    }

    fn store(&self) -> Store {
        open(&Root::below(self.folder.path())).unwrap()
    }

    /// What a session answers to `input`.
    fn session(&self, input: &[u8]) -> Vec<FileFrame> {
        let mut out = Vec::new();
        let mut session = Session {
            store: self.store(),
            offered: BTreeMap::new(),
            keep_free: Megabytes(0),
            out: &mut out,
        };
        session.run(Lines::new(input)).unwrap();
        let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| frame::read(line).unwrap()).collect()
    }
}

fn offer(contents: &[&[u8]]) -> Vec<u8> {
    offer_keeping(contents, 0)
}

fn offer_keeping(contents: &[&[u8]], keep_free: u64) -> Vec<u8> {
    let file =
        |content: &&[u8]| FileOffer { digest: Digest::of(content), bytes: content.len() as u64 };
    let files = contents.iter().map(file).collect();
    frame::write(&FileFrame::Offer { files, keep_free: Megabytes(keep_free) }).unwrap()
}

fn chunk(digest: Digest, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let announced = FileChunk { digest, offset, bytes: u32::try_from(bytes.len()).unwrap() };
    [frame::write(&FileFrame::Chunk(announced)).unwrap(), bytes.to_vec()].concat()
}

fn state(content: &[u8], have: u64, kept: bool) -> FileState {
    FileState { digest: Digest::of(content), have, kept }
}

fn why(frame: &FileFrame) -> Option<Refusal> {
    match frame {
        FileFrame::Refused { why, .. } => why.known(),
        _ => None,
    }
}

const A: &[u8] = b"content of a";
const B: &[u8] = b"\0\n{}\xff content of b";

#[test]
fn what_is_sent_whole_is_kept_and_not_wanted_again() {
    let fixture = Fixture::new();
    let (a, b) = (Digest::of(A), Digest::of(B));
    let input = [
        offer(&[A, B]),
        chunk(b, 0, &B[..5]),
        chunk(a, 0, A),
        chunk(b, 5, &B[5..]),
        offer(&[A, B]),
    ]
    .concat();
    let answers = fixture.session(&input);
    assert_eq!(
        answers,
        [
            FileFrame::State { files: vec![state(A, 0, false), state(B, 0, false)] },
            FileFrame::Kept { digest: a },
            FileFrame::Kept { digest: b },
            FileFrame::State {
                files: vec![state(A, A.len() as u64, true), state(B, B.len() as u64, true)]
            },
        ]
    );
    assert_eq!(std::fs::read(fixture.store().whole(b)).unwrap(), B);
}

#[test]
fn a_dropped_connection_goes_on_where_it_was_cut() {
    for cut in 1..B.len() {
        let fixture = Fixture::new();
        let whole = [offer(&[B]), chunk(Digest::of(B), 0, B)].concat();
        fixture.session(&whole[..whole.len() - cut]);
        let have = B.len() - cut;
        let input = [offer(&[B]), chunk(Digest::of(B), have as u64, &B[have..])].concat();
        let answers = fixture.session(&input);
        let expected = FileFrame::State { files: vec![state(B, have as u64, false)] };
        assert_eq!(answers, [expected, FileFrame::Kept { digest: Digest::of(B) }], "cut {cut}");
    }
}

#[test]
fn all_that_arrived_but_was_not_verified_is_verified_by_the_next_offer() {
    let fixture = Fixture::new();
    std::fs::write(fixture.store().partial(Digest::of(A)), A).unwrap();
    let answers = fixture.session(&offer(&[A]));
    assert_eq!(answers, [FileFrame::State { files: vec![state(A, A.len() as u64, true)] }]);
    std::fs::write(fixture.store().partial(Digest::of(B)), vec![0; B.len()]).unwrap();
    assert_eq!(
        fixture.session(&offer(&[B])),
        [FileFrame::State { files: vec![state(B, 0, false)] }]
    );
}

#[test]
fn another_content_than_announced_is_not_kept() {
    let fixture = Fixture::new();
    let wrong = vec![b'x'; A.len()];
    let answers = fixture.session(&[offer(&[A]), chunk(Digest::of(A), 0, &wrong)].concat());
    assert_eq!(why(&answers[1]), Some(Refusal::DigestMismatch));
    assert!(!fixture.store().whole(Digest::of(A)).exists());
    assert!(!fixture.store().partial(Digest::of(A)).exists());
}

#[test]
fn a_chunk_out_of_place_is_refused_and_the_session_goes_on_behind_it() {
    let fixture = Fixture::new();
    let a = Digest::of(A);
    let input = [
        chunk(a, 0, A),
        offer(&[A]),
        chunk(a, 3, &A[3..]),
        chunk(a, 0, &[A, b"more"].concat()),
        chunk(a, 0, A),
        chunk(a, 0, A),
    ]
    .concat();
    let answers = fixture.session(&input);
    let whys: Vec<_> = answers.iter().map(why).collect();
    let moment = Some(Refusal::WrongMoment);
    assert_eq!(whys, [Some(Refusal::BadRequest), None, moment, moment, None, moment]);
    assert_eq!(answers[4], FileFrame::Kept { digest: a });
}

#[test]
fn what_must_stay_free_is_left_free_and_the_figures_are_told() {
    let fixture = Fixture::new();
    let answers = fixture.session(&offer_keeping(&[A], u64::MAX >> 21));
    assert_eq!(why(&answers[0]), Some(Refusal::NoSpace));
    let FileFrame::Refused { text, .. } = &answers[0] else { panic!("{answers:?}") };
    assert!(text.contains("1 MB are to be written"), "{text}");
    assert!(!fixture.store().partial(Digest::of(A)).exists());
}

#[test]
fn links_and_devices_in_the_store_are_not_used() {
    let fixture = Fixture::new();
    let victim = fixture.folder.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, fixture.store().partial(Digest::of(A))).unwrap();
    std::os::unix::fs::symlink("/dev/null", fixture.store().whole(Digest::of(B))).unwrap();
    let answers = fixture.session(&[offer(&[A]), chunk(Digest::of(A), 0, A)].concat());
    assert_eq!(why(&answers[0]), Some(Refusal::System), "{answers:?}");
    assert_eq!(why(&fixture.session(&offer(&[B]))[0]), Some(Refusal::System));
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn names_that_are_no_digests_and_lines_that_are_no_frames_end_the_session() {
    let fixture = Fixture::new();
    for line in [
        &br#"{"frame":"offer","files":[{"digest":"../../etc/passwd","bytes":1}],"keep_free":0}"#[..],
        b"\0\0\0",
        b"[",
        br#"{"frame":"kept","digest":"00"}"#,
        br#"{"frame":"levitate"}"#,
    ] {
        let input = [line, b"\n", &offer(&[A])].concat();
        let answers = fixture.session(&input);
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(why(&answers[0]).is_some(), "{answers:?}");
    }
}
