//! `mount` and `umount` of what the site's NFS server exports.
//!
//! A mounted directory is a link in the LPAR's tree, over the folder that was there; the folder waits beside it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;

use super::{Context, Options};
use crate::fault::Fault;
use crate::lpar::files::link;
use crate::world::lpar::Mount;

/// `mount` alone lists, `mount [-v nfs] [-n node] [-o options] [node:]remote over` mounts.
pub(super) fn mount(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vnot");
    let [remote, over] = options.words.as_slice() else { return list(context, out) };
    let (node, path) = match (options.value('n'), remote.split_once(':')) {
        (Some(node), _) => (node, remote.as_str()),
        (None, Some(parts)) => parts,
        (None, None) => return refuse(&format!("mount: {remote} is not a known file system")),
    };
    let Some(export) = context.world()?.exports.get(&format!("{node}:{path}")).cloned() else {
        return refuse(&format!(
            "mount: 1831-011 access denied for {node}:{path}\nmount: giving up on:\n\t{node}:{path}\nThe file access permissions do not allow the specified action."
        ));
    };
    let at = context.path(over);
    if fs::symlink_metadata(&at).map_or(true, |found| !found.is_dir()) {
        return refuse(&format!(
            "mount: 0506-324 Cannot mount {node}:{path} on {over}: A file or directory in the path name does not exist."
        ));
    }
    fs::rename(&at, beside(context, over)).context("cannot put the mount point aside")?;
    link(export.as_ref(), &at).context("cannot show the export")?;
    let mount = Mount {
        node: node.to_owned(),
        remote: path.to_owned(),
        over: over.clone(),
        kind: "nfs3".to_owned(),
        options: String::new(),
    };
    context.change(|lpar| {
        lpar.mounts.push(mount);
        Ok(0)
    })
}

/// `umount over`.
pub(super) fn umount(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let Some(over) = options.words.first() else { return Ok(1) };
    if unmount_local(context, over)? {
        return Ok(0);
    }
    let known = context.change(|lpar| {
        let before = lpar.mounts.len();
        lpar.mounts.retain(|mount| mount.over != *over);
        Ok(lpar.mounts.len() < before)
    })?;
    if !known {
        return refuse(&format!("umount: 0506-347 Cannot find anything to unmount.\n\t{over}"));
    }
    let at = context.path(over);
    // What was mounted before anybody looked has no files here.
    if !at.is_symlink() {
        return Ok(0);
    }
    fs::remove_file(&at).context("cannot take the export away")?;
    fs::rename(beside(context, over), &at).context("cannot put the mount point back")?;
    Ok(0)
}

/// Unmounts what is no file system of rootvg and not from a server. AHAFS takes a cluster with it (LU §4.4a D20).
fn unmount_local(context: &Context, over: &str) -> anyhow::Result<bool> {
    let lpar = context.lpar()?;
    let found = lpar.filesystems.iter().find(|one| one.mounted_on == over && one.kind != "jfs2");
    if found.is_some_and(|one| one.kind == "ahafs") {
        context.disturbs_cluster(&format!("umount {over}"))?;
    }
    let is_found = found.is_some();
    context.change(|lpar| {
        lpar.filesystems.retain(|one| !is_found || one.mounted_on != over);
        let disc = over == DISC && lpar.faults.remove(&Fault::UnsupportedFs).is_some();
        Ok(is_found || disc)
    })
}

/// Where the fault `unsupported-fs` has something mounted.
const DISC: &str = "/cdrom";

fn beside(context: &Context, over: &str) -> PathBuf {
    let at = context.path(over);
    let name = at.file_name().unwrap_or_default().to_string_lossy().into_owned();
    at.with_file_name(format!(".{name}.under-the-mount"))
}

fn refuse(text: &str) -> anyhow::Result<u8> {
    writeln!(std::io::stderr(), "{text}")?;
    Ok(1)
}

fn list(context: &Context, out: &mut dyn Write) -> anyhow::Result<u8> {
    let lpar = context.lpar()?;
    writeln!(
        out,
        "  node       mounted        mounted over    vfs       date        options      "
    )?;
    writeln!(
        out,
        "-------- ---------------  ---------------  ------ ------------ --------------- "
    )?;
    let unsupported = lpar.has(Fault::UnsupportedFs);
    for fs in &lpar.filesystems {
        writeln!(
            out,
            "{:<8} {:<16} {:<16} {:<6} Nov 02 09:12 rw,log=/dev/hd8 ",
            "", fs.device, fs.mounted_on, fs.kind
        )?;
    }
    writeln!(
        out,
        "{:<8} {:<16} {:<16} {:<6} Nov 02 09:12 rw              ",
        "", "/proc", "/proc", "procfs"
    )?;
    if unsupported {
        writeln!(
            out,
            "{:<8} {:<16} {:<16} {:<6} Nov 02 09:12 ro              ",
            "", "/dev/cd0", DISC, "cdrfs"
        )?;
    }
    for mount in &lpar.mounts {
        writeln!(
            out,
            "{:<8} {:<16} {:<16} {:<6} Nov 02 09:12 ro,bg,hard,intr{}  ",
            mount.node, mount.remote, mount.over, mount.kind, mount.options
        )?;
    }
    Ok(0)
}
