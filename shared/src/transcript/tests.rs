mod damage;

use proptest::prelude::*;

use super::*;
use crate::stage::{Phase, Point};
use crate::unit::Megabytes;

macro_rules! transcripts {
    ($($name:ident = $file:literal,)+) => {
        $(const $name: &str = include_str!(concat!("../../tests/transcripts/", $file));)+
        const ALL: &[(&str, &str)] = &[$(($file, $name)),+];
    };
}

transcripts! {
    PREVIEW_7200_00 = "7200-00-preview.txt",
    UPDATE_7200_00 = "7200-00-update.txt",
    PREVIEW_7200_05 = "7200-05-preview.txt",
    INSTALL_FAILURE = "7200-05-install-failure.txt",
    UPDATE_7200_05 = "7200-05-update.txt",
    UPDATE_7300_03 = "7300-03-update.txt",
    PROCFS = "procfs-open.txt",
    PFCDAEMON = "pfcdaemon-stop.txt",
    AUTOFS = "autofs-script-missing.txt",
    LIBRARIES = "libraries-not-released.txt",
    CONSOLE_LOST = "console-lost.txt",
}

/// From LU §2.7, §3.1: blocks that are published apart from a whole transcript.
const NO_TOKEN: &str = "\
Validating live update input data.
1430-246 FAILED: No valid authentication with an HMC console.
Use the 'hmcauth -l' command to check the HMC authentication.
If needed, run 'hmcauth' command to authenticate with HMC.
Check that the attributes of 'hmc' stanza in the lvupdate.data match the hmcauth values.
";

fn events(text: &[u8]) -> Vec<Event> {
    let mut reader = Reader::new();
    let mut all = reader.push(text);
    all.extend(reader.finish());
    all
}

fn whats(text: &str) -> Vec<What> {
    events(text.as_bytes()).into_iter().map(|event| event.what).collect()
}

fn phases(text: &str) -> Vec<Phase> {
    explain(text.as_bytes()).phases.into_iter().map(|span| span.phase).collect()
}

fn outcome(text: &str) -> Outcome {
    explain(text.as_bytes()).outcome
}

#[test]
fn every_transcript_is_listed_with_its_source() {
    let sources = include_str!("../../tests/transcripts/SOURCES.md");
    for (file, text) in ALL {
        assert!(sources.contains(&format!("| `{file}` |")), "{file} has no source");
        assert!(!events(text.as_bytes()).is_empty(), "{file} says nothing");
    }
}

#[test]
fn a_preview_on_7200_00_is_understood_completely() {
    let understood = explain(PREVIEW_7200_00.as_bytes());
    assert_eq!(understood.outcome, Outcome::Unfinished, "it ends before the summary");
    let estimate = Estimate { blackout_seconds: Some(77), total_seconds: Some(624) };
    assert_eq!(understood.estimate, estimate);
    assert_eq!(understood.phases.iter().map(|p| p.phase).collect::<Vec<_>>(), [Phase::Preview]);
    let count = |verdict| understood.checks.iter().filter(|check| check.verdict == verdict).count();
    assert_eq!(
        (count(Verdict::Passed), count(Verdict::Info), understood.checks.len()),
        (44, 1, 45)
    );
    assert_eq!(
        understood.checks.last().unwrap().text,
        "Any system dumps present in the current dump logical volumes will not be available after live update is complete."
    );
    let sizes: Vec<_> = whats(PREVIEW_7200_00)
        .into_iter()
        .filter_map(|what| match what {
            What::Size { device, kind, size } => Some((device?, kind, size.0)),
            _ => None,
        })
        .collect();
    assert_eq!(
        sizes,
        [
            (Device::Mirror, SizeKind::Required, 7216),
            (Device::Mirror, SizeKind::Given, 51200),
            (Device::NewRootvg, SizeKind::Required, 7216),
            (Device::NewRootvg, SizeKind::Given, 51200),
            (Device::Paging, SizeKind::Required, 512),
            (Device::Dump, SizeKind::Required, 100),
        ]
    );
}

#[test]
fn an_update_on_7200_00_with_dots_broadcasts_and_cut_lines_is_understood_completely() {
    let understood = explain(UPDATE_7200_00.as_bytes());
    assert_eq!(understood.outcome, Outcome::Succeeded);
    let phases: Vec<_> = understood.phases.iter().map(|span| span.phase).collect();
    use Phase as P;
    assert_eq!(
        phases,
        [
            P::Preview,
            P::Countdown,
            P::Init,
            P::Validate,
            P::Begin,
            P::Resources,
            P::Notify,
            P::Clone,
            P::Boot,
            P::Mirror,
            P::Move,
            P::Blackout,
            P::Running,
            P::Shutdown,
            P::Done,
        ]
    );
    assert!(understood.phases.iter().all(|p| p.started_at.is_none() && p.seconds.is_none()));
    assert_eq!(understood.blackout_seconds, None);
    assert_eq!(understood.estimate.total_seconds, Some(670));
    assert_eq!(understood.checks.len(), 45);
    assert!(understood.codes.is_empty());
}

#[test]
fn an_update_on_7300_03_has_times_and_durations() {
    let understood = explain(UPDATE_7300_03.as_bytes());
    let json = serde_json::to_value(&understood).unwrap();
    assert_eq!(json["outcome"], "succeeded");
    assert_eq!(json["blackout_seconds"], 21);
    let table: Vec<_> = understood
        .phases
        .iter()
        .map(|span| {
            let at = span.started_at.map(|at| at.to_string()[11..].to_owned()).unwrap_or_default();
            (span.phase.name(), at, span.seconds)
        })
        .collect();
    let expected = [
        ("countdown", "", None),
        ("init", "09:09:29", Some(0)),
        ("validate", "09:09:29", Some(0)),
        ("begin", "09:09:29", Some(10)),
        ("resources", "09:09:39", Some(80)),
        ("notify", "09:10:59", Some(0)),
        ("clone", "09:10:59", Some(140)),
        ("boot", "09:13:19", Some(150)),
        ("mirror", "09:15:49", Some(50)),
        ("move", "09:16:39", Some(37)),
        ("blackout", "09:17:16", Some(21)),
        ("running", "09:17:37", Some(0)),
        ("transfer", "09:17:37", Some(40)),
        ("cleanup", "09:18:17", Some(40)),
        ("shutdown", "09:18:57", Some(10)),
        ("delete", "09:19:07", Some(70)),
        ("done", "09:20:17", None),
    ]
    .map(|(phase, at, seconds)| (phase, at.to_owned(), seconds));
    assert_eq!(table, expected);
    let all = whats(UPDATE_7300_03);
    assert!(all.contains(&What::Ended { ending: Ending::SucceededStamped, seconds: Some(658) }));
    assert!(all.contains(&What::ConfigurationChanged { file: Some("/etc/inittab".to_owned()) }));
}

#[test]
fn the_json_of_an_understanding_has_exactly_the_promised_keys() {
    let json = serde_json::to_value(explain(UPDATE_7300_03.as_bytes())).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        keys(&json),
        ["blackout_seconds", "checks", "codes", "estimate", "outcome", "phases"]
    );
    assert_eq!(keys(&json["phases"][0]), ["phase", "seconds", "started_at"]);
    assert_eq!(json["phases"][1]["started_at"], "2025-01-29T09:09:29");
    assert_eq!(json["phases"][0]["started_at"], serde_json::Value::Null);
    assert_eq!(keys(&json["estimate"]), ["blackout_seconds", "total_seconds"]);
    let json = serde_json::to_value(explain(NO_TOKEN.as_bytes())).unwrap();
    assert_eq!(keys(&json["checks"][0]), ["code", "text", "verdict"]);
    assert_eq!(json["checks"][0]["code"], "1430-246");
    assert_eq!(json["checks"][0]["verdict"], "failed");
    assert_eq!(json["codes"], serde_json::json!(["1430-246"]));
}

#[test]
fn the_points_come_once_before_what_proves_them() {
    for text in [UPDATE_7200_00, UPDATE_7300_03] {
        let all = whats(text);
        let at = |wanted: &What| all.iter().position(|what| what == wanted).unwrap();
        let count = |point| all.iter().filter(|what| **what == What::Point { point }).count();
        assert_eq!((count(Point::Committed), count(Point::Moved)), (1, 1));
        let committed = at(&What::Point { point: Point::Committed });
        assert!(at(&What::Phase { phase: Phase::Countdown }) < committed);
        assert!(committed < at(&What::Phase { phase: Phase::Init }));
        let moved = at(&What::Point { point: Point::Moved });
        assert_eq!(moved + 1, at(&What::Phase { phase: Phase::Running }));
    }
}

#[test]
fn a_preview_with_its_summary_has_passed() {
    let understood = explain(PREVIEW_7200_05.as_bytes());
    assert_eq!(understood.outcome, Outcome::PreviewPassed);
    assert!(understood.phases.is_empty() && understood.checks.is_empty());
}

#[test]
fn an_update_that_interim_fixes_stop_is_an_install_failure() {
    let understood = explain(INSTALL_FAILURE.as_bytes());
    assert_eq!(understood.outcome, Outcome::InstallFailed);
    assert_eq!(phases(INSTALL_FAILURE), [Phase::Install]);
    let says = |what: &What| matches!(what, What::Install { install: Install::EfixLocks, .. });
    assert!(whats(INSTALL_FAILURE).iter().any(says));
}

#[test]
fn an_update_with_an_install_part_and_glued_dots_has_succeeded() {
    let understood = explain(UPDATE_7200_05.as_bytes());
    assert_eq!(understood.outcome, Outcome::Succeeded);
    use Phase as P;
    assert_eq!(
        phases(UPDATE_7200_05),
        [P::Install, P::Move, P::Blackout, P::Running, P::Shutdown, P::Done]
    );
    let files = whats(UPDATE_7200_05)
        .into_iter()
        .filter(|what| matches!(what, What::ConfigurationChanged { .. }));
    assert_eq!(files.count(), 2);
}

#[test]
fn flattened_failures_give_their_codes_in_order() {
    for (text, wanted, codes) in [
        (PROCFS, Outcome::Unfinished, &["1020-311"][..]),
        (PFCDAEMON, Outcome::Unfinished, &["1430-134"]),
        (AUTOFS, Outcome::Failed, &["1430-134", "1430-025", "1430-045"]),
        (LIBRARIES, Outcome::Failed, &["1020-007", "1430-030", "1430-045"]),
        (CONSOLE_LOST, Outcome::Unfinished, &["1020-154", "1020-089", "HSCL350B"]),
    ] {
        let understood = explain(text.as_bytes());
        assert_eq!(
            (understood.outcome, &understood.codes[..]),
            (wanted, &codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..])
        );
    }
    let texts: Vec<_> = whats(LIBRARIES)
        .into_iter()
        .filter_map(|what| if let What::Code(mention) = what { Some(mention.text) } else { None })
        .collect();
    assert_eq!(
        texts,
        [
            "1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064]",
            "1020-007 System call mcrk_sys_spl_getfd error (50). [03.156.0064]",
            "1020-007 System call MCR_GET_SHLIB_ASYNCINFO error (52). A file, file system or message queue is no longer available. [02.239.0142]",
            "1430-030 An error occurred while moving the workload.",
            "1430-045 The Live Update operation failed.",
        ]
    );
    assert_eq!(phases(LIBRARIES), [Phase::Blackout]);
    assert!(whats(AUTOFS).contains(&What::LogCapture));
}

#[test]
fn all_endings_are_told_apart() {
    const PARTIAL: &str = "1430-249 An error occurred during post-processing.\n\
        1430-094 The live update operation completed, but one or more errors occurred during post-processing after the update was applied.\n";
    let run = |end: &str| {
        format!("{}{end}", UPDATE_7300_03.split_inclusive('\n').take(23).collect::<String>())
    };
    for (text, ending) in [
        (UPDATE_7200_00.to_owned(), Ending::SucceededDotted),
        (UPDATE_7300_03.to_owned(), Ending::SucceededStamped),
        (run(PARTIAL), Ending::PartialSuccess),
        (
            run(&format!(
                "{PARTIAL}01/29/2025-09:20:17 Live AIX update completed in 0h 10m 58s.\n"
            )),
            Ending::PartialSuccess,
        ),
        (
            run(
                "430-249 An error occurred during post-processing.\nThe live update operation succeeded.\n",
            ),
            Ending::PartialSuccess,
        ),
        (
            run(
                "09/15/2025-08:32:37 1430-030 An error occurred while moving the workload.\n1430-045 The live update operation failed.\nInitiating log capture.\n",
            ),
            Ending::Failed,
        ),
        (INSTALL_FAILURE.to_owned(), Ending::InstallFailed),
        ("install_all_updates: Result = FAILURE\n".to_owned(), Ending::InstallFailed),
        (PREVIEW_7200_05.to_owned(), Ending::PreviewPassed),
        (NO_TOKEN.to_owned(), Ending::PreviewFailed),
        (format!("{NO_TOKEN}1430-045 The live update operation failed.\n"), Ending::PreviewFailed),
        (run(""), Ending::Lost),
        (String::new(), Ending::Lost),
    ] {
        let mut reader = Reader::new();
        reader.push(text.as_bytes());
        reader.finish();
        assert_eq!(reader.ending(), ending, "{text}");
    }
}

#[test]
fn the_checks_of_a_run_that_went_on_do_not_fail_it() {
    let text = format!("WARNING: odd.\nFAILED: not that bad.\n{UPDATE_7300_03}");
    assert_eq!(outcome(&text), Outcome::Succeeded);
    let lost =
        "FAILED: not that bad.\nNon-interruptable live update operation begins in 10 seconds.\n";
    assert_eq!(outcome(lost), Outcome::Unfinished);
}

#[test]
fn an_install_preview_that_fails_does_not_end_a_run_that_goes_on() {
    let text = format!(
        "install_all_updates: Result = FAILURE\n{PREVIEW_7200_00}The live update preview succeeded.\n"
    );
    assert_eq!(outcome(&text), Outcome::PreviewPassed);
}

#[test]
fn of_several_runs_in_one_text_the_last_counts() {
    let text = format!(
        "{PREVIEW_7200_00}{PREVIEW_7200_05}{UPDATE_7200_00}{INSTALL_FAILURE}{UPDATE_7200_05}"
    );
    let understood = explain(text.as_bytes());
    assert_eq!(understood, explain(UPDATE_7200_05.as_bytes()));
    let runs = whats(&text).into_iter().filter(|what| *what == What::NewRun).count();
    assert_eq!(runs, 3);
}

#[test]
fn emgr_on_the_copy_of_rootvg_is_no_install_phase() {
    let text = UPDATE_7300_03.replace(
        "Starting alt_disk_copy.",
        "Starting alt_disk_copy.\nEfix Manager Initialization\n",
    );
    assert_eq!(phases(&text), phases(UPDATE_7300_03));
}

#[test]
fn a_number_in_the_middle_of_a_line_does_not_end_a_run() {
    let text = format!("{UPDATE_7300_03}note: see 1430-045 in the documentation\n");
    assert_eq!(outcome(&text), Outcome::Succeeded);
    assert_eq!(explain(text.as_bytes()).codes, ["1430-045"]);
}

#[test]
fn what_others_broadcast_proves_nothing() {
    let text = "Broadcast message from bob@aix (pts/1) at 10:00:00 ...\n\n1430-045 The live update operation failed.\n\n\n";
    assert_eq!(whats(&format!("{text}{UPDATE_7300_03}")), whats(UPDATE_7300_03));
}

#[test]
fn a_failed_check_without_a_full_stop_ends_where_the_next_line_begins() {
    let text = "1430-244 FAILED: file system(s) of unsupported type are mounted\nPASSED: this AIX instance is not diskless.\n";
    let checks = explain(text.as_bytes()).checks;
    assert_eq!(checks[0].text, "file system(s) of unsupported type are mounted");
    assert_eq!(checks.len(), 2);
}

#[test]
fn sizes_without_a_heading_are_of_no_known_device() {
    let size = What::Size { device: None, kind: SizeKind::Given, size: Megabytes(51200) };
    assert_eq!(whats("Given device size: 51200 MB\n"), [size]);
}

#[test]
fn a_flood_is_capped_and_says_so() {
    let flood = "1020-311 x\nBlackout Time started.\n".repeat(30_000);
    let all = whats(&flood);
    for kind in [CappedKind::Detail, CappedKind::Progress] {
        assert_eq!(all.iter().filter(|what| **what == What::Capped { kind }).count(), 1);
    }
    assert_eq!(all.len(), 2 * usize::try_from(MAX_EVENTS).unwrap());
    let flood: String = (0..30_000)
        .map(|n| format!("FAILED: number {n}.\n1{:03}-{:03} x\n", n % 900, n % 999))
        .collect();
    let understood = explain(flood.as_bytes());
    assert!(
        understood.omitted.uncounted
            && understood.omitted.checks > 0
            && understood.omitted.codes > 0
    );
    assert!(understood.checks.len() <= 1024 && understood.codes.len() <= 256);
}

#[test]
fn a_line_without_end_is_shortened_and_says_so() {
    let mut text = vec![b'x'; 1_000_000];
    text.extend_from_slice(b"\nThe live update operation succeeded.\n");
    let understood = explain(&text);
    assert_eq!((understood.outcome, understood.omitted.shortened_lines), (Outcome::Succeeded, 1));
}

proptest! {
    #[test]
    fn any_portions_give_the_same_events(
        which in 0..ALL.len(),
        sizes in prop::collection::vec(1_usize..300, 1..50),
        stop in 0_usize..20_000,
    ) {
        let text = ALL[which].1.as_bytes();
        let text = &text[..stop.min(text.len())];
        let mut reader = Reader::new();
        let mut portioned = Vec::new();
        let mut rest = text;
        for size in sizes.iter().cycle() {
            let (portion, next) = rest.split_at((*size).min(rest.len()));
            portioned.extend(reader.push(portion));
            rest = next;
            if rest.is_empty() {
                break;
            }
        }
        portioned.extend(reader.finish());
        prop_assert_eq!(portioned, events(text));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(explain(&bytes).codes.len() <= 1000);
    }

    #[test]
    fn no_text_made_of_pieces_of_transcripts_panics(
        pieces in prop::collection::vec((0..ALL.len(), any::<prop::sample::Index>(), 0_usize..120), 0..40),
    ) {
        let mut text = Vec::new();
        for (which, at, length) in pieces {
            let source = ALL[which].1.as_bytes();
            let at = at.index(source.len());
            text.extend_from_slice(&source[at..(at + length).min(source.len())]);
        }
        let understood = explain(&text);
        let json = serde_json::to_string(&understood).unwrap();
        prop_assert_eq!(serde_json::from_str::<Understanding>(&json).unwrap(), understood);
    }
}
