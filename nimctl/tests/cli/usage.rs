//! What goes wrong before anything is done.

use std::io::Read;
use std::process::Stdio;

use insta::assert_snapshot;
use nim_shared::api::FailureKind;

use crate::api::{Api, Ran};
use crate::sample::{failed, lpar, page, refusal, says, succeeded};

#[test]
fn wrong_usage_ends_with_2() {
    let api = Api::new();
    assert_snapshot!(api.nimctl("define -t frame -a hw_type=9105 p10-a"), @r#"
    exit: 2
    --- stderr
    error: invalid value 'frame' for '--type <TYPE>': "frame" is no object type: one of ent, hmc, cec, vios, master, standalone, live_update_data, lpp_source, script, fb_script, installp_bundle, fix_bundle, exclude_files, resolv_conf, image_data, mksysb, spot, mac_group, res_group

    For more information, try '--help'.
    "#);
    assert_snapshot!(api.nimctl("define -t cec -a hw_type p10-a"), @r#"
    exit: 2
    --- stderr
    error: invalid value 'hw_type' for '--attribute <ATTRIBUTE=VALUE>': "hw_type" is not ATTRIBUTE=VALUE

    For more information, try '--help'.
    "#);
    assert_snapshot!(api.nimctl("remove a*b"), @r#"
    exit: 2
    --- stderr
    error: invalid value 'a*b' for '<NAME>...': "a*b" is not a NIM object name: '*' is not allowed in one

    For more information, try '--help'.
    "#);
    assert_snapshot!(api.nimctl("--server https://nim01 list"), @r#"
    exit: 2
    --- stderr
    error: invalid value 'https://nim01' for '--server <ADDRESS>': "https://nim01" is no path of a socket, such as unix:/var/lib/nimd/run/nimd.sock

    For more information, try '--help'.
    "#);
    assert_eq!(api.nimctl("frobnicate").0.status.code(), Some(2));
    assert_eq!(api.nimctl("").0.status.code(), Some(2));
    assert_eq!(api.requests(), [""; 0]);
}

#[test]
fn what_the_environment_gives_is_not_asked_for_and_told_where_it_is_wrong() {
    let api = Api::new();
    for line in ["hooks", "notify", "release-disks", "rollout approve", "hooks -o json"] {
        let said = api.nimctl(line).to_string();
        assert!(said.starts_with("exit: 2") && !said.contains("--server"), "{said}");
        assert!(said.contains("Usage: nimctl") || line.ends_with("json"), "{said}");
    }
    let wrong = api.command(&["server"]).env("NIMD_SERVER", "https://nim01").output().unwrap();
    assert_snapshot!(Ran(wrong), @r#"
    exit: 2
    --- stderr
    error: NIMD_SERVER in the environment: "https://nim01" is no path of a socket, such as unix:/var/lib/nimd/run/nimd.sock  [NLU-0505]
      hint: unset NIMD_SERVER, or say --server ADDRESS
    "#);
    assert_eq!(api.requests(), [""; 0]);
}

#[test]
fn wrong_usage_is_an_object_where_data_was_asked_for() {
    let api = Api::new();
    assert_snapshot!(api.nimctl("remove a*b -o json"), @r#"
    exit: 2
    --- stderr
    {"code":"NLU-0505","message":"invalid value 'a*b' for '<NAME>...': \"a*b\" is not a NIM object name: '*' is not allowed in one","causes":[],"hint":"`nimctl --help` shows what there is","kind":"usage"}
    "#);
    let said = api.nimctl("--output=yaml remove").to_string();
    assert!(said.contains("code: NLU-0505") && said.contains("<NAME>..."), "{said}");
    for line in ["list --frob -o json", "-ojson frobnicate", "--output json resolve"] {
        let said = api.nimctl(line);
        let text = String::from_utf8(said.0.stderr.clone()).unwrap();
        let failure: serde_json::Value = serde_json::from_str(&text).expect(&text);
        assert_eq!((&failure["code"], &failure["kind"]), (&"NLU-0505".into(), &"usage".into()));
        assert_eq!(said.0.status.code(), Some(2), "{line}");
    }
    // What follows belongs to somebody else.
    let said = api.nimctl("frobnicate -- -o json").to_string();
    assert!(said.contains("error: "), "{said}");
}

#[test]
fn help_and_version_are_data() {
    let api = Api::new();
    assert_snapshot!(api.nimctl("--version"), @"
    exit: 0
    --- stdout
    nimctl 0.1.0
    ");
    assert_snapshot!(api.nimctl("--help"), @r"
    exit: 0
    --- stdout
    Updates AIX LPARs without a reboot: one master, many LPARs

    Usage: nimctl [OPTIONS] <COMMAND>

    Commands:
      define            Define an object
      change            Change attributes of an object
      remove            Remove objects
      list              List objects
      show              Show objects with all attributes
      apply             Create or change a whole fleet from YAML files
      discover          Ask the HMCs what there is, and bring the inventory up to it
      tree              Show frames with their VIOSes and LPARs, and what is free
      history           Who changed what of an object, and when
      report            Counts over the fleet
      export            Write the fleet as YAML
      hostkey           Host keys: what nimd knows of the hosts that it connects to
      secret            Secrets, such as the password that a console asks for
      policy            The site's policy: what is changed before an update and put back after it
      notify            Send a test message to receivers of the policy
      agent             The agent on the LPARs
      preflight         Look at LPARs for what would stop a Live Update
      live-update-data  lvupdate.data: what would be written for LPARs, and why
      aftercare         Show what updates have left to do on LPARs, looked at live
      disks             Show what operations left on the disks of an LPAR, and what needs them
      release-disks     Free disks that operations used and nothing needs
      rollback          Boot an LPAR from the copy of rootvg that holds the level before its update
      cust              Update LPARs, by Live Update or without it, or preview that
      rollout           Update many LPARs, planned against what their frames have
      rehearse          Run a rollout many times before it runs once: when it ends, what would stop it
      maintenance       Maintenance of frames, VIOSes and HMCs: nothing new is started there
      why               Say what a rollout or an LPAR waits for, and who decides
      status            Show operations: all that are open, or one with its details
      watch             Follow operations until they end
      log               Print what geninstall and other programs wrote during an operation
      events            Show what happened in an operation, in order
      hooks             Show the hooks that nimd runs itself for an operation, and what they printed
      cancel            Cancel an operation, as long as that is possible
      retry             Do again what failed, where that makes sense
      cleanup           Clean up after a Live Update that could not do so itself, by clvupdate
      resolve           End a stuck operation, on your word
      explain           Explain a code, a log or transcript, or what went wrong in an operation
      server            Show the version, the masters and the public key of nimd
      nim               NIM's nim: objects, updates and questions to machines, in NIM's words
      lsnim             NIM's lsnim: list objects as NIM does
      nimclient         NIM's nimclient, of which -l is known: list objects
      nimquery          NIM's nimquery: the frames of an HMC, the partitions of a frame
      dpasswd           dpasswd: store the password that goes with a passwd_file
      c_rsh             NIM's c_rsh: ask an LPAR what deployed tools ask, such as oslevel -s
      dkeyexch          dkeyexch: have an HMC let the master in with its key
      import            Take over what another master has
      install-links     Make links, so that nim and lsnim are this program
      completions       Write a completion script for a shell
      help              Print this message or the help of the given subcommand(s)

    Options:
          --server <ADDRESS>
              Socket of nimd: a path, or unix:PATH [env: NIMD_SERVER] [default:
              /var/lib/nimd/run/nimd.sock]

      -o, --output <FORMAT>
              How results are written

              Possible values:
              - table: For people
              - wide:  For people with a wide screen: more columns and lines where a command has them
              - json:  For programs; `watch` and `events` write one object a line
              - yaml:  For programs and people
              
              [default: table]

          --color <WHEN>
              Whether colours are used; they only repeat what the words say. NO_COLOR in the environment
              means never

              Possible values:
              - auto:   On a terminal
              - always: Also in a file
              - never:  Nowhere
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Exit codes: 0 done, 1 an update did not succeed, 2 wrong usage, 3 refused and nothing changed, 4 no
    answer, 5 not allowed, 6 the output could not be written, 130 interrupted (what runs goes on).
    ");
}

#[test]
fn no_nimd_ends_with_4_and_says_what_to_look_at() {
    let api = Api::new();
    std::fs::remove_file(api.socket()).unwrap();
    let said =
        api.nimctl("list").to_string().replace(&api.socket().display().to_string(), "[SOCKET]");
    assert_snapshot!(said, @"
    exit: 4
    --- stderr
    error: cannot reach nimd at [SOCKET]  [NLU-0501]
      cause: No such file or directory (os error 2)
      hint: see whether it runs: `systemctl status nimd`; where it listens elsewhere: `--server` or NIMD_SERVER
    ");
    let said = api.nimctl("list -o json").to_string();
    assert_snapshot!(said.replace(&api.socket().display().to_string(), "[SOCKET]"), @r#"
    exit: 4
    --- stderr
    {"code":"NLU-0501","message":"cannot reach nimd at [SOCKET]","causes":["No such file or directory (os error 2)"],"hint":"see whether it runs: `systemctl status nimd`; where it listens elsewhere: `--server` or NIMD_SERVER","kind":"unreachable"}
    "#);
}

#[test]
fn an_answer_that_breaks_off_is_told_from_one_that_is_wrong() {
    let api =
        Api::new().hang_up("GET /v1/server").on_text("GET /v1/secrets", "<html>welcome</html>");
    assert_snapshot!(api.nimctl("server"), @"
    exit: 4
    --- stderr
    error: nimd went away before it answered GET /v1/server  [NLU-0502]
      cause: connection closed before message completed
      hint: ask again; what was accepted before goes on: `nimctl status`
    ");
    assert_snapshot!(api.nimctl("secret list"), @"
    exit: 4
    --- stderr
    error: cannot understand what nimd answered to GET /v1/secrets  [NLU-0504]
      cause: expected value at line 1 column 1
      hint: see whether nimctl 0.1.0 and nimd are of the same release: `nimctl server`
    ");
}

#[test]
fn failures_of_nimd_keep_code_hint_and_exit_code() {
    let kinds = [
        (FailureKind::Usage, 2),
        (FailureKind::NotFound, 3),
        (FailureKind::Refused, 3),
        (FailureKind::Unreachable, 4),
        (FailureKind::Internal, 4),
        (FailureKind::Forbidden, 5),
    ];
    for (kind, code) in kinds {
        let api = Api::new().refuse("GET /v1/server", &refusal("NLU-0301", "no", kind));
        assert_eq!(api.nimctl("server").0.status.code(), Some(code), "{kind}");
    }
    let mut failure =
        refusal("NLU-0301", "cannot reach \u{1b}[31mlpar01", FailureKind::Unreachable);
    failure.causes = vec!["connection refused".to_owned()];
    failure.hint = Some("see whether sshd runs".to_owned());
    let api = Api::new().refuse("GET /v1/server", &failure);
    assert_snapshot!(api.nimctl("server"), @"
    exit: 4
    --- stderr
    error: cannot reach �[31mlpar01  [NLU-0301]
      cause: connection refused
      hint: see whether sshd runs
    ");
    assert_snapshot!(api.nimctl("server -o yaml"), @r#"
    exit: 4
    --- stderr
    ---
    code: NLU-0301
    message: "cannot reach \e[31mlpar01"
    causes:
    - connection refused
    hint: see whether sshd runs
    kind: unreachable
    "#);
    assert!(
        api.nimctl("server --color always").to_string().contains("\u{1b}[1;31merror:\u{1b}[0m")
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let lpars: Vec<_> = (0..1000).map(|number| lpar(&format!("lpar{number:04}"))).collect();
    let api = Api::new().lines("GET /v1/list", &lpars);
    let mut child = api
        .command(&["list", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What fits the pipe is less than what there is to write.
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn output_that_is_lost_is_told_from_an_update_that_failed() {
    let asked = |lpar: &str| format!("GET /v1/operations?lpar={lpar}&limit=1");
    let mut api = Api::new();
    for view in [succeeded(1, "lpar01"), failed(2, "lpar02")] {
        let target = format!("GET /v1/watch?operation={}", view.id);
        let name = view.lpar.to_string();
        api = api.on(&asked(&name), &page(vec![view.clone()])).events(&target, 1, &[says(&view)]);
    }
    // What was done is done; an update that failed has failed, wherever its summary went.
    let lost = [("watch lpar01", 6), ("status lpar01", 6), ("--help", 6), ("watch lpar02", 1)];
    for (line, code) in lost {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ran = Ran(api.command(&words).stdout(full).output().unwrap()).to_string();
        assert!(ran.starts_with(&format!("exit: {code}\n")), "{line}: {ran}");
        let said = "error: cannot write the output  [NLU-0511]\n  cause: No space left on device";
        assert!(ran.contains(said), "{line}: {ran}");
    }
}

#[test]
fn completions_are_written_for_every_shell() {
    let api = Api::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = api.nimctl(&format!("completions {shell}")).to_string();
        assert!(ran.starts_with("exit: 0") && ran.contains("hostkey"), "{ran}");
    }
}
