use super::*;
use crate::site;
use crate::world::frame::Pool;
use crate::world::update::CpuReduction;

fn world() -> World {
    let text = include_str!("../../../examples/site-small.yaml");
    site::build::world(&site::parse("site-small.yaml", text).unwrap())
}

fn said(line: &str) -> (String, u8) {
    let output = run(&mut world(), "hmc01", "viewer", line);
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status)
}

#[test]
fn the_delimiter_of_the_list_is_that_of_the_output() {
    let (text, status) = said("lssyscfg -r sys -F name:type_model:serial_num:state --header");
    assert_eq!(status, 0);
    assert_eq!(
        text,
        "name:type_model:serial_num:state\nframe1:9009-42A:7812345:Operating\nframe2:9105-42A:78A1B20:Operating\n"
    );
}

#[test]
fn each_frame_has_a_service_processor_of_its_own() {
    assert_eq!(said("lssyscfg -r sys -F ipaddr"), ("10.254.0.2\n10.254.0.3\n".to_owned(), 0));
}

#[test]
fn a_value_with_the_delimiter_quotes_the_whole_pair() {
    let (text, _) = said("lssyscfg -r sys -m frame1");
    assert!(
        text.contains(",\"lpar_proc_compat_modes=default,POWER8,POWER9_base,POWER9\""),
        "{text}"
    );
}

#[test]
fn partitions_are_found_by_machine_type_and_filter() {
    let line = "lssyscfg -r lpar -m '9009-42A*7812345' --filter \"lpar_names=lpar01,vios1a\" -F name,lpar_id,lpar_env,state";
    let expected = "vios1a,1,vioserver,Running\nlpar01,11,aixlinux,Running\n";
    assert_eq!(said(line), (expected.to_owned(), 0));
}

#[test]
fn a_profile_is_listed_with_its_attributes_and_lists_in_quotes() {
    let (text, status) = said("lssyscfg -r prof -m frame1 --filter \"lpar_ids=11\"");
    assert_eq!((text.lines().count(), status), (1, 0), "{text}");
    assert!(text.starts_with("name=default_profile,lpar_name=lpar01,lpar_id=11,"), "{text}");
    assert!(text.contains(",\"virtual_scsi_adapters=2/client/1/vios1a/"), "{text}");
}

#[test]
fn free_memory_is_what_no_partition_holds() {
    let line = "lshwres -r mem -m frame1 --level sys -F configurable_sys_mem,curr_avail_sys_mem,mem_region_size";
    assert_eq!(said(line), ("98304,54272,256\n".to_owned(), 0));
    let line = "lshwres -r proc -m frame1 --level sys -F curr_avail_sys_proc_units";
    assert_eq!(said(line), ("11.5\n".to_owned(), 0));
}

#[test]
fn a_pool_of_processors_has_a_limit_for_all_that_are_in_it() {
    let mut world = world();
    let frame = world.frames.get_mut("frame1").unwrap();
    let (most_hundredths, reserved_hundredths) = (120, 20);
    let name = "prod".to_owned();
    frame.pools.push(Pool { id: 2, name, most_hundredths, reserved_hundredths });
    frame.partitions.iter_mut().find(|one| one.name == "lpar01").unwrap().pool = 2;
    let ask = "lshwres -r procpool -m frame1 -F shared_proc_pool_id,max_pool_proc_units,curr_reserved_pool_proc_units";
    let shown = run(&mut world, "hmc01", "viewer", ask).stdout;
    assert_eq!(String::from_utf8(shown).unwrap(), "0,null,null\n2,1.2,0.2\n");
    let ask = "lshwres -r procpool -m frame1 -F name,lpar_names --header";
    let shown = String::from_utf8(run(&mut world, "hmc01", "viewer", ask).stdout).unwrap();
    assert!(
        shown.contains("\nprod,lpar01\n") && shown.starts_with("name,lpar_names\nDefaultPool,"),
        "{shown}"
    );
    assert!(
        world.fits("lpar01", CpuReduction::No).is_ok(),
        "half a processor more is just what is left"
    );
    world.frames.get_mut("frame1").unwrap().pools[0].reserved_hundredths += 1;
    let refused = world.fits("lpar01", CpuReduction::No).unwrap_err().to_string();
    assert_eq!(refused, "pool 2 has 49 hundredths of a processor free, 50 are needed");
    assert!(world.fits("lpar02", CpuReduction::No).is_ok(), "it is in the default pool");
}

#[test]
fn an_administrator_makes_users_and_gives_them_keys() {
    let mut world = world();
    let mut as_user = |user: &str, line: &str| run(&mut world, "hmc01", user, line);
    assert_eq!(as_user("viewer", "mkhmcusr -u eve -a hmcsuperadmin").status, 1);
    assert_eq!(as_user("hscroot", "mkhmcusr -u eve -a hmcviewer -d 'reads only'").status, 0);
    assert_eq!(as_user("viewer", "mkauthkeys -u eve -a 'ssh-ed25519 AAAA viewer'").status, 1);
    assert_eq!(as_user("hscroot", "mkauthkeys -u eve -a 'ssh-ed25519 AAAA eve'").status, 0);
    let listed = String::from_utf8(as_user("viewer", "lshmcusr").stdout).unwrap();
    assert!(listed.contains("name=eve,taskrole=hmcviewer,"), "{listed}");
    let eve = world.hmcs.get_mut("hmc01").unwrap().users.get_mut("eve").unwrap();
    assert_eq!(eve.keys, ["ssh-ed25519 AAAA eve"]);
    assert_eq!(eve.log_in("", 0), Err(crate::world::Denied::Wrong));
}

#[test]
fn errors_have_their_status_and_place() {
    let table = [
        ("lssyscfg -r lpar", "-m", 1),
        ("lssyscfg -r sys -F name,nonsense", "invalid attribute", 1),
        ("lssyscfg -r sys --gid", "The parameters --gid are not valid", 1),
        ("lssyscfg -r lpar -m frame1 --filter lpar_names=zz", "HSCL8012", 1),
        ("lssyscfg -r lpar -m frame1 --filter lpar_ids=399", "No results were found.", 0),
        ("frobnicate", "bash: frobnicate: command not found", 127),
        ("/bin/ls", "restricted", 127),
    ];
    for (line, text, status) in table {
        let found = said(line);
        assert!(found.0.contains(text), "{line}: {}", found.0);
        assert_eq!(found.1, status, "{line}");
    }
}

#[test]
fn a_command_on_a_vios_goes_through_the_hmc() {
    let line = "viosvrcmd -m '9009-42A*7812345' --id 1 -c ioslevel";
    assert_eq!(said(line), ("3.1.4.21\n".to_owned(), 0));
    let (text, status) = said("viosvrcmd -m frame1 -p vios1b -c 'lsmap -all -fmt :'");
    assert!(text.starts_with("vhost0:U9009.42A.7812345-V2-C200:0x0000000b:") && status == 0);
    let (text, status) = said("viosvrcmd -m frame1 -p vios1a -c 'cd /'");
    assert!(text.starts_with("HSCL2970 ") && text.contains("0403-019") && status == 1, "{text}");
    let (text, _) = said("viosvrcmd -m frame1 -p vios1a --admin -c 'lslpp -Lqc bos.rte'");
    assert!(text.starts_with("bos.rte:"), "{text}");
    assert!(said("viosvrcmd -m frame1 -p lpar01 -c ioslevel").0.starts_with("HSCL8012 "));
}

#[test]
fn lists_break_off_when_the_feed_is_garbage() {
    let mut world = world();
    let faults = &mut world.hmcs.get_mut("hmc01").unwrap().faults;
    faults.insert(ConsoleFault::FeedGarbage);
    let output = run(&mut world, "hmc01", "viewer", "lssyscfg -r sys -F name,state");
    assert_eq!(output.status, 0);
    assert!(output.stdout.ends_with(b"\x1b[2J\xff\xfe,\""), "{:?}", output.stdout);
}
