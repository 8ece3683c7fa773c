//! A machine of a test's own: mounts and networks that nobody else sees, gone with the process.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Says that this is the process inside.
const INSIDE: &str = "NIMD_TEST_NAMESPACES";

/// Runs `act`, the body of the test `name`, as root in a process with mounts and networks of its own.
///
/// # Errors
/// What `act` says, and when there is no way to become root.
pub fn in_own_namespaces(name: &str, act: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        run("ip", ["link", "set", "lo", "up"])?;
        return act();
    }
    let own = std::fs::metadata("/proc/self").context("no /proc")?.uid();
    let mut command = Command::new(if own == 0 { "unshare" } else { "sudo" });
    if own != 0 {
        // Logins of other users are what is tested: no user of this process's own making will do.
        command.args(["-n", "unshare"]);
    }
    let test = std::env::current_exe().context("this test does not know where it is")?;
    let output = command
        .args(["--mount", "--net", "env"])
        .arg(format!("{INSIDE}=1"))
        .arg(test)
        .args(["--exact", name])
        .output()
        .context("unshare or sudo does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
    Ok(())
}

/// Runs what is asynchronous in there.
pub fn block_on(act: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(act)
}

/// Puts an empty folder over `folder`.
pub fn cover(folder: &str) -> Result<()> {
    run("mount", ["-t", "tmpfs", "-o", "mode=755", "cover", folder])
}

/// Puts a copy of `file` with `line` added over it, made in `work`.
pub fn add_line(file: &str, line: &str, work: &Path) -> Result<()> {
    let copy = work.join(Path::new(file).file_name().context("no name")?);
    let mut text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    text.push_str(line);
    text.push('\n');
    std::fs::copy(file, &copy).context("no copy")?;
    std::fs::write(&copy, text).context("no copy")?;
    run("mount", ["--bind", &copy.display().to_string(), file])
}

/// Runs a command of the system to its end.
pub fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .with_context(|| format!("{program} does not start"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program}: {}{errors}", output.status);
    Ok(())
}
