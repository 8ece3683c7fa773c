//! What nimd answers on its socket, without the time that a program takes to start.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Result, ensure};
use integration_tests::Master;

/// The whole answer to a request, which has to be a good one.
pub(crate) fn ask(master: &Master, target: &str) -> Result<String> {
    let mut stream = UnixStream::connect(master.folder().join("run/nimd.sock"))?;
    write!(stream, "GET {target} HTTP/1.0\r\nhost: nimd\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(
        answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"),
        "{target}: {answer}"
    );
    Ok(answer)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
