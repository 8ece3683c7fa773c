//! What a process cost: processor time and memory, as Linux counts them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use integration_tests::kill_group;

use crate::report::number;

/// Ticks a second in `/proc/PID/stat`: `USER_HZ`, 100 on every architecture that Rust's Linux targets have.
const TICKS: u64 = 100;

/// How long a command may take. No figure of the product: a bound for what hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// Processor time that the process `pid` itself has used, without its children.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("no figures of nimd")?;
    // The name in parentheses may hold anything; what follows are numbers from field 3 on.
    let (_, fields) = stat.rsplit_once(") ").context("a stat line without a name")?;
    let field = |number: usize| -> Result<u64> {
        let field = fields.split(' ').nth(number - 3).context("a short stat line")?;
        field.parse().context("a stat field that is no number")
    };
    let ticks = field(14)? + field(15)?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Resident memory of the process `pid`, in KiB.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    status(pid, "VmRSS:")
}

/// The most resident memory that the process `pid` ever had, in KiB.
pub(crate) fn peak(pid: u32) -> Result<f64> {
    status(pid, "VmHWM:")
}

fn status(pid: u32, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("no such process")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("no {field}"))?;
    Ok(f64::from(kib.parse::<u32>().with_context(|| format!("{field} is no number"))?))
}

/// What a command with its children took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Cost {
    /// How many of `count` a second.
    pub(crate) fn per_second(&self, count: usize) -> f64 {
        number_of(count) / self.wall.as_secs_f64().max(1e-9)
    }

    /// Processor milliseconds for each of `count`.
    pub(crate) fn cpu_each(&self, count: usize) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / number_of(count)
    }

    /// Both, as a figure of a row.
    pub(crate) fn of(&self, count: usize) -> String {
        let (rate, cpu) = (number(self.per_second(count)), number(self.cpu_each(count)));
        format!("{rate:>6} hosts/s {cpu:>7} ms CPU a host")
    }
}

fn number_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Runs a shell command to its end, or until it has taken too long; the shell itself says what its children used.
///
/// Its output is dropped but for its last lines, which an error shows.
pub(crate) fn run(command: &str) -> Result<Cost> {
    let begun = Instant::now();
    let child = std::process::Command::new("bash")
        .args(["-c", &format!("{{ {command}\n}} >/dev/null; code=$?; times; exit $code")])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("no bash")?;
    let leader = child.id();
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || match end.recv_timeout(LIMIT) {
        Err(RecvTimeoutError::Timeout) => Some(kill_group(leader)),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => None,
    });
    let output = child.wait_with_output();
    let wall = begun.elapsed();
    drop(ended);
    if let Some(killed) = watch.join().map_err(|_| anyhow::anyhow!("nobody looked at the time"))? {
        killed?;
        bail!("it did not end within {} s", LIMIT.as_secs());
    }
    let output = output.context("it cannot be waited for")?;
    ensure!(
        output.status.success(),
        "it ended with {}: {}",
        output.status,
        last_line(&output.stderr)
    );
    // Two lines of two times, such as `0m0.012s`: of the shell, then of its children.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let children = text.lines().last().context("no times")?;
    let mut cpu = 0.0;
    for time in children.split_whitespace() {
        let (minutes, seconds) =
            time.trim_end_matches('s').split_once('m').context("a time without minutes")?;
        cpu += minutes.parse::<f64>()? * 60.0 + seconds.parse::<f64>()?;
    }
    Ok(Cost { wall, cpu: Duration::from_secs_f64(cpu) })
}

/// The last line that says something.
fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
