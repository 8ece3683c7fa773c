//! The sentences that geninstall is known to print, and how a text is compared with them.
//!
//! Compared without white space and without case: terminals and documents wrap lines wherever they like, also in the
//! middle of a word, and one published transcript writes "The Live Update operation failed.". A `#` in a
//! sentence stands for a number.

use super::event::{Check, Device, Install, Step};
use crate::frame::Verdict;
use crate::stage::Phase;

/// What a known sentence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A phase begins.
    Phase(Phase),
    /// Something inside a phase is done.
    Step(Step),
    /// `Live AIX update is starting.`: the countdown is over.
    Starting,
    BlackoutEnded,
    EstimatedBlackout,
    EstimatedTotal,
    /// The sizes that follow are of this device.
    Sizes(Device),
    RequiredSize,
    GivenSize,
    Passed,
    Info,
    PreviewSucceeded,
    PreviewEnd,
    SucceededDotted,
    SucceededStamped,
    InstallPart,
    Install(Install),
    InstallFailed,
    LogCapture,
    ConfigurationChanged,
    /// Known to say nothing that is not said elsewhere.
    Nothing,
}

/// A known sentence at the beginning of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recognised {
    pub(super) meaning: Meaning,
    /// The sentence as it is known, for texts that come in pieces.
    pub(super) says: &'static str,
    /// The numbers in it, in order.
    pub(super) numbers: [u64; MAX_NUMBERS],
    /// How many bytes of the text it takes.
    pub(super) length: usize,
}

impl Recognised {
    /// The check that a `PASSED:` or `INFO:` sentence is.
    pub(super) fn check(&self) -> Option<Check> {
        let verdict = match self.meaning {
            Meaning::Passed => Verdict::Passed,
            Meaning::Info => Verdict::Info,
            _ => return None,
        };
        let (_, text) = self.says.split_once(": ")?;
        Some(Check { verdict, code: None, text: text.to_owned() })
    }
}

/// How a text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With this sentence.
    Sentence(Recognised),
    /// The whole text may be the beginning of a known sentence.
    Part,
    /// With nothing known.
    Other,
}

/// Compares the beginning of `text` with all known sentences. Of several the longest counts; a text that may yet become
/// a longer one is a part.
pub(super) fn beginning(text: &str) -> Beginning {
    let mut best: Option<Recognised> = None;
    let mut part = false;
    for (says, meaning) in SENTENCES {
        match compare(text, says) {
            Comparison::Equal { length, numbers } => {
                if best.is_none_or(|best| best.length < length) {
                    best = Some(Recognised { meaning: *meaning, says, numbers, length });
                }
            }
            Comparison::Part => part = true,
            Comparison::Different => {}
        }
    }
    match best {
        _ if part => Beginning::Part,
        Some(best) => Beginning::Sentence(best),
        None => Beginning::Other,
    }
}

/// The sentence that `text` is although its end is missing: the one that equals it if a full stop may be missing, or the only
/// one that begins with it, for texts that were cut off at the edge of a terminal.
pub(super) fn cut_off(text: &str, at_the_edge: bool) -> Option<Recognised> {
    let mut found: Option<Recognised> = None;
    for (says, meaning) in SENTENCES {
        let recognised = match compare(text, says) {
            Comparison::Equal { length, numbers } => {
                return Some(Recognised { meaning: *meaning, says, numbers, length });
            }
            Comparison::Part if at_the_edge && !says.contains('#') => Recognised {
                meaning: *meaning,
                says,
                numbers: [0; MAX_NUMBERS],
                length: text.len(),
            },
            Comparison::Part | Comparison::Different => continue,
        };
        if found.is_some() {
            return None;
        }
        found = Some(recognised);
    }
    found
}

/// Numbers in one sentence: `completed in 0h 10m 58s` has three.
const MAX_NUMBERS: usize = 3;

enum Comparison {
    Equal { length: usize, numbers: [u64; MAX_NUMBERS] },
    Part,
    Different,
}

fn compare(text: &str, says: &str) -> Comparison {
    let mut numbers = [0; MAX_NUMBERS];
    let mut next_number = 0;
    let mut found = text.char_indices().filter(|(_, c)| !c.is_whitespace()).peekable();
    let mut length = 0;
    // The full stop is no part of the comparison: a wrap may leave it alone on the next line, where it looks like a dot.
    let says = says.strip_suffix('.').unwrap_or(says);
    for wanted in says.chars().filter(|c| !c.is_whitespace()) {
        if wanted == '#' {
            let mut number: Option<u64> = None;
            while let Some((at, digit)) =
                found.peek().and_then(|(at, c)| Some((*at, c.to_digit(10)?)))
            {
                number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()));
                length = at + 1;
                found.next();
            }
            match number {
                Some(number) => numbers[next_number] = number,
                None if found.peek().is_none() => return Comparison::Part,
                None => return Comparison::Different,
            }
            next_number += 1;
            continue;
        }
        let Some((at, c)) = found.next() else { return Comparison::Part };
        if !plain(c).eq_ignore_ascii_case(&wanted) {
            return Comparison::Different;
        }
        length = at + c.len_utf8();
    }
    let rest = &text[length..];
    let rest = match rest.strip_prefix('.') {
        Some(rest) => rest,
        // "in /" is not the sentence when "var." follows.
        None if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
            return Comparison::Different;
        }
        None => rest,
    };
    Comparison::Equal { length: text.len() - rest.len(), numbers }
}

/// Quotes as a keyboard has them: documents set them in type.
const fn plain(c: char) -> char {
    match c {
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        c => c,
    }
}

use Meaning as M;

/// Source: LU §2.2 to §2.8; the checks in the order of a preview on 7.2.0.
const SENTENCES: &[(&str, Meaning)] = &[
    ("Validating live update input data.", M::Phase(Phase::Preview)),
    ("Non-interruptable live update operation begins in # seconds.", M::Phase(Phase::Countdown)),
    ("Live AIX update is starting.", M::Starting),
    ("Initializing live update on original LPAR.", M::Phase(Phase::Init)),
    ("Validating original LPAR environment.", M::Phase(Phase::Validate)),
    ("Beginning live update operation on original LPAR.", M::Phase(Phase::Begin)),
    ("Requesting resources required for live update.", M::Phase(Phase::Resources)),
    ("Notifying applications of impending live update.", M::Phase(Phase::Notify)),
    ("Creating rootvg for boot of surrogate.", M::Phase(Phase::Clone)),
    ("Starting alt_disk_copy.", M::Step(Step::CopyStarted)),
    ("Completed alt_disk_copy.", M::Step(Step::CopyCompleted)),
    ("Rootvg for the surrogate is ready.", M::Step(Step::RootvgReady)),
    ("Starting the surrogate LPAR.", M::Phase(Phase::Boot)),
    ("Surrogate AIX boot started.", M::Step(Step::BootStarted)),
    ("Surrogate AIX reboot started.", M::Step(Step::RebootStarted)),
    ("Surrogate LPAR AIX is running.", M::Step(Step::SurrogateRunning)),
    ("Creating mirror of original LPAR's rootvg.", M::Phase(Phase::Mirror)),
    ("Original rootvg mirror is active.", M::Step(Step::MirrorActive)),
    ("Moving workload to surrogate LPAR.", M::Phase(Phase::Move)),
    ("Blackout Time started.", M::Phase(Phase::Blackout)),
    ("Blackout Time end.", M::BlackoutEnded),
    ("Workload is running on surrogate LPAR.", M::Phase(Phase::Running)),
    (
        "Completing transfer of system resources from the original to the surrogate LPAR.",
        M::Phase(Phase::Transfer),
    ),
    ("Starting cleanup of the original LPAR.", M::Phase(Phase::Cleanup)),
    ("Shutting down the Original LPAR.", M::Phase(Phase::Shutdown)),
    ("Deleting the original LPAR.", M::Phase(Phase::Delete)),
    ("The live update operation succeeded.", M::SucceededDotted),
    ("Live AIX update completed in #h #m #s.", M::SucceededStamped),
    // Bodies of broadcasts whose header did not get into the capture.
    ("Live AIX update in progress.", M::Nothing),
    ("Live AIX update completed.", M::Nothing),
    ("The live update preview succeeded.", M::PreviewSucceeded),
    ("Live Update Preview Summary...", M::Nothing),
    ("End of Live Update PREVIEW: No Live Update operation has actually occurred.", M::PreviewEnd),
    ("Computing the estimated time for the live update operation:", M::Nothing),
    ("Blackout_time(s): #", M::EstimatedBlackout),
    ("Global_time(s): #", M::EstimatedTotal),
    ("Checking mirror vg device size:", M::Sizes(Device::Mirror)),
    ("Checking new root vg device size:", M::Sizes(Device::NewRootvg)),
    ("Checking temporary paging space device size:", M::Sizes(Device::Paging)),
    ("Checking temporary dump device size:", M::Sizes(Device::Dump)),
    ("Required device size: # MB", M::RequiredSize),
    ("Given device size: # MB", M::GivenSize),
    ("Validating the adapters and their paths:", M::Nothing),
    ("Checking other requirements:", M::Nothing),
    ("PASSED: device size is sufficient.", M::Passed),
    (
        "PASSED: adapters can be divided into two sets so that each has paths to all disks.",
        M::Passed,
    ),
    ("PASSED: sufficient space available in /var.", M::Passed),
    ("PASSED: sufficient space available in /.", M::Passed),
    ("PASSED: no existing altinst_rootvg.", M::Passed),
    ("PASSED: rootvg is not part of a snapshot.", M::Passed),
    ("PASSED: pkcs11 is not installed.", M::Passed),
    ("PASSED: The trustchk Trusted Execution Policy is not on.", M::Passed),
    ("PASSED: The trustchk Trusted Library Policy is not on.", M::Passed),
    ("PASSED: The trustchk TSD_FILES_LOCK policy is not on.", M::Passed),
    ("PASSED: the boot disk is set to the current rootvg.", M::Passed),
    ("PASSED: the mirrorvg name is available.", M::Passed),
    ("PASSED: the rootvg is uniformly mirrored.", M::Passed),
    ("PASSED: the rootvg does not have the maximum number of mirror copies.", M::Passed),
    ("PASSED: the rootvg does not have stale logical volumes.", M::Passed),
    ("PASSED: all of the mounted file systems are of a supported type.", M::Passed),
    ("PASSED: this AIX instance is not diskless.", M::Passed),
    ("PASSED: no Kerberos configured for NFS mounts.", M::Passed),
    ("PASSED: multibos environment not present.", M::Passed),
    ("PASSED: Trusted Computing Base not defined.", M::Passed),
    ("PASSED: no local tape devices found.", M::Passed),
    ("PASSED: live update not executed from console.", M::Passed),
    ("PASSED: the execution environment is valid.", M::Passed),
    ("PASSED: enough available space for /var to dump Component Trace buffers.", M::Passed),
    (
        "PASSED: enough available space for /var to dump Light weight memory Trace buffers.",
        M::Passed,
    ),
    ("PASSED: all devices are virtual devices.", M::Passed),
    ("PASSED: No active workload partition found.", M::Passed),
    ("PASSED: nfs configuration supported.", M::Passed),
    ("PASSED: HMC token is present.", M::Passed),
    ("PASSED: HMC token is valid.", M::Passed),
    ("PASSED: HMC requests successful.", M::Passed),
    ("PASSED: Provided LPAR ID is available.", M::Passed),
    ("PASSED: A virtual slot is available.", M::Passed),
    ("PASSED: RSCT daemons are active.", M::Passed),
    ("PASSED: no Kerberos configuration.", M::Passed),
    ("PASSED: lpar is not remote restart capable.", M::Passed),
    ("PASSED: no virtual log device configured.", M::Passed),
    ("PASSED: lpar is not using shared memory or ams resources are available.", M::Passed),
    ("PASSED: the disk configuration is supported.", M::Passed),
    ("PASSED: no Generic Routing Encapsulation (GRE) tunnel configured.", M::Passed),
    ("PASSED: Firmware level is supported.", M::Passed),
    ("PASSED: vNIC resources available.", M::Passed),
    (
        "INFO: Any system dumps present in the current dump logical volumes will not be available after live update is complete.",
        M::Info,
    ),
    ("install_all_updates: Initializing system parameters.", M::InstallPart),
    ("install_all_updates: Result = SUCCESS", M::Install(Install::Succeeded)),
    ("install_all_updates: Result = FAILURE", M::Install(Install::Failed)),
    (
        "install_all_updates: ATTENTION, a higher level of install utilities is available.",
        M::Install(Install::HigherUtilities),
    ),
    ("Pre-installation Verification...", M::InstallPart),
    ("Efix Manager Initialization", M::InstallPart),
    ("BUILDDATE Verification ...", M::InstallPart),
    ("EFIX MANAGER LOCKS", M::Install(Install::EfixLocks)),
    ("The following selected filesets are locked by EFIX manager:", M::Install(Install::EfixLocks)),
    ("To remove the given EFIX, execute the following command:", M::Install(Install::EfixLocks)),
    (
        "The updates being installed do not contain all the APARs to allow all existing interim fixes to be automatically removed.",
        M::Install(Install::MissingApars),
    ),
    (
        "Either the software is already at the same level as on the media, or",
        M::Install(Install::NothingToInstall),
    ),
    (
        "geninstall: The live update will not proceed because of an install failure.",
        M::InstallFailed,
    ),
    ("Initiating log capture.", M::LogCapture),
    (
        "One or more of the files listed in /etc/check_config.files have changed.",
        M::ConfigurationChanged,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> Option<Meaning> {
        match beginning(text) {
            Beginning::Sentence(found) => Some(found.meaning),
            Beginning::Part | Beginning::Other => None,
        }
    }

    #[test]
    fn every_sentence_is_recognised_as_itself_to_its_last_character() {
        for (says, wanted) in SENTENCES {
            let text = says.replace('#', "12");
            // A capital letter of difference is none, so the longest decides, and the table has no doubles.
            let Beginning::Sentence(found) = beginning(&text) else { panic!("{says}") };
            assert_eq!((found.meaning, found.length), (*wanted, text.len()), "{says}");
        }
    }

    #[test]
    fn white_space_case_and_quotes_in_type_make_no_difference() {
        let found = meaning("Creating mir ror of  ORIGINAL LPAR’s rootvg.");
        assert_eq!(found, Some(M::Phase(Phase::Mirror)));
    }

    #[test]
    fn a_sentence_that_may_go_on_is_a_part_and_one_that_goes_on_otherwise_is_another() {
        assert_eq!(beginning("PASSED: sufficient space available in /"), Beginning::Part);
        assert_eq!(beginning("PASSED: sufficient space available in /tmp."), Beginning::Other);
        assert_eq!(meaning("PASSED: sufficient space available in /."), Some(M::Passed));
    }

    #[test]
    fn numbers_are_read() {
        let Beginning::Sentence(found) = beginning("Live AIX update completed in 0h 10m 58s.")
        else {
            panic!("not recognised")
        };
        assert_eq!(found.numbers, [0, 10, 58]);
        assert_eq!(meaning("Live AIX update completed in h m s."), Some(M::Nothing));
        assert_eq!(meaning("Live AIX update completed."), Some(M::Nothing));
    }

    #[test]
    fn what_was_cut_at_the_edge_is_recognised_only_when_it_can_be_nothing_else() {
        let text = "Completing transfer of system resources from the original to";
        assert_eq!(cut_off(text, true).map(|r| r.meaning), Some(M::Phase(Phase::Transfer)));
        assert_eq!(cut_off(text, false), None);
        assert_eq!(cut_off("PASSED: the", true), None);
        assert_eq!(
            cut_off("Live AIX update completed", false).map(|r| r.meaning),
            Some(M::Nothing)
        );
    }
}
