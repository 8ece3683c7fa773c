//! A hostile master at `receive`: whatever it sends, and whatever is swapped under it, nothing leaves the agent's folder.

use std::os::unix::fs::symlink;
use std::path::Path;

use nim_shared::frame::{self, FileChunk, FileFrame, FileOffer, Refusal};
use nim_shared::id::{Digest, Fence};
use nim_shared::request::{Images, Kind};
use nim_shared::unit::Megabytes;

use crate::lpar::{FIX, Lpar, order};
use crate::master::{Master, Session};
use crate::session::why;

const OTHER: &[u8] = b"another file";

fn offer(session: &mut Session, contents: &[&[u8]]) -> Option<FileFrame> {
    let file =
        |content: &&[u8]| FileOffer { digest: Digest::of(content), bytes: content.len() as u64 };
    let files = contents.iter().map(file).collect();
    let keep_free = Megabytes(0);
    session.send_bytes(&frame::write(&FileFrame::Offer { files, keep_free }).unwrap());
    session.next_file_frame()
}

fn chunk(session: &mut Session, content: &[u8], from: usize, to: usize) {
    let bytes = u32::try_from(to - from).unwrap();
    let chunk = FileChunk { digest: Digest::of(content), offset: from as u64, bytes };
    session.send_bytes(&frame::write(&FileFrame::Chunk(chunk)).unwrap());
    session.send_bytes(&content[from..to]);
}

fn refusal(frame: Option<FileFrame>) -> Option<Refusal> {
    match frame? {
        FileFrame::Refused { why, .. } => why.known(),
        _ => None,
    }
}

/// What a hostile master would like to reach.
struct Victim<'a>(&'a Lpar);

impl Victim<'_> {
    fn new(lpar: &Lpar) -> Victim<'_> {
        std::fs::create_dir(lpar.path("victim")).unwrap();
        std::fs::write(lpar.path("victim/precious"), "precious").unwrap();
        Victim(lpar)
    }

    fn is_untouched(&self) {
        let found: Vec<_> = std::fs::read_dir(self.0.path("victim"))
            .unwrap()
            .map(|item| item.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, ["precious"]);
        let content = std::fs::read_to_string(self.0.path("victim/precious")).unwrap();
        assert_eq!(content, "precious");
    }
}

#[test]
fn names_that_lead_elsewhere_are_no_names() {
    let lpar = Lpar::new();
    let victim = Victim::new(&lpar);
    for name in ["../../../victim/new", "/etc/nim-agent.policy", "..", "", "victim\0"] {
        let name = serde_json::to_string(name).unwrap();
        let offer = format!(
            "{{\"frame\":\"offer\",\"files\":[{{\"digest\":{name},\"bytes\":1}}],\"keep_free\":0}}\n"
        );
        let chunk =
            format!("{{\"frame\":\"chunk\",\"digest\":{name},\"offset\":0,\"bytes\":1}}\nx");
        for line in [offer, chunk] {
            let mut session = Session::start(&lpar, "receive", &[]);
            session.send_bytes(line.as_bytes());
            assert_eq!(refusal(session.next_file_frame()), Some(Refusal::BadFrame), "{line}");
            assert_eq!(session.next_file_frame(), None);
            session.close();
        }
    }
    victim.is_untouched();
}

#[test]
fn an_order_whose_files_lead_elsewhere_is_not_taken() {
    let lpar = Lpar::new();
    let victim = Victim::new(&lpar);
    crate::master::push(&lpar);
    let paths = ["../victim/precious", "/etc/nim-agent.policy", "a/../../b", "a//b", ".", "a\nb"];
    // Each try is that of a later claim: a refused start leaves a tombstone.
    for (fence, path) in (1..).zip(paths) {
        let mut request = order(Kind::Preview);
        let Some(Images::Pushed { files }) = &mut request.images else { panic!("nothing pushed") };
        files[0].path = path.to_owned();
        let mut master = Master::new(&request);
        master.fence = Fence(fence);
        let mut session = Session::open(&lpar, &[]);
        session.hello().unwrap();
        master.start(&mut session);
        let answer = session.next().unwrap();
        assert_eq!(why(&answer), Some(Refusal::BadRequest), "{path:?}: {answer:?}");
        session.close();
    }
    victim.is_untouched();
}

#[test]
fn links_devices_and_pipes_in_the_place_of_a_file_are_not_used() {
    let lpar = Lpar::new();
    let victim = Victim::new(&lpar);
    let mut first = Session::start(&lpar, "receive", &[]);
    offer(&mut first, &[]).unwrap();
    first.close();
    let place = |folder: &str| lpar.agent_file("images").join(folder).join(digest_of(FIX));
    let plants: [(&str, Plant); 4] = [
        ("a link to a file", |lpar, at| symlink(lpar.path("victim/precious"), at).unwrap()),
        ("a link to a device", |_, at| symlink("/dev/null", at).unwrap()),
        ("a link to nothing", |lpar, at| symlink(lpar.path("victim/new"), at).unwrap()),
        ("a pipe", |_, at| {
            assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success());
        }),
    ];
    for (what, plant) in plants {
        for folder in ["partial", "sha256"] {
            plant(&lpar, &place(folder));
            let mut session = Session::start(&lpar, "receive", &[]);
            let answer = offer(&mut session, &[FIX]);
            assert_eq!(refusal(answer), Some(Refusal::System), "{what} in {folder}");
            session.close();
            std::fs::remove_file(place(folder)).unwrap();
        }
    }
    victim.is_untouched();
}

#[test]
fn a_folder_that_is_swapped_for_a_link_between_chunks_leads_nowhere() {
    for swapped in ["images/partial", "images/sha256", "images"] {
        let lpar = Lpar::new();
        let victim = Victim::new(&lpar);
        let mut session = Session::start(&lpar, "receive", &[]);
        assert!(matches!(offer(&mut session, &[FIX, OTHER]), Some(FileFrame::State { .. })));
        chunk(&mut session, FIX, 0, 3);
        // An answer to a chunk out of place says that the one before was taken.
        chunk(&mut session, FIX, 0, 1);
        assert_eq!(refusal(session.next_file_frame()), Some(Refusal::WrongMoment));
        let folder = lpar.agent_file(swapped);
        std::fs::rename(&folder, lpar.path("aside")).unwrap();
        symlink(lpar.path("victim"), &folder).unwrap();
        chunk(&mut session, FIX, 3, FIX.len());
        assert_eq!(refusal(session.next_file_frame()), Some(Refusal::System), "{swapped}");
        chunk(&mut session, OTHER, 0, OTHER.len());
        assert_eq!(refusal(session.next_file_frame()), Some(Refusal::System), "{swapped}");
        session.close();
        victim.is_untouched();
    }
}

/// Puts something that is no file at a path.
type Plant = fn(&Lpar, &Path);

fn digest_of(content: &[u8]) -> String {
    Digest::of(content).to_string()
}
