//! What `nimd` asks of the operating system beyond what the standard library has: open files, users and groups, processes, the service manager.

#![expect(
    unsafe_code,
    reason = "getrlimit, setrlimit, geteuid, kill and getgrnam_r exist in libc only; each call stands alone here"
)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixDatagram;

/// Raises the number of files that this process may have open to the most that the system lets it; the number.
///
/// # Errors
/// When the system refuses.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit that lives for the call.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: as above.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

/// The user that this process runs as.
#[must_use]
pub fn effective_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Ends every process of the group that `leader` made.
pub fn kill_group(leader: u32) {
    if let Ok(group) = libc::pid_t::try_from(leader)
        && group > 1
    {
        // SAFETY: no memory is touched. That there is none left is as good.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

/// The number of the group `name`, which may be a number itself. `None` when there is none.
///
/// # Errors
/// When the system cannot say.
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    if let Ok(number) = name.parse() {
        return Ok(Some(number));
    }
    let Ok(name) = CString::new(name) else { return Ok(None) };
    let mut buffer = vec![0; 1 << 10];
    loop {
        let mut group = MaybeUninit::<libc::group>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and the length is that of the buffer.
        let code = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                group.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut found,
            )
        };
        match code {
            0 if found.is_null() => return Ok(None),
            // SAFETY: the call succeeded and found an entry, so it has written `group`.
            0 => return Ok(Some(unsafe { group.assume_init() }.gr_gid)),
            // A group with many members.
            libc::ERANGE if buffer.len() < 1 << 24 => buffer.resize(buffer.len() * 4, 0),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// Tells the service manager `state`, such as `READY=1`; nothing where there is none. Source: sd_notify(3).
///
/// # Errors
/// When there is one and it cannot be told.
pub fn notify(state: &str) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    let sent = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)?
        }
        None => socket.send_to(state.as_bytes(), path)?,
    };
    if sent == state.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// The user that this process runs as.
///
/// # Errors
/// When `/proc` is not there.
pub fn own_user() -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").map(|found| found.uid())
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_by_number() {
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert_eq!(group_id("4711").unwrap(), Some(4711));
        assert_eq!(group_id("no-such-group").unwrap(), None);
        assert_eq!(group_id("nul\0").unwrap(), None);
    }

    #[test]
    fn the_number_of_open_files_is_what_the_system_allows() {
        let raised = raise_open_files().unwrap();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let soft: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
        assert_eq!(soft, raised);
    }
}
