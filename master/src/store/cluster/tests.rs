use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use super::*;
use crate::store::testing::world::{SOMEBODY, name, object};
use crate::store::{ConnectOptions, Store};

/// One at a time: what these tests look at is a whole server each.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A data folder that the server's user can get to.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

fn open_in(folder: &Path) -> (FolderLock, ClusterHandle) {
    let lock = FolderLock::take(folder).unwrap();
    let cluster = open(&lock, &ClusterOptions::default()).unwrap();
    (lock, cluster)
}

/// Runs `work` with a store on the cluster.
fn with_store<T>(cluster: &ClusterHandle, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::connect(&ConnectOptions::new(cluster.url())).await.unwrap();
        let result = work(&store).await;
        store.close().await;
        result
    })
}

fn define(cluster: &ClusterHandle) {
    let lpp = object(nim_shared::object::ObjectType::LppSource, "lpp", &[("location", "/a")]);
    with_store(cluster, async |store| store.define(&lpp, SOMEBODY).await.unwrap());
}

fn is_defined(cluster: &ClusterHandle) -> bool {
    with_store(cluster, async |store| store.object(&name("lpp")).await.is_ok())
}

/// Waits for a state; says what it saw last when that does not come.
fn wait_for(cluster: &ClusterHandle, wanted: impl Fn(&ClusterState) -> bool) -> ClusterState {
    let mut state = cluster.state();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let limit = std::time::Duration::from_secs(60);
        match tokio::time::timeout(limit, state.wait_for(wanted)).await {
            Ok(found) => found.unwrap().clone(),
            Err(_) => panic!("it stayed {:?}", cluster.state().borrow()),
        }
    })
}

fn pid(state: &ClusterState) -> u32 {
    let ClusterState::Up { pid, .. } = state else { panic!("{state:?}") };
    *pid
}

#[test]
fn a_cluster_is_made_once_and_keeps_what_it_holds_over_a_restart() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = folder();
    let (lock, cluster) = open_in(folder.path());
    define(&cluster);
    for below in ["postgres", "postgres/data", "postgres/socket"] {
        let mode = fs::metadata(folder.path().join(below)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{below}");
    }
    let server = pid(&cluster.state().borrow());
    cluster.stop();
    assert!(!Path::new(&format!("/proc/{server}")).exists(), "stopped means gone");
    let again = open(&lock, &ClusterOptions::default()).unwrap();
    assert!(is_defined(&again));
}

#[test]
fn a_server_that_dies_is_started_again_with_all_that_was_committed() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = folder();
    let (_lock, cluster) = open_in(folder.path());
    define(&cluster);
    let first = pid(&cluster.state().borrow());
    assert!(Command::new("kill").args(["-KILL", &first.to_string()]).status().unwrap().success());
    let up = wait_for(
        &cluster,
        |state| matches!(state, ClusterState::Up { restarts, .. } if *restarts > 0),
    );
    assert_ne!(pid(&up), first);
    assert!(is_defined(&cluster));
}

/// In which life the database is.
fn life(cluster: &ClusterHandle) -> crate::store::life::Life {
    with_store(cluster, async |store| {
        let master = crate::store::testing::world::master(store).await;
        let times = crate::store::lease::LeaseTimes::default();
        store.heartbeat(master, times).await.unwrap()
    })
}

#[test]
fn a_stop_in_order_loses_nothing_and_a_crash_or_a_restored_backup_may_have() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = folder();
    let (lock, cluster) = open_in(folder.path());
    let first = life(&cluster);
    cluster.stop();
    let cluster = open(&lock, &ClusterOptions::default()).unwrap();
    assert_eq!(life(&cluster), first);
    // What is only in memory is on the disk of a crashed server too, once a checkpoint was made.
    with_store(&cluster, async |store| {
        sea_orm::sqlx::query("CHECKPOINT").execute(&store.pool).await.map(drop).unwrap();
    });
    let server = pid(&cluster.state().borrow());
    assert!(Command::new("kill").args(["-KILL", &server.to_string()]).status().unwrap().success());
    wait_for(&cluster, |state| matches!(state, ClusterState::Up { restarts, .. } if *restarts > 0));
    let second = life(&cluster);
    assert_ne!(second, first);

    let file = folder.path().join("dump");
    backup(folder.path(), &file).unwrap();
    cluster.stop();
    fs::remove_dir_all(folder.path().join("postgres")).unwrap();
    restore(&lock, &file).unwrap();
    let cluster = open(&lock, &ClusterOptions::default()).unwrap();
    let third = life(&cluster);
    assert!(third != first && third != second);
    cluster.stop();
}

#[test]
fn a_folder_has_one_nimd_and_the_second_hears_who_it_is() {
    let folder = folder();
    let _lock = FolderLock::take(folder.path()).unwrap();
    match FolderLock::take(folder.path()) {
        Err(ClusterError::Locked { holder, .. }) => assert_eq!(holder, Some(std::process::id())),
        result => panic!("{result:?}"),
    }
}

#[test]
fn what_a_dead_nimd_left_behind_is_seen_off() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = folder();
    let (lock, cluster) = open_in(folder.path());
    define(&cluster);
    let folders = Folders::of(lock.folder());
    cluster.stop();
    // As after a power cut: files of a server that is gone, with a process id that somebody else has now.
    let stale = format!("{}\n{}\n1\n5432\n", std::process::id(), folders.data.display());
    fs::write(folders.data.join("postmaster.pid"), stale).unwrap();
    fs::write(folders.socket_file(), "").unwrap();
    // And a server that nobody keeps: started by a thread that does not end, and not by this cluster.
    let again = open(&lock, &ClusterOptions::default()).unwrap();
    let survivor = pid(&again.state().borrow());
    assert!(is_defined(&again));
    survivor::see_off(&folders).unwrap();
    assert!(!Path::new(&format!("/proc/{survivor}/cwd")).exists());
}

#[test]
fn a_backup_of_a_running_cluster_is_restored_into_an_empty_folder_only() {
    let _one = ONE_AT_A_TIME.lock();
    let (from, to) = (folder(), folder());
    let (_lock, cluster) = open_in(from.path());
    define(&cluster);
    let file = from.path().join("backup");
    backup(from.path(), &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let lock = FolderLock::take(to.path()).unwrap();
    restore(&lock, &file).unwrap();
    assert!(matches!(restore(&lock, &file), Err(ClusterError::NotEmpty { .. })));
    let restored = open(&lock, &ClusterOptions::default()).unwrap();
    assert!(is_defined(&restored));
    drop(restored);
    drop(lock);
    let offline = to.path().join("offline");
    backup(to.path(), &offline).unwrap();
    assert!(offline.exists());
}

#[test]
fn a_restore_that_fails_leaves_no_cluster_behind() {
    let _one = ONE_AT_A_TIME.lock();
    let folder = folder();
    let file = folder.path().join("garbage");
    fs::write(&file, "no backup").unwrap();
    let lock = FolderLock::take(folder.path()).unwrap();
    assert!(matches!(restore(&lock, &file), Err(ClusterError::Program { .. })));
    assert!(!Folders::of(lock.folder()).data.exists());
}

#[test]
fn a_long_path_gets_a_short_socket() {
    let folder = Path::new("/").join("x".repeat(60)).join("y".repeat(40));
    let folders = Folders::of(&folder);
    assert!(folders.socket_file().as_os_str().len() <= 107, "{:?}", folders.socket);
    assert_eq!(Folders::of(&folder).socket, folders.socket, "the next nimd finds it");
    assert_ne!(Folders::of(Path::new("/var/lib/nimd")).socket, folders.socket);
}

#[test]
fn a_folder_that_the_server_cannot_get_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let data = folder.path().join("data");
    let before = check(&data);
    assert!(!data.exists(), "who looks makes nothing");
    let lock = FolderLock::take(&data).unwrap();
    let above = folder.path().canonicalize().unwrap();
    match User::of_server(lock.folder()).unwrap() {
        Some(_) => match open(&lock, &ClusterOptions::default()) {
            Err(error @ ClusterError::NotTraversable { .. }) => {
                assert_eq!(
                    error.hint().unwrap(),
                    format!("chmod o+x {}, or use a folder elsewhere", above.display())
                );
                assert_eq!(before.unwrap_err().to_string(), error.to_string());
            }
            result => panic!("{result:?}"),
        },
        // Not root: the server runs as us, who can get there.
        None => {
            before.unwrap();
            assert!(Folders::prepare(lock.folder(), None).is_ok());
        }
    }
}

#[test]
fn folders_that_others_may_enter_are_refused() {
    let folder = folder();
    let lock = FolderLock::take(folder.path()).unwrap();
    let user = User::of_server(lock.folder()).unwrap();
    Folders::prepare(lock.folder(), user.as_ref()).unwrap();
    fs::set_permissions(folder.path().join("postgres"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(
        Folders::prepare(lock.folder(), user.as_ref()),
        Err(ClusterError::NotOurs { .. })
    ));
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_is_named() {
    let folder = folder();
    let lock = FolderLock::take(folder.path()).unwrap();
    let data = folder.path().join("postgres/data");
    let user = User::of_server(lock.folder()).unwrap();
    Folders::prepare(lock.folder(), user.as_ref()).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "99\n").unwrap();
    match open(&lock, &ClusterOptions::default()) {
        Err(error @ ClusterError::WrongVersion { wanted: 99, .. }) => {
            assert_eq!(error.hint().unwrap(), "install the Debian package postgresql-99");
        }
        result => panic!("{result:?}"),
    }
}

#[test]
fn a_url_escapes_what_a_path_may_hold() {
    assert_eq!(
        url(Path::new("/a b/c?d")),
        "postgres://nimd@localhost:5432/postgres?host=/a%20b/c%3Fd"
    );
}
