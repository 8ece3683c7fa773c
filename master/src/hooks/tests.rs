use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A folder with programs, and what runs them.
struct Place {
    folder: tempfile::TempDir,
    hooks: Arc<Hooks>,
}

impl Place {
    fn new(limit: Duration, output: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { folder: Some(folder.path().to_owned()), concurrent: 2, limit, output };
        Self { folder, hooks: Hooks::new(settings) }
    }

    /// Another process makes the program: as long as a file is open for writing, also in what another test is just starting, it cannot
    /// be run.
    fn program(&self, name: &str, text: &str) {
        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), text).unwrap();
        let mut install = std::process::Command::new("install");
        install.args(["-m", "755"]).arg(source.path()).arg(self.folder.path().join(name));
        assert!(install.status().unwrap().success());
    }

    async fn run(&self, name: &str) -> HookEnd {
        let place = self.hooks.place(OperationId(uuid::Uuid::now_v7()), 1).await.unwrap();
        self.hooks.run(&name.parse().unwrap(), "{\"version\":1}\n", None, &place).await
    }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_program_is_told_what_is_known_and_has_nothing_of_our_environment() {
    let place = Place::new(LONG, 1 << 16);
    place.program("says", "#!/bin/sh\ncat\npwd\nenv | sed 's/=.*//' | sort | tr '\\n' ' '\n");
    let end = place.run("says").await;
    assert_eq!((end.state, end.status), (HookState::Succeeded, Some(0)));
    assert_eq!(end.output, "{\"version\":1}\n/\nLC_ALL PATH PWD ");
    place.program("fails", "#!/bin/sh\necho so >&2; exit 7\n");
    let end = place.run("fails").await;
    assert_eq!(end, HookEnd { state: HookState::Failed, status: Some(7), output: "so\n".into() });
}

#[tokio::test]
async fn one_that_does_not_end_is_ended_with_what_it_started_and_what_it_prints_is_capped() {
    let place = Place::new(Duration::from_millis(500), 10);
    place.program("hangs", "#!/bin/sh\nsleep 600 &\nwait\n");
    assert_eq!(place.run("hangs").await.state, HookState::TooLong);
    let place = Place::new(LONG, 10);
    // What it leaves behind would keep its output open.
    place.program("leaves", "#!/bin/sh\nsleep 600 &\nhead -c 1000000 /dev/zero | tr '\\0' x\n");
    let end = place.run("leaves").await;
    assert_eq!(
        (end.state, end.output.as_str()),
        (HookState::Succeeded, "xxxxxxxxxx\n[cut: 999990 bytes more were printed]\n")
    );
}

#[tokio::test]
async fn what_somebody_else_may_change_is_not_run() {
    let place = Place::new(LONG, 1000);
    let path = |name: &str| place.folder.path().join(name);
    let mode = |path: PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let why = |name: &str| place.hooks.program(&name.parse().unwrap()).map_err(|e| e.to_string());
    for name in ["good", "open", "plain"] {
        place.program(name, "#!/bin/sh\n");
    }
    mode(path("open"), 0o775);
    mode(path("plain"), 0o644);
    std::os::unix::fs::symlink("/bin/true", path("link")).unwrap();
    assert!(why("good").is_ok());
    for (name, text) in [
        ("open", "is not trusted: others may write to it: chmod go-w"),
        ("plain", "is not trusted: its owner may not execute it: chmod 755"),
        ("link", "is not trusted: it is a link, or no file"),
        ("gone", "cannot look at"),
    ] {
        let found = why(name).unwrap_err();
        assert!(found.contains(text), "{name}: {found}");
    }
    let end = place.run("open").await;
    assert_eq!((end.state, end.status), (HookState::NotStarted, None));
    mode(place.folder.path().to_owned(), 0o770);
    assert!(why("good").unwrap_err().contains("others may write to it"));
    mode(place.folder.path().to_owned(), 0o755);
    // A link on the way leads wherever its owner wants.
    let way = tempfile::tempdir().unwrap();
    let link = way.path().join("hooks");
    std::os::unix::fs::symlink(place.folder.path(), &link).unwrap();
    let name = "good".parse().unwrap();
    let found = program(Some(&link), &name).unwrap_err().to_string();
    assert!(found.ends_with("is not trusted: it is a link, or no folder"), "{found}");
    assert!(matches!(program(None, &name), Err(Error::NoFolder)));
}

#[tokio::test]
async fn no_more_run_at_a_time_than_may_and_those_that_run_end_with_nimd() {
    let place = Place::new(LONG, 1000);
    let operation = OperationId(uuid::Uuid::from_u128(1));
    let first = place.hooks.place(operation, 1).await.unwrap();
    let second = place.hooks.free().map(|permit| place.hooks.held(permit, operation, 2)).unwrap();
    assert!(place.hooks.free().is_none());
    assert_eq!(place.hooks.running(), [(operation, 1), (operation, 2)]);
    drop(first);
    let third = place.hooks.place(operation, 3).await.unwrap();
    assert_eq!(place.hooks.running(), [(operation, 2), (operation, 3)]);
    drop((second, third));

    place.program("hangs", "#!/bin/sh\nsleep 600\n");
    let (hooks, own) = (Arc::clone(&place.hooks), place.hooks.place(operation, 4).await.unwrap());
    let runs = place
        .hooks
        .tasks
        .spawn(async move { hooks.run(&"hangs".parse().unwrap(), "", None, &own).await });
    place.hooks.stop().await;
    let end = runs.await.unwrap();
    assert_eq!((end.state, end.status), (HookState::Failed, None));
    assert!(place.hooks.free().is_none() && place.hooks.place(operation, 5).await.is_none());
}

#[tokio::test]
async fn what_runs_for_an_operation_that_is_cancelled_is_ended_and_nothing_else() {
    let place = Place::new(LONG, 1000);
    place.program(
        "waits",
        "#!/bin/sh\necho begun > $0.begun; until [ -e $0.go ]; do sleep 0.1; done\n",
    );
    let (one, other) =
        (OperationId(uuid::Uuid::from_u128(1)), OperationId(uuid::Uuid::from_u128(2)));
    let run = async |operation| {
        let own = place.hooks.place(operation, 1).await.unwrap();
        place.hooks.run(&"waits".parse().unwrap(), "", None, &own).await
    };
    let cancel = async {
        while !place.folder.path().join("waits.begun").exists() {
            tokio::task::yield_now().await;
        }
        assert!(place.hooks.end(one));
        std::fs::write(place.folder.path().join("waits.go"), "").unwrap();
    };
    let (ended, went_on, ()) = tokio::join!(run(one), run(other), cancel);
    assert_eq!((ended.state, went_on.state), (HookState::Cancelled, HookState::Succeeded));
    assert!(!place.hooks.end(one), "nothing of it runs");
}
