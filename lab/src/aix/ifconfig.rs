//! `ifconfig -a`: one Ethernet interface, the loopback, and what is beside them, such as a tunnel (LU §4.3 D26).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let lpar = context.lpar()?;
    writeln!(out, "en0: flags=1e084863,14c0<UP,BROADCAST,NOTRAILERS,RUNNING,SIMPLEX,MULTICAST>")?;
    writeln!(out, "\tinet {} netmask 0xffffff00 broadcast 10.1.1.255", lpar.address)?;
    for name in &lpar.system.interfaces {
        writeln!(out, "{name}: flags=10000051<UP,POINTOPOINT,RUNNING>")?;
    }
    writeln!(out, "lo0: flags=e08084b,c0<UP,BROADCAST,LOOPBACK,RUNNING,SIMPLEX,MULTICAST>")?;
    writeln!(out, "\tinet 127.0.0.1 netmask 0xff000000 broadcast 127.255.255.255")?;
    Ok(0)
}
