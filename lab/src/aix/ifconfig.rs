//! `ifconfig -a`: one Ethernet interface and the loopback, no tunnel (LU §4.3 D26).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(out, "en0: flags=1e084863,14c0<UP,BROADCAST,NOTRAILERS,RUNNING,SIMPLEX,MULTICAST>")?;
    writeln!(out, "\tinet {} netmask 0xffffff00 broadcast 10.1.1.255", context.lpar()?.address)?;
    writeln!(out, "lo0: flags=e08084b,c0<UP,BROADCAST,LOOPBACK,RUNNING,SIMPLEX,MULTICAST>")?;
    writeln!(out, "\tinet 127.0.0.1 netmask 0xff000000 broadcast 127.255.255.255")?;
    Ok(0)
}
