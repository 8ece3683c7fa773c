use super::*;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(|word| word.replace('~', " ")).collect()
}

/// What is run for a command line, or why nothing is.
fn run(line: &str) -> Result<String, String> {
    let query = Query::of_words(&words(line)).map_err(|bad| bad.to_string())?;
    let Invocation { program, arguments, .. } = query.invocation().unwrap();
    Ok(std::iter::once(program.to_owned()).chain(arguments).collect::<Vec<_>>().join("|"))
}

#[test]
fn each_id_is_on_the_list_once() {
    let ids: Vec<_> = LIST.iter().map(|form| form.id).collect();
    assert_eq!(ids, QueryId::ALL);
}

#[test]
fn what_deployed_tools_ask_is_run() {
    for (line, wanted) in [
        ("oslevel -s", "oslevel|-s"),
        ("/usr/bin/oslevel -s", "oslevel|-s"),
        ("oslevel", "oslevel"),
        ("emgr -l", "emgr|-l"),
        ("/usr/sbin/emgr -lv3", "emgr|-l|-v3"),
        ("emgr -P", "emgr|-P"),
        ("/usr/bin/lslpp -Lcq", "lslpp|-L|-c|-q"),
        ("lslpp -L -c all", "lslpp|-L|-c|all"),
        ("lslpp -Lqc bos.rte bos.net.*", "lslpp|-L|-q|-c|bos.rte|bos.net.*"),
        ("lspv", "lspv"),
        ("lppchk -vm3", "lppchk|-v|-m3"),
        ("instfix -ik IJ1~IJ2", "instfix|-i|-k|IJ1 IJ2"),
        ("instfix -i -k IJ1", "instfix|-i|-k|IJ1"),
        ("instfix -icqk IJ1", "instfix|-i|-c|-q|-k|IJ1"),
        ("lsvg -o", "lsvg|-o"),
        ("df -m /var", "df|-m|/var"),
    ] {
        assert_eq!(run(line).as_deref(), Ok(wanted), "{line}");
    }
}

#[test]
fn everything_else_is_refused_by_name() {
    for (line, said) in [
        ("rm -rf /", "rm is no query"),
        ("/tmp/lslpp -L", "/tmp/lslpp is no query"),
        ("", " is no query"),
        ("lppchk -cu", "lppchk -u is no query"),
        ("lslpp -Lb /etc/shadow", "lslpp -b is no query"),
        ("lslpp -R /tmp", "lslpp -R is no query"),
        ("lslpp /etc/passwd", "\"/etc/passwd\" cannot be asked of lslpp"),
        ("lslpp -L bos.rte;id", "\"bos.rte;id\" cannot be asked of lslpp"),
        ("emgr -r -L IJ1", "emgr -r is no query"),
        ("emgr -e /tmp/x.epkg.Z", "emgr -e is no query"),
        ("emgr", "emgr without -P is no query"),
        ("emgr -v3", "emgr -v is no query"),
        ("instfix -k IJ1", "instfix without -i is no query"),
        ("instfix -d /dev/cd0 -f -", "instfix -d is no query"),
        ("instfix -ik -d", "\"-d\" cannot be asked of instfix"),
        ("hostname other", "\"other\" cannot be asked of hostname"),
        ("lspv hdisk0", "\"hdisk0\" cannot be asked of lspv"),
        ("lspv -\u{e4}", "lspv -\u{e4} is no query"),
        ("df -m var", "\"var\" cannot be asked of df"),
    ] {
        let refused = run(line).unwrap_err();
        assert!(refused.starts_with(said), "{line}: {refused}");
    }
    let many = Query::new(QueryId::Lslpp, "-L", vec!["a".to_owned(); MOST + 1]);
    assert_eq!(many, Err(BadQuery::TooMany { program: "lslpp" }));
}

#[test]
fn what_arrives_is_looked_at_again() {
    let query = |text: &str| serde_json::from_str::<Query>(text).unwrap().invocation();
    assert_eq!(
        query(r#"{"id":"instfix","operands":["IJ1"]}"#).unwrap().arguments,
        ["-i", "-k", "IJ1"],
        "never without -i"
    );
    let refused = |text| query(text).unwrap_err().to_string();
    assert!(
        refused(r#"{"id":"reboot"}"#).starts_with("\"reboot\" is no query: known are oslevel,")
    );
    assert!(refused(r#"{"id":"lslpp","options":["L -b/etc"]}"#).contains("is no query"));
    assert!(refused(r#"{"id":"lslpp","operands":["-u"]}"#).contains("cannot be asked"));
    assert!(refused(r#"{"id":"instfix","operands":["IJ1 -d /dev/cd0"]}"#).contains("cannot"));
}

#[test]
fn options_are_written_as_nim_takes_them() {
    let options = |text: &str| Query::new(QueryId::Lslpp, text, Vec::new()).map(|one| one.options);
    assert_eq!(options("-Lc").unwrap(), ["L", "c"]);
    assert_eq!(options("Lc").unwrap(), ["L", "c"]);
    assert_eq!(options("-L -c").unwrap(), ["L", "c"]);
    assert_eq!(options("").unwrap(), [""; 0]);
}
